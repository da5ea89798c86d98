# %% [markdown]
# # 02da · One code for several tasks
#
# **Promise.** You will read class, thickness and slant from one code, compare it with PCA and with the raw pixels, and see
# which images the code does not fit.
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
# The class is read about equally well from all three. (The probe is a logistic regression with weight decay, the default
# of scikit-learn. Section 2 comes back to this. Another random choice of the labelled images changes these values, so
# small differences mean little.)
#
# Compare the columns of R². On its own training images the linear model on raw pixels is better than the two on codes,
# and on test images it is worse. It **overfits**. It has 785 weights, the models on codes have 33.
#
# PCA's code serves as well as the autoencoder's. Each linear model on PCA's code is also a linear model on the pixels:
# multiply its weights by PCA's axes. So there are weights for the pixels that do as well on the test images. The
# regression did not find them. It chose others, which fit the training images better.

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
# Is the model on raw pixels a little worse on all test images, or far worse on a few? We leave out the test images with
# the largest squared errors, for pixels and code separately. The variance is still that of all test images.

# %%
left_out = 0  # worst test images that are left out
truth, r2_left, wrong = metrics.slant(x_test), {}, {}
for name in ("raw pixels", "autoencoder, 32 dimensions"):
    encode = encoders[name]
    reader = LinearRegression().fit(encode(x[few]), metrics.slant(x[few]))
    guess = torch.as_tensor(reader.predict(encode(x_test)))
    wrong[name] = (guess - truth).square()  # (N,)
    smallest = wrong[name].sort().values[:len(truth) - left_out]
    r2_left[name] = 1 - (smallest.sum() / (truth - truth.mean()).square().sum()).item()
    print(f"{name}, {left_out} images left out: R² of the slant {r2_left[name]:.3f}")

# %%
try_it("Change `left_out = 0` to `left_out = 10` and run that cell again. What is R² of "
       "the slant from raw pixels without its ten worst test images?",
       None, r2_left["raw pixels"], changed=left_out == 10)

# %% [markdown]
# The code's R² hardly changes, that of the pixels rises a lot. What is special about these few images? We call a pixel
# *rare* if it has ink in some of the labelled images, but in less than 1 % of them, and *common* if it has ink in more
# than 10 %. We compare the weights of rare and common pixels, and count the rare pixels with ink in a test image.

# %%
inked = (x[few] > 0).float().mean(0)  # (784,)
rare, common = (inked > 0) & (inked < 0.01), inked > 0.1
reader = LinearRegression().fit(x[few], metrics.slant(x[few]))
size = torch.as_tensor(reader.coef_).abs()  # (784,)
count = (x_test[:, rare] > 0).sum(1).float()  # (N,)
worst = wrong["raw pixels"].topk(10).indices
table(["mean size of a weight, rare pixels", "common pixels",
       "rare pixels with ink, ten worst images", "all test images"],
      [[size[rare].mean().item(), size[common].mean().item(),
        count[worst].mean().item(), count.mean().item()]])

# %% [markdown]
# Only a few training images decide about the weight of a rare pixel, and such weights became large. An image with ink
# there can get a slant that is far off. Ten such images make most of the gap between raw pixels and the code. On MNIST
# the raw pixels are even better than the code on all others.

# %%
pixels_ten, code_ten = ((w.topk(10).values.sum() / w.sum()).item() for w in wrong.values())
claim("ten images", "Share of the squared error of the slant from raw pixels that ten test "
      "images make", pixels_ten, at_least=0.5, baseline=f"code {code_ten:.2f}")
claim("without ten", "R² of the slant from raw pixels minus that from the code, each "
      "without its ten worst test images", (1 - ours[3]) * (1 - code_ten)
      - (1 - pixels[3]) * (1 - pixels_ten), at_least=0, holds_on=("mnist",),
      baseline=f"with them {pixels[3] - ours[3]:.2f}")
claim("rare pixels", "Weights of rare pixels relative to those of common ones, slant",
      (size[rare].mean() / size[common].mean()).item(), "times", at_least=5)

