# %% [markdown]
# # 01 · Supervised, unsupervised, and what lies between
#
# **Promise.** You will train your first network with a plain loop, and teach the same digits to a computer in four
# ways: with all labels, with none, with a few, and with targets made from the images themselves.
#
# **After this unit you can**
# 1. say what each line of a training loop does, and change one;
# 2. name the four settings by what is given and asked;
# 3. explain why cluster 3 is not the digit 3;
# 4. measure what features learned without labels are worth.
#
# **Before it:** lesson 00; Python, the product of a matrix and a vector, the derivative of a function.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
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
# Each row is one setting: what is **given**, the method of this unit, and what is **asked** of it. The data set is the same.
#
# We set some training images aside: on these **validation** images later units choose settings. The **test** images are for
# measuring only. (The built-in digits are fewer, so `more` gives the networks more training there.)

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]  # tensors (arrays) (N, 784), (N,)
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1

# %% [markdown]
# ## 1 · Supervised: a network, its loss, and training
#
# A **linear layer** `nn.Linear(784, 128)` multiplies an image of 784 numbers by a matrix of weights and adds a bias to
# each of its 128 results. A **ReLU** replaces negative numbers by 0. Our network is linear layer, ReLU, linear layer. In
# the diagram bars are layers, and the numbers below are their widths:

# %%
diagrams.layers([784, 128, 10], {0: "image", 1: "hidden", 2: "logits"}, {"net": (0, 2)});

# %% [markdown]
# For each image, ten numbers come out, the **logits** $a_k$, one for each class. The **softmax** turns them into
# probabilities $p_k = e^{a_k} / \sum_j e^{a_j}$. Every $p_k$ is positive, and their sum is 1.

# %%
with seeded(0):  # the same initialisation at every run
    untrained = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
logits = untrained(x[:1])  # (1, 784) → (1, 10)
p = logits.softmax(1)  # (1, 10)
print("p =", " ".join(f"{value:.2f}" for value in p[0].tolist()), " label:", y[0].item())
print(f"-log p[label] = {-p[0, y[0]].log():.4f}")
print(f"cross-entropy = {F.cross_entropy(logits, y[:1]):.4f}")

# %% [markdown]
# The loss should be small where the probability of the true label is large. The **cross-entropy** is such a loss,
# $-\log p_{\text{label}}$. It is 0 for $p_{\text{label}} = 1$ and grows without limit as $p_{\text{label}}$ goes to 0. Its
# unit is the **nat**. `F.cross_entropy` takes logits and does the softmax itself, so the last two lines agree. A network
# that knows nothing gives each of ten classes the probability 0.1. Its cross-entropy is $-\log 0.1 = 2.30$ nats, near the
# value above.
#
# ### Training, first by hand
#
# The **gradient** of the loss says for every weight how fast the loss grows when the weight grows. **Gradient descent**
# moves all weights a little in the opposite direction, again and again. One such move is a **step**.
#
# The call `loss.backward()` computes the gradient (**back-propagation**). It writes each derivative next to its weight,
# into `.grad`. A toy shows it for one weight $w = 3$ and the loss $w^2$, whose derivative is $2w = 6$:

# %%
w = torch.tensor(3.0, requires_grad=True)  # PyTorch keeps a gradient for it
for _ in range(2):
    (w**2).backward()
    print("w.grad =", w.grad.item())

# %% [markdown]
# The second call gives 12, because PyTorch **adds** the new derivative to the one in `.grad`. So a training loop sets all
# gradients to zero before each `backward()`. It has four parts:
#
# - `net(x[index])` computes the logits of a **batch**, 256 random images, since all images would take too long;
# - `zero_grad()` and `backward()` write the gradient of the batch's mean loss into the `.grad` of all weights and biases;
# - `step()` reads it there and changes them a little. `Adam` is a form of gradient descent. Its **learning rate** `lr` sets
#   the size of a step;
# - the loop goes through all training images once. This is an **epoch**.
#
# **Predict.** What percentage of the test images will the network classify correctly after one epoch?

# %%
prediction_epoch = None

