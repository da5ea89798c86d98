"""The variational autoencoder's loss and measures, built by hand in lesson 06 and shared by its units."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional as F

from aecourse import data, losses
from aecourse.models import VAE, begin_at_mean, sample_code
from aecourse.train import Loss, Step, seeded


def new(widths: Sequence[int], x: Tensor, seed: int = 0) -> VAE:
    """Return an untrained VAE of these widths whose decoder begins at the mean of the images x (N, D)."""
    with seeded(seed):
        return begin_at_mean(VAE(widths), x)


def negative_elbo(beta: float = 1.0, warm_up: float = 0.1) -> Loss:
    """Return a loss for `fit`: the negative ELBO in nats, its KL term times ``beta``.

    In training the grey images are made binary anew for each batch, and the weight of the KL term rises from 0 to
    ``beta`` in the share ``warm_up`` of all steps (Bowman and others 2016). In measuring neither is done: the images
    have to be binary already, and the weight is ``beta``.
    """

    def loss(model: VAE, x: Tensor, step: Step) -> dict[str, Tensor]:
        x = data.binarised(x, step.generator) if step.training else x
        mu, logvar = model.encode(x)
        z = sample_code(mu, logvar, step.generator)
        weight = beta * min(1.0, step.progress / warm_up) if step.training and warm_up else beta
        return {"reconstruction": losses.bernoulli_nll(model.decode(z), x),
                "KL": weight * losses.gaussian_kl(mu, logvar)}

    return loss


@torch.no_grad()
def log_weights(model: VAE, x: Tensor, k: int, seed: int = 0) -> Tensor:
    """Return log w, shape (k, B), of k codes from the encoder for each binary image x (B, D).

    log w = log p(x|z) + log p(z) − log q(z|x); `losses.importance_bound` makes a bound of them.
    """
    generator, (mu, logvar) = torch.Generator().manual_seed(seed), model.encode(x)
    q, prior = Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)
    rows = []
    for _ in range(k):
        z = sample_code(mu, logvar, generator)  # (B, K)
        log_ratio = (prior.log_prob(z) - q.log_prob(z)).sum(1)
        rows.append(log_ratio - losses.bernoulli_nll(model.decode(z), x))
    return torch.stack(rows)


@torch.no_grad()
def prior_grid(model: VAE, n: int) -> Tensor:
    """Return the decoded means (n · n, D) of a grid of two-dimensional codes, row by row.

    The grid has n quantiles of the prior in each direction, so each cell has an equal share of the prior. The first
    number of the code grows to the right, the second upwards.
    """
    quantile = Normal(0.0, 1.0).icdf((torch.arange(n) + 0.5) / n)
    return torch.sigmoid(model.decode(torch.cartesian_prod(-quantile, quantile).flip(1)))


@torch.no_grad()
def active_units(model: VAE, images: Tensor) -> int:
    """Return how many units' means vary over the images (B, D) with a variance above 0.01 (Burda and others 2016)."""
    return int((model.encode(images)[0].var(0) > 0.01).sum())


class SeeingVAE(VAE):
    """A VAE whose decoder also sees the pixels before the one that it gives: above it, and left of it in its row.

    p(x|z) is the product of p(x_i | x_<i, z), as in PixelCNN (van den Oord and others 2016). ``widths[0]`` is the
    number of pixels D of square images. ``deep`` is the number of masked convolutions after the first; each sees two
    pixels further. The code adds its own logits to theirs. With ``everywhere`` it adds instead one bias to each channel
    of the convolutions, the same at every place (equation 5 there), and the logits get a bias for each pixel.
    """

    def __init__(self, widths: Sequence[int], channels: int = 16, size: int = 7, deep: int = 1, *,
                 everywhere: bool = False) -> None:
        super().__init__(widths)
        self.side = math.isqrt(widths[0])
        self.first = _Masked(1, channels, size, itself=False)
        self.more = nn.ModuleList(_Masked(channels, channels, 5, itself=True) for _ in range(deep))
        self.last = nn.Conv2d(channels, 1, 1)
        self.biases = nn.Linear(widths[-1], channels * (deep + 1)) if everywhere else None

    def logits(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the logits (B, D) for codes z (B, K); those of pixel i depend on the pixels x (B, D) before it."""
        n = 1 + len(self.more)
        added: Sequence[Tensor | float] = [0.0] * n
        if self.biases is not None:
            added, z = self.biases(z)[:, :, None, None].chunk(n, 1), torch.zeros_like(z)
        seen = F.silu(self.first(x.view(-1, 1, self.side, self.side)) + added[0])
        for layer, bias in zip(self.more, added[1:], strict=True):
            seen = seen + F.silu(layer(seen) + bias)
        return self.decode(z) + self.last(seen).flatten(1)

    @torch.no_grad()
    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Return binary images (B, D) for codes z (B, K), sampled pixel by pixel."""
        x = torch.zeros(len(z), self.side**2)
        chance = torch.rand(x.shape, generator=generator)
        for i in range(self.side**2):
            x[:, i] = (chance[:, i] < self.logits(z, x)[:, i].sigmoid()).float()
        return x


class _Masked(nn.Conv2d):
    """A convolution that sees the pixels before its own in reading order, and its own where ``itself`` is true."""

    mask: Tensor

    def __init__(self, n_in: int, n_out: int, size: int, *, itself: bool) -> None:
        super().__init__(n_in, n_out, size, padding=size // 2)
        mask = torch.ones(size, size)
        mask[size // 2, size // 2 + itself:], mask[size // 2 + 1:] = 0, 0
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.kernel_size[0] // 2)


def negative_elbo_seeing(warm_up: float = 0.0, free: float = 0.0, hide: float = 0.0) -> Loss:
    """Return the negative ELBO of a `SeeingVAE` as a loss for `fit`, with three ways to keep its code in use.

    All three act in training only. The weight of the KL term rises in the share ``warm_up`` of the steps. The KL term
    of an image costs nothing below ``free`` nats (after Kingma and others 2016, in its simplest form). The share
    ``hide`` of the pixels that the decoder sees is black (Bowman and others 2016 hide words).
    """

    def loss(model: SeeingVAE, x: Tensor, step: Step) -> dict[str, Tensor]:
        x = data.binarised(x, step.generator) if step.training else x
        mu, logvar = model.encode(x)
        z, kl, seen = sample_code(mu, logvar, step.generator), losses.gaussian_kl(mu, logvar), x
        if step.training:
            kl = kl.clamp(min=free) * (min(1.0, step.progress / warm_up) if warm_up else 1.0)
            seen = x * (torch.rand(x.shape, generator=step.generator, device=x.device) >= hide)
        return {"reconstruction": losses.bernoulli_nll(model.logits(z, seen), x), "KL": kl}

    return loss
