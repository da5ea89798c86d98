# %% [markdown]
# # 05ba · Superposition, and how language models are examined
#
# **Promise.** You will train a very small network and see how many features it stores in two dimensions. Then you will
# decompose its code with a sparse autoencoder, as researchers do with language models.
#
# **After this unit you can**
# 1. say when a network stores more features than it has dimensions, and how its bias and ReLU make this possible;
# 2. compare the units of a sparse autoencoder with the network's own units;
# 3. name what sparse autoencoders show about language models and what they do not.
#
# **Before it:** units 05 and 05b. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
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
# present with some probability; otherwise it is zero. The first feature matters most: feature $i$, counted from 0,
# weighs $0.9^i$ in the squared error.
#
# **Predict.** When every feature is always present, how many of the five get a direction of their own in the plane? (We
# count the directions longer than 0.5.) Type a second number for features that are present in three samples of a
# hundred.

# %%
prediction_dense = None
prediction_rare = None

# %%
def toy(probability):  # of a feature to be present
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
    return W.detach(), b.detach()  # (2, 5), (5,)

# %%
probability = 1.0
W, b = toy(probability)
lengths = W.norm(dim=0)
print("lengths of the five directions:", lengths.numpy().round(2))
print("bias b:", b.numpy().round(2))

# %%
try_it("Set `probability = 0.1` and run that cell again. How many of the five directions "
       "are longer than 0.5?", None, int((lengths > 0.5).sum()), changed=probability == 0.1)

# %% [markdown]
# One training may end in a poor arrangement. The function `superpose` therefore trains this network 16 times for each
# probability, all at once. We plot the run with the smallest loss.

# %%
probabilities = (1.0, 0.3, 0.1, 0.03)
all_w, all_losses = superpose(probabilities)  # (4, 16, 2, 5), (4, 16)
best = torch.stack([w[loss.argmin()] for w, loss in zip(all_w, all_losses, strict=True)])
stored = (best.norm(dim=1) > 0.5).sum(1).tolist()  # of best, (4, 2, 5): longer than 0.5

# %%
axes = plt.subplots(1, 4, figsize=(11, 3.2), layout="constrained")[1]
for axis, directions, present, n in zip(axes, best, probabilities, stored, strict=True):
    for i, (across, up) in enumerate(directions.T.tolist()):
        axis.plot([0, across], [0, up], "o-", markevery=[1])
        axis.annotate(str(i), (1.2 * across, 1.2 * up), ha="center", va="center")
    axis.add_patch(plt.Circle((0, 0), 0.5, fill=False, linestyle=":"))
    axis.set(xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), aspect="equal", xticks=[-1, 0, 1],
             yticks=[-1, 0, 1], xlabel="first dimension",
             title=f"present {100 * present:.0f} %: {n} stored")
axes[0].set_ylabel("second dimension");

# %%
score([("features of five stored, always present", prediction_dense, stored[0]),
       ("features of five stored, present at 3 %", prediction_rare, stored[3])])
for present, runs in zip(probabilities, all_w, strict=True):
    print(f"present {100 * present:.0f} %: stored in each of the 16 runs",
          (runs.norm(dim=1) > 0.5).sum(1).tolist())

# %% [markdown]
# A direction outside the dotted circle is longer than 0.5. Features that are always present do not share the plane: two
# opposite features that are both present would cancel each other in $h$. The two that matter most (0 and 1) get a
# direction each, at right angles. The others are given up; with `probability = 1.0`, $b$ makes their outputs about 0.5,
# their mean. Rarer features fit as two opposite pairs, and then as a pentagon. This is **superposition**: a network
# stores more features than it has dimensions, *because* they are sparse.
#
# How can five directions in a plane work? Let feature 0 alone be present, with the value $x_0$. Output $j$ is
# then $\text{ReLU}(w_j \cdot w_0\, x_0 + b_j)$, although feature $j$ is absent.

# %%
W_rare, b_rare = toy(0.03)  # a network for rare features, (2, 5) and (5,)
x_0 = 0.5
products = W_rare.T @ W_rare[:, 0]  # (5,): w_j · w_0
table(["output j", "0", "1", "2", "3", "4"],
      [["w_j · w_0", *products.tolist()], ["b_j", *b_rare.tolist()],
       ["output", *torch.relu(products * x_0 + b_rare).tolist()]])

