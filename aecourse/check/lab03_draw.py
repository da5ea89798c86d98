"""Lab 03: fresh inputs on which no mistake can hide, and the oracles, which find the right values another way."""

from itertools import pairwise

import numpy as np
import torch
from scipy.linalg import subspace_angles
from scipy.spatial import cKDTree
from scipy.stats import pareto
from sklearn import manifold
from torch import Tensor

from aecourse.check import lab03_says as says
from aecourse.check import lab03_wrong as wrong
from aecourse.check.engine.exercise import Case


def _rows(table: Tensor) -> str:
    return "[" + ", ".join("[" + ", ".join(f"{v:.3g}" for v in row) + "]" for row in table) + "]"


def _tenths(low: int, high: int, *shape: int, generator: torch.Generator) -> Tensor:
    return torch.randint(low, high + 1, shape, generator=generator) / 10


def _apart(*values: float, by: float) -> bool:
    """Return whether all of these numbers differ by so much."""
    return all(b - a > by for a, b in pairwise(sorted(values)))


# ---- 1 --------------------------------------------------------------------------------------------------------------


def pca(generator: torch.Generator, size: int) -> Case:
    """Return images whose variances differ clearly, so that each axis is well determined."""
    pixels, k = {4: (2, 1), 6: (4, 2), 12: (30, 3)}.get(size, (20, 4))
    spread = 0.6 ** torch.arange(pixels) * torch.where(torch.arange(pixels) < k, 0.6, 0.02)
    while True:
        turn, _ = torch.linalg.qr(torch.randn(pixels, pixels, generator=generator))
        x = torch.rand(pixels, generator=generator) + torch.randn(size, pixels, generator=generator) * spread @ turn.T
        if size == 4:
            x = _tenths(0, 9, 4, 2, generator=generator)
        _, S, Vh = torch.linalg.svd(x.double() - x.double().mean(0), full_matrices=False)
        steps = S[1:k + 1] / S[:k]  # from each axis to the next, and to the first one left out
        clear = bool((steps < 0.85).all()) and (size > 6 or 0.02 < float(steps[-1]) < 0.2)
        if clear and float(S[k - 1]) > 0.05 and bool((_against(Vh[:k]).abs() > 0.05).all()):
            break
    text = (f"the images {_rows(x)} and k = {k}" if size == 4 else f"{size} images of {pixels} pixels and k = {k}")
    return Case((x, k), text)


