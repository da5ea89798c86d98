"""README.md's two tables: the lessons (title, promise, minutes, seconds of the last build) and the main results."""

import re
from pathlib import Path

from aecourse import CourseError
from aecourse.authoring import results
from aecourse.base import project

START, END = "<!-- syllabus: made by aecourse build -->\n", "<!-- end of syllabus -->\n"
RESULTS = "<!-- main results: made by aecourse build -->\n", "<!-- end of main results -->\n"
HEAD = "| lesson | what it promises | minutes | seconds | lab |\n|---|---|---|---|---|\n"


def page(root: Path) -> str:
    """Return README.md with its tables made anew; a table without its two marks is left out."""
    text = (root / "README.md").read_text(encoding="utf-8")
    for (start, end), rows in (((START, END), lambda: [HEAD, *_rows(root)]), (RESULTS, lambda: results.headline(root))):
        if start in text and end in text:
            before, rest = text.split(start, 1)
            text = before + start + "".join(rows()) + end + rest.split(end, 1)[1]
    return text


def _rows(root: Path) -> list[str]:
    sheets = project.exercises(root)
    solutions = project.solutions(root)
    rows = []
    for name, path in project.lessons(root).items():
        title, promise, minutes, seconds = _facts(path)
        lab = f"lab{name.split('_')[0]}"
        cell = "–"
        if lab in sheets:
            _, _, lab_minutes, lab_seconds = _facts(solutions[lab])
            cell = f"[{lab}]({sheets[lab].relative_to(root).as_posix()}), {lab_minutes} minutes, {lab_seconds} s"
        link = path.relative_to(root).as_posix()
        rows.append(f"| [{title}]({link}) | {promise} | {minutes} | {seconds} | {cell} |\n")
    return rows


def _facts(path: Path) -> tuple[str, str, str, int]:
    """Return a notebook's title, promise, minutes to read or work, and seconds of its last execution."""
    nb = project.load(path)
    text = " ".join(nb.cells[0].source.split())
    title = re.search(r"^# (.+)$", nb.cells[0].source, flags=re.MULTILINE)
    minutes = re.search(r"\*\*Time:\*\*[^.;]*?(\d+) minutes", text)
    if title is None or minutes is None:
        raise CourseError(f"{path.name}: the first cell needs a title and '**Time:** … N minutes'.")
    promise = re.search(r"\*\*Promise\.\*\* (.+?\.)(?: |$)", text)
    return title[1], promise[1] if promise else "", minutes[1], nb.metadata["aecourse"]["seconds"]
