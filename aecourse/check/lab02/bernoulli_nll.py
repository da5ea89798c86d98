"""Lab 02, exercise 4: the cross-entropy of each image from its logits, also where a sigmoid rounds to 0 or 1."""

import math
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab02._images import PIXELS, images
from aecourse.check.lab02._reductions import BATCH_TOO, NOT_PIXELS, reduced
from aecourse.losses import bernoulli_nll as reference

UNSTABLE = ("Large logits break it. There a sigmoid rounds to exactly 0 or 1 and its logarithm is lost, an exponential "
            "overflows, a `clamp` cuts off. Stay with the logits as they are: torch has a function for log(sigmoid), "
            "and one for the whole loss.")
ZERO = ("It is right except where logits are exactly 0: there p = ½, and each pixel costs log 2, whatever its grey "
        "value.")

MISTAKES = (
    Mistake("sigmoid twice", {"twice": True},
            "The sigmoid is applied twice: this loss takes logits and does it inside, so hand it the logits as they "
            "are."),
    Mistake("logits as probabilities", {"bare": True},
            "The logarithm is taken of the logits themselves: they are no probabilities yet (they can be negative)."),
    Mistake("sign", {"sign": -1}, "This is the log-likelihood itself: a loss is its negative."),
    Mistake("white only", {"black": False},
            "Only x·log p is there. Black pixels count too: (1 − x)·log(1 − p) is missing."),
    Mistake("black only", {"white": False}, "Only (1 − x)·log(1 − p) is there; x·log p is missing."),
    Mistake("swapped", {"swapped": True},
            "The two arguments are swapped: the images are taken for logits and the logits for images."),
    Mistake("log p twice", {"second": "log p"},
            "Every pixel costs −log p, whatever its grey value. Only the share x does; the share 1 − x costs "
            "−log(1 − p)."),
    Mistake("black and white exchanged", lambda logits, x: _bernoulli(-logits, x),
            "Black and white are exchanged: x belongs to log p, and 1 − x to log(1 − p)."),
    Mistake("share forgotten", lambda logits, x: -(x * F.logsigmoid(logits) + F.logsigmoid(-logits)).sum(-1),
            "In the second term log(1 − p) stands without its factor 1 − x."),
    Mistake("two classes", lambda logits, x: F.softplus(-logits * (2 * x - 1)).sum(-1),
            "log(1 + exp(−(2x − 1) · logit)) holds for black and white pixels alone; the formula takes grey values."),
    Mistake("one minus log p", {"second": "1 − log p"},
            "1 − log p is not log(1 − p): the 1 − goes inside the logarithm."),
    Mistake("squared error", lambda logits, x: (torch.sigmoid(logits) - x).square().sum(-1),
            "This is the squared error of the sigmoid. Asked for is the cross-entropy, with logarithms."),
    Mistake("squared error of the logits", lambda logits, x: (logits - x).square().sum(-1),
            "This is the squared error between logits and pixels. Asked for is the cross-entropy, with logarithms."),
    Mistake("softmax", lambda logits, x: -(x * F.log_softmax(logits, -1)).sum(-1),
            "A softmax lets the pixels compete: one is white at the cost of others. Here each pixel is a coin of its "
            "own, so it is a sigmoid."),
    Mistake("rounded images", lambda logits, x: _bernoulli(logits, (x > 0.5).float()),
            "The images are rounded to black and white first. The formula takes the grey values as they are."),
    Mistake("white or not", lambda logits, x: F.softplus(torch.where(x == 1, -logits, logits)).sum(-1),
            "All that is not exactly white counts as black. The formula takes grey values: the share x costs −log p, "
            "the share 1 − x costs −log(1 − p)."),
    Mistake("divergence", lambda logits, x: _bernoulli(logits, x) + (torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)
                                                                     ).sum(-1),
            "The entropy of x is subtracted: that is the KL divergence of the two coins. Asked for is the "
            "cross-entropy, without that term."),
    Mistake("exp of the size", lambda logits, x: (logits.clamp(min=0) - x * logits
                                                   + torch.log1p(torch.exp(logits.abs()))).sum(-1),
            "In log(1 + exp(−|logit|)) the minus is missing."),
    Mistake("no bars", lambda logits, x: (logits.clamp(min=0) - x * logits + torch.log1p(torch.exp(-logits))).sum(-1),
            "In log(1 + exp(−|logit|)) the bars are missing, so every logit below 0 gives a wrong value."),
    Mistake("no log", lambda logits, x: (logits.clamp(min=0) - x * logits).sum(-1),
            "max(logit, 0) − x · logit is there; the term log(1 + exp(−|logit|)) is missing."),
    Mistake("bits", {"bits": True}, "These are bits: the logarithm has base 2. Nats take the natural logarithm."),
    Mistake("unstable", {"eps": 0.0}, UNSTABLE),
    Mistake("mean over pixels", {"reduce": "mean"},
            "There is a mean over the pixels where the sum belongs: an image's likelihood is the product over its "
            "pixels."),
    *BATCH_TOO,
    Mistake("mean over everything", {"reduce": "mean of all"},
            "The mean runs over pixels and images, which is what the function does unless it is told "
            "`reduction=\"none\"`. Then sum over the pixels."),
    *NOT_PIXELS,
)

