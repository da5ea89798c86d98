# %% [markdown]
# # 01z · Groups without labels (optional extra)
#
# **Promise.** You will look for groups of digits without labels, and test three explanations of what the method DBSCAN
# finds and does not find.
#
# **After this unit you can** measure how well clusters agree with classes; say what DBSCAN needs, and test whether it
# is there; test an explanation by changing what it blames.
#
# **Before it:** lesson 01 (k-means, the ARI). No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score, pairwise_distances

from aecourse import data, plots
from aecourse.claims import Claims, score, table, try_it

# %%
plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
few, few_y = digits.x_train[train[:2000]].numpy(), digits.y_train[train[:2000]].numpy()

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
# two groups (left). A thin bridge of points makes them one (right).
#
# ## 1 · k-means
#
# We use 2,000 images, since some methods are slow. No method sees the labels. We use them afterwards, to ask whether
# the clusters have to do with the classes.
#
# **k-means** (lesson 01) assigns each image to the nearest of $K$ centres, moves each centre to the mean of its images,
# and repeats. The adjusted Rand index (**ARI**) compares its clusters with the classes. It is 1 if the clusters are
# exactly the classes, and 0 on average for random clusters.

# %%
kmeans = KMeans(10, n_init=5, random_state=0).fit(few)
kmeans_ari = adjusted_rand_score(few_y, kmeans.labels_)
print(f"agreement with the classes: ARI {kmeans_ari:.2f}")

# %%
most = [np.bincount(few_y[kmeans.labels_ == c], minlength=10).argmax() for c in range(10)]
plots.images({"centres": kmeans.cluster_centers_[np.argsort(most)]},
             columns=[f"most are {label}" for label in sorted(most)], zoom=1.1);

# %% [markdown]
# The ten centres look like digits. Above each stands the most frequent class of its images. Some classes have more than
# one centre, others have none. Lesson 01 explains why. What happens with more centres?

# %%
K = 10
more = KMeans(K, n_init=5, random_state=0).fit_predict(few)
print(f"{K} centres: ARI {adjusted_rand_score(few_y, more):.2f}")

