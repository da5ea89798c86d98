"""Lab 05, exercise 4: keep each image's k largest activations as they are, and set the others to 0."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.drawing import rows, telling
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

ONE = ("It is right for several images, and wrong for a batch of one: asked for are (1, K) numbers, of which k "
       "are kept.")
FIRST = "It is right for other k, and wrong for k = 1: then each image keeps its largest number alone."
ALL = "It is right for k below K, and wrong for k = K: then each image keeps all of its numbers."
FAR = ("It is right for numbers near 0, and wrong where all are far below: a number of −70,000 is kept if fewer than k "
       "of its image are larger.")
CLOSE = ("It is right where the numbers of an image differ clearly, and wrong where they differ in the fifth digit "
         "only. Compare them as they are, in float32: not rounded, not in half precision, and with no tolerance.")
WIDE = "It is right for few images and units, and wrong for many: no size is fixed, and neither is k."

MISTAKES = (
    Mistake("over the images", {"over": "unit"},
            "You look along dimension 0: each unit keeps its k strongest images. Each image keeps its k strongest "
            "units, dimension 1."),
    Mistake("over the batch", {"over": "batch"},
            "k numbers are kept in the whole batch. Each image keeps k of its own."),
    Mistake("batch top-k", {"over": "batch B k"},
            "The batch keeps B · k numbers together, so one image may keep more than another. That exists, under the "
            "name batch top-k; here each image keeps exactly k."),
    Mistake("one threshold", {"over": "lowest bar"},
            "All images share one threshold, so some keep more than k. Each image has a threshold of its own."),
    Mistake("same units for all", {"over": "mean of the batch"},
            "The units are chosen once for the batch, by their mean. Each image chooses its own."),
    Mistake("all positive", {"over": "positive"},
            "All positive numbers are kept, however many. Each image keeps k."),
    Mistake("by size", {"by": "size"},
            "The numbers are chosen by their absolute value. The exercise chooses by value: −3 is smaller than 1."),
    Mistake("smallest", {"by": "smallest"}, "The k smallest are kept; the largest are meant."),
    Mistake("not the smallest", {"by": "not the smallest", "more": 0, "over": "image"},
            "All but the k smallest are kept; asked for are the k largest."),
    Mistake("k-th smallest", {"by": "from the k-th smallest", "more": 0, "over": "image"},
            "All numbers from the k-th smallest upwards are kept. `kthvalue`, and `sort` as it is, count from the "
            "smallest: the k-th largest of K numbers is the (K − k + 1)-th smallest."),
    Mistake("taken twice", {"by": "taken twice", "more": 0, "over": "image"},
            "The largest number is taken k times, and each time its place is set to 0. Where only negative numbers are "
            "left, such a 0 is the largest, and a place is taken twice. Set it to −inf, or take k places at once."),
    Mistake("argsort once", {"by": "argsort once"},
            "`argsort` gives the places in order, not each number's rank. Use its first k as places, or take the "
            "argsort of the argsort."),
    Mistake("first k", {"by": "position"}, "The first k units are kept, whatever their values."),
    Mistake("one too few", {"more": -1},
            "k − 1 numbers are kept: a `>` leaves out the number that is the threshold itself, and `>=` keeps it."),
    Mistake("one too many", {"more": 1},
            "k + 1 numbers are kept. Counting starts at 0, so the k-th largest stands at the place k − 1."),
    Mistake("mask", {"give": "mask"},
            "These are ones and zeros. The kept numbers stay as they are: multiply the mask with the activations."),
    Mistake("values only", {"give": "values"},
            "These are the k largest values alone, (B, k). The code keeps its width: put them back at their places, "
            "with zeros between."),
    Mistake("places only", {"give": "places"},
            "These are the places of the k largest, the `indices`. Asked for are the activations, with zeros at the "
            "other places."),
    Mistake("in front", {"give": "front"},
            "The k largest are moved to the front, so each value stands at another unit's place. They keep their "
            "places."),
    Mistake("others kept", {"by": "others", "more": 0},
            "It is the other way round: the k largest are set to 0, and the others are kept."),
    Mistake("shares", {"give": "shares"}, "The kept numbers are divided by their sum; they stay as they are."),
    Mistake("softmax", {"give": "softmax"}, "There is a softmax over the kept numbers; they stay as they are."),
    Mistake("above the bar", {"give": "above"},
            "The threshold is subtracted from the kept numbers. They stay as they are."),
    Mistake("raised to the bar", {"give": "clipped"},
            "The other numbers are raised to the threshold (`clamp`); they are set to 0."),
    Mistake("relu", {"bend": "relu"},
            "Negative numbers among the k largest are set to 0. The exercise keeps the k largest as they are; a ReLU "
            "is another step."),
    Mistake("minus infinity", {"fill": float("-inf")},
            "The others are −inf, as before a softmax. They are set to 0."),
)

ERRORS = {
    "selected index k out of range": "More numbers are asked for than there are: look along the units, dimension 1, "
                                     "and take the `k` that is given.",
    "size of tensor b (0)": "With k = K all numbers are kept, and there is no number after the k-th.",
    "leaf Variable that requires grad": "Do not write into the activations themselves: start with "
                                        "`torch.zeros_like(a)`, or multiply with a mask.",
    "used in an in-place operation": "Do not write into the activations themselves: start with "
                                     "`torch.zeros_like(a)`, or multiply with a mask.",
    "scatter(): Expected self.dtype": "The tensor that `scatter` writes into must have the type of the activations: "
                                      "`torch.zeros_like(a)`.",
}


def reference(a: Tensor, k: int) -> Tensor:
    largest = a.topk(k, dim=1)
    return torch.zeros_like(a).scatter(1, largest.indices, largest.values)


def oracle(a: Tensor, k: int) -> Tensor:
    """Keep a number if fewer than k of its image are larger."""
    larger = (a[:, None, :] > a[:, :, None]).sum(2)
    return torch.where(larger < k, a, 0.0)


# ---- draw -----------------------------------------------------------------------------------------------------------

_SPECIAL = {4: ("4 images", FIRST), 6: ("6 images", ALL), 1: ("one image", ONE),
            10: ("4 images, whose numbers differ in the fifth digit", CLOSE),
            7: ("5 images, all numbers below −70,000", FAR), 300: ("70 images", WIDE)}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return activations without ties, often negative, so that the k largest are not all above 0; special ones."""
    images, units, k = {3: (3, 4, 2), 5: (5, 8, 3), 8: (6, 12, 4), 4: (4, 6, 1), 6: (6, 5, 5), 1: (1, 6, 1),
                        7: (5, 9, 4), 10: (4, 8, 3), 300: (70, 600, 40)}.get(size, (size, 12, 3))
    if size in _SPECIAL:
        what, only = _SPECIAL[size]
        a = torch.randperm(images * units, generator=generator).reshape(images, units) / 10
        a = -70001 - 100 * a if size == 7 else a - a.mean() - 0.03
        if size in (10, 300):  # each row a permutation; whole numbers in the wide case, so that no precision is asked
            a = torch.stack([torch.randperm(units, generator=generator) for _ in range(images)]).float()
            offset = torch.randperm(images, generator=generator)[:, None]
            a = 1.2345 + (a + 3 * offset) / 10_000 if size == 10 else a + offset - 400
        return Case((a, k), f"{what}, {units} units and k = {k}", only)
    while True:
        if size == 3:  # no number is 0, and no two have the same size
            a = (torch.randperm(15, generator=generator)[:12] + 1) / 10
            a = (a * (1 - 2 * (torch.rand(12, generator=generator) < 0.6))).reshape(3, 4)
        elif size == 5:  # what one image keeps another has among those that it drops
            a = torch.stack([torch.randperm(units, generator=generator) for _ in range(images)]) / 10
            a = a + torch.randperm(9, generator=generator)[:images, None] / 10 - 0.73
        else:
            a = torch.randn(images, units, generator=generator) - 0.6
        if size == 8:
            a[0] -= a[0].max() + 0.2  # all of one image's numbers are negative
        apart = [m for m in MISTAKES if size > 3 or m.name != "not the smallest"]  # of 4 numbers they are the 2 largest
        if size == 5 and not _bars_are_clear(a, k):
            continue
        clear = (float(a.sort(1).values.diff(dim=1).min()) > 5e-3
                 and (size == 5 or float(a.flatten().sort().values.diff().min()) > 1e-3))
        if size > 8 or (clear and telling(family, apart, (a, k), size > 3)):
            break
    return Case((a, k), f"a = {rows(a)} and k = {k}" if size == 3 else f"{images} images, {units} units and k = {k}")


