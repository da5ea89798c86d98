# %% [markdown]
# # 04b · What a denoiser knows: the score
#
# **Promise.** You will show that a denoiser points to where the data are dense, and check it against a density that is
# known.
#
# **After this unit you can**
# 1. derive "residual = σ² · score", and compute both sides for two points on a line;
# 2. read the score off a trained denoiser, and say where it can be trusted.
#
# **Before it:** unit 04; the gradient of a function of two variables.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from aecourse import corruption, data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import mlp
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
# The diagram is the whole unit. $\mathbb E[x \mid \tilde x]$ is the **posterior mean**: the mean of all clean $x$ that
# could lie behind $\tilde x$, each with its probability. The squared error is smallest for this answer (unit 04aa
# derives it), so a denoiser is trained towards it. The **residual** is what a denoiser adds to its input. For a perfect
# denoiser, residual divided by σ² is the score, a direction that we define now.
#
# ## 1 · Two points on a line
#
# Let the clean data be only two numbers, $-1$ and $+1$, equally probable. Add Gaussian noise with standard deviation
# $\sigma$. The noisy numbers have the density
#
# $$p_\sigma(\tilde x) = \tfrac12 \mathcal N(\tilde x; -1, \sigma^2) + \tfrac12 \mathcal N(\tilde x; +1, \sigma^2),$$
#
# with one peak at each point if σ is small. The **score** is the slope of the logarithm of this density,
# $\frac{d}{d\tilde x} \log p_\sigma(\tilde x)$. It is positive where the density rises, so it points uphill.
#
# Now the best denoiser, the posterior mean. In Bayes' rule the two prior probabilities ½ cancel:
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
bells = (-(line[:, None] - torch.tensor([-1.0, 1.0])).square() / (2 * sigma**2)).exp()
density = bells.sum(1) / (2 * sigma * (2 * np.pi) ** 0.5)  # (201,)
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
# On the left there are two peaks. In the middle, the denoiser answers almost $-1$ or $+1$; near 0 its answer is close
# to
# 0. On the right the slope of the log-density, by automatic differentiation, and the denoiser's residual divided by σ²
#    are the same curve. Where it is positive, the denoiser moves a number to the right, uphill.

# %%
gap = (slope - (best_guess - line) / sigma**2).abs().max().item()
claim("two points", "Largest gap between residual ÷ σ² and the score, two points on a line",
      gap, at_most=1e-3)

# %% [markdown]
# The peaks lie where the score is 0 and falls. How do they depend on σ?

# %%
def residual_over_variance(s):  # at 200 noisy numbers, none of them 0
    at_s = torch.linspace(-2.5, 2.5, 200, dtype=torch.float64)
    return at_s, (torch.tanh(at_s / s**2) - at_s) / s**2


def peaks(s):
    score_there = residual_over_variance(s)[1]
    return int(((score_there[:-1] > 0) & (score_there[1:] <= 0)).sum())


wider = 0.7
plt.subplots(figsize=(4.5, 2.4))[1].plot(*residual_over_variance(wider))
plt.axhline(0, color="grey", linewidth=1)
plt.gca().set(title=f"score, σ = {wider}", xlabel="noisy number");

# %%
tenths = [k / 10 for k in range(5, 20)]
merged = next(s for s in tenths if peaks(s) == 1)
try_it("Raise `wider = 0.7` in steps of 0.1. At which σ does the density have a single "
       "peak for the first time?", None, merged, changed=wider != 0.7,
       hint="Count the places where the curve goes from above 0 to below.",
       says="Look at the formula: which slope has tanh(x̃ / σ²) at 0?")

# %% [markdown]
# ## 2 · The general formula
#
# That was no coincidence. The gradient $\nabla$ is with respect to $\tilde x$. Let $x$ have any density $p(x)$, and
# $\tilde x = x + \sigma \varepsilon$ with $\varepsilon \sim \mathcal N(0, I)$. Then
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
# and the network can output the posterior mean. In the plane the posterior mean may have any value, so the network of
# section 3 has no sigmoid. For images in $[0, 1]$ the mean lies in $[0, 1]$, too, and a sigmoid at the end does no
# harm.
#
# Try the last line by hand. All clean data are a single point, $x = 3$. The noise has σ = 2.

# %%
noisy_number = torch.tensor(7.0, requires_grad=True)
log_density = torch.distributions.Normal(3.0, 2.0).log_prob(noisy_number)
(by_hand,) = torch.autograd.grad(log_density, noisy_number)

# %%
try_it("What is the score at the noisy number 7? Use the last line of the derivation; the "
       "cell above differentiates the log-density.", None, by_hand.item(),
       hint="Whatever the noisy number is, the posterior mean is the only clean point.",
       says="To which side does it point?")

# %% [markdown]
# ## 3 · Two arcs in the plane
#
# For images nobody knows the true score. In the plane we choose the density ourselves: 24 narrow Gaussians on two arcs,
# with standard deviation 0.1. Variances of independent sums add, so with noise each Gaussian has the variance
# $0.1^2 + \sigma^2$. Automatic differentiation gives the true score.

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
def train_on_points(sigma, epochs):
    with seeded(0):
        net = mlp([2, 64, 64, 2], nn.SiLU)
    loss = corruption.denoising(lambda x, noise: corruption.gaussian(x, sigma, noise))
    fit(net, (points,), loss, epochs=epochs, batch=200, lr=1e-2, one_cycle=True)
    return net


points = sample(20_000)
planar = {s: train_on_points(s, epochs=80) for s in (0.2, 0.4)}

# %%
@torch.no_grad()
def learned_score(net, at, sigma):
    return (net(at) - at) / sigma**2  # residual / σ²

