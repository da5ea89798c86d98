# %% [markdown]
# # 04b · What a denoiser knows: the score
#
# **Promise.** You will show that a denoiser points to where the data are dense, check it against a density that is
# known, and follow it from pure noise to new digits.
#
# **After this unit you can**
# 1. derive "residual = σ² · score", and compute both sides for two points on a line;
# 2. read the score off a trained denoiser, and say where it can be trusted;
# 3. generate digits by a chain of denoising steps, and say what such a chain gets wrong.
#
# **Before it:** units 04 and 04a; the gradient of a function of two variables.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from aecourse import corruption, data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import ConvDenoiser, mlp
from aecourse.realism import Judge
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)

# %%
diagrams.flow({"a": (0, 0, "noisy point $\\tilde x$", plots.YELLOW),
               "d": (1.6, 0, "denoiser", plots.ORANGE),
               "m": (3.2, 0, "$E[x \\mid \\tilde x]$", plots.SKY),
               "r": (3.2, 1, "residual\n$E[x \\mid \\tilde x] - \\tilde x$"),
               "s": (5, 1, "score\nresidual / $\\sigma^2$", plots.GREEN)},
              dict.fromkeys([("a", "d"), ("d", "m"), ("m", "r"), ("a", "r"),
                             ("r", "s")], ""),
              size=(9.5, 2.4));

# %% [markdown]
# The diagram is the whole unit. The **residual** is what a denoiser adds to its input. Divided by σ² it is the score, a
# direction that we define now.
#
# ## 1 · Two points on a line
#
# Let the clean data be only two numbers, $-1$ and $+1$, equally probable. Add Gaussian noise with standard deviation
# $\sigma$. The noisy numbers have the density
#
# $$p_\sigma(\tilde x) = \tfrac12 \mathcal N(\tilde x; -1, \sigma^2) + \tfrac12 \mathcal N(\tilde x; +1, \sigma^2),$$
#
# with two hills if σ is small. The **score** is the slope of the logarithm of this density, $\frac{d}{d\tilde x} \log
# p_\sigma(\tilde x)$. It is positive where the density rises, so it points uphill.
#
# Now the denoiser with the smallest squared error. It answers with the **posterior mean** $\mathbb E[x \mid \tilde x]$
# (unit 04a). In Bayes' rule the two prior probabilities ½ cancel:
#
# $$\begin{aligned}
# P(x = 1 \mid \tilde x) &= \frac{\mathcal N(\tilde x; 1, \sigma^2)}
#   {\mathcal N(\tilde x; 1, \sigma^2) + \mathcal N(\tilde x; -1, \sigma^2)} && \text{Bayes' rule} \\
# &= \frac{1}{1 + \exp(-2 \tilde x / \sigma^2)}
#   && \text{since } (\tilde x + 1)^2 - (\tilde x - 1)^2 = 4 \tilde x \\
# \mathbb E[x \mid \tilde x] &= P(x = 1 \mid \tilde x) - P(x = -1 \mid \tilde x)
#   && \text{the values are } \pm 1 \\
# &= \frac{1 - \exp(-2 \tilde x / \sigma^2)}{1 + \exp(-2 \tilde x / \sigma^2)}
#   && P(x = -1 \mid \tilde x) = 1 - P(x = 1 \mid \tilde x) \\
# &= \tanh(\tilde x / \sigma^2) && \text{the definition of tanh}
# \end{aligned}$$

# %%
sigma = 0.6
line = torch.linspace(-2.5, 2.5, 201, requires_grad=True)
hills = (-(line[:, None] - torch.tensor([-1.0, 1.0])).square() / (2 * sigma**2)).exp()
density = hills.sum(1) / (2 * sigma * (2 * np.pi) ** 0.5)  # (201,)
(slope,) = torch.autograd.grad(density.log().sum(), line)  # the score, from its definition
best_guess = torch.tanh(line / sigma**2)  # the best denoiser, from the formula

