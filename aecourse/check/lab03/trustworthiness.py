"""Exercise 6, the trustworthiness of a map: 1 minus what its intruders cost, by their ranks in the data."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, product
from typing import Any

import torch
from sklearn import manifold
from torch import Tensor

from aecourse.check.engine.drawing import rows
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import UNKNOWN, Parts


def family(**changes: Any) -> Any:
    """Return the trustworthiness of a map, with the given changes."""
    return partial(_answer, **changes)


def _order(points: Tensor, p: float = 2) -> Tensor:
    """Return for each point the others, nearest first, with the point itself in front, also of those at its place."""
    return (points[:, None] - points).norm(p, dim=-1).fill_diagonal_(-1).argsort(1)


def _answer(x: Tensor, z: Tensor, k: int, *, swapped: bool = False, itself: str = "left out",
            ranks: str = "of x", first: int = 1, minus: str = "k", more: int = 0, who: str = "intruders",
            divide: str = "right", one: bool = True, square: bool = False, sizes: bool = False, sums: str = "all",
            end: str = "", p: tuple[float, float] = (2, 2)) -> Tensor:
    if swapped:
        x, z = z, x
    n = len(x)
    in_x, in_z = _order(x, p[0]), _order(z, p[1])
    rank_x, rank_z = in_x.argsort(1), in_z.argsort(1)  # the inverse: 0 is the point itself
    near_x, near_z = (rank_x >= 1) & (rank_x <= k + more), (rank_z >= 1) & (rank_z <= k + more)
    if itself == "in the map":
        near_z = rank_z < k + more
    elif itself == "in both":
        near_x, near_z = rank_x < k + more, rank_z < k + more
    elif itself == "k + 1 others":
        near_z = (rank_z >= 1) & (rank_z <= k + 1)
    elif itself == "furthest":
        near_z = rank_z >= n - k
    rank = {"of x": rank_x, "of z": rank_z, "argsort once": in_x, "turned": rank_x.T,
            "distances": (x[:, None] - x).norm(dim=-1)}[ranks] + (first - 1)
    chosen = {"intruders": near_z & ~near_x, "all": near_z, "lost": near_x & ~near_z, "kept": near_z & near_x,
              "beyond k": near_z & (rank > k),
              "at the same place": near_z & (rank_x != rank_z), "of any point": near_z & ~near_x.any(0)}[who]
    cost = (rank - (k if minus == "k" else 0)).double()
    if minus == "one each":
        cost = torch.ones_like(cost)
    cost = cost.abs() if sizes else cost
    total = ((cost**2 if square else cost) * chosen).sum(1)
    total = {"all": total.sum, "first": lambda: total[0], "all but the last": total[:-1].sum}[sums]()
    by = {"right": 2 / (n * k * (2 * n - 3 * k - 1)), "no 2": 1 / (n * k * (2 * n - 3 * k - 1)),
          "N k": 1 / (n * k), "2 over N k": 2 / (n * k), "no N": 2 / (k * (2 * n - 3 * k - 1)),
          "N twice": 2 / (n * n * k * (2 * n - 3 * k - 1)),
          "no k": 2 / (n * (2 * n - 3 * k - 1)), "plus 1": 2 / (n * k * (2 * n - 3 * k + 1)),
          "2 k": 2 / (n * k * (2 * n - 2 * k - 1)),
          "no 1": 2 / (n * k * (2 * n - 3 * k)), "nothing": 1.0,
          "no parentheses": 2 / n * k * (2 * n - 3 * k - 1), "N k alone": 2 / (n * k) * (2 * n - 3 * k - 1)}[divide]
    if end:
        return (1 - by) * total if end == "1 - first" else 1 + by * total
    return 1 - by * total if one else by * total


_ONCE = ("`argsort` gives at each place which point stands there. A rank is the inverse, at which place a point "
         "stands: `argsort` of the `argsort`.")
_TURNED = ("You add up r(j, i), the rank of the point among the intruder's neighbours. Asked for is r(i, j), the "
           "intruder's rank among the neighbours of the point i: the row is i.")


TWICE = ("It is right where all points differ, and wrong where each is there twice: then a point's nearest neighbour "
         "is its twin, at a distance of 0, in the data and on the map, so nothing is out of place. The point itself is "
         "told by its place in the table, not by its distance.")
PLACE = ("It is right where all points and all their places differ, and wrong where two points lie at one place of the "
         "map. There a sorted row begins with two distances of 0, and which of them is the point itself, its distance "
         "does not tell: `.fill_diagonal_(torch.inf)` moves it to the end, and `.fill_diagonal_(-1)` to the front.")
FAR = ("It is right for numbers of ordinary size, and wrong where they go up to 50,000: neighbours may lie as far away "
       "as they like.")

MISTAKES = (
    Mistake("swapped", {"swapped": True},
            "The roles of the data and the map are swapped. This is the continuity: it asks for neighbours in the data "
            "that the map has lost."),
    Mistake("lost ones", {"who": "lost"},
            "You sum over points that are neighbours in x and not in z. The sum runs over those that the map made "
            "neighbours: near in z and not in x."),
    Mistake("lost ones, without a sign", family(who="lost", sizes=True),
            "You sum over points that are neighbours in x and not in z, and take the size of rank minus k, which is "
            "never above 0 for them. The sum runs over the others: near in z and not in x."),
    Mistake("all neighbours", {"who": "all"},
            "You sum over all k neighbours on the map. Those that are neighbours in the data too are no intruders."),
    Mistake("kept ones", {"who": "kept"},
            "You sum over the points that are neighbours in both. The intruders are those that are near in z only."),
    Mistake("itself in the map", {"itself": "in the map"},
            "On the map only k − 1 neighbours of each point are looked at: was the point itself counted as the first "
            "there?"),
    Mistake("itself", {"itself": "in both"},
            "Only k − 1 neighbours of each point are looked at: was the point itself counted as the first?"),
    Mistake("one neighbour more", {"more": 1}, "There are k + 1 neighbours; the point itself does not count."),
    Mistake("ranks of the map", {"ranks": "of z"},
            "The ranks are those on the map. They are counted in the data: how far away is the intruder really?"),
    Mistake("ranks of the map, without a sign", family(ranks="of z", sizes=True),
            "The ranks are those on the map, and you take the size of rank minus k, which is never above 0 for them. "
            "They are counted in the data: how far away is the intruder really?"),
    Mistake("the point itself has rank 1", family(who="beyond k", first=2),
            "All ranks in the data are one too large, as they are where the point itself has rank 1 and its nearest "
            "neighbour rank 2. So a neighbour of rank k is an intruder, too."),
    Mistake("argsort once", {"ranks": "argsort once"}, _ONCE),
    Mistake("of each other", family(ranks="turned"), _TURNED),
    Mistake("distances", family(ranks="distances"),
            "You add up distances in the data. Ranks are asked for: 1 for the nearest neighbour, and so on."),
    Mistake("one neighbour more on the map", family(itself="k + 1 others"),
            "On the map there are k + 1 neighbours; the point itself does not count."),
    Mistake("furthest on the map", family(itself="furthest"),
            "On the map you take the k points that lie furthest away. The nearest are meant."),
    Mistake("place by place", family(who="at the same place"),
            "You compare the two lists of neighbours place by place. A point that is in both, at another place, is no "
            "intruder."),
    Mistake("neighbours of any point", family(who="of any point"),
            "You leave out each point that is a neighbour of any point in the data. It must be one of this point's own "
            "neighbours: compare row by row."),
    Mistake("first point", family(sums="first"),
            "Only the first point's intruders are in the sum: does the `return` stand inside the loop?"),
    Mistake("without the last point", family(sums="all but the last"),
            "The last point's intruders are not in the sum: does the loop end too early?"),
    Mistake("ranks from 0", {"first": 0},
            "Each intruder costs one too little: the nearest neighbour has rank 1 (the point itself would have 0), and "
            "k is subtracted."),
    Mistake("ranks from 2", {"first": 2}, "Each intruder costs one too much: the nearest neighbour has rank 1, and k "
                                          "is subtracted."),
    Mistake("k not subtracted", {"minus": "nothing"},
            "k is not subtracted from the ranks: an intruder at rank k + 1 costs 1."),
    Mistake("counted", {"minus": "one each"},
            "You count the intruders. Each costs its rank minus k: one from far away costs more."),
    Mistake("kept share", family(minus="one each", divide="N k"),
            "This is the share of neighbours on the map that are neighbours in the data. You count the intruders; each "
            "costs its rank minus k, and the factor is another one."),
    Mistake("no parentheses", {"divide": "no parentheses"},
            "The denominator lacks its parentheses: `2 / N * k * (2N − 3k − 1)` multiplies by k and by the bracket. "
            "Write `2 / (N * k * (2N − 3k − 1))`."),
    Mistake("parentheses around N k", {"divide": "N k alone"},
            "The parentheses of the denominator end too early: `2 / (N * k) * (2N − 3k − 1)` multiplies by the "
            "bracket. Write `2 / (N * k * (2N − 3k − 1))`."),
    Mistake("no 2", {"divide": "no 2"}, "The 2 in front of the sum is missing."),
    Mistake("over N k", {"divide": "N k"},
            "You divide by N k. That is the number of neighbours, not the largest cost that they can have."),
    Mistake("2 over N k", {"divide": "2 over N k"}, "The factor 2N − 3k − 1 is missing in the denominator."),
    Mistake("no N", {"divide": "no N"}, "The N in the denominator is missing: divide by N as well."),
    Mistake("N twice", {"divide": "N twice"},
            "You divide by N twice: a mean over the points where the sum belongs; N is in the factor already."),
    Mistake("no k", {"divide": "no k"}, "The k in the denominator is missing: divide by k as well."),
    Mistake("plus 1", {"divide": "plus 1"}, "In the denominator stands 2N − 3k + 1; it is 2N − 3k − 1."),
    Mistake("2 k", {"divide": "2 k"}, "In the denominator stands 2N − 2k − 1; it is 2N − 3k − 1."),
    Mistake("no 1", {"divide": "no 1"}, "In the denominator stands 2N − 3k; it is 2N − 3k − 1."),
    Mistake("not divided", {"divide": "nothing"}, "The sum is not divided by anything: 2 / (N k (2N − 3k − 1)) belongs "
                                                  "in front of it."),
    Mistake("cost", {"one": False},
            "This is what intruders cost. The trustworthiness is 1 minus that, so that 1 is best."),
    Mistake("1 minus the factor", family(end="1 - first"),
            "You subtract the factor from 1 and then multiply with the sum. Multiply first, then subtract from 1."),
    Mistake("added", family(end="plus"), "You add the cost of the intruders to 1. It is subtracted."),
    Mistake("squared", {"square": True}, "The ranks minus k are squared; they are added as they are."),
)

ERRORS = {
    "selected index k out of range": "There are only N points: `topk` cannot find more.",
}


def reference(x: Tensor, z: Tensor, k: int) -> float:
    n = len(x)
    rank = torch.cdist(x, x).fill_diagonal_(-1).argsort(1).argsort(1)  # 0 is the point itself
    near = torch.cdist(z, z).fill_diagonal_(float("inf")).topk(k, largest=False).indices
    cost = (rank.gather(1, near) - k).clamp(min=0).sum().item()
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * cost


def oracle(x: Tensor, z: Tensor, k: int) -> float:
    return float(manifold.trustworthiness(x.double().numpy(), z.double().numpy(), n_neighbors=k))


def draw(generator: torch.Generator, size: int) -> Case:
    """Return a map that is right in part; no two distances from a point are as good as equal, but for twins."""
    if size in (8, 10, 25):
        return _special(generator, size)
    k = {5: 2, 7: 1, 9: 3, 20: 4, 30: 6}.get(size, 5)
    while True:
        if size == 5:
            x, z = (torch.randperm(12, generator=generator)[:5, None].float() for _ in range(2))
        else:
            x = torch.randn(size, 4, generator=generator)
            z = x[:, :2] + torch.randn(size, 2, generator=generator) * 0.8
        if size > 30 or (_clear(x) and _clear(z) and (size > 20 or _telling(x, z, k))):
            break
    text = (f"x = {rows(x)}, z = {rows(z)} and k = {k}" if size == 5 else
            f"{size} points in 4 dimensions, a map of 2, and k = {k}")
    return Case((x, z, k), text)


def _special(generator: torch.Generator, size: int) -> Case:
    """Return points that are there twice, on the map alone or in the data too; or points far from each other."""
    while size == 8:  # 10 points in pairs on the map; in the data no twin is the nearest, so each is an intruder
        order = torch.randperm(10, generator=generator)
        x, z = torch.randn(10, 4, generator=generator), torch.randn(5, 2, generator=generator).repeat(2, 1)[order]
        rank = _order(x).argsort(1)
        if _clear(x) and bool((rank[(z[:, None] == z).all(-1)] != 1).all()):
            return Case((x, z, 1), "10 points whose map has 5 places, two points at each, and k = 1", PLACE)
    if size == 10:
        x, z = (torch.randn(5, d, generator=generator).repeat(2, 1) for d in (4, 2))
        return Case((x, z, 1), "5 points and each of them once more, k = 1", TWICE)
    while True:
        x, z = (5e4 * torch.rand(size, d, generator=generator) for d in (4, 2))
        if _clear(x) and _clear(z):
            return Case((x, z, 3), f"{size} points in 4 dimensions and a map of 2, with numbers up to 50,000", FAR)


def _clear(points: Tensor) -> bool:
    away = (points[:, None] - points).norm(dim=-1).sort(1).values
    return float(away.diff(dim=1).min()) > 2e-5


def _telling(x: Tensor, z: Tensor, k: int) -> bool:
    """Return whether the mistakes that differ in a few neighbours only can be told apart."""
    changes: tuple[dict[str, Any], ...] = (
        {}, {"swapped": True}, {"itself": "in the map"}, {"itself": "in both"}, {"more": 1}, {"ranks": "of z"},
        {"ranks": "argsort once"}, {"who": "all"}, {"who": "lost"}, {"minus": "nothing"}, {"first": 0})
    values = [float(family(**change)(x, z, k)) for change in changes]
    if k == 1:  # of one neighbour few mistakes can be seen
        return values[0] < 0.9
    if len(x) == 5:  # five points cannot tell all of them apart; the right one stays alone
        return values[0] < 0.95 and sum(abs(v - values[0]) > 1e-3 for v in values[1:]) >= 8
    return values[0] < 0.99 and _apart(*values, by=1e-3)


def _apart(*values: float, by: float) -> bool:
    """Return whether all of these numbers differ by so much."""
    return all(b - a > by for a, b in pairwise(sorted(values)))


def _argsort_once(x: Tensor, z: Tensor, k: int) -> Iterator[float]:
    """Yield what comes out where the result of one ``argsort`` is taken for ranks, in the ways this can be written."""
    n, rank_z, truly = len(x), _order(z).argsort(1), _order(x).argsort(1)
    tables = []
    for points in (z, x):
        away = (points[:, None] - points).norm(dim=-1)
        once = [away.argsort(1), away.fill_diagonal_(-1).argsort(1), away.fill_diagonal_(torch.inf).argsort(1)]
        tables.append([table + first for table in once for first in (0, 1)])
    near = [(rank_z >= 1) & (rank_z <= k)]
    near += [(table >= least) & (table <= k) for table in tables[0] for least in (0, 1)]
    for i, (mine, rank) in enumerate(product(near, [truly, *tables[1]])):
        for intruder in (rank > k, truly > k) if i else ():  # the first pair is the right one
            yield 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * float(((rank - k) * (mine & intruder)).sum())


def _turned(x: Tensor, z: Tensor, k: int) -> float:
    """Return what comes out where r(j, i) stands for r(i, j) everywhere, also where intruders are looked for."""
    n, near = len(x), _order(z).argsort(1)
    cost = (_order(x).argsort(1).T - k).clamp(min=0)[(near >= 1) & (near <= k)]
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * float(cost.sum())


_OTHERS: dict[str, Callable[[Tensor], Tensor]] = {  # points whose Euclidean ranks are those of another distance
    "You scale each coordinate to a standard deviation of 1. The distances are meant between the points as they come.":
        lambda p: (p - p.mean(0)) / p.std(0),
    "You compare directions (cosine distance). Euclidean distances are meant.": torch.nn.functional.normalize,
    "You look at the first coordinate of the points only. The distances are taken over all of them.":
        lambda p: p[:, :1],
    "You look at the second coordinate of the points only. The distances are taken over all of them.":
        lambda p: p[:, 1:2] if p.shape[1] > 1 else p,
}


def _elsewhere(x: Tensor, z: Tensor, k: int) -> Iterator[tuple[str, float]]:
    """Yield what comes out with ranks or distances from elsewhere, and the sentence for it."""
    yield from ((_ONCE, value) for value in _argsort_once(x, z, k))
    yield _TURNED, _turned(x, z, k)
    for p in ((1, 2), (2, 1), (1, 1)):
        yield ("These are Manhattan distances, sums of absolute differences; Euclidean ones are asked for.",
               float(_answer(x, z, k, p=p)))
    for says, other in _OTHERS.items():
        for in_x, in_z in ((True, False), (False, True), (True, True)):
            mine, theirs = other(x) if in_x else x, other(z) if in_z else z
            alike = any(len(p.unique(dim=0)) < len(p) for p in (mine, theirs))  # then the order is one of many
            yield says, math.nan if alike else float(_answer(mine, theirs, k))


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say where the ranks or the distances come from, if another source of them gives the learner's values."""
    values = [float(g[0]) for g in got]
    for ways in zip(*(_elsewhere(*case.args) for case in cases), strict=True):
        told = [(v, theirs) for v, (_, theirs) in zip(values, ways, strict=True) if not math.isnan(theirs)]
        if len(told) > 1 and all(abs(v - theirs) < 2e-4 for v, theirs in told):
            return ways[0][0]
    return (f"{UNKNOWN} Begin with the sum, then take the factor in front of it."
            + (" Some of your values are above 1; no right one is, as each intruder costs at least 1."
               if any(v > 1 + 1e-6 for v in values) else ""))


EXERCISE = Exercise(
    "trustworthiness", "6 · Can a map be trusted?", "function", 3, 12,
    reference=reference, oracle=oracle, draw=draw, sizes=(5, 7, 9, 20, 30, 8, 10, 25), rtol=1e-5, atol=2e-4,
    arguments=("x", "z", "k"), gives=(Form("share", "one number, 1 for a map without intruders"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Ranks in the data: `torch.cdist(x, x).fill_diagonal_(-1).argsort(1).argsort(1)` is 0 for the point itself, "
           "1 for its nearest neighbour, and so on. The −1 puts the point itself in front of all others, also of one "
           "that lies at the same place.",
           "Neighbours on the map: the same with z; those with ranks from 1 to k.",
           "An intruder has a rank of 1 to k on the map and more than k in the data. Add up its rank in the data "
           "minus k, over all points; then the factor, and 1 minus it."),
    why="Ranks instead of distances make the measure blind to stretching: only who is near whom counts. The factor "
        "is chosen such that the worst possible map gets 0.")
