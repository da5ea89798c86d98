# %% [markdown]
# # Lab 02 · The autoencoder, piece by piece
#
# At the end of this page a network that you wrote, with a loss that you derived and a training loop that you know from
# the inside, rebuilds digits that it never saw.
#
# After this lab you can
#
# - write an encoder and its mirror, and say how many numbers they train;
# - turn a likelihood into a loss, for Gaussian and for Bernoulli pixels, in nats per image;
# - find the bug of the sigmoid that cannot reach its images, and measure what it costs;
# - write the training loop by hand, and report an error that means something.
#
# **Before it:** lesson 02. **Time:** about 50 minutes for you, under a minute for the machine.
#
# **How the checks work.** Write your answer in place of `...  # YOUR CODE HERE` and run the cell below it:
# `check.NAME(NAME)` tries it on fresh inputs, says what kind of mistake it sees, and does not show the solution. Stuck?
# Type `check.NAME.hint()` into the cell below the check: it gives one hint more at each call, and
# `check.NAME.solution()` shows one way and why it is so. A line `NAME_ok = check.use(NAME)` takes your answer if it is
# right and the course's own if not, so you can go on at any time.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math

import torch
import torch.nn.functional as F
from torch import nn

from aecourse import data
from aecourse.check import lab02 as check
from aecourse.train import fit

digits = data.load()
digits

# %% [markdown]
# ## 1 · Count before you build
# ★☆☆ · 4 minutes
#
# The autoencoder of this lab goes 784 → 128 → 64 → 32 → 64 → 128 → 784: six linear layers with biases. How many numbers
# does training change? Work it out, or let Python do the sum, before you build the network.

# %% nbgrader={"grade": false, "grade_id": "n_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
n_parameters = (
    ### BEGIN SOLUTION
    (784 + 1) * 128 + (128 + 1) * 64 + (64 + 1) * 32  # the encoder
    + (32 + 1) * 64 + (64 + 1) * 128 + (128 + 1) * 784  # its mirror
    ### END SOLUTION
)
n_parameters

# %% nbgrader={"grade": true, "grade_id": "n_parameters-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.n_parameters(n_parameters)

# %%
# Stuck? Type check.n_parameters.hint() on the next line, and run this cell.

# %% [markdown]
# ## 2 · The encoder and its mirror
# ★☆☆ · 8 minutes
#
# Now build it. `encode` maps images (B, 784) to codes (B, 32), `decode` maps codes back to (B, 784), and `forward` does
# both. Put a nonlinearity between the layers of each half. The code and the output stay linear: the output holds
# **logits**, and `torch.sigmoid` of a logit is the pixel.

# %% nbgrader={"grade": false, "grade_id": "Autoencoder", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        relu = nn.ReLU()
        self.encoder = nn.Sequential(
            nn.Linear(784, 128), relu, nn.Linear(128, 64), relu, nn.Linear(64, 32))
        self.decoder = nn.Sequential(
            nn.Linear(32, 64), relu, nn.Linear(64, 128), relu, nn.Linear(128, 784))
        ### END SOLUTION

    def encode(self, x):  # images (B, 784) to codes (B, 32)
        ### BEGIN SOLUTION
        return self.encoder(x)
        ### END SOLUTION

    def decode(self, z):  # codes (B, 32) to logits (B, 784)
        ### BEGIN SOLUTION
        return self.decoder(z)
        ### END SOLUTION

    def forward(self, x):  # images (B, 784) to logits (B, 784)
        ### BEGIN SOLUTION
        return self.decode(self.encode(x))
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "Autoencoder-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.Autoencoder(Autoencoder)

# %%
# Stuck? Type check.Autoencoder.hint() on the next line, and run this cell.

# %%
Autoencoder_ok = check.use(Autoencoder)
Autoencoder_ok()(digits.x_test[:5]).shape

# %% [markdown]
# ## 3 · Squared error is a likelihood
# ★★☆ · 8 minutes
#
# Say that every pixel is drawn from a bell around its reconstruction: $x \sim \mathcal N(\hat x, \sigma^2 I)$. Write
# $-\log p(x)$ **per image, in nats**: images `x_hat` and `x` of shape (B, 784) and a number `sigma` come in, shape (B,)
# goes out. Keep every term, the constant too: pixels are independent, so their logarithms add up.

