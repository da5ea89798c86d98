"""aecourse: the small helper package of a course on autoencoders.

Import the modules by name (``from aecourse import data, plots``). This file stays light, so that
``aecourse --help`` and ``aecourse doctor`` answer even where torch is missing or broken.
"""

import sys

__version__ = "0.1.0"


class CourseError(RuntimeError):
    """A problem that the learner can mend: one clear sentence and, where there is one, the command that mends it."""

    def _render_traceback_(self) -> "list[str]":  # quoted: an old Python must be able to import this
        # IPython asks an exception for this: a learner sees the sentence, not forty lines of our calls.
        return [f"{type(self).__name__}: {self}"]


_shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
if _shell is not None:  # in a notebook
    from aecourse.base import notebook

    notebook.load_ipython_extension(_shell)
