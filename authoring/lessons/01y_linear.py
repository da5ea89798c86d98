# %% [markdown]
# # 01y · Linear methods, and what a penalty means (optional extra)
#
# **Promise.** You will predict a number from an image with three linear regressions, and show that the penalties of
# ridge and lasso are beliefs about the weights. You will also see that PCA is a singular value decomposition.
#
# **After this unit you can** explain why an unpenalised regression can fail badly; derive ridge and lasso from a prior
# on the weights and check it with numbers; derive PCA from the SVD; say what linear discriminant analysis needs that
# PCA does not.
#
# **Before it:** lesson 01, and a little linear algebra (matrix products, eigenvectors). No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import minimize
from scipy.stats import laplace, norm
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import BayesianRidge, Lasso, LinearRegression, Ridge, lasso_path
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from aecourse import data, metrics, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
train, valid = train[:4000], valid[:1000]
mixed = torch.randperm(len(digits.x_test), generator=torch.Generator().manual_seed(0))
test = mixed[:4000]
x, y = digits.x_train[train].double().numpy(), digits.y_train[train].numpy()
x_val, y_val = digits.x_train[valid].double().numpy(), digits.y_train[valid].numpy()
x_test, y_test = digits.x_test[test].double().numpy(), digits.y_test[test].numpy()

# %%
def slant(images, drawn, rows):  # shape (len(rows),)
    known = drawn["slant"][rows] if drawn else metrics.slant(images[rows])
    return known.double().numpy()


s_val = slant(digits.x_train, digits.drawn_train, valid)
s_test = slant(digits.x_test, digits.drawn_test, test)
a, s = x[:1000], slant(digits.x_train, digits.drawn_train, train)[:1000]
by_slant = s.argsort()[np.linspace(10, 989, 9).astype(int)]  # nine images, by their slant
plots.images({"slant": a[by_slant]}, columns=[f"{s[i]:+.2f}" for i in by_slant]);

# %% [markdown]
# Nine training images, ordered by their **slant** $s$: how many pixels a digit leans to the right for each pixel
# upwards.
#
# ## 1 · Three regressions
#
# The built-in digits know their slant. On MNIST nobody knows how the pen was held, so $s$ is computed from the image,
# as a ratio of two moments of its ink. A linear regression can only approximate the slant from the pixels. We use 1,000
# images, fewer than two for each pixel that ever has ink.
#
# A linear regression predicts $w^\top x + b$, with one weight for each of the 784 pixels. The three methods minimise
#
# $$\underbrace{\sum_n (s_n - w^\top x_n - b)^2}_{\text{linear regression}}, \qquad \dots + \underbrace{\lambda \sum_j w_j^2}_{\text{ridge}}, \qquad \dots + \underbrace{\lambda \sum_j |w_j|}_{\text{lasso}}.$$
#
# The best $b$ makes the mean error zero. So we may subtract the means from images and slants and forget $b$. What is
# left is a least-squares problem:

# %%
a_mid, s_mid = a - a.mean(0), s - s.mean()  # (1000, 784), (1000,)
w = np.linalg.lstsq(a_mid, s_mid, rcond=None)[0]  # (784,)

residual = s_mid - a_mid @ w  # (1000,)
print(f"training images: R² = {1 - (residual**2).sum() / (s_mid**2).sum():.2f}")

# %% [markdown]
# **R²** is one minus the mean squared error divided by the variance: 1 is perfect, 0 is no better than the mean of all
# slants, and it can be negative.
#
# scikit-learn's methods do the same. (`Lasso` divides the first sum by $2N$, so its penalty cannot be compared with
# that of ridge; see section 2.) The penalty of ridge and of lasso is chosen on the validation images. The baseline kNN
# answers with the mean slant of the $k$ nearest training images.
#
# **Predict.** Of the 784 weights, how many will the lasso keep (different from zero)?

# %%
prediction_lasso = None

# %%
def choose(models):
    """Return the model with the best R² on the validation images."""
    return max([m.fit(a, s) for m in models], key=lambda m: m.score(x_val, s_val))


ols = LinearRegression().fit(a, s)
ridge = choose([Ridge(penalty) for penalty in 10.0 ** np.arange(-2, 5)])
lasso = choose([Lasso(penalty, tol=1e-6, max_iter=50_000)
                for penalty in np.logspace(-1.3, -4.3, 16)])
knn = choose([KNeighborsRegressor(k) for k in (1, 3, 5, 10)])

