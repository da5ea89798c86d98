# %% [markdown]
# # 04aa · The best guess at each noise level
#
# **Promise.** You will derive which answer to a noisy image has the smallest squared error, compute it for the training
# images, and see at which noise levels which denoiser leads.
#
# **After this unit you can**
# 1. derive the posterior mean, and say why it is sharp or soft;
# 2. compare denoisers over noise levels, each at its best setting.
#
# **Before it:** unit 04a. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from aecourse import corruption, data, diagrams, filters, metrics, plots, widgets
from aecourse.claims import Claims, score, try_it
from aecourse.models import PCA, ConvDenoiser
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)

# %%
diagrams.flow({"x": (0, 0, "noisy image $\\tilde x$", plots.YELLOW),
               "a": (2, 1, "clean image $x_1$, probability $w_1$", plots.SKY),
               "b": (2, 0, "clean image $x_2$, probability $w_2$", plots.SKY),
               "c": (2, -1, "…", plots.SKY),
               "m": (4.2, 0, "best guess\n$w_1 x_1 + w_2 x_2 + …$", plots.GREEN)},
              dict.fromkeys([("x", "a"), ("x", "b"), ("x", "c"), ("a", "m"), ("b", "m"),
                             ("c", "m")], ""), size=(10, 3));

# %% [markdown]
# A noisy image can come from several clean ones. Their mean, weighted by their probabilities, has the smallest
# squared error.
#
# ## 1 · The posterior mean
#
# What should a network answer when it cannot know? The squared error is smallest for the **posterior mean**
# $\mathbb E[x \mid \tilde x]$: the mean of all clean images that could lie behind $\tilde x$, each with its
# probability. Let $\hat x$ be the answer to one $\tilde x$:
#
# $$\begin{aligned}
# \mathbb E\big[\lVert x - \hat x \rVert^2 \mid \tilde x\big]
#   &= \mathbb E\big[\lVert x \rVert^2 \mid \tilde x\big] - 2\, \hat x \cdot \mathbb E[x \mid \tilde x]
#      + \lVert \hat x \rVert^2 && \text{the square, expanded} \\
# 0 &= -2\, \mathbb E[x \mid \tilde x] + 2\, \hat x && \text{gradient at the minimum; the Hessian } 2I \text{ is positive} \\
# \hat x &= \mathbb E[x \mid \tilde x] && \text{the minimum}
# \end{aligned}$$
#
# Suppose that the clean image is one of the training images $x_1, \dots, x_n$, all equally probable. Then the mean can
# be computed:
#
# $$\begin{aligned}
# P(x_i \mid \tilde x) &= \frac{\mathcal N(\tilde x; x_i, \sigma^2 I)}
#   {\sum_j \mathcal N(\tilde x; x_j, \sigma^2 I)} && \text{Bayes' rule; the equal priors cancel} \\
# &\propto \exp(-\lVert \tilde x - x_i \rVert^2 / 2 \sigma^2) && \text{the density of the noise} \\
# \mathbb E[x \mid \tilde x] &= \textstyle\sum_i P(x_i \mid \tilde x)\, x_i && \text{the definition of a mean}
# \end{aligned}$$
#
# These are the weights $w_i$ of unit 04a's weighted mean, with $s = \sigma$. `filters.weighted_mean` computes it.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_val = digits.x_train[train], digits.x_train[valid][:50]
x_test, y_test = digits.x_test[:1000], digits.y_test[:1000]
ten = plots.first_of_each(y_test)


def images_for_half(sigma):  # how many training images together have half of the weight
    noisy = corruption.gaussian(x_test[:200], sigma, torch.Generator().manual_seed(5))
    distances = torch.cdist(noisy, x).square()  # (200, images)
    weights = torch.softmax(-distances / (2 * sigma**2), 1)
    sums = weights.sort(1, descending=True).values.cumsum(1)  # of the largest weights
    return (sums < 0.5).sum(1) + 1  # (200,)

# %% [markdown]
# **Predict.** Under noise with σ = 1 many digits are hard to read. How many of the training images together have half
# of the weight (the median over 200 noisy test images)?

# %%
prediction_half = None

# %%
half = images_for_half(1.0).median().item()
print(f"σ = 1: {half} training images have half of the weight")
score([("images with half of the weight", prediction_half, half)])

# %% [markdown]
# Even under so much noise very few of the training images are probable: in 784 pixels, the distances of the noisy image
# to different training images differ much, compared with 2σ². So this mean is sharp. But a new digit is *not* among the
# training images. This is a likely reason why unit 04a chose $s = 1.4$ under noise with σ = 0.5: a larger $s$ takes the
# mean of more neighbours.

# %%
claim("few images", "Training images that have half of the weight at σ = 1, median",
      half, at_most=20)

# %%
stronger = 1.0
counted = images_for_half(stronger).median().item()
print(f"σ = {stronger}: {counted} training images")

# %%
try_it("Change `stronger = 1.0` to `stronger = 2.0`. How many images have half of "
       "the weight now?", None, counted, changed=stronger == 2,
       says="Is their mean sharp or soft?")

# %% [markdown]
# ## 2 · Four noise levels
#
# We compare the denoisers of unit 04a at four noise levels. The classic methods' settings are chosen anew for each σ.
# The convolutional network (`models.ConvDenoiser`) stays the same; it was trained on any noise. (The linear map would
# need a new fit for each σ: we leave it out.)
#
# **Predict.** At how many of the four noise levels σ = 0.1, 0.25, 0.5 and 1 has the network the highest PSNR of all
# methods?

