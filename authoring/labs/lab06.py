# %% [markdown]
# # Lab 06 · The variational autoencoder, term by term
#
# At the end of this page you have written every piece of a variational autoencoder yourself, you have trained it with
# your own ELBO, measured it with a tighter bound, drawn new digits from it, and found out which loss three well-known
# lines of code really minimise.
#
# After this lab you can
#
# - write the KL term, the reparameterised draw and the Bernoulli log-likelihood, each in nats and for each image;
# - put them together to the ELBO, and tighten it with more samples;
# - draw new images from the prior;
# - say which $\beta$ a pair of reductions implies.
#
# **Before it:** the units 06, 06aa and 06b. **Time:** about 55 minutes for you, under a minute for the machine.
#
# **How the checks work.** Write your answer in place of `...  # YOUR CODE HERE` and run the cell below it:
# `check.NAME(NAME)` tries it on fresh inputs, says what kind of mistake it sees, and does not show the solution. Stuck?
# Type `check.NAME.hint()` into the cell below the check: it gives one hint more at each call, and
# `check.NAME.solution()` shows one way and why it is so. A line `NAME_ok = check.use(NAME)` takes your answer if it is
# right and the course's own if not, so you can go on at any time.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch.distributions import Normal

from aecourse import data, plots
from aecourse.check import lab06 as check
from aecourse.claims import table
from aecourse.models import VAE, begin_at_mean
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
x, y_test = digits.x_train[:20_000], digits.y_test
digits

# %% [markdown]
# Pixels are coins here: an image is drawn black and white, each pixel white with its grey value as the probability.
# The test images are drawn once, so that every figure below is about the same ones. The network is the lesson's, one
# hidden layer on each side and a code of 20 units.

# %%
def new_vae():
    with seeded(0):
        return begin_at_mean(VAE([784, 200, 20]), x)


b_test = data.binarised(digits.x_test, torch.Generator().manual_seed(3))

# %% [markdown]
# ## 1 · The KL term
# ★☆☆ · 7 minutes
#
# The encoder gives two numbers for each unit: the mean $\mu_j$, and the logarithm of the variance, $\log \sigma_j^2$,
# called `logvar`. What the code costs is $\mathrm{KL}\big(q_\phi(z \mid x) \,\Vert\, p(z)\big)$ with $q_\phi(z \mid
# x) = \mathcal N(\mu, \operatorname{diag} \sigma^2)$ and the prior $p(z) = \mathcal N(0, I)$:
# $$\tfrac12 \sum_{j=1}^{K} \big(\mu_j^2 + \sigma_j^2 - \log \sigma_j^2 - 1\big).$$
# `mu` and `logvar` (B, K) come in. Return one number for each image, (B,), in nats, with gradients.

# %% nbgrader={"grade": false, "grade_id": "kl_term", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kl_term(mu, logvar):
    """KL(N(mu, exp(logvar)) ‖ N(0, I)) of each image, shape (B,), in nats."""
    ### BEGIN SOLUTION
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "kl_term-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.kl_term(kl_term)

# %%
# Stuck? Type check.kl_term.hint() on the next line, and run this cell.

# %% [markdown]
# What does a single unit cost? Here is its price for three means, over the width $\sigma$.

# %%
kl_ok = check.use(kl_term)
sigma = torch.linspace(0.05, 2.5, 200)
figure, axis = plt.subplots(figsize=(6.5, 3))
for mean in (0.0, 1.0, 2.0):
    logvar = 2 * sigma.log()[:, None]
    axis.plot(sigma, kl_ok(torch.full_like(logvar, mean), logvar), label=f"μ = {mean:g}")
axis.set(xlabel="σ", ylabel="KL of one unit (nats)", ylim=(0, 5))
axis.legend(frameon=False);

