# %% [markdown]
# # 01 · Supervised, unsupervised, and what lies between
#
# **Promise.** You will train your first network with a loop of your own, and teach the same digits to a computer in four
# ways: with all labels, with none, with a few, and with targets made from the images themselves.
#
# **After this unit you can**
# 1. write a training loop in PyTorch and say what each line does;
# 2. name the four settings by what is given and what is asked;
# 3. explain why cluster 3 is not the digit 3;
# 4. measure what features learned without labels are worth.
#
# **Before it:** lesson 00; Python, the product of a matrix and a vector, the derivative of a function.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import inspect
import textwrap

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelSpreading
from torch import nn
from torch.nn import functional as F

from aecourse import data, diagrams, metrics, plots
from aecourse.claims import Claims, say, score, table, try_it
from aecourse.models import PCA, mlp
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("01", digits.name)

# %%
diagrams.chains({
    "supervised": ["images,\na label for each", "network", "label of a\nnew image"],
    "unsupervised": ["images", "k-means", "groups of\nsimilar images"],
    "semi-supervised": ["images,\nfew labels", "label spreading", "label of a\nnew image"],
    "self-supervised": ["upper halves\nof images", "encoder,\ndecoder", "lower halves"]});

# %% [markdown]
# Each row is one setting: what is given, the method of this unit, and what is asked of it. The settings differ in what
# is **given**. The images are always the same.
#
# We set some training images aside as **validation** images, on which settings may be chosen. The **test** images are
# for measuring only. (The built-in digits are fewer than MNIST's, so `more` gives the networks more training there.)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]  # images (N, 784), labels (N,)
x_val, y_val = digits.x_train[valid], digits.y_train[valid]
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1

# %% [markdown]
# ## 1 · Supervised: a network and its loss
#
# A **linear layer** `nn.Linear(784, 128)` multiplies an image of 784 numbers by a matrix of weights and adds a bias to
# each of its 128 results. A **ReLU** replaces negative numbers by 0. Our network is linear layer, ReLU, linear layer:

# %%
diagrams.layers([784, 128, 10], {0: "image", 1: "hidden", 2: "logits"}, {"net": (0, 2)});

# %% [markdown]
# Bars are layers, the numbers below are their widths. For each image, ten numbers come out, the **logits**, one for each
# class. The **softmax** turns them into probabilities: $p_k = e^{a_k} / \sum_j e^{a_j}$ for the logits $a$. So every
# $p_k$ is positive, and their sum is 1.

# %%
with seeded(0):  # the same initialisation at every run
    untrained = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
logits = untrained(x[:1])  # (1, 784) → (1, 10)
p = logits.softmax(1)  # (1, 10)
print("p =", " ".join(f"{value:.2f}" for value in p[0].tolist()), " label:", y[0].item())
print(f"-log p[label] = {-p[0, y[0]].log():.4f}")
print(f"cross-entropy = {F.cross_entropy(logits, y[:1]):.4f}")

# %% [markdown]
# Before training, all ten classes get similar probabilities. The loss should be small where the probability of the true
# label is large. The **cross-entropy** is such a loss, $-\log p_{\text{label}}$. It is 0 for $p_{\text{label}} = 1$ and
# grows without limit as $p_{\text{label}}$ goes to 0. With the natural logarithm its unit is the **nat**. The last two
# lines agree: `F.cross_entropy` takes logits and labels, and does the softmax itself. (Unit 02b derives this loss.)

# %%
try_it("A network that knows nothing gives each of the ten classes the probability 0.1. "
       "What is its cross-entropy in nats, to two decimals? Type it in place of None.",
       None, np.log(10), says="-log 0.1 = log 10. Training has to get below this value.",
       hint="Compute -log(0.1) with the natural logarithm.")

# %% [markdown]
# ## 2 · Training, first by hand
#
# The loss depends on the weights. Its **gradient** says for every weight how fast the loss grows when the weight grows.
# **Gradient descent** moves all weights a little in the opposite direction, again and again. One such move is a **step**.
#
# A step uses a **batch** of 256 random images, since all images would take too long. One **epoch** goes through all
# training images once. `backward()` computes the gradient (**back-propagation**). Adam is a popular form of gradient
# descent, and its **learning rate** `lr` sets the size of a step.
#
# **Predict.** What percentage of the test images will the network name correctly after one epoch?

# %%
prediction_epoch = None

