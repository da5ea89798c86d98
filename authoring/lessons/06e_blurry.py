# %% [markdown]
# # 06e · Why are samples of a VAE blurry?
#
# **Promise.** You will find out what the pictures of a VAE really show, derive what its decoder learns, and test
# what another likelihood changes.
#
# **After this unit you can**
# 1. tell a sample of the model from its mean;
# 2. derive the best output of a decoder for a code;
# 3. say what the code has to do with the blur, and the likelihood with ragged samples.
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
               "f": (5, 0, "what most figures show:\nthe probabilities as grey")},
              {("p", "z"): "", ("z", "m"): "decoder", ("m", "s"): "", ("m", "f"): ""},
              size=(11, 2.6));

# %% [markdown]
# A decoder gives probabilities. Two kinds of picture can be made from them.
#
# ## 1 · Samples and means
#
# To generate an image, the model samples a code, and then **each pixel by itself** with its probability. This is the
# meaning of the likelihood $p(x \mid z) = \prod_i p(x_i \mid z)$: given the code, the pixels are independent. The
# pictures in most papers, and in unit 06, are not samples. They show the probabilities, which are the **mean** of
# $p(x \mid z)$ for this code.
#
# We train a VAE and look at both, next to test images that were made binary like the training images.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, more = digits.x_train[train], 3 if digits.name == "strokes" else 1
b_test = data.binarised(digits.x_test[:1000], torch.Generator().manual_seed(3))

# %%
model = vae.new([784, 200, 200, 50], x)
fit(model, (x,), vae.negative_elbo(), epochs=8 * more, batch=128, lr=3e-3, one_cycle=True);

# %%
generator = torch.Generator().manual_seed(4)
z = torch.randn(200, 50, generator=generator)
with torch.no_grad():
    probabilities = torch.sigmoid(model.decode(z))  # (200, 784), means of p(x|z)
pixels = data.binarised(probabilities, generator)  # samples of p(x|z)

# %%
plots.images({"means": probabilities[:10], "samples of p(x | z)": pixels[:10],
              "binary test images": b_test[:10]}, zoom=0.8);

# %% [markdown]
# The means are smooth and look blurry. The samples are black and white like the data, but their edges are ragged, and
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

# %%
by_pixels = {"binary test images": lonely(b_test), "samples of p(x | z)": lonely(pixels)}
table(["images", "lonely white pixels (%)"], list(by_pixels.items()))
ratio = by_pixels["samples of p(x | z)"] / by_pixels["binary test images"]
score([("lonely pixels, samples over test images", prediction_lonely, ratio)])

# %%
claim("ragged", "Lonely white pixels in samples of p(x | z) over those in test images",
      ratio, "times", at_least=2, baseline=f"test images "
      f"{by_pixels['binary test images']:.2f} %")

# %% [markdown]
# The reason is in the model: given the code, its pixels are independent. Suppose that the code leaves open whether an
# edge is here or one pixel further. Then the pixel between has a probability near a half, and so have its neighbours
# along the edge. A sample decides each of them by itself.
#
# (The more probable value of each pixel would make a sharp picture, too. But it is one fixed picture for each code, and not
# a sample of the model.)
#
# ## 2 · What the decoder learns
#
# What is the best output of a decoder for one code $z$? The loss is, as a mean over the training images $n$,
#
# $$\textstyle \frac1N \sum_n \Big( \int q(z \mid x_n) \big[ -\log p(x_n \mid z) \big]\, dz + \operatorname{KL}_n \Big) .$$
#
# The decoder's output at one $z$ enters the integrals at this $z$ only, and it does not enter the KL. So we minimise the
# sum of the integrands there (the factor $1/N$ changes nothing). Take one pixel. Let $p$ be its probability at $z$, and
# suppose that the decoder can choose it freely for each $z$. Here $x_n$ is the pixel of image $n$, 0 or 1, and $q_n = q(z
# \mid x_n)$:
#
# $$\begin{aligned}
# L(p) &= -\textstyle\sum_n q_n \big[ x_n \log p + (1 - x_n) \log (1 - p) \big] && \text{the integrands, for one pixel} \\
# \frac{dL}{dp} &= -\textstyle\sum_n q_n \Big[ \dfrac{x_n}{p} - \dfrac{1 - x_n}{1 - p} \Big] && \text{the derivative} \\
# &= -\textstyle\sum_n q_n\, \dfrac{x_n - p}{p\, (1 - p)} && \text{one denominator; } x_n (1 - p) - (1 - x_n)\, p = x_n - p \\
# 0 &= \textstyle\sum_n q_n x_n - p \sum_n q_n && \text{at the minimum } dL/dp = 0 \text{; times } -p\, (1 - p) \\
# p &= \textstyle\sum_n q_n x_n \big/ \sum_n q_n && \text{a weighted mean of images}
# \end{aligned}$$
#
# ($L$ is convex in $p$, so this is its minimum.) A Gaussian likelihood (squared error) gives the same mean, since there
# $dL/dp$ is a multiple of $\sum_n q_n (p - x_n)$. **The best output is the mean of the training images whose code could
# be $z$**, each weighted by $q(z \mid x_n)$. The mean of images that differ is blurry.
#
# We compute this mean for a two-dimensional code like that of unit 06, at ten samples from the prior, and compare it
# with the decoder's output. (We use 15,000 training images. The code is that of one binary version of each; in
# the mean we take the grey image, which is the mean of its binary versions. This is an approximation.)

