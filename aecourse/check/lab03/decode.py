"""Exercise 3, from a code back to an image on PCA's surface."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import row, rows, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.lab03._surfaces import of_the_mean, offset, surface


def family(**changes: Any) -> Any:
    """Return the images of codes, with the given changes."""
    return partial(_answer, **changes)


def _answer(z: Tensor, mean: Tensor, axes: Tensor, *, centre: str = "plus", order: str = "", squash: str = "",
            form: str = "images", codes: str = "") -> Tensor:
    z = {"": lambda: z, "centred": lambda: z - z.mean(0), "relu": lambda: z.relu(),
         "unit": lambda: z / z.norm(dim=1, keepdim=True), "mean": lambda: z / len(axes),
         "without the first": lambda: z * (torch.arange(len(axes)) > 0)}[codes]()
    if order == "axes backwards":
        axes = axes.flip(0)
    image = z @ axes
    image = {"plus": lambda: image + mean, "none": lambda: image, "minus": lambda: image - mean,
             "one number": lambda: image + mean.mean(), "times": lambda: image * mean,
             "in the code": lambda: (z + axes @ mean) @ axes}[centre]()
    image = {"": lambda: image, "clamp": lambda: image.clamp(0, 1), "sigmoid": lambda: image.sigmoid(),
             "relu": lambda: image.relu()}[squash]()
    return {"images": image, "columns": image.T, "reshaped": image.T.reshape(image.shape)}[form]


MISTAKES = (
    Mistake("no mean", {"centre": "none"},
            "The mean is not added back: a code of zeros has to give the mean image, not a black one."),
    Mistake("mean subtracted", {"centre": "minus"},
            "The mean is subtracted. That is what the encoder does; the way back adds it."),
    Mistake("one mean", {"centre": "one number"},
            "You add one number, the mean of the mean image. Add the mean image, pixel by pixel."),
    Mistake("mean times", {"centre": "times"}, "You multiply with the mean. It is added."),
    Mistake("mean in the code", {"centre": "in the code"},
            "The mean is projected onto the axes and added to the code. What of it lies off the axes is lost: add the "
            "mean to the image, after the product."),
    Mistake("codes centred", family(codes="centred"),
            "You subtract from the codes their own mean over the batch. A code counts from the mean image already: an "
            "image must not depend on the other codes."),
    Mistake("positive codes", family(codes="relu"),
            "Codes below 0 are set to 0: one can go along an axis in both directions."),
    Mistake("unit codes", family(codes="unit"),
            "The codes are divided by their length. How far to go along the axes belongs to the code."),
    Mistake("first axis left out", family(codes="without the first"),
            "The first axis is left out: counting starts at 0."),
    Mistake("mean over the axes", family(codes="mean"),
            "You average over the axes where the sum belongs: the image is the mean plus a sum of axes."),
    Mistake("reshaped", family(form="reshaped"),
            "The pixels of several images are mixed: a `reshape` or `view` of a table does not exchange its rows and "
            "columns. Use `.T`."),
    Mistake("axes reshaped", lambda z, mean, axes: z @ axes.T.reshape(axes.shape) + mean,
            "The numbers of several axes are mixed, as by a `reshape` of `axes.T`: it does not turn the transpose "
            "around. Multiply with `axes` as it comes, (k, D)."),
    Mistake("axes backwards", {"order": "axes backwards"},
            "The axes are taken in reverse order: the first number of a code belongs to the first axis."),
    Mistake("clamped", {"squash": "clamp"},
            "The image is cut off at 0 and 1. A flat surface knows no such bounds; leave the values as they come."),
    Mistake("sigmoid", {"squash": "sigmoid"},
            "There is a sigmoid. A flat surface bends nothing: the image is the mean plus a sum of axes."),
    Mistake("relu", {"squash": "relu"},
            "Values below 0 are cut off. A flat surface knows no such bound; leave them as they come."),
    Mistake("images as columns", {"form": "columns"},
            "Your images stand in columns, shape (D, B). Asked for is a row for each image, (B, D)."),
)

ERRORS = {
    "shapes cannot be multiplied": "A product adds over the numbers of the code, so k must stand inside: (B, k) times "
                                   "(k, D).",
    "must match the size of tensor": "Two shapes do not go together: the mean belongs to the image, (B, D), not to the "
                                     "code, (B, k). And a matrix product is `@`, not `*`.",
}


def reference(z: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    return z @ axes + mean


def oracle(z: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    """Walk from the mean along one axis after the other."""
    image = np.tile(mean.double().numpy(), (len(z), 1))
    for j, axis in enumerate(axes.double().numpy()):
        image += np.outer(z[:, j].double().numpy(), axis)
    return torch.from_numpy(image).float()


def draw(generator: torch.Generator, size: int) -> Case:
    mean, axes = surface(generator, size)
    if size > 1:
        return Case((2 * torch.randn(size, len(axes), generator=generator), mean, axes),
                    f"{size} codes of {len(axes)} numbers, {len(mean)} pixels")
    z = (tenths(3, 9, 1, 2, generator=generator) * torch.where(torch.rand(1, 2, generator=generator) < 0.5, -1, 1) * 2)
    return Case((z, mean, axes), f"the code {rows(z)}, the mean {row(mean)} and the axes {rows(axes)}")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether it is the mean that is off, or something else that is the same for all codes."""
    return (of_the_mean(cases, got, want, lambda case: case.args[1])
            or offset(got, want, "The difference to the right image is the same for all codes of a batch: a term that "
                                 "does not depend on the code is off."))


EXERCISE = Exercise(
    "decode", "3 · From a code back to an image", "function", 1, 4,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 4, 9), atol=1e-4,
    arguments=("z", "mean", "axes"),
    gives=(Form("float", "one image for each code, shape (B, D)"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Start at the mean image and go so many steps along each axis as the code says.",
           "The sum of all steps is a matrix product, (B, k) @ (k, D)."),
    why="Whatever the code is, the image lies on the flat surface through the mean that the axes span. That is all "
        "that a linear decoder can draw.")
