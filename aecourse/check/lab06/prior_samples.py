"""Lab 06, exercise 6: images from the prior. The codes that the decoder is given are measured, and what is made of
its logits.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from aecourse.check.engine.chance import form, origin
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab06._noise import kind, repeated, shared

_PIXELS = 12  # of the small decoder that an answer is given

MISTAKES = (
    Mistake("logits", {"out": "logits"},
            "It returns the decoder's logits. They lie on both sides of 0; a sigmoid turns them into probabilities."),
    Mistake("sigmoid twice", {"out": "twice"},
            "The sigmoid is applied twice, so no pixel is darker than ½ and all images are pale."),
    Mistake("binary draws", {"out": "binary"},
            "It draws each pixel as black or white. That is a draw from p(x | z), a legitimate image of the model; "
            "here its probabilities are asked for, without the pixels' own noise."),
    Mistake("threshold", {"out": "threshold"},
            "The probabilities are cut to black and white at ½. Return them as they are: how sure the decoder is would "
            "be lost."),
    Mistake("softmax", {"out": "softmax"},
            "A softmax makes the pixels of an image compete: their probabilities add up to 1. Each pixel is a coin of "
            "its own: a sigmoid."),
    Mistake("clamp", {"out": "clamp"},
            "The logits are cut off at 0 and 1. They are no probabilities: a sigmoid maps them there."),
    Mistake("tanh", {"out": "tanh"}, "tanh gives numbers from −1 to 1. A sigmoid gives probabilities."),
    Mistake("relu", {"out": "relu"}, "ReLU gives no probabilities: they could be far above 1. Take a sigmoid."),
    Mistake("inverted", {"out": "inverted"}, "Black and white are exchanged: this is 1 − p."),
    Mistake("uniform", {"codes": "uniform"},
            "The codes are drawn evenly from 0 to 1, as `torch.rand` does. The prior is the standard normal "
            "distribution: `torch.randn`."),
    Mistake("centred uniform", {"codes": "centred"},
            "The codes are spread evenly over an interval. The prior is the standard normal distribution: "
            "`torch.randn`."),
    Mistake("positive codes", {"codes": "size"},
            "No number of the codes is ever negative (`.abs()`, ReLU, a sigmoid?). The prior has both signs."),
    Mistake("zeros", {"codes": "zeros"},
            "All codes are 0: this is the image at the prior's middle, n times. Draw the codes."),
    Mistake("one code for all", {"own": "image"},
            "All images come from the same code. Draw n codes, shape (n, k)."),
    Mistake("a single image", {"own": "single"},
            "A single code is drawn, so there is a single image. Draw n codes, shape (n, k)."),
    Mistake("one number per code", {"own": "number"},
            "All units of a code are given the same number. Each unit has its own: shape (n, k)."),
    Mistake("too wide", {"times": 2.0},
            "The codes have the standard deviation 2; in the prior it is 1."),
    Mistake("too narrow", {"times": 0.5},
            "The codes have the standard deviation ½. Such codes are often used for prettier pictures, but they are "
            "no draws from the prior: its standard deviation is 1."),
    Mistake("moved", {"shift": 1.0}, "The codes lie around another point than 0, the prior's mean."),
    Mistake("the same at every call", {"chance": "fixed"},
            "It gives the same images at every call, as if a seed were set inside. Draw from `generator`, and leave "
            "its seed alone."),
    Mistake("global state", {"chance": "global"},
            "The codes do not come from the generator that is handed in: give `generator=generator` to `torch.randn`."),
    Mistake("codes too", {"form": "both"}, "It returns two things. The images alone are asked for."),
    Mistake("the codes", {"form": "codes"}, "It returns the codes. Asked for are the images that the decoder draws."),
    Mistake("another dimension", {"form": "square"},
            "There is a dimension too many: (n, 784) is asked for, one flat image in each row."),
    Mistake("mean image", {"form": "mean"},
            "It returns a single image, a mean over all or one of them. Asked for are all of them, (n, 784)."),
    Mistake("no decoder", {"call": "never"}, "The decoder is never called: what are the pictures made of?"),
    Mistake("eval mode", {"mode": "eval"},
            "It switches the decoder to `.eval()` and leaves it there. Whoever trains it on would train it in that "
            "mode: leave the mode as it is."),
    Mistake("nothing", {"form": "nothing"}, "It returns None: is the `return` missing?"),
)
ERRORS = {
    "shapes cannot be multiplied": "Are the codes of the shape (n, k), one row for each image?",
    "size mismatch": "Are the codes of the shape (n, k), one row for each image?",
    "unexpected keyword argument 'generator'": "`torch.randn(n, k, generator=generator)` takes the generator.",
    "has no attribute": "`decoder` is the decoder itself: call it, `decoder(z)`.",
    "invalid combination of arguments": "`torch.randn(n, k, generator=generator)` draws n codes of k numbers.",
}


def reference(decoder: nn.Module, n: int, k: int, generator: torch.Generator) -> Tensor:
    return torch.sigmoid(decoder(torch.randn(n, k, generator=generator)))


def oracle(*case: Any) -> dict[str, str]:
    """Return the facts of a right answer."""
    return {"gives": "as asked", "codes": "one for each image", "chance": "from the generator", "amount": "some",
            "own": "for every unit of every image", "mean": "0", "kind": "normal", "size": "1",
            "output": "the probabilities", "single": "as asked", "decoder": "as it was"}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return how many images, how many units, and two seeds."""
    units = int(torch.randint(4, 9, (), generator=generator))
    seeds = torch.randint(1, 10**6, (2,), generator=generator).tolist()
    return Case((size, units, *seeds), f"n = {size} and k = {units}")


