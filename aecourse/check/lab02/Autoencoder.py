"""Lab 02, exercise 2: the network 784-128-64-32 and its mirror. It is built and run, and its facts are plain values."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from aecourse import models
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.engine.words import a
from aecourse.check.lab02._images import PIXELS
from aecourse.check.lab02._mirror import Mirror, form
from aecourse.check.lab02._mirror import autoencoder as family


class _Tied(Mirror):
    """The decoder reuses the encoder's weights."""

    def __init__(self) -> None:
        super().__init__()
        self.bias_up = nn.ParameterList([nn.Parameter(torch.zeros(n)) for n in self.up[1:]])
        del self.decoder

    def decode(self, z: Tensor) -> Tensor:
        weights = [layer.weight for layer in self.encoder if isinstance(layer, nn.Linear)]
        for i, (weight, bias) in enumerate(zip(reversed(weights), self.bias_up, strict=True)):
            z = F.linear(z if i == 0 else torch.relu(z), weight.T, bias)
        return z


class _NoSuper(Mirror):
    """Layers are made before nn.Module is ready."""

    def __init__(self) -> None:
        self.encoder = nn.Sequential(nn.Linear(784, 32))


MISTAKES = (
    Mistake("relu code", {"code_end": torch.nn.ReLU},
            "The code is cut off below 0: there is a ReLU, or one of its kin, after the encoder's last layer. It "
            "kills code units; the code layer stays linear."),
    Mistake("sigmoid code", {"code_end": torch.nn.Sigmoid},
            "The code is squashed to 0 to 1: there is a sigmoid (or a softmax) after the encoder's last layer. The "
            "code layer stays linear."),
    Mistake("tanh code", {"code_end": torch.nn.Tanh},
            "The code is squashed to −1 to 1: there is a tanh after the encoder's last layer. The code layer stays "
            "linear."),
    Mistake("sigmoid image", {"image_end": torch.nn.Sigmoid},
            "The decoder ends in a sigmoid. It is asked for logits: the loss takes the logits and does the sigmoid "
            "itself, in a way that keeps large values."),
    Mistake("relu image", {"image_end": torch.nn.ReLU},
            "The decoder's output never goes below 0: there is a ReLU after its last layer. Logits take both signs; a "
            "logit that is stuck at 0 means grey 0.5, so no pixel could ever be black."),
    Mistake("tanh image", {"image_end": torch.nn.Tanh},
            "The decoder ends in a tanh, so its logits stay between −1 and 1 and no pixel gets darker than 0.27 or "
            "lighter than 0.73. Leave the last layer linear."),
    Mistake("linear", {"between": None},
            "There is no nonlinearity between the layers: three linear layers in a row are one linear layer, and the "
            "whole net is no better than PCA."),
    Mistake("missing bend", {"missing_bend": True},
            "Somewhere two linear layers follow each other with nothing between: together they can do no more than "
            "one."),
    Mistake("decoder like encoder", {"up": (32, 128, 64, 784)},
            "The decoder is no mirror: its layers go 32-128-64-784. Read the encoder backwards."),
    Mistake("shallow decoder", {"up": (32, 784)},
            "The decoder is a single layer from the code to the image. Read the encoder backwards: three layers."),
    Mistake("no layer of 64", {"down": (784, 128, 32), "up": (32, 128, 784)},
            "The layer of 64 units is missing in both halves."),
    Mistake("no biases", {"bias": False}, "The layers have no biases (`bias=False`)."),
    Mistake("code of 64", {"down": (784, 128, 64), "up": (64, 128, 784)},
            "The code has 64 numbers: the last step of the encoder, 64 to 32, is missing."),
    Mistake("gives the code", {"gives": "code"}, "`forward` returns the code: it encodes and forgets to decode."),
    Mistake("gives both", {"gives": "both"},
            "`forward` returns two things. It is asked for the logits alone; who wants the code calls `encode`."),
    Mistake("gives pixels", {"gives": "pixels"},
            "`forward` puts a sigmoid on what `decode` gives. It is asked for the logits themselves."),
    Mistake("list", {"kept_in_list": True},
            "The layers are kept in a plain Python list, where PyTorch does not find them: the model has no "
            "parameters and would never train. `nn.Sequential(...)` or `nn.ModuleList` registers them."),
    Mistake("detached", {"frozen": True},
            "No gradient reaches the encoder: the code is cut off from the graph on its way to the decoder "
            "(`.detach()`, `.data` or `no_grad`)."),
    Mistake("tied", _Tied,
            "The decoder reuses the encoder's weights. That is a good idea with a name, tied weights, and comes in "
            "lesson 08; here the mirror has weights of its own."),
    Mistake("no super", _NoSuper,
            "`super().__init__()` must be the first line of `__init__`: before it, PyTorch cannot register a layer."),
)

