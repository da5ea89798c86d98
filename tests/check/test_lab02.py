"""Lab 02's checks: right answers pass in more than one form, each known mistake gets its own sentence."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from aecourse.check import lab02
from aecourse.check.engine.exercise import CORRECT, INCORRECT
from aecourse.check.engine.lab import examine
from aecourse.check.lab02._mirror import autoencoder
from aecourse.check.lab02.bernoulli_nll import UNSTABLE

BY_NAME = {exercise.name: exercise for exercise in lab02.EXERCISES}
SLOW = ("Autoencoder", "train_epoch")


# ---- right answers --------------------------------------------------------------------------------------------------


def gaussian_other_way(x_hat, x, sigma):
    return -torch.distributions.Normal(x_hat, sigma).log_prob(x).sum(1)


def gaussian_by_constant(x_hat, x, sigma):
    return ((x - x_hat) ** 2).sum(1) / (2 * sigma**2) + 784 / 2 * math.log(2 * math.pi * sigma**2)


def gaussian_mean_times_pixels(x_hat, x, sigma):
    return 784 * ((x - x_hat) ** 2 / (2 * sigma**2) + math.log(sigma * math.sqrt(2 * math.pi))).mean(1)


def bernoulli_softplus(logits, x):
    return torch.einsum("bi->b", F.softplus(logits) - x * logits)


def bernoulli_stable_form(logits, x):
    return (logits.clamp(min=0) - logits * x + torch.log1p(torch.exp(-logits.abs()))).sum(-1)


def bernoulli_two_classes(logits, x):
    both = F.log_softmax(torch.stack([logits, torch.zeros_like(logits)]), 0)
    return -(x * both[0] + (1 - x) * both[1]).sum(1)


def floor_where(x):
    return torch.where(x < 0, x**2, torch.zeros_like(x)).sum(1)


def floor_relu(x):
    return F.relu(-x).pow(2).sum(dim=-1)


def floor_search(x):
    grid = torch.linspace(0, 1, 401)
    return torch.stack([(g - x) ** 2 for g in grid]).amin(0).sum(-1)


def test_a_search_for_the_floor_is_near_enough():
    assert examine(BY_NAME["sigmoid_floor"], floor_search, 0).outcome == CORRECT


class ByHand(nn.Module):
    """Another right autoencoder: parameters of its own, products instead of layers, two other nonlinearities."""

    def __init__(self):
        super().__init__()
        widths = [784, 128, 64, 32, 64, 128, 784]
        pairs = list(pairwise(widths))
        self.w = nn.ParameterList([nn.Parameter(torch.randn(a, b) / a**0.5) for a, b in pairs])
        self.b = nn.ParameterList([nn.Parameter(torch.zeros(b)) for _, b in pairs])

    def encode(self, x):
        x = F.gelu(x @ self.w[0] + self.b[0])
        return F.gelu(x @ self.w[1] + self.b[1]) @ self.w[2] + self.b[2]

    def decode(self, z):
        z = torch.tanh(z @ self.w[3] + self.b[3])
        return torch.tanh(z @ self.w[4] + self.b[4]) @ self.w[5] + self.b[5]

    def forward(self, x):
        return self.decode(self.encode(x))


def epoch_with_a_loader(model, images, optimiser, generator, batch=256):
    dataset = torch.utils.data.TensorDataset(images)
    loader = torch.utils.data.DataLoader(dataset, batch, shuffle=True, generator=generator)
    errors = []
    for (x,) in loader:
        optimiser.zero_grad()
        error = F.mse_loss(torch.sigmoid(model(x)), x, reduction="none").sum(1)
        error.mean().backward()
        optimiser.step()
        errors += error.tolist()
    return sum(errors) / len(errors)


def epoch_with_a_while(model, images, optimiser, generator, batch=256):
    order, start, total = torch.randperm(len(images), generator=generator), 0, 0.0
    while start < len(images):
        x = images[order[start:start + batch]]
        loss = (torch.sigmoid(model(x)) - x).square().sum() / len(x)
        for p in model.parameters():
            p.grad = None
        loss.backward()
        optimiser.step()
        total, start = total + loss.item() * len(x), start + batch
    return total / len(images)


class SixLayers(nn.Module):
    """Each layer under a name of its own, with a nonlinearity that is a function."""

    bend = staticmethod(F.relu)

    def __init__(self):
        super().__init__()
        self.e1, self.e2, self.e3 = nn.Linear(784, 128), nn.Linear(128, 64), nn.Linear(64, 32)
        self.d1, self.d2, self.d3 = nn.Linear(32, 64), nn.Linear(64, 128), nn.Linear(128, 784)

    def encode(self, x):
        return self.e3(self.bend(self.e2(self.bend(self.e1(x)))))

    def decode(self, z):
        return self.d3(self.bend(self.d2(self.bend(self.d1(z)))))

    def forward(self, x):
        return self.decode(self.encode(x))


class ByProducts(SixLayers):
    """The encoder's products and sums are written out."""

    second = staticmethod(torch.relu)

    def encode(self, x):
        h = torch.relu(x @ self.e1.weight.T + self.e1.bias)
        return self.second(torch.addmm(self.e2.bias, h, self.e2.weight.T)) @ self.e3.weight.T + self.e3.bias


