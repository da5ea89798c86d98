# %% [markdown]
# # 02c · What a code contains
#
# **Promise.** You will turn single units of a code like knobs, read class, thickness and slant from a three-dimensional
# code, and find out which of these readings depend on the axes and which do not.
#
# **After this unit you can**
# 1. measure what a code contains, with a linear probe and with neighbours;
# 2. compare the codes of an autoencoder and of PCA;
# 3. explain why single units of a plain autoencoder have no fixed meaning.
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
# Three ways to test what a code contains: change it and look at the reconstruction, read the class from it, read other
# properties of the digit from it. Labels and properties are used for the readings only, never for training.
#
# ## 1 · The units of a code
#
# We train the network of unit 02 with latent dimensions 2, 3 and 32. `PCA(x)` is the linear baseline.

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
# Here is the 32-dimensional code of one digit:

# %%
drawn = 3  # the digit whose code is drawn
with torch.no_grad():
    codes = nets[32].encode(x_test)  # (N, 32)
z_drawn = codes[ten[drawn]]
tenth = z_drawn.abs().max().item() / 10
axis = plt.subplots(figsize=(8, 2.2))[1]
axis.bar(range(32), z_drawn, color=plots.BLUE)
axis.hlines([-tenth, tenth], -1, 32, color="grey", linestyle=":", linewidth=1)
axis.set(xlabel="unit of the code", ylabel="value", title=f"the code of a {drawn}");

# %%
try_it("Change `drawn = 3` to `drawn = 0` and run that cell again. How many of the 32 "
       "values are larger, in absolute value, than a tenth of the largest? Count the bars "
       "that pass a dotted line.",
       None, int((z_drawn.abs() > tenth).sum()), changed=drawn == 0)

# %%
taking_part = (codes.abs() > codes.abs().amax(1, keepdim=True) / 10).sum(1).float()
print(f"above a tenth of the largest: {taking_part.mean():.0f} of 32, mean of test images")

# %% [markdown]
# Most units take part in a typical digit. Such a code is called **distributed**. Does a single unit stand for one
# property of the digit? Two properties can be measured on an image itself: the **thickness** of the stroke in pixels
# (`metrics.thickness`: twice the area of the ink divided by the length of its outline) and the **slant**
# (`metrics.slant`: how many pixels the digit leans to the right for each pixel upwards).
#
# We test a code by changing it. Take the code of one digit and change a single unit, by up to two standard deviations in
# each direction. We do this for the three units that vary most over the test images.

# %%
shown = 1  # the digit whose code is changed
steps = torch.linspace(-2, 2, 9)
knobs = {}
for unit in codes.std(0).topk(3).indices.tolist():
    moved = codes[ten[shown]].repeat(9, 1)  # nine copies of the code, (9, 32)
    moved[:, unit] += steps * codes[:, unit].std()
    with torch.no_grad():
        knobs[f"unit {unit}"] = nets[32].decode(moved)  # (9, 784)
plots.images(knobs, columns=[f"{s:+.1f} sd" for s in steps.tolist()]);

# %%
properties = {"thickness": metrics.thickness, "slant": metrics.slant}
ends = {unit: pictures[[0, 4, 8]].clamp(0, 1) for unit, pictures in knobs.items()}
table(["changed", *(f"{name} at {s} sd" for name in properties for s in (-2, 0, 2))],
      [[unit, *(f"{value:.2f}" for measure in properties.values()
                for value in measure(pictures).tolist())]
       for unit, pictures in ends.items()])

# %% [markdown]
# In the middle, at 0.0, stands the digit's own reconstruction. To both sides the picture changes smoothly, and in
# several places at once. The table gives thickness and slant of each row's first, middle and last picture. A unit that
# changes one of them usually changes the other too, and the shape with them.

# %%
where = {int(unit.split()[1]): int(((p[8] - p[0]).abs() > 0.1).sum())
         for unit, p in knobs.items()}  # how many pixels change from −2 to +2 sd
