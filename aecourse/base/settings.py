"""The environment variables that set the course's data: the one place that reads them. (`devices` reads its own.)"""

import os
from pathlib import Path

from aecourse import CourseError
from aecourse.base.messages import INDENT, lines, setting

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")
QUOTES = {'""', "''", "“”", "‘’"}  # as a command prompt of Windows leaves them, or a page from which a line is copied


def text(name: str) -> str:
    """Return what a variable holds, without the blanks and the quotes around it; "" where it is not set."""
    value = os.environ.get(name, "").strip()
    return value[1:-1].strip() if value[:1] + value[1:][-1:] in QUOTES else value


def quick() -> bool:
    """Return whether ``AECOURSE_QUICK`` asks for a hurried run; CourseError where it is neither yes nor no."""
    value = text("AECOURSE_QUICK")
    if value.lower() not in YES + NO:
        raise CourseError(lines(f"AECOURSE_QUICK is {value!r}. It takes {', '.join(YES)} for a hurried run on fewer "
                                f"images, and {', '.join(NO[:-1])} or nothing for a whole one."))
    return value.lower() in YES


def data_set() -> str:
    """Return the name in ``AECOURSE_DATASET``, in small letters; "" where it is not set."""
    return text("AECOURSE_DATASET").lower()


def folder(name: str) -> Path | None:
    """Return the folder that a variable names, with ``~`` and other variables written out; None where it is not set.

    Raises
    ------
    CourseError
        The path is relative, so that it would mean another folder in each notebook's, or it is a file's.
    """
    value = text(name)
    if not value:
        return None
    path = Path(os.path.expandvars(os.path.expanduser(value)))
    if not path.is_absolute():
        hint = path.name if str(path).startswith("~") else path  # a home folder that is not known stays as it is
        raise CourseError(lines(f"{name} must be the absolute path of a folder; it is {value!r}. For example:",
                                *setting(name, str(Path(hint).absolute()))))
    if os.path.isfile(path):
        raise CourseError(lines(f"{name} names a file, not a folder:", f"{INDENT}{path}", "Perhaps its folder is "
                                "meant:", *setting(name, str(path.parent))))
    return path
