"""What came back from a learner's function: read as tensors, one for each `Form`, or answered with a sentence."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.diagnose import same
from aecourse.check.engine.exercise import Exercise, Form
from aecourse.check.engine.look import Parts
from aecourse.check.engine.words import a

NUMBERS = ("count", "share")


class Unreadable(Exception):
    """What came back cannot be compared with anything; the text is the sentence that ends the check."""


def read(exercise: Exercise, result: Any, want: Parts, args: tuple = ()) -> tuple[Parts, list[str], list[str]]:
    """Return the result as detached tensors, remarks on what is wrong beside the values, and advice.

    ``args`` are the inputs: advice is given on a result of another float type than theirs.

    Raises
    ------
    Unreadable
        It is nothing of the kind that the exercise's forms ask for.
    """
    forms, graph = exercise.forms, bool(exercise.gradients)
    if result is None:
        raise Unreadable("It returns None: is the `return` missing?")
    if result is Ellipsis:
        raise Unreadable("It returns `...`, the placeholder: put your own value there.")
    values = _apart(result, forms, want) if len(forms) > 1 else [result]
    floats = {arg.dtype for arg in args if isinstance(arg, Tensor) and arg.is_floating_point()}
    read = [_one(form, value, right, graph, floats) for form, value, right in zip(forms, values, want, strict=True)]
    return (tuple(part for part, _, _ in read), [remark for _, asides, _ in read for remark in asides],
            [hint for _, _, advice in read for hint in advice])


def _apart(result: Any, forms: tuple[Form, ...], want: Parts) -> list:
    """Return the several things that a function gives."""
    names = ", ".join(form.name for form in forms)
    if isinstance(result, (Tensor, np.ndarray)):
        if result.ndim == want[0].dim() + 1 and len(result) == len(forms):  # it can be unpacked, so it is no mistake
            return list(result)
        raise Unreadable(f"It returns one {'tensor' if isinstance(result, Tensor) else 'array'}, shape "
                    f"{tuple(result.shape)}; {len(forms)} are asked for: `return {names}`.")
    if not isinstance(result, (tuple, list)):
        raise Unreadable(f"It returns {a(result)}; {len(forms)} tensors are asked for: `return {names}`.")
    if len(result) != len(forms):
        raise Unreadable(f"It returns {a(result)} of {len(result)}; {len(forms)} are asked for: "
                         f"`{names}`.")
    return list(result)


def _one(form: Form, value: Any, want: Tensor, graph: bool, floats: set) -> tuple[Tensor, list[str], list[str]]:
    """Read one part: return the tensor like ``want``, remarks and advice; ``graph``: gradients are to flow from it."""
    of = f"Its `{form.name}`" if form.name else "It"
    verb = "is" if form.name else "returns"
    should = f"it should {'be' if form.name else 'return'} {form.says}"
    if value is None:
        raise Unreadable(f"{of} {verb} None; {should}.")
    if isinstance(value, tuple) and hasattr(value, "indices") and hasattr(value, "values"):
        raise Unreadable(f"{of} {verb} what `.min(...)` or `.max(...)` gives, values and indices together: take one of "
                         f"them, `.indices` or `.values`. {should[0].upper()}{should[1:]}.")
    asides, advice = [], []
    tensor = value
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind not in "biuf":
            raise Unreadable(f"{of} {verb} an array of the type {value.dtype}; {should}.")
        if form.kind not in NUMBERS:
            asides.append(f"{of} {verb} a NumPy array. Stay in torch: " + (
                "NumPy cuts the graph, and no gradient would flow." if graph else "it fits to the other tensors then."))
        tensor = torch.as_tensor(value.copy() if isinstance(value, np.ndarray) else value.item())
    elif isinstance(value, (bool, int, float)):
        tensor = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
        if form.kind not in NUMBERS:
            asides.append(f"{of} {verb} a Python number" + (", so no gradient can flow: return a tensor, without "
                          "`.item()` or `float()`." if graph else "; a tensor is asked for."))
    elif isinstance(value, (list, tuple)) and form.kind not in NUMBERS:
        try:
            none = not value and form.kind == "int64"  # a list of indices may be empty
            tensor = torch.empty(0) if none else torch.stack([torch.as_tensor(v) for v in value])
        except (TypeError, ValueError, RuntimeError):
            raise Unreadable(f"{of} {verb} {a(value)} of {len(value)}; {should}.") from None
        asides.append(f"{of} {verb} a Python {type(value).__name__}; a tensor is asked for.")
    elif not isinstance(value, Tensor):
        raise Unreadable(f"{of} {verb} {a(value)}; {should}.")
    tensor = tensor.detach()
    if tensor.device != want.device:
        raise Unreadable(f"{of} lies on the device {tensor.device}, its inputs on {want.device}: compute where "
                         "the inputs are, without `.cuda()` or `.to(...)`.")
    if tensor.is_complex() or tensor.layout != torch.strided:
        raise Unreadable(f"{of} {verb} a {dtype_of(tensor)} tensor, {tensor.layout}; a plain one is asked for.")
    if form.kind in NUMBERS:
        if tensor.numel() == 1 and tensor.dim() <= 2:
            tensor = tensor.reshape(())
        if form.kind == "count" and tensor.is_floating_point() and tensor.numel() == 1:
            advice.append("One piece of advice: it returns a float, and a count is an `int`, so that `range(...)` "
                          "takes it. `math.ceil` gives one, and so does `//`.")
    elif not asides and form.kind == "float" and tensor.is_floating_point():  # right values are right in any precision
        if floats == {torch.float32} and tensor.dtype != torch.float32:
            advice.append(f"One remark: {of[0].lower()}{of[1:]} has the type {dtype_of(tensor)} where the inputs are "
                          "float32. The course stays in float32, which takes half the memory of float64.")
    elif not asides and dtype_of(tensor) != form.kind:
        asides.append(_type_says(of, form, tensor))
    if want.dim() == 1 and tensor.shape != want.shape and (
            tensor.numel() == want.numel() or (tensor.dim() == 2 and tensor.shape[1] == 1)):
        if tensor.dim() == 2 and len(want) > 1:  # of (1, 1) nobody can say which of the two is too many
            which = ("last", 1) if tensor.shape[1] == 1 else ("first", 0)
            asides.append(f"{of} has one dimension too many, a {which[0]} one of size 1; {should}: "
                          f"`.squeeze({which[1]})` or `.flatten()`.")
        elif tensor.dim() == 0 and isinstance(value, (Tensor, np.ndarray, np.generic)):
            asides.append(f"{of} has no dimension left where there is one {form.row} only, and {should}. If there is a "
                          "`.squeeze()` in it, leave it out, or name the dimension that it should take away.")
        tensor = tensor.flatten()
    return tensor, asides, advice


def _type_says(of: str, form: Form, tensor: Tensor) -> str:
    whose = of.replace("It", "Its result", 1) if of == "It" else of
    if form.kind == "int64":
        empty = " An empty list becomes float32 in `torch.tensor([])`." if not tensor.numel() else ""
        return (f"{whose} has the type {dtype_of(tensor)}; it should be int64, the type that torch takes for an index "
                f"and for a label.{empty}")
    return f"{whose} has the type {dtype_of(tensor)}; it should be float32, as the inputs are."


def together(value: Any) -> Parts:
    """Return the right values as parts."""
    values = value if isinstance(value, tuple) else (value,)
    return tuple(v.detach() if isinstance(v, Tensor) else
                 torch.tensor(v, dtype=torch.float64 if isinstance(v, float) else None) for v in values)


def tidy(exercise: Exercise, parts: Parts) -> Parts:
    """Return the parts in the one order in which equally right ones are compared."""
    return exercise.tidy(parts) if exercise.tidy else parts


def alike(exercise: Exercise, got: Parts, want: Parts) -> bool:
    """Return whether all parts have the same shape and the same values; NaN equals NaN, as in `diagnose.same`."""
    return len(got) == len(want) and all(
        same(exercise, g, w) if w.is_floating_point() else torch.equal(g.double(), w.double())
        for g, w in zip(got, want, strict=True))


def dtype_of(tensor: Tensor) -> str:
    """Return the name of a tensor's type, without "torch."."""
    return str(tensor.dtype).removeprefix("torch.")
