# %% [markdown]
# # 04d · Does a denoiser need a narrow code?
#
# **Promise.** You will separate three causes that let a denoiser harm images with little noise, and test whether a
# network with a code wider than the image copies its input.
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
                {"encoder": (0, 2), "decoder": (2, 4)},
                title="narrow code, SiLU between the layers", axis=axes[0])
diagrams.layers([784, 1024, 784], {0: "noisy", 1: "code", 2: "output"},
                {"encoder": (0, 1), "decoder": (1, 2)},
                title="wide code, linear, then sigmoid", axis=axes[1]);

# %% [markdown]
# On the left is the network of unit 04, section 4. On the right is one whose code is wider than the image.
#
# ## 1 · Three possible causes
#
# In unit 04, a denoising autoencoder (Vincent and others 2008) trained with σ = 0.5 made images with σ = 0.1 worse. So
# did, on MNIST, one that was trained with σ = 0.1 itself. Three causes are possible:
#
# - the **noise in training** was not that of the test;
# - the **code** is narrow, so the network loses details even of a clean image;
# - the **training** was short, 5 epochs of 8,000 images.
#
# We vary each of them while the other two stay the same. First one network, that of unit 04 trained with σ = 0.1.
# The helper `corruption.denoising(corrupt)` makes the loss of unit 04, section 3, from a function
# `corrupt(images, generator)`; `fit` hands over the generator.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_test = digits.x_train[train], digits.x_test[:1000]
noise = torch.Generator().manual_seed(6)
tests = {s: corruption.gaussian(x_test, s, noise) for s in (0.1, 0.5)}  # each (1000, 784)
tests[0.0] = x_test


def measure(model, sigma):  # the mean PSNR after denoising images with this noise
    with torch.no_grad():
        return psnr(model(tests[sigma]), x_test).mean().item()

# %%
def fitted(model, sigma, epochs=5, lr=4e-3):
    def corrupt(images, generator):
        return corruption.gaussian(images, sigma, generator)

    fit(model, (x[:8000],), corruption.denoising(corrupt), epochs=epochs, batch=128, lr=lr,
        one_cycle=True)
    return model


def trained(widths, sigma, epochs=5):
    with seeded(0):
        model = nn.Sequential(he(Autoencoder(widths, nn.SiLU), x), nn.Sigmoid())
    return fitted(model, sigma, epochs)

# %%
short = trained([784, 256, 64], 0.1)
before = psnr(tests[0.1], x_test).mean().item()
print(f"images with σ = 0.1: before {before:.2f} dB, after {measure(short, 0.1):.2f} dB")

# %% [markdown]
# We try two changes: a code of dimension 256 in place of 64, and 15 epochs in place of 5. (The wider code also gives
# the network more parameters.)
#
# **Predict.** Which change is enough *alone* to make the images better than before: `"wider"`, `"longer"`, `"either"`
# or `"neither"`?

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
enough = [n for n, v in (("wider", wider), ("longer", longer)) if v > before]
score([("enough alone", prediction_change,
        "either" if len(enough) == 2 else enough[0] if enough else "neither")])

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
# How wide must the code be to improve these images after 5 epochs?

# %%
dimension = 32
of_dimension = measure(trained([784, 256, dimension], 0.1), 0.1)
print(f"latent dimension {dimension}: {of_dimension:.2f} dB")

# %%
try_it("Change `dimension = 32` to `dimension = 200`. How many decibels does the network "
       "reach?", None, of_dimension, changed=dimension == 200,
       says="Compare with the PSNR before.")

# %% [markdown]
# ## 2 · A code wider than the image
#
# A network with a 1,024-dimensional code has room to pass on every pixel. An exact copy of the input has the PSNR of
# the noisy images. (The sigmoid at the end bends the values, so a copy by this network is not exact.) Our wide network
# has one linear layer to the code and one back, and then the sigmoid. Do not compare it with the networks of section 1,
# which have more layers.
#
# **Predict.** It is trained with σ = 0.1, 5 epochs, and tested with the same noise. How many decibels does it reach?

