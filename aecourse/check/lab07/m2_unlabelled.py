"""Exercise 5: M2's bound for an image without a label, the sum over the classes that it may have."""

import math
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from aecourse import semi
from aecourse.check.engine.drawing import between, rows, tenths
from aecourse.check.engine.exercise import PER_IMAGE, Case, Exercise, Mistake
from aecourse.check.engine.look import Parts, off_terms
from aecourse.check.lab07._losses import bounds

ZERO_LOG_ZERO = ("It is right while every class has some probability, and wrong where one is exactly 0 in float32: 0 · "
                 "log 0 gives NaN, and should be 0. `class_logits.log_softmax(1)` gives log q without taking a "
                 "logarithm of 0.")
VERY_SURE = ("It is right for moderate logits, and wrong where the classifier is so confident that a probability is 0 "
             "in float32. `class_logits.log_softmax(1)` gives log q for such logits as well; nothing has to be cut "
             "off.")
SURER = ("It is right where logits go down to −1000, and wrong where one is 200. `class_logits.softmax(1)` and "
         "`class_logits.log_softmax(1)` hold for all logits, however large.")
MISTAKES = (
    Mistake("no entropy", {"entropy": "none"},
            "The entropy is missing. Without it the best q(y|x) puts everything on one class: the model is paid for "
            "being confident, whether it is right or not."),
    Mistake("entropy sign", {"entropy": "plus"},
            "The entropy has the wrong sign: U = Σ q L − H. U is a loss, and doubt makes it smaller."),
    Mistake("mean entropy", {"entropy": "mean"}, "The entropy is a mean over the classes; their sum is meant."),
    Mistake("unweighted entropy", {"entropy": "unweighted"},
            "The logarithms of q are added up without their weights: the entropy is −Σ q log q."),
    Mistake("log C", {"entropy": "uniform"},
            "The entropy is always log C here, that of q = 1/C. It depends on the image: −Σ q log q."),
    Mistake("entropy of the batch", {"entropy": "batch"},
            "The entropy is averaged over the batch; each image has its own."),
    Mistake("entropy twice", {"entropy": "product"}, "The entropy is counted twice."),
    Mistake("log of softmax", {"log": "log of softmax"}, ZERO_LOG_ZERO),
    Mistake("entropy lost", {"entropy": "lost"},
            "It is right while every class has some probability. Where one is exactly 0 in float32 the whole entropy "
            "is set to 0, not that class's part alone. `class_logits.log_softmax(1)` gives log q without taking a "
            "logarithm of 0."),
    Mistake("softmax by hand", {"q": "by hand"},
            "It is right for moderate and for very small logits, and gives NaN where one is 200: exp(200) is inf in "
            "float32. `class_logits.softmax(1)` and `.log_softmax(1)` hold for all logits."),
    Mistake("log C more", {"entropy": "KL"},
            "Every value is log C too large, as if KL(q ‖ equal classes) stood in place of −H."),
    Mistake("upside down, with the entropy", {"reduce": "upside"},
            "The bounds are weighed with a softmax of the logits with the wrong sign; the entropy is that of q(y|x). "
            "The weights are q(y|x), too."),
    Mistake("logits for log q", {"log": "logits"},
            "In the entropy the logits stand where log q belongs. Logits are log q only up to a constant of each "
            "image, and that constant is missing: `log_softmax(1)`."),
    Mistake("bits", {"log": "bits"}, "The entropy is in bits, base 2. The bounds are in nats: the natural logarithm."),
    Mistake("softmax over the images", {"q": "images"},
            "The softmax runs over the images, dimension 0. Each image has probabilities over the classes of its own: "
            "dimension 1."),
    Mistake("logits for q", {"q": "logits"},
            "The logits are taken for probabilities: they can be negative, and do not sum to 1. A softmax is missing."),
    Mistake("sigmoid", {"q": "sigmoid"},
            "q is a sigmoid of each logit. An image has one class: probabilities that sum to 1, a softmax."),
    Mistake("uniform", {"q": "uniform"},
            "All classes have the same weight, 1/C: this is a mean over the classes. The classifier says how probable "
            "each of them is."),
    Mistake("uniform, with the entropy", {"reduce": "uniform"},
            "The bounds have the same weight for all classes, 1/C; the entropy is that of q(y|x). The bounds are "
            "weighed with q(y|x), too."),
    Mistake("most probable class, with the entropy", {"reduce": "best"},
            "Of the bounds only that of the most probable class counts; the entropy is that of q(y|x). The bounds are "
            "weighed with q(y|x), too."),
    Mistake("sigmoid, with the entropy", {"reduce": "sigmoid"},
            "The bounds are weighed with a sigmoid of each logit; the entropy is that of the softmax. An image has one "
            "class: probabilities that sum to 1, a softmax."),
    Mistake("logits, with the entropy", {"reduce": "logits"},
            "The bounds are weighed with the logits; the entropy is that of the softmax. Logits can be negative, and "
            "do not sum to 1: the softmax belongs in both places."),
    Mistake("softmax over the images, with the entropy", {"reduce": "images"},
            "The bounds are weighed with a softmax over the images, dimension 0; the entropy is that over the classes. "
            "The classes are dimension 1 in both places."),
    Mistake("most probable class", {"q": "best"},
            "Only the most probable class counts. That is a pseudo-label; to marginalise is to weigh all classes by "
            "q(y|x)."),
    Mistake("log q as weights", {"q": "log"},
            "log q stands where q belongs: weights are probabilities."),
    Mistake("exp", {"q": "exp"},
            "The weights are exp(logit), not divided by their sum: they have to sum to 1."),
    Mistake("from the bounds", {"q": "bounds"},
            "The weights are the softmax of the bounds, −L. That would be the best q of all for this image; but q(y|x) "
            "is the classifier's, and it is what has to learn."),
    Mistake("upside down", {"q": "upside"}, "The logits enter the softmax with the wrong sign."),
    Mistake("bounds upside down", {"q": "bounds up"},
            "The weights are the softmax of the bounds, with the wrong sign, too. The classifier's q is meant."),
    Mistake("mean over the classes", {"reduce": "mean"},
            "q · L is averaged over the classes. The weights sum to 1 already: add up."),
    Mistake("smallest bound", {"reduce": "min"},
            "The smallest of the bounds is taken. All of them count, each weighed by q."),
    Mistake("unweighted", {"reduce": "all"}, "The bounds are added up without their weights, q."),
    Mistake("the bound itself", {"sign": -1},
            "This is −U, the bound itself. `fit` makes the loss small: U is asked for."),
    Mistake("mean over the batch", {"over": "batch"},
            "The images are averaged, too. One number for each image is asked for; only `fit` averages."),
    Mistake("sum over the batch", {"over": "all"}, "The images are summed, too. One number for each is asked for."),
)
ERRORS = {
    "Dimension out of range": "The classes are dimension 1.",
    "only integer tensors": "Weigh all classes; nothing is chosen here.",
}
reference = semi.unlabelled


