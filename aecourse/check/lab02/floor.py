"""Lab 02, exercise 5, a bug hunt: the smallest squared error of limited outputs on images of any scale."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab02._images import PIXELS
from aecourse.check.lab02._reductions import NOT_PIXELS, reduced


def _nan(x: Tensor, low: float, high: float, at: tuple[str, ...]) -> Tensor:
    lost = ("low" in at and math.isinf(low)) or ("high" in at and math.isinf(high))
    return torch.full((len(x),), math.nan) if lost else reference(x, low, high)


def _unlimited(x: Tensor, low: float, high: float) -> Tensor:
    return torch.zeros(len(x)) if math.isinf(low) or math.isinf(high) else reference(x, low, high)


_NAN = "it gives NaN there, as 0 · inf and inf − inf do. No pixel lies beyond such a limit, so it costs nothing."

MISTAKES = (
    Mistake("upper limit alone", {"counted": "above"},
            "Only the pixels above `high` are counted. Outputs are limited from below too: a pixel under `low` costs "
            "its squared distance to `low`."),
    Mistake("lower limit alone", {"counted": "below"},
            "Only the pixels below `low` are counted. Outputs are limited from above too: a pixel over `high` costs "
            "its squared distance to `high`."),
    Mistake("always 0", {"counted": "nothing"},
            "It gives 0 for every image, as if every pixel could be reached."),
    Mistake("range of a sigmoid", {"fixed": (0.0, 1.0)},
            "You let the output range from 0 to 1, whatever `low` and `high` are."),
    Mistake("range of a tanh", {"fixed": (-1.0, 1.0)},
            "You let the output range from −1 to 1, whatever `low` and `high` are."),
    Mistake("from −high", lambda x, low, high: _floor(x, -abs(high), high),
            "You let the output range from −high to high; `low` is not used."),
    Mistake("low of 0 is none", lambda x, low, high: _floor(x, low or -math.inf, high),
            "A `low` of 0 is taken for no limit, as `if low:` does: 0.0 counts as false. A ReLU and a sigmoid do have "
            "this limit."),
    Mistake("distance to 0", {"cost": "to 0"},
            "Of the pixels outside of the range you count x², their distance to 0. What counts is the distance to the "
            "limit that is nearest."),
    Mistake("inside", {"cost": "inside"},
            "The best output is right, but its square is added up. The error is the square of its difference to x."),
    Mistake("all of it", {"cost": "x"},
            "You count x² of every pixel: that is the error of a network that always gives 0. Where x lies within the "
            "range, the error can be 0."),
    Mistake("middle", {"cost": "middle"},
            "You measure the distance to the middle of the range. The best output is another one for each pixel: the "
            "value of the range that is nearest to it."),
    Mistake("ends only", {"cost": "ends"},
            "You let the output be `low` or `high` only. An output layer gives every value between them."),
    Mistake("counted", {"cost": "counted"},
            "You count the pixels that cannot be reached. Asked for is their squared distance to what can be."),
    Mistake("mapped", {"cost": "mapped"},
            "You let the network answer the image stretched to the range, from its smallest to its largest pixel. The "
            "error is measured against x itself, and there a nearer output exists."),
    Mistake("sigmoid of x", {"cost": "sigmoid"},
            "You take a sigmoid of x, stretched to the range, for the output. The network may give any logit, and the "
            "output of some logit is nearer to x."),
    Mistake("limits exchanged", {"cost": "low"},
            "You measure the distance of every pixel to `low`. `x.clamp(high, low)` gives that too: its first limit is "
            "the lower one."),
    Mistake("distance to the upper limit", {"cost": "high"},
            "You measure the distance of every pixel to `high`. A pixel within the range costs nothing."),
    Mistake("wide of the range", {"cost": "range"},
            "The distance is measured between the largest and the smallest pixel of the image and the limits. Each "
            "pixel of its own counts."),
    Mistake("mean pixel", {"cost": "mean"},
            "You let the network answer one grey level for the whole image, the nearest to its mean. It may give a "
            "value of its own for each pixel, and the nearest one counts."),
    Mistake("no square", {"power": 1}, "The distance is not squared."),
    Mistake("root", {"after": "root"}, "This is the root of the squared error: leave the root out."),
    Mistake("square of the sum", {"power": 1, "after": "square"},
            "You add first and square then: square each pixel's distance, then add."),
    Mistake("sum of the differences", lambda x, low, high: (x - x.clamp(low, high)).sum(-1).square(),
            "You add the differences first and square their sum, so that those below and above the range cancel: "
            "square each pixel's difference, then add."),
    Mistake("NaN where a limit is infinite", partial(_nan, at=("low", "high")),
            f"It is right for finite limits, and wrong where a limit is infinite: {_NAN}"),
    Mistake("NaN where low is infinite", partial(_nan, at=("low",)),
            f"It is right for finite limits and for high = inf, and wrong for low = −inf: {_NAN}"),
    Mistake("NaN where high is infinite", partial(_nan, at=("high",)),
            f"It is right for finite limits and for low = −inf, and wrong for high = inf: {_NAN}"),
    Mistake("no floor where a limit is infinite", _unlimited,
            "It is right for finite limits, and gives 0 where one is infinite. The other limit still counts: a pixel "
            "that lies beyond it costs its squared distance."),
    Mistake("half", {"half": 0.5}, "There is a ½ that the squared error does not have."),
    Mistake("mean over pixels", {"reduce": "mean"},
            "There is a mean over the pixels; asked for is the sum, the squared error of the whole image."),
    Mistake("mean over the batch", {"reduce": "batch mean"},
            "The batch is averaged too: one number for each image is asked for."),
    Mistake("sum over everything", {"reduce": "everything"},
            "The images are summed too: sum over the pixels alone, `.sum(-1)`."),
    Mistake("mean over everything", {"reduce": "mean of all"},
            "`.mean()` averages over pixels and images: sum over the pixels, `.sum(-1)`."),
    Mistake("smallest pixel", {"reduce": "smallest"},
            "The smallest pixel error of the image is taken. All of its pixels count: add their errors."),
    Mistake("largest pixel", {"reduce": "largest"},
            "The largest pixel error of the image is taken. All of its pixels count: add their errors."),
    *NOT_PIXELS,
)

_BEYOND = "No pixel lies beyond an infinite limit, so it costs nothing; the other limit counts as before."
ABOVE = f"It is right for finite limits, and wrong for high = inf. {_BEYOND}"
BELOW = f"It is right for finite limits and for high = inf, and wrong for low = −inf. {_BEYOND}"
REACHED = ("It is right where some pixel lies outside of the range, and wrong for images that the output reaches "
           "everywhere: their floor is exactly 0.")


def reference(x: Tensor, low: float, high: float) -> Tensor:
    return (x - x.clamp(low, high)).square().sum(-1)


def oracle(x: Tensor, low: float, high: float) -> Tensor:
    below, above = x.double() < low, x.double() > high  # pixel by pixel, in groups of those that cost the same way
    cost = torch.zeros_like(x, dtype=torch.float64)
    cost[below] = (low - x.double()[below]) ** 2
    cost[above] = (x.double()[above] - high) ** 2
    return cost.sum(-1).float()


def draw(generator: torch.Generator, size: int) -> Case:
    if size == 1:  # one image of two grey levels, one below the range and one above
        low, high = -between(2, 9, generator) / 10, between(2, 9, generator) / 10
        dark, light = min(low, -high) - between(3, 9, generator) / 10, high + between(1, 4, generator) / 2
        x = torch.full((1, PIXELS), dark)
        x[0, :100] = light
        text = f"one image, 100 pixels {light:g} and 684 pixels {dark:.1f}, low = {low}, high = {high}"
        return Case((x, low, high), text.replace("-", "−"))
    if size == 2:  # as in the recipe of unit 02a
        x = 2 * torch.rand(size, PIXELS, generator=generator) - 1
        return Case((x, 0.0, 1.0), "2 images of random pixels from −1 to 1, low = 0, high = 1")
    if size == 3:  # as in a standardised digit, most of the paper has one grey level, and some of the ink another
        x = 3 * torch.rand(size, PIXELS, generator=generator) - 0.4
        x[:, ::2], x[:, 1::8] = -0.4, 2.8
        return Case((x, -1.0, 1.0), "3 images from −0.4 to 2.8, low = −1, high = 1")
    if size == 4:  # a range without 0, some pixels exactly at its ends
        x = 10 * torch.rand(size, PIXELS, generator=generator)
        x[:, ::7], x[:, 3::7] = 2.0, 8.0
        return Case((x, 2.0, 8.0), "4 images from 0 to 10, low = 2, high = 8")
    if size == 5:
        x = 2 * torch.rand(size, PIXELS, generator=generator) - 0.5
        return Case((x, 0.0, math.inf), "5 images from −0.5 to 1.5, low = 0, high = inf", ABOVE)
    if size == 6:
        x = 2 * torch.rand(size, PIXELS, generator=generator) - 0.5
        return Case((x, -math.inf, 1.0), "6 images from −0.5 to 1.5, low = −inf, high = 1", BELOW)
    if size == 7:
        x = torch.rand(size, PIXELS, generator=generator)
        x[0], x[1] = 0.0, 1.0
        return Case((x, 0.0, 1.0), "7 images from 0 to 1, the first black, the second white, low = 0, high = 1",
                    REACHED)
    x = 4 * torch.rand(size, PIXELS, generator=generator) - 2
    return Case((x, -1.0, 1.0), f"{size} images of random pixels from −2 to 2, low = −1, high = 1")


def family(**changes: Any) -> Any:
    """Return the smallest squared error of an output from low to high on these images, with the given changes."""
    return partial(_floor, **changes)


def _floor(x: Tensor, low: float, high: float, *, counted: str = "both",
           fixed: tuple[float, float] | None = None, cost: str = "", power: int = 2, half: float = 1.0,
           reduce: str = "sum", after: str = "") -> Tensor:
    if fixed:
        low, high = fixed
    best = x.clamp(-math.inf if counted in ("above", "nothing") else low,
                   math.inf if counted in ("below", "nothing") else high)
    gap = (best - x).abs()
    if cost == "to 0":
        gap = x.abs() * (gap > 0)
    elif cost == "inside":
        gap = best.abs()
    elif cost == "x":
        gap = x.abs()
    elif cost == "middle":
        gap = (x - (low + high) / 2).abs()
    elif cost == "ends":
        gap = torch.minimum((x - low).abs(), (x - high).abs())
    elif cost == "counted":
        gap = (gap > 0).to(x.dtype)
    elif cost == "mapped":
        least, most = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)
        gap = (x - low - (high - low) * (x - least) / (most - least)).abs()
    elif cost == "sigmoid":
        gap = (x - low - (high - low) * torch.sigmoid(x)).abs()
    elif cost in ("low", "high"):
        gap = (x - (low if cost == "low" else high)).abs()
    elif cost == "range":
        gap = torch.stack([(low - x.amin(-1)).clamp(min=0), (x.amax(-1) - high).clamp(min=0)], -1)
    elif cost == "mean":
        gap = (x - x.mean(-1, keepdim=True).clamp(low, high)).abs()
    per_pixel = gap**power
    value = half * (per_pixel.amin(-1) if reduce == "smallest" else per_pixel.amax(-1) if reduce == "largest"
                    else reduced(per_pixel, reduce))
    return value.sqrt() if after == "root" else value.square() if after == "square" else value


def _terms(x: Tensor, low: float, high: float) -> dict[str, Tensor]:
    return {"the pixels below `low`": (low - x).clamp(min=0).square().sum(-1),
            "the pixels above `high`": (x - high).clamp(min=0).square().sum(-1)}


parts = (_terms,)

EXERCISE = Exercise(
    "floor", "5 · Bug hunt: the floor of an output layer", "function", 2, 6,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 3, 4, 5, 6, 7),
    arguments=("x", "low", "high"), family=family, parts=parts, mistakes=MISTAKES,
    hints=("Take one pixel. Which value between −1 and 1 is nearest to 0.7? And to 2.8?",
           "A pixel within the range costs nothing. One outside of it costs its squared distance to the nearest limit.",
           "`x.clamp(low, high)` is the best output, also where a limit is infinite. Square its difference to x, and "
           "sum over the pixels."),
    why="Whatever the network gives, each output lies between the limits, so the nearest value of the range bounds its "
        "error from below, for each pixel of its own. The bound needs no training, and no training can pass it.")
