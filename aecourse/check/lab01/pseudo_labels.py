"""Lab 01, exercise 6: the images that a model is confident of, and their predicted classes, in any order."""

from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

NOBODY = ("It is right where the model is confident of some image, and wrong where it is confident of none: then both "
          "tensors are empty, with the shape (0,) and the type int64.")

LARGE = ("It is right where the logits are moderate, and wrong where they are very large or very low (200, −150). "
         "Their exponentials are inf or 0 in float32; `softmax` takes the largest logit away first, and stays exact.")

MISTAKES = (
    Mistake("logits", {"score": "logits"},
            "The threshold is compared with the logits. They are no probabilities: a logit of 5 says nothing before "
            "the softmax."),
    Mistake("sigmoid", {"score": "sigmoid"},
            "You take the sigmoid of each logit. The classes compete, and their probabilities add up to 1: that is the "
            "softmax."),
    Mistake("over images", {"score": "over images"},
            "The softmax runs over the images, dimension 0. Each image's classes compete with each other: dimension "
            "1."),
    Mistake("logarithms", {"score": "logarithms"},
            "You compare the logarithms of the probabilities with the threshold. A logarithm of a probability is "
            "never above 0: compare the probabilities themselves."),
    Mistake("twice", {"score": "twice"},
            "The softmax is taken twice. The second one takes the probabilities for logits, and they come out nearly "
            "alike: once is enough."),
    Mistake("smallest", {"largest": False},
            "You compare the smallest probability of each image with the threshold. It is the largest that has to "
            "reach it."),
    Mistake("strictly above", {"side": "strictly above"},
            "Images exactly at the threshold are lost: is there a `>` for `>=`, or a small number in the division, so "
            "that 1 is never reached?"),
    Mistake("rounded", {"side": "rounded"},
            "You round the probabilities to two digits before you compare them, so some a little below the threshold "
            "reach it."),
    Mistake("margin", {"score": "margin"},
            "You compare how far the largest probability lies above the second. The largest itself has to reach the "
            "threshold."),
    *(Mistake(f"fixed {t}", {"fixed": t}, f"You compare with {t}, whatever `threshold` is.")
      for t in (0.5, 0.8, 0.9, 0.95, 0.99)),
    Mistake("below", {"side": "below"}, "You keep the images below the threshold, of which it is not confident."),
    Mistake("all", {"side": "all"}, "You keep every image, confident or not: the threshold does not choose."),
    Mistake("argmin", {"pick": "smallest"}, "You label each image with its least probable class."),
    Mistake("probabilities", {"give": "probabilities"},
            "In place of the labels you return the probabilities: which class it is, is asked for: `argmax`, or the "
            "indices of `max`."),
    Mistake("all labels", {"give": "all"},
            "You return the predicted class of all images. The labels belong to the chosen images alone: index them "
            "too."),
    Mistake("index twice", {"give": "index"}, "In place of the labels you return the images' index again."),
    Mistake("one-hot", {"give": "one-hot"},
            "Your labels are rows of zeros and a one; asked for is the number of the class."),
    Mistake("rows", {"give": "rows"},
            "In place of the labels you return all probabilities of the chosen images: take the number of the "
            "largest."),
    Mistake("mask", {"which": "mask"},
            "In place of the index you return a mask, one value for each image. Asked for are the positions where it "
            "is true: `.nonzero()`, then flatten."),
    Mistake("logits back", {"which": "images"},
            "In place of the index you return the logits of the chosen images. Asked for are their positions."),
    Mistake("first only", lambda logits, threshold: tuple(part[:1] for part in reference(logits, threshold)),
            "You return the first of these images alone. All of them are asked for."),
    Mistake("counted", {"which": "count"},
            "Your index counts the chosen images. It is to say which rows of `logits` they are."),
    Mistake("max", lambda logits, threshold: tuple(logits.softmax(-1).max(-1)),
            "This is what `.max(1)` gives, probability and class of every image. The threshold has to choose among "
            "them, and the positions of the chosen come first."),
    Mistake("every class", lambda logits, threshold: tuple((logits.softmax(-1) >= threshold).nonzero().T),
            "You compare every class with the threshold. Below one half two classes of one image can reach it, and the "
            "image appears twice: take the largest probability first."),
    Mistake("swapped", {"order": "labels first"}, "The two are swapped: the index comes first, then the labels."),
)


