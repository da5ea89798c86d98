# %% [markdown]
# # 06cb · What a single unit means
#
# **Promise.** You will compare the units of three VAEs, and find the directions of a code that make a digit thicker or
# more slanted.
#
# **After this unit you can**
# 1. say what the prior does to single units, and what it leaves open;
# 2. walk along a unit or a direction of the code, and measure what changes.
#
# **Before it:** unit 06; unit 02c (thickness and slant) helps. **Time:** about {minutes} minutes; the cells run in less
# than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from aecourse import data, diagrams, metrics, plots, vae
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import sample_code
from aecourse.train import fit

plots.use_style()
digits = data.load()
claim = Claims("06", digits.name)

# %%
diagrams.flow({"x": (0, 1, "the same images", plots.SKY),
               "a": (1.8, 2, "VAE, seed 0", plots.ORANGE),
               "b": (1.8, 1, "VAE, seed 1", plots.ORANGE),
               "d": (1.8, 0, "VAE, seed 2", plots.ORANGE),
               "p": (3.6, 2, "20 units", plots.GREEN),
               "q": (3.6, 1, "20 units", plots.GREEN),
               "r": (3.6, 0, "20 units", plots.GREEN),
               "c": (5, 1, "the same\nunits?")},
              dict.fromkeys([("x", "a"), ("x", "b"), ("x", "d"), ("a", "p"), ("b", "q"),
                             ("d", "r"), ("p", "c"), ("q", "c"), ("r", "c")], ""),
              size=(10.5, 3.2));

# %% [markdown]
# Three networks differ in their random seed only.
#
# ## 1 · Units of three networks
#
# If single units had a fixed meaning, then different trainings should find the same units. We train three VAEs with 20
# units, from three seeds, and encode the training images.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = digits.x_train[train]
few = x[:15_000]

# %%
b_few = data.binarised(few, torch.Generator().manual_seed(7))
models = [vae.new([784, 400, 20], x, seed) for seed in range(3)]
means, samples = [], []  # one for each seed: (15000, 20)
for seed, model in enumerate(models):
    fit(model, (few,), vae.negative_elbo(), epochs=4, batch=128, lr=3e-3, one_cycle=True,
        seed=seed)
    with torch.no_grad():
        mu, logvar = model.encode(b_few)
    means.append(mu)
    samples.append(sample_code(mu, logvar, torch.Generator().manual_seed(8)))

# %%
def largest_correlation(z):  # of two different units, in absolute value
    return (torch.corrcoef(z.T) - torch.eye(20)).abs().max().item()


table(["seed", "largest |mean|", "smallest standard deviation",
       "largest standard deviation", "largest |correlation|"],
      [[seed, z.mean(0).abs().max().item(), z.std(0).min().item(), z.std(0).max().item(),
        largest_correlation(z)] for seed, z in enumerate(samples)])

# %% [markdown]
# The prior has mean 0, standard deviation 1 and no correlations. The means are near 0. The standard deviations are near
# 1, on MNIST a little above it. Some pairs of units are correlated. This does not make the aggregated posterior the prior
# (unit 06c): a density is more than the mean and the variance of each unit.
#
# Now we ask whether the units are *the same*. For each unit of seed 1 we look for the unit of seed 0 with the largest
# correlation (in absolute value). And we predict all units of seed 1 from the **whole code** of seed 0 by linear
# regression. Its $R^2$ is the fraction of the variance that is predicted.
#
# **Predict.** What is the correlation (absolute value) with the best matching unit, from 0 to 1, on average over the
# units?

# %%
prediction_match = None

# %%
def best_match(a, b):  # codes (N, 20) → mean over the units of b
    both = torch.corrcoef(torch.cat([a, b], 1).T)[:20, 20:].abs()  # (of a, of b)
    return both.amax(0).mean().item()


def predicted(a, b):  # R² of b by linear regression on a
    a, b = a - a.mean(0), b - b.mean(0)
    missed = b - a @ torch.linalg.lstsq(a, b).solution
    return (1 - missed.square().sum() / b.square().sum()).item()

# %%
random = torch.linalg.qr(torch.randn(20, 20, generator=torch.Generator().manual_seed(1)))[0]
rows = [[f"seed {seed}", best_match(means[0], means[seed]),
         predicted(means[0], means[seed])] for seed in (1, 2)]
rows.append(["seed 0, rotated at random", best_match(means[0], means[0] @ random),
             predicted(means[0], means[0] @ random)])
table(["compared with seed 0", "best unit, |correlation|", "whole code, R²"], rows)
match = (rows[0][1] + rows[1][1]) / 2
score([("mean |correlation| with the best unit", prediction_match, match)])

