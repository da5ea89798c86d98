"""Answers that are functions: call them on fresh inputs, look at what comes back, compare it with the oracle's."""

import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aecourse.check.engine.call import arity, copied, count_calls, describe, run
from aecourse.check.engine.diagnose import diagnose, same, shape_of
from aecourse.check.engine.exercise import CORRECT, INCORRECT, Case, Exercise, Verdict


def check_function(exercise: Exercise, answer: Any, generator: torch.Generator) -> Verdict:
    """Return the verdict on a function of tensors."""
    cases = [exercise.draw(generator, size) for size in exercise.sizes]
    results, verdict = called(exercise, answer, cases)
    if verdict:
        return verdict
    expected = [exercise.oracle(*case.args) for case in cases]
    got, asides = [], {}
    for result, want in zip(results, expected, strict=True):
        tensor, trouble, aside = _as_tensor(result, want)
        if trouble:
            return Verdict(INCORRECT, trouble)
        got.append(tensor)
        asides.update(dict.fromkeys(aside))
    right = [same(exercise, g, w) for g, w in zip(got, expected, strict=True)]
    if not all(right):
        if trouble := _unsteady(exercise, answer, cases, got):
            return Verdict(INCORRECT, trouble)
        says = diagnose(exercise, cases, got, expected, right)
        if any(g.shape != w.shape for g, w in zip(got, expected, strict=True)):
            asides = {}  # the shape is the matter; that of a batch of one is no second one
        return Verdict(INCORRECT, says, "\n".join([_first_difference(exercise, cases, got, expected, right), *asides]))
    if asides:
        return Verdict(INCORRECT, "The values are right, one thing is not: " + " ".join(asides))
    if trouble := _unsteady(exercise, answer, cases, got) or gradients(exercise, answer, cases):
        return Verdict(INCORRECT, trouble)
    return Verdict(CORRECT, f"It agrees with another way of computing it, on {len(cases)} fresh inputs.",
                   one_at_a_time(exercise, answer, generator))


def called(exercise: Exercise, answer: Any, cases: list[Case]) -> tuple[list, Verdict | None]:
    """Return what a function gives on each input, or the verdict on one that raises or changes its input."""
    results = []
    for case in cases:
        args = copied(case.args)
        shown = describe(exercise.arguments, args)
        ran = run(answer, *args, name=exercise.name, shown=shown)
        if ran.trouble:
            return [], Verdict(INCORRECT, ran.trouble + exercise.advice(ran.error))
        changed = [name for name, before, after in zip(exercise.arguments, case.args, args, strict=True)
                   if isinstance(before, Tensor) and not _identical(before, after)]
        if changed:
            return [], Verdict(INCORRECT, f"It changes its input `{changed[0]}` in place, so whoever calls it finds "
                                          "other numbers in it afterwards. Compute a new tensor, or work on a "
                                          "`.clone()`: no `-=`, no `name[...] =`, no function that ends in `_`.")
        results.append(ran.value)
    return results, None


def wrong_kind(exercise: Exercise, answer: Any) -> str:
    """Return the sentence for an answer that is no function, or nothing."""
    give = f"Give the function itself, without calling it: `check.{exercise.name}({exercise.name})`."
    if isinstance(answer, type):
        return f"This is a class, and the exercise asks for a function. {give}"
    if not callable(answer):
        what = "a tensor" if isinstance(answer, Tensor) else f"of the type {type(answer).__name__}"
        return f"This is {what}, and the exercise asks for a function. {give}"
    if inspect.isgeneratorfunction(answer) or inspect.iscoroutinefunction(answer):
        return "It is a generator or a coroutine (there is a `yield` or an `async` in it): `return` the result instead."
    return arity(answer, exercise.arguments)


# ---- what came back -------------------------------------------------------------------------------------------------


def _as_tensor(result: Any, want: Tensor) -> tuple[Tensor, str, list[str]]:
    """Return the result as a detached tensor, or a sentence that ends the check, and remarks that go beside it."""
    nothing = torch.empty(0)
    if result is None:
        return nothing, "It returns None: is the `return` missing?", []
    if result is Ellipsis:
        return nothing, "It returns `...`, the placeholder: put your own value there.", []
    aside = []
    if isinstance(result, (np.ndarray, np.generic)):
        if result.dtype.kind not in "biuf":
            return nothing, f"It returns an array of the type {result.dtype}; a tensor of numbers is asked for.", []
        aside.append("It returns a NumPy array. Stay in torch: NumPy cuts the graph, and no gradient would flow.")
        result = torch.as_tensor(result)
    elif isinstance(result, (bool, int, float)):
        aside.append("It returns a Python number, so no gradient can flow: return a tensor, without `.item()` or "
                     "`float()`.")
        result = torch.tensor(float(result))
    elif isinstance(result, (list, tuple)):
        try:
            result = torch.stack([torch.as_tensor(r) for r in result])
        except (TypeError, ValueError, RuntimeError):
            return nothing, (f"It returns a {type(result).__name__} of {len(result)}; a tensor of shape "
                             f"{shape_of(want)} is asked for."), []
        aside.append("It returns a Python list or tuple; a tensor is asked for.")
    elif not isinstance(result, Tensor):
        return nothing, f"It returns a {type(result).__name__}; a tensor of shape {shape_of(want)} is asked for.", []
    result = result.detach()
    if result.is_complex() or result.layout != torch.strided:
        return nothing, f"It returns a {dtype_of(result)} tensor, {result.layout}; a plain one is asked for.", []
    if result.device != want.device:
        return nothing, (f"Its result lies on the device {result.device}, its inputs on {want.device}: compute where "
                         "the inputs are, without `.cuda()` or `.to(...)`."), []
    if not result.is_floating_point():
        aside.append(f"Its result has the type {dtype_of(result)}; float32 is asked for.")
    elif result.dtype != torch.float32:
        aside.append(f"Its result is {dtype_of(result)} although the inputs are float32: some tensor or `.double()` "
                     f"inside is {dtype_of(result)}. The course stays in float32.")
    if result.shape != want.shape and result.numel() == want.numel() and want.dim() == 1 and result.dim() <= 2:
        if result.dim() == 2:
            if len(want) > 1:
                form = "(B, 1)" if result.shape[1] == 1 else "(1, B)"
                aside.append(f"Its shape is {form}; one number per image has the shape (B,).")
        elif not aside:
            aside.append("It returns a single number for a batch of one image; one number per image has the shape "
                         "(1,).")
        result = result.reshape(want.shape)
    return result, "", aside


