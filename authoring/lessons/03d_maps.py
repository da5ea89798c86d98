# %% [markdown]
# # 03d · Maps, and a roll that should be unrolled
#
# **Promise.** You will compare five maps of the same digits by measures, and find out when an autoencoder unrolls a rolled
# sheet and when it presses it flat.
#
# **After this unit you can**
# 1. judge a map by two measures;
# 2. say what each method of mapping keeps;
# 3. test whether a code has understood a manifold whose true coordinates are known;
# 4. tell a network that *cannot* represent a solution from a training that does not find it.
#
# **Before it:** unit 03. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.decomposition import KernelPCA
from sklearn.linear_model import LinearRegression
from sklearn.manifold import TSNE, Isomap, trustworthiness
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from aecourse import data, diagrams, losses, metrics, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA, Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("03", digits.name)

# %%
diagrams.flow({"r": (0, 0, "rolled sheet\nthree numbers a point", plots.SKY),
               "m": (1.6, 0, "map\ntwo numbers a point", plots.YELLOW),
               "a": (1.6, 1, "unrolled?", plots.GREEN),
               "b": (3.2, 0, "sheet again", plots.SKY)},
              {("r", "m"): "encoder", ("m", "b"): "decoder", ("m", "a"): ""});

# %% [markdown]
# A map gives each point two coordinates. An autoencoder's map can also be decoded. Section 1 maps digits. Section 2 maps
# a rolled sheet of paper, where we know what the right map looks like.
#
# ## 1 · Five maps of the same digits
#
# | method | what it keeps |
# |---|---|
# | PCA | as much variance as a linear map can |
# | kernel PCA | the same, after a nonlinear transformation |
# | Isomap | distances along a graph of neighbours |
# | t-SNE | neighbourhoods; large distances are free |
# | autoencoder | what the decoder needs to reconstruct |
#
# All of them map the same 1,500 test images, without labels. PCA and the autoencoder learned on training images. The
# others have no map for an image on which they were not fitted.

# %%
x, some, labels = digits.x_train, digits.x_test[:1500], digits.y_test[:1500]


def squared_error(model, x, step):
    return {"squared error": losses.squared_error(torch.sigmoid(model(x)), x)}


with seeded(0):
    mapper = he(Autoencoder([784, 256, 128, 2]), x)
fit(mapper, (x[:15_000],), squared_error, epochs=5, lr=3e-3, one_cycle=True);

# %%
with torch.no_grad():
    maps = {"PCA": PCA(x).encode(some, 2).numpy(),
            "autoencoder": mapper.encode(some).numpy()}

# %%
flat = some.numpy()
kernel_pca = KernelPCA(2, kernel="rbf", gamma=0.01, eigen_solver="randomized",
                       random_state=0)
maps["kernel PCA"] = kernel_pca.fit_transform(flat)
maps["Isomap"] = Isomap(n_neighbors=10).fit_transform(flat)
maps["t-SNE"] = TSNE(2, init="pca", max_iter=500, random_state=0).fit_transform(flat)

# %% [markdown]
# We use two measures. **kNN**: is a vote of the ten nearest points on the map right about the class (five-fold
# cross-validation)? **Trustworthiness** (Venna and Kaski 2001): are neighbours on the map neighbours among the images? It
# is 1 if all are.
#
# **Predict.** Which of the five maps has the largest kNN accuracy?

# %%
prediction_map = None

# %%
votes, trust = {}, {}
for name, plane in maps.items():
    vote = cross_val_score(KNeighborsClassifier(10), plane, labels.numpy(), cv=5)
    votes[name] = 100 * vote.mean()
    trust[name] = trustworthiness(flat, plane, n_neighbors=10)
table(["map", "kNN (%)", "trustworthiness"],
      [[name, votes[name], trust[name]] for name in maps])

# %%
axes = plt.subplots(2, 3, figsize=(11, 7))[1].flat
for axis, (name, plane) in zip(axes, maps.items(), strict=False):
    plots.class_map(axis, plane, labels)
    axis.set(title=f"{name}: kNN {votes[name]:.0f} %", xlabel="axis 1", ylabel="axis 2")
