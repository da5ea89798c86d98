# %% [markdown]
# # 01y · Linear methods, and what a penalty means (optional extra)
#
# **Promise.** You will predict a number from an image with three linear regressions, and show that the penalties of
# ridge and lasso are beliefs about the weights. Section 1 ends with a picture of the weights.
#
# **After this unit you can** explain why an unpenalised regression can fail badly; derive ridge and lasso from a prior
# on the weights and check it with numbers; say what the evidence is, and choose a penalty by it.
#
# **Before it:** lesson 01, matrix products and the normal distribution. No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from scipy.stats import laplace, norm
from sklearn.linear_model import BayesianRidge, Lasso, LinearRegression, Ridge, lasso_path
from sklearn.neighbors import KNeighborsRegressor

from aecourse import data, metrics, plots
from aecourse.claims import Claims, score, table, try_it

# %%
plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)
# positions of so many images, the same in each run; train and valid do not overlap
train, valid, test = data.three_parts(digits, train=1000, valid=1000, test=4000)
x_val, x_test = digits.x_train[valid].double().numpy(), digits.x_test[test].double().numpy()

# %%
def slant(images, drawn, rows):  # shape (len(rows),)
    known = drawn["slant"][rows] if drawn else metrics.slant(images[rows])
    return known.double().numpy()

# %%
s_val = slant(digits.x_train, digits.drawn_train, valid)
s_test = slant(digits.x_test, digits.drawn_test, test)
s = slant(digits.x_train, digits.drawn_train, train)
a = digits.x_train[train].double().numpy()
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
# images (`a` in the code, with slants `s`), fewer than two for each pixel that ever has ink.
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

# %%
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
score([("weights that the lasso keeps", prediction_lasso, kept)])

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
for least in (1, 4):
    often = (a > 0).sum(0) >= least  # (784,)
    fit = LinearRegression().fit(a[:, often], s)
    print(f"ink in at least {least} images: {often.sum()} pixels, "
          f"R² validation {fit.score(x_val[:, often], s_val):.2f}")

# %%
inked = np.count_nonzero(a, axis=0) > 50  # (784,)
try_it("Change `(1, 4)` to `(1, 4, 51)` and run that cell again. What R² do you get from "
       "the pixels with ink in at least 51 images?", None,
       LinearRegression().fit(a[:, inked], s).score(x_val[:, inked], s_val),
       changed=least == 51,
       says=f"Ridge, with all pixels, has {r2['ridge'][1]:.2f} on the same images.",
       hint="It is the last number of the last line.")

# %% [markdown]
# Rare pixels explain the very low R². The gap to ridge that is left probably comes from the number of weights: there
# are hundreds of them for 1,000 images. Both penalties help, and are about equally good. Ridge keeps all pixels that
# ever had ink, the lasso a part of them. kNN, which is not linear, does about as well.

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
    figure.colorbar(shown, ax=axis, label="slant per unit of ink")
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
# This is ridge regression. Let $X$ have the rows $x_n^\top$, and $s$ the entries $s_n$ (`a_mid` and `s_mid` in the
# code). The gradient is $-2X^\top(s - Xw) + 2\lambda w$. Where it is zero, $(X^\top X + \lambda I)\,w = X^\top s$: a
# system of linear equations.
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


believed = norm(0, tau)  # the prior of ridge
factors = np.linspace(0.9, 1.1, 81)
axis = plt.subplots(figsize=(6, 3.2))[1]
for name, style, w, prior in (("ridge, Gaussian", "-", ridge.coef_, believed),
                              ("lasso, Laplace", "--", lasso.coef_, laplace(0, beta))):
    heights = np.array([log_posterior(factor * w, prior) for factor in factors])
    axis.plot(factors, heights - heights.max(), style, label=f"{name} prior")
axis.axvline(1, color="grey", linestyle=":")
axis.set(xlabel="all weights times this factor", ylabel="log posterior − maximum (nats)")
axis.legend(frameon=False);

# %% [markdown]
# Multiply all weights of ridge or lasso by a factor: the log posterior is highest at the factor 1. This tests one
# direction only. The folded cell at the end of the section tests all of them for the lasso.

