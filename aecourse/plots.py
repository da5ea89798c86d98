"""The pictures that lessons share, in one style."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from aecourse.train import History

# Okabe and Ito's palette, told apart with any colour vision; black last.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442")
# Ten classes need three more. No ten colours are told apart with any colour vision, so a map names its classes as well.
CLASSES = ListedColormap([BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, "black", "#999999", "#8C510A"])


def use_style() -> None:
    """Set the course's style for all pictures that follow: dark on a white page, whatever was set before."""
    plt.style.use("default")  # a style for dark screens would leave white letters on that page
    plt.rcParams.update({
        "figure.dpi": 90, "figure.constrained_layout.use": True, "figure.facecolor": "white",
        "font.size": 11, "axes.titlesize": 11, "axes.grid": True, "grid.alpha": 0.25, "lines.linewidth": 2,
        "axes.spines.top": False, "axes.spines.right": False, "image.cmap": "gray",
        "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, "black"]),
    })


def images(rows: Mapping[str, Tensor | np.ndarray], *, columns: Sequence[str] | None = None,
           limits: tuple[float, float] = (0, 1), zoom: float = 0.9) -> Figure:
    """Draw named rows of images, grey ones (n, 784) or colour ones (n, 3, H, W), all on one scale from black to white.

    One fixed scale matters: a picture that is stretched to its own minimum and maximum hides what is wrong with it.
    """
    n = max(len(x) for x in rows.values())
    figure, axes = plt.subplots(len(rows), n, squeeze=False, figsize=(zoom * n + 1.6, zoom * len(rows) + 0.3),
                                layout="constrained")
    for row_of_axes, (name, x) in zip(axes, rows.items(), strict=True):
        for i, axis in enumerate(row_of_axes):
            axis.set_axis_off()
            if i < len(x):
                picture = torch.as_tensor(x[i]).detach().cpu()
                side = int(len(picture) ** 0.5)
                picture = picture.reshape(side, side) if picture.dim() == 1 else picture.permute(1, 2, 0).clamp(0, 1)
                axis.imshow(picture.numpy(), vmin=limits[0], vmax=limits[1], interpolation="nearest")
        row_of_axes[0].text(-0.15, 0.5, name, transform=row_of_axes[0].transAxes, ha="right", va="center")
    for axis, title in zip(axes[0], columns or [], strict=False):
        axis.set_title(title)
    return figure


def curves(history: History, *, unit: str, axis: Axes | None = None, label: str = "") -> Axes:
    """Draw the training and held-out loss over epochs; ``unit`` says what one unit of the loss is."""
    axis = axis or plt.subplots(figsize=(6, 3.2))[1]
    prefix = f"{label}, " if label else ""
    (line,) = axis.plot(history.epochs, history.train["loss"], "o--", markersize=4, label=f"{prefix}training")
    if history.held_out:
        axis.plot(history.epochs, history.held_out["loss"], "s-", markersize=4, color=line.get_color(),
                  label=f"{prefix}held out")
    axis.set(xlabel="epoch", ylabel=unit)
    axis.legend(frameon=False)
    return axis


def log_axes(axis: Axes, x: Sequence[float] = (), y: Sequence[float] = ()) -> None:
    """Make each axis that ticks are given for logarithmic, with these ticks alone, written as plain numbers."""
    for which, scale, ticks in ((axis.xaxis, axis.set_xscale, x), (axis.yaxis, axis.set_yscale, y)):
        if len(ticks):
            scale("log")
            which.set_ticks(ticks, labels=[f"{tick:,g}" for tick in ticks])
            which.set_ticks([], minor=True)


def matrix(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], framed: np.ndarray, *, unit: str) -> Axes:
    """Draw values (R, C) as coloured squares with their numbers; those where ``framed`` (R, C) is true get a frame."""
    figure, axis = plt.subplots(figsize=(1.15 * len(columns) + 2.2, 0.5 * len(rows) + 1.3))
    shown = axis.imshow(values, cmap="cividis", aspect="auto")
    for i, j in np.ndindex(values.shape):
        axis.text(j, i, f"{values[i, j]:.1f}", ha="center", va="center",
                  color="black" if values[i, j] > (values.min() + values.max()) / 2 else "white")
        if framed[i, j]:
            axis.add_patch(Rectangle((j - 0.45, i - 0.43), 0.9, 0.86, fill=False, linewidth=2.5, edgecolor=VERMILION))
    axis.set_xticks(range(len(columns)), columns)
    axis.set_yticks(range(len(rows)), rows)
    axis.grid(False)
    figure.colorbar(shown, label=unit)
    return axis


def class_map(axis: Axes, points: Tensor | np.ndarray, labels: Tensor | np.ndarray) -> None:
    """Draw points (N, 2) coloured by their class; each class of labels (N,), from 0 to 9, is written at its median."""
    at, classes = (x.detach().cpu().numpy() if isinstance(x, Tensor) else x for x in (points, labels))
    axis.scatter(at[:, 0], at[:, 1], c=classes, cmap=CLASSES, vmin=0, vmax=9, s=5, alpha=0.6, rasterized=True)
    for label in np.unique(classes):
        axis.annotate(str(label), np.median(at[classes == label], axis=0), size=13, weight="bold", ha="center",
                      va="center", path_effects=[withStroke(linewidth=3, foreground="white")])


def shares(counts: np.ndarray, *, rows: str, columns: str, least: float = 5) -> Axes:
    """Draw a table of counts (R, C) as the percentages of its rows; those from ``least`` per cent on are written.

    ``rows`` and ``columns`` say what a row and a column are, such as "cluster" and "digit".
    """
    percent = 100 * counts / counts.sum(1, keepdims=True)
    figure, axis = plt.subplots(figsize=(5.6, 0.4 * len(counts) + 0.6))
    picture = axis.imshow(percent, cmap="Blues", vmin=0, vmax=percent.max(), aspect="auto")
    for (row, column), value in np.ndenumerate(percent):
        if value >= least:
            axis.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=9,
                      color="white" if value > percent.max() / 2 else "black")
    axis.set(xlabel=columns, ylabel=rows, xticks=range(counts.shape[1]), yticks=range(len(counts)))
    axis.grid(visible=False)
    figure.colorbar(picture, label="share of the row (%)")
    return axis


def first_of_each(labels: Tensor, n: int = 10) -> Tensor:
    """Return the index of the first image of each of the classes 0 to n − 1, shape (n,)."""
    return torch.stack([(labels == label).nonzero()[0, 0] for label in range(n)])
