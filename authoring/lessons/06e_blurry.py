# %% [markdown]
# # 06e · Why are samples of a VAE blurry?
#
# **Promise.** You will find out what the pictures of a VAE really show, derive what its decoder learns, and test
# which part of the model is the cause.
#
# **After this unit you can**
# 1. tell a sample of the model from its mean;
# 2. derive the best output of a decoder for a code;
# 3. say which part of the model makes the pictures blurry.
#
# **Before it:** unit 06. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import torch
from torch.distributions import Normal
from torch.nn import functional as F

from aecourse import data, diagrams, plots, vae, widgets
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import begin_at_mean
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("06", digits.name)

# %%
diagrams.flow({"p": (0, 0.5, "prior", plots.YELLOW),
               "z": (1.1, 0.5, "code $z$", plots.GREEN),
               "m": (2.9, 0.5, "probabilities $p_i(z)$\nof the pixels", plots.SKY),
               "s": (5, 1, "a sample: pixels 0 or 1", plots.ORANGE),
               "f": (5, 0, "what papers show:\nthe probabilities as grey")},
              {("p", "z"): "", ("z", "m"): "decoder", ("m", "s"): "", ("m", "f"): ""},
              size=(11, 2.6));

# %% [markdown]
# A decoder gives probabilities. From there, two ways lead to a picture.
#
# ## 1 · Samples and means
#
# To generate an image, the model samples a code, and then **each pixel by itself** with its probability. This is the
# meaning of the likelihood $p(x \mid z) = \prod_i p(x_i \mid z)$: given the code, the pixels are independent. The
# pictures in papers, and in unit 06, are not samples. They show the probabilities, the **mean** of all images that the
# model gives for this code.
#
# We train a VAE and look at both, next to test images that were made binary in the way of the training images.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, more = digits.x_train[train], 3 if digits.name == "strokes" else 1
generator = torch.Generator().manual_seed(3)
b_test = data.binarised(digits.x_test[:1000], generator)
model = vae.new([784, 200, 200, 50], x)
fit(model, (x,), vae.negative_elbo(), epochs=8 * more, batch=128, lr=3e-3, one_cycle=True)

# %%
z = torch.randn(200, 50, generator=generator)
with torch.no_grad():
    probabilities = torch.sigmoid(model.decode(z))  # (200, 784), means of p(x|z)
pixels = data.binarised(probabilities, generator)  # samples of p(x|z)
plots.images({"means": probabilities[:10], "samples of p(x | z)": pixels[:10],
              "binary test images": b_test[:10]}, zoom=0.8);

# %% [markdown]
# The means are smooth and look blurry. The samples are as black and white as the data, but their edges are ragged, and
# single white pixels stand apart.
#
# How ragged? A white pixel is *lonely* if at most one of its eight neighbours is white.
#
# **Predict.** How many times more often is a white pixel lonely in the samples than in the binary test images?

# %%
prediction_lonely = None

# %%
def lonely(images):  # binary (N, 784) → per cent of the white pixels
    pictures = images.view(-1, 1, 28, 28)
    neighbours = F.conv2d(pictures, torch.ones(1, 1, 3, 3), padding=1) - pictures
    return 100 * (pictures * (neighbours <= 1)).sum().item() / pictures.sum().item()


by_pixels = {"binary test images": lonely(b_test), "samples of p(x | z)": lonely(pixels)}
table(["images", "lonely white pixels (%)"], list(by_pixels.items()))
ratio = by_pixels["samples of p(x | z)"] / by_pixels["binary test images"]
score([("lonely pixels, samples over test images", prediction_lonely, ratio)])

# %%
claim("ragged", "Lonely white pixels in samples of p(x | z) over those in test images",
      ratio, "times", at_least=1.2, baseline=f"test images "
      f"{by_pixels['binary test images']:.2f} %")