# %%
at = line.detach()
figure, axes = plt.subplots(1, 3, figsize=(11, 3))
axes[0].plot(at, density.detach())
axes[0].set(title="density of noisy numbers", ylim=(0, None))
axes[1].plot(at, best_guess.detach())
axes[1].plot(at, at, ":", color="grey")
axes[1].set(title="best denoiser (dotted: input)")
axes[2].plot(at, slope, linewidth=5, color=plots.SKY, label="score")
axes[2].plot(at, ((best_guess - line) / sigma**2).detach(), "--", color="black",
             label="residual / σ²")
axes[2].axhline(0, color="grey", linewidth=1)
axes[2].legend(frameon=False)
for axis in axes:
    axis.set_xlabel("noisy number")

# %% [markdown]
# On the left there are two hills. In the middle, the denoiser answers almost $-1$ or $+1$, and is undecided near 0. On
# the right the slope of the log-density, by automatic differentiation, and the denoiser's residual divided by σ² are
# the same curve. Where it is positive, the denoiser moves a number to the right, uphill.

# %%
peaks = int(((density[1:-1] > density[:-2]) & (density[1:-1] > density[2:])).sum())
try_it("Change `sigma = 0.6` to `sigma = 1.2` and run the two cells again. "
       "How many hills has the density now?", None, peaks, changed=sigma == 1.2,
       says="Strong noise melts the two points into one hill, and every arrow points to 0.")

# %%
gap = (slope - (best_guess - line) / sigma**2).abs().max().item()
claim("two points", "Largest gap between residual ÷ σ² and the score, two points on a line",
      gap, at_most=1e-3)

# %% [markdown]
# ## 2 · The general formula
#
# That was no coincidence. The gradient $\nabla$ is with respect to $\tilde x$. Let $x$ have any density $p(x)$, and $\tilde x = x + \sigma \varepsilon$ with $\varepsilon
# \sim \mathcal N(0, I)$. Then
#
# $$\begin{aligned}
# p_\sigma(\tilde x) &= \int p(x)\, \mathcal N(\tilde x; x, \sigma^2 I)\, dx && \text{density of a sum} \\
# \nabla p_\sigma(\tilde x) &= \int p(x)\, \mathcal N(\tilde x; x, \sigma^2 I)\, \frac{x - \tilde x}{\sigma^2}\, dx
#   && \nabla e^{-\lVert \tilde x - x \rVert^2 / 2 \sigma^2} \text{ gives this factor} \\
# \frac{\nabla p_\sigma(\tilde x)}{p_\sigma(\tilde x)} &= \int p(x \mid \tilde x)\, \frac{x - \tilde x}{\sigma^2}\, dx
#   && \text{Bayes: } p(x \mid \tilde x) = p(x)\, \mathcal N(\tilde x; x, \sigma^2 I) / p_\sigma(\tilde x) \\
# \nabla \log p_\sigma(\tilde x) &= \frac{\mathbb E[x \mid \tilde x] - \tilde x}{\sigma^2}
#   && \nabla \log p = \nabla p / p \text{; } \textstyle\int p(x \mid \tilde x)\, dx = 1
# \end{aligned}$$
#
# The left side is the score. The right side has the posterior mean, which a denoiser learns. So **residual = σ² ·
# score** (Miyasawa 1961; Vincent 2011; Alain and Bengio 2014). Two conditions: the noise is Gaussian and *not clipped*,
# and the network can output the posterior mean. In the plane this may be any value. For images in $[0, 1]$ the mean
# lies in $[0, 1]$, too, and a sigmoid at the end does no harm.
#
# ## 3 · Two arcs in the plane
#
# For images nobody knows the true score. In the plane we choose the density ourselves: 24 narrow Gaussians on two arcs,
# with standard deviation 0.1. With noise their variance is $0.1^2 + \sigma^2$, and automatic differentiation gives the
# true score.

# %%
a = torch.linspace(0, np.pi, 12)
arc = torch.stack([a.cos() - 0.5, a.sin() - 0.25], 1)
centres = 1.3 * torch.cat([arc, -arc])  # (24, 2)
generator = torch.Generator().manual_seed(0)

