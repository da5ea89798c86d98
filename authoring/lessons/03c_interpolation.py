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
# > "A step between two images must be taken in the code. There the midpoint is a real digit. In pixels it is a double
# > exposure."
#
# The diagram shows the midpoint in the code. This unit checks the claim.

# %%
x, x_test, y_test = digits.x_train, digits.x_test, digits.y_test
mean_image = x.mean(0)

# %% [markdown]
# ## 1 · A measure, and a test of it
#
# How real is a picture? A first idea is its distance to the nearest training digit, **in pixels**. We divide it by the
# median distance of test digits, so that 1 means "as near as real digits are".

# %%
known = x[:10_000]  # the training digits that are searched


def pixel_distance(images):
    return torch.cdist(images, known).amin(1).median().item()


of_real = pixel_distance(x_test[:1000])

# %% [markdown]
# Before we use it, we try it on three kinds of pictures that are no digits: a black image, the mean image, and noise.
#
# **Predict.** What is the distance of the black image, in units of the distance of real digits: about 0.8, 2 or 5?

# %%
prediction_black = None

# %%
generator = torch.Generator().manual_seed(0)
pictures = {"black image": torch.zeros(1, 784), "mean image": mean_image[None],
            "noise": torch.rand(200, 784, generator=generator)}
in_pixels = {name: pixel_distance(images) / of_real for name, images in pictures.items()}
table(["picture", "distance in pixels (real digits: 1)"], list(in_pixels.items()))

# %% [markdown]
# In pixels an **empty picture is nearer to a digit than digits are to each other**. Black has no ink in the wrong
# place. By this measure an empty picture is the most realistic one.
#
# A second idea is the same distance between **features**. A small classifier is trained with labels. Its last hidden
# layer maps an image to 64 numbers that tell the classes apart. `Judge` in the package trains this classifier (two
# convolutions, then two linear layers) and measures the distance to the nearest of 10,000 training digits between
# these 64 numbers, in units of real test digits.

# %%
judge = Judge(digits)


def realism(images):
    """Distances of images (N, 784), medians: in pixels, and in features."""
    return [pixel_distance(images) / of_real, judge.distance(images).median().item()]


judged = {name: realism(images) for name, images in pictures.items()}
table(["picture", "distance in pixels", "distance in features"],
      [["real digits", *realism(x_test[:1000])],
       *([name, *values] for name, values in judged.items())])

# %%
deceived = [name for name, (_, in_features) in judged.items() if in_features < 1.2]  # 20 %
say("In features, " + (f"the measure is deceived by: {', '.join(deceived)}."
                       if deceived else
                       "all three are clearly farther away than real digits."))

# %% [markdown]
# The features are harder to deceive by an empty picture, so the second measure may judge midpoints. It has a weakness
# of its own: it may be too kind to blurred averages. So section 2 needs a control, midpoints in pixels that are
# blurred.

# %%
try_it("Add a picture: put `\"white image\": torch.ones(1, 784)` into `pictures` "
       "above, and run the cells from there. What is its distance in pixels?",
       None, realism(torch.ones(1, 784))[0], changed="white image" in pictures,
       says="White has ink in nearly all wrong places.")

# %%
claim("empty picture", "Distance of the black image to the nearest digit, in pixels",
      judged["black image"][0], "of real digits'", at_most=1,
      baseline=f"in features {judged['black image'][1]:.2f}")
claim("empty picture, features", "The same in features", judged["black image"][1],
      "of real digits'", at_least=1.2)

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


models = {f"code of {k}": trained([784, 256, 128, k], nn.ReLU, 15_000, 4)
          for k in (2, 8, 30)}
models["code of 30, deep net"] = trained([784, 1000, 500, 250, 30], nn.SiLU, 20_000, 4)

# %% [markdown]
# **Predict.** Take the distance to real digits in features. What is the distance of midpoints in the code of 30,
# divided by that of midpoints in pixels: about 0.5, 0.75, 1 or 1.5?

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
middle, back = {"pixels": (a + b) / 2}, {"pixels": a}
middle["pixels, blurred"], back["pixels, blurred"] = blurred(middle["pixels"]), blurred(a)
with torch.no_grad():
    for name, net in models.items():
        middle[name] = torch.sigmoid(net.decode((net.encode(a) + net.encode(b)) / 2))
        back[name] = torch.sigmoid(net(a))

# %%
distance = {name: realism(images) for name, images in middle.items()}
in_features = {name: values[1] for name, values in distance.items()}
ends = {name: judge.distance(images).median().item() for name, images in back.items()}
table(["code", "midpoints, in pixels", "midpoints, in features",
       "reconstructions, in features", "reconstructions, squared error"],
      [[name, *distance[name], ends[name],
        losses.squared_error(back[name], a).mean().item()] for name in middle])

