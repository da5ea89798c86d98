"""Lab 02, exercise 6: one epoch of the training loop, judged by what its model and its optimiser note down."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from numbers import Real
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.engine.words import a
from aecourse.check.lab02._images import PIXELS

MISTAKES = (
    Mistake("no zero_grad", {"zero": "never"},
            "The gradients pile up: `backward` adds to what is there, so each batch needs `optimiser.zero_grad()` "
            "before it."),
    Mistake("zero_grad after backward", {"zero": "after"},
            "The gradients are set to zero between `backward` and `step`, so the step has nothing to go by: the "
            "weights do not move."),
    Mistake("no step", {"step": "never"}, "The weights never move: `optimiser.step()` is missing."),
    Mistake("no backward", {"backward": False},
            "`backward` is never called (are its parentheses missing?), so there are no gradients to step along."),
    Mistake("step first", {"step": "first"},
            "`step` comes before `backward`, so the gradient of a batch is not there yet when the optimiser steps. The "
            "order is `zero_grad`, `backward`, `step`."),
    Mistake("cut off", {"detached": True},
            "`backward` reaches no parameter: the graph is cut off between the model's output and the loss "
            "(`.detach()`, `.data`, a new tensor). Step on the loss itself, and detach what is added up."),
    Mistake("own optimiser", {"own": True},
            "The optimiser that is handed in never steps: another one is made inside, and it would forget its state "
            "after each epoch."),
    Mistake("one step", {"zero": "never", "step": "end"},
            "There is one step after all batches. Each batch takes a step of its own: look at the indentation."),
    Mistake("last batch", {"returns": "last"},
            "It returns the error of the last batch. The epoch's error is the mean over all its images."),
    Mistake("mean of batch means", {"returns": "means"},
            "It returns the mean of the batches' means. The last batch is smaller, so its images count more than the "
            "others: add up the errors and divide by the number of images."),
    Mistake("after the epoch", {"returns": "after"},
            "It measures all images again after the epoch. Asked for is the mean of the errors that the images had on "
            "their way through the epoch."),
    Mistake("after the step", {"returns": "after the step"},
            "The number it returns is made of errors that are measured again after each batch's step. Asked for are "
            "those that the images had before it, of which the loss is the mean."),
    Mistake("roots", {"returns": "roots"},
            "The number it returns is the mean of the roots of the images' squared errors, a distance. Take the "
            "squared errors themselves."),
    Mistake("root of the mean", {"returns": "root"},
            "It returns the root of the mean squared error. Asked for is that mean itself."),
    Mistake("sum", {"returns": "sum"}, "It returns the sum over all images; divide by their number."),
    Mistake("sum per batch", {"returns": "batches"},
            "It returns the sum over all images divided by the number of batches; divide by the number of images."),
    Mistake("mean per pixel", {"returns": "pixels"},
            "The number it returns is a mean over the pixels too: an image's error is the sum over its 784 pixels."),
    Mistake("nothing", {"returns": "none"}, "It trains well and returns None: is the `return` missing?"),
    Mistake("a tensor", {"as_tensor": True}, "It returns a tensor; a plain number is asked for (`.item()`)."),
    Mistake("stored order", {"order": "stored"},
            "The images come in the order in which they are stored. Shuffle them: `torch.randperm(len(images), "
            "generator=generator)`."),
    Mistake("own seed", {"order": "fixed"},
            "The order is the same in every epoch, whatever numbers the generator would give. Draw it anew each time "
            "from the generator that is handed in, and leave its seed alone."),
    Mistake("other generator", {"order": "global"},
            "The shuffle does not use the generator that is handed in, so a run cannot be repeated: "
            "`torch.randperm(len(images), generator=generator)`."),
    Mistake("shuffled inside", {"order": "inside"},
            "The same images share a batch in every epoch: the batches are fixed by the order in which the images are "
            "stored. Shuffle all images first, and cut into batches then."),
    Mistake("batches shuffled", {"order": "blocks"},
            "The batches come in a random order, but each holds neighbours as they are stored. Shuffle all images "
            "first, and cut into batches then."),
    Mistake("rolled", {"order": "rolled"},
            "The images keep their stored order, and only the place where it starts is random. Shuffle all of them: "
            "`torch.randperm(len(images), generator=generator)`."),
    Mistake("with replacement", {"order": "drawn"},
            "Some images come several times, even in one batch, and others never: draw a permutation (`randperm`), "
            "not single indices (`randint`)."),
    Mistake("permutation for each batch", {"order": "anew"},
            "Some images come several times in an epoch and others never, and yet none comes twice in one batch: draw "
            "one permutation of all images, once before the loop, and cut that into batches."),
    Mistake("single image dropped", {"least": 2},
            "A last batch of a single image is left out, so that image is never seen. It is a batch like any other."),
    Mistake("last batch dropped", {"keep_last": False},
            "The last, smaller batch is left out, so some images are never seen."),
    Mistake("return in the loop", {"early": True},
            "Only one batch is ever seen: is the `return` inside the loop? Look at its indentation."),
    Mistake("in place", {"in_place": True},
            "It changes the images in place: whoever handed them in finds them in another order. Index instead, "
            "`images[rows]`."),
    Mistake("all at once", {"whole": True},
            "All images go through in one batch: take `batch` of them at a time, with a step after each."),
    Mistake("pixel mean", {"reduce": "pixels"},
            "The loss that is stepped on is a mean over the pixels too (as `F.mse_loss` gives), so each step is 784 "
            "times smaller. Sum over the pixels, then average over the images."),
    Mistake("mse_loss", {"reduce": "pixels", "returns": "pixels"},
            "`F.mse_loss` and `.mean()` average over the pixels too, in the steps and in the number that comes back. "
            "An image's error is the sum over its 784 pixels; average over the images alone."),
    Mistake("batch sum", {"reduce": "sum"},
            "The loss that is stepped on is summed over the images, so the step grows with the batch. Average over "
            "the images of the batch."),
    Mistake("cross-entropy", {"cross": True}, "That is the cross-entropy; the squared error is asked for."),
    Mistake("signed images", {"signed": True},
            "The error compares a sigmoid, from 0 to 1, with images on the scale from −1 to 1: that is the bug of "
            "exercise 5. Take the images as they are handed in."),
    Mistake("no sigmoid", {"squash": False},
            "The error compares the model's logits with the image. The pixels are `torch.sigmoid(model(x))`."),
    Mistake("eval", {"mode": "eval"},
            "The model is trained in evaluation mode (`model.eval()`): dropout and batch norm would be off. Take it "
            "out, or call `model.train()`."),
    Mistake("no_grad", {"no_grad": True},
            "The forward pass runs under `torch.no_grad()`, so `backward` finds no graph. Only measuring goes without "
            "gradients."),
)


def oracle(*case: Any) -> dict[str, Any]:
    return {"images": "untouched", "visits": "each once", "order": "shuffled", "sizes": "as asked", "mode": "train",
            "steps": "one per batch", "gradient": "there", "zeroed": "each batch", "loss": "right",
            "returns": "all images", "error": "right", "type": "a float"}


def draw(generator: torch.Generator, size: int) -> Case:
    n, batch = ((23, 4), (17, 8))[size - 1]  # the last batch holds 3 images, or a single one
    seed = int(torch.randint(1_000_000, (), generator=generator))
    return Case((torch.rand(n, PIXELS, generator=generator), batch, seed, 0.5), f"{n} images in batches of {batch}")


def family(**changes: Any) -> Any:
    """Return one epoch of the training loop, with the given changes."""
    return partial(_epoch, **changes)


def _epoch(model: nn.Module, images: Tensor, optimiser: Any, generator: torch.Generator, batch: int = 256, *,
           order: str = "generator", zero: str = "before", step: str = "each", squash: bool = True,
           reduce: str = "images", keep_last: bool = True, least: int = 1, returns: str = "all", mode: str = "train",
           no_grad: bool = False, as_tensor: bool = False, whole: bool = False, early: bool = False, own: bool = False,
           backward: bool = True, cross: bool = False, in_place: bool = False,
           detached: bool = False, signed: bool = False) -> Any:
    model.train(mode == "train")
    if own:
        optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    n = len(images)
    if order == "generator":
        index = torch.randperm(n, generator=generator)
    elif order == "stored":
        index = torch.arange(n)
    elif order in ("inside", "blocks"):
        index = torch.cat(_stored_batches(n, batch, generator, inside=order == "inside"))
    elif order == "rolled":
        index = torch.arange(n).roll(int(torch.randint(1, n, (), generator=generator)))
    elif order == "anew":
        index = torch.cat([torch.randperm(n, generator=generator)[i:i + batch] for i in range(0, n, batch)])
    elif order == "drawn":  # with replacement
        index = torch.randint(n, (n,), generator=generator)
    else:
        index = torch.randperm(n, generator=torch.Generator().manual_seed(0) if order == "fixed" else None)
    if in_place:
        images[:], index = images[index], torch.arange(n)
    batches = [index] if whole else [b for b in index.split(batch) if len(b) >= (least if keep_last else batch)]
    batches = batches[:1] if early else batches
    total, roots, late, means = torch.zeros(()), torch.zeros(()), torch.zeros(()), []
    for rows in batches:
        if zero == "before":
            optimiser.zero_grad()
        with torch.set_grad_enabled(not no_grad):
            output = model(images[rows])
            x = 2 * images[rows] - 1 if signed else images[rows]
            error = (F.binary_cross_entropy_with_logits(output, x, reduction="none") if cross
                     else ((torch.sigmoid(output) if squash else output) - x).square()).sum(-1)
            loss = error.sum() if reduce == "sum" else error.mean() / (784 if reduce == "pixels" else 1)
        if step == "first":
            optimiser.step()
            optimiser.zero_grad()
        if detached:
            loss = loss.detach().requires_grad_()
        if backward:
            loss.backward()
        if zero == "after":
            optimiser.zero_grad()
        if step == "each":
            optimiser.step()
        total, roots = total + error.detach().sum(), roots + error.detach().sqrt().sum()
        with torch.no_grad():
            late += (torch.sigmoid(model(images[rows])) - images[rows]).square().sum()
        means.append(error.detach().mean())
    if step == "end":
        optimiser.step()
    with torch.no_grad():
        after = (torch.sigmoid(model(images)) - images).square().sum(-1).mean()
    value = {"after": after, "after the step": late / n, "roots": roots / n, "root": (total / n).sqrt(),
             "all": total / n, "last": means[-1], "means": torch.stack(means).mean(),
             "sum": total, "pixels": total / n / 784, "batches": total / len(batches), "none": None}[returns]
    return value if as_tensor or value is None else value.item()


def _stored_batches(n: int, batch: int, generator: torch.Generator, inside: bool) -> list[Tensor]:
    """Return the batches as they are stored, shuffled inside, or in a random order."""
    batches = list(torch.arange(n).split(batch))
    if inside:
        return [rows[torch.randperm(len(rows), generator=generator)] for rows in batches]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


reference = family()

# ---- what is looked at in a loop ------------------------------------------------------------------------------------

FACTS = {
    "images": "It changes the images that it is given.",
    "visits": "The images of an epoch are seen by the model, with gradients on: {got}. Each must be seen exactly "
              "once, as it is.",
    "mode": "The model was in evaluation mode while it was trained.",
    "sizes": "The batches do not have the size that `batch` asks for.",
    "steps": "There must be one optimiser step for each batch, and {got}.",
    "gradient": "When the optimiser steps, the gradient is {got}.",
    "zeroed": "The gradients are not those of the batch alone ({got}).",
    "loss": "The steps are not those of the batch's mean squared error ({got}).",
    "returns": "The number it returns is not the mean, over all images of the epoch, of their squared "
               "errors ({got}).",
    "error": "The number it returns is not made of the images' squared errors ({got}).",
    "type": "It returns {got}; it is asked for a plain number.",
    "order": "The order of the images is {got}.",
}


def probe(train_epoch: Callable, case: Case) -> dict[str, Any]:
    """Run two epochs and a repetition of the first; return what the loop did."""
    given, batch, seed, lr = case.args
    images = given.clone()
    model = _Recorder(given)
    optimiser, generator = _Steps(model, lr), torch.Generator().manual_seed(seed)
    start = [p.detach().clone() for p in model.parameters()]
    try:
        with (patch.object(torch.autograd, "backward", optimiser.counted(torch.autograd.backward)),
              patch.object(torch.optim.Optimizer, "__init__", optimiser.beside(torch.optim.Optimizer.__init__))):
            value = train_epoch(model, images, optimiser, generator, batch)
    except RuntimeError as raised:
        if "does not require grad" in str(raised) and model.seen:  # the forward pass had a graph, the loss has none
            return {"gradient": CUT}
        raise
    seen, outputs, end = list(model.seen), list(model.outputs), [p.detach().clone() for p in model.parameters()]
    weights = [*model.weights[1:], tuple(end)]  # those after each batch
    flat = [i for rows in seen for i in rows]
    facts: dict[str, Any] = {"images": "untouched" if torch.equal(images, given) else (
        "in another order" if bool((images[:, None] == given).all(-1).any(1).all()) else "changed")}
    facts["visits"] = _visits(seen, len(given), batch)
    if facts["visits"] == SEVERAL:
        for _ in range(8):  # indices drawn one by one do not go on for so long without a repeat
            if any(len(set(rows)) < len(rows) for rows in model.seen):
                return facts | {"visits": f"{SEVERAL}, even in one batch"}
            model.seen.clear()
            train_epoch(model, given.clone(), optimiser, generator, batch)
        return facts | {"visits": f"{SEVERAL}, and none twice in one batch"}
    if facts["visits"] not in ("each once", "all but the last batch"):  # the rest would follow from that
        return facts
    facts["mode"] = "train" if all(model.modes) else "eval"
    sizes = [len(rows) for rows in seen]
    whole = sizes.count(batch)  # one may be smaller, wherever it comes
    facts["sizes"] = "as asked" if whole >= len(sizes) - 1 and max(sizes) <= batch else (
        "all at once" if sizes == [len(given)] else "others")
    steps = len(optimiser.gradients)
    facts["steps"] = "one per batch" if steps == len(seen) else ONE if steps == 1 else (
        MORE if steps > len(seen) else FEWER) if steps else "there is none"
    facts["gradient"] = next((g for g in optimiser.gradients if g != "there"), "there")
    if facts["gradient"] == "never computed" and optimiser.backwards:
        facts["gradient"] = LATE
    if facts["gradient"] in (CUT, LATE):  # the rest would follow from that
        return {"gradient": facts["gradient"]}
    if not steps and not all(torch.equal(a, b) for a, b in zip(start, end, strict=True)):
        facts["steps"] = "another optimiser takes them" if optimiser.others else (
            "there is none, and yet the weights move")
    if facts["gradient"] == "there" and steps:
        zeroed, facts["loss"] = _updates(given, seen, start, end, lr)
        if zeroed != "unknown":
            facts["zeroed"] = zeroed
        if facts["steps"] in (MORE, FEWER) or (facts["steps"], facts["loss"]) == (ONE, "unknown"):
            del facts["loss"]  # what one step is cannot be read off then
    facts["returns"], error = _returned(value, given, seen, outputs, weights)
    if facts["returns"] == "no number":  # its type says so
        del facts["returns"]
    elif error != "unknown":
        facts["error"] = error
    if value is not None:
        facts["type"] = "a float" if isinstance(value, Real) else a(value)
    model.seen.clear()
    train_epoch(model, given.clone(), optimiser, torch.Generator().manual_seed(seed), batch)
    again = [i for rows in model.seen for i in rows]
    epochs = [seen]
    for _ in range(3):
        model.seen.clear()
        train_epoch(model, given.clone(), optimiser, generator, batch)
        epochs.append(list(model.seen))
    facts["order"] = _kept(epochs, len(given)) or ("shuffled" if flat == again else "not from the generator")
    return facts


CUT, LATE = "not reached by `backward`", "computed after the step"
MORE, FEWER, ONE = "there are more", "there are fewer", "there is one for the whole epoch"


def _kept(epochs: list[list[list[int]]], n: int) -> str:
    """Return what is left of the stored order, or nothing; four permutations do not give this by chance."""
    flats = [[i for rows in seen for i in rows] for seen in epochs]
    if all(flat == sorted(flat) for flat in flats):
        return "as stored"
    if all(flat == sorted(flat, reverse=True) for flat in flats):
        return "as stored, from the last one to the first"
    if all(flat == flats[0] for flat in flats):
        return "the same every epoch"
    follow = min(max(sum((b - a) % n == step for a, b in pairwise(flat)) for step in (1, n - 1)) for flat in flats)
    if follow == n - 1:
        return "the stored one from another start on"
    if 1 < len(epochs[0]) < n / 2 and follow >= n - 1 - len(epochs[0]):  # whole batches of neighbours
        return "shuffled by batches"
    if 1 < len(epochs[0]) < n and len({frozenset(map(frozenset, seen)) for seen in epochs}) == 1:
        return "shuffled, and yet the same images share a batch in every epoch"
    return ""


class _Recorder(nn.Module):
    """A small model that notes which images it is trained on; its logits are w·x + b, pixel by pixel."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.images = images
        self.seen: list[list[int]] = []
        self.outputs: list[Tensor] = []
        self.weights: list[tuple[Tensor, Tensor]] = []
        self.modes: list[bool] = []
        self.w, self.b = nn.Parameter(torch.full((images.shape[1],), 0.5)), nn.Parameter(torch.zeros(images.shape[1]))

    def forward(self, x: Tensor) -> Tensor:
        output = self.w * x + self.b
        if torch.is_grad_enabled():  # measuring under no_grad is no training
            same = (x.detach().reshape(-1, 1, self.images.shape[1]) == self.images).all(-1)  # which row is which image
            rows = torch.where(same.any(1), same.int().argmax(1), -1).tolist()
            if -1 in rows and bool(((x.detach().reshape(-1, 1, self.images.shape[1]) - (
                    2 * self.images - 1)).abs().amax(-1) < 1e-5).any(1).all()):
                rows = [-2] * len(rows)
            flat = output.detach().reshape(-1, self.images.shape[1])
            if self.seen and self.seen[-1] == rows and torch.equal(self.outputs[-1], flat):
                return output  # a second look before the step, to measure, is no second visit
            self.seen.append(rows)
            self.weights.append((self.w.detach().clone(), self.b.detach().clone()))
            self.outputs.append(flat)
            self.modes.append(self.training)
        return output


