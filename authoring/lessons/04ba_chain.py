# %% [markdown]
# # 04ba · From noise to digits
#
# **Promise.** You will follow a denoiser from pure noise to new digits, and measure what such a chain gets wrong.
#
# **After this unit you can**
# 1. generate images by a chain of denoising steps;
# 2. judge samples by more than one measure;
# 3. test where a chain goes wrong by starting it at real images.
#
# **Before it:** unit 04b. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import numpy as np
import torch

from aecourse import corruption, data, diagrams, filters, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import ConvDenoiser
from aecourse.realism import Judge
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)

# %%
diagrams.flow({"n": (0, 0, "pure noise", plots.SKY),
               "c": (1.5, 0, "add noise", plots.YELLOW),
               "d": (3, 0, "denoise", plots.ORANGE), "x": (4.4, 0, "image", plots.SKY),
               "e": (2.95, 1, "next step")},
              dict.fromkeys([("n", "c"), ("c", "d"), ("d", "x"), ("x", "e"),
                             ("e", "c")], ""),
              size=(9.5, 2.4));

# %% [markdown]
# The arrows form a loop. Each step replaces the image by a new one.
#
# ## 1 · The chain
#
# A denoiser points to where the data are dense (unit 04b). So follow it. Begin with pure noise, and in each step **add
# noise, then denoise**. The noise lets the chain leave a place that is no digit. Too much noise makes it forget what it
# has.
#
# Bengio and others (2013) showed that such a chain generates samples from the learned distribution, if in each step it
# *samples* a clean image from $p(x \mid \tilde x)$. We take the mean instead, so their theorem does not cover our
# chain.
#
# The denoiser is a convolutional network (`models.ConvDenoiser`, built in unit 04a). It was trained on Gaussian noise
# and on salt and pepper, and is not told σ. So its residual is not exactly a score. The chain needs only the idea.
#
# How real are the results? `Judge` measures the distance to the nearest digit in the features of a small classifier,
# where 1 is as near as unseen real digits are (lesson 03). A second measure is the **mean grey** of the images, the
# amount of ink.
#
# **Predict.** Real digits have a distance of about 1; on MNIST, pure noise has about 2. What is the images' distance
# after 30 steps? And is their mean grey after 100 steps `"above"` or `"below"` that of real digits?

# %%
prediction_chain = None
prediction_ink = None

# %%
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = digits.x_train[train][:45_000]
mixed = torch.randperm(len(digits.x_test), generator=torch.Generator().manual_seed(7))
real = digits.x_test[mixed[:2000]]  # 2,000 test digits, chosen at random
with seeded(0):
    conv = ConvDenoiser()
fit(conv, (x,), corruption.denoising(corruption.any_kind), epochs=2 * more, batch=64,
    lr=4e-3, one_cycle=True)
judge = Judge(digits)

# %%
@torch.no_grad()
def chain(sigmas, start=None):  # σ of each step; start: images (N, 784)
    noise = torch.Generator().manual_seed(8)
    pure = torch.rand(200, 784, generator=noise)  # 200 chains begin with pure noise
    states = [pure if start is None else start]
    for sigma in sigmas:
        states.append(conv(corruption.gaussian(states[-1], sigma, noise)))
    return states

# %%
states = chain([1.0] * 100)
walk = {"noise": states[0], "1 step": states[1]}
walk |= {f"{n} steps": states[n] for n in (3, 10, 30, 100)}
plots.images({name: images[:10] for name, images in walk.items()}, zoom=0.75);

# %%
def measure(images):  # → distance, mean grey, most frequent class, its share in %
    count = torch.bincount(judge.classes(images), minlength=10)
    return (judge.distance(images).median().item(), images.mean().item(),
            count.argmax().item(), 100 * count.max().item() / len(images))


rows = {name: measure(images) for name, images in (walk | {"real digits": real}).items()}
table(["images", "distance to real digits", "mean grey", "most frequent class",
       "its share (%)"], [[name, *values] for name, values in rows.items()])

# %%
chance = np.random.default_rng(0).multinomial(200, [0.1] * 10, 5000).max(1) / 2
print(f"200 samples of ten equal classes: largest share {chance.mean():.1f} %, "
      f"in 1 of 100 cases above {np.quantile(chance, 0.99):.0f} %")
ink = "above" if rows["100 steps"][1] > rows["real digits"][1] else "below"
score([("distance after 30 steps", prediction_chain, rows["30 steps"][0]),
       ("mean grey after 100 steps", prediction_ink, ink)])