ERRORS = {
    "within the support": "Your images are grey, and a coin shows no half: PyTorch refuses, and as a likelihood it is "
                          "right. The formula itself takes any x from 0 to 1; use `validate_args=False` or write it "
                          "out.",
}


def oracle(logits: Tensor, x: Tensor) -> Tensor:
    of_all, of_white = _terms_of_logits(logits, x).values()
    return (of_all + of_white).float()  # not the two log-sigmoids of the definition


def draw(generator: torch.Generator, size: int) -> Case:
    x = images(generator, size, size == 1)
    x = torch.where(x == 0.5, 0.6, x)  # rounding may go either way there
    logits = torch.randn(size, PIXELS, generator=generator).mul(2).clamp(-5, 5)
    if size == 4:  # a network that knows nothing
        logits[1:, ::2] = 0.0
        logits[3] = 0.0
        return Case((logits, x), "4 images of random pixels, many logits exactly 0", ZERO)
    if size == 5:  # large logits, as a confident network gives them; also where it is confident and wrong
        x, logits = (x > 0.5).float(), logits.sign() * (60 + 140 * torch.rand(size, PIXELS, generator=generator))
        return Case((logits, x), "5 images with logits between ±60 and ±200", UNSTABLE)
    if size == 1:
        level = round(float(torch.rand((), generator=generator)) * 2 + 0.5, 1)
        logits = torch.full((1, PIXELS), level if torch.rand((), generator=generator) < 0.5 else -level)
        return Case((logits, x), f"one image with all pixels {x[0, 0]:.1f} and all logits {logits[0, 0]:.1f}")
    return Case((logits, x), f"{size} images of random pixels and logits")


def family(**changes: Any) -> Any:
    """Return the cross-entropy per image from logits, with the given changes."""
    return partial(_bernoulli, **changes)


def _bernoulli(logits: Tensor, x: Tensor, *, twice: bool = False, bare: bool = False, white: bool = True,
               black: bool = True, swapped: bool = False, second: str = "", bits: bool = False,
               eps: float | None = None, sign: int = 1,
               reduce: str = "sum") -> Tensor:
    if twice:
        logits = torch.sigmoid(logits)
    if swapped:
        logits, x = x, logits
    if bare:  # the logits are taken for probabilities
        log_p, log_q = torch.log(logits), torch.log(1 - logits)
    elif eps is None:
        log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    else:  # the unstable way, with or without a small number inside
        p = torch.sigmoid(logits)
        log_p, log_q = torch.log(p + eps), torch.log(1 - p + eps)
    if second:  # what stands in the place of log(1 − p)
        log_q = log_p if second == "log p" else 1 - log_p
    per_pixel = -sign * (white * x * log_p + black * (1 - x) * log_q)
    return reduced(per_pixel / math.log(2) if bits else per_pixel, reduce)


def _terms(logits: Tensor, x: Tensor) -> dict[str, Tensor]:
    zero = torch.zeros((), dtype=torch.float64)
    return {"x log p": (x * torch.logaddexp(-logits.double(), zero)).sum(-1),
            "(1 − x) log(1 − p)": ((1 - x) * torch.logaddexp(logits.double(), zero)).sum(-1)}


def _terms_of_logits(logits: Tensor, x: Tensor) -> dict[str, Tensor]:
    zero = torch.zeros((), dtype=torch.float64)
    return {"log(1 + exp(logit))": torch.logaddexp(logits.double(), zero).sum(-1),
            "x · logit": -(x * logits.double()).sum(-1)}


parts = (_terms, _terms_of_logits)

EXERCISE = Exercise(
    "bernoulli_nll", "4 · Cross-entropy from logits", "function", 2, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 3, 4, 5),
    gradients=(0,), arguments=("logits", "x"), family=family, parts=parts, errors=ERRORS,
    mistakes=MISTAKES,
    hints=("One pixel: −x log p − (1 − x) log(1 − p), with p = sigmoid(logit).",
           "log p must not go through p: `F.logsigmoid(logits)` is log p, and log(1 − p) is "
           "`F.logsigmoid(-logits)`.",
           "`F.binary_cross_entropy_with_logits` does both; mind its `reduction`, then sum over the pixels."),
    why="log sigmoid is computed from the logit in one piece, so it stays exact where the sigmoid itself would "
        "round to 0 or 1.")
