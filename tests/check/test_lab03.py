"""Lab 03's checks: right answers pass in every form, each known mistake gets its own sentence, the rest a true one."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import subspace_angles
from sklearn import decomposition, manifold
from sklearn.neighbors import NearestNeighbors

from aecourse.check import lab03
from aecourse.check.engine.exercise import CORRECT
from aecourse.check.engine.lab import examine

BY_NAME = {exercise.name: exercise for exercise in lab03.EXERCISES}
NAMED = {"angle": 0.6}  # of many pairs, one covers the other


# ---- right answers --------------------------------------------------------------------------------------------------


def pca_eigh(x, k):
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    return x.mean(0), vectors.flip(1)[:, :k].T, values.flip(0)[:k]


def pca_lowrank(x, k):
    _, S, V = torch.pca_lowrank(x, q=min(*x.shape, k + 2), niter=8)
    return x.mean(dim=0), -V.T[:k], S[:k] ** 2 / (x.shape[0] - 1)


def pca_sklearn(x, k):
    fitted = decomposition.PCA(k).fit(x.numpy())
    return tuple(torch.from_numpy(part) for part in (fitted.mean_, fitted.components_, fitted.explained_variance_))


def pca_full(x, k):
    mean = x.mean(0)
    axes = torch.linalg.svd(x - mean)[2][:k]
    return [mean, axes, ((x - mean) @ axes.T).var(0)]


def pca_double(x, k):
    return BY_NAME["pca"].reference(x.double(), k)


def angle_by_projection(A, B):
    P = torch.linalg.svd(A, full_matrices=False)[0]
    Q = torch.linalg.svd(B, full_matrices=False)[0]
    return torch.rad2deg(torch.linalg.matrix_norm(Q - P @ (P.T @ Q), 2).clamp(max=1).asin())


def angle_by_eigenvalues(A, B):
    P, Q = (torch.linalg.qr(M.double())[0] for M in (A, B))
    return (torch.linalg.eigvalsh(Q.T @ P @ P.T @ Q).clamp(0, 1).sqrt().acos() * 180 / torch.pi)[0]


def error_by_rebuilding(x, k):
    U, S, Vh = torch.linalg.svd(x, full_matrices=False)
    return ((U[:, :k] * S[:k] @ Vh[:k] - x) ** 2).sum(1).mean()


def dimension_by_sklearn(points):
    r = NearestNeighbors(n_neighbors=3).fit(points).kneighbors(points)[0]
    return 1 / np.mean(np.log(r[:, 2] / r[:, 1]))


def dimension_by_loops(points):
    total = 0.0
    for i, p in enumerate(points):
        r = sorted(float((p - q).norm()) for j, q in enumerate(points) if j != i)
        total += np.log(r[1]) - np.log(r[0])
    return len(points) / total


def trust_by_loops(x, z, k):
    n, cost = len(x), 0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        by_x = sorted(others, key=lambda j: float((x[i] - x[j]).norm()))
        for j in sorted(others, key=lambda j: float((z[i] - z[j]).norm()))[:k]:
            cost += max(by_x.index(j) + 1 - k, 0)
    return 1 - 2 * cost / (n * k * (2 * n - 3 * k - 1))


RIGHT = [
    ("pca", pca_eigh), ("pca", pca_lowrank), ("pca", pca_sklearn), ("pca", pca_full), ("pca", pca_double),
    ("encode", lambda x, mean, axes: (axes @ (x - mean).T).T),
    ("encode", lambda x, mean, axes: torch.einsum("bd,kd->bk", x - mean, axes)),
    ("encode", lambda x, mean, axes: x @ axes.T - mean @ axes.T),
    ("encode", lambda x, mean, axes: ((x - mean)[:, None] * axes).sum(-1).double()),
    ("decode", lambda z, mean, axes: torch.addmm(mean, z, axes)),
    ("decode", lambda z, mean, axes: mean + (z[:, :, None] * axes).sum(1)),
    ("angle", angle_by_projection), ("angle", angle_by_eigenvalues),
    ("angle", lambda A, B: np.rad2deg(subspace_angles(A, B))[0]),
    ("best_error", error_by_rebuilding),
    ("best_error", lambda x, k: torch.linalg.eigvalsh(x.T @ x / len(x))[:-k].sum()),
    ("best_error", lambda x, k: torch.tensor([error_by_rebuilding(x.double(), k)])),
    ("two_nn", dimension_by_sklearn),
    ("two_nn", lambda points: 1 / torch.cdist(points, points).sort(1).values[:, 1:3].log().diff().mean()),
    ("trustworthiness", lambda x, z, k: manifold.trustworthiness(x, z, n_neighbors=k))]


@pytest.mark.parametrize(("name", "answer"), [("two_nn", dimension_by_loops), ("trustworthiness", trust_by_loops)])
def test_loops_over_points_pass_with_advice(name, answer):
    for seed in range(2):
        verdict = examine(BY_NAME[name], answer, seed)
        assert verdict.outcome == CORRECT, verdict.text
        assert "one at a time" in verdict.more


# ---- answers that are in no list ------------------------------------------------------------------------------------


def in_place(x, k):
    x -= x.mean(0)
    return x.mean(0), torch.linalg.svd(x)[2][:k], torch.linalg.svdvals(x)[:k] ** 2 / (len(x) - 1)


def unflipped(x, k):
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    return x.mean(0), vectors[:, -k:].T, values[-k:]


def rows_of_vectors(x, k):
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    return x.mean(0), vectors.flip(1)[:k], values.flip(0)[:k]


def smallest(x, k):
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    return x.mean(0), vectors[:, :k].T, values.flip(0)[:k]


def stretched(x, k):
    mean, axes, variances = BY_NAME["pca"].reference(x, k)
    return mean, axes * variances[:, None], variances


def by_power_iteration(x, k):
    """Find one axis after the other by ten steps of a power iteration."""
    C, axes = torch.cov(x.T), []
    for _ in range(k):
        v = torch.ones(x.shape[1])
        for _ in range(10):
            v = F.normalize(C @ v, dim=0)
        axes.append(v)
        C = C - (v @ C @ v) * torch.outer(v, v)
    axes = torch.stack(axes)
    return x.mean(0), axes, (axes @ torch.cov(x.T) * axes).sum(1)


def scaled_by_n(x, k):
    mean, axes, variances = BY_NAME["pca"].reference(x, k)
    return mean, axes, variances * 3


def axes_and_variances(away, k):
    _, S, Vh = torch.linalg.svd(away, full_matrices=False)
    return Vh[:k], S[:k] ** 2 / (len(away) - 1)


def not_centred_by_n(x, k):
    _, S, Vh = torch.linalg.svd(x, full_matrices=False)
    return x.mean(0), Vh[:k], S[:k] ** 2 / len(x)


def cosine_of_all(A, B):
    return ((A * B).sum(0) / (A.norm(dim=0) * B.norm(dim=0))).mean()


def cosines(A, B):
    return torch.linalg.svdvals(torch.linalg.qr(A)[0].T @ torch.linalg.qr(B)[0]).clamp(max=1)


def trust_ranks_in_map_from_zero(x, z, k):
    rank_x, rank_z = (torch.cdist(p, p).argsort(1).argsort(1) for p in (x, z))
    cost = (rank_z - k)[(rank_z <= k) & (rank_x > k)].sum()
    return 1 - 2 * cost / (len(x) * k * (2 * len(x) - 3 * k - 1))


def argsort_once(x, z, k, diagonal=0.0):
    rank, on_map = (torch.cdist(p, p).fill_diagonal_(diagonal).argsort(1) for p in (x, z))
    near = on_map[:, :k] if diagonal else on_map[:, 1:k + 1]
    cost = (rank.gather(1, near) + bool(diagonal) - k).clamp(min=0).sum().item()
    return 1 - 2 * cost / (len(x) * k * (2 * len(x) - 3 * k - 1))


def other_way_round(x, z, k):
    rank = torch.cdist(x, x).fill_diagonal_(-1).argsort(1).argsort(1)
    near = torch.cdist(z, z).fill_diagonal_(torch.inf).topk(k, largest=False).indices
    cost = (rank.T.gather(1, near) - k).clamp(min=0).sum().item()
    return 1 - 2 * cost / (len(x) * k * (2 * len(x) - 3 * k - 1))


def overlap(x, z, k):
    near_x, near_z = (torch.cdist(p, p).topk(k + 1, largest=False).indices[:, 1:] for p in (x, z))
    return (near_x[:, :, None] == near_z[:, None]).any(-1).float().mean()


def near_with_far_diagonal(points, far):
    near = (torch.cdist(points.double(), points.double()) + far * torch.eye(len(points))).sort(1).values
    return len(points) / (near[:, 1] / near[:, 0]).log().sum().item()


def trust_from_distances(x, z, k, far):
    n = len(x)
    ranks = (torch.cdist(x, x) + far * torch.eye(n)).argsort(1).argsort(1) + 1
    near = (torch.cdist(z, z) + far * torch.eye(n)).argsort(1)[:, :k]
    lost = (ranks.gather(1, near) - k).clamp(min=0).sum().item()
    return 1 - 2 * lost / (n * k * (2 * n - 3 * k - 1))


def trust_without_zeros(x, z, k):
    x_away, z_away = ((points[:, None] - points).norm(dim=-1) for points in (x, z))
    x_away, z_away = x_away.masked_fill(x_away == 0, 1e6), z_away.masked_fill(z_away == 0, 1e6)
    n = len(x)
    lost = ((x_away.argsort(1).argsort(1) + 1).gather(1, z_away.argsort(1)[:, :k]) - k).clamp(min=0).sum().item()
    return 1 - 2 * lost / (n * k * (2 * n - 3 * k - 1))


UNLISTED = [
    ("pca", in_place, "changes its input `x` in place"),
    ("pca", unflipped, "in reverse order"),
    ("pca", rows_of_vectors, "span another surface than PCA's: its axes are"),
    ("pca", scaled_by_n, "The variances are 3 times the right ones"),
    ("pca", not_centred_by_n, "Two things at once"),
    ("pca", lambda x, k: BY_NAME["pca"].reference(x, k)[1:], "It returns a tuple of 2; 3 are asked for"),
    ("pca", lambda x, k: tuple(p.numpy() for p in BY_NAME["pca"].reference(x, k)), "`mean` is a NumPy array"),
    ("pca", lambda x, k: torch.linalg.svd(x - x.mean(1), full_matrices=False), "brightness of each image"),
    ("pca", lambda x, k: torch.linalg.svd(x - x.mean(0), full_matrices=False), "has the shape"),
    ("pca", lambda x, k: torch.linalg.eigh(x), "takes a square matrix"),
    ("pca", lambda x, k: (x.mean(0), torch.eye(x.shape[1])[:k], x.var(0)[:k]), "Right: `mean`."),
    ("pca", lambda x, k: smallest(x, k), "`eigh` sorts upwards"),
    ("pca", stretched, "but they are not of length 1"),
    ("pca", by_power_iteration, "are nearly the right axes: each lies nearer"),
    ("pca", lambda x, k: BY_NAME["pca"].reference(x - x.mean(1, keepdim=True), k), "This is PCA of other images"),
    ("pca", lambda x, k: (x.mean().expand(x.shape[1]), *axes_and_variances(x - x.mean(), k)),
     "same grey level at every"),
    ("encode", lambda x, mean, axes: (x - mean) @ axes, "D must stand inside"),
    ("encode", lambda x, mean, axes: (x - mean) * axes, "the mean, (D,), goes with the images, (B, D)"),
    ("encode", lambda x, mean, axes: x - mean @ axes.T, "`@`, the matrix product, is worked out before"),
    ("encode", lambda x, mean, axes: ((x - mean) @ axes.T).T.reshape(len(x), -1),
     "numbers of several images are mixed"),
    ("encode", lambda x, mean, axes: ((x - mean) @ axes.T).numpy(), "a NumPy array"),
    ("encode", lambda x, mean, axes: 2 * (x - mean) @ axes.T, "2 times the right one"),
    ("encode", lambda x, mean, axes: (x + mean) @ axes.T / len(x), "Two things at once"),
    ("encode", lambda x, mean, axes: x @ axes.T - 2 * mean @ axes.T, "it enters 2 times what it should"),
    ("encode", lambda x, mean, axes: x.sub_(mean) @ axes.T, "changes its input `x` in place"),
    ("encode", lambda x, mean, axes: ((x - mean) @ axes.T).half(), "in their first digits only"),
    ("encode", lambda x, mean, axes: (x - mean) @ axes.reshape(-1, len(axes)), "numbers of several axes are mixed"),
    ("decode", lambda z, mean, axes: z @ axes.T.reshape(axes.shape) + mean, "numbers of several axes are mixed"),
    ("decode", lambda z, mean, axes: z @ axes.T + mean, "k must stand inside"),
    ("decode", lambda z, mean, axes: (z + mean) @ axes, "the mean belongs to the image"),
    ("decode", lambda z, mean, axes: z @ axes + 2 * mean, "it enters 2 times what it should"),
    ("decode", lambda z, mean, axes: sum(z[:, [j]] * axis + mean for j, axis in enumerate(axes)), "once for each axis"),
    ("decode", lambda z, mean, axes: (z - z.mean(0)) @ axes + mean, "their own mean over the batch"),
    ("decode", lambda z, mean, axes: torch.sigmoid(z @ axes), "Two things at once"),
    ("angle", lambda A, B: torch.rad2deg(torch.acos(torch.linalg.svdvals(A.T @ B)).max()),
     "by QR. 2. Of two equal spaces"),
    ("angle", lambda A, B: float(np.rad2deg(subspace_angles(A, B)).mean()), "the mean of the angles"),
    ("angle", cosine_of_all, "This is the cosine."),
    ("angle", lambda A, B: 0.0 if torch.allclose(A, B) else float(np.rad2deg(subspace_angles(A, B)[0])),
     "wrong for very short"),
    ("best_error", lambda x, k: torch.linalg.svdvals(x).square()[k if k <= len(x) else 2:].sum().item() / len(x),
     "fewer numbers than there are images"),
    ("two_nn", lambda points: near_with_far_diagonal(points, 10), "wrong where they go up to 100,000"),
    ("trustworthiness", trust_without_zeros, "each is there twice"),
    ("trustworthiness", lambda x, z, k: trust_from_distances(x, z, k, 1000), "wrong where they go up to 50,000"),
    ("angle", lambda A, B: cosines(A, B).min().clamp(max=0.999).acos().rad2deg(), "are cut off at 0.999"),
    ("angle", lambda A, B: cosines(A, B).min().clamp(max=0.997).acos().rad2deg(), "8° apart or more, and wrong where"),
    ("angle", lambda A, B: subspace_angles(A, B)[0], "in radians; degrees"),
    ("angle", lambda A, B: np.rad2deg(subspace_angles(A, B)), "it should return one number"),
    ("angle", lambda A, B: 180 - angle_by_projection(A, B), "lies from 0° to 90°"),
    ("angle", lambda A, B: torch.rad2deg(cosines(A, B).min().asin()), "you take the arc sine of the smallest"),
    ("angle", lambda A, B: cosines(A, B).min().acos() * 180, "do not divide by π"),
    ("angle", lambda A, B: torch.rad2deg(cosines(A, B).square().min().acos()), "arc cosine of squared cosines"),
    ("angle", lambda A, B: torch.rad2deg(torch.linalg.svdvals(
        torch.linalg.svd(A, full_matrices=False).Vh @ torch.linalg.svd(B, full_matrices=False).Vh).clamp(max=1).min(
        ).acos()), "It gives less than 0.1° for any two spaces"),
    ("angle", lambda A, B: torch.deg2rad(angle_by_eigenvalues(A, B)).deg2rad(), "turned into radians once too often"),
    ("angle", lambda A, B: round(float(angle_by_eigenvalues(A, B))), "return the angle as it comes"),
    ("angle", lambda A, B: 90 - angle_by_eigenvalues(A, B) / 2, "none of the usual mistakes"),
    ("angle", lambda A, B: angle_by_projection(A, B) * 0 + 45, "same result for every input"),
    ("best_error", lambda x, k: error_by_rebuilding(x - x.mean(0), k), "This is PCA's error"),
    ("best_error", lambda x, k: error_by_rebuilding(x, k) / 2, "0.5 times the right one"),
    ("best_error", lambda x, k: error_by_rebuilding(x, k) - 0.01 * x.mean(), "no network of this form"),
    ("best_error", lambda x, k: torch.linalg.svdvals(x)[k:].square().mean(), "by their number"),
    ("best_error", lambda x, k: (x - x @ (V := torch.linalg.svd(x)[2][:k]).T @ V).norm(dim=1).mean(), "distances"),
    ("best_error", lambda x, k: (x**2).sum(1).mean() * 0.9, "there is a better network"),
    ("best_error", lambda x, k: torch.linalg.svdvals(x)[k:] ** 2 / len(x), "returns a tensor of the shape"),
    ("two_nn", lambda points: 1 / torch.cdist(points, points).fill_diagonal_(torch.inf).sort(1).values[:, 1:3].log(
        ).diff().mean(), "infinity was put on the diagonal, they stand at 0 and 1"),
    ("two_nn", lambda points: torch.tensor(dimension_by_sklearn(points)) * 1.5, "1.5 times the right one"),
    ("two_nn", lambda points: round(dimension_by_sklearn(points)), "return the dimension as it comes"),
    ("two_nn", lambda points: points.shape[1], "the number of coordinates"),
    ("two_nn", lambda points: dimension_by_sklearn(points.float()), "computed in single precision"),
    ("two_nn", lambda points: min(dimension_by_sklearn(points), points.shape[1]), "cut off at the number of"),
    ("two_nn", lambda points: 1 / (torch.cdist(points, points) + torch.eye(len(points))).sort(1).values[:, :2].log(
        ).diff().mean(), "none of the usual mistakes"),
    ("best_error", lambda x, k: (x - (x @ (V := torch.linalg.svd(x)[2][:k]).T @ V).clamp(0, 1)).square().sum(1).mean(),
     "cut off at 0 and 1"),
    ("angle", lambda A, B: torch.linalg.svdvals(torch.linalg.qr(A)[0].T @ torch.linalg.qr(B)[0]).min().acos().rad2deg(),
     "wrong where they are the same"),
    ("two_nn", lambda points: 1 / torch.cdist(points, points).sort(1).values[:, :2].log().diff().mean(), "itself"),
    ("two_nn", lambda points: 1 / torch.cdist(points, points).sort(1).values[:, 2:5:2].log().diff().mean(),
     "neighbours number 2 and 4"),
    ("trustworthiness", lambda x, z, k: 1 - 2 / len(x) * k * (2 * len(x) - 3 * k - 1) * torch.tensor((
        1 - manifold.trustworthiness(x, z, n_neighbors=k)) * len(x) * k * (2 * len(x) - 3 * k - 1) / 2).round(),
     "The denominator lacks its parentheses"),
    ("two_nn", lambda points: dimension_by_sklearn(points) * points.shape[1] / len(points), "D, stands where N"),
    ("encode", lambda x, mean, axes: (x - mean) @ axes.T * (torch.arange(len(axes)) == 0),
     "does the `return` stand inside the loop"),
    ("trustworthiness", trust_ranks_in_map_from_zero, "ranks are those on the map"),
    ("trustworthiness", argsort_once, "`argsort` of the `argsort`"),
    ("trustworthiness", lambda x, z, k: argsort_once(x, z, k, float("inf")), "`argsort` of the `argsort`"),
    ("trustworthiness", other_way_round, "You add up r(j, i)"),
    ("trustworthiness", lambda x, z, k: manifold.trustworthiness(x, z, n_neighbors=k, metric="manhattan"),
     "Manhattan distances"),
    ("trustworthiness", lambda x, z, k: 1 - (1 - manifold.trustworthiness(x, z, n_neighbors=k)) ** 2,
     "none of the usual mistakes"),
    ("trustworthiness", overlap, "You count the intruders"),
    ("trustworthiness", lambda x, z, k: manifold.trustworthiness(z, x, n_neighbors=k), "roles of the data and the map"),
    ("trustworthiness", lambda x, z, k: torch.cdist(x, x).argsort(1), "returns a tensor of the shape"),
    ("trustworthiness", lambda x, z, k: torch.cdist(x, z), "raises"),
]


def test_equal_spaces_are_told_apart_from_a_wrong_angle():
    def angle(A, B):
        value = angle_by_projection(A, B)
        return value if value > 1 else 5.0

    assert "wrong where they are the same" in examine(BY_NAME["angle"], angle, 0).says


def test_the_sign_of_an_axis_is_free():
    def pca(x, k):
        mean, axes, variances = BY_NAME["pca"].reference(x, k)
        return mean, axes * torch.where(torch.rand(k, 1) < 0.5, -1, 1), variances

    for seed in range(5):
        assert examine(BY_NAME["pca"], pca, seed).outcome == CORRECT
