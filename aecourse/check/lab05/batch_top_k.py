"""Lab 05, exercise 4: keep the k · N largest activations of a batch as they are, and set the others to 0."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import between, rows, telling
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

ONE = ("It is right for several images, and wrong for a batch of one: asked for are (1, K) numbers, of which the k "
       "largest are kept.")
ALL = "It is right for k below K, and wrong for k = K: then all numbers of the batch are kept."
FEW = ("It is right where more than k · N numbers are positive, and wrong where fewer are: then all positive numbers "
       "stay, and nothing else is there to be kept.")
CLOSE = ("It is right where the numbers of a batch differ clearly, and wrong where they differ in the fifth digit "
         "only. Compare them as they are, in float32: not rounded, not in half precision, and with no tolerance.")
UNEQUAL = ("It is right where the images have numbers of similar size, and wrong where one image has by far the "
           "largest ones: it then keeps all of them, and others keep few or none.")
WIDE = "It is right for few images and units, and wrong for many: no size is fixed, and neither is k."
HIGH = ("It is right where the numbers of `h` are around 1, and wrong where they are thousands. A small number that is "
        "added to a threshold, or taken from it, is lost in the rounding of large ones. Compare with the smallest "
        "number that is kept, as it is, with `>=`.")

MISTAKES = (
    Mistake("each image", {"over": "image"},
            "Each image keeps its k largest, as in unit 05. Here the images compete with each other: the k · N largest "
            "of the whole batch are kept, so that one image may keep more than k, and another fewer."),
    Mistake("k in all", {"many": "k"},
            "k numbers are kept in the whole batch. There are k · N places: k for each image on average."),
    Mistake("k times K", {"many": "k K"},
            "k · K numbers are kept, k for each unit. The budget is k for each image on average, so k · N."),
    Mistake("each unit", {"over": "unit"},
            "You look along dimension 0: each unit keeps its k largest numbers. The k · N largest of the whole batch "
            "are kept, wherever they stand."),
    Mistake("the same for each unit", {"over": "unit share"},
            "Each unit keeps the same number of images. A unit may be active for many images or for none: only the "
            "size of the numbers decides."),
    Mistake("same units for all", {"over": "mean of the batch"},
            "The units are chosen once for the batch, by their mean. Each number of the batch competes by itself."),
    Mistake("all positive", {"over": "positive"},
            "All positive numbers are kept, however many. The batch keeps k · N."),
    Mistake("mean of the thresholds", {"over": "mean bar"},
            "The threshold is the mean of the images' k-th largest numbers. With it, more or fewer than k · N numbers "
            "are kept. The threshold is the (k · N)-th largest number of the batch."),
    Mistake("lowest of the thresholds", {"over": "lowest bar"},
            "The threshold is the smallest of the images' k-th largest numbers, so more than k · N numbers are kept. "
            "The threshold is the (k · N)-th largest number of the batch."),
    Mistake("highest of the thresholds", {"over": "highest bar"},
            "The threshold is the largest of the images' k-th largest numbers, so fewer than k · N numbers are kept. "
            "The threshold is the (k · N)-th largest number of the batch."),
    Mistake("both", {"over": "both"},
            "A number is kept only if it is among the k · N largest of the batch and also among the k largest of its "
            "image. No image is limited: only the batch is."),
    Mistake("smallest", {"by": "smallest"}, "The k · N smallest are kept; the largest are meant."),
    Mistake("all but the smallest", {"by": "not the smallest"},
            "All but the k · N smallest are kept; asked for are the k · N largest."),
    Mistake("from the k-th smallest", {"by": "from the k-th smallest"},
            "All numbers from the (k · N)-th smallest upwards are kept. `kthvalue`, and `sort` as it is, count from "
            "the smallest."),
    Mistake("first places", {"by": "position"}, "The first k · N places are kept, whatever their values."),
    Mistake("argsort once", {"by": "argsort once"},
            "`argsort` gives the places in order, not each number's rank. Use its first k · N as places, or take the "
            "argsort of the argsort."),
    Mistake("one too few", {"more": -1},
            "k · N − 1 numbers are kept: a `>` leaves out the number that is the threshold itself, and `>=` keeps it."),
    Mistake("one too many", {"more": 1},
            "k · N + 1 numbers are kept. Counting starts at 0, so the n-th largest stands at the place n − 1."),
    Mistake("others kept", {"by": "others"},
            "It is the other way round: the k · N largest are set to 0, and the others are kept."),
    Mistake("mask", {"give": "mask"},
            "These are ones and zeros. The kept numbers stay as they are: multiply the mask with the activations."),
    Mistake("values only", {"give": "values"},
            "These are the k · N largest values alone. The code keeps its shape, (N, K): put them back at their "
            "places, with zeros between."),
    Mistake("places only", {"give": "places"},
            "These are the places of the largest, the `indices`. Asked for are the activations, (N, K), with zeros at "
            "the other places."),
    Mistake("flat", {"give": "flat"},
            "The values are right, in one long row. The code keeps its shape, (N, K): `.reshape(h.shape)`."),
    Mistake("shares", {"give": "shares"}, "The kept numbers are divided by their sum; they stay as they are."),
    Mistake("above the threshold", {"give": "above"},
            "The threshold is subtracted from the kept numbers. They stay as they are."),
    Mistake("raised to the threshold", {"give": "clipped"},
            "The other numbers are raised to the threshold (`clamp`); they are set to 0."),
    Mistake("minus infinity", {"fill": float("-inf")},
            "The others are −inf, as before a softmax. They are set to 0."),
)

ERRORS = {
    "selected index k out of range": "`topk` is asked for more numbers than there are. In one row, `h.flatten()`, the "
                                     "batch has N · K numbers, enough for every k. One image has fewer, and the "
                                     "positive ones alone may be too few; with k = K there is none after the last one.",
    "must be less than or equal to the": "A row of one image has no k · N numbers: make one row of the whole batch "
                                         "first, `h.flatten()`.",
    "size of tensor b (0)": "With k = K all numbers are kept, and there is no number after the last one.",
    "is out of bounds for dimension 0": "With k = K all numbers are kept, and there is no number after the last one.",
    "Index tensor must have the same number of dimensions": "The places count along the flattened batch: put the "
                                                            "values into `torch.zeros_like(h.flatten())`, and give it "
                                                            "the shape of `h` afterwards.",
    "leaf Variable that requires grad": "Do not write into the activations themselves: start with "
                                        "`torch.zeros_like(h)`, or multiply with a mask.",
    "used in an in-place operation": "Do not write into the activations themselves: start with "
                                     "`torch.zeros_like(h)`, or multiply with a mask.",
    "scatter(): Expected self.dtype": "The tensor that `scatter` writes into must have the type of the activations: "
                                      "`torch.zeros_like(h)`.",
}


def reference(h: Tensor, k: int) -> Tensor:
    largest = h.flatten().topk(k * len(h))
    return torch.zeros_like(h).flatten().scatter(0, largest.indices, largest.values).reshape(h.shape)


def oracle(h: Tensor, k: int) -> Tensor:
    """Walk through the numbers from the largest on, and stop after k · N."""
    kept = np.zeros(h.numel(), dtype=bool)
    kept[np.argsort(-h.detach().double().numpy(), axis=None, kind="stable")[:k * len(h)]] = True
    return torch.where(torch.from_numpy(kept).reshape(h.shape), h, 0.0)


# ---- draw -----------------------------------------------------------------------------------------------------------

_SPECIAL = {1: ("one image", ONE), 6: ("6 images", ALL), 7: ("5 images", FEW), 9: ("6 images of very unequal size",
            UNEQUAL), 10: ("4 images, whose numbers differ in the fifth digit", CLOSE),
            11: ("5 images, whose numbers are whole thousands", HIGH), 300: ("70 images", WIDE)}


_LATER = ("mean of the thresholds", "highest of the thresholds")  # of the smallest inputs not all need show them


def draw(generator: torch.Generator, size: int) -> Case:
    """Return activations of which no two that are positive are equal, in images that keep different numbers of them."""
    images, units, k = {3: (3, 5, 2), 5: (5, 12, 4), 8: (6, 12, 4), 4: (4, 6, 1), 6: (6, 5, 5), 1: (1, 6, 2),
                        7: (5, 9, 4), 9: (6, 10, 3), 10: (4, 8, 3), 11: (5, 12, 3), 300: (70, 600, 40)}.get(
                             size, (size, 12, 3))
    if size in _SPECIAL:
        what, only = _SPECIAL[size]
        h = (torch.randperm(images * units, generator=generator).reshape(images, units) + 1) / 10
        if size == 7:  # fewer are positive than there are places
            h = (h - h.flatten().sort().values[-between(8, 15, generator)] + 0.1).relu()
        elif size == 9:  # the last one keeps all of its units, and the first ones none
            h = h * torch.tensor([0.001, 1.0, 0.01, 1.0, 0.1, 1000.0])[:, None] + 0.001
        elif size == 10:
            h = 1.2345 + h / 1000
        elif size == 11:
            h = h * 10_000
        elif size == 300:
            h = h * 10 / 4096  # apart by powers of 2, so that no precision is asked
        return Case((h, k), f"{what}, {units} units and k = {k}", only)
    while True:
        if size == 3:
            h = ((torch.randperm(20, generator=generator)[:15] + 1) / 10).reshape(3, 5)
        else:  # the images have more and less of everything
            h = torch.randn(images, units, generator=generator) + 0.7 * torch.randn(images, 1, generator=generator)
            ranks = h.flatten().argsort().argsort().reshape(h.shape)
            h = 0.05 * (ranks + 1 + 0.5 * torch.rand(h.shape, generator=generator))  # no two are nearly equal
        if size not in (3, 5):  # after a ReLU: many are 0, in one image all
            h = (h - h.flatten().sort().values[h.numel() // 4]).relu()
            h = h * (torch.arange(images) != between(0, images - 1, generator))[:, None]
        if size == 4 and int((reference(h, k) > 0).sum(1).max()) < 3:  # one image takes more than twice its share
            continue
        if size > 8 or telling(family, [m for m in MISTAKES if size > 4 or m.name not in _LATER], (h, k), size == 5):
            break
    return Case((h, k), f"h = {rows(h)} and k = {k}" if size == 3 else f"{images} images, {units} units and k = {k}")


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return the activations with the k · N largest of the batch kept and the others 0, with the given changes."""
    return partial(_switched, **changes)