class _Steps(torch.optim.SGD):
    """Plain gradient descent that notes at each step whether there is a gradient."""

    def __init__(self, model: nn.Module, lr: float) -> None:
        super().__init__(model.parameters(), lr=lr)
        self.gradients: list[str] = []
        self.wiped, self.backwards, self.others = False, 0, 0

    def counted(self, backward: Callable) -> Callable:
        """Return `backward`, which notes here that it is called."""
        def call(*args: Any, **kwargs: Any) -> Any:
            self.backwards += 1
            return backward(*args, **kwargs)
        return call

    def beside(self, make: Callable) -> Callable:
        """Return an optimiser's `__init__`, which notes here that there is another one."""
        def call(*args: Any, **kwargs: Any) -> None:
            self.others += 1
            make(*args, **kwargs)
        return call

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.wiped |= any(p.grad is not None for group in self.param_groups for p in group["params"])
        super().zero_grad(set_to_none)

    def step(self, closure: Any = None) -> Any:
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        grads = [p.grad for group in self.param_groups for p in group["params"]]
        missing = "set to zero before it" if self.wiped else CUT if self.backwards else "never computed"
        self.gradients.append(missing if all(g is None for g in grads) else "there" if any(
            g is not None and bool(g.any()) for g in grads) else "set to zero before it")
        super().step()
        return value


