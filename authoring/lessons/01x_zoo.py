# %% [markdown]
# # 01x · A zoo of classic methods (optional extra)
#
# **Promise.** You will see every method of the usual table at work on the same digits, say in one sentence what each
# is and what it was asked, and know which of them are one method under two names.
#
# **After this lesson you can**
# 1. name for each of fifteen methods whether it uses labels, and what question it answers;
# 2. compare classifiers fairly: the same images, parameters chosen on the same validation images, a baseline beside
#    them;
# 3. derive ridge regression and the lasso from a prior on the weights, and check it with numbers;
# 4. explain why DBSCAN finds no digits among pixels, and test the popular reason;
# 5. read support, confidence and lift, and show that PCA is a singular value decomposition.
#
# **Before it:** lesson 01, or the words *training*, *validation*, *test*, and a little linear algebra. Nothing later
# needs this lesson.
# **Time:** about 50 minutes to read; all cells together run in less than 75 seconds on two cores. Four questions ask
# for your prediction. Type a number, then run on; the end of the lesson compares.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import minimize
from scipy.stats import laplace, norm
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
from sklearn.decomposition import PCA, LatentDirichletAllocation
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import BayesianRidge, Lasso, LinearRegression, Ridge
from sklearn.linear_model import lasso_path
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics import pairwise_distances
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

# %%
from aecourse import data, metrics, plots
from aecourse.claims import Claims, say, score, table

plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)
digits

# %% [markdown]
# ## 1 · One set of images for all
#
# A comparison is fair when all methods get the same chance. So all of them see the same 4,000 training images, choose
# their parameter on the same 1,000 validation images, and are measured on the same 4,000 test images, drawn at
# random. These are few, because some methods slow down quickly: the time of a support vector machine grows about as
# the square of the number of images. With all images every figure would be better, and the order might differ.
# scikit-learn does the work; it takes NumPy arrays.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
train, valid = train[:4000], valid[:1000]
mixed = torch.randperm(len(digits.x_test), generator=torch.Generator().manual_seed(0))
test = mixed[:4000]

x, y = digits.x_train[train].numpy(), digits.y_train[train].numpy()
x_val, y_val = digits.x_train[valid].numpy(), digits.y_train[valid].numpy()
x_test, y_test = digits.x_test[test].numpy(), digits.y_test[test].numpy()


def draw(rows, **options):
    """plots.images for arrays of numpy."""
    return plots.images({name: torch.as_tensor(a).float() for name, a in rows.items()},
                        **options)

# %% [markdown]
# Two helpers keep the book. `choose` fits a method once for each value of its parameter and keeps the one that is
# best on the validation images. `keep` writes a line of the final table.

# %%
zoo = []


def keep(method, kind, question, result, seconds):
    zoo.append([method, kind, question, result, f"{seconds:.1f}"])


def choose(name, make, values):
    """Return the best model on the validation images, its value, its test accuracy (%)."""
    start = time.perf_counter()
    models = [make(value).fit(x, y) for value in values]
    best = int(np.argmax([model.score(x_val, y_val) for model in models]))
    accuracy = 100 * models[best].score(x_test, y_test)
    keep(name, "supervised", "which class?", f"{accuracy:.1f} % right",
         time.perf_counter() - start)
    return models[best], values[best], accuracy

# %% [markdown]
# The baselines come first. *Guessing* names the most frequent class. The *nearest mean* compares an image with the
# ten mean images. Both need no parameter and next to no time.

# %%
start = time.perf_counter()
guessing = 100 * float((y_test == np.bincount(y).argmax()).mean())
keep("guessing", "baseline", "which class?", f"{guessing:.1f} % right",
     time.perf_counter() - start)
start = time.perf_counter()
means = np.stack([x[y == label].mean(0) for label in range(10)])
nearest = pairwise_distances(x_test, means).argmin(1)
nearest_mean = 100 * float((nearest == y_test).mean())
keep("nearest mean", "baseline", "which class?", f"{nearest_mean:.1f} % right",
     time.perf_counter() - start)
print(f"guessing {guessing:.1f} %, nearest mean {nearest_mean:.1f} %")

# %%
say(f"The nearest mean is right {nearest_mean / guessing:.1f} times as often as guessing.")

# %% [markdown]
# A classifier that does not beat the nearest mean has learned little.
#
# ## 2 · Four classifiers
#
# ### k nearest neighbours
#
# **kNN** stores all training images; a new image gets the class that most of its $k$ nearest neighbours have.

# %%
knn, k_best, knn_accuracy = choose(
    "kNN", lambda k: KNeighborsClassifier(k, algorithm="brute"), [1, 3, 5, 10])
one_neighbour = KNeighborsClassifier(1, algorithm="brute").fit(x, y)
one_accuracy = 100 * one_neighbour.score(x_test, y_test)
claim("kNN", f"kNN, k = {k_best} chosen on validation images", knn_accuracy,
      "% test accuracy", at_least=nearest_mean + 5,
      baseline=f"one neighbour {one_accuracy:.1f}, nearest mean {nearest_mean:.1f}")

# %%
answer = knn.predict(x_test)
right = [((y_test == label) & (answer == label)).argmax() for label in (2, 4, 9)]
wrong = (answer != y_test).nonzero()[0][:3]
shown = np.concatenate([right, wrong])
around = knn.kneighbors(x_test[shown], 5, return_distance=False)
rows = {}
for number, (i, near) in enumerate(zip(shown, around, strict=True), start=1):
    name = f"{number}: a {y_test[i]}, taken for a {answer[i]}"
    rows[name] = np.concatenate([x_test[[i]], x[near]])
draw(rows, columns=["image", "nearest", "2nd", "3rd", "4th", "5th"]);

# %% [markdown]
# Each row shows a test image and its five nearest training images; three answers are right, three are wrong. The
# neighbours explain every answer: pixel by pixel they do lie near, and where they all disagree the vote is hardly
# better than drawing lots. Training costs nothing; each answer costs a distance to every stored image.
#
# ### Decision tree
#
# A **decision tree** asks about one pixel at a time, "is it brighter than this?", and each answer leads to the next
# question.
#
# **Predict.** What percentage of the test images will the tree get right? (The two baselines stand above.)

# %%
prediction_tree = None

# %%
tree, depth, tree_accuracy = choose(
    "decision tree", lambda depth: DecisionTreeClassifier(max_depth=depth, random_state=0),
    [4, 6, 8, 10, 12, 16])
forest = RandomForestClassifier(100, random_state=0).fit(x, y)
claim("tree", f"Decision tree, depth {depth} chosen on validation images", tree_accuracy,
      "% test accuracy", at_least=60, at_most=nearest_mean + 2,
      baseline=f"nearest mean {nearest_mean:.1f}, a forest of 100 trees "
               f"{100 * forest.score(x_test, y_test):.1f}")

