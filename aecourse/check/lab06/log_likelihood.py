"""Lab 06, exercise 3: the Bernoulli log-likelihood of binary images, from logits."""

import math
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.drawing import rows, telling
from aecourse.check.engine.exercise import PER_IMAGE, Case, Exercise, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.lab06._inputs import binary, some
from aecourse.check.lab06._reductions import REDUCE, reduced
from aecourse.check.lab06._terms import mixed, usual
from aecourse.losses import bernoulli_nll

SURE = ("It is right for small logits, and wrong on an input where the decoder is very confident, with large logits of "
        "both signs. For a logit such as 150 `sigmoid` is 1 exactly, in float64 too, `exp` is infinity in float32, and "
        "where something is cut off the loss stops growing. Take a function that works on logits, without a bound: "
        "`F.logsigmoid`, `F.softplus`, or `F.binary_cross_entropy_with_logits`.")

MISTAKES = (
    Mistake("mean over the pixels", {"reduce": "mean"},
            "There is a mean over the pixels where the sum belongs: independent pixels multiply their probabilities, "
            "so the logarithms add up."),
    Mistake("no sum", {"reduce": "none"},
            "One number for each pixel comes back: the sum over the pixels is missing."),
    *REDUCE[:-1],
    Mistake("sign", {"sign": -1},
            "This is the *negative* log-likelihood, a loss. Asked for is the log-likelihood itself, which is never "
            "above 0. (`binary_cross_entropy` gives the negative one.)"),
    Mistake("sigmoid twice", {"bend": "sigmoid"},
            "The sigmoid is applied twice: once by hand, and once more in a function that expects logits. Give it the "
            "logits as they are."),
    Mistake("exchanged", {"bend": "exchanged"},
            "`logits` and `x` are exchanged: `F.binary_cross_entropy_with_logits(logits, x)` takes the logits first."),
    Mistake("logits as probabilities", {"bend": "plain", "log": "naive"},
            "The logits are used as if they were probabilities, so there are logarithms of negative numbers. A sigmoid "
            "turns logits into probabilities."),
    Mistake("no logarithm", {"log": "none"},
            "The logarithm is missing: probabilities of pixels are added up. Take the logarithm of each first."),
    Mistake("logits in the place of logs", {"log": "odds"},
            "The logit stands where log p belongs. A logit is log p − log(1 − p)."),
    Mistake("naive", {"log": "naive"},
            "It is right for small logits only. At logits such as ±200 `sigmoid` gives exactly 0 or 1, and the "
            "logarithm of 0 is −inf, or NaN times 0. Take a function that works on logits, such as `F.logsigmoid`."),
    Mistake("a small number inside", {"log": "eps"},
            "It is right for small logits only: the small number inside the logarithm (1e-8) hides how wrong a very "
            "sure decoder is. A pixel missed at a logit of 200 costs 200 nats. Take a function that works on logits."),
    Mistake("cut off at -100", {"log": "clamped"},
            "It is right for small logits only: no pixel costs more than 100 nats. `F.binary_cross_entropy` cuts its "
            "logarithms off there, in silence; `F.binary_cross_entropy_with_logits` takes logits and does not."),
    Mistake("probabilities cut off", {"log": "clamp p"},
            "It is right for small logits only: the probabilities are cut off near 0 and 1, and that hides how wrong a "
            "very sure decoder is. Take a function that works on logits."),
    Mistake("white pixels alone", {"terms": "white"},
            "Only the white pixels count, x · log p. The black ones have a probability too, 1 − p."),
    Mistake("black pixels alone", {"terms": "black"},
            "Only the black pixels count, (1 − x) · log(1 − p). The white ones have a probability too, p."),
    Mistake("minus between", {"terms": "minus"},
            "The two terms are taken from each other: x · log p and (1 − x) · log(1 − p) are added."),
    Mistake("no choice", {"terms": "no choice"},
            "log p and log(1 − p) are added for every pixel. The image says which of the two counts."),
    Mistake("inverted", {"target": "inverted"},
            "Black and white are exchanged: p is the probability that the pixel is white, x = 1."),
    Mistake("squared error", {"measure": "square"},
            "This is a squared error. The logarithm of a Bernoulli probability is asked for."),
    Mistake("absolute error", {"measure": "size"},
            "This is an absolute error. The logarithm of a Bernoulli probability is asked for."),
    Mistake("squared error of logits", {"measure": "linear"},
            "This is the squared error between logits and pixels. The logarithm of a Bernoulli probability is asked "
            "for."),
    Mistake("hits", {"measure": "hits"},
            "This counts the pixels that are guessed right. How sure the decoder was is lost."),
    Mistake("half", {"factor": 0.5}, "There is a ½ too many."),
    Mistake("bits", {"factor": 1 / math.log(2)},
            "These are bits. The course counts in nats: the natural logarithm, `torch.log`."),
)
ERRORS = {
    "between 0 and 1": "`F.binary_cross_entropy` expects probabilities; the variant `..._with_logits` takes logits.",
    "Dimension out of range": "`logits` and `x` have two dimensions: images are dimension 0, pixels dimension 1.",
}

# The mistakes that show on every input; the others show at large logits only.
_USUAL = [m for m in MISTAKES if m.wrong.get("log") not in ("naive", "eps", "clamped", "clamp p")]


