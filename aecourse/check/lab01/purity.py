"""Lab 01, exercise 5: the share of images that belong to the most frequent class of their cluster."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from sklearn.metrics.cluster import contingency_matrix
from torch import Tensor

from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts, roughly

MISTAKES = (
    Mistake("equal numbers", {"match": "equal"},
            "You count where the cluster's number equals the label. A cluster's number is no name: cluster 3 need not "
            "hold the threes. Look at the labels inside each cluster."),
    Mistake("mean of the clusters", {"weigh": "clusters"},
            "You average the clusters' purities, so a cluster of two images counts as much as one of two hundred. "
            "Count the images instead."),
    Mistake("classes", {"by": "classes"},
            "You look for the largest cluster of each class. Asked for is the other direction: the most frequent class "
            "of each cluster."),
    Mistake("one to one", {"match": "one to one"},
            "You give each class to one cluster only. Purity lets several clusters have the same class."),
    Mistake("largest class", {"match": "largest class"},
            "This is the share of the most frequent class of all images. Look for it in each cluster by itself."),
    Mistake("largest cell", {"match": "largest cell"},
            "You count one cluster only. Each cluster has its most frequent class: add them up."),
    Mistake("rarest", {"match": "rarest"}, "You count the rarest class of each cluster; asked for is the most "
                       "frequent."),
    Mistake("pure only", {"match": "pure only"},
            "You count the clusters that hold one class alone. In a mixed cluster the most frequent class counts too."),
    Mistake("squares", {"match": "squares"},
            "You give each image its class's share of the cluster. Purity counts the images of the most frequent class "
            "alone."),
    Mistake("percent", {"give": "percent"}, "These are per cent; asked for is a share, from 0 to 1."),
    Mistake("count", {"give": "count"}, "This is a number of images; divide it by how many there are."),
    Mistake("error", {"give": "error"}, "This is the share of the others: 1 minus the purity."),
    Mistake("cut off", {"give": "whole"},
            "Everything after the point is cut off, by `//` or `int(...)`: a share is between 0 and 1."),
    Mistake("per cluster", {"give": "per cluster"},
            "You divide by the number of clusters. A share of the images divides by the number of images."),
    Mistake("per class", {"give": "per class"},
            "You divide by the number of classes. A share of the images divides by the number of images."),
    Mistake("each cluster", {"give": "each"},
            "You return the purity of each cluster. Asked for is one number: count the images of all clusters "
            "together."),
    Mistake("without gaps", lambda clusters, labels: _some(clusters, labels, range(len(clusters.unique()))),
            "You go through as many numbers as there are clusters, from 0 on. The numbers need not be consecutive, and "
            "those of higher clusters are never reached: `clusters.unique()`."),
    Mistake("ten", lambda clusters, labels: _some(clusters, labels, range(10)),
            "You go through the clusters 0 to 9 alone. Any numbers may occur: `clusters.unique()`."),
    Mistake("all but the last", lambda clusters, labels: _some(clusters, labels, range(int(clusters.max()))),
            "The cluster with the largest number is left out: `range(n)` ends before n."),
    Mistake("all but the first", lambda clusters, labels: _some(clusters, labels, range(1, int(clusters.max()) + 1)),
            "Cluster 0 is left out: the numbers start at 0."),
    Mistake("ties twice", lambda clusters, labels: _some(clusters, labels, clusters.unique().tolist(), ties=True),
            "Where two classes of a cluster are equally frequent, you count the images of both. A cluster stands for "
            "one class."),
    Mistake("numbers of the labels", lambda clusters, labels: _some(clusters, labels, labels.unique().tolist()),
            "You go through the numbers of the classes, and take them for those of the clusters: `clusters.unique()`."),
    Mistake("first image", lambda clusters, labels: sum(
        int((labels[clusters == k] == labels[clusters == k][0]).sum()) for k in clusters.unique()) / len(labels),
            "You give each cluster the class of its first image. It stands for the class that is most frequent in it."),
    Mistake("more than half", lambda clusters, labels: _some(clusters, labels, clusters.unique().tolist(), least=0.5),
            "You count a class where it has more than half of a cluster's images. The most frequent one counts, with "
            "fewer images too."),
)

ERRORS = {
    "max(): Expected reduction dim": "A number may be missing among the clusters, and then there is nothing to "
                                     "count: go through those that occur, `clusters.unique()`.",
}


def reference(clusters: Tensor, labels: Tensor) -> float:
    return sum(int(labels[clusters == k].bincount().max()) for k in clusters.unique()) / len(labels)


def oracle(clusters: Tensor, labels: Tensor) -> float:
    table = contingency_matrix(labels.numpy(), clusters.numpy())
    return float(table.max(axis=0).sum() / table.sum())


SPECIAL = (  # a tie, one image alone, a majority of less than half that is not in the middle; numbers above 9
    torch.tensor([11] * 4 + [12] + [13] * 7 + [20] * 2), torch.tensor([1, 1, 7, 7, 3, 2, 2, 4, 4, 6, 6, 6, 12, 12]))


def draw(generator: torch.Generator, size: int) -> Case:
    """Return clusters whose purity differs from every number that could be taken for it.

    At size 40 there are a few clusters more, of special kinds; at 7 there is one cluster, at 12 each image has one.
    """
    if size in (7, 12):
        labels = torch.tensor([5, 5, 5, 0, 0, 9, 11] if size == 7 else [0, 0, 3, 3, 3, 7, 7, 8, 9, 9, 9, 12])
        labels = labels[torch.randperm(size, generator=generator)]
        clusters = torch.full((7,), 4) if size == 7 else torch.randperm(1000, generator=generator)[:size]
        return Case((clusters, labels), f"{size} images in {'one cluster' if size == 7 else 'clusters of one image'}")
    size = max(size, 6)  # fewer images cannot tell all of those apart
    ids = torch.tensor([0, 1] if size == 6 else [0, 1, 3, 6, 8])  # numbers may be missing
    names = torch.tensor([0, 1, 4] if size == 6 else [0, 1, 2, 3, 5, 7, 8, 9])
    if size > 6:
        names = names[torch.randperm(len(names), generator=generator)[:6]].sort().values
    others = [family(**change) for change in (
        {"by": "classes"}, {"weigh": "clusters"}, {"match": "equal"}, {"match": "largest class"}, {"match": "squares"},
        {"match": "one to one"})]
    others = others[:-1] if size == 6 else others  # two clusters: of one majority, or one to one
    while True:  # eight attempts on average, or fewer
        clusters = ids[torch.randint(len(ids), (size,), generator=generator)].sort().values
        labels = names[torch.randint(len(names), (size,), generator=generator)]
        mostly = names[torch.randint(len(names), (int(ids.max()) + 1,), generator=generator)]
        labels = torch.where(torch.rand(size, generator=generator) < 0.5, mostly[clusters], labels)
        if size == 40:
            clusters, labels = torch.cat([clusters, SPECIAL[0]]), torch.cat([labels, SPECIAL[1]])
        right = family()(clusters, labels)
        if len(clusters.unique()) > 1 and all(abs(f(clusters, labels) - right) > 1e-3 for f in others):
            break
    if size > 6:  # in no order
        mixed = torch.randperm(len(clusters), generator=generator)
        clusters, labels = clusters[mixed], labels[mixed]
    text = (f"the clusters {clusters.tolist()} and the labels {labels.tolist()}" if size == 6
            else f"{len(clusters)} images in {len(clusters.unique())} clusters")
    return Case((clusters, labels), text)


def family(**changes: Any) -> Any:
    """Return the purity of clusters, with the given changes."""
    return partial(_purity, **changes)


def _purity(clusters: Tensor, labels: Tensor, *, by: str = "clusters", weigh: str = "images", give: str = "share",
            match: str = "majority") -> Any:
    if by == "classes":
        clusters, labels = labels, clusters
    _, c = clusters.unique(return_inverse=True)
    _, y = labels.unique(return_inverse=True)
    table = F.one_hot(c).T.double() @ F.one_hot(y).double()  # clusters × classes
    n = float(table.sum())
    if match == "equal":
        right = float((clusters == labels).sum())
    elif match == "one to one":
        right = float(table.numpy()[linear_sum_assignment(-table.numpy())].sum())
    elif match == "largest class":
        right = float(table.sum(0).max())
    elif match == "largest cell":
        right = float(table.max())
    elif match == "rarest":
        right = float(table.masked_fill(table == 0, n).amin(1).sum())
    elif match == "pure only":
        right = float(table[(table > 0).sum(1) == 1].sum())
    elif match == "squares":  # the chance that two images of a cluster agree
        right = float((table.square().sum(1) / table.sum(1)).sum())
    else:
        right = float(table.amax(1).sum())
    if weigh == "clusters":
        right = n * float((table.amax(1) / table.sum(1)).mean())
    return {"share": right / n, "whole": right // n, "percent": 100 * right / n, "count": right, "error": 1 - right / n,
            "per cluster": right / len(table), "per class": right / table.shape[1],
            "each": table.amax(1) / table.sum(1)}[give]


def _some(clusters: Tensor, labels: Tensor, numbers: Iterable[int], ties: bool = False, least: float = 0) -> float:
    """Return the purity over some clusters; of ties all classes may count, or those alone that have a least share."""
    right = 0
    for k in numbers:
        if len(inside := labels[clusters == k]):
            counts = inside.bincount()
            if counts.max() > least * len(inside):
                right += int(counts.max()) * (int((counts == counts.max()).sum()) if ties else 1)
    return right / len(labels)


def _below_ten(clusters: Tensor, labels: Tensor) -> float:
    """Return the purity where labels of 10 and more are never right."""
    return sum(int(labels[clusters == k].bincount(minlength=10)[:10].max()) for k in clusters.unique()) / len(labels)


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say what a share can be."""
    values = [float(g[0]) for g in got]
    if any(v < 0 or v > 1 for v in values):
        return "A share lies between 0 and 1, and yours does not: what is divided by what?"
    right = [float(w[0]) for w in want]
    if said := roughly([g[0] for g in got], [w[0] for w in want]):
        return said
    if all(abs(v - _below_ten(*case.args)) < 1e-5 for v, case in zip(values, cases, strict=True)):
        return ("Labels of 10 and more are not counted, as where the numbers of the classes are taken to be 0 to 9. "
                "Count the labels that occur.")
    by_hand = "Work the input below out by hand: how often does each class occur in each cluster?"
    if all(v > w for v, w in zip(values, right, strict=True)):
        return f"Your share is too large wherever it is wrong. {by_hand}"
    if all(v < w for v, w in zip(values, right, strict=True)):
        return f"Your share is too small wherever it is wrong. {by_hand}"
    return f"Your share is too large for some inputs and too small for others. {by_hand}"


EXERCISE = Exercise(
    "purity", "5 · Are the clusters digits?", "function", 2, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(6, 7, 12, 24, 40, 200), atol=1e-5,
    arguments=("clusters", "labels"), gives=(Form("share", "one number, from 0 to 1"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Go through the clusters that occur: `labels[clusters == k]` are the classes in cluster k.",
           "`.bincount().max()` is how often the most frequent of them occurs.",
           "Add these numbers over the clusters, and divide once, by the number of images."),
    why="A cluster's number is arbitrary, so it takes the class of its majority. Counting images, not clusters, "
        "keeps a small pure cluster from weighing as much as a large mixed one.")
