"""Sparse autoencoders: few active units in a wide code, and features that were planted in order to be found."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import losses
from aecourse.train import Step, fit, seeded

Model = TypeVar("Model", bound=nn.Module)


class SparseAutoencoder(nn.Module):
    """One layer to a wide ReLU code and one layer back, built in lesson 05.

    ``SparseAutoencoder(mean_image)`` is 784-1000-784. The decoder adds dictionary atoms of length one to the mean
    image. With ``k``, each image keeps its k largest units and the others are 0 (Makhzani and Frey 2013).

    Parameters
    ----------
    mean
        The mean of the data, shape (D,): the decoder's bias at the start.
    units, k
        The width of the code, and how many units of it an image may use (all without ``k``).
    transposed
        Let the encoder begin as the transpose of the atoms (Gao and others 2024); else as PyTorch initialises a layer.
    """

    def __init__(self, mean: Tensor, units: int = 1000, k: int | None = None, transposed: bool = True) -> None:
        super().__init__()
        self.k = k
        self.encoder = nn.Linear(len(mean), units)
        self.decoder = nn.Linear(units, len(mean))
        with torch.no_grad():
            self.decoder.bias.copy_(mean)
            if transposed:
                self.encoder.weight.copy_(self.atoms().T)
                self.encoder.bias.zero_()

    def atoms(self) -> Tensor:
        """Return the dictionary (D, units): the decoder's columns, each at length one."""
        return F.normalize(self.decoder.weight, dim=0)

    def encode(self, x: Tensor) -> Tensor:
        """Return the code (B, units) of x (B, D), no number of it negative."""
        z = torch.relu(self.encoder(x))
        if self.k is None:
            return z
        largest, where = z.topk(self.k, dim=1)
        return torch.zeros_like(z).scatter(1, where, largest)

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction (B, D) of a code (B, units): a sum of atoms, and the bias."""
        return z @ self.atoms().T + self.decoder.bias

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction (B, D) of x (B, D)."""
        return self.decode(self.encode(x))


def new_sparse(mean: Tensor, k: int | None = None, seed: int = 0) -> SparseAutoencoder:
    """Return an untrained `SparseAutoencoder` of 1000 units for data with the mean (D,); a seed gives the same one."""
    with seeded(seed):
        return SparseAutoencoder(mean, k=k)


def train_sparse(model: Model, x: Tensor, penalty: Callable[[Tensor], Tensor] | None = None) -> Model:
    """Train a model with ``encode`` and ``decode`` on images x (N, D), as units 05 and 05a do, and return it.

    The loss is the squared error, plus ``penalty`` of the code: it maps a code (B, units) to one number for each image,
    (B,). Three epochs of batches of 128, and one cycle of the learning rate with the peak 3e-3.
    """
    def loss(model: Any, x: Tensor, step: Step) -> dict[str, Tensor]:
        z = model.encode(x)
        terms = {"squared error": losses.squared_error(model.decode(z), x)}
        if penalty is not None:
            terms["penalty"] = penalty(z)
        return terms

    fit(model, (x,), loss, epochs=3, batch=128, lr=3e-3, one_cycle=True)
    return model