# %%
def accuracy(model):
    with torch.no_grad():  # no gradient is needed to measure
        return 100 * (model(x_test).argmax(1) == y_test).float().mean().item()


with seeded(0):
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
for index in order.split(256):  # the positions of 256 images
    logits = net(x[index])  # (256, 10)
    loss = F.cross_entropy(logits, y[index], reduction="none")  # (256,): one per image
    optimiser.zero_grad()  # forget the gradient of the last batch
    loss.mean().backward()  # the gradient of the mean over the batch
    optimiser.step()  # change the weights a little
one_epoch = accuracy(net)
print(f"test accuracy before {accuracy(untrained):.1f} %, after an epoch {one_epoch:.1f} %")

# %% [markdown]
# This loop trains every network of the course; only the network and the loss change. The function `fit` does it for you.
# Here is the central part of its source:

# %%
lines = inspect.getsource(fit).splitlines()
first = next(i for i, line in enumerate(lines) if "for index in" in line)
print(textwrap.dedent("\n".join(lines[first : first + 8])))

# %% [markdown]
# These are your lines, with two checks for common mistakes between them; `total` is your `loss.mean()`. `loss` is a
# function that you give to `fit`. It returns the loss of each image, under a name of your choice. `fit` repeats this loop
# for some epochs and measures the loss on validation images after each (`held_out`). With `one_cycle` it raises and then
# lowers the learning rate.

# %%
def cross_entropy(model, x, y, step):
    return {"cross-entropy": F.cross_entropy(model(x), y, reduction="none")}  # (B,)


with seeded(0):
    classifier = mlp([784, 128, 10])  # the same network: mlp writes the layers
history = fit(classifier, (x, y), cross_entropy, epochs=4 * more, lr=3e-3, one_cycle=True,
              held_out=(x_val, y_val))
plots.curves(history, unit="cross-entropy per image (nats)").set_ylim(bottom=0);

# %% [markdown]
# The loss falls fast at first, then slowly. After the last epoch the loss on validation images is higher than the loss
# on training images: the network has begun to fit single images of the training set.

# %%
supervised = accuracy(classifier)
means = torch.stack([x[y == label].mean(0) for label in range(10)])
nearest_mean = 100 * (torch.cdist(x_test, means).argmin(1) == y_test).float().mean().item()
claim("supervised", "Test accuracy of 784-128-10 with a label for every image", supervised,
      "%", at_least=92, baseline=f"nearest mean image {nearest_mean:.1f}")

# %% [markdown]
# ## 3 · Unsupervised: no labels at all
#
# **k-means** divides the images into $K$ groups, the **clusters**. It repeats two steps. First, each image goes to the
# nearest of $K$ centres. Then each centre moves to the mean of its images. Neither step can raise the sum of squared
# distances to the centres, so it comes to an end. You write both steps in the lab; here scikit-learn does it.
#
# **Predict.** The clusters are numbered from 0 to 9. For what percentage of the images is the number of the cluster equal
# to the digit?

# %%
prediction_same_number = None

# %%
kmeans = KMeans(10, n_init=1, random_state=0).fit(x[:20_000].numpy())
cluster = kmeans.predict(x.numpy())  # (N,): the number of the cluster of each image
counts = np.stack([np.bincount(y[cluster == k], minlength=10) for k in range(10)])
plots.images({"centres": torch.from_numpy(kmeans.cluster_centers_)}, zoom=1, columns=[
    f"cluster {k}\n{n.argmax()} ({n.max() / n.sum():.0%})" for k, n in enumerate(counts)]);

# %% [markdown]
# Each picture is a centre, the mean of the images of its cluster. Below the cluster's number stand its most frequent
# digit and the share of this digit. Some clusters are nearly a single digit. Others are shared by digits that have much
# ink in common, and their centres look like two digits at once.
#
# The number of a cluster is a name without meaning. k-means numbers the centres as it placed them at the beginning. A
# good measure must not change when we rename the clusters. The **adjusted Rand index** (ARI) looks at all
# pairs of images: do clusters and labels agree on whether the two belong together? It is 1 if they always agree, and 0
# on average for groups made at random.

# %%
renamed = np.random.default_rng(0).permutation(10)[cluster]  # other numbers
same_number, ari = {}, {}
for name, groups in (("k-means", cluster), ("k-means, renamed", renamed)):
    same_number[name] = 100 * (groups == y.numpy()).mean()
    ari[name] = adjusted_rand_score(y, groups)
    print(f"{name}: number = digit {same_number[name]:.1f} %, ARI {ari[name]:.3f}")