axes[5].set_axis_off()

# %% [markdown]
# On the maps of PCA and kernel PCA most classes overlap. On the maps of Isomap and the autoencoder some lie apart. t-SNE
# makes islands, and by both measures its map is the best one here. But it is only a picture: it has no encoder and no
# decoder, and the sizes of its islands and the gaps between them mean nothing. The autoencoder's map can be decoded:

# %%
point = [0.0, 0.0]  # a place on the autoencoder's map
with torch.no_grad():
    image = torch.sigmoid(mapper.decode(torch.tensor([point])))
plots.images({f"decoded from {point}": image}, zoom=1.4);

# %% [markdown]
# The picture is what the decoder makes of this place.

# %%
of_zeros = torch.from_numpy(maps["autoencoder"])[labels == 0].median(0).values  # (2,)
try_it("Put the two numbers of `of_zeros` into `point` above, rounded to one digit, and "
       "run that cell again. Which digit do you see? Type it.",
       None, 0, changed=point != [0.0, 0.0],
       says="The place among the 0s is decoded as a 0.")

# %%
others = [f"{name} {votes[name]:.1f}" for name in votes if name != "autoencoder"]
claim("maps, autoencoder", "kNN accuracy on the autoencoder's map, of five maps",
      votes["autoencoder"], "%", at_least=votes["PCA"] + 5, baseline=", ".join(others))
claim("map, t-SNE", "Trustworthiness of the t-SNE map", trust["t-SNE"], at_least=0.9,
      baseline=f"autoencoder {trust['autoencoder']:.2f}, PCA {trust['PCA']:.2f}")
claim("t-SNE leads", "kNN accuracy of t-SNE, minus the best of the other maps",
      votes["t-SNE"] - max(v for name, v in votes.items() if name != "t-SNE"), "points",
      at_least=0)

# %% [markdown]
# ## 2 · Does an autoencoder unroll a roll?
#
# The **Swiss roll** is a sheet, rolled up in three dimensions. Its true coordinate is known: the **arc length**, measured
# along the spiral. On the unrolled sheet the arc length is a linear function of the map. So a linear regression from the
# map to the arc length has R² near 1 (R²: the share of the variance that the regression explains).

# %%
def swiss_roll(turns, n=1500):
    """Points (n, 3) of a roll with so many turns, and their arc length (n,)."""
    rng = np.random.default_rng(0)
    t, width = 1.5 * np.pi + 2 * np.pi * turns * rng.random(n), 21 * rng.random(n)
    roll = np.stack([t * np.cos(t), width, t * np.sin(t)], 1)
    arc = 0.5 * (t * np.sqrt(1 + t**2) + np.arcsinh(t))  # of the spiral r = t
    roll = (roll - roll.mean(0)) / (roll - roll.mean(0)).std()
    return torch.from_numpy(roll).float(), arc


def unrolled_by(plane, arc):
    """R² of the arc length from a map, on points that the regression has not seen."""
    folds = KFold(5, shuffle=True, random_state=0)
    return cross_val_score(LinearRegression(), plane, arc, cv=folds).mean()

# %%
def plain_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


def train_on(roll, seed, net, loss=plain_error):
    fit(net, (roll,), loss, epochs=80, batch=150, lr=1e-2, one_cycle=True, seed=seed)
    return net


def small(seed):
    with seeded(seed):
        return Autoencoder([3, 128, 128, 2], nn.Tanh)

# %% [markdown]
# The usual roll has one and a half turns. We call it unrolled if R² is above 0.9. To see how much of the sheet a network
# reconstructs, we use the **share kept** of unit 02: 1 minus the squared error divided by the variance. It is 1 for a
# perfect copy.
#
# **Predict.** Of six autoencoders 3-128-128-2 with different initialisations, how many unroll it?

# %%
prediction_unrolled = None

# %%
roll, arc = swiss_roll(1.5)
nets = [train_on(roll, seed, small(seed)) for seed in range(6)]
with torch.no_grad():
    planes = [net.encode(roll).numpy() for net in nets]