# %% [markdown]
# This follows from the model: given the code, its pixels are independent. Where it is uncertain whether an edge is here
# or one pixel further, it gives both pixels a probability of a half, and a sample throws a coin for each.
#
# Could we show the more probable value of each pixel? That is sharp, but it is not the model.

# %%
cut = 0.5  # white where the probability is larger
ink = ((probabilities > cut).float().mean() / probabilities.mean()).item()
print(f"cut {cut}: {ink:.2f} times the ink of the model's samples")

# %%
try_it("Change `cut = 0.5` to `cut = 0.2`. How many times the ink is it now?", None, ink,
       changed=cut == 0.2, says="The picture depends on the cut, so it is our choice.")

# %% [markdown]
# ## 2 · What the decoder learns
#
# What is the best output $p(z)$ of a decoder for one code $z$? Take one pixel, and let the decoder be free at every
# $z$. The loss of the training images, with $q_n = q(z \mid x_n)$:
#
# $$\begin{aligned}
# L(p) &= -\textstyle\sum_n q_n \big[ x_n \log p + (1 - x_n) \log (1 - p) \big] && \text{what } z \text{ contributes to the loss} \\
# \frac{dL}{dp} &= -\textstyle\sum_n q_n\, \dfrac{x_n - p}{p\, (1 - p)} && \text{the derivative, on one denominator} \\
# 0 &= \textstyle\sum_n q_n x_n - p \sum_n q_n && \text{at the minimum} \\
# p &= \textstyle\sum_n q_n x_n \big/ \sum_n q_n && \text{a weighted mean of images}
# \end{aligned}$$
#
# The same holds for a Gaussian likelihood (squared error), where $dL/dp$ has another denominator. **The best output is
# the mean of the training images whose code could be $z$**, each weighted by $q(z \mid x_n)$. The mean of images that
# differ is blurry.
#
# We compute this mean for the two-dimensional code of unit 06, at ten places of the prior, and compare it with the
# decoder's output.

# %%
flat = vae.new([784, 300, 300, 2], x)
fit(flat, (x,), vae.negative_elbo(), epochs=3 * more, batch=128, lr=3e-3, one_cycle=True)
few = x[:15_000]
with torch.no_grad():
    mu, logvar = flat.encode(data.binarised(few, generator))  # (15000, 2) each


def weights(point):  # (2,) → the normalised q(z | x_n), (15000,)
    log_q = Normal(mu, (logvar / 2).exp()).log_prob(point).sum(1)
    return torch.softmax(log_q, 0)

# %% [markdown]
# **Predict.** At the point (0, 0), how many of the training images (15,000 on MNIST) together have half of the weight?

# %%
prediction_half = None

# %%
def for_half(point):  # how many images have half of the weight
    return int((weights(point).sort(descending=True).values.cumsum(0) < 0.5).sum()) + 1


places = torch.randn(10, 2, generator=torch.Generator().manual_seed(5))
with torch.no_grad():
    decoded = torch.sigmoid(flat.decode(places))  # (10, 784)
mean_of_images = torch.stack([weights(place) @ few for place in places])  # (10, 784)
likely = torch.stack([few[weights(place).argmax()] for place in places])
plots.images({"decoder": decoded, "weighted mean": mean_of_images,
              "largest weight": likely}, zoom=0.8)
at_origin = for_half(torch.zeros(2))
score([("images with half of the weight at (0, 0)", prediction_half, at_origin)])

# %% [markdown]
# The first two rows are nearly the same pictures, and the same blur. The last row has, for each place, the one image
# with the largest weight: it is sharp, and often differs from the mean.

# %%
to_mean = (decoded - mean_of_images).square().sum(1).mean()
to_one = (decoded - likely).square().sum(1).mean()
claim("weighted mean", "Squared distance of the decoder's output to the weighted mean of "
      "training images, over that to the image with the largest weight", to_mean / to_one,
      "times", at_most=0.6,
      baseline=f"images with half of the weight at (0, 0): {at_origin}")