# %% [markdown]
# Renaming changes the first number and not the ARI. The ARI is far from 0 and far from 1. k-means finds real structure,
# but not the digits: it compares pixels only. Only labels say that an upright 1 and a slanted 1 are the same.

# %%
some_x = x[:10_000].numpy()
again = [KMeans(10, n_init=1, random_state=seed).fit(some_x) for seed in range(5)]
aris = [adjusted_rand_score(y_test, km.predict(x_test.numpy())) for km in again]
claim("k-means ARI", "ARI of ten k-means clusters with the digits, test images",
      np.mean(aris), spread=np.std(aris, ddof=1), seeds=5, at_least=0.2, at_most=0.6,
      baseline="random groups 0")
claim("renaming", "Change of the ARI when the clusters are numbered anew",
      abs(ari["k-means"] - ari["k-means, renamed"]), at_most=1e-9)

# %% [markdown]
# ## 4 · Semi-supervised: a few labels, many images
#
# Labels cost time and images are often free. **Label spreading** (Zhou and others 2004) uses both. It connects each image
# with its ten nearest neighbours. Then the known labels flow along the connections. The assumption is that neighbours
# mostly belong to one class. You write it in the lab.
#
# We take a tenth of the images, and labels for only 1 % of these. Two baselines use the same labels and *no other
# images*: the nearest labelled image, and a linear classifier (logistic regression).
#
# **Predict.** What percentage of the test images does label spreading name correctly?

# %%
prediction_spreading = None

# %%
found = []
for seed in range(3):  # three random choices of the images and of the labels
    generator = torch.Generator().manual_seed(seed)
    some = torch.randperm(len(x), generator=generator)[: round(len(x) / 10)]
    few = some[data.stratified_subset(y[some], round(len(x) / 1000), seed=seed)]
    known = torch.where(torch.isin(some, few), y[some], -1)  # −1: the label is not known
    spreading = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.9, max_iter=200)
    spreading.fit(x[some].numpy(), known.numpy())
    nearest = KNeighborsClassifier(1).fit(x[few].numpy(), y[few].numpy())
    linear = LogisticRegression(max_iter=300).fit(x[few].numpy(), y[few].numpy())
    found.append([100 * model.score(x_test.numpy(), y_test.numpy())
                  for model in (spreading, nearest, linear)])
mean, spread = np.mean(found, 0), np.std(found, 0, ddof=1)
print("label spreading {:.1f} %, nearest image {:.1f} %, linear {:.1f} %".format(*mean))

# %%
lead = mean[0] - max(mean[1:])  # over the better baseline
say(f"Label spreading is {abs(lead):.1f} points {'ahead of' if lead > 0 else 'behind'} "
    "the better baseline: the images without labels "
    + ("help." if lead >= 2 else "help little or not at all here, with so few of them."))

# %% [markdown]
# Over the unlabelled images, labels travel from one 4 to another 4 that looks different. Where two classes touch, as 4
# and 9 do, wrong labels travel too. Unit 01a shows another semi-supervised method, and how it fails.

# %%
claim("label spreading",
      f"Test accuracy of label spreading, {len(few)} labels among {len(some):,} images",
      mean[0], "%", spread=spread[0], seeds=3, at_least=max(mean[1:]) + 2,
      holds_on=("mnist",),
      baseline=f"logistic regression {mean[2]:.1f} ± {spread[2]:.1f}, nearest labelled "
      f"image {mean[1]:.1f} ± {spread[1]:.1f}, both on the same labels")

# %% [markdown]
# ## 5 · Self-supervised: targets from the images themselves
#
# Hide the lower half of a digit and let a network predict it from the upper half. No label is needed. To predict the
# lower half of a 3, it helps to notice that it *is* a 3.

# %%
diagrams.layers([392, 256, 64, 256, 392], {0: "upper half", 2: "features", 4: "lower half"},
                {"encoder": (0, 2), "decoder": (2, 4)});

# %%
top, bottom = slice(0, 392), slice(392, 784)  # 14 of the 28 rows each


def train_half(target):
    with seeded(0):
        model = nn.Sequential(mlp([392, 256, 64]), nn.ReLU(), mlp([64, 256, 392]))

    def squared_error(model, x, step):
        return {"squared error": (model(x[:, top]) - x[:, target]).square().sum(1)}

    fit(model, (x,), squared_error, epochs=4 * more, lr=3e-3, one_cycle=True)
    return model


