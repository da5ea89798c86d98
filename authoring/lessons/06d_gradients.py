# %% [markdown]
# # 06d · Gradients of expectations
#
# **Promise.** You will derive two estimators of the same gradient, measure their variances, and learn what to do for
# codes of bits.
#
# **After this unit you can**
# 1. derive the score-function and the reparameterised gradient;
# 2. reduce the variance of the first by a baseline;
# 3. choose an estimator for a code.
#
# **Before it:** unit 06. **Time:** about {minutes} minutes; the cells run in a few seconds.

# %%
import matplotlib.pyplot as plt
import torch

from aecourse import data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
claim = Claims("06", data.load().name)

# %%
diagrams.chains({"reparameterised": ("$\\varepsilon$, sampled",
                                     "$z = \\mu + \\sigma \\varepsilon$",
                                     "slope of $f$ at $z$"),
                 "score function": ("$z$, sampled", "value $f(z)$",
                                    "$f(z)$ · slope of $\\log q(z)$")});

# %% [markdown]
# Both rows end in an estimate of the same gradient. The first needs the slope of $f$, the second only its value.
#
# ## 1 · Two ways to one gradient
#
# The reconstruction term of the ELBO is an expectation $\mathbb E_{z \sim q} f(z)$, where $q$ depends on a parameter
# $\mu$. We want its gradient with respect to $\mu$. For $q = \mathcal N(\mu, \sigma^2)$ there are two ways. The
# **reparameterised** gradient:
#
# $$\begin{aligned}
# \frac{d}{d\mu}\, \mathbb E_{z \sim q} f(z) &= \frac{d}{d\mu}\, \mathbb E_\varepsilon f(\mu + \sigma \varepsilon)
#   && z = \mu + \sigma \varepsilon, \ \varepsilon \sim \mathcal N(0, 1) \\
# &= \mathbb E_\varepsilon f'(\mu + \sigma \varepsilon) && \text{derivative inside: only } z \text{ depends on } \mu \text{, and } dz/d\mu = 1
# \end{aligned}$$
#
# The **score-function** gradient (Williams 1992, called REINFORCE):
#
# $$\begin{aligned}
# \frac{d}{d\mu} \int q(z) f(z)\, dz &= \int \frac{d q(z)}{d\mu} f(z)\, dz && \text{derivative inside: only } q \text{ depends on } \mu \\
# &= \int q(z)\, \frac{d \log q(z)}{d\mu} f(z)\, dz && \tfrac{d}{d\mu} \log q = \tfrac{1}{q} \tfrac{dq}{d\mu} \\
# &= \mathbb E_q \Big[ f(z)\, \frac{z - \mu}{\sigma^2} \Big] && \log q = -\tfrac{(z - \mu)^2}{2 \sigma^2} + \text{constant}
# \end{aligned}$$
#
# (This score is a derivative with respect to a *parameter* of $q$. The score of unit 04b was one with respect to the
# data.)
#
# Both derivations move the derivative inside the integral, which is allowed for the smooth $q$ and $f$ here. We test them
# on $f(z) = z^2$. Since $\mathbb E z^2 = \mu^2 + \sigma^2$, the exact gradient is $2\mu$.
#
# **Predict.** Take $\mu = 1$ and $\sigma = 0.5$. Divide the variance of the score-function estimate by that of the
# reparameterised estimate. What is the result?

# %%
prediction_variance = None

# %%
def estimates(mu, sigma, n=200_000):  # two times (n,): one estimate for each sample
    eps = torch.randn(n, generator=torch.Generator().manual_seed(0))
    z = mu + sigma * eps
    reparameterised = 2 * z  # f'(z)
    score_function = z**2 * (z - mu) / sigma**2
    return reparameterised, score_function


both = estimates(mu=1.0, sigma=0.5)
table(["estimator", "mean (exact: 2)", "variance"],
      [[name, g.mean().item(), g.var().item()]
       for name, g in zip(("reparameterised", "score function"), both, strict=True)])
ratio = (both[1].var() / both[0].var()).item()
score([("variance, score function over reparameterised", prediction_variance, ratio)])

# %% [markdown]
# Both means are right. The score function multiplies the *value* of $f$ by a random number, and large values make a large
# variance.

