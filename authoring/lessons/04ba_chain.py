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

from aecourse import corruption, data, diagrams, plots
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
               "e": (2.95, 1, "next round")},
              dict.fromkeys([("n", "c"), ("c", "d"), ("d", "x"), ("x", "e"),
                             ("e", "c")], ""),
              size=(9.5, 2.4));

# %% [markdown]
# The arrows form a loop. Each round replaces the image by a new one.
#
# ## 1 · The chain
#
# A denoiser points to where the data are dense (unit 04b). So follow it. Begin with pure noise, and in each round **add
# noise, then denoise**. Bengio and others (2013) showed that such a chain, with the right sampling step, generates
# samples from the distribution that the denoiser learned (a *generative stochastic network*).
#
# The denoiser is a convolutional network (`models.ConvDenoiser`, built in unit 04a). It was trained on Gaussian noise
# and on salt and pepper, and is not told σ. So its residual is not exactly a score. The chain needs only the idea.
#
# How real are the results? `Judge` measures the distance to the nearest digit in the features of a small classifier,
# where 1 is as near as unseen real digits are (lesson 03). A second measure is the **mean grey** of the images, the
# amount of ink.
#
# **Predict.** Real digits have a distance of about 1; on MNIST, pure noise has about 2. Which distance do the images have
# after 30 rounds? And is their mean grey after 100 rounds `"above"` or `"below"` that of real digits?

# %%
prediction_chain = None
prediction_ink = None

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
def chain(sigma, steps, start=None):  # start: images (N, 784)
    noise = torch.Generator().manual_seed(8)
    pure = torch.rand(200, 784, generator=noise)  # 200 chains begin with pure noise
    states = [pure if start is None else start]
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
chance = np.random.default_rng(0).multinomial(200, [0.1] * 10, 5000).max(1) / 2
print(f"200 samples of ten equal classes: largest share {chance.mean():.1f} %, "
      f"in 1 of 100 cases above {np.quantile(chance, 0.99):.0f} %")
ink = "above" if rows["100 steps"][1] > rows["real digits"][1] else "below"
score([("distance after 30 rounds", prediction_chain, rows["30 steps"][0]),
       ("mean grey after 100 rounds", prediction_ink, ink)])

# %% [markdown]
# After one step there are ten different blurs: the network gives a different image for each noise. After some tens of
# steps strokes have formed, and by this measure the samples are nearly as close to digits as real ones are. Your eye is
# stricter: a part of them are digits, the others are only strokes.
#
# Now read the other columns. After 100 steps the samples have less ink than real digits. The largest of ten shares is
# above 10 % by chance, too. The printed line says how much, and on MNIST the 21 % after 100 steps are more. A measure of
# realism alone would have noticed neither. It asks of each image whether it looks like a digit, and not how much ink
# it has or whether all digits are there.

# %%
claim("chain", "Distance to real digits after 30 steps of the chain",
      rows["30 steps"][0], "of real digits'", at_most=1.4,
      baseline=f"noise {rows['noise'][0]:.2f}, one step {rows['1 step'][0]:.2f}")
claim("drift", "Mean grey after 100 steps relative to real digits",
      rows["100 steps"][1] / rows["real digits"][1], "times", at_most=0.95,
      baseline=f"most frequent class {rows['100 steps'][2]:.0f} % of the samples, "
      f"of real digits {rows['real digits'][2]:.0f} %")

# %% [markdown]
# Is so much noise in each round needed? Here is the chain with an amount of your choice.

# %%
amount = 1.0
distance = judge.distance(chain(amount, steps=30)[30]).median().item()
print(f"σ = {amount}: distance {distance:.2f} after 30 rounds")

# %%
try_it("Change `amount = 1.0` to `amount = 0.3`. Which distance to real digits do "
       "the samples have now?", None, distance, changed=amount == 0.3,
       says="Little noise changes an image little, so each round stays close to the one "
       "before.")

# %% [markdown]
# ## 2 · Where does the ink go?
#
# A posterior mean has the right amount of ink on average, since $\mathbb E\big[\mathbb E[x \mid \tilde x]\big] =
# \mathbb E[x]$. This holds if the inputs are noisy *digits*. From the second round on, the chain gives the network
# noisy *outputs* of its own, on which it was never trained. Does the loss begin there? We can test it: start the chain
# at **real digits**.
#
# **Predict.** How much of the ink is left after one round, and how much after ten rounds? (1 is all of it.)

# %%
prediction_first = None
prediction_tenth = None

# %%
real_many = digits.x_test[:1000]
from_real = chain(sigma=1.0, steps=30, start=real_many)
left = [images.mean().item() / real_many.mean().item() for images in from_real]
lost = {n: 100 * (1 - (left[n] / left[m]) ** (1 / (n - m)))  # per round, from m to n
        for m, n in ((0, 1), (1, 2), (2, 3), (3, 10), (10, 30))}
table(["rounds", "ink left (real digits: 1)", "lost per round since the row above (%)"],
      [[n, left[n], percent] for n, percent in lost.items()])
score([("ink after one round", prediction_first, left[1]),
       ("ink after ten rounds", prediction_tenth, left[10])])

# %%
plots.images({f"after {n}": from_real[n][:10] for n in (0, 1, 2, 10, 30)}, zoom=0.75);

# %% [markdown]
# In the first round the inputs are noisy digits. It loses a few per cent of the ink, where the exact posterior mean would
# lose nothing. The second round, the first with inputs that the network has made, loses more. Later rounds lose less
# each. So no single round explains the loss: small errors of a network that is not the exact posterior mean add up.
#
# The pictures show another thing. The digits do not stay what they were: after ten rounds most of them are others.

# %%
claim("ink of real digits", "Ink left after one round from real digits, σ = 1", left[1],
      "of the ink", near=1, within=0.06)
claim("ink of outputs", "Ink left after ten rounds from real digits, σ = 1", left[10],
      "of the ink", at_most=0.93, baseline=f"after one round {left[1]:.2f}")

# %% [markdown]
# Is ink lost with any amount of noise? Begin again with pure noise.

# %%
noise_each = 1.0
grey = chain(noise_each, steps=30)[30].mean().item() / real.mean().item()
print(f"σ = {noise_each}: after 30 rounds {grey:.2f} times the ink of real digits")

# %%
try_it("Change `noise_each = 1.0` to `noise_each = 0.3`. How many times the ink of "
       "real digits have the samples now?", None, grey, changed=noise_each == 0.3,
       says="So the chain does not always lose ink: its errors depend on the noise.")

# %% [markdown]
# ## 3 · From here to diffusion
#
# Two changes lead from this chain to the models that generate most of today's synthetic images (Sohl-Dickstein and
# others 2015; Song and Ermon 2019; Ho and others 2020). First, the noise is not the same in every step. It starts so
# strong that nothing of an image is left, and falls to nothing. One network serves all levels, as ours does, and is
# also told the level. Second, the theory of the score says how much new noise each step needs, so that the chain
# generates *samples* and not means. The loss is the one that you know from unit 04. Lesson 10 trains such a model.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Add noise and denoise, again and again: the chain goes from noise to digits.
# - Judge samples by several measures: realism, ink, and the shares of the classes.
# - The exact posterior mean keeps the ink of noisy digits. A trained denoiser loses a little in each round, and the
#   losses add up.
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
