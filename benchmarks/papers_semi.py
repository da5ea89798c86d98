"""Lesson 07's long runs: M2, M1+M2 and a small convolutional net with 100, 600 and 1000 labels, five draws each.

`papers.py` turns what stands here into runs. The labels of draw s are those of `data.stratified_subset` with seed s,
from the 60,000 training images; all training images serve as images without a label. No test image is used in
training, so nothing here is transductive.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aecourse import data, losses, semi
from aecourse.models import VAE, begin_at_mean, sample_code
from aecourse.train import Loss, Step, fit, seeded

COUNTS = (100, 600, 1000)
CACHE = data.cache_folder() / "papers" / "m1.pt"  # one M1 serves all draws: it sees no label


@dataclass(frozen=True)
class Method:
    """What the runs of one method share, for every number of labels."""

    name: str
    words: str
    paper: tuple[str, ...]  # for each of COUNTS
    protocol: str
    build: Callable[[data.Digits, int], nn.Module]  # the network, to which its labelled images are added
    loss: Loss
    classify: Callable[[nn.Module, Tensor], Tensor]  # from the network and images: logits
    epochs: int
    batch: int
    lr: float
    claim: str | None = None  # of the lesson, beside which the run with 100 labels stands
    prepare: Callable[[data.Digits], data.Digits] | None = None  # what the network sees in place of the images
    watch: bool = False  # whether the error on training images without a label is taken after each epoch


def network(method: Method, n: int, digits: data.Digits, seed: int) -> nn.Module:
    """Return the method's network with the labelled images of draw ``seed`` as buffers."""
    chosen = data.stratified_subset(digits.y_train, n, seed=seed)
    model = method.build(digits, seed)
    model.register_buffer("x_l", digits.x_train[chosen])
    model.register_buffer("y_l", digits.y_train[chosen])
    others = torch.ones(len(digits.y_train), dtype=torch.bool)
    others[chosen] = False
    model.register_buffer("watched", others.nonzero().flatten()[:5000])
    return model


@torch.no_grad()
def watched_error(method: Method, model: nn.Module, digits: data.Digits) -> float:
    """Return the error (%) on 5,000 training images whose labels the training does not see: to watch, not to choose."""
    wrong = method.classify(model, digits.x_train[model.watched]).argmax(1) != digits.y_train[model.watched]
    return 100 * wrong.float().mean().item()


@torch.no_grad()
def test_error(method: Method, model: nn.Module, digits: data.Digits) -> tuple[float, str]:
    """Return the share (%) of test images that the classifier names wrongly."""
    wrong = [(method.classify(model, x).argmax(1) != y) for x, y in
             zip(digits.x_test.split(2000), digits.y_test.split(2000), strict=True)]
    return 100 * torch.cat(wrong).float().mean().item(), ""


def some_labelled(model: nn.Module, step: Step, n: int) -> tuple[Tensor, Tensor]:
    """Return up to n of the labelled images, drawn anew, and their labels."""
    chosen = torch.randperm(len(model.x_l), generator=step.generator, device=model.x_l.device)[:n]
    return model.x_l[chosen], model.y_l[chosen]


# ---- M2 -------------------------------------------------------------------------------------------------------------


def m2(digits: data.Digits, seed: int) -> semi.M2:
    with seeded(seed):
        model = semi.M2(hidden=M2_HIDDEN, code=M2_CODE)
    begin_at_mean(model.output, digits.x_train)
    return model


def m2_loss(model: semi.M2, x: Tensor, step: Step) -> dict[str, Tensor]:
    x_l, y_l = some_labelled(model, step, 100)
    x, x_l = (data.binarised(images, step.generator) for images in (x, x_l))
    kl = max(1.0, M2_KL - (M2_KL - 1) * step.progress / 0.6)
    return semi.m2_terms(model, x, x_l, y_l, M2_ALPHA, len(model.x_l) / 60_000, step.generator, kl)


# ---- M1 + M2 --------------------------------------------------------------------------------------------------------


