"""The realism score on what must not win it, and the slider without a browser."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from aecourse import data, widgets
from aecourse.base.project import ROOT
from aecourse.realism import Judge


@pytest.fixture(scope="module")
def few():
    digits = data.load("strokes")
    return dataclasses.replace(digits, x_train=digits.x_train[:6000], y_train=digits.y_train[:6000],
                               x_test=digits.x_test[:1000], y_test=digits.y_test[:1000])


@pytest.mark.slow
def test_pictures_that_are_no_digits_are_further_away_than_digits(few):
    judge, generator = Judge(few), torch.Generator().manual_seed(0)
    assert judge.distance(few.x_test).median() == pytest.approx(1)
    mixed = torch.stack([row[torch.randperm(784, generator=generator)] for row in few.x_test[:100]])
    for no_digits in (torch.zeros(1, 784), torch.rand(100, 784, generator=generator), mixed):
        assert judge.distance(no_digits).median() > 1.2
    assert (judge.classes(few.x_test) == few.y_test).float().mean() > 0.9
    assert judge.distance(few.x_test[:7]).shape == (7,)

    assert judge.frechet(few.x_test) == pytest.approx(0, abs=0.05)
    unseen = judge.frechet(few.x_train[3000:4000])
    mean, ones = few.x_train.mean(0).expand(1000, -1), few.x_test[few.y_test == 1]
    generator = torch.Generator().manual_seed(0)
    for poor in (mean, ones, torch.zeros(1000, 784), torch.rand(1000, 784, generator=generator)):
        assert judge.frechet(poor) > 10 * unseen
    a, b = judge.model[:-1](few.x_train[3000:4000]).detach().numpy(), judge.model[:-1](few.x_test).detach().numpy()
    by_scipy = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(
        np.cov(a.T) + np.cov(b.T) - 2 * sqrtm(np.cov(a.T) @ np.cov(b.T)).real)
    assert unseen == pytest.approx(by_scipy, rel=0.01)


@pytest.fixture
def shown(monkeypatch):
    """Collect what `widgets` displays: bundles and pictures, a later picture in the place of the one before."""
    pieces, boxes = [], []

    class Handle:
        def update(self, picture):
            pieces[-1] = picture

    def display(piece, **_):
        pieces.append(piece)
        return Handle()

    def box(children):
        boxes.append(real(children))
        return boxes[-1]

    real = widgets.ipywidgets.VBox
    monkeypatch.setattr(widgets, "display", display)
    monkeypatch.setattr(widgets.ipywidgets, "VBox", box)
    return pieces, boxes


def test_the_sliders_draw_the_chosen_values_and_leave_no_figure_open(shown):
    drawn = []

    def draw(width, height):
        drawn.append((width, height))
        return plt.subplots(figsize=(width, height))[0]

    before = plt.get_fignums()
    choices = {"width": ([1.0, 2.5], 2.5), "height": ([1.0, 2.0], 1.0)}
    assert widgets.sliders(draw, choices) is None
    pieces, [box] = shown
    width, height = box.children
    seen = [pieces[-1].data]
    width.value = 1.0
    seen.append(pieces[-1].data)
    height.value = 2.0
    seen.append(pieces[-1].data)
    assert drawn == [(2.5, 1.0), (1.0, 1.0), (1.0, 2.0)]
    assert all(png.startswith(b"\x89PNG") for png in seen)
    assert len(set(seen)) == 3
    assert plt.get_fignums() == before


def test_the_picture_is_sharp_has_its_own_size_and_is_no_widget(shown):
    with plt.rc_context({"figure.dpi": 50}):
        widgets.sliders(lambda a: plt.subplots(figsize=(4, 3))[0], {"a": ([1, 2], 1)})
    (sliders, picture), _ = shown
    data, _ = picture._repr_mimebundle_()
    width, height = (int.from_bytes(picture.data[i:i + 4], "big") for i in (16, 20))  # of the file itself
    assert (width, height) == (400, 300)
    assert picture.width == 200  # pixels of the page; the height follows from the file
    assert picture.height is None
    assert set(data) == {"image/png"}
    assert set(sliders) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
    assert "run this cell again" in sliders["text/plain"]


def test_what_is_saved_of_a_widget_is_the_rest_of_its_output():
    from aecourse.base.console import WIDGET
    from aecourse.commands.kernels import forget_widgets

    outputs = [{"output_type": "display_data", "data": {WIDGET: {"model_id": "x"}, "text/plain": "again"}},
               {"output_type": "display_data", "data": {"image/png": "..."}},
               {"output_type": "stream", "name": "stdout", "text": "x"}]
    content = {"cells": [{"cell_type": "code", "outputs": outputs}, {"cell_type": "markdown", "source": ""}]}
    forget_widgets(model={"type": "notebook", "content": content}, path="a.ipynb", contents_manager=None)
    assert [output.get("data") for output in outputs] == [{"text/plain": "again"}, {"image/png": "..."}, None]
    forget_widgets(model={"type": "file", "content": "text"}, path="a.txt")


@pytest.mark.slow
def test_the_build_stores_the_picture_without_the_sliders(tmp_path):
    import nbformat

    from aecourse.commands.execute import execute

    code = ("import matplotlib.pyplot as plt\nfrom aecourse import widgets\n"
            "widgets.sliders(lambda a: plt.subplots()[0], {'a': ([1, 2], 1)})")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    execute(nb, tmp_path, ROOT, "sliders")
    assert [set(output.data) for output in nb.cells[0].outputs] == [{"image/png", "text/plain"}]
