# %% [markdown]
# # Lab 05 · Sparse codes, piece by piece
#
# At the end of this page you have made codes sparse in two ways, compared an encoder with the best code that its
# dictionary allows, and revived dead units, on data whose true features are known.
#
# After this lab you can
#
# - write an L1 penalty without a loophole, and a budget of active units for a whole batch;
# - count dead units while a network trains, and say why no gradient can revive them;
# - compute the best sparse code by optimisation, and say what an encoder loses for its speed;
# - match found features with planted ones, and show that reviving dead units is worth it.
#
# **Before it:** units 05, 05a and 05b. **Time:** about 55 minutes for you, under a minute for the machine.
#
# **How the checks work.** Write your answer in place of `...  # YOUR CODE HERE` and run the cell below it:
# `check.NAME(NAME)` tries it on fresh inputs, says what kind of mistake it sees, and does not show the solution. Stuck?
# Type `check.NAME.hint()` into the cell below the check: it gives one hint more at each call, and
# `check.NAME.solution()` shows one way and why it is so. A line `NAME_ok = check.use(NAME)` takes your answer if it is
# right and the course's own if not, so you can go on at any time.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from aecourse import data, losses, plots
from aecourse.check import lab05 as check
from aecourse.claims import say, table
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
x, x_test, y_test = digits.x_train[:10_000], digits.x_test, digits.y_test
digits

# %% [markdown]
# One network serves the whole lab: one layer from the image to the code, one layer back. The code is wide, 256 units.
# What makes it sparse is the activation, or a penalty that is added to the squared error. `train` also keeps for each
# batch which units were on; exercise 2 counts with that.

# %%
class Sparse(nn.Module):
    def __init__(self, activation, pixels=784, units=256):
        super().__init__()
        self.encoder = nn.Linear(pixels, units)
        self.decoder = nn.Linear(units, pixels)
        self.activation = activation

    def encode(self, x):
        return self.activation(self.encoder(x))

    def forward(self, x):
        return self.decoder(self.encode(x))

# %%
def new(activation, **sizes):
    with seeded(0):
        return Sparse(activation, **sizes)


def train(model, images, penalty=None, epochs=6, lr=3e-3, one_cycle=True):
    model.on = []  # for each batch (B, K): True where a unit is on

    def loss(model, x, step):
        z = model.encode(x)
        model.on.append((z.detach() != 0).cpu())
        terms = {"squared error": losses.squared_error(model.decoder(z), x)}
        return terms if penalty is None else terms | {"penalty": penalty(z, model)}

    fit(model, (images,), loss, epochs=epochs, batch=128, lr=lr, one_cycle=one_cycle)
    return model

# %% [markdown]
# ## 1 · A penalty without a loophole
# ★☆☆ · 5 minutes
#
# Unit 05 closes the loophole of the L1 penalty with atoms of length one. Here the atoms may have any length. So each
# number of the code pays **its absolute value times the length of its atom**: with all numbers halved and all atoms
# doubled, the image is the same, and so is the penalty.
#
# Codes `z` (B, K) come in, whose numbers may be negative, and `atoms` (K, D): **an atom is a row**, none is all 0, and
# its length is the root of its sum of squares. Return for each image the sum of what its K numbers pay: one number per
# image, (B,), through which gradients flow to the codes and to the atoms.