def oracle(by_class: Tensor, class_logits: Tensor) -> Tensor:
    """By Gibbs' identity: U = −log Σ exp(−L) + KL(q ‖ p*), where p* is proportional to exp(−L)."""
    best = Categorical(logits=-by_class.double())
    apart = kl_divergence(Categorical(logits=class_logits.double()), best)
    return (apart - torch.logsumexp(-by_class.double(), 1)).float()


def draw(generator: torch.Generator, size: int) -> Case:
    """Return bounds and logits; those of sizes 6 and 4 are so confident that a probability is 0 in float32.

    In size 6 no logit is large, so that no exponential is inf.
    """
    classes = {1: 2, 2: 3, 3: 4}.get(size, 7)
    if size == 1:
        by_class = tenths(11, 29, 1, 2, generator=generator)
        by_class[0, 1] = by_class[0, 0] + between(4, 9, generator) / 10
        by_class = by_class[:, torch.randperm(2, generator=generator)]
        logits = torch.stack([tenths(3, 9, 1, generator=generator), tenths(-12, -4, 1, generator=generator)], 1)
        logits = logits[:, torch.randperm(2, generator=generator)]
        return Case((by_class, logits), f"one image with the bounds {rows(by_class, '.1f')[1:-1]} and the logits "
                    f"{rows(logits, '.1f')[1:-1]}")
    by_class, logits = bounds(size, classes, generator)
    if size == 5:
        logits[0, 0] = 8.0  # one image of which the classifier is nearly confident
    if size == 6:
        logits[:3, 0], logits[:3, 1:] = 0.0, -150.0
        logits[3:, 1] = logits[3:, 0]  # two alike, and others that are far below them
        logits[3:, 2] = -1000.0
        return Case((by_class, logits), "6 images with logits around 0, and others from −150 to −1000", VERY_SURE)
    if size == 4:
        logits = logits * 20
        logits[torch.arange(4), torch.arange(4)] = 200.0
        logits[torch.arange(4), torch.arange(4) + 1] = -150.0
        return Case((by_class, logits), "4 images with a classifier that is quite confident: logits from −150 to 200",
                    SURER)
    return Case((by_class, logits), f"{size} images of {classes} classes")


def family(**changes: Any) -> Any:
    """Return M2's bound for unlabelled images, with the given changes."""
    return partial(_bound, **changes)


