# %% [markdown]
# # 03a · How many dimensions does a digit have?
#
# **Promise.** You will count the dimensions that the images of a digit really fill, with an estimator that you have
# tested where the answer is known, and measure distances along the manifold.
#
# **After this unit you can**
# 1. say how lengths and distances behave in many dimensions;
# 2. derive and apply the TwoNN estimator, and say when it errs and in which direction;
# 3. compare straight distances in a code with distances along the manifold.
#
# **Before it:** unit 03. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.sparse.csgraph import shortest_path
from scipy.stats import spearmanr
from sklearn.neighbors import NearestNeighbors, kneighbors_graph
from torch import nn

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA, Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("03", digits.name)

# %%
diagrams.two_ways();

# %% [markdown]
# The points lie on a spiral. It has one dimension, although it lies in a plane. From one end to the other, the straight
# distance (dashed) is short. The distance along the spiral (solid) is long. Sections 2 and 3 measure both things, the
# number of dimensions and the distance along the surface, for digits.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y, x_test = digits.x_train[train], digits.y_train[train], digits.x_test

# %% [markdown]
# ## 1 · Three facts about many dimensions
#
# **Distances.** Stand on one of 500 random points of a cube. How many times farther away is the farthest
# of the others than the nearest?
#
# **Most of a cube lies near its surface.** The inner cube, at least 0.05 away from each face, has the volume $0.9^d$.
# So the share $1 - 0.9^d$ lies near the surface.
#
# **Gaussian samples lie near a sphere.** Let $z$ have $d$ independent standard normal coordinates. Then $\lVert z \rVert^2$
# is a sum of $d$ squares, each with mean 1 and variance 2. So its mean is $d$, and its standard deviation is only
# $\sqrt{2d}$. The root of $d \pm \sqrt{2d}$ is about $\sqrt d \pm 0.7$, the same width in every dimension. So nearly all
# samples have a length near $\sqrt d$, although the density is highest at 0. (Unit 06ca needs this sphere. It is not the
# surface of the cube.)
#
# **Predict.** Farthest ÷ nearest distance of random points in 784 dimensions: about 1, 3, 10 or 100?

# %%
prediction_contrast = None

# %%
def contrast_of(points):
    """Median of farthest ÷ nearest distance, of points (N, d)."""
    distance = torch.cdist(points[:100], points).sort(1).values  # column 0 is the point
    return (distance[:, -1] / distance[:, 1]).median().item()


generator = torch.Generator().manual_seed(0)
dimensions = [1, 2, 3, 10, 30, 100, 300, 784]
contrast, surface, length = [], [], []
for d in dimensions:
    points = torch.rand(500, d, generator=generator)
    near_a_face = torch.minimum(points, 1 - points).amin(1) < 0.05
    contrast.append(contrast_of(points))
    surface.append(100 * near_a_face.float().mean().item())
    length.append(torch.randn(500, d, generator=generator).norm(dim=1))  # (500,)
of_digits = contrast_of(x[torch.randperm(len(x), generator=generator)[:500]])

# %%
axes = plt.subplots(1, 3, figsize=(12, 3.4))[1]
axes[0].plot(dimensions, contrast, "o-", label="random points")
axes[0].axhline(of_digits, color=plots.VERMILION, linestyle="--", label="500 digits")
axes[0].set(xscale="log", yscale="log", ylabel="farthest ÷ nearest distance")
axes[1].plot(dimensions, surface, "o", label="counted")
axes[1].plot(dimensions, [100 * (1 - 0.9**d) for d in dimensions], label="1 − 0.9$^d$")
axes[1].set(xscale="log", ylabel="cube: % near its surface")
ends = [[(r.mean() - r.min()).item() for r in length],
        [(r.max() - r.mean()).item() for r in length]]  # to the shortest and the longest
axes[2].errorbar(dimensions, [r.mean() for r in length], ends, fmt="o", capsize=3,
                 label="shortest, mean, longest")
axes[2].plot(dimensions, [d**0.5 for d in dimensions], label="√d")
axes[2].set(xscale="log", yscale="log", ylabel="length of Gaussian samples")
for axis in axes:
    axis.set_xlabel("dimensions")
    axis.legend(frameon=False)

# %% [markdown]
# Left: in 784 dimensions the farthest random point is hardly farther than the nearest one, so "nearest neighbour"
# means little. Digits (dashed) behave like random points in far fewer dimensions: where the
# dashed line crosses the curve, random points have the same ratio. Middle: the counts follow the
# formula. Right: from about ten dimensions on, the mean length follows $\sqrt d$, and in many dimensions even the
# shortest and the longest sample are close to it.

