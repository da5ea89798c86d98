"""Answers that are functions of another form than one number per image: indices, tables, plain numbers, several things.

What comes back is stated by the exercise's `Form`s. Whole numbers are compared exactly, others up to rounding.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.call import copied, describe, run
from aecourse.check.engine.diagnose import recognise, same, shape_of
from aecourse.check.engine.exercise import CORRECT, INCORRECT, Case, Exercise, Form, Verdict
from aecourse.check.engine.values import called, dtype_of, gradients, one_at_a_time

Parts = tuple[Tensor, ...]
_UNKNOWN = ("The form is right, the values are not, and it is none of the usual mistakes. Work the input below out by "
            "hand and compare step by step.")
_NUMBERS = ("count", "share")


def check_results(exercise: Exercise, answer: Any, generator: torch.Generator) -> Verdict:
    """Return the verdict on a function that returns what the exercise's forms say."""
    cases = [exercise.draw(generator, size) for size in exercise.sizes]
    results, verdict = called(exercise, answer, cases)
    if verdict:
        return verdict
    want = [_tidy(exercise, _together(exercise.oracle(*case.args))) for case in cases]
    got, asides, advice = [], {}, {}
    for result, right in zip(results, want, strict=True):
        parts, trouble, aside, hint = take(exercise, result, right)
        if trouble:
            return Verdict(INCORRECT, trouble + exercise.advice(trouble))
        got.append(_tidy(exercise, parts))
        asides.update(dict.fromkeys(aside))
        advice.update(dict.fromkeys(hint))
    right = [alike(exercise, g, w) for g, w in zip(got, want, strict=True)]
    if not all(right):
        if any(g.shape != w.shape for parts in zip(got, want, strict=True) for g, w in zip(*parts, strict=True)):
            asides = [aside for aside in asides if "dimension" in aside]  # the shape is the matter; types come later
        says = _unsteady(exercise, answer, cases, got, want) or _diagnose(exercise, cases, got, want, right)
        return Verdict(INCORRECT, says, "\n".join([_first_difference(exercise, cases, got, want, right), *asides]))
    if asides:
        return Verdict(INCORRECT, "The values are right, one thing is not: " + " ".join(asides))
    if trouble := _unsteady(exercise, answer, cases, got, want) or gradients(exercise, answer, cases):
        return Verdict(INCORRECT, trouble)
    return Verdict(CORRECT, f"It agrees with another way of computing it, on {len(cases)} fresh inputs.",
                   "\n".join(filter(None, [*advice, one_at_a_time(exercise, answer, generator)])))


def alike(exercise: Exercise, got: Parts, want: Parts) -> bool:
    """Return whether all parts have the same shape and the same values; NaN equals NaN, as in `diagnose.same`."""
    return len(got) == len(want) and all(
        same(exercise, g, w) if w.is_floating_point() else torch.equal(g.double(), w.double())
        for g, w in zip(got, want, strict=True))


# ---- what came back -------------------------------------------------------------------------------------------------


def take(exercise: Exercise, result: Any, want: Parts) -> tuple[Parts, str, list[str], list[str]]:
    """Return the result as detached tensors, a sentence that ends the check, remarks beside it, and advice."""
    forms = exercise.gives
    if result is None:
        return (), "It returns None: is the `return` missing?", [], []
    if result is Ellipsis:
        return (), "It returns `...`, the placeholder: put your own value there.", [], []
    if len(forms) > 1:
        values, trouble = _apart(result, forms, want)
        if trouble:
            return (), trouble, [], []
    else:
        values = [result]
    parts, asides, advice = [], [], []
    for form, value, right in zip(forms, values, want, strict=True):
        part, trouble, aside, hint = _one(form, value, right)
        if trouble:
            return (), trouble, [], []
        parts.append(part)
        asides += aside
        advice += hint
    return tuple(parts), "", asides, advice


