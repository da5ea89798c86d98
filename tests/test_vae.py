"""The variational autoencoder's loss and measures, against computations by hand."""

import pytest
import torch

from aecourse import losses, vae
from aecourse.models import sample_code
from aecourse.train import Step, seeded


@pytest.fixture
def model():
    return vae.new([784, 9, 3], torch.rand(20, 784, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def x():
    return (torch.rand(6, 784, generator=torch.Generator().manual_seed(1)) < 0.3).float()


def step(progress=1.0, *, training=False):
    return Step(progress, torch.Generator().manual_seed(2), training)


def test_a_new_one_depends_on_its_seed_alone():
    x = torch.full((5, 784), 0.25)
    one, same, other = (vae.new([784, 9, 3], x, seed) for seed in (0, 0, 1))
    first = [net.encoder[0].weight for net in (one, same, other)]
    assert torch.equal(first[0], first[1])
    assert not torch.equal(first[0], first[2])
    torch.testing.assert_close(torch.sigmoid(one.decoder[-1].bias), x[0])


def test_the_loss_is_the_negative_elbo_and_weighs_the_kl(model, x):
    terms = vae.negative_elbo(beta=4)(model, x, step())
    mu, logvar = model.encode(x)
    z = sample_code(mu, logvar, torch.Generator().manual_seed(2))
    torch.testing.assert_close(terms["reconstruction"], losses.bernoulli_nll(model.decode(z), x))
    torch.testing.assert_close(terms["KL"], 4 * losses.gaussian_kl(mu, logvar))


@pytest.mark.parametrize(("warm_up", "progress", "weight"), [(0.5, 0.25, 0.5), (0.5, 0.75, 1.0), (0.0, 0.0, 1.0)])
def test_the_weight_of_the_kl_rises_in_training(model, x, warm_up, progress, weight):
    terms = vae.negative_elbo(warm_up=warm_up)(model, x, step(progress, training=True))
    torch.testing.assert_close(terms["KL"], weight * losses.gaussian_kl(*model.encode(x)))
    measured = vae.negative_elbo(warm_up=warm_up)(model, x, step(progress))
    torch.testing.assert_close(measured["KL"], losses.gaussian_kl(*model.encode(x)))


def test_the_mean_of_the_weights_is_the_probability_of_the_image():
    with seeded(0):  # three pixels, so that all eight images can be summed
        small = vae.new([3, 5, 1], torch.full((2, 3), 0.5))
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    log_w = vae.log_weights(small, every, 20_000)
    assert log_w.shape == (20_000, 8)
    assert losses.importance_bound(log_w).exp().sum().item() == pytest.approx(1, abs=0.01)


def test_a_unit_is_active_if_its_mean_varies_over_the_images(model, x):
    with torch.no_grad():
        model.encoder[-1].weight[1] = 0  # the mean of unit 1
        model.encoder[-1].weight[[0, 2]] = 5 * torch.randn(2, 9, generator=torch.Generator().manual_seed(3))
    assert vae.active_units(model, x) == 2


@pytest.fixture(params=[False, True], ids=["of its own", "everywhere"])
def seeing(request):
    with seeded(0):
        return vae.SeeingVAE([784, 9, 3], channels=4, size=5, deep=1, everywhere=request.param)


def test_the_code_matters(seeing, x):
    z = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    one, other = (seeing.logits(code.expand(6, 3), x) for code in z)
    assert not torch.allclose(one, other)


def test_a_pixel_sees_those_before_it_alone(seeing, x):
    image, z = x[:1].clone().requires_grad_(), torch.zeros(1, 3)
    place = 14 * 28 + 14
    seen = torch.autograd.grad(seeing.logits(z, image)[0, place], image)[0][0]
    assert (seen[place:] == 0).all()
    before = seen[:place].nonzero().flatten()
    assert {place - 1, place - 28, place - 27} <= set(before.tolist())


def test_a_sample_is_made_pixel_by_pixel(seeing):
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    drawn = seeing.sample(z, torch.Generator().manual_seed(5))
    chance = torch.rand(4, 784, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        again = (chance < seeing.logits(z, drawn).sigmoid()).float()  # each from the pixels before it
    assert torch.equal(drawn, again)


def test_the_code_of_a_decoder_that_sees_is_kept_in_use_in_training_alone(seeing, x):
    kl = losses.gaussian_kl(*seeing.encode(x))
    loss = vae.negative_elbo_seeing(warm_up=0.5, free=100.0, hide=1.0)
    trained, measured = loss(seeing, x, step(0.25, training=True)), loss(seeing, x, step())
    torch.testing.assert_close(trained["KL"], torch.full((6,), 50.0))  # all is free, at half the weight
    torch.testing.assert_close(measured["KL"], kl)
    z = sample_code(*seeing.encode(x), torch.Generator().manual_seed(2))
    torch.testing.assert_close(measured["reconstruction"], losses.bernoulli_nll(seeing.logits(z, x), x))
    torch.testing.assert_close(vae.negative_elbo_seeing()(seeing, x, step(training=True))["KL"], kl)


def test_the_grid_of_the_prior_grows_to_the_right_and_upwards():
    model = vae.new([2, 2], torch.zeros(4, 2))
    model.decode = lambda z: z  # the codes themselves
    grid = vae.prior_grid(model, 3).logit().view(3, 3, 2)
    assert torch.allclose(grid[0, :, 0], grid[2, :, 0])
    assert (grid[0, :, 0].diff() > 0).all()
    assert torch.allclose(grid[:, 0, 1], grid[:, 2, 1])
    assert (grid[:, 0, 1].diff() < 0).all()
    assert torch.allclose(torch.distributions.Normal(0, 1).cdf(grid[0, :, 0]), torch.tensor([1, 3, 5]) / 6, atol=1e-5)
