# %% [markdown]
# # 01b · What labels do: three tests
#
# **Promise.** You will judge a clustering with two measures, find out which images are worth a label, and settle with one
# test whether "LDA" is an unsupervised method.
#
# **After this unit you can**
# 1. judge a clustering with ARI and NMI, and compare it with random groups;
# 2. choose which images to label;
# 3. test whether a method uses labels, without reading its code.
#
# **Before it:** unit 01. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.neighbors import KNeighborsClassifier

from aecourse import data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
digits = data.load()
claim = Claims("01", digits.name)

# %%
diagrams.chains({
    "judge": ["clusters", "compare with\nhidden labels", "ARI, NMI"],
    "choose": ["images", "make clusters", "which images\nto label"],
    "test": ["images,\nshuffled labels", "the same\nmethod again", "uses labels\nor not"]});

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train].numpy(), digits.y_train[train].numpy()  # (N, 784), (N,)
x_test, y_test = digits.x_test.numpy(), digits.y_test.numpy()
seeds = range(5)

# %% [markdown]
# Each row of the diagram is a section. In each of them labels are kept back, chosen or shuffled, and we look at what
# changes.
#
# ## 1 · Judging a clustering
#
# k-means makes ten clusters without labels. Then we count the digits in each:

# %%
kmeans = KMeans(10, n_init=1, random_state=0).fit(x[:20_000])
cluster = kmeans.predict(x)  # (N,)
counts = np.stack([np.bincount(y[cluster == k], minlength=10) for k in range(10)])
plots.shares(counts, rows="cluster", columns="digit");

# %% [markdown]
# Each row is a cluster, and its numbers are percentages of this cluster; those under 5 are not written. A row with one
# dark cell is mostly one digit. Other rows are shared by digits that have much ink in common. Two measures sum this
# up, and neither looks at the clusters' numbers:
#
# - **ARI**, the adjusted Rand index, is the measure of unit 01.
# - **NMI**, the normalised mutual information, is new. The **entropy** of the digits is $H = -\sum_k p_k \log p_k$, where
#   $p_k$ is the share of digit $k$. It is the mean of $-\log p$: what we do not know about a digit, in nats. For ten digits
#   with $p = 0.1$ it is $\log 10 = 2.30$. In a cluster that is half 4 and half 9 it is $\log 2 = 0.69$, and in a cluster of
#   one digit 0. The **information** is what the cluster tells: the entropy of all digits minus the mean entropy in a
#   cluster (large clusters count more). The NMI is this information, divided by the mean of two entropies, that of the
#   digits and that of the clusters.

# %%
def entropy(n):
    p = n[n > 0] / n.sum()
    return -(p * np.log(p)).sum()


within = sum(n.sum() * entropy(n) for n in counts) / counts.sum()  # a mean over the images
h_digit, h_cluster = entropy(counts.sum(0)), entropy(counts.sum(1))
by_hand = (h_digit - within) / ((h_digit + h_cluster) / 2)
print(f"all digits {h_digit:.2f} nats, in a cluster {within:.2f}, NMI {by_hand:.3f}")

# %% [markdown]
# **Predict.** Now make 10,000 groups at random. The groups mean nothing. What is their NMI? Type a number from 0 to 1.

# %%
prediction_random = None

# %%
generator = np.random.default_rng(0)
groups = {"k-means": cluster, "k-means, renamed": generator.permutation(10)[cluster],
          "10 random groups": generator.integers(10, size=len(y)),
          "10,000 random groups": generator.integers(10_000, size=len(y))}
both = {name: [adjusted_rand_score(y, group), normalized_mutual_info_score(y, group)]
        for name, group in groups.items()}
table(["clustering", "number = digit (%)", "ARI", "NMI"],
      [[name, 100 * (group == y).mean(),
        *(f"{round(value, 3) + 0:.3f}" for value in both[name])]
       for name, group in groups.items()])

# %% [markdown]
# The share of equal numbers says nothing, because it changes when we rename the clusters. ARI and NMI stay the same. Both
# are near 0 for ten random groups. With 10,000 random groups the NMI is not. Such a group has only a few images. Most digits
# are missing in it by chance, so the entropy in a group is below 2.30. Only the ARI is adjusted for chance. So compare NMI
# only between clusterings of equally many clusters.

# %%
by_chance_ari, by_chance_nmi = both["10,000 random groups"]
score([("NMI of 10,000 random groups", prediction_random, by_chance_nmi)])
few_x = x[:10_000]
again = [KMeans(10, n_init=1, random_state=seed).fit(few_x) for seed in seeds]
nmi = [normalized_mutual_info_score(y_test, km.predict(x_test)) for km in again]
claim("k-means NMI", "NMI of ten k-means clusters with the digits, test images",
      np.mean(nmi), spread=np.std(nmi, ddof=1), seeds=5, at_least=0.3, at_most=0.7)
claim("renaming", "Change of the ARI when the clusters are renumbered",
      abs(both["k-means"][0] - both["k-means, renamed"][0]), at_most=1e-9)
