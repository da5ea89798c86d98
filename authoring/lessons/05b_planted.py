# %% [markdown]
# # 05b · Does it find the true parts?
#
# **Promise.** You will hide features in data, let a sparse autoencoder search for them, and find out when it succeeds,
# even with more features than dimensions, and when it fails without a sign.
#
# **After this unit you can**
# 1. measure whether known features were found, next to four other methods;
# 2. say on which property of the data the success depends;
# 3. say why the reconstruction does not tell whether the features were found.
#
# **Before it:** unit 05, PCA from lesson 03. **Time:** about {minutes} minutes; the cells run in less than a minute on
# two cores.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA, FastICA, MiniBatchDictionaryLearning

from aecourse import data, losses, plots
from aecourse.claims import Claims, score, try_it
from aecourse.sparse import SparseAutoencoder, top_k_autoencoders, top_k_dictionaries
from aecourse.train import fit, seeded

plots.use_style()
claim = Claims("05", data.load().name)  # this unit makes its own data

# %%
generator = torch.Generator().manual_seed(3)
three = F.normalize(torch.tensor([[1.0, 0.2], [-0.3, 1.0], [0.8, -0.9]]), dim=1)  # (3, 2)
which = torch.randint(3, (300,), generator=generator)
points = three[which] * (0.5 + torch.rand(300, 1, generator=generator))  # (300, 2)
axis = plt.subplots(figsize=(3.4, 3.4))[1]
axis.plot(*points.T, ".", markersize=4, color=plots.SKY)
axis.quiver([0] * 3, [0] * 3, *three.T, angles="xy", scale_units="xy", scale=1, zorder=3)
axis.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal",
         xlabel="first dimension", ylabel="second dimension");

# %% [markdown]
# Each point is a multiple of one of three directions (arrows). There are more directions than dimensions, and still the
# eye finds them at once, because each point uses only *one* of them. This unit asks for the same in 20
# dimensions.
#
# ## 1 · Planted features
#
# Nobody knows the true parts of digits. So we make data whose parts we know. $K$ random directions $f_1, \dots, f_K$ in
# 20 dimensions are the true **features**. Each sample is a sum of a few of them, three on average, with strengths
# between 0.5 and 1.5:

# %%
def planted(n_features, seed, n=4000, dims=20, on=3):
    # not the seeds of the networks: the same random numbers would hand them the features
    generator = torch.Generator().manual_seed(1000 + seed)
    features = F.normalize(torch.randn(n_features, dims, generator=generator), dim=1)
    active = torch.rand(n, n_features, generator=generator) < on / n_features
    strength = 0.5 + torch.rand(n, n_features, generator=generator)
    return (active * strength) @ features, features  # (n, dims), (K, dims)

# %%
samples, features = planted(40, seed=0)  # (4000, 20), (40, 20)

# %% [markdown]
# Here are 40 features in 20 dimensions, twice as many as there are dimensions. A top-k autoencoder sees the samples and
# nothing else. We give it 80 units, twice as many as features, and $k = 4$, one more than needed on average.

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


with seeded(0):
    net = SparseAutoencoder(samples.mean(0), units=80, k=4)  # 20-80-20
fit(net, (samples,), squared_error, epochs=50, lr=1e-2, one_cycle=True)
atoms = net.atoms().detach().T  # (80, 20), a row for each unit

# %% [markdown]
# Did it find the features? For each true feature take the largest absolute cosine with any atom. The mean over the
# features is the **mean max cosine**. It is 1 if all are found (Sharkey and others 2022).
#
# **Predict.** Even 80 *random* directions are close to some features by chance. What is their mean max cosine, from 0
# to 1?

# %%
prediction_floor = None

# %%
def max_cosines(features, found):
    cosines = F.normalize(features, dim=1) @ F.normalize(found, dim=1).T  # (K, units)
    return cosines.abs().amax(1)  # (K,): the nearest atom of each feature

# %%
random = torch.randn(80, 20, generator=torch.Generator().manual_seed(5))
axis = plt.subplots(figsize=(6, 3))[1]
for name, found in (("autoencoder", atoms), ("random directions", random)):
    axis.plot(range(1, 41), max_cosines(features, found).sort().values, "o-", label=name)
axis.set(xlabel="feature, worst found first", ylabel="largest cosine", ylim=(0, 1.05))
axis.legend(frameon=False, loc="lower right")
floor = max_cosines(features, random).mean().item()

# %% [markdown]
# The autoencoder finds nearly every feature. Compare every such result with random directions, not with zero. We take
# 80 of them, as many as the autoencoder has units.

# %%
print(f"mean max cosine: autoencoder {max_cosines(features, atoms).mean():.3f}, "
      f"random directions {floor:.3f}")
score([("mean max cosine of random directions", prediction_floor, floor)])

# %% [markdown]
# Which feature did a single unit find?

# %%
unit = 3  # one of the 80
cosines = (features @ atoms[unit]).abs()  # (40,): with each true feature
largest = cosines.sort(descending=True).values[:3]
print("largest cosines of this unit:", largest.numpy().round(2))

