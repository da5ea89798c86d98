"""Exercise 4: M2's bound for an image with a label."""

import math
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from aecourse import losses
from aecourse.check.engine.drawing import between, rows, tenths
from aecourse.check.engine.exercise import Case, Exercise, Mistake

UNSTABLE = ("It is right for moderate logits and wrong for large ones: in float32 a sigmoid is exactly 1 there, or exp "
            "is inf, so that a logarithm is infinite, or cut off too early. `losses.bernoulli_nll(logits, x)` works on "
            "the logits themselves.")
MODERATE = ("It is right where logvar is near 0, and wrong where it goes from −8 to 4. The KL takes logvar as it is: "
            "nothing is cut off.")
MISTAKES = (
    Mistake("no log p(y)", {"prior": "none"},
            "The term −log p(y) is missing. For equally frequent classes it is log C. It changes no gradient, but the "
            "bound is one on log p(x, y), and the label costs nats, too."),
    Mistake("log p(y) added", {"prior": "minus"},
            "log p(y) enters with the wrong sign. p(y) is 1/C, so −log p(y) is positive."),
    Mistake("p(y)", {"prior": "p"}, "1/C itself is added, where its negative logarithm belongs: nats are logarithms."),
    Mistake("minus p(y)", {"prior": "minus p"},
            "1/C itself is subtracted; its logarithm is missing."),
    Mistake("bits", {"prior": "log2"}, "−log p(y) is in bits, base 2. The other terms are nats: the natural one."),
    Mistake("base 10", {"prior": "log10"}, "−log p(y) is a logarithm to base 10. The other terms are nats."),
    Mistake("log 10", {"prior": "ten"},
            "−log p(y) is always log 10 here. The prior gives each class the same chance, 1 / `classes`."),
    Mistake("shared by the batch", {"prior": "shared"},
            "−log p(y) is divided by the number of images; every image pays it."),
    Mistake("C", {"prior": "C"}, "The number of classes is added where its logarithm belongs."),
    Mistake("C times", {"prior": "times"},
            "−log p(y) is counted once for every class. An image has one label: count it once."),
    Mistake("log C over C", {"prior": "log C over C"},
            "log C is divided by C: that is −p(y) log p(y), one term of an entropy. The label is given, so −log p(y) "
            "counts in full."),
    Mistake("for each pixel", {"prior": "pixels"},
            "−log p(y) is counted once for every pixel, inside the sum over them. It belongs outside."),
    Mistake("KL sign", {"kl": "minus"},
            "The KL has the wrong sign: this is a loss, and a posterior far from the prior costs more."),
    Mistake("no KL", {"kl": "none"}, "The KL is missing."),
    Mistake("no half", {"kl": "no half"}, "The KL is twice too large: its ½ is missing."),
    Mistake("no −1", {"kl": "no one"}, "In the KL the −1 is missing, so it is not 0 where the posterior is the prior."),
    Mistake("sign of logvar", {"kl": "log sign"}, "In the KL logvar has the wrong sign: it is subtracted."),
    Mistake("no mu", {"kl": "no mu"}, "In the KL the term with μ² is missing."),
    Mistake("reversed KL", {"kl": "reversed"},
            "The KL is the other way round: KL(p(z) ‖ q(z|x,y)). In the bound it is KL(q(z|x,y) ‖ p(z)), with the "
            "variance in the numerator."),
    Mistake("mean KL of the batch", {"kl_sum": "batch"},
            "The KL is averaged over the batch, and every image pays that mean. Each image has its own."),
    Mistake("KL of all images", {"kl_sum": "all"},
            "The KL is summed over the images as well, so each image pays for the codes of all. Each has its own."),
    Mistake("mean KL", {"kl_sum": "mean"}, "The KL is a mean over the code's numbers; their sum is meant."),
    Mistake("logvar for log σ", {"var": "sigma"},
            "`logvar` is taken for log σ. It is the logarithm of the variance, log σ²: exp(logvar) is σ²."),
    Mistake("logvar for σ²", {"var": "plain"},
            "`logvar` is taken for the variance itself. It is its logarithm: exp(logvar) is σ²."),
    Mistake("logvar for σ", {"var": "as sigma"},
            "`logvar` is taken for σ itself. It is the logarithm of the variance: σ is exp(logvar / 2)."),
    Mistake("variance handed in", {"var": "handed"},
            "The exponential is taken twice: `gaussian_kl` wants `logvar` itself, not `logvar.exp()`."),
    Mistake("log σ handed in", {"var": "half"},
            "`logvar / 2`, which is log σ, stands where the logarithm of the variance belongs: hand in `logvar`."),
    Mistake("σ for σ²", {"var": "root"}, "In the KL the standard deviation stands where the variance belongs."),
    Mistake("mean over the pixels", {"pixels": "mean"},
            "−log p(x|y,z) is a mean over the pixels. Then the other terms weigh hundreds of times too much: sum."),
    Mistake("log p(x|y,z)", {"given": "log p"},
            "log p(x|y,z) has the wrong sign: in a loss it is −log p, which is positive for black and white pixels."),
    Mistake("two sigmoids", {"given": "twice"},
            "The sigmoid is taken twice: `bernoulli_nll`, and `binary_cross_entropy_with_logits`, do it themselves."),
    Mistake("squared error", {"given": "square"},
            "The pixels enter by their squared error. They are black or white, so −log p is the cross-entropy."),
    Mistake("squared error of logits", {"given": "square of logits"},
            "The logits are compared with the image by a squared error: they are no pixels. −log p is the "
            "cross-entropy of the logits."),
    Mistake("white pixels", {"given": "white"},
            "Only the white pixels count: −x log p. The black ones pay −(1 − x) log(1 − p)."),
    Mistake("black pixels", {"given": "black"}, "Only the black pixels count; the white ones pay −x log p."),
    Mistake("unstable", {"given": "unstable"}, UNSTABLE),
    Mistake("no reconstruction", {"given": "none"}, "−log p(x|y,z) is missing: nothing asks for the image."),
    Mistake("the bound itself", {"sign": -1},
            "This is the bound itself, which one makes large. `fit` makes the loss small: asked for is its negative, "
            "L."),
    Mistake("mean over the batch", {"over": "batch"},
            "The images are averaged, too. One number for each image is asked for; only `fit` averages."),
    Mistake("sum over the batch", {"over": "all"}, "The images are summed, too. One number for each is asked for."),
)