# %%
prediction_wide = None

# %%
wide = trained([784, 1024], 0.1)
of_wide = measure(wide, 0.1)
print(f"before {before:.1f} dB, after {of_wide:.1f} dB")
score([("wide network at σ = 0.1 (dB)", prediction_wide, of_wide)])

# %% [markdown]
# It does not copy. Is this because it was trained with noise? The statement needs a **control**: the same network,
# trained without noise, for which an exact copy would be the perfect answer.
#
# **Predict.** The control is given images with σ = 0.1, too. How many decibels does it reach?

# %%
prediction_control = None

# %%
control = trained([784, 1024], 0.0)
of_control = measure(control, 0.1)
print(f"control {of_control:.1f} dB, on clean images {measure(control, 0.0):.1f} dB")
score([("control at σ = 0.1 (dB)", prediction_control, of_control)])

# %% [markdown]
# The control does not copy, either. Under little noise it is nearly as good as the network that was trained with noise.
# So a good PSNR of a wide network does not show that the noise in training prevented a copy.
#
# Why does the control remove noise? Two reasons are possible. It has seen only digits, and may have learned the shapes
# that digits have in common. Or it is the **sigmoid**: where an image is black or white, the sigmoid is flat, and noise
# hardly changes its output. We test the second reason in two ways:
#
# - *the sigmoid alone*: a function of one pixel, $\text{sigmoid}(a x + c)$. It has two numbers to learn, and cannot
#   know anything about shapes;
# - *the control without the sigmoid*: all its layers are then linear.