# %%
some = range(10)
plots.images({"image a": a[some], "image b": b[some],
              **{f"midpoint, {name}": images[some] for name, images in middle.items()}});

# %% [markdown]
# Compare two columns first. Midpoints in the code of two are in features about as near to real digits as the
# reconstructions are. Blur alone does not explain it, since the blurred midpoints in pixels are farther away. But
# this code reconstructs badly (last column). The codes of thirty reconstruct better, and their midpoints are about as
# far away as those in pixels. The code of eight lies in between. (In pixels all codes come out better than pixels.
# Section 1 showed how little that means.)
#
# The pictures show the same. In pixels two grey digits lie over each other. In the code of two most pictures look
# like a blurred digit, often of a third class. In the codes of thirty there are no grey layers, but many pictures are
# made of broken strokes of both digits.

# %%
claim("midpoint, 2 numbers",
      "Distance of midpoints in a code of 2 to real digits, in features",
      in_features["code of 2"], "of real digits'", at_most=0.9 * in_features["pixels"],
      baseline=f"midpoints in pixels {in_features['pixels']:.2f}")
claim("midpoint, blur", "The same, relative to blurred midpoints in pixels",
      in_features["code of 2"] / in_features["pixels, blurred"], "times", at_most=0.95)
claim("midpoint, 8 numbers", "The same in a code of 8 numbers, relative to midpoints in "
      "pixels", in_features["code of 8"] / in_features["pixels"], "times", at_most=0.97,
      baseline=f"code of 2 {in_features['code of 2'] / in_features['pixels']:.2f}")
claim("midpoint, 30 numbers", "The same in a code of 30 numbers, relative to pixels",
      in_features["code of 30"] / in_features["pixels"], "times", at_least=0.85,
      baseline=f"{in_features['code of 30']:.2f} against {in_features['pixels']:.2f}; deep "
      f"net {in_features['code of 30, deep net']:.2f}")

# %% [markdown]
# ## 3 · One pair, step by step

# %%
shown = (3, 0)  # the classes of the two ends
i = next(i for i, pair in enumerate(pairs) if tuple(y_test[pair].tolist()) == shown)
t = torch.linspace(0, 1, 9)[:, None]
rows = {"pixels": (1 - t) * a[i] + t * b[i]}
with torch.no_grad():
    for name, net in models.items():
        za, zb = net.encode(a[[i]]), net.encode(b[[i]])
        rows[name] = torch.sigmoid(net.decode((1 - t) * za + t * zb))
plots.images(rows, columns=[f"{100 * s:.0f} %" for s in t[:, 0].tolist()]);

# %% [markdown]
# Each row goes from one test digit (left) to another (right). In pixels the first fades out while the second fades
# in. In the code of two all pictures are blurred, the two ends as well. In the codes of thirty the ends are sharp,
# and the digit changes quickly near the middle. There one or two pictures have short and broken strokes of both
# digits.

# %%
with torch.no_grad():
    read = judge.model(rows["code of 8"]).argmax(1)  # the class of each picture
try_it("Which classes does the judge's classifier read along the row of the code of 8? "
       "Print `read`. How many different classes are there?", None, len(set(read.tolist())),
       says="Compare with the two classes of the ends, and look at the row again.")

# %% [markdown]
# So the popular claim held for the narrowest code, which reconstructs badly, and failed for the wide ones, which
# reconstruct better. A plain autoencoder is trained on the codes of real images only. What the decoder makes of other
# codes is left to chance, and most of a space of thirty dimensions is far from any example (unit 03). Lesson 06 adds
# a *prior*, which asks for a code without gaps, and measures how far that goes.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %%
ratio = in_features["code of 30"] / in_features["pixels"]
score([("distance of the black image in pixels", prediction_black,
        judged["black image"][0]),
       ("distance of midpoints in a code of 30, relative to pixels", prediction_midpoint,
        ratio)])

# %% [markdown]
# ## 5 · What to keep
#
# - Test a measure on pictures that should fail. In pixels an empty picture looks real.
# - Distances between features of a classifier are harder to deceive.
# - Midpoints in a code of two resemble digits, and this code reconstructs badly. Midpoints in a code of thirty are
#   about as far from real digits as double exposures.
# - Reconstruction does not ask for a code without gaps.
#
# **Deeper:** [03d](03d_maps.ipynb) compares maps and unrolls a roll. **Next:** [lesson 04](04_denoising.ipynb).
