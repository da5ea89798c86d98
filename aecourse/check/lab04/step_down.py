"""Exercise 7: one deterministic step from noise of one strength to weaker noise, by a denoiser."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from aecourse.check.engine.drawing import tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.lab04._chance import uniform


def family(**changes: Any) -> Any:
    """Return a step to weaker noise, with the given changes."""
    return partial(_step, **changes)


def _step(denoise: Callable, x: Tensor, sigma: float, after: float, *, ratio: str = "right", sign: int = 1,
          give: str = "both", at: str = "sigma", cut: str = "") -> Tensor:
    clean = denoise(x, after if at == "next" else sigma)
    clean = denoise(clean, sigma) if at == "twice" else clean
    clean = clean.clamp(0, 1) if cut == "clean" else clean
    factor = sign * {"inverse": sigma / max(after, 1e-30), "squares": (after / sigma) ** 2, "next": after,
                     "root": (after / sigma) ** 0.5, "variance": after / sigma**2, "difference": sigma - after,
                     "difference over the variance": (sigma - after) / sigma**2,
                     "half": after / sigma / 2, "rest": 1 - after / sigma}.get(ratio, after / sigma)
    value = {"both": lambda: clean + factor * (x - clean), "clean": lambda: clean, "noisy": lambda: x.clone(),
             "noise": lambda: factor * (x - clean), "away": lambda: x + factor * (x - clean),
             "removed": lambda: x - factor * (x - clean), "measured": lambda: clean + after * (x - clean) / (
                 x - clean).std(), "unit": lambda: clean + after * torch.nn.functional.normalize(x - clean, dim=1),
             "scaled": lambda: clean + factor * x, "score": lambda: x + after**2 * (clean - x) / sigma**2}[give]()
    return {"result": lambda: value.clamp(0, 1), "mean": lambda: value.mean(0).expand(value.shape)}.get(
        cut, lambda: value)()


MISTAKES = (
    Mistake("exchanged", {"ratio": "inverse"},
            "The ratio is sigma / sigma_next, so the noise grows. It should be sigma_next / sigma, below 1."),
    Mistake("squares", {"ratio": "squares"},
            "The ratio is squared. Noise of standard deviation σ, times the factor σ_next / σ, has the standard "
            "deviation σ_next: no square."),
    Mistake("root", {"ratio": "root"}, "The root of the ratio is taken; the ratio itself belongs there."),
    Mistake("not divided", {"ratio": "next"},
            "The residual noise is multiplied by `sigma_next`, but not divided by `sigma`."),
    Mistake("divided by the variance", {"ratio": "variance"},
            "It is divided by σ²; the noise has the standard deviation σ, so divide by σ."),
    Mistake("half", {"ratio": "half"}, "Half of the noise that should remain is there: a ½ too many."),
    Mistake("difference", {"ratio": "difference"},
            "The difference sigma − sigma_next is the factor, without a division by sigma."),
    Mistake("the part that goes", {"ratio": "rest"},
            "The part of the noise that should go remains, and the other way round: the factor of x̃ − x̂ is "
            "σ_next / σ."),
    Mistake("removed without a division", family(give="removed", ratio="difference"),
            "Of the noise the part sigma − sigma_next is removed: the division by sigma is missing."),
    Mistake("removed over the variance", family(give="removed", ratio="difference over the variance"),
            "Of the noise the part (sigma − sigma_next) / sigma² is removed: divide by sigma, not by its square."),
    Mistake("the part that goes, added", family(give="away", ratio="rest"),
            "The part of the noise that should go is added to the noisy point once more: subtract it."),
    Mistake("made sigma_next long", family(give="unit"),
            "The noise of each point is made sigma_next long. Its length says how far the point is from the data: "
            "multiply it by σ_next / σ."),
    Mistake("divided by its own deviation", family(give="measured"),
            "The noise is divided by its own standard deviation, measured over the points that came in, so a point "
            "depends on the others, and one number alone has none. Divide by `sigma`."),
    Mistake("sign", {"sign": -1},
            "The noise that remains has the wrong sign: the point jumps to the other side of the denoised one. It is "
            "x̃ − x̂."),
    Mistake("denoised alone", {"give": "clean"},
            "This is the denoised point: all of the noise is gone. A part of it, σ_next / σ, should remain."),
    Mistake("noisy alone", {"give": "noisy"}, "The noisy points come back as they were."),
    Mistake("noise alone", {"give": "noise"},
            "This is the noise that remains. It has to be added to the denoised point."),
    Mistake("from the noisy point", family(give="away"),
            "The step starts at the noisy point and leads away from the denoised one. Start at the denoised point."),
    Mistake("noisy times the ratio", {"give": "scaled"},
            "The noisy point itself is multiplied by the ratio and added. Only its noise, x̃ − x̂, belongs there."),
    Mistake("score", {"give": "score"},
            "This adds σ_next² times the score, as if the noise were σ_next and all of it should go."),
    Mistake("at sigma_next", {"at": "next"},
            "`denoise` is told `sigma_next`. The points that it gets have noise of `sigma`."),
    Mistake("twice", {"at": "twice"}, "The denoiser is applied to its own result. Apply it once, to `x_noisy`."),
    Mistake("clipped", {"cut": "clean"},
            "The denoised points are clipped to [0, 1]. Points in space may lie anywhere."),
    Mistake("result clipped", {"cut": "result"}, "The result is clipped to [0, 1]. Points in space may lie anywhere."),
    Mistake("mean", {"cut": "mean"}, "Every point gets the mean of the batch. Each has its own."),
)
ERRORS = {
    "missing 1 required positional argument": "`denoise` takes two things, the points and the standard deviation of "
                                              "their noise: `denoise(x_noisy, sigma)`.",
    "not callable": "`denoise` is the function, `x_noisy` the points, then come the two numbers, in this order.",
    "has no attribute": "`denoise` is a function: call it, `denoise(x_noisy, sigma)`.",
    "unsupported operand": "`denoise` is a function: call it, `denoise(x_noisy, sigma)`, and compute with its result.",
    "division by zero": "`sigma_next` may be 0; `sigma` never is. Divide by `sigma` alone.",
}
FLAT = ("It is right where `denoise` moves the points, and wrong where it returns them as they are: then there is no "
        "noise to remove, and the points stay.")
ZERO = ("It is right where sigma_next is a quarter of sigma or more, and wrong for sigma_next = 0: no noise should "
        "remain then, so the step ends at the denoised points.")


def reference(denoise: Callable[[Tensor, float], Tensor], x_noisy: Tensor, sigma: float, sigma_next: float) -> Tensor:
    x_hat = denoise(x_noisy, sigma)
    return x_hat + sigma_next / sigma * (x_noisy - x_hat)


class Denoiser:  # no underscore: a learner meets the name in the texts of errors
    """The best denoiser of points from a mixture of round Gaussians, worked out from Bayes' rule."""

    def __init__(self, centres: Tensor, width: float) -> None:
        self.centres, self.width = centres, width

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        if x.dim() != 2:
            raise ValueError(f"`denoise` takes points in rows, (B, D), not {tuple(x.shape)}")
        if math.isinf(self.width):
            return x  # where all points are as likely, the noisy one is the best guess
        var, noise = self.width**2, sigma**2
        share = torch.softmax(-(x[:, None] - self.centres).square().sum(-1) / (2 * (var + noise)), dim=1)
        nearer = (x[:, None] * var + self.centres * noise) / (var + noise)
        return (share[..., None] * nearer).sum(1)


