"""Lab 03's checks: right answers pass in every form, each known mistake gets its own sentence, the rest a true one."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import subspace_angles
from scipy.spatial.distance import cdist
from sklearn import manifold
from sklearn.neighbors import NearestNeighbors

from aecourse.check import lab03
from aecourse.check.engine.exercise import CORRECT
from aecourse.check.engine.lab import examine

BY_NAME = {exercise.name: exercise for exercise in lab03.EXERCISES}
NAMED = {"angle": 0.6}  # of many pairs, one covers the other


# ---- right answers --------------------------------------------------------------------------------------------------


def distances_by_pythagoras(x, means, axes):
    away = x[:, None] - means  # (B, C, D)
    return away.square().sum(-1) - torch.einsum("bcd,ckd->bck", away, axes).square().sum(-1)


def distances_by_products(x, means, axes):
    away = x - means[:, None]  # (C, B, D)
    return (away - away @ axes.mT @ axes).square().sum(-1).T


def distances_by_projectors(x, means, axes):
    rest = torch.eye(x.shape[1]) - axes.mT @ axes  # (C, D, D)
    return torch.stack([((x - m) @ r).norm(dim=1) ** 2 for m, r in zip(means, rest, strict=True)], dim=-1)


def distances_in_numpy(x, means, axes):
    x, means, axes = x.numpy(), means.numpy(), axes.numpy()
    out = np.empty((len(x), len(means)), dtype=np.float32)
    for c in range(len(means)):
        z = (x - means[c]) @ axes[c].T
        out[:, c] = ((x - means[c] - z @ axes[c]) ** 2).sum(1)
    return torch.from_numpy(out)


def distances_in_place(x, means, axes):
    out = torch.zeros(len(x), len(means))
    for c, (mean, own) in enumerate(zip(means, axes, strict=True)):
        left = x.clone()
        left -= mean
        for axis in own:
            left -= (left @ axis)[:, None] * axis
        out[:, c] = F.mse_loss(left, torch.zeros_like(left), reduction="none").sum(1)
    return out


def fill_by_pinv(x, seen, mean, axes):
    filled = x.clone()
    z = (x[:, seen] - mean[seen]) @ torch.linalg.pinv(axes[:, seen])
    filled[:, ~seen] = z @ axes[:, ~seen] + mean[~seen]
    return filled


def fill_by_normal_equations(x, seen, mean, axes):
    A = axes.double() * seen
    z = torch.linalg.solve(A @ A.T, A @ torch.where(seen, x - mean, 0).double().T).T
    return torch.where(seen, x.double(), mean + z @ axes.double())


def fill_by_qr(x, seen, mean, axes):
    Q, R = torch.linalg.qr(axes[:, seen].T)
    z = torch.linalg.solve_triangular(R, Q.T @ (x - mean)[:, seen].T, upper=True)
    return x * seen + (mean + z.T @ axes) * ~seen


def fill_in_numpy(x, seen, mean, axes):
    v = seen.numpy()
    out = x.numpy().copy()
    z = np.linalg.lstsq(axes.numpy()[:, v].T, (x - mean).numpy()[:, v].T, rcond=None)[0]
    out[:, ~v] = (mean.numpy() + z.T @ axes.numpy())[:, ~v]
    return torch.from_numpy(out)


def fill_by_rounds(x, seen, mean, axes, rounds=400):
    filled = torch.where(seen, x, mean).double()
    for _ in range(rounds):
        filled = torch.where(seen, x, mean + (filled - mean) @ axes.double().T @ axes.double())
    return filled.float()


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


def dimension_by_sklearn(points, k):
    r = NearestNeighbors(n_neighbors=k).fit(points).kneighbors()[0]
    return 1 / np.mean(np.log(r[:, [k - 1]] / r[:, :k - 1]))


def dimension_by_sorting(points, k):
    logs = torch.cdist(points, points).sort(1).values[:, 1:k + 1].log()
    return (k - 1) / (logs[:, -1:] - logs).sum(1).mean()


def dimension_by_estimates(points, k):
    away = torch.linalg.vector_norm(points[:, None] - points[None], dim=2)
    away[range(len(points)), range(len(points))] = float("inf")
    T = away.kthvalue(k, dim=1).values
    inside = [torch.log(t / torch.sort(row).values[:k - 1]) for t, row in zip(T, away, strict=True)]
    each = 1 / torch.stack([logs.sum() / (k - 1) for logs in inside])
    return len(each) / (1 / each).sum()


def dimension_in_numpy(points, k):
    p = points.numpy()
    away = np.sqrt(((p[:, None] - p[None]) ** 2).sum(-1))
    near = np.sort(away + np.diag(np.full(len(p), np.inf)), axis=1)[:, :k]
    return float(1 / np.log(near[:, -1:] / near[:, :-1]).mean())


def dimension_by_loops(points, k):
    total = 0.0
    for i, p in enumerate(points):
        r = sorted(float((p - q).norm()) for j, q in enumerate(points) if j != i)[:k]
        total += sum(np.log(r[-1] / t) for t in r[:-1]) / (k - 1)
    return len(points) / total


def trust_front(x, z, k):
    n = len(x)
    rank_x, rank_z = (torch.cdist(p, p).fill_diagonal_(-1).argsort(1).argsort(1) for p in (x, z))
    return 1 - 2 * ((rank_x - k).clamp(min=0) * ((rank_z >= 1) & (rank_z <= k))).sum() / (n * k * (2 * n - 3 * k - 1))


def trust_by_sets(x, z, k):
    n, cost = len(x), 0
    by_x, by_z = (torch.cdist(p, p).fill_diagonal_(torch.inf).argsort(1).tolist() for p in (x, z))
    for mine, on_map in zip(by_x, by_z, strict=True):
        cost += sum(mine.index(j) + 1 - k for j in set(on_map[:k]) - set(mine[:k]))
    return 1 - 2 * cost / (n * k * (2 * n - 3 * k - 1))


def trust_by_counting(x, z, k):
    n, away = len(x), torch.cdist(x, x)
    away.fill_diagonal_(-1.0)
    near = torch.cdist(z, z).fill_diagonal_(1e30).topk(k, largest=False).indices
    rank = (away[:, None] < away.gather(1, near)[:, :, None]).sum(-1)  # how many lie nearer, itself among them
    return float(1 - (rank - k).clamp(min=0).sum() * 2 / (n * k * (2 * n - 3 * k - 1)))


def trust_in_numpy(x, z, k):
    n = len(x)
    dx, dz = (np.linalg.norm(p.numpy()[:, None] - p.numpy(), axis=-1) for p in (x, z))
    for d in (dx, dz):
        np.fill_diagonal(d, np.inf)
    rank = dx.argsort(1).argsort(1) + 1
    cost = sum(max(rank[i, j] - k, 0) for i in range(n) for j in dz[i].argsort()[:k])
    return 1 - 2 * cost / (n * k * (2 * n - 3 * k - 1))


def trust_by_loops(x, z, k):
    n, cost = len(x), 0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        by_x = sorted(others, key=lambda j: float((x[i] - x[j]).norm()))
        for j in sorted(others, key=lambda j: float((z[i] - z[j]).norm()))[:k]:
            cost += max(by_x.index(j) + 1 - k, 0)
    return 1 - 2 * cost / (n * k * (2 * n - 3 * k - 1))


RIGHT = [
    ("distances", distances_by_pythagoras), ("distances", distances_by_products),
    ("distances", distances_by_projectors), ("distances", distances_in_numpy), ("distances", distances_in_place),
    ("distances", lambda x, means, axes: distances_by_pythagoras(x.double(), means.double(), axes.double())),
    ("fill_in", fill_by_pinv), ("fill_in", fill_by_normal_equations), ("fill_in", fill_by_qr),
    ("fill_in", fill_in_numpy), ("fill_in", fill_by_rounds),
    ("fill_in", lambda x, seen, mean, axes: torch.cat([BY_NAME["fill_in"].reference(part, seen, mean, axes)
                                                       for part in x.split(20)])),
    ("angle", angle_by_projection), ("angle", angle_by_eigenvalues),
    ("angle", lambda A, B: np.rad2deg(subspace_angles(A, B))[0]),
    ("best_error", error_by_rebuilding),
    ("best_error", lambda x, k: torch.linalg.eigvalsh(x.T @ x / len(x))[:-k].sum()),
    ("best_error", lambda x, k: torch.tensor([error_by_rebuilding(x.double(), k)])),
    ("dimension", dimension_by_sklearn), ("dimension", dimension_by_sorting), ("dimension", dimension_in_numpy),
    ("dimension", lambda points, k: torch.tensor([[dimension_by_sklearn(points.double(), k)]])),
    ("dimension", lambda points, k: 1 / np.mean([np.log(T[k] / T[1:k]).mean() for T in np.sort(
        cdist(points.numpy(), points.numpy()), 1)])),
    ("trustworthiness", trust_front), ("trustworthiness", trust_by_sets), ("trustworthiness", trust_by_counting),
    ("trustworthiness", trust_in_numpy),
    ("trustworthiness", lambda x, z, k: manifold.trustworthiness(x, z, n_neighbors=k)),
    ("trustworthiness", lambda x, z, k: torch.tensor(manifold.trustworthiness(x.double(), z.double(), n_neighbors=k)))]


@pytest.mark.parametrize(("name", "answer"), [
    ("dimension", dimension_by_loops), ("dimension", dimension_by_estimates), ("trustworthiness", trust_by_loops)])
def test_loops_over_points_pass_with_advice(name, answer):
    for seed in range(2):
        verdict = examine(BY_NAME[name], answer, seed)
        assert verdict.outcome == CORRECT, verdict.text
        assert "one at a time" in verdict.more


# ---- answers that are in no list ------------------------------------------------------------------------------------


def without_the_mean_in_the_code(x, means, axes):
    return torch.stack([(x - x @ own.T @ own - mean).square().sum(1) for mean, own in zip(means, axes, strict=True)], 1)


def to_the_first(x, means, axes):
    for mean, own in zip(means, axes, strict=True):
        away = x - mean
        return (away - away @ own.T @ own).square().sum(1)


def to_the_last(x, means, axes):
    for mean, own in zip(means, axes, strict=True):
        away = x - mean
        table = [(away - away @ own.T @ own).square().sum(1)] * len(means)
    return torch.stack(table, 1)


def axes_in_turn(x, means, axes):
    """Project on each axis and add the errors up: each of the k errors contains the whole image but one direction."""
    away = x[:, None] - means
    return sum((away - (away * axes[:, j]).sum(-1, keepdim=True) * axes[:, j]).square().sum(-1)
               for j in range(axes.shape[1])) + 0 * away[..., 0]


def changed_in_place(x, means, axes):
    table = []
    for mean, own in zip(means, axes, strict=True):
        x -= mean
        table.append((x - x @ own.T @ own).square().sum(1))
    return torch.stack(table, 1)


def no_axes_raise(x, means, axes):
    return torch.stack([distances_by_pythagoras(x, m[None], a[None])[:, 0] + 0 * a.amax() for m, a in zip(
        means, axes, strict=True)], 1)


def zero_without_axes(x, means, axes):
    return distances_by_pythagoras(x, means, axes) * bool(axes.shape[1])


def fill_batch_means(x, seen, mean, axes):
    return torch.where(seen, x, x[:, seen].mean(1, keepdim=True).expand_as(x))


def fill_nearest_visible(x, seen, mean, axes):
    places = torch.arange(len(seen))
    nearest = (places[:, None] - places[seen]).abs().argmin(1)
    return x[:, seen][:, nearest]


def fill_orthonormal(x, seen, mean, axes):
    Q = torch.linalg.qr(axes[:, seen].T)[0]  # a basis, taken for the axes
    return torch.where(seen, x, mean + (x - mean)[:, seen] @ Q @ axes)


def fill_rescaled(x, seen, mean, axes):
    cut = axes[:, seen] / axes[:, seen].norm(dim=1, keepdim=True)
    return torch.where(seen, x, mean + (x - mean)[:, seen] @ cut.T @ axes)


def fill_into_the_input(x, seen, mean, axes):
    x[:, ~seen] = BY_NAME["fill_in"].reference(x, seen, mean, axes)[:, ~seen]
    return x


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


def near_with_far_diagonal(points, k, far):
    near = (torch.cdist(points.double(), points.double()) + far * torch.eye(len(points))).sort(1).values[:, :k]
    return 1 / (near[:, -1:] / near[:, :-1]).log().mean().item()


def neighbours(points, k):
    return torch.cdist(points.double(), points.double()).fill_diagonal_(torch.inf).sort(1).values[:, :k]


def near_with_something(points, k, small, way, near=neighbours):
    T = near(points, k)
    T = T.clamp(min=small) if way == "bound" else T + small
    return 1 / (T[:, -1:] / T[:, :-1]).log().mean().item()


def near_with_itself(points, k, small, way):
    return near_with_something(points, k, small, way, lambda points, k: torch.cdist(
        points, points).sort(1).values[:, :k])


def trust_one_more(x, z, k):
    n, rank = len(x), torch.cdist(x, x).argsort(1).argsort(1) + 1
    near = torch.cdist(z, z).fill_diagonal_(torch.inf).topk(k, largest=False).indices
    return 1 - 2 * (rank.gather(1, near) - k).clamp(min=0).sum().item() / (n * k * (2 * n - 3 * k - 1))


def trust_sizes_of_map_ranks(x, z, k):
    n, (by_x, by_z) = len(x), (torch.cdist(p, p).fill_diagonal_(-1).argsort(1).argsort(1) for p in (x, z))
    cost = (by_z - k).abs()[(by_z > 0) & (by_z <= k) & (by_x > k)].sum().item()
    return 1 - 2 * cost / (n * k * (2 * n - 3 * k - 1))


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
    ("distances", without_the_mean_in_the_code, "The mean is not subtracted before the product"),
    ("distances", lambda x, means, axes: torch.cdist(x, means) ** 2 - torch.einsum(
        "bd,ckd->bck", x, axes).square().sum(-1), "The code counts from the mean too"),
    ("distances", to_the_first, "Does the `return` stand inside the loop"),
    ("distances", to_the_last, "none of the usual mistakes"),
    ("distances", axes_in_turn, "None of your distances is below"),
    ("distances", changed_in_place, "changes its input `x` in place"),
    ("distances", no_axes_raise, "raises"),
    ("distances", zero_without_axes, "wrong for k = 0"),
    ("distances", lambda x, means, axes: torch.cdist(x, means), "Two things at once"),
    ("distances", lambda x, means, axes: distances_by_pythagoras(x, means, axes).sqrt() / len(x), "Two things at once"),
    ("distances", lambda x, means, axes: distances_by_pythagoras(x, means, axes).sum(1), "You add up the distances"),
    ("distances", lambda x, means, axes: distances_by_pythagoras(x, means, axes).squeeze(), "It returns the shape"),
    ("distances", lambda x, means, axes: x - means, "Two shapes do not go together"),
    ("distances", lambda x, means, axes: (x - means[0]) @ axes[0], "shapes cannot be multiplied"),
    ("distances", lambda x, means, axes: distances_by_pythagoras(x, means, axes).numpy(), "a NumPy array"),
    ("distances", lambda x, means, axes: distances_by_pythagoras(x, means, axes) * 1.5, "1.5 times the right one"),
    ("distances", lambda x, means, axes: distances_by_pythagoras(x, means, axes) + 0.1, "None of your distances is"),
    ("distances", lambda x, means, axes: list(distances_by_pythagoras(x, means, axes).T), "have changed"),
    ("fill_in", fill_batch_means, "The hidden ones do not lie on the surface"),
    ("fill_in", fill_nearest_visible, "The hidden ones do not lie on the surface"),
    ("fill_in", fill_orthonormal, "belong to another code"),
    ("fill_in", fill_rescaled, "belong to another code"),
    ("fill_in", fill_into_the_input, "changes its input `x` in place"),
    ("fill_in", lambda x, seen, mean, axes: fill_by_rounds(x, seen, mean, axes, 5), "belong to another code"),
    ("fill_in", lambda x, seen, mean, axes: mean + (x - mean) @ axes.T @ axes, "Two things at once"),
    ("fill_in", lambda x, seen, mean, axes: torch.where(seen, x, mean), "those of the mean image"),
    ("fill_in", lambda x, seen, mean, axes: fill_by_pinv(x, seen, mean, axes).round(decimals=2), "to 2 digits"),
    ("fill_in", lambda x, seen, mean, axes: fill_by_pinv(x, ~seen, mean, axes), "exchanged everywhere"),
    ("fill_in", lambda x, seen, mean, axes: torch.linalg.lstsq(axes[:, seen], (x - mean)[:, seen].T), "raises"),
    ("fill_in", lambda x, seen, mean, axes: torch.linalg.solve(axes[:, seen].T, (x - mean)[:, seen].T),
     "take a square matrix"),
    ("fill_in", lambda x, seen, mean, axes: (x - mean)[:, seen] @ axes.T, "Over the V visible pixels"),
    ("fill_in", lambda x, seen, mean, axes: x[:, seen] - mean, "either all parts are cut"),
    ("fill_in", lambda x, seen, mean, axes: fill_by_pinv(x, seen, mean, axes).squeeze(), "It returns the shape"),
    ("fill_in", lambda x, seen, mean, axes: fill_by_pinv(x, seen, mean, axes) if len(axes) < seen.sum() else x,
     "wrong where there are as many"),
    ("fill_in", lambda x, seen, mean, axes: fill_by_pinv(x, seen, mean, axes) if (~seen).any() else 0 * x,
     "wrong where none is"),
    ("angle", lambda A, B: torch.rad2deg(torch.acos(torch.linalg.svdvals(A.T @ B)).max()),
     "by QR. 2. Of two equal spaces"),
    ("angle", lambda A, B: float(np.rad2deg(subspace_angles(A, B)).mean()), "the mean of the angles"),
    ("angle", cosine_of_all, "This is the cosine."),
    ("angle", lambda A, B: 0.0 if torch.allclose(A, B) else float(np.rad2deg(subspace_angles(A, B)[0])),
     "wrong for very short"),
    ("best_error", lambda x, k: torch.linalg.svdvals(x).square()[k if k <= len(x) else 2:].sum().item() / len(x),
     "fewer numbers than there are images"),
    ("dimension", lambda points, k: dimension_by_sorting(points, k + 1), "k + 1 neighbours of each point"),
    ("dimension", lambda points, k: dimension_by_sklearn(points, 2), "You use 2 neighbours whatever k is"),
    ("dimension", lambda points, k: dimension_by_sklearn(points, k) * 1.5, "1.5 times the right one"),
    ("dimension", lambda points, k: round(dimension_by_sklearn(points, k)), "return the dimension as it comes"),
    ("dimension", lambda points, k: points.shape[1], "the number of coordinates"),
    ("dimension", lambda points, k: dimension_by_sklearn(points.float(), k), "computed in single precision"),
    ("dimension", lambda points, k: min(dimension_by_sklearn(points, k), points.shape[1]), "cut off at the number of"),
    *(("dimension", lambda points, k, small=small, way=way: near_with_itself(points, k, small, way),
       "a small number stands in place of this 0") for small in (1e-12, 1e-5) for way in ("bound", "add")),
    *(("dimension", lambda points, k, way=way: near_with_something(points, k, 1e-6, way),
       "wrong in double precision where some are as close as 5e-8") for way in ("bound", "add")),
    ("dimension", lambda points, k: 1 / torch.diff(
        neighbours(points, k).log()[:, -2:]).mean().item(), "T_k/T_{k−1}"),
    ("dimension", lambda points, k: near_with_far_diagonal(points, k, 10), "wrong where they go up to 100,000"),
    ("dimension", lambda points, k: near_with_far_diagonal(points, k, 1), "none of the usual mistakes"),
    ("dimension", lambda points, k: 1 / torch.cdist(points, points).sort(1).values[:, :k].log().diff().mean(),
     "The point itself is taken"),
    ("dimension", lambda points, k: -dimension_by_sorting(points, k), "It is negative"),
    ("dimension", lambda points, k: k / torch.cdist(points, points).topk(k).values.log().diff().sum(1).mean(),
     "You take the k furthest points"),
    ("dimension", lambda points, k: (k - 1) / torch.cdist(points, points).topk(
        k + 1, largest=False).values[:, [1, k]].log().diff().mean(), "or log(T_k/T_1) is divided by k − 1"),
    ("dimension", lambda points, k: (k - 2) / (k - 1) * dimension_by_sorting(points, k), "You divide by k − 2"),
    ("dimension", lambda points, k: torch.cdist(points, points).topk(len(points) + 1).values.mean(), "only N points"),
    ("dimension", lambda points, k: 1 / np.log(dimension_by_sklearn(points, k)), "none of the usual mistakes"),
    ("dimension", lambda points, k: len(points) / torch.cdist(points, points).sort(1).values[:, 1:k + 1].log().diff(
        ).sum(), "You use the ratio T_k/T_1 alone"),
    ("trustworthiness", trust_without_zeros, "all points and all their places differ, and wrong where two points"),
    ("trustworthiness", lambda x, z, k: trust_one_more(x, z, k), "All ranks in the data are one too large"),
    ("trustworthiness", trust_sizes_of_map_ranks, "the size of rank minus k"),
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
    ("best_error", lambda x, k: torch.linalg.svdvals(x)[k - x.shape[1]:].square().sum().item() / len(x),
     "You take the last D − k singular values"),
    ("angle", lambda A, B: F.cosine_similarity(A, B, dim=0).abs().min().clamp(max=1).acos().rad2deg(),
     "and take the smallest cosine"),
    ("fill_in", lambda x, seen, mean, axes: torch.where(seen, x, fill_by_pinv(
        x.mean(0, keepdim=True), seen, mean, axes)), "All images get the same code"),
    ("best_error", lambda x, k: error_by_rebuilding(x - x.mean(0), k), "This is PCA's error"),
    ("best_error", lambda x, k: error_by_rebuilding(x, k) / 2, "0.5 times the right one"),
    ("best_error", lambda x, k: error_by_rebuilding(x, k) - 0.01 * x.mean(), "no network of this form"),
    ("best_error", lambda x, k: torch.linalg.svdvals(x)[k:].square().mean(), "by their number"),
    ("best_error", lambda x, k: (x - x @ (V := torch.linalg.svd(x)[2][:k]).T @ V).norm(dim=1).mean(), "distances"),
    ("best_error", lambda x, k: (x**2).sum(1).mean() * 0.9, "there is a better network"),
    ("best_error", lambda x, k: torch.linalg.svdvals(x)[k:] ** 2 / len(x), "returns a tensor of the shape"),
    ("best_error", lambda x, k: (x - (x @ (V := torch.linalg.svd(x)[2][:k]).T @ V).clamp(0, 1)).square().sum(1).mean(),
     "cut off at 0 and 1"),
    ("angle", lambda A, B: torch.linalg.svdvals(torch.linalg.qr(A)[0].T @ torch.linalg.qr(B)[0]).min().acos().rad2deg(),
     "wrong where they are the same"),
    ("trustworthiness", lambda x, z, k: 1 - 2 / len(x) * k * (2 * len(x) - 3 * k - 1) * torch.tensor((
        1 - manifold.trustworthiness(x, z, n_neighbors=k)) * len(x) * k * (2 * len(x) - 3 * k - 1) / 2).round(),
     "The denominator lacks its parentheses"),
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


def drop_first(points, k, way):
    away = torch.cdist(points, points)
    return {"sort": lambda: away.argsort(1)[:, 1:k + 1], "topk": lambda: away.topk(k + 1, largest=False).indices[:, 1:],
            "stable": lambda: away.argsort(dim=1, stable=True)[:, 1:k + 1]}[way]()


@pytest.mark.parametrize("way", ["sort", "topk", "stable"])
def test_the_first_of_a_sorted_row_is_not_taken_for_the_point_itself(way):
    def trustworthiness(x, z, k):
        n, rank = len(x), torch.cdist(x, x).fill_diagonal_(-1).argsort(1).argsort(1)
        cost = (rank.gather(1, drop_first(z, k, way)) - k).clamp(min=0).sum().item()
        return 1 - 2 * cost / (n * k * (2 * n - 3 * k - 1))

    for seed in range(60):
        verdict = examine(BY_NAME["trustworthiness"], trustworthiness, seed)
        assert "wrong where two points lie at one place" in verdict.says, f"seed {seed}"


def test_scikit_learn_agrees_where_two_points_lie_at_one_place():
    exercise = BY_NAME["trustworthiness"]
    for seed in range(20):
        x, z, k = exercise.draw(torch.Generator().manual_seed(seed), 8).args
        assert len(z.unique(dim=0)) == 5
        assert len(x.unique(dim=0)) == 10
        assert exercise.reference(x, z, k) == pytest.approx(trust_by_loops(x, z, k))
        assert exercise.oracle(x, z, k) == pytest.approx(trust_by_loops(x, z, k))
