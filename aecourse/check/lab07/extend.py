"""Exercise 3: from the pre-trained encoder to a classifier. Every fact is a plain value."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.engine.words import a
from aecourse.models import mlp

PIXELS, HIDDEN = 14, 9


def _softmax() -> nn.Module:
    return nn.Softmax(dim=1)


MISTAKES = (
    Mistake("fresh encoder", {"body": "fresh"},
            "The encoder's weights are new ones: all that pre-training found is thrown away. Use the encoder that is "
            "handed in."),
    Mistake("reset", {"body": "in place"},
            "The encoder that is handed in gets new weights (`reset_parameters`, `nn.init`, `apply`), so pre-training "
            "is lost. Leave its weights as they are."),
    Mistake("biases alone", {"body": "biases"},
            "Of the encoder only the biases are carried over; its weights are new ones. Use the encoder itself, or "
            "load its whole `state_dict`."),
    Mistake("last layer cut off", {"body": "cut"},
            "The encoder's last layer is left out, so the head stands on its hidden layer. The head takes the code."),
    Mistake("frozen", {"frozen": True},
            "The encoder is frozen (`requires_grad_(False)`): only the head would learn. Fine-tuning trains both."),
    Mistake("detached", {"cut": "detach"},
            "No gradient reaches the encoder: `.detach()` or `no_grad` stands between it and the head. Fine-tuning "
            "trains both."),
    Mistake("softmax", {"end": "softmax"},
            "It ends in a softmax. `F.cross_entropy`, and the course's `categorical_nll`, take logits and do the "
            "softmax themselves; twice is too much, and training hardly moves."),
    Mistake("log-softmax", {"end": "log"},
            "It ends in a log-softmax. Logits are asked for, the plain output of the linear layer."),
    Mistake("sigmoid", {"end": "sigmoid"},
            "It ends in a sigmoid. A digit is one of several classes: logits are asked for, and the loss does the "
            "softmax."),
    Mistake("ReLU at the end", {"end": "relu"},
            "It ends in a ReLU. Logits take both signs; a class whose logit is cut off at 0 gets no gradient."),
    Mistake("ReLU between", {"between": nn.ReLU},
            "There is a ReLU between code and head. The code is linear, and negative numbers in it say as much as "
            "positive ones."),
    Mistake("tanh between", {"between": nn.Tanh},
            "There is a tanh between code and head, and it flattens large codes. The head is one linear layer on the "
            "code itself."),
    Mistake("sigmoid between", {"between": nn.Sigmoid},
            "There is a sigmoid between code and head. The head is one linear layer on the code itself."),
    Mistake("softmax between", {"between": _softmax},
            "There is a softmax between code and head. A code is no list of probabilities: the head is one linear "
            "layer on the code itself."),
    Mistake("dropout", {"between": nn.Dropout},
            "There is dropout between code and head, so the same image gives other logits at each call. One linear "
            "layer is asked for."),
    Mistake("hidden layer", {"hidden": True},
            "The head has a hidden layer. One linear layer is asked for, so that a gain comes from the encoder."),
    Mistake("no bias", {"bias": False}, "The head has no bias (`bias=False`): classes may differ in frequency."),
    Mistake("always ten", {"width": "ten"},
            "The head has always 10 outputs: its width is `classes`, whatever that is."),
    Mistake("one output", {"width": "one"}, "The head has one output. It needs one logit for each class."),
    Mistake("head alone", {"body": "none"},
            "The first layer does not fit the images: this is the head alone, or the head stands before the encoder. "
            "The network takes images, so it begins with the encoder."),
    Mistake("function", {"cut": "function"},
            "It returns a plain function. `fit` needs a network whose parameters it can find: "
            "`nn.Sequential(encoder, ...)`."),
    Mistake("in a list", {"cut": "list"},
            "The head's weights are not among the network's parameters: it is kept in a Python list, say, or made anew "
            "at each call, so they would never be trained. Give the head a name of its own: `self.head = ...`."),
    Mistake("both in a list", {"cut": "both in a list"},
            "The network has no parameters: encoder and head are kept in a Python list or dictionary, say, which "
            "`nn.Module` does not look into. Give each a name of its own, `self.encoder = ...`, or use "
            "`nn.Sequential`, so that `fit` finds their weights."),
    Mistake("encoder in a list", {"cut": "encoder in a list"},
            "The encoder's weights are not among the network's parameters: it is kept in a Python list, say. Give it a "
            "name of its own, `self.encoder = ...`, so that `fit` finds its weights."),
    Mistake("classes", {"cut": "classes"},
            "It returns the most probable class. A class has no gradient: return the logits."),
    Mistake("two things", {"cut": "both"}, "It returns code and logits together. The logits alone are asked for."),
    Mistake("the code", {"cut": "code"}, "It returns the code: the head is never used."),
)
ERRORS = {
    "cannot be multiplied": "The widths do not fit: the head takes `code` numbers, and the network takes images.",
    "not subscriptable": "An encoder is a network: call it, or put it into `nn.Sequential(encoder, ...)`.",
    "is not a Module subclass": "`nn.Sequential` takes networks alone: `nn.Linear(...)`, not a function or a tensor.",
    "in_features": "`nn.Linear` takes two widths: what comes in, `code`, and what goes out, `classes`.",
}


# ---- the right answer, and fresh inputs -----------------------------------------------------------------------------


def reference(encoder: nn.Module, code: int, classes: int) -> nn.Module:
    """Return the encoder with one linear layer behind it."""
    return nn.Sequential(encoder, nn.Linear(code, classes))


def oracle(code: int, classes: int, seed: int) -> dict[str, Any]:
    """Return the facts of the right answer."""
    return {"gives": "a network", "encoder": "as it was", "output": (60, classes), "one": (1, classes),
            "form": "logits", "steady": "yes", "alone": True, "of": "a linear map of the pre-trained code",
            "parameters": PIXELS * HIDDEN + HIDDEN + HIDDEN * code + code + code * classes + classes,
            "head": "its weights and its bias", "weights": "all", "frozen": "nothing", "trained": "all"}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return the sizes of a code and of the classes, which differ from 10 and from each other."""
    code, classes = (4, 3) if size == 1 else (5, 7)
    return Case((code, classes, int(torch.randint(1_000_000, (), generator=generator))),
                f"an encoder of {PIXELS} pixels to a code of {code} numbers, code = {code}, classes = {classes}")