# %%
asked = tree.tree_.feature  # the pixel of every node; negative in a leaf
visits = np.asarray(tree.decision_path(x_test).mean(0)).ravel()  # share of test images
heat = np.bincount(asked[asked >= 0], visits[asked >= 0], minlength=784)
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.1))
shown = axes[0].imshow(100 * heat.reshape(28, 28), cmap="viridis", vmin=0)
figure.colorbar(shown, ax=axes[0], label="images asked about it (%)")
axes[0].set_title("which pixels the tree asks")
for axis, label in zip(axes[1:], (3, 8), strict=True):
    i = (y_test == label).argmax()
    nodes = tree.decision_path(x_test[[i]]).indices
    pixels = asked[nodes[asked[nodes] >= 0]]
    axis.imshow(x_test[i].reshape(28, 28), vmin=0, vmax=1)
    axis.scatter(pixels % 28, pixels // 28, s=60, color=plots.ORANGE, edgecolor="white")
    axis.set_title(f"the {len(pixels)} questions to a {label}")
for axis in axes:
    axis.set_axis_off()

# %% [markdown]
# Left: the share of test images that are asked about each pixel; most pixels are never asked. Right: two test images
# with the pixels that decide their class. A tree explains itself, but it rests on a few single pixels, and a stroke
# that lies one pixel further can lead to another answer. One tree does no better than the nearest mean. (A *forest*,
# the vote of many trees, each grown on different images and pixels, does far better.)
#
# ### Naive Bayes
#
# **Naive Bayes** learns how probable each pixel is in each class, $p(x_i \mid y)$, multiplies them as if pixels were
# independent given the class, and turns the product round by Bayes' rule: $p(y \mid x) \propto p(y)\prod_i p(x_i \mid
# y)$. The Bernoulli version works on binarised pixels, the Gaussian one on grey levels. Validation chooses $\alpha$,
# a number of imaginary images added to each count, and the smoothing explained below.

# %%
bernoulli, alpha, bernoulli_accuracy = choose(
    "Bernoulli naive Bayes", lambda alpha: BernoulliNB(alpha=alpha, binarize=0.5),
    [1e-4, 1e-3, 1e-2, 0.1, 1.0])
gaussian, smoothing, gaussian_accuracy = choose(
    "Gaussian naive Bayes", lambda s: GaussianNB(var_smoothing=s),
    [1e-9, 1e-3, 1e-2, 0.1, 1.0])
by_default = 100 * GaussianNB().fit(x, y).score(x_test, y_test)
claim("Gaussian naive Bayes", "Gain of Gaussian naive Bayes from a chosen smoothing",
      gaussian_accuracy - by_default, "points of test accuracy", at_least=10,
      baseline=f"{gaussian_accuracy:.1f} % with {smoothing:g}, {by_default:.1f} % by "
               f"default; Bernoulli {bernoulli_accuracy:.1f} %")

# %% [markdown]
# The Gaussian version shows a small failure. Many pixels are black in all training images of a class: their variance
# is zero, and a single grey pixel there makes a class impossible. scikit-learn adds a share of the largest variance
# to all; its default share is tiny, and the validation images ask for far more.
#
# Naive Bayes is a **generative model**: it says $p(x \mid y)$, so we can draw from it. Here is what it has learned,
# and what it dreams of:

# %%
rng = np.random.default_rng(0)
theta = np.exp(bernoulli.feature_log_prob_)  # p(pixel is white | class), shape (10, 784)
sampled = rng.random(theta.shape) < theta
real = x[[(y == label).argmax() for label in range(10)]] > 0.5
draw({"learned p(white)": theta, "drawn from the model": sampled, "training images": real});

# %% [markdown]
# First row: the probability of white in each class, a blurred mean. Second row: samples, one coin for each pixel.
# Third row: real images, binarised. The samples have the right amount of ink in the right region, but no stroke:
# given the class, the model tosses each pixel alone, so a white pixel knows nothing of its neighbour. We can measure
# that, and what it does to the model's confidence:

# %%
def neighbour_correlation(images):
    """Correlation of horizontally adjacent pixels, after taking out their own means."""
    centred = (images - images.mean(0)).reshape(-1, 28, 28)
    left, right = centred[:, :, :-1], centred[:, :, 1:]
    return (left * right).sum() / np.sqrt((left**2).sum() * (right**2).sum())


twos = (x[y == 2] > 0.5).astype(float)
dreamt = (rng.random((len(twos), 784)) < theta[2]).astype(float)
claim("independence", "Correlation of adjacent pixels within the class 2, in samples",
      neighbour_correlation(dreamt), near=0, within=0.05,
      baseline=f"in real images {neighbour_correlation(twos):.2f}")
certainty = 100 * bernoulli.predict_proba(x_test).max(1).mean()
claim("overconfident", "Mean probability that Bernoulli naive Bayes gives its own answer",
      certainty, "%", at_least=bernoulli_accuracy + 5,
      baseline=f"it is right in {bernoulli_accuracy:.1f} %")

# %% [markdown]
# Adjacent pixels tell nearly the same thing, but the model counts them as separate witnesses. So it is almost always
# certain, and far less often right. Its *ranking* of the classes can still be useful; its probabilities cannot be
# believed.
#
# ### Support vector machine
#
# An **SVM** looks for the boundary with the widest margin between two classes; only the images at the margin or on
# its wrong side, the *support vectors*, carry it. With the kernel $e^{-\gamma\lVert x - x'\rVert^2}$ the boundary is
# curved. scikit-learn trains one for each pair of classes. The search is tiny, three pairs of values, and yet the
# longest wait of this lesson.

# %%
svm, (C, gamma), svm_accuracy = choose(
    "SVM", lambda pair: SVC(C=pair[0], gamma=pair[1]),
    [(1, 0.03), (10, 0.01), (10, 0.03)])
vectors = 100 * len(svm.support_) / len(x)
claim("SVM", f"SVM, C = {C} and γ = {gamma} chosen on validation images", svm_accuracy,
      "% test accuracy", at_least=knn_accuracy,
      baseline=f"kNN {knn_accuracy:.1f}; of the training images {vectors:.0f} % are "
               "support vectors")

# %%
weight = np.abs(svm.dual_coef_).sum(0)  # how hard each support vector pulls
pull = np.zeros(len(x))
pull[svm.support_] = weight
hardest = [np.where(y == label, pull, -1).argmax() for label in range(10)]
easiest = [np.where(y == label, -pull, -1e9).argmax() for label in range(10)]
draw({"pull most": x[hardest], "pull least": x[easiest]},
     columns=[str(label) for label in range(10)]);

# %% [markdown]
# Upper row: for each class the training image that pulls hardest at the boundaries; lower row: one that hardly
# matters. The images that carry the boundary are the odd ones. In 784 dimensions, more than half of all images lie at
# a margin: "a few support vectors" is a picture from two dimensions. Here are all classifiers so far, with the
# seconds for their search and their test:

# %%
head = ["method", "kind", "what it was asked", "result", "seconds"]
table(head, zoo)

# %% [markdown]
# The SVM is the best of them and by far the slowest; kNN comes next, for a fraction of the time. The tree and both
# versions of naive Bayes, which look at pixels one by one, end up near the nearest mean. A table of accuracies
# without such a baseline would hide that.
#
# ## 3 · Three regressions
#
# Now the answer is a number: the **slant** of the writing, in pixels to the right for each pixel upwards. On MNIST
# nobody knows how the pen was held, so the target is computed from the image itself, as a ratio of the second moments
# of its ink. That ratio is no linear function of the pixels: a linear regression learns an approximation to a known
# formula. (The built-in digits know the slant with which they were drawn; there the image only hints at the answer.)
#
# We use 1,000 images, on purpose few: fewer than two for each pixel that ever has ink. The measure is $R^2$: 1 is
# perfect, 0 is no better than always answering the mean.

# %%
def slant(images, drawn, rows):
    known = drawn["slant"][rows] if drawn else metrics.slant(images[rows])
    return known.double().numpy()


s_train = slant(digits.x_train, digits.drawn_train, train)[:1000]
s_val = slant(digits.x_train, digits.drawn_train, valid)
s_test = slant(digits.x_test, digits.drawn_test, test)
a, a_val, a_test = (images.astype(float) for images in (x[:1000], x_val, x_test))


def r_squared(model):
    """R² on training, validation and test images."""
    return [model.score(images, s) for images, s in
            ((a, s_train), (a_val, s_val), (a_test, s_test))]

# %% [markdown]
# **Linear regression** fits the hyperplane with the smallest squared error on the training images. **Ridge** adds a
# penalty on the squares of the weights, the **lasso** one on their absolute values; both penalties are chosen on the
# validation images. As a baseline, kNN answers with the mean of an image's neighbours.
#
# **Predict.** Of the 784 weights, how many will the lasso keep (different from zero)?

# %%
prediction_lasso = None

# %%
def choose_regression(name, make, values):
    start = time.perf_counter()
    models = [make(value).fit(a, s_train) for value in values]
    best = max(models, key=lambda model: model.score(a_val, s_val))
    r2 = r_squared(best)
    keep(name, "supervised", "which slant?", f"R² {r2[2]:.2f}",
         time.perf_counter() - start)
    return best, r2


ols, ols_r2 = choose_regression("linear regression", lambda _: LinearRegression(), [None])
ridge, ridge_r2 = choose_regression("ridge", Ridge, 10.0 ** np.arange(-2, 5))
penalties = np.logspace(-1.3, -4.3, 16)
lasso, lasso_r2 = choose_regression(
    "lasso", lambda alpha: Lasso(alpha=alpha, tol=1e-6, max_iter=50_000), penalties)
neighbours, knn_r2 = choose_regression(
    "kNN regression", lambda k: KNeighborsRegressor(k, algorithm="brute"), [1, 3, 5, 10])
kept = int((lasso.coef_ != 0).sum())

# %%
def weights_of(model):
    return [np.abs(model.coef_).max(), int((np.abs(model.coef_) > 1e-9).sum())]


rows = [["linear regression", *ols_r2, *weights_of(ols)],
        ["ridge", *ridge_r2, *weights_of(ridge)],
        ["lasso", *lasso_r2, *weights_of(lasso)],
        ["kNN", *knn_r2, None, None]]
table(["method", "R² training", "R² validation", "R² test", "largest weight",
       "weights not zero"], rows)

# %%
claim("unpenalised", "R² of linear regression without a penalty on test images",
      ols_r2[2], at_most=0, baseline=f"on its training images {ols_r2[0]:.2f}")
claim("ridge", "R² of ridge regression on test images", ridge_r2[2], at_least=0.5,
      baseline=f"lasso {lasso_r2[2]:.2f}, kNN {knn_r2[2]:.2f}")
rare = np.abs(ols.coef_).argmax()  # the pixel of the largest weight
print(f"ink at that pixel: in {(a[:, rare] > 0).sum()} of {len(a)} training images, "
      f"{a[:, rare].max():.2f} at the most; weight {ols.coef_[rare]:.1f}")

# %% [markdown]
# Without a penalty the regression explains its training images well and fails on others: it is far worse than always
# answering the mean. The largest weight shows why: a pixel with a trace of ink in hardly any training image gets a
# huge weight to explain those few, and a test image with real ink there is thrown far off. Both penalties forbid
# that, and are about equally good here; the ridge keeps all pixels that ever had ink, the lasso a part of them. kNN,
# the baseline, comes close to both. Look at the two answers, and at the lasso's path:

# %%
path, weights, _ = lasso_path(a - a.mean(0), s_train - s_train.mean(),
                              alphas=np.logspace(-1.3, -4.3, 40))
figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), width_ratios=[1.5, 1, 1.15])
strongest = np.abs(weights).max(1).argsort()[-60:]
axes[0].plot(path, weights[strongest].T, linewidth=0.8, color=plots.BLUE, alpha=0.5)
axes[0].axvline(lasso.alpha, color=plots.VERMILION, linestyle="--", label="chosen")
axes[0].set(xscale="log", xlabel="penalty α (stronger to the left)", ylabel="weight",
            title="lasso: paths of 60 pixels")
