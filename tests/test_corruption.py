"""Corruptions of images, the filters that undo them, and what measures the result."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from aecourse import corruption, filters, metrics, models, plots
from aecourse.train import Step

x = torch.rand(40, 784, generator=torch.Generator().manual_seed(0))


def noise(seed=1):
    return torch.Generator().manual_seed(seed)


def test_gaussian_noise_has_its_sigma_for_each_image_and_is_not_clipped():
    sigma = torch.tensor([[0.1], [1.0]])
    noisy = corruption.gaussian(x[:2], sigma, noise())
    assert (noisy - x[:2]).std(1).tolist() == pytest.approx([0.1, 1.0], rel=0.1)
    assert noisy.min() < 0
    assert noisy.max() > 1
    assert torch.equal(noisy, corruption.gaussian(x[:2], sigma, noise()))


@pytest.mark.parametrize(("corrupt", "values"), [(corruption.masking, {0.0}), (corruption.salt_and_pepper, {0.0, 1.0})])
def test_a_share_of_the_pixels_gets_other_values_and_the_rest_stays(corrupt, values):
    noisy = corrupt(x, 0.3, noise())
    hit = noisy != x
    assert hit.float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert set(noisy[hit].tolist()) == values
    assert noisy[hit].mean().item() == pytest.approx(np.mean(list(values)), abs=0.02)


def test_any_kind_is_half_gaussian_and_half_salt_and_pepper():
    noisy = corruption.any_kind(x, noise())
    assert noisy.shape == x.shape
    assert (noisy[:20] != x[:20]).float().mean() > 0.99
    assert (noisy[20:] != x[20:]).float().mean(1).max() < 0.56


def test_the_loss_compares_with_the_clean_image():
    loss = corruption.denoising(lambda images, generator: corruption.gaussian(images, 0.5, generator))
    [(name, values)] = loss(nn.Identity(), x, Step(0.0, noise(), True)).items()
    assert name == "squared error"
    assert values.shape == (40,)
    assert values.mean().item() == pytest.approx(784 * 0.25, rel=0.05)


def test_psnr_and_ssim_clip_and_know_equal_images():
    black = torch.zeros(3, 784)
    assert metrics.psnr(black + 0.1, black).tolist() == pytest.approx([20, 20, 20])
    assert metrics.psnr(black - 5, black).isinf().all()
    assert metrics.ssim(x, x) == pytest.approx(1)
    assert metrics.ssim(x, torch.rand(x.shape, generator=noise())) < 0.2


@pytest.mark.parametrize("name", filters.CLASSIC)
def test_a_filter_finds_the_setting_that_removes_noise_and_leaves_images_apart(name):
    function, settings = filters.CLASSIC[name]
    clean = torch.zeros(6, 28, 28)
    clean[:3, 6:22, 10:18] = 1
    clean = clean.flatten(1)
    noisy = corruption.gaussian(clean, 0.5, noise())
    setting = filters.best_setting(function, settings, noisy, clean)
    best = {s: metrics.psnr(function(noisy, s), clean).mean().item() for s in settings}
    assert setting == max(best, key=best.__getitem__)
    assert best[setting] > metrics.psnr(noisy, clean).mean() + 3
    assert function(clean, setting)[3:].abs().max() < 1e-6


def test_the_weighted_mean_is_the_posterior_mean_of_two_known_points():
    known = torch.tensor([[-1.0], [1.0]])
    at = torch.tensor([[-2.0], [0.0], [0.3]])
    torch.testing.assert_close(filters.weighted_mean(at, known, 0.6), torch.tanh(at / 0.36))


def test_the_convolutional_denoiser_gives_images_and_looks_at_the_whole():
    torch.manual_seed(0)
    net, image = models.ConvDenoiser(), x[:2].clone().requires_grad_()
    output = net(image)
    assert output.shape == (2, 784)
    assert 0 < output.min() < output.max() < 1
    output[0, 0].backward()
    assert image.grad[0, -1] != 0  # the opposite corner
    assert not image.grad[1].any()


def test_a_matrix_shows_its_numbers_and_its_frames():
    axis = plots.matrix(np.array([[1.0, 2.0], [3.0, 4.04]]), ["a", "b"], ["c", "d"], np.eye(2) > 0, unit="dB")
    assert [text.get_text() for text in axis.texts] == ["1.0", "2.0", "3.0", "4.0"]
    assert len(axis.patches) == 2
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    plt.close("all")