class FirstFrozen(SixLayers):
    def __init__(self):
        super().__init__()
        self.e1.requires_grad_(False)


class Assigned(nn.Module):
    """The two halves are modules under the names of the methods."""

    def __init__(self):
        super().__init__()
        self.encode = fresh()
        self.decode = nn.Sequential(
            nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 784))

    def forward(self, x):
        return self.decode(self.encode(x))


def fresh():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 32))


class Lazy(nn.Module):
    """Layers that learn their input's width from the first batch."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.LazyLinear(128), nn.ReLU(), nn.LazyLinear(64), nn.ReLU(), nn.LazyLinear(32))
        self.up = nn.Sequential(nn.LazyLinear(64), nn.ReLU(), nn.LazyLinear(128), nn.ReLU(), nn.LazyLinear(784))

    def encode(self, x):
        return self.down(x)

    def decode(self, z):
        return self.up(z)

    def forward(self, x):
        return self.decode(self.encode(x))


def epoch_with_a_closure(model, images, optimiser, generator, batch=256):
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        x = images[rows]

        def closure(x=x):
            optimiser.zero_grad()
            loss = (torch.sigmoid(model(x)) - x).square().sum(-1).mean()
            loss.backward()
            return loss

        total += optimiser.step(closure).item() * len(x)
    return total / len(images)


def epoch_by_hand(model, images, optimiser, generator, batch=256):
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        loss = (torch.sigmoid(model(images[rows])) - images[rows]).square().sum(-1).mean()
        parameters = list(model.parameters())
        for p, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            p.data -= 0.1 * slope
        total += loss.item() * len(rows)
    return total / len(images)


def epoch_looks_twice(model, images, optimiser, generator, batch=256):
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        x = images[rows]
        total += (torch.sigmoid(model(x)) - x).square().sum().item()
        optimiser.zero_grad()
        (torch.sigmoid(model(x)) - x).square().sum(-1).mean().backward()
        optimiser.step()
    return total / len(images)


def epoch_with(cut=lambda loss: loss, late=False, scale=lambda x: x, batches=lambda batches: batches):
    """Return a training loop with a mistake of its own."""
    def train_epoch(model, images, optimiser, generator, batch=256):
        total = 0.0
        for rows in batches(torch.randperm(len(images), generator=generator).split(batch)):
            loss = cut((torch.sigmoid(model(images[rows])) - scale(images[rows])).square().sum(-1).mean())
            if late:
                optimiser.step()
            optimiser.zero_grad()
            loss.backward()
            if not late:
                optimiser.step()
            total += loss.item() * len(rows)
        return total / len(images)

    return train_epoch


def pixels(model, x):
    return (torch.sigmoid(model(x)) - x).square().sum(-1)


def epoch_that_returns(count):
    """Return a right loop that adds up another number for each image."""
    def train_epoch(model, images, optimiser, generator, batch=256):
        total = 0.0
        for rows in torch.randperm(len(images), generator=generator).split(batch):
            error = pixels(model, images[rows])
            optimiser.zero_grad()
            error.mean().backward()
            optimiser.step()
            with torch.no_grad():
                total += count(model, images[rows], error).sum().item()
        return total / len(images)

    return train_epoch


def epoch_in_blocks(model, images, optimiser, generator, batch=256):
    parts, total = images.split(batch), 0.0
    for i in torch.randperm(len(parts), generator=generator):
        error = pixels(model, parts[i])
        optimiser.zero_grad()
        error.mean().backward()
        optimiser.step()
        total += error.sum().item()
    return total / len(images)


def epoch_with_a_new_order(model, images, optimiser, generator, batch=256):
    total = 0.0
    for start in range(0, len(images), batch):
        error = pixels(model, images[torch.randperm(len(images), generator=generator)[start:start + batch]])
        optimiser.zero_grad()
        error.mean().backward()
        optimiser.step()
        total += error.sum().item()
    return total / len(images)


def epoch_with_one_step(model, images, optimiser, generator, batch=256):
    total = 0.0
    optimiser.zero_grad()
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        error = pixels(model, images[rows])
        (error.sum() / len(images)).backward()
        total += error.sum().item()
    optimiser.step()
    return total / len(images)


def normalised(code):
    return (code - code.mean(0)) / (code.std(0, correction=0) + 1e-5)


UNLISTED = [
    ("Autoencoder", autoencoder(forward=lambda self, x: self.decode(normalised(self.encode(x)))),
     "depends on the other images of the batch"),
    ("Autoencoder", autoencoder(forward=lambda self, x: self.decode(0.5 * self.encode(x))),
     "the code after a factor of ½"),
    ("Autoencoder", autoencoder(decode=lambda self, z: self.decoder(F.relu(z))), "before it comes a ReLU"),
    *(("Autoencoder", autoencoder(encode=encode), "`encode` changes the images that it is given") for encode in (
        lambda self, x: self.encoder(x.sub_(0.5)), lambda self, x: self.encoder(x.clamp_(max=0.5)))),
    ("Autoencoder", autoencoder(decode=lambda self, z: self.decoder(z.mul_(2))),
     "`decode` changes the codes that it is given"),
    ("Autoencoder", autoencoder(forward=lambda self, x: self.decode(self.encode(x.sub_(0.5)))),
     "`forward` changes the images that it is given"),
    ("Autoencoder", autoencoder(code_end=nn.Softplus), "comes a softplus"),
    ("Autoencoder", autoencoder(code_end=partial(nn.LeakyReLU, 0.2)), "leave the code as that layer gives it"),
    ("Autoencoder", autoencoder(encode=lambda self, x: self.encoder(torch.sigmoid(x))), "before it comes a sigmoid"),
    ("Autoencoder", autoencoder(encode=lambda self, x: fresh()(x)), "made anew in each call"),
    ("Autoencoder", autoencoder(between=partial(nn.Sequential, nn.Dropout(), nn.ReLU())), "there is dropout in it"),
    ("Autoencoder", FirstFrozen, "some parameters are frozen"),
    ("Autoencoder", type("Autoencoder", (ByProducts,), {"second": staticmethod(lambda h: h)}),
     "two linear layers follow each other"),
    ("Autoencoder", autoencoder(decode=lambda self, z: self.decoder(normalised(z))),
     "depend on the other codes of the batch"),
    ("Autoencoder", autoencoder(forward=lambda self, x: self.decode(self.encode(x)).squeeze()),
     "`forward` gives (784,)"),
    ("gaussian_nll", lambda x_hat, x, sigma: -torch.log(
        torch.exp(-(x - x_hat) ** 2 / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))).sum(-1), "50 σ"),
    ("gaussian_nll", lambda x_hat, x, sigma: ((x - x_hat) ** 2).sum(-1) / 2 * sigma**2 + 784 * (
        math.log(sigma) + math.log(2 * math.pi) / 2), "Parentheses"),
    ("gaussian_nll", lambda x_hat, x, sigma: (0.5 * ((x - x_hat) / sigma) ** 2 + abs(math.log(sigma))
                                              + math.log(2 * math.pi) / 2).sum(-1), "The sign of log σ is taken away"),
    ("gaussian_nll", lambda x_hat, x, sigma: (0.5 * (x - x_hat) ** 2 / (sigma**2 + 1e-3) + math.log(sigma)
                                              + math.log(2 * math.pi) / 2).sum(-1), "A small number, 0.001, is added"),
    ("gaussian_nll", lambda x_hat, x, sigma: F.gaussian_nll_loss(
        x_hat, x, torch.full_like(x, sigma**2), full=True, reduction="none").sum(-1), "or bound it from below"),
    ("bernoulli_nll", lambda logits, x: (F.relu(logits) - logits * x + torch.log1p(torch.exp(-logits))).sum(-1),
     "the bars are missing"),
    ("bernoulli_nll", lambda logits, x: torch.where(x == 1, F.softplus(-logits), F.softplus(logits)).sum(-1),
     "All that is not exactly white counts as black"),
    ("bernoulli_nll", lambda logits, x: (F.binary_cross_entropy_with_logits(logits, x, reduction="none")
                                         - torch.distributions.Bernoulli(x).entropy()).sum(-1), "KL divergence"),
    ("sigmoid_floor", lambda x: (x - x.clamp(0, 1)).square().min(-1).values, "The smallest pixel error"),
    ("bernoulli_nll", lambda logits, x: F.binary_cross_entropy_with_logits(logits, 1 - x, reduction="none").sum(-1),
     "Black and white are exchanged"),
    ("bernoulli_nll", lambda logits, x: (F.softplus(logits) - x * logits + math.log(2) * (logits == 0)).sum(-1),
     "except where logits are exactly 0"),
    ("train_epoch", epoch_in_blocks, "each holds neighbours as they are stored"),
    ("train_epoch", epoch_with_a_new_order, "draw one permutation of all images, once before the loop"),
    ("train_epoch", epoch_that_returns(lambda model, x, before: pixels(model, x)), "measured again after each batch"),
    ("train_epoch", epoch_that_returns(lambda model, x, before: before.sqrt()), "the mean of the roots"),
    ("train_epoch", epoch_that_returns(lambda model, x, before: before**1.5),
     "not the mean, over all images of the epoch, of their squared errors."),
    ("train_epoch", epoch_with_one_step, "and there is one for the whole epoch"),
    ("train_epoch", epoch_with(cut=lambda loss: loss.detach()), "reaches no parameter"),
    ("train_epoch", epoch_with(cut=lambda loss: loss.detach().requires_grad_()), "reaches no parameter"),
    ("train_epoch", epoch_with(batches=lambda batches: [rows for rows in batches if len(rows) > 1]),
     "A last batch of a single image is left out"),
    ("train_epoch", epoch_with(batches=lambda batches: [rows for rows in batches if len(rows) == len(batches[0])]),
     "The last, smaller batch is left out"),
    ("train_epoch", epoch_with(batches=lambda batches: [
        rows[torch.randperm(len(rows))] for rows in torch.arange(sum(map(len, batches))).split(len(batches[0]))]),
     "share a batch in every epoch"),
    ("train_epoch", epoch_by_hand, "and yet the weights move"),
    ("train_epoch", epoch_with(batches=lambda batches: torch.cat(batches).split(1)), "do not have the size"),
    ("train_epoch", epoch_with(late=True), "`step` comes before `backward`"),
    ("train_epoch", epoch_with(scale=lambda x: 2 * x - 1), "the bug of exercise 5"),
]

RIGHT = [
    *(("n_parameters", number) for number in (222_384.0, torch.tensor(222_384), 2 * 110_080 + 2 * 1_112)),
    ("gaussian_nll", gaussian_other_way), ("gaussian_nll", gaussian_by_constant),
    ("gaussian_nll", gaussian_mean_times_pixels), ("bernoulli_nll", bernoulli_softplus),
    ("bernoulli_nll", bernoulli_stable_form), ("bernoulli_nll", bernoulli_two_classes),
    ("sigmoid_floor", floor_where), ("sigmoid_floor", floor_relu), ("Autoencoder", ByHand),
    *(("Autoencoder", autoencoder(between=between))
      for between in (nn.ReLU, nn.GELU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.ELU, nn.SiLU)),
    *(("Autoencoder", type("Autoencoder", (SixLayers,), {"bend": staticmethod(bend)})) for bend in (
        F.relu, lambda h: F.relu(h, inplace=True), lambda h: h.relu_(), F.hardtanh)), ("Autoencoder", Lazy),
    ("Autoencoder", ByProducts), ("Autoencoder", Assigned),
    *(("Autoencoder", autoencoder(between=between))
      for between in (nn.PReLU, nn.Hardtanh, nn.Hardsigmoid, nn.Softshrink, nn.Tanhshrink, nn.ReLU6)),
    ("train_epoch", epoch_with_a_loader), ("train_epoch", epoch_with_a_while), ("train_epoch", epoch_with_a_closure),
    ("train_epoch", epoch_looks_twice)]


@pytest.mark.parametrize("loss", [lambda y, x: (torch.sigmoid(y) - x).square().sum(-1),
                                  BY_NAME["bernoulli_nll"].reference])
def test_a_trained_model_passes(bars, loss):
    torch.manual_seed(0)
    model = BY_NAME["Autoencoder"].reference()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(12):
        for rows in torch.randperm(2000).split(50):
            optimiser.zero_grad()
            loss(model(bars.x_train[rows]), bars.x_train[rows]).mean().backward()
            optimiser.step()
    for seed in range(3):
        verdict = examine(BY_NAME["trained"], model, seed)
        assert verdict.outcome == CORRECT, verdict.text
    assert model.training, "a check leaves the model in the mode in which it was"


def _trained(x, takes, loss):
    torch.manual_seed(0)
    model = BY_NAME["Autoencoder"].reference()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
        for rows in torch.randperm(2000).split(50):
            optimiser.zero_grad()
            loss(model(takes(x[rows])), x[rows]).square().sum(-1).mean().backward()
            optimiser.step()
    return model


def _as_they_are(x):
    return x


def _signed(x):
    return 2 * x - 1


@pytest.mark.parametrize(("takes", "loss", "piece"), [
    (_as_they_are, lambda y, x: torch.sigmoid(y) - _signed(x), "black picture for every image. "),
    (_signed, lambda y, x: torch.sigmoid(y) - _signed(x), "black picture for every image"),
    (_as_they_are, lambda y, x: y - _signed(x), "It rebuilds images on the scale from −1 to 1"),
    (_signed, lambda y, x: y - _signed(x), "It rebuilds images on the scale from −1 to 1"),
    (_signed, lambda y, x: torch.sigmoid(y) - x, "rescaled to −1 to 1 before they go in")])
def test_a_model_trained_on_the_other_scale_is_told_so(bars, takes, loss, piece):
    model = _trained(bars.x_train, takes, loss)
    for seed in range(3):
        assert piece in examine(BY_NAME["trained"], model, seed).says


# ---- two mistakes at once -------------------------------------------------------------------------------------------


PAIRS = [
    ("train_epoch", "no zero_grad", "mean of batch means"),
    ("train_epoch", "no sigmoid", "last batch"), ("train_epoch", "stored order", "no step"),
    ("Autoencoder", "relu code", "sigmoid image"), ("Autoencoder", "no biases", "gives the code"),
    ("Autoencoder", "tanh code", "decoder like encoder")]


def test_the_commonest_loop_has_two_things_said_of_it():
    def train_epoch(model, images, optimiser, generator, batch=256):
        batches, total = torch.randperm(len(images), generator=generator).split(batch), 0.0
        for rows in batches:
            loss = F.mse_loss(torch.sigmoid(model(images[rows])), images[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
        return total / len(batches)

    text = examine(BY_NAME["train_epoch"], train_epoch, 0).text
    assert "`F.mse_loss` and `.mean()` average over the pixels too" in text
    assert "the mean of the batches' means" in text


def test_terms_that_are_off_are_named():
    def odd(x_hat, x, sigma):
        return ((x - x_hat) ** 2).sum(1) / (2 * sigma**2) + 784 * (3 * math.log(sigma) + 0.5 * math.log10(2 * math.pi))

    text = examine(BY_NAME["gaussian_nll"], odd, 0).says
    assert "The term with log σ enters 3 times what it should." in text
    assert "The term with log 2π enters 0.434 times" in text
    assert "The rest is right: the squared error." in text


# ---- stability, wrong kinds -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("unstable", [
    lambda logits, x: F.binary_cross_entropy(torch.sigmoid(logits), x, reduction="none").sum(-1),
    lambda logits, x: (torch.log(1 + torch.exp(logits)) - x * logits).sum(-1),
    lambda logits, x: -(x * torch.log(torch.sigmoid(logits) + 1e-8)
                        + (1 - x) * torch.log(1 - torch.sigmoid(logits) + 1e-8)).sum(-1),
    lambda logits, x: -(x * torch.log(torch.sigmoid(logits).clamp(1e-7, 1 - 1e-7))
                        + (1 - x) * torch.log(1 - torch.sigmoid(logits).clamp(1e-7, 1 - 1e-7))).sum(-1)])
def test_unstable_cross_entropies_are_told_so(unstable):
    for seed in range(5):
        assert examine(BY_NAME["bernoulli_nll"], unstable, seed).says == UNSTABLE


@pytest.mark.parametrize(("name", "answer", "piece"), [
    ("Autoencoder", autoencoder()(), "without parentheses"),
    ("Autoencoder", lambda x: x, "give the class itself"),
    ("Autoencoder", type("Autoencoder", (), dict.fromkeys(["encode", "decode", "forward"], len)), "nn.Module"),
    ("Autoencoder", type("A", (nn.Module,), {"encode": lambda self, x: x[0]}), "no method `decode`"),
    ("Autoencoder", autoencoder(down=(784, 100, 64, 32), up=(32, 64, 100, 784)), "there is a layer"),
    ("Autoencoder", autoencoder(encode=lambda self, x: self.encoder(x) + torch.randn(len(x), 32)),
     "there is noise in it"),
    ("Autoencoder", autoencoder(between=nn.Dropout), "there is dropout in it"),
    ("trained", autoencoder(), "give the model that was built"),
    ("trained", "model", "give the trained model"),
    ("trained", nn.Linear(784, 784), "raises AttributeError"),
    ("train_epoch", lambda model, images: 0.0, "called with 5 arguments"),
    ("train_epoch", lambda model, images, optimiser, generator, batch: 1.0, ": never."),
    ("train_epoch", lambda model, images, optimiser, generator, batch: model(images[0, :5]), "raises RuntimeError"),
    ("n_parameters", "222384", "between quotes"),
    ("n_parameters", [222384], "one number"),
    ("n_parameters", 222385, "Close"),
    ("n_parameters", 7, "Too small"),
])
def test_wrong_kinds_get_a_sentence(name, answer, piece, bars):
    verdict = examine(BY_NAME[name], answer, 0)
    assert verdict.outcome == INCORRECT
    assert piece in verdict.text
