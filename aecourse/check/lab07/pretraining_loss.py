"""Exercise 2: pre-training without labels, the squared error of an autoencoder's reconstruction."""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import losses
from aecourse.check.engine.drawing import rows
from aecourse.check.engine.exercise import PER_IMAGE, Case, Exercise, Mistake
from aecourse.check.engine.look import Parts, near
from aecourse.models import Autoencoder

MISTAKES = (
    Mistake("no sigmoid", {"output": "none"},
            "The sigmoid is missing: the decoder gives logits, and the image's pixels lie between 0 and 1."),
    Mistake("clamp", {"output": "clamp"},
            "The logits are cut off at 0 and 1 in place of a sigmoid. Where they are cut no gradient flows."),
    Mistake("tanh", {"output": "tanh"}, "There is a tanh, which goes from −1 to 1. Pixels go from 0 to 1: a sigmoid."),
    Mistake("ReLU", {"output": "relu"}, "There is a ReLU on the logits. Pixels go from 0 to 1: a sigmoid."),
    Mistake("softmax", {"output": "softmax"},
            "There is a softmax over the pixels, so that they sum to 1. Each pixel has a sigmoid of its own."),
    Mistake("two sigmoids", {"output": "twice"}, "The sigmoid is taken twice, so no pixel can be darker than ½."),
    Mistake("squashed code", {"through": "sigmoid"},
            "The code goes through a sigmoid before the decoder. The code stays as it is; the sigmoid belongs to the "
            "output."),
    Mistake("ReLU on the code", {"through": "relu"},
            "The code goes through a ReLU before the decoder. It stays as the encoder gives it."),
    Mistake("twice through", {"through": "twice"},
            "The image goes through the autoencoder twice. Once is asked for."),
    Mistake("binary target", {"target": "binary"},
            "The target is the image turned black and white. The image itself is the target."),
    Mistake("binary image", {"given": "binary", "target": "binary"},
            "The image is turned black and white, as the model's input and as the target. Both are the image as it "
            "is."),
    Mistake("binary input", {"given": "binary"},
            "The model is given the image turned black and white. Give it the image as it is."),
    Mistake("target through the sigmoid", {"target": "sigmoid"},
            "The image goes through the sigmoid, too. Its pixels lie between 0 and 1 already."),
    Mistake("target 0", {"target": "nothing"}, "The reconstruction is compared with nothing, so black would be best."),
    Mistake("mean image", {"target": "mean"},
            "The target is the mean image of the batch. Each image is its own target."),
    Mistake("negative", {"target": "negative"}, "The target is the negative, 1 − x. The image itself is the target."),
    Mistake("absolute", {"measure": "size"}, "The differences are not squared: these are absolute ones."),
    Mistake("not squared", {"measure": "plain"},
            "The differences are not squared, so those of opposite sign cancel."),
    Mistake("half", {"measure": "half"}, "There is a ½ that is not asked for."),
    Mistake("cross-entropy", {"measure": "cross"},
            "This is the cross-entropy of the logits. The report trained with the squared error, and so do we here."),
    Mistake("product", {"measure": "product"}, "This multiplies reconstruction and image; their difference is meant."),
    Mistake("mean over the pixels", {"reduce": "mean"},
            "There is a mean over the pixels where the sum belongs: an image's loss is the sum over its pixels."),
    Mistake("mean over the batch", {"reduce": "batch"},
            "The images are averaged too. One number for each image is asked for; only `fit` averages."),
    Mistake("one mean for all", {"reduce": "expanded"},
            "Every image is given the mean loss of the batch. Each has its own."),
    Mistake("mean over everything", {"reduce": "everything"},
            "`.mean()`, and `F.mse_loss` as it comes, average over pixels and images. Sum over the pixels, and keep "
            "one number for each image."),
    Mistake("sum of everything", {"reduce": "all"}, "Pixels and images are summed together. Sum over the pixels."),
    Mistake("sum over the images", {"reduce": "images"},
            "The sum runs over the images, dimension 0. The pixels are dimension 1, or −1."),
    Mistake("no sum", {"reduce": "none"}, "One number for each pixel comes back: the sum over the pixels is missing."),
    Mistake("square of the sum", {"measure": "plain", "reduce": "square"},
            "The differences are summed first and squared afterwards, so those of opposite sign cancel. Square each "
            "pixel's difference, then sum."),
    Mistake("rounded", {"output": "rounded"},
            "The reconstruction is rounded to 0 and 1. It is the sigmoid as it comes; a rounded one has no gradient."),
    Mistake("root", {"reduce": "root"}, "There is a root over the sum: leave it out."),
    Mistake("over B", {"reduce": "over B"},
            "The sum is divided by the number of images. An image's loss must not depend on the others."),
)
ERRORS = {
    "has no attribute": "The model has `encode(x)` and `decode(z)`, and `model(x)` does both.",
    "cannot be multiplied": "The encoder takes images, the decoder takes codes: `model.decode(model.encode(x))`.",
    "must match the size": "Compare two things of the same shape: the reconstruction and the image, (B, 784).",
}


def reference(model: nn.Module, x: Tensor) -> Tensor:
    """Return the squared error of the reconstruction, one number for each image."""
    return losses.squared_error(torch.sigmoid(model(x)), x)


