# %% [markdown]
# # 02 · The autoencoder
#
# **Promise.** You will build a network that squeezes a handwritten digit into 32 numbers and draws it again from
# them, and you will know how good that is, why it does not copy its input, and what its loss says about probability.
#
# **After this lesson you can**
# 1. write an encoder, a decoder and the training loop from an empty cell;
# 2. judge a reconstruction against two baselines: the mean image and PCA;
# 3. find the fault in a widespread piece of autoencoder code, and prove it with a lower bound;
# 4. derive squared error, binary cross-entropy and softmax cross-entropy from one idea, the likelihood;
# 5. name three jobs that an autoencoder does well and one at which it fails.
#
# **Before it:** linear layers, gradient descent, and the words *training*, *validation* and *test*.
# **Time:** about 60 minutes to read; all cells together run in less than 75 seconds on two cores. Four questions ask
# for your prediction. Type a number, then run on: nothing waits for you, and the end of the lesson compares.

# %%
import copy
import io

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsRegressor
from torch import nn
from torch.distributions import Bernoulli, Categorical, Normal

from aecourse import data, losses, metrics, plots
from aecourse.claims import Claims, say, score, table
from aecourse.models import n_parameters
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("02", digits.name)
digits

# %% [markdown]
# ## 1 · The task: draw it again from memory
#
# An image $x$ has 784 grey levels between 0 (black) and 1 (white). An **encoder** $f_\phi$ turns it into a short list
# of numbers, the **latent code** $z = f_\phi(x)$. A **decoder** $g_\theta$ sees only $z$ and must draw the image
# again: $\hat x = g_\theta(z)$, the **reconstruction**. The letters $\phi$ and $\theta$ stand for the weights of the
# two networks.
#
# No labels are needed: the image is its own target. That is the *auto* in autoencoder, from the Greek word for
# *self*.
#
# We keep some training images aside to choose settings on (the *validation* images). The test images are used to
# measure only. (Without MNIST and without a network the course takes its built-in digits, called *strokes*. They are
# fewer, so training goes through them `more` times as often, for about the same number of steps. What the text says
# holds for both, or names the one that it is about.)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, x_test, y_test = digits.x_train[valid], digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # a third of the images: three times the epochs
ten = plots.first_of_each(y_test)
plots.images({"original": x_test[ten]});

# %% [markdown]
# The first test image of each class, from 0 to 9: white strokes on black, of different thickness and slant.
#
# ### The encoder and its mirror
#
# The encoder goes from 784 numbers to 128, to 64, to 32. The decoder goes back the same way. A ReLU stands between
# two linear layers, or they would melt into one; there is none after the code and none after the output, so that both
# may take any value.

# %%
class Autoencoder(nn.Module):
    def __init__(self, code=32):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(784, 128), nn.ReLU(),
            nn.Linear(128, 64), nn.ReLU(),
            nn.Linear(64, code))
        self.decoder = nn.Sequential(
            nn.Linear(code, 64), nn.ReLU(),
            nn.Linear(64, 128), nn.ReLU(),
            nn.Linear(128, 784))

    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        return self.decoder(z)

    def forward(self, x):
        return self.decode(self.encode(x))

# %%
# NBVAL_CHECK_OUTPUT
with seeded(0):  # the same first weights on every run
    model = Autoencoder()
z = model.encode(x[:5])
print("images", tuple(x[:5].shape), "→ codes", tuple(z.shape), "→ reconstructions",
      tuple(model.decode(z).shape))

# %% [markdown]
# The first number of each shape counts the images of the batch; it passes through untouched.
#
# ## 2 · The training loop, by hand once
#
# The error of one image is the squared distance between it and its reconstruction, summed over the pixels:
#
# $$\ell(x) = \lVert x - \hat x \rVert^2 = \sum_{i=1}^{784} (x_i - \hat x_i)^2 .$$
#
# In this course a loss is always **one number per image, summed over pixels**. Only at the last moment do we average
# over the batch. Libraries offer to average over pixels too; section 5 of lesson 06 shows what harm that can do.
#
# One epoch goes once through all training images in a random order:

# %%
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
summed = 0.0
for index in order.split(256):  # 256 images at a time
    batch = x[index]
    error = (model(batch) - batch).square().sum(1)  # shape (256,): one number per image
    optimiser.zero_grad()  # forget the last batch's gradient
    error.mean().backward()  # the gradient of the mean over the batch
    optimiser.step()  # one small step downhill
    summed += error.sum().item()
print(f"squared error per image, mean over the epoch: {summed / len(x):.1f}")

# %% [markdown]
# Is that good? A number means nothing alone. The simplest machine with the same task ignores its input and always
# draws the **mean image**:

# %%
mean_image = x.mean(0)
error_of_mean = (x_test - mean_image).square().sum(1).mean().item()
print(f"squared error per image, mean image: {error_of_mean:.1f}")

# %%
say("Over its first epoch the network "
    + ("already beats" if summed / len(x) < error_of_mean else "does not yet beat")
    + " the machine that knows nothing.")

# %% [markdown]
# Now let it learn for longer.
#
# **Predict.** What squared error per image will the autoencoder reach on test digits, with 32 numbers for 784 pixels?
# Put a number in place of `None`.

# %%
prediction_error = None

# %% [markdown]
# The helper `fit` is the loop above with four comforts: it records the error on held-out images after each epoch,
# raises and lowers the learning rate along the way (*one-cycle*), can be stopped at any time, and speaks up when
# training goes wrong. It takes the loss as a function that returns named terms, each with one number per image. Read
# it if you like: `aecourse/train.py` holds nothing else.

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


with seeded(0):
    model = Autoencoder()
history = fit(model, (x,), squared_error, epochs=6 * more, lr=1e-2, one_cycle=True,
              held_out=(x_val,))

# %%
axis = plots.curves(history, unit="squared error per image")
axis.axhline(error_of_mean, color="grey", linestyle=":", label="mean image")
axis.set_ylim(bottom=0)
axis.legend(frameon=False);

# %% [markdown]
# The error falls steeply at first and flattens as the learning rate goes to zero. The held-out curve lies close to
# the training curve: with so many images and so few epochs, the network has not begun to learn single images by
# heart. (The first training point lies higher because it is a mean over an epoch *during which* the weights
# improved.)
#
# ### An honest baseline: PCA
#
# Principal component analysis also maps an image to 32 numbers and back, with one matrix and no training loop. Of all
# *linear* maps it is the best one for squared error. An autoencoder that does not beat it has not earned its
# training.

