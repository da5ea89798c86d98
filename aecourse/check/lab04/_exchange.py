"""What exercises 2 and 3 share: a share of the pixels, chosen at random, is exchanged for others."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.chance import called, form, origin
from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Mistake
from aecourse.check.lab04._chance import repeated, source_of, uniform

SHARE = (
    Mistake("inverted", {"masks": "inverted"},
            "The share is that of the pixels which stay: you exchange all others. Exchange a pixel where a number from "
            "0 to 1 lies **below** the share."),
    Mistake("half the share", {"masks": "half"},
            "Only half of the share is exchanged."),
    Mistake("square of the share", {"masks": "square"},
            "The square of the share is exchanged, as when two masks have to agree. One mask decides."),
    Mistake("drawn again", {"masks": "drawn"},
            "Too few pixels are exchanged, as when their places are drawn one by one (`randint`) and some come up "
            "twice. Draw one number for every pixel, and compare it with the share."),
    Mistake("normal numbers", {"masks": "normal"},
            "As many pixels are exchanged as normal numbers (`randn`) lie below the share. Of numbers from 0 to 1, "
            "`torch.rand`, the share itself does."),
    Mistake("a half", {"masks": "even"},
            "Half of all pixels are exchanged, as where numbers from 0 to 1 are rounded. Compare them with the share "
            "that is handed in."),
    Mistake("none", {"masks": "never"}, "No pixel changes."),
    Mistake("whole images", {"own": "image"},
            "Whole images are exchanged, and others not at all: one number was drawn for each image. Draw one for "
            "every pixel, `x.shape`."),
    Mistake("one mask for all", {"own": "batch"},
            "The same pixels are exchanged in every image. Draw one number for every pixel of every image, `x.shape`."),
    Mistake("others black", {"rest": "black"},
            "The pixels that should stay are black: the mask is used as a picture of its own. Choose with "
            "`torch.where(mask, new, x)`."),
)
KEPT = {"gives": "as asked", "input": "untouched", "chance": "from the generator", "one": "as asked",
        "rest": "as they were", "each": "drawn for itself", "black and white": "as often", "own": "for every pixel",
        "share": "the share"}  # what is right in both


def draw(generator: torch.Generator, size: int) -> Case:
    """Return grey images without a black or a white pixel, and a share; what the known mistakes make of it differs."""
    share = uniform(0.26, 0.29, generator) if size == 300 else uniform(0.4, 0.45, generator)
    seed = between(0, 999_999, generator)
    x = 0.1 + 0.8 * torch.rand(size, 400, generator=generator)
    return Case((x, share, seed), f"{size} images of grey pixels, share = {share}, a generator")


def _below(share: float) -> float:
    """Return how many of all normal numbers lie below the share."""
    return (1 + math.erf(share / math.sqrt(2))) / 2


def exchange(x: Tensor, share: float, generator: torch.Generator, *, colours: str = "both", masks: str = "one",
             own: str = "pixel", rest: str = "kept", chance: str = "generator", in_place: bool = False) -> Tensor:
    """Return x with a share of its pixels exchanged; each keyword changes one thing that is right."""
    source = source_of(chance, generator)
    shape = {"pixel": x.shape, "image": (len(x), 1), "batch": x.shape[1:]}[own]
    r, coin = (torch.rand(s, generator=source).expand(x.shape) for s in (shape, x.shape))
    part = {"double": 2 * share, "inverted": 1 - share, "half": share / 2, "square": share**2, "two halves": share / 2,
            "drawn": 1 - math.exp(-share), "normal": _below(share), "even": 0.5, "never": 0.0}.get(masks, share)
    hit, white = r < part, coin < 0.5
    if masks in ("two halves", "two"):  # two independent masks; the second one wins where both strike
        pepper = torch.rand(x.shape, generator=source) < part
        hit, white = hit | pepper, hit & ~pepper
    new = {"both": white.float(), "black": torch.zeros_like(x), "white": torch.ones_like(x),
           "grey": torch.full_like(x, 0.5), "any grey": coin, "rounded": x.round(),
           "turned": 1 - x.round(),
           "per image": white[:, :1].float().expand(x.shape), "per pixel": white[:1].float().expand(x.shape),
           "few white": (coin < 0.25).float(), "signs": 2 * white.float() - 1}[colours]
    y = torch.where(hit, new, {"kept": x, "rescaled": x / (1 - share), "black": torch.zeros_like(x),
                               "white": torch.ones_like(x), "weaker": x * (1 - share)}[rest])
    return x.copy_(y) if in_place else y


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
    facts["one"] = form(damage(x[:1].clone(), share, torch.Generator().manual_seed(seed)), x[:1])
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
        del facts["chance"]  # nothing is drawn, or nothing of it is seen
        return facts | {"share": "none of the pixels" if facts["rest"] == "as they were" else "no pixels beside that"}
    if facts["chance"] == "the same at every call" and not hit.all() and (
            x[hit].max() < x[~hit].min() or x[~hit].max() < x[hit].min()):
        del facts["chance"]  # nothing is drawn
        return facts | {"which": "decided by their own grey level"}
    if hit.all() and torch.allclose(y, 1 - x):
        return facts | {"rest": "turned around, 1 − x"}
    facts["own"] = "for every pixel" if hit.float().mean() > 0.98 else repeated(hit.float())
    if facts["own"] == "for every pixel":
        facts["share"] = called("{:.2f} of the pixels", float(hit.float().mean()), {
            "the share": share, "twice the share": 2 * share, "half the share": share / 2, "1 − share": 1 - share,
            "share − share²/4": share - share**2 / 4, "2 · share − share²": 2 * share - share**2, "share²": share**2,
            "1 − exp(−share)": 1 - math.exp(-share), "half of them": 0.5,
            "as many as normal numbers lie below the share": _below(share),
            "3/2 of the share": 1.5 * share, "all of them": 1.0}, 0.006)
    new = y[hit]
    if ((new < 0) | (new > 1)).any():
        return facts | {"values": "outside of 0 to 1"}
    if ((new != 0) & (new != 1)).any():
        return facts | {"values": "one grey" if len(new.unique()) <= 3 else "of many greys"}
    white = float((new == 1).float().mean())
    facts["values"] = {0.0: "black alone", 1.0: "white alone"}.get(white, "black and white")
    if coins and 0 < white < 1:
        facts |= _coins(x, hit, (y == 1) & hit)
    if facts["own"] == "for every pixel":
        facts["each"] = "drawn for itself" if float(hit.float().sum(1).std()) > 1 else "the same number in each image"
    expected = {"own": "for every pixel", "share": "the share", "rest": "as they were"} | (
        {"balance": "equal"} if coins else {"values": "black alone"})
    if expected.items() <= facts.items():
        facts["black and white"] = _at_ends(damage, x, share, seed, coins)
    return facts


def _at_ends(damage: Callable, x: Tensor, share: float, seed: int, coins: bool) -> str:
    """Return whether of black and of white pixels together half of the share changes, as it has to."""
    ends = (x > x.median()).float()
    y = damage(ends.clone(), share, torch.Generator().manual_seed(seed)).detach()
    black, white = (float((y != ends)[ends == end].float().mean()) for end in (0, 1))
    off = max(abs(black - share / 2), abs(white - share / 2)) if coins else abs(black + white - share)
    return "as often" if off < 0.1 * share else "less or more often"


def _coins(x: Tensor, hit: Tensor, white: Tensor) -> dict[str, str]:
    """Return what decides whether a pixel that is hit becomes white, and how often it does."""
    bright = x > 0.5
    by_pixel = float(white[bright].sum() / hit[bright].sum() - white[~bright].sum() / hit[~bright].sum())
    of_image, of_place = (white.sum(d) / hit.sum(d).clamp(min=1) for d in (1, 0))
    colour = ("by the pixel's own brightness: bright ones become white" if by_pixel > 0.5 else
              "by the pixel's own brightness: dark ones become white" if by_pixel < -0.5 else "one for each image"
              if of_image.std() > 0.3 else "the same in every image" if of_place.std() > 0.3 else "by chance")
    share = float(white.sum() / hit.sum())
    return {"colour": colour} | (
        {"balance": "equal" if abs(share - 0.5) < 0.02 else "unequal"} if colour == "by chance" else {})
