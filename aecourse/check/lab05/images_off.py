"""Lab 05, exercise 2: for how many images in a row each unit has been off, carried on from batch to batch."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.drawing import between, rows, telling, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

ONE = ("It is right for several images, and wrong for a single one: then the count of a unit is 0 if it is on, and its "
       "old count plus 1 if it is off.")
SINGLE = "It is right for several units, and wrong for a single one: asked for is a tensor of one count, shape (1,)."
SILENT = ("It is right where some units are on, and wrong where all are off for all images: then N is added to each "
          "count.")
LOUD = ("It is right where some units are off, and wrong where every unit is on for every image: then all counts are "
        "0.")
TINY = ("It is right where the numbers of `z` are large enough, and wrong where they are as small as 1e-8. Such a "
        "number is \"on\" too. Compare each number with 0 itself: a tolerance and a type of lower precision take it "
        "for 0.")
TINIER = ("It is right where the numbers of `z` are as small as 1e-8, and wrong where they are as small as 1e-30. Such "
          "a number is \"on\" too. Compare each number with 0 itself: a small tolerance, and a square, take it for 0.")
LARGE = ("It is right for counts of some hundred images, and wrong for counts of billions. int64 holds them. float32 "
         "holds every whole number only up to 16,777,216, and int32 none above 2,147,483,647.")
MANY = ("It is right for a few images, and wrong for 3,000. The last image for which a unit is on counts, wherever it "
        "stands.")

MISTAKES = (
    Mistake("zero after any on", {"after": "zero"},
            "Every unit that is on for one of the images gets 0. That is right if this image is the last one. "
            "Otherwise the images that follow it count: for these the unit was off."),
    Mistake("after the first on", {"after": "first"},
            "You count the images after a unit's first \"on\". It may be on again later, so the images after its last "
            "\"on\" count. `argmax` gives the first of several largest places."),
    Mistake("before the last on", {"after": "before"},
            "For a unit that is on for some image you count the images before its last \"on\". Asked for are those "
            "after it."),
    Mistake("before the first on", {"after": "before the first"},
            "For a unit that is on for some image you count the images before its first \"on\". The last row of `z` is "
            "the newest image: count from there back to the unit's last \"on\"."),
    Mistake("all images off", {"after": "zeros"},
            "For a unit that is on for some image you count all images for which it is off. Only those after its last "
            "\"on\" count: there it starts at 0 again."),
    Mistake("longest run", {"after": "longest"},
            "For a unit that is on for some image you count the longest run of images for which it is off. The run "
            "that lasts until the end of the batch is asked for."),
    Mistake("last image only", {"after": "off"},
            "Only the last image is looked at. A unit that is on for an earlier one starts at 0 again, and the images "
            "after that one count."),
    Mistake("one too many", {"more": 1},
            "The image for which a unit is on is counted too, so a unit that is on for the last image gets 1. Count "
            "only the images after it."),
    Mistake("one too few", {"more": -1},
            "One image too few is counted after a unit's last \"on\": a unit that is on for the last image gets −1. "
            "Of N images the last one stands at the place N − 1."),
    Mistake("old count forgotten", {"old": "forgotten"},
            "The old count of a unit that is off for all N images is forgotten. It was off before as well: N is added "
            "to its old count."),
    Mistake("old count always", {"old": "always"},
            "The old count is added also where a unit is on for some image. There its count starts at 0 again."),
    Mistake("never reset", {"after": "zeros", "old": "always"},
            "To the old count of every unit you add the number of images for which it is off. Where a unit is on, its "
            "count starts at 0 again: asked for are images in a row."),
    Mistake("N for all", {"after": "all"},
            "Every count gets N more, whatever `z` holds. The count of a unit that is on starts at 0 again."),
    Mistake("one a batch", {"step": "one"},
            "A unit that is off for all images gets 1 more. `z` holds N images, so N is added."),
    Mistake("batches", {"step": "one", "after": "zero"},
            "You count batches: 0 for a unit that is on for some image, and 1 more for the others. Images are counted: "
            "N more for a unit that is off for all of them, and those after the last \"on\" for one that is on."),
    Mistake("nothing added", {"step": "none"},
            "A unit that is off for all images keeps its old count. It has been off for N images more."),
    Mistake("number of units", {"step": "units"},
            "To the count of a unit that is off for all images you add K, the number of units. There are N images, "
            "`len(z)`."),
    Mistake("flag", {"give": "flag"},
            "This says for each unit whether it is off for all images. Asked for is a count, carried on from `off`."),
    Mistake("above zero", {"on": "above 0"},
            "You take a unit for off where its number is negative. Every number that is not 0 is \"on\"."),
    Mistake("negative", {"on": "below 0"},
            "You take a unit for on only where its number is negative. Every number that is not 0 is \"on\"."),
    Mistake("above 0.1", {"on": "0.1"},
            "Numbers of a size below about 0.1 pass for zeros. \"Off\" means exactly 0."),
    Mistake("above 0.01", {"on": "0.01"},
            "Numbers of a size below about 0.01 pass for zeros. \"Off\" means exactly 0."),
    Mistake("above 0.001", {"on": "0.001"},
            "There is a tolerance of about 0.001. \"Off\" means exactly 0."),
    Mistake("images on", {"on": "is 0"},
            "It is the other way round: you count for how many images in a row a unit has been on."),
    Mistake("sum is zero", {"ever": "sum"},
            "Units whose numbers add up to 0 pass for off, also where positive and negative numbers cancel. Ask every "
            "number whether it is 0."),
)

ERRORS = {
    "must match the size": "`off` has one number for each unit, and `z` one row for each image and one column for "
                           "each unit.",
    "can't be cast to": "Whole numbers cannot take in floats in place: compute a new tensor.",
}


def reference(off: Tensor, z: Tensor) -> Tensor:
    places = torch.arange(1, len(z) + 1)[:, None] * (z != 0)
    last = places.amax(0)
    return torch.where(last > 0, len(z) - last, off + len(z))


def oracle(off: Tensor, z: Tensor) -> Tensor:
    """Go through the images one by one."""
    counts = off.tolist()
    for image in z.tolist():
        counts = [0 if value else count + 1 for value, count in zip(image, counts, strict=True)]
    return torch.tensor(counts, dtype=torch.int64)


# ---- draw -----------------------------------------------------------------------------------------------------------

_SPECIAL = {1: ONE, 2: SINGLE, 4: TINY, 5: SILENT, 10: TINIER, 6: LOUD, 9: LARGE, 3000: MANY}

# A unit that is on for one image only, at a random place, with this number.
_ONCE = {"once": 0.6, "negative": -0.9, "tiny": 0.0004, "small": 0.004, "smallish": -0.04}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return counts and codes of units that are on now and then; many units keep mistakes apart."""
    if size in _SPECIAL:
        return _special(generator, size)
    if size not in (3, 8, 30):  # to count calls: as many images, whatever the number of units
        return Case((torch.arange(size), torch.rand(20, size, generator=generator).sub(0.8).relu()))
    while True:
        if size == 3:
            z = tenths(1, 9, 3, 5, generator=generator) * (torch.rand(3, 5, generator=generator) > 0.5)
            z = z * (1 - 2 * (torch.rand(3, 5, generator=generator) > 0.6).float())
            off, few = torch.randint(3, 20, (5,), generator=generator), _PLAIN
        else:
            z = _units(generator, size)
            off, few = torch.randint(0, 300, (z.shape[1],), generator=generator), MISTAKES
            off[(z == 0).all(0).nonzero()[0]] = 0
        if telling(family, few, (off, z), pairs=size > 3):
            break
    z = z + 0.0  # no -0
    return Case((off, z), f"off = {off.tolist()} and z = {rows(z)}" if size == 3
                else f"{size} codes of {z.shape[1]} numbers")


