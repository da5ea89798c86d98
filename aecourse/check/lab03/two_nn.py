"""Exercise 6, the most likely dimension of points, from the distances to their two nearest neighbours."""

from functools import partial
from typing import Any

import torch
from scipy.spatial import cKDTree
from scipy.stats import pareto
from torch import Tensor

from aecourse.check.engine.drawing import rows, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.lab03._numbers import rounded


def family(**changes: Any) -> Any:
    """Return the maximum-likelihood dimension from two neighbours, with the given changes."""
    return partial(_answer, **changes)


def _answer(points: Tensor, *, neighbours: tuple[int, int] = (1, 2), distance: str = "euclid", ratio: str = "quotient",
            log: str = "natural", average: str = "mean of log", give: str = "dimension", samples: str = "N",
            precision: str = "", ties: str = "", most: str = "") -> Tensor:
    points = points.float() if precision == "single" else points
    apart = points[:, None] - points
    table = {"euclid": lambda: apart.norm(dim=-1), "squared": lambda: apart.square().sum(-1),
             "manhattan": lambda: apart.abs().sum(-1), "largest": lambda: apart.abs().amax(-1)}[distance]()
    near = table.sort(1).values
    if ties == "once":
        few = [row[row.diff(prepend=row[:1] - 1) > 0] for row in near]  # each distance once, so rows of unequal length
        near = torch.stack([row[:min(map(len, few))] for row in few])
    first, second = near[:, neighbours[0]], near[:, neighbours[1]]
    mu = {"quotient": lambda: second / first, "inverse": lambda: first / second, "difference": lambda: second - first,
          "share": lambda: (second - first) / first}[ratio]()
    logs = {"natural": torch.log, "10": torch.log10, "2": torch.log2, "none": lambda m: m, "1p": torch.log1p}[log](mu)
    n = {"N": len(points), "N - 1": len(points) - 1, "none": 1, "D": points.shape[1]}[samples]
    value = {"mean of log": lambda: n / logs.sum(), "log of mean": lambda: 1 / mu.mean().log(),
             "ratio of means": lambda: 1 / (second.mean() / first.mean()).log(),
             "median": lambda: 1 / logs.median(), "mean of inverse": lambda: (1 / logs).mean(),
             "log 2 over median": lambda: 0.6931472 / logs.median()}[average]()
    value = value.clamp(max=points.shape[1]) if most == "D" else value
    return 1 / value if give == "inverse" else value


FAR = ("It is right for numbers of ordinary size, and wrong where they go up to 100,000. The dimension does not depend "
       "on the unit in which the points are measured.")

MISTAKES = (
    Mistake("itself", {"neighbours": (0, 1)},
            "You take the point itself for its nearest neighbour: it lies at distance 0. The first neighbour is the "
            "next one."),
    Mistake("second and third", {"neighbours": (2, 3)},
            "You take the second and the third neighbour. Where the point itself is still in its sorted row, at place "
            "0, the first two others stand at 1 and 2. Where it is left out, or infinity was put on the diagonal, they "
            "stand at 0 and 1."),
    Mistake("first and third", {"neighbours": (1, 3)}, "You take the third neighbour where the second belongs."),
    Mistake("furthest", family(neighbours=(-2, -1)),
            "You take the two furthest points. The two nearest are meant: `topk` needs `largest=False`."),
    Mistake("ratio of the means", family(average="ratio of means"),
            "You average the distances first and take one ratio of the means. Each point has a ratio, and a logarithm, "
            "of its own."),
    Mistake("upside down", {"ratio": "inverse"},
            "It is negative: the ratio is upside down (r₂ is the larger one), or there is a minus too many."),
    Mistake("difference", {"ratio": "difference"},
            "You take the difference r₂ − r₁. It grows with the scale of the data; the ratio does not."),
    Mistake("relative difference", {"ratio": "share"},
            "You take (r₂ − r₁)/r₁, which is the ratio less 1. The ratio itself is asked for."),
    Mistake("squared distances", {"distance": "squared"},
            "The distances are squared. That doubles each logarithm and halves the dimension: take the root."),
    Mistake("Manhattan", {"distance": "manhattan"},
            "These are Manhattan distances, sums of absolute differences; Euclidean ones are asked for."),
    Mistake("largest pixel", {"distance": "largest"},
            "You measure the largest difference of a single coordinate; Euclidean distances are asked for."),
    Mistake("no logarithm", {"log": "none"}, "The logarithm is missing: these are the ratios themselves."),
    Mistake("log of 1 + μ", {"log": "1p"}, "You take log(1 + μ); log μ is asked for."),
    Mistake("base 10", {"log": "10"}, "The logarithm has base 10; the natural one is asked for."),
    Mistake("base 2", {"log": "2"}, "The logarithm has base 2; the natural one is asked for."),
    Mistake("log of the mean", {"average": "log of mean"},
            "You take the logarithm of the mean ratio. Take the logarithm of each ratio first, then the mean."),
    Mistake("median", {"average": "median"},
            "You take the median of the logarithms. The most likely d comes from their mean."),
    Mistake("log 2 over median", {"average": "log 2 over median"},
            "An estimate by the median: a good one, but not the most likely d, which comes from the mean."),
    Mistake("mean of 1 over log", {"average": "mean of inverse"},
            "You divide first and average then: a single point whose neighbours are equally far spoils that mean. "
            "Average the logarithms, then divide."),
    Mistake("mean logarithm", {"give": "inverse"},
            "This is the mean of the logarithms, 1/d. The dimension is one over it."),
    Mistake("no N", {"samples": "none"},
            "This is one over the sum of the logarithms. N stands above: one over their mean."),
    Mistake("N - 1", {"samples": "N - 1"},
            "N − 1 gives the estimate without bias. The formula of the exercise, the most likely d, has N."),
    Mistake("D for N", {"samples": "D"},
            "The number of coordinates, D, stands where N belongs: divide the number of points, `len(points)`, by the "
            "sum of the logarithms."),
    Mistake("single precision", {"precision": "single"},
            "The distances are computed in single precision, and points in double precision may lie so close that "
            "it rounds their distance away: keep the precision in which they come, without `.float()`."),
    Mistake("equal distances once", {"ties": "once"},
            "Equal distances are counted once. Where two other points are equally near, both are neighbours, and r₂ is "
            "equal to r₁."),
    Mistake("no more than D", {"most": "D"},
            "The result is cut off at the number of coordinates, D. On a few points the formula may give more; leave "
            "it as it comes."),
)