# %% [markdown]
# A unit is free in one case: $\mu = 0$ and $\sigma = 1$ (the lowest point of the lowest curve). There its code is a
# draw from the prior whatever the image is, so it says nothing. To say something it has to move $\mu$ or to narrow
# $\sigma$, and both cost. The curves climb steeply on the left: to be very exact is expensive, and exactness without
# end would cost infinitely much.
#
# ## 2 · A code that gradients pass through
# ★☆☆ · 8 minutes
#
# Now draw a code from $q_\phi(z \mid x)$, for each image of a batch. Drawn as $z = \mu + \sigma \varepsilon$ with
# $\varepsilon \sim \mathcal N(0, I)$, it lets gradients through to $\mu$ and $\sigma$: the reparameterisation trick.
# `mu` and `logvar` (B, K) and a generator come in; return codes (B, K). All chance comes from the `generator`.
# **Every unit of every image has noise of its own**, and it is new at each call.

# %% nbgrader={"grade": false, "grade_id": "sample_code", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample_code(mu, logvar, generator):
    """A code for each image, drawn from N(mu, exp(logvar)), shape (B, K)."""
    ### BEGIN SOLUTION
    eps = torch.randn(mu.shape, generator=generator, device=mu.device)
    return mu + (logvar / 2).exp() * eps
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "sample_code-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.sample_code(sample_code)

# %%
# Stuck? Type check.sample_code.hint() on the next line, and run this cell.

# %% [markdown]
# Fresh noise for every image matters more than it seems. Here are sixty codes of two units. An arrow leads from each
# mean to the code that is drawn; on the right all images share one draw, as after `torch.randn(K)`.

# %%
sample_ok = check.use(sample_code)
generator = torch.Generator().manual_seed(0)
mu = torch.randn(60, 2, generator=generator)
logvar = torch.full((60, 2), 2 * math.log(0.4))
draws = {"noise of its own for every image": sample_ok(mu, logvar, generator),
         "one draw for the whole batch": mu + 0.4 * torch.randn(2, generator=generator)}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for axis, (name, z) in zip(axes, draws.items(), strict=True):
    axis.quiver(*mu.T, *(z - mu).T, angles="xy", scale_units="xy", scale=1, width=0.005)
    axis.set(title=name, xlabel="unit 0", ylabel="unit 1", xlim=(-3.5, 3.5),
             ylim=(-3.5, 3.5))

# %% [markdown]
# On the left the arrows point everywhere: what one image's noise does to the gradient, another's takes back, and
# their mean over the batch is steady. On the right all codes move the same way. Every number that is drawn is right
# by itself, but a batch is worth one image: the gradient jumps from batch to batch.
#
# **And does the gradient find its way?** The smallest model there is: one unit, prior $\mathcal N(0, 1)$, one "pixel"
# $x = z + 0.5\, \varepsilon$, of which we have seen $x = 1.5$. The exact posterior is a Gaussian with mean 1.2 and
# variance 0.2. Start far away, and climb: 40 draws, the mean of $\log p(x \mid z)$ less your KL, a gradient step.

# %%
mu, logvar = (torch.tensor([[start]], requires_grad=True) for start in (-1.5, 1.0))
optimiser, path = torch.optim.Adam([mu, logvar], lr=0.05), []
for _ in range(300):
    path.append([mu.item(), math.exp(logvar.item() / 2)])
    z = sample_ok(mu.expand(40, 1), logvar.expand(40, 1), generator)
    loss = kl_ok(mu, logvar).sum() - Normal(z, 0.5).log_prob(torch.tensor(1.5)).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
figure, axis = plt.subplots(figsize=(6, 3.2))
axis.plot(*torch.tensor(path).T, ".-", markersize=3, linewidth=1, label="q, step by step")
axis.plot(1.2, 0.2**0.5, "*", markersize=15, label="the exact posterior")
axis.set(xlabel="μ", ylabel="σ", ylim=(0, 2))
axis.legend(frameon=False);

