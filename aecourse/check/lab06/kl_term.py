"""Lab 06, exercise 1: the KL divergence from the standard normal prior, for each image."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from aecourse.check.engine.drawing import rows, telling
from aecourse.check.engine.exercise import PER_IMAGE, Case, Exercise, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.lab06._inputs import partly_free, some
from aecourse.check.lab06._reductions import REDUCE, reduced
from aecourse.check.lab06._terms import added, mixed, partly, usual
from aecourse.losses import gaussian_kl as reference

FAR = ("It is right for usual numbers, and wrong on an input with codes that are very exact and very wide, whose "
       "`logvar` goes from −25 to 8. Take `logvar` as it comes, without a bound and without a small number beside it.")

MISTAKES = (
    Mistake("mean over the units", {"reduce": "mean"},
            "There is a mean over the units where the sum belongs: the KL would weigh K times less than it does in the "
            "ELBO. Independent units add their nats up."),
    Mistake("no sum", {"reduce": "none"},
            "One number for each unit of each image comes back: the sum over the units is missing."),
    *REDUCE,
    Mistake("no half", {"factor": 1.0}, "The ½ is missing: everything is twice as large as it should be."),
    Mistake("a quarter", {"factor": 0.25}, "There is a ½ too many: everything is half as large as it should be."),
    Mistake("sign", {"sign": -1}, "It has the wrong sign. A KL divergence is never negative."),
    Mistake("exp(logvar) as sigma", {"var": "double", "log": "double"},
            "`exp(logvar)` is taken for σ. It is the variance σ² already: σ is `exp(logvar / 2)`."),
    Mistake("variance squared", {"var": "double"},
            "`exp(logvar)` is squared. It is the variance already, so leave the square out."),
    Mistake("sigma for the variance", {"var": "sigma"},
            "σ stands where σ² belongs. The variance is `exp(logvar)`, without a division by 2."),
    Mistake("log sigma", {"log": "half"},
            "log σ stands where log σ² belongs. `logvar` is the logarithm of the variance as it is."),
    Mistake("logvar as log sigma in part", {"log": "double"},
            "The logarithm is counted twice, as in log(σ²) = 2 log σ. `logvar` is log σ² already."),
    Mistake("logvar as the variance", {"var": "itself"},
            "`logvar` itself stands where the variance belongs: take `logvar.exp()`."),
    Mistake("logvar squared", {"var": "square"},
            "`logvar` is squared, as if it were σ. The variance is `logvar.exp()`."),
    Mistake("log of logvar", {"log": "log"},
            "There is a logarithm of `logvar`, which is NaN for negative ones. `logvar` is the logarithm already."),
    Mistake("variance is missing", {"var": "none"}, "The variance, `exp(logvar)`, is missing."),
    Mistake("variance with a minus", {"var": "minus"},
            "The variance has the wrong sign: a wide σ must cost, not pay. Only `logvar` and the 1 are taken off."),
    Mistake("logvar is missing", {"log": "none"},
            "`logvar` itself is missing. Without it nothing keeps σ from shrinking to 0."),
    Mistake("logvar with a plus", {"log": "plus"},
            "`logvar` has the wrong sign: it is taken off, so that a small σ becomes expensive."),
    Mistake("no one", {"one": 0},
            "The 1 is missing: for μ = 0 and σ = 1, where q is the prior, each unit must cost 0."),
    Mistake("one, once", {"one": "once"},
            "The 1 is taken off once for the image. It belongs into the sum: every unit has one."),
    Mistake("plus one", {"one": -1},
            "The 1 has the wrong sign: for μ = 0 and σ = 1, where q is the prior, each unit must cost 0."),
    Mistake("mu is missing", {"mean": "none"}, "The mean μ is missing: a code far from 0 must cost more."),
    Mistake("mu not squared", {"mean": "plain"},
            "μ is not squared, so a negative mean would be paid for. It enters as μ²."),
    Mistake("size of mu", {"mean": "size"}, "μ enters with its size |μ|; it is squared."),
    Mistake("mu with a minus", {"mean": "minus"},
            "μ² has the wrong sign: a mean far from 0 must cost, not pay."),
    Mistake("mean minus one", {"mean": "one"},
            "The 1 is taken off μ, not from the sum: the prior's mean is 0, and μ enters as μ²."),
    Mistake("turned round", {"turned": True},
            "The two distributions are exchanged: this is KL(prior ‖ q). Asked for is KL(q ‖ prior), with the "
            "expectation over q, as in the ELBO."),
    Mistake("exchanged", {"swapped": True},
            "`mu` and `logvar` are exchanged: the first argument is the mean."),
    Mistake("bits", {"bits": True}, "These are bits. The course counts in nats: no division by log 2."),
)
ERRORS = {
    "Dimension out of range": "`mu` and `logvar` have two dimensions: images are dimension 0, units dimension 1.",
    "argument 'input'": "`torch.log` and `torch.exp` take tensors only; `mu` and `logvar` are tensors already.",
    "positive values": "A standard deviation is positive: σ is `(logvar / 2).exp()`.",
    "to satisfy the constraint": "A standard deviation is positive: σ is `(logvar / 2).exp()`.",
}


def oracle(mu: Tensor, logvar: Tensor) -> Tensor:
    q = Normal(mu.double(), (logvar.double() / 2).exp())
    return kl_divergence(q, Normal(torch.zeros_like(q.loc), 1.0)).sum(1).float()


def draw(generator: torch.Generator, size: int) -> Case:
    """Return means and logarithms of variances of both signs.

    Of size 4 one code is free, of size 5 they are extreme.
    """
    units = {2: 3, 3: 5, 6: 4}.get(size, 12)
    if size == 4:
        return Case(partly_free(3, generator), "4 images and 3 units, mu and logvar of image 0 being all 0")
    if size == 5:
        logvar = torch.tensor([[-25.0, -25.0, -25.0], [-6.0, -12.0, -4.5], [8.0, 5.0, 6.5]])
        mu = some(3, 3, generator)[:, torch.randperm(3, generator=generator)]
        return Case((mu, logvar), f"logvar = {rows(logvar)} and mu = {rows(mu, '.2f')}", FAR)
    while True:
        mu, logvar = (some(size, units, generator) for _ in range(2))
        if size > 9 or size == 1 or telling(family, MISTAKES, (mu, logvar), size > 2):
            break
    return Case((mu, logvar), f"mu = {rows(mu)} and logvar = {rows(logvar)}" if size == 2
                else "one image and 12 units" if size == 1 else f"{size} images and {units} units")


def family(**changes: Any) -> Any:
    """Return the KL divergence from the standard normal prior, with the given changes."""
    return partial(_kl_term, **changes)


def _kl_term(mu: Tensor, logvar: Tensor, *, mean: str = "square", var: str = "exp", log: str = "right",
             one: int | str = 1, factor: float = 0.5, sign: int = 1, turned: bool = False, bits: bool = False,
             swapped: bool = False, reduce: str = "sum") -> Tensor:
    if swapped:
        mu, logvar = logvar, mu
    m = {"square": lambda: mu.square(), "plain": lambda: mu, "size": lambda: mu.abs(), "none": lambda: 0 * mu,
         "minus": lambda: -mu.square(), "one": lambda: (mu - 1).square()}[mean]()
    v = {"exp": lambda: logvar.exp(), "sigma": lambda: (logvar / 2).exp(), "double": lambda: (2 * logvar).exp(),
         "itself": lambda: logvar, "square": lambda: logvar.square(), "none": lambda: 0 * logvar,
         "minus": lambda: -logvar.exp()}[var]()
    lv = {"right": lambda: logvar, "half": lambda: logvar / 2, "double": lambda: 2 * logvar, "none": lambda: 0 * logvar,
          "plus": lambda: -logvar, "log": lambda: logvar.log()}[log]()
    within = 0 if isinstance(one, str) else one  # "once": taken from the sum, below
    each = (1 + m) / v + lv - within if turned else m + v - lv - within
    value = reduced(each, reduce) - (1 if one == "once" else 0)
    return sign * factor / (math.log(2) if bits else 1) * value


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the four terms is off."""
    pairs = usual(cases, got)
    columns = [{"½ Σ mu²": mu.square().sum(1) / 2, "½ Σ exp(logvar)": logvar.exp().sum(1) / 2,
                "−½ Σ logvar": -logvar.sum(1) / 2, "−½ K": torch.full((len(mu),), -mu.shape[1] / 2,
                                                                       dtype=torch.float64)}
               for (mu, logvar), _ in pairs]
    if says := mixed(columns, [g for _, g in pairs]):
        return says
    if says := added(got, want):
        return says
    if says := partly(got, want):
        return says
    if any(bool((g < -1e-4).any()) for _, g in pairs):
        return "It is negative for some images, and a KL divergence never is: look at the signs, and at the −1."
    return ""


EXERCISE = Exercise(
    "kl_term", "1 · The KL term", "function", 1, 7,
    reference=reference, oracle=oracle, draw=draw, sizes=(2, 3, 6, 9, 1, 4, 5), atol=1e-4, arguments=("mu", "logvar"),
    gives=(PER_IMAGE,), gradients=(0, 1), family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`logvar` is log σ², so σ² is `logvar.exp()`, and log σ² is `logvar` as it comes.",
           "Each unit costs ½ (μ² + σ² − log σ² − 1). At μ = 0 and σ = 1 that is 0: try it.",
           "The units of one image stand in dimension 1. Sum there, and leave the images apart."),
    why="The divergence between two distributions with independent units is the sum of the units' divergences, so "
        "nats add up. A unit is free only where q is the prior, and then it says nothing about the image.")
