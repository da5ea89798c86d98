# %% [markdown]
# # 03d · Maps, and a roll that should be unrolled
#
# **Promise.** You will compare five maps of the same digits by measures, and find out when an autoencoder unrolls a
# rolled sheet and when it presses it flat.
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
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
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
# Section 1 maps digits. Section 2 maps a rolled sheet of paper, where we know what the right map looks like.
#
# ## 1 · Five maps of the same digits
#
# | method | what it keeps |
# |---|---|
# | PCA | as much variance as a linear map can |
# | kernel PCA | variance too, of similarities between images: 1 for equal ones, near 0 for distant ones |
# | Isomap | distances along a graph of neighbours |
# | t-SNE | who is near to whom; large distances on the map do not count |
# | autoencoder | what the decoder needs to reconstruct |
#
# All of them map the same 1,500 test images, without labels. PCA and the autoencoder learned on training images. The
# others were fitted on these images.

# %%
x, some, labels = digits.x_train, digits.x_test[:1500], digits.y_test[:1500]

# %%
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
# cross-validation)? **Trustworthiness** (Venna and Kaski 2001): are neighbours on the map neighbours among the
# images? It is 1 if all are, and about 0.5 for a map at random.
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
for label in range(10):
    axes[5].scatter([], [], color=plots.CLASSES.colors[label], label=str(label))
axes[5].legend(frameon=False, title="digit", loc="center", ncols=2, fontsize=12)
axes[5].set_axis_off()

# %% [markdown]
# On the maps of PCA and kernel PCA most classes overlap. t-SNE makes islands, and
# by both measures its map is the best one here. But it is only a picture: it has no encoder and no
# decoder, and the sizes of its islands and the gaps between them mean nothing. The autoencoder's map can be decoded:

# %%
point = [0.0, 0.0]  # a place on the autoencoder's map
with torch.no_grad():
    image = torch.sigmoid(mapper.decode(torch.tensor([point])))
plots.images({f"decoded from {point}": image}, zoom=1.4);

# %% [markdown]
# Each place of the map can be decoded, also one where no image lies. Nothing in the training asks for a digit there.

# %%
plane = torch.from_numpy(maps["autoencoder"])  # (1500, 2)
medians = torch.stack([plane[labels == label].median(0).values for label in range(10)])
outer = int(medians.norm(dim=1).argmax())  # the class farthest from (0, 0)
place = [round(value, 1) for value in medians[outer].tolist()]
try_it(f"One class lies around {place}, farther from [0, 0] than the others. Put this "
       "place into `point` above and run that cell again. Which digit do you see?",
       None, outer, changed=point != [0.0, 0.0],
       says="Compare the picture with the number written there on the map.")

# %%
rest = [f"{name} {votes[name]:.1f}" for name in votes if name != "autoencoder"]
claim("maps, autoencoder", "kNN accuracy on the autoencoder's map, of five maps",
      votes["autoencoder"], "%", at_least=votes["PCA"] + 5, baseline=", ".join(rest))
claim("map, t-SNE", "Trustworthiness of the t-SNE map", trust["t-SNE"], at_least=0.9,
      baseline=f"autoencoder {trust['autoencoder']:.2f}, PCA {trust['PCA']:.2f}")
claim("t-SNE leads", "kNN accuracy of t-SNE, minus the best of the other maps",
      votes["t-SNE"] - max(v for name, v in votes.items() if name != "t-SNE"), "points",
      at_least=0)

# %% [markdown]
# ## 2 · Does an autoencoder unroll a roll?
#
# The **Swiss roll** is a sheet, rolled up in three dimensions. Its true coordinates are known: the **arc length**
# along the spiral, and the position across the sheet.

# %%
def swiss_roll(turns, n=1500):
    """Points (n, 3) of a roll, and their places on the sheet (n, 2): arc length, width."""
    rng = np.random.default_rng(0)
    t, width = 1.5 * np.pi + 2 * np.pi * turns * rng.random(n), 21 * rng.random(n)
    roll = np.stack([t * np.cos(t), width, t * np.sin(t)], 1)
    arc = 0.5 * (t * np.sqrt(1 + t**2) + np.arcsinh(t))  # of the spiral r = t
    roll = (roll - roll.mean(0)) / (roll - roll.mean(0)).std()
    return torch.from_numpy(roll).float(), np.stack([arc, width], 1)

