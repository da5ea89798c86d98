"""Lab 06, exercise 2: a sample of each image's code, through which gradients pass; what is measured of it decides.

How the random numbers are drawn is free, so no code can be foreseen. There are so many that every measured number is
certain enough to be called by a name.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.chance import called, form, origin
from aecourse.check.engine.drawing import signed
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab06._noise import kind, repeated, shared
from aecourse.models import sample_code as reference

MISTAKES = (
    Mistake("variance as sigma", {"scale": "σ²"},
            "The noise is scaled by exp(logvar). That is the variance σ²; the standard deviation σ is its root, "
            "`(logvar / 2).exp()`."),
    Mistake("logvar as sigma", {"scale": "logvar"},
            "The noise is scaled by `logvar` itself, which may even be negative. σ is `(logvar / 2).exp()`."),
    Mistake("root of logvar", {"scale": "root"},
            "It gives NaN where `logvar` is below 0: there is a root of `logvar`. First comes `exp`: σ is "
            "`(logvar / 2).exp()`."),
    Mistake("no sigma", {"scale": "1, whatever σ is"},
            "The noise has the standard deviation 1 for every unit: σ is missing."),
    Mistake("one over sigma", {"scale": "1/σ"}, "The noise is divided by σ; it is multiplied by it."),
    Mistake("fourth root of the variance", {"scale": "√σ"},
            "There is a root too many: `exp(logvar / 2)` is σ already."),
    Mistake("variance squared", {"scale": "σ⁴"}, "`exp(logvar)` is squared. It is the variance; σ is its root."),
    Mistake("softplus", {"scale": "softplus of logvar"},
            "σ is taken as softplus of `logvar`. Other code does it so; here `logvar` is log σ², so σ is "
            "`(logvar / 2).exp()`."),
    Mistake("twice", {"times": 2.0}, "The noise is twice as large as it should be."),
    Mistake("half", {"times": 0.5}, "The noise is half as large as it should be."),
    Mistake("no mean", {"base": "none"}, "The mean `mu` is missing: all codes lie around 0."),
    Mistake("minus mean", {"base": "minus"}, "The mean enters with the wrong sign."),
    Mistake("twice the mean", {"base": "twice"}, "The mean enters twice."),
    Mistake("exchanged", {"swapped": True}, "`mu` and `logvar` are exchanged: the first argument is the mean."),
    Mistake("noise on both", {"join": "both"},
            "The noise multiplies `mu` as well: only σ is multiplied by it. Are there parentheses too many?"),
    Mistake("sigma on both", {"join": "sigma"},
            "σ multiplies `mu` as well: only the noise is multiplied by it. Are there parentheses too many?"),
    Mistake("other roles", {"join": "roles"},
            "The noise multiplies `mu`, and σ is added. It is the other way round: noise times σ, plus `mu`."),
    Mistake("no noise", {"draw": "none"},
            "It returns the mean as it is, without noise. Then the KL term has a σ to widen that nobody feels."),
    Mistake("rand", {"draw": "uniform"},
            "The noise is drawn evenly from 0 to 1, as `torch.rand` does. A Gaussian draw is `torch.randn`."),
    Mistake("centred rand", {"draw": "centred"},
            "The noise is spread evenly over an interval, as `torch.rand` draws it. A Gaussian draw is `torch.randn`."),
    Mistake("size only", {"draw": "size"}, "The noise only ever adds: its sign is lost (`.abs()`?)."),
    Mistake("one draw for the batch", {"own": "batch"},
            "All images of the batch get the same noise. Every image needs its own: draw with the shape of `mu`."),
    Mistake("one number per image", {"own": "image"},
            "All units of an image get the same noise number. Every unit needs its own: draw with the shape of `mu`."),
    Mistake("one number", {"own": "one"},
            "One single noise number serves all units of all images. Draw with the shape of `mu`."),
    Mistake("the same at every call", {"chance": "fixed"},
            "It gives the same noise at every call, as if a seed were set inside. Draw from `generator`, and leave its "
            "seed alone: it goes on by itself from call to call."),
    Mistake("global state", {"chance": "global"},
            "The noise does not come from the generator that is handed in, so a run cannot be repeated: give "
            "`generator=generator` to `torch.randn`. (`.rsample()` takes none.)"),
    Mistake("not reparameterised", {"cut": "both"},
            "The codes look right, but no gradient reaches `mu` and `logvar`, so the encoder would not learn. "
            "`torch.normal` and `.sample()` are dead ends, and so are `.detach()` and `no_grad`: write the code as a "
            "sum and product of `mu`, σ and noise that comes from outside."),
    Mistake("mu cut", {"cut": "mu"},
            "No gradient reaches `mu`, so the encoder's means would not learn from the reconstruction."),
    Mistake("logvar cut", {"cut": "logvar"},
            "No gradient reaches `logvar`: σ would never learn from the reconstruction. Is it `.detach()`ed, or made "
            "in `no_grad`?"),
    Mistake("noise too", {"form": "both"}, "It returns two things. The code alone is asked for."),
    Mistake("mean over images", {"form": "mean"},
            "It returns a single code, a mean over the images or that of one of them. Each image has its own, shape "
            "(B, K)."),
    Mistake("another dimension", {"form": "column"},
            "The codes have a dimension too many: (B, K) is asked for, as `mu` has it."),
    Mistake("in place", {"in_place": True},
            "It changes `mu` or `logvar` in place, and the KL term would see other numbers. Make a new tensor."),
    Mistake("nothing", {"form": "nothing"}, "It returns None: is the `return` missing?"),
)
ERRORS = {
    "unexpected keyword argument 'generator'": "`torch.randn(mu.shape, generator=generator)` takes the generator.",
    "invalid combination of arguments": "`torch.randn(mu.shape, generator=generator)` draws with the shape of `mu`.",
    "leaf Variable": "Make a new tensor; do not change `mu` or `logvar` in place.",
    "to satisfy the constraint": "A standard deviation is positive: σ is `(logvar / 2).exp()`.",
    "call numpy()": "`.numpy()` leaves torch, and gradients with it. Stay in torch.",
}


def oracle(*case: Any) -> dict[str, str]:
    """Return the facts of a right answer."""
    return {"gives": "as asked", "finite": "everywhere", "input": "untouched", "chance": "from the generator",
            "base": "mu", "amount": "some", "single": "as asked", "own": "for every unit of every image",
            "depends": "σ", "mean": "0", "kind": "normal", "size": "1", "far": "as large as σ",
            "to mu": "flows", "to logvar": "flows"}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return means and logarithms of variances for many images, none near 0."""
    mu = signed(0.3, 2.0, size, 8, generator=generator)
    logvar = signed(0.2, 2.2, size, 8, generator=generator)
    return Case((mu, logvar, int(torch.randint(1, 10**6, (), generator=generator))), f"{size} images and 8 units")