# %% [markdown]
# After one step there are ten different blurs: the network gives a different image for each noise. Within ten steps
# strokes form. Your eye finds that a part of them are digits, and sees little difference between the last three rows. By
# the distance the samples end about as close to digits as real ones are.
#
# Now read the other columns. After 100 steps the samples have less ink than real digits. The largest of ten shares is
# above 10 % by chance, too. The printed line says how much, and on MNIST the share after 100 steps is larger. A measure
# of realism alone would have noticed neither. It asks of each image whether it looks like a digit, and not how much ink
# it has or whether all digits are there.
#
# Are the two failures one? If a class with little ink is frequent, the ink falls. We give each sample the mean grey of
# real digits of its class, so that only the shares differ.

# %%
classes = judge.classes(real)
grey_of = torch.stack([real[classes == k].mean() for k in range(10)])  # (10,)
by_shares = grey_of[judge.classes(states[100])].mean().item() / real.mean().item()
print(f"ink relative to real digits: {rows['100 steps'][1] / rows['real digits'][1]:.2f}; "
      f"by the shares of the classes alone {by_shares:.2f}")

# %% [markdown]
# The shares explain a part of the loss, and the samples of a class have too little ink as well.

# %%
claim("chain", "Distance to real digits after 30 steps of the chain",
      rows["30 steps"][0], "of real digits'", at_most=1.4,
      baseline=f"noise {rows['noise'][0]:.2f}, one step {rows['1 step'][0]:.2f}")
claim("drift", "Mean grey after 100 steps relative to real digits",
      rows["100 steps"][1] / rows["real digits"][1], "times", at_most=0.95,
      baseline=f"most frequent class {rows['100 steps'][3]:.0f} % of the samples, "
      f"of real digits {rows['real digits'][3]:.0f} %; by shares alone {by_shares:.2f}")

# %% [markdown]
# Is so much noise in each step needed? Here is the chain with an amount of your choice.

# %%
amount = 1.0
def distance_with(sigma):
    return judge.distance(chain([sigma] * 30)[30]).median().item()


print(f"σ = {amount}: distance {distance_with(amount):.2f} after 30 steps")

# %%
each = {sigma: distance_with(sigma) for sigma in (0.0, 0.3, 0.5, 0.7, 1.0)}
try_it("Change `amount = 1.0` to 0.7, 0.5, 0.3 and 0. With which of the five σ is the "
       "distance smallest?", None, min(each, key=each.get), changed=amount != 1,
       says=", ".join(f"σ = {sigma}: {distance:.2f}" for sigma, distance in each.items()))

# %% [markdown]
# ## 2 · Where does the ink go?
#
# A posterior mean has the right amount of ink on average. This is the *law of total expectation*:
#
# $$\begin{aligned}
# \mathbb E\big[\mathbb E[x \mid \tilde x]\big] &= \int p(\tilde x) \int x\, p(x \mid \tilde x)\, dx\, d\tilde x
#   && \text{the definition of both means} \\
# &= \int x \int p(x, \tilde x)\, d\tilde x\, dx && p(\tilde x)\, p(x \mid \tilde x) = p(x, \tilde x) \\
# &= \int x\, p(x)\, dx = \mathbb E[x] && \text{integrate over } \tilde x
# \end{aligned}$$
#
# Ink is the sum of the pixels, so it is kept on average, too. This holds if the inputs are noisy *digits*. From the
# second step on, the chain gives the network noisy *outputs* of its own, on which it was never trained. Does the loss
# begin there? We can test it: start the chain at **real digits**.
#
# **Predict.** How much of the ink is left after one step, and how much after ten steps? (1 is all of it.)

# %%
prediction_first = None
prediction_tenth = None

# %%
def ink_of(states):  # relative to the first
    return [images.mean().item() / states[0].mean().item() for images in states]


def same_class(images):  # as at the start of this chain, in %
    return 100 * (judge.classes(images) == classes).float().mean().item()


from_real = chain([1.0] * 30, start=real)
left = ink_of(from_real)
table(["steps", "ink left", "same class read (%)"],
      [[n, left[n], same_class(from_real[n])] for n in (0, 1, 2, 3, 10, 30)])
score([("ink after one step", prediction_first, left[1]),
       ("ink after ten steps", prediction_tenth, left[10])])

# %%
plots.images({f"after {n}": from_real[n][:10] for n in (0, 1, 2, 10, 30)}, zoom=0.75);

