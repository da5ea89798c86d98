"""Every loss against torch.distributions, an independent computation."""

from itertools import pairwise

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, MultivariateNormal, Normal, kl_divergence

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


def test_gaussian_kl():
    mu, logvar = draw(6, 5), draw(6, 5, seed=1)
    exact = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(torch.zeros(5), torch.ones(5))).sum(1)
    torch.testing.assert_close(losses.gaussian_kl(mu, logvar), exact)
    assert (losses.gaussian_kl(torch.zeros(2, 3), torch.zeros(2, 3)) == 0).all()


class LinearGaussian:
    """x = Wz + b + σε with z ~ N(0, I): log p(x) and the posterior are known.

    The columns of W are orthogonal, so that the posterior's covariance is diagonal, as an encoder's is.
    """

    def __init__(self):
        self.W = torch.linalg.qr(draw(7, 3).double()).Q * torch.tensor([2.0, 1.0, 0.5])
        self.b, self.sigma = draw(7, seed=2).double(), 0.6
        self.x = self.b + draw(5, 3, seed=3).double() @ self.W.T + self.sigma * draw(5, 7, seed=4).double()
        self.evidence = MultivariateNormal(self.b, self.W @ self.W.T + self.sigma**2 * torch.eye(7)).log_prob(self.x)
        variance = self.sigma**2 / (self.W.square().sum(0) + self.sigma**2)  # of the posterior
        self.logvar = variance.log().expand(5, 3)
        self.mu = (self.x - self.b) @ self.W * variance / self.sigma**2

    def log_w(self, mu, logvar, k, seed=5):
        """Log weights (k, B) of k samples from q = N(mu, diag exp(logvar))."""
        q = Normal(mu, (logvar / 2).exp())
        z = q.mean + q.stddev * draw(k, 5, 3, seed=seed).double()
        likelihood = -losses.gaussian_nll(z @ self.W.T + self.b, self.x.expand(k, -1, -1), self.sigma)
        return likelihood + Normal(0, 1).log_prob(z).sum(-1) - q.log_prob(z).sum(-1)

    def elbo(self, mu, logvar):
        """E_q log p(x|z) exactly, minus the KL divergence to the prior."""
        nll = losses.gaussian_nll(mu @ self.W.T + self.b, self.x, self.sigma)
        spread = (logvar.exp() * self.W.square().sum(0)).sum(1) / (2 * self.sigma**2)
        return -nll - spread - losses.gaussian_kl(mu, logvar)


def test_the_elbo_is_the_evidence_for_the_exact_posterior_and_below_it_by_the_divergence_elsewhere():
    model = LinearGaussian()
    torch.testing.assert_close(model.elbo(model.mu, model.logvar), model.evidence, rtol=0, atol=1e-4)
    mu, logvar = model.mu + 0.3 * draw(5, 3, seed=6), model.logvar + 0.5 * draw(5, 3, seed=7)
    posterior, q = (Normal(m, (v / 2).exp()) for m, v in ((model.mu, model.logvar), (mu, logvar)))
    gap = kl_divergence(q, posterior).sum(1)
    assert gap.min() > 0.05
    torch.testing.assert_close(model.evidence - model.elbo(mu, logvar), gap, rtol=0, atol=1e-4)


def test_the_importance_bound_is_flat_for_the_exact_posterior_and_rises_to_the_evidence_elsewhere():
    model = LinearGaussian()
    for k in (1, 7, 50):
        flat = losses.importance_bound(model.log_w(model.mu, model.logvar, k))
        torch.testing.assert_close(flat, model.evidence, rtol=0, atol=1e-4)
    log_w = model.log_w(model.mu + 0.4, model.logvar + 0.7, 200_000)
    groups = [log_w.unflatten(0, (-1, k)).transpose(0, 1) for k in (1, 5, 50, 200_000)]  # (k, groups, B)
    bounds = [losses.importance_bound(group).mean(0) for group in groups]
    elbo = model.elbo(model.mu + 0.4, model.logvar + 0.7)
    torch.testing.assert_close(bounds[0], elbo, rtol=0, atol=0.02)
    assert all((higher > lower).all() for lower, higher in pairwise(bounds))
    torch.testing.assert_close(bounds[-1], model.evidence, rtol=0, atol=0.02)


def test_the_importance_bound_stays_finite_for_weights_of_hundreds_of_nats():
    log_w = torch.tensor([[-900.0, -90.0], [-901.0, -95.0]])
    torch.testing.assert_close(losses.importance_bound(log_w)[0], torch.tensor(-900 + 0.313262 - 0.693147))
