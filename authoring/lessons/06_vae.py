# %% [markdown]
# # 06 · The variational autoencoder and the ELBO
#
# **Promise.** You will turn an autoencoder into a model that can invent digits, derive its loss step by step with
# every step checked by a number, and find out which loss the usual code really minimises.
#
# **After this lesson you can**
# 1. say why a plain autoencoder is no generator, and how far a density fitted to its codes gets you;
# 2. derive the ELBO, and say what it is below: $\log p(x) = \text{ELBO} + \mathrm{KL}$;
# 3. write a variational autoencoder whose loss is in nats, and bound its log-likelihood more tightly with more
#    samples;
# 4. tell from the shapes alone which $\beta$ a piece of code minimises;
# 5. recognise a posterior that has collapsed, and say what was done to it.
#
# **Before it:** lessons 02 to 05; probability densities, expectations and Bayes' rule.
# **Time:** about 80 minutes to read; all cells together run in less than 150 seconds on two cores. Five questions ask
# for your prediction.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.mixture import GaussianMixture
from torch import nn
from torch.distributions import (Bernoulli, Independent, MultivariateNormal, Normal,
                                 kl_divergence)

# %%
from aecourse import data, longruns, losses, metrics, plots, widgets
from aecourse.claims import Claims, score, table
from aecourse.models import Autoencoder, begin_at_mean, he, mlp
from aecourse.realism import Judge
from aecourse.train import fit, mean_loss, seeded

plots.use_style()
digits = data.load()
claim = Claims("06", digits.name)
digits

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, x_test, y_test = digits.x_train[valid], digits.x_test, digits.y_test
few = x[:15_000]  # for the brief trainings
more = 3 if digits.name == "strokes" else 1  # a third of the images: three times the epochs
ten = plots.first_of_each(y_test)
judge = Judge(digits)

# %% [markdown]
# ## 1 · An autoencoder is not a generator, shown fairly
#
# The decoder of an autoencoder draws an image from any code. So draw codes at random and decode them: new digits? It
# depends on *where the codes come from*. Three sources, from careless to careful: the standard normal distribution
# $\mathcal N(0, I)$, to which nobody has told the codes to conform; a Gaussian with the mean and covariance of the
# training codes; and a **mixture of fifty Gaussians** fitted to them. The last one is the honest baseline: it costs a
# few seconds and no new theory.

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(torch.sigmoid(model(x)), x)}


with seeded(0):
    plain = he(Autoencoder([784, 400, 20], nn.SiLU), x)
plain_history = fit(plain, (few,), squared_error, epochs=4, batch=128, lr=3e-3,
                    one_cycle=True)
with torch.no_grad():
    plain_codes = plain.encode(few)

# %%
def from_mixture(fitted, n=1000):
    """Codes (n, K) from a fitted mixture, shuffled: scikit-learn draws part by part."""
    codes = torch.from_numpy(fitted.sample(n)[0]).float()
    return codes[torch.randperm(n, generator=torch.Generator().manual_seed(0))]


gaussian = MultivariateNormal(plain_codes.mean(0), plain_codes.T.cov())
mixture = GaussianMixture(50, tol=0.01, reg_covar=1e-3, random_state=0)
mixture.fit(plain_codes.double().numpy())
with seeded(0):
    sources = {"N(0, I)": torch.randn(1000, 20), "a Gaussian": gaussian.sample((1000,)),
               "a mixture of 50": from_mixture(mixture)}
with torch.no_grad():
    drawn = {name: torch.sigmoid(plain.decode(z)) for name, z in sources.items()}
drawn |= {"test images": x_test[:1000]}

# %% [markdown]
# How good are they? The realism score of unit 03c, the distance to the nearest real digit, looks at one picture at a time: a
# source that draws the same good digit again and again does well by it, and one grey mean of all does better than it
# should. Two measures look at all drawings together, both in the features of a small classifier. The **Fréchet
# distance** (Heusel and others 2017) compares mean and covariance of the drawings' features with those of 1,000 test
# images; 0 is equal. The
# **coverage** is the share of these test images that are the nearest neighbour of at least one of as many drawings.
# Two rows set the scale: as many other real images, held out from training, and the mean image, which must not win.
# (The real ones are not at 0 either: other people wrote MNIST's test images.)

# %%
def coverage(images):
    """Share (%) of test images that are nearest to at least one of as many drawings."""
    features = judge.model[:-1]
    with torch.no_grad():
        nearest = torch.cdist(features(images), features(x_test[:len(images)])).argmin(1)
    return 100 * len(nearest.unique()) / len(images)


def sheet(drawn):
    return [[name, judge.frechet(images), coverage(images)]
            for name, images in drawn.items()]


marks = {"other real images": x_val[:1000], "the mean image": x.mean(0).expand(1000, -1)}
rows = sheet({name: drawn[name] for name in sources} | marks)
table(["codes from", "Fréchet distance", "coverage (%)"], rows)

# %%
plots.images({name: images[:10] for name, images in drawn.items()}, zoom=0.75);

# %% [markdown]
# Codes from $\mathcal N(0, I)$ give strokes, few digits: the decoder never saw such codes. One Gaussian is hardly
# better to look at, since the codes do not form one cloud. The mixture of fifty, however, gives digits, most of them
# good ones, and nearly as varied as real ones. So the sentence "an autoencoder cannot generate" is too short: an
# autoencoder *and a density fitted to its codes* can. What it lacks is something else: a probability of an *image*.
# How likely is this image under the model? With which loss should the two halves be trained together? That needs a
# model with a prior from the start.

# %%
by_source = {row[0]: row[1:] for row in rows}
claim("careless", "Fréchet distance of drawings from N(0, I), over that of the mixture",
      by_source["N(0, I)"][0] / by_source["a mixture of 50"][0], "times", at_least=2.5,
      baseline=f"one Gaussian over the mixture "
      f"{by_source['a Gaussian'][0] / by_source['a mixture of 50'][0]:.1f}")
claim("fitted", "Coverage of test images by drawings from the mixture",
      by_source["a mixture of 50"][1], "%", at_least=45,
      baseline=f"by other real images {by_source['other real images'][1]:.0f}, by drawings "
      f"from N(0, I) {by_source['N(0, I)'][1]:.0f}")

# %% [markdown]
# ## 2 · From maximum likelihood to the ELBO
#
# The model of a **variational autoencoder** (Kingma and Welling; Rezende, Mohamed and Wierstra, both 2014) is a story
# of how an image comes about: draw a code from the **prior** $p(z) = \mathcal N(0, I)$; draw the image from the
# **likelihood** $p_\theta(x \mid z)$, which the decoder gives. The probability of an image, its **evidence**, adds up
# all codes that could have drawn it:
# $$p_\theta(x) = \int p(z)\, p_\theta(x \mid z)\, dz .$$
# Maximum likelihood asks for the $\theta$ that makes $\log p_\theta(x)$ large on the training images. But nobody can
# do the integral for a network. To see what can be done instead, take a decoder for which we *can* do it: a linear
# one in two dimensions with Gaussian noise, $x = Wz + b + \sigma \varepsilon$. Then $p(x)$ is the Gaussian $\mathcal
# N(b, WW^\top + \sigma^2 I)$, and the **posterior** $p(z \mid x)$, the codes that explain an image, is a Gaussian
# too. (This is probabilistic PCA; Tipping and Bishop 1999.) Every step below is checked on it.

