"""Lab 06: what a tutor sees in wrong values that no known mistake explains."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.exercise import Case

Parts = tuple[Tensor, ...]


def _near(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=2e-3, atol=1e-3)


def _usual(cases: list[Case], got: list[Parts]) -> list[tuple[tuple, Tensor]]:
    """Return the arguments and the values of the inputs that are not extreme."""
    return [(tuple(a.double() if isinstance(a, Tensor) else a for a in case.args), g[0].double())
            for case, g in zip(cases, got, strict=True) if not case.only]


def _mixed(columns: list[dict[str, Tensor]], values: list[Tensor]) -> str:
    """Write the values as a sum of the right terms with other factors, and name the terms that are off."""
    names, wanted = list(columns[0]), torch.cat(values)
    table = torch.cat([torch.stack(list(c.values()), 1) for c in columns])
    if len(wanted) < len(names) + 3 or not bool(torch.isfinite(wanted).all()):
        return ""
    factors = torch.linalg.lstsq(table, wanted[:, None]).solution[:, 0]
    if bool(((table @ factors - wanted).abs() > 1e-3 * (1 + wanted.abs())).any()):
        return ""
    off = [(name, float(f)) for name, f in zip(names, factors, strict=True) if abs(float(f) - 1) > 0.01]
    if not off or (len({round(f, 2) for _, f in off}) == 1 and len(off) == len(names)):
        return ""  # one factor for all: the engine says it
    says = [f"The term {name} " + ("is missing." if abs(f) < 0.01 else "has the wrong sign." if abs(f + 1) < 0.01 else
                                   f"enters {f:.3g} times what it should.") for name, f in off]
    right = [name for name in names if name not in dict(off)]
    return " ".join(says) + (f" The rest is right: {', '.join(right)}." if right else "")


def _added(got: list[Parts], want: list[Parts]) -> str:
    """Say whether one number is added to all images of a batch."""
    apart = [g[0].double() - w[0].double() for g, w in zip(got, want, strict=True)]
    if any(float((d - d[0]).abs().max()) > 1e-3 for d in apart):
        return ""
    if max(abs(float(d[0] - apart[0][0])) for d in apart) < 1e-3:
        return f"Everywhere your value is {abs(float(apart[0][0])):.3g} too {'large' if apart[0][0] > 0 else 'small'}."
    return "The same number is added to all images of a batch: does an image's value depend on the other images?"


def kl_term(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the four terms is off."""
    pairs = _usual(cases, got)
    columns = [{"½ Σ mu²": mu.square().sum(1) / 2, "½ Σ exp(logvar)": logvar.exp().sum(1) / 2,
                "−½ Σ logvar": -logvar.sum(1) / 2, "−½ K": torch.full((len(mu),), -mu.shape[1] / 2,
                                                                       dtype=torch.float64)}
               for (mu, logvar), _ in pairs]
    if says := _mixed(columns, [g for _, g in pairs]):
        return says
    if says := _added(got, want):
        return says
    if any(bool((g < -1e-4).any()) for _, g in pairs):
        return "It is negative for some images, and a KL divergence never is: look at the signs, and at the −1."
    return ""


def log_likelihood(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the two terms is off, or that the values cannot be logarithms of probabilities."""
    pairs = _usual(cases, got)
    columns = [{"of the white pixels, Σ x log p": (x * F.logsigmoid(a)).sum(1),
                "of the black pixels, Σ (1 − x) log(1 − p)": ((1 - x) * F.logsigmoid(-a)).sum(1)}
               for (a, x), _ in pairs]
    if says := _mixed(columns, [g for _, g in pairs]):
        return says
    if any(bool((g > 1e-4).any()) for _, g in pairs):
        return ("It is above 0 for some images. Binary pixels have probabilities, not densities, and the logarithm of "
                "a probability is never above 0.")
    return ""


def elbo(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the terms is off."""
    pairs = _usual(cases, got)
    columns, finer = [], []
    for (a, x, mu, logvar), _ in pairs:
        likelihood = (x * a - F.softplus(a)).sum(1)
        squares, spread, log = (-v.sum(1) / 2 for v in (mu.square(), logvar.exp(), -logvar))
        constant = torch.full((len(x),), mu.shape[1] / 2, dtype=torch.float64)
        columns.append({"log p(x | z)": likelihood, "−KL": squares + spread + log + constant})
        finer.append({"log p(x | z)": likelihood, "−½ Σ mu²": squares, "−½ Σ exp(logvar)": spread,
                      "½ Σ logvar": log, "½ K": constant})
    values = [g for _, g in pairs]
    return _mixed(columns, values) or _mixed(finer, values) or _added(got, want)


def importance_bound(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say between which of the bounds the values lie, or which constant is added."""
    pairs = _usual(cases, got)
    apart = [g - a.logsumexp(0) + math.log(len(a)) for (a,), g in pairs]
    if all(_near(d, d[:1].expand_as(d)) for d in apart) and any(len(d) > 1 for d in apart):
        text = ", ".join(f"{float(d[0]):.3g} for k = {len(a)}" for ((a,), _), d in zip(pairs, apart, strict=True))
        return f"A number that does not depend on the weights is added: {text}. What is divided by, and where?"
    if all(bool((g <= a.mean(0) + 1e-4).all()) for (a,), g in pairs):
        return ("It is never above the mean of the logarithms, which is the ELBO. The logarithm of the mean is never "
                "below it: that is Jensen's inequality.")
    if any(bool((g > a.amax(0) + 1e-4).any()) for (a,), g in pairs):
        return ("It is above the largest log weight for some images, and a mean is never above the largest: is a sum "
                "not divided by k, or are weights of several images added?")
    return ""


def beta(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which products of the three sizes the values are, and at which words they differ."""
    off = []
    for case, g, w in zip(cases, got, want, strict=True):
        *sizes, fit, kl = case.args
        off.append((fit, kl, _powers(float(g[0]), float(w[0]), sizes)))
    for place, name in ((0, "reconstruction"), (1, "KL")):
        words = {o[place] for o in off}
        if len(words) == 1 and len(off) > 1:
            return f"It is wrong wherever the {name} is reduced by \"{words.pop()}\", and right elsewhere." + _said(off)
    return _said(off).strip()


def _powers(got: float, want: float, sizes: list[int]) -> str:
    """Return as which product of powers of the sizes the value is off, or nothing."""
    if got == 0 or want == 0 or not math.isfinite(got) or got * want < 0:
        return ""
    for d in range(-2, 3):
        for k in range(-2, 3):
            for b in range(-2, 3):
                factor = sizes[0] ** d * sizes[1] ** k * sizes[2] ** b
                if (d or k or b) and abs(got / want / factor - 1) < 1e-3:
                    return " · ".join(f"{name}{'' if p == 1 else {2: '²', -1: '⁻¹', -2: '⁻²'}[p]}" for name, p in
                                      zip(("pixels", "units", "batch"), (d, k, b), strict=True) if p)
    return ""


def _said(off: list[tuple[str, str, str]]) -> str:
    fit, kl, powers = off[0]
    return (f" For reconstruction \"{fit}\" and KL \"{kl}\" yours is {powers} times the right one." if powers else "")
