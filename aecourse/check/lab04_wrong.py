"""Lab 04: right answers with switches. A known mistake turns one of them, two mistakes turn two."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def _source(chance: str, generator: torch.Generator) -> torch.Generator | None:
    """Return where the random numbers come from; None is torch's global state."""
    if chance == "fixed":
        return torch.Generator().manual_seed(0)
    return None if chance == "global" else generator


def gaussian(**changes: Any) -> Any:
    """Return x with Gaussian noise, cut off at 0 and 1, with the given changes."""
    return partial(_gaussian, **changes)


def _gaussian(x: Tensor, sigma: float, generator: torch.Generator, *, draw: str = "normal", scale: str = "sigma",
              own: str = "pixel", how: str = "plus", clip: str = "both", chance: str = "generator",
              in_place: bool = False) -> Tensor:
    source = _source(chance, generator)
    shape = {"pixel": x.shape, "image": (len(x), 1), "batch": x.shape[1:], "one": ()}[own]
    n = (torch.randn if draw in ("normal", "size") else torch.rand)(shape, generator=source)
    n = {"normal": lambda: n, "size": lambda: n.abs(), "uniform": lambda: n, "centred": lambda: n - 0.5}[draw]()
    n = n * {"sigma": sigma, "square": sigma**2, "root": sigma**0.5, "none": 1.0, "half": sigma / 2,
             "double": 2 * sigma, "times 255": 255 * sigma, "over 255": sigma / 255}[scale]
    if clip == "noise":
        n = n.clamp(0, 1)
    y = {"plus": lambda: x + n, "times": lambda: x * (1 + n), "alone": lambda: n.expand(x.shape),
         "mixed": lambda: (1 - sigma) * x + n, "sigmoid": lambda: torch.sigmoid(x + n)}[how]()
    if clip == "stretch":
        y = (y - y.min()) / (y.max() - y.min())
    elif clip == "mirror":
        y = 1 - (1 - y.abs()).abs()
    low, high = {"both": (0, 1), "low": (0, None), "high": (None, 1)}.get(clip, (None, None))
    y = y if low is high is None else y.clamp(low, high)
    return x.copy_(y) if in_place else y


def salt_and_pepper(**changes: Any) -> Any:
    """Return x with a share of its pixels black or white, with the given changes."""
    return partial(_exchange, **changes)


def masking(**changes: Any) -> Any:
    """Return x with a share of its pixels set to 0, with the given changes."""
    return partial(_exchange, **{"colours": "black"} | changes)


def _exchange(x: Tensor, share: float, generator: torch.Generator, *, colours: str = "both", masks: str = "one",
              own: str = "pixel", rest: str = "kept", chance: str = "generator", in_place: bool = False) -> Tensor:
    source = _source(chance, generator)
    shape = {"pixel": x.shape, "image": (len(x), 1), "batch": x.shape[1:]}[own]
    r, coin = (torch.rand(s, generator=source).expand(x.shape) for s in (shape, x.shape))
    part = {"double": 2 * share, "inverted": 1 - share, "half": share / 2, "square": share**2, "two halves": share / 2,
            "drawn": 1 - math.exp(-share), "never": 0.0}.get(masks, share)
    hit, white = r < part, coin < 0.5
    if masks in ("two halves", "two"):  # two independent masks; the second one wins where both strike
        pepper = torch.rand(x.shape, generator=source) < part
        hit, white = hit | pepper, hit & ~pepper
    new = {"both": white.float(), "black": torch.zeros_like(x), "white": torch.ones_like(x),
           "grey": torch.full_like(x, 0.5), "any grey": coin, "rounded": x.round(), "inverted": 1 - x,
           "per image": white[:, :1].float().expand(x.shape), "per pixel": white[:1].float().expand(x.shape),
           "few white": (coin < 0.25).float(), "signs": 2 * white.float() - 1}[colours]
    y = torch.where(hit, new, {"kept": x, "rescaled": x / (1 - share), "black": torch.zeros_like(x),
                               "white": torch.ones_like(x), "weaker": x * (1 - share)}[rest])
    return x.copy_(y) if in_place else y


def psnr(**changes: Any) -> Any:
    """Return the PSNR of each image in dB, with the given changes."""
    return partial(_psnr, **changes)