axes[0].invert_xaxis()
axes[0].legend(frameon=False)
limit = np.abs(lasso.coef_).max()
for axis, (name, model) in zip(axes[1:], {"ridge": ridge, "lasso": lasso}.items(),
                               strict=True):
    shown = axis.imshow(model.coef_.reshape(28, 28), cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set(title=f"{name}: weight of each pixel")
    axis.set_axis_off()
figure.colorbar(shown, ax=axes[2], label="weight (slant per grey level)");

# %% [markdown]
# Left: from left to right the penalty weakens, and one pixel after the other leaves zero; at the dashed line the
# validation images are content. Middle and right, on one colour scale: both methods found the same thing, red where
# ink means a slant to the right (top right and bottom left), blue where it means the opposite. The ridge spreads the
# answer over all pixels with ink, the lasso picks some and sets the others exactly to zero.
#
# ## 4 · A common claim, checked
#
# > "Ridge and lasso are tricks against overfitting, outside of probability and maximum likelihood."
#
# Write the regression as a model. The slant $s$ is a linear function of the image $x$ plus noise, and we hold a
# belief about the weights $w$, the **prior**:
#
# $$s = w^\top x + b + \varepsilon, \quad \varepsilon \sim \mathcal N(0, \sigma^2), \qquad w_j \sim \mathcal N(0, \tau^2).$$
#
# Here $\sigma$ is the standard deviation of the noise, $\tau$ that of a weight before any data are seen; $b$ has no
# prior. *Maximum a posteriori* (MAP) takes the $w$ with the largest $p(w \mid \text{data})$, the **posterior** (the
# belief after seeing the data). That is the $w$ with the smallest
#
# $$-\log p(s \mid w) - \log p(w) = \frac{1}{2\sigma^2}\sum_{n=1}^N (s_n - w^\top x_n - b)^2 + \frac{1}{2\tau^2}\sum_j w_j^2 + \text{constant}.$$
#
# Multiplied by $2\sigma^2$ this is the ridge's objective with $\lambda = \sigma^2/\tau^2$. Setting the gradient to
# zero gives, for centred $X$ and $s$, $\hat w = (X^\top X + \lambda I)^{-1}X^\top s$. With a **Laplace** prior of
# scale $\beta$, $p(w_j) = \frac{1}{2\beta}e^{-|w_j|/\beta}$, the last term becomes $\frac1\beta\sum_j |w_j|$: the
# lasso. scikit-learn divides the squared error by $2N$, so its penalty is $\alpha = \sigma^2/(N\beta)$; its `Ridge`
# does not divide, so there $\alpha = \lambda$.
#
# First the Gaussian prior. The numbers for $\sigma$ and $\tau$ may be any; we take those that the ridge's chosen
# penalty implies for a noise of 0.08.

# %%
a_mid, s_mid = a - a.mean(0), s_train - s_train.mean()  # centring takes care of b
sigma = 0.08
tau = sigma / np.sqrt(ridge.alpha)
closed_form = np.linalg.solve(a_mid.T @ a_mid + (sigma / tau) ** 2 * np.eye(784),
                              a_mid.T @ s_mid)
gap_ridge = np.abs(closed_form - ridge.coef_).max() / np.abs(ridge.coef_).max()

w = torch.tensor(ridge.coef_, requires_grad=True)
noise = torch.distributions.Normal(torch.from_numpy(a_mid) @ w, sigma)
prior = torch.distributions.Normal(0.0, tau)
(noise.log_prob(torch.from_numpy(s_mid)).sum() + prior.log_prob(w).sum()).backward()
slope = w.grad.abs().max().item() / np.abs(a_mid.T @ s_mid / sigma**2).max()
print(f"largest gap to the closed form: {gap_ridge:.0e} of the largest weight")
print(f"slope of the log posterior at the ridge's weights: {slope:.0e} of that at w = 0")

# %% [markdown]
# Both are zero up to rounding: the weights that `Ridge` returns lie exactly at the top of the posterior, and
# `torch.distributions` knows nothing of ridges. Now the Laplace prior. The absolute value has a corner at zero, so we
# write $w = u - v$ with $u, v \ge 0$ and let a general optimiser (L-BFGS-B) climb the log posterior. It is a
# different algorithm from the coordinate descent inside `Lasso`, and it starts from $\sigma$ and $\beta$, not from
# $\alpha$.

# %%
beta = sigma**2 / (len(a) * lasso.alpha)


def minus_log_posterior(uv):
    """Its value, up to a constant, and its gradient; u and v are stacked."""
    u, v = np.split(uv, 2)
    residual = a_mid @ (u - v) - s_mid
    pull = a_mid.T @ residual / sigma**2
    value = residual @ residual / (2 * sigma**2) + (u + v).sum() / beta
    return value, np.concatenate([pull + 1 / beta, 1 / beta - pull])


found = minimize(minus_log_posterior, np.zeros(2 * 784), jac=True, method="L-BFGS-B",
                 bounds=[(0, None)] * (2 * 784),
                 options={"maxiter": 5000, "maxfun": 10_000, "ftol": 1e-15, "maxcor": 20})
w_map = found.x[:784] - found.x[784:]
exact = Lasso(alpha=lasso.alpha, tol=1e-10, max_iter=100_000).fit(a, s_train).coef_

# %%
def log_posterior(w):  # up to the constant p(data)
    return norm.logpdf(s_mid, a_mid @ w, sigma).sum() + laplace.logpdf(w, 0, beta).sum()


gap_lasso = np.abs(w_map - exact).max() / np.abs(exact).max()
same = 100 * float(((w_map != 0) == (exact != 0)).mean())
claim("ridge is MAP", "Largest gap between Ridge and the MAP weights, Gaussian prior",
      gap_ridge, "of the largest weight", at_most=1e-6)
claim("lasso is MAP", "Largest gap between Lasso and the MAP weights, Laplace prior",
      gap_lasso, "of the largest weight", at_most=1e-3,
      baseline=f"zero or not: the same for {same:.1f} % of the weights; log posterior "
               f"{log_posterior(exact):.3f} and {log_posterior(w_map):.3f} nats")

# %% [markdown]
# The claim is false: ridge and lasso *are* maximum a posteriori estimates, maximum likelihood with a prior added, and
# the penalty says how noisy the answers are in relation to how large the weights may be. With an infinitely wide
# prior the penalty is zero, and plain linear regression, the maximum likelihood estimate, is back. One subtlety: the
# Laplace prior itself gives an exact zero the probability zero. The zeros belong to the *highest point* of the
# posterior, not to the belief.
#
# If the penalty means something, it can be *estimated*. `BayesianRidge` finds $\sigma$ and $\tau$ from the training
# images alone, by making the probability of the data itself, the **evidence**, as large as it can. Only a model of
# probabilities can be asked for that:

# %%
start = time.perf_counter()
bayes = BayesianRidge().fit(a, s_train)
bayes_r2 = r_squared(bayes)
keep("Bayesian ridge", "supervised", "which slant?", f"R² {bayes_r2[2]:.2f}",
     time.perf_counter() - start)
print(f"evidence: λ = {bayes.lambda_ / bayes.alpha_:.0f}, σ = {bayes.alpha_**-0.5:.3f}, "
      f"τ = {bayes.lambda_**-0.5:.3f};   validation images: λ = {ridge.alpha:g}")
claim("evidence", "R² on test images with the penalty estimated from the evidence",
      bayes_r2[2], near=ridge_r2[2], within=0.02,
      baseline=f"penalty chosen on validation images {ridge_r2[2]:.3f}")

# %% [markdown]
# The two penalties are of the same order of size and the results agree, though one was found without any validation
# image. The word *evidence* comes back in lesson 06: the ELBO is a lower bound of its logarithm.
#
# ## 5 · Without labels: groups
#
# From here on the methods do not see the labels. We use them afterwards, to ask whether what was found has to do with
# the classes.
#
# ### k-means
#
# **k-means** (Lloyd's algorithm; lesson 01) gives each image to the nearest of $K$ centres, moves each centre to the
# mean of its images, and repeats.

# %%
def agreement(clusters, labels):
    """Adjusted Rand index and normalised mutual information: 0 for chance, 1 for equal."""
    return (adjusted_rand_score(labels, clusters),
            normalized_mutual_info_score(labels, clusters))


start = time.perf_counter()
kmeans = KMeans(10, n_init=5, random_state=0).fit(x)
kmeans_ari, kmeans_nmi = agreement(kmeans.labels_, y)
keep("k-means", "unsupervised", "which ten centres?", f"ARI {kmeans_ari:.2f}",
     time.perf_counter() - start)
order = [np.bincount(y[kmeans.labels_ == c], minlength=10).argmax() for c in range(10)]
draw({"centres": kmeans.cluster_centers_[np.argsort(order)]},
     columns=[f"most are {label}" for label in sorted(order)], zoom=1.1)
print(f"agreement with the classes: ARI {kmeans_ari:.2f}, NMI {kmeans_nmi:.2f}")

# %% [markdown]
# The ten centres look like digits, but some classes have two (a class is split by its slant) and others have none.
# Lesson 01 asks why.
#
# ### DBSCAN: a failure study
#
# **DBSCAN** calls an image a core point if at least `min_samples` images lie within a distance $\varepsilon$ of it
# (itself included). Core points within $\varepsilon$ of each other belong to one cluster; what is near no core point
# is *noise*. It need not be told how many clusters there are, but it needs $\varepsilon$. Ester and others read it
# off a curve: sort the distances to the `min_samples`-th neighbour and look for the bend. We take the point of the
# curve that is furthest from the straight line between its ends.
#
# **Predict.** How many clusters will DBSCAN find among 2,000 digits, with $\varepsilon$ chosen at the bend?

# %%
prediction_dbscan = None

# %%
few, few_y, least = x[:2000], y[:2000], 10


def bend(distances):
    """Return the sorted distances to the least-th neighbour, and the value at the bend."""
    curve = np.sort(np.partition(distances, least - 1, axis=1)[:, least - 1])
    chord = np.linspace(curve[0], curve[-1], len(curve))
    return curve, curve[np.argmax(chord - curve)]


def ari(found, labels):
    """Count noise as one group or as groups of one, whichever flatters less."""
    lonely = np.where(found < 0, len(found) + np.arange(len(found)), found)
    return min(adjusted_rand_score(labels, found), adjusted_rand_score(labels, lonely))


def dbscan(distances, eps, labels):
    """Return the number of clusters, the shares (%) of the largest and of noise, ARI."""
    found = DBSCAN(eps=eps, min_samples=least, metric="precomputed").fit(distances).labels_
    sizes = np.bincount(found[found >= 0], minlength=1)
    return (int(found.max()) + 1, 100 * sizes.max() / len(found),
            100 * float((found < 0).mean()), ari(found, labels))

# %%
start = time.perf_counter()
apart = pairwise_distances(few).astype(float)
curve, eps = bend(apart)
at_bend = dbscan(apart, eps, few_y)
keep("DBSCAN on pixels", "unsupervised", "which dense regions?",
     f"{at_bend[0]} found, ARI {at_bend[3]:.2f} at the bend", time.perf_counter() - start)
print(f"ε = {eps:.2f}: clusters {at_bend[0]}, the largest with {at_bend[1]:.0f} % of the "
      f"images, {at_bend[2]:.0f} % noise, ARI {at_bend[3]:.2f}")

# %% [markdown]
# Perhaps the $\varepsilon$ was bad luck. So try them all, from nearly everything is noise to nearly everything is one
# cluster:

# %%
def sweep(distances, labels, steps=25):
    curve, _ = bend(distances)
    eps = np.linspace(np.quantile(curve, 0.01), np.quantile(curve, 0.99), steps)
    return eps, np.array([dbscan(distances, e, labels) for e in eps])


eps_grid, swept = sweep(apart, few_y)
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.3))
left.plot(curve)
left.axhline(eps, color=plots.VERMILION, linestyle="--", label="ε at the bend")
left.set(xlabel="images, sorted", ylabel=f"distance to neighbour {least}",
         title="where to put ε?")
