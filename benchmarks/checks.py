"""How long does a learner wait for a check? Every exercise of every lab, with right and wrong answers.

    python benchmarks/checks.py            # every exercise, the slowest first
    python benchmarks/checks.py --write    # and store the slowest five in benchmarks/README.md

Each exercise is checked with its reference, with each known mistake, with ten pairs of mistakes, and with the wrong
answers of `tests/check/` that are in no list, for which all mistakes and their pairs are tried; what counts is the
slowest answer of each kind. A check should answer in under two seconds.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import page

from aecourse import check, data
from aecourse.base import project
from aecourse.check.engine.exercise import Exercise
from aecourse.check.engine.lab import examine

sys.path.insert(0, str(project.ROOT / "tests" / "check"))
KINDS = ("right", "one mistake", "two mistakes", "not listed")


def answers(exercise: Exercise, unlisted: list[tuple]) -> Iterator[tuple[str, Any]]:
    """Return pairs of a kind and an answer of this kind."""
    if exercise.reference is not None:
        yield "right", exercise.reference
    for mistake in exercise.mistakes:
        yield "one mistake", exercise.wrong(mistake)
    pairs = [wrong for pair in combinations(exercise.mistakes, 2) if (wrong := exercise.wrong(*pair)) is not None]
    for wrong in pairs[:: max(1, len(pairs) // 10)]:
        yield "two mistakes", wrong
    yield from (("not listed", answer) for name, answer, _ in unlisted if name == exercise.name)


def seconds(exercise: Exercise, answer: Any) -> float:
    start = time.perf_counter()
    examine(exercise, answer)
    return time.perf_counter() - start


def measure() -> list[list[str]]:
    """Return for every exercise the seconds of its slowest check, of each kind; the slowest exercise first."""
    found = []
    for folder in sorted(Path(check.__path__[0]).glob("lab*")):
        lab = importlib.import_module(f"aecourse.check.{folder.name}")
        unlisted = getattr(importlib.import_module(f"test_{folder.name}"), "UNLISTED", ())
        for exercise in lab.EXERCISES:
            slowest: dict[str, float] = {}
            for kind, answer in answers(exercise, unlisted):
                slowest[kind] = max(slowest.get(kind, 0.0), seconds(exercise, answer))
            found.append((max(slowest.values()), f"{folder.name} `{exercise.name}`", slowest))
    return [[name, *(f"{slowest[kind]:.2f}" if kind in slowest else "" for kind in KINDS)]
            for _, name, slowest in sorted(found, key=lambda row: -row[0])]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="store the slowest five in benchmarks/README.md")
    arguments = parser.parse_args()
    data.load()  # as the first cell of a lab does
    rows = measure()
    head = ["exercise", *(f"{kind}, seconds" for kind in KINDS)]
    print(page.table(head, rows))
    if arguments.write:
        page.store("python benchmarks/checks.py --write", f"Measured on {page.machine()}. The slowest five of "
                   f"{len(rows)} exercises; in each column the slowest answer of its kind:\n\n"
                   + page.table(head, rows[:5]))
