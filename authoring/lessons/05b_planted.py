# %% [markdown]
# # 05b · Does it find the true parts?
#
# **Promise.** You will hide features in data, let a sparse autoencoder search for them, and find out when it succeeds,
# even with more features than dimensions, and when it fails without a sign. Then you will read how language models are
# examined with this method.
#
# **After this unit you can**
# 1. measure whether known features were found, next to four other methods;
# 2. say on which property of the data the success depends;
# 3. explain superposition, and what sparse autoencoders show about language models and what they do not.
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

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, try_it
from aecourse.sparse import (
    SparseAutoencoder, superpose, top_k_autoencoders, top_k_dictionaries)
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
axis.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal");

# %% [markdown]
# Each point is a multiple of one of three directions (arrows). There are more directions than dimensions, and still the
# eye finds them at once, because each point uses only *one* of them. This unit asks for the same in 20
# dimensions.
#
# ## 1 · Planted features
#
# Nobody knows the true parts of digits. So we plant them. $K$ random directions $f_1, \dots, f_K$ in 20 dimensions are
# the true **features**. Each sample is a sum of a few of them, three on average, with strengths between 0.5 and 1.5:

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
# The autoencoder finds nearly every feature. The random directions are the
# baseline for every such result, not zero. The baseline has as many as the autoencoder has units.
#
# ## 2 · Next to four other methods
#
# - **ICA** (independent component analysis) looks for independent directions that are not Gaussian. It is the textbook
#   method for this question (Hyvärinen and Oja 2000).
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
    few = min(samples.shape[1], n_features)  # PCA, ICA: at most one direction a dimension
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
    trained = top_k_dictionaries(torch.stack([samples for samples, _ in sets]),
                                 2 * n_features, k=4)  # (3, units, 20)
    results = {}
    for seed, (samples, features) in enumerate(sets):
        found = others(samples.numpy(), n_features, seed)
        for name, rows in {"sparse autoencoder": trained[seed], **found}.items():
            rows = torch.as_tensor(rows, dtype=torch.float32)
            results.setdefault(name, []).append(max_cosines(features, rows).mean().item())
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
# Beyond that it cannot, because it has only 20 directions to give. (With 10 features, each is present in three samples
# of ten. With the zeros counted, its values have nearly the kurtosis of a Gaussian, a measure of heavy tails, and ICA has
# little to hold on to.) PCA never finds them, because the features are not orthogonal.
# It can lie below random directions, since it has fewer. The two sparse methods find nearly all, up to
# four times as many as there are dimensions. The encoder answers at once, with twice as many atoms as the search has.

# %%
at = {name: np.mean(values[2]) for name, values in recovered.items()}
claim("recovery", "Mean max cosine of the sparse autoencoder, 40 features in 20 dimensions",
      at["sparse autoencoder"], at_least=0.95, seeds=3,
      spread=np.std(recovered["sparse autoencoder"][2], ddof=1),
      baseline=", ".join(f"{name} {value:.2f}" for name, value in list(at.items())[1:]))
claim("ICA's limit", "Mean max cosine of ICA, 40 features in 20 dimensions", at["ICA"],
      at_most=0.85, seeds=3, spread=np.std(recovered["ICA"][2], ddof=1),
      baseline=f"20 features in 20 dimensions {np.mean(recovered['ICA'][1]):.3f}")

# %% [markdown]
# ## 3 · When it fails
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
    crowd[on] = [max_cosines(features, rows).mean().item()
                 for (_, features), rows in zip(sets, trained, strict=True)]
axis = plt.subplots(figsize=(5, 3))[1]
axis.errorbar(list(crowd), np.mean(list(crowd.values()), 1),
              np.std(list(crowd.values()), 1, ddof=1), fmt="o-", label="sparse autoencoder")
axis.axhline(at["random directions"], color="grey", linestyle=":", label="random")
axis.set(xlabel="features active at a time", ylabel="mean max cosine", ylim=(0, 1.03))
axis.legend(frameon=False, loc="lower left");