# %% [markdown]
# The last row shows how alike units are after a random rotation of *one* code. Units of two networks are, on average, no
# more alike than that. Yet the whole code of one network nearly determines the whole code of the other.
#
# The prior $\mathcal N(0, I)$ is the same in every direction, so it does not fix the units. Many texts conclude that the
# code may be rotated freely. This is too strong. If we rotate the code, $z' = U z$, and let the decoder rotate back, then
# $\log p(x)$ stays the same. But the encoder's $q$ has a **diagonal** covariance, and after a rotation the posterior's
# is not diagonal. How much does this cost?
#
# Suppose that $q$ was exact before, so the posterior of $z$ is $\mathcal N(\mu, \Sigma)$ with $\Sigma = \operatorname{diag}
# \sigma^2$. Let $\lambda_j = 1 / \sigma_j^2$ be its precisions. The covariance of $z' = U z$ is $U \Sigma U^\top$. Since
# $U^{-1} = U^\top$, its inverse, the precision matrix, is $\Lambda = U \Sigma^{-1} U^\top = U \operatorname{diag}(\lambda)\,
# U^\top$.
#
# The ELBO is $\log p(x)$ minus the KL divergence of $q$ from the posterior. The new $q$ is a diagonal Gaussian with
# variances $s_j^2$. Its best mean is the posterior's, since a difference $d$ of the means adds $\frac12 d^\top \Lambda d
# \ge 0$ to the KL divergence. So with equal means:
#
# $$\begin{aligned}
# \mathrm{KL} &= \tfrac12 \Big( \textstyle\sum_j \Lambda_{jj} s_j^2 - K - \sum_j \log s_j^2 - \log \det \Lambda \Big)
#   && \text{KL of two Gaussians (cited)} \\
# &\ge \tfrac12 \Big( \textstyle\sum_j \log \Lambda_{jj} - \log \det \Lambda \Big)
#   && \text{the minimum, at } s_j^2 = 1 / \Lambda_{jj} \\
# &= \tfrac12 \Big( \textstyle\sum_j \log \Lambda_{jj} - \sum_j \log \lambda_j \Big)
#   && \text{a rotation keeps the determinant}
# \end{aligned}$$
#
# The last line is the price of the rotation, in nats of the ELBO. It is never negative, since a KL divergence is not. It
# is 0 without a rotation, and also if all $\lambda_j$ are equal, since then $\Lambda = \lambda\, U U^\top = \lambda I$. So
# units with equal precisions may be rotated freely. (Exchanging units and changing their signs is free, too.)

# %%
with torch.no_grad():
    precision = (-models[0].encode(b_few[:2000])[1]).exp()  # λ, (2000, 20)


def price_of(precision):  # λ, (N, 20) → price of the random rotation, in nats
    diagonal = precision @ random.square().T  # Λ_jj, (N, 20)
    return (diagonal.log() - precision.log()).sum(1).mean().item() / 2

# %%
price = price_of(precision)
print(f"price of the random rotation: {price:.2f} nats")

# %%
spread = sum(z.std(0).mean().item() for z in samples) / 3
claim("units look right", "Standard deviation of single units over codes of images, mean",
      spread, near=1, within=0.2, seeds=3,
      baseline="largest correlation of two units "
      f"{max(map(largest_correlation, samples)):.2f}")
claim("turned", "Best |correlation| of a unit with one unit of another seed, mean", match,
      at_most=0.65, seeds=3,
      baseline=f"whole code, R² {(rows[0][2] + rows[1][2]) / 2:.2f}; one code, rotated at "
      f"random, {rows[2][1]:.2f}")
claim("not free", "Price of a random rotation of the code, if the encoder were exact",
      price, "nats", at_least=0.2)

# %%
times = 1  # the factor for the precisions of ten units
uneven = torch.cat([times * precision[:, :10], precision[:, 10:]], 1)  # (2000, 20)
of_uneven = price_of(uneven)
print(f"ten precisions times {times}: price {of_uneven:.2f} nats")

# %%
try_it("Change `times = 1` to `times = 16`. What is the price of the rotation now?", None,
       of_uneven, changed=times == 16,
       says="Compare with times = 1: does it cost more if the precisions differ more?")

# %% [markdown]
# A random rotation has a price, so the diagonal $q$ prefers some axes (Rolinek and others 2019). The price is small
# compared with a loss of more than 100 nats, and these brief trainings, from different seeds, have not agreed on axes.
#
# ## 2 · Walks along a unit and along a direction
#
# What does a unit of the code mean? Take a code, set *one* unit to values from −2.5 to 2.5, decode, and measure the
# thickness and the slant of the digit. Every unit gets such a walk, over 200 images. The **reach** of a walk is the
# difference between the largest and the smallest mean of the property along it.
#
# For comparison we walk along a **direction**: the vector of length 1 along which a property rises most, found by linear
# regression of the property on the code. (On the built-in digits the pen's true thickness and slant are known, and the
# regression uses these.)
#
# **Predict.** Divide the reach of the thickness along its direction by the largest reach along a single unit. What is
# the result?

# %%
prediction_further = None

# %%
def direction(name):  # (20,), of length 1
    if digits.drawn_train:
        true = torch.from_numpy(np.asarray(digits.drawn_train[name])).float()
        known = true[train][:15_000]
    else:
        known = getattr(metrics, name)(few)  # (15000,)
    centred = means[0] - means[0].mean(0)
    slope = torch.linalg.lstsq(centred, (known - known.mean())[:, None]).solution[:, 0]
    return slope / slope.norm()