def codes(digits: data.Digits) -> data.Digits:
    """Return the digits with M1's code in place of the pixels: means and log variances of q(z1|x) side by side.

    Units whose means do not vary between images are left out.
    """
    m1 = first_model(digits.x_train)
    with torch.no_grad():
        train, test = (m1.encode(x) for x in (digits.x_train, digits.x_test))
    used = train[0][:5000].std(0) > 0.1
    return replace(digits, **{name: torch.cat([part[:, used] for part in parts], 1)
                              for name, parts in (("x_train", train), ("x_test", test))})


def first_model(x: Tensor) -> VAE:
    """Return M1, from the cache or trained on the images x (N, 784)."""
    with seeded(0):
        model = begin_at_mean(VAE(M1_WIDTHS), x)
    if CACHE.is_file():
        stored = torch.load(CACHE, weights_only=True)
        if stored["key"] == _m1_key(x):
            model.load_state_dict(stored["model"])
            return model
    fit(model, (x,), negative_elbo, epochs=M1_EPOCHS, batch=200, lr=2e-3, one_cycle=True)
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"key": _m1_key(x), "model": model.state_dict()}, CACHE)
    return model


def _m1_key(x: Tensor) -> list:
    return [*M1_WIDTHS, M1_EPOCHS, len(x)]


def negative_elbo(model: VAE, x: Tensor, step: Step, rise: float = 10) -> dict[str, Tensor]:
    """Return the two terms of the negative ELBO (B,); the KL term's weight grows to 1 in the first 1/rise."""
    x = data.binarised(x, step.generator)
    mu, logvar = model.encode(x)
    z = sample_code(mu, logvar, step.generator)
    return {"reconstruction": losses.bernoulli_nll(model.decode(z), x),
            "KL": min(1.0, rise * step.progress) * losses.gaussian_kl(mu, logvar)}


