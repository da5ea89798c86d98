"""Are the built-in digits worth learning from? A small network trained on them alone reads real MNIST.

Run it from the project's root: ``python benchmarks/transfer.py``. It writes ``benchmarks/transfer.json``.

Protocol, three times with three seeds (one seed for the drawing, the first weights and the order of the images):

- draw 40,000 digits with ``aecourse.strokes.draw(40_000, seed)``; no image of MNIST is used for training;
- a network of two convolutions (5 × 5, 16 and 32 maps, each with ReLU and 2 × 2 max pooling), dropout 0.3 and a
  hidden layer of 64; 5 epochs of Adam with ``aecourse.train.fit``, batch 128, one cycle with a peak of 0.002;
- measure the accuracy on MNIST's 10,000 test images.

The ways of writing, their variation and the network were chosen on the first 10,000 of MNIST's training images; their
accuracy is given too. The test images were used for the final figure only. It takes about a minute for each seed on
one core.
"""

import json
import os
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from aecourse import data, strokes, train

N, EPOCHS, BATCH, PEAK, SEEDS = 40_000, 5, 128, 2e-3, (0, 1, 2)
RESULT = Path(__file__).with_suffix(".json")


def network(seed: int) -> nn.Sequential:
    """Return the untrained network, (B, 784) to logits (B, 10)."""
    with train.seeded(seed):
        return nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * 49, 64), nn.ReLU(), nn.Linear(64, 10),
        )


def loss(model: nn.Module, x: Tensor, y: Tensor, step: train.Step) -> dict[str, Tensor]:
    """Return the cross-entropy of each image in nats, (B,)."""
    return {"cross-entropy": cross_entropy(model(x), y, reduction="none")}


@torch.no_grad()
def predict(model: nn.Module, x: Tensor) -> Tensor:
    """Return the predicted labels (N,)."""
    return torch.cat([model(part).argmax(1) for part in x.split(2_000)])


def main() -> None:
    mnist = data.load("mnist")
    if len(mnist.x_test) != 10_000:
        raise SystemExit("this figure needs all of MNIST: unset AECOURSE_QUICK")
    runs = []
    for seed in SEEDS:
        start = time.perf_counter()
        digits = strokes.draw(N, seed)
        drawing = time.perf_counter() - start
        model = network(seed)
        history = train.fit(model, (torch.from_numpy(digits.images), torch.from_numpy(digits.labels)), loss,
                            epochs=EPOCHS, batch=BATCH, lr=PEAK, one_cycle=True, seed=seed)
        right = predict(model, mnist.x_test) == mnist.y_test
        selected = predict(model, mnist.x_train[:10_000]) == mnist.y_train[:10_000]
        runs.append({
            "seed": seed, "test_accuracy": round(right.float().mean().item(), 4),
            "selection_accuracy": round(selected.float().mean().item(), 4),
            "test_accuracy_by_class": [round(right[mnist.y_test == d].float().mean().item(), 3) for d in range(10)],
            "seconds_drawing": round(drawing, 1), "seconds_training": round(history.seconds, 1),
        })
        print(runs[-1])
    accuracies = [run["test_accuracy"] for run in runs]
    result = {
        "what": "accuracy on MNIST of a small convolutional network trained on the built-in strokes alone",
        "trained_on": f"{N:,} strokes", "epochs": EPOCHS, "batch": BATCH, "peak_learning_rate": PEAK,
        "test_accuracy_mean": round(statistics.mean(accuracies), 4),
        "test_accuracy_spread": round(statistics.stdev(accuracies), 4), "spread_is": "standard deviation over seeds",
        "threads": torch.get_num_threads(), "torch": torch.__version__, "runs": runs,
    }
    unfinished = RESULT.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(result, indent=1) + "\n")
    os.replace(unfinished, RESULT)
    print(f"{result['test_accuracy_mean']:.2%} ± {result['test_accuracy_spread']:.2%} on MNIST's test images")


if __name__ == "__main__":
    main()
