"""Lab 05, exercise 6: point dead units to the images with the largest errors, as long as the living rows are."""

from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.drawing import row, rows, telling, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts, near

NONE_DEAD = ("It is right where units are dead, and wrong where none is: then the weights stay as they are.")

ONE = "It is right where several units are dead, and wrong where one is: it gets the image with the largest error."
LONELY = ("It is right where several units live and there are images to spare, and wrong where a single unit lives and "
          "there are as many images as units.")
WIDE = ("It is right for few units and images without negative numbers, and wrong for many units and images that have "
        "negative numbers, as they do once a bias is taken off.")

MISTAKES = (
    Mistake("living rows", {"rows": "living"},
            "The rows of the living units are replaced, and the dead ones stay. `dead` is True for the dead."),
    Mistake("all rows", {"rows": "all"}, "All rows are replaced, and what the living units have learned is lost."),
    Mistake("first rows", {"rows": "first"},
            "The first rows are replaced, as many as there are dead units. Replace those for which `dead` is True."),
    Mistake("smallest errors", {"images": "best"},
            "You take the images with the smallest errors. They are reconstructed well without any help."),
    Mistake("reversed order", {"images": "reversed"},
            "The right images in reverse order: the first dead unit gets the image with the largest error."),
    Mistake("stored order", {"images": "stored"},
            "The right images, in the order in which they are stored. The first dead unit gets the one with the "
            "largest error."),
    Mistake("one image for all", {"images": "one"},
            "All dead units get the same image. Then they do the same from now on: give each its own."),
    Mistake("first images", {"images": "first"},
            "You take the first images, whatever their errors."),
    Mistake("image of the unit's number", {"images": "own"},
            "`dead` picks the images too. It belongs to the units; the images are chosen by their errors."),
    Mistake("worst left out", {"images": "second"},
            "The image with the largest error is left out: counting starts at 0."),
    Mistake("image as it is", {"length": "image"},
            "The images are put in as they are. Their lengths have nothing to do with the weights': bring each to "
            "length 1, then to the mean length of the living rows."),
    Mistake("length one", {"length": "one"},
            "The new rows have length 1. They should be as long as the living rows are on average, or "
            "they are much stronger or weaker than the others."),
    Mistake("not of unit length", {"length": "not unit"},
            "The images are multiplied with the mean length without being brought to length 1 before."),
    Mistake("mean of all rows", {"length": "all rows"},
            "The mean length is taken over all rows, the dead ones included. The living ones alone are the example."),
    Mistake("lengths of the dead", {"length": "dead"},
            "The mean length is that of the dead rows. The living ones are the example."),
    Mistake("own length", {"length": "own"},
            "Each new row keeps the length of the dead row before it. The living ones are the example: their mean "
            "length."),
    Mistake("median", {"length": "median"}, "This is the median of the living rows' lengths; their mean is meant."),
    Mistake("longest", {"length": "longest"}, "This is the largest of the living rows' lengths; their mean is meant."),
    Mistake("sum of the lengths", {"length": "sum"},
            "This is the sum of the living rows' lengths; their mean is meant."),
    Mistake("a fifth", {"length": "fifth"},
            "The new rows are a fifth as long as the living ones. Some authors do that; the exercise asks for the mean "
            "length itself."),
    Mistake("whole", {"length": "whole"},
            "The new rows are as long as all living weights together (`.norm()` without a dimension). Each row has a "
            "length: dimension 1. Then the mean."),
    Mistake("length of the mean", {"length": "of mean"},
            "This is the length of the mean row: rows in different directions cancel. First the lengths, then their "
            "mean."),
    Mistake("root of the mean square", {"length": "root"},
            "This is the root of the mean squared length; the plain mean of the lengths is meant."),
    Mistake("times the error", {"length": "error"},
            "The images are multiplied with their errors. The errors only choose the images."),
    Mistake("centred", {"centre": True},
            "The mean image is subtracted first. The images that come in are taken as they are."),
    Mistake("added", {"add": "to the row"},
            "The image is added to the dead row. It takes the row's place."),
    Mistake("new rows only", {"give": "new"},
            "You return the new rows alone. Asked for is the whole matrix, (K, D), with the living rows as they were."),
    Mistake("living rows lost", {"give": "others zero"},
            "The living rows are zero: start with a copy of W, `W.clone()`."),
)

