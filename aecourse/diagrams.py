"""Diagrams of networks and models in one style: layers with their widths, and boxes with arrows."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle

from aecourse import plots

Box = tuple[float, float, str] | tuple[float, float, str, str]  # column, row (upwards), text, colour


def layers(widths: Sequence[int], names: Mapping[int, str], parts: Mapping[str, tuple[int, int]], *,
           title: str = "", axis: Axes | None = None) -> Axes:
    """Draw a network as bars, higher where a layer is wider (by a root of its width), with the widths below.

    Parameters
    ----------
    widths
        The width of each layer, from the input to the output.
    names
        What is written above a layer, by its position: ``{0: "image", 3: "code z"}``.
    parts
        The networks, by name, each from one layer to another, in the order of their colours:
        ``{"encoder": (0, 3), "decoder": (3, 6)}``.
    """
    if axis is None:
        axis = plt.subplots(figsize=(1.25 * len(widths) + 0.6, 3.0))[1]
    heights = [1.5 * (width / max(widths)) ** 0.35 for width in widths]
    top = max(heights)
    for (name, (start, end)), colour in zip(parts.items(), (plots.SKY, plots.ORANGE, plots.GREEN), strict=False):
        for i in range(start, end):
            a, b = heights[i] / 2, heights[i + 1] / 2
            axis.add_patch(Polygon([(i, -a), (i, a), (i + 1, b), (i + 1, -b)], color=colour, alpha=0.35, linewidth=0))
        axis.text((start + end) / 2, -top / 2 - 0.38, name, ha="center", va="top", color="black",
                  bbox={"boxstyle": "round", "facecolor": colour, "alpha": 0.5, "linewidth": 0})
    for i, (width, height) in enumerate(zip(widths, heights, strict=True)):
        axis.add_patch(FancyBboxPatch((i - 0.06, -height / 2), 0.12, height, boxstyle="round,pad=0,rounding_size=0.05",
                                      facecolor="black", linewidth=0))
        axis.text(i, -height / 2 - 0.06, str(width), ha="center", va="top")
        axis.text(i, height / 2 + 0.06, names.get(i, ""), ha="center", va="bottom")
    axis.set(xlim=(-0.6, len(widths) - 0.4), ylim=(-top / 2 - 0.75, top / 2 + 0.35), title=title)
    axis.set_axis_off()
    return axis


def flow(boxes: Mapping[str, Box], arrows: Mapping[tuple[str, str], str], *, size: tuple[float, float] | None = None,
         title: str = "") -> Axes:
    """Draw boxes and the arrows between them.

    Parameters
    ----------
    boxes
        Name → (column, row, text, colour); rows go upwards, and without a colour a box is white.
    arrows
        (from, to) → what is written at the arrow, or nothing.
    size
        Width and height in inches; without it, as the columns and rows need.
    """
    columns, rows = [box[0] for box in boxes.values()], [box[1] for box in boxes.values()]
    wide, high = max(columns) - min(columns), max(rows) - min(rows)
    axis = plt.subplots(figsize=size or (2.0 * wide + 1.8, 1.1 * high + 1.2))[1]
    axis.set(xlim=(min(columns) - 0.6, max(columns) + 0.6), ylim=(min(rows) - 0.6, max(rows) + 0.6), title=title)
    drawn = {}
    for name, (column, row, text, *colour) in boxes.items():
        style = {"boxstyle": "round,pad=0.4", "facecolor": colour[0] if colour else "white", "edgecolor": "black",
                 "alpha": 0.6 if colour else 1.0}
        drawn[name] = axis.text(column, row, text, ha="center", va="center", bbox=style, zorder=3)
    for (start, end), label in arrows.items():
        (xa, ya), (xb, yb) = boxes[start][:2], boxes[end][:2]
        axis.annotate("", (xb, yb), (xa, ya), arrowprops={
            "arrowstyle": "-|>", "color": "black", "linewidth": 1.3, "shrinkA": 1, "shrinkB": 1,
            "patchA": drawn[start].get_bbox_patch(), "patchB": drawn[end].get_bbox_patch()})
        if label:
            level = abs(ya - yb) < 0.2
            axis.text((xa + xb) / 2 + (0 if level else 0.06), (ya + yb) / 2 + (0.09 if level else 0), label,
                      ha="center" if level else "left", va="bottom" if level else "center",
                      bbox={"facecolor": "white", "linewidth": 0, "pad": 1} if not level else None)
    axis.set_axis_off()
    return axis


def chains(rows: Mapping[str, Sequence[str]]) -> Axes:
    """Draw named rows of boxes, one below the other: in each row what is given, what is done to it, and what comes out.

    Parameters
    ----------
    rows
        The row's name, written at its left → the texts of its boxes. Boxes of one column share a colour.
    """
    colours = (plots.SKY, plots.ORANGE, plots.GREEN, plots.YELLOW)
    boxes: dict[str, Box] = {}
    arrows: dict[tuple[str, str], str] = {}
    for level, (name, texts) in enumerate(rows.items()):
        names = [f"{name}, {i}" for i in range(len(texts))]
        boxes |= {n: (i, -level, text, colours[i % 4]) for i, (n, text) in enumerate(zip(names, texts, strict=True))}
        arrows |= dict.fromkeys(pairwise(names), "")
    columns = max(map(len, rows.values()))
    axis = flow(boxes, arrows, size=(2.2 * columns + 2.0, 0.95 * len(rows) + 0.2))
    axis.set_xlim(-1.3, columns - 0.5)
    for level, name in enumerate(rows):
        axis.text(-0.55, -level, name, ha="right", va="center", weight="bold")
    return axis


def course() -> Axes:
    """Draw the map of the course: its lessons, and which one builds on which."""
    places = {"00": (0, 1, "start here"), "01": (1, 1, "four\nsettings"), "02": (2, 1, "the\nautoencoder"),
              "03": (3, 2, "manifolds,\nPCA"), "04": (3, 1, "denoising"), "05": (3, 0, "sparse\ncodes"),
              "06": (4, 1, "the VAE"), "07": (5, 1, "semi-\nsupervised"), "08": (6, 2, "stacked"),
              "09": (6, 1, "semantic\nhashing"), "10": (6, 0, "generative\nmodels")}
    colours = [plots.SKY] * 3 + [plots.YELLOW] + [plots.GREEN] * 3  # by column
    builds_on = {"01": ["00"], "02": ["01"], "03": ["02"], "04": ["02"], "05": ["02"], "06": ["03", "04", "05"],
                 "07": ["06"], "08": ["07"], "09": ["07"], "10": ["07"]}
    return flow({number: (1.3 * column, row, f"{number}\n{title}", colours[column])
                 for number, (column, row, title) in places.items()},
                {(start, end): "" for end, starts in builds_on.items() for start in starts}, size=(11, 3.8))


def strides() -> Figure:
    """Draw a filter of 4 × 4 at two places, two pixels apart: of a convolution, and of a transposed one."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for axis, title, forward in zip(axes, ("convolution, 8 × 8 → 4 × 4", "transposed convolution, 4 × 4 → 8 × 8"),
                                    (True, False), strict=True):
        axis.set(xlim=(-0.5, 14), ylim=(8.5, -0.5), aspect="equal", title=title)
        axis.set_axis_off()
        for left, top, cells in ((0, 0, 8), (9.5, 2, 4)):
            lines = np.arange(cells + 1)
            axis.hlines(top + lines, left, left + cells, color="grey", linewidth=0.7)
            axis.vlines(left + lines, top, top + cells, color="grey", linewidth=0.7)
        for place, colour in ((0, plots.BLUE), (1, plots.VERMILION)):
            wide, narrow = (2 * place + 1, 1), (10.5 + place, 3)
            axis.add_patch(Rectangle(wide, 4, 4, facecolor=colour, edgecolor=colour, alpha=0.35, linewidth=2))
            axis.add_patch(Rectangle(narrow, 1, 1, facecolor=colour, alpha=0.8))
            ends = ((5, 4.5), (10.5, 3.7)) if place == 0 else ((7, 2), (12, 3))
            axis.annotate("", *(ends[::-1] if forward else ends),
                          arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.5})
    return figure


