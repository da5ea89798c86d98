# %% [markdown]
# # 01ya · Directions, with and without labels (optional extra)
#
# **Promise.** You will draw two maps of the same digits, one by PCA and one by linear discriminant analysis, and say
# what each of them was made for. On the way you will see that PCA is a singular value decomposition.
#
# **After this unit you can** derive PCA from the SVD and check it with numbers; say what goes wrong without centring;
# say what linear discriminant analysis needs that PCA does not, and what it gains by it.
#
# **Before it:** lesson 01, and a little linear algebra (matrix products, eigenvectors). No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier

from aecourse import data, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)

# %%
# positions of so many images, the same in each run; train and valid do not overlap
train, valid, test = data.three_parts(digits, train=4000, valid=1000, test=4000)
# float64, so that the gaps below are rounding errors; x: (4000, 784), y: (4000,)
x, y = digits.x_train[train].double().numpy(), digits.y_train[train].numpy()
x_val, y_val = digits.x_train[valid].double().numpy(), digits.y_train[valid].numpy()
x_test, y_test = digits.x_test[test].double().numpy(), digits.y_test[test].numpy()

# %%
rng = np.random.default_rng(0)
cloud = rng.normal(size=(200, 2)) * (2.0, 0.35)  # two classes, long in the same direction
shift = (0.6, 1.8)
cloud[100:] += shift
side = np.repeat((0, 1), 100)
two = {"PCA": PCA(1).fit(cloud).components_[0], "LDA": LinearDiscriminantAnalysis(
    solver="eigen").fit(cloud, side).scalings_[:, 0],
       "mean to mean": cloud[100:].mean(0) - cloud[:100].mean(0)}
axis = plt.subplots(figsize=(9, 3.4))[1]
axis.scatter(*cloud.T, c=side, cmap=plots.CLASSES, vmin=0, vmax=9, s=12)
for (name, (u, v)), style in zip(two.items(), ("-", "--", ":"), strict=True):
    axis.axline((0.3, 0.9), (0.3 + u, 0.9 + v), color="black", linestyle=style, label=name)
axis.set(aspect="equal", xlim=(-6, 7), ylim=(-1.5, 3.5), xlabel="first coordinate",
         ylabel="second coordinate")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False);

# %% [markdown]
# Two classes of points in a plane. PCA (solid) does not use the labels. Its first direction lies along the long side of
# the cloud. Linear discriminant analysis (dashed) uses them. Along its direction the two class means are furthest apart,
# measured in standard deviations of a class. That is *not* the line from mean to mean (dotted). Section 2 says why.
#
# ## 1 · PCA is an SVD
#
# **PCA** looks for the directions in which the images vary most. The rows of $X$ are the $N$ images minus the mean image,
# and $C = X^\top X/(N-1)$ is their covariance matrix. The variance along a unit vector $v$ is $v^\top C v$. Write
# $v = \sum_i a_i e_i$ in the orthonormal eigenvectors $e_i$ of $C$, with eigenvalues $\lambda_1 \ge \lambda_2 \ge
# \dots$ Then
#
# $$v^\top C v = \sum_i a_i^2 \lambda_i, \qquad \sum_i a_i^2 = 1.$$
#
# This is a weighted mean of the eigenvalues, so it is largest for $v = e_1$. Among the directions orthogonal to $e_1$ it
# is largest for $e_2$, and so on. So the principal directions are the eigenvectors of $C$.
#
# The **singular value decomposition** writes any matrix as $X = U S V^\top$, where $U^\top U = I$, $V^\top V = I$ and $S$
# is diagonal, the largest value first. Insert it:
#
# $$X^\top X = V S\,U^\top U\,S V^\top = V S^2 V^\top, \qquad X V = U S\,V^\top V = U S.$$
#
# Multiply the first equation by column $v_i$ of $V$: since $V^\top V = I$, this gives $X^\top X\, v_i = s_i^2\, v_i$. So
# $v_i$ is an eigenvector of $X^\top X$, and of $C$ with the eigenvalue $s_i^2/(N-1)$.
#
# So the columns of $V$ are the principal directions (up to sign), the variances are $S^2/(N-1)$, and the coordinates of
# the images, $XV$, are $US$ (lesson 02 will call them codes). In numbers, against a `PCA` that computes the
# eigenvectors of the covariance matrix:

# %%
centred = x - x.mean(0)
U, S, Vt = np.linalg.svd(centred, full_matrices=False)  # the rows of Vt are directions
pca = PCA(30, svd_solver="covariance_eigh").fit(x)
sign = np.sign((pca.components_ * Vt[:30]).sum(1))  # (30,)
variances = S[:30] ** 2 / (len(x) - 1)

# %%
gaps = {"directions": np.abs(pca.components_ - sign[:, None] * Vt[:30]).max(),
        "variances": np.abs(pca.explained_variance_ / variances - 1).max(),
        "coordinates": np.abs(pca.transform(x) - sign * U[:, :30] * S[:30]).max()}
table(["what", "largest gap"], [[name, f"{gap:.0e}"] for name, gap in gaps.items()])

# %% [markdown]
# **Predict.** Suppose that we forget to subtract the mean image. How many degrees are then between the first direction
# and the mean image, from 0 (the same direction) to 90 (orthogonal)?

# %%
prediction_angle = None

# %%
mean_image = x.mean(0)
length = np.linalg.norm(mean_image)
raw = np.linalg.svd(x, full_matrices=False)[2]
angle = np.degrees(np.arccos(abs(raw[0] @ mean_image) / length))
print(f"{angle:.1f}°")
score([("angle without centring (degrees)", prediction_angle, angle)])

# %%
# the sign of a direction is free; it is chosen so that the two rows can be compared
raw_sign = np.sign((raw[:5] * np.stack([mean_image, *Vt[:4]])).sum(1))
limit = np.abs(raw[:5]).max()
plots.images({"PCA": Vt[:5], "not centred": raw_sign[:, None] * raw[:5]}, zoom=1.2,
             limits=(-limit, limit), columns=[f"direction {i}" for i in range(1, 6)])
print("cosines of 2 to 5 with PCA's 1 to 4:", np.abs((raw[1:5] * Vt[:4]).sum(1)).round(2))

# %% [markdown]
# Grey is zero, white positive, black negative. Without centring the first direction looks like the mean image (bottom
# left). The others resemble PCA's one before, some more than others: a cosine of 1 is the same direction, 0 is
# orthogonal. Unit 03e measures what this costs.
#
# Why the mean image? Suppose that we subtract only a part of the mean image $m$, so that $h\,m$ is left in each image.
# The centred images $x_n - m$ add up to zero, so the mixed terms vanish:
#
# $$\tfrac1N \sum_n (x_n - m + h\,m)(x_n - m + h\,m)^\top = \tfrac1N X^\top X + h^2\, m\,m^\top.$$
#
# The second term has one eigenvector with an eigenvalue above zero: $m$, with $h^2\lVert m\rVert^2$. It competes with
# the largest variance.

# %%
def first_angle(h):
    """Angle (degrees) between the mean image and the first direction."""
    images = centred + h * mean_image  # (4000, 784)
    first = np.linalg.eigh(images.T @ images)[1][:, -1]  # of the largest eigenvalue
    return np.degrees(np.arccos(abs(first @ mean_image) / length))


h = 1.0  # 1: not centred, 0: centred
print(f"eigenvalue of the mean image {(h * length) ** 2:.2f}, "
      f"largest variance {S[0] ** 2 / len(x):.2f}: angle {first_angle(h):.1f}°")

