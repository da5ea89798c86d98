"""Lab 02, the autoencoder: seven exercises. ``from aecourse.check import lab02 as check``."""

import torch
from torch import Tensor

from aecourse import data, losses, models
from aecourse.check import lab02_loop as loop
from aecourse.check import lab02_network as network
from aecourse.check import lab02_says as says
from aecourse.check import lab02_wrong as wrong
from aecourse.check.engine.exercise import Case, Exercise
from aecourse.check.engine.lab import Lab

PIXELS = 784


class _Reference(models.Autoencoder):
    """784-128-64-32 and its mirror; the code and the logits are linear."""

    def __init__(self) -> None:
        super().__init__([784, 128, 64, 32])


def _images(generator: torch.Generator, n: int, flat: bool = False) -> Tensor:
    """Return random grey images in [0, 1]; flat ones have one grey level each, so that they can be said in words."""
    if flat:
        return (torch.rand(n, 1, generator=generator) * 0.8 + 0.1).round(decimals=1).expand(n, PIXELS).clone()
    return torch.rand(n, PIXELS, generator=generator)


# ---- 3 and 4: the loss is a likelihood ------------------------------------------------------------------------------


def _draw_gaussian(generator: torch.Generator, size: int) -> Case:
    x_hat, x = _images(generator, size, size == 1), _images(generator, size, size == 1)
    if size == 1 and torch.equal(x, x_hat):
        x_hat = x_hat + 0.1  # equal images would hide every mistake in the error's term
    sigma = round(0.2 + 0.5 * float(torch.rand((), generator=generator)) + 0.9 * (size == 2), 2)
    text = (f"one image with all pixels {x[0, 0]:.1f}, rebuilt as {x_hat[0, 0]:.1f}, sigma = {sigma}" if size == 1
            else f"{size} images of random pixels, sigma = {sigma}")
    return Case((x_hat, x, sigma), text)


def _gaussian_oracle(x_hat: Tensor, x: Tensor, sigma: float) -> Tensor:
    return -torch.distributions.Normal(x_hat.double(), sigma).log_prob(x.double()).sum(-1).float()


def _gaussian_parts(x_hat: Tensor, x: Tensor, sigma: float) -> dict[str, Tensor]:
    one = torch.ones(len(x))
    return {"the squared error": ((x - x_hat) / sigma).square().sum(-1) / 2,
            "log σ": PIXELS * torch.log(torch.tensor(sigma)) * one,
            "log 2π": PIXELS / 2 * torch.log(torch.tensor(2 * torch.pi)) * one}


def _draw_bernoulli(generator: torch.Generator, size: int) -> Case:
    x = _images(generator, size, size == 1)
    logits = torch.randn(size, PIXELS, generator=generator).mul(2).clamp(-5, 5)
    if size == 5:  # large logits, as a net that is sure gives them; also where it is surely wrong
        x, logits = (x > 0.5).float(), logits.sign() * (60 + 60 * torch.rand(size, PIXELS, generator=generator))
        return Case((logits, x), "5 images with logits between ±60 and ±120", says.UNSTABLE)
    if size == 1:
        level = round(float(torch.rand((), generator=generator)) * 2 + 0.5, 1)
        logits = torch.full((1, PIXELS), level if torch.rand((), generator=generator) < 0.5 else -level)
        return Case((logits, x), f"one image with all pixels {x[0, 0]:.1f} and all logits {logits[0, 0]:.1f}")
    return Case((logits, x), f"{size} images of random pixels and logits")


def _bernoulli_oracle(logits: Tensor, x: Tensor) -> Tensor:
    return sum(_bernoulli_other_parts(logits, x).values()).float()  # not the two log-sigmoids of the definition


def _bernoulli_parts(logits: Tensor, x: Tensor) -> dict[str, Tensor]:
    zero = torch.zeros((), dtype=torch.float64)
    return {"x log p": (x * torch.logaddexp(-logits.double(), zero)).sum(-1),
            "(1 − x) log(1 − p)": ((1 - x) * torch.logaddexp(logits.double(), zero)).sum(-1)}


def _bernoulli_other_parts(logits: Tensor, x: Tensor) -> dict[str, Tensor]:
    zero = torch.zeros((), dtype=torch.float64)
    return {"log(1 + exp(logit))": torch.logaddexp(logits.double(), zero).sum(-1),
            "x · logit": -(x * logits.double()).sum(-1)}


# ---- 5: the bug hunt ------------------------------------------------------------------------------------------------


