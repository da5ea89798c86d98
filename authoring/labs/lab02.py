# %% [markdown]
# # Lab 02 · The autoencoder, piece by piece
#
# At the end of this page a network that stores each weight once and uses it twice reconstructs digits that it has never
# seen. It is trained with a loss that you derived, in batches that are larger than the memory.
#
# After this lab you can
#
# - tie the weights of encoder and decoder, and say how many numbers training changes;
# - turn a likelihood into a loss, for Gaussian and for Bernoulli pixels, in nats per image;
# - compute, before any training, the smallest error that an output layer can reach;
# - take the step of a large batch in pieces, exactly, and return a loss that means something.
#
# **Before it:** units 02, 02a and 02b. **Time:** about 55 minutes for you, under a minute for the machine.
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
from torch import nn

from aecourse import data, plots
from aecourse.check import lab02 as check
from aecourse.claims import table
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
digits

# %% [markdown]
# ## 1 · Count before you build
# ★☆☆ · 4 minutes
#
# The autoencoder of this lab has the widths of unit 02, 784 → 128 → 64 → 32 → 64 → 128 → 784, but **tied weights**: each
# layer of the decoder uses the weight matrix of a layer of the encoder a second time, transposed. Only its biases are its
# own. With the weights $W_1, W_2, W_3$ of the encoder, and with new biases $c_1, c_2, c_3$, the decoder is
#
# $$\hat x = W_1^\top h_2 + c_3, \qquad h_2 = \mathrm{relu}(W_2^\top h_1 + c_2), \qquad
# h_1 = \mathrm{relu}(W_3^\top z + c_1) .$$
#
# All six layers have biases. How many numbers does training change? Work it out, or let Python do the sum, before you
# build the network.

# %% nbgrader={"grade": false, "grade_id": "n_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
n_parameters = (
    ### BEGIN SOLUTION
    (784 + 1) * 128 + (128 + 1) * 64 + (64 + 1) * 32  # the encoder
    + 64 + 128 + 784  # the decoder's biases
    ### END SOLUTION
)
n_parameters

# %% nbgrader={"grade": true, "grade_id": "n_parameters-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.n_parameters(n_parameters)

# %%
# Stuck? Type check.n_parameters.hint() on the next line, and run this cell.

# %% [markdown]
# ## 2 · Tied weights
# ★★☆ · 10 minutes
#
# Now build it. `encode` maps images (B, 784) to codes (B, 32), `decode` maps codes back to (B, 784), and `forward` does
# both; one image comes as (1, 784). Put a ReLU between the layers of each half. The code and the output stay linear: the
# output holds **logits**, and `torch.sigmoid` of a logit is the pixel. A weight is used at both places *as it is now*, so
# that the decoder changes with the encoder and the gradient reaches it from both.
#
# A linear layer stores its weight, of shape (units out, units in), as `layer.weight`. `F.linear(z, weight, bias)` is the
# layer as a function, and `nn.Parameter(tensor)` makes a tensor trainable.

# %% nbgrader={"grade": false, "grade_id": "TiedAutoencoder", "locked": false, "schema_version": 3, "solution": true, "task": false}
class TiedAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.first, self.second = nn.Linear(784, 128), nn.Linear(128, 64)
        self.third = nn.Linear(64, 32)
        self.biases = nn.ParameterList([torch.zeros(n) for n in (64, 128, 784)])
        ### END SOLUTION

    def encode(self, x):  # images (B, 784) to codes (B, 32)
        ### BEGIN SOLUTION
        h = torch.relu(self.second(torch.relu(self.first(x))))
        return self.third(h)
        ### END SOLUTION

    def decode(self, z):  # codes (B, 32) to logits (B, 784)
        ### BEGIN SOLUTION
        h = torch.relu(F.linear(z, self.third.weight.T, self.biases[0]))
        h = torch.relu(F.linear(h, self.second.weight.T, self.biases[1]))
        return F.linear(h, self.first.weight.T, self.biases[2])
        ### END SOLUTION

    def forward(self, x):  # images (B, 784) to logits (B, 784)
        ### BEGIN SOLUTION
        return self.decode(self.encode(x))
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "TiedAutoencoder-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.TiedAutoencoder(TiedAutoencoder)

