"""Exercise 6: a denoiser's loss without clean images. A model that keeps what it is given shows what the loss does."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from aecourse import corruption, losses
from aecourse.check.engine.chance import origin
from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.engine.words import a
from aecourse.check.lab04._chance import repeated, source_of
from aecourse.train import Step

MISTAKES = (
    Mistake("clean target", {"target": "clean"},
            "The target is the clean `x`: this is the loss of the denoising autoencoder of unit 04. Here the "
            "network may never be compared with a clean image. The target is a second noisy copy."),
    Mistake("the same copy", {"target": "same"},
            "The target is the very copy that the model is given. The best answer is then to copy it, noise and all. "
            "Draw noise a second time for the target."),
    Mistake("clean input", {"given": "clean"},
            "The model is given the clean image. Give it a noisy copy."),
    Mistake("no noise", {"given": "clean and clean"},
            "There is no noise at all: this is the loss of an ordinary autoencoder. Input and target are both noisy "
            "copies of `x`."),
    Mistake("noise for a target", {"target": "noise"},
            "The target is noise alone. It should be `x` with noise."),
    Mistake("noise on the input", {"target": "on top"},
            "The target is the input with more noise on top, so it contains the input's own noise, and that is what "
            "the network learns to keep. Add both noises to `x`."),
    Mistake("noise on the target", {"given": "on top"},
            "The input is the target with more noise on top, so the network learns to restore the target's noise. Add "
            "both noises to `x`."),
    Mistake("opposite noise", {"target": "opposite"},
            "The target has the input's noise with the opposite sign. The two copies have to be independent: draw "
            "twice."),
    Mistake("fixed noise", {"source": "fixed"},
            "The noise is the same at every call. Then the model can memorise it: draw it anew each time, and set no "
            "seed inside."),
    Mistake("global noise", {"source": "global"},
            "The noise does not come from `step.generator`, so a training run cannot be repeated. Hand it to "
            "`corruption.gaussian`."),
    Mistake("clean while measuring", {"measuring": False},
            "There is no noise when `step.training` is False. The loss on validation images would then measure another "
            "task than the one that is trained: always add noise."),
    Mistake("clean target while measuring", {"measuring_target": False},
            "The target is the clean image when `step.training` is False. The loss on validation images would then be "
            "another one than in training, and clean images are what is missing: always draw two noisy copies."),
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
    Mistake("sigmoid", {"output": "sigmoid"},
            "The model's output goes through a sigmoid. Here the output is the image itself, as it is."),
    Mistake("clipped output", {"output": "clamp"},
            "The output is clipped before the error is taken. Where it is clipped no gradient flows, so such a pixel "
            "never improves. Clip it when you look at the picture, not in the loss."),
    Mistake("both clipped", {"clip": "both"},
            "Both copies are clipped. Clipped noise brightens black pixels on average, and the network would learn to "
            "do so, too. Leave the noise as it is."),
    Mistake("clipped target", {"clip": "target"},
            "The target is clipped. Clipped noise brightens black pixels on average, and the network would learn to do "
            "so, too. Leave the noise as it is."),
    Mistake("clipped input", {"clip": "input"},
            "The input is clipped. Leave the noise as it is, as in the lesson."),
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
            "It changes the images that it is given, for good: at the next epoch they would be noisier. Make new "
            "tensors."),
    Mistake("twice", {"given": "twice"},
            "The model is called twice. Once is asked for: one noisy copy goes in, the other is the target."),
)
FACTS = {
    "gives": "It returns {got}; {expected} is asked for, `{{\"squared error\": ...}}` with a tensor of shape (B,).",
    "name": "Its one term has the name \"loss\", which `fit` keeps for the sum of all terms. Asked "
            "for is \"squared error\".",
    "mode": "It leaves the model in the mode of evaluation: `.eval()` is none of the loss's business.",
    "x": "It changes the images that it is given. Make a new tensor.",
    "calls": "The model is called {got}; once is asked for.",
    "input": "The model is given {got}; a noisy copy of `x` is asked for.",
    "input noise": "The noise of the model's input is {got}. It should be normal, with the standard deviation SIGMA, "
                   "not clipped, and another for every pixel: `corruption.gaussian` as it is.",
    "chance": "The noise of the model's input is {got}; it has to be drawn anew at every call, from `step.generator`.",
    "measuring": "When `step.training` is False the model is given clean images. Always add noise.",
    "measuring target": "When `step.training` is False the target is {got}. Always draw a second noisy copy.",
    "one": "For a single image it returns {got}; a tensor of shape (1,) is asked for.",
    "gradient": "No gradient reaches the model: `.detach()`, `.item()` or `no_grad` cuts it off.",
    "measure": "The loss is {got}; the squared error between the model's output and a second noisy copy is asked for.",
    "sum": "The sum or mean runs {got}; sum over the pixels, and keep one number for each image.",
    "output": "The model's output is taken {got}; it is meant as it is.",
    "target": "The target is {got}; a second noisy copy of `x` is asked for.",
    "target noise": "The noise of the target is {got}. It should be normal, with the standard deviation SIGMA, not "
                    "clipped, and another for every pixel: `corruption.gaussian` as it is.",
    "independent": "The noise of the target {got} that of the input. The two have to be independent: call "
                   "`corruption.gaussian(x, SIGMA, step.generator)` twice.",
    "target chance": "The noise of the target is {got}; it has to be drawn anew at every call, from `step.generator`.",
}
ERRORS = {
    "generator": "The generator is `step.generator`.",
    "required positional argument": "`corruption.gaussian` takes three things: the images, `SIGMA` and "
                                    "`step.generator`.",
    "must match the size": "Do the model's output and the target have the same shape, (B, 784)?",
}
_SIGMA = 0.5  # the lab's, for this loss


def reference(model: nn.Module, x: Tensor, step: Step) -> dict[str, Tensor]:
    first, second = (corruption.gaussian(x, _SIGMA, step.generator) for _ in range(2))
    return {"squared error": losses.squared_error(model(first), second)}


def oracle(*case: Any) -> dict[str, str]:
    return {"gives": "a dict of one number per image", "name": "its own", "mode": "kept", "x": "untouched",
            "calls": "once", "input": "x with noise", "input noise": "as asked", "chance": "from step.generator",
            "measuring": "with noise too", "measuring target": "a noisy copy", "one": "one number",
            "gradient": "reaches the model", "measure": "the squared error", "sum": "over the pixels",
            "output": "as it is", "target": "x with noise", "target noise": "as asked",
            "independent": "is independent of", "target chance": "from step.generator"}


def draw(generator: torch.Generator, size: int) -> Case:
    x = 0.1 + 0.8 * torch.rand(size, 784, generator=generator)
    return Case((x, between(0, 999_999, generator)), f"a model, x ({size}, 784) and a step")


def family(**changes: Any) -> Any:
    """Return the loss between two noisy copies, with the given changes."""
    def loss(model: nn.Module, x: Tensor, step: Step) -> Any:
        return _loss(model, x, step, **changes)

    return loss


def _loss(model: nn.Module, x: Tensor, step: Step, *, given: str = "noisy", target: str = "second", output: str = "",
          reduce: str = "pixels", source: str = "generator", measuring: bool = True, clip: str = "",
          measuring_target: bool = True, own: str = "pixel", power: float = 2, form: str = "dict", cut: bool = False,
          in_place: bool = False) -> Any:
    generator = source_of(source, step.generator)
    shape = {"pixel": x.shape, "image": (len(x), 1), "batch": x.shape[1:]}[own]
    n1, n2 = (_SIGMA * torch.randn(shape, generator=generator).expand(x.shape) for _ in range(2))
    if not measuring and not step.training:
        n1, n2 = 0 * n1, 0 * n2
    first = x.add_(n1) if in_place else x + n1
    second = {"second": x + n2, "clean": x, "same": first, "noise": n2, "on top": first + n2,
              "opposite": x - n1}[target]
    if not measuring_target and not step.training:
        second = x
    if given.startswith("clean"):
        first, second = x, x if given == "clean and clean" else second
    first = second + n1 if given == "on top" else first
    first = first.clamp(0, 1) if clip in ("both", "input") else first
    second = second.clamp(0, 1) if clip in ("both", "target") else second
    y = model(first)
    y = y.detach() if cut else y
    y = model(y) if given == "twice" else y
    y = {"sigmoid": torch.sigmoid, "clamp": lambda v: v.clamp(0, 1)}.get(output, lambda v: v)(y)
    e = (y - second).abs() if power == 1 else (y - second) if power == 0 else (y - second) ** 2
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
        return y * 1.0  # changed in place, the output itself stays as it is

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    def join(self, shape: torch.Size) -> None:
        """Take calls with a part of the images each, together as many as there are, for one call."""
        for kept in (self.given, self.answers):
            if len(kept) > 1 and sum(v.numel() for v in kept) == shape.numel():
                kept[:] = [torch.cat([v.reshape(-1, shape[1]) for v in kept])]


def probe(noise2noise_loss: Callable, case: Case) -> dict[str, Any]:
    """Call the loss on grey images with a model that keeps what it is given; return what it did."""
    x, seed = case.args

    def call(generator: torch.Generator, training: bool = True) -> tuple[Any, _Spy, Tensor]:
        spy, images = _Spy(x.shape[1]), x.clone()
        spy.train(training)
        result = noise2noise_loss(spy, images, Step(0.5, generator, training))
        spy.join(x.shape)
        return result, spy, images

    generator = torch.Generator().manual_seed(seed)
    result, spy, images = call(generator)
    facts: dict[str, Any] = {}
    loss = _term(result)
    facts["gives"] = _form(result, loss, len(x))
    if isinstance(result, dict) and len(result) == 1:
        facts["name"] = "loss" if "loss" in result else "its own"
    facts["mode"] = "kept" if spy.training else "evaluation"
    facts["x"] = "untouched" if torch.equal(images, x) else "changed"
    facts["calls"] = {0: "never", 1: "once", 2: "twice"}.get(len(spy.given), "several times")
    if not spy.given or not spy.answers or spy.given[0].shape != x.shape:
        return facts | ({"calls": "in part, without `decode`"} if spy.given and not spy.answers else {})

    def input_of(g: torch.Generator, training: bool = True) -> Tensor:
        again = call(g, training)[1]
        return again.given[0] if again.given else x

    given = spy.given[0]
    facts |= {("input" if name == "" else f"input{name}"): value for name, value in _copy_facts(given, x).items()}
    if facts["input"] != "the clean image":
        source = origin(input_of, seed)
        facts["chance"] = "from step.generator" if source == "from the generator" else source
        clean = torch.equal(input_of(generator, False), x)
        facts["measuring"] = "clean" if clean else "with noise too"
    facts["one"] = _of_one(noise2noise_loss, x[:1].clone(), seed) if facts["gives"] == (
        "a dict of one number per image") else "one number"
    if isinstance(loss, Tensor):
        facts["gradient"] = "reaches the model" if loss.requires_grad else "cut"
        if facts["calls"] == "once" and loss.requires_grad:
            facts |= _target_facts(call, loss, x, given, spy, seed)
    return facts


def _term(result: Any) -> Any:
    return next(iter(result.values())) if isinstance(result, dict) and len(result) == 1 else result


def _target_facts(call: Callable, loss: Tensor, x: Tensor, given: Tensor, spy: _Spy, seed: int) -> dict[str, str]:
    """Return which error the loss is, and of what target."""
    facts, target = _error(loss, spy)
    if target is None:
        return facts
    copy = _copy_facts(target, x)
    noise, other = target - x, given - x
    if torch.allclose(target, given, atol=2e-3) and copy[""] == "x with noise":
        return facts | {"target": "the very copy that the model is given"}
    facts |= {f"target{name}": value for name, value in copy.items()}
    if copy[""] != "x with noise":
        return facts
    if float(other.std()) > 1e-3:
        cosine = float(torch.cosine_similarity((noise - noise.mean()).flatten(), (other - other.mean()).flatten(), 0))
        facts["independent"] = "is independent of" if abs(cosine) < 0.1 else (
            "is exactly opposite to" if cosine < -0.999 else "depends on")

    def target_of(g: torch.Generator, training: bool = True) -> Tensor:
        result, again, _ = call(g, training)
        found = _error(_term(result), again)[1]
        return x if found is None else (found * 500).round()  # up to the rounding of gradients

    clean = torch.allclose(target_of(torch.Generator().manual_seed(seed), False), (x * 500).round(), atol=1.1)
    facts["measuring target"] = "the clean image" if clean else "a noisy copy"
    source = origin(target_of, seed)
    return facts | {"target chance": "from step.generator" if source == "from the generator" else source}


def _error(loss: Tensor, spy: _Spy) -> tuple[dict[str, str], Tensor | None]:
    """Return which error of the model's output the loss is, and its target, read off the slopes of the loss.

    A squared error with the weight w has the slopes 2w (y − t): the weight is the sum of their squares over 4 times the
    loss, and with it the target is known.
    """
    another = {"measure": f"another number ({float(loss.detach().mean()):.4g} on average here)"}
    slopes = torch.autograd.grad(loss.sum(), spy.outputs, allow_unused=True, retain_graph=True)
    if any(slope is None for slope in slopes):
        return another, None
    y = spy.answers[0].double()
    g = torch.cat([slope.reshape(-1, y.shape[1]) for slope in slopes if slope is not None]).double()
    value, n, d = loss.detach().double(), *y.shape
    sums = {"over the pixels": 1.0, "over the pixels, as a mean": 1 / d, "over the images, too": 1 / n,
            "over everything, as a mean": 1 / (n * d)}
    if g.abs().max() < 1e-12:
        return another, None
    if bool((g == g.flatten()[0]).all()):
        return {"measure": "the difference itself"}, None
    if bool((g.abs() - g.abs().max()).abs().max() < 1e-9):
        return {"measure": "the absolute error"}, None
    lengths = g.square().sum(1)
    if value.shape == (n,) and bool(((lengths - 1).abs() < 1e-3).all()):
        return {"measure": "the root of the squared error"}, (y - g * value[:, None]).float()
    seen = {"as it is": (y, torch.ones_like(y)), "through a sigmoid": (y.sigmoid(), y.sigmoid() * (1 - y.sigmoid()))}
    for output, (o, inner) in seen.items():
        h = g / inner
        w = float(h.square().sum() / (4 * value.sum().clamp_min(1e-12)))
        name = next((name for name, v in (sums | {"half": 0.5}).items() if abs(w / v - 1) < 1e-4), "")
        if name:
            w = 0.5 if name == "half" else sums[name]
            facts = {"output": output, "measure": "half the squared error" if name == "half" else "the squared error",
                     "sum": "over the pixels" if name == "half" else name}
            if value.dim() == 0 and name in ("over the pixels", "half"):
                facts["sum"] = "over everything"
            elif value.shape == y.shape:
                facts["sum"] = "over nothing"
            return facts, (o - h / (2 * w)).float()
    outside = (y < 0) | (y > 1)
    if bool((g[outside] == 0).all()) and bool((g[~outside] != 0).all()):
        return {"output": "clipped to [0, 1]"}, None
    return another, None


def _copy_facts(copy: Tensor, x: Tensor) -> dict[str, str]:
    """Return what an input or a target is, and what its noise is like where it is x with noise."""
    noise = copy - x
    if float(noise.abs().max()) < 2e-3:
        return {"": "the clean image"}
    centred = x - x.mean()
    slope = float((centred * (copy - copy.mean())).mean() / centred.square().mean())
    ends = [float((copy == end).float().mean()) for end in (0, 1)]
    clipped = min(ends) > 0.1 and 0 <= float(copy.min()) <= float(copy.max()) <= 1 and (
        float((noise == 0).float().mean()) < 0.01)
    if clipped and slope > 0.3:
        return {"": "x with noise", " noise": "clipped to [0, 1]"}
    if abs(slope - 1) > 0.25:
        return {"": "noise without the image" if abs(slope) < 0.25 else "the negative, 1 − x, with noise"
                if abs(slope + 1) < 0.25 else f"{slope:.2g} times the image with noise"}
    facts, own = {"": "x with noise"}, repeated(noise)
    if own != "for every pixel":
        return facts | {" noise": own}
    if abs(float(noise.mean())) > 0.03 + 0.02 * float(noise.std()):
        return facts | {" noise": f"{float(noise.mean()):.2g} on average"}
    size, middle = float(noise.std()), float(noise.abs().median()) / 0.6745
    if abs(middle / size - 1) > 0.08:
        return facts | {" noise": "of another form"}
    return facts | {" noise": "as asked" if abs(size / _SIGMA - 1) < 0.06 else f"of standard deviation {size:.2g}"}


def _of_one(noise2noise_loss: Callable, image: Tensor, seed: int) -> str:
    """Return what comes back for a batch of one image."""
    result = noise2noise_loss(_Spy(image.shape[1]), image, Step(0.5, torch.Generator().manual_seed(seed), True))
    loss = next(iter(result.values())) if isinstance(result, dict) and result else result
    if isinstance(loss, Tensor) and loss.shape == (1,):
        return "one number"
    return f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else a(loss)


def _form(result: Any, loss: Any, n: int) -> str:
    if isinstance(result, dict) and len(result) != 1:
        return f"a dict of {len(result)} things"
    where = "a dict of " if isinstance(result, dict) else ""
    if not isinstance(loss, Tensor):
        return "None" if loss is None else f"{where}{a(loss)}"
    what = {(n,): "one number per image", (): "one number for the batch"}.get(tuple(loss.shape), "another shape")
    return where + what if where else f"a bare tensor, {what}"


EXERCISE = Exercise(
    "noise2noise_loss", "6 · Training without clean images", "function", 2, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(24,), probe=probe,
    arguments=("model", "x", "step"), family=family, facts=FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("Which two pictures does the loss compare? Neither of them is clean, and they share no noise.",
           "`corruption.gaussian(x, SIGMA, step.generator)` gives a noisy copy; a second call gives another.",
           "`losses.squared_error(x_hat, target)` gives one number per image; return it in a dict, "
           "`{\"squared error\": ...}`."),
    why="The network cannot foresee the target's noise, which is independent of its input and 0 on average. So the "
        "best answer to the noisy target is the best answer to the clean one, the posterior mean; the loss is larger "
        "by 784 σ², which no network can change.")
