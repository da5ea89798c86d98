import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import data, metrics, models
from aecourse.train import seeded


def bar(width, slope=0.0):
    """A 20-pixel-high bar with the given width, leaning `slope` pixels to the right for each pixel upwards."""
    rows, columns = np.mgrid[0:28, 0:28].astype(np.float32)
    centre = 13.5 + slope * (13.5 - rows)
    ink = np.clip(width / 2 + 0.5 - np.abs(columns - centre), 0, 1) * ((rows >= 4) & (rows < 24))
    return torch.from_numpy(ink.astype(np.float32)).reshape(1, 784)


def test_thickness_grows_as_the_stroke_does():
    measured = torch.cat([metrics.thickness(bar(width)) for width in (2, 3, 4, 5)])
    assert (measured.diff() > 0.5).all()
    assert measured.tolist() == pytest.approx([2, 3, 4, 5], rel=0.25)


@pytest.mark.parametrize("slope", [-0.4, 0.0, 0.3])
def test_slant_is_the_slope_of_the_stroke(slope):
    assert metrics.slant(bar(3, slope)).item() == pytest.approx(slope, abs=0.03)


def test_an_empty_image_has_no_nan():
    empty = torch.zeros(1, 784)
    assert torch.isfinite(metrics.slant(empty)).all()
    assert torch.isfinite(metrics.thickness(empty)).all()


def test_reconstruction_error_is_a_sum_over_pixels_and_a_mean_over_images():
    half = nn.Linear(4, 4, bias=False)
    half.weight.data = 0.5 * torch.eye(4)
    x = torch.tensor([[2.0, 0, 0, 0], [2.0, 2, 2, 2]])
    assert metrics.reconstruction_error(half, x) == pytest.approx((1 + 4) / 2)


def test_share_kept_is_one_for_a_copy_and_zero_for_the_mean():
    x = torch.rand(20, 4, generator=torch.Generator().manual_seed(0))
    constant = nn.Linear(4, 4)
    constant.weight.data.zero_()
    constant.bias.data = x.mean(0)
    assert metrics.share_kept(nn.Identity(), x) == 1
    assert metrics.share_kept(constant, x) == pytest.approx(0, abs=1e-5)


def test_linear_probe_reads_what_is_linear_and_not_what_is_not():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(600, 2, generator=generator)
    linear, xor = (z[:, 0] + z[:, 1] > 0).long(), (z[:, 0] * z[:, 1] > 0).long()
    assert metrics.linear_probe(z[:400], linear[:400], z[400:], linear[400:]) > 0.95
    assert metrics.linear_probe(z[:400], xor[:400], z[400:], xor[400:]) < 0.65


def test_the_nearest_mean_names_the_class():
    x, y = torch.tensor([[0.0], [2.0], [9.0], [11.0]]), torch.tensor([0, 0, 1, 1])
    assert metrics.nearest_mean(x, y, torch.tensor([[4.0], [6.0], [5.0], [20.0]]), torch.tensor([0, 1, 1, 1])) == 75


def test_probes_read_the_code_with_a_tenth_and_a_hundredth_of_the_labels():
    generator, seen = torch.Generator().manual_seed(0), []
    x = torch.randn(3000, 2, generator=generator)
    y = (x[:, 0] + x[:, 1] > 0).long()

    def encode(images):
        seen.append(len(images))
        return images @ torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]])

    tenth, hundredth = metrics.probes(encode, x[:2000], y[:2000], x[2000:], y[2000:])
    assert seen == [1000, 200, 20]
    assert 95 < tenth <= 100
    assert 70 < hundredth <= tenth
    few = data.stratified_subset(y[:2000], 200)
    alone = metrics.linear_probe(encode(x[few]), y[few], encode(x[2000:]), y[2000:])
    assert metrics.probes(encode, x[:2000], y[:2000], x[2000:], y[2000:], parts=[10]) == [100 * alone]


def test_the_autoencoder_is_a_mirror_with_linear_code_and_output():
    with seeded(0):
        model = models.Autoencoder([784, 128, 64, 32])
    x = torch.rand(5, 784)
    assert model.encode(x).shape == (5, 32)
    assert torch.equal(model(x), model.decode(model.encode(x)))
    widths = [(layer.in_features, layer.out_features) for layer in model.modules() if isinstance(layer, nn.Linear)]
    assert widths == [(784, 128), (128, 64), (64, 32), (32, 64), (64, 128), (128, 784)]
    assert isinstance(model.encoder[-1], nn.Linear)
    assert isinstance(model.decoder[-1], nn.Linear)
    assert models.n_parameters(model) == sum(a * b + b for a, b in widths)


