"""fit(): one training loop and one history for every model of the course."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from aecourse import CourseError
from aecourse.progress import Line

Batch = tuple[Tensor, ...]
Loss = Callable[..., dict[str, Tensor]]


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
    epoch's training loss therefore often lies above its held-out loss.
    """

    epochs: list[float] = field(default_factory=list)
    train: dict[str, list[float]] = field(default_factory=dict)
    held_out: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: bool = False  # by the stop button, before the last epoch


class Diverged(CourseError):
    """Training went wrong; the model is back at its last good epoch, and ``history`` holds what came before."""

    history: History


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Make what happens inside reproducible (new layers, dropout) and leave the global random state as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def fit(model: nn.Module, data: Batch, loss: Loss, *, epochs: int, batch: int = 256, lr: float = 1e-3,
        one_cycle: bool = False, held_out: Batch | None = None, seed: int = 0, device: str = "auto") -> History:
    """Train the model in place with Adam and return its history.

    Parameters
    ----------
    data, held_out
        Tuples of tensors with the same first dimension, for example ``(images,)`` or ``(images, labels)``.
    loss
        ``loss(model, *batch, step)`` returns named terms, each of shape (B,); the mean of their sum is minimised.
    lr, one_cycle
        The learning rate of Adam; with ``one_cycle`` its peak (Smith and Topin 2018).
    seed
        Fixes the order of the images, the loss's noise and dropout; the model's first weights are the caller's.
    device
        "cuda", "mps", "cpu", or "auto" for the first of these that is there. The model returns to where it was.

    Raises
    ------
    Diverged
        The loss became NaN, infinite, or ten times as large as at the start.
    CourseError
        The loss returned another shape than one number per image, or the device is not there.
    """
    device, home = _device(device), next(model.parameters()).device
    model.to(device)
    data = tuple(t.to(device) for t in data)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    n, steps = len(data[0]), epochs * -(-len(data[0]) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps) if one_cycle else None
    order = torch.Generator().manual_seed(seed)
    step = Step(0.0, torch.Generator(device).manual_seed(seed), True)
    history, line, start, first, done = History(), Line(), time.perf_counter(), None, 0
    good = _copy(model)
    with seeded(seed):
        try:
            for epoch in range(epochs):
                model.train()
                sums: dict[str, Tensor] = {}
                for index in torch.randperm(n, generator=order).split(batch):
                    rows = (t.index_select(0, index) for t in data)  # copies whole rows, in half the time of t[index]
                    terms = loss(model, *rows, step=step)
                    total = _add(sums, terms, len(index)).mean()
                    first = total.item() if first is None else first
                    if not torch.isfinite(total):
                        raise Diverged(f"the loss became {total.item()} in epoch {epoch + 1}")
                    optimiser.zero_grad()
                    total.backward()
                    optimiser.step()
                    if schedule:
                        schedule.step()
                    done += 1
                    step.progress = done / steps
                    line.show(f"epoch {epoch + 1} of {epochs} · {done} of {steps} steps · loss {total.item():.2f}")
                if (mean := _means(sums)["loss"]) > first + 9 * abs(first):
                    raise Diverged(f"the loss grew from {first:.4g} to {mean:.4g} in epoch {epoch + 1}")
                _record(history, done * epochs / steps, sums, model, held_out, loss, step)
                good = _copy(model)
        except KeyboardInterrupt:
            history.stopped = True
            if sums and history.epochs[-1:] != [done * epochs / steps]:
                _record(history, done * epochs / steps, sums, model, held_out, loss, step)
        except Diverged as error:
            model.load_state_dict(good)
            error.args = (f"{error} at learning rate {lr:g}. Try lr={lr / 10:g}; if that does not help, look for NaN "
                          "in the images, or a logarithm or division of 0 in the loss. The model is back at its state "
                          f"after epoch {len(history.epochs)}.",)
            error.history = history
            raise
        finally:
            model.to(home).eval()
            history.seconds = time.perf_counter() - start
            line.close(_summary(history, epochs))
    return history


def mean_loss(model: nn.Module, data: Batch, loss: Loss, *, seed: int = 0, chunk: int = 4096) -> dict[str, float]:
    """Return each term's mean per image, and their sum as "loss", without training; noise comes from the seed."""
    device = data[0].device
    step = Step(1.0, torch.Generator(device).manual_seed(seed), False)
    was_training, sums = model.training, {}
    model.eval()
    with torch.no_grad():
        for rows in zip(*(t.split(chunk) for t in data), strict=True):
            _add(sums, loss(model, *rows, step=step), len(rows[0]))
    model.train(was_training)
    return _means(sums)


# ---- the loop's small helpers ---------------------------------------------------------------------------------------


def _add(sums: dict[str, Tensor], terms: dict[str, Tensor], n: int) -> Tensor:
    """Add a batch to the running sums and return the summed loss of each image, shape (n,)."""
    for name, values in terms.items():
        if values.shape != (n,):
            raise CourseError(f"the loss's term {name!r} has shape {tuple(values.shape)}, but must hold one number for "
                              f"each of the {n} images: sum over pixels, do not average over the batch")
    total = sum(terms.values())
    for name, values in {**terms, "loss": total}.items():
        sums[name] = sums.get(name, 0) + values.detach().sum(dtype=torch.float32)
    sums["n"] = sums.get("n", 0) + n
    return total


def _means(sums: dict) -> dict[str, float]:
    return {name: float(value) / sums["n"] for name, value in sums.items() if name != "n"}


def _record(history: History, epoch: float, sums: dict, model: nn.Module, held_out: Batch | None, loss: Loss,
            step: Step) -> None:
    history.epochs.append(epoch)
    measured = {"train": _means(sums)}
    if held_out is not None:
        device = step.generator.device
        measured["held_out"] = mean_loss(model, tuple(t.to(device) for t in held_out), loss)
    for part, means in measured.items():
        for name, value in means.items():
            getattr(history, part).setdefault(name, []).append(value)


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _device(name: str) -> torch.device:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, here in there.items() if here)
    if not there.get(name.split(":")[0], False):
        raise CourseError(f"there is no device {name!r} here; choose one of {[d for d, here in there.items() if here]}")
    return torch.device(name)


def _summary(history: History, epochs: int) -> str:
    if not history.epochs:
        return "stopped before the first epoch was complete"
    parts = [f"{'stopped after ' if history.stopped else ''}{history.epochs[-1]:.3g} of {epochs} epochs",
             f"training loss {history.train['loss'][-1]:.2f}"]
    if history.held_out:
        parts.append(f"held-out loss {history.held_out['loss'][-1]:.2f}")
    return " · ".join([*parts, f"{history.seconds:.1f} s"])