# ---- right and wrong ------------------------------------------------------------------------------------------------


_SCALES = {"σ": lambda v: (v / 2).exp(), "σ²": torch.exp, "1, whatever σ is": torch.ones_like, "σ⁴": lambda v:
           (2 * v).exp(), "1/σ": lambda v: (-v / 2).exp(), "1/σ²": lambda v: (-v).exp(), "logvar itself": torch.abs,
           "√σ": lambda v: (v / 4).exp(), "logvar²": torch.square, "softplus of logvar": F.softplus,
           "sigmoid of logvar": torch.sigmoid, "½ logvar": lambda v: v.abs() / 2, "1 + logvar": lambda v: (1 + v).abs(),
           "σ + 1": lambda v: 1 + (v / 2).exp()}


def family(**changes: Any) -> Any:
    """Return a draw of one code for each image, with the given changes."""
    return partial(_sample_code, **changes)


def _sample_code(mu: Tensor, logvar: Tensor, generator: torch.Generator, *, base: str = "mu", scale: str = "σ",
                 draw: str = "normal", own: str = "unit", chance: str = "generator", cut: str = "",
                 times: float = 1.0, form: str = "codes", in_place: bool = False, swapped: bool = False,
                 join: str = "") -> Any:
    if swapped:
        mu, logvar = logvar, mu
    source = torch.Generator().manual_seed(0) if chance == "fixed" else None if chance == "global" else generator
    shape = {"unit": mu.shape, "batch": mu.shape[1:], "image": (len(mu), 1), "one": ()}[own]
    eps = (torch.rand if draw in ("uniform", "centred") else torch.randn)(shape, generator=source)
    eps = {"normal": lambda: eps, "uniform": lambda: eps, "centred": lambda: eps - 0.5, "size": lambda: eps.abs(),
           "none": lambda: 0 * eps}[draw]()
    keep = {"": (mu, logvar), "both": (mu.detach(), logvar.detach()), "mu": (mu.detach(), logvar),
            "logvar": (mu, logvar.detach())}[cut]
    sigma = {"logvar": lambda: keep[1], "root": lambda: keep[1].sqrt()}.get(scale, lambda: _SCALES[scale](keep[1]))()
    start = {"mu": keep[0], "none": torch.zeros_like(mu), "minus": -keep[0], "twice": 2 * keep[0]}[base]
    z = {"": lambda: start + times * sigma * eps, "both": lambda: (start + times * sigma) * eps,
         "sigma": lambda: sigma * (start + times * eps), "roles": lambda: start * eps + times * sigma}[join]()
    if in_place:
        mu.data.copy_(z.detach())
    return {"codes": lambda: z, "both": lambda: (z, eps), "mean": lambda: z.mean(0), "column": lambda:
            z[:, None], "nothing": lambda: None}[form]()


