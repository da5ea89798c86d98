# %% [markdown]
# # 03 · Manifolds and PCA
#
# **Promise.** You will see why 784 dimensions are too many for any method that counts on neighbours, why digits need
# far fewer, and what a bent code finds that the best flat one, PCA, cannot.
#
# **After this lesson you can**
# 1. compute how empty a space of many dimensions is, and estimate how many dimensions a data set fills;
# 2. prove with numbers that a linear autoencoder learns the subspace of PCA, and say what it does not learn;
# 3. make a deep autoencoder train that would otherwise end below PCA, by its first weights alone;
# 4. read a two-dimensional map with two measures beside it;
# 5. test an interpolation between two images, with a score that an empty picture does not win.
#
# **Before it:** lesson 02; vectors, matrices and eigenvectors.
# **Time:** about 60 minutes to read; all cells together run in less than 120 seconds on two cores. Five questions ask
# for your prediction.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.sparse.csgraph import shortest_path
from scipy.stats import spearmanr
from sklearn.datasets import make_swiss_roll
from sklearn.decomposition import PCA, KernelPCA
from sklearn.linear_model import LinearRegression
from sklearn.manifold import TSNE, Isomap, trustworthiness
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neighbors import NearestNeighbors, kneighbors_graph
from torch import nn

# %%
from aecourse import data, losses, metrics, plots
from aecourse.claims import Claims, say, score, table
from aecourse.models import Autoencoder
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("03", digits.name)
digits

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, x_test, y_test = digits.x_train[valid], digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # a third of the images: three times the epochs
ten = plots.first_of_each(y_test)

# %% [markdown]
# ## 1 · Spaces of many dimensions are empty
#
# Put eight points into an interval of length 1, a square, a cube, and so on. In one dimension they stand close
# together. In $d$ dimensions, eight points are as good as $8^{1/d}$ points along each axis, and to stand as close as
# eight on a line one needs $8^d$ of them. How large a part of the space lies within 0.1 of at least one of the eight?

