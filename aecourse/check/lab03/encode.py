"""Exercise 2, from an image to its code on PCA's surface."""

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
    """Return the codes of images, with the given changes."""
    return partial(_answer, **changes)


def _answer(x: Tensor, mean: Tensor, axes: Tensor, *, centre: str = "minus", scale: str = "",
            form: str = "codes") -> Tensor:
    away = {"minus": lambda: x - mean, "none": lambda: x, "plus": lambda: x + mean, "batch": lambda: x - x.mean(0),
            "each image": lambda: x - x.mean(1, keepdim=True), "reversed": lambda: mean - x,
            "one number": lambda: x - mean.mean(), "relu": lambda: (x - mean).relu()}[centre]()
    z = away @ axes.T
    z = {"": lambda: z, "unit": lambda: z / z.norm(dim=1, keepdim=True),
         "lengths": lambda: z / away.norm(dim=1)[:, None], "images": lambda: z / len(x),
         "pixels": lambda: z / x.shape[1], "sizes": lambda: z.abs(), "relu": lambda: z.relu(),
         "norm of axes": lambda: z / axes.norm(),
         "first alone": lambda: z * (torch.arange(len(axes)) < 1),
         "last 0": lambda: z * (torch.arange(len(axes)) < len(axes) - 1)}[scale]()
    return {"codes": lambda: z, "rows": lambda: z.T, "reshaped": lambda: z.T.reshape(z.shape),
            "rebuilt": lambda: z @ axes + mean, "flat": lambda: z @ axes,
            "first": lambda: z[:, 0], "length": lambda: z.norm(dim=1)}[form]()


MISTAKES = (
    Mistake("mean kept", {"centre": "none"},
            "The mean is not subtracted. PCA's surface passes through the mean, so a code counts from there."),
    Mistake("mean added", {"centre": "plus"},
            "The mean is added. A code says how far the image lies from the mean: subtract it. (It is added back when "
            "you decode.)"),
    Mistake("reversed", {"centre": "reversed"},
            "Everywhere the sign is wrong: you go from the image to the mean. A code goes from the mean to the image."),
    Mistake("mean of the batch", {"centre": "batch"},
            "You subtract the mean of the images that came in. The surface was fitted on other images: subtract their "
            "mean, the one that is handed in."),
    Mistake("mean of each image", {"centre": "each image"},
            "You subtract from each image the mean of its own pixels. Subtract the mean image that is handed in."),
    Mistake("one mean", {"centre": "one number"},
            "You subtract one number, the mean of the mean image. Subtract the mean image, pixel by pixel."),
    Mistake("unit length", {"scale": "unit"},
            "The codes are divided by their length. How far an image lies from the mean belongs to its code."),
    Mistake("cosines", {"scale": "lengths"},
            "You divide by the length of the centred image: these are cosines. A code is the plain product with each "
            "axis."),
    Mistake("over the images", {"scale": "images"},
            "The codes are divided by the number of images. An image's code must not depend on the others."),
    Mistake("over the pixels", {"scale": "pixels"},
            "There is a mean over the pixels where the sum belongs: the product with an axis adds over the pixels."),
    Mistake("sizes", {"scale": "sizes"},
            "The sign of the codes is lost: an image can lie on either side of the mean."),
    Mistake("codes as columns", {"form": "rows"},
            "Your codes stand in columns, shape (k, B). Asked for is a row for each image, (B, k)."),
    Mistake("reshaped", family(form="reshaped"),
            "The numbers of several images are mixed: a `reshape` or `view` of a table does not exchange its rows and "
            "columns. Use `.T`."),
    Mistake("axes reshaped", lambda x, mean, axes: (x - mean) @ axes.reshape(axes.shape[1], -1),
            "The numbers of several axes are mixed: `axes.reshape(D, k)` does not exchange rows and columns. Use "
            "`axes.T`."),
    Mistake("positive codes", family(scale="relu"),
            "Codes below 0 are set to 0: an image can lie on either side of the mean."),
    Mistake("positive differences", family(centre="relu"),
            "The difference to the mean is cut off at 0: where an image is darker than the mean, it counts as well."),
    Mistake("norm of all axes", family(scale="norm of axes"),
            "You divide by the norm of the whole matrix of axes, √k. Each axis has length 1: nothing is to be "
            "divided."),
    Mistake("last number 0", family(scale="last 0"),
            "The last number of each code is 0, the others are right: does the loop over the axes end too early?"),
    Mistake("first number alone", family(scale="first alone"),
            "The first number of each code is right, all others are 0: does the `return` stand inside the loop?"),
    Mistake("rebuilt", {"form": "rebuilt"},
            "This is the reconstruction, back among the images. Asked for is the code, k numbers for each image."),
    Mistake("projected", {"form": "flat"},
            "You multiply with the axes twice, there and back. The code is the first product alone."),
    Mistake("first number", {"form": "first"},
            "You return the first number of each code only; all k are asked for."),
    Mistake("length", {"form": "length"},
            "You return the length of each code. Asked for are its k numbers."),
)

ERRORS = {
    "shapes cannot be multiplied": "A product adds over the pixels, so D must stand inside: (B, D) times (D, k). "
                                   "`axes` is (k, D).",
    "must match the size of tensor": "`-`, `+` and `*` go entry by entry, and `@`, the matrix product, is worked out "
                                     "before `-` and `+`: the mean, (D,), goes with the images, (B, D), and not with "
                                     "codes, (B, k).",
}


def reference(x: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    return (x - mean) @ axes.T


def oracle(x: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    """Solve for the code whose reconstruction lies nearest: least squares."""
    away, A = (x.double() - mean.double()).numpy().T, axes.double().numpy().T
    return torch.from_numpy(np.linalg.lstsq(A, away, rcond=None)[0].T.copy()).float()


def draw(generator: torch.Generator, size: int) -> Case:
    mean, axes = surface(generator, size)
    if size > 1:
        return Case((torch.rand(size, len(mean), generator=generator), mean, axes),
                    f"{size} images of {len(mean)} pixels and {len(axes)} axes")
    while True:
        x = tenths(0, 9, 1, 3, generator=generator)
        if bool(((x - mean) @ axes.T).abs().gt(0.1).all()) and bool((mean @ axes.T).abs().gt(0.05).all()):
            return Case((x, mean, axes), f"the image {rows(x)}, the mean {row(mean)} and the axes {rows(axes)}")
        mean = tenths(1, 9, 3, generator=generator)


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether it is the mean that is off, or something else that is the same for all images."""
    return (of_the_mean(cases, got, want, lambda case: -(case.args[2] @ case.args[1]))
            or offset(got, want, "The difference to the right code is the same for all images of a batch: a term that "
                                 "does not depend on the image is off."))


EXERCISE = Exercise(
    "encode", "2 · From an image to its code", "function", 1, 5,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 4, 9), atol=1e-4,
    arguments=("x", "mean", "axes"),
    gives=(Form("float", "one code for each image, shape (B, k)"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("A code counts from the mean, so first go from the mean to the image.",
           "The number along one axis is the dot product of that difference with the axis.",
           "All of them at once: a matrix product (B, D) @ (D, k)."),
    why="The axes are orthonormal, so the dot product with an axis is how far one has to go along it: no equation "
        "has to be solved.")
