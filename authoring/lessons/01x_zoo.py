# %% [markdown]
# # 01x · A zoo of classifiers (optional extra)
#
# **Promise.** You will see six classic classifiers at work on the same digits: nearest mean, k nearest neighbours (kNN),
# decision tree, forest, naive Bayes and support vector machine (SVM). You will say in one sentence what each of them
# does, and compare them fairly.
#
# **After this unit you can** choose a parameter on validation images and leave the test images alone; say what each
# of the six methods does, and name a weakness of each; tell from its samples what a
# generative model has learned.
#
# **Before it:** lesson 01, or the words *training*, *validation* and *test images*. No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from aecourse import data, plots
from aecourse.claims import Claims, score, table, try_it

# %%
plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
train, valid = train[:4000], valid[:1000]
mixed = torch.randperm(len(digits.x_test), generator=torch.Generator().manual_seed(0))
test = mixed[:4000]
x, y = digits.x_train[train].numpy(), digits.y_train[train].numpy()  # (4000, 784), (4000,)
x_val, y_val = digits.x_train[valid].numpy(), digits.y_train[valid].numpy()
x_test, y_test = digits.x_test[test].numpy(), digits.y_test[test].numpy()

# %%
three = np.isin(y, (3, 4, 7))  # three classes and two numbers per image, for a picture
flat, flat_y = PCA(2).fit_transform(x[three])[:200], y[three][:200]  # (200, 2), (200,)
edge = np.abs(flat).max() + 0.5
places = np.stack(np.meshgrid(*2 * [np.linspace(-edge, edge, 150)]), 2)
methods = {"nearest mean": NearestCentroid(), "kNN": KNeighborsClassifier(5),
           "tree": DecisionTreeClassifier(max_depth=5, random_state=0),
           "naive Bayes": GaussianNB(), "SVM": SVC(C=10, gamma=0.3)}
figure, axes = plt.subplots(1, 5, figsize=(11, 2.6))
for axis, (name, method) in zip(axes, methods.items(), strict=True):
    regions = method.fit(flat, flat_y).predict(places.reshape(-1, 2)).reshape(150, 150)
    axis.imshow(regions, cmap=plots.CLASSES, vmin=0, vmax=9, alpha=0.35,
                extent=(-edge, edge, -edge, edge), origin="lower")
    plots.class_map(axis, flat, flat_y)
    axis.set(title=name, xticks=[], yticks=[])
axes[4].scatter(*flat[method.support_].T, s=22, facecolor="none", edgecolor="black");

# %% [markdown]
# Each dot is a 3, a 4 or a 7, reduced to two numbers (by PCA, lesson 03). The background shows the class that a
# method would give to each place of the plane. The nearest mean cuts the plane with straight lines, kNN follows single
# dots, the tree makes rectangles, naive Bayes and the SVM draw smooth curves. The
# black rings are explained in section 5. In this unit the methods see all 784
# pixels and all ten classes.
#
# ## 1 · The same images for all
#
# A comparison is fair when all methods get the same chance. They all see the same 4,000 training images, choose a
# parameter on the same 1,000 validation images, and are measured on the same 4,000 test images. There are so few
# because the time of an SVM grows about as the square of their number. With more images the order might change.
#
# Two baselines come first. *Guessing* always names the most frequent class. The *nearest mean* compares an image with
# the ten mean images.
#
# **Predict.** Guessing is right for about one test image in ten. What percentage does the nearest mean get right?

# %%
prediction_mean = None

# %%
guessing = 100 * float((y_test == np.bincount(y).argmax()).mean())
means = np.stack([x[y == label].mean(0) for label in range(10)])  # (10, 784)
closest = [((means - image) ** 2).sum(1).argmin() for image in x_test]
nearest_mean = 100 * float((y_test == closest).mean())
print(f"guessing {guessing:.1f} %, nearest mean {nearest_mean:.1f} %")

# %% [markdown]
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
# scikit-learn does the same for many images. All its methods work alike: `fit(x, y)` trains, `predict(x)` answers,
# `score(x, y)` is the share of right answers. `choose` fits a method once for each value of its parameter, prints the
# accuracies on the *validation* images, and keeps the model with the largest. The test images are used once, at the
# end.

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
    return models[best], values[best], accuracy