ERRORS = {
    "cannot be multiplied": "A layer gets another width than it was built for: what one layer gives, the next must "
                            "take.",
    "has no attribute": "Is it made in `__init__` (two underscores on each side), under the same name?",
    "same dtype": "The images are float32; some layer is not.",
    "required positional argument": "`Autoencoder()` is built without arguments: the widths are written inside.",
}


class _Reference(models.Autoencoder):
    """784-128-64-32 and its mirror; the code and the logits are linear."""

    def __init__(self) -> None:
        super().__init__([784, 128, 64, 32])


reference = _Reference


def oracle(x: Tensor, seed: int) -> dict[str, Any]:
    return {"code": (9, 32), "image": (9, PIXELS), "steady": True, "alone": True, "image alone": True,
            "forward": "decode(encode(x))", "one image": "the batch dimension", "encoder": "bent",
            "decoder": "bent", "code range": "free", "image range": "free", "parameters": 222_384,
            "without gradient": 0}


def draw(generator: torch.Generator, size: int) -> Case:
    seed = int(torch.randint(1_000_000, (), generator=generator))
    return Case((torch.rand(size, PIXELS, generator=generator), seed), f"x ({size}, {PIXELS})")


# ---- what is looked at in a network ---------------------------------------------------------------------------------

FACTS = {
    "code": "`encode` gives {got} for 9 images; it is asked for {expected}.",
    "image": "`decode` gives {got} for 9 codes; it is asked for {expected}.",
    "parameters": "The net has {got} trainable numbers, and exercise 1 counts another number: look at the widths of "
                  "the layers.",
    "forward": "`forward(x)` gives {got}; it is asked for {expected}, with nothing between or after.",
    "steady": "`encode` gives something else at each call: is there noise or dropout in it? None is asked for here.",
    "alone": "The code of an image depends on the other images of the batch: is there a batch norm? None is asked for "
             "here.",
    "image alone": "The logits that `decode` gives for a code depend on the other codes of the batch: is there a "
                   "normalisation over the batch? None is asked for here.",
    "one image": "Given one image, shape (1, 784), {got}: the batch dimension must stay.",
    "encoder": "The encoder is {got}: a nonlinearity between its layers is missing, and without it they can do no "
               "more than one layer.",
    "decoder": "The decoder is {got}: a nonlinearity between its layers is missing, and without it they can do no "
               "more than one layer.",
    "without gradient": "{got} parameters get no gradient from the output: a layer is made and never used, or the "
                        "graph is cut.",
    "code range": "The code is limited ({got}): leave the encoder's last layer linear.",
    "image range": "The logits are limited ({got}): leave the decoder's last layer linear.",
}


def probe(cls: type[nn.Module], case: Case) -> dict[str, Any]:
    """Build the autoencoder and return its facts; raises what the learner's code raises."""
    x, seed = case.args
    torch.manual_seed(seed)
    model: Any = cls()
    code = model.encode(x)
    facts: dict[str, Any] = {"code": form(code)}
    if facts["code"] != (len(x), 32):  # nothing below would make sense
        return facts
    facts["steady"] = torch.equal(model.encode(x), code)
    if not facts["steady"]:
        return facts
    facts["alone"] = torch.allclose(model.encode(x[:2]), code[:2], atol=1e-4)
    logits = model.decode(code)
    facts["parameters"] = _trained_numbers(model)  # now that layers which wait for their input have one
    facts["image"] = form(logits)
    if facts["image"] != tuple(x.shape):
        return facts
    facts["image alone"] = torch.allclose(model.decode(code[:2]), logits[:2], atol=1e-4)
    output = model(x)
    facts["forward"] = _what(output, logits, code)
    if facts["forward"] == "something else":
        facts["forward"] = _how_else(model, x, output)
    if facts["alone"] and facts["image alone"]:  # what needs a batch has been named
        facts["one image"] = _one_image(model, x[:1], code[:1], facts["forward"])
    far = torch.Generator().manual_seed(seed)  # far from 0, so that a function with a straight middle bends too
    facts["encoder"] = _bends(model.encode, 100 * torch.randn(9, PIXELS, generator=far))
    facts["decoder"] = _bends(model.decode, 100 * torch.randn(9, 32, generator=far))
    if facts["forward"] == "decode(encode(x))":
        if output.requires_grad:
            output.square().sum().backward()
        facts["without gradient"] = sum(p.grad is None for p in model.parameters())
    with torch.no_grad():  # large weights drive whatever squashes the end to its limits
        for p in model.parameters():
            p.mul_(30.0)
        facts["code range"] = _range(model.encode(x))
        facts["image range"] = _range(model.decode(torch.randn(200, 32, generator=torch.Generator().manual_seed(seed))))
    return facts