# %%
def covered(d, points=8, radius=0.1, samples=20_000, seed=0):
    """Share of the unit cube in d dimensions that lies within the radius of a point."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(points, d, generator=generator)
    anywhere = torch.rand(samples, d, generator=generator)
    return (torch.cdist(anywhere, centres).amin(1) <= radius).float().mean().item()


rows = []
for d in (1, 2, 3, 10):
    share = np.mean([covered(d, seed=seed) for seed in range(20)])
    rows.append([d, 8 ** (1 / d), f"{8.0 ** d:,.0f}", f"{100 * share:.3g} %"])
table(["dimensions", "points along an axis", "points for 8 along each axis",
       "covered by eight points"], rows)

# %% [markdown]
# Ten dimensions are few, and there eight points cover nothing that twenty thousand random samples could hit. This is
# the **curse of dimensionality**: examples never fill the space. A method that has to see the neighbourhood of every
# point before it can say anything there would need more images than there are atoms in the universe.
#
# Two more of its faces. **Everything is on the surface:** what share of a cube's volume lies within 5 % of its faces?
# **All distances look alike:** among 500 random points, how much further is the furthest one than the nearest?

# %%
generator = torch.Generator().manual_seed(0)
dimensions = [1, 2, 3, 10, 30, 100, 300, 784]
shell, contrast = [], []
for d in dimensions:
    points = torch.rand(500, d, generator=generator)
    near_a_face = torch.minimum(points, 1 - points).amin(1) < 0.05
    shell.append((near_a_face.float().mean().item(), 1 - 0.9**d))
    distance = torch.cdist(points[:100], points).sort(1).values
    contrast.append((distance[:, -1] / distance[:, 1]).median().item())  # 0 is itself
some = x[torch.randperm(len(x), generator=generator)[:500]]
distance = torch.cdist(some[:100], some).sort(1).values
of_digits = (distance[:, -1] / distance[:, 1]).median().item()

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.3))
left.plot(dimensions, [100 * exact for _, exact in shell], "-", label="1 − 0.9$^d$")
left.plot(dimensions, [100 * counted for counted, _ in shell], "o", label="counted")
left.set(xscale="log", xlabel="dimensions", ylabel="near the surface (% of volume)")
right.plot(dimensions, contrast, "o-", label="random points")
right.axhline(of_digits, color=plots.VERMILION, linestyle="--", label="500 digits")
right.set(xscale="log", yscale="log", xlabel="dimensions",
          ylabel="furthest ÷ nearest distance")
for axis in (left, right):
    axis.legend(frameon=False)

# %% [markdown]
# Left: in some tens of dimensions nearly the whole cube lies at its surface; only spaces of few dimensions have an
# inside to speak of. Right: the furthest point is hardly further away than the nearest, so "nearest neighbour" means
# little. But look at the dashed line: 784-dimensional digits behave like random points in some tens of dimensions at
# most. They do not fill their space.

# %%
claim("distances concentrate", "Furthest ÷ nearest of 500 random points in 784 dimensions",
      contrast[-1], at_most=1.3, baseline=f"500 digits {of_digits:.1f}")
claim("shell", "Share of a 30-dimensional cube within 5 % of its surface",
      100 * shell[4][0], "%", near=100 * shell[4][1], within=4,
      baseline=f"exactly {100 * shell[4][1]:.1f}")

# %% [markdown]
# ## 2 · The manifold hypothesis
#
# Draw images at random, every pixel by itself. Will a digit ever appear?

# %%
generator = torch.Generator().manual_seed(1)
rows = {"pixels drawn evenly": torch.rand(10, 784, generator=generator),
        "each pixel from a digit": torch.stack(
            [x[torch.randint(len(x), (784,), generator=generator), torch.arange(784)]
             for _ in range(10)]),
        "digits": x_test[ten]}
plots.images(rows);

# %% [markdown]
# The first row draws grey levels evenly. The second takes each pixel from another training digit, so it has the right
# brightness at each place, and still no strokes. You could draw for the rest of your life. Digits are a vanishing
# part of all images.
#
# The **manifold hypothesis** says what kind of part: natural data lie near a *manifold*, a curved surface with far
# fewer dimensions than the space around it. A sheet of paper, rolled up, is a manifold of two dimensions in a space
# of three. To move *along* the digits' surface means to make a stroke thicker, more slanted, longer. To move away
# from it means noise.
#
# ### How many dimensions?
#
# **TwoNN** (Facco and others 2017) asks each point for its two nearest neighbours, at distances $r_1 < r_2$. If the
# points are spread evenly in $d$ dimensions, the ratio $\mu = r_2 / r_1$ has the density $d\,\mu^{-d-1}$: in many
# dimensions the second neighbour is hardly further than the first. The most likely $d$ is one over the mean of $\log
# \mu$.
#
# **Predict.** The images have 784 pixels. How many dimensions will TwoNN give to the images of the digit 1?

# %%
prediction_dimension = None

# %%
def two_nn(points):
    """Most likely intrinsic dimension of points (N, D): Facco and others 2017."""
    distance, _ = NearestNeighbors(n_neighbors=3).fit(points).kneighbors(points)
    first, second = distance[:, 1], distance[:, 2]  # 0 is the point itself
    apart = first > 0  # no copies
    return apart.sum() / np.log(second[apart] / first[apart]).sum()

# %% [markdown]
# An estimate has to be tested where the truth is known, before anybody believes it. Even clouds of known dimension,
# one of them put into 784 dimensions by a random linear map:

# %%
rng, n = np.random.default_rng(0), 2000
known = {f"cube, {d} dimensions": (d, rng.random((n, d))) for d in (1, 2, 5, 10, 20, 50)}
turned = rng.random((n, 10)) @ rng.normal(size=(10, 784))
known["10 dimensions, turned into 784"] = (10, turned)
known["noise in 784 dimensions"] = (784, rng.normal(size=(n, 784)))
estimates = {name: (true, two_nn(points)) for name, (true, points) in known.items()}
table(["points", "dimensions", "TwoNN says"],
      [[name, *values] for name, values in estimates.items()])

# %% [markdown]
# Up to ten dimensions TwoNN is about right, also in a space of 784: it does not care where the surface lies. Beyond,
# it says too little, and for noise in 784 dimensions *far* too little: two thousand points are too few to have a near
# neighbour there. So an answer of about ten may be believed, and an answer of a hundred means "many".

# %%
of_class = [two_nn(x[y == label][:2000].numpy()) for label in range(10)]
mixed = x[:2000, torch.randperm(784, generator=generator)].clone()
for pixel in range(784):  # each pixel keeps its values, its ties to others are cut
    mixed[:, pixel] = mixed[torch.randperm(len(mixed), generator=generator), pixel]
cut = two_nn(mixed.numpy())
figure, axis = plt.subplots(figsize=(6.5, 2.8))
axis.bar(range(10), of_class, color=plots.BLUE)
axis.set(xlabel="digit", xticks=range(10), ylabel="dimensions (TwoNN)");

# %%
claim("intrinsic dimension",
      "Dimensions of one digit's images, TwoNN, mean of the ten digits", np.mean(of_class),
      "dimensions", at_least=5, at_most=20,
      baseline=f"the same pixels shuffled {cut:.0f}, noise "
      f"{estimates['noise in 784 dimensions'][1]:.0f}; fewest for {np.argmin(of_class)}")

# %% [markdown]
# Each digit fills about a dozen dimensions, and the simplest one, the 1, fewest. With the ties between pixels cut,
# the same values fill many more. (Since TwoNN errs downwards here, read "a dozen or somewhat more".) A code of a few
# dozen numbers is therefore no miracle. The question is how to find it.
#
# ## 3 · The best flat surface: PCA, and an autoencoder that is PCA
#
# PCA describes the data by a *flat* surface through their mean $\bar x$. Take an autoencoder without any
# nonlinearity, $\hat x = \bar x + W_2 W_1 (x - \bar x)$, with $W_1$ of shape $k \times 784$. What it draws lies on a
# flat surface of $k$ dimensions, too. Of all such surfaces PCA's has the smallest squared error (Eckart and Young
# 1936): it equals the sum of the covariance's eigenvalues $\lambda_{k+1} + \dots + \lambda_{784}$. So the linear
# autoencoder cannot be better. Does training find it?

# %%
mean_image = x.mean(0)
centred = x - mean_image
covariance = centred.T @ centred / len(x)
eigenvalues, eigenvectors = (t.flip(-1) for t in torch.linalg.eigh(covariance.double()))
print("largest eigenvalues:", [round(v, 2) for v in eigenvalues[:8].tolist()])

# %% [markdown]
# For once we need no batches. With $M = W_2 W_1$ and the covariance $C$ of the images, the mean squared error over
# *all* of them is $\operatorname{tr} C - 2 \operatorname{tr} MC + \operatorname{tr} M C M^\top$: a product of small
# matrices. So each step below sees all images exactly. Every 50 steps we note how far the error still is above PCA's,
# and the largest **angle** between the decoder's subspace and PCA's: 0° if they are the same, 90° if a direction of
# one is missing in the other.

# %%
def train_linear(k, steps=1000, lr=2e-2):
    """Train W2 W1; return the decoder and (step, excess error in %, largest angle in °)."""
    generator = torch.Generator().manual_seed(0)
    encoder = (torch.randn(k, 784, generator=generator) / 28).requires_grad_()
    decoder = (torch.randn(784, k, generator=generator) / 28).requires_grad_()
    optimiser = torch.optim.Adam([encoder, decoder], lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps)
    optimum, trail = eigenvalues[k:].sum().item(), []
    for step in range(1, steps + 1):
        mc = encoder @ covariance  # W1 C
        error = (covariance.trace() - 2 * (mc * decoder.T).sum()
                 + ((mc @ encoder.T) * (decoder.T @ decoder)).sum())
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            basis, _ = torch.linalg.qr(decoder.detach().double())
            cosines = torch.linalg.svdvals(basis.T @ eigenvectors[:, :k]).clamp(max=1)
            angle = torch.rad2deg(torch.arccos(cosines)).max().item()
            trail.append((step, 100 * (error.item() / optimum - 1), angle))
    return decoder.detach(), np.array(trail)

# %% [markdown]
# **Predict.** When the error of the linear autoencoder with 8 numbers has come within 1 % of PCA's, how large is the
# largest angle between the two subspaces, in degrees?

# %%
prediction_angle = None

# %%
trails = {k: train_linear(k) for k in (2, 8, 16, 30)}
linear_decoder, trail = trails[8]
gap = (eigenvalues[:-1] - eigenvalues[1:]).numpy()  # what one direction more is worth
optima = (eigenvalues.sum() - eigenvalues.cumsum(0)).numpy()  # PCA's error with k numbers
at_one_percent = {k: t[t[:, 1] <= 1][0] for k, (_, t) in trails.items()}

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.6))
left.plot(trail[:, 0], np.maximum(trail[:, 1], 1e-5), "o-", markersize=4,
          label="error above PCA's (%)")
left.plot(trail[:, 0], np.maximum(trail[:, 2], 1e-5), "s--", markersize=4,
          label="largest angle (°)")
left.axhline(1, color="grey", linestyle=":")
left.set(yscale="log", xlabel="steps over all images", ylim=(1e-4, 200), ylabel="% and °",
         title="a code of 8 numbers")
left.legend(frameon=False)
ks = np.arange(1, 65)
right.plot(ks, 100 * gap[:64] / optima[:64], ".-")
right.axhline(1, color="grey", linestyle=":")
for k, (_, _, angle) in at_one_percent.items():
    cost = 100 * gap[k - 1] / optima[k - 1]
    right.plot(k, cost, "o", color=plots.VERMILION)
    right.annotate(f"{angle:.0f}°", (k, cost), xytext=(5, 9), textcoords="offset points",
                   color=plots.VERMILION)
right.set(yscale="log", xlabel="numbers in the code, k", ylim=(0.01, 10),
          ylabel="cost of the wrong direction (%)");

# %% [markdown]
# Left: the error is within one percent (dotted) early, while the angle is still large; only later do the two
# subspaces agree. Right: why. If the code uses direction $k+1$ in place of direction $k$, its subspace is wrong by a
# full 90°, and its error grows by no more than $\lambda_k - \lambda_{k+1}$, the **gap** between two eigenvalues. The
# curve shows this cost in percent of PCA's error: for most $k$ it lies far below one percent. The red dots are the
# four trained codes, with their largest angle at the moment when the error first came within one percent.

# %%
excess = max(abs(t[-1, 1]) for _, t in trails.values())
claim("linear autoencoder",
      "Error of trained linear autoencoders above PCA's, largest of four",
      excess, "%", at_most=0.1)
claim("angle at 1 %", "Largest angle to PCA's subspace when a linear code of 8 is within "
      "1 % of PCA's error", at_one_percent[8][2], "°", at_least=10,
      baseline=f"at the end {trail[-1, 2]:.2f}")

# %% [markdown]
# So a linear autoencoder *is* PCA (Baldi and Hornik 1989), if one trains to the end, and a small error is no proof
# that the end has come. What about the axes? PCA's are orthogonal and ordered. Training has no reason for that: $W_2
# R$ and $R^{-1} W_1$ draw the same images for every invertible $R$.

# %%
def unit_length(columns):
    return (columns / columns.norm(dim=0)).T.float()


axes_of = {"PCA": unit_length(eigenvectors[:, :8]),
           "autoencoder": unit_length(linear_decoder)}
plots.images(axes_of, limits=(-0.12, 0.12), columns=[f"axis {i}" for i in range(1, 9)]);

# %%
cosines = (axes_of["autoencoder"] @ axes_of["PCA"].T).abs()
nearest = cosines.amax(1)  # to the nearest axis of PCA
claim("basis",
      "Cosine of each of the autoencoder's axes to the nearest axis of PCA, mean of 8",
      nearest.mean(), at_most=0.95, baseline="1 if the axes were PCA's own")

# %% [markdown]
# Grey is 0, white positive, black negative. PCA's axes are patterns of their own, from coarse to fine; the
# autoencoder's are mixtures of the same eight patterns, in no order. Only the *surface* was learned, not a basis of
# it.
#
# ### Forgetting to centre
#
# Without subtracting the mean, the best flat surface has to pass through the black image at the origin. What does
# that cost?

# %%
def flat_error(basis, centre, k):
    codes = (x_test - centre) @ basis[:, :k]
    return losses.squared_error(codes @ basis[:, :k].T + centre, x_test).mean().item()


raw = (x.T @ x / len(x)).double()
raw_basis = torch.linalg.eigh(raw).eigenvectors.flip(1).float()
pca_basis = eigenvectors.float()
centring = {k: (flat_error(pca_basis, mean_image, k), flat_error(raw_basis, 0, k))
            for k in (1, 2, 8, 30)}
table(["numbers", "centred", "not centred", "difference (%)"],
      [[k, a, b, 100 * (b / a - 1)] for k, (a, b) in centring.items()])

# %%
claim("centring", "Error without centring relative to PCA's, two numbers",
      centring[2][1] / centring[2][0], "times", at_least=1.01,
      baseline=f"with thirty numbers {centring[30][1] / centring[30][0]:.4f}")

# %% [markdown]
# With two numbers it shows; with thirty it hides, because one of the thirty directions was spent on the mean. A bug
# that costs next to nothing in the usual setting is found only by looking where it costs most. (The lab has such a
# bug.)
#
# ## 4 · A bent surface, and why its first weights matter
#
# Now put the nonlinearities back: the surface may bend to follow the digits. In 2006 Hinton and Salakhutdinov trained
# the network 784-1000-500-250-30 and its mirror, and reported a squared error of 3.00 per test image of MNIST,
# against 13.87 for PCA with 30 numbers. Nets as deep as this could hardly be trained then: with the usual random
# first weights they stayed worse than PCA. The paper's answer was to train layer by layer first. Does the trouble
# exist today? PyTorch's default first weights against those of **He and others (2015)**, for some hundred steps:

# %%
def he(model):
    """First weights for ReLU layers: variance 2 / inputs; the output starts as the mean."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    with torch.no_grad():
        model.decoder[-1].bias.copy_(mean_image.clamp(0.001, 0.999).logit())
    return model