def _apart(result: Any, forms: tuple[Form, ...], want: Parts) -> tuple[list, str]:
    """Return the several things that a function gives, or the sentence where there are not so many."""
    names = ", ".join(form.name for form in forms)
    if isinstance(result, (Tensor, np.ndarray)):
        if result.ndim == want[0].dim() + 1 and len(result) == len(forms):  # it can be unpacked, so it is no mistake
            return list(result), ""
        return [], (f"It returns one {'tensor' if isinstance(result, Tensor) else 'array'}, shape "
                    f"{tuple(result.shape)}; {len(forms)} are asked for: `return {names}`.")
    if not isinstance(result, (tuple, list)):
        return [], f"It returns a {type(result).__name__}; {len(forms)} tensors are asked for: `return {names}`."
    if len(result) != len(forms):
        return [], f"It returns a {type(result).__name__} of {len(result)}; {len(forms)} are asked for: `{names}`."
    return list(result), ""


def _one(form: Form, value: Any, want: Tensor) -> tuple[Tensor, str, list[str], list[str]]:
    of = f"Its `{form.name}`" if form.name else "It"
    verb = "is" if form.name else "returns"
    nothing = torch.empty(0)
    should = f"it should {'be' if form.name else 'return'} {form.says}"
    if value is None:
        return nothing, f"{of} {verb} None; {should}.", [], []
    if isinstance(value, tuple) and hasattr(value, "indices") and hasattr(value, "values"):
        return nothing, (f"{of} {verb} what `.min(...)` or `.max(...)` gives, values and indices together: take one of "
                         f"them, `.indices` or `.values`. {should[0].upper()}{should[1:]}."), [], []
    asides, advice = [], []
    tensor = value
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind not in "biuf":
            return nothing, f"{of} {verb} an array of the type {value.dtype}; {should}.", [], []
        if form.kind not in _NUMBERS:
            asides.append(f"{of} {verb} a NumPy array; stay in torch, so that it fits to the other tensors.")
        tensor = torch.as_tensor(value.copy() if isinstance(value, np.ndarray) else value.item())
    elif isinstance(value, (bool, int, float)):
        tensor = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
        if form.kind not in _NUMBERS:
            asides.append(f"{of} {verb} a Python number; a tensor is asked for.")
    elif isinstance(value, (list, tuple)) and form.kind not in _NUMBERS:
        try:
            tensor = torch.stack([torch.as_tensor(v) for v in value]) if value else torch.empty(0)
        except (TypeError, ValueError, RuntimeError):
            return nothing, f"{of} {verb} a {type(value).__name__} of {len(value)}; {should}.", [], []
        asides.append(f"{of} {verb} a Python {type(value).__name__}; a tensor is asked for.")
    elif not isinstance(value, Tensor):
        return nothing, f"{of} {verb} a {type(value).__name__}; {should}.", [], []
    tensor = tensor.detach()
    if tensor.device != want.device:
        return nothing, (f"{of} lies on the device {tensor.device}, its inputs on {want.device}: compute where "
                         "the inputs are, without `.cuda()` or `.to(...)`."), [], []
    if tensor.is_complex() or tensor.layout != torch.strided:
        return nothing, f"{of} {verb} a {dtype_of(tensor)} tensor, {tensor.layout}; a plain one is asked for.", [], []
    if form.kind in _NUMBERS:
        if tensor.numel() == 1 and tensor.dim() <= 2:
            tensor = tensor.reshape(())
        if form.kind == "count" and tensor.is_floating_point() and tensor.numel() == 1:
            advice.append("One piece of advice: it returns a float, and a count is an `int`, so that `range(...)` "
                          "takes it. `math.ceil` gives one, and so does `//`.")
    elif not asides and dtype_of(tensor) != form.kind and not (form.kind == "float" and tensor.is_floating_point()):
        asides.append(_type_says(of, form, tensor))
    if want.dim() == 1 and tensor.shape != want.shape and (
            tensor.numel() == want.numel() or (tensor.dim() == 2 and tensor.shape[1] == 1)):
        if tensor.dim() == 2:
            asides.append(f"{of} has one dimension too many; {should}: `.squeeze(1)` or `.flatten()`.")
        elif tensor.dim() == 0:
            asides.append(f"{of} has no dimension left where there is one {form.row} only: `.squeeze()` without a "
                          "dimension takes away too much.")
        tensor = tensor.flatten()
    return tensor, "", asides, advice


