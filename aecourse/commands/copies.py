"""The learner's copies of lessons and labs in ``work/``: made once, without outputs, and never overwritten."""

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from aecourse import CourseError
from aecourse.base import project

FEW = 3  # so many new copies are named, more are counted

# A link or a picture in Markdown, or in HTML within it; the second group is the target without its anchor.
_LINK = re.compile(r"""(\]\(\s*|^ *\[[^\]]+\]: *|\b(?:href|src)=["'])([^\s()"'#]+)""", re.MULTILINE)


def make(root: Path) -> list[str]:
    """Copy each lesson and lab that has no copy yet, and return lines that say what a learner should know.

    Raises
    ------
    CourseError
        A copy cannot be written.
    """
    new, changed, lines = [], [], []
    sheets = project.sheets(root)
    for name, copy in project.copies(root).items():
        sheet = sheets[name]
        try:
            if copy.exists():
                state = _state(copy, sheet)
            else:
                project.write(copy, _blank(sheet, root))
                state = "new"
        except OSError as error:
            raise CourseError(project.why(error, copy)) from None
        where = copy.relative_to(root).as_posix()
        if state == "new":
            new.append(where)
        elif state == "changed":
            changed.append(where)
        elif state == "no notebook":
            lines.append(f"{where} is empty or cut off, so it cannot be opened: rename or delete it, then run again: "
                         "python -m aecourse lab")
    if changed:
        lines.append(f"The course has changed since these copies were made: {', '.join(changed)}. Yours stay as they "
                     "are; for a fresh one rename yours, then run: python -m aecourse lab")
    return [*_announce(new, root), *lines]


def readable(copy: Path) -> bool:
    """Return whether JupyterLab can open the copy."""
    return _read(copy) is not None


def _announce(new: list[str], root: Path) -> list[str]:
    if len(new) <= FEW:
        return [f"{where}: your copy is ready." for where in new]
    labs = sum(Path(where).stem in project.exercises(root) for where in new)
    parts = [f"{n} {kind}{'s' * (n > 1)}" for n, kind in ((len(new) - labs, "lesson"), (labs, "lab")) if n]
    return [f"Your copies of {' and '.join(parts)} are in work/."]


def _state(copy: Path, sheet: Path) -> str:
    """Return "no notebook", "changed" or "same"; a copy that does not say what it was made from counts as the same."""
    nb = _read(copy)
    if nb is None:
        return "no notebook"
    made_from = _mark(nb)
    return "changed" if made_from is not None and made_from != _mark(_read(sheet)) else "same"


def _read(path: Path) -> dict[str, Any] | None:
    """Return a notebook as it is stored, None where the file holds none (a learner may have saved anything there)."""
    try:
        nb = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # no JSON, or no UTF-8
        return None
    cells = nb.get("cells") if isinstance(nb, dict) else None
    return nb if isinstance(cells, list) and all(isinstance(cell, dict) for cell in cells) else None


def _mark(nb: dict[str, Any] | None) -> str | None:
    """Return the digest of the text that a notebook was made from: a lab's sheet, a lesson's source."""
    try:
        record = (nb or {})["metadata"]["aecourse"]
        return record.get("sheet") or record.get("source")
    except (KeyError, TypeError, AttributeError):
        return None


def _blank(sheet: Path, root: Path) -> str:
    """Return the text of a copy: no outputs, and links that lead to the other copies."""
    nb = _read(sheet)
    if nb is None:
        raise CourseError(f"{sheet} is not whole: unpack the course again, or in a clone of it run: "
                          "git checkout -- notebooks exercises")
    copies = project.copies(root)
    targets = {sheet: copies[name] for name, sheet in project.sheets(root).items()}
    for cell in nb["cells"]:
        if cell.get("cell_type") == "code":
            cell["outputs"], cell["execution_count"] = [], None
        elif cell.get("cell_type") == "markdown":
            text = cell.get("source", "")
            cell["source"] = _relink(text if isinstance(text, str) else "".join(text), sheet, root / "work", targets)
    return json.dumps(nb, ensure_ascii=False, indent=1) + "\n"


def _relink(text: str, sheet: Path, work: Path, targets: dict[Path, Path]) -> str:
    """Return Markdown whose relative links lead from ``work/`` to where they led from the sheet, or to its copy.

    ``targets`` says for each sheet where its copy is.
    """
    def lead(match: re.Match[str]) -> str:
        start, link = match.groups()
        target = Path(os.path.normpath(sheet.parent / unquote(link)))
        if ":" in link or not (target in targets or target in targets.values() or target.exists()):
            return match[0]  # a page on the web, an attached picture, a piece of code that looks like a link
        return start + quote(Path(os.path.relpath(targets.get(target, target), work)).as_posix())

    return _LINK.sub(lead, text)
