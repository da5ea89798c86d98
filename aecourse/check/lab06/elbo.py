"""Lab 06, exercise 4: the ELBO of binary images, exercise 3 less exercise 1."""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.drawing import rows, telling
from aecourse.check.engine.exercise import PER_IMAGE, Case, Exercise, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.lab06._inputs import binary, partly_free, some
from aecourse.check.lab06._terms import added, mixed, partly, usual
from aecourse.check.lab06.kl_term import family as kl_family
from aecourse.check.lab06.kl_term import oracle as kl_oracle
from aecourse.check.lab06.log_likelihood import SURE
from aecourse.check.lab06.log_likelihood import family as likelihood_family
from aecourse.check.lab06.log_likelihood import oracle as likelihood_oracle
from aecourse.losses import bernoulli_nll, gaussian_kl

MISTAKES = (
    Mistake("plus KL", {"kl_sign": -1},
            "The KL is added. In the ELBO it is taken off: a code that says more costs more."),
    Mistake("negative", {"sign": -1},
            "This is the negative ELBO, the loss. Asked for is the bound itself, which lies below log p(x)."),
    Mistake("loss as likelihood", {"fit": "minus"},
            "The reconstruction enters with the wrong sign: the log-likelihood is never above 0."),
    Mistake("no KL", {"kl": "none"}, "The KL is missing: this is the log-likelihood alone."),
    Mistake("no likelihood", {"fit": "none"}, "The log-likelihood is missing: this is the KL alone, with a minus."),
    Mistake("KL averaged", {"kl_reduce": "mean"},
            "The KL is a mean over the units; their sum is meant. Beside a sum over the pixels a mean weighs K times "
            "too little."),
    Mistake("likelihood averaged", {"fit_reduce": "mean"},
            "The log-likelihood is a mean over the pixels; their sum is meant. Beside a mean over the pixels a KL that "
            "is a sum weighs hundreds of times too much on real images."),
    Mistake("both averaged", {"kl_reduce": "mean", "fit_reduce": "mean"},
            "Both terms are means, the log-likelihood over the pixels and the KL over the units, so the KL weighs "
            "pixels / units times too much. Sum over both."),
    Mistake("KL over the pixels", {"kl_reduce": "over pixels"},
            "The KL is divided by the number of pixels. That belongs to a log-likelihood that is a mean over the "
            "pixels; asked for is their sum, beside which the KL has the weight 1."),
    Mistake("one KL for all", {"kl_reduce": "expanded"},
            "Every image pays the mean KL of the batch. Each pays for its own code."),
    Mistake("one likelihood for all", {"fit_reduce": "expanded"},
            "Every image is given the mean log-likelihood of the batch. Each has its own."),
    Mistake("KL summed over the batch", {"kl_reduce": "all"},
            "The KL is summed over the images as well, so each image pays for the codes of all."),
    Mistake("likelihood over the batch", {"fit_reduce": "all"},
            "The log-likelihood is summed over the images as well. Each image has its own."),
    Mistake("KL of everything averaged", {"kl_reduce": "mean of all"},
            "The KL is one mean over units and images. Each image pays the sum over its own units."),
    Mistake("likelihood averaged over all", {"fit_reduce": "mean of all"},
            "The log-likelihood is one mean over pixels and images, as `reduction=\"mean\"` gives it. Each image has a "
            "sum of its own."),
    Mistake("mean over the batch", {"end": "mean"},
            "The images are averaged too, so one number comes back. Asked for is one for each image; only `fit` "
            "averages."),
    Mistake("sum over the batch", {"end": "sum"},
            "The images are summed too, so one number comes back. Asked for is one for each image."),
    Mistake("KL as a column", {"end": "KL's table"},
            "A table of every image against every image comes back, shape (B, B): the KL has the shape (B, 1), as "
            "`keepdim=True` leaves it, and the log-likelihood (B,). Both should have the shape (B,)."),
    Mistake("likelihood as a column", {"end": "likelihood's table"},
            "A table of every image against every image comes back, shape (B, B): the log-likelihood has the shape "
            "(B, 1), as `keepdim=True` leaves it, and the KL (B,). Both should have the shape (B,)."),
    Mistake("over B", {"end": "over B"},
            "It is divided by the number of images. An image's bound must not depend on the others."),
    Mistake("over D", {"end": "over D"},
            "Everything is divided by the number of pixels: these are nats for each pixel. Asked for are those of the "
            "whole image."),
    Mistake("KL over B", {"kl_reduce": "over B"},
            "The KL is divided by the number of images. What an image's code costs must not depend on the others."),
    Mistake("exponential", {"end": "exp"}, "It is exponentiated: asked for are nats, so leave it a logarithm."),
    Mistake("half is missing", {"kl": "no half"}, "The KL is twice as large as it should be: its ½ is missing."),
    Mistake("sigma for the variance", {"kl": "sigma"},
            "In the KL σ stands where σ² belongs; the variance is `exp(logvar)`."),
    Mistake("exp(logvar) as sigma", {"kl": "as sigma"},
            "In the KL `exp(logvar)` is taken for σ; it is the variance already."),
    Mistake("turned round", {"kl": "turned"},
            "The KL is turned round: asked for is the one from q to the prior, KL(q ‖ p)."),
    Mistake("no one", {"kl": "no one"}, "In the KL the −1 is missing."),
    Mistake("no mean", {"kl": "no mean"}, "In the KL μ² is missing."),
    Mistake("mu and logvar exchanged", {"kl": "exchanged"}, "In the KL `mu` and `logvar` are exchanged."),
    Mistake("sigmoid twice", {"fit": "sigmoid twice"},
            "The sigmoid is applied twice: the log-likelihood expects logits, so give it the logits as they are."),
    Mistake("squared error", {"fit": "square"},
            "The reconstruction is a squared error. With binary images the ELBO has their Bernoulli log-likelihood in "
            "it, or it is no bound of log p(x) in nats."),
    Mistake("inverted", {"fit": "inverted"}, "In the log-likelihood black and white are exchanged."),
    Mistake("white pixels alone", {"fit": "white"}, "In the log-likelihood the black pixels are missing."),
    Mistake("naive", {"fit": "naive"},
            "It is right for small logits only: at ±100 the logarithm of a sigmoid is lost. `likelihood_ok` takes "
            "logits."),
)
ERRORS = {
    "must match the size": "Both terms are numbers per image, shape (B,): are they summed over pixels and units?",
    "positional argument": "`likelihood_ok` takes `logits` and `x`; `kl_ok` takes `mu` and `logvar`.",
    "is not defined": "`kl_ok` and `likelihood_ok` exist once the cells above have run.",
}