def draw(model, z):
    return torch.sigmoid(model.decode(z))


def drawn_error(model, x, step=None):
    return {"squared error": losses.squared_error(draw(model, model.encode(x)), x)}


@torch.no_grad()
def error_of(model, images):
    model.eval()
    return drawn_error(model, images)["squared error"].mean().item()

# %% [markdown]
# The output passes through a sigmoid, since pixels lie between 0 and 1, and `he` lets the network begin at the mean
# image: the bias of the last layer is the logit of the mean. (Lesson 02 warned of squared error after a sigmoid,
# which can get stuck at black. Beginning at the mean image helps against that; lesson 04 shows a network that gets
# stuck.) First look at untrained networks: how much do the signals that arrive at each layer still differ from image
# to image?

# %%
deep = [784, 1000, 500, 250, 30]


def new(init, widths=deep, activation=nn.ReLU, seed=0):
    with seeded(seed):
        model = Autoencoder(widths, activation)
        return he(model) if init == "He" else model


@torch.no_grad()
def signals(model, images):
    """Standard deviation over images of each linear layer's outputs, mean over units."""
    found, z = [], images
    for layer in [*model.encoder, *model.decoder]:
        z = layer(z)
        if isinstance(layer, nn.Linear):
            found.append(z.std(0).mean().item())
    return found

