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
import torch
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier

from aecourse import data, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
train, valid = train[:4000], valid[:1000]
mixed = torch.randperm(len(digits.x_test), generator=torch.Generator().manual_seed(0))
test = mixed[:4000]
x, y = digits.x_train[train].double().numpy(), digits.y_train[train].numpy()  # (4000, 784)
x_val, y_val = digits.x_train[valid].double().numpy(), digits.y_train[valid].numpy()
x_test, y_test = digits.x_test[test].double().numpy(), digits.y_test[test].numpy()

# %%
rng = np.random.default_rng(0)
cloud = rng.normal(size=(200, 2)) * (2.0, 0.35)  # two classes, long in the same direction
cloud[100:] += (0.6, 1.8)
side = np.repeat((0, 1), 100)
two = {"PCA": PCA(1).fit(cloud).components_[0], "LDA": LinearDiscriminantAnalysis(
    solver="eigen").fit(cloud, side).scalings_[:, 0]}
axis = plt.subplots(figsize=(6, 3.4))[1]
axis.scatter(*cloud.T, c=side, cmap=plots.CLASSES, vmin=0, vmax=9, s=12)
for (name, (u, v)), style in zip(two.items(), ("-", "--"), strict=True):
    axis.axline((0.3, 0.9), (0.3 + u, 0.9 + v), color="black", linestyle=style, label=name)
axis.set(aspect="equal", xlim=(-6, 6), ylim=(-1.5, 3.5), xlabel="first coordinate",
         ylabel="second coordinate")
axis.legend(frameon=False);

# %% [markdown]
# Two classes of points in a plane. PCA (solid) does not see the colours. Its first direction lies along the long side
# of the cloud. Linear discriminant analysis (dashed) sees them, and its direction points from one class to the other.
#
# ## 1 · PCA is an SVD
#
# **PCA** looks for the directions in which the images vary most. They
# are the eigenvectors of the covariance matrix $X^\top X/(N-1)$, where the rows of $X$ are the images minus the mean
# image. The **singular value decomposition** writes any matrix as $X = U S V^\top$, where $U^\top U = I$,
# $V^\top V = I$ and $S$ is diagonal. Insert it:
#
# $$X^\top X = V S\,U^\top U\,S V^\top = V S^2 V^\top, \qquad X V = U S\,V^\top V = U S.$$
#
# So the columns of $V$ are the principal directions (up to sign), the variances are $S^2/(N-1)$, and the coordinates of
# the images, $XV$, are $US$ (lesson 02 will call them codes). In numbers, against a `PCA` that computes the
# eigenvectors of the covariance matrix:

# %%
centred = x - x.mean(0)
U, S, Vt = np.linalg.svd(centred, full_matrices=False)
pca = PCA(30, svd_solver="covariance_eigh").fit(x)
sign = np.sign((pca.components_ * Vt[:30]).sum(1))  # (30,)
variances = S[:30] ** 2 / (len(x) - 1)

# %%
gaps = {"directions": np.abs(pca.components_ - sign[:, None] * Vt[:30]).max(),
        "variances": np.abs(pca.explained_variance_ / variances - 1).max(),
        "coordinates": np.abs(pca.transform(x) - sign * U[:, :30] * S[:30]).max()}
table(["what", "largest gap"], [[name, f"{gap:.0e}"] for name, gap in gaps.items()])

# %% [markdown]
# The variances say how many directions are needed for a given share of the variance:

# %%
wanted = 0.5  # of the variance
shares = np.cumsum(S**2) / (S**2).sum()  # of the first direction, of the first two, ...
print(f"{100 * wanted:.0f} % of the variance: {(shares < wanted).sum() + 1} directions")

