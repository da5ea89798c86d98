# %% [markdown]
# # 06c · What the prior buys
#
# **Promise.** You will sample from an autoencoder and from a VAE, judge all samples together, and compare the
# prior with where the codes are.
#
# **After this unit you can**
# 1. judge samples by the Fréchet distance and by their coverage;
# 2. fit a density to codes, the fair rival of a VAE;
# 3. compare the aggregated posterior with the prior.
#
# **Before it:** unit 06; mixtures of Gaussians. **Time:** about {minutes} minutes; the cells run in about a minute on
# two cores.

# %%
import math

import torch
from sklearn.mixture import GaussianMixture
from torch import nn
from torch.distributions import MultivariateNormal, Normal

from aecourse import data, diagrams, losses, plots, vae
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import Autoencoder, he, sample_code
from aecourse.realism import Judge
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("06", digits.name)

# %%
diagrams.flow({"n": (0, 2, "prior $N(0, I)$", plots.YELLOW),
               "g": (0, 1, "one Gaussian, fitted", plots.YELLOW),
               "m": (0, 0, "50 Gaussians, fitted", plots.YELLOW),
               "z": (1.9, 1, "code $z$", plots.GREEN),
               "d": (3.2, 1, "decoder", plots.ORANGE),
               "x": (4.5, 1, "samples", plots.SKY)},
              dict.fromkeys([("n", "z"), ("g", "z"), ("m", "z"), ("z", "d"),
                             ("d", "x")], ""),
              size=(10, 3));

# %% [markdown]
# A decoder needs codes. They can come from several densities.
#
# ## 1 · Three densities for an autoencoder
#
# In unit 06, an autoencoder decoded samples from $\mathcal N(0, I)$, and few were digits. But it never saw such codes.
# Fairer rivals are densities *fitted* to its codes: one Gaussian with their mean and covariance, and a mixture of fifty
# Gaussians. We train the autoencoder and fit both.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, more = digits.x_train[train], 3 if digits.name == "strokes" else 1
few, x_val, x_test = x[:15_000], digits.x_train[valid], digits.x_test


def squared_error(model, x, step):
    return {"squared error": losses.squared_error(torch.sigmoid(model(x)), x)}


with seeded(0):
    plain = he(Autoencoder([784, 400, 20], nn.SiLU), x)
fit(plain, (few,), squared_error, epochs=4, batch=128, lr=3e-3, one_cycle=True)
with torch.no_grad():
    plain_codes = plain.encode(few)  # (N, 20)

# %%
def mixture_of(codes, parts=50):
    return GaussianMixture(parts, tol=0.01, reg_covar=1e-3, random_state=0).fit(
        codes.double().numpy())  # stop early; no part may become a point


def from_mixture(mixture, n=1000):  # sklearn samples part by part, so we shuffle
    codes = torch.from_numpy(mixture.sample(n)[0]).float()
    return codes[torch.randperm(n, generator=torch.Generator().manual_seed(0))]


gaussian = MultivariateNormal(plain_codes.mean(0), plain_codes.T.cov())
with seeded(0):
    sources = {"N(0, I)": torch.randn(1000, 20), "one Gaussian": gaussian.sample((1000,)),
               "50 Gaussians": from_mixture(mixture_of(plain_codes))}
with torch.no_grad():
    samples = {name: torch.sigmoid(plain.decode(z)) for name, z in sources.items()}
plots.images({name: images[:10] for name, images in samples.items()}, zoom=0.75);

# %% [markdown]
# The first row has many strokes and few digits. The second is a little better. In the third, most pictures are digits.
#
# ### Two measures of all samples together
#
# A score of single pictures is not enough. A model that gives the same good digit again and again would win. Both
# measures below compare sets of images, in the 64 features of a small classifier (`Judge`, from lesson 03).
#
# The **Fréchet distance** (Heusel and others 2017) fits one Gaussian to the features of the samples, with mean $m$ and
# covariance $C$, and one to those of 1,000 test images ($m_0$, $C_0$). It is the squared Wasserstein distance of the two
# Gaussians. (We cite the formula; the distance comes from optimal transport. The power $\frac12$ is a matrix square root.)
#
# $$\lVert m - m_0 \rVert^2 + \operatorname{tr}\big(C + C_0 - 2 (C C_0)^{1/2}\big) .$$
#
# It is 0 for equal mean and covariance. The **coverage** asks which of the 1,000 test images are matched. For each of
# 1,000 samples we find the nearest test image. The coverage is the fraction of the test images that were found at least
# once. Samples that are all alike find few. Both measures hardly see blur.
#
# **Predict.** Real images, too, find some test images more than once. What coverage, in per cent, do 1,000 *other* real
# images have?

