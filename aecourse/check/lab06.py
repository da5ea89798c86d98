"""Lab 06, the variational autoencoder: seven exercises. ``from aecourse.check import lab06 as check``."""

import torch
from torch import Tensor, nn

from aecourse import losses, models
from aecourse.check import lab06_code as code
from aecourse.check import lab06_draw as draw
from aecourse.check import lab06_look as look
from aecourse.check import lab06_prior as prior
from aecourse.check import lab06_says as says
from aecourse.check import lab06_says_last as last
from aecourse.check import lab06_wrong as wrong
from aecourse.check.engine.exercise import Exercise, Form
from aecourse.check.engine.lab import Lab

_EACH = (Form("float", "one number for each image, shape (B,)"),)


def _log_likelihood(logits: Tensor, x: Tensor) -> Tensor:
    return -losses.bernoulli_nll(logits, x)


def _elbo(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return _log_likelihood(logits, x) - losses.gaussian_kl(mu, logvar)


def _prior_samples(decoder: nn.Module, n: int, k: int, generator: torch.Generator) -> Tensor:
    return torch.sigmoid(decoder(torch.randn(n, k, generator=generator)))


def _beta(pixels: int, units: int, batch: int, reconstruction: str, kl: str) -> float:
    weight = {"per image": lambda n: 1, "mean": lambda n: 1 / n, "sum": lambda n: batch}
    return weight[kl](units) / weight[reconstruction](pixels)


EXERCISES = (
    Exercise(
        "kl_term", "1 · The KL term", "function", 1, 7,
        reference=losses.gaussian_kl, oracle=draw.kl_term_oracle, draw=draw.kl_term, sizes=(2, 3, 6, 9), atol=1e-4,
        arguments=("mu", "logvar"), gives=_EACH, gradients=(0, 1), family=wrong.kl_term, look=look.kl_term,
        mistakes=says.KL, errors=says.KL_ERRORS,
        hints=("`logvar` is log σ², so σ² is `logvar.exp()`, and log σ² is `logvar` as it comes.",
               "Each unit costs ½ (μ² + σ² − log σ² − 1). At μ = 0 and σ = 1 that is 0: try it.",
               "The units of one image stand in dimension 1. Sum there, and leave the images apart."),
        why="The divergence between two distributions with independent units is the sum of the units' divergences, so "
            "nats add up. A unit is free only where q is the prior, and then it says nothing about the image."),
    Exercise(
        "sample_code", "2 · A code that gradients pass through", "function", 1, 8,
        reference=models.sample_code, oracle=lambda *case: code.CODE, draw=code.codes, sizes=(2000,),
        probe=code.code_facts, arguments=("mu", "logvar", "generator"), family=code.sample_code, facts=code.FACTS,
        errors=code.ERRORS, mistakes=code.CODES,
        hints=("`torch.randn(mu.shape, generator=generator)` draws a number of its own for every unit of every image, "
               "with mean 0 and standard deviation 1.",
               "σ is the root of the variance: `(logvar / 2).exp()`.",
               "Times σ the noise has the right spread, plus μ the right place: two operations through which gradients "
               "pass."),
        why="The chance comes from outside and needs no gradient. What is left is a smooth function of μ and σ, so the "
            "decoder can tell the encoder, image by image, where its code should have been and how sure it may be."),
    Exercise(
        "log_likelihood", "3 · How probable is an image?", "function", 2, 8,
        reference=_log_likelihood, oracle=draw.log_likelihood_oracle, draw=draw.log_likelihood, sizes=(2, 3, 5, 7),
        atol=1e-4, arguments=("logits", "x"), gives=_EACH, gradients=(0,), family=wrong.log_likelihood,
        look=look.log_likelihood, mistakes=says.LIKELIHOOD, errors=says.LIKELIHOOD_ERRORS,
        hints=("Each pixel has the log-probability x log p + (1 − x) log(1 − p), with p the sigmoid of its logit.",
               "log p is `F.logsigmoid(logits)`. And 1 − p is the sigmoid of the logit with the other sign.",
               "`F.binary_cross_entropy_with_logits(logits, x, reduction=\"none\")` gives the negative of it for every "
               "pixel, and is stable. Sum over the pixels."),
        why="A decoder that is sure and wrong by 200 loses 200 nats at that pixel, and the gradient says so. Through "
            "probabilities the computer would see a logarithm of 0: infinity, or a wall that hides how wrong it is."),
    Exercise(
        "elbo", "4 · The ELBO", "function", 2, 7,
        reference=_elbo, oracle=draw.elbo_oracle, draw=draw.elbo, sizes=(2, 3, 5, 6), atol=1e-4,
        arguments=("logits", "x", "mu", "logvar"), gives=_EACH, gradients=(0, 2, 3), family=wrong.elbo, look=look.elbo,
        mistakes=says.ELBO, errors=says.ELBO_ERRORS,
        hints=("Both pieces are there: `likelihood_ok` and `kl_ok` give one number for each image.",
               "It is a lower bound of log p(x): what the decoder makes of the code, less what the code costs."),
        why="Both terms are in nats, so there is no weight between them to be tuned: a nat more in the code is worth "
            "it if it saves the decoder more than a nat. What `fit` minimises is the negative of it."),
    Exercise(
        "importance_bound", "5 · A tighter bound", "function", 2, 9,
        reference=losses.importance_bound, oracle=draw.importance_bound_oracle, draw=draw.importance_bound,
        sizes=(1, 4, 6, 8, 9), atol=1e-4, arguments=("log_w",), gives=_EACH, gradients=(0,),
        family=wrong.importance_bound, look=look.importance_bound, mistakes=last.BOUND, errors=last.BOUND_ERRORS,
        hints=("The weights themselves are `log_w.exp()`, but for images that is 0 in float32. Stay with logarithms.",
               "`torch.logsumexp(log_w, dim)` is the logarithm of the sum of the exponentials, and it is stable.",
               "A mean is the sum divided by k. Outside of the logarithm that takes off `math.log(k)`."),
        why="The logarithm of a mean is at least the mean of the logarithms, so averaging before the logarithm gives "
            "the higher bound. The largest weights carry the sum: with more samples a good code is found more often."),
    Exercise(
        "prior_samples", "6 · New digits from the prior", "function", 2, 7,
        reference=_prior_samples, oracle=lambda *case: prior.PRIOR, draw=prior.draw, sizes=(2000,),
        probe=prior.prior_facts, arguments=("decoder", "n", "k", "generator"), family=prior.prior_samples,
        facts=prior.FACTS, errors=prior.ERRORS, mistakes=prior.MISTAKES,
        hints=("First the codes: `torch.randn(n, k, generator=generator)`, one row for each image.",
               "The decoder makes logits of them. Which function turns logits into probabilities?"),
        why="Training pulled the codes of all images towards N(0, I), so that is where to draw from. The encoder has "
            "no part in it: the model is the prior and the decoder."),
    Exercise(
        "beta", "7 · Which β is it?", "function", 3, 10,
        reference=_beta, oracle=draw.beta_oracle, draw=draw.beta, sizes=tuple(range(1, 10)), rtol=1e-4, atol=1e-9,
        arguments=("pixels", "units", "batch", "reconstruction", "kl"), gives=(Form("share", "one number"),),
        family=wrong.beta, look=look.beta, mistakes=last.BETA, errors=last.BETA_ERRORS,
        hints=("Write each loss as a factor times the one \"per image\". For \"mean\" the sum over n numbers becomes a "
               "mean over them; for \"sum\" the mean over the batch becomes a sum.",
               "So there are three factors: 1, 1/n and B, where n is the number of pixels for one term and of units "
               "for the other.",
               "Multiplying the whole loss moves no minimum. Divide it by the reconstruction's factor; what stands "
               "before the KL then is β."),
        why="Whoever writes `.mean()` in two places has not chosen a weight, but has one: pixels / units. And with "
            "\"sum\" beside \"mean\" the batch decides, so that a change of the batch trains another model."),
)

_lab = Lab("lab06", EXERCISES)
kl_term, sample_code, log_likelihood, elbo, importance_bound, prior_samples, beta = _lab.checks.values()
use, summary, __getattr__ = _lab.use, _lab.summary, _lab.missing
