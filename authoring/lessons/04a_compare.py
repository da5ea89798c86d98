# %% [markdown]
# # 04a · A fair comparison
#
# **Promise.** You will tune six classic denoisers, build a convolutional network that knows neither kind nor amount of
# the noise, and see at which noise levels it leads and at which it does not.
#
# **After this unit you can**
# 1. choose the setting of a filter on validation images, and compare denoisers in PSNR and in SSIM;
# 2. follow the shapes through a convolutional network with skip connections;
# 3. say what the best possible guess looks like under strong noise.
#
# **Before it:** unit 04. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from aecourse import corruption, data, diagrams, filters, metrics, plots, widgets
from aecourse.claims import Claims, say, score, table, try_it
from aecourse.models import PCA, Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)

# %%
diagrams.flow({"a": (0, 1, "median, Gaussian,\ntotal variation", plots.SKY),
               "b": (0, 0, "PCA, linear map,\nmemory, networks", plots.ORANGE),
               "n": (2, 1, "neighbouring pixels"), "d": (2, 0, "training digits"),
               "x": (4, 0.5, "denoised image", plots.GREEN)},
              {("a", "n"): "use", ("b", "d"): "use", ("n", "x"): "", ("d", "x"): ""},
              size=(9, 2.3));

# %% [markdown]
# Some methods know that neighbouring pixels resemble each other. Others have seen digits.
#
# ## 1 · Six methods without a network
#
# - The **median filter** and the **Gaussian filter** of unit 04.
# - **Total variation** looks for an image near the noisy one with short outlines (Rudin, Osher and Fatemi 1992).
# - **PCA** keeps the first components of lesson 03 and drops the rest.
# - The **best linear map** is the $W \tilde x + b$ with the smallest squared error on training images: a denoising
#   autoencoder without a nonlinearity, trained to convergence.
# - The **mean of training images** is a memory. Each training image gets a weight that falls with its distance from the
#   noisy image, $w_i \propto \exp(-\lVert \tilde x - x_i \rVert^2 / 2 s^2)$.
#
# 100 validation images choose the settings. 1,000 test images measure PSNR, and 300 of them SSIM (section 3: 50 and
# 200). We clip every result, but not the noise.

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


def remember(noisy, s):
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
# `filters.CLASSIC` holds the three filters with the settings to try. `filters.best_setting` tries each of them on
# validation images and returns the one whose PSNR is largest.
#
# A second measure is **SSIM**, the structural similarity (Wang and others 2004). It compares the means, contrasts and
# patterns of small windows. It is 1 for equal images and about 0 for unrelated ones.
#
# **Predict.** You saw in unit 04 how many decibels the Gaussian filter reaches at σ = 0.5. How many will the best of the
# six reach?

# %%
prediction_classic = None

# %%
methods = filters.CLASSIC | {"PCA": (keep_components, (10, 20, 30, 40, 60, 80, 120)),
                             "mean of training images": (remember, (0.7, 1.0, 1.4, 2.0))}
tests, of_training = corrupted(x_test, 1), corrupted(x[:20_000], 2)
found, pictures = {}, {}  # (method, corruption) → (setting, PSNR, SSIM), and → images


def record(method, kind, setting, output):
    pictures[method, kind] = output
    found[method, kind] = (setting, metrics.psnr(output, x_test).mean().item(),
                           metrics.ssim(output[:300], x_test[:300]))

# %%
for kind, noisy_val in corrupted(x_val, 3).items():
    record("nothing", kind, None, tests[kind])
    for method, (function, settings) in methods.items():
        setting = filters.best_setting(function, settings, noisy_val, x_val)
        record(method, kind, setting, function(tests[kind], setting))
    linear = best_linear(of_training[kind], x[:20_000])
    record("best linear map", kind, None, linear(tests[kind], None))

# %%
def show_found(names):
    table(["method", "setting, σ = 0.5", "PSNR (dB)", "SSIM", "setting, 25 %", "PSNR (dB)",
           "SSIM"], [[m, *found[m, g], *found[m, sp]] for m in names])


show_found(["nothing", *methods, "best linear map"])

# %%
general = ("median filter", "Gaussian filter", "total variation")
about_digits = ("PCA", "mean of training images", "best linear map")
first = {d: max(general, key=lambda m: found[m, d][1]) for d in (g, sp)}
lead = min(found[m, g][1] for m in about_digits) - found[first[g], g][1]
say(f"Of the three filters, the {first[sp]} leads under salt and pepper, the {first[g]} "
    f"under Gaussian noise. There, {'all' if lead > 0 else 'not all'} three methods that "
    "know about digits do better than it.")

# %%
rank = [sorted((*general, *about_digits), key=lambda m: -found[m, sp][i])
        .index("median filter") + 1 for i in (1, 2)]
say(f"Under salt and pepper the median filter is number {rank[0]} of six by PSNR and "
    f"number {rank[1]} by SSIM.")