# %%
pca = PCA(64, svd_solver="covariance_eigh").fit(x.numpy())
pca_mean, pca_axes = torch.from_numpy(pca.mean_), torch.from_numpy(pca.components_)


def pca_encode(images, k):
    return (images - pca_mean) @ pca_axes[:k].T


def pca_decode(z):
    return z @ pca_axes[: z.shape[1]] + pca_mean


def pca_error(k):
    return losses.squared_error(pca_decode(pca_encode(x_test, k)), x_test).mean().item()

# %%
error_of_pca = pca_error(32)
error_of_model = metrics.reconstruction_error(model, x_test)
print(f"squared error per test image: PCA {error_of_pca:.2f}, "
      f"autoencoder {error_of_model:.2f}")

# %%
with torch.no_grad():
    x_hat = model(x_test)
plots.images({"original": x_test[ten], "autoencoder": x_hat[ten],
              "PCA": pca_decode(pca_encode(x_test[ten], 32))});

# %% [markdown]
# All three rows use one fixed grey scale, black = 0 and white = 1. The surroundings of the autoencoder's digits are
# somewhat darker; PCA leaves more grey clouds around the strokes, because a sum of 32 fixed patterns cannot switch a
# pattern off without touching its neighbours. Both are softer than the originals: fine detail did not fit into 32
# numbers.

# %%
claim("32 numbers", "Squared error per test image with a code of 32 numbers",
      error_of_model, "squared grey levels", at_most=error_of_pca,
      baseline=f"PCA {error_of_pca:.2f}, mean image {error_of_mean:.1f}")

# %% [markdown]
# ## 3 · Inside the code
#
# What do the 32 numbers look like, and what happens if we turn one of them like a knob?

# %%
with torch.no_grad():
    codes = model.encode(x_test)
    z = codes[ten[3]]
    unit = codes.std(0).argmax()
    knob = torch.linspace(-2, 2, 9)
    moved = z.repeat(9, 1)
    moved[:, unit] = z[unit] + knob * codes[:, unit].std()
    turned = model.decode(moved)
figure, axis = plt.subplots(figsize=(8, 2.2))
axis.bar(range(32), z, color=plots.BLUE)
axis.set(xlabel="unit of the code", ylabel="value",
    title="the code of one test image of a 3");

# %%
plots.images({f"unit {unit} turned": turned},
    columns=[f"{k:+.1f} sd" for k in knob.tolist()]);

# %% [markdown]
# The bars show a code in which every number takes part: it is a *distributed* code, not one unit per feature. Turning
# the unit that varies most, by up to two standard deviations each way, changes the drawing smoothly, but several
# things at once: the axes of this code have no meaning of their own. Section 8 makes that precise.
#
# ### A ReLU on the code: how many units die?
#
# Many tutorials put a ReLU after the code layer as well. Then no number of the code can be negative, and a unit whose
# input is negative for *every* image gets no gradient any more: it is **dead**, and hardly ever comes back.
#
# **Predict.** Of 32 units, how many will be dead after the same training?

# %%
prediction_dead = None

# %%
with seeded(0):
    relu_model = Autoencoder()
    relu_model.encoder.append(nn.ReLU())
fit(relu_model, (x,), squared_error, epochs=6 * more, lr=1e-2, one_cycle=True,
    held_out=(x_val,))
with torch.no_grad():
    dead = int((relu_model.encode(x).amax(0) == 0).sum())
error_of_relu = metrics.reconstruction_error(relu_model, x_test)
print(f"dead units: {dead} of 32")
print(f"error {error_of_relu:.2f} with the ReLU, {error_of_model:.2f} without")

# %% [markdown]
# Is that number bad luck? The same on a third of the images, with two other seeds:

# %%
counts = []
for seed in (1, 2):
    with seeded(seed):
        relu_model = Autoencoder()
        relu_model.encoder.append(nn.ReLU())
    fit(relu_model, (x[: len(x) // 3],), squared_error, epochs=4 * more, lr=1e-2,
        one_cycle=True, seed=seed)
    with torch.no_grad():
        counts.append(int((relu_model.encode(x).amax(0) == 0).sum()))
print("dead units:", counts)

# %% [markdown]
# A good part of the code is lost every time, and the error rises: the learner of that tutorial pays for 32 numbers
# and gets fewer. How many die depends on the learning rate and the seed: count them in your own networks. The remedy
# costs nothing: leave the code linear. (Lesson 05 wants many silent units, and gets them on purpose.)

# %%
claim("dead units",
      "Units of a 32-number ReLU code that never fire (mean and spread over seeds)",
      np.mean([dead, *counts]), "units", spread=np.std([dead, *counts], ddof=1), seeds=3,
      at_least=2)
claim("ReLU costs", "Error with a ReLU on the code, relative to the linear code",
      error_of_relu / error_of_model, "times", at_least=1.05)

# %% [markdown]
# ## 4 · Why does it not copy?
#
# A network that returns its input unchanged has error zero and has learned nothing. What stops ours is the
# **bottleneck**. To see it, take small patches of 8×8 = 64 pixels and two linear autoencoders: one with a code of 8
# numbers, one with a code as wide as the input. The test: patches of digits that they have not seen, and **noise**,
# the same pixels in random places.

# %%
def patches(images, n, seed):
    generator = torch.Generator().manual_seed(seed)
    cut = images.reshape(-1, 28, 28).unfold(1, 8, 4).unfold(2, 8, 4).reshape(-1, 64)
    cut = cut[cut.sum(1) > 8]  # leave the empty corners out
    return cut[torch.randperm(len(cut), generator=generator)[:n]]


small, unseen = patches(x[:5000], 20_000, seed=0), patches(x_val, 2000, seed=1)
places = torch.randperm(unseen.numel(), generator=torch.Generator().manual_seed(2))
noise = unseen.flatten()[places].reshape(unseen.shape)

# %%
kept = {}
for width in (8, 64):
    with seeded(0):
        copier = nn.Sequential(nn.Linear(64, width), nn.Linear(width, 64))
    fit(copier, (small,), squared_error, epochs=20, lr=1e-2, one_cycle=True)
    kept[width] = [metrics.share_kept(copier, t) for t in (unseen, noise)]
table(["code", "share of unseen digit patches kept", "share of noise kept"],
      [[f"{width} numbers", *shares] for width, shares in kept.items()])

# %% [markdown]
# Both keep most of the digit patches. The wide one keeps nearly all of the noise as well: it has learned to copy, and
# its small error says nothing about digits. The narrow one keeps strokes and loses noise: it has spent its 8 numbers
# on what digits look like. A small reconstruction error alone is never evidence of learning. Lessons 04 and 05 show
# two other ways to forbid copying: noise at the input, and a code in which only a few units may be active.

# %%
claim("copying", "Share of pure noise that a code as wide as its input keeps",
      kept[64][1], at_least=0.9, baseline=f"code of 8 numbers: {kept[8][1]:.2f}")

# %% [markdown]
# ## 5 · Bug hunt: a failure study
#
# This recipe is found in many tutorials: normalise the images to $[-1, 1]$, end the decoder in a sigmoid, train with
# `nn.MSELoss()`, print the loss at the end of each epoch. It runs without an error. **Stop at the cell and look for
# two faults** before you read on.

# %%
t_train, t_test = 2 * x - 1, 2 * x_test - 1  # what Normalize((0.5,), (0.5,)) does
with seeded(0):
    recipe = nn.Sequential(Autoencoder(), nn.Sigmoid())
criterion, optimiser = nn.MSELoss(), torch.optim.Adam(recipe.parameters(), lr=1e-3)
batch_losses, n = [], len(x) // 3  # a third of the images is enough to see it
for epoch in range(3):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(epoch))
    for index in order.split(256):
        loss = criterion(recipe(t_train[index]), t_train[index])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        batch_losses.append(loss.item())
    print(f"epoch {epoch + 1}: loss {loss.item():.4f}")

# %% [markdown]
# **Fault one: the output cannot reach the target.** A target $t$ lies in $[-1, 1]$, but a sigmoid's output $p$ lies
# in $(0, 1)$. For a target above 0 the best output is $t$ itself; for a target below 0 it is 0, with the error $t^2$
# left over. So no training, however long, can bring the mean squared error per pixel below
#
# $$\text{floor} = \frac{1}{784}\sum_{i=1}^{784} \min(t_i, 0)^2 .$$
#
# Most pixels of a digit are black, $t = -1$, so most of the error can never be removed. And there is a second trap on
# the way down. We measure both beside the loss of an image that is completely black, $p = 0$ everywhere:

# %%
def mse(network):
    with torch.no_grad():
        return (network(t_test) - t_test).square().mean().item()


floor = t_test.clamp(max=0).square().mean().item()
black, stuck = t_test.square().mean().item(), mse(recipe)
print("mean squared error per pixel:")
print(f"floor {floor:.4f}, recipe {stuck:.4f}, black image {black:.4f}")

# %% [markdown]
# The recipe has not even come down to the floor: it draws black for every digit. Nearly all targets pull the outputs
# towards 0, and there the slope of the sigmoid, $p(1-p)$, vanishes, so nothing pulls them back up. (Section 6 draws
# what this does to the gradient.) To see the floor itself, we help the recipe: train the same network on images in
# $[0, 1]$ first, which is the remedy, and go on with the recipe from those good weights.

# %%
with seeded(0):
    mended = nn.Sequential(Autoencoder(), nn.Sigmoid())
fit(mended, (x[:n],), squared_error, epochs=4 * more, lr=3e-3, held_out=(x_val,))
error_of_mended = metrics.reconstruction_error(mended, x_test)
helped = copy.deepcopy(mended)
fit(helped, (t_train[:n],), squared_error, epochs=4 * more)
print(f"floor {floor:.4f}   helped recipe {mse(helped):.4f}")

# %% [markdown]
# With help it draws digits, and its error comes close to the floor and stays above it. In the pictures, mind the
# scale: $p$ stands for a target in $[-1, 1]$, so its grey level is $(p + 1)/2$.

# %%
with torch.no_grad():
    p_stuck, p_helped = recipe(t_test[ten]), helped(t_test[ten])
    x_mended = mended(x_test[ten])
plots.images({"original": x_test[ten], "recipe": (p_stuck + 1) / 2,
              "helped recipe": (p_helped + 1) / 2, "the same, p itself": p_helped,
              "mended": x_mended});

# %% [markdown]
# On the scale of its targets the recipe is an even grey, and even the helped one has a middle-grey background where
# black should be. Its fourth row looks right only because the scale was changed in silence: a picture of $p$, or one
# stretched to its own darkest and brightest pixel, hides the fault. The mended network (last row; images in $[0, 1]$,
# sigmoid kept) has no such trouble. `tanh` on $[-1, 1]$ or the linear output of section 2 are two other remedies.
#
# **Fault two: it prints the last batch's loss.** The printed number depends on which images happened to come last:

# %%
per_epoch = np.array(batch_losses).reshape(3, -1)
by_luck = per_epoch[-1, -50:].std(ddof=1)
progress = abs(per_epoch[-1].mean() - per_epoch[-2].mean())
print("printed:", np.round(per_epoch[:, -1], 4), "  mean of each epoch:",
      np.round(per_epoch.mean(1), 4))
print(f"batch to batch ±{by_luck:.4f}; the mean moved by {progress:.5f} from epoch 2 to 3")

# %% [markdown]
# From batch to batch the loss moves far more than training moves it from epoch to epoch. What looks like progress or
# a setback in the printed numbers is the luck of the last batch. Report a mean over all images, best over held-out
# ones.

# %%
claim("floor", "Error of the helped recipe, relative to the floor", mse(helped) / floor,
      "times", at_least=1.0, at_most=1.15)
claim("black", "Error of the recipe, relative to that of a black image", stuck / black,
      "times", near=1.0, within=0.03, baseline=f"floor {floor / black:.2f}")
claim("mended", "Error of the mended network after as short a training", error_of_mended,
      "squared grey levels", at_most=error_of_mean,
      baseline=f"mean image {error_of_mean:.1f}, recipe {196 * stuck:.0f}")
claim("last batch",
      "Movement of the printed loss by luck, relative to the last epoch's progress",
      by_luck / progress, "times", at_least=3)

# %% [markdown]
# ## 6 · The loss is a likelihood
#
# Why the square? Why not the absolute difference, or something else? One idea answers for all common losses: let the
# decoder output not an image but a **probability distribution** over images, $p_\theta(x \mid z)$, and choose the
# weights that make the observed images most probable. That is *maximum likelihood* (MLE). Minimising
#
# $$-\log p_\theta(x \mid z)$$
#
# does the same; the unit of this number, with the natural logarithm, is the **nat** (1 nat = 1.44 bits).
#
# ### Gaussian: squared error
#
# Say that each pixel is the decoder's output $\hat x_i$ plus Gaussian noise of standard deviation $\sigma$. For $D =
# 784$ pixels
#
# $$-\log p_\theta(x \mid z) = \frac{1}{2\sigma^2}\lVert x - \hat x\rVert^2 + D\log\sigma + \frac{D}{2}\log 2\pi .$$
#
# With $\sigma$ fixed, the last two terms are a constant and the first is the squared error times
# $\frac{1}{2\sigma^2}$: the same minimum.

# %%
sigma = 0.3
with torch.no_grad():
    x_hat = model(x_test[:5])
constant = 784 * (np.log(sigma) + 0.5 * np.log(2 * np.pi))
by_hand = (x_test[:5] - x_hat).square().sum(1) / (2 * sigma**2) + constant
by_torch = -Normal(x_hat, sigma).log_prob(x_test[:5]).sum(1)
print("equal:", torch.allclose(by_hand, by_torch, rtol=1e-4), "  nats:",
      [f"{v:.0f}" for v in by_torch.tolist()])

# %% [markdown]
# Negative numbers, and that is no fault: $p(x \mid z)$ is a *density* for continuous $x$, and densities may be larger
# than 1. The ½ and $\sigma$ do not move the minimum, but they set the **weight** of this term against any other. In
# lesson 06 a second term comes, and a forgotten $\sigma$ will change the model. Which $\sigma$ is right? It too can
# be fitted by maximum likelihood: set the derivative with respect to $\sigma$ to zero and find $\sigma^2$ = the mean
# squared error per pixel.

# %%
sigma_grid = torch.linspace(0.05, 0.5, 46)
nats = [losses.gaussian_nll(x_hat, x_test[:5], s.item()).mean().item() for s in sigma_grid]
best = (x_test[:5] - x_hat).square().mean().sqrt().item()
axis = plt.subplots(figsize=(5.5, 3))[1]
axis.plot(sigma_grid, nats)
axis.axvline(best, color=plots.VERMILION, linestyle="--",
             label="√(mean squared error per pixel)")
axis.set(xlabel="σ (grey levels)", ylabel="nats per image", ylim=(min(nats) - 100, 1000))
axis.legend(frameon=False);

# %% [markdown]
# The curve of the negative log-likelihood has its minimum where the formula puts it. Too small a $\sigma$ is punished
# hard: the model claims to be certain, and is wrong.
#
# ### Bernoulli: binary cross-entropy
#
# If a pixel is either 0 or 1, the decoder gives the probability of a 1. With the **logit** $a_i$, any real number,
# and $\pi_i = 1/(1+e^{-a_i})$, the sigmoid of it,
#
# $$-\log p_\theta(x \mid z) = -\sum_i \big[x_i \log \pi_i + (1 - x_i)\log(1-\pi_i)\big].$$

# %%
# NBVAL_CHECK_OUTPUT
logits = torch.randn(5, 784, generator=torch.Generator().manual_seed(0))
binary = (x_test[:5] > 0.5).float()
by_torch = -Bernoulli(logits=logits).log_prob(binary).sum(1)
same = torch.allclose(losses.bernoulli_nll(logits, binary), by_torch, rtol=1e-4)
print("binary cross-entropy is the Bernoulli likelihood on 0 and 1:", same)
try:
    Bernoulli(probs=torch.tensor(0.5)).log_prob(torch.tensor(0.5))
except ValueError as error:
    print("on a grey pixel:", str(error).splitlines()[0][:67], "…")

# %% [markdown]
# On grey pixels the formula can still be computed, and many people do, but it is no likelihood: a Bernoulli variable
# is never 0.5, so `torch.distributions` refuses. What is missing is a factor that depends on $\pi$: as a density over
# $[0, 1]$ the expression $\pi^x(1-\pi)^{1-x}$ does not integrate to 1.

# %%
grid = torch.linspace(0, 1, 10_001)
for pi in (0.5, 0.9, 0.99):
    area = torch.trapezoid(pi**grid * (1 - pi) ** (1 - grid), grid).item()
    print(f"π = {pi}: area {area:.3f}")

# %% [markdown]
# The *continuous Bernoulli* distribution divides by that area and is a true density (Loaiza-Ganem and Cunningham
# 2019). In this course, cross-entropy on grey pixels is called a loss, and nats are counted on binarised pixels only.
#
# ### Categorical: softmax cross-entropy
#
# If $x$ is one of $K$ classes, the decoder gives $K$ logits, and $\log p$ is the logarithm of the softmax at the
# right class. A classifier is trained by exactly this.

# %%
# NBVAL_CHECK_OUTPUT
logits = torch.randn(5, 10, generator=torch.Generator().manual_seed(1))
labels = torch.arange(5)
by_torch = -Categorical(logits=logits).log_prob(labels)
print("softmax cross-entropy is the categorical likelihood:",
      torch.allclose(losses.categorical_nll(logits, labels), by_torch))

# %% [markdown]
# | the data are | distribution | decoder's output | loss |
# |---|---|---|---|
# | real numbers | Gaussian, fixed σ | the mean, linear | squared error / 2σ², plus a constant |
# | 0 or 1 | Bernoulli | a logit | binary cross-entropy |
# | one of K classes | categorical | K logits | softmax cross-entropy |
#
# ### MAP: weight decay is a prior
#
# Maximum likelihood asks only how well the weights explain the data. If we also hold a belief about the weights $w$
# before seeing any data, a **prior** $p(w)$, we maximise $\log p(\text{data} \mid w) + \log p(w)$: *maximum a
# posteriori* (MAP). For a Gaussian prior with standard deviation $\tau$ the extra gradient is $w/\tau^2$, which is
# what weight decay adds, with $\lambda = 1/\tau^2$:

# %%
# NBVAL_CHECK_OUTPUT
w = torch.randn(6, generator=torch.Generator().manual_seed(2)).requires_grad_()
tau = 0.7
(-Normal(0.0, tau).log_prob(w).sum()).backward()
print("gradient of −log prior = w / τ²:", torch.allclose(w.grad, w.detach() / tau**2))

# %% [markdown]
# Two details matter in practice. The likelihood is a sum over all $N$ images; when the loss is a mean over images,
# the prior counts $1/N$: the more data, the weaker the prior. And only a penalty *in the loss* is MAP; `AdamW`, which
# shrinks the weights beside Adam's rescaled gradient, is a different rule. (The extra 01x checks MAP on ridge
# regression and the lasso; its loss is the bare squared error, so there $\lambda = \sigma^2/\tau^2$.)
#
# ### Seen from back-propagation
#
# The likelihood also decides how fast the network can correct a mistake. Take one pixel with target $t = 1$ and
# output $p = \text{sigmoid}(a)$. The gradient of the loss with respect to the logit $a$ is
#
# $$\underbrace{(p - t)\,p(1-p)}_{\text{½ squared error}} \qquad\text{against}\qquad \underbrace{p - t}_{\text{cross-entropy}} .$$

# %%
a = torch.linspace(-8, 8, 161, requires_grad=True)
t = torch.ones_like(a)
(grad_mse,) = torch.autograd.grad(0.5 * (torch.sigmoid(a) - t).square().sum(), a)
bce = nn.functional.binary_cross_entropy_with_logits(a, t, reduction="sum")
(grad_bce,) = torch.autograd.grad(bce, a)
axis = plt.subplots(figsize=(5.5, 3))[1]
axis.plot(a.detach(), grad_mse, label="sigmoid and squared error")
axis.plot(a.detach(), grad_bce, "--", label="sigmoid and cross-entropy")
axis.set(xlabel="logit a (the target is 1)", ylabel="gradient with respect to a")
axis.legend(frameon=False);

# %%
p = torch.sigmoid(a.detach())
largest_gap = (grad_mse - (p - 1) * p * (1 - p)).abs().max().item()
claim("slow when wrong",
      "Gradient of squared error at logit −8, certain and wrong, relative to cross-entropy",
      (grad_mse[0] / grad_bce[0]).item(), at_most=0.01)
claim("formula", "Largest gap between the drawn gradient and (p − t)·p(1 − p)",
      largest_gap, at_most=1e-6)

# %% [markdown]
# At the left the network is certain and wrong. Cross-entropy pulls with full force; squared error after a sigmoid
# hardly pulls at all, because $p(1-p)$ is nearly zero. That is why a sigmoid output goes with cross-entropy, and a
# linear output with squared error. (Lesson 04 shows another network that collapses to black this way.)
#
# ## 7 · A common claim, checked
#
# > "Maximum likelihood cures the weakness of the pixel distance."
#
# With a Gaussian likelihood it cannot: up to a constant it *is* the pixel distance. And how weak is that? Shift a
# digit by one or two pixels: to us it is the same digit. Compare its distance to its own shifted copy with the
# distance to the nearest *other* digit.
#
# **Predict.** For what percentage of digits is some other digit nearer than the same digit shifted by two pixels?

# %%
prediction_shift = None

# %%
some = x_test[:1000]
distance = torch.cdist(some, x_test)
distance.fill_diagonal_(torch.inf)  # a digit is not its own neighbour
same_class = y_test[:1000, None] == y_test[None, :]
to_other = distance.amin(1)
to_other_class = distance.masked_fill(same_class, torch.inf).amin(1)

# %%
share = {}
for pixels in (1, 2, 3):
    shifted = some.reshape(-1, 28, 28).roll(pixels, dims=2).reshape(-1, 784)  # to the right
    to_itself = (some - shifted).norm(dim=1)
    share[pixels] = [
        100 * (nearest < to_itself).float().mean().item()
        for nearest in (to_other, to_other_class)
    ]
table(["shift (pixels)", "another digit is nearer (%)", "one of another class is (%)"],
      [[pixels, *values] for pixels, values in share.items()])

# %%
two = some.reshape(-1, 28, 28).roll(2, dims=2).reshape(-1, 784)
i = int((to_other_class - (some - two).norm(dim=1)).argmin())  # the worst case
nearest = distance[i].masked_fill(same_class[i], torch.inf).argmin()
trio = torch.stack([some[i], two[i], x_test[nearest]])
plots.images({"": trio}, columns=["a digit", "shifted by 2", "nearest other class"],
    zoom=1.4);

# %%
claim("shift by one",
      "Digits to which another digit is nearer than their own shift by one pixel",
      share[1][0], "%", near=66, within=20, holds_on=("mnist",))
claim("shift by two",
      "Digits to which another digit is nearer than their own shift by two pixels",
      share[2][0], "%", at_least=90)
claim("shift by two, class",
      "Digits to which one of another class is nearer than their shift by two pixels",
      share[2][1], "%", at_least=80)

# %% [markdown]
# The claim is false. For the pixel distance, and so for the Gaussian likelihood, a wrong digit in the right place is
# nearer than the right digit two pixels away. The picture shows the worst case: the right-hand digit counts as more
# similar to the left-hand one than the middle one does. Keep this in mind whenever a squared error is called
# "quality".
#
# ## 8 · How many numbers does a digit need?
#
# Now the main experiment: the same network with codes of 1 to 64 numbers, each trained in the same way for the same,
# shorter time, and PCA beside each. For every code a **linear probe** (lesson 01) is measured too: the accuracy of
# logistic regression that reads the class from the code. The labels are used for this measurement only, never for
# training the autoencoder.
#
# **Predict.** What percentage of the test digits will a linear probe get right from a code of only **two** numbers?
# (Guessing gives 10.)

# %%
prediction_probe = None

# %%
sizes = [1, 2, 3, 8, 10, 32, 64]
swept = {}
for k in sizes:
    with seeded(0):
        swept[k] = Autoencoder(k)
    fit(swept[k], (x,), squared_error, epochs=3 * more, lr=1e-2, one_cycle=True)

# %%
def probe(encode):
    """Test accuracy (%) with a tenth of the labels, to keep the probe quick."""
    return metrics.probes(encode, x, y, x_test, y_test, parts=[10])[0]


ae_errors = [metrics.reconstruction_error(swept[k], x_test) for k in sizes]
pca_errors = [pca_error(k) for k in sizes]
ae_probe = [probe(swept[k].encode) for k in sizes]
pca_probe = [probe(lambda images, k=k: pca_encode(images, k)) for k in sizes]

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
left.plot(sizes, ae_errors, "o-", label="autoencoder")
left.plot(sizes, pca_errors, "s--", label="PCA")
left.axhline(error_of_mean, color="grey", linestyle=":", label="mean image")
left.set(xlabel="numbers in the code", ylabel="squared error per image", ylim=(0, None))
right.plot(sizes, ae_probe, "o-", sizes, pca_probe, "s--")
right.set(xlabel="numbers in the code", ylabel="linear probe, test accuracy (%)",
    ylim=(0, 100))
for axis in (left, right):
    axis.set_xscale("log", base=2)
    axis.set_xticks(sizes, sizes)
left.legend(frameon=False);

# %% tags=["picture-sweep"]
with torch.no_grad():
    redrawn = {f"code of {k}": swept[k](x_test[ten]) for k in sizes}
plots.images({"original": x_test[ten]} | redrawn);

# %% [markdown]
# Left: the autoencoder gains most where the code is small, because a curved map can follow the digits where a flat
# one cannot. As the code grows, PCA catches up, and at 64 numbers it is far ahead: our network has its own narrow
# layers of 64 units and only a few epochs of training, while PCA finds its optimum exactly. Lesson 03 asks how far a
# larger network and a longer training go. Right: a larger code shows the class to a linear reader better and better.
# For small codes the autoencoder's is the better one to read; for large ones PCA's is as good or better. A smaller
# error does not promise a more readable code. Pictures: with one or two numbers the network draws a smooth average of
# what lies near in the code, often of a wrong class (look at the 4 and the 5). With more numbers the class settles
# and then the handwriting shows. Unusual digits (the 5 and the 9 of MNIST, the 7 of the built-in ones) stay hard to
# the end: rare shapes cost most.

# %%
at = dict(zip(sizes, zip(ae_errors, pca_errors, strict=True), strict=True))
for k in (2, 8):
    claim(f"code of {k}", f"Autoencoder's error relative to PCA's, code of {k} numbers",
          at[k][0] / at[k][1], "times", at_most=0.85,
          baseline=f"PCA {at[k][1]:.1f}, autoencoder {at[k][0]:.1f}")
claim("code of 64", "Autoencoder's error relative to PCA's, code of 64 numbers",
      at[64][0] / at[64][1], "times", at_least=1.1,
      baseline=f"PCA {at[64][1]:.1f}, autoencoder {at[64][0]:.1f}")
claim("probe", "Linear probe on the code of 32 numbers", ae_probe[sizes.index(32)],
      "% test accuracy", at_least=70,
      baseline=f"PCA {pca_probe[sizes.index(32)]:.1f}")

# %% [markdown]
# ### What did three numbers find?
#
# With a code of three numbers the network had to choose what matters most. We measure two properties of each image
# directly, the **thickness** of the stroke and its **slant**, and ask how well each can be read off the code by
# linear regression ($R^2$: 1 is perfect, 0 is no better than the mean). First single axes, then all three together;
# then by the 20 nearest neighbours in the code, a reader that can follow curves; then all of it again after turning
# the code by a random rotation.

# %%
properties = {"thickness": metrics.thickness, "slant": metrics.slant}
labelled = data.stratified_subset(y, len(y) // 10)  # the tenth that the probe saw
with torch.no_grad():
    three, three_train = swept[3].encode(x_test), swept[3].encode(x[labelled])
rotation, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))


