"""Lab 05, exercise 3: the KL divergence from a target rate to each unit's mean, summed over the units."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli, kl_divergence

from aecourse.check.engine.drawing import between, rows, telling, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts, off_terms

EXTREME = ("It is right where the units' means lie between 0.05 and 0.95, and wrong where one is exactly 0 or 1. The "
           "exercise says what to do there: clamp the mean to [1e-6, 1 − 1e-6], at both ends and with these numbers, "
           "before any logarithm.")

ONE = "It is right for several images, and wrong for a batch of one, whose activations are the means themselves."
WIDE = ("It is right for few images and units, and wrong for many. A batch may have any number of images, and a code "
        "any number of units.")

MISTAKES = (
    Mistake("mean of each image", {"mean": "images"},
            "The mean runs over the units, dimension 1: how active is each image? The target is for units: how active "
            "is each of them over the batch, dimension 0?"),
    Mistake("one mean", {"mean": "all"},
            "You take one mean over everything. Then half of the units may be always on and half of them dead, and "
            "nothing is paid. Each unit has its own mean."),
    Mistake("one mean times K", {"mean": "all", "reduce": "times K"},
            "You take one mean over images and units, and count its divergence once for each unit. Then units above "
            "the target and units below it cancel. Each unit has its own mean, over dimension 0."),
    Mistake("mean of the divergences", {"mean": "none"},
            "You take the divergence of each single activation and average it over the images. First the mean over "
            "the images, then the divergence: a unit may be fully on for one image, if it rests for the others."),
    Mistake("sum over the images", {"mean": "sum"},
            "The activations are added over the images where their mean belongs: a rate lies between 0 and 1."),
    Mistake("share of images", {"mean": "share on"},
            "You count for how many images the unit is above one half. That has no gradient; take the mean of the "
            "activations themselves."),
    Mistake("largest activation", {"mean": "max"}, "You take each unit's largest activation; its mean is meant."),
    Mistake("median", {"mean": "median"}, "You take each unit's median over the images; its mean is meant."),
    Mistake("last image left out", {"mean": "but the last"}, "The last image is left out of the mean."),
    Mistake("sigmoid", {"mean": "sigmoid"},
            "There is a sigmoid before the mean. The activations that come in lie between 0 and 1 already."),
    Mistake("no clamp", {"clamp": "no"}, EXTREME),
    Mistake("activations clamped", {"clamp": "activations"},
            "The activations are clamped, and not their mean. An activation of exactly 0 or 1 then gets no gradient, "
            "although its unit's mean lies in between: take the mean first."),
    Mistake("reversed", {"turned": True},
            "The two have changed places: this is KL(mean ‖ rate). Asked for is KL(rate ‖ mean): the rate stands in "
            "front and above in the fractions. It is the one that grows without bound when a unit dies."),
    Mistake("cross-entropy", {"measure": "cross-entropy"},
            "This is the cross-entropy, −Σ p log q. Its gradient is the same, but it is not 0 where the mean is at "
            "the target: the logarithms of rate and 1 − rate are missing."),
    Mistake("square", {"measure": "square"},
            "This is the squared distance between rate and mean. The divergence compares them by logarithms."),
    Mistake("distance", {"measure": "size"},
            "This is the absolute difference between rate and mean. The divergence compares them by logarithms."),
    Mistake("above only", {"measure": "hinge"},
            "Only units above the target pay, and linearly. The divergence pulls from both sides."),
    Mistake("kl_div without a logarithm", {"measure": "not log"},
            "`F.kl_div` takes the logarithm of the mean as its first argument. And it knows one of the two terms only: "
            "a unit is also off, with the probability 1 − rate."),
    Mistake("no second term", {"second": "none"},
            "The second term is missing: a unit is also off, with the probability 1 − rate. (`F.kl_div` knows nothing "
            "of it: it takes whole distributions, here two numbers for each unit.)"),
    Mistake("no first term", {"first": "none"},
            "The first term is missing: rate · log(rate / mean), for the images on which the unit is on."),
    Mistake("no rate", {"first": "no factor"},
            "The first logarithm has no factor: it is weighted with its probability, the rate."),
    Mistake("no 1 - rate", {"second": "no factor"},
            "The second logarithm has no factor: it is weighted with its probability, 1 − rate."),
    Mistake("first by the mean", {"first": "by q"},
            "The first logarithm is weighted with the unit's mean. In KL(rate ‖ mean) the weights come from the rate."),
    Mistake("second by the mean", {"second": "by q"},
            "The second logarithm is weighted with 1 − mean. In KL(rate ‖ mean) the weights come from the rate."),
    Mistake("second by the rate", {"second": "by rate"},
            "The second logarithm is weighted with the rate; off has the probability 1 − rate."),
    Mistake("first sign", {"first": "minus"}, "The first term has the wrong sign, or its fraction is upside down."),
    Mistake("second sign", {"second": "minus"}, "The second term has the wrong sign, or its fraction is upside down."),
    Mistake("rate in the second", {"second": "rate above"},
            "In the second logarithm 1 − rate stands above, not the rate."),
    Mistake("mean in the second", {"second": "q below"},
            "In the second logarithm 1 − mean stands below, not the mean."),
    Mistake("brackets in the second", {"second": "brackets"},
            "Brackets are missing in the second logarithm: its fraction is (1 − rate) / (1 − mean), and 1 − rate / "
            "(1 − mean) is something else."),
    Mistake("bits", {"log": "2"}, "These are bits: the logarithm has the base 2. The course counts in nats, `log`."),
    Mistake("base 10", {"log": "10"}, "The logarithm has the base 10; the natural one is meant, `log`."),
    Mistake("mean over the units", {"reduce": "mean"},
            "There is a mean over the units where the sum belongs."),
    Mistake("no sum", {"reduce": "none"},
            "One number for each unit comes back. Add them up."),
    Mistake("largest", {"reduce": "max"}, "This is the divergence of the worst unit; all of them are added up."),
    Mistake("over the images", {"reduce": "per image"},
            "The sum is divided by the number of images. They are in it already, through the mean."),
    Mistake("times the images", {"reduce": "times B"},
            "The sum is multiplied by the number of images, or added up over them. It is taken once, after their "
            "mean."),
    Mistake("one for each image", {"reduce": "expanded"},
            "You return the number once for each image. The penalty belongs to the batch: return it once."),
    Mistake("sign", {"sign": -1},
            "It has the wrong sign. A divergence is never negative, and a penalty must grow as units leave the "
            "target."),
)

ERRORS = {
    "argument 'input'": "`torch.log` takes tensors only. `rate` is a Python number: `math.log(rate)`, or divide "
                        "first, `(rate / mean).log()`.",
}


def reference(z: Tensor, rate: float) -> Tensor:
    mean = z.mean(0).clamp(1e-6, 1 - 1e-6)
    return (rate * (rate / mean).log() + (1 - rate) * ((1 - rate) / (1 - mean)).log()).sum()


def oracle(z: Tensor, rate: float) -> Tensor:
    mean = z.double().mean(0).clamp(1e-6, 1 - 1e-6)
    return kl_divergence(Bernoulli(torch.full_like(mean, rate)), Bernoulli(mean)).sum().float()


def _tidy(result: tuple) -> tuple:
    """Return one number without dimensions: the shape (1,) is as good."""
    return tuple(value.reshape(()) if value.numel() == 1 else value for value in result)


# ---- draw -----------------------------------------------------------------------------------------------------------


def draw(generator: torch.Generator, size: int) -> Case:
    """Return activations between 0 and 1; in those of size 9 one unit is always off and one always on."""
    rate = between(1, 6, generator) / 20
    if size == 3:
        while True:
            z = tenths(1, 9, 3, 2, generator=generator)
            if telling(family, [m for m in MISTAKES if "clamp" not in m.wrong], (z, rate), False):
                return Case((z, rate), f"the activations {rows(z)} and the rate {rate:g}")
    if size == 1:
        z = tenths(1, 9, 1, 4, generator=generator)
        return Case((z, rate), f"the activations {rows(z)} and the rate {rate:g}", ONE)
    units = {5: 3, 7: 5, 9: 6, 300: 600}.get(size, 10)
    while True:
        z = torch.rand(60 if size == 300 else size, units, generator=generator)
        z = z ** (0.5 + 4 * torch.rand(units, generator=generator))
        z = torch.where(torch.rand(z.shape, generator=generator) < 0.2, z.round(), z)  # single ones are 0 or 1
        if bool(((z.mean(0) > 0.05) & (z.mean(0) < 0.95)).all()):
            break
    if size != 9:
        return Case((z, rate), f"{len(z)} images, {units} units and the rate {rate:g}", WIDE if size == 300 else "")
    # The mean of 9 clamped ones is below the clamped mean in float32, in whatever order they are added.
    off, on = torch.randperm(units, generator=generator)[:2].tolist()
    z[:, off], z[:, on] = 0.0, 1.0
    return Case((z, rate), f"{size} images, {units} units, unit {off} always 0 and unit {on} always 1, and the rate "
                           f"{rate:g}", EXTREME)


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return the KL divergence from the target rate to each unit's mean, summed over units, with the given changes."""
    return partial(_switched, **changes)


