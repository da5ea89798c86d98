# %% [markdown]
# # 02b · The loss is a likelihood
#
# **Promise.** You will derive squared error, binary cross-entropy and softmax cross-entropy from one idea, know what
# their values mean, and know what no likelihood built on single pixels can cure.
#
# **After this unit you can**
# 1. write a loss as the negative logarithm of a probability, with all of its terms;
# 2. choose the loss that goes with your data and your output layer;
# 3. say what a cross-entropy of grey pixels costs at best, and when a loss becomes negative;
# 4. explain weight decay as a prior.
#
# **Before it:** unit 02; densities, independence and the logarithm. **Time:** about {minutes} minutes; the cells run in
# less than half a minute on two cores.

# %%
import math

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.distributions import Bernoulli, Categorical, Normal

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import Autoencoder
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("02", digits.name)
x, x_test, y_test = digits.x_train, digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer

# %%
diagrams.flow({"z": (0, 0, "code $z$", plots.YELLOW), "d": (1, 0, "decoder", plots.ORANGE),
               "p": (2.2, 0, "distribution\n$p_\\theta(x \\mid z)$", plots.SKY),
               "x": (2.2, 1, "image $x$"),
               "l": (3.6, 0, "loss\n$-\\log p_\\theta(x \\mid z)$")},
              {("z", "d"): "", ("d", "p"): "",
               ("x", "p"): "how probable?", ("p", "l"): ""});

# %% [markdown]
# ## 1 · One idea: make the data probable
#
# Why the *squared* error? The diagram shows the idea that answers this for all common losses. Let the decoder output a
# **probability distribution** over images, $p_\theta(x \mid z)$, instead of one image. Then choose the weights $\theta$
# that make the observed images most probable. This is **maximum likelihood** (MLE). (The code comes from the encoder, which
# is trained along with the decoder; lesson 06 treats the code as a random quantity, too.) The logarithm does not move a maximum,
# so we may minimise $-\log p_\theta(x \mid z)$. Its unit, with the natural logarithm, is the **nat** (1 nat = 1.44
# bits).
#
# One assumption makes it computable: *given the code, the pixels are independent*. Then the probability of the image is
# a product over the $D = 784$ pixels, and its logarithm is a sum:
#
# $$-\log p_\theta(x \mid z) = -\log \prod_{i=1}^{D} p_\theta(x_i \mid z) = \sum_{i=1}^{D} -\log p_\theta(x_i \mid z) .$$
#
# This is why a loss is *summed* over the pixels. Each of the next three losses chooses another $p_\theta(x_i \mid z)$.
#
# ### Gaussian: squared error
#
# Let each pixel be the decoder's output $\hat x_i$ plus Gaussian noise with standard deviation $\sigma$:
#
# $$\begin{aligned}
# p(x_i \mid z) &= \frac{1}{\sigma\sqrt{2\pi}} \exp\Big(-\frac{(x_i - \hat x_i)^2}{2\sigma^2}\Big)
#   && \text{the density of a Gaussian} \\
# -\log p(x_i \mid z) &= \frac{(x_i - \hat x_i)^2}{2\sigma^2} + \log\sigma + \tfrac12\log 2\pi
#   && \text{minus its logarithm} \\
# -\log p(x \mid z) &= \frac{1}{2\sigma^2}\lVert x - \hat x\rVert^2 + D\log\sigma + \tfrac{D}{2}\log 2\pi
#   && \text{summed over the pixels}
# \end{aligned}$$
#
# With a fixed $\sigma$ the last two terms are constants. What is left is the squared error times $1/2\sigma^2$, with
# the same minimum. First one pixel, by hand and by PyTorch's `Normal`:

# %% tags=["nbval-check-output"]
pixel, mean, sd = torch.tensor(0.9), torch.tensor(0.6), 0.3  # sd: σ of this pixel
by_hand = (pixel - mean) ** 2 / (2 * sd**2) + math.log(sd) + math.log(2 * math.pi) / 2
print(f"by hand {by_hand:.4f}, by PyTorch {-Normal(mean, sd).log_prob(pixel):.4f} nats")

