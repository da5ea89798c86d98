"""Exercise 6: the loss of the denoising autoencoder. A model that keeps what it is given shows what the loss does."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import losses
from aecourse.check.engine.chance import origin
from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.engine.words import a
from aecourse.check.lab04._chance import repeated
from aecourse.check.lab04.gaussian import family as gaussian_with
from aecourse.check.lab04.gaussian import reference as gaussian_ok
from aecourse.train import Step

MISTAKES = (
    Mistake("noisy target", {"target": "damaged"},
            "The target is the damaged image. A net that is asked for its own input learns to copy it, noise and all. "
            "Damaged goes in, the clean `x` is what comes out."),
    Mistake("clean input", {"given": "clean"},
            "The model is given the clean image, so there is nothing to clean: this is the loss of a plain "
            "autoencoder. Give it the damaged one."),
    Mistake("noise after the model", {"given": "clean", "target": "damaged"},
            "The noise comes after the model, in the target or on the output; the model itself is given the clean "
            "image. Damage `x` first and give the model the damaged one; the target is the clean `x`."),
    Mistake("noise for a target", {"target": "noise"},
            "The target is the noise. A net can be trained to name the noise, and many diffusion models are; here the "
            "clean image is asked for."),
    Mistake("fixed noise", {"source": "fixed"},
            "The noise is the same at every call. Then the model can learn it by heart: draw it anew each time, and "
            "set no seed inside."),
    Mistake("global noise", {"source": "global"},
            "The noise does not come from `step.generator`, so a training run cannot be repeated. Hand it to "
            "`gaussian_ok`."),
    Mistake("clean while measuring", {"measuring": False},
            "There is no noise when `step.training` is False. The loss on held-out images would then measure another "
            "task than the one that is trained: always damage."),
    Mistake("mean over the pixels", {"reduce": "mean"},
            "There is a mean over the pixels where the sum belongs: an image's loss is the sum over its pixels."),
    Mistake("mean over the batch", {"reduce": "batch"},
            "The images are averaged too. `fit` asks for one number for each image and averages itself."),
    Mistake("mean over everything", {"reduce": "everything"},
            "`.mean()`, and `F.mse_loss` as it comes, average over pixels and images. Sum over the pixels, `.sum(-1)`, "
            "and keep one number for each image."),
    Mistake("sum over everything", {"reduce": "all"},
            "Pixels and images are summed together. Sum over the pixels alone, `.sum(-1)`."),
    Mistake("no sum", {"reduce": "none"},
            "One number for each pixel comes back: the sum over the pixels, `.sum(-1)`, is missing."),
    Mistake("root", {"reduce": "root"}, "This is the root of the squared error: leave the root out."),
    Mistake("absolute", {"power": 1}, "The error is not squared: this is the sum of absolute differences."),
    Mistake("not squared", {"power": 0},
            "The differences are not squared, so those of opposite sign cancel, and the loss has no smallest value."),
    Mistake("half", {"power": 0.5}, "There is a ½ that is not asked for: the squared error is meant as it is."),
    Mistake("cross-entropy", {"power": "cross"}, "This is the cross-entropy; the squared error is asked for."),
    Mistake("sigmoid", {"output": "sigmoid"},
            "The model's output goes through a sigmoid. Here the output is the image itself, as it is."),
    Mistake("clipped output", {"output": "clamp"},
            "The output is cut off at 0 and 1 before the error is taken. Where it is cut no gradient flows, so such a "
            "pixel is never mended. Cut it off when you look at the picture, not in the loss."),
    Mistake("unclipped noise", {"clip": "none"},
            "The damaged image leaves the range from 0 to 1: `gaussian_ok` cuts the noisy image off; use it as it is."),
    Mistake("one number per image", {"own": "image"},
            "Each image gets one noise number for all of its pixels: that makes it lighter or darker, and no more. "
            "Every pixel has its own noise."),
    Mistake("one noise for all", {"own": "batch"},
            "All images of the batch get the same noise pattern. Every pixel of every image has its own."),
    Mistake("bare tensor", {"form": "bare"},
            "It returns the tensor itself; `fit` asks for a dict with a name for it: `{\"squared error\": ...}`."),
    Mistake("a number", {"reduce": "batch", "form": "number"},
            "It returns a plain number, through which no gradient flows (`.item()`, `float()`). A tensor with one "
            "number for each image is asked for."),
    Mistake("nothing", {"form": "nothing"}, "It returns None: is the `return` missing?"),
    Mistake("no gradient", {"cut": True},
            "No gradient reaches the model: its output is cut off by `.detach()`, `.data` or `no_grad`."),
    Mistake("in place", {"in_place": True},
            "It damages the images that it is given, for good: at the next epoch they would be noisier, and the target "
            "is noisy too. Make a new tensor."),
    Mistake("twice", {"given": "twice"},
            "The model is called twice. Once is asked for: the damaged image in, the clean one as the target."),
    Mistake("second draw", {"target": "second"},
            "The target is a damaged image too, with noise drawn a second time. The target is the clean `x`."),
)
FACTS = {
    "gives": "It returns {got}; {expected} is asked for, `{{\"squared error\": ...}}` with a tensor of shape (B,).",
    "name": "Its one term has the name \"loss\", which `fit` keeps for the sum of all terms. Asked "
            "for is \"squared error\".",
    "mode": "It leaves the model in the mode of evaluation: `.eval()` is none of the loss's business.",
    "x": "It changes the images that it is given. Make a new tensor.",
    "calls": "The model is called {got}; once is asked for.",
    "input": "The model is given the clean image.",
    "own": "The noise is {got}; every pixel of every image has its own.",
    "chance": "The noise is {got}; it has to be drawn anew at every call, from `step.generator`.",
    "measuring": "When `step.training` is False the images are not damaged. Always damage.",
    "range": "The image that the model is given leaves the range from 0 to 1; what `gaussian_ok` returns never does.",
    "hit": "Not every pixel is damaged. Damaged are {got}; Gaussian noise, `gaussian_ok`, changes every one.",
    "flipped": "The model is given {got}; it should be given `x` with noise.",
    "one": "For a single image it returns {got}; a tensor of shape (1,) is asked for.",
    "kind": "The noise is not normal; `gaussian_ok` as it is gives normal noise.",
    "level": "The strength of the noise is not SIGMA. It has a standard deviation of about {got}; SIGMA is asked for.",
    "progress": "How strong the noise is depends on `step.progress`. Its strength is SIGMA, at every step.",
    "noise": "There is noise {got}; damage the image before it.",
    "gradient": "No gradient reaches the model: `.detach()`, `.item()` or `no_grad` cuts it off.",
    "target": "The target is {got}; the clean `x` is asked for.",
    "output": "The model's output is taken {got}; it is meant as it is.",
    "measure": "The loss is {got}; the squared error between the model's output and the clean `x` is asked for.",
    "sum": "The sum or mean runs {got}; sum over the pixels, and keep one number for each image.",
}
ERRORS = {
    "generator": "The generator is `step.generator`.",
    "required positional argument": "`gaussian_ok` takes three things: the images, `SIGMA` and `step.generator`.",
    "must match the size": "Do the model's output and the target have the same shape, (B, 784)?",
}
_SIGMA = 0.4  # the lab's, for this loss


def reference(model: nn.Module, x: Tensor, step: Step) -> dict[str, Tensor]:
    return {"squared error": losses.squared_error(model(gaussian_ok(x, _SIGMA, step.generator)), x)}


def oracle(*case: Any) -> dict[str, str]:
    return {"gives": "a dict of one number per image", "name": "its own", "mode": "kept", "x": "untouched",
            "calls": "once", "input": "damaged",
            "own": "for every pixel", "chance": "from step.generator", "measuring": "damaged too",
            "flipped": "x with noise", "range": "from 0 to 1", "one": "one number", "hit": "all pixels",
            "progress": "not looked at", "kind": "normal", "level": "σ", "target": "the clean image",
            "output": "as it is", "measure": "the squared error", "sum": "over the pixels",
            "gradient": "reaches the model", "noise": "none after the model"}


def draw(generator: torch.Generator, size: int) -> Case:
    x = 0.35 + 0.3 * torch.rand(size, 784, generator=generator)
    return Case((x, between(0, 999_999, generator)), f"a model, x ({size}, 784) and a step")


def family(**changes: Any) -> Any:
    """Return the loss of a denoising autoencoder, with the given changes."""
    def loss(model: nn.Module, x: Tensor, step: Step) -> Any:
        return _loss(model, x, step, **changes)

    return loss


def _loss(model: nn.Module, x: Tensor, step: Step, *, given: str = "damaged", target: str = "clean", output: str = "",
          reduce: str = "pixels", source: str = "generator", measuring: bool = True,
          clip: str = "both", own: str = "pixel", power: float = 2, form: str = "dict", cut: bool = False,
          in_place: bool = False) -> Any:
    noisy = gaussian_with(chance=source, clip=clip, own=own, in_place=in_place)(x, _SIGMA, step.generator)
    noisy = x if not measuring and not step.training else noisy
    y = model({"damaged": noisy, "clean": x, "twice": noisy}[given])
    y = y.detach() if cut else y
    if given == "twice":
        y = model(y)
    y = {"sigmoid": torch.sigmoid, "clamp": lambda v: v.clamp(0, 1)}.get(output, lambda v: v)(y)
    t = {"clean": x, "damaged": noisy, "noise": noisy - x}.get(target)
    t = gaussian_ok(x, _SIGMA, step.generator) if t is None else t
    if power == "cross":
        e = F.binary_cross_entropy_with_logits(y, t, reduction="none")
    else:
        e = (y - t).abs() if power == 1 else (y - t) if power == 0 else (y - t) ** 2
    e = e / 2 if power == 0.5 else e
    e = {"pixels": lambda: e.sum(-1), "mean": lambda: e.mean(-1), "batch": lambda: e.sum(-1).mean(), "root":
         lambda: e.sum(-1).sqrt(), "everything": lambda: e.mean(), "all": lambda: e.sum(), "none": lambda: e}[reduce]()
    return {"dict": lambda: {"squared error": e}, "bare": lambda: e, "number": lambda: {"squared error": e.item()},
            "nothing": lambda: None}[form]()


# ---- what is looked at ----------------------------------------------------------------------------------------------


class _Spy(nn.Module):
    """A small model that keeps what it is given and what it answers, pixel by pixel; nothing bounds its output."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.linspace(-1.5, 2.0, pixels))
        self.b = nn.Parameter(torch.linspace(0.8, -0.4, pixels))
        self.given: list[Tensor] = []
        self.answers: list[Tensor] = []
        self.outputs: list[Tensor] = []  # the answers themselves, through which gradients flow

    def encode(self, x: Tensor) -> Tensor:
        self.given.append(x.detach().clone())
        return x * self.w

    def decode(self, z: Tensor) -> Tensor:
        y = z + self.b
        self.answers.append(y.detach().clone())
        self.outputs.append(y)
        return y

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    def join(self, shape: torch.Size) -> None:
        """Take calls with a part of the images each, together as many as there are, for one call."""
        for kept in (self.given, self.answers):
            if len(kept) > 1 and sum(v.numel() for v in kept) == shape.numel():
                kept[:] = [torch.cat([v.reshape(-1, shape[1]) for v in kept])]


