# %% [markdown]
# # Lab 03 · Linear surfaces and maps, piece by piece
#
# At the end of this page you have used linear surfaces to name digits and to fill in hidden pixels, found a bug before
# training any longer, estimated a dimension from many neighbours, and measured whether a map may be trusted.
#
# After this lab you can
#
# - measure how far an image lies from a linear surface, and classify by the nearest one;
# - fill in hidden pixels by least squares, and say when this fails;
# - compare two surfaces by their error and by their angle, and explain why the two disagree;
# - find a bug by the smallest error that a network can reach;
# - estimate how many dimensions data fill, and whether a map may be trusted.
#
# **Before it:** units 03 and 03a. **Time:** about 55 minutes for you, under a minute for the machine.
#
# **How the checks work.** Write your answer in place of `...  # YOUR CODE HERE` and run the cell below it:
# `check.NAME(NAME)` tries it on fresh inputs, says what kind of mistake it sees, and does not show the solution. Stuck?
# Type `check.NAME.hint()` into the cell below the check: it gives one hint more at each call, and
# `check.NAME.solution()` shows one way and why it is so. A line `NAME_ok = check.use(NAME)` takes your answer if it is
# right and the course's own if not, so you can go on at any time.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import make_swiss_roll
from sklearn.manifold import TSNE
from torch import nn

from aecourse import data, plots
from aecourse.check import lab03 as check
from aecourse.claims import table
from aecourse.models import PCA
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
train, valid = data.validation_split(len(digits.x_train), 2000)
x, y = digits.x_train[train[:10_000]], digits.y_train[train[:10_000]]
x_val, y_val = digits.x_train[valid], digits.y_train[valid]  # validation images
x_test, y_test = digits.x_test, digits.y_test
digits

# %% [markdown]
# ## 1 · How far from a surface?
# ★☆☆ · 8 minutes
#
# `PCA(x)` of unit 03 describes a linear surface by a mean and by orthonormal axes. The point of the surface that is
# nearest to an image is the image's reconstruction. Now there are C surfaces. Images `x` (B, D) come in, the `means`
# (C, D) of the surfaces, and their `axes` (C, k, D). The axes of one surface, `axes[c]` (k, D), have length 1 and are
# orthogonal to each other. Return a table (B, C) of **squared distances**: in row b and column c, the squared distance of
# image b to the nearest point of surface c, summed over the pixels.
#
# B, C and k may be 1. With k = 0 a surface is its mean alone. A loop over the surfaces is fine.