# %%
after = []
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.4))
for init, style in (("PyTorch's default", "o-"), ("He", "s--")):
    left.plot(range(1, 9), signals(new(init), x_val[:500]), style, label=init)
    model = new(init)
    history = fit(model, (x[:10_000],), drawn_error, epochs=4, lr=1e-3, held_out=(x_val,))
    right.plot(history.epochs, history.held_out["loss"], style, label=init)
    after.append(history.held_out["loss"][-1])
error_pca = flat_error(pca_basis, mean_image, 30)
right.axhline(error_pca, color="grey", linestyle=":", label="PCA")
left.set(yscale="log", xlabel="layer", ylabel="how much images still differ")
right.set(xlabel="epoch over 10,000 images", ylabel="squared error per image", ylim=(0, 60))
for axis in (left, right):
    axis.legend(frameon=False)

# %% [markdown]
# Left: with the default weights each layer takes away about half, or more, of what is left of the differences between
# images; what arrives at the end says almost nothing about the input, and the same holds for the gradient on its way
# back. He's weights have variance 2 / inputs, chosen such that a ReLU layer passes on as much as it received. Right:
# what this means for training. From the default weights the network first learns the mean image and then crawls; from
# He's weights it has caught up with PCA (dotted) after four epochs over a fraction of the images. Their network had
# logistic units and needed pre-training; ours has ReLU units and Adam, and the right variance is enough.

# %%
claim("first weights", "Validation error from PyTorch's first weights, relative to He's",
      after[0] / after[1], "times", at_least=1.5,
      baseline=f"default {after[0]:.1f}, He {after[1]:.1f}, PCA {error_pca:.1f}")

# %% [markdown]
# For the real training we add one more choice, made on the validation images: *SiLU* units, $x \cdot
# \mathrm{sigmoid}(x)$, a ReLU with a smooth corner, and batches of 192.
#
# **Predict.** What squared error per test image will the network of 2006 reach here, in less than a minute of
# training? (The paper, on MNIST: PCA 13.87, its network 3.00.)

# %%
prediction_deep = None

# %%
best = new("He", activation=nn.SiLU)
history = fit(best, (x,), drawn_error, epochs=5 * more, batch=192, lr=2.5e-3,
              one_cycle=True, held_out=(x_val,))
error_deep, error_train = error_of(best, x_test), error_of(best, x[:10_000])

# %%
claim("784-1000-500-250-30", "Squared error per test image, 30 numbers", error_deep,
      "squared grey levels", at_most=0.5 * error_pca,
      baseline=f"PCA {error_pca:.2f}; on training images {error_train:.2f}; "
      f"{history.seconds:.0f} s of training",
      paper="3.00, logistic PCA 8.01 (Hinton and Salakhutdinov 2006)")