# %% nbgrader={"grade": false, "grade_id": "l1_penalty", "locked": false, "schema_version": 3, "solution": true, "task": false}
def l1_penalty(z, atoms):
    """The sum (B,) of |z| times the atom's length, of codes (B, K) and atoms (K, D)."""
    ### BEGIN SOLUTION
    return (z.abs() * atoms.norm(dim=1)).sum(1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "l1_penalty-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.l1_penalty(l1_penalty)

# %%
# Stuck? Type check.l1_penalty.hint() on the next line, and run this cell.

# %% [markdown]
# Three ReLU codes: without a penalty, with a weak one and with a stronger one. The atoms are the columns of the
# decoder's weights, so their transpose has them as rows.

# %%
l1_ok = check.use(l1_penalty)


def pay(weight):
    return lambda z, model: weight * l1_ok(z, model.decoder.weight.T)


@torch.no_grad()
def codes(model, images=x_test):
    return model.encode(images)


@torch.no_grad()
def measured(model, images=x_test):
    z = codes(model, images)
    error = losses.squared_error(model.decoder(z), images).mean().item()
    return [error, (z > 0).float().sum(1).mean().item()]

# %%
nets = {"ReLU": train(new(torch.relu), x)}
for weight in (0.1, 0.3):
    nets[f"ReLU, L1 × {weight}"] = train(new(torch.relu), x, pay(weight))
table(["network", "squared error per test image", "units on per image"],
      [[name, *measured(net)] for name, net in nets.items()])

# %% [markdown]
# Without a penalty most of the living units are on for every image. The penalty switches units off, more of them the
# more it weighs, and the squared error pays for it: the few numbers that are left say less. The penalty also makes
# them smaller than the squared error alone would want.
#
# ## 2 · Dead units, counted in training
# ★★☆ · 8 minutes
#
# A unit may be off for one image and on for another. Unit 05 calls it **dead** if it is off for every training image:
# a ReLU that is off passes no gradient, so nothing in the loss can revive it. A large sparse autoencoder sees billions
# of inputs, too many to go through again after training. There the counting is done during training, and a unit is
# called dead after a great many inputs in a row for which it is off, ten million in Gao et al. (2024). You write the
# counter.
#
# `off` (K,), int64, holds for each unit for how many images in a row it has been off so far. `z` (N, K) are the codes
# of the next N images, at least one, in their order: the last row is the newest. A number of `z` may be negative, and
# even the smallest one that is not 0 is **on**. Return the new counts, (K,), int64:
#
# - 0 for a unit that is on for the last image;
# - for a unit that was on for an earlier image of `z`, the number of images after its last "on";
# - `off` + N for a unit that is off for all N images.
#
# Counts may be large. Neither `off` nor `z` changes.

# %% nbgrader={"grade": false, "grade_id": "images_off", "locked": false, "schema_version": 3, "solution": true, "task": false}
def images_off(off, z):
    """New counts (K,) of images in a row for which a unit is off, after codes z (N, K)."""
    ### BEGIN SOLUTION
    places = torch.arange(1, len(z) + 1)[:, None] * (z != 0)
    last = places.amax(0)  # the number of the last image for which a unit is on, 0 for none
    return torch.where(last > 0, len(z) - last, off + len(z))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "images_off-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.images_off(images_off)

# %%
# Stuck? Type check.images_off.hint() on the next line, and run this cell.

# %% [markdown]
# `train` has kept which units were on in each batch of the three trainings above, so you can count as if you had
# watched. We call a unit dead when it has been off for more than 5,000 images in a row, which is half an epoch.

# %%
images_off_ok = check.use(images_off)


def dead_units(model):
    """Which units are dead after each batch of the model's last training, (batches, K)."""
    off, dead = torch.zeros(model.on[0].shape[1], dtype=torch.int64), []
    for on in model.on:
        off = images_off_ok(off, on.float())
        dead.append(off > 5000)
    return torch.stack(dead)


gone = {name: dead_units(net) for name, net in nets.items()}
figure, axis = plt.subplots(figsize=(7.5, 3), layout="constrained")
for name, style in zip(gone, ("-", "--", ":"), strict=True):
    seen = torch.tensor([len(on) for on in nets[name].on]).cumsum(0)
    axis.plot(seen, gone[name].sum(1), style, label=name)
axis.set(xlabel="training images seen",
         ylabel="units off for more than\n5,000 images in a row")
axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5));

# %%
def percent(dead):
    return f"{100 * dead.float().mean().item():.0f} %"


def back(dead):  # dead after one batch, and not after the next
    return (dead[:-1] & ~dead[1:]).any(0).sum().item()


table(["network", "dead at the end of training", "units that were dead and on again later"],
      [[name, percent(dead[-1]), back(dead)] for name, dead in gone.items()])

