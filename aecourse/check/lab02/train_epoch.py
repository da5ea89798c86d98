"""Lab 02, exercise 6: one epoch with gradient accumulation, judged by what model, loss and optimiser note down."""

import weakref
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from numbers import Real
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.engine.words import a, many
from aecourse.check.lab02._images import PIXELS

MISTAKES = (
    # the weight of a piece in the step
    Mistake("sum of means", {"scale": "piece means"},
            "Each piece's mean is stepped on as if it were the batch: `backward` adds the gradients, so the step is "
            "that of the sum of the means. Divide each piece's sum by the number of images of its batch."),
    Mistake("mean of means", {"scale": "mean of means"},
            "The step is that of the mean of the pieces' means. The last piece of a batch is smaller, so its images "
            "count more than the others: divide each piece's sum by the number of images of its batch."),
    Mistake("asked number of pieces", {"scale": "asked pieces"},
            "Each piece's mean is divided by the number of pieces that a full batch has. Pieces are of unequal sizes, "
            "and the last batch has fewer: divide each piece's sum by the number of images of its batch."),
    Mistake("share of a piece", {"scale": "ratio"},
            "Each piece's mean counts `piece / batch`, as if every piece and every batch were full. Divide each "
            "piece's sum by the number of images of its batch."),
    Mistake("asked batch", {"scale": "batch"},
            "Each sum is divided by `batch`. The last batch is smaller, and its step comes out too short: divide by "
            "the number of images that this batch has."),
    Mistake("batch sum", {"scale": "sum"},
            "The loss that is stepped on is summed over the images, so the step grows with the batch. Divide each "
            "piece's sum by the number of images of its batch."),
    Mistake("asked piece", {"scale": "piece"},
            "Each piece's sum is divided by `piece`. The gradients of all pieces add up, so divide by the number of "
            "images of the batch."),
    Mistake("all images", {"scale": "images"},
            "Each sum is divided by the number of all images. A step averages over its own batch alone."),
    Mistake("pixel mean", {"scale": "pixels"},
            "The step is 784 times too short: there is a mean over the pixels where the loss of an image counts."),
    Mistake("negative", {"scale": "negative"},
            "The step goes uphill: it is taken on the negative of the loss."),
    # zero_grad, backward, step
    Mistake("zero_grad for each piece", {"zero": "piece"},
            "`zero_grad` comes before each piece, so a step sees the gradient of its last piece alone. Call it once "
            "for each batch, before its first piece."),
    Mistake("zero_grad for each piece, means", {"zero": "piece", "scale": "piece means"},
            "`zero_grad` comes before each piece, so a step sees the mean of its last piece alone. Call it once for "
            "each batch, and divide each piece's sum by the number of images of the batch."),
    Mistake("no zero_grad", {"zero": "never"},
            "The gradients pile up from batch to batch: `backward` adds to what is there, so each batch needs "
            "`optimiser.zero_grad()` before its first piece."),
    Mistake("zero_grad after backward", {"zero": "after"},
            "The gradients are set to zero between `backward` and `step`, so the step has nothing to go by: the "
            "weights do not move."),
    Mistake("step for each piece", {"step": "piece"},
            "There is a step after each piece. The pieces of a batch are for the memory alone; step once, after the "
            "last of them."),
    Mistake("step and zero_grad for each piece", {"step": "piece", "zero": "piece", "scale": "piece means"},
            "Each piece is treated as a batch of its own: it is averaged, and a step follows. The pieces of a batch "
            "add up their gradients, and one step follows the last of them."),
    Mistake("no step", {"step": "never"}, "The weights never move: `optimiser.step()` is missing."),
    Mistake("one step", {"step": "end", "zero": "never"},
            "There is one step after all batches. Each batch takes a step of its own: look at the indentation."),
    Mistake("step first", {"step": "first"},
            "`step` comes before `backward`, so the gradient of a batch is not there yet when the optimiser steps. The "
            "order is `zero_grad`, `backward` for each piece, `step`."),
    Mistake("no backward", {"backward": False},
            "`backward` is never called (are its parentheses missing?), so there are no gradients to step along."),
    Mistake("cut off", {"detached": True},
            "`backward` reaches no parameter: the graph is cut off between the model's output and what it is called on "
            "(`.detach()`, `.data`, a new tensor). Call it on the loss itself, and detach what is added up."),
    Mistake("own optimiser", {"own": True},
            "The optimiser that is handed in never steps: another one is made inside, and it would forget its state "
            "after each epoch."),
    # memory
    Mistake("whole batches", {"pieces": "whole"},
            "The whole batch goes through the model at once, and only `piece` images fit into memory: cut each batch "
            "into pieces, and call `backward` for each."),
    Mistake("held", {"held": True},
            "The graphs of all pieces of a batch are held until one `backward` at its end, so the memory holds the "
            "whole batch after all. Call `backward` for each piece: it frees the piece's graph and adds its gradient."),
    Mistake("single images", {"pieces": "single"},
            "The images go through the model one by one. `piece` of them fit into memory: take as many at a time."),
    # what is handed in
    Mistake("own loss", {"own_loss": True},
            "`loss` is never called. The loss is handed in, so that the same loop serves squared error, cross-entropy "
            "and any other: `loss(model, x)` gives one number per image."),
    Mistake("eval", {"mode": "eval"},
            "The model is trained in evaluation mode (`model.eval()`): dropout and batch norm would be off. Take it "
            "out, or call `model.train()`."),
    Mistake("no_grad", {"no_grad": True},
            "The forward pass runs under `torch.no_grad()`, so `backward` finds no graph. Only measuring goes without "
            "gradients."),
    # the images
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
    Mistake("last batch dropped", {"drop": "batch"},
            "The last, smaller batch is left out, so some images are never seen."),
    Mistake("last piece dropped", {"drop": "piece"},
            "The last, smaller piece of each batch is left out, so some images are never seen."),
    Mistake("one batch", {"early": "batch"},
            "Only one batch is ever seen: is the `return` inside the loop? Look at its indentation."),
    Mistake("one piece", {"early": "piece"},
            "Only one piece is ever seen: is the `return` inside the inner loop? Look at its indentation."),
    Mistake("in place", {"in_place": True},
            "It changes the images in place, so they are in another order after the call. Index instead, "
            "`images[rows]`."),
    # what is returned
    Mistake("last batch", {"returns": "last batch"},
            "It returns the loss of the last batch. The epoch's loss is the mean over all its images."),
    Mistake("last piece", {"returns": "last piece"},
            "It returns the loss of the last piece. The epoch's loss is the mean over all its images."),
    Mistake("mean of batch means", {"returns": "batch means"},
            "It returns the mean of the batches' means. The last batch is smaller, so its images count more than the "
            "others: add up the losses and divide by the number of images."),
    Mistake("mean of piece means", {"returns": "piece means"},
            "It returns the mean of the pieces' means. Some pieces are smaller, so their images count more than the "
            "others: add up the losses and divide by the number of images."),
    Mistake("after the epoch", {"returns": "after"},
            "It measures all images again after the epoch. Asked for is the mean of the losses that the images had on "
            "their way through the epoch."),
    Mistake("sum", {"returns": "sum"}, "It returns the sum over all images; divide by their number."),
    Mistake("sum per batch", {"returns": "per batch"},
            "It returns the sum over all images divided by the number of batches; divide by the number of images."),
    Mistake("sum per piece", {"returns": "per piece"},
            "It returns the sum over all images divided by the number of pieces; divide by the number of images."),
    Mistake("sum of batch means", {"returns": "sum of batch means"},
            "It returns the sum of the batches' means; asked for is the mean over all images."),
    Mistake("sum of piece means", {"returns": "sum of piece means"},
            "It returns the sum of the pieces' means; asked for is the mean over all images."),
    Mistake("mean per pixel", {"returns": "pixels"},
            "The number it returns is divided by the number of pixels too: the loss of an image is what `loss` gives."),
    Mistake("nothing", {"returns": "none"}, "It trains well and returns None: is the `return` missing?"),
    Mistake("a tensor", {"as_tensor": True}, "It returns a tensor; a plain number is asked for (`.item()`)."),
)


