"""The long runs, which a lesson cannot afford: the papers' networks, trained until they come near the papers' figures.

    python benchmarks/papers.py                               # list the runs and what they reached
    python benchmarks/papers.py autoencoder-30                # do one, or go on with it
    python benchmarks/papers.py autoencoder-30 --minutes 10   # ten minutes of it; the rest another time

After each epoch a checkpoint is stored in the course's cache folder, so a run can be stopped at any time (Ctrl-C) and
loses at most one epoch; stopped or not, it ends with the same numbers. The result goes into benchmarks/papers.json;
`python -m aecourse build` then shows it in RESULTS.md, beside the lesson's figure and the paper's.

To add a run, write a `Run` with functions for its network, its loss and its measure, and put it into RUNS. Its
settings are chosen beforehand on validation images, `data.validation_split(60_000, 5_000)`; the test images are used
once, at the end.
"""

import argparse
import functools
import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import papers_semi as semi  # the scripts beside this one
import torch
from page import machine
from torch import Tensor, nn
from torch.nn import functional as F

from aecourse import CourseError, data, losses
from aecourse.base import project, settings
from aecourse.models import VAE, Autoencoder, begin_at_mean, he
from aecourse.progress import Line
from aecourse.train import Loss, Step, seeded

RESULTS = Path(__file__).with_suffix(".json")
STORE = data.cache_folder() / "papers"  # the checkpoints


@dataclass(frozen=True)
class Run:
    """One long run: what it belongs to, what it trains and what it measures."""

    name: str
    lesson: str  # with `claim` the key by which RESULTS.md puts the figure beside the lesson's
    claim: str | None
    statement: str
    unit: str
    paper: str  # the published figure and its source
    protocol: str  # in words: network, loss, what was chosen on which images, where the paper differs
    network: Callable[[data.Digits, int], nn.Module]  # from the digits and a seed; a buffer keeps labelled images
    loss: Loss
    measure: Callable[[nn.Module, data.Digits], tuple[float, str]]  # the figure, and in words one to show beside it
    epochs: int
    batch: int
    lr: float  # the peak of one cycle of Adam
    seeds: tuple[int, ...] = (0,)
    prepare: Callable[[data.Digits], data.Digits] | None = None  # done once, before all seeds
    watch: Callable[[nn.Module, data.Digits], float] | None = None  # after each epoch, without the test images


# ---- training that can be interrupted -------------------------------------------------------------------------------