# ---- wrong answers --------------------------------------------------------------------------------------------------


ENCODER_HIDDEN, HEAD_HIDDEN = ("encoder in a list", "both in a list"), ("list", "both in a list")


class _Head(nn.Module):
    """What a learner's own class may do with an encoder."""

    def __init__(self, encoder: nn.Module, head: nn.Module, cut: str) -> None:
        super().__init__()
        self.cut = cut
        self.encoder: Any = [encoder] if cut in ENCODER_HIDDEN else encoder
        self.head: Any = [head] if cut in HEAD_HIDDEN else head

    def forward(self, x: Tensor) -> Any:
        z = self.encoder[0](x) if self.cut in ENCODER_HIDDEN else self.encoder(x)
        z = z.detach() if self.cut == "detach" else z
        y = self.head[0](z) if self.cut in HEAD_HIDDEN else self.head(z)
        return {"classes": lambda: y.argmax(1), "both": lambda: (z, y), "code": lambda: z}.get(self.cut, lambda: y)()


_ENDS: dict[str, Callable[[], nn.Module]] = {
    "softmax": _softmax, "log": partial(nn.LogSoftmax, dim=1), "sigmoid": nn.Sigmoid, "relu": nn.ReLU}


def family(**changes: Any) -> Any:
    """Return a function that extends an encoder, with the given changes."""
    return partial(_extend, **changes)


def _extend(encoder: nn.Sequential, code: int, classes: int, *, body: str = "kept", frozen: bool = False,
            between: Any = None, end: str = "", bias: bool = True, width: str = "classes", hidden: bool = False,
            cut: str = "") -> Any:
    if body in ("fresh", "in place", "biases"):
        old = [p.detach().clone() for p in encoder.parameters()]
        encoder = encoder if body == "in place" else copy.deepcopy(encoder)
        for layer in encoder:
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
        if body == "biases":
            with torch.no_grad():
                for p, value in zip(encoder.parameters(), old, strict=True):
                    if p.dim() == 1:
                        p.copy_(value)
    if body == "cut":
        encoder = nn.Sequential(*list(encoder)[:-1])
    if frozen:
        encoder.requires_grad_(False)
    n_out = {"classes": classes, "ten": 10, "one": 1}[width]
    head: nn.Module = nn.Linear(HIDDEN if body == "cut" else code, n_out, bias=bias)
    if hidden:
        head = nn.Sequential(nn.Linear(code, code), nn.ReLU(), head)
    layers = [head] if between is None else [between(), head]
    head = nn.Sequential(*layers, *([_ENDS[end]()] if end else []))
    if cut == "function":
        return lambda x: head(encoder(x))
    if body == "none":
        return head
    return _Head(encoder, head, cut)