# %%
sigma, b = 0.5, torch.tensor([0.3, -0.2, 0.1], dtype=torch.double)
W = torch.tensor([[1.5, 0.2], [0.3, -0.8], [-0.6, 0.4]], dtype=torch.double)
one = torch.tensor([1.2, 0.4, -0.9], dtype=torch.double)  # an "image" of three pixels

evidence = MultivariateNormal(b, W @ W.T + sigma**2 * torch.eye(3)).log_prob(one)
precision = torch.eye(2) + W.T @ W / sigma**2  # of the posterior
posterior = MultivariateNormal(torch.linalg.solve(precision, W.T @ (one - b)) / sigma**2,
                               precision_matrix=precision)
print(f"log p(x) = {evidence:.4f} nats")

# %% [markdown]
# **Step 1: the integral as a mean over the prior.** $p(x) = \mathbb E_{z \sim p(z)}\, p(x \mid z)$: draw codes from
# the prior and average. True, and useless for images: nearly all codes draw something else, and the rare ones that
# fit carry the sum.
#
# **Step 2: draw where it pays.** Take any density $q(z)$ and weigh: $p(x) = \mathbb E_{z \sim q} \big[ p(z)\, p(x
# \mid z) / q(z) \big]$. The ratio in the brackets is called $w$.
#
# **Step 3: the logarithm inside.** By Jensen's inequality $\log \mathbb E\, w \ge \mathbb E \log w$. This lower bound
# of the evidence is the
# **ELBO** (evidence lower bound):
# $$\text{ELBO}(q) = \mathbb E_{z \sim q} \big[ \log p(x \mid z) + \log p(z) - \log q(z) \big].$$
# **Step 4: how much is lost.** Write $p(z)\, p(x \mid z) = p(x)\, p(z \mid x)$ in the bracket, and the difference
# turns out to be a **Kullback–Leibler divergence**, $\mathrm{KL}(q \,\Vert\, p) = \mathbb E_{z \sim q} [\log q(z) -
# \log p(z)]$, which is 0 for equal densities and positive for all others:
# $$\log p(x) = \text{ELBO}(q) + \mathrm{KL}\big(q(z) \,\Vert\, p(z \mid x)\big).$$
# So the bound is tight for $q = p(z \mid x)$, and only there. Check all of it:

# %%
def log_weight(z, q):
    """log w of codes z (N, 2)."""
    mean = z @ W.T + b
    return (Normal(mean, sigma).log_prob(one).sum(-1) + Normal(0, 1).log_prob(z).sum(-1)
            - q.log_prob(z))


guesses = {"the posterior": posterior,
           "too wide": MultivariateNormal(posterior.mean, 4 * posterior.covariance_matrix),
           "its best diagonal": MultivariateNormal(posterior.mean,
                                                   torch.diag(1 / precision.diagonal())),
           "moved": MultivariateNormal(posterior.mean + 0.3, posterior.covariance_matrix),
           "the prior": MultivariateNormal(torch.zeros(2, dtype=torch.double),
                                           torch.eye(2, dtype=torch.double))}

# %%
rows = []
with seeded(0):
    for name, q in guesses.items():
        log_w = log_weight(q.sample((400_000,)), q)
        mean_w = log_w.logsumexp(0) - math.log(len(log_w))  # the logarithm of the mean of w
        elbo, kl = log_w.mean(), kl_divergence(q, posterior)
        rows.append([name, *(v.item() for v in (mean_w, elbo, kl, elbo + kl))])
table(["q", "log of mean w", "ELBO", "KL to the posterior", "ELBO + KL"], rows)

# %%
off = np.abs(np.array([[mean_w, total] for _, mean_w, *_, total in rows]) - evidence.item())
claim("mean weight", "Largest deviation of the log of the mean weight from log p(x), "
      "five choices of q", off[:, 0].max(), "nats", at_most=0.03)
claim("identity", "Largest deviation of ELBO + KL from log p(x), five choices of q",
      off[:, 1].max(), "nats", at_most=0.1,
      baseline=f"without the prior {off[:-1, 1].max():.3f}")
claim("tight", "ELBO for the exact posterior minus log p(x)", rows[0][2] - evidence.item(),
      "nats", near=0, within=1e-4)

# %% [markdown]
# The column "log of mean w" is steps 1 and 2: the mean weight estimates $p(x)$ for *every* $q$. The last row, which
# draws from the prior, is step 1: its weights are $p(x \mid z)$. In two dimensions that still works, since enough
# draws fit. The ELBO, step 3, averages the logarithms instead, and is the lower the worse $q$ fits; for the prior it
# is so low, and scatters so much, that its sum is known least well. The last column is step 4: the bound is too low
# by the divergence. In the first row every single sample gives $\log p(x)$: with the posterior, $w$ is constant.
#
# So to *maximise the ELBO over $q$* means to look for the posterior, although the posterior itself is nowhere
# computed. Maximising it over $\theta$ raises the evidence, or lowers the gap: it prefers models whose posterior $q$
# can follow.
#
# **The autoencoder in it.** One more way to write the same number:
# $$\text{ELBO} = \underbrace{\mathbb E_{z \sim q}\, \log p_\theta(x \mid z)}_{\text{reconstruction}} - \underbrace{\mathrm{KL}\big(q_\phi(z \mid x) \,\Vert\, p(z)\big)}_{\text{distance from the prior}} .$$
# For every image a $q$ of its own is needed. An **encoder** gives it: $q_\phi(z \mid x) = \mathcal N(\mu_\phi(x),
# \operatorname{diag} \sigma_\phi^2(x))$. (This $\sigma_\phi$ is the width of the code's distribution; the $\sigma$ of
# the linear decoder was the noise of the pixels.) Encode, draw a code, decode, and the loss is the negative ELBO: the
# nats that the decoder misses the image by, plus the nats that the code says about the image.
#
# ## 3 · The two terms in code
#
# For $q = \mathcal N(\mu, \operatorname{diag} \sigma^2)$ and the standard normal prior the divergence has a formula
# (Kingma and Welling, appendix B): $\tfrac12 \sum_j (\mu_j^2 + \sigma_j^2 - \log \sigma_j^2 - 1)$. The encoder gives
# $\log \sigma^2$, called `logvar`, since it may be any number.

# %%
def gaussian_kl(mu, logvar):
    """KL(N(mu, exp(logvar)) || N(0, I)) per image, shape (B,), in nats."""
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum(1)


generator = torch.Generator().manual_seed(1)
mu, logvar = torch.randn(2, 3, 20, generator=generator)
q = Normal(mu, (logvar / 2).exp())
with seeded(0):
    z = q.sample((20_000,))
sampled = (q.log_prob(z) - Normal(0, 1).log_prob(z)).sum(-1)
rows = [[f"code {i + 1}", exact.item(), estimate.mean().item(), estimate.std().item()]
        for i, (exact, estimate) in enumerate(zip(gaussian_kl(mu, logvar), sampled.T))]
table(["", "formula", "mean of 20,000 samples", "spread of one sample"], rows)

