# %% [markdown]
# # 04a · A fair comparison
#
# **Promise.** You will tune six classic denoisers, and build a convolutional network that knows neither kind nor amount
# of the noise.
#
# **After this unit you can**
# 1. choose the setting of a filter on validation images, and compare denoisers in PSNR and in SSIM;
# 2. follow the shapes through a convolutional network with skip connections.
#
# **Before it:** units 04 and 03 (PCA). **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import torch
from torch import nn
from torch.nn import functional as F

from aecourse import corruption, data, diagrams, filters, metrics, plots
from aecourse.claims import Claims, say, score, table, try_it
from aecourse.models import PCA, Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)

# %%
diagrams.flow({"n": (0, 1.6, "neighbouring pixels\nresemble each other"),
               "d": (0, 0.4, "training digits"),
               "a": (2, 2, "median, Gaussian,\ntotal variation", plots.SKY),
               "c": (2, 1, "convolutional network", plots.GREEN),
               "b": (2, 0, "PCA, linear map, weighted mean\nof digits, dense network",
                     plots.ORANGE),
               "x": (4, 1, "denoised image")},
              dict.fromkeys([("n", "a"), ("n", "c"), ("d", "c"), ("d", "b"), ("a", "x"),
                             ("c", "x"), ("b", "x")], ""), size=(10, 3.2));

# %% [markdown]
# Left: what a method can know. Some methods know that neighbouring pixels resemble each other. Others have seen digits.
# The convolutional network of section 2 has both.
#
# ## 1 · Six methods without a network
#
# - The **median filter** and the **Gaussian filter** of unit 04.
# - **Total variation** looks for an image $u$ near the noisy one in which neighbouring pixels differ little. It
#   minimises $\tfrac12 \lVert u - \tilde x \rVert^2 + \lambda \sum_i \lVert (\nabla u)_i \rVert$, where $(\nabla u)_i$
#   holds the differences of pixel $i$ to its neighbours (Rudin, Osher and Fatemi 1992).
# - **PCA** keeps the first components of lesson 03 and drops the rest.
# - The **best linear map** is the $W \tilde x + b$ with the smallest squared error on training images: a denoising
#   autoencoder without a nonlinearity, trained to convergence.
# - The **weighted mean** of all training images. The weight of an image falls with its distance from the noisy image,
#   $w_i \propto \exp(-\lVert \tilde x - x_i \rVert^2 / 2 s^2)$.
#
# 100 validation images choose the settings. 1,000 test images measure PSNR, and 300 of them SSIM. We clip every result,
# but not the noisy input.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_val = digits.x_train[train], digits.x_train[valid][:100]
x_test, y_test = digits.x_test[:1000], digits.y_test[:1000]
ten = plots.first_of_each(y_test)
more = 3 if digits.name == "strokes" else 1
g, sp = "Gaussian, σ = 0.5", "salt and pepper, 25 %"


def corrupted(images, seed):
    noise = torch.Generator().manual_seed(seed)
    return {g: corruption.gaussian(images, 0.5, noise),
            sp: corruption.salt_and_pepper(images, 0.25, noise)}

# %%
pca = PCA(x, 120)


def keep_components(noisy, k):
    return pca.decode(pca.encode(noisy, k))


def weighted_mean(noisy, s):
    weights = torch.softmax(-torch.cdist(noisy, x).square() / (2 * s * s), 1)  # (N, images)
    return weights @ x

# %%
def best_linear(noisy, clean):
    """The least-squares map, from training images (N, 784), as a function."""
    start, goal = noisy.mean(0), clean.mean(0)
    a, b = noisy - start, clean - goal
    W = torch.linalg.solve(a.T @ a, a.T @ b)  # the normal equations
    return lambda images, _: (images - start) @ W + goal

# %% [markdown]
# `filters.best_setting` tries settings of a method on validation images and returns the one whose PSNR is largest. Here
# it chooses between two widths of the Gaussian filter:

# %%
noisy_val = corrupted(x_val, 3)[g]
filters.best_setting(filters.gaussian, (0.8, 1.0), noisy_val, x_val)