# %% [markdown]
# ## 2 · A baseline
#
# Subtract a constant $c$ from $f$. The mean stays the same:
#
# $$\begin{aligned}
# \mathbb E_q \Big[ (f(z) - c)\, \tfrac{z - \mu}{\sigma^2} \Big] &= \mathbb E_q \Big[ f(z)\, \tfrac{z - \mu}{\sigma^2} \Big]
#   - c\, \frac{\mathbb E_q [z - \mu]}{\sigma^2} && \text{the mean of a sum} \\
# &= \mathbb E_q \Big[ f(z)\, \tfrac{z - \mu}{\sigma^2} \Big] && \mathbb E_q z = \mu
# \end{aligned}$$
#
# The variance changes. A simple choice for $c$ is the mean of $f$, which is $\mu^2 + \sigma^2 = 1.25$ here.

# %%
def with_baseline(c, mu=1.0, sigma=0.5, n=200_000):
    z = mu + sigma * torch.randn(n, generator=torch.Generator().manual_seed(0))
    return (z**2 - c) * (z - mu) / sigma**2  # (n,)


constants = torch.linspace(0, 3, 31)
variances = [with_baseline(c).var().item() for c in constants]
axis = plt.subplots(figsize=(6.5, 2.8))[1]
axis.plot(constants, variances, color=plots.BLUE, label="score function, c subtracted")
axis.axhline(both[0].var(), color=plots.ORANGE, linestyle="--", label="reparameterised")
axis.axvline(1.25, color="grey", linestyle=":", label="c = mean of f")
axis.set(xlabel="c", ylabel="variance", ylim=(0, None))
axis.legend(frameon=False);

# %% [markdown]
# The curve has its minimum to the right of the dotted line. We can compute where. With $z = \mu + \sigma \varepsilon$, the
# estimate is $(f - c)\, \varepsilon / \sigma$, and its mean is 2 for each $c$:
#
# $$\begin{aligned}
# \operatorname{Var}(c) &= \mathbb E \big[ (f - c)^2 \varepsilon^2 \big] / \sigma^2 - 2^2
#   && \text{the mean square minus the squared mean} \\
# \frac{d \operatorname{Var}}{dc} &= -2\, \mathbb E \big[ (f - c)\, \varepsilon^2 \big] / \sigma^2 && \text{the derivative} \\
# c &= \mathbb E \big[ f \varepsilon^2 \big] && \text{at the minimum it is 0; } \mathbb E \varepsilon^2 = 1 \\
# &= \mathbb E \big[ \varepsilon^2 + \varepsilon^3 + \tfrac14 \varepsilon^4 \big] = 1.75
#   && f = (1 + \tfrac12 \varepsilon)^2; \ \mathbb E \varepsilon^3 = 0, \ \mathbb E \varepsilon^4 = 3
# \end{aligned}$$
#
# Even there the curve is above the dashed line.

# %%
constant = 1.25
of_constant = with_baseline(constant).var().item()
print(f"c = {constant}: variance {of_constant:.2f}")

# %%
try_it("Change `constant = 1.25` to `constant = -5.0`. What is the variance now?", None,
       of_constant, changed=constant == -5,
       says="Here f has the same slopes as before, and larger values.")

# %% [markdown]
# ## 3 · More units
#
# A code has many units. Let $f(z) = \sum_{j=1}^K z_j^2$, and look at the gradient for the first mean only. The other
# units add to the *value* of $f$. They do not change its slope in the first direction, since $f$ is a sum of separate
# terms. So the variance of the reparameterised estimate does not depend on $K$.
#
# **Predict.** Take the score function with the baseline, the mean of $f$. Divide its variance at $K = 50$ by its variance
# at $K = 1$. What is the result?

# %%
prediction_units = None

# %%
def of_first(K, n=100_000):  # variances of the gradient for the first mean
    eps = torch.randn(n, K, generator=torch.Generator().manual_seed(1))
    z = 1.0 + 0.5 * eps  # (n, K)
    f = z.square().sum(1)  # (n,)
    return {"reparameterised": (2 * z[:, 0]).var().item(),
            "score function": (f * eps[:, 0] / 0.5).var().item(),
            "score function, baseline": ((f - f.mean()) * eps[:, 0] / 0.5).var().item()}


