"""Lab 02, exercise 2: the network 784-128-64-32 and its mirror. It is built and run, and its facts are plain values."""

import collections
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import models
from aecourse.check.engine.call import Counter
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
            "There is a ReLU after the encoder's last layer, so the code is never below 0. It kills code units; the "
            "code layer stays linear."),
    Mistake("sigmoid code", {"code_end": torch.nn.Sigmoid},
            "The code is squashed to 0 to 1: there is a sigmoid after the encoder's last layer. The code layer stays "
            "linear."),
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
    return {"code": (9, 32), "inputs": "", "image": (9, PIXELS), "steady": True, "alone": True, "image alone": True,
            "forward": "decode(encode(x))", "one image": "the batch dimension", "encoder": "bent",
            "decoder": "bent", "input": "as it is", "code read": "as it is", "code end": "linear",
            "image end": "linear", "layers": "six", "parameters": 222_384, "without gradient": "none"}


def draw(generator: torch.Generator, size: int) -> Case:
    seed = int(torch.randint(1_000_000, (), generator=generator))
    light = torch.linspace(0.2, 1.0, size)[:, None]  # the images are of unequal brightness
    return Case((light * torch.rand(size, PIXELS, generator=generator), seed), f"x ({size}, {PIXELS})")


# ---- what is looked at in a network ---------------------------------------------------------------------------------

FACTS = {
    "code": "`encode` gives {got} for 9 images; it is asked for {expected}.",
    "image": "`decode` gives {got} for 9 codes; it is asked for {expected}.",
    "layers": "Its trainable numbers are not those of exercise 1: {got}.",
    "parameters": "The net has {got} trainable numbers, and exercise 1 counts another number.",
    "forward": "`forward(x)` gives {got}; it is asked for {expected}, with nothing between or after.",
    "steady": "`encode` gives something else at each call{got}. An image has one code here.",
    "inputs": "{got} that it is given, so they are other ones after the call. Compute a new tensor: no `-=`, no "
              "function that ends in `_`.",
    "alone": "The code of an image depends on the other images of the batch{got}. Nothing over the batch is asked for "
             "here.",
    "image alone": "The logits that `decode` gives for a code depend on the other codes of the batch{got}. Nothing "
                   "over the batch is asked for here.",
    "one image": "Given one image, shape (1, 784), {got}: the batch dimension must stay.",
    "encoder": "In the encoder {got}: a nonlinearity is missing, and without it they can do no more than one layer.",
    "decoder": "In the decoder {got}: a nonlinearity is missing, and without it they can do no more than one layer.",
    "input": "The encoder's first layer does not get the images: before it comes {got}.",
    "code read": "The decoder's first layer does not get the code: before it comes {got}. The code stays linear.",
    "without gradient": "No gradient from the output reaches {got}.",
    "code end": "After the encoder's last layer comes {got}: leave the code as that layer gives it.",
    "image end": "After the decoder's last layer comes {got}: leave the logits as that layer gives them.",
}


