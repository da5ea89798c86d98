"""Lab 05: right answers with switches. A known mistake turns one of them, two mistakes turn two."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor


def l1_penalty(**changes: Any) -> Any:
    """Return the sum of the absolute values of each code, with the given changes."""
    return partial(_l1_penalty, **changes)


def _l1_penalty(z: Tensor, *, of: str = "size", reduce: str = "sum", sign: int = 1, half: bool = False) -> Tensor:
    each = {"size": lambda: z.abs(), "square": lambda: z.square(), "plain": lambda: z, "positive": lambda: z.relu(),
            "root": lambda: z.abs().sqrt(), "on": lambda: (z != 0).to(z.dtype), "above 0": lambda: (z > 0).to(z.dtype),
            "log": lambda: z.abs().log1p(), "negative": lambda: (-z).relu()}[of]()
    value = {"sum": lambda: each.sum(1), "mean": lambda: each.mean(1), "max": lambda: each.max(1).values,
             "images": lambda: each.sum(0), "mean of images": lambda: each.mean(0), "all": lambda: each.sum(),
             "mean of all": lambda: each.mean(), "batch": lambda: each.sum(1).mean(), "none": lambda: each,
             "over B": lambda: each.sum(1) / len(z), "length": lambda: each.square().sum(1).sqrt(),
             "size of sum": lambda: each.sum(1).abs(), "on only": lambda: each.sum(1) / (z != 0).sum(1).clamp(min=1),
             }[reduce]()
    return sign * (0.5 if half else 1) * value


def dead_share(**changes: Any) -> Any:
    """Return the share of units that are zero for all images, with the given changes."""
    return partial(_dead_share, **changes)


def _dead_share(z: Tensor, *, images: str = "all", dimension: int = 0, zero: str = "== 0", give: str = "share",
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
    elif zero in ("sum", "mean"):  # what cancels looks dead
        hit = z.sum(dimension).abs() < 1e-6
    elif zero == "no spread":
        hit = z.std(dimension) == 0
    elif zero == "sum not positive":
        hit = z.sum(dimension) < 1e-6
    else:
        hit = is_zero.all(dimension)
    if which == "living":
        hit = ~hit
    if give == "mask":
        return hit.double()
    count = hit.sum().double()
    by = {"units": len(hit), "images": len(z), "entries": z.numel(), "living": (~hit).sum()}[per]
    return {"share": lambda: count / by, "count": lambda: count, "percent": lambda: 100 * count / by}[give]()


def kl_penalty(**changes: Any) -> Any:
    """Return the KL divergence from the target rate to each unit's mean, summed over units, with the given changes."""
    return partial(_kl_penalty, **changes)


def _kl_penalty(z: Tensor, rate: float, *, mean: str = "units", clamp: str = "mean", turned: bool = False,
                measure: str = "kl", first: str = "right", second: str = "right", log: str = "e",
                reduce: str = "sum", sign: int = 1) -> Tensor:
    q = {"units": lambda: z.mean(0), "images": lambda: z.mean(1), "all": lambda: z.mean(), "none": lambda: z,
         "sum": lambda: z.sum(0), "share on": lambda: (z > 0.5).to(z.dtype).mean(0), "max": lambda: z.max(0).values,
         "median": lambda: z.quantile(0.5, dim=0), "but the last": lambda: z[:-1].mean(0),
         "sigmoid": lambda: z.sigmoid().mean(0)}[mean]()
    p = torch.as_tensor(rate, dtype=z.dtype)
    if clamp == "mean":
        q = q.clamp(1e-6, 1 - 1e-6)
    if mean == "sum":
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
           "q below": lambda: (1 - p) * ((1 - p) / q).log() / base}[second]()
    each = {"kl": lambda: one + two, "cross-entropy": lambda: -(p * q.log() + (1 - p) * (1 - q).log()) / base,
            "not log": lambda: p * (p.log() - q), "square": lambda: (p - q).square(), "size": lambda: (p - q).abs(),
            "hinge": lambda: (q - p).relu()}[measure]()
    if mean == "none" and reduce in ("sum", "mean", "none", "max"):  # the divergence of each image, averaged later
        each = each.mean(0)
    return sign * {"sum": lambda: each.sum(), "mean": lambda: each.mean(), "none": lambda: each,
                   "max": lambda: each.max(), "per image": lambda: each.sum() / len(z),
                   "times B": lambda: each.sum() * len(z), "expanded": lambda: each.sum().expand(len(z))}[reduce]()


def top_k(**changes: Any) -> Any:
    """Return the activations with each image's k largest kept and the others set to 0, with the given changes."""
    return partial(_top_k, **changes)


def _top_k(a: Tensor, k: int, *, over: str = "image", by: str = "value", more: int = 0, give: str = "kept",
           bend: str = "", fill: float = 0.0) -> Tensor:
    k = k + more
    score = {"value": lambda: a, "size": lambda: a.abs(), "smallest": lambda: -a,
             "position": lambda: -torch.arange(a.numel(), dtype=a.dtype).reshape(a.shape)}[by]()
    if over == "image":
        kept = score >= score.sort(1, descending=True).values[:, k - 1:k]
    elif over == "unit":
        kept = score >= score.sort(0, descending=True).values[k - 1]
    elif over == "mean of the batch":
        kept = (score.mean(0) >= score.mean(0).sort(descending=True).values[k - 1]).expand_as(a)
    elif over == "positive":
        kept = a > 0
    elif over == "lowest bar":  # one threshold for all: the lowest of the images' own
        kept = score >= score.sort(1, descending=True).values[:, k - 1].min()
    else:
        n = {"batch": k, "batch B k": k * len(a)}[over]
        kept = score >= score.flatten().sort(descending=True).values[n - 1]
    if give == "dropped":
        kept = ~kept
    out = torch.where(kept, a, torch.full_like(a, fill))
    if bend == "relu":
        out = out.relu()
    return {"kept": lambda: out, "dropped": lambda: out, "mask": lambda: kept.to(a.dtype),
            "values": lambda: a.sort(1, descending=True).values[:, :k],
            "places": lambda: a.argsort(1, descending=True)[:, :k], "shares": lambda: out / out.sum(1, keepdim=True),
            "softmax": lambda: out.masked_fill(~kept, -math.inf).softmax(1),
            "front": lambda: torch.nn.functional.pad(a.sort(1, descending=True).values[:, :k], (0, a.shape[1] - k)),
            "above": lambda: torch.where(kept, a - out.masked_fill(~kept, math.inf).min(1, keepdim=True).values, 0),
            "clipped": lambda: torch.maximum(a, out.masked_fill(~kept, math.inf).min(1, keepdim=True).values)}[give]()
