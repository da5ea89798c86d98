"""Exercise 1: the standard deviation of Gaussian noise that gives a wanted PSNR."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import row
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts


def family(**changes: Any) -> Any:
    """Return the standard deviation for a PSNR, with the given changes."""
    return partial(_sigma_for, **changes)


def _sigma_for(decibels: Tensor, *, over: float = 20.0, sign: int = -1, base: float = 10.0, times: float = 1.0,
               way: str = "sigma", whole: str = "") -> Tensor:
    decibels = {"cut": decibels.trunc, "down": decibels.floor, "round": decibels.round}.get(whole, lambda: decibels)()
    if whole == "//":
        return base ** -(decibels // over)
    if way == "of the mean":
        return (base ** (-decibels.mean() / over)).expand(len(decibels))
    if way == "psnr":
        return times * sign * over * decibels.abs().log() / math.log(base)
    value = times * base ** (sign * decibels / over)
    return value.mean() if way == "mean" else value


_WHOLE = "The PSNR need not be a whole number of decibels: take it as it is."
MISTAKES = (
    Mistake("variance", {"over": 10.0},
            "This is the variance σ², the mean squared error itself. Asked for is the standard deviation, its root."),
    Mistake("root of sigma", {"over": 40.0},
            "The root is taken twice. 10^(−PSNR/10) is the mean squared error σ², and its root is σ."),
    Mistake("bels", {"over": 2.0},
            "The 10 of the decibels is missing: divide the PSNR by 10 first to get rid of the factor in front of the "
            "logarithm."),
    Mistake("not divided", {"over": 1.0},
            "The PSNR is the exponent as it is. Solve PSNR = −10 log₁₀ σ² for σ: two factors belong below it."),
    Mistake("sign", {"sign": 1}, "The sign is wrong: more decibels mean less noise."),
    Mistake("natural", {"base": math.e},
            "The base is e, as in `torch.exp`. Decibels have the logarithm to base 10, so a power of 10 undoes it."),
    Mistake("base 2", {"base": 2.0},
            "The base is 2. Decibels have the logarithm to base 10, so a power of 10 undoes it."),
    Mistake("255", {"times": 255.0},
            "It is 255 times too large: grey levels go from 0 to 1 here, so the peak is 1."),
    Mistake("sum over the pixels", {"times": 28.0},
            "It is 28 = √784 times too large. PSNR takes the mean over the pixels, not the sum, so the number of "
            "pixels plays no part."),
    Mistake("half is clipped", {"times": math.sqrt(2)},
            "It is √2 times too large, as if clipping removed half of the noise. The PSNR is meant before clipping."),
    Mistake("half", {"times": 0.5}, "It is half as large as it should be."),
    Mistake("the other way", {"way": "psnr"},
            "This turns a σ into a PSNR. Here the PSNR comes in, and σ is asked for: solve the formula for σ."),
    Mistake("mean", {"way": "mean"},
            "All values are averaged. One standard deviation for each PSNR is asked for."),
    Mistake("of the mean", family(way="of the mean"),
            "All PSNRs of a call get one value, that of their mean. Each has a standard deviation of its own."),
    Mistake("cut to whole decibels", family(whole="cut"), f"The digits after the point are cut off. {_WHOLE}"),
    Mistake("rounded down to whole decibels", family(whole="down"), f"The decibels are rounded down. {_WHOLE}"),
    Mistake("rounded to whole decibels", family(whole="round"), f"The decibels are rounded. {_WHOLE}"),
    Mistake("whole division", family(whole="//"),
            "The PSNR is divided by 20 with `//`, which leaves whole numbers only: divide with `/`."),
)


def reference(decibels: Tensor) -> Tensor:
    return 10 ** (-decibels / 20)


def oracle(decibels: Tensor) -> Tensor:
    """By bisection of the PSNR as a function of σ, in NumPy."""
    wanted = decibels.double().numpy()
    low, high = np.full_like(wanted, 1e-6), np.full_like(wanted, 1e3)
    for _ in range(100):
        middle = np.sqrt(low * high)
        too_good = -10 * np.log10(middle**2) > wanted
        low, high = np.where(too_good, middle, low), np.where(too_good, high, middle)
    return torch.from_numpy(np.sqrt(low * high)).float()


def draw(generator: torch.Generator, size: int) -> Case:
    if size == 1:
        decibels = 10.0 * torch.randint(1, 4, (1,), generator=generator)
    elif size == 3:  # as much noise as the picture, more, and very little
        decibels = torch.tensor([0.0, -6.0, 80.0])
    else:
        decibels = torch.zeros(size)
        while any(torch.equal(decibels.round(), whole) for whole in (decibels.trunc(), decibels.floor())):
            decibels = torch.cat([-10 * torch.rand(1, generator=generator) - 1,
                                  45 * torch.rand(size - 1, generator=generator) + 3])
    return Case((decibels,), f"the PSNR {row(decibels, '.3g')}")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say how the values change with the PSNR, where that is a power of 10, and whether noise grows at all."""
    g, w = (torch.cat([part.double() for (part,) in parts]) for parts in (got, want))
    decibels = torch.cat([case.args[0].double() for case in cases])
    if len(g) < 3 or not bool((g > 0).all()) or g.shape != w.shape:
        return "" if bool((g > 0).all()) else "Some of your values are not positive; a standard deviation is."
    design = torch.stack([decibels, torch.ones_like(decibels)], 1)
    slope, start = torch.linalg.lstsq(design, g.log10()[:, None]).solution[:, 0].tolist()
    if float((design @ torch.tensor([slope, start]).double() - g.log10()).abs().max()) > 1e-3:
        order = decibels.argsort()
        return ("With more decibels your noise does not always get weaker." if bool((g[order].diff() >= 0).any())
                else "")
    return (f"In yours, 20 dB more divide the noise by {10 ** (-20 * slope):.4g}, and at 0 dB it is {10**start:.4g}. "
            "It should be a tenth, and 1 at 0 dB.")


EXERCISE = Exercise(
    "sigma_for", "1 · How much noise is that?", "function", 1, 5,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 3, 6), rtol=2e-4, atol=1e-8,
    arguments=("decibels",), gives=(Form("float", "one standard deviation for each PSNR, shape (B,)", "PSNR"),),
    family=family, look=look, mistakes=MISTAKES,
    hints=("Before clipping the error of a pixel is the noise itself. What is its mean square, in terms of σ?",
           "So PSNR = −10 log₁₀ σ². Solve for σ: first divide by −10, then undo the logarithm, then take the root.",
           "A root halves the exponent of a power of 10."),
    why="The mean of the squared noise is its variance, σ². So PSNR = −10 log₁₀ σ² = −20 log₁₀ σ, and "
        "σ = 10^(−PSNR/20): ten times less noise is 20 dB more.")
