# %% [markdown]
# # 01x · A zoo of classifiers (optional extra)
#
# **Promise.** You will see five classic classifiers at work on the same digits: nearest mean, k nearest neighbours
# (kNN), decision tree, forest and support vector machine (SVM). You will say in one sentence what each of them does,
# and compare them fairly.
#
# **After this unit you can** choose a parameter on validation images and measure the result on test images; say what
# each of the five methods does, and name a weakness of each; test how a classifier takes small changes of an image.
#
# **Before it:** lesson 01, or the words *training*, *validation* and *test images*. No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from aecourse import data, plots
from aecourse.claims import Claims, score, table, try_it

# %%
plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)
# positions of so many images, the same in each run; train and valid do not overlap
train, valid, test = data.three_parts(digits, train=4000, valid=1000, test=4000)
x, y = digits.x_train[train].numpy(), digits.y_train[train].numpy()  # (4000, 784), (4000,)
x_val, y_val = digits.x_train[valid].numpy(), digits.y_train[valid].numpy()
x_test, y_test = digits.x_test[test].numpy(), digits.y_test[test].numpy()

# %%
three = np.isin(y, (3, 4, 7))  # three classes, two principal components, for a picture
flat, flat_y = PCA(2).fit_transform(x[three])[:200], y[three][:200]  # (200, 2), (200,)
edge = np.abs(flat).max() + 0.5
line = np.linspace(-edge, edge, 150)
places = np.stack(np.meshgrid(line, line), 2)  # (150, 150, 2)
methods = {"nearest mean": NearestCentroid(), "kNN": KNeighborsClassifier(5),
           "tree": DecisionTreeClassifier(max_depth=5, random_state=0),
           "SVM": SVC(C=10, gamma=0.3)}
figure, axes = plt.subplots(1, 4, figsize=(10, 2.8))
for axis, (name, method) in zip(axes, methods.items(), strict=True):
    regions = method.fit(flat, flat_y).predict(places.reshape(-1, 2)).reshape(150, 150)
    axis.imshow(regions, cmap=plots.CLASSES, vmin=0, vmax=9, alpha=0.35,
                extent=(-edge, edge, -edge, edge), origin="lower")
    plots.class_map(axis, flat, flat_y)
    axis.set(title=name, xticks=[], yticks=[])
axes[3].scatter(*flat[method.support_].T, s=22, facecolor="none", edgecolor="black");

# %% [markdown]
# Each dot is a 3, a 4 or a 7, reduced to two principal components (PCA, lesson 03). The background shows the class that
# a method would give to each place of the plane. The nearest mean cuts the plane with straight lines, kNN follows
# single dots, the tree makes rectangles, and the SVM draws smooth curves. The black rings are explained in section 4.
# From here on the methods see all 784 pixels and all ten classes.
#
# ## 1 · The same images for all
#
# A comparison is fair when all methods get the same chance. They all see the same 4,000 training images, choose a
# parameter on the same 1,000 validation images, and are measured on the same 4,000 test images. There are so few
# because the time of an SVM grows about as the square of their number. With more images the order might change.
#
# Two baselines come first. *Guessing* always names the most frequent class. The *nearest mean* compares an image with
# the ten mean images. Its distance adds the *squared* differences of all pixels. It is right for most
# test images.
#
# **Predict.** How many points of accuracy does it lose if the distance adds the *absolute* differences?

# %%
prediction_lost = None

# %%
guessing = 100 * float((y_test == np.bincount(y).argmax()).mean())
means = np.stack([x[y == label].mean(0) for label in range(10)])  # (10, 784)
closest = [((means - image) ** 2).sum(1).argmin() for image in x_test]
nearest_mean = 100 * float((y_test == closest).mean())
print(f"guessing {guessing:.1f} %, nearest mean {nearest_mean:.1f} %")

# %%
closest_abs = [np.abs(means - image).sum(1).argmin() for image in x_test]
lost = nearest_mean - 100 * float((y_test == closest_abs).mean())
score([("points lost with absolute differences", prediction_lost, lost)])