def m1m2(digits: data.Digits, seed: int) -> semi.M2:
    with seeded(seed):
        model = semi.M2(digits.x_train.shape[1] // 2, M1M2_HIDDEN, M1M2_CODE, gaussian=True)
    with torch.no_grad():  # small first weights: no class means anything yet
        for p in model.parameters():
            p.mul_(0.1)
    return model


def m1m2_loss(model: semi.M2, x: Tensor, step: Step) -> dict[str, Tensor]:
    x_l, y_l = some_labelled(model, step, 100)
    z, z_l = (sample_code(*part.chunk(2, 1), step.generator) for part in (x, x_l))
    return semi.m2_terms(model, z, z_l, y_l, M1M2_ALPHA, len(model.x_l) / 60_000, step.generator)


# ---- a convolutional net --------------------------------------------------------------------------------------------


def conv(digits: data.Digits, seed: int) -> semi.SmallConv:
    with seeded(seed):
        return semi.SmallConv()


def labels_alone(model: nn.Module, x: Tensor, step: Step) -> dict[str, Tensor]:
    """As many steps as `consistency`, without the images x: labelled images moved at random, nothing else."""
    x_l, y_l = some_labelled(model, step, 64)
    logits = model(semi.moved(x_l, step.generator, linear=LINEAR))
    return {"labels": F.cross_entropy(logits, y_l).expand(len(x))}


def consistency(model: nn.Module, x: Tensor, step: Step) -> dict[str, Tensor]:
    return semi.consistency_terms(model, x, *some_labelled(model, step, 64), step.generator, SURE, LINEAR)


def pseudo_labels(model: nn.Module, x: Tensor, step: Step) -> dict[str, Tensor]:
    """As `consistency`, but the net's answer is the target for the very view that it was given for (Lee 2013)."""
    x_l, y_l = some_labelled(model, step, 64)
    logits = model(semi.moved(torch.cat([x, x_l]), step.generator, linear=LINEAR))
    return {"pseudo-labels": semi.agreement(logits[: len(x)], logits[: len(x)], SURE),
            "labels": F.cross_entropy(logits[len(x):], y_l).expand(len(x))}


# ---- the methods; their settings were chosen on validation images with 100 labels ------------------------------------

M2_HIDDEN, M2_CODE, M2_ALPHA, M2_KL = 256, 20, 10.0, 6.0
M1_WIDTHS, M1_EPOCHS = [784, 600, 600, 50], 40
M1M2_HIDDEN, M1M2_CODE, M1M2_ALPHA = 200, 10, 3.0
SURE, LINEAR = 0.95, 0.1
DRAWS = ("Five draws of labels, the same number for each digit; all training images serve without their labels, too. "
         "The error is that of the 10,000 test images.")


def _methods() -> tuple[Method, ...]:
    kingma = [f"{{}} ({name}, Kingma and others 2014, table 1)" for name in ("M2", "M1+M2")]
    net = {"build": conv, "classify": lambda model, x: model(x), "epochs": 5, "batch": 128, "lr": 3e-3}
    return (
        Method("m2", "M2", tuple(kingma[0].format(error) for error in ("11.97", "4.94", "3.60")),
               f"M2 with one hidden layer of {M2_HIDDEN} in each of its nets, SiLU units, a code of {M2_CODE}, pixels "
               "binarised anew in each step, all ten classes summed. The KL term's weight falls in three fifths of the "
               f"training from {M2_KL:g} to 1, so that the code leaves the class to y. The labelled images' mean "
               f"cross-entropy weighs {M2_ALPHA:g} for each image without a label (the paper: 0.1, hidden layers of "
               f"500, a code of 50). {DRAWS}",
               build=m2, loss=m2_loss, classify=lambda model, x: model.classifier(x), epochs=30, batch=200, lr=2e-3),
        Method("m1m2", "M1 + M2", tuple(kingma[1].format(error) for error in ("3.33", "2.59", "2.40")),
               "M1 is a variational autoencoder 784-600-600-50 with SiLU units, trained once, in a time not counted "
               f"here, for {M1_EPOCHS} epochs on the training images. M2 models samples of its code, of the units "
               f"whose means vary, by a Gaussian with learned variances; hidden layers of {M1M2_HIDDEN}, a code of "
               f"{M1M2_CODE}, first weights a tenth of PyTorch's. The labelled images' mean cross-entropy weighs "
               f"{M1M2_ALPHA:g} for each image without a label (the paper: 0.1, a hidden layer of 500, a code of 50, a "
               f"learning rate of 0.0003). {DRAWS}",
               build=m1m2, loss=m1m2_loss, classify=lambda model, x: model.classifier(x.chunk(2, 1)[0]), epochs=150,
               batch=200, lr=1e-2, claim="M1 + M2", prepare=codes, watch=True),
        Method("shifts", "labels and moved images alone, convolutional net", ("–",) * 3,
               "A small net of three convolutions with batch normalisation, trained on the labelled images alone: 64 "
               "of them in each step, shifted by up to 2 pixels, turned, scaled and sheared (standard deviation of the "
               f"linear map's entries {LINEAR:g}); as many steps as the runs called consistency. {DRAWS}",
               loss=labels_alone, **net),
        Method("pseudo", "pseudo-labels, convolutional net", ("–",) * 3,
               "As the runs called consistency, with the same images in each step and the same limit, but each image "
               "is moved once: the class that the net gives it is the target for this same view (after Lee 2013). "
               f"Nothing was chosen for it anew. {DRAWS}",
               loss=pseudo_labels, **net),
        Method("consistency", "consistency training, convolutional net", ("–",) * 3,
               "The net, the labelled images and the moves of the runs called shifts; beside 64 labelled images each "
               "step has 128 without a label. The class that the net gives a shifted image with a probability of at "
               f"least {SURE:g} is the target for the same image moved more strongly (after Sohn and others 2020). "
               f"{DRAWS}",
               loss=consistency, claim="consistency", **net),
    )


METHODS = _methods()