ERRORS = {
    "shape mismatch": "There are as many dead units as `dead.sum()` says; take as many images.",
    "indexing result of shape [0": "Where no unit is dead, `[-n:]` with n = 0 takes all images, and `[:n]` none.",
    "out of bounds": "Numbers of units and numbers of images are different things: K units, N images.",
    "mask [": "`dead` has one entry for each unit, not for each image: it can pick rows of W, not of `x`.",
    "indexed tensor": "`dead` has one entry for each unit, not for each image: it can pick rows of W, not of `x`.",
    "leaf Variable that requires grad": "Work on a copy, `W.clone()`.",
}


def reference(W: Tensor, dead: Tensor, x: Tensor, errors: Tensor) -> Tensor:
    worst = x[errors.argsort(descending=True)[:int(dead.sum())]]
    new = W.clone()
    new[dead] = F.normalize(worst, dim=1) * W[~dead].norm(dim=1).mean()
    return new


def oracle(W: Tensor, dead: Tensor, x: Tensor, errors: Tensor) -> Tensor:
    """Go through the units one by one, each time with the worst image that is left."""
    new, left = W.double().numpy().copy(), errors.double().numpy().copy()
    living = [np.sqrt(np.square(w).sum()) for w, gone in zip(new, dead.tolist(), strict=True) if not gone]
    for k in np.flatnonzero(dead.numpy()):
        i = int(np.argmax(left))
        image = x[i].double().numpy()
        new[k], left[i] = image / np.sqrt(np.square(image).sum()) * np.mean(living), -np.inf
    return torch.from_numpy(new).float()


# ---- draw -----------------------------------------------------------------------------------------------------------

