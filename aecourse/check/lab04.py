"""Lab 04, denoising: seven exercises. ``from aecourse.check import lab04 as check``."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import losses
from aecourse.check import lab04_chance as chance
from aecourse.check import lab04_draw as draw
from aecourse.check import lab04_look as look
from aecourse.check import lab04_loss as loss
from aecourse.check import lab04_says as says
from aecourse.check import lab04_says_last as last
from aecourse.check import lab04_wrong as wrong
from aecourse.check.engine.exercise import Exercise, Form
from aecourse.check.engine.lab import Lab
from aecourse.train import Step


def _gaussian(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    return (x + sigma * noise).clamp(0, 1)


def _salt_and_pepper(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    where, colour = (torch.rand(x.shape, generator=generator, device=x.device) for _ in range(2))
    return torch.where(where < share, (colour < 0.5).float(), x)


def _masking(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    return x * (torch.rand(x.shape, generator=generator, device=x.device) >= share)


def _psnr(x_hat: Tensor, x: Tensor) -> Tensor:
    return -10 * (x_hat - x).square().mean(-1).log10()


def _median3(x: Tensor) -> Tensor:
    images = F.pad(x.reshape(-1, 1, 28, 28), (1, 1, 1, 1), mode="replicate")
    return F.unfold(images, 3).median(1).values


def _dae_loss(model: nn.Module, x: Tensor, step: Step) -> dict[str, Tensor]:
    return {"squared error": losses.squared_error(model(_gaussian(x, loss.SIGMA, step.generator)), x)}


def _score(denoise: Callable[[Tensor], Tensor], x_noisy: Tensor, sigma: float) -> Tensor:
    return (denoise(x_noisy) - x_noisy) / sigma**2


EXERCISES = (
    Exercise(
        "gaussian", "1 · Gaussian noise", "function", 1, 6,
        reference=_gaussian, oracle=lambda *case: chance.NOISE, draw=draw.noise, sizes=(200, 150),
        probe=chance.gaussian_facts, arguments=("x", "sigma", "generator"), family=wrong.gaussian, facts=says.FACTS,
        errors=says.ERRORS, mistakes=says.GAUSSIAN,
        hints=("`torch.randn(shape, generator=generator)` draws numbers with mean 0 and standard deviation 1. Which "
               "shape gives every pixel its own?",
               "Times sigma they have the standard deviation sigma. Add them to the images.",
               "At last `.clamp(0, 1)` cuts the sum off: no grey level lies outside."),
        why="A clamp pulls a pixel that left the range back to its nearest grey level. So the noise of black and white "
            "pixels is one-sided, and they stay as they are half of the time: keep that in mind when a formula assumes "
            "Gaussian noise."),
    Exercise(
        "salt_and_pepper", "2 · Salt and pepper", "function", 1, 8,
        reference=_salt_and_pepper, oracle=lambda *case: chance.SALT, draw=draw.exchange, sizes=(300, 200),
        probe=partial(chance.exchange_facts, coins=True), arguments=("x", "share", "generator"),
        family=wrong.salt_and_pepper, facts=says.FACTS, errors=says.ERRORS, mistakes=says.SALT,
        hints=("`torch.rand(x.shape, generator=generator) < share` is true for a share of the pixels.",
               "A second draw, compared with ½, says whether such a pixel becomes black or white.",
               "`torch.where(hit, colour, x)` takes the colour where a pixel is hit, and `x` elsewhere; "
               "`(... < 0.5).float()` is 0 or 1."),
        why="Where and which colour are two questions, and each needs a draw of its own. One number for both would be "
            "below the share in every pixel that is hit, and would always say the same colour."),
    Exercise(
        "masking", "3 · Bug hunt: masking by dropout", "function", 1, 5,
        reference=_masking, oracle=lambda *case: chance.MASK, draw=draw.exchange, sizes=(300, 200),
        probe=partial(chance.exchange_facts, coins=False), arguments=("x", "share", "generator"), family=wrong.masking,
        facts=says.FACTS,
        errors=says.ERRORS, mistakes=says.MASKING,
        hints=("Compare the brightest pixel before and after. What has dropout done to the pixels that it keeps?",
               "Two things are wrong with it: the pixels that stay are rescaled, and the generator is not used.",
               "Draw as in exercise 2, and put a 0 where a pixel is hit."),
        why="Dropout divides what it keeps by 1 − share, so that the mean input of the next layer is the same with and "
            "without it. For a picture that is a second damage: white becomes whiter than white, and a net that is "
            "asked for the clean image has to undo it."),
    Exercise(
        "psnr", "4 · How good is a denoised image?", "function", 2, 7,
        reference=_psnr, oracle=draw.psnr_oracle, draw=draw.psnr, sizes=(1, 2, 3, 5), atol=1e-3,
        arguments=("x_hat", "x"), family=wrong.psnr, mistakes=last.PSNR,
        hints=("First the mean squared error of each image: the mean over its pixels, dimension −1.",
               "With a peak of 1 the formula becomes −10 log₁₀ of it; `torch.log10` is the logarithm to base 10."),
        why="The mean over the pixels, not the sum, stands in it, so images of any size can be compared. Ten times "
            "less squared error is always 10 dB more, and two equal images have infinitely many."),
    Exercise(
        "median3", "5 · The baseline: a median filter", "function", 2, 10,
        reference=_median3, oracle=draw.median_oracle, draw=draw.median, sizes=(1, 2, 4), rtol=0, atol=1e-5,
        arguments=("x",), gives=(Form("float32", "one flat image for each, shape (N, 784)"),), family=wrong.median3,
        look=look.median3, mistakes=last.MEDIAN, errors=last.MEDIAN_ERRORS,
        hints=("`F.pad(x.reshape(-1, 1, 28, 28), (1, 1, 1, 1), mode=\"replicate\")` puts a copy of the border around "
               "each image.",
               "`F.unfold(images, 3)` lists the nine pixels of every window: (N, 9, 784).",
               "The median over the nine is `.median(1).values`."),
        why="A single wrong pixel among nine cannot become the fifth in order, so specks vanish whatever their size. A "
            "mean would smear them over the window. The price: lines one pixel wide are specks, too, and corners are "
            "cut."),
    Exercise(
        "dae_loss", "6 · The loss of the denoising autoencoder", "function", 2, 9,
        reference=_dae_loss, oracle=lambda *case: loss.LOSS, draw=draw.batch, sizes=(24,), probe=loss.loss_facts,
        arguments=("model", "x", "step"), family=loss.dae_loss, facts=loss.FACTS, errors=loss.ERRORS,
        mistakes=loss.MISTAKES,
        hints=("Three lines: damage `x` with `gaussian_ok`, call the model on the damaged images, compare with …?",
               "The generator of the noise is `step.generator`, and the target is the clean `x`.",
               "`losses.squared_error(x_hat, x)` gives one number per image; return it in a dict, `{\"squared error\": "
               "...}`."),
        why="With the clean image as the target, to copy the input is no longer the best answer, whatever the width of "
            "the code: to do well the net has to know what digits look like. The noise is fresh at every call, or the "
            "net could learn it by heart."),
    Exercise(
        "score", "7 · What the denoiser knows", "function", 3, 10,
        reference=_score, oracle=draw.score_oracle, draw=draw.score, sizes=(1, 2, 5), rtol=1e-3, atol=2e-4,
        arguments=("denoise", "x_noisy", "sigma"),
        gives=(Form("float32", "one arrow for each point, shape (B, D)", "point"),), family=wrong.score,
        look=look.score, mistakes=last.SCORE, errors=last.SCORE_ERRORS,
        hints=("Solve the formula for ∇ log p: the best denoiser is x̃ + σ² ∇ log p(x̃).",
               "So it is the way from the noisy point to the denoised one, divided by a number."),
        why="The best denoiser under squared error is the mean of all clean points that the noisy one may come from. "
            "They lie uphill, where there are more of them, and how far uphill is σ² times the slope of the logarithm: "
            "Tweedie's formula, exact for Gaussian noise."),
)

_lab = Lab("lab04", EXERCISES)
gaussian, salt_and_pepper, masking, psnr, median3, dae_loss, score = _lab.checks.values()
use, summary, __getattr__ = _lab.use, _lab.summary, _lab.missing