# %% [markdown]
# The derivation summed this over the pixels of an image; `losses.gaussian_nll` does the same. Now we train the network
# of unit 02 with the squared error, and measure its likelihood on test images.

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


with seeded(0):
    model = Autoencoder([784, 128, 64, 32])
fit(model, (x,), squared_error, epochs=5 * more, lr=1e-2, one_cycle=True)
with torch.no_grad():
    x_hat = model(x_test)  # (N, 784)

# %%
sigma = 0.3
nats_of_images = losses.gaussian_nll(x_hat, x_test, sigma)  # (N,): the last line above
print(f"mean over the test images: {nats_of_images.mean().item():.0f} nats")

# %% [markdown]
# The value is negative, and that is no fault. For continuous pixels $p(x \mid z)$ is a *density*, and a density may be
# larger than 1, so $-\log p$ may be negative.

# %%
try_it("Which of `sigma = 0.08`, `0.16` and `0.24` gives the smallest value? Change the "
       "line and run that cell again, three times. Type the best σ.", None,
       min((0.08, 0.16, 0.24), key=lambda s: losses.gaussian_nll(x_hat, x_test, s).mean()),
       changed=sigma != 0.3)

# %% [markdown]
# Which $\sigma$ is right? It too can be fitted by maximum likelihood. Setting the derivative with respect to $\sigma$
# to zero, $-\lVert x - \hat x\rVert^2/\sigma^3 + D/\sigma = 0$, gives for one image
# $\sigma^2 = \lVert x - \hat x\rVert^2/D$, and for many images their mean squared error per pixel. We fit it on the
# training images, and draw the nats of the test images.

# %%
grid = torch.linspace(0.05, 0.5, 46)
nats = [losses.gaussian_nll(x_hat, x_test, s.item()).mean().item() for s in grid]
with torch.no_grad():
    best = (x - model(x)).square().mean().sqrt().item()  # fitted on training images
axis = plt.subplots(figsize=(5.5, 3))[1]
axis.plot(grid, nats)
axis.axvline(best, color=plots.VERMILION, linestyle="--",
             label="√(mean squared error per pixel)")
axis.set(xlabel="σ (grey levels)", ylabel="nats per image", ylim=(min(nats) - 100, 1000))
axis.legend(frameon=False);

# %% [markdown]
# The minimum lies close to where the formula puts it. A $\sigma$ that is too small costs much: the model claims to be
# certain, and is wrong. The weight $1/2\sigma^2$ does not matter while the squared error is the only term of the loss.
# In lesson 06 a second term is added, and a forgotten $\sigma$ will change the model.
#
# ## 2 · Bernoulli: binary cross-entropy
#
# If a pixel is either 0 or 1, the decoder gives the probability $\pi_i$ of a 1. The last layer gives any real number,
# the **logit** $a_i$, and the sigmoid turns it into $\pi_i = 1/(1+e^{-a_i})$. Both cases in one formula:
#
# $$p(x_i \mid z) = \pi_i^{x_i} (1-\pi_i)^{1-x_i}, \qquad
# -\log p(x \mid z) = -\sum_i \big[x_i \log \pi_i + (1 - x_i)\log(1-\pi_i)\big] .$$

# %% tags=["nbval-check-output"]
logit, white = torch.tensor(0.7), torch.tensor(1.0)  # of one pixel: logit, target
pi = torch.sigmoid(logit)
by_hand = -(white * pi.log() + (1 - white) * (1 - pi).log())
by_torch = -Bernoulli(logits=logit).log_prob(white)
print(f"by hand {by_hand:.4f}, by PyTorch {by_torch:.4f} nats")

# %% [markdown]
# ### Grey pixels in a cross-entropy
#
# Many people put grey pixels into this formula. It can be computed, but it is no likelihood, since a Bernoulli variable
# is never 0.5. What does it give? For a pixel $x$ the best output is $\pi = x$, since the derivative
# $-x/\pi + (1-x)/(1-\pi)$ is 0 there. So even a perfect reconstruction costs
#
# $$H(x) = -x\log x - (1-x)\log(1-x),$$
#
# the **entropy** of a coin that shows a 1 with probability $x$. For a black or white pixel it is 0, for a grey one at
# most $\log 2 = 0.69$.

