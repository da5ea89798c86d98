"""Lab 07, the losses: right answers with switches. A known mistake turns one of them, two mistakes turn two."""

import math
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.models import Autoencoder

# ---- 2 --------------------------------------------------------------------------------------------------------------


def pretraining_loss(**changes: Any) -> Any:
    """Return the squared error of the reconstruction, with the given changes."""
    return partial(_pretraining_loss, **changes)


def _pretraining_loss(model: Autoencoder, x: Tensor, *, output: str = "sigmoid", target: str = "image",
                      measure: str = "square", reduce: str = "sum", through: str = "once") -> Tensor:
    squash = {"sigmoid": torch.sigmoid, "none": lambda v: v, "clamp": lambda v: v.clamp(0, 1), "tanh": torch.tanh,
              "relu": torch.relu, "softmax": lambda v: v.softmax(-1),
              "twice": lambda v: torch.sigmoid(torch.sigmoid(v))}[output]
    z = model.encode(x)
    z = {"sigmoid": torch.sigmoid, "relu": torch.relu}.get(through, lambda v: v)(z)
    logits = model.decode(z)
    if through == "twice":
        logits = model(squash(logits))
    x_hat = squash(logits)
    t = {"image": lambda: x, "binary": lambda: (x > 0.5).float(), "sigmoid": lambda: torch.sigmoid(x), "nothing":
         lambda: torch.zeros_like(x), "mean": lambda: x.mean(0, keepdim=True).expand_as(x), "negative":
         lambda: 1 - x}[target]()
    e = {"square": lambda: (x_hat - t) ** 2, "size": lambda: (x_hat - t).abs(), "plain": lambda: x_hat - t, "half":
         lambda: (x_hat - t) ** 2 / 2, "cross": lambda: F.binary_cross_entropy_with_logits(logits, t, reduction="none"),
         "product": lambda: x_hat * t}[measure]()
    return {"sum": lambda: e.sum(-1), "mean": lambda: e.mean(-1), "batch": lambda: e.sum(-1).mean(), "everything":
            lambda: e.mean(), "all": lambda: e.sum(), "images": lambda: e.sum(0), "none": lambda: e, "root":
            lambda: e.sum(-1).clamp(min=1e-12).sqrt(), "over B": lambda: e.sum(-1) / len(x)}[reduce]()


# ---- 4 --------------------------------------------------------------------------------------------------------------


def m2_labelled(**changes: Any) -> Any:
    """Return M2's bound for labelled images, with the given changes."""
    return partial(_m2_labelled, **changes)


def _m2_labelled(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, classes: int, *, prior: str = "log", kl:
                 str = "plus", kl_sum: str = "sum", var: str = "exp", pixels: str = "sum", given: str = "minus log p",
                 sign: int = 1, over: str = "none") -> Tensor:
    p = {"logits": lambda: logits, "sigmoid": lambda: torch.sigmoid(logits)}
    each = {
        "minus log p": lambda: F.binary_cross_entropy_with_logits(logits, x, reduction="none"),
        "log p": lambda: -F.binary_cross_entropy_with_logits(logits, x, reduction="none"),
        "twice": lambda: F.binary_cross_entropy_with_logits(p["sigmoid"](), x, reduction="none"),
        "square": lambda: (p["sigmoid"]() - x).square(), "square of logits": lambda: (logits - x).square(),
        "white": lambda: -x * F.logsigmoid(logits), "black": lambda: -(1 - x) * F.logsigmoid(-logits),
        "unstable": lambda: -(x * torch.sigmoid(logits).log() + (1 - x) * (1 - torch.sigmoid(logits)).log()),
        "none": lambda: torch.zeros_like(x)}[given]()
    away = {"sum": each.sum(-1), "mean": each.mean(-1)}[pixels]
    v = {"exp": logvar.exp(), "sigma": (2 * logvar).exp(), "plain": logvar, "root": (logvar / 2).exp(), "handed":
         logvar.exp().exp(), "half": (logvar / 2).exp()}[var]
    log_v = {"sigma": 2 * logvar, "plain": logvar.abs().clamp(min=1e-6).log(), "handed": logvar.exp(), "half":
             logvar / 2}.get(var, logvar)
    terms = {"no half": mu.square() + v - log_v - 1, "no one": (mu.square() + v - log_v) / 2, "log sign":
             (mu.square() + v + log_v - 1) / 2, "no mu": (v - log_v - 1) / 2}.get(kl, (mu.square() + v - log_v - 1) / 2)
    kl_value = {"minus": -1, "none": 0}.get(kl, 1) * {"sum": terms.sum(-1), "mean": terms.mean(-1)}[kl_sum]
    extra = {"log": math.log(classes), "none": 0.0, "minus": -math.log(classes), "p": 1 / classes, "minus p":
             -1 / classes, "log2": math.log2(classes), "log10": math.log10(classes), "C": classes, "ten": math.log(10),
             "shared": math.log(classes) / len(x), "times": classes * math.log(classes),
             "pixels": x.shape[-1] * math.log(classes)}[prior]
    value = sign * (away + kl_value + extra)
    return {"none": lambda: value, "batch": lambda: value.mean(), "all": lambda: value.sum()}[over]()


# ---- 5 --------------------------------------------------------------------------------------------------------------


def m2_unlabelled(**changes: Any) -> Any:
    """Return M2's bound for unlabelled images, with the given changes."""
    return partial(_m2_unlabelled, **changes)