def line_and_curve(seed: int = 0) -> Figure:
    """Draw points near a curve in the plane, and their errors: to the best line (by PCA), and to the curve itself."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-1.6, 1.6, 45)
    points = np.stack([t, t**2 - 1.0], 1) + rng.normal(0, 0.09, (45, 2))
    mean = points.mean(0)
    axis_of_line = np.linalg.svd(points - mean)[2][0]
    line = mean + np.array([[-2.3], [2.3]]) * axis_of_line
    dense = np.linspace(-1.8, 1.8, 721)
    curve = np.stack([dense, dense**2 - 1.0], 1)
    on_line = mean + ((points - mean) @ axis_of_line)[:, None] * axis_of_line
    on_curve = curve[((points[:, None] - curve) ** 2).sum(2).argmin(1)]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharex=True, sharey=True)
    for axis, surface, nearest, title in ((axes[0], line, on_line, "a linear code: the best line"),
                                          (axes[1], curve, on_curve, "a nonlinear code: a curve")):
        axis.plot(*surface.T, color=plots.ORANGE, linewidth=3)
        axis.plot(*np.stack([points, nearest], 1).T, color=plots.VERMILION, linewidth=1)
        axis.plot(*points.T, "o", color=plots.BLUE, markersize=5)
        axis.set(title=title, aspect="equal", ylim=(-1.5, 2.4))
        axis.set_axis_off()
    return figure


def two_planes(angle: float = 40.0) -> Axes:
    """Draw two planes in space that share a line, and the angle (°) between them."""
    a = np.deg2rad(angle)
    tilted = np.array([0, np.cos(a), np.sin(a)])
    axis = plt.figure(figsize=(6.5, 3.6), layout="constrained").add_subplot(projection="3d", computed_zorder=False)
    u, v = np.meshgrid([-1.0, 1.0], [-1.0, 1.0])
    for direction, colour in ((np.array([0, 1.0, 0]), plots.SKY), (tilted, plots.ORANGE)):
        axis.plot_surface(u, v * direction[1], v * direction[2], color=colour, alpha=0.45, shade=False)
        axis.quiver(0, 0, 0, *direction, color="black", linewidth=2.5, arrow_length_ratio=0.12, zorder=5)
    axis.plot([-1, 1], [0, 0], [0, 0], color="black", linestyle="--", linewidth=1.5)
    arc = np.linspace(0, a, 30)
    axis.plot(0 * arc, 0.6 * np.cos(arc), 0.6 * np.sin(arc), color=plots.VERMILION, zorder=5)
    axis.text(0, 0.72, 0.24, f"{angle:.0f}°", color=plots.VERMILION, size=13)
    axis.text(1.0, 0.08, -0.12, "shared line", ha="left")
    axis.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-0.7, 0.7))
    axis.view_init(elev=18, azim=-20)
    axis.set_box_aspect((2, 2, 1.4), zoom=1.05)
    axis.set_axis_off()
    return axis


def two_ways() -> Axes:
    """Draw points on a spiral, the straight way between its ends (dashed), and the way along it."""
    t = np.linspace(1.5 * np.pi, 4.5 * np.pi, 240)
    spiral = np.stack([t * np.cos(t), t * np.sin(t)], 1)
    points = spiral[::4] + np.random.default_rng(0).normal(0, 0.15, (60, 2))
    axis = plt.subplots(figsize=(5, 3.6))[1]
    axis.plot(*spiral.T, color=plots.ORANGE, linewidth=3, label="along the manifold")
    axis.plot(*spiral[[0, -1]].T, color=plots.VERMILION, linestyle="--", label="straight")
    axis.plot(*points.T, "o", color=plots.BLUE, markersize=4)
    axis.plot(*spiral[[0, -1]].T, "o", color="black", markersize=9)
    axis.set(aspect="equal")
    axis.set_axis_off()
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return axis


def jensen(low: float, high: float) -> Axes:
    """Draw the logarithm, two equally probable values, the mean of their logarithms and the logarithm of their mean."""
    axis = plt.subplots(figsize=(6.5, 3.2))[1]
    w = np.linspace(0.4 * low, 1.15 * high, 300)
    mean, chord = (low + high) / 2, (np.log(low) + np.log(high)) / 2
    axis.plot(w, np.log(w), color=plots.BLUE, label="log w")
    axis.plot([low, high], np.log([low, high]), "o--", color="grey")
    axis.plot([mean, mean], [chord, np.log(mean)], color=plots.VERMILION, linewidth=3, label="gap")
    axis.plot(mean, np.log(mean), "s", color=plots.GREEN, markersize=9, label="log of the mean")
    axis.plot(mean, chord, "D", color=plots.ORANGE, markersize=9, label="mean of the logs")
    axis.set(xlabel="w", ylabel="log w")
    axis.legend(frameon=False, loc="lower right")
    return axis


def shell(seed: int = 0) -> Axes:
    """Draw points near a circle, and from one of its points to another the straight way and the way along it."""
    rng = np.random.default_rng(seed)
    angles, radii = rng.uniform(0, 2 * np.pi, 150), rng.normal(1, 0.05, 150)
    axis = plt.subplots(figsize=(6, 3.4))[1]
    axis.plot(radii * np.cos(angles), radii * np.sin(angles), "o", color=plots.SKY, markersize=4)
    arc = np.deg2rad(np.linspace(20, 140, 60))
    ends = arc[[0, -1]]
    axis.plot(np.cos(ends), np.sin(ends), "--", color=plots.VERMILION, label="straight")
    axis.plot(np.cos(arc), np.sin(arc), color=plots.ORANGE, linewidth=3, label="on the sphere (slerp)")
    axis.plot(np.cos(ends), np.sin(ends), "o", color="black", markersize=9)
    axis.plot(np.cos(ends).mean(), np.sin(ends).mean(), "D", color=plots.VERMILION, markersize=8)
    axis.plot(np.cos(arc[29:31].mean()), np.sin(arc[29:31].mean()), "D", color=plots.ORANGE, markersize=8)
    axis.plot(0, 0, "+", color="black", markersize=10)
    axis.set(aspect="equal")
    axis.set_axis_off()
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return axis