def _psnr(x_hat: Tensor, x: Tensor, *, log: Callable = torch.log10, times: float = 10.0, sign: int = -1,
          peak: str = "1", power: int = 2, root: bool = False, over: str = "pixels", eps: float = 0.0,
          after: str = "each", clip: bool = False) -> Tensor:
    away = (x_hat.clamp(0, 1) if clip else x_hat) - x
    error = away.abs() if power == 1 else away if power == 0 else away**2
    reduce = {"pixels": lambda e: e.mean(-1), "sum": lambda e: e.sum(-1), "batch": lambda e: e.mean(),
              "images": lambda e: e.mean(0), "none": lambda e: e, "784": lambda e: e.sum(-1) / 784,
              "total": lambda e: e.sum(), "cancel": lambda e: away.mean(-1) ** 2, "half": lambda e: e.mean(-1) / 2,
              "norm": lambda e: e.mean(-1) / (x**2).mean(-1), "variance": lambda e: e.mean(-1) / x.var(-1)}[over]
    if after == "log first":  # the mean of the pixels' logarithms
        return sign * times * reduce(log(error + eps))
    error = reduce(error) + eps
    error = error.sqrt() if root else error
    top = {"1": 1.0, "255": 255.0**2, "image": x.amax(-1) ** 2, "range": (x.amax(-1) - x.amin(-1)) ** 2,
           "both": torch.maximum(x, x_hat).amax(-1) ** 2}[peak]
    value = times * log(top / error) if sign < 0 else times * log(error / top)
    return {"each": value, "mean": value.mean(), "sum": value.sum()}[after]


def median3(**changes: Any) -> Any:
    """Return images through a median filter of 3 × 3, with the given changes."""
    return partial(_median3, **changes)


def _median3(x: Tensor, *, pad: str = "replicate", window: tuple[int, int] = (3, 3), what: str = "median",
             cut: str = "right", form: str = "flat", times: int = 1) -> Any:
    n = len(x)
    if cut == "nothing":
        return x.clone()
    if cut == "lines":  # nine neighbours along the flattened image
        return F.pad(x[:, None], (4, 4), mode="replicate")[:, 0].unfold(1, 9, 1).median(-1).values
    if cut == "batch":
        return x.median(0).values.expand(x.shape).clone()
    if cut == "image":
        return x.median(1, keepdim=True).values.expand(x.shape).clone()
    tall, wide = window
    mode = {"zeros": "constant"}.get(pad, pad)
    image = x.reshape(n, 1, 28, 28)
    if pad != "none":
        image = F.pad(image, (wide // 2, wide // 2, tall // 2, tall // 2), mode=mode)
    near = F.unfold(image, window)  # (n, window, places)
    if cut in ("windows", "places"):
        return near if cut == "windows" else near.median(-1).values
    places = near.shape[2]
    near = near.reshape(n, places, -1) if cut == "mixed up" else near.transpose(1, 2)
    if what == "others":
        near = near[..., [0, 1, 2, 3, 5, 6, 7, 8]]
    elif what == "cross":
        near = near[..., [1, 3, 4, 5, 7]]
    elif what == "kept":  # the pixel itself, where it is neither the largest nor the smallest
        centre = near[..., 4]
        return torch.where((centre > near.amin(-1)) & (centre < near.amax(-1)), centre, near.median(-1).values)
    y = {"mean": lambda v: v.mean(-1), "max": lambda v: v.amax(-1), "min": lambda v: v.amin(-1),
         "middle": lambda v: (v.amax(-1) + v.amin(-1)) / 2,
         "separable": lambda v: v.reshape(n, places, 3, 3).median(-1).values.median(-1).values,
         "next": lambda v: v.sort(-1).values[..., 3], "indices": lambda v: v.median(-1).indices,
         "sum": lambda v: v.sum(-1),
         }.get(what, lambda v: v.median(-1).values)(near)
    for _ in range(times - 1):
        y = _median3(y, pad=pad)
    side = int(places**0.5)
    return {"flat": lambda: y, "images": lambda: y.reshape(n, 28, 28), "channels": lambda: y.reshape(n, 1, 28, 28),
            "transposed": lambda: y.reshape(n, side, side).transpose(1, 2).reshape(n, -1)}[form]()


def score(**changes: Any) -> Any:
    """Return the estimate of the score from a denoiser, with the given changes."""
    return partial(_score, **changes)


def _score(denoise: Callable, x_noisy: Tensor, sigma: float, *, power: float = 2, sign: int = 1, factor: float = 1.0,
           cut: str = "", at: str = "noisy", give: str = "difference") -> Tensor:
    x = x_noisy.clamp(0, 1) if cut == "noisy" else x_noisy
    clean = denoise(denoise(x)) if at == "twice" else denoise(x)
    clean = clean.clamp(0, 1) if cut in ("clean", "noisy too") else clean
    away = {"difference": lambda: clean - x, "clean": lambda: clean, "noisy": lambda: -x, "plus": lambda: clean + x,
            "again": lambda: denoise(clean) - clean, "brackets": lambda: clean - x * sigma**power}[give]()
    value = sign * factor * away / sigma**power
    return {"unit": lambda: value / value.norm(dim=-1, keepdim=True), "sum": lambda: value.sum(-1),
            "length": lambda: value.norm(dim=-1), "mean": lambda: value.mean(0).expand(value.shape),
            "square": lambda: value.square() * value.sign()}.get(cut, lambda: value)()