# %% [markdown]
# The formula and the samples agree; a single sample is off by some nats, so take the formula where there is one.
#
# **The reparameterisation trick.** The reconstruction term has no formula: draw a code and decode. But how does a
# gradient get through a random draw to $\mu$ and $\sigma$? Write the draw as $z = \mu + \sigma \varepsilon$ with
# $\varepsilon \sim \mathcal N(0, I)$: the randomness now comes from outside, and $z$ is a smooth function of $\mu$
# and $\sigma$. There is an older way that needs no smoothness, the **score-function** estimator, $\nabla \mathbb E
# f(z) = \mathbb E \big[ f(z)\, \nabla \log q(z) \big]$. (Its gradients are with respect to the numbers that fix $q$,
# here $\mu$ and $\sigma$; the score of unit 04b was a gradient with respect to the data.) Both estimators are right
# on average. **Predict.** How many times larger is the variance of the older one, for the gradient of the
# reconstruction term with respect to $\mu$, in the small model of section 2?

# %%
prediction_variance = None

# %%
mu = (posterior.mean + 0.3).requires_grad_()
q = Normal(mu, torch.tensor([0.5, 0.8], dtype=torch.double))
n, generator = 20_000, torch.Generator().manual_seed(2)
eps = torch.randn(n, 2, generator=generator, dtype=torch.double)


def reconstruction(z):
    return Normal(z @ W.T + b, sigma).log_prob(one).sum(-1)


z = (mu + q.stddev * eps).detach().requires_grad_()
through, = torch.autograd.grad(reconstruction(z).sum(), z)  # dz/dmu = 1
value = reconstruction(z).detach()[:, None]
older = value * eps / q.stddev
baseline = (value - value.mean()) * eps / q.stddev
rows = [[name, *g.mean(0).tolist(), *g.var(0).tolist()] for name, g in
        (("reparameterised", through), ("score function", older.detach()),
         ("score function, mean subtracted", baseline.detach()))]
table(["estimator", "mean, first number", "second", "variance, first", "second"], rows)

# %%
ratio = (older.var(0) / through.var(0)).mean().item()
claim("variance", "Variance of the score-function gradient over the reparameterised one",
      ratio, "times", at_least=3, baseline=f"with the mean subtracted "
      f"{(baseline.var(0) / through.var(0)).mean():.1f}")

# %% [markdown]
# Both means agree, but the older estimator scatters far more, and it gets worse with the number of code units. It is
# kept for codes that are not smooth, such as the bits of lesson 09.
#
# ## 4 · The variational autoencoder
#
# All pieces together. Pixels: grey pixels are no coin flips, so a Bernoulli likelihood needs **binary** images
# (unit 02b). The custom in the papers is to *draw* them: each pixel is white with its grey value as the probability.
# The training images are drawn anew in each step (dynamic binarisation), the test images
# **once, with a fixed seed**, so that every figure below is about the same images.

# %%
def binarised(images, generator):
    """Each pixel is 1 with its grey value as the probability, else 0."""
    chance = torch.rand(images.shape, generator=generator, device=images.device)
    return (chance < images).float()


b_test = binarised(x_test, torch.Generator().manual_seed(3))
b_val = binarised(x_val, torch.Generator().manual_seed(4))

# %% [markdown]
# The network: the encoder ends in two numbers for each unit of the code, the mean and the log variance. The decoder
# gives logits. A draw is reparameterised.

# %%
class VAE(nn.Module):
    def __init__(self, widths, activation=nn.SiLU):
        super().__init__()
        *hidden, k = widths
        self.encoder = mlp([*hidden, 2 * k], activation)  # mu and logvar
        self.decoder = mlp([k, *hidden[::-1]], activation)  # logits

    def encode(self, x):
        mu, logvar = self.encoder(x).chunk(2, 1)
        return mu, logvar

    def decode(self, z):
        return self.decoder(z)


def sample_code(mu, logvar, generator=None):
    eps = torch.randn(mu.shape, generator=generator, device=mu.device)
    return mu + (logvar / 2).exp() * eps


def new_vae(widths=(784, 200, 200, 50), seed=0):
    with seeded(seed):
        return begin_at_mean(VAE(widths), x)  # as `he` lets an autoencoder begin

# %% [markdown]
# The loss returns the two terms of the negative ELBO by name, one number per image each. One help in training: the
# weight of the KL term grows from 0 to 1 in the first tenth (a *warm-up*). Without it the network learns first that
# saying nothing about the image is cheap, and may never unlearn it (section 7).

# %%
def negative_elbo(beta=1.0, warm_up=0.1, likelihood=losses.bernoulli_nll):
    def loss(model, x, step):
        if step.training:
            x = binarised(x, step.generator)
        mu, logvar = model.encode(x)
        z = sample_code(mu, logvar, step.generator)
        weight = beta
        if step.training and warm_up:
            weight = beta * min(1, step.progress / warm_up)
        return {"reconstruction": likelihood(model.decode(z), x),
                "KL": weight * gaussian_kl(mu, logvar)}
    return loss

# %% [markdown]
# **Predict.** Which ELBO (nats per image, a negative number) will the network reach on test images in about a minute
# of training? A fair coin for every pixel has $784 \log \tfrac12 = -543$.

# %%
prediction_elbo = None

# %%
vae = new_vae()
history = fit(vae, (x,), negative_elbo(), epochs=17 * more, batch=128, lr=3e-3,
              one_cycle=True, held_out=(b_val,))
plots.curves(history, unit="negative ELBO (nats per image)");

# %% [markdown]
# Dashed: training, with noise and warm-up; solid: held-out images. The two stay together: new pixels in every step
# keep the network from learning the images by heart.

# %%
terms = mean_loss(vae, (b_test,), negative_elbo())
terms_main = terms["loss"]
mean_logits = x.mean(0).clamp(1e-3, 1 - 1e-3).logit()
independent = losses.bernoulli_nll(mean_logits.expand_as(b_test), b_test).mean().item()
claim("ELBO", "ELBO on test images, binarised once", -terms["loss"], "nats",
      at_least=-97 if digits.name == "mnist" else -104,
      baseline=f"reconstruction {terms['reconstruction']:.1f} + KL {terms['KL']:.1f}; "
      f"every pixel by itself −{independent:.0f}; {history.seconds:.0f} s of training",
      paper="log p(x) −86.76 by 5,000 samples (Burda and others 2016, one stochastic "
      "layer)")

# %% [markdown]
# Is the number right? An independent computation: the distributions of `torch.distributions` know their own
# log-probabilities and divergences, and nothing of our formulas.

# %%
with torch.no_grad():
    mu, logvar = vae.encode(b_test[:100])
    z = sample_code(mu, logvar, torch.Generator().manual_seed(0))
    ours = losses.bernoulli_nll(vae.decode(z), b_test[:100]) + gaussian_kl(mu, logvar)
    image = Independent(Bernoulli(logits=vae.decode(z)), 1)
    q, prior = (Independent(Normal(m, s), 1) for m, s in
                ((mu, (logvar / 2).exp()), (torch.zeros(50), torch.ones(50))))
    theirs = kl_divergence(q, prior) - image.log_prob(b_test[:100])
claim("independent", "Largest difference between the two computations, 100 images",
      (ours - theirs).abs().max(), "nats", at_most=1e-3,
      baseline=f"mean {theirs.mean():.1f}")

# %% [markdown]
# ### A tighter bound
#
# The ELBO is a bound with one sample. With $k$ samples, average the weights *before* taking the logarithm: $\mathcal
# L_k = \mathbb E \log \frac1k \sum_{i=1}^k w_i$. It rises with $k$ and ends at $\log p(x)$ (Burda, Grosse and
# Salakhutdinov 2016). First on the small model, where the end is known, for two of the guesses of section 2:

# %%
sizes, rows = (1, 5, 50, 500), []
with seeded(1):
    for name in ("the posterior", "moved"):
        log_w = log_weight(guesses[name].sample((200_000,)), guesses[name])
        rows.append([name, *(losses.importance_bound(log_w.view(-1, k).T).mean().item()
                             for k in sizes), evidence.item()])
table(["q", *(f"k = {k}" for k in sizes), "log p(x)"], rows)
claim("rises", "Bound with 500 samples minus log p(x), small model, a q that misses",
      rows[1][4] - evidence.item(), "nats", near=0, within=0.05,
      baseline=f"with one sample {rows[1][1] - evidence.item():.2f}")

# %% [markdown]
# With the exact posterior all weights are equal, and one sample is as good as many. With a $q$ that misses, the bound
# starts low and climbs to the evidence. Now the same 1,000 test images for each $k$, and the ELBO of the same images
# beside them:

# %%
@torch.no_grad()
def log_weights(model, x, k, seed=0):
    """log w, shape (k, B), of k codes for each binary image."""
    generator, (mu, logvar) = torch.Generator().manual_seed(seed), model.encode(x)
    q, rows = Normal(mu, (logvar / 2).exp()), []
    for _ in range(k):
        z = sample_code(mu, logvar, generator)
        rows.append(-losses.bernoulli_nll(model.decode(z), x)
                    + (Normal(0, 1).log_prob(z) - q.log_prob(z)).sum(1))
    return torch.stack(rows)


log_w = log_weights(vae, b_test[:1000], 500)
same = -mean_loss(vae, (b_test[:1000],), negative_elbo())["loss"]
bounds, rows = {}, [["ELBO, KL by the formula", same, None, None]]
for k in sizes:
    values = losses.importance_bound(log_w.unflatten(0, (-1, k)).transpose(0, 1)).mean(0)
    gain, n = values - log_w.mean(0), len(values)  # one number per image
    bounds[k] = [values.mean().item(), values.std().item() / n**0.5]
    rows.append([f"k = {k}", *bounds[k], f"{gain.mean():.2f} ± {gain.std() / n**0.5:.2f}"])
table(["bound", "nats", "± standard error", "above k = 1, same images"], rows)

# %%
claim("importance", "Bound with 500 samples above the one with 1, same 1,000 images",
      bounds[500][0] - bounds[1][0], "nats", at_least=1)
claim("evidence", "log p(x), bound with 500 samples, 1,000 test images", bounds[500][0],
      "nats", at_least=-94 if digits.name == "mnist" else -101,
      baseline=f"± {bounds[500][1]:.1f} over images; ELBO {same:.1f}",
      paper="VAE −86.76, trained with 50 samples −84.78, both by 5,000 "
      "(Burda and others 2016)")

# %% [markdown]
# The bound rises steeply at first, then slowly: with 500 samples it is nats above the ELBO, and a paper's figure is
# only comparable at its own $k$. The standard error is over images. Images differ from each other far more than the
# bounds do; on the same images the *gain* is known much better, as the last column shows. That is why two models, or
# two bounds, must be compared on the same images.
#
# How near does this network come to the papers' figures with more time? A minute of training is not the paper's 3,280
# epochs. The long runs of `benchmarks/papers.py` use the paper's protocol on all 10,000 test images, with 5,000
# samples each; they were done beforehand, on MNIST, and are quoted here from their results file.

# %%
runs = longruns.load()
table(["long run, on MNIST", "at least (nats)", "beside it", "minutes", "paper"],
      [[run["statement"], f"{run['value']:.2f}", run["beside"], round(run["seconds"] / 60),
        run["paper"]]
       for name in ("vae-50", "vae-50-brief", "iwae-50") if (run := runs.get(name))])

# %% [markdown]
# What the minute above lacked was mostly training: the same small network, trained for longer, comes to where the
# paper's does. The other two rows tell the *loss* from the *time*. After as many passes as the ELBO's brief run, the
# bound with 50 samples is nats ahead: it is the better loss. But a pass costs it many times more, and the ELBO's long
# run, which had the same time, passed it. The paper let both make the same number of passes, over fifty times as many
# as our run with 50 samples: that is most likely what separates us from its second figure. Look at the ELBO in the
# third column, too. Trained with 50 samples, a model has a *better* evidence and a *worse* ELBO than after as many
# passes with one: its encoder may miss now and then, as long as one of fifty draws hits.
#
# ### What the encoder's shortcut costs
#
# The gap between ELBO and evidence has two causes. The *family*: $q$ is a Gaussian with a diagonal covariance, the
# posterior is not. And the **amortisation** (Cremer, Li and Duvenaud 2018): one encoder has to guess $\mu$ and
# $\sigma$ for every image at a glance. The second can be measured: take some test images and improve $\mu$ and
# $\sigma$ of each by itself, by gradient steps, with the decoder as it is.

# %%
some = b_test[:200]
with torch.no_grad():
    start = vae.encode(some)
single = [t.clone().requires_grad_() for t in start]
optimiser = torch.optim.Adam(single, lr=0.03)
generator = torch.Generator().manual_seed(5)


def negative_bound(mu, logvar, samples):
    mu, logvar = (t.expand(samples, *t.shape).flatten(0, 1) for t in (mu, logvar))
    z = sample_code(mu, logvar, generator)
    nats = losses.bernoulli_nll(vae.decode(z), some.repeat(samples, 1))
    return (nats + gaussian_kl(mu, logvar)).mean()

# %%
for _ in range(200):
    optimiser.zero_grad()
    negative_bound(*single, 2).backward()
    optimiser.step()
with torch.no_grad():
    at_a_glance, improved = (-negative_bound(*q, 50).item() for q in (start, single))
tight = losses.importance_bound(log_w[:, :200]).mean().item()
claim("amortisation", "ELBO gained by improving the code of each image by itself",
      improved - at_a_glance, "nats", at_least=0.3,
      baseline=f"encoder {at_a_glance:.1f}, improved {improved:.1f}, "
      f"500 samples {tight:.1f}")

# %% [markdown]
# Part of the gap was the encoder's haste. What remains up to the bound with many samples is mostly the family.
#
# ## 5 · Which β did they really train?
#
# Much published code does not minimise the negative ELBO, and its authors may not know. The reason is a *reduction*.
# Suppose the reconstruction term is the **mean** over 784 pixels and the KL term the **mean** over 20 code units.
# Multiply by 784, which does not move the minimum: the reconstruction is now the sum over pixels, and the KL term
# stands there with a factor $784/20 = 39.2$ on its sum. Call the factor **β** (Higgins and others 2017): the code
# minimises reconstruction + 39.2 KL. From the shapes alone, for an image of $D$ pixels, a code of $K$ units and a
# batch of $B$:

# %%
D, K, B = 784, 20, 128
variants = {"sum over pixels, sum over code: the ELBO": 1.0,
            "mean over pixels, mean over code": D / K,
            "mean over pixels, sum over code": float(D),
            "sum over pixels and batch, mean over code and batch": 1 / (K * B),
            "sum over pixels, mean over code": 1 / K}
table(["reconstruction and KL", "β"], list(variants.items()))

# %% [markdown]
# The fourth one changes with the batch: whoever doubles it trains a different model. (And under squared error,
# $\frac{1}{2\sigma^2}$ is missing: only $\beta \sigma^2$ is defined there, so "β = 1 with MSE" is a choice of
# $\sigma$ that nobody made.) In this course a loss is one number per image, so that no reduction can do this.
#
# **Predict.** With β = 39.2, how many of 20 code units still say anything about the image?

# %%
prediction_units = None