r2 = [unrolled_by(plane, arc) for plane in planes]
kept = [metrics.share_kept(net, roll) for net in nets]
isomap = Isomap(n_neighbors=10).fit_transform(roll.numpy())
r2_isomap, r2_pca = unrolled_by(isomap, arc), unrolled_by(PCA(roll, 3).encode(roll, 2), arc)
table(["map", "R² of arc length", "share kept"],
      [["PCA", r2_pca, None], ["Isomap", r2_isomap, None],
       *[[f"autoencoder, seed {seed}", r2[seed], kept[seed]] for seed in range(6)]])

# %%
figure = plt.figure(figsize=(11, 3.4), layout="constrained")
axis = figure.add_subplot(1, 3, 1, projection="3d")
axis.scatter(*roll.T, c=arc, s=4, cmap="viridis", rasterized=True)
axis.set(title="the roll", xticks=[], yticks=[], zticks=[])
axis.view_init(elev=10, azim=-80)
for i, (name, plane) in enumerate((("Isomap", isomap), ("an autoencoder", planes[0]))):
    axis = figure.add_subplot(1, 3, i + 2)
    dots = axis.scatter(*plane.T, c=arc, s=4, cmap="viridis", rasterized=True)
    axis.set(title=name, xlabel="axis 1", ylabel="axis 2")
figure.colorbar(dots, ax=axis, label="arc length");

# %% [markdown]
# On Isomap's map (middle) the colour changes evenly from one end to the other: the sheet is unrolled. On the
# autoencoder's map (right) parts of the sheet with different colours lie next to each other or on top of each other. Still
# it keeps nearly all of the variance. **A small reconstruction error does not mean that a manifold was understood.**

# %%
unrolled = sum(value > 0.9 for value in r2)
claim("unrolled", "Autoencoders of six that unroll the Swiss roll", unrolled, "of 6",
      seeds=6, at_most=2, baseline=f"R² of Isomap {r2_isomap:.2f}, of PCA {r2_pca:.2f}, of "
      f"autoencoders {max(r2):.2f} at best")
claim("roll kept", "Share of the roll's variance that these autoencoders keep",
      np.mean(kept), spread=np.std(kept, ddof=1), seeds=6, at_least=0.9)

# %% [markdown]
# ## 3 · Why not? Three tests
#
# **Is the roll too long?** We roll the sheet less far: 0.75 and 1 turns.
#
# **Predict.** Of six autoencoders, how many unroll a roll of 0.75 turns?

# %%
prediction_short = None

# %%
def count_unrolled(turns):
    roll, arc = swiss_roll(turns)
    found = 0
    for seed in range(6):
        plane = train_on(roll, seed, small(seed)).encode(roll)  # (1500, 2)
        found += unrolled_by(plane.detach().numpy(), arc) > 0.9
    return found


short = {turns: int(count_unrolled(turns)) for turns in (0.75, 1.0)}
table(["turns", "unrolled, of six"], [*short.items(), (1.5, unrolled)])

# %% [markdown]
# So the same network does unroll a short roll. From one turn on, parts of the sheet lie above each other, and training
# more and more often ends in a fold.
#
# **Does a penalty on the encoder's Jacobian help?** The Jacobian $J$ of the encoder says how the code changes when the
# point moves a little. A penalty $\lambda \lVert J \rVert^2$ makes the code change slowly along the sheet and from winding
# to winding (a *contractive* autoencoder, Rifai and others 2011). `torch.func.jvp` returns one column of $J$ for each
# direction of the input.

# %%
strength = 0.01  # λ


def contractive(model, x, step):
    z = model.encode(x)
    size = 0.0
    for direction in torch.eye(3):
        column = torch.func.jvp(model.encode, (x,), (direction.expand_as(x),))[1]  # (B, 2)
        size = size + column.square().sum(1)
    return {"squared error": losses.squared_error(model.decode(z), x),
            "penalty": strength * size}

# %%
penalised = [train_on(roll, seed, small(seed), contractive) for seed in range(2)]
with torch.no_grad():
    r2_penalty = [unrolled_by(net.encode(roll).numpy(), arc) for net in penalised]