claim("PCA with 30 numbers", "Squared error per test image, PCA with 30 numbers", error_pca,
      "squared grey levels", near=13.87, within=0.03, paper="13.87", holds_on=("mnist",))

# %% [markdown]
# **Where the rest went.** The error on training images lies below that on test images, so the network has begun to
# memorise. A longer training, with something against memorising, gets below the paper's result on MNIST:
# `benchmarks/papers.py` runs it, and `RESULTS.md` reports it.
#
# ### From 2 to 64 numbers
#
# How much does bending the surface gain at other sizes? A smaller network, a fraction of the images, a few seconds
# each:

# %%
sizes, bent = [2, 3, 8, 16, 30, 64], {}
for k in sizes:
    bent[k] = new("He", [784, 256, 128, k])
    fit(bent[k], (x[:15_000],), drawn_error, epochs=4, lr=3e-3, one_cycle=True)
errors = {k: (error_of(bent[k], x_test), flat_error(pca_basis, mean_image, k))
          for k in sizes}
figure, axis = plt.subplots(figsize=(6.2, 3.4))
for i, (name, style) in enumerate((("autoencoder 784-256-128-k", "o-"), ("PCA", "s--"))):
    axis.plot(sizes, [errors[k][i] for k in sizes], style, label=name)
axis.plot(30, error_deep, "*", markersize=14, color=plots.VERMILION, label="the deep one")
axis.set(xlabel="numbers in the code", ylabel="squared error per test image",
         ylim=(0, None))
plots.log_axes(axis, x=sizes)
axis.legend(frameon=False);

# %%
for k in (2, 8, 30):
    claim(f"bent, {k} numbers", f"Autoencoder's error relative to PCA's, {k} numbers",
          errors[k][0] / errors[k][1], "times", at_most=0.95,
          baseline=f"autoencoder {errors[k][0]:.1f}, PCA {errors[k][1]:.1f}")

# %% [markdown]
# The bent surface wins at every size up to thirty, most clearly in the middle. At 64 PCA is ahead: it has nearly all
# the directions it needs, and the briefly trained network has not found them. The star is the deep network from
# above.
#
# ## 5 · Maps in two dimensions
#
# A code of two numbers is a **map**: every image is a point, and one can look at it. Other methods draw maps without
# drawing images back. *Kernel PCA* is PCA of a nonlinear transformation, *Isomap* keeps distances along a graph of
# neighbours, *t-SNE* keeps neighbourhoods and lets distances go. All get the same 1,500 test images; no labels. (PCA
# and the autoencoder learned on training images and see these for the first time. The others have no map for an image
# that they were not fitted on.)
#
# Beauty is no measure. We use two: does a 10-neighbour vote on the map know the digit (**kNN**, by five-fold
# cross-validation), and are neighbours on the map neighbours among the images (**trustworthiness**, Venna and Kaski
# 2001: 1 if all are)?

# %%
some, labels = x_test[:1500], y_test[:1500]
flat = some.numpy()
with torch.no_grad():
    maps = {"PCA": ((some - mean_image) @ pca_basis[:, :2]).numpy(),
            "autoencoder": bent[2].encode(some).numpy()}
maps["kernel PCA"] = KernelPCA(2, kernel="rbf", gamma=0.01, eigen_solver="randomized",
                               random_state=0).fit_transform(flat)
maps["Isomap"] = Isomap(n_neighbors=10).fit_transform(flat)
maps["t-SNE"] = TSNE(2, init="pca", max_iter=500, random_state=0).fit_transform(flat)
try:  # only where it is installed
    from umap import UMAP
    maps["UMAP"] = UMAP(random_state=0).fit_transform(flat)
except ImportError:
    pass

# %%
judged = {}
for name, plane in maps.items():
    vote = cross_val_score(KNeighborsClassifier(10), plane, labels.numpy(), cv=5).mean()
    judged[name] = (100 * vote, trustworthiness(flat, plane, n_neighbors=10))
table(["map", "kNN (%)", "trustworthiness"],
      [[name, *values] for name, values in judged.items()])

# %%
figure, axes = plt.subplots(2, 3, figsize=(11, 7))
for axis, (name, plane) in zip(axes.flat, maps.items(), strict=False):
    plots.class_map(axis, plane, labels)
    axis.set(title=f"{name}: kNN {judged[name][0]:.0f} %", xlabel="axis 1", ylabel="axis 2")
for axis in axes.flat[len(maps):]:
    axis.set_axis_off()

# %%
others = [f"{name} {judged[name][0]:.1f}" for name in judged if name != "autoencoder"]
claim("map, autoencoder", "kNN accuracy on the autoencoder's map", judged["autoencoder"][0],
      "%", at_least=judged["PCA"][0] + 5, baseline=", ".join(others))
claim("map, t-SNE", "Trustworthiness of the t-SNE map", judged["t-SNE"][1], at_least=0.9,
      baseline=f"autoencoder {judged['autoencoder'][1]:.2f}, PCA {judged['PCA'][1]:.2f}")

# %% [markdown]
# PCA and kernel PCA lay the classes on top of each other; on the maps of Isomap and of the autoencoder some lie
# apart, and the rest crowd in the middle; t-SNE makes islands. By both measures t-SNE draws the best map. But it is a
# picture only: no encoder for a new image, no decoder, and the size of an island and the width of a sea mean nothing.
# The autoencoder's map is worse and can be *used*: every point of it can be drawn.
#
# ## 6 · Does an autoencoder unroll a roll?
#
# The **Swiss roll** is the test piece of manifold learning: a sheet, rolled up in three dimensions. The true
# coordinate is known: the arc length along the spiral. A method that understood the sheet has a straight line to it,
# so a linear regression from the map to the arc length has $R^2$ near 1.
#
# **Predict.** Of six autoencoders 3-128-128-2 with different first weights, how many unroll the sheet ($R^2$ above
# 0.9)?

