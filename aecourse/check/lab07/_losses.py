"""What losses of lab 07 share: the form of their result, and for exercises 5 and 6 bounds and a look at factors."""

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Form

ONE_EACH = Form("float", "one number for each image, shape (B,)")


def bounds(size: int, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return what M2 pays for each class, in nats, a few apart; and the logits of a classifier that is half sure."""
    by_class = 12 + 3 * torch.rand(size, 1, generator=generator) + 2.5 * torch.rand(size, classes, generator=generator)
    return by_class, torch.randn(size, classes, generator=generator) * 1.2


def off_factors(table: Tensor, values: Tensor, names: tuple[str, ...]) -> str:
    """Write the values as a sum of the table's columns with factors, and name the terms whose factor is not 1."""
    if len(values) < len(names) + 2 or not torch.isfinite(values).all():
        return ""
    factors = torch.linalg.lstsq(table, values[:, None]).solution
    if float((table @ factors - values[:, None]).abs().max()) > 5e-3:
        return ""
    off = [(name, float(f)) for name, f in zip(names, factors[:, 0], strict=True) if abs(float(f) - 1) > 0.01]
    return " ".join(f"The term {name} is missing." if abs(f) < 0.01 else
                    f"The term {name} has the wrong sign." if abs(f + 1) < 0.01 else
                    f"The term {name} enters {f:.3g} times what it should." for name, f in off)