claim("NMI by chance", "NMI of 10,000 random groups with the digits", by_chance_nmi,
      at_least=0.05, baseline=f"ARI {round(by_chance_ari, 3) + 0:.3f}")

# %%
n_groups = 10_000
drawn = np.random.default_rng(0).integers(n_groups, size=len(y))
nmi_drawn = normalized_mutual_info_score(y, drawn)
print(f"NMI of {n_groups:,} random groups: {nmi_drawn:.4f}")

# %%
try_it("Set `n_groups = 1000` above and run the cell. What is the NMI now?", None,
       nmi_drawn, changed=n_groups == 1000)

# %% [markdown]
# ## 2 · Which images to label
#
# Suppose that somebody will label 0.1 % of the images for us. Which images should we show? We can choose them at random. Or
# we make as many clusters as there are labels and show the image nearest to each centre. Choosing images to label is
# called **active learning**; most methods choose again after each training.
#
# Our random images have equally many of each class. This helps them a little; in practice we do not know the classes.
#
# **Predict.** By how many points does the test accuracy change, from random images to those near a centre? Both times a
# test image gets the class of the nearest labelled image. Type a negative number if the accuracy falls.

# %%
prediction_gain = None

# %%
n = round(len(x) / 1000)  # labels that we may ask for
by_chance, by_image, by_centre = [], [], []
for seed in seeds[:3]:
    few = data.stratified_subset(torch.from_numpy(y), n, seed=seed)  # balanced
    nearest = KNeighborsClassifier(1).fit(x[few], y[few])
    by_chance.append(100 * nearest.score(x_test, y_test))
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    some = order[:10_000].numpy()
    clusters = KMeans(n, n_init=1, random_state=seed).fit(x[some])
    distances = clusters.transform(x[some])  # (10000, n): from each image to each centre
    labelled = some[distances.argmin(0)]  # (n,): the image nearest to each centre
    nearest = KNeighborsClassifier(1).fit(x[labelled], y[labelled])
    by_image.append(100 * nearest.score(x_test, y_test))
    names = y[labelled][clusters.predict(x_test)]  # the class of the cluster's image
    by_centre.append(100 * (names == y_test).mean())

# %%
table([f"{n} labels: which images, and what decides", "test accuracy (%)", "±"],
      [[name, np.mean(three), np.std(three, ddof=1)] for name, three in (
          ("random, nearest labelled image", by_chance),
          ("near a centre, nearest labelled image", by_image),
          ("near a centre, nearest centre", by_centre))])

# %%
first = torch.from_numpy(x[labelled[:10]])
plots.images({"labelled": first, "their centres": torch.from_numpy(
    clusters.cluster_centers_[:10])}, columns=[str(label) for label in y[labelled[:10]]]);

# %% [markdown]
# These are ten of the labelled images, each over the centre of its cluster. Most are clear, typical digits. (On MNIST the
# seventh cluster is shared by 4 and 9, so its label is wrong for nearly half of it.) The first two rows of the table have equally many labels and the same classifier, so their difference comes from the choice of images
# alone. The third row changes the classifier, too: a test image gets the class of its cluster. The clusters use the images
# *without labels* to find out which images stand for many others.

# %%
score([("gain by the images near a centre (points)", prediction_gain,
        np.mean(by_image) - np.mean(by_chance))])
claim("whom to ask", f"Test accuracy with {n} labels, one for the centre of each cluster",
      np.mean(by_centre), "%", spread=np.std(by_centre, ddof=1), seeds=3,
      at_least=np.mean(by_chance) + 3,
      baseline=f"nearest of {n} random labelled images {np.mean(by_chance):.1f} ± "
      f"{np.std(by_chance, ddof=1):.1f}")

# %%
pick = "near"
inside = clusters.labels_[:, None] == np.arange(n)  # (10000, n): image i in cluster j?
far = np.where(inside, distances, -1).argmax(0)  # (n,): the farthest image of each
chosen_ones = some[distances.argmin(0) if pick == "near" else far]
tried = KNeighborsClassifier(1).fit(x[chosen_ones], y[chosen_ones]).score(x_test, y_test)
print(f"{pick} images, nearest labelled image: test accuracy {100 * tried:.1f} %")

# %%
try_it("Set `pick = \"far\"` above: now the image of each cluster that is farthest from "
       "its centre gets a label. What is the test accuracy, in %?", None, 100 * tried,
       changed=pick == "far")

# %% [markdown]
# If you ran it: an image far from its centre stands for few others.
#
# ## 3 · A common claim, checked
#
# > "LDA is an unsupervised method."
#
# Some overviews say this, but two methods share the three letters:
#
# - **linear discriminant analysis** (Fisher 1936) looks for directions in which the means of the classes lie far apart,
#   compared with the variance within a class;
# - **latent Dirichlet allocation** (Blei, Ng and Jordan 2003) describes each document as a mixture of topics. A topic is a
#   distribution over words.
#
# There is a test that needs no look at the code: **shuffle the labels**, keep every other setting and the *random seed*, and
# see whether anything changes. First Fisher's method with the right labels:

