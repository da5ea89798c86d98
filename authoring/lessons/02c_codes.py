# %% [markdown]
# # 02c · What the code knows
#
# **Promise.** You will turn single numbers of a code like knobs, read class, thickness and slant from codes of three
# numbers, and find out which of these readings depend on the axes and which do not.
#
# **After this unit you can**
# 1. measure what a code knows, with a linear probe and with neighbours;
# 2. compare the codes of an autoencoder and of PCA;
# 3. explain why single units of a plain autoencoder have no meaning of their own.
#
# **Before it:** unit 02. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from aecourse import data, diagrams, losses, metrics, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA, Autoencoder
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("02", digits.name)
x, y, x_test, y_test = digits.x_train, digits.y_train, digits.x_test, digits.y_test
ten = plots.first_of_each(y_test)
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer

# %%
diagrams.flow({"x": (0, 0, "image", plots.SKY), "e": (1, 0, "encoder", plots.ORANGE),
               "z": (2, 0, "code $z$", plots.YELLOW),
               "d": (3, 0, "decoder\nafter a change of $z$", plots.ORANGE),
               "p": (3, 1, "linear probe:\nwhich class?", plots.GREEN),
               "r": (2, 1, "regression:\nhow thick? how slanted?", plots.GREEN)},
              {("x", "e"): "", ("e", "z"): "", ("z", "d"): "",
               ("z", "p"): "", ("z", "r"): ""},
              size=(9, 2.6));

# %% [markdown]
# Three ways to ask a code what it knows: change it and look at the reconstruction, read the class from it, read other
# properties of the digit from it. Labels and properties are used for the readings only, never for training.
#
# ## 1 · Turning a knob
#
# We train the network of unit 02 with codes of 2, 3 and 32 numbers. `PCA(x)` is the linear baseline.

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}

# %%
nets = {}
for k in (2, 3, 32):
    with seeded(0):
        nets[k] = Autoencoder([784, 128, 64, k])
    fit(nets[k], (x,), squared_error, epochs=4 * more, lr=1e-2, one_cycle=True)
pca = PCA(x)

# %% [markdown]
# Now take the code of one digit and change a single unit of it, by up to two standard deviations in each direction. We
# do this for the three units that vary most over the test images.

# %%
shown = 3  # the digit whose code is changed
with torch.no_grad():
    codes = nets[32].encode(x_test)  # (N, 32)
steps = torch.linspace(-2, 2, 9)
knobs = {}
for unit in codes.std(0).topk(3).indices.tolist():
    moved = codes[ten[shown]].repeat(9, 1)  # nine copies of the code, (9, 32)
    moved[:, unit] += steps * codes[:, unit].std()
    with torch.no_grad():
        knobs[f"unit {unit}"] = nets[32].decode(moved)  # (9, 784)
first = next(iter(knobs.values()))
plots.images(knobs, columns=[f"{s:+.1f} sd" for s in steps.tolist()]);

# %% [markdown]
# In the middle, at 0.0, stands the digit's own reconstruction. To both sides the picture changes smoothly, and in
# several places at once. None of the three units changes one property alone, such as the slant.

# %%
try_it("Change `shown = 3` to `shown = 1` and run that cell again. At how many "
       "pixels does the last picture of the first row differ from the middle one by "
       "more than 0.1? Count with `((first[8] - first[4]).abs() > 0.1).sum()` in a new "
       "cell.",
       None, int(((first[8] - first[4]).abs() > 0.1).sum()), changed=shown == 1,
       says="One number of the code moves many pixels at once.")

# %% [markdown]
# ## 2 · Reading the class
#
# A **linear probe** is a logistic regression that reads the class from a code. Here it is trained with a tenth of the
# labels. `metrics.probes` takes the function that encodes, and returns the accuracy on test images.
#
# **Predict.** How many per cent of the test digits does a linear probe name correctly from a code of only **two**
# numbers? Guessing gives about 10.

# %%
prediction_probe = None

# %%
def probe(encode):
    return metrics.probes(encode, x, y, x_test, y_test, parts=[10])[0]

# %%
accuracy = {k: (probe(nets[k].encode), probe(lambda images, k=k: pca.encode(images, k)))
            for k in nets}
errors = {k: (metrics.reconstruction_error(nets[k], x_test), pca.error(x_test, k))
          for k in nets}
table(["numbers in the code", "probe, autoencoder (%)", "probe, PCA (%)",
       "error, autoencoder", "error, PCA"],
      [[str(k), *accuracy[k], *errors[k]] for k in nets])

# %% [markdown]
# With two and three numbers the autoencoder has the smaller error, and its code shows the class more clearly than PCA's.
# With 32 numbers the two are close in both. Training asked for a small error only. That the class can be read is a
# by-product, and nobody promised it.

# %%
claim("probe of two", "Linear probe on the code of two numbers, its lead over PCA's",
      accuracy[2][0] - accuracy[2][1], "points", at_least=2,
      baseline=f"autoencoder {accuracy[2][0]:.1f} %, PCA {accuracy[2][1]:.1f} %")
claim("probe", "Linear probe on the code of 32 numbers", accuracy[32][0],
      "% test accuracy", at_least=70, baseline=f"PCA {accuracy[32][1]:.1f}")

# %% [markdown]
# ## 3 · What did three numbers find?
#
# With three numbers the network had to choose what matters most. Two properties can be measured on each image itself:
# the **thickness** of the stroke in pixels (`metrics.thickness`: twice the area of the ink divided by the length of its
# outline) and the **slant** (`metrics.slant`: how many pixels the digit leans to the right for each pixel upwards).

# %%
properties = {"thickness": metrics.thickness, "slant": metrics.slant}
with torch.no_grad():
    three = nets[3].encode(x_test)  # (N, 3)