# %%
models, asked = {}, variants | {"a weight of 4, on purpose": 4.0}
for name, beta in asked.items():
    if beta == 784:
        continue  # more of the same: 39.2 is enough to see what happens
    models[name] = new_vae((784, 400, 20))
    fit(models[name], (few,), negative_elbo(beta), epochs=4, batch=128, lr=3e-3,
        one_cycle=True)

# %%
def active_units(model, images=b_test):
    """Units whose mean moves with the image: variance of mu over images above 0.01."""
    with torch.no_grad():
        return int((model.encode(images)[0].var(0) > 0.01).sum())


rows = []
for name, model in models.items():
    terms = mean_loss(model, (b_test,), negative_elbo())
    with torch.no_grad(), seeded(6):
        images = torch.sigmoid(model.decode(torch.randn(1000, K)))
    rows.append([name, asked[name], terms["reconstruction"], terms["KL"], -terms["loss"],
                 active_units(model), judge.frechet(images)])
table(["trained with", "β", "distortion (nats)", "rate, KL (nats)", "ELBO (nats)",
       "active units", "Fréchet distance"], rows)

# %%
z = torch.randn(10, K, generator=torch.Generator().manual_seed(6))
named = {f"β = {asked[name]:.3g}": models[name] for name in sorted(models, key=asked.get)
         if asked[name] != 1 / K}  # looks like its neighbours
with torch.no_grad():
    pictures = {f"drawn, {name}": torch.sigmoid(model.decode(z))
                for name, model in named.items()}
    pictures["images"] = b_test[ten]
    for name, model in named.items():
        mu, _ = model.encode(b_test[ten])
        pictures[f"rebuilt, {name}"] = torch.sigmoid(model.decode(mu))
plots.images(pictures, zoom=0.65);

# %% [markdown]
# Drawn from the prior (above) and rebuilt (below). With a large β the code is silent: every picture is the mean
# image. With a tiny β the network is a plain autoencoder with noise: the rebuilt digits are good, and codes from the
# prior draw nothing real. The table says it in nats. *Distortion* is what the decoder misses the image by, *rate* is
# what the code says about it, and their sum, the negative ELBO, is smallest for β = 1. That is no statement about
# looks: with β = 4 the codes say less, each of them stands for a plainer digit, and the drawings look more whole; by
# the last column (of drawings from the prior) there is little between it and β = 1. (Two words have another meaning
# than in lesson 05: there a *rate* was how often a unit is on, and *active* units were those not zero for one image;
# here a unit is active if its mean moves with the image.)
#
# **Each term alone.** The two ends are nearly that: the reconstruction without the KL term, and the KL term without
# the reconstruction. Look at the codes themselves. Each dot is a draw from the $q(z \mid x)$ of one test image, in
# the two units that move the most; the circle holds most of the prior.

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6))
for axis, name in zip(axes, ("β = 0.000391", "β = 1", "β = 39.2")):
    with torch.no_grad():
        mu, logvar = named[name].encode(b_test[:1500])
    z = sample_code(mu, logvar, torch.Generator().manual_seed(7))
    axis.scatter(*z[:, mu.var(0).topk(2).indices].T, s=3, color=plots.BLUE, rasterized=True)
    axis.add_patch(plt.Circle((0, 0), 2.5, fill=False, color=plots.ORANGE, linewidth=2))
    axis.set(title=name, xlabel="one unit", ylabel="another unit", aspect="equal")

# %% [markdown]
# Left, the reconstruction nearly alone: the codes spread far beyond the prior, to be told apart in spite of the
# noise. Right, the KL term in command: all codes are the prior, whatever the image. In the middle the two forces
# balance.

# %%
by_beta = {row[1]: row for row in rows}
claim("silent code", "Active units of 20 when both terms are means (β = 39.2)",
      by_beta[D / K][5], "units", at_most=10, baseline=f"β = 1: {by_beta[1.0][5]}")
claim("best at one", "ELBO lost by β = 39.2", by_beta[1.0][4] - by_beta[D / K][4], "nats",
      at_least=10, baseline=f"by β = 4 {by_beta[1.0][4] - by_beta[4.0][4]:.0f}")

# %%
figure, axis = plt.subplots(figsize=(6, 3.8))
for row in rows:
    axis.plot(row[3], row[2], "o", color=plots.BLUE)
    axis.annotate(f"β = {row[1]:.3g}", (row[3], row[2]), xytext=(6, 4),
                  textcoords="offset points")
rate = np.array([0, -by_beta[1.0][4]])
axis.plot(rate, -by_beta[1.0][4] - rate, ":", color="grey", label="same ELBO as β = 1")
axis.set(xlabel="rate: KL to the prior (nats)", ylabel="distortion (nats)")
axis.legend(frameon=False);

# %% [markdown]
# The rate–distortion plane (Alemi and others 2018): each network is a point, and all networks on the dotted line have
# the same ELBO. β chooses a place along the curve of what is possible: to the left images are rebuilt badly from
# little, to the right well from much. No point lies below the line through β = 1.
#
# ## 6 · What the prior buys
#
# The training pulls the code of every image towards the prior. Do all codes together fill it? Their density, the
# **aggregated posterior** $q(z) = \frac1N \sum_n q(z \mid x_n)$, is what one would have to draw from to meet codes
# that the decoder knows.

# %%
models = {0: models["sum over pixels, sum over code: the ELBO"], 1: None, 2: None}
for seed in (1, 2):
    models[seed] = new_vae((784, 400, 20), seed)
    fit(models[seed], (few,), negative_elbo(), epochs=4, batch=128, lr=3e-3, one_cycle=True,
        seed=seed)
b_few, means, aggregate = binarised(few, torch.Generator().manual_seed(7)), {}, {}
with torch.no_grad():
    for seed, model in models.items():
        means[seed], logvar = model.encode(b_few)
        aggregate[seed] = sample_code(means[seed], logvar, torch.Generator().manual_seed(8))

# %% [markdown]
# First each unit by itself, then the units of one seed beside those of another: how well does the *best matching*
# unit of seed 0 correlate with a unit, and how much of a code can be read off the *whole* code of seed 0 by linear
# regression?

# %%
def alike(a, b):
    """Best |correlation| with a unit of a, mean over b's units; R² of b read off a."""
    k = a.shape[1]
    best = torch.corrcoef(torch.cat([a, b], 1).T)[:k, k:].abs().amax(0).mean()
    a, b = a - a.mean(0), b - b.mean(0)
    missed = b - a @ torch.linalg.lstsq(a, b).solution
    return best.item(), (1 - missed.square().sum() / b.square().sum()).item()


rows = []
for seed, z in aggregate.items():
    off = (torch.corrcoef(z.T) - torch.eye(20)).abs().max().item()
    rows.append([seed, z.mean(0).abs().max().item(), z.std(0).min().item(),
                 z.std(0).max().item(), off,
                 *(alike(means[0], means[seed]) if seed else (None, None))])
by_seed = rows
table(["seed", "largest |mean|", "smallest std", "largest std", "largest |correlation|",
       "best unit of seed 0", "whole code of seed 0 (R²)"], rows)

# %% [markdown]
# The *marginal*, the distribution of a single unit, is much the same for every seed: each unit has a mean near 0 and
# a standard deviation near 1, and is only weakly correlated with any other. What a *single* unit says is not: no unit
# of the other network says the same, although the whole code of one tells most of the whole code of the other. The
# prior looks the same from every direction, so the code may be turned.
#
# Is the aggregated posterior now equal to the prior? Draw codes from both, decode and look. **Predict.** Which draws
# pictures nearer to real digits: the prior of the VAE, or the mixture fitted to the codes of the *plain* autoencoder?
# Type "prior" or "mixture".