# %% [markdown]
# At an angle over 90° the product is negative, and the ReLU returns zero, whatever the size. So opposite pairs cost
# nothing while one feature is present. The two neighbours in the pentagon, at 72°, have a positive product. The
# negative bias pulls them below zero at $x_0 = 0.5$. The bias also makes output 0 smaller, but $w_0 \cdot w_0 > 1$
# makes up for a part of this. Two features that are present at once do disturb each other. At 3 % this is rare (section
# 2 counts it).

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
generator = torch.Generator().manual_seed(1)
x_all = torch.rand(20000, 5, generator=generator)
x_all = x_all * (torch.rand(20000, 5, generator=generator) < 0.03)
x_rare = x_all[x_all.sum(1) > 0]  # (N, 5): samples with a feature
h = x_rare @ W_rare.T  # (N, 2)
crowded = ((x_rare > 0).sum(1) > 1).float().mean().item()
print(f"{len(h)} samples, {100 * crowded:.1f} % of them with two or more features")

# %%
def squared_error(model, x, step):
    return {"squared error · 1000": 1000 * losses.squared_error(model(x), x)}


def sparse(seed):
    """Return a sparse autoencoder, 2-10-2, and its codes of h before and after training."""
    with seeded(seed):
        net = SparseAutoencoder(torch.zeros(2), units=10, k=1)
    with torch.no_grad():
        untrained = net.encode(h)  # (N, 10)
    fit(net, (h,), squared_error, epochs=20, lr=1e-2, one_cycle=True)
    with torch.no_grad():
        return net, untrained, net.encode(h)

# %% [markdown]
# Is there a unit for each feature? For a feature we take the correlation of its value with each unit, and of these the
# largest absolute value. It is 1 if a unit follows this feature and nothing else. We take the mean over the five
# features.
#
# The baseline is the same sparse autoencoder *before training*. The ceiling is a top-1 code whose atoms are the true
# directions. It stays below 1, because for two features at once there is one unit only.
#
# **Predict.** What is this mean for the network's own two units, the dimensions of $h$? What is it for the sparse
# autoencoder before training? Type two numbers from 0 to 1.

# %%
prediction_own = None
prediction_untrained = None

# %%
def correlations(values):
    """The absolute correlation of each feature with each unit; 0 for dead units."""
    both = torch.corrcoef(torch.cat([x_rare, values], dim=1).T).abs()
    return both[:5, 5:].nan_to_num()  # rows: features, columns: units


def clearest(values):
    return correlations(values).amax(1)  # (5,)

# %%
net, z_untrained, z = sparse(seed=0)
ideal = torch.relu(h @ (W_rare / W_rare.norm(dim=0)))  # (N, 5)
ideal = ideal * (ideal == ideal.amax(1, keepdim=True))  # top-1
followed = {"dimensions of h": h, "sparse, untrained": z_untrained, "sparse, trained": z,
            "true directions": ideal}
followed = {name: clearest(values) for name, values in followed.items()}
means = {name: row.mean().item() for name, row in followed.items()}
table(["units", *(f"feature {i}" for i in range(5)), "mean"],
      [[name, *row.tolist(), means[name]] for name, row in followed.items()])
score([("the network's own units", prediction_own, means["dimensions of h"]),
       ("the untrained sparse autoencoder", prediction_untrained,
        means["sparse, untrained"])])

# %% [markdown]
# A dimension of the code mixes several features, so it follows none of them closely. This is the price of
# superposition. In the trained sparse autoencoder there is a unit for each feature. But the *untrained* one is nearly
# as good. Is it so with another initialisation?

# %%
seed = 0
worst = [clearest(values).min().item() for values in sparse(seed)[1:]]
print("worst of the five features, before and after training:", np.round(worst, 2))

# %%
try_it("Change `seed = 0` to `seed = 4` and run that cell again. What is the value before "
       "training, with two decimals? Look at the other one, too.", None, worst[0],
       changed=seed == 4)

