"""Lab 01: fresh inputs on which no mistake can hide, and the oracles, which find the right values another way."""

import numpy as np
import torch
from sklearn.metrics.cluster import contingency_matrix
from torch import Tensor

from aecourse.check import lab01_says as says
from aecourse.check import lab01_says_few as few
from aecourse.check import lab01_wrong as wrong
from aecourse.check.engine.exercise import Case

PIXELS = 784


def _between(generator: torch.Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, (), generator=generator))


def _rows(table: Tensor) -> str:
    return ", ".join("[" + ", ".join(f"{v:.1f}" for v in row) + "]" for row in table)


# ---- 1 --------------------------------------------------------------------------------------------------------------


def updates(generator: torch.Generator, size: int) -> Case:
    batch, epochs = _between(generator, 3, 9), _between(generator, 3, 9)
    if size == 3:  # exact: there is no smaller last batch
        n = batch * _between(generator, 2, 5)
    elif size == 2:  # fewer labels than a batch holds
        n, batch = batch, batch + _between(generator, 1, 4)
    elif size == 1:  # the rest is small, so that rounding goes down; and one pass over all epochs saves steps
        n = batch * _between(generator, 2, 4) + 1
    else:
        batch = 2 ** _between(generator, 4, 7)
        n = batch * _between(generator, 20, 90) + _between(generator, batch // 2 + 1, batch - 1)
    return Case((n, batch, epochs), f"{n} labels, batches of {batch}, {epochs} epochs")


def updates_oracle(n_labels: int, batch: int, epochs: int) -> int:
    return sum(1 for _ in range(epochs) for _ in range(0, n_labels, batch))


# ---- 2 --------------------------------------------------------------------------------------------------------------


def halves(generator: torch.Generator, size: int) -> Case:
    text = "one image" if size == 1 else f"{size} images"
    return Case((torch.rand(size, PIXELS, generator=generator),), f"{text} of random pixels")


def halves_oracle(x: Tensor) -> tuple[Tensor, Tensor]:
    top = torch.arange(PIXELS) // 28 < 14  # by the row that a pixel lies in
    return x.T[top].T, x.T[~top].T


# ---- 3 --------------------------------------------------------------------------------------------------------------


def assign(generator: torch.Generator, size: int) -> Case:
    """Return images that lie clearly nearest to one centre; some of them are farther by another measure."""
    pixels, k = (2, 3) if size == 1 else (PIXELS, 10) if size >= 40 else (5, 4)
    while True:
        many = 600 if pixels < PIXELS else 80
        centres, x = torch.rand(k, pixels, generator=generator), torch.rand(many, pixels, generator=generator)
        if size == 1:
            centres, x = centres.round(decimals=1), x.round(decimals=1)
        two = torch.cdist(x.double(), centres.double()).square().topk(2, largest=False).values
        x = x[two[:, 1] - two[:, 0] > 0.02]
        right = wrong.assign()(x, centres)
        telling = torch.stack([wrong.assign(measure=m)(x, centres) != right for m in ("manhattan", "dot", "no 2")])
        first = telling.all(0).nonzero().flatten()[:1]
        others = telling.any(0).nonzero().flatten()[: size // 2]
        rows = torch.cat([first, others, torch.arange(len(x))])[:size]
        if len(first) and len(rows) == size:
            break
    x = x[rows[torch.randperm(size, generator=generator)]]
    text = (f"the image {_rows(x)} and the centres {_rows(centres)}" if size == 1
            else f"{size} images of {pixels} pixels and {k} centres")
    return Case((x, centres), text)


def assign_oracle(x: Tensor, centres: Tensor) -> Tensor:
    distances = [np.linalg.norm(x.numpy().astype(np.float64) - c, axis=1) for c in centres.numpy()]
    return torch.from_numpy(np.argsort(np.stack(distances), axis=0)[0])


# ---- 4 --------------------------------------------------------------------------------------------------------------


def move(generator: torch.Generator, size: int) -> Case:
    pixels, k = (2, 2) if size == 3 else (PIXELS, 4) if size >= 40 else (4, 3)
    x, centres = torch.rand(size, pixels, generator=generator), torch.rand(k, pixels, generator=generator)
    empty = {5: 1, 7: 2}.get(size)  # in the middle, and the last
    there = [c for c in range(k) if c != empty]
    clusters = torch.tensor((there * size)[:size])  # each has one image at least
    clusters[-1] = there[0]
    clusters = clusters[torch.randperm(size, generator=generator)]
    text = f"{size} images of {pixels} pixels in {k} clusters"
    if size == 3:
        x, centres = x.round(decimals=1), centres.round(decimals=1)
        text = f"the images {_rows(x)} in the clusters {clusters.tolist()}, with the old centres {_rows(centres)}"
    elif empty is not None:
        text += f", of which number {empty} has none"
    return Case((x, clusters, centres), text, says.EMPTY if empty is not None else "")


def move_oracle(x: Tensor, clusters: Tensor, centres: Tensor) -> Tensor:
    belongs = (clusters[None] == torch.arange(len(centres))[:, None]).double()
    n = belongs.sum(1, keepdim=True)
    return torch.where(n > 0, belongs @ x.double() / n.clamp(min=1), centres.double()).float()


# ---- 5 --------------------------------------------------------------------------------------------------------------


def purity(generator: torch.Generator, size: int) -> Case:
    """Return clusters whose purity differs from every number that could be taken for it."""
    size = max(size, 6)  # fewer images cannot tell all of those apart
    ids = torch.tensor([0, 1] if size == 6 else [0, 1, 3, 6, 8])  # numbers may be missing
    names = torch.tensor([0, 1, 4] if size == 6 else [0, 1, 2, 3, 5, 7, 8, 9])
    if size > 6:
        names = names[torch.randperm(len(names), generator=generator)[:6]].sort().values
    others = [wrong.purity(**change) for change in (
        {"by": "classes"}, {"weigh": "clusters"}, {"match": "equal"}, {"match": "largest class"}, {"match": "squares"},
        {"match": "one to one"})]
    others = others[:-1] if size == 6 else others  # two clusters: of one majority, or one to one
    while True:
        clusters = ids[torch.randint(len(ids), (size,), generator=generator)].sort().values
        labels = names[torch.randint(len(names), (size,), generator=generator)]
        mostly = names[torch.randint(len(names), (int(ids.max()) + 1,), generator=generator)]
        labels = torch.where(torch.rand(size, generator=generator) < 0.5, mostly[clusters], labels)
        right = wrong.purity()(clusters, labels)
        if len(clusters.unique()) > 1 and all(abs(f(clusters, labels) - right) > 1e-3 for f in others):
            break
    text = (f"the clusters {clusters.tolist()} and the labels {labels.tolist()}" if size == 6
            else f"{size} images in {len(clusters.unique())} clusters")
    return Case((clusters, labels), text)


def purity_oracle(clusters: Tensor, labels: Tensor) -> float:
    table = contingency_matrix(labels.numpy(), clusters.numpy())
    return float(table.max(axis=0).sum() / table.sum())


# ---- 6 --------------------------------------------------------------------------------------------------------------


def pseudo_labels(generator: torch.Generator, size: int) -> Case:
    """Return logits whose largest probabilities stay clear of the threshold; a shift of an image's logits is no news.

    At the largest size the threshold is so low that two classes of an image can reach it.
    """
    classes = 3 if size <= 3 else 10 if size >= 40 else 5
    crowded = size >= 60
    lowest, width = (0.28, 0.05) if crowded else (0.7, 0.2)
    threshold = round(lowest + width * float(torch.rand((), generator=generator)), 2)
    sure = torch.rand(size, generator=generator) < 0.5
    sure[:2] = torch.tensor([True, False])
    if size <= 3:  # nobody is sure; one is
        sure[:] = False
        sure[0] = size == 3
    sure = sure[torch.randperm(size, generator=generator)]
    share = torch.rand(size, generator=generator)
    low = 1 / classes + 0.1
    top = torch.where(sure, threshold + 0.03 + share * (0.95 - threshold), low + share * (threshold - 0.04 - low))
    rest = torch.rand(size, classes, generator=generator) * 0.1 + 0.9
    winner = torch.randint(classes, (size,), generator=generator)
    rest[torch.arange(size), winner] = 0
    runner_up = torch.zeros(size)
    if crowded:
        second = (winner + 1) % classes
        rest[torch.arange(size), second] = 0
        runner_up = torch.minimum(0.7 * (1 - top), top - 0.02)
    p = rest / rest.sum(1, keepdim=True) * (1 - top - runner_up)[:, None]
    p[torch.arange(size), winner] = top
    if crowded:
        p[torch.arange(size), second] = runner_up
    shift = 3 * torch.randn(size, 1, generator=generator)
    if size > 3:  # one image on which a logit and its sigmoid are on two sides of the threshold
        shift[0] = (threshold + np.log(threshold / (1 - threshold))) / 2 - top[0].log()
    text = f"{size} images of {classes} classes, threshold {threshold}"
    if size <= 6:
        text = (f"{size} images whose largest probabilities are {', '.join(f'{v:.2f}' for v in top)}, with the "
                f"threshold {threshold}")
    return Case((p.log() + shift, threshold), text, few.NOBODY if size == 2 else "")


def pseudo_labels_oracle(logits: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    index, labels = [], []
    for i, row in enumerate(logits.double().numpy()):
        k = int(row.argmax())
        if 1 / np.exp(row - row[k]).sum() >= threshold:
            index, labels = [*index, i], [*labels, k]
    return torch.tensor(index, dtype=torch.int64), torch.tensor(labels, dtype=torch.int64)


def by_index(parts: tuple) -> tuple:
    """Return index and labels in the order of the index: every order is right."""
    index, labels = parts
    if index.shape != labels.shape or index.dim() != 1:
        return parts
    order = index.argsort(stable=True)
    return index[order], labels[order]


# ---- 7 --------------------------------------------------------------------------------------------------------------


def spread(generator: torch.Generator, size: int) -> Case:
    classes = 2 if size <= 3 else 3
    W = torch.triu(torch.rand(size, size, generator=generator) * 1.6 + 0.2, 1)
    if size > 3:  # each keeps its two neighbours on a ring, and some of the others
        keep = torch.rand(size, size, generator=generator) < 0.3
        ring = torch.arange(size - 1)
        keep[ring, ring + 1] = True
        W = W * keep
    W = (W.round(decimals=1) if size <= 3 else W)
    W = W + W.T
    Y = torch.zeros(size, classes)
    labelled = torch.randperm(size, generator=generator)[: max(1, size // 3)]
    if size > 3:
        labelled = torch.randperm(size, generator=generator)[:3]
    Y[labelled, torch.arange(len(labelled)) % classes] = 1
    alpha = round(0.6 + 0.3 * float(torch.rand((), generator=generator)), 2)
    steps = _between(generator, 2, 4)
    text = f"{size} images, alpha {alpha}, {steps} steps"
    if size <= 3:
        text = f"W = [{_rows(W)}], Y = [{_rows(Y)}], alpha {alpha}, {steps} steps"
    return Case((W, Y, alpha, steps), text)


def spread_oracle(W: Tensor, Y: Tensor, alpha: float, steps: int) -> Tensor:
    """The steps in closed form, each eigenvector of S by itself: a geometric series."""
    w, y = W.numpy().astype(np.float64), Y.numpy().astype(np.float64)
    root = np.diag(w.sum(0) ** -0.5)
    values, vectors = np.linalg.eigh(root @ w @ root)
    r = alpha * values
    grown = r**steps + (1 - alpha) * (1 - r**steps) / (1 - r)
    return torch.from_numpy(vectors @ (grown[:, None] * (vectors.T @ y))).float()