# %% [markdown]
# `filters.CLASSIC` holds the three filters with the settings to try.
#
# A second measure is **SSIM**, the structural similarity (Wang and others 2004). It compares the means, contrasts and
# patterns of small windows. It is 1 for equal images and about 0 for unrelated ones.
#
# **Predict.** You saw in unit 04 how many decibels the Gaussian filter reaches at σ = 0.5. How many will the best of
# the six reach?

# %%
prediction_classic = None

# %%
methods = filters.CLASSIC | {"PCA": (keep_components, (10, 20, 30, 40, 60, 80, 120)),
                             "weighted mean": (weighted_mean, (0.7, 1.0, 1.4, 2.0))}
tests, of_training = corrupted(x_test, 1), corrupted(x[:20_000], 2)
found, pictures = {}, {}  # (method, corruption) → (setting, PSNR, SSIM), and → images


def record(method, kind, setting, output):
    pictures[method, kind] = output
    found[method, kind] = (setting, metrics.psnr(output, x_test).mean().item(),
                           metrics.ssim(output[:300], x_test[:300]))

# %%
for kind, noisy_val in corrupted(x_val, 3).items():
    record("not denoised", kind, None, tests[kind])
    for method, (function, settings) in methods.items():
        setting = filters.best_setting(function, settings, noisy_val, x_val)
        record(method, kind, setting, function(tests[kind], setting))
    linear = best_linear(of_training[kind], x[:20_000])
    record("best linear map", kind, None, linear(tests[kind], None))

# %%
def show_found(names):
    table(["method", "setting, σ = 0.5", "PSNR (dB)", "SSIM", "setting, 25 %", "PSNR (dB)",
           "SSIM"], [[m, *found[m, g], *found[m, sp]] for m in names])


show_found(["not denoised", *methods, "best linear map"])
best_classic = max(found[m, g][1] for m in [*methods, "best linear map"])
score([("best of the six (dB)", prediction_classic, best_classic)])

# %% [markdown]
# The settings are a side in pixels (median), a standard deviation in pixels (Gaussian), λ (total variation), a number
# of components (PCA), and $s$ (weighted mean).

# %%
general = ("median filter", "Gaussian filter", "total variation")
about_digits = ("PCA", "weighted mean", "best linear map")
first = {d: max(general, key=lambda m: found[m, d][1]) for d in (g, sp)}
names = {"median filter": "the median filter", "Gaussian filter": "the Gaussian filter",
         "total variation": "total variation"}
lead = min(found[m, g][1] for m in about_digits) - found[first[g], g][1]
say(f"Of the three filters, {names[first[sp]]} leads under salt and pepper, "
    f"{names[first[g]]} under Gaussian noise. There, "
    f"{'all' if lead > 0 else 'not all'} three methods that "
    "know about digits do better than it.")

# %%
rank = [sorted((*general, *about_digits), key=lambda m: -found[m, sp][i])
        .index("median filter") + 1 for i in (1, 2)]
say(f"Under salt and pepper the median filter is number {rank[0]} of six by PSNR and "
    f"number {rank[1]} by SSIM.")

# %% [markdown]
# The median removes single wrong pixels and leaves edges sharp. Under Gaussian noise the mean of $n$ values has a
# smaller variance than their median, by about a third for many values.
#
# A setting matters. The noise has σ = 0.5. Is $s = 0.5$ a good setting of the weighted mean?

# %%
s = 1.4
of_s = metrics.psnr(weighted_mean(tests[g], s), x_test).mean().item()
print(f"weighted mean with s = {s}: {of_s:.1f} dB")

# %%
try_it("Change `s = 1.4` to `s = 0.5`. How many decibels has the weighted mean now?",
       None, of_s, changed=s == 0.5,
       says="Unit 04aa explains what this setting means.")

# %% [markdown]
# ## 2 · A convolutional denoiser
#
# A dense layer has no idea that pixels have neighbours. A **convolution** applies the same small set of weights, here
# 3 × 3 pixels, at every place of the image. What it learns about a stroke in one corner applies in all others.