# %% [markdown]
# The path starts at the upper left and ends at the star: both $\mu$ and $\sigma$ have found the posterior, and nobody
# has told them where it is. Had the draw no gradient, only the KL would pull, and the path would end at $\mu = 0$,
# $\sigma = 1$, where a unit is free.
#
# ## 3 · How probable is an image?
# ★★☆ · 8 minutes
#
# The decoder answers with a **logit** for each pixel, any number at all; a sigmoid would make of it the probability
# $p$ that the pixel is white. `logits` and binary images `x`, (B, D) both, come in. Return for each image
# $$\log p_\theta(x \mid z) = \sum_{i=1}^{D} \big[x_i \log p_i + (1 - x_i) \log(1 - p_i)\big],$$
# one number, (B,), in nats, with gradients. It is never above 0. A well-trained decoder is very sure: logits up to
# ±200 must come out right, and there $p$ is exactly 0 or 1 in `float32`. So work on the logits.

# %% nbgrader={"grade": false, "grade_id": "log_likelihood", "locked": false, "schema_version": 3, "solution": true, "task": false}
def log_likelihood(logits, x):
    """log Bernoulli(x; sigmoid(logits)) of each image (B, D), shape (B,), in nats."""
    ### BEGIN SOLUTION
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "log_likelihood-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.log_likelihood(log_likelihood)

# %%
# Stuck? Type check.log_likelihood.hint() on the next line, and run this cell.

# %% [markdown]
# Two models without a code, to compare with: every pixel is a fair coin, and every pixel has its own mean over the
# training images as its probability.

# %%
likelihood_ok = check.use(log_likelihood)
mean_image = x.mean(0).clamp(0.001, 0.999).logit().expand_as(b_test)
by_mean = likelihood_ok(mean_image, b_test)
table(["model", "log p of a test image (nats)"],
      [["fair coins", likelihood_ok(torch.zeros_like(b_test), b_test).mean().item()],
       ["the mean image", by_mean.mean().item()]])
order = by_mean.argsort()
plots.images({"most probable": b_test[order[-10:].flip(0)],
              "least probable": b_test[order[:10]]});

# %% [markdown]
# To know the mean of each pixel saves more than half of the nats. Under this model the most probable images are thin
# strokes with few white pixels, the least probable ones are wide or fat digits, whose many white pixels are each a
# surprise. The model cannot know that white pixels come together. That is what a code is for.
#
# ## 4 · The ELBO
# ★★☆ · 7 minutes
#
# Put your pieces together. The decoder's `logits` for one code per image, the binary images `x`, and the encoder's
# `mu` and `logvar` come in. Return the **ELBO** of each image with this one sample,
# $$\log p_\theta(x \mid z) - \mathrm{KL}\big(q_\phi(z \mid x) \,\Vert\, p(z)\big),$$
# (B,), in nats, with gradients. The bound itself is asked for, not its negative. You may call `likelihood_ok` and
# `kl_ok`.

# %% nbgrader={"grade": false, "grade_id": "elbo", "locked": false, "schema_version": 3, "solution": true, "task": false}
def elbo(logits, x, mu, logvar):
    """The ELBO of each image, from the logits of one code each, shape (B,), in nats."""
    ### BEGIN SOLUTION
    return likelihood_ok(logits, x) - kl_ok(mu, logvar)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "elbo-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.elbo(elbo)

# %%
# Stuck? Type check.elbo.hint() on the next line, and run this cell.

# %% [markdown]
# Now train with it. `fit` makes a loss small, so it is given the negative. The pixels are drawn anew in each step,
# and so is the code.

# %%
elbo_ok = check.use(elbo)


def negative_elbo(model, x, step):
    if step.training:
        x = data.binarised(x, step.generator)
    mu, logvar = model.encode(x)
    z = sample_ok(mu, logvar, step.generator)
    return {"negative ELBO": -elbo_ok(model.decoder(z), x, mu, logvar).float()}


vae = new_vae()
history = fit(vae, (x,), negative_elbo, epochs=7, batch=128, lr=3e-3, one_cycle=True)

# %%
@torch.no_grad()
def measured(model, images=b_test):
    mu, logvar = model.encode(images)
    logits = model.decoder(sample_ok(mu, logvar, torch.Generator().manual_seed(4)))
    terms = (likelihood_ok(logits, images), kl_ok(mu, logvar),
             elbo_ok(logits, images, mu, logvar))
    return [term.mean().item() for term in terms]