# %% nbgrader={"grade": false, "grade_id": "gaussian_nll", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian_nll(x_hat, x, sigma):
    """−log N(x; x_hat, sigma² I) per image, shape (B,), in nats; sigma is a float."""
    ### BEGIN SOLUTION
    error = (x - x_hat).square() / (2 * sigma**2)
    return (error + math.log(sigma) + 0.5 * math.log(2 * math.pi)).sum(-1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "gaussian_nll-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.gaussian_nll(gaussian_nll)

# %%
# Stuck? Type check.gaussian_nll.hint() on the next line, and run this cell.

# %% [markdown]
# What does $\sigma$ do? Rebuild every test image as the mean image and look at the nats. They may be negative: a density,
# unlike a probability, can be above 1.

# %%
gaussian_nll_ok = check.use(gaussian_nll)
mean_image = digits.x_train.mean(0).expand_as(digits.x_test)
for sigma in (0.1, 0.2, 0.3, 0.5, 1.0):
    nats = gaussian_nll_ok(mean_image, digits.x_test, sigma).mean()
    print(f"sigma {sigma:.1f}: {nats:8.1f} nats per image")

# %% [markdown]
# The best σ is the root mean square of the pixels' errors, and neither larger nor smaller: too small a σ makes each error
# expensive, too large a σ pays log σ for a bell that is wider than the errors are.
#
# ## 4 · Cross-entropy from logits
# ★★☆ · 8 minutes
#
# Now a pixel is a coin: white with probability $p = \mathrm{sigmoid}(\text{logit})$. Write
# $-\sum_i \left[x_i \log p_i + (1 - x_i)\log(1 - p_i)\right]$ per image, in nats. It must stay exact for large logits,
# where the sigmoid itself rounds to 0 or 1. `F` is `torch.nn.functional`.

# %% nbgrader={"grade": false, "grade_id": "bernoulli_nll", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bernoulli_nll(logits, x):
    """The cross-entropy of x with sigmoid(logits), per image, shape (B,), in nats."""
    ### BEGIN SOLUTION
    return -(x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).sum(-1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "bernoulli_nll-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.bernoulli_nll(bernoulli_nll)

# %%
# Stuck? Type check.bernoulli_nll.hint() on the next line, and run this cell.

# %% [markdown]
# Why not take the logarithm of the sigmoid? Here is a net that is sure, and wrong: the pixel is white, the logit says black.

# %%
bernoulli_nll_ok = check.use(bernoulli_nll)
white = torch.ones(1, 1)
for logit in (-10.0, -50.0, -100.0, -200.0):
    from_logit = bernoulli_nll_ok(torch.full((1, 1), logit), white).item()
    by_sigmoid = -torch.log(torch.sigmoid(torch.tensor(logit))).item()
    print(f"logit {logit:6.0f}: {from_logit:6.1f} nats from the logit, "
          f"{by_sigmoid:6.1f} by way of the sigmoid")

# %% [markdown]
# The error grows with the logit, as it should, and its slope pulls the net back. By way of the sigmoid it becomes infinite,
# and one such pixel turns the whole training into NaN.
#
# ## 5 · Bug hunt: the floor of a sigmoid
# ★★☆ · 6 minutes
#
# A widespread tutorial normalises its images to [−1, 1], ends its network in a sigmoid, and trains with the squared error.
# Its loss falls for a while and then stops. Write the smallest squared error, summed over the pixels, that **any** such
# network can reach on images x in [−1, 1]: shape (B, 784) in, (B,) out.

# %% nbgrader={"grade": false, "grade_id": "sigmoid_floor", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigmoid_floor(x):
    """The smallest squared error, (B,), of any output in (0, 1) for x in [−1, 1]."""
    ### BEGIN SOLUTION
    best = x.clamp(min=0)  # the nearest value that a sigmoid reaches
    return (best - x).square().sum(-1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "sigmoid_floor-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.sigmoid_floor(sigmoid_floor)

# %%
# Stuck? Type check.sigmoid_floor.hint() on the next line, and run this cell.

# %% [markdown]
# What does the bug cost on the real images? Beside it stands the error of the mean image, the best that a network can do
# without looking at its input, on the same scale.

# %%
sigmoid_floor_ok = check.use(sigmoid_floor)
signed = 2 * digits.x_test - 1
print(f"floor of any sigmoid:     {sigmoid_floor_ok(signed).mean():6.1f} per image")
of_mean = (signed - signed.mean(0)).square().sum(-1).mean()
print(f"mean image, no sigmoid:   {of_mean:6.1f} per image")

# %% [markdown]
# The perfect network with this bug does worse than a grey average without it. The cure is one line: keep the images in
# [0, 1], or drop the sigmoid.
#
# ## 6 · The training loop by hand
# ★★★ · 12 minutes
#
# Train for **one epoch**. The images come in a shuffled order, `batch` at a time, each image once; the last batch may be
# smaller. The pixels are `torch.sigmoid(model(x))`. The error of an image is its squared error summed over the pixels; the
# mean of these over the batch is the loss to step on. Return the mean error per image over **all images of the epoch**, as
# a plain number.

# %% nbgrader={"grade": false, "grade_id": "train_epoch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_epoch(model, images, optimiser, generator, batch=256):
    """Train for one epoch in a shuffled order; return the mean squared error per image."""
    ### BEGIN SOLUTION
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        x = images[rows]
        error = (torch.sigmoid(model(x)) - x).square().sum(-1)
        optimiser.zero_grad()
        error.mean().backward()
        optimiser.step()
        total += error.sum().item()
    return total / len(images)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "train_epoch-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.train_epoch(train_epoch)

# %%
# Stuck? Type check.train_epoch.hint() on the next line, and run this cell.

# %% [markdown]
# Two epochs with your own network and your own loop:

# %%
train_epoch_ok = check.use(train_epoch)
torch.manual_seed(0)
by_hand, generator = Autoencoder_ok(), torch.Generator().manual_seed(0)
optimiser = torch.optim.Adam(by_hand.parameters(), lr=2e-3)
for epoch in range(2):
    error = train_epoch_ok(by_hand, digits.x_train, optimiser, generator)
    print(f"epoch {epoch + 1}: squared error {error:5.2f} per image")

# %% [markdown]
# ## 7 · Train it
# ★★★ · 6 minutes
#
# From here on `fit` does the loop. It wants a loss that returns **one number per image**, as a dict of named terms, and
# averages over the batch itself, so no reduction can set a weight by accident:
#
# ```python
# def loss(model, x, step):
#     return {"name": ...}    # shape (B,)
#
# history = fit(model, (images,), loss, epochs=..., batch=..., lr=..., one_cycle=True)
# ```
#
# Train an `Autoencoder_ok()` on the training images for a few epochs; ten seconds are enough. The check measures the model on
# test images: it must be far better than the mean image.

# %% nbgrader={"grade": false, "grade_id": "trained", "locked": false, "schema_version": 3, "solution": true, "task": false}
model = None  # your trained autoencoder
### BEGIN SOLUTION
def loss(model, x, step):
    return {"Bernoulli loss": bernoulli_nll_ok(model(x), x)}


torch.manual_seed(0)
model = Autoencoder_ok()
history = fit(model, (digits.x_train,), loss, epochs=5, batch=64, lr=3e-3, one_cycle=True)
### END SOLUTION
model

# %% nbgrader={"grade": true, "grade_id": "trained-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.trained(model)

# %%
# Stuck? Type check.trained.hint() on the next line, and run this cell.

# %% [markdown]
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** Your cross-entropy was trained on grey pixels, where it is no likelihood: a coin shows no half. So what do
# its nats mean, and could you compare them with those of the Gaussian of exercise 3? Which of the two would you trust to say that one
# model is better than another, and what would you change first?
#
# **Where to go next.** Lesson 03 takes the nonlinearities out again and finds an old acquaintance: what a linear autoencoder
# learns is PCA.