def probe(dae_loss: Callable, case: Case) -> dict[str, Any]:
    """Call the loss on grey images with a model that keeps what it is given; return what it did."""
    x, seed = case.args

    def call(generator: torch.Generator, training: bool = True, progress: float = 0.5) -> tuple[Any, _Spy, Tensor]:
        spy, images = _Spy(x.shape[1]), x.clone()
        spy.train(training)
        result = dae_loss(spy, images, Step(progress, generator, training))
        spy.join(x.shape)
        return result, spy, images

    generator = torch.Generator().manual_seed(seed)
    result, spy, images = call(generator)
    facts: dict[str, Any] = {}
    loss = next(iter(result.values())) if isinstance(result, dict) and len(result) == 1 else result
    facts["gives"] = _form(result, loss, len(x))
    if isinstance(result, dict) and len(result) == 1:
        facts["name"] = "loss" if "loss" in result else "its own"
    facts["mode"] = "kept" if spy.training else "evaluation"
    facts["x"] = "untouched" if torch.equal(images, x) else "changed"
    facts["calls"] = {0: "never", 1: "once", 2: "twice"}.get(len(spy.given), "several times")
    if not spy.given or not spy.answers or spy.given[0].shape != x.shape:
        return facts | ({"calls": "in part, without `decode`"} if spy.given and not spy.answers else {})
    given = spy.given[0]
    facts["input"] = "clean" if torch.equal(given, x) else "damaged"
    if facts["input"] == "damaged":
        facts |= _noise(call, generator, x, given, seed)
    elif isinstance(loss, Tensor):
        again, _, _ = call(generator)
        again = next(iter(again.values())) if isinstance(again, dict) and again else again
        facts["noise"] = "none after the model" if torch.equal(loss, again) else "after the model"
    facts["one"] = _of_one(dae_loss, x[:1].clone(), seed) if facts["gives"] == "a dict of one number per image" else (
        "one number")
    if isinstance(loss, Tensor):
        facts["gradient"] = "reaches the model" if loss.requires_grad else "cut"
        if facts.get("noise", "none after the model") == "none after the model" and facts["calls"] == "once":
            facts |= _what(loss.detach(), x, given, spy.answers[0])
            if facts["measure"] == "another number" and loss.shape == (len(x),) and loss.requires_grad:
                facts |= _by_slope(loss, x, spy, lambda: call(generator))
    return facts


