"""Lab 02, exercise 2: the network 784-128-64-32 and back with tied weights.

It is built and run. What it gives is compared with what its own tensors give in the right formula and in wrong ones:
the formula that gives the same values says what the network does.
"""

import collections
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse.check.engine.call import Counter
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.engine.words import a
from aecourse.check.lab02._images import PIXELS
from aecourse.check.lab02._tied import WIDTHS, autoencoder, form
from aecourse.check.lab02._tied import autoencoder as family

DOWN = tuple(pairwise(WIDTHS))  # (784, 128), (128, 64), (64, 32)
UP = tuple((b, a) for a, b in reversed(DOWN))


class _NoSuper(nn.Module):
    """Layers are made before nn.Module is ready."""

    def __init__(self) -> None:
        self.first = nn.Linear(784, 128)

    def encode(self, x: Tensor) -> Tensor:
        return self.first(x)

    decode = forward = encode


MISTAKES = (
    Mistake("own weights", {"weights": "own"},
            "The decoder has weights of its own. Tied weights are those of the encoder, used a second time and "
            "transposed: take `layer.weight.T` in `decode`, where `layer` is a layer of the encoder."),
    Mistake("shared memory", {"weights": "shared"},
            "The decoder's weights are parameters of their own that lie in the memory of the encoder's. They count "
            "twice, and an optimiser changes the same numbers twice at each step. Make no second `nn.Parameter`: take "
            "`layer.weight.T` in `decode`."),
    Mistake("copied", {"weights": "copied"},
            "The decoder uses weights that were made once and are never trained: when those of the encoder change, "
            "they do not. Take `layer.weight.T` in `decode`, at each call."),
    Mistake("cut off", {"weights": "cut"},
            "`decode` cuts the encoder's weights off from the graph (`.data`, `.detach()` or `no_grad`), so they "
            "learn nothing from their use in the decoder."),
    Mistake("no biases in the decoder", {"up_bias": "none"},
            "The decoder has no biases. It takes only the weights from the encoder; each of its layers adds a bias of "
            "its own, 64, 128 and 784 numbers."),
    Mistake("plain biases", {"up_bias": "plain"},
            "The decoder's biases are plain tensors, so no optimiser finds them. `nn.Parameter(...)` makes a tensor "
            "trainable."),
    Mistake("biases in a list", {"up_bias": "list"},
            "The decoder's biases are kept in a plain Python list, where PyTorch does not find them. "
            "`nn.ParameterList([...])` registers them; so does a name of its own for each, `self.NAME = "
            "nn.Parameter(...)`."),
    Mistake("borrowed biases", {"up_bias": "borrowed"},
            "The decoder also uses the encoder's biases of 64 and 128 numbers. Only the weights are tied; each layer "
            "of the decoder has a bias of its own."),
    Mistake("no biases at all", {"bias": False, "up_bias": "none"},
            "There are no biases, neither in the encoder nor in the decoder."),
    Mistake("relu code", {"code_end": torch.relu},
            "There is a ReLU after the encoder's last layer, so the code is never below 0. It kills code units; the "
            "code layer stays linear."),
    Mistake("sigmoid code", {"code_end": torch.sigmoid},
            "The code is squashed to 0 to 1: there is a sigmoid after the encoder's last layer. The code layer stays "
            "linear."),
    Mistake("tanh code", {"code_end": torch.tanh},
            "The code is squashed to −1 to 1: there is a tanh after the encoder's last layer. The code layer stays "
            "linear."),
    Mistake("sigmoid image", {"image_end": torch.sigmoid},
            "The decoder ends in a sigmoid. It is asked for logits: the loss takes the logits and does the sigmoid "
            "itself, in a way that keeps large values."),
    Mistake("relu image", {"image_end": torch.relu},
            "The decoder's output never goes below 0: there is a ReLU after its last layer. Logits take both signs; a "
            "logit that is stuck at 0 means grey 0.5, so no pixel could ever be black."),
    Mistake("tanh image", {"image_end": torch.tanh},
            "The decoder ends in a tanh, so its logits stay between −1 and 1 and no pixel gets darker than 0.27 or "
            "lighter than 0.73. Leave the last layer linear."),
    Mistake("linear", {"between": None},
            "There is no nonlinearity between the layers: three linear layers in a row are one linear layer, and the "
            "whole network is no better than PCA."),
    Mistake("linear decoder", {"unbent": (3, 4)},
            "The decoder has no nonlinearity: three linear layers in a row are one linear layer. Put a ReLU after its "
            "first and its second layer."),
    Mistake("linear encoder", {"unbent": (0, 1)},
            "The encoder has no nonlinearity: three linear layers in a row are one linear layer. Put a ReLU after its "
            "first and its second layer."),
    Mistake("no layer of 64", {"down": (784, 128, 32)}, "The layer of 64 units is missing in both halves."),
    Mistake("code of 64", {"down": (784, 128, 64)},
            "The code has 64 numbers: the last step of the encoder, 64 to 32, is missing."),
    Mistake("gives the code", {"gives": "code"}, "`forward` returns the code: it encodes and forgets to decode."),
    Mistake("gives both", {"gives": "both"},
            "`forward` returns two things. It is asked for the logits alone; the code is what `encode` is for."),
    Mistake("gives pixels", {"gives": "pixels"},
            "`forward` puts a sigmoid on what `decode` gives. It is asked for the logits themselves."),
    Mistake("list", {"kept_in_list": True},
            "The layers and biases are kept in plain Python lists, where PyTorch does not find them: the model has no "
            "parameters and would never train. `nn.ModuleList` and `nn.ParameterList` register them."),
    Mistake("detached", {"frozen": True},
            "The code is cut off from the graph on its way to the decoder (`.detach()`, `.data` or `no_grad`), so the "
            "encoder's layers learn nothing about encoding."),
    Mistake("no super", _NoSuper,
            "`super().__init__()` must be the first line of `__init__`: before it, PyTorch cannot register a layer."),
)