# %% [markdown]
# A sheet is **unrolled** if different places on it have different places on the map. Then points that are neighbours
# on the map are neighbours on the sheet, and the mean of ten neighbours tells where on the sheet a left-out point
# belongs. R² is the share of the variance that this explains. We keep the smaller one of the two coordinates.
#
# A *linear* regression asks for more. It succeeds if the map is also **straight**, neither bent nor stretched unevenly.

# %%
def readable(plane, sheet, regression=None):
    """Smaller R² of the two coordinates, read from a map at points not seen in fitting."""
    model = regression or KNeighborsRegressor(10)
    folds = KFold(5, shuffle=True, random_state=0)
    return min(cross_val_score(model, plane, c, cv=folds).mean() for c in sheet.T)

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
# The usual roll has one and a half turns. We call it unrolled if the R² of ten neighbours is above 0.95. To see how
# much of the sheet a network reconstructs, we use the **share kept** of unit 02: 1 minus the squared error divided by
# the variance. It is 1 for a perfect copy.
#
# **Predict.** Of six autoencoders 3-128-128-2 with different seeds (initialisation and order of the batches), how many
# unroll it?

# %%
prediction_unrolled = None

# %%
roll, sheet = swiss_roll(1.5)
nets = [train_on(roll, seed, small(seed)) for seed in range(6)]
with torch.no_grad():
    planes = [net.encode(roll).numpy() for net in nets]
r2 = [readable(plane, sheet) for plane in planes]
kept = [metrics.share_kept(net, roll) for net in nets]
isomap = Isomap(n_neighbors=10).fit_transform(roll.numpy())

# %%
others = {"PCA": PCA(roll, 3).encode(roll, 2), "Isomap": isomap}
r2_others = {name: readable(plane, sheet) for name, plane in others.items()}
table(["map", "R², ten neighbours", "share kept"],
      [*([name, value, None] for name, value in r2_others.items()),
       *([f"autoencoder, seed {seed}", r2[seed], kept[seed]] for seed in range(6))])

# %%
figure = plt.figure(figsize=(11, 3.4), layout="constrained")
axis = figure.add_subplot(1, 3, 1, projection="3d")
axis.scatter(*roll.T, c=sheet[:, 0], s=4, cmap="viridis", rasterized=True)
axis.set(title="the roll", xticks=[], yticks=[], zticks=[])
axis.view_init(elev=10, azim=-80)
for i, (name, plane) in enumerate((("Isomap", isomap), ("an autoencoder", planes[0]))):
    axis = figure.add_subplot(1, 3, i + 2)
    dots = axis.scatter(*plane.T, c=sheet[:, 0], s=4, cmap="viridis", rasterized=True)
    axis.set(title=name, xlabel="axis 1", ylabel="axis 2")
figure.colorbar(dots, ax=axis, label="arc length");

# %% [markdown]
# On Isomap's map (middle) the colour changes evenly from one end to the other: the sheet is unrolled. On the
# autoencoder's map (right) parts of the sheet with different colours lie on the same place, so the decoder cannot
# tell them apart. Still it keeps nearly all of the variance. PCA looks at the roll along its axis. The arc length can
# be read from its map, but the position across the sheet is lost. **A small reconstruction error does not mean that a
# manifold was understood.**

# %%
unrolled = sum(value > 0.95 for value in r2)
claim("unrolled", "Autoencoders of six that unroll the Swiss roll", unrolled, "of 6",
      seeds=6, at_most=2, baseline=f"R² of Isomap {r2_others['Isomap']:.2f}, of PCA "
      f"{r2_others['PCA']:.2f}, of autoencoders {max(r2):.2f} at best")
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
def six_maps(turns):
    """R² of ten neighbours and R² of a linear regression, for six autoencoders."""
    roll, sheet = swiss_roll(turns)
    planes = [train_on(roll, seed, small(seed)).encode(roll).detach() for seed in range(6)]
    return ([readable(plane, sheet) for plane in planes],
            [readable(plane, sheet, LinearRegression()) for plane in planes])