# %%
prediction_coverage = None

# %%
judge = Judge(digits)
features = judge.model[:-1]  # without the last layer: images (N, 784) → (N, 64)


def coverage(images):  # (1000, 784), in per cent
    with torch.no_grad():
        nearest = torch.cdist(features(images), features(x_test[:1000])).argmin(1)
    return 100 * len(nearest.unique()) / len(images)


def judged(samples):  # name → (Fréchet distance, coverage)
    return {name: (judge.frechet(images), coverage(images))
            for name, images in samples.items()}


marks = {"other real images": x_val[:1000], "the mean image": x.mean(0).expand(1000, -1)}
rows = judged(samples | marks)
table(["samples", "Fréchet distance", "coverage (%)"],
      [[name, *values] for name, values in rows.items()])
score([("coverage by real images (%)", prediction_coverage, rows["other real images"][1])])

# %% [markdown]
# The last two rows set the scale. Other real images are not at 0: two sets of 1,000 images differ by chance, and the
# writers of MNIST's test images were other people. The mean image, again and again, is far off by both measures.
#
# An autoencoder alone has no density of codes, so it cannot generate. An autoencoder *and a density fitted to its codes*
# can (Ghosh and others 2020).

# %%
claim("careless", "Fréchet distance of samples from N(0, I), over that of the mixture",
      rows["N(0, I)"][0] / rows["50 Gaussians"][0], "times", at_least=2.5,
      baseline=f"one Gaussian over the mixture "
      f"{rows['one Gaussian'][0] / rows['50 Gaussians'][0]:.1f}")
claim("fitted", "Coverage of test images by samples from the mixture",
      rows["50 Gaussians"][1], "%", at_least=45,
      baseline=f"by other real images {rows['other real images'][1]:.0f}, by samples "
      f"from N(0, I) {rows['N(0, I)'][1]:.0f}")

# %%
parts = 50
with seeded(0):
    z_parts = from_mixture(mixture_of(plain_codes, parts))
with torch.no_grad():
    of_parts = judge.frechet(torch.sigmoid(plain.decode(z_parts)))
print(f"a mixture of {parts}: Fréchet distance {of_parts:.1f}")

# %%
try_it("Change `parts = 50` to `parts = 10`. What is the Fréchet distance now?", None,
       of_parts, changed=parts == 10)

# %% [markdown]
# ## 2 · Does the VAE's code fill the prior?
#
# A VAE is trained with a prior. Its loss pulls the code of every image towards $\mathcal N(0, I)$. But do *all codes
# together* fill the prior? Their density is the **aggregated posterior**
#
# $$q(z) = \frac1N \sum_{n=1}^N q(z \mid x_n) .$$
#
# The decoder is trained on samples of $q(z)$. We train a *brief* VAE on the images of the autoencoder, with the same
# widths and for as many epochs. And we train a *longer* one, which is deeper, has 50 units, sees all training images and
# is trained for more epochs. Then we decode samples from both priors. With the brief VAE we also decode samples from a
# mixture fitted to its codes, and from $q(z)$ itself.
#
# **Predict.** Which have the smaller Fréchet distance: samples from the **prior** of the brief VAE, or from **one
# Gaussian** fitted to the autoencoder's codes? Type `"prior"` or `"Gaussian"`.

# %%
prediction_prior = None

# %%
brief, longer = vae.new([784, 400, 20], x), vae.new([784, 200, 200, 50], x)
for model, images, epochs in ((brief, few, 4), (longer, x, 17 * more)):
    fit(model, (images,), vae.negative_elbo(), epochs=epochs, batch=128, lr=3e-3,
        one_cycle=True)

# %%
generator = torch.Generator().manual_seed(8)
with torch.no_grad():
    mu, logvar = brief.encode(data.binarised(few, generator))
    aggregate = sample_code(mu, logvar, generator)  # (15000, 20), samples of q(z)
with seeded(1):
    z_of = {"VAE, prior": torch.randn(1000, 20), "longer VAE, prior": torch.randn(1000, 50),
            "VAE, 50 Gaussians": from_mixture(mixture_of(aggregate)),
            "VAE, aggregated posterior": aggregate[:1000]}
with torch.no_grad():
    from_vae = {name: torch.sigmoid((longer if "longer" in name else brief).decode(z))
                for name, z in z_of.items()}
rows |= judged(from_vae)