# %%
try_it("Change `h = 1.0` so that a tenth of the mean image is left, and run that cell "
       "again. How many degrees is the angle?", None, first_angle(0.1), changed=h == 0.1,
       says="The largest variance is now larger than the eigenvalue of the mean image.",
       hint="It is the last number that the cell prints, with `h = 0.1`.")

# %%
claim("PCA is SVD", "Largest gap between PCA and the SVD of the centred images",
      max(gaps.values()), at_most=1e-6)

# %% [markdown]
# ## 2 · Linear discriminant analysis
#
# PCA does not use labels. **Linear discriminant analysis** (LDA) needs them. It fits one Gaussian for each class, with
# the mean $\mu_y$ and a covariance $\Sigma$ that all classes share. By Bayes' rule
#
# $$\log p(y \mid x) = \log p(y) - \tfrac12 (x - \mu_y)^\top \Sigma^{-1} (x - \mu_y) + \text{const},$$
#
# where const holds the terms that are the same for all classes, such as $\log p(x)$. The term
# $-\frac12 x^\top\Sigma^{-1}x$ is the same for all classes, too. What is left is linear in $x$:
#
# $$\mu_y^\top\Sigma^{-1}x - \tfrac12\mu_y^\top\Sigma^{-1}\mu_y + \log p(y).$$
#
# For two classes only the difference counts. It depends on $x$ through $(\mu_1 - \mu_0)^\top\Sigma^{-1}x$, so **the
# direction is $\Sigma^{-1}(\mu_1 - \mu_0)$, and not $\mu_1 - \mu_0$**. With the cloud of the first figure:

# %%
def degrees(a, b):
    return np.degrees(np.arccos(abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)))


covariance = (np.cov(cloud[:100].T) + np.cov(cloud[100:].T)) / 2  # Σ, (2, 2)
by_hand = np.linalg.solve(covariance, two["mean to mean"])
print(f"to scikit-learn's LDA: {degrees(by_hand, two['LDA']):.1f}°, "
      f"to the line from mean to mean: {degrees(by_hand, two['mean to mean']):.1f}°")

# %%
try_it("Change `shift = (0.6, 1.8)` to `(2.0, 1.8)` in the cell of the first figure, run "
       "it and the cell above. How many degrees are now between the LDA direction and the "
       "line from mean to mean?", None, degrees(two["LDA"], two["mean to mean"]),
       changed=shift == (2.0, 1.8), hint="It is the last number that the cell prints.",
       says="The means moved where each class is wide, so this hardly turns the direction.")

# %% [markdown]
# In images, pixels that never have ink make $\Sigma$ singular: it has no inverse. So it is **shrunk** towards a multiple
# of the identity, $\Sigma_s = (1 - s)\,\Sigma + s\,\frac{\operatorname{tr}\Sigma}{784}\, I$, and $s$ is chosen on
# validation images. Without shrinkage, scikit-learn leaves out the directions that have no variance.

# %%
models = [LinearDiscriminantAnalysis(solver="eigen", shrinkage=s).fit(x, y)
          for s in (0.01, 0.1, 0.3, 0.6, 0.9)]
lda = max(models, key=lambda model: model.score(x_val, y_val))
lda_accuracy = 100 * lda.score(x_test, y_test)
plain = 100 * LinearDiscriminantAnalysis().fit(x, y).score(x_test, y_test)
means = np.stack([x[y == c].mean(0) for c in range(10)])  # (10, 784)
closest = [((means - image) ** 2).sum(1).argmin() for image in x_test]
nearest_mean = 100 * (y_test == closest).mean()
table(["method", "test accuracy (%)"],
      [["nearest mean", nearest_mean], ["LDA without shrinkage", plain],
       [f"LDA, s = {lda.shrinkage}", lda_accuracy]])