# %%
# Stuck? Type check.TiedAutoencoder.hint() on the next line, and run this cell.

# %%
TiedAutoencoder_ok = check.use(TiedAutoencoder)
TiedAutoencoder_ok()(digits.x_test[:5]).shape

# %% [markdown]
# ## 3 · Squared error is a likelihood
# ★★☆ · 8 minutes
#
# Let every pixel be its reconstruction plus Gaussian noise with the standard deviation $\sigma$: $x \sim \mathcal N(\hat x,
# \sigma^2 I)$. Write $-\log p(x)$ **per image, in nats**: images `x_hat` and `x` of shape (B, 784) and a number `sigma`
# come in, shape (B,) goes out, with gradients. Keep every term, the constant too. The pixels are independent, so their
# logarithms add up.

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
# Which $\sigma$ fits an image best? Reconstruct three test digits as the mean image, and draw your nats against
# $\sigma$. The dots mark the root mean square of the pixels' errors of each image.

# %%
gaussian_nll_ok = check.use(gaussian_nll)
mean_image = digits.x_train.mean(0)  # (784,)
shown = plots.first_of_each(digits.y_test)[[1, 4, 0]]  # a 1, a 4 and a 0
few = digits.x_test[shown]  # (3, 784)
sigmas = [0.12 + 0.01 * i for i in range(49)]
nats = torch.stack([gaussian_nll_ok(mean_image.expand_as(few), few, s) for s in sigmas])
rms = (few - mean_image).square().mean(1).sqrt()

# %%
axis = plt.subplots(figsize=(6, 3.4))[1]
for i, (digit, style) in enumerate(zip((1, 4, 0), ("-", "--", "-."), strict=True)):
    line = axis.plot(sigmas, nats[:, i], style, label=f"a {digit}")[0]
    best = gaussian_nll_ok(mean_image[None], few[i : i + 1], rms[i].item())
    axis.plot(rms[i], best, "o", color=line.get_color())
axis.axhline(0, color="grey", linewidth=1)
axis.set(xlabel="σ (grey levels)", ylabel="nats per image", ylim=(nats.min() - 100, 1000))
axis.legend(frameon=False);

# %% [markdown]
# Each curve has its minimum at the dot: the best $\sigma$ of an image is the root mean square of its errors. A smaller
# one makes each error expensive, a larger one pays $\log\sigma$ for a Gaussian that is wider than the errors are. The nats
# may be negative: a density, unlike a probability, can be above 1.
#
# ## 4 · Cross-entropy from logits
# ★★☆ · 8 minutes
#
# Now a pixel is white with the probability $p = \mathrm{sigmoid}(\text{logit})$ and black otherwise. Write
# $-\sum_i \left[x_i \log p_i + (1 - x_i)\log(1 - p_i)\right]$ per image, in nats, with gradients. It must stay exact for
# large logits, where the sigmoid itself rounds to 0 or 1. `F` is `torch.nn.functional`.

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
# Why not take the logarithm of the sigmoid? Here is a network that is confident and wrong: the pixel is white, the logit
# says black.

# %%
bernoulli_nll_ok = check.use(bernoulli_nll)
white = torch.ones(1, 1)
for logit in (-10.0, -50.0, -100.0, -200.0):
    from_logit = bernoulli_nll_ok(torch.full((1, 1), logit), white).item()
    by_sigmoid = -torch.log(torch.sigmoid(torch.tensor(logit))).item()
    print(f"logit {logit:6.0f}: {from_logit:6.1f} nats from the logit, "
          f"{by_sigmoid:6.1f} by way of the sigmoid")