# %%
table(["samples", "Fréchet distance", "coverage (%)"],
      [[name, *values] for name, values in rows.items()])
score([("smaller Fréchet distance", prediction_prior, "prior"
        if rows["VAE, prior"][0] < rows["one Gaussian"][0] else "Gaussian")])

# %%
plots.images({name: images[:10] for name, images in from_vae.items()}, zoom=0.75);

# %% [markdown]
# Samples from the brief VAE's prior are farther from real digits than samples from its own aggregated posterior. They are
# also farther than samples from one Gaussian fitted to the autoencoder's codes. (Samples of $q(z)$ are noisy
# reconstructions of training images. They tell what this decoder can do at best; they are not new images.) Samples
# from the longer VAE's prior are nearer, but it differs in several ways, so we cannot say which of them helps.
#
# The same decoder gives much better samples from $q(z)$, so the decoder is not the cause. We look at the codes. $q(z)$ is
# a mixture of 15,000 Gaussians, so we can compute its density at every code. We compare codes of *test* images with
# samples from the prior.
#
# **Predict.** 5 % of the test images' codes have a $\log q(z)$ below a certain value. What percentage of the samples from
# the prior is below this value?

# %%
prediction_rare = None

# %%
def log_q(z):  # (n, 20) → log of the density of the aggregated posterior, (n,)
    each = [Normal(mu, (logvar / 2).exp()).log_prob(code).sum(1) for code in z]  # (15000,)
    return torch.stack(each).logsumexp(1) - math.log(len(mu))

# %%
with torch.no_grad():
    b_test = data.binarised(x_test[:300], generator)
    z_test = sample_code(*brief.encode(b_test), generator)  # (300, 20)
places = {"codes of test images": z_test,
          "samples from the prior": z_of["VAE, prior"][:300]}
logs = {name: log_q(z) for name, z in places.items()}  # (300,) each
low = logs["codes of test images"].quantile(0.05)
rare = {name: 100 * (values < low).float().mean().item() for name, values in logs.items()}
table(["codes", "mean log p(z)", "mean log q(z)", "below the value (%)"],
      [[name, Normal(0, 1).log_prob(z).sum(1).mean().item(), logs[name].mean().item(),
        rare[name]] for name, z in places.items()])
score([("samples from the prior below the value (%)", prediction_rare,
        rare["samples from the prior"])])

# %% [markdown]
# If the codes of digits filled the prior, both rows would be alike. On MNIST, samples from the prior have a far lower
# density under $q$ than codes of test images, so the decoder has to decode codes where few images have theirs.
#
# By how many nats does $q(z)$ differ from the prior, at least? The rate, the KL term of the loss, tells it:
#
# $$\begin{aligned}
# \text{rate} &= \textstyle\frac1N \sum_n \mathbb E_{q(z \mid x_n)} \log \frac{q(z \mid x_n)}{p(z)}
#   && \text{definition} \\
# &= \textstyle\frac1N \sum_n \mathbb E_{q(z \mid x_n)} \log \frac{q(z \mid x_n)}{q(z)}
#   + \mathbb E_{q(z)} \log \frac{q(z)}{p(z)} && \text{insert } q(z) \\
# &= I(n; z) + \mathrm{KL}\big(q(z) \,\Vert\, p(z)\big) && \text{definitions} \\
# &\le \log N + \mathrm{KL}\big(q(z) \,\Vert\, p(z)\big) && n \text{ has the entropy } \log N
# \end{aligned}$$
#
# In the second line, the mean over $n$ of expectations under $q(z \mid x_n)$ is the expectation under $q(z)$. $I(n; z)$ is
# the information in the code about the image's number, at most the entropy of the number (Hoffman and Johnson 2016).

# %%
rate = (mu.square() + logvar.exp() - 1 - logvar).sum(1).mean().item() / 2
print(f"rate {rate:.1f}, log N {math.log(len(mu)):.1f}: KL divergence of q(z) from the "
      f"prior at least {rate - math.log(len(mu)):.1f} nats")

# %% [markdown]
# This holds for $q(z)$ over these 15,000 images; with more images $\log N$ is larger, and the bound says less.
#
# So what does the prior buy? Not better pictures from the same training. It gives a *model*: a bound on the likelihood
# of every image, a loss in nats by which two models can be compared, and a fixed scale of the codes. You can also have
# both. A density that is fitted to the VAE's codes, in the prior's place,
# makes better samples (Dai and Wipf 2019 train a second VAE on the codes), and if it is nearer to $q(z)$ than the prior,
# then the KL term falls and the bound rises.

