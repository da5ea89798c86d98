"""Exercise 1: Gaussian noise is added to images, and the sum is cut off at 0 and 1. What comes back is measured."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.chance import called, form, origin
from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab04._chance import CHANCE, ERRORS, FACTS, repeated, source_of, uniform

MISTAKES = (
    Mistake("rand", {"draw": "uniform"},
            "The noise is drawn evenly from 0 to sigma, as `torch.rand` does, so it only ever brightens. Gaussian "
            "noise is `torch.randn`: it has mean 0 and takes both signs."),
    Mistake("centred rand", {"draw": "centred"},
            "The noise is spread evenly over an interval, as `torch.rand` draws it. Gaussian noise comes from "
            "`torch.randn`."),
    Mistake("size only", {"draw": "size"},
            "The noise only ever brightens: its sign is lost (`.abs()`?). Gaussian noise takes both signs."),
    Mistake("sigma squared", {"scale": "square"},
            "The noise has the standard deviation sigma²: `sigma` is the standard deviation itself, so multiply with "
            "it once."),
    Mistake("root of sigma", {"scale": "root"},
            "The noise has the standard deviation √sigma, as if `sigma` were a variance. It is the standard "
            "deviation."),
    Mistake("sigma left out", {"scale": "none"},
            "The noise has the standard deviation 1, whatever sigma is: multiply it by `sigma`."),
    Mistake("half", {"scale": "half"}, "The noise has half the standard deviation that is asked for."),
    Mistake("twice", {"scale": "double"}, "The noise has twice the standard deviation that is asked for."),
    Mistake("times 255", {"scale": "times 255"},
            "The noise is 255 times too large. The grey levels of this course go from 0 to 1, and sigma is on that "
            "scale, too."),
    Mistake("over 255", {"scale": "over 255"},
            "The noise is 255 times too small. The grey levels of this course go from 0 to 1, and sigma is on that "
            "scale, too."),
    Mistake("one number per image", {"own": "image"},
            "Each image gets one number for all of its pixels: it becomes lighter or darker, and no more. Draw one "
            "number for every pixel, `x.shape`."),
    Mistake("one noise for all", {"own": "batch"},
            "Every image gets the same noise. Draw one number for every pixel of every image, `x.shape`."),
    Mistake("one number", {"own": "one"},
            "One single number is added everywhere. Draw one for every pixel of every image, `x.shape`."),
    Mistake("no clipping", {"clip": "none"},
            "Some pixels leave the range from 0 to 1: cut the noisy image off with `.clamp(0, 1)`, after the noise is "
            "added."),
    Mistake("not cut off below", {"clip": "high"},
            "Some pixels are below 0: cut the noisy image off on both sides, `.clamp(0, 1)`."),
    Mistake("not cut off above", {"clip": "low"},
            "Some pixels are above 1: cut the noisy image off on both sides, `.clamp(0, 1)`."),
    Mistake("noise cut off", {"clip": "noise"},
            "The noise is cut off, not the noisy image: all that darkens is lost, and some pixels rise above 1. Add "
            "first, then `.clamp(0, 1)`."),
    Mistake("noise cut off first", {"clip": "noise and sum"},
            "The noise is cut off before it is added, so all that darkens is lost. Add it as it is, and cut off the "
            "sum alone."),
    Mistake("stretched", {"clip": "stretch"},
            "The noisy image is stretched to the range from 0 to 1, so every pixel changes with the darkest and the "
            "lightest one. Cut off with `.clamp(0, 1)` instead."),
    Mistake("mirrored", {"clip": "mirror"},
            "What leaves the range is mirrored back into it (`.abs()`?), so hardly a pixel stays black or white. Cut "
            "off with `.clamp(0, 1)` instead."),
    Mistake("multiplied", {"how": "times"},
            "The noise is multiplied with the pixel, so that black pixels stay clean. Add it."),
    Mistake("noise alone", {"how": "alone"},
            "The image itself is gone: what comes back is noise, or noise times the image. Add the noise to `x`."),
    Mistake("mixed", {"how": "mixed"},
            "The image is made weaker by sigma before the noise is added. Add the noise to `x` as it is."),
    Mistake("sigmoid", {"how": "sigmoid"},
            "The noisy image is squeezed, as a sigmoid does: a clean pixel would change, too. Cut off with "
            "`.clamp(0, 1)` instead."),
    *CHANCE,
)


def reference(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    return (x + sigma * noise).clamp(0, 1)


def oracle(*case: Any) -> dict[str, str]:
    return {"gives": "as asked", "input": "untouched", "one": "as asked", "base": "the image",
            "chance": "from the generator", "bounds": "0 and 1", "own": "for every pixel", "amount": "some",
            "mean": "0", "kind": "normal", "size": "σ", "depends": "the same everywhere", "range": "from 0 to 1",
            "ends": "cut off", "near": "cut off", "levels": "any"}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return grey images far from black and white, and so little noise that hardly a pixel gets there."""
    x = 0.4 + 0.2 * torch.rand(size, 300, generator=generator)
    sigma = uniform(0.04, 0.07, generator) if size == 200 else uniform(0.09, 0.12, generator)
    seed = between(0, 999_999, generator)
    return Case((x, sigma, seed), f"{size} images of grey pixels, sigma = {sigma}, a generator")


