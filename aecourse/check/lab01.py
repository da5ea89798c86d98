"""Lab 01, four ways to learn: seven exercises. ``from aecourse.check import lab01 as check``."""

import torch
from torch import Tensor

from aecourse.check import lab01_draw as draw
from aecourse.check import lab01_look as look
from aecourse.check import lab01_says as says
from aecourse.check import lab01_says_few as few
from aecourse.check import lab01_wrong as wrong
from aecourse.check.engine.exercise import Exercise, Form
from aecourse.check.engine.lab import Lab


def _updates(n_labels: int, batch: int, epochs: int) -> int:
    return epochs * -(-n_labels // batch)


def _assign(x: Tensor, centres: Tensor) -> Tensor:
    return torch.cdist(x, centres).argmin(1)


def _move(x: Tensor, clusters: Tensor, centres: Tensor) -> Tensor:
    moved = centres.clone()
    for k in clusters.unique().tolist():
        moved[k] = x[clusters == k].mean(0)
    return moved


def _purity(clusters: Tensor, labels: Tensor) -> float:
    return sum(int(labels[clusters == k].bincount().max()) for k in clusters.unique()) / len(labels)


def _pseudo_labels(logits: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    p, labels = logits.softmax(-1).max(-1)
    index = (p >= threshold).nonzero().flatten()
    return index, labels[index]


def _spread(W: Tensor, Y: Tensor, alpha: float, steps: int) -> Tensor:
    root = W.sum(1).rsqrt()
    S = root[:, None] * W * root
    F = Y
    for _ in range(steps):
        F = alpha * (S @ F) + (1 - alpha) * Y
    return F


EXERCISES = (
    Exercise(
        "updates", "1 · Count the steps", "function", 1, 4,
        reference=_updates, oracle=draw.updates_oracle, draw=draw.updates, sizes=(1, 2, 3, 4),
        arguments=("n_labels", "batch", "epochs"), gives=(Form("count", "the number of gradient steps, an int"),),
        family=wrong.updates, look=look.updates, mistakes=says.UPDATES,
        hints=("Take 7 labels in batches of 3: which batches does one epoch have?",
               "One epoch has as many steps as batches, the smaller last one included. `math.ceil` rounds up.",
               "Round up for one epoch, then multiply by the number of epochs."),
        why="Each batch is one step, and each epoch ends with a batch of its own. With few labels there are few "
            "batches, so the same number of epochs is far less training."),
    Exercise(
        "halves", "2 · A question without a label", "function", 1, 5,
        reference=lambda x: (x[:, :392], x[:, 392:]), oracle=draw.halves_oracle, draw=draw.halves, sizes=(1, 2, 5),
        arguments=("x",), gives=(Form("float32", "the top half of each image, shape (B, 392)", name="top"),
                                 Form("float32", "the bottom half of each image, shape (B, 392)", name="bottom")),
        family=wrong.halves, look=look.halves, mistakes=says.HALVES, errors=says.HALVES_ERRORS, rtol=0, atol=0,
        hints=("The 784 pixels of an image are stored row by row: 28 of the first row, then 28 of the second, and so "
               "on.",
               "14 rows are 392 pixels. Which pixels are the top half, and which are the rest?",
               "`x[:, :n]` takes the first n pixels of every image, `x[:, n:]` the others."),
        why="The target is made from the image itself, so nobody has to label anything. It must not be in the input: "
            "else the net learns to copy."),
    Exercise(
        "assign", "3 · k-means: who belongs where", "function", 2, 8,
        reference=_assign, oracle=draw.assign_oracle, draw=draw.assign, sizes=(1, 6, 40),
        arguments=("x", "centres"), gives=(Form("int64", "the number of the nearest centre for each image, shape "
                   "(N,)"),),
        family=wrong.assign, look=look.assign, mistakes=says.ASSIGN,
        hints=("You need a table of distances, (N, K): one row for each image, one column for each centre.",
               "`torch.cdist(x, centres)` gives that table. By hand: `x[:, None] - centres` has the shape (N, K, D); "
               "square it and add over the last dimension.",
               "`argmin` over the columns, dimension 1, gives the number of the nearest centre."),
        why="The square root and ‖x‖² do not change which centre is nearest; the centre's own length does."),
    Exercise(
        "move", "4 · k-means: where the centres go", "function", 2, 9,
        reference=_move, oracle=draw.move_oracle, draw=draw.move, sizes=(3, 5, 7, 40), atol=1e-4,
        arguments=("x", "clusters", "centres"),
        gives=(Form("float32", "one centre for each cluster, shape (K, D)", row="centre"),),
        family=wrong.move, look=look.move, mistakes=says.MOVE, errors=says.MOVE_ERRORS,
        hints=("Start with a copy, `centres.clone()`, and replace a row where there is a mean.",
               "`x[clusters == k]` are the images of cluster k, and `.mean(0)` is their mean.",
               "Where `(clusters == k).any()` is false, leave the row as it is."),
        why="Of all points the mean has the smallest sum of squared distances to a cluster's images, so this step, as "
            "the one before, can only lower the total. That is why k-means comes to rest."),
    Exercise(
        "purity", "5 · Are the clusters digits?", "function", 2, 8,
        reference=_purity, oracle=draw.purity_oracle, draw=draw.purity, sizes=(6, 24, 200), atol=1e-5,
        arguments=("clusters", "labels"), gives=(Form("share", "one number, from 0 to 1"),),
        family=wrong.purity, look=look.purity, mistakes=says.PURITY, errors=says.PURITY_ERRORS,
        hints=("Go through the clusters that occur: `labels[clusters == k]` are the classes in cluster k.",
               "`.bincount().max()` is how often the most frequent of them occurs.",
               "Add these numbers over the clusters, and divide once, by the number of images."),
        why="A cluster's number is arbitrary, so it takes the class of its majority. Counting images, not clusters, "
            "keeps a small pure cluster from weighing as much as a large mixed one."),
    Exercise(
        "pseudo_labels", "6 · Labels from the model itself", "function", 2, 7,
        reference=_pseudo_labels, oracle=draw.pseudo_labels_oracle, draw=draw.pseudo_labels, sizes=(2, 3, 6, 40, 60),
        arguments=("logits", "threshold"), tidy=draw.by_index,
        gives=(Form("int64", "the positions of the sure images, shape (M,)", "entry", "index"),
               Form("int64", "their predicted classes, shape (M,)", "entry", "labels")),
        family=wrong.pseudo_labels, look=look.pseudo_labels, mistakes=few.PSEUDO_LABELS,
        hints=("`logits.softmax(1)` gives each image's probabilities; `.max(1)` gives the largest of them and its "
               "class.",
               "Compare the largest with the threshold: that is a mask, one truth value for each image.",
               "`mask.nonzero().flatten()` turns it into positions; take the classes at these positions."),
        why="The softmax does not change when all logits of an image grow by the same number, the logits do: so only "
            "probabilities can be compared with one threshold for all images."),
    Exercise(
        "spread", "7 · Labels that spread", "function", 3, 9,
        reference=_spread, oracle=draw.spread_oracle, draw=draw.spread, sizes=(2, 3, 6, 30), atol=1e-4,
        arguments=("W", "Y", "alpha", "steps"),
        gives=(Form("float32", "one row for each image, one column for each class, shape (N, C)"),),
        family=wrong.spread, look=look.spread, mistakes=few.SPREAD,
        hints=("The degrees are `d = W.sum(1)`. D^(−1/2) is a diagonal matrix: multiplying with it from the left "
               "scales the rows, from the right the columns.",
               "`S = W / (d[:, None] * d).sqrt()` does both at once.",
               "Start with `F = Y`, and repeat `F = alpha * S @ F + (1 - alpha) * Y`; Y never changes."),
        why="The roots on both sides keep S symmetric with eigenvalues of at most 1, so the steps come to rest. The "
            "second term lets known labels come back at every step without making them law."),
)

_lab = Lab("lab01", EXERCISES)
updates, halves, assign, move, purity, pseudo_labels, spread = _lab.checks.values()
use, summary, __getattr__ = _lab.use, _lab.summary, _lab.missing