# ---- what a tutor looks at ------------------------------------------------------------------------------------------

FACTS = {
    "gives": "It returns {got}; a network, an `nn.Module`, is asked for.",
    "encoder": "The weights of the encoder that is handed in have changed.",
    "output": "The network gives {got} for 60 images; logits of the shape {expected} are asked for.",
    "form": "The network gives {got}; logits are asked for, numbers of either sign with nothing after the last layer.",
    "steady": "Called twice on the same images it gives two results{got}.",
    "alone": "The same image gives other logits in another batch: they depend on the images beside it. An image's "
             "logits are made from its own code alone, so no normalisation over the batch stands in the network.",
    "of": "Its output is {got}; it should be {expected}, and nothing else.",
    "one": "For a single image the network gives the shape {got}; {expected} is asked for.",
    "parameters": "It has {got} parameters; the encoder and one linear layer with a bias have {expected}.",
    "head": "Its output is a linear map of the code, and not that of its own weights and bias: {got}. One linear layer "
            "is asked for, with nothing before it and nothing after it.",
    "weights": "Of the pre-trained encoder's weights the network holds {got}; it should hold all.",
    "frozen": "Some of its parameters are frozen.",
    "trained": "A training step would move {got}; fine-tuning moves all parameters.",
}


def probe(extend: Callable, case: Case) -> dict[str, Any]:
    """Extend an encoder, run it on random images and look at what comes out and at the gradients."""
    code, classes, seed = case.args
    right = oracle(*case.args)
    torch.manual_seed(seed)
    encoder, x = mlp([PIXELS, HIDDEN, code]), torch.rand(60, PIXELS) * 4 - 2
    last: Any = encoder[-1]
    with torch.no_grad():  # a wide code of both signs, so that a ReLU shows, on it or on the logits
        last.weight.mul_(3 / encoder(x).std(0)[:, None])
        last.bias -= encoder(x).mean(0)
    before = copy.deepcopy(encoder)
    model = extend(encoder, code, classes)
    if not isinstance(model, nn.Module):
        return {"gives": "None" if model is None else "a function" if callable(model) else a(model)}
    seen: dict[str, Any] = {"gives": "a network"}
    same = all(torch.equal(a, b) for a, b in zip(encoder.parameters(), before.parameters(), strict=False))
    seen["encoder"] = "as it was" if same else "changed"
    y = model.train()(x)  # as `fit` runs it
    seen["output"] = tuple(y.shape) if isinstance(y, Tensor) else a(y)
    if seen["output"] != (len(x), classes) or not y.is_floating_point():
        return seen if seen["output"] != (len(x), classes) else seen | {"form": "whole numbers"}
    with torch.no_grad():
        one = model.eval()(x[:1])  # a normalisation over the batch takes no single image in training
        seen["one"] = tuple(one.shape) if isinstance(one, Tensor) else a(one)
        model.train()
        seen["steady"] = "yes" if torch.equal(model(x), model(x)) else _unsteady(model, x)
        seen["form"] = form = _form(y)
        logits = {"probabilities": lambda v: v.log(), "numbers from 0 to 1": torch.logit}.get(form, lambda v: v)(y)
        if seen["steady"] == "yes":
            first, second = model(x[:30])[20:], model(x[20:])[:10]
            seen["alone"] = torch.allclose(first, second, rtol=1e-4, atol=1e-4 * float(y.abs().max()))
            seen["of"] = _source(logits - logits[:, :1], x, before(x))
    seen["parameters"] = sum(p.numel() for p in model.parameters())
    kept = [any(torch.equal(old, p) for p in model.parameters()) for old in before.parameters()]
    seen["weights"] = ("all" if all(kept) else "none" if not any(kept) else "the biases alone"
                       if kept == [p.dim() == 1 for p in before.parameters()] else "a part")
    inside = _inside(model, encoder)
    if form == "logits" and seen.get("of") == right["of"] and seen["alone"] and (
            seen["parameters"] == right["parameters"]):
        seen["head"] = _head(model, inside, y.detach(), before(x).detach())
    seen["frozen"] = "nothing" if all(p.requires_grad for p in model.parameters()) else "something"
    seen["trained"] = _trained(model, inside, y)
    return seen