def test_first_weights_of_he_pass_signals_on_and_begin_at_the_mean_image():
    x = torch.rand(200, 784, generator=torch.Generator().manual_seed(0))
    with seeded(0):
        model = models.he(models.Autoencoder([784, 512, 256]), x)
    first = model.encoder[0]
    assert first.weight.std().item() == pytest.approx((2 / 784) ** 0.5, rel=0.02)
    assert all(layer.bias.abs().max() == 0 for layer in model.encoder if isinstance(layer, nn.Linear))
    assert torch.allclose(torch.sigmoid(model.decoder[-1].bias), x.mean(0), atol=1e-5)


def test_the_vae_gives_a_gaussian_for_each_image_and_logits_for_each_code():
    model = models.VAE([12, 7, 3])
    x = torch.rand(5, 12)
    mu, logvar = model.encode(x)
    assert mu.shape == logvar.shape == (5, 3)
    assert model.decode(mu).shape == (5, 12)
    torch.testing.assert_close(torch.cat([mu, logvar], 1), model.encoder(x))
    models.begin_at_mean(model, x)
    nn.init.zeros_(model.decoder[-1].weight)
    torch.testing.assert_close(torch.sigmoid(model.decode(mu))[0], x.mean(0).clamp(0.001, 0.999))
    layer = models.begin_at_mean(nn.Linear(3, 12), x)  # the last layer itself, where a decoder is no row of layers
    torch.testing.assert_close(torch.sigmoid(layer.bias), x.mean(0).clamp(0.001, 0.999))


def test_sampled_codes_have_the_moments_and_pass_gradients_to_both():
    mu = torch.tensor([[1.0, -2.0]]).repeat(50_000, 1).requires_grad_()
    logvar = torch.tensor([[0.0, 1.5]]).repeat(50_000, 1).requires_grad_()
    z = models.sample_code(mu, logvar, torch.Generator().manual_seed(0))
    torch.testing.assert_close(z.mean(0), mu[0], atol=0.04, rtol=0)
    torch.testing.assert_close(z.var(0), logvar[0].exp(), atol=0.1, rtol=0)
    assert torch.equal(z, models.sample_code(mu, logvar, torch.Generator().manual_seed(0)))
    z.sum().backward()
    torch.testing.assert_close(mu.grad, torch.ones_like(mu))
    torch.testing.assert_close(logvar.grad, ((z - mu) / 2).detach())


def test_the_largest_angle_between_two_spaces():
    a = torch.eye(5)[:, :2]
    tilted = torch.tensor([[1.0, 0], [0, math.cos(0.5)], [0, math.sin(0.5)], [0, 0], [0, 0]])
    mixed = a @ torch.tensor([[2.0, 1.0], [0.0, -3.0]])  # another basis of the same plane
    assert metrics.largest_angle(a, tilted) == pytest.approx(math.degrees(0.5), abs=1e-4)
    assert metrics.largest_angle(mixed, a) == pytest.approx(0, abs=1e-4)
    assert metrics.largest_angle(a, torch.eye(5)[:, 1:3]) == pytest.approx(90)


def test_r2_from_map_tells_a_straight_map_from_a_bent_one_and_from_an_overlap():
    sheet = np.random.default_rng(0).random((1000, 2))
    angle = 4 * sheet[:, 0]
    bent = np.stack([(1 + sheet[:, 1]) * np.cos(angle), (1 + sheet[:, 1]) * np.sin(angle)], 1)
    folded = np.stack([np.abs(sheet[:, 0] - 0.5), sheet[:, 1]], 1)
    straight = torch.from_numpy(sheet @ np.array([[2.0, 1.0], [0.0, 1.0]]))
    assert min(metrics.r2_from_map(straight, sheet, linear=True)) == pytest.approx(1)
    assert min(metrics.r2_from_map(bent, sheet)) > 0.95
    assert min(metrics.r2_from_map(bent, sheet, linear=True)) < 0.9
    of_arc, of_position = metrics.r2_from_map(folded, sheet)
    assert of_arc < 0.2
    assert of_position > 0.95


def test_he_uniform_leaves_what_is_kept_as_it_is():
    torch.manual_seed(0)
    encoder = models.mlp([40, 30, 20])
    net = nn.Sequential(copy.deepcopy(encoder), nn.Linear(20, 10))
    nn.init.ones_(net[1].bias)
    models.he_uniform(net, encoder)
    assert all(torch.equal(a, b) for a, b in zip(net[0].parameters(), encoder.parameters(), strict=True))
    assert net[1].weight.abs().max() <= (6 / 20) ** 0.5
    assert net[1].weight.std().item() == pytest.approx((2 / 20) ** 0.5, rel=0.2)
    assert not net[1].bias.any()
    models.he_uniform(net)
    assert not torch.equal(net[0][0].weight, encoder[0].weight)