_SPECIAL = {9: NONE_DEAD, 5: ONE, 7: LONELY, 300: WIDE}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return weights of units of which some are dead; of size 9 none is, of size 5 one, of size 7 all but one."""
    units, images, d, gone = {3: (5, 6, 2, 2), 6: (7, 10, 5, 3), 12: (12, 20, 8, 5), 9: (6, 8, 4, 0),
                              5: (6, 8, 4, 1), 7: (7, 7, 3, 6),
                              300: (90, 250, 40, 50)}.get(
        size, (8, size, 5, 3))
    while True:
        W, x = torch.randn(units, d, generator=generator), torch.rand(images, d, generator=generator) + 0.1
        errors = torch.randperm(90, generator=generator)[:images] / 10 + 0.1
        if size == 3:
            W, x = (tenths(-9, 9, units, d, generator=generator), tenths(1, 9, images, d, generator=generator))
        else:
            W = W * (0.3 + 2 * torch.rand(units, 1, generator=generator))
        if size == 300:
            x, errors = x - 0.6, torch.randperm(images, generator=generator) / 10 + 0.1
        dead = torch.zeros(units, dtype=torch.bool)
        dead[torch.randperm(units, generator=generator)[:gone]] = True
        if size > 12 or size in _SPECIAL or (float(W.norm(dim=1).min()) > 0.1 and telling(
                family, MISTAKES, (W, dead, x, errors), size > 3)):
            break
    if size in _SPECIAL:
        return Case((W, dead, x, errors), f"{units} units, {gone or 'none'} of them dead, and {images} images",
                    _SPECIAL[size])
    return Case((W, dead, x, errors), (
        f"W = {rows(W)}, dead = {dead.tolist()}, x = {rows(x)} and errors = {row(errors)}" if size == 3
        else f"{units} units, {gone} of them dead, and {images} images"))


# ---- family: a right answer with switches, of which a known mistake turns one ---------------------------------------


def family(**changes: Any) -> Any:
    """Return weights whose dead rows point to the images with the largest errors, with the given changes."""
    return partial(_switched, **changes)


def _switched(W: Tensor, dead: Tensor, x: Tensor, errors: Tensor, *, rows: str = "dead", images: str = "worst",
              length: str = "living", centre: bool = False, add: str = "", give: str = "all") -> Tensor:
    chosen = dead if rows == "dead" else ~dead if rows == "living" else torch.ones_like(dead)
    if rows == "first":
        chosen = torch.arange(len(W)) < dead.sum()
    n = int(chosen.sum())
    order = errors.argsort(descending=True)
    places = {"worst": lambda: order[:n], "best": lambda: order.flip(0)[:n], "reversed": lambda: order[:n].flip(0),
              "one": lambda: order[:1].expand(n), "first": lambda: torch.arange(n),
              "own": lambda: chosen.nonzero().flatten(), "stored": lambda: order[:n].sort().values,
              "second": lambda: order[1:n + 1]}[images]()
    new = x[places]
    if centre:
        new = new - x.mean(0)
    if length == "image":
        pass
    elif length == "error":
        new = new * errors[places][:, None]
    else:
        living, gone = W[~dead].norm(dim=1), W[dead].norm(dim=1)
        to = {"living": lambda: living.mean(), "one": lambda: torch.ones(()), "all rows": lambda: W.norm(dim=1).mean(),
              "median": lambda: living.quantile(0.5), "longest": lambda: living.max(), "sum": lambda: living.sum(),
              "fifth": lambda: 0.2 * living.mean(), "whole": lambda: W[~dead].norm(),
              "of mean": lambda: W[~dead].mean(0).norm(), "own": lambda: gone[:, None], "dead": lambda: gone.mean(),
              "root": lambda: living.square().mean().sqrt(), "not unit": lambda: living.mean()}[length]()
        new = new * to if length == "not unit" else new / new.norm(dim=1, keepdim=True) * to
    if give == "new":
        return new
    out = torch.zeros_like(W) if give == "others zero" else W.clone()
    out[chosen] = new if not add else out[chosen] + new
    return out


# ---- look -----------------------------------------------------------------------------------------------------------


def _row_by_row(got: Tensor, want: Tensor, W: Tensor, dead: Tensor) -> bool:
    """Return whether some rows of dead units are right and all others as they were."""
    right, old = (torch.isclose(got, other, rtol=2e-3, atol=1e-3).all(1)[dead] for other in (want, W))
    return bool((right | old).all()) and bool(right.any()) and not bool(right.all())


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which rows are right, and whether their directions or their lengths are not."""
    pairs = [(case.args[0].double(), case.args[1], g[0].double(), w[0].double())
             for case, g, w in zip(cases, got, want, strict=True)]
    if any(not near(g[~dead], W[~dead]) for W, dead, g, _ in pairs):
        some = all(near(g[dead], w[dead]) for _, dead, g, w in pairs)
        return ("The rows of living units have changed; they stay as they are."
                + (" Those of the dead ones are right." if some else ""))
    new = [(g[dead], w[dead]) for _, dead, g, w in pairs if bool(dead.any())]
    if all(near(g[dead], W[dead]) for W, dead, g, _ in pairs):
        return ("Nothing has changed: the rows of the dead units are as they were. Write `new[dead] = ...` into a copy "
                "of W, and return `new`; what is written into `W[a][b]` may be lost.")
    if all(_row_by_row(g, w, W, dead) for W, dead, g, w in pairs):
        return ("The living rows are right, and so are some of the new ones. The other dead units have their old rows: "
                "all of them get an image.")
    cosines = torch.cat([torch.cosine_similarity(g, w, dim=1) for g, w in new])
    if bool((cosines > 0.999).all()):
        ratios = torch.cat([g.norm(dim=1) / w.norm(dim=1) for g, w in new])
        r = float(ratios.mean())
        if float((ratios - r).abs().max()) < 2e-3 * r:
            return (f"The living rows are right, and so are the directions of the new ones; their lengths are {r:.3g} "
                    "times the right ones.")
        if all(near(g.norm(dim=1), W[~dead].norm(dim=1).median().expand(len(g)))
               for (W, dead, _, _), (g, _) in zip([p for p in pairs if bool(p[1].any())], new, strict=True)):
            return ("The new rows have the median of the living rows' lengths (the lower one of the two in the "
                    "middle); their mean is meant.")
        return ("The living rows are right, and so are the directions of the new ones. Their lengths are not: all "
                "should have the mean length of the living rows.")
    if bool((cosines < -0.999).all()):
        return "The new rows point away from their images: the sign is wrong."
    if bool((cosines.abs() > 0.999).all()):
        return ("The living rows are right. Each new row lies on the line of its image, but some point the opposite "
                "way: a length is never negative.")
    if all(near(g.norm(dim=1), w.norm(dim=1)) for g, w in new):
        return ("The living rows are right, and so are the lengths of the new ones. They point to other images, or to "
                "none: the first dead unit gets the image with the largest error, the next one the second largest.")
    return "The living rows are right. The new rows have neither the right directions nor the right lengths."


EXERCISE = Exercise(
    "revive", "6 · Revive the dead units", "function", 3, 12,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 6, 12, 9, 5, 7, 300), atol=1e-4,
    arguments=("W", "dead", "x", "errors"),
    gives=(Form("float", "the weights, one row for each unit, shape (K, D)", "unit"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`errors.argsort(descending=True)` lists the images, the worst one first. You need as many as "
           "`dead.sum()`.",
           "Bring these images to length 1, and multiply with the mean of `W[~dead].norm(dim=1)`.",
           "Work on a copy: `new = W.clone()`, then `new[dead] = ...`."),
    why="An image with a large error has something that no living unit stands for. A unit that points to it is on "
        "for it at once, so gradients flow again, and they can make of it what is needed.")
