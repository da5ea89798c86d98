"""Lab 01, exercise 7: label spreading over a graph of neighbours, a given number of steps."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import between, rows
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts, roughly

MISTAKES = (
    Mistake("row normalisation", {"norm": "rows"},
            "You divide each row of W by its sum, D⁻¹W. That is a random walk. Here the root of the degree divides on "
            "both sides: D^(−1/2) W D^(−1/2)."),
    Mistake("column normalisation", {"norm": "columns"},
            "You divide each column of W by its sum, W D⁻¹. Here the root of the degree divides on both sides: "
            "D^(−1/2) W D^(−1/2)."),
    Mistake("no normalisation", {"norm": "none"},
            "W is used as it is, so images with many neighbours shout loudest, and F grows at each step. Normalise it: "
            "S = D^(−1/2) W D^(−1/2)."),
    Mistake("no root", {"norm": "no root"},
            "You divide by the degrees on both sides, D⁻¹ W D⁻¹: the root is missing. It is D^(−1/2) on each side."),
    Mistake("times", {"norm": "times"}, "You multiply by the roots of the degrees; the exponent is −1/2, so divide."),
    Mistake("one side", {"norm": "one side"},
            "The root of the degree divides on one side only: D^(−1/2) stands on both sides of W."),
    Mistake("other side", {"norm": "other side"},
            "Only the columns of W are divided by the root of their degree: D^(−1/2) stands on both sides of W."),
    Mistake("one inverse", {"norm": "one inverse"},
            "One of the two exponents has the wrong sign: it is D^(−1/2) on both sides of W."),
    Mistake("self-loops", {"norm": "self-loops"},
            "You make each image its own neighbour (ones on the diagonal of W). Here W is used with its zero diagonal; "
            "an image's own label comes back through the second term."),
    Mistake("Laplacian", {"norm": "Laplacian"},
            "You multiply with the Laplacian I − S, which takes differences. Labels flow along S itself."),
    Mistake("largest", {"norm": "largest"},
            "You divide W by its largest number. The degrees normalise it: S = D^(−1/2) W D^(−1/2)."),
    Mistake("neighbours", {"norm": "neighbours"},
            "You count each image's neighbours. D holds the sums of their weights."),
    Mistake("means", {"norm": "means"}, "You take the means of W's rows; D holds their sums."),
    Mistake("swapped", {"swapped": True},
            "alpha and 1 − alpha are swapped: alpha goes with what comes from the neighbours."),
    Mistake("no Y", {"own": "nothing"},
            "The term (1 − alpha)·Y is missing, so the known labels fade with each step."),
    Mistake("whole Y", {"own": "Y"},
            "Y is added whole; its weight is 1 − alpha, so that both weights add up to 1."),
    Mistake("F for Y", {"own": "(1 - alpha) F"},
            "You mix with the F of the step before. It is Y, the known labels, that comes back at each step."),
    Mistake("no alpha", {"flow": "S F"}, "What comes from the neighbours has no weight: alpha is missing before S·F."),
    Mistake("S Y", {"flow": "S Y"},
            "F is alpha·S·Y + (1 − alpha)·Y, one step from Y, however many are asked for, so labels get no farther "
            "than the next neighbours. Each step starts from the F of the step before, up to the last: does it, and "
            "does the `return` stand behind the loop?"),
    Mistake("Y once", lambda W, Y, alpha, steps: _similarity(W, "symmetric").matrix_power(steps) @ Y * alpha
            + (1 - alpha) * Y,
            "F is alpha·S^steps·Y + (1 − alpha)·Y: all steps are taken along S alone, and alpha and Y come in once. "
            "Both belong into each step."),
    Mistake("powers", lambda W, Y, alpha, steps: (alpha * _similarity(W, "symmetric")).matrix_power(steps) @ Y
            + (1 - alpha) * Y,
            "F is (alpha·S)^steps·Y + (1 − alpha)·Y. Y comes back at each step, and travels along S in those that "
            "follow."),
    Mistake("zeros", {"start": "zeros"},
            "You start from zeros. F starts as Y: in the limit that does not matter, after a few steps it does."),
    Mistake("even", {"start": "even"},
            "You start with the same share for all classes. F starts as Y."),
    Mistake("one step less", {"extra": -1}, "That is one step less than asked for."),
    Mistake("one step more", {"extra": 1}, "That is one step more than asked for."),
    Mistake("limit", {"extra": 99},
            "This is the limit of endlessly many steps, by an inverse matrix. Asked for are `steps` steps."),
    Mistake("hard", {"hard": True},
            "You set the labelled images back to Y after each step. That is label propagation; label spreading lets "
            "the term (1 − alpha)·Y pull them back, so that a wrong label can be outvoted."),
    Mistake("rows", {"give": "rows"},
            "You divide each row of F by its sum at the end. F itself is asked for."),
    Mistake("softmax", {"give": "softmax"}, "There is a softmax at the end. F itself is asked for."),
    Mistake("classes", {"give": "classes"},
            "You return the class with the largest value. F itself is asked for; the lab takes its `argmax` later."),
    Mistake("without Y at the end", {"give": "S F"}, "At the end F is multiplied with S once more."),
)


NO_STEPS = "It is right after one step and more, and wrong where `steps` is 0: then F is still Y."
MANY_STEPS = ("It is right after a few steps, and wrong after many, 40 to 80: is their number bounded, or is there an "
              "end where little changes? All of them are asked for.")
SMALL = ("It is right where the weights lie between 0.02 and 2, and wrong where they are about 0.0001: is something "
         "added to the degrees, or are they kept above a bound? D holds the sums themselves.")


def reference(W: Tensor, Y: Tensor, alpha: float, steps: int) -> Tensor:
    root = W.sum(1).rsqrt()
    S = root[:, None] * W * root
    F = Y
    for _ in range(steps):
        F = alpha * (S @ F) + (1 - alpha) * Y
    return F


def oracle(W: Tensor, Y: Tensor, alpha: float, steps: int) -> Tensor:
    """The steps in closed form, each eigenvector of S by itself: a geometric series."""
    w, y = W.numpy().astype(np.float64), Y.numpy().astype(np.float64)
    root = np.diag(w.sum(0) ** -0.5)
    values, vectors = np.linalg.eigh(root @ w @ root)
    r = alpha * values
    grown = r**steps + (1 - alpha) * (1 - r**steps) / (1 - r)
    F = vectors @ (grown[:, None] * (vectors.T @ y))
    return torch.from_numpy(np.where(abs(F) < 1e-12, 0, F)).float()


def draw(generator: torch.Generator, size: int) -> Case:
    classes = 2 if size <= 3 else 12 if size == 30 else 3
    W = torch.triu(torch.rand(size, size, generator=generator) * 1.6 + 0.2, 1)
    if size > 3:  # each keeps its two neighbours on a chain, and some of the others
        keep = torch.rand(size, size, generator=generator) < (0 if size == 20 else 0.3)
        chain = torch.arange(size - 1)
        keep[chain, chain + 1] = True
        W = W * keep
    W = (W.round(decimals=1) if size <= 3 else W)
    W = (W + W.T) * {6: 0.1, 8: 1e-4}.get(size, 1)  # so that degrees lie below 1 and near 0, too
    Y = torch.zeros(size, classes)
    labelled = torch.randperm(size, generator=generator)[: max(1, size // 3)]
    if size > 3:
        labelled = torch.randperm(size, generator=generator)[: max(3, classes)]
    Y[labelled, torch.arange(len(labelled)) % classes] = 1
    alpha = round(0.6 + 0.3 * float(torch.rand((), generator=generator)), 2)
    steps = between(2, 4, generator)
    if size == 20:  # a chain, along which labels travel for long
        alpha, steps = 0.95, between(40, 60, generator)
    elif size == 12:  # at the end little changes any more
        alpha, steps = 0.8, between(60, 80, generator)
    elif size == 7:
        steps = 0
    text = f"{size} images, alpha {alpha}, {steps} steps"
    if size == 8:
        text += ", with weights of about 0.0001"
    if size <= 3:
        text = f"W = {rows(W, '.1f')}, Y = {rows(Y, '.1f')}, alpha {alpha}, {steps} steps"
    return Case((W, Y, alpha, steps), text, {7: NO_STEPS, 8: SMALL, 12: MANY_STEPS, 20: MANY_STEPS}.get(size, ""))


def family(**changes: Any) -> Any:
    """Return F after some steps of label spreading, with the given changes."""
    return partial(_spread, **changes)


def _similarity(W: Tensor, norm: str) -> Tensor:
    """Return the matrix that spreads, normalised in the right or in a wrong way."""
    if norm == "self-loops":
        W = W + torch.eye(len(W), dtype=W.dtype)
    d = {"neighbours": (W > 0).to(W.dtype).sum(1), "means": W.mean(1)}.get(norm, W.sum(1))
    left, right = {"rows": (-1, 0), "columns": (0, -1), "none": (0, 0), "no root": (-1, -1), "times": (0.5, 0.5),
                   "one side": (-0.5, 0), "other side": (0, -0.5), "one inverse": (0.5, -0.5),
                   "largest": (0, 0)}.get(norm, (-0.5, -0.5))  # exponents of D
    S = d[:, None] ** left * W * d**right
    return S / W.max() if norm == "largest" else torch.eye(len(W), dtype=W.dtype) - S if norm == "Laplacian" else S


def _spread(W: Tensor, Y: Tensor, alpha: float, steps: int, *, norm: str = "symmetric", swapped: bool = False,
            own: str = "(1 - alpha) Y", flow: str = "alpha S F", start: str = "Y", extra: int = 0, hard: bool = False,
            give: str = "F") -> Tensor:
    S = _similarity(W, norm)
    a = 1 - alpha if swapped else alpha
    if extra == 99:  # the limit of endlessly many steps
        F_now = (1 - a) * torch.linalg.solve(torch.eye(len(W)) - a * S, Y)
        return F_now if own == "(1 - alpha) Y" else F_now / (1 - a)
    F_now = {"Y": Y, "zeros": torch.zeros_like(Y), "even": torch.full_like(Y, 1 / Y.shape[1])}[start]
    labelled = Y.sum(1) > 0
    for _ in range(max(steps + extra, 0)):
        kept = {"(1 - alpha) Y": (1 - a) * Y, "Y": Y, "nothing": 0 * Y, "(1 - alpha) F": (1 - a) * F_now}[own]
        F_now = {"alpha S F": a * (S @ F_now), "S F": S @ F_now, "S Y": a * (S @ Y)}[flow] + kept
        if hard:
            F_now = torch.where(labelled[:, None], Y, F_now)
    return {"F": F_now, "rows": F_now / F_now.sum(1, keepdim=True).clamp(min=1e-12), "softmax": F_now.softmax(1),
            "classes": F_now.argmax(1), "S F": S @ F_now}[give]


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the matrix is right and the steps are not: then F is some function of S, applied to Y."""
    if said := roughly([g for (g,) in got], [w for (w,) in want]):
        return said
    asked = sorted({case.args[3] for case in cases})
    for n in range(1, 101):
        if all(g.shape == case.args[1].shape
               and torch.allclose(g.double(), family()(*case.args[:3], n).double(), rtol=1e-5, atol=2e-6)
               for case, (g,) in zip(cases, got, strict=True)):
            return (f"It takes {n} steps always, whatever `steps` is." if len(asked) > 1 else
                    f"The number of steps is not always the right one. Where `steps` is {asked[0]}, it takes {n}.")
    if all(_multiple(case.args[1], g) for case, (g,) in zip(cases, got, strict=True)):
        return ("Your F is Y times a number: no label reaches a neighbour. Is the matrix product `@` missing, with a "
                "`*` in its place?")
    if _of_matrix("symmetric", 0, cases, got):
        return ("Labels flow along S, or along S times a number, and F is not right: look at the factors of S and of "
                "Y, at what F starts with, and at how often the step is done.")
    for norm, power, text in (("symmetric", 0.5, "D⁻¹W, each row divided by its sum"), ("none", 0, "W as it is"),
                              ("symmetric", -0.5, "W D⁻¹, each column divided by its sum")):
        if _of_matrix(norm, power, cases, got):
            return (f"Labels flow along {text}, or along a multiple of it; it should be S = D^(−1/2) W D^(−1/2). "
                    "Then look at the factors and at what F starts with.")
    return ("The values are not right, and it is none of the usual mistakes. Compute S = D^(−1/2) W D^(−1/2) and one "
            "step for the input below, and compare: S is symmetric, as W is.")


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
        vectors = torch.linalg.eigh(_similarity(W, norm))[1]
        units = W.sum(1, keepdim=True) ** power
        F, Y = vectors.T @ (units * g), vectors.T @ (units * Y)
        factor = (F * Y).sum(1, keepdim=True) / Y.square().sum(1, keepdim=True).clamp_min(1e-12)
        if (F - factor * Y).abs().max() > 1e-4 * F.abs().max().clamp_min(1e-6):
            return False
        tried = True
    return tried


EXERCISE = Exercise(
    "spread", "7 · Labels that spread", "function", 3, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(2, 3, 6, 7, 8, 12, 20, 30), atol=2e-5,
    arguments=("W", "Y", "alpha", "steps"),
    gives=(Form("float", "one row for each image, one column for each class, shape (N, C)"),),
    family=family, look=look, mistakes=MISTAKES,
    hints=("The degrees are `d = W.sum(1)`. D^(−1/2) is a diagonal matrix: multiplying with it from the left "
           "scales the rows, from the right the columns.",
           "`S = W / (d[:, None] * d).sqrt()` does both at once.",
           "Start with `F = Y`, and repeat `F = alpha * S @ F + (1 - alpha) * Y`; Y never changes."),
    why="The roots on both sides keep S symmetric with eigenvalues of at most 1, so the steps come to rest. The "
        "second term lets known labels come back at every step without making them law.")
