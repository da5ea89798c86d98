"""From a text source in ``authoring/`` to a notebook, and from a lab's solutions to its exercises. Nothing is executed.

A lesson becomes ``notebooks/NAME.ipynb``; a lab becomes ``solutions/LAB/LAB.ipynb`` and, with the answers taken out by
nbgrader's own preprocessors, ``exercises/LAB/LAB.ipynb``. For authors: a learner's commands do not import this module.
"""

import copy
import re
from dataclasses import dataclass
from pathlib import Path

from aecourse import CourseError
from aecourse.authoring import units
from aecourse.authoring.dependencies import digest, helpers
from aecourse.base import project

STUB = "...  # YOUR CODE HERE"  # what a learner finds in an answer's place; nbgrader_config.py takes it from here
DATASET = "mnist"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python", "pygments_lexer": "ipython3",
            "nbconvert_exporter": "python", "codemirror_mode": {"name": "ipython", "version": 3}}


@dataclass(frozen=True)
class Source:
    """One text source and the places of its products below the root."""

    path: Path
    root: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def is_lab(self) -> bool:
        return self.path.parent.name == "labs"

    @property
    def product(self) -> Path:
        """The executed notebook."""
        folder = self.root / "solutions" / self.name if self.is_lab else self.root / "notebooks"
        return folder / f"{self.name}.ipynb"

    @property
    def exercise(self) -> Path:
        """The notebook without answers (of a lab)."""
        return self.root / "exercises" / self.name / f"{self.name}.ipynb"


def find_sources(root: Path, names: list[str] | None = None) -> list[Source]:
    """Return the sources, lessons first, whose names start with one of `names`."""
    paths = [path for kind in ("lessons", "labs") for path in sorted((root / "authoring" / kind).glob("*.py"))]
    if not paths:
        raise CourseError(f"there are no sources in {root / 'authoring'}; aecourse build runs in the course's folder.")
    known = {path.stem: Source(path, root) for path in paths}
    return [known[name] for name in project.choose(names or [], list(known))]


def read(source: Source):
    """Return the source as a notebook that was not executed: stable cell ids, normalised metadata, its digests."""
    try:
        import jupytext
    except ImportError:
        raise _missing("jupytext") from None

    import nbformat

    from aecourse.base import datafiles  # the raw files alone: data.py would load torch

    text = source.path.read_text(encoding="utf-8")
    nb = jupytext.reads(text, fmt="py:percent")
    nb.nbformat_minor = 5  # the first with cell ids
    if not source.is_lab:
        units.prepare(nb)
    taken: set[str] = set()
    for cell in nb.cells:
        cell.id = _cell_id(cell, taken)
        for key in ("lines_to_next_cell", "lines_to_end_of_cell_marker"):  # jupytext's notes on the text's layout
            cell.metadata.pop(key, None)
    files = helpers(text, source.root, source.path.relative_to(source.root).as_posix())
    record = {"source": digest(text), "helpers": files,
              "data": datafiles.fingerprint(DATASET) if "aecourse/data.py" in files else None}
    record["digest"] = digest(repr(sorted(record.items())), 64)
    nb.metadata = {"kernelspec": dict(KERNEL), "language_info": copy.deepcopy(LANGUAGE), "aecourse": record,
                   **{key: value for key, value in nb.metadata.items()
                      if key not in ("kernelspec", "language_info", "jupytext", "aecourse")}}
    return nbformat.from_dict(nb)


def _cell_id(cell, taken: set[str]) -> str:
    """Return the cell's grade_id, else a digest of its source; equal ones get a counter."""
    base = cell.metadata.get("nbgrader", {}).get("grade_id") or digest(f"{cell.cell_type}\n{cell.source}")
    base = name = re.sub(r"[^a-zA-Z0-9_-]", "-", str(base))[:56]
    count = 1
    while name in taken:
        count += 1
        name = f"{base}-{count}"
    taken.add(name)
    return name


def strip(nb, name: str) -> str:
    """Return the text of a lab without answers and outputs, the same as nbgrader's generate_assignment writes."""
    try:
        from nbgrader import preprocessors as p
    except ImportError:
        raise _missing("nbgrader") from None
    from nbconvert.exporters import NotebookExporter
    from traitlets.config import Config

    config = Config()
    config.Exporter.default_preprocessors = []
    config.ClearSolutions.code_stub = {"python": STUB}
    exporter = NotebookExporter(config=config)
    # nbgrader's own order, without the steps for headers, automatic tests and its database
    for step in (p.LockCells, p.ClearSolutions, p.ClearOutput, p.CheckCellMetadata, p.ComputeChecksums,
                 p.ClearHiddenTests, p.ClearMarkScheme, p.ComputeChecksums, p.CheckCellMetadata):
        exporter.register_preprocessor(step, enabled=True)
    try:
        text, _ = exporter.from_notebook_node(loads(dumps(nb)))
    except Exception as error:  # nbgrader raises several kinds, each about the author's cell metadata
        raise CourseError(f"{name}: nbgrader cannot take the answers out: {error}") from None
    return text


def dumps(nb) -> str:
    import nbformat

    return nbformat.writes(nb, version=4).rstrip("\n") + "\n"


def loads(text: str):
    import nbformat

    return nbformat.reads(text, as_version=4)


def _missing(package: str) -> CourseError:
    return CourseError(f"aecourse build needs {package}, which is not installed: "
                       "python -m pip install -r requirements-dev.txt")