def reference(points: Tensor) -> float:
    near = torch.cdist(points, points).fill_diagonal_(0).topk(3, largest=False).values
    return len(points) / (near[:, 2] / near[:, 1]).log().sum().item()


def oracle(points: Tensor) -> float:
    """The most likely exponent of a Pareto distribution: that is what the ratios follow."""
    near, _ = cKDTree(points.double().numpy()).query(points.double().numpy(), k=3)
    return float(pareto.fit(near[:, 2] / near[:, 1], floc=0, fscale=1)[0])


def draw(generator: torch.Generator, size: int) -> Case:
    """Return points no two of which are very near, so that rounding plays no part; two sizes are special.

    14 points lie on a line, in pairs that single precision cannot tell apart; 20 stand on a grid, far from each other
    and with equal distances everywhere but near one corner, which lets the formula give more than two dimensions.
    """
    if size == 14:
        places = torch.randperm(15, generator=generator)[:9].double() / 32 + 0.5  # single precision knows these
        pairs, alone = places[:5], places[5:] + 0.01 * torch.rand(4, generator=generator)
        line = torch.cat([pairs - 2.5e-8, pairs + 2.5e-8, alone])[torch.randperm(14, generator=generator)]
        return Case((line[:, None],), "14 points of a line in double precision, some as close as 5e-8")
    if size == 20:
        grid = 3 * torch.cartesian_prod(torch.arange(4.0), torch.arange(5.0))
        grid[0] += 0.5 + torch.rand(2, generator=generator)
        return Case((grid[torch.randperm(20, generator=generator)],), "20 points on a grid of width 3, one off it")
    d = {5: 2, 12: 3}.get(size, 6)
    scale = 1e5 if size == 16 else 1
    while True:
        points = torch.rand(size, d, generator=generator) * scale
        if size == 5:
            points = tenths(0, 9, 5, 2, generator=generator)
        near = (points[:, None] - points).norm(dim=-1).sort(1).values
        if size > 25 or (near[:, 1].min() > 0.02 and 0.3 < float(family()(points)) < 30):
            break
    if size == 16:
        return Case((points,), f"16 points in {d} dimensions, with numbers up to 100,000", FAR)
    return Case((points,), f"the points {rows(points)}" if size == 5 else f"{size} points in {d} dimensions")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the dimension can be one, and whether another pair of neighbours would give it."""
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
    for a in range(1, 4):
        for b in range(a + 1, 5):
            if (a, b) != (1, 2) and all(abs(v - float(family(neighbours=(a, b))(*case.args))) < 1e-2
                                        for v, case in zip(values, cases, strict=True)):
                return (f"You compare the neighbours number {a} and {b} of each point. The first and the second are "
                        "meant, without the point itself.")
    return ""


EXERCISE = Exercise(
    "two_nn", "6 · How many dimensions?", "function", 2, 7,
    reference=reference, oracle=oracle, draw=draw, sizes=(5, 12, 14, 20, 25, 16), rtol=2e-3, atol=1e-3,
    arguments=("points",), gives=(Form("share", "one number, the dimension"),),
    family=family, look=look, mistakes=MISTAKES,
    hints=("`torch.cdist(points, points)` gives all distances, (N, N). What is the smallest number of each row?",
           "`.topk(3, largest=False).values` gives the three smallest of each row: the point itself, r₁ and r₂.",
           "Take the logarithm of r₂/r₁ for each point; the dimension is one over the mean of these."),
    why="In d dimensions the number of points within a distance grows like its d-th power, so log μ has the mean "
        "1/d: the more dimensions, the nearer the second neighbour is to the first.")