def family(**changes: Any) -> Any:
    """Return x with Gaussian noise, cut off at 0 and 1, with the given changes."""
    return partial(_gaussian, **changes)


def _gaussian(x: Tensor, sigma: float, generator: torch.Generator, *, draw: str = "normal", scale: str = "sigma",
              own: str = "pixel", how: str = "plus", clip: str = "both", chance: str = "generator",
              in_place: bool = False) -> Tensor:
    source = source_of(chance, generator)
    shape = {"pixel": x.shape, "image": (len(x), 1), "batch": x.shape[1:], "one": ()}[own]
    n = (torch.randn if draw in ("normal", "size") else torch.rand)(shape, generator=source)
    n = {"normal": lambda: n, "size": lambda: n.abs(), "uniform": lambda: n, "centred": lambda: n - 0.5}[draw]()
    n = n * {"sigma": sigma, "square": sigma**2, "root": sigma**0.5, "none": 1.0, "half": sigma / 2,
             "double": 2 * sigma, "times 255": 255 * sigma, "over 255": sigma / 255}[scale]
    if clip in ("noise", "noise and sum"):
        n = n.clamp(0, 1)
    y = {"plus": lambda: x + n, "times": lambda: x * (1 + n), "alone": lambda: n.expand(x.shape),
         "mixed": lambda: (1 - sigma) * x + n, "sigmoid": lambda: torch.sigmoid(x + n)}[how]()
    if clip == "stretch":
        y = (y - y.min()) / (y.max() - y.min())
    elif clip == "mirror":
        y = 1 - (1 - y.abs()).abs()
    low, high = {"both": (0, 1), "noise and sum": (0, 1), "low": (0, None), "high": (None, 1)}.get(clip, (None, None))
    y = y if low is high is None else y.clamp(low, high)
    return x.copy_(y) if in_place else y


# ---- what is measured -----------------------------------------------------------------------------------------------


def probe(gaussian: Callable, case: Case) -> dict[str, Any]:
    """Add noise to grey images and to black-and-white ones; return what came of it."""
    x, sigma, seed = case.args
    given = x.clone()
    y = gaussian(given, sigma, torch.Generator().manual_seed(seed))
    facts: dict[str, Any] = {"gives": form(y, x)}
    if isinstance(y, Tensor) and y.shape == x.shape:
        y = y.detach().float().clone()
        facts["input"] = "untouched" if torch.equal(given, x) else "changed"
        facts["one"] = form(gaussian(x[:1].clone(), sigma, torch.Generator().manual_seed(seed)), x[:1])
        facts["chance"] = origin(lambda g: gaussian(x[:20].clone(), sigma, g).detach(), seed)
        between = _cut_between(x, y)
        facts |= {"bounds": between} if between else _noise_facts(x, y, sigma)
        ends = (x > x.median()).float()
        z = gaussian(ends.clone(), sigma, torch.Generator().manual_seed(seed)).detach()
        steps = (255 * y).round() / 255
        facts["levels"] = "256" if torch.allclose(y, steps, atol=1e-6) else "any"
        low, high = bool((z < 0).any()), bool((z > 1).any())
        facts["range"] = {(True, True): "on both sides of 0 to 1", (True, False): "below 0", (False, True): "above 1",
                          (False, False): "from 0 to 1"}[low, high]
        if facts["range"] == "from 0 to 1" and facts.get("mean") == "0":  # half of the noise points out of the range
            stay = [float((z == ends)[ends == end].float().mean()) for end in (0, 1)]
            facts["ends"] = "cut off" if min(stay) > 0.4 and max(stay) < 0.6 else (
                "without noise" if max(stay) > 0.9 else _not_cut_off(z[ends == 0], sigma))
        if facts.get("ends") == "cut off" and facts.get("size") == "σ":  # half of sigma from the end: 31 % go out
            near = (ends - sigma / 2).abs()
            z = gaussian(near.clone(), sigma, torch.Generator().manual_seed(seed)).detach()
            share = min(float((z == ends)[ends == end].float().mean()) for end in (0, 1))
            facts["near"] = "cut off" if share > 0.22 else "not cut off"
    return facts