def reference(logits: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    p, labels = logits.softmax(-1).max(-1)
    index = (p >= threshold).nonzero().flatten()
    return index, labels[index]


def oracle(logits: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    index: list[int] = []
    labels: list[int] = []
    for i, row in enumerate(logits.double().numpy()):
        k = int(row.argmax())
        if 1 / np.exp(row - row[k]).sum() >= threshold:
            index, labels = [*index, i], [*labels, k]
    return torch.tensor(index, dtype=torch.int64), torch.tensor(labels, dtype=torch.int64)


def draw(generator: torch.Generator, size: int) -> Case:
    """Return logits whose largest probabilities stay clear of the threshold; a shift of an image's logits is no news.

    At size 40 some come near it, nearer than rounding leaves them. At size 60 the threshold is so low that two classes
    of an image can reach it.
    """
    if size in _SPECIAL:
        return _SPECIAL[size](generator)
    classes = 3 if size <= 3 else 10 if size >= 40 else 5
    crowded = 60 <= size < 200
    lowest, width = (0.28, 0.05) if crowded else (0.7, 0.2)
    threshold = round(lowest + width * float(torch.rand((), generator=generator)), 2)
    if size == 40 and threshold in (0.7, 0.72, 0.74, 0.76):  # where half precision rounds nearly right
        threshold = round(threshold + 0.03, 2)
    sure = torch.rand(size, generator=generator) < 0.5
    sure[:2] = torch.tensor([True, False])
    if size <= 3:  # nobody is sure; one is
        sure[:] = False
        sure[0] = size == 3
    sure = sure[torch.randperm(size, generator=generator)]
    share = torch.rand(size, generator=generator)
    low = 1 / classes + 0.1
    top = torch.where(sure, threshold + 0.03 + share * (0.95 - threshold), low + share * (threshold - 0.04 - low))
    if size == 40:
        top[1:11] = threshold + torch.tensor([-2e-5, 2e-5, -5e-5, 5e-5, -1e-4, 1e-4, -2e-4, 2e-4, -0.003, 0.003])
    rest = torch.rand(size, classes, generator=generator) * 0.1 + 0.9
    winner = torch.randint(classes, (size,), generator=generator)
    rest[torch.arange(size), winner] = 0
    runner_up = torch.zeros(size)
    if crowded:
        second = (winner + 1) % classes
        rest[torch.arange(size), second] = 0
        runner_up = torch.minimum(0.7 * (1 - top), top - 0.02)
    p = rest / rest.sum(1, keepdim=True) * (1 - top - runner_up)[:, None]
    p[torch.arange(size), winner] = top
    if crowded:
        p[torch.arange(size), second] = runner_up
    shift = 3 * torch.randn(size, 1, generator=generator)
    if size > 3:  # one image on which a logit and its sigmoid are on two sides of the threshold
        shift[0] = (threshold + np.log(threshold / (1 - threshold))) / 2 - top[0].log()
    text = f"{size} images of {classes} classes, threshold {threshold}"
    if size <= 6:
        text = (f"{size} images whose largest probabilities are {', '.join(f'{v:.2f}' for v in top)}, with the "
                f"threshold {threshold}")
    return Case((p.log() + shift, threshold), text, NOBODY if size == 2 else "")


def _one(generator: torch.Generator) -> Case:
    p = torch.tensor([[0.05, 0.04, 0.91]])[:, torch.randperm(3, generator=generator)]
    threshold = round(0.4 + 0.1 * float(torch.rand((), generator=generator)), 2)
    return Case((p.log() + torch.randn(1, 1, generator=generator), threshold),
                f"one image whose largest probability is 0.91, with the threshold {threshold}")


def _twelve(generator: torch.Generator, images: int, by: float) -> tuple[Tensor, Tensor]:
    """Return logits of twelve classes, and their winners, so far above the others; one of them is the last class."""
    winner = torch.randint(10, (images,), generator=generator)
    winner[0] = 11
    logits = torch.randn(images, 12, generator=generator)
    logits[torch.arange(images), winner] = logits.amax(1) + by
    return logits - by, winner


def _exactly(generator: torch.Generator) -> Case:
    """Return images with a largest probability of 1, in any precision, which is the threshold; two have less."""
    logits, winner = _twelve(generator, 8, 45)
    rows = torch.arange(4, 6)
    logits[rows, (winner[rows] + 1) % 10] = logits[rows, winner[rows]] - 1
    return Case((logits[torch.randperm(8, generator=generator)], 1.0), "8 images of 12 classes, threshold 1.0, which "
                "six of the largest probabilities are exactly")


def _all(generator: torch.Generator) -> Case:
    logits = _twelve(generator, 9, 0.5)[0]
    return Case((logits[torch.randperm(9, generator=generator)], 0.0), "9 images of 12 classes, threshold 0.0")


def _large(generator: torch.Generator) -> Case:
    """Return logits of which the exponentials are inf or 0 in float32; two images are not sure."""
    winner = torch.randint(5, (8,), generator=generator)
    logits, rows = torch.randn(8, 5, generator=generator), torch.arange(8)
    logits[rows, winner] = 200
    logits[1] -= 350  # low logits: the winner has −150, the others less
    logits[2:4] -= 200 * (logits[2:4] < 100)
    logits[rows[4:6], (winner[4:6] + 1) % 5] = 199
    return Case((logits[torch.randperm(8, generator=generator)], 0.9),
                "8 images of 5 classes, with logits from −350 to 200 and threshold 0.9", LARGE)


_SPECIAL = {1: _one, 8: _exactly, 9: _all, 10: _large}


def _by_index(parts: tuple) -> tuple:
    """Return index and labels in the order of the index: every order is right."""
    index, labels = parts
    if index.shape != labels.shape or index.dim() != 1:
        return parts
    order = index.argsort(stable=True)
    return index[order], labels[order]


def family(**changes: Any) -> Any:
    """Return the sure images and their predicted classes, with the given changes."""
    return partial(_pseudo_labels, **changes)


def _pseudo_labels(logits: Tensor, threshold: float, *, score: str = "softmax", largest: bool = True,
                   side: str = "above", pick: str = "largest", give: str = "labels", which: str = "index",
                   order: str = "index first", fixed: float | None = None) -> Any:
    scores = {"softmax": logits.softmax(-1), "margin": logits.softmax(-1), "logits": logits,
              "sigmoid": logits.sigmoid(), "over images": logits.softmax(0), "logarithms": logits.log_softmax(-1),
              "twice": logits.softmax(-1).softmax(-1)}[score]
    threshold = threshold if fixed is None else fixed
    sure = scores.amax(-1) if largest else scores.amin(-1)
    if score == "margin":
        sure = sure - scores.topk(2).values[:, 1]
    mask = {"above": sure >= threshold, "below": sure < threshold, "strictly above": sure > threshold,
            "rounded": (100 * sure).round() >= round(100 * threshold), "all": torch.ones_like(sure).bool()}[side]
    index = mask.nonzero().flatten()
    predicted = scores.argmax(-1) if pick == "largest" else scores.argmin(-1)
    labels = {"labels": predicted[index], "probabilities": sure[index], "all": predicted, "index": index,
              "one-hot": F.one_hot(predicted[index], logits.shape[-1]), "rows": scores[index]}[give]
    first = {"index": index, "mask": mask, "images": logits[index], "count": torch.arange(len(index))}[which]
    return (first, labels) if order == "index first" else (labels, first)


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the two parts is wrong."""
    index = all(g[0].shape == w[0].shape and torch.equal(g[0].long(), w[0]) for g, w in zip(got, want, strict=True))
    if index:
        return "The images are the right ones; their labels are not."
    followed = all(torch.equal(g[1].long(), case.args[0][g[0].long()].argmax(-1)) for case, g in
                   zip(cases, got, strict=True) if len(g[0]) and g[0].min() >= 0 and g[0].max() < len(case.args[0]))
    if followed:
        return "The labels fit the images that you chose; the choice is not right: what is compared with the threshold?"
    return ""


EXERCISE = Exercise(
    "pseudo_labels", "6 · Labels from the model itself", "function", 2, 7,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 3, 6, 8, 9, 10, 40, 60, 200),
    arguments=("logits", "threshold"), tidy=_by_index,
    gives=(Form("int64", "the positions of the images it is confident of, shape (M,)", "entry", "index"),
           Form("int64", "their predicted classes, shape (M,)", "entry", "labels")),
    family=family, look=look, mistakes=MISTAKES,
    hints=("`logits.softmax(1)` gives each image's probabilities; `.max(1)` gives the largest of them and its "
           "class.",
           "Compare the largest with the threshold: that is a mask, one truth value for each image.",
           "`mask.nonzero().flatten()` turns it into positions; take the classes at these positions."),
    why="The softmax does not change when all logits of an image grow by the same number, the logits do: so only "
        "probabilities can be compared with one threshold for all images.")
