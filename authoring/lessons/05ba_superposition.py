# %% [markdown]
# # 05ba · Superposition, and how language models are examined
#
# **Promise.** You will train a very small network and see how many features it stores in two dimensions. Then you will
# take its code apart with a sparse autoencoder, as researchers do with language models.
#
# **After this unit you can**
# 1. say when a network stores more features than it has dimensions, and why;
# 2. compare the units of a sparse autoencoder with the network's own units;
# 3. name what sparse autoencoders show about language models and what they do not.
#
# **Before it:** units 05 and 05b. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.sparse import SparseAutoencoder, superpose
from aecourse.train import fit, seeded

plots.use_style()
claim = Claims("05", data.load().name)  # this unit makes its own data

# %%
diagrams.flow({"x": (0, 0, "five\nfeatures $x$", plots.SKY),
               "h": (1.3, 0, "code $h$,\n2-dimensional", plots.YELLOW),
               "y": (3.2, 0, "output\n$\\hat x$, five", plots.SKY)},
              {("x", "h"): "$W$", ("h", "y"): "ReLU($W^T h + b$)"}, size=(7, 1.3));

# %% [markdown]
# ## 1 · What a small network stores
#
# Unit 05b planted features. Would a *network* store more features than it has dimensions, by itself? Elhage and others
# (2022) tried it with a very small network. Five features between 0 and 1 go through a 2-dimensional code and back.
#
# $W$ has the shape 2 × 5. Its column $i$ is the direction of feature $i$ in the plane, and $b$ is a bias. A feature is
# present with some probability, else it is zero. The first feature matters most: feature $i$, counted from 0, weighs
# $0.9^i$ in the squared error.
#
# **Predict.** When every feature is always present, how many of the five get a direction of their own in the plane? (We
# count the directions longer than 0.5.) Type a second number for features that are present in three samples of a
# hundred.

# %%
prediction_dense = None
prediction_rare = None

# %%
probability = 1.0  # of a feature to be present
generator = torch.Generator().manual_seed(0)
W = (0.3 * torch.randn(2, 5, generator=generator)).requires_grad_()
b = torch.zeros(5, requires_grad=True)
optimiser = torch.optim.Adam([W, b], lr=3e-2)
for _ in range(1000):
    x = torch.rand(256, 5, generator=generator)  # (256, 5)
    x = x * (torch.rand(256, 5, generator=generator) < probability)  # absent: zero
    x_hat = torch.relu(x @ W.T @ W + b)  # (256, 5) → (256, 2) → (256, 5)
    loss = ((x_hat - x).square() * 0.9 ** torch.arange(5)).sum(1).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
lengths = W.detach().norm(dim=0)
print("lengths of the five directions:", lengths.numpy().round(2))

# %%
try_it("Set `probability = 0.1` and run that cell again. How many of the five directions "
       "are longer than 0.5?", None, int((lengths > 0.5).sum()), changed=probability == 0.1)

# %% [markdown]
# One training may end in a poor arrangement. The function `superpose` therefore trains this network 16 times for each
# probability, all at once. We plot the run with the smallest loss.

# %%
probabilities = (1.0, 0.3, 0.1, 0.03)
all_w, all_losses = superpose(probabilities)  # (4, 16, 2, 5), (4, 16)
best = all_w[torch.arange(4), all_losses.argmin(1)]  # (4, 2, 5)
stored = (best.norm(dim=1) > 0.5).sum(1).tolist()  # directions that are not near zero

# %%
axes = plt.subplots(1, 4, figsize=(11, 3.2), layout="constrained")[1]
for axis, directions, present, n in zip(axes, best, probabilities, stored, strict=True):
    for i, (across, up) in enumerate(directions.T.tolist()):
        axis.plot([0, across], [0, up], "o-", markevery=[1])
        axis.annotate(str(i), (1.2 * across, 1.2 * up), ha="center", va="center")
    axis.set(xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), aspect="equal", xticks=[0], yticks=[0],
             xlabel="first dimension", title=f"present {100 * present:.0f} %: {n} stored")
axes[0].set_ylabel("second dimension");

# %%
score([("features of five stored, always present", prediction_dense, stored[0]),
       ("features of five stored, present at 3 %", prediction_rare, stored[3])])

# %% [markdown]
# Features that are always present cannot share the plane. The two that matter most (0 and 1) get a direction each, at
# right angles, and the others are given up (dots near the origin). Rarer features fit as two opposite pairs, and then
# as a pentagon. These directions are not orthogonal, so two features that are present at once disturb each other. But
# that is rare, and the ReLU cuts off small disturbances. This is **superposition**: a network stores more features than
# it has dimensions, *because* they are sparse.

# %%
claim("dense", "Features stored in two dimensions when all are always present", stored[0],
      "of 5", near=2, within=0.1)
claim("superposition", "Features stored in two dimensions when each is present at 3 %",
      stored[3], "of 5", near=5, within=0.1,
      baseline=f"at 30 % {stored[1]}, at 10 % {stored[2]}")

# %% [markdown]
# ## 2 · The code taken apart
#
# Now we see only the code $h$ of the network with rare features, as if we did not know the features. We train a top-k
# autoencoder on the codes, with ten units, more than the code has dimensions, and $k = 1$.

# %%
W_rare = best[3]  # (2, 5)
generator = torch.Generator().manual_seed(1)
x_all = torch.rand(20000, 5, generator=generator)
x_all = x_all * (torch.rand(20000, 5, generator=generator) < 0.03)
x_rare = x_all[x_all.sum(1) > 0]  # (N, 5): samples with a feature
h = x_rare @ W_rare.T  # (N, 2)

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


