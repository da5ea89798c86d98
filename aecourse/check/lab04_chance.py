"""Lab 04, exercises 1 to 3: what is measured of a function that damages images by chance. Every fact is a plain value.

How the random numbers are drawn is free, so no value can be foreseen. The inputs are so many pixels that every measured
number is certain enough to be called by a name.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Case

NOISE = {"gives": "as asked", "input": "untouched", "base": "the image", "chance": "from the generator",
         "own": "for every pixel", "amount": "some", "mean": "0", "kind": "normal", "size": "σ",
         "depends": "the same everywhere", "range": "from 0 to 1", "ends": "cut off"}
SALT = {"gives": "as asked", "input": "untouched", "chance": "from the generator", "rest": "as they were",
        "own": "for every pixel", "share": "the share", "values": "black and white", "balance": "equal",
        "colour": "by chance"}
MASK = {**{name: SALT[name] for name in ("gives", "input", "chance", "rest", "own", "share")}, "values": "black alone"}


def form(value: Any, x: Tensor) -> str:
    """Return whether this is a tensor like x, and what it is if not."""
    if not isinstance(value, Tensor):
        return "None" if value is None else f"a {type(value).__name__}"
    if value.shape != x.shape:
        return f"the shape {tuple(value.shape)}"
    return "as asked" if value.dtype == torch.float32 else str(value.dtype).removeprefix("torch.")


def origin(call: Callable[[torch.Generator], Tensor], seed: int) -> str:
    """Return where the chance in a call comes from."""
    generator = torch.Generator().manual_seed(seed)
    first, second = call(generator), call(generator)
    again, other = (call(torch.Generator().manual_seed(s)) for s in (seed, seed + 1))
    if torch.equal(first, second):
        return "the same at every call"
    return "from the generator" if torch.equal(first, again) and not torch.equal(first, other) else "from elsewhere"


def shared(noise: Tensor) -> str:
    """Return over what the random numbers (B, D) are repeated: means of many independent ones would hardly differ."""
    spread = noise.std()
    if spread < 1e-7:
        return "one number for all"
    if noise.mean(1).std() > 0.5 * spread:
        return "one number for each image"
    return "the same for every image" if noise.mean(0).std() > 0.5 * spread else "for every pixel"


def called(name: str, value: float, names: dict[str, float], near: float) -> str:
    """Return the name whose number is nearest to the value, or the value in words where none is near."""
    best = min(names, key=lambda n: abs(names[n] - value))
    return best if abs(names[best] - value) <= near else name.format(value)


# ---- 1 --------------------------------------------------------------------------------------------------------------


def gaussian_facts(gaussian: Callable, case: Case) -> dict[str, Any]:
    """Add noise to grey images and to black-and-white ones; return what came of it."""
    x, sigma, seed = case.args
    given = x.clone()
    y = gaussian(given, sigma, torch.Generator().manual_seed(seed))
    facts: dict[str, Any] = {"gives": form(y, x)}
    if isinstance(y, Tensor) and y.shape == x.shape:
        y = y.detach().float().clone()
        facts["input"] = "untouched" if torch.equal(given, x) else "changed"
        facts["chance"] = origin(lambda g: gaussian(x[:20].clone(), sigma, g).detach(), seed)
        facts |= noise_facts(x, y, sigma)
        ends = (x > x.median()).float()
        z = gaussian(ends.clone(), sigma, torch.Generator().manual_seed(seed)).detach()
        low, high = bool((z < 0).any()), bool((z > 1).any())
        facts["range"] = {(True, True): "on both sides of 0 to 1", (True, False): "below 0", (False, True): "above 1",
                          (False, False): "from 0 to 1"}[low, high]
        if facts["range"] == "from 0 to 1" and facts.get("mean") == "0":  # half of the noise points out of the range
            stay = [float((z == ends)[ends == end].float().mean()) for end in (0, 1)]
            facts["ends"] = "cut off" if min(stay) > 0.4 else "not cut off"
    return facts


def noise_facts(x: Tensor, y: Tensor, sigma: float) -> dict[str, Any]:
    """Return what the noise in y is like, measured against the grey images x."""
    noise = y - x
    if noise.abs().max() < 1e-7:
        return {"amount": "none"}
    at_ends = float(((y <= 0) | (y >= 1)).float().mean())
    slope = float(((x - x.mean()) * (y - y.mean())).mean() / x.var())
    facts: dict[str, Any] = {"own": shared(noise)}
    if at_ends < 0.25:
        facts["base"] = called("{:.2g} times the image", slope, {"the image": 1.0, "nothing of the image": 0.0}, 0.18)
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
        one_sided = q10 > -0.05 * (q90 - q10) or q90 < 0.05 * (q90 - q10)
        facts["kind"] = "uniform" if 1.6 < ratio < 2.0 else "one-sided" if one_sided else (
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


# ---- 2 and 3 --------------------------------------------------------------------------------------------------------


def exchange_facts(damage: Callable, case: Case, *, coins: bool) -> dict[str, Any]:
    """Exchange pixels of grey images, none of them black or white; return which, how many, and for what.

    ``coins`` says whether there are two colours to be thrown for.
    """
    x, share, seed = case.args
    given = x.clone()
    y = damage(given, share, torch.Generator().manual_seed(seed))
    facts: dict[str, Any] = {"gives": form(y, x)}
    if not isinstance(y, Tensor) or y.shape != x.shape:
        return facts
    y = y.detach().float().clone()
    facts["input"] = "untouched" if torch.equal(given, x) else "changed"
    facts["chance"] = origin(lambda g: damage(x[:20].clone(), share, g).detach(), seed)
    ratio = (y / x)[(y != 0) & (y != 1)]
    factor = float(ratio[:9999].median()) if len(ratio) else 1.0
    if abs(factor - 1) > 1e-4 and float((ratio - factor).abs().lt(1e-4).float().mean()) > 0.9:
        facts["rest"] = called("{:.2g} times what they were", factor, {
            "divided by 1 − share": 1 / (1 - share), "times 1 − share": 1 - share}, 1e-3)
    else:
        facts["rest"], factor = "as they were", 1.0
    hit = (y - factor * x).abs() > 1e-5
    if factor > 1:
        hit &= ~((y == 1) & (factor * x >= 1))  # cut off at 1 afterwards
    if not hit.any():
        return facts | {"share": "none of the pixels"}
    facts["own"] = "for every pixel" if hit.all() else shared(hit.float())
    if facts["own"] == "for every pixel":
        facts["share"] = called("{:.2f} of the pixels", float(hit.float().mean()), {
            "the share": share, "twice the share": 2 * share, "half the share": share / 2, "1 − share": 1 - share,
            "share − share²/4": share - share**2 / 4, "2 · share − share²": 2 * share - share**2, "share²": share**2,
            "1 − exp(−share)": 1 - math.exp(-share), "all of them": 1.0}, 0.006)
    new = y[hit]
    if ((new < 0) | (new > 1)).any():
        return facts | {"values": "outside of 0 to 1"}
    if ((new != 0) & (new != 1)).any():
        return facts | {"values": "one grey" if len(new.unique()) <= 3 else "of many greys"}
    white = float((new == 1).float().mean())
    facts["values"] = {0.0: "black alone", 1.0: "white alone"}.get(white, "black and white")
    return facts | _coins(x, hit, (y == 1) & hit) if coins and 0 < white < 1 else facts


def _coins(x: Tensor, hit: Tensor, white: Tensor) -> dict[str, str]:
    """Return what decides whether a pixel that is hit becomes white, and how often it does."""
    bright = x > 0.5
    by_pixel = float(white[bright].sum() / hit[bright].sum() - white[~bright].sum() / hit[~bright].sum())
    of_image, of_place = (white.sum(d) / hit.sum(d).clamp(min=1) for d in (1, 0))
    colour = ("by the pixel's own brightness" if abs(by_pixel) > 0.5 else "one for each image"
              if of_image.std() > 0.3 else "the same in every image" if of_place.std() > 0.3 else "by chance")
    share = float(white.sum() / hit.sum())
    return {"colour": colour} | (
        {"balance": "equal" if abs(share - 0.5) < 0.02 else "unequal"} if colour == "by chance" else {})
