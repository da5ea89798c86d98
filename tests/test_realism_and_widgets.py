"""The realism score on what must not win it, and the slider without a browser."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

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


def test_the_sliders_draw_the_chosen_values_and_leave_no_figure_open():
    drawn = []

    def draw(width, height):
        drawn.append((width, height))
        return plt.subplots(figsize=(width, height))[0]

    before = plt.get_fignums()
    choices = {"width": ([1.0, 2.5], 2.5), "height": ([1.0, 2.0], 1.0)}
    width, height, picture = widgets.sliders(draw, choices).children
    seen = [bytes(picture.value)]
    width.value = 1.0
    seen.append(bytes(picture.value))
    height.value = 2.0
    seen.append(bytes(picture.value))
    assert drawn == [(2.5, 1.0), (1.0, 1.0), (1.0, 2.0)]
    assert all(png.startswith(b"\x89PNG") for png in seen)
    assert len(set(seen)) == 3
    assert plt.get_fignums() == before