# %%
def sample(n):
    chosen = torch.randint(24, (n,), generator=generator)
    return corruption.gaussian(centres[chosen], 0.1, generator)  # (n, 2)

# %%
def true_score(points, sigma):
    points = points.clone().requires_grad_()
    squares = (points[:, None] - centres).square().sum(-1)  # (n, 24)
    log_p = torch.logsumexp(-squares / (2 * (0.1**2 + sigma**2)), 1)  # up to a constant
    return torch.autograd.grad(log_p.sum(), points)[0]  # (n, 2)

# %% [markdown]
# A small network learns to remove the noise from such points, for two values of σ. It has never seen the formula of the
# density.
#
# **Predict.** The **cosine** between two arrows is 1 if they have the same direction, 0 if they are perpendicular, and
# −1 if they are opposite. We string the arrows at 4,000 noisy points together into one long vector. What will the
# cosine be between the network's vector and the true one, at σ = 0.4?

# %%
prediction_cosine = None

# %%
def train_on_points(sigma):
    with seeded(0):
        net = mlp([2, 64, 64, 2], nn.SiLU)
    loss = corruption.denoising(lambda x, noise: corruption.gaussian(x, sigma, noise))
    fit(net, (points,), loss, epochs=20, batch=200, lr=1e-2, one_cycle=True)
    return net


points = sample(20_000)
planar = {s: train_on_points(s) for s in (0.2, 0.4)}

# %%
@torch.no_grad()
def learned_score(at, sigma):
    return (planar[sigma](at) - at) / sigma**2  # residual / σ²

# %%
agreement = {}
for s in planar:
    seen = corruption.gaussian(sample(4000), s, generator)
    truth, ours = true_score(seen, s), learned_score(seen, s)  # (4000, 2)
    agreement[s] = (F.cosine_similarity(truth.flatten(), ours.flatten(), 0).item(),
                    F.cosine_similarity(truth, ours).mean().item(),
                    ((ours - truth).square().sum() / truth.square().sum()).item())
table(["σ", "cosine of all arrows together", "mean of single cosines",
       "squared error ÷ score²"], [[s, *values] for s, values in agreement.items()])

# %%
grid = torch.cartesian_prod(*[torch.linspace(-2.2, 2.2, 15)] * 2)  # (225, 2)
figure, axes = plt.subplots(1, 2, figsize=(10.5, 4.6), sharey=True)
for axis, s in zip(axes, planar, strict=True):
    axis.scatter(*points[:1500].T, s=3, color=plots.SKY, rasterized=True)
    for field, colour, width in ((true_score(grid, s), "black", 0.009),
                                 (learned_score(grid, s), plots.VERMILION, 0.004)):
        axis.quiver(*grid.T, *(s**2 * field).T, color=colour, angles="xy",
                    scale_units="xy", scale=3, width=width)
    axis.set(title=f"σ = {s:g}", xlabel="x₁", ylabel="x₂", aspect="equal")

# %% [markdown]
# Black is the truth, and the thin orange arrow on top of it the network's residual, both at a third of their length.
# The arrows lead back to the arcs (blue dots), from far away with long steps. The long arrows of both mostly lie on each
# other. They part in the corners, where training put no points: there the network guesses. Near the arcs the arrows
# are too short to compare. Here is a piece of the upper arc, with the score itself in place of the residual:

# %%
piece = torch.cartesian_prod(torch.linspace(-1.3, 0, 9), torch.linspace(0.5, 1.4, 7))
figure, axes = plt.subplots(1, 2, figsize=(10.5, 3.9), sharey=True)
for axis, s in zip(axes, planar, strict=True):
    axis.scatter(*centres.T, s=12, color=plots.SKY)
    for field, colour, width in ((true_score(piece, s), "black", 0.009),
                                 (learned_score(piece, s), plots.VERMILION, 0.004)):
        axis.quiver(*piece.T, *field.T, color=colour, angles="xy", scale_units="xy",
                    scale=40, width=width)
    axis.set(title=f"σ = {s:g}", xlabel="x₁", ylabel="x₂", xlim=(-1.5, 0.2),
             ylim=(0.35, 1.55))

