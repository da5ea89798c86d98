"""Networks that lessons reuse after having built them by hand."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import torch
from sklearn import decomposition
from torch import Tensor, nn
from torch.nn import functional as F

Model = TypeVar("Model", bound=nn.Module)


def mlp(widths: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Return linear layers of the given widths with an activation between them, none after the last.

    ``mlp([784, 128, 10])`` maps (B, 784) to (B, 10).
    """
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), activation()]
    return nn.Sequential(*layers[:-1])


class PCA:
    """Principal component analysis of images: of all linear codes the best for squared error. Built in lesson 03.

    ``PCA(x)`` is fitted to x (N, D); a code is the product of a centred image with the first principal axes.
    """

    def __init__(self, x: Tensor, most: int = 64) -> None:
        fitted = decomposition.PCA(most, svd_solver="covariance_eigh").fit(x.numpy())
        self.mean = torch.from_numpy(fitted.mean_)  # (D,)
        self.axes = torch.from_numpy(fitted.components_)  # (most, D), the axis of the largest variance first

    def encode(self, x: Tensor, k: int) -> Tensor:
        """Return the code (B, k) of images (B, D)."""
        return (x - self.mean) @ self.axes[:k].T

    def decode(self, z: Tensor) -> Tensor:
        """Return images (B, D) from a code (B, k)."""
        return z @ self.axes[: z.shape[1]] + self.mean

    def error(self, x: Tensor, k: int) -> float:
        """Return the mean over images of the squared error of a code of k numbers."""
        return (self.decode(self.encode(x, k)) - x).square().sum(1).mean().item()


class Autoencoder(nn.Module):
    """An encoder and its mirror, built in lesson 02.

    ``Autoencoder([784, 128, 64, 32])`` encodes (B, 784) to a code (B, 32) and decodes it to (B, 784). Code and
    output are linear: the output is the image itself under squared error, and logits under the Bernoulli loss.
    """

    def __init__(self, widths: Sequence[int], activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.encoder = mlp(widths, activation)
        self.decoder = mlp(widths[::-1], activation)

    def encode(self, x: Tensor) -> Tensor:
        """Return the latent code (B, widths[-1])."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Return the decoder's output (B, widths[0])."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction (B, widths[0])."""
        return self.decode(self.encode(x))


def he(model: Autoencoder, x: Tensor) -> Autoencoder:
    """Give the model the initialisation of He and others (2015), and let it begin at the mean image; return it.

    The output's bias becomes the logit of the mean of the images x (N, D), for an output that passes through a sigmoid.
    Unit 03b shows why.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return begin_at_mean(model, x)


def he_uniform(model: Model, kept: nn.Module | None = None) -> Model:
    """Give the model the initialisation of He and others (2015), uniform, with biases 0; return it.

    What has the values of a parameter of ``kept``, a pre-trained part of the model or the part that a copy was made
    of, stays as it is.
    """
    old = [p.detach().clone() for p in kept.parameters()] if kept is not None else []
    for p in model.parameters():
        if not any(p.shape == o.shape and torch.equal(p, o) for o in old):
            nn.init.kaiming_uniform_(p, nonlinearity="relu") if p.dim() > 1 else nn.init.zeros_(p)
    return model


def begin_at_mean(model: Model, x: Tensor) -> Model:
    """Make the bias of the decoder's last layer the logit of the mean of the images x (N, D); return the model.

    The model is an autoencoder whose ``decoder`` is a row of layers, or that last layer itself.
    """
    decoder: Any = [model] if isinstance(model, nn.Linear) else model.decoder
    with torch.no_grad():
        decoder[-1].bias.copy_(x.mean(0).clamp(0.001, 0.999).logit())
    return model


class ConvDenoiser(nn.Module):
    """A convolutional denoiser with two skip connections, built in unit 04a: images (B, 784) to images in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(4, 16, 3, padding=1)
        self.coarse = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.whole = nn.Sequential(nn.Flatten(), nn.Linear(32 * 49, 128), nn.SiLU(),
                                   nn.Linear(128, 32 * 49), nn.Unflatten(1, (32, 7, 7)))
        self.up = nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1)
        self.last = nn.Conv2d(16, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the denoised images (B, 784)."""
        fine = F.silu(self.fine(F.pixel_unshuffle(x.view(-1, 1, 28, 28), 2)))  # (B, 16, 14, 14)
        coarse = F.silu(self.coarse(fine))  # (B, 32, 7, 7)
        coarse = F.silu(coarse + self.whole(coarse))
        fine = F.silu(fine + self.up(coarse))
        return torch.sigmoid(F.pixel_shuffle(self.last(fine), 2).flatten(1))


class VAE(nn.Module):
    """A variational autoencoder for binary images, built in lesson 06 (Kingma and Welling 2014).

    ``VAE([784, 200, 200, 50])`` has a code of 50 numbers with the prior N(0, I).
    """

    def __init__(self, widths: Sequence[int], activation: type[nn.Module] = nn.SiLU) -> None:
        super().__init__()
        *hidden, k = widths
        self.encoder = mlp([*hidden, 2 * k], activation)
        self.decoder = mlp([k, *hidden[::-1]], activation)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, each (B, widths[-1]), of the Gaussian posterior q(z|x) of x (B, widths[0])."""
        mu, logvar = self.encoder(x).chunk(2, 1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        """Return the logits (B, widths[0]) of the Bernoulli likelihood p(x|z) for codes z (B, widths[-1])."""
        return self.decoder(z)


def sample_code(mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return a sample of N(mu, diag exp(logvar)), shaped like them, through which gradients reach both."""
    return mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)


def n_parameters(model: nn.Module) -> int:
    """Return how many numbers training can change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
