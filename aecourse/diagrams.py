"""Diagrams of networks and models in one style: layers with their widths, and boxes with arrows."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Polygon

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