def _draw_signed(generator: torch.Generator, size: int) -> Case:
    if size == 1:
        x = -_images(generator, 1, True)
        return Case((x,), f"one image with all pixels {x[0, 0]:.1f}")
    x = torch.rand(size, PIXELS, generator=generator) * 2 - 1
    return Case((x,), f"{size} images of random pixels from −1 to 1")


def _floor_oracle(x: Tensor) -> Tensor:
    outputs = torch.linspace(0, 1, 3, dtype=torch.float64)  # a parabola's minimum, by its values at three points
    errors = (outputs - x.double()[..., None]) ** 2
    a, b = 2 * (errors[..., 0] - 2 * errors[..., 1] + errors[..., 2]), errors[..., 2] - errors[..., 0]
    best = ((a - b) / (2 * a)).clamp(0, 1)
    return ((best - x) ** 2).sum(-1).float()


def _floor_parts(x: Tensor) -> dict[str, Tensor]:
    return {"the pixels below 0": x.clamp(max=0).square().sum(-1)}


# ---- 6 and 7: training ----------------------------------------------------------------------------------------------


def _draw_epoch(generator: torch.Generator, size: int) -> Case:
    n, batch = 5 * 4 + 3, 5  # 23 images in batches of 5: the last batch holds 3
    seed = int(torch.randint(1_000_000, (), generator=generator))
    return Case((torch.rand(n, PIXELS, generator=generator), batch, seed, 0.5), f"{n} images in batches of {batch}")


def _draw_network(generator: torch.Generator, size: int) -> Case:
    seed = int(torch.randint(1_000_000, (), generator=generator))
    return Case((torch.rand(size, PIXELS, generator=generator), seed), f"x ({size}, {PIXELS})")


def _draw_held_out(generator: torch.Generator, size: int) -> Case:
    images = data.load().x_test
    rows = torch.randperm(len(images), generator=generator)[:size]
    return Case((images[rows],), f"{size} test images")


NETWORK = {"code": (9, 32), "image": (9, PIXELS), "steady": True, "alone": True, "forward": "decode(encode(x))",
           "encoder": "bent", "decoder": "bent", "code range": "free", "image range": "free", "parameters": 222_384,
           "without gradient": 0}
EPOCH = {"images": "untouched", "visits": "each once", "order": "shuffled", "sizes": "as asked", "mode": "train",
         "steps": "one per batch", "gradient": "there", "zeroed": "each batch", "loss": "right",
         "returns": "all images", "error": "right", "type": "a float"}
TRAINED = {"image": True, "code": True, "finite": True, "output": "logits", "varied": True,
           "error": "far below the mean image", "code used": True}