hidden_half = train_half(bottom)

# %%
ten = plots.first_of_each(y_test)  # the position of the first test image of each class
with torch.no_grad():
    guess = hidden_half(x_test[:, top])  # (N, 392)
error = (guess - x_test[:, bottom]).square().sum(1)  # (N,)
hard = error.argsort(descending=True)[:10]
joined = torch.cat([x_test[:, top], guess], 1)  # (N, 784)
plots.images({"first": x_test[ten], "first, predicted": joined[ten],
              "hardest": x_test[hard], "hardest, predicted": joined[hard]});

# %% [markdown]
# In the second and fourth rows, the upper half is real and the lower half is predicted. The first test digit of each
# class is mostly completed well. The hardest test digits become a grey mixture, or another digit that begins in the
# same way.
#
# Now the decoder is thrown away. A **linear probe**, a linear classifier, reads the class from the 64 features, trained
# with 1 % of the labels. The baselines see the same upper half: its pixels, its 64 principal components (the best linear
# code, lesson 03), the encoder before training, and an encoder trained as long to copy the half that it sees.
#
# **Predict.** What test accuracy does the probe reach on the features of the hidden half, in %?

# %%
prediction_half = None

# %%
copying = train_half(top)
with seeded(0):
    fresh = mlp([392, 256, 64])
pca = PCA(x[:, top])
readers = {"pixels of the whole image": lambda images: images,
           "pixels of the upper half": lambda images: images[:, top],
           "64 principal components": lambda images: pca.encode(images[:, top], 64),
           "encoder, untrained": lambda images: fresh(images[:, top]),
           "encoder, trained to copy": lambda images: copying[0](images[:, top]),
           "encoder, trained to predict": lambda images: hidden_half[0](images[:, top])}
probes = {name: metrics.probes(encode, x, y, x_test, y_test, parts=[100])[0]
          for name, encode in readers.items()}
table(["linear probe on", "test accuracy, 1 % of the labels (%)"],
      [[name, value] for name, value in probes.items()])

# %% [markdown]
# Predicting what is hidden gives far better features than copying what is seen, with the same network. The target decides what is learned. Language models predict the next word for this reason. An
# **autoencoder**, the subject of this course, is a self-supervised network whose target is the image itself.

# %%
*others, ours = list(probes.values())[1:]  # the same half, ours last
claim("hidden half", "Linear probe at 1 % of the labels, features of the upper half "
      "trained to predict the lower", ours, "% test accuracy", at_least=max(others) + 1,
      baseline=f"best other reading of the same half {max(others):.1f}; pixels of the "
      f"whole image {probes['pixels of the whole image']:.1f}")

# %% [markdown]
# ## 6 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("test accuracy after one epoch (%)", prediction_epoch, one_epoch),
       ("cluster number = digit (%)", prediction_same_number, same_number["k-means"]),
       ("test accuracy of label spreading (%)", prediction_spreading, mean[0]),
       ("linear probe on features of the upper half (%)", prediction_half, ours)])

# %% [markdown]
# ## 7 · What to keep
#
# - The four settings differ in what is *given*, not in the network.
# - Training repeats: compute the loss of a batch, its gradient, and a small step of all weights.
# - The cross-entropy is minus the logarithm of the probability of the true label.
# - The number of a cluster is a name. The ARI compares clusters with labels without looking at names.
# - Unlabelled images help where neighbours belong to one class.
# - A target made from the image itself can teach more than copying does.
#
# **Your turn:** [lab 01](../work/lab01.ipynb) (your own copy; on the web, the
# [sheet](../exercises/lab01/lab01.ipynb)). It also needs unit [01a](01a_labels.ipynb), what a label is worth.
#
# **Deeper:** [01b](01b_shuffling.ipynb) tests what a method does with labels. [01x](01x_zoo.ipynb) runs the classic
# methods on the same digits.
# **Next:** [lesson 02, the autoencoder](02_autoencoder.ipynb).
#
# ### Papers
# - S. P. Lloyd (1982). *Least squares quantization in PCM.* IEEE Transactions on Information Theory 28, 129–137.
#   (k-means)
# - L. Hubert, P. Arabie (1985). *Comparing partitions.* Journal of Classification 2, 193–218. (ARI)
# - D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf (2004). *Learning with local and global consistency.*
#   NeurIPS 16. (label spreading)