# %%
def accuracy(model):
    with torch.no_grad():  # no gradient is needed to measure
        return 100 * (model(x_test).argmax(1) == y_test).float().mean().item()


after = {}  # learning rate → test accuracy after one epoch (%)

# %%
lr = 1e-3
with seeded(0):
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimiser = torch.optim.Adam(net.parameters(), lr=lr)
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
for index in order.split(256):  # the positions of at most 256 images
    loss = F.cross_entropy(net(x[index]), y[index])  # the mean over the batch
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
after[lr] = accuracy(net)
print(f"test accuracy before {accuracy(untrained):.1f} %, after an epoch {after[lr]:.1f} %")

# %%
score([("test accuracy after one epoch (%)", prediction_epoch, after.get(1e-3, np.nan))])

# %%
try_it("Set `lr = 1.0` in the training loop, and run it again. What is the test accuracy "
       "after an epoch, in %?", None, after.get(1.0, 0.0), changed=1.0 in after)

# %% [markdown]
# If you ran it: steps of this size jump over the small losses, and the network gives nearly all images the same class.
#
# From here on the function `fit` runs such a loop for several epochs. You give it a function that returns the loss of
# *each* image (`reduction="none"`). With `one_cycle` it raises and then lowers the learning rate.

# %%
def cross_entropy(model, x, y, step):  # step: how far training is, not needed here
    return {"cross-entropy": F.cross_entropy(model(x), y, reduction="none")}  # (B,)


with seeded(0):
    classifier = mlp([784, 128, 10])  # the same network: mlp writes the layers
fit(classifier, (x, y), cross_entropy, epochs=4 * more, lr=3e-3, one_cycle=True)
print(f"test accuracy after {4 * more} epochs: {accuracy(classifier):.1f} %")

# %%
supervised = accuracy(classifier)
nearest_mean = metrics.nearest_mean(x, y, x_test, y_test)
claim("supervised", "Test accuracy of 784-128-10 with a label for every image", supervised,
      "%", at_least=92, baseline=f"nearest mean image {nearest_mean:.1f}")

# %% [markdown]
# ## 2 · Unsupervised: no labels at all
#
# **k-means** divides the images into $K$ groups, the **clusters**. It repeats two steps. First, each image goes to the
# nearest of $K$ centres. Then each centre moves to the mean of its images. Neither step can raise the sum of squared
# distances to the centres, and there are only finitely many divisions. So k-means stops. You write both steps in the lab.
#
# **Predict.** Give each of ten clusters the name of its most frequent digit. For what percentage of the images is this name
# right?

# %%
prediction_named = None

# %%
kmeans = KMeans(10, n_init=1, random_state=0).fit(x[:20_000].numpy())
cluster = kmeans.predict(x.numpy())  # (N,): the number of the cluster of each image
counts = np.stack([np.bincount(y[cluster == k], minlength=10) for k in range(10)])
named = 100 * counts.max(1).sum() / len(y)
print(f"images with the most frequent digit of their cluster: {named:.1f} %")
plots.images({"centres": torch.from_numpy(kmeans.cluster_centers_)}, zoom=1, columns=[
    f"cluster {k}\n{n.argmax()} ({n.max() / n.sum():.0%})" for k, n in enumerate(counts)]);

# %% [markdown]
# Each picture is a centre, the mean of the images of its cluster, with its most frequent digit and the share of this digit.
# Some clusters are nearly a single digit. Others are shared by digits that have much ink in common, and their centres look
# like two digits at once.
#
# The number of a cluster is a name without meaning. (Over all ways to number ten clusters, it equals the digit for 10 % of
# the images on average, because each cluster gets each number equally often.) A measure must not change when we rename the
# clusters. The **adjusted Rand index** (ARI) looks at all pairs of images: do clusters and labels agree on whether the two
# belong together? It is 1 if they always agree, and 0 on average for random groups. Here it is far from both. k-means
# compares pixels only, and does not find the digits.

