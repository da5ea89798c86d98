"""Exercise 7: the score, the slope of the logarithm of the density, from a denoiser."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from aecourse.check.engine.drawing import between, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.lab04._chance import uniform

MISTAKES = (
    Mistake("sigma", {"power": 1}, "It is divided by σ; σ² belongs there."),
    Mistake("not divided", {"power": 0},
            "The difference is not divided by σ²: it is the step to the denoised point. The score is that step over "
            "σ²."),
    Mistake("times the variance", {"power": -2}, "It is multiplied by σ²; divide by it."),
    Mistake("fourth power", {"power": 4}, "It is divided by σ⁴: `sigma` is the standard deviation, square it once."),
    Mistake("root", {"power": 0.5}, "It is divided by √σ; σ² belongs there: `sigma` is the standard deviation."),
    Mistake("sign", {"sign": -1},
            "Everywhere the sign is wrong: the score points uphill, from the noisy point to the denoised one."),
    Mistake("half", {"factor": 0.5},
            "There is a ½ too many: it divides by 2σ². The slope of the logarithm of a bell takes it away."),
    Mistake("twice", {"factor": 2.0}, "There is a factor 2 that does not belong there."),
    Mistake("half, times the variance", {"factor": 0.5, "power": -2},
            "The difference is halved and multiplied by σ², as `/ 2 * sigma**2` does. Divide by σ² alone: what follows "
            "a `/` needs brackets, and the 2 does not belong there."),
    Mistake("denoised alone", {"give": "clean"},
            "The denoised point is taken alone. The score takes the way from the noisy point to it: subtract "
            "`x_noisy`."),
    Mistake("noisy alone", {"give": "noisy"},
            "The noisy point is taken alone, as in the score of noise around the origin, −x̃/σ². The score takes the "
            "way from there to the denoised point."),
    Mistake("brackets", {"give": "brackets"},
            "Only the denoised point is divided by σ². Put brackets around the difference."),
    Mistake("brackets, the noisy point", {"give": "late"},
            "Only the noisy point is divided by σ². Put brackets around the difference."),
    Mistake("sum", {"give": "plus"}, "The denoised and the noisy point are added: the difference is asked for."),
    Mistake("denoised twice", {"give": "again"},
            "The denoiser is applied to its own result. Apply it once, to `x_noisy`."),
    Mistake("two steps", {"at": "twice"}, "The denoiser is applied twice. Apply it once, to `x_noisy`."),
    Mistake("clipped input", {"cut": "noisy"},
            "The noisy points are cut off at 0 and 1 first. The formula holds for noise that is not cut off."),
    Mistake("clipped input of the denoiser", {"at": "clipped"},
            "The denoiser is given the noisy points cut off at 0 and 1. Give it the points as they are."),
    Mistake("the formula itself", {"give": "formula"},
            "This is x̃ + σ² times the denoised point. In the formula the score stands there, and it is what is asked "
            "for: solve for it."),
    Mistake("rounded", {"cut": "floor"},
            "The arrows are rounded down to whole numbers, as `//` does. Divide with `/`."),
    Mistake("clipped output", {"cut": "clean"},
            "The denoised points are cut off at 0 and 1. The formula takes them as they are."),
    Mistake("unit length", {"cut": "unit"},
            "The arrows all have length 1. Where the density is flat the score is short, and that belongs to it."),
    Mistake("slope of the denoiser", lambda *args: _slope(*args) / args[2] ** 2,
            "You take the slope of the denoiser, by autograd, over σ². No derivative is needed: the score is the way "
            "from the noisy point to the denoised one, over σ²."),
    Mistake("length", {"cut": "length"}, "This is the length of the score. Asked for is the arrow, one number for each "
                                         "component."),
    Mistake("summed", {"cut": "sum"},
            "The components are summed. Asked for is the arrow, one number for each component: no sum, no mean."),
    Mistake("mean arrow", {"cut": "mean"}, "Every point gets the mean arrow of the batch. Each point has its own."),
)
ERRORS = {
    "positional argument": "`denoise` is called with the points alone: `denoise(x_noisy)`.",
    "not callable": "`denoise` is the function, `x_noisy` the points, `sigma` a number, in this order.",
    "has no attribute": "`denoise` is a function: call it, `denoise(x_noisy)`.",
    "not subscriptable": "`denoise` is a function: call it with round brackets, `denoise(x_noisy)`.",
    "unsupported operand": "`denoise` is a function: call it, `denoise(x_noisy)`, and compute with what it gives.",
}
FLAT = ("It is right where `denoise` moves the points, and wrong where it returns them as they are: the score is 0 "
        "there.")


def reference(denoise: Callable[[Tensor], Tensor], x_noisy: Tensor, sigma: float) -> Tensor:
    return (denoise(x_noisy) - x_noisy) / sigma**2


def _slope(denoise: Callable[[Tensor], Tensor], x_noisy: Tensor, sigma: float) -> Tensor:
    """Return the slope of what the denoiser gives."""
    x = x_noisy.clone().requires_grad_()
    return torch.autograd.grad(denoise(x).sum(), x)[0]


class Denoiser:  # no underscore: a learner meets the name in the texts of errors
    """The best denoiser of points from a mixture of round Gaussians, worked out from Bayes' rule."""

    def __init__(self, centres: Tensor, width: float, sigma: float) -> None:
        self.centres, self.width, self.sigma = centres, width, sigma

    def __call__(self, x: Tensor) -> Tensor:
        if x.dim() != 2:
            raise ValueError(f"`denoise` takes points in rows, (B, D), not {tuple(x.shape)}")
        if math.isinf(self.width):
            return x  # where all points are as likely, the noisy one is the best guess
        var, noise = self.width**2, self.sigma**2
        share = torch.softmax(-(x[:, None] - self.centres).square().sum(-1) / (2 * (var + noise)), dim=1)
        nearer = (x[:, None] * var + self.centres * noise) / (var + noise)
        return (share[..., None] * nearer).sum(1)