# %% [markdown]
# The choice of the distance matters. The mean is the point with the smallest sum of *squared* differences to the images
# of its class.
#
# ## 2 · k nearest neighbours
#
# **kNN** stores all training images. A new image gets the class that most of its $k$ nearest neighbours have. By hand,
# for the test image number `i`:

# %%
i = 0
distances = ((x - x_test[i]) ** 2).sum(1)  # (4000,)
nearest = distances.argsort()[:5]
votes = np.bincount(y[nearest], minlength=10)  # (10,)
print("neighbours", y[nearest], "→ answer", votes.argmax(), "truth", y_test[i])

# %% [markdown]
# scikit-learn does the same for many images: `fit(x, y)` trains, `predict(x)` answers, `score(x, y)` is the share of
# right answers. `choose` fits a method once for each value of its parameter, and keeps the model with the largest
# accuracy on the *validation* images. The test images choose nothing. They only measure the model that the validation
# images chose.

# %%
results = {}  # method → test accuracy (%), seconds to train one, to answer


def choose(name, make, values):
    """Return the best model on the validation images, its value, its test accuracy."""
    start = time.perf_counter()
    models = [make(value).fit(x, y) for value in values]
    training = (time.perf_counter() - start) / len(values)
    scores = [model.score(x_val, y_val) for model in models]
    print("validation:", *(f"{v} → {100 * s:.1f} %," for v, s in zip(values, scores)))
    best, start = int(np.argmax(scores)), time.perf_counter()
    accuracy = 100 * models[best].score(x_test, y_test)
    results[name] = [accuracy, training, time.perf_counter() - start]
    print(f"chosen: {values[best]}, {accuracy:.1f} % of the test images right")
    return models[best], values[best], accuracy


knn, k_best, knn_accuracy = choose("kNN", KNeighborsClassifier, [1, 3, 5, 10, 20])

# %%
five = knn.kneighbors(x_test, 5, return_distance=False)  # (4000, 5)
winner = np.array([np.bincount(y[row]).max() for row in five])  # votes for the winner
odd = int(winner.argmin())
try_it(f"Change `i = 0` to `i = {odd}` in the cell of kNN by hand, and run it again. "
       "How many of the five votes does the winner have?", None, int(winner[odd]),
       changed=i == odd,
       says="A winner with so few votes is close to a guess.",
       hint="Count the most frequent label in the printed list.")

# %%
answer = knn.predict(x_test)
right = [((y_test == label) & (answer == label)).argmax() for label in (2, 4, 9)]
examples = [*right, *(answer != y_test).nonzero()[0][:3]]  # three right, three wrong
rows = {}
for j in examples:
    name = f"image {j}: a {y_test[j]}, taken for a {answer[j]}"
    rows[name] = np.stack([x_test[j], *x[five[j]]])
plots.images(rows, columns=["image", "nearest", "2nd", "3rd", "4th", "5th"]);

# %% [markdown]
# Each row shows a test image and its five nearest training images; the answer is the vote of all $k$. The first four
# values of $k$ differ by about a point on the 1,000 validation images, which can be chance.

# %%
one_accuracy = 100 * KNeighborsClassifier(1).fit(x, y).score(x_test, y_test)
claim("kNN", f"kNN, k = {k_best} chosen on validation images", knn_accuracy,
      "% test accuracy", at_least=nearest_mean + 5,
      baseline=f"one neighbour {one_accuracy:.1f}, nearest mean {nearest_mean:.1f}")

# %% [markdown]
# ## 3 · Decision tree
#
# A **decision tree** asks about one pixel at a time, "is it brighter than this?", and each answer decides the next
# question. The training chooses the questions one after the other, each so that it separates the classes best. The
# parameter is the **depth**, the largest number of questions to one image.
#
# **Predict.** How many points of test accuracy is the tree above (+) or below (−) the nearest mean?

# %%
prediction_tree = None

