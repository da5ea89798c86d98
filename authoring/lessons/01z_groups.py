# %% [markdown]
# # 01z · Groups without labels (optional extra)
#
# **Promise.** You will look for groups of digits without labels, and test what the method DBSCAN needs to find them.
# Then you will let a few labels spread along links between similar images.
#
# **After this unit you can** measure how well groups agree with classes; say what DBSCAN needs, and test whether it is
# there; use images without labels by label spreading, next to a supervised baseline.
#
# **Before it:** lesson 01 (k-means, label spreading). No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelSpreading

from aecourse import data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it

# %%
plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train[:4000]].numpy(), digits.y_train[train[:4000]].numpy()
few, few_y = x[:2000], y[:2000]  # for sections 1 to 3; some methods are slow

# %%
rng = np.random.default_rng(0)
left, right = rng.normal((0, 0), 0.35, (60, 2)), rng.normal((3, 0), 0.35, (60, 2))
bridge = np.linspace((0, 0), (3, 0), 12) + rng.normal(0, 0.08, (12, 2))
toys = {"a gap": np.concatenate([left, right]),
        "a bridge": np.concatenate([left, right, bridge])}
figure, axes = plt.subplots(1, 2, figsize=(9, 2.4))
for axis, (name, points) in zip(axes, toys.items(), strict=True):
    groups = DBSCAN(eps=0.5, min_samples=3).fit(points).labels_
    axis.scatter(*points.T, c=groups, cmap=plots.CLASSES, vmin=0, vmax=9, s=15)
    axis.set(title=f"{name}: {groups.max() + 1} found", aspect="equal")
    axis.set_axis_off()

# %% [markdown]
# Two groups of points, coloured by what the method DBSCAN finds. Where there is an empty space between them it finds
# two groups (left). A thin bridge of points makes them one (right). Keep this picture in mind.
#
# ## 1 · k-means
#
# No method sees the labels before section 4. We use them afterwards, to ask whether the groups have to do with
# the classes.
#
# **k-means** (lesson 01) assigns each image to the nearest of $K$ centres, moves each centre to the mean of its images,
# and repeats. Two measures compare its clusters with the classes: the adjusted Rand index (**ARI**) and the normalised
# mutual information (**NMI**). Both are 1 for equal groups; groups at random give 0 or nearly 0.

# %%
kmeans = KMeans(10, n_init=5, random_state=0).fit(few)
kmeans_ari = adjusted_rand_score(few_y, kmeans.labels_)
kmeans_nmi = normalized_mutual_info_score(few_y, kmeans.labels_)
print(f"agreement with the classes: ARI {kmeans_ari:.2f}, NMI {kmeans_nmi:.2f}")

# %%
most = [np.bincount(few_y[kmeans.labels_ == c], minlength=10).argmax() for c in range(10)]
plots.images({"centres": kmeans.cluster_centers_[np.argsort(most)]},
             columns=[f"most are {label}" for label in sorted(most)], zoom=1.1);

# %% [markdown]
# The ten centres look like digits. Above each stands the most frequent class of its images. Some classes have more than
# one centre, others have none. Lesson 01 asks why.

# %%
try_it("How many of the ten classes have no centre of their own in this picture?",
       None, 10 - len(set(most)), says="Their images went to the centres of other classes.")

# %% [markdown]
# ## 2 · DBSCAN
#
# **DBSCAN** needs a distance $\varepsilon$ and a number, here 10. An image is a **core point** if at least 10 images,
# itself included, lie within $\varepsilon$ of it. Core points within $\varepsilon$ of each other belong to one cluster,
# and so on along a chain from one to the next. An image within $\varepsilon$ of a core point joins its cluster. An
# image near no core point is called *noise*. DBSCAN need not be told how many clusters there are.
#
# To choose $\varepsilon$, its authors sort the distances of all images to their tenth neighbour (itself included) and
# look for the bend of the curve. We take the point of the curve that is furthest below the straight line between its
# ends.
#
# **Predict.** How many clusters will DBSCAN find among 2,000 digits, with $\varepsilon$ chosen at the bend?

