"""Lab 05, exercise 3: one step of ISTA, a gradient step on the squared error and the non-negative soft threshold."""

from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.drawing import between, rows, telling, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts, near, off_terms

ONE = "It is right for several images, and wrong for a batch of one: asked for is its code, shape (1, K)."
START = ("It is right for other codes, and wrong where h is all 0, as it is before the first step. Then the "
         "reconstruction is 0, and the gradient of the squared error is −x · atomsᵀ.")
EMPTY = ("It is right where all atoms have a length, and wrong where one consists of zeros. Its gradient is 0, so its "
         "value becomes smaller by step · weight, and stays at 0 then.")
FREE = ("It is right for weights above 0, and wrong for weight 0: then nothing is subtracted, and what is below 0 "
        "becomes 0.")
SAME = ("It is right where numbers of images, units and pixels differ, and wrong where they are equal: which "
        "dimensions meet in your products?")
WIDE = "It is right for few images and units, and wrong for many: no size is fixed."

MISTAKES = (
    Mistake("uphill", {"slope": "minus"},
            "The gradient step goes uphill: the gradient is subtracted. (Or the difference in it is the wrong way "
            "round: the gradient is (h · atoms − x) · atomsᵀ.)"),
    Mistake("twice the gradient", {"slope": "twice"},
            "The gradient is twice as large as it should be. With the ½ in front of the squared error no factor 2 is "
            "left."),
    Mistake("half the gradient", {"slope": "half"},
            "The gradient is half as large as it should be: the ½ goes with the 2 that comes from the square."),
    Mistake("mean over the pixels", {"slope": "by D"},
            "The gradient is divided by the number of pixels. The squared error is a sum over them, not a mean."),
    Mistake("mean over the batch", {"slope": "by B"},
            "The gradient is divided by the number of images. Each image has its own objective; nothing is averaged."),
    Mistake("gradient at zero", {"slope": "at zero"},
            "The gradient is taken at the code 0: what the present code reconstructs, h · atoms, is missing in it."),
    Mistake("no gradient", {"slope": "none"}, "There is no gradient step: only the threshold is applied."),
    Mistake("step left out", {"slope": "whole"}, "The gradient is not multiplied with `step`."),
    Mistake("h left out", {"start": "zero"}, "The step starts from 0 and not from `h`: h − step · gradient is meant."),
    Mistake("atoms of length one", {"lengths": "unit"},
            "The atoms are brought to length 1. They are taken as they come in, of any length."),
    Mistake("no threshold", {"shrink": 0.0},
            "Nothing is subtracted for the penalty: step · weight is missing. Numbers below 0 are set to 0, no more."),
    Mistake("weight without step", {"shrink": "weight"},
            "The threshold is `weight`. The penalty's slope is multiplied with the step too: step · weight."),
    Mistake("step without weight", {"shrink": "step"}, "The threshold is `step`. It is step · weight."),
    Mistake("half the threshold", {"shrink": 0.5},
            "The threshold is half as large as it should be. The soft threshold of unit 05a has λ/2 since its squared "
            "error has no ½; here it is step · weight."),
    Mistake("twice the threshold", {"shrink": 2.0}, "The threshold is twice as large as it should be: step · weight."),
    Mistake("rewarded", {"shrink": -1.0},
            "step · weight is added. The penalty makes the values smaller: it is subtracted."),
    Mistake("penalty of the active", {"shrink": "active"},
            "Only numbers that were not 0 before pay the penalty (this is `weight * h.sign()` in the gradient). A unit "
            "that is 0 must gain more than step · weight to become active, or else codes are not sparse."),
    Mistake("shrunk by a factor", {"shrink": "ridge"},
            "The numbers are divided by 1 + step · weight. That belongs to a squared penalty, which makes nothing "
            "exactly 0. L1 subtracts the same from each."),
    Mistake("negative ones kept", {"clip": "no"},
            "Numbers below 0 are left. After the subtraction they are set to 0: `.clamp(min=0)` or `.relu()`."),
    Mistake("both signs", {"clip": "both signs"},
            "This is the soft threshold for numbers of both signs. Here a code is never negative: what is below the "
            "threshold becomes 0."),
    Mistake("hard threshold", {"clip": "hard"},
            "This is a hard threshold: numbers above it stay as they are. The soft threshold makes all of them smaller "
            "by step · weight."),
    Mistake("sizes", {"clip": "size"}, "The absolute value is taken where numbers below 0 should become 0."),
    Mistake("clipped too early", {"clip": "early"},
            "Numbers below 0 are set to 0 first, and step · weight is subtracted afterwards, so some are negative "
            "again. First subtract, then clip."),
    Mistake("below one", {"clip": "to one"}, "The code is clamped to 1 as well. It has no upper bound."),
    Mistake("penalty first", {"order": "shrink first"},
            "The threshold comes before the gradient step. First the gradient step, then the threshold, so that the "
            "new code has exact zeros."),
    Mistake("change only", {"give": "change"}, "This is the change of the code. Asked for is the new code itself."),
    Mistake("h itself", {"give": "h"},
            "The code that comes back is the `h` that came in: return what you have computed."),
    Mistake("reconstruction", {"give": "image"}, "This is the new code's reconstruction. Asked for is the code."),
    Mistake("two steps", {"give": "twice"}, "This is the code after two steps. Asked for is one."),
)

