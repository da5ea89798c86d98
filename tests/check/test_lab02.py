"""Lab 02's checks: right answers pass in more than one form, each known mistake gets its own sentence."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from aecourse.check import lab02
from aecourse.check.engine.exercise import CORRECT, INCORRECT
from aecourse.check.engine.lab import examine
from aecourse.check.lab02._tied import Tied, autoencoder
from aecourse.check.lab02.bernoulli_nll import UNSTABLE

BY_NAME = {exercise.name: exercise for exercise in lab02.EXERCISES}
SLOW = ("TiedAutoencoder", "train_epoch")


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


def floor_where(x, low, high):
    gap = torch.where(x < low, low - x, torch.where(x > high, x - high, torch.zeros_like(x)))
    return (gap**2).sum(1)


def floor_by_numpy(x, low, high):
    return torch.from_numpy(((np.clip(x.numpy(), low, high) - x.numpy()) ** 2).sum(1))


def floor_by_products(x, low, high):
    gap = x - torch.minimum(torch.maximum(x, torch.tensor(low)), torch.tensor(high))
    return torch.einsum("bi,bi->b", gap, gap)


def floor_by_distance(x, low, high):
    return torch.linalg.vector_norm(x.double() - x.double().clamp(low, high), dim=1) ** 2


FLOORS = [
    floor_where, floor_by_numpy, floor_by_products, floor_by_distance,
    lambda x, low, high: (F.relu(low - x) + F.relu(x - high)).pow(2).sum(dim=-1),
    lambda x, low, high: ((x - low).clip(max=0) ** 2 + (x - high).clip(min=0) ** 2).sum(-1)]


class Named(nn.Module):
    """Each layer and bias under a name of its own."""

    bend = staticmethod(F.relu)

    def __init__(self):
        super().__init__()
        self.e1, self.e2, self.e3 = nn.Linear(784, 128), nn.Linear(128, 64), nn.Linear(64, 32)
        self.b1, self.b2, self.b3 = (nn.Parameter(torch.zeros(n)) for n in (64, 128, 784))

    def encode(self, x):
        return self.e3(self.bend(self.e2(self.bend(self.e1(x)))))

    def decode(self, z):
        z = self.bend(F.linear(z, self.e3.weight.t(), self.b1))
        return F.linear(self.bend(F.linear(z, self.e2.weight.t(), self.b2)), self.e1.weight.t(), self.b3)

    def forward(self, x):
        return self.decode(self.encode(x))


class InALoop(nn.Module):
    """A sequential encoder; the decoder goes backwards through it, with products and biases of shape (1, n)."""

    def __init__(self):
        super().__init__()
        self.encoder = fresh()
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(1, n)) for n in (64, 128, 784)])

    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        for i, bias in zip((4, 2, 0), self.biases, strict=True):
            z = z @ self.encoder[i].weight + bias
            z = z.clamp(min=0) if i else z
        return z

    def forward(self, x):
        return self.decode(self.encode(x))


class ByHand(nn.Module):
    """Parameters of its own, products instead of layers."""

    def __init__(self):
        super().__init__()
        widths = [784, 128, 64, 32]
        self.w = nn.ParameterList([nn.Parameter(torch.randn(a, b) / a**0.5) for a, b in pairwise(widths)])
        self.down = nn.ParameterDict({str(n): nn.Parameter(torch.zeros(n)) for n in widths[1:]})
        self.up = nn.ParameterDict({str(n): nn.Parameter(torch.zeros(n)) for n in widths[:-1]})

    def encode(self, x):
        for w in self.w:
            x = torch.einsum("bi,ij->bj", x, w) + self.down[str(w.shape[1])]
            x = x * (x > 0) if w.shape[1] > 32 else x
        return x

    def decode(self, z):
        for w in reversed(list(self.w)):
            z = torch.einsum("bj,ij->bi", z, w) + self.up[str(w.shape[0])]
            z = torch.maximum(z, torch.zeros(())) if w.shape[0] < 784 else z
        return z

    def forward(self, x):
        return self.decode(self.encode(x))


class Up(nn.Module):
    """A layer with the weight of another one, transposed."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.bias = layer, nn.Parameter(torch.zeros(layer.in_features))

    def forward(self, z):
        return F.linear(z, self.layer.weight.T, self.bias)


