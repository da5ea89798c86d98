"""Lab 07: what a tutor sees in wrong values that no known mistake explains."""

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Case

Parts = tuple[Tensor, ...]


def _near(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=2e-3, atol=2e-3)


def pretraining_loss(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether it can be a squared error, and whether it is one of some other reconstruction."""
    if any(bool((g[0] < -1e-5).any()) for g in got):
        return "It is negative for some images. A sum of squares never is."
    if all(_near(g[0] * g[0], w[0]) for g, w in zip(got, want, strict=True)):
        return "It is the root of the right value: leave the root out."
    if any(bool((g[0] > case.args[1].shape[1]).any()) for case, g in zip(cases, got, strict=True)):
        return ("It is larger than the number of pixels for some images. A pixel that lies between 0 and 1, and its "
                "reconstruction, differ by at most 1: is the sigmoid in its place?")
    return ""


def m2_unlabelled(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Write the values as a sum of the expected bound and the entropy with other factors, and name what is off."""
    table, values = [], []
    for case, (g,) in zip(cases, got, strict=True):
        by_class, log_q = case.args[0].double(), case.args[1].double().log_softmax(1)
        q = log_q.exp()
        table.append(torch.stack([(q * by_class).sum(1), (q * log_q).sum(1)], 1))
        values.append(g.double())
    names = ("Σ q(y|x) L(x, y)", "Σ q log q, which is −H,")
    if found := _factors(torch.cat(table), torch.cat(values), names):
        return found
    low = any(bool((g[0] < -torch.logsumexp(-case.args[0], 1) - 1e-3).any()) for case, g in zip(cases, got, strict=True)
              )
    return ("It is smaller than −log Σ exp(−L) for some images. No weights that sum to 1 get below that: do yours?"
            if low else "")


def m2_loss(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the two kinds of images come out wrong."""
    kinds = {"labelled": [], "others": []}
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        y = case.args[2]
        close = torch.isclose(g.double(), w.double(), rtol=1e-3, atol=2e-3)
        kinds["labelled"] += close[y >= 0].tolist()
        kinds["others"] += close[y < 0].tolist()
    right = {kind: all(values) for kind, values in kinds.items() if values}
    if right == {"labelled": True, "others": False}:
        return ("Images with a label come out right, those without one do not: theirs is U, `m2_unlabelled_ok("
                "by_class, class_logits)`.")
    if right == {"labelled": False, "others": True}:
        return "Images without a label come out right, those with one do not. " + _labelled(cases, got)
    return ""


def _labelled(cases: list[Case], got: list[Parts]) -> str:
    table, values, averaged = [], [], True
    for case, (g,) in zip(cases, got, strict=True):
        by_class, logits, y, alpha = case.args
        known = y >= 0
        own = y[known][:, None]
        mean = by_class[known].gather(1, own)[:, 0] - alpha * logits.log_softmax(1)[known].gather(1, own).mean()
        averaged = averaged and _near(mean, g[known])
        table.append(torch.cat([by_class[known].gather(1, own), -alpha * logits.log_softmax(1)[known].gather(1, own)],
                               1).double())
        values.append(g[known].double())
    if averaged:
        return ("Their −log q is a mean over the labelled images, as `F.cross_entropy` takes it by default: "
                "`reduction=\"none\"`.")
    found = _factors(torch.cat(table), torch.cat(values), ("L(x, y)", "−α log q(y|x)"))
    return found or "Theirs is L(x, y) − α log q(y|x), with their own class y in both places."


def _factors(table: Tensor, values: Tensor, names: tuple[str, ...]) -> str:
    if len(values) < len(names) + 2 or not torch.isfinite(values).all():
        return ""
    factors = torch.linalg.lstsq(table, values[:, None]).solution
    if float((table @ factors - values[:, None]).abs().max()) > 5e-3:
        return ""
    off = [(name, float(f)) for name, f in zip(names, factors[:, 0], strict=True) if abs(float(f) - 1) > 0.01]
    return " ".join(f"The term {name} is missing." if abs(f) < 0.01 else
                    f"The term {name} has the wrong sign." if abs(f + 1) < 0.01 else
                    f"The term {name} enters {f:.3g} times what it should." for name, f in off)