ERRORS = {
    "cannot be multiplied": "A layer gets another width than its weight takes. `F.linear(z, W, bias)` computes z @ W.T "
                            "+ bias, and the weight of `nn.Linear(64, 32)` has the shape (32, 64).",
    "has no attribute": "Is it made in `__init__` (two underscores on each side), under the same name?",
    "same dtype": "The images are float32; some layer is not.",
    "required positional argument": "`TiedAutoencoder()` is built without arguments: the widths are written inside.",
    "as parameter": "A layer's `weight` can only be a Parameter. The decoder needs no layers of its own: "
                    "`F.linear(z, layer.weight.T, bias)` is a layer with the weights of another one.",
}


reference = autoencoder()


def oracle(x: Tensor, seed: int) -> dict[str, Any]:
    return {"code": (9, 32), "inputs": "", "image": (9, PIXELS), "steady": True, "alone": True, "image alone": True,
            "forward": "decode(encode(x))", "one image": "the batch dimension", "encoder": AS_ASKED,
            "encoder bends": "a ReLU", "code end": "nothing", "decoder": AS_ASKED, "decoder weights": TIED,
            "decoder biases": OWN, "decoder bends": "a ReLU", "image end": "nothing", "made": AS_ASKED,
            "parameters": 111_792, "gradient": AS_ASKED}


def draw(generator: torch.Generator, size: int) -> Case:
    seed = int(torch.randint(1_000_000, (), generator=generator))
    light = torch.linspace(0.2, 1.0, size)[:, None]  # the images are of unequal brightness
    return Case((light * torch.rand(size, PIXELS, generator=generator), seed), f"x ({size}, {PIXELS})")


# ---- what is looked at in a network ---------------------------------------------------------------------------------

AS_ASKED, TIED, OWN = "as asked", "the encoder's, transposed", "its own"
ELSE = "something else"

