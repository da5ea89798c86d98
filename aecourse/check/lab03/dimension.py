"""Exercise 5, the number of dimensions by maximum likelihood, from the distances to k neighbours of each point."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree
from scipy.stats import pareto
from torch import Tensor

from aecourse.check.engine.drawing import rows, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.lab03._numbers import rounded


def family(**changes: Any) -> Any:
    """Return the maximum-likelihood dimension from k neighbours, with the given changes."""
    return partial(_answer, **changes)


def _near(points: Tensor, distance: str, ties: str) -> Tensor:
    """Return the distances of each point to all points, nearest first, the point itself in front."""
    apart = points[:, None] - points
    away = {"euclid": lambda: apart.norm(dim=-1), "squared": lambda: apart.square().sum(-1),
            "manhattan": lambda: apart.abs().sum(-1), "largest": lambda: apart.abs().amax(-1)}[distance]()
    near = away.sort(1).values
    if ties == "once":  # each distance once, so rows of unequal length
        few = [row[row.diff(prepend=row[:1] - 1) > 0] for row in near]
        near = torch.stack([row[:min(map(len, few))] for row in few])
    return near


def _answer(points: Tensor, k: int, *, first: int = 1, more: int = 0, distance: str = "euclid", against: str = "last",
            upside: str = "", log: str = "natural", average: str = "inverses", within: str = "k - 1",
            give: str = "dimension", precision: str = "", ties: str = "", most: str = "") -> Tensor:
    near = _near(points.float() if precision == "single" else points, distance, ties)
    near = near.flip(1)[:, :k] if first < 0 else near[:, first:k + more + 1]
    last, others = near[:, -1:], near[:, :-1]
    if average == "distances":
        last, others = last.mean(0, keepdim=True), others.mean(0, keepdim=True)
    mu = {"last": lambda: last / others, "first": lambda: near[:, 1:] / near[:, :1],
          "first and last": lambda: last / near[:, :1], "last two": lambda: last / near[:, -2:-1],
          "neighbours": lambda: near[:, 1:] / others,
          "difference": lambda: last - others, "share": lambda: (last - others) / others}[against]()
    mu = 1 / mu if upside else mu
    mu = mu.mean(1, keepdim=True) if average == "ratios" else mu
    logs = {"natural": torch.log, "10": torch.log10, "2": torch.log2, "none": lambda m: m, "1p": torch.log1p}[log](mu)
    times = {"k - 1": 1, "k": (k - 1) / k, "k - 2": (k - 1) / (k - 2) if k > 2 else math.inf,
             "k + 1": (k - 1) / (k + 1), "sum": k - 1}[within]
    inverse = logs.mean(1) * times
    value = {"estimates": lambda: (1 / inverse).mean(), "median": lambda: 1 / inverse.median(),
             "sum": lambda: 1 / inverse.sum(), "first": lambda: 1 / inverse[0], "last": lambda: 1 / inverse[-1],
             "median of estimates": lambda: (1 / inverse).median(), "all": lambda: 1 / inverse,
             "N - 1": lambda: (len(points) - 1) / inverse.sum()}.get(average, lambda: 1 / inverse.mean())()
    value = value.clamp(max=points.shape[1]) if most == "D" else value
    return 1 / value if give == "inverse" else value


FAR = ("It is right for numbers of ordinary size, and wrong where they go up to 100,000. The dimension does not depend "
       "on the unit in which the points are measured.")

CLOSE = ("It is right for points at ordinary distances, and wrong in double precision where some are as close as "
         "5e-8: add nothing to a distance, bound none from below, and keep the precision in which the points come.")

ALL = "It is right for smaller k, and wrong for k = N − 1, where all other points are neighbours."

RAISED = ("The point itself is taken for its nearest neighbour: it lies at distance 0, and a small number stands in "
          "place of this 0. The first neighbour is the next one.")
MISTAKES = (
    Mistake("itself", {"first": 0},
            "The point itself is taken for its nearest neighbour: it lies at distance 0. The first neighbour is the "
            "next one."),
    Mistake("one neighbour fewer", {"more": -1},
            "Only k − 1 neighbours of each point are used: was the point itself counted as the first?"),
    Mistake("one neighbour more", {"more": 1},
            "k + 1 neighbours of each point are used. If you sort whole rows, the point itself stands at place 0 and "
            "neighbour k at place k."),
    Mistake("without the nearest", {"first": 2},
            "The nearest neighbour is left out. Where the point itself is still in its sorted row, it stands at place "
            "0 and the neighbours from place 1 on. Where infinity was put on the diagonal, they begin at place 0."),
    Mistake("without the nearest, k of them", {"first": 2, "more": 1},
            "You use the neighbours 2 to k + 1. Where the point itself is still in its sorted row, it stands at place "
            "0 and the neighbours from place 1 on. Where infinity was put on the diagonal, they begin at place 0."),
    Mistake("furthest", {"first": -1},
            "You take the k furthest points. The nearest are meant: `topk` needs `largest=False`."),
    Mistake("divided by k", {"within": "k"},
            "You divide by k. There are k − 1 logarithms for each point: the ratio of T_k to itself is none of them."),
    Mistake("divided by k - 2", {"within": "k - 2"},
            "You divide by k − 2, which removes the bias of a single point's estimate. The formula of the exercise, "
            "the most likely d, has k − 1."),
    Mistake("divided by k + 1", {"within": "k + 1"}, "You divide by k + 1. There are k − 1 logarithms for each point."),
    Mistake("sum over the neighbours", {"within": "sum"},
            "The sum over a point's k − 1 logarithms is not divided by k − 1."),
    Mistake("mean of the estimates", {"average": "estimates"},
            "You average the estimates of the points. Their inverses are averaged (MacKay and Ghahramani): a single "
            "point with a very large estimate spoils the other mean."),
    Mistake("median", {"average": "median"}, "You take the median over the points. The mean of the inverses is asked "
                                             "for."),
    Mistake("median of the estimates", {"average": "median of estimates"},
            "You take the median of the estimates. The mean of their inverses is asked for, and one over it."),
    Mistake("sum over the points", {"average": "sum"},
            "The sum over the points is not divided by N: a mean over the points is asked for."),
    Mistake("N - 1", {"average": "N - 1"}, "You divide by N − 1. The mean over the points divides by N."),
    Mistake("first point", {"average": "first"},
            "This is the estimate of the first point alone: does the `return` stand inside the loop?"),
    Mistake("last point", {"average": "last"},
            "This is the estimate of the last point alone: are the others lost in a loop?"),
    Mistake("all points", {"average": "all"},
            "You return an estimate for each point. One number is asked for: one over the mean of their inverses."),
    Mistake("mean distances", {"average": "distances"},
            "You average the distances over the points first. Each point has ratios, and logarithms, of its own."),
    Mistake("log of the mean", {"average": "ratios"},
            "You take the logarithm of a point's mean ratio. Take the logarithm of each ratio first, then the mean."),
    Mistake("upside down", {"upside": "yes"},
            "It is negative: the ratio is upside down (T_k is the largest distance), or there is a minus too many."),
    Mistake("against the nearest", {"against": "first"},
            "You compare each neighbour with the nearest, T_j/T_1. Asked for are the ratios T_k/T_j, of the furthest "
            "of the k to each of the others."),
    Mistake("nearest and furthest", {"against": "first and last"},
            "You use the ratio T_k/T_1 alone. The neighbours between them count as well: T_k/T_j for j = 1 to k − 1."),
    Mistake("last two", {"against": "last two"},
            "You use the ratio of the last two distances alone, T_k/T_{k−1}. The nearer neighbours count as well: "
            "T_k/T_j for j = 1 to k − 1."),
    Mistake("from neighbour to neighbour", {"against": "neighbours"},
            "Your value comes out where each neighbour is compared with the one before, T_{j+1}/T_j, or log(T_k/T_1) "
            "is divided by k − 1, which is the same. Asked for are the ratios T_k/T_j for j = 1 to k − 1."),
    Mistake("difference", {"against": "difference"},
            "You take differences of distances. They grow with the scale of the data; ratios do not."),
    Mistake("relative difference", {"against": "share"},
            "You take (T_k − T_j)/T_j, which is the ratio less 1. The ratio itself is asked for."),
    Mistake("squared distances", {"distance": "squared"},
            "The distances are squared. That doubles each logarithm and halves the dimension: take the root."),
    Mistake("Manhattan", {"distance": "manhattan"},
            "These are Manhattan distances, sums of absolute differences; Euclidean ones are asked for."),
    Mistake("largest pixel", {"distance": "largest"},
            "You measure the largest difference of a single coordinate; Euclidean distances are asked for."),
    Mistake("no logarithm", {"log": "none"}, "The logarithm is missing: these are the ratios themselves."),
    Mistake("log of 1 + ratio", {"log": "1p"}, "You take the logarithm of 1 plus the ratio. That of the ratio is asked "
                                               "for."),
    Mistake("base 10", {"log": "10"}, "The logarithm has base 10; the natural one is asked for."),
    Mistake("base 2", {"log": "2"}, "The logarithm has base 2; the natural one is asked for."),
    Mistake("inverse", {"give": "inverse"},
            "This is the mean of the inverses, 1/d. The dimension is one over it."),
    Mistake("single precision", {"precision": "single"},
            "The distances are computed in single precision, and points in double precision may lie so close that "
            "it rounds their distance away: keep the precision in which they come, without `.float()`."),
    Mistake("equal distances once", {"ties": "once"},
            "Equal distances are counted once. Where several points are equally near, each of them is a neighbour."),
    Mistake("no more than D", {"most": "D"},
            "The result is cut off at the number of coordinates, D. On a few points the formula may give more; leave "
            "it as it comes."),
)

ERRORS = {"selected index k out of range": "There are only N points: `topk` cannot find more."}


def reference(points: Tensor, k: int) -> float:
    near = torch.cdist(points, points).fill_diagonal_(torch.inf).topk(k, largest=False).values  # T_1 to T_k, (N, k)
    return 1 / (near[:, -1:] / near[:, :-1]).log().mean().item()


def oracle(points: Tensor, k: int) -> float:
    """The most likely exponent of a Pareto distribution: that is what the ratios follow."""
    near, _ = cKDTree(points.double().numpy()).query(points.double().numpy(), k=k + 1)
    return float(pareto.fit(np.ravel(near[:, k:] / near[:, 1:k]), floc=0, fscale=1)[0])


def draw(generator: torch.Generator, size: int) -> Case:
    """Return points no two of which are very near, so that rounding plays no part; two sizes are special.

    14 points lie on a line, in pairs that single precision cannot tell apart; 20 stand on a grid, far from each other
    and with equal distances everywhere but near one corner, which lets the formula give more than two dimensions.
    """
    if size == 14:
        places = torch.randperm(15, generator=generator)[:9].double() / 32 + 0.5  # single precision knows these
        pairs, alone = places[:5], places[5:] + 0.01 * torch.rand(4, generator=generator)
        line = torch.cat([pairs - 2.5e-8, pairs + 2.5e-8, alone])[torch.randperm(14, generator=generator)]
        return Case((line[:, None], 3), "14 points of a line in double precision, some as close as 5e-8, and k = 3",
                    CLOSE)
    if size == 20:
        grid = 3 * torch.cartesian_prod(torch.arange(4.0), torch.arange(5.0))
        grid[0] += 0.5 + torch.rand(2, generator=generator)
        return Case((grid[torch.randperm(20, generator=generator)], 3),
                    "20 points on a grid of width 3, one off it, and k = 3")
    d, k = {5: (2, 2), 6: (2, 3), 12: (3, 4), 25: (6, 24)}.get(size, (6, 5))
    scale = 1e5 if size == 16 else 1
    while True:
        points = torch.rand(size, d, generator=generator) * scale
        if size <= 6:
            points = tenths(0, 9, size, 2, generator=generator)
        near = (points[:, None] - points).norm(dim=-1).sort(1).values
        if size > 25 or (near.diff(dim=1)[:, :2].min() > 0.01 and 0.3 < float(family()(points, k)) < 30):
            break
    if size == 16:
        return Case((points, k), f"16 points in {d} dimensions, with numbers up to 100,000, and k = {k}", FAR)
    what = f"the points {rows(points)}" if size <= 6 else f"{size} points in {d} dimensions"
    return Case((points, k), f"{what} and k = {k}", ALL if k == size - 1 else "")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the dimension can be one, and whether another number of neighbours would give it."""
    values = [float(g[0]) for g in got]
    if all(v < 0 for v in values):
        return "A dimension is positive and yours is not: which of the two distances is the larger one?"
    if len(values) > 2 and rounded(values, [float(w[0]) for w in want]):
        return ("Your values are whole numbers, near the right ones: return the dimension as it comes, without "
                "rounding it.")
    if all(abs(v) < 1e-2 for v in values):
        return ("It is 0 everywhere, as it is when a distance of 0 stands in the ratio: is the point itself among its "
                "neighbours?")
    if all(v == case.args[0].shape[1] for v, case in zip(values, cases, strict=True)) and any(
            float(w[0]) < v for v, w in zip(values, want, strict=True)):  # else it may be cut off there
        return ("This is the number of coordinates, D. Asked for is how many dimensions the points fill, which their "
                "distances tell.")
    for k in (2, 3, 4, 5, 10) if len(cases) > 1 else ():  # one value may come near by chance
        if all(math.isclose(v, float(family()(case.args[0], min(k, len(case.args[0]) - 1))), rel_tol=5e-3)
               for v, case in zip(values, cases, strict=True)):
            return f"You use {k} neighbours whatever k is."
    return RAISED if _raised(cases, values) else ""


