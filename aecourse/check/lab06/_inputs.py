"""Fresh inputs of more than one exercise."""

import torch
from torch import Tensor

from aecourse.check.engine.drawing import signed, tenths


def some(size: int, width: int, generator: torch.Generator) -> Tensor:
    """Return a table of tenths, or of any numbers, of both signs and none of them 0."""
    if size > 2:
        return signed(0.2, 1.8, size, width, generator=generator)
    sign = 2 * torch.randint(0, 2, (size, width), generator=generator) - 1
    return tenths(2, 15, size, width, generator=generator) * sign


def partly_free(units: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return means and logarithms of variances of four images: the code of the first is free, those of others dear."""
    mu, logvar = (1.5 * (2.0 * torch.randint(0, 2, (4, units), generator=generator) - 1) for _ in range(2))
    mu[0], logvar[0] = 0.0, 0.0
    return mu, logvar


def binary(images: int, pixels: int, generator: torch.Generator) -> Tensor:
    """Return binary images, each of them with pixels of both colours."""
    x = (torch.rand(images, pixels, generator=generator) < 0.4).float()
    x[:, 0], x[:, -1] = 1.0, 0.0
    return x[:, torch.randperm(pixels, generator=generator)]