def _type_says(of: str, form: Form, tensor: Tensor) -> str:
    whose = of.replace("It", "Its result", 1) if of == "It" else of
    if form.kind == "int64":
        empty = " An empty list becomes float32 in `torch.tensor([])`." if not tensor.numel() else ""
        return (f"{whose} has the type {dtype_of(tensor)}; it should be int64, the type that torch takes for an index "
                f"and for a label.{empty}")
    kind = "float32" if form.kind == "float" else form.kind
    return f"{whose} has the type {dtype_of(tensor)}; it should be {kind}, as the inputs are."


def _together(value: Any) -> Parts:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(v.detach() if isinstance(v, Tensor) else
                 torch.tensor(v, dtype=torch.float64 if isinstance(v, float) else None) for v in values)


def _tidy(exercise: Exercise, parts: Parts) -> Parts:
    return exercise.tidy(parts) if exercise.tidy else parts


# ---- what kind of mistake -------------------------------------------------------------------------------------------


def _diagnose(exercise: Exercise, cases: list[Case], got: list[Parts], want: list[Parts], right: list[bool]) -> str:
    """Return the sentence for values or shapes that are wrong somewhere."""
    def equal(mine: Parts, theirs: Any) -> bool:
        parts, trouble, *_ = take(exercise, theirs, mine)
        return not trouble and alike(exercise, mine, _tidy(exercise, parts))

    if known := (recognise(exercise, cases, got, 1, equal) or _fixed(cases, got, want)
                 or recognise(exercise, cases, got, 2, equal)):
        return known
    special = [case.only for case, ok in zip(cases, right, strict=True) if not ok]
    if all(special):  # every input without an `only` came out right
        return special[0]
    if known := recognise(exercise, cases, got, 3, equal):
        return known
    for i in [i for i, ok in enumerate(right) if not ok]:
        for form, g, w in zip(exercise.gives, got[i], want[i], strict=True):
            if g.shape != w.shape:
                return _shape_says(form, g, w)
    usual = [i for i, case in enumerate(cases) if not case.only and not right[i]]
    for i in usual:
        for g in got[i]:
            if not torch.isfinite(g.double()).all():
                return (f"It gives {'NaN' if torch.isnan(g).any() else 'inf'} on {cases[i].text or 'an input'}: look "
                        "for a division by 0, or a logarithm, root or arc cosine of a number that has none.")
    chosen = [[values[i] for i in usual] for values in (cases, got, want)]
    return (exercise.look(*chosen) if exercise.look else "") or _factor(exercise, *chosen[1:]) or _UNKNOWN


def _shape_says(form: Form, got: Tensor, want: Tensor) -> str:
    """Return what kind of wrong shape this is; both shapes differ for sure."""
    whose = f"Its `{form.name}` has" if form.name else "It returns"
    asked = f"it should {'be' if form.name else 'return'} {form.says}"
    if form.kind in _NUMBERS:
        return f"{whose} a tensor of the shape {shape_of(got)}; {asked}."
    if got.dim() == want.dim() == 1:
        return f"{whose} {len(got)} numbers where there should be {len(want)}; {asked}."
    if got.dim() == want.dim() == 2 and got.shape == want.T.shape:
        return f"{whose} the shape {shape_of(got)}: rows and columns are swapped; {asked}."
    if got.dim() == 0:
        return f"{whose} one single number; {asked}."
    return f"{whose} the shape {shape_of(got)} where {shape_of(want)} is expected; {asked}."