def _of_one(dae_loss: Callable, image: Tensor, seed: int) -> str:
    """Return what comes back for a batch of one image."""
    result = dae_loss(_Spy(image.shape[1]), image, Step(0.5, torch.Generator().manual_seed(seed), True))
    loss = next(iter(result.values())) if isinstance(result, dict) and result else result
    if isinstance(loss, Tensor) and loss.shape == (1,):
        return "one number"
    return f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else a(loss)


def _target_of(loss: Tensor, spy: _Spy) -> Tensor | None:
    """Return the target of a squared error, which its slope tells, if it is a squared error."""
    slopes = torch.autograd.grad(loss.sum(), spy.outputs, allow_unused=True)
    if any(slope is None for slope in slopes):
        return None
    y = spy.answers[0]
    target = y - torch.cat([slope.reshape(-1, y.shape[1]) for slope in slopes if slope is not None]) / 2
    return target if torch.allclose((y - target).square().sum(1), loss.detach(), rtol=1e-3, atol=1e-3) else None


def _by_slope(loss: Tensor, x: Tensor, spy: _Spy, again: Callable) -> dict[str, str]:
    """Return what the target of a squared error is, if it is none of the known ones."""
    target = _target_of(loss, spy)
    if target is None:
        return {}
    facts = {"measure": "the squared error", "sum": "over the pixels", "output": "as it is"}
    if torch.allclose(target, 1 - x, atol=1e-3):
        return facts | {"target": "1 − x"}
    other, other_spy, _ = again()
    second = _target_of(next(iter(other.values())), other_spy)
    if second is None or torch.allclose(second, target) or not 0 <= float(target.min()) <= float(target.max()) <= 1:
        return facts | {"target": "neither clean nor the damaged image"}
    return facts | {"target": "an image damaged a second time"}


