"""How a message is laid out, and how a variable is set on this system."""

import os
import shlex
import textwrap
from pathlib import Path

WIDTH = 76  # letters of a line: a terminal of 80 columns and a notebook's output break a longer one within a word
INDENT = "    "  # before what is not prose: a path, a command
BLANK = "\0"  # in the place of a blank at which no line ends


def lines(*parts: str) -> str:
    """Return the parts below each other: prose in short lines broken between words, an indented part whole."""
    together = (part if part.startswith(INDENT) else _wrapped(part, first=not i) for i, part in enumerate(parts))
    return "\n".join(together).replace(BLANK, " ")


def whole(path: Path) -> str:
    """Return a path that `lines` does not break at its blanks, for a path within a sentence."""
    return str(path).replace(" ", BLANK)


def setting(name: str, value: str | None) -> tuple[str, ...]:
    """Return the line, on Windows one for each of two shells, that sets a variable there; None takes it away."""
    if os.name == "nt":
        inside = "Remove-Item Env:" + name if value is None else f'$env:{name} = "{value}"'
        return f"{INDENT}PowerShell:      {inside}", f"{INDENT}command prompt:  set {name}={value or ''}"
    return (f"{INDENT}unset {name}" if value is None else f"{INDENT}export {name}={shlex.quote(value)}",)


def some_folder() -> str:
    """Return the path of a folder, as an example of how one is written here."""
    return r"C:\path\to\folder" if os.name == "nt" else "/path/to/folder"


def _wrapped(text: str, first: bool) -> str:
    """Return the text in lines; the first leaves room for the "aecourse: " or "DataError: " that stands before it."""
    return textwrap.fill(text, WIDTH, initial_indent=" " * 11 * first, break_long_words=False,
                         break_on_hyphens=False).lstrip()
