"""Losses as likelihoods: one number per image, in nats where it is a likelihood.

Every function sums over the last dimension and returns shape (B,) for inputs of shape (B, D). Only ``train.fit``
averages over the batch, so that no reduction can set a weight by accident.
"""

import math

import torch.nn.functional as F
from torch import Tensor


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return ‖x − x̂‖² per image, shape (B,), in squared grey levels (white = 1)."""
    return F.mse_loss(x_hat, x, reduction="none").sum(-1)  # one pass, where (x - x_hat).square() takes two


def gaussian_nll(x_hat: Tensor, x: Tensor, sigma: float) -> Tensor:
    """Return −log N(x; x̂, σ²I) per image, shape (B,), in nats (Bishop 2006, eq. 2.43)."""
    return squared_error(x_hat, x) / (2 * sigma**2) + x.shape[-1] * (math.log(sigma) + 0.5 * math.log(2 * math.pi))


def bernoulli_nll(logits: Tensor, x: Tensor) -> Tensor:
    """Return −log Bernoulli(x; sigmoid(logits)) per image, shape (B,), in nats (Bishop 2006, eq. 4.90).

    A likelihood for x in {0, 1}. For grey x in [0, 1] it is the cross-entropy: a usable loss, but no likelihood.
    """
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def categorical_nll(logits: Tensor, labels: Tensor) -> Tensor:
    """Return −log softmax(logits)[label] per image, shape (B,), in nats; logits (B, K), labels int64 (B,)."""
    return F.cross_entropy(logits, labels, reduction="none")


def gaussian_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(N(mu, diag exp(logvar)) ‖ N(0, I)) per image, shape (B,), in nats (Kingma and Welling 2014, app. B).

    ``mu`` and ``logvar``, the logarithm of the variance, have shape (B, K).
    """
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(-1)


def importance_bound(log_w: Tensor) -> Tensor:
    """Return log (1/k) Σ w per image, shape (B,), in nats, of k samples' log weights (k, B) (Burda et al. 2016, eq. 8).

    With log w = log p(x|z) + log p(z) − log q(z|x) for z from q, its mean is a lower bound of log p(x): the ELBO for
    k = 1, and never lower for larger k.
    """
    return log_w.logsumexp(0) - math.log(len(log_w))
