"""Lab 05, exercises 5 and 6: right answers with switches, as in `lab05_wrong`."""

from functools import partial
from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def mean_max_cosine(**changes: Any) -> Any:
    """Return the mean over planted features of the largest cosine to a found one, with the given changes."""
    return partial(_mean_max_cosine, **changes)


def _unit(rows: Tensor, how: str) -> Tensor:
    return {"rows": lambda: rows / rows.norm(dim=1, keepdim=True), "columns": lambda: rows / rows.norm(dim=0),
            "whole": lambda: rows / rows.norm(), "no": lambda: rows,
            "sum": lambda: rows / rows.abs().sum(1, keepdim=True), "largest": lambda: rows / rows.abs().amax(),
            "squared": lambda: rows / rows.square().sum(1, keepdim=True)}[how]()


def _mean_max_cosine(found: Tensor, planted: Tensor, *, unit_found: str = "rows", unit_planted: str = "rows",
                     centre: bool = False, per: str = "planted", of: str = "cosine", pick: str = "largest",
                     average: str = "mean") -> Tensor:
    if centre:
        found, planted = (rows - rows.mean(1, keepdim=True) for rows in (found, planted))
    table = _unit(planted, unit_planted) @ _unit(found, unit_found).T  # (K, M)
    if of == "distance":
        table = torch.cdist(_unit(planted, unit_planted), _unit(found, unit_found))
    table = {"cosine": lambda: table, "distance": lambda: table, "size": lambda: table.abs(),
             "square": lambda: table.square(), "positive": lambda: table.relu(),
             "one minus": lambda: 1 - table, "angle": lambda: torch.rad2deg(table.clamp(-1, 1).arccos())}[of]()
    largest = pick == "largest" and of not in ("distance", "angle", "one minus")
    if pick == "pairs":  # each found one is used once
        n = min(table.shape)
        rows, columns = linear_sum_assignment(table.double().numpy(), maximize=of not in ("distance", "angle"))
        best = table[rows, columns][:n]
    elif pick == "same row":
        best = table.diagonal()
    elif pick == "mean":
        best = table.mean(1)
    elif pick == "size":  # the one with the largest absolute value, its sign kept
        best = table.gather(1, table.abs().argmax(1, keepdim=True)).flatten()
    else:
        dimension = 1 if per == "planted" else 0
        best = table.amax(dimension) if largest else table.amin(dimension)
    return {"mean": best.mean, "sum": best.sum, "least": best.min, "best": best.max, "median": lambda: best.quantile(
        0.5), "all": lambda: best, "share above 0.9": lambda: (best > 0.9).to(best.dtype).mean(),
        "over found": lambda: best.sum() / len(found), "over D": lambda: best.sum() / found.shape[1]}[average]()


def revive(**changes: Any) -> Any:
    """Return weights whose dead rows point to the images with the largest errors, with the given changes."""
    return partial(_revive, **changes)


def _revive(W: Tensor, dead: Tensor, x: Tensor, errors: Tensor, *, rows: str = "dead", images: str = "worst",
            length: str = "living", centre: bool = False, add: str = "", give: str = "all") -> Tensor:
    chosen = dead if rows == "dead" else ~dead if rows == "living" else torch.ones_like(dead)
    if rows == "first":
        chosen = torch.arange(len(W)) < dead.sum()
    n = int(chosen.sum())
    order = errors.argsort(descending=True)
    places = {"worst": lambda: order[:n], "best": lambda: order.flip(0)[:n], "reversed": lambda: order[:n].flip(0),
              "one": lambda: order[:1].expand(n), "first": lambda: torch.arange(n),
              "own": lambda: chosen.nonzero().flatten(), "stored": lambda: order[:n].sort().values,
              "second": lambda: order[1:n + 1]}[images]()
    new = x[places]
    if centre:
        new = new - x.mean(0)
    if length == "image":
        pass
    elif length == "error":
        new = new * errors[places][:, None]
    else:
        living, gone = W[~dead].norm(dim=1), W[dead].norm(dim=1)
        to = {"living": lambda: living.mean(), "one": lambda: torch.ones(()), "all rows": lambda: W.norm(dim=1).mean(),
              "median": lambda: living.quantile(0.5), "longest": lambda: living.max(), "sum": lambda: living.sum(),
              "fifth": lambda: 0.2 * living.mean(), "whole": lambda: W[~dead].norm(),
              "of mean": lambda: W[~dead].mean(0).norm(), "own": lambda: gone[:, None], "dead": lambda: gone.mean(),
              "root": lambda: living.square().mean().sqrt(), "not unit": lambda: living.mean()}[length]()
        new = new * to if length == "not unit" else new / new.norm(dim=1, keepdim=True) * to
    if give == "new":
        return new
    out = torch.zeros_like(W) if give == "others zero" else W.clone()
    out[chosen] = new if not add else out[chosen] + new
    return out
