"""Lab 01: what a tutor sees in wrong values that no known mistake explains."""

import torch
from torch import Tensor

from aecourse.check import lab01_wrong as wrong
from aecourse.check.engine.exercise import Case

Parts = tuple[Tensor, ...]


def updates(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say in which direction the counts are wrong."""
    off = [float(g[0]) - float(w[0]) for g, w in zip(got, want, strict=True)]
    if all(d > 0 for d in off):
        return "It counts too many steps wherever it is wrong: which of them are none?"
    if all(d < 0 for d in off):
        return "It counts too few steps wherever it is wrong: which of them are lost?"
    return "It counts too many steps for some inputs and too few for others. Work the one below out by hand."


def halves(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which pixels of the image stand in the two results: all of its values differ, so each can be found."""
    x = cases[0].args[0][0]
    for name, g, first in zip(("first", "second"), got[0], (0, 392), strict=True):
        rows = [_pixel(x, value) for value in g[0, [0, 1, 28]]]
        if None in rows:
            return f"The {name} result holds values that are no pixels of the image: cut it, and change nothing."
        if rows == [first, first + 1, first + 28]:
            continue
        places = ", ".join(f"(row {p // 28}, column {p % 28})" for p in rows[:2])
        return (f"The {name} result starts with other pixels: {places}. Its first two belong to row {first // 28}, "
                "columns 0 and 1.")
    return ""


def _pixel(x: Tensor, value: Tensor) -> int | None:
    place = (x == value).nonzero()
    return int(place[0]) if len(place) else None


def assign(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the numbers can be centres at all, and how many images are right."""
    for case, (g,) in zip(cases, got, strict=True):
        k = len(case.args[1])
        if int(g.min()) < 0 or int(g.max()) >= k:
            outside = int(g[(g < 0) | (g >= k)][0])
            return f"It gives the number {outside}, and with {k} centres the numbers go from 0 to {k - 1}."
    right = sum(int((g == w).sum()) for (g,), (w,) in zip(got, want, strict=True))
    n = sum(len(w) for (w,) in want)
    if any(len(g) > 1 and len(g.unique()) == 1 for (g,) in got):
        return "It sends all images to the same centre."
    return (f"It sends {right} of {n} images to the right centre: some other distance is measured, or one of the two "
            "tensors is used in another shape than you think. Work the input below out by hand.")


def move(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say how far along the way from the old centre to the mean the new centres lie, if they lie on it."""
    ways = []
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        old = case.args[2].double()
        way, done = (w.double() - old), (g.double() - old)
        share = float((way * done).sum() / way.square().sum())
        if float((done - share * way).abs().max()) > 1e-4:
            break
        ways.append(share)
    if len(ways) == len(cases) and max(ways) - min(ways) < 1e-3:
        return f"The centres go {ways[0]:.3g} times the way to the mean. They move all the way, no farther and no less."
    right = [torch.isclose(g, w, atol=1e-5).all(1) for (g,), (w,) in zip(got, want, strict=True)]
    good, n = sum(int(r.sum()) for r in right), sum(len(r) for r in right)
    if good:
        return (f"Of {n} centres {good} come out right. Look at what is different about the one below: its number, the "
                "size of its cluster, its place in the loop?")
    return ""


def purity(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say what a share can be."""
    values = [float(g[0]) for g in got]
    if any(v < 0 or v > 1 for v in values):
        return "A share lies between 0 and 1, and yours does not: what is divided by what?"
    if all(v > float(w[0]) for v, w in zip(values, want, strict=True)):
        return "It counts too many images wherever it is wrong: in each cluster only one class counts."
    if all(v < float(w[0]) for v, w in zip(values, want, strict=True)):
        return "It counts too few images wherever it is wrong: is a cluster, or a class, left out?"
    return ""


def pseudo_labels(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the two parts is wrong."""
    index = all(g[0].shape == w[0].shape and torch.equal(g[0].long(), w[0]) for g, w in zip(got, want, strict=True))
    if index:
        return "The images are the right ones; their labels are not."
    followed = all(torch.equal(g[1].long(), case.args[0][g[0].long()].argmax(-1)) for case, g in
                   zip(cases, got, strict=True) if len(g[0]) and g[0].min() >= 0 and g[0].max() < len(case.args[0]))
    if followed:
        return "The labels fit the images that you chose; the choice is not right: what is compared with the threshold?"
    return ""


def spread(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the matrix is right and the steps are not: then F is some function of S, applied to Y."""
    for n in range(1, 101):
        if all(g.shape == w.shape and torch.allclose(g.double(), wrong.spread()(*case.args[:3], n).double(), atol=1e-4)
               for case, (g,), (w,) in zip(cases, got, want, strict=True)):
            return f"It takes {n} steps always, whatever `steps` is."
    if all(_multiple(case.args[1], g) for case, (g,) in zip(cases, got, strict=True)):
        return ("Your F is Y times a number: no label reaches a neighbour. Is the matrix product `@` missing, with a "
                "`*` in its place?")
    if _of_matrix("symmetric", 0, cases, got):
        return ("The matrix S is right, the steps are not: look at where alpha and 1 − alpha stand, at what F starts "
                "with, and at how often the step is done.")
    for norm, power, text in (("symmetric", 0.5, "D⁻¹W, each row divided by its sum"), ("none", 0, "W as it is"),
                              ("symmetric", -0.5, "W D⁻¹, each column divided by its sum")):
        if _of_matrix(norm, power, cases, got):
            return (f"Labels flow along {text}; it should be S = D^(−1/2) W D^(−1/2). And the steps are not right "
                    "either: look at the weights and at the start.")
    return ("The matrix is not S = D^(−1/2) W D^(−1/2), or F is not multiplied with it. Compute S for the input "
            "below, and compare: S is symmetric, as W is.")


def _multiple(Y: Tensor, F: Tensor) -> bool:
    return F.shape == Y.shape and torch.allclose(F.double(), Y.double() * F.max(), atol=1e-6)


def _of_matrix(norm: str, power: float, cases: list[Case], got: list[Parts]) -> bool:
    """Return whether every F is a function of this matrix, applied to Y: each eigenvector by itself, all classes alike.

    D⁻¹W and W D⁻¹ are S in other units: the degrees to a power change them.
    """
    tried = False
    for case, (g,) in zip(cases, got, strict=True):
        W, Y = (t.double() for t in case.args[:2])
        if len(W) < 12 or g.shape != Y.shape:  # small inputs fit anything
            continue
        vectors = torch.linalg.eigh(wrong.similarity(W, norm))[1]
        units = W.sum(1, keepdim=True) ** power
        F, Y = vectors.T @ (units * g), vectors.T @ (units * Y)
        factor = (F * Y).sum(1, keepdim=True) / Y.square().sum(1, keepdim=True).clamp_min(1e-12)
        if (F - factor * Y).abs().max() > 1e-4 * F.abs().max().clamp_min(1e-6):
            return False
        tried = True
    return tried
