"""Small helpers for an exercise's ``look``: what a tutor sees in wrong values."""

import torch
from torch import Tensor

from aecourse.check.engine.words import many

UNKNOWN = ("The form is right, the values are not, and it is none of the usual mistakes. Work the input below out by "
           "hand and compare step by step.")
Parts = tuple[Tensor, ...]  # what a function returned on one input, each part as a tensor


def roughly(got: list[Tensor], want: list[Tensor]) -> str:
    """Return the sentence for values that agree in their first digits only, or nothing.

    Most of them have to be off: where a few are, another thing than precision is the matter.
    """
    if any(g.shape != w.shape for g, w in zip(got, want, strict=True)):
        return ""
    g, w = (torch.cat([part.double().flatten() for part in parts]) for parts in (got, want))
    size = w.abs().clamp_min(1e-12)
    if not ((g - w).abs() < 2e-3 * size).all() or ((g - w).abs() > 1e-6 * size).double().mean() < 0.5:
        return ""
    says = "Your values agree with the right ones in their first digits only."
    if torch.equal(g.half().double(), g):
        return f"{says} All of them are numbers that half precision (float16) can hold."
    places = next((k for k in range(4) if torch.allclose(g, g.round(decimals=k), rtol=1e-6, atol=1e-9)), None)
    return says if places is None else f"{says} All of them end {many(places, 'digit')} after the point."


def near(a: Tensor, b: Tensor, atol: float = 1e-3) -> bool:
    """Return whether two tensors have the same shape and nearly the same values."""
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=2e-3, atol=atol)


def off_terms(names: list[str], table: Tensor, values: Tensor, atol: float = 1e-3) -> str:
    """Write values (n,) as a sum of a table's columns (n, k) with factors; name the terms whose factor is not 1.

    Nothing is returned where there is no such sum, where one factor stands before all of it, or where so many terms are
    off that the fit may be one by chance.
    """
    if len(values) < len(names) + 2 or not torch.isfinite(values).all():
        return ""
    scale = table.abs().amax(0).clamp_min(1e-12)  # else a small term would drown in the rounding of a large one
    factors = torch.linalg.lstsq(table / scale, values[:, None]).solution[:, 0] / scale
    if ((table @ factors - values).abs() > atol + 2e-5 * values.abs()).any():  # rounding, and no more
        return ""
    off = {name: float(f) for name, f in zip(names, factors, strict=True) if abs(float(f) - 1) > 0.01}
    if not off or len(off) > 2 or (len(off) == len(names) and max(off.values()) - min(off.values()) < 0.01):
        return ""
    says = [f"The term {name} " + ("is missing." if abs(f) < 1e-4 else "has the wrong sign." if abs(f + 1) < 0.01 else
                                   f"enters {f:.3g} times what it should.") for name, f in off.items()]
    right = [name.removeprefix("with ") for name in names if name not in off]
    return " ".join(says) + (f" The rest is right: {', '.join(right)}." if right else "")
