"""Lab 02, exercise 7: a trained autoencoder, judged on test images with the mean image as the baseline."""

from typing import Any

import torch
from torch import Tensor, nn

from aecourse import data
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab02._tied import autoencoder, form


def _untrained(**changes: object) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return autoencoder(**changes)()


def _broken() -> torch.nn.Module:
    model = _untrained()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    return model


class _Constant(nn.Module):
    """Gives the same picture for every image: all it has learned is the mean image."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):  # an import draws none of the learner's random numbers
            self.code = nn.Linear(784, 32)
        self.level = nn.Parameter(torch.full((784,), -2.0))

    def encode(self, x: Tensor) -> Tensor:
        return self.code(x)

    def decode(self, z: Tensor) -> Tensor:
        return self.level.expand(len(z), 784)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


MISTAKES = (
    Mistake("untrained", _untrained(),
            "Its error on test images is above that of the mean image, which looks at no input. Was `fit` called on "
            "this very model, and does the loss compare its output with the images as they are? Training again takes "
            "about half a minute."),
    Mistake("constant", _Constant(),
            "It gives the same picture for every image: nothing of the input gets through the code."),
    Mistake("nan", _broken(),
            "Its output holds NaN or inf: the training went wrong. Try a smaller learning rate, and look for a "
            "logarithm in the loss."),
    Mistake("other code", _untrained(down=(784, 128, 64)), "Its code does not hold 32 numbers."),
)


def oracle(x: Tensor) -> dict[str, Any]:
    return {"image": True, "code": True, "finite": True, "output": "logits", "varied": True,
            "black": False, "scale": "0 to 1", "error": "far below the mean image", "code used": True}


def draw(generator: torch.Generator, size: int) -> Case:
    images = data.load().x_test
    rows = torch.randperm(len(images), generator=generator)[:size]
    return Case((images[rows],), f"{size} test images")


FACTS = {
    "image": "Its output does not have the shape of the images.",
    "code": "Its code does not hold 32 numbers.",
    "finite": "Its output holds NaN or inf: the training went wrong. Try a smaller learning rate.",
    "output": "Its output looks like pixels; logits are asked for. Either the model ends in a sigmoid, or the loss "
              "compared the logits with the image: use `bernoulli_nll_ok(model(x), x)`, or put a sigmoid on the "
              "output first.",
    "scale": "{got} Train on the images as they are; that takes about half a minute.",
    "black": "It gives a black picture for every image{got}. Images from −1 to 1 drive a sigmoid there (exercise 5): "
             "were they rescaled? Train on the images as they are; that takes about half a minute.",
    "varied": "It gives nearly the same picture for every image: nothing of the input gets through the code.",
    "error": "Its error on test images is {got}; far below is asked for. Train longer, on all training images: half a "
             "minute is enough.",
    "code used": "Most of the 32 code units give the same number for every image: they are dead. Is there a ReLU on "
                 "the code?",
}


TAKES = "It reconstructs images that are rescaled to −1 to 1 before they go in, and it is tested on images from 0 to 1."
GIVES = ("It reconstructs images on the scale from −1 to 1. The pixels are `torch.sigmoid` of its output, and a "
         "sigmoid reaches nothing below 0 (exercise 5).")


def probe(model: Any, case: Case) -> dict[str, Any]:
    """Measure the model on held-out images; every bound is far from what luck or the data set decides."""
    (x,) = case.args
    home = next(model.parameters(), x)
    given = x.to(home)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            code, output = model.encode(given), model(given)
            facts: dict[str, Any] = {"image": form(output) == tuple(x.shape), "code": form(code) == (len(x), 32)}
            if not all(facts.values()):
                return facts
            code, output, of_signed = code.cpu().float(), output.cpu().float(), model(2 * given - 1).cpu().float()
    finally:
        model.train(was_training)
    facts["finite"] = bool(torch.isfinite(output).all() and torch.isfinite(code).all())
    if not facts["finite"]:
        return facts
    blank = _error(x.mean(0).expand_as(x), x)
    as_logits, as_pixels = _error(torch.sigmoid(output), x), _error(output, x)
    facts["output"] = "pixels" if as_pixels < 0.8 * blank and as_pixels < as_logits else "logits"
    facts["varied"] = bool(torch.sigmoid(output).std(0).mean() > 1e-5)
    if _black(output):
        return facts | {"varied": True, "black": ""}
    if not facts["varied"]:
        return facts
    error = min(as_logits, as_pixels)
    facts["error"] = "far below the mean image" if error < 0.75 * blank else (
        "a little below the mean image" if error < blank else "above the mean image")
    if facts["error"] != "far below the mean image":
        if _black(of_signed):
            facts["black"] = " from −1 to 1"
        elif min(_error(torch.sigmoid(of_signed), x), _error(of_signed, x)) < 0.75 * blank:
            facts["scale"] = TAKES
        elif _signed(x, output, of_signed):
            facts["scale"] = GIVES
        if "black" in facts or "scale" in facts:
            del facts["error"]  # it follows from that
    facts["code used"] = int((code.std(0) > 1e-3 * code.std()).sum()) >= 16
    return facts


def _black(output: Tensor) -> bool:
    return float(torch.sigmoid(output).max()) < 0.1


def _signed(x: Tensor, output: Tensor, of_signed: Tensor) -> bool:
    """Return whether the outputs for x or for 2x − 1 are near 2x − 1, or as near as a sigmoid comes."""
    for given in (output, of_signed):
        for x_hat, aim in ((given, 2 * x - 1), (torch.sigmoid(given), (2 * x - 1).clamp(min=0))):
            if _error(x_hat, aim) < 0.75 * _error(aim.mean(0).expand_as(aim), aim):
                return True
    return False


def _error(x_hat: Tensor, x: Tensor) -> float:
    return float((x_hat - x).square().sum(-1).mean())


EXERCISE = Exercise(
    "trained", "7 · Train it", "model", 3, 6,
    reference=None, oracle=oracle, draw=draw, sizes=(1000,), probe=probe, facts=FACTS,
    mistakes=MISTAKES,
    hints=("A loss for `fit` takes the model, a batch and `step`, and returns a dict of one number per image: "
           "`{\"nats\": bernoulli_nll_ok(model(x), x)}`.",
           "`fit(model, (digits.x_train,), loss, epochs=4, batch=128)` trains the model in place.",
           "The check takes the model, not what `fit` returns."),
    why="The model is judged on images that it never saw. The mean image is the baseline to beat: it is the best "
        "that a network can do without looking at its input.")
