"""What the course shows: HTML in a notebook, elsewhere text, on a console that lacks some letters with stand-ins.

Consoles of a Korean or a Western Windows lack some, and so does a C locale.
"""

import codecs
import sys
import unicodedata

STAND_INS = {"−": "-", "–": "-", "✓": "+", "✗": "x", "○": "o", "→": "->", "↳": "->", "×": "x", "·": "*", "…": "...",
             "‖": "||", "±": "+-", "≤": "<=", "≥": ">=", "½": "1/2", "√": "sqrt ", "∇": "grad ", "‘": "'", "’": "'",
             "“": '"', "”": '"', "§": "#", "★": "*", "☆": "."}
WIDGET = "application/vnd.jupyter.widget-view+json"  # the type of an output that needs its kernel
ERRORS = "aecourse"  # the name of the rule, for str.encode and for a stream's `errors`


def say(text: str, end: str = "\n") -> None:
    """Print a text, with stand-ins for the letters that standard output cannot show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, ERRORS).decode(encoding, "replace"), end=end, flush=True)


def show(text: str, markup: str, more: dict | None = None) -> None:
    """Display HTML in a notebook, with ``more`` data by type in the same output; elsewhere print the text."""
    if not in_notebook():
        say(text)
        return
    from IPython.display import display

    display({"text/plain": text, "text/html": markup, **(more or {})}, raw=True)


def in_notebook() -> bool:
    """Return whether a notebook's kernel runs this."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _stand_in(letter: str) -> str:
    """Return what is read in a letter's place: Greek ones by name, a power with "^", "?" where nothing comes near."""
    if letter in STAND_INS:
        return STAND_INS[letter]
    name = unicodedata.name(letter, "")
    if name.startswith("GREEK "):
        return name.split()[-1].lower()
    bare = unicodedata.normalize("NFKD", letter).replace("−", "-").encode("ascii", "ignore").decode()
    return "^" * name.startswith("SUPERSCRIPT") + bare or "?" * (not unicodedata.combining(letter))


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    if "\udc80" <= letter <= "\udcff":  # a byte of a path that this locale could not read: out as it came in
        return bytes([ord(letter) - 0xDC00]), error.start + 1
    return _stand_in(letter), error.start + 1


codecs.register_error(ERRORS, _replace)
