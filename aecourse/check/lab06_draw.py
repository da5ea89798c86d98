"""Lab 06: fresh inputs on which no mistake can hide, and the oracles, which find the right values another way."""

import math
from itertools import pairwise

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from aecourse.check import lab06_says as says
from aecourse.check import lab06_says_last as last
from aecourse.check import lab06_wrong as wrong
from aecourse.check.engine.exercise import Case
from aecourse.check.lab05_draw import _between, _list, _rows, _telling, _tenths

_APART = {"log": ("naive", "eps", "clamped", "clamp p"), "stable": ("naive", "eps", "one peak"), "fit": ("naive",)}
WORDS = ("per image", "mean", "sum")


def _usual(mistakes: tuple) -> list:
    """Return the mistakes that show on every input; the others show on extreme ones only."""
    return [m for m in mistakes if not any(m.wrong.get(key) in values for key, values in _APART.items())]


def _signed(low: float, high: float, *shape: int, generator: torch.Generator) -> Tensor:
    """Return numbers of both signs whose sizes lie between the two, none of them near 0."""
    size = low + (high - low) * torch.rand(shape, generator=generator)
    return size * (2 * torch.randint(0, 2, shape, generator=generator) - 1)


def _some(size: int, width: int, generator: torch.Generator) -> Tensor:
    """Return a table of tenths, or of any numbers, of both signs and none of them 0."""
    if size > 2:
        return _signed(0.2, 1.8, size, width, generator=generator)
    sign = 2 * torch.randint(0, 2, (size, width), generator=generator) - 1
    return _tenths(2, 15, size, width, generator=generator) * sign


def _binary(images: int, pixels: int, generator: torch.Generator) -> Tensor:
    """Return binary images, each of them with pixels of both colours."""
    x = (torch.rand(images, pixels, generator=generator) < 0.4).float()
    x[:, 0], x[:, -1] = 1.0, 0.0
    return x[:, torch.randperm(pixels, generator=generator)]


# ---- 1 --------------------------------------------------------------------------------------------------------------


def kl_term(generator: torch.Generator, size: int) -> Case:
    """Return means and logarithms of variances of both signs."""
    units = {2: 3, 3: 5, 6: 4}.get(size, 12)
    while True:
        mu, logvar = (_some(size, units, generator) for _ in range(2))
        if size > 9 or _telling(wrong.kl_term, says.KL, (mu, logvar), size > 2):
            break
    return Case((mu, logvar), f"mu = {_rows(mu)} and logvar = {_rows(logvar)}" if size == 2
                else f"{size} images and {units} units")


def kl_term_oracle(mu: Tensor, logvar: Tensor) -> Tensor:
    q = Normal(mu.double(), (logvar.double() / 2).exp())
    return kl_divergence(q, Normal(torch.zeros_like(q.loc), 1.0)).sum(1).float()


# ---- 3 --------------------------------------------------------------------------------------------------------------


def log_likelihood(generator: torch.Generator, size: int) -> Case:
    """Return binary images and logits of a usual size; those of size 7 are a very sure decoder's, sometimes wrong."""
    pixels = {2: 3, 3: 6, 5: 9}.get(size, 12)
    while True:
        x, logits = _binary(size, pixels, generator), _some(size, pixels, generator)
        logits = logits if size == 2 else 2 * logits
        if size > 7 or _telling(wrong.log_likelihood, _usual(says.LIKELIHOOD), (logits, x), size > 2):
            break
    if size == 7:
        logits = torch.tensor([200.0, 30.0, 1.0])[torch.randint(0, 3, x.shape, generator=generator)]
        logits = logits * torch.where(torch.rand(x.shape, generator=generator) < 0.8, 2 * x - 1, 1 - 2 * x)
        logits[:, 0] = 200 * (1 - 2 * x[:, 0])  # sure and wrong
        logits[:, 1] = 200 * (2 * x[:, 1] - 1)
        return Case((logits, x), f"{size} images of {pixels} pixels, with logits up to ±200", says.SURE)
    return Case((logits, x), f"logits = {_rows(logits)} and x = {_rows(x)}" if size == 2
                else f"{size} images of {pixels} pixels")


def log_likelihood_oracle(logits: Tensor, x: Tensor) -> Tensor:
    a = logits.double()
    return (x.double() * a - torch.logaddexp(torch.zeros_like(a), a)).sum(1).float()