# %%
diagrams.flow({"x": (-0.3, 0, "28 × 28", plots.SKY),
               "f": (1, 0, "fine\n16 × 14 × 14", plots.ORANGE),
               "c": (2, -1, "coarse\n32 × 7 × 7", plots.ORANGE),
               "w": (3, -1.9, "whole\n128", plots.YELLOW), "s": (4, -1, "sum", plots.GREEN),
               "t": (5, 0, "sum", plots.GREEN), "y": (6, 0, "28 × 28", plots.SKY)},
              dict.fromkeys([("c", "w"), ("w", "s"), ("c", "s"), ("f", "t")], "")
              | {("x", "f"): "fold", ("f", "c"): "stride 2", ("s", "t"): "up",
                 ("t", "y"): "unfold"}, size=(10.5, 3.8));

# %% [markdown]
# The image goes down to a coarser resolution, through a dense layer that sees the whole, and up again. The horizontal
# arrows are **skip connections**. They add what was there before to what comes after. They would let a plain
# autoencoder copy. A denoiser may have them, because a copy is a wrong answer. And they spare it the harm of a
# bottleneck: details do not have to pass through the 128-dimensional layer. The first and the last step need no
# weights. `pixel_unshuffle` folds each square of 2 × 2 pixels into one place with four values; `pixel_shuffle` undoes
# it. The values at one place are the **channels**.

# %%
image = x_test[:1].view(1, 1, 28, 28)  # (images, channels, rows, columns)
folded = F.pixel_unshuffle(image, 2)
print("folded", tuple(folded.shape))
print("one convolution", tuple(nn.Conv2d(4, 16, 3, padding=1)(folded).shape))
print("with stride 2", tuple(nn.Conv2d(4, 32, 3, padding=1, stride=2)(folded).shape))

# %% [markdown]
# A convolution makes a side of length $n$ into $\lfloor (n + 2 \cdot \text{padding} - \text{size}) / \text{stride}
# \rfloor + 1$: size 3 with padding 1 keeps 14, and stride 2, which takes every second place, gives $\lfloor 13 / 2
# \rfloor + 1 = 7$. The transposed convolution `up` goes back: $2 \cdot (7 - 1) - 2 \cdot 1 + 4 = 14$.

# %%
class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.fine = nn.Conv2d(4, 16, 3, padding=1)
        self.coarse = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.whole = nn.Sequential(
            nn.Flatten(), nn.Linear(32 * 49, 128), nn.SiLU(),
            nn.Linear(128, 32 * 49), nn.Unflatten(1, (32, 7, 7)))
        self.up = nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1)
        self.last = nn.Conv2d(16, 4, 3, padding=1)

    def forward(self, x):  # (B, 784)
        folded = F.pixel_unshuffle(x.view(-1, 1, 28, 28), 2)  # (B, 4, 14, 14)
        fine = F.silu(self.fine(folded))  # (B, 16, 14, 14)
        coarse = F.silu(self.coarse(fine))  # (B, 32, 7, 7)
        coarse = F.silu(coarse + self.whole(coarse))  # (B, 32, 7, 7)
        fine = F.silu(fine + self.up(coarse))  # (B, 16, 14, 14)
        return torch.sigmoid(F.pixel_shuffle(self.last(fine), 2).flatten(1))  # (B, 784)

# %%
with seeded(0):
    conv = Convolutional()
try_it("How many weights and biases does `self.fine` have? It has 16 filters of 3 × 3 "
       "places with 4 values each, and 16 biases.", None,
       sum(p.numel() for p in conv.fine.parameters()),
       says="How many would a dense layer between the same shapes have?")

# %% [markdown]
# Two dense networks are trained for *one* corruption each, as in unit 04. The convolutional network is trained on all:
# half of each batch has Gaussian noise with any σ from 0 to 1, the other half salt and pepper with any share up to one
# half (`corruption.any_kind`). It is told neither kind nor amount. `corruption.denoising` makes the loss of unit 04
# from a corruption.
#
# **Predict.** On σ = 0.5, will it beat the dense network that was trained for exactly this? Type `"yes"` or `"no"`.

# %%
prediction_conv = None

# %%
exactly = {"dense, for σ = 0.5": lambda x, noise: corruption.gaussian(x, 0.5, noise),
           "dense, for 25 %": lambda x, noise: corruption.salt_and_pepper(x, 0.25, noise)}
nets = {}
for name, corrupt in exactly.items():
    with seeded(0):
        dense = he(Autoencoder([784, 512, 128], nn.SiLU), x)
    nets[name] = nn.Sequential(dense, nn.Sigmoid())
    fit(nets[name], (x[:40_000],), corruption.denoising(corrupt), epochs=3 * more,
        batch=128, lr=4e-3, one_cycle=True)

