"""Exercise 1, the squared distance of each image to each of several linear surfaces, given by a mean and by axes."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import rows, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts, near


def family(**changes: Any) -> Any:
    """Return the squared distances of images to surfaces, with the given changes."""
    return partial(_answer, **changes)


def _answer(x: Tensor, means: Tensor, axes: Tensor, *, centre: str = "mean", code: str = "centred", back: str = "mean",
            which: str = "all", measure: str = "squared", of: str = "left", divide: str = "", surfaces: str = "each",
            give: str = "table") -> Tensor:
    table = [_column(x, means, axes, 0 if surfaces in ("first", "first mean") else c,
                     0 if surfaces in ("first", "first axes") else c, centre, code, back, which, measure, of)
             for c in range(len(means))]
    value = torch.stack(table, 1)
    value = value / {"": 1, "pixels": x.shape[1], "images": len(x), "surfaces": len(means)}[divide]
    return {"table": lambda: value, "columns": lambda: value.T, "reshaped": lambda: value.T.reshape(value.shape),
            "nearest": lambda: value.argmin(1), "smallest": lambda: value.amin(1), "mean": lambda: value.mean(0),
            "negative": lambda: -value, "first": lambda: value[:, 0], "sum": lambda: value.sum(1)}[give]()


def _column(x: Tensor, means: Tensor, axes: Tensor, m: int, c: int, centre: str, code: str, back: str, which: str,
            measure: str, of: str) -> Tensor:
    """Return the distances (B,) to one surface, with the mean number m and the axes number c."""
    own = axes[c][{"all": slice(None), "first": slice(1), "without the last": slice(-1),
                   "without the first": slice(1, None)}[which]]
    mean = {"mean": lambda: means[m], "none": lambda: torch.zeros_like(means[m]), "batch": lambda: x.mean(0),
            "one number": lambda: means[m].mean().expand(x.shape[1]), "all means": lambda: means.mean(0),
            "each image": lambda: x.mean(1, keepdim=True)}[centre]()
    z = (x if code == "plain" else x - mean) @ own.T
    image = z @ own + (mean if back == "mean" else 0)
    image = image.clamp(0, 1) if of == "clamped" else image
    total = (x - mean).square().sum(1)
    if of in ("code", "whole", "pythagoras", "sum of the code", "length of the code", "both"):
        part = {"code": z.square().sum(1), "whole": total,
                "pythagoras": total - z.square().sum(1), "sum of the code": total - z.sum(1),
                "length of the code": total - z.norm(dim=1), "both": total + z.square().sum(1)}[of]
        return part.clamp(min=0).sqrt() if measure == "root" else part
    left = x - image
    return {"squared": lambda: left.square().sum(1), "root": lambda: left.norm(dim=1),
            "sizes": lambda: left.abs().sum(1), "largest": lambda: left.abs().amax(1),
            "fourth": lambda: left.square().sum(1) ** 2}[measure]()


MISTAKES = (
    Mistake("no mean", {"centre": "none"},
            "The mean is not used: this is the distance to a surface through the black image, spanned by the same "
            "axes. Each surface passes through its own mean."),
    Mistake("mean not subtracted", {"code": "plain"},
            "The mean is not subtracted before the product with the axes, and it is added afterwards. Subtract the "
            "surface's mean first."),
    Mistake("mean not subtracted, by Pythagoras", family(code="plain", of="pythagoras"),
            "From the squared distance to the mean you subtract the squared code of the image as it comes. The code "
            "counts from the mean too: multiply the image minus the mean with the axes."),
    Mistake("mean not added", {"back": "none"},
            "You compare the image with a reconstruction to which the mean is not added back."),
    Mistake("mean of the batch", {"centre": "batch"},
            "In place of a surface's mean you use the mean of the images that came in. The distance of an image must "
            "not depend on the others."),
    Mistake("one grey level", {"centre": "one number"},
            "In place of a surface's mean image you use one number, its mean over the pixels."),
    Mistake("mean of the means", {"centre": "all means"},
            "You use one mean for all surfaces, the mean of their means. Surface c has its own, `means[c]`."),
    Mistake("mean of each image", {"centre": "each image"},
            "From each image you subtract the mean of its own pixels. Subtract the mean of the surface, `means[c]`."),
    Mistake("distance", {"measure": "root"},
            "There is a root: these are the distances. Their squares are asked for."),
    Mistake("sizes", {"measure": "sizes"},
            "You add up absolute differences. Their squares are asked for."),
    Mistake("largest pixel", {"measure": "largest"},
            "This is the largest difference of a single pixel. Asked for is the sum of the squares over all pixels."),
    Mistake("squared twice", {"measure": "fourth"}, "The distances are squared twice."),
    Mistake("code", {"of": "code"},
            "This is the squared length of the code: how far the image's reconstruction lies from the mean. Asked for "
            "is how far the image lies from its reconstruction."),
    Mistake("distance to the mean", {"of": "whole"},
            "This is the squared distance to the mean: the axes play no part in it. The nearest point of the surface "
            "is the reconstruction."),
    Mistake("code not squared", {"of": "sum of the code"},
            "From the squared distance to the mean you subtract the sum of the code. Pythagoras subtracts the sum of "
            "its squares."),
    Mistake("length of the code", {"of": "length of the code"},
            "From the squared distance to the mean you subtract the length of the code. Pythagoras subtracts the "
            "square of that length."),
    Mistake("code added", {"of": "both"},
            "You add the squared code to the squared distance to the mean. Pythagoras subtracts it: the distance to "
            "the mean is the long side."),
    Mistake("clamped", {"of": "clamped"},
            "The reconstructions are cut off at 0 and 1. A linear surface has no such bound."),
    Mistake("first axis", {"which": "first"}, "Only the first axis of each surface is used; all k belong to it."),
    Mistake("without the last axis", {"which": "without the last"},
            "The last axis of each surface is not used: does a loop end too early?"),
    Mistake("without the first axis", {"which": "without the first"},
            "The first axis of each surface is not used: counting starts at 0."),
    Mistake("first surface's mean", {"surfaces": "first mean"},
            "The mean of surface 0 is used for all surfaces. Surface c has its own, `means[c]`."),
    Mistake("first surface's axes", {"surfaces": "first axes"},
            "The axes of surface 0 are used for all surfaces. Surface c has its own, `axes[c]`."),
    Mistake("first surface", {"surfaces": "first"},
            "Every column is the distance to surface 0: use `means[c]` and `axes[c]` for column c."),
    Mistake("mean over the pixels", {"divide": "pixels"},
            "You divide by the number of pixels: a mean stands where the sum over the pixels belongs."),
    Mistake("over the images", {"divide": "images"},
            "You divide by the number of images. The distance of an image must not depend on the others."),
    Mistake("over the surfaces", {"divide": "surfaces"}, "You divide by the number of surfaces."),
    Mistake("negative", {"give": "negative"}, "Everywhere the sign is wrong: a squared distance is not below 0."),
    Mistake("columns", {"give": "columns"},
            "Images and surfaces have changed places, shape (C, B). Asked for is a row for each image, (B, C): "
            "`torch.stack(list, 1)`."),
    Mistake("reshaped", {"give": "reshaped"},
            "The distances of several images are mixed: a `reshape` or `view` of a table does not exchange its rows "
            "and columns. Use `.T`, or stack along dimension 1."),
    Mistake("nearest", {"give": "nearest"},
            "You return the number of the nearest surface. Asked for are the distances to all of them, (B, C)."),
    Mistake("smallest", {"give": "smallest"},
            "You return the smallest distance of each image. Asked for are the distances to all surfaces, (B, C)."),
    Mistake("sum", {"give": "sum"},
            "You add up the distances of an image to all surfaces. Asked for is a column for each surface, (B, C)."),
    Mistake("mean over the images", {"give": "mean"},
            "You average over the images. Asked for is a row for each image, (B, C)."),
    Mistake("first alone", {"give": "first"},
            "You return the distances to surface 0 alone. Does the `return` stand inside the loop? Asked for is a "
            "column for each surface, (B, C)."),
)

ERRORS = {
    "shapes cannot be multiplied": "`axes[c]` is (k, D). Its transpose turns images (B, D) into codes (B, k), and "
                                   "`axes[c]` itself turns codes back into images.",
    "must match the size of tensor": "Two shapes do not go together: `means` is (C, D) and `axes` (C, k, D), so take "
                                     "those of one surface, `means[c]` and `axes[c]`.",
}
NO_AXES = "It is right for surfaces with axes, and wrong for k = 0, where the surface is the mean alone."


def reference(x: Tensor, means: Tensor, axes: Tensor) -> Tensor:
    table = []
    for mean, own in zip(means, axes, strict=True):
        away = x - mean
        table.append((away - away @ own.T @ own).square().sum(1))
    return torch.stack(table, 1)


def oracle(x: Tensor, means: Tensor, axes: Tensor) -> Tensor:
    """Measure along the directions that are orthogonal to a surface: the rest of a complete basis."""
    table = []
    for mean, own in zip(means.double().numpy(), axes.double().numpy(), strict=True):
        basis = np.linalg.qr(own.T, mode="complete")[0] if len(own) else np.eye(len(mean))
        table.append(np.square((x.double().numpy() - mean) @ basis[:, len(own):]).sum(1))
    return torch.from_numpy(np.stack(table, 1)).float()


_TURNS = torch.tensor([[0.6, 0.8, 0.0], [0.8, 0.0, -0.6], [0.0, 0.6, 0.8], [0.0, 1.0, 0.0], [-0.8, 0.6, 0.0]])


def draw(generator: torch.Generator, size: int) -> Case:
    """Return images, and surfaces that differ in mean and axes; of size 7 without any axes."""
    if size == 1:
        return _first(generator)
    surfaces, pixels, k = {4: (3, 7, 2), 6: (1, 9, 3), 5: (5, 12, 5), 7: (3, 12, 0)}.get(size, (3, 12, 4))
    x, means = (torch.rand(n, pixels, generator=generator) for n in (size, surfaces))
    axes = torch.stack([torch.linalg.qr(torch.randn(pixels, max(k, 1), generator=generator))[0].T[:k].contiguous()
                        for _ in range(surfaces)])
    x = x**3 + 0.3 * (x > 0.8)  # some reconstructions leave the range from 0 to 1
    what = f"{surfaces} surface{'s' * (surfaces > 1)} of {k} axes"
    return Case((x, means, axes), f"{size} images of {pixels} pixels and {what}", NO_AXES if k == 0 else "")


def _first(generator: torch.Generator) -> Case:
    while True:
        x, means = (tenths(0, 9, n, 3, generator=generator) for n in (1, 2))
        axes = _TURNS[torch.randperm(len(_TURNS), generator=generator)[:2]][:, None]
        values = [family(**change)(x, means, axes) for change in (
            {}, {"centre": "none"}, {"of": "whole"}, {"of": "code"}, {"measure": "root"}, {"surfaces": "first"},
            {"code": "plain"})]
        if bool((values[0] > 0.05).all()) and all(bool(((v - values[0]).abs() > 0.02).any()) for v in values[1:]):
            return Case((x, means, axes), f"the image {rows(x)}, the means {rows(means)} and one axis each, "
                                          f"{rows(axes[:, 0])}")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which columns are right, or on which side of the right values the others lie."""
    pairs = [(g[0].double(), w[0].double()) for g, w in zip(got, want, strict=True)]
    if any(bool((g < -1e-3).any()) for g, _ in pairs):
        return "A squared distance is not below 0, and some of yours are."
    if all(near(g[:, 0], w[:, 0]) for g, w in pairs) and all(not near(g[:, 1:], w[:, 1:]) for g, w in pairs):
        return ("The distances to surface 0 are right, those to the others are not: are `means[c]` and `axes[c]` used "
                "for column c?")
    ratio = torch.cat([(g / w).flatten() for g, w in pairs])
    if float((ratio - ratio[0]).abs().max()) < 3e-3 * float(ratio[0].abs()):
        return ""  # one factor: said elsewhere
    if all(bool((g > w - 1e-3).all()) for g, w in pairs):
        return ("None of your distances is below the right one, and some are above. The right one leads to the "
                "nearest point of the surface, the image's reconstruction.")
    return ""


EXERCISE = Exercise(
    "distances", "1 · How far from a surface?", "function", 1, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 4, 6, 5, 7), rtol=2e-4, atol=1e-3,
    arguments=("x", "means", "axes"),
    gives=(Form("float", "a row for each image with a column for each surface, shape (B, C)"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Take one surface first: `means[c]` (D,) and `axes[c]` (k, D). The nearest point of it is the "
           "image's reconstruction.",
           "Code: the image minus the mean, times the transposed axes. Reconstruction: the mean plus the code times "
           "the axes. Then the squared difference to the image, summed over the pixels.",
           "Collect the column (B,) of each surface in a list; `torch.stack(columns, 1)` makes the table (B, C)."),
    why="The reconstruction is the nearest point of the surface, since what is left of the image is orthogonal to all "
        "axes. So by Pythagoras the same number is ‖x − mean‖² − ‖code‖².")
