"""The autoencoder with tied weights and with switches, which exercises 2 and 7 turn for their wrong answers."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse.check.engine.words import a

WIDTHS = (784, 128, 64, 32)


class Tied(nn.Module):
    """784-128-64-32 and back with the transposed weights, with switches that a subclass turns."""

    code_end: Callable | None = None
    image_end: Callable | None = None
    between: Callable | None = staticmethod(torch.relu)
    unbent: tuple[int, ...] = ()  # without a nonlinearity after these layers, counted from 0 through both halves
    down: tuple[int, ...] = WIDTHS
    bias = True  # in the encoder
    up_bias: str = "own"  # of the decoder: "own", "none", "plain", "list", "borrowed"
    weights: str = "tied"  # of the decoder: "tied", "own", "shared", "copied", "cut"
    gives = "image"
    kept_in_list = False
    frozen = False

    def __init__(self) -> None:
        super().__init__()
        layers = [nn.Linear(n_in, n_out, bias=self.bias) for n_in, n_out in pairwise(self.down)]
        self.layers: Any = layers if self.kept_in_list else nn.ModuleList(layers)
        widths = self.down[-2::-1]  # what the decoder's layers give
        if self.weights in ("own", "shared", "copied"):
            turned = [layer.weight.detach().T for layer in reversed(layers)]
            self.turned: Any = ([w.clone() for w in turned] if self.weights == "copied" else nn.ParameterList(
                [nn.Parameter(w if self.weights == "shared" else w.clone()) for w in turned]))
        if self.up_bias != "none":
            biases = [torch.zeros(n) for n in (widths[-1:] if self.up_bias == "borrowed" else widths)]
            self.biases: Any = biases if self.up_bias == "plain" else [nn.Parameter(b) for b in biases]
            if self.up_bias in ("own", "borrowed") and not self.kept_in_list:
                self.biases = nn.ParameterList(self.biases)

    def _bend(self, h: Tensor, layer: int) -> Tensor:
        return h if self.between is None or layer in self.unbent else self.between(h)

    def encode(self, x: Tensor) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(x if i == 0 else self._bend(x, i - 1))
        return self.code_end(x) if self.code_end else x

    def decode(self, z: Tensor) -> Tensor:
        n = len(self.layers)
        for i, layer in enumerate(reversed(list(self.layers))):
            weight = layer.weight.T if self.weights in ("tied", "cut") else self.turned[i]
            weight = weight.detach() if self.weights == "cut" else weight
            z = F.linear(z if i == 0 else self._bend(z, n + i - 1), weight, self._bias(i))
        return self.image_end(z) if self.image_end else z

    def _bias(self, i: int) -> Tensor | None:
        if self.up_bias == "none":
            return None
        if self.up_bias == "borrowed":
            return self.biases[0] if i == len(self.layers) - 1 else self.layers[len(self.layers) - 2 - i].bias
        return self.biases[i]

    def forward(self, x: Tensor) -> Any:
        z = self.encode(x)
        if self.frozen:
            z = z.detach()
        return z if self.gives == "code" else (self.decode(z), z) if self.gives == "both" else (
            torch.sigmoid(self.decode(z)) if self.gives == "pixels" else self.decode(z))


def autoencoder(**changes: Any) -> type[nn.Module]:
    """Return the class of the autoencoder with tied weights, with the given changes."""
    return type("TiedAutoencoder", (Tied,), {
        name: staticmethod(value) if name in ("between", "code_end", "image_end") and value is not None else value
        for name, value in changes.items()})


def form(value: Any) -> Any:
    """Return a tensor's shape, or in words what stands in its place."""
    return tuple(value.shape) if isinstance(value, Tensor) else a(value)