# %%
tree, depth, tree_accuracy = choose(
    "decision tree", lambda depth: DecisionTreeClassifier(max_depth=depth, random_state=0),
    [4, 6, 8, 10, 12, 16])
score([("points above or below the nearest mean", prediction_tree,
        tree_accuracy - nearest_mean)])

# %% [markdown]
# Which pixels does the tree ask about?

# %%
asked = tree.tree_.feature  # the pixel of every node; negative where a path ends
reached = np.asarray(tree.decision_path(x_test).mean(0)).ravel()  # share of test images
heat = np.bincount(asked[asked >= 0], reached[asked >= 0], minlength=784)
bare = {"xticks": [], "yticks": []}
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.1), subplot_kw=bare)
shown = axes[0].imshow(100 * heat.reshape(28, 28), cmap="viridis", vmin=0)
figure.colorbar(shown, ax=axes[0], label="images asked about it (%)")
axes[0].set_title("which pixels the tree asks")
for axis, label in zip(axes[1:], (3, 8), strict=True):
    j = (y_test == label).argmax()
    path = tree.decision_path(x_test[[j]]).indices
    pixels = asked[path[asked[path] >= 0]]
    axis.imshow(x_test[j].reshape(28, 28), vmin=0, vmax=1)
    axis.scatter(pixels % 28, pixels // 28, s=60, color=plots.ORANGE, edgecolor="white")
    axis.set_title(f"the {len(pixels)} questions to a {label}")

# %% [markdown]
# Left: the share of test images that are asked about each pixel. Most pixels are never asked. Right: two test images
# with the pixels that decide their class. A tree explains itself, but it rests on few pixels. How does it take an image
# that lies a little further to the right?

# %%
shift = 0  # pixels to the right
shifted = np.roll(x_test.reshape(-1, 28, 28), shift, 2).reshape(-1, 784)
differs = tree.predict(shifted) != tree.predict(x_test)  # (4000,)
print(f"{100 * differs.mean():.0f} % of the tree's answers change")

# %%
moved = np.roll(x_test.reshape(-1, 28, 28), 1, 2).reshape(-1, 784)
by_means = np.array([((means - image) ** 2).sum(1).argmin() for image in moved])
try_it("Change `shift = 0` to `shift = 1` and run that cell again. "
       "What percentage of the tree's answers change?", None,
       100 * (tree.predict(moved) != tree.predict(x_test)).mean(), changed=shift == 1,
       says=f"With the nearest mean {100 * np.mean(by_means != closest):.0f} % do.",
       hint="It is the number that the cell prints.")

# %% [markdown]
# A **forest** is the vote of many trees. Each is trained on a random choice of images, with random pixels to choose
# from at each question. Does that help?

# %%
forest, _, forest_accuracy = choose(
    "forest", lambda trees: RandomForestClassifier(trees, random_state=0), [10, 100])

# %% [markdown]
# One tree does no better than the nearest mean. The forest does far better, but nobody can read a hundred trees.

# %%
claim("tree", f"Decision tree, depth {depth} chosen on validation images", tree_accuracy,
      "% test accuracy", at_least=60, at_most=nearest_mean + 2,
      baseline=f"nearest mean {nearest_mean:.1f}, a forest of 100 trees "
               f"{forest_accuracy:.1f}")

# %% [markdown]
# ## 4 · Support vector machine
#
# An **SVM** looks for a boundary between two classes with a wide **margin**, a strip on both sides of it that should be
# free of images. Images inside the strip or on the wrong side are allowed, at a cost; $C$ says how large. Only these
# images and those at the edge of the strip determine the boundary. They are the **support vectors**, ringed in the last
# panel of the first figure. The kernel $e^{-\gamma\lVert x - x'\rVert^2}$ measures how similar two images are, and
# makes the boundary nonlinear. With a large $\gamma$ the kernel is narrow, and each image has influence only nearby. We
# choose $\gamma$ for $C = 10$. scikit-learn trains one SVM for each of the 45 pairs of classes.
#
# **Predict.** What percentage of the training images are support vectors of at least one pair?

# %%
prediction_vectors = None

# %%
svm, gamma, svm_accuracy = choose("SVM", lambda gamma: SVC(C=10, gamma=gamma),
                                  [0.01, 0.03, 0.06])
vectors = 100 * len(svm.support_) / len(x)
print(f"{vectors:.0f} % are support vectors of at least one pair")
score([("training images that are support vectors (%)", prediction_vectors, vectors)])

# %%
pull = np.zeros(len(x))  # the weight of each training image; 0: not a support vector
pull[svm.support_] = np.abs(svm.dual_coef_).sum(0)  # its weights in 9 pairs, added
most = [np.where(y == label, pull, -1).argmax() for label in range(10)]
plots.images({"most weight": x[most]});

# %% [markdown]
# For each class, the training image with the largest weight in the boundaries. The unusual images count most. Support
# vectors are not few here: each image takes part in nine pairs, and can be a support vector in any of them.

# %%
claim("SVM", f"SVM, C = 10, γ = {gamma} chosen on validation images", svm_accuracy,
      "% test accuracy", at_least=knn_accuracy,
      baseline=f"kNN {knn_accuracy:.1f}; of the training images {vectors:.0f} % are "
               "support vectors")

# %% [markdown]
# What happens if the kernel is too narrow? To be quick, we train on 1,000 images:

# %%
narrower = 1  # how many times γ
svm_1000 = SVC(C=10, gamma=narrower * gamma).fit(x[:1000], y[:1000])
print(f"right: {100 * svm_1000.score(x[:1000], y[:1000]):.1f} % of the training images, "
      f"{100 * svm_1000.score(x_val, y_val):.1f} % of the validation images; "
      f"{len(svm_1000.support_)} support vectors")

# %%
narrow = SVC(C=10, gamma=10 * gamma).fit(x[:1000], y[:1000])
try_it("Change `narrower = 1` to `narrower = 10` and run that cell again. "
       "What percentage of the validation images is right?", None,
       100 * narrow.score(x_val, y_val), changed=narrower == 10,
       says=f"Of the training images {100 * narrow.score(x[:1000], y[:1000]):.1f} % are "
            "right: the SVM has memorised them.",
       hint="It is the second number that the cell prints.")

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %%
table(["method", "test accuracy (%)", "seconds to train one model", "to answer all"],
      [["guessing", guessing, None, None], ["nearest mean", nearest_mean, None, None],
       *([name, *result] for name, result in results.items())])

# %% [markdown]
# ## 6 · What to keep
#
# - A comparison is fair on the same images, with each parameter chosen on the same validation images and a baseline
#   in the same table.
# - kNN and the SVM compare whole images. One tree looks at pixels one by one, and ends up
#   near the nearest mean.
# - kNN costs nothing to train, and is slow to answer. The SVM is slow at both.
# - A tree can be read, but a shift by one pixel changes many of its answers. A forest is better, and cannot be read.
# - A kernel that is too narrow memorises the training images.
#
# **Your turn:** this extra has no lab. Add a method of scikit-learn to the table with `choose`. **Deeper:**
# [01xa](01xa_bayes.ipynb) builds a classifier that can also generate digits; [01y](01y_linear.ipynb) predicts a number
# with linear methods; [01z](01z_groups.ipynb) looks for groups without labels. **Next:** [lesson
# 02](02_autoencoder.ipynb) builds a network that finds its own description of a digit.
#
# ### Papers
# - T. M. Cover, P. E. Hart (1967). *Nearest neighbor pattern classification.* IEEE Transactions on Information Theory
#   13, 21–27.
# - L. Breiman, J. H. Friedman, R. A. Olshen, C. J. Stone (1984). *Classification and Regression Trees.* Wadsworth.
# - C. Cortes, V. Vapnik (1995). *Support-vector networks.* Machine Learning 20, 273–297.