# %% [markdown]
# One seed is not enough for a statement about training. Here are ten.

# %%
runs = [sparse(s)[1:] for s in range(10)]
of_runs = torch.tensor([[[clearest(v).mean(), clearest(v).min()] for v in r] for r in runs])
found = (of_runs[:, :, 1] > 0.8).sum(0).tolist()  # seeds in which no feature is missing
table(["10 seeds", "mean", "its standard deviation", "seeds with all five above 0.8"],
      [[name, of_runs[:, i, 0].mean().item(), of_runs[:, i, 0].std().item(), found[i]]
       for i, name in enumerate(("untrained", "trained"))])

# %%
gained = of_runs[:, 1, 0] - of_runs[:, 0, 0]  # (10,)
claim("own units", "Mean correlation of a feature with the clearest dimension of h",
      means["dimensions of h"], at_most=0.8,
      baseline=f"true directions {means['true directions']:.2f}")
claim("untrained", "Mean correlation with the clearest unit, untrained, least of 10 seeds",
      of_runs[:, 0, 0].min(), at_least=means["dimensions of h"] + 0.05, seeds=10)
claim("gain by training", "Mean correlation with the clearest unit, gained by training",
      gained.mean(), at_most=0.1, spread=gained.std(), seeds=10)
claim("none missing", "Correlation of the worst feature after training, least of 10 seeds",
      of_runs[:, 1, 1].min(), at_least=0.8, seeds=10,
      baseline=f"before training {of_runs[:, 0, 1].min():.2f}")

# %% [markdown]
# In most seeds the untrained autoencoder is nearly as good as the trained one. Of ten random directions in a plane, one
# often lies near each feature, and $k = 1$ selects it. In the other seeds a feature has no unit of its own, and
# training finds one. So training adds little to the mean, but after it no feature is missing in any of the ten seeds. In the 20
# dimensions of unit 05b random directions came nowhere near the features. **Without its baseline, or with one seed
# alone, this result would have misled us.**
#
# ## 3 · How language models are examined
#
# In language models single units often respond to unrelated things (they are **polysemantic**), as units in
# superposition would. If this is superposition, section 2 applies: collect the activations of a layer for many texts,
# and train an overcomplete sparse autoencoder on them. Cunningham and others (2023) and Bricken and others (2023) did
# so for small models. They found units that respond to one subject each (**monosemantic** ones), more clearly than the
# model's own units. Templeton and others (2024) did it for a large commercial model. They showed that raising the value
# of a unit changes what the model writes (**steering**). Gao and others (2024) trained up to 16 million units with
# top-k. Most of them die unless this is prevented, as unit 05 prevented it.
#
# We can steer our network, too. We start from $h = 0$, where no feature is present, and raise the unit that follows one
# feature from 0 to 1. Then $h$ is the atom of this unit. What does the network output?

# %%
feature = 0
unit = correlations(z)[feature].argmax().item()  # follows this feature most closely
with torch.no_grad():
    raised = net.atoms()[:, unit]  # (2,), the code h
    output = torch.relu(raised @ W_rare + b_rare)  # (5,)
print(f"unit {unit} raised, output:", output.numpy().round(2))

# %%
others = output.masked_fill(torch.arange(5) == feature, -1.0)
try_it("Set `feature = 3` and run both cells again. Which output is the largest of the "
       "other four? Type its number.", None, int(others.argmax()), changed=feature == 3,
       says="What angle is between its direction and that of feature 3?")

# %% [markdown]
# The method has limits.
#
# - *There is no ground truth.* We could compare units with features only because we knew the features.
# - *Top-activating examples convince too easily.* [Unit 05d](05d_units.ipynb) measures this. Heap and others (2025)
#   report that units found in transformers with *random* weights are rated about as interpretable as those of trained
#   transformers.
# - *The dictionary depends on its size.* With more units, one feature splits into several narrower ones (Bricken and
#   others 2023), so there is no single list of parts.
# - *Training has side effects.* L1 shrinks the values, and units die, in language models, too.
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
#   an untrained one, over several seeds, before you say that training has found them.
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
