# %% [markdown]
# # 03c · Between two digits
#
# **Promise.** You will check a popular claim about autoencoders with a measure that you have tested on pictures that
# are no digits.
#
# **After this unit you can**
# 1. interpolate between two images in pixels and in a code;
# 2. test a measure before you trust it;
# 3. say for which codes the popular claim is true.
#
# **Before it:** unit 03. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import torch
import torch.nn.functional as F
from torch import nn

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, say, score, table, try_it
from aecourse.models import Autoencoder, he
from aecourse.realism import Judge
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("03", digits.name)

# %%
diagrams.flow({"a": (0, 1, "image $a$", plots.SKY), "b": (0, 0, "image $b$", plots.SKY),
               "za": (1, 1, "code of $a$", plots.YELLOW),
               "zb": (1, 0, "code of $b$", plots.YELLOW),
               "z": (2, 0.5, "midpoint\nof the codes", plots.YELLOW),
               "x": (3.1, 0.5, "decoded midpoint\na digit?", plots.SKY)},
              {("a", "za"): "", ("b", "zb"): "", ("za", "z"): "", ("zb", "z"): "",
               ("z", "x"): "decoder"}, size=(9, 2.6));

# %% [markdown]
# A popular claim, in our words: the step between two images must be taken in the code, where the midpoint is a real digit;
# in pixels it is a double exposure. The diagram shows the midpoint in the code. This unit checks the claim.

# %%
x, x_test, y_test = digits.x_train, digits.x_test, digits.y_test
mean_image = x.mean(0)

# %% [markdown]
# ## 1 · A measure, and a test of it
#
# How real is a picture? A first idea is the **pixel distance**, the distance of its pixels to the nearest training digit.
# We divide it by the median distance of test digits, so that 1 means "as near as real digits are".

# %%
known = x[:10_000]  # the training digits that are searched


def pixel_distance(images):
    return torch.cdist(images, known).amin(1).median().item()


of_real = pixel_distance(x_test[:1000])

# %% [markdown]
# Before we use it, we try it on three kinds of pictures that are no digits: a black image, the mean image, and noise.
#
# **Predict.** What is the pixel distance of the black image, in units of that of real digits: about 0.8, 2 or 5?

# %%
prediction_black = None

# %%
generator = torch.Generator().manual_seed(0)
pictures = {"black image": torch.zeros(1, 784), "mean image": mean_image[None],
            "noise": torch.rand(200, 784, generator=generator)}
in_pixels = {name: pixel_distance(images) / of_real for name, images in pictures.items()}
table(["picture", "pixel distance (real digits: 1)"], list(in_pixels.items()))
score([("pixel distance of the black image", prediction_black, in_pixels["black image"])])

# %% [markdown]
# By pixel distance an **empty picture is nearer to a digit than digits are to each other**. Black has no ink in the wrong
# place. By this measure an empty picture is the most realistic one.
#
# A second idea is the **feature distance**. A small classifier is trained with labels. Its last hidden
# layer maps an image to 64 numbers that tell the classes apart. `Judge` in the package trains this classifier (two
# convolutions, then two linear layers) and measures the distance to the nearest of 10,000 training digits between
# these 64 numbers, in units of real test digits.

# %%
judge = Judge(digits)


def realism(images):
    """Pixel distance and feature distance of images (N, 784), medians."""
    return [pixel_distance(images) / of_real, judge.distance(images).median().item()]


judged = {name: realism(images) for name, images in pictures.items()}
table(["picture", "pixel distance", "feature distance"],
      [["real digits", *realism(x_test[:1000])],
       *([name, *values] for name, values in judged.items())])

# %%
fooled = [name for name, (_, feature) in judged.items() if feature < 1.2]  # 20 %
say("By feature distance, " + (f"the measure is fooled by: {', '.join(fooled)}."
                               if fooled else
                               "all three are clearly farther away than real digits.")
    + f" Real digits have 1, the mean image {judged['mean image'][1]:.1f}, noise "
    f"{judged['noise'][1]:.1f}.")

# %% [markdown]
# The features are harder to fool by an empty picture, so the second measure may judge midpoints. It has a weakness of its
# own: it may be too low for blurred averages. So section 2 needs a control, midpoints in pixels that are blurred.