# %%
thirty = KMeans(30, n_init=5, random_state=0).fit(few)
try_it("Change `K = 10` to `K = 30` and run that cell again. What ARI do you get?", None,
       adjusted_rand_score(thirty.labels_, few_y), changed=K == 30,
       says="The ARI counts pairs: two images of one class in two clusters are a mistake.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 2 · DBSCAN
#
# **DBSCAN** needs a distance $\varepsilon$ and a number, here 10. An image is a **core point** if at least 10 images,
# itself included, lie within $\varepsilon$ of it. Core points within $\varepsilon$ of each other belong to one cluster,
# and so on along a chain from one to the next. An image that is no core point but lies within $\varepsilon$ of one is a
# **border point** and joins its cluster. An image farther than $\varepsilon$ from every core point is called *noise*.
# DBSCAN need not be told how many clusters there are.
#
# To choose $\varepsilon$ for the digits, we follow the authors of DBSCAN. They sort the distances of all images to
# their tenth neighbour (itself included) and look for the **elbow** of the curve. We take the point of the curve that
# is furthest below the straight line between its ends.
#
# **Predict.** How many clusters will DBSCAN find among 2,000 digits, with $\varepsilon$ chosen at the elbow?

# %%
prediction_dbscan = None

# %%
def elbow(distances):
    """Return the sorted distances to the tenth neighbour, and the value at the elbow."""
    curve = np.sort(np.sort(distances, axis=1)[:, 9])
    chord = np.linspace(curve[0], curve[-1], len(curve))
    return curve, curve[np.argmax(chord - curve)]

# %%
apart = pairwise_distances(few).astype(float)  # (2000, 2000)
curve, eps = elbow(apart)
core = (apart <= eps).sum(1) >= 10  # (2000,)
clusters = DBSCAN(eps=eps, min_samples=10, metric="precomputed").fit(apart).labels_
sizes = np.unique(clusters[clusters >= 0], return_counts=True)[1]  # noise is -1
print(f"ε = {eps:.2f}: {100 * core.mean():.0f} % core, {np.sum(clusters < 0)} noise, "
      f"sizes of the clusters {sizes.tolist()}")
score([("clusters that DBSCAN finds among pixels", prediction_dbscan, len(sizes))])

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
    for e in np.linspace(*np.quantile(elbow(distances)[0], [0.01, 0.99]), steps):
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
axes[0].axhline(eps, color=plots.VERMILION, linestyle="--", label="ε at the elbow")
axes[0].set(xlabel="images, sorted", ylabel="distance to neighbour 10", title="the elbow")
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
# ## 3 · Three explanations, tested
#
# Why does DBSCAN not find the classes? The popular answer is the **curse of dimensionality**: in 784 dimensions all
# distances become alike. If that is right, fewer dimensions should help, and no classes at all should be found among
# 784 pixels. We test both. For fewer dimensions we take 30 and 2 principal components, and a map in two dimensions made
# by t-SNE (lesson 03 looks at such maps). For 784 pixels we take an easier and a harder pair of classes, 0 and 1, 3 and
# 8. (k-means, told that there are two groups, separates 0 and 1 almost perfectly.)
#
# **Predict.** The images of 0 and 1 alone, with all 784 pixels: what ARI will DBSCAN reach at its best $\varepsilon$?

# %%
prediction_pair = None

# %%
def subset(*classes):
    return few[np.isin(few_y, classes)], few_y[np.isin(few_y, classes)]


tsne = TSNE(2, init="pca", max_iter=500, random_state=0).fit_transform(few)
spaces = {"784 pixels": (few, few_y),
          "784 pixels, without the 1s": subset(0, *range(2, 10)),
          "784 pixels, 0 and 1 alone": subset(0, 1),
          "784 pixels, 3 and 8 alone": subset(3, 8),
          "PCA, 30 components": (PCA(30, random_state=0).fit_transform(few), few_y),
          "PCA, 2 components": (PCA(2, random_state=0).fit_transform(few), few_y),
          "t-SNE map": (tsne, few_y)}

# %% [markdown]
# The **contrast** is the median distance of two images, divided by the median distance to the nearest image. Near 1
# means that all distances are alike. The best ARI is chosen with the hidden labels, so it favours DBSCAN. Two more
# methods get the same points: k-means, which is told the number of classes, and HDBSCAN, a successor of DBSCAN that
# allows each cluster a density of its own.

# %%
found = {}
for name, (points, labels) in spaces.items():
    distances = pairwise_distances(points).astype(float)
    nearest = (distances + np.diag(np.full(len(points), np.inf))).min(1)  # not to itself
    at_elbow = DBSCAN(eps=elbow(distances)[1], min_samples=10, metric="precomputed")
    by_hdbscan = HDBSCAN(20, min_samples=5,  # clusters of at least 20 images
                         metric="precomputed", copy=True)
    by_kmeans = KMeans(len(set(labels)), n_init=5, random_state=0).fit_predict(points)
    found[name] = {"contrast": np.median(distances) / np.median(nearest),
                   "best": sweep(distances, labels, 15)[:, 3].max(),
                   "elbow": ari(at_elbow.fit_predict(distances), labels),
                   "HDBSCAN": ari(by_hdbscan.fit_predict(distances), labels),
                   "k-means": adjusted_rand_score(labels, by_kmeans)}

# %%
table(["space", "contrast", "ARI of DBSCAN: best", "at the elbow", "HDBSCAN", "k-means"],
      [[name, *(f"{value:.2f}" for value in row.values())] for name, row in found.items()])
score([("best ARI of DBSCAN on 0 and 1 alone", prediction_pair,
        found["784 pixels, 0 and 1 alone"]["best"])])

# %%
tenth = np.sort(apart, axis=1)[:, 9]  # (2000,)
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6))
axes[0].bar(range(10), [np.median(tenth[few_y == label]) for label in range(10)])
axes[0].set(xlabel="class", xticks=range(10), ylabel="median distance to neighbour 10",
            title="784 pixels")
for axis, name in zip(axes[1:], ("PCA, 2 components", "t-SNE map"), strict=True):
    plots.class_map(axis, spaces[name][0], few_y)
    axis.set(title=name, xlabel="axis 1", ylabel="axis 2")

# %% [markdown]
# The popular answer is not enough. With 30 principal components the contrast is larger than with 784 pixels, and DBSCAN
# finds the classes no better. And in all 784 pixels it *can* find 0 and 1 when they are alone, if the labels choose
# $\varepsilon$. At the elbow, the choice that a user has, the ARI is clearly smaller. Contrast still matters: 0 and 1
# have more of it than 3 and 8. But it is not enough: on two principal components it is large, and the classes overlap
# (middle).
#
# A second answer is **unequal density** (left). The 1s lie much closer together than all others, so an $\varepsilon$
# that makes them a cluster calls the rest noise. Without the 1s nothing improves, and HDBSCAN does not find the digits
# either.
#
# The third answer is the first picture. DBSCAN needs a **gap** between the core points of two classes, wider than
# $\varepsilon$. Is there one? We make $\varepsilon$ smaller until the gap is open, and count the noise. In the code
# `core & first` are the core points of one class, and `np.ix_` picks the block of distances between the core points of
# the two classes. The gap is open if even the smallest of these is above $\varepsilon$.

