"""Which mistake do wrong values look like? First the known ones, then factors, terms and constants that are off.

`recognise` finds known mistakes in results of any form; the rest is for one number per image.
"""

import math
import time
from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.call import copied, quiet
from aecourse.check.engine.exercise import Case, Exercise
from aecourse.check.engine.look import UNKNOWN, off_terms, roughly

PATIENCE = 1.0  # seconds, for the combinations of so many mistakes; of computing, so that a busy machine says the same


def same(exercise: Exercise, got: Tensor, want: Tensor) -> bool:
    """Return whether two results agree, up to rounding; NaN equals NaN, so that mistakes with NaN are recognised."""
    return got.shape == want.shape and torch.allclose(
        got.double(), want.double(), rtol=exercise.rtol, atol=exercise.atol, equal_nan=True)


def diagnose(exercise: Exercise, cases: list[Case], got: list[Tensor], want: list[Tensor], right: list[bool]) -> str:
    """Return the sentence for values or shapes that are wrong somewhere."""
    telling = not all_nan(got, want)
    if known := (recognise(exercise, cases, got, 1) or (recognise(exercise, cases, got, 2) if telling else "")
                 or usual_mistake(exercise, cases, got, want, right)):
        return known
    special = [case.only for case, ok in zip(cases, right, strict=True) if not ok]
    if all(special):  # every input without an `only` came out right
        return special[0]
    if known := recognise(exercise, cases, got, 3) if telling else "":
        return known
    if any(g.shape != w.shape for g, w in zip(got, want, strict=True)):
        return _shapes(exercise, cases, got, want)
    for case, g, w in zip(cases, got, want, strict=True):
        if not case.only and not torch.isfinite(g).all() and torch.isfinite(w).all():
            return not_finite(g, case)
    # Inputs with a sentence of their own are extreme; on the others the pattern shows.
    usual = [i for i, case in enumerate(cases) if not case.only]
    g, w = torch.cat([got[i] for i in usual]).double(), torch.cat([want[i] for i in usual]).double()
    return (_ratio(exercise, cases, got, want, usual) or _parts(exercise, [cases[i] for i in usual], g)
            or _offset(exercise, [got[i] for i in usual], [want[i] for i in usual])
            or roughly([got[i] for i in usual], [want[i] for i in usual]) or UNKNOWN)


def recognise(exercise: Exercise, cases: list[Case], got: list, count: int,
              equal: Callable[[Any, Any], bool] | None = None, want: list | None = None) -> str:
    """Return the sentences of the so many known mistakes that, made together, give the same values on every input.

    ``equal(value, theirs)`` compares a value of ``got`` with what a mistake returns; without it both are tensors. With
    ``want`` a mistake that gives the right values on all of these inputs is no cause.
    Several are looked for no longer than a learner waits.
    """
    equal = equal or partial(_alike, exercise)
    end = time.thread_time() + (PATIENCE if count > 1 else math.inf)
    with quiet():  # once: there may be thousands of combinations
        for mistakes in combinations(exercise.mistakes, count):
            if time.thread_time() > end:
                break
            wrong = exercise.wrong(*mistakes)
            if wrong is not None and _behaves_as(wrong, cases, got, equal) and not (
                    want and _behaves_as(wrong, cases, want, equal)):
                if count == 1:
                    return mistakes[0].says
                sentences = " ".join(f"{i}. {m.says}" for i, m in enumerate(mistakes, 1))
                return f"{'Two' if count == 2 else 'Three'} things at once. {sentences}"
    return ""


def usual_mistake(exercise: Exercise, cases: list[Case], got: list, want: list, right: list[bool],
                  equal: Callable[[Any, Any], bool] | None = None) -> str:
    """Return the sentence of the mistake that gives the same values on every input without an ``only``.

    On the others, which are extreme, an answer may fail in a way of its own. Nothing is returned where all of the usual
    inputs come out right.
    """
    usual = [i for i, case in enumerate(cases) if not case.only]
    if len(usual) == len(cases) or all(right[i] for i in usual):
        return ""
    return recognise(exercise, [cases[i] for i in usual], [got[i] for i in usual], 1, equal, [want[i] for i in usual])