def _raised(cases: list[Case], values: list[float]) -> bool:
    """Return whether all values come out where a point is its own neighbour, at one small distance in place of 0."""
    small = []
    for case, v in zip(cases, values, strict=True):
        near = _near(case.args[0].double(), "euclid", "")[:, :case.args[1]]
        others = (near[:, -1:] / near[:, 1:-1]).log().sum(1) + near[:, -1].log()
        small.append(float(others.mean()) - (near.shape[1] - 1) / v if v else math.nan)  # its logarithm
    return len(small) > 1 and max(small) < math.log(1e-3) and max(small) - min(small) < 0.1


EXERCISE = Exercise(
    "dimension", "5 · How many dimensions?", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(5, 6, 12, 14, 20, 25, 16), rtol=2e-3, atol=1e-3,
    arguments=("points", "k"), gives=(Form("share", "one number, the dimension", "point"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`torch.cdist(points, points)` gives all distances, (N, N). The distance of a point to itself is 0, and "
           "the point is not its own neighbour: `.fill_diagonal_(torch.inf)` moves it to the end.",
           "`.topk(k, largest=False).values` gives T_1 to T_k of each point, (N, k), the smallest first. The last "
           "column is T_k.",
           "Divide the last column by each of the columns before it, (N, k − 1), and take the logarithms. The mean of "
           "all of them is 1/d."),
    why="All N(k − 1) ratios follow the density d μ^(−d − 1), so their most likely d is one over the mean of the "
        "logarithms, as in TwoNN, which is the case k = 2. More neighbours average more ratios; but they reach "
        "further, where the points need not be spread evenly any more.")