# %%
score([("farthest ÷ nearest in 784 dimensions", prediction_contrast, contrast[-1])])
claim("distances concentrate", "Farthest ÷ nearest of 500 random points in 784 dimensions",
      contrast[-1], at_most=1.3, baseline=f"500 digits {of_digits:.1f}")
claim("shell", "Share of a 30-dimensional cube within 5 % of its surface", surface[4], "%",
      near=100 * (1 - 0.9**30), within=4, baseline=f"exactly {100 * (1 - 0.9**30):.1f}")
claim("sphere", "Mean length of Gaussian samples in 784 dimensions, relative to √784",
      length[-1].mean() / 28, "times", near=1, within=0.01,
      baseline=f"shortest {length[-1].min() / 28:.2f}, longest {length[-1].max() / 28:.2f}")

# %% [markdown]
# ## 2 · Counting dimensions with two neighbours
#
# **TwoNN** (Facco and others 2017) looks at the distances $r_1 < r_2$ from each point to its two nearest neighbours,
# and at their ratio $\mu = r_2 / r_1$. Let the points be uniformly distributed in $d$ dimensions.
#
# $$\begin{aligned}
# \text{volume within } r &\propto r^d && \text{a ball in } d \text{ dimensions} \\
# P(\mu > m) = P\big(r_1^d < r_2^d / m^d\big) &= m^{-d}
#   && \text{the first neighbour is uniform in the ball} \\
# p(\mu) &= d\, \mu^{-d-1} && \text{minus the derivative with respect to } m \\
# \textstyle\sum_i \log p(\mu_i) &= N \log d - (d + 1) \textstyle\sum_i \log \mu_i && N \text{ points, as if independent} \\
# \hat d &= N \Big/ \textstyle\sum_i \log \mu_i && \text{derivative with respect to } d \text{ is 0}
# \end{aligned}$$
#
# In the second line the ball has the radius $r_2$, and a share $(r_2/m)^d / r_2^d$ of its volume lies within $r_2/m$.
# The fourth line is the log-likelihood of $N$ points.
#
# In many dimensions the second neighbour is hardly farther than the first, so $\log\mu$ is small and $\hat d$ large.
# First by hand, for one hundred points on a line:

# %%
line = np.sort(np.random.default_rng(0).random(100))
total = 0.0
for i in range(100):
    r = np.sort(np.abs(line - line[i]))  # r[0] is 0, the point itself
    total += np.log(r[2] / r[1])
print(f"TwoNN's estimate: {100 / total:.2f} dimensions")

# %% [markdown]
# The function does the same for points with any number of coordinates. `NearestNeighbors` finds the neighbours.

# %%
def two_nn(points):
    """Most likely number of dimensions of points (N, D)."""
    distance, _ = NearestNeighbors(n_neighbors=3).fit(points).kneighbors(points)
    r1, r2 = distance[:, 1], distance[:, 2]  # column 0 is the point itself
    apart = r1 > 0  # leave out duplicates
    return apart.sum() / np.log(r2[apart] / r1[apart]).sum()

# %% [markdown]
# An estimator has to be tested where the truth is known. We try cubes of known dimension. A random linear map puts
# one of them, and a square sheet, into 784 dimensions. We take the sheet twice: clean, and with a little Gaussian
# noise. The standard deviation of the noise is 0.01, and that of a coordinate of the sheet about 0.4.
#
# **Predict.** What is TwoNN's estimate for 2,000 points of Gaussian noise in 784 dimensions?

# %%
prediction_noise = None

# %%
def known_points(n):
    """Name → (true dimension, n points)."""
    rng = np.random.default_rng(0)
    sets = {f"{d}-dimensional cube": (d, rng.random((n, d))) for d in (1, 2, 5, 10, 20, 50)}
    noise = rng.normal(size=(n, 784))
    sets["noise in 784"] = (784, noise)
    for name, d in (("5-dimensional cube in 784", 5), ("sheet in 784", 2)):
        sets[name] = (d, rng.random((n, d)) @ rng.normal(size=(d, 784)))  # (n, 784)
    sets["noisy sheet in 784"] = (2, sets["sheet in 784"][1] + 0.01 * noise)
    return sets

# %%
known = known_points(2000)
estimate = {name: two_nn(points) for name, (_, points) in known.items()}
table(["points", "true dimension", "TwoNN's estimate", "estimate ÷ true"],
      [[name, known[name][0], value, value / known[name][0]]
       for name, value in estimate.items()])

# %%
sheet = known["sheet in 784"][1]
nearest = NearestNeighbors(n_neighbors=2).fit(sheet).kneighbors(sheet)[0][:, 1]
print(f"clean sheet, distance to the nearest neighbour: {np.median(nearest):.2f} (median)")
print(f"distance of two samples of the noise: about {0.01 * (2 * 784) ** 0.5:.2f}")