# %%
prediction_dbscan = None

# %%
def bend(distances):
    """Return the sorted distances to the tenth neighbour, and the value at the bend."""
    curve = np.sort(np.sort(distances, axis=1)[:, 9])
    chord = np.linspace(curve[0], curve[-1], len(curve))
    return curve, curve[np.argmax(chord - curve)]

# %%
apart = pairwise_distances(few).astype(float)  # (2000, 2000)
curve, eps = bend(apart)
core = (apart <= eps).sum(1) >= 10  # (2000,)
clusters = DBSCAN(eps=eps, min_samples=10, metric="precomputed").fit(apart).labels_
sizes = np.unique(clusters[clusters >= 0], return_counts=True)[1]  # noise is -1
print(f"ε = {eps:.2f}: {100 * core.mean():.0f} % core, {np.sum(clusters < 0)} noise, "
      f"sizes of the clusters {sizes.tolist()}")

# %% [markdown]
# Perhaps this $\varepsilon$ was bad luck. So we try 25 values, from one that calls nearly all images noise to one
# that leaves hardly any noise. Noise is no cluster, but the ARI needs a group for each image. We try both: all noise as
# one group, and each noise image as a group of its own. We keep the smaller ARI.

# %%
def ari(found, labels):
    # a number of its own for each noise image; the clusters keep theirs
    single = np.where(found < 0, len(found) + np.arange(len(found)), found)
    return min(adjusted_rand_score(labels, found), adjusted_rand_score(labels, single))

# %%
def sweep(distances, labels, steps):
    """Return rows of ε, % of the images in the largest cluster, % of noise, ARI."""
    rows = []
    for e in np.linspace(*np.quantile(bend(distances)[0], [0.01, 0.99]), steps):
        found = DBSCAN(eps=e, min_samples=10, metric="precomputed").fit(distances).labels_
        largest = np.bincount(found[found >= 0], minlength=1).max()
        rows.append([e, 100 * largest / len(found), 100 * np.mean(found < 0),
                     ari(found, labels)])
    return np.array(rows)

# %%
swept = sweep(apart, few_y, 25)  # (25, 4)

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 3.3))
axes[0].plot(curve)
axes[0].axhline(eps, color=plots.VERMILION, linestyle="--", label="ε at the bend")
axes[0].set(xlabel="images, sorted", ylabel="distance to neighbour 10", title="the bend")
axes[1].plot(swept[:, 0], swept[:, 2], label="noise")
axes[1].plot(swept[:, 0], swept[:, 1], "--", label="largest cluster")
axes[1].set(xlabel="ε", ylabel="share of the images (%)", title="25 values of ε")
axes[2].plot(swept[:, 0], swept[:, 3], color=plots.GREEN, label="DBSCAN")
axes[2].axhline(kmeans_ari, color="grey", linestyle=":", label="k-means")
axes[2].set(xlabel="ε", ylabel="ARI", ylim=(-0.02, 0.6), title="agreement with the classes")
for axis in axes:
    axis.legend(frameon=False, fontsize=9)

# %% [markdown]
# Left: the curve of the distances and the chosen $\varepsilon$. Middle: as $\varepsilon$ grows, noise turns into *one*
# growing cluster. Right: the agreement with the classes stays small for every value. The dotted line is k-means.
#
# ## 3 · Why does it find no classes?
#
# The popular answer is the **curse of dimensionality**: in 784 dimensions all distances become alike. If that is right,
# fewer dimensions should help, and no classes at all should be found among 784 pixels. We test both. For fewer
# dimensions we take 2 numbers and 30 numbers by PCA, and a map in two dimensions made by t-SNE (lesson 03 looks at such
# maps). For 784 pixels we take easier and harder pairs of classes. (k-means,
# told that there are two groups, separates 0 and 1 almost perfectly.)
#
# **Predict.** The images of 0 and 1 alone, with all 784 pixels: which ARI will DBSCAN reach at its best $\varepsilon$,
# from 0 (chance) to 1 (perfect)?

