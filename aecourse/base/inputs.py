"""What `fit` and `mean_loss` are given, looked at once before they begin: each slip has a sentence of its own."""

import math
from collections.abc import Collection, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aecourse import CourseError


def checked(model: nn.Module, data: Any, name: str = "data") -> tuple[Tensor, ...]:
    """Return the data as a tuple of tensors, each with one row per image, or raise a `CourseError`.

    Images, the first part, must have the type of the model's weights, and so must other parts that are no whole numbers
    or labels. ``name`` is what the caller calls the data.
    """
    if not isinstance(model, nn.Module):
        raise CourseError(f"the model must be a network, an nn.Module; it is {_a(model)}."
                          + " Write parentheses behind the class's name." * isinstance(model, type))
    if isinstance(data, (Tensor, np.ndarray)):
        array = isinstance(data, np.ndarray)
        raise CourseError(f"{name} is one {'NumPy array' if array else 'tensor'}, and a tuple of tensors is needed: "
                          f"({f'torch.from_numpy({name})' if array else name},) with a comma, or (images, labels).")
    if not isinstance(data, Sequence) or isinstance(data, str) or not data:
        raise CourseError(f"{name} must be a tuple of tensors, (images,) or (images, labels); it is {_a(data)}.")
    weights = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)
    for place, part in enumerate(data, start=1):
        what = f"part {place} of {name}" if len(data) > 1 else f"the tensor in {name}"
        _check_part(part, what, weights, images=place == 1)
    lengths = [len(part) for part in data]
    if len(set(lengths)) > 1:
        raise CourseError(f"the parts of {name} have unequal lengths, {' and '.join(map(str, lengths))}: row i of each "
                          "belongs to image i. Take the same images for all of them.")
    if not lengths[0]:
        raise CourseError(f"{name} holds no images.")
    return tuple(data)


def _check_part(part: Any, what: str, weights: torch.dtype | None, images: bool) -> None:
    if isinstance(part, np.ndarray):
        raise CourseError(f"{what} is a NumPy array: torch.from_numpy(...) makes a tensor of it.")
    if not isinstance(part, Tensor):
        raise CourseError(f"{what} is {_a(part)}, and a tensor is needed.")
    if part.dim() == 0:
        raise CourseError(f"{what} is a single number, and a tensor with one row for each image is needed.")
    if part.dtype == torch.uint8:
        raise CourseError(f"{what} has the type uint8. Grey levels from 0 to 255 become float32 images in [0, 1] by "
                          ".float() / 255, and labels become int64 by .long().")
    if images and part.dim() > 1 and not part.is_floating_point():
        raise CourseError(f"{what} has the type {_type(part.dtype)}, and the networks take float32 images: .float() "
                          "behind the tensor makes them.")
    if part.is_floating_point() and weights is not None and part.dtype != weights:
        raise CourseError(f"{what} has the type {_type(part.dtype)} and the model's weights {_type(weights)}: "
                          f"{'.float()' if weights == torch.float32 else f'.to({weights})'} behind the tensor makes "
                          "them alike.")


def check_settings(model: nn.Module, *, epochs: Any, batch: Any, lr: Any) -> None:
    """Raise a `CourseError` where the model has nothing to train, or a setting is no number that makes sense."""
    if not any(p.requires_grad for p in model.parameters()):
        raise CourseError("the model has no weights that can be trained"
                          + (": all have requires_grad=False." if any(True for _ in model.parameters()) else
                             ": is each layer an attribute, self.layer = ..., or in an nn.ModuleList?"))
    for name, value in (("epochs", epochs), ("batch", batch)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise CourseError(f"{name} must be a whole number, 1 or more; it is {value!r}.")
    if not isinstance(lr, Real) or lr <= 0 or not lr < math.inf:  # the last for NaN, too
        raise CourseError(f"lr, the learning rate, must be a number above 0; it is {lr!r}.")


def check_terms(terms: Any, n: int) -> None:
    """Raise a `CourseError` unless the terms are what a loss returns: name → one number for each of the n images."""
    if not isinstance(terms, dict) or not terms:
        raise CourseError(f"the loss returned {_a(terms)}, and a dictionary of named terms is needed, for example "
                          '{"squared error": values} with one value for each image.')
    for name, values in terms.items():
        if name == "loss":
            raise CourseError('a term of the loss is named "loss", which is the name of the sum of all terms: name it '
                              'by what it is, for example "squared error".')
        if not isinstance(values, Tensor):
            raise CourseError(f"the loss's term {name!r} is {_a(values)}, and a tensor with one number for each of the "
                              f"{n} images is needed.")
        if values.shape != (n,):
            raise CourseError(f"the loss's term {name!r} has shape {tuple(values.shape)}, but must hold one number for "
                              f"each of the {n} images: sum over pixels, do not average over the batch.")


def check_gradient(total: Tensor) -> None:
    """Raise a `CourseError` where no weight can change the loss."""
    if not total.requires_grad:
        raise CourseError("the loss does not depend on the model's weights, so nothing can be learned: look for "
                          ".detach(), .item(), torch.no_grad() or NumPy between the model and the loss.")


def check_names(before: Collection[str], now: Collection[str]) -> None:
    """Raise a `CourseError` where a loss returns other terms than before: a curve has one value for each epoch."""
    if before and set(before) != set(now):
        other = ", ".join(sorted(set(before) ^ set(now)))
        raise CourseError(f"the loss does not return the same terms each time ({other}): return every term at every "
                          "step, with the value 0 where it does not count.")


def _a(value: Any) -> str:
    """Return what something is, in words: "a list", "None", "the class Autoencoder"."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, (dict, list, tuple)) and not value:
        return f"an empty {type(value).__name__}"
    kind = {"Tensor": "tensor", "ndarray": "NumPy array"}.get(type(value).__name__, type(value).__name__)
    return f"{'an' if kind[0].lower() in 'aeio' else 'a'} {kind}"


def _type(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
