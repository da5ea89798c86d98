"""Lab 07, the losses: fresh inputs on which no mistake can hide, and the oracles, which find the values another way."""

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from aecourse.check import lab07_says as says
from aecourse.check.engine.exercise import Case
from aecourse.models import Autoencoder


def _rows(table: Tensor) -> str:
    return ", ".join("[" + ", ".join(f"{v:.1f}" for v in row) + "]" for row in table)


def _tenths(low: int, high: int, *shape: int, generator: torch.Generator) -> Tensor:
    return torch.randint(low, high + 1, shape, generator=generator) / 10


def _between(low: int, high: int, generator: torch.Generator) -> int:
    return int(torch.randint(low, high + 1, (), generator=generator))


# ---- 2 --------------------------------------------------------------------------------------------------------------


def pretraining_loss(generator: torch.Generator, size: int) -> Case:
    """Return an autoencoder with random weights, whose logits have both signs and are not small, and images."""
    pixels, code = (6, 3) if size == 1 else (20, 4)
    model = Autoencoder([pixels, 8, code])
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * (0.7 if p.dim() > 1 else 0.5))
    x = torch.rand(size, pixels, generator=generator).round(decimals=1 if size == 1 else 4)
    text = f"one image, x = [{_rows(x)}]," if size == 1 else f"{size} images of {pixels} random pixels"
    if size == 1:
        text += f" whose logits are [{_rows(model(x).detach())}]"
    return Case((model, x), text)


def pretraining_oracle(model: Autoencoder, x: Tensor) -> Tensor:
    """Layer by layer with the weights alone; the sigmoid by a tanh, and the square multiplied out."""
    h = x.double()
    for layers in (list(model.encoder), list(model.decoder)):
        for layer in layers[::2]:
            h = h @ layer.weight.double().T + layer.bias.double()
            h = h.clamp(min=0) if layer is not layers[-1] else h
    x_hat, x = 0.5 + 0.5 * torch.tanh(h / 2), x.double()
    return ((x_hat * x_hat).sum(1) - 2 * (x_hat * x).sum(1) + (x * x).sum(1)).float()


# ---- 4 --------------------------------------------------------------------------------------------------------------


def m2_labelled(generator: torch.Generator, size: int) -> Case:
    """Return logits, black-and-white images, and a posterior that is nowhere the prior."""
    classes = _between(3, 12, generator)
    pixels, code = {1: (3, 2), 2: (784, 3)}.get(size, (784, 5))
    x = (torch.rand(size, pixels, generator=generator) < 0.5).float()
    x[0, :2] = torch.tensor([1.0, 0.0])
    if size == 1:
        logits, mu = _tenths(3, 25, 1, 3, generator=generator), _tenths(4, 15, 1, 2, generator=generator)
        logits = logits * torch.tensor([[1.0, -1.0, 1.0]])[:, torch.randperm(3, generator=generator)]
        logvar = torch.stack([_tenths(-15, -4, 1, generator=generator), _tenths(3, 9, 1, generator=generator)], 1)
        return Case((logits, x, mu, logvar, classes), f"x = [{_rows(x)}], logits = [{_rows(logits)}], mu = "
                    f"[{_rows(mu)}], logvar = [{_rows(logvar)}], {classes} classes")
    logits = torch.randn(size, pixels, generator=generator) * 2
    mu, logvar = torch.randn(size, code, generator=generator) * 2, torch.randn(size, code, generator=generator) - 0.7
    if size == 6:
        logits = logits.sign() * (60 + 60 * torch.rand(size, pixels, generator=generator))
        return Case((logits, x, mu, logvar, classes), "6 images with logits between ±60 and ±120", says.UNSTABLE)
    return Case((logits, x, mu, logvar, classes), f"{size} images of {pixels} pixels, codes of {code} numbers, "
                f"{classes} classes")


def m2_labelled_oracle(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, classes: int) -> Tensor:
    """From torch's distributions, each term by itself."""
    posterior = Normal(mu.double(), (logvar.double() / 2).exp())
    kl = kl_divergence(posterior, Normal(torch.zeros_like(posterior.loc), 1.0)).sum(1)
    log_p_y = Categorical(probs=torch.ones(classes).double()).log_prob(torch.tensor(classes - 1))
    return (kl - Bernoulli(logits=logits.double()).log_prob(x.double()).sum(1) - log_p_y).float()