# %%
prediction_prior = None

# %%
fitted = GaussianMixture(50, tol=0.01, reg_covar=1e-3, random_state=0)
fitted.fit(aggregate[0].double().numpy())
with seeded(1):
    z_prior, z_long = torch.randn(1000, 20), torch.randn(1000, 50)
with torch.no_grad():
    from_vae = {name: torch.sigmoid(model.decode(z)) for name, model, z in (
        ("VAE, prior", models[0], z_prior), ("VAE of section 4, prior", vae, z_long),
        ("VAE, a mixture of 50", models[0], from_mixture(fitted)),
        ("VAE, codes of images", models[0], aggregate[0][:1000]))}
rows = sheet({f"autoencoder, {name}": drawn[name] for name in sources} | from_vae | marks)
table(["drawings", "Fréchet distance", "coverage (%)"], rows)
plots.images({name: images[:10] for name, images in from_vae.items()}, zoom=0.75);

# %% [markdown]
# The finding is not what most texts tell. Single units look perfect, and yet drawings from the prior of the brief VAE
# are further from real digits than those of the plain autoencoder from *one fitted Gaussian*. In twenty dimensions
# the codes of images fill only a part of the prior, and a draw often falls between them. The better VAE of section 4
# comes much nearer, but a mixture, fitted to the codes of either of the brief models, is nearer still. So what does
# the prior buy? Not better pictures by itself. It buys a model: a likelihood for every image, a loss in nats in which
# two models can be compared, a scale for the codes without any fitting, and a number for what each unit says.

# %%
by_drawing = {row[0]: row[1] for row in rows}
claim("prior", "Fréchet distance of drawings from the prior, over that of codes of images",
      by_drawing["VAE, prior"] / by_drawing["VAE, codes of images"], "times", at_least=2,
      baseline=f"the VAE of section 4: {by_drawing['VAE of section 4, prior']:.0f} against "
      f"{by_drawing['VAE, prior']:.0f}")
claim("VAE fitted", "Fréchet distance of the prior over that of a mixture fitted to codes",
      by_drawing["VAE, prior"] / by_drawing["VAE, a mixture of 50"], "times", at_least=2,
      baseline="the autoencoder's mixture "
      f"{by_drawing['autoencoder, a mixture of 50']:.0f}, the VAE's "
      f"{by_drawing['VAE, a mixture of 50']:.0f}")
claim("units look right", "Standard deviation of single units over codes of images, mean",
      np.mean([z.std(0).mean().item() for z in aggregate.values()]), near=1, within=0.2,
      seeds=3, baseline="largest correlation of two units "
      f"{max(row[4] for row in by_seed):.2f}")
claim("turned", "Best |correlation| of a unit with one unit of another seed, mean",
      np.mean([row[5] for row in by_seed[1:]]), at_most=0.8, seeds=3,
      baseline=f"whole code, R² {np.mean([row[6] for row in by_seed[1:]]):.2f}")

# %% [markdown]
# ### Copies?
#
# A generator that draws training images from memory would win every score of realism. So look for the nearest
# training image of each drawing.

# %%
some = from_vae["VAE, a mixture of 50"][:10]
nearest = torch.cdist(some, x).argmin(1)
plots.images({"drawn": some, "nearest training image": x[nearest]}, zoom=0.8);

# %% [markdown]
# Each drawing has relatives among the training images, and none is a copy: look at the ends of the strokes and at
# their slant. The drawings are smoother than any real image, which also makes them near to many.
#
# ### A sheet of digits
#
# With a code of two numbers the prior can be laid out: take a grid of quantiles of the normal distribution, so that
# every cell stands for an equal share of it, and decode.

# %% tags=["picture-sheet"]
flat = new_vae((784, 300, 300, 2))
fit(flat, (x,), negative_elbo(), epochs=3 * more, batch=128, lr=3e-3, one_cycle=True)
quantile = Normal(0, 1).icdf((torch.arange(15) + 0.5) / 15)
with torch.no_grad():
    grid = torch.sigmoid(flat.decode(torch.cartesian_prod(-quantile, quantile).flip(1)))
    where = flat.encode(b_test[:3000])[0]
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5))
left.imshow(grid.view(15, 15, 28, 28).permute(0, 2, 1, 3).reshape(420, 420))
left.set_axis_off()
plots.class_map(right, where, y_test[:3000])
right.set(xlabel="first number of the code", ylabel="second number", aspect="equal",
          xlim=(-4, 4), ylim=(-4, 4));

# %% [markdown]
# Left: neighbours on the sheet are alike, and there are no holes: the prior asked for it. Right: where the test
# images' codes lie, each digit in its colour with its name at the middle. The classes share the plane like countries,
# some with long borders. With two numbers, pictures between two countries are neither one digit nor the other, and
# the sheet is far from rebuilding every style. Below, move the two numbers yourself and see the digit that the
# decoder draws.

# %%
def at(first, second):
    with torch.no_grad():
        image = torch.sigmoid(flat.decode(torch.tensor([[first, second]])))
    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3))
    left.scatter(*where.T, s=1, color="lightgrey", rasterized=True)
    left.plot(first, second, "o", color=plots.ORANGE, markersize=9)
    left.set(xlabel="first number", ylabel="second number", aspect="equal",
             xlim=(-4, 4), ylim=(-4, 4))
    right.imshow(image.view(28, 28), vmin=0, vmax=1)
    right.set_axis_off()
    return figure


steps = [v / 4 for v in range(-12, 13)]
widgets.sliders(at, {"first": (steps, 1.0), "second": (steps, -0.5)})

# %% [markdown]
# The dot is a code, the picture what the decoder makes of it. Cross a border slowly: the digit does not jump, it
# melts into the next one. (The sliders need the page to run; the picture stays.)
#
# ### What a number of the code means
#
# Walk through the code and measure what changes: unit 02c's thickness and slant. Two kinds of walks. Along each
# **unit** by itself; and along a **direction**, found by regressing the property on the code of training images. (On
# the built-in digits the pen's true thickness and slant are known, and the regression uses those.)

# %%
def direction(name, measure):
    """The step in the code, of length 1, along which a property rises, by regression."""
    known = (torch.from_numpy(np.asarray(digits.drawn_train[name]))[train][:len(few)]
             if digits.drawn_train else measure(few))
    centred = known.float() - known.float().mean()
    slope = torch.linalg.lstsq(means[0] - means[0].mean(0), centred[:, None]).solution[:, 0]
    return slope / slope.norm()


properties = {"thickness": metrics.thickness, "slant": metrics.slant}
ways = {name: torch.cat([torch.eye(20), direction(name, measure)[None]])
        for name, measure in properties.items()}  # twenty units, and last the direction
walk = torch.linspace(-2.5, 2.5, 11)
start = means[0][:200]


def set_along(z, way, values):
    """Codes z (N, K) with the coordinate along a way (K,) set to a number, or to (N, 1)."""
    return z - (z @ way)[:, None] * way + values * way

# %%
moved = {}  # property → (21 ways, 11 steps): the mean property of 200 decoded images
with torch.no_grad():
    for name, measure in properties.items():
        moved[name] = torch.tensor([
            [measure(torch.sigmoid(models[0].decode(set_along(start, way, value)))).mean()
             for value in walk] for way in ways[name]])
