"""Lab 05, exercise 2: the share of units that are 0 for every image."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import between, rows, telling, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

ONE = ("It is right for several images, and wrong for a single one: then a unit is dead if its one number is 0, and "
       "the share is that of all units.")
TINY = ("It is right where the numbers are large enough, and wrong where a unit's only number that is not 0 is as "
        "small as 1e-8 or 1e-30. That is a sign of life too. Compare each number with 0 itself: a tolerance, a square "
        "and a type of lower precision take such a number for 0.")
MANY = ("It is right for a few images, and wrong for 3,000. A unit that is on for one of them, wherever it stands, "
        "lives.")

MISTAKES = (
    Mistake("silent images", {"dimension": 1},
            "You look along the units: this is the share of images for which no unit is on. A unit is a column, so "
            "look along the images, dimension 0."),
    Mistake("share of zeros", {"images": "every entry"},
            "This is the share of zeros among all entries, the sparsity. A unit is dead only if it is zero for every "
            "image."),
    Mistake("zero for some", {"images": "some"},
            "You count units that are zero for at least one image. In a sparse code that is nearly every unit; dead "
            "means zero for all images."),
    Mistake("zero for most", {"images": "most"},
            "You count units that are zero for most images. A unit that is on for one single image lives."),
    Mistake("first image", {"images": "first"}, "You look at the first image only."),
    Mistake("last image", {"images": "last"}, "You look at the last image only."),
    Mistake("first half", {"images": "first half"},
            "You look at the first half of the images only; a unit may be on in the second."),
    Mistake("sum is zero", {"zero": "sum"},
            "A sum, or a mean, over the images is 0 also where positive and negative numbers cancel. Ask every number "
            "whether it is 0."),
    Mistake("sum not positive", {"zero": "sum not positive"},
            "You ask whether a unit's sum is above 0. A unit with negative numbers is not dead."),
    Mistake("no spread", {"zero": "no spread"},
            "You ask whether a unit changes. One that gives the same number for every image is no use, but it is not "
            "dead: its number is not 0, and gradients reach it."),
    Mistake("never positive", {"zero": "not positive"},
            "You count units that are never above 0. In these codes a unit can be negative, and then it is on."),
    Mistake("below 0.1", {"zero": "below 0.1"},
            "Small numbers, below about 0.1, pass for zeros. Dead means exactly 0: a weak unit still has a gradient."),
    Mistake("below 0.01", {"zero": "below 0.01"},
            "Small numbers, below about 0.01, pass for zeros. Dead means exactly 0."),
    Mistake("below 0.001", {"zero": "below 0.001"},
            "There is a tolerance of about 0.001. Dead means exactly 0."),
    Mistake("living", {"which": "living"}, "This is about the units that live; asked for are the dead ones."),
    Mistake("count", {"give": "count"}, "This is a count. A share divides it by the number of units, K."),
    Mistake("mask", {"give": "mask"},
            "This says for each unit whether it is dead. Asked for is one number, their share: the mean of that."),
    Mistake("percent", {"give": "percent"}, "These are percent; a share lies between 0 and 1."),
    Mistake("over the images", {"per": "images"},
            "The count is divided by the number of images, N. A share of the units divides by K."),
    Mistake("over the entries", {"per": "entries"},
            "The count is divided by the number of all entries, N · K. There are K units."),
    Mistake("dead to living", {"per": "living"},
            "This is the number of dead units divided by that of the living ones. A share divides by all units."),
)


def reference(z: Tensor) -> float:
    return (z == 0).all(0).float().mean().item()


def oracle(z: Tensor) -> float:
    """Collect the units that occur among the entries that are not zero; the rest is dead."""
    living = set(np.nonzero(z.numpy())[1].tolist())
    return 1 - len(living) / z.shape[1]


# ---- draw -----------------------------------------------------------------------------------------------------------


# What a unit can be that is not dead, though it looks so in some way.
_HALF_DEAD = {"first": 1.3, "fourth": 0.6, "last": 0.8, "cancels": 0.7, "negative": -0.9, "tiny": 0.0004,
              "small": 0.004, "smallish": 0.04}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return codes with dead units, silent images, and units that live a little; many units keep mistakes apart."""
    if size == 3:
        z = torch.zeros(3, 4)
        z[:2, 1], z[1:, 2], z[0, 3] = *tenths(1, 9, 2, 2, generator=generator), -0.4
        z = z[:, torch.randperm(4, generator=generator)]
        return Case((z,), f"the codes {rows(z)}")
    if size == 1:
        z = tenths(1, 9, 1, 7, generator=generator) * torch.tensor([1.0, -1, 1, 0, 0, 1, 0])
        z = z[:, torch.randperm(7, generator=generator)]
        return Case((z,), f"one code, {rows(z)}", ONE)
    if size == 4:
        z = torch.zeros(4, 7)
        z[:, 0], z[1, 1], z[2, 2], z[0, 3] = torch.rand(4, generator=generator) + 0.2, 1e-8, -1e-30, 1e-30
        z[3, 4] = -1e-8
        z = z[:, torch.randperm(7, generator=generator)]
        return Case((z,), f"the codes {rows(z)}", TINY)
    if size == 3000:
        z = torch.zeros(size, 9)
        z[between(0, 99, generator), 0], z[between(1100, 1900, generator), 1] = 0.7, 0.9
        z[between(2100, 2899, generator), 2], z[-1, 3], z[0, 4], z[40:, 5] = -0.8, 1.1, 0.6, 0.5
        z[:, 6] = torch.rand(size, generator=generator) * (torch.arange(size) % 50 > 2)
        z = z[:, torch.randperm(9, generator=generator)]
        return Case((z,), "3,000 codes of 9 numbers, where units are on for one image each", MANY)
    if size not in (8, 30):  # to count calls: as many units, whatever the number of images
        return Case((torch.rand(size, 20, generator=generator) * (torch.arange(20) % 3 > 0),))
    kinds = list(_HALF_DEAD)
    while True:
        units = [kind for kind in kinds for _ in range(between(1, 30, generator))]
        units += ["dead"] * between(9, 30, generator) + ["on"] * between(9, 30, generator)
        units += ["always"] * between(1, 30, generator) * (size != 8)
        units = [units[i] for i in torch.randperm(len(units), generator=generator)]
        z = torch.zeros(size, len(units))
        for k, kind in enumerate(units):
            if kind in ("first", "fourth", "last"):
                z[{"first": 0, "fourth": 3, "last": -1}[kind], k] = _HALF_DEAD[kind]
            elif kind == "cancels":
                z[0, k], z[-1, k] = _HALF_DEAD[kind], -_HALF_DEAD[kind]
            elif kind in _HALF_DEAD:
                z[-1, k] = _HALF_DEAD[kind]
            elif kind == "on":
                z[:, k] = torch.rand(size, generator=generator).clamp(min=0.2)
                z[1, k] = 0.0
            elif kind == "always":
                z[:, k] = 0.5
        if size == 8:  # here some images are silent, and so no unit can be on for all
            z[1:1 + between(1, 2, generator)] = 0.0
        apart = [m for m in MISTAKES if size != 8 or m.name != "no spread"]
        if telling(family, apart, (z,)):
            return Case((z,), f"{size} codes of {len(units)} numbers")


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return the share of units that are zero for all images, with the given changes."""
    return partial(_switched, **changes)


def _switched(z: Tensor, *, images: str = "all", dimension: int = 0, zero: str = "== 0", give: str = "share",
              which: str = "dead", per: str = "units") -> Tensor:
    if images in ("first", "last", "first half"):
        z = {"first": z[:1], "last": z[-1:], "first half": z[:len(z) // 2]}[images]
    is_zero = {"== 0": lambda: z == 0, "not positive": lambda: z <= 0, "below 0.1": lambda: z.abs() < 0.1,
               "below 0.01": lambda: z.abs() < 0.01, "below 0.001": lambda: z.abs() < 0.001}.get(
                   zero, lambda: z == 0)()
    if images == "every entry":
        hit = is_zero.flatten()
    elif images == "some":
        hit = is_zero.any(dimension)
    elif images == "most":
        hit = is_zero.double().mean(dimension) > 0.5
    elif zero == "sum":  # what cancels looks dead
        hit = z.sum(dimension) == 0
    elif zero == "no spread":
        hit = (z.std(dimension) == 0) if z.shape[dimension] > 1 else torch.zeros_like(z.sum(dimension)).bool()
    elif zero == "sum not positive":
        hit = z.sum(dimension) <= 0
    else:
        hit = is_zero.all(dimension)
    if which == "living":
        hit = ~hit
    if give == "mask":
        return hit.double()
    count = hit.sum().double()
    by = {"units": len(hit), "images": len(z), "entries": z.numel(), "living": int((~hit).sum())}[per]
    return {"share": lambda: count / by, "count": lambda: count, "percent": lambda: 100 * count / by}[give]()


# ---- look -----------------------------------------------------------------------------------------------------------


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether it can be a share, and whether too many or too few units are counted."""
    values = [(float(g[0]), float(w[0]), case.args[0].shape[1]) for case, g, w in zip(cases, got, want, strict=True)]
    if any(g < 0 or g > 1 for g, _, _ in values):
        return "A share lies between 0 and 1, and yours does not."
    if all(abs(g * units - round(g * units)) < 1e-3 for g, _, units in values):
        more = all(g > w for g, w, _ in values)
        less = all(g < w for g, w, _ in values)
        return ("It is a share of the units, and " + (
            "too many are counted: a unit that is not 0 for one single image, however little, lives." if more else
            "too few are counted: a unit that is 0 for every image is dead." if less else
            "other units are counted: a unit is dead if its whole column is 0, and only then."))
    return "It is no share of the units, which would be a whole number divided by K."


EXERCISE = Exercise(
    "dead_share", "2 · Dead units", "function", 1, 5,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 8, 30, 1, 4, 3000), atol=1e-5,
    arguments=("z",), gives=(Form("share", "one number, from 0 to 1"),),
    family=family, look=look, mistakes=MISTAKES,
    hints=("`z == 0` says for each image and each unit whether it is off.",
           "`.all(0)` says for each column whether that holds in every row.",
           "The mean of truth values, as floats, is their share."),
    why="A ReLU that is off for every image has no gradient for any of them: nothing in the loss can revive it. "
        "So one image on which a unit is on makes all the difference, and how strongly it is on makes none.")
