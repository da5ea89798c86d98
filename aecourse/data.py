"""The images, and how to take parts of them.

MNIST is looked for in this order: the absolute folder named by the environment variable ``AECOURSE_DATA`` (only ever
read), the course's cache, a download into that cache. Where none of them has it, the built-in digits of `strokes` take
its place, and this is said.
"""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aecourse import strokes
from aecourse.base import console, letterforms, settings
from aecourse.base.datafiles import (
    DRAWN,
    DataError,
    NotHere,
    Report,
    at_hand,
    cache_folder,
    content,
    fetch,
    find,
    fingerprint,
    inspect,
    known,
    unwritable,
    where,
)
from aecourse.base.messages import lines
from aecourse.base.project import write

__all__ = ["DataError", "Digits", "Report", "at_hand", "cache_folder", "fetch", "fingerprint", "inspect", "load",
           "stratified_subset", "three_parts", "validation_split", "where"]

QUICK = (6_000, 1_000)  # training and test images with AECOURSE_QUICK=1
STROKES = (20_000, 4_000)  # training and test images of the built-in digits


@dataclass(frozen=True)
class Digits:
    """Images float32 in [0, 1] of shape (N, 784) and labels int64 of shape (N,), for training and for the test.

    Of the built-in digits the drawing is known too: ``drawn_train`` and ``drawn_test`` hold "thickness" (pixels) and
    "slant" (pixels to the right for each pixel upwards), shape (N,); for other data sets they are empty.
    """

    name: str
    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor
    drawn_train: dict[str, Tensor] = field(default_factory=dict)
    drawn_test: dict[str, Tensor] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"{self.name}: {len(self.x_train):,} training and {len(self.x_test):,} test images of 28 × 28 pixels"


def load(name: str | None = None) -> Digits:
    """Return a data set, from the folder, the cache or a download (see the module's text).

    Parameters
    ----------
    name
        "mnist", "fashion" or "strokes"; None takes the environment variable ``AECOURSE_DATASET``, else "mnist", and
        where that cannot be had, after saying so, "strokes".

    Raises
    ------
    DataError
        The data set is unknown, damaged where only the reader can fix it, or was asked for by name and cannot be had.
    CourseError
        An environment variable of the course holds what it cannot hold.
    """
    asked = name or settings.data_set()
    name = known(name)
    quick = settings.quick()
    if name == DRAWN:
        return _draw(*(QUICK if quick else STROKES))
    try:
        files = find(name)
    except NotHere as error:
        if asked:
            raise
        console.say(str(error))
        console.say(lines(f"Until then the built-in digits, \"{DRAWN}\", take its place: every result below is theirs, "
                          "not MNIST's."))
        return load(DRAWN)
    n_train, n_test = QUICK if quick else (60_000, 10_000)
    x_train, y_train = _read(files, "train", n_train)
    x_test, y_test = _read(files, "t10k", n_test)
    return Digits(name, x_train, y_train, x_test, y_test)