FACTS = {
    "code": "`encode` gives {got} for 9 images; it is asked for {expected}.",
    "image": "`decode` gives {got} for 9 codes; it is asked for {expected}.",
    "made": "Its trainable numbers are not those of exercise 1: {got}.",
    "parameters": "The network has {got:,} trainable numbers, and exercise 1 counts another number.",
    "forward": "`forward(x)` gives {got}; it is asked for {expected}, with nothing between or after.",
    "steady": "`encode` gives something else at each call{got}. An image has one code here.",
    "inputs": "{got} that it is given, so they are other ones after the call. Compute a new tensor: no `-=`, no "
              "function that ends in `_`.",
    "alone": "The code of an image depends on the other images of the batch{got}. Nothing over the batch is asked for "
             "here.",
    "image alone": "The logits that `decode` gives for a code depend on the other codes of the batch{got}. Nothing "
                   "over the batch is asked for here.",
    "one image": "Given one image, shape (1, 784), {got}: the batch dimension must stay.",
    "encoder": "`encode` gives other values than its three layers with a ReLU between them{got}.",
    "encoder bends": "Between the encoder's layers a ReLU is asked for: there is {got}.",
    "code end": "After the encoder's last layer comes {got}: leave the code as that layer gives it.",
    "decoder": "`decode` gives other values than three layers with the encoder's weights, transposed, biases of their "
               "own and a ReLU between them{got}.",
    "decoder weights": "The decoder has {got}. Tied weights are those of the encoder, transposed: take "
                       "`layer.weight.T` in `decode`, where `layer` is a layer of the encoder.",
    "decoder biases": "In the decoder there is {got}. Each of its layers has a bias of its own, 64, 128 and 784 "
                      "numbers.",
    "decoder bends": "Between the decoder's layers a ReLU is asked for: there is {got}.",
    "image end": "After the decoder's last layer comes {got}: leave the logits as that layer gives them.",
    "gradient": "{got}",
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
    with Counter() as coding:
        again = model.encode(x)
    facts["steady"] = torch.equal(again, code) or _chance(coding.names)
    if facts["steady"] is not True:
        return facts
    facts["alone"] = torch.allclose(model.encode(x[:2]), code[:2], atol=1e-4) or _over_the_batch(coding.names)
    before = code.detach().clone()
    with Counter() as decoding:
        logits = model.decode(code)
    if not torch.allclose(code, before, rtol=0, atol=0, equal_nan=True):
        return facts | {"inputs": "`decode` changes the codes"}
    facts["image"] = form(logits)
    if facts["image"] != tuple(x.shape):
        return facts | _made(model)
    far = torch.Generator().manual_seed(seed)
    _change(model, far)
    code = model.encode(x)
    logits = model.decode(code)
    facts["image alone"] = (torch.allclose(model.decode(code[:2]), logits[:2], atol=1e-4)
                            or _over_the_batch(decoding.names))
    output = model(x)
    if not torch.equal(x, given):
        return facts | {"inputs": "`forward` changes the images"}
    facts["forward"] = _what(model, x, output, logits, code)
    far_x = 100 * torch.randn(9, PIXELS, generator=far)
    if facts["forward"] == "decode(encode(x))" and facts["alone"] is facts["image alone"] is True:
        far_code, far_output = model.encode(far_x), model(far_x)
        facts["forward"] = _what(model, far_x, far_output, model.decode(far_code), far_code)
    if facts["alone"] is True and facts["image alone"] is True:  # what needs a batch has been named
        facts["one image"] = _one_image(model, x[:1], code[:1], facts["forward"])
        facts |= _formula(model, x, far_x, far, facts["forward"])
    return facts | _made(model)


NOISE = {"randn", "randn_like", "rand", "rand_like", "normal", "normal_", "uniform_", "bernoulli", "bernoulli_"}


def _chance(names: list[str]) -> str:
    """Return what was seen that may give another value at each call."""
    if "kaiming_uniform_" in names:
        return ": its layers are made anew in each call, so none would ever be trained; make them in `__init__`"
    if "dropout" in names:
        return ": there is dropout in it"
    return ": there is noise in it" if NOISE.intersection(names) else ""


def _over_the_batch(names: list[str]) -> str:
    return ": there is a batch norm" if "batch_norm" in names else ""


# ---- the numbers that training changes ------------------------------------------------------------------------------


def _made(model: nn.Module) -> dict[str, Any]:
    """Return how many numbers training changes, and what is known of a wrong count."""
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    known = _off(model, trained)
    return {"made": known} if known else {"made": AS_ASKED, "parameters": trained}


def _off(model: nn.Module, trained: int) -> str:
    """Return what is off in the parameters that a model has, or nothing."""
    every = list(model.parameters())
    if trained == 111_792:
        return ""
    if sum(p.numel() for p in every) == 111_792:
        return "some parameters are frozen (`requires_grad` is False)"
    loose = [t for t in _tensors(model) if not any(t is p for p in every)]
    if not every:
        kept = any(isinstance(t, nn.Parameter) for t in loose)
        return "the layers and biases are kept in plain lists" if kept else "the model has no parameters of its own"
    places = [p.untyped_storage().data_ptr() for p in every]
    if any(n > 1 for n in collections.Counter(places).values()):
        return "two parameters lie in the same memory"
    have = collections.Counter(_size(p) for p in every)
    want = collections.Counter([*(tuple(sorted(pair)) for pair in DOWN), *((n,) for n in (128, 64, 32, 64, 128, 784))])
    more, less = sorted((have - want).elements()), sorted((want - have).elements())
    of_loose = collections.Counter(_size(t) for t in loose)
    if less and not more and not collections.Counter(less) - of_loose:
        where = "in a plain list" if all(isinstance(t, nn.Parameter) for t in loose) else "outside of `nn.Parameter`"
        return f"{_names(less, 'the')} {'are' if len(less) > 1 else 'is'} kept {where}"
    if more == sorted(tuple(sorted(pair)) for pair in DOWN) and not less:
        return "the model has a second set of weights"
    says = [f"it also has {_names(more, 'a')}"] * bool(more)
    says += [f"it has {_names(less, 'no')}"] * bool(less)
    strange = [m for m in model.modules() if not isinstance(m, nn.Linear) and type(m).__module__.startswith("torch.nn")
               and "Parameter" not in type(m).__name__ and next(m.parameters(recurse=False), None) is not None]
    return f"{a(strange[0])} has some too" if strange and not less else ", and ".join(says) or (
        "some parameters are frozen (`requires_grad` is False)")


def _names(sizes: list[tuple[int, ...]], before: str) -> str:
    """Return weights and biases of these sizes in words."""
    weights = [" × ".join(map(str, size)) for size in dict.fromkeys(sizes) if len(size) > 1]
    biases = [str(size[0]) for size in dict.fromkeys(sizes) if len(size) == 1]
    says = [f"{before} weight of {_listed(weights)}"] * bool(weights)
    says += [f"{before} bias of {_listed(biases)} numbers"] * bool(biases)
    return " and ".join(says) or f"{before} single number"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _size(tensor: Tensor) -> tuple[int, ...]:
    return tuple(sorted(n for n in tensor.shape if n > 1))


def _tensors(thing: Any, seen: set[int] | None = None) -> Iterator[Tensor]:
    """Give all tensors that are kept in a model, its plain lists, tuples and dicts included."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, Tensor):
        yield thing
    inside = (vars(thing).values() if isinstance(thing, nn.Module) else thing.values() if isinstance(thing, dict)
              else thing if isinstance(thing, (list, tuple)) else ())
    for value in list(inside):
        yield from _tensors(value, seen)


# ---- what `forward` gives -------------------------------------------------------------------------------------------


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
    "a ReLU": torch.relu, "a sigmoid": torch.sigmoid, "a tanh": torch.tanh, "a leaky ReLU": F.leaky_relu,
    "a leaky ReLU of slope 0.1": lambda v: F.leaky_relu(v, 0.1),
    "a leaky ReLU of slope 0.2": lambda v: F.leaky_relu(v, 0.2),
    "a GELU": F.gelu, "an ELU": F.elu, "a SiLU": F.silu, "a softplus": F.softplus, "a cut at −1 and 1": F.hardtanh,
    "a cut at 0 and 1": lambda v: v.clamp(0, 1), "a softmax": lambda v: v.softmax(-1), "the absolute value": torch.abs,
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
    return ELSE if output.shape == logits.shape else str(tuple(output.shape))


# ---- which formula the two halves are -------------------------------------------------------------------------------

@torch.no_grad()
def _change(model: nn.Module, generator: torch.Generator) -> None:
    """Change all numbers of a model: biases that are all 0, and copies that are equal, would not be told apart."""
    for tensor in [t for t in _tensors(model) if t.is_floating_point()]:
        noise = torch.randn(tensor.shape, generator=generator) * (0.02 if len(_size(tensor)) > 1 else 0.3)
        try:
            tensor.add_(noise)
        except RuntimeError:  # a view of one number, say
            continue


Layers = tuple[tuple[Tensor, Tensor | None], ...]  # weight (out, in) and bias (out,) of each
Bends = dict[str, tuple[Callable, Callable]]


def _same(x: Tensor) -> Tensor:
    return x


STARTS: dict[str, Callable] = {"nothing": _same, **MAPS}
ENDS: dict[str, Callable] = {"nothing": _same, **MAPS}
BENDS: Bends = {"a ReLU": (torch.relu, torch.relu), "nothing": (_same, _same),
                "nothing after the first layer": (_same, torch.relu),
                "nothing after the second layer": (torch.relu, _same),
                **{name: (bend, bend) for name, bend in MAPS.items() if name != "a ReLU"}}


def _run(x: Tensor, layers: Layers, start: str = "nothing", bends: str = "a ReLU", end: str = "nothing") -> Tensor:
    x = STARTS[start](x)
    for i, (weight, bias) in enumerate(layers):
        x = F.linear(x if i == 0 else BENDS[bends][i - 1](x), weight, bias)
    return ENDS[end](x)


def _equal(value: Tensor, other: Tensor) -> bool:
    size = other.abs().amax(-1, keepdim=True)  # rows are of unequal sizes
    return bool(((value - other).abs() <= 1e-4 * other.abs() + 2e-5 * size).all())


@torch.no_grad()
def _way(value: Tensor, x: Tensor, combinations: list[Layers]) -> tuple[Layers, str, str, str] | None:
    """Return the layers and what stands before, between and after them where that gives these values."""
    for layers in combinations:
        if _equal(value, _run(x, layers)):
            return layers, "nothing", "a ReLU", "nothing"
    for layers in combinations[:8]:
        for bends, end in product(BENDS, ENDS):
            if _equal(value, _run(x, layers, "nothing", bends, end)):
                return layers, "nothing", bends, end
        for start in STARTS:
            if _equal(value, _run(x, layers, start)):
                return layers, start, "a ReLU", "nothing"
    return None


def _formula(model: Any, x: Tensor, far_x: Tensor, generator: torch.Generator, forward: str) -> dict[str, Any]:
    """Return what the two halves compute with the model's tensors, and which gradients reach these."""
    tensors = [t for t in _tensors(model) if t.is_floating_point()]
    images = torch.cat([x, far_x])
    codes = torch.cat([torch.randn(9, 32, generator=generator), 100 * torch.randn(9, 32, generator=generator)])
    code, logits = model.encode(images), model.decode(codes)
    leaves = [t for t in tensors if t.is_leaf and t.requires_grad]
    used = [_reached(value, leaves) for value in (code, logits)]
    facts: dict[str, Any] = {}
    coded = _way(code, images, _encoders(tensors, used[0]))
    facts |= {"encoder": ""} if coded is None else {
        "encoder": _before(coded[1]), "encoder bends": coded[2], "code end": coded[3]}
    layers = coded[0] if coded else next(iter(_encoders(tensors, used[0])), ())
    if not layers and _made(model)["made"] != AS_ASKED:  # other layers: all follows from that
        return {}
    decoded = _way(logits, codes, _decoders(tensors, used[1], layers)) if layers else None
    facts |= {"decoder": ""} if decoded is None else {
        "decoder": _before(decoded[1]), "decoder weights": _weights(decoded[0], layers, leaves),
        "decoder biases": _biases(decoded[0], layers), "decoder bends": decoded[2], "image end": decoded[3]}
    if forward == "decode(encode(x))":
        facts |= _gradient(model, x, leaves, coded, decoded)
    return facts


def _before(start: str) -> str:
    return AS_ASKED if start == "nothing" else f": before the first layer comes {start}"


def _reached(value: Tensor, leaves: list[Tensor]) -> set[int]:
    """Return which leaves a value's gradient reaches."""
    if not value.requires_grad or not leaves:
        return set()
    slopes = torch.autograd.grad(value.sum(), leaves, allow_unused=True)
    return {id(t) for t, slope in zip(leaves, slopes, strict=True) if slope is not None}


def _of(tensors: list[Tensor], used: set[int], *shape: int) -> list[Tensor]:
    """Return the tensors that have this shape, a weight also transposed; those that are used come first."""
    found = []
    for tensor in sorted(tensors, key=lambda t: id(t) not in used):
        t = tensor.squeeze()
        if t.shape in (shape, shape[::-1]):
            found.append(t if t.shape == shape else t.T)
        elif t.dim() == len(shape) == 1:
            found += [part for part in _parts(t) if part.shape == shape]
    return found[:4]


def _parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """Return the biases that one long tensor holds one after the other."""
    every = (128, 64, 32, 64, 128, 784)
    return next((tensor.split(every[i:j]) for i in range(5) for j in range(i + 2, 7)
                 if len(tensor) == sum(every[i:j])), ())


def _encoders(tensors: list[Tensor], used: set[int]) -> list[Layers]:
    """Return the layers that may be the encoder's, the most probable first."""
    weights = [_of(tensors, used, b, a) for a, b in DOWN]
    biases = [[*_of(tensors, used, b), None] for _, b in DOWN]
    return [tuple(zip(w, b, strict=True)) for w, b in product(product(*weights), product(*biases))][:200]


def _decoders(tensors: list[Tensor], used: set[int], layers: Layers) -> list[Layers]:
    """Return the layers that may be the decoder's: the encoder's weights come first, and its biases last."""
    theirs = [layer[0].T for layer in reversed(layers)]
    of_encoder = {t.data_ptr() for layer in layers for t in layer if t is not None}
    weights = [[w, *(t for t in _of(tensors, used, b, a) if t.data_ptr() not in of_encoder)]
               for w, (a, b) in zip(theirs, UP, strict=True)]
    biases = [[*sorted(_of(tensors, used, b), key=lambda t: t.data_ptr() in of_encoder), None] for _, b in UP]
    ways = [tuple(zip(w, b, strict=True)) for w, b in product(product(*weights), product(*biases))]
    return sorted(ways, key=lambda way: not all(b is not None and b.data_ptr() not in of_encoder for _, b in way))[:300]


def _weights(decoder: Layers, encoder: Layers, leaves: list[Tensor]) -> str:
    """Return in words whose weights the decoder uses."""
    theirs = {layer[0].data_ptr() for layer in encoder}
    own = [(i, w) for i, (w, _) in enumerate(decoder) if w.data_ptr() not in theirs]
    if not own:
        return TIED
    trained = {t.data_ptr() for t in leaves}
    what = "weights of its own" if any(w.data_ptr() in trained for _, w in own) else "weights that are never trained"
    return what + ("" if len(own) == 3 else f" in the layer{_layers([i for i, _ in own])}")


def _biases(decoder: Layers, encoder: Layers) -> str:
    """Return in words whose biases the decoder uses."""
    theirs = {layer[1].data_ptr() for layer in encoder if layer[1] is not None}
    none = [i for i, (_, b) in enumerate(decoder) if b is None]
    borrowed = [i for i, (_, b) in enumerate(decoder) if b is not None and b.data_ptr() in theirs]
    says = ["no bias" + ("" if len(none) == 3 else f" in the layer{_layers(none)}")] * bool(none)
    says += [f"the encoder's bias in the layer{_layers(borrowed)}"] * bool(borrowed)
    return ", and ".join(says) or OWN


def _layers(which: list[int]) -> str:
    return "s " * (len(which) > 1) + " " * (len(which) == 1) + _listed(["-".join(map(str, UP[i])) for i in which])


CUT = {
    "code": "The gradient is that of a code which is cut off from the graph on its way to the decoder (`.detach()`, "
            "`.data` or `no_grad`).",
    "weights": "The gradient is that of a decoder whose weights are cut off from the graph (`.data`, `.detach()` or "
               "`no_grad`): they must learn from their use in the decoder too.",
    "both": "Neither through the code nor through the decoder's weights does a gradient reach the encoder "
            "(`.detach()`, `.data` or `no_grad`).",
    "all": "No gradient from the output reaches any parameter: the graph is cut before the end (`.detach()`, `.data` "
           "or `no_grad`).",
    "some": "No gradient from the output reaches some of the parameters.",
    "other": "The gradients are not those of the network that gives these values: a part of it is cut off from the "
             "graph (`.detach()`, `.data` or `no_grad`).",
}


def _gradient(model: Any, x: Tensor, leaves: list[Tensor], coded: Any, decoded: Any) -> dict[str, str]:
    """Return whether the gradients of the output are those of the formula, or of one that is cut somewhere."""
    output = model(x)
    if not leaves:
        return {}
    if not output.requires_grad:
        return {"gradient": CUT["all"]}
    mine = torch.autograd.grad(output.square().mean(), leaves, allow_unused=True)
    if coded is None or decoded is None:
        none = [t for t, slope in zip(leaves, mine, strict=True) if slope is None and t.requires_grad]
        return {"gradient": CUT["some"]} if none else {}

    def slopes(cut_code: bool, cut_weights: bool) -> tuple[Tensor | None, ...]:
        code = _run(x, *coded)
        layers = tuple((w.detach() if cut_weights else w, b) for w, b in decoded[0])
        value = _run(code.detach() if cut_code else code, layers, *decoded[1:])
        return torch.autograd.grad(value.square().mean(), leaves, allow_unused=True)

    with torch.enable_grad():
        for name, cuts in ((AS_ASKED, (False, False)), ("code", (True, False)), ("weights", (False, True)),
                           ("both", (True, True))):
            if all(_near(got, want) for got, want in zip(mine, slopes(*cuts), strict=True)):
                return {"gradient": CUT.get(name, AS_ASKED)}
    return {"gradient": CUT["other"]}


def _near(got: Tensor | None, want: Tensor | None) -> bool:
    if got is None or want is None:
        other = want if got is None else got
        return other is None or not bool(other.any())
    return bool((got - want).abs().max() <= 1e-3 * want.abs().max() + 1e-9)


EXERCISE = Exercise(
    "TiedAutoencoder", "2 · Tied weights", "class", 2, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(9,), probe=probe,
    methods=("encode", "decode", "forward"), family=family, facts=FACTS, errors=ERRORS,
    mistakes=MISTAKES,
    hints=("The encoder is three `nn.Linear`, as in unit 02. Of the decoder only three biases are new: "
           "`nn.Parameter(torch.zeros(64))` and so on, each under a name of its own or in an `nn.ParameterList`.",
           "The weight of `nn.Linear(64, 32)` has the shape (32, 64). `F.linear(z, weight.T, bias)` takes codes "
           "(B, 32) to (B, 64).",
           "`decode` goes backwards through the encoder's layers: `F.linear(z, self.third.weight.T, self.bias_1)`, a "
           "ReLU, the second layer's weight, a ReLU, the first layer's."),
    why="Each weight is used twice and stored once, so its gradient is the sum of both uses; `autograd` adds them. "
        "The biases cannot be tied: those of the decoder have other sizes, 64, 128 and 784.")