def probe(cls: type[nn.Module], case: Case) -> dict[str, Any]:
    """Build the autoencoder and return its facts; raises what the learner's code raises."""
    given, seed = case.args
    x = given.clone()  # the answer may change it
    torch.manual_seed(seed)
    model: Any = cls()
    code = model.encode(x)
    facts: dict[str, Any] = {"code": form(code)}
    if facts["code"] != (len(x), 32):  # nothing below would make sense
        return facts
    facts["inputs"] = "" if torch.equal(x, given) else "`encode` changes the images"
    if facts["inputs"]:  # the rest would follow from that
        return facts
    with _Watch(len(x)) as coding:
        again = model.encode(x)
    facts["steady"] = torch.equal(again, code) or coding.chance()
    if facts["steady"] is not True:
        return facts
    facts["alone"] = torch.allclose(model.encode(x[:2]), code[:2], atol=1e-4) or coding.over_the_batch()
    before = code.detach().clone()
    with _Watch(len(x)) as decoding:
        logits = model.decode(code)
    if not torch.allclose(code, before, rtol=0, atol=0, equal_nan=True):
        return facts | {"inputs": "`decode` changes the codes"}
    facts |= _numbers(model)  # now that layers which wait for their input have one
    facts["image"] = form(logits)
    if facts["image"] != tuple(x.shape):
        return facts
    facts["image alone"] = torch.allclose(model.decode(code[:2]), logits[:2], atol=1e-4) or decoding.over_the_batch()
    output = model(x)
    if not torch.equal(x, given):
        return facts | {"inputs": "`forward` changes the images"}
    facts["forward"] = _what(model, x, output, logits, code)
    far = torch.Generator().manual_seed(seed)  # far from 0, so that a function with a straight middle bends too
    far_x, far_z = 100 * torch.randn(9, PIXELS, generator=far), 100 * torch.randn(9, 32, generator=far)
    if facts["forward"] == "decode(encode(x))" and facts["alone"] is facts["image alone"] is True:
        far_code, far_output = model.encode(far_x), model(far_x)
        facts["forward"] = _what(model, far_x, far_output, model.decode(far_code), far_code)
    if facts["alone"] is True and facts["image alone"] is True:  # what needs a batch has been named
        facts["one image"] = _one_image(model, x[:1], code[:1], facts["forward"])
    facts["encoder"], facts["code end"] = _inside(model.encode, far_x)
    facts["decoder"], facts["image end"] = _inside(model.decode, far_z)
    facts["input"], facts["code read"] = _before(model.encode, x / 2), _before(model.decode, far_z)
    if facts["forward"] == "decode(encode(x))":
        if output.requires_grad:
            output.square().sum().backward()
        facts["without gradient"] = _not_reached(model, coding.parameters, decoding.parameters)
    with torch.no_grad():  # large weights drive whatever squashes the end to its limits
        for p in model.parameters():
            p.mul_(30.0)
        wide = torch.randn(200, 32, generator=torch.Generator().manual_seed(seed))
        for name, end, part, fed in (("encoder", "code end", model.encode, x),
                                     ("decoder", "image end", model.decode, wide)):
            bends, then = _inside(part, fed)
            facts[name] = "bent" if bends == "bent" else facts[name]
            facts[end] = then if facts[end] == "linear" else facts[end]
            if facts[end] == "not seen":  # products of another kind: what comes out is seen alone
                facts[end] = _range(part(fed))
    return facts


def _numbers(model: nn.Module) -> dict[str, Any]:
    """Return how many numbers training changes, and what is known of a wrong count."""
    slopes = {id(p) for m in model.modules() if isinstance(m, nn.PReLU) for p in m.parameters()}
    every = [p for p in model.parameters() if id(p) not in slopes]  # slopes belong to the nonlinearity
    trained = sum(p.numel() for p in every if p.requires_grad)
    known = "six" if trained == 222_384 else _made_of(model, sum(p.numel() for p in every))
    return {"layers": known} if known not in ("six", "") else {"layers": "six", "parameters": trained}


def _made_of(model: nn.Module, numbers: int) -> str:
    """Return what is off in the layers that a model has, or nothing."""
    if numbers == 222_384:
        return "some parameters are frozen (`requires_grad` is False)"
    if numbers == 0:
        kept = any(isinstance(value, (list, tuple, dict)) and any(isinstance(m, nn.Module) for m in (
            value.values() if isinstance(value, dict) else value)) for value in vars(model).values()
            if value is not model._modules)
        return "the layers are kept in a plain list" if kept else "the model has no parameters of its own"
    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    others = [m for m in model.modules() if next(m.parameters(recurse=False), None) is not None]
    strange = [m for m in others if not isinstance(m, (nn.Linear, nn.PReLU))]
    if strange or not layers:
        known = [m for m in strange if type(m).__module__.startswith("torch") and "Parameter" not in type(m).__name__]
        return f"{a(known[0])} has some too" if known and len(layers) >= 6 else ""
    have = collections.Counter((m.in_features, m.out_features) for m in layers)
    want = collections.Counter(((784, 128), (128, 64), (64, 32), (32, 64), (64, 128), (128, 784)))
    more, less = sorted((have - want).elements()), sorted((want - have).elements())
    if more or less:
        return f"there is {'a' if more else 'no'} layer " + " and ".join(
            f"{n_in}-{n_out}" for n_in, n_out in dict.fromkeys(more or less))
    bare = [m for m in layers if m.bias is None]
    return f"the layer {bare[0].in_features}-{bare[0].out_features} has no bias" if len(bare) == 1 else (
        f"{len(bare)} layers have no biases" if bare else "")