left.legend(frameon=False)
middle.plot(eps_grid, swept[:, 2], label="noise")
middle.plot(eps_grid, swept[:, 1], "--", label="largest cluster")
middle.set(xlabel="ε (grey levels)", ylabel="share of the images (%)", title="every ε")
right.plot(eps_grid, swept[:, 3], color=plots.GREEN, label="DBSCAN")
right.axhline(kmeans_ari, color="grey", linestyle=":", label="k-means")
right.set(xlabel="ε (grey levels)", ylabel="ARI with the classes", ylim=(-0.02, 0.6))
for axis in (middle, right):
    axis.axvline(eps, color=plots.VERMILION, linestyle="--", linewidth=1)
middle.legend(frameon=False, loc="center left", fontsize=9, handlelength=1.3)
right.legend(frameon=False, loc="upper left")

# %% [markdown]
# Left: the curve of the neighbour distances and the chosen $\varepsilon$. Middle: as $\varepsilon$ grows, noise turns
# into *one* growing cluster. Right: the agreement with the classes stays near zero for every $\varepsilon$, far below
# k-means. There is no good $\varepsilon$.
#
# Why? The popular answer is the **curse of dimensionality**: in 784 dimensions all distances become alike. Then fewer
# dimensions should cure it, and among 784 pixels no classes could be found at all. We test both. For fewer
# dimensions: PCA to 30 and to 2 numbers, and a map in two dimensions made by t-SNE (lesson 03 looks at such maps).
# For the same 784 pixels: easier and harder choices of classes.
#
# The *contrast* is the median distance of two images over the median distance to the nearest (near 1: all alike). The
# best ARI of a sweep over $\varepsilon$ is chosen with the hidden labels: no user could find it, so it flatters
# DBSCAN. Two more methods get the same points: HDBSCAN, a successor that allows each cluster a density of its own,
# and k-means, told the number of classes.

