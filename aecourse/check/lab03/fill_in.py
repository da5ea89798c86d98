"""Exercise 2, hidden pixels from the visible ones: the point of PCA's surface that fits the visible pixels best."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import row, rows, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts, near
from aecourse.check.engine.words import many


def family(**changes: Any) -> Any:
    """Return images with their hidden pixels filled in, with the given changes."""
    return partial(_answer, **changes)


def _answer(x: Tensor, seen: Tensor, mean: Tensor, axes: Tensor, *, fit: str = "solve", centre: str = "mean",
            keep: str = "visible", mask: str = "visible", add: str = "mean", squash: str = "", which: str = "all",
            give: str = "images") -> Tensor:
    known = ~seen if mask == "hidden" else seen
    axes = axes[{"all": slice(None), "first": slice(1), "without the last": slice(-1)}[which]]
    centred = x - {"mean": lambda: mean, "none": lambda: 0 * mean, "batch": lambda: x.mean(0),
                   "one number": lambda: mean.mean(), "each image": lambda: x[:, seen].mean(1, keepdim=True)}[centre]()
    z = _code(x, centred, known, axes, mean, fit)
    full = z @ axes + (mean if add == "mean" else 0)
    full = {"": lambda: full, "clamp": lambda: full.clamp(0, 1), "sigmoid": full.sigmoid}[squash]()
    full = {"visible": lambda: torch.where(seen, x, full), "nothing": lambda: full,
            "hidden": lambda: torch.where(seen, full, x), "sum": lambda: x + torch.where(seen, 0, full)}[keep]()
    return {"images": lambda: full, "hidden": lambda: full[:, ~seen], "code": lambda: z, "columns": lambda: full.T,
            "mean of both": lambda: torch.where(seen, x, (full + mean) / 2)}[give]()


def _code(x: Tensor, centred: Tensor, known: Tensor, axes: Tensor, mean: Tensor, fit: str) -> Tensor:
    cut = axes[:, known]
    z = centred[:, known] @ cut.T
    if fit == "whole":
        return centred @ axes.T
    if fit == "black":
        return (torch.where(known, x, 0) - mean) @ axes.T
    if fit == "diagonal":
        return z / cut.square().sum(1)
    if fit == "share":
        return z * len(known) / known.sum()
    if fit == "nothing":
        return z * 0
    if fit.endswith("rounds"):
        for _ in range(int(fit.split()[0]) - 1):  # fill in, project, fill in again
            z = torch.where(known, centred, z @ axes) @ axes.T
        return z
    if fit.startswith("ridge"):
        return torch.linalg.solve(cut @ cut.T + float(fit.split()[1]) * torch.eye(len(cut), dtype=cut.dtype), z.T).T
    if fit == "one":
        return _code(x, centred.mean(0).expand_as(x), known, axes, mean, "solve")
    return z if fit == "product" else torch.linalg.lstsq(cut.T, centred[:, known].T, driver="gelsd").solution.T


_RIDGE = ("A multiple of the identity matrix is added to the equations, which makes the code smaller. Asked for is the "
          "code with the smallest error on the visible pixels.")

MISTAKES = (
    Mistake("whole image", {"fit": "whole"},
            "The code is computed from all pixels, and what stands at the hidden ones is meaningless. Use the visible "
            "pixels alone: `x[:, seen]`, `mean[seen]`, `axes[:, seen]`."),
    Mistake("hidden pixels black", {"fit": "black"},
            "You set the hidden pixels to 0 and project the image. So the code has to explain black pixels that nobody "
            "has seen. Fit it to the visible pixels alone."),
    Mistake("product", {"fit": "product"},
            "The code is the product of the centred visible pixels with the visible part of the axes. (To set the "
            "hidden pixels to the mean and project the image gives the same.) The axes are orthonormal over all "
            "pixels, and not over the visible ones: the code is the solution of a least-squares problem."),
    Mistake("two rounds", {"fit": "2 rounds"},
            "You fill in and project twice. Repeated many times this comes to the right values; two rounds are not "
            "enough. `torch.linalg.lstsq` gives them at once."),
    Mistake("ten rounds", {"fit": "10 rounds"},
            "You fill in and project ten times. Repeated more often this comes to the right values; ten rounds are not "
            "enough. `torch.linalg.lstsq` gives them at once."),
    Mistake("each axis for itself", {"fit": "diagonal"},
            "You divide the product with each axis by that axis's squared length over the visible pixels. That would "
            "be right if the cut axes were still orthogonal. They are not: solve for all k numbers at once."),
    Mistake("scaled by the share", {"fit": "share"},
            "You multiply the code by D over the number of visible pixels. The least-squares problem takes no such "
            "factor: solve it for all k numbers at once."),
    Mistake("one code for all", {"fit": "one"},
            "All images get the same code, the one that fits the mean of the images best. Each image has a code of its "
            "own."),
    Mistake("mean image", {"fit": "nothing"},
            "The hidden pixels are those of the mean image, whatever the visible ones are: the code is 0."),
    Mistake("ridge 1", {"fit": "ridge 1"}, f"{_RIDGE} (With 1 times the identity your values come out.)"),
    Mistake("ridge 0.1", {"fit": "ridge 0.1"}, f"{_RIDGE} (With 0.1 times the identity your values come out.)"),
    Mistake("ridge 0.01", {"fit": "ridge 0.01"}, f"{_RIDGE} (With 0.01 times the identity your values come out.)"),
    Mistake("mean not subtracted", {"centre": "none"},
            "The mean is not subtracted before the fit: the visible pixels have to be compared with the mean's visible "
            "pixels, `mean[seen]`."),
    Mistake("mean of the batch", {"centre": "batch"},
            "You subtract the mean of the images that came in. Subtract the mean image that is handed in."),
    Mistake("one grey level", {"centre": "one number"},
            "You subtract one number, the mean of the mean image. Subtract `mean[seen]`, pixel by pixel."),
    Mistake("mean of each image", {"centre": "each image"},
            "You subtract from each image the mean of its own visible pixels. Subtract `mean[seen]`."),
    Mistake("mean not added", {"add": "none"},
            "The mean is not added back: a code of zeros stands for the mean image."),
    Mistake("reconstruction", {"keep": "nothing"},
            "The hidden pixels are right, and the visible ones are those of the reconstruction. Visible pixels stay as "
            "they are in x."),
    Mistake("visible replaced", {"keep": "hidden"},
            "The visible pixels are replaced and the hidden ones kept. `seen` is True where a pixel is visible, so "
            "`torch.where(seen, x, reconstruction)`."),
    Mistake("added", {"keep": "sum"},
            "At the hidden pixels you add the reconstruction to what stands in x. Put it in its place."),
    Mistake("fitted to the hidden ones", {"mask": "hidden"},
            "The code is fitted to the hidden pixels. `seen` is True where a pixel is visible."),
    Mistake("mask turned round", {"mask": "hidden", "keep": "hidden"},
            "Visible and hidden are exchanged everywhere: `seen` is True where a pixel is visible."),
    Mistake("clamped", {"squash": "clamp"},
            "The filled-in pixels are cut off at 0 and 1. Leave them as they come."),
    Mistake("sigmoid", {"squash": "sigmoid"}, "There is a sigmoid. A linear surface needs none."),
    Mistake("first axis", {"which": "first"}, "Only the first axis is used; all k are to be fitted together."),
    Mistake("without the last axis", {"which": "without the last"}, "The last axis is not used."),
    Mistake("hidden pixels alone", {"give": "hidden"},
            "You return the hidden pixels alone. Asked for are whole images, (B, D), with the visible pixels as they "
            "are."),
    Mistake("code", {"give": "code"},
            "You return the codes. Asked for are images, (B, D): decode, and put the visible pixels back."),
    Mistake("columns", {"give": "columns"},
            "Your images stand in columns, shape (D, B). Asked for is a row for each image, (B, D)."),
    Mistake("half of the way", {"give": "mean of both"},
            "Your hidden pixels lie half-way between the mean image and the reconstruction."),
)

ERRORS = {
    "shapes cannot be multiplied": "Two shapes do not go together. Over the V visible pixels, `x[:, seen]` is (B, V) "
                                   "and `axes[:, seen]` is (k, V); the whole axes, (k, D), turn codes into whole "
                                   "images.",
    "must match the size of tensor": "Two shapes do not go together: either all parts are cut to the visible pixels, "
                                     "`x[:, seen]`, `mean[seen]` and `axes[:, seen]`, or none.",
    "lstsq": "`torch.linalg.lstsq(M, Y).solution` finds the Z (k, B) for which M @ Z is nearest to Y. M is (V, k) with "
             "a row for each visible pixel, and Y is (V, B) with a column for each image.",
    "must be batches of square matrices": "`solve` and `inv` take a square matrix. The visible part of the axes is "
                                          "not square: `torch.linalg.lstsq`.",
}
ALL_SEEN = "It is right where pixels are hidden, and wrong where none is: then the images come back as they are."
AS_MANY = ("It is right where there are more visible pixels than axes, and wrong where there are as many: then a code "
           "fits them without error.")


def reference(x: Tensor, seen: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    z = torch.linalg.lstsq(axes[:, seen].T, (x - mean)[:, seen].T).solution.T
    return torch.where(seen, x, mean + z @ axes)


def oracle(x: Tensor, seen: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    """Solve the normal equations, in NumPy, with a weight of 1 or 0 for each pixel."""
    images, middle, rows_, weight = (t.double().numpy() for t in (x, mean, axes, seen))
    away = np.where(weight > 0, images - middle, 0.0)
    z = np.linalg.solve((rows_ * weight) @ rows_.T, rows_ @ away.T).T
    return torch.from_numpy(np.where(weight > 0, images, middle + z @ rows_)).float()


_AXES = torch.tensor([[0.1, 0.3, 0.3, 0.9], [0.5, 0.5, 0.5, 0.5], [0.7, 0.1, 0.5, 0.5]])


def draw(generator: torch.Generator, size: int) -> Case:
    """Return images whose code the visible pixels determine well; the hidden pixels of some hold 0, of others noise."""
    if size == 1:
        return _first(generator)
    pixels, k, visible = {4: (7, 2, 5), 5: (9, 4, 4), 6: (8, 3, 8)}.get(size, (14, 4, 9))
    while True:
        axes = torch.linalg.qr(torch.randn(pixels, k, generator=generator))[0].T.contiguous()
        seen = torch.randperm(pixels, generator=generator) < visible
        least = float(torch.linalg.svdvals(axes[:, seen].double())[-1])
        if least > 0.25 and (least < 0.75 or visible == pixels):  # far from parallel, and far from orthonormal
            break
    x, mean = torch.rand(size, pixels, generator=generator), torch.rand(pixels, generator=generator)
    x = torch.where(seen, x**2, 0 if size == 4 else torch.randn(size, pixels, generator=generator))
    hidden = {4: "2 of 7 pixels hidden (they hold 0)", 5: "4 of 9 pixels visible and 4 axes",
              6: "all 8 pixels visible"}.get(size, f"{pixels - visible} of {pixels} pixels hidden (they hold noise)")
    return Case((x, seen, mean, axes), f"{size} images with {hidden}",
                ALL_SEEN if visible == pixels else AS_MANY if visible == k else "")


def _first(generator: torch.Generator) -> Case:
    while True:
        axis = _AXES[int(torch.randint(len(_AXES), (), generator=generator))]
        axes = axis[torch.randperm(4, generator=generator)][None] * (
            2 * torch.randint(0, 2, (4,), generator=generator) - 1)
        x, mean = tenths(0, 9, 1, 4, generator=generator), tenths(1, 9, 4, generator=generator)
        seen = torch.randperm(4, generator=generator) > 0
        x[:, ~seen] = 0
        right = family()(x, seen, mean, axes)
        others = [family(**change)(x, seen, mean, axes) for change in (
            {"fit": "whole"}, {"fit": "product"}, {"fit": "nothing"}, {"centre": "none"}, {"add": "none"})]
        if float(axes[:, seen].square().sum()) < 0.95 and all(float((o - right).abs().max()) > 0.02 for o in others):
            return Case((x, seen, mean, axes), f"the image {rows(x)} with the pixel {int((~seen).nonzero())} hidden, "
                                               f"the mean {row(mean)} and the axis {rows(axes)}")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which pixels are right, and whether the filled-in ones lie on the surface."""
    some = [(case.args, g[0].double(), w[0].double()) for case, g, w in zip(cases, got, want, strict=True)]
    for places in range(4):
        if all(near(g, g.round(decimals=places), 1e-6) and float((g - w).abs().max()) < 0.51 * 10**-places + 1e-5
               for _, g, w in some):
            return f"Your values are rounded to {many(places, 'digit')} after the point. Leave them as they come."
    kept = [near(g[:, args[1]], w[:, args[1]]) for args, g, w in some]
    filled = [near(g[:, ~args[1]], w[:, ~args[1]]) for args, g, w in some]
    if all(filled):
        return "The hidden pixels are right, the visible ones are not: they stay as they are in x."
    if not all(kept):
        return "Some visible pixels are not what they are in x, and some hidden ones are wrong. Visible pixels stay."
    for args, g, _ in some:
        _, seen, mean, axes = args
        hidden, cut = g[:, ~seen] - mean[~seen], axes[:, ~seen].double()
        if len(cut.T) > len(cut) and not near(hidden @ torch.linalg.pinv(cut) @ cut, hidden):
            return ("The visible pixels are as they should be. The hidden ones do not lie on the surface: no code, "
                    "decoded with `mean` and `axes`, gives them.")
    return ("The visible pixels are as they should be. The hidden ones belong to another code than the one with the "
            "smallest squared error on the visible pixels.")


EXERCISE = Exercise(
    "fill_in", "2 · Hidden pixels", "function", 2, 11,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 4, 9, 5, 6), rtol=1e-3, atol=1e-3,
    arguments=("x", "seen", "mean", "axes"),
    gives=(Form("float", "whole images with the hidden pixels filled in, shape (B, D)"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Cut everything to the visible pixels: `x[:, seen]`, `mean[seen]`, `axes[:, seen]`. Which code z makes "
           "z @ axes[:, seen] nearest to the centred visible pixels?",
           "It is a least-squares problem, since the cut axes are not orthonormal any more: `torch.linalg.lstsq(M, "
           "Y).solution` with M = axes[:, seen].T, (V, k), and Y with a column for each image, (V, B).",
           "Decode with the whole axes and the mean. `torch.where(seen, x, reconstruction)` keeps the visible pixels."),
    why="On the visible pixels the axes are shorter and no longer orthogonal, so a product with each of them is not "
        "enough: their equations are solved together. With few visible pixels for each axis the solution follows every "
        "detail of them.")
