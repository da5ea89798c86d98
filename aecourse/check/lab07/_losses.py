"""What exercises 5 and 6 share: fresh bounds and a classifier."""

import torch
from torch import Tensor


def bounds(size: int, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return L of each class, in nats, a few apart, and the logits of a classifier that is half confident."""
    by_class = 12 + 3 * torch.rand(size, 1, generator=generator) + 2.5 * torch.rand(size, classes, generator=generator)
    return by_class, torch.randn(size, classes, generator=generator) * 1.2
