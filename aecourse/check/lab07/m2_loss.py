"""Exercise 6: M2's whole loss, for a batch in which some images have a label."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse import semi
from aecourse.check.engine.drawing import between, rows
from aecourse.check.engine.exercise import PER_IMAGE, Case, Exercise, Mistake
from aecourse.check.engine.look import Parts, near, off_terms
from aecourse.check.lab07._losses import bounds

MISTAKES = (
    Mistake("no classifier term", {"term": "none"},
            "The term −α log q(y|x) is missing. L(x, y) knows nothing of q(y|x), so no label would ever reach the "
            "classifier: this is the M2 that ignores its labels."),
    Mistake("sign of the classifier term", {"term": "minus"},
            "The classifier's term has the wrong sign: it would learn to avoid the right class. −log q(y|x) is "
            "positive."),
    Mistake("q in place of −log q", {"term": "p"}, "q(y|x) is added where −log q(y|x) belongs."),
    Mistake("minus q", {"term": "minus p"}, "−q(y|x) is added where −log q(y|x) belongs: the logarithm is missing."),
    Mistake("logit", {"term": "logit"},
            "The logit of the right class stands where its log-probability belongs: take `log_softmax(1)` first."),
    Mistake("mean classifier term", {"term": "mean"},
            "−log q is averaged over the labelled images (as `F.cross_entropy` does by default). Each image has its "
            "own: `reduction=\"none\"`."),
    Mistake("no alpha", {"weigh": "none"}, "α is missing: the classifier's term has the weight 1."),
    Mistake("alpha on L", {"weigh": "L"}, "α multiplies L; it is the weight of −log q(y|x)."),
    Mistake("alpha on both", {"weigh": "both"},
            "α multiplies both terms of the labelled images. It is the weight of −log q(y|x) alone."),
    Mistake("convex", {"weigh": "convex"},
            "L is weighted with 1 − α. α is no share: L has the weight 1, and −log q(y|x) the weight α."),
    Mistake("alpha on U", {"weigh": "U"}, "α multiplies U, too. It is the weight of −log q(y|x) alone."),
    Mistake("alpha shared", {"weigh": "shared"},
            "α is divided by the number of labelled images in the batch. Here it is the weight for each of them."),
    Mistake("alpha over B", {"weigh": "batch"},
            "α is divided by the number of images in the batch. Here it is the weight for each labelled one."),
    Mistake("alpha times n", {"weigh": "times n"},
            "α is multiplied by the number of labelled images. Here it is the weight for each of them."),
    Mistake("pseudo-labels", {"weigh": "pseudo"},
            "The images without a label get a classifier's term, too, for their most probable class. Nobody knows "
            "their label: they have U alone."),
    Mistake("everybody's classifier term", {"weigh": "everybody"},
            "The images without a label get a classifier's term, too. They have U alone."),
    Mistake("classifier term of class 0", {"weigh": "class 0"},
            "The images without a label get a classifier's term, too, that of class 0, which `clamp(min=0)` makes of "
            "their −1. They have U alone."),
    Mistake("-1 as an index", {"who": "everybody"},
            "Images without a label are treated as labelled: as an index, −1 is the last class. Ask `y >= 0` first."),
    Mistake("class 0", {"who": "y > 0"}, "Class 0 is taken for \"no label\": `y > 0` should be `y >= 0`."),
    Mistake("swapped", {"who": "swapped"},
            "The two kinds are swapped: images with a label get U, those without one get L of class −1, the last."),
    Mistake("U where one has no label", {"who": "whole batches"},
            "In batches with and without labels all images pay U, those with a label too: it is decided for the whole "
            "batch at once, as with `(y < 0).any()`. Decide image by image: `torch.where(y >= 0, ..., ...)`."),
    Mistake("L plus U", {"labelled": "plus U"},
            "Images with a label pay U as well as L. U is for those without one."),
    Mistake("U for all", {"labelled": "U"},
            "Images with a label pay U, as if nobody knew it. Of theirs L(x, y) is known: the bound of their own "
            "class."),
    Mistake("no L", {"labelled": "none"}, "L(x, y) is missing: images with a label train only the classifier."),
    Mistake("mean L", {"labelled": "mean"},
            "Images with a label pay the mean over all classes. Take the bound of their own class, y."),
    Mistake("smallest L for the labelled", {"labelled": "smallest"},
            "Images with a label pay the smallest bound. Take the bound of their own class, y."),
    Mistake("q times L", {"labelled": "weighed"},
            "L(x, y) is multiplied by q(y|x) for images with a label. Their class is known: its weight is 1."),
    Mistake("L of the guess", {"labelled": "best"},
            "Images with a label pay the bound of the class that the classifier guesses. Their own class is y."),
    Mistake("no entropy", {"unlabelled": "no entropy"},
            "The entropy is missing for images without a label: use `m2_unlabelled_ok`."),
    Mistake("entropy sign", {"unlabelled": "entropy sign"},
            "For images without a label the entropy has the wrong sign: use `m2_unlabelled_ok`."),
    Mistake("L of the best class", {"unlabelled": "best"},
            "Images without a label pay the bound of the most probable class. That is a pseudo-label; U weighs all "
            "classes."),
    Mistake("smallest L", {"unlabelled": "min"},
            "Images without a label pay the smallest bound. U weighs all classes by q(y|x)."),
    Mistake("mean for the others", {"unlabelled": "mean"},
            "Images without a label pay the mean over the classes. U weighs them by q(y|x), and has the entropy."),
    Mistake("mean for the others, with the entropy", {"unlabelled": "uniform"},
            "Images without a label pay the mean of the bounds over the classes, less the entropy of q(y|x). U weighs "
            "the bounds by q(y|x)."),
    Mistake("best q", {"unlabelled": "free"},
            "Images without a label pay −log Σ exp(−L), as if q(y|x) were perfect; then the classifier learns nothing "
            "from them. U is computed with the classifier's own q."),
    Mistake("labelled alone", {"unlabelled": "zero"},
            "Images without a label pay nothing, so nothing is learned from them. They pay U."),
    Mistake("labelled first", {"order": "labelled first"},
            "The numbers are right and in another order: first those with a label, then the others. `fit` wants one "
            "for each image, in the order of the batch: `torch.where(y >= 0, ..., ...)`."),
    Mistake("labelled returned", {"over": "labelled"},
            "Only the labelled images come back. One number for every image is asked for."),
    Mistake("two sums", {"over": "pair"}, "Two sums come back. One number for each image is asked for."),
    Mistake("mean over the batch", {"over": "batch"},
            "The images are averaged, too. One number for each image is asked for; only `fit` averages."),
    Mistake("sum over the batch", {"over": "all"},
            "The images are summed, too, as the formula has it. Here one number for each is asked for, and `fit` "
            "averages."),
    Mistake("sign", {"sign": -1}, "The whole has the wrong sign: `fit` makes it small, so it is a sum of losses."),
)
ERRORS = {
    "out of bounds": "`gather`, `one_hot` and `cross_entropy` take no class −1: let the images without a label look up "
                     "class 0 (`y.clamp(min=0)`), and throw what they find away with `torch.where`.",
    "Class values must be non-negative": "`one_hot` takes no class −1: `y.clamp(min=0)` first, and `torch.where` "
                                         "afterwards.",
    "must be smaller than num_classes": "`one_hot` needs to be told the number of classes: `by_class.shape[1]`.",
    "must match the size of tensor b": "If there is a `one_hot`: it has to be told the number of classes, "
                                       "`by_class.shape[1]`.",
    "for tensor of dimension 0": "If there is a `.squeeze()`: where a single image has a label it leaves no dimension, "
                                 "and `.flatten()` keeps one.",
    "Dimension out of range": "The classes are dimension 1.",
}
ALL_LABELLED = ("It is right for mixed batches, and wrong where every image has a label: with random batches that "
                "happens. Let nothing depend on how many there are.")
NONE_LABELLED = ("It is right for mixed batches, and wrong where no image has a label. With few labels many batches "
                 "have none: let nothing depend on how many there are, as a mean over the labelled ones does.")

SINGLE = ("It is right for batches of several images, and wrong for a single one, which is a batch as well. Let "
          "nothing depend on how many there are.")
VERY_SURE = ("It is right for moderate logits, and wrong where the classifier is so confident that a probability is 0 "
             "in float32. The logarithm of a softmax is −inf there, and a clamp or a small number inside the logarithm "
             "cuts −log q off: `class_logits.log_softmax(1)` gives log q itself.")


# ---- the right answer, and fresh inputs -----------------------------------------------------------------------------


def reference(by_class: Tensor, class_logits: Tensor, y: Tensor, alpha: float) -> Tensor:
    """Return what M2 pays for each image: with a label L(x, y) − α log q(y|x), without one U(x)."""
    own = y.clamp(min=0)[:, None]
    L, log_q = by_class.gather(1, own)[:, 0], class_logits.log_softmax(1).gather(1, own)[:, 0]
    return torch.where(y >= 0, L - alpha * log_q, semi.unlabelled(by_class, class_logits))


def oracle(by_class: Tensor, class_logits: Tensor, y: Tensor, alpha: float) -> Tensor:
    """Image by image: a label is a belief that is confident, whose entropy is 0; without one the belief is q(y|x)."""
    log_q = class_logits.double() - torch.logsumexp(class_logits.double(), 1, keepdim=True)
    values = []
    for bound, logs, label in zip(by_class.double(), log_q, y.tolist(), strict=True):
        if label < 0:
            values.append(torch.dot(logs.exp(), bound + logs))
        else:
            values.append(bound[label] - alpha * logs[label])
    return torch.stack(values).float()


def draw(generator: torch.Generator, size: int) -> Case:
    """Return a batch with and without labels, in mixed order, class 0 among the labels, and alpha."""
    classes = 3 if size == 3 else 5
    alpha = between(2, 9, generator) + between(1, 9, generator) / 10
    by_class, logits = bounds(size, classes, generator)
    if size == 3:
        by_class, logits = by_class.round(decimals=1), logits.round(decimals=1)
        y = torch.tensor([-1, 0, -1])
        text = (f"bounds {rows(by_class, '.1f')[1:-1]}, logits {rows(logits, '.1f')[1:-1]}, y = {y.tolist()}, "
                f"alpha = {alpha:.1f}")
        return Case((by_class, logits, y, alpha), text)
    y = torch.randint(1, classes - 1, (size,), generator=generator)  # not the last: an index of −1 means that one
    places = torch.randperm(size, generator=generator)
    if size == 5:
        y[places[0]] = 0
        return Case((by_class, logits, y, alpha), "5 images, all with a label", ALL_LABELLED)
    if size == 6:  # confident and wrong, confident and right, confident without a label
        y = torch.tensor([1, 2, -1, 3, -1, 0])
        logits[:4] *= 20
        logits[torch.arange(4), torch.tensor([3, 2, 0, 1])] = 200.0
        logits[torch.arange(4), torch.tensor([1, 0, 4, 3])] = -150.0
        return Case((by_class, logits, y, alpha), "6 images with a classifier that is confident, and wrong for two: "
                    "logits from −150 to 200", VERY_SURE)
    if size == 4:
        y[:] = -1
        return Case((by_class, logits, y, alpha), "4 images, none with a label", NONE_LABELLED)
    y[places[: size // 2]] = -1
    y[places[-1]] = 0
    if y[0] >= 0 and bool((y[: size - size // 2] >= 0).all()):  # the labelled ones do not come first
        y, by_class, logits = y.flip(0), by_class.flip(0), logits.flip(0)
    if size == 1:
        return Case((by_class, logits, torch.tensor([2]), alpha), "a single image, which has a label", SINGLE)
    text = f"{size} images of {classes} classes, y = {y.tolist()}, alpha = {alpha:.1f}"
    return Case((by_class, logits, y, alpha), text)


# ---- wrong answers --------------------------------------------------------------------------------------------------


def family(**changes: Any) -> Any:
    """Return M2's loss for a mixed batch, with the given changes."""
    return partial(_loss, **changes)


