"""The number of pixels of an image, and the random grey images on which the losses of this lab are tried."""

import torch
from torch import Tensor

PIXELS = 784


def images(generator: torch.Generator, n: int, flat: bool = False) -> Tensor:
    """Return random grey images in [0, 1]; flat ones have one grey level each, so that they can be said in words."""
    if flat:
        return (torch.rand(n, 1, generator=generator) * 0.8 + 0.1).round(decimals=1).expand(n, PIXELS).clone()
    return torch.rand(n, PIXELS, generator=generator)