# %%
prediction_unrolled = None

# %%
roll, turn = make_swiss_roll(1500, random_state=0)
arc = 0.5 * (turn * np.sqrt(1 + turn**2) + np.arcsinh(turn))  # length of the spiral r = t
roll = (roll - roll.mean(0)) / roll.std()
points = torch.from_numpy(roll).float()


def squared_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


def arc_read(plane):
    """R² of the arc length from a map: by a straight line, and by ten neighbours."""
    readers = LinearRegression(), KNeighborsRegressor(10)
    mixed = KFold(5, shuffle=True, random_state=0)
    return [cross_val_score(reader, plane, arc, cv=mixed).mean() for reader in readers]

# %%
rolled = {"PCA": arc_read(PCA(2).fit_transform(roll)),
          "Isomap": arc_read(Isomap(n_neighbors=10).fit_transform(roll))}
nets, kept = [], []
for seed in range(6):
    with seeded(seed):
        nets.append(Autoencoder([3, 128, 128, 2], nn.Tanh))
    fit(nets[-1], (points,), squared_error, epochs=80, batch=150, lr=1e-2, one_cycle=True,
        seed=seed)
    kept.append(metrics.share_kept(nets[-1], points))

# %%
with torch.no_grad():
    planes = [net.encode(points).numpy() for net in nets]
read = np.array([arc_read(plane) for plane in planes])
unrolled = int((read[:, 0] > 0.9).sum())
table(["map", "R² of arc length, straight line", "R², ten neighbours", "roll kept"],
      [[name, *values, None] for name, values in rolled.items()]
      + [["autoencoder, mean of six", *read.mean(0), float(np.mean(kept))]])

# %%
figure = plt.figure(figsize=(11, 3.4), layout="constrained")
axis = figure.add_subplot(1, 3, 1, projection="3d")
axis.scatter(*roll.T, c=arc, s=4, cmap="viridis", rasterized=True)
axis.set(title="the roll", xticks=[], yticks=[], zticks=[])
isomap = Isomap(n_neighbors=10).fit_transform(roll)
for i, (name, plane) in enumerate((("Isomap", isomap), ("an autoencoder", planes[0]))):
    axis = figure.add_subplot(1, 3, i + 2)
    dots = axis.scatter(*plane.T, c=arc, s=4, cmap="viridis", rasterized=True)
    axis.set(title=name, xlabel="axis 1", ylabel="axis 2")
figure.colorbar(dots, ax=axis, label="arc length");

# %%
claim("unrolled", "Autoencoders of six that unroll the Swiss roll", unrolled, "of 6",
      seeds=6, at_most=2, baseline=f"R² of Isomap {rolled['Isomap'][0]:.2f}, of PCA "
      f"{rolled['PCA'][0]:.2f}, of autoencoders {read[:, 0].max():.2f} at best")
claim("roll kept", "Share of the roll's variation that these autoencoders keep",
      np.mean(kept), spread=np.std(kept, ddof=1), seeds=6, at_least=0.9)

# %% [markdown]
# Isomap unrolls the sheet into a ribbon (middle: the colour changes along it). The autoencoder's map (right) keeps
# nearly everything of the roll, and yet it did not *unroll* it: the spiral was pressed flat, torn and folded, and
# where windings lie on each other even ten neighbours mistake one for another. Nothing in the squared error asks for
# straight coordinates, and a fold that costs little stays. **A small reconstruction error does not mean that a
# manifold was understood.**

# %% [markdown]
# ## 7 · Between two digits: a common claim, checked
#
# > "A step between two images must be taken in the code: there the midpoint is a real digit, in pixels it is a double
# > exposure."
#
# To check this we need a score for *being a digit*. A first idea: the distance to the nearest training digit, in
# pixels. Try it on pictures that are no digits at all before trusting it. A second idea: the same distance between
# *features*, the last hidden layer of a small classifier. Both are divided by what unseen real digits get, so 1 is
# real.

# %%
def nats(model, x, y, step):
    return {"nats": losses.categorical_nll(model(x), y)}


with seeded(0):
    judge = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 16, 5, 2, 2), nn.ReLU(),
        nn.Conv2d(16, 32, 5, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 49, 64),
        nn.ReLU(), nn.Linear(64, 10))
fit(judge, (x[:30_000], y[:30_000]), nats, epochs=2 * more, lr=3e-3, one_cycle=True)
# %%
views = (nn.Identity(), judge[:8])  # pixels, and the last hidden layer
with torch.no_grad():
    seen = [view(x[:10_000]) for view in views]


@torch.no_grad()
def to_nearest(images):
    """Median distance to the nearest of 10,000 training digits: in pixels, in features."""
    return np.array([torch.cdist(view(images), known).amin(1).median().item()
                     for view, known in zip(views, seen)])


of_real = to_nearest(x_test[:1000])


def realism(images):
    return (to_nearest(images) / of_real).tolist()

# %%
pictures = {"black image": torch.zeros(1, 784), "mean image": mean_image[None],
            "noise": torch.rand(200, 784, generator=generator)}
judged = {name: realism(images) for name, images in pictures.items()}
table(["picture", "distance in pixels", "distance in features"],
      [["real digits", 1.0, 1.0], *([name, *values] for name, values in judged.items())])

