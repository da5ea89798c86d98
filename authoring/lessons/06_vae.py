# %% [markdown]
# # 06 · The variational autoencoder
#
# **Promise.** You will turn an autoencoder into a model that generates digits, derive its loss line by line, and lay
# out its two-dimensional code as a map of all digits.
#
# **After this unit you can** say why a plain autoencoder does not generate; derive the ELBO and say how far below $\log
# p(x)$ it lies; write and train a variational autoencoder; read its loss in nats.
#
# **Before it:** lesson 02 and unit 02b (likelihoods, nats); densities, expectations and Bayes' rule.
# **Time:** about {minutes} minutes; the cells run in less than two minutes on two cores.

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from aecourse import data, diagrams, losses, plots, vae
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import Autoencoder, he
from aecourse.realism import Judge
from aecourse.train import fit, mean_loss, seeded

plots.use_style()
digits = data.load()
claim = Claims("06", digits.name)

# %%
diagrams.flow({"x": (0, 0, "image $x$", plots.SKY),
               "q": (1.7, 0, "mean $\\mu$\nvariance $\\sigma^2$", plots.YELLOW),
               "z": (3.3, 0, "$z = \\mu + \\sigma \\varepsilon$", plots.GREEN),
               "e": (3.3, 1, "noise $\\varepsilon$"),
               "p": (5.2, 0, "probabilities\nof the pixels", plots.SKY)},
              {("x", "q"): "encoder", ("q", "z"): "", ("e", "z"): "",
               ("z", "p"): "decoder"}, size=(10.5, 2.6));

# %% [markdown]
# This is the model of this unit. The encoder gives a *distribution* for the code $z$ of an image, and the decoder gets
# a sample from it.
#
# ## 1 · An autoencoder does not generate
#
# A decoder turns any code into an image. So can we generate digits from random codes? We train an autoencoder with
# latent dimension 50. Then we decode samples from the standard normal distribution $\mathcal N(0, I)$.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = digits.x_train[train]
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer

# %% [markdown]
# **Predict.** In a random code, two numbers have correlation 0. What is the largest correlation, without its sign, of
# two numbers of the autoencoder's codes?

# %%
prediction_correlation = None

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(torch.sigmoid(model(x)), x)}  # (B,)


with seeded(0):
    plain = he(Autoencoder([784, 200, 200, 50], nn.SiLU), x)
fit(plain, (x,), squared_error, epochs=17 * more, batch=128, lr=3e-3, one_cycle=True)
with torch.no_grad():
    codes = plain.encode(x_test[:1000])  # (1000, 50)
    random_codes = torch.randn(10, 50, generator=torch.Generator().manual_seed(6))
    of_codes = torch.sigmoid(plain.decode(codes[:10]))
    of_random = torch.sigmoid(plain.decode(random_codes))
plots.images({"codes of images": of_codes, "random codes": of_random})
correlation = torch.corrcoef(codes.T) - torch.eye(50)  # (50, 50), the diagonal is 0
score([("largest correlation", prediction_correlation, correlation.abs().max().item())])

# %% [markdown]
# Codes of images give digits; random codes give shapes. The numbers of the autoencoder's codes depend on each other,
# and those of a random code do not. Nothing in the loss says where codes lie, and the decoder was trained only on codes
# of images. (Unit [06c](06c_prior.ipynb) fits a density to the codes, a fair rival.)
#
# We want a model whose training decides where codes lie, and that gives every image a probability.
#
# ## 2 · A model of images, and its loss
#
# The **variational autoencoder** (Kingma and Welling 2014; Rezende and others 2014) describes how an image arises.
# First a code is sampled from the **prior** $p(z) = \mathcal N(0, I)$. Then the image is sampled from the
# **likelihood** $p(x \mid z)$, whose parameters the decoder computes. All codes that can give the image contribute to
# its probability, the **evidence**:
#
# $$p(x) = \int p(z)\, p(x \mid z)\, dz .$$
#
# Maximum likelihood makes $\log p(x)$ large on the training images. For a network, nobody can compute this integral. So
# we derive a lower bound. Let $q(z)$ be any density that is positive wherever $p(z)\, p(x \mid z)$ is:
#
# $$\begin{aligned}
# (1)\quad p(x) &= \textstyle\int q(z)\, \dfrac{p(z)\, p(x \mid z)}{q(z)}\, dz && \text{multiply and divide by } q(z) \\
# (2)\quad &= \mathbb E_{z \sim q}\, w(z), \quad w = p(z)\, p(x \mid z) / q(z) && \text{the definition of an expectation} \\
# (3)\quad \log p(x) &\ge \mathbb E_{z \sim q} \log w(z) && \text{Jensen: the logarithm is concave} \\
# (4)\quad &= \mathbb E_q \big[\log p(x \mid z) + \log p(z) - \log q(z)\big] && \log w \text{, written out}
# \end{aligned}$$
#
# Line (4) is the **ELBO**, the *evidence lower bound*. By Jensen's inequality, the logarithm of a mean is never below
# the mean of the logarithms. Here it is for two values of $w$ with equal probabilities:

# %%
diagrams.jensen(1.0, 9.0);

# %% [markdown]
# On the curve is the logarithm of the mean, below it the mean of the logarithms. The vertical line is the gap.
#
# The bound holds for every $q$, so we look for the function $q$ that makes it largest; this is called *variational*.
# Each image needs a $q$ of its own, because $w$ contains $x$: other codes explain another image. **One network gives all
# of them**, the encoder: $q(z \mid x) = \mathcal N(\mu(x), \operatorname{diag} \sigma^2(x))$. This is called
# *amortised* inference.
#
# We put $q(z \mid x)$ for $q(z)$ in (4), and group the terms. The **Kullback–Leibler divergence** of two densities is
# $\mathrm{KL}(q \Vert p) = \mathbb E_q [\log q - \log p]$.
#
# $$\begin{aligned}
# (5)\quad \text{ELBO} &= \mathbb E_q \log p(x \mid z) - \mathbb E_q \big[\log q(z \mid x) - \log p(z)\big]
#   && \text{the mean of a sum is the sum of the means} \\
# (6)\quad &= \underbrace{\mathbb E_q \log p(x \mid z)}_{\text{reconstruction}}
#   - \underbrace{\mathrm{KL}\big(q(z \mid x) \,\Vert\, p(z)\big)}_{\text{information in the code}}
#   && \text{the definition of KL}
# \end{aligned}$$
#
# This is an autoencoder: encode, sample a code, decode. The loss is the negative ELBO, the reconstruction cost plus the
# information in the code, both in nats. (The information is how much more we know about $z$ after seeing $x$ than
# before.)
#
# **Why may we now decode samples from the prior?** The KL term pulls every $q(z \mid x)$ towards the prior. So the codes
# of all images together come to lie about where the prior does. And each code is sampled, so the decoder also learns
# the codes around it. Section 3 shows both effects.
#
# ### The two terms in code
#
# **The KL term.** Take one number $z$ of the code, with $q = \mathcal N(\mu, \sigma^2)$ and $p = \mathcal N(0, 1)$:
#
# $$\begin{aligned}
# \mathrm{KL} &= \mathbb E_q \Big[ -\tfrac12 \log \sigma^2 - \tfrac{(z - \mu)^2}{2 \sigma^2} + \tfrac{z^2}{2} \Big]
#   && \text{the two log densities; } \tfrac12 \log 2\pi \text{ cancels} \\
# &= -\tfrac12 \log \sigma^2 - \tfrac12 + \tfrac12 (\mu^2 + \sigma^2)
#   && \mathbb E_q (z - \mu)^2 = \sigma^2, \quad \mathbb E_q z^2 = \mu^2 + \sigma^2
# \end{aligned}$$
#
# The numbers of a code are independent under both densities, so the log densities add, and the KL terms with them.

# %%
mean, sigma = 1.0, 0.5
of_unit = 0.5 * (mean**2 + sigma**2 - math.log(sigma**2) - 1)
print(f"one unit with mean {mean}, standard deviation {sigma}: {of_unit:.2f} nats")

# %%
try_it("Change `sigma = 0.5` to `sigma = 0.1`. How many nats is it now?",
       None, of_unit, changed=(mean, sigma) == (1.0, 0.1),
       says="A code that is known more exactly costs more nats.")

# %% [markdown]
# **The reconstruction term** is an expectation without a formula. We estimate it from one sample of the code. With a
# Bernoulli likelihood, $-\log p(x \mid z)$ is then the cross-entropy of unit 02b.
#
# But the loss needs a gradient with respect to $\mu$ and $\sigma$, and we cannot differentiate through a random number.
# The **reparameterised sample** puts the randomness into $\varepsilon \sim \mathcal N(0, 1)$, which does not depend on
# the network. Then $z = \mu + \sigma \varepsilon$ is an ordinary function of $\mu$ and $\sigma$:

# %%
diagrams.chains({"sample()": ("$\\mu$, $\\sigma$", "random number", "$z$ without gradient"),
                 "rsample()": ("$\\mu$, $\\sigma$, $\\varepsilon$",
                               "$z = \\mu + \\sigma \\varepsilon$",
                               "$dz/d\\mu = 1$, $dz/d\\sigma = \\varepsilon$")});

# %%
mu = torch.tensor(1.0, requires_grad=True)
q = Normal(mu, 0.5)
with seeded(0):
    z = q.rsample()
(z**2).backward()  # the derivative of z² with respect to mu is 2z · dz/dmu = 2z
print("sample() has a gradient:", q.sample().requires_grad,
      "· rsample() has one:", z.requires_grad)
print(f"gradient that arrived at mu: {mu.grad:.4f} · 2z: {2 * z.item():.4f}")

# %% [markdown]
# Both give the same distribution. Only through `rsample()` does the gradient arrive at $\mu$. (Unit
# [06d](06d_gradients.ipynb) shows what to do without it.)
#
# ## 3 · Training, samples and a map
#
# With a Bernoulli likelihood, pixels are 0 or 1. So each pixel becomes white with its grey value as the probability:
# anew for each training batch, and once with a fixed seed for the test images.
#
# `vae.new` builds the network: the last layer of the encoder gives 50 means and 50 log variances, the decoder gives
# logits. (Why logarithms? A variance must be positive, and a linear layer gives any number. So it gives $\log \sigma^2$,
# and $\sigma = \exp(\tfrac12 \log \sigma^2)$.) First by hand, for at most 10,000 images:

# %%
b_test = data.binarised(x_test, torch.Generator().manual_seed(3))  # (N, 784), 0 or 1
net, noise = vae.new([784, 200, 200, 50], x), torch.Generator().manual_seed(0)
optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
torch.manual_seed(0)  # for rsample()
for grey in x[:10_000].split(128):
    batch = data.binarised(grey, noise)  # (B, 784), B = 128
    mus, logvars = net.encode(batch)  # (B, 50) each
    qs = Normal(mus, (logvars / 2).exp())
    cost = losses.bernoulli_nll(net.decode(qs.rsample()), batch)  # (B,): reconstruction
    kl = kl_divergence(qs, Normal(0, 1)).sum(1)  # (B,): sum over the 50 numbers
    loss = (cost + kl).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print(f"last batch: {cost.mean():.0f} + {kl.mean():.0f} = {loss.item():.0f} nats")

# %% [markdown]
# `vae.negative_elbo()` is this loss for `fit`. The weight of its KL term rises from 0 to 1 in the first tenth of the
# training (a *warm-up*; unit 06ba tests it).

# %%
model = vae.new([784, 200, 200, 50], x)
history = fit(model, (x,), vae.negative_elbo(), epochs=17 * more, batch=128, lr=3e-3,
              one_cycle=True)

# %% [markdown]
# Now we sample codes from the prior and decode them. The autoencoder had the same widths, images and epochs, and it gets
# the same codes.

# %%
generator = torch.Generator().manual_seed(2)
z_prior = torch.randn(500, 50, generator=generator)
with torch.no_grad():
    of_plain, means = (torch.sigmoid(each.decode(z_prior)) for each in (plain, model))
plots.images({"autoencoder": of_plain[:12], "VAE, means": means[:12],  # of (500, 784) each
              "VAE, samples": data.binarised(means[:12], generator)}, zoom=0.75);

# %% [markdown]
# The VAE's rows have many digits that nobody wrote, and some shapes that are no digits. The middle row shows what
# papers show, the probabilities of the pixels. They are the *means* of $p(x \mid z)$. The last row has samples of it.
# (Unit [06e](06e_blurry.ipynb) explains why the means are blurry and the samples ragged.)
#
# How many are digits? We ask the small classifier of lesson 03, `Judge`. It is *confident* of a picture if it gives one
# digit a probability above 0.9.

# %%
classifier = Judge(digits).model  # trained on real digits: (N, 784) → logits (N, 10)
confident = {}
judged = {"autoencoder": of_plain, "VAE": means, "test images": x_test[:1000]}
for name, pictures in judged.items():
    with torch.no_grad():
        most = classifier(pictures).softmax(1).amax(1)  # (N,)
    confident[name] = 100 * (most > 0.9).float().mean().item()