fitted, price, bound = measured(vae)
table(["model", "log p(x | z)", "KL", "log p(x) is at least"],
      [["the mean image", None, None, by_mean.mean().item()],
       ["your VAE", fitted, price, bound]])
ten = b_test[plots.first_of_each(y_test)]
with torch.no_grad():
    mu, logvar = vae.encode(ten)
    again = torch.sigmoid(vae.decoder(mu))
plots.images({"binary images": ten, "decoded from the mean code": again});

# %% [markdown]
# The code costs nats, and saves the decoder several times as many: the bound lies high above what the mean image
# reaches. In the pictures the second row shows the digits of the first, cleaned of the pixels' noise: that would be
# expensive to tell, and the code leaves it out.
#
# Where do these nats go? Your `kl_term` tells it unit by unit, if each unit is handed over as a code of its own.

# %%
def kl_by_unit(model, images=b_test):
    """KL of each unit (K,), mean over the images."""
    with torch.no_grad():
        mu, logvar = model.encode(images)
        each = kl_ok(mu.reshape(-1, 1), logvar.reshape(-1, 1))
    return each.reshape(mu.shape).mean(0)


figure, axis = plt.subplots(figsize=(7, 2.8))
axis.bar(range(20), kl_by_unit(vae).sort(descending=True).values)
axis.set(xlabel="units, the most expensive first", ylabel="KL (nats)",
         xticks=range(0, 20, 5));

# %% [markdown]
# The units do not share the work evenly: on the left some say more than a nat about every image, on the right the
# bars become small. A unit without any bar would sit at $\mu = 0$, $\sigma = 1$ for all images: it would save fewer
# nats than it costs, and be switched off.
#
# ## 5 · A tighter bound
# ★★☆ · 9 minutes
#
# With $k$ codes for each image there are $k$ weights, $\log w_i = \log p_\theta(x \mid z_i) + \log p(z_i) - \log
# q_\phi(z_i \mid x)$. Their logarithms come in as `log_w` (k, B), **a row for each sample, a column for each image**.
# Return for each image
# $$\log \frac1k \sum_{i=1}^{k} w_i ,$$
# (B,), in nats, with gradients. The weights themselves are far too small or too large for `float32`: `log_w` near
# −1000 or 1000 must come out right, also when the images of a batch differ by as much.

# %% nbgrader={"grade": false, "grade_id": "importance_bound", "locked": false, "schema_version": 3, "solution": true, "task": false}
def importance_bound(log_w):
    """The logarithm of the mean of k weights, from their logarithms (k, B), shape (B,)."""
    ### BEGIN SOLUTION
    return log_w.logsumexp(0) - math.log(len(log_w))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "importance_bound-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.importance_bound(importance_bound)

# %%
# Stuck? Type check.importance_bound.hint() on the next line, and run this cell.

# %% [markdown]
# 500 codes for each of 500 test images. For k = 5 they make a hundred groups of five, whose bounds are averaged; so
# every k sees the same images *and* the same codes.

# %%
bound_ok = check.use(importance_bound)


@torch.no_grad()
def log_weights(model, x, k, generator):
    (mu, logvar), rows = model.encode(x), []
    q, prior = Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)
    for _ in range(k):
        z = sample_ok(mu, logvar, generator)
        rows.append(likelihood_ok(model.decoder(z), x)
                    + (prior.log_prob(z) - q.log_prob(z)).sum(1))
    return torch.stack(rows)


log_w = log_weights(vae, b_test[:500], 500, torch.Generator().manual_seed(5))
bounds = {k: torch.stack([bound_ok(group) for group in log_w.split(k)]).mean(0)
          for k in (1, 5, 50, 500)}
rows = []
for k, values in bounds.items():
    gain = values - bounds[1]
    rows.append([k, values.mean().item(), values.std().item() / len(values) ** 0.5,
                 gain.mean().item(), gain.std().item() / len(gain) ** 0.5])
