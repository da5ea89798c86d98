"""Lab 05, exercise 1: an L1 penalty in which each number pays in proportion to the length of its atom."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.drawing import rows, tenths
from aecourse.check.engine.exercise import PER_IMAGE, Case, Exercise, Mistake
from aecourse.check.engine.look import Parts, near

ZEROS = ("It is right where every number is at least 0.05 in size, and wrong where some are 0. Most numbers of a "
         "sparse code are exactly 0, and each of them adds exactly 0.")
ONE = "It is right for several images, and wrong for a batch of one: that has one number too, shape (1,)."
WIDE = ("It is right for a few short codes, and wrong for many or long ones. A batch may have any number of images, "
        "and a code any number of units.")

MISTAKES = (
    Mistake("mean over the units", {"reduce": "mean"},
            "There is a mean over the units where the sum belongs: with a wider code the same penalty would weigh "
            "less."),
    Mistake("mean over the batch", {"reduce": "batch"},
            "The batch is averaged too, so one number comes back. Asked for is one for each image; only `fit` "
            "averages."),
    Mistake("one for all", {"reduce": "one for all"},
            "Every image gets the mean of the batch. Each has a number of its own, the sum over its own units."),
    Mistake("sum of everything", {"reduce": "all"},
            "The images are summed too, so one number comes back for the whole batch. Sum over the units alone: "
            "dimension 1."),
    Mistake("mean of everything", {"reduce": "mean of all"},
            "This is one mean over all numbers of the batch. Asked for is a sum for each image, over its own code."),
    Mistake("sum over the images", {"reduce": "images"},
            "The sum runs over the images, dimension 0, and gives one number for each unit. The numbers of one code "
            "stand in dimension 1."),
    Mistake("mean over the images", {"reduce": "mean of images"},
            "This is the mean size of each unit over the images. Asked for is a sum for each image."),
    Mistake("no sum", {"reduce": "none"},
            "One number for each unit of each image comes back: the sum over the units is missing."),
    Mistake("over B", {"reduce": "over B"},
            "The sum is divided by the number of images. An image's penalty must not depend on the others."),
    Mistake("over the active", {"reduce": "on only"},
            "The sum is divided by the number of units that are on. That rewards a code that switches weak units on."),
    Mistake("largest", {"reduce": "max"}, "This is the largest number of each code; all of them are added up."),
    Mistake("length", {"reduce": "length"},
            "This is the length of the code, √Σz², the L2 norm. L1 adds absolute values: no square, no root."),
    Mistake("size of the sum", {"of": "plain", "reduce": "size of sum"},
            "The absolute value is taken of the sum, so numbers of opposite sign cancel. Take it first, then add."),
    Mistake("squared", {"of": "square"},
            "The numbers are squared: that is an L2 penalty. It hardly pushes on small numbers, so none becomes "
            "exactly 0."),
    Mistake("no absolute value", {"of": "plain"},
            "The absolute value is missing: a code can have negative numbers, and they would pay for the positive "
            "ones."),
    Mistake("positive part", {"of": "positive"},
            "Only positive numbers are counted. Negative ones carry as much, so they pay as well."),
    Mistake("negative part", {"of": "negative"}, "Only negative numbers are counted. All of them pay."),
    Mistake("count", {"of": "on"},
            "You count the numbers that are not 0. That is what one would like to have small, but a count is flat: no "
            "gradient says in which direction to go. L1 stands in for it."),
    Mistake("count of positive", {"of": "above 0"},
            "You count the positive numbers. A count is flat and has no gradient: add absolute values."),
    Mistake("roots", {"of": "root"}, "There is a square root of each number; L1 adds the absolute values as they are."),
    Mistake("logarithms", {"of": "log"},
            "There is a logarithm of each number. Such penalties exist, but L1 is the plain sum of absolute values."),
    Mistake("1e-6 under a root", {"of": "under a root"},
            "These are the values of √(v² + 0.000001), added up, for v = z times the length: near 0 they are too "
            "large, and each 0 pays 0.001. The "
            "absolute value needs no root."),
    Mistake("1e-8 under a root", {"of": "under a smaller root"},
            "These are the values of √(v² + 0.00000001), added up, for v = z times the length: near 0 they are too "
            "large, and each 0 pays 0.0001. "
            "The absolute value needs no root."),
    Mistake("no lengths", {"lengths": "no"},
            "The lengths of the atoms are missing. So the loophole of unit 05 is open: smaller numbers with longer "
            "atoms would pay less for the same image."),
    Mistake("squared lengths", {"lengths": "squared"},
            "The numbers are multiplied with the squared lengths of the atoms: a root is missing."),
    Mistake("divided by the lengths", {"lengths": "inverse"},
            "The numbers are divided by the lengths of the atoms. A number with a longer atom adds more to the image, "
            "so it pays more: multiply."),
    Mistake("one length for all", {"lengths": "whole"},
            "All numbers are multiplied with one length, that of the whole matrix (`.norm()` without a dimension). "
            "Each atom, a row, has a length of its own."),
    Mistake("mean length", {"lengths": "mean"},
            "All numbers are multiplied with the mean length. Each number pays by the length of its own atom."),
    Mistake("sums of the atoms", {"lengths": "sum"},
            "The numbers are multiplied with the sum of the absolute values of each atom. A length is the root of a "
            "sum of squares."),
    Mistake("half", {"half": True}, "There is a ½ too many; it belongs to squares, if anywhere."),
    Mistake("sign", {"sign": -1},
            "It has the wrong sign: `fit` makes the loss small, so a penalty must grow with the code."),
)

ERRORS = {
    "Dimension out of range": "`z` has two dimensions: the images are dimension 0, the units dimension 1.",
    "must match the size of tensor": "An atom is a row of `atoms` (K, D), so its length is over dimension 1. There are "
                                     "K of them, one for each column of `z` (B, K).",
}


def reference(z: Tensor, atoms: Tensor) -> Tensor:
    return (z.abs() * atoms.norm(dim=1)).sum(1)


def oracle(z: Tensor, atoms: Tensor) -> Tensor:
    """Multiply the positive numbers with the lengths, and take off the negative ones."""
    lengths = torch.einsum("kd,kd->k", atoms.double(), atoms.double()).sqrt()
    return ((z.double().clamp(min=0) - z.double().clamp(max=0)) @ lengths).float()


# ---- draw -----------------------------------------------------------------------------------------------------------


def draw(generator: torch.Generator, size: int) -> Case:
    """Return codes of both signs; those of size 9 are sparse, as codes will be; one image, many units."""
    if size == 2:
        z = tenths(1, 9, 2, 3, generator=generator) + tenths(0, 9, 2, 3, generator=generator).round(decimals=1)
        z = z * torch.tensor([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]])[:, torch.randperm(3, generator=generator)]
        atoms = torch.tensor([[0.3, -0.4], [1.2, 0.9], [0.8, 1.5], [-0.7, 2.4]])
        atoms = atoms[torch.randperm(4, generator=generator)[:3]]  # of lengths 0.5, 1.5, 1.7 and 2.5
        return Case((z, atoms), f"z = {rows(z)} and atoms = {rows(atoms)}")
    units = {3: 5, 6: 4, 300: 40, 7: 1200}.get(size, 12)
    z = torch.randn(size, units, generator=generator) * (1 + torch.rand(units, generator=generator))
    z = torch.where(z.abs() < 0.05, 0.05 * z.sign(), z)
    atoms = torch.randn(units, 5, generator=generator)
    atoms = atoms / atoms.norm(dim=1, keepdim=True) * (1.1 + 2 * torch.rand(units, 1, generator=generator))
    if size == 1:
        return Case((z, atoms), f"one code of {units} numbers", ONE)
    if size != 9:
        return Case((z, atoms), f"{size} codes of {units} numbers", WIDE if size in (7, 300) else "")
    z = z * (torch.rand(size, units, generator=generator) < 0.4)
    z[0] = 0.0
    return Case((z, atoms), f"{size} codes of {units} numbers, most of which are 0", ZEROS)


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return the sum of the absolute values of each code, times the lengths of the atoms, with the given changes."""
    return partial(_switched, **changes)