sizes = (1, 2, 5, 10, 20, 50)
by_size = {K: of_first(K) for K in sizes}

# %%
axis = plt.subplots(figsize=(6.5, 3))[1]
for name, style in (("reparameterised", "o-"), ("score function", "s--"),
                    ("score function, baseline", "^-.")):
    axis.plot(sizes, [by_size[K][name] for K in sizes], style, label=name)
plots.log_axes(axis, x=sizes, y=(1, 10, 100, 1000, 10000))
axis.set(xlabel="units K", ylabel="variance")
axis.legend(frameon=False)
growth = by_size[50]["score function, baseline"] / by_size[1]["score function, baseline"]
score([("variance at K = 50 over that at K = 1", prediction_units, growth)])

# %% [markdown]
# For large $K$, the variance without a baseline grows with the mean *square* of $f$, thus with $K^2$. With the baseline
# it grows with the variance of $f$, thus with $K$. Let $f_1 = z_1^2 - 1.25 = \varepsilon_1 + \tfrac14
# (\varepsilon_1^2 - 1)$ be the first term without its mean, and $r$ the sum of the other terms without their means. The
# gradient is $(f_1 + r)\, \varepsilon_1 / \sigma$, with mean 2. Odd powers of $\varepsilon$ have mean 0:
#
# $$\begin{aligned}
# \operatorname{Var} &= \mathbb E \big[ (f_1 + r)^2 \varepsilon_1^2 \big] / 0.25 - 4 && \text{as in section 2} \\
# &= \mathbb E \big[ f_1^2 \varepsilon_1^2 \big] / 0.25 - 4 + \mathbb E[r^2] / 0.25
#   && r \text{ is independent of } \varepsilon_1, \ \mathbb E r = 0 \\
# &= 3.625 / 0.25 - 4 + \mathbb E[r^2] / 0.25
#   && \mathbb E \varepsilon^4 + \tfrac1{16} \mathbb E[\varepsilon^6 - 2 \varepsilon^4 + \varepsilon^2] = 3 + \tfrac{15 - 6 + 1}{16} \\
# &= 10.5 + 4.5\, (K - 1) && \operatorname{Var} z_j^2 = 4\mu^2\sigma^2 + 2\sigma^4 = 1.125
# \end{aligned}$$
#
# At $K = 50$ this is 231, and 231 / 10.5 = 22.

# %%
smooth = by_size[50]["reparameterised"] / by_size[1]["reparameterised"]
claim("grows with units", "Variance of the score-function gradient with a baseline at 50 "
      "units over that at one", growth, "times", near=22, within=3,
      baseline=f"reparameterised {smooth:.2f}")

# %% [markdown]
# The same for a model of images, the linear decoder of unit 06a, with two units and three pixels. Now $f(z)$ is $\log p(x \mid
# z)$ of one image, and $q$ has the means $m$ and the standard deviations of the posterior.

# %%
W = torch.tensor([[1.5, 0.2], [0.3, -0.8], [-0.6, 0.4]])  # (3, 2), as in unit 06a
b, x, noise = torch.tensor([0.3, -0.2, 0.1]), torch.tensor([1.2, 0.4, -0.9]), 0.5
precision = torch.eye(2) + W.T @ W / noise**2
m = torch.linalg.solve(precision, W.T @ (x - b) / noise**2)  # (2,)
width = precision.inverse().diagonal().sqrt()  # (2,), of q
eps = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(2))
missing = x - b - (m + width * eps) @ W.T  # (20000, 3), x - b - W z
f = -missing.square().sum(1, keepdim=True) / (2 * noise**2)  # (20000, 1)
found = {"reparameterised": missing @ W / noise**2,  # the slope of f
         "score function": f * eps / width,
         "score function, baseline": (f - f.mean()) * eps / width}

# %%
of_both = {name: g.var(0) for name, g in found.items()}  # (2,) each: two units
times = {name: (v / of_both["reparameterised"]).mean() for name, v in of_both.items()}
claim("variance", "Variance of the score-function gradient over the reparameterised one, "
      "mean of two units", times["score function"], "times", at_least=3,
      baseline=f"with the mean subtracted {times['score function, baseline']:.1f}")