# %%
claim("prior", "Fréchet distance of samples from the prior, over that of codes of images",
      rows["VAE, prior"][0] / rows["VAE, aggregated posterior"][0], "times", at_least=2,
      baseline=f"the longer VAE: {rows['longer VAE, prior'][0]:.0f} against "
      f"{rows['VAE, prior'][0]:.0f}")
claim("rare", "Samples from the prior whose density under q(z) is below that of 95 % of "
      "the codes of test images", rare["samples from the prior"], "%", at_least=15,
      baseline="5 % of the codes of test images")
claim("VAE fitted", "Fréchet distance of the prior over that of a mixture fitted to codes",
      rows["VAE, prior"][0] / rows["VAE, 50 Gaussians"][0], "times", at_least=2,
      baseline=f"the autoencoder's mixture {rows['50 Gaussians'][0]:.0f}, the VAE's "
      f"{rows['VAE, 50 Gaussians'][0]:.0f}")
claim("prior against a Gaussian", "Fréchet distance of samples from the prior of the brief "
      "VAE over that of one Gaussian, autoencoder",
      rows["VAE, prior"][0] / rows["one Gaussian"][0], "times", at_least=1)

# %% [markdown]
# ## 3 · Copies?
#
# A model that repeats its training images would do well by every measure here. So we look for the nearest training
# image of each sample from the VAE's mixture. We divide the mean distance (in pixels) by that from an unseen *real* image
# to its nearest.

# %%
some = from_vae["VAE, 50 Gaussians"][:200]
to_samples, to_real = torch.cdist(some, x), torch.cdist(x_test[:200], x)  # (200, N)
ratio = (to_samples.amin(1).mean() / to_real.amin(1).mean()).item()
plots.images({"sample": some[:10],
              "nearest training image": x[to_samples[:10].argmin(1)]}, zoom=0.8)
print(f"distance to the nearest training image, samples over real images: {ratio:.2f}")

# %% [markdown]
# Compare each sample with the image below it, for example the width and the ends of the strokes. Ten pairs do not prove
# that there is no copy. The claim below gives the smallest of 200 distances; a copy has 0. On MNIST the mean distance is
# below that of real images. This does not prove copies, since the samples are smoother than real images, and smooth
# images are near to many.

# %%
claim("copies", "Smallest distance of a sample to a training image, over the mean of "
      "unseen real images", to_samples.min() / to_real.amin(1).mean(), "times",
      at_least=0.2, baseline=f"mean of the samples {ratio:.2f}; smallest of real images "
      f"{to_real.min() / to_real.amin(1).mean():.2f}; a copy has 0")

# %%
among = len(x)  # the nearest among so many training images
of_samples, of_real = (torch.cdist(images, x[:among]).amin(1).mean().item()
                       for images in (some, x_test[:200]))
print(f"nearest among {among}: samples {of_samples:.2f}, real images {of_real:.2f}")

# %%
try_it("Change `among = len(x)` to `among = 1000`. How far is the nearest training image "
       "from a sample now, on average?", None, of_samples, changed=among == 1000,
       says="The distance depends on the number of training images, so compare with that "
       "of real images to the same training images.")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Judge samples as a set: by Fréchet distance and coverage, with real images and the mean image for comparison.
# - An autoencoder with a density fitted to its codes generates digits. It gives no likelihood of an image.
# - The aggregated posterior is not the prior: samples from the prior are often where few images have their codes.
# - The rate is at most $\log N$ plus the KL divergence of $q(z)$ from the prior.
#
# **And GANs?** A generative adversarial network (Goodfellow and others 2014) trains a decoder without an encoder, against
# a second network that tells its samples from real images. It gives no code of an image and no likelihood. Lesson 10
# trains one.
#
# **Next:** [06ca](06ca_sphere.ipynb) walks from one code to another.
#
# ### Papers
# - M. Heusel and others (2017). *GANs trained by a two time-scale update rule converge to a local Nash equilibrium.*
#   NeurIPS. (the Fréchet distance of features)
# - I. Goodfellow and others (2014). *Generative adversarial nets.* NeurIPS.
# - M. Hoffman, M. Johnson (2016). *ELBO surgery: yet another way to carve up the variational evidence lower bound.* NIPS
#   workshop on approximate Bayesian inference.
# - B. Dai, D. Wipf (2019). *Diagnosing and enhancing VAE models.* ICLR.
# - P. Ghosh and others (2020). *From variational to deterministic autoencoders.* ICLR.