def not_finite(got: Tensor, case: Case) -> str:
    """Return the sentence for values that are no numbers, where numbers are asked for."""
    what = "NaN" if torch.isnan(got).any() else "inf"
    return (f"It gives {what} on {case.text or 'this input'}: look for a division by 0, a logarithm, root or arc "
            "cosine of a number that has none, inf minus inf, or a number too large for its type.")


def all_nan(got: list[Tensor], want: list[Tensor]) -> bool:
    """Return whether the shapes are right and no value is a number: any mistakes of which one gives NaN would do."""
    return all(g.shape == w.shape and g.numel() > 0 and bool(g.isnan().all()) for g, w in zip(got, want, strict=True))


def _behaves_as(wrong: Any, cases: list[Case], got: list, equal: Callable) -> bool:
    try:
        return all(equal(value, wrong(*copied(case.args))) for case, value in zip(cases, got, strict=True))
    except Exception:  # mistakes that cannot be made together
        return False


def _alike(exercise: Exercise, value: Tensor, theirs: Any) -> bool:
    if not isinstance(theirs, Tensor):
        return False
    theirs = theirs.detach().reshape(value.shape) if value.numel() == theirs.numel() == 1 else theirs.detach()
    return same(exercise, value, theirs)


_FACTORS = {
    2.0: "Everywhere your value is exactly twice the right one: a ½ is missing, or something is counted twice.",
    0.5: "Everywhere your value is exactly half the right one: there is a ½ too many.",
    -1.0: "Everywhere your value is the right one with the wrong sign.",
    -2.0: "Everywhere your value is −2 times the right one: the sign is wrong, and a ½ is missing.",
    -0.5: "Everywhere your value is −½ times the right one: the sign is wrong, and there is a ½ too many.",
    math.log(2): "Everywhere your value is log 2 = 0.693 times the right one: nats and bits are mixed up.",
    1 / math.log(2): "Everywhere your value is 1/log 2 = 1.443 times the right one: these are bits; take the "
                     "natural logarithm.",
}


def _ratio(exercise: Exercise, cases: list[Case], got: list[Tensor], want: list[Tensor], usual: list[int]) -> str:
    """Return the sentence for a constant factor between got and expected, on all images of all inputs."""
    ratios, batches, pixels = [], [], 0
    for i in usual:
        if got[i].shape != want[i].shape or (want[i].abs() < 10 * exercise.atol).any():
            return ""
        ratios.append(got[i].double() / want[i].double())
        first = cases[i].args[0]
        batches.append(torch.full_like(ratios[-1], len(first) if isinstance(first, Tensor) else 1))
        pixels = first.shape[-1] if isinstance(first, Tensor) and first.dim() else 0
    ratio, batch = torch.cat(ratios), torch.cat(batches)

    def steady(r: Tensor) -> bool:
        return bool((r - r.mean()).abs().max() < 3e-3 * r.mean().abs()) and float(r.mean().abs()) > 1e-6

    if not steady(ratio):
        for times, what in ((ratio * batch, "divided by the "
                                            "number of images"), (ratio / batch, "times the number of images")):
            if steady(times) and abs(float(times.mean()) - 1) < 3e-3:
                return (f"Everywhere your value is the right one {what} in the batch: an image's number must not "
                        "depend on the others.")
        return ""
    r = float(ratio.mean())
    named = dict(_FACTORS)
    if pixels:
        named[1 / pixels] = (f"Everywhere your value is the right one divided by {pixels}, the number of pixels: "
                             "there is a mean where a sum belongs.")
        named[-1 / pixels] = named[1 / pixels] + " And the sign is wrong."
        named[0.5 / pixels] = (f"Everywhere your value is the right one divided by {2 * pixels}: a mean over the "
                               f"{pixels} pixels where a sum belongs, and a ½ too many.")
        named[2 / pixels] = (f"Everywhere your value is the right one times 2/{pixels}: a mean over the {pixels} "
                             "pixels where a sum belongs, and a ½ is missing.")
        named[float(pixels)] = (f"Everywhere your value is {pixels} times the right one: the number of pixels is "
                                "counted twice.")
    for factor, sentence in named.items():
        if abs(r / factor - 1) < 3e-3:
            return sentence
    return "" if abs(r - 1) < 1e-3 else f"Everywhere your value is {r:.4g} times the right one."