ERRORS = {
    "shapes cannot be multiplied": "`h` is (B, K), `atoms` (K, D) and `x` (B, D): h @ atoms is a reconstruction, (B, "
                                   "D), and what has the shape of images comes back to (B, K) through atoms.T.",
    "must match the size of tensor": "The gradient has the shape of `h`, (B, K): (h @ atoms − x) @ atoms.T.",
}


def reference(h: Tensor, x: Tensor, atoms: Tensor, step: float, weight: float) -> Tensor:
    gradient = (h @ atoms - x) @ atoms.T
    return (h - step * gradient - step * weight).clamp(min=0)


def oracle(h: Tensor, x: Tensor, atoms: Tensor, step: float, weight: float) -> Tensor:
    """Take the gradient with autograd, and the threshold as the best value of a problem in one number."""
    with torch.enable_grad():
        code = h.detach().double().requires_grad_()
        error = 0.5 * (x.double() - code @ atoms.double()).square().sum()
        slope, = torch.autograd.grad(error, code)
    moved = (code.detach() - step * slope).numpy()
    return torch.from_numpy(np.where(moved > step * weight, moved - step * weight, 0.0)).float()


# ---- draw -----------------------------------------------------------------------------------------------------------

_SIZES = {3: (2, 3, 2), 5: (5, 6, 4), 8: (7, 5, 9), 1: (1, 6, 4), 4: (4, 6, 5), 6: (5, 6, 4), 7: (5, 6, 4),
          9: (5, 5, 5), 300: (300, 200, 60)}
_SPECIAL = {1: ("one image", ONE), 4: ("4 images, h all 0", START), 6: ("5 images, one atom all 0", EMPTY),
            7: ("5 images, weight 0", FREE), 9: ("5 images", SAME), 300: ("300 images", WIDE)}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return a code of which some numbers are 0, images, and atoms of different lengths."""
    images, units, pixels = _SIZES.get(size, (size, 7, 5))
    while True:
        step, weight = between(3, 8, generator) / 20, between(4, 9, generator) / 10
        if size == 3:
            h = tenths(1, 15, images, units, generator=generator)
            x, atoms = (tenths(-9, 15, n, pixels, generator=generator) for n in (images, units))
        else:
            h = 1.5 * torch.rand(images, units, generator=generator)
            atoms = F.normalize(torch.randn(units, pixels, generator=generator), dim=1)
            atoms = atoms * (0.4 + 1.2 * torch.rand(units, 1, generator=generator))
            x = torch.rand(images, units, generator=generator) @ atoms
            x = x + torch.randn(images, pixels, generator=generator)
        h = h * (torch.rand(h.shape, generator=generator) < 0.6)
        if size == 4:
            h = torch.zeros_like(h)
        elif size == 6:
            atoms[between(0, units - 1, generator)] = 0.0
        elif size == 7:
            weight = 0.0
        elif size == 300:
            step = 0.05
        right = reference(h, x, atoms, step, weight)
        if size == 8 and not ((right > 0.003) & (right < 0.03)).any():  # or else a tolerance is not seen
            continue
        if size not in (3, 5, 8) or telling(family, MISTAKES, (h, x, atoms, step, weight), size != 3):
            break
    what, only = _SPECIAL.get(size, (f"{images} images", ""))
    if size == 3:
        what = f"h = {rows(h)}, x = {rows(x)} and atoms = {rows(atoms)}"
        return Case((h, x, atoms, step, weight), f"{what}, step = {step:g} and weight = {weight:g}")
    return Case((h, x, atoms, step, weight), f"{what}, {units} units and {pixels} pixels", only)


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return the code after a gradient step and the non-negative soft threshold, with the given changes."""
    return partial(_switched, **changes)


