"""Lab 02, exercise 3: the negative log-likelihood of each image under a Gaussian with a fixed σ."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab02._images import PIXELS, images
from aecourse.check.lab02._reductions import BATCH_TOO, NOT_PIXELS, reduced
from aecourse.losses import gaussian_nll as reference


def _with_more(x_hat: Tensor, x: Tensor, sigma: float, eps: float, both: bool = False) -> Tensor:
    variance = sigma**2 + eps
    rest = math.log(variance if both else sigma**2) + math.log(2 * math.pi)
    return ((x - x_hat).square() / variance + rest).sum(-1) / 2


def _product(x_hat: Tensor, x: Tensor, sigma: float) -> Tensor:
    density = torch.exp(-(x - x_hat).square() / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
    return -density.prod(-1).log()


MISTAKES = (
    Mistake("squared error", {"half": 1.0, "power": 0, "log_sigma": 0.0, "constant": 0.0},
            "This is the squared error itself. The likelihood divides it by 2σ², and its normalisation adds log σ and "
            "½ log 2π for each pixel."),
    Mistake("no half", {"half": 1.0},
            "The ½ in front of the squared error is missing: the exponent is −(x − x̂)²/(2σ²)."),
    Mistake("sigma for variance", {"power": 1},
            "The squared error is divided by σ where σ² belongs: the exponent has units of nothing."),
    Mistake("no division", {"power": 0},
            "The squared error is not divided by σ²: with a small σ the same error must cost more."),
    Mistake("sigma to the fourth", {"power": 4},
            "The squared error is divided by σ⁴: `sigma` is the standard deviation, square it once."),
    Mistake("absolute", {"square": False},
            "The error is not squared. With |x − x̂| the distribution would be a Laplace distribution."),
    Mistake("no square",
            lambda x_hat, x, sigma: _gaussian(x_hat, x, sigma, half=0.0) + (x - x_hat).sum(-1) / (2 * sigma**2),
            "The difference is not squared, so errors of opposite sign cancel."),
    Mistake("plus", lambda x_hat, x, sigma: _gaussian(x_hat, -x, sigma),
            "x and x̂ are added: it is their difference that counts."),
    Mistake("times sigma squared", {"half": 0.5, "power": -2},
            "The squared error is multiplied by σ²: `/ 2 * sigma**2` divides by 2 alone. Parentheses, "
            "`/ (2 * sigma**2)`, put σ² under the line."),
    Mistake("error subtracted", {"half": -0.5},
            "The squared error enters with a minus: with it a worse reconstruction would cost less."),
    Mistake("no log sigma", {"log_sigma": 0.0},
            "The term log σ is missing: a wider Gaussian is also lower, and that costs log σ per pixel."),
    Mistake("sigma taken for the variance", {"power": 1, "log_sigma": 0.5},
            "`sigma` is taken for the variance: it is the standard deviation, so σ² stands under the squared error, "
            "and ½ log σ² = log σ."),
    Mistake("log of variance", {"log_sigma": 2.0}, "log σ² is there where log σ belongs (it is ½ log σ²)."),
    Mistake("half log sigma", {"log_sigma": 0.5},
            "½ log σ is there where log σ belongs: the ½ goes with σ², ½ log σ² = log σ."),
    Mistake("log sigma sign", {"log_sigma": -1.0}, "The term log σ has the wrong sign: −log(1/σ) = + log σ."),
    Mistake("size of log sigma",
            lambda x_hat, x, sigma: _gaussian(x_hat, x, sigma, log_sigma=math.copysign(1.0, math.log(sigma))),
            "The sign of log σ is taken away: |log σ|. With σ below 1 the term is negative, since a narrow Gaussian "
            "is high."),
    *(Mistake(f"σ² + {eps:g}", partial(_with_more, eps=eps),
              f"A small number, {eps:g}, is added to σ² under the squared error. σ is never 0 here, so nothing needs "
              "to be added, and where σ is small the nats are wrong by it.") for eps in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)),
    *(Mistake(f"σ² + {eps:g} in both", partial(_with_more, eps=eps, both=True),
              f"A small number, {eps:g}, is added to σ², under the squared error and in the logarithm. σ is never 0 "
              "here, so nothing needs to be added, and where σ is small the nats are wrong by it.")
      for eps in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)),
    Mistake("no constant", {"constant": 0.0},
            "The constant ½ log 2π per pixel is missing. Training would not notice, but nats would be wrong."),
    Mistake("constant not halved", {"constant": 1.0},
            "log 2π is there where ½ log 2π belongs: it comes from a square root."),
    Mistake("constant sign", {"constant": -0.5}, "The constant ½ log 2π has the wrong sign."),
    Mistake("constant once", {"pixels": False},
            "log σ and ½ log 2π are added once for the image. Each of the 784 pixels has a Gaussian of its own, so "
            "each adds them."),
    Mistake("sign", {"sign": -1}, "This is the log-likelihood itself: a loss is its negative."),
    Mistake("mean over pixels", {"reduce": "mean"},
            "There is a mean over the pixels where the sum belongs: independent pixels multiply, so their logarithms "
            "add up."),
    Mistake("mean of the squares alone",
            lambda x_hat, x, sigma: _gaussian(x_hat, x, sigma, half=0.5 / x.shape[-1]),
            "The squared error is averaged over the pixels, and log σ and ½ log 2π are added up over them. Sum all "
            "three."),
    *BATCH_TOO,
    Mistake("mean over everything", {"reduce": "mean of all"},
            "`.mean()` averages over pixels and images. Sum over the pixels, and keep one number for each image: "
            "`.sum(-1)`."),
    *NOT_PIXELS,
    Mistake("cut off at 0", lambda x_hat, x, sigma: _gaussian(x_hat, x, sigma).clamp(min=0),
            "Negative results are cut off at 0. A density can be above 1, so its nats may be negative."),
    Mistake("root", lambda x_hat, x, sigma: _gaussian(x_hat, x, sigma, half=0.0) + (x - x_hat).norm(dim=-1)
            / (2 * sigma**2),
            "The root is taken of the sum of the squares: the exponent holds the squared error itself."),
    Mistake("product of the densities", _product,
            "The densities of the pixels are multiplied, and the logarithm is taken of the product, which is too small "
            "or too large for its type: it rounds to 0 or overflows. Take the logarithm of each, and add."),
    Mistake("sigmoid", lambda x_hat, x, sigma: _gaussian(torch.sigmoid(x_hat), x, sigma),
            "A sigmoid is put on x̂. It is the reconstruction already: take it as it comes."),
    Mistake("pixels cut", lambda x_hat, x, sigma: _gaussian(x_hat, x.clamp(0, 1), sigma),
            "The pixels of x are cut to the range from 0 to 1. A Gaussian gives any number, and the formula takes "
            "it as it is."),
    Mistake("reconstruction cut", lambda x_hat, x, sigma: _gaussian(x_hat.clamp(0, 1), x, sigma),
            "The reconstruction is cut to the range from 0 to 1. The formula takes x̂ as it is."),
)

NARROW = ("It is right where sigma is 0.02 or more, and wrong where it is 0.0005: nothing may be added to sigma or "
          "the variance, or bound it from below.")
FAR = ("Where pixels lie 50 σ from their reconstruction it goes wrong. The density itself rounds to 0 there: write its "
       "logarithm term by term, without `exp` and without a small number that is added.")


def oracle(x_hat: Tensor, x: Tensor, sigma: float) -> Tensor:
    return -torch.distributions.Normal(x_hat.double(), sigma).log_prob(x.double()).sum(-1).float()


def draw(generator: torch.Generator, size: int) -> Case:
    x_hat, x = images(generator, size, size == 1), images(generator, size, size == 1)
    if size == 1 and torch.equal(x, x_hat):
        x_hat = x_hat + 0.1  # equal images would hide every mistake in the error's term
    if size == 3:  # drawn from the Gaussian itself: some pixels leave [0, 1], the nats are negative; the first is exact
        x_hat = 1.4 * x_hat - 0.2
        x = x_hat + 0.1 * torch.randn(size, PIXELS, generator=generator) * torch.tensor([[0.0], [1.0], [1.5]])
        return Case((x_hat, x, 0.1), "3 images drawn around x_hat, the first without an error, sigma = 0.1")
    if size == 4:
        x = x_hat + 0.02 * torch.randn(size, PIXELS, generator=generator)
        return Case((x_hat, x, 0.02), "4 images drawn around x_hat, sigma = 0.02")
    if size == 6:
        x = x_hat + 0.0005 * torch.randn(size, PIXELS, generator=generator)
        return Case((x_hat, x, 0.0005), "6 images drawn around x_hat, sigma = 0.0005", NARROW)
    if size == 5:
        x = (x > 0.5).float()
        return Case((1 - x, x, 0.02), "5 images of black and white pixels, reconstructed as their opposites, "
                                      "sigma = 0.02", FAR)
    sigma = round(0.2 + 0.5 * float(torch.rand((), generator=generator)) + 0.9 * (size == 2), 2)
    text = (f"one image with all pixels {x[0, 0]:.1f}, reconstructed as {x_hat[0, 0]:.1f}, sigma = {sigma}" if size == 1
            else f"{size} images of random pixels, sigma = {sigma}")
    return Case((x_hat, x, sigma), text)


def family(**changes: Any) -> Any:
    """Return −log N(x; x̂, σ²I) per image, with the given changes."""
    return partial(_gaussian, **changes)


def _gaussian(x_hat: Tensor, x: Tensor, sigma: float, *, half: float = 0.5, power: int = 2, square: bool = True,
              log_sigma: float = 1.0, constant: float = 0.5, pixels: bool = True, sign: int = 1,
              reduce: str = "sum") -> Tensor:
    error = (x - x_hat).square() if square else (x - x_hat).abs()
    rest = log_sigma * math.log(sigma) + constant * math.log(2 * math.pi)
    if pixels:  # the constant belongs to every pixel
        return sign * reduced(half * error / sigma**power + rest, reduce)
    return sign * (reduced(half * error / sigma**power, reduce) + rest)


def _terms(x_hat: Tensor, x: Tensor, sigma: float) -> dict[str, Tensor]:
    one = torch.ones(len(x))
    return {"the squared error": ((x - x_hat) / sigma).square().sum(-1) / 2,
            "log σ": PIXELS * torch.log(torch.tensor(sigma)) * one,
            "log 2π": PIXELS / 2 * torch.log(torch.tensor(2 * torch.pi)) * one}


parts = (_terms,)

EXERCISE = Exercise(
    "gaussian_nll", "3 · Squared error is a likelihood", "function", 2, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 3, 4, 5, 6), gradients=(0,), atol=0.02,
    arguments=("x_hat", "x", "sigma"), family=family, parts=parts, mistakes=MISTAKES,
    hints=("The density of one pixel is exp(−(x − x̂)²/(2σ²)) / (σ √(2π)). Take its logarithm, then the minus.",
           "Three terms per pixel: the squared error over 2σ², log σ, ½ log 2π. All three for each pixel.",
           "Sum over the last dimension: `.sum(-1)`. For the terms without x that is a factor `x.shape[-1]`."),
    why="With a fixed σ the only term that the network can change is the squared error: minimising it is maximum "
        "likelihood under a Gaussian. σ sets its weight, which matters as soon as a second term stands beside it.")
