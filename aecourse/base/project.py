"""Where things lie in the course's folder, and how a file there is written."""

import errno
import os
import re
import tempfile
from pathlib import Path

from aecourse import CourseError

ROOT = Path(__file__).resolve().parents[2]  # the package is installed with -e, so this is the learner's folder


def lessons(root: Path = ROOT) -> dict[str, Path]:
    """Return name → built notebook of every lesson, in order."""
    return {path.stem: path for path in sorted((root / "notebooks").glob("*.ipynb"))}


def solutions(root: Path = ROOT) -> dict[str, Path]:
    """Return name → built notebook of every lab with its answers, in order."""
    return {path.stem: path for path in sorted((root / "solutions").glob("*/*.ipynb"))}


def exercises(root: Path = ROOT) -> dict[str, Path]:
    """Return name → built notebook of every lab without its answers, in order."""
    return {path.stem: path for path in sorted((root / "exercises").glob("*/*.ipynb"))}


def sheets(root: Path = ROOT) -> dict[str, Path]:
    """Return name → what a learner's copy is made from: every lesson, and every lab without its answers, in order."""
    return {**lessons(root), **exercises(root)}


def copies(root: Path = ROOT) -> dict[str, Path]:
    """Return name → the learner's copy of every lesson and lab, whether it was made yet or not."""
    return {name: root / "work" / path.name for name, path in sheets(root).items()}


def require_course(command: str) -> None:
    """Raise CourseError where the package was installed by itself, so that a command finds no lessons beside it."""
    near = other_course()
    if _is_course(ROOT):
        return
    how = (f"In {near} run: python -m aecourse {command}" if near else
           "Clone or unpack the course, and in its folder run: python -m pip install -r requirements.txt")
    raise CourseError(f"the package in {ROOT} has no lessons beside it: the course is run from its folder. {how}")


def other_course() -> Path | None:
    """Return the folder of another course in which the reader is, so that this one may not be meant; None elsewhere."""
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise CourseError("the folder that this terminal is in is not there any more. Go to the course's folder and "
                          f"try again: cd {ROOT}") from None
    near = next((folder for folder in (here, *here.parents) if _is_course(folder)), None)
    return near if near and not near.samefile(ROOT) else None


def _is_course(folder: Path) -> bool:
    return (folder / "aecourse").is_dir() and any((folder / room).is_dir() for room in ("notebooks", "authoring"))


def choose(asked: list[str], known: list[str]) -> list[str]:
    """Return the known names that start with one of those asked for, in the known order; none asked means all.

    A path is taken for its file's name, so that a shell's completion works. A name that fits nothing raises
    CourseError with the names there are.
    """
    found: set[str] = set()
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


def kernel_environment(root: Path = ROOT) -> dict[str, str]:
    """Return the environment in which a kernel imports the `aecourse` of this folder, whichever is installed."""
    env = {key: value for key, value in os.environ.items() if key != "NBGRADER_EXECUTION"}  # this is no grading
    env["PYTHONPATH"] = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    env["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # a shell's own choice would swallow the figures
    return env


def why(error: OSError, path: Path, otherwise: str = "put the course into a folder that you may write") -> str:
    """Return one sentence on why ``path`` cannot be written and what helps.

    Parameters
    ----------
    error
        What the attempt raised.
    path
        The file or folder that was to be written.
    otherwise
        What helps where the place itself is the trouble, such as 'set AECOURSE_CACHE to a folder that you may write'.
    """
    number = error.errno
    if number in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        reason, remedy = "the disk is full, or your share of it", "free some space there and try again"
    elif number == errno.ENAMETOOLONG or getattr(error, "winerror", None) == 206:
        reason, remedy = "its path is too long for this system", "move the course into a folder with a short path"
    elif number in (errno.EACCES, errno.EPERM):
        reason = "no permission" + ", or another program has it open" * (os.name == "nt")
        remedy = otherwise
    elif number == errno.EROFS:
        reason, remedy = "the disk is read-only", otherwise
    elif number in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        reason, remedy = "a file lies where a folder should be, or a folder in a file's place", "rename what lies there"
    else:
        reason, remedy = error.strerror or str(error), otherwise
    return f"{path} cannot be written ({reason}): {remedy}."


def save(path: Path, content: str | bytes) -> None:
    """Write a file as `write` does; what keeps it from being written is a CourseError with `why`."""
    try:
        write(path, content)
    except OSError as error:
        raise CourseError(why(error, path)) from None


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