# %%
regressions = {"linear": ols, "ridge": ridge, "lasso": lasso, "kNN": knn}
r2 = {name: [model.score(a, s), model.score(x_val, s_val), model.score(x_test, s_test)]
      for name, model in regressions.items()}
weights = {"linear": ols.coef_, "ridge": ridge.coef_, "lasso": lasso.coef_}
size = {name: [np.abs(w).max(), int((np.abs(w) > 1e-9).sum())]
        for name, w in weights.items()}
kept = size["lasso"][1]

# %%
table(["regression", "R² training", "R² validation", "R² test", "largest weight", "kept"],
      [[name, *r2[name], *size.get(name, [None, None])] for name in r2])

# %% [markdown]
# The last column counts the weights that are not zero. Without a penalty the regression explains its training images
# well and fails on others. Why? Look at the pixel with the largest weight:

# %%
rare = np.abs(ols.coef_).argmax()
print(f"weight {ols.coef_[rare]:.1f}; this pixel has ink in {(a[:, rare] > 0).sum()} of "
      f"{len(a)} training images, {a[:, rare].max():.2f} at most")

# %% [markdown]
# A pixel with a trace of ink in hardly any training image gets a huge weight to explain those few. Another image with
# real ink there gets a wild answer. If that is the cause, leaving out rarely inked pixels must help:

# %%
for least in (1, 4, 51):
    often = (a > 0).sum(0) >= least  # (784,)
    fit = LinearRegression().fit(a[:, often], s)
    print(f"ink in at least {least} images: {often.sum()} pixels, "
          f"R² validation {fit.score(x_val[:, often], s_val):.2f}")

# %% [markdown]
# Rare pixels explain the very low R². What is still missing to ridge we attribute to the many weights for 1,000 images.
# Both penalties help, and are about equally good. Ridge keeps all pixels that ever had ink, the lasso a part of
# them. kNN, which is not linear, does about as well.

# %%
path, paths, _ = lasso_path(a_mid, s_mid, alphas=np.logspace(-1.3, -4.3, 40))
largest = np.abs(paths).max(1).argsort()[-60:]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), width_ratios=[1.3, 1, 1])
axes[0].plot(path, paths[largest].T, linewidth=0.8, color=plots.BLUE, alpha=0.5)
axes[0].axvline(lasso.alpha, color=plots.VERMILION, linestyle="--")
axes[0].set(xscale="log", xlabel="α of Lasso (stronger to the left)", ylabel="weight",
            title="lasso: weights of 60 pixels")