def reference(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, classes: int) -> Tensor:
    """Return L(x, y), one number for each image."""
    return losses.bernoulli_nll(logits, x) + math.log(classes) + losses.gaussian_kl(mu, logvar)


def oracle(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, classes: int) -> Tensor:
    """From torch's distributions, each term by itself."""
    posterior = Normal(mu.double(), (logvar.double() / 2).exp())
    kl = kl_divergence(posterior, Normal(torch.zeros_like(posterior.loc), 1.0)).sum(1)
    log_p_y = Categorical(probs=torch.ones(classes).double()).log_prob(torch.tensor(classes - 1))
    return (kl - Bernoulli(logits=logits.double()).log_prob(x.double()).sum(1) - log_p_y).float()


def draw(generator: torch.Generator, size: int) -> Case:
    """Return logits, black-and-white images, and a posterior that is nowhere the prior."""
    classes = between(3, 12, generator)
    pixels, code = {1: (3, 2), 2: (784, 3)}.get(size, (784, 5))
    x = (torch.rand(size, pixels, generator=generator) < 0.5).float()
    x[0, :2] = torch.tensor([1.0, 0.0])
    if size == 1:
        logits, mu = tenths(3, 25, 1, 3, generator=generator), tenths(4, 15, 1, 2, generator=generator)
        logits = logits * torch.tensor([[1.0, -1.0, 1.0]])[:, torch.randperm(3, generator=generator)]
        logvar = torch.stack([tenths(-15, -4, 1, generator=generator), tenths(3, 9, 1, generator=generator)], 1)
        return Case((logits, x, mu, logvar, classes), f"x = {rows(x, '.1f')}, logits = {rows(logits, '.1f')}, "
                    f"mu = {rows(mu, '.1f')}, logvar = {rows(logvar, '.1f')}, {classes} classes")
    logits = torch.randn(size, pixels, generator=generator) * 2
    mu, logvar = torch.randn(size, code, generator=generator) * 2, torch.randn(size, code, generator=generator) - 0.7
    if size == 4:
        logvar[0, :2], logvar[-1, :2] = torch.tensor([-8.0, 4.0]), torch.tensor([-6.0, -8.0])
        return Case((logits, x, mu, logvar, classes), "4 images with logvar from −8 to 4", MODERATE)
    if size == 6:
        logits = logits.sign() * (60 + 60 * torch.rand(size, pixels, generator=generator))
        return Case((logits, x, mu, logvar, classes), "6 images with logits between ±60 and ±120", UNSTABLE)
    return Case((logits, x, mu, logvar, classes), f"{size} images of {pixels} pixels, codes of {code} numbers, "
                f"{classes} classes")