def _loss(by_class: Tensor, class_logits: Tensor, y: Tensor, alpha: float, *, labelled: str = "own", term: str =
          "plus", weigh: str = "term", unlabelled: str = "U", who: str = "y >= 0", order: str = "as given",
          over: str = "none", sign: int = 1) -> Tensor:
    known = {"y >= 0": y >= 0, "y > 0": y > 0, "everybody": torch.ones_like(y).bool(), "swapped": y < 0,
             "whole batches": (y >= 0) & (y >= 0).all()}[who]
    index = (y % by_class.shape[1] if who in ("everybody", "swapped") else y.clamp(min=0))[:, None]
    log_q = class_logits.log_softmax(1)
    best = class_logits.argmax(1, keepdim=True)
    right = by_class.gather(1, index).squeeze(1)
    q = class_logits.softmax(1)
    expected, minus_h = (q * by_class).sum(1), (q * log_q).sum(1)
    marginal = expected + minus_h
    U = {"U": lambda: marginal, "no entropy": lambda: expected, "entropy sign": lambda: expected - minus_h, "best":
         lambda: by_class.gather(1, best).squeeze(1), "min": lambda: by_class.min(1).values, "mean":
         lambda: by_class.mean(1), "uniform": lambda: by_class.mean(1) + minus_h, "zero":
         lambda: torch.zeros_like(right), "free":
         lambda: -torch.logsumexp(-by_class, 1)}[unlabelled]()
    L = {"own": lambda: right, "U": lambda: marginal, "none": lambda: torch.zeros_like(right), "mean":
         lambda: by_class.mean(1), "best": lambda: by_class.gather(1, best).squeeze(1), "plus U":
         lambda: right + marginal, "smallest": lambda: by_class.min(1).values, "weighed":
         lambda: q.gather(1, index).squeeze(1) * right}[labelled]()
    ce = -log_q.gather(1, index).squeeze(1)
    ce = {"plus": lambda: ce, "minus": lambda: -ce, "none": lambda: 0 * ce, "p": lambda: (-ce).exp(), "minus p":
          lambda: -(-ce).exp(), "logit": lambda: -class_logits.gather(1, index).squeeze(1), "mean": lambda:
          (ce * known).sum() / known.sum().clamp(min=1) * torch.ones_like(ce)}[term]()
    a = {"term": alpha, "none": 1.0, "shared": alpha / max(int(known.sum()), 1), "batch": alpha / len(y),
         "times n": alpha * int(known.sum())}.get(weigh, alpha)
    of_known = {"L": lambda: alpha * L + ce, "both": lambda: alpha * (L + ce), "convex": lambda:
                (1 - alpha) * L + alpha * ce}.get(weigh, lambda: L + a * ce)()
    of_others = {"U": lambda: alpha * U, "pseudo": lambda: U - alpha * log_q.amax(1)}.get(weigh, lambda: U)()
    if weigh == "everybody":
        of_others = U - alpha * log_q.mean(1)
    if weigh == "class 0":
        of_others = U + alpha * ce
    value = sign * torch.where(known, of_known, of_others)
    if order == "labelled first":
        value = torch.cat([value[known], value[~known]])
    return {"none": lambda: value, "batch": lambda: value.mean(), "all": lambda: value.sum(), "labelled":
            lambda: value[known], "pair": lambda: torch.stack([value[known].sum(), value[~known].sum()])}[over]()