# %%
grey = ((x_test > 0) & (x_test < 1)).float().mean().item()
print(f"{100 * grey:.0f} % of the 784 pixels are neither black nor white")

# %% [markdown]
# **Predict.** How many nats per image does the cross-entropy of our digits still have at a perfect reconstruction?

# %%
prediction_entropy = None

# %%
def entropy(x):
    return -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).sum(1)  # nats, (N,)


perfect = entropy(x_test).mean().item()
of_binary = entropy((x_test > 0.5).float()).mean().item()
table(["pixels", "cross-entropy of a perfect reconstruction (nats per image)"],
      [["grey, as they are", perfect], ["rounded to 0 and 1", of_binary]])
score([("nats of a perfect reconstruction of grey digits", prediction_entropy, perfect)])

# %% [markdown]
# On grey digits the loss cannot fall below this floor, however good the network is. Compare losses with it, not with 0.
#
# And below zero? If a pixel lies outside of $[0, 1]$, one of the two factors $x$ and $1-x$ is negative. Then the loss
# falls without end as the logit goes one way: to $-\infty$ for a negative pixel, to $+\infty$ for a pixel above 1. Data that were normalised to $[-1, 1]$ or to mean 0 are the usual cause:

# %%
some_grey = 0.5  # a grey pixel
logits = torch.linspace(-6, 6, 121).view(-1, 1)  # (121, 1)
axis = plt.subplots(figsize=(5.5, 3))[1]
for value, style in ((0.0, "-"), (some_grey, "--"), (1.0, "-."), (-0.4, ":")):
    loss = losses.bernoulli_nll(logits, torch.full_like(logits, value))
    axis.plot(logits, loss, style, label=f"pixel x = {value:g}")
axis.axhline(0, color="grey", linewidth=1)
axis.set(xlabel="logit", ylabel="cross-entropy (nats)")
axis.legend(frameon=False);

# %% [markdown]
# For black and white pixels the loss comes arbitrarily close to 0. For $x = 0.5$ it never falls below $\log 2$. For
# $x = -0.4$ it falls below 0 and goes on falling to the left. **If a cross-entropy becomes negative, check the
# range of your data.** (A true density on grey pixels exists, the continuous Bernoulli; Loaiza-Ganem and Cunningham
# 2019. From lesson 06 on, nats are counted on binarised pixels.)

# %%
try_it("Change `some_grey = 0.5` to `some_grey = 0.25` and run that cell again. What is "
       "the smallest cross-entropy of this pixel? Compute it, and compare with the curve.",
       None, losses.bernoulli_nll(logits, torch.full_like(logits, 0.25)).min().item(),
       changed=some_grey == 0.25, hint="It is H(0.25), with the natural logarithm.")

# %% [markdown]
# ## 3 · Categorical: softmax cross-entropy
#
# If $x$ is one of $K$ classes, for example the label of an image or one of $K$ grey levels, the network gives $K$ logits
# $a_1, \dots, a_K$. The softmax turns them into probabilities $p_k = e^{a_k} / \sum_j e^{a_j}$. For the right class $k$
#
# $$-\log p_k = -a_k + \log \sum_{j=1}^{K} e^{a_j} .$$
#
# This is the softmax cross-entropy of lesson 01.

# %% tags=["nbval-check-output"]
a, k = torch.tensor([2.0, 0.5, -1.0]), 0  # three logits, and the right class
by_hand = -a[k] + a.exp().sum().log()
by_torch = -Categorical(logits=a).log_prob(torch.tensor(k))
print(f"by hand {by_hand:.4f}, by PyTorch {by_torch:.4f} nats")

