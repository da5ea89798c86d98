"""Every loss against torch.distributions, an independent computation."""

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal

from aecourse import losses


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sigma", [0.2, 1.0, 3.0])
def test_gaussian_nll(sigma):
    x_hat, x = draw(5, 784), draw(5, 784, seed=1)
    expected = -Normal(x_hat, sigma).log_prob(x).sum(1)
    torch.testing.assert_close(losses.gaussian_nll(x_hat, x, sigma), expected, rtol=1e-5, atol=1e-3)


def test_squared_error_is_the_gaussian_up_to_a_constant():
    x_hat, x = draw(6, 20), draw(6, 20, seed=1)
    difference = losses.gaussian_nll(x_hat, x, 1.0) - losses.squared_error(x_hat, x) / 2
    torch.testing.assert_close(difference, difference[:1].expand(6))


def test_bernoulli_nll():
    logits, x = 4 * draw(5, 784), (draw(5, 784, seed=1) > 0).float()
    torch.testing.assert_close(losses.bernoulli_nll(logits, x), -Bernoulli(logits=logits).log_prob(x).sum(1))


def test_bernoulli_nll_stays_finite_where_a_sigmoid_would_saturate():
    logits, x = torch.tensor([[200.0, -200.0]]), torch.tensor([[0.0, 1.0]])
    torch.testing.assert_close(losses.bernoulli_nll(logits, x), torch.tensor([400.0]))


def test_categorical_nll():
    logits, labels = draw(7, 10), torch.arange(7)
    torch.testing.assert_close(losses.categorical_nll(logits, labels), -Categorical(logits=logits).log_prob(labels))


@pytest.mark.parametrize("loss", [losses.squared_error, losses.bernoulli_nll,
                                  lambda x_hat, x: losses.gaussian_nll(x_hat, x, 0.5)])
def test_one_number_per_image_summed_over_pixels(loss):
    x_hat, x = draw(4, 12), (draw(4, 12, seed=1) > 0).float()
    both = loss(x_hat, x)
    assert both.shape == (4,)
    torch.testing.assert_close(both, torch.cat([loss(x_hat[i : i + 1], x[i : i + 1]) for i in range(4)]))
    torch.testing.assert_close(both, loss(x_hat[:, :5], x[:, :5]) + loss(x_hat[:, 5:], x[:, 5:]))