def _trained_numbers(model: nn.Module) -> int:
    """Return how many numbers training changes in the layers; slopes of a PReLU belong to the nonlinearity."""
    slopes = {id(p) for m in model.modules() if isinstance(m, nn.PReLU) for p in m.parameters()}
    return sum(p.numel() for p in model.parameters() if p.requires_grad and id(p) not in slopes)


def _how_else(model: Any, x: Tensor, output: Tensor) -> str:
    """Return in words what is known of an output that is not decode(encode(x))."""
    again, few = model(x), model(x[:2])
    if not torch.allclose(again, output, atol=1e-5):
        return "something else at each call"
    if few.shape == output[:2].shape and not torch.allclose(few, output[:2], atol=1e-4):
        return "something that depends on the other images of the batch"
    return "something else"


def _one_image(model: Any, x: Tensor, code: Tensor, forward: str) -> str:
    """Return which method takes the batch dimension away where there is one image."""
    for name, argument, shape in (("encode", x, (1, 32)), ("decode", code, (1, PIXELS)), ("forward", x, (1, PIXELS))):
        if name == "forward" and forward != "decode(encode(x))":  # that has its own sentence
            break
        try:
            given = form(model(argument) if name == "forward" else getattr(model, name)(argument))
        except Exception as error:  # whatever the learner's code raises
            return f"`{name}` raises {type(error).__name__}"
        if given != shape:
            return f"`{name}` gives {given}"
    return "the batch dimension"


def _what(output: Any, logits: Tensor, code: Tensor) -> str:
    if not isinstance(output, Tensor):
        return a(output)
    for name, value in (("decode(encode(x))", logits), ("the code", code), ("the sigmoid", torch.sigmoid(logits))):
        if output.shape == value.shape and torch.allclose(output, value, atol=1e-5):
            return name
    return "something else"


def _bends(part: Callable[[Tensor], Tensor], x: Tensor) -> str:
    """Return whether there is a nonlinearity between the layers: of the whole part, then from one layer to the next."""
    with _Joins() as joins:
        part(x)
    a, b = x[:4], x[4:8]
    whole = part(a + b) - part(a) - part(b) + part(torch.zeros_like(a))
    if whole.abs().max() <= 1e-5 * max(1.0, float(part(a).abs().max())):
        return "one straight map"
    return "two layers with nothing between" if joins.straight else "bent"


class _Joins(TorchFunctionMode):
    """Counts the linear layers that take the output of another one as it is, with nothing between."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: list[Tensor] = []
        self.straight = 0

    def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if function is F.linear:
            x = args[0]
            self.straight += any(x.shape == y.shape and bool((x == y).all()) for y in self.outputs)
            self.outputs.append(result.detach().clone())  # it may be changed in place
        return result


def _range(values: Tensor) -> str:
    low, high = float(values.min()), float(values.max())
    if low >= -1e-4 and high <= 1 + 1e-4:
        return "0 to 1"
    if low >= -1 - 1e-4 and high <= 1 + 1e-4:
        return "−1 to 1"
    return "free" if low < -0.1 * high else "not negative"


EXERCISE = Exercise(
    "Autoencoder", "2 · The encoder and its mirror", "class", 1, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(9,), probe=probe,
    methods=("encode", "decode", "forward"), family=family, facts=FACTS, errors=ERRORS,
    mistakes=MISTAKES,
    hints=("In `__init__`, after `super().__init__()`, make two `nn.Sequential`s: `self.encoder` and "
           "`self.decoder`.",
           "Three `nn.Linear` in each, an `nn.ReLU()` after the first and the second, nothing after the third.",
           "`encode` returns `self.encoder(x)`, `decode` returns `self.decoder(z)`, and `forward` is one after "
           "the other."),
    why="The code layer is linear because a ReLU there kills units and halves what a code number can say; the "
        "output is linear because the loss takes logits, which stay exact where a sigmoid would round to 0 or 1.")
