# %% [markdown]
# # 06aa · How probable is an image?
#
# **Promise.** You will bound $\log p(x)$ of a VAE ever more tightly, on the same images, and find out what it costs
# that one encoder serves all images.
#
# **After this unit you can**
# 1. compute an importance-weighted bound, and compare two bounds fairly;
# 2. say at which $k$ a published value may be compared;
# 3. measure the amortisation gap.
#
# **Before it:** unit 06 (06a helps, and is not needed). **Time:** about {minutes} minutes; the cells run in about a
# minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from aecourse import data, diagrams, longruns, losses, plots, vae
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import sample_code
from aecourse.train import fit, mean_loss, seeded

plots.use_style()
digits = data.load()
claim = Claims("06", digits.name)

# %%
diagrams.flow({"e": (0, 0, "ELBO\n(k = 1)", plots.ORANGE),
               "k": (1.7, 0, "bound with\nk samples", plots.YELLOW),
               "p": (3.4, 0, "$\\log p(x)$", plots.GREEN)},
              {("e", "k"): "more samples", ("k", "p"): "k → ∞"}, size=(9, 1.6));

# %% [markdown]
# From left to right the value rises. Only the estimate changes; the network stays the same.
#
# ## 1 · The network
#
# This is the training of unit 06, with the same seed.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, more = digits.x_train[train], 3 if digits.name == "strokes" else 1
b_test = data.binarised(digits.x_test, torch.Generator().manual_seed(3))  # (N, 784)
model = vae.new([784, 200, 200, 50], x)
history = fit(model, (x,), vae.negative_elbo(), epochs=17 * more, batch=128, lr=3e-3,
              one_cycle=True)

# %%
images = b_test  # binary, made once with a fixed seed
elbo = -mean_loss(model, (images,), vae.negative_elbo())["loss"]
print(f"{len(images):,} test images: {elbo:.2f} nats")

# %%
try_it("Change `images = b_test` to `images = digits.x_test`, the grey images. Which "
       "number is printed?", None, elbo, changed=images is digits.x_test,
       says="Grey images are no Bernoulli data (unit 02b). This number is no bound on a "
       "log-likelihood and cannot be compared with the other.")

# %% [markdown]
# As a check, `torch.distributions` computes the loss of 100 images once more.

# %%
with torch.no_grad():
    mus, logvars = model.encode(b_test[:100])
    logits = model.decode(mus)
    ours = losses.bernoulli_nll(logits, b_test[:100]) + losses.gaussian_kl(mus, logvars)
    theirs = kl_divergence(Normal(mus, (logvars / 2).exp()), Normal(0, 1)).sum(1)
    theirs = theirs - Bernoulli(logits=logits).log_prob(b_test[:100]).sum(1)
claim("independent", "Largest difference between the two computations, 100 images",
      (ours - theirs).abs().max(), "nats", at_most=1e-3,
      baseline=f"by torch.distributions {theirs.mean():.1f}")

# %% [markdown]
# ## 2 · The weights of one image
#
# Take $k$ codes $z_i$ from the encoder's $q(z \mid x)$. Each has a weight $w_i = p(x \mid z_i)\, p(z_i) / q(z_i \mid
# x)$, and the mean of $w$ is $p(x)$ (unit 06, line 2). The **importance-weighted bound** takes the logarithm of a mean
# of $k$ weights:
#
# $$\mathcal L_k = \mathbb E \log \frac1k \sum_{i=1}^k w_i \;\le\; \log p(x) \qquad \text{(Jensen's inequality)} .$$
#
# For $k = 1$ it is the ELBO. It never falls with $k$, and if the weights are bounded, it converges to
# $\log p(x)$ (Burda and others 2016; cited). First for one image:

# %%
one = b_test[:1]  # (1, 784)
with torch.no_grad():
    mu, logvar = model.encode(one)  # (1, 50) each
    q = Normal(mu, (logvar / 2).exp())
    with seeded(0):
        z = q.sample((500,)).squeeze(1)  # (500, 50)
    log_likelihood = -losses.bernoulli_nll(model.decode(z), one.expand(500, -1))
    log_prior, log_q = Normal(0, 1).log_prob(z).sum(1), q.log_prob(z).sum(1)
    log_w = log_likelihood + log_prior - log_q  # (500,)
axis = plt.subplots(figsize=(6.5, 2.8))[1]
axis.hist(log_w.numpy(), bins=40, color=plots.SKY)
axis.axvline(log_w.mean(), color=plots.ORANGE, label="mean of log w: ELBO")
axis.axvline(losses.importance_bound(log_w[:, None]), color=plots.GREEN, linestyle="--",
             label="log of mean w (estimate, k = 500)")
axis.set(xlabel="log w (nats)", ylabel="samples")
axis.margins(y=0.5)
axis.legend(frameon=False, loc="upper left");

