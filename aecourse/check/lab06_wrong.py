"""Lab 06: right answers with switches. A known mistake turns one of them, two mistakes turn two."""

import math
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def _reduced(each: Tensor, reduce: str) -> Tensor:
    """Return a table (B, D) summed over its columns, or reduced in one of the ways that are not asked for."""
    return {"sum": lambda: each.sum(1), "mean": lambda: each.mean(1), "images": lambda: each.sum(0),
            "mean of images": lambda: each.mean(0), "all": lambda: each.sum(), "mean of all": lambda: each.mean(),
            "batch": lambda: each.sum(1).mean(), "none": lambda: each, "over B": lambda: each.sum(1) / len(each),
            "expanded": lambda: each.sum(1).mean().expand(len(each)), "max": lambda: each.max(1).values}[reduce]()


# ---- 1 --------------------------------------------------------------------------------------------------------------


def kl_term(**changes: Any) -> Any:
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
    within = 0 if one == "once" else one
    each = (1 + m) / v + lv - within if turned else m + v - lv - within
    value = _reduced(each, reduce) - (1 if one == "once" else 0)
    return sign * factor / (math.log(2) if bits else 1) * value


# ---- 3 --------------------------------------------------------------------------------------------------------------


def log_likelihood(**changes: Any) -> Any:
    """Return the Bernoulli log-likelihood of binary images, from logits, with the given changes."""
    return partial(_log_likelihood, **changes)


def _log_likelihood(logits: Tensor, x: Tensor, *, bend: str = "", log: str = "stable", terms: str = "both",
                    measure: str = "log", target: str = "x", sign: int = 1, factor: float = 1.0,
                    reduce: str = "sum") -> Tensor:
    if bend == "exchanged":
        logits, x = x, logits
    a = torch.sigmoid(logits) if bend == "sigmoid" else logits
    t = 1 - x if target == "inverted" else x
    p = logits if bend == "plain" else torch.sigmoid(a)
    eps = 1e-8
    white, black = {
        "stable": lambda: (F.logsigmoid(a), F.logsigmoid(-a)), "naive": lambda: (p.log(), (1 - p).log()),
        "eps": lambda: ((p + eps).log(), (1 - p + eps).log()),
        "clamped": lambda: (p.log().clamp(min=-100), (1 - p).log().clamp(min=-100)),
        "clamp p": lambda: (p.clamp(1e-6, 1 - 1e-6).log(), (1 - p.clamp(1e-6, 1 - 1e-6)).log()),
        "logits": lambda: (a.log(), (1 - a).log()), "none": lambda: (p, 1 - p),
        "odds": lambda: (a, -a)}[log]()
    one, two = t * white, (1 - t) * black
    each = {"log": lambda: {"both": lambda: one + two, "white": lambda: one, "black": lambda: two,
                            "minus": lambda: one - two, "no choice": lambda: white + black}[terms](),
            "square": lambda: -(p - t).square(), "size": lambda: -(p - t).abs(),
            "hits": lambda: ((a > 0) == (t > 0.5)).to(logits.dtype),
            "linear": lambda: -(a - t).square()}[measure]()
    return sign * factor * _reduced(each, reduce)


# ---- 4 --------------------------------------------------------------------------------------------------------------


def elbo(**changes: Any) -> Any:
    """Return the ELBO of binary images, with the given changes."""
    return partial(_elbo, **changes)


def _elbo(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, *, fit: str = "right", fit_reduce: str = "sum",
          kl: str = "right", kl_reduce: str = "sum", kl_sign: int = 1, sign: int = 1, end: str = "") -> Tensor:
    first = {"right": {}, "sigmoid twice": {"bend": "sigmoid"}, "square": {"measure": "square"},
             "none": {"factor": 0.0}, "inverted": {"target": "inverted"}, "white": {"terms": "white"},
             "naive": {"log": "naive"}, "minus": {"sign": -1}}[fit]
    second = {"right": {}, "no half": {"factor": 1.0}, "none": {"factor": 0.0}, "sigma": {"var": "sigma"},
              "as sigma": {"var": "double", "log": "double"}, "turned": {"turned": True}, "no one": {"one": 0},
              "no mean": {"mean": "none"}, "exchanged": {"swapped": True}}[kl]
    price = (_kl_term(mu, logvar, **second) / x.shape[1] if kl_reduce == "over pixels" else
             _kl_term(mu, logvar, reduce=kl_reduce, **second))
    value = _log_likelihood(logits, x, reduce=fit_reduce, **first) - kl_sign * price
    value = {"": lambda: value, "mean": lambda: value.mean(), "sum": lambda: value.sum(), "over B": lambda:
             value / len(x), "exp": lambda: value.exp()}[end]()
    return sign * value


# ---- 5 --------------------------------------------------------------------------------------------------------------


def importance_bound(**changes: Any) -> Any:
    """Return the logarithm of the mean weight of each image, with the given changes."""
    return partial(_importance_bound, **changes)


def _importance_bound(log_w: Tensor, *, over: int = 0, stable: str = "yes", of: str = "log mean", count: str = "k",
                      sign: int = 1, base: str = "e", end: str = "", each: float = 1.0) -> Tensor:
    a = each * log_w
    k, batch = a.shape[over], a.shape[1 - over]
    if stable == "naive":
        total = a.exp().sum(over).log()
    elif stable == "eps":
        total = (a.exp().sum(over) + 1e-8).log()
    elif stable == "one peak":  # the largest of all images, so that those of another image vanish
        total = (a - a.max()).exp().sum(over).log() + a.max()
    elif stable == "not added back":
        total = (a - a.amax(over, keepdim=True)).exp().sum(over).log()
    else:
        total = a.logsumexp(over)
    n = {"k": k, "none": 1, "B": batch, "k - 1": max(k - 1, 0.5), "all": a.numel(), "times": 1 / k}[count]
    value = {"log mean": lambda: total - math.log(n), "mean of logs": lambda: a.mean(over),
             "sum of logs": lambda: a.sum(over), "best": lambda: a.amax(over), "mean": lambda: total.exp() / n,
             "log of log": lambda: a.mean(over).log(), "over k": lambda: total / n,
             "weighted": lambda: (a.softmax(over) * a).sum(over), "first": lambda: a.select(over, 0),
             "median": lambda: a.quantile(0.5, dim=over), "minus k": lambda: total - n,
             "log softmax": lambda: a.log_softmax(over).mean(over)}[of]()
    value = value / {"e": 1.0, "2": math.log(2), "10": math.log(10)}[base]
    return sign * {"": lambda: value, "mean": lambda: value.mean(), "sum": lambda: value.sum(), "log": lambda:
                   value.exp().mean().log(), "over B": lambda: value / log_w.shape[1]}[end]()


# ---- 7 --------------------------------------------------------------------------------------------------------------


def beta(**changes: Any) -> Any:
    """Return the weight of the KL term that two reductions imply, with the given changes."""
    return partial(_beta, **changes)


def _beta(pixels: int, units: int, batch: int, reconstruction: str, kl: str, *, sizes: str = "right",
          names: str = "right", mean: str = "right", total: str = "right", each: str = "right", how: str = "ratio",
          whole: str = "") -> float:
    d, k, b = {"right": (pixels, units, batch), "swapped": (units, pixels, batch), "no pixels": (1, units, batch),
               "no units": (pixels, 1, batch), "lab's": (784, 20, 128), "pixels twice": (pixels, pixels, batch),
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
    return {"": lambda: float(value), "floor": lambda: float(math.floor(value)), "round": lambda:
            float(round(value))}[whole]()