# %% [markdown]
# On clean points of up to five dimensions TwoNN is right within a tenth, also in a larger space. It errs in two
# directions.
#
# - It **underestimates** many dimensions. Such points have no near neighbours (section 1). The ball that reaches to the
#   second neighbour is then nearly as large as the whole set, and the density in it is not constant. In a cube it also
#   reaches past the faces.
# - It **overestimates** under noise. The nearest neighbour on the clean sheet is about as far away as the noise moves
#   two points apart, and noise fills all 784 dimensions.
#
# So a single answer above five is neither an upper nor a lower bound. It tells the order of magnitude.

# %%
score([("TwoNN of noise in 784 dimensions", prediction_noise, estimate["noise in 784"])])
claim("TwoNN, five dimensions", "TwoNN's estimate for a 5-dimensional cube, relative to "
      "the truth", estimate["5-dimensional cube"] / 5, "times", near=1, within=0.08,
      baseline=f"10-dimensional {estimate['10-dimensional cube'] / 10:.2f}, 20-dimensional "
      f"{estimate['20-dimensional cube'] / 20:.2f}")
claim("TwoNN, noise", "TwoNN's estimate for a sheet of 2 dimensions with a little noise, "
      "relative to the truth", estimate["noisy sheet in 784"] / 2, "times", at_least=1.5,
      baseline=f"without noise {estimate['sheet in 784'] / 2:.2f}")

# %%
n = 2000
of_noisy_sheet = two_nn(known_points(n)["noisy sheet in 784"][1])
print(f"noisy sheet of {n} points: {of_noisy_sheet:.2f} dimensions")

# %%
try_it("Change `n = 2000` to `n = 500` and run that cell again. What is TwoNN's estimate "
       "for the noisy sheet now?", None, of_noisy_sheet, changed=n == 500,
       says="With fewer points the neighbours are farther away, and the same noise matters "
            "less. With 20,000 points they would be nearer than the noise.")

# %% [markdown]
# ### Now the digits
#
# **Predict.** The images have 784 pixels. What is TwoNN's estimate for the images of the digit 1?

# %%
prediction_dimension = None

# %%
of_class = [two_nn(x[y == label][:2000].numpy()) for label in range(10)]
of_shuffled = []
for label in range(10):
    images = x[y == label][:2000].clone()
    for pixel in range(784):  # each pixel keeps its values; their relations are destroyed
        order = torch.randperm(len(images), generator=generator)
        images[:, pixel] = images[order, pixel]
    of_shuffled.append(two_nn(images.numpy()))

# %%
axis = plt.subplots(figsize=(6.5, 3))[1]
axis.plot(range(10), of_shuffled, "s", color=plots.VERMILION, label="pixels shuffled")
axis.bar(range(10), of_class, color=plots.BLUE, label="images")
axis.set(xlabel="digit", xticks=range(10), ylabel="dimensions (TwoNN)", yscale="log")
axis.legend(frameon=False, ncols=2, loc="upper right")
axis.set_ylim(1, 1000);

# %% [markdown]
# All bars are above five, outside of the range where TwoNN is right. Many dimensions would make them too low, and
# noise in the pixels too high. So they tell the order of magnitude: about ten, not 784. For the square markers, the
# values of each pixel were shuffled among the images of the same digit. That destroys the relations between pixels, and
# the estimate is several times as large (an underestimate again, since the pixels are now independent). The relations
# between pixels keep the digits near a surface of few dimensions.

# %%
score([("dimensions of the digit 1, by TwoNN", prediction_dimension, float(of_class[1]))])
claim("intrinsic dimension",
      "Dimensions of one digit's images, TwoNN, mean of ten digits (order of magnitude)",
      np.mean(of_class), "dimensions", at_least=5, at_most=20,
      baseline=f"the same pixels shuffled {np.mean(of_shuffled):.0f}, noise "
      f"{estimate['noise in 784']:.0f}; fewest for {np.argmin(of_class)}")

# %% [markdown]
# ## 3 · Distance along the manifold
#
# If digits lie on a curved surface, the distance between two of them should be measured *along* it. A graph gives an
# estimate. Connect each image with its ten nearest images, and add up the steps of the shortest path.

# %%
some = x_test[:3000]


def along_graph(neighbours):
    """Distances from the first 200 images, and the image before each on the path."""
    graph = kneighbors_graph(some.numpy(), neighbours, mode="distance")
    return shortest_path(graph, directed=False, indices=np.arange(200),
                         return_predecessors=True)


along, before = along_graph(10)  # (200, 3000) each

# %% [markdown]
# Does the code of an autoencoder agree with these distances? We train a deep one, with the helper `he` of unit 03, and
# compare straight distances in several spaces. The measure is the rank correlation: 1 if both distances put all
# pairs into the same order, 0 if they have nothing in common.
#
# **Predict.** Whose straight distances agree better with the distances along the graph: those of `"pixels"` or those of
# the `"code"`?