class SigmoidAutoencoder(nn.Module):
    """One layer to a wide code of sigmoids and one layer back, built in unit 05a, for the penalty `kl_to_rate`.

    The encoder begins as the transpose of the atoms, with a bias that gives every unit the rate ``target`` on the mean
    of the data, ``mean`` (D,). The decoder's weights are free, since no number of the code can grow beyond 1.
    """

    def __init__(self, mean: Tensor, units: int = 1000, target: float = 0.05) -> None:
        super().__init__()
        self.encoder = nn.Linear(len(mean), units)
        self.decoder = nn.Linear(units, len(mean))
        with torch.no_grad():
            self.decoder.bias.copy_(mean)
            self.encoder.weight.copy_(F.normalize(self.decoder.weight, dim=0).T)
            self.encoder.bias.copy_(math.log(target / (1 - target)) - self.encoder.weight @ mean)

    def encode(self, x: Tensor) -> Tensor:
        """Return the code (B, units) of x (B, D), between 0 and 1."""
        return torch.sigmoid(self.encoder(x))

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction (B, D) of a code (B, units)."""
        return self.decoder(z)


def kl_to_rate(z: Tensor, target: float = 0.05) -> Tensor:
    """Return Σ KL(target ‖ mean activation) over the units of z (B, units), the same number for each image, (B,)."""
    rate = z.mean(0).clamp(1e-6, 1 - 1e-6)
    heads = target * (target / rate).log()
    tails = (1 - target) * ((1 - target) / (1 - rate)).log()
    return (heads + tails).sum().expand(len(z))


# ---- features planted in data ---------------------------------------------------------------------------------------


def top_k_dictionaries(samples: Tensor, units: int, k: int, steps: int = 800, seed: int = 0) -> Tensor:
    """Train a top-k autoencoder on each of several data sets at once; return their atoms, (sets, units, D)."""
    return top_k_autoencoders(samples, units, k, steps, seed)[0]


def top_k_autoencoders(samples: Tensor, units: int, k: int, steps: int = 800, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Train as `top_k_dictionaries`; return the atoms, (sets, units, D), and what each network fails to reconstruct.

    The second result, (sets,), is the squared error on the samples, as a part of their variance. ``samples`` has the
    shape (sets, N, D). The networks share nothing: their weights are stacked along the first dimension, and so one
    product of stacked matrices takes the place of a loop over the sets.
    """
    generator = torch.Generator().manual_seed(seed)
    sets, n, dims = samples.shape
    atoms = F.normalize(torch.randn(sets, units, dims, generator=generator), dim=2)
    encoder, bias = atoms.mT.clone(), torch.zeros(sets, 1, units)
    weights = [t.requires_grad_() for t in (atoms, encoder, bias)]
    optimiser = torch.optim.Adam(weights, lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)

    def error(batch: Tensor) -> Tensor:  # (sets, B, D) → (sets,)
        z = torch.relu(batch @ encoder + bias)  # (sets, B, units)
        z = z * (z >= z.topk(k, dim=2).values[..., -1:])
        return losses.squared_error(z @ F.normalize(atoms, dim=2), batch).mean(1)

    for _ in range(steps):
        loss = error(samples[:, torch.randint(n, (256,), generator=generator)]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        left = error(samples) / samples.var(1, correction=0).sum(1)
    return F.normalize(atoms.detach(), dim=2), left


def superpose(chances: Sequence[float], tries: int = 16, steps: int = 1000, batch: int = 256,
              seed: int = 0) -> tuple[Tensor, Tensor]:
    """Train x̂ = ReLU(WᵀWx + b) on five features for W of shape (2, 5); return each W and its loss.

    The toy model of Elhage and others (2022). A feature is present with one of the ``chances``, then uniform between
    0 and 1; the i-th one, from 0, weighs 0.9^i in the squared error. All networks train at once: W has the shape
    (chances, tries, 2, 5). The loss (chances, tries), the mean over the last 100 steps, is divided by the chance.
    """
    generator = torch.Generator().manual_seed(seed)
    chance = torch.tensor(chances)[:, None, None, None]
    shape = len(chances), tries
    w = (0.3 * torch.randn(*shape, 2, 5, generator=generator)).requires_grad_()
    b = torch.zeros(*shape, 1, 5, requires_grad=True)
    importance = 0.9 ** torch.arange(5)
    optimiser = torch.optim.Adam([w, b], lr=3e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-2, total_steps=steps)
    trail = []
    for _ in range(steps):
        size = len(chances), 1, batch, 5
        x = torch.rand(size, generator=generator)
        x = x * (torch.rand(size, generator=generator) < chance)
        error = (torch.relu(x @ w.mT @ w + b) - x).square() * importance  # (chances, tries, batch, 5)
        loss = error.sum(3).mean(2) / chance[:, :, 0, 0]
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        schedule.step()
        trail.append(loss.detach())
    return w.detach(), torch.stack(trail[-100:]).mean(0)
