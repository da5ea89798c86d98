"""Exercise 4: how many decibels a denoiser gains, image by image."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import row, tenths
from aecourse.check.engine.exercise import PER_IMAGE, Case, Exercise, Mistake
from aecourse.check.engine.look import Parts


def family(**changes: Any) -> Any:
    """Return the gain of each image in dB, with the given changes."""
    return partial(_gain, **changes)


def _gain(x: Tensor, noisy: Tensor, denoised: Tensor, *, clip: str = "both", sign: int = 1,
          log: Callable = torch.log10, times: float = 10.0, power: str = "square", over: str = "each",
          what: str = "gain", after: str = "each", both: str = "zero", eps: float = 0.0) -> Tensor:
    noisy = noisy.clamp(0, 1) if clip in ("both", "noisy") else noisy
    denoised = denoised.clamp(0, 1) if clip in ("both", "denoised") else denoised
    away = [noisy - x, denoised - (noisy if what == "between" else x)]
    away = [d.clamp(0, 1) if clip == "errors" else d for d in away]
    errors = [d.abs() if power == "absolute" else d**2 for d in away]
    if over == "pixels":
        return sign * times * log((errors[0] + eps) / (errors[1] + eps)).mean(-1)
    before, rest = ({"each": lambda e=e: e.mean(-1), "batch": lambda e=e: e.mean().expand(len(e)),
                     "images": lambda e=e: e.mean(0)}[over]() + eps for e in errors)
    if power == "root":
        before, rest = before.sqrt(), rest.sqrt()
    value = {"gain": lambda: times * log(before / rest), "ratio": lambda: before / rest,
             "difference": lambda: times * log(before - rest), "quotient": lambda: log(rest) / log(before),
             "denoised": lambda: -times * log(rest), "noisy": lambda: -times * log(before),
             "between": lambda: -times * log(rest)}[what]()
    if what == "gain" and both != "nan":
        none = {"zero": (before == 0) & (rest == 0), "noisy": before == 0, "denoised": rest == 0}[both]
        value = torch.where(none, 0.0, value)
    value = value.nan_to_num() if after == "finite" else value
    value = value.clamp(min=0) if after == "positive" else value
    return (value.mean() if after == "mean" else value) * sign


PERFECT = ("It is right where both images have errors, and wrong where one of them has none: the gain is then inf if "
           "the denoised one is perfect and −inf if the noisy one was. No other number may stand for these two.")
NEITHER = ("It is right where there is an error, and wrong where neither image has one. Nothing is gained there, so "
           "the gain is 0.")
MISTAKES = (
    Mistake("not clipped", {"clip": ""},
            "Nothing is clipped. Clip the noisy and the denoised image to [0, 1] before the errors are taken."),
    Mistake("noisy not clipped", {"clip": "denoised"},
            "The noisy image is not clipped, so clipping alone would count as a gain. Clip both images to [0, 1]."),
    Mistake("denoised not clipped", {"clip": "noisy"},
            "The denoised image is not clipped. Clip both images to [0, 1]."),
    Mistake("error clipped", {"clip": "errors"},
            "The differences are clipped, so negative ones are lost. Clip the images to [0, 1], then subtract `x`."),
    Mistake("sign", {"sign": -1},
            "The sign is wrong: a denoised image with a smaller error than the noisy one has a positive gain."),
    Mistake("natural logarithm", {"log": torch.log},
            "The logarithm is the natural one. Decibels take the logarithm to base 10, `torch.log10`."),
    Mistake("logarithm to base 2", {"log": torch.log2},
            "The logarithm has base 2. Decibels take the logarithm to base 10, `torch.log10`."),
    Mistake("20", {"times": 20.0},
            "Everywhere your value is twice the right one: 20 belongs to roots of mean squared errors, 10 to the mean "
            "squared errors themselves."),
    Mistake("without the 10", {"times": 1.0}, "The factor 10 is missing: these are bels, ten decibels each."),
    Mistake("root", {"power": "root"},
            "The root is taken of the mean squared errors: then the factor is 20. Leave the root out, or take 20."),
    Mistake("absolute", {"power": "absolute"}, "The differences are not squared: these are mean absolute errors."),
    Mistake("sums over the batch", {"over": "batch"},
            "The squared errors are averaged over all images of the batch. Each image has its own gain: the mean runs "
            "over its pixels alone, `.mean(-1)`."),
    Mistake("mean over the images", {"over": "images"},
            "The mean runs over the images, dimension 0. The pixels are the last dimension, −1."),
    Mistake("pixel by pixel", {"over": "pixels"},
            "The logarithm is taken pixel by pixel and then averaged. First the mean of the squared differences, then "
            "the logarithm."),
    Mistake("ratio", {"what": "ratio"},
            "This is the ratio of the two errors. The gain is in decibels: ten times its logarithm to base 10."),
    Mistake("difference of the errors", {"what": "difference"},
            "The errors are subtracted before the logarithm is taken. A difference of decibels is the logarithm of "
            "their *ratio*."),
    Mistake("ratio of decibels", {"what": "quotient"},
            "The two PSNRs are divided. How many decibels are gained is their difference."),
    Mistake("denoised alone", {"what": "denoised"},
            "This is the PSNR of the denoised image. The gain is how much larger it is than that of the noisy one."),
    Mistake("noisy alone", {"what": "noisy"},
            "This is the PSNR of the noisy image. The gain is how much larger that of the denoised one is."),
    Mistake("against the noisy image", {"what": "between"},
            "The denoised image is compared with the noisy one. Both are to be compared with the clean `x`."),
    Mistake("mean of all", {"after": "mean"}, "The gains of the images are averaged. One for each image is asked for."),
    Mistake("never negative", {"after": "positive"},
            "No gain is below 0. A denoiser can make an image worse, and its gain is negative then."),
    Mistake("NaN where neither has an error", {"both": "nan"},
            "It is right where there is an error, and gives NaN where neither image has one: 0/0, like inf − inf, is "
            "NaN. Nothing is gained there, so the gain is 0."),
    *(Mistake(f"{eps:g} added", {"eps": eps},
              f"A small number, {eps:g}, is added to both errors. So the gain stays finite where one of the images has "
              "no error: it is then inf if the denoised one is perfect and −inf if the noisy one was. Add nothing.")
      for eps in (1e-6, 1e-8, 1e-10, 1e-12)),
    Mistake("0 where the noisy image has no error", family(both="noisy"),
            "It gives 0 where the noisy image has no error. That is right where the denoised one has none, either; if "
            "it has one, the gain is −inf."),
    Mistake("0 where the denoised image has no error", family(both="denoised"),
            "It gives 0 where the denoised image has no error. That is right where the noisy one has none, either; if "
            "it has one, the gain is inf."),
    Mistake("infinite ones replaced", family(after="finite"),
            "The gains that are infinite are replaced by a very large number, as `nan_to_num` does. They are inf and "
            "−inf: replace NaN alone."),
)


def reference(x: Tensor, noisy: Tensor, denoised: Tensor) -> Tensor:
    before, after = ((image.clamp(0, 1) - x).square().mean(-1) for image in (noisy, denoised))
    return torch.where((before == 0) & (after == 0), 0.0, 10 * (before / after).log10())


def oracle(x: Tensor, noisy: Tensor, denoised: Tensor) -> Tensor:
    """From the lengths of the differences, in NumPy."""
    clean = x.double().numpy()
    before, after = (np.linalg.norm(np.clip(image.double().numpy(), 0, 1) - clean, axis=1)
                     for image in (noisy, denoised))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = 20 * np.log10(before) - 20 * np.log10(after)
    return torch.from_numpy(np.where(before + after == 0, 0.0, value)).float()


def draw(generator: torch.Generator, size: int) -> Case:
    if size == 1:
        while True:
            x, off, rest = (tenths(low, high, 1, 2, generator=generator) for low, high in ((1, 9), (-9, 9), (-9, 9)))
            noisy, denoised = x + off, x + rest
            errors = [(image.clamp(0, 1) - x)[0].abs() for image in (noisy, denoised)]
            far = [(image - image.clamp(0, 1))[0].abs().max() > 0.15 for image in (noisy, denoised)]
            if all(far) and min(float(e.min()) for e in errors) > 0.05 and abs(
                    float(errors[0].norm() / errors[1].norm()) - 1) > 0.3:
                return Case((x, noisy, denoised), f"the image {row(x[0], '.1f')}, noisy {row(noisy[0], '.1f')}, "
                            f"denoised {row(denoised[0], '.1f')}")
    pixels = {2: 5, 3: 20, 4: 20}.get(size, 784)
    x = torch.rand(size, pixels, generator=generator)
    noisy = x + torch.randn(x.shape, generator=generator) * torch.linspace(0.3, 0.6, size)[:, None]
    denoised = x + torch.randn(x.shape, generator=generator) * torch.linspace(0.8, 0.1, size)[:, None]
    if size == 3:  # a perfect one, after clipping; one that was perfect before
        ends = x[:2].round()
        x[:2], noisy[0], denoised[0] = ends, ends[0] + 0.3 * torch.randn(pixels, generator=generator), 3 * ends[0] - 1
        noisy[1], denoised[1] = 2 * ends[1], (ends[1] - 0.3).abs()
        return Case((x, noisy, denoised), "3 images: of the first the denoised one has no error, of the second the "
                    "noisy one", PERFECT)
    if size == 4:
        x = x.round()
        noisy[2:] = 2 * x[2:] - 0.5
        noisy[2:] = torch.where(x[2:] == 1, noisy[2:], -0.5)
        denoised[2:] = x[2:]
        return Case((x, noisy, denoised), "4 images: of the last two neither the noisy one nor the denoised one has "
                    "an error after clipping", NEITHER)
    return Case((x, noisy, denoised), f"{size} images of {pixels} pixels")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the values are off by one number everywhere."""
    if any(g.shape != w.shape for (g,), (w,) in zip(got, want, strict=True)):
        return ""
    off = torch.cat([g.double() - w.double() for (g,), (w,) in zip(got, want, strict=True)])
    off = off[torch.isfinite(off)]
    if len(off) < 4 or float(off.max() - off.min()) > 2e-3:
        return ""
    return f"Everywhere your value is {abs(float(off.mean())):.4g} too {'large' if off.mean() > 0 else 'small'}."


EXERCISE = Exercise(
    "gain", "4 · How many decibels are gained?", "function", 2, 7,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 5, 3, 4), atol=1e-3,
    arguments=("x", "noisy", "denoised"), gives=(PER_IMAGE,), family=family, look=look, mistakes=MISTAKES,
    hints=("The gain is the PSNR of the denoised image minus that of the noisy one, both clipped. What does a "
           "difference of two logarithms become?",
           "So it is 10 log₁₀ of the noisy image's mean squared error, divided by the denoised one's.",
           "0 / 0 is NaN: `torch.where(condition, 0.0, value)` puts a 0 there."),
    why="PSNR is −10 log₁₀ of the mean squared error, so the difference of two is 10 log₁₀ of the errors' ratio: the "
        "peak drops out. Without the clip on both sides a network whose output lies in [0, 1] would be paid for the "
        "clipping.")