# %%
def noise_at_gap(points, labels):
    """Return % of noise at the largest ε for which the gap between two classes is open."""
    distances = pairwise_distances(points).astype(float)
    first, second = (labels == c for c in np.unique(labels))
    for e in np.linspace(*np.quantile(elbow(distances)[0], [0.99, 0]), 50):
        core = (distances <= e).sum(1) >= 10
        if distances[np.ix_(core & first, core & second)].min(initial=np.inf) > e:
            break
    near_core = (distances[:, core] <= e).any(1)
    return 100 * (1 - near_core.mean())

# %%
def closest_two(points, labels):
    """Return the two images, one of each class, with the smallest distance."""
    one, other = (points[labels == c] for c in np.unique(labels))
    i, j = divmod(pairwise_distances(one, other).argmin(), len(other))
    return np.stack([one[i], other[j]])


pairs = {name: spaces[f"784 pixels, {name} alone"] for name in ("0 and 1", "3 and 8")}
gaps = {name: noise_at_gap(*pair) for name, pair in pairs.items()}
plots.images({f"{name}: {gaps[name]:.0f} % noise": closest_two(*pair)
              for name, pair in pairs.items()});

# %% [markdown]
# For 0 and 1 the gap opens while few images are noise. For 3 and 8 it opens only when most are noise. Before that, a
# bridge joins them. The pictures show the closest two images of each pair. The 3 and the 8 share most of their strokes.
#
# t-SNE (right panel above) pulls neighbours together and opens gaps; there DBSCAN finds groups. But t-SNE made these
# gaps, and the best $\varepsilon$ was chosen with the labels. At the elbow the ARI is not far below. (Both change by
# several hundredths with another random start of t-SNE, or on another computer.)

# %%
pixels, tsne_map = found["784 pixels"], found["t-SNE map"]
plane = found["PCA, 2 components"]
easy, hard = (found[f"784 pixels, {pair} alone"] for pair in gaps)
claim("DBSCAN on pixels", "Best ARI of DBSCAN over all ε, on pixels", pixels["best"],
      at_most=0.2,
      baseline=f"k-means {pixels['k-means']:.2f}, HDBSCAN {pixels['HDBSCAN']:.2f}")
claim("DBSCAN after PCA", "Best ARI of DBSCAN over all ε, on two principal components",
      plane["best"], at_most=0.2,
      baseline=f"contrast {plane['contrast']:.0f}, on pixels {pixels['contrast']:.1f}; "
               f"on 30 components {found['PCA, 30 components']['best']:.2f}")
claim("DBSCAN on two classes", "Best ARI of DBSCAN on pixels, 0 and 1 alone", easy["best"],
      at_least=0.6, baseline=f"at the elbow {easy['elbow']:.2f}; "
                             f"3 and 8 alone {hard['best']:.2f}")
claim("gap", "Noise among 0 and 1 when ε is smaller than the gap between them",
      gaps["0 and 1"], "% of the images", at_most=25,
      baseline=f"3 and 8 {gaps['3 and 8']:.0f} %")
claim("DBSCAN on a map", "Best ARI of DBSCAN over all ε, on the t-SNE map",
      tsne_map["best"], at_least=0.25,
      baseline=f"k-means on the same map {tsne_map['k-means']:.2f}")

# %%
pair = (3, 8)
print(f"{pair}: the gap is open at {noise_at_gap(*subset(*pair)):.0f} % noise")

# %%
try_it("Change `pair = (3, 8)` to `pair = (0, 7)` and run that cell again. What percentage "
       "is noise when the gap is open?", None, noise_at_gap(*subset(7, 0)),
       changed=pair == (0, 7), says="Try other pairs, such as 4 and 9.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - k-means always finds as many groups as it is told. Whether they are the classes is another question, and needs a
#   measure such as the ARI.
# - Density-based clustering needs gaps. Some pairs of digits leave one among their pixels (0 and 1), others do not (3
#   and 8), and one bridge is enough to join two classes.
# - To test an explanation, change what it blames, and see whether the failure goes away.
#
# **Your turn:** this extra has no lab. Run `noise_at_gap` for all 45 pairs, and see for how many of them the gap opens
# below 25 % noise. **Deeper:** [01za](01za_parts.ipynb) asks which pixels go together; [01zb](01zb_spreading.ipynb)
# lets a few labels spread over many images. **Next:** [lesson 02](02_autoencoder.ipynb).
#
# ### Papers
# - S. P. Lloyd (1982). *Least squares quantization in PCM.* IEEE Transactions on Information Theory 28, 129–137.
# - M. Ester, H.-P. Kriegel, J. Sander, X. Xu (1996). *A density-based algorithm for discovering clusters in large
#   spatial databases with noise.* KDD, 226–231.
# - L. van der Maaten, G. Hinton (2008). *Visualizing data using t-SNE.* Journal of Machine Learning Research 9,
#   2579–2605.
# - R. J. G. B. Campello, D. Moulavi, J. Sander (2013). *Density-based clustering based on hierarchical density
#   estimates.* PAKDD, 160–172. (HDBSCAN.)