# %% [markdown]
# For ten classes, LDA gives several directions. The first maximises the variance *between* the class means, divided by
# the variance *within* the classes. The second does the same among the directions uncorrelated with the first. Ten means
# lie in a nine-dimensional plane, as three points lie in a two-dimensional one. So there are at most nine directions.
# (Another method is called LDA, too: *latent Dirichlet allocation*, in unit [01za](01za_parts.ipynb).)
#
# We draw two maps. On each, **kNN** (the vote of the $k$ nearest training images, here 20; unit 01x) classifies every
# test image by its two coordinates.
#
# **Predict.** How many points more does kNN get right from the first *two* LDA components than from the first two
# principal components?

# %%
prediction_gain = None

# %%
def read_off(method, components):
    """Return the test accuracy (%) of kNN on the first components."""
    known, new = (method.transform(z)[:, :components] for z in (x, x_test))
    return 100 * KNeighborsClassifier(20).fit(known, y).score(new, y_test)


figure, axes = plt.subplots(1, 2, figsize=(10, 4.2))
for axis, (name, method) in zip(axes, {"PCA": pca, "LDA": lda}.items(), strict=True):
    plots.class_map(axis, method.transform(x_test)[:, :2], y_test)
    axis.set(title=f"{name}: kNN gets {read_off(method, 2):.1f} % right",
             xlabel=f"first {name} coordinate", ylabel=f"second {name} coordinate")

# %%
gain = read_off(lda, 2) - read_off(pca, 2)
score([("gain by two LDA components (points)", prediction_gain, gain)])

# %% [markdown]
# Test images on two maps, coloured by class; each digit is written at the median of its class. PCA (left) keeps as much
# of the *images'* variance as it can. LDA (right) separates the *classes* better, because it uses the labels. Several
# classes still overlap: two components are too few for ten classes. With nine:

# %%
chosen = lda
print(f"kNN on nine components: {read_off(chosen, 9):.1f} % right")

# %%
try_it("Change `chosen = lda` to `chosen = pca` and run that cell again. How many points "
       "does kNN gain by nine LDA components over nine principal components?", None,
       round(read_off(lda, 9), 1) - round(read_off(pca, 9), 1), changed=chosen is pca,
       says=f"With two components the gain was {gain:.1f} points.",
       hint="Subtract the second result from the first.")

# %% [markdown]
# On nine components kNN is better than LDA itself (see the table), perhaps because its boundaries need not be linear.

# %%
claim("linear discriminant", "Linear discriminant analysis", lda_accuracy,
      "% test accuracy", at_least=nearest_mean,
      baseline=f"nearest mean {nearest_mean:.1f}, without shrinkage {plain:.1f}")
claim("labels and components", "Gain by LDA over PCA for kNN, nine components against two",
      read_off(lda, 9) - read_off(pca, 9) - gain, "points", at_most=-3,
      baseline=f"gain with two {gain:.1f}")
claim("nine components", "kNN on nine LDA components", read_off(lda, 9), "% test accuracy",
      at_least=lda_accuracy, baseline=f"LDA itself {lda_accuracy:.1f}")

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - PCA is the SVD of the centred images: the directions are $V$, the variances $S^2/(N-1)$.
# - Without centring the first direction is close to the mean image, because its squared length is larger than the
#   largest variance.
# - PCA keeps variance and does not use labels. Linear discriminant analysis separates classes and needs labels. For two
#   classes its direction is $\Sigma^{-1}(\mu_1 - \mu_0)$.
# - Ten means give at most nine directions. The labels help most where there are few components.
#
# **Your turn:** this extra has no lab. Train the linear discriminant with the labels of two classes only, and look at
# its direction as an image. **Deeper:** [01z](01z_groups.ipynb) looks for groups without labels. **Next:** [lesson
# 02](02_autoencoder.ipynb).
#
# ### Papers
# - K. Pearson (1901). *On lines and planes of closest fit to systems of points in space.* Philosophical Magazine 2,
#   559–572. (PCA)
# - R. A. Fisher (1936). *The use of multiple measurements in taxonomic problems.* Annals of Eugenics 7, 179–188.
