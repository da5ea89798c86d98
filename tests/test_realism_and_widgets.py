"""The realism score on what must not win it, and the slider without a browser."""

import dataclasses

import matplotlib.pyplot as plt
import pytest
import torch

from aecourse import data, widgets
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


def test_the_slider_draws_the_chosen_value_and_leaves_no_figure_open():
    drawn = []

    def draw(value):
        drawn.append(value)
        return plt.subplots(figsize=(value, 1))[0]

    before = plt.get_fignums()
    choose, picture = widgets.slider(draw, [1.0, 2.5], label="width", start=2.5).children
    first = bytes(picture.value)
    choose.value = 1.0
    assert drawn == [2.5, 1.0]
    assert first.startswith(b"\x89PNG")
    second = bytes(picture.value)
    assert second.startswith(b"\x89PNG")
    assert first != second
    assert plt.get_fignums() == before