def _not_reached(model: nn.Module, by_encoder: set[int], by_decoder: set[int]) -> str:
    """Return in words which parameters the output gives no gradient to."""
    trained = {id(p) for p in model.parameters() if p.requires_grad}
    bare = {id(p) for p in model.parameters() if p.requires_grad and p.grad is None}
    if not bare:
        return "none"
    if bare == trained:
        return "any parameter: the graph is cut before the end (`.detach()`, `.data` or `no_grad`)"
    if not bare & (by_encoder | by_decoder):
        return "the layers that are made and never used"
    return "the encoder" if bare == trained & by_encoder - by_decoder else "some of the layers that are used"


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


MAPS: dict[str, Callable[[Tensor], Tensor]] = {
    "a ReLU": torch.relu, "a sigmoid": torch.sigmoid, "a tanh": torch.tanh, "a softmax": lambda v: v.softmax(-1),
    "a leaky ReLU": F.leaky_relu, "an ELU": F.elu, "a GELU": F.gelu, "a SiLU": F.silu, "a softplus": F.softplus,
    "a cut at −1 and 1": F.hardtanh, "the absolute value": torch.abs,
    "a normalisation to length 1": lambda v: F.normalize(v, dim=-1),
    "a layer norm": lambda v: F.layer_norm(v, v.shape[-1:]), "a factor of ½": lambda v: v / 2}


def _what(model: Any, x: Tensor, output: Any, logits: Tensor, code: Tensor) -> str:
    """Return in words what `forward` gives."""
    if not isinstance(output, Tensor):
        return a(output)

    atol = 1e-5 * max(1.0, float(output.detach().abs().max()))

    def near(value: Tensor) -> bool:
        return output.shape == value.shape and torch.allclose(output, value, rtol=1e-4, atol=atol)

    for name, value in (("decode(encode(x))", logits), ("the code", code), ("the sigmoid", torch.sigmoid(logits)),
                        ("the logits plus x", logits + x)):
        if near(value):
            return name
    again, few = model(x), model(x[:2])
    if not near(again):
        return "something else at each call"
    if few.shape == output[:2].shape and not torch.allclose(few, output[:2], rtol=1e-3, atol=10 * atol):
        return "something that depends on the other images of the batch"
    for name, bend in MAPS.items():
        if near(bend(logits)):
            return f"the logits after {name}"
        if near(model.decode(bend(code))):
            return f"what `decode` makes of the code after {name}"
    return "something else"


# ---- what happens between the layers --------------------------------------------------------------------------------

PRODUCTS = {"linear", "matmul", "__matmul__", "__rmatmul__", "mm", "addmm", "einsum", "conv1d"}
NOISE = {"randn", "randn_like", "rand", "rand_like", "normal", "normal_", "uniform_", "bernoulli", "bernoulli_"}