def _cut_between(x: Tensor, y: Tensor) -> str:
    """Return between which grey levels of the images the sum is cut off, or nothing."""
    levels = {"the darkest and the brightest pixel of all images": (x.amin(), x.amax()),
              "the darkest and the brightest pixel of each image": (x.amin(1, True), x.amax(1, True)),
              "the darkest and the brightest image at each pixel": (x.amin(0), x.amax(0))}
    for name, (low, high) in levels.items():
        if bool(((y >= low) & (y <= high)).all()) and min(
                float((y == end).float().mean()) for end in (low, high)) > 0.02:
            return name
    return ""


def _not_cut_off(z: Tensor, sigma: float) -> str:
    """Return what became of black pixels, if not half of them are still black."""
    lowest = float((z == z.min()).float().mean())
    mirrored = lowest < 0.1 and abs(float(z.float().median()) / (0.6745 * sigma) - 1) < 0.1
    return "mirrored" if mirrored else "not cut off"


def _noise_facts(x: Tensor, y: Tensor, sigma: float) -> dict[str, Any]:
    """Return what the noise in y is like, measured against the grey images x."""
    noise = y - x
    if noise.abs().max() < 1e-7:
        return {"amount": "none"}
    at_ends = float(((y <= 0) | (y >= 1)).float().mean())
    slope = float(((x - x.mean()) * (y - y.mean())).mean() / x.var())
    facts: dict[str, Any] = {"own": repeated(noise)}
    if at_ends < 0.25:
        facts["base"] = called("{:.2g} times the image", slope, {
            "the image": 1.0, "nothing of the image": 0.0, "the negative, 1 − x": -1.0}, 0.18)
    if facts.get("base", "the image") != "the image" or facts["own"] != "for every pixel":
        return facts  # the rest would not be certain
    some, grey = noise.flatten()[::3], x.flatten()[::3]  # enough for a median
    size = (some - some.median()).abs()
    half = float(size.median()) / 0.6745  # the standard deviation, if they are normal; no clipping gets there
    if at_ends >= 0.25:  # so much noise that most of it is cut off: the share of what is not tells its size
        inside = torch.tensor(0.5 + (1 - at_ends) / 2)
        half = 0.5 / float(torch.special.ndtri(inside.clamp(max=1 - 1e-6)))
    else:
        mean = float(noise.mean())
        facts["mean"] = "above 0" if mean > 0.1 * sigma else "below 0" if mean < -0.1 * sigma else "0"
        q10, q90 = some.quantile(torch.tensor([0.1, 0.9])).tolist()
        ratio = float(size.quantile(0.9)) / max(0.6745 * half, 1e-9)
        unchanged = float((some.abs() < 1e-6).float().mean()) > 0.3
        one_sided = q10 > -0.05 * (q90 - q10) or q90 < 0.05 * (q90 - q10)
        facts["kind"] = "uniform" if 1.6 < ratio < 2.0 else (
            "one-sided, and 0 for many pixels" if unchanged else "one-sided") if one_sided else (
            "normal" if 2.15 < ratio < 2.75 else "of another form")
        if facts["kind"] == "normal":
            bright = grey > grey.median()
            ratio = float(size[bright].median() / size[~bright].median())
            facts["depends"] = "the same everywhere" if 0.9 < ratio < 1.1 else (
                "grows with the pixel" if ratio > 1 else "shrinks with the pixel")
    if facts.get("kind", "normal") == "normal":
        names = {"σ": 1.0, "σ²": sigma, "√σ": sigma**-0.5, "σ/2": 0.5, "2σ": 2.0, "1": 1 / sigma, "255 σ": 255.0,
                 "σ/255": 1 / 255, "σ/√2": 0.5**0.5, "√2 σ": 2**0.5}
        logs = {name: math.log(ratio) for name, ratio in names.items()}
        facts["size"] = called(f"{half:.2g}", math.log(half / sigma), logs, 0.12 if at_ends >= 0.25 else 0.04)
    return facts


EXERCISE = Exercise(
    "gaussian", "1 · Gaussian noise", "function", 1, 6,
    reference=reference, oracle=oracle, draw=draw, sizes=(200, 150), probe=probe,
    arguments=("x", "sigma", "generator"), family=family, facts=FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("`torch.randn(shape, generator=generator)` draws numbers with mean 0 and standard deviation 1. Which "
           "shape gives every pixel its own?",
           "Times sigma they have the standard deviation sigma. Add them to the images.",
           "At last `.clamp(0, 1)` cuts the sum off: no grey level lies outside."),
    why="A clamp pulls a pixel that left the range back to its nearest grey level. So the noise of black and white "
        "pixels is one-sided, and they stay as they are half of the time: keep that in mind when a formula assumes "
        "Gaussian noise.")
