# %% [markdown]
# # 06a · The ELBO on a model that can be solved
#
# **Promise.** You will check the ELBO's derivation by numbers, on a model whose integral can be computed.
#
# **After this unit you can**
# 1. compute $\log p(x)$ and the posterior of a linear-Gaussian model;
# 2. show by numbers that $\log p(x) = \text{ELBO} + \mathrm{KL}$;
# 3. tighten the bound with more samples.
#
# **Before it:** unit 06; the Gaussian in several dimensions. **Time:** about {minutes} minutes; the cells run in a few
# seconds.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.train import seeded

plots.use_style()
claim = Claims("06", data.load().name)

# %%
diagrams.flow({"z": (0, 0, "code $z$, two numbers\n$p(z) = N(0, I)$", plots.GREEN),
               "m": (2.2, 0, "$W z + b$", plots.ORANGE),
               "x": (4.2, 0, "image $x$, three numbers", plots.SKY),
               "e": (4.2, 1, "noise, standard deviation $\\sigma$")},
              {("z", "m"): "linear", ("m", "x"): "", ("e", "x"): ""}, size=(9.5, 2.2));

# %% [markdown]
# This is a VAE's decoder with one linear layer and a Gaussian likelihood: **probabilistic PCA** (Tipping and Bishop
# 1999).
#
# ## 1 · The evidence and the posterior
#
# The code is sampled from the prior, $z \sim \mathcal N(0, I)$, and the image is $x = W z + b + \sigma \varepsilon$
# with $\varepsilon \sim \mathcal N(0, I)$. (This σ is the noise of the pixels, not the encoder's.) A linear function of
# Gaussians is Gaussian, so $p(x)$ is one. We need its mean and its covariance:
#
# $$\begin{aligned}
# \mathbb E\, x &= W\, \mathbb E z + b + \sigma\, \mathbb E \varepsilon = b && \text{both means are } 0 \\
# \operatorname{Cov} x &= W \operatorname{Cov}(z)\, W^\top + \sigma^2 \operatorname{Cov}(\varepsilon)
#   && z \text{ and } \varepsilon \text{ are independent} \\
# &= W W^\top + \sigma^2 I && \text{both covariances are } I
# \end{aligned}$$
#
# The posterior follows from Bayes' rule. As a function of $z$, with all that does not depend on $z$ left out:
#
# $$\begin{aligned}
# \log p(z \mid x) &= \log p(z) + \log p(x \mid z) + \dots && \text{Bayes' rule} \\
# &= -\tfrac12 z^\top z - \tfrac{1}{2 \sigma^2} \lVert x - b - W z \rVert^2 + \dots && \text{the two log densities} \\
# &= -\tfrac12 z^\top \big(I + W^\top W / \sigma^2\big) z + z^\top W^\top (x - b) / \sigma^2 + \dots
#   && \text{the square, expanded} \\
# &= -\tfrac12 z^\top \Lambda z + z^\top \Lambda m + \dots
#   && \Lambda = I + W^\top W / \sigma^2 , \quad \Lambda m = W^\top (x - b) / \sigma^2 \\
# &= -\tfrac12 (z - m)^\top \Lambda (z - m) + \dots && \text{the square, completed}
# \end{aligned}$$
#
# The fourth line only gives names: $\Lambda$ to the matrix, and $m$ to the solution of the equation beside it. So the
# posterior is the Gaussian with mean $m$ and **precision** (inverse covariance) $\Lambda$.

# %%
eye, eye3 = torch.eye(2).double(), torch.eye(3).double()
sigma, b = 0.5, torch.tensor([0.3, -0.2, 0.1], dtype=torch.double)
W = torch.tensor([[1.5, 0.2], [0.3, -0.8], [-0.6, 0.4]], dtype=torch.double)  # (3, 2)
x = torch.tensor([1.2, 0.4, -0.9], dtype=torch.double)  # one image of three numbers
evidence = MultivariateNormal(b, W @ W.T + sigma**2 * eye3).log_prob(x).item()
precision = eye + W.T @ W / sigma**2  # Λ, (2, 2)
m = torch.linalg.solve(precision, W.T @ (x - b) / sigma**2)  # (2,)
posterior = MultivariateNormal(m, precision_matrix=precision)
print(f"log p(x) = {evidence:.4f} nats")

