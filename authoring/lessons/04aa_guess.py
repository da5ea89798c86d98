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
from aecourse.claims import Claims, score, table, try_it
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
              {("x", "a"): "could have been", ("x", "b"): "", ("x", "c"): "could have been",
               ("a", "m"): "", ("b", "m"): "", ("c", "m"): ""}, size=(10, 3));

# %% [markdown]
# A noisy image can come from several clean ones. Their mean, weighted by their probabilities, has the smallest
# squared error.
#
# ## 1 · The posterior mean
#
# What should a network answer when it cannot know? The squared error is smallest for the **posterior mean**
# $\mathbb E[x \mid \tilde x]$: the mean of all clean images that could have produced $\tilde x$, each with
# its probability. Let $\hat x$ be the answer to one $\tilde x$:
#
# $$\begin{aligned}
# \mathbb E\big[\lVert x - \hat x \rVert^2 \mid \tilde x\big]
#   &= \mathbb E\big[\lVert x \rVert^2 \mid \tilde x\big] - 2\, \hat x \cdot \mathbb E[x \mid \tilde x]
#      + \lVert \hat x \rVert^2 && \text{expand the square; } \hat x \text{ is a constant, given } \tilde x \\
# 0 &= -2\, \mathbb E[x \mid \tilde x] + 2\, \hat x && \text{set the gradient with respect to } \hat x \text{ to } 0 \\
# \hat x &= \mathbb E[x \mid \tilde x] && \text{the only minimum, as the Hessian is } 2I
# \end{aligned}$$
#
# Suppose that the clean image is one of the training images $x_1, \dots, x_n$, all equally probable. Then the mean can
# be computed. ($\mathcal N(\tilde x; x_i, \sigma^2 I)$ is the density of Gaussian noise around $x_i$, at the point
# $\tilde x$. Estimating posterior means from data, without a known prior, is *empirical Bayes*, Robbins 1956.)
#
# $$\begin{aligned}
# w_i = P(x_i \mid \tilde x) &= \frac{\mathcal N(\tilde x; x_i, \sigma^2 I)}
#   {\sum_j \mathcal N(\tilde x; x_j, \sigma^2 I)} && \text{Bayes' rule; the equal priors cancel} \\
# &\propto \exp(-\lVert \tilde x - x_i \rVert^2 / 2 \sigma^2) && \text{the Gaussian density; what is equal for all } i \text{ is left out} \\
# \mathbb E[x \mid \tilde x] &= \textstyle\sum_i w_i\, x_i && \text{the definition of a mean}
# \end{aligned}$$
#
# The $w_i$ are the weights of unit 04a's weighted mean, with $s = \sigma$. `filters.weighted_mean` computes it.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_val = digits.x_train[train], digits.x_train[valid][:50]
x_test, y_test = digits.x_test[:1000], digits.y_test[:1000]
ten = plots.first_of_each(y_test)
print(f"{len(x):,} training images; tests on the first 200 of {len(x_test):,} test images")

# %%
def squared_distances(sigma):  # from 200 noisy test images to all training images
    noisy = corruption.gaussian(x_test[:200], sigma, torch.Generator().manual_seed(5))
    return torch.cdist(noisy, x).square()  # (200, training images)


def images_for_half(sigma, s):  # how many training images together have half of the weight
    weights = torch.softmax(-squared_distances(sigma) / (2 * s**2), 1)
    sums = weights.sort(1, descending=True).values.cumsum(1)  # of the largest weights
    return (sums < 0.5).sum(1) + 1  # (200,)

# %% [markdown]
# **Predict.** Under noise with σ = 1 many digits are hard to read. How many of all the training images together have
# half of the weight (the median over 200 noisy test images)?

# %%
prediction_half = None

# %%
half = images_for_half(1.0, s=1.0).median().item()
print(f"σ = 1: {half} training images have half of the weight")
score([("images with half of the weight", prediction_half, half)])