# %% [markdown]
# At σ = 0.4 both arrows agree here, too. At σ = 0.2 they differ in length or direction, most of all below the arc,
# although noisy training points lie there. The table says the same of points drawn as in training: look at its last column. Small
# noise is the harder case. The residual is divided by σ², so half the noise makes the same error of the network four
# times as large, and its square 16 times. (The true score is larger as well, so the last column grows by less.)
#
# The mean of single cosines is smaller than the cosine of all, because on the ridge of the arcs the true score is
# almost 0 and its direction means little. Say which cosine you report.

# %%
claim("score", "Cosine between the denoiser's score and the true one, σ = 0.4",
      agreement[0.4][0], at_least=0.93,
      baseline=f"σ = 0.2 {agreement[0.2][0]:.2f}; mean over points {agreement[0.4][1]:.2f}")
claim("small noise", "Error of the score at σ = 0.2, relative to that at σ = 0.4",
      agreement[0.2][2] / agreement[0.4][2], "times", at_least=2)

# %% [markdown]
# ## 4 · From noise to digits
#
# If a denoiser points to where the data are, follow it. Begin with pure noise and repeat: **denoise, then add noise
# again**. Bengio and others (2013) showed that such a chain, with the right sampling step, generates samples from the
# distribution that the denoiser learned (a *generative stochastic network*).
#
# Our network for images was trained on salt and pepper, too, and is not told σ. So its residual is not exactly a score.
# The chain needs only the idea.

# %%
diagrams.flow({"n": (0, 0, "noise", plots.YELLOW), "d": (1.3, 0, "denoise", plots.ORANGE),
               "x": (2.6, 0, "image", plots.SKY),
               "c": (1.95, 1, "add noise", plots.YELLOW)},
              dict.fromkeys([("n", "d"), ("d", "x"), ("x", "c"), ("c", "d")], ""),
              size=(7, 2.2));

# %% [markdown]
# The arrows form a loop. Each round replaces the image by a new one. The denoiser is the convolutional network of unit
# 04a, trained on any noise (`models.ConvDenoiser`). How real are the results? `Judge` measures the distance to the
# nearest digit in the features of a small classifier, where 1 is as near as unseen real digits are (lesson 03).
#
# **Predict.** Real digits have a distance of about 1, pure noise has about 2. Which distance do the images have after 30
# rounds?

# %%
prediction_chain = None

# %%
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, real = digits.x_train[train][:45_000], digits.x_test[:200]
with seeded(0):
    conv = ConvDenoiser()
fit(conv, (x,), corruption.denoising(corruption.any_kind), epochs=2 * more, batch=64,
    lr=4e-3, one_cycle=True)
judge = Judge(digits)

# %%
@torch.no_grad()
def chain(sigma, steps):
    noise = torch.Generator().manual_seed(8)
    states = [torch.rand(200, 784, generator=noise)]  # 200 chains begin with pure noise
    for _ in range(steps):
        states.append(conv(corruption.gaussian(states[-1], sigma, noise)))
    return states

# %%
states = chain(sigma=1.0, steps=100)
walk = {"noise": states[0], "1 step": states[1]}
walk |= {f"{n} steps": states[n] for n in (3, 10, 30, 100)}
plots.images({name: images[:10] for name, images in walk.items()}, zoom=0.75);

# %%
rows = {name: (judge.distance(images).median().item(), images.mean().item(),
               torch.bincount(judge.classes(images), minlength=10).max().item() / 2)
        for name, images in (walk | {"real digits": real}).items()}
table(["images", "distance to real digits", "mean grey", "most frequent class (%)"],
      [[name, *values] for name, values in rows.items()])

