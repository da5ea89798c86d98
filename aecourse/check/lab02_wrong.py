"""Lab 02: right answers with switches. A known mistake turns one of them, two mistakes turn two."""

import math
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _reduce(per_pixel: Tensor, how: str) -> Tensor:
    if how == "mean":
        return per_pixel.mean(-1)
    if how == "batch mean":
        return per_pixel.sum(-1).mean()
    return per_pixel.sum() if how == "everything" else per_pixel.mean() if how == "mean of all" else (
        per_pixel if how == "none" else per_pixel.sum(0) if how == "images" else per_pixel.sum(-1))


def gaussian(**changes: Any) -> Any:
    """Return −log N(x; x̂, σ²I) per image, with the given changes."""
    return partial(_gaussian, **changes)


def _gaussian(x_hat: Tensor, x: Tensor, sigma: float, *, half: float = 0.5, power: int = 2, square: bool = True,
              log_sigma: float = 1.0, constant: float = 0.5, pixels: bool = True, sign: int = 1,
              reduce: str = "sum") -> Tensor:
    error = (x - x_hat).square() if square else (x - x_hat).abs()
    rest = log_sigma * math.log(sigma) + constant * math.log(2 * math.pi)
    if pixels:  # the constant belongs to every pixel
        return sign * _reduce(half * error / sigma**power + rest, reduce)
    return sign * (_reduce(half * error / sigma**power, reduce) + rest)


def bernoulli(**changes: Any) -> Any:
    """Return the cross-entropy per image from logits, with the given changes."""
    return partial(_bernoulli, **changes)


def _bernoulli(logits: Tensor, x: Tensor, *, twice: bool = False, bare: bool = False, white: bool = True,
               black: bool = True, swapped: bool = False, second: str = "", bits: bool = False,
               eps: float | None = None, sign: int = 1,
               reduce: str = "sum") -> Tensor:
    if twice:
        logits = torch.sigmoid(logits)
    if swapped:
        logits, x = x, logits
    if bare:  # the logits are taken for probabilities
        log_p, log_q = torch.log(logits), torch.log(1 - logits)
    elif eps is None:
        log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    else:  # the unstable way, with or without a small number inside
        p = torch.sigmoid(logits)
        log_p, log_q = torch.log(p + eps), torch.log(1 - p + eps)
    if second:  # what stands in the place of log(1 − p)
        log_q = log_p if second == "log p" else 1 - log_p
    per_pixel = -sign * (white * x * log_p + black * (1 - x) * log_q)
    return _reduce(per_pixel / math.log(2) if bits else per_pixel, reduce)


def floor(**changes: Any) -> Any:
    """Return the smallest squared error of an output in [0, 1] on images in [−1, 1], with the given changes."""
    return partial(_floor, **changes)


def _floor(x: Tensor, *, low: float = 0.0, high: float = 1.0, part: str = "", power: int = 2,
           fixed: float | None = None, reduce: str = "sum", half: float = 1.0) -> Tensor:
    best = x.clamp(low, high) if fixed is None else torch.full_like(x, fixed)
    if part == "mapped":  # the best output taken for the image mapped to [0, 1]
        best = (x + 1) / 2
    elif part == "sigmoid":
        best = torch.sigmoid(x)
    gap = (best - x).abs()
    return half * _reduce((gap > 0).to(x.dtype) if power == 0 else gap**power, reduce)


class _Mirror(nn.Module):
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
    return type("Autoencoder", (_Mirror,), changes)


class Tied(_Mirror):
    """The decoder reuses the encoder's weights."""

    def __init__(self) -> None:
        super().__init__()
        self.bias_up = nn.ParameterList([nn.Parameter(torch.zeros(n)) for n in self.up[1:]])
        del self.decoder

    def decode(self, z: Tensor) -> Tensor:
        weights = [layer.weight for layer in self.encoder if isinstance(layer, nn.Linear)]
        for i, (weight, bias) in enumerate(zip(reversed(weights), self.bias_up, strict=True)):
            z = F.linear(z if i == 0 else torch.relu(z), weight.T, bias)
        return z


class NoSuper(_Mirror):
    """Layers are made before nn.Module is ready."""

    def __init__(self) -> None:
        self.encoder = nn.Linear(784, 32)


def epoch(**changes: Any) -> Any:
    """Return one epoch of the training loop, with the given changes."""
    return partial(_epoch, **changes)


def _epoch(model: nn.Module, images: Tensor, optimiser: Any, generator: torch.Generator, batch: int = 256, *,
           order: str = "generator", zero: str = "before", step: str = "each", squash: bool = True,
           reduce: str = "images", keep_last: bool = True, returns: str = "all", mode: str = "train",
           no_grad: bool = False, as_tensor: bool = False, whole: bool = False, early: bool = False, own: bool = False,
           backward: bool = True, cross: bool = False, in_place: bool = False) -> Any:
    model.train(mode == "train")
    if own:
        optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    n = len(images)
    if order == "generator":
        index = torch.randperm(n, generator=generator)
    elif order == "stored":
        index = torch.arange(n)
    elif order == "drawn":  # with replacement
        index = torch.randint(n, (n,), generator=generator)
    else:
        index = torch.randperm(n, generator=torch.Generator().manual_seed(0) if order == "fixed" else None)
    if in_place:
        images[:], index = images[index], torch.arange(n)
    batches = [index] if whole else [b for b in index.split(batch) if keep_last or len(b) == batch]
    batches = batches[:1] if early else batches
    total, means, error = torch.zeros(()), [], None
    for rows in batches:
        if zero == "before":
            optimiser.zero_grad()
        with torch.set_grad_enabled(not no_grad):
            output = model(images[rows])
            x = images[rows]
            error = (F.binary_cross_entropy_with_logits(output, x, reduction="none") if cross
                     else ((torch.sigmoid(output) if squash else output) - x).square()).sum(-1)
            loss = error.sum() if reduce == "sum" else error.mean() / (784 if reduce == "pixels" else 1)
        if backward:
            loss.backward()
        if zero == "after":
            optimiser.zero_grad()
        if step == "each":
            optimiser.step()
        total = total + error.detach().sum()
        means.append(error.detach().mean())
    if step == "end":
        optimiser.step()
    with torch.no_grad():
        after = (torch.sigmoid(model(images)) - images).square().sum(-1).mean()
    value = {"after": after, "all": total / n, "last": error.detach().mean(), "means": torch.stack(means).mean(),
             "sum": total, "pixels": total / n / 784, "batches": total / len(batches), "none": None}[returns]
    return value if as_tensor or value is None else value.item()


class Constant(nn.Module):
    """Gives the same picture for every image: all it has learned is the mean image."""

    def __init__(self) -> None:
        super().__init__()
        self.code, self.level = nn.Linear(784, 32), nn.Parameter(torch.full((784,), -2.0))

    def encode(self, x: Tensor) -> Tensor:
        return self.code(x)

    def decode(self, z: Tensor) -> Tensor:
        return self.level.expand(len(z), 784)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))
