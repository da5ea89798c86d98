"""Sparse autoencoders, and the solvers that find planted features."""

import math

import pytest
import torch
import torch.nn.functional as F

from aecourse.metrics import reconstruction_error, tuned_probe
from aecourse.sparse import (
    SigmoidAutoencoder,
    SparseAutoencoder,
    kl_to_rate,
    new_sparse,
    superpose,
    top_k_dictionaries,
    train_sparse,
)
from aecourse.train import seeded


def some_images(n=6, pixels=9):
    return torch.rand(n, pixels, generator=torch.Generator().manual_seed(0))


def test_the_decoder_adds_atoms_of_length_one_to_the_mean():
    x = some_images()
    with seeded(0):
        model = SparseAutoencoder(x.mean(0), units=20)
    z = model.encode(x)
    assert z.shape == (6, 20)
    assert (z >= 0).all()
    assert torch.allclose(model.atoms().norm(dim=0), torch.ones(20))
    assert torch.allclose(model.decode(torch.zeros(1, 20))[0], x.mean(0))
    one = torch.zeros(1, 20)
    one[0, 3] = 2.0
    assert torch.allclose(model.decode(one)[0] - x.mean(0), 2 * model.atoms()[:, 3], atol=1e-6)
    assert torch.equal(model(x), model.decode(z))


def test_longer_columns_are_no_way_to_a_smaller_code():
    x = some_images()
    with seeded(0):
        model = SparseAutoencoder(x.mean(0), units=20)
    before = model(x)
    with torch.no_grad():
        model.decoder.weight.mul_(100)
    assert torch.allclose(model(x), before, atol=1e-5)


def test_with_k_each_image_keeps_its_largest_units():
    x = some_images()
    with seeded(0):
        dense, sparse = SparseAutoencoder(x.mean(0), 20), SparseAutoencoder(x.mean(0), 20, k=3)
    sparse.load_state_dict(dense.state_dict())
    z, kept = dense.encode(x), sparse.encode(x)
    for values, left in zip(z, kept, strict=True):
        on = left > 0
        assert on.sum() == min(3, int((values > 0).sum()))
        assert torch.equal(left[on], values[on])
        assert values[on].min() >= values[~on].max()


def test_the_encoder_begins_as_the_transpose_or_as_pytorch_does():
    mean = some_images().mean(0)
    with seeded(0):
        model = SparseAutoencoder(mean, 20)
    assert torch.allclose(model.encoder.weight, model.atoms().T)
    assert not model.encoder.bias.any()
    with seeded(0):
        usual = SparseAutoencoder(mean, 20, transposed=False)
    with seeded(0):
        layer = torch.nn.Linear(9, 20)
    assert torch.equal(usual.encoder.weight, layer.weight)
    assert torch.equal(usual.encoder.bias, layer.bias)


def test_a_new_network_is_the_same_one_for_a_seed():
    mean = some_images().mean(0)
    first, again, other = new_sparse(mean), new_sparse(mean), new_sparse(mean, seed=1)
    assert torch.equal(first.encoder.weight, again.encoder.weight)
    assert not torch.equal(first.encoder.weight, other.encoder.weight)
    assert (new_sparse(mean, k=3).encode(some_images()) > 0).sum(1).max() <= 3


def test_training_lowers_the_error_and_a_penalty_the_code():
    x = some_images(600)
    untrained = new_sparse(x.mean(0))
    plain, sparse = (train_sparse(new_sparse(x.mean(0)), x, penalty) for penalty in (None, lambda z: 10 * z.sum(1)))
    assert reconstruction_error(plain, x) < reconstruction_error(untrained, x)
    assert sparse.encode(x).sum() < plain.encode(x).sum()
    assert list(plain.history.train) == ["squared error", "loss"]
    assert list(sparse.history.train) == ["squared error", "penalty", "loss"]


def test_the_sigmoid_code_begins_at_its_rate_on_the_mean_image():
    mean = some_images().mean(0)
    with seeded(0):
        model = SigmoidAutoencoder(mean, 20, target=0.1)
    assert torch.allclose(model.encode(mean[None]), torch.full((1, 20), 0.1), atol=1e-6)
    assert model.decode(model.encode(some_images())).shape == (6, 9)


def test_kl_to_rate_is_that_of_two_coins_and_zero_at_the_target():
    z = torch.tensor([[0.05, 1.0], [0.05, 0.0]])
    by_hand = 0.05 * math.log(0.05 / 0.5) + 0.95 * math.log(0.95 / 0.5)
    assert kl_to_rate(z).tolist() == pytest.approx([by_hand, by_hand], abs=1e-6)
    assert kl_to_rate(torch.tensor([[0.0], [1.0]]) * 0.1).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert kl_to_rate(torch.zeros(3, 2)).isfinite().all()


def test_top_k_dictionaries_find_what_was_planted_in_each_set():
    generator = torch.Generator().manual_seed(7)
    features = F.normalize(torch.randn(2, 12, 8, generator=generator), dim=2)
    active = torch.rand(2, 2000, 12, generator=generator) < 1 / 12
    samples = (active * (0.5 + torch.rand(2, 2000, 12, generator=generator))) @ features
    atoms = top_k_dictionaries(samples, 24, k=2, steps=400)
    assert atoms.shape == (2, 24, 8)
    assert torch.allclose(atoms.norm(dim=2), torch.ones(2, 24), atol=1e-5)
    recovered = (features @ atoms.mT).abs().amax(2).mean(1)
    of_the_other_set = (features @ atoms.flip(0).mT).abs().amax(2).mean(1)
    assert (recovered > 0.9).all()
    assert (of_the_other_set < recovered - 0.05).all()


def test_rare_features_share_the_plane_and_frequent_ones_do_not():
    w, loss = superpose((1.0, 0.03), tries=8, steps=600)
    assert w.shape == (2, 8, 2, 5)
    assert loss.shape == (2, 8)
    best = w[torch.arange(2), loss.argmin(1)]
    assert (best.norm(dim=1) > 0.5).sum(1).tolist() == [2, 5]


def test_tuned_probe_takes_the_decay_that_is_best_on_validation_images():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(600) % 10
    z = torch.randn(600, 30, generator=generator) + 4 * F.one_hot(y, 30)
    order = torch.randperm(600, generator=generator)
    parts = [(z[i], y[i]) for i in order.chunk(3)]
    good = tuned_probe(*parts, decays=(1e-3,))
    assert good > 70
    assert tuned_probe(*parts, decays=(1e4,)) < 60
    assert tuned_probe(*parts, decays=(1e4, 1e-3)) == pytest.approx(good, abs=2)
