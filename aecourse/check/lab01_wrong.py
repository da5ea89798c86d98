"""Lab 01: right answers with switches. A known mistake turns one of them, two mistakes turn two."""

import math
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def updates(**changes: Any) -> Any:
    """Return the number of gradient steps, with the given changes."""
    return partial(_updates, **changes)


def _updates(n_labels: int, batch: int, epochs: int, *, last: str = "kept", epochs_count: bool = True,
             batches: bool = True, once: bool = False) -> float:
    n, times = (n_labels * epochs, 1) if once else (n_labels, epochs)  # once: one pass over all epochs' images
    share = n / batch if batches else float(n)
    steps = {"kept": math.ceil, "dropped": math.floor, "exact": float, "rounded": round,
             "always": lambda s: math.floor(s) + 1, "at least one": lambda s: max(1, math.floor(s))}[last](share)
    return steps * (times if epochs_count else 1)


def halves(**changes: Any) -> Any:
    """Return the two halves of an image, with the given changes."""
    return partial(_halves, **changes)


def _halves(x: Tensor, *, cut: str = "middle row", order: str = "top first", target: str = "half", form: str = "flat",
            given: str = "half", mirror: bool = False) -> Any:
    image = x.reshape(-1, 28, 28)
    if cut == "images":
        return x[: len(x) // 2], x[len(x) // 2:]
    elif cut == "pixels":
        first, second = x[:, ::2], x[:, 1::2]
    else:
        first, second = {"middle row": (image[:, :14], image[:, 14:]), "rows": (image[:, ::2], image[:, 1::2]),
                         "middle column": (image[:, :, :14], image[:, :, 14:])}[cut]
        if mirror:
            second = second.flip(1)
    if order == "bottom first":
        first, second = second, first
    if form == "blank":  # whole images, the other half painted black
        blank = torch.zeros_like(first)
        return (torch.cat([first, blank], 1).flatten(1), torch.cat([blank, second], 1).flatten(1))
    if form == "flat":
        first, second = first.flatten(1), second.flatten(1)
    second = {"half": second, "whole": x, "input": first, "rest": x - F.pad(first, (0, 784 - first.shape[-1]))
              if first.dim() == 2 else x}[target]
    return (x if given == "whole" else first), second


_MEASURES = {  # tables (N, K); the smallest number of a row is picked
    "euclid": lambda x, c: (x[:, None] - c).square().sum(-1),
    "manhattan": lambda x, c: (x[:, None] - c).abs().sum(-1),
    "largest pixel": lambda x, c: (x[:, None] - c).abs().amax(-1),
    "signed": lambda x, c: (x[:, None] - c).sum(-1),
    "signed size": lambda x, c: (x[:, None] - c).sum(-1).abs(),
    "plus": lambda x, c: (x[:, None] + c).square().sum(-1),
    "dot": lambda x, c: -x @ c.T,
    "cosine": lambda x, c: -F.normalize(x) @ F.normalize(c).T,
    "no 2": lambda x, c: c.square().sum(-1) - x @ c.T,
    "lengths": lambda x, c: (x.norm(dim=-1)[:, None] - c.norm(dim=-1)).abs(),
}


def assign(**changes: Any) -> Any:
    """Return the nearest centre of each image, with the given changes."""
    return partial(_assign, **changes)


def _assign(x: Tensor, centres: Tensor, *, measure: str = "euclid", pick: str = "nearest", axis: str = "centres",
            give: str = "index") -> Tensor:
    table = _MEASURES[measure](x, centres)
    if axis == "summed centres":  # the sum runs over the centres, so a pixel is picked
        table = (x[:, None] - centres).square().sum(1)
    if pick == "farthest":
        table = -table
    if give == "flat":
        return table.argmin()
    dim = 0 if axis == "images" else 1
    index = table.argmin(dim)
    return {"index": index, "distance": table.amin(dim), "root": table.amin(dim).abs().sqrt(), "table": table,
            "table of roots": table.abs().sqrt(), "one-hot": F.one_hot(index, table.shape[dim]),
            "one more": index + 1, "centre": centres[index.clamp(max=len(centres) - 1)]}[give]


def move(**changes: Any) -> Any:
    """Return the centres after one step, with the given changes."""
    return partial(_move, **changes)


def _move(x: Tensor, clusters: Tensor, centres: Tensor, *, divide: str = "own", empty: str = "keep",
          step: float = 1.0, of: str = "own") -> Tensor:
    rows = []
    for k, centre in enumerate(centres):
        members = x[clusters == k]
        n = len(members)
        if not n and empty != "nan" and of != "all":
            rows += {"keep": [centre], "zero": [torch.zeros_like(centre)], "mean": [x.mean(0)], "drop": []}[empty]
            continue
        by = {"own": n, "images": len(x), "clusters": len(centres), "nothing": 1, "one more": n + 1,
              "one less": max(n - 1, 1)}[divide]
        new = {"own": members.sum(0), "all": x.mean(0) * by, "pixels": members.mean(-1).sum().expand_as(centre),
               "with centre": (members.sum(0) + centre) * by / max(n + 1, 1),
               "shift": (members - centre).sum(0), "added": members.sum(0) + centre * by,
               "median": members.median(0).values * by if n else centre,
               "others": x[clusters != k].mean(0) * by, "largest": members.amax(0) * by if n else centre,
               "one": members[0] * by if n else centre}[of] / by
        rows.append(centre + step * (new - centre))
    return torch.stack(rows)


def purity(**changes: Any) -> Any:
    """Return the purity of clusters, with the given changes."""
    return partial(_purity, **changes)


def _purity(clusters: Tensor, labels: Tensor, *, by: str = "clusters", weigh: str = "images", give: str = "share",
            match: str = "majority") -> Any:
    if by == "classes":
        clusters, labels = labels, clusters
    _, c = clusters.unique(return_inverse=True)
    _, y = labels.unique(return_inverse=True)
    table = F.one_hot(c).T.double() @ F.one_hot(y).double()  # clusters × classes
    n = float(table.sum())
    if match == "equal":
        right = float((clusters == labels).sum())
    elif match == "one to one":
        right = float(table.numpy()[linear_sum_assignment(-table.numpy())].sum())
    elif match == "largest class":
        right = float(table.sum(0).max())
    elif match == "largest cell":
        right = float(table.max())
    elif match == "rarest":
        right = float(table.masked_fill(table == 0, n).amin(1).sum())
    elif match == "pure only":
        right = float(table[(table > 0).sum(1) == 1].sum())
    elif match == "squares":  # the chance that two images of a cluster agree
        right = float((table.square().sum(1) / table.sum(1)).sum())
    else:
        right = float(table.amax(1).sum())
    if weigh == "clusters":
        right = n * float((table.amax(1) / table.sum(1)).mean())
    return {"share": right / n, "percent": 100 * right / n, "count": right, "error": 1 - right / n,
            "per cluster": right / len(table), "per class": right / table.shape[1],
            "each": table.amax(1) / table.sum(1)}[give]


def pseudo_labels(**changes: Any) -> Any:
    """Return the sure images and their predicted classes, with the given changes."""
    return partial(_pseudo_labels, **changes)


def _pseudo_labels(logits: Tensor, threshold: float, *, score: str = "softmax", largest: bool = True,
                   side: str = "above", pick: str = "largest", give: str = "labels", which: str = "index",
                   order: str = "index first") -> Any:
    scores = {"softmax": logits.softmax(-1), "logits": logits, "sigmoid": logits.sigmoid(),
              "over images": logits.softmax(0)}[score]
    sure = scores.amax(-1) if largest else scores.amin(-1)
    mask = {"above": sure >= threshold, "below": sure < threshold, "all": torch.ones_like(sure).bool()}[side]
    if side == "most":
        mask = sure >= sure.median()
    index = mask.nonzero().flatten()
    predicted = scores.argmax(-1) if pick == "largest" else scores.argmin(-1)
    labels = {"labels": predicted[index], "probabilities": sure[index], "all": predicted, "index": index,
              "one-hot": F.one_hot(predicted[index], logits.shape[-1]), "rows": scores[index]}[give]
    first = {"index": index, "mask": mask, "images": logits[index], "count": torch.arange(len(index))}[which]
    return (first, labels) if order == "index first" else (labels, first)


def spread(**changes: Any) -> Any:
    """Return F after some steps of label spreading, with the given changes."""
    return partial(_spread, **changes)


def similarity(W: Tensor, norm: str) -> Tensor:
    """Return the matrix that spreads, normalised in the right or in a wrong way."""
    if norm == "self-loops":
        W = W + torch.eye(len(W), dtype=W.dtype)
    d = W.sum(1)
    left, right = {"rows": (-1, 0), "columns": (0, -1), "none": (0, 0), "no root": (-1, -1), "times": (0.5, 0.5),
                   "one side": (-0.5, 0), "other side": (0, -0.5), "one inverse": (0.5, -0.5),
                   "largest": (0, 0)}.get(norm, (-0.5, -0.5))  # exponents of D
    S = d[:, None] ** left * W * d**right
    return S / W.max() if norm == "largest" else torch.eye(len(W), dtype=W.dtype) - S if norm == "Laplacian" else S


def _spread(W: Tensor, Y: Tensor, alpha: float, steps: int, *, norm: str = "symmetric", swapped: bool = False,
            own: str = "(1 - alpha) Y", flow: str = "alpha S F", start: str = "Y", extra: int = 0, hard: bool = False,
            give: str = "F") -> Tensor:
    S = similarity(W, norm)
    a = 1 - alpha if swapped else alpha
    if extra == 99:  # the limit of endlessly many steps
        F_now = (1 - a) * torch.linalg.solve(torch.eye(len(W)) - a * S, Y)
        return F_now if own == "(1 - alpha) Y" else F_now / (1 - a)
    F_now = {"Y": Y, "zeros": torch.zeros_like(Y), "even": torch.full_like(Y, 1 / Y.shape[1])}[start]
    labelled = Y.sum(1) > 0
    for _ in range(max(steps + extra, 0)):
        kept = {"(1 - alpha) Y": (1 - a) * Y, "Y": Y, "nothing": 0 * Y, "(1 - alpha) F": (1 - a) * F_now}[own]
        F_now = {"alpha S F": a * (S @ F_now), "S F": S @ F_now, "S Y": a * (S @ Y)}[flow] + kept
        if hard:
            F_now = torch.where(labelled[:, None], Y, F_now)
    return {"F": F_now, "rows": F_now / F_now.sum(1, keepdim=True).clamp(min=1e-12), "softmax": F_now.softmax(1),
            "classes": F_now.argmax(1), "S F": S @ F_now}[give]