# %% [markdown]
# With twelve features at a time the recovery falls to that of random directions. The samples are still exactly sums of
# the features, but no longer sparse. **Sparsity is an assumption about the data.** Where it is true, a sparse
# autoencoder finds the parts. Where it is false, it still gives a dictionary, and the reconstruction does not
# reveal it: the printed error is smallest for the worst dictionary. (13 of 80 directions can build almost anything in 20
# dimensions.) For digits nobody knows.

# %%
claim("too crowded", "Mean max cosine of the sparse autoencoder with 12 features at a time",
      np.mean(crowd[12]), at_most=0.7, seeds=3, spread=np.std(crowd[12], ddof=1),
      baseline=f"2 at a time {np.mean(crowd[2]):.2f}; random {at['random directions']:.2f}")

# %% [markdown]
# ## 4 · Superposition
#
# Would a *network* store more features than it has dimensions, by itself? Elhage and others (2022) asked the smallest
# possible network. Five features between 0 and 1 go through two numbers and back:

# %%
diagrams.flow({"x": (0, 0, "five\nfeatures $x$", plots.SKY),
               "h": (1.3, 0, "two\nnumbers", plots.YELLOW),
               "y": (3, 0, "output\n$\\hat x$, five", plots.SKY)},
              {("x", "h"): "$W$", ("h", "y"): "ReLU($W^T$ · + b)"}, size=(6.5, 1.3));

# %% [markdown]
# $W$ has the shape 2 × 5. Its column $i$ is the direction of feature $i$ in the plane. A feature is present with some
# probability, else it is zero. The first feature matters most: feature $i$, counted from 0, weighs $0.9^i$ in the
# squared error.
#
# **Predict.** When every feature is always present, how many of the five get a direction of their own in the plane? Type
# a second number for features that are present in three samples of a hundred.

# %%
prediction_dense = None
prediction_rare = None

# %%
chance = 1.0  # of a feature to be present
generator = torch.Generator().manual_seed(0)
W = (0.3 * torch.randn(2, 5, generator=generator)).requires_grad_()
b = torch.zeros(5, requires_grad=True)
optimiser = torch.optim.Adam([W, b], lr=3e-2)
for _ in range(1000):
    x = torch.rand(256, 5, generator=generator)  # (256, 5)
    x = x * (torch.rand(256, 5, generator=generator) < chance)  # absent: zero
    x_hat = torch.relu(x @ W.T @ W + b)  # (256, 5) → (256, 2) → (256, 5)
    loss = ((x_hat - x).square() * 0.9 ** torch.arange(5)).sum(1).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
lengths = W.detach().norm(dim=0)
print("lengths of the five directions:", lengths.numpy().round(2))

# %%
try_it("Set `chance = 0.1` and run that cell again. How many of the five directions are "
       "longer than 0.5?", None, int((lengths > 0.5).sum()), changed=chance != 1.0,
       says="More features than dimensions.")

# %% [markdown]
# One training may end in a poor arrangement. The function `superpose` therefore trains this network 16 times for each
# probability, all at once. We draw the try with the smallest loss.

# %%
chances = (1.0, 0.3, 0.1, 0.03)
w, loss = superpose(chances)  # (4, 16, 2, 5), (4, 16)
best = w[torch.arange(4), loss.argmin(1)]  # (4, 2, 5)
stored = (best.norm(dim=1) > 0.5).sum(1).tolist()  # directions that are not near zero

# %%
axes = plt.subplots(1, 4, figsize=(11, 3))[1]
for axis, directions, present, n in zip(axes, best, chances, stored, strict=True):
    for across, up in directions.T.tolist():
        axis.plot([0, across], [0, up], "o-", markevery=[1])
    axis.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", xticks=[0], yticks=[0],
             title=f"present {100 * present:.0f} %: {n} stored")

# %% [markdown]
# Features that are always present cannot share the plane. The two that matter most get a direction each, at right
# angles, and the others are given up (dots near the origin). Rarer features fit as two opposite pairs, and then as a
# pentagon. These directions are not orthogonal, so two features that are present at once disturb each other. But that
# is rare, and the ReLU cuts off small disturbances. This is **superposition**: a network stores more features than it
# has dimensions, *because* they are sparse. Its price is that each of the two numbers mixes several features.

