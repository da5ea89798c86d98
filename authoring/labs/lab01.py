# %% [markdown]
# # Lab 01 · Four ways to learn, piece by piece
#
# At the end of this page you have grouped digits with no label at all, named two thousand of them with twenty labels, and
# you can say when two training runs are compared fairly.
#
# After this lab you can
#
# - count gradient steps, and say when equal epochs are not an equal chance;
# - make a task out of images alone, with no label in it;
# - write k-means, and judge its clusters with a measure that chance cannot please;
# - let a model label images for itself, and let labels spread along a graph of neighbours.
#
# **Before it:** units 01 and 01a. **Time:** about 50 minutes for you, under a minute for the machine.
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
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier, kneighbors_graph

from aecourse import data, plots
from aecourse.check import lab01 as check
from aecourse.claims import table
from aecourse.models import mlp
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
digits

# %% [markdown]
# ## 1 · Count the steps
# ★☆☆ · 4 minutes
#
# Training takes one step for each batch. The images of an epoch are dealt out `batch` at a time; the last batch may be
# smaller, and it makes a step as well. How many steps are that in all epochs together?

# %% nbgrader={"grade": false, "grade_id": "updates", "locked": false, "schema_version": 3, "solution": true, "task": false}
def updates(n_labels, batch, epochs):
    """The number of gradient steps in a whole training, an int."""
    ### BEGIN SOLUTION
    return epochs * math.ceil(n_labels / batch)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "updates-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.updates(updates)

# %%
# Stuck? Type check.updates.hint() on the next line, and run this cell.

# %% [markdown]
# Now take 100, 10, 1 and 0.1 % of 60,000 labels, in batches of 32 over ten epochs. The last column says how many epochs the
# small sets need for as many steps as the large one takes.