def m2_labelled_parts(logits: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, classes: int) -> dict[str, Tensor]:
    """Return the terms of the right value, for a sentence on the one that is off."""
    one = torch.ones(len(x))
    return {"log p(x|y,z)": -Bernoulli(logits=logits).log_prob(x).sum(1),
            "log p(y)": one * torch.log(torch.tensor(float(classes))), "mu² (in KL)": mu.square().sum(1) / 2,
            "the variance (in KL)": logvar.exp().sum(1) / 2, "logvar (in KL)": -logvar.sum(1) / 2,
            "the −1 (in KL)": -one * mu.shape[1] / 2}


# ---- 5 and 6 --------------------------------------------------------------------------------------------------------


def _bounds(size: int, classes: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return what M2 pays for each class, in nats, a few apart; and the logits of a classifier that is half sure."""
    by_class = 12 + 3 * torch.rand(size, 1, generator=generator) + 2.5 * torch.rand(size, classes, generator=generator)
    return by_class, torch.randn(size, classes, generator=generator) * 1.2


def m2_unlabelled(generator: torch.Generator, size: int) -> Case:
    """Return bounds and logits; those of size 4 are so sure that a probability is 0 in float32."""
    classes = {1: 2, 2: 3, 3: 4}.get(size, 7)
    if size == 1:
        by_class = _tenths(11, 29, 1, 2, generator=generator)
        by_class[0, 1] = by_class[0, 0] + _between(4, 9, generator) / 10
        by_class = by_class[:, torch.randperm(2, generator=generator)]
        logits = torch.stack([_tenths(3, 9, 1, generator=generator), _tenths(-12, -4, 1, generator=generator)], 1)
        logits = logits[:, torch.randperm(2, generator=generator)]
        return Case((by_class, logits), f"one image with the bounds {_rows(by_class)} and the logits {_rows(logits)}")
    by_class, logits = _bounds(size, classes, generator)
    if size == 4:
        logits = logits * 20
        logits[torch.arange(4), torch.arange(4)] = 200.0
        logits[torch.arange(4), torch.arange(4) + 1] = -150.0
        return Case((by_class, logits), "4 images with a classifier that is quite sure: logits from −150 to 200",
                    says.ZERO_LOG_ZERO)
    return Case((by_class, logits), f"{size} images of {classes} classes")


def m2_unlabelled_oracle(by_class: Tensor, class_logits: Tensor) -> Tensor:
    """−U by Gibbs' identity: U = −log Σ exp(−L) + KL(q ‖ p*), where p* is proportional to exp(−L)."""
    best = Categorical(logits=-by_class.double())
    apart = kl_divergence(Categorical(logits=class_logits.double()), best)
    return (apart - torch.logsumexp(-by_class.double(), 1)).float()


def m2_loss(generator: torch.Generator, size: int) -> Case:
    """Return a batch with and without labels, in mixed order, class 0 among the labels, and alpha."""
    classes = 3 if size == 3 else 5
    alpha = _between(2, 9, generator) + _between(1, 9, generator) / 10
    by_class, logits = _bounds(size, classes, generator)
    if size == 3:
        by_class, logits = by_class.round(decimals=1), logits.round(decimals=1)
        y = torch.tensor([-1, 0, -1])
        text = f"bounds {_rows(by_class)}, logits {_rows(logits)}, y = {y.tolist()}, alpha = {alpha:.1f}"
        return Case((by_class, logits, y, alpha), text)
    y = torch.randint(1, classes - 1, (size,), generator=generator)  # not the last: an index of −1 means that one
    places = torch.randperm(size, generator=generator)
    if size == 5:
        y[places[0]] = 0
        return Case((by_class, logits, y, alpha), "5 images, all with a label", says.ALL_LABELLED)
    if size == 4:
        y[:] = -1
        return Case((by_class, logits, y, alpha), "4 images, none with a label", says.NONE_LABELLED)
    y[places[: size // 2]] = -1
    y[places[-1]] = 0
    if y[0] >= 0 and bool((y[: size - size // 2] >= 0).all()):  # the labelled ones do not come first
        y, by_class, logits = y.flip(0), by_class.flip(0), logits.flip(0)
    text = f"{size} images of {classes} classes, y = {y.tolist()}, alpha = {alpha:.1f}"
    return Case((by_class, logits, y, alpha), text if size < 20 else f"{size} images")


def m2_loss_oracle(by_class: Tensor, class_logits: Tensor, y: Tensor, alpha: float) -> Tensor:
    """Image by image: a label is a belief that is sure, whose entropy is 0; without one the belief is q(y|x)."""
    log_q = class_logits.double() - torch.logsumexp(class_logits.double(), 1, keepdim=True)
    values = []
    for bound, logs, label in zip(by_class.double(), log_q, y.tolist(), strict=True):
        if label < 0:
            values.append(torch.dot(logs.exp(), bound + logs))
        else:
            values.append(bound[label] - alpha * logs[label])
    return torch.stack(values).float()