def oracle(model: Autoencoder, x: Tensor) -> Tensor:
    """Layer by layer with the weights alone; the sigmoid by a tanh, and the square multiplied out."""
    h = x.double()
    for part in (model.encoder, model.decoder):
        layers: list[Any] = list(part)
        for layer in layers[::2]:
            h = h @ layer.weight.double().T + layer.bias.double()
            h = h.clamp(min=0) if layer is not layers[-1] else h
    x_hat, x = 0.5 + 0.5 * torch.tanh(h / 2), x.double()
    return ((x_hat * x_hat).sum(1) - 2 * (x_hat * x).sum(1) + (x * x).sum(1)).float()


def draw(generator: torch.Generator, size: int) -> Case:
    """Return an autoencoder with random weights, whose logits have both signs and are not small, and images."""
    pixels, code = (6, 3) if size == 1 else (20, 4)
    model = Autoencoder([pixels, 8, code])
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * (0.7 if p.dim() > 1 else 0.5))
    x = torch.rand(size, pixels, generator=generator).round(decimals=1 if size == 1 else 4)
    text = f"one image, x = {rows(x, '.1f')}," if size == 1 else f"{size} images of {pixels} random pixels"
    if size == 1:
        text += f" whose logits are {rows(model(x).detach(), '.1f')}"
    return Case((model, x), text)


def family(**changes: Any) -> Any:
    """Return the squared error of the reconstruction, with the given changes."""
    return partial(_loss, **changes)


def _loss(model: Autoencoder, x: Tensor, *, output: str = "sigmoid", target: str = "image",
          measure: str = "square", reduce: str = "sum", through: str = "once", given: str = "image") -> Tensor:
    squash = {"sigmoid": torch.sigmoid, "none": lambda v: v, "clamp": lambda v: v.clamp(0, 1), "tanh": torch.tanh,
              "relu": torch.relu, "softmax": lambda v: v.softmax(-1),
              "twice": lambda v: torch.sigmoid(torch.sigmoid(v)), "rounded": lambda v: torch.sigmoid(v).round()}[output]
    z = model.encode((x > 0.5).float() if given == "binary" else x)
    z = {"sigmoid": torch.sigmoid, "relu": torch.relu}.get(through, lambda v: v)(z)
    logits = model.decode(z)
    if through == "twice":
        logits = model(squash(logits))
    x_hat = squash(logits)
    t = {"image": lambda: x, "binary": lambda: (x > 0.5).float(), "sigmoid": lambda: torch.sigmoid(x), "nothing":
         lambda: torch.zeros_like(x), "mean": lambda: x.mean(0, keepdim=True).expand_as(x), "negative":
         lambda: 1 - x}[target]()
    e = {"square": lambda: (x_hat - t) ** 2, "size": lambda: (x_hat - t).abs(), "plain": lambda: x_hat - t, "half":
         lambda: (x_hat - t) ** 2 / 2, "cross": lambda: F.binary_cross_entropy_with_logits(logits, t, reduction="none"),
         "product": lambda: x_hat * t}[measure]()
    return {"sum": lambda: e.sum(-1), "mean": lambda: e.mean(-1), "batch": lambda: e.sum(-1).mean(), "everything":
            lambda: e.mean(), "all": lambda: e.sum(), "expanded": lambda: e.sum(-1).mean().expand(len(x)), "images":
            lambda: e.sum(0), "none": lambda: e, "root": lambda: e.sum(-1).clamp(min=1e-12).sqrt(), "over B":
            lambda: e.sum(-1) / len(x), "square": lambda: e.sum(-1) ** 2}[reduce]()


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether it can be a squared error, and whether it is one of some other reconstruction."""
    if any(bool((g[0] < -1e-5).any()) for g in got):
        return "It is negative for some images. A sum of squares never is."
    if all(near(g[0] * g[0], w[0], atol=2e-3) for g, w in zip(got, want, strict=True)):
        return "It is the root of the right value: leave the root out."
    for bound in (1, 2, 3, 4, 5, 6):
        if all(torch.allclose(g[0].float(), _cut_off(case.args[0], case.args[1], bound), 1e-4, 1e-4)
               for case, g in zip(cases, got, strict=True)):
            return (f"The logits are cut off at −{bound} and {bound} before the sigmoid. It takes them as they are; "
                    "where they are cut no gradient flows.")
    if any(bool((g[0] > case.args[1].shape[1]).any()) for case, g in zip(cases, got, strict=True)):
        return ("It is larger than the number of pixels for some images. A pixel that lies between 0 and 1, and its "
                "reconstruction, differ by at most 1, so that the right value never is.")
    return ""


def _cut_off(model: nn.Module, x: Tensor, bound: int) -> Tensor:
    """Return the squared error of a reconstruction whose logits are cut off."""
    return losses.squared_error(torch.sigmoid(model(x).detach().clamp(-bound, bound)), x)


EXERCISE = Exercise(
    "pretraining_loss", "2 · Pre-training without labels", "function", 1, 4,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 3, 6), rtol=1e-3, atol=1e-4, arguments=("model", "x"),
    gives=(PER_IMAGE,), gradients=(0,), family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`model(x)` encodes and decodes; it gives logits.",
           "`torch.sigmoid` turns logits into pixels. Compare them with `x` itself.",
           "`losses.squared_error(x_hat, x)` sums over the pixels of each image."),
    why="The target is the image itself, so every image can take part, with a label or without. What the code "
        "keeps is what helps to reconstruct the image. Whether it helps to tell digits apart, this lab tests.")