try_it("Change `shown = 1` to `shown = 7` and run that cell again. Which of the three "
       "units changes the most pixels of the 7, from −2 to +2 sd? Type its number; then "
       "print `where` to see the counts.",
       None, max(where, key=where.get), changed=shown == 7)

# %% [markdown]
# ## 2 · Reading the class
#
# A **linear probe** is a logistic regression that reads the class from a code. Here it is trained with a tenth of the
# labels. `metrics.probes` takes the function that encodes, and returns the accuracy on test images.
#
# **Predict.** What test accuracy, in %, does a linear probe reach on a code with only **two** dimensions? Guessing gives
# about 10.

# %%
prediction_probe = None

# %%
def probe(encode):  # parts: one image in ten has a label
    return metrics.probes(encode, x, y, x_test, y_test, parts=[10])[0]


def pca_encoder(k):
    def encode(images):
        return pca.encode(images, k)

    return encode

# %%
accuracy, errors = {}, {}
for k in nets:
    accuracy[k] = (probe(nets[k].encode), probe(pca_encoder(k)))
    errors[k] = (metrics.reconstruction_error(nets[k], x_test), pca.error(x_test, k))
table(["latent dimension", "probe, autoencoder (%)", "probe, PCA (%)",
       "error, autoencoder", "error, PCA"],
      [[str(k), *accuracy[k], *errors[k]] for k in nets])

# %%
try_it("At which latent dimension is the probe's lead on the autoencoder's code over PCA's "
       "the largest?",
       None, max(accuracy, key=lambda k: accuracy[k][0] - accuracy[k][1]))

# %% [markdown]
# With two and three dimensions the autoencoder has the smaller error, and its code shows the class more clearly than
# PCA's. With 32 the two are close in both. Training minimised the error only. That the class can be read is a
# by-product.

# %%
claim("probe of two", "Linear probe on the two-dimensional code, its lead over PCA's",
      accuracy[2][0] - accuracy[2][1], "points", at_least=2,
      baseline=f"autoencoder {accuracy[2][0]:.1f} %, PCA {accuracy[2][1]:.1f} %")
claim("probe", "Linear probe on the 32-dimensional code", accuracy[32][0],
      "% test accuracy", at_least=70, baseline=f"PCA {accuracy[32][1]:.1f}")
score([("linear probe on two dimensions (%)", prediction_probe, accuracy[2][0])])

# %% [markdown]
# ## 3 · What do three dimensions contain?
#
# With three dimensions the code can hold only what lowers the error most. Here are class, thickness and slant of the
# test images, drawn at their codes:

# %%
with torch.no_grad():
    three = nets[3].encode(x_test)  # (N, 3)
figure, axes = plt.subplots(2, 2, figsize=(9.5, 8), layout="constrained")
for axis, other in zip(axes[0], (1, 2), strict=True):
    plots.class_map(axis, three[:3000, [0, other]], y_test[:3000])
    axis.set(title="coloured by class", xlabel="code, axis 1",
             ylabel=f"code, axis {other + 1}")
axis.legend(*axis.collections[0].legend_elements(), title="class", frameon=False,
            loc="upper left", bbox_to_anchor=(1, 1))
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
# perfect, 0 is no better than the mean, and below 0 is worse than the mean. We read with a linear regression, on each axis
# alone and on all three, and with the mean of the 20 nearest neighbours in the code, which can follow nonlinear relations.
# And we do it all again after a random **rotation** of the code.
#
# **Predict.** Which R² of the linear regression change with the rotation: those of the `"single"` axes, that of `"all"`
# axes together, `"both"` or `"neither"`?

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
rows = []
for name in properties:
    for which, r in {"as trained": torch.eye(3), "rotated": rotation}.items():
        z_train, z = three_train @ r, three @ r
        single = [r_squared(z_train[:, [i]], z[:, [i]], name) for i in range(3)]
        neighbours = r_squared(z_train, z, name, lambda: KNeighborsRegressor(20))
        rows.append([name, which, *single, r_squared(z_train, z, name), neighbours])
