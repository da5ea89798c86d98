"""What is seen in wrong values that are a sum of terms: which term is off, and what is added."""

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Case
from aecourse.check.engine.look import Parts, off_terms


def usual(cases: list[Case], got: list[Parts]) -> list[tuple[tuple, Tensor]]:
    """Return the arguments and the values of the inputs that are not extreme."""
    return [(tuple(a.double() if isinstance(a, Tensor) else a for a in case.args), g[0].double())
            for case, g in zip(cases, got, strict=True) if not case.only]


def mixed(columns: list[dict[str, Tensor]], values: list[Tensor]) -> str:
    """Write the values as a sum of the right terms with other factors, and name the terms that are off."""
    table = torch.cat([torch.stack(list(column.values()), 1) for column in columns])
    return off_terms(list(columns[0]), table, torch.cat(values))


def partly(got: list[Parts], want: list[Parts]) -> str:
    """Say that some images come out right, where all the others are off to one side, or that values are cut off."""
    apart = torch.cat([g[0].double() - w[0].double() for g, w in zip(got, want, strict=True)])
    size = torch.cat([w[0].double().abs() for w in want])
    off = apart[apart.abs() > 1e-4 * (1 + size)]
    right = (apart.abs() < 1e-4 * (1 + size)) & (size > 0.01)  # a factor leaves a 0 right as well
    if not bool(right.any()) or not (bool((off > 0).all()) or bool((off < 0).all())):
        return ""
    values = torch.cat([g[0].double() for g in got])
    wrong, lowest = values[apart.abs() > 1e-4 * (1 + size)], values.min()
    if len(wrong) > 1 and bool((wrong == lowest).all()) and bool((off > 0).all()):
        return (f"No image's value lies below {float(lowest):.6g}: your values are cut off there, where the right ones "
                "go on. What is cut off gives no gradient.")
    side = "large" if bool((off > 0).all()) else "small"
    return f"Some images come out right, and the values of the others are too {side}: what sets these images apart?"


def added(got: list[Parts], want: list[Parts]) -> str:
    """Say whether one number is added to all images of a batch."""
    apart = [g[0].double() - w[0].double() for g, w in zip(got, want, strict=True)]
    if any(float((d - d[0]).abs().max()) > 1e-3 for d in apart):
        return ""
    if max(abs(float(d[0] - apart[0][0])) for d in apart) < 1e-3:
        return f"Everywhere your value is {abs(float(apart[0][0])):.3g} too {'large' if apart[0][0] > 0 else 'small'}."
    return "The same number is added to all images of a batch: does an image's value depend on the other images?"