# %%
z = torch.tensor([0.0, 0.0], dtype=torch.double)  # any code
joint = Normal(0, 1).log_prob(z).sum() + Normal(W @ z + b, sigma).log_prob(x).sum()
posterior_at_z = posterior.log_prob(z).item()
print(f"log p(z) + log p(x|z) = {joint:.4f}, log p(z|x) = {posterior_at_z:.4f}")

# %%
try_it("What will log p(z) + log p(x|z) − log p(z|x) be for another code? Write it down. "
       "Then change `[0.0, 0.0]` to `[1.0, -1.0]` and type the difference of the two "
       "printed values.", None, joint.item() - posterior_at_z,
       changed=z.tolist() == [1.0, -1.0])

# %% [markdown]
# By Bayes' rule the difference is $\log p(x)$, whatever the code.
#
# ## 2 · Five choices of q
#
# Three lines of unit 06, with the weight $w(z) = p(z)\, p(x \mid z) / q(z)$:
#
# $$(2)\;\; \mathbb E_q w = p(x), \qquad (4)\;\; \mathbb E_q \log w = \text{ELBO}, \qquad
# (8)\;\; \text{ELBO} = \log p(x) - \mathrm{KL}\big(q(z) \Vert p(z \mid x)\big) .$$
#
# We check them for five densities $q$: the posterior itself, one with four times its covariance, one with a shifted
# mean, one with a *diagonal* covariance, as a VAE's encoder gives, and the prior. For the diagonal one we minimise the
# KL to the posterior over the means $\mu_j$ and the variances $s_j^2$:
#
# $$\begin{aligned}
# \mathrm{KL} &= \mathbb E_q \log q(z) + \tfrac12\, \mathbb E_q (z - m)^\top \Lambda (z - m) + \dots
#   && \log p(z \mid x) \text{ from above} \\
# &= -\tfrac12 \textstyle\sum_j \log s_j^2 + \tfrac12 (\mu - m)^\top \Lambda (\mu - m)
#   + \tfrac12 \sum_j \Lambda_{jj} s_j^2 + \dots && q\text{'s numbers are independent}
# \end{aligned}$$
#
# (Independent numbers have no covariances, so the variances meet only the diagonal of $\Lambda$.) The middle term is
# never negative and 0 at $\mu = m$. The derivative with respect to $s_j^2$ is $\tfrac12 (\Lambda_{jj} - 1/s_j^2)$. It is
# negative below $s_j^2 = 1/\Lambda_{jj}$ and positive above, so this is the minimum.

# %%
choices = {"posterior": posterior,
           "too wide": MultivariateNormal(m, 4 * posterior.covariance_matrix),
           "shifted": MultivariateNormal(m + 0.3, posterior.covariance_matrix),
           "diagonal": MultivariateNormal(m, torch.diag(1 / precision.diagonal())),
           "prior": MultivariateNormal(torch.zeros_like(m), eye)}

# %%
sides = torch.linspace(-2.3, 3, 90).double(), torch.linspace(-3, 2.3, 90).double()
places = torch.cartesian_prod(*sides)  # (8100, 2)
axes = plt.subplots(1, 5, figsize=(12, 2.7), sharey=True)[1]
for axis, (name, q) in zip(axes, choices.items(), strict=True):
    for density, style in ((posterior, "--"), (q, "-")):
        middle = density.log_prob(density.mean)
        height = (density.log_prob(places) - middle).reshape(90, 90).T  # 0 at the mean
        axis.contour(*sides, height, levels=[-2], linestyles=style,
                     colors=plots.ORANGE if style == "-" else "black")
    axis.set(title=name, xlabel="$z_1$", aspect="equal")
axes[0].set_ylabel("$z_2$");

# %% [markdown]
# Orange is $q$, dashed the posterior. Each line encloses 86 % of its density.