print("R² with the penalty:", np.round(r2_penalty, 2))

# %%
try_it("Change `strength = 0.01` to a value of your choice between 0.0001 and 1 and run "
       "the two cells again. Is a roll unrolled (R² above 0.9)? Type \"yes\" or \"no\".",
       None, "yes" if max(r2_penalty) > 0.9 else "no", changed=strength != 0.01,
       says="Compare several strengths before you conclude.")

# %% [markdown]
# **Can the network represent the unrolled sheet at all?** We train the encoder to give Isomap's map, and then train the
# whole autoencoder on the squared error alone, as before.

# %%
def to_isomap(encoder, x, target, step):
    return {"squared error": losses.squared_error(encoder(x), target)}


target, started = torch.from_numpy(isomap).float(), []
for seed in range(3):
    net = small(seed)
    fit(net.encoder, (roll, target), to_isomap, epochs=80, batch=150, lr=1e-2,
        one_cycle=True, seed=seed)
    started.append(train_on(roll, seed, net))

# %%
with torch.no_grad():
    r2_started = [unrolled_by(net.encode(roll).numpy(), arc) for net in started]
error_random = [metrics.reconstruction_error(net, roll) for net in nets[:3]]
error_started = [metrics.reconstruction_error(net, roll) for net in started]
table(["seed", "R², random start", "R², Isomap's map as start", "error, random start",
       "error, Isomap's map as start"],
      list(zip(range(3), r2, r2_started, error_random, error_started, strict=False)))

# %% [markdown]
# It can. From a good start most of these networks stay unrolled, and their squared error is far smaller. So neither the
# network nor the squared error stands in the way. Training from a random start ends in a fold and does not get out of
# it. The penalty asks for small changes of the code, not for the right map, and it did not change this here.

# %%
claim("short roll", "Autoencoders of six that unroll a roll of 0.75 turns", short[0.75],
      "of 6", seeds=6, at_least=5, baseline=f"1 turn {short[1.0]}, 1.5 turns {unrolled}")
claim("Jacobian penalty", "Largest R² with a penalty on the encoder's Jacobian, two seeds",
      max(r2_penalty), seeds=2, at_most=0.9)
claim("good start",
      "Squared error from Isomap's map as the start, relative to a random start (means)",
      np.mean(error_started) / np.mean(error_random), "times", seeds=3, at_most=0.5)
claim("stays unrolled", "Autoencoders of three that stay unrolled from that start",
      sum(value > 0.9 for value in r2_started), "of 3", seeds=3, at_least=2,
      baseline=f"smallest R² {min(r2_started):.2f}")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("the map with the largest kNN accuracy", prediction_map, max(votes, key=votes.get)),
       ("autoencoders of six that unroll the roll", prediction_unrolled, unrolled),
       ("the same for a roll of 0.75 turns", prediction_short, short[0.75])])

# %% [markdown]
# ## 5 · What to keep
#
# - Judge a map by measures. t-SNE draws good pictures that cannot be decoded; an autoencoder's map can.
# - An autoencoder presses a long roll flat and unrolls a short one.
# - A small reconstruction error does not mean that a manifold was understood.
# - To separate "cannot" from "does not find", start the training at the solution.
#
# **Deeper:** [03e](03e_linear.ipynb) looks closer at PCA. **Next:** [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - J. B. Tenenbaum, V. de Silva, J. C. Langford (2000). *A global geometric framework for nonlinear dimensionality
#   reduction.* Science 290, 2319–2323. (Isomap, the Swiss roll)
# - J. Venna, S. Kaski (2001). *Neighborhood preservation in nonlinear projection methods: an experimental study.*
#   ICANN, 485–491. (trustworthiness)
# - L. van der Maaten, G. Hinton (2008). *Visualizing data using t-SNE.* Journal of Machine Learning Research 9,
#   2579–2605.
# - S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio (2011). *Contractive auto-encoders: explicit invariance during
#   feature extraction.* ICML, 833–840.