SEVERAL = "some several times, others never"


def _visits(seen: list[list[int]], n: int, batch: int) -> str:
    flat = [i for rows in seen for i in rows]
    times = {flat.count(i) for i in range(n)}
    if not flat:
        return "never"
    if min(flat) < 0:
        return "changed" if -1 in flat else "as 2x − 1, on the scale from −1 to 1"
    if times == {1}:
        return "each once"
    if len(times) == 1:
        return f"each {times.pop()} times"
    if max(times) > 1:
        return SEVERAL if 0 in times else "some several times"
    if len(seen) == 1 and len(flat) == batch:
        return "one batch only"
    return "all but the last batch" if len(flat) == n // batch * batch else "some never"


def _updates(images: Tensor, seen: list[list[int]], start: list[Tensor], end: list[Tensor],
             lr: float) -> tuple[str, str]:
    """Replay the recorded batches by hand, in double precision, in the right way and in wrong ones, and compare."""
    if all(torch.equal(a, b) for a, b in zip(start, end, strict=True)):
        return "unknown", "nothing changed"
    zeroed = {"each batch": False, "never": True}
    losses: dict[str, dict[str, Any]] = {
        "right": {}, "mean over pixels": {"over": images.shape[1]}, "sum over the batch": {"summed": True},
        "logits": {"squash": False}, "half": {"over": 2.0}, "its negative": {"over": -1.0},
        "signed": {"signed": True}, "cross-entropy": {"cross": True},
        "logits, mean over pixels": {"squash": False, "over": images.shape[1]}}
    for when, pile in zeroed.items():
        for loss, way in losses.items():
            replayed = _replay(images, seen, start, lr, pile=pile, **way)
            # The change is compared, not the weights: a loss 784 times too small hardly moves them.
            if all(torch.allclose((b - c).double(), a - c, rtol=1e-2, atol=3e-6)
                   for a, b, c in zip(replayed, end, start, strict=True)):
                return when, loss
    once = _replay(images, seen, start, lr, once=True)
    if all(torch.allclose(b.double(), a, rtol=1e-3, atol=1e-5) for a, b in zip(once, end, strict=True)):
        return "never", "one at the end"
    return "unknown", "unknown"