# %% [markdown]
# The loss grows with the size of the logit, as it should, and its gradient corrects the network with full force. By way
# of the sigmoid it becomes infinite, and one such pixel turns the whole training into NaN.
#
# ## 5 · Bug hunt: the floor of an output layer
# ★★☆ · 6 minutes
#
# The recipe of unit 02a ends in a sigmoid and trains on images in [−1, 1], so it can give no pixel below 0. The same bug
# comes in many forms. Write the bound for all of them: the smallest squared error per image, summed over
# the pixels, that outputs between `low` and `high` can have. Images `x` of shape (B, 784), on any scale, come in; (B,)
# goes out. `low` and `high` are numbers, `low` < `high`. A limit may be infinite: a ReLU gives 0 to ∞, so `low` is 0.0
# and `high` is `math.inf`.

# %% nbgrader={"grade": false, "grade_id": "floor", "locked": false, "schema_version": 3, "solution": true, "task": false}
def floor(x, low, high):
    """The smallest squared error, (B,), of any output between low and high."""
    ### BEGIN SOLUTION
    best = x.clamp(low, high)  # of the values that the layer reaches, the nearest
    return (best - x).square().sum(-1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "floor-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.floor(floor)

# %%
# Stuck? Type check.floor.hint() on the next line, and run this cell.

# %% [markdown]
# **Hunt the bug.** Here are three scales on which tutorials put their images, and four output layers. *Standardised*
# images have mean 0 and variance 1 over all pixels. The table shows your floor, divided by the error of the mean image on
# the same scale: 0 is no bug, and above 1 a perfect network does worse than a constant picture. Which pairs would you
# have taken for harmless?

# %%
floor_ok = check.use(floor)
x_train, x_test = digits.x_train, digits.x_test
mean, deviation = x_train.mean(), x_train.std()
scales = {"0 to 1": x_test, "−1 to 1": 2 * x_test - 1,
          "standardised": (x_test - mean) / deviation}
layers = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "ReLU": (0.0, math.inf),
          "linear": (-math.inf, math.inf)}
shares = {(scale, layer): (floor_ok(x, *limits).mean()
                           / (x - x.mean(0)).square().sum(-1).mean()).item()
          for scale, x in scales.items() for layer, limits in layers.items()}
table(["images", *layers],
      [[scale, *(f"{shares[scale, layer]:.2f}" for layer in layers)] for scale in scales])

# %% [markdown]
# A linear layer always fits. The others fit on the scale that they were made for. Standardised images reach far above 1,
# so even a tanh, which is centred at 0, cannot give their ink.
#
# **Is a sigmoid with squared error a bug, then?** No. On images from 0 to 1 its floor is 0. The bug is the range, and the
# cross-entropy does not cure it: on images below 0 it falls without end (unit 02b). What the loss decides is how fast a
# confident mistake is corrected. After a sigmoid the cross-entropy does this best, so from here on the network gives
# logits, and your cross-entropy is the loss.
#
# ## 6 · Large batches, little memory
# ★★★ · 12 minutes
#
# Unit 02 trains with a loop like this one. Now a step should use `batch` images, but only `piece` of them fit into the
# memory of the machine at once. Train for **one epoch** all the same, with **gradient accumulation**: cut each batch into
# pieces, send one piece after the other through the model, and let `backward` add up their gradients.
#
# - The images come in a shuffled order, drawn from `generator`, each once. `batch` of them make a batch, and the last
#   batch may be smaller.
# - The model sees `piece` images of the batch at a time; at the end of a batch a piece may be smaller. `piece` may also be
#   larger than `batch`. The graph of one piece must be freed before the next piece goes through the model.
# - `loss(model, x)` is handed in and gives one number per image, shape (B,). Each step must be **exactly** the one that
#   the mean over the whole batch would give. The model comes without gradients from before.
# - Return the mean loss per image over **all images of the epoch**, as a plain number. The loss of an image is the one
#   that it had before its batch's step.

# %% nbgrader={"grade": false, "grade_id": "train_epoch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_epoch(model, images, loss, optimiser, generator, batch=256, piece=64):
    """Train for one epoch, at most `piece` images at once; return the mean loss."""
    ### BEGIN SOLUTION
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch):
        optimiser.zero_grad()
        for part in rows.split(piece):
            of_piece = loss(model, images[part]).sum()
            (of_piece / len(rows)).backward()
            total += of_piece.item()
        optimiser.step()
    return total / len(images)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "train_epoch-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.train_epoch(train_epoch)

