"""What is wrong with results where the exercise states their form (`gives`), and where a result differs first."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.call import describe
from aecourse.check.engine.diagnose import all_nan, not_finite, recognise, shape_of, usual_mistake
from aecourse.check.engine.exercise import Case, Exercise, Form
from aecourse.check.engine.look import UNKNOWN, Parts, near, roughly
from aecourse.check.engine.returned import NUMBERS, alike, read, tidy
from aecourse.check.engine.words import many


def diagnose(exercise: Exercise, cases: list[Case], got: list[Parts], want: list[Parts], right: list[bool]) -> str:
    """Return the sentence for values or shapes that are wrong somewhere."""
    equal = _equal(exercise)
    telling = not all_nan(*([part for parts in values for part in parts] for values in (got, want)))
    if said := (recognise(exercise, cases, got, 1, equal) or _fixed(cases, got, want)
                or (recognise(exercise, cases, got, 2, equal) if telling else "")
                or usual_mistake(exercise, cases, got, want, right, equal)):
        return said
    special = [case.only for case, ok in zip(cases, right, strict=True) if not ok]
    if all(special):  # every input without an `only` came out right
        return special[0]
    if said := recognise(exercise, cases, got, 3, equal) if telling else "":
        return said
    for i in [i for i, ok in enumerate(right) if not ok]:
        for form, g, w in zip(exercise.gives, got[i], want[i], strict=True):
            if g.shape != w.shape:
                return _shape_says(form, g, w)
    usual = [i for i, case in enumerate(cases) if not case.only and not right[i]]
    for i in usual:
        for g in got[i]:
            if not torch.isfinite(g.double()).all():
                return not_finite(g, cases[i])
    mine, theirs = ([values[i] for i in usual] for values in (got, want))
    look = exercise.look([cases[i] for i in usual], mine, theirs) if exercise.look else ""
    return look or _factor(exercise, mine, theirs) or UNKNOWN


def known(exercise: Exercise, cases: list[Case], got: list[Parts]) -> str:
    """Return the sentence of the known mistake that gives these results."""
    return recognise(exercise, cases, got, 1, _equal(exercise))


def _equal(exercise: Exercise) -> Callable[[Parts, Any], bool]:
    return lambda mine, theirs: alike(exercise, mine, tidy(exercise, read(exercise, theirs, mine)[0]))


def _shape_says(form: Form, got: Tensor, want: Tensor) -> str:
    """Return what kind of wrong shape this is; both shapes differ for sure."""
    whose = f"Its `{form.name}` has" if form.name else "It returns"
    asked = f"it should {'be' if form.name else 'return'} {form.says}"
    if form.kind in NUMBERS:
        return f"{whose} a tensor of the shape {shape_of(got)}; {asked}."
    if got.dim() == want.dim() == 1:
        return (f"{whose} too {'many' if len(got) > len(want) else 'few'} numbers; {asked}. Here "
                f"{many(len(got), 'number')} came where there should be {len(want)}.")
    if got.dim() == want.dim() == 2 and near(got, want.T):
        return f"{whose} the shape {shape_of(got)}: rows and columns are swapped; {asked}."
    if got.dim() == 0:
        return f"{whose} one single number; {asked}."
    return f"{whose} the shape {shape_of(got)} where {shape_of(want)} is expected; {asked}."


def _fixed(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Return the sentence for an answer that does not look at its input."""
    first = got[0]
    if all(len(g) == len(first) and all(torch.equal(a.double(), b.double()) if a.shape == b.shape else False
                                        for a, b in zip(g, first, strict=True)) for g in got[1:]):
        return "It gives the same result for every input: does it use its arguments?"
    values = torch.cat([part.double().flatten() for parts in got for part in parts])
    wanted = torch.cat([part.double().flatten() for parts in want for part in parts])
    if len(values) > 3 and bool((values == values[0]).all()) and not bool((wanted == wanted[0]).all()):
        return f"Every number that it gives is {float(values[0]):.4g}, whatever the input."
    return ""


def _factor(exercise: Exercise, got: list[Parts], want: list[Parts]) -> str:
    """Return the sentence for one constant factor between all got and all expected values."""
    if len(exercise.gives) > 1 or exercise.gives[0].kind not in ("float", "share", "count"):
        return ""
    g = torch.cat([parts[0].double().flatten() for parts in got])
    w = torch.cat([parts[0].double().flatten() for parts in want])
    there = w.abs() > 10 * exercise.atol
    if there.sum() < 3 or (g[~there].abs() > 20 * exercise.atol).any():
        return ""
    ratio = g[there] / w[there]
    r = float(ratio.mean())
    if abs(r) < 1e-6 or float((ratio - r).abs().max()) > 3e-3 * abs(r):
        return ""
    if abs(r - 1) < 1e-3:
        return roughly([parts[0] for parts in got], [parts[0] for parts in want])
    return ("Everywhere your value is the right one with the wrong sign." if abs(r + 1) < 1e-3
            else f"Everywhere your value is {r:.4g} times the right one.")


# ---- what to show ---------------------------------------------------------------------------------------------------


def first_difference(exercise: Exercise, cases: list[Case], got: list[Parts], want: list[Parts],
                     right: list[bool]) -> str:
    """Return the smallest input on which a result differs, and what is expected there."""
    i = right.index(False)
    text = shown(exercise, cases[i])
    for form, g, w in zip(exercise.forms, got[i], want[i], strict=True):
        where = f"On {text}, `{form.name}`" if form.name else f"On {text}"
        if g.shape != w.shape:
            few = w.numel() <= 6 and g.numel() <= 12
            return _both(where, w, g) if few else (
                f"{where}: expected the shape {shape_of(w)}, got {shape_of(g)}.")
        if alike(exercise, (g,), (w,)):
            continue
        if w.dim() == 0 or (w.numel() <= 6 and exercise.gives):
            return _both(where, w, g)
        row = next(j for j in range(len(w)) if not alike(exercise, (g[j],), (w[j],)))
        where += f", {form.row} {row}" if len(w) > 1 else ""
        if w.dim() == 1 or w.shape[1] <= 4:
            return _both(where, w[row], g[row])
        column = next(j for j in range(w.shape[1]) if not alike(exercise, (g[row, j],), (w[row, j],)))
        return _both(f"{where}, number {column}", w[row, column], g[row, column])
    return f"On {text} it differs."


def shown(exercise: Exercise, case: Case) -> str:
    """Return how an input is named in a sentence."""
    return case.text or describe(exercise.arguments, case.args)


def _both(where: str, want: Tensor, got: Tensor) -> str:
    """Return both values as text, with so many digits that they do not look the same."""
    digits = next((n for n in (4, 6, 8) if _text(want, n) != _text(got, n)), 10)
    return f"{where}: expected {_text(want, digits)}, got {_text(got, digits)}."


def _text(value: Tensor, digits: int) -> str:
    if value.dim() == 0:
        return f"{value.item():.{digits}g}" if value.is_floating_point() else str(value.item())
    return "[" + ", ".join(_text(v, digits) for v in value) + "]"