class _Watch(Counter):
    """Notes each product of n rows with a weight, what went in and what came out, and which parameters were used."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n
        self.products: list[tuple[Tensor, Tensor]] = []
        self.parameters: set[int] = set()

    def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name = getattr(function, "__name__", "")
        given = [t for arg in (*args, *(kwargs or {}).values())
                 for t in (arg if isinstance(arg, (list, tuple)) else [arg]) if isinstance(t, Tensor)]
        self.parameters |= {id(t) for t in given if isinstance(t, nn.Parameter)}
        rows = [r for t in given if (r := self._rows(t)) is not None] if name in PRODUCTS else []
        result = super().__torch_function__(function, types, args, kwargs)
        if rows and isinstance(result, Tensor) and (out := self._rows(result)) is not None:
            self.products.append((rows[0], out))
        return result

    def _rows(self, tensor: Tensor) -> Tensor | None:
        if tensor.dim() > 1 and tensor.shape[0] != self.n and tensor.shape[-1] == self.n:
            tensor = tensor.movedim(-1, 0)
        if isinstance(tensor, nn.Parameter) or tensor.dim() < 2 or tensor.shape[0] != self.n:
            return None
        return tensor.detach().clone().flatten(1)

    def chance(self) -> str:
        """Return what was seen that may give another value at each call."""
        if "kaiming_uniform_" in self.names:
            return ": its layers are made anew in each call, so none would ever be trained; make them in `__init__`"
        if "dropout" in self.names:
            return ": there is dropout in it"
        return ": there is noise in it" if NOISE.intersection(self.names) else ""

    def over_the_batch(self) -> str:
        return ": there is a batch norm" if "batch_norm" in self.names else ""


def _inside(part: Callable[[Tensor], Tensor], x: Tensor) -> tuple[str, str]:
    """Return whether there is a nonlinearity between the layers, and what stands after the last one."""
    with _Watch(len(x)) as watch, torch.no_grad():
        result = part(x)
    straight = any(_line(out, into) for (_, out), (into, _) in pairwise(watch.products))
    first, second = x[:4], x[4:8]
    with torch.no_grad():
        whole = part(first + second) - part(first) - part(second) + part(torch.zeros_like(first))
    flat = whole.abs().max() <= 1e-5 * max(1.0, float(result.abs().max()))
    bends = ("the layers together are one straight map" if flat
             else "two layers follow each other with nothing between" if straight else "bent")
    if not watch.products or watch.products[-1][1].shape != result.shape:
        return bends, "not seen"
    last = watch.products[-1][1]
    return bends, "linear" if _line(last, result) else next(
        (name for name, bend in MAPS.items() if torch.allclose(bend(last), result, rtol=1e-4, atol=1e-5)),
        "something more")


def _before(part: Callable[[Tensor], Tensor], x: Tensor) -> str:
    """Return what stands before the first layer, where it is no straight map of the input."""
    first, second = x[:4], x[4:8]
    rows = torch.cat([first + second, first, second, torch.zeros_like(first)])
    with _Watch(len(rows)) as watch, torch.no_grad():
        part(rows)
    if not watch.products or watch.products[0][0].shape != rows.shape:
        return "as it is"  # or not seen
    into = watch.products[0][0]
    both, one, other, none = into.split(len(first))
    if not into.isnan().any() and (both - one - other + none).abs().max() <= 2e-3 * float(into.std()):
        return "as it is"
    return next((name for name, bend in MAPS.items() if torch.allclose(bend(rows), into, rtol=1e-4, atol=1e-5)),
                "something that is no straight map")


def _line(x: Tensor, y: Tensor) -> bool:
    """Return whether each column of y is a straight line in the same column of x."""
    if x.shape != y.shape:
        return False
    x, y = x.double(), y.double()
    dx, dy = x - x.mean(0), y - y.mean(0)
    slope = (dx * dy).sum(0) / dx.square().sum(0).clamp_min(1e-12)
    return bool((dy - slope * dx).abs().max() <= 2e-3 * float(y.std()))


def _range(values: Tensor) -> str:
    low, high = float(values.min()), float(values.max())
    if low >= -1e-4 and high <= 1 + 1e-4:
        return "something that squashes to 0 to 1"
    if low >= -1 - 1e-4 and high <= 1 + 1e-4:
        return "something that squashes to −1 to 1"
    return "linear" if low < -0.1 * high else "something that cuts off at 0"


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