# ---- 4 --------------------------------------------------------------------------------------------------------------


def elbo(generator: torch.Generator, size: int) -> Case:
    """Return binary images with logits, and the codes' means and logarithms of variances; of size 6 a sure decoder."""
    pixels, units = {2: (3, 2), 3: (7, 4), 5: (11, 3)}.get(size, (13, 4))
    while True:
        x, logits = _binary(size, pixels, generator), _some(size, pixels, generator)
        mu, logvar = (_some(size, units, generator) for _ in range(2))
        if size > 6 or _telling(wrong.elbo, _usual(says.ELBO), (logits, x, mu, logvar), size > 2):
            break
    if size == 6:
        logits = 100 * logits
        return Case((logits, x, mu, logvar), "6 images, with logits up to ±180", says.SURE)
    return Case((logits, x, mu, logvar), f"{size} images of {pixels} pixels, codes of {units} units" if size > 2 else
                f"logits = {_rows(logits)}, x = {_rows(x)}, mu = {_rows(mu)} and logvar = {_rows(logvar)}")


def elbo_oracle(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return log_likelihood_oracle(logits, x) - kl_term_oracle(mu, logvar)


# ---- 5 --------------------------------------------------------------------------------------------------------------


def importance_bound(generator: torch.Generator, size: int) -> Case:
    """Return log weights (k, B) of a usual size; of sizes 8 and 9 those of real images, far below 0 or far above."""
    k, images = {1: (3, 1), 4: (5, 3), 6: (7, 4), 8: (6, 4), 9: (6, 4)}.get(size, (6, size))
    while True:
        log_w = _signed(0.2, 1.8, k, images, generator=generator)
        if size < 6:
            log_w = _tenths(-19, 19, k, images, generator=generator)
        if float(log_w.std()) > 0.5 and (size == 1 or size > 6 or _telling(
                wrong.importance_bound, _usual(last.BOUND), (log_w,), size > 4)):
            break
    if size in (8, 9):
        far = torch.tensor([-1000.0, -850.0, -95.0, -240.0] if size == 8 else [1000.0, 850.0, 95.0, 240.0])
        log_w = 3 * log_w + far[torch.randperm(images, generator=generator)]
        return Case((log_w,), f"{k} log weights of each of {images} images, near " + _list(log_w.mean(0).round()),
                    last.FAR)
    return Case((log_w,), f"log_w = {_rows(log_w)}" if size < 6 else f"{k} log weights of each of {images} images")


def importance_bound_oracle(log_w: Tensor) -> Tensor:
    """Add the weights up one by one, on the scale of logarithms."""
    a = log_w.double()
    total = a[0]
    for row in a[1:]:
        total = torch.logaddexp(total, row)
    return (total + math.log(1 / len(a))).float()


# ---- 7 --------------------------------------------------------------------------------------------------------------


def beta(generator: torch.Generator, size: int) -> Case:
    """Return three sizes, none of them a multiple of another, and one of the nine pairs of reductions."""
    while True:
        pixels, units, batch = (_between(30, 900, generator), _between(3, 60, generator), _between(8, 256, generator))
        numbers = sorted((pixels, units, batch))
        if all(b % a and b / a > 1.2 for a, b in pairwise(numbers)) and (
                pixels % units > units / 2):
            break
    reconstruction, kl = (WORDS[i] for i in divmod((size + 3) % 9, 3))
    return Case((pixels, units, batch, reconstruction, kl),
                f"{pixels} pixels, {units} units, a batch of {batch}, reconstruction \"{reconstruction}\" and KL "
                f"\"{kl}\"")


def beta_oracle(pixels: int, units: int, batch: int, reconstruction: str, kl: str) -> float:
    """Reduce two tables, and ask by how much each loss moves with one entry of its table."""
    slopes = []
    for word, numbers in ((reconstruction, pixels), (kl, units)):
        table = torch.zeros(batch, numbers, dtype=torch.float64, requires_grad=True)
        with torch.enable_grad():
            value = {"sum": table.sum, "mean": table.mean, "per image": lambda t=table: t.sum(1).mean()}[word]()
        slopes.append(float(torch.autograd.grad(value, table)[0][0, 0]))
    return slopes[1] / slopes[0]
