# %% [markdown]
# # 02da · One code for several tasks
#
# **Promise.** You will read class, thickness and slant from one code, find out why raw pixels serve these tasks worse
# although they contain more, and see which images the code does
# not fit.
#
# **After this unit you can**
# 1. use one code for several tasks, with PCA and raw pixels as baselines;
# 2. recognise overfitting by a training and a test value, and correct it;
# 3. say when a short code helps, and when it does not.
#
# **Before it:** units 02 and 02c (linear probe, thickness, slant, R²). **Time:** about {minutes} minutes; the cells run in
# less than a minute on two cores.

# %%
import torch
from sklearn.linear_model import LinearRegression, RidgeCV

from aecourse import data, diagrams, losses, metrics, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA, Autoencoder
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("02", digits.name)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]  # the images of units 02 and 02d
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer

# %%
diagrams.flow({"x": (0, 1, "image", plots.SKY), "e": (1, 1, "encoder", plots.ORANGE),
               "z": (2, 1, "code", plots.YELLOW),
               "c": (3, 2, "which class?", plots.GREEN),
               "t": (3, 1, "how thick?", plots.GREEN),
               "s": (3, 0, "how slanted?", plots.GREEN)},
              {("x", "e"): "", ("e", "z"): "", ("z", "c"): "", ("z", "t"): "",
               ("z", "s"): ""}, size=(8, 2.8));

# %% [markdown]
# One encoder serves three linear models. We train the network of unit 02, without any label, and fit PCA.

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


with seeded(0):
    model = Autoencoder([784, 128, 64, 32])
fit(model, (x,), squared_error, epochs=4 * more, lr=1e-2, one_cycle=True)
pca = PCA(x)

# %% [markdown]
# ## 1 · Three readings of one code
#
# The 32-dimensional code was learned without any task. We read three things from it with linear models: the class, with a
# tenth and with a hundredth of the labels, and thickness and slant. The raw pixels and PCA's code of equal size are the
# baselines. For thickness and slant we measure R² on the training images and on the test images.
#
# **Predict.** What R² of the slant does a linear regression reach on test images from the 784 raw pixels, and what R² from
# the 32-dimensional code? (1 is perfect, 0 is no better than the mean.) Type two numbers.

# %%
prediction_pixels = None
prediction_code = None

# %%
def encode_autoencoder(images):
    with torch.no_grad():
        return model.encode(images)


def encode_pca(images):
    return pca.encode(images, 32)


encoders = {"raw pixels": lambda images: images, "PCA, 32 dimensions": encode_pca,
            "autoencoder, 32 dimensions": encode_autoencoder}

