"""Lab 01's checks: right answers pass in every form, each known mistake gets its own sentence, the rest a true one."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import homogeneity_score, pairwise_distances_argmin
from sklearn.metrics.cluster import contingency_matrix

from aecourse.check import lab01
from aecourse.check.engine.exercise import CORRECT
from aecourse.check.engine.lab import examine

BY_NAME = {exercise.name: exercise for exercise in lab01.EXERCISES}
NAMED = {"updates": 0.3, "halves": 0.5, "purity": 0.4, "move": 0.05}  # one often covers the other


# ---- right answers --------------------------------------------------------------------------------------------------


def as_images(x):
    x = x.view(-1, 28, 28)
    return x[:, :14].reshape(len(x), -1), x[:, 14:].reshape(len(x), -1)


def by_one_hot(x, clusters, centres):
    belongs = F.one_hot(clusters, len(centres)).float()
    n = belongs.sum(0)[:, None]
    return torch.where(n > 0, belongs.T @ x / n.clamp(min=1), centres)


def by_index_add(x, clusters, centres):
    n = clusters.bincount(minlength=len(centres))[:, None]
    return torch.where(n > 0, torch.zeros_like(centres).index_add(0, clusters, x) / n, centres)


def by_numbers(clusters, labels):
    right = 0
    for k in set(clusters.tolist()):
        inside = labels[clusters == k].tolist()
        right += max(inside.count(c) for c in inside)
    return right / len(labels)


def by_mask(logits, threshold):
    p, labels = F.softmax(logits, dim=1).max(dim=1)
    return torch.arange(len(logits))[p >= threshold], labels[p >= threshold]


def sure_by(p, logits, threshold):
    index = (p.amax(1) >= threshold).nonzero().flatten()
    return index, logits.argmax(1)[index]


def surest_first(logits, threshold):
    p, labels = logits.softmax(1).max(1)
    order = p.argsort(descending=True)
    index = order[: int((p >= threshold).sum())]
    return index, labels[index]


def degrees(W):
    return W / (W.sum(1)[:, None] * W.sum(1)).sqrt()


def by_powers(W, Y, alpha, steps):
    step = torch.linalg.matrix_power
    S = alpha * degrees(W)
    return step(S, steps) @ Y + (1 - alpha) * sum(step(S, k) @ Y for k in range(steps))


def spread_over(matrix, steps_of=lambda steps: steps):
    def spread(W, Y, alpha, steps):
        F = Y.clone()
        for _ in range(steps_of(steps)):
            F = alpha * matrix(W) @ F + (1 - alpha) * Y
        return F

    return spread


RIGHT = [
    ("updates", lambda n_labels, batch, epochs: math.ceil(n_labels / batch) * epochs),
    ("updates", lambda n_labels, batch, epochs: len(torch.arange(n_labels).split(batch)) * epochs),
    ("updates", lambda n_labels, batch, epochs: (n_labels // batch + (n_labels % batch > 0)) * epochs),
    ("updates", lambda n_labels, batch, epochs: np.int64(-(-n_labels // batch) * epochs)),
    ("halves", as_images), ("halves", lambda x: x.chunk(2, dim=1)), ("halves", lambda x: [x[:, :392], x[:, 392:]]),
    ("halves", lambda x: x.view(-1, 2, 392).transpose(0, 1)),
    ("assign", lambda x, centres: torch.cdist(x, centres).argmin(1)),
    ("assign", lambda x, centres: ((x[:, None] - centres) ** 2).sum(-1).argmin(-1)),
    ("assign", lambda x, centres: (x @ centres.T - centres.square().sum(1) / 2).argmax(1)),
    ("assign", lambda x, centres: (x[:, None] - centres).norm(dim=2).min(1).indices),
    ("assign", lambda x, centres: torch.from_numpy(pairwise_distances_argmin(x, centres))),
    ("assign", lambda x, centres: torch.cdist(x, centres).topk(1, largest=False).indices[:, 0]),
    ("move", by_one_hot), ("move", by_index_add),
    ("move", lambda x, clusters, centres: centres.clone().index_reduce_(0, clusters, x, "mean", include_self=False)),
    ("move", lambda x, clusters, centres: torch.stack(
        [x[clusters == k].mean(0) if (clusters == k).any() else c for k, c in enumerate(centres)])),
    ("purity", by_numbers),
    ("purity", lambda clusters, labels: contingency_matrix(labels, clusters).max(0).sum() / len(labels)),
    ("purity", lambda clusters, labels: (F.one_hot(clusters).T @ F.one_hot(labels)).amax(1).sum() / len(labels)),
    ("purity", lambda clusters, labels: torch.tensor([by_numbers(clusters, labels)])),
    ("pseudo_labels", by_mask), ("pseudo_labels", surest_first),
    ("spread", by_powers), ("spread", spread_over(degrees)),
    ("spread", spread_over(lambda W: torch.diag(W.sum(1) ** -0.5) @ W @ torch.diag(W.sum(0) ** -0.5)))]


@pytest.mark.parametrize(("name", "answer", "advice"), [
    ("updates", lambda n_labels, batch, epochs: np.ceil(n_labels / batch) * epochs, "`math.ceil`"),
    ("assign", lambda x, centres: torch.stack([((row - centres) ** 2).sum(1).argmin() for row in x]), "one at a time"),
    ("pseudo_labels", lambda logits, threshold: tuple(
        torch.tensor([pair[i] for pair in [(j, int(row.argmax())) for j, row in enumerate(logits)
                                           if row.softmax(0).max() >= threshold]], dtype=torch.int64) for i in (0, 1)),
     "one at a time")])
def test_right_answers_that_could_be_better_pass_with_advice(name, answer, advice):
    for seed in range(5):
        verdict = examine(BY_NAME[name], answer, seed)
        assert verdict.outcome == CORRECT, verdict.text
        assert advice in verdict.more


# ---- answers that are in no list ------------------------------------------------------------------------------------


def in_place(x, clusters, centres):
    for k in clusters.unique():
        centres[k] = x[clusters == k].mean(0)
    return centres


def up_to_the_largest(x, clusters, centres):
    return by_one_hot(x, clusters, centres)[: int(clusters.max()) + 1]


def up_to_the_largest_nan(x, clusters, centres):
    return torch.stack([x[clusters == k].mean(0) for k in range(int(clusters.max()) + 1)])


def stops_at_an_empty_one(x, clusters, centres):
    moved = centres.clone()
    for k in range(len(centres)):
        if not (clusters == k).any():
            break
        moved[k] = x[clusters == k].mean(0)
    return moved


def with_epsilon(logits, threshold):
    e = (logits - logits.amax(1, keepdim=True)).exp()
    return sure_by(e / (e.sum(1, keepdim=True) + 1e-6), logits, threshold)


def returns_inside(W, Y, alpha, steps):
    F = Y
    for _ in range(steps):
        F = alpha * degrees(W) @ F + (1 - alpha) * Y
        return F


def starts_with_y_in_place(W, Y, alpha, steps):
    F = Y
    for _ in range(steps):
        F *= alpha
    return F


def squeezed(logits, threshold):
    index = (logits.softmax(1).amax(1) >= threshold).nonzero().squeeze()
    return index, logits.argmax(1)[index]


def lists(logits, threshold):
    rows = [(i, int(row.argmax())) for i, row in enumerate(logits.softmax(1)) if row.max() >= threshold]
    return torch.tensor([i for i, _ in rows]), torch.tensor([k for _, k in rows])


UNLISTED = [
    ("updates", lambda n_labels, batch, epochs: 20, "same result for every input"),
    ("updates", lambda n_labels, batch, epochs: math.floor(n_labels / batch) + 1, "Two things at once"),
    ("updates", lambda n_labels, batch, epochs: n_labels * epochs // batch, "round down once"),
    ("updates", lambda n_labels, batch, epochs: int(n_labels / batch + 0.99) * epochs, "too few steps wherever"),
    ("updates", lambda n_labels, batch, epochs: 0 if n_labels < batch else math.ceil(n_labels / batch) * epochs,
     "expected"),
    ("updates", lambda n_labels, batch, epochs: str(n_labels), "returns a str"),
    ("updates", lambda n_labels, batch, epochs: [1] * epochs, "returns a list;"),
    ("updates", lambda n_labels, batch, epochs: math.ceil(n_labels / batch) * epochs + 1, "too many steps wherever"),
    ("updates", lambda n_labels, batch, epochs: math.ceil(n_labels / batch) * (epochs - 1), "one epoch less"),
    ("updates", lambda n_labels, batch: 1, "called with 3 arguments"),
    ("halves", lambda x: x[:, :392], "returns one tensor"),
    ("halves", lambda x: x.chunk(2), "cut dimension 0, the images"),
    ("halves", lambda x: (x[:, :391], x[:, 391:]), "has the shape (1, 391)"),
    ("halves", lambda x: (x[:, :392].numpy(), x[:, 392:].numpy()), "`top` is a NumPy array"),
    ("halves", lambda x: (x[:, :392].half(), x[:, 392:]), "no pixels of the image"),
    ("halves", lambda x: (x[:392], x[392:]), "takes the first 392 images"),
    ("halves", lambda x: tuple(x.reshape(2, -1, 392)), "mixes the images"),
    ("halves", lambda x: (x[:, :392], x[:, 392:].flip(1)), "starts with other pixels: (row 27, column 27)"),
    ("halves", lambda x: (x[:, :392] * 2 - 1, x[:, 392:]), "no pixels of the image"),
    ("halves", lambda x: (x[:, 392:], x), "Two things at once"),
    ("halves", lambda x: (x[:, :392], None), "`bottom` is None"),
    ("halves", lambda x: (x.view(28, 28)[:14], x.view(28, 28)[14:]), "the first dimension counts them"),
    ("assign", lambda x, centres: torch.cdist(x, centres).min(1), "`.indices` or `.values`"),
    ("assign", lambda x, centres: torch.cdist(x, centres).argmin(1).float(), "float32; it should be int64"),
    ("assign", lambda x, centres: torch.cdist(x, centres).argmin(1).int(), "int32; it should be int64"),
    ("assign", lambda x, centres: torch.cdist(x, centres).argmin(1).tolist(), "a Python list; a tensor is asked for"),
    ("assign", lambda x, centres: torch.cdist(x, centres).argmin(1).numpy(), "a NumPy array"),
    ("assign", lambda x, centres: torch.cdist(x, centres).argmin(1, True), "one dimension too many"),
    ("assign", lambda x, centres: torch.zeros(len(x)).long(), "Every number that it gives is 0"),
    ("assign", lambda x, centres: torch.cdist(x, centres, p=1).argmax(1), "Two things at once"),
    ("assign", lambda x, centres: torch.randint(99, (len(x),)), "gives two results"),
    ("assign", lambda x, centres: torch.cdist(x, centres).topk(2, 1, largest=False).indices[:, -1]
     if len(centres) > 1 else torch.zeros(len(x)).long(), "It sends 0 of"),
    ("assign", lambda x, centres: torch.cdist(x, centres).argmin(0), "nearest image of each centre"),
    ("assign", lambda x, centres: torch.cdist(x, centres).clamp(max=50).argmin(1),
     "for the number at which a search for the smallest begins"),
    ("assign", lambda x, centres: torch.cdist(x, centres[:10]).argmin(1), "Not every image goes to its nearest"),
    ("assign", lambda x, centres: (x.half()[:, None] - centres.half()).square().sum(2).argmin(1),
     "all images to the same centre"),
    ("assign", lambda x, centres: torch.cdist(x[:128], centres).argmin(1), "128 numbers came where there should be"),
    ("assign", lambda x, centres: torch.cdist(x, centres).argmin(1) * 5 + 2, "numbers go from 0 to"),
    ("move", up_to_the_largest, "The rows stop at the largest number that occurs"),
    ("move", up_to_the_largest_nan, "The rows stop at the largest number that occurs"),
    ("move", up_to_the_largest_nan, "A cluster without images becomes NaN"),
    ("move", stops_at_an_empty_one, "The clusters behind an empty one are not moved"),
    ("move", lambda x, clusters, centres: torch.where(
        (clusters == len(centres) - 1).any(), by_one_hot(x, clusters, centres), centres), "not always where one has"),
    ("move", in_place, "changes its input `centres` in place"),
    ("move", lambda x, clusters, centres: by_one_hot(x, clusters, centres).T, "rows and columns are swapped"),
    ("move", lambda x, clusters, centres: by_one_hot(x, clusters, centres).numpy(), "a NumPy array"),
    ("move", lambda x, clusters, centres: torch.where(
        by_one_hot(x, clusters, centres) == 0, centres, by_one_hot(x, clusters, centres)), "only where a mean is 0"),
    ("move", lambda x, clusters, centres: by_one_hot(x.half().float(), clusters, centres).half(),
     "in their first digits only"),
    ("move", lambda x, clusters, centres: by_one_hot(x, clusters, centres).index_copy(
        0, torch.tensor([len(centres) - 1]), centres[-1:]), "with the last number comes out wrong"),
    ("move", lambda x, clusters, centres: torch.where(
        clusters.bincount(minlength=len(centres))[:, None] > 1, by_one_hot(x, clusters, centres), centres),
     "with one image come out wrong"),
    ("move", lambda x, clusters, centres: by_one_hot(x, clusters, centres) * 0.9 + 0.1 * centres,
     "go 0.9 times the way"),
    ("move", lambda x, clusters, centres: torch.stack([x[clusters == k].mean(1) for k in range(len(centres))]),
     "take the mean over the images, dimension 0"),
    ("move", lambda x, clusters, centres: by_one_hot(x, clusters, centres).index_copy(
        0, torch.tensor([0]), centres[:1]), "with the number 0 comes out wrong"),
    ("move", lambda x, clusters, centres: by_one_hot(x, clusters, centres).index_copy(
        0, torch.tensor([1]), centres[1:2]), "Some centres come out right"),
    ("purity", lambda clusters, labels: 0.9, "same result for every input"),
    ("purity", lambda clusters, labels: 3 * by_numbers(clusters, labels), "A share lies between 0 and 1"),
    ("purity", lambda clusters, labels: by_numbers(clusters, labels) / 2, "Your share is too small"),
    ("purity", lambda clusters, labels: clusters == labels, "returns a tensor of the shape"),
    ("purity", lambda clusters, labels: homogeneity_score(labels, clusters), "Your share is too small"),
    ("purity", lambda clusters, labels: sum(labels[clusters == k].bincount().max() for k in range(10)) / len(labels),
     "go through those that occur"),
    ("purity", lambda clusters, labels: sum((labels[clusters == k].bincount().max() for k in clusters.unique() if
     (clusters == k).sum() > 1), torch.tensor(0)) / len(labels), "Your share is too small"),
    ("purity", lambda clusters, labels: sum(int(labels[clusters == k].bincount(minlength=10)[:10].max())
                                            for k in clusters.unique()) / len(labels), "Labels of 10 and more"),
    ("purity", lambda clusters, labels: torch.tensor(by_numbers(clusters, labels)).half(), "their first digits only"),
    ("purity", lambda clusters, labels: sum(int((labels[clusters == k] == labels[clusters == k].median()).sum())
                                            for k in clusters.unique()) / len(labels), "Your share is too small"),
    ("purity", lambda clusters, labels: sum(labels[clusters == k].bincount().max() for k in clusters.unique()
                                            if k < 10) / len(labels), "clusters 0 to 9 alone"),
    ("pseudo_labels", squeezed, "has no dimension left where there is one entry only"),
    ("pseudo_labels", lists, "An empty list becomes float32"),
    ("pseudo_labels", lambda logits, threshold: by_mask(logits, threshold)[0], "returns one tensor"),
    ("pseudo_labels", lambda logits, threshold: ((logits.amax(1) > threshold).nonzero(), logits.argmax(1)),
     "Two things at once. 1. The threshold is compared with the logits."),
    ("pseudo_labels", lambda logits, threshold: ((logits.amax(1) > threshold).nonzero(), logits.argmax(1)),
     "one dimension too many"),
    ("pseudo_labels", lambda logits, threshold: by_mask(logits, threshold / 2), "came where there should be"),
    ("pseudo_labels", lambda logits, threshold: [part.tolist() for part in by_mask(logits, threshold)], "Python list"),
    ("pseudo_labels", lambda logits, threshold: tuple(part + i for i, part in enumerate(by_mask(logits, threshold))),
     "The images are the right ones; their labels are not."),
    ("pseudo_labels", lambda logits, threshold: tuple(part[logits.softmax(1).amax(1)[by_mask(logits, threshold)[0]]
                                                           > threshold] for part in by_mask(logits, threshold)),
     "Images exactly at the threshold are lost"),
    ("pseudo_labels", with_epsilon, "Images exactly at the threshold are lost"),
    ("pseudo_labels", lambda logits, threshold: sure_by(logits.exp() / logits.exp().sum(1, True), logits, threshold),
     "very large or very low"),
    ("pseudo_labels", lambda logits, threshold: sure_by(logits.softmax(1).half(), logits, threshold), "expected"),
    ("pseudo_labels", lambda logits, threshold: by_mask(logits, 0.95), "compare with 0.95, whatever"),
    ("pseudo_labels", lambda logits, threshold: by_mask(logits[:128], threshold), "came where there should be"),
    ("pseudo_labels", lambda logits, threshold: by_mask(logits.squeeze(0).view(-1, logits.shape[1])[:, :10], threshold),
     "came where there should be"),
    ("spread", returns_inside, "one step from Y, however many are asked for"),
    ("spread", starts_with_y_in_place, "changes its input `Y` in place"),
    ("spread", lambda W, Y, alpha, steps: Y, "no label reaches a neighbour"),
    ("spread", spread_over(degrees, lambda steps: 30), "It takes 30 steps always"),
    ("spread", lambda W, Y, alpha, steps: by_powers(W, Y, alpha**2, steps), "Labels flow along S, or along S times"),
    ("spread", lambda W, Y, alpha, steps: torch.linalg.matrix_power(W / W.sum(1), 2) @ Y,
     "each column divided by its sum"),
    ("spread", spread_over(degrees, lambda steps: min(steps, 5)), "wrong after many"),
    ("spread", spread_over(lambda W: W / ((W.sum(1) + 1e-6)[:, None] * (W.sum(1) + 1e-6)).sqrt()), "about 0.0001"),
    ("spread", spread_over(lambda W: W / W.mean(1).outer(W.mean(1)).sqrt()), "the means of W's rows"),
    ("spread", spread_over(degrees, lambda steps: max(steps, 1)), "wrong where `steps` is 0"),
    ("spread", lambda W, Y, alpha, steps: spread_over(degrees)(W, Y, alpha, steps).half(), "first digits only"),
    ("spread", spread_over(lambda W: W.softmax(1)), "none of the usual mistakes"),
    ("spread", lambda W, Y, alpha, steps: by_powers(W, Y, alpha, steps).T, "rows and columns are swapped"),
    ("spread", spread_over(lambda W: W**-0.5), "It gives NaN"),
]


def test_nobody_is_told_apart_from_a_wrong_choice():
    def pseudo_labels(logits, threshold):
        index, labels = by_mask(logits, threshold)
        return (index, labels) if len(index) else (torch.tensor([0]), logits.argmax(1)[:1])

    assert "wrong where none is" in examine(BY_NAME["pseudo_labels"], pseudo_labels, 0).says


def test_the_smallest_input_is_shown_with_expected_and_got():
    verdict = examine(BY_NAME["assign"], BY_NAME["assign"].family(measure="manhattan"), 0)
    assert verdict.more.startswith("On the image [")
    assert "expected [" in verdict.more
    assert "got [" in verdict.more