EXERCISES = (
    Exercise(
        "n_parameters", "1 · Count before you build", "number", 1, 4,
        reference=222_384, oracle=lambda: 222_384,
        mistakes=says.COUNT,
        hints=("A linear layer from a to b units has one weight for each pair of units, and one bias for each unit "
               "that it gives.",
               "There are six layers: 784-128, 128-64, 64-32, and back 32-64, 64-128, 128-784.",
               "Let Python do the sum: `(784 + 1) * 128` is the first layer."),
        why="Each layer has (units in + 1) × units out numbers, the 1 for the bias. Nearly all of them sit in the "
            "first and the last layer, where the pixels are."),
    Exercise(
        "Autoencoder", "2 · The encoder and its mirror", "class", 1, 8,
        reference=_Reference, oracle=lambda x, seed: NETWORK, draw=_draw_network, sizes=(9,),
        probe=network.network_facts,
        methods=("encode", "decode", "forward"), family=wrong.autoencoder, facts=network.NETWORK_FACTS,
        errors=network.NETWORK_ERRORS,
        mistakes=network.NETWORK,
        hints=("In `__init__`, after `super().__init__()`, make two `nn.Sequential`s: `self.encoder` and "
               "`self.decoder`.",
               "Three `nn.Linear` in each, an `nn.ReLU()` after the first and the second, nothing after the third.",
               "`encode` returns `self.encoder(x)`, `decode` returns `self.decoder(z)`, and `forward` is one after "
               "the other."),
        why="The code layer is linear because a ReLU there kills units and halves what a code number can say; the "
            "output is linear because the loss takes logits, which stay exact where a sigmoid would round to 0 or 1."),
    Exercise(
        "gaussian_nll", "3 · Squared error is a likelihood", "function", 2, 8,
        reference=losses.gaussian_nll, oracle=_gaussian_oracle, draw=_draw_gaussian, gradients=(0,), atol=0.02,
        arguments=("x_hat", "x", "sigma"), family=wrong.gaussian, parts=(_gaussian_parts,),
        mistakes=says.GAUSSIAN,
        hints=("The density of one pixel is exp(−(x − x̂)²/(2σ²)) / (σ √(2π)). Take its logarithm, then the minus.",
               "Three terms per pixel: the squared error over 2σ², log σ, ½ log 2π. All three for each pixel.",
               "Sum over the last dimension: `.sum(-1)`. For the terms without x that is a factor `x.shape[-1]`."),
        why="With a fixed σ the only term that the network can change is the squared error: minimising it is maximum "
            "likelihood under a Gaussian. σ sets its weight, which matters as soon as a second term stands beside it."),
    Exercise(
        "bernoulli_nll", "4 · Cross-entropy from logits", "function", 2, 8,
        reference=losses.bernoulli_nll, oracle=_bernoulli_oracle, draw=_draw_bernoulli, sizes=(1, 2, 3, 5),
        gradients=(0,), arguments=("logits", "x"), family=wrong.bernoulli,
        parts=(_bernoulli_parts, _bernoulli_other_parts), errors=says.BERNOULLI_ERRORS,
        mistakes=says.BERNOULLI,
        hints=("One pixel: −x log p − (1 − x) log(1 − p), with p = sigmoid(logit).",
               "log p must not go through p: `F.logsigmoid(logits)` is log p, and log(1 − p) is "
               "`F.logsigmoid(-logits)`.",
               "`F.binary_cross_entropy_with_logits` does both; mind its `reduction`, then sum over the pixels."),
        why="log sigmoid is computed from the logit in one piece, so it stays exact where the sigmoid itself would "
            "round to 0 or 1."),
    Exercise(
        "sigmoid_floor", "5 · Bug hunt: the floor of a sigmoid", "function", 2, 6,
        reference=lambda x: x.clamp(max=0).square().sum(-1), oracle=_floor_oracle, draw=_draw_signed, arguments=("x",),
        family=wrong.floor, parts=(_floor_parts,),
        mistakes=says.FLOOR,
        hints=("Take one pixel. Which value between 0 and 1 is nearest to 0.7? And to −0.4?",
               "A pixel above 0 costs nothing. A pixel below 0 costs its squared distance to 0.",
               "`clamp` cuts a tensor off at a value; square, and sum over the pixels."),
        why="A sigmoid reaches 0 to 1 only, so every pixel below 0 costs at least its square. Most pixels of a digit "
            "are background, at −1 on that scale: the net is charged for a black that it cannot paint."),
    Exercise(
        "train_epoch", "6 · The training loop by hand", "function", 3, 12,
        reference=wrong.epoch(), oracle=lambda *case: EPOCH, draw=_draw_epoch, sizes=(1,), probe=loop.epoch_facts,
        arguments=("model", "images", "optimiser", "generator", "batch"), family=wrong.epoch, facts=loop.EPOCH_FACTS,
        mistakes=loop.EPOCH,
        hints=("`torch.randperm(len(images), generator=generator).split(batch)` gives the batches as indices.",
               "In each batch: forward, squared error per image (B,), its mean is the loss; then zero_grad, backward, "
               "step.",
               "Keep a running sum of the errors of single images, and divide by `len(images)` in the end."),
        why="Errors of single images are added and divided once, so a smaller last batch gets no more weight than it "
            "deserves. `zero_grad` comes before `backward` because `backward` adds."),
    Exercise(
        "trained", "7 · Train it", "model", 3, 6,
        reference=None, oracle=lambda x: TRAINED, draw=_draw_held_out, sizes=(1000,), probe=network.trained_facts,
        facts=network.TRAINED_FACTS, mistakes=network.TRAINED,
        hints=("A loss for `fit` takes the model, a batch and `step`, and returns a dict of one number per image: "
               "`{\"nats\": losses.bernoulli_nll(model(x), x)}`.",
               "`fit(model, (digits.x_train,), loss, epochs=4, batch=128)` trains the model in place.",
               "The check takes the model, not what `fit` returns."),
        why="The model is judged on images that it never saw. The mean image is the baseline to beat: it is the best "
            "that a net can do without looking at its input."),
)

_lab = Lab("lab02", EXERCISES)
n_parameters, Autoencoder, gaussian_nll, bernoulli_nll, sigmoid_floor, train_epoch, trained = _lab.checks.values()
use, summary, __getattr__ = _lab.use, _lab.summary, _lab.missing
