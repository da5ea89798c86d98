"""Lab 03: right answers with switches. A known mistake turns one of them, two mistakes turn two."""

from functools import partial
from typing import Any

import torch
from torch import Tensor


def pca(**changes: Any) -> Any:
    """Return the mean, the axes and their variances, with the given changes."""
    return partial(_pca, **changes)


def _pca(x: Tensor, k: int, *, centre: str = "pixels", scale: bool = False, side: str = "rows of Vh",
         end: str = "largest", form: str = "rows", count: str = "k", power: int = 2, divide: str = "N - 1",
         length: bool = False, order: str = "mean, axes, variances") -> Any:
    n = len(x)
    mean = {"each image": lambda: x.mean(1), "one number": lambda: x.mean()}.get(centre, lambda: x.mean(0))()
    away = x if centre == "none" else x - (mean[:, None] if centre == "each image" else mean)
    if scale:
        away = away / x.std(0)
    U, S, Vh = torch.linalg.svd(away, full_matrices=False)
    if end == "smallest":
        U, S, Vh = U.flip(1), S.flip(0), Vh.flip(0)
    elif end == "second":
        U, S, Vh = U[:, 1:], S[1:], Vh[1:]
    k = k if count == "k" else len(S)
    axes = {"rows of Vh": lambda: Vh[:k], "columns of Vh": lambda: Vh[:, :k].T, "U": lambda: U[:, :k].T}[side]()
    by = {"N - 1": (n - 1) ** (power / 2), "N": n ** (power / 2), "nothing": 1, "not squared": n - 1,
          "total": S.square().sum()}[divide]
    variances = S[:k] ** power / by
    if length:
        axes = axes * variances.sqrt()[:, None]
    if end == "ascending":
        axes, variances = axes.flip(0), variances.flip(0)
    if form == "columns":
        axes = axes.T
    parts = {"mean": mean, "axes": axes, "variances": variances}
    return tuple(parts[name] for name in order.split(", "))


def encode(**changes: Any) -> Any:
    """Return the codes of images, with the given changes."""
    return partial(_encode, **changes)


def _encode(x: Tensor, mean: Tensor, axes: Tensor, *, centre: str = "minus", scale: str = "",
            form: str = "codes") -> Tensor:
    away = {"minus": lambda: x - mean, "none": lambda: x, "plus": lambda: x + mean, "batch": lambda: x - x.mean(0),
            "each image": lambda: x - x.mean(1, keepdim=True), "reversed": lambda: mean - x,
            "one number": lambda: x - mean.mean()}[centre]()
    z = away @ axes.T
    z = {"": lambda: z, "unit": lambda: z / z.norm(dim=1, keepdim=True),
         "lengths": lambda: z / away.norm(dim=1)[:, None], "images": lambda: z / len(x),
         "pixels": lambda: z / x.shape[1], "sizes": lambda: z.abs()}[scale]()
    return {"codes": lambda: z, "rows": lambda: z.T, "rebuilt": lambda: z @ axes + mean, "flat": lambda: z @ axes,
            "first": lambda: z[:, 0], "length": lambda: z.norm(dim=1)}[form]()


def decode(**changes: Any) -> Any:
    """Return the images of codes, with the given changes."""
    return partial(_decode, **changes)


def _decode(z: Tensor, mean: Tensor, axes: Tensor, *, centre: str = "plus", order: str = "", squash: str = "",
            form: str = "images") -> Tensor:
    if order == "axes backwards":
        axes = axes.flip(0)
    image = z @ axes
    image = {"plus": lambda: image + mean, "none": lambda: image, "minus": lambda: image - mean,
             "one number": lambda: image + mean.mean(), "times": lambda: image * mean,
             "in the code": lambda: (z + axes @ mean) @ axes}[centre]()
    image = {"": lambda: image, "clamp": lambda: image.clamp(0, 1), "sigmoid": lambda: image.sigmoid(),
             "relu": lambda: image.relu()}[squash]()
    return image if form == "images" else image.T


def angle(**changes: Any) -> Any:
    """Return the largest principal angle between two column spaces, with the given changes."""
    return partial(_angle, **changes)


def _columns(A: Tensor, basis: str) -> Tensor:
    if basis == "none":
        return A
    if basis == "unit columns":
        return A / A.norm(dim=0)
    if basis == "whole":  # the whole matrix divided by one number
        return A / A.norm()
    return torch.linalg.qr(A)[0]


def _angle(A: Tensor, B: Tensor, *, basis: str = "qr", only: str = "", of: str = "spaces", inverse: str = "arccos",
           pick: str = "largest", unit: str = "degrees", clamp: bool = True) -> Any:
    if of == "rows":
        A, B = A.T, B.T
    elif of == "first columns":
        A, B = A[:, :1], B[:, :1]
    elif of == "last columns":
        A, B = A[:, -1:], B[:, -1:]
    elif of == "flat":
        A, B = A.reshape(-1, 1), B.reshape(-1, 1)
    P = _columns(A, "none" if only == "B" else basis)
    Q = _columns(B, "none" if only == "A" else basis)
    if of == "matching columns":
        cosine = (_columns(A, "unit columns") * _columns(B, "unit columns")).sum(0)
    elif of == "entries":
        cosine = (P.T @ Q).flatten()
    elif of == "eigenvalues":
        cosine = torch.linalg.eigvals(P.T @ Q).abs()
    elif of == "same columns":
        cosine = (P * Q).sum(0)
    else:
        cosine = torch.linalg.svdvals(P.T @ Q)
    if clamp:
        cosine = cosine.clamp(-1, 1)
    angles = {"arccos": torch.arccos, "arcsin": torch.arcsin, "none": lambda c: c,
              "sine": lambda c: (1 - c**2).clamp(min=0).sqrt()}[inverse](cosine)
    if inverse == "none" and pick in ("largest", "smallest"):  # the smallest cosine is that of the largest angle
        return angles.min() if pick == "largest" else angles.max()
    angles = {"degrees": torch.rad2deg, "radians": lambda a: a}[unit](angles)
    return {"largest": angles.max, "smallest": angles.min, "mean": angles.mean, "sum": angles.sum,
            "length": angles.norm, "all": lambda: angles}[pick]()


