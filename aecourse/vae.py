"""The variational autoencoder's loss and measures, built by hand in lesson 06 and shared by its units."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Normal

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
def active_units(model: VAE, images: Tensor) -> int:
    """Return how many units' means vary over the images (B, D) with a variance above 0.01 (Burda and others 2016)."""
    return int((model.encode(images)[0].var(0) > 0.01).sum())
