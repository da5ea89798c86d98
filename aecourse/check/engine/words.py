"""English for the cards: articles and numbers."""

from typing import Any


def a(value: Any) -> str:
    """Return what kind of thing a value is, with its article: "a list", "an int"."""
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' or kind == 'ndarray' else 'a'} {kind}"


def many(n: int, what: str) -> str:
    """Return a count with its noun: "1 number", "3 numbers"."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
