"""The autoencoder with switches, which exercises 2 and 7 turn for their wrong answers."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from aecourse.check.engine.words import a


class Mirror(nn.Module):
    """784-128-64-32 and its mirror, with switches that a subclass turns."""

    code_end: type[nn.Module] | None = None
    image_end: type[nn.Module] | None = None
    between: type[nn.Module] | None = nn.ReLU
    down: tuple[int, ...] = (784, 128, 64, 32)
    up: tuple[int, ...] = (32, 64, 128, 784)
    bias = True
    gives = "image"
    kept_in_list = False
    missing_bend = False
    frozen = False

    def __init__(self) -> None:
        super().__init__()
        down, up = self._layers(self.down, self.code_end), self._layers(self.up, self.image_end)
        if self.missing_bend:
            del down[-2 if self.code_end is None else -3]
        self.encoder = down if self.kept_in_list else nn.Sequential(*down)
        self.decoder = up if self.kept_in_list else nn.Sequential(*up)

    def _layers(self, widths: tuple[int, ...], end: type[nn.Module] | None) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out, bias=self.bias), *([self.between()] if self.between else [])]
        if self.between:
            layers.pop()
        return layers + ([end()] if end else [])

    def _run(self, layers: Any, x: Tensor) -> Tensor:
        for layer in layers:
            x = layer(x)
        return x

    def encode(self, x: Tensor) -> Tensor:
        return self._run(self.encoder, x)

    def decode(self, z: Tensor) -> Tensor:
        return self._run(self.decoder, z)

    def forward(self, x: Tensor) -> Any:
        z = self.encode(x)
        if self.frozen:
            z = z.detach()
        return z if self.gives == "code" else (self.decode(z), z) if self.gives == "both" else (
            torch.sigmoid(self.decode(z)) if self.gives == "pixels" else self.decode(z))


def autoencoder(**changes: Any) -> type[nn.Module]:
    """Return the autoencoder's class, with the given changes."""
    return type("Autoencoder", (Mirror,), changes)


def form(value: Any) -> Any:
    """Return a tensor's shape, or in words what stands in its place."""
    return tuple(value.shape) if isinstance(value, Tensor) else a(value)