# %%
start = time.perf_counter()
tsne = TSNE(2, init="pca", max_iter=500, random_state=0).fit_transform(few)
tsne_seconds = time.perf_counter() - start
everyone = np.ones(len(few), dtype=bool)
spaces = {"784 pixels": (few, everyone),
          "784 pixels, without the 1s": (few, few_y != 1),
          "784 pixels, 0 and 1 alone": (few, np.isin(few_y, (0, 1))),
          "784 pixels, 3 and 8 alone": (few, np.isin(few_y, (3, 8))),
          "PCA, 30 numbers": (PCA(30, random_state=0).fit_transform(few), everyone),
          "PCA, 2 numbers": (PCA(2, random_state=0).fit_transform(few), everyone),
          "t-SNE map": (tsne, everyone)}

# %%
def facts(points, labels):
    """Return the row of the table below."""
    distances = pairwise_distances(points).astype(float)
    to_other = distances + np.diag(np.full(len(points), np.inf))  # not to itself
    contrast = np.median(distances) / np.median(to_other.min(1))
    best = max(sweep(distances, labels, 15)[1].tolist(), key=lambda row: row[3])
    by_hdbscan = HDBSCAN(20, min_samples=5, metric="precomputed", copy=True)
    by_kmeans = KMeans(len(set(labels)), n_init=2, random_state=0)
    return {"contrast": contrast, "best": best[3], "clusters": best[0], "noise": best[2],
            "bend": dbscan(distances, bend(distances)[1], labels)[3],
            "HDBSCAN": ari(by_hdbscan.fit_predict(distances), labels),
            "k-means": agreement(by_kmeans.fit_predict(points), labels)[0]}


found = {name: facts(points[rows], few_y[rows]) for name, (points, rows) in spaces.items()}
table(["space", "contrast", "DBSCAN, best ARI", "its clusters", "its noise (%)",
       "ARI at the bend", "ARI of HDBSCAN", "ARI of k-means"],
      [[name, *(f"{value:.0f}" if key in ("clusters", "noise") else f"{value:.2f}"
                for key, value in row.items())] for name, row in found.items()])

