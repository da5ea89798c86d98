"""How fast is `fit`? Side by side in one run: the same network, images, batch and number of updates for every loop.

    python benchmarks/fit.py            # print the tables
    python benchmarks/fit.py --write    # and store them in benchmarks/README.md

Each round times every loop once, in turn, so that a drift of the machine meets them all; a ratio is taken within a
round, and the table gives its median and its range over the rounds. skorch and Lightning take part where they are
installed, and `fit` on a graphics card where there is one.
"""

import argparse
import contextlib
import functools
import importlib.util
import io
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from itertools import pairwise

import page
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from aecourse import data, devices, losses
from aecourse.base import vision
from aecourse.models import Autoencoder
from aecourse.train import fit, seeded

WIDTHS = [784, 128, 64, 32]


def network() -> Autoencoder:
    with seeded(0):
        return Autoencoder(WIDTHS)


def squared_error(model: nn.Module, x: Tensor, step) -> dict[str, Tensor]:
    return {"squared error": losses.squared_error(model(x), x)}


# ---- the loops: each goes once through the images in batches; all but the bare products update the weights ----------


def ours(x: Tensor, batch: int, epochs: int = 1, device: str = "cpu") -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        fit(network(), (x,), squared_error, epochs=epochs, batch=batch, device=device)


def tutorial(x: Tensor, batch: int) -> None:
    """The widespread way: a torchvision data set, transforms on each image, a DataLoader, a loop by hand."""
    torchvision = vision.load()
    transform = torchvision.transforms.Compose([torchvision.transforms.ToTensor(), torch.flatten])
    images = torchvision.datasets.MNIST(data.fetch("mnist").parent.parent, train=True, transform=transform)
    model = network()
    optimiser, criterion = torch.optim.Adam(model.parameters()), nn.MSELoss()
    for inputs, _ in DataLoader(images, batch_size=batch, shuffle=True):
        loss = criterion(model(inputs), inputs)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def with_skorch(x: Tensor, batch: int) -> None:
    from skorch import NeuralNet

    net = NeuralNet(network(), nn.MSELoss, optimizer=torch.optim.Adam, batch_size=batch, max_epochs=1,
                    iterator_train__shuffle=True, train_split=None, verbose=0)
    net.fit(x, x)


def with_lightning(x: Tensor, batch: int) -> None:
    vision.load()  # Lightning imports torchvision, so a pair of different builds must be mended first
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def training_step(self, rows, _):
            return nn.functional.mse_loss(self.net(rows[0]), rows[0])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters())

    trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
                                enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(Module(), DataLoader(TensorDataset(x), batch_size=batch, shuffle=True))


def bare_products(x: Tensor, batch: int) -> None:
    """The matrix products of the forward and backward pass alone: no gather, bias, ReLU, loss or optimiser."""
    widths = [*WIDTHS, *WIDTHS[-2::-1]]
    weights = [torch.randn(b, a, dtype=x.dtype) for a, b in pairwise(widths)]
    for rows in x.split(batch):
        inputs = [rows]
        for w in weights:
            inputs.append(inputs[-1] @ w.T)
        gradient = inputs[-1]
        for i in range(len(weights) - 1, -1, -1):
            gradient.T @ inputs[i]
            if i:
                gradient = gradient @ weights[i]


def ours_bfloat16(x: Tensor, batch: int) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        ours(x, batch)


LOOPS: dict[str, Callable[[Tensor, int], None]] = {
    "`fit`": ours,
    **{f"`fit` on {kind}": functools.partial(ours, device=kind) for kind in devices.there() if kind != "cpu"},
    "tutorial: torchvision transforms in a DataLoader": tutorial,
    "skorch, images in memory": with_skorch,
    "Lightning, images in memory": with_lightning,
    "bare forward and backward products": bare_products,
    "`fit` under bfloat16 autocast": ours_bfloat16,
    "bare products in bfloat16": lambda x, batch: bare_products(x.bfloat16(), batch),
}
NEEDS = {"skorch, images in memory": "skorch", "Lightning, images in memory": "lightning"}


# ---- measuring ------------------------------------------------------------------------------------------------------


def seconds(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(x: Tensor, batch: int, threads: int, rounds: int) -> list[list[str]]:
    """Return a row for each loop: its name, median seconds, and its time relative to `fit` (median, range)."""
    torch.set_num_threads(threads)
    there = {name: loop for name, loop in LOOPS.items()
             if name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None}
    for loop in there.values():
        loop(x[: 4 * batch] if loop is not tutorial else x, batch)  # warm up; the tutorial's data set has one size
    taken: dict[str, list[float]] = {name: [] for name in there}
    for _ in range(rounds):
        for name, loop in there.items():
            taken[name].append(seconds(lambda loop=loop: loop(x, batch)))
    rows = []
    for name, values in taken.items():
        ratios = [a / b for a, b in zip(values, taken["`fit`"], strict=True)]
        rows.append([name, f"{batch}", f"{threads}", f"{statistics.median(values):.2f}",
                     f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f}–{max(ratios):.2f}"])
    return rows


def growth(x: Tensor, rounds: int) -> list[list[str]]:
    """Return how `fit`'s time grows with images and epochs, per image and epoch."""
    torch.set_num_threads(1)
    rows = []
    for n, epochs in [(15_000, 1), (30_000, 1), (60_000, 1), (15_000, 4), (30_000, 4)]:
        part = x[:n]
        taken = [seconds(lambda part=part, epochs=epochs: ours(part, 256, epochs)) for _ in range(rounds)]
        median = statistics.median(taken)
        rows.append([f"{n:,}", str(epochs), f"{median:.2f}", f"{1e6 * median / n / epochs:.1f}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each loop is timed (default: 5)")
    parser.add_argument("--write", action="store_true", help="store the tables in benchmarks/README.md")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    for name in ("lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    x = data.load("mnist").x_train
    rows = []
    for batch, threads in [(256, 1), (256, 2), (512, 1), (512, 2)]:
        rows += compare(x, batch, threads, arguments.rounds)
        print(page.table(HEAD, rows[-len(LOOPS):]), flush=True)
    text = (f"Measured on {page.machine()}; {arguments.rounds} rounds, one epoch on MNIST's 60,000 training "
            "images.\n\n" + page.table(HEAD, rows) + "\nHow the time of `fit` grows (batch 256, one thread):\n\n"
            + page.table(["images", "epochs", "seconds", "µs per image and epoch"], growth(x, arguments.rounds)))
    print(text)
    if arguments.write:
        page.store("python benchmarks/fit.py --write", text)


HEAD = ["loop", "batch", "threads", "seconds", "relative to `fit`", "range"]

if __name__ == "__main__":
    main()
