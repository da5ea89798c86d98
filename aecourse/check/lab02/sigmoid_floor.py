"""Lab 02, exercise 5, a bug hunt: the smallest squared error of an output from 0 to 1 on images from −1 to 1."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab02._images import PIXELS, images
from aecourse.check.lab02._reductions import NOT_PIXELS, reduced

MISTAKES = (
    Mistake("positive part", {"low": -1.0, "high": 0.0},
            "You count the pixels above 0. Those the sigmoid can reach; it is the ones below 0 that it cannot."),
    Mistake("all of it", {"fixed": 0.0},
            "You count x² of every pixel: that is the error of a net that always gives 0. Where x is above 0, a "
            "sigmoid does better than that."),
    Mistake("middle", {"fixed": 0.5},
            "You measure the distance to 0.5, the middle of the sigmoid's range. The best output is a different one "
            "for each pixel: the nearest value that the sigmoid reaches."),
    Mistake("white", {"fixed": 1.0},
            "You measure the distance to 1. The best output is the value from 0 to 1 that is nearest to the pixel."),
    Mistake("no square", {"power": 1}, "The distance is not squared."),
    Mistake("no square, signed", lambda x: x.clamp(max=0).sum(-1),
            "The distance is not squared; it is also negative this way."),
    Mistake("root", lambda x: x.clamp(max=0).square().sum(-1).sqrt(),
            "This is the root of the squared error: leave the root out."),
    Mistake("square of the sum", lambda x: x.clamp(max=0).sum(-1).square(),
            "You add first and square then: square each pixel's distance, then add."),
    Mistake("ends only", lambda x: torch.minimum(x**2, (x - 1) ** 2).sum(-1),
            "You let the output be 0 or 1 only. A sigmoid gives every value between them."),
    Mistake("counted", lambda x: (x < 0).to(x.dtype).sum(-1),
            "You count the pixels that cannot be reached. Asked for is their squared distance to what can be."),
    Mistake("mapped", {"part": "mapped"},
            "You let the net answer (x + 1)/2, the image on the scale from 0 to 1. Its error is measured against x "
            "itself, and there a nearer output exists."),
    Mistake("sigmoid of x", {"part": "sigmoid"},
            "You take sigmoid(x) for the output. The net may give any logit, and the sigmoid of some logit is nearer "
            "to x."),
    Mistake("one output for all", lambda x: (x - x.mean(-1, keepdim=True).clamp(0, 1)).square().sum(-1),
            "You let the net answer one grey level for the whole image, its mean cut off at 0 and 1. It may give a "
            "value of its own for each pixel, and the nearest one counts."),
    Mistake("smallest pixel", lambda x: x.clamp(max=0).square().amin(-1),
            "The smallest pixel error of the image is taken. All of its pixels count: add their errors."),
    Mistake("largest pixel", lambda x: x.clamp(max=0).square().amax(-1),
            "The largest pixel error of the image is taken. All of its pixels count: add their errors."),
    Mistake("half range", {"low": -0.5, "high": 0.5},
            "You let the output range from −0.5 to 0.5; a sigmoid gives values from 0 to 1."),
    Mistake("half", {"half": 0.5}, "There is a ½ that the squared error does not have."),
    Mistake("mean over pixels", {"reduce": "mean"},
            "There is a mean over the pixels; asked for is the sum, the squared error of the whole image."),
    Mistake("mean over the batch", {"reduce": "batch mean"},
            "The batch is averaged too: one number for each image is asked for."),
    Mistake("sum over everything", {"reduce": "everything"},
            "The images are summed too: sum over the pixels alone, `.sum(-1)`."),
    Mistake("mean over everything", {"reduce": "mean of all"},
            "`.mean()` averages over pixels and images: sum over the pixels, `.sum(-1)`."),
    *NOT_PIXELS,
)


def reference(x: Tensor) -> Tensor:
    return x.clamp(max=0).square().sum(-1)


def oracle(x: Tensor) -> Tensor:
    outputs = torch.linspace(0, 1, 3, dtype=torch.float64)  # a parabola's minimum, by its values at three points
    errors = (outputs - x.double()[..., None]) ** 2
    a, b = 2 * (errors[..., 0] - 2 * errors[..., 1] + errors[..., 2]), errors[..., 2] - errors[..., 0]
    best = ((a - b) / (2 * a)).clamp(0, 1)
    return ((best - x) ** 2).sum(-1).float()


def draw(generator: torch.Generator, size: int) -> Case:
    if size == 1:
        x = -images(generator, 1, True)
        return Case((x,), f"one image with all pixels {x[0, 0]:.1f}")
    x = torch.rand(size, PIXELS, generator=generator) * 2 - 1
    if size == 5:  # as in a digit, most of the paper is exactly −1 and some of the ink exactly 1
        x[:, ::2], x[:, 1::8], x[:, 3::8], x[4] = -1.0, 1.0, 0.0, x[4].abs()
        return Case((x,), "5 images from −1 to 1 with many pixels at −1, 0 and 1, the last without any below 0")
    return Case((x,), f"{size} images of random pixels from −1 to 1")


def family(**changes: Any) -> Any:
    """Return the smallest squared error of an output in [0, 1] on images in [−1, 1], with the given changes."""
    return partial(_floor, **changes)


def _floor(x: Tensor, *, low: float = 0.0, high: float = 1.0, part: str = "", power: int = 2,
           fixed: float | None = None, reduce: str = "sum", half: float = 1.0) -> Tensor:
    best = x.clamp(low, high) if fixed is None else torch.full_like(x, fixed)
    if part == "mapped":  # the best output taken for the image mapped to [0, 1]
        best = (x + 1) / 2
    elif part == "sigmoid":
        best = torch.sigmoid(x)
    gap = (best - x).abs()
    return half * reduced(gap**power, reduce)


def _terms(x: Tensor) -> dict[str, Tensor]:
    return {"the pixels below 0": x.clamp(max=0).square().sum(-1)}


parts = (_terms,)

EXERCISE = Exercise(
    "sigmoid_floor", "5 · Bug hunt: the floor of a sigmoid", "function", 2, 6,
    reference=reference, oracle=oracle, draw=draw, arguments=("x",),
    family=family, parts=parts, mistakes=MISTAKES,
    hints=("Take one pixel. Which value between 0 and 1 is nearest to 0.7? And to −0.4?",
           "A pixel above 0 costs nothing. A pixel below 0 costs its squared distance to 0.",
           "`clamp` cuts a tensor off at a value; square, and sum over the pixels."),
    why="A sigmoid reaches 0 to 1 only, so every pixel below 0 costs at least its square. Most pixels of a digit "
        "are background, at −1 on that scale: the net is charged for a black that it cannot paint.")