# %% [markdown]
# The log weights of one image differ by many nats, so the weights differ by large factors. What do the few largest
# contribute to the mean of $w$?

# %%
largest = 10
part = 100 * log_w.softmax(0).topk(largest).values.sum().item()
print(f"the {largest} largest of 500 weights: {part:.0f} % of their sum")

# %%
try_it("Change `largest = 10` to `largest = 50`. Which percentage of the sum of all 500 "
       "weights is it now?", None, part, changed=largest == 50)

# %% [markdown]
# **Predict.** The distance between the two lines is what 500 samples gain for this image. On average over images, which
# share of this gain do five samples have, from 0 to 1?

# %%
prediction_share = None

# %% [markdown]
# `vae.log_weights` does the same for many images and gives log w of shape (k, images). For $k = 5$ the 500 samples make
# a hundred groups of five. So every $k$ sees the same images and the same samples.

# %%
many = vae.log_weights(model, b_test[:1000], 500)  # log w, (500, 1000)
bounds = {}
for k in (1, 5, 50, 500):
    groups = many.split(k)  # 500 / k times (k, 1000)
    bounds[k] = torch.stack([losses.importance_bound(group) for group in groups]).mean(0)


def standard_error(values):  # of the mean of (N,) numbers
    return values.std().item() / len(values) ** 0.5

# %%
gains = {k: values - bounds[1] for k, values in bounds.items()}  # (1000,) each
table(["k", "bound (nats)", "standard error", "gain over k = 1", "error of the gain"],
      [[k, f"{values.mean():.2f}", standard_error(values), f"{gains[k].mean():.2f}",
        standard_error(gains[k])] for k, values in bounds.items()])
score([("gain with 5 samples over the gain with 500", prediction_share,
        (gains[5].mean() / gains[500].mean()).item())])

# %%
claim("importance", "Bound with 500 samples above the one with 1, same 1,000 images",
      gains[500].mean(), "nats", at_least=1)
claim("evidence", "log p(x), bound with 500 samples, 1,000 test images",
      bounds[500].mean(), "nats", at_least=-94 if digits.name == "mnist" else -101,
      baseline=f"standard error over images {standard_error(bounds[500]):.1f}; ELBO "
      f"{bounds[1].mean():.1f}",
      paper="VAE −86.76, trained with 50 samples −84.78, both by 5,000 "
      "(Burda and others 2016)")
claim("same images", "Standard error of the gain over that of the bound, 500 samples",
      standard_error(gains[500]) / standard_error(bounds[500]), "times", at_most=0.3)

# %% [markdown]
# The bound rises fast at first, then slowly. So a published value can only be compared at its own $k$.
#
# The first standard error is large, because images differ by many nats. The gain is computed image by image, so these
# differences cancel, and its standard error is much smaller. **Compare two models, or two bounds, on the same images.**

# And how probable is an image? On MNIST, a log-likelihood of −92 nats is a probability of about $10^{-40}$; if each pixel is a fair
# coin, it is about $10^{-236}$.
#
# ## 3 · Long runs
#
# Burda and others (2016) trained for 3,280 epochs. The following three runs have its network, and its bound with 5,000 samples on all
# 10,000 MNIST test images. They were done beforehand (`benchmarks/papers.py`).
#
# **Predict.** One network is trained with the ELBO, another with the bound with 50 samples, both for 60 epochs. For
# which is the *ELBO* better? Type `"ELBO"` or `"bound"`.

# %%
prediction_trained = None

# %%
runs = longruns.load()
labels = {"vae-50": "ELBO, 400 epochs", "vae-50-brief": "ELBO, 60 epochs",
          "iwae-50": "bound with 50 samples, 60 epochs"}
elbos = {name: float(runs[name]["beside"].split("ELBO ")[1])
         for name in labels if name in runs}
table(["trained with", "log p(x), at least", "ELBO", "minutes", "paper: log p(x)"],
      [[labels[name], f"{runs[name]['value']:.2f}", f"{elbo:.2f}",
        round(runs[name]["seconds"] / 60), runs[name]["paper"].split(" (")[0]]
       for name, elbo in elbos.items()])
if len(elbos) == 3:
    better = "ELBO" if elbos["vae-50-brief"] > elbos["iwae-50"] else "bound"
    score([("better ELBO after 60 epochs", prediction_trained, better)])

# %% [markdown]
# The paper's values are from Burda and others (2016, table 1). Trained for longer, our network reaches the paper's
# value for the VAE. The ELBO has $k = 1$, so on MNIST it can be compared with section 1. After 400
# epochs it is several nats higher than after our minute.
#
# The other two rows saw equally many epochs. The bound with 50 samples is the better loss for $\log p(x)$. But it costs
# many times more for each epoch, and the long run with the ELBO, in the same time, got further. The paper trained with
# this bound for over fifty times as many epochs; this is the likely reason why our value is below the paper's.
#
# The column with the ELBO shows another thing. Trained with 50 samples, the network has a better $\log p(x)$ and a
# worse ELBO. Its encoder may miss often, as long as one of fifty samples fits the image.