knn, k_best, knn_accuracy = choose("kNN", KNeighborsClassifier, [1, 3, 5, 10, 20])
print(f"k = {k_best}: {knn_accuracy:.1f} % of the test images right")

# %% [markdown]
# The first four values differ by about a point. With 1,000 images, that can be chance.

# %%
five = knn.kneighbors(x_test, 5, return_distance=False)  # (4000, 5)
winner = np.array([np.bincount(y[row]).max() for row in five])  # votes for the winner
odd = int(winner.argmin())
try_it(f"Change `i = 0` to `i = {odd}` in the cell of kNN by hand, and run it again. "
       "How many of the five votes does the winner have?", None, int(winner[odd]),
       changed=i == odd,
       says="Where labels tie, argmax takes the smallest one, which is chance.",
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
# Each row shows a test image and its five nearest training images; the answer is the vote of all $k$. Training costs
# nothing, but each answer costs a distance to every stored image.

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
# **Predict.** What percentage of the test images will the tree get right?

# %%
prediction_tree = None

# %%
tree, depth, tree_accuracy = choose(
    "decision tree", lambda depth: DecisionTreeClassifier(max_depth=depth, random_state=0),
    [4, 6, 8, 10, 12, 16])
nodes = tree.tree_  # node 0 is the first question
print(f"depth {depth}: {tree_accuracy:.1f} % right; the first question: "
      f"pixel (row, column) {divmod(int(nodes.feature[0]), 28)} > {nodes.threshold[0]:.2}")

# %% [markdown]
# Which pixels does the tree ask about?

# %%
asked = nodes.feature  # the pixel of every node; negative where a path ends
reached = np.asarray(tree.decision_path(x_test).mean(0)).ravel()  # share of test images
heat = np.bincount(asked[asked >= 0], reached[asked >= 0], minlength=784)
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.1))
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
for axis in axes:
    axis.set_axis_off()

# %% [markdown]
# Left: the share of test images that are asked about each pixel. Most pixels are never asked. Right: two test images
# with the pixels that decide their class. A tree explains itself, but it rests on few pixels, and a stroke that lies
# one pixel further can lead to another answer. One tree does no better than the nearest mean. A **forest** is the vote
# of many trees. Each is trained on a random choice of images, with random pixels to choose from at each question. A
# forest does far better, and nobody can read its hundred trees.

# %%
forest, _, forest_accuracy = choose(
    "forest", lambda trees: RandomForestClassifier(trees, random_state=0), [10, 100])

# %%
claim("tree", f"Decision tree, depth {depth} chosen on validation images", tree_accuracy,
      "% test accuracy", at_least=60, at_most=nearest_mean + 2,
      baseline=f"nearest mean {nearest_mean:.1f}, a forest of 100 trees "
               f"{forest_accuracy:.1f}")

# %% [markdown]
# ## 4 · Naive Bayes
#
# **Naive Bayes** learns how probable it is that pixel $i$ is white in class $y$, $p(x_i \mid y)$. It treats pixels as
# if they were independent given the class, so the probability of an image is a product. Bayes' rule turns it into a
# probability of the class:
#
# $$p(y \mid x) \propto p(y) \prod_{i=1}^{784} p(x_i \mid y).$$
#
# The **Bernoulli** version works on binarised pixels, black or white. By hand, with $\alpha = 1$ imaginary white
# and one imaginary black image added to each class, so that no probability is zero:

# %%
binary = x > 0.5
theta = np.stack([(binary[y == c].sum(0) + 1) / ((y == c).sum() + 2) for c in range(10)])
prior = np.log(np.bincount(y) / len(y))  # log p(y), (10,)
white = x_test[0] > 0.5  # (784,)
log_joint = prior + np.log(np.where(white, theta, 1 - theta)).sum(1)  # (10,)
print("most probable class", log_joint.argmax(), "  truth", y_test[0])