# %%
def compare(net, s):  # two cosines, two squared errors
    truth, ours = true_score(seen[s], s), learned_score(net, seen[s], s)  # (4000, 2)
    error = (ours - truth).square().sum(1)  # (4000,)
    return (F.cosine_similarity(truth.flatten(), ours.flatten(), 0).item(),
            F.cosine_similarity(truth, ours).mean().item(),
            (s**4 * error).mean().item(), (error.sum() / truth.square().sum()).item())


seen = {s: corruption.gaussian(sample(4000), s, generator) for s in planar}
agreement = {s: compare(net, s) for s, net in planar.items()}

# %%
table(["σ", "cosine of all arrows together", "mean of single cosines",
       "squared error of the residual", "squared error of the score ÷ score²"],
      [[s, *values] for s, values in agreement.items()])
score([("cosine of the score at σ = 0.4", prediction_cosine, agreement[0.4][0])])

# %%
def arrows(axis, where, s, factor):  # black: the truth; orange: the network's
    ours = learned_score(planar[s], where, s)
    for field, colour, width in ((true_score(where, s), "black", 0.009),
                                 (ours, plots.VERMILION, 0.004)):
        axis.quiver(where[:, 0], where[:, 1], factor * field[:, 0], factor * field[:, 1],
                    color=colour, angles="xy", scale_units="xy", scale=1, width=width)
    axis.set(title=f"σ = {s:g}", xlabel="x₁", ylabel="x₂")


ticks = torch.linspace(-2.2, 2.2, 15)
grid = torch.cartesian_prod(ticks, ticks)  # all pairs of ticks, (225, 2)
figure, axes = plt.subplots(1, 2, figsize=(10.5, 4.6), sharey=True)
for axis, s in zip(axes, planar, strict=True):
    axis.scatter(points[:1500, 0], points[:1500, 1], s=3, color=plots.SKY, rasterized=True)
    arrows(axis, grid, s, factor=s**2 / 3)  # a third of the residual
    axis.set_aspect("equal")

# %% [markdown]
# Black is the truth, and the thin orange arrow on top of it the network's residual, both at a third of their length.
# The arrows lead back to the arcs (blue dots), from far away with long steps. The long arrows of both mostly lie on
# each other. They part in the corners, where training put no points: there the network guesses. Near the arcs the
# arrows are too short to compare. Here is a piece of the upper arc, with longer arrows, and a scale of its own for each
# panel:

# %%
piece = torch.cartesian_prod(torch.linspace(-1.3, 0, 9), torch.linspace(0.5, 1.4, 7))
figure, axes = plt.subplots(1, 2, figsize=(10.5, 3.9), sharey=True)
for axis, s, factor in zip(axes, planar, (1 / 40, 1 / 12), strict=True):
    axis.scatter(centres[:, 0], centres[:, 1], s=12, color=plots.SKY)
    arrows(axis, piece, s, factor)
    axis.set(xlim=(-1.5, 0.2), ylim=(0.35, 1.55))

# %% [markdown]
# In both panels most of the network's arrows lie on the true ones. Some differ a little in length or direction.
#
# The table measures this at points drawn as in training. The two networks' errors of the residual are of the same size.
# But the score is the residual divided by σ², so half the σ makes an equal error of the residual four times as large,
# and its square 16 times. The true score is larger as well, so the last column grows by less. Small noise is the harder
# case.
#
# The mean of single cosines is smaller than the cosine of all, because on the ridge of the arcs the true score is
# almost 0 and its direction means little. So a report should say which cosine it gives.

# %%
claim("score", "Cosine between the denoiser's score and the true one, σ = 0.4",
      agreement[0.4][0], at_least=0.93,
      baseline=f"σ = 0.2 {agreement[0.2][0]:.2f}; mean over points {agreement[0.4][1]:.2f}")
claim("small noise", "Error of the score at σ = 0.2, relative to that at σ = 0.4",
      agreement[0.2][3] / agreement[0.4][3], "times", at_least=2)

# %% [markdown]
# How much of this depends on the training? Here is the network for σ = 0.2 again.

# %%
epochs = 80
again = compare(train_on_points(0.2, epochs), 0.2)
print(f"{epochs} epochs: squared error of the residual {again[2]:.4f}, "
      f"of the score, relative {again[3]:.3f}")

# %%
try_it("Change `epochs = 80` to `epochs = 20`. What is the relative squared error of the "
       "score now?", None, again[3], changed=epochs == 20,
       says="How large is the error at σ = 0.4 in the table?")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - The score is the gradient of the log-density. It points to where the data are denser.
# - The residual of a perfect denoiser is σ² times the score. The noise must be Gaussian and not clipped.
# - A trained network approximates the score where it has seen points, and guesses elsewhere. Under small noise an equal
#   error of the residual is a larger error of the score, since it is divided by σ².
#
# **Your turn:** [lab 04](../work/lab04.ipynb) (on the web: the [sheet](../exercises/lab04/lab04.ipynb)).
# **Deeper:** [04ba](04ba_chain.ipynb) follows a denoiser from noise to digits. **Next:** [lesson 05](05_sparse.ipynb).
#
# ### Papers
# - K. Miyasawa (1961). *An empirical Bayes estimator of the mean of a normal population.* Bulletin of the
#   International Statistical Institute 38, 181–188.
# - P. Vincent (2011). *A connection between score matching and denoising autoencoders.* Neural Computation 23,
#   1661–1674.
# - G. Alain, Y. Bengio (2014). *What regularized auto-encoders learn from the data-generating distribution.* Journal
#   of Machine Learning Research 15, 3563–3593.
