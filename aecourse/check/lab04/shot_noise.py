"""Exercise 2: the noise of single photons. What comes back is measured."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.chance import form, origin
from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab04._chance import CHANCE, ERRORS, FACTS, repeated, source_of, uniform

MISTAKES = (
    Mistake("not divided", {"out": "counts"},
            "It returns the numbers of photons. Divide them by `photons`, so that on average the image comes back."),
    Mistake("divided twice", {"out": "divided twice"},
            "On average what comes back is the image divided by `photons`. The mean number of photons of a pixel is "
            "`x * photons`: multiply before the sample is drawn, and divide after it."),
    Mistake("photons left out", {"rate": "one"},
            "A white pixel gets one photon on average, whatever `photons` is. The mean number is `x * photons`."),
    Mistake("twice the photons", {"rate": "double"},
            "There are twice as many photons as asked for, so the noise has half the variance."),
    Mistake("half the photons", {"rate": "half"},
            "There are half as many photons as asked for, so the noise has twice the variance."),
    Mistake("root of the photons", {"rate": "root"},
            "The mean number of photons of a white pixel is √photons; it should be `photons`."),
    Mistake("photons squared", {"rate": "square"},
            "The mean number of photons of a white pixel is photons²; it should be `photons`."),
    Mistake("exchanged", {"rate": "inverse"},
            "Multiplication and division are exchanged: the mean number of photons is `x * photons`, and afterwards "
            "the numbers are divided by `photons`."),
    Mistake("rounded means", {"rate": "rounded"},
            "The mean number of photons is rounded to a whole number before the sample is drawn. It is `x * photons` "
            "as it is: only what arrives is a whole number."),
    Mistake("whole photons, twice", {"rate": "whole twice"},
            "`photons` is cut to a whole number, before the sample is drawn and after it: with 0.75 of them that is 0. "
            "It is a mean, and need not be whole."),
    Mistake("whole photons", {"rate": "whole"},
            "`photons` is cut to a whole number: with 0.75 of them for a white pixel, no photon ever comes. It is a "
            "mean, and need not be whole."),
    Mistake("255", {"rate": "255"},
            "The mean number of photons of a white pixel is 255, whatever `photons` is."),
    Mistake("normal", {"noise": "normal"},
            "The noise has the right variance, but it is normal. Photons are counted, so every value is a whole number "
            "of photons, divided by `photons`: `torch.poisson`."),
    Mistake("the same everywhere", {"noise": "constant"},
            "The noise is as strong in black pixels as in white ones. Of a Poisson number the variance is the mean, so "
            "bright pixels have more noise: `torch.poisson(x * photons, ...)`."),
    Mistake("proportional", {"noise": "proportional"},
            "The standard deviation of the noise grows like the pixel. Of a Poisson number it is the *variance* that "
            "does: `torch.poisson(x * photons, ...)`."),
    Mistake("rounded", {"noise": "rounded"},
            "The expected number of photons is rounded, and nothing is random. The number itself is random: "
            "`torch.poisson(x * photons, ...)`."),
    Mistake("added to x", {"how": "plus"},
            "The image is there twice: what `torch.poisson` gives contains it already. Add nothing to it."),
    Mistake("noise alone", {"how": "alone"}, "The image itself is gone: the noise alone comes back."),
    Mistake("negative", {"how": "negative"},
            "Bright and dark are exchanged: the mean number of photons is `x * photons`."),
    Mistake("clipped", {"clip": True},
            "Nothing is brighter than 1: the result is clipped. A white pixel gets more photons than expected about "
            "half of the time; leave the result as it is."),
    *CHANCE,
)
_FACTS = FACTS | {
    "top": "White pixels never get brighter than 1. Leave the result as it is, without clipping.",
    "base": "With the noise averaged out, the image itself is not left. Left is {got}.",
    "amount": "It adds no noise at all.",
    "depends": "The variance of the noise {got}; it should grow in proportion to the pixel.",
    "black": "Black pixels do not stay black. Where no light comes from there are no photons.",
    "size": "The variance of the noise is {got}; it should be x / photons.",
    "levels": "Not every value is a whole number of photons, divided by `photons`.",
    "faint": "Where 0.3 photons are expected in a pixel, {got} arrive on average. The mean number is `x * photons` as "
             "it is, not a whole number.",
    "kind": "Mean and variance are right, but the numbers of photons are not Poisson: where one photon is expected, "
            "none came in {got} of the pixels. It should be in 37 %.",
}


def reference(x: Tensor, photons: float, generator: torch.Generator) -> Tensor:
    return torch.poisson(x * photons, generator=generator) / photons


def oracle(*case: Any) -> dict[str, str]:
    return {"gives": "as asked", "input": "untouched", "one": "as asked", "chance": "from the generator",
            "amount": "some", "top": "free", "own": "for every pixel", "base": "the image", "black": "black",
            "depends": "grows in proportion to the pixel", "size": "x / photons", "levels": "whole photons",
            "faint": "0.3", "kind": "37 %"}


def draw(generator: torch.Generator, size: int) -> Case:
    x = 0.05 + 0.9 * torch.rand(size, 300, generator=generator)
    photons = uniform(30.1, 59.9, generator) if size == 200 else between(5, 7, generator) + uniform(0.4, 0.6, generator)
    return Case((x, photons, between(0, 999_999, generator)),
                f"{size} images of grey pixels, photons = {photons}, a generator")


def family(**changes: Any) -> Any:
    """Return x with the noise of photons, with the given changes."""
    return partial(_shot, **changes)


def _shot(x: Tensor, photons: float, generator: torch.Generator, *, rate: str = "photons", noise: str = "poisson",
          out: str = "divided", how: str = "itself", clip: bool = False, chance: str = "generator",
          in_place: bool = False) -> Tensor:
    source = source_of(chance, generator)
    light = 1 - x if how == "negative" else x
    if rate == "rounded":
        light = (light * photons).round() / photons
    if rate == "whole twice":
        photons = max(math.floor(photons), 0.0)
    if rate == "whole":
        light = light * math.floor(photons) / photons
    r = {"photons": photons, "whole": photons, "whole twice": photons, "rounded": photons, "one": 1.0,
         "double": 2 * photons, "half": photons / 2, "root": math.sqrt(photons), "square": photons**2,
         "inverse": 1 / photons, "255": 255.0}[rate]
    if noise == "poisson":
        y = torch.poisson(light * r, generator=source) / r
    elif noise == "rounded":
        y = (light * r).round() / r
    else:
        size = {"normal": (light / r).sqrt(), "constant": torch.full_like(x, r**-0.5),
                "proportional": light / math.sqrt(r)}[noise]
        y = light + size * torch.randn(x.shape, generator=source)
    y = y * {"divided": 1.0, "counts": r, "divided twice": 1 / photons}[out]
    y = {"plus": y + x, "alone": y - x}.get(how, y)
    y = y.clamp(0, 1) if clip else y
    return x.copy_(y) if in_place else y


# ---- what is measured -----------------------------------------------------------------------------------------------


def probe(shot_noise: Callable, case: Case) -> dict[str, Any]:
    """Take grey, black and white images with few photons; return what came of it."""
    x, photons, seed = case.args

    def photo(images: Tensor) -> Tensor:
        return shot_noise(images.clone(), photons, torch.Generator().manual_seed(seed)).detach().double()

    given = x.clone()
    y = shot_noise(given, photons, torch.Generator().manual_seed(seed))
    facts: dict[str, Any] = {"gives": form(y, x)}
    if not isinstance(y, Tensor) or y.shape != x.shape:
        return facts
    facts["input"] = "untouched" if torch.equal(given, x) else "changed"
    y, x = y.detach().double().clone(), x.double()
    single = case.args[0][:1].clone()
    facts["one"] = form(shot_noise(single.clone(), photons, torch.Generator().manual_seed(seed)), single)
    if (y - x).abs().max() < 1e-6:
        return facts | {"amount": "none"}
    facts["chance"] = origin(lambda g: shot_noise(case.args[0][:20].clone(), photons, g).detach(), seed)
    if facts["chance"] == "the same at every call" and torch.equal(photo(case.args[0]), photo(case.args[0])):
        facts["black"] = "black" if not photo(torch.zeros(2, x.shape[1])).any() else "not black"
    centred = x - x.mean()
    facts["base"] = _times(float((centred * y).mean() / centred.square().mean()), photons)
    if "where photons" in facts["base"] and not shot_noise(
            torch.ones(40, x.shape[1]), 0.75, torch.Generator().manual_seed(seed)).any():
        facts["base"] = "what a whole number of photons gives"
    if facts["base"] != "the image":
        return facts
    white = photo(torch.ones(40, x.shape[1]))
    facts["top"] = "free" if float(white.max()) > 1 + 1e-6 else "cut off"
    if facts["top"] != "free":
        return facts
    facts["own"] = repeated((y - x) / x.sqrt())
    facts["black"] = "black" if not photo(torch.zeros(2, x.shape[1])).any() else "not black"
    counts, cut = y * photons, y * math.floor(photons)
    if float((cut - cut.round()).abs().max()) < 1e-3 < float((y - y.round()).abs().max()):
        return facts | {"levels": "those of a whole number in the place of `photons`"}
    facts |= _spread(x, y, photons)
    facts["levels"] = "whole photons" if float((counts - counts.round()).abs().max()) < 1e-2 else "others"
    if facts["levels"] == "whole photons" and facts.get("size") == "x / photons":
        few = float(photo(torch.full((200, x.shape[1]), 0.3 / photons)).mean()) * photons
        facts["faint"] = "0.3" if abs(few - 0.3) < 0.02 else f"{few:.2g}"  # the mean of 60,000, ± 0.002
        none = float((photo(torch.full((200, x.shape[1]), 1 / photons)) == 0).double().mean())
        facts["kind"] = "37 %" if abs(none - math.exp(-1)) < 0.015 else f"{100 * none:.0f} %"
    return facts


def _times(slope: float, photons: float) -> str:
    """Return how many times the image is left when the noise is averaged out."""
    names = {"the image": 1.0, "nothing of the image": 0.0, "the negative, 1 − x": -1.0, "twice the image": 2.0,
             "photons times the image": photons, "the image divided by photons": 1 / photons}
    off = {name: abs(slope - value) / (0.026 * abs(value) + 0.012) for name, value in names.items()}
    best = min(off, key=lambda name: off[name])
    return best if off[best] <= 1 else f"{slope:.2g} times the image where photons = {photons:g}"


def _spread(x: Tensor, y: Tensor, photons: float) -> dict[str, str]:
    """Return how the variance of the noise depends on the pixel, and how large it is."""
    square, bright = (y - x).square(), x > x.median()
    ratio = float(square[bright].mean() / square[~bright].mean().clamp_min(1e-12))
    means = float(x[bright].mean() / x[~bright].mean())
    power = math.log(max(ratio, 1e-9)) / math.log(means)
    depends = {"is the same everywhere": 0.0, "grows in proportion to the pixel": 1.0}
    found = next((name for name, value in depends.items() if abs(power - value) < 0.15), "")
    found = found or ("grows faster than the pixel" if power > 1 else "grows more slowly than the pixel" if power > 0
                      else "is larger in dark pixels")
    if found != "grows in proportion to the pixel":
        return {"depends": found}
    size = float((square / x).mean()) * photons
    names = {"x / photons": 1.0, "2 x / photons": 2.0, "x / (2 photons)": 0.5, "x": photons, "x · photons": photons**2,
             "x / photons²": 1 / photons, "x / √photons": photons**0.5, "x / 255": photons / 255}
    best = min(names, key=lambda name: abs(math.log(size / names[name])))
    near = abs(math.log(size / names[best])) < 0.06
    return {"depends": found, "size": best if near else f"{size:.2g} times x / photons"}


EXERCISE = Exercise(
    "shot_noise", "2 · The noise of a dark photograph", "function", 1, 7,
    reference=reference, oracle=oracle, draw=draw, sizes=(200, 150), probe=probe,
    arguments=("x", "photons", "generator"), family=family, facts=_FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("How many photons does a pixel of grey level x get on average, if a white one gets `photons`?",
           "`torch.poisson(means, generator=generator)` gives a random number of photons for each pixel.",
           "Divide the numbers by `photons`: then on average the image comes back."),
    why="The number of photons has the mean x · photons and, since it is Poisson, the same variance. Divided by "
        "photons, the mean is x and the variance x · photons / photons² = x / photons. Unlike Gaussian noise it "
        "depends on the image: none in black, most in white.")
