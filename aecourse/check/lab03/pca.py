"""Exercise 1, PCA by SVD: the mean image, the first k axes, the variances along them. The sign of an axis is free."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aecourse.check.engine.drawing import rows, tenths
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts, near


def family(**changes: Any) -> Any:
    """Return the mean, the axes and their variances, with the given changes."""
    return partial(_answer, **changes)


def _answer(x: Tensor, k: int, *, centre: str = "pixels", scale: bool = False, side: str = "rows of Vh",
            end: str = "largest", form: str = "rows", count: str = "k", power: int = 2, divide: str = "N - 1",
            length: bool = False, order: str = "mean, axes, variances") -> Any:
    n = len(x)
    if "brightness" in centre:
        other, then = x - x.mean(1, keepdim=True), "none" if "alone" in centre else "pixels"
        mean, axes, variances = _answer(other, k, centre=then)
        return mean if centre == "brightness" else x.mean(0), axes, variances
    mean = {"each image": lambda: x.mean(1), "one number": lambda: x.mean(),
            "one grey level": lambda: x.mean().expand(x.shape[1])}.get(centre, lambda: x.mean(0))()
    away = x if centre == "none" else x - (mean[:, None] if centre == "each image" else mean)
    if scale:
        away = away / x.std(0)
    U, S, Vh = torch.linalg.svd(away, full_matrices=False)
    if end == "smallest":
        U, S, Vh = U.flip(1), S.flip(0), Vh.flip(0)
    elif end == "second":
        U, S, Vh = U[:, 1:], S[1:], Vh[1:]
    k = k if count == "k" else len(S)
    axes = {"rows of Vh": lambda: Vh[:k], "columns of Vh": lambda: Vh[:, :k].T, "U": lambda: U[:, :k].T}[side]()
    by = {"N - 1": (n - 1) ** (power / 2), "N": n ** (power / 2), "nothing": 1, "not squared": n - 1,
          "D - 1": (x.shape[1] - 1) ** (power / 2), "(N - 1)²": (n - 1) ** 2, "total": S.square().sum()}[divide]
    variances = S[:k] ** power / by
    if length:
        axes = axes * variances.sqrt()[:, None]
    if end == "ascending":
        axes, variances = axes.flip(0), variances.flip(0)
    if form == "columns":
        axes = axes.T
    parts = {"mean": mean, "axes": axes, "variances": variances}
    return tuple(parts[name] for name in order.split(", "))


MISTAKES = (
    Mistake("not centred", {"centre": "none"},
            "The mean is not subtracted before the SVD. Then the first axis points from the black image towards the "
            "data, not along their largest variation."),
    Mistake("each image's mean", {"centre": "each image"},
            "Your mean is that of each image over its own pixels. The mean image is the mean over the images, "
            "dimension 0: one number for each pixel."),
    Mistake("one mean", {"centre": "one number"},
            "Your mean is one number for all pixels, `.mean()`. The mean image has one number for each pixel: take the "
            "mean over the images, dimension 0."),
    Mistake("one grey level", family(centre="one grey level"),
            "Your mean image has the same grey level at every pixel, the mean over all pixels and images. Take the "
            "mean over the images alone, dimension 0: a number of its own for each pixel."),
    Mistake("brightness subtracted", family(centre="brightness alone"),
            "Before the SVD you subtract from each image its own mean, over its pixels. Subtract the mean image, the "
            "mean over the images, dimension 0."),
    Mistake("brightness subtracted first", family(centre="brightness first"),
            "You subtract from each image its own mean, over its pixels, and then the mean image. Subtract the mean "
            "image, the mean over the images, alone."),
    Mistake("of images without brightness", family(centre="brightness"),
            "This is PCA of other images: from each image its own mean, over its pixels, is subtracted. Subtract the "
            "mean image, the mean over the images, alone."),
    Mistake("divided by D - 1", family(divide="D - 1"),
            "You divide by the number of pixels less 1. A variance divides by the number of images less 1, N − 1."),
    Mistake("squared twice", family(power=4, divide="(N - 1)²"),
            "The variances are squared: the squares of the singular values over N − 1 are variances already."),
    Mistake("standardised", {"scale": True},
            "You divide each pixel by its own standard deviation. That is PCA of other data, in which a pixel that "
            "hardly changes counts as much as one in the middle. Subtract the mean, and nothing more."),
    Mistake("columns of Vh", {"side": "columns of Vh"},
            "You take columns where the axes are rows: `torch.linalg.svd` returns Vh, which is transposed already. An "
            "axis is one of its rows."),
    Mistake("U", {"side": "U"},
            "These are columns of U: they have one number for each image. An axis has one number for each pixel, so "
            "it comes from Vh."),
    Mistake("axes as columns", {"form": "columns"},
            "Your axes stand in columns, shape (D, k). Asked for are rows, (k, D): each row is an axis and can be "
            "drawn as an image."),
    Mistake("smallest", {"end": "smallest"},
            "These are the directions of the smallest variance. Where do the largest stand? `svd` gives them first, "
            "`eigh` last."),
    Mistake("ascending", {"end": "ascending"},
            "The right axes, in reverse order: the one with the largest variance comes first."),
    Mistake("first left out", {"end": "second"}, "The first axis is left out: counting starts at 0."),
    Mistake("all of them", {"count": "all"}, "You return all axes; the first k are asked for."),
    Mistake("singular values", {"power": 1, "divide": "nothing"},
            "These are the singular values themselves. A variance is a mean of squares: square them, and divide."),
    Mistake("not divided", {"divide": "nothing"},
            "These are the squared singular values, sums over the images. A variance divides that sum by N − 1."),
    Mistake("divided by N", {"divide": "N"},
            "You divide by N; the exercise asks for N − 1, as `torch.var` and `torch.cov` do."),
    Mistake("standard deviations", {"power": 1},
            "These are the standard deviations; the variances are their squares."),
    Mistake("not squared", {"power": 1, "divide": "not squared"},
            "The singular values are divided by N − 1 but not squared."),
    Mistake("shares", {"divide": "total"},
            "These are shares of the total variance. Asked for are the variances themselves."),
    Mistake("lengths", {"length": True},
            "Your axes are as long as the standard deviation along them. Asked for are axes of length 1; the variances "
            "stand apart."),
    Mistake("variances before axes", {"order": "mean, variances, axes"},
            "The three are there, in another order: the mean, the axes, then the variances."),
    Mistake("axes first", {"order": "axes, variances, mean"},
            "The three are there, in another order: the mean comes first, then the axes, then the variances."),
    Mistake("mean in the middle", {"order": "axes, mean, variances"},
            "The mean and the axes have changed places: the mean comes first."),
)

ERRORS = {
    "must match the size of tensor": "Two shapes do not go together. If it is the mean: `x.mean(0)` is the mean image, "
                                     "(D,); `x.mean(1)` is the brightness of each image, (N,).",
    "must be a square matrix": "`eigh` takes a square matrix, such as the covariance (D, D); `svd` takes the images "
                               "themselves.",
    "square matrices": "`eigh` takes a square matrix, such as the covariance (D, D); `svd` takes the images "
                       "themselves.",
}


def reference(x: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    mean = x.mean(0)
    _, S, Vh = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, Vh[:k], S[:k].square() / (len(x) - 1)


def oracle(x: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Through the covariance and its eigenvectors, in NumPy."""
    values, vectors = np.linalg.eigh(np.cov(x.double().numpy(), rowvar=False))
    order = np.argsort(-values)[:k]
    mean, axes, variances = (torch.from_numpy(np.ascontiguousarray(part)).float() for part in (
        x.double().numpy().mean(0), vectors.T[order], values[order]))
    return mean, axes, variances