def train(run: Run, seed: int, digits: data.Digits, until: float = float("inf")) -> tuple[nn.Module, int, float]:
    """Train on the training images, from the checkpoint if there is one; return model, epochs done, seconds taken.

    It ends with fewer than ``run.epochs`` epochs done after Ctrl-C, or with the epoch in which ``time.monotonic()``
    passes ``until``.

    `aecourse.train.fit` begins every call with a new Adam and a new cycle of the learning rate, so it cannot go on with
    a run. This loop keeps both in the checkpoint. Each epoch has a random generator of its own, seeded by seed and
    epoch: there is no random state to store, and a resumed epoch draws what the uninterrupted one draws.
    """
    x = digits.x_train
    path, key = _path(run, seed), [run.protocol, run.epochs, run.batch, run.lr, len(x)]
    model, steps = run.network(digits, seed), -(-len(x) // run.batch)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], run.lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, run.lr, total_steps=run.epochs * steps)
    parts = {"model": model, "optimiser": optimiser, "schedule": schedule}
    done, seconds, curve, line, last = 0, 0.0, [], Line(), ""
    if path.is_file():
        stored = torch.load(path, weights_only=True)
        if stored["key"] != key:
            raise CourseError(f"{path} was made with other settings of {run.name}. --again starts from the beginning.")
        for name, part in parts.items():
            part.load_state_dict(stored[name])
        done, seconds, curve = stored["done"], stored["seconds"], stored.get("curve", [])
    try:
        while done < run.epochs and time.monotonic() < until:
            start, total, own = time.perf_counter(), 0.0, 1_000_000 * seed + done
            left = f"about {_minutes(seconds / done * (run.epochs - done))} left" if done else ""
            generator = torch.Generator().manual_seed(own)
            model.train()
            with seeded(own):  # for layers that draw by themselves, such as dropout
                for i, index in enumerate(torch.randperm(len(x), generator=generator).split(run.batch)):
                    step = Step((done + i / steps) / run.epochs, generator, True)
                    loss = sum(run.loss(model, x[index], step=step).values()).mean()
                    if not torch.isfinite(loss):
                        raise CourseError(f"{run.name}: the loss became {loss.item()} in epoch {done + 1}; the epochs "
                                          "before it are stored.")
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    schedule.step()
                    total += loss.item() * len(index)
                    line.show(f"{run.name}, seed {seed} · epoch {done + 1} of {run.epochs} · step {i + 1} of {steps} · "
                              f"loss {loss.item():.3f} · {left}   ")
            seconds += time.perf_counter() - start
            curve += [round(run.watch(model.eval(), digits), 4)] if run.watch else []
            _store(path, {"key": key, "done": done + 1, "seconds": seconds, "curve": curve}
                   | {name: part.state_dict() for name, part in parts.items()})
            done, last = done + 1, f" · training loss {total / len(x):.3f}"
    except KeyboardInterrupt:
        last = " · interrupted"
    line.close(f"{run.name}, seed {seed} · {done} of {run.epochs} epochs are stored, {_minutes(seconds)}{last}   ")
    return model.eval(), done, seconds


def _path(run: Run, seed: int) -> Path:
    return STORE / f"{run.name}-{seed}.pt"


def _store(path: Path, state: dict) -> None:
    file = io.BytesIO()
    torch.save(state, file)
    project.write(path, file.getvalue())


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


# ---- results --------------------------------------------------------------------------------------------------------


def results() -> dict[str, dict]:
    """Return name → record of the finished runs."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}


def do(run: Run, digits: data.Digits, minutes: float = float("inf"), again: bool = False) -> dict | None:
    """Do the run, or go on with it; store and return its record, or return None where it is not finished yet."""
    if again:
        _forget(run)
    elif run.name in results() and not _begun(run):
        print(f"{run.name} is finished; --again does it from the beginning.")
        return results()[run.name]
    digits = run.prepare(digits) if run.prepare else digits
    until, values, curves, beside, seconds = time.monotonic() + 60 * minutes, [], [], "", 0.0
    for seed in run.seeds:
        model, done, taken = train(run, seed, digits, until)
        if done < run.epochs:
            print("The same command goes on with it.")
            return None
        value, beside = run.measure(model, digits)
        values, seconds = [*values, value], seconds + taken
        if run.watch:
            curves.append(torch.load(_path(run, seed), weights_only=True)["curve"])
    training = (f"Adam, one cycle of the learning rate with a peak of {run.lr:g}, batch {run.batch}, {run.epochs} "
                f"epochs over all {len(digits.x_train):,} training images; the test images were used once, at the end.")
    record = {
        "lesson": run.lesson, "claim": run.claim, "statement": run.statement, "unit": run.unit, "paper": run.paper,
        "value": round(statistics.mean(values), 4), "values": [round(v, 4) for v in values], "seeds": list(run.seeds),
        "spread": round(statistics.stdev(values), 4) if len(values) > 1 else None, "beside": beside,
        "data": digits.name, "protocol": f"{run.protocol} {training}", "seconds": round(seconds),
        "threads": torch.get_num_threads(), "machine": machine(), "date": date.today().isoformat(),
    } | ({"curve": [round(statistics.mean(epoch), 2) for epoch in zip(*curves, strict=True)]} if curves else {})
    text = json.dumps(results() | {run.name: record}, indent=1, sort_keys=True, ensure_ascii=False)
    project.write(RESULTS, text + "\n")
    _forget(run)
    return record


def _begun(run: Run) -> list[Path]:
    """Return the run's checkpoints; a finished run has none."""
    return [path for path in (_path(run, seed) for seed in run.seeds) if path.is_file()]


def _forget(run: Run) -> None:
    for path in _begun(run):
        path.unlink()


def _state(run: Run) -> str:
    """Return in words what the run reached and, where it is not finished, how far it is."""
    words, record = [], results().get(run.name)
    if record:
        words.append(f"{record['value']} {record['unit']}, after {_minutes(record['seconds'])}")
    if _begun(run) or not record:
        done = sum(torch.load(path, weights_only=True)["done"] for path in _begun(run))
        words.append(f"not finished, {done} of {run.epochs * len(run.seeds)} epochs are stored")
    return "; a new run is ".join(words)


# ---- lesson 03: 784-1000-500-250-30 ---------------------------------------------------------------------------------


def deep_autoencoder(digits: data.Digits, seed: int) -> Autoencoder:
    """Return the net with the first weights of He and others (2015); its first drawing is the mean image."""
    with seeded(seed):
        return he(Autoencoder([784, 1000, 500, 250, 30], nn.SiLU), digits.x_train)


LINEAR, ELASTIC = 0.05, 0.05


def bend(x: Tensor, generator: torch.Generator, linear: float = LINEAR, elastic: float = ELASTIC) -> Tensor:
    """Return the images (B, 784), each turned, scaled and sheared, and bent a little, at random.

    ``linear`` is the standard deviation of the entries that are added to the identity matrix of the map from the new
    image's coordinates to the old one's; ``elastic`` that of the shifts of a grid of 5 × 5 points, between which a
    smooth surface runs. Coordinates go from −1 to 1 over the image: 0.05 are 0.7 pixels.
    """
    here = {"generator": generator, "device": x.device}
    not_shifted = torch.tensor([1.0, 1.0, 0.0], device=x.device)
    maps = torch.eye(2, 3, device=x.device) + linear * torch.randn(len(x), 2, 3, **here) * not_shifted
    shifts = elastic * torch.randn(len(x), 2, 5, 5, **here)
    grid = F.affine_grid(maps, [len(x), 1, 28, 28], align_corners=False)
    grid = grid + F.interpolate(shifts, (28, 28), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    return F.grid_sample(x.view(-1, 1, 28, 28), grid, align_corners=False).clamp(0, 1).view(-1, 784)


def drawn_error(model: Autoencoder, x: Tensor, step: Step) -> dict[str, Tensor]:
    """Return the squared error of each image as drawn by the net (B,): bent images, in the last tenth plain ones."""
    if step.training and step.progress < 0.9:
        x = bend(x, step.generator)
    return {"squared error": losses.squared_error(torch.sigmoid(model(x)), x)}


@torch.no_grad()
def test_error(model: Autoencoder, digits: data.Digits) -> tuple[float, str]:
    def error(x: Tensor) -> float:
        return losses.squared_error(torch.sigmoid(model(x)), x).mean().item()

    return error(digits.x_test), f"on training images {error(digits.x_train[:10_000]):.2f}"


AUTOENCODER_30 = Run(
    name="autoencoder-30", lesson="03", claim="784-1000-500-250-30",
    statement="Squared error per test image, 30 numbers", unit="squared grey levels",
    paper="3.00 (Hinton and Salakhutdinov 2006)",
    protocol="784-1000-500-250-30 and its mirror, SiLU units, a linear code, a sigmoid at the output; first weights "
             "of He and others (2015), the output's bias the logit of the mean image; squared error summed over the "
             "pixels. Against overfitting, each image is turned, scaled and sheared (standard deviation of each entry "
             f"of the linear map {LINEAR:g}) and bent (of the shifts of 5 × 5 points {14 * ELASTIC:g} pixels), anew in "
             "every epoch; in the last tenth of the training it is left plain. Units, deformations and batch were "
             "chosen in short trials on 5,000 of the training images. The paper trained layer by layer first, with "
             "logistic units and without deformed images.",
    network=deep_autoencoder, loss=drawn_error, measure=test_error, epochs=160, batch=128, lr=2e-3,
)

# ---- lesson 06: the variational autoencoder and the importance-weighted one -----------------------------------------


def variational_autoencoder(digits: data.Digits, seed: int) -> VAE:
    """Return 784-200-200-50 and its mirror; its first drawing is the mean image."""
    with seeded(seed):
        return begin_at_mean(VAE([784, 200, 200, 50]), digits.x_train)


def log_weights(model: VAE, x: Tensor, eps: Tensor) -> Tensor:
    """Return log p(x|z) + log p(z) − log q(z|x), shape (k, B), of the codes z that eps (k, B, K) draws from q."""
    mu, logvar = model.encode(x)
    z = mu + (logvar / 2).exp() * eps
    logits = model.decode(z)
    fits = torch.einsum("kbd,bd->kb", logits, x) - F.softplus(logits).sum(2)  # two passes where the usual loss has six
    return fits + 0.5 * (eps.square() + logvar - z.square()).sum(2)


def negative_importance_bound(model: VAE, x: Tensor, step: Step, k: int = 50, followed: int = 5) -> dict[str, Tensor]:
    """Return the negative bound with k samples (B,), whose gradient follows a few samples drawn by their weights.

    The bound's gradient is the mean of the gradients of log w over the k samples, weighted by w (Burda and others 2016,
    eq. 13). A mean over a few samples, drawn with their normalised weights as probabilities, is equal to it in
    expectation, and far cheaper: all k samples are decoded, but only these are followed backwards.
    """
    x = data.binarised(x, step.generator)
    eps = torch.randn(k, len(x), model.decoder[0].in_features, generator=step.generator, device=x.device)
    with torch.no_grad():
        log_w = log_weights(model, x, eps)
        chosen = torch.multinomial(log_w.softmax(0).T, followed, replacement=True, generator=step.generator).T
    mean = log_weights(model, x, eps.gather(0, chosen[..., None].expand(-1, -1, eps.shape[2]))).mean(0)
    return {"negative bound": mean.detach() - mean - losses.importance_bound(log_w)}


@torch.no_grad()
def test_log_likelihood(model: VAE, digits: data.Digits, k: int = 5000) -> tuple[float, str]:  # noqa: PT028
    """Return the bound with k samples on the test images, binarised once as in lesson 06, and in words the ELBO."""
    b_test = data.binarised(digits.x_test, torch.Generator().manual_seed(3))
    generator, bounds, elbos = torch.Generator().manual_seed(0), [], []
    for x in b_test.split(250):
        parts = [log_weights(model, x, torch.randn(50, len(x), 50, generator=generator)) for _ in range(k // 50)]
        log_w = torch.cat(parts)
        bounds.append(losses.importance_bound(log_w))
        elbos.append(log_w.mean(0))
    bound, elbo = torch.cat(bounds), torch.cat(elbos).mean()
    return bound.mean().item(), f"± {bound.std() / len(bound) ** 0.5:.2f} over images; ELBO {elbo:.2f}"


OF_BURDA = ("784-200-200-50 and its mirror with one stochastic layer, binarised anew in each epoch, as in the paper; "
            "SiLU units (the paper: tanh), and 1 learning-rate cycle of Adam instead of 3,280 epochs in 8 steps. The "
            "bound with 5,000 samples on the 10,000 test images, binarised once.")
VAE_50 = Run(
    name="vae-50", lesson="06", claim="evidence", statement="log p(x) of test images, by 5,000 samples", unit="nats",
    paper="−86.76 (Burda, Grosse and Salakhutdinov 2016, table 1: VAE)",
    protocol=f"The ELBO, its KL term warmed up in the first twentieth. {OF_BURDA}",
    network=variational_autoencoder, loss=functools.partial(semi.negative_elbo, rise=20), measure=test_log_likelihood,
    epochs=400, batch=128, lr=2e-3,
)
IWAE_50 = Run(
    name="iwae-50", lesson="06", claim=None, statement="log p(x) of test images, trained by the bound with 50 samples",
    unit="nats", paper="−84.78 (Burda, Grosse and Salakhutdinov 2016, table 1: IWAE, k = 50)",
    protocol="The importance-weighted bound with 50 samples, its gradient followed through 5 of them, drawn by their "
             f"weights. {OF_BURDA}",
    network=variational_autoencoder, loss=negative_importance_bound, measure=test_log_likelihood, epochs=60, batch=128,
    lr=2e-3,
)
VAE_50_BRIEF = replace(  # like for like: is it the loss, or the time?
    VAE_50, name="vae-50-brief", claim=None, epochs=IWAE_50.epochs, paper="–",
    statement=f"log p(x) of test images, trained by the ELBO for {IWAE_50.epochs} epochs, as many as with 50 samples",
)

# ---- lesson 07: few labels ------------------------------------------------------------------------------------------

FEW_LABELS = [Run(
    name=f"{method.name}-{n}", lesson="07", claim=method.claim if n == 100 else None,
    statement=f"Test error with {n} labels, {method.words}", unit="%", paper=paper, protocol=method.protocol,
    network=functools.partial(semi.network, method, n), loss=method.loss,
    measure=functools.partial(semi.test_error, method), epochs=method.epochs, batch=method.batch, lr=method.lr,
    seeds=(0, 1, 2, 3, 4), prepare=method.prepare,
    watch=functools.partial(semi.watched_error, method) if method.watch else None,
) for method in semi.METHODS for n, paper in zip(semi.COUNTS, method.paper, strict=True)]

RUNS = {run.name: run for run in (AUTOENCODER_30, VAE_50, VAE_50_BRIEF, IWAE_50, *FEW_LABELS)}


# ---- the command ----------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=RUNS, help="the run; without it, the runs are listed")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many minutes")
    parser.add_argument("--again", action="store_true", help="throw away what is stored of it and begin anew")
    asked = parser.parse_args(arguments)
    if asked.name is None:
        for run in RUNS.values():
            print(f"{run.name}: lesson {run.lesson}, {run.statement}: {_state(run)}; paper: {run.paper}")
        return 0
    try:
        if settings.quick():
            raise CourseError("this figure needs all of MNIST: unset AECOURSE_QUICK.")
        record = do(RUNS[asked.name], data.load("mnist"), asked.minutes, asked.again)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    if record:
        print(f"{record['statement']}: {record['value']} {record['unit']} ({record['beside']}); "
              f"paper: {record['paper']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