# %% [markdown]
# The loss does not begin in the second step: the first loses about as much (on MNIST, each of the first
# three loses 3 to 4 %). There the inputs are noisy digits, for
# which the exact posterior mean would lose nothing. So this is the network's own error.
#
# The digits do not stay what they were: after ten steps most of them are others (last column).
#
# From the second step on there can be a second cause. The inputs are not noisy digits, so not even the exact posterior
# mean must keep the ink. Does it? Unit 04aa can compute it where only the images `known` are possible.

# %%
known = x[:3000]  # each is one start, and no other image is possible
exact = {}
for sigma in (1.0, 2.0):
    noise, chained = torch.Generator().manual_seed(8), [known]
    for _ in range(10):
        noisy = corruption.gaussian(chained[-1], sigma, noise)
        chained.append(filters.weighted_mean(noisy, known, sigma))
    exact[sigma] = ink_of(chained)

# %%
table(["steps", "network, σ = 1", "exact mean, σ = 1", "exact mean, σ = 2"],
      [[n, left[n], exact[1.0][n], exact[2.0][n]] for n in (0, 1, 2, 3, 10)])

# %% [markdown]
# The exact mean keeps the ink in the first step. With σ = 2 it loses ink from the second step on. So a perfect denoiser
# could lose ink in the chain as well. With σ = 1, where it is sharp (unit 04aa), it loses almost none. The table does not say how much of the network's loss has which cause.

# %%
claim("ink of real digits", "Ink left after one step from real digits, σ = 1", left[1],
      "of the ink", near=0.965, within=0.025)
claim("ink of outputs", "Ink left after ten steps from real digits, σ = 1", left[10],
      "of the ink", at_most=0.93, baseline=f"after one step {left[1]:.2f}")
claim("ink of the exact mean", "Ink left by the exact mean after ten steps, σ = 2",
      exact[2.0][10], "of the ink", at_most=0.97,
      baseline=f"after one step {exact[2.0][1]:.2f}; σ = 1 {exact[1.0][10]:.2f}")

# %% [markdown]
# Does the network lose ink with less noise as well? Begin again at real digits.

# %%
noise_each = 1.0
grey = ink_of(chain([noise_each] * 30, start=real[:1000]))
print(f"σ = {noise_each}: ink {grey[1]:.2f} after one step, {grey[30]:.2f} after 30 steps")

# %%
try_it("Change `noise_each = 1.0` to `noise_each = 0.3`. How much of the ink is left "
       "after 30 steps?", None, grey[30], changed=noise_each == 0.3,
       says="Compare with σ = 1, which stood there before.")

# %% [markdown]
# ## 3 · From here to diffusion
#
# Two changes lead from this chain to the models that generate most of today's synthetic images (Sohl-Dickstein and
# others 2015; Song and Ermon 2019; Ho and others 2020). First, the noise is not the same in every step. It starts so
# strong that nothing of an image is left, and falls to nothing. One network serves all levels, as ours does, and is
# also told the level. Second, the theory of the score says how much new noise each step needs, so that the chain
# generates *samples* and not means. The loss is the one that you know from unit 04. Lesson 10 trains such a model.
#
# Try the first change: `np.linspace(1, last, 30)` are 30 values of σ from 1 to `last`.

# %%
last = 1.0
fallen = chain(np.linspace(1, last, 30).tolist())[30]
nearer = judge.distance(fallen).median().item()
print(f"σ from 1 to {last}: distance {nearer:.2f}, ink relative to real digits "
      f"{fallen.mean().item() / real.mean().item():.2f}")

# %%
try_it("Change `last = 1.0` to `last = 0.1`. What is the distance to real digits now?",
       None, nearer, changed=last == 0.1, says="Look at the ink, too.")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Add noise and denoise, again and again: the chain goes from noise to digits.
# - Judge samples by several measures: realism, ink, and the shares of the classes.
# - The exact posterior mean keeps the ink of noisy digits, but not always of other images. Our network
#   lost ink in each step, also in the first.
#
# **Next:** [lesson 05](05_sparse.ipynb).
#
# ### Papers
# - Y. Bengio, L. Yao, G. Alain, P. Vincent (2013). *Generalized denoising auto-encoders as generative models.*
#   NeurIPS.
# - J. Sohl-Dickstein, E. Weiss, N. Maheswaranathan, S. Ganguli (2015). *Deep unsupervised learning using
#   nonequilibrium thermodynamics.* ICML, 2256–2265.
# - Y. Song, S. Ermon (2019). *Generative modeling by estimating gradients of the data distribution.* NeurIPS.
# - J. Ho, A. Jain, P. Abbeel (2020). *Denoising diffusion probabilistic models.* NeurIPS.