def _replay(images: Tensor, seen: list[list[int]], start: list[Tensor], lr: float, *, pile: bool = False,
            over: float = 1.0, summed: bool = False, squash: bool = True, once: bool = False,
            cross: bool = False, signed: bool = False) -> list[Tensor]:
    w, b = (p.double() for p in start)
    piled_w, piled_b = torch.zeros_like(w), torch.zeros_like(b)
    for rows in seen:
        x = images[rows].double()
        y = w * x + b
        if squash:
            y = torch.sigmoid(y)
        target = 2 * x - 1 if signed else x
        slope = y - x if cross else 2 * (y - target) * (y * (1 - y) if squash else 1.0)  # by hand, without autograd
        slope = slope / over / (1 if summed else len(x))
        keep = pile or once
        piled_w, piled_b = piled_w * keep + (slope * x).sum(0), piled_b * keep + slope.sum(0)
        if not once:
            w, b = w - lr * piled_w, b - lr * piled_b
    return [w - lr * piled_w, b - lr * piled_b] if once else [w, b]


def _returned(value: Any, images: Tensor, seen: list[list[int]], outputs: list[Tensor],
              weights: list[tuple[Tensor, ...]]) -> tuple[str, str]:
    """Return over what the number is a mean, and of what, from the outputs that the model gave while it was trained.

    ``weights`` holds those that the model had after each batch.
    """
    if value is None:
        return "None", "none"
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        return "no number", "none"
    w, b = weights[-1]
    after = _errors(w * images + b, images)
    pairs = [_errors(o, images[rows]) for o, rows in zip(outputs, seen, strict=True)]
    late = [_errors(w * images[rows] + b, images[rows]) for rows, (w, b) in zip(seen, weights, strict=True)]
    for name in after:
        of = [p[name] for p in pairs]
        every, means, n = torch.cat(of), torch.stack([e.mean() for e in of]), len(images)
        ways = {"all images": every.sum() / n, "images seen": every.mean(), "last batch": means[-1],
                "first batch": means[0], "batch means": means.mean(), "sum of batch means": means.sum(),
                "batch means over images": means.sum() / n, "sum": every.sum(), "sum per batch": every.sum() / len(of),
                "sum of the last batch": of[-1].sum(), "sum of sums over batches": every.sum() * len(of) / n,
                "after the epoch": after[name].mean(), "root of the mean": every.mean().sqrt(),
                "after each step": torch.cat([p[name] for p in late]).sum() / n}
        for way, right in ways.items():
            if abs(number - float(right)) <= 2e-5 * abs(float(right)):
                return way, name
    return "unknown", "unknown"