def draw(generator: torch.Generator, size: int) -> Case:
    """Return images whose variances differ clearly, so that each axis is well determined; of 40 the first two least.

    They lie so close there that ten steps of an iteration do not tell them apart, and a decomposition does.
    """
    pixels, k = {4: (2, 1), 6: (4, 2), 12: (30, 3)}.get(size, (20, 4))
    spread = 0.6 ** torch.arange(pixels) * torch.where(torch.arange(pixels) < k, 0.6, 0.02)
    if size == 40:
        spread[1] = 0.85 * spread[0]
    most = torch.tensor([0.87 if size == 40 else 0.85] + [0.85] * (k - 1))
    while True:
        turn, _ = torch.linalg.qr(torch.randn(pixels, pixels, generator=generator))
        x = torch.rand(pixels, generator=generator) + torch.randn(size, pixels, generator=generator) * spread @ turn.T
        if size == 4:
            x = tenths(0, 9, 4, 2, generator=generator)
        _, S, Vh = torch.linalg.svd(x.double() - x.double().mean(0), full_matrices=False)
        steps = S[1:k + 1] / S[:k]  # from each axis to the next, and to the first one left out
        clear = bool((steps < most).all()) and (size != 40 or float(steps[0]) > 0.84) and (
            size > 6 or 0.02 < float(steps[-1]) < 0.2)
        if clear and float(S[k - 1]) > 0.05 and bool((_against(Vh[:k]).abs() > 0.05).all()):
            break
    text = (f"the images {rows(x)} and k = {k}" if size == 4 else f"{size} images of {pixels} pixels and k = {k}")
    return Case((x, k), text)


def _against(axes: Tensor) -> Tensor:
    """Return each row's product with one fixed direction; its sign tells an axis from the opposite one."""
    return axes @ torch.sin(1 + torch.arange(axes.shape[1], dtype=axes.dtype))