# %% [markdown]
# Even under so much noise very few of the training images are probable. The table shows why: how much larger is the
# squared distance to the $k$-th nearest training image than to the nearest, and what weight relative to the nearest does
# that leave?

# %%
near = squared_distances(1.0).topk(100, largest=False).values  # (200, 100), nearest first
gaps = (near - near[:, :1]).median(0).values  # (100,)
table(["training image", "squared distance above nearest", "weight, exp(−gap / 2σ²) (%)"],
      [[f"number {k}", gaps[k - 1].item(), 100 * (-gaps[k - 1] / 2).exp().item()]
       for k in (1, 2, 10, 100)])

# %% [markdown]
# The squared distances differ by more than 2σ² = 2 after very few images. So this mean is sharp. It is sharp because
# only the training images are possible. If every digit that anyone could write is possible, many more lie near
# $\tilde x$, and their mean is softer. A denoiser of *new* digits aims at that second mean.
#
# Unit 04a chose $s = 1.4$ under noise with σ = 0.5. Why more than σ? We compare test images, which are not among the
# training images, with noisy *training* images, for which our assumption holds.

# %%
rows = []
for s in (0.5, 1.4):
    rows.append([s, images_for_half(0.5, s).median().item()])
    for clean in (x_test[:200], x[:200]):
        noisy = corruption.gaussian(clean, 0.5, torch.Generator().manual_seed(5))
        errors = (filters.weighted_mean(noisy, x, s) - clean).square().sum(1)
        rows[-1].append(errors.mean().item())
table(["s", "images with half of the weight", "squared error, test images",
       "squared error, training images"], rows)

# %% [markdown]
# For training images $s = \sigma$ has the smaller error, as derived. For new digits it has the larger one. Even the
# nearest training image differs from a new digit. If this difference were Gaussian, too, with variance $\tau^2$ in each
# pixel, the weights would need $s^2 = \sigma^2 + \tau^2$. A larger $s$ takes the mean of more neighbours.

# %%
claim("assumption", "Squared error with s = 1.4 relative to s = σ = 0.5, new digits",
      rows[1][2] / rows[0][2], "times", at_most=1,
      baseline=f"training images, s = 0.5 {rows[0][3]:.2f}, s = 1.4 {rows[1][3]:.1f}")
claim("few images", "Training images that have half of the weight at σ = 1, median",
      half, at_most=20)

# %%
stronger = 1.0
counted = images_for_half(stronger, s=stronger).median().item()
print(f"σ = {stronger}: {counted} training images")

# %%
try_it("Change `stronger = 1.0` to `stronger = 2.0`. How many images have half of "
       "the weight now?", None, counted, changed=stronger == 2,
       says=f"The mean of {counted} digits is softer than that of {half}.")

# %% [markdown]
# ## 2 · Four noise levels
#
# We compare the denoisers of unit 04a at four noise levels, on 200 test images. The classic methods' settings are chosen
# anew for each σ, on 50 validation images.
# The convolutional network (`models.ConvDenoiser`) stays the same; it was trained on any noise. (The linear map would
# need a new fit for each σ: we leave it out.)
#
# **Predict.** At how many of the four noise levels σ = 0.1, 0.25, 0.5 and 1 does the network have the highest PSNR
# of all methods?

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
table(["PSNR (dB)", *(f"σ = {s:g}" for s in levels)],
      [[m, *(value[0] for value in by_level[m])] for m in
       ("total variation", "weighted mean", "convolutional")])
score([("levels at which the network leads", prediction_levels,
        sum(lead > 0 for lead in lead_at))])

# %% [markdown]
# By PSNR the network (blue circles) leads in the middle, with one set of weights. On MNIST total variation (purple triangles)
# is
# ahead at σ = 0.1 by PSNR, though not by SSIM: nearly everything is visible there, and little needs to be guessed. The
# weighted mean (black diamonds) loses least from left to right. It can only show what it has seen, so it falls behind where
# details can be seen. On MNIST it overtakes the network at σ = 1, so a better answer than the network's exists there.