table(["k", "bound (nats)", "± standard error", "above k = 1", "± standard error"], rows)

# %% [markdown]
# The bound rises at every step, quickly at first, then slowly. It is the same network and the same images: nothing
# has become better but the estimate of $\log p(x)$. The first standard error is large, because images differ by many
# nats. The gain is measured image by image, so the last column is small: the rise is no accident. And a figure from a
# paper can only be compared at its own $k$.
#
# ## 6 · New digits from the prior
# ★★☆ · 7 minutes
#
# The model is the prior and the decoder; to draw from it the encoder is not needed. A `decoder` comes in that turns
# codes (n, k) into logits (n, 784), and `n`, `k` and a generator. Draw n codes from the prior and return the
# **probabilities** of the pixels, (n, 784). All chance comes from the `generator`.

# %% nbgrader={"grade": false, "grade_id": "prior_samples", "locked": false, "schema_version": 3, "solution": true, "task": false}
def prior_samples(decoder, n, k, generator):
    """The pixels' probabilities of n images whose codes (n, k) come from N(0, I)."""
    ### BEGIN SOLUTION
    z = torch.randn(n, k, generator=generator)
    return torch.sigmoid(decoder(z))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "prior_samples-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.prior_samples(prior_samples)

# %%
# Stuck? Type check.prior_samples.hint() on the next line, and run this cell.

# %%
prior_ok = check.use(prior_samples)
with torch.no_grad():
    fresh = prior_ok(vae.decoder, 10, 20, torch.Generator().manual_seed(6))
    untrained = prior_ok(new_vae().decoder, 10, 20, torch.Generator().manual_seed(6))
plots.images({"untrained decoder": untrained, "your VAE": fresh,
              "its pixels drawn": data.binarised(fresh, torch.Generator().manual_seed(7))});

# %% [markdown]
# The untrained decoder draws the mean image, whatever the code. The trained one draws strokes, and some of them are
# digits that nobody wrote; others lie between two digits, since the codes of images do not fill the prior evenly
# (unit 06c measures it). The last row is what the model itself would call an image: black and white, with every
# pixel's coin thrown. Papers mostly show the second row.
#
# ## 7 · Which β is it?
# ★★★ · 10 minutes
#
# Very often the two terms are reduced by different lines of code, and the reductions set a weight that nobody chose.
# Let the reconstruction's numbers lie in a table with a row for each image and a column for each **pixel**, and the
# KL's in one with a row for each image and a column for each **unit**. A term is reduced in one of three ways:
#
# | word | code | what it does |
# |---|---|---|
# | `"per image"` | `.sum(1).mean()` | sum within each image, mean over the images: the course's way |
# | `"mean"` | `.mean()` | mean over everything, as `reduction="mean"` |
# | `"sum"` | `.sum()` | sum over everything, the images too, as `reduction="sum"` |
#
# The loss is the sum of both. Up to one factor for the whole loss, which moves no minimum, it equals reconstruction +
# **β** · KL with both terms `"per image"`. Return β, a number. In come `pixels`, `units`, `batch` (the number of
# images), and the two words, for the `reconstruction` and for the `kl`.

# %% nbgrader={"grade": false, "grade_id": "beta", "locked": false, "schema_version": 3, "solution": true, "task": false}
def beta(pixels, units, batch, reconstruction, kl):
    """The weight of the KL, both terms per image, that two reductions imply."""
    ### BEGIN SOLUTION
    def factor(word, numbers):
        return {"per image": 1, "mean": 1 / numbers, "sum": batch}[word]

    return factor(kl, units) / factor(reconstruction, pixels)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "beta-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.beta(beta)

# %%
# Stuck? Type check.beta.hint() on the next line, and run this cell.

# %% [markdown]
# Three fragments that are often seen, for a code of 20 units. The last column is a test on the lab's network: the
# fragment is computed as it is written, and the direction of its gradient is compared with that of reconstruction + β
# · KL (cosine 1 means: the same direction, so the same training).