def _fixed(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Return the sentence for an answer that does not look at its input."""
    first = got[0]
    if all(len(g) == len(first) and all(torch.equal(a.double(), b.double()) if a.shape == b.shape else False
                                        for a, b in zip(g, first, strict=True)) for g in got[1:]):
        return ("It gives the same result for every input: does it use its arguments, and is nothing cut off at the "
                "end (`//`, `int(...)`)?")
    values = torch.cat([part.double().flatten() for parts in got for part in parts])
    wanted = torch.cat([part.double().flatten() for parts in want for part in parts])
    if len(values) > 3 and bool((values == values[0]).all()) and not bool((wanted == wanted[0]).all()):
        return f"Every number that it gives is {float(values[0]):.4g}, whatever the input."
    return ""


def _factor(exercise: Exercise, got: list[Parts], want: list[Parts]) -> str:
    """Return the sentence for one constant factor between all got and all expected values."""
    if len(exercise.gives) > 1 or exercise.gives[0].kind not in ("float32", "float", "share", "count"):
        return ""
    g = torch.cat([parts[0].double().flatten() for parts in got])
    w = torch.cat([parts[0].double().flatten() for parts in want])
    there = w.abs() > 10 * exercise.atol
    if there.sum() < 2 or (g[~there].abs() > 20 * exercise.atol).any():
        return ""
    ratio = g[there] / w[there]
    r = float(ratio.mean())
    if abs(r) < 1e-6 or float((ratio - r).abs().max()) > 3e-3 * abs(r):
        return ""
    if abs(r - 1) < 1e-3:
        return "Your values are right in their first digits only: is something rounded on the way, or of low precision?"
    return (f"Everywhere your value is {r:.4g} times the right one: the form is right, one factor is not." if r != -1
            else "Everywhere your value is the right one with the wrong sign.")


def _unsteady(exercise: Exercise, answer: Any, cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Return the sentence for a function that gives something else when it is called again."""
    for case, first, right in zip(cases, got, want, strict=True):
        again = run(answer, *copied(case.args), name=exercise.name)
        if again.trouble:
            return again.trouble
        parts, trouble, *_ = take(exercise, again.value, right)
        if trouble or not alike(exercise, _tidy(exercise, parts), first):
            return ("Called twice on the same input it gives two results: is there chance in it, or does it remember "
                    "an earlier call?")
    return ""


# ---- what to show ---------------------------------------------------------------------------------------------------


def _first_difference(exercise: Exercise, cases: list[Case], got: list[Parts], want: list[Parts],
                      right: list[bool]) -> str:
    i = right.index(False)
    text = cases[i].text or describe(exercise.arguments, cases[i].args)
    for form, g, w in zip(exercise.gives, got[i], want[i], strict=True):
        of = f", `{form.name}`" if form.name else ""
        if g.shape != w.shape:
            few = w.numel() <= 6 and g.numel() <= 12
            return (f"On {text}{of}: expected {_list(w)}, got {_list(g)}." if few else
                    f"On {text}{of}: expected the shape {shape_of(w)}, got {shape_of(g)}.")
        if alike(exercise, (g,), (w,)):
            continue
        if w.dim() == 0 or w.numel() <= 6:
            return f"On {text}{of}: expected {_list(w)}, got {_list(g)}."
        row = next(j for j in range(len(w)) if not alike(exercise, (g[j],), (w[j],)))
        where = f", {form.row} {row}"
        if w.dim() == 1 or w.shape[1] <= 4:
            return f"On {text}{of}{where}: expected {_list(w[row])}, got {_list(g[row])}."
        column = next(j for j in range(w.shape[1]) if not alike(exercise, (g[row, j],), (w[row, j],)))
        return f"On {text}{of}{where}, number {column}: expected {_list(w[row, column])}, got {_list(g[row, column])}."
    return f"On {text} it differs."


def _list(value: Tensor) -> str:
    if value.dim() == 0:
        return f"{value.item():.4g}" if value.is_floating_point() else str(value.item())
    return "[" + ", ".join(_list(v) for v in value) + "]"
