"""Lab 07's checks: right answers pass in every form, and wrong ones that are in no list get a true sentence."""

import ast
import copy
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from aecourse import losses
from aecourse.authoring import units
from aecourse.check import lab07

BY_NAME = {exercise.name: exercise for exercise in lab07.EXERCISES}
REFERENCE = {name: exercise.reference for name, exercise in BY_NAME.items()}


# ---- right answers --------------------------------------------------------------------------------------------------


def choose_by_walking(labels, n, generator):
    """Walk through a permutation of all images and take an image while its class has room."""
    room, chosen = [n // 10] * 10, []
    for i in torch.randperm(len(labels), generator=generator).tolist():
        if room[labels[i]] > 0:
            room[labels[i]] -= 1
            chosen.append(i)
    return torch.tensor(chosen)


def choose_by_multinomial(labels, n, generator):
    pieces = [torch.multinomial((labels == c).float(), n // 10, generator=generator) for c in range(10)]
    together = torch.stack(pieces).flatten()
    return together[torch.randperm(n, generator=generator)]


def choose_by_sorting_noise(labels, n, generator):
    noise = torch.rand(len(labels), generator=generator)
    return torch.cat([torch.where(labels == c, noise, 2.0).argsort()[: n // 10] for c in labels.unique()])


def choose_in_numpy(labels, n, generator):
    rng = np.random.default_rng(torch.randint(2**31, (), generator=generator).item())
    picks = [rng.choice(np.flatnonzero(labels.numpy() == c), n // 10, replace=False) for c in range(10)]
    return torch.from_numpy(np.concatenate(picks))


def pretraining_by_parts(model, x):
    x_hat = 1 / (1 + torch.exp(-model.decoder(model.encoder(x))))
    return torch.sum((x - x_hat) ** 2, dim=1)


def pretraining_by_einsum(model, x):
    away = model.decode(model.encode(x)).sigmoid() - x
    return torch.einsum("bi,bi->b", away, away)


def pretraining_with_a_detached_target(model, x):
    return F.mse_loss(torch.sigmoid(model(x)), x.detach(), reduction="none").sum(dim=-1)


class Extended(nn.Module):
    def __init__(self, encoder, code, classes):
        super().__init__()
        self.body, self.top = encoder, nn.Linear(code, classes)

    def forward(self, x):
        return self.top(self.body(x))


def extend_with_a_zero_head(encoder, code, classes):
    head = nn.Linear(code, classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return nn.Sequential(encoder, head)


def extend_by_state_dict(encoder, code, classes):
    new = copy.deepcopy(encoder)
    for p in new.parameters():
        nn.init.zeros_(p)
    new.load_state_dict(encoder.state_dict())
    return nn.Sequential(new, nn.Linear(code, classes))


def extend_with_parameters(encoder, code, classes):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = encoder
            self.W, self.b = nn.Parameter(torch.randn(code, classes) * 0.1), nn.Parameter(torch.zeros(classes))

        def forward(self, x):
            return self.encoder(x) @ self.W + self.b

    return Net()


def labelled_by_distributions(logits, x, mu, logvar, classes):
    q = Normal(mu, torch.exp(0.5 * logvar))
    kl = kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum(1)
    return kl - Bernoulli(logits=logits).log_prob(x).sum(1) - math.log(1 / classes)


def labelled_by_softplus(logits, x, mu, logvar, classes):
    away = (F.softplus(logits) - x * logits).sum(-1)
    kl = -0.5 * torch.sum(1 + logvar - mu**2 - torch.exp(logvar), dim=-1)
    return away + kl + torch.log(torch.tensor(float(classes)))


def unlabelled_by_distributions(by_class, class_logits):
    q = Categorical(logits=class_logits)
    return (q.probs * by_class).sum(-1) - q.entropy()


def unlabelled_by_loop(by_class, class_logits):
    q, total = F.softmax(class_logits, dim=1), 0
    for c in range(by_class.shape[1]):
        total = total + q[:, c] * (by_class[:, c] + torch.log(q[:, c] + 1e-8))
    return total


def unlabelled_by_clamp(by_class, class_logits):
    q = class_logits.softmax(-1)
    entropy = -(q * q.clamp(min=1e-12).log()).sum(-1)
    return torch.einsum("bc,bc->b", q, by_class) - entropy


def loss_by_assignment(by_class, class_logits, y, alpha):
    J, known = torch.empty(len(y)), y >= 0
    ce = F.cross_entropy(class_logits[known], y[known], reduction="none")
    J[known] = by_class[known, y[known]] + alpha * ce
    J[~known] = REFERENCE["m2_unlabelled"](by_class[~known], class_logits[~known])
    return J


def loss_by_ignore_index(by_class, class_logits, y, alpha):
    ce = F.cross_entropy(class_logits, y, reduction="none", ignore_index=-1)
    own = torch.take_along_dim(by_class, y.clamp(min=0)[:, None], dim=1).squeeze(1)
    return torch.where(y < 0, REFERENCE["m2_unlabelled"](by_class, class_logits), own + alpha * ce)


def loss_by_belief(by_class, class_logits, y, alpha):
    log_q = class_logits.log_softmax(1)
    known = (y >= 0).float()
    one_hot = F.one_hot(y.clamp(min=0), by_class.shape[1]) * known[:, None]
    belief = one_hot + (1 - known[:, None]) * log_q.exp()
    U = (belief * by_class).sum(1) + (1 - known) * (log_q.exp() * log_q).sum(1)
    return U - alpha * (one_hot * log_q).sum(1)


RIGHT = [
    ("choose", choose_by_walking), ("choose", choose_by_multinomial), ("choose", choose_by_sorting_noise),
    ("choose", choose_in_numpy),
    ("pretraining_loss", pretraining_by_parts), ("pretraining_loss", pretraining_by_einsum),
    ("pretraining_loss", pretraining_with_a_detached_target),
    ("pretraining_loss", lambda model, x: (model(x).double().sigmoid() - x).norm(dim=1) ** 2),
    ("extend", Extended),
    ("extend", lambda encoder, code, classes: Extended(encoder, code, classes)), ("extend", extend_with_a_zero_head),
    ("extend", extend_by_state_dict), ("extend", extend_with_parameters),
    ("extend", lambda encoder, code, classes: nn.Sequential(*encoder, nn.Linear(code, classes))),
    ("extend", lambda encoder, code, classes: nn.Sequential(copy.deepcopy(encoder), nn.Linear(code, classes))),
    ("m2_labelled", labelled_by_distributions), ("m2_labelled", labelled_by_softplus),
    ("m2_unlabelled", unlabelled_by_distributions), ("m2_unlabelled", unlabelled_by_loop),
    ("m2_unlabelled", unlabelled_by_clamp),
    ("m2_loss", loss_by_assignment), ("m2_loss", loss_by_ignore_index), ("m2_loss", loss_by_belief),
]


# ---- answers that are in no list ------------------------------------------------------------------------------------


def choose_sorted_by_label(labels, n, generator):
    """The first of each class after a sort that is no shuffle."""
    order = labels.argsort(stable=True)
    starts = torch.cumsum(labels.bincount(), 0) - labels.bincount()
    return torch.cat([order[s : s + n // 10] for s in starts])


def choose_and_order(labels, n, generator):
    first = torch.cat([(labels == c).nonzero().flatten()[: n // 10] for c in range(10)])
    return first[torch.randperm(n, generator=generator)]


def choose_with_numpy_seed(labels, n, generator):
    rng = np.random.default_rng(0)
    return torch.cat([torch.from_numpy(rng.permutation(np.flatnonzero(labels == c))[: n // 10]) for c in range(10)])


def choose_two_dimensional(labels, n, generator):
    return torch.cat([(labels == c).nonzero()[: n // 10] for c in range(10)])


def choose_reseeding(labels, n, generator):
    generator.manual_seed(1)
    return REFERENCE["choose"](labels, n, generator)


def choose_among_the_first(labels, n, generator, first):
    """Shuffle the first images of each class alone."""
    members = [(labels == c).nonzero().flatten()[:first] for c in range(10)]
    return torch.cat([m[torch.randperm(len(m), generator=generator)][: n // 10] for m in members])


def choose_too_few(labels, n, generator):
    return REFERENCE["choose"](labels, n, generator)[1:]


def extend_by_lambda(encoder, code, classes):
    head = nn.Linear(code, classes)
    return lambda x: head(encoder(x))


def extend_wrong_order(encoder, code, classes):
    return nn.Sequential(nn.Linear(code, classes), encoder)


def extend_two_heads(encoder, code, classes):
    return nn.Sequential(encoder, nn.Linear(code, code), nn.Linear(code, classes))


def extend_half_frozen(encoder, code, classes):
    encoder[0].requires_grad_(False)
    return nn.Sequential(encoder, nn.Linear(code, classes))


class HeadAtEachCall(nn.Module):
    def __init__(self, encoder, code, classes):
        super().__init__()
        self.encoder, self.sizes = encoder, (code, classes)

    def forward(self, x):
        return nn.Linear(*self.sizes)(self.encoder(x))


class Between(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, z):
        return self.function(z)


def extend_with_between(function):
    return lambda encoder, code, classes: nn.Sequential(encoder, Between(function), nn.Linear(code, classes))


def extend_normed(encoder, code, classes):
    return nn.Sequential(encoder, nn.LayerNorm(code), nn.Linear(code, classes))


def extend_same_architecture(encoder, code, classes):
    return nn.Sequential(nn.Linear(encoder[0].in_features, 9), nn.ReLU(), nn.Linear(9, code), nn.Linear(code, classes))


def extend_zeroed(encoder, code, classes):
    for p in encoder.parameters():
        nn.init.normal_(p)
    return nn.Sequential(encoder, nn.Linear(code, classes), nn.Softmax(dim=1))


def loss_as_two(by_class, class_logits, y, alpha):
    known = y >= 0
    L = by_class[known, y[known]] + alpha * F.cross_entropy(class_logits[known], y[known], reduction="none")
    return torch.cat([L, REFERENCE["m2_unlabelled"](by_class[~known], class_logits[~known])])


def loss_with_mean_ce(by_class, class_logits, y, alpha):
    known = y >= 0
    J = REFERENCE["m2_unlabelled"](by_class, class_logits)
    J = torch.where(known, by_class.gather(1, y.clamp(min=0)[:, None])[:, 0], J)
    return J + alpha * F.cross_entropy(class_logits[known], y[known]) * known


def loss_for_all(by_class, class_logits, y, alpha):
    return by_class[torch.arange(len(y)), y] - alpha * class_logits.log_softmax(1)[torch.arange(len(y)), y]


def loss_in_place(by_class, class_logits, y, alpha):
    y[y < 0] = 0
    return by_class.gather(1, y[:, None])[:, 0]


def loss_by_log_of_softmax(by_class, class_logits, y, alpha, small=0.0):
    log_q = (class_logits.softmax(1) + small).log()
    own = y.clamp(min=0)[:, None]
    L = by_class.gather(1, own)[:, 0] - alpha * log_q.gather(1, own)[:, 0]
    return torch.where(y >= 0, L, REFERENCE["m2_unlabelled"](by_class, class_logits))


def loss_nll(by_class, class_logits, y, alpha):
    return torch.where(y >= 0, by_class.gather(1, y.clamp(min=0)[:, None])[:, 0]
                       + alpha * F.nll_loss(class_logits, y.clamp(min=0), reduction="none"),
                       REFERENCE["m2_unlabelled"](by_class, class_logits))


def ref(name):
    return lambda *args: REFERENCE[name](*args)


def choose_squeezed(labels, n, generator):
    members = [(labels == c).nonzero().squeeze() for c in range(10)]
    return torch.cat([m[torch.randperm(len(m), generator=generator)[: n // 10]] for m in members])


def choose_from_the_front(labels, n, generator):
    places = torch.randperm(len(labels), generator=generator)[: 8 * n]
    return torch.cat([places[labels[places] == c][: n // 10] for c in range(10)])


def choose_unique(labels, n, generator):
    members = [(labels == c).nonzero().flatten() for c in range(10)]
    return torch.cat([m[torch.randint(len(m), (n // 10,), generator=generator).unique()] for m in members])


def loss_for_whole_batches(by_class, class_logits, y, alpha):
    if (y < 0).any():
        return REFERENCE["m2_unlabelled"](by_class, class_logits)
    return REFERENCE["m2_loss"](by_class, class_logits, y, alpha)


def loss_with_squeezed_places(by_class, class_logits, y, alpha):
    value, places = REFERENCE["m2_unlabelled"](by_class, class_logits), (y >= 0).nonzero().squeeze()
    value[places] = REFERENCE["m2_loss"](by_class, class_logits, y, alpha)[places] + 0 * y[places][:, None][:, 0]
    return value


def loss_special_case(by_class, class_logits, y, alpha):
    if (y >= 0).all():
        return by_class.gather(1, y[:, None])[:, 0]
    return REFERENCE["m2_loss"](by_class, class_logits, y, alpha)


def labelled_by_exp(logits, x, mu, logvar, classes):
    nll = ((1 + logits.exp()).log() - x * logits).sum(1)
    return nll + math.log(classes) + losses.gaussian_kl(mu, logvar)


def unlabelled_by_exp(by_class, class_logits):
    q = class_logits.exp() / class_logits.exp().sum(1, keepdim=True)
    return (q * by_class).sum(1) - Categorical(logits=class_logits).entropy()


def unlabelled_nan_to_num(by_class, class_logits):
    q = class_logits.softmax(1)
    return (q * by_class).sum(1) + (q * q.log()).sum(1).nan_to_num(0.0)


def unlabelled_clamped(by_class, class_logits):
    q = class_logits.softmax(1).clamp(0.01, 0.99)
    return (q * (by_class + q.log())).sum(1) / q.sum(1)


UNLISTED = [
    ("choose", choose_unique, "The number of indices is not n: it is smaller"),
    ("choose", lambda labels, n, generator: REFERENCE["choose"](labels[:-1], n, generator), "the very last of all"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: losses.bernoulli_nll(logits, x) + math.log(classes)
     / classes + losses.gaussian_kl(mu, logvar), "log C is divided by C"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: losses.bernoulli_nll(logits, x) + math.log(classes)
     + losses.gaussian_kl(mu, logvar).mean(), "averaged over the batch, and every image"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: losses.bernoulli_nll(logits, x) + math.log(classes)
     + losses.gaussian_kl(mu, logvar).sum(), "summed over the images as well"),
    ("pretraining_loss", lambda model, x: losses.squared_error(model(x).clamp(-3, 3).sigmoid(), x),
     "cut off at −3 and 3"),
    ("m2_labelled", labelled_by_exp, "exactly 1 there, or exp is inf"),
    ("m2_unlabelled", unlabelled_by_exp, "exp(200) is inf"),
    ("m2_unlabelled", unlabelled_nan_to_num, "the whole entropy is set to 0"),
    ("m2_unlabelled", unlabelled_clamped, "a class has a very small probability"),
    ("m2_unlabelled", lambda b, c: REFERENCE["m2_unlabelled"](b, c) + math.log(b.shape[1]), "log C too large"),
    ("m2_loss", loss_special_case, "wrong where every image has a label"),
    ("choose", choose_squeezed, "For n = 10 and a class that has a single image, it raises"),
    ("choose", choose_from_the_front, "not every class is chosen once"),
    ("choose", choose_sorted_by_label, "first images of each class"),
    ("choose", choose_with_numpy_seed, "the same at every call"),
    ("choose", choose_two_dimensional, "a column"),
    ("choose", choose_reseeding, "the same at every call"),
    ("choose", choose_too_few, "The number of indices is not n"),
    ("choose", lambda labels, n, generator: torch.randint(len(labels), (n,), generator=generator), "all of them"),
    ("choose", lambda labels, n, generator: torch.arange(n), "first n images"),
    ("choose", lambda labels, n, generator: labels.sort().indices[:n], "the same at every call"),
    ("choose", lambda labels, n, generator: torch.randperm(n, generator=generator), "whichever way they are ordered"),
    ("choose", lambda labels, n, generator: len(labels) - 1 - torch.randperm(n, generator=generator), "last n images"),
    ("choose", choose_and_order, "whichever way they are ordered, these are always the first images of each class"),
    ("choose", lambda labels, n, generator: REFERENCE["choose"](labels, n * 10, generator), "n counts all classes"),
    ("choose", lambda labels, n, generator: REFERENCE["choose"](labels, n, generator).sort().values + 1, "n/10"),
    ("choose", lambda labels, n, generator: REFERENCE["choose"](labels, n, generator).int(), "int32"),
    ("choose", lambda labels, n, generator: [REFERENCE["choose"](labels, n, generator)], "a list"),
    ("choose", lambda labels, n, generator: torch.cat([torch.randperm((labels == c).sum(), generator=generator)
                                                       [: n // 10] for c in range(10)]), "places within each class"),
    ("choose", lambda labels, n, generator: labels[torch.randperm(len(labels), generator=generator)[:n]], "labels"),
    ("choose", lambda labels, n, generator: torch.cat([(labels == c).nonzero().flatten()[
        ::int((labels == c).sum()) // (n // 10)][: n // 10] for c in range(10)]), "at equal distances"),
    ("choose", lambda labels, n, generator: choose_among_the_first(labels, n, generator, 300), "of large classes"),
    ("choose", lambda labels, n, generator: torch.cat([torch.multinomial(
        (labels == c).float(), n // 10, True, generator=generator) for c in range(10)]), "chosen more than once"),
    ("choose", lambda labels, n, generator: choose_among_the_first(labels, n, generator, n // 5),
     "never chooses the last images"),
    ("choose", lambda labels, n, generator: choose_among_the_first(labels, n, generator, int(labels.bincount().min())),
     "never chooses the last images of the larger classes"),
    ("pretraining_loss", lambda model, x: (model(x).sigmoid() - x).sum(1) ** 2, "squared afterwards"),
    ("pretraining_loss", lambda model, x: (model((x > 0.5).float()).sigmoid() - (x > 0.5).float()).square().sum(1),
     "as the model's input and as the target"),
    ("pretraining_loss", lambda model, x: F.mse_loss(model(x), x), "`F.mse_loss` as it comes"),
    ("pretraining_loss", lambda model, x: F.mse_loss(model(x).sigmoid(), x, reduction="sum"), "summed together"),
    ("pretraining_loss", lambda model, x: REFERENCE["pretraining_loss"](model, x).detach(), "cut off from `model`"),
    ("pretraining_loss", lambda model, x: (model.encode(x).sigmoid() - x).square().sum(1), "same shape"),
    ("pretraining_loss", lambda model, x: (model.decoder(x) - x).square().sum(1), "The encoder takes images"),
    ("pretraining_loss", lambda model, x: (model(x).sigmoid().detach() - x).square().sum(1), "cut off from `model`"),
    ("pretraining_loss", lambda model, x: {"e": REFERENCE["pretraining_loss"](model, x)}, "a dict"),
    ("pretraining_loss", lambda model, x: 2 * REFERENCE["pretraining_loss"](model, x), "2 times the right one"),
    ("pretraining_loss", lambda model, x: (model.decode(model.encode(x).detach()).sigmoid() - x).square().sum(1),
     "but the gradient of"),
    ("pretraining_loss", lambda model, x: REFERENCE["pretraining_loss"](model, x + 0.1 * torch.randn_like(x)),
     "Called twice"),
    ("pretraining_loss", lambda model, x: (model(x).sigmoid() - x).square().sum(1).sqrt().mean(),
     "one single number"),
    ("pretraining_loss", lambda model, x: (model.forwards(x) - x).square().sum(1), "has `encode(x)`"),
    ("extend", extend_by_lambda, "plain function"),
    ("extend", extend_wrong_order, "stands before the encoder"),
    ("extend", extend_two_heads, "parameters"),
    ("extend", extend_half_frozen, "frozen"),
    ("extend", lambda encoder, code, classes: nn.Sequential(encoder, nn.Linear(code, classes), Between(
        lambda y: y.squeeze())), "For a single image"),
    ("extend", extend_normed, "no linear map of the code"),
    ("extend", extend_same_architecture, "weights are new ones"),
    ("extend", extend_zeroed, "softmax"),
    ("extend", lambda encoder, code, classes: encoder, "the head is never used"),
    ("extend", lambda encoder, code, classes: nn.Linear(code, classes)(encoder), "must be Tensor"),
    ("extend", lambda encoder, code, classes: nn.Sequential(encoder, nn.Linear(classes, code)), "cannot be multiplied"),
    ("extend", lambda encoder, code, classes: nn.Sequential(encoder, nn.Linear(10, 10)), "cannot be multiplied"),
    ("extend", lambda encoder, code, classes: nn.Sequential(encoder.eval(), nn.ReLU(), nn.Linear(code, classes),
                                                            nn.Softmax(dim=1)), "softmax"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: F.binary_cross_entropy(logits.sigmoid(), x), "one single"),
    ("m2_labelled", lambda *a: REFERENCE["m2_labelled"](*a).sum() / len(a[0]), "averaged"),
    ("m2_labelled", lambda *a: REFERENCE["m2_labelled"](*a).detach(), "cut off from `logits`"),
    ("extend", extend_with_between(lambda z: (z - z.mean(0)) / (z.std(0) + 1e-5)), "other logits in another batch"),
    ("extend", lambda encoder, code, classes: nn.Sequential(encoder, nn.BatchNorm1d(code, affine=False),
                                                            nn.Linear(code, classes)), "other logits in another batch"),
    ("extend", lambda encoder, code, classes: HeadAtEachCall(encoder, code, classes), "not among the network's"),
    ("extend", extend_with_between(lambda z: 0.1 * z), "the code is multiplied by 0.1"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: REFERENCE["m2_labelled"](
        logits, x, mu, logvar.clamp(-5, 5), classes), "where logvar is near 0"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: losses.bernoulli_nll(logits, x) + math.log(classes)
     + 0.5 * ((mu**2 + 1) / logvar.exp() + logvar - 1).sum(1), "the other way round"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: REFERENCE["m2_labelled"](
        logits, x, mu, logvar.exp(), classes), "taken twice"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: REFERENCE["m2_labelled"](
        logits, x, mu, logvar, classes) - 2 * math.log(classes), "log p(y) enters with the wrong sign"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: REFERENCE["m2_labelled"](logits, x, mu, logvar, 10),
     "log p(y)"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: -REFERENCE["m2_labelled"](
        logits, x, mu, logvar, classes) + 2 * math.log(classes), "Two things"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: F.binary_cross_entropy_with_logits(
        logits, x, reduction="none") + math.log(classes), "one number per pixel"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: REFERENCE["m2_labelled"](
        logits, x, mu, logvar, classes) / 784, "divided by 784"),
    ("m2_labelled", lambda logits, x, mu, logvar, classes: REFERENCE["m2_labelled"](
        logits, x, 2 * mu, logvar, classes), "mu² (in KL) enters 4 times"),
    ("m2_unlabelled", lambda b, c: (c.softmax(1) * b).sum(1) + 0.5 * Categorical(logits=c).entropy(), "enters -0.5"),
    ("m2_unlabelled", lambda b, c: 0.5 * (c.softmax(1) * b).sum(1) - Categorical(logits=c).entropy(), "enters 0.5"),
    ("m2_unlabelled", lambda b, c: REFERENCE["m2_unlabelled"](b, c).mean(), "averaged"),
    ("m2_unlabelled", lambda b, c: -torch.logsumexp(-b, 1), "expected"),
    ("m2_unlabelled", lambda b, c: c.softmax(1) * b, "expected"),
    ("m2_unlabelled", lambda b, c: REFERENCE["m2_unlabelled"](b.T, c.T), "where there should be"),
    ("m2_unlabelled", lambda b, c: REFERENCE["m2_unlabelled"](b, c.detach()), "cut off from `class_logits`"),
    ("m2_unlabelled", lambda b, c: REFERENCE["m2_unlabelled"](b.detach(), c), "cut off from `by_class`"),
    ("m2_unlabelled", lambda b, c: REFERENCE["m2_unlabelled"](b, c.softmax(1)), "expected"),
    ("m2_unlabelled", lambda b, c: b.gather(1, c.argmax(1)[:, None])[:, 0], "pseudo-label"),
    ("m2_unlabelled", lambda b, c: (c.softmax(1) * b).sum(1) - (c.softmax(1) * c.softmax(1)).sum(1), "expected"),
    ("m2_unlabelled", lambda b, c: (c.softmax(1) * (b + (c.softmax(1)).log())).nansum(1) - 1, "none of the usual"),
    ("m2_unlabelled", lambda b, c: b.mean(1) - Categorical(logits=c).entropy(), "same weight for all classes"),
    ("m2_unlabelled", lambda b, c: (c.sigmoid() * b).sum(1) - Categorical(logits=c).entropy(), "a sigmoid of each"),
    ("m2_loss", loss_by_log_of_softmax, "right for moderate logits"),
    ("m2_loss", lambda b, c, y, alpha: loss_by_log_of_softmax(b, c, y, alpha, 1e-8), "right for moderate logits"),
    ("m2_loss", lambda b, c, y, alpha: torch.where(y >= 0, ref("m2_loss")(b, c, y, alpha), b.mean(1) - Categorical(
        logits=c).entropy()), "the mean of the bounds over the classes, less the entropy"),
    ("m2_loss", loss_as_two, "in another order"),
    ("m2_loss", loss_with_mean_ce, "averaged over the labelled images"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_loss")(b, c, y, alpha).squeeze(), "one image only"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_loss")(b, c, y, alpha) + alpha * F.cross_entropy(
        c, y.clamp(min=0), reduction="none") * (y < 0), "that of class 0"),
    ("m2_unlabelled", lambda b, c: (c.softmax(1) * (b + (c.softmax(1) + 1e-3).log())).sum(1), "log(q + 0.001)"),
    ("m2_loss", loss_for_all, "the last class"),
    ("m2_loss", loss_in_place, "changes its input `y` in place"),
    ("m2_loss", loss_nll, "logit of the right class"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_loss")(b, c, y, alpha).sum(), "summed"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_loss")(b, c, y, 2 * alpha), "enters 2 times"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_loss")(b, c, y, 0.1), "images without a label come out right"),
    ("m2_loss", loss_for_whole_batches, "Decide image by image"),
    ("m2_loss", lambda b, c, y, alpha: torch.where(y == 2, 20.0, ref("m2_loss")(b, c, y, alpha)),
     "some of those with one do not"),
    ("m2_loss", loss_with_squeezed_places, "where a single image has a label"),
    ("m2_loss", lambda b, c, y, alpha: F.cross_entropy(c, y, reduction="none"), "take no class −1"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_loss")(b, c, y, alpha).detach(), "cut off from `by_class`"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_loss")(b, c, y, alpha)[:, None], "one dimension too many"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_loss")(b, c, y, alpha) * (y >= 0), "Images without a label pay nothing"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_unlabelled")(b, c), "Two things"),
    ("m2_loss", lambda b, c, y, alpha: (F.one_hot(y) * b).sum(1), "takes no class −1"),
    ("m2_loss", lambda b, c, y, alpha: (F.one_hot(y.clamp(min=0)) * b).sum(1), "told the number of classes"),
    ("m2_loss", lambda b, c, y, alpha: ref("m2_loss")(b, c, y, alpha) + ref("m2_loss")(b, c, y, alpha), "2 times"),
]


# ---- the two sittings -----------------------------------------------------------------------------------------------


def test_each_sitting_is_as_long_as_the_lab_says():
    source = (Path(__file__).parents[2] / "authoring" / "labs" / "lab07.py").read_text(encoding="utf-8")
    head, *sittings = re.split(r"^# # Sitting [AB] ·.*\n", source, flags=re.MULTILINE)
    stated = [int(n) for n in re.findall(r"^# \| \*\*Sitting [AB]\*\* \|[^|]*\| (\d+) \|", head, flags=re.MULTILINE)]
    assert f"**Time:** about {sum(stated)} minutes" in head
    computed = [minutes(part) for part in sittings]
    computed[0] += minutes(head)
    assert computed == pytest.approx(stated, abs=2)
    assert max(stated) <= 45


def minutes(source):
    """Return the minutes of a part of the lab, as for a unit: folded cells are not read, an exercise takes its own."""
    found, pieces = 0.0, re.split(r"^# %%(.*)\n", source, flags=re.MULTILINE)
    for kind, body in zip(["[markdown]", *pieces[1::2]], pieces[::2], strict=True):
        if "markdown" in kind:
            text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.splitlines())
            before, *exercise = re.split(r"^## \d · .*\n★.* · (\d+) minutes\n", text, maxsplit=1, flags=re.MULTILINE)
            found += units._words(before) / units.WORDS_A_MINUTE + (int(exercise[0]) if exercise else 0)
        elif '"solution": true' in kind or '"grade": true' in kind:
            found += units.DOING * ('"solution": true' in kind and '"grade": true' in kind)
        else:
            lines = 0 if "source_hidden" in kind else sum(bool(line.strip()) for line in body.splitlines())
            shown = len(re.findall(r"^(?:table|score|draw_curves)\(|^plots\.images\(", body, flags=re.MULTILINE))
            found += lines / units.LINES_A_MINUTE + units.PICTURE * shown
            found += units.DOING * len(re.findall(r"^prediction_\w+ = None", body, flags=re.MULTILINE))
    return found


def test_sitting_b_needs_nothing_of_sitting_a_but_what_its_set_up_takes_from_the_file():
    source = (Path(__file__).parents[2] / "authoring" / "labs" / "lab07.py").read_text(encoding="utf-8")
    head, a, b = re.split(r"^# # Sitting [AB] ·.*\n", source, flags=re.MULTILINE)

    def code(part):
        pieces = re.split(r"^# %%(.*)\n", part, flags=re.MULTILINE)
        return ast.parse("\n".join(body for kind, body in zip(pieces[1::2], pieces[2::2], strict=True)
                                   if "markdown" not in kind))

    def names(part, context):
        return {node.id for node in ast.walk(code(part)) if isinstance(node, ast.Name) and isinstance(
            node.ctx, context)} | ({node.name for node in ast.walk(code(part)) if isinstance(
                node, ast.FunctionDef)} if context is ast.Store else set())

    only_in_a = names(a, ast.Store) - names(head, ast.Store) - names(b, ast.Store)
    assert names(b, ast.Load) & only_in_a == set()
