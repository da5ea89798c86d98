"""What is measured of a function that draws at random: every fact is a plain value, a word where it can be.

How the random numbers are drawn is free, so no value can be foreseen. The inputs are so many numbers that what is
measured of them is certain enough to be called by a name.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.words import a


def form(value: Any, x: Tensor) -> str:
    """Return whether this is a tensor like x, and what it is if not."""
    if not isinstance(value, Tensor):
        return "None" if value is None else a(value)
    if value.shape != x.shape:
        return f"the shape {tuple(value.shape)}"
    return "as asked" if value.is_floating_point() else str(value.dtype).removeprefix("torch.")


def origin(call: Callable[[torch.Generator], Tensor], seed: int) -> str:
    """Return where the chance in a call comes from."""
    generator = torch.Generator().manual_seed(seed)
    first, second = call(generator), call(generator)
    again, other = (call(torch.Generator().manual_seed(s)) for s in (seed, seed + 1))
    if torch.equal(first, second):
        return "the same at every call"
    return "from the generator" if torch.equal(first, again) and not torch.equal(first, other) else "from elsewhere"


def called(name: str, value: float, names: dict[str, float], near: float) -> str:
    """Return the name whose number is nearest to the value, or the value in words where none is near."""
    best = min(names, key=lambda n: abs(names[n] - value))
    return best if abs(names[best] - value) <= near else name.format(value)