def best_error(**changes: Any) -> Any:
    """Return the smallest error of a flat surface through the origin, with the given changes."""
    return partial(_best_error, **changes)


def _best_error(x: Tensor, k: int, *, centre: str = "none", power: int = 2, keep: str = "rest", divide: str = "N",
                more: int = 0, root: bool = False) -> Tensor:
    n, pixels = x.shape
    x = {"none": lambda: x, "pixels": lambda: x - x.mean(0), "each image": lambda: x - x.mean(1, keepdim=True),
         "one number": lambda: x - x.mean()}[centre]()
    S = torch.linalg.svdvals(x) ** power
    k = k + more
    part = {"rest": lambda: S[k:].sum(), "first": lambda: S[:k].sum(), "all": lambda: S.sum(),
            "next": lambda: S[k], "smallest": lambda: S.flip(0)[k:].sum()}[keep]()
    if divide == "total":
        part = part / S.sum()
    else:
        part = part / {"N": n, "N - 1": n - 1, "nothing": 1, "N and D": n * pixels, "D": pixels}[divide]
    return part.sqrt() if root else part


def two_nn(**changes: Any) -> Any:
    """Return the maximum-likelihood dimension from two neighbours, with the given changes."""
    return partial(_two_nn, **changes)


def _two_nn(points: Tensor, *, neighbours: tuple[int, int] = (1, 2), distance: str = "euclid", ratio: str = "quotient",
            log: str = "natural", average: str = "mean of log", give: str = "dimension", samples: str = "N") -> Tensor:
    apart = points[:, None] - points
    table = {"euclid": lambda: apart.norm(dim=-1), "squared": lambda: apart.square().sum(-1),
             "manhattan": lambda: apart.abs().sum(-1), "largest": lambda: apart.abs().amax(-1)}[distance]()
    near = table.sort(1).values
    first, second = near[:, neighbours[0]], near[:, neighbours[1]]
    mu = {"quotient": lambda: second / first, "inverse": lambda: first / second, "difference": lambda: second - first,
          "share": lambda: (second - first) / first}[ratio]()
    logs = {"natural": torch.log, "10": torch.log10, "2": torch.log2, "none": lambda m: m, "1p": torch.log1p}[log](mu)
    n = len(points) - (samples == "N - 1") if samples != "none" else 1
    value = {"mean of log": lambda: n / logs.sum(), "log of mean": lambda: 1 / mu.mean().log(),
             "median": lambda: 1 / logs.median(), "mean of inverse": lambda: (1 / logs).mean(),
             "log 2 over median": lambda: 0.6931472 / logs.median()}[average]()
    return 1 / value if give == "inverse" else value


def trustworthiness(**changes: Any) -> Any:
    """Return the trustworthiness of a map, with the given changes."""
    return partial(_trustworthiness, **changes)


def _order(points: Tensor, itself: str) -> Tensor:
    """Return for each point the others, nearest first; "first" leaves the point itself in front of them."""
    apart = (points[:, None] - points).norm(dim=-1)
    if itself == "last":
        apart.fill_diagonal_(float("inf"))
    return apart.argsort(1)


def _trustworthiness(x: Tensor, z: Tensor, k: int, *, swapped: bool = False, itself: str = "left out",
                     ranks: str = "of x", first: int = 1, minus: str = "k", more: int = 0, who: str = "intruders",
                     divide: str = "right", one: bool = True, square: bool = False) -> Tensor:
    if swapped:
        x, z = z, x
    n = len(x)
    in_x, in_z = _order(x, "first"), _order(z, "first")
    rank_x, rank_z = in_x.argsort(1), in_z.argsort(1)  # the inverse: 0 is the point itself
    near_x, near_z = (rank_x >= 1) & (rank_x <= k + more), (rank_z >= 1) & (rank_z <= k + more)
    if itself == "in the map":
        near_z = rank_z < k + more
    elif itself == "in both":
        near_x, near_z = rank_x < k + more, rank_z < k + more
    rank = {"of x": rank_x, "of z": rank_z, "argsort once": in_x}[ranks] + first - 1
    chosen = {"intruders": near_z & ~near_x, "all": near_z, "lost": near_x & ~near_z, "kept": near_z & near_x}[who]
    cost = (rank - (k if minus == "k" else 0)).double()
    if minus == "one each":
        cost = torch.ones_like(cost)
    total = ((cost**2 if square else cost) * chosen).sum()
    by = {"right": 2 / (n * k * (2 * n - 3 * k - 1)), "no 2": 1 / (n * k * (2 * n - 3 * k - 1)),
          "N k": 1 / (n * k), "2 over N k": 2 / (n * k), "no N": 2 / (k * (2 * n - 3 * k - 1)),
          "N twice": 2 / (n * n * k * (2 * n - 3 * k - 1)),
          "no k": 2 / (n * (2 * n - 3 * k - 1)), "plus 1": 2 / (n * k * (2 * n - 3 * k + 1)),
          "2 k": 2 / (n * k * (2 * n - 2 * k - 1)),
          "no 1": 2 / (n * k * (2 * n - 3 * k)), "nothing": 1.0}[divide]
    return (1 - by * total if one else by * total).float()
