# %% [markdown]
# # Lab 03 · Flat surfaces and maps, piece by piece
#
# At the end of this page you have written PCA and used it as a ruler: for a linear autoencoder, for a bug that hides, and
# for maps that look better than they are.
#
# After this lab you can
#
# - write PCA by a singular value decomposition, and project and rebuild images with it;
# - say how far a linear autoencoder is from PCA, in error and in angle, and why the two disagree;
# - find a bug by the smallest error that a network can reach, before training it any longer;
# - measure how many dimensions data fill, and whether a map may be trusted.
#
# **Before it:** unit 03; units 03a, 03d and 03e explain more of TwoNN, maps and the forgotten mean. **Time:** about 55
# minutes for you, under a minute for the machine.
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
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
x, x_test, y_test = digits.x_train[:10_000], digits.x_test, digits.y_test
digits

# %% [markdown]
# ## 1 · PCA by SVD
# ★☆☆ · 10 minutes
#
# Images `x` (N, D) come in. Three things go out: the mean image (D,); the first `k` **axes** (k, D), each a row of length
# 1, orthogonal to each other, the one with the largest variance first; and the **variances** (k,) along them. Take the
# singular value decomposition of the images minus their mean, and divide by N − 1 where a variance needs it. An axis and its
# opposite are equally right.
#
# Let $X$ be the images minus their mean. `torch.linalg.svd(X, full_matrices=False)` returns three tensors, `U`, `S` and `Vh`,
# with $X = U\,\mathrm{diag}(S)\,V^\top$; `Vh` is $V^\top$, and `S` holds the singular values, the largest first. Without
# `full_matrices=False` U becomes a matrix of N × N, too large for many images.