# %% nbgrader={"grade": false, "grade_id": "distances", "locked": false, "schema_version": 3, "solution": true, "task": false}
def distances(x, means, axes):
    """The squared distances (B, C) of images (B, D) to C surfaces with axes (C, k, D)."""
    ### BEGIN SOLUTION
    table = []
    for mean, own in zip(means, axes, strict=True):
        centred = x - mean
        z = centred @ own.T  # the code, (B, k)
        table.append((centred - z @ own).square().sum(1))
    return torch.stack(table, 1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "distances-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.distances(distances)

# %%
# Stuck? Type check.distances.hint() on the next line, and run this cell.

# %% [markdown]
# Fit a surface to the images of each class alone, ten surfaces in all. A new image gets the class of the nearest one. How
# many axes should each surface have? We choose the number on validation images. `accuracy` hands a hundred images at a time
# to your function, which saves memory.

# %%
distances_ok = check.use(distances)
of_class = [PCA(x[y == c], 50) for c in range(10)]
means = torch.stack([pca.mean for pca in of_class])  # (10, 784)
class_axes = torch.stack([pca.axes for pca in of_class])  # (10, 50, 784)


def accuracy(images, labels, k):
    own = class_axes[:, :k]
    nearest = torch.cat([distances_ok(part, means, own).argmin(1)
                         for part in images.split(100)])
    return 100 * (nearest == labels).float().mean().item()


sizes = [0, 1, 2, 5, 10, 15, 20, 30, 40, 50]
right = [accuracy(x_val, y_val, k) for k in sizes]
best = sizes[right.index(max(right))]

# %%
axis = plt.subplots(figsize=(6, 3.2))[1]
axis.plot(sizes, right, "o-")
axis.set(xlabel="axes of each surface", ylabel="accuracy on validation images (%)");

# %% [markdown]
# Without axes an image gets the class of the nearest mean image (left end of the curve). The first ten axes raise the
# accuracy most, and the last twenty hardly change it: with many axes each surface comes near to the digits of the other
# classes as well. On test images, with the number of axes that was chosen above:

# %%
table(["axes of each surface", "accuracy on test images (%)"],
      [[k, accuracy(x_test, y_test, k)] for k in (0, best)])

# %% [markdown]
# No classifier was trained here. Each surface knows the images of one class and nothing else (Hinton, Revow and Dayan
# 1995).
#
# ## 2 · Hidden pixels
# ★★☆ · 11 minutes
#
# Some pixels of the images are hidden. Where would they be on PCA's surface? Take for each image the code whose
# reconstruction has the **smallest squared error on the visible pixels**, and fill in the hidden pixels from this
# reconstruction. The visible pixels stay as they are.
#
# Images `x` (B, D) come in, and `seen` (D,), a Boolean tensor that is True where a pixel is visible, the same for all
# images. Any number may stand in `x` at hidden pixels, and it must not change the result. `mean` (D,) and `axes` (k, D)
# belong to the surface. Return the completed images (B, D).
#
# At least k pixels are visible, and there is one best code. All pixels may be visible. `torch.linalg.lstsq(M, Y).solution`
# solves a least-squares problem: for M (n, k) and Y (n, B) it gives the Z (k, B) with the smallest squared error
# between M @ Z and Y.

# %% nbgrader={"grade": false, "grade_id": "fill_in", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fill_in(x, seen, mean, axes):
    """Images (B, D) whose hidden pixels are those of the best code for the visible ones."""
    ### BEGIN SOLUTION
    visible = (x - mean)[:, seen]  # (B, V)
    z = torch.linalg.lstsq(axes[:, seen].T, visible.T).solution.T  # (B, k)
    return torch.where(seen, x, mean + z @ axes)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "fill_in-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.fill_in(fill_in)

# %%
# Stuck? Type check.fill_in.hint() on the next line, and run this cell.

# %% [markdown]
# We hide half of the pixels in two ways: chosen at random, and the lower half. The error is the squared error on the
# hidden pixels of validation images.

# %%
fill_in_ok = check.use(fill_in)
generator = torch.Generator().manual_seed(0)
pca = PCA(x, 80)
visible = {"half at random": torch.rand(784, generator=generator) < 0.5,
           "upper half": torch.arange(784) < 392}


def filled(images, seen, k):
    return fill_in_ok(images, seen, pca.mean, pca.axes[:k]).float()


counts = [1, 2, 3, 5, 10, 20, 30, 50, 80]
hidden_error = {name: [(filled(x_val, seen, k) - x_val).square().sum(1).mean().item()
                       for k in counts] for name, seen in visible.items()}
mean_error = {name: (x_val - pca.mean)[:, ~seen].square().sum(1).mean().item()
              for name, seen in visible.items()}

# %%
axis = plt.subplots(figsize=(6, 3.4))[1]
for (name, errors), style in zip(hidden_error.items(), ("o-", "s--"), strict=True):
    line = axis.plot(counts, errors, style, label=f"visible: {name}")[0]
    axis.axhline(mean_error[name], color=line.get_color(), linestyle=":")
axis.set(xlabel="axes", ylabel="squared error on the hidden pixels")
plots.log_axes(axis, x=counts, y=[5, 10, 20, 50, 100, 200, 500, 1000])
axis.legend(frameon=False);

# %% [markdown]
# The dotted lines are the errors of the mean image. With pixels hidden at random the error falls with each of the first
# fifty axes. With the lower half hidden it soon rises far above the mean image. Both times half of the pixels are visible
# and the code fits them better and better. In the pictures, `best` is the number of axes with the smallest error above:

# %%
some, rows = x_test[plots.first_of_each(y_test)], {}
for name, seen in visible.items():
    rows[f"visible: {name}"] = some * seen
    k = counts[hidden_error[name].index(min(hidden_error[name]))]
    rows[f"best, {k} axes"] = filled(some, seen, k)
    if name == "upper half":
        rows["50 axes"] = filled(some, seen, 50)
plots.images({"digits": some} | rows);

# %% [markdown]
# Pixels hidden at random have visible neighbours, and the digits come back. (They are test digits.) The lower half has
# none. Cut to the upper half, some of the fifty axes are nearly sums of others. So a small misfit there is met by large
# codes of opposite signs, and below they add up to strokes that belong to no digit. A code that fits what it sees is not
# yet the code of a digit.
#
# ## 3 · The angle between two surfaces
# ★★☆ · 10 minutes
#
# Unit 03 compared two surfaces by their largest angle, with a function of the package. Write it. Two matrices `A` and `B`
# of shape (D, k) come in, whose columns need be neither orthogonal nor of length 1. Return **the largest principal angle**
# between the spaces that their columns span, in degrees, a number.
#
# Let P and Q be orthonormal bases of the two spaces, (D, k) each. The singular values of $P^\top Q$ are the cosines of the
# k principal angles. The angle is 0° if the spaces are the same, and 90° if one has a direction that is orthogonal to all
# of the other.

# %% nbgrader={"grade": false, "grade_id": "angle", "locked": false, "schema_version": 3, "solution": true, "task": false}
def angle(A, B):
    """The largest principal angle between two column spaces, in degrees, a number."""
    ### BEGIN SOLUTION
    P, _ = torch.linalg.qr(A)
    Q, _ = torch.linalg.qr(B)
    cosines = torch.linalg.svdvals(P.T @ Q).clamp(max=1)
    return torch.rad2deg(cosines.arccos().max()).item()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "angle-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.angle(angle)

# %%
# Stuck? Type check.angle.hint() on the next line, and run this cell.

# %% [markdown]
# How much of PCA's surface is a property of digits, and how much of the images that we happened to take? `x` holds training
# images in random order. Fit PCA to one half of them and to the other half. For each number of axes, compare the two surfaces in two ways: by their
# largest angle, and by how much the error on the first half grows if the other half's surface is used.

# %%
angle_ok = check.use(angle)
first, second = PCA(x[::2], 30), PCA(x[1::2], 30)
ks = list(range(1, 31))
angles = [float(angle_ok(first.axes[:k].T, second.axes[:k].T)) for k in ks]
growth = [100 * (second.error(x[::2], k) / first.error(x[::2], k) - 1) for k in ks]

# %%
axis = plt.subplots(figsize=(6.5, 3.4))[1]
axis.plot(ks, angles, "o-", markersize=4, label="largest angle (°)")
axis.plot(ks, growth, "s--", markersize=4, label="growth of the error (%)")
axis.set(xlabel="axes", ylabel="° and %", yscale="log", ylim=(0.05, 120))
axis.legend(frameon=False);

# %% [markdown]
# The angle (circles) jumps up and down and comes near to a right angle at some sizes. The error (squares) hardly grows.
# Where the images vary nearly equally along axis k and axis k + 1, chance decides which of them comes first. An exchange
# turns the surface by up to 90° and costs next to nothing. So the error of a surface can be trusted where its last axes
# cannot.
#
# ## 4 · Bug hunt: a floor that is too high
# ★★☆ · 9 minutes
#
# A colleague trains this linear autoencoder on the images as they are, and reports that PCA is better than a linear
# autoencoder. See for yourself:

# %%
class Linear(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.encoder = nn.Linear(784, k, bias=False)
        self.decoder = nn.Linear(k, 784, bias=False)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def new(k):
    with seeded(0):
        return Linear(k)

# %%
def squared_error(model, x, step):
    return {"squared error": (model(x) - x).square().sum(-1)}


def trained_error(model, images, epochs=10, lr=1e-2):
    fit(model, (images,), squared_error, epochs=epochs, batch=64, lr=lr, one_cycle=True)
    with torch.no_grad():
        return squared_error(model, images, 0)["squared error"].mean().item()


trained = {k: trained_error(new(k), x) for k in (2, 30)}
table(["latent dimension", "linear autoencoder", "PCA"],
      [[k, trained[k], pca.error(x, k)] for k in trained])

# %% [markdown]
# With latent dimension 30 there is hardly a difference, with 2 there is one, and more epochs do not help. So it is no
# matter of training. Read the network's code, find what it cannot do, and write the smallest mean squared error per image
# that **any** weights of this network can reach on images `x` (N, D), a number. The error of an image is summed over its
# pixels. The latent dimension `k` is smaller than D; it may be larger than N.

# %% nbgrader={"grade": false, "grade_id": "best_error", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_error(x, k):
    """The smallest mean squared error per image that Linear(k) can reach on x, a number."""
    ### BEGIN SOLUTION
    singular = torch.linalg.svdvals(x)  # of the images as they are
    return singular[k:].square().sum().item() / len(x)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "best_error-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.best_error(best_error)

# %%
# Stuck? Type check.best_error.hint() on the next line, and run this cell.

# %% [markdown]
# If you found the bug, your floor meets the trained network, and not PCA. There are two ways to fix it: give both layers
# biases, or subtract the mean image before the encoder and add it after the decoder.

# %%
best_error_ok = check.use(best_error)
with seeded(0):
    biased = nn.Sequential(nn.Linear(784, 2), nn.Linear(2, 784))
table(["latent dimension 2", "squared error per training image"],
      [["network as it was, trained", trained[2]],
       ["your floor for it", float(best_error_ok(x, 2))],
       ["with biases, trained", trained_error(biased, x)],
       ["mean subtracted and added, trained", trained_error(new(2), x - pca.mean)],
       ["PCA", pca.error(x, 2)]])

# %% [markdown]
# Without biases a code of zeros gives a black image, so the surface must pass through black, and one of its directions
# has to lead to the mean. With thirty directions that costs next to nothing, and the bug hides. Biases *could* fix it, but in this
# time training does not find out how to use them. The mean subtracted and added back fixes it at once: what is known
# beforehand need not be learned.
#
# ## 5 · How many dimensions?
# ★★☆ · 9 minutes
#
# TwoNN (unit 03a) uses two neighbours of each point. Levina and Bickel (2004) use k. Let $T_1 \le \dots \le T_k$ be the
# distances from point $i$ to its $k$ nearest neighbours. Inside the ball of radius $T_k$ the other $k - 1$ neighbours lie
# anywhere, so by the derivation of unit 03a each ratio $\mu = T_k / T_j$ has the density $d\,\mu^{-d-1}$. The most
# likely dimension at point $i$ is
# $$\hat d_i = \Bigl(\frac{1}{k - 1} \sum_{j=1}^{k-1} \log \frac{T_k}{T_j}\Bigr)^{-1}.$$
# The most likely dimension of all points together is not the mean of these. MacKay and Ghahramani (2005) average the
# **inverses**: $1/\hat d$ is the mean of the $1/\hat d_i$ over the $N$ points.
#
# `points` of shape (N, D) come in, all different, and `k` with 2 ≤ k < N; $\hat d$ goes out, a number. Distances are
# Euclidean. Several neighbours may be equally far away; each of them counts. A point is not its own neighbour. With k = 2
# this is TwoNN.

# %% nbgrader={"grade": false, "grade_id": "dimension", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dimension(points, k):
    """The most likely dimension of points (N, D), from k neighbours, a number."""
    ### BEGIN SOLUTION
    away = torch.cdist(points, points).fill_diagonal_(torch.inf)
    near = away.topk(k, largest=False).values  # T_1 to T_k of each point, (N, k)
    inverse = (near[:, -1:] / near[:, :-1]).log().mean(1)  # (N,)
    return 1 / inverse.mean().item()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "dimension-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.dimension(dimension)

# %%
# Stuck? Type check.dimension.hint() on the next line, and run this cell.

# %% [markdown]
# What do more neighbours change? First on points whose dimension is known: twenty sets of 500 random points in a cube of
# five dimensions. The points have double precision. In single precision the distance of two near points could be rounded
# away.

# %%
dimension_ok = check.use(dimension)


def cube(d, n=500):
    return torch.rand(n, d, generator=generator, dtype=torch.double)


neighbours = [2, 3, 5, 10, 20, 50, 100]
sets = [cube(5) for _ in range(20)]
found = torch.tensor([[float(dimension_ok(points, k)) for k in neighbours]
                      for points in sets])
of_digit = {c: [float(dimension_ok(digits.x_train[digits.y_train == c][:1000].double(), k))
                for k in neighbours] for c in (1, 0, 8)}

# %%
axes = plt.subplots(1, 2, figsize=(10, 3.4))[1]
axes[0].errorbar(neighbours, found.mean(0), found.std(0), fmt="o-", capsize=3,
                 label="20 sets, mean ± standard deviation")
axes[0].axhline(5, color="grey", linestyle=":", label="truth")
axes[0].set(title="cube of 5 dimensions", ylabel="estimated dimension", ylim=(3.5, 5.5))
for (c, values), style in zip(of_digit.items(), ("o-", "s--", "^-"), strict=True):
    axes[1].plot(neighbours, values, style, label=f"digit {c}")
axes[1].set(title="images", ylabel="estimated dimension", ylim=(0, None))
for axis in axes:
    axis.set(xlabel="neighbours k")
    plots.log_axes(axis, x=neighbours)
    axis.legend(frameon=False)

# %% [markdown]
# Left: with more neighbours the bars become short, since each point gives more ratios. But the mean falls away from the truth
# (dotted), since the ball around a point grows and reaches over the faces of the cube. This is a trade of variance against
# bias. Right: for the images the estimate falls with k as well. So there is no single number, and all of them are rather
# too small (unit 03a). The order of the three digits hardly depends on k.
#
# Does the estimate depend on where the points lie? We roll a sheet up in three dimensions, and map a cube into 784.

# %%
roll = torch.from_numpy(make_swiss_roll(1000, random_state=0)[0])
mapped = cube(5, 1000) @ torch.randn(5, 784, generator=generator, dtype=torch.double)
some = {"sheet, rolled up in 3 dimensions": (2, roll),
        "cube of 5, mapped into 784 dimensions": (5, mapped),
        "cube of 20": (20, cube(20, 1000))}
table(["points", "true", "k = 2 (TwoNN)", "k = 10"],
      [[name, d, *(float(dimension_ok(points, k)) for k in (2, 10))]
       for name, (d, points) in some.items()])

# %% [markdown]
# Few dimensions are found, wherever the points lie. Of twenty it says too few, with two neighbours and with ten.
#
# ## 6 · Can a map be trusted?
# ★★★ · 12 minutes
#
# A map gives each of N data points $x_i$ a place $z_i$ in the plane. **Trustworthiness** (Venna and Kaski 2001) asks
# whether neighbours on the map are neighbours in the data. For each point $i$ let $U_k(i)$ be its **intruders**: the points
# that are among its $k$ nearest neighbours on the map, but not among its $k$ nearest in the data. Let $r(i, j)$ be the rank
# of $j$ among the neighbours of $i$ **in the data**: 1 is the nearest, 2 the second, and so on. Then
# $$T(k) = 1 - \frac{2}{N k\,(2N - 3k - 1)} \sum_{i=1}^{N} \sum_{j \in U_k(i)} \bigl(r(i, j) - k\bigr).$$
# `x` (N, D), `z` (N, 2) and `k` come in; distances are Euclidean, and k is below N/2.
#
# The point $i$ itself is never counted, neither on the map nor in the data. Two points may lie at the same place: then
# each of them is a neighbour of the other, at the distance 0. Where two others are equally far from $i$, any order of the
# two will do; the checks have no case in which it matters.

# %% nbgrader={"grade": false, "grade_id": "trustworthiness", "locked": false, "schema_version": 3, "solution": true, "task": false}
def trustworthiness(x, z, k):
    """The trustworthiness of a map z (N, 2) of data x (N, D), a number."""
    ### BEGIN SOLUTION
    n = len(x)
    rank_x, rank_z = (torch.cdist(p, p).fill_diagonal_(-1).argsort(1).argsort(1)
                      for p in (x, z))  # 0 is the point itself, 1 its nearest neighbour
    intruder = (rank_z >= 1) & (rank_z <= k) & (rank_x > k)
    cost = (rank_x - k)[intruder].sum().item()
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * cost
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "trustworthiness-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.trustworthiness(trustworthiness)

# %%
# Stuck? Type check.trustworthiness.hint() on the next line, and run this cell.

# %% [markdown]
# Four maps of the same thousand test images: places chosen at random, two random directions, PCA's first two axes, and
# t-SNE. With data and map **exchanged**, the function measures the *continuity*: are neighbours in the data neighbours on
# the map?

# %%
trustworthiness_ok = check.use(trustworthiness)
images, labels = x_test[:1000], y_test[:1000]
t_sne = TSNE(2, init="pca", max_iter=500, random_state=0).fit_transform(images.numpy())
maps = {"places at random": torch.rand(1000, 2, generator=generator),
        "random directions": images @ torch.randn(784, 2, generator=generator),
        "PCA": pca.encode(images, 2), "t-SNE": torch.from_numpy(t_sne)}
trust = {name: float(trustworthiness_ok(images, z, 10)) for name, z in maps.items()}
table(["map", "trustworthiness", "continuity"],
      [[name, trust[name], float(trustworthiness_ok(z, images, 10))]
       for name, z in maps.items()])

# %%
panels = plt.subplots(1, 3, figsize=(11, 3.8))[1]
for panel, name in zip(panels, ("random directions", "PCA", "t-SNE"), strict=True):
    plots.class_map(panel, maps[name], labels)
    panel.set(title=f"{name}: T(10) = {trust[name]:.2f}", xlabel="axis 1", ylabel="axis 2")

# %% [markdown]
# Each colour is a digit, and its number stands at the median of its points. Places at random are worth about one half, so
# that is the baseline, not 0. On PCA's map many points of different digits lie side by side, but few neighbours are torn
# apart: its continuity is higher than its trustworthiness, since a projection brings distant points together. On the t-SNE
# map the islands of one colour have few intruders.
#
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** Give a map of digits that has a perfect trustworthiness and is useless. Which of the measures of
# this page would notice, and which would you add?
#
# **Where to go next.** In lesson 04 the encoder sees a corrupted image, and the clean one is asked for. Then copying is
# no longer an answer, whatever the width of the code.