# %%
prediction_pair = None

# %%
def subset(*classes):
    return few[np.isin(few_y, classes)], few_y[np.isin(few_y, classes)]


hard_pair = (3, 8)
tsne = TSNE(2, init="pca", max_iter=500, random_state=0).fit_transform(few)
spaces = {"784 pixels": (few, few_y),
          "784 pixels, without the 1s": subset(0, *range(2, 10)),
          "784 pixels, 0 and 1 alone": subset(0, 1),
          "784 pixels, hard pair alone": subset(*hard_pair),
          "PCA, 30 numbers": (PCA(30, random_state=0).fit_transform(few), few_y),
          "PCA, 2 numbers": (PCA(2, random_state=0).fit_transform(few), few_y),
          "t-SNE map": (tsne, few_y)}

# %% [markdown]
# The **contrast** is the median distance of two images, divided by the median distance to the nearest image. Near 1
# means that all distances are alike. The best ARI is chosen with the hidden labels, so it flatters DBSCAN. Two more
# methods get the same points: k-means, which is told the number of classes, and HDBSCAN, a successor of DBSCAN that
# allows each cluster a density of its own. The hard pair is 3 and 8.

# %%
found = {}
for name, (points, labels) in spaces.items():
    distances = pairwise_distances(points).astype(float)
    nearest = (distances + np.diag(np.full(len(points), np.inf))).min(1)  # not to itself
    at_bend = DBSCAN(eps=bend(distances)[1], min_samples=10, metric="precomputed")
    by_hdbscan = HDBSCAN(20, min_samples=5,  # clusters of at least 20 images
                         metric="precomputed", copy=True)
    by_kmeans = KMeans(len(set(labels)), n_init=5, random_state=0).fit_predict(points)
    found[name] = {"contrast": np.median(distances) / np.median(nearest),
                   "best": sweep(distances, labels, 15)[:, 3].max(),
                   "bend": ari(at_bend.fit_predict(distances), labels),
                   "HDBSCAN": ari(by_hdbscan.fit_predict(distances), labels),
                   "k-means": adjusted_rand_score(labels, by_kmeans)}

# %%
table(["space", "contrast", "ARI of DBSCAN: best", "at the bend", "HDBSCAN", "k-means"],
      [[name, *(f"{value:.2f}" for value in row.values())] for name, row in found.items()])

# %%
tenth = np.sort(apart, axis=1)[:, 9]  # (2000,)
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6))
axes[0].bar(range(10), [np.median(tenth[few_y == label]) for label in range(10)])
axes[0].set(xlabel="class", xticks=range(10), ylabel="median distance to neighbour 10",
            title="784 pixels")
for axis, name in zip(axes[1:], ("PCA, 2 numbers", "t-SNE map"), strict=True):
    plots.class_map(axis, spaces[name][0], few_y)
    axis.set(title=name, xlabel="axis 1", ylabel="axis 2")

# %% [markdown]
# The popular answer is not enough. With 30 principal components the contrast is larger than with 784 pixels, and DBSCAN
# finds the classes no better. And in all 784 pixels it *can* find 0 and 1 when they are alone, if the labels choose
# $\varepsilon$. At the bend, the choice that a user has, the ARI is clearly smaller. Contrast is not unimportant: the
# easy pair has more of it than the hard one. In the plane of PCA (middle) classes lie on top of each other, so a large
# contrast cannot help.
#
# A second answer is **unequal density** (left). The 1s lie much closer together than all others, so an $\varepsilon$
# that makes them a cluster calls the rest noise. Without the 1s nothing improves, and HDBSCAN does not find the digits
# either.
#
# The third answer is the first picture. DBSCAN needs a **gap** between the core points of two groups, wider than
# $\varepsilon$. Is there one? We make $\varepsilon$ smaller until the core points of the two classes are further apart
# than $\varepsilon$, and count the noise.