def oracle(denoise: Denoiser, x_noisy: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """By the slope of the logarithm of the noisy points' density, from autograd; no denoiser is called."""
    if math.isinf(denoise.width):
        return x_noisy
    centres = denoise.centres.double()
    parts = Independent(Normal(centres, torch.full_like(centres, math.hypot(denoise.width, sigma))), 1)
    x = x_noisy.double().requires_grad_()
    density = MixtureSameFamily(Categorical(torch.ones(len(centres)).double()), parts)
    (slope,) = torch.autograd.grad(density.log_prob(x).sum(), x)
    return (x.detach() + sigma * (sigma - sigma_next) * slope).float()


def draw(generator: torch.Generator, size: int) -> Case:
    if size == 3:
        x = torch.randn(size, 2, generator=generator)
        return Case((Denoiser(x, math.inf), x, 0.8, 0.4), "3 points of a flat density, for which `denoise` returns the "
                    "very tensor that it was given, sigma = 0.8, sigma_next = 0.4", FLAT)
    d, k = {1: (1, 1), 2: (2, 3)}.get(size, (4, 5))
    sigma = {1: 0.5, 2: uniform(0.5, 0.8, generator)}.get(size, uniform(1.3, 1.8, generator))
    after = {1: 0.2, 4: 0.0}.get(size, round(sigma * uniform(0.25, 0.4, generator), 3))
    centres = 1.5 * torch.randn(k, d, generator=generator)
    x = centres[torch.randint(k, (size,), generator=generator)] + torch.randn(size, d, generator=generator)
    if size == 1:
        centres = tenths(15, 25, 1, 1, generator=generator)
        x = centres + tenths(8, 13, 1, 1, generator=generator)
    denoise = Denoiser(centres, 0.5)
    if size == 1:
        return Case((denoise, x, sigma, after), f"the point {x.item():.1f}, which `denoise` moves to "
                    f"{denoise(x, sigma).item():.4g}, sigma = {sigma}, sigma_next = {after}")
    return Case((denoise, x, sigma, after), f"{size} points in {d} dimensions, sigma = {sigma}, sigma_next = {after}",
                ZERO if size == 4 else "")


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which part of the noise remains, where the values lie on the line through both points."""
    said = []
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        if g.shape != w.shape:
            return ""
        denoise, x, sigma, after = case.args
        clean = denoise(x, sigma)
        left = x.double() - clean.double()
        share = float(((g - clean) * left).sum() / left.square().sum().clamp_min(1e-12))
        if float((g - clean - share * left).abs().max()) > 1e-3:
            return ""
        said.append((share, sigma, after))
    if not said:
        return ""
    return ("Your points lie on the line through the noisy and the denoised ones, but at other places. Of the noise "
            + "; ".join(f"{share:.3g} remains for sigma = {s:.3g} and sigma_next = {a:.3g}" for share, s, a in said)
            + ".")


EXERCISE = Exercise(
    "step_down", "7 · From much noise to less", "function", 3, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 5, 4, 3), rtol=1e-3, atol=2e-4,
    arguments=("denoise", "x_noisy", "sigma", "sigma_next"),
    gives=(Form("float", "one point for each noisy point, shape (B, D)", "point"),), family=family,
    look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("What does the denoiser believe the noise to be? It is the difference between what it got and what it gave.",
           "That noise has the standard deviation sigma. By which factor do you multiply it, so that it has "
           "sigma_next?",
           "Put so much of it back on the denoised point."),
    why="x̃ − x̂ = −σ² · score is the noise, as the denoiser sees it. Times σ_next / σ it is noise of the next strength "
        "in the same direction. In many small steps the points follow a curve from noise to data without any new "
        "randomness (the probability flow; DDIM, Song, Meng and Ermon 2021).")