# %%
pixels, plane, tsne_map = (found[k] for k in ("784 pixels", "PCA, 2 numbers", "t-SNE map"))
easy, hard = (found[f"784 pixels, {pair} alone"] for pair in ("0 and 1", "3 and 8"))
keep("DBSCAN on a t-SNE map", "unsupervised", "which dense regions?",
     f"ARI {tsne_map['bend']:.2f} at the bend, best {tsne_map['best']:.2f}", tsne_seconds)
claim("DBSCAN on pixels", "Best ARI of DBSCAN over all ε, on pixels", pixels["best"],
      at_most=0.2,
      baseline=f"k-means {pixels['k-means']:.2f}, HDBSCAN {pixels['HDBSCAN']:.2f}")
claim("DBSCAN after PCA", "Best ARI of DBSCAN over all ε, on two principal components",
      plane["best"], at_most=0.2,
      baseline=f"contrast {plane['contrast']:.0f}, on pixels {pixels['contrast']:.1f}")
claim("DBSCAN on two classes", "Best ARI of DBSCAN on pixels, 0 and 1 alone", easy["best"],
      at_least=0.6, baseline=f"3 and 8 alone {hard['best']:.2f}")
claim("DBSCAN on a map", "Best ARI of DBSCAN over all ε, on the t-SNE map",
      tsne_map["best"], at_least=0.25,
      baseline=f"k-means on the same map {tsne_map['k-means']:.2f}")

# %%
neighbour = np.partition(apart, least - 1, axis=1)[:, least - 1]
radius = [np.median(neighbour[few_y == label]) for label in range(10)]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6))
axes[0].bar(range(10), radius, color=plots.BLUE)
axes[0].set(xlabel="class", xticks=range(10), title="pixels: how far apart in each class",
            ylabel=f"median distance to neighbour {least}")
for axis, name in zip(axes[1:], ("PCA, 2 numbers", "t-SNE map"), strict=True):
    plots.class_map(axis, spaces[name][0], few_y)
    axis.set(title=name, xlabel="axis 1", ylabel="axis 2")

# %% [markdown]
# The popular answer fails both tests. Two principal components have contrast in plenty, and DBSCAN finds the classes
# no better. And in all 784 pixels it finds 0 and 1 when they are alone, but not 3 and 8. What DBSCAN needs is a
# **gap** between the groups, an empty space wider than $\varepsilon$. Between 0 and 1 there is one; between 3 and 8
# lies a chain of digits that could be either. In the plane of PCA (middle) most gaps are gone: classes lie on top of
# each other. So "reduce the dimension first" is no remedy by itself.
#
# A second obstacle is **unequal density** (left): the 1s lie much closer together than all others, so the
# $\varepsilon$ that makes them a cluster declares the rest noise. It is real, but it is not the main one: without the
# 1s nothing improves, and HDBSCAN, made for unequal densities, does not find the digits either.
#
# t-SNE (right) pulls neighbours together and opens gaps; there DBSCAN does find groups. The credit belongs to the
# map, on which k-means gains as well, and the right $\varepsilon$ is still hard to find without labels: compare the
# best with the bend. Whoever clusters such a map clusters what t-SNE made of the data, gaps included.
#
# ## 6 · Without labels: rules
#
# **Association rules** come from shopping baskets: "who buys bread and butter also buys milk". Here a basket is an
# image, and an item is one of 49 coarse pixels that has ink. For two sets of items, $A$ and $B$,
#
# $$\text{support} = P(A \cup B),\qquad \text{confidence} = P(B \mid A) = \frac{P(A \cup B)}{P(A)},\qquad \text{lift} = \frac{P(B\mid A)}{P(B)},$$
#
# where $P(A)$ is the share of baskets that contain all items of $A$. **Apriori** rests on one remark: a set cannot be
# more frequent than its subsets. So triples need to be counted only where the pair is frequent. With items as columns
# of zeros and ones, counting is a matrix product.

# %%
def baskets(images):
    """Average over 4×4 pixels; an item is a coarse pixel with a mean above 0.2."""
    return (images.reshape(-1, 7, 4, 7, 4).mean((2, 4)).reshape(-1, 49) > 0.2).astype(float)


def mine(items, least=0.05):
    """Return rules A → c for all A of one or two items: A, c, support, confidence, lift."""
    single = items.mean(0)
    pairs = np.argwhere(np.triu(items.T @ items / len(items) >= least, k=1))  # frequent
    sets = [(i,) for i in np.flatnonzero(single >= least)] + [tuple(p) for p in pairs]
    contains = np.stack([items[:, s].prod(1) for s in sets], axis=1)
    together = contains.T @ items / len(items)  # P(A and c), shape (sets, 49)
    confidence = together / contains.mean(0)[:, None]
    lift = confidence / np.maximum(single, 1e-9)
    return [(sets[i], c, together[i, c], confidence[i, c], lift[i, c])
            for i, c in np.argwhere(together >= least) if c not in sets[i]], len(sets)

# %%
start = time.perf_counter()
rules, counted = mine(baskets(x))
seconds = time.perf_counter() - start
by_confidence = sorted(rules, key=lambda rule: -rule[3])[:20]
by_lift = sorted(rules, key=lambda rule: -rule[4])[:20]
print(f"{len(rules)} rules; Apriori extended {counted} sets of {49 + 49 * 48 // 2}")


def line(rule):
    place = [f"({i // 7 + 1}, {i % 7 + 1})" for i in (*rule[0], rule[1])]
    return [" and ".join(place[:-1]) + " → " + place[-1], *rule[2:]]


table(["best by", "rule (row, column)", "support", "confidence", "lift"],
      [["confidence", *line(rule)] for rule in by_confidence[:3]]
      + [["lift", *line(rule)] for rule in by_lift[:3]])

# %% [markdown]
# Which list is the better one? Ranking by confidence prefers conclusions that hold anyway. And is a large lift more
# than chance? The baseline shuffles each coarse pixel over the images: every item keeps its frequency, all ties
# between items are cut.

# %%
rng = np.random.default_rng(0)
shuffled = np.stack([rng.permutation(column) for column in baskets(x).T], axis=1)
chance = max(rule[4] for rule in mine(shuffled)[0])
base_rate = {name: np.mean([rule[3] / rule[4] for rule in best])
             for name, best in (("confidence", by_confidence), ("lift", by_lift))}
unseen = baskets(x_val)


def lift_on(items, rule):
    has, c = items[:, rule[0]].prod(1), items[:, rule[1]]
    return (has * c).mean() / max(has.mean() * c.mean(), 1e-9)


keep("association rules", "unsupervised", "which inks go together?",
     f"largest lift {by_lift[0][4]:.1f}", seconds)
claim("lift", "Mean lift, on validation images, of the twenty rules of largest lift",
      np.mean([lift_on(unseen, rule) for rule in by_lift]), at_least=2,
      baseline=f"on the images they were found on {np.mean([r[4] for r in by_lift]):.2f}; "
               f"largest among shuffled pixels {chance:.2f}")