def _form(result: Any, loss: Any, n: int) -> str:
    if isinstance(result, dict) and len(result) != 1:
        return f"a dict of {len(result)} things"
    where = "a dict of " if isinstance(result, dict) else ""
    if not isinstance(loss, Tensor):
        return "None" if loss is None else f"{where}{a(loss)}"
    what = {(n,): "one number per image", (): "one number for the batch"}.get(tuple(loss.shape), "another shape")
    return where + what if where else f"a bare tensor, {what}"


def _noise(call: Callable, generator: torch.Generator, x: Tensor, given: Tensor, seed: int) -> dict[str, Any]:
    """Return how the model's input differs from the image, and when it is drawn anew."""
    def input_of(g: torch.Generator, training: bool = True, progress: float = 0.5) -> Tensor:
        spy = call(g, training, progress)[1]
        return spy.given[0] if spy.given else x

    source = origin(input_of, seed)
    facts = {"chance": "from step.generator" if source == "from the generator" else source,
             "measuring": "clean" if torch.equal(input_of(generator, False), x) else "damaged too",
             "range": "from 0 to 1" if given.min() >= 0 and given.max() <= 1 else "outside of 0 to 1",
             "own": repeated(given - x)}
    if source == "from the generator":
        early, late = (input_of(torch.Generator().manual_seed(seed), progress=p) for p in (0.5, 0.9))
        if not torch.equal(early, late):
            return facts | {"progress": "what the noise depends on"}
    centred = x - x.mean()
    if float((centred * (given - given.mean())).mean() / centred.square().mean()) < -0.5:
        return facts | {"flipped": "1 − x with noise, black and white exchanged"}
    if facts["own"] == "for every pixel":  # the median of the noise's size: what is cut off does not move it
        same = float((given == x).float().mean())
        facts["hit"] = "all pixels" if same < 0.05 else f"{1 - same:.2g} of the pixels"
        at_ends = float(((given <= 0) | (given >= 1)).float().mean())
        size = float((given - x).abs().median()) / 0.6745
        if same >= 0.05:
            return facts
        if at_ends < 0.05:
            size = float((given - x)[(x - 0.5).abs() < 0.05].std())  # where hardly any is cut off
        else:  # as much leaves the range as of normal noise of this size
            normal = float((torch.special.ndtr(-x / size) + torch.special.ndtr((x - 1) / size)).mean())
            facts["kind"] = "normal" if abs(at_ends - normal) < 0.025 else "of another form"
            if facts["kind"] != "normal":
                return facts
        facts.setdefault("kind", "normal")
        facts["level"] = "σ" if abs(size / _SIGMA - 1) < 0.06 else f"{size:.2g}"
    return facts


