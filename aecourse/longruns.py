"""What the long runs reached, for the lessons that quote them; benchmarks/papers.py does the runs."""

import json
from pathlib import Path

from aecourse import CourseError
from aecourse.base import project
from aecourse.base.messages import INDENT, lines

FILE = "benchmarks/papers.json"  # the build counts it among the helpers of a lesson that imports this module


def load(root: Path | None = None) -> dict[str, dict]:
    """Return name → record of the finished long runs, {} where there is no file of them.

    Lessons name no folder and get this course's runs; where those are not there, that is said. The build names one.

    A record has the ``value``, over ``seeds`` with ``spread`` (their standard deviation, None for one seed), its
    ``unit``, the ``paper``'s figure, the ``protocol`` in words, the ``data`` set and the ``seconds`` that it took;
    some have a ``curve``, one value for each epoch, watched on training images.
    """
    path = (root or project.ROOT) / FILE
    if root is None and not path.is_file():
        print(lines(f"The long runs' results, {FILE}, are not in this copy of the course: tables and pictures of long "
                    "runs below are empty. With git, this brings them back in the course's folder:",
                    f"{INDENT}git checkout -- {FILE}"))
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {name: {**record, "run": name, "name": record["claim"]} for name, record in sorted(stored.items())}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CourseError(f"{FILE} is not a file that benchmarks/papers.py wrote; take it from git again.") from None