def _switched(h: Tensor, k: int, *, over: str = "batch", many: str = "k N", by: str = "value", more: int = 0,
              give: str = "kept", fill: float = 0.0) -> Tensor:
    images, units = h.shape
    n = {"k N": k * images, "k": k, "k K": k * units}[many] + more
    n = min(max(n, 0), h.numel())
    score = {"smallest": lambda: -h, "position": lambda: -torch.arange(h.numel(), dtype=h.dtype).reshape(h.shape),
             "argsort once": lambda: -h.flatten().argsort(descending=True).to(h.dtype).reshape(h.shape),
             }.get(by, lambda: h)()
    bar = score.sort(1, descending=True).values[:, min(k, units) - 1]  # (images,): each one's own
    kept = {"batch": lambda: _largest(score.flatten(), n).reshape(h.shape),
            "image": lambda: _largest(score.T, min(k + more, units)).T,
            "unit": lambda: _largest(score, min(k + more, images)), "positive": lambda: h > 0,
            "unit share": lambda: _largest(score, max(1, k * images // units)),
            "mean of the batch": lambda: _largest(score.mean(0), min(k + more, units)).expand_as(h),
            "mean bar": lambda: score >= bar.mean(), "lowest bar": lambda: score >= bar.min(),
            "highest bar": lambda: score >= bar.max(),
            "both": lambda: _largest(score.flatten(), n).reshape(h.shape) & (score >= bar[:, None])}[over]()
    ordered = h.flatten().sort().values
    kept = {"not the smallest": lambda: ~_largest(-h.flatten(), n).reshape(h.shape), "others": lambda: ~kept,
            "from the k-th smallest": lambda: h >= ordered[n - 1]}.get(by, lambda: kept)()
    out = torch.where(kept, h, torch.full_like(h, fill))
    lowest = out.masked_fill(~kept, math.inf).min()
    return {"kept": lambda: out, "mask": lambda: kept.to(h.dtype), "flat": lambda: out.flatten(),
            "values": lambda: h.flatten()[score.flatten().argsort(descending=True)[:n]],
            "places": lambda: score.flatten().argsort(descending=True)[:n], "shares": lambda: out / out.sum(),
            "above": lambda: torch.where(kept, h - lowest, 0), "clipped": lambda: torch.maximum(h, lowest)}[give]()


def _largest(score: Tensor, n: int) -> Tensor:
    """Return which entries are among the n largest along dimension 0."""
    if n == 0:
        return torch.zeros_like(score, dtype=torch.bool)
    return score >= score.sort(0, descending=True).values[n - 1]


# ---- look -----------------------------------------------------------------------------------------------------------


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say how many numbers are kept, whether at the right places, and whether as they were."""
    kept = [int((g[0] != 0).sum()) for g in got]
    if all(torch.equal(g[0] != 0, w[0] != 0) for g, w in zip(got, want, strict=True)):
        ratio = torch.cat([g[0][w[0] != 0] / w[0][w[0] != 0] for g, w in zip(got, want, strict=True)])
        if float((ratio - ratio[0]).abs().max()) < 1e-3 * float(ratio[0].abs()):
            return ""  # one factor: the engine says it
        return "The right numbers are kept, at their places, but not as they were: their values have changed."
    as_were = all(bool(((g[0] == 0) | (g[0] == case.args[0])).all()) for case, g in zip(cases, got, strict=True))
    each = {n / len(case.args[0]) for case, n in zip(cases, kept, strict=True)}
    if as_were and len(each) == 1 and len({case.args[1] for case in cases}) > 1:
        return f"Whatever `k` is given, {each.pop():.3g} · N numbers are kept: take the `k` that is given."
    for case, n in zip(cases, kept, strict=True):
        (h, k), places = case.args, case.args[1] * len(case.args[0])
        if n != places:
            return (f"The batch does not keep k · N numbers{'' if as_were else ', and some have changed'}. Of {len(h)} "
                    f"images with k = {k} it keeps {n}, where {k} · {len(h)} = {places} are asked for.")
    return ("The batch keeps k · N numbers, but not the largest ones at their own places." if as_were else
            "The batch has k · N numbers that are not 0, but they are not its own at these places.")


EXERCISE = Exercise(
    "batch_top_k", "4 · A budget for the whole batch", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 5, 8, 4, 1, 6, 7, 9, 10, 11, 300), atol=1e-5,
    arguments=("h", "k"), gives=(Form("float", "the activations, shape (N, K), of which k · N are kept"),),
    gradients=(0,), family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`h.flatten()` is one row of all N · K activations. How many of them are kept?",
           "`.topk(k * len(h))` of that row gives `.values` and `.indices`. Put the values into a row of zeros, "
           "`.scatter(0, indices, values)`, and give it the shape of `h`.",
           "Or find the smallest value that is kept, and multiply `h` with the mask of all that are at least as "
           "large."),
    why="The mean number of active units is set, and the images share it out by themselves: one whose activations are "
        "larger gets more of the places. The gradient passes through the kept values, as in top-k.")