# %%
claim("empty picture", "Pixel distance of the black image to the nearest digit",
      judged["black image"][0], "of real digits'", at_most=1,
      baseline=f"feature distance {judged['black image'][1]:.2f}")
claim("empty picture, features", "The same by feature distance", judged["black image"][1],
      "of real digits'", at_least=1.2)

# %%
picture = torch.zeros(1, 784)
pixel, feature = realism(picture)
print(f"pixel distance {pixel:.2f}, feature distance {feature:.2f}")

# %%
try_it("Change `torch.zeros` to `torch.ones` (white in place of black) and run that cell "
       "again. What is the pixel distance now?", None, pixel, changed=picture.min() > 0,
       says="White has ink in nearly all wrong places.")

# %% [markdown]
# ## 2 · Midpoints of many pairs
#
# We train autoencoders with latent dimensions 2, 8 and 30, as in unit 03, and a deep one with 30. Then we take pairs of
# test digits of different classes and decode the midpoints of their codes.

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(torch.sigmoid(model(x)), x)}


def trained(widths, activation, n, epochs):
    with seeded(0):
        model = he(Autoencoder(widths, activation), x)
    fit(model, (x[:n],), squared_error, epochs=epochs, lr=3e-3, one_cycle=True)
    return model


models = {f"{k}-dimensional code": trained([784, 256, 128, k], nn.ReLU, 15_000, 4)
          for k in (2, 8, 30)}
models["30-dimensional code, deep net"] = trained([784, 1000, 500, 250, 30], nn.SiLU,
                                                 20_000, 4)

# %% [markdown]
# **Predict.** What is the feature distance of midpoints in the 30-dimensional code, divided by that of midpoints in pixel
# space: about 0.5, 0.75, 1 or 1.5?

# %%
prediction_midpoint = None

# %%
pairs = torch.randint(len(x_test), (1000, 2), generator=torch.Generator().manual_seed(2))
pairs = pairs[y_test[pairs[:, 0]] != y_test[pairs[:, 1]]]  # of different classes
a, b = x_test[pairs[:, 0]], x_test[pairs[:, 1]]  # (P, 784) each


def blurred(images):
    """Each pixel replaced by the mean of the 25 pixels around it."""
    return F.avg_pool2d(images.view(-1, 1, 28, 28), 5, 1, 2).flatten(1)


# midpoints, and reconstructions of the images a, (P, 784) each
middle, back = {"pixel space": (a + b) / 2}, {"pixel space": a}
middle["pixel space, blurred"] = blurred(middle["pixel space"])
back["pixel space, blurred"] = blurred(a)
with torch.no_grad():
    for name, net in models.items():
        middle[name] = torch.sigmoid(net.decode((net.encode(a) + net.encode(b)) / 2))
        back[name] = torch.sigmoid(net(a))

# %%
distance = {name: realism(images) for name, images in middle.items()}
in_features = {name: values[1] for name, values in distance.items()}
reconstructed = {name: judge.distance(images).median().item()
                 for name, images in back.items()}
table(["space", "midpoints: pixel distance", "midpoints: feature distance",
       "reconstructions: feature distance", "reconstructions: squared error"],
      [[name, *distance[name], reconstructed[name],
        losses.squared_error(back[name], a).mean().item()] for name in middle])

# %%
ratio = in_features["30-dimensional code"] / in_features["pixel space"]
score([("midpoints in the 30-dimensional code, relative to pixel space",
        prediction_midpoint, ratio)])

# %%
some = range(10)
plots.images({"image a": a[some], "image b": b[some],
              **{f"midpoint, {name}": images[some] for name, images in middle.items()}});

# %% [markdown]
# Compare the feature distances of midpoints and of reconstructions. In the 2-dimensional code the midpoints are about as
# near to real digits as the reconstructions are. Blur alone does not explain it, since the blurred midpoints in pixel
# space are farther away. But this code reconstructs badly (last column). The 30-dimensional codes reconstruct better, and
# their midpoints are about as far away as those in pixel space. The 8-dimensional code lies in between. (Values below 1
# are possible: reconstructions probably leave out what is unusual about a digit. Differences of 0.05 mean little here. By pixel
# distance all codes look better than pixel space. Section 1 showed how little that means.)
#
# The pictures show the same. In pixel space two grey digits lie over each other. In the 2-dimensional code most pictures
# look like a blurred digit, often of a third class. In the 30-dimensional codes there are no grey layers, but many
# pictures are made of broken strokes of both digits.