# %% [markdown]
# No count can pass 5,000 before so many images are seen, and at first every unit is on for some images. Then the lines
# rise, most of the way within the first two epochs, and higher with a larger weight of the penalty. Some units are
# dead even without one: at some step, training pushed them below zero for every digit, or nearly every one. L1 pushes
# on every unit at every step, and kills more.
#
# The lines also fall now and then, and the last column says why: some units were on again. They were off for
# thousands of images, but not for all that there are, and through the rare one for which they are on a gradient
# reaches them. Such a count cannot tell a rare feature from a dead unit. That is why the limit is high where inputs
# are many.
#
# What do the living units stand for? A unit adds its **dictionary atom**, its column of the decoder, to the image. Here are the
# atoms of the ten units that are on for the most images, each brought to length 1; grey is zero.

# %%
def top_atoms(model, n=10):
    on = (codes(model) > 0.1).float().mean(0)
    columns = F.normalize(model.decoder.weight.detach(), dim=0).T
    return columns[on.argsort(descending=True)[:n]]


plots.images({name: top_atoms(net) for name, net in nets.items()}, limits=(-0.15, 0.15));

# %% [markdown]
# Without a penalty the atoms are grainy: so many units are on at once that none of them stands for anything by
# itself. With L1 they become smooth. They show strokes and pieces of digits, bright where a unit adds ink and dark
# where it takes some away.
#
# Another way to ask a unit what it stands for: **the images that fire it the most**. Of the stronger L1 code, take
# the three units that add the most to the images. The atom is on the left, then the eight test images with the
# largest activation:

# %%
net = nets["ReLU, L1 × 0.3"]
z = codes(net)
columns = net.decoder.weight.detach().T
adds = z.square().mean(0) * columns.square().sum(1)
strong = adds.topk(3).indices.tolist()
rows = {}
for j in strong:
    drawn = 0.5 + 3 * F.normalize(columns[j], dim=0)  # grey is zero
    rows[f"unit {j}"] = torch.cat([drawn[None], x_test[z[:, j].topk(8).indices]])
plots.images(rows);

# %% [markdown]
# Most rows look as if the unit detects one kind of digit. Do not trust such rows. Here are *all*
# test images that fire each of these units: how many are they, and what share of them has the most frequent class,
# compared with its share of the eight?

# %%
def purest(labels):
    return f"{100 * labels.bincount().max().item() / len(labels):.0f} %"


rows = []
for j in strong:
    fires = z[:, j] > 0
    rows.append([j, f"{100 * fires.float().mean().item():.0f} %",
                 purest(y_test[z[:, j].topk(8).indices]), purest(y_test[fires])])
table(["unit", "on for", "one class, of the eight", "one class, of all that fire it"], rows)

# %% [markdown]
# Each of these units is on for about half of all images, and the digit of its name is a small minority among them.
# The eight are the extreme end of its range, where it is easy to find a name. The loss does not ask for digits: a unit
# stands for what saves squared error, here a stroke or a shape that many digits have a little of.
#
# ## 3 · The best code for a given dictionary
# ★★☆ · 10 minutes
#
# An encoder answers in one go. Is its code the best one for its own dictionary? For an image $x$ and atoms that are
# the rows of $A$, the best code $h \ge 0$ has the smallest
# $$\tfrac12\,\lVert x - h A \rVert^2 + w \sum_j h_j .$$
# **ISTA**, the iterative shrinkage-thresholding algorithm (Daubechies, Defrise and De Mol 2004), finds it in many small
# steps. You write one step. It has two parts:
#
# 1. a gradient step on the first term: `h` minus `step` times the gradient of ½‖x − h · atoms‖² with respect to `h`;
# 2. the soft threshold of unit 05a, in its form for this penalty: from each number subtract `step * weight`, and set
#    what is below 0 to 0.
#
# Codes `h` (B, K), none of whose numbers is negative, images `x` (B, D), `atoms` (K, D), **an atom is a row**, of any
# length, and two numbers `step` and `weight` come in. Return the new codes (B, K), and leave `h` as it is. Each image
# has its own objective, so no mean is taken over anything. One image, a code of zeros, weight 0 and an atom of zeros
# are no special cases: the two parts say what happens.

# %% nbgrader={"grade": false, "grade_id": "ista_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ista_step(h, x, atoms, step, weight):
    """Codes (B, K) of x (B, D) after one gradient step and one soft threshold."""
    ### BEGIN SOLUTION
    gradient = (h @ atoms - x) @ atoms.T
    return (h - step * gradient - step * weight).clamp(min=0)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "ista_step-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.ista_step(ista_step)

