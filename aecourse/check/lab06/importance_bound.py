"""Lab 06, exercise 5: the logarithm of the mean weight of k samples, a tighter bound than the ELBO."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.drawing import row, rows, signed, telling, tenths
from aecourse.check.engine.exercise import PER_IMAGE, Case, Exercise, Mistake
from aecourse.check.engine.look import Parts, near
from aecourse.check.lab06._terms import usual
from aecourse.losses import importance_bound as reference

FAR = ("It is right for small numbers, and wrong for a batch whose log weights reach from 95 to 1000, or from −95 to "
       "−1000, as those of real images can: there `exp` gives 0 or infinity. Each image needs its own largest log "
       "weight taken out before `exp`, and put back after the logarithm; `torch.logsumexp` does that.")

APART = ("It is right where the log weights of an image lie close together, and wrong where they lie hundreds of nats "
         "apart, as those of real images can. Take the largest log weight of each image out before `exp`, no other "
         "number, and put it back after the logarithm; `torch.logsumexp` does that.")

SINGLE = ("It is right for several samples, and wrong for one: then the bound of each image is its only log weight, "
          "and there are as many bounds as images.")

MISTAKES = (
    Mistake("mean of the logs", {"of": "mean of logs"},
            "This is the mean of the logarithms, so it stays the ELBO however many samples there are. Average the "
            "weights first, then take the logarithm."),
    Mistake("no log k", {"count": "none"},
            "The weights are summed, not averaged: log k is missing. So it would grow with k even if all weights were "
            "equal."),
    Mistake("log B", {"count": "B"},
            "The sum is divided by the number of images. It has k terms, one for each sample, dimension 0."),
    Mistake("log of all", {"count": "all"},
            "The sum is divided by the number of all entries, k · B. It has k terms."),
    Mistake("k - 1", {"count": "k - 1"}, "The sum is divided by k − 1. A mean of k weights divides by k."),
    Mistake("plus log k", {"count": "times"},
            "log k is added. Dividing the sum by k takes log k off the logarithm."),
    Mistake("divided by k outside", {"of": "over k"},
            "The logarithm of the sum is divided by k. The sum is divided, inside the logarithm: that takes off "
            "log k."),
    Mistake("k taken off", {"of": "minus k"},
            "k itself is taken off the logarithm of the sum; it is log k."),
    Mistake("other axis", {"over": 1},
            "It runs over the images, dimension 1. The samples of one image stand below each other, dimension 0."),
    Mistake("naive", {"stable": "naive"},
            "It is right for small numbers only: for log weights such as −1000 or 1000 `exp` gives 0 or infinity. "
            "`torch.logsumexp` does the same without leaving the range of float32."),
    Mistake("a small number inside", {"stable": "eps"},
            "It is right for small numbers only: the small number inside the logarithm takes the place of weights that "
            "became 0. `torch.logsumexp` needs none."),
    Mistake("one peak for all", {"stable": "one peak"},
            "It is right only where the weights of all images are of similar size: the largest log weight of the whole "
            "batch is taken out, so images far below it vanish. Each image has its own largest, dimension 0."),
    Mistake("squeezed", {"stable": "squeezed"},
            "With one sample the sum runs over the images, as after a `.squeeze()`, which takes the dimension of the "
            "samples away where there is one. Leave the squeeze out: `logsumexp(0)` gives the shape (B,) by itself."),
    Mistake("begins at 0", {"stable": "from 0"},
            "There is one weight of 1 too many, as where a sum of logarithms begins with 0, the logarithm of 1. Begin "
            "with the first sample."),
    Mistake("not added back", {"stable": "not added back"},
            "The largest log weight is taken out before `exp`, and never put back. Add it after the logarithm."),
    Mistake("sum of the logs", {"of": "sum of logs"},
            "The logarithms are added, which multiplies the weights. The weights are averaged."),
    Mistake("best", {"of": "best"},
            "This is the largest log weight of each image. The mean weight counts the others too."),
    Mistake("best less log k", {"of": "best over k"},
            "This is the largest log weight of each image, less log k, as if the other weights were 0. They count as "
            "well, and add something each."),
    Mistake("first", {"of": "first"}, "Only the first sample is used."),
    Mistake("median", {"of": "median"}, "This is a median. The mean of the weights is asked for."),
    Mistake("mean weight", {"of": "mean"},
            "The logarithm is missing at the end: this is the mean weight itself. Asked for are nats."),
    Mistake("log of a mean of logs", {"of": "log of log"},
            "This is a logarithm of a mean of logarithms. `log_w` holds logarithms already: `exp` comes first."),
    Mistake("weighted mean of the logs", {"of": "weighted"},
            "This is a mean of the logarithms, weighted by the weights. It appears in the gradient of the bound, but "
            "the bound is the logarithm of the plain mean."),
    Mistake("log_softmax", {"of": "log softmax"},
            "`log_softmax` takes the logarithm of the sum off every entry. That sum's logarithm is what you need."),
    Mistake("sign", {"sign": -1}, "It has the wrong sign: this is the loss, and asked for is the bound itself."),
    Mistake("bits", {"base": "2"}, "These are bits; the course counts in nats, with the natural logarithm."),
    Mistake("base 10", {"base": "10"}, "The logarithm has the base 10; nats are natural logarithms."),
    Mistake("mean over the images", {"end": "mean"},
            "The images are averaged too, so one number comes back. Asked for is one for each image."),
    Mistake("sum over the images", {"end": "sum"},
            "The images are summed too, so one number comes back. Asked for is one for each image."),
    Mistake("one mean of all", {"end": "log"},
            "The weights of all images are averaged before the logarithm. Every image has a bound of its own."),
    Mistake("over B", {"end": "over B"},
            "It is divided by the number of images. An image's bound must not depend on the others."),
    Mistake("half", {"each": 0.5}, "The log weights are halved before they are used: take them as they are."),
)
ERRORS = {
    "argument 'input'": "`torch.log` takes tensors only; the logarithm of a Python number is `math.log`.",
    "must be real number": "`math.log` takes one number; for tensors there is `.log()`.",
    "only one element tensors": "`math.log` takes one number; for tensors there is `.log()`.",
    "missing 1 required positional": "`logsumexp` asks for the dimension over which to sum.",
}

# The mistakes that show on every input; the others show on log weights far from 0 only.
_USUAL = [m for m in MISTAKES if m.wrong.get("stable") not in ("naive", "eps", "one peak", "squeezed")]


def oracle(log_w: Tensor) -> Tensor:
    """Add the weights up one by one, on the scale of logarithms."""
    a = log_w.double()
    total = a[0]
    for sample in a[1:]:
        total = torch.logaddexp(total, sample)
    return (total + math.log(1 / len(a))).float()


def draw(generator: torch.Generator, size: int) -> Case:
    """Return log weights (k, B) of a usual size; of sizes 8 and 9 those of real images, far below 0 or far above.

    Of size 7 an image's log weights lie far apart.
    """
    if size == 5:
        return Case((signed(0.2, 1.8, 1, 4, generator=generator),), "one log weight of each of 4 images", SINGLE)
    k, images = {1: (3, 1), 4: (5, 3), 6: (7, 4), 7: (6, 3), 8: (6, 4), 9: (6, 4)}.get(size, (6, size))
    while True:
        log_w = signed(0.2, 1.8, k, images, generator=generator)
        if size < 6:
            log_w = tenths(-19, 19, k, images, generator=generator)
        if float(log_w.std()) > 0.5 and (size == 1 or size > 6 or telling(family, _USUAL, (log_w,), size > 4)):
            break
    if size == 7:
        places = 1 + torch.rand(k - 1, images, generator=generator).argsort(0)  # the first sample is neither
        for place, far_off in zip(places[:2], (1000.0, -1000.0), strict=True):
            log_w[place, torch.arange(images)] += far_off
        return Case((log_w,), f"{k} log weights of each of {images} images, some of which lie 1000 above the others or "
                    "below", APART)
    if size in (8, 9):
        far = torch.tensor([-1000.0, -850.0, -95.0, -240.0] if size == 8 else [1000.0, 850.0, 95.0, 240.0])
        log_w = 3 * log_w + far[torch.randperm(images, generator=generator)]
        return Case((log_w,), f"{k} log weights of each of {images} images, near " + row(log_w.mean(0).round()), FAR)
    return Case((log_w,), f"log_w = {rows(log_w)}" if size < 6 else f"{k} log weights of each of {images} images")


def family(**changes: Any) -> Any:
    """Return the logarithm of the mean weight of each image, with the given changes."""
    return partial(_importance_bound, **changes)


def _importance_bound(log_w: Tensor, *, over: int = 0, stable: str = "yes", of: str = "log mean", count: str = "k",
                      sign: int = 1, base: str = "e", end: str = "", each: float = 1.0) -> Tensor:
    a = each * log_w
    k, batch = a.shape[over], a.shape[1 - over]
    if stable == "naive":
        total = a.exp().sum(over).log()
    elif stable == "eps":
        total = (a.exp().sum(over) + 1e-8).log()
    elif stable == "one peak":  # the largest of all images, so that those of another image vanish
        total = (a - a.max()).exp().sum(over).log() + a.max()
    elif stable == "not added back":
        total = (a - a.amax(over, keepdim=True)).exp().sum(over).log()
    elif stable == "squeezed":
        total = a.squeeze().logsumexp(0)
    elif stable == "from 0":
        total = a.logsumexp(over).logaddexp(torch.zeros(()))
    else:
        total = a.logsumexp(over)
    n = {"k": k, "none": 1, "B": batch, "k - 1": max(k - 1, 0.5), "all": a.numel(), "times": 1 / k}[count]
    value = {"log mean": lambda: total - math.log(n), "mean of logs": lambda: a.mean(over),
             "sum of logs": lambda: a.sum(over), "best": lambda: a.amax(over), "best over k":
             lambda: a.amax(over) - math.log(n), "mean": lambda: total.exp() / n,
             "log of log": lambda: a.mean(over).log(), "over k": lambda: total / n,
             "weighted": lambda: (a.softmax(over) * a).sum(over), "first": lambda: a.select(over, 0),
             "median": lambda: a.quantile(0.5, dim=over), "minus k": lambda: total - n,
             "log softmax": lambda: a.log_softmax(over).mean(over)}[of]()
    value = value / {"e": 1.0, "2": math.log(2), "10": math.log(10)}[base]
    return sign * {"": lambda: value, "mean": lambda: value.mean(), "sum": lambda: value.sum(), "log": lambda:
                   value.exp().mean().log(), "over B": lambda: value / log_w.shape[1]}[end]()


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say between which of the bounds the values lie, or which constant is added."""
    pairs = usual(cases, got)
    apart = [g - a.logsumexp(0) + math.log(len(a)) for (a,), g in pairs]
    if all(near(d, d[:1].expand_as(d)) for d in apart) and any(len(d) > 1 for d in apart) and (
            max(float(d.abs().max()) for d in apart) > 0.02):
        text = ", ".join(f"{float(d[0]):.3g} for k = {len(a)}" for ((a,), _), d in zip(pairs, apart, strict=True))
        return f"A number that does not depend on the weights is added: {text}. What is divided by, and where?"
    if all(bool((g <= a.mean(0) + 1e-4).all()) for (a,), g in pairs):
        return ("On the small numbers tried it is never above the mean of the logarithms, which is the ELBO. The "
                "logarithm of the mean is never below it: that is Jensen's inequality.")
    if any(bool((g > a.amax(0) + 1e-4).any()) for (a,), g in pairs):
        return ("It is above the largest log weight for some images, and the mean of the weights is never above the "
                "largest of them.")
    return ""


EXERCISE = Exercise(
    "importance_bound", "5 · A tighter bound", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 4, 6, 5, 8, 9, 7), atol=1e-4, arguments=("log_w",),
    gives=(PER_IMAGE,), gradients=(0,), family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("The weights themselves are `log_w.exp()`, but for images that is 0 in float32. Stay with logarithms.",
           "`torch.logsumexp(log_w, dim)` is the logarithm of the sum of the exponentials, and it is stable.",
           "A mean is the sum divided by k. Outside of the logarithm that takes off `math.log(k)`."),
    why="The logarithm of a mean is at least the mean of the logarithms, so averaging before the logarithm gives "
        "the higher bound. The largest weights carry the sum: with more samples a good code is found more often.")