def _bars_are_clear(a: Tensor, k: int) -> bool:
    """Return whether no number equals the first one that is dropped, where units or the batch keep their largest."""
    every, columns = (a.flatten().sort(descending=True).values, a.sort(0, descending=True).values)
    pairs = ((every[k - 1:k], every[k:k + 1]), (every[k * len(a) - 1:], every[k * len(a):k * len(a) + 1]),
             (columns[k - 1], columns[k]))
    return all(bool((first[:len(second)] - second > 0.01).all()) for first, second in pairs)


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return the activations with each image's k largest kept and the others set to 0, with the given changes."""
    return partial(_switched, **changes)


def _switched(a: Tensor, k: int, *, over: str = "image", by: str = "value", more: int = 0, give: str = "kept",
              bend: str = "", fill: float = 0.0) -> Tensor:
    k = min(max(k + more, 0), a.shape[1])
    score = {"value": lambda: a, "size": lambda: a.abs(), "smallest": lambda: -a,
             "argsort once": lambda: -a.argsort(1, descending=True).to(a.dtype),
             "position": lambda: -torch.arange(a.numel(), dtype=a.dtype).reshape(a.shape)}.get(by, lambda: a)()
    if k == 0:
        kept = torch.zeros_like(a, dtype=torch.bool)
    elif over == "image":
        kept = score >= score.sort(1, descending=True).values[:, k - 1:k]
    elif over == "unit":
        kept = score >= score.sort(0, descending=True).values[k - 1]
    elif over == "mean of the batch":
        kept = (score.mean(0) >= score.mean(0).sort(descending=True).values[k - 1]).expand_as(a)
    elif over == "positive":
        kept = a > 0
    elif over == "lowest bar":  # one threshold for all: the lowest of the images' own
        kept = score >= score.sort(1, descending=True).values[:, k - 1].min()
    else:
        n = {"batch": k, "batch B k": k * len(a)}[over]
        kept = score >= score.flatten().sort(descending=True).values[n - 1]
    if by in ("not the smallest", "from the k-th smallest"):
        bar = a.sort(1).values[:, k - 1:k]
        kept = a > bar if by == "not the smallest" else a >= bar
    elif by == "taken twice":
        kept = _taken_one_by_one(a, k)
    elif by == "others":
        kept = ~kept
    out = torch.where(kept, a, torch.full_like(a, fill))
    if bend == "relu":
        out = out.relu()
    return {"kept": lambda: out, "mask": lambda: kept.to(a.dtype),
            "values": lambda: a.sort(1, descending=True).values[:, :k],
            "places": lambda: a.argsort(1, descending=True)[:, :k], "shares": lambda: out / out.sum(1, keepdim=True),
            "softmax": lambda: out.masked_fill(~kept, -math.inf).softmax(1),
            "front": lambda: torch.nn.functional.pad(a.sort(1, descending=True).values[:, :k], (0, a.shape[1] - k)),
            "above": lambda: torch.where(kept, a - out.masked_fill(~kept, math.inf).min(1, keepdim=True).values, 0),
            "clipped": lambda: torch.maximum(a, out.masked_fill(~kept, math.inf).min(1, keepdim=True).values)}[give]()


