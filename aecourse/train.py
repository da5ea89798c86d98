"""fit(): one training loop and one history for every model of the course."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from aecourse import CourseError, devices
from aecourse.base.inputs import check_gradient, check_names, check_settings, check_terms, checked
from aecourse.progress import Line

Batch = tuple[Tensor, ...]
Loss = Callable[..., dict[str, Tensor]]
BATCH_NORM = nn.modules.batchnorm._BatchNorm  # the base of BatchNorm1d, 2d and 3d


@dataclass
class Step:
    """What a loss may want to know: progress from 0 to 1, a generator for fresh noise, training or measuring."""

    progress: float
    generator: torch.Generator
    training: bool


@dataclass
class History:
    """Mean loss per image after each epoch, by term and as their sum ("loss").

    ``train`` is the mean over an epoch while the weights change; ``held_out`` is measured at the epoch's end. A first
    epoch's training loss therefore often lies above its held-out loss. All lists have the same length: an epoch counts
    when it is measured.
    """

    epochs: list[float] = field(default_factory=list)
    train: dict[str, list[float]] = field(default_factory=dict)
    held_out: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: bool = False  # by the stop button, before the last epoch

    def __repr__(self) -> str:  # short, since a notebook shows what the last line of a cell returns
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.train.items() if values)
        return f"History({len(self.epochs)} epochs{', last ' * bool(last)}{last})"


class Diverged(CourseError):
    """Training went wrong; the model is back at its last good epoch, and ``history`` holds what came before."""

    history: History


class Stopped(KeyboardInterrupt):
    """The stop button ended a training; the model keeps what it has learned, and ``history`` what was measured."""

    history: History

    def _render_traceback_(self) -> list[str]:  # the sentence alone, as of a CourseError
        return [str(self)]


@contextmanager
def seeded(seed: int, device: str | torch.device = "cpu") -> Iterator[None]:
    """Make what happens inside reproducible (new layers, dropout) and leave the global random state as it was.

    Only the CPU's random state, and the device's, are touched: asking a graphics card for its own would wake it up.
    """
    device = torch.device(device)
    cards = range(0 if device.type == "cpu" else torch.get_device_module(device).device_count())
    with torch.random.fork_rng(cards, device_type=device.type):
        (torch.manual_seed if cards else torch.default_generator.manual_seed)(seed)
        yield


def fit(model: nn.Module, data: Batch, loss: Loss, *, epochs: int, batch: int = 256, lr: float = 1e-3,
        one_cycle: bool = False, held_out: Batch | None = None, seed: int = 0,
        device: str | torch.device | None = None) -> History:
    """Train the model in place with Adam and return its history, which the model keeps as ``model.history``.

    Parameters
    ----------
    data, held_out
        Tuples of tensors with the same first dimension, for example ``(images,)`` or ``(images, labels)``.
    loss
        ``loss(model, *batch, step)`` returns named terms, each of shape (B,); the mean of their sum is minimised. What
        it makes itself, noise or an index, it makes on the device of its batch.
    lr, one_cycle
        The learning rate of Adam; with ``one_cycle`` its peak (Smith and Topin 2018).
    seed
        Fixes the order of the images, the loss's noise and dropout; the model's initialisation is the caller's.
    device
        "cpu", "cuda", "mps" or "auto" (see `devices.chosen`); None takes what ``AECOURSE_DEVICE`` names, else the CPU.
        The model returns to where it was.

    Raises
    ------
    Diverged
        The loss or a weight became NaN or infinite, or the loss ten times as large as that of the untrained model.
    Stopped
        By the stop button or Ctrl-C: a KeyboardInterrupt, so that the cells which wait in a queue do not run either.
    CourseError
        The model, the data, the loss or a setting is not what is described here, or the device is not there.
    """
    data = checked(model, data)
    held_out = None if held_out is None else checked(model, held_out, "held_out")
    check_settings(model, epochs=epochs, batch=batch, lr=lr)
    device, home = devices.chosen(device), next(model.parameters()).device
    n, steps = len(data[0]), epochs * -(-len(data[0]) // batch)
    order = torch.Generator().manual_seed(seed)
    step = Step(0.0, torch.Generator(device).manual_seed(seed), True)
    history, line, begun, how = History(), Line(), time.perf_counter(), "ended by an error"
    model.history = history  # type: ignore[assignment]  # torch declares tensors and modules alone; it takes anything
    first, done, sums = None, 0, _NOTHING
    untrained = good = _copy(model)
    with seeded(seed, device):
        try:
            data, held_out = _at(device, data), held_out and _at(device, held_out)
            model.to(device)
            optimiser = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps) if one_cycle else None
            _check_single(model, data, batch, loss, device)
            for epoch in range(1, epochs + 1):
                model.train()
                sums = _NOTHING
                for index in torch.randperm(n, generator=order).to(device).split(batch):
                    terms = loss(model, *_rows(data, index), step=step)
                    check_terms(terms, len(index))
                    total = _total(terms).mean()
                    check_gradient(total)
                    optimiser.zero_grad()
                    total.backward()
                    optimiser.step()
                    if schedule:
                        schedule.step()
                    sums, done = _added(sums, terms, len(index)), done + 1
                    step.progress = done / steps
                    first = total.detach() if first is None else first
                    if line.due():  # a number is read back from a graphics card then, and at the end of an epoch
                        line.show(f"epoch {epoch} of {epochs} · loss {_finite(total.item(), epoch):.2f}", done / steps)
                mean = _finite(_means(sums)["loss"], epoch)
                assert first is not None  # an epoch has a batch
                if _grown(mean, first.item()):
                    before = _loss_of(untrained, model, _rows(data, index), loss, step)
                    if _grown(mean, before):
                        raise Diverged(f"the loss grew from {before:.4g} to {mean:.4g} in epoch {epoch}")
                if not _sound(model):
                    raise Diverged(f"weights became NaN or infinite in epoch {epoch}, though the loss did not")
                _record(history, epoch, sums, model, held_out, loss)
                good = _copy(model)
            how = ""
        except KeyboardInterrupt:
            how, history.stopped = "stopped", True
            if not _sound(model):
                model.load_state_dict(good)
            elif sums[1] and history.epochs[-1:] != [done * epochs / steps]:
                _record(history, done * epochs / steps, sums, model, held_out, loss)
            stopped = Stopped(f"Training {_summary(history, epochs, how)}. The model keeps what it has learned; its "
                              "history is model.history, under the name of your model.")
            stopped.history = history
            raise stopped from None
        except Diverged as error:
            how = "diverged"
            model.load_state_dict(good)
            error.args = (f"{error} at learning rate {lr:g}. {_advice(data, lr)} The model is back at its state after "
                          f"epoch {len(history.epochs)}.",)
            error.history = history
            raise
        finally:
            model.to(home).eval()
            history.seconds = time.perf_counter() - begun
            line.close(_summary(history, epochs, how) + f" · {history.seconds:.1f} s" + _remark(history, data))
    return history


def mean_loss(model: nn.Module, data: Batch, loss: Loss, *, seed: int = 0, chunk: int = 4096) -> dict[str, float]:
    """Return each term's mean per image, and their sum as "loss", without training; noise comes from the seed.

    It is computed where the model is. Data or a loss that are not as described in `fit` raise a CourseError.
    """
    data = checked(model, data)
    device = next((p.device for p in model.parameters()), data[0].device)
    step = Step(1.0, torch.Generator(device).manual_seed(seed), False)
    was_training, sums = model.training, _NOTHING
    model.eval()
    try:
        with torch.no_grad():
            for rows in zip(*(t.split(chunk) for t in data), strict=True):
                terms = loss(model, *_at(device, rows), step=step)
                check_terms(terms, len(rows[0]))
                sums = _added(sums, terms, len(rows[0]))
    finally:
        model.train(was_training)
    return _means(sums)


# ---- the loop's small helpers ---------------------------------------------------------------------------------------


Sums = tuple[dict[str, Tensor], int]  # of each term over the images so far, and how many these are
_NOTHING: Sums = ({}, 0)


def _total(terms: dict[str, Tensor]) -> Tensor:
    """Return the loss of each image, the sum of its terms."""
    first, *others = terms.values()
    return sum(others, 0 + first)  # the 0 makes numbers of truth values, whose own + is "or"


def _added(sums: Sums, terms: dict[str, Tensor], n: int) -> Sums:
    """Return the sums with a batch of n images more; new ones, so that a stop in between leaves none half made."""
    more = {name: values.detach().sum(dtype=torch.float32) for name, values in terms.items()}
    more["loss"] = _total(terms).detach().sum(dtype=torch.float32)
    check_names(sums[0], more)
    return {name: sums[0].get(name, 0) + value for name, value in more.items()}, sums[1] + n


def _means(sums: Sums) -> dict[str, float]:
    values = torch.stack(list(sums[0].values())).tolist()  # one look at the card for all of them
    return {name: value / sums[1] for name, value in zip(sums[0], values, strict=True)}


def _record(history: History, epoch: float, sums: Sums, model: nn.Module, held_out: Batch | None, loss: Loss) -> None:
    measured = {"train": _means(sums), "held_out": {} if held_out is None else mean_loss(model, held_out, loss)}
    for part, means in measured.items():
        check_names(getattr(history, part), means)
    longer = {part: {name: [*getattr(history, part).get(name, []), value] for name, value in means.items()}
              for part, means in measured.items()}
    vars(history).update(longer, epochs=[*history.epochs, epoch])  # all lists at once, whenever a stop comes


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _rows(data: Batch, index: Tensor) -> Iterator[Tensor]:
    return (t.index_select(0, index) for t in data)  # copies whole rows, in half the time of t[index]


def _at(device: torch.device, tensors: Iterable[Tensor]) -> Batch:
    return tuple(t.to(device) for t in tensors)


# ---- does it go well? -----------------------------------------------------------------------------------------------


def _finite(value: float, epoch: int) -> float:
    if not math.isfinite(value):
        raise Diverged(f"the loss became {value} in epoch {epoch}")
    return value


def _grown(now: float, before: float) -> bool:
    return now > before + 9 * abs(before) + 1  # the 1 is for losses that begin near 0


def _loss_of(weights: dict[str, Tensor], model: nn.Module, rows: Iterable[Tensor], loss: Loss, step: Step) -> float:
    """Return the loss with other weights at the same moment: a weight on a term may have grown since the start."""
    mine = _copy(model)
    model.load_state_dict(weights)
    try:
        with torch.no_grad():
            return _total(loss(model, *rows, step=step)).mean().item()
    finally:
        model.load_state_dict(mine)


def _sound(model: nn.Module) -> bool:
    """Return whether every weight is finite: the gradient of a finite loss need not be, such as that of √0."""
    return bool(torch.stack([p.isfinite().all() for p in model.parameters()]).all())


def _advice(data: Batch, lr: float) -> str:
    for place, part in enumerate(data, start=1):
        if part.is_floating_point() and not part.isfinite().all():
            return f"Part {place} of the data holds NaN or infinite values: look at these first."
    return (f"Try lr={lr / 10:g}; if that does not help, look in the loss for a logarithm of 0, a division by 0, or a "
            "root of 0, whose gradient is infinite.")


def _check_single(model: nn.Module, data: Batch, batch: int, loss: Loss, device: torch.device) -> None:
    """Raise a `CourseError` where a batch holds one image and batch normalisation cannot do with one."""
    n = len(data[0])
    if 1 not in (batch, n % batch) or not any(isinstance(m, BATCH_NORM) for m in model.modules()):
        return
    state = _copy(model)
    try:
        with torch.no_grad():
            loss(model.train(), *(t[:1] for t in data), step=Step(0.0, torch.Generator(device).manual_seed(0), True))
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        other = next((b for b in range(batch + 1, n + 1) if n % b != 1), None)
        raise CourseError(f"with {n} images and batch={batch} a batch holds one image, and batch normalisation needs "
                          f"two: " + (f"take batch={other}." if other else "take more images.")) from None
    finally:
        model.load_state_dict(state)


def _summary(history: History, epochs: int, how: str) -> str:
    if not history.epochs:
        return f"{how} before the first epoch was complete"
    parts = [f"{how} after {history.epochs[-1]:.3g} of {epochs} epochs".removeprefix(" after "),
             f"training loss {history.train['loss'][-1]:.2f}"]
    if history.held_out:
        parts.append(f"held-out loss {history.held_out['loss'][-1]:.2f}")
    return " · ".join(parts)


def _remark(history: History, data: Batch) -> str:
    """Return what is to be said at the end: held-out data that hold NaN, or a cross-entropy that falls without end."""
    if not history.epochs:
        return ""
    if history.held_out and not math.isfinite(history.held_out["loss"][-1]):
        return " · the held-out loss is no number: look for NaN or infinite values in the held-out data"
    if history.train["loss"][-1] >= 0 or not data[0].is_floating_point():
        return ""
    low, high = (value.item() for value in data[0].aminmax())
    return (" · the loss is below 0. A density's may be; a cross-entropy needs images in [0, 1], and these reach from "
            f"{low:.3g} to {high:.3g}") if low < 0 or high > 1 else ""