# %%
claim("dense", "Features stored in two dimensions when all are always present", stored[0],
      "of 5", near=2, within=0.1)
claim("superposition", "Features stored in two dimensions when each is present at 3 %",
      stored[3], "of 5", near=5, within=0.1,
      baseline=f"at 30 % {stored[1]}, at 10 % {stored[2]}")

# %% [markdown]
# ## 5 · How language models are examined
#
# In language models single units often respond to unrelated things, as units in superposition would. If this is
# superposition, section 1 applies: collect the activations of a layer for many texts, and train an overcomplete sparse
# autoencoder on them. Cunningham and others (2023) and Bricken and others (2023) did so for small models. They found
# units that respond to one subject each, more clearly than the model's own units. Templeton and others (2024) did it
# for a large commercial model, and showed that raising the value of a unit changes what the model writes. Gao and
# others (2024) trained up to 16 million units with top-k. Most of them die unless this is prevented, as in unit 05.
#
# Most of the limits you have measured.
#
# - *There is no ground truth.* Section 1 could measure the recovery only because the features were planted.
# - *Top-activating examples convince too easily.* Heap and others (2025) report that units found in transformers with
#   *random* weights are rated about as interpretable.
# - *The dictionary depends on its size.* With more units, one feature splits into several narrower ones (Bricken and
#   others 2023), so there is no single list of parts.
# - *The penalty leaves its mark.* Shrinkage and dead units occur there as here.
#
# ## 6 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("mean max cosine of random directions", prediction_floor, floor),
       ("mean max cosine of ICA, 40 features", prediction_ica, float(at["ICA"])),
       ("mean max cosine with 12 features at a time", prediction_crowd,
        float(np.mean(crowd[12]))),
       ("features of five stored, always present", prediction_dense, stored[0]),
       ("features of five stored, present at 3 %", prediction_rare, stored[3])])

# %% [markdown]
# ## 7 · What to keep
#
# - Planted features give a test of recovery with a known answer. The baseline is random directions.
# - A sparse autoencoder finds more features than dimensions, if few are active at a time.
# - When too many are active it fails, and the loss does not show it.
# - Superposition: networks store more features than dimensions, because features are sparse.
#
# **Next:** [05c](05c_useful.ipynb) asks whether sparse features are useful. [Lab 05](../work/lab05.ipynb) (on the web:
# the [sheet](../exercises/lab05/lab05.ipynb)) plants features of its own.
#
# ### Papers
# - A. Hyvärinen, E. Oja (2000). *Independent component analysis: algorithms and applications.* Neural Networks 13,
#   411–430.
# - J. Mairal, F. Bach, J. Ponce, G. Sapiro (2009). *Online dictionary learning for sparse coding.* ICML, 689–696.
#   (scikit-learn's method)
# - N. Elhage and others (2022). *Toy models of superposition.* Transformer Circuits Thread.
# - L. Sharkey, D. Braun, B. Millidge (2022). *Taking features out of superposition with sparse autoencoders.* AI
#   Alignment Forum. (mean max cosine)
# - H. Cunningham, A. Ewart, L. Riggs, R. Huben, L. Sharkey (2023). *Sparse autoencoders find highly interpretable
#   features in language models.* arXiv:2309.08600; ICLR 2024.
# - T. Bricken and others (2023). *Towards monosemanticity: decomposing language models with dictionary learning.*
#   Transformer Circuits Thread.
# - A. Templeton and others (2024). *Scaling monosemanticity: extracting interpretable features from Claude 3 Sonnet.*
#   Transformer Circuits Thread.
# - L. Gao and others (2024). *Scaling and evaluating sparse autoencoders.* arXiv:2406.04093; ICLR 2025.
# - T. Heap, T. Lawson, L. Farnik, L. Aitchison (2025). *Sparse autoencoders can interpret randomly initialized
#   transformers.* arXiv:2501.17727.