# %%
try_it("Set `unit = 6` and run that cell again. Which feature, from 0 to 39, is nearest to "
       "the atom of this unit? `cosines.argmax()` tells.", None, int(cosines.argmax()),
       changed=unit == 6)

# %% [markdown]
# Some units have no feature of their own. There are twice as many units as features.
#
# ## 2 · Next to four other methods
#
# - **ICA** (independent component analysis) looks for independent directions that are not Gaussian (Hyvärinen and Oja
#   2000). Like PCA, it gives at most one direction for each dimension, here 20.
# - **Dictionary learning** minimises $\lVert x - Dz \rVert^2 + \lambda \sum_j z_j$ for each sample, without an encoder
#   (Mairal and others 2009).
# - **PCA** finds orthogonal directions, in the order of their variance.
# - **Random directions** are the baseline.
#
# **Predict.** With 40 features in 20 dimensions, what mean max cosine will ICA reach?

# %%
prediction_ica = None

# %%
def others(samples, n_features, seed):
    few = min(samples.shape[1], n_features)  # directions of PCA and ICA
    dictionary = MiniBatchDictionaryLearning(
        n_features, alpha=0.2, batch_size=32, max_iter=2, fit_algorithm="cd",
        positive_code=True, tol=0, max_no_improvement=None, random_state=seed)
    ica = FastICA(few, whiten="unit-variance", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged to the last digit
        ica.fit(samples)
        dictionary.fit(samples.astype("float64"))
    random = np.random.default_rng(seed).normal(size=(2 * n_features, samples.shape[1]))
    return {"dictionary learning": dictionary.components_, "ICA": ica.mixing_.T,
            "PCA": PCA(few).fit(samples).components_, "random directions": random}

# %% [markdown]
# Now with 10, 20, 40 and 80 features, three data sets each. `top_k_dictionaries` trains the autoencoders of the three
# data sets at once, and returns the atoms of each.

# %%
ratios, recovered = (0.5, 1, 2, 4), {}  # method → one list of three results for each ratio
for ratio in ratios:
    n_features = int(20 * ratio)
    sets = [planted(n_features, seed) for seed in range(3)]
    trained = top_k_dictionaries(torch.stack([s for s, _ in sets]),
                                 2 * n_features, k=4)  # (3, units, 20)
    results = {}
    for seed, (points_now, truth) in enumerate(sets):
        others_found = others(points_now.numpy(), n_features, seed)
        for name, rows in {"sparse autoencoder": trained[seed], **others_found}.items():
            rows = torch.as_tensor(rows, dtype=torch.float32)
            results.setdefault(name, []).append(max_cosines(truth, rows).mean().item())
    for name, values in results.items():
        recovered.setdefault(name, []).append(values)

# %%
axis = plt.subplots(figsize=(6.5, 3.8))[1]
for name, style in zip(recovered, ("o-", "s--", "^-", "v:", "x:"), strict=True):
    mean, sd = np.mean(recovered[name], 1), np.std(recovered[name], 1, ddof=1)
    axis.errorbar(ratios, mean, sd, fmt=style, label=name)
plots.log_axes(axis, x=ratios)
axis.set(ylim=(0.1, 1.03), xlabel="features ÷ dimensions", ylabel="mean max cosine")
axis.legend(frameon=False, fontsize=9, loc="lower center", ncols=2);

# %% [markdown]
# The bars are standard deviations over three data sets. With as many features as dimensions, ICA finds every one.
# Beyond that it cannot, because it has only 20 directions to give. PCA never finds them, because the features are not
# orthogonal. It can lie below random directions, since it has fewer. The two sparse methods find nearly all, up to four
# times as many as there are dimensions. The comparison is not quite equal: the autoencoder has twice as many atoms as
# dictionary learning. In return its code takes one forward pass, and no optimisation for each sample.
#
# Why is ICA worse with 10 features? A likely reason is their distribution. **Kurtosis** measures heavy tails; a
# Gaussian has 3. With 10 features each is active in 30 % of the samples, and with 20 in 15 %:

# %%
rate = 0.3  # of the samples in which the feature is active
generator = torch.Generator().manual_seed(6)
strengths = 0.5 + torch.rand(100000, generator=generator)  # of one feature
strengths = strengths * (torch.rand(100000, generator=generator) < rate)  # or zero
away = strengths - strengths.mean()
kurtosis = (away**4).mean() / (away**2).mean() ** 2
print(f"active in {100 * rate:.0f} % of the samples: kurtosis {kurtosis:.1f}")

# %%
try_it("Set `rate = 0.15` and run that cell again. Is the value more or less Gaussian than "
       "at 30 %? Type the kurtosis, with one decimal.", None, kurtosis.item(),
       changed=rate == 0.15)

# %% [markdown]
# At 30 % the kurtosis is near that of a Gaussian, so ICA can hardly tell this feature from one.

# %%
at = {name: np.mean(means[2]) for name, means in recovered.items()}
score([("mean max cosine of ICA, 40 features", prediction_ica, float(at["ICA"]))])

# %%
claim("recovery", "Mean max cosine of the sparse autoencoder, 40 features in 20 dimensions",
      at["sparse autoencoder"], at_least=0.95, seeds=3,
      spread=np.std(recovered["sparse autoencoder"][2], ddof=1),
      baseline=", ".join(f"{name} {value:.2f}" for name, value in list(at.items())[1:]))
claim("ICA's limit", "Mean max cosine of ICA, 40 features in 20 dimensions", at["ICA"],
      at_most=0.85, seeds=3, spread=np.std(recovered["ICA"][2], ddof=1),
      baseline=f"20 features in 20 dimensions {np.mean(recovered['ICA'][1]):.3f}")

# %% [markdown]
# ## 3 · How many features at a time?
#
# The number of features is one thing. How many are active *at a time* is another. We keep 40 features and let more and
# more of them be active in each sample. The autoencoder gets $k$ = that number + 1. `top_k_autoencoders` also returns
# the part of the variance that is not reconstructed.
#
# **Predict.** What is the mean max cosine with 12 of 40 features active at a time?

# %%
prediction_crowd = None

# %%
crowd = {}
for on in (2, 4, 8, 12):
    sets = [planted(40, seed, on=on) for seed in range(3)]
    trained, left = top_k_autoencoders(torch.stack([s for s, _ in sets]), 80, k=on + 1)
    print(f"{on:2} at a time: {100 * left.mean():.1f} % of the variance not reconstructed")
    crowd[on] = [max_cosines(truth, rows).mean().item()
                 for (_, truth), rows in zip(sets, trained, strict=True)]
axis = plt.subplots(figsize=(5, 3))[1]
axis.errorbar(list(crowd), np.mean(list(crowd.values()), 1),
              np.std(list(crowd.values()), 1, ddof=1), fmt="o-", label="sparse autoencoder")
axis.axhline(at["random directions"], color="grey", linestyle=":", label="random")
axis.set(xlabel="features active at a time", ylabel="mean max cosine", ylim=(0, 1.03))
axis.legend(frameon=False, loc="lower left");

# %% [markdown]
# With twelve features at a time the recovery falls to that of random directions. The samples are still exactly sums of
# the features, but no longer sparse. **Sparsity is an assumption about the data.** Where it held in our data, the
# sparse autoencoder found the parts. Where it did not hold, it still gave a dictionary, and the reconstruction does not
# reveal this: the printed error is smallest for the worst dictionary. (13 of 80 directions can build almost anything in
# 20 dimensions.) For digits we do not know whether the assumption holds.

# %%
score([("mean max cosine with 12 features at a time", prediction_crowd,
        float(np.mean(crowd[12])))])

# %%
claim("too crowded", "Mean max cosine of the sparse autoencoder with 12 features at a time",
      np.mean(crowd[12]), at_most=0.7, seeds=3, spread=np.std(crowd[12], ddof=1),
      baseline=f"2 at a time {np.mean(crowd[2]):.2f}; random {at['random directions']:.2f}")

# %% [markdown]
# There $k$ fitted the data. We seldom know how many features are active. Back to three at a time, as in section 1:

# %%
k = 4
sets = [planted(40, seed) for seed in range(3)]
trained, left = top_k_autoencoders(torch.stack([s for s, _ in sets]), 80, k=k)
at_k = np.mean([max_cosines(truth, rows).mean().item()
                for (_, truth), rows in zip(sets, trained, strict=True)])
print(f"k = {k}: mean max cosine {at_k:.3f}, {100 * left.mean():.1f} % not reconstructed")

# %%
try_it("Set `k = 12` and run that cell again. What is the mean max cosine now, with two "
       "decimals? Look at the error, too.", None, float(at_k), changed=k == 12)

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Planted features give a test of recovery with a known answer. The baseline is random directions.
# - A sparse autoencoder finds more features than dimensions, if few are active at a time.
# - When too many are active it fails, and the loss does not show it.
#
# **Next:** [05ba](05ba_superposition.ipynb) shows where more features than dimensions occur, and how language models
# are examined. [05c](05c_useful.ipynb) asks whether sparse features are useful. [Lab 05](../work/lab05.ipynb) (on the
# web: the [sheet](../exercises/lab05/lab05.ipynb)) plants features of its own.
#
# ### Papers
# - A. Hyvärinen, E. Oja (2000). *Independent component analysis: algorithms and applications.* Neural Networks 13,
#   411–430.
# - J. Mairal, F. Bach, J. Ponce, G. Sapiro (2009). *Online dictionary learning for sparse coding.* ICML, 689–696.
#   (scikit-learn's method)
# - L. Sharkey, D. Braun, B. Millidge (2022). *Taking features out of superposition with sparse autoencoders.* AI
#   Alignment Forum. (mean max cosine)