# %%
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
chosen = order[:5000].numpy()
shuffled = np.random.default_rng(0).permutation(y[chosen])


def discriminant(labels):
    """Linear discriminant analysis with these labels, and its test accuracy (%)."""
    # shrinkage adds a constant to the variances, since many pixels are always 0
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1, n_components=2)
    model.fit(x[chosen], labels)
    return model, 100 * model.score(x_test, y_test)


fisher, with_right = discriminant(y[chosen])
print(f"test accuracy with the right labels: {with_right:.1f} %")

# %% [markdown]
# **Predict.** What is the test accuracy when the training labels are shuffled, in %?

# %%
prediction_shuffled = None

# %%
fisher_shuffled, with_shuffled = discriminant(shuffled)
figure, axes = plt.subplots(1, 2, figsize=(9.5, 4), sharex=True, sharey=True)
for axis, name, model in zip(axes, ("right labels", "shuffled labels"),
                             (fisher, fisher_shuffled), strict=True):
    plots.class_map(axis, model.transform(x_test[:3000]), y_test[:3000])
    axis.set(title=f"linear discriminants, {name}", xlabel="direction 1",
             ylabel="direction 2")

# %%
score([("linear discriminant analysis with shuffled labels (%)", prediction_shuffled,
        with_shuffled)])

# %% [markdown]
# These are test images on the first two directions of nine. (The classifier uses all of them.) With the right labels the
# classes form groups. With shuffled labels all classes overlap, and the accuracy is near that of guessing.
#
# For the other method each image is a document, and each block of 2 × 2 pixels is a word. A block with more ink occurs more
# often in the document, up to 16 times. scikit-learn accepts labels here, too.
#
# **Predict.** How large is the largest change in a topic's word counts when the labels are shuffled? Type `"zero"` or
# `"more"`, with the quotes.

# %%
prediction_topics = None

# %%
blocks = x[chosen[:800]].reshape(-1, 14, 2, 14, 2).sum((2, 4))  # (800, 14, 14): ink
words = (4 * blocks).round().reshape(-1, 196)  # how often each of the 196 words occurs


def find_topics(labels, seed):
    allocation = LatentDirichletAllocation(10, random_state=seed, max_iter=3)
    return allocation.fit(words, labels).components_  # (10, 196): words of each topic


topics = find_topics(y[chosen[:800]], 0), find_topics(shuffled[:800], 0)
change = float(np.abs(topics[0] - topics[1]).max())
print(f"largest change when the labels are shuffled: {change:g}")
shown = torch.from_numpy(topics[0] / topics[0].max(1, keepdims=True)).float()
plots.images({"topics": shown});

# %% [markdown]
# The picture shows the ten topics. Some look like a digit, others like a stroke that several digits share. The method was
# told how many topics to find, and nothing about digits. It accepts labels, and does not use them.

# %%
score([("largest change of the topics", prediction_topics,
        "zero" if change == 0 else "more")])
claim("Fisher's LDA",
      "Test accuracy of linear discriminant analysis after shuffling its labels",
      with_shuffled, "%", at_most=25,
      baseline=f"right labels {with_right:.1f}, guessing about 10")
claim("Dirichlet LDA", "Largest change in the topics of latent Dirichlet allocation after "
      "shuffling the labels it was given", change, at_most=0)

# %%
other_seed = 0
moved = np.abs(topics[0] - find_topics(y[chosen[:800]], other_seed)).max()
print(f"largest change with seed {other_seed} and the same labels: {moved:.0f}")

# %%
try_it("Set `other_seed = 1` above and run the cell. How large is the largest change, as "
       "it is printed?", None, round(moved), changed=other_seed == 1)

# %% [markdown]
# If you ran it: the labels were the same. So shuffle with the same seed.
#
# Linear discriminant analysis breaks down with shuffled labels: it is **supervised**. The topics do not change at all:
# latent Dirichlet allocation is **unsupervised**. The sentence is true of one LDA and false of the other. An overview that
# names "LDA" next to PCA, as a way to reduce dimensions, means the first. If it calls this LDA unsupervised, it is wrong.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - ARI and NMI compare a clustering with labels without looking at names. Only the ARI is adjusted for chance.
# - With few labels, label typical images. Clusters find them.
# - Shuffle the labels, with the same seed, to test whether a method uses them.
#
# **Next:** [01x](01x_zoo.ipynb) runs the classic methods on the same digits;
# [lesson 02](02_autoencoder.ipynb) builds the autoencoder.
#
# ### Papers
# - R. A. Fisher (1936). *The use of multiple measurements in taxonomic problems.* Annals of Eugenics 7, 179–188.
# - L. Hubert, P. Arabie (1985). *Comparing partitions.* Journal of Classification 2, 193–218. (ARI)
# - D. M. Blei, A. Y. Ng, M. I. Jordan (2003). *Latent Dirichlet allocation.* Journal of Machine Learning Research 3,
#   993–1022.