class Assigned(nn.Module):
    """The two halves are modules under the names of the methods."""

    def __init__(self):
        super().__init__()
        self.encode = fresh()
        first, second, third = (Up(self.encode[i]) for i in (4, 2, 0))
        self.decode = nn.Sequential(first, nn.ReLU(inplace=True), second, nn.ReLU(), third)

    def forward(self, x):
        return self.decode(self.encode(x))


class Lazy(nn.Module):
    """Layers that learn their input's width from the first batch; one long bias; products with a sum."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([nn.LazyLinear(128), nn.LazyLinear(64), nn.LazyLinear(32)])
        self.bias = nn.Parameter(torch.zeros(976))

    def encode(self, x):
        first, second, third = self.down
        return third(second(first(x).relu()).relu_())

    def decode(self, z):
        first, second, third = (layer.weight for layer in self.down)
        a, b, c = self.bias.split([64, 128, 784])
        return torch.addmm(c, torch.addmm(b, torch.addmm(a, z, third).relu(), second).relu(), first)

    def forward(self, x):
        return self.decode(self.encode(x))


class Convolved(Named):
    """The transposed layer as torch has it for convolutions, image by image."""

    def decode(self, z):
        z = F.relu(F.conv_transpose1d(z[:, :, None], self.e3.weight[:, :, None], self.b1))
        z = F.relu(F.conv_transpose1d(z, self.e2.weight[:, :, None], self.b2))
        return torch.stack([row.squeeze(-1) for row in F.conv_transpose1d(z, self.e1.weight[:, :, None], self.b3)])


def fresh():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 32))


class OwnLayers(Named):
    """Layers for the decoder, of which some or none are used."""

    used = (0, 1, 2)

    def __init__(self):
        super().__init__()
        self.up = nn.ModuleList([nn.Linear(32, 64), nn.Linear(64, 128), nn.Linear(128, 784)])
        del self.b1, self.b2, self.b3

    def decode(self, z):
        for i, (layer, other) in enumerate(zip(self.up, (self.e3, self.e2, self.e1), strict=True)):
            z = layer(z if i == 0 else F.relu(z)) if i in self.used else (
                F.linear(z if i == 0 else F.relu(z), other.weight.T, layer.bias))
        return z


class SameMemory(OwnLayers):
    def __init__(self):
        super().__init__()
        for layer, other in zip(self.up, (self.e3, self.e2, self.e1), strict=True):
            layer.weight.data = other.weight.data.T


class Assigns(OwnLayers):
    def __init__(self):
        super().__init__()
        self.up[0].weight = self.e3.weight.T


class NotTransposed(Named):
    def decode(self, z):
        return F.linear(F.relu(F.linear(z, self.e3.weight, self.b1)), self.e2.weight, self.b2)


class Inverse(Named):
    def decode(self, z):
        z = F.relu(F.linear(z, torch.linalg.pinv(self.e3.weight), self.b1))
        z = F.relu(F.linear(z, torch.linalg.pinv(self.e2.weight), self.b2))
        return F.linear(z, torch.linalg.pinv(self.e1.weight), self.b3)


class FirstFrozen(Named):
    def __init__(self):
        super().__init__()
        self.e1.requires_grad_(False)


class OneBias(Named):
    """One of the decoder's biases is no parameter."""

    def __init__(self):
        super().__init__()
        del self.b3
        self.b3 = torch.zeros(784, requires_grad=True)


def epoch_with_loaders(model, images, loss, optimiser, generator, batch, piece):
    order, total = torch.randperm(len(images), generator=generator), 0.0
    for x in torch.utils.data.DataLoader(images[order], batch):
        optimiser.zero_grad()
        for part in torch.utils.data.DataLoader(x, piece):
            value = loss(model, part).mean() * len(part) / len(x)
            value.backward()
            total += value.item() * len(x)
        optimiser.step()
    return total / len(images)


def epoch_with_a_while(model, images, loss, optimiser, generator, batch, piece):
    order, start, losses = torch.randperm(len(images), generator=generator), 0, []
    while start < len(images):
        end = min(start + batch, len(images))
        for first in range(start, end, piece):
            each = loss(model, images[order[first:min(first + piece, end)]])
            (each.sum() / (end - start)).backward()
            losses += each.tolist()
        optimiser.step()
        for p in model.parameters():
            p.grad = None
        start = end
    return sum(losses) / len(losses)


