"""Lab 05, exercise 5: the cosine of each planted feature to a partner that no other feature has."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from torch import Tensor

from aecourse.check.engine.drawing import rows, telling, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

ONE = ("It is right for several planted features, and wrong for a single one: asked for is its cosine to the nearest "
       "found one, shape (1,).")
EMPTY = ("It is right where all rows have a length, and wrong where a row consists of zeros. It has no direction, and "
         "its cosine to everything is 0: `F.normalize` leaves such a row as it is.")
WIDE = ("It is right for a few rows of similar length, and wrong for many, or for very long and very short ones. No "
        "size is fixed, and a length does not matter.")

MISTAKES = (
    Mistake("nearest one", {"pick": "nearest"},
            "Each planted feature takes the nearest found one, so several may share one: this is unit 05b's measure. "
            "Here each found feature has at most one partner."),
    Mistake("nearest of each found one", {"pick": "nearest of found"},
            "You take the nearest planted feature of each found one. Asked for is one cosine for each planted feature, "
            "and no found one counts twice."),
    Mistake("one after the other", {"pick": "in order"},
            "The planted features choose in the order of their rows, each the nearest one that is left. An early one "
            "may take what a later one needs more: the largest sum of all cosines is asked for."),
    Mistake("largest first", {"pick": "largest first"},
            "The largest cosine of all is paired first, then the largest that is left, and so on. That is greedy: a "
            "smaller first pair may allow for a larger sum."),
    Mistake("smallest sum", {"pick": "smallest"},
            "The sum of the cosines is made as small as possible. `linear_sum_assignment` minimises, unless it is "
            "given `maximize=True`."),
    Mistake("same place", {"pick": "same row"},
            "You compare the features at the same places. An autoencoder finds them in any order: choose the pairs."),
    Mistake("the first ones", {"pick": "first"},
            "Only the first found features are looked at, as many as are planted. All of them can be partners."),
    Mistake("by the size", {"pick": "size"},
            "The pairs are chosen by the absolute values of the cosines. They are chosen with their signs."),
    Mistake("by the dot product", {"pick": "dot"},
            "The pairs are chosen by the dot products, so long features win. Choose by the cosines."),
    Mistake("by the distance", {"pick": "distance"},
            "The pairs are chosen by the distances, so a feature of another length is missed though it points the same "
            "way. Choose by the cosines."),
    Mistake("nothing of unit length", {"unit_found": "no", "unit_planted": "no"},
            "These are dot products. A cosine divides by both lengths."),
    Mistake("found not of unit length", {"unit_found": "no"}, "The found features are not divided by their lengths."),
    Mistake("planted not of unit length", {"unit_planted": "no"},
            "The planted features are not divided by their lengths."),
    Mistake("columns", {"unit_found": "columns", "unit_planted": "columns"},
            "Columns are brought to length 1. A feature is a row: its length is over dimension 1."),
    Mistake("whole matrices", {"unit_found": "whole", "unit_planted": "whole"},
            "The two matrices are divided by one number each (`.norm()` without a dimension). Each row has a length "
            "of its own."),
    Mistake("squared lengths", {"unit_found": "squared", "unit_planted": "squared"},
            "The rows are divided by their squared lengths: a root is missing."),
    Mistake("centred", {"centre": True},
            "Each row's own mean is subtracted: these are correlations. A cosine takes the rows as they are."),
    Mistake("absolute", {"of": "size"},
            "The absolute value is taken, so that a feature and its opposite count as the same. A feature has a "
            "direction here, and its sign counts."),
    Mistake("squared", {"of": "square"}, "The cosines are squared. Then the sign is lost, too."),
    Mistake("positive part", {"of": "positive"},
            "Negative cosines are set to 0. Where a partner points away, its cosine is negative."),
    Mistake("one minus", {"of": "one minus"},
            "This is the cosine distance, 1 minus the cosine. Asked for is the cosine: 1 is best."),
    Mistake("angles", {"of": "angle"}, "These are angles in degrees. Asked for are the cosines."),
    Mistake("pairs only", {"give": "pairs"},
            "The planted features without a partner are missing. There are K numbers, one for each planted feature, "
            "and 0 for those that have no partner."),
    Mistake("order of the found", {"give": "by found"},
            "The cosines stand in the order of the found features. Asked for is one number for each planted "
            "feature, in their order."),
    Mistake("mean", {"give": "mean"},
            "This is the mean. Asked for is one cosine for each planted feature, shape (K,)."),
    Mistake("sum", {"give": "sum"}, "This is the sum. Asked for is one cosine for each planted feature, shape (K,)."),
    Mistake("sorted", {"give": "sorted"},
            "The cosines are sorted. Each stands at the place of its planted feature."),
    Mistake("partners", {"give": "partners"},
            "These are the numbers of the partners. Asked for are the cosines to them."),
)

ERRORS = {
    "shapes cannot be multiplied": "Features are rows of D numbers. A table of all pairs multiplies (K, D) with "
                                   "(D, M): one of the two is transposed, `.T`.",
    "must match the size of tensor": "`found` and `planted` have different numbers of rows: compare every row with "
                                     "every other, in a table (K, M).",
    "invalid numeric entries": "There is a NaN in the table: a row of zeros was divided by its length. "
                               "`F.normalize(..., dim=1)` leaves such a row at 0.",
    "is out of bounds": "The rows of the table are the planted features and its columns the found ones, or the other "
                        "way round: `linear_sum_assignment` returns first the rows, then the columns.",
}


def reference(found: Tensor, planted: Tensor) -> Tensor:
    cosines = F.normalize(planted, dim=1) @ F.normalize(found, dim=1).T
    one, other = linear_sum_assignment(cosines.numpy(), maximize=True)
    out = torch.zeros(len(planted))
    out[one] = cosines[one, other]
    return out


def oracle(found: Tensor, planted: Tensor) -> Tensor:
    """Match in a graph whose edges all have weights above 0, and take the cosines from scalar products."""
    a, b = planted.double().numpy(), found.double().numpy()
    lengths = np.sqrt(np.square(a).sum(1))[:, None] * np.sqrt(np.square(b).sum(1))
    cosines = np.divide(a @ b.T, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    one, other = min_weight_full_bipartite_matching(csr_array(3 - cosines))
    out = torch.zeros(len(a))
    out[one] = torch.from_numpy(cosines[one, other]).float()
    return out


# ---- draw -----------------------------------------------------------------------------------------------------------

# found, planted, dimensions; and the mistakes that are none, or the same as another, where there are so many of each
_SIZES = {2: (3, 2, 2), 6: (5, 8, 6), 8: (6, 6, 5), 9: (12, 7, 6), 1: (4, 1, 3), 4: (6, 5, 4), 5: (1, 3, 4),
          300: (300, 150, 40)}
_UNSEEN = {6: ("the first ones",), 8: ("the first ones", "pairs only"), 9: ("pairs only",)}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return rows of different lengths, for which one choice of pairs is clearly the best, and a greedy one another."""
    m, k, d = _SIZES.get(size, (size, size // 2, 6))
    text = f"{m} found and {k} planted features in {d} dimensions"
    if size == 300:
        found, planted = (torch.randn(n, d, generator=generator) for n in (m, k))
        lengths = [10 ** (6 * torch.rand(n, 1, generator=generator) - 3) for n in (m, k)]
        lengths[0][-1], lengths[1][-1] = 1e5, 1e-5
        found[150:] += 2 * planted  # the good partners come late
        found, planted = (length * F.normalize(t, dim=1) for length, t in zip(lengths, (found, planted), strict=True))
        return Case((found, planted), text, WIDE)
    while True:
        if size in (1, 2, 5):
            found, planted = (tenths(-9, 9, n, d, generator=generator) for n in (m, k))
        else:
            planted = torch.randn(k, d, generator=generator)
            found = planted[torch.randint(k // 2, (m,), generator=generator)]  # they crowd around half of the features
            found = found + 0.7 * torch.randn(m, d, generator=generator)
            lost = planted[-1] / planted[-1].norm()
            found = found - (found @ lost + 0.5 * (found @ lost).abs())[:, None] * lost  # and point away from the last
            found, planted = (part[torch.randperm(len(part), generator=generator)] * (
                0.3 + 2 * torch.rand(len(part), 1, generator=generator)) for part in (found, planted))
            if size == 4:
                found[2], planted[3] = 0.0, 0.0
        if size > 9 or (_clear(found, planted) and (size not in _UNSEEN or telling(
                family, [x for x in MISTAKES if x.name not in _UNSEEN[size]], (found, planted), size != 6))):
            break
    if size in (1, 2, 5):
        text = f"found = {rows(found)} and planted = {rows(planted)}"
    return Case((found, planted), text + (", with rows of zeros" if size == 4 else ""),
                {1: ONE, 4: EMPTY}.get(size, ""))


def _clear(found: Tensor, planted: Tensor) -> bool:
    """Return whether any other choice of pairs has a clearly smaller sum, or the same cosines; no small row is 0."""
    if len(planted) < 5 and float(torch.cat([found, planted]).norm(dim=1).min()) < 0.05:
        return False
    table = _table(found, planted).double().numpy()
    one, other = linear_sum_assignment(table, maximize=True)
    for i, j in zip(one, other, strict=True):
        without = table.copy()
        without[i, j] = -5.0
        a, b = linear_sum_assignment(without, maximize=True)
        same = np.allclose(np.sort(table[a, b]), np.sort(table[one, other]), atol=1e-9) and abs(table[i, j]) < 1e-9
        if not same and table[one, other].sum() - without[a, b].sum() < 5e-3:
            return False
    return True


def _table(found: Tensor, planted: Tensor, unit_found: str = "rows", unit_planted: str = "rows") -> Tensor:
    """Return the cosines of all pairs, (K, M), or what comes of other lengths."""
    return _unit(planted, unit_planted) @ _unit(found, unit_found).T


def _unit(rows: Tensor, how: str) -> Tensor:
    return {"rows": lambda: F.normalize(rows, dim=1), "columns": lambda: F.normalize(rows, dim=0),
            "whole": lambda: rows / rows.norm(), "no": lambda: rows,
            "squared": lambda: rows / rows.square().sum(1, keepdim=True).clamp(min=1e-12)}[how]()


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return each planted feature's cosine to its partner in the best one-to-one choice, with the given changes."""
    return partial(_switched, **changes)


def _switched(found: Tensor, planted: Tensor, *, unit_found: str = "rows", unit_planted: str = "rows",
              centre: bool = False, of: str = "cosine", pick: str = "pairs", give: str = "all") -> Tensor:
    if centre:
        found, planted = (part - part.mean(1, keepdim=True) for part in (found, planted))
    table = _table(found, planted, unit_found, unit_planted)
    table = {"size": lambda: table.abs(), "square": lambda: table.square(),
             "positive": lambda: table.relu()}.get(of, lambda: table)()
    if pick == "nearest of found":
        return table.amax(0)
    partner = _partners(table, found, planted, pick)  # (K,), −1 for none
    there = partner >= 0
    value = torch.where(there, table.gather(1, partner.clamp(min=0)[:, None])[:, 0], 0)
    if of in ("one minus", "angle"):
        value = 1 - value if of == "one minus" else torch.rad2deg(value.clamp(-1, 1).arccos())
    return {"all": lambda: value, "pairs": lambda: value[there], "mean": lambda: value.mean(),
            "sum": lambda: value.sum(), "sorted": lambda: value.sort(descending=True).values,
            "by found": lambda: value[there][partner[there].argsort()],
            "partners": lambda: partner.to(value.dtype)}[give]()


def _partners(table: Tensor, found: Tensor, planted: Tensor, pick: str) -> Tensor:
    """Return the partner of each planted feature, chosen in this way, −1 for none."""
    partner, left = torch.full((len(table),), -1), table.detach().clone()
    if pick == "nearest":
        return left.argmax(1)
    if pick == "same row":
        n = min(left.shape)
        partner[:n] = torch.arange(n)
    elif pick in ("in order", "largest first"):
        for step in range(min(left.shape)):
            i = step if pick == "in order" else int(left.amax(1).argmax())
            partner[i] = left[i].argmax()
            left[:, partner[i]] = -math.inf
            left[i] = -math.inf
    else:
        by = {"size": lambda: left.abs(), "dot": lambda: planted @ found.T, "first": lambda: left[:, :len(planted)],
              "distance": lambda: -torch.cdist(planted, found)}.get(pick, lambda: left)()
        one, other = linear_sum_assignment(by.double().numpy(), maximize=pick != "smallest")
        partner[one] = torch.from_numpy(other)
    return partner


# ---- look -----------------------------------------------------------------------------------------------------------


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether these are cosines of the features at all, whether a partner counts twice, or what sum they reach."""
    if any(g[0].shape != w[0].shape for g, w in zip(got, want, strict=True)):
        return ""
    if any(bool((g[0].abs() > 1.001).any()) for g in got):
        return "Some numbers lie outside −1 to 1, and a cosine never does."
    if all(float((g[0].double() - w[0].double()).abs().max()) < 0.01 for g, w in zip(got, want, strict=True)):
        return ("Every number is less than 0.01 away from the right one. Is there rounding in it, half precision, or a "
                "small number added to the lengths?")
    if all(torch.allclose(g[0].double().sort().values, w[0].double().sort().values, atol=1e-4)
           for g, w in zip(got, want, strict=True)):
        return "The cosines are right, but not in the order of the planted features."
    off = 0
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        table = _table(*case.args).double()
        gap = (table - g.double()[:, None]).abs()
        here = gap.amin(1) < 1e-4
        if not bool((here | (g.abs() < 1e-6)).all()):
            off += 1
            continue
        partners = gap.argmin(1)[here].tolist()
        if len(set(partners)) < len(partners):
            return ("Each number is a cosine of its planted feature, but one found feature is the partner of several. "
                    "It may have one partner only.")
        if float(g.double().sum()) < float(w.double().sum()) - 1e-3:
            return (f"Each number is a cosine of its planted feature, but other pairs are better: with {case.text} the "
                    f"cosines add up to {float(g.sum()):.4g}, and {float(w.sum()):.4g} can be reached.")
    return ("Some numbers are no cosine of their planted feature to any found one." if off == len(cases) else "")


EXERCISE = Exercise(
    "matched_cosine", "5 · A partner of its own", "function", 2, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(2, 5, 6, 8, 9, 1, 4, 300), atol=1e-4,
    arguments=("found", "planted"),
    gives=(Form("float", "one cosine for each planted feature, shape (K,)", "planted feature"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`F.normalize(..., dim=1)` brings rows to length 1. The matrix product of the planted ones with the found "
           "ones, transposed, is the table of all cosines, (K, M).",
           "`linear_sum_assignment(table, maximize=True)` returns the rows and the columns of the best pairs.",
           "Start with `torch.zeros(len(planted))` and set it at these rows to the table's values at the pairs."),
    why="Each found feature counts once. An atom between two features, or many copies of one feature, cannot stand for "
        "several, so a high mean says that the features were found one by one.")