# %%
claim("midpoint, 2 numbers",
      "Feature distance of midpoints in a 2-dimensional code to real digits",
      in_features["2-dimensional code"], "of real digits'",
      at_most=0.9 * in_features["pixel space"],
      baseline=f"midpoints in pixel space {in_features['pixel space']:.2f}")
claim("midpoint, blur", "The same, relative to blurred midpoints in pixel space",
      in_features["2-dimensional code"] / in_features["pixel space, blurred"], "times",
      at_most=0.95)
claim("midpoint, 8 numbers", "The same in an 8-dimensional code, relative to midpoints in "
      "pixel space", in_features["8-dimensional code"] / in_features["pixel space"],
      "times", at_most=0.97, baseline="2-dimensional code "
      f"{in_features['2-dimensional code'] / in_features['pixel space']:.2f}")
claim("midpoint, 30 numbers", "The same in a 30-dimensional code, relative to pixel space",
      ratio, "times", at_least=0.85,
      baseline=f"{in_features['30-dimensional code']:.2f} against "
      f"{in_features['pixel space']:.2f}; deep "
      f"net {in_features['30-dimensional code, deep net']:.2f}")

# %%
K = 8
name = f"{K}-dimensional code"
net = models[name] if name in models else trained([784, 256, 128, K], nn.ReLU, 15_000, 4)
with torch.no_grad():
    midpoints = torch.sigmoid(net.decode((net.encode(a) + net.encode(b)) / 2))
of_midpoints = judge.distance(midpoints).median().item()
print(f"{name}, midpoints: feature distance {of_midpoints:.2f}")

# %%
try_it("Change `K = 8` to `K = 4` and run that cell again. What is the feature distance of "
       "the midpoints in the 4-dimensional code?", None, of_midpoints, changed=K == 4,
       says="Does it lie between those of 2 and of 8 dimensions?")

# %% [markdown]
# ## 3 · One pair, step by step

# %%
shown = (3, 0)  # the classes of the two ends
i = next((i for i, pair in enumerate(pairs) if tuple(y_test[pair].tolist()) == shown), 0)
t = torch.linspace(0, 1, 9)[:, None]
rows = {"pixel space": (1 - t) * a[i] + t * b[i]}
with torch.no_grad():
    for name, net in models.items():
        za, zb = net.encode(a[[i]]), net.encode(b[[i]])
        rows[name] = torch.sigmoid(net.decode((1 - t) * za + t * zb))
plots.images(rows, columns=[f"{100 * s:.0f} %" for s in t[:, 0].tolist()]);

# %% [markdown]
# Each row goes from one test digit (left) to another (right). In pixel space the first fades out while the second
# fades in. In the 2-dimensional code all pictures are blurred, the two ends as well. In the 30-dimensional codes the ends
# are sharp, and the digit changes quickly near the middle. There one or two pictures have short and broken strokes of both
# digits.

# %%
with torch.no_grad():
    read = judge.model(rows["8-dimensional code"]).argmax(1).tolist()
print(f"8-dimensional code, classes that the judge's classifier reads: {read}")

# %%
try_it("Change `shown = (3, 0)` to `shown = (4, 9)` and run the cells from there. How many "
       "different classes are read in the row of the 8-dimensional code now?", None,
       len(set(read)), changed=shown == (4, 9),
       says="Compare with the two classes of the ends, and look at the row again.")

# %% [markdown]
# By feature distance the popular claim held for the 2-dimensional code, although its midpoints are blurred, as its
# reconstructions are. It failed for the wide codes, which reconstruct better. A plain autoencoder is trained on the codes
# of real images only. The training loss says nothing about other codes, and most of a space of thirty dimensions is far
# from any example (unit 03). Lesson 06 adds a *prior*, which penalises gaps in the latent space, and measures how far that
# goes.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Test a measure on pictures that should fail. By pixel distance an empty picture looks real.
# - Distances between features of a classifier are harder to fool.
# - Midpoints in a 2-dimensional code resemble digits, and this code reconstructs badly. Midpoints in a 30-dimensional
#   code are about as far from real digits as double exposures.
# - The reconstruction loss does not penalise gaps in the code.
#
# **Deeper:** [03d](03d_maps.ipynb) compares maps. **Next:** [lesson 04](04_denoising.ipynb).
