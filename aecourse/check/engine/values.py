"""Answers that are functions: call them on fresh inputs, look at what comes back, compare it with the oracle's."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from aecourse.check.engine import diagnose as numbers
from aecourse.check.engine import diagnose_forms
from aecourse.check.engine.call import arity, copied, count_calls, describe, run
from aecourse.check.engine.exercise import CORRECT, INCORRECT, Case, Exercise, Verdict
from aecourse.check.engine.look import Parts
from aecourse.check.engine.returned import Unreadable, alike, read, tidy, together


def check_function(exercise: Exercise, answer: Any, generator: torch.Generator) -> Verdict:
    """Return the verdict on a function that returns what the exercise's forms say."""
    cases = [exercise.draw(generator, size) for size in exercise.sizes]
    returned, trouble = _called(exercise, answer, cases)
    called = cases[: len(returned)]  # not all, where one raised
    want = [tidy(exercise, together(exercise.oracle(*case.args))) for case in called]
    got: list[Parts] = []
    remarks, advice = [], []
    for case, result, wanted in zip(called, returned, want, strict=True):
        try:
            parts, more, hints = read(exercise, result, wanted, case.args)
        except Unreadable as error:
            seen = f"So it is on {diagnose_forms.shown(exercise, case)}." if got else ""
            trouble = Verdict(INCORRECT, f"{error}{exercise.advice(str(error))}", seen)
            break
        got.append(tidy(exercise, parts))
        remarks += more
        advice += hints
    if trouble:
        extreme = bool(cases[len(got)].only)
        return (_before(exercise, cases[: len(got)], got, want[: len(got)]) if extreme else None) or trouble
    right = [alike(exercise, g, w) for g, w in zip(got, want, strict=True)]
    if not all(right):
        says = _unsteady(exercise, answer, cases, got, want) or _diagnosed(exercise, cases, got, want, right)
        if any(g.shape != w.shape for parts in zip(got, want, strict=True) for g, w in zip(*parts, strict=True)):
            remarks = [remark for remark in remarks if "too many" in remark]  # the shape is the matter; types later
        shown = diagnose_forms.first_difference(exercise, cases, got, want, right)
        return Verdict(INCORRECT, says, _lines(shown, *remarks))
    if remarks:
        said = [r for r in dict.fromkeys(remarks) if not any(r != o and r.startswith(o) for o in remarks)]
        what = "one thing is not" if len(said) == 1 else "some things are not"
        return Verdict(INCORRECT, f"The values are right, {what}: {' '.join(said)}")
    if says := _unsteady(exercise, answer, cases, got, want) or gradients(exercise, answer, cases):
        return Verdict(INCORRECT, says)
    return Verdict(CORRECT, f"It agrees with another way of computing it, on {len(cases)} fresh inputs.",
                   _lines(*advice, one_at_a_time(exercise, answer, generator)))


def _diagnosed(exercise: Exercise, cases: list[Case], got: list[Parts], want: list[Parts], right: list[bool]) -> str:
    if exercise.gives:
        return diagnose_forms.diagnose(exercise, cases, got, want, right)
    return numbers.diagnose(exercise, cases, [parts[0] for parts in got], [parts[0] for parts in want], right)


def _before(exercise: Exercise, cases: list[Case], got: list[Parts], want: list[Parts]) -> Verdict | None:
    """Return the verdict on an answer that fails on an extreme input and makes a known mistake on those before it."""
    right = [alike(exercise, g, w) for g, w in zip(got, want, strict=True)]
    if all(right) or len(cases) < 2:  # one input may look like a mistake by chance
        return None
    if exercise.gives:
        says = diagnose_forms.known(exercise, cases, got)
    else:
        says = numbers.recognise(exercise, cases, [parts[0] for parts in got], 1)
    if not says:
        return None
    return Verdict(INCORRECT, says, diagnose_forms.first_difference(exercise, cases, got, want, right))


def _lines(*lines: str) -> str:
    return "\n".join(dict.fromkeys(filter(None, lines)))


def _called(exercise: Exercise, answer: Any, cases: list[Case]) -> tuple[list, Verdict | None]:
    """Return what a function gives on each input up to the first on which it raises, and the verdict on that one.

    Nothing that it gives counts where it changes an input.
    """
    returned: list[Any] = []
    for case in cases:
        args = copied(case.args)
        shown = describe(exercise.arguments, args)
        ran = run(answer, *args, name=exercise.name, shown=shown)
        if ran.trouble:
            return returned, Verdict(INCORRECT, ran.trouble + exercise.advice(ran.error))
        changed = [name for name, before, after in zip(exercise.arguments, case.args, args, strict=True)
                   if isinstance(before, Tensor) and not _identical(before, after)]
        if changed:
            return [], Verdict(INCORRECT, f"It changes its input `{changed[0]}` in place, so it is another one "
                                          "after the call. Compute a new tensor, or work on a "
                                          "`.clone()`: no `-=`, no `name[...] =`, no function that ends in `_`.")
        returned.append(ran.value)
    return returned, None


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


# ---- the rest --------------------------------------------------------------------------------------------------------


def _unsteady(exercise: Exercise, answer: Any, cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Return the sentence for a function that gives something else when it is called again."""
    for case, first, right in zip(cases, got, want, strict=True):
        again = run(answer, *copied(case.args), name=exercise.name)
        if again.trouble:
            return again.trouble
        try:
            steady = alike(exercise, tidy(exercise, read(exercise, again.value, right)[0]), first)
        except Unreadable:
            steady = False
        if not steady:
            return ("Called twice on the same input it gives two results: is there chance in it, or does it remember "
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
                return (f"The values are right, but they are cut off from `{name}`: no gradient reaches it. Look for "
                        "`.detach()`, `.item()`, `.data`, `torch.tensor(...)` or `no_grad()`.")
            if not torch.isfinite(slope).all():
                return f"The values are right, but the gradient is NaN or inf on {case.text or 'one of the inputs'}."
            assert right is not None  # every gradient that is asked for flows through the oracle
            atol = 1e-3 * float(right.abs().max()) + 1e-6
            if not case.only and not torch.allclose(slope.double(), right.double(), rtol=1e-3, atol=atol):
                return (f"The values are right, but the gradient of `{name}` is not. Is a part of the formula "
                        "cut off from the graph, by `.detach()`, `.data` or `.item()`, or held still by a clamp?")
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
    numbers = not exercise.gives and "tolist" in more
    if numbers or len(more) - len(less) >= growth:
        return (f"One piece of advice: it goes through the {exercise.forms[0].row}s one at a time. On whole tensors, "
                "without a Python loop, the same formula runs a hundred times faster.")
    return ""


def _identical(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a.detach(), b.detach())
