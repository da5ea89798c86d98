# %% [markdown]
# # 04d · Does a denoiser need a narrow code?
#
# **Promise.** You will separate three causes why a denoiser can make images worse that have little noise, and test
# whether a network with a code wider than the image copies its input.
#
# **After this unit you can**
# 1. vary one cause at a time: the noise in training, the width of the code, the length of the training;
# 2. choose the control experiment that a statement about a cause needs.
#
# **Before it:** unit 04. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

from aecourse import corruption, data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.metrics import psnr
from aecourse.models import Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 2.8), width_ratios=(5, 3))
diagrams.layers([784, 256, 64, 256, 784], {0: "noisy", 2: "code", 4: "output"},
                {"encoder": (0, 2), "decoder": (2, 4)}, title="narrow", axis=axes[0])
diagrams.layers([784, 1024, 784], {0: "noisy", 1: "code", 2: "output"},
                {"encoder": (0, 1), "decoder": (1, 2)}, title="wide", axis=axes[1]);

# %% [markdown]
# On the left is the network of unit 04, section 4. On the right is one whose code is wider than the image.
#
# ## 1 · Three possible causes
#
# In unit 04, a network trained with σ = 0.5 made images with σ = 0.1 worse. So did, on MNIST, a network trained with σ
# = 0.1 itself. Three causes are possible:
#
# - the **noise in training** was not that of the test;
# - the **code** is narrow, so the network loses details even of a clean image;
# - the **training** was short, 5 epochs of 8,000 images.
#
# We vary each of them while the other two stay the same. First one network, that of unit 04 trained with σ = 0.1:

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_test = digits.x_train[train], digits.x_test[:1000]
noise = torch.Generator().manual_seed(6)
tests = {s: corruption.gaussian(x_test, s, noise) for s in (0.1, 0.5)}  # each (1000, 784)


def measure(model, sigma):  # the mean PSNR after denoising images with this noise
    with torch.no_grad():
        return psnr(model(tests[sigma]), x_test).mean().item()

# %%
def trained(widths, sigma, epochs=5):
    with seeded(0):
        model = nn.Sequential(he(Autoencoder(widths, nn.SiLU), x), nn.Sigmoid())

    def corrupt(images, noise):
        return corruption.gaussian(images, sigma, noise)

    fit(model, (x[:8000],), corruption.denoising(corrupt), epochs=epochs, batch=128,
        lr=4e-3, one_cycle=True)
    return model


short = trained([784, 256, 64], 0.1)
before = psnr(tests[0.1], x_test).mean().item()
print(f"images with σ = 0.1: before {before:.1f} dB, after {measure(short, 0.1):.1f} dB")

# %% [markdown]
# **Predict.** Which change helps this network more: a `"wider"` code of dimension 256, or a `"longer"` training of 15
# epochs?

# %%
prediction_change = None

# %%
codes = {64: [784, 256, 64], 256: [784, 256, 256]}
after = {}  # (σ in training, epochs, latent dimension) → PSNR in dB, tested with σ = 0.1
for sigma in (0.1, 0.5):
    for epochs in (5, 15):
        for code, widths in codes.items():
            after[sigma, epochs, code] = measure(trained(widths, sigma, epochs), 0.1)

# %%
table(["tested with σ = 0.1: PSNR (dB)", "latent dimension 64", "latent dimension 256"],
      [["before", before, before],
       *([f"trained with σ = {s}, {n} epochs", after[s, n, 64], after[s, n, 256]]
         for s in (0.1, 0.5) for n in (5, 15))])
wider, longer = after[0.1, 5, 256], after[0.1, 15, 64]
score([("what helps more", prediction_change, "wider" if wider > longer else "longer")])

# %% [markdown]
# Compare each row with the first one. In training with σ = 0.1, a wider code helps, and so does a longer training. On
# MNIST each of the two is enough to turn the loss into a gain. So the harm that unit 04 saw has two causes together, a
# narrow code in a short training. After 15 epochs, 64 dimensions are enough to improve these images.
#
# In the rows trained with σ = 0.5, a wider code changes little, a longer training gives one or two decibels, and the
# images stay worse than before. The main cause there is the wrong amount of noise.

# %%
claim("bottleneck", "PSNR gained by latent dimension 256 in place of 64, all at σ = 0.1",
      wider - after[0.1, 5, 64], "dB", at_least=max(0.5, before - after[0.1, 5, 64]),
      baseline=f"against the noisy images: 64 dimensions {after[0.1, 5, 64] - before:.1f}, "
      f"256 dimensions {wider - before:.1f}")
claim("short training", "PSNR gained by 15 epochs in place of 5, 64 dimensions, σ = 0.1",
      longer - after[0.1, 5, 64], "dB", at_least=max(0.5, before - after[0.1, 5, 64]),
      baseline=f"against the noisy images: {longer - before:.1f}")
