import io
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from nbclient import NotebookClient

from aecourse import plots, progress
from aecourse.progress import Line
from aecourse.train import History


def test_outside_a_notebook_only_the_last_line_is_printed(capsys):
    line = Line(every=0)
    for i in range(5):
        line.show(f"{i}")
    line.close("done")
    assert capsys.readouterr().out == "done\n"


class Terminal(io.StringIO):
    """A console that lacks most letters."""

    encoding = "cp1252"

    def isatty(self):
        return True


def test_on_a_terminal_one_line_is_rewritten_and_a_longer_one_is_covered(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    line = Line(every=0)
    line.show("a long text")
    line.show("short · ✓")
    line.close("done")
    assert sys.stdout.getvalue() == "\ra long text\rshort · +  \rdone     \n"


def test_a_bar_shows_the_part_that_is_done_and_the_time_that_is_left(monkeypatch):
    now = iter([100.0, 130.0, 130.0, 160.0, 160.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(sys, "stdout", Terminal())
    line = Line(every=0)
    line.show("epoch 1", 0.25)
    line.show("epoch 2", 0.5)
    first, second = sys.stdout.getvalue().split("\r")[1:]
    assert first == "[#####...............] epoch 1 · 1 min 30 s left"
    assert second.strip() == "[##########..........] epoch 2 · 1 min 0 s left"


def test_a_text_that_costs_something_is_made_only_when_the_line_is_due(monkeypatch):
    monkeypatch.setattr(progress.time, "monotonic", lambda: 50.0)
    line = Line(every=0.2)
    assert line.due()
    line.show("now")
    assert not line.due()


@pytest.mark.slow
def test_a_notebook_stores_one_clean_line():
    code = ("from aecourse.progress import Line\nline = Line(every=0)\n"
            "for i in range(50): line.show(f'at {i}')\nline.close('done')")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert output.data == {"text/plain": "done"}


def test_all_images_share_one_grey_scale():
    figure = plots.images({"dark": torch.full((2, 784), 0.1), "bright": torch.full((3, 784), 0.9)})
    limits = {image.get_clim() for axis in figure.axes for image in axis.get_images()}
    assert limits == {(0, 1)}
    assert sum(len(axis.get_images()) for axis in figure.axes) == 5
    plt.close(figure)


def test_curves_name_their_axes():
    history = History([1, 2], {"loss": [3.0, 2.0]}, {"loss": [2.5, 2.2]})
    axis = plots.curves(history, unit="squared error per image")
    assert axis.get_xlabel() == "epoch"
    assert axis.get_ylabel() == "squared error per image"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["training", "held out"]
    plt.close("all")


@pytest.mark.parametrize("kind", [torch.tensor, np.array])
def test_a_class_map_writes_each_class_at_its_median(kind):
    points = kind([[0.0, 0.0], [1.0, 2.0], [8.0, 4.0], [-3.0, 5.0]])
    axis = plt.subplots()[1]
    plots.class_map(axis, points, kind([3, 3, 3, 7]))
    assert {text.get_text(): tuple(text.xy) for text in axis.texts} == {"3": (1.0, 2.0), "7": (-3.0, 5.0)}
    (dots,) = axis.collections
    assert dots.get_offsets().shape == (4, 2)
    colours = dots.cmap(dots.norm(dots.get_array()))
    assert tuple(colours[0]) == plots.CLASSES(3)
    assert tuple(colours[3]) == plots.CLASSES(7)
    plt.close("all")


@pytest.mark.parametrize("style", ["dark_background", "ggplot"])
def test_the_style_is_dark_on_white_whatever_was_set_before(style):
    with plt.rc_context():
        plt.style.use(style)
        plt.rcParams["savefig.transparent"] = True
        plots.use_style()
        for name in ("figure.facecolor", "axes.facecolor"):
            assert to_hex(plt.rcParams[name]) == "#ffffff"
        for name in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor"):
            assert to_hex(plt.rcParams[name]) == "#000000"
        assert not plt.rcParams["savefig.transparent"]


def test_ten_classes_have_ten_colours():
    assert len({plots.CLASSES(label) for label in range(10)}) == 10


def test_first_of_each_class():
    assert plots.first_of_each(torch.tensor([2, 1, 0, 1, 2]), 3).tolist() == [2, 1, 0]


def test_logarithmic_axes_have_the_ticks_that_are_given_and_no_others():
    axis = plt.subplots()[1]
    axis.plot([1, 100], [1, 5])
    plots.log_axes(axis, x=(0.5, 3, 2000))
    axis.figure.canvas.draw()
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "linear")
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0.5", "3", "2,000"]
    assert not len(axis.get_xticks(minor=True))


def test_shares_are_percentages_of_the_rows_and_small_ones_are_not_written():
    axis = plots.shares(np.array([[3, 1, 0], [96, 2, 2]]), rows="cluster", columns="digit")
    assert [text.get_text() for text in axis.texts] == ["75", "25", "96"]
    assert axis.images[0].get_array().sum(1).tolist() == pytest.approx([100, 100])
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("digit", "cluster")
    plt.close(axis.figure)