# ---- values are right: the rest -------------------------------------------------------------------------------------


def _unsteady(exercise: Exercise, answer: Any, cases: list[Case], got: list[Tensor]) -> str:
    """Return the sentence for a function that gives something else when it is called again."""
    for case, first in zip(cases, got, strict=True):
        again = run(answer, *copied(case.args), name=exercise.name)
        if again.trouble:
            return again.trouble
        if not same(exercise, _as_tensor(again.value, first)[0], first):
            return ("Called twice on the same input it gives two results: is there noise in it, or does it remember "
                    "an earlier call?")
    return ""


def gradients(exercise: Exercise, answer: Any, cases: list[Case]) -> str:
    """Return the sentence for right values with no or a wrong gradient; on extreme inputs any finite one will do."""
    for case in cases if exercise.gradients else ():
        shown = describe(exercise.arguments, case.args)
        mine = run(_slopes, exercise, answer, case, name=exercise.name, shown=f"{shown}, which require gradients")
        if mine.trouble:
            return mine.trouble
        theirs = _slopes(exercise, exercise.oracle, case)
        for i, slope, right in zip(exercise.gradients, mine.value, theirs, strict=True):
            name = exercise.arguments[i]
            if slope is None:
                return (f"The values are right, but they are cut off from `{name}`: no gradient flows back, and "
                        "training would not move. Look for `.detach()`, `.item()`, `.data`, `torch.tensor(...)` or "
                        "`no_grad()`.")
            if not torch.isfinite(slope).all():
                return f"The values are right, but the gradient is NaN or inf on {case.text or 'one of the inputs'}."
            atol = 1e-3 * float(right.abs().max()) + 1e-6
            if not case.only and not torch.allclose(slope.double(), right.double(), rtol=1e-3, atol=atol):
                return ("The values are right, but the gradient is not: a part of the formula is cut off from the "
                        "graph, by `.detach()`, `.data` or a number taken out with `.item()`.")
    return ""


def _slopes(exercise: Exercise, function: Any, case: Case) -> list[Tensor | None]:
    args = copied(case.args, exercise.gradients)
    value = function(*args)
    if not value.requires_grad:
        return [None for _ in exercise.gradients]
    return [_slope(value.sum(), args[i]) for i in exercise.gradients]


def _slope(value: Tensor, of: Any) -> Tensor | None:
    """Return the gradient with respect to a tensor, or to all parameters of a network; None where none flows."""
    wanted = list(of.parameters()) if isinstance(of, nn.Module) else [of]
    found = torch.autograd.grad(value, wanted, retain_graph=True, allow_unused=True)
    if all(slope is None for slope in found):
        return None
    return torch.cat([torch.zeros_like(w).flatten() if slope is None else slope.flatten()
                      for w, slope in zip(wanted, found, strict=True)])


def one_at_a_time(exercise: Exercise, answer: Any, generator: torch.Generator) -> str:
    """Return advice where a right function visits the images one by one: its calls into torch grow with the batch.

    Indices may be taken out as numbers (a loop over clusters is no loop over images), images and losses not.
    """
    sizes, growth = ((24, 72), 40) if exercise.gives else ((4, 24), 20)  # clusters and steps may grow a little too
    few, many = (exercise.draw(generator, size) for size in sizes)
    ran = run(lambda: [count_calls(answer, copied(case.args)) for case in (few, many)], name=exercise.name)
    if ran.trouble:
        return ""
    less, more = ran.value
    numbers = not exercise.gives and ("tolist" in more or "numpy" in more)
    if numbers or len(more) - len(less) >= growth:
        return ("One piece of advice: it goes through the images one at a time. On whole tensors, without a Python "
                "loop, the same formula runs a hundred times faster.")
    return ""


# ---- what to show ---------------------------------------------------------------------------------------------------


def _first_difference(exercise: Exercise, cases: list[Case], got: list[Tensor], want: list[Tensor],
                      right: list[bool]) -> str:
    i = right.index(False)
    text = cases[i].text or describe(exercise.arguments, cases[i].args)
    if got[i].shape != want[i].shape:
        return f"On {text}: expected the shape {shape_of(want[i])}, got {shape_of(got[i])}."
    wrong = [j for j in range(len(want[i])) if not same(exercise, got[i][j], want[i][j])] or [0]
    where = f", image {wrong[0]}" if len(want[i]) > 1 else ""
    return f"On {text}{where}: expected {_number(want[i][wrong[0]])}, got {_number(got[i][wrong[0]])}."


def _number(value: Tensor) -> str:
    return f"{float(value):.6g}"


def dtype_of(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _identical(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a.detach(), b.detach())