def _parts(exercise: Exercise, cases: list[Case], got: Tensor) -> str:
    """Write the learner's values as a sum of the right terms with other factors, and name the terms that are off."""
    return next(filter(None, (_terms(exercise, part, cases, got) for part in exercise.parts)), "")


def _terms(exercise: Exercise, part: Callable, cases: list[Case], got: Tensor) -> str:
    columns: dict[str, list[Tensor]] = {}
    for case in cases:
        for name, values in part(*case.args).items():
            columns.setdefault(name, []).append(values.double())
    table = torch.stack([torch.cat(v) for v in columns.values()], dim=1)
    if got.shape != (len(table),):
        return ""
    if got.abs().max() <= exercise.atol:
        return "It always gives 0."
    return off_terms([f"with {name}" for name in columns], table, got)


def _offset(exercise: Exercise, got: list[Tensor], want: list[Tensor]) -> str:
    """Return the sentence for a difference that is the same for every image."""
    differences = [(g.double() - w.double()) for g, w in zip(got, want, strict=True)]
    scale = max(float(w.abs().max()) for w in want)
    bound = exercise.atol + 1e-4 * scale
    if any(float(d.max() - d.min()) > bound for d in differences):
        return ""
    every = torch.cat(differences)
    if float(every.max() - every.min()) < bound:
        d = float(every.mean())
        return (f"Everywhere your value is {abs(d):.4g} too {'large' if d > 0 else 'small'}, for each image of each "
                "input.")
    return "The difference to the right value is the same for all images of a batch, and another one in each batch."


def _shapes(exercise: Exercise, cases: list[Case], got: list[Tensor], want: list[Tensor]) -> str:
    """Return the sentence for wrong shapes, and what remains where a sum over the pixels would mend them."""
    i = next(i for i, (g, w) in enumerate(zip(got, want, strict=True)) if g.shape != w.shape)
    says = _shape_sentence(cases[i], got[i], want[i])
    if all(g.dim() == 2 and g.shape[0] == len(w) for g, w in zip(got, want, strict=True)):
        summed = [g.sum(-1) for g in got]
        right = [same(exercise, g, w) for g, w in zip(summed, want, strict=True)]
        more = "" if all(right) else diagnose(exercise, cases, summed, want, right)
        says += more and " And its sum would not be right yet" + (f": {more}" if more != UNKNOWN else ".")
    return says


def _shape_sentence(case: Case, got: Tensor, want: Tensor) -> str:
    """Return what kind of wrong shape this is; both shapes differ for sure."""
    images, asked = case.args[0], f"one number per image, shape {shape_of(want)}, is asked for"
    if got.dim() == 0 or (got.dim() == 1 and got.numel() == 1):
        return (f"It returns one single number for {len(want)} images. {asked.capitalize()}: sum over the pixels "
                "alone, with `.sum(-1)`.")
    if isinstance(images, Tensor) and got.shape == images.shape:
        return (f"It returns one number per pixel, shape {shape_of(got)}: the sum over the pixels is missing. "
                f"{asked.capitalize()}.")
    if isinstance(images, Tensor) and images.dim() == 2 and got.shape == images.shape[1:]:
        return (f"It returns one number per pixel position, shape {shape_of(got)}; {asked}. The images are dimension "
                "0, the pixels dimension 1, or -1.")
    if got.dim() == 2 and got.shape == (len(want), len(want)):
        return (f"It returns a table of every image against every image, shape {shape_of(got)}: two tensors of "
                f"shapes like (B,) and (B, 1) were combined. {asked.capitalize()}.")
    return f"It returns the shape {shape_of(got)}; {asked}."


def shape_of(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