# %%
# Stuck? Type check.ista_step.hint() on the next line, and run this cell.

# %% [markdown]
# We take the dictionary of the stronger L1 network, with its atoms at length 1 and the decoder's bias taken off the
# images, and start from a code of zeros. The network was trained on the squared error plus 0.3 times the penalty,
# which is twice our objective with $w = 0.15$. A step that is not larger than 1 / (largest singular value of $A$)²
# never increases the objective.

# %%
ista_ok = check.use(ista_step)
net, weight = nets["ReLU, L1 × 0.3"], 0.15
length = net.decoder.weight.detach().norm(dim=0)
atoms = (net.decoder.weight.detach() / length).T
some = x_test[:300] - net.decoder.bias.detach()
step = 1 / torch.linalg.matrix_norm(atoms, 2).item() ** 2


def objective(h):
    return (0.5 * losses.squared_error(h @ atoms, some) + weight * h.sum(1)).mean().item()


fast = codes(net, x_test[:300]) * length  # of the encoder, for atoms of length 1
paths = {}
for name, h in (("ISTA from zeros", 0 * fast), ("ISTA from the encoder", fast)):
    paths[name] = [objective(h)]
    for _ in range(300):
        h = ista_ok(h, some, atoms, step, weight).float()
        paths[name].append(objective(h))

# %%
figure, axis = plt.subplots(figsize=(6.5, 3))
for (name, path), style in zip(paths.items(), ("-", "--"), strict=True):
    axis.plot(range(1, 301), path[1:], style, label=name)
axis.axhline(objective(fast), color="black", linestyle=":", label="the encoder's code")
plots.log_axes(axis, x=[1, 3, 10, 30, 100, 300])
start, best = objective(fast), paths["ISTA from the encoder"][-1]
axis.set(xlabel="steps", ylabel="objective per image", ylim=(0.96 * best, 1.4 * start))
axis.legend(frameon=False)
table(["code of 300 test images", "objective", "squared error", "units on"],
      [[name, objective(code), losses.squared_error(code @ atoms, some).mean().item(),
        (code > 0).sum(1).float().mean().item()]
       for name, code in (("encoder", fast), ("ISTA, 300 steps", h))])

# %%
steps = next((i for i, value in enumerate(paths["ISTA from zeros"]) if value < start), None)
say(f"The encoder's objective is {100 * (start / best - 1):.0f} % above that of 300 steps. "
    f"From zeros, ISTA needs {steps or 'more than 300'} to be as good as the encoder.")

# %% [markdown]
# The solid line falls below the dotted one: for the same dictionary there is a better code than the encoder's. What
# the encoder loses is the price of its speed, called the **amortisation gap**. The encoder needs one product with a
# matrix, and each step of ISTA two. The dashed line starts from the encoder's code and so saves steps. Gregor and
# LeCun (2010) go further: they train a network whose layers have the form of a few such steps.
#
# ## 4 · A budget for the whole batch
# ★★☆ · 9 minutes
#
# Top-k gives each image k units, a plain digit as many as an intricate one. **Batch top-k** (Bussmann, Leask and Nanda
# 2024) gives k · N places to a batch of N images, and the images compete for them.
#
# Activations `h` (N, K) come in, after a ReLU, so no number is negative; `k` is a whole number from 1 to K. Return a
# tensor of the same shape in which **the k · N largest values of the whole batch** stay at their places, as they are,
# and all others are 0. One image may keep more than k values, and another fewer, or none.
#
# If fewer than k · N values are positive, all of these stay. Where equal values compete for the last places, any of
# them may stay, or all. A batch of one image keeps its k largest. The gradient passes through the kept values as it
# is, and not through the others.

# %% nbgrader={"grade": false, "grade_id": "batch_top_k", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batch_top_k(h, k):
    """Activations (N, K) with the k · N largest of the batch kept, and zeros elsewhere."""
    ### BEGIN SOLUTION
    largest = h.flatten().topk(k * len(h))
    kept = torch.zeros_like(h).flatten().scatter(0, largest.indices, largest.values)
    return kept.reshape(h.shape)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "batch_top_k-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.batch_top_k(batch_top_k)