# %% [markdown]
# | the data are | distribution | the decoder's output | loss |
# |---|---|---|---|
# | real numbers | Gaussian, fixed σ | the mean, linear | squared error / 2σ², plus a constant |
# | 0 or 1 | Bernoulli | a logit | binary cross-entropy |
# | one of K classes | categorical | K logits | softmax cross-entropy |
#
# ### Seen from back-propagation
#
# The likelihood also decides how fast a network corrects a mistake. Take one pixel with the target $t = 1$, the logit
# $a$ and the output $p = \text{sigmoid}(a)$. The derivative of the cross-entropy with respect to $p$ is
# $-\frac{t}{p} + \frac{1-t}{1-p} = \frac{p-t}{p(1-p)}$. With $\frac{dp}{da} = p(1-p)$ and the chain rule, the gradients
# with respect to $a$ are
#
# $$\underbrace{(p - t)\,p(1-p)}_{\text{½ squared error}} \qquad\text{and}\qquad
# \underbrace{\frac{p - t}{p(1-p)}\,p(1-p) = p - t}_{\text{cross-entropy}} .$$

# %%
grid_a = torch.linspace(-8, 8, 161, requires_grad=True)
t = torch.ones_like(grid_a)
(grad_mse,) = torch.autograd.grad(0.5 * (torch.sigmoid(grid_a) - t).square().sum(), grid_a)
bce = nn.functional.binary_cross_entropy_with_logits(grid_a, t, reduction="sum")
(grad_bce,) = torch.autograd.grad(bce, grid_a)
axis = plt.subplots(figsize=(5.5, 3))[1]
axis.plot(grid_a.detach(), grad_mse, label="sigmoid and squared error")
axis.plot(grid_a.detach(), grad_bce, "--", label="sigmoid and cross-entropy")
axis.set(xlabel="logit a (the target is 1)", ylabel="gradient with respect to a")
axis.legend(frameon=False);

# %% [markdown]
# Both gradients are negative, since the logit has to grow. At the left the network is confident and wrong. There the
# cross-entropy pulls with full force. The squared error after a
# sigmoid hardly pulls, because $p(1-p)$ is nearly 0. So after a sigmoid the cross-entropy corrects confident mistakes faster. Squared error
# after a sigmoid is no fault as long as most outputs do not saturate at the wrong end; unit 02a shows what happens when
# they do.

# %%
p = torch.sigmoid(grid_a.detach())
largest_gap = (grad_mse - (p - 1) * p * (1 - p)).abs().max().item()
claim("slow when wrong",
      "Gradient of squared error at logit −8, confident and wrong, "
      "relative to cross-entropy",
      (grad_mse[0] / grad_bce[0]).item(), at_most=0.01)
claim("formula", "Largest gap between the drawn gradient and (p − t)·p(1 − p)",
      largest_gap, at_most=1e-6)

# %% [markdown]
# ### MAP: weight decay is a prior
#
# Maximum likelihood uses only how well the weights $\theta$, here written $w$, explain the data. If we also hold a belief
# about the weights before seeing data, a **prior** $p(w)$, then by Bayes' rule $p(w \mid \text{data})$ is proportional to
# $p(\text{data} \mid w)\, p(w)$. Maximising it is called *maximum a posteriori* (MAP). For a Gaussian likelihood and a
# Gaussian prior with standard deviation $\tau$, and with constants left out:
#
# $$\begin{aligned}
# -\log p(w \mid \text{data}) &= \frac{1}{2\sigma^2}\sum_{n=1}^{N}\lVert x_n - \hat x_n\rVert^2
#   + \frac{\lVert w\rVert^2}{2\tau^2} && \text{likelihood and prior} \\
# \text{loss} &= \frac1N\sum_{n=1}^{N}\lVert x_n - \hat x_n\rVert^2 + \frac{\sigma^2}{N\tau^2}\lVert w\rVert^2
#   && \text{times } 2\sigma^2/N \\
# \text{gradient of its last term} &= \frac{2\sigma^2}{N\tau^2}\, w && \text{derivative of a square}
# \end{aligned}$$
#
# Adding a multiple of each weight to its gradient is called **weight decay**. Its coefficient here is $2\sigma^2/N\tau^2$.
# (This is for plain gradient descent; AdamW applies its decay outside of Adam's step.)