# %% [markdown]
# The median removes single wrong pixels and leaves edges sharp. Under Gaussian noise a mean is a better guess than a
# median.
#
# ## 2 · A convolutional denoiser
#
# A dense layer has no idea that pixels have neighbours. A **convolution** applies the same small set of weights, here
# 3 × 3 pixels, at every place of the image. What it learns about a stroke in one corner holds in all others.

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
# bottleneck (unit 04): details do not have to pass through the 128 numbers.
#
# `pixel_unshuffle` folds each square of 2 × 2 pixels into one place with four values; `pixel_shuffle` undoes it. The
# values at one place are the **channels**: 16 × 14 × 14 has 16 of them. A convolution makes a side of length $n$ into
# $\lfloor (n + 2 \cdot \text{padding} - \text{size}) / \text{stride} \rfloor + 1$: size 3 with padding 1 keeps 14,
# and stride 2, which takes every second place, gives $\lfloor 13 / 2 \rfloor + 1 = 7$. The transposed convolution `up` goes
# back: $2 \cdot (7 - 1) - 2 \cdot 1 + 4 = 14$.

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
       says="A dense layer between the same shapes would have millions.")

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
show_found(["best linear map", "mean of training images", *nets])

# %%
names = ("nothing", "median filter", "total variation", "best linear map",
         "mean of training images", "dense, for σ = 0.5", "convolutional, any noise")
plots.images({"clean": x_test[ten]} | {m: pictures[m, g][ten] for m in names}
             | {sp: pictures["nothing", sp][ten],
                "its median": pictures["median filter", sp][ten]}, zoom=0.7);

# %% [markdown]
# From top to bottom: the filters leave clouds. The linear map gives grey ghosts. The mean of training images is clean,
# but it can only show what it has seen. The networks give clean strokes that follow the image at hand. The last two
# rows show the other corruption: the median's background is nearly black, its strokes are broken.
#
# In the table, the convolutional network has at each corruption a higher PSNR than the dense one that was trained for
# exactly that. Its training takes longer, so the comparison is of these trained networks, not of equal effort. On
# MNIST the dense network for salt and pepper is good under Gaussian noise, too: other noise does not always do harm.

# %%
best_classic = max(found[m, g][1] for m in [*methods, "best linear map"])
conv_g, conv_sp = (found["convolutional, any noise", name][1] for name in (g, sp))
dense_g, dense_sp = found["dense, for σ = 0.5", g][1], found["dense, for 25 %", sp][1]
claim("dense", "PSNR of the dense denoiser, Gaussian σ = 0.5", dense_g, "dB",
      at_least=best_classic + 0.3, baseline=f"best of the six {best_classic:.1f}, "
      f"nothing done {found['nothing', g][1]:.1f}")
claim("convolutional", "PSNR of the convolutional denoiser, Gaussian σ = 0.5", conv_g, "dB",
      at_least=dense_g + 0.2, baseline=f"dense {dense_g:.1f}; {history.seconds:.0f} s of "
      "training for all kinds of noise together")
claim("salt and pepper", "PSNR of the convolutional denoiser, salt and pepper 25 %",
      conv_sp, "dB", at_least=dense_sp + 0.2, baseline=f"dense {dense_sp:.1f}, median "
      f"{found['median filter', sp][1]:.1f}, nothing done {found['nothing', sp][1]:.1f}")

# %% [markdown]
# ## 3 · The best guess at each noise level
#
# What should a network answer when it cannot know? The squared error is smallest for the **posterior mean**
# $\mathbb E[x \mid \tilde x]$: the mean of all clean images that could lie behind $\tilde x$, each with its
# probability. Let $\hat x$ be the answer to one $\tilde x$:
#
# $$\begin{aligned}
# \mathbb E\big[\lVert x - \hat x \rVert^2 \mid \tilde x\big]
#   &= \mathbb E\big[\lVert x \rVert^2 \mid \tilde x\big] - 2\, \hat x \cdot \mathbb E[x \mid \tilde x]
#      + \lVert \hat x \rVert^2 && \text{the square, expanded} \\
# 0 &= -2\, \mathbb E[x \mid \tilde x] + 2\, \hat x && \text{gradient at the minimum (second derivative } 2I) \\
# \hat x &= \mathbb E[x \mid \tilde x] && \text{the minimum}
# \end{aligned}$$
#
# With little noise one image is likely, and the mean is sharp. With much noise many are likely, and their mean is
# blurred. If each training image is equally probable to be the clean one, Bayes' rule gives the weights $w_i$ of the
# memory with $s = \sigma$: it *is* the posterior mean then. New digits are not among them, so a larger $s$ may do better.
#
# The classic methods' settings are chosen anew for each σ; the network stays the same. (The linear map would need a new
# fit for each σ: we leave it out.)
#
# **Predict.** Which has the higher PSNR at σ = 0.1, nearly clean images: `"network"` or `"total variation"`?

# %%
prediction_little = None

# %%
levels = (0.1, 0.25, 0.5, 1.0)
noise = torch.Generator().manual_seed(4)
test_at = {s: corruption.gaussian(x_test[:200], s, noise) for s in levels}
val_at = {s: corruption.gaussian(x_val[:50], s, noise) for s in levels}
by_level = {name: [] for name in ("nothing", *methods, "convolutional")}


