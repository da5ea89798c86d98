"""Corruptions of images, and the loss of a denoising autoencoder; built in lesson 04.

Noise comes from a generator that is given, new at every call, and is never clipped.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from aecourse.losses import squared_error
from aecourse.train import Step

Corruption = Callable[[Tensor, torch.Generator], Tensor]


def gaussian(x: Tensor, sigma: float | Tensor, generator: torch.Generator) -> Tensor:
    """Return x with Gaussian noise added, shaped like it; sigma is a number, or one for each image, shape (B, 1)."""
    return x + sigma * torch.randn(x.shape, generator=generator, device=x.device)


def masking(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return x with a share of its values, chosen at random, set to 0 (Vincent and others 2008)."""
    return x * (torch.rand(x.shape, generator=generator, device=x.device) >= share)


def salt_and_pepper(x: Tensor, share: float | Tensor, generator: torch.Generator) -> Tensor:
    """Return x with a share of its values set to 0 or 1, with equal probability; a number, or one per image (B, 1)."""
    u = torch.rand(x.shape, generator=generator, device=x.device)
    return torch.where(u < share / 2, 0.0, torch.where(u > 1 - share / 2, 1.0, x))


def any_kind(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return images (B, D), half with Gaussian noise of any σ up to 1, half with salt and pepper of any share to ½."""
    half = len(x) // 2
    amount = torch.rand(len(x), 1, generator=generator, device=x.device)
    return torch.cat([gaussian(x[:half], amount[:half], generator),
                      salt_and_pepper(x[half:], amount[half:] / 2, generator)])


def denoising(corrupt: Corruption) -> Callable[..., dict[str, Tensor]]:
    """Return a loss for `fit`: the squared error between model(corrupted images) and the clean images, shape (B,).

    ``corrupt(x, generator)`` returns images shaped like x; the noise is new in every batch.
    """
    def loss(model: nn.Module, x: Tensor, step: Step) -> dict[str, Tensor]:
        return {"squared error": squared_error(model(corrupt(x, step.generator)), x)}
    return loss