def reference(logits: Tensor, x: Tensor) -> Tensor:
    return -bernoulli_nll(logits, x)


def oracle(logits: Tensor, x: Tensor) -> Tensor:
    a = logits.double()
    return (x.double() * a - torch.logaddexp(torch.zeros_like(a), a)).sum(1).float()


def draw(generator: torch.Generator, size: int) -> Case:
    """Return binary images and logits of a usual size; those of size 7 are a very sure decoder's, sometimes wrong."""
    pixels = {1: 784, 2: 3, 3: 6, 5: 9}.get(size, 12)
    while True:
        x, logits = binary(size, pixels, generator), some(size, pixels, generator)
        logits = logits if size == 2 else 2 * logits
        if size > 7 or size == 1 or telling(family, _USUAL, (logits, x), size > 2):
            break
    if size == 7:
        logits = torch.tensor([200.0, 30.0, 1.0])[torch.randint(0, 3, x.shape, generator=generator)]
        logits = logits * torch.where(torch.rand(x.shape, generator=generator) < 0.8, 2 * x - 1, 1 - 2 * x)
        logits[:, 0] = 200 * (1 - 2 * x[:, 0])  # sure and wrong
        logits[:, 1] = 200 * (2 * x[:, 1] - 1)
        x[:2, :4] = torch.tensor([1.0, 0.0, 1.0, 0.0])
        sure = torch.tensor([200.0, 200.0, 30.0, 30.0])
        logits[0], logits[1] = -logits[0].abs(), logits[1].abs()  # each of the two signs by itself
        logits[0, :4], logits[1, :4] = -sure, sure
        return Case((logits, x), f"{size} images of {pixels} pixels, with logits up to ±200", SURE)
    return Case((logits, x), f"logits = {rows(logits)} and x = {rows(x)}" if size == 2
                else f"{'one image' if size == 1 else f'{size} images'} of {pixels} pixels")


def family(**changes: Any) -> Any:
    """Return the Bernoulli log-likelihood of binary images, from logits, with the given changes."""
    return partial(_log_likelihood, **changes)


def _log_likelihood(logits: Tensor, x: Tensor, *, bend: str = "", log: str = "stable", terms: str = "both",
                    measure: str = "log", target: str = "x", sign: int = 1, factor: float = 1.0,
                    reduce: str = "sum") -> Tensor:
    if bend == "exchanged":
        logits, x = x, logits
    a = torch.sigmoid(logits) if bend == "sigmoid" else logits
    t = 1 - x if target == "inverted" else x
    p = logits if bend == "plain" else torch.sigmoid(a)
    eps = 1e-8
    white, black = {
        "stable": lambda: (F.logsigmoid(a), F.logsigmoid(-a)), "naive": lambda: (p.log(), (1 - p).log()),
        "eps": lambda: ((p + eps).log(), (1 - p + eps).log()),
        "clamped": lambda: (p.log().clamp(min=-100), (1 - p).log().clamp(min=-100)),
        "clamp p": lambda: (p.clamp(1e-6, 1 - 1e-6).log(), (1 - p.clamp(1e-6, 1 - 1e-6)).log()),
        "none": lambda: (p, 1 - p), "odds": lambda: (a, -a)}[log]()
    one, two = t * white, (1 - t) * black
    each = {"log": lambda: {"both": lambda: one + two, "white": lambda: one, "black": lambda: two,
                            "minus": lambda: one - two, "no choice": lambda: white + black}[terms](),
            "square": lambda: -(p - t).square(), "size": lambda: -(p - t).abs(),
            "hits": lambda: ((a > 0) == (t > 0.5)).to(logits.dtype),
            "linear": lambda: -(a - t).square()}[measure]()
    return sign * factor * reduced(each, reduce)


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the two terms is off, or that the values cannot be logarithms of probabilities."""
    pairs = usual(cases, got)
    columns = [{"of the white pixels, Σ x log p": (x * F.logsigmoid(a)).sum(1),
                "of the black pixels, Σ (1 − x) log(1 − p)": ((1 - x) * F.logsigmoid(-a)).sum(1)}
               for (a, x), _ in pairs]
    if says := mixed(columns, [g for _, g in pairs]):
        return says
    if any(bool((g > 1e-4).any()) for _, g in pairs):
        return ("It is above 0 for some images. Binary pixels have probabilities, not densities, and the logarithm of "
                "a probability is never above 0.")
    return ""


EXERCISE = Exercise(
    "log_likelihood", "3 · How probable is an image?", "function", 2, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(2, 3, 5, 1, 7), atol=1e-4, arguments=("logits", "x"),
    gives=(PER_IMAGE,), gradients=(0,), family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Each pixel has the log-probability x log p + (1 − x) log(1 − p), with p the sigmoid of its logit.",
           "log p is `F.logsigmoid(logits)`. And 1 − p is the sigmoid of the logit with the other sign.",
           "`F.binary_cross_entropy_with_logits(logits, x, reduction=\"none\")` gives the negative of it for every "
           "pixel, and is stable. Sum over the pixels."),
    why="A decoder that is sure and wrong by 200 loses 200 nats at that pixel, and the gradient says so. Through "
        "probabilities the computer would see a logarithm of 0: infinity, or a wall that hides how wrong it is.")