def _errors(output: Tensor, x: Tensor) -> dict[str, Tensor]:
    """Return what a learner may take for an image's error, each of shape (B,)."""
    output, x = output.double(), x.double()
    right, raw = (torch.sigmoid(output) - x).square().sum(-1), (output - x).square().sum(-1)
    cross = F.binary_cross_entropy_with_logits(output, x, reduction="none").sum(-1)
    signed = (torch.sigmoid(output) - (2 * x - 1)).square().sum(-1)
    return {"right": right, "roots": right.sqrt(), "signed": signed, "per pixel": right / x.shape[-1], "logits": raw,
            "logits, per pixel": raw / x.shape[-1],
            "half": right / 2, "cross-entropy": cross, "cross-entropy, per pixel": cross / x.shape[-1]}


EXERCISE = Exercise(
    "train_epoch", "6 · The training loop by hand", "function", 3, 12,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2), probe=probe,
    arguments=("model", "images", "optimiser", "generator", "batch"), family=family, facts=FACTS,
    mistakes=MISTAKES,
    hints=("`torch.randperm(len(images), generator=generator).split(batch)` gives the batches as indices.",
           "In each batch: forward, squared error per image (B,), its mean is the loss; then zero_grad, backward, "
           "step.",
           "Keep a running sum of the errors of single images, and divide by `len(images)` in the end."),
    why="Errors of single images are added and divided once, so a smaller last batch gets no more weight than it "
        "deserves. `zero_grad` comes before `backward` because `backward` adds.")
