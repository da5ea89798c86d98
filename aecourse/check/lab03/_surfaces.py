"""What encoding and decoding share: a surface on which to try them, and a look at whether the mean's part is off."""

from collections.abc import Callable

import torch
from torch import Tensor

from aecourse.check.engine.drawing import tenths
from aecourse.check.engine.exercise import Case
from aecourse.check.engine.look import Parts

_TURNS = torch.tensor([[[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]], [[0.8, 0.0, 0.6], [0.0, 1.0, 0.0]],
                       [[0.6, 0.0, -0.8], [0.8, 0.0, 0.6]], [[0.0, 0.8, -0.6], [0.0, 0.6, 0.8]]])


def surface(generator: torch.Generator, size: int) -> tuple[Tensor, Tensor]:
    """Return a mean (D,) and orthonormal axes (k, D)."""
    if size == 1:
        which = int(torch.randint(len(_TURNS), (), generator=generator))
        return tenths(1, 9, 3, generator=generator), _TURNS[which].clone()
    pixels, k = (7, 3) if size == 4 else (12, 5)
    turn, _ = torch.linalg.qr(torch.randn(pixels, k, generator=generator))
    return torch.rand(pixels, generator=generator), turn.T.contiguous()


def of_the_mean(cases: list[Case], got: list[Parts], want: list[Parts], share: Callable[[Case], Tensor]) -> str:
    """Say how often the mean enters, where all that is wrong is a multiple of the mean's share; else nothing."""
    times = set()
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        if g.shape != w.shape:
            return ""
        part = share(case).double()
        d = g.double() - w.double()
        factor = float((d * part).sum() / (len(d) * part.square().sum())) if float(part.square().sum()) else 0.0
        if float((d - factor * part).abs().max()) > 1e-4:
            return ""
        times.add((round(1 + factor, 2), len(case.args[2])))
    if len({t for t, _ in times}) == 1:
        return f"All is right but the mean: it enters {times.pop()[0]:.3g} times what it should."
    if all(t == k for t, k in times):
        return "All is right but the mean: it enters once for each axis, k times; once in all is right."
    return "All is right but the mean: it enters with a factor that differs between the inputs."


def offset(got: list[Parts], want: list[Parts], says: str) -> str:
    """Return the sentence if what is wrong is the same for all images, else nothing."""
    pairs = [(g.double() - w.double()) for (g,), (w,) in zip(got, want, strict=True) if g.shape == w.shape]
    many = [d for d in pairs if len(d) > 1]
    return says if many and all(float((d - d[0]).abs().max()) < 1e-4 for d in many) else ""
