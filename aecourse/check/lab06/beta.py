"""Lab 06, exercise 7: the weight of the KL term that the reductions of the two terms imply."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

MISTAKES = (
    Mistake("turned round", {"how": "turned"},
            "It is the other way round: this is the weight of the reconstruction beside a KL of weight 1."),
    Mistake("product", {"how": "product"},
            "The two weights are multiplied. Scaling the whole loss changes no minimum, so what counts is one weight "
            "divided by the other."),
    Mistake("KL's weight alone", {"how": "kl alone"},
            "This is the weight of the KL alone. Bring the reconstruction to the sum over pixels, and the KL is scaled "
            "with it."),
    Mistake("reconstruction's weight alone", {"how": "fit alone"},
            "Only the reconstruction's reduction counts in it. The KL's own reduction gives it a weight, too."),
    Mistake("the reconstruction's weight", {"how": "fit"},
            "This is the weight of the reconstruction. Asked for is the KL's, once that of the reconstruction is 1."),
    Mistake("difference", {"how": "difference"},
            "The two weights are subtracted. Scaling the whole loss changes no minimum: divide one by the other."),
    Mistake("always D / K", {"how": "always"},
            "It is always pixels / units. That is right where both terms are means; other reductions give others."),
    Mistake("root", {"how": "root"}, "There is a square root too many."),
    Mistake("logarithm", {"how": "log"}, "There is a logarithm: β is a factor, take the ratio as it is."),
    Mistake("share", {"how": "share"},
            "This is the KL's share of both weights. β is the ratio of one to the other."),
    Mistake("sizes exchanged", {"sizes": "swapped"},
            "Pixels and units are exchanged: the reconstruction's table has a column for each pixel, the KL's one for "
            "each unit."),
    Mistake("the lab's sizes", {"sizes": "lab's"},
            "It gives the same whatever the three sizes are: are 784, 20 and 128 written into it? Use the arguments."),
    Mistake("no pixels", {"sizes": "no pixels"},
            "The number of pixels is missing: a mean of the reconstruction divides by it."),
    Mistake("no units", {"sizes": "no units"}, "The number of units is missing: a mean of the KL divides by it."),
    Mistake("pixels for both", {"sizes": "pixels twice"},
            "The number of pixels is used for both terms; the KL's table has a column for each unit."),
    Mistake("units for both", {"sizes": "units twice"},
            "The number of units is used for both terms; the reconstruction's table has a column for each pixel."),
    Mistake("reductions exchanged", {"names": "swapped"},
            "The two words are exchanged: the KL's reduction is applied to the reconstruction, and the other way "
            "round."),
    Mistake("mean without the batch", {"mean": "numbers"},
            "\"mean\" divides by the images as well, not only by the pixels or units: it is a mean over everything."),
    Mistake("mean over the batch alone", {"mean": "batch"},
            "\"mean\" is taken for a mean over the images alone. It averages over pixels or units, too."),
    Mistake("mean multiplies", {"mean": "as sum"},
            "A mean divides by the number of pixels or units; here it multiplies."),
    Mistake("mean divides by the batch twice", {"mean": "both"},
            "\"mean\" is divided by the batch once too often beside \"per image\", which is a mean over the images, "
            "too."),
    Mistake("sum as per image", {"total": "as per image"},
            "\"sum\" is taken for \"per image\". It adds the images up, and \"per image\" averages over them: a batch "
            "of B makes it B times as large."),
    Mistake("sum divided by the batch", {"total": "over B"},
            "A sum over everything is B times as large as a mean over the images; here it is B times smaller."),
    Mistake("sum times the numbers", {"total": "times n"},
            "\"sum\" is multiplied by the number of pixels or units. \"per image\" sums over them as well, so beside "
            "it only the batch counts."),
    Mistake("per image as sum", {"each": "as sum"},
            "\"per image\" is taken for a sum over everything. It sums within an image, and averages over the images."),
    Mistake("per image divided by the batch", {"each": "over B"},
            "\"per image\" is divided by the batch once too often: measure all three against it, and its weight is 1."),
    Mistake("per image as mean", {"each": "as mean"},
            "\"per image\" is taken for a mean over everything. It sums within an image; only over the images is it a "
            "mean."),
    Mistake("whole numbers down", {"whole": "floor"},
            "The ratio is cut down to a whole number: `//` or `int(...)`. Divide with `/`."),
    Mistake("whole numbers down for two means", {"whole": "floor of means"},
            "For two means the ratio is cut down to a whole number: `//`. Divide with `/`."),
    Mistake("two of the lab's sizes", {"sizes": "lab's two"},
            "784 pixels and 20 units are written in. Take the sizes that are given: `pixels` and `units`."),
    Mistake("784 pixels", {"sizes": "784"},
            "784 pixels are written in. Take the number that is given, `pixels`."),
    Mistake("20 units", {"sizes": "20"}, "20 units are written in. Take the number that is given, `units`."),
    Mistake("a batch of 128", {"sizes": "128"}, "A batch of 128 is written in. Take the one that is given, `batch`."),
    Mistake("rounded", {"whole": "round"}, "The ratio is rounded to a whole number; keep it as it is."),
)
ERRORS = {
    "returns None": "Is there a `return` for each of the three words, \"per image\", \"mean\" and \"sum\"?",
    "KeyError": "The three words are \"per image\", \"mean\" and \"sum\".",
    "before assignment": "Is there a value for each of the three words, \"per image\", \"mean\" and \"sum\"?",
    "not associated with a value": "Is there a value for each of the three words, \"per image\", \"mean\" and "
                                   "\"sum\"?",
}


def reference(pixels: int, units: int, batch: int, reconstruction: str, kl: str) -> float:
    weight = {"per image": lambda n: 1, "mean": lambda n: 1 / n, "sum": lambda n: batch}
    return weight[kl](units) / weight[reconstruction](pixels)


def oracle(pixels: int, units: int, batch: int, reconstruction: str, kl: str) -> float:
    """Reduce two tables, and ask by how much each loss moves with one entry of its table."""
    ways: dict[str, Callable[[Tensor], Tensor]] = {"sum": Tensor.sum, "mean": Tensor.mean,
                                                   "per image": lambda table: table.sum(1).mean()}
    slopes = []
    for word, numbers in ((reconstruction, pixels), (kl, units)):
        table = torch.zeros(batch, numbers, dtype=torch.float64, requires_grad=True)
        with torch.enable_grad():
            value = ways[word](table)
        slopes.append(float(torch.autograd.grad(value, table)[0][0, 0]))
    return slopes[1] / slopes[0]


def draw(generator: torch.Generator, size: int) -> Case:
    """Return three sizes, none of them a multiple of another, and one of the nine pairs of reductions."""
    while True:
        pixels, units, batch = (between(30, 900, generator), between(3, 60, generator), between(8, 256, generator))
        numbers = sorted((pixels, units, batch))
        if all(b % a and b / a > 1.2 for a, b in pairwise(numbers)) and pixels % units > units / 2:
            break
    words = ("per image", "mean", "sum")
    reconstruction, kl = (words[i] for i in divmod((size + 3) % 9, 3))
    return Case((pixels, units, batch, reconstruction, kl),
                f"{pixels} pixels, {units} units, a batch of {batch}, reconstruction \"{reconstruction}\" and KL "
                f"\"{kl}\"")


def family(**changes: Any) -> Any:
    """Return the weight of the KL term that two reductions imply, with the given changes."""
    return partial(_beta, **changes)


def _beta(pixels: int, units: int, batch: int, reconstruction: str, kl: str, *, sizes: str = "right",
          names: str = "right", mean: str = "right", total: str = "right", each: str = "right", how: str = "ratio",
          whole: str = "") -> float:
    d, k, b = {"right": (pixels, units, batch), "swapped": (units, pixels, batch), "no pixels": (1, units, batch),
               "no units": (pixels, 1, batch), "lab's": (784, 20, 128), "lab's two": (784, 20, batch),
               "784": (784, units, batch), "20": (pixels, 20, batch), "128": (pixels, units, 128),
               "pixels twice": (pixels, pixels, batch),
               "units twice": (units, units, batch)}[sizes]
    if names == "swapped":
        reconstruction, kl = kl, reconstruction

    def weight(word: str, n: int) -> float:
        if word == "mean":
            return {"right": 1 / n, "numbers": b / n, "batch": 1.0, "as sum": n, "both": 1 / (n * b)}[mean]
        if word == "sum":
            return {"right": float(b), "as per image": 1.0, "over B": 1 / b, "times n": float(n * b)}[total]
        return {"right": 1.0, "as sum": float(b), "over B": 1 / b, "as mean": 1 / n}[each]

    w_fit, w_kl = weight(reconstruction, d), weight(kl, k)
    value = {"ratio": lambda: w_kl / w_fit, "turned": lambda: w_fit / w_kl, "product": lambda: w_kl * w_fit,
             "kl alone": lambda: w_kl, "fit alone": lambda: 1 / w_fit, "fit": lambda: w_fit,
             "difference": lambda: w_kl - w_fit, "always": lambda: d / k, "root": lambda: math.sqrt(w_kl / w_fit),
             "log": lambda: math.log(w_kl / w_fit), "share": lambda: w_kl / (w_kl + w_fit)}[how]()
    if whole == "floor of means":
        whole = "floor" if reconstruction == kl == "mean" else ""
    return {"": lambda: float(value), "floor": lambda: float(math.floor(value)), "round": lambda:
            float(round(value))}[whole]()


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which products of the three sizes the values are, and at which words they differ."""
    off = []
    for case, g, w in zip(cases, got, want, strict=True):
        *sizes, fit, kl = case.args
        off.append((fit, kl, _powers(float(g[0]), float(w[0]), sizes)))
    for place, name in ((0, "reconstruction"), (1, "KL")):
        words = {o[place] for o in off}
        if len(words) == 1 and len(off) == 3:  # all pairs with this word
            return (f"On the sizes tried it is wrong wherever the {name} is reduced by \"{words.pop()}\", and right "
                    "elsewhere." + _said(off))
    return _said(off).strip()