def oracle(denoise: Denoiser, x_noisy: Tensor, sigma: float) -> Tensor:
    """The slope of the logarithm of the noisy points' density, by autograd; no denoiser is called."""
    if math.isinf(denoise.width):
        return torch.zeros_like(x_noisy)
    centres = denoise.centres.double()
    spread = math.hypot(denoise.width, denoise.sigma)
    parts = Independent(Normal(centres, torch.full_like(centres, spread)), 1)
    x = x_noisy.double().requires_grad_()
    density = MixtureSameFamily(Categorical(torch.ones(len(centres)).double()), parts)
    (slope,) = torch.autograd.grad(density.log_prob(x).sum(), x)
    return slope.float()


def draw(generator: torch.Generator, size: int) -> Case:
    if size == 3:
        x, sigma = torch.randn(size, 2, generator=generator), uniform(0.4, 0.7, generator)
        return Case((Denoiser(x, math.inf, sigma), x, sigma), "3 points of a flat density, for which `denoise` returns "
                    f"the very tensor that it was given, and sigma = {sigma}", FLAT)
    d, k = {1: (1, 1), 2: (2, 3)}.get(size, (4, 5))
    sigma = {1: 0.5, 2: 0.3}.get(size, uniform(1.3, 1.8, generator))
    if size == 1:
        sigma = [0.2, 0.3, 0.4, 0.6, 0.7][between(0, 4, generator)]
    centres = 1.5 * torch.randn(k, d, generator=generator)
    if size == 1:
        centres = tenths(1, 9, 1, 1, generator=generator)
    x = centres[torch.randint(k, (size,), generator=generator)] + torch.randn(size, d, generator=generator)
    if size == 1:
        step = tenths(8, 15, 1, 1, generator=generator)
        x = centres + (step if torch.rand((), generator=generator) < 0.5 else -step)
    if size == 5:
        x[0] += 60  # so far from all clean points that the arrow is long
    denoise = Denoiser(centres, 0.5, sigma)
    text = (f"the point {x.item():.1f}, which `denoise` moves to {denoise(x).item():.4g}, and sigma = {sigma}"
            if size == 1 else f"{size} points in {d} dimensions, sigma = {sigma}")
    return Case((denoise, x, sigma), text)


def family(**changes: Any) -> Any:
    """Return the estimate of the score from a denoiser, with the given changes."""
    return partial(_score, **changes)


def _score(denoise: Callable, x_noisy: Tensor, sigma: float, *, power: float = 2, sign: int = 1, factor: float = 1.0,
           cut: str = "", at: str = "noisy", give: str = "difference") -> Tensor:
    x = x_noisy.clamp(0, 1) if cut == "noisy" else x_noisy
    clean = denoise(denoise(x)) if at == "twice" else denoise(x.clamp(0, 1) if at == "clipped" else x)
    clean = clean.clamp(0, 1) if cut == "clean" else clean
    away = {"difference": lambda: clean - x, "clean": lambda: clean, "noisy": lambda: -x, "plus": lambda: clean + x,
            "again": lambda: denoise(clean) - clean, "brackets": lambda: clean - x * sigma**power,
            "late": lambda: clean * sigma**power - x,
            "formula": lambda: (x + sigma**2 * clean) * sigma**power}[give]()
    value = sign * factor * away / sigma**power
    return {"floor": lambda: value.floor(), "unit": lambda: value / value.norm(dim=-1, keepdim=True), "sum":
            lambda: value.sum(-1),
            "length": lambda: value.norm(dim=-1), "mean": lambda: value.mean(0).expand(value.shape)}.get(
                cut, lambda: value)()


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say what the values are in terms of the two points and of sigma, if that can be told."""
    pairs = []
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        if g.shape != w.shape:
            return ""
        pairs.append((g.double(), w.double(), case.args[2]))
    along = [float(torch.cosine_similarity(g.flatten(), w.flatten(), dim=0)) for g, w, _ in pairs]
    if min(along) > 0.9999:
        factors = [float((g * w).sum() / (w * w).sum()) for g, w, _ in pairs]
        powers = [math.log(f) / math.log(s) for f, (*_, s) in zip(factors, pairs, strict=True)]
        ask = ("Which power of sigma is that?" if max(powers) - min(powers) < 0.02 and abs(powers[0]) > 0.1 else
               "Divide by the square of the sigma that is handed in, and by nothing else.")
        return ("The directions are right, the lengths are not. Yours are "
                + ", ".join(f"{f:.3g}" for f in factors) + " times the right ones for sigma = "
                + ", ".join(f"{s:.3g}" for *_, s in pairs) + f". {ask}")
    if max(along) < -0.9999:
        return "The arrows point the wrong way, and their lengths are not right either: they should point uphill."
    return ""


EXERCISE = Exercise(
    "score", "7 · What the denoiser knows", "function", 3, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 5, 3), rtol=1e-3, atol=2e-4,
    arguments=("denoise", "x_noisy", "sigma"),
    gives=(Form("float", "one arrow for each point, shape (B, D)", "point"),), family=family,
    look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Solve the formula for ∇ log p: the best denoiser is x̃ + σ² ∇ log p(x̃).",
           "So it is the way from the noisy point to the denoised one, divided by a number."),
    why="The best denoiser under squared error is the mean of all clean points that the noisy one may come from. "
        "They lie uphill, where there are more of them, and how far uphill is σ² times the slope of the logarithm: "
        "Tweedie's formula, exact for Gaussian noise.")