# %% [markdown]
# The logarithm turns the product into a sum. `theta` has the shape (10, 784): one picture for each class.
#
# `BernoulliNB` does this for all images, with $\alpha$ chosen on validation images. The **Gaussian** version,
# `GaussianNB`, works on grey levels and learns a mean and a variance of each pixel in each class.
#
# **Predict.** Bernoulli naive Bayes gives each class a probability. How large, in per cent, is the one that it gives to
# its own answer, on average over the test images?

# %%
prediction_confidence = None

# %%
bernoulli, alpha, bernoulli_accuracy = choose(
    "Bernoulli naive Bayes", lambda alpha: BernoulliNB(alpha=alpha, binarize=0.5),
    [1e-4, 1e-3, 1e-2, 0.1, 1.0])
gaussian, smoothing, gaussian_accuracy = choose(
    "Gaussian naive Bayes", lambda s: GaussianNB(var_smoothing=s),
    [1e-9, 1e-3, 1e-2, 0.1, 1.0])
confidence = 100 * bernoulli.predict_proba(x_test).max(1).mean()
by_default = 100 * GaussianNB().fit(x, y).score(x_test, y_test)
print(f"Bernoulli: {bernoulli_accuracy:.1f} % right, mean confidence {confidence:.1f} %")
print(f"Gaussian: {by_default:.1f} % right by default, {gaussian_accuracy:.1f} % smoothed")

# %% [markdown]
# The default of the Gaussian version fails. Many pixels are black in all training images of a class. Their variance
# is zero, and a single grey pixel there makes a class impossible. scikit-learn adds a share of the largest variance to
# all variances. Its default share is tiny; the validation images ask for far more.
#
# Naive Bayes is a **generative model**. It says $p(x \mid y)$, so it can generate images:

# %%
rng = np.random.default_rng(0)
theta = np.exp(bernoulli.feature_log_prob_)  # p(pixel is white | class), (10, 784)
samples = (rng.random(theta.shape) < theta).astype(float)
real = x[[(y == label).argmax() for label in range(10)]] > 0.5
plots.images({"learned p(white)": theta, "samples": samples,
              "training images": real.astype(float)});

# %% [markdown]
# First row: the probability of white in each class. Second row: samples, one throw of a coin for each pixel. Third row:
# real images, binarised. The samples have the right amount of ink in the right region, but no strokes. The model
# generates each pixel alone, so a white pixel tells it nothing about its neighbour. In real images adjacent pixels say
# nearly the same, but the model counts each as new evidence. So it is almost always confident, and far less often
# right. Do not trust its probabilities.

# %%
def neighbour_correlation(images):
    """Correlation of horizontally adjacent pixels, after subtracting their own means."""
    centred = (images - images.mean(0)).reshape(-1, 28, 28)
    left, right = centred[:, :, :-1], centred[:, :, 1:]
    return (left * right).sum() / np.sqrt((left**2).sum() * (right**2).sum())


twos = (x[y == 2] > 0.5).astype(float)
sampled_twos = (rng.random((len(twos), 784)) < theta[2]).astype(float)
claim("Gaussian naive Bayes", "Gain of Gaussian naive Bayes from a chosen smoothing",
      gaussian_accuracy - by_default, "points of test accuracy", at_least=10,
      baseline=f"{gaussian_accuracy:.1f} % with {smoothing:g}, {by_default:.1f} % by "
               f"default; Bernoulli {bernoulli_accuracy:.1f} %")
claim("independence", "Correlation of adjacent pixels within the class 2, in samples",
      neighbour_correlation(sampled_twos), near=0, within=0.05,
      baseline=f"in real images {neighbour_correlation(twos):.2f}")
claim("overconfident", "Mean probability that Bernoulli naive Bayes gives its own answer",
      confidence, "%", at_least=bernoulli_accuracy + 5,
      baseline=f"it is right in {bernoulli_accuracy:.1f} %")