# %%
# Stuck? Type check.batch_top_k.hint() on the next line, and run this cell.

# %% [markdown]
# Two networks of k = 8, one with top-k and one with batch top-k. They train in four rounds of two epochs; you will see
# why in exercise 6. Dead units are counted as in exercise 2, in the last round. The test images are one batch of their
# own. (An image's code then depends on the other images. In use, a fixed threshold takes the budget's place.)

# %%
batch_top_k_ok = check.use(batch_top_k)


def top_k(k):
    return lambda a: a.relu() * (a >= a.topk(k, dim=1).values[:, -1:])


def budget(k):
    return lambda a: batch_top_k_ok(a.relu(), k).float()


def in_rounds(model, images, rounds, epochs, lr, between=None):
    for i in range(rounds):
        if between and i > 0:
            between(model, images)
        train(model, images, epochs=epochs, lr=lr, one_cycle=False)
    return model

# %%
def dead(model):
    return percent(dead_units(model)[-1])


for name, activation in (("top-k", top_k(8)), ("batch top-k", budget(8))):
    nets[name] = in_rounds(new(activation), x, rounds=4, epochs=2, lr=1e-3)
table(["network", "squared error per test image", "units on per image", "dead units"],
      [[name, *measured(net), dead(net)] for name, net in nets.items()])

# %%
@torch.no_grad()
def by_digit(model):
    z = codes(model)
    error, used = losses.squared_error(model.decoder(z), x_test), (z > 0).sum(1).float()
    return used, *(torch.stack([part[y_test == digit].mean() for digit in range(10)])
                   for part in (used, error))


used, units, error = by_digit(nets["batch top-k"])
gain = error - by_digit(nets["top-k"])[2]
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
axes[0].bar(range(10), units, color=plots.SKY)
axes[0].axhline(8, color="black", linestyle=":")
axes[0].set(xlabel="digit", ylabel="units on per image",
            title="batch top-k; dotted: top-k")
axes[1].bar(range(10), gain, color=plots.ORANGE)
axes[1].axhline(0, color="black", linewidth=0.8)
axes[1].set(xlabel="digit", ylabel="squared error per image",
            title="batch top-k minus top-k")
for axis in axes:
    axis.set_xticks(range(10))

# %%
order = used.argsort(stable=True)
fewest, most = order[:10], order[-10:]
plots.images({"fewest": x_test[fewest], "most": x_test[most]},
             columns=[f"{a:.0f}, {b:.0f}"
                      for a, b in zip(used[fewest], used[most], strict=True)])
say(f"Images of a {units.argmin()} use {units.min():.1f} units on average, those of a "
    f"{units.argmax()} {units.max():.1f}. Over the ten digits, units and change of the "
    f"error have a correlation of {torch.corrcoef(torch.stack([units, gain]))[0, 1]:.2f}.")

# %% [markdown]
# On the left are the units that an image of each digit uses on average, on the right how its error differs from that
# with top-k. The images below are those with the fewest and with the most units; above each column stand the two
# numbers. Thin strokes leave places to images with much ink, whose activations are larger. The negative correlation
# says that, compared with top-k, the digits with more units do better than those with fewer. The mean number of units
# is the same, and batch top-k has no smaller mean error here. Its authors find a smaller one in far larger networks.
#
# With top-k exactly k units are on for each image, with batch top-k on average. No weight has to be tried out until the
# code is as sparse as you want it, and nothing pushes the kept numbers towards 0, as L1 does. But look at the last
# column of the table. A unit that is not among the largest gets no gradient, so the units that win in the first steps
# get better and win again. Nearly all the others never come into play, and the code is not 256 units wide any more.
#
# ## 5 · A partner of its own
# ★★☆ · 10 minutes
#
# Unit 05b plants features and measures with the mean max cosine whether they were found. This measure has a gap. An
# atom that lies between two features is the nearest one of both, and counts twice. So **match** them: every found
# feature is the partner of at most one planted feature.
#
# Two matrices come in, `found` (M, D) and `planted` (K, D): **a feature is a row**, of any length. Form as many pairs
# of a found and a planted feature as the smaller matrix has rows, each row in one pair at most, so that **the sum of
# the cosines of the pairs is as large as possible**. Return for each planted feature the cosine to its partner, and 0
# if it has none: a tensor of shape (K,), in the order of the planted features.
#
# `linear_sum_assignment(table, maximize=True)` of SciPy finds the best pairs of a table (rows, columns), such as a
# tensor of all cosines. It returns two arrays, the row numbers and the column numbers of the pairs. The codes of this
# lab are not negative, so a feature has a direction: the cosine counts with its sign, and a pair is formed even where
# its cosine is negative. A row of zeros has the cosine 0 to everything.