# %%
def log_weight(z, q):  # codes (N, 2) → log w, (N,)
    log_prior = Normal(0, 1).log_prob(z).sum(-1)
    log_likelihood = Normal(z @ W.T + b, sigma).log_prob(x).sum(-1)
    return log_prior + log_likelihood - q.log_prob(z)

# %% [markdown]
# For each $q$ we sample 400,000 codes. By line (2), the mean of $w$ is $p(x)$ for *every* $q$; by line (4), the mean of
# $\log w$ is the ELBO. The table has both, and the exact KL.
#
# **Predict.** Which of the other four has the *smallest* ELBO? Type its name, such as `"shifted"`.

# %%
prediction_q = None

# %%
rows = {}
for name, q in choices.items():
    with seeded(0):
        log_w = log_weight(q.sample((400_000,)), q)  # (400000,)
    log_of_mean = (log_w.logsumexp(0) - math.log(len(log_w))).item()  # log of mean w
    mean_of_log = log_w.mean().item()
    kl = max(0.0, kl_divergence(q, posterior).item())
    rows[name] = [log_of_mean, mean_of_log, kl, mean_of_log + kl, log_w.std().item()]
table(["q", "log of mean w", "ELBO", "KL to posterior", "ELBO + KL", "std of log w"],
      [[name, *(f"{value:.3f}" for value in values)] for name, values in rows.items()])
score([("smallest ELBO", prediction_q, min(rows, key=lambda name: rows[name][1]))])

# %%
off = np.array([[values[0], values[3]] for values in rows.values()]) - evidence
claim("mean weight", "Largest deviation of the log of the mean weight from log p(x), "
      "five choices of q", np.abs(off[:, 0]).max(), "nats", at_most=0.03)
claim("identity", "Largest deviation of ELBO + KL from log p(x), five choices of q",
      np.abs(off[:, 1]).max(), "nats", at_most=0.1,
      baseline=f"without the prior {np.abs(off[:-1, 1]).max():.3f}")
claim("tight", "ELBO for the exact posterior minus log p(x)",
      rows["posterior"][1] - evidence, "nats", near=0, within=1e-4)

# %% [markdown]
# - **log of mean w** is $\log p(x)$ for every $q$, up to the sampling error. With the prior this works here, because in
#   two dimensions enough samples fit the image. For real images nearly all samples from the prior give other images.
# - **ELBO** is lower the worse $q$ fits. For the posterior it is $\log p(x)$, and the last column says why: every
#   sample has the same weight.
# - **ELBO + KL** is $\log p(x)$ again. The standard error of a mean of 400,000 values of $\log w$ is their standard
#   deviation (the last column) divided by $\sqrt{400{,}000} \approx 632$.

# %%
error = rows["prior"][4] / 400_000**0.5
print(f"prior: standard error {error:.3f} nats, deviation from log p(x) "
      f"{abs(rows['prior'][3] - evidence):.3f} nats")

# %% [markdown]
# The best diagonal $q$ has a small gap that no better $q$ can close while $W$ stays. But training may change $W$ as
# well. For an orthogonal matrix $R$, the decoder $W R$ has $W R (W R)^\top = W W^\top$, so $p(x)$ stays the same. What
# happens to the gap if the columns of $R$ are the eigenvectors of $W^\top W$?

# %%
turn = torch.eye(2, dtype=torch.double)  # R
turned = W @ turn
evidence_turned = MultivariateNormal(b, turned @ turned.T + sigma**2 * eye3).log_prob(x)
precision_turned = eye + turned.T @ turned / sigma**2
gap = kl_divergence(MultivariateNormal(0 * m, torch.diag(1 / precision_turned.diagonal())),
                    MultivariateNormal(0 * m, precision_matrix=precision_turned)).item()
print(f"log p(x) = {evidence_turned:.4f}, gap of the best diagonal q: {abs(gap):.4f} nats")

# %%
try_it("Change `turn = torch.eye(2, dtype=torch.double)` to `turn = "
       "torch.linalg.eigh(W.T @ W).eigenvectors`. What is the gap now?", None,
       round(abs(gap), 6), changed=not torch.equal(turn, eye))