# %%
reached = a_mid @ ridge.coef_  # (1000,), what ridge predicts, minus the mean slant
pull = ridge.alpha * ridge.coef_ @ ridge.coef_
try_it("Change `believed = norm(0, tau)` to `norm(0, tau / 2)`, a belief in weights half "
       "as large, and run that cell again. At which factor is the solid line now highest?",
       None, reached @ s_mid / (reached @ reached + 4 * pull),
       changed=believed.std() < 0.9 * tau,
       says="A narrower prior wants smaller weights: its MAP is a ridge with a larger λ.",
       hint="Read it from the horizontal axis, to two digits.")

# %% [markdown]
# The claim is false. Ridge and lasso *are* MAP estimates: maximum likelihood with a prior added. The penalty says how
# noisy the slants are, compared with how large the weights may be. With an infinitely wide prior the penalty is zero,
# and linear regression, the maximum likelihood estimate, is back. One subtlety: under a Laplace prior, a weight of
# exactly zero has probability zero. The zeros belong to the *highest point* of the posterior.
#
# In the folded cell a general optimiser climbs the log posterior of the lasso. The absolute value has a corner at zero,
# so the cell writes $w = u - v$ with $u, v \ge 0$ and replaces $\sum_j|w_j|$ by the smooth $\sum_j(u_j + v_j)$. At the
# best point $u_j$ or $v_j$ is zero: lowering both by the same amount would keep $w$ and lower the penalty. Where one is
# zero, $u_j + v_j = |w_j|$.

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
# ## 3 · A penalty estimated without validation images
#
# If the penalty means something, it can be *estimated*. `BayesianRidge` chooses $\sigma$ and $\tau$ so that the
# training slants become as probable as possible. This probability is the **evidence**, the $p(s)$ from above:
#
# $$p(s \mid \sigma, \tau) = \int p(s \mid w, \sigma)\,p(w \mid \tau)\,dw.$$
#
# All weights are averaged out, each as probable as the prior says. So it depends on $\sigma$ and $\tau$, but not on
# $w$.

# %%
bayes = BayesianRidge().fit(a, s)  # it calls 1/σ² alpha_, and 1/τ² lambda_
bayes_r2 = bayes.score(x_test, s_test)
table(["penalty from", "λ", "R² test"],
      [["validation images", ridge.alpha, r2["ridge"][2]],
       ["evidence", bayes.lambda_ / bayes.alpha_, bayes_r2]])

# %% [markdown]
# No validation image was needed. The two λ need not agree. How much does R² change with λ?

# %%
claim("evidence", "R² on test images with the penalty estimated from the evidence",
      bayes_r2, near=r2["ridge"][2], within=0.02,
      baseline=f"penalty chosen on validation images {r2['ridge'][2]:.3f}")

# %%
times = 1
other = Ridge(times * ridge.alpha).fit(a, s)
print(f"λ = {other.alpha:g}: R² validation {other.score(x_val, s_val):.3f}")

# %%
tenfold = np.linalg.solve(a_mid.T @ a_mid + 10 * ridge.alpha * np.eye(784), a_mid.T @ s_mid)
wrong = s_val - s.mean() - (x_val - a.mean(0)) @ tenfold  # (1000,)
try_it("Change `times = 1` to `times = 10` and run that cell again. What R² do you get?",
       None, 1 - (wrong**2).mean() / s_val.var(), changed=times == 10,
       says=f"With the chosen λ it is {r2['ridge'][1]:.3f}: near its best value, R² hardly "
            "changes with λ. Try a hundred times, too.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - With few images for each weight, an unpenalised regression fits its training images and fails on others.
# - Ridge is MAP with a Gaussian prior, the lasso MAP with a Laplace prior. The penalty is a ratio of the noise and the
#   size of the weights that we expect.
# - The evidence can choose a penalty from the training images alone.
#
# **Your turn:** this extra has no lab. Replace the slant by `metrics.thickness`, and see which pixels get weights.
# **Deeper:** [01ya](01ya_directions.ipynb) finds directions in images, with and without labels;
# [01z](01z_groups.ipynb) looks for groups without labels. **Next:** [lesson 02](02_autoencoder.ipynb).
#
# ### Papers
# - A. E. Hoerl, R. W. Kennard (1970). *Ridge regression: biased estimation for nonorthogonal problems.* Technometrics
#   12, 55–67.
# - D. J. C. MacKay (1992). *Bayesian interpolation.* Neural Computation 4, 415–447. (The evidence.)
# - R. Tibshirani (1996). *Regression shrinkage and selection via the lasso.* Journal of the Royal Statistical Society
#   B 58, 267–288.