def _switched(z: Tensor, rate: float, *, mean: str = "units", clamp: str = "mean", turned: bool = False,
              measure: str = "kl", first: str = "right", second: str = "right", log: str = "e",
              reduce: str = "sum", sign: int = 1) -> Tensor:
    if clamp == "activations":
        z = z.clamp(1e-6, 1 - 1e-6)
    q = {"units": lambda: z.mean(0), "images": lambda: z.mean(1), "all": lambda: z.mean(), "none": lambda: z,
         "sum": lambda: z.sum(0), "share on": lambda: (z > 0.5).to(z.dtype).mean(0), "max": lambda: z.max(0).values,
         "median": lambda: z.quantile(0.5, dim=0), "but the last": lambda: z[:-1].mean(0),
         "sigmoid": lambda: z.sigmoid().mean(0)}[mean]()
    p = torch.as_tensor(rate, dtype=z.dtype)
    if clamp == "mean" or mean == "sum":
        q = q.clamp(1e-6, 1 - 1e-6)
    if turned:
        p, q = q, p
    base = {"e": 1.0, "2": math.log(2), "10": math.log(10)}[log]
    on, off = (p / q).log() / base, ((1 - p) / (1 - q)).log() / base
    one = {"right": lambda: p * on, "none": lambda: 0 * on, "no factor": lambda: on, "by q": lambda: q * on,
           "minus": lambda: -p * on}[first]()
    two = {"right": lambda: (1 - p) * off, "none": lambda: 0 * off, "no factor": lambda: off,
           "by rate": lambda: p * off, "minus": lambda: -(1 - p) * off, "by q": lambda: (1 - q) * off,
           "rate above": lambda: (1 - p) * (p / (1 - q)).log() / base,
           "brackets": lambda: (1 - p) * (1 - p / (1 - q)).log() / base,
           "q below": lambda: (1 - p) * ((1 - p) / q).log() / base}[second]()
    each = {"kl": lambda: one + two, "cross-entropy": lambda: -(p * q.log() + (1 - p) * (1 - q).log()) / base,
            "not log": lambda: p * (p.log() - q), "square": lambda: (p - q).square(), "size": lambda: (p - q).abs(),
            "hinge": lambda: (q - p).relu()}[measure]()
    if mean == "none" and reduce in ("sum", "mean", "none", "max"):  # the divergence of each image, averaged later
        each = each.mean(0)
    return sign * {"sum": lambda: each.sum(), "mean": lambda: each.mean(), "none": lambda: each,
                   "max": lambda: each.max(), "per image": lambda: each.sum() / len(z),
                   "times B": lambda: each.sum() * len(z), "times K": lambda: each.sum() * z.shape[1],
                   "expanded": lambda: each.sum().expand(len(z))}[reduce]()