def _switched(z: Tensor, atoms: Tensor, *, lengths: str = "rows", of: str = "size", reduce: str = "sum", sign: int = 1,
              half: bool = False) -> Tensor:
    length = atoms.norm(dim=1)
    z = z * {"rows": lambda: length, "no": lambda: 1.0, "squared": lambda: length.square(),
             "inverse": lambda: 1 / length, "whole": lambda: atoms.norm(), "mean": lambda: length.mean(),
             "sum": lambda: atoms.abs().sum(1)}[lengths]()
    each = {"size": lambda: z.abs(), "square": lambda: z.square(), "plain": lambda: z, "positive": lambda: z.relu(),
            "root": lambda: z.abs().sqrt(), "on": lambda: (z != 0).to(z.dtype), "above 0": lambda: (z > 0).to(z.dtype),
            "log": lambda: z.abs().log1p(), "negative": lambda: (-z).relu(),
            "under a root": lambda: (z.square() + 1e-6).sqrt(),
            "under a smaller root": lambda: (z.square() + 1e-8).sqrt()}[of]()
    value = {"sum": lambda: each.sum(1), "mean": lambda: each.mean(1), "max": lambda: each.max(1).values,
             "images": lambda: each.sum(0), "mean of images": lambda: each.mean(0), "all": lambda: each.sum(),
             "mean of all": lambda: each.mean(), "batch": lambda: each.sum(1).mean(),
             "one for all": lambda: each.sum(1).mean().expand(len(z)), "none": lambda: each,
             "over B": lambda: each.sum(1) / len(z), "length": lambda: each.square().sum(1).sqrt(),
             "size of sum": lambda: each.sum(1).abs(), "on only": lambda: each.sum(1) / (z != 0).sum(1).clamp(min=1),
             }[reduce]()
    return sign * (0.5 if half else 1) * value


