"""Lab 05: fresh inputs on which no mistake can hide, and the oracles, which find the right values another way."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import Tensor
from torch.distributions import Bernoulli, kl_divergence

from aecourse.check import lab05_says as says
from aecourse.check import lab05_says_parts as parts
from aecourse.check import lab05_wrong as wrong
from aecourse.check import lab05_wrong_parts as wrong_parts
from aecourse.check.engine.exercise import Case, Mistake


def _rows(table: Tensor) -> str:
    return "[" + ", ".join("[" + ", ".join(f"{v:.3g}" for v in row) + "]" for row in table) + "]"


def _list(row: Tensor) -> str:
    return _rows(row[None])[1:-1]


def _tenths(low: int, high: int, *shape: int, generator: torch.Generator) -> Tensor:
    return torch.randint(low, high + 1, shape, generator=generator) / 10


def _between(low: int, high: int, generator: torch.Generator) -> int:
    return int(torch.randint(low, high + 1, (), generator=generator))


def _telling(family: Callable, mistakes: Iterable[Mistake], args: tuple, pairs: bool = True, by: float = 2e-3) -> bool:
    """Return whether every mistake differs on this input from the right answer, and with ``pairs`` from all others."""
    values = [family()(*args), *(family(**mistake.wrong)(*args) for mistake in mistakes)]
    pairs = [(a, b) for i, a in enumerate(values[:None if pairs else 1]) for b in values[i + 1:]]
    return not any(a.shape == b.shape and bool(((a - b).abs() <= by * (0.1 + a.abs())).all()) for a, b in pairs)


# ---- 1 --------------------------------------------------------------------------------------------------------------


def l1_penalty(generator: torch.Generator, size: int) -> Case:
    """Return codes of both signs; those of size 9 are sparse, as codes will be."""
    if size == 2:
        z = _tenths(1, 9, 2, 3, generator=generator) + _tenths(0, 9, 2, 3, generator=generator).round(decimals=1)
        z = z * torch.tensor([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]])[:, torch.randperm(3, generator=generator)]
        return Case((z,), f"the codes {_rows(z)}")
    units = {3: 5, 6: 4}.get(size, 12)
    z = torch.randn(size, units, generator=generator) * (1 + torch.rand(units, generator=generator))
    z = torch.where(z.abs() < 0.05, 0.05 * z.sign(), z)
    if size != 9:
        return Case((z,), f"{size} codes of {units} numbers")
    z = z * (torch.rand(size, units, generator=generator) < 0.4)
    z[0] = 0.0
    return Case((z,), f"{size} codes of {units} numbers, most of which are 0", says.ZEROS)


def l1_penalty_oracle(z: Tensor) -> Tensor:
    """Add the positive numbers, and take off the negative ones."""
    return (z.double().clamp(min=0) - z.double().clamp(max=0)).sum(1).float()


# ---- 2 --------------------------------------------------------------------------------------------------------------

# What a unit can be that is not dead, though it looks so in some way.
_HALF_DEAD = {"first": 1.3, "fourth": 0.6, "last": 0.8, "cancels": 0.7, "negative": -0.9, "tiny": 0.0004,
              "small": 0.004, "smallish": 0.04}


def dead_share(generator: torch.Generator, size: int) -> Case:
    """Return codes with dead units, silent images, and units that live a little; many units keep mistakes apart."""
    if size == 3:
        z = torch.zeros(3, 4)
        z[:2, 1], z[1:, 2], z[0, 3] = *_tenths(1, 9, 2, 2, generator=generator), -0.4
        z = z[:, torch.randperm(4, generator=generator)]
        return Case((z,), f"the codes {_rows(z)}")
    if size not in (8, 30):  # to count calls: as many units, whatever the number of images
        return Case((torch.rand(size, 20, generator=generator) * (torch.arange(20) % 3 > 0),))
    kinds = list(_HALF_DEAD)
    while True:
        units = [kind for kind in kinds for _ in range(_between(1, 30, generator))]
        units += ["dead"] * _between(9, 30, generator) + ["on"] * _between(9, 30, generator)
        units += ["always"] * _between(1, 30, generator) * (size != 8)
        units = [units[i] for i in torch.randperm(len(units), generator=generator)]
        z = torch.zeros(size, len(units))
        for k, kind in enumerate(units):
            if kind in ("first", "fourth", "last"):
                z[{"first": 0, "fourth": 3, "last": -1}[kind], k] = _HALF_DEAD[kind]
            elif kind == "cancels":
                z[0, k], z[-1, k] = _HALF_DEAD[kind], -_HALF_DEAD[kind]
            elif kind in _HALF_DEAD:
                z[-1, k] = _HALF_DEAD[kind]
            elif kind == "on":
                z[:, k] = torch.rand(size, generator=generator).clamp(min=0.2)
                z[1, k] = 0.0
            elif kind == "always":
                z[:, k] = 0.5
        if size == 8:  # here some images are silent, and so no unit can be on for all
            z[1:1 + _between(1, 2, generator)] = 0.0
        apart = [m for m in says.DEAD if size != 8 or m.name != "no spread"]
        if _telling(wrong.dead_share, apart, (z,)):
            return Case((z,), f"{size} codes of {len(units)} numbers")


def dead_share_oracle(z: Tensor) -> float:
    """Collect the units that occur among the entries that are not zero; the rest is dead."""
    living = set(np.nonzero(z.numpy())[1].tolist())
    return 1 - len(living) / z.shape[1]


# ---- 3 --------------------------------------------------------------------------------------------------------------


def kl_penalty(generator: torch.Generator, size: int) -> Case:
    """Return activations between 0 and 1; in those of size 9 one unit is always off and one always on."""
    rate = _between(1, 6, generator) / 20
    if size == 3:
        while True:
            z = _tenths(1, 9, 3, 2, generator=generator)
            if _telling(wrong.kl_penalty, [m for m in says.KL if "clamp" not in m.wrong], (z, rate), False):
                return Case((z, rate), f"the activations {_rows(z)} and the rate {rate:g}")
    units = {5: 3, 7: 5, 9: 6}.get(size, 10)
    while True:
        z = torch.rand(size, units, generator=generator) ** (0.5 + 4 * torch.rand(units, generator=generator))
        z = torch.where(torch.rand(size, units, generator=generator) < 0.2, z.round(), z)  # single ones are 0 or 1
        if bool(((z.mean(0) > 0.05) & (z.mean(0) < 0.95)).all()):
            break
    if size != 9:
        return Case((z, rate), f"{size} images, {units} units and the rate {rate:g}")
    off, on = torch.randperm(units, generator=generator)[:2].tolist()
    z[:, off], z[:, on] = 0.0, 1.0
    return Case((z, rate), f"{size} images, {units} units, unit {off} always 0 and unit {on} always 1, and the rate "
                           f"{rate:g}", says.EXTREME)


def kl_penalty_oracle(z: Tensor, rate: float) -> Tensor:
    mean = z.double().mean(0).clamp(1e-6, 1 - 1e-6)
    return kl_divergence(Bernoulli(torch.full_like(mean, rate)), Bernoulli(mean)).sum().float()


def plain(result: tuple) -> tuple:
    """Return one number without dimensions: the shape (1,) is as good."""
    return tuple(value.reshape(()) if value.numel() == 1 else value for value in result)


# ---- 4 --------------------------------------------------------------------------------------------------------------


def top_k(generator: torch.Generator, size: int) -> Case:
    """Return activations without ties, often negative, so that the k largest are not all above 0."""
    images, units, k = {3: (3, 4, 2), 5: (5, 7, 3), 8: (6, 12, 4)}.get(size, (size, 12, 3))
    while True:
        if size == 3:
            a = (torch.randperm(25, generator=generator)[:12].reshape(3, 4) - 14) / 10
        else:
            a = torch.randn(images, units, generator=generator) - 0.6
        if size > 8 or (float(a.flatten().sort().values.diff().min()) > 1e-3 and _telling(
                wrong.top_k, parts.TOP_K, (a, k), size > 3)):
            break
    return Case((a, k), f"a = {_rows(a)} and k = {k}" if size == 3 else f"{images} images, {units} units and k = {k}")


def top_k_oracle(a: Tensor, k: int) -> Tensor:
    """Keep a number if fewer than k of its image are larger."""
    larger = (a[:, None, :] > a[:, :, None]).sum(2)
    return torch.where(larger < k, a, 0.0)


# ---- 5 --------------------------------------------------------------------------------------------------------------


def mean_max_cosine(generator: torch.Generator, size: int) -> Case:
    """Return features, some of them found, one found in the opposite direction only; rows of very different lengths."""
    m, k, d = {2: (3, 2, 2), 6: (7, 5, 4), 9: (13, 9, 6)}.get(size, (size, 5, 6))
    while True:
        if size == 2:
            found, planted = (_tenths(-9, 9, rows, d, generator=generator) for rows in (m, k))
        else:
            planted, found = (torch.randn(rows, d, generator=generator) for rows in (k, m))
            found[:3] = planted[1:4] + 0.5 * found[:3]
            lost = planted[0] / planted[0].norm()
            found = found - (found @ lost + (found @ lost).abs())[:, None] * lost  # all of them point away from it
            found[-1] -= 2 * lost
            found = found[torch.randperm(m, generator=generator)] * (0.3 + 3 * torch.rand(m, 1, generator=generator))
            planted = planted[torch.randperm(k, generator=generator)] * (0.3 + torch.rand(k, 1, generator=generator))
        if size > 9 or (min(float(found.norm(dim=1).min()), float(planted.norm(dim=1).min())) > 0.1 and _telling(
                wrong_parts.mean_max_cosine, () if size == 2 else parts.COSINE, (found, planted))):
            break
    return Case((found, planted), f"found = {_rows(found)} and planted = {_rows(planted)}" if size == 2
                else f"{m} found and {k} planted features in {d} dimensions")


def mean_max_cosine_oracle(found: Tensor, planted: Tensor) -> float:
    return float((1 - cdist(planted.double().numpy(), found.double().numpy(), "cosine").min(1)).mean())


# ---- 6 --------------------------------------------------------------------------------------------------------------


def revive(generator: torch.Generator, size: int) -> Case:
    """Return weights of units of which some are dead; of size 9 none is."""
    units, images, d, gone = {3: (5, 6, 2, 2), 6: (7, 10, 5, 3), 12: (12, 20, 8, 5), 9: (6, 8, 4, 0)}.get(
        size, (8, size, 5, 3))
    while True:
        W, x = torch.randn(units, d, generator=generator), torch.rand(images, d, generator=generator) + 0.1
        errors = torch.randperm(90, generator=generator)[:images] / 10 + 0.1
        if size == 3:
            W, x = (_tenths(-9, 9, units, d, generator=generator), _tenths(1, 9, images, d, generator=generator))
        else:
            W = W * (0.3 + 2 * torch.rand(units, 1, generator=generator))
        dead = torch.zeros(units, dtype=torch.bool)
        dead[torch.randperm(units, generator=generator)[:gone]] = True
        if size > 12 or not gone or (float(W.norm(dim=1).min()) > 0.1 and _telling(
                wrong_parts.revive, parts.REVIVE, (W, dead, x, errors), size > 3)):
            break
    if not gone:
        return Case((W, dead, x, errors), f"{units} units, none of them dead", parts.NONE_DEAD)
    return Case((W, dead, x, errors), (
        f"W = {_rows(W)}, dead = {dead.tolist()}, x = {_rows(x)} and errors = {_list(errors)}" if size == 3
        else f"{units} units, {gone} of them dead, and {images} images"))


def revive_oracle(W: Tensor, dead: Tensor, x: Tensor, errors: Tensor) -> Tensor:
    """Go through the units one by one, each time with the worst image that is left."""
    rows, left = W.double().numpy().copy(), errors.double().numpy().copy()
    living = [np.sqrt(np.square(row).sum()) for row, gone in zip(rows, dead.tolist(), strict=True) if not gone]
    for k in np.flatnonzero(dead.numpy()):
        i = int(np.argmax(left))
        image = x[i].double().numpy()
        rows[k], left[i] = image / np.sqrt(np.square(image).sum()) * np.mean(living), -np.inf
    return torch.from_numpy(rows).float()
