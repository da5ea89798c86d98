"""Small helpers to draw fresh inputs: numbers that a learner can work with by hand, and their text."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Mistake


def rows(table: Tensor, digits: str = ".3g") -> str:
    """Return a table (N, D) as text, a list of its rows."""
    return "[" + ", ".join("[" + ", ".join(f"{v:{digits}}" for v in row) + "]" for row in table) + "]"


def row(values: Tensor, digits: str = ".3g") -> str:
    """Return numbers (D,) as text."""
    return rows(values[None], digits)[1:-1]


def tenths(low: int, high: int, *shape: int, generator: torch.Generator) -> Tensor:
    """Return random multiples of 0.1, from low / 10 to high / 10."""
    return torch.randint(low, high + 1, shape, generator=generator) / 10


def between(low: int, high: int, generator: torch.Generator) -> int:
    """Return a random whole number from low to high."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def signed(low: float, high: float, *shape: int, generator: torch.Generator) -> Tensor:
    """Return numbers of both signs whose sizes lie between the two, none of them near 0."""
    size = low + (high - low) * torch.rand(shape, generator=generator)
    return size * (2 * torch.randint(0, 2, shape, generator=generator) - 1)


def telling(family: Callable, mistakes: Iterable[Mistake], args: tuple, pairs: bool = True, by: float = 2e-3) -> bool:
    """Return whether every mistake differs on this input from the right answer, and with ``pairs`` from all others."""
    values = [family()(*args), *(family(**mistake.wrong)(*args) for mistake in mistakes)]
    both = [(a, b) for i, a in enumerate(values[:None if pairs else 1]) for b in values[i + 1:]]
    return not any(a.shape == b.shape and bool(((a - b).abs() <= by * (0.1 + a.abs())).all()) for a, b in both)