# %%
run = "vae-50"
below = runs[run]["value"] - elbos[run] if run in elbos else float("nan")
print(f"{labels[run]}: the ELBO is {below:.2f} nats below the bound with 5,000 samples")

# %%
try_it('Change `run = "vae-50"` to `run = "iwae-50"`. By how many nats is the ELBO below '
       "the bound now?", None, below, changed=run == "iwae-50")

# %% [markdown]
# ## 4 · The price of one encoder for all images
#
# By unit 06, the ELBO lies below $\log p(x)$ by the KL from $q$ to the posterior. Two things keep $q$ from the
# posterior. First, the **family**: $q$ is a Gaussian with a diagonal covariance. Second, **amortisation** (Cremer and
# others 2018): one network gives $\mu$ and $\sigma$ of all images. We can measure the second. Take 200 test images (the
# encoder was not trained on them), and improve $\mu$ and $\sigma$ of each by gradient steps, while the decoder stays as
# it is.
#
# **Predict.** How many nats does this gain?

# %%
prediction_own = None

# %%
some = b_test[:200]  # (200, 784)


def negative_bound(mu, logvar, generator, samples=2):  # the negative ELBO, a number
    mus, logvars = mu.repeat(samples, 1), logvar.repeat(samples, 1)  # (samples · 200, 50)
    z = sample_code(mus, logvars, generator)
    cost = losses.bernoulli_nll(model.decode(z), some.repeat(samples, 1))
    return (cost + losses.gaussian_kl(mus, logvars)).mean()


def improved(steps):  # begins at the encoder's answer → mu and logvar, (200, 50) each
    with torch.no_grad():
        own = [t.clone().requires_grad_() for t in model.encode(some)]
    optimiser, generator = torch.optim.Adam(own, lr=0.03), torch.Generator().manual_seed(5)
    for _ in range(steps):
        optimiser.zero_grad()
        negative_bound(*own, generator).backward()
        optimiser.step()
    return own

# %%
@torch.no_grad()
def measured(mu, logvar):  # the ELBO with 50 samples for each image
    return -negative_bound(mu, logvar, torch.Generator().manual_seed(6), samples=50).item()


first, last = measured(*improved(0)), measured(*improved(200))
tight = bounds[500][:200].mean().item()
least = tight - first  # the gap is at least this
table(["200 test images", "nats"],
      [["ELBO, encoder", f"{first:.2f}"], ["ELBO, improved q", f"{last:.2f}"],
       ["bound with 500 samples", f"{tight:.2f}"]])
score([("gained by improving q for each image (nats)", prediction_own, last - first)])

# %%
claim("amortisation", "ELBO gained by improving the code of each image by itself",
      last - first, "nats", at_least=0.3,
      baseline=f"encoder {first:.1f}, improved {last:.1f}, 500 samples {tight:.1f}")
print(f"gained {last - first:.1f} nats; the gap is at least {least:.1f} nats, so the gain "
      f"is at most {(last - first) / least:.0%} of it. "
      f"At least {tight - last:.1f} nats are left.")

# %% [markdown]
# The gap is only known to be at least so large, since the last row is itself a lower bound on $\log p(x)$. The gain is
# what the one encoder cost on these new images. What is left, up to $\log p(x)$, is the price of the family, as far as
# the 200 steps found the best $q$. Is the gain different on images that the encoder was trained on?

# %%
chosen = b_test[:200]  # (200, 784)
some = chosen
gain = measured(*improved(200)) - measured(*improved(0))
some = b_test[:200]
print(f"gained by improving q for each image: {gain:.2f} nats")

# %%
try_it("Change `chosen = b_test[:200]` to `chosen = data.binarised(x[:200], "
       "torch.Generator().manual_seed(3))`, training images. How many nats are gained?",
       None, gain, changed=not torch.equal(chosen, b_test[:200]))

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - The expected logarithm of a mean of $k$ weights is a bound, and tighter for larger $k$.
# - Compare at the same $k$, on the same images, by the differences.
# - The gap between ELBO and $\log p(x)$ has two parts: amortisation and the family of $q$.
#
# **Next:** [06b](06b_beta.ipynb), which loss code really minimises.
#
# ### Papers
# - Y. Burda, R. Grosse, R. Salakhutdinov (2016). *Importance weighted autoencoders.* ICLR.
# - C. Cremer, X. Li, D. Duvenaud (2018). *Inference suboptimality in variational autoencoders.* ICML.