# %%
try_it("Change `wanted = 0.5` to `wanted = 0.9` and run that cell again. How many "
       "directions are needed?", None, PCA(0.9, svd_solver="full").fit(x).n_components_,
       changed=wanted == 0.9, says="Most of the 784 directions have hardly any variance.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# **Predict.** Suppose that we forget to subtract the mean image. How many degrees are then between the first direction
# and the mean image, from 0 (the same direction) to 90 (orthogonal)?

# %%
prediction_angle = None

# %%
raw = np.linalg.svd(x, full_matrices=False)[2]  # rows are directions
mean_image = x.mean(0)
direction = mean_image / np.linalg.norm(mean_image)
raw_cosine, cosine = abs(raw[0] @ direction), abs(Vt[0] @ direction)
angle = np.degrees(np.arccos(raw_cosine))
limit = np.abs(raw[:5]).max()
# a direction has no sign: turn each to look like the mean image, or like PCA's one before
raw_sign = np.sign((raw[:5] * np.stack([mean_image, *Vt[:4]])).sum(1))
plots.images({"PCA": Vt[:5], "not centred": raw_sign[:, None] * raw[:5]}, zoom=1.2,
             limits=(-limit, limit), columns=[f"direction {i}" for i in range(1, 6)])
print(f"{angle:.1f}° not centred, {np.degrees(np.arccos(cosine)):.1f}° centred")
score([("angle without centring (degrees)", prediction_angle, angle)])

# %% [markdown]
# Grey is zero, white positive, black negative. Without centring the first direction points along the mean image (bottom
# left). The others come about one place later, mixed among themselves. Lesson 03 measures what that costs.

# %%
claim("PCA is SVD", "Largest gap between PCA and the SVD of the centred images",
      max(gaps.values()), at_most=1e-6)

# %% [markdown]
# ## 2 · Linear discriminant analysis
#
# PCA sees no labels. **Linear discriminant analysis** (LDA) needs them. It fits one Gaussian for each class, with the
# mean $\mu_y$ and a covariance $\Sigma$ that all classes share. By Bayes' rule
#
# $$\log p(y \mid x) = \log p(y) - \tfrac12 (x - \mu_y)^\top \Sigma^{-1} (x - \mu_y) + \text{const}.$$
#
# The term $x^\top\Sigma^{-1}x$ is the same for all classes and drops out. What is left, $\mu_y^\top\Sigma^{-1}x -
# \frac12\mu_y^\top\Sigma^{-1}\mu_y + \log p(y)$, is linear in $x$. Pixels that never have ink make $\Sigma$ singular.
# So it is **shrunk** towards a multiple of the identity; validation chooses by how much.
#
# The method also gives directions. The first maximises the variance *between* the class means, divided by the variance
# *within* the classes. The second does the same among the directions uncorrelated with the first. Ten means allow at
# most nine. (Another method is called LDA, too: *latent Dirichlet allocation*, in unit [01za](01za_parts.ipynb).)
#
# We draw two maps, and let kNN answer from the two coordinates of an image on each map.
#
# **Predict.** How many points more does kNN get right from the first *two* LDA components than from the first two
# principal components?

# %%
prediction_gain = None

# %%
models = [LinearDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage).fit(x, y)
          for shrinkage in (0.01, 0.1, 0.3, 0.6)]
lda = max(models, key=lambda model: model.score(x_val, y_val))
lda_accuracy = 100 * lda.score(x_test, y_test)

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 4.2))
readable = {}
for axis, (name, method) in zip(axes, {"PCA": pca, "LDA": lda}.items(), strict=True):
    known, new = (method.transform(z)[:, :2] for z in (x, x_test))  # (N, 2)
    readable[name] = 100 * KNeighborsClassifier(20).fit(known, y).score(new, y_test)
    plots.class_map(axis, new, y_test)
    axis.set(title=f"{name}: kNN gets {readable[name]:.0f} % right", xlabel="axis 1",
             ylabel="axis 2")

# %%
score([("gain by two LDA components (points)", prediction_gain,
        readable["LDA"] - readable["PCA"])])

# %% [markdown]
# Test images on two maps, coloured and numbered by class. PCA (left) keeps as much of the *images'* variance as it can.
# LDA (right) separates the *classes*, because it sees the labels. Two components are still too few for ten classes.

# %%
means = np.stack([x[y == c].mean(0) for c in range(10)])
closest = [((means - image) ** 2).sum(1).argmin() for image in x_test]
nearest_mean = 100 * float((y_test == closest).mean())
plain = 100 * LinearDiscriminantAnalysis().fit(x, y).score(x_test, y_test)
claim("linear discriminant", "Linear discriminant analysis", lda_accuracy,
      "% test accuracy", at_least=nearest_mean,
      baseline=f"nearest mean {nearest_mean:.1f}, without shrinkage {plain:.1f}")

# %% [markdown]
# How many points do the other components add?

# %%
components = 2
near, new = (lda.transform(z)[:, :components] for z in (x, x_test))  # (N, components)
read_off = KNeighborsClassifier(20).fit(near, y).score(new, y_test)
print(f"kNN on {components} LDA components: {100 * read_off:.1f} % right")

# %%
nine = KNeighborsClassifier(20).fit(lda.transform(x), y)
try_it("Change `components = 2` to `components = 9` and run that cell again. What "
       "percentage does kNN get right?", None,
       100 * nine.score(lda.transform(x_test), y_test), changed=components == 9,
       says="LDA itself decides by the same nine directions, and gets "
            f"{lda_accuracy:.1f} % right.",
       hint="It is the number that the cell prints.")

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - PCA is the SVD of the centred images: the directions are $V$, the variances $S^2/(N-1)$.
# - Forget to subtract the mean, and the first direction points along the mean image.
# - PCA keeps variance and sees no labels. Linear discriminant analysis separates classes and needs labels.
# - Ten means give at most nine directions.
#
# **Your turn:** this extra has no lab. Train the linear discriminant with the labels of two classes only, and look at
# its direction as an image. **Deeper:** [01z](01z_groups.ipynb) looks for groups without labels. **Next:** [lesson
# 02](02_autoencoder.ipynb).
#
# ### Papers
# - K. Pearson (1901). *On lines and planes of closest fit to systems of points in space.* Philosophical Magazine 2,
#   559–572. (PCA)
# - R. A. Fisher (1936). *The use of multiple measurements in taxonomic problems.* Annals of Eugenics 7, 179–188.