# %%
from scipy.optimize import linear_sum_assignment

# %% nbgrader={"grade": false, "grade_id": "matched_cosine", "locked": false, "schema_version": 3, "solution": true, "task": false}
def matched_cosine(found, planted):
    """Cosine (K,) of each planted feature (K, D) to its partner in `found` (M, D)."""
    ### BEGIN SOLUTION
    cosines = F.normalize(planted, dim=1) @ F.normalize(found, dim=1).T
    rows, columns = linear_sum_assignment(cosines, maximize=True)
    matched = torch.zeros(len(planted))
    matched[rows] = cosines[rows, columns]
    return matched
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "matched_cosine-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.matched_cosine(matched_cosine)

# %%
# Stuck? Type check.matched_cosine.hint() on the next line, and run this cell.

# %% [markdown]
# Here are 64 planted features in 32 dimensions. Each data point is a sum of three of them, with weights between 0.5
# and 1.5. Four candidates have 64 rows each: random directions; the axes of PCA and their opposites; the atoms of an
# autoencoder with 64 units and batch top-k; and a trap, 32 directions that lie halfway between two features and 32
# random ones.

# %%
matched_ok = check.use(matched_cosine)
generator = torch.Generator().manual_seed(0)
planted = torch.randn(64, 32, generator=generator)
planted = F.normalize(planted, dim=1)
three = torch.rand(10_000, 64, generator=generator).topk(3, dim=1).indices
weights = torch.zeros(10_000, 64).scatter(
    1, three, 0.5 + torch.rand(10_000, 3, generator=generator))
points = weights @ planted

sparse = in_rounds(new(budget(3), pixels=32, units=64), points, rounds=5, epochs=5, lr=3e-3)
principal = torch.linalg.svd(points - points.mean(0), full_matrices=False).Vh
random = torch.randn(64, 32, generator=generator)
found = {"random directions": random,
         "PCA's axes and their opposites": torch.cat([principal, -principal]),
         "halfway and random": torch.cat([planted[:32] + planted[32:], random[:32]]),
         "autoencoder": sparse.decoder.weight.detach().T}

# %%
def nearest(rows):
    return (planted @ F.normalize(rows, dim=1).T).amax(1)  # of unit 05b, with the sign


table(["64 candidates", "mean max cosine", "mean matched cosine"],
      [[name, nearest(rows).mean().item(), matched_ok(rows, planted).mean().item()]
       for name, rows in found.items()])
