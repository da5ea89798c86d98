"""Lab 07, the university assignment: six exercises. ``from aecourse.check import lab07 as check``."""

import math

import torch
from torch import Tensor, nn

from aecourse import losses, semi
from aecourse.check import lab07_choice as choice
from aecourse.check import lab07_draw as draw
from aecourse.check import lab07_extend as extended
from aecourse.check import lab07_look as look
from aecourse.check import lab07_says as says
from aecourse.check import lab07_says_last as last
from aecourse.check import lab07_wrong as wrong
from aecourse.check.engine.exercise import Exercise, Form
from aecourse.check.engine.lab import Lab


def _choose(labels: Tensor, n: int, generator: torch.Generator) -> Tensor:
    chosen = []
    for c in range(10):
        members = (labels == c).nonzero().flatten()
        chosen.append(members[torch.randperm(len(members), generator=generator)[: n // 10]])
    return torch.cat(chosen)


def _pretraining_loss(model: nn.Module, x: Tensor) -> Tensor:
    return losses.squared_error(torch.sigmoid(model(x)), x)


def _extend(encoder: nn.Module, code: int, classes: int) -> nn.Module:
    return nn.Sequential(encoder, nn.Linear(code, classes))


def _m2_labelled(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, classes: int) -> Tensor:
    return losses.bernoulli_nll(logits, x) + math.log(classes) + losses.gaussian_kl(mu, logvar)


def _m2_loss(by_class: Tensor, class_logits: Tensor, y: Tensor, alpha: float) -> Tensor:
    own = y.clamp(min=0)[:, None]
    L, log_q = by_class.gather(1, own)[:, 0], class_logits.log_softmax(1).gather(1, own)[:, 0]
    return torch.where(y >= 0, L - alpha * log_q, semi.unlabelled(by_class, class_logits))


_ONE_EACH = Form("float", "one number for each image, shape (B,)")

EXERCISES = (
    Exercise(
        "choose", "1 · Choose who gets a label", "function", 1, 8,
        reference=_choose, oracle=lambda *case: choice.CHOICE, draw=choice.draw, sizes=(1, 2), probe=choice.facts,
        arguments=("labels", "n", "generator"), family=choice.choose, facts=choice.FACTS, errors=choice.ERRORS,
        mistakes=choice.MISTAKES,
        hints=("Go through the classes 0 to 9. `(labels == c).nonzero().flatten()` lists the images of class c.",
               "`torch.randperm(k, generator=generator)` shuffles the numbers 0 to k − 1. Take the first n // 10 of "
               "them, as places in that list.",
               "`torch.cat` puts the ten pieces behind each other."),
        why="With the same number of each class no digit is short of labels by chance, so that two draws differ in "
            "their images alone. The generator makes each draw repeatable, and the next one another."),
    Exercise(
        "pretraining_loss", "2 · Pre-training without labels", "function", 1, 6,
        reference=_pretraining_loss, oracle=draw.pretraining_oracle, draw=draw.pretraining_loss, sizes=(1, 3, 6),
        rtol=1e-3, atol=1e-4, arguments=("model", "x"), gives=(_ONE_EACH,), gradients=(0,),
        family=wrong.pretraining_loss, look=look.pretraining_loss, mistakes=says.PRETRAIN, errors=says.PRETRAIN_ERRORS,
        hints=("`model(x)` encodes and decodes; it gives logits.",
               "`torch.sigmoid` turns logits into pixels. Compare them with `x` itself.",
               "`losses.squared_error(x_hat, x)` sums over the pixels of each image."),
        why="The target is the image itself, so every image can take part, with a label or without. What the code "
            "keeps is what helps to redraw the image; that it helps to tell digits apart is a hope, and this lab tests "
            "it."),
    Exercise(
        "extend", "3 · From encoder to classifier", "function", 2, 8,
        reference=_extend, oracle=extended.expected, draw=extended.draw, sizes=(1, 2), probe=extended.facts,
        arguments=("encoder", "code", "classes"), family=extended.extend, facts=extended.FACTS, errors=extended.ERRORS,
        mistakes=extended.MISTAKES,
        hints=("`nn.Sequential(first, second)` is a network that runs one after the other, and knows the parameters "
               "of both.",
               "The second is one linear layer, from the code's `code` numbers to `classes` logits. Nothing follows "
               "it."),
        why="The encoder brings what it learned from all images; the head starts from nothing and has few weights, so "
            "few labels may do for it. Both are trained on, since what rebuilds an image is not yet what tells a 4 "
            "from a 9."),
    Exercise(
        "m2_labelled", "4 · M2: an image with a label", "function", 2, 9,
        reference=_m2_labelled, oracle=draw.m2_labelled_oracle, draw=draw.m2_labelled, sizes=(1, 2, 5, 6),
        arguments=("logits", "x", "mu", "logvar", "classes"), family=wrong.m2_labelled,
        parts=(draw.m2_labelled_parts,), gradients=(0, 2, 3), mistakes=says.LABELLED,
        hints=("Three terms, one for each factor: the image given label and code, the label, the code.",
               "Two of them are in `aecourse.losses`: `bernoulli_nll` and `gaussian_kl`, one number per image each.",
               "With C equally frequent classes p(y) = 1/C, so −log p(y) = log C: `math.log(classes)`."),
        why="It is the negative ELBO of lesson 06 with a label beside the code: −log p(x|y,z) + KL as before, and log "
            "C nats for the label, which the model has to name as well."),
    Exercise(
        "m2_unlabelled", "5 · M2: an image without a label", "function", 3, 12,
        reference=semi.unlabelled, oracle=draw.m2_unlabelled_oracle, draw=draw.m2_unlabelled, sizes=(1, 2, 3, 5, 4),
        rtol=2e-4, atol=1e-3, arguments=("by_class", "class_logits"), gives=(_ONE_EACH,), gradients=(0, 1),
        family=wrong.m2_unlabelled, look=look.m2_unlabelled, mistakes=last.UNLABELLED, errors=last.UNLABELLED_ERRORS,
        hints=("q(y|x) is the softmax of the logits over the classes, log q(y|x) their `log_softmax(1)`.",
               "The first term weighs the bounds with q and adds over the classes. The entropy is −Σ q log q, and it "
               "is subtracted.",
               "Both together: the sum over the classes of q · (L + log q)."),
        why="Nobody says which class it is, so all of them are tried, each as probable as the classifier finds it. The "
            "entropy is paid back for doubt: the sum is smallest not where q is sure, but where it is the posterior, "
            "proportional to exp(−L)."),
    Exercise(
        "m2_loss", "6 · M2: the whole loss", "function", 3, 12,
        reference=_m2_loss, oracle=draw.m2_loss_oracle, draw=draw.m2_loss, sizes=(3, 7, 9, 5, 4), rtol=2e-4, atol=1e-3,
        arguments=("by_class", "class_logits", "y", "alpha"), gives=(_ONE_EACH,), gradients=(0, 1),
        family=wrong.m2_loss, look=look.m2_loss, mistakes=last.LOSS, errors=last.LOSS_ERRORS,
        hints=("Compute both for all images, and let `torch.where(y >= 0, ..., ...)` take the one that applies.",
               "`by_class.gather(1, own)` with `own = y.clamp(min=0)[:, None]` looks up each image's own class; so it "
               "does for `class_logits.log_softmax(1)`.",
               "With a label: L − alpha · log q. Without: `m2_unlabelled_ok(by_class, class_logits)`."),
        why="In L(x, y) the label is given, so q(y|x) does not occur in it: without the term with α no label would "
            "reach the classifier. α says how much naming the class counts beside hundreds of nats for the pixels."),
)

_lab = Lab("lab07", EXERCISES)
choose, pretraining_loss, extend, m2_labelled, m2_unlabelled, m2_loss = _lab.checks.values()
use, summary, __getattr__ = _lab.use, _lab.summary, _lab.missing
