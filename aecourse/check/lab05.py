"""Lab 05, sparse codes: six exercises. ``from aecourse.check import lab05 as check``."""

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check import lab05_draw as draw
from aecourse.check import lab05_look as look
from aecourse.check import lab05_says as says
from aecourse.check import lab05_says_parts as parts
from aecourse.check import lab05_wrong as wrong
from aecourse.check import lab05_wrong_parts as wrong_parts
from aecourse.check.engine.exercise import Exercise, Form
from aecourse.check.engine.lab import Lab


def _l1_penalty(z: Tensor) -> Tensor:
    return z.abs().sum(1)


def _dead_share(z: Tensor) -> float:
    return (z == 0).all(0).float().mean().item()


def _kl_penalty(z: Tensor, rate: float) -> Tensor:
    mean = z.mean(0).clamp(1e-6, 1 - 1e-6)
    return (rate * (rate / mean).log() + (1 - rate) * ((1 - rate) / (1 - mean)).log()).sum()


def _top_k(a: Tensor, k: int) -> Tensor:
    largest = a.topk(k, dim=1)
    return torch.zeros_like(a).scatter(1, largest.indices, largest.values)


def _mean_max_cosine(found: Tensor, planted: Tensor) -> float:
    return (F.normalize(planted, dim=1) @ F.normalize(found, dim=1).T).amax(1).mean().item()


def _revive(W: Tensor, dead: Tensor, x: Tensor, errors: Tensor) -> Tensor:
    worst = x[errors.argsort(descending=True)[:int(dead.sum())]]
    new = W.clone()
    new[dead] = F.normalize(worst, dim=1) * W[~dead].norm(dim=1).mean()
    return new


EXERCISES = (
    Exercise(
        "l1_penalty", "1 · The L1 penalty", "function", 1, 5,
        reference=_l1_penalty, oracle=draw.l1_penalty_oracle, draw=draw.l1_penalty, sizes=(2, 3, 6, 9), atol=1e-4,
        arguments=("z",), gives=(Form("float", "one number for each image, shape (B,)"),), gradients=(0,),
        family=wrong.l1_penalty, look=look.l1_penalty, mistakes=says.L1, errors=says.L1_ERRORS,
        hints=("`z.abs()` takes the sign away, number by number.",
               "The numbers of one image's code stand beside each other, in dimension 1. Add them up there."),
        why="The slope of |z| is the same however small z is, so the penalty pushes a weak unit all the way to 0. A "
            "square pushes less and less, and leaves many small numbers."),
    Exercise(
        "dead_share", "2 · Dead units", "function", 1, 5,
        reference=_dead_share, oracle=draw.dead_share_oracle, draw=draw.dead_share, sizes=(3, 8, 30), atol=1e-5,
        arguments=("z",), gives=(Form("share", "one number, from 0 to 1"),),
        family=wrong.dead_share, look=look.dead_share, mistakes=says.DEAD,
        hints=("`z == 0` says for each image and each unit whether it is off.",
               "`.all(0)` says for each column whether that holds in every row.",
               "The mean of truth values, as floats, is their share."),
        why="A ReLU that is off for every image has no gradient for any of them: nothing in the loss can wake it up. "
            "So one image on which a unit is on makes all the difference, and how strongly it is on makes none."),
    Exercise(
        "kl_penalty", "3 · A target rate for every unit", "function", 2, 10,
        reference=_kl_penalty, oracle=draw.kl_penalty_oracle, draw=draw.kl_penalty, sizes=(3, 5, 7, 9), rtol=2e-3,
        atol=1e-4, arguments=("z", "rate"), gives=(Form("float", "one number, a tensor without dimensions", "unit"),),
        tidy=draw.plain, gradients=(0,), family=wrong.kl_penalty, look=look.kl_penalty, mistakes=says.KL,
        errors=says.KL_ERRORS,
        hints=("First each unit's mean over the batch, (K,), clamped: `z.mean(0).clamp(...)`.",
               "Then two terms for each unit: on has the probability `rate`, off has `1 - rate`. Each is its "
               "probability times the logarithm of a fraction, with the target above and the mean below.",
               "Add both terms, and sum over the units."),
        why="The divergence is 0 only where every unit keeps to the rate, and it grows without bound when a unit "
            "stays off for all images. So it asks not only for few units at a time, but also for all of them to take "
            "part."),
    Exercise(
        "top_k", "4 · Keep the k largest", "function", 2, 9,
        reference=_top_k, oracle=draw.top_k_oracle, draw=draw.top_k, sizes=(3, 5, 8), atol=1e-4,
        arguments=("a", "k"), gives=(Form("float", "the activations, shape (B, K), zero but for k in each row"),),
        gradients=(0,), family=wrong.top_k, look=look.top_k, mistakes=parts.TOP_K, errors=parts.TOP_K_ERRORS,
        hints=("`a.topk(k, dim=1)` gives `.values` and `.indices`, (B, k) each.",
               "Start with zeros, `torch.zeros_like(a)`, and put the values at their places: "
               "`.scatter(1, indices, values)`.",
               "Or find each row's k-th largest number, (B, 1), and multiply `a` with the mask of all that are at "
               "least as large."),
        why="The choice of the places has no gradient, and needs none: through the chosen units the gradient passes "
            "as it is, and the others have no part in this image. How many are on is set, not hoped for."),
    Exercise(
        "mean_max_cosine", "5 · Were the true features found?", "function", 2, 9,
        reference=_mean_max_cosine, oracle=draw.mean_max_cosine_oracle, draw=draw.mean_max_cosine, sizes=(2, 6, 9),
        atol=1e-4, arguments=("found", "planted"), gives=(Form("share", "one number, from −1 to 1"),),
        family=wrong_parts.mean_max_cosine, look=look.mean_max_cosine, mistakes=parts.COSINE,
        errors=parts.COSINE_ERRORS,
        hints=("Bring each row to length 1: `F.normalize(..., dim=1)`, or divide by `.norm(dim=1, keepdim=True)`.",
               "The matrix product of one with the other, transposed, holds the cosines of all pairs.",
               "For each planted feature the largest over the found ones, then the mean over the planted ones."),
        why="An autoencoder finds features in any order and of any length, and may find some twice. So each planted "
            "one looks for its own best partner, whatever its place and its length."),
    Exercise(
        "revive", "6 · Wake the dead", "function", 3, 12,
        reference=_revive, oracle=draw.revive_oracle, draw=draw.revive, sizes=(3, 6, 12, 9), atol=1e-4,
        arguments=("W", "dead", "x", "errors"),
        gives=(Form("float", "the weights, one row for each unit, shape (K, D)", "unit"),),
        family=wrong_parts.revive, look=look.revive, mistakes=parts.REVIVE, errors=parts.REVIVE_ERRORS,
        hints=("`errors.argsort(descending=True)` lists the images, the worst one first. You need as many as "
               "`dead.sum()`.",
               "Bring these images to length 1, and multiply with the mean of `W[~dead].norm(dim=1)`.",
               "Work on a copy: `new = W.clone()`, then `new[dead] = ...`."),
        why="An image with a large error has something that no living unit stands for. A unit that points to it is on "
            "for it at once, so gradients flow again, and they can make of it what is needed."),
)

_lab = Lab("lab05", EXERCISES)
l1_penalty, dead_share, kl_penalty, top_k, mean_max_cosine, revive = _lab.checks.values()
use, summary, __getattr__ = _lab.use, _lab.summary, _lab.missing