# ---- right and wrong ------------------------------------------------------------------------------------------------


def family(**changes: Any) -> Any:
    """Return images from the prior, with the given changes."""
    return partial(_prior_samples, **changes)


def _prior_samples(decoder: nn.Module, n: int, k: int, generator: torch.Generator, *, codes: str = "normal",
                   own: str = "unit", chance: str = "generator", out: str = "sigmoid", times: float = 1.0,
                   shift: float = 0.0, form: str = "images", call: str = "once", mode: str = "") -> Any:
    source = torch.Generator().manual_seed(0) if chance == "fixed" else None if chance == "global" else generator
    shape = {"unit": (n, k), "image": (1, k), "number": (n, 1), "single": (1, k)}[own]
    z = (torch.rand if codes in ("uniform", "centred") else torch.randn)(shape, generator=source)
    z = {"normal": lambda: z, "uniform": lambda: z, "centred": lambda: 2 * z - 1, "size": lambda: z.abs(),
         "zeros": lambda: 0 * z}[codes]()
    z = z if own == "single" else z.expand(n, k)
    if mode == "eval":
        decoder.eval()
    logits = decoder(times * z + shift) if call == "once" else times * z.new_zeros(n, _PIXELS)
    p = torch.sigmoid(logits)
    y = {"sigmoid": lambda: p, "logits": lambda: logits, "twice": lambda: torch.sigmoid(p),
         "threshold": lambda: (p > 0.5).float(), "binary": lambda: (torch.rand(p.shape, generator=source) < p).float(),
         "softmax": lambda: logits.softmax(1), "clamp": lambda: logits.clamp(0, 1), "tanh": lambda: logits.tanh(),
         "inverted": lambda: 1 - p, "relu": lambda: logits.relu()}[out]()
    return {"images": lambda: y, "both": lambda: (y, z), "square": lambda: y[:, None], "codes": lambda: z,
            "mean": lambda: y.mean(0), "nothing": lambda: None}[form]()


# ---- what is measured -----------------------------------------------------------------------------------------------


FACTS = {
    "gives": "It returns {got}; a float32 tensor of the shape (n, 784) is asked for.",
    "codes": "The decoder is given {got}; n codes of k numbers are asked for.",
    "amount": "Chance in the codes: {got}.",
    "chance": "What is drawn is {got}: it has to be fresh at every call, and to come from `generator` alone.",
    "own": "The numbers of the codes are {got}; each is meant to be a draw of its own.",
    "mean": "On average the codes lie {got}; the prior's mean is 0.",
    "kind": "The codes are {got}; the prior is normal, `torch.randn`.",
    "size": "The codes have the standard deviation {got}; the prior's is 1.",
    "output": "What comes back is {got}; the sigmoid of the decoder's logits is asked for.",
    "single": "For n = 1 it gives {got}: is there a `.squeeze()`, or a statistic over the images?",
    "decoder": "It leaves the decoder {got}; drawing from it changes nothing in it.",
}


class _Spy(nn.Module):
    """A small decoder that keeps the codes that it is given and the logits that it answers."""

    def __init__(self, units: int, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.5 * torch.randn(units, _PIXELS, generator=generator))
        self.bias = nn.Parameter(torch.linspace(-1.5, 1.0, _PIXELS))
        self.given: list[Tensor] = []
        self.answers: list[Tensor] = []

    def forward(self, z: Tensor) -> Tensor:
        logits = z @ self.weight + self.bias
        self.given.append(z.detach().clone().reshape(-1, z.shape[-1]))
        self.answers.append(logits.detach().clone().reshape(-1, _PIXELS))
        return logits