# %%
flat = vae.new([784, 300, 300, 2], x)
fit(flat, (x,), vae.negative_elbo(), epochs=3 * more, batch=128, lr=3e-3, one_cycle=True)
few = x[:15_000]
with torch.no_grad():
    b_few = data.binarised(few, torch.Generator().manual_seed(7))
    mu, logvar = flat.encode(b_few)  # (15000, 2) each


def weights(point):  # (2,) → the normalised q(z | x_n), (15000,)
    log_q = Normal(mu, (logvar / 2).exp()).log_prob(point).sum(1)
    return torch.softmax(log_q, 0)

# %% [markdown]
# **Predict.** Take the images with the largest weights at the point (0, 0). How many of the 15,000 have half of the weight
# together? Type `"one"`, `"tens"` (2 to 99), `"hundreds"` or `"thousands"`.

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

# %%
amount = ("one" if at_origin == 1 else "tens" if at_origin < 100 else
          "hundreds" if at_origin < 1000 else "thousands")
score([("images with half of the weight at (0, 0)", prediction_half, amount)])

# %% [markdown]
# The first two rows are nearly the same pictures, with the same blur. The last row has, for each place, the one image
# with the largest weight. It is sharp, and it often differs from the mean. At (0, 0), half of the weight is
# shared by many images, though by less than 1 % of the 15,000.

# %%
to_mean = (decoded - mean_of_images).square().sum(1).mean()
to_one = (decoded - likely).square().sum(1).mean()
claim("weighted mean", "Squared distance of the decoder's output to the weighted mean of "
      "training images, over that to the image with the largest weight", to_mean / to_one,
      "times", at_most=0.25,
      baseline=f"images with half of the weight at (0, 0): {at_origin}")

# %%
place = (0.0, 0.0)
count = for_half(torch.tensor(place))
print(f"at {place}: {count} images have half of the weight")

# %%
try_it("Change `place = (0.0, 0.0)` to `place = (2.5, 2.5)`, far out. How many images have "
       "half of the weight there?", None, count, changed=place == (2.5, 2.5),
       says=f"At (0, 0) they are {at_origin}. The fewer images share a place, the "
       "less the mean averages.")

# %% [markdown]
# ### Move it yourself
#
# The sliders work in a running notebook. On the left is the decoder's output, on the right the weighted mean, at a place
# of your choice. Cross the border between two digits slowly. Does the digit change gradually, or does it jump?

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
# The two pictures change together, gradually and without a jump.
#
# So the means are blurry where different images share a code. A code with more information is shared by fewer images.
# This is why reconstructions with a tiny β are sharper (unit 06b). But then few codes of images lie where the prior has
# its samples (unit 06c).
#
# ## 3 · The same widths, another likelihood
#
# A code leaves details open, and the likelihood fills them in. So far it fills in each pixel by itself. Now we keep the
# prior, the widths of encoder and decoder, the training images and the number of epochs, and change only the likelihood.
# `vae.SeeingVAE` gives each pixel a probability that depends on the code **and on the pixels before it**, above it and
# left of it in its row: $p(x \mid z) = \prod_i p(x_i \mid x_1, \dots, x_{i-1}, z)$, as in PixelVAE (Gulrajani and others
# 2017). A small convolution, whose weights for later pixels are masked out, sees them.

# %%
plain = vae.new([784, 400, 20], x)  # independent pixels
with seeded(0):
    seeing = begin_at_mean(vae.SeeingVAE([784, 400, 20]), x)
