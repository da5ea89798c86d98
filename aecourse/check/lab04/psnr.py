"""Exercise 4: the peak signal-to-noise ratio of each image, in decibels."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import row, tenths
from aecourse.check.engine.exercise import Case, Exercise, Mistake

TINY = ("It is right for errors of ordinary size, and wrong where they are a millionth: about 114 dB. No error that "
        "is not exactly 0 counts as none.")

MISTAKES = (
    Mistake("natural logarithm", {"log": torch.log},
            "The logarithm is the natural one, `torch.log`. Decibels take the logarithm to base 10, `torch.log10`."),
    Mistake("logarithm to base 2", {"log": torch.log2},
            "The logarithm has base 2. Decibels take the logarithm to base 10, `torch.log10`."),
    Mistake("20", {"times": 20.0},
            "Everywhere your value is twice the right one: 20 belongs to the root of the mean squared error, 10 to the "
            "mean squared error itself."),
    Mistake("without the 10", {"times": 1.0}, "The factor 10 is missing: these are bels, ten decibels each."),
    Mistake("sign", {"sign": 1},
            "The sign is wrong: the error stands in the denominator, so that a better image has more decibels."),
    Mistake("root", {"root": True},
            "The root is taken of the mean squared error: then the factor is 20. Leave the root out, or take 20."),
    Mistake("absolute", {"power": 1}, "The differences are not squared: this is the mean absolute error."),
    Mistake("not squared", {"power": 0},
            "The differences are neither squared nor made positive, so they cancel, and the logarithm may have to be "
            "taken of a negative number."),
    Mistake("sum over the pixels", {"over": "sum"},
            "The squared error is summed over the pixels. PSNR takes the mean, so that images of any size can be "
            "compared."),
    Mistake("784", {"over": "784"},
            "You divide by 784 whatever the size of the image. Take the mean over its own pixels, `.mean(-1)`."),
    Mistake("half", {"over": "half"}, "There is a ½ in front of the squared error that does not belong there."),
    Mistake("mean first", {"over": "cancel"},
            "The differences are averaged before they are squared, so that they cancel. Square each pixel's "
            "difference, then take the mean."),
    Mistake("clipped", {"clip": True},
            "You cut `x_hat` off at 0 and 1 first. Whoever wants that does it before; here what comes in is measured."),
    Mistake("mean over the batch", {"over": "batch"},
            "The squared error is averaged over all images of the batch. Each image has its own PSNR: the mean runs "
            "over its pixels alone, `.mean(-1)`."),
    Mistake("mean over the batch, for each", {"over": "batch, for each"},
            "All images get the same number, from the squared error averaged over the whole batch. Each image has its "
            "own PSNR: the mean runs over its pixels alone, `.mean(-1)`."),
    Mistake("variance", {"over": "variance"},
            "The mean difference is taken off before the squares are, so this is the variance of the difference, and "
            "a shift of all pixels counts for nothing. Square the differences themselves."),
    Mistake("D − 1", {"over": "D - 1"},
            "The sum of the squares is divided by D − 1. A mean divides by D, the number of pixels."),
    Mistake("mean over the images", {"over": "images"},
            "The mean runs over the images, dimension 0. The pixels are the last dimension, −1."),
    Mistake("sum over everything", {"over": "total"},
            "The squared error is summed over all pixels of all images. Each image has its own PSNR, from the mean "
            "over its pixels, `.mean(-1)`."),
    Mistake("no mean", {"over": "none"}, "This is one number for each pixel: the mean over the pixels is missing."),
    Mistake("logarithm first", {"after": "log first"},
            "The logarithm is taken pixel by pixel and then averaged. First the mean of the squared differences, then "
            "the logarithm."),
    Mistake("mean of all", {"after": "mean"},
            "The PSNRs of the images are averaged. One for each image is asked for."),
    Mistake("255", {"peak": "255"},
            "The peak is taken as 255. Grey levels go from 0 to 1 here, so the peak is 1."),
    Mistake("peak of the image", {"peak": "image"},
            "The peak is taken as the brightest pixel of each image. It is the largest value that a pixel *can* have, "
            "1."),
    Mistake("range of the image", {"peak": "range"},
            "The peak is taken as the range of each image, from its darkest to its brightest pixel. It is the largest "
            "value that a pixel *can* have, 1."),
    Mistake("signal to noise", {"over": "norm"},
            "This is the signal-to-noise ratio: the error is divided by the image's own mean square. The *peak* "
            "signal-to-noise ratio takes the peak, 1."),
    Mistake("small number added", {"eps": 1e-8},
            "Two equal images have no error, and their PSNR is infinite. The small number that you add makes it "
            "finite; leave it out."),
)
_EQUAL = ("It is right for images that differ, and wrong for two equal ones: their error is 0 and their PSNR is "
          "infinite, `inf`. That is the right answer, so add no small number and replace nothing.")


def reference(x_hat: Tensor, x: Tensor) -> Tensor:
    return -10 * (x_hat - x).square().mean(-1).log10()


def oracle(x_hat: Tensor, x: Tensor) -> Tensor:
    """From the length of the difference, in NumPy: D pixels of at most 1 each have the length √D."""
    away = np.linalg.norm(x_hat.double().numpy() - x.double().numpy(), axis=1)
    with np.errstate(divide="ignore"):
        value = 20 * np.log10(math.sqrt(x.shape[1])) - 20 * np.log10(away)
    return torch.from_numpy(value).float()


def draw(generator: torch.Generator, size: int) -> Case:
    if size == 1:
        while True:
            x_hat, x = (tenths(0, 9, 1, 2, generator=generator) for _ in range(2))
            away = (x_hat - x).abs()
            # one pixel is not farther off than the other by chance, and the image is not white
            if 0.05 < float(away.min()) < float(away.max()) - 0.05 and 0.25 < float(x.max()) < 0.85:
                return Case((x_hat, x), f"the image {row(x[0], '.1f')}, rebuilt as {row(x_hat[0], '.1f')}")
    pixels = {2: 5, 3: 20}.get(size, 784)
    x = 0.9 * torch.rand(size, pixels, generator=generator)
    x_hat = x + torch.randn(x.shape, generator=generator) * torch.linspace(0.05, 0.4, size)[:, None]
    if size == 5:
        x_hat[0] = x[0] + 0.01 * (x_hat[0] - x[0])  # a tiny error
        x_hat[3] = x[3] + 1  # an error of 1: 0 dB
        x_hat[4] = x[4] + 4 * (x_hat[4] - x[4])  # an error above 1: fewer than 0 dB
    if size == 3:
        x_hat[1] = x[1]
        return Case((x_hat, x), "3 images, the second one rebuilt without any error", _EQUAL)
    if size == 4:  # errors of a millionth, which single precision holds exactly
        x = torch.ones(size, pixels)
        x_hat = 1 - 2**-20 * torch.randint(1, 4, x.shape, generator=generator)
        return Case((x_hat, x), "4 white images with errors of a millionth", TINY)
    return Case((x_hat, x), f"{size} images of {pixels} pixels")


def family(**changes: Any) -> Any:
    """Return the PSNR of each image in dB, with the given changes."""
    return partial(_psnr, **changes)


def _psnr(x_hat: Tensor, x: Tensor, *, log: Callable = torch.log10, times: float = 10.0, sign: int = -1,
          peak: str = "1", power: int = 2, root: bool = False, over: str = "pixels", eps: float = 0.0,
          after: str = "each", clip: bool = False) -> Tensor:
    away = (x_hat.clamp(0, 1) if clip else x_hat) - x
    error = away.abs() if power == 1 else away if power == 0 else away**2
    reduce = {"pixels": lambda e: e.mean(-1), "sum": lambda e: e.sum(-1), "batch": lambda e: e.mean(),
              "batch, for each": lambda e: e.mean().expand(len(e)),
              "variance": lambda e: away.var(-1, unbiased=False),
              "D - 1": lambda e: e.sum(-1) / (e.shape[-1] - 1), "images": lambda e: e.mean(0), "none": lambda e: e,
              "784": lambda e: e.sum(-1) / 784,
              "total": lambda e: e.sum(), "cancel": lambda e: away.mean(-1) ** 2, "half": lambda e: e.mean(-1) / 2,
              "norm": lambda e: e.mean(-1) / (x**2).mean(-1)}[over]
    if after == "log first":  # the mean of the pixels' logarithms
        return sign * times * reduce(log(error + eps))
    error = reduce(error) + eps
    error = error.sqrt() if root else error
    top = {"1": 1.0, "255": 255.0**2, "image": x.amax(-1) ** 2, "range": (x.amax(-1) - x.amin(-1)) ** 2}[peak]
    value = times * log(top / error) if sign < 0 else times * log(error / top)
    return value.mean() if after == "mean" else value


EXERCISE = Exercise(
    "psnr", "4 · How good is a denoised image?", "function", 2, 7,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 3, 5, 4), atol=1e-3,
    arguments=("x_hat", "x"), family=family, mistakes=MISTAKES,
    hints=("First the mean squared error of each image: the mean over its pixels, dimension −1.",
           "With a peak of 1 the formula becomes −10 log₁₀ of it; `torch.log10` is the logarithm to base 10."),
    why="The mean over the pixels, not the sum, stands in it, so images of any size can be compared. Ten times "
        "less squared error is always 10 dB more, and two equal images have infinitely many.")