figure, axes = plt.subplots(2, 2, figsize=(9.5, 8), layout="constrained")
for axis, other in zip(axes[0], (1, 2), strict=True):
    plots.class_map(axis, three[:3000, [0, other]], y_test[:3000])
    axis.set(title="coloured by class", xlabel="code, axis 1",
             ylabel=f"code, axis {other + 1}")
for axis, (name, measure) in zip(axes[1], properties.items(), strict=True):
    values = measure(x_test[:3000])
    low, high = values.quantile(torch.tensor([0.02, 0.98])).tolist()
    dots = axis.scatter(*three[:3000, :2].T, c=values, s=5, alpha=0.6, rasterized=True,
                        cmap="viridis", vmin=low, vmax=high)
    figure.colorbar(dots, ax=axis, label={"slant": "pixels per pixel"}.get(name, "pixels"))
    axis.set(title=f"coloured by {name}", xlabel="code, axis 1", ylabel="code, axis 2")

# %% [markdown]
# The upper pictures show the same codes on two pairs of axes. Classes that overlap in one of them are partly apart in the
# other. The slant changes gradually across the lower right picture; the thickness shows less order on these two axes.
#
# How well can each property be read? The share of its variance that a prediction explains is called **R²**: 1 is
# perfect, 0 is no better than the mean. We read with a linear regression, and with the mean of the 20 nearest
# neighbours in the code, which can follow curves. And we do it all again after a random **rotation** of the code.
#
# **Predict.** Does a rotation of the code change what a linear regression on *all three* axes finds: `"yes"` or `"no"`?

# %%
prediction_rotation = None

# %%
few = data.stratified_subset(y, len(y) // 10)  # a tenth of the training images
with torch.no_grad():
    three_train = nets[3].encode(x[few])
rotation, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))

# %%
def r_squared(z_train, z, name, reader=LinearRegression):
    """Fit on training images, measure on test images."""
    measure = properties[name]
    return reader().fit(z_train, measure(x[few])).score(z, measure(x_test))

# %%
n_neighbours = 20
rows = []
for name in properties:
    for which, r in {"as trained": torch.eye(3), "rotated": rotation}.items():
        z_train, z = three_train @ r, three @ r
        single = [r_squared(z_train[:, [i]], z[:, [i]], name) for i in range(3)]
        neighbours = r_squared(z_train, z, name, lambda: KNeighborsRegressor(n_neighbours))
        rows.append([name, which, *single, r_squared(z_train, z, name), neighbours])
table(["R²", "code", "axis 1", "axis 2", "axis 3", "all, linear", "all, neighbours"],
      [[*row[:2], *(f"{value:.2f}" for value in row[2:])] for row in rows])

# %% [markdown]
# The rotation $R$ changes what single axes say. It does not change the last two columns. A linear regression with the
# weights $w$ on the code $z$ predicts $w^\top z$; on the rotated code $R^\top z$ the weights $R^\top w$ give the same
# prediction, since $(R^\top w)^\top R^\top z = w^\top z$. Distances between codes stay the same, so neighbours stay
# neighbours. A decoder can undo a rotation in the same way, so the loss does not prefer one set of axes. **Only the
# whole code can be asked what it knows.** The neighbours find more than the linear regression does, so the properties
# change along curves in the code.

# %%
try_it("Change `n_neighbours = 20` to `1` and run that cell again. Which R² does a single "
       "neighbour reach for the thickness, as trained?",
       None, float(f"{rows[0][6]:.2f}"), changed=n_neighbours == 1,
       says="A single neighbour is noisy. The mean of 20 evens the noise out.")

# %%
change = max(abs(rows[i][j] - rows[i + 1][j]) for i in (0, 2) for j in (5, 6))
change_of_axes = max(abs(rows[i][j] - rows[i + 1][j]) for i in (0, 2) for j in (2, 3, 4))
claim("slant in three numbers",
      "R² of the slant from the whole code of three numbers, by neighbours", rows[2][6],
      at_least=0.3,
      baseline=f"linear {rows[2][5]:.2f}; thickness {rows[0][6]:.2f} and {rows[0][5]:.2f}")
claim("rotation", "Largest change of R² from the whole code under rotation", change,
      at_most=1e-3, baseline=f"from single axes {change_of_axes:.2f}")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("linear probe on two numbers (%)", prediction_probe, accuracy[2][0]),
       ("does a rotation change the linear reading?", prediction_rotation, "no")])

# %% [markdown]
# ## 5 · What to keep
#
# - A code is asked by changing it, by a linear probe, and by regression. Labels serve the questions, not the training.
# - A code of two or three numbers from an autoencoder shows the class more clearly than PCA's; with 32 numbers the two
#   are close.
# - Three numbers hold much of the class and of the slant, and less of the thickness.
# - A rotation of the code changes nothing that the whole code knows. Single units have no meaning of their own.
#
# The same two networks are described in four languages, and later lessons take up each of them:
#
# | view | the encoder is | the decoder is | the question | answered in |
# |---|---|---|---|---|
# | unsupervised learning | a feature extractor | needed for training only | are the features good for later tasks? | 02d, 05, 07 |
# | density estimation | a helper that finds a good $z$ for $x$ | the model $p_\theta(x \mid z)$ | how probable is a new $x$? | 06, 10 |
# | manifold learning | coordinates on a curved surface | the surface itself | what is the shape of the data? | 03 |
# | generative modelling | needed for training only | a machine that generates new $x$ | from which $z$? | 06, 10 |
#
# **Deeper:** [02d](02d_atwork.ipynb) puts autoencoders to work. **Next:** [lesson 03](03_manifolds.ipynb).