# %% [markdown]
# After one step there are ten different blurs: in each noise the network sees something else. After some tens of steps
# strokes have formed, and by this measure the samples are nearly as close to digits as real ones are. Your eye is
# stricter: a part of them are digits, the others are only strokes.
#
# Now read the other columns. With more steps the samples have less ink. The share of the most frequent class has a
# standard error of about 2.5 points with 200 samples, so only the largest differences mean something. Each step gives a
# *mean*, and a mean leaves out what is rare. This may be why ink is lost. A measure of realism alone would not have
# noticed, since it asks of each image whether it looks like a digit, and not whether all digits are there.

# %%
weak = judge.distance(chain(sigma=0.3, steps=30)[30]).median().item()
try_it("Is so much noise in each round needed? Run a chain with σ = 0.3 in a new "
       "cell: `judge.distance(chain(sigma=0.3, steps=30)[30]).median()`. What comes out?",
       None, weak, says="Compare it with the row of 30 steps. Little noise changes an "
       "image little, so each round stays close to the one before.")

# %%
claim("chain", "Distance to real digits after 30 steps of the chain",
      rows["30 steps"][0], "of real digits'", at_most=1.4,
      baseline=f"noise {rows['noise'][0]:.2f}, one step {rows['1 step'][0]:.2f}")
claim("drift", "Mean grey after 100 steps relative to real digits",
      rows["100 steps"][1] / rows["real digits"][1], "times", at_most=0.95,
      baseline=f"most frequent class {rows['100 steps'][2]:.0f} % of the samples, "
      f"of real digits {rows['real digits'][2]:.0f} %")

# %% [markdown]
# ### From here to diffusion
#
# Two changes lead from this chain to the models that generate most of today's synthetic images (Sohl-Dickstein and
# others 2015; Song and Ermon 2019; Ho and others 2020). First, the noise is not the same in every step. It starts so
# strong that nothing of an image is left, and falls to nothing. One network serves all levels, as ours does, and is
# also told the level. Second, the theory of the score says how much new noise each step needs, so that the chain
# generates *samples* and not means. The loss is the one that you know from unit 04. Lesson 10 trains such a model.
#
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("cosine of the score at σ = 0.4", prediction_cosine, agreement[0.4][0]),
       ("distance after 30 rounds", prediction_chain, rows["30 steps"][0])])

# %% [markdown]
# ## 6 · What to keep
#
# - The score is the gradient of the log-density. It points to where the data are denser.
# - The residual of a perfect denoiser is σ² times the score. The noise must be Gaussian and not clipped.
# - A trained network approximates the score where it has seen points, and guesses elsewhere. Under small noise its
#   errors are large even there, since they are divided by σ².
# - Denoise and add noise, again and again: the chain goes from noise to digits, and loses ink on the way.
#
# **Your turn:** [lab 04](../work/lab04.ipynb) (on the web: the [sheet](../exercises/lab04/lab04.ipynb)).
# **Deeper:** [04c](04c_features.ipynb) asks what the codes of a denoiser are good for. **Next:**
# [lesson 05](05_sparse.ipynb).
#
# ### Papers
# - K. Miyasawa (1961). *An empirical Bayes estimator of the mean of a normal population.* Bulletin of the
#   International Statistical Institute 38, 181–188.
# - P. Vincent (2011). *A connection between score matching and denoising autoencoders.* Neural Computation 23,
#   1661–1674.
# - Y. Bengio, L. Yao, G. Alain, P. Vincent (2013). *Generalized denoising auto-encoders as generative models.*
#   NeurIPS.
# - G. Alain, Y. Bengio (2014). *What regularized auto-encoders learn from the data-generating distribution.* Journal
#   of Machine Learning Research 15, 3563–3593.
# - J. Sohl-Dickstein, E. Weiss, N. Maheswaranathan, S. Ganguli (2015). *Deep unsupervised learning using
#   nonequilibrium thermodynamics.* ICML, 2256–2265.
# - Y. Song, S. Ermon (2019). *Generative modeling by estimating gradients of the data distribution.* NeurIPS.
# - J. Ho, A. Jain, P. Abbeel (2020). *Denoising diffusion probabilistic models.* NeurIPS.