def validation_split(n: int, held_out: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return two index tensors, training (n − held_out,) and validation (held_out,), drawn without overlap."""
    if not 0 < held_out < n:
        raise ValueError(f"held_out must lie between 1 and {n - 1}; it is {held_out}")
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[held_out:], order[:held_out]


def three_parts(digits: Digits, *, train: int, valid: int, test: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the positions of few images, always the same ones, for methods that cannot take all.

    The first two tensors, (train,) and (valid,), are positions among the training images, without overlap; the third,
    (test,), among the test images, which are mixed first: the two halves of MNIST's are not equally easy. The
    validation images are of the twelfth that the lessons hold out. Where a data set is smaller, there are fewer.
    """
    n = len(digits.x_train)
    rest, held_out = validation_split(n, n // 12)
    mixed = torch.randperm(len(digits.x_test), generator=torch.Generator().manual_seed(0))
    return rest[:train], held_out[:valid], mixed[:test]


def binarised(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return binary images of the same shape: each pixel is 1 with its grey value as the probability."""
    return (torch.rand(images.shape, generator=generator, device=images.device) < images).float()


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


def _read(files: dict[str, Path], part: str, n: int) -> tuple[Tensor, Tensor]:
    """Return the first n images, float32 (n, 784), and labels, int64 (n,), of the training or the test files."""
    images = np.frombuffer(content(files[f"{part}-images-idx3-ubyte"]), np.uint8, count=n * 784, offset=16)
    labels = np.frombuffer(content(files[f"{part}-labels-idx1-ubyte"]), np.uint8, count=n, offset=8)
    return (torch.from_numpy(images.astype(np.float32)).reshape(n, 784).div_(255),
            torch.from_numpy(labels.astype(np.int64)))


# ---- the built-in digits --------------------------------------------------------------------------------------------


def _draw(n_train: int, n_test: int) -> Digits:
    """Return the first built-in digits, drawn once and then read from the cache."""
    drawn = _cached_strokes()
    x, y = torch.from_numpy(drawn["images"]).float().div_(255), torch.from_numpy(drawn["labels"]).long()
    known_of = {name: torch.from_numpy(drawn[name]) for name in ("thickness", "slant")}
    train, test = slice(n_train), slice(STROKES[0], STROKES[0] + n_test)
    return Digits(DRAWN, x[train], y[train], x[test], y[test],
                  *({name: values[part] for name, values in known_of.items()} for part in (train, test)))


def _cached_strokes() -> dict[str, np.ndarray]:
    """Return all built-in digits from the cache; where they are not there, or not whole, draw and keep them."""
    source = b"".join(Path(file).read_bytes() for file in (strokes.__file__, letterforms.__file__))
    path = cache_folder() / f"strokes-{hashlib.sha256(source).hexdigest()[:12]}.npz"  # other strokes, another file
    try:
        with np.load(path) as file:
            return dict(file)
    except Exception:  # not there, cut off, or changed: a damaged archive raises errors of many kinds
        pass
    console.say(f"Drawing {sum(STROKES):,} digits, once, in a few seconds …")
    made = strokes.draw(sum(STROKES), seed=0)
    drawn = {"images": np.rint(255 * np.asarray(made.images)).astype(np.uint8),
             "labels": np.asarray(made.labels).astype(np.uint8),
             "thickness": np.asarray(made.thickness), "slant": np.asarray(made.slant)}
    archive = io.BytesIO()
    np.savez(archive, **drawn)
    try:
        write(path, archive.getvalue())
    except OSError as error:
        console.say(f"They could not be kept, so they are drawn again next time.\n{unwritable(error, path.parent)}")
    return drawn


def swiss_roll(turns: float, n: int = 1500) -> tuple[Tensor, np.ndarray]:
    """Return n points (n, 3) of a Swiss roll, and their places on the sheet (n, 2): arc length, position across it.

    The sheet is rolled along the spiral r = t, from t = 1.5π on. The points have the mean 0 and are divided by one
    standard deviation, that of all their coordinates.
    """
    rng = np.random.default_rng(0)
    t, position = 1.5 * np.pi + 2 * np.pi * turns * rng.random(n), 21 * rng.random(n)
    roll = np.stack([t * np.cos(t), position, t * np.sin(t)], 1)
    arc = 0.5 * (t * np.sqrt(1 + t**2) + np.arcsinh(t))
    roll = (roll - roll.mean(0)) / (roll - roll.mean(0)).std()
    return torch.from_numpy(roll).float(), np.stack([arc, position], 1)


def tiled(images: Tensor) -> Tensor:
    """Return the first n² images of (N, 784), n as large as it can be, as one picture (28 n, 28 n) with n in a row."""
    n = int(len(images) ** 0.5)
    return images[: n * n].reshape(n, n, 28, 28).permute(0, 2, 1, 3).reshape(28 * n, 28 * n)


def patches(images: Tensor, n: int, side: int = 8, seed: int = 0) -> Tensor:
    """Return n square patches (n, side²) from random places of images (N, 784), none of them from an empty corner."""
    cut = images.reshape(-1, 28, 28).unfold(1, side, side // 2).unfold(2, side, side // 2).reshape(-1, side * side)
    cut = cut[cut.sum(1) > side]
    return cut[torch.randperm(len(cut), generator=torch.Generator().manual_seed(seed))[:n]]