# %% [markdown]
# ## 2 · Is it the code, or the number of weights?
#
# If overfitting is the reason, a method that reduces overfitting should help the raw pixels. **Weight decay** adds the
# squared weights, times a strength, to the loss, so that no weight becomes large without need. Its name in regression is
# *ridge*. `RidgeCV` chooses the strength from a list by cross-validation on the training images.
#
# **Predict.** What R² of the thickness will raw pixels reach on test images with weight decay? The table above has the
# value without it.

# %%
prediction_ridge = None

# %%
strengths = [1, 10, 100, 1000]
ridge = RidgeCV(strengths)
with_decay = r_squared(encoders["raw pixels"], metrics.thickness, ridge)
table(["thickness from raw pixels", "R², training", "R², test"],
      [["no weight decay", *pixels[:2]],
       [f"weight decay, strength {ridge.alpha_:g}", *with_decay]])

# %% [markdown]
# With weight decay the raw pixels serve as well as the codes. So a short code helps a linear model when the labelled
# images are few. It does not help because it contains more: it contains less.

# %%
claim("pixels with decay", "R² of the thickness, read from raw pixels with weight decay",
      with_decay[1], at_least=ours[1] - 0.05,
      baseline=f"without {pixels[1]:.2f}, 32-dimensional code {ours[1]:.2f}")
score([("R² of the thickness from raw pixels with weight decay", prediction_ridge,
        with_decay[1])])

# %% [markdown]
# Do more labelled images help as well?

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
# More images help, as weight decay does. With half of them the gap to the codes is closed, or nearly. On MNIST the raw
# pixels are then better at the slant: they contain more. What an encoder is worth when labels are few is the subject of
# lesson 07.

# %%
half = data.stratified_subset(y, len(y) // 2)
at_half = {}
for task, measure in (("thickness", metrics.thickness), ("slant", metrics.slant)):
    for name, encode in encoders.items():
        reader = LinearRegression().fit(encode(x[half]), measure(x[half]))
        at_half[task, name] = reader.score(encode(x_test), measure(x_test))
claim("half, thickness", "R² of the thickness from raw pixels minus that from the code, "
      "half of the images, no weight decay", at_half["thickness", "raw pixels"]
      - at_half["thickness", "autoencoder, 32 dimensions"], at_least=-0.05,
      baseline=f"a tenth of the images {pixels[1] - ours[1]:.2f}")
claim("half, slant", "The same for the slant", at_half["slant", "raw pixels"]
      - at_half["slant", "autoencoder, 32 dimensions"], at_least=0.02,
      baseline=f"a tenth of the images {pixels[3] - ours[3]:.2f}", holds_on=("mnist",))

# %% [markdown]
# ## 3 · Other images
#
# Last, we give cut-outs of two photographs to the network. The photographs come with scikit-learn. The *share kept* is 1
# minus the squared error divided by the variance of the images: 1 is a perfect reconstruction, 0 is as good as the mean
# of these images, and it can be negative.
#
# **Predict.** What share of the photographs' variation does the digits' autoencoder keep?

# %%
prediction_photographs = None

# %%
def photo_patches(n):
    from sklearn.datasets import load_sample_images

    # each photograph, 427 × 640 pixels, gives 15 × 22 cut-outs
    grey = [torch.tensor(p).float().mean(2) / 255 for p in load_sample_images().images]
    cut = torch.cat([g.unfold(0, 28, 28).unfold(1, 28, 28).reshape(-1, 784)
                     for g in grey])  # (660, 784)
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
# The cut-outs come back as much the same blot, brighter for a brighter cut-out. A share below 0 means that the mean of the
# cut-outs would have been nearer. PCA, fitted to digits, fails as well. Both compress data like their training data only.

# %%
claim("photographs",
      "Share of the variation of photographs that the digits' autoencoder keeps",
      kept["photographs"], at_most=0, baseline=f"digits {kept['digits']:.2f}")
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
# The shapes are the same, but nearly every pixel has another value than in training. For this network these are not data
# like its training data.

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - One code serves several tasks; so does PCA's.
# - Compare the training value with the test value. A large gap is overfitting. A few images can make all of it.
# - A short code protects a linear model from overfitting when data are few. Weight decay or more images do so as well.
# - An autoencoder reconstructs data like its training data, and may fail on all others.
#
# **Next:** [02e](02e_pictures.ipynb), your own pictures, or [lesson 03](03_manifolds.ipynb).