# %%
prediction_closer = None

# %%
def loss(model, x, step):
    return {"squared error": losses.squared_error(torch.sigmoid(model(x)), x)}


with seeded(0):
    deep = he(Autoencoder([784, 1000, 500, 250, 30], nn.SiLU), x)  # SiLU: a smooth ReLU
fit(deep, (x[:20_000],), loss, epochs=2, batch=192, lr=2.5e-3, one_cycle=True);

# %%
def agreement(z, along):
    """Rank correlation of straight distances in z (3000, k) with those along the graph."""
    reached = np.isfinite(along) & (along > 0)  # pairs that a path connects
    return spearmanr(torch.cdist(z[:200], z).numpy()[reached], along[reached])[0]


with torch.no_grad():
    codes = deep.encode(some)  # (3000, 30)
spaces = {"pixels": some, "30-dimensional PCA": PCA(x).encode(some, 30),
          "30-dimensional code": codes}
rank = {name: agreement(z, along) for name, z in spaces.items()}
table(["straight distance in", "rank correlation with the distance along the graph"],
      list(rank.items()))

# %% [markdown]
# The distances in the code agree only in part with those along the graph. The pixels are ahead, and they have an
# advantage: the graph was made from distances in pixels. Training asked for reconstruction, not for distances. A code
# is a system of coordinates, and lengths in it need not mean anything.
#
# The next cells follow the shortest path between the two images that are farthest apart on the graph.

# %%
far = np.where(np.isfinite(along), along, 0)
start, end = np.unravel_index(far.argmax(), far.shape)  # positions of the farthest pair
path = [int(end)]
while path[-1] != start:  # back to the start, from image to image
    path.append(int(before[start, path[-1]]))
path = path[::-1]  # from the start to the end
shown = path[:: max(1, len(path) // 9)][:10]  # at most ten images of it

# %%
t = torch.linspace(0, 1, len(shown))[:, None]
with torch.no_grad():
    z = (1 - t) * codes[shown[0]] + t * codes[shown[-1]]  # straight in the code
    straight = torch.sigmoid(deep.decode(z))
plots.images({"along the graph": some[shown], "straight in the code": straight,
              "straight in pixels": (1 - t) * some[shown[0]] + t * some[shown[-1]]});

# %% [markdown]
# The first row is a path over real test digits, each near to the next. It goes a long way round, and every image on it
# is real, even where a digit is badly written. In the rows below, the middle images are blends of the two ends.
# Unit 03c measures how far such blends are from real digits.

# %%
score([("agrees better with the graph", prediction_closer,
        "pixels" if rank["pixels"] > rank["30-dimensional code"] else "code")])
claim("geodesic",
      "Rank correlation of distances in the deep net's code and along the graph",
      rank["30-dimensional code"], at_least=0.3, at_most=0.95,
      baseline=f"pixels {rank['pixels']:.2f}, "
      f"30-dimensional PCA {rank['30-dimensional PCA']:.2f}")
claim("geodesic, pixels", "The same for distances in pixels, minus that of the code",
      rank["pixels"] - rank["30-dimensional code"], at_least=0.0)

# %%
NEIGHBOURS = 10
of_pixels = agreement(some, along_graph(NEIGHBOURS)[0])
print(f"graph of {NEIGHBOURS} neighbours: rank correlation of the pixels {of_pixels:.3f}")

# %%
try_it("Change `NEIGHBOURS = 10` to `NEIGHBOURS = 50` and run that cell again. What is the "
       "rank correlation now?", None, of_pixels, changed=NEIGHBOURS == 50,
       says="With more neighbours a path takes longer steps, closer to the straight line.")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - In many dimensions distances look alike, most of a cube lies near its surface, and Gaussian samples have a length
#   near $\sqrt d$.
# - TwoNN counts dimensions from the ratio of two neighbour distances. Test it on data of known dimension: it
#   underestimates many dimensions, and overestimates under noise.
# - The images of a digit fill far fewer dimensions than they have pixels.
# - Straight distances in a code are not distances along the manifold.
#
# **Your turn:** [lab 03](../work/lab03.ipynb) (on the web: the [sheet](../exercises/lab03/lab03.ipynb)).
# **Deeper:** [03b](03b_depth.ipynb) trains a deep network. **Next:** [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - E. Facco, M. d'Errico, A. Rodriguez, A. Laio (2017). *Estimating the intrinsic dimension of datasets by a minimal
#   neighborhood information.* Scientific Reports 7, 12140.
# - J. B. Tenenbaum, V. de Silva, J. C. Langford (2000). *A global geometric framework for nonlinear dimensionality
#   reduction.* Science 290, 2319–2323. (distances along a graph)