# %%
updates_ok = check.use(updates)
full = updates_ok(60_000, 32, 10)
table(["labels", "steps in ten epochs", "epochs for as many steps as with all labels"],
      [[n, updates_ok(n, 32, 10), full // updates_ok(n, 32, 1)]
       for n in (60_000, 6_000, 600, 60)])

# %% [markdown]
# With the fewest labels ten epochs are a few steps only: the net has hardly begun. So a curve of accuracy over labels at
# equal epochs shows two things at once, missing labels and missing steps. Here they come apart, on the same few labels:

# %%
few = data.stratified_subset(digits.y_train, 60)
x_few, y_few = digits.x_train[few], digits.y_train[few]


def cross_entropy(model, x, y, step):
    return {"nats": F.cross_entropy(model(x), y, reduction="none")}


rows = []
for epochs in (10, 100, 500):
    with seeded(0):
        model = mlp([784, 10, 10])
    fit(model, (x_few, y_few), cross_entropy, epochs=epochs, batch=32)
    right = (model(digits.x_test).argmax(1) == digits.y_test).float().mean().item()
    rows.append([epochs, updates_ok(60, 32, epochs), f"{right:.1%}"])
table(["epochs", "steps", "test images right"], rows)

# %% [markdown]
# The labels are the same in all three rows. Most of what looks like the price of few labels was the price of few steps.
#
# ## 2 · A question without a label
# ★☆☆ · 5 minutes
#
# Self-supervised learning makes its own question: here the top half of a digit is given and the bottom half is to be
# predicted. Cut images (B, 784), stored row by row, into the two: each has 14 rows, so 392 pixels.

# %% nbgrader={"grade": false, "grade_id": "halves", "locked": false, "schema_version": 3, "solution": true, "task": false}
def halves(x):
    """Images (B, 784) to a pair: the top half (B, 392) and the bottom half (B, 392)."""
    ### BEGIN SOLUTION
    return x[:, :392], x[:, 392:]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "halves-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.halves(halves)

# %%
# Stuck? Type check.halves.hint() on the next line, and run this cell.

# %% [markdown]
# Can a net answer that question? It is trained on images alone: `digits.y_train` does not occur in this cell.

# %%
halves_ok = check.use(halves)
top, bottom = halves_ok(digits.x_train[:10_000])
top_test, bottom_test = halves_ok(digits.x_test)


def squared_error(model, x, y, step):
    return {"error": (torch.sigmoid(model(x)) - y).square().sum(-1)}


with seeded(0):
    predict = mlp([392, 128, 392])
fit(predict, (top, bottom), squared_error, epochs=8, batch=128, lr=2e-3, one_cycle=True)
with torch.no_grad():
    bottom_hat = torch.sigmoid(predict(top_test))
table(["bottom halves of the test images", "squared error per image"],
      [["predicted", (bottom_hat - bottom_test).square().sum(1).mean().item()],
       ["the mean half", (bottom.mean(0) - bottom_test).square().sum(1).mean().item()]])

# %% [markdown]
# The net does far better than the mean of all bottom halves, which ignores the top. Its guesses for the first test image of
# each class:

# %%
rows = plots.first_of_each(digits.y_test)
guess = torch.cat([top_test[rows], bottom_hat[rows]], 1)
plots.images({"digit": digits.x_test[rows], "top half": F.pad(top_test[rows], (0, 392)),
              "with its guess": guess});

# %% [markdown]
# The third row keeps the true top and completes it. The guess is blurred where several digits share a top half, and a net
# that completes well has learnt something about shapes. What that is worth to a classifier, lesson 01 measures.
#
# ## 3 · k-means: who belongs where
# ★★☆ · 8 minutes
#
# k-means repeats two steps. In the first each image goes to its **nearest centre** by Euclidean distance. Images `x` of
# shape (N, D) and centres of shape (K, D) come in; for each image the number of its centre goes out, from 0 to K − 1.

# %% nbgrader={"grade": false, "grade_id": "assign", "locked": false, "schema_version": 3, "solution": true, "task": false}
def assign(x, centres):
    """The number of the nearest centre for each image: (N, D), (K, D) to int64 (N,)."""
    ### BEGIN SOLUTION
    return torch.cdist(x, centres).argmin(1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "assign-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.assign(assign)

# %%
# Stuck? Type check.assign.hint() on the next line, and run this cell.

# %% [markdown]
# ## 4 · k-means: where the centres go
# ★★☆ · 9 minutes
#
# In the second step each centre goes to the **mean of its images**. A cluster may have no images at all: then its centre
# stays where it was. `clusters` (N,) holds what `assign` gave; leave `centres` itself as it came in and return new ones.

# %% nbgrader={"grade": false, "grade_id": "move", "locked": false, "schema_version": 3, "solution": true, "task": false}
def move(x, clusters, centres):
    """The new centres (K, D): each cluster's mean; an empty one keeps its old centre."""
    ### BEGIN SOLUTION
    moved = centres.clone()
    for k in range(len(centres)):
        mine = x[clusters == k]
        if len(mine) > 0:
            moved[k] = mine.mean(0)
    return moved
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "move-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.move(move)

# %%
# Stuck? Type check.move.hint() on the next line, and run this cell.

# %% [markdown]
# The two steps in turn, from ten random images, until nothing changes. No label is used.

# %%
assign_ok, move_ok = check.use(assign), check.use(move)


def k_means(x, k, seed=0, steps=30):
    start = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:k]
    centres = x[start]
    for _ in range(steps):
        clusters = assign_ok(x, centres)
        moved = move_ok(x, clusters, centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    return clusters, centres


some, hidden = digits.x_train[:1000], digits.y_train[:1000]
clusters, centres = k_means(some, 10)
plots.images({"centres": centres}, columns=[f"{k}" for k in range(10)]);

# %% [markdown]
# Each picture is the mean of one cluster, with the cluster's number above it. Most look like a digit or like a blend of two
# that resemble each other, and the number above says nothing about which: it comes from the random start.
#
# ## 5 · Are the clusters digits?
# ★★☆ · 8 minutes
#
# Now uncover the labels. Let each cluster stand for the class that is **most frequent in it**, and count the images that
# are right by this rule. That share of all images is the **purity**, a number from 0 to 1. The numbers in `clusters` (N,)
# and in `labels` (N,) need not be consecutive.

# %% nbgrader={"grade": false, "grade_id": "purity", "locked": false, "schema_version": 3, "solution": true, "task": false}
def purity(clusters, labels):
    """The share of images whose class is the most frequent of their cluster, a float."""
    ### BEGIN SOLUTION
    right = sum(labels[clusters == k].bincount().max().item() for k in clusters.unique())
    return right / len(labels)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "purity-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.purity(purity)

# %%
# Stuck? Type check.purity.hint() on the next line, and run this cell.

# %% [markdown]
# Is a high purity a good clustering? Let k-means make more and more clusters, and beside it throw the same images into as
# many clusters **at random**. The adjusted Rand index (ARI) asks of every pair of images whether the clusters and the classes
# agree on "together" or "apart", and is adjusted for chance: 0 is what chance gives, 1 is perfect.

# %%
purity_ok = check.use(purity)
generator, rows = torch.Generator().manual_seed(0), []
for k in (5, 10, 20, 50, 1000):
    found = k_means(some, k)[0] if k < len(some) else torch.arange(len(some))
    lot = torch.randint(k, (len(some),), generator=generator)
    purities = [float(purity_ok(c, hidden)) for c in (found, lot)]
    rands = [round(adjusted_rand_score(hidden, c), 2) + 0.0 for c in (found, lot)]
    rows.append([k, *purities, *rands])
table(["clusters", "purity of k-means", "purity at random",
       "ARI of k-means", "ARI at random"], rows)

# %% [markdown]
# Purity grows with the number of clusters, even where they are drawn at random, and with one image in each it is perfect and
# worthless. The ARI of the lot stays at 0, and that of k-means falls again when digits are cut into too many pieces. So
# purity compares clusterings of the same number of clusters only.
#
# ## 6 · Labels from the model itself
# ★★☆ · 7 minutes
#
# Self-training takes a model that has seen a few labels and lets it label the rest, where it is **confident**. `logits` (N, C)
# come in. The model is confident of an image when the largest of its softmax probabilities is at least `threshold`. Return two tensors: the
# positions of these images, and their predicted classes.

# %% nbgrader={"grade": false, "grade_id": "pseudo_labels", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pseudo_labels(logits, threshold):
    """The images it is confident of and their classes: index and labels, int64 (M,)."""
    ### BEGIN SOLUTION
    p, labels = logits.softmax(1).max(1)
    index = (p >= threshold).nonzero().flatten()
    return index, labels[index]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "pseudo_labels-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.pseudo_labels(pseudo_labels)

# %%
# Stuck? Type check.pseudo_labels.hint() on the next line, and run this cell.

# %% [markdown]
# How far can such labels be trusted? A net is trained on 100 labels and then asked about 5,000 other images. The last
# column looks at the true labels, which self-training does not have.

# %%
pseudo_labels_ok = check.use(pseudo_labels)
known = data.stratified_subset(digits.y_train, 100)
others = torch.ones(len(digits.x_train)).index_fill(0, known, 0).nonzero().flatten()[:5000]
with seeded(0):
    model = mlp([784, 64, 10])
fit(model, (digits.x_train[known], digits.y_train[known]), cross_entropy,
    epochs=100, batch=32)
with torch.no_grad():
    logits = model(digits.x_train[others])
rows = []
for threshold in (0.0, 0.5, 0.8, 0.95, 0.99):
    index, labels = pseudo_labels_ok(logits, threshold)
    right = (labels == digits.y_train[others][index]).float().mean().item()
    rows.append([threshold, f"{len(index) / len(others):.1%}", f"{right:.1%}"])
table(["threshold", "images labelled", "of these right"], rows)

# %% [markdown]
# A higher threshold buys better labels with fewer of them. The images that it drops are the hard ones, those that a model
# would learn most from: this is the bargain of self-training. And "confident" is not "right": a share of the labels stays wrong
# that the model will next be taught as true.
#
# ## 7 · Labels that spread
# ★★★ · 9 minutes
#
# Label spreading (Zhou, Bousquet, Lal, Weston and Schölkopf, 2004) lets labels flow between neighbours. `W` (N, N) says how
# strongly two images are joined: symmetric, not negative, zero on the diagonal, and every image has a neighbour. $D$ is the
# diagonal matrix of its row sums, and $S = D^{-1/2}\,W\,D^{-1/2}$. `Y` (N, C) has a 1 at the class of each labelled image and
# zeros elsewhere. Start with $F_0 = Y$ and return $F$ after `steps` steps of
# $$F \leftarrow \alpha\, S F + (1 - \alpha)\, Y.$$

# %% nbgrader={"grade": false, "grade_id": "spread", "locked": false, "schema_version": 3, "solution": true, "task": false}
def spread(W, Y, alpha, steps):
    """F (N, C) after so many steps of label spreading, starting from Y (N, C)."""
    ### BEGIN SOLUTION
    d = W.sum(1)
    S = W / (d[:, None] * d).sqrt()
    F = Y
    for _ in range(steps):
        F = alpha * S @ F + (1 - alpha) * Y
    return F
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "spread-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.spread(spread)

# %%
# Stuck? Type check.spread.hint() on the next line, and run this cell.

# %% [markdown]
# Two thousand digits, each joined to its ten nearest neighbours. Twenty of them, two of each class, keep their label: that
# is 1 %. Beside label spreading stands an honest baseline with the same labels: the nearest labelled image decides.
# alpha and the number of steps are fixed in advance, since no label is left over to choose them with.

# %%
spread_ok = check.use(spread)
x, y = digits.x_train[:2000], digits.y_train[:2000]
near = torch.from_numpy(kneighbors_graph(x.numpy(), 10).toarray()).float()
W = torch.maximum(near, near.T)  # joined if either is among the other's ten nearest
rows = []
for seed in range(5):
    labelled = data.stratified_subset(y, 20, seed)
    Y = torch.zeros(len(x), 10)
    Y[labelled, y[labelled]] = 1
    rest = Y.sum(1) == 0  # measured on the images without a label
    spreading = (spread_ok(W, Y, 0.9, 50).argmax(1) == y)[rest].float().mean().item()
    nearest = KNeighborsClassifier(1).fit(x[labelled], y[labelled]).score(x[rest], y[rest])
    rows.append([seed, f"{spreading:.1%}", f"{nearest:.1%}"])
table(["draw of the labels", "label spreading", "nearest labelled image"], rows)

# %% [markdown]
# The labels are the same in both columns; what differs is the use of the other images. They have no label, but they show
# where the digits lie close together, and labels travel along these bridges. Mind that label spreading has seen the very
# images that it is measured on, without their labels: this is called transductive.
#
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** Give label spreading a graph whose neighbours are mostly of another class: what does it do with
# twenty labels then, and how would you notice it with no more labels than these? What does each method of this page assume
# about the images that carry no label?
#
# **Where to go next.** In lesson 02 the image itself becomes the target: the autoencoder is asked for all of its input, and
# the bottleneck in the middle keeps it from copying.