# %%
def noise_at_gap(points, labels):
    """Return % of noise at the largest ε smaller than the gap, and the closest two."""
    distances = pairwise_distances(points).astype(float)
    first, second = (labels == c for c in np.unique(labels))
    steps = np.linspace(*np.quantile(bend(distances)[0], [0.99, 0]), 50)
    for e in steps:
        core = (distances <= e).sum(1) >= 10
        if distances[np.ix_(core & first, core & second)].min(initial=np.inf) > e:
            break
    between = np.where(first[:, None] & second, distances, np.inf)
    noise = ~(distances[:, core] <= e).any(1)
    two = np.unravel_index(between.argmin(), between.shape)
    return 100 * noise.mean(), points[list(two)]


gaps = {name: noise_at_gap(*spaces[f"784 pixels, {name} alone"])
        for name in ("0 and 1", "hard pair")}
plots.images({f"{name}: {noise:.0f} % noise": two for name, (noise, two) in gaps.items()});

# %% [markdown]
# For 0 and 1 the gap opens while few images are noise. For 3 and 8 it opens only when most are noise. Before that, a
# bridge joins them. The pictures show the closest two images of each pair. The 3 and the 8 share most of their strokes.
#
# t-SNE (right) pulls neighbours together and opens gaps; there DBSCAN finds groups. But t-SNE made these gaps, and the
# best $\varepsilon$ was chosen with the labels; the one at the bend finds less. Another random start of t-SNE, or
# another computer, changes this ARI by several hundredths.

# %%
pixels, plane, tsne_map = (found[k] for k in ("784 pixels", "PCA, 2 numbers", "t-SNE map"))
easy, hard = (found[f"784 pixels, {pair} alone"] for pair in gaps)
claim("DBSCAN on pixels", "Best ARI of DBSCAN over all ε, on pixels", pixels["best"],
      at_most=0.2,
      baseline=f"k-means {pixels['k-means']:.2f}, HDBSCAN {pixels['HDBSCAN']:.2f}")
claim("DBSCAN after PCA", "Best ARI of DBSCAN over all ε, on two principal components",
      plane["best"], at_most=0.2,
      baseline=f"contrast {plane['contrast']:.0f}, on pixels {pixels['contrast']:.1f}; "
               f"on 30 components {found['PCA, 30 numbers']['best']:.2f}")
claim("DBSCAN on two classes", "Best ARI of DBSCAN on pixels, 0 and 1 alone", easy["best"],
      at_least=0.6, baseline=f"at the bend {easy['bend']:.2f}; {hard_pair[0]} and "
                             f"{hard_pair[1]} alone {hard['best']:.2f}")
claim("gap", "Noise among 0 and 1 when ε is smaller than the gap between them",
      gaps["0 and 1"][0], "% of the images", at_most=25,
      baseline=f"{hard_pair[0]} and {hard_pair[1]} {gaps['hard pair'][0]:.0f} %")
claim("DBSCAN on a map", "Best ARI of DBSCAN over all ε, on the t-SNE map",
      tsne_map["best"], at_least=0.25,
      baseline=f"k-means on the same map {tsne_map['k-means']:.2f}")

# %% [markdown]
# ## 4 · A few labels, many images
#
# **Label spreading** is *semi-supervised*. It links each image to its nearest neighbours, and the few known labels
# spread along the links until nothing changes. In each step an image takes a share $\alpha = 0.9$ of its answer from
# its neighbours; the rest is its given label. It is **transductive**: the images to be answered must be there during
# the training.