def oracle(*case: Any) -> dict[str, Any]:
    return {"images": "untouched", "visits": "each once", "loss": "called", "mode": "train", "gradient": "there",
            "steps": EACH, "pieces": "as asked", "memory": "one piece", "zeroed": "each batch", "step": "right",
            "returns": "all images", "type": "a float", "order": "shuffled"}


# Images, batch, piece: pieces that do not fill a batch, a batch of a single image, batches that are whole pieces, a
# piece that is larger than a batch, and a single image.
SIZES = ((33, 7, 3), (17, 8, 3), (20, 8, 4), (9, 4, 6), (1, 4, 2))


def draw(generator: torch.Generator, size: int) -> Case:
    n, batch, piece = SIZES[size - 1]
    seed = int(torch.randint(1_000_000, (), generator=generator))
    return Case((torch.rand(n, PIXELS, generator=generator), batch, piece, seed, 0.05),
                f"{many(n, 'image')}, batch = {batch}, piece = {piece}")


def family(**changes: Any) -> Any:
    """Return one epoch with gradient accumulation, with the given changes."""
    return partial(_epoch, **changes)


def _epoch(model: nn.Module, images: Tensor, loss: Callable, optimiser: Any, generator: torch.Generator, batch: int,
           piece: int, *, order: str = "generator", scale: str = "right", zero: str = "batch", step: str = "batch",
           pieces: str = "", held: bool = False, own_loss: bool = False, mode: str = "train", no_grad: bool = False,
           backward: bool = True, detached: bool = False, own: bool = False, in_place: bool = False, drop: str = "",
           early: str = "", returns: str = "all", as_tensor: bool = False) -> Any:
    model.train(mode == "train")
    if own:
        optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    n = len(images)
    index = _index(n, batch, order, generator)
    if in_place:
        images[:], index = images[index], torch.arange(n)
    batches = [rows for rows in index.split(batch) if not (drop == "batch" and len(rows) < batch)]
    sums, sizes, of_batch = [], [], list[float]()
    for rows in batches[: 1 if early else None]:
        if step == "first":
            optimiser.step()
        if zero == "batch":
            optimiser.zero_grad()
        parts = rows.split({"whole": batch, "single": 1}.get(pieces, piece))
        parts = [part for part in parts if not (drop == "piece" and len(part) < min(piece, len(parts[0])))]
        kept, of_batch = [], [*of_batch, 0.0]
        for part in parts[: 1 if early == "piece" else None]:
            if zero == "piece":
                optimiser.zero_grad()
            x = images[part]
            with torch.set_grad_enabled(not no_grad):
                each = (model(x) - x).square().sum(-1) if own_loss else loss(model, x)
                over = {"right": len(rows), "piece means": len(part), "mean of means": len(part) * len(parts),
                        "asked pieces": len(part) * -(-batch // piece), "ratio": len(part) * batch / piece,
                        "batch": batch, "sum": 1, "piece": piece, "images": n, "pixels": 784 * len(rows),
                        "negative": -len(rows)}[scale]
                value = each.sum() / over
            value = value.detach().requires_grad_() if detached else value
            kept.append(value)
            if backward and not held:
                value.backward()
            if step == "piece":
                optimiser.step()
            sums.append(each.detach().sum())
            sizes.append(len(part))
            of_batch[-1] += float(sums[-1]) / len(rows)
        if held:
            torch.stack(kept).sum().backward()
        if zero == "after":
            optimiser.zero_grad()
        if step == "batch":
            optimiser.step()
    if step == "end":
        optimiser.step()
    total, means = torch.stack(sums).sum(), torch.stack([s / m for s, m in zip(sums, sizes, strict=True)])
    values: dict[str, Any] = {"all": total / n, "last batch": of_batch[-1], "last piece": means[-1],
              "piece means": means.mean(), "batch means": sum(of_batch) / len(of_batch), "sum": total,
              "per batch": total / len(batches), "per piece": total / len(sums),
              "sum of batch means": sum(of_batch), "sum of piece means": means.sum(),
              "pixels": total / n / 784, "none": None}
    if returns == "after":
        with torch.no_grad():
            return sum(loss(model, images[i:i + piece]).sum().item() for i in range(0, n, piece)) / n
    value = values[returns]
    return value if value is None or as_tensor else float(value)


def _index(n: int, batch: int, order: str, generator: torch.Generator) -> Tensor:
    """Return the order of the images, in the right way or in a wrong one."""
    if order in ("inside", "blocks"):
        batches = list(torch.arange(n).split(batch))
        if order == "inside":
            return torch.cat([rows[torch.randperm(len(rows), generator=generator)] for rows in batches])
        return torch.cat([batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()])
    if order == "stored":
        return torch.arange(n)
    if order == "rolled":
        return torch.arange(n).roll(int(torch.randint(1, n + 1, (), generator=generator)))
    if order == "anew":
        return torch.cat([torch.randperm(n, generator=generator)[i:i + batch] for i in range(0, n, batch)])
    if order == "drawn":  # with replacement
        return torch.randint(n, (n,), generator=generator)
    return torch.randperm(n, generator={"generator": generator, "global": None}.get(
        order, torch.Generator().manual_seed(0)))


def reference(model: nn.Module, images: Tensor, loss: Callable, optimiser: torch.optim.Optimizer,
              generator: torch.Generator, batch: int = 256, piece: int = 64) -> float:
    """Train for one epoch in a shuffled order, at most ``piece`` images at once; return the mean loss per image."""
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        optimiser.zero_grad()
        for part in rows.split(piece):
            of_piece = loss(model, images[part]).sum()
            (of_piece / len(rows)).backward()
            total += of_piece.item()
        optimiser.step()
    return total / len(images)


# ---- what is looked at in a loop ------------------------------------------------------------------------------------

CUT, LATE, WIPED, NONE = "not reached by `backward`", "computed after the step", "set to zero before it", "never made"
EACH, THERE_IS_NONE = "one after each batch", "there is none"
SEVERAL = "some several times, others never"

FACTS = {
    "images": "It changes the images that it is given.",
    "visits": "The images of an epoch are seen by the model, with gradients on: {got}. Each must be seen exactly "
              "once, as it is.",
    "loss": "`loss` is {got}.",
    "mode": "The model was in evaluation mode while it was trained.",
    "gradient": "When the optimiser steps, the gradient is {got}.",
    "steps": "There must be one optimiser step after each batch, and {got}.",
    "pieces": "At each call the model must see `piece` images, and fewer only at the end of a batch: {got}.",
    "memory": "The memory holds more than `piece` images: {got}.",
    "zeroed": "The gradients are not those of the batch alone ({got}).",
    "step": "The steps are not those that the mean loss of the whole batch gives.",
    "returns": "The number it returns is not the mean, over all images of the epoch, of their losses before their "
               "batch's step.",
    "type": "It returns {got}; it is asked for a plain number.",
    "order": "The order of the images is {got}.",
}


class _Run:
    """One call of the learner's function on a model, a loss and an optimiser that note down what happens to them."""

    def __init__(self, images: Tensor, piece: int, lr: float, weights: Tensor) -> None:
        self.images, self.piece, self.weights, self.lr = images, piece, weights, lr
        self.model = _Recorder(images)
        self.notes = self.model.notes
        self.optimiser = _Steps(self.model, lr)

    def loss(self, model: nn.Module, x: Tensor) -> Tensor:
        """Return the loss that is handed in, a weighted squared error: no other loss has these values."""
        self.notes.losses += 1
        return (model(x) - x).square() @ self.weights

    def epoch(self, train_epoch: Callable, images: Tensor, generator: torch.Generator, batch: int) -> Any:
        """Call the learner's function."""
        self.notes.looks.clear()
        steps = self.optimiser
        with (patch.object(torch.autograd, "backward", steps.counted(torch.autograd.backward)),
              patch.object(torch.optim.Optimizer, "__init__", steps.beside(torch.optim.Optimizer.__init__))):
            return train_epoch(self.model, images, self.loss, self.optimiser, generator, batch, self.piece)


def probe(train_epoch: Callable, case: Case) -> dict[str, Any]:
    """Run several epochs and a repetition of the first; return what the loop did."""
    given, batch, piece, seed, lr = case.args
    images, generator = given.clone(), torch.Generator().manual_seed(seed)
    run = _Run(given, piece, lr, 0.5 + torch.rand(PIXELS, generator=torch.Generator().manual_seed(seed)))
    notes, optimiser = run.notes, run.optimiser
    start = [p.detach().clone() for p in run.model.parameters()]
    try:
        value = run.epoch(train_epoch, images, generator, batch)
    except RuntimeError as raised:
        if "does not require grad" in str(raised) and notes.looks:  # the forward pass had a graph, the loss has none
            return {"gradient": CUT}
        raise
    looks, end = list(notes.looks), [p.detach().clone() for p in run.model.parameters()]
    widest, held = notes.widest, notes.memory()
    steps, n = len(optimiser.gradients), len(given)
    facts: dict[str, Any] = {"images": "untouched" if torch.equal(images, given) else (
        "in another order" if bool((images[:, None] == given).all(-1).any(1).all()) else "changed")}
    facts["visits"] = _visits([look.rows for look in looks], n, batch, piece)
    if facts["visits"] == SEVERAL:
        for _ in range(8):  # indices drawn one by one do not go on for so long without a repeat
            if any(len(set(rows)) < len(rows) for rows in _batches(notes.looks)):
                return facts | {"visits": f"{SEVERAL}, even in one batch"}
            run.epoch(train_epoch, given.clone(), generator, batch)
        return facts | {"visits": f"{SEVERAL}, and none twice in one batch"}
    if facts["visits"] not in ("each once", LAST_BATCH, LAST_PIECES):  # the rest would follow from that
        return facts
    facts["loss"] = "called" if notes.losses else "never called"
    if not notes.losses:
        return facts
    facts["mode"] = "train" if all(look.training for look in looks) else "eval"
    facts["gradient"] = optimiser.missing()
    if facts["gradient"] in (CUT, LATE):  # the rest would follow from that
        return {"gradient": facts["gradient"]}
    moved = not all(torch.equal(a, b) for a, b in zip(start, end, strict=True))
    facts["steps"] = _steps(looks, steps, n, batch, moved, optimiser.others)
    facts["pieces"] = _pieces(looks, batch, piece)
    facts["memory"] = held if facts["pieces"] == "as asked" or held != "one piece" else "one piece"
    if widest > piece and facts["pieces"] == "as asked":
        facts["memory"] = f"{widest} images go through the model at once, without gradients"
    if facts["gradient"] == "there" and steps and moved:
        facts["zeroed"], facts["step"] = _updates(run, looks, start, end, batch)
        if facts["steps"] not in (EACH, BY_PIECE, AT_THE_END):  # what one step is cannot be read off then
            del facts["zeroed"], facts["step"]
    facts["returns"] = _returned(value, run, looks, end)
    if facts["returns"] == "no number":  # its type says so
        del facts["returns"]
    if value is not None:
        facts["type"] = "a float" if isinstance(value, Real) else a(value)
    run.epoch(train_epoch, given.clone(), torch.Generator().manual_seed(seed), batch)
    again = [i for look in notes.looks for i in look.rows]
    epochs = [looks]
    for _ in range(2):
        run.epoch(train_epoch, given.clone(), generator, batch)
        epochs.append(list(notes.looks))
    facts["order"] = (_kept(epochs, n) if n > 4 else "") or (
        "shuffled" if [i for look in looks for i in look.rows] == again else "not from the generator")
    return facts


LAST_BATCH, LAST_PIECES = "all but the last batch", "all but the last piece of each batch"


def _visits(seen: list[list[int]], n: int, batch: int, piece: int) -> str:
    flat = [i for rows in seen for i in rows]
    times = {flat.count(i) for i in range(n)}
    if not flat:
        return "never"
    if min(flat) < 0:
        return "changed"
    if times == {1}:
        return "each once"
    if len(times) == 1:
        return f"each {times.pop()} times"
    if max(times) > 1:
        return SEVERAL if 0 in times else "some several times"
    whole = [min(batch, n - i) for i in range(0, n, batch)]
    if len(flat) == whole[0] < n and piece < whole[0]:
        return "one batch only"
    if len(flat) == min(piece, whole[0]) and len(seen) == 1:
        return "one piece only" if piece < whole[0] else "one batch only"
    if len(flat) == n // batch * batch:
        return LAST_BATCH
    short = [size - size % piece if size >= piece else size for size in whole]
    return LAST_PIECES if len(flat) == sum(short) else "some never"


def _batches(looks: list) -> list[list[int]]:
    """Return the images that were seen before each step, and those after the last one."""
    return [[i for look in looks if look.step == step for i in look.rows]
            for step in sorted({look.step for look in looks})]


BY_PIECE, AT_THE_END = "there is one after each piece", "there is one for the whole epoch"


def _steps(looks: list, steps: int, n: int, batch: int, moved: bool, others: int) -> str:
    """Return in words after how many images the steps come."""
    if not steps:
        return THERE_IS_NONE if not moved else "another optimiser takes them" if others else (
            "there is none, and yet the weights move")
    sizes, seen = [len(rows) for rows in _batches(looks)], sum(len(look.rows) for look in looks)
    left = sum(len(look.rows) for look in looks if look.step >= steps)
    full, rest = divmod(seen, batch)
    if steps == len(sizes) and not left and sorted(sizes, reverse=True) == [batch] * full + [rest] * bool(rest):
        return EACH
    if steps == len(sizes) == 1 and not left:
        return AT_THE_END
    if steps == len(looks) and not left and max(sizes) <= max(map(len, (look.rows for look in looks))):
        return BY_PIECE
    done = sizes[:-1] if left else sizes
    after = ", ".join(map(str, done[:-1])) + " and " * (len(done) > 1) + str(done[-1]) if done else "no"
    return (f"they come after {after} images where `batch` is {batch}"
            + (f", and none after the last {left}" if left else "") if steps == len(done) else
            f"there are {steps} for {many(len(sizes), 'batch').replace('batchs', 'batches')}")


def _pieces(looks: list, batch: int, piece: int) -> str:
    """Return in words how many images the model sees at each call."""
    seen: dict[int, list[int]] = {}
    for look in looks:
        seen.setdefault(look.step, []).append(len(look.rows))
    sizes = [size for group in seen.values() for size in group]
    if max(sizes) > piece:
        return f"it sees up to {max(sizes)} where `piece` is {piece}"
    if all(len(group) == -(-sum(group) // piece) for group in seen.values()):
        return "as asked"
    if set(sizes) == {1}:
        return "it sees one at each call"
    few = [size for group in seen.values() for size in group[:-1] if size < piece]
    return f"it sees {min(few)} where `piece` is {piece}" if few else "as asked"


def _kept(epochs: list[list], n: int) -> str:
    """Return what is left of the stored order, or nothing; three permutations do not give this by chance."""
    flats = [[i for look in looks for i in look.rows] for looks in epochs]
    if all(flat == sorted(flat) for flat in flats):
        return "as stored"
    if all(flat == sorted(flat, reverse=True) for flat in flats):
        return "as stored, from the last one to the first"
    follow = min(max(sum((b - a) % n == step for a, b in pairwise(flat)) for step in (1, n - 1)) for flat in flats)
    if follow == n - 1:
        return "the stored one from another start on"
    blocks, batches = len(epochs[0]), [_batches(looks) for looks in epochs]
    if 1 < blocks < n / 2 and follow >= n - 1 - blocks:  # whole batches or pieces of neighbours
        return "shuffled by batches"
    if all(flat == flats[0] for flat in flats):
        return "the same every epoch"
    if 1 < len(batches[0]) < n and len({frozenset(map(frozenset, seen)) for seen in batches}) == 1:
        return "shuffled, and yet the same images share a batch in every epoch"
    return ""


# ---- the steps, replayed --------------------------------------------------------------------------------------------


def _updates(run: _Run, looks: list, start: list[Tensor], end: list[Tensor], batch: int) -> tuple[str, str]:
    """Replay the recorded batches by hand, in double precision, in the right way and in wrong ones, and compare."""
    ways: dict[str, Callable] = {  # the factor of each piece's sum, from its size and the sizes of its batch's pieces
        "right": lambda m, sizes: 1 / sum(sizes), "sum of means": lambda m, sizes: 1 / m,
        "mean of means": lambda m, sizes: 1 / (m * len(sizes)),
        "asked pieces": lambda m, sizes: 1 / (m * -(-batch // run.piece)),
        "ratio": lambda m, sizes: run.piece / (m * batch), "batch": lambda m, sizes: 1 / batch,
        "sum": lambda m, sizes: 1.0, "piece": lambda m, sizes: 1 / run.piece,
        "images": lambda m, sizes: 1 / len(run.images), "pixels": lambda m, sizes: 1 / (PIXELS * sum(sizes)),
        "negative": lambda m, sizes: -1 / sum(sizes)}
    for last in (False, True):
        for zeroed, pile in (("each batch", False), ("never", True)):
            for name, way in ways.items():
                replayed = _replay(run, looks, start, way, pile=pile, last=last)
                # The change is compared, not the weights: a loss 784 times too small hardly moves them.
                if all(torch.allclose((b - c).double(), a - c, rtol=1e-2, atol=3e-6)
                       for a, b, c in zip(replayed, end, start, strict=True)):
                    return zeroed, f"{name}, of the last piece alone" if last else name
    return "each batch", "unknown"


def _replay(run: _Run, looks: list, start: list[Tensor], way: Callable, *, pile: bool, last: bool) -> list[Tensor]:
    w, b = (p.double() for p in start)
    piled_w, piled_b = torch.zeros_like(w), torch.zeros_like(b)
    for step in sorted({look.step for look in looks}):
        parts = [look.rows for look in looks if look.step == step]
        sizes = [len(rows) for rows in parts]
        piled_w, piled_b = piled_w * pile, piled_b * pile
        for i, rows in enumerate(parts):
            if last and i < len(parts) - 1:
                continue
            x = run.images[rows].double()
            slope = 2 * (w * x + b - x) * run.weights * way(len(rows), sizes)  # by hand, without autograd
            piled_w, piled_b = piled_w + (slope * x).sum(0), piled_b + slope.sum(0)
        w, b = w - run.lr * piled_w, b - run.lr * piled_b
    return [w, b]


def _returned(value: Any, run: _Run, looks: list, end: list[Tensor]) -> str:
    """Return what the number is made of, from the outputs that the model gave while it was trained."""
    if value is None:
        return "None"
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        return "no number"

    def losses(output: Tensor, x: Tensor) -> Tensor:
        return (output.double() - x.double()).square() @ run.weights.double()

    images, n = run.images, len(run.images)
    of = [losses(look.output, images[look.rows]) for look in looks]
    batches = [torch.cat([e for e, look in zip(of, looks, strict=True) if look.step == step])
               for step in sorted({look.step for look in looks})]
    every, piece_means, batch_means = torch.cat(of), torch.stack([e.mean() for e in of]), torch.stack(
        [e.mean() for e in batches])
    ways = {"all images": every.sum() / n, "images seen": every.mean(), "last batch": batch_means[-1],
            "last piece": piece_means[-1], "first batch": batch_means[0], "first piece": piece_means[0],
            "batch means": batch_means.mean(), "piece means": piece_means.mean(),
            "after": losses(end[0] * images + end[1], images).mean(), "sum": every.sum(),
            "per batch": every.sum() / len(batches), "per piece": every.sum() / len(of),
            "sum of batch means": batch_means.sum(), "sum of piece means": piece_means.sum(),
            "sum of the last batch": batches[-1].sum(), "pixels": every.sum() / n / PIXELS}
    return next((way for way, right in ways.items() if abs(number - float(right)) <= 2e-5 * abs(float(right))),
                "unknown")


# ---- what notes it down ---------------------------------------------------------------------------------------------


class _Look:
    """One call of the model with gradients on: which images, what came out, and how many steps came before."""

    def __init__(self, rows: list[int], output: Tensor, step: int, training: bool) -> None:
        self.rows, self.output, self.step, self.training = rows, output, step, training


class _Product(torch.autograd.Function):
    """w·x + b; its node in the graph holds a token, which shows when the graph is freed."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, b: Tensor, x: Tensor, token: Any) -> Tensor:
        ctx.save_for_backward(w, x)
        ctx.token = token
        return w * x + b

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple:
        w, x = ctx.saved_tensors
        ctx.token.free()
        return (slopes[0] * x).sum(0), slopes[0].sum(0), slopes[0] * w, None


class _Token:
    """Lives as long as the graph of one call of the model."""

    def __init__(self, notes: "_Notes") -> None:
        self.notes, self.done = notes, False
        self.rows: list[int] = []

    def free(self) -> None:
        """Note that `backward` has gone through; another graph of the same images, to measure, counts no more."""
        for ref in self.notes.graphs:
            if (other := ref()) is not None and other.rows == self.rows:
                other.done = True


class _Notes:
    """What is noted while a model is trained."""

    def __init__(self) -> None:
        self.looks: list[_Look] = []
        self.graphs: list[weakref.ref] = []
        self.losses = self.widest = self.held = self.steps = 0
        self.reached = False

    def reach(self, slope: Tensor) -> None:
        """Note that a gradient reaches a parameter."""
        self.reached = True

    def forward(self, token: _Token, rows: list[int], output: Tensor, training: bool) -> None:
        """Note one call of the model, with gradients on."""
        held: set[int] = set(rows)
        self.graphs = [ref for ref in self.graphs if ref() is not None]
        for ref in self.graphs:
            if (graph := ref()) is not None and not graph.done:
                held |= set(graph.rows)
        self.held = max(self.held, len(held))
        token.rows = rows
        self.graphs.append(weakref.ref(token))
        if not (self.looks and self.looks[-1].rows == rows and torch.equal(self.looks[-1].output, output)):
            self.looks.append(_Look(rows, output, self.steps, training))  # a second look is no second visit

    def memory(self) -> str:
        """Return in words how many images' graphs were held at once."""
        one = max((len(look.rows) for look in self.looks), default=0)
        return "one piece" if self.held <= one else (
            "the graph of one piece is not freed before the next one goes through the model")


class _Recorder(nn.Module):
    """A small model, w·x + b pixel by pixel, that notes which images it is trained on."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.notes, self.images, self.few = _Notes(), images, images[:, :3]
        self.w, self.b = nn.Parameter(torch.full((images.shape[1],), 0.5)), nn.Parameter(torch.zeros(images.shape[1]))
        self.w.register_hook(self.notes.reach)

    def forward(self, x: Tensor) -> Tensor:
        flat = x.detach().reshape(-1, self.images.shape[1])
        self.notes.widest = max(self.notes.widest, len(flat))
        if not torch.is_grad_enabled():  # measuring under no_grad is no training
            return self.w * x + self.b
        rows = (flat[:, None, :3] == self.few).all(-1).int().argmax(1)  # which row is which image
        known = (self.images[rows] == flat).all(-1)
        token = _Token(self.notes)
        output = _Product.apply(self.w, self.b, x, token)
        self.notes.forward(token, torch.where(known, rows, -1).tolist(), output.detach().reshape(flat.shape),
                           self.training)
        return output


class _Steps(torch.optim.SGD):
    """Plain gradient descent that notes at each step whether there is a gradient."""

    def __init__(self, model: _Recorder, lr: float) -> None:
        super().__init__(model.parameters(), lr=lr)
        self.notes = model.notes
        self.gradients: list[str] = []
        self.backwards, self.others, self.reached = 0, 0, False

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

    def missing(self) -> str:
        """Return what is the matter with the gradients of the steps so far."""
        if self.gradients and self.gradients[0] == "never":
            return (LATE if self.reached or self.notes.reached else CUT) if self.backwards else NONE
        return WIPED if WIPED in self.gradients else "there"

    def step(self, closure: Any = None) -> Any:
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        there = any(p.grad is not None and bool(p.grad.any()) for group in self.param_groups for p in group["params"])
        self.gradients.append("there" if there else WIPED if self.notes.reached else "never")
        self.notes.steps, self.reached, self.notes.reached = (
            self.notes.steps + 1, self.reached or self.notes.reached, False)
        super().step()
        return value


EXERCISE = Exercise(
    "train_epoch", "6 · Large batches, little memory", "function", 3, 12,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 3, 4, 5), probe=probe,
    arguments=("model", "images", "loss", "optimiser", "generator", "batch", "piece"), family=family, facts=FACTS,
    mistakes=MISTAKES,
    hints=("Two loops: `torch.randperm(len(images), generator=generator).split(batch)` gives the batches as indices, "
           "and `rows.split(piece)` cuts one of them into pieces.",
           "`backward` adds to the gradients that are there. So `zero_grad` once for each batch, `backward` for each "
           "piece, `step` once after the last piece.",
           "The batch's mean is the sum over all of its images divided by `len(rows)`. So each piece gives "
           "`loss(model, x).sum() / len(rows)`."),
    why="A gradient of a sum is the sum of the gradients, and `backward` adds. Divided by the size of its own batch, "
        "each piece adds exactly its share, so pieces and last batches of any size give the step of the whole batch. "
        "Adam hides a constant factor in the gradient almost entirely, so the check steps with plain gradient "
        "descent.")