table(["R²", "code", "axis 1", "axis 2", "axis 3", "all, linear", "all, neighbours"],
      [[*row[:2], *(f"{value:.2f}".replace("-0.00", "0.00") for value in row[2:])]
       for row in rows])

# %% [markdown]
# The rotation $R$ changes what single axes contain. It does not change the last two columns. A linear regression with the
# weights $w$ on the code $z$ predicts $w^\top z$; on the rotated code $R^\top z$ the weights $R^\top w$ give the same
# prediction, since $(R^\top w)^\top R^\top z = w^\top z$. Distances between codes stay the same, so neighbours stay
# neighbours. A decoder can undo a rotation in the same way, so the loss does not prefer one set of axes. **What a code
# contains can be measured on the whole code only, not on single units.** The neighbours find more than the linear
# regression does, so the relation between code and property is not linear.

# %%
change = max(abs(rows[i][j] - rows[i + 1][j]) for i in (0, 2) for j in (5, 6))
change_of_axes = max(abs(rows[i][j] - rows[i + 1][j]) for i in (0, 2) for j in (2, 3, 4))
claim("slant in three numbers",
      "R² of the slant from the whole three-dimensional code, by neighbours", rows[2][6],
      at_least=0.3,
      baseline=f"linear {rows[2][5]:.2f}; thickness {rows[0][6]:.2f} and {rows[0][5]:.2f}")
claim("rotation", "Largest change of R² from the whole code under rotation", change,
      at_most=1e-3, baseline=f"from single axes {change_of_axes:.2f}")
linear_all = max(abs(rows[i][5] - rows[i + 1][5]) for i in (0, 2))
words = {(True, True): "both", (True, False): "single", (False, True): "all",
         (False, False): "neither"}
score([("which R² of the linear regression change with the rotation?", prediction_rotation,
        words[change_of_axes > 1e-2, linear_all > 1e-3])])

# %% [markdown]
# In the table one axis, as trained, holds more of the slant than the other two. Is this a property of that axis?

# %%
seed = 0
with seeded(seed):
    again = Autoencoder([784, 128, 64, 3])
fit(again, (x,), squared_error, epochs=4 * more, lr=1e-2, one_cycle=True)
with torch.no_grad():
    again_train, again_test = again.encode(x[few]), again.encode(x_test)
by_axis = [r_squared(again_train[:, [i]], again_test[:, [i]], "slant") for i in range(3)]
print("R² of the slant from axis 1, 2, 3:", *(f"{value:.2f}" for value in by_axis))

# %%
try_it("Change `seed = 0` to `seed = 1`, for another initialisation, and run that cell "
       "again. From which axis is the slant read best now?",
       None, 1 + by_axis.index(max(by_axis)), changed=seed == 1)

# %% [markdown]
# A unit may hold much of a property. Which unit it is depends on the initialisation.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - We test a code by changing it, by a linear probe, and by regression. Labels serve these tests, not the training.
# - Most units take part in a typical digit, and one unit changes several properties.
# - An autoencoder's code of two or three dimensions shows the class more clearly than PCA's; with 32 the two are close.
# - Three dimensions hold much of the class and of the slant, and less of the thickness.
# - A rotation of the code changes nothing that the whole code contains. Single units have no fixed meaning.
#
# ### Deeper: four views
#
# Encoder and decoder can be seen in four ways, and later lessons take up each ($p_\theta(x \mid z)$ is derived in 02b):
#
# | view | the encoder is | the decoder is | the question | answered in |
# |---|---|---|---|---|
# | unsupervised learning | a feature extractor | needed for training only | are the features good for later tasks? | 02da, 05, 07 |
# | density estimation | a helper that finds a good $z$ for $x$ | the model $p_\theta(x \mid z)$ | how probable is a new $x$? | 06, 10 |
# | manifold learning | coordinates on a curved surface | the surface itself | what is the shape of the data? | 03 |
# | generative modelling | needed for training only | a machine that generates new $x$ | from which $z$? | 06, 10 |
#
# **Deeper:** [02d](02d_atwork.ipynb) puts autoencoders to work. **Next:** [lesson 03](03_manifolds.ipynb).