# %% nbgrader={"grade": false, "grade_id": "pca", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pca(x, k):
    """Images (N, D) to a triple: mean (D,), axes (k, D), variances (k,)."""
    ### BEGIN SOLUTION
    mean = x.mean(0)
    _, S, Vh = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, Vh[:k], S[:k].square() / (len(x) - 1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "pca-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.pca(pca)

# %%
# Stuck? Type check.pca.hint() on the next line, and run this cell.

# %% [markdown]
# Ten thousand digits: the axes as pictures, with zero in grey, and the share of the images' variance along each.

# %%
pca_ok = check.use(pca)
mean, axes, variances = (part.float() for part in pca_ok(x, 64))
total = (x - mean).square().sum(1).mean()
plots.images({"axes": axes[:8]}, limits=(-0.12, 0.12),
             columns=[f"{100 * v / total:.1f} %" for v in variances[:8]]);

# %% [markdown]
# Each axis is an image to be added to the mean or subtracted from it. The first ones are broad and change much of the
# picture, the later ones are finer. None of them is a part of a digit, and the largest share is a small one.
#
# ## 2 · From an image to its code
# ★☆☆ · 5 minutes
#
# The **code** of an image says how far to go along each axis from the mean, to come as near to the image as the axes allow.
# Images `x` (B, D), a `mean` (D,) and `axes` (k, D) as in exercise 1 come in; codes (B, k) go out.

# %% nbgrader={"grade": false, "grade_id": "encode", "locked": false, "schema_version": 3, "solution": true, "task": false}
def encode(x, mean, axes):
    """The codes (B, k) of images (B, D)."""
    ### BEGIN SOLUTION
    return (x - mean) @ axes.T
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "encode-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.encode(encode)

# %%
# Stuck? Type check.encode.hint() on the next line, and run this cell.

# %% [markdown]
# ## 3 · From a code back to an image
# ★☆☆ · 4 minutes
#
# And back: codes `z` (B, k) come in, the images (B, D) that they stand for go out.

# %% nbgrader={"grade": false, "grade_id": "decode", "locked": false, "schema_version": 3, "solution": true, "task": false}
def decode(z, mean, axes):
    """The images (B, D) of codes (B, k)."""
    ### BEGIN SOLUTION
    return z @ axes + mean
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "decode-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.decode(decode)

# %%
# Stuck? Type check.decode.hint() on the next line, and run this cell.

# %% [markdown]
# Now rebuild test images, which PCA has not seen, from 2, 8 and 30 numbers. In the table the mean image stands for a code of
# no numbers at all: without a code nothing is better.

# %%
encode_ok, decode_ok = check.use(encode), check.use(decode)


def rebuild(images, k):
    z = encode_ok(images, mean, axes[:k]).float()
    return decode_ok(z, mean, axes[:k]).float()


def error(x_hat, images):  # mean squared error per image
    return (x_hat - images).square().sum(1).mean().item()


some = x_test[plots.first_of_each(y_test)]
plots.images({"digits": some} | {f"{k} numbers": rebuild(some, k) for k in (30, 8, 2)})
rows = [[k, error(rebuild(x_test, k), x_test)] for k in (2, 8, 30)]
table(["numbers", "squared error per test image"], [[0, error(mean, x_test)], *rows])

# %% [markdown]
# With thirty numbers the digits can be read; with two, all of them are blends of a few shapes. The grey shadows beside the
# strokes are values that the flat surface cannot help: it knows neither black nor white, only sums of axes.
#
# ## 4 · The angle between two surfaces
# ★★☆ · 10 minutes
#
# A linear autoencoder also draws on a flat surface, spanned by the columns of its decoder. Is it PCA's surface? Two
# matrices `A` and `B` of shape (D, k) come in, whose columns are neither orthogonal nor of length 1. Return **the largest
# principal angle** between the spaces that their columns span, in degrees.
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
# A linear autoencoder with a code of 8, trained for longer and longer. The mean is subtracted from the images beforehand.
# Its error is compared with PCA's on the same training images.

# %%
class Linear(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.encoder = nn.Linear(784, k, bias=False)
        self.decoder = nn.Linear(k, 784, bias=False)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def squared_error(model, x, step):
    return {"squared error": (model(x) - x).square().sum(-1)}


def train(model, images, epochs=10, lr=1e-2):
    fit(model, (images,), squared_error, epochs=epochs, batch=64, lr=lr, one_cycle=True)
    with torch.no_grad():
        return error(model(images), images)

# %%
angle_ok, rows = check.use(angle), []
for epochs in (2, 4, 8):
    with seeded(0):
        model = Linear(8)
    above = train(model, x - mean, epochs, lr=5e-3) / error(rebuild(x, 8), x) - 1
    degrees = angle_ok(model.decoder.weight.detach(), axes[:8].T)
    rows.append([epochs, f"{100 * above:.2f}", f"{float(degrees):.0f}"])
table(["epochs", "error above PCA's (%)", "largest angle to PCA's surface (°)"], rows)

# %% [markdown]
# The error is within a few percent of PCA's at once, while the two surfaces are still far apart. To exchange one axis for
# another of nearly the same variance costs next to nothing, and it is an angle of up to 90°. So a small error does not show
# that the surface is PCA's; the angle does.
#
# ## 5 · Bug hunt: a floor that is too high
# ★★☆ · 9 minutes
#
# Somebody uses the network above, `Linear(k)`, for the images as they are, and reports that PCA is better than a linear
# autoencoder. See for yourself:

# %%
def new(k):
    with seeded(0):
        return Linear(k)


trained = {k: train(new(k), x) for k in (2, 30)}
table(["numbers", "linear autoencoder", "PCA"],
      [[k, trained[k], error(rebuild(x, k), x)] for k in trained])

# %% [markdown]
# With thirty numbers there is hardly a difference, with two there is one, and more epochs do not help. So it is no
# matter of training. Read the network's code, find what it cannot do, and write the smallest mean squared error per image
# that **any** weights of this network can reach on images `x` (N, D). The error of an image is summed over its pixels.

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
# If you found the bug, your floor meets the trained network, and not PCA. Two ways to mend it with two numbers: give both
# layers biases, or subtract the mean image before the encoder and add it after the decoder.

# %%
best_error_ok = check.use(best_error)
with seeded(0):
    biased = nn.Sequential(nn.Linear(784, 2), nn.Linear(2, 784))
table(["two numbers", "squared error per training image"],
      [["network as it was, trained", trained[2]],
       ["your floor for it", float(best_error_ok(x, 2))],
       ["with biases, trained", train(biased, x)],
       ["mean subtracted and added, trained", train(new(2), x - mean)],
       ["PCA", error(rebuild(x, 2), x)]])

# %% [markdown]
# Without biases a code of zeros gives a black image, so the surface must pass through black, and one of its directions
# has to lead to the mean. With thirty directions that costs next to nothing, and the bug hides. Biases *could* mend it, but in this
# time training does not find out how to use them. The mean subtracted and added back mends it at once: what is known
# beforehand need not be learned.
#
# ## 6 · How many dimensions?
# ★★☆ · 7 minutes
#
# TwoNN (Facco, d'Errico, Rodriguez and Laio, 2017). Each of N points has a nearest neighbour at the distance $r_1$ and a second nearest at
# $r_2$, other points both; $\mu_i = r_2 / r_1$ for point $i$. The most likely number of dimensions is
# $$\hat d = \frac{N}{\sum_{i=1}^{N} \log \mu_i}.$$
# `points` of shape (N, D) come in, all different; a number goes out.

# %% nbgrader={"grade": false, "grade_id": "two_nn", "locked": false, "schema_version": 3, "solution": true, "task": false}
def two_nn(points):
    """The most likely number of dimensions of points (N, D), a number."""
    ### BEGIN SOLUTION
    near = torch.cdist(points, points).topk(3, largest=False).values  # itself, r1, r2
    return len(points) / (near[:, 2] / near[:, 1]).log().sum().item()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "two_nn-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.two_nn(two_nn)

# %%
# Stuck? Type check.two_nn.hint() on the next line, and run this cell.

# %% [markdown]
# First on data whose dimension is known. The points have double precision: among a thousand points on a line some are
# so close that single precision rounds their distance away.

# %%
two_nn_ok = check.use(two_nn)
generator = torch.Generator().manual_seed(0)


def cube(d, n=1000):
    return torch.rand(n, d, generator=generator, dtype=torch.double)


roll = torch.from_numpy(make_swiss_roll(1000, random_state=0)[0])
turned = cube(5) @ torch.randn(5, 784, generator=generator, dtype=torch.double)
known = [[f"cube, d = {d}", d, float(two_nn_ok(cube(d)))] for d in (1, 2, 5, 10, 50)]
table(["points", "true", "TwoNN says"],
      [*known, ["Swiss roll, in 3 dimensions", 2, float(two_nn_ok(roll))],
       ["cube of 5, turned into 784 dimensions", 5, float(two_nn_ok(turned))]])

# %% [markdown]
# Few dimensions are found, wherever the points lie: on a roll, or in a space of 784. Of many dimensions it says too few.
# Now each digit by itself, once as pixels and once as PCA codes of eight numbers:

# %%
of_class, of_flat = [], []
for label in range(10):
    images = digits.x_train[digits.y_train == label][:1000].double()
    of_class.append(float(two_nn_ok(images)))
    of_flat.append(float(two_nn_ok((images - mean) @ axes[:8].T.double())))
figure, axis = plt.subplots(figsize=(6.5, 2.8))
axis.plot(of_class, "o", label="pixels")
axis.plot(of_flat, "s", label="PCA codes of 8 numbers")
axis.set(xlabel="digit", xticks=range(10), ylabel="dimensions (TwoNN)", ylim=(0, None))
axis.legend(frameon=False);

# %% [markdown]
# The digits (circles) fill far fewer dimensions than they have pixels, and more than eight. Their codes of eight numbers
# (squares) cannot fill more than eight, so something of every digit is lost. Read both as rough: the larger the number, the more it is too small.
#
# ## 7 · Can a map be trusted?
# ★★★ · 12 minutes
#
# A map gives each of N data points $x_i$ a place $z_i$ in the plane. **Trustworthiness** (Venna and Kaski, 2001) asks
# whether neighbours on the map are neighbours in the data. For each point $i$ let $U_k(i)$ be its **intruders**: the points
# that are among its $k$ nearest neighbours on the map, but not among its $k$ nearest in the data. Let $r(i, j)$ be the rank
# of $j$ among the neighbours of $i$ **in the data**: 1 is the nearest, 2 the second, and so on; $i$ itself does not count. Then
# $$T(k) = 1 - \frac{2}{N k\,(2N - 3k - 1)} \sum_{i=1}^{N} \sum_{j \in U_k(i)} \bigl(r(i, j) - k\bigr).$$
# `x` (N, D), `z` (N, 2) and `k` come in; distances are Euclidean, and k is below N/2.

# %% nbgrader={"grade": false, "grade_id": "trustworthiness", "locked": false, "schema_version": 3, "solution": true, "task": false}
def trustworthiness(x, z, k):
    """The trustworthiness of a map z (N, 2) of data x (N, D), a number."""
    ### BEGIN SOLUTION
    n = len(x)
    rank_x = torch.cdist(x, x).argsort(1).argsort(1)  # 0 is the point itself
    rank_z = torch.cdist(z, z).argsort(1).argsort(1)
    intruder = (rank_z >= 1) & (rank_z <= k) & (rank_x > k)
    cost = (rank_x - k)[intruder].sum().item()
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * cost
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "trustworthiness-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.trustworthiness(trustworthiness)

# %%
# Stuck? Type check.trustworthiness.hint() on the next line, and run this cell.

# %% [markdown]
# Four maps of the same thousand test images: two random directions, PCA's first two axes, t-SNE, and places drawn by lot.
# Each colour is a digit. With data and map **swapped**, the function measures the *continuity*: are neighbours in the data neighbours on the map?

# %%
trustworthiness_ok = check.use(trustworthiness)
images, labels = x_test[:1000], y_test[:1000]
flat = encode_ok(images, mean, axes[:2]).float()
t_sne = TSNE(2, init="pca", max_iter=500, random_state=0).fit_transform(images.numpy())
maps = {"by lot": torch.rand(1000, 2, generator=generator),
        "random directions": images @ torch.randn(784, 2, generator=generator),
        "PCA": flat, "t-SNE": torch.from_numpy(t_sne)}
rows = []
for name, z in maps.items():
    rows.append([name, float(trustworthiness_ok(images, z, 10)),
                 float(trustworthiness_ok(z, images, 10))])
table(["map", "trustworthiness", "continuity"], rows)

# %%
figure, panels = plt.subplots(1, 3, figsize=(11, 3.6))
for panel, name in zip(panels, ("random directions", "PCA", "t-SNE")):
    plots.class_map(panel, maps[name], labels)
    panel.set(title=name, xlabel="axis 1", ylabel="axis 2")

# %% [markdown]
# A map by lot is worth about one half, so that is the number to compare with, not 0. PCA's map puts many strangers side by side
# and yet tears few neighbours apart: its continuity is higher than its trustworthiness, since a shadow laid flat brings far things
# together. On the t-SNE map islands of one colour have few intruders.
#
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** PCA's surface, a linear autoencoder's and a code from a bent one: all of them can be asked for their
# error, their dimension and their map's trustworthiness. Give a map that has a perfect trustworthiness and is useless. Which of
# the measures of this page would notice, and which would you add?
#
# **Where to go next.** Lesson 04 damages the image before the encoder sees it, and asks for the clean one: then copying is
# no longer an answer, whatever the width of the code.
