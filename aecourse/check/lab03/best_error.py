"""Exercise 4, a bug hunt: the smallest error of a linear network without biases, so of a surface through the origin."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import rows, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import UNKNOWN, Parts


def family(**changes: Any) -> Any:
    """Return the smallest error of a linear surface through the origin, with the given changes."""
    return partial(_answer, **changes)


def _left(x: Tensor, axes: Tensor) -> Tensor:
    """Return what a surface through the origin leaves of each image."""
    return x - x @ axes.T @ axes


def _axes(x: Tensor, k: int) -> Tensor:
    return torch.linalg.svd(x, full_matrices=False).Vh[:k]


_RECONSTRUCTED: dict[str, Callable[[Tensor, int], Tensor]] = {  # errors by way of the reconstructions
    "clamp": lambda x, k: (x - (x - _left(x, _axes(x, k))).clamp(0, 1)).square().sum(1).mean(),
    "distances": lambda x, k: _left(x, _axes(x, k)).norm(dim=1).mean(),
    "spread": lambda x, k: _left(x, _axes(x, k)).var(0, correction=0).sum(),
    "centred axes": lambda x, k: _left(x, _axes(x - x.mean(0), k)).square().sum(1).mean(),
    "axis to the mean": lambda x, k: _left(x, torch.linalg.qr(torch.cat(
        [x.mean(0)[None], _axes(x - x.mean(0), k - 1)]).T).Q.T).square().sum(1).mean(),
    "error and mean": lambda x, k: (torch.linalg.svdvals(x - x.mean(0))[k:].square().sum() / len(x)
                                    + x.mean(0).square().sum()),
    "mean added": lambda x, k: (_left(x, _axes(x, k)) - x.mean(0)).square().sum(1).mean(),
    "columns of Vh": lambda x, k: _left(x, torch.linalg.svd(x, full_matrices=False).Vh[:, :k].T).square().sum(1).mean(),
    "first image over N": lambda x, k: _left(x, _axes(x, k))[0].square().sum() / len(x),
    "last D - k": lambda x, k: torch.linalg.svdvals(x).flip(0)[:x.shape[1] - k].square().sum() / len(x),
    "first image": lambda x, k: _left(x, _axes(x, k))[0].square().sum(),
}


def _answer(x: Tensor, k: int, *, centre: str = "none", power: int = 2, keep: str = "rest", divide: str = "N",
            more: int = 0, root: bool = False, clamp: bool = False,
            square: bool = False) -> Tensor:
    n, pixels = x.shape
    x = {"none": lambda: x, "pixels": lambda: x - x.mean(0), "each image": lambda: x - x.mean(1, keepdim=True),
         "one number": lambda: x - x.mean()}[centre]()
    if clamp or keep in _RECONSTRUCTED:
        return _RECONSTRUCTED["clamp" if clamp else keep](x, k)
    S = torch.linalg.svdvals(x) ** power
    k = k + more
    part = {"rest": lambda: S[k:].sum(), "first": lambda: S[:k].sum(), "all": lambda: S.sum(),
            "next": lambda: S[k], "smallest": lambda: S.flip(0)[k:].sum()}[keep]()
    part = part**2 if square else part
    if divide == "total":
        part = part / S.sum()
    else:
        part = part / {"N": n, "N - 1": n - 1, "nothing": 1, "N and D": n * pixels, "D": pixels,
                       "how many": len(S[k:])}[divide]
    return part.sqrt() if root else part


FEWER = ("It is right where there are more images than pixels, and wrong where there are fewer: then x has N singular "
         "values and no more.")
ENOUGH = ("It is right for a code of fewer numbers than there are images, and wrong for one of more: then each image "
          "can have a direction of its own, and the error is 0.")

MISTAKES = (
    Mistake("centred", {"centre": "pixels"},
            "This is PCA's error: you subtract the mean, and the network does not. Look at its code once more: which "
            "image does it give for a code of zeros?"),
    Mistake("one direction for the mean", {"centre": "pixels", "more": -1},
            "You give one direction to the mean and the others to PCA. That is near, not right: the best directions "
            "through the origin are found all at once, and none of them has to be the mean."),
    Mistake("each image's mean", {"centre": "each image"},
            "You subtract from each image its own brightness. The network subtracts nothing."),
    Mistake("one mean", {"centre": "one number"},
            "You subtract one number from all pixels. The network subtracts nothing."),
    Mistake("not squared", {"power": 1},
            "The singular values are not squared. The squared error is a sum of their squares."),
    Mistake("kept", {"keep": "first"},
            "You add up what the k numbers keep. The error is what they lose: all the others."),
    Mistake("everything", {"keep": "all"},
            "You add up all of the singular values' squares: that is the error of a black image. The first k are "
            "kept."),
    Mistake("next only", {"keep": "next"}, "You take the next direction only. Everything after the k first is lost."),
    Mistake("from the wrong end", {"keep": "smallest"},
            "The smallest are left out and the largest counted. The network keeps the largest k."),
    Mistake("one too many", {"more": 1}, "You keep k + 1 directions; the code has k numbers."),
    Mistake("one too few", {"more": -1}, "You keep k − 1 directions; the code has k numbers."),
    Mistake("not divided", {"divide": "nothing"},
            "This is the sum over all images; the mean is asked for."),
    Mistake("divided by N - 1", {"divide": "N - 1"},
            "You divide by N − 1, as for a variance. The mean over the images divides by N."),
    Mistake("mean over the pixels", {"divide": "N and D"},
            "You average over the pixels too. The squared error of an image is summed over its pixels."),
    Mistake("divided by pixels", {"divide": "D"},
            "You divide by the number of pixels. Sum over the pixels, and average over the images."),
    Mistake("share", {"divide": "total"},
            "This is a share of the whole. Asked for is the error itself: the mean over the images."),
    Mistake("clamped", {"clamp": True},
            "The reconstructions are cut off at 0 and 1. The network has no such bound: it gives sums of its axes."),
    Mistake("mean of the squares", family(divide="how many"),
            "You take the mean of the squared singular values after the first k, so you divide by their number. Divide "
            "their sum by the number of images."),
    Mistake("square of the sum", family(power=1, square=True),
            "You square the sum of the singular values. The error is the sum of their squares."),
    Mistake("mean distance", family(keep="distances"),
            "You average the distances between the images and the surface. Their squares are asked for."),
    Mistake("error less its mean", family(keep="spread"),
            "You subtract from what is left its mean over the images, as a variance does. Nothing is subtracted: the "
            "mean of the squares is asked for."),
    Mistake("centred axes", family(keep="centred axes"),
            "You take the axes of the centred images for a surface through the origin. The best ones there are those "
            "of the images as they are."),
    Mistake("axis to the mean", family(keep="axis to the mean"),
            "You lead one axis to the mean and take PCA's first k − 1 for the others. There are better ones: those of "
            "the SVD of the images as they are."),
    Mistake("error and mean", family(keep="error and mean"),
            "You add the squared length of the mean to PCA's error, as if the axes could give nothing of the mean. "
            "They can."),
    Mistake("last D - k", family(keep="last D - k"),
            "You take the last D − k singular values. Of fewer images than pixels there are no D of them, and the last "
            "D − k are too many. Leave the first k out, `[k:]`."),
    Mistake("mean added", family(keep="mean added"),
            "You add the mean to the reconstructions. The network has no bias: it adds nothing."),
    Mistake("columns of Vh", family(keep="columns of Vh"),
            "You take columns of Vh for the axes; `torch.linalg.svd` returns it transposed already: an axis is one of "
            "its rows."),
    Mistake("first image over N", family(keep="first image over N"),
            "Only the error of the first image is in the sum: does the `return` stand inside the loop?"),
    Mistake("first image", family(keep="first image"),
            "This is the error of the first image alone. The mean over all of them is asked for."),
    Mistake("root", {"root": True}, "There is a root: the squared error is asked for."),
)


def reference(x: Tensor, k: int) -> float:
    return torch.linalg.svdvals(x)[k:].square().sum().item() / len(x)


def oracle(x: Tensor, k: int) -> float:
    """Project on the k best directions, the eigenvectors of xᵀx, and measure what is left of each image."""
    images = x.double().numpy()
    best = np.linalg.eigh(images.T @ images)[1][:, -k:]
    return float(np.square(images - images @ best @ best.T).sum(1).mean())


def draw(generator: torch.Generator, size: int) -> Case:
    pixels, k = {3: (2, 1), 6: (5, 2), 8: (12, 3)}.get(size, (12, 4))
    if size == 5:
        return Case((torch.rand(5, 12, generator=generator), 7), "5 images of 12 pixels and k = 7", ENOUGH)
    while True:
        x = torch.rand(size, pixels, generator=generator)
        if size == 3:
            x = tenths(0, 9, 3, 2, generator=generator)
        elif size <= 20:  # mostly black, so that the best surface leaves the range from 0 to 1
            x = x**3
        right, centred = (float(family(centre=c)(x, k)) for c in ("none", "pixels"))
        cut_off = float(family(clamp=True)(x, k))
        if right > 1.02 * centred > 0.01 and (size not in (6, 20) or cut_off < 0.98 * right):
            break
    return Case((x, k), f"the images {rows(x)} and k = {k}" if size == 3
                else f"{size} images of {pixels} pixels and k = {k}", FEWER if size < pixels else "")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say on which side of the floor the values lie."""
    values = [(float(g[0]), float(w[0])) for g, w in zip(got, want, strict=True)]
    if any(g < 0 for g, _ in values):
        return "It is negative, and a mean of squares cannot be."
    ratio = [g / w for g, w in values]
    if len(ratio) > 2 and max(ratio) - min(ratio) < 3e-3 * abs(ratio[0]):
        return ""  # one factor: said elsewhere
    if all(g > w for g, w in values):
        return f"{UNKNOWN} Yours lies above the right value on every input: there is a better network of this form."
    if all(g < w for g, w in values):
        return f"{UNKNOWN} Yours lies below the right value on every input: no network of this form gets there."
    return UNKNOWN


EXERCISE = Exercise(
    "best_error", "4 · Bug hunt: a floor that is too high", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 6, 20, 8, 5), rtol=1e-3, atol=1e-4,
    arguments=("x", "k"), gives=(Form("share", "one number, the mean squared error per image"),),
    family=family, look=look, mistakes=MISTAKES,
    hints=("Which image does this network give for a code of zeros? All its reconstructions lie on a linear "
           "surface of k dimensions through that one.",
           "So no mean is subtracted: the best k directions come from the SVD of the images as they are.",
           "The error that is left is the sum of the squares of all singular values after the first k, over N."),
    why="Without biases a code of zeros gives the black image, so the surface has to pass through the origin. By "
        "the theorem of Eckart and Young the best such surface comes from the SVD of x itself; PCA's passes "
        "through the mean, and is never worse.")
