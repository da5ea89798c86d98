"""Lab 05, exercise 5: for each planted feature the largest cosine to a found one, averaged."""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from torch import Tensor

from aecourse.check.engine.drawing import rows, telling, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

ONE = "It is right for several found features, and wrong where one is found: it is every planted one's best partner."
WIDE = ("It is right for few features whose lengths are alike, and wrong for many with lengths from 0.00001 to "
        "100,000. There may be any number of features, and each may have any length.")

def _cosines(found: Tensor, planted: Tensor) -> Tensor:
    """Return the cosines of all pairs, (K, M)."""
    return _unit(planted, "rows") @ _unit(found, "rows").T


def _unit(rows: Tensor, how: str) -> Tensor:
    return {"rows": lambda: rows / rows.norm(dim=1, keepdim=True), "columns": lambda: rows / rows.norm(dim=0),
            "whole": lambda: rows / rows.norm(), "no": lambda: rows,
            "sum": lambda: rows / rows.abs().sum(1, keepdim=True),
            "squared": lambda: rows / rows.square().sum(1, keepdim=True)}[how]()


def _other_way(how: str, found: Tensor, planted: Tensor) -> Tensor:
    """Return what comes of another choice of partners, of angles or of another kind of middle."""
    table = _cosines(found, planted)
    if how in ("dot", "distance"):
        by = planted @ found.T if how == "dot" else -torch.cdist(planted, found)
        return table.gather(1, by.argmax(1, keepdim=True)).mean()
    if how == "first":
        return table[:, :len(planted)].amax(1).mean()
    return table.clamp(-1, 1).arccos().amin(1).mean() if how == "radians" else table.amax(1).median()


MISTAKES = (
    Mistake("for each found one", {"per": "found"},
            "You take the best partner of each found feature. Then it pays to find one feature many times. Asked is "
            "the other way round: how well is each planted one found?"),
    Mistake("nothing of unit length", {"unit_found": "no", "unit_planted": "no"},
            "These are dot products. A cosine divides by both lengths, or else a long feature matches everything."),
    Mistake("found not of unit length", {"unit_found": "no"},
            "The found features are not divided by their lengths: a long one would match everything."),
    Mistake("planted not of unit length", {"unit_planted": "no"},
            "The planted features are not divided by their lengths."),
    Mistake("columns", {"unit_found": "columns", "unit_planted": "columns"},
            "Columns are brought to length 1. A feature is a row: its length is over dimension 1."),
    Mistake("whole matrices", {"unit_found": "whole", "unit_planted": "whole"},
            "The two matrices are divided by one number each (`.norm()` without a dimension). Each row has a length "
            "of its own."),
    Mistake("squared lengths", {"unit_found": "squared", "unit_planted": "squared"},
            "The rows are divided by their squared lengths: a root is missing."),
    Mistake("sums", {"unit_found": "sum", "unit_planted": "sum"},
            "The rows are divided by the sum of their absolute values. A length is the root of a sum of squares."),
    Mistake("centred", {"centre": True},
            "Each row's own mean is subtracted: these are correlations. A cosine takes the rows as they are."),
    Mistake("absolute", {"of": "size"},
            "The absolute value is taken, so that a feature and its opposite count as the same. The codes are not "
            "negative here: a feature has a direction, and its sign counts."),
    Mistake("absolute choice", {"pick": "size"},
            "The partner is chosen by the absolute value of the cosine. The largest cosine is meant, with its sign."),
    Mistake("squared", {"of": "square"}, "The cosines are squared. Then the sign is lost, too."),
    Mistake("positive part", {"of": "positive"},
            "Negative cosines are set to 0. Where every partner points away, the best cosine is negative."),
    Mistake("one minus", {"of": "one minus"},
            "This is the cosine distance, 1 minus the cosine. Asked for is the cosine: 1 is best."),
    Mistake("angles", {"of": "angle"}, "These are angles in degrees. Asked for are the cosines."),
    Mistake("distances", {"of": "distance"},
            "These are distances between the features. Asked for are the cosines."),
    Mistake("mean over all pairs", {"pick": "mean"},
            "This is the mean over all pairs. For each planted feature only its best partner counts: a maximum first."),
    Mistake("smallest", {"pick": "smallest"},
            "You take each planted feature's worst partner; the best one has the largest cosine."),
    Mistake("same place", {"pick": "same row"},
            "You compare the features at the same places. An autoencoder finds them in any order: look among all."),
    Mistake("each used once", {"pick": "pairs"},
            "Each found feature is used once. That is a stricter measure; here each planted feature looks for its best "
            "partner by itself."),
    Mistake("sum", {"average": "sum"}, "This is the sum over the planted features; asked for is the mean."),
    Mistake("over the found", {"average": "over found"},
            "The sum is divided by the number of found features. There is one best cosine for each planted one: "
            "divide by their number."),
    Mistake("over D", {"average": "over D"},
            "The sum is divided by the number of dimensions. There is one best cosine for each planted feature."),
    Mistake("one for each", {"average": "all"},
            "You return one number for each feature. Asked for is their mean."),
    Mistake("best of all", {"average": "best"},
            "This is the single best match of all. Each planted feature has its own; then comes the mean."),
    Mistake("worst", {"average": "least"}, "This is the worst of the best matches; asked for is their mean."),
    Mistake("median", {"average": "median"}, "This is the median of the best matches; asked for is their mean."),
    Mistake("share found", {"average": "share above 0.9"},
            "This is the share of planted features that are found with a cosine above 0.9. Asked for is the mean of "
            "the cosines themselves."),
    Mistake("by the dot product", partial(_other_way, "dot"),
            "The partner is chosen by the dot product, so a long feature wins over one that points the same way. "
            "Choose by the cosine."),
    Mistake("by the distance", partial(_other_way, "distance"),
            "The partner is the one at the smallest distance, and a feature of another length is missed though it "
            "points the same way. Choose by the cosine."),
    Mistake("the first ones", partial(_other_way, "first"),
            "Only the first found features are looked at, as many as are planted. There may be more of them: go "
            "through all."),
    Mistake("radians", partial(_other_way, "radians"), "These are angles in radians. Asked for are the cosines."),
    Mistake("lower median", partial(_other_way, "lower median"),
            "This is the median of the best matches (the lower one of the two in the middle); asked for is their "
            "mean."),
)