reach = {name: change.amax(1) - change.amin(1) for name, change in moved.items()}
best = {name: change[:20].argmax().item() for name, change in reach.items()}
spread = {name: measure(x_test).std().item() for name, measure in properties.items()}

# %% [markdown]
# In every walk the code keeps all that is at right angles to it: only the one coordinate is set, from −2.5 to 2.5,
# where nearly all of the prior lies.

# %%
shown = {}
with torch.no_grad():
    for name in properties:
        for label, way in ((f"{name}: unit {best[name]}", ways[name][best[name]]),
                           (f"{name}: direction", ways[name][20])):
            z = models[0].encode(b_test[ten[[2]]])[0]
            z = set_along(z, way, walk[:, None])
            shown[label] = torch.sigmoid(models[0].decode(z))
plots.images(shown, columns=[f"{v:.1f}" for v in walk.tolist()], zoom=0.75);

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3))
units = {"thickness": "pixels", "slant": "pixels per pixel"}
for axis, (name, unit) in zip(axes, units.items()):
    axis.plot(walk, moved[name][:20].T, color="lightgrey")
    axis.plot(walk, moved[name][best[name]], "o-", color=plots.BLUE,
              label=f"unit {best[name]}")
    axis.plot(walk, moved[name][20], "s-", color=plots.ORANGE, label="direction")
    axis.set(xlabel="value", ylabel=f"{name} ({unit})")
    axis.legend(frameon=False)

# %%
for name in properties:
    claim(f"moves {name}", f"{name.capitalize()} moved along its direction, relative to "
          "the standard deviation of real images", reach[name][20] / spread[name], "times",
          at_least=1, baseline="along the best single unit "
          f"{reach[name][best[name]] / spread[name]:.1f}")

# %% [markdown]
# Above, one image on its walks; below, the mean over two hundred (grey: the other units). The direction moves its
# property further than any single unit does, and the digit mostly stays what it is. No unit is obliged to mean one
# thing: that a unit comes near to thickness or slant is the seed's luck.
#
# ## 7 · A failure study: the posterior collapses
#
# What would a *better* model do with the code? Give the decoder something more: it may also see the pixels that were
# drawn before, those above and those to the left in the same row, through a small convolution whose other weights are
# masked out. Then $p_\theta(x \mid z) = \prod_i p_\theta(x_i \mid x_{<i}, z)$ is still a likelihood, and a far
# stronger one (lesson 10 builds a whole model of it).
#
# **Predict.** Does such a decoder say more or less with its code, in nats? Type "more" or "less".

# %%
prediction_strong = None

# %%
class Sees(VAE):
    """A VAE whose decoder also sees the pixels drawn before the one that it draws."""

    def __init__(self, widths, channels=8, size=5):
        super().__init__(widths)
        self.before = nn.Conv2d(1, channels, size, padding=size // 2)
        self.mix = nn.Conv2d(channels, 1, 1)
        mask = torch.ones(size, size)
        mask[size // 2, size // 2:], mask[size // 2 + 1:] = 0, 0
        self.register_buffer("mask", mask)

    def logits(self, z, x):
        seen = F.conv2d(x.view(-1, 1, 28, 28), self.before.weight * self.mask,
                        self.before.bias, padding=self.before.padding)
        return self.decode(z) + self.mix(F.silu(seen)).flatten(1)

# %% [markdown]
# And two ways to keep the code in use. **Free bits** (after Kingma and others 2016, in its simplest form): the KL
# term costs nothing up to a number of nats, so there is nothing to gain from saying less. **Hiding**: in training
# half of the pixels that the decoder sees are set to black, so that it cannot rely on them (Bowman and others 2016
# hide words).

# %%
def negative_elbo_seeing(free=0.0, hide=0.0):
    def loss(model, x, step):
        if step.training:
            x = binarised(x, step.generator)
        mu, logvar = model.encode(x)
        z, kl, seen = sample_code(mu, logvar, step.generator), gaussian_kl(mu, logvar), x
        if step.training:
            kl = kl.clamp(min=free)
            chance = torch.rand(x.shape, generator=step.generator, device=x.device)
            seen = x * (chance >= hide)
        return {"reconstruction": losses.bernoulli_nll(model.logits(z, seen), x), "KL": kl}
    return loss


# %%
rows = []
how = {"batch": 128, "lr": 3e-3, "one_cycle": True}
for name, settings in (("sees what is drawn", {}),
                       ("the same, 15 nats free", {"free": 15.0}),
                       ("the same, half of it hidden", {"hide": 0.5})):
    with seeded(0):
        model = begin_at_mean(Sees((784, 400, 20)), x)
    fit(model, (few[:10_000],), negative_elbo_seeing(**settings), epochs=3, **how)
    terms = mean_loss(model, (b_test,), negative_elbo_seeing())
    rows.append([name, terms["reconstruction"], terms["KL"], -terms["loss"]])
blind = new_vae((784, 400, 20))
fit(blind, (few[:10_000],), negative_elbo(), epochs=3, **how)
terms = mean_loss(blind, (b_test,), negative_elbo())
rows.insert(0, ["sees the code alone", terms["reconstruction"], terms["KL"],
                -terms["loss"]])
table(["decoder", "distortion (nats)", "rate, KL (nats)", "ELBO (nats)"], rows)

# %% [markdown]
# The decoder that sees more is the better model by many nats, and says *less* with its code. Nothing went wrong in
# its training: whatever can be told from the neighbours is cheaper there, because the code has to pay for every nat
# that it says. In the extreme a decoder so strong that it needs no code leaves it silent: this is **posterior
# collapse**, $q(z \mid x) = p(z)$ for every image, as for β = 39.2 above. The ELBO never asked for a useful code.
# Whoever wants one has to ask for it, and both remedies do: they buy nats in the code and pay with nats of the ELBO.

# %%
seeing = {row[0]: row[1:] for row in rows}
strong, alone = seeing["sees what is drawn"], seeing["sees the code alone"]
claim("better model", "ELBO gained by a decoder that sees the pixels drawn before",
      strong[2] - alone[2], "nats", at_least=5)
claim("says less", "Nats in the code of that model relative to the other",
      strong[1] / alone[1], "times", at_most=0.8,
      baseline=f"{strong[1]:.1f} against {alone[1]:.1f}")
claim("hiding", "Nats in the code when half of the pixels is hidden in training",
      seeing["the same, half of it hidden"][1], "nats", at_least=1.15 * strong[1],
      baseline=f"ELBO lost {strong[2] - seeing['the same, half of it hidden'][2]:.1f}")

# %% [markdown]
# ## 8 · A common claim, checked: "interpolate on the sphere"
#
# Lesson 03 walked between two images along a straight line in the code. Now there is a prior, and it has an opinion:
# in $K$ dimensions nearly all of its codes have a length near $\sqrt K$, as unit 03a showed. The middle
# of a straight line is shorter than that. Many texts therefore ask for **slerp** (spherical linear interpolation),
# which turns the direction and changes the length evenly, so that every code on the way is as long as codes are. Does
# it draw better digits? Once between draws from the prior, once between codes of test images; judged by the Fréchet
# distance of all middles, and beside it by unit 03c's realism score, the distance of each picture to the nearest real digit.

# %%
def slerp(a, b, t):
    """Codes between a and b (N, K) at the share t of the angle between them."""
    angle = torch.arccos(torch.cosine_similarity(a, b)).unsqueeze(1)
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


with torch.no_grad():
    codes = models[0].encode(b_test[:2000])[0] if len(b_test) >= 2000 else means[0][:2000]
    ends = {"prior": torch.randn(2, 1000, 20, generator=torch.Generator().manual_seed(9)),
            "images": codes.view(2, 1000, 20)}
    rows = []
    for name, (a, b) in ends.items():
        for way, z in (("ends", a), ("middle, straight", (a + b) / 2),
                       ("middle, slerp", slerp(a, b, 0.5))):
            images = torch.sigmoid(models[0].decode(z))
            rows.append([f"{name}: {way}", z.norm(dim=1).mean().item(),
                         judge.frechet(images), judge.distance(images).median().item()])
table(["codes", "mean length (√20 = 4.47)", "Fréchet distance", "to the nearest digit"],
      rows)

# %%
far = {row[0]: row[2:] for row in rows}
turned, straight = far["images: middle, slerp"], far["images: middle, straight"]
claim("slerp", "Fréchet distance of slerp's middles over the straight ones, between images",
      turned[0] / straight[0], "times", at_most=0.8,
      baseline="between draws from the prior "
      f"{far['prior: middle, slerp'][0] / far['prior: middle, straight'][0]:.2f}")
claim("taken in", "Distance to the nearest digit of slerp's middles over the straight ones",
      turned[1] / straight[1], "times", at_least=0.95,
      baseline=f"the mean image has {judge.distance(x.mean(0)[None]).item():.2f}")

# %%
with torch.no_grad():
    a, b = codes[ten[[2]]], codes[ten[[7]]]
    shares = torch.linspace(0, 1, 9)[:, None]
    between = {"straight": (1 - shares) * a + shares * b,
               "slerp": torch.cat([slerp(a, b, t) for t in shares[:, 0]])}
    plots.images({name: torch.sigmoid(models[0].decode(z)) for name, z in between.items()},
                 columns=[f"{t:.2f}" for t in shares[:, 0].tolist()], zoom=0.75);

# %% [markdown]
# The claim holds. A code that is too short gives a picture that is pulled towards the average of all, so the straight
# middles are too much alike; slerp keeps them as varied as digits are. In a single row of pictures, as above, little
# of that shows. And look at what the other score says: judged picture by picture, the straight middles are not worse,
# because that score has a weakness for the average: by it even the mean image is about as near to real digits as
# slerp's middles are, or nearer. A wrong score would have refuted a true claim.
#
# ## 9 · Autoencoder and VAE, side by side
#
# | | autoencoder | variational autoencoder |
# |---|---|---|
# | the code of an image | one point, $f_\phi(x)$ | a distribution, $q_\phi(z \mid x)$ |
# | what it models | $p(x \mid x)$: the image again, given itself | $p(x)$: every image |
# | loss | a reconstruction error | the negative ELBO: reconstruction and KL, in nats |
# | Gaussian, Bernoulli or categorical likelihood | squared error, cross-entropy, softmax cross-entropy (unit 02b) | the same, as the first of two terms |
# | prior on the code | none; a density can be fitted afterwards | $\mathcal N(0, I)$, part of the training |
# | new images | from the fitted density | from the prior, or from a fitted density |
# | a likelihood of an image | none | a bound, as tight as one pays for |
#
# **And GANs?** A generative adversarial network (Goodfellow and others 2014) trains a decoder without an encoder and
# without a likelihood: a second network tries to tell its drawings from real images, and the decoder learns to fool
# it. Its pictures are sharper, since nobody asks it for a mean. But it gives no code of an image, no likelihood, and
# no warning when it leaves out a part of the data. Lesson 10 trains one.
#
# ## 10 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("variance of the older gradient, times", prediction_variance, ratio),
       ("ELBO on test images (nats)", prediction_elbo, -terms_main),
       ("active units of 20 for β = 39.2", prediction_units, by_beta[D / K][5]),
       ("nearer to real digits: prior or mixture", prediction_prior,
        "mixture" if by_source["a mixture of 50"][0] < by_drawing["VAE, prior"]
        else "prior"),
       ("does a decoder that sees pixels say more or less", prediction_strong,
        "more" if strong[1] > alone[1] else "less")])

