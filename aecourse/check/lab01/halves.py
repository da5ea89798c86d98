"""Lab 01, exercise 2: cut each image into its top and its bottom half, input and target without a label."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

MISTAKES = (
    Mistake("left and right", {"cut": "middle column"},
            "These are the left and the right half. The pixels are stored row by row, so the top half is what comes "
            "first."),
    Mistake("every other row", {"cut": "rows"},
            "These are the even and the odd rows: two thin copies of the whole digit. A half is 14 rows that lie "
            "together."),
    Mistake("every other pixel", {"cut": "pixels"},
            "You take every second pixel, the even and the odd columns: two narrow copies of the whole digit. A half "
            "is 392 pixels that lie together."),
    Mistake("halves of the batch", {"cut": "images"},
            "You cut the batch, dimension 0, so one half of the images goes to each side. Each image is to be cut: its "
            "pixels are dimension 1."),
    Mistake("swapped", {"order": "bottom first"}, "The two are swapped: the top half comes first."),
    Mistake("upside down", {"mirror": True}, "The rows of the bottom half are in reverse order."),
    Mistake("whole target", {"target": "whole"},
            "The target is the whole image. Then half of the answer lies in the input, and copying it is no "
            "prediction."),
    Mistake("whole input", {"given": "whole"},
            "The input is the whole image: the answer is in the question, and there is nothing to predict."),
    Mistake("same half", {"target": "input"},
            "Input and target are the same half: copying it solves the task, and nothing is learnt from it."),
    Mistake("dimension 0", lambda x: (x[:392], x[392:]),
            "`x[:392]` takes the first 392 images, dimension 0. The pixels are dimension 1: `x[:, ...]`."),
    Mistake("blank", {"form": "blank"},
            "You paint the other half black and keep all 784 pixels. Asked for are the 392 pixels of each half."),
    Mistake("not flat", {"form": "image"},
            "Your halves are still pictures, with rows and columns. Asked for are their pixels in a row, (B, 392): "
            "flatten them."),
)

ERRORS = {
    "a tuple of 1;": "So it is for a single image: `split` and `chunk` cut dimension 0, the images, unless they are "
                     "told another one. The pixels are dimension 1.",
    "shape '[28, 28]' is invalid": "There may be more than one image: the first dimension counts them, `(-1, 28, 28)`.",
}


def reference(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[:, :392], x[:, 392:]


def oracle(x: Tensor) -> tuple[Tensor, Tensor]:
    top = torch.arange(784) // 28 < 14  # by the row that a pixel lies in
    return x.T[top].T, x.T[~top].T


def draw(generator: torch.Generator, size: int) -> Case:
    text = "one image" if size == 1 else f"{size} images"
    return Case((torch.rand(size, 784, generator=generator),), f"{text} of random pixels")


def family(**changes: Any) -> Any:
    """Return the two halves of an image, with the given changes."""
    return partial(_halves, **changes)


def _halves(x: Tensor, *, cut: str = "middle row", order: str = "top first", target: str = "half", form: str = "flat",
            given: str = "half", mirror: bool = False) -> Any:
    image = x.reshape(-1, 28, 28)
    if cut == "images":
        return x[: len(x) // 2], x[len(x) // 2:]
    elif cut == "pixels":
        first, second = x[:, ::2], x[:, 1::2]
    else:
        first, second = {"middle row": (image[:, :14], image[:, 14:]), "rows": (image[:, ::2], image[:, 1::2]),
                         "middle column": (image[:, :, :14], image[:, :, 14:])}[cut]
        if mirror:
            second = second.flip(1)
    if order == "bottom first":
        first, second = second, first
    if form == "blank":  # whole images, the other half painted black
        blank = torch.zeros_like(first)
        return (torch.cat([first, blank], 1).flatten(1), torch.cat([blank, second], 1).flatten(1))
    if form == "flat":
        first, second = first.flatten(1), second.flatten(1)
    second = {"half": second, "whole": x, "input": first}[target]
    return (x if given == "whole" else first), second


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which pixels of the image stand in the two results: all of its values differ, so each can be found."""
    x, others = cases[0].args[0][0], cases[0].args[0][1:]
    for name, g, first in zip(("first", "second"), got[0], (0, 392), strict=True):
        values = g[0, [0, 1, 28]]
        found = [_pixel(x, value) for value in values]
        if any(p is None and bool((others == v).any()) for p, v in zip(found, values, strict=True)):
            return f"The {name} result mixes the images: in the row of image 0 stand pixels of another one."
        rows = [p for p in found if p is not None]
        if len(rows) < len(found):
            return f"The {name} result holds values that are no pixels of the image: cut it, and change nothing."
        if rows == [first, first + 1, first + 28]:
            continue
        places = ", ".join(f"(row {p // 28}, column {p % 28})" for p in rows[:2])
        return (f"The {name} result starts with other pixels: {places}. Its first two belong to row {first // 28}, "
                "columns 0 and 1.")
    return ""


def _pixel(x: Tensor, value: Tensor) -> int | None:
    place = (x == value).nonzero()
    return int(place[0]) if len(place) else None


EXERCISE = Exercise(
    "halves", "2 · A question without a label", "function", 1, 5,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 5, 200),
    arguments=("x",), gives=(Form("float", "the top half of each image, shape (B, 392)", name="top"),
                             Form("float", "the bottom half of each image, shape (B, 392)", name="bottom")),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS, rtol=0, atol=0,
    hints=("The 784 pixels of an image are stored row by row: 28 of the first row, then 28 of the second, and so "
           "on.",
           "14 rows are 392 pixels. Which pixels are the top half, and which are the rest?",
           "`x[:, :n]` takes the first n pixels of every image, `x[:, n:]` the others."),
    why="The target is made from the image itself, so nobody has to label anything. It must not be in the input: "
        "else the net learns to copy.")
