"""Lab 05: what a tutor sees in wrong values that no known mistake explains."""

import math

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Case

Parts = tuple[Tensor, ...]


def _near(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=2e-3, atol=1e-3)


def _steady(got: list[float], want: list[float]) -> bool:
    """Return whether one factor turns all right values into these; the engine has a sentence for that."""
    ratios = [g / w for g, w in zip(got, want, strict=True) if abs(w) > 1e-6]
    return len(ratios) == len(want) and max(ratios) - min(ratios) < 3e-3 * abs(ratios[0])


def l1_penalty(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether another power is added up, or whether the values cannot be sums of absolute values."""
    if any(bool((g[0] < -1e-6).any()) for g in got):
        return "It is negative for some images. A sum of absolute values never is."
    for power in (0.25, 1.5, 3.0, 4.0):
        if all(_near(g[0], case.args[0].abs().pow(power).sum(1)) for case, g in zip(cases, got, strict=True)):
            return f"The numbers enter with the power {power:g}. L1 adds them as they are, without their sign."
    differences = [g[0].double() - w[0].double() for g, w in zip(got, want, strict=True)]
    if all(float((d - d.mean()).abs().max()) < 1e-3 for d in differences if len(d) > 1):
        return "The same number is added to all images of a batch: nothing is added to the sum of absolute values."
    return ""


def dead_share(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether it can be a share, and whether too many or too few units are counted."""
    values = [(float(g[0]), float(w[0]), case.args[0].shape[1]) for case, g, w in zip(cases, got, want, strict=True)]
    if any(g < 0 or g > 1 for g, _, _ in values):
        return "A share lies between 0 and 1, and yours does not."
    if all(abs(g * units - round(g * units)) < 1e-3 for g, _, units in values):
        more = all(g > w for g, w, _ in values)
        less = all(g < w for g, w, _ in values)
        return ("It is a share of the units, and " + (
            "too many are counted: a unit that is not 0 for one single image, however little, lives." if more else
            "too few are counted: is a unit left out at an end, or taken for living?" if less else
            "other units are counted: a unit is dead if its whole column is 0, and only then."))
    return "It is no share of the units, which would be a whole number divided by K."


def kl_penalty(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Write the values as a sum of the two right terms with other factors, and name the factor that is off."""
    values = [float(g[0]) for g in got]
    if len(values) >= 3 and all(math.isfinite(v) for v in values):
        table = torch.tensor([_terms(*case.args) for case in cases], dtype=torch.float64)
        wanted = torch.tensor(values, dtype=torch.float64)[:, None]
        factors = torch.linalg.lstsq(table, wanted).solution
        if bool(((table @ factors - wanted).abs() < 2e-3 * (1e-2 + wanted.abs())).all()):
            off = [(name, float(f)) for name, f in zip(("rate · log(rate / mean)", "(1 − rate) · log((1 − rate) / "
                   "(1 − mean))"), factors[:, 0], strict=True) if abs(float(f) - 1) > 0.01]
            if len(off) == 1:
                return f"One term is right. The other, {off[0][0]}, enters {off[0][1]:.3g} times what it should."
            if abs(off[0][1] - off[1][1]) > 0.01 * abs(off[0][1]):
                return " ".join(f"The term {name} enters {f:.3g} times what it should." for name, f in off)
    wanted = [float(w[0]) for w in want]
    if all(abs(v * case.args[0].numel() - w) < 2e-3 * abs(w) for v, w, case in zip(values, wanted, cases, strict=True)):
        return "The right sum is divided by the number of images and by that of the units; it is divided by nothing."
    if any(v < -1e-6 for v in values):
        return ("It is negative for some inputs, and a KL divergence never is: does a term have the wrong sign, or "
                "does a rate not lie between 0 and 1?")
    return ""


def _terms(z: Tensor, rate: float) -> tuple[float, float]:
    mean = z.double().mean(0)
    return (float((rate * (rate / mean).log()).sum()), float(((1 - rate) * ((1 - rate) / (1 - mean)).log()).sum()))


def top_k(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say how many numbers are kept, whether at the right places, and whether as they were."""
    kept, asked = [(g[0] != 0).sum(1) for g in got], [case.args[1] for case in cases]
    places = all(torch.equal(g[0] != 0, w[0] != 0) for g, w in zip(got, want, strict=True))
    if places:
        ratio = torch.cat([g[0][w[0] != 0] / w[0][w[0] != 0] for g, w in zip(got, want, strict=True)])
        if float((ratio - ratio[0]).abs().max()) < 1e-3 * float(ratio[0].abs()):
            return ""  # one factor: the engine says it
        return "The right numbers are kept, at their places, but not as they were: their values have changed."
    as_were = all(bool(((g[0] == 0) | (g[0] == case.args[0])).all()) for case, g in zip(cases, got, strict=True))
    if any(bool((n != k).any()) for n, k in zip(kept, asked, strict=True)):
        i, row = next((i, int((n != k).nonzero()[0])) for i, (n, k) in enumerate(zip(kept, asked, strict=True))
                      if bool((n != k).any()))
        return (f"An image keeps {int(kept[i][row])} numbers where k = {asked[i]} are asked for"
                + ("." if as_were else ", and some of the numbers have changed."))
    return ("Each image keeps k numbers, but not the k largest ones at their own places." if as_were else
            "Each image has k numbers that are not 0, but they are not the image's own at these places.")


def mean_max_cosine(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say on which side of the right value it lies."""
    values, right = [float(g[0]) for g in got], [float(w[0]) for w in want]
    if _steady(values, right):
        return ""
    if any(abs(v) > 1.001 for v in values):
        return "It lies outside −1 to 1, where every cosine is: are all rows divided by their own lengths?"
    if all(v > r for v, r in zip(values, right, strict=True)):
        return ("It is too large on every input that differs: no choice of partners reaches that. Is a sign lost, or a "
                "length left in, or are the good matches alone counted?")
    if all(v < r for v, r in zip(values, right, strict=True)):
        return ("It is too small on every input that differs: for some planted features there is a better partner "
                "among the found ones than yours.")
    return ""


def revive(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which rows are right, and whether their directions or their lengths are not."""
    pairs = [(case.args[0].double(), case.args[1], g[0].double(), w[0].double())
             for case, g, w in zip(cases, got, want, strict=True)]
    if any(not _near(g[~dead], W[~dead]) for W, dead, g, _ in pairs):
        some = all(_near(g[dead], w[dead]) for _, dead, g, w in pairs)
        return ("The rows of living units have changed; they stay as they are."
                + (" Those of the dead ones are right." if some else ""))
    new = [(g[dead], w[dead]) for _, dead, g, w in pairs if bool(dead.any())]
    if all(_near(g[dead], W[dead]) for W, dead, g, _ in pairs):
        return ("Nothing has changed. An assignment like `W[a][b] = ...` changes a copy that nobody keeps: index once, "
                "`new[dead] = ...`, and return `new`.")
    cosines = torch.cat([torch.cosine_similarity(g, w, dim=1) for g, w in new])
    if bool((cosines > 0.999).all()):
        ratios = torch.cat([g.norm(dim=1) / w.norm(dim=1) for g, w in new])
        r = float(ratios.mean())
        if float((ratios - r).abs().max()) < 2e-3 * r:
            return (f"The living rows are right, and so are the directions of the new ones; their lengths are {r:.3g} "
                    "times the right ones.")
        return ("The living rows are right, and so are the directions of the new ones. Their lengths are not: all have "
                "the mean length of the living rows.")
    if bool((cosines < -0.999).all()):
        return "The new rows point away from their images: the sign is wrong."
    if all(_near(g.norm(dim=1), w.norm(dim=1)) for g, w in new):
        return ("The living rows are right, and so are the lengths of the new ones. They point to other images, or to "
                "none: the first dead unit gets the image with the largest error, the next one the second largest.")
    return "The living rows are right. The new rows have neither the right directions nor the right lengths."