# Of the smallest input not all mistakes show: numbers below 0.1 would make it hard to read.
_PLAIN = tuple(m for m in MISTAKES if m.name in ("zero after any on", "old count forgotten", "old count always",
                                                 "one a batch", "one too many", "last image only"))


def _units(generator: torch.Generator, images: int) -> Tensor:
    kinds = [kind for kind in (*_ONCE, "off", "on", "seldom", "cancels", "first", "last", "always")
             for _ in range(between(2, 6, generator))]
    kinds = [kinds[i] for i in torch.randperm(len(kinds), generator=generator)]
    z = torch.zeros(images, len(kinds))
    for k, kind in enumerate(kinds):
        some, other = torch.randperm(images, generator=generator)[:2].tolist()
        if kind in _ONCE:
            z[some, k] = _ONCE[kind]
        elif kind == "cancels":
            z[some, k], z[other, k] = 0.5, -0.5
        elif kind in ("first", "last"):
            z[0 if kind == "first" else -1, k] = 0.7
        elif kind != "off":
            share = {"on": 0.5, "seldom": 0.2, "always": 1.0}[kind]
            values = torch.rand(images, generator=generator) + 0.2
            z[:, k] = values * (torch.rand(images, generator=generator) < share)
    return z


def _special(generator: torch.Generator, size: int) -> Case:
    images, units = {1: (1, 7), 2: (6, 1), 4: (5, 7), 10: (5, 7), 5: (5, 6), 6: (5, 6), 9: (6, 7),
                     3000: (3000, 9)}[size]
    off, z = torch.randint(1, 300, (units,), generator=generator), torch.zeros(images, units)
    order, what = torch.randperm(units, generator=generator), f"{images} codes of {units} numbers"
    if size == 1:
        z[0] = tenths(1, 9, 7, generator=generator) * torch.tensor([1.0, -1, 1, 0, 0, 0, 0])
        what = "one image, off = {off} and z = {z}"
    elif size == 2:
        z[between(1, 3, generator), 0] = 0.8
        what = "one unit, off = {off} and z = {z}"
    elif size in (4, 10):
        tiny = 1e-8 if size == 4 else 1e-30
        z[:, 0], z[1, 1], z[2, 2], z[0, 3] = torch.rand(5, generator=generator) + 0.2, tiny, -tiny, tiny
        z[3, 4] = -tiny
        what = "off = {off} and z = {z}"
    elif size == 5:
        off[0], what = 0, f"{what}, all of them 0"
    elif size == 6:
        z, what = tenths(1, 9, images, units, generator=generator), f"{what}, none of them 0"
    elif size == 9:
        off = torch.tensor([0, 1, 16_777_217, 16_777_219, 2_147_483_645, 3_000_000_001, 5_000_000_003])
        z[between(0, 4, generator), :2], z[2, 6] = 0.4, 0.9
        what = "6 codes, off = {off}"
    else:
        z[between(0, 99, generator), 0], z[between(1100, 1900, generator), 1] = 0.7, 0.9
        z[between(2100, 2899, generator), 2], z[-1, 3], z[0, 4], z[40:, 5] = -0.8, 1.1, 0.6, 0.5
        z[:, 6] = torch.rand(images, generator=generator) * (torch.arange(images) % 50 > 2)
        z[1500, 7], z[200, 7] = 0.3, 0.8
        off[8], what = 40_000, "3,000 codes of 9 numbers"
    off, z = off[order], z[:, order] + 0.0
    return Case((off, z), what.format(off=off.tolist(), z=rows(z)) if size < 3000 else what, _SPECIAL[size])


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return for how many images in a row each unit has been off, with the given changes."""
    return partial(_switched, **changes)


def _switched(off: Tensor, z: Tensor, *, on: str = "not 0", after: str = "last", more: int = 0, old: str = "kept",
              step: str = "images", ever: str = "any", give: str = "counts") -> Tensor:
    n = len(z)
    is_on = {"not 0": lambda: z != 0, "above 0": lambda: z > 0, "below 0": lambda: z < 0,
             "is 0": lambda: z == 0}.get(on, lambda: z.abs() > float(on))()
    places = torch.arange(n)[:, None].expand_as(z)
    first = places.masked_fill(~is_on, n).amin(0)
    last = places.masked_fill(~is_on, -1).amax(0)
    lived = is_on.any(0) if ever == "any" else is_on.any(0) & (z.sum(0) != 0)
    if give == "flag":
        return (~lived).long()
    add = {"images": n, "one": 1, "none": 0, "units": z.shape[1]}[step]
    never = add + (0 if old == "forgotten" else off)
    since = {"last": lambda: n - 1 - last, "zero": lambda: 0 * last, "first": lambda: n - 1 - first,
             "before": lambda: last, "before the first": lambda: first, "zeros": lambda: (~is_on).sum(0),
             "longest": lambda: _longest(is_on), "all": lambda: off + n - more,
             "off": lambda: torch.where(last == n - 1, 0, never - more)}[after]() + more
    if old == "always":
        since = since + off
    return torch.where(lived, since, never)


def _longest(is_on: Tensor) -> Tensor:
    best = run = torch.zeros(is_on.shape[1], dtype=torch.int64)
    for image in is_on:
        run = torch.where(image, 0, run + 1)
        best = torch.maximum(best, run)
    return best


# ---- look -----------------------------------------------------------------------------------------------------------

_GROUPS = ("units that are on for the last image", "units that are on for an earlier image only",
           "units that are off for all images")
_MEANT = ("0 is asked for", "asked for is the number of images after the last one for which a unit is on",
          "asked for is the old count plus N")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say for which units the counts are right, and for which they are not."""
    right: list[list[bool]] = [[], [], []]
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        on = case.args[1] != 0
        group = torch.where(on[-1], 0, torch.where(on.any(0), 1, 2))
        for kind, ok in zip(group.tolist(), (g.double() == w.double()).tolist(), strict=True):
            right[kind].append(ok)
    wrong = [i for i in range(3) if not all(right[i])]
    fine = [_GROUPS[i] for i in range(3) if i not in wrong]
    says = f"The counts of {' and of '.join(fine)} are right. " if fine else ""
    return says + " ".join(f"{'Some' if any(right[i]) else 'All'} counts of {_GROUPS[i]} are wrong: {_MEANT[i]}."
                           for i in wrong)


EXERCISE = Exercise(
    "images_off", "2 · Dead units, counted in training", "function", 2, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 8, 30, 1, 2, 4, 10, 5, 6, 9, 3000), atol=1e-5,
    arguments=("off", "z"), gives=(Form("int64", "one count for each unit, shape (K,)", "unit"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("The plainest way is a loop over the images, as they come: for each, a unit that is on gets 0, and the "
           "others 1 more. `torch.where(condition, a, b)` chooses for each unit.",
           "Without a loop: give the images the numbers 1 to N, multiply them with `z != 0`, and take the largest in "
           "each column. That is the number of the last image for which the unit is on, and 0 if there is none.",
           "If this number is above 0, the new count is N minus it; if not, it is `off + N`."),
    why="Only the last \"on\" matters, since there the count starts at 0 again. A training sees its images in batches, "
        "so the count has to be carried on from one batch to the next.")