# %%
score([("images whose cluster has the right name (%)", prediction_named, named)])
some_x = x[:10_000].numpy()
again = [KMeans(10, n_init=1, random_state=seed).fit(some_x) for seed in range(5)]
aris = [adjusted_rand_score(y_test, km.predict(x_test.numpy())) for km in again]
claim("k-means ARI", "ARI of ten k-means clusters with the digits, test images",
      np.mean(aris), spread=np.std(aris, ddof=1), seeds=5, at_least=0.2, at_most=0.6,
      baseline="random groups 0")

# %% [markdown]
# ## 3 · Semi-supervised: a few labels, many images
#
# Labels cost time and images are often free. **Label spreading** (Zhou and others 2004) uses both. It connects each image
# with its ten nearest neighbours. Then the known labels flow along the connections, in many rounds. In each round an image
# takes 90 % of its label from its neighbours and 10 % from the label that it was given, if it has one (`alpha=0.9`). A test
# image gets the class with most weight among its ten nearest neighbours. We assume that most neighbours share a class.
#
# We take a tenth of the images, and labels for only 1 % of these. Two baselines use *only* the labelled images: the
# nearest of them, and a linear classifier (logistic regression).
#
# **Predict.** What percentage of the test images does label spreading classify correctly?

# %%
prediction_spreading = None

# %%
def choose(seed):
    """Positions of a tenth of the images, and of the few of them that have a label."""
    generator = torch.Generator().manual_seed(seed)
    some = torch.randperm(len(x), generator=generator)[: round(len(x) / 10)]
    return some, some[data.stratified_subset(y[some], round(len(x) / 1000), seed=seed)]


def spread_labels(some, few, n_neighbours):
    known = torch.where(torch.isin(some, few), y[some], -1)  # −1: the label is not known
    model = LabelSpreading(kernel="knn", n_neighbors=n_neighbours, alpha=0.9, max_iter=200)
    return model.fit(x[some].numpy(), known.numpy())

# %%
found = []
for seed in range(3):  # three random choices of the images and of the labels
    some, few = choose(seed)
    nearest = KNeighborsClassifier(1).fit(x[few].numpy(), y[few].numpy())
    linear = LogisticRegression(max_iter=300).fit(x[few].numpy(), y[few].numpy())
    found.append([100 * model.score(x_test.numpy(), y_test.numpy())
                  for model in (spread_labels(some, few, 10), nearest, linear)])
mean, spread = np.mean(found, 0), np.std(found, 0, ddof=1)
print(f"{len(few)} labels: label spreading {mean[0]:.1f} %, nearest image {mean[1]:.1f} %, "
      f"linear {mean[2]:.1f} %")

# %%
lead = mean[0] - max(mean[1:])  # over the better baseline
say(f"Label spreading is {abs(lead):.1f} points {'ahead of' if lead > 0 else 'behind'} "
    "the better baseline: the images without labels "
    + ("help." if lead >= 2 else "help little or not at all here, with so few of them."))

# %% [markdown]
# Over the unlabelled images, labels travel from one 4 to another 4 that looks different. Where two classes touch, as 4
# and 9 do, wrong labels travel too. The ± is over three random choices.

# %%
score([("test accuracy of label spreading (%)", prediction_spreading, mean[0])])
claim("label spreading",
      f"Test accuracy of label spreading, {len(few)} labels among {len(some):,} images",
      mean[0], "%", spread=spread[0], seeds=3, at_least=max(mean[1:]) + 2,
      holds_on=("mnist",),
      baseline=f"logistic regression {mean[2]:.1f} ± {spread[2]:.1f}, nearest labelled "
      f"image {mean[1]:.1f} ± {spread[1]:.1f}, both on the same labels")

# %%
n_neighbours = 10
tried = spread_labels(*choose(0), n_neighbours).score(x_test.numpy(), y_test.numpy())
print(f"{n_neighbours} neighbours, first choice of images: {100 * tried:.1f} %")

# %%
try_it("Set `n_neighbours = 3` above and run the cell. What is the test accuracy, in %?",
       None, 100 * tried, changed=n_neighbours == 3)