# %% [markdown]
# ## 11 · What to keep
#
# The VAE's code for the probe is the mean $\mu_\phi(x)$. The nats are the ELBO on binarised test images, a lower
# bound of $\log p(x)$.

# %%
rows = []
with torch.no_grad():
    for name, read, rebuilt, nats, seconds in (
            ("autoencoder, 20 numbers", plain.encode, plain, None, plain_history.seconds),
            ("VAE, 50 numbers", lambda x: vae.encode(x)[0],
             lambda x: vae.decode(vae.encode(x)[0]), -terms_main, history.seconds)):
        error = losses.squared_error(torch.sigmoid(rebuilt(x_test)), x_test).mean().item()
        rows.append([name, error, *metrics.probes(read, x, y, x_test, y_test), nats,
                     round(seconds)])
table(["row", "squared error", "probe, 10 % of labels (%)", "probe, 1 % (%)",
       "nats (ELBO)", "training (s)"], rows)

# %% [markdown]
# - An autoencoder with a density fitted to its codes draws digits. What it lacks is a likelihood.
# - $\log p(x) = \text{ELBO} + \mathrm{KL}$: the ELBO is a bound, and the gap says how far the encoder's $q$ is from
#   the posterior.
# - One number per image, summed over pixels and code: else a reduction chooses β for you.
# - Judge drawings all together; a score for single pictures rewards the average.
# - The prior makes single units behave, but not all of them together: draw from a density fitted to the codes.
# - A better decoder says less with its code; the ELBO does not ask for a code.
#
# **Your turn:** [lab 06](../work/lab06.ipynb) (your own copy, made by `python -m aecourse lab`; on the
# web, read the [sheet](../exercises/lab06/lab06.ipynb)). You write the two terms, the sample between them, the tighter
# bound, and tell which β three pieces of code minimise.
#
# **Next:** [lesson 07](07_semi.ipynb) asks what codes are worth when only few images have a label.
#
# ### Papers
# - M. E. Tipping, C. M. Bishop (1999). *Probabilistic principal component analysis.* JRSS B 61, 611–622.
# - D. P. Kingma, M. Welling (2014). *Auto-encoding variational Bayes.* ICLR.
# - D. J. Rezende, S. Mohamed, D. Wierstra (2014). *Stochastic backpropagation and approximate inference in deep
#   generative models.* ICML.
# - I. Goodfellow and others (2014). *Generative adversarial nets.* NeurIPS.
# - M. Heusel and others (2017). *GANs trained by a two time-scale update rule converge to a local Nash equilibrium.*
#   NeurIPS. (the Fréchet distance of features)
# - Y. Burda, R. Grosse, R. Salakhutdinov (2016). *Importance weighted autoencoders.* ICLR.
# - S. R. Bowman and others (2016). *Generating sentences from a continuous space.* CoNLL.
# - D. P. Kingma and others (2016). *Improved variational inference with inverse autoregressive flow.* NeurIPS. (free
#   bits)
# - I. Higgins and others (2017). *beta-VAE: learning basic visual concepts with a constrained variational framework.*
#   ICLR.
# - A. A. Alemi and others (2018). *Fixing a broken ELBO.* ICML.
# - C. Cremer, X. Li, D. Duvenaud (2018). *Inference suboptimality in variational autoencoders.* ICML.