# %%
few = data.stratified_subset(y, len(y) // 10)  # a tenth of the training images


def r_squared(encode, measure, reader):
    """Fit the reader on the tenth; return its R² there and on the test images."""
    reader.fit(encode(x[few]), measure(x[few]))
    return [reader.score(encode(images), measure(images)) for images in (x[few], x_test)]

# %%
accuracy, reading = {}, {}
for name, encode in encoders.items():
    accuracy[name] = metrics.probes(encode, x, y, x_test, y_test)
    reading[name] = [r2 for measure in (metrics.thickness, metrics.slant)
                     for r2 in r_squared(encode, measure, LinearRegression())]
table(["linear model on", "class (%), 1 label in 10", "class (%), 1 in 100"],
      [[name, *values] for name, values in accuracy.items()])
table(["R² of a linear model on", "thickness, training", "thickness, test",
       "slant, training", "slant, test"], [[name, *r2] for name, r2 in reading.items()])
pixels, by_pca, ours = reading.values()

# %% [markdown]
# The class is read about equally well from all three. (This is one random choice of the labelled images. Another choice
# changes these values, so small differences mean little.)
#
# Compare the columns of R². On its own training images the linear model on raw pixels is better than the two on codes,
# and on test images it is worse. It **overfits**. It has 785 weights, and many pixels are black in nearly all of these
# images, so their weights rest on a few images. The models on codes have 33 weights. PCA's code serves as well as the
# autoencoder's. It is itself a linear function of the pixels, so it cannot contain more than they do.

# %%
claim("class from few labels", "Linear probe on the 32-dimensional code, 1 % of the labels",
      accuracy["autoencoder, 32 dimensions"][1], "% test accuracy", at_least=55,
      baseline=f"PCA {accuracy['PCA, 32 dimensions'][1]:.1f}, "
               f"raw pixels {accuracy['raw pixels'][1]:.1f}")
claim("slant from the code", "R² of the slant, read linearly from the 32-dimensional code",
      ours[3], at_least=0.6, baseline=f"PCA {by_pca[3]:.2f}")
claim("pixels overfit", "R² of the slant from raw pixels, training minus test images",
      pixels[2] - pixels[3], at_least=0.1,
      baseline=f"32-dimensional code {ours[2] - ours[3]:.2f}")
score([("R² of the slant from raw pixels", prediction_pixels, pixels[3]),
       ("R² of the slant from the code", prediction_code, ours[3])])

# %% [markdown]
# ## 2 · Is it the code, or the number of weights?
#
# If overfitting is the reason, what works against it should help the raw pixels. Weight decay does: it adds the squared
# weights, times a strength, to the loss, so that no weight becomes large without need. Its name in regression is *ridge*.
#
# **Predict.** What R² of the thickness will raw pixels reach on test images with weight decay? The table above has the
# value without it.

# %%
prediction_ridge = None

# %%
strengths = [1, 10, 100, 1000]
with_decay = r_squared(encoders["raw pixels"], metrics.thickness, RidgeCV(strengths))
table(["thickness from raw pixels", "R², training", "R², test"],
      [["no weight decay", *pixels[:2]], ["weight decay", *with_decay]])

# %% [markdown]
# `RidgeCV` chose the strength among `strengths` by cross-validation on the training images. With it the raw pixels serve
# as well as the codes. So a short code helps a linear model when data are few, not because it contains more. More
# labelled images should help in the same way:

# %%
claim("pixels with decay", "R² of the thickness, read from raw pixels with weight decay",
      with_decay[1], at_least=ours[1] - 0.05,
      baseline=f"without {pixels[1]:.2f}, 32-dimensional code {ours[1]:.2f}")
score([("R² of the thickness from raw pixels with weight decay", prediction_ridge,
        with_decay[1])])

# %%
one_in = 10  # one training image in so many
more_of = data.stratified_subset(y, len(y) // one_in)
regression = LinearRegression().fit(x[more_of], metrics.thickness(x[more_of]))
on_test = regression.score(x_test, metrics.thickness(x_test))
print(f"{len(more_of):,} training images, no weight decay: R² on test images {on_test:.2f}")

# %%
try_it("Change `one_in = 10` to `one_in = 2` and run that cell again. What R² of the "
       "thickness do raw pixels reach on test images, without weight decay?",
       None, on_test, changed=one_in == 2)

# %% [markdown]
# With half of the training images and no weight decay, the raw pixels do about as well as the codes. What an encoder is worth when labels are
# few is the subject of lesson 07.
#
# ## 3 · Other pictures
#
# Last, we show the network cut-outs of two photographs that come with scikit-learn. The *share kept* is 1 minus the
# squared error divided by the variance of the images: 1 is a perfect reconstruction, 0 is as good as the mean image.
#
# **Predict.** What share of the photographs' variation does the digits' autoencoder keep?

# %%
prediction_photographs = None

# %%
def photo_patches(n):
    from sklearn.datasets import load_sample_images

    grey = [torch.tensor(p).float().mean(2) / 255 for p in load_sample_images().images]
    cut = torch.cat([g.unfold(0, 28, 28).unfold(1, 28, 28).reshape(-1, 784) for g in grey])
    return cut[torch.randperm(len(cut), generator=torch.Generator().manual_seed(0))[:n]]


photographs = photo_patches(600)
variation = (photographs - photographs.mean(0)).square().sum(1).mean().item()
kept = {"digits": metrics.share_kept(model, x_test),
        "photographs": metrics.share_kept(model, photographs),
        "photographs, PCA of the digits": 1 - pca.error(photographs, 32) / variation}
print("share kept:", ", ".join(f"{name} {value:.2f}" for name, value in kept.items()))

# %%
with torch.no_grad():
    plots.images({"photographs": photographs[:10],
                  "reconstructed": model(photographs[:10])});

# %% [markdown]
# Cut-outs of photographs come back as blots of digit strokes. A share below 0 means that the mean of the photographs would
# have been nearer. PCA, fitted to digits, fails as well. Both compress data like their training data only.

# %%
claim("photographs",
      "Share of the variation of photographs that the digits' autoencoder keeps",
      kept["photographs"], at_most=0.5, baseline=f"digits {kept['digits']:.2f}")
score([("share of photographs kept", prediction_photographs, kept["photographs"])])

# %%
shown_to_it = x_test  # images for the network
print(f"share kept: {metrics.share_kept(model, shown_to_it):.2f}")

# %%
try_it("Change `shown_to_it = x_test` to `shown_to_it = 1 - x_test`, digits in black on "
       "white, and run that cell again. What share does the network keep?",
       None, metrics.share_kept(model, shown_to_it),
       changed=bool(shown_to_it[:, 0].mean() > 0.5))

# %% [markdown]
# So the same shapes on another background are not data like its training data.

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - One code serves several tasks; so does PCA's.
# - Put the training value beside the test value. A large gap is overfitting.
# - A short code protects a linear model from overfitting when data are few. Weight decay or more images do so as well.
# - An autoencoder works on data like its training data only.
#
# **Next:** [02e](02e_pictures.ipynb), your own pictures, or [lesson 03](03_manifolds.ipynb).