# %%
class Pointwise(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.c = nn.Parameter(torch.tensor(8.0)), nn.Parameter(torch.tensor(-4.0))

    def forward(self, x):  # (B, 784) → (B, 784), each pixel by itself
        return torch.sigmoid(self.a * x + self.c)


pointwise = fitted(Pointwise(), 0.0, lr=0.1)  # no noise in training, like the control
with seeded(0):
    linear = he(Autoencoder([784, 1024], nn.SiLU), x)
linear.decoder[-1].bias.data = x.mean(0)  # begins at the mean image, now without a sigmoid
linear = fitted(linear, 0.0)

# %%
strong = trained([784, 1024], 0.5)
networks = {"sigmoid of one pixel": pointwise, "control": control,
            "control without the sigmoid": linear,
            "wide, trained with σ = 0.1": wide, "wide, trained with σ = 0.5": strong}
of = {name: [measure(model, s) for s in (0.0, 0.1, 0.5)]
      for name, model in networks.items()}
copies = psnr(tests[0.1], x_test).mean(), psnr(tests[0.5], x_test).mean()
table(["PSNR (dB), tested with", "σ = 0", "σ = 0.1", "σ = 0.5"],
      [["before (an exact copy)", "∞", *(f"{v:.1f}" for v in copies)],
       *([name, *(f"{v:.1f}" for v in values)] for name, values in of.items())])

# %% [markdown]
# At σ = 0.1 the sigmoid of one pixel alone reaches more than half of the control's gain over a copy. Without the
# sigmoid the control reconstructs clean images about as well, but makes the noisy ones worse. So under little noise the
# sigmoid explains most of what the control gains. At σ = 0.5 the sigmoid of one pixel gains almost nothing, and the
# control several decibels; there the first reason is perhaps the right one. Training with the tested amount of noise
# gains more than the control, and much more under strong noise than under little.
#
# Now the question of the title. A fair comparison changes only the width. Here are three networks of this kind, with
# one layer on each side.

# %%
one_layer = {(d, s): measure(trained([784, d], s), 0.1)
             for d in (64, 256) for s in (0.1, 0.5)}
one_layer |= {(1024, 0.1): of_wide, (1024, 0.5): measure(strong, 0.1)}
table(["tested with σ = 0.1: PSNR (dB)", "trained with σ = 0.1", "trained with σ = 0.5"],
      [["before", before, before],
       *([f"latent dimension {d}", one_layer[d, 0.1], one_layer[d, 0.5]]
         for d in (64, 256, 1024))])

# %% [markdown]
# In both columns a wider code is better. With 64 dimensions the images get worse. With 1,024 dimensions they get
# better, even after training with σ = 0.5. So a denoiser of this kind does not need a narrow code.

# %%
claim("other noise", "PSNR lost at σ = 0.1 by training with σ = 0.5, least of 3 networks",
      min(of_wide - measure(strong, 0.1), *(after[0.1, 5, c] - after[0.5, 5, c]
                                            for c in codes)), "dB",
      at_least=max(1, wider - after[0.1, 5, 64], longer - after[0.1, 5, 64]))
claim("no copy", "PSNR gained by latent dimension 1,024, all at σ = 0.1",
      of_wide - before, "dB", at_least=1, baseline=f"control {of_control - before:.1f}")
claim("control", "PSNR gained at σ = 0.1 by latent dimension 1,024, no noise in training",
      of_control - before, "dB", at_least=1)
claim("strong noise", "PSNR gained at σ = 0.5 by training with it, latent dimension 1,024",
      measure(strong, 0.5) - measure(control, 0.5), "dB", at_least=1)
claim("sigmoid alone", "Part of the control's gain, σ = 0.1, by a sigmoid of one pixel",
      (measure(pointwise, 0.1) - before) / (of_control - before), at_least=0.5,
      baseline=f"at σ = 0.5 it gains {measure(pointwise, 0.5) - copies[1]:.2f} dB")
claim("no sigmoid", "PSNR gained at σ = 0.1 by the control without its sigmoid",
      measure(linear, 0.1) - before, "dB", at_most=0,
      baseline=f"clean images {measure(linear, 0.0):.1f} dB, "
      f"control {measure(control, 0.0):.1f}")
claim("width alone", "PSNR gained at σ = 0.1 by 1,024 dimensions in place of 256, "
      "one layer, trained with σ = 0.5", one_layer[1024, 0.5] - one_layer[256, 0.5], "dB",
      at_least=max(0.5, before - one_layer[256, 0.5]), baseline="against the noisy images: "
      + ", ".join(f"{d} dimensions {one_layer[d, 0.5] - before:.1f}"
                  for d in (64, 256, 1024)))

# %% [markdown]
# Does the control come nearer to a copy if it is trained for longer? Here is a training of a different length.

# %%
epochs_of_control = 1
later = measure(trained([784, 1024], 0.0, epochs_of_control), 0.1)
print(f"control after 5 epochs: {of_control:.1f} dB, after {epochs_of_control}: "
      f"{later:.1f} dB; a copy: {before:.1f} dB")

# %%
try_it("Change `epochs_of_control = 1` to `epochs_of_control = 15`. Is the control then "
       "`nearer` to a copy than after 5 epochs, or `farther`?", None,
       "nearer" if abs(later - before) < abs(of_control - before) else "farther",
       changed=epochs_of_control == 15)

# %%
claim("longer control", "PSNR gained at σ = 0.1 by 15 epochs for 5, no noise in training",
      measure(trained([784, 1024], 0.0, 15), 0.1) - of_control, "dB", at_least=0)

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - On images with little noise a narrow code, a short training and a wrong amount of noise in training each cost some
#   decibels, the wrong noise the most. On MNIST a narrow code and a short training *together* cost more than the noise;
#   with only one of the two the network improved the images.
# - To find a cause, vary one thing at a time. To say that something was needed, leave it out once; to say that it is
#   enough, try it alone.
# - A denoiser does not need a narrow code (shown for one layer on each side). Our network with a code wider than the
#   image did not copy. Without noise in training it did not copy, either, and a longer training did not bring it nearer
#   to a copy. Under little noise its sigmoid explains most of this.
#
# **Next:** [lesson 05](05_sparse.ipynb) keeps the code wide and makes few of its units active.
#
# ### Papers
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). *Extracting and composing robust features with
#   denoising autoencoders.* ICML, 1096–1103.
