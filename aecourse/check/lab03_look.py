"""Lab 03: what a tutor sees in wrong values that no known mistake explains."""

import torch
from torch import Tensor

from aecourse.check import lab03_wrong as wrong
from aecourse.check.engine.exercise import Case

Parts = tuple[Tensor, ...]


def _near(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=2e-3, atol=1e-3)


def pca(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the three are right, and what the axes are if they are not."""
    names = ("mean", "axes", "variances")
    right = [n for i, n in enumerate(names) if all(_near(g[i], w[i]) for g, w in zip(got, want, strict=True))]
    known = f"Right: {', '.join(f'`{n}`' for n in right)}. " if right else ""
    if "axes" not in right and all(g[1].shape == w[1].shape for g, w in zip(got, want, strict=True)):
        if any(not _near(a @ a.T, torch.eye(len(a)).to(a)) for a in (g[1].double() for g in got)):
            return (f"{known}The rows of `axes` are not orthonormal: `axes @ axes.T` should be the identity matrix. "
                    "Are they the rows of Vh, or the columns of an eigenvector matrix?")
        spanned = all(_near((g := a[1].double()).T @ g, (w := b[1].double()).T @ w)
                      for a, b in zip(got, want, strict=True))
        return known + (
            "The rows of `axes` span the right surface, but they are not PCA's axes in PCA's order: the one with the "
            "largest variance comes first." if spanned else
            "The rows of `axes` are orthonormal and span another surface than PCA's: of which matrix are they the "
            "singular vectors, and are they those of the largest singular values?")
    if right == ["mean", "axes"]:
        ratios = torch.cat([g[2].double() / w[2].double() for g, w in zip(got, want, strict=True)
                            if g[2].shape == w[2].shape])
        if len(ratios) and float((ratios - ratios[0]).abs().max()) < 3e-3 * float(ratios[0].abs()):
            return f"{known}The variances are {float(ratios[0]):.3g} times the right ones, everywhere."
    wrong_ones = [f"`{n}`" for n in names if n not in right]
    return f"{known}Wrong: {', '.join(wrong_ones)}." if right else ""


def encode(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the difference is the same for all images: then it is the mean's part that is off."""
    return _offset(got, want, "What each image adds to its code is right; what is the same for all images is not. Look "
                              "at the mean: what is subtracted, and on which side of the product?")


def decode(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the difference is the same for all codes."""
    return _offset(got, want, "What each code adds to its image is right; what is the same for all images is not. Look "
                              "at the mean: what is added, and how often?")


def _offset(got: list[Parts], want: list[Parts], says: str) -> str:
    pairs = [(g.double() - w.double()) for (g,), (w,) in zip(got, want, strict=True) if g.shape == w.shape]
    many = [d for d in pairs if len(d) > 1]
    return says if many and all(float((d - d[0]).abs().max()) < 1e-4 for d in many) else ""


def angle(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say what an angle between two spaces can be, and whether it depends on the bases."""
    values = [float(g[0]) for g in got]
    if any(v < 0 for v in values) or any(v > 90.01 for v in values):
        return ("An angle between two spaces lies from 0° to 90°, and yours does not: a direction and its opposite "
                "span the same line.")
    if all(abs(v - (90 - float(w[0]))) < 0.1 for v, w in zip(values, want, strict=True)):
        return "Your value and the right one add up to 90°: a sine is taken for a cosine, or the reverse."
    cosines = [float(torch.deg2rad(w[0].double()).cos()) for w in want]
    for name, turn in (("cosine", lambda c: c), ("squared cosine", lambda c: c**2),
                       ("sine", lambda c: (1 - c**2) ** 0.5)):
        if all(abs(v - turn(c)) < 1e-3 for v, c in zip(values, cosines, strict=True)):
            return f"This is the {name} of the angle. The angle itself is asked for, in degrees."
    return ("The angle must not depend on the bases: A and 2·A span the same space, and so do its columns in another "
            "order. Does yours stay the same then? And is it the largest that you return?")


def best_error(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say on which side of the floor the values lie."""
    values = [(float(g[0]), float(w[0])) for g, w in zip(got, want, strict=True)]
    if any(g < 0 for g, _ in values):
        return "It is negative, and a mean of squares cannot be."
    ratio = [g / w for g, w in values]
    if max(ratio) - min(ratio) < 3e-3 * abs(ratio[0]):
        return ""  # one factor: said elsewhere
    if all(g > w for g, w in values):
        return ("It lies above the right value on every input: there is a better network of this form. Which surface "
                "of "
                "k dimensions lies nearest to the images, among those that the network can draw?")
    if all(g < w for g, w in values):
        return ("It lies below the right value on every input: no network of this form gets there. Does your surface "
                "have a freedom that the network lacks?")
    return ""


def two_nn(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the dimension can be one, and whether another pair of neighbours would give it."""
    values = [float(g[0]) for g in got]
    if all(v < 0 for v in values):
        return "A dimension is positive and yours is not: which of the two distances is the larger one?"
    if all(abs(v) < 1e-2 for v in values):
        return ("It is 0 everywhere, as it is when a distance of 0 stands in the ratio: is the point itself among its "
                "neighbours?")
    if all(v == case.args[0].shape[1] for v, case in zip(values, cases, strict=True)):
        return ("This is the number of coordinates, D. Asked for is how many dimensions the points fill, which their "
                "distances tell.")
    for a in range(1, 4):
        for b in range(a + 1, 5):
            if (a, b) != (1, 2) and all(abs(v - float(wrong.two_nn(neighbours=(a, b))(*case.args))) < 1e-2
                                        for v, case in zip(values, cases, strict=True)):
                return (f"You compare the neighbours number {a} and {b} of each point. The first and the second are "
                        "meant, without the point itself.")
    return ""


def trustworthiness(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the sum or what stands in front of it is wrong, as far as that can be told."""
    costs = []
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        x, _, k = case.args
        n = len(x)
        times = n * k * (2 * n - 3 * k - 1) / 2
        costs.append(((1 - float(g)) * times, (1 - float(w)) * times))
    if all(abs(mine - round(mine)) < 0.02 for mine, _ in costs):
        more = all(mine > right for mine, right in costs)
        less = all(mine < right for mine, right in costs)
        return ("The factor in front of the sum is right: your sum is a whole number, and the wrong one"
                + (", too large" if more else ", too small" if less else "") + " on every input that differs. Which "
                                                                               "points "
                "are intruders, and what are their ranks in the data?")
    if any(float(g[0]) > 1 + 1e-6 for g in got):
        return ("It is above 1 for some inputs, so the sum is negative there: a point that is no intruder has got into "
                "it, and its rank is at most k.")
    return "Work out the sum for the input below by hand, then the factor in front of it, one after the other."


