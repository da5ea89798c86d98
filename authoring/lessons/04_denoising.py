# %% [markdown]
# # 04 · Denoising
#
# **Promise.** You will train a network to remove noise from images, compare it with filters at their best settings, and
# find out which images it helps.
#
# **After this unit you can** corrupt images in three ways; measure a denoiser in decibels; write and train a denoising
# autoencoder; say for which noise a trained denoiser works.
#
# **Before it:** lesson 02 (the autoencoder, `fit`, validation images).
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import numpy as np
import torch
from scipy.ndimage import gaussian_filter, median_filter
from torch import nn

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)

# %%
diagrams.flow({"x": (0, 0, "clean image $x$", plots.SKY),
               "n": (1.4, 0, "$\\tilde x = x$ + noise", plots.YELLOW),
               "net": (2.9, 0, "autoencoder", plots.ORANGE),
               "y": (4.2, 0, "output $\\hat x$", plots.SKY),
               "l": (2.9, 1, "loss  $\\| \\hat x - x \\|^2$")},
              {("x", "n"): "", ("n", "net"): "", ("net", "y"): "", ("y", "l"): "",
               ("x", "l"): ""}, size=(9.5, 2.4));

# %% [markdown]
# The network sees only the noisy image. The loss compares its output with the clean one.
#
# ## 1 · Corrupt an image
#
# An autoencoder whose code is as wide as its input can copy its input and need not learn anything about digits (lesson
# 02). A narrow code prevents this. Here is another way: **corrupt the input and ask for the clean image**. A copy of
# the input is then a wrong answer, whatever the width of the code (unit 04d tests this). This is a **denoising
# autoencoder** (Vincent and others 2008).
#
# Three corruptions are common. Each function creates *new* noise at every call, from the generator that it is given.
# With noise fixed once for each image, the network could memorise the pairs.

# %%
def gaussian(x, sigma, generator):  # x: (B, 784)
    return x + sigma * torch.randn(x.shape, generator=generator, device=x.device)


def masking(x, share, generator):  # a share of the pixels becomes black
    return x * (torch.rand(x.shape, generator=generator) >= share)


def salt_and_pepper(x, share, generator):  # black or white, with equal probability
    u = torch.rand(x.shape, generator=generator)
    return torch.where(u < share / 2, 0.0, torch.where(u > 1 - share / 2, 1.0, x))

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_val = digits.x_train[train], digits.x_train[valid][:500]
x_test, y_test = digits.x_test[:1000], digits.y_test[:1000]
ten = plots.first_of_each(y_test)
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
generator = torch.Generator().manual_seed(0)
plots.images({"clean": x_test[ten],
              "Gaussian, σ = 0.5": gaussian(x_test[ten], 0.5, generator),
              "masking, 50 %": masking(x_test[ten], 0.5, generator),
              "salt and pepper, 25 %": salt_and_pepper(x_test[ten], 0.25, generator)});

# %% [markdown]
# You can still read most of these digits, so the information is there. From here on this unit uses Gaussian noise.
# Unit 04a takes up salt and pepper, unit 04c masking.
#
# We do **not** clip the noisy images to $[0, 1]$; the picture only shows values below 0 as black and above 1 as white.
# Clipped noise is no longer Gaussian, and unit 04b needs noise that is.
#
# ### A measure: PSNR
#
# The **peak signal-to-noise ratio** is the mean squared error per pixel on a logarithmic scale, in decibels (dB), with
# white = 1 as the peak:
#
# $$\text{PSNR} = -10 \log_{10} \Big( \frac{1}{784} \sum_{i=1}^{784} (\hat x_i - x_i)^2 \Big) .$$
#
# More is better. Ten decibels more mean a tenth of the error; three mean about half of it.

# %%
def psnr(x_hat, x):  # (N, 784) and (N, 784) → (N,), in dB
    return -10 * (x_hat.clamp(0, 1) - x).square().mean(1).log10()

# %%
noisy = gaussian(x_test, 0.5, torch.Generator().manual_seed(1))  # (1000, 784)
clipped = psnr(noisy, x_test).mean().item()
unclipped = -10 * (noisy - x_test).square().mean(1).log10().mean().item()
table(["the noisy test images", "PSNR (dB)"],
      [["as they are", unclipped], ["clipped to [0, 1]", clipped]])