ERRORS = {
    "shapes cannot be multiplied": "Features are rows of D numbers. A table of all pairs multiplies (K, D) with "
                                   "(D, M): one of the two is transposed, `.T`.",
    "must match the size of tensor": "`found` and `planted` have different numbers of rows: compare every row with "
                                     "every other, in a table (K, M).",
}


def reference(found: Tensor, planted: Tensor) -> float:
    return (F.normalize(planted, dim=1) @ F.normalize(found, dim=1).T).amax(1).mean().item()


def oracle(found: Tensor, planted: Tensor) -> float:
    return float((1 - cdist(planted.double().numpy(), found.double().numpy(), "cosine").min(1)).mean())


# ---- draw -----------------------------------------------------------------------------------------------------------


def draw(generator: torch.Generator, size: int) -> Case:
    """Return features, some of them found, one found in the opposite direction only; rows of very different lengths."""
    m, k, d = {2: (3, 2, 2), 6: (7, 5, 4), 9: (13, 9, 6)}.get(size, (size, 5, 6))
    if size == 1:
        found, planted = (tenths(1, 9, n, 3, generator=generator) for n in (1, 2))
        found = found * torch.tensor([-1.0, 1.0, -1.0])
        return Case((found, planted), f"found = {rows(found)} and planted = {rows(planted)}", ONE)
    if size == 300:
        found, planted = (torch.randn(n, 40, generator=generator) for n in (300, 150))
        lengths = [10 ** (6 * torch.rand(n, 1, generator=generator) - 3) for n in (300, 150)]
        lengths[0][-1], lengths[1][-1] = 1e5, 1e-5
        found[150:] += 2 * planted  # the good matches come late
        found, planted = (length * F.normalize(t, dim=1) for length, t in zip(lengths, (found, planted), strict=True))
        return Case((found, planted), "300 found and 150 planted features in 40 dimensions", WIDE)
    while True:
        if size == 2:
            found, planted = (tenths(-9, 9, n, d, generator=generator) for n in (m, k))
            if bool((torch.cat([found, planted]).diff(dim=1) == 0).any()) or (
                    float(_cosines(found, planted).amax(1).mean()) < 0.1 or not _shows_half_precision(found, planted)):
                continue
        else:
            planted, found = (torch.randn(n, d, generator=generator) for n in (k, m))
            found[:3] = planted[1:4] + 0.5 * found[:3]
            lost = planted[0] / planted[0].norm()
            found = found - (found @ lost + (found @ lost).abs())[:, None] * lost  # all of them point away from it
            found[-1] -= 2 * lost
            found = found[torch.randperm(m, generator=generator)] * (0.3 + 3 * torch.rand(m, 1, generator=generator))
            planted = planted[torch.randperm(k, generator=generator)] * (0.3 + torch.rand(k, 1, generator=generator))
        if size > 9 or (min(float(found.norm(dim=1).min()), float(planted.norm(dim=1).min())) > 0.1 and telling(
                family, () if size == 2 else [m for m in MISTAKES if isinstance(m.wrong, dict)], (found, planted))):
            break
    return Case((found, planted), f"found = {rows(found)} and planted = {rows(planted)}" if size == 2
                else f"{m} found and {k} planted features in {d} dimensions")