# %%
prediction_levels = None

# %%
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
with seeded(0):
    conv = ConvDenoiser()
fit(conv, (x[:45_000],), corruption.denoising(corruption.any_kind), epochs=2 * more,
    batch=64, lr=4e-3, one_cycle=True)

# %%
pca = PCA(x, 120)
methods = filters.CLASSIC | {
    "PCA": (lambda noisy, k: pca.decode(pca.encode(noisy, k)),
            (10, 20, 30, 40, 60, 80, 120)),
    "weighted mean": (lambda noisy, s: filters.weighted_mean(noisy, x, s),
                      (0.7, 1.0, 1.4, 2.0))}

# %%
levels = (0.1, 0.25, 0.5, 1.0)
noise = torch.Generator().manual_seed(4)
test_at = {s: corruption.gaussian(x_test[:200], s, noise) for s in levels}
val_at = {s: corruption.gaussian(x_val[:50], s, noise) for s in levels}
by_level = {name: [] for name in ("not denoised", *methods, "convolutional")}


def add(name, output):
    by_level[name].append((metrics.psnr(output, x_test[:200]).mean().item(),
                           metrics.ssim(output, x_test[:200])))

# %%
for s in levels:
    add("not denoised", test_at[s])
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
rivals = [max(v[i][0] for m, v in by_level.items() if m != "convolutional")
          for i in range(4)]
lead_at = [net[0] - rival for net, rival
           in zip(by_level["convolutional"], rivals, strict=True)]
score([("levels at which the network leads", prediction_levels,
        sum(lead > 0 for lead in lead_at))])

# %% [markdown]
# By PSNR the network (blue circles) leads in the middle, with one set of weights. On MNIST total variation (pink) is
# ahead at σ = 0.1 by PSNR, though not by SSIM: nearly everything is visible there, and little needs to be guessed. The
# weighted mean (black) loses least from left to right. It can only show what it has seen, so it falls behind where
# details can be seen. On MNIST it overtakes the network at σ = 1: a better answer exists there, and our briefly trained
# network has not learned it.

# %%
four = torch.cat([test_at[s][ten[4:5]] for s in levels])
with torch.no_grad():
    guesses = conv(four)
plots.images({"noisy": four, "convolutional": guesses,
              "clean": x_test[ten[4:5]].expand(len(levels), -1)},
             columns=[f"σ = {s:g}" for s in levels], zoom=1.1);

# %% [markdown]
# Up to σ = 0.5 the network's output is about as sharp as the clean digit. At σ = 1 it is soft: the network leaves
# several digits possible and gives a mean of them. More training might help there.

# %%
gain = {s: net[0] - noisy[0] for s, net, noisy
        in zip(levels, by_level["convolutional"], by_level["not denoised"], strict=True)}
claim("gain", "Decibels gained by the convolutional denoiser at σ = 1", gain[1.0], "dB",
      at_least=6, baseline=f"at σ = 0.1 {gain[0.1]:.1f}")
claim("in the middle", "Its lead over the best other method, smaller of σ = 0.25 and 0.5",
      min(lead_at[1:3]), "dB", at_least=0.5)
claim("heavy noise", "Lead of the weighted mean of training images over it at σ = 1",
      by_level["weighted mean"][3][0] - by_level["convolutional"][3][0], "dB",
      at_least=0, holds_on=("mnist",))

# %% [markdown]
# The network was trained with σ up to 1. Beyond, nothing tells it what to do.

# %%
beyond = 1.0  # σ of the test
far = corruption.gaussian(x_test, beyond, torch.Generator().manual_seed(9))
with torch.no_grad():
    of_far = metrics.psnr(conv(far), x_test).mean().item()
of_mean = metrics.psnr(filters.weighted_mean(far, x, 2.0), x_test).mean()
print(f"σ = {beyond}: before {metrics.psnr(far, x_test).mean():.1f} dB, "
      f"after the network {of_far:.1f} dB, weighted mean {of_mean:.1f} dB")

# %%
try_it("Change `beyond = 1.0` to `beyond = 1.5`. How many decibels have the images after "
       "the network?", None, of_far, changed=beyond == 1.5,
       says="Compare with the weighted mean.")

# %% [markdown]
# ### Move it yourself
#
# The slider works in a running notebook. Where do *you* stop reading the digit?

# %%
def compare(sigma):
    at_sigma = corruption.gaussian(x_test[ten], sigma, torch.Generator().manual_seed(5))
    filtered = filters.total_variation(at_sigma, 0.4)
    with torch.no_grad():
        return plots.images({"noisy": at_sigma, "total variation": filtered,
                             "convolutional": conv(at_sigma), "clean": x_test[ten]})


widgets.sliders(compare, {"σ": ([i / 10 for i in range(16)], 0.7)})

# %% [markdown]
# The stored picture shows σ = 0.7. In most columns the network still gives the digit that was there, in a few it gives
# strokes that were not. The filter gives grey blotches.
#
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - The answer with the smallest squared error is the posterior mean. It is soft where the noise leaves several clean
#   images possible.
# - If only the training images were possible, it would be their weighted mean with $s = \sigma$. For new images a
#   larger $s$ can have the smaller error.
# - Which method comes first depends on the noise level.
#
# **Next:** [04b](04b_score.ipynb) shows what a denoiser knows about the distribution of the data.
#
# ### Papers
# - H. Robbins (1956). *An empirical Bayes approach to statistics.* Proceedings of the Third Berkeley Symposium 1,
#   157–163.
