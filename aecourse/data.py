"""The images, and how to take parts of them.

MNIST is looked for in this order: the absolute folder named by the environment variable ``AECOURSE_DATA`` (only ever
read), the course's cache, torchvision's download into that cache.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aecourse._files import DataError, Report, at_hand, cache_folder, fetch, find, fingerprint, inspect, known, where

__all__ = ["DataError", "Digits", "Report", "at_hand", "cache_folder", "fetch", "fingerprint", "inspect", "load",
           "stratified_subset", "validation_split", "where"]

QUICK = (6_000, 1_000)  # training and test images with AECOURSE_QUICK=1


@dataclass(frozen=True)
class Digits:
    """Images float32 in [0, 1] of shape (N, 784) and labels int64 of shape (N,), for training and for the test."""

    name: str
    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor

    def __repr__(self) -> str:
        return f"{self.name}: {len(self.x_train):,} training and {len(self.x_test):,} test images of 28 × 28 pixels"


def load(name: str | None = None) -> Digits:
    """Return a data set, from the folder, the cache or a download (see the module's text).

    Parameters
    ----------
    name
        "mnist" or "fashion"; None takes the environment variable ``AECOURSE_DATASET``, else "mnist".

    Raises
    ------
    DataError
        The data set is unknown, damaged where only the reader can mend it, or cannot be downloaded.
    """
    name = known(name)
    folder = find(name)
    n_train, n_test = QUICK if os.environ.get("AECOURSE_QUICK") == "1" else (60_000, 10_000)
    x_train, y_train = _read(folder, "train", n_train)
    x_test, y_test = _read(folder, "t10k", n_test)
    return Digits(name, x_train, y_train, x_test, y_test)


def validation_split(n: int, held_out: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return two index tensors, training (n − held_out,) and validation (held_out,), drawn without overlap."""
    if not 0 < held_out < n:
        raise ValueError(f"held_out must lie between 1 and {n - 1}; it is {held_out}")
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[held_out:], order[:held_out]


def stratified_subset(labels: Tensor, n: int, seed: int = 0) -> Tensor:
    """Return the indices (n,) of a random subset in which every class has the same number of images.

    Where n is no multiple of the number of classes, some classes, drawn at random, have one more.

    Raises
    ------
    ValueError
        A class has fewer images than its share, or n is smaller than 1.
    """
    generator = torch.Generator().manual_seed(seed)
    classes = labels.unique()
    share = torch.full((len(classes),), n // len(classes))
    share[torch.randperm(len(classes), generator=generator)[: n % len(classes)]] += 1
    chosen = []
    for label, count in zip(classes.tolist(), share.tolist(), strict=True):
        members = (labels == label).nonzero().squeeze(1)
        if n < 1 or len(members) < count:
            raise ValueError(f"{n} images need {count} of class {label}; it has {len(members)}")
        chosen.append(members[torch.randperm(len(members), generator=generator)[:count]])
    together = torch.cat(chosen)
    return together[torch.randperm(n, generator=generator)]


def _read(folder: Path, part: str, n: int) -> tuple[Tensor, Tensor]:
    images = np.fromfile(folder / f"{part}-images-idx3-ubyte", np.uint8, count=n * 784, offset=16)
    labels = np.fromfile(folder / f"{part}-labels-idx1-ubyte", np.uint8, count=n, offset=8)
    return torch.from_numpy(images).reshape(n, 784).float().div_(255), torch.from_numpy(labels).long()