def _shows_half_precision(found: Tensor, planted: Tensor) -> bool:
    """Return whether float16 changes the value clearly, be it in the numbers that come in or throughout."""
    few = [t.half() for t in (found, planted)]
    off = [float(_cosines(*pair).amax(1).float().mean() - _cosines(found, planted).amax(1).mean()) for pair in (
        few, [t.float() for t in few])]
    return min(off) > 2e-4 or max(off) < -2e-4


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return the mean over planted features of the largest cosine to a found one, with the given changes."""
    return partial(_switched, **changes)


def _switched(found: Tensor, planted: Tensor, *, unit_found: str = "rows", unit_planted: str = "rows",
              centre: bool = False, per: str = "planted", of: str = "cosine", pick: str = "largest",
              average: str = "mean") -> Tensor:
    if centre:
        found, planted = (rows - rows.mean(1, keepdim=True) for rows in (found, planted))
    table = _unit(planted, unit_planted) @ _unit(found, unit_found).T  # (K, M)
    if of == "distance":
        table = torch.cdist(_unit(planted, unit_planted), _unit(found, unit_found))
    table = {"cosine": lambda: table, "distance": lambda: table, "size": lambda: table.abs(),
             "square": lambda: table.square(), "positive": lambda: table.relu(),
             "one minus": lambda: 1 - table, "angle": lambda: torch.rad2deg(table.clamp(-1, 1).arccos())}[of]()
    largest = pick == "largest" and of not in ("distance", "angle", "one minus")
    if pick == "pairs":  # each found one is used once
        n = min(table.shape)
        rows, columns = linear_sum_assignment(table.double().numpy(), maximize=of not in ("distance", "angle"))
        best = table[rows, columns][:n]
    elif pick == "same row":
        best = table.diagonal()
    elif pick == "mean":
        best = table.mean(1)
    elif pick == "size":  # the one with the largest absolute value, its sign kept
        best = table.gather(1, table.abs().argmax(1, keepdim=True)).flatten()
    else:
        dimension = 1 if per == "planted" else 0
        best = table.amax(dimension) if largest else table.amin(dimension)
    return {"mean": lambda: best.mean(), "sum": lambda: best.sum(), "least": lambda: best.min(),
            "best": lambda: best.max(), "median": lambda: best.quantile(0.5), "all": lambda: best,
            "share above 0.9": lambda: (best > 0.9).to(best.dtype).mean(),
            "over found": lambda: best.sum() / len(found), "over D": lambda: best.sum() / found.shape[1]}[average]()


# ---- look -----------------------------------------------------------------------------------------------------------


def _steady(got: list[float], want: list[float]) -> bool:
    """Return whether one factor turns all right values into these; the engine has a sentence for that."""
    ratios = [g / w for g, w in zip(got, want, strict=True) if abs(w) > 1e-6]
    return len(ratios) == len(want) and max(ratios) - min(ratios) < 3e-3 * abs(ratios[0])


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether rounding or a small number is in it, or on which side of the right value it lies."""
    values, right = [float(g[0]) for g in got], [float(w[0]) for w in want]
    for small in (0.1, 0.01, 1e-3, 1e-4):
        if all(abs(_raised(small, *case.args) - v) < 3e-6 for case, v in zip(cases, values, strict=True)):
            return (f"The values are those with {small:g} added to the length of every row. A feature may be as short "
                    "as that, and its cosine is then too small: divide by the length as it is.")
    if all(abs(v - r) < 2e-3 for v, r in zip(values, right, strict=True)):
        return ("The values agree with the right ones in their first digits only. Is there rounding in it, or half "
                "precision?")
    if len(values) > 1 and _steady(values, right):
        return ""
    if any(abs(v) > 1.001 for v in values):
        return "It lies outside −1 to 1 on some input, and a mean of cosines never does."
    if all(v > r for v, r in zip(values, right, strict=True)):
        return "It is too large on every input that differs: no choice of partners reaches that mean of cosines."
    if all(v < r for v, r in zip(values, right, strict=True)):
        return ("It is too small on every input that differs. Each planted feature counts with the largest of its "
                "cosines, and all of them enter the mean.")
    return ""


def _raised(small: float, found: Tensor, planted: Tensor) -> float:
    """Return the mean of the largest cosines where a small number is added to the lengths."""
    lengths = (planted.norm(dim=1)[:, None] + small) * (found.norm(dim=1) + small)
    return float((planted @ found.T / lengths).amax(1).mean())


EXERCISE = Exercise(
    "mean_max_cosine", "5 · Were the true features found?", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(2, 6, 9, 300, 1),
    atol=1e-4, arguments=("found", "planted"), gives=(Form("share", "one number, from −1 to 1"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Bring each row to length 1: `F.normalize(..., dim=1)`, or divide by `.norm(dim=1, keepdim=True)`.",
           "The matrix product of one with the other, transposed, holds the cosines of all pairs.",
           "For each planted feature the largest over the found ones, then the mean over the planted ones."),
    why="An autoencoder finds features in any order and of any length, and may find some twice. So each planted "
        "one looks for its own best partner, whatever its place and its length.")