axes[0].invert_xaxis()
for axis, name in zip(axes[1:], ("ridge", "lasso"), strict=True):
    limit = size[name][0]  # the largest weight
    shown = axis.imshow(weights[name].reshape(28, 28), "RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(shown, ax=axis, label="slant per grey level")
    axis.set_title(f"{name}: weight of each pixel")
    axis.set_axis_off()

# %% [markdown]
# Left: from left to right the penalty weakens, and one weight after the other leaves zero. The dashed line is the
# penalty that validation chose. Middle and right, each on its own colour scale: red where ink means a slant to the
# right (top right and bottom left), blue where it means the opposite. Ridge divides the answer among all pixels with
# ink. The lasso picks some and sets the others exactly to zero.

# %%
claim("unpenalised", "R² of linear regression without a penalty on test images",
      r2["linear"][2], at_most=0, baseline=f"on its training images {r2['linear'][0]:.2f}")
claim("ridge", "R² of ridge regression on test images", r2["ridge"][2], at_least=0.5,
      baseline=f"lasso {r2['lasso'][2]:.2f}, kNN {r2['kNN'][2]:.2f}")

# %% [markdown]
# ## 2 · A common claim, checked
#
# > "Ridge and lasso are tricks against overfitting, outside of probability and maximum likelihood."
#
# Write the regression as a model, with Gaussian noise, and with a **prior** for the weights. A prior is what we believe
# about the weights before we see data. (From here on $x_n$ and $s_n$ are centred, so $b$ is gone.)
#
# $$s_n = w^\top x_n + \varepsilon_n, \quad \varepsilon_n \sim \mathcal N(0, \sigma^2), \qquad w_j \sim \mathcal N(0, \tau^2).$$
#
# After the data, the belief is the **posterior** $p(w \mid s)$. Its highest point is the **MAP** estimate (maximum a
# posteriori). Bayes' rule says $p(w \mid s) = p(s \mid w)\,p(w)/p(s)$, so
#
# $$-\log p(w \mid s) = -\log p(s \mid w) - \log p(w) + \log p(s).$$
#
# The last term does not depend on $w$. The noise of the images is independent, so the first term is a sum over images
# of minus the logarithm of a Gaussian density. The second is such a sum over weights:
#
# $$-\log p(s \mid w) = \frac{1}{2\sigma^2}\sum_n (s_n - w^\top x_n)^2 + \text{const}, \qquad -\log p(w) = \frac{1}{2\tau^2}\sum_j w_j^2 + \text{const}.$$
#
# Add them and multiply by $2\sigma^2$, which moves no minimum:
#
# $$\sum_n (s_n - w^\top x_n)^2 + \lambda \sum_j w_j^2 \qquad\text{with}\qquad \lambda = \frac{\sigma^2}{\tau^2}.$$
#
# This is ridge regression. Its gradient is $-2X^\top(s - Xw) + 2\lambda w$. Where it is zero,
# $(X^\top X + \lambda I)\,w = X^\top s$: a system of linear equations.
#
# Now the lasso. A **Laplace** prior has the density $p(w_j) = \frac{1}{2\beta}e^{-|w_j|/\beta}$, and its minus
# logarithm is $|w_j|/\beta$ + const. Multiplied by $\sigma^2/N$, the sum of both terms is
#
# $$\frac{1}{2N}\sum_n (s_n - w^\top x_n)^2 + \alpha \sum_j |w_j| \qquad\text{with}\qquad \alpha = \frac{\sigma^2}{N\beta}.$$
#
# This is what scikit-learn's `Lasso` minimises. Let us check both with numbers. Any $\sigma$ will do; $\tau$ and
# $\beta$ follow from the penalties that validation chose.

# %%
sigma = 0.08
tau = sigma / np.sqrt(ridge.alpha)  # from λ = σ² / τ²
beta = sigma**2 / (len(a) * lasso.alpha)  # from α = σ² / (N β)
closed_form = np.linalg.solve(a_mid.T @ a_mid + (sigma / tau) ** 2 * np.eye(784),
                              a_mid.T @ s_mid)
gap_ridge = np.abs(closed_form - ridge.coef_).max() / np.abs(ridge.coef_).max()
print(f"largest gap to Ridge: {gap_ridge:.0e} of the largest weight")

# %%
def log_posterior(w, prior):  # up to the constant log p(s)
    return norm.logpdf(s_mid, a_mid @ w, sigma).sum() + prior.logpdf(w).sum()


factors = np.linspace(0.9, 1.1, 81)
axis = plt.subplots(figsize=(6, 3.2))[1]
for name, style, w, prior in (("ridge, Gaussian", "-", ridge.coef_, norm(0, tau)),
                              ("lasso, Laplace", "--", lasso.coef_, laplace(0, beta))):
    heights = np.array([log_posterior(factor * w, prior) for factor in factors])
    axis.plot(factors, heights - heights.max(), style, label=f"{name} prior")
axis.axvline(1, color="grey", linestyle=":")
axis.set(xlabel="all weights times this factor", ylabel="log posterior − maximum (nats)")
axis.legend(frameon=False);

# %% [markdown]
# Multiply all weights of ridge or lasso by a factor: the log posterior is highest at the factor 1.

# %%
try_it("Suppose that you believed in weights half as large: a Gaussian prior with τ/2, the "
       f"same σ. Validation chose λ = {ridge.alpha:g}. Which λ would belong to that prior?",
       None, sigma**2 / (tau / 2) ** 2, says="Half the τ needs four times the penalty.",
       hint="Put τ/2 into λ = σ²/τ².")

# %% [markdown]
# The claim is false. Ridge and lasso *are* MAP estimates: maximum likelihood with a prior added. The penalty says how
# noisy the answers are, compared with how large the weights may be. With an infinitely wide prior the penalty is zero,
# and linear regression, the maximum likelihood estimate, is back. One subtlety: under a Laplace prior, a weight of
# exactly zero has probability zero. The zeros belong to the *highest point* of the posterior.
#
# The next cell (folded) tests the lasso in all directions. A general optimiser climbs the log posterior. The absolute
# value has a corner at zero, so the cell writes $w = u - v$ with $u, v \ge 0$ and replaces $\sum_j|w_j|$ by the smooth
# $\sum_j(u_j + v_j)$. At the best point $u_j$ or $v_j$ is zero: lowering both by the same amount would keep $w$ and
# lower the penalty. Where one is zero, $u_j + v_j = |w_j|$.

# %%
def minus_log_posterior(uv):  # u and v in one, (1568,); its value and its gradient
    u, v = np.split(uv, 2)
    error = a_mid @ (u - v) - s_mid
    slope = a_mid.T @ error / sigma**2
    value = error @ error / (2 * sigma**2) + (u + v).sum() / beta
    return value, np.concatenate([slope + 1 / beta, 1 / beta - slope])


climbed = minimize(minus_log_posterior, np.zeros(2 * 784), jac=True, method="L-BFGS-B",
                   bounds=[(0, None)] * (2 * 784),
                   options={"maxiter": 5000, "maxfun": 10_000, "ftol": 1e-15, "maxcor": 20})
w_map = climbed.x[:784] - climbed.x[784:]
exact = Lasso(lasso.alpha, tol=1e-10, max_iter=100_000).fit(a, s).coef_
same = 100 * float(((w_map != 0) == (exact != 0)).mean())
claim("ridge is MAP", "Largest gap between Ridge and the MAP weights, Gaussian prior",
      gap_ridge, "of the largest weight", at_most=1e-6)
claim("lasso is MAP", "Largest gap between Lasso and the MAP weights, Laplace prior",
      np.abs(w_map - exact).max() / np.abs(exact).max(), "of the largest weight",
      at_most=1e-3, baseline=f"zero or not: the same for {same:.1f} % of the weights")

# %% [markdown]
# ### A penalty estimated without validation images
#
# If the penalty means something, it can be *estimated*. `BayesianRidge` chooses $\sigma$ and $\tau$ so that the
# training slants become as probable as possible. This probability, $p(s \mid \sigma, \tau)$, is the **evidence**. It is
# the $p(s)$ from above: it does not depend on $w$, but on $\sigma$ and $\tau$.

# %%
bayes = BayesianRidge().fit(a, s)  # it calls 1/σ² alpha_, and 1/τ² lambda_
bayes_r2 = bayes.score(x_test, s_test)
table(["penalty from", "λ", "R² test"],
      [["validation images", ridge.alpha, r2["ridge"][2]],
       ["evidence", bayes.lambda_ / bayes.alpha_, bayes_r2]])

# %% [markdown]
# No validation image was needed. The two λ need not agree: near its best value, R² hardly changes with λ.

# %%
claim("evidence", "R² on test images with the penalty estimated from the evidence",
      bayes_r2, near=r2["ridge"][2], within=0.02,
      baseline=f"penalty chosen on validation images {r2['ridge'][2]:.3f}")

# %% [markdown]
# ## 3 · PCA is an SVD
#
# From here on we use all 4,000 training images. **PCA** looks for the directions in which the images vary most. They
# are the eigenvectors of the covariance matrix $X^\top X/(N-1)$, where the rows of $X$ are the images minus the mean
# image. The **singular value decomposition** writes any matrix as $X = U S V^\top$, where $U^\top U = I$,
# $V^\top V = I$ and $S$ is diagonal. Insert it:
#
# $$X^\top X = V S\,U^\top U\,S V^\top = V S^2 V^\top, \qquad X V = U S\,V^\top V = U S.$$
#
# So the columns of $V$ are the principal directions (up to sign), the variances are $S^2/(N-1)$, and the codes $XV$ are
# $US$. In numbers, against a `PCA` that computes the eigenvectors of the covariance matrix:

# %%
centred = x - x.mean(0)
U, S, Vt = np.linalg.svd(centred, full_matrices=False)
pca = PCA(30, svd_solver="covariance_eigh").fit(x)
sign = np.sign((pca.components_ * Vt[:30]).sum(1))  # (30,)
variances = S[:30] ** 2 / (len(x) - 1)

# %%
gaps = {"directions": np.abs(pca.components_ - sign[:, None] * Vt[:30]).max(),
        "variances": np.abs(pca.explained_variance_ / variances - 1).max(),
        "codes": np.abs(pca.transform(x) - sign * U[:, :30] * S[:30]).max()}
table(["what", "largest gap"], [[name, f"{gap:.0e}"] for name, gap in gaps.items()])

# %% [markdown]
# **Predict.** Suppose that we forget to subtract the mean image. How large is then the cosine between the first
# direction and the mean image, from 0 (orthogonal) to 1 (the same direction)?

# %%
prediction_cosine = None

# %%
raw = np.linalg.svd(x, full_matrices=False)[2]  # rows are directions
mean_image = x.mean(0)
direction = mean_image / np.linalg.norm(mean_image)
raw_cosine, cosine = abs(raw[0] @ direction), abs(Vt[0] @ direction)
limit = np.abs(raw[:5]).max()
raw_sign = np.sign((raw[:5] * np.stack([mean_image, *Vt[:4]])).sum(1))
plots.images({"PCA": Vt[:5], "not centred": raw_sign[:, None] * raw[:5]}, zoom=1.2,
             limits=(-limit, limit), columns=[f"direction {i}" for i in range(1, 6)])
print(f"cosine: {raw_cosine:.3f} not centred, {cosine:.3f} centred")

# %% [markdown]
# Grey is zero, white positive, black negative. Without centring the first direction is spent on the mean image (bottom
# left). The others come about one place later, mixed among themselves. Lesson 03 measures what that costs.

# %%
claim("PCA is SVD", "Largest gap between PCA and the SVD of the centred images",
      max(gaps.values()), at_most=1e-6)

# %% [markdown]
# ## 4 · Linear discriminant analysis
#
# PCA sees no labels. **Linear discriminant analysis** (LDA) needs them. It fits one Gaussian for each class, with the
# mean $\mu_y$ and a covariance $\Sigma$ that all classes share. By Bayes' rule
#
# $$\log p(y \mid x) = \log p(y) - \tfrac12 (x - \mu_y)^\top \Sigma^{-1} (x - \mu_y) + \text{const}.$$
#
# The term $x^\top\Sigma^{-1}x$ is the same for all classes and drops out. What is left,
# $\mu_y^\top\Sigma^{-1}x - \frac12\mu_y^\top\Sigma^{-1}\mu_y + \log p(y)$, is linear in $x$. Pixels that
# never have ink make $\Sigma$ singular. So it is **shrunk** towards a multiple of the identity; validation chooses by how much.
#
# The method also gives directions. In the first, the class means lie furthest apart, compared with the spread inside
# the classes ($\Sigma$); in the second, furthest apart of what is left. Ten means give nine directions. (Another method
# is called LDA, too: *latent Dirichlet allocation*, in unit 01za.)
#
# **Predict.** What percentage of the test images does kNN get right from only *two* numbers of linear discriminant
# analysis?

# %%
prediction_map = None

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

# %% [markdown]
# Test images on two maps, coloured and numbered by class. PCA (left) separates the *images* as far as it can, LDA
# (right) the *classes*, because it was told them. Two numbers are still too few for ten classes.

# %%
means = np.stack([x[y == c].mean(0) for c in range(10)])
closest = [((means - image) ** 2).sum(1).argmin() for image in x_test]
nearest_mean = 100 * float((y_test == closest).mean())
plain = 100 * LinearDiscriminantAnalysis().fit(x, y).score(x_test, y_test)
claim("linear discriminant", "Linear discriminant analysis", lda_accuracy,
      "% test accuracy", at_least=nearest_mean,
      baseline=f"nearest mean {nearest_mean:.1f}, without shrinkage {plain:.1f}")

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("weights that the lasso keeps", prediction_lasso, kept),
       ("cosine without centring", prediction_cosine, raw_cosine),
       ("kNN on two numbers of LDA (%)", prediction_map, readable["LDA"])])