# %% [markdown]
# If you ran it: with three neighbours, no label reaches many of the images. scikit-learn warns of a division by zero and
# gives them the first class, 0. So the number of neighbours is a setting that matters.
#
# ## 4 · Self-supervised: targets from the images themselves
#
# Hide the lower half of a digit and let a network predict it from the upper half. For a 3, it helps to notice that it *is*
# a 3.

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
ten = x_test[plots.first_of_each(y_test)]  # (10, 784), the first image of each class
with torch.no_grad():
    joined = torch.cat([ten[:, top], hidden_half(ten[:, top])], 1)  # (10, 784)
plots.images({"real": ten, "lower half predicted": joined});

# %% [markdown]
# In the second row, the upper half is real and the lower half is predicted. Most are completed as digits, some of them
# blurred.
#
# Now we throw the decoder away. A **linear probe**, a linear classifier, reads the class from the 64 features, trained
# with 1 of 100 labels (`parts=[100]`). These are ten times as many as in section 3, so the two results cannot be compared.
# Two baselines see the same upper half: its pixels, and an encoder trained as long to copy the half that it sees. A third,
# the pixels of the whole image, shows more than the others.
#
# **Predict.** What test accuracy does the probe reach on the features of the encoder that was trained to predict the lower
# half, in %?

# %%
prediction_half = None

# %%
copying = train_half(top)
encoders = {"pixels of the whole image": lambda images: images,
            "pixels of the upper half": lambda images: images[:, top],
            "encoder, trained to copy": lambda images: copying[0](images[:, top]),
            "encoder, trained to predict": lambda images: hidden_half[0](images[:, top])}
probes = {name: metrics.probes(encode, x, y, x_test, y_test, parts=[100])[0]
          for name, encode in encoders.items()}
table(["linear probe on", "test accuracy, 1 % of the labels (%)"],
      [[name, value] for name, value in probes.items()])

# %% [markdown]
# Predicting what is hidden gives far better features than copying what is seen, with the same network. So the target
# decides what is learned. An **autoencoder** is a self-supervised network whose target is the image itself. Copying alone
# teaches little, as the table shows. This course is about what makes it teach more: a narrow code, noise, sparsity.

# %%
ours = probes["encoder, trained to predict"]
score([("linear probe on features of the upper half (%)", prediction_half, ours)])
with seeded(0):
    fresh = mlp([392, 256, 64])  # two more baselines: untrained, and the best linear code
pca = PCA(x[:, top])
others = [probes["pixels of the upper half"], probes["encoder, trained to copy"],
          *(metrics.probes(encode, x, y, x_test, y_test, parts=[100])[0] for encode in (
              lambda images: fresh(images[:, top]),
              lambda images: pca.encode(images[:, top], 64)))]
claim("hidden half", "Linear probe at 1 % of the labels, features of the upper half "
      "trained to predict the lower", ours, "% test accuracy", at_least=max(others) + 1,
      baseline=f"best other features of the same half {max(others):.1f}; pixels of the "
      f"whole image {probes['pixels of the whole image']:.1f}")

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - The four settings differ in what is *given* and *asked*.
# - Training repeats four lines: the loss of a batch, gradients to zero, new gradients, a small step.
# - The cross-entropy is $-\log p_{\text{label}}$.
# - The number of a cluster is a name without meaning. The ARI compares clusters with labels without looking at names.
# - Unlabelled images help where neighbours belong to one class and labels reach all images.
# - A target made from the image itself can teach more than copying.
#
# **Your turn:** [lab 01](../work/lab01.ipynb) (your own copy; on the web, the
# [sheet](../exercises/lab01/lab01.ipynb)). It also needs unit [01a](01a_labels.ipynb), what a label is worth.
#
# **Deeper:** [01b](01b_shuffling.ipynb) tests what a method does with labels. [01x](01x_zoo.ipynb) runs classic methods.
# **Next:** [lesson 02, the autoencoder](02_autoencoder.ipynb).
#
# ### Papers
# - S. P. Lloyd (1982). *Least squares quantization in PCM.* IEEE Transactions on Information Theory 28, 129–137.
#   (k-means)
# - L. Hubert, P. Arabie (1985). *Comparing partitions.* Journal of Classification 2, 193–218. (ARI)
# - D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf (2004). *Learning with local and global consistency.*
#   NeurIPS 16. (label spreading)