print(f"the conclusions hold anyway in {100 * base_rate['confidence']:.0f} % of all images "
      f"(most confident rules), {100 * base_rate['lift']:.0f} % (largest lift)")

# %%
figure, axes = plt.subplots(2, 4, figsize=(9.5, 4.6))
mean_ink = baskets(x).mean(0).reshape(7, 7)
for row, (name, best) in zip(axes, (("confidence", by_confidence), ("lift", by_lift)),
                             strict=True):
    for axis, rule in zip(row, best, strict=False):
        axis.imshow(mean_ink, vmin=0, vmax=1)
        for i, colour in [(i, plots.SKY) for i in rule[0]] + [(rule[1], plots.ORANGE)]:
            axis.scatter(i % 7, i // 7, s=150, marker="s", color=colour)
        axis.set_title(f"{name} {rule[3] if name == 'confidence' else rule[4]:.2f}")
        axis.set_axis_off()

# %% [markdown]
# Each picture is one rule on the mean ink (white: often inked): where there is ink at the blue squares, expect ink at
# the orange one. The confident rules (upper row) point to places that are inked in most images: true and of little
# use. The rules of large lift (lower row) tie corners that are seldom inked: a stroke that goes through one goes
# through the other. They hold on unseen images, where their lift is about the same, and chance makes nothing like
# them.
#
# ## 7 · Without labels: directions and topics
#
# ### PCA is an SVD
#
# **PCA** looks for the directions in which the images vary most. The **singular value decomposition** writes any
# matrix as $X = U S V^\top$, with orthonormal columns in $U$ and $V$ and a diagonal $S$. Take for $X$ the $N$ images
# as rows, with the mean image subtracted. Then the principal directions are the rows of $V^\top$ (up to sign), the
# variances are $S^2/(N-1)$, and the codes are $US$. Not similar: equal.

# %%
start = time.perf_counter()
centred = x.astype(float) - x.mean(0, dtype=float)
U, S, Vt = np.linalg.svd(centred, full_matrices=False)
svd_seconds = time.perf_counter() - start
start = time.perf_counter()
pca = PCA(30, svd_solver="covariance_eigh").fit(x.astype(float))  # another algorithm
pca_codes = pca.transform(x.astype(float))
pca_seconds = time.perf_counter() - start
sign = np.sign((pca.components_ * Vt[:30]).sum(1))
gaps = [np.abs(pca.components_ - sign[:, None] * Vt[:30]).max(),
        np.abs(pca.explained_variance_ / (S[:30] ** 2 / (len(x) - 1)) - 1).max(),
        np.abs(pca_codes - sign * U[:, :30] * S[:30]).max()]
table(["PCA's", "SVD's", "largest gap"],
      [["components", "rows of Vᵀ", f"{gaps[0]:.0e}"],
       ["variances", "S² / (N − 1)", f"{gaps[1]:.0e} (relative)"],
       ["codes", "U S", f"{gaps[2]:.0e}"]])

# %% [markdown]
# To make the comparison mean something, `PCA` was told to use another algorithm: it takes the eigenvectors of the
# covariance matrix $X^\top X/(N-1)$, which are $V$ because $X^\top X = V S^2 V^\top$. And if one forgets to subtract
# the mean image?

# %%
_, _, Vt_raw = np.linalg.svd(x.astype(float), full_matrices=False)
mean_image = x.mean(0)
cosine = abs(Vt_raw[0] @ mean_image) / np.linalg.norm(mean_image)
cosine_pca = abs(Vt[0] @ mean_image) / np.linalg.norm(mean_image)
limit = np.abs(np.concatenate([Vt[:5], Vt_raw[:5]])).max()
match = np.concatenate([mean_image[None], sign[:4, None] * Vt[:4]])
raw_sign = np.sign((Vt_raw[:5] * match).sum(1))[:, None]
draw({"PCA": sign[:5, None] * Vt[:5], "SVD, not centred": raw_sign * Vt_raw[:5]},
     limits=(-limit, limit), columns=[f"direction {i}" for i in range(1, 6)], zoom=1.2)
claim("PCA is SVD", "Largest gap between PCA and the SVD of the centred images",
      max(gaps), at_most=1e-6)
print(f"cosine between direction 1 and the mean image: {cosine:.3f} not centred, "
      f"{cosine_pca:.3f} centred")

# %% [markdown]
# Grey is zero, white positive, black negative. Without centring the first direction is spent on the mean image
# (bottom left), and the others come one place later, turned among themselves. Lesson 03 measures what that costs.

# %%
share = 100 * float(pca.explained_variance_ratio_.sum())
keep("PCA", "unsupervised", "which 30 directions?", f"{share:.0f} % of the variance",
     pca_seconds)
keep("SVD", "unsupervised", "the same", "the same", svd_seconds)
print(f"30 directions hold {share:.0f} % of the variance")

# %% [markdown]
# ### Two methods called LDA
#
# **Linear discriminant analysis** uses the labels: it fits one Gaussian per class with a common covariance, which
# gives a linear classifier and directions that separate the class means. **Latent Dirichlet allocation** uses none:
# each image is a mixture of *topics*, and a topic is a distribution of ink over pixels. ([Lesson
# 01](01_settings.ipynb) checks a claim that mixes them up.) First the one with labels; it needs its covariance shrunk
# towards a multiple of the identity, and validation chooses by how much.

# %%
lda, shrinkage, lda_accuracy = choose(
    "linear discriminant analysis",
    lambda s: LinearDiscriminantAnalysis(solver="eigen", shrinkage=s),
    [0.01, 0.1, 0.3, 0.6])
plain = 100 * LinearDiscriminantAnalysis().fit(x, y).score(x_test, y_test)
maps = {"PCA, no labels": [pca.transform(images)[:, :2] for images in (x, x_test)],
        "discriminant analysis": [lda.transform(images)[:, :2] for images in (x, x_test)]}
on_map = {}
figure, axes = plt.subplots(1, 2, figsize=(10, 4.2))
for axis, (name, (known, new)) in zip(axes, maps.items(), strict=True):
    neighbours = KNeighborsClassifier(20).fit(known, y)
    on_map[name] = 100 * neighbours.score(new, y_test)
    plots.class_map(axis, new, y_test)
    axis.set(title=f"{name}: kNN reads {on_map[name]:.0f} %", xlabel="axis 1",
             ylabel="axis 2")

# %%
claim("linear discriminant", "Linear discriminant analysis", lda_accuracy,
      "% test accuracy", at_least=nearest_mean,
      baseline=f"nearest mean {nearest_mean:.1f}, without shrinkage {plain:.1f}")

# %% [markdown]
# Test images on two maps, coloured and numbered by class: PCA (left) spreads the images, linear discriminant analysis
# (right) spreads the *classes*, because it was told them. The titles say how much of the class kNN reads from each
# map: two numbers are still too few for ten classes.
#
# Now the other LDA. It comes from the study of texts: an image is a document, a pixel a word, its grey level (in
# eighths) says how often the word occurs.

# %%
counts = np.rint(8 * x[:2000])
start = time.perf_counter()
latent = LatentDirichletAllocation(10, learning_method="online", batch_size=128, max_iter=4,
                                   max_doc_update_iter=30, random_state=0)
shares = latent.fit_transform(counts)  # of each topic in each image, shape (2000, 10)
latent_ari, latent_nmi = agreement(shares.argmax(1), y[:2000])
keep("latent Dirichlet allocation", "unsupervised", "which ten topics?",
     f"NMI {latent_nmi:.2f}", time.perf_counter() - start)
topics = latent.components_ / latent.components_.max(1, keepdims=True)
draw({"topics": topics}, columns=[f"{100 * s:.0f} %" for s in shares.mean(0)], zoom=1)
print(f"main topic and class: NMI {latent_nmi:.2f} (k-means {kmeans_nmi:.2f}, chance 0)")

# %% [markdown]
# Each topic is drawn with its own brightest pixel as white; above it stands its mean share. Topics are shapes that
# many images share, strokes and whole simple digits, but no classes: some would serve a 7 and a 9 alike. They can
# only be *added*, as ink can.
#
# ## 8 · A few labels, many images
#
# **Label spreading** (lesson 01) is *semi-supervised*: it links each image to its nearest neighbours and lets the few
# known labels flow along the links until nothing changes. It is **transductive**: the images to be answered must be
# there during training. (For new images, as in lesson 01, scikit-learn lets their nearest neighbours vote.) kNN with
# the same labels is the honest baseline: it sees the labelled images only. One percent of the training images has a
# label, four of each class, and the accuracy is that on the other 99 %. There are no labels left to choose parameters
# on, so we fix ten neighbours for the links, and one for kNN.
#
# **Predict.** kNN on 40 labels gets more than half right. What percentage will label spreading get?

# %%
prediction_spreading = None

# %%
spread, alone = [], []
start = time.perf_counter()
for seed in range(5):
    known = data.stratified_subset(torch.from_numpy(y), len(x) // 100, seed=seed).numpy()
    labels = np.full(len(x), -1)  # −1: not known
    labels[known] = y[known]
    hidden = labels < 0
    model = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.9, max_iter=100)
    answers = model.fit(x, labels).transduction_
    spread.append(100 * float((answers == y)[hidden].mean()))
    single = KNeighborsClassifier(1, algorithm="brute").fit(x[known], y[known])
    alone.append(100 * single.score(x[hidden], y[hidden]))
gain = np.subtract(spread, alone)
keep("label spreading", "semi-supervised", "which class? (1 % of labels)",
     f"{np.mean(spread):.1f} % right", (time.perf_counter() - start) / 5)
claim("label spreading", "What label spreading gains over one neighbour, at 1 % of labels",
      gain.mean(), "points of accuracy", spread=gain.std(ddof=1), seeds=5, at_least=3,
      baseline=f"spreading {np.mean(spread):.1f} %, kNN {np.mean(alone):.1f} %")

# %% [markdown]
# The images without labels helped: they show along which paths digits change. The spread is that over five draws of
# the labelled images, and both methods got the same draws. Lesson 07 asks how far this idea carries, with an
# autoencoder instead of pixels.
#
# ## 9 · Checkpoint
#
# The next cell fails if any claim of this lesson did not hold in this run.

# %%
claim.checkpoint()

# %%
score([("test accuracy of the decision tree (%)", prediction_tree, tree_accuracy),
       ("weights that the lasso keeps", prediction_lasso, kept),
       ("clusters that DBSCAN finds among pixels", prediction_dbscan, at_bend[0]),
       ("accuracy of label spreading with 1 % of the labels (%)", prediction_spreading,
        float(np.mean(spread)))])

# %% [markdown]
# ## 10 · The whole zoo
#
# Seconds include the search for the parameter and the test, on the computer that ran this page. Results rest on 4,000
# training images (regression 1,000; DBSCAN and latent Dirichlet allocation 2,000).

# %%
table(head, zoo)

# %% [markdown]
# **What to keep**
# - *Supervised* methods get the answers, *unsupervised* ones look for groups, rules, directions or parts,
#   *semi-supervised* ones have a few answers and many questions. Ask of each method which it is, before you ask how
#   good it is.
# - A comparison is fair on the same images, with each parameter chosen on the same validation images and a simple
#   baseline beside it.
# - Ridge is MAP with a Gaussian prior, the lasso MAP with a Laplace prior; PCA is the SVD of the centred data.
# - Density-based clustering needs gaps. The ten digits together leave none among their pixels, and a linear
#   projection does not make them.
# - All these methods work on given pixels or given distances. The rest of the course *learns* what to measure.
#
# **Next:** [lesson 02](02_autoencoder.ipynb) builds a network that finds its own description of a digit. This extra
# has no lab.
#
# ### Papers
# - R. A. Fisher (1936). *The use of multiple measurements in taxonomic problems.* Annals of Eugenics 7, 179–188.
# - T. M. Cover, P. E. Hart (1967). *Nearest neighbor pattern classification.* IEEE Transactions on Information Theory
#   13, 21–27.
# - A. E. Hoerl, R. W. Kennard (1970). *Ridge regression: biased estimation for nonorthogonal problems.* Technometrics
#   12, 55–67.
# - S. P. Lloyd (1982). *Least squares quantization in PCM.* IEEE Transactions on Information Theory 28, 129–137.
# - L. Breiman, J. H. Friedman, R. A. Olshen, C. J. Stone (1984). *Classification and Regression Trees.* Wadsworth.
# - D. J. C. MacKay (1992). *Bayesian interpolation.* Neural Computation 4, 415–447. (The evidence.)
# - R. Agrawal, T. Imieliński, A. Swami (1993). *Mining association rules between sets of items in large databases.*
#   SIGMOD, 207–216.
# - R. Agrawal, R. Srikant (1994). *Fast algorithms for mining association rules.* VLDB, 487–499. (Apriori.)
# - C. Cortes, V. Vapnik (1995). *Support-vector networks.* Machine Learning 20, 273–297.
# - R. Tibshirani (1996). *Regression shrinkage and selection via the lasso.* Journal of the Royal Statistical Society
#   B 58, 267–288.
# - M. Ester, H.-P. Kriegel, J. Sander, X. Xu (1996). *A density-based algorithm for discovering clusters in large
#   spatial databases with noise.* KDD, 226–231.
# - D. M. Blei, A. Y. Ng, M. I. Jordan (2003). *Latent Dirichlet allocation.* Journal of Machine Learning Research 3,
#   993–1022.
# - D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf (2004). *Learning with local and global consistency.*
#   NeurIPS 16.
# - L. van der Maaten, G. Hinton (2008). *Visualizing data using t-SNE.* Journal of Machine Learning Research 9,
#   2579–2605.
# - R. J. G. B. Campello, D. Moulavi, J. Sander (2013). *Density-based clustering based on hierarchical density
#   estimates.* PAKDD, 160–172. (HDBSCAN.)