# ---- what is measured -----------------------------------------------------------------------------------------------


_SIGMA = "every code is `mu` and σ, added or subtracted"
FACTS = {
    "gives": "It returns {got}; a float32 tensor with the shape of `mu` is asked for.",
    "finite": "Its codes are {got} finite: is there a root or a logarithm of a negative number?",
    "input": "It changes `mu` or `logvar` in place. Make a new tensor.",
    "chance": "The noise is {got}: it has to be fresh at every call, and to come from `generator` alone.",
    "base": "With the noise averaged out, {got} is left; it should be `mu`.",
    "amount": "There is no noise in it: {got}.",
    "single": "For one image and a code of 32 units it gives {got}, not a code of the shape (1, 32): is there a "
              "`.squeeze()`, a statistic of the batch, or a fixed number of units?",
    "own": "The noise is {got}; every unit of every image needs its own.",
    "depends": "The size of the noise goes with {got}. The noise should be σ, `(logvar / 2).exp()`, times a draw of "
               "`torch.randn`.",
    "mean": "On average the noise is {got}: the codes should lie around `mu`.",
    "kind": "The noise is {got}; it should be normal, `torch.randn`.",
    "size": "The noise is {got} times as large as σ; it should be as large as σ.",
    "far": "The noise is as large as σ where `logvar` lies between −2 and 2, and it is not at `logvar` = {got}: take "
           "`logvar` and σ without a bound, and without a number added to them.",
    "to mu": "The gradient to `mu` {got}. Write the code as `mu` plus σ times noise, on the tensors as they come.",
    "to logvar": "The gradient to `logvar` {got}. Write σ as a function of `logvar`, on the tensor as it comes.",
}


def probe(sample_code: Callable, case: Case) -> dict[str, Any]:
    """Draw codes of many images; return what came of it, and whether gradients reach mu and logvar."""
    mu, logvar, seed = case.args
    mine = [t.clone().requires_grad_() for t in (mu, logvar)]
    z = sample_code(*mine, torch.Generator().manual_seed(seed))
    facts: dict[str, Any] = {"gives": form(z, mu)}
    if not isinstance(z, Tensor) or z.shape != mu.shape or not z.is_floating_point():
        return facts
    facts["input"] = "untouched" if torch.equal(mine[0], mu) and torch.equal(mine[1], logvar) else "changed"
    facts["finite"] = "everywhere" if bool(torch.isfinite(z).all()) else (
        "not where logvar is below 0" if bool(torch.isfinite(z[logvar > 0]).all()) else "not everywhere")
    if facts["finite"] != "everywhere":
        return facts
    facts["chance"] = origin(lambda g: sample_code(mu[:20].clone(), logvar[:20].clone(), g).detach(), seed)
    wide = [t[:4].reshape(1, 32) for t in (mu, logvar)]  # of more units than the codes above
    one = sample_code(*wide, torch.Generator().manual_seed(seed))
    facts["single"] = "as asked" if one.shape == (1, 32) and bool(torch.isfinite(one).all()) else "something else"
    slopes: Sequence[Tensor | None] = (None, None)
    if z.requires_grad:
        slopes = torch.autograd.grad(z.double().sum(), mine, allow_unused=True)
    facts |= _measured(z.detach().double(), mu.double(), logvar.double())
    if facts.get("amount") == _SIGMA:
        del facts["chance"]  # what is not drawn has no source
    if facts.get("size") == "1" and facts["base"] == "mu" and facts["depends"] == "σ":
        facts["far"] = _far(sample_code, mu[:1000], seed)
    return facts | {
        f"to {name}": "flows" if s is not None and bool(torch.isfinite(s).all()) and float(s.abs().max()) > 1e-6
        else "is not finite" if s is not None and not bool(torch.isfinite(s).all()) else "is cut"
        for name, s in zip(("mu", "logvar"), slopes, strict=True)}