def probe(prior_samples: Callable, case: Case) -> dict[str, Any]:
    """Let it draw many images with a decoder that keeps its codes; return what came of it."""
    n, k, seed, weights = case.args
    spy = _Spy(k, torch.Generator().manual_seed(weights))
    before = [p.detach().clone() for p in spy.parameters()]
    images = prior_samples(spy, n, k, torch.Generator().manual_seed(seed))
    facts: dict[str, Any] = {"gives": form(images, torch.empty(n, _PIXELS))}
    given = torch.cat(spy.given) if spy.given else torch.empty(0, k)
    facts["codes"] = {0: "none: the decoder is never called", n: "one for each image"}.get(
        len(given), "another number than n of them")
    if spy.given and given.shape[1] != k:
        return facts | {"codes": f"{'n' if given.shape[1] == n else given.shape[1]} numbers each, where k are asked "
                                 "for"}
    if len(given) == 1 and n > 1:
        facts["codes"] = "a single one for all images"
    if any(not torch.equal(a, b) for a, b in zip(before, spy.parameters(), strict=True)):
        facts["decoder"] = "with other weights"
    elif not spy.training:
        facts["decoder"] = "in another mode"
    if facts["codes"] == "one for each image":
        facts |= _codes(given.double())
    if isinstance(images, Tensor) and facts["gives"] == "as asked":
        facts["chance"] = origin(lambda g: prior_samples(
            _Spy(k, torch.Generator().manual_seed(weights)), 20, k, g).detach(), seed)
        facts["single"] = _single(prior_samples, k, seed) if facts["codes"] == "one for each image" else "as asked"
        answers = torch.cat(spy.answers) if spy.answers else torch.empty(0, _PIXELS)
        if len(answers) == n:
            facts["output"] = _output(images.detach().double(), answers.double())
    return facts


def _single(prior_samples: Callable, k: int, seed: int) -> str:
    """Return what comes of a single image."""
    spy = _Spy(k, torch.Generator().manual_seed(seed))
    image = prior_samples(spy, 1, k, torch.Generator().manual_seed(seed))
    if not isinstance(image, Tensor) or image.shape != (1, _PIXELS):
        return "another shape than (1, 784)"
    if not bool(torch.isfinite(image).all()):
        return "NaN or inf"
    return "as asked"


def _codes(z: Tensor) -> dict[str, Any]:
    if float(z.abs().max()) < 1e-6:
        return {"amount": "none: all codes are 0"}
    if float(z.std()) < 1e-6:
        return {"amount": "none: all numbers are equal"}
    length = z.norm(dim=1)
    if float(length.std()) < 1e-3 * float(length.mean()) and float(z.std(0).max()) > 1e-6:
        return {"own": "tied to each other, so that all codes have the same length"}
    own = shared(z)
    if own == "for every unit of every image" and repeated(z):
        return {"own": "shared by several images"}
    return {"own": own} | (kind(z.flatten()) if own == "for every unit of every image" else {})


def _output(images: Tensor, logits: Tensor) -> str:
    p = torch.sigmoid(logits)
    for name, value in {
            "the probabilities": lambda: p, "the logits": lambda: logits, "through two sigmoids": lambda:
            torch.sigmoid(p), "black or white, at a threshold": lambda: (p > 0.5).double(), "a softmax over the "
            "pixels": lambda: logits.softmax(1), "the logits, cut off at 0 and 1": lambda: logits.clamp(0, 1),
            "the logits through tanh": lambda: torch.tanh(logits), "exchanged, 1 − p": lambda: 1 - p, "a softmax over "
            "the images": lambda: logits.softmax(0), "the logits through ReLU": lambda: logits.relu(),
            "the logarithms of the probabilities": lambda: p.log(), "255 times the probabilities": lambda: 255 * p,
            "the logits, stretched to 0 to 1": lambda: (logits - logits.min()) / (logits.max() - logits.min()),
    }.items():
        if torch.allclose(images, value(), rtol=1e-4, atol=1e-6):
            return name
    if bool(((images == 0) | (images == 1)).all()):
        return "black or white, drawn pixel by pixel" if float((images - p).mean(0).abs().max()) < 0.1 else (
            "black or white")
    if bool((images >= 0).all()) and bool((images <= 1).all()):
        return "other numbers between 0 and 1"
    return "other numbers"


EXERCISE = Exercise(
    "prior_samples", "6 · New digits from the prior", "function", 2, 7,
    reference=reference, oracle=oracle, draw=draw, sizes=(2000,), probe=probe,
    arguments=("decoder", "n", "k", "generator"), family=family, facts=FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("First the codes: `torch.randn(n, k, generator=generator)`, one row for each image.",
           "The decoder makes logits of them. Which function turns logits into probabilities?"),
    why="Training pulled the codes of all images towards N(0, I), so that is where to draw from. The encoder has "
        "no part in it: the model is the prior and the decoder.")
