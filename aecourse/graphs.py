"""Label spreading on a graph of nearest neighbours, for many images and several choices of labels; built in unit 07."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy import sparse
from torch import Tensor


def nearest(a: Tensor, b: Tensor, k: int) -> Tensor:
    """Return for each row of a (N, K) the positions of the k nearest rows of b (M, K), the nearest first, (N, k)."""
    return torch.cat([torch.cdist(part, b).topk(k, largest=False).indices for part in a.split(2000)])


def links(z: Tensor, k: int = 10) -> sparse.csr_matrix:
    """Return S = D^(−1/2) W D^(−1/2), (N, N) and sparse, where W links each row of z (N, K) with its k nearest ones.

    A link leads both ways, and D holds how many links a row has (Zhou and others 2004).
    """
    n = len(z)
    columns = nearest(z, z, k + 1)[:, 1:].flatten().numpy()  # without itself
    w = sparse.csr_matrix((np.ones(n * k, "float32"), (np.arange(n).repeat(k), columns)), (n, n))
    w = w.maximum(w.T)
    scale = sparse.diags(1 / np.sqrt(np.asarray(w.sum(1)).ravel()))
    return (scale @ w @ scale).astype("float32").tocsr()


def spread(S: sparse.csr_matrix, z: Tensor, z_new: Tensor, known: Sequence[Tensor], labels: Tensor, classes: int = 10,
           alpha: float = 0.99, rounds: int = 100) -> Tensor:
    """Return the classes of new images (choices, M) by label spreading, one row for each choice of labelled images.

    In each round F ← α S F + (1 − α) Y. A new image gets the mean answer of its five nearest images of the graph, each
    answer divided by its sum.

    Parameters
    ----------
    S, z
        The graph of `links`, and the codes (N, K) that it was made from.
    z_new
        The codes (M, K) of the new images; they are not in the graph.
    known, labels
        For each choice the positions in z of the images with a label; the labels (N,) of all, of which only those at
        the known positions are read.
    """
    given = torch.zeros(len(z), len(known), classes)
    for j, positions in enumerate(known):
        given[positions, j, labels[positions]] = 1
    y = given.flatten(1).numpy()  # all choices side by side: one product serves them all
    f = y
    for _ in range(rounds):
        f = alpha * (S @ f) + (1 - alpha) * y
    answers = torch.from_numpy(f).unflatten(1, (len(known), classes))
    shares = answers / answers.sum(2, keepdim=True).clamp(min=1e-12)
    return shares[nearest(z_new, z, 5)].mean(1).argmax(2).T