# %% [markdown]
# ## 6 · What to keep
#
# - With few images for each weight, an unpenalised regression fits its training images and fails on others.
# - Ridge is MAP with a Gaussian prior, the lasso MAP with a Laplace prior. The penalty is a ratio of the noise and the
#   size of the weights that we expect.
# - The evidence can choose a penalty from the training images alone.
# - PCA is the SVD of the centred images. Forget the mean, and the first direction is spent on it.
# - Linear discriminant analysis uses labels, PCA does not.
#
# **Your turn:** this extra has no lab. Replace the slant by `metrics.thickness`, and see which pixels get weights.
# **Deeper:** [01z](01z_groups.ipynb) looks for groups without labels. **Next:** [lesson 02](02_autoencoder.ipynb).
#
# ### Papers
# - R. A. Fisher (1936). *The use of multiple measurements in taxonomic problems.* Annals of Eugenics 7, 179–188.
# - A. E. Hoerl, R. W. Kennard (1970). *Ridge regression: biased estimation for nonorthogonal problems.* Technometrics
#   12, 55–67.
# - D. J. C. MacKay (1992). *Bayesian interpolation.* Neural Computation 4, 415–447. (The evidence.)
# - R. Tibshirani (1996). *Regression shrinkage and selection via the lasso.* Journal of the Royal Statistical Society
#   B 58, 267–288.
