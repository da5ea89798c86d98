"""Lab 01, exercise 1: count the gradient steps of a training from its labels, batch size and epochs."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.engine.words import many

MISTAKES = (
    Mistake("floor", {"last": "dropped"},
            "The last batch of an epoch is lost: it may be smaller, and it still makes one step. Round up."),
    Mistake("exact", {"last": "exact"},
            "There are no parts of a step: where labels are left over, they make one smaller batch. Round up."),
    Mistake("rounded", {"last": "rounded"},
            "You round to the nearest number of batches. A rest of any size makes one step: round up."),
    Mistake("always one more", {"last": "always"},
            "You add one batch always. Where the labels fill whole batches, there is no rest."),
    Mistake("at least one", {"last": "at least one"},
            "The rest is counted only where it is the one batch there is. It makes a step in every epoch: round up."),
    Mistake("no epochs", {"epochs_count": False},
            "These are the steps of one epoch; all epochs together are asked for."),
    Mistake("no batches", {"batches": False},
            "You count each image as a step. One step takes a whole batch."),
    Mistake("rounded up once", {"once": True},
            "You round up once for the whole training. A batch never reaches into the next epoch: each epoch has a "
            "smaller last batch of its own, so round up for one epoch, then multiply."),
    Mistake("batch", lambda n_labels, batch, epochs: batch * epochs,
            "This is the batch size times the epochs: the number of labels is not in it."),
    Mistake("one rest", lambda n_labels, batch, epochs: n_labels // batch * epochs + (n_labels % batch > 0),
            "You count the smaller batch once in the whole training. It comes at the end of every epoch: round up for "
            "one epoch, then multiply."),
    Mistake("rounded down once", lambda n_labels, batch, epochs: n_labels * epochs // batch,
            "You put the images of all epochs in one row and round down once. Each epoch has a smaller last batch of "
            "its own: round up for one epoch, then multiply."),
    Mistake("added", lambda n_labels, batch, epochs: -(-n_labels // batch) + epochs,
            "You add the number of epochs to the steps of one. Each epoch takes these steps again: multiply."),
    Mistake("an epoch less", lambda n_labels, batch, epochs: -(-n_labels // batch) * (epochs - 1),
            "That is one epoch less than asked for."),
    Mistake("an epoch more", lambda n_labels, batch, epochs: -(-n_labels // batch) * (epochs + 1),
            "That is one epoch more than asked for."),
)


def reference(n_labels: int, batch: int, epochs: int) -> int:
    return epochs * -(-n_labels // batch)


def oracle(n_labels: int, batch: int, epochs: int) -> int:
    return sum(1 for _ in range(epochs) for _ in range(0, n_labels, batch))


def draw(generator: torch.Generator, size: int) -> Case:
    batch, epochs = between(3, 9, generator), between(3, 9, generator)
    if size == 3:  # exact: there is no smaller last batch
        n = batch * between(2, 5, generator)
    elif size == 2:  # fewer labels than a batch holds
        n, batch = batch, batch + between(1, 4, generator)
    elif size == 1:  # the rest is small, so that rounding goes down; and one pass over all epochs saves steps
        n = batch * between(2, 4, generator) + 1
    elif size == 5:  # large batches, a rest of one and one epoch: a hundredth of a step counts too
        batch, epochs = 128, 1
        n = batch * between(3, 400, generator) + 1
    elif size == 6:  # an odd number of thousands of steps, which half precision cannot hold
        batch = 16
        n = batch * 2 * between(1100, 1870, generator) + 1
    elif size == 7:  # a rest of more than one, which rounding loses
        batch = 32
        n = batch * between(2, 40, generator) + between(2, 14, generator)
    elif size == 8:  # one image at a time
        n, batch = between(3, 30, generator), 1
    elif size == 9:  # all labels in one whole batch
        n = batch
    else:
        batch = 2 ** between(4, 7, generator)
        n = batch * between(20, 90, generator) + between(batch // 2 + 1, batch - 1, generator)
    return Case((n, batch, epochs), f"{n} labels, batches of {batch}, {many(epochs, 'epoch')}")


def family(**changes: Any) -> Any:
    """Return the number of gradient steps, with the given changes."""
    return partial(_updates, **changes)


def _updates(n_labels: int, batch: int, epochs: int, *, last: str = "kept", epochs_count: bool = True,
             batches: bool = True, once: bool = False) -> float:
    n, times = (n_labels * epochs, 1) if once else (n_labels, epochs)  # once: one pass over all epochs' images
    share = n / batch if batches else float(n)
    ways: dict[str, Callable[[float], float]] = {
        "kept": math.ceil, "dropped": math.floor, "exact": float, "rounded": round,
        "always": lambda s: math.floor(s) + 1, "at least one": lambda s: max(1, math.floor(s))}
    steps = ways[last](share)
    return steps * (times if epochs_count else 1)


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say in which direction the counts are wrong."""
    off = [float(g[0]) - float(w[0]) for g, w in zip(got, want, strict=True)]
    if all(d > 0 for d in off):
        return "It counts too many steps wherever it is wrong: which of them are none?"
    if all(d < 0 for d in off):
        return "It counts too few steps wherever it is wrong: which of them are lost?"
    return "It counts too many steps for some inputs and too few for others. Work the one below out by hand."


EXERCISE = Exercise(
    "updates", "1 · Count the steps", "function", 1, 4,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 3, 4, 5, 6, 7, 8, 9),
    arguments=("n_labels", "batch", "epochs"), gives=(Form("count", "the number of gradient steps, an int"),),
    family=family, look=look, mistakes=MISTAKES,
    hints=("Take 7 labels in batches of 3: which batches does one epoch have?",
           "One epoch has as many steps as batches, the smaller last one included. `math.ceil` rounds up.",
           "Round up for one epoch, then multiply by the number of epochs."),
    why="Each batch is one step, and each epoch ends with a batch of its own. With few labels there are few "
        "batches, so the same number of epochs is far less training.")