# %%
# Stuck? Type check.train_epoch.hint() on the next line, and run this cell.

# %% [markdown]
# Your network, your loss and your loop together: three epochs on up to 10,000 images, once with whole batches of 256, once
# with batches of 256 in pieces of 60, and once with batches of 60.

# %%
train_epoch_ok = check.use(train_epoch)
images = digits.x_train[:10_000]


def cross_entropy(model, x):
    return bernoulli_nll_ok(model(x), x)  # (B,)


def trained_by_hand(batch, piece, epochs=3):
    with seeded(0):  # the same initialisation each time
        net = TiedAutoencoder_ok()
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(0)  # and the same order
    return net, [train_epoch_ok(net, images, cross_entropy, optimiser, generator,
                                batch, piece) for _ in range(epochs)]

# %%
sizes = {"batch 256, whole": (256, 256), "batch 256, pieces of 60": (256, 60),
         "batch 60": (60, 60)}
runs = {name: trained_by_hand(*both) for name, both in sizes.items()}
axis = plt.subplots(figsize=(6, 3.4))[1]
for (name, (_, losses)), style in zip(runs.items(), ("o-", "x--", "s:"), strict=True):
    axis.plot((1, 2, 3), losses, style, label=name,
              markersize=10 if style[0] == "x" else 5)
axis.set(xlabel="epoch", ylabel="cross-entropy (nats per image)", xticks=(1, 2, 3))
axis.legend(frameon=False);

# %% [markdown]
# The crosses of the pieces lie on the dots of the whole batches: it is the same training, with less than a quarter of the
# images in memory at once. Batches of 60 take more than four times as many steps in an epoch, so they follow another
# curve. The piece is a question of memory alone; the batch is a setting of the training.
#
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
# Train a `TiedAutoencoder_ok()` on the training images for a few epochs, with your cross-entropy as the loss; ten seconds
# are enough. The check measures the model on test images: its error must be far below that of the mean image.

# %% nbgrader={"grade": false, "grade_id": "trained", "locked": false, "schema_version": 3, "solution": true, "task": false}
model = None  # your trained autoencoder
### BEGIN SOLUTION
def loss(model, x, step):
    return {"cross-entropy": bernoulli_nll_ok(model(x), x)}


torch.manual_seed(0)
model = TiedAutoencoder_ok()
history = fit(model, (digits.x_train,), loss, epochs=5, batch=64, lr=3e-3, one_cycle=True)
### END SOLUTION
model

# %% nbgrader={"grade": true, "grade_id": "trained-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.trained(model)

# %%
# Stuck? Type check.trained.hint() on the next line, and run this cell.

# %% [markdown]
# Look at your own reconstructions, of test digits. The first two networks went through your loop of exercise 6; the one
# of this exercise stands below them, once you have it.

# %%
ten = digits.x_test[plots.first_of_each(digits.y_test)]  # (10, 784)
nets = {"batch 256, in pieces": runs["batch 256, pieces of 60"][0],
        "batch 60": runs["batch 60"][0]}
if isinstance(model, nn.Module):
    nets["your model"] = model
rows = {"original": ten}
with torch.no_grad():
    rows |= {name: torch.sigmoid(net(ten)) for name, net in nets.items()}
plots.images(rows);

# %% [markdown]
# The more steps a network has taken, the closer its row is to the originals. After about 120 steps, with batches of 256,
# most digits are blurs; after about 500, with batches of 60, many are recognisable. A few
# epochs on all images, as in exercise 7, take thousands.
#
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** In exercises 6 and 7 your cross-entropy was trained on grey pixels, where it is no likelihood: a
# Bernoulli variable is never 0.5. So what do its nats mean, and could you compare them with those of the Gaussian of
# exercise 3? Which of the two would you trust to say that one model is better than another, and what would you change
# first?
#
# **Where to go next.** Lesson 03 takes the nonlinearities out again: what a linear autoencoder learns is PCA.