# %% [markdown]
# ## 5 · Support vector machine
#
# An **SVM** looks for the boundary with the widest **margin**, the distance from the boundary to the nearest images of
# both classes. Only the images at the margin or on its wrong side determine the boundary. They are the **support
# vectors**, ringed in the last panel of the first figure. The parameter $C$ says how much an image on the wrong side
# costs. The kernel $e^{-\gamma\lVert x - x'\rVert^2}$ bends the boundary: it measures how similar two images are. With
# a large $\gamma$ the kernel is narrow, and each image acts only on its near surroundings. We choose $\gamma$ for $C = 10$.
# scikit-learn trains one SVM for each of the 45 pairs of classes.
#
# **Predict.** What percentage of the training images are support vectors of at least one pair?

# %%
prediction_vectors = None

# %%
svm, gamma, svm_accuracy = choose("SVM", lambda gamma: SVC(C=10, gamma=gamma),
                                  [0.01, 0.03, 0.06])

# %%
straight = SVC(C=10, kernel="linear").fit(x, y)
for name, model in {"linear": straight, f"γ = {gamma}": svm}.items():
    vectors = 100 * len(model.support_) / len(x)
    pair = 100 * (model.dual_coef_ != 0).sum() / (9 * len(x))  # an image is in nine pairs
    print(f"{name}: {vectors:.0f} % are support vectors of at least one pair, "
          f"{pair:.0f} % of a pair's images are its support vectors")

# %%
pull = np.zeros(len(x))  # the weight of each training image; 0: not a support vector
pull[svm.support_] = np.abs(svm.dual_coef_).sum(0)  # its weights in 9 pairs, added
most = [np.where(y == label, pull, -1).argmax() for label in range(10)]
least = [np.where(y == label, pull, np.inf).argmin() for label in range(10)]
plots.images({"most weight": x[most], "least weight": x[least]});

# %% [markdown]
# Upper row: for each class the training image with the largest weight in the boundaries. Lower row: one with the
# smallest. The unusual images count most.
#
# Support vectors are not few here (see the numbers above). An image has nine pairs to be one in, and the kernel is
# narrow. With a linear kernel a pair needs far fewer.

# %%
claim("SVM", f"SVM, C = 10, γ = {gamma} chosen on validation images", svm_accuracy,
      "% test accuracy", at_least=knn_accuracy,
      baseline=f"kNN {knn_accuracy:.1f}; of the training images {vectors:.0f} % are "
               "support vectors")

# %% [markdown]
# ## 6 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("test accuracy of the nearest mean (%)", prediction_mean, nearest_mean),
       ("test accuracy of the decision tree (%)", prediction_tree, tree_accuracy),
       ("mean confidence of naive Bayes (%)", prediction_confidence, confidence),
       ("training images that are support vectors (%)", prediction_vectors, vectors)])

# %%
table(["method", "test accuracy (%)", "seconds to train one model", "to answer all"],
      [["guessing", guessing, None, None], ["nearest mean", nearest_mean, None, None],
       *([name, *result] for name, result in results.items())])

# %% [markdown]
# ## 7 · What to keep
#
# - A comparison is fair on the same images, with each parameter chosen on the same validation images and a baseline
#   in the same table.
# - kNN and the SVM compare whole images. One tree and naive Bayes look at pixels one by one, and end up near
#   the nearest mean.
# - kNN costs nothing to train, and takes its time to answer. The SVM takes time for both.
# - A generative model can be tested by what it generates.
# - A probability that a classifier reports need not be one that you can trust.
#
# **Your turn:** this extra has no lab. Add a method of scikit-learn to the table with `choose`. **Deeper:**
# [01y](01y_linear.ipynb) predicts a number with linear methods; [01z](01z_groups.ipynb) looks for groups without
# labels. **Next:** [lesson 02](02_autoencoder.ipynb) builds a network that finds its own description of a digit.
#
# ### Papers
# - T. M. Cover, P. E. Hart (1967). *Nearest neighbor pattern classification.* IEEE Transactions on Information Theory
#   13, 21–27.
# - L. Breiman, J. H. Friedman, R. A. Olshen, C. J. Stone (1984). *Classification and Regression Trees.* Wadsworth.
# - C. Cortes, V. Vapnik (1995). *Support-vector networks.* Machine Learning 20, 273–297.