# %%
with seeded(0):
    conv = nets["convolutional, any noise"] = Convolutional()
history = fit(conv, (x[:45_000],), corruption.denoising(corruption.any_kind),
              epochs=2 * more, batch=64, lr=4e-3, one_cycle=True)

# %%
for name, net in nets.items():
    for kind in (g, sp):
        with torch.no_grad():
            record(name, kind, None, net(tests[kind]))
show_found(["best linear map", "weighted mean", *nets])
conv_g, conv_sp = (found["convolutional, any noise", name][1] for name in (g, sp))
dense_g, dense_sp = found["dense, for σ = 0.5", g][1], found["dense, for 25 %", sp][1]
score([("better than the dense one", prediction_conv, "yes" if conv_g > dense_g else "no")])

# %%
shown = ("not denoised", "median filter", "total variation", "best linear map",
         "weighted mean", "dense, for σ = 0.5", "convolutional, any noise")
plots.images({"clean": x_test[ten]} | {m: pictures[m, g][ten] for m in shown}
             | {sp: pictures["not denoised", sp][ten],
                "its median": pictures["median filter", sp][ten]}, zoom=0.7);

# %% [markdown]
# From top to bottom: the filters leave grey blotches. The linear map gives grey blurs. The weighted mean is clean, but
# it can only show what it has seen. The networks follow the image at hand more closely, but break thin strokes (on
# MNIST the 1). The last two rows show the other corruption: the median's background is nearly black, its strokes are
# broken.
#
# In the table, the convolutional network has at each corruption a higher PSNR than the dense one that was trained for
# exactly that. Its training takes longer, so the comparison is of these trained networks, not of equal effort. On
# MNIST the dense network for salt and pepper is good under Gaussian noise, too: other noise does not always do harm.

# %%
claim("dense", "PSNR of the dense denoiser, Gaussian σ = 0.5", dense_g, "dB",
      at_least=best_classic + 0.3, baseline=f"best of the six {best_classic:.1f}, "
      f"not denoised {found['not denoised', g][1]:.1f}")
claim("convolutional", "PSNR of the convolutional denoiser, Gaussian σ = 0.5", conv_g, "dB",
      at_least=dense_g + 0.2, baseline=f"dense {dense_g:.1f}; {history.seconds:.0f} s of "
      "training for all kinds of noise together")
claim("salt and pepper", "PSNR of the convolutional denoiser, salt and pepper 25 %",
      conv_sp, "dB", at_least=dense_sp + 0.2, baseline=f"dense {dense_sp:.1f}, median "
      f"{found['median filter', sp][1]:.1f}, "
      f"not denoised {found['not denoised', sp][1]:.1f}")

# %% [markdown]
# The convolutional network was trained on two kinds of noise. A third kind is masking.

# %%
masked = 0.25  # share of the pixels that become black
third = corruption.masking(x_test, masked, torch.Generator().manual_seed(5))
with torch.no_grad():
    of_third = metrics.psnr(conv(third), x_test).mean().item()
print(f"masking {masked}: before {metrics.psnr(third, x_test).mean():.1f} dB, "
      f"after {of_third:.1f} dB")

# %%
try_it("Change `masked = 0.25` to `masked = 0.5`. How many decibels have the images after "
       "the network?", None, of_third, changed=masked == 0.5,
       says="Compare with the PSNR before.")

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - Tune every competitor on validation images, for each kind and amount of noise.
# - Some methods know that neighbouring pixels resemble each other, others have seen digits. Where much must be guessed,
#   the second kind has more information.
# - A convolution shares its weights over all places. Skip connections carry details past the bottleneck.
#
# **Deeper:** [04aa](04aa_guess.ipynb) asks what to guess at each noise level. **Next:** [04b](04b_score.ipynb) shows
# what a denoiser knows about the distribution of the data.
#
# ### Papers
# - L. I. Rudin, S. Osher, E. Fatemi (1992). *Nonlinear total variation based noise removal algorithms.* Physica D 60,
#   259–268.
# - Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli (2004). *Image quality assessment: from error visibility to
#   structural similarity.* IEEE Transactions on Image Processing 13, 600–612.