claim("wrong noise", "PSNR gained at σ = 0.1 by the best of four trained with σ = 0.5",
      max(v for (s, _, _), v in after.items() if s == 0.5) - before, "dB", at_most=0)

# %% [markdown]
# How wide must the code be in the short training?

# %%
dimension = 32
of_dimension = measure(trained([784, 256, dimension], 0.1), 0.1)
print(f"latent dimension {dimension}: {of_dimension:.1f} dB")

# %%
try_it("Change `dimension = 32` to `dimension = 128`. How many decibels does the network "
       "reach?", None, of_dimension, changed=dimension == 128,
       says="Compare with the PSNR before.")

# %% [markdown]
# ## 2 · A code wider than the image
#
# A network with a 1,024-dimensional code has room to copy its input. A copy has the PSNR of the noisy images. Our wide
# network has one layer to the code and one back; both are linear, and only the sigmoid at the end is not. So do not
# compare it with the networks of section 1, which have more layers.
#
# **Predict.** It is trained with σ = 0.1, 5 epochs, and tested with the same noise. How many decibels does it reach?

# %%
prediction_wide = None

# %%
wide = {s: trained([784, 1024], s) for s in (0.1, 0.5)}
of_wide = measure(wide[0.1], 0.1)
print(f"before {before:.1f} dB, after {of_wide:.1f} dB")
score([("wide network at σ = 0.1 (dB)", prediction_wide, of_wide)])

# %% [markdown]
# It does not copy. Is this because it was trained with noise? The statement needs a **control**: the same network,
# trained without noise. Nothing in its loss speaks against a copy.
#
# **Predict.** The control is given images with σ = 0.1, too. How many decibels does it reach?

# %%
prediction_control = None

# %%
control = trained([784, 1024], 0.0)
of_control = measure(control, 0.1)
table(["wide network", "tested with σ = 0.1 (dB)", "tested with σ = 0.5 (dB)"],
      [["before (a copy)", before, psnr(tests[0.5], x_test).mean().item()],
       ["trained without noise", of_control, measure(control, 0.5)],
       *([f"trained with σ = {s}", measure(wide[s], 0.1), measure(wide[s], 0.5)]
         for s in (0.1, 0.5))])
score([("control at σ = 0.1 (dB)", prediction_control, of_control)])

# %% [markdown]
# The control does not copy, either. Under little noise it is nearly as good as the network that was trained with it. A
# likely reason is that it has seen only digits, in a short training: it learned to pass on what digits have in common,
# and most of the noise is something else. So a good PSNR of a wide network does not show that the noise in training
# prevented a copy. Under strong noise the training with noise does make a difference.
#
# For a denoiser it is enough that the code need not be narrow. Even trained with σ = 0.5, the wide network does not
# make the images with σ = 0.1 worse. The networks with the narrower codes of section 1 do.

# %%
claim("other noise", "PSNR lost at σ = 0.1 by training with σ = 0.5, least of 3 networks",
      min(of_wide - measure(wide[0.5], 0.1), *(after[0.1, 5, c] - after[0.5, 5, c]
                                              for c in codes)), "dB", at_least=1)
claim("no copy", "PSNR gained by latent dimension 1,024, all at σ = 0.1",
      of_wide - before, "dB", at_least=1, baseline=f"control {of_control - before:.1f}")
claim("control", "PSNR gained at σ = 0.1 by latent dimension 1,024, no noise in training",
      of_control - before, "dB", at_least=1)
claim("strong noise", "PSNR gained at σ = 0.5 by training with it, latent dimension 1,024",
      measure(wide[0.5], 0.5) - measure(control, 0.5), "dB", at_least=1)

# %% [markdown]
# Is this a matter of the training's length? Here is the control after a training of a different length.

# %%
epochs_of_control = 1
later = measure(trained([784, 1024], 0.0, epochs_of_control), 0.1)
print(f"{epochs_of_control} epochs: {later:.1f} dB")

# %%
try_it("Change `epochs_of_control = 1` to `epochs_of_control = 15`. How many decibels now?",
       None, later, changed=epochs_of_control == 15,
       says="Did it come closer to a copy, or move away from it?")

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - On images with little noise, a narrow code and a short training can each cost more than the noise did. A wrong
#   amount of noise in training cost more than both.
# - To find a cause, vary one thing at a time; to say that something was needed, leave it out once.
# - With a code wider than the image, a denoiser does not copy. In this short training the same network without noise
#   did not copy, either.
#
# **Next:** [lesson 05](05_sparse.ipynb) keeps the code wide and makes few of its units active.
#
# ### Papers
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). *Extracting and composing robust features with
#   denoising autoencoders.* ICML, 1096–1103.