def r_squared(z_train, z, name, reader=LinearRegression):
    """Fit on training images, measure on test images."""
    measure = properties[name]
    return reader().fit(z_train, measure(x[labelled])).score(z, measure(x_test))


# %%
rows = []
for name in properties:
    for which, r in {"as trained": torch.eye(3), "rotated": rotation}.items():
        z_train, z = three_train @ r, three @ r
        single = [r_squared(z_train[:, [i]], z[:, [i]], name) for i in range(3)]
        neighbours = r_squared(z_train, z, name, lambda: KNeighborsRegressor(20))
        rows.append([name, which, *single, r_squared(z_train, z, name), neighbours])
head = ["R²", "code", "axis 1", "axis 2", "axis 3", "all, linear", "all, neighbours"]
table(head, [[*row[:2], *(f"{value:.2f}" for value in row[2:])] for row in rows])

# %%
shown = torch.randperm(len(three), generator=torch.Generator().manual_seed(0))[:3000]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.5), sharex=True, sharey=True)
dot = {"s": 5, "rasterized": True, "alpha": 0.6}
plots.class_map(axes[0], three[shown, :2], y_test[shown])
for axis, (name, measure) in zip(axes[1:], properties.items(), strict=True):
    values = measure(x_test)
    low, high = values.quantile(torch.tensor([0.02, 0.98])).tolist()
    dots = axis.scatter(*three[shown, :2].T, c=values[shown], cmap="viridis", vmin=low,
                        vmax=high, **dot)
    unit = {"thickness": "pixels", "slant": "pixels per pixel"}[name]
    figure.colorbar(dots, ax=axis, label=unit)
