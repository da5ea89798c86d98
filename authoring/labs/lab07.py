# %% [markdown]
# # Lab 07 · The assignment: few labels, many images
#
# At the end of this page you have run a university lab's table yourself, written the loss of a semi-supervised model,
# tried two models of your own, and one cell has made a report of it all, with your own answers.
#
# After this lab you can
#
# - choose labelled images fairly, pre-train an encoder without labels and turn it into a classifier;
# - write M2's loss for images with and without a label, and say what each of its terms does;
# - compare models at equal effort, with a spread, and say what a result shows and what it does not;
# - write it up, so that somebody else can judge it.
#
# **Before it:** lesson 07. **Time:** about 55 minutes for the exercises, as much again for your own models and the
# answers, and about a minute for the machine.
#
# **How it is marked.** 20 points. The six exercises give 12; their checks give them by themselves. Your two models
# and three answers give 8; a person reads those. No point depends on how high an accuracy is.
#
# **How the checks work.** Write your answer in place of `...  # YOUR CODE HERE` and run the cell below it:
# `check.NAME(NAME)` tries it on fresh inputs, says what kind of mistake it sees, and does not show the solution. Stuck?
# Type `check.NAME.hint()` into the cell below the check: it gives one hint more at each call, and
# `check.NAME.solution()` shows one way and why it is so. A line `NAME_ok = check.use(NAME)` takes your answer if it is
# right and the course's own if not, so you can go on at any time.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import copy
import math

import matplotlib.pyplot as plt
import torch
from IPython.utils.capture import capture_output
from sklearn.decomposition import PCA
from torch import nn

from aecourse import data, losses, models, plots, report
from aecourse.check import lab07 as check
from aecourse.claims import table
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
train, held_out = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, y_val = digits.x_train[held_out], digits.y_train[held_out]
x_test, y_test = digits.x_test, digits.y_test
n = len(digits.x_train) // 1000 * 10  # one per cent of the labels
digits

# %% [markdown]
# **The table.** A university lab trained five classifiers of digits, for ten epochs each. Two saw no autoencoder:
# `mlp_all` is trained with all labels, `mlp_1p` with one per cent of them. Three start from an autoencoder that was
# trained on all images without a label, and see one per cent of the labels afterwards. Its report says, in per cent
# of the test images:

# %%
reported = {"mlp_all": 90.5, "mlp_1p": 68.4, "auto_1": 74.6, "auto_2": 79.6, "auto_3": 18.7}
networks = {"mlp_all": "784-10-10", "mlp_1p": "784-10-10", "auto_1": "784-10, and a head",
            "auto_2": "784-64-10, and a head", "auto_3": "784-1, and a head"}
table(["model", "network", "the report's accuracy, %"],
      [[name, networks[name], reported[name]] for name in reported])

# %% [markdown]
# Which of the five would you believe without running them? You run all of them here, and with more care in one point:
# which images get the labels is drawn five times, so that there is a spread beside every number. (The report's log
# shows no pre-training for `auto_1`, its text says otherwise. Here it is pre-trained, as the other two are; lesson 07
# runs both readings.)
#
# ## 1 · Choose who gets a label
# ★☆☆ · 8 minutes
#
# `labels` (N,) are whole numbers from 0 to 9, some classes more frequent than others, and `n` is a multiple of ten.
# Return the **indices** of n images, int64 (n,): n/10 of each class, none twice, drawn **at random** with the
# `generator`. Every image of a class has the same chance. The order is free.