def pca_oracle(x: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Through the covariance and its eigenvectors, in NumPy."""
    values, vectors = np.linalg.eigh(np.cov(x.double().numpy(), rowvar=False))
    order = np.argsort(-values)[:k]
    return tuple(torch.from_numpy(np.ascontiguousarray(part)).float() for part in (
        x.double().numpy().mean(0), vectors.T[order], values[order]))


def _against(axes: Tensor) -> Tensor:
    """Return each row's product with one fixed direction; its sign tells an axis from the opposite one."""
    return axes @ torch.sin(1 + torch.arange(axes.shape[1], dtype=axes.dtype))


def signs(parts: tuple) -> tuple:
    """Return the three with a fixed sign for each axis: both signs are right. Axes may wrongly stand in columns."""
    mean, axes, variances = parts
    if axes.dim() != 2 or not axes.is_floating_point():
        return parts
    upright = axes if axes.shape[0] <= axes.shape[1] else axes.T
    upright = upright * torch.where(_against(upright) < 0, -1, 1)[:, None]
    return mean, upright if axes.shape[0] <= axes.shape[1] else upright.T, variances


# ---- 2 and 3 --------------------------------------------------------------------------------------------------------

_TURNS = torch.tensor([[[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]], [[0.8, 0.0, 0.6], [0.0, 1.0, 0.0]],
                       [[0.6, 0.0, -0.8], [0.8, 0.0, 0.6]], [[0.0, 0.8, -0.6], [0.0, 0.6, 0.8]]])


def _surface(generator: torch.Generator, size: int) -> tuple[Tensor, Tensor]:
    """Return a mean (D,) and orthonormal axes (k, D)."""
    if size == 1:
        which = int(torch.randint(len(_TURNS), (), generator=generator))
        return _tenths(1, 9, 3, generator=generator), _TURNS[which].clone()
    pixels, k = (7, 3) if size == 4 else (12, 5)
    turn, _ = torch.linalg.qr(torch.randn(pixels, k, generator=generator))
    return torch.rand(pixels, generator=generator), turn.T.contiguous()


def encode(generator: torch.Generator, size: int) -> Case:
    mean, axes = _surface(generator, size)
    if size > 1:
        return Case((torch.rand(size, len(mean), generator=generator), mean, axes),
                    f"{size} images of {len(mean)} pixels and {len(axes)} axes")
    while True:
        x = _tenths(0, 9, 1, 3, generator=generator)
        if bool(((x - mean) @ axes.T).abs().gt(0.1).all()) and bool((mean @ axes.T).abs().gt(0.05).all()):
            return Case((x, mean, axes), f"the image {_rows(x)}, the mean {_rows(mean[None])[1:-1]} and the axes "
                                         f"{_rows(axes)}")
        mean = _tenths(1, 9, 3, generator=generator)


def encode_oracle(x: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    """Solve for the code whose reconstruction lies nearest: least squares."""
    away, A = (x.double() - mean.double()).numpy().T, axes.double().numpy().T
    return torch.from_numpy(np.linalg.lstsq(A, away, rcond=None)[0].T.copy()).float()


def decode(generator: torch.Generator, size: int) -> Case:
    mean, axes = _surface(generator, size)
    if size > 1:
        return Case((2 * torch.randn(size, len(axes), generator=generator), mean, axes),
                    f"{size} codes of {len(axes)} numbers, {len(mean)} pixels")
    z = (_tenths(3, 9, 1, 2, generator=generator) * torch.where(torch.rand(1, 2, generator=generator) < 0.5, -1, 1) * 2)
    return Case((z, mean, axes), f"the code {_rows(z)}, the mean {_rows(mean[None])[1:-1]} and the axes {_rows(axes)}")


def decode_oracle(z: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    """Walk from the mean along one axis after the other."""
    image = np.tile(mean.double().numpy(), (len(z), 1))
    for j, axis in enumerate(axes.double().numpy()):
        image += np.outer(z[:, j].double().numpy(), axis)
    return torch.from_numpy(image).float()


# ---- 4 --------------------------------------------------------------------------------------------------------------


def angle(generator: torch.Generator, size: int) -> Case:
    """Return two bases, none of them orthonormal; from size 4 to 6 of one and the same space."""
    rows, k = {1: (2, 1), 2: (3, 2), 3: (12, 3), 4: (30, 5), 5: (40, 6), 6: (60, 8)}.get(size, (size, 3))
    while True:
        A, B = (torch.randn(rows, k, generator=generator) for _ in range(2))
        if size <= 2:
            A, B = (_tenths(-9, 9, rows, k, generator=generator) for _ in range(2))
        else:
            A, B = (M * (0.5 + 2 * torch.rand(k, generator=generator)) + 0.4 * M[:, :1] for M in (A, B))
        if 4 <= size <= 6:  # another basis of the same space
            B = A @ (torch.randn(k, k, generator=generator) + 2 * torch.eye(k))
            if torch.linalg.cond(B) > 50 or not torch.isnan(wrong.angle(clamp=False)(A, B)):
                continue
            return Case((A, B), f"two bases, {rows} × {k}, of one and the same space", says.UNCLAMPED)
        if size > 6:
            return Case((A, B), f"two bases, {rows} × {k}")
        if size == 3:  # a space that leans away from the first; two at random would be at nearly 90°
            B = 0.7 * B + A @ torch.randn(k, k, generator=generator)
        if not all(torch.linalg.cond(M) < 8 for M in (A, B)):  # NaN, too, where a column is all zeros
            continue
        others = [wrong.angle(**change)(A, B) for change in ({}, {"inverse": "arcsin"}, {"pick": "mean"}, {
            "pick": "smallest"}, {"of": "first columns"}, {"of": "matching columns"}, {"basis": "unit columns"})]
        right, sine, *others = [float(o) for o in others]
        # one column each: all of the others are the angle itself; a wide one, in radians, is not near its own sine
        telling = k == 1 or all(abs(o - right) > 1 for o in others)
        if (54 if k == 1 else 8) < right < 82 and abs(sine - right) > 2 and telling:
            break
    text = f"A = {_rows(A)} and B = {_rows(B)}" if size <= 2 else f"A and B of the shape ({rows}, {k})"
    return Case((A, B), text)


def angle_oracle(A: Tensor, B: Tensor) -> float:
    return float(np.rad2deg(subspace_angles(A.double().numpy(), B.double().numpy())).max())


# ---- 5 --------------------------------------------------------------------------------------------------------------


def best_error(generator: torch.Generator, size: int) -> Case:
    pixels, k = {3: (2, 1), 6: (5, 2)}.get(size, (12, 4))
    while True:
        x = torch.rand(size, pixels, generator=generator)
        if size == 3:
            x = _tenths(0, 9, 3, 2, generator=generator)
        right, centred = (float(wrong.best_error(centre=c)(x, k)) for c in ("none", "pixels"))
        if right > 1.02 * centred > 0.01:
            break
    return Case((x, k), f"the images {_rows(x)} and k = {k}" if size == 3
                else f"{size} images of {pixels} pixels and k = {k}")


def best_error_oracle(x: Tensor, k: int) -> float:
    """Project on the k best directions, the eigenvectors of xᵀx, and measure what is left of each image."""
    images = x.double().numpy()
    best = np.linalg.eigh(images.T @ images)[1][:, -k:]
    return float(np.square(images - images @ best @ best.T).sum(1).mean())


# ---- 6 --------------------------------------------------------------------------------------------------------------


def two_nn(generator: torch.Generator, size: int) -> Case:
    """Return points no two of which are very near, so that rounding plays no part."""
    d = {5: 2, 12: 3}.get(size, 6)
    while True:
        points = torch.rand(size, d, generator=generator)
        if size == 5:
            points = _tenths(0, 9, 5, 2, generator=generator)
        near = (points[:, None] - points).norm(dim=-1).sort(1).values
        if size > 25 or (near[:, 1].min() > 0.02 and 0.3 < float(wrong.two_nn()(points)) < 30):
            break
    return Case((points,), f"the points {_rows(points)}" if size == 5 else f"{size} points in {d} dimensions")


def two_nn_oracle(points: Tensor) -> float:
    """The most likely exponent of a Pareto distribution: that is what the ratios follow."""
    near, _ = cKDTree(points.double().numpy()).query(points.double().numpy(), k=3)
    return float(pareto.fit(near[:, 2] / near[:, 1], floc=0, fscale=1)[0])


# ---- 7 --------------------------------------------------------------------------------------------------------------


def trustworthiness(generator: torch.Generator, size: int) -> Case:
    """Return a map that is right in part; no two distances from a point are as good as equal."""
    k = {5: 2, 9: 3, 20: 4}.get(size, 5)
    while True:
        if size == 5:
            x, z = (torch.randperm(12, generator=generator)[:5, None].float() for _ in range(2))
        else:
            x = torch.randn(size, 4, generator=generator)
            z = x[:, :2] + torch.randn(size, 2, generator=generator) * 0.8
        if size > 25 or (_clear(x) and _clear(z) and _telling(x, z, k)):
            break
    text = (f"x = {_rows(x)}, z = {_rows(z)} and k = {k}" if size == 5 else
            f"{size} points in 4 dimensions, a map of 2, and k = {k}")
    return Case((x, z, k), text)


def _clear(points: Tensor) -> bool:
    away = (points[:, None] - points).norm(dim=-1).sort(1).values
    return float(away.diff(dim=1).min()) > 2e-5


def _telling(x: Tensor, z: Tensor, k: int) -> bool:
    """Return whether the mistakes that differ in a few neighbours only can be told apart."""
    changes = ({}, {"swapped": True}, {"itself": "in the map"}, {"itself": "in both"}, {"more": 1}, {"ranks": "of z"},
               {"ranks": "argsort once"}, {"who": "all"}, {"who": "lost"}, {"minus": "nothing"}, {"first": 0})
    values = [float(wrong.trustworthiness(**change)(x, z, k)) for change in changes]
    if len(x) == 5:  # five points cannot tell all of them apart; the right one stays alone
        return values[0] < 0.95 and sum(abs(v - values[0]) > 1e-3 for v in values[1:]) >= 8
    return values[0] < 0.99 and _apart(*values, by=1e-3)


def trustworthiness_oracle(x: Tensor, z: Tensor, k: int) -> float:
    return float(manifold.trustworthiness(x.double().numpy(), z.double().numpy(), n_neighbors=k))