# %%
place = (0.0, 0.0)
count = for_half(torch.tensor(place))
print(f"at {place}: {count} images have half of the weight")

# %%
try_it("Change `place = (0.0, 0.0)` to `place = (2.5, 2.5)`, far out. How many images have "
       "half of the weight there?", None, count, changed=place == (2.5, 2.5))

# %% [markdown]
# ### Move it yourself
#
# The sliders work in a running notebook. Left is the decoder's output, right the weighted mean, at a place of your
# choice.

# %%
def at(first, second):
    point = torch.tensor([first, second])
    with torch.no_grad():
        output = torch.sigmoid(flat.decode(point[None]))  # (1, 784)
    return plots.images({"": torch.cat([output, (weights(point) @ few)[None]])},
                        columns=["decoder", "weighted mean"], zoom=1.8)


steps = [v / 4 for v in range(-12, 13)]
widgets.sliders(at, {"first number": (steps, 1.0), "second number": (steps, -0.5)})

# %% [markdown]
# The two pictures change together. Cross the border between two digits slowly: the digit does not jump, it changes
# gradually.
#
# So a decoder is blurry where different images share a code. A code with more information is shared by fewer images.
# This is why a tiny β reconstructs more sharply (unit 06b). But then the prior is left empty.
#
# ## 3 · The same code, another likelihood
#
# If the *code* were the cause, no other likelihood could help. So we keep prior and encoder, and change only the
# likelihood. `vae.SeeingVAE` gives each pixel a probability that depends on the code **and on the pixels before it**,
# above it and left of it in its row: $p(x \mid z) = \prod_i p(x_i \mid x_1, \dots, x_{i-1}, z)$. A small convolution,
# whose weights for later pixels are masked out, sees them. So the model can continue an edge that began one pixel to
# the left.

# %%
with seeded(0):
    seeing = begin_at_mean(vae.SeeingVAE([784, 400, 20]), x)
fit(seeing, (x[:10_000],), vae.negative_elbo_seeing(), epochs=3, batch=128, lr=3e-3,
    one_cycle=True)
z_seeing = torch.randn(100, 20, generator=generator)

# %% [markdown]
# **Predict.** Are its samples **more** or **less** ragged than those of section 1? Type `"more"` or `"less"`.

# %%
prediction_seeing = None

# %%
drawn = seeing.sample(z_seeing, generator)  # (100, 784), pixel by pixel
by_pixels["samples, decoder that sees"] = lonely(drawn)
table(["images", "lonely white pixels (%)"], list(by_pixels.items()))
plots.images({"independent pixels": pixels[:10], "decoder that sees": drawn[:10],
              "binary test images": b_test[:10]}, zoom=0.8)
score([("more or less ragged", prediction_seeing, "less" if lonely(drawn) < lonely(pixels)
        else "more")])

# %%
claim("seeing is sharper", "Lonely white pixels in samples of the decoder that sees "
      "pixels, over those of independent pixels", lonely(drawn) / lonely(pixels), "times",
      at_most=0.9)

# %% [markdown]
# The edges are cleaner than those of independent pixels. Prior, encoder and the number of units are of the same kind as
# before. So it is the likelihood that made the pictures blurry: it treats pixels as independent, and we showed its
# mean. (Not all samples are digits: this network was trained briefly, and it sees only a few pixels around each place.)
#
# Unit 06ba shows the price: a decoder that sees pixels uses its code less.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Pictures of a VAE are means of $p(x \mid z)$. Samples are as sharp as the data, but ragged, since their pixels are
#   independent.
# - The best output for a code is the weighted mean of the training images that share it.
# - A likelihood that connects pixels gives cleaner samples from the same kind of code.
#
# **Next:** [lesson 07](07_semi.ipynb), learning from few labels.
#
# ### Papers
# - A. van den Oord and others (2016). *Conditional image generation with PixelCNN decoders.* NeurIPS.
# - I. Gulrajani and others (2017). *PixelVAE: a latent variable model for natural images.* ICLR.