def _signs(parts: tuple) -> tuple:
    """Return the three with a fixed sign for each axis: both signs are right. Axes may wrongly stand in columns."""
    mean, axes, variances = parts
    if axes.dim() != 2 or not axes.is_floating_point():
        return parts
    upright = axes if axes.shape[0] <= axes.shape[1] else axes.T
    upright = upright * torch.where(_against(upright) < 0, -1, 1)[:, None]
    return mean, upright if axes.shape[0] <= axes.shape[1] else upright.T, variances


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say which of the three are right, and what the axes are if they are not."""
    names = ("mean", "axes", "variances")
    right = [n for i, n in enumerate(names) if all(near(g[i], w[i]) for g, w in zip(got, want, strict=True))]
    known = f"Right: {', '.join(f'`{n}`' for n in right)}. " if right else ""
    if "axes" not in right and all(g[1].shape == w[1].shape for g, w in zip(got, want, strict=True)):
        alike = min(float(torch.nn.functional.cosine_similarity(g[1].double(), w[1].double()).abs().min())
                    for g, w in zip(got, want, strict=True))
        along = alike > 0.997
        long = any(not near(g[1].double().norm(dim=1), torch.ones(len(g[1]))) for g in got)
        if alike > 0.72 and not long:
            return ("The rows of `axes` have length 1 and are nearly the right axes: each lies nearer to its own than "
                    "to any other, but not on it. They should be the first rows of Vh, to the last digits. "
                    f"{known}").strip()
        if any(not near(a @ a.T, torch.eye(len(a)).to(a)) for a in (g[1].double() for g in got)):
            return known + (
                "The rows of `axes` point along the right axes, but they are not of length 1." if along and long else
                "The rows of `axes` are not orthonormal: `axes @ axes.T` should be the identity matrix. Rows of Vh "
                "are, and so are the columns of the matrix of eigenvectors that `eigh` gives.")
        if _of_the_smallest(cases, got):
            return (f"{known}The rows of `axes` are the directions of the smallest variance: `eigh` sorts upwards, so "
                    "the largest eigenvalues and their vectors, in columns, stand last.")
        spanned = all(near((g := a[1].double()).T @ g, (w := b[1].double()).T @ w)
                      for a, b in zip(got, want, strict=True))
        return known + (
            "The rows of `axes` span the right surface, but they are not PCA's axes in PCA's order: the one with the "
            "largest variance comes first." if spanned else
            "The rows of `axes` are orthonormal and span another surface than PCA's: its axes are the first rows of "
            "Vh, with the mean subtracted before, or the columns of eigenvectors for the largest eigenvalues of the "
            "covariance, which `eigh` gives last.")
    if right == ["mean", "axes"]:
        ratios = torch.cat([g[2].double() / w[2].double() for g, w in zip(got, want, strict=True)
                            if g[2].shape == w[2].shape])
        if len(ratios) and float((ratios - ratios[0]).abs().max()) < 3e-3 * float(ratios[0].abs()):
            return f"{known}The variances are {float(ratios[0]):.3g} times the right ones, everywhere."
    wrong_ones = [f"`{n}`" for n in names if n not in right]
    return f"{known}Wrong: {', '.join(wrong_ones)}." if right else ""


def _of_the_smallest(cases: list[Case], got: list[Parts]) -> bool:
    """Return whether the variance along each axis is one of the smallest there are, in one order or the other."""
    for case, (_, axes, _) in zip(cases, got, strict=True):
        x, k = case.args
        values = torch.linalg.eigvalsh(torch.cov(x.double().T))[:k]
        along = ((x.double() - x.double().mean(0)) @ axes.double().T).var(0)
        if not near(along.sort().values, values, atol=1e-4):
            return False
    return True


EXERCISE = Exercise(
    "pca", "1 · PCA by SVD", "function", 1, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(4, 6, 12, 40), rtol=2e-3, atol=1e-3,
    arguments=("x", "k"), tidy=_signs,
    gives=(Form("float", "the mean image, shape (D,)", "pixel", "mean"),
           Form("float", "the first k axes in rows, shape (k, D)", "axis", "axes"),
           Form("float", "the variance along each axis, shape (k,)", "axis", "variances")),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`x.mean(0)` is the mean image. Subtract it from every image; the SVD is taken of what is left.",
           "`U, S, Vh = torch.linalg.svd(centred, full_matrices=False)`: which of the three has one number for "
           "each pixel? Its rows are the axes, the most important ones first.",
           "The sum of squares along axis i is `S[i]**2`. A variance divides it by N − 1."),
    why="With the centred images X = U S Vᵀ the covariance is XᵀX/(N − 1) = V S² Vᵀ/(N − 1): its eigenvectors are "
        "the rows of Vh, its eigenvalues the squares of S over N − 1. The SVD gets there without squaring the "
        "data, so it loses fewer digits.")