# %%
unknown = {f"u{n}": (n, 0, "no label") for n in (1, 2, 3)}
diagrams.flow({"a": (0, 0, "labelled: 4", plots.ORANGE), **unknown,
               "b": (4, 0, "labelled: 9", plots.SKY)},
              {("a", "u1"): "4", ("u1", "u2"): "4", ("b", "u3"): "9"}, size=(9, 1.1));

# %% [markdown]
# The picture shows two labels on their way along the links. Here only one percent of our training images has a label,
# four of each class. The accuracy is that on the other 99 %. The baseline is kNN with the same labels. No labels are
# left to choose parameters on, so we fix ten neighbours for the links, and one for kNN.
#
# **Predict.** kNN with 40 labels gets more than half right. What percentage will label spreading get?

# %%
prediction_spreading = None

# %%
spreading, supervised = [], []
for seed in range(5):
    known = data.stratified_subset(torch.from_numpy(y), len(x) // 100, seed=seed).numpy()
    given = np.full(len(x), -1)  # −1: not known
    given[known] = y[known]
    hidden = given < 0
    model = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.9, max_iter=100)
    answers = model.fit(x, given).transduction_  # an answer for each image
    spreading.append(100 * float((answers == y)[hidden].mean()))
    single = KNeighborsClassifier(1).fit(x[known], y[known])
    supervised.append(100 * single.score(x[hidden], y[hidden]))
gain = np.subtract(spreading, supervised)
print(f"label spreading {np.mean(spreading):.1f} %, kNN {np.mean(supervised):.1f} %")

# %% [markdown]
# The images without labels helped, we think because they show along which paths digits change. Why does the bridge of
# DBSCAN not spoil this? Most links lie inside a class, few go across. Spreading weighs all links, while DBSCAN needs
# only one. Both methods got the same five random choices of labelled images. Lesson 07 asks how far this idea carries
# with an autoencoder in place of pixels.

# %%
claim("label spreading", "What label spreading gains over one neighbour, at 1 % of labels",
      gain.mean(), "points of accuracy", spread=gain.std(ddof=1), seeds=5, at_least=3,
      baseline=f"spreading {np.mean(spreading):.1f} %, kNN {np.mean(supervised):.1f} %")

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("clusters that DBSCAN finds among pixels", prediction_dbscan, len(sizes)),
       ("best ARI of DBSCAN on 0 and 1 alone", prediction_pair, easy["best"]),
       ("accuracy of label spreading, 1 % of labels (%)", prediction_spreading,
        float(np.mean(spreading)))])

# %% [markdown]
# ## 6 · What to keep
#
# - k-means always finds as many groups as it is told. Whether they are the classes is another question, and needs a
#   measure such as the ARI.
# - Density-based clustering needs gaps. The ten digits leave none among their pixels.
# - To test an explanation, change what it blames, and see whether the failure goes away.
# - Label spreading uses images without labels. It needs a supervised baseline on the same labels.
#
# **Your turn:** this extra has no lab. Try the pair 4 and 9: change `hard_pair = (3, 8)`. **Deeper:** [01za](01za_parts.ipynb)
# asks which pixels go together. **Next:** [lesson 02](02_autoencoder.ipynb).
#
# ### Papers
# - S. P. Lloyd (1982). *Least squares quantization in PCM.* IEEE Transactions on Information Theory 28, 129–137.
# - M. Ester, H.-P. Kriegel, J. Sander, X. Xu (1996). *A density-based algorithm for discovering clusters in large
#   spatial databases with noise.* KDD, 226–231.
# - D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf (2004). *Learning with local and global consistency.*
#   NeurIPS 16.
# - L. van der Maaten, G. Hinton (2008). *Visualizing data using t-SNE.* Journal of Machine Learning Research 9,
#   2579–2605.
# - R. J. G. B. Campello, D. Moulavi, J. Sander (2013). *Density-based clustering based on hierarchical density
#   estimates.* PAKDD, 160–172. (HDBSCAN.)