# ---- look -----------------------------------------------------------------------------------------------------------


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether another power is added up, or whether the values cannot be sums of absolute values."""
    if any(bool((g[0] < -1e-6).any()) for g in got):
        return "It is negative for some images. A sum of absolute values never is."
    paid = [case.args[0] * case.args[1].norm(dim=1) for case in cases]
    for power in (0.25, 0.5, 1.5, 2.0, 3.0, 4.0):
        if any(all(near(g[0], (z.abs().pow(power) * rest).sum(1)) for z, rest, g in some) for some in (
                [(z, 1, g) for z, g in zip(paid, got, strict=True)],
                [(case.args[0], case.args[1].norm(dim=1), g) for case, g in zip(cases, got, strict=True)])):
            return f"The numbers enter with the power {power:g}. L1 adds them as they are, without their sign."
    if found := _under_a_root(paid, got):
        return (f"The values are those of √(v² + {found:.2g}), added up, for v = z times the length: a small number "
                    "under a root makes even a 0 pay. The absolute value needs no root.")
    for name, part in (("first", slice(1, None)), ("last", slice(None, -1))):
        if all(near(g[0], z[:, part].abs().sum(1)) for z, g in zip(paid, got, strict=True)):
            return f"The {name} number of each code is left out. All of them pay."
    differences = [g[0].double() - w[0].double() for g, w in zip(got, want, strict=True)]
    if all(float((d - d.mean()).abs().max()) < 1e-3 for d in differences if len(d) > 1):
        return "The same number is added to all images of a batch: nothing is added to the sum of absolute values."
    return ""


def _under_a_root(paid: list[Tensor], got: list[Parts]) -> float:
    """Return the number e for which √(v² + e), added up, gives all these values, or 0."""
    z, value = paid[0][0].double(), float(got[0][0][0])
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if float((z.square() + middle).sqrt().sum()) < value else (low, middle)
    fits = all(torch.allclose(g[0].double(), (v.double().square() + high).sqrt().sum(1), 1e-5, 1e-5)
               for v, g in zip(paid, got, strict=True))
    return high if fits and 1e-9 < high < 0.999 else 0.0


EXERCISE = Exercise(
    "l1_penalty", "1 · A penalty without a loophole", "function", 1, 5,
    reference=reference, oracle=oracle, draw=draw, sizes=(2, 3, 6, 9, 1, 7, 300), atol=1e-4,
    arguments=("z", "atoms"), gives=(PER_IMAGE,), gradients=(0, 1),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`z.abs()` takes the sign away, number by number. `atoms.norm(dim=1)` holds the lengths, shape (K,).",
           "Multiply the two: each column of the code with the length of its atom. Then add up over the units, "
           "dimension 1."),
    why="|z| times the length is how much a unit adds to the image. It stays the same where a number is halved and its "
        "atom doubled, so nothing is gained by that. With free atoms this does what atoms of length one do in unit 05.")