# %%
beta_ok = check.use(beta)
fragments = {"bce.sum(1).mean() + kl.sum(1).mean()": ("per image", "per image"),
             "bce.mean() + kl.mean()": ("mean", "mean"),
             "bce.sum() + kl.mean()": ("sum", "mean")}
reduce = {"per image": lambda t: t.sum(1).mean(), "mean": torch.mean, "sum": torch.sum}


def tables(model, x):
    mu, logvar = model.encode(x)
    logits = model.decoder(sample_ok(mu, logvar, torch.Generator().manual_seed(8)))
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    return bce, 0.5 * (mu.square() + logvar.exp() - logvar - 1)


def direction(loss):
    gradients = torch.autograd.grad(loss, vae.parameters(), retain_graph=True)
    return torch.cat([g.flatten() for g in gradients])

# %%
rows, (bce, kl) = [], tables(vae, b_test[:128])
for code, words in fragments.items():
    of_128, of_256 = (float(beta_ok(784, 20, batch, *words)) for batch in (128, 256))
    written = direction(reduce[words[0]](bce) + reduce[words[1]](kl))
    meant = direction(bce.sum(1).mean() + of_128 * kl.sum(1).mean())
    cosine = F.cosine_similarity(written.double(), meant.double(), dim=0).item()
    rows.append([code, f"{of_128:.3g}", f"{of_256:.3g}", f"{cosine:.4f}"])
table(["loss", "β, batch 128", "β, batch 256", "cosine of the gradients"], rows)

# %% [markdown]
# The first is the ELBO. The second weighs the KL tens of times too much. In the third the KL hardly counts at all,
# and how little depends on the batch: whoever doubles the batch trains another model. Train one network with each.

# %%
def weighted(value):
    def loss(model, x, step):
        x = data.binarised(x, step.generator) if step.training else x
        mu, logvar = model.encode(x)
        z = sample_ok(mu, logvar, step.generator)
        return {"reconstruction": -likelihood_ok(model.decoder(z), x).float(),
                "KL": value * kl_ok(mu, logvar).float()}
    return loss


rows, drawings = [], {}
for words in fragments.values():
    model = new_vae()
    value = float(beta_ok(784, 20, 128, *words))
    fit(model, (x[:10_000],), weighted(value), epochs=5, batch=128, lr=3e-3, one_cycle=True)
    with torch.no_grad():
        active = int((model.encode(b_test)[0].var(0) > 0.01).sum())
        name = f"β = {value:.3g}"
        drawings[f"{name}, prior"] = prior_ok(model.decoder, 10, 20,
                                              torch.Generator().manual_seed(6))
        drawings[f"{name}, rebuilt"] = torch.sigmoid(model.decoder(model.encode(ten)[0]))
    rows.append([name, *measured(model), active])
table(["trained with", "log p(x | z)", "KL", "ELBO", "units whose mean moves"], rows)

# %%
plots.images(drawings, zoom=0.75);

# %% [markdown]
# Each pair of rows is one network: drawings from the prior, then the ten test digits rebuilt. With the ELBO the
# digits are rebuilt, and the drawings are strokes, some of them digits. With two means the code costs far too much:
# it says nothing, and the decoder draws the same blurred image from every code, the rebuilt ones too. With the batch
# in it the code is nearly free: the digits are rebuilt best of all, but their codes are spread far wider than the
# prior, so that drawings from it, all near the middle, are faint mixtures. The table has it in nats: the ELBO is best
# where it was asked for.
#
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** The importance-weighted bound lies above the ELBO. So why not train with it from the start?
# (Burda, Grosse and Salakhutdinov did so in 2016.) What would change for the *encoder*, which is now allowed to draw
# bad codes as long as one of the $k$ is good? And what does $k$ times the work per step cost you elsewhere?
#
# **Where to go next.** Here nobody told the network which digit is which. Lesson 07 gives it a few labels, and puts
# the class into the model as a second, discrete code: the same ELBO, with one more term.