# %% [markdown]
# Here, too, the reparameterised gradient has the smallest variance. This is a reason why VAEs use it.
#
# ## 4 · Codes of bits
#
# For a code of bits, $z \in \{0, 1\}$ with $P(z = 1) = p$, there is no $z = \mu + \sigma \varepsilon$: a sampled bit is a
# step function of $p$ and the noise. What can be done?
#
# - **The score function** works for every code, since it needs only values. With one bit, $\frac{d \log q}{dp}$ is
#   $1/p$ for $z = 1$ and $-1/(1 - p)$ for $z = 0$.
# - **The straight-through estimator** (Bengio and others 2013) takes the slope $dz/dp$ to be 1, as if $z$ were $p$. So
#   the estimate is $f'(z)$. It needs an $f$ that is defined between 0 and 1, too, and it is biased.
# - **A relaxed bit** (Maddison and others 2017; Jang and others 2017) is a number between 0 and 1 with a reparameterised
#   sample. It is biased for the bit, too; we do not test it here.
#
# Let $f(z) = (z - 0.45)^2$. Since $\mathbb E f = p f(1) + (1 - p) f(0)$, the exact gradient with respect to $p$ is
# $f(1) - f(0) = 0.1$.
#
# **Predict.** For $p = 0.3$, has the mean of the straight-through estimate the right *sign*? Type `"yes"` or `"no"`.

# %%
prediction_bits = None

# %%
def of_bit(p):  # estimates (200000,) each
    bits = (torch.rand(200_000, generator=torch.Generator().manual_seed(3)) < p).float()
    slope_of_log_q = torch.where(bits == 1, 1 / p, -1 / (1 - p))
    return {"score function": (bits - 0.45) ** 2 * slope_of_log_q,
            "straight-through": 2 * (bits - 0.45)}  # f'(z)


of_bits = of_bit(0.3)
table(["estimator", "mean (exact: 0.1)", "variance"],
      [[name, g.mean().item(), g.var().item()] for name, g in of_bits.items()])
score([("straight-through has the right sign", prediction_bits,
        "yes" if of_bits["straight-through"].mean() > 0 else "no")])

# %%
claim("bits", "Mean of the score-function gradient of one bit",
      of_bits["score function"].mean(), near=0.1, within=0.01,
      baseline=f"straight-through {of_bits['straight-through'].mean():.2f}")

# %%
chance = 0.3
straight = of_bit(chance)["straight-through"].mean().item()
print(f"p = {chance}: mean of the straight-through estimate {straight:.2f}")

# %%
try_it("Change `chance = 0.3` to `chance = 0.8`. What is the mean of the straight-through "
       "estimate now?", None, straight, changed=chance == 0.8,
       says="The exact gradient is 0.1 for every p.")

# %% [markdown]
# The score function is right on average. The straight-through estimate has the wrong sign at $p = 0.3$. It is often used
# for training all the same; lesson 09 tests it. Which estimator for which code?
#
# | code | $f$ | estimator |
# |---|---|---|
# | real numbers | with a slope | reparameterised |
# | any | known by its values only | score function with a baseline |
# | bits | with a slope, many units | straight-through or relaxed bits, both biased |
#
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - Reparameterised: the mean of the slope. Score function: the mean of value times score. Both are unbiased.
# - A baseline keeps the mean. A good one, such as the mean of $f$, lowers the variance.
# - The variance of the score function grows with the number of units. The reparameterised one does not in our example.
# - For bits, the score function is unbiased. Straight-through is biased, in our example even in its sign.
#
# **Next:** [06e](06e_blurry.ipynb), why samples of a VAE are blurry.
#
# ### Papers
# - R. J. Williams (1992). *Simple statistical gradient-following algorithms for connectionist reinforcement learning.*
#   Machine Learning 8, 229–256.
# - Y. Bengio, N. Léonard, A. Courville (2013). *Estimating or propagating gradients through stochastic neurons for
#   conditional computation.* arXiv 1308.3432.
# - C. J. Maddison, A. Mnih, Y. W. Teh (2017). *The concrete distribution.* ICLR.
# - E. Jang, S. Gu, B. Poole (2017). *Categorical reparameterization with Gumbel-softmax.* ICLR.