def add(name, output):
    by_level[name].append((metrics.psnr(output, x_test[:200]).mean().item(),
                           metrics.ssim(output, x_test[:200])))

# %%
for s in levels:
    add("nothing", test_at[s])
    for name, (function, settings) in methods.items():
        best = filters.best_setting(function, settings, val_at[s], x_val[:50])
        add(name, function(test_at[s], best))
    with torch.no_grad():
        add("convolutional", conv(test_at[s]))

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 3.6))
markers = ["x--", "s-", "^-", "v-", "P-", "D-", "o-"]
colours = [plots.SKY, plots.ORANGE, plots.GREEN, plots.PURPLE, plots.VERMILION, "black",
           plots.BLUE]
for (method, values), marker, colour in zip(by_level.items(), markers, colours):
    for axis, column in zip(axes, np.array(values).T, strict=True):
        axis.plot(levels, column, marker, label=method, color=colour, markersize=5)
axes[0].set(xlabel="σ of the noise (white = 1)", ylabel="PSNR (dB)")
axes[1].set(xlabel="σ of the noise (white = 1)", ylabel="SSIM", ylim=(0, 1))
axes[1].legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5));

# %%
four = torch.cat([test_at[s][ten[4:5]] for s in levels])
with torch.no_grad():
    guesses = conv(four)
plots.images({"noisy": four, "convolutional": guesses,
              "clean": x_test[ten[4:5]].expand(len(levels), -1)},
             columns=[f"σ = {s:g}" for s in levels], zoom=1.1);

# %% [markdown]
# By PSNR the network (blue circles) leads in the middle, with one set of weights. On MNIST total variation (pink) is
# ahead at σ = 0.1 by PSNR, though not by SSIM: nearly everything is visible there, and little needs to be guessed. The memory (black) loses least
# from left to right. It can only show what it has seen, so it falls behind where details can be seen. On MNIST it
# overtakes the network at σ = 1: a better answer exists there, and our briefly trained network has not learned it.
#
# In the digits, the network's output becomes softer from left to right. At σ = 1 more training would help. But no
# training would make it sharp: some softness is the answer that the squared error asks for.

# %%
gain = {s: net[0] - nothing[0] for s, net, nothing
        in zip(levels, by_level["convolutional"], by_level["nothing"], strict=True)}
claim("gain", "Decibels gained by the convolutional denoiser at σ = 1", gain[1.0], "dB",
      at_least=6, baseline=f"at σ = 0.1 {gain[0.1]:.1f}")
lead_at = [net[0] - max(v[i][0] for m, v in by_level.items() if m != "convolutional")
           for i, net in enumerate(by_level["convolutional"])]
claim("in the middle", "Its lead over the best other method, smaller of σ = 0.25 and 0.5",
      min(lead_at[1:3]), "dB", at_least=0.5)
claim("heavy noise", "The memory's lead over it at σ = 1",
      by_level["mean of training images"][3][0] - by_level["convolutional"][3][0], "dB",
      at_least=0, holds_on=("mnist",))

# %% [markdown]
# ### Move it yourself
#
# The slider works in a running notebook. Where do *you* stop reading the digit?

# %%
def compare(sigma):
    at_sigma = corruption.gaussian(x_test[ten], sigma, torch.Generator().manual_seed(5))
    filtered = filters.total_variation(at_sigma, found["total variation", g][0])
    with torch.no_grad():
        return plots.images({"noisy": at_sigma, "total variation": filtered,
                             "convolutional": conv(at_sigma), "clean": x_test[ten]})


widgets.sliders(compare, {"σ": ([i / 10 for i in range(16)], 0.7)})

# %% [markdown]
# The stored picture shows σ = 0.7. In most columns the network still gives the digit that was there, in a few it gives
# strokes that were not. The filter gives clouds.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %%
little = by_level["convolutional"][0][0] - by_level["total variation"][0][0]
score([("best of the six classic methods (dB)", prediction_classic, best_classic),
       ("one network for all noise beats the dense one", prediction_conv,
        "yes" if conv_g > dense_g else "no"),
       ("better at σ = 0.1", prediction_little,
        "network" if little > 0 else "total variation")])

# %% [markdown]
# ## 5 · What to keep
#
# - Tune every competitor on validation images, for each kind and amount of noise.
# - Some methods know that neighbouring pixels resemble each other, others have seen digits. Where much must be guessed,
#   the second kind has more to go on.
# - A convolution shares its weights over all places. Skip connections carry details past the bottleneck.
# - The answer with the smallest squared error is the posterior mean. It is soft where the noise hides much.
#
# **Next:** [04b](04b_score.ipynb) shows what a denoiser knows about the distribution of the data.
#
# ### Papers
# - L. I. Rudin, S. Osher, E. Fatemi (1992). *Nonlinear total variation based noise removal algorithms.* Physica D 60,
#   259–268.
# - Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli (2004). *Image quality assessment: from error visibility to
#   structural similarity.* IEEE Transactions on Image Processing 13, 600–612.