def _m2_unlabelled(by_class: Tensor, class_logits: Tensor, *, q: str = "softmax", entropy: str = "minus",
                   log: str = "log-softmax", reduce: str = "sum", sign: int = 1, over: str = "none") -> Tensor:
    n = by_class.shape[1]
    weights = {
        "softmax": lambda: class_logits.softmax(1), "images": lambda: class_logits.softmax(0),
        "logits": lambda: class_logits, "sigmoid": lambda: torch.sigmoid(class_logits),
        "uniform": lambda: torch.full_like(by_class, 1 / n), "log": lambda: class_logits.log_softmax(1),
        "exp": lambda: class_logits.exp(), "bounds": lambda: (-by_class).softmax(1),
        "upside": lambda: (-class_logits).softmax(1), "bounds up": lambda: by_class.softmax(1),
        "best": lambda: F.one_hot(class_logits.argmax(1), n).to(by_class.dtype)}[q]()
    safe = weights.clamp_min(1e-30)
    logs = {"log-softmax": lambda: class_logits.log_softmax(1) if q == "softmax" else safe.log(),
            "log of softmax": lambda: weights.log(), "logits": lambda: class_logits, "bits":
            lambda: safe.log() / math.log(2)}[log]()
    expected = {"sum": lambda: (weights * by_class).sum(1), "mean": lambda: (weights * by_class).mean(1), "min":
                lambda: by_class.min(1).values, "all": lambda: by_class.sum(1)}[reduce]()
    per_class = weights * logs
    minus_h = {"minus": lambda: per_class.sum(1), "plus": lambda: -per_class.sum(1), "none": lambda: 0.0, "mean":
               lambda: per_class.mean(1), "unweighted": lambda: logs.sum(1), "uniform": lambda: -math.log(n),
               "batch": lambda: per_class.sum(1).mean(), "product": lambda: per_class.sum(1) * weights.sum(1) * 2}[
                   entropy]()
    value = sign * (expected + minus_h)
    return {"none": lambda: value, "batch": lambda: value.mean(), "all": lambda: value.sum()}[over]()


# ---- 6 --------------------------------------------------------------------------------------------------------------


def m2_loss(**changes: Any) -> Any:
    """Return M2's loss for a mixed batch, with the given changes."""
    return partial(_m2_loss, **changes)


def _m2_loss(by_class: Tensor, class_logits: Tensor, y: Tensor, alpha: float, *, labelled: str = "own", term: str =
             "plus", weigh: str = "term", unlabelled: str = "U", who: str = "y >= 0", order: str = "as given",
             over: str = "none", sign: int = 1) -> Tensor:
    known = {"y >= 0": y >= 0, "y > 0": y > 0, "everybody": torch.ones_like(y).bool(), "swapped": y < 0}[who]
    index = (y % by_class.shape[1] if who in ("everybody", "swapped") else y.clamp(min=0))[:, None]
    log_q = class_logits.log_softmax(1)
    best = class_logits.argmax(1, keepdim=True)
    right = by_class.gather(1, index).squeeze(1)
    U = {"U": lambda: _m2_unlabelled(by_class, class_logits), "no entropy": lambda: _m2_unlabelled(
        by_class, class_logits, entropy="none"), "entropy sign": lambda: _m2_unlabelled(
            by_class, class_logits, entropy="plus"), "best": lambda: by_class.gather(1, best).squeeze(1), "min":
         lambda: by_class.min(1).values, "mean": lambda: by_class.mean(1), "zero": lambda: torch.zeros_like(right),
         "free": lambda: -torch.logsumexp(-by_class, 1)}[unlabelled]()
    L = {"own": lambda: right, "U": lambda: _m2_unlabelled(by_class, class_logits), "none": lambda:
         torch.zeros_like(right), "mean": lambda: by_class.mean(1), "best": lambda: by_class.gather(1, best).squeeze(1),
         "plus U": lambda: right + _m2_unlabelled(by_class, class_logits)}[labelled]()
    ce = -log_q.gather(1, index).squeeze(1)
    ce = {"plus": lambda: ce, "minus": lambda: -ce, "none": lambda: 0 * ce, "p": lambda: (-ce).exp(), "minus p":
          lambda: -(-ce).exp(), "logit": lambda: -class_logits.gather(1, index).squeeze(1), "mean": lambda:
          (ce * known).sum() / known.sum().clamp(min=1) * torch.ones_like(ce)}[term]()
    a = {"term": alpha, "none": 1.0, "shared": alpha / max(int(known.sum()), 1), "batch": alpha / len(y),
         "times n": alpha * int(known.sum())}.get(weigh, alpha)
    of_known = {"L": lambda: alpha * L + ce, "both": lambda: alpha * (L + ce), "convex": lambda:
                (1 - alpha) * L + alpha * ce}.get(weigh, lambda: L + a * ce)()
    of_others = {"U": lambda: alpha * U, "pseudo": lambda: U - alpha * log_q.amax(1)}.get(weigh, lambda: U)()
    if weigh == "everybody":
        of_others = U - alpha * log_q.mean(1)
    value = sign * torch.where(known, of_known, of_others)
    if order == "labelled first":
        value = torch.cat([value[known], value[~known]])
    return {"none": lambda: value, "batch": lambda: value.mean(), "all": lambda: value.sum(), "labelled":
            lambda: value[known], "pair": lambda: torch.stack([value[known].sum(), value[~known].sum()])}[over]()
