"""Lab 06's checks: right answers pass in every form, and wrong ones that are in no list get a true sentence."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence

from aecourse.check import lab06
from aecourse.check.engine.exercise import CORRECT
from aecourse.check.engine.lab import examine

BY_NAME = {exercise.name: exercise for exercise in lab06.EXERCISES}
SLOW = ("sample_code", "prior_samples")  # their checks measure


# ---- right answers --------------------------------------------------------------------------------------------------


def kl_by_torch(mu, logvar):
    q = Independent(Normal(mu, torch.exp(0.5 * logvar)), 1)
    return kl_divergence(q, Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1))


def kl_by_sigma(mu, logvar):
    sigma = torch.exp(logvar / 2)
    return torch.sum(0.5 * (mu**2 + sigma**2) - torch.log(sigma) - 0.5, dim=-1)


def code_by_loop(mu, logvar, generator):
    return torch.stack([m + (v / 2).exp() * torch.randn(len(m), generator=generator)
                        for m, v in zip(mu, logvar, strict=True)])


def code_by_normal(mu, logvar, generator):
    eps = torch.normal(0.0, 1.0, size=mu.shape, generator=generator)
    return torch.addcmul(mu, eps, logvar.exp().sqrt())


def code_in_place_on_its_own(mu, logvar, generator):
    return mu + torch.exp(0.5 * logvar) * torch.empty_like(mu).normal_(generator=generator)


def code_by_box_muller(mu, logvar, generator):
    u, v = torch.rand(2, *mu.shape, generator=generator)
    return (-2 * (1 - u).log()).sqrt() * (2 * math.pi * v).cos() * (0.5 * logvar).exp() + mu


def code_by_quantiles(mu, logvar, generator):
    u = torch.rand(mu.shape, generator=generator, dtype=torch.float64).clamp(1e-9, 1 - 1e-9)
    return mu + (logvar / 2).exp() * torch.special.ndtri(u).float()


def code_drawn_first(mu, logvar, generator):
    sigma = (logvar / 2).exp()
    drawn = torch.normal(mu, sigma, generator=generator)
    return mu + sigma * ((drawn - mu) / sigma).detach()


def code_turned(mu, logvar, generator):
    return (mu.T + (logvar.T / 2).exp() * torch.randn(mu.T.shape, generator=generator)).T


def likelihood_by_where(logits, x):
    return torch.where(x > 0.5, F.logsigmoid(logits), F.logsigmoid(-logits)).sum(-1)


def likelihood_by_softmax(logits, x):
    pairs = torch.stack([torch.zeros_like(logits), logits], -1).log_softmax(-1)
    return pairs.gather(-1, x.long()[..., None]).squeeze(-1).sum(1)


def likelihood_in_double(logits, x):
    a = logits.double()
    return (x * a - torch.log(1 + torch.exp(a))).sum(1)


def likelihood_by_sign(logits, x):
    return -F.softplus((1 - 2 * x) * logits).sum(1)


def elbo_by_torch(logits, x, mu, logvar):
    return Independent(Bernoulli(logits=logits), 1).log_prob(x) - kl_by_torch(mu, logvar)


def elbo_from_the_loss(logits, x, mu, logvar):
    loss = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    return -(loss - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), 1))


def bound_by_peak(log_w):
    peak = log_w.max(0).values
    return peak + (log_w - peak).exp().mean(0).log()


def bound_by_shift(log_w):
    return torch.logsumexp(log_w - math.log(log_w.shape[0]), dim=0)


def bound_by_loop(log_w):
    return torch.stack([torch.logsumexp(log_w[:, i], 0) - np.log(len(log_w)) for i in range(log_w.shape[1])])


def bound_by_softmax(log_w):
    return (log_w - log_w.log_softmax(0)).mean(0) - torch.tensor(float(len(log_w))).log()


def prior_by_loop(decoder, n, k, generator):
    return torch.stack([decoder(torch.randn(k, generator=generator)).sigmoid() for _ in range(n)])


def prior_in_chunks(decoder, n, k, generator):
    with torch.no_grad():
        z = torch.normal(torch.zeros(n, k), 1.0, generator=generator)
        return torch.cat([1 / (1 + (-decoder(part)).exp()) for part in z.split(512)])


def prior_in_one_line(decoder, n, k, generator):
    return torch.sigmoid(decoder(torch.empty((n, k)).normal_(generator=generator)))


def prior_turned(decoder, n, k, generator):
    return Bernoulli(logits=decoder(torch.randn(k, n, generator=generator).T)).probs


def beta_by_weights(pixels, units, batch, reconstruction, kl):
    first = {"per image": 1 / batch, "mean": 1 / (batch * pixels), "sum": 1.0}[reconstruction]
    second = {"per image": 1 / batch, "mean": 1 / (batch * units), "sum": 1.0}[kl]
    return second / first


def beta_by_ifs(pixels, units, batch, reconstruction, kl):
    value = 1
    if reconstruction == "mean":
        value *= pixels
    elif reconstruction == "sum":
        value /= batch
    if kl == "mean":
        value /= units
    elif kl == "sum":
        value *= batch
    return torch.tensor(value)


def beta_by_tables(pixels, units, batch, reconstruction, kl):
    reduce = {"per image": lambda t: t.sum(1).mean(), "mean": np.mean, "sum": np.sum}
    return reduce[kl](np.ones((batch, units))) / units / (reduce[reconstruction](np.ones((batch, pixels))) / pixels)


RIGHT = [
    ("kl_term", kl_by_torch), ("kl_term", kl_by_sigma),
    ("kl_term", lambda mu, logvar: -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1)),
    ("kl_term", lambda mu, logvar: (mu.double() ** 2 + logvar.double().expm1() - logvar).sum(1) / 2),
    ("sample_code", code_by_loop), ("sample_code", code_by_normal), ("sample_code", code_in_place_on_its_own),
    ("sample_code", code_by_box_muller), ("sample_code", code_by_quantiles), ("sample_code", code_drawn_first),
    ("sample_code", code_turned),
    ("log_likelihood", likelihood_by_where), ("log_likelihood", likelihood_by_softmax),
    ("log_likelihood", likelihood_in_double), ("log_likelihood", likelihood_by_sign),
    ("log_likelihood", lambda logits, x: Bernoulli(logits=logits).log_prob(x).sum(1)),
    ("log_likelihood", lambda logits, x: (x * logits - F.softplus(logits)).sum(1)),
    ("elbo", elbo_by_torch), ("elbo", elbo_from_the_loss),
    ("elbo", lambda logits, x, mu, logvar: (x * logits - F.softplus(logits)).sum(1) - kl_by_sigma(mu, logvar)),
    ("importance_bound", bound_by_peak), ("importance_bound", bound_by_shift), ("importance_bound", bound_by_softmax),
    ("importance_bound", lambda log_w: log_w.double().logsumexp(0) - np.log(log_w.shape[0])),
    ("prior_samples", prior_by_loop), ("prior_samples", prior_in_chunks), ("prior_samples", prior_in_one_line),
    ("prior_samples", prior_turned),
    ("beta", beta_by_weights), ("beta", beta_by_ifs), ("beta", beta_by_tables),
]


def test_a_loop_over_the_images_is_right_and_gets_advice():
    verdict = examine(BY_NAME["importance_bound"], bound_by_loop, 0)
    assert verdict.outcome == CORRECT
    assert "one at a time" in verdict.more


def test_the_oracle_of_the_bound_reaches_the_exact_evidence():
    """In a linear-Gaussian model the bound over many samples must end at log p(x), which has a formula."""
    generator = torch.Generator().manual_seed(0)
    W, x = torch.randn(3, 2, generator=generator), torch.randn(5, 3, generator=generator)
    evidence = MultivariateNormal(torch.zeros(3), W @ W.T + 0.25 * torch.eye(3)).log_prob(x)
    precision = torch.eye(2) + W.T @ W / 0.25
    q = MultivariateNormal(x @ W @ precision.inverse() / 0.25 + 0.2, 1.5 * precision.inverse())
    eps = torch.randn(200_000, 5, 2, generator=generator)
    z = q.mean + eps @ torch.linalg.cholesky(q.covariance_matrix[0]).T
    log_w = (Normal(z @ W.T, 0.5).log_prob(x).sum(-1) + Normal(0, 1).log_prob(z).sum(-1) - q.log_prob(z))
    bound = BY_NAME["importance_bound"].reference(log_w)
    assert torch.allclose(bound, evidence, atol=0.02)
    assert torch.allclose(BY_NAME["importance_bound"].oracle(log_w[:2000]),
                          BY_NAME["importance_bound"].reference(log_w[:2000]), atol=1e-4)
    assert (log_w.mean(0) < evidence - 0.1).all()


# ---- answers that are in no list ------------------------------------------------------------------------------------

kl, likelihood, elbo, bound = (BY_NAME[name].reference for name in (
    "kl_term", "log_likelihood", "elbo", "importance_bound"))
code, prior, beta = (BY_NAME[name].reference for name in ("sample_code", "prior_samples", "beta"))


def kl_sampled(mu, logvar):
    q = Normal(mu, (logvar / 2).exp())
    z = q.rsample()
    return (q.log_prob(z) - Normal(0, 1).log_prob(z)).sum(1)


def code_without_generator(mu, logvar, generator):
    return Normal(mu, (logvar / 2).exp()).rsample()


def code_seeded_inside(mu, logvar, generator):
    generator.manual_seed(0)
    return code(mu, logvar, generator)


def code_cauchy(mu, logvar, generator):
    return mu + (logvar / 2).exp() * torch.empty_like(mu).cauchy_(generator=generator)


def code_without_gradient(mu, logvar, generator):
    with torch.no_grad():
        return code(mu, logvar, generator)


def code_clamped(mu, logvar, generator):
    eps = torch.randn(mu.shape, generator=generator).clamp(-1, 1)
    return mu + (logvar / 2).exp() * eps


def code_half_the_batch(mu, logvar, generator):
    eps = torch.randn(len(mu) // 2, mu.shape[1], generator=generator)
    return mu + (logvar / 2).exp() * torch.cat([eps, eps])


def code_two_units_share(mu, logvar, generator):
    eps = torch.randn(len(mu), mu.shape[1] // 2, generator=generator).repeat_interleave(2, 1)
    return mu + (logvar / 2).exp() * eps


def code_standardised(mu, logvar, generator):
    eps = torch.randn(mu.shape, generator=generator)
    return mu + (logvar / 2).exp() * (eps - eps.mean(0)) / eps.std(0)


def code_coins(mu, logvar, generator):
    return mu + (logvar / 2).exp() * (2 * torch.randint(0, 2, mu.shape, generator=generator) - 1)


def likelihood_by_bce(logits, x):
    return -F.binary_cross_entropy(torch.sigmoid(logits), x, reduction="none").sum(1)


def likelihood_where_naive(logits, x):
    p = torch.sigmoid(logits)
    return torch.where(x > 0.5, p, 1 - p).log().sum(1)


def likelihood_other_eps(logits, x):
    p = torch.sigmoid(logits)
    return (x * torch.log(p + 1e-12) + (1 - x) * torch.log(1 - p + 1e-12)).sum(1)


def likelihood_gaussian(logits, x):
    return Normal(torch.sigmoid(logits), 1.0).log_prob(x).sum(1)


def elbo_with_batch_kl(logits, x, mu, logvar):
    return likelihood(logits, x) - kl(mu, logvar).mean()


def elbo_negative_terms(logits, x, mu, logvar):
    return -likelihood(logits, x) + kl(mu, logvar)


def elbo_weighted(logits, x, mu, logvar):
    return likelihood(logits, x) - 4 * kl(mu, logvar)


def elbo_of_means(logits, x, mu, logvar, fit=None):
    return (likelihood(logits, x) / x.shape[1] if fit is None else fit) - kl(mu, logvar) / mu.shape[1]


def elbo_warm(logits, x, mu, logvar):
    return likelihood(logits, x) - 0.1 * kl(mu, logvar)


def bound_in_place(log_w):
    peak = log_w.max(0).values
    log_w -= peak
    return peak + log_w.exp().mean(0).log()


def bound_peak_cut(log_w):
    peak = log_w.max(0).values
    return peak + (log_w - peak).detach().exp().mean(0).log()


def bound_with_one_peak(log_w):
    return (log_w - log_w.max()).exp().mean(0).log() + log_w.max()


def bound_from_zero(log_w):
    total = torch.zeros_like(log_w[0])
    for sample in log_w:
        total = torch.logaddexp(total, sample)
    return total - math.log(len(log_w))


def bound_clamped(log_w):
    return log_w.clamp(-80, 80).exp().mean(0).log()


def prior_without_generator(decoder, n, k, generator):
    return torch.sigmoid(decoder(torch.randn(n, k)))


def prior_from_encoder_width(decoder, n, k, generator):
    return torch.sigmoid(decoder(torch.randn(n, 2 * k, generator=generator)))


def prior_on_the_shell(decoder, n, k, generator):
    z = torch.randn(n, k, generator=generator)
    return torch.sigmoid(decoder(F.normalize(z, dim=1)))


def prior_standardised(decoder, n, k, generator):
    z = torch.randn(n, k, generator=generator)
    return torch.sigmoid(decoder((z - z.mean(0)) / z.std(0)))


def prior_best_of_two(decoder, n, k, generator):
    return torch.sigmoid(decoder(torch.randn(2 * n, k, generator=generator)))[:n]


def prior_in_numpy(decoder, n, k, generator):
    return torch.sigmoid(decoder(torch.randn(n, k, generator=generator))).detach().numpy()


def prior_stretched(decoder, n, k, generator):
    p = prior(decoder, n, k, generator)
    return (p - p.min()) / (p.max() - p.min())


def prior_weights_set(decoder, n, k, generator):
    decoder.bias.data.zero_()
    return prior(decoder, n, k, generator)


def beta_no_sum(pixels, units, batch, reconstruction, kl):
    weight = {"per image": (1, 1), "mean": (1 / pixels, 1 / units)}
    return weight[kl][1] / weight[reconstruction][0]


def beta_falls_through(pixels, units, batch, reconstruction, kl):
    if reconstruction == kl == "mean":
        return pixels / units
    if reconstruction == kl:
        return 1.0
    return None


def beta_ones(pixels, units, batch, reconstruction, kl):
    return 1.0


def beta_mean_of_the_batch_too(pixels, units, batch, reconstruction, kl):
    return beta(pixels, units, batch, reconstruction, kl) / (batch if kl == "mean" else 1)


def beta_root_batch(pixels, units, batch, reconstruction, kl):
    return beta(pixels, units, math.sqrt(batch), reconstruction, kl)


def beta_by_cases(pixels, units, batch, reconstruction, kl):
    """Two of the three pairs with a mean of the reconstruction are wrong, in ways of their own."""
    return beta(pixels, units, batch, reconstruction, kl) * (
        {"mean": 1.7, "sum": 0.9}.get(kl, 1) if reconstruction == "mean" else 1)


def beta_of_kl_sum(pixels, units, batch, reconstruction, kl):
    return beta(pixels, units, batch, reconstruction, kl) * (units if kl == "sum" else 1)


UNLISTED = [
    ("kl_term", kl_sampled, "Called twice"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar).detach(), "cut off from `mu`"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar.detach()), "cut off from `logvar`"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar).numpy(), "NumPy array"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar)[:, None], "one dimension too many"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar).tolist(), "Python list"),
    ("kl_term", lambda mu, logvar: 3 * kl(mu, logvar), "3 times the right one"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar) + 0.25 * mu.square().sum(1), "The term ½ Σ mu² enters 1.5 times"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar) - 0.7, "Everywhere your value is 0.7 too small"),
    ("kl_term", lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1) - mu.mean(),
     "depend on the other images"),
    ("kl_term", lambda mu, logvar: -0.5 * (1 + logvar - mu**2 - logvar.exp()).mean(), "one mean over all numbers"),
    ("kl_term", lambda mu, logvar: (1 + logvar - mu**2 - logvar.exp()).sum(1), "Two things at once"),
    ("kl_term", lambda mu, logvar: kl_divergence(Normal(mu, logvar), Normal(0.0, 1.0)).sum(1), "σ is `(logvar / 2)"),
    ("kl_term", lambda mu, logvar: kl_divergence(Normal(mu, logvar.exp()), Normal(0.0, 1.0)).sum(1), "taken for σ"),
    ("kl_term", lambda mu, logvar: kl(logvar, mu), "exchanged"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar).clamp(max=3.0), "the others are too small"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar).squeeze(), "no dimension left"),
    ("kl_term", lambda mu, logvar: kl(mu, logvar.clamp(-4, 4)), "very exact and very wide"),
    ("kl_term", lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - (logvar.exp() + 1e-8).log() - 1).sum(1), "very exact"),
    ("kl_term", lambda mu, logvar: (0.5 * (mu**2 + logvar.exp() - logvar - 1)).clamp(min=0.1).sum(1),
     "the others are too large"),
    ("sample_code", code_without_generator, "does not come from the generator"),
    ("sample_code", code_seeded_inside, "same noise at every call"),
    ("sample_code", code_cauchy, "of another form"),
    ("sample_code", code_without_gradient, "no gradient reaches `mu` and `logvar`"),
    ("sample_code", code_clamped, "of another form"),
    ("sample_code", code_half_the_batch, "shared by several images"),
    ("sample_code", code_two_units_share, "shared by units of an image"),
    ("sample_code", lambda mu, logvar, generator: torch.normal(mu, (logvar / 2).exp(), generator=generator),
     "no gradient reaches `mu` and `logvar`"),
    ("sample_code", lambda mu, logvar, generator: mu + (logvar / 2).exp() * torch.randn(mu.shape), "handed in"),
    ("sample_code", lambda mu, logvar, generator: code(mu, logvar - 2 * math.log(3), generator), "0.33 times"),
    ("sample_code", lambda mu, logvar, generator: code(mu, 1.5 * logvar, generator), "something else"),
    ("sample_code", lambda mu, logvar, generator: code(mu, logvar.clamp(-3, 3), generator), "`logvar` = −12 and 6"),
    ("sample_code", lambda mu, logvar, generator: mu + (logvar / 2).exp().clamp(min=0.1) * torch.randn(
        mu.shape, generator=generator), "`logvar` = −12"),
    ("sample_code", lambda mu, logvar, generator: mu + (logvar / 2).exp(), "There is no noise in it"),
    ("sample_code", code_standardised, "For one image and a code of 32 units"),
    ("sample_code", code_coins, "of another form"),
    ("sample_code", lambda mu, logvar, generator: mu + logvar.exp() / 2 * torch.randn(mu.shape, generator=generator),
     "half as large"),
    ("sample_code", lambda mu, logvar, generator: code(0.5 * mu, logvar, generator), "times mu"),
    ("sample_code", lambda mu, logvar, generator: code(mu, logvar, generator).sum(1), "shape"),
    ("sample_code", lambda mu, logvar, generator: code(mu, logvar.mean(1, keepdim=True), generator), "something else"),
    ("sample_code", lambda mu, logvar, generator: code(mu, logvar, generator).tanh(), "times mu"),
    ("sample_code", lambda mu, logvar, generator: code(logvar, mu, generator), "exchanged"),
    ("log_likelihood", likelihood_by_bce, "cuts its logarithms off"),
    ("log_likelihood", likelihood_where_naive, "large logits of both signs"),
    ("log_likelihood", likelihood_other_eps, "large logits of both signs"),
    ("log_likelihood", lambda logits, x: likelihood(logits, x).squeeze(), "no dimension left"),
    ("log_likelihood", lambda logits, x: likelihood(logits.clamp(-30, 30), x), "without a bound"),
    ("log_likelihood", likelihood_gaussian, "expected"),
    ("log_likelihood", lambda logits, x: likelihood(logits, x).exp(), "above 0"),
    ("log_likelihood", lambda logits, x: likelihood(logits.detach(), x), "cut off from `logits`"),
    ("log_likelihood", lambda logits, x: F.binary_cross_entropy(logits, x), "between 0 and 1"),
    ("log_likelihood", lambda logits, x: F.binary_cross_entropy_with_logits(logits, x), "Two things at once"),
    ("log_likelihood", lambda logits, x: -F.binary_cross_entropy_with_logits(logits, x, reduction="sum"),
     "The images are summed too"),
    ("log_likelihood", lambda logits, x: 2 * likelihood(logits, x), "2 times the right one"),
    ("log_likelihood", lambda logits, x: likelihood(x, logits), "exchanged"),
    ("log_likelihood", lambda logits, x: likelihood(logits, x)[:, None], "one dimension too many"),
    ("log_likelihood", lambda logits, x: likelihood(logits - 1, x), "expected"),
    ("log_likelihood", lambda logits, x: (x * F.logsigmoid(logits) + 2 * (1 - x) * F.logsigmoid(-logits)).sum(1),
     "enters 2 times what it should"),
    ("log_likelihood", lambda logits, x: F.logsigmoid(logits * x).sum(1), "expected"),
    ("elbo", elbo_with_batch_kl, "Every image pays the mean KL of the batch"),
    ("elbo", elbo_negative_terms, "the negative ELBO"),
    ("elbo", elbo_weighted, "The term −KL enters 4 times"),
    ("elbo", lambda logits, x, mu, logvar: likelihood(logits, x) - kl(mu, logvar).clamp(min=1.0),
     "the others are too small"),
    ("elbo", lambda logits, x, mu, logvar: elbo(logits, x, mu, logvar).squeeze(), "no dimension left"),
    ("elbo", elbo_of_means, "Both terms are means"),
    ("elbo", lambda logits, x, mu, logvar: elbo_of_means(logits, x, mu, logvar, likelihood(logits, x)),
     "The KL is a mean over the units; their sum is meant"),
    ("elbo", lambda logits, x, mu, logvar: likelihood(logits, x) - kl(mu, logvar)[:, None],
     "the KL has the shape (B, 1)"),
    ("elbo", elbo_warm, "The term −KL enters 0.1 times"),
    ("elbo", lambda logits, x, mu, logvar: elbo(logits, x, mu, logvar).mean(), "The images are averaged too"),
    ("elbo", lambda logits, x, mu, logvar: elbo(logits, x, mu.detach(), logvar), "cut off from `mu`"),
    ("elbo", lambda logits, x, mu, logvar: elbo(logits.detach(), x, mu, logvar), "cut off from `logits`"),
    ("elbo", lambda logits, x, mu, logvar: elbo(logits, x, mu, logvar) + 1, "expected"),
    ("elbo", lambda logits, x, mu, logvar: likelihood(logits, x)[:, None] - kl(mu, logvar),
     "the log-likelihood has the shape"),
    ("elbo", lambda logits, x, mu, logvar: likelihood(logits, x) + kl(mu, logvar).neg().mul(0.5), "0.5 times"),
    ("elbo", lambda logits, x, mu, logvar: likelihood(torch.sigmoid(logits), x) + kl(mu, logvar), "Two things"),
    ("elbo", lambda logits, x, mu, logvar: -likelihood(logits, x).mean() + kl(mu, logvar).mean(), "Two things"),
    ("elbo", lambda logits, x, mu, logvar: {"reconstruction": -likelihood(logits, x), "KL": kl(mu, logvar)}, "dict"),
    ("elbo", lambda logits, x, mu, logvar: (likelihood(logits, x), kl(mu, logvar)), "(2, 2)"),
    ("elbo", lambda logits, x, mu, logvar: likelihood(logits, x) - kl(mu, logvar - 1), "expected"),
    ("elbo", lambda logits, x, mu, logvar: elbo(logits, x, mu, logvar) / 784, "times the right one"),
    ("importance_bound", bound_in_place, "changes its input `log_w` in place"),
    ("importance_bound", bound_peak_cut, "but the gradient of `log_w` is not"),
    ("importance_bound", lambda log_w: (log_w - log_w[0]).exp().mean(0).log() + log_w[0], "hundreds of nats apart"),
    ("importance_bound", lambda log_w: (log_w.double() - log_w.mean(0)).exp().mean(0).log() + log_w.mean(0), "apart"),
    ("importance_bound", lambda log_w: log_w.amax(0) - math.log(len(log_w)), "less log k, as if the other weights"),
    ("importance_bound", lambda log_w: log_w.squeeze().logsumexp(0) - math.log(len(log_w)), "Leave the squeeze out"),
    ("importance_bound", bound_with_one_peak, "right only where the weights of all images are of similar size"),
    ("importance_bound", bound_from_zero, "one weight of 1 too many"),
    ("importance_bound", lambda log_w: log_w.double().exp().mean(0).log(), "reach from 95 to 1000"),
    ("importance_bound", lambda log_w: log_w.amin(0), "On the small numbers tried it is never above the mean"),
    ("importance_bound", bound_clamped, "It is right for small numbers"),
    ("importance_bound", lambda log_w: log_w.exp().mean(0).log(), "`exp` gives 0 or infinity"),
    ("importance_bound", lambda log_w: bound(log_w).squeeze(), "no dimension left"),
    ("importance_bound", lambda log_w: torch.log(log_w.mean(0)), "`log_w` holds logarithms already"),
    ("importance_bound", lambda log_w: bound(log_w).detach(), "cut off from `log_w`"),
    ("importance_bound", lambda log_w: log_w.logsumexp(0) - math.log(log_w.numel()), "number of all entries"),
    ("importance_bound", lambda log_w: log_w.logsumexp(0) - math.log(500), "does not depend on the weights"),
    ("importance_bound", lambda log_w: bound(log_w.T), "dimension 1"),
    ("importance_bound", lambda log_w: bound(-log_w), "expected"),
    ("importance_bound", lambda log_w: -bound(-log_w), "never above the mean of the logarithms"),
    ("importance_bound", lambda log_w: 0.5 * bound(log_w) + 0.5 * log_w.mean(0), "expected"),
    ("importance_bound", lambda log_w: bound(log_w[:-1]), "expected"),
    ("importance_bound", lambda log_w: log_w.logsumexp(0, keepdim=True) - math.log(len(log_w)), "shape"),
    ("importance_bound", lambda log_w: log_w.logsumexp() - math.log(len(log_w)), "raises"),
    ("importance_bound", lambda log_w: math.log(log_w.exp().mean(0)), "`math.log` takes one number"),
    ("prior_samples", prior_without_generator, "generator=generator"),
    ("prior_samples", prior_from_encoder_width, "one row for each image"),
    ("prior_samples", prior_on_the_shell, "the same length"),
    ("prior_samples", lambda decoder, n, k, generator: prior(decoder, n, k, generator).squeeze(), "For n = 1"),
    ("prior_samples", prior_standardised, "For n = 1"),
    ("prior_samples", prior_best_of_two, "another number than n"),
    ("prior_samples", prior_in_numpy, "ndarray"),
    ("prior_samples", prior_stretched, "other numbers between 0 and 1"),
    ("prior_samples", prior_weights_set, "with other weights"),
    ("prior_samples", lambda decoder, n, k, generator: torch.sigmoid(decoder.decode(torch.randn(n, k))), "call it"),
    ("prior_samples", lambda decoder, n, k, generator: decoder(torch.randn(k, n, generator=generator)).sigmoid(),
     "one row for each image"),
    ("prior_samples", lambda decoder, n, k, generator: prior(decoder, n, k, generator).reshape(n, 1, -1), "dimension"),
    ("prior_samples", lambda decoder, n, k, generator: prior(decoder, n, k, generator).bernoulli(),
     "draws each pixel as black or white"),
    ("prior_samples", lambda decoder, n, k, generator: prior(decoder, n, k, generator).round(), "black and white at ½"),
    ("prior_samples", lambda decoder, n, k, generator: decoder(torch.randn(n, k, generator=generator)).softmax(0),
     "a softmax over the images"),
    ("prior_samples", lambda decoder, n, k, generator: prior(decoder, n, k, generator)[0], "a single image"),
    ("prior_samples", lambda decoder, n, k, generator: torch.sigmoid(decoder(
        0.7 * torch.randn(n, k, generator=generator))), "0.7"),
    ("beta", beta_no_sum, "The three words are"),
    ("beta", beta_falls_through, "Is there a `return` for each of the three words"),
    ("beta", beta_ones, "same result for every input"),
    ("beta", beta_mean_of_the_batch_too, "wherever the KL is reduced by \"mean\""),
    ("beta", beta_root_batch, "expected"),
    ("beta", beta_of_kl_sum, "wherever the KL is reduced by \"sum\""),
    ("beta", lambda pixels, *a: beta(784, *a), "784 pixels are written in"),
    ("beta", lambda pixels, units, *a: beta(pixels, 20, *a), "20 units are written in"),
    ("beta", lambda pixels, units, batch, *a: beta(pixels, units, 128, *a), "A batch of 128 is written in"),
    ("beta", lambda pixels, *a: beta(1000, *a), "On the sizes tried it is wrong wherever the reconstruction"),
    ("beta", beta_by_cases, "none of the usual mistakes"),
    ("beta", lambda *a: 1 / beta(*a), "the other way round"),
    ("beta", lambda *a: 2 * beta(*a), "2 times the right one"),
    ("beta", lambda *a: f"{beta(*a):.3g}", "str"),
    ("beta", lambda *a: int(beta(*a)), "cut down to a whole number"),
    ("beta", lambda *a: (beta(*a), 1.0), "tuple"),
    ("beta", lambda pixels, units, batch, reconstruction, kl: pixels // units, "expected"),
    ("beta", lambda pixels, units, batch, reconstruction, kl: beta(pixels, units, batch, kl, reconstruction),
     "exchanged"),
    ("beta", lambda pixels, units, batch, reconstruction, kl: beta(28, units, batch, reconstruction, kl), "expected"),
    ("beta", lambda pixels, units, batch, reconstruction, kl: beta(784, 20, 128, reconstruction, kl),
     "written into it"),
    ("beta", lambda *a: print(beta(*a)), "It returns None"),
]


PAIRS = [
    ("sample_code", "variance as sigma", "global state"),
    ("sample_code", "no mean", "no sigma"),
    ("sample_code", "one draw for the batch", "not reparameterised"),
    ("sample_code", "rand", "the same at every call"),
    ("sample_code", "logvar as sigma", "mu cut"),
    ("prior_samples", "logits", "uniform"),
    ("prior_samples", "sigmoid twice", "global state"),
    ("prior_samples", "one code for all", "threshold"),
    ("prior_samples", "too narrow", "softmax"),
]