table(["pictures", "classifier confident (%)"], list(confident.items()))

# %% [markdown]
# To see the codes, we train two networks with a **two-dimensional** code.

# %% tags=["picture-sheet"]
with seeded(0):
    flat_ae = he(Autoencoder([784, 300, 300, 2], nn.SiLU), x)
flat = vae.new([784, 300, 300, 2], x)
for network, loss_of in ((flat_ae, squared_error), (flat, vae.negative_elbo())):
    fit(network, (x,), loss_of, epochs=3 * more, batch=128, lr=3e-3, one_cycle=True)
with torch.no_grad():
    ae_codes, vae_codes = flat_ae.encode(x_test[:3000]), flat.encode(b_test[:3000])[0]
axes = plt.subplots(1, 2, figsize=(11, 5.5))[1]
for axis, points, name in zip(axes, (ae_codes, vae_codes), ("autoencoder", "VAE, means")):
    plots.class_map(axis, points, y_test[:3000])
    axis.add_patch(plt.Circle((0, 0), 2.5, fill=False, linewidth=2))
    axis.set(title=name, aspect="equal", xlabel="first number", ylabel="second number")

# %% [markdown]
# The VAE's points are the means $\mu(x)$. The circle is the same in both maps (compare the axes) and holds 96 % of the
# prior. The autoencoder's codes reach far beyond it: some classes form long arms with empty regions between them, the
# others crowd in the middle. The VAE's means lie around 0, about where the prior is, and the regions between the
# classes are small.
#
# And what lies between? We decode a grid of codes, and each cell has an equal share of the prior
# (`vae.prior_grid`).

# %%
axis = plt.subplots(figsize=(6, 6))[1]
axis.imshow(data.tiled(vae.prior_grid(flat, 15)))  # (225, 784)
axis.set(xticks=[], yticks=[], xlabel="first number →", ylabel="second number →");

# %% [markdown]
# Neighbours are alike, and a digit changes gradually into another.

# %%
place = (2.0, 0.0)  # a point of the VAE's map
with torch.no_grad():
    point = torch.tensor(place)
    nearest = y_test[:3000][(vae_codes - point).norm(dim=1).argsort()[:20]]
same = int((nearest == nearest.mode().values).sum())
print(f"at {place}: {same} of the 20 nearest codes belong to digit {nearest.mode().values}")

# %%
try_it("Change `place = (2.0, 0.0)` to `place = (0.0, 0.0)`. How many of the twenty "
       "nearest codes belong to one digit now?", None, same, changed=place == (0.0, 0.0))

# %%
claim("generates", "Decoded codes from the prior of which a classifier is confident, VAE "
      "minus autoencoder", confident["VAE"] - confident["autoencoder"], "points",
      at_least=10, baseline=f"VAE {confident['VAE']:.0f} %, autoencoder "
      f"{confident['autoencoder']:.0f} %, test images {confident['test images']:.0f} %")
claim("map", "Standard deviation of the VAE's two-dimensional codes, mean of both numbers",
      vae_codes.std(0).mean(), at_least=1, at_most=1.5,
      baseline=f"autoencoder {ae_codes.std(0).mean():.1f}")
reach = [points.norm(dim=1).quantile(0.99) for points in (ae_codes, vae_codes)]
claim("map of the autoencoder", "Length that 99 % of the autoencoder's codes do not "
      "exceed, over that of the VAE's", reach[0] / reach[1], "times", at_least=1.3,
      baseline=f"autoencoder {reach[0]:.1f}, VAE {reach[1]:.1f}")

# %% [markdown]
# ## 4 · How good is the bound?
#
# The loss is an upper bound on $-\log p(x)$. We measure it on test images. Two models without a code are the baselines.
# In one, each pixel is a fair coin. In the other, it is white with its own mean.
#
# **Predict.** How many nats of the loss on test images is the KL term, the information in the code?

# %%
prediction_kl = None
print(f"VAE with 50 numbers, training loss: {history.train['loss'][-1]:.0f} nats")

# %%
terms = mean_loss(model, (b_test,), vae.negative_elbo())
elbo = -terms["loss"]
pixels = x.mean(0).clamp(1e-3, 1 - 1e-3).logit()  # (784,)
alone = -losses.bernoulli_nll(pixels.expand_as(b_test), b_test).mean().item()
table(["model", "log p(x) of a test image, at least (nats)"],
      [["each pixel a fair coin", -784 * math.log(2)], ["each pixel with its mean", alone],
       ["VAE (ELBO)", elbo]])