for axis, name in zip(axes, ["class", *properties], strict=True):
    axis.set(title=f"coloured by {name}", xlabel="code, axis 1", ylabel="code, axis 2")

# %% [markdown]
# The rotation changes what single axes say and leaves the last two columns as they were. A decoder can undo any
# rotation of the code, so training has no reason to prefer one: **only the whole code can be asked what it knows**.
# The neighbours find more than the straight line does: the properties are in the code, along curves. In the pictures,
# class forms regions and slant a gradient; thickness shows far less in these two of the three axes. Three numbers
# went to what changes most pixels: class and slant first.

# %%
change = max(abs(rows[i][j] - rows[i + 1][j]) for i in (0, 2) for j in (5, 6))
change_of_axes = max(abs(rows[i][j] - rows[i + 1][j]) for i in (0, 2) for j in (2, 3, 4))
claim("slant in three numbers",
      "R² of the slant from the whole code of three numbers, by neighbours", rows[2][6],
      at_least=0.3,
      baseline=f"linear {rows[2][5]:.2f}; thickness {rows[0][6]:.2f} and {rows[0][5]:.2f}")
claim("rotation", "Largest change of R² from the whole code under rotation", change,
      at_most=1e-3, baseline=f"from single axes {change_of_axes:.2f}")

# %% [markdown]
# ## 9 · Four views of one machine
#
# The same two networks are described in four languages. Each asks something else of encoder and decoder, and each has
# its place in this course.
#
# | view | the encoder is | the decoder is | the question | answered in |
# |---|---|---|---|---|
# | unsupervised learning | a feature extractor | a teacher, thrown away afterwards | are the features good for later tasks? | this lesson, 05, 07 |
# | maximum-likelihood density estimation | a helper that finds a good $z$ for $x$ | the model $p_\theta(x \mid z)$ | what probability does a new $x$ get? | 06, 10 |
# | manifold learning | coordinates on a curved surface | the surface itself | what is the shape of the data? | 03 |
# | generative modelling | needed for training only | a machine that draws new $x$ | from which $z$ should it draw? | 06, 10 |
#
# The plain autoencoder serves the first and the third view. It has no prior $p(z)$, so it cannot say how probable an
# image is, nor from where to draw a new one.
#
# ## 10 · At work
#
# ### Compression
#
# A code of few numbers is a compressed image. To compare honestly, count every bit. Each number is rounded to 8 bits
# over its range on the training images. The decoder has to be sent as well, in 16 bits per weight, shared among the
# test images; PCA has to send its patterns too. JPEG and lossless PNG need no model; they get all test images tiled
# into one picture, so that their headers are shared as well.