# %%
deceived = [name for name, (_, in_features) in judged.items() if in_features < 1.2]
say("In features, " + (f"the measure is deceived by: {', '.join(deceived)}."
                       if deceived else
                       "all three are clearly further away than real digits."))

# %% [markdown]
# The first score is a trap: in pixels, an **empty picture is nearer to a digit than digits are to each other**. Black
# has no ink in the wrong place. Judged by pixel distance, an empty picture is the most realistic one. The features
# are harder to deceive, so the second score may judge midpoints. It has a weakness of its own, for what is blurred to
# an average; lesson 06 comes back to it.
#
# **Predict.** Take pairs of test digits of different classes. In features, is the midpoint in a code of 30 numbers
# nearer to real digits than the midpoint in pixels? Type "yes" or "no".

# %%
prediction_midpoint = None

# %%
pairs = torch.randint(len(x_test), (1000, 2), generator=generator)
pairs = pairs[y_test[pairs[:, 0]] != y_test[pairs[:, 1]]]
a, b = x_test[pairs[:, 0]], x_test[pairs[:, 1]]
models = {f"code of {k}": bent[k] for k in (2, 8, 30)} | {"code of 30, deep net": best}
with torch.no_grad():
    middle = {name: draw(net, (net.encode(a) + net.encode(b)) / 2)
              for name, net in models.items()}
middle = {"pixels": (a + b) / 2} | middle
rows = []
for name, images in middle.items():
    rebuilt = error_of(models[name], x_test) if name in models else 0.0
    rows.append([name, *realism(images), rebuilt])
table(["midpoint in", "distance in pixels", "distance in features",
       "squared error of rebuilt images"], rows)

# %%
i = next(i for i, pair in enumerate(pairs) if y_test[pair].tolist() in ([3, 0], [7, 2]))
steps = torch.linspace(0, 1, 9)[:, None]
with torch.no_grad():
    lines = {name: draw(net, (1 - steps) * net.encode(a[[i]]) + steps * net.encode(b[[i]]))
             for name, net in models.items()}
plots.images({"pixels": (1 - steps) * a[i] + steps * b[i]} | lines,
             columns=[f"{100 * t:.0f} %" for t in steps[:, 0].tolist()]);

# %% [markdown]
# Each row leads from one test digit (left) to another (right). In pixels, the first fades out while the second fades
# in. Through the code of two numbers every picture resembles some digit, but the ends are blurred, and hardly *these*
# digits. Through the codes of thirty the ends are right, and the middle is a crossing of both, much like the double
# exposure.

# %%
by_name = {row[0]: row for row in rows}
claim("midpoint, 2 numbers",
      "Distance of midpoints in a code of 2 to real digits, in features",
      by_name["code of 2"][2], "of real digits'", at_most=0.9 * by_name["pixels"][2],
      baseline=f"midpoints in pixels {by_name['pixels'][2]:.2f}")
claim("midpoint, 30 numbers", "The same in a code of 30 numbers, relative to pixels",
      by_name["code of 30"][2] / by_name["pixels"][2], "times", at_least=0.85,
      baseline=f"{by_name['code of 30'][2]:.2f} against {by_name['pixels'][2]:.2f}; deep "
      f"net {by_name['code of 30, deep net'][2]:.2f}")
claim("empty picture", "Distance of the black image to the nearest digit, in pixels",
      judged["black image"][0], "of real digits'", at_most=1,
      baseline=f"in features {judged['black image'][1]:.2f}")

# %% [markdown]
# So the claim is true of narrow codes, which rebuild badly, and false of wide ones, which rebuild well. A plain
# autoencoder places the digits somewhere in its code and leaves the space between them to chance: with thirty
# dimensions there is much space between. Lesson 06 adds a *prior*, which asks for a code without gaps, and measures
# how far that goes.
#
# ### Along the surface
#
# If digits lie on a curved surface, the honest distance between two of them runs *along* it. A graph of neighbours
# gives an estimate: connect each image with its ten nearest, and add up the steps of the shortest path (this is how
# Isomap measures).

# %%
some = x_test[:3000]
graph = kneighbors_graph(some.numpy(), 10, mode="distance")
along, before = shortest_path(graph, directed=False, indices=np.arange(200),
                              return_predecessors=True)
reached = np.isfinite(along) & (along > 0)
with torch.no_grad():
    spaces = {"pixels": some, "PCA, 30 numbers": (some - mean_image) @ pca_basis[:, :30],
              "code of 2": bent[2].encode(some), "code of 30, deep net": best.encode(some)}
rank = {name: spearmanr(torch.cdist(z[:200], z).numpy()[reached], along[reached])[0]
        for name, z in spaces.items()}
table(["straight distance in", "rank correlation with the distance along the graph"],
      list(rank.items()))

# %%
ends = np.unravel_index(np.where(reached, along, 0).argmax(), along.shape)  # furthest apart
path = [int(ends[1])]
while path[-1] != ends[0]:
    path.append(int(before[ends[0], path[-1]]))