# %%
try_it("With σ = 0.3, τ = 1 and all of these training images, `len(x)`, what is the "
       "coefficient of the weight decay? Type it in millionths.",
       None, 1e6 * 2 * 0.3**2 / x.shape[0])

# %% [markdown]
# ## 4 · What the pixel distance misses
#
# The squared error compares images pixel by pixel, so it may not notice that a shifted digit is the same digit. Does
# maximum likelihood help? With a Gaussian likelihood it cannot, since up to a factor and a constant its loss *is* the
# squared pixel distance. How weak is that distance? Shift a digit by two pixels: to us it is the same digit. Compare its
# distance to its own shifted copy with the distance to the nearest *other* digit of the test images.
#
# **Predict.** For what percentage of the digits is some other digit nearer than the same digit shifted by two pixels?

# %%
prediction_shift = None

# %% [markdown]
# First for one digit:

# %%
def shifted(images, pixels):
    return images.reshape(-1, 28, 28).roll(pixels, dims=2).reshape(-1, 784)  # to the right


one = x_test[:1]
to_others = (x_test - one).norm(dim=1)  # (N,)
to_others[0] = torch.inf  # a digit is not its own neighbour
print(f"nearest of {len(x_test) - 1:,} other digits: {to_others.min():.1f}, "
      f"its own shift: {(shifted(one, 2) - one).norm():.1f}")

# %% [markdown]
# Then the same for 1,000 digits, and for the nearest digit of another class:

# %%
some = x_test[:1000]
distance = torch.cdist(some, x_test)  # (1000, N)
distance.fill_diagonal_(torch.inf)
same_class = y_test[:1000, None] == y_test[None, :]
nearest = {"another digit": distance.amin(1),
           "one of another class": distance.masked_fill(same_class, torch.inf).amin(1)}

# %%
share = {}
for pixels in (1, 2, 3):
    to_itself = (some - shifted(some, pixels)).norm(dim=1)
    share[pixels] = [100 * (d < to_itself).float().mean().item() for d in nearest.values()]
table(["shift (pixels)", *(f"{name} is nearer (%)" for name in nearest)],
      [[pixels, *values] for pixels, values in share.items()])

# %%
two = shifted(some, 2)
i = int((nearest["one of another class"] - (some - two).norm(dim=1)).argmin())
other = distance[i].masked_fill(same_class[i], torch.inf).argmin()
plots.images({"": torch.stack([some[i], two[i], x_test[other]])}, zoom=1.4,
             columns=["a digit", "shifted by 2", "nearest other class"]);

# %% [markdown]
# For nearly every digit, some digit of another class is nearer than the same digit shifted by two pixels. The picture
# shows the worst case: the right-hand digit counts as more similar to the left-hand one than the middle one does. The
# reason is the assumption of section 1: given the code, the pixels are independent, so the likelihood cannot reward a
# right shape in a wrong place. The other two likelihoods add up single pixels as well.

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
score([("another digit is nearer than the shift by two (%)",
        prediction_shift, share[2][0])])

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - A loss is $-\log p_\theta(x \mid z)$. Independent pixels make it a sum over pixels.
# - Gaussian: squared error, with the weight $1/2\sigma^2$; it may be negative. Bernoulli: binary cross-entropy.
#   Categorical: softmax cross-entropy.
# - On grey pixels a cross-entropy has a floor, the entropy of the pixels. It is negative only for pixels outside of
#   $[0, 1]$.
# - Weight decay is a Gaussian prior on the weights.
# - A likelihood of independent pixels, like the pixel distance, does not see that a shifted digit is the same digit.
#
# **Your turn:** [lab 02](../work/lab02.ipynb) (on the web: the [sheet](../exercises/lab02/lab02.ipynb)) asks for two
# likelihoods. **Deeper:** [02c](02c_codes.ipynb), what a code contains.
#
# ### Papers
# - C. M. Bishop (2006). *Pattern Recognition and Machine Learning.* Springer. Sections 1.2 (likelihood and MAP) and
#   5.2 (losses).
# - G. Loaiza-Ganem, J. P. Cunningham (2019). *The continuous Bernoulli: fixing a pervasive error in variational
#   autoencoders.* NeurIPS.