# %%
def rounded(z, z_train, levels=256):
    low, high = z_train.amin(0), z_train.amax(0)
    step = (high - low) / (levels - 1)
    return low + step * ((z - low) / step).round().clamp(0, levels - 1)


def model_bytes(numbers):
    return 2 * numbers / len(x_test)  # 16 bits each, shared among the test images


def point(k, model_numbers, x_hat):
    """Bytes per image of the code alone, bytes with the model, squared error per image."""
    error = losses.squared_error(x_hat, x_test).mean().item()
    return k, k + model_bytes(model_numbers), error

# %%
rates, some_train = {"autoencoder": [], "PCA": []}, x[labelled]
with torch.no_grad():
    for k in sizes[2:]:
        if k <= 32:  # 64 numbers, trained so briefly, gained nothing over 32
            net = model if k == 32 else swept[k]
            x_hat = net.decode(rounded(net.encode(x_test), net.encode(some_train)))
            rates["autoencoder"].append(point(k, n_parameters(net.decoder), x_hat))
        z = rounded(pca_encode(x_test, k), pca_encode(some_train, k))
        rates["PCA"].append(point(k, 784 * (k + 1), pca_decode(z)))

# %%
side = int(len(x_test) ** 0.5)  # tiles per row
tiles = x_test[: side * side].reshape(side, side, 28, 28).permute(0, 2, 1, 3)
tiles = tiles.reshape(28 * side, 28 * side)
picture = Image.fromarray((255 * tiles).round().byte().numpy())
rates["JPEG"] = []
for quality in (1, 5, 10, 20, 40, 60):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, optimize=True)
    back = torch.from_numpy(np.array(Image.open(file))).float() / 255
    size = file.tell() / side**2
    rates["JPEG"].append((size, size, (back - tiles).square().sum().item() / side**2))