path = path[::-1][:: max(1, len(path) // 9)]
steps = torch.linspace(0, 1, len(path))[:, None]
with torch.no_grad():
    z = best.encode(some[[path[0], path[-1]]])
    straight = draw(best, (1 - steps) * z[0] + steps * z[1])
plots.images({"along the graph": some[path], "straight in the code": straight,
              "straight in pixels": (1 - steps) * some[path[0]] + steps * some[path[-1]]});

# %% [markdown]
# The first row is a walk over real test digits, each near to the next: it goes the long way round, and every stop is
# a digit. The straight lines (below) take the short way, through pictures that nobody wrote.

# %%
claim("geodesic",
      "Rank correlation of distances in the deep net's code and along the graph",
      rank["code of 30, deep net"], at_least=0.3, at_most=0.95,
      baseline=", ".join(f"{name} {value:.2f}" for name, value in list(rank.items())[:3]))

# %% [markdown]
# Distances in the code agree with those along the surface only in part, and no better than distances in pixels (from
# which the graph was made): training never asked for more. A code is a coordinate system, not a ruler.
#
# ## 8 · A failure study: the map that dies
#
# Lesson 02 counted dead units in a code of 32 with a ReLU. With a code of two, the loss of one unit is the loss of
# half the map. How often does it happen? Ten small networks that differ in their first weights only:

# %%
alive = []
for seed in range(10):
    with seeded(seed):
        mortal = Autoencoder([784, 64, 2])
        mortal.encoder.append(nn.ReLU())
    fit(mortal, (x[:5000],), squared_error, epochs=8, lr=1e-3, seed=seed)
    with torch.no_grad():
        units = int((mortal.encode(x_val).amax(0) > 0).sum())
    alive.append((units, metrics.reconstruction_error(mortal, x_test)))
rows = []
for units in (0, 1, 2):
    errors_there = [error for n, error in alive if n == units]
    rows.append([units, len(errors_there),
                 float(np.mean(errors_there)) if errors_there else None])
table(["units alive", "networks of ten", "mean squared error"], rows)

# %%
claim("dying maps", "Networks of ten that lost one or both units of a ReLU code of two",
      rows[0][1] + rows[1][1], "of 10", seeds=10, at_least=1,
      baseline=f"mean image {(x_test - mean_image).square().sum(1).mean():.1f}")

# %% [markdown]
# As a rule a dead unit does not come back. A network that lost both draws the mean image for ever, and which fate it
# meets was decided by its first weights. A loss curve alone would say "it trained badly"; counting the units says
# why. The remedy is the same as before: no ReLU on the code.
#
# ## 9 · Checkpoint
#
# The next cell fails if any claim of this lesson did not hold in this run.

# %%
claim.checkpoint()

# %%
answer = "yes" if by_name["code of 30"][2] < by_name["pixels"][2] else "no"
score([("dimensions of the digit 1, by TwoNN", prediction_dimension, float(of_class[1])),
       ("largest angle when the error is within 1 % (°)", prediction_angle,
        float(at_one_percent[8][2])),
       ("squared error of 784-1000-500-250-30", prediction_deep, error_deep),
       ("autoencoders of six that unroll the roll", prediction_unrolled, unrolled),
       ("is the midpoint in a code of 30 nearer to real digits", prediction_midpoint,
        answer)])

# %% [markdown]
# ## 10 · What to keep

# %%
def flat_code(images):
    return (images - mean_image) @ pca_basis[:, :30]


images_and_labels = x, y, x_test, y_test
table(["row", "squared error", "probe, 10 % of labels (%)", "probe, 1 % (%)", "nats",
       "training (s)"],
      [["PCA, 30 numbers", error_pca, *metrics.probes(flat_code, *images_and_labels),
        None, None],
       ["784-1000-500-250-30", error_deep,
        *metrics.probes(best.encode, *images_and_labels), None, round(history.seconds)]])

# %% [markdown]
# - Spaces of many dimensions are empty; data that can be learned fill few dimensions of them.
# - A linear autoencoder learns PCA's surface, not its axes, and a small error comes before the right surface.
# - In a deep network the signals must survive the way through all layers: the variance of the first weights decides.
# - Judge a map by measures, an interpolation by a score that empty pictures do not win.
# - Reconstruction asks for neither straight coordinates nor a code without gaps. Those need to be asked for.
#
# **Your turn:** [lab 03](../work/lab03.ipynb) (your own copy, made by `python -m aecourse lab`; on the
# web, read the [sheet](../exercises/lab03/lab03.ipynb)). You write PCA, its reconstruction, a measure of maps and
# TwoNN, and find the bug of the missing mean.
#
# **Next:** [lesson 04](04_denoising.ipynb) damages the input and asks for the clean image.
#
# ### Papers
# - C. Eckart, G. Young (1936). *The approximation of one matrix by another of lower rank.* Psychometrika 1, 211–218.
# - P. Baldi, K. Hornik (1989). *Neural networks and principal component analysis: learning from examples without
#   local minima.* Neural Networks 2, 53–58.
# - J. B. Tenenbaum, V. de Silva, J. C. Langford (2000). *A global geometric framework for nonlinear dimensionality
#   reduction.* Science 290, 2319–2323. (Isomap, the Swiss roll)
# - J. Venna, S. Kaski (2001). *Neighborhood preservation in nonlinear projection methods: an experimental study.*
#   ICANN, 485–491. (trustworthiness)
# - G. E. Hinton, R. R. Salakhutdinov (2006). *Reducing the dimensionality of data with neural networks.* Science 313,
#   504–507.
# - L. van der Maaten, G. Hinton (2008). *Visualizing data using t-SNE.* Journal of Machine Learning Research 9,
#   2579–2605.
# - K. He, X. Zhang, S. Ren, J. Sun (2015). *Delving deep into rectifiers: surpassing human-level performance on
#   ImageNet classification.* ICCV, 1026–1034.
# - E. Facco, M. d'Errico, A. Rodriguez, A. Laio (2017). *Estimating the intrinsic dimension of datasets by a minimal
#   neighborhood information.* Scientific Reports 7, 12140.