# %% [markdown]
# The same images have two PSNRs. Most pixels of a digit are black, and clipping alone removes half of their noise. So
# a fair comparison clips every result: `psnr` does it. Below we always give the mean of the images' PSNRs.

# %%
expected = -20 * np.log10(0.5)  # −10 log₁₀ σ², since the mean squared error is σ²
claim("noise", "PSNR of images with Gaussian noise, σ = 0.5, not clipped",
      unclipped, "dB", near=expected, within=0.05,
      baseline=f"clipped to [0, 1] {clipped:.2f}; −20 log₁₀ 0.5 = {expected:.2f}")

# %%
strength = 0.5  # σ of the noise
tried = gaussian(x_test, strength, torch.Generator().manual_seed(1))
of_tried = -10 * (tried - x_test).square().mean(1).log10().mean().item()
print(f"σ = {strength}: {of_tried:.1f} dB as they are")

# %%
try_it("Change `strength = 0.5` until the images have 20.0 dB as they are. Which σ is it?",
       None, strength * 10 ** ((of_tried - 20) / 20), changed=strength != 0.5,
       hint="Does more noise mean more decibels, or fewer?",
       says="How does this σ follow from the formula of the PSNR?")

# %% [markdown]
# ## 2 · Filters at their best
#
# An honest comparison gives the other side its best settings. Two classic filters need no training. The **Gaussian
# filter** replaces each pixel by a weighted mean of its neighbourhood, the **median filter** by the median of a square
# of pixels. Each has one setting: the width. We try several on noisy *validation* images and keep the one whose PSNR is
# largest.

# %%
def mean_filter(images, width):  # images: (N, 28, 28)
    # standard deviations in pixels: 0 across images, width across rows and columns
    return gaussian_filter(images, (0, width, width))


def square_median(images, side):
    return median_filter(images, (1, side, side))  # a square of side × side pixels


filters = {"Gaussian filter": (mean_filter, (0.4, 0.6, 0.8, 1.0, 1.2)),
           "median filter": (square_median, (3, 5, 7))}

# %%
def apply(function, noisy, setting):  # (N, 784) → (N, 784)
    stack = noisy.numpy().reshape(-1, 28, 28)
    return torch.from_numpy(function(stack, setting)).float().reshape(-1, 784)

# %% [markdown]
# **Predict.** The noisy images, σ = 0.5, have about 9 dB after clipping. How many decibels will the best filter reach?

# %%
prediction_filter = None

# %%
noisy_val = gaussian(x_val, 0.5, torch.Generator().manual_seed(2))
results = {"noisy": noisy}  # method → its output for the noisy test images
for name, (function, settings) in filters.items():
    found = [psnr(apply(function, noisy_val, s), x_val).mean().item() for s in settings]
    best = settings[int(np.argmax(found))]
    results[name] = apply(function, noisy, best)
    print(f"{name}: best setting {best}, on test images "
          f"{psnr(results[name], x_test).mean():.1f} dB")
best_filter = max(psnr(results[name], x_test).mean().item() for name in filters)
score([("best filter (dB)", prediction_filter, best_filter)])

# %% [markdown]
# Both filters remove much of the noise. Is it fair to take any setting of a filter?

# %%
width = 1.0
of_width = psnr(apply(mean_filter, noisy, width), x_test).mean().item()
print(f"Gaussian filter, width {width}: {of_width:.1f} dB")

# %%
try_it("Change `width = 1.0` to `width = 0.4`. How many decibels has the filter now?",
       None, of_width, changed=width == 0.4,
       says="How good would a network look in comparison with such a filter?")

# %% [markdown]
# Filters know that neighbouring pixels resemble each other. They do not know what a
# digit looks like.
#
# ## 3 · The denoising autoencoder
#
# Its loss is that of lesson 02 with one change: the network sees $\tilde x$, and the target is $x$. Two details of the
# network are new. A **sigmoid** at the end keeps its outputs between 0 and 1. **SiLU**, $a \cdot \text{sigmoid}(a)$,
# is a smooth ReLU. The function `he` sets the initial weights so that the network starts close to the mean training
# image (unit 03b studies this), so a short training gets further.

# %%
def dense(widths):
    with seeded(0):
        return nn.Sequential(he(Autoencoder(widths, nn.SiLU), x), nn.Sigmoid())

# %% [markdown]
# First the training loop by hand, for a part of the images:

# %%
net = dense([784, 512, 128])  # latent dimension 128
optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
noise = torch.Generator().manual_seed(0)
for batch in x[:10_000].split(128):  # (128, 784)
    x_hat = net(gaussian(batch, 0.5, noise))  # new noise for each batch
    loss = (x_hat - batch).square().sum(1).mean()  # the target is the clean batch
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print(f"squared error per image in the last batch: {loss.item():.1f}, that is "
      f"{-10 * np.log10(loss.item() / 784):.1f} dB")

# %% [markdown]
# These decibels are of the batch's mean error, which is slightly less than the mean of the images' PSNRs.
#
# Now the same loss with `fit`, for longer, with a learning rate that rises and falls (`one_cycle`). `fit` gives every
# loss a generator for its noise, `step.generator`. For comparison we train a second network of the same size on
# **clean** images, with equally many steps. It is an ordinary autoencoder.
#
# **Predict.** How many decibels will the denoising autoencoder reach?

# %%
prediction_dae = None

# %%
def denoising(sigma):
    def loss(model, x, step):
        noisy = gaussian(x, sigma, step.generator)
        return {"squared error": losses.squared_error(model(noisy), x)}  # (B,)
    return loss


dae, ordinary = dense([784, 512, 128]), dense([784, 512, 128])
for model, sigma in ((dae, 0.5), (ordinary, 0.0)):
    fit(model, (x[:40_000],), denoising(sigma), epochs=3 * more, batch=128, lr=4e-3,
        one_cycle=True)

# %%
with torch.no_grad():
    results |= {"ordinary autoencoder": ordinary(noisy),
                "denoising autoencoder": dae(noisy)}
decibels = {name: psnr(x_hat, x_test).mean().item() for name, x_hat in results.items()}
table(["method", "PSNR (dB)"], list(decibels.items()))

# %%
rows = {name: x_hat[ten] for name, x_hat in results.items()}
plots.images({"clean": x_test[ten]} | rows);

# %% [markdown]
# The filters leave grey blotches where the noise was. The ordinary autoencoder removes a part of the noise, but a
# filter removes more. A likely reason is that its 128-dimensional code has no room for all of the noise. The denoising
# autoencoder gives dark backgrounds and connected strokes. Where the noise hid a part of a stroke, it fills in what is
# *likely*. That is not always what was there: compare each digit with the first row.

# %%
of_dae, of_noisy = decibels["denoising autoencoder"], decibels["noisy"]
claim("dense over filters", "PSNR of the dense denoiser above the better of two filters",
      of_dae - best_filter, "dB", at_least=1,
      baseline=f"σ = 0.5: denoiser {of_dae:.1f}, filter {best_filter:.1f}")
claim("clean autoencoder", "PSNR of the autoencoder trained on clean images, σ = 0.5",
      decibels["ordinary autoencoder"], "dB", at_least=of_noisy + 2,
      at_most=min(best_filter, of_dae - 1.5),
      baseline=f"not denoised {of_noisy:.1f}, better filter {best_filter:.1f}")
score([("denoising autoencoder (dB)", prediction_dae, of_dae)])

# %% [markdown]
# So far the network was tested with the noise of its training. What does it do with noise of another *kind*?

# %%
kind = masking  # 25 % of the pixels become black
unseen = kind(x_test, 0.25, torch.Generator().manual_seed(3))
with torch.no_grad():
    of_unseen = psnr(dae(unseen), x_test).mean().item()
print(f"{kind.__name__}: before {psnr(unseen, x_test).mean():.1f} dB, "
      f"after {of_unseen:.1f} dB")

# %%
try_it("Change `kind = masking` to `kind = salt_and_pepper`. How many decibels have the "
       "images after the network, which never saw such noise?", None, of_unseen,
       changed=kind is salt_and_pepper, says="Compare with the PSNR before.")

# %% [markdown]
# ## 4 · Other amounts of noise than in training
#
# We train smaller networks, 784-256-64, each with a different amount of noise. One is trained with any amount: each
# image gets its own σ between 0 and 1. Then each network is tested with all amounts.
#
# **Predict.** A network trained with σ = 0.5 is given images with σ = 0.1. By how many decibels does it change their
# PSNR? (Negative: worse.)

# %%
prediction_mild = None