# %% [markdown]
# With these $R$, the matrix $R^\top W^\top W R$ is diagonal and so is $\Lambda$. Then the posterior itself is a diagonal
# Gaussian. (Linear VAEs find such a $W$: Lucas and others 2019; cited.) A nonlinear decoder has in general no such way
# out.
#
# ## 3 · More samples, a tighter bound
#
# Jensen's inequality loses less where the values differ less. A mean of $k$ weights differs less from sample to sample
# than a single weight. So average first, and then take the logarithm:
#
# $$\mathcal L_k = \mathbb E \log \frac1k \sum_{i=1}^k w(z_i), \quad z_i \sim q .$$
#
# By line (2) each mean has the expectation $p(x)$, so by Jensen $\mathcal L_k \le \log p(x)$. For $k = 1$ it is the
# ELBO. It never falls with $k$, and if the weights are bounded, it converges to $\log p(x)$ (Burda and others
# 2016; cited).
#
# **Predict.** For the shifted $q$, what share of the ELBO's gap is left with $k = 5$, from 0 to 1?

# %%
prediction_left = None

# %%
sizes, bounds = (1, 5, 50, 500), {}
for name in ("posterior", "shifted", "too wide"):
    with seeded(1):
        log_w = log_weight(choices[name].sample((200_000,)), choices[name])
    groups = {k: log_w.view(-1, k) for k in sizes}  # (200000 / k, k)
    bounds[name] = [(group.logsumexp(1) - math.log(k)).mean().item()
                    for k, group in groups.items()]
table(["q", *(f"k = {k}" for k in sizes), "log p(x)"],
      [[name, *(f"{value:.3f}" for value in values), f"{evidence:.3f}"]
       for name, values in bounds.items()])
missing = [evidence - value for value in bounds["shifted"]]
score([("share of the gap left with k = 5", prediction_left, missing[1] / missing[0])])

# %%
few = log_weight(choices["shifted"].sample((2000,)), choices["shifted"]).view(500, 4)
claim("rises", "Bound with 500 samples minus log p(x), small model, a q that misses",
      bounds["shifted"][3] - evidence, "nats", near=0, within=0.05,
      baseline=f"with one sample {bounds['shifted'][0] - evidence:.2f}")
claim("helper", "losses.importance_bound against the mean of the weights, difference",
      (losses.importance_bound(few) - few.exp().mean(0).log()).abs().max(), "nats",
      at_most=1e-9)

# %% [markdown]
# With the posterior, one sample is as good as many. With another $q$ the bound starts low and rises to $\log p(x)$. An
# *estimate* of a bound can lie above $\log p(x)$ by its sampling error. How fast the bound rises depends on $q$.

# %%
samples = 5
with seeded(2):
    wide = log_weight(choices["too wide"].sample((40_000, samples)), choices["too wide"])
bound = (wide.logsumexp(1) - math.log(samples)).mean().item()  # wide: (40000, samples)
print(f"too wide, k = {samples}: {evidence - bound:.3f} nats below log p(x)")

# %%
try_it("Change `samples = 5` to `samples = 25`. By how many nats is the bound "
       "below log p(x)?", None, evidence - bound, changed=samples == 25)

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - In a linear-Gaussian model, evidence and posterior are Gaussian and can be computed.
# - The mean of $w$ is $p(x)$ for every $q$; the mean of $\log w$ is the ELBO, lower by $\mathrm{KL}(q \Vert
#   \text{posterior})$.
# - With the posterior, all weights are equal. A diagonal $q$ reaches it only if the posterior's covariance is diagonal.
# - The mean of $k$ weights gives a tighter bound.
#
# **Next:** [06aa](06aa_bounds.ipynb) computes these bounds for the VAE.
#
# ### Papers
# - M. E. Tipping, C. M. Bishop (1999). *Probabilistic principal component analysis.* JRSS B 61, 611–622.
# - Y. Burda, R. Grosse, R. Salakhutdinov (2016). *Importance weighted autoencoders.* ICLR.
# - J. Lucas, G. Tucker, R. Grosse, M. Norouzi (2019). *Don't blame the ELBO: a linear VAE perspective on posterior
#   collapse.* NeurIPS.