with seeded(0):
    net = SparseAutoencoder(torch.zeros(2), units=10, k=1)  # 2-10-2
fit(net, (h,), squared_error, epochs=20, lr=1e-2, one_cycle=True)
with torch.no_grad():
    z = net.encode(h)  # (N, 10)

# %% [markdown]
# Does a unit stand for each feature? For a feature we take the correlation of its value with each unit, and of these
# the largest absolute value. It is 1 if a unit follows this feature and nothing else. We take the mean over the five
# features.
#
# The baseline is again a sparse autoencoder that has *not been trained*.
#
# **Predict.** What is this mean for the network's own two units, the dimensions of $h$? What is it for the untrained
# sparse autoencoder? Type two numbers from 0 to 1.

# %%
prediction_own = None
prediction_untrained = None

# %%
def clearest(values):
    """For each of the five features, the largest absolute correlation with a unit."""
    values = values[:, values.std(0) > 0]  # (N, units), without dead units
    correlations = torch.corrcoef(torch.cat([x_rare, values], dim=1).T)
    return correlations[:5, 5:].abs().amax(1)  # (5,)

# %%
with torch.no_grad(), seeded(0):
    z_untrained = SparseAutoencoder(torch.zeros(2), units=10, k=1).encode(h)  # (N, 10)
followed = {"dimensions of h": clearest(h), "sparse, untrained": clearest(z_untrained),
            "sparse, trained": clearest(z)}
means = {name: row.mean().item() for name, row in followed.items()}
table(["units", *(f"feature {i}" for i in range(5)), "mean"],
      [[name, *row.tolist(), means[name]] for name, row in followed.items()])

# %%
score([("the network's own units", prediction_own, means["dimensions of h"]),
       ("the untrained sparse autoencoder", prediction_untrained,
        means["sparse, untrained"])])

# %% [markdown]
# A dimension of the code mixes several features, so it follows none of them closely. This is the price of
# superposition. In the sparse autoencoder one unit follows each feature. But the *untrained* one does as well: among
# ten random directions in a plane, one lies near each feature, and $k = 1$ selects it. So this toy shows that units of
# a sparse code can follow single features, and not that training found them. The 20 dimensions of unit 05b did show it,
# since random directions came nowhere near. **Without its baseline this result would have misled us.**
#
# ## 3 · How language models are examined
#
# In language models single units often respond to unrelated things, as units in superposition would. If this is
# superposition, section 2 applies: collect the activations of a layer for many texts, and train an overcomplete sparse
# autoencoder on them. Cunningham and others (2023) and Bricken and others (2023) did so for small models. They found
# units that respond to one subject each, more clearly than the model's own units. Templeton and others (2024) did it
# for a large commercial model, and showed that raising the value of a unit changes what the model writes. Gao and
# others (2024) trained up to 16 million units with top-k. Most of them die unless this is prevented, as in unit 05.
#
# We can raise a unit here, too. Then the unit's atom is added to the code $h$. How does the output of the network
# change?

# %%
unit = 0
with torch.no_grad():
    h_now = h[:1]  # (1, 2), the code of one sample
    raised = h_now + 2 * net.atoms()[:, unit]  # (1, 2): the unit's value raised by 2
    change = ((raised - h_now) @ W_rare)[0]  # (5,), before the bias and the ReLU
print("change of the five outputs:", change.numpy().round(2))

# %%
try_it("Set `unit = 8` and run that cell again. Which output grows the most? Type its "
       "number, from 0.", None, int(change.argmax()), changed=unit == 8)

# %% [markdown]
# You have measured most of the limits of this method yourself.
#
# - *There is no ground truth.* We could compare units with features only because we knew the features.
# - *Top-activating examples convince too easily.* [Unit 05d](05d_units.ipynb) measures this. Heap and others (2025)
#   report that units found in transformers with *random* weights are rated about as interpretable as those of trained
#   transformers.
# - *The dictionary depends on its size.* With more units, one feature splits into several narrower ones (Bricken and
#   others 2023), so there is no single list of parts.
# - *The penalty has side effects.* Shrinkage and dead units occur there as here.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - A network stores more features than it has dimensions, if the features are sparse. This is superposition.
# - Its price is that each dimension of the code mixes several features.
# - Units of a sparse autoencoder can follow single features more closely than the code's own dimensions. Compare with
#   an untrained one before you say that training has found them.
# - In language models there is no ground truth to compare the units with.
#
# **Next:** [05c](05c_useful.ipynb) asks whether sparse features are useful.
#
# ### Papers
# - N. Elhage and others (2022). *Toy models of superposition.* Transformer Circuits Thread.
# - H. Cunningham, A. Ewart, L. Riggs, R. Huben, L. Sharkey (2023). *Sparse autoencoders find highly interpretable
#   features in language models.* arXiv:2309.08600; ICLR 2024.
# - T. Bricken and others (2023). *Towards monosemanticity: decomposing language models with dictionary learning.*
#   Transformer Circuits Thread.
# - A. Templeton and others (2024). *Scaling monosemanticity: extracting interpretable features from Claude 3 Sonnet.*
#   Transformer Circuits Thread.
# - L. Gao and others (2024). *Scaling and evaluating sparse autoencoders.* arXiv:2406.04093; ICLR 2025.
# - T. Heap, T. Lawson, L. Farnik, L. Aitchison (2025). *Sparse autoencoders can interpret randomly initialized
#   transformers.* arXiv:2501.17727.