def _powers(got: float, want: float, sizes: list[int]) -> str:
    """Return as which product of powers of the sizes the value is off, or nothing."""
    if got == 0 or want == 0 or not math.isfinite(got) or got * want < 0:
        return ""
    for d in range(-2, 3):
        for k in range(-2, 3):
            for b in range(-2, 3):
                factor = sizes[0] ** d * sizes[1] ** k * sizes[2] ** b
                if (d or k or b) and abs(got / want / factor - 1) < 1e-3:
                    return " · ".join(f"{name}{'' if p == 1 else {2: '²', -1: '⁻¹', -2: '⁻²'}[p]}" for name, p in
                                      zip(("pixels", "units", "batch"), (d, k, b), strict=True) if p)
    return ""


def _said(off: list[tuple[str, str, str]]) -> str:
    fit, kl, powers = off[0]
    return (f" For reconstruction \"{fit}\" and KL \"{kl}\" yours is {powers} times the right one." if powers else "")


EXERCISE = Exercise(
    "beta", "7 · Which β is it?", "function", 3, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=tuple(range(1, 10)), rtol=1e-4, atol=1e-9,
    arguments=("pixels", "units", "batch", "reconstruction", "kl"), gives=(Form("share", "one number"),), family=family,
    look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Write each loss as a factor times the one \"per image\". For \"mean\" the sum over n numbers becomes a "
           "mean over them; for \"sum\" the mean over the batch becomes a sum.",
           "So there are three factors: 1, 1/n and B, where n is the number of pixels for one term and of units "
           "for the other.",
           "Multiplying the whole loss moves no minimum. Divide it by the reconstruction's factor; what stands "
           "before the KL then is β."),
    why="Whoever writes `.mean()` in two places has not chosen a weight, but has one: pixels / units. And with "
        "\"sum\" beside \"mean\" the batch decides, so that a change of the batch trains another model.")