file = io.BytesIO()
picture.save(file, "PNG")
png = file.tell() / side**2

# %%
figure, axis = plt.subplots(figsize=(9, 3.8))
for (name, points), marker in zip(rates.items(), "os^", strict=True):
    code, full, error = np.array(points).T
    label = name if name == "JPEG" else f"{name}, with its model"
    (line,) = axis.plot(full, error, marker + "-", label=label)
    if name != "JPEG":
        axis.plot(code, error, marker + ":", color=line.get_color(),
            markerfacecolor="white", label=f"{name}, codes only")
axis.axvline(png, color="grey", linestyle=":", label="PNG (no error)")
axis.set(xlabel="bytes per image", ylabel="squared error per image", ylim=(0, None),
    xscale="log")
axis.set_xticks([3, 10, 30, 100, 300], ["3", "10", "30", "100", "300"])
axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1));

# %%
i = sizes[2:].index(32)
(_, full_ae, error_ae), (_, full_pca, error_pca) = rates["autoencoder"][i], rates["PCA"][i]
sizes_jpeg, _, errors_jpeg = np.array(rates["JPEG"]).T
jpeg_there = np.interp(full_ae, sizes_jpeg, errors_jpeg)  # at the autoencoder's size
claim("decoder's share", "Bytes per image of a 32-number code with the decoder counted",
      full_ae, "bytes", at_least=40, at_most=80,
      baseline=f"code alone 32, PCA with its patterns {full_pca:.0f}, PNG {png:.0f}",
      holds_on=("mnist",))
claim("JPEG wins",
      "Error of the autoencoder relative to JPEG's at the same size, decoder counted",
      error_ae / jpeg_there, "times", at_least=1.0,
      baseline=f"JPEG {jpeg_there:.1f}, autoencoder {error_ae:.1f}")

# %% [markdown]
# Dotted lines count the codes alone, solid lines the model too. The result may surprise: **JPEG wins** wherever it
# can be compared. It knows nothing about digits, but it spends few bytes on a 1 and many on an 8, and packs them with
# an entropy code; our fixed code gives every image the same number of bytes, and the decoder, shared among so few
# images, adds more than half as many again. (For many more images that share would shrink, and at the very small
# sizes on the left JPEG cannot follow at all.) A compression rate that is quoted without the model's size is read
# from the dotted line alone. Learned compression that beats classical codecs exists; it trains the code *for* an
# entropy coder.
#
# ### Anomaly detection
#
# A network that has never seen a class should draw it badly, so a large error would mark the unknown. We train
# without one class and score each test image by its error. The **AUROC** is the probability that a random image of
# the unseen class has a larger error than a random known one: 1 is perfect, 0.5 is a coin. PCA gets the same chance.

# %%
def auroc_unseen(hidden, n=20_000):
    known, strange = x[y != hidden][:n], (y_test == hidden).numpy()
    with seeded(0):
        detector = Autoencoder(8)
    fit(detector, (known,), squared_error, epochs=5, lr=1e-2, one_cycle=True)
    with torch.no_grad():
        by_model = losses.squared_error(detector(x_test), x_test)
    flat = PCA(8, svd_solver="covariance_eigh").fit(known.numpy())
    flat_hat = torch.from_numpy(flat.inverse_transform(flat.transform(x_test.numpy())))
    by_pca = losses.squared_error(flat_hat, x_test)
    return [roc_auc_score(strange, by_model), roc_auc_score(strange, by_pca)]


unseen = {hidden: auroc_unseen(hidden) for hidden in (2, 1)}
table(["unseen class", "AUROC, autoencoder", "AUROC, PCA"],
      [[str(k), *v] for k, v in unseen.items()])

# %%
claim("unseen 2", "AUROC of the error where the class 2 was never seen", unseen[2][0],
      at_least=0.8, baseline=f"PCA {unseen[2][1]:.2f}")
claim("unseen 1", "AUROC of the error where the class 1 was never seen", unseen[1][0],
      at_most=0.5, baseline=f"PCA {unseen[1][1]:.2f}")