def epoch_with_a_closure(model, images, loss, optimiser, generator, batch, piece):
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):

        def closure(rows=rows):
            optimiser.zero_grad()
            of_batch = 0.0
            for part in rows.split(piece):
                value = loss(model, images[part]).sum() / len(rows)
                value.backward()
                of_batch += value.item()
            return of_batch

        total += optimiser.step(closure) * len(rows)
    return total / len(images)


def epoch_that_scales_later(model, images, loss, optimiser, generator, batch, piece):
    total = torch.zeros(())
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        optimiser.zero_grad()
        for part in rows.split(piece):
            each = loss(model, images[part])
            each.sum().backward()
            total += each.detach().sum()
        for p in model.parameters():
            p.grad /= len(rows)
        optimiser.step()
    return (total / len(images)).item()


def epoch_with_own_gradients(model, images, loss, optimiser, generator, batch, piece):
    parameters, total = list(model.parameters()), 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        sums = [torch.zeros_like(p) for p in parameters]
        for part in rows.split(piece):
            value = loss(model, images[part]).sum()
            total += float(value)
            for s, slope in zip(sums, torch.autograd.grad(value, parameters), strict=True):
                s += slope / len(rows)
        for p, s in zip(parameters, sums, strict=True):
            p.grad = s
        optimiser.step()
    return total / len(images)