# ---- what a tutor looks at ------------------------------------------------------------------------------------------


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the two kinds of images come out wrong."""
    kinds: dict[str, list[bool]] = {"labelled": [], "others": []}  # in batches that have both: no others come here
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        y = case.args[2]
        close = torch.isclose(g.double(), w.double(), rtol=1e-3, atol=2e-3)
        kinds["labelled"] += close[y >= 0].tolist()
        kinds["others"] += close[y < 0].tolist()
    right = {kind: all(values) for kind, values in kinds.items() if values}
    if right == {"labelled": True, "others": False}:
        which = "some of those without one do" if any(kinds["others"]) else "those without one do"
        return (f"In batches that have both, images with a label come out right, {which} not: theirs is U, "
                "`m2_unlabelled_ok(by_class, class_logits)`.")
    if right == {"labelled": False, "others": True}:
        which = "some of those with one do" if any(kinds["labelled"]) else "those with one do"
        return (f"In batches that have both, images without a label come out right, {which} not. " +
                _labelled(cases, got))
    return ""


def _labelled(cases: list[Case], got: list[Parts]) -> str:
    table, values, averaged = [], [], True
    for case, (g,) in zip(cases, got, strict=True):
        by_class, logits, y, alpha = case.args
        known = y >= 0
        own = y[known][:, None]
        mean = by_class[known].gather(1, own)[:, 0] - alpha * logits.log_softmax(1)[known].gather(1, own).mean()
        averaged = averaged and near(mean, g[known], atol=2e-3)
        table.append(torch.cat([by_class[known].gather(1, own), -alpha * logits.log_softmax(1)[known].gather(1, own)],
                               1).double())
        values.append(g[known].double())
    if averaged:
        return ("Their −log q is a mean over the labelled images, as `F.cross_entropy` takes it by default: "
                "`reduction=\"none\"`.")
    found = off_terms(["L(x, y)", "−α log q(y|x)"], torch.cat(table), torch.cat(values))
    return found or "Theirs is L(x, y) − α log q(y|x), with their own class y in both places."


EXERCISE = Exercise(
    "m2_loss", "6 · M2: the whole loss", "function", 3, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 7, 9, 5, 4, 6, 1), rtol=2e-4, atol=1e-3,
    arguments=("by_class", "class_logits", "y", "alpha"), gives=(PER_IMAGE,), gradients=(0, 1), family=family,
    look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Compute both for all images, and let `torch.where(y >= 0, ..., ...)` take the one that applies.",
           "`by_class.gather(1, own)` with `own = y.clamp(min=0)[:, None]` looks up each image's own class; so it "
           "does for `class_logits.log_softmax(1)`.",
           "With a label: L − alpha · log q. Without: `m2_unlabelled_ok(by_class, class_logits)`."),
    why="In L(x, y) the label is given, so q(y|x) does not occur in it: without the term with α no label would "
        "reach the classifier. α says how much naming the class counts beside hundreds of nats for the pixels.")