# %% [markdown]
# For the 2 it works. For the 1 it fails completely, worse than a coin: a 1 is one short stroke, easy to draw even for
# a network that never saw one, while known classes with much ink keep larger errors. The error measures how hard an
# image is to draw, which is not the same as how strange it is. A detector has to be tested on several unknowns, not
# on one lucky choice.
#
# ### One encoder for several tasks
#
# The code of section 2 was learned without any task. Read three different things off it with linear models, beside
# PCA's code of equal size and the raw pixels:

# %%
readers = {
    "raw pixels": lambda images: images,
    "PCA, 32 numbers": lambda images: pca_encode(images, 32),
    "autoencoder, 32 numbers": model.encode,
}
tasks = {}
for name, encode in readers.items():
    with torch.no_grad():
        z = encode(x_test)
        z_train = encode(x[labelled])
    tasks[name] = [
        *metrics.probes(encode, x, y, x_test, y_test),  # with 10 % and 1 % of the labels
        *(r_squared(z_train, z, p) for p in properties),
    ]
table(["linear model on", "class (%), 10 % of labels", "class (%), 1 % of labels",
       "thickness (R²)", "slant (R²)"],
      [[name, *values] for name, values in tasks.items()])

# %% [markdown]
# Thirty-two numbers that nobody chose for any task serve three of them. Look at PCA's line before praising the
# autoencoder, though: on these linear readings the two are close. The raw pixels say least about thickness and slant:
# from so few images, a regression on 784 numbers can even fail altogether (the extra 01x shows how). What the encoder
# is worth when labels are few is the subject of lesson 07.

# %%
ours, theirs = tasks["autoencoder, 32 numbers"], tasks["PCA, 32 numbers"]
claim("class from few labels", "Linear probe on 32 numbers with 1 % of the labels",
      ours[1], "% test accuracy", at_least=55,
      baseline=f"PCA {theirs[1]:.1f}, raw pixels {tasks['raw pixels'][1]:.1f}")
claim("slant from the code", "R² of the slant, read linearly from 32 numbers", ours[3],
      at_least=0.6, baseline=f"PCA {theirs[3]:.2f}")

# %% [markdown]
# ### Where it fails
#
# The network knows digits and nothing else. Show it pieces of two photographs that come with scikit-learn, and
# clothes (Fashion-MNIST) if that data set is on this computer, and compare how much of each image's variation it
# keeps.

# %%
def photo_patches(n, seed=0):
    from sklearn.datasets import load_sample_images

    grey = [torch.tensor(p).float().mean(2) / 255 for p in load_sample_images().images]
    cut = torch.cat([g.unfold(0, 28, 28).unfold(1, 28, 28).reshape(-1, 784) for g in grey])
    return cut[torch.randperm(len(cut), generator=torch.Generator().manual_seed(seed))[:n]]


strangers = {"digits": x_test, "photographs": photo_patches(600)}
if data.at_hand("fashion"):
    strangers["clothes"] = data.load("fashion").x_test
share_kept = {name: metrics.share_kept(model, images) for name, images in strangers.items()}
table(["images", "share of the variation kept"], list(share_kept.items()))

# %%
with torch.no_grad():
    rows = {}
    for name, images in list(strangers.items())[1:]:
        rows |= {name: images[:10], f"{name}, redrawn": model(images[:10])}
plots.images(rows);

# %% [markdown]
# Pieces of photographs come back as blots of digit strokes, if at all: a share below zero means that the plain mean
# of the photographs would have been closer. An autoencoder compresses *its* data; it is no general picture codec, and
# no encoder for everything.

# %%
claim("photographs",
      "Share of the variation of photographs that the digits' autoencoder keeps",
      share_kept["photographs"], at_most=0.5,
      baseline=f"digits {share_kept['digits']:.2f}")

# %% [markdown]
# ## 11 · Checkpoint
#
# The next cell fails if any claim of this lesson did not hold in this run.

# %%
claim.checkpoint()

# %%
score([("squared error per test image with 32 numbers", prediction_error, error_of_model),
       ("dead units of 32", prediction_dead, dead),
       ("linear probe on two numbers (%)", prediction_probe, ae_probe[1]),
       ("digits nearer to another digit than to their own shift by two pixels (%)",
        prediction_shift, share[2][0])])

# %% [markdown]
# ## 12 · What to keep
#
# The course keeps one scoreboard; each lesson adds its rows. Lesson 06 fills the column of nats, which needs a
# likelihood of the image itself, $\log p(x)$.

# %%
table(["row", "squared error", "probe, 10 % of labels (%)", "probe, 1 % (%)", "nats",
       "training (s)"],
      [["mean image", error_of_mean, None, None, None, None],
       ["PCA, 32 numbers", error_of_pca, *theirs[:2], None, None],
       ["autoencoder 784-128-64-32", error_of_model, *ours[:2], None,
        round(history.seconds)]])

# %% [markdown]
# - An autoencoder learns to rebuild its input through a narrow code; the bottleneck keeps it from copying.
# - A reconstruction error means something beside the mean image and beside PCA, on one fixed grey scale, as a mean
#   over all held-out images.
# - Squared error, binary and softmax cross-entropy are negative log-likelihoods; weights and constants in them are
#   not decoration.
# - The axes of a code have no meaning of their own; ask the whole code.
# - The pixel distance is a poor judge of likeness, and no likelihood built on it cures that.
#
# **Your turn:** [lab 02](../work/lab02.ipynb) (your own copy, made by `python -m aecourse lab`; on the
# web, read the [sheet](../exercises/lab02/lab02.ipynb)). You write the autoencoder, two likelihoods, the floor of the
# bug hunt and the training loop, and each is checked.
#
# **Next:** [lesson 03](03_manifolds.ipynb) asks why so few numbers are enough for a digit, and what a bent code finds
# that PCA cannot.
#
# ### Papers
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). *Learning representations by back-propagating errors.*
#   Nature 323, 533–536.
# - H. Bourlard, Y. Kamp (1988). *Auto-association by multilayer perceptrons and singular value decomposition.*
#   Biological Cybernetics 59, 291–294.
# - G. E. Hinton, R. R. Salakhutdinov (2006). *Reducing the dimensionality of data with neural networks.* Science 313,
#   504–507.
# - C. M. Bishop (2006). *Pattern Recognition and Machine Learning.* Springer. Sections 1.2 (likelihood and MAP) and
#   5.2 (losses).
# - G. Loaiza-Ganem, J. P. Cunningham (2019). *The continuous Bernoulli: fixing a pervasive error in variational
#   autoencoders.* NeurIPS.
# - L. N. Smith, N. Topin (2018). *Super-convergence: very fast training of neural networks using large learning
#   rates.* arXiv:1708.07120.