# ---- look -----------------------------------------------------------------------------------------------------------


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Try what is seen on its own; else write the values as the two right terms with other factors."""
    values = [float(g[0]) for g in got]

    def gives(function: Callable[[Tensor, float], Tensor]) -> bool:
        return all(math.isclose(float(function(c.args[0].double(), c.args[1])), v, rel_tol=1e-4, abs_tol=1e-5)
                   for c, v in zip(cases, values, strict=True))

    for fixed in (0.01, 0.05, 0.1, 0.2, 0.5):
        if len({case.args[1] for case in cases}) > 1 and gives(partial(_fixed, fixed)):
            return f"Whatever `rate` is given, the values are those for a rate of {fixed}."
    for name, part in (("first", slice(1, None)), ("last", slice(None, -1))):
        if gives(partial(_some, part)):
            return f"The {name} unit is left out of the sum."
    for small in (0.1, 0.01, 1e-3, 1e-4, 1e-5):
        if gives(partial(_raised, small)):
            return (f"The values are those with {small:g} added inside both logarithms. The exercise clamps the mean, "
                    "which leaves all other means as they are.")
    names = ["rate · log(rate / mean)", "(1 − rate) · log((1 − rate) / (1 − mean))"]
    table = torch.tensor([_terms(*case.args) for case in cases], dtype=torch.float64)
    if said := off_terms(names, table, torch.tensor(values, dtype=torch.float64), 1e-4):
        return said
    right = [float(w[0]) for w in want]
    if all(abs(v * case.args[0].numel() - w) < 2e-3 * abs(w) for v, w, case in zip(values, right, cases, strict=True)):
        return "The right sum is divided by the number of images and by that of the units; it is divided by nothing."
    if any(v < -1e-6 for v in values):
        return "It is negative for some inputs, and a KL divergence between two coins never is."
    return ""


def _fixed(fixed: float, z: Tensor, rate: float) -> Tensor:
    return reference(z, fixed)


def _some(units: slice, z: Tensor, rate: float) -> Tensor:
    return reference(z[:, units], rate)


def _raised(small: float, z: Tensor, rate: float) -> Tensor:
    on, off = z.mean(0) + small, 1 - z.mean(0) + small
    return (rate * (rate / on).log() + (1 - rate) * ((1 - rate) / off).log()).sum()


def _terms(z: Tensor, rate: float) -> tuple[float, float]:
    mean = z.double().mean(0)
    return (float((rate * (rate / mean).log()).sum()), float(((1 - rate) * ((1 - rate) / (1 - mean)).log()).sum()))


EXERCISE = Exercise(
    "kl_penalty", "3 · A target rate for every unit", "function", 2, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 5, 7, 9, 11, 13, 1, 300), rtol=2e-3,
    atol=1e-4, arguments=("z", "rate"), gives=(Form("float", "one number, a tensor without dimensions", "unit"),),
    tidy=_tidy, gradients=(0,), family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("First each unit's mean over the batch, (K,), clamped: `z.mean(0).clamp(...)`.",
           "Then two terms for each unit: on has the probability `rate`, off has `1 - rate`. Each is its "
           "probability times the logarithm of a fraction, with the target above and the mean below.",
           "Add both terms, and sum over the units."),
    why="The divergence is 0 only where every unit keeps to the rate, and it grows without bound when a unit "
        "stays off for all images. So it asks not only for few units at a time, but also for all of them to take "
        "part.")