def _bound(by_class: Tensor, class_logits: Tensor, *, q: str = "softmax", entropy: str = "minus",
           log: str = "log-softmax", reduce: str = "sum", sign: int = 1, over: str = "none") -> Tensor:
    n = by_class.shape[1]
    weights = {
        "softmax": lambda: class_logits.softmax(1), "images": lambda: class_logits.softmax(0),
        "logits": lambda: class_logits, "sigmoid": lambda: torch.sigmoid(class_logits),
        "uniform": lambda: torch.full_like(by_class, 1 / n), "log": lambda: class_logits.log_softmax(1),
        "exp": lambda: class_logits.exp(), "bounds": lambda: (-by_class).softmax(1),
        "upside": lambda: (-class_logits).softmax(1),
        "by hand": lambda: class_logits.exp() / class_logits.exp().sum(1, keepdim=True),
        "bounds up": lambda: by_class.softmax(1),
        "best": lambda: F.one_hot(class_logits.argmax(1), n).to(by_class.dtype)}[q]()
    safe = weights.clamp_min(1e-30)
    logs = {"log-softmax": lambda: class_logits.log_softmax(1) if q in ("softmax", "by hand") else safe.log(),
            "log of softmax": lambda: weights.log(), "logits": lambda: class_logits, "bits":
            lambda: safe.log() / math.log(2)}[log]()
    expected = {"sum": lambda: (weights * by_class).sum(1), "mean": lambda: (weights * by_class).mean(1), "min":
                lambda: by_class.min(1).values, "all": lambda: by_class.sum(1), "uniform": lambda: by_class.mean(1),
                "best": lambda: by_class.gather(1, class_logits.argmax(1, keepdim=True))[:, 0],
                "sigmoid": lambda: (torch.sigmoid(class_logits) * by_class).sum(1), "logits":
                lambda: (class_logits * by_class).sum(1), "images":
                lambda: (class_logits.softmax(0) * by_class).sum(1), "upside":
                lambda: ((-class_logits).softmax(1) * by_class).sum(1)}[reduce]()
    per_class = weights * logs
    minus_h: Any = {
        "minus": lambda: per_class.sum(1), "plus": lambda: -per_class.sum(1), "none": lambda: 0.0,
        "mean": lambda: per_class.mean(1), "unweighted": lambda: logs.sum(1), "uniform": lambda: -math.log(n),
        "lost": lambda: (weights * weights.log()).sum(1).nan_to_num(0.0),
        "KL": lambda: per_class.sum(1) + math.log(n),
        "batch": lambda: per_class.sum(1).mean(), "product": lambda: per_class.sum(1) * weights.sum(1) * 2}[entropy]()
    value = sign * (expected + minus_h)
    return {"none": lambda: value, "batch": lambda: value.mean(), "all": lambda: value.sum()}[over]()


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Write the values as a sum of the expected bound and the entropy with other factors, and name what is off."""
    table, values = [], []
    for case, (g,) in zip(cases, got, strict=True):
        by_class, log_q = case.args[0].double(), case.args[1].double().log_softmax(1)
        q = log_q.exp()
        table.append(torch.stack([(q * by_class).sum(1), (q * log_q).sum(1)], 1))
        values.append(g.double())
    names = ["Σ q(y|x) L(x, y)", "Σ q log q, which is −H,"]
    return (off_terms(names, torch.cat(table), torch.cat(values)) or _small_number(cases, got)
            or _small_q(cases, got, want))


def _small_q(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Return the sentence where the images come out wrong on which a class has the smallest probabilities of all."""
    least = torch.cat([case.args[1].softmax(1).amin(1) for case in cases])
    wrong = torch.cat([(g - w).abs() > 1e-3 for (g,), (w,) in zip(got, want, strict=True)])
    if not wrong.any() or wrong.all() or least[wrong].max() > min(0.05, float(least[~wrong].min())):
        return ""
    return ("Wrong are the images on which a class has a very small probability; the others are right. q and log q are "
            "the softmax and its logarithm as they come, with nothing cut off and nothing added.")


def _small_number(cases: list[Case], got: list[Parts]) -> str:
    """Return the sentence for log(q + a small number) in place of log q, if such a number gives the values."""
    values = torch.cat([g for (g,) in got]).double()
    pairs = [(case.args[0].double(), case.args[1].double().softmax(1)) for case in cases]

    def with_number(small: float) -> Tensor:
        return torch.cat([(q * (by_class + (q + small).log())).sum(1) for by_class, q in pairs])

    low, high = -20.0, 0.0  # of its logarithm to base e; the sum grows with it
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if with_number(math.exp(middle)).sum() < values.sum() else (low, middle)
    if -19 < low < -1 and torch.allclose(with_number(math.exp(low)), values, rtol=1e-6, atol=1e-4):
        return ("A small number stands inside the logarithm: yours are the values of log(q + "
                f"{math.exp(low):.1g}). `class_logits.log_softmax(1)` gives log q without one.")
    return ""


EXERCISE = Exercise(
    "m2_unlabelled", "5 · M2: an image without a label", "function", 3, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 3, 5, 6, 4), rtol=2e-4, atol=1e-3,
    arguments=("by_class", "class_logits"), gives=(PER_IMAGE,), gradients=(0, 1), family=family, look=look,
    mistakes=MISTAKES, errors=ERRORS,
    hints=("q(y|x) is the softmax of the logits over the classes, log q(y|x) their `log_softmax(1)`.",
           "The first term weighs the bounds with q and adds over the classes. The entropy is −Σ q log q, and it "
           "is subtracted.",
           "Both together: the sum over the classes of q · (L + log q)."),
    why="Nobody says which class it is, so all of them are tried, each as probable as the classifier finds it. The "
        "entropy is paid back for doubt: the sum is smallest not where q is confident, but where it is the posterior, "
        "proportional to exp(−L).")