def _taken_one_by_one(a: Tensor, k: int) -> Tensor:
    """Return which numbers are taken where each one's place is set to 0 before the next one is looked for."""
    left, kept = a.detach().clone(), torch.zeros_like(a, dtype=torch.bool)
    for _ in range(k):
        best = left.argmax(1, keepdim=True)
        kept, left = kept.scatter(1, best, True), left.scatter(1, best, 0.0)
    return kept


# ---- look -----------------------------------------------------------------------------------------------------------


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say how many numbers are kept, whether at the right places, and whether as they were."""
    kept, asked = [(g[0] != 0).sum(1) for g in got], [case.args[1] for case in cases]
    places = all(torch.equal(g[0] != 0, w[0] != 0) for g, w in zip(got, want, strict=True))
    if places:
        ratio = torch.cat([g[0][w[0] != 0] / w[0][w[0] != 0] for g, w in zip(got, want, strict=True)])
        if float((ratio - ratio[0]).abs().max()) < 1e-3 * float(ratio[0].abs()):
            return ""  # one factor: the engine says it
        return "The right numbers are kept, at their places, but not as they were: their values have changed."
    as_were = all(bool(((g[0] == 0) | (g[0] == case.args[0])).all()) for case, g in zip(cases, got, strict=True))
    if any(bool((n != k).any()) for n, k in zip(kept, asked, strict=True)):
        i, row = next((i, int((n != k).nonzero()[0])) for i, (n, k) in enumerate(zip(kept, asked, strict=True))
                      if bool((n != k).any()))
        return ("Not every image keeps k numbers" + ("." if as_were else ", and some of the numbers have changed.")
                + f" One keeps {int(kept[i][row])}, where k = {asked[i]}.")
    return ("Each image keeps k numbers, but not the k largest ones at their own places." if as_were else
            "Each image has k numbers that are not 0, but they are not the image's own at these places.")


EXERCISE = Exercise(
    "top_k", "4 · Keep the k largest", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 5, 8, 4, 6, 1, 10, 7, 300), atol=1e-4,
    arguments=("a", "k"), gives=(Form("float", "the activations, shape (B, K), zero but for k in each row"),),
    gradients=(0,), family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`a.topk(k, dim=1)` gives `.values` and `.indices`, (B, k) each.",
           "Start with zeros, `torch.zeros_like(a)`, and put the values at their places: "
           "`.scatter(1, indices, values)`.",
           "Or find each row's k-th largest number, (B, 1), and multiply `a` with the mask of all that are at "
           "least as large."),
    why="The choice of the places has no gradient, and needs none: through the chosen units the gradient passes "
        "as it is, and the others have no part in this image. How many are on is set, not hoped for.")
