"""Lab 05's checks: right answers pass in every form, and wrong ones that are in no list get a true sentence."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from sklearn.metrics.pairwise import cosine_similarity

from aecourse.check import lab05

BY_NAME = {exercise.name: exercise for exercise in lab05.EXERCISES}
NAMED = {"batch_top_k": 0.55}  # of many pairs, one covers the other


# ---- right answers --------------------------------------------------------------------------------------------------


def off_by_loop(off, z):
    for image in z:
        off = torch.where(image != 0, 0, off + 1)
    return off


def off_by_flip(off, z):
    on = (z != 0).flip(0)
    return torch.where(on.any(dim=0), on.int().argmax(dim=0), off + z.shape[0])


def off_by_cumsum(off, z):
    since = (z.bool().flip(0).cumsum(0) == 0).sum(0)
    return since + off * (since == len(z))


def off_by_cumprod(off, z):
    rows = torch.cat([off[None], (z == 0).long()])
    silent = rows[1:].flip(0).cumprod(0)
    return silent.sum(0) + silent[-1] * rows[0]


def off_in_numpy(off, z):
    off, on = off.numpy(), z.numpy() != 0
    last = np.where(on.any(0), len(on) - 1 - np.argmax(on[::-1], axis=0), -1 - off)
    return torch.from_numpy(len(on) - 1 - last)


def off_by_scatter(off, z):
    images, units = z.nonzero(as_tuple=True)
    last = (-1 - off).scatter_reduce(0, units, images, "amax")
    return len(z) - 1 - last


def off_by_cummax(off, z):
    places = torch.arange(len(z))[:, None].expand(z.shape).masked_fill(z.abs() == 0, -1)
    last = places.cummax(0).values[-1]
    new = off + len(z)
    new[last >= 0] = len(z) - 1 - last[last >= 0]
    return new


def off_in_place_on_a_clone(off, z):
    new = off.clone()
    for i in range(len(z)):
        new += 1
        new[z[i] != 0] = 0
    return new


def ista_by_autograd(h, x, atoms, step, weight):
    with torch.enable_grad():
        code = h.clone().requires_grad_()
        (0.5 * (x - code @ atoms).pow(2).sum()).backward()
    return F.relu(h - step * (code.grad + weight))


def ista_by_gram(h, x, atoms, step, weight):
    return torch.clamp(h - step * (h @ (atoms @ atoms.T) - x @ atoms.T + weight), min=0.0)


def ista_by_einsum(h, x, atoms, step, weight):
    left = x - torch.einsum("bk,kd->bd", h, atoms)
    new = h + step * torch.einsum("bd,kd->bk", left, atoms)
    return torch.where(new > step * weight, new - step * weight, torch.zeros_like(new))


def ista_by_softshrink(h, x, atoms, step, weight):
    return F.softshrink(F.linear(F.linear(h, atoms.T).sub(x), atoms).mul(-step).add(h), step * weight).relu()


def ista_in_numpy(h, x, atoms, step, weight):
    h, x, atoms = (t.double().numpy() for t in (h, x, atoms))
    return torch.from_numpy(np.maximum(h + step * (x - h @ atoms) @ atoms.T - step * weight, 0))


def ista_as_a_layer(h, x, atoms, step, weight):
    recurrent = torch.eye(len(atoms)) - step * atoms @ atoms.T
    return (h @ recurrent + step * x @ atoms.T - step * weight).relu_()


def budget_by_threshold(h, k):
    bar = h.reshape(-1).topk(k * h.shape[0]).values[-1]
    return torch.where(h >= bar, h, torch.zeros_like(h))


def budget_by_kthvalue(h, k):
    bar = h.flatten().kthvalue(h.numel() - k * len(h) + 1).values
    return h * (h >= bar).float()


def budget_by_places(h, k):
    mask = torch.zeros(h.numel(), dtype=torch.float64)
    mask[h.flatten().argsort(descending=True)[:len(h) * k]] = 1
    return mask.view_as(h) * h


def budget_by_ranks(h, k):
    ranks = (-h).flatten().argsort().argsort().reshape(h.shape)
    return h.masked_fill(ranks >= k * len(h), 0)


def budget_by_unravel(h, k):
    rows, columns = torch.unravel_index(h.flatten().topk(k * len(h)).indices, h.shape)
    return torch.zeros_like(h).index_put((rows, columns), h[rows, columns])


def budget_through_numpy(h, k):
    bar = float(np.partition(h.detach().numpy(), h.numel() - k * len(h), axis=None)[h.numel() - k * len(h)])
    return h * (h >= bar)


def matched_by_broadcast(found, planted):
    table = F.cosine_similarity(planted[:, None], found[None], dim=-1)
    rows, columns = linear_sum_assignment(1 - table)
    return torch.zeros(len(planted)).index_put((torch.as_tensor(rows),), table[rows, columns])


def matched_by_sklearn(found, planted):
    table = cosine_similarity(found.numpy(), planted.numpy())
    mine, theirs = linear_sum_assignment(-table)
    out = np.zeros(len(planted))
    out[theirs] = table[mine, theirs]
    return torch.tensor(out, dtype=torch.float32)


def matched_in_a_square(found, planted):
    table = F.normalize(planted) @ F.normalize(found).T
    wide = F.pad(table, (0, max(0, len(planted) - len(found)), 0, max(0, len(found) - len(planted))))
    rows, columns = linear_sum_assignment(wide.numpy(), maximize=True)
    return wide[rows, columns][:len(planted)]


def matched_in_numpy(found, planted):
    length = np.linalg.norm(planted, axis=1)[:, None] * np.linalg.norm(found, axis=1)
    table = planted.numpy() @ found.numpy().T / np.where(length == 0, 1, length)
    pairs = dict(zip(*linear_sum_assignment(table, True), strict=True))
    return torch.tensor([table[i, pairs[i]] if i in pairs else 0.0 for i in range(len(planted))])


def matched_through_a_mask(found, planted):
    table = torch.einsum("kd,md->km", F.normalize(planted, dim=-1), F.normalize(found, dim=-1)).double()
    mask = torch.zeros_like(table)
    mask[linear_sum_assignment(table, maximize=True)] = 1
    return (table * mask).sum(1)


def matched_by_graph(found, planted):
    table = F.normalize(planted, dim=1) @ F.normalize(found, dim=1).T
    rows, columns = min_weight_full_bipartite_matching(csr_array(2 - table.numpy()))
    out = torch.zeros(len(planted))
    out[torch.from_numpy(rows).long()] = table[rows, columns]
    return out


def revive_by_loop(W, dead, x, errors):
    new, length = W.clone(), W[~dead].norm(dim=1).mean()
    for unit, image in zip(dead.nonzero().flatten(), errors.argsort(descending=True), strict=False):
        new[unit] = length * x[image] / x[image].norm()
    return new


def revive_by_topk(W, dead, x, errors):
    _, places = torch.topk(errors, k=dead.count_nonzero().item())
    scale = torch.linalg.vector_norm(W[dead.logical_not()], dim=1).mean()
    rows = x[places] / x[places].square().sum(1, keepdim=True).sqrt() * scale
    return W.masked_scatter(dead[:, None], rows)


def revive_in_numpy(W, dead, x, errors):
    new = W.numpy().copy()
    worst = x.numpy()[np.argsort(-errors.numpy())[:int(dead.sum())]]
    new[dead.numpy()] = (worst / np.linalg.norm(worst, axis=1, keepdims=True)
                         * np.linalg.norm(W.numpy()[~dead.numpy()], axis=1).mean())
    return torch.from_numpy(new)


RIGHT = [
    ("l1_penalty", lambda z, atoms: torch.linalg.vector_norm(z * atoms.norm(dim=1), ord=1, dim=1)),
    ("l1_penalty", lambda z, atoms: (atoms.square().sum(1).sqrt() * z).norm(p=1, dim=-1)),
    ("l1_penalty", lambda z, atoms: z.abs() @ torch.linalg.vector_norm(atoms, dim=1)),
    ("l1_penalty", lambda z, atoms: torch.where(z > 0, z, -z).mul(atoms.norm(dim=-1)).sum(-1)),
    ("l1_penalty", lambda z, atoms: torch.einsum("bk,k->b", (z.relu() + (-z).relu()).double(),
                                                 atoms.double().norm(dim=1))),
    ("l1_penalty", lambda z, atoms: (z[:, :, None] * atoms).norm(dim=2).sum(1)),
    ("images_off", off_by_loop), ("images_off", off_by_flip), ("images_off", off_by_cumsum),
    ("images_off", off_by_cumprod), ("images_off", off_in_numpy), ("images_off", off_by_scatter),
    ("images_off", off_by_cummax), ("images_off", off_in_place_on_a_clone),
    ("ista_step", ista_by_autograd), ("ista_step", ista_by_gram), ("ista_step", ista_by_einsum),
    ("ista_step", ista_by_softshrink), ("ista_step", ista_in_numpy), ("ista_step", ista_as_a_layer),
    ("batch_top_k", budget_by_threshold), ("batch_top_k", budget_by_kthvalue), ("batch_top_k", budget_by_places),
    ("batch_top_k", budget_by_ranks), ("batch_top_k", budget_by_unravel),
    ("batch_top_k", budget_through_numpy),
    ("matched_cosine", matched_by_broadcast), ("matched_cosine", matched_by_sklearn),
    ("matched_cosine", matched_in_a_square), ("matched_cosine", matched_in_numpy),
    ("matched_cosine", matched_through_a_mask), ("matched_cosine", matched_by_graph),
    ("revive", revive_by_topk), ("revive", revive_in_numpy), ("revive", revive_by_loop),
]


# ---- answers that are in no list ------------------------------------------------------------------------------------


def paying(function):
    return lambda z, atoms: function(z * atoms.norm(dim=1))


def off_in_place(off, z):
    for image in z:
        off += 1
        off[image != 0] = 0
    return off


def off_along_the_units(off, z):
    on = z != 0
    return torch.where(on.any(1), 0, off + len(z))


def off_turned_round(off, z):
    return torch.where((z != 0).any(0), off + len(z), off_by_loop(off, z))


def off_in_float32(off, z):
    return off_by_loop(off.float(), z).long()


def off_as_a_flag(off, z):
    return off_by_loop(off, z) > 5000


def off_to_a_limit(off, z):
    return off_by_loop(off, z).clamp(max=100_000)


def off_without_the_last(off, z):
    return off_by_loop(off, z[:-1])


def off_every_second(off, z):
    return off_by_loop(off, z[::2])


def off_from_one(off, z):
    return off_by_loop(torch.where(off > 0, off, 1), z)


def off_since_half(off, z):
    return torch.where((z[len(z) // 2:] != 0).any(0), off_by_loop(off, z), off + len(z))


def pulled(h, x, atoms, step, weight):
    return h - step * (h @ atoms - x) @ atoms.T


def ista_in_place(h, x, atoms, step, weight):
    h -= step * ((h @ atoms - x) @ atoms.T + weight)
    return h.clamp(min=0)


def ista_of_the_relu(h, x, atoms, step, weight):
    return (h - step * ((h @ atoms).relu() - x) @ atoms.T - step * weight).relu()


def ista_keeps_zeros(h, x, atoms, step, weight):
    return ista_by_gram(h, x, atoms, step, weight) * (h > 0)


def ista_own_step(h, x, atoms, step, weight):
    step = 1 / torch.linalg.matrix_norm(atoms, 2) ** 2
    return ista_by_gram(h, x, atoms, step, weight)


def ista_to_a_tolerance(h, x, atoms, step, weight):
    new = ista_by_gram(h, x, atoms, step, weight)
    return new * (new > 0.05)


def ista_until_it_rests(h, x, atoms, step, weight):
    for _ in range(100):
        h = ista_by_gram(h, x, atoms, step, weight)
    return h


def budget_by_next_one(h, k):
    return h * (h > h.flatten().sort(descending=True).values[k * len(h)])


def budget_straight_through(h, k):
    return h + (budget_by_threshold(h, k) - h).detach()


def budget_in_place(h, k):
    h[h < h.flatten().topk(k * len(h)).values[-1]] = 0
    return h


def budget_in_half_precision(h, k):
    order = h.flatten().half().sort(descending=True, stable=True).indices[:k * len(h)]
    return torch.zeros_like(h).flatten().scatter(0, order, h.flatten()[order]).reshape(h.shape)


def at_most_twice_k(h, k):
    each = h * (h >= h.topk(min(2 * k, h.shape[1]), dim=1).values[:, -1:])
    return budget_by_threshold(each, k)


def budget_of_normalised_images(h, k):
    return h * (budget_by_threshold(F.normalize(h, dim=1), k) > 0)


def budget_transposed(h, k):
    return h.T.flatten().scatter(0, (rest := h.T.flatten().argsort(descending=True)[k * len(h):]),
                                 torch.zeros(len(rest))).reshape(h.shape)


def table_of(found, planted):
    return F.normalize(planted, dim=1) @ F.normalize(found, dim=1).T


def put(table, pairs):
    out = torch.zeros(len(table))
    out[pairs[0]] = table[pairs]
    return out


def matched_one_norm_for_all(found, planted):
    table = planted @ found.T / (planted.norm() * found.norm())
    return put(table, linear_sum_assignment(table, maximize=True))


def matched_best_pair_only(found, planted):
    table = table_of(found, planted)
    best = table == table.max()
    return (table * best).sum(1) / best.sum(1).clamp(min=1)


def matched_good_pairs_only(found, planted):
    table = table_of(found, planted)
    return put(table, linear_sum_assignment(table, maximize=True)) * (table.amax(1) > 0.5)


def matched_minus_one(found, planted):
    table = table_of(found, planted)
    out = put(table, linear_sum_assignment(table, maximize=True))
    out[torch.tensor([i not in linear_sum_assignment(table, maximize=True)[0] for i in range(len(out))])] = -1
    return out


def matched_by_hand(found, planted):
    table = planted @ found.T / (planted.norm(dim=1)[:, None] * found.norm(dim=1))
    return put(table, linear_sum_assignment(table, maximize=True))


def matched_with_eps(found, planted):
    table = planted @ found.T / (planted.norm(dim=1)[:, None] * found.norm(dim=1) + 2e-4)
    return put(table, linear_sum_assignment(table, maximize=True))


def matched_wrong_way_round(found, planted):
    table = F.normalize(found, dim=1) @ F.normalize(planted, dim=1).T
    return put(table, linear_sum_assignment(table, maximize=True))


def matched_by_squares(found, planted):
    table = table_of(found, planted)
    return put(table, linear_sum_assignment(table.square(), maximize=True))


def revive_in_place(W, dead, x, errors):
    W[dead] = BY_NAME["revive"].reference(W, dead, x, errors)[dead]
    return W


def revive_negative(W, dead, x, errors):
    new = BY_NAME["revive"].reference(W, dead, x, errors)
    new[dead] = -new[dead]
    return new


def revive_all_scaled(W, dead, x, errors):
    new = BY_NAME["revive"].reference(W, dead, x, errors)
    return F.normalize(new, dim=1) * W[~dead].norm(dim=1).mean()


def revive_at_random(W, dead, x, errors):
    return BY_NAME["revive"].reference(W, dead, x, torch.rand(len(x)))


def revive_by_error_share(W, dead, x, errors):
    return BY_NAME["revive"].reference(W, dead, x, x.square().sum(1))


def revive_twice_as_long(W, dead, x, errors):
    return torch.where(dead[:, None], 2 * BY_NAME["revive"].reference(W, dead, x, errors), W)


def revive_with_squeeze(W, dead, x, errors):
    new, units = W.clone(), dead.nonzero().squeeze()
    for n in range(len(units)):
        image = x[errors.argsort(descending=True)[n]]
        new[units[n]] = image / image.norm() * W[~dead].norm(dim=1).mean()
    return new


def revive_from_the_end(W, dead, x, errors):
    new, worst = W.clone(), errors.argsort()[-int(dead.sum()):].flip(0)
    new[dead] = F.normalize(x[worst], dim=1) * W[~dead].norm(dim=1).mean()
    return new


def revive_first_only(W, dead, x, errors):
    new, right = W.clone(), BY_NAME["revive"].reference(W, dead, x, errors)
    for unit in dead.nonzero().flatten():
        new[unit] = right[unit]
        return new
    return new


def revive_by_lower_median(W, dead, x, errors):
    new = BY_NAME["revive"].reference(W, dead, x, errors)
    new[dead] = F.normalize(new[dead], dim=1) * W[~dead].norm(dim=1).median()
    return new


def revive_without_dead_fails(W, dead, x, errors):
    if not dead.any():
        return torch.zeros_like(W)
    return BY_NAME["revive"].reference(W, dead, x, errors)


UNLISTED = [
    ("l1_penalty", paying(lambda z: z.square().sqrt().sum(1)), "the gradient is NaN"),
    ("l1_penalty", paying(lambda z: z.abs().sum(1).detach()), "cut off from `z`"),
    ("l1_penalty", paying(lambda z: z.detach().abs().sum(1)), "cut off from `z`"),
    ("l1_penalty", paying(lambda z: z.abs().sum(1, keepdim=True)), "one dimension too many"),
    ("l1_penalty", paying(lambda z: z.abs().sum(1).numpy()), "NumPy"),
    ("l1_penalty", paying(lambda z: z.abs().pow(1.5).sum(1)), "the power 1.5"),
    ("l1_penalty", paying(lambda z: 3 * z.abs().sum(1)), "3 times the right one"),
    ("l1_penalty", paying(lambda z: z.abs().sum(1) + 1), "The same number is added"),
    ("l1_penalty", paying(lambda z: z.abs().sum(1).sum()), "The images are summed too"),
    ("l1_penalty", paying(lambda z: F.smooth_l1_loss(z, 0 * z, reduction="none").sum(1)), "none of the usual mistakes"),
    ("l1_penalty", lambda z, atoms: (z.abs_() * atoms.norm(dim=1)).sum(1), "changes its input `z` in place"),
    ("l1_penalty", paying(lambda z: z.abs().sum(1).tolist()), "Python list"),
    ("l1_penalty", paying(lambda z: -z.mean(1)), "Three things at once"),
    ("l1_penalty", paying(lambda z: z.norm(dim=1) ** 2), "The numbers are squared"),
    ("l1_penalty", paying(lambda z: z.abs().sum(2)), "raises"),
    ("l1_penalty", paying(lambda z: z.abs().sum(1).squeeze()), "no dimension left"),
    ("l1_penalty", paying(lambda z: z[:, :256].abs().sum(1)), "wrong for many or long ones"),
    ("l1_penalty", paying(lambda z: (z ** 2 + 1e-3).sqrt().sum(1)), "a small number under a root"),
    ("l1_penalty", paying(lambda z: (z ** 2 + 1e-6).sqrt().sum(1)), "each 0 pays 0.001"),
    ("l1_penalty", paying(lambda z: (z ** 2 + 1e-8).sqrt().sum(1)), "each 0 pays 0.0001"),
    ("l1_penalty", paying(lambda z: z.abs().clamp(min=0.01).sum(1)), "at least 0.05 in size, and wrong"),
    ("l1_penalty", paying(lambda z: z[:, 1:].abs().sum(1)), "The first number of each code is left out"),
    ("l1_penalty", lambda z, atoms: z.abs().sum(1), "loophole of unit 05 is open"),
    ("l1_penalty", lambda z, atoms: (z.abs() * atoms.norm(dim=0)).sum(1), "its length is over dimension 1"),
    ("l1_penalty", lambda z, atoms: (z.abs() * atoms.norm(dim=1).detach()).sum(1), "cut off from `atoms`"),
    ("l1_penalty", lambda z, atoms: (z.abs() @ atoms).abs().sum(1), "none of the usual mistakes"),
    ("l1_penalty", lambda z, atoms: (z @ atoms).norm(dim=1), "none of the usual mistakes"),
    ("images_off", off_in_place, "changes its input `off` in place"),
    ("images_off", off_along_the_units, "one row for each image and one column for each unit"),
    ("images_off", off_turned_round, "Every count gets N more"),
    ("images_off", off_in_float32, "holds every whole number only up to 16,777,216"),
    ("images_off", off_as_a_flag, "All counts of units that are off for all images are wrong"),
    ("images_off", off_to_a_limit, "wrong for counts of billions"),
    ("images_off", off_without_the_last, "Some counts of units that are on for the last image are wrong"),
    ("images_off", off_every_second, "asked for is the old count plus N"),
    ("images_off", off_from_one, "Some counts of units that are off for all images are wrong"),
    ("images_off", off_since_half, "Some counts of units that are on for an earlier"),
    ("batch_top_k", lambda h, k: F.threshold(h, float(h.flatten().topk(k * len(h)).values[-1]) - 1e-6, 0.0),
     "wrong where they are thousands"),
    ("images_off", lambda off, z: off_by_loop(off, z.square()), "and wrong where they are as small as 1e-30"),
    ("images_off", lambda off, z: off_by_loop(off, z.half()), "as small as 1e-8"),
    ("images_off", lambda off, z: off_by_loop(off, z * (z.abs() > 1e-6)), "as small as 1e-8"),
    ("images_off", lambda off, z: off_by_loop(off, z[-1000:]), "wrong for 3,000"),
    ("images_off", lambda off, z: off_by_loop(off, z).float(), "wrong for counts of billions"),
    ("images_off", lambda off, z: off_by_loop(off, z).double(), "it should be int64"),
    ("images_off", lambda off, z: off_by_loop(off, z).int(), "int32 none above 2,147,483,647"),
    ("images_off", lambda off, z: off_by_loop(off, z).squeeze(), "no dimension left"),
    ("images_off", lambda off, z: off_by_loop(off, z).tolist(), "a tensor is asked for"),
    ("images_off", lambda off, z: off_by_loop(off, z)[None], "one dimension too many"),
    ("images_off", lambda off, z: off_by_loop(off, z).max(), "one single number"),
    ("images_off", lambda off, z: off_by_loop(off, z.relu()), "Every number that is not 0"),
    ("images_off", lambda off, z: off_by_loop(off, z.round()), "Some counts of units that are on for the last"),
    ("images_off", lambda off, z: off + len(z), "Every count gets N more"),
    ("images_off", lambda off, z: (z == 0).all(0), "whether it is off for all images"),
    ("images_off", lambda off, z: off_by_loop(off, z.T), "one row for each image and one column for each unit"),
    ("images_off", lambda off, z: torch.where((z != 0).any(0), len(z) - 1 - (z != 0).int().argmax(0), off + len(z)),
     "after a unit's first"),
    ("ista_step", ista_in_place, "changes its input `h` in place"),
    ("ista_step", ista_of_the_relu, "none of the usual mistakes"),
    ("ista_step", ista_keeps_zeros, "Some numbers are 0 that should not be. All others"),
    ("ista_step", ista_own_step, "values"),
    ("ista_step", ista_to_a_tolerance, "Some numbers are 0 that should not be. All others"),
    ("ista_step", ista_until_it_rests, "none of the usual mistakes"),
    ("ista_step", pulled, "Two things at once"),
    ("ista_step", lambda h, x, atoms, step, weight: pulled(h, x, atoms, step, weight).relu(), "no more"),
    ("ista_step", lambda h, x, atoms, step, weight: ista_by_gram(h, x, F.normalize(atoms), step, weight), "length 1"),
    ("ista_step", lambda h, x, atoms, step, weight: ista_by_gram(h, x, atoms.T, step, weight), "comes back to (B, K)"),
    ("ista_step", lambda h, x, atoms, step, weight: ista_by_gram(h, x, atoms, step, weight).squeeze(),
     "asked for is its code"),
    ("ista_step", lambda h, x, atoms, step, weight: ista_by_gram(0.9 * h, x, atoms, step, weight), "step"),
    ("ista_step", lambda h, x, atoms, step, weight: ista_by_gram(h, x, atoms, step, 3 * weight), "3 times"),
    ("ista_step", lambda h, x, atoms, step, weight: ista_by_gram(h, x, atoms, 3 * step, weight), "3 times"),
    ("ista_step", lambda h, x, atoms, step, weight: 3 * ista_by_gram(h, x, atoms, step, weight), "3 times"),
    ("ista_step", lambda h, x, atoms, step, weight: ista_by_gram(h, x, atoms, step, weight).T, "swapped"),
    ("ista_step", lambda h, x, atoms, step, weight: ista_by_gram(h, x, atoms, step, weight) + 0.01, "usual"),
    ("ista_step", lambda h, x, atoms, step, weight: ista_by_gram(h[:128], x[:128], atoms, step, weight), "for many"),
    ("ista_step", lambda h, x, atoms, step, weight: h, "the `h` that came in"),
    ("batch_top_k", budget_by_next_one, "no number after the last one"),
    ("batch_top_k", lambda h, k: h.topk(k * len(h), dim=1), "In one row, `h.flatten()`, the batch has N · K"),
    ("batch_top_k", lambda h, k: h * (h > h.flatten().topk(k * len(h) + 1).values[-1]), "there is none after the last"),
    ("batch_top_k", lambda h, k: h * (h >= h.topk(k, dim=1).values[:, -1:]), "as in unit 05"),
    ("batch_top_k", lambda h, k: h * (h.flatten().argsort(descending=True) < k * len(h)).reshape(h.shape),
     "argsort of the argsort"),
    ("batch_top_k", lambda h, k: budget_by_threshold(h, 2), "take the `k` that is given"),
    ("batch_top_k", budget_straight_through, "but the gradient of `h` is not"),
    ("batch_top_k", lambda h, k: budget_by_threshold(h, k).detach(), "cut off from `h`"),
    ("batch_top_k", budget_in_place, "changes its input `h` in place"),
    ("batch_top_k", lambda h, k: h.flatten().topk(k * len(h)), "values and indices together"),
    ("batch_top_k", lambda h, k: h.flatten().topk(k * len(h)).values, "values alone"),
    ("batch_top_k", budget_in_half_precision, "in the fifth digit"),
    ("batch_top_k", at_most_twice_k, "The batch keeps k · N numbers, but not the largest"),
    ("batch_top_k", budget_of_normalised_images, "but not the largest ones at their own places"),
    ("batch_top_k", budget_transposed, "not its own at these places"),
    ("batch_top_k", lambda h, k: 2 * budget_by_threshold(h, k), "2 times"),
    ("batch_top_k", lambda h, k: budget_by_threshold(h, k).sqrt(), "their values have changed"),
    ("batch_top_k", lambda h, k: h * (h > h.mean()), "The batch does not keep k · N numbers"),
    ("batch_top_k", lambda h, k: budget_by_threshold(h, k).squeeze(), "asked for are (1, K) numbers"),
    ("batch_top_k", lambda h, k: F.dropout(h, 0.5), "Called twice"),
    ("batch_top_k", lambda h, k: budget_by_threshold(h[:64], k), "shape"),
    ("batch_top_k", lambda h, k: budget_by_threshold(h, k).to_sparse(), "a plain one is asked for"),
    ("matched_cosine", matched_one_norm_for_all, "The two matrices are divided by one number each"),
    ("matched_cosine", matched_best_pair_only, "but other pairs are better"),
    ("matched_cosine", matched_good_pairs_only, "expected"),
    ("matched_cosine", matched_minus_one, "expected"),
    ("matched_cosine", matched_by_hand, "leaves such a row at 0"),
    ("matched_cosine", matched_with_eps, "a small number added to the lengths"),
    ("matched_cosine", matched_wrong_way_round, "where there should be 2"),
    ("matched_cosine", matched_by_squares, "expected"),
    ("matched_cosine", lambda found, planted: table_of(found, planted).amax(1), "unit 05b's measure"),
    ("matched_cosine", lambda found, planted: table_of(found, planted), "shape"),
    ("matched_cosine", lambda found, planted: (table := table_of(found, planted))[
        linear_sum_assignment(table, maximize=True)], "without a partner are missing"),
    ("matched_cosine", lambda found, planted: (table := table_of(found, planted))[
        linear_sum_assignment(table, maximize=True)].mean(), "one single number"),
    ("matched_cosine", lambda found, planted: put(table := table_of(found, planted), linear_sum_assignment(table)),
     "`maximize=True`"),
    ("matched_cosine", lambda found, planted: linear_sum_assignment(table_of(found, planted), maximize=True),
     "one cosine for each planted feature"),
    ("matched_cosine", lambda found, planted: matched_in_numpy(found, planted).numpy(), "NumPy array"),
    ("matched_cosine", lambda found, planted: matched_in_numpy(found, planted).tolist(), "a tensor is asked for"),
    ("matched_cosine", lambda found, planted: matched_in_numpy(found, planted).squeeze(), "no dimension left"),
    ("matched_cosine", lambda found, planted: matched_in_numpy(found, planted)[:, None], "too many"),
    ("matched_cosine", lambda found, planted: matched_in_numpy(found[:64], planted), "wrong for many"),
    ("matched_cosine", lambda found, planted: 0.5 + 0.5 * matched_in_numpy(found, planted), "no cosine of"),
    ("matched_cosine", lambda found, planted: matched_in_numpy(found, planted).round(decimals=2), "less than 0.01"),
    ("matched_cosine", lambda found, planted: matched_in_numpy(found, planted).flip(0), "not in the order"),
    ("revive", revive_from_the_end, "takes all images"),
    ("revive", revive_with_squeeze, "raises"),
    ("revive", revive_first_only, "some of the new ones"),
    ("revive", revive_by_lower_median, "edian of the living rows' lengths"),
    ("revive", revive_in_place, "changes its input `W` in place"),
    ("revive", revive_negative, "point away from their images"),
    ("revive", revive_all_scaled, "rows of living units have changed"),
    ("revive", revive_at_random, "Called twice"),
    ("revive", revive_by_error_share, "They point to other images"),
    ("revive", revive_twice_as_long, "2 times the right ones"),
    ("revive", revive_without_dead_fails, "wrong where none is"),
    ("revive", lambda W, dead, x, errors: BY_NAME["revive"].reference(W, ~dead, x, errors), "Two things"),
    ("revive", lambda W, dead, x, errors: BY_NAME["revive"].reference(W, dead, x, errors).T, "swapped"),
    ("revive", lambda W, dead, x, errors: W.clone(), "Nothing has changed"),
    ("revive", lambda W, dead, x, errors: torch.where(dead[:, None], 0, W), "The living rows are right"),
    ("revive", lambda W, dead, x, errors: W[dead], "one row for each unit"),
    ("revive", lambda W, dead, x, errors: x[dead], "one entry for each unit"),
    ("revive", lambda W, dead, x, errors: BY_NAME["revive"].reference(W, dead, F.normalize(x, dim=0), errors),
     "so are the lengths of the new ones"),
]