def _what(loss: Tensor, x: Tensor, given: Tensor, y: Tensor) -> dict[str, str]:
    """Return which error this is, of what, against what, and how it was averaged."""
    x, given, y, loss = x.double(), given.double(), y.double(), loss.double()
    targets = {"the clean image": x, "the damaged image": given, "the noise": given - x, "nothing": torch.zeros_like(x)}
    outputs = {"as it is": y, "through a sigmoid": torch.sigmoid(y), "cut off at 0 and 1": y.clamp(0, 1),
               "plus the damaged image": y + given}
    for target, t in targets.items():
        if target == "the noise" and torch.equal(given, x):
            continue
        for output, o in outputs.items():
            away = o - t
            measures = {"the squared error": away**2, "the absolute error": away.abs(), "half the squared error":
                        away**2 / 2, "the difference itself": away}
            if target != "the noise" and output == "as it is":
                measures["the cross-entropy"] = F.binary_cross_entropy_with_logits(o, t, reduction="none")
            for measure, e in measures.items():
                for name, value in _sums(e).items():
                    if value.shape == loss.shape and torch.allclose(value, loss, rtol=1e-3, atol=1e-3):
                        return {"target": target, "output": output, "measure": measure, "sum": name}
    return {"measure": "another number"}


def _sums(e: Tensor) -> dict[str, Tensor]:
    return {"over the pixels": e.sum(1), "over the pixels, as a mean": e.mean(1), "over the images, too":
            e.sum(1).mean(), "over everything, as a mean": e.mean(), "over everything": e.sum(), "over nothing": e,
            "over the images": e.sum(0), "over the pixels, with a root": e.sum(1).clamp(min=0).sqrt()}


EXERCISE = Exercise(
    "dae_loss", "6 · The loss of the denoising autoencoder", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(24,), probe=probe,
    arguments=("model", "x", "step"), family=family, facts=FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("Three lines: damage `x` with `gaussian_ok`, call the model on the damaged images, compare with …?",
           "The generator of the noise is `step.generator`, and the target is the clean `x`.",
           "`losses.squared_error(x_hat, x)` gives one number per image; return it in a dict, `{\"squared error\": "
           "...}`."),
    why="With the clean image as the target, to copy the input is no longer the best answer, whatever the width of "
        "the code: to do well the net has to know what digits look like. The noise is fresh at every call, or the "
        "net could learn it by heart.")
