"""What a unit asks of a learner: words, cells, things to do, minutes. Counted from its source, and held to limits.

A unit is one notebook that is read and done in one sitting. Its minutes are computed from the counts; they stand in its
first cell, and README.md takes them from there.
"""

import re
import statistics
from dataclasses import dataclass

WORDS, CELLS, MEDIAN, LONGEST, TO_DO, MINUTES, SECONDS = 2000, 30, 6, 20, 3, 45, 60
LONGER = {"06": 120, "07": 120, "10": 120}  # seconds, of the lessons whose trainings take longer
PLACE = "{minutes}"  # where the minutes belong, in a unit's first cell

WORDS_A_MINUTE, LINES_A_MINUTE, PICTURE, DOING = 130, 8, 1, 2  # minutes for a picture or table, for a thing to do

_PICTURE = re.compile(r"\bplots\.(?:images|curves|class_map|shares|matrix)\(|\bdiagrams\.\w+\(|\bsubplots\(")
_TABLE = re.compile(r"^(?:table|score)\(", re.MULTILINE)
_TO_DO = re.compile(r"^prediction_\w+ = None\b|^try_it\(|^check\.\w+\(\.\.\.\)", re.MULTILINE)
_CLAIM = re.compile(r"^claim(?:\.checkpoint)?\(", re.MULTILINE)
_LAST = re.compile(r"Checkpoint|What to keep|Summary|Glossary")  # sections that look back
_LOOKED_UP = re.compile(r"^## [^\n]*Glossary.*?(?=^## |\Z)|^### Papers.*", re.MULTILINE | re.DOTALL)  # not read through


@dataclass(frozen=True)
class Counts:
    """What there is in a unit."""

    words: int
    lines: tuple[int, ...]  # of each code cell, without blank ones
    pictures: int  # and tables
    to_do: int
    idle: tuple[str, ...]  # sections with code and nothing to do

    @property
    def minutes(self) -> int:
        """The minutes that a first-time reader takes."""
        return round(self.words / WORDS_A_MINUTE + sum(self.lines) / LINES_A_MINUTE + PICTURE * self.pictures
                     + DOING * self.to_do)

    @property
    def median(self) -> float:
        return statistics.median(self.lines or (0,))


def count(nb) -> Counts:
    """Return the counts of a notebook. A glossary and the list of papers are looked up, and not read through."""
    words, lines, pictures, to_do = 0, [], 0, 0
    doing: dict[str, list[int]] = {}  # section → number of code cells, of things to do
    section = ""
    for cell in nb.cells:
        text = cell.source
        if cell.cell_type != "code":
            words += _words(_LOOKED_UP.sub("", text))
            section = (re.findall(r"^## (.+)$", text, re.MULTILINE) or [section])[-1]
            continue
        if _CLAIM.search(text):
            continue
        here = len(_TO_DO.findall(text))
        lines.append(sum(bool(line.strip()) for line in text.splitlines()))
        pictures += bool(_PICTURE.search(text)) + len(_TABLE.findall(text))
        to_do += here
        counted = doing.setdefault(section, [0, 0])
        counted[0] += 1
        counted[1] += here
    idle = [name for name, (_, n) in doing.items() if not n and name and not _LAST.search(name)]
    return Counts(words, tuple(lines), pictures, to_do, tuple(idle))


def prepare(nb) -> None:
    """Write the computed minutes into the first cell, and fold the cells that state claims."""
    nb.cells[0].source = nb.cells[0].source.replace(PLACE, str(count(nb).minutes))
    for cell in nb.cells:
        if cell.cell_type == "code" and _CLAIM.search(cell.source):
            cell.metadata["jupyter"] = {"source_hidden": True}


def over(name: str, counts: Counts, seconds: int) -> list[str]:
    """Return a line for each limit that a unit breaks."""
    most = LONGER.get(name[:2], SECONDS)
    lines = [f"{name}: {value:g} {what}, at most {limit} are allowed" for value, limit, what in (
        (counts.words, WORDS, "words of prose"), (len(counts.lines), CELLS, "code cells"),
        (counts.median, MEDIAN, "lines in the middle code cell"),
        (max(counts.lines, default=0), LONGEST, "lines in its longest code cell"),
        (counts.minutes, MINUTES, "minutes"), (seconds, most, "seconds")) if value > limit]
    if counts.to_do < TO_DO:
        lines.append(f"{name}: {counts.to_do} things to do, at least {TO_DO} are asked for")
    return lines + [f"{name}: there is nothing to do in the section {section!r}" for section in counts.idle]


def table(rows: dict[str, tuple[Counts, int]]) -> str:
    """Return the counts of units, name → (counts, seconds), beside the limits."""
    head = ["unit", "words", "cells", "median", "longest", "to do", "minutes", "seconds"]
    limits = ["at most", WORDS, CELLS, MEDIAN, LONGEST, f"{TO_DO} or more", MINUTES, f"{SECONDS}, {LONGER['06']}"]
    body = [[name, c.words, len(c.lines), f"{c.median:g}", max(c.lines, default=0), c.to_do, c.minutes, seconds]
            for name, (c, seconds) in rows.items()]
    lines: list[list] = [head, limits, *body]
    texts = [[str(cell) for cell in row] for row in lines]
    widths = [max(len(row[i]) for row in texts) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(
        zip(row, widths, strict=True))) for row in texts)


def _words(text: str) -> int:
    """Return the number of words of Markdown; a formula counts as one, a link's target as none."""
    text = re.sub(r"\$\$.+?\$\$|\$[^$]+\$", " formula ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|^\s*\|?[-|: ]+\|$", " ", text, flags=re.MULTILINE)
    return len(re.findall(r"\w[\w'’-]*", text))