# %%
found = {turns: six_maps(turns) for turns in (0.75, 1.0)}
short = {turns: sum(v > 0.95 for v in near) for turns, (near, _) in found.items()}
straight = {turns: sum(v > 0.95 for v in linear) for turns, (_, linear) in found.items()}
table(["turns", "unrolled, of six", "straight, of six", "smallest R², ten neighbours"],
      [*([t, short[t], straight[t], min(found[t][0])] for t in found),
       [1.5, unrolled, None, min(r2)]])

# %% [markdown]
# So the same network unrolls a shorter roll, up to one turn. Not all of the unrolled maps are straight: a linear
# regression alone would call the bent ones folded.
#
# **Does a penalty on the encoder's Jacobian help?** The Jacobian $J$ of the encoder says how the code changes when
# the point moves a little. A *contractive* autoencoder (Rifai and others 2011) adds the penalty $\lambda \lVert J
# \rVert^2$. To reconstruct a point, the code has to change *along* the sheet. It need not change *across* the gap to
# the next winding, so we hope that the penalty removes that change. `torch.func.jvp` returns one column of $J$ for
# each direction of the input.

# %%
def contractive(strength):  # λ
    def loss(model, x, step):
        z, size = model.encode(x), 0.0
        for direction in torch.eye(3, device=x.device):
            column = torch.func.jvp(model.encode, (x,), (direction.expand_as(x),))[1]
            size = size + column.square().sum(1)
        return {"squared error": losses.squared_error(model.decode(z), x),
                "penalty": strength * size}
    return loss

# %%
strengths = [0.001, 0.01, 0.1]
r2_penalty = {}  # strength → R²
for strength in strengths:
    penalised = train_on(roll, 0, small(0), contractive(strength))
    r2_penalty[strength] = readable(penalised.encode(roll).detach(), sheet)
    print(f"strength {strength}: R² {r2_penalty[strength]:.2f}")
print(f"without a penalty: R² {r2[0]:.2f}")

# %%
best_penalty = max(r2_penalty.values())
try_it("Add a strength of your choice between 0.0001 and 1 to `strengths` and run "
       "that cell again. Is a roll unrolled (R² above 0.95)? Type \"yes\" or \"no\".",
       None, "yes" if best_penalty > 0.95 else "no", changed=len(strengths) > 3,
       says="Compare with the R² without a penalty.")

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
    r2_started = [readable(net.encode(roll).numpy(), sheet) for net in started]
error_random = [metrics.reconstruction_error(net, roll) for net in nets[:3]]
error_started = [metrics.reconstruction_error(net, roll) for net in started]
table(["seed", "R², random start", "R², Isomap's map as start", "error, random start",
       "error, Isomap's map as start"],
      list(zip(range(3), r2, r2_started, error_random, error_started, strict=False)))

# %% [markdown]
# It can. From a good start these networks stay unrolled, and their squared error is far smaller. Training from a
# random start ends in a fold and does not get out of it within these 80 epochs. The penalty asks for small changes of
# the code, not for the right map, and none of the three strengths unrolls the sheet.

# %%
claim("short roll", "Autoencoders of six that unroll a roll of 0.75 turns", short[0.75],
      "of 6", seeds=6, at_least=5, baseline=f"1.5 turns {unrolled}")
claim("one turn", "The same for a roll of one turn", short[1.0], "of 6", seeds=6,
      at_least=5, baseline=f"straight {straight[1.0]}; smallest R² "
      f"{min(found[1.0][0]):.2f}")
claim("Jacobian penalty", "Largest R² with a penalty on the encoder's Jacobian, three "
      "strengths", best_penalty, at_most=0.9, baseline=f"without {r2[0]:.2f}")
claim("good start",
      "Squared error from Isomap's map as the start, relative to a random start (means)",
      np.mean(error_started) / np.mean(error_random), "times", seeds=3, at_most=0.5)
claim("stays unrolled", "Autoencoders of three that stay unrolled from that start",
      sum(value > 0.95 for value in r2_started), "of 3", seeds=3, at_least=3,
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
# - From a random start an autoencoder folds a long roll and unrolls a short one.
# - A map can be unrolled and yet bent. Neighbours test the first, a linear regression the second.
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