def _form(y: Tensor) -> str:
    y = y.detach().double()
    if bool((y >= 0).all()) and torch.allclose(y.sum(1), torch.ones(len(y)).double(), atol=1e-4):
        return "probabilities"
    if torch.allclose(y.exp().sum(1), torch.ones(len(y)).double(), atol=1e-4):
        return "logarithms of probabilities"
    if bool((y > 0).all()) and bool((y < 1).all()):
        return "numbers from 0 to 1"
    return "numbers that are never negative" if bool((y >= 0).all()) and bool(y.any()) else "logits"


def _source(y: Tensor, x: Tensor, z: Tensor) -> str:
    """Return of what the output is a linear map: that is solved for, and has to fit exactly."""
    kinds = {"the pre-trained code": z, "the code through a ReLU": z.relu(), "the code through a tanh": z.tanh(),
             "the code through a sigmoid": z.sigmoid(), "the code through a softmax": z.softmax(1), "the images": x}
    for name, source in kinds.items():
        table = torch.cat([source, torch.ones(len(source), 1)], 1).double()
        fitted = table @ torch.linalg.lstsq(table, y.double(), driver="gelsd").solution
        if y.abs().max() > 1e-6 and bool(((fitted - y).abs() < 1e-4 * y.abs().max()).all()):
            return f"a linear map of {name}"
    if y.abs().max() <= 1e-6:  # a head that begins at 0 is as good
        return "a linear map of the pre-trained code"
    return "no linear map of the code, nor of the images"


def _unsteady(model: nn.Module, x: Tensor) -> str:
    """Return whether the network gives two results in training alone, as dropout does; it is left in training."""
    model.eval()
    same = torch.equal(model(x), model(x))
    model.train()
    return ", in training and not in evaluation" if same else ", in training and in evaluation"


def _head(model: nn.Module, inside: list[nn.Parameter], y: Tensor, z: Tensor) -> str:
    """Return whether the output is the code times the head's weights, plus its bias, or what stands between them."""
    right = "its weights and its bias"
    body = {id(p) for p in inside}
    new = [p.detach() for p in model.parameters() if id(p) not in body]
    code, classes = z.shape[1], y.shape[1]
    weights = [p.T if p.shape == (classes, code) else p for p in new if p.shape in ((classes, code), (code, classes))]
    biases = [p.flatten() for p in new if p.numel() == classes]
    if len(weights) != 1 or len(biases) != 1:
        return right  # written in a way of its own
    plain, bias, near = z @ weights[0], biases[0], 1e-4 * float(y.abs().max()) + 1e-6
    if bool(((plain + bias - y).abs() < near).all()):
        return right
    centred, seen = plain - plain.mean(0), y - y.mean(0)
    factor = float((centred * seen).sum() / (centred * centred).sum().clamp(min=1e-12))
    if bool(((factor * plain + bias - y).abs() < near).all()):
        return f"the code is multiplied by {factor:.3g}"
    if bool(((factor * (plain + bias) - y).abs() < near).all()):
        return f"the logits are multiplied by {factor:.3g}"
    return "something stands between or behind them"


def _inside(model: nn.Module, encoder: nn.Module) -> list[nn.Parameter]:
    """Return the model's parameters that belong to the encoder: its own, or those of a copy."""
    own = [p for p in encoder.parameters()]
    return [p for p in model.parameters() if any(p is o or (p.shape == o.shape and torch.equal(p, o)) for o in own)]


def _trained(model: nn.Module, inside: list[nn.Parameter], y: Tensor) -> str:
    """Return which part of the model a training step would move."""
    if not y.requires_grad:
        return "nothing"
    for p in model.parameters():
        p.grad = None
    y.square().sum().backward()
    body = {id(p) for p in inside}
    in_encoder = [p.grad is not None for p in model.parameters() if id(p) in body]
    in_head = [p.grad is not None for p in model.parameters() if id(p) not in body]
    if all(in_encoder + in_head):
        return "all"
    if all(in_head) and not any(in_encoder):
        return "the head alone"
    return "the encoder alone" if in_encoder and all(in_encoder) and not any(in_head) else "a part"


EXERCISE = Exercise(
    "extend", "3 · From encoder to classifier", "function", 2, 6,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2), probe=probe, arguments=("encoder", "code", "classes"),
    family=family, facts=FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("`nn.Sequential(first, second)` is a network that runs one after the other, and knows the parameters "
           "of both.",
           "The second is one linear layer, from the code's `code` numbers to `classes` logits. Nothing follows "
           "it."),
    why="The encoder brings what it learned from all images; the head starts from nothing and has few weights, so "
        "few labels may do for it. Both are trained on, since what reconstructs an image is not yet what tells a 4 "
        "from a 9.")