# %%
def set_along(z, way, value):  # codes (N, 20) whose coordinate along the way (20,) is set
    return z - (z @ way)[:, None] * way + value * way

# %% [markdown]
# First one image. Each row is a walk along one unit of the code.

# %%
values = torch.linspace(-2.5, 2.5, 11)
start = means[0][:1]  # (1, 20), the code of one image
with torch.no_grad():
    walks = {f"unit {unit}": torch.sigmoid(models[0].decode(torch.cat(
        [set_along(start, torch.eye(20)[unit], value) for value in values])))
        for unit in range(4)}
    for name in ("thickness", "slant"):
        z = torch.cat([set_along(start, direction(name), value) for value in values])
        walks[name] = torch.sigmoid(models[0].decode(z))
plots.images(walks, columns=[f"{value:.1f}" for value in values], zoom=0.75);

# %% [markdown]
# Units 0 to 3 change the shape of the digit, and some of them its thickness, too. Along the direction of thickness, the
# digit gets thicker and stays the same digit. Along the direction of slant, it gets more slanted. At one end of this walk
# its shape changes, too, and it is no longer the same digit.
#
# Now 200 images, all 20 units and both directions.

# %%
many = means[0][:200]  # (200, 20)


@torch.no_grad()
def walked(name, way):  # the mean property after each step, (11,)
    decoded = [torch.sigmoid(models[0].decode(set_along(many, way, value)))
               for value in values]
    return torch.stack([getattr(metrics, name)(images).mean() for images in decoded])


curves = {name: torch.stack([walked(name, way) for way in
                             (*torch.eye(20), direction(name))])  # (21, 11)
          for name in ("thickness", "slant")}
reach = {name: curve.amax(1) - curve.amin(1) for name, curve in curves.items()}  # (21,)
best = {name: reach[name][:20].argmax().item() for name in reach}

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3))
units = {"thickness": "pixels", "slant": "pixels per pixel"}
for axis, (name, unit) in zip(axes, units.items(), strict=True):
    axis.plot(values, curves[name][:20].T, color="lightgrey")
    axis.plot(values, curves[name][best[name]], "o-", color=plots.BLUE, label="best unit")
    axis.plot(values, curves[name][20], "s-", color=plots.ORANGE, label="direction")
    axis.set(xlabel="value along the walk", ylabel=f"{name} ({unit})")
    axis.legend(frameon=False)
further = {name: (reach[name][20] / reach[name][:20].max()).item() for name in reach}
score([("thickness: direction over best unit", prediction_further, further["thickness"])])

# %% [markdown]
# Grey lines are the other units. Both directions move their property further than any single unit does. Many units move
# it a little. Nothing in the loss asks a unit to stand for one property. Every walk goes from −2.5 to 2.5, whatever the
# standard deviation of the codes along it. The table shows this standard deviation for the codes of images.

# %%
table(["property", "codes along the direction, standard deviation", "along the best unit"],
      [[name, (means[0] @ direction(name)).std().item(),
        means[0][:, best[name]].std().item()] for name in reach])

# %%
for name in reach:
    real = getattr(metrics, name)(digits.x_test).std().item()
    claim(f"moves {name}", f"{name.capitalize()} moved along its direction, relative to "
          "the standard deviation of real images", reach[name][20] / real, "times",
          at_least=1, baseline="along the best single unit "
          f"{reach[name][best[name]] / real:.1f}")

claim("direction", "Reach along the direction over that along the best single unit, the "
      "smaller of thickness and slant", min(further.values()), "times", at_least=1)

# %% [markdown]
# Does a direction change its own property only?

# %%
along = "thickness"  # the direction of the walk
curve = walked("thickness", direction(along))  # (11,)
moved = (curve.max() - curve.min()).item()
print(f"along the direction of {along}: the thickness moves by {moved:.2f} pixels")

# %%
other = walked("slant", direction("thickness"))  # (11,)
print(f"the slant moves by {other.max() - other.min():.2f} along the direction of thickness"
      f", along its own by {reach['slant'][20]:.2f} (pixels per pixel)")

# %%
try_it("Change `along = \"thickness\"` to `\"slant\"`. By how many pixels does the "
       "thickness move now?", None, moved, changed=along == "slant",
       says="It would be 0 if this direction changed the slant only.")

# %% [markdown]
# The regression finds the direction along which one property rises most. It is not asked to keep another property fixed.

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - The prior pulls the mean and variance of single units towards 0 and 1. It does not fix what they mean.
# - Different seeds find different units, and nearly the same whole code.
# - With a diagonal $q$ a rotation costs nats in general. Units of equal precision may be rotated freely.
# - To change a property, walk along a direction found by regression.
#
# **Next:** [06d](06d_gradients.ipynb), gradients of expectations.
#
# ### Papers
# - M. Rolinek, D. Zietlow, G. Martius (2019). *Variational autoencoders pursue PCA directions (by accident).* CVPR.
# - I. Higgins and others (2017). *beta-VAE: learning basic visual concepts with a constrained variational framework.*
#   ICLR.
