"""Lab 04: what a tutor sees in wrong values that no known mistake explains."""

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Case

Parts = tuple[Tensor, ...]


def median3(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say where in the image the difference lies, and whether the values come from the window at all."""
    got = [(g.double(),) for (g,) in got]
    wrong = torch.cat([(g - w).abs() > 1e-5 for (g,), (w,) in zip(got, want, strict=True)])
    at = wrong.any(0).reshape(28, 28)
    if not at[1:-1, 1:-1].any():
        return ("Inside the image it is right; at the border it is not. Outside of the image the nearest pixel of the "
                "border is repeated: `mode=\"replicate\"`.")
    far = [(a - b).abs().max() for a, b in zip(*map(_means, (got, want)), strict=True)]
    inside = all(((g[:, :, None] - case.args[0][:, None]).abs().amin(-1) < 1e-6).all()
                 for (g,), case in zip(got, cases, strict=True))
    if not inside:
        return ("Some of your values do not occur in the image at all. A median of nine pixels is one of them: is "
                "there a mean or a sum on the way?")
    if float(max(far)) < 0.02:
        return ("Your values occur in the image, and on average they are of the right size. So it is the window that "
                "is wrong, or the place where the result is put: which nine pixels belong to pixel (3, 5)?")
    return ""


def _means(parts: list[Parts]) -> list[Tensor]:
    return [p[0].mean(1) for p in parts]


def score(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say what the values are in terms of the two points and of sigma, if that can be told."""
    pairs = []
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        if g.shape != w.shape:
            return ""
        pairs.append((g.double(), w.double(), case.args[2]))
    along = [float(torch.cosine_similarity(g.flatten(), w.flatten(), dim=0)) for g, w, _ in pairs]
    if min(along) > 0.9999:
        factors = [float((g * w).sum() / (w * w).sum()) for g, w, _ in pairs]
        return ("The directions are right, the lengths are not: yours are "
                + ", ".join(f"{f:.3g}" for f in factors) + " times the right ones for sigma = "
                + ", ".join(f"{s:.3g}" for *_, s in pairs) + ". Which power of sigma is that?")
    if max(along) < -0.9999:
        return "The arrows point the wrong way, and their lengths are not right either: they should point uphill."
    return ""
