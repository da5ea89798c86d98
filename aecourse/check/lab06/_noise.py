"""What is measured of random codes: what they have in common, and which distribution they come from."""

from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.chance import called


def shared(noise: Tensor, logvar: Tensor | None = None) -> str:
    """Return over what the random numbers (B, K) are repeated, whatever form they have and however logvar scales them.

    The logarithm of a number's size shows what numbers have in common, also where all have the same sign.
    """
    if float((noise.abs() < 1e-6 * noise.std()).double().mean()) > 0.01:
        return "zero in some places"
    if float(noise.std(0).max()) < 1e-6:
        return "the same for all images"
    size = noise.abs().clamp(min=1e-9).log()
    if logvar is not None and bool((noise.sign() == noise[0].sign()).all()) and (
            float(size[:, 0][logvar[:, 0].argsort()].diff().abs().mean()) < 0.05):
        alike = [c[v.argsort()][::len(c) // 8] for c, v in zip(size.T, logvar.T, strict=True)]
        return "a single number" if float(torch.stack(alike).std(0).mean()) < 0.1 else "the same for all images"
    together = torch.corrcoef(size.T).abs() if float(size.std(0).min()) > 0.1 else torch.eye(size.shape[1])
    pairs = together[~torch.eye(len(together), dtype=torch.bool)]
    if float(pairs.max()) > 0.15:
        return "the same for all units of an image" if float(pairs.min()) > 0.6 else "shared by units of an image"
    return "the same for all images" if float(size.mean(0).std()) > 0.2 else "for every unit of every image"


def repeated(noise: Tensor) -> bool:
    """Return whether several images have the same numbers, up to the sign: their rows are then next to each other."""
    size = noise.abs()
    if float(size.std()) < 1e-3:  # coins: every size is the same
        return False
    near = size[size[:, 0].argsort()].diff(dim=0).abs().amax(1)
    return float((near < 1e-3).double().mean()) > 0.01


def kind(noise: Tensor) -> dict[str, Any]:
    """Return which distribution these numbers come from, as far as some thousands of them tell."""
    size, mean = float(noise.std()), float(noise.mean())
    facts = {"mean": "0" if abs(mean) < 0.05 * size else "above 0" if mean > 0 else "below 0"}
    some = noise[:8000].sort().values
    n = len(some)
    low, middle, high = some[n // 20], some[n // 2], some[n - n // 20]
    if low > -0.02 * high or high < -0.02 * low:
        sizes = some.abs().sort().values / middle.abs()
        even = float(sizes[9 * n // 10]) < 2.1 and float(sizes[n // 10]) < 0.3
        return facts | {"kind": "uniform, from 0 on" if even else "one-sided"}
    away = (some - middle).abs().sort().values
    ratio = float(away[9 * n // 10] / away[n // 2].clamp(min=1e-9))
    facts["kind"] = "uniform" if 1.6 < ratio < 2.0 else "normal" if 2.2 < ratio < 2.7 else "of another form"
    if facts["kind"] == "normal" and float((noise - middle).abs().max() / away[9 * n // 10]) < 1.95:
        return facts | {"kind": "cut off on both sides"}  # of 16,000 some are farther than 3.2 standard deviations
    if facts["kind"] == "normal":
        facts["size"] = called("{:.2g}", size, {"1": 1.0, "½": 0.5, "2": 2.0}, 0.05)
    return facts