logs = [fit(network, (x[:10_000],), loss, epochs=3, batch=128, lr=3e-3, one_cycle=True)
        for network, loss in ((plain, vae.negative_elbo(warm_up=0)),
                              (seeing, vae.negative_elbo_seeing()))]

# %%
generator_3 = torch.Generator().manual_seed(13)
z_both = torch.randn(100, 20, generator=generator_3)  # the same codes for both
with torch.no_grad():
    means_plain = torch.sigmoid(plain.decode(z_both))  # (100, 784)
pixels_plain = data.binarised(means_plain, generator_3)
pixels_seeing = seeing.sample(z_both, generator_3)  # (100, 784), pixel by pixel
apart = lonely(pixels_plain)
print(f"independent pixels, codes from the prior: {apart:.1f} % lonely white pixels")

# %% [markdown]
# **Predict.** What percentage of the white pixels is lonely in the samples of the decoder that sees? (Binary test images
# have less than 1 %.)

# %%
prediction_seeing = None

# %%
connected = lonely(pixels_seeing)
table(["images", "lonely white pixels (%)", "KL in the last epoch (nats)"],
      [["independent pixels", apart, logs[0].train["KL"][-1]],
       ["decoder that sees", connected, logs[1].train["KL"][-1]],
       ["binary test images", lonely(b_test), None]])

# %%
plots.images({"independent pixels": pixels_plain[:10], "decoder that sees":
              pixels_seeing[:10], "binary test images": b_test[:10]}, zoom=0.8)
score([("lonely, decoder that sees (%)", prediction_seeing, connected)])

# %%
claim("seeing is sharper", "Lonely white pixels in samples of the decoder that sees "
      "pixels, over those of independent pixels", connected / apart, "times",
      at_most=0.6)

# %% [markdown]
# The strokes hold together better than with independent pixels: this model can continue an edge that began one pixel to
# the left. The prior and the widths are the same, so the likelihood matters. It is not all that matters: the first model of
# section 1, with independent pixels too, has fewer lonely pixels than the one here. It is a larger network, with
# more training images and more epochs. We have not tested which of these counts.
#
# And the blur? That is about the **mean** of $p(x \mid z)$. With independent pixels it is the decoder's output. With a
# decoder that sees, we take the mean of 50 samples of one code.

# %%
chosen = 0  # which of the codes in z_both
many = seeing.sample(z_both[chosen].repeat(50, 1), torch.Generator().manual_seed(14))
varied = many.var(0, correction=0).sum().item()  # (50, 784): over the samples
varied_plain = (means_plain[chosen] * (1 - means_plain[chosen])).sum().item()
plots.images({"": torch.stack([means_plain[chosen], many.mean(0), *many[:4]])},
             columns=["independent,\nmean", "sees, mean", *["sees, sample"] * 4], zoom=1.2)
print(f"code {chosen}: variance, summed over the pixels: independent {varied_plain:.1f}, "
      f"decoder that sees {varied:.1f}")

# %%
try_it("Change `chosen = 0` to `chosen = 1`, another code. What is the variance of the "
       "decoder that sees now?", None, varied, changed=chosen == 1,
       says="A variance of 0 would mean that the code decides every pixel. Then the mean "
       "would not be blurry.")

# %% [markdown]
# With both likelihoods, the mean is an average over what the code leaves open. On MNIST, both means of the first code are
# blurry, and the pixels vary more around the mean of the decoder that sees. So there the other likelihood helped the
# samples, and not the mean. With this decoder we need not show the mean: its samples hold together better.
#
# Few of these samples are digits. Both networks were trained briefly, and the decoder that sees knows only a few pixels
# around each place. The table shows a price, too: its KL term is smaller, so it uses its code less. Unit 06ba is about
# this.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Pictures of a VAE are usually means of $p(x \mid z)$. Samples are black and white like the data, but ragged, since
#   their pixels are independent.
# - The best output for a code is the weighted mean of the training images that share it.
# - A likelihood that connects pixels gives less ragged samples. In our test its code is used less, and
#   its mean is no sharper (one code, MNIST).
#
# **Next:** [lesson 07](07_semi.ipynb), learning from few labels.
#
# ### Papers
# - A. van den Oord and others (2016). *Conditional image generation with PixelCNN decoders.* NeurIPS.
# - I. Gulrajani and others (2017). *PixelVAE: a latent variable model for natural images.* ICLR.