def family(**changes: Any) -> Any:
    """Return M2's bound for labelled images, with the given changes."""
    return partial(_bound, **changes)


def _bound(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, classes: int, *, prior: str = "log", kl:
           str = "plus", kl_sum: str = "sum", var: str = "exp", pixels: str = "sum", given: str = "minus log p",
           sign: int = 1, over: str = "none") -> Tensor:
    p = torch.sigmoid(logits)
    each = {
        "minus log p": lambda: F.binary_cross_entropy_with_logits(logits, x, reduction="none"),
        "log p": lambda: -F.binary_cross_entropy_with_logits(logits, x, reduction="none"),
        "twice": lambda: F.binary_cross_entropy_with_logits(p, x, reduction="none"),
        "square": lambda: (p - x).square(), "square of logits": lambda: (logits - x).square(),
        "white": lambda: -x * F.logsigmoid(logits), "black": lambda: -(1 - x) * F.logsigmoid(-logits),
        "unstable": lambda: -(x * p.log() + (1 - x) * (1 - p).log()),
        "none": lambda: torch.zeros_like(x)}[given]()
    away = {"sum": each.sum(-1), "mean": each.mean(-1)}[pixels]
    v = {"exp": logvar.exp(), "sigma": (2 * logvar).exp(), "plain": logvar, "as sigma": logvar.square(), "root":
         (logvar / 2).exp(), "handed": logvar.exp().exp(), "half": (logvar / 2).exp()}[var]
    log_v = {"sigma": 2 * logvar, "plain": logvar.abs().clamp(min=1e-6).log(),
             "as sigma": logvar.square().log(), "handed": logvar.exp(), "half": logvar / 2}.get(var, logvar)
    terms = {"no half": mu.square() + v - log_v - 1, "no one": (mu.square() + v - log_v) / 2, "log sign":
             (mu.square() + v + log_v - 1) / 2, "no mu": (v - log_v - 1) / 2, "reversed":
             ((mu.square() + 1) / v + log_v - 1) / 2}.get(kl, (mu.square() + v - log_v - 1) / 2)
    kl_value = {"minus": -1, "none": 0}.get(kl, 1) * {"sum": terms.sum(-1), "mean": terms.mean(-1),
                                                             "batch": terms.sum(-1).mean(), "all": terms.sum()}[kl_sum]
    extra = {"log": math.log(classes), "none": 0.0, "minus": -math.log(classes), "p": 1 / classes, "minus p":
             -1 / classes, "log2": math.log2(classes), "log10": math.log10(classes), "C": classes, "ten": math.log(10),
             "shared": math.log(classes) / len(x), "log C over C": math.log(classes) / classes,
             "times": classes * math.log(classes),
             "pixels": x.shape[-1] * math.log(classes)}[prior]
    value = sign * (away + kl_value + extra)
    return {"none": lambda: value, "batch": lambda: value.mean(), "all": lambda: value.sum()}[over]()


def parts(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, classes: int) -> dict[str, Tensor]:
    """Return the terms of the right value, for a sentence on the one that is off."""
    one = torch.ones(len(x))
    return {"log p(x|y,z)": -Bernoulli(logits=logits).log_prob(x).sum(1),
            "log p(y)": one * torch.log(torch.tensor(float(classes))), "mu² (in KL)": mu.square().sum(1) / 2,
            "the variance (in KL)": logvar.exp().sum(1) / 2, "logvar (in KL)": -logvar.sum(1) / 2,
            "the −1 (in KL)": -one * mu.shape[1] / 2}


EXERCISE = Exercise(
    "m2_labelled", "4 · M2: an image with a label", "function", 2, 7,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 5, 4, 6),
    arguments=("logits", "x", "mu", "logvar", "classes"), gradients=(0, 2, 3), family=family, parts=(parts,),
    mistakes=MISTAKES,
    hints=("Three terms, one for each factor: the image given label and code, the label, the code.",
           "Two of them are in `aecourse.losses`: `bernoulli_nll` and `gaussian_kl`, one number per image each.",
           "With C equally frequent classes p(y) = 1/C, so −log p(y) = log C: `math.log(classes)`."),
    why="It is the negative ELBO of lesson 06 with a label beside the code: −log p(x|y,z) + KL as before, and log "
        "C nats for the label, which the model has to name as well.")