# %%
four = torch.cat([test_at[s][ten[4:5]] for s in levels])
with torch.no_grad():
    guesses = conv(four)
plots.images({"noisy": four, "convolutional": guesses,
              "clean": x_test[ten[4:5]].expand(len(levels), -1)},
             columns=[f"σ = {s:g}" for s in levels], zoom=1.1);

# %% [markdown]
# Up to σ = 0.5 the network's output is about as sharp as the clean digit. At σ = 1 it is soft, unlike the mean over the
# training images in section 1: for the network, digits outside the training set are possible, too.

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
# The network was trained with σ up to 1. It has never seen stronger noise. The weighted mean gets its $s$ on validation images with
# the same noise.

# %%
beyond = 1.0  # σ of the test
far = corruption.gaussian(x_test, beyond, torch.Generator().manual_seed(9))
with torch.no_grad():
    of_far = metrics.psnr(conv(far), x_test).mean().item()
far_val = corruption.gaussian(x_val, beyond, torch.Generator().manual_seed(8))
best_s = filters.best_setting(*methods["weighted mean"], far_val, x_val)
of_mean = metrics.psnr(filters.weighted_mean(far, x, best_s), x_test).mean()
print(f"σ = {beyond}: before {metrics.psnr(far, x_test).mean():.1f} dB, after the network "
      f"{of_far:.1f} dB, weighted mean with s = {best_s} {of_mean:.1f} dB")

# %%
try_it("Change `beyond = 1.0` to `beyond = 1.5`. What is the PSNR after the network, "
       "in dB?", None, of_far, changed=beyond == 1.5,
       says="Compare with the weighted mean.")

# %% [markdown]
# ### Move it yourself
#
# The slider works in a running notebook. Total variation has its best setting at each σ, chosen on validation images.

# %%
def both(sigma, clean):  # → noisy images, after total variation, after the network
    seed = torch.Generator().manual_seed(5)
    noisy_val, noisy = (corruption.gaussian(y, sigma, seed) for y in (x_val, clean))
    weight = filters.best_setting(*methods["total variation"], noisy_val, x_val)
    with torch.no_grad():
        return noisy, filters.total_variation(noisy, weight), conv(noisy)


def compare(sigma):
    noisy, filtered, output = both(sigma, x_test[ten])
    return plots.images({"noisy": noisy, "total variation": filtered,
                         "convolutional": output, "clean": x_test[ten]})


widgets.sliders(compare, {"σ": ([i / 10 for i in range(1, 16)], 0.7)})

# %% [markdown]
# The stored picture shows σ = 0.7. In most columns the network still gives the digit that was there, in a few it gives
# strokes that were not there. The filter gives grey blotches. Which of the two is ahead in PSNR at small σ?

# %%
def lead(sigma):  # of the network over total variation, in dB
    _, filtered, output = both(sigma, x_test[:200])
    ours, theirs = (metrics.psnr(y, x_test[:200]) for y in (output, filtered))
    return (ours - theirs).mean().item()


sigma_here = 0.05
print(f"σ = {sigma_here}: lead of the network {lead(sigma_here):.1f} dB")

# %%
first_lead = next((k / 20 for k in range(1, 21) if lead(k / 20) > 0), 1.0)
try_it("Raise `sigma_here = 0.05` in steps of 0.05. At which σ does the network lead for "
       "the first time?", None, first_lead, changed=sigma_here != 0.05)

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - The answer with the smallest squared error is the posterior mean. It is soft where many clean images are
#   probable.
# - If only the training images were possible, it would be their weighted mean with $s = \sigma$. For new images a
#   larger $s$ had the smaller error.
# - Which method comes first depends on the noise level.
#
# **Next:** [04b](04b_score.ipynb) shows what a denoiser knows about the distribution of the data.
#
# ### Papers
# - H. Robbins (1956). *An empirical Bayes approach to statistics.* Proceedings of the Third Berkeley Symposium 1,
#   157–163.