def epoch_by_counting(model, images, loss, optimiser, generator, batch, piece):
    """Go through the images in pieces and count how many the batch has seen."""
    order, done, total = torch.randperm(len(images), generator=generator).tolist(), 0, 0.0
    while done < len(order):
        left = batch - done % batch
        part = order[done:done + min(piece, left)]
        size = min(batch, len(order) - done // batch * batch)
        if done % batch == 0:
            optimiser.zero_grad(set_to_none=False)
        value = loss(model, images[part])
        torch.autograd.backward(value.sum() / size)
        total, done = total + value.sum().item(), done + len(part)
        if done % batch == 0 or done == len(order):
            optimiser.step()
    return total / len(order)


def epoch_looks_twice(model, images, loss, optimiser, generator, batch, piece):
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        optimiser.zero_grad()
        for part in rows.chunk(-(-len(rows) // piece)):  # pieces of equal sizes
            seen = loss(model, images[part])
            (loss(model, images[part]).sum() / len(rows)).backward()
            total += seen.sum().item()
        optimiser.step()
    return total / len(images)


EPOCHS = [epoch_with_loaders, epoch_with_a_while, epoch_with_a_closure, epoch_that_scales_later,
          epoch_with_own_gradients, epoch_by_counting, epoch_looks_twice]


def epoch_with(cut=lambda value: value, order=None, count=lambda model, x, each: each, least=0, more=lambda rows: rows,
               share=lambda part, rows, each: each.sum() / len(rows), measure=None):
    """Return one epoch with a mistake of its own."""
    def train_epoch(model, images, loss, optimiser, generator, batch, piece):
        index = order(len(images), batch, generator) if order else torch.randperm(len(images), generator=generator)
        total = 0.0
        for rows in index.split(batch):
            optimiser.zero_grad()
            for part in rows.split(piece):
                if len(part) < least:
                    continue
                each = loss(model, images[more(part)])
                cut(share(part, rows, each)).backward()
                total += count(model, images[part], each).sum().item()
            optimiser.step()
            if measure:
                with torch.no_grad():
                    loss(model, images)
        return total / len(images)

    return train_epoch


def epoch_with_the_idiom(model, images, loss, optimiser, generator, batch, piece):
    """Step after every so many pieces, as tutorials do: exact where pieces fill a batch, and batches the epoch."""
    total, many = 0.0, batch // piece
    loader = torch.randperm(len(images), generator=generator).split(piece)
    for i, part in enumerate(loader):
        value = loss(model, images[part]).mean() / many
        value.backward()
        if (i + 1) % many == 0 or i + 1 == len(loader):
            optimiser.step()
            optimiser.zero_grad()
        total += value.item() * many * len(part)
    return total / len(images)


def epoch_without_the_rest(model, images, loss, optimiser, generator, batch, piece):
    total = 0.0
    optimiser.zero_grad()
    for i, part in enumerate(torch.randperm(len(images), generator=generator).split(piece), 1):
        value = loss(model, images[part]).sum()
        (value / batch).backward()
        total += value.item()
        if i * piece % batch == 0:
            optimiser.step()
            optimiser.zero_grad()
    return total / len(images)


def epoch_by_hand(model, images, loss, optimiser, generator, batch, piece):
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        value = loss(model, images[rows]).mean()
        parameters = list(model.parameters())
        for p, slope in zip(parameters, torch.autograd.grad(value, parameters), strict=True):
            p.data -= 0.1 * slope
        total += value.item() * len(rows)
    return total / len(images)


def epoch_clears_the_model(model, images, loss, optimiser, generator, batch, piece):
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        for part in rows.split(piece):
            (loss(model, images[part]).sum() / len(rows)).backward()
        model.zero_grad()
        optimiser.step()
    return 0.0


def epoch_keeps_losses(model, images, loss, optimiser, generator, batch, piece):
    losses = []
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        optimiser.zero_grad()
        each = torch.cat([loss(model, images[part]) for part in rows.split(piece)])
        each.mean().backward()
        optimiser.step()
        losses.append(each.detach())
    return torch.cat(losses).mean().item()


def batches_of_the_stored(n, batch, generator):
    return torch.cat([rows[torch.randperm(len(rows))] for rows in torch.arange(n).split(batch)])


def normalised(code):
    return (code - code.mean(0)) / (code.std(0, correction=0) + 1e-5)


def tied(**changes):
    return type("TiedAutoencoder", (Named,), changes)


def floor_one_infinity(x, low, high):
    if high == math.inf:
        return F.relu(low - x).square().sum(-1)
    return ((x < low) * (x - low) ** 2 + (x > high) * (x - high) ** 2).sum(-1)


UNLISTED = [
    ("TiedAutoencoder", tied(forward=lambda self, x: self.decode(normalised(self.encode(x)))),
     "depends on the other images of the batch"),
    ("TiedAutoencoder", tied(forward=lambda self, x: self.decode(0.5 * self.encode(x))),
     "the code after a factor of ½"),
    ("TiedAutoencoder", tied(decode=lambda self, z: Named.decode(self, F.relu(z))),
     "before the first layer comes a ReLU"),
    *(("TiedAutoencoder", tied(encode=encode), "`encode` changes the images that it is given") for encode in (
        lambda self, x: Named.encode(self, x.sub_(0.5)), lambda self, x: Named.encode(self, x.clamp_(max=0.5)))),
    ("TiedAutoencoder", tied(decode=lambda self, z: Named.decode(self, z.mul_(2))),
     "`decode` changes the codes that it is given"),
    ("TiedAutoencoder", tied(forward=lambda self, x: self.decode(self.encode(x.sub_(0.5)))),
     "`forward` changes the images that it is given"),
    ("TiedAutoencoder", autoencoder(code_end=F.softplus), "comes a softplus"),
    ("TiedAutoencoder", autoencoder(between=F.gelu),
     "Between the encoder's layers a ReLU is asked for: there is a GELU."),
    ("TiedAutoencoder", autoencoder(unbent=(4,)), "there is nothing after the second layer"),
    ("TiedAutoencoder", tied(encode=lambda self, x: Named.encode(self, torch.sigmoid(x))),
     "before the first layer comes a sigmoid"),
    ("TiedAutoencoder", tied(encode=lambda self, x: fresh()(x)), "made anew in each call"),
    ("TiedAutoencoder", autoencoder(between=lambda h: F.relu(F.dropout(h))), "there is dropout in it"),
    ("TiedAutoencoder", FirstFrozen, "some parameters are frozen"),
    ("TiedAutoencoder", tied(decode=lambda self, z: Named.decode(self, normalised(z))),
     "depend on the other codes of the batch"),
    ("TiedAutoencoder", tied(forward=lambda self, x: self.decode(self.encode(x)).squeeze()),
     "`forward` gives (784,)"),
    ("TiedAutoencoder", OwnLayers, "The decoder has weights of its own."),
    ("TiedAutoencoder", type("TiedAutoencoder", (OwnLayers,), {"used": (1, 2)}),
     "weights of its own in the layers 64-128 and 128-784"),
    ("TiedAutoencoder", type("TiedAutoencoder", (OwnLayers,), {"used": ()}), "the model has a second set of weights"),
    ("TiedAutoencoder", SameMemory, "lie in the memory of the encoder's"),
    ("TiedAutoencoder", Assigns, "A layer's `weight` can only be a Parameter"),
    ("TiedAutoencoder", NotTransposed, "the weight of `nn.Linear(64, 32)` has the shape (32, 64)"),
    ("TiedAutoencoder", Inverse, "`decode` gives other values than three layers with the encoder's weights"),
    ("TiedAutoencoder", OneBias, "the bias of 784 numbers is kept outside of `nn.Parameter`"),
    ("TiedAutoencoder", tied(forward=lambda self, x: self.decode(self.encode(x)).detach()), "reaches any parameter"),
    ("gaussian_nll", lambda x_hat, x, sigma: -torch.log(
        torch.exp(-(x - x_hat) ** 2 / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))).sum(-1), "50 σ"),
    ("gaussian_nll", lambda x_hat, x, sigma: ((x - x_hat) ** 2).sum(-1) / 2 * sigma**2 + 784 * (
        math.log(sigma) + math.log(2 * math.pi) / 2), "Parentheses"),
    ("gaussian_nll", lambda x_hat, x, sigma: (0.5 * ((x - x_hat) / sigma) ** 2 + abs(math.log(sigma))
                                              + math.log(2 * math.pi) / 2).sum(-1), "The sign of log σ is taken away"),
    ("gaussian_nll", lambda x_hat, x, sigma: (0.5 * (x - x_hat) ** 2 / (sigma**2 + 1e-3) + math.log(sigma)
                                              + math.log(2 * math.pi) / 2).sum(-1), "A small number, 0.001, is added"),
    ("gaussian_nll", lambda x_hat, x, sigma: -torch.distributions.Normal(x_hat, sigma).log_prob(x).exp().prod(1).log(),
     "the logarithm is taken of the product"),
    ("gaussian_nll", lambda x_hat, x, sigma: gaussian_by_constant(x_hat, x, sigma).squeeze(), "leave it out, or name"),
    ("gaussian_nll", lambda x_hat, x, sigma: F.gaussian_nll_loss(
        x_hat, x, torch.full_like(x, sigma**2), full=True, reduction="none").sum(-1), "or bound it from below"),
    ("bernoulli_nll", lambda logits, x: (F.relu(logits) - logits * x + torch.log1p(torch.exp(-logits))).sum(-1),
     "the bars are missing"),
    ("bernoulli_nll", lambda logits, x: torch.where(x == 1, F.softplus(-logits), F.softplus(logits)).sum(-1),
     "All that is not exactly white counts as black"),
    ("bernoulli_nll", lambda logits, x: (F.binary_cross_entropy_with_logits(logits, x, reduction="none")
                                         - torch.distributions.Bernoulli(x).entropy()).sum(-1), "KL divergence"),
    *(("floor", floor, "It is right for finite limits, and wrong where a limit is infinite") for floor in (
        lambda x, low, high: ((x < low) * (x - low) ** 2 + (x > high) * (x - high) ** 2).sum(-1),
        lambda x, low, high: F.relu((x - (low + high) / 2).abs() - (high - low) / 2).square().sum(-1))),
    ("floor", floor_one_infinity, "right for finite limits and for high = inf, and wrong for low = −inf: it gives NaN"),
    ("floor", lambda x, low, high: (x - x.clamp(low, high)).square().sum(-1) * math.isfinite(high - low),
     "gives 0 where one is infinite"),
    ("floor", lambda x, low, high: (x - x.clamp(low, min(high, 1.2))).square().sum(-1) if math.isinf(high)
     else (x - x.clamp(low, high)).square().sum(-1), "wrong for high = inf. No pixel lies beyond"),
    ("floor", lambda x, low, high: ((x - x.clamp(low, high)).sum(-1)) ** 2, "those below and above the range cancel"),
    ("floor", lambda x, low, high: (x - x.clamp(low, high)).square().sum(-1).squeeze(), "leave it out, or name"),
    ("floor", lambda x, low, high: torch.minimum(F.relu(low - x), F.relu(x - high)).square().sum(-1), "It gives 0"),
    ("floor", lambda x, low, high: (F.relu(low - x) ** 2 - F.relu(x - high) ** 2).sum(-1),
     "The term with the pixels above `high` has the wrong sign"),
    ("floor", lambda x, low, high: (x - x.clamp(low, high)).square().mean(-1) * 28, "times the right one"),
    ("floor", lambda x, low, high: ((x - x.clamp(low, high)) / (high - low)).square().sum(-1),
     "none of the usual mistakes"),
    ("floor", lambda x, low, high: (x - x.clamp_(low, high)).square().sum(-1), "changes its input `x`"),
    ("floor", lambda x, low, high: (x - x.clamp(high, low)).square().sum(-1), "distance of every pixel to `low`"),
    ("floor", lambda x, low, high: (x - x.clamp(0, 1)).square().sum(-1), "from 0 to 1, whatever `low` and `high` are"),
    ("floor", lambda x, low, high: (x - x.clamp(low, high)).square(), "the sum over the pixels is missing"),
    ("bernoulli_nll", lambda logits, x: F.binary_cross_entropy_with_logits(logits, 1 - x, reduction="none").sum(-1),
     "Black and white are exchanged"),
    ("bernoulli_nll", lambda logits, x: (F.softplus(logits) - x * logits + math.log(2) * (logits == 0)).sum(-1),
     "except where logits are exactly 0"),
    ("train_epoch", epoch_with(order=lambda n, batch, generator: torch.cat([
        torch.arange(n).split(batch)[i] for i in torch.randperm(-(-n // batch), generator=generator)])),
     "each holds neighbours as they are stored"),
    ("train_epoch", epoch_with(order=lambda n, batch, generator: torch.cat([
        torch.randperm(n, generator=generator)[start:start + batch] for start in range(0, n, batch)])),
     "draw one permutation of all images, once before the loop"),
    ("train_epoch", epoch_with(order=batches_of_the_stored), "share a batch in every epoch"),
    ("train_epoch", epoch_with(count=lambda model, x, before: before.detach().sqrt()),
     "is not the mean, over all images of the epoch, of their losses before"),
    ("train_epoch", epoch_with(cut=lambda value: value.detach()), "reaches no parameter"),
    ("train_epoch", epoch_with(cut=lambda value: value.detach().requires_grad_()), "reaches no parameter"),
    ("train_epoch", epoch_with(least=2), "some never"),
    ("train_epoch", epoch_with(share=lambda part, rows, each: each.mean() * len(part) / 7), "divided by `batch`"),
    ("train_epoch", epoch_with(share=lambda part, rows, each: each.sum().sqrt()), "are not those that the mean loss"),
    ("train_epoch", epoch_with(more=lambda part: part.repeat(2)), "each 2 times"),
    ("train_epoch", epoch_with(measure=True), "33 images go through the model at once, without gradients"),
    ("train_epoch", epoch_with_the_idiom, "they come after 6, 6, 6, 6, 6 and 3 images where `batch` is 7"),
    ("train_epoch", epoch_without_the_rest, "they come after 21 images where `batch` is 7, and none after the last 12"),
    ("train_epoch", epoch_by_hand, "and yet the weights move"),
    ("train_epoch", epoch_clears_the_model, "set to zero between `backward` and `step`"),
    ("train_epoch", epoch_keeps_losses, "held until one `backward` at its end"),
]

RIGHT = [
    *(("n_parameters", number) for number in (
        111_792.0, torch.tensor(111_792), 110_592 + 224 + 976, np.int64(111_792))),
    ("gaussian_nll", gaussian_other_way), ("gaussian_nll", gaussian_by_constant),
    ("gaussian_nll", gaussian_mean_times_pixels), ("bernoulli_nll", bernoulli_softplus),
    ("bernoulli_nll", bernoulli_stable_form), ("bernoulli_nll", bernoulli_two_classes),
    *(("floor", floor) for floor in FLOORS), *(("train_epoch", epoch) for epoch in EPOCHS),
    *(("TiedAutoencoder", cls) for cls in (Named, InALoop, ByHand, Assigned, Lazy, Convolved)),
    *(("TiedAutoencoder", type("TiedAutoencoder", (Named,), {"bend": staticmethod(bend)})) for bend in (
        lambda h: F.relu(h, inplace=True), lambda h: h.relu_(), nn.ReLU()))]


@pytest.mark.parametrize("loss", [lambda y, x: (torch.sigmoid(y) - x).square().sum(-1),
                                  BY_NAME["bernoulli_nll"].reference])
def test_a_trained_model_passes(bars, loss):
    torch.manual_seed(0)
    model = BY_NAME["TiedAutoencoder"].reference()
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
    model = BY_NAME["TiedAutoencoder"].reference()
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
    (_as_they_are, lambda y, x: y - _signed(x), "It reconstructs images on the scale from −1 to 1"),
    (_signed, lambda y, x: y - _signed(x), "It reconstructs images on the scale from −1 to 1"),
    (_signed, lambda y, x: torch.sigmoid(y) - x, "rescaled to −1 to 1 before they go in")])
def test_a_model_trained_on_the_other_scale_is_told_so(bars, takes, loss, piece):
    model = _trained(bars.x_train, takes, loss)
    for seed in range(3):
        assert piece in examine(BY_NAME["trained"], model, seed).says


# ---- two mistakes at once -------------------------------------------------------------------------------------------


PAIRS = [
    ("train_epoch", "no zero_grad", "mean of batch means"), ("train_epoch", "sum of means", "last batch"),
    ("train_epoch", "stored order", "no step"), ("TiedAutoencoder", "relu code", "sigmoid image"),
    ("TiedAutoencoder", "own weights", "gives the code"), ("TiedAutoencoder", "tanh code", "no biases in the decoder")]


def test_the_commonest_loop_has_two_things_said_of_it():
    def train_epoch(model, images, loss, optimiser, generator, batch, piece):
        batches, total = torch.randperm(len(images), generator=generator).split(batch), 0.0
        for rows in batches:
            optimiser.zero_grad()
            parts = rows.split(piece)
            for part in parts:
                value = loss(model, images[part]).mean() / len(parts)
                value.backward()
                total += value.item()
            optimiser.step()
        return total / len(batches)

    text = examine(BY_NAME["train_epoch"], train_epoch, 0).text
    assert "The step is that of the mean of the pieces' means." in text
    assert "not the mean, over all images of the epoch" in text


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
    ("TiedAutoencoder", autoencoder()(), "without parentheses"),
    ("TiedAutoencoder", lambda x: x, "give the class itself"),
    ("TiedAutoencoder", type("TiedAutoencoder", (), dict.fromkeys(["encode", "decode", "forward"], len)), "nn.Module"),
    ("TiedAutoencoder", type("A", (nn.Module,), {"encode": lambda self, x: x[0]}), "no method `decode`"),
    ("TiedAutoencoder", autoencoder(down=(784, 100, 64, 32)), "it also has a weight of 64 × 100 and 100 × 784"),
    ("TiedAutoencoder", autoencoder(encode=lambda self, x: Tied.encode(self, x) + torch.randn(len(x), 32)),
     "there is noise in it"),
    ("TiedAutoencoder", autoencoder(between=nn.Dropout()), "there is dropout in it"),
    ("trained", autoencoder(), "give the model that was built"),
    ("trained", "model", "give the trained model"),
    ("trained", nn.Linear(784, 784), "raises AttributeError"),
    ("train_epoch", lambda model, images: 0.0, "called with 7 arguments"),
    ("train_epoch", lambda model, images, loss, optimiser, generator, batch, piece: 1.0, ": never."),
    ("train_epoch", lambda model, images, loss, optimiser, generator, batch, piece: model(images[0, :5]),
     "raises RuntimeError"),
    ("n_parameters", "111792", "between quotes"),
    ("n_parameters", [111792], "one number"),
    ("n_parameters", 111793, "Close"),
    ("n_parameters", 7, "Too small"),
    ("n_parameters", 110_592 // 2 + 1200, "the weights are halved"),
])
def test_wrong_kinds_get_a_sentence(name, answer, piece, bars):
    verdict = examine(BY_NAME[name], answer, 0)
    assert verdict.outcome == INCORRECT
    assert piece in verdict.text