# %% nbgrader={"grade": false, "grade_id": "choose", "locked": false, "schema_version": 3, "solution": true, "task": false}
def choose(labels, n, generator):
    """The indices (n,) of n / 10 random images of each class 0 to 9, none twice."""
    ### BEGIN SOLUTION
    chosen = []
    for c in range(10):
        members = (labels == c).nonzero().flatten()
        shuffled = members[torch.randperm(len(members), generator=generator)]
        chosen.append(shuffled[:n // 10])
    return torch.cat(chosen)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "choose-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.choose(choose)

# %%
# Stuck? Type check.choose.hint() on the next line, and run this cell.

# %%
choose_ok = check.use(choose)
generator = torch.Generator().manual_seed(0)
draws = [choose_ok(y, n, generator) for _ in range(5)]
first = draws[0]
anyhow = torch.randperm(len(y), generator=generator)[:n]
counts = {"stratified": y[first].bincount(minlength=10),
          "drawn from all": y[anyhow].bincount(minlength=10)}
table(["labelled images of each class", *map(str, range(10))],
      [[name, *count.tolist()] for name, count in counts.items()])

# %% [markdown]
# Drawn from all images together, the classes get what chance gives them; a class that is short of labels is learned
# worse, and two draws differ for two reasons at once. Stratified draws differ in their images alone.
#
# ## 2 · Pre-training without labels
# ★☆☆ · 6 minutes
#
# `model` is an autoencoder, `model(x)` gives its **logits** (B, 784). The reconstruction is their sigmoid. Return for
# each image the **squared error** between reconstruction and image, summed over the pixels: (B,), with gradients. No
# label occurs in it.

# %% nbgrader={"grade": false, "grade_id": "pretraining_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pretraining_loss(model, x):
    """The squared error of each image's reconstruction, shape (B,)."""
    ### BEGIN SOLUTION
    return losses.squared_error(torch.sigmoid(model(x)), x)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "pretraining_loss-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.pretraining_loss(pretraining_loss)

# %%
# Stuck? Type check.pretraining_loss.hint() on the next line, and run this cell.

# %% [markdown]
# The three autoencoders of the table, with codes of 10, 10 and 1 numbers, see all training images for ten epochs.

# %%
pretraining_ok = check.use(pretraining_loss)


def pretrained(widths, epochs=10):
    with seeded(0):
        autoencoder = models.Autoencoder(widths)
    history = fit(autoencoder, (x,), lambda model, x, step: {
        "squared error": pretraining_ok(model, x).float()}, held_out=(x_val,),
        epochs=epochs, batch=256, lr=3e-3)
    return autoencoder, history


widths = {"auto_1": [784, 10], "auto_2": [784, 64, 10], "auto_3": [784, 1]}
autoencoders, pretraining = {}, {}
for name in widths:
    autoencoders[name], pretraining[name] = pretrained(widths[name])

# %%
def error(x_hat):
    return losses.squared_error(x_hat, x_test).mean().item()


rows = [["the mean image", 0, error(x.mean(0).expand_as(x_test))]]
for k in (1, 10):
    pca = PCA(k, random_state=0).fit(x[:10_000].numpy())
    axes, mean = torch.tensor(pca.components_), torch.tensor(pca.mean_)
    rows.append([f"PCA, {k}", k, error(mean + (x_test - mean) @ axes.T @ axes)])
with torch.no_grad():
    rebuilt = {name: torch.sigmoid(net(x_test)) for name, net in autoencoders.items()}
rows += [[name, widths[name][-1], error(rebuilt[name])] for name in widths]
table(["reconstruction", "numbers in the code", "squared error per test image"], rows)

# %%
ten = plots.first_of_each(y_test)
plots.images({"test image": x_test[ten]} | {k: v[ten] for k, v in rebuilt.items()});

# %% [markdown]
# With ten numbers and a hidden layer most of the digits can be read. One number is hardly better than the mean image:
# it draws a few blurred shapes, whatever the digit. What the code does not keep, no head can bring back. So look at
# the last row, and say now what `auto_3` can reach.
#
# ## 3 · From encoder to classifier
# ★★☆ · 8 minutes
#
# `encoder` is a pre-trained `nn.Sequential` from images to codes of `code` numbers. Return a **network** (an `nn.Module`)
# from images to `classes` logits: the encoder **with the weights that it has**, and one new linear layer, with a
# bias, on its code; nothing between and nothing after. All weights, the encoder's too, can be trained on.

# %% nbgrader={"grade": false, "grade_id": "extend", "locked": false, "schema_version": 3, "solution": true, "task": false}
def extend(encoder, code, classes):
    """The pre-trained encoder and a new linear head: a network that gives (B, classes)."""
    ### BEGIN SOLUTION
    return nn.Sequential(encoder, nn.Linear(code, classes))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "extend-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.extend(extend)

# %%
# Stuck? Type check.extend.hint() on the next line, and run this cell.

# %% [markdown]
# Each condition says how a fresh network is built. `run` trains one network for each draw of the labels, for ten
# epochs, and keeps the accuracies on the test images and the learning curve of the first draw. Batch and learning
# rate are usual ones, and the same for all; the report does not name its own.

# %%
extend_ok = check.use(extend)
results, curves = {}, {}


def fresh_mlp():
    return models.mlp([784, 10, 10])


def from_autoencoder(name):
    encoder = copy.deepcopy(autoencoders[name].encoder)
    return extend_ok(encoder, widths[name][-1], 10)


@torch.no_grad()
def accuracy(model, images=x_test):
    return 100 * (model(images).argmax(1) == y_test).float().mean().item()

# %%
def cross_entropy(model, x, y, step):
    return {"cross-entropy": losses.categorical_nll(model(x), y)}


def run(name, build, subsets, epochs=10, batch=32, lr=3e-3):
    accuracies = []
    for seed, subset in enumerate(subsets):
        with seeded(seed):
            model = build()
        with capture_output():  # many short trainings: their lines would fill the page
            history = fit(model, (x[subset], y[subset]), cross_entropy, epochs=epochs,
                          batch=batch, lr=lr, seed=seed, held_out=(x_val, y_val))
        if seed == 0:
            curves[name] = history
        accuracies.append(accuracy(model))
    results[name] = torch.tensor(accuracies)

# %% [markdown]
# `mlp_all` has a hundred times as many images, so it takes a hundred times as many steps as the others in the same
# epochs, or a quarter of that in larger batches, as here. One run is enough for it: its spread is small.

# %%
run("mlp_all", fresh_mlp, [torch.arange(len(x))], batch=128)
run("mlp_1p", fresh_mlp, draws)
for name in widths:
    run(name, lambda name=name: from_autoencoder(name), draws)


# %%
def measured(name):
    values = results[name]
    spread = f" ± {values.std().item():.1f}" if len(values) > 1 else ""
    return f"{values.mean().item():.1f}{spread}"


table(["model", "accuracy, %", "the report's"],
      [[name, measured(name), reported[name]] for name in reported])

# %% [markdown]
# `auto_3` fails, as its reconstructions foretold. The more labels, the better: that stands. But `auto_1`, whose
# encoder has seen every image, does worse than `mlp_1p`, which has not. Look for a cause before you look for a story.
# Here is its code beside that of a fresh encoder, and the losses of the first draw after one epoch:

# %%
with seeded(0):
    fresh = models.mlp(widths["auto_1"])
rows = []
for name, encoder in {"auto_1": autoencoders["auto_1"].encoder,
                      "the same, not pre-trained": fresh}.items():
    with torch.no_grad():
        z = encoder(x_val)
    rows.append([name, z.mean(0).abs().mean().item(), z.std(0).mean().item()])
table(["encoder", "distance of the code's mean from 0", "spread"], rows)
table(["model", "held-out loss after the first epoch, nats"],
      [[name, curves[name].held_out["loss"][0]] for name in ("mlp_1p", "auto_1", "auto_2")])

# %% [markdown]
# The numbers of the pre-trained code are large and far from 0: that redraws images well. A new head with weights of
# the usual size turns them into large logits. After a whole epoch its loss is still higher than that of a network
# that says "no idea", which is log 10 = 2.3 nats. With few labels ten epochs are few steps, and many of them are
# spent on taking that back. If this is the cause, then larger steps should help `auto_1` more than the others. A
# control:

# %%
faster = {}
for name, build in {"mlp_1p": fresh_mlp, "auto_1": lambda: from_autoencoder("auto_1"),
                    "auto_2": lambda: from_autoencoder("auto_2")}.items():
    run("faster", build, draws, lr=1e-2)
    faster[name] = measured("faster")
results.pop("faster"), curves.pop("faster")
table(["model", "accuracy, %, learning rate 0.003", "learning rate 0.01"],
      [[name, measured(name), faster[name]] for name in faster])

# %% [markdown]
# It does: the lag of `auto_1` was a matter of steps, not of what its code knows. A table with one learning rate, and
# as many epochs for everybody, compares also who starts in a good place. Whoever chooses the learning rate does it on
# held-out images; here it is a control, and the table keeps the first one.
#
# ## 4 · M2: an image with a label
# ★★☆ · 9 minutes
#
# In the models above the labels come last. **M2** (Kingma and others 2014) has them inside: an
# image x is made from its class y and a code z, which holds what the class does not say. The decoder gives p(x|y,z),
# the encoder q(z|x,y), and a classifier q(y|x). For an image with a label their equation 6 bounds log p(x, y) from
# below. Its negative, of one sample z from the posterior, is
# $$\mathcal{L}(x, y) = -\log p(x|y,z) - \log p(y) + \mathrm{KL}\big(q(z|x,y)\,\|\,p(z)\big).$$
# The images are black and white here, so p(x|y,z) is a Bernoulli with the decoder's `logits` (B, 784). The posterior
# is the Gaussian with `mu` and `logvar`, the logarithm of the variance, (B, K). The prior p(z) is N(0, I), and all
# `classes` are equally probable. Return L, in nats, one number for each image, with gradients.

# %% nbgrader={"grade": false, "grade_id": "m2_labelled", "locked": false, "schema_version": 3, "solution": true, "task": false}
def m2_labelled(logits, x, mu, logvar, classes):
    """M2's loss L(x, y) of labelled images, in nats, shape (B,)."""
    ### BEGIN SOLUTION
    image = losses.bernoulli_nll(logits, x)
    return image + math.log(classes) + losses.gaussian_kl(mu, logvar)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "m2_labelled-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.m2_labelled(m2_labelled)

# %%
# Stuck? Type check.m2_labelled.hint() on the next line, and run this cell.

# %% [markdown]
# The network is given. Each part has one hidden layer, and the class enters as ten numbers, a 1 among 0s. The code
# has two numbers only, on purpose: in sixteen there is room for the class too, and the decoder has no use for y.
# `for_every_class` computes L of each image for all ten classes, (B, 10): as if it were a 0, as if it were a 1, and
# so on.

# %%
m2_labelled_ok = check.use(m2_labelled)


class M2(nn.Module):
    def __init__(self, code=2, hidden=128):
        super().__init__()
        self.classifier = models.mlp([784, hidden, 10])
        self.from_x, self.from_y = nn.Linear(784, hidden), nn.Linear(10, hidden)
        self.posterior = nn.Linear(hidden, 2 * code)
        self.decoder = models.mlp([code + 10, hidden, 784])

    def encode(self, x, y):
        hidden = torch.relu(self.from_x(x) + self.from_y(y))
        return self.posterior(hidden).chunk(2, dim=-1)

    def decode(self, z, y):
        return self.decoder(torch.cat([z, y], dim=-1))

# %%
every_class = torch.eye(10)


def for_every_class(model, x, generator):
    classes = every_class.to(x.device)
    mu, logvar = model.encode(x[:, None], classes)  # (B, 10, K)
    noise = torch.randn(mu.shape, generator=generator, device=mu.device)
    z = mu + (logvar / 2).exp() * noise
    logits = model.decode(z, classes.expand(len(x), -1, -1))
    flat = [t.flatten(0, 1) for t in (logits, x[:, None].expand_as(logits), mu, logvar)]
    return m2_labelled_ok(*flat, 10).float().reshape(len(x), 10)

# %% [markdown]
# First with labels alone: the model sees the images of the first draw, each with the bound of its own class. It has
# no classifier then, but it can name a digit all the same: the class for which the image costs the fewest nats. That
# is Bayes' rule, with the bound in place of log p(x, y).

# %%
black, black_test = (x > 0.5).float(), (x_test > 0.5).float()
few = black[first], y[first]


def labels_alone(model, x, y, step):
    bounds = for_every_class(model, x, step.generator)
    return {"L": bounds.gather(1, y[:, None]).squeeze(1)}


with seeded(0):
    generative = M2()
fit(generative, few, labels_alone, epochs=20, batch=32, lr=3e-3, one_cycle=True)
with torch.no_grad():
    bounds = for_every_class(generative, black_test[:2000], generator)
named = 100 * (bounds.argmin(1) == y_test[:2000]).float().mean().item()
table(["with the labels of the first draw", "accuracy, %"],
      [["drawing lots", 10], ["M2, the class of the smallest L", named],
       ["mlp_1p", results["mlp_1p"][0].item()]])

# %% [markdown]
# A model that was only asked to draw digits can tell them apart: not as well as a network that was asked for the
# class, but far better than by chance. It was never asked which class is *more* probable, and yet the answer is in
# its bounds.
#
# ## 5 · M2: an image without a label
# ★★★ · 12 minutes
#
# Without a label the class is one more unknown. The classifier q(y|x) says how probable each class is, and the bound
# is taken over all of them, their equation 7:
# $$\mathcal{U}(x) = \sum_y q(y|x)\, \mathcal{L}(x, y) - \mathcal{H}\big(q(y|x)\big),$$
# where $\mathcal{H} = -\sum_y q \log q$ is the entropy. `by_class` (B, C) holds L(x, y) for every class,
# `class_logits` (B, C) the classifier's logits. Return U, one number for each image, with gradients. A classifier can be so
# confident that a probability is exactly 0 in float32; 0 · log 0 is 0.

# %% nbgrader={"grade": false, "grade_id": "m2_unlabelled", "locked": false, "schema_version": 3, "solution": true, "task": false}
def m2_unlabelled(by_class, class_logits):
    """M2's loss U(x) of images without a label, in nats, shape (B,)."""
    ### BEGIN SOLUTION
    log_q = class_logits.log_softmax(1)
    return (log_q.exp() * (by_class + log_q)).sum(1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "m2_unlabelled-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.m2_unlabelled(m2_unlabelled)

# %%
# Stuck? Type check.m2_unlabelled.hint() on the next line, and run this cell.

# %% [markdown]
# What should a classifier say, so that U is small? Take the bounds of the test images from above, and four opinions.

# %%
m2_unlabelled_ok = check.use(m2_unlabelled)
opinions = {"no idea: all classes alike": torch.zeros_like(bounds),
            "sure of the true class": 1000.0 * every_class[y_test[:2000]],
            "sure of the smallest L": 1000.0 * every_class[bounds.argmin(1)],
            "proportional to exp(−L)": -bounds}
table(["q(y|x)", "mean U, nats"],
      [[name, m2_unlabelled_ok(bounds, q).mean().item()] for name, q in opinions.items()])

# %% [markdown]
# The last one is the best that can be, for every image: it is the posterior of the class, as the model sees it. The
# second is worse, because the model does not always find the true class the cheapest. So U teaches the classifier
# what the model believes, right or wrong. Only labels can tell it which class is called a 3.
#
# ## 6 · M2: the whole loss
# ★★★ · 12 minutes
#
# In a batch some images have a label and most have none: `y` (B,) holds the label, or **−1** where there is none. The
# label is given in L(x, y), so q(y|x) does not occur in it; a term of its own lets the classifier learn from the
# labels, their equation 9. Here, for each image,
# $$J = \begin{cases} \mathcal{L}(x, y) - \alpha \log q(y|x) & \text{with the label } y, \\
# \mathcal{U}(x) & \text{without one.} \end{cases}$$
# `by_class` and `class_logits` are as before, and `alpha` is the weight for each labelled image. Return J (B,), with
# gradients, in the order of the batch. A batch may have no label at all, or only labels.

# %% nbgrader={"grade": false, "grade_id": "m2_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def m2_loss(by_class, class_logits, y, alpha):
    """M2's loss of a batch, y = −1 where there is no label, in nats, shape (B,)."""
    ### BEGIN SOLUTION
    own = y.clamp(min=0)[:, None]
    L = by_class.gather(1, own)[:, 0]
    log_q = class_logits.log_softmax(1).gather(1, own)[:, 0]
    return torch.where(y >= 0, L - alpha * log_q, m2_unlabelled_ok(by_class, class_logits))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "m2_loss-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.m2_loss(m2_loss)

# %%
# Stuck? Type check.m2_loss.hint() on the next line, and run this cell.

# %% [markdown]
# Now M2 with the labels of the first draw, and up to ten thousand images in all. Few images of a batch have a label,
# so α is large. Beside it stands its own classifier, trained with the same labels alone.

# %%
m2_loss_ok = check.use(m2_loss)


def semi_supervised(alpha):
    def loss(model, x, y, step):
        bounds = for_every_class(model, x, step.generator)
        return {"J": m2_loss_ok(bounds, model.classifier(x), y, alpha).float()}
    return loss


def mixed(subset, images=10_000):
    labelled = torch.zeros(len(x), dtype=torch.bool)
    labelled[subset] = True
    others = (~labelled).nonzero().flatten()[:images - n]
    no_label = torch.full((len(others),), -1)
    return black[torch.cat([subset, others])], torch.cat([y[subset], no_label])


with seeded(0):
    m2 = M2()
fit(m2, mixed(first), semi_supervised(200.0), epochs=5, batch=100, lr=5e-3, one_cycle=True);

# %%
with seeded(0):
    alone = M2().classifier
fit(alone, few, cross_entropy, epochs=30, batch=32, lr=3e-3, one_cycle=True)
results["m2"] = torch.tensor([accuracy(m2.classifier, black_test)])
table(["with the labels of the first draw", "accuracy, %"],
      [["M2's classifier, with labels alone", accuracy(alone, black_test)],
       ["M2, with images without labels, too", measured("m2")]])

# %%
with torch.no_grad():
    hand = m2.encode(black_test[ten[[2, 4, 7]]], every_class[[2, 4, 7]])[0]
    drawn = torch.sigmoid(m2.decode(hand[:, None].expand(-1, 10, -1),
                                    every_class.expand(3, -1, -1)))
rows = {f"the hand of this {k}": torch.cat([black_test[ten[k]][None], row])
        for k, row in zip((2, 4, 7), drawn)}
plots.images(rows, columns=["image", *map(str, range(10))]);

# %% [markdown]
# The gain is small: M2 is trained for a short time here, on a part of the images, and one draw of labels is too
# little to tell. The published figures come from all images and from far longer training; lesson 07 quotes them. What
# no classifier can do is in the picture: each row takes the code z of one test image, on the left, and draws it with
# every class. The digit changes, and a row keeps something of the hand, such as the slant or the width: that is what
# z holds, since the class does not say it. Without the term with α no label would reach the classifier: lesson 07
# shows what becomes of that.
#
# ## Two models of your own
# One point each, marked by a person
#
# Change one thing at a time, and say beforehand what you expect. Some ideas: the network of `auto_2` *without*
# pre-training; `auto_1` with a code of mean 0 and spread 1; more epochs; a wider code; an encoder that stays frozen.
# Two controls that answer a question are worth more than two large networks.
#
# For each give three things: what it is, in a few words; a function without arguments that builds the network, from
# images (B, 784) to logits (B, 10); and the number of epochs. `run` does the rest, on the same five draws of labels.
# A new autoencoder is trained by `pretrained(widths)`, which returns it and its history.

# %% nbgrader={"grade": true, "grade_id": "own_1", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
own_1 = None  # own_1 = ("what it is", build, epochs)
### BEGIN SOLUTION
def not_pretrained():
    return extend_ok(models.mlp([784, 64, 10]), 10, 10)


own_1 = ("the network of auto_2, not pre-trained", not_pretrained, 10)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "own_2", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
own_2 = None  # own_2 = ("what it is", build, epochs)
### BEGIN SOLUTION
def standardised():
    encoder = copy.deepcopy(autoencoders["auto_1"].encoder)
    with torch.no_grad():
        z = encoder(x)
        encoder[-1].weight.div_(z.std(0)[:, None])
        encoder[-1].bias.sub_(z.mean(0)).div_(z.std(0))
    return extend_ok(encoder, 10, 10)


own_2 = ("auto_1, its code brought to mean 0 and spread 1", standardised, 10)
### END SOLUTION

# %%
own = {"own_1": own_1, "own_2": own_2}
networks["m2"] = "M2: 784-128-10, its classifier"
for name, what in own.items():
    try:
        networks[name], build, epochs = what
        run(name, build, draws, epochs=epochs)
    except Exception as trouble:  # the report says that it is missing
        why = "not written yet" if what is None else f"{type(trouble).__name__}: {trouble}"
        print(f"{name}: {why}")
head = ["model", "network", "accuracy, %", "the report's"]
rows = [[name, networks[name], measured(name), reported.get(name)] for name in results]
table(head, rows)

# %% [markdown]
# The number after ± is the standard deviation over the five draws of labels; two means that differ by less than that,
# in five draws, are no news. Now the learning curves: what pre-training does, and what the labels do.

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.8))
colours = dict(zip(curves, plt.rcParams["axes.prop_cycle"].by_key()["color"], strict=False))
for axis, histories in zip(axes, (pretraining, curves), strict=True):
    for name, history in histories.items():
        axis.plot(history.epochs, history.held_out["loss"], color=colours.get(name),
                  label=name)
    axis.set(xlabel="epoch")
axes[0].set(title="pre-training, no labels", ylabel="squared error, held out",
            ylim=(0, None))
axes[1].set(title="with labels, first draw", ylabel="cross-entropy, held out, nats",
            yscale="log", ylim=(0.2, 30))
axes[1].axhline(math.log(10), color="grey", linestyle=":")
axes[0].legend(frameon=False, fontsize=9)
axes[1].legend(frameon=False, fontsize=9, ncols=3);

# %% [markdown]
# On the left the errors of the two codes of ten numbers fall and flatten; with one number the error stays far above.
# On the right each line is a classifier, and the dotted line is log 10, where nothing is known: `auto_3` starts far
# above it and ends near it, `auto_1` starts above it, too, and comes down late, and `mlp_all`, with all labels, is
# best from the first epoch on.
#
# ## Your answers
# Two points each, marked by a person
#
# Write between the three quotes, in place of the line `...  # YOUR CODE HERE`: five to ten sentences, in your own
# words. Point to rows of your table and to your curves. Markdown works, and `$...$` for formulas.
#
# **Question 1: supervised and unsupervised learning.** Which parts of this lab are supervised, which are
# unsupervised, and what does the difference consist of? What makes M2 semi-supervised, and at which place of its loss
# do the labels come in?

# %% nbgrader={"grade": true, "grade_id": "answer_1", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
answer_1 = r"""
### BEGIN SOLUTION
Supervised learning is told the answer: the loss of `mlp_all`, of `mlp_1p` and of every
fine-tuning compares the output with a label. Pre-training is unsupervised: its loss
compares the reconstruction with the image itself, so all images take part, with a label
or without.

The difference lies in the loss, not in the network: the encoder of `auto_2` is trained
in both ways, one after the other.

M2 is semi-supervised, since one loss uses both kinds of images at once. A label enters
in two places: it chooses the class in $L(x, y)$, so that the decoder learns how a 3
looks, and it is the target of $-\alpha \log q(y|x)$. Images without a label pay $U(x)$,
in which the classifier's own opinion weighs the classes.
### END SOLUTION
"""

# %% [markdown]
# **Question 2: what an autoencoder is for.** It copies its input, and nobody needs a copy. What is it trained for
# then, what does its code have to do with classes, and when is pre-training worth its time? Use `auto_3`, and say
# what M2's decoder can do that the five others cannot.

# %% nbgrader={"grade": true, "grade_id": "answer_2", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
answer_2 = r"""
### BEGIN SOLUTION
The copy is only the exercise. To redraw an image from few numbers, the encoder has to
find what digits have in common, and the code that comes out is what we want: a short
description, learned without labels.

The code keeps what saves squared error, and that need not be what tells classes apart.
`auto_3` shows the limit: one number can say how much ink there is, the reconstruction
is a blur, and no head can bring back what the code has lost. A wider code may still mix
a 4 and a 9.

Pre-training is worth its time where images are many, labels few, and the code wide
enough. Here the gain of `auto_2` over the same network without it (`own_1`) is of the
size of the spread.

The decoder of M2 is also a generator: with another class and the same $z$ it draws
another digit in the same hand.
### END SOLUTION
"""

# %% [markdown]
# **Question 3: what the results show.** Which differences in your table are larger than their spread, and which are
# not? Which of the report's conclusions stand, and which do not? What did your own two models answer, and what would
# you measure next?

# %% nbgrader={"grade": true, "grade_id": "answer_3", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
answer_3 = r"""
### BEGIN SOLUTION
Far larger than the spread are two differences: all labels against one per cent, and a
code of one number against ten. `auto_2` against `mlp_1p` is not clear: the means differ
by about one standard deviation, from five draws.

The report says that pre-training helps, in both `auto_1` and `auto_2`. Here `auto_1` is
worse than `mlp_1p`. Its code has large numbers, so that the head starts with a high
loss and runs out of steps; with larger steps, or with the code at mean 0 and spread 1
(`own_2`), it is as good as `mlp_1p`. So that result was about the start of the head,
not about what the code knows. And `own_1` shows how little pre-training adds to the
same network. Its conclusion on `auto_3` stands.

I would measure next: equal steps in place of equal epochs, more draws of labels, and
fewer labels, where a good code should help more.
### END SOLUTION
"""

# %% [markdown]
# ## The report
#
# Write your name between the quotes, or leave it out, and run the two cells. The report is one HTML page in the
# folder of this notebook: open it in a browser, and hand it in. It says what is missing. Run the cell again whenever
# something has changed; it replaces its own older page, and no other file.

# %%
my_name = ""

# %%
asked = {
    "Supervised and unsupervised learning: what is the difference, and where do M2's "
    "labels come in?": globals().get("answer_1"),
    "What is an autoencoder for, and when is pre-training worth its time?":
        globals().get("answer_2"),
    "What do the results show, and what do they not show?": globals().get("answer_3")}
answers = [report.Answer(f"question {i}", question, text)
           for i, (question, text) in enumerate(asked.items(), start=1)]
pieces = [(choose, choose_ok), (pretraining_loss, pretraining_ok), (extend, extend_ok),
          (m2_labelled, m2_labelled_ok), (m2_unlabelled, m2_unlabelled_ok),
          (m2_loss, m2_loss_ok)]
missing = [f"exercise `{mine.__name__}` is not solved: the course's own was used"
           for mine, used in pieces if used is not mine]
missing += [f"`{name}`, a model of your own, does not run yet"
            for name in own if name not in results]

# %%
conditions = (f"Trained on {len(x):,} images, {len(x_val):,} held out, measured on "
              f"{len(x_test):,} test images. `mlp_all` has all labels, the others {n}, in "
              "five draws (M2: in one); ± is the standard deviation over the draws.")
seen = "Left: held-out squared error of the autoencoders. Right: held-out cross-entropy."
report.write_report(
    "lab07_report.html", "Lab 07: few labels, many images",
    author=my_name, data=digits.name, missing=missing,
    sections=[("Conditions and results", [conditions, report.Table(head, rows)]),
              ("Learning curves", report.Picture(figure, seen)),
              ("Answers", answers)])

# %% [markdown]
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** The university's report has one number for each model, from one run. You have five draws of
# labels, and yet one pre-trained autoencoder for all of them, and one order of the images. What else could turn out
# otherwise on another day, and how would you find out which of these sources of chance matters most?
#
# **Where to go next.** Pre-training one layer after the other once made deep networks trainable at all. Lesson 08
# asks when it still does.
