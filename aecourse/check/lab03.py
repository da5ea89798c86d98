"""Lab 03, flat surfaces and maps: seven exercises. ``from aecourse.check import lab03 as check``."""

import torch
from torch import Tensor

from aecourse.check import lab03_draw as draw
from aecourse.check import lab03_look as look
from aecourse.check import lab03_says as says
from aecourse.check import lab03_says_maps as maps
from aecourse.check import lab03_wrong as wrong
from aecourse.check.engine.exercise import Exercise, Form
from aecourse.check.engine.lab import Lab


def _pca(x: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    mean = x.mean(0)
    _, S, Vh = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, Vh[:k], S[:k].square() / (len(x) - 1)


def _angle(A: Tensor, B: Tensor) -> float:
    P, Q = torch.linalg.qr(A)[0], torch.linalg.qr(B)[0]
    return torch.rad2deg(torch.linalg.svdvals(P.T @ Q).clamp(max=1).arccos().max()).item()


def _best_error(x: Tensor, k: int) -> float:
    return torch.linalg.svdvals(x)[k:].square().sum().item() / len(x)


def _two_nn(points: Tensor) -> float:
    near = torch.cdist(points, points).fill_diagonal_(0).topk(3, largest=False).values
    return len(points) / (near[:, 2] / near[:, 1]).log().sum().item()


def _trustworthiness(x: Tensor, z: Tensor, k: int) -> float:
    n = len(x)
    rank = torch.cdist(x, x).fill_diagonal_(-1).argsort(1).argsort(1)  # 0 is the point itself
    near = torch.cdist(z, z).fill_diagonal_(float("inf")).topk(k, largest=False).indices
    cost = (rank.gather(1, near) - k).clamp(min=0).sum().item()
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * cost


EXERCISES = (
    Exercise(
        "pca", "1 · PCA by SVD", "function", 1, 10,
        reference=_pca, oracle=draw.pca_oracle, draw=draw.pca, sizes=(4, 6, 12, 40), rtol=2e-3, atol=1e-3,
        arguments=("x", "k"), tidy=draw.signs,
        gives=(Form("float", "the mean image, shape (D,)", "pixel", "mean"),
               Form("float", "the first k axes in rows, shape (k, D)", "axis", "axes"),
               Form("float", "the variance along each axis, shape (k,)", "axis", "variances")),
        family=wrong.pca, look=look.pca, mistakes=says.PCA, errors=says.PCA_ERRORS,
        hints=("`x.mean(0)` is the mean image. Subtract it from every image; the SVD is taken of what is left.",
               "`U, S, Vh = torch.linalg.svd(centred, full_matrices=False)`: which of the three has one number for "
               "each "
               "pixel? Its rows are the axes, the most important ones first.",
               "The sum of squares along axis i is `S[i]**2`. A variance divides it by N − 1."),
        why="With the centred images X = U S Vᵀ the covariance is XᵀX/(N − 1) = V S² Vᵀ/(N − 1): its eigenvectors are "
            "the rows of Vh, its eigenvalues the squares of S over N − 1. The SVD gets there without squaring the "
            "data, "
            "so it loses fewer digits."),
    Exercise(
        "encode", "2 · From an image to its code", "function", 1, 5,
        reference=lambda x, mean, axes: (x - mean) @ axes.T, oracle=draw.encode_oracle, draw=draw.encode,
        sizes=(1, 4, 9), atol=1e-4, arguments=("x", "mean", "axes"),
        gives=(Form("float", "one code for each image, shape (B, k)"),),
        family=wrong.encode, look=look.encode, mistakes=says.ENCODE, errors=says.ENCODE_ERRORS,
        hints=("A code counts from the mean, so first go from the mean to the image.",
               "The number along one axis is the dot product of that difference with the axis.",
               "All of them at once: a matrix product (B, D) @ (D, k)."),
        why="The axes are orthonormal, so the dot product with an axis is how far one has to go along it: no equation "
            "has to be solved."),
    Exercise(
        "decode", "3 · From a code back to an image", "function", 1, 4,
        reference=lambda z, mean, axes: z @ axes + mean, oracle=draw.decode_oracle, draw=draw.decode,
        sizes=(1, 4, 9), atol=1e-4, arguments=("z", "mean", "axes"),
        gives=(Form("float", "one image for each code, shape (B, D)"),),
        family=wrong.decode, look=look.decode, mistakes=says.DECODE, errors=says.DECODE_ERRORS,
        hints=("Start at the mean image and go so many steps along each axis as the code says.",
               "The sum of all steps is a matrix product, (B, k) @ (k, D)."),
        why="Whatever the code is, the image lies on the flat surface through the mean that the axes span. That is all "
            "that a linear decoder can draw."),
    Exercise(
        "angle", "4 · The angle between two surfaces", "function", 2, 10,
        reference=_angle, oracle=draw.angle_oracle, draw=draw.angle, sizes=(1, 2, 3, 4, 5, 6), rtol=1e-3, atol=0.1,
        arguments=("A", "B"), gives=(Form("share", "one number, the largest angle in degrees"),),
        family=wrong.angle, look=look.angle, mistakes=says.ANGLE,
        hints=("`P, _ = torch.linalg.qr(A)` gives an orthonormal basis of the space that A's columns span, and the "
               "same "
               "for B.",
               "The singular values of P.T @ Q are the cosines of the angles. Which of them belongs to the largest "
               "angle?",
               "Cut them off at 1 before the arc cosine, and turn radians into degrees: `torch.rad2deg`."),
        why="The singular values do not change when P or Q is turned into another orthonormal basis of its space: they "
            "belong to the spaces. The smallest of them tells how far the worst direction of one space is from the "
            "other."),
    Exercise(
        "best_error", "5 · Bug hunt: a floor that is too high", "function", 2, 9,
        reference=_best_error, oracle=draw.best_error_oracle, draw=draw.best_error, sizes=(3, 6, 20), rtol=1e-3,
        atol=1e-4, arguments=("x", "k"), gives=(Form("share", "one number, the mean squared error per image"),),
        family=wrong.best_error, look=look.best_error, mistakes=maps.BEST_ERROR,
        hints=("Which image does this network draw for a code of zeros? Every image that it draws lies on a flat "
               "surface of k dimensions through that one.",
               "So no mean is subtracted: the best k directions come from the SVD of the images as they are.",
               "The error that is left is the sum of the squares of all singular values after the first k, over N."),
        why="Without biases a code of zeros gives the black image, so the surface has to pass through the origin. By "
            "the theorem of Eckart and Young the best such surface comes from the SVD of x itself; PCA's passes "
            "through "
            "the mean, and is never worse."),
    Exercise(
        "two_nn", "6 · How many dimensions?", "function", 2, 7,
        reference=_two_nn, oracle=draw.two_nn_oracle, draw=draw.two_nn, sizes=(5, 12, 25), rtol=2e-3, atol=1e-3,
        arguments=("points",), gives=(Form("share", "one number, the dimension"),),
        family=wrong.two_nn, look=look.two_nn, mistakes=maps.TWO_NN,
        hints=("`torch.cdist(points, points)` gives all distances, (N, N). What is the smallest number of each row?",
               "`.topk(3, largest=False).values` gives the three smallest of each row: the point itself, r₁ and r₂.",
               "Take the logarithm of r₂/r₁ for each point; the dimension is one over the mean of these."),
        why="In d dimensions the number of points within a distance grows like its d-th power, so log μ has the mean "
            "1/d: the more dimensions, the nearer the second neighbour is to the first."),
    Exercise(
        "trustworthiness", "7 · Can a map be trusted?", "function", 3, 12,
        reference=_trustworthiness, oracle=draw.trustworthiness_oracle, draw=draw.trustworthiness, sizes=(5, 9, 20),
        rtol=0, atol=2e-4, arguments=("x", "z", "k"), gives=(Form("share", "one number, 1 for a map without "
                                                                           "intruders"),),
        family=wrong.trustworthiness, look=look.trustworthiness, mistakes=maps.TRUSTWORTHINESS,
        errors=maps.TRUST_ERRORS,
        hints=("Ranks in the data: `torch.cdist(x, x).argsort(1).argsort(1)` is 0 for the point itself, 1 for its "
               "nearest neighbour, and so on.",
               "Neighbours on the map: the same with z; those with ranks from 1 to k.",
               "An intruder has a rank of 1 to k on the map and more than k in the data. Add up its rank in the data "
               "minus k, over all points; then the factor, and 1 minus it."),
        why="Ranks instead of distances make the measure blind to stretching: only who is near whom counts. The factor "
            "is chosen such that the worst possible map gets 0."),
)

_lab = Lab("lab03", EXERCISES)
pca, encode, decode, angle, best_error, two_nn, trustworthiness = _lab.checks.values()
use, summary, __getattr__ = _lab.use, _lab.summary, _lab.missing