def _switched(h: Tensor, x: Tensor, atoms: Tensor, step: float, weight: float, *, slope: str = "right",
              start: str = "h", lengths: str = "", shrink: float | str = 1.0, clip: str = "below 0",
              order: str = "", give: str = "code") -> Tensor:
    d = F.normalize(atoms, dim=1) if lengths == "unit" else atoms
    bar = {"weight": weight, "step": step}.get(str(shrink), step * weight)

    def moved(code: Tensor) -> Tensor:
        full = (code @ d - x) @ d.T
        pull = {"right": lambda: full, "minus": lambda: -full, "twice": lambda: 2 * full, "half": lambda: full / 2,
                "by D": lambda: full / x.shape[1], "by B": lambda: full / len(x), "at zero": lambda: -x @ d.T,
                "none": lambda: 0 * full, "whole": lambda: full / step}[slope]()
        return (0 if start == "zero" else code) - step * pull

    def shrunk(code: Tensor, before: Tensor) -> Tensor:
        down = bar * (shrink if isinstance(shrink, float) else 1.0)
        if shrink == "ridge":
            return _clipped(code / (1 + bar), 0.0, clip)
        return _clipped(code, down * (before != 0) if shrink == "active" else down, clip)

    def one(code: Tensor) -> Tensor:
        return moved(shrunk(code, code)) if order == "shrink first" else shrunk(moved(code), code)

    new = one(h)
    return {"code": lambda: new, "h": lambda: h, "change": lambda: new - h, "image": lambda: new @ d,
            "twice": lambda: one(new)}[give]()


def _clipped(code: Tensor, bar: Tensor | float, clip: str) -> Tensor:
    """Return the code, smaller by ``bar``, and what is done about numbers below 0."""
    low = code - bar
    return {"below 0": lambda: low.relu(), "no": lambda: low, "size": lambda: low.abs(),
            "both signs": lambda: code.sign() * (code.abs() - bar).relu(), "early": lambda: code.relu() - bar,
            "hard": lambda: torch.where(low > 0, code, 0), "to one": lambda: low.clamp(0, 1)}[clip]()


# ---- look -----------------------------------------------------------------------------------------------------------


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Write the values as a sum of the right terms with other factors, or say whether the zeros are right."""
    pairs = [(g[0].double(), w[0].double()) for g, w in zip(got, want, strict=True)]
    if any(bool((g < -1e-6).any()) for g, _ in pairs):
        return "Some of the new numbers are negative. After the threshold a code of this lab never is."
    terms, values = [], []
    for case, (g, w) in zip(cases, pairs, strict=True):
        h, x, atoms, step, weight = (v.double() if isinstance(v, Tensor) else v for v in case.args)
        both = (g > 1e-6) & (w > 1e-6)
        gradient = -step * ((h @ atoms - x) @ atoms.T)
        terms.append(torch.stack([h[both], gradient[both], (torch.zeros_like(h) - step * weight)[both]], 1))
        values.append(g[both])
    table, value = torch.cat(terms), torch.cat(values)
    zeros = all(torch.equal(g > 1e-6, w > 1e-6) for g, w in pairs)
    if said := off_terms(["h", "−step · gradient", "−step · weight"], table, value, 1e-4):
        return f"Of the numbers that are not 0: {said[0].lower()}{said[1:]}"
    if zeros:
        return "" if len(value) > 2 and near(value / value[0], (table.sum(1) / table[0].sum())) else (
            "The right numbers are 0, but the others have wrong values.")
    if near(value, table.sum(1)):
        few, lot = (any(bool(((a > 1e-6) & (b <= 1e-6)).any()) for a, b in some) for some in (
            [(w, g) for g, w in pairs], pairs))
        return ("Some numbers are 0 that should not be. All others are right." if not lot else
                "Some numbers are not 0 that should be. All others are right." if not few else
                "Some numbers are 0 that should not be, and others are not 0 that should be. The rest is right.")
    return ""


EXERCISE = Exercise(
    "ista_step", "3 · The best code for a given dictionary", "function", 2, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 5, 8, 1, 4, 6, 7, 9, 300), atol=1e-4,
    arguments=("h", "x", "atoms", "step", "weight"), gives=(Form("float", "the new codes, shape (B, K)"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`h @ atoms` is the reconstruction, (B, D). The gradient of ½‖x − h · atoms‖² with respect to h is the "
           "product of its error with each atom: `(h @ atoms - x) @ atoms.T`, (B, K).",
           "The penalty has the slope `weight` for each unit. So after the gradient step, subtract `step * weight` "
           "from all numbers.",
           "At last, numbers below 0 are set to 0: `.clamp(min=0)`."),
    why="For each unit the threshold finds the best compromise between the penalty and staying where the gradient step "
        "led, and it gives exact zeros. An encoder layer with a ReLU has the same form: a product with a matrix, a "
        "bias, and a cut at 0. It makes a single step of this kind, with a matrix that it has learned.")