# %%
def any_amount(model, x, step):
    sigma = torch.rand(len(x), 1, generator=step.generator, device=x.device)  # (B, 1)
    noisy = gaussian(x, sigma, step.generator)
    return {"squared error": losses.squared_error(model(noisy), x)}


def briefly(widths, loss):
    model = dense(widths)
    fit(model, (x[:8000],), loss, epochs=5, batch=128, lr=4e-3, one_cycle=True)
    return model

# %%
amounts = (0.0, 0.1, 0.25, 0.5, 1.0)
nets = {f"σ = {s:g}": briefly([784, 256, 64], denoising(s)) for s in amounts}
nets["any σ"] = briefly([784, 256, 64], any_amount)

# %%
noise = torch.Generator().manual_seed(6)
tests = [gaussian(x_test, s, noise) for s in amounts]  # five times (1000, 784)
before = np.array([psnr(t, x_test).mean() for t in tests])  # (5,)
with torch.no_grad():
    after = np.array([[psnr(model(t), x_test).mean() for t in tests]
                      for model in nets.values()])  # (6, 5)
columns = [f"σ = {s:g}\n({b:.1f})" for s, b in zip(amounts, before, strict=True)]
axis = plots.matrix(after, list(nets), columns, after < before, unit="PSNR after (dB)")
axis.set(ylabel="trained with", xlabel="tested with (in brackets: PSNR before, dB)");

# %% [markdown]
# Each row is a network, each column a test. A frame marks images that are **worse after denoising than before**. Along
# the diagonal, training and test agree. Read *down a column*: the further the training is from the test, the
# lower the PSNR. The last network has seen every amount. Under strong noise, σ = 0.5 and 1, it is nearly as good as the
# specialist. Under little noise this costs some decibels.
#
# The frames stand where there is little noise to remove. A clean image has an infinite PSNR, so every change makes it
# worse. But look at the row and column σ = 0.1. On MNIST even this place has a frame, although training and test agree;
# on the built-in digits PSNR before and after are nearly equal. So a wrong amount of noise cannot be the only cause.
# Unit [04d](04d_width.ipynb) finds two more.

# %%
own = np.diag(after[:5])
claim("harm", "PSNR gained on images with σ = 0.1 by the network trained with σ = 0.5",
      after[3, 1] - before[1], "dB", at_most=-0.5,
      baseline=f"by the one trained with σ = 0.1 {after[1, 1] - before[1]:.1f}")
claim("at home", "PSNR lost at σ = 1 when trained with σ = 0.1 in place of 1",
      own[4] - after[1, 4], "dB", at_least=1)
claim("any amount", "PSNR behind the network for the tested σ, trained on any, σ ≥ 0.25",
      np.mean((own - after[5])[2:]), "dB", at_most=1.5,
      baseline=f"σ = 0.1 {own[1] - after[5, 1]:.1f}")
score([("change at σ = 0.1 by training with 0.5 (dB)", prediction_mild,
        float(after[3, 1] - before[1]))])

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - Corrupt the input and ask for the clean image. The noise must be new in every batch.
# - Compare denoisers with the same clipping, each at its best setting, chosen on validation images.
# - A bottleneck alone removes some noise. Training for it removes far more.
# - For a given noise in the test, a denoiser does worse the further its training noise was from it. Train with many
#   amounts if you do not know yours: under strong noise this costs little, under little noise some decibels.
# - A denoiser can make images worse that have little noise.
#
# **Your turn:** [lab 04](../work/lab04.ipynb) (your own copy; on the web, the
# [sheet](../exercises/lab04/lab04.ipynb)). It also needs unit [04b](04b_score.ipynb), on what a denoiser knows about
# the distribution of the data, and no other.
#
# **Deeper:** [04a](04a_compare.ipynb) compares six classic methods and a convolutional network;
# [04aa](04aa_guess.ipynb) asks what to guess at each noise level; [04b](04b_score.ipynb) is about the score, and
# [04ba](04ba_chain.ipynb) goes from noise to new digits; [04c](04c_features.ipynb) asks what the codes are good for;
# [04ca](04ca_pitfalls.ipynb) shows two pitfalls; [04d](04d_width.ipynb) asks whether a denoiser needs a narrow code.
# **Next:** [lesson 05](05_sparse.ipynb) keeps the code wide and makes few of its units active.
#
# ### Papers
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). *Extracting and composing robust features with
#   denoising autoencoders.* ICML, 1096–1103.
