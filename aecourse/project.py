"""Where things lie in the course's folder, and how a file there is written."""

import os
import re
import tempfile
from pathlib import Path

from aecourse import CourseError

ROOT = Path(__file__).resolve().parent.parent  # the package is installed with -e, so this is the learner's folder


def lessons(root: Path = ROOT) -> dict[str, Path]:
    """Return name → built notebook of every lesson, in order."""
    return {path.stem: path for path in sorted((root / "notebooks").glob("*.ipynb"))}


def solutions(root: Path = ROOT) -> dict[str, Path]:
    """Return name → built notebook of every lab with its answers, in order."""
    return {path.stem: path for path in sorted((root / "solutions").glob("*/*.ipynb"))}


def exercises(root: Path = ROOT) -> dict[str, Path]:
    """Return name → built notebook of every lab without its answers, in order."""
    return {path.stem: path for path in sorted((root / "exercises").glob("*/*.ipynb"))}


def copies(root: Path = ROOT) -> dict[str, Path]:
    """Return name → the learner's copy of every lab, whether it was made yet or not."""
    return {name: root / "work" / path.name for name, path in exercises(root).items()}


def choose(asked: list[str], known: list[str]) -> list[str]:
    """Return the known names that start with one of those asked for, in the known order; none asked means all.

    A path is taken for its file's name, so that a shell's completion works. A name that fits nothing raises
    CourseError with the names there are.
    """
    found = set()
    for text in asked:
        start = re.split(r"[/\\]", text.rstrip("/\\"))[-1].removesuffix(".ipynb").removesuffix(".py")
        fits = [start] if start in known else [name for name in known if start and name.startswith(start)]
        if not fits:
            there = f"the names are: {', '.join(known)}." if known else "nothing is built here yet."
            raise CourseError(f"no lesson or lab is named {text!r}; {there}")
        found.update(fits)
    return [name for name in known if name in found or not asked]


def load(path: Path):
    """Return a stored notebook; a file that is none raises CourseError."""
    import nbformat

    try:
        nb = nbformat.read(path, as_version=4)
        nbformat.validate(nb)
    except Exception as error:  # nbformat lets several kinds through
        raise CourseError(f"{path} cannot be read as a notebook ({type(error).__name__}).") from None
    return nb


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, a text as UTF-8; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with open(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(temporary, 0o644)  # a temporary file is private to its maker, a page of the course is not
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