print(f"dead units of the autoencoder: {dead(sparse)}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), sharey=True, layout="constrained")
for axis, name in zip(axes, ("halfway and random", "autoencoder"), strict=True):
    axis.plot(nearest(found[name]).sort().values, label="largest cosine")
    axis.plot(matched_ok(found[name], planted).sort().values, "--",
              label="cosine to its partner")
    axis.set(xlabel="planted features, in the order of the cosine", title=name)
axes[0].set_ylabel("cosine")
axes[1].legend(frameon=False, loc="lower right", fontsize=9);

# %% [markdown]
# The solid line is the cosine of each planted feature to the nearest candidate, worst first, and the dashed line the
# cosine to its partner, sorted by itself. On the left the halfway directions are near all features, so the solid line
# is high. Each has only one partner, and the other half of the features is left with random directions. On the right
# the plateau at the top is the same for both: these features were found. The tail differs. Part of the units are dead,
# so fewer units than features are left, and some stand for two features or for none.
#
# Random directions are the baseline, not 0. By the mean max cosine the axes of PCA are ahead of them, and by the
# matching they are not: the axes are orthogonal, the features are not, and one axis serves several.
#
# ## 6 · Revive the dead units
# ★★★ · 12 minutes
#
# The loss cannot revive a unit that is off for every image, so we do it by hand, between two rounds of training. Four
# things come in: the encoder's weights `W` (K, D), a row for each unit; `dead` (K,), True for the dead units; images
# `x` (N, D), N at least as large as K; and their squared `errors` (N,). Return **new weights**:
#
# - the rows of living units stay as they are, and `W` itself is not changed;
# - the first dead unit (in the order of the rows) gets the image with the largest error as its row, the second dead
#   unit the one with the second largest error, and so on;
# - each new row is scaled to the **mean length of the living units' rows**.
#
# At least one unit lives. If none is dead, the weights stay as they are.

# %% nbgrader={"grade": false, "grade_id": "revive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def revive(W, dead, x, errors):
    """Weights (K, D) in which dead units point to the images with the largest errors."""
    ### BEGIN SOLUTION
    worst = x[errors.argsort(descending=True)[:int(dead.sum())]]
    new = W.clone()
    new[dead] = F.normalize(worst, dim=1) * W[~dead].norm(dim=1).mean()
    return new
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "revive-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.revive(revive)

# %%
# Stuck? Type check.revive.hint() on the next line, and run this cell.

# %% [markdown]
# In a network more has to change than the encoder's rows: the dictionary atom of a revived unit gets the same
# direction, so that the unit adds what it was revived for, and its bias starts at 0. The decoder's bias, which every
# image gets, is taken off the images first. Now both batch top-k networks are trained again, from the same
# initialisation and for as many epochs as before, with a revival between the rounds.

# %%
revive_ok = check.use(revive)


@torch.no_grad()
def revive_dead(model, images):
    z, gone = model.encode(images), dead_units(model)[-1]
    errors = losses.squared_error(model.decoder(z), images)
    left = images - model.decoder.bias
    rows = revive_ok(model.encoder.weight.detach(), gone, left, errors)
    column = model.decoder.weight[:, ~gone].norm(dim=0).mean()
    model.encoder.weight.copy_(rows)
    model.encoder.bias[gone] = 0.0
    model.decoder.weight[:, gone] = column * F.normalize(rows[gone].float(), dim=1).T

# %%
with_revival = in_rounds(new(budget(3), pixels=32, units=64), points, 5, 5, 3e-3,
                         between=revive_dead)
nets["batch top-k, revived"] = in_rounds(new(budget(8)), x, 4, 2, 1e-3, between=revive_dead)

# %%
rows = [["without", sparse], ["with", with_revival]]
table(["planted data, revival", "squared error", "dead units", "mean matched cosine"],
      [[name, measured(net, points)[0], dead(net),
        matched_ok(net.decoder.weight.detach().T, planted).mean().item()]
       for name, net in rows])
table(["digits", "squared error per test image", "dead units"],
      [[name, measured(nets[name])[0], dead(nets[name])]
       for name in ("batch top-k", "batch top-k, revived")])

# %%
chosen = ("ReLU, L1 × 0.3", "batch top-k", "batch top-k, revived")
plots.images({name: top_atoms(nets[name]) for name in chosen}, limits=(-0.15, 0.15));

# %% [markdown]
# On planted data nearly every feature has a partner now, and the error falls with it. On digits the code has as few
# active units per image as before, and the error falls too, since the images choose from nearly all units and not
# from a handful.
#
# The pictures show the atoms of the units that are on most often. Without revival they are mixed from several digits,
# because so few units have to serve all images. A revived unit starts as one badly reconstructed image, and many atoms
# of the last row still look like a whole digit. Those of the L1 code have finer lines, since many more units share the
# work on an image.
#
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** On planted data you know when a feature is found. On digits you have the error, the dead
# units, the atoms and the images that fire a unit. Suppose somebody shows you a unit of a language model's sparse
# code with twenty sentences on which it fires the most, all about bridges. Which of this page's experiences make you
# careful, and what would you measure before you call it "the bridge feature"?
#
# **Where to go next.** Here a code pays for being on, or is cut off. Lesson 06 asks something stronger of it: that it
# follow a distribution, the **prior**. A penalty then is a part of a likelihood, and no weight has to be tried
# out. From a code that follows a known distribution we can generate new images.