# The mistakes that show on every input; the other one shows at large logits only.
_USUAL = [m for m in MISTAKES if m.wrong.get("fit") != "naive"]


def reference(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return -bernoulli_nll(logits, x) - gaussian_kl(mu, logvar)


def oracle(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return likelihood_oracle(logits, x) - kl_oracle(mu, logvar)


def draw(generator: torch.Generator, size: int) -> Case:
    """Return binary images with logits, and the codes' means and logarithms of variances.

    Of size 6 the decoder is sure, of size 4 one of the codes is free.
    """
    pixels, units = {2: (3, 2), 3: (7, 4), 5: (11, 3)}.get(size, (13, 4))
    while True:
        x, logits = binary(size, pixels, generator), some(size, pixels, generator)
        mu, logvar = (some(size, units, generator) for _ in range(2))
        if size > 6 or size in (1, 4) or telling(family, _USUAL, (logits, x, mu, logvar), size > 2):
            break
    if size == 6:
        logits = 100 * logits
        return Case((logits, x, mu, logvar), "6 images, with logits up to ±180", SURE)
    if size == 4:
        mu, logvar = partly_free(units, generator)
        logvar[1, :2] = torch.tensor([-20.0, 10.0])
        return Case((logits, x, mu, logvar), "4 images, mu and logvar of image 0 being all 0, logvar of image 1 from "
                    "−20 to 10")
    if size == 1:
        return Case((logits, x, mu, logvar), f"one image of {pixels} pixels, a code of {units} units")
    return Case((logits, x, mu, logvar), f"{size} images of {pixels} pixels, codes of {units} units" if size > 2 else
                f"logits = {rows(logits)}, x = {rows(x)}, mu = {rows(mu)} and logvar = {rows(logvar)}")


def family(**changes: Any) -> Any:
    """Return the ELBO of binary images, with the given changes."""
    return partial(_elbo, **changes)


def _elbo(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, *, fit: str = "right", fit_reduce: str = "sum",
          kl: str = "right", kl_reduce: str = "sum", kl_sign: int = 1, sign: int = 1, end: str = "") -> Tensor:
    fits: dict[str, dict[str, Any]] = {
        "right": {}, "sigmoid twice": {"bend": "sigmoid"}, "square": {"measure": "square"},
        "none": {"factor": 0.0}, "inverted": {"target": "inverted"}, "white": {"terms": "white"},
        "naive": {"log": "naive"}, "minus": {"sign": -1}}
    prices: dict[str, dict[str, Any]] = {
        "right": {}, "no half": {"factor": 1.0}, "none": {"factor": 0.0}, "sigma": {"var": "sigma"},
        "as sigma": {"var": "double", "log": "double"}, "turned": {"turned": True}, "no one": {"one": 0},
        "no mean": {"mean": "none"}, "exchanged": {"swapped": True}}
    over = {"over pixels": x.shape[1], "over B": len(x)}
    price = kl_family(reduce="sum" if kl_reduce in over else kl_reduce, **prices[kl])(mu, logvar)
    price = price / over.get(kl_reduce, 1)
    away = likelihood_family(reduce=fit_reduce, **fits[fit])(logits, x)
    if end in ("KL's table", "likelihood's table"):
        return sign * (away - kl_sign * price[:, None] if end == "KL's table" else away[:, None] - kl_sign * price)
    value = away - kl_sign * price
    value = {"": lambda: value, "mean": lambda: value.mean(), "sum": lambda: value.sum(), "over B": lambda:
             value / len(x), "over D": lambda: value / x.shape[1], "exp": lambda: value.exp()}[end]()
    return sign * value


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the terms is off."""
    pairs = usual(cases, got)
    columns, finer = [], []
    for (a, x, mu, logvar), _ in pairs:
        likelihood = (x * a - F.softplus(a)).sum(1)
        squares, spread, log = (-v.sum(1) / 2 for v in (mu.square(), logvar.exp(), -logvar))
        constant = torch.full((len(x),), mu.shape[1] / 2, dtype=torch.float64)
        columns.append({"log p(x | z)": likelihood, "−KL": squares + spread + log + constant})
        finer.append({"log p(x | z)": likelihood, "−½ Σ mu²": squares, "−½ Σ exp(logvar)": spread,
                      "½ Σ logvar": log, "½ K": constant})
    values = [g for _, g in pairs]
    return mixed(columns, values) or mixed(finer, values) or added(got, want) or partly(got, want)


EXERCISE = Exercise(
    "elbo", "4 · The ELBO", "function", 2, 7,
    reference=reference, oracle=oracle, draw=draw, sizes=(2, 3, 5, 1, 4, 6), atol=1e-4,
    arguments=("logits", "x", "mu", "logvar"), gives=(PER_IMAGE,), gradients=(0, 2, 3), family=family, look=look,
    mistakes=MISTAKES, errors=ERRORS,
    hints=("Both pieces are there: `likelihood_ok` and `kl_ok` give one number for each image.",
           "It is a lower bound of log p(x): what the decoder makes of the code, less what the code costs."),
    why="Both terms are in nats, so there is no weight between them to be tuned: a nat more in the code is worth "
        "it if it saves the decoder more than a nat. What `fit` minimises is the negative of it.")