def _far(sample_code: Callable, mu: Tensor, seed: int) -> str:
    """Return at which extreme values of logvar the noise is not as large as σ."""
    off = []
    for value in (-12, 6):
        logvar = torch.full_like(mu, float(value))
        z = sample_code(mu.clone(), logvar.clone(), torch.Generator().manual_seed(seed + 2)).detach()
        size = float((z.double() - mu.double()).square().mean().sqrt()) / math.exp(value / 2)
        if not 0.85 < size < 1.15:
            off.append(f"{value}".replace("-", "−"))
    return " and ".join(off) or "as large as σ"


def _measured(z: Tensor, mu: Tensor, logvar: Tensor) -> dict[str, Any]:
    """Return what the codes are made of: how much of mu, and how noise of which form depends on logvar."""
    ends = z.flatten().sort().values
    away, centred = z.clamp(ends[len(ends) // 200], ends[-len(ends) // 200]), mu - mu.mean(0)  # no few far ones decide
    slope = float((away * centred).mean() / centred.square().mean())
    facts: dict[str, Any] = {"base": called("{:.2g} times mu", slope, {"mu": 1.0, "nothing of mu": 0.0, "-mu": -1.0,
                                                                     "2 mu": 2.0}, 0.12)}
    scaled = _SCALES["σ"](logvar) * mu
    if facts["base"] != "mu" and abs(float((away * scaled).mean() / scaled.square().mean()) - 1) < 0.08:
        return {"base": "σ times mu"}
    if facts["base"] == "nothing of mu":
        spread = logvar - logvar.mean(0)
        other = float((away * spread).mean() / spread.square().mean())
        if abs(other) > 0.25:
            return {"base": "logvar" if abs(other - 1) < 0.12 else "a function of logvar"}
    noise = z - round(slope) * mu
    if float(noise.abs().max()) < 1e-5:
        return facts | {"amount": "nothing is added to the mean"}
    plain = noise / _SCALES["σ"](logvar)
    if float((plain.abs() - 1).abs().max()) < 1e-4 and bool((plain.sign() == plain[0, 0].sign()).all()):
        return facts | {"amount": _SIGMA}
    facts["own"] = shared(noise, logvar)
    if facts["own"] == "shared by units of an image" and repeated(noise / _SCALES["σ"](logvar)):
        facts["own"] = "shared by several images"
    if facts["base"] not in ("mu", "nothing of mu"):
        return facts
    if facts["own"] != "for every unit of every image":
        return facts  # so few numbers are drawn that the rest would not be certain
    facts["depends"] = next((name for name, scale in _SCALES.items() if _steady(noise, scale(logvar), logvar)),
                            "something else")
    if facts["depends"] == "something else":
        return facts
    plain = noise / _SCALES[facts["depends"]](logvar)
    return facts | ({"own": "shared by several images"} if repeated(plain) else kind(plain.flatten()))


def _steady(noise: Tensor, scale: Tensor, logvar: Tensor) -> bool:
    """Return whether the noise, divided by this scale, is of the same size wherever logvar is."""
    size = noise.abs().clamp(min=1e-9).log() - scale.clamp(min=1e-9).log()
    means = []
    for low in (-2.2, -1.5, -0.85, 0.2, 0.85, 1.5):  # in six bins
        inside = (logvar >= low) & (logvar < low + 0.7)
        means.append(float(size[inside].mean()))
    return max(means) - min(means) < 0.16


EXERCISE = Exercise(
    "sample_code", "2 · A code that gradients pass through", "function", 1, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(2000,), probe=probe, arguments=("mu", "logvar", "generator"),
    family=family, facts=FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("`torch.randn(mu.shape, generator=generator)` draws a number of its own for every unit of every image, "
           "with mean 0 and standard deviation 1.",
           "σ is the root of the variance: `(logvar / 2).exp()`.",
           "Times σ the noise has the right spread, plus μ the right place: two operations through which gradients "
           "pass."),
    why="The chance comes from outside and needs no gradient. What is left is a smooth function of μ and σ, so the "
        "decoder can tell the encoder, image by image, where its code should have been and how sure it may be.")