score([("KL term on test images (nats)", prediction_kl, terms["KL"])])

# %%
claim("ELBO", "ELBO on test images, binarised once", elbo, "nats",
      at_least=-97 if digits.name == "mnist" else -104,
      baseline=f"reconstruction {terms['reconstruction']:.1f} + KL {terms['KL']:.1f}; "
      f"every pixel by itself {alone:.0f}; {history.seconds:.0f} s of training",
      paper="log p(x) −86.76 by 5,000 samples (Burda and others 2016, one stochastic "
      "layer)")

# %% [markdown]
# The VAE is far above both baselines, whose pixels are independent. (Unit [06aa](06aa_bounds.ipynb) compares with the
# paper.)
#
# **How far is the ELBO below $\log p(x)$?** The **posterior** $p(z \mid x)$ is the distribution of the codes that
# explain the image. By Bayes' rule, $p(z)\, p(x \mid z) = p(x)\, p(z \mid x)$. For any $q$:
#
# $$\begin{aligned}
# (7)\quad \text{ELBO} &= \mathbb E_q \big[\log p(x) + \log p(z \mid x) - \log q(z)\big] && \text{Bayes' rule in (4)} \\
# (8)\quad &= \log p(x) - \mathrm{KL}\big(q(z) \,\Vert\, p(z \mid x)\big)
#   && \log p(x) \text{ does not depend on } z \text{; definition of KL}
# \end{aligned}$$
#
# The KL is 0 for equal densities and positive for all others (by Jensen's inequality again). So the best $q$ is the
# posterior. A better $q$ does nothing but narrow the gap, since $\log p(x)$ does not depend on it. A better decoder raises
# $\log p(x)$, narrows the gap, or both. In Jensen's picture, this KL is the vertical line. Unit [06a](06a_exact.ipynb)
# checks it by numbers, on a model whose integral can be computed; unit 06aa bounds the gap of this VAE.
#
# ### Autoencoder and VAE
#
# | | autoencoder | variational autoencoder |
# |---|---|---|
# | code of an image | a point | a distribution $q(z \mid x)$ |
# | likelihood | $p(x \mid z)$ for the image's own code | $p(x)$ for any image, by a bound |
# | squared error, cross-entropy | Gaussian, Bernoulli likelihood | the same, as the first term |
# | prior of the code | none | $\mathcal N(0, I)$ |
# | new images | from a density fitted afterwards | from the prior |
#
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - A decoder works for the codes that it was trained on. A VAE is trained with a prior, from which we can sample.
# - $\log p(x) = \text{ELBO} + \mathrm{KL}(q \Vert \text{posterior})$, so the ELBO is a lower bound.
# - Loss = reconstruction cost + KL to the prior, one number per image, in nats.
# - The reparameterised sample $z = \mu + \sigma \varepsilon$ lets gradients reach $\mu$ and $\sigma$.
#
# **Your turn:** [lab 06](../work/lab06.ipynb) (your own copy; on the web, the
# [sheet](../exercises/lab06/lab06.ipynb)). It also needs the units [06aa](06aa_bounds.ipynb) and
# [06b](06b_beta.ipynb).
#
# **Deeper:** [06a](06a_exact.ipynb) an exact model, [06aa](06aa_bounds.ipynb) tighter bounds; [06b](06b_beta.ipynb)
# which loss does a piece of code minimise, [06ba](06ba_collapse.ipynb) posterior collapse; [06c](06c_prior.ipynb) the
# prior, [06ca](06ca_sphere.ipynb) walks between codes, [06cb](06cb_units.ipynb) single units;
# [06d](06d_gradients.ipynb) gradients; [06e](06e_blurry.ipynb) why samples are blurry. **Next:** [lesson
# 07](07_semi.ipynb), learning from few labels.
#
# ### Papers
# - D. P. Kingma, M. Welling (2014). *Auto-encoding variational Bayes.* ICLR.
# - D. J. Rezende, S. Mohamed, D. Wierstra (2014). *Stochastic backpropagation and approximate inference in deep
#   generative models.* ICML.
# - Y. Burda, R. Grosse, R. Salakhutdinov (2016). *Importance weighted autoencoders.* ICLR.
