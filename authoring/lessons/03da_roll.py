# %% [markdown]
# # 03da · A rolled sheet on a plane map
#
# **Promise.** You will give autoencoders a rolled sheet whose true map is known, and test whether their maps are right, by
# two measures and three experiments.
#
# **After this unit you can**
# 1. test by two measures whether a code has recovered the coordinates of a manifold;
# 2. tell a network that *cannot* represent a solution from a training that does not find it;
# 3. tell a training that is stuck from one that is slow.
#
# **Before it:** unit 03. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.manifold import Isomap
from torch import nn

from aecourse import data, losses, metrics, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA, Autoencoder
from aecourse.train import fit, seeded

plots.use_style()
claim = Claims("03", data.load().name)  # this unit makes its own data

# %% [markdown]
# ## 1 · The roll, and two measures
#
# The **Swiss roll** is a sheet, rolled up in three dimensions. Its true coordinates are known: the **arc length** along
# the spiral, and the **position** across the sheet. `swiss_roll(turns)` returns points of the roll and their coordinates
# on the sheet. Here are the usual roll of one and a half turns, and a shorter sheet with three quarters of a turn.

# %%
roll, sheet = data.swiss_roll(1.5)  # (1500, 3), (1500, 2)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), subplot_kw={"projection": "3d"})
for axis, turns in zip(axes, (1.5, 0.75), strict=True):
    points, where = data.swiss_roll(turns)
    dots = axis.scatter(*points.T, c=where[:, 0], s=4, cmap="viridis", rasterized=True)
    axis.set(title=f"{turns} turns", xticks=[], yticks=[], zticks=[], ylabel="position")
    axis.view_init(elev=15, azim=-70)
    figure.colorbar(dots, ax=axis, label="arc length", shrink=0.6)

# %% [markdown]
# Over half a turn the longer sheet has two windings, one outside the other. We ask two questions about a map.
#
# - **Do parts of the sheet overlap?** Take a left-out point and its ten nearest neighbours on the map. If no parts of the
#   sheet overlap there, the ten are its neighbours on the sheet as well, and the mean of their coordinates is close to its
#   own. R² is the share of the variation that this mean explains. We call the map **free of overlap** if R² is above 0.95
#   for both coordinates.
# - **Is it straight?** A *linear* regression succeeds only if the sheet lies flat, neither bent nor stretched unevenly. We
#   call the map **straight** if its R² is above 0.95 for both coordinates.
#
# `metrics.r2_from_map` computes R² of arc length and position, at points that were left out (five-fold cross-validation).

# %%
def plain_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


def train_on(roll, seed, net, epochs=80, loss=plain_error):
    fit(net, (roll,), loss, epochs=epochs, batch=150, lr=1e-2, one_cycle=True, seed=seed)
    return net


def small(seed):
    with seeded(seed):
        return Autoencoder([3, 128, 128, 2], nn.Tanh)


def map_of(net, points=roll):
    with torch.no_grad():
        return net.encode(points).numpy()  # (1500, 2)


def judge(plane, sheet=sheet):
    """The smaller R² of the two coordinates: of ten neighbours, of a linear regression."""
    return [min(metrics.r2_from_map(plane, sheet, linear)) for linear in (False, True)]

# %% [markdown]
# We train on the roll of 1.5 turns for 80 epochs. To see how much of the points a network reconstructs, we use the
# **share kept** of unit 02: 1 minus the squared error divided by the variance. It is 1 for a perfect copy.
#
# **Predict.** Of six autoencoders 3-128-128-2 with different seeds (initialisation and order of the batches), how many
# give a map that is free of overlap?

# %%
prediction_free = None

# %%
nets = [train_on(roll, seed, small(seed)) for seed in range(6)]
planes = {f"autoencoder, seed {seed}": map_of(net) for seed, net in enumerate(nets)}
pca = PCA(roll, 3)
planes["PCA"] = pca.encode(roll, 2).numpy()  # the first two axes
isomap = Isomap(n_neighbors=10, eigen_solver="dense")  # the same map in every run
planes["Isomap"] = isomap.fit_transform(roll.numpy())

# %%
near = {name: metrics.r2_from_map(plane, sheet) for name, plane in planes.items()}
linear = {name: judge(plane)[1] for name, plane in planes.items()}
kept = [metrics.share_kept(net, roll) for net in nets]
variance = (roll - roll.mean(0)).square().sum(1).mean().item()
kept_by_pca = 1 - pca.error(roll, 2) / variance
table(["map", "R² arc length, neighbours", "R² position, neighbours", "smaller R², linear",
       "share kept"], [[name, *near[name], linear[name], share] for name, share
                       in zip(planes, [*kept, kept_by_pca, None], strict=True)])

# %%
def show(*panels):
    """Maps side by side: (title, map, the value that is the colour, its name)."""
    figure, axes = plt.subplots(1, len(panels), squeeze=False, layout="constrained",
                                figsize=(4.8 * len(panels), 3.8))
    for axis, (title, plane, value, name) in zip(axes[0], panels, strict=True):
        dots = axis.scatter(*plane.T, c=value, s=7, cmap="viridis", rasterized=True)
        axis.set(title=title, xlabel="axis 1", ylabel="axis 2")
        figure.colorbar(dots, ax=axis, label=name)


arc = sheet[:, 0]
show(("Isomap", planes["Isomap"], arc, "arc length"),
     ("an autoencoder, 80 epochs", planes["autoencoder, seed 0"], arc, "arc length"))

# %% [markdown]
# On Isomap's map the colour changes evenly from one end to the other: the sheet is unrolled. On the autoencoder's map
# parts of the sheet with different colours lie at the same place, so the decoder cannot tell them apart. Still it keeps
# more than nine tenths of the variance. **A large share kept does not mean that the map is free of overlap.**
#
# PCA looks at the roll nearly along its axis, and so sees a spiral line. Its view is tilted a little, so the position
# across the sheet can be read in part.

# %%
free = {name: min(values) > 0.95 for name, values in near.items()}
unrolled = sum(free[name] for name in planes if "seed" in name)
best = max(min(near[name]) for name in planes if "seed" in name)
score([("maps of six that are free of overlap", prediction_free, unrolled)])
claim("unrolled", "Autoencoders of six whose map of the Swiss roll is free of overlap, "
      "after 80 epochs", unrolled, "of 6", seeds=6, at_most=2,
      baseline=f"R² of Isomap {min(near['Isomap']):.2f}, of PCA {min(near['PCA']):.2f}, of "
      f"autoencoders {best:.2f} at best")
claim("roll kept", "Share of the roll's variance that these autoencoders keep",
      np.mean(kept), spread=np.std(kept, ddof=1), seeds=6, at_least=0.9)

# %% [markdown]
# ## 2 · Is it the second winding?
#
# Up to one turn, a sheet has one winding only. We take shorter sheets, of 0.75 turns and 1 turn, with the same training.
#
# **Predict.** Of six autoencoders, how many give a map of the roll of 0.75 turns that is free of overlap?

# %%
prediction_short = None

# %%
def six_maps(turns):
    """R² of neighbours and of a linear regression for six autoencoders, two tuples."""
    points, where = data.swiss_roll(turns)
    nets = [train_on(points, seed, small(seed)) for seed in range(6)]
    return list(zip(*(judge(map_of(net, points), where) for net in nets), strict=True))


def above(values):
    return sum(value > 0.95 for value in values)

# %%
found = {turns: six_maps(turns) for turns in (0.75, 1.0)}
found[1.5] = list(zip(*(judge(map_of(net)) for net in nets), strict=True))
table(["turns", "free of overlap, of six", "straight, of six", "smallest R², neighbours"],
      [[t, above(ten), above(lines), min(ten)] for t, (ten, lines) in found.items()])

# %% [markdown]
# Where there is one winding, the same training gives maps that are free of overlap. Not all of them are straight.

# %%
short, one_turn = above(found[0.75][0]), above(found[1.0][0])
score([("maps of six, 0.75 turns, free of overlap", prediction_short, short)])
claim("short roll", "Autoencoders of six whose map of a roll of 0.75 turns is free of "
      "overlap", short, "of 6", seeds=6, at_least=5, baseline=f"1.5 turns {unrolled}")
claim("one turn", "The same for a roll of one turn", one_turn, "of 6", seeds=6, at_least=5,
      baseline=f"straight {above(found[1.0][1])}; smallest R² {min(found[1.0][0]):.2f}")

# %% [markdown]
# How much of a second winding does it take?

# %%
TURNS = 1.0
r2_turns = found[TURNS][0] if TURNS in found else six_maps(TURNS)[0]
print(f"{TURNS} turns: R²", ", ".join(f"{value:.2f}" for value in r2_turns))

# %%
try_it("Change `TURNS = 1.0` to `TURNS = 1.25` and run that cell again. How many of six "
       "maps are free of overlap?", None, above(r2_turns), changed=TURNS == 1.25)

# %% [markdown]
# ## 3 · Can the network represent the right map at all?
#
# We train the encoder to give Isomap's map, and then the whole autoencoder on the squared error, as before.
#
# **Predict.** Of three networks with this start, how many have a map free of overlap at the end?

# %%
prediction_started = None

# %%
def to_isomap(encoder, x, target, step):
    return {"squared error": losses.squared_error(encoder(x), target)}


target = torch.from_numpy(planes["Isomap"]).float()
first_planes, started = [], []  # after the first step, and the networks after both
for seed in range(3):
    net = small(seed)
    fit(net.encoder, (roll, target), to_isomap, epochs=80, batch=150, lr=1e-2,
        one_cycle=True, seed=seed)
    first_planes.append(map_of(net))
    started.append(train_on(roll, seed, net))

# %%
linear_first = [judge(plane)[1] for plane in first_planes]
r2_started, linear_started = zip(*(judge(map_of(net)) for net in started), strict=True)
error_random = [metrics.reconstruction_error(net, roll) for net in nets[:3]]
error_started = [metrics.reconstruction_error(net, roll) for net in started]
table(["seed", "linear R², first step", "at the end", "R², neighbours, at the end",
       "error at the end", "error from a random start"],
      list(zip((0, 1, 2), linear_first, linear_started, r2_started, error_started,
               error_random, strict=True)))

# %%
stay = above(r2_started)
score([("networks of three free of overlap at the end", prediction_started, stay)])
claim("good start", "Squared error from Isomap's map as the start, relative to a random "
      "start (means), after 80 epochs", np.mean(error_started) / np.mean(error_random),
      "times", seeds=3, at_most=0.5)
claim("stays unrolled", "Autoencoders of three that stay free of overlap from that start",
      stay, "of 3", seeds=3, at_least=3, baseline=f"smallest R² {min(r2_started):.2f}")
claim("represented", "Linear R² of the encoder's map after training it on Isomap's map, "
      "smallest of three", min(linear_first), seeds=3, at_least=0.95,
      baseline=f"after training on the squared error {min(linear_started):.2f}")

# %% [markdown]
# After the first step the encoder gives Isomap's map. So the network can represent it. In the second step the maps stay
# free of overlap, but they become less straight: the squared error does not ask for it. Their error is far smaller
# than from a random start. So from a random start the training did not find what the network can represent. Is it stuck,
# or only slow?
#
# ## 4 · Stuck, or slow?
#
# We train the networks of seeds 0 and 1 again from their random start, with ten times as many epochs, and the schedule of
# the learning rate stretched to match.
#
# **Predict.** Of these two networks, how many have a map free of overlap after 800 epochs?

# %%
prediction_long = None

# %%
patient = [train_on(roll, seed, small(seed), epochs=800) for seed in (0, 1)]
r2_long, linear_long = zip(*(judge(map_of(net)) for net in patient), strict=True)
error_long = [metrics.reconstruction_error(net, roll) for net in patient]
table(["training", "smaller R², neighbours", "smaller R², linear", "error"],
      [[f"seed {seed}, {epochs} epochs", *judge(map_of(net)),
        metrics.reconstruction_error(net, roll)] for seed in (0, 1)
       for epochs, net in ((80, nets[seed]), (800, patient[seed]))])

# %%
long_plane = map_of(patient[1])
show(("seed 1, 800 epochs", long_plane, sheet[:, 0], "arc length"),
     ("the same map", long_plane, sheet[:, 1], "position across the sheet"))

# %% [markdown]
# The training was slow, not stuck. After ten times as many epochs the maps are free of overlap by our limit, and the errors
# are a small fraction of those after 80 epochs. But the sheet is not unrolled. It still winds around the centre of the
# map, and the position across the sheet gives the distance from the centre. Pieces of the second winding lie between
# pieces of the first. Such a map is enough for the decoder. R² of the linear regression is nearly 0.
#
# With Isomap's map as the start (section 3) the error is small, too, and the maps are straighter, if not straight by our
# limit. So there are several maps with a small error, and the start decides which one is found. **A small reconstruction
# error does not mean that the code has recovered the coordinates of a manifold.**

# %%
score([("networks of two free of overlap after 800 epochs", prediction_long,
        above(r2_long))])
claim("unrolled, long training", "Autoencoders of two whose map of the Swiss roll is free "
      "of overlap after 800 epochs from a random start",
      above(r2_long), "of 2", seeds=2, at_least=2,
      baseline=f"after 80 epochs {sum(free[f'autoencoder, seed {s}'] for s in (0, 1))}")
claim("straight, long training", "Largest R² of a linear regression on these two maps",
      max(linear_long), seeds=2, at_most=0.5,
      baseline=f"Isomap {linear['Isomap']:.2f}, started at Isomap's map, smallest of three "
      f"{min(linear_started):.2f}")
claim("error, long training", "Squared error after 800 epochs, relative to 80 epochs "
      "(means)", np.mean(error_long) / np.mean(error_random[:2]), "times",
      seeds=2, at_most=0.1)

# %%
EPOCHS = 80
r2_here = judge(map_of(train_on(roll, 0, small(0), epochs=EPOCHS)))[0]
print(f"{EPOCHS} epochs: R² {r2_here:.3f}")

# %%
try_it("Change `EPOCHS = 80` to `EPOCHS = 200` and run that cell again. What is R²?",
       None, r2_here, changed=EPOCHS == 200)

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - A small reconstruction error does not mean that a code has recovered the coordinates of a manifold.
# - After 80 epochs the maps are free of overlap where the sheet has one winding, and not where half of it has two. Ten
#   times as many epochs remove the overlap there, too, but do not unroll the sheet.
# - A map free of overlap need not be an unrolled sheet. Neighbours test the first, a linear regression the second.
# - To separate *cannot* from *does not find*, start the training at the solution. To separate *stuck* from *slow*, train
#   longer.
#
# **Deeper:** [03db](03db_contractive.ipynb) tries a penalty on the encoder's Jacobian, and [03e](03e_linear.ipynb) looks closer
# at PCA. **Next:** [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - J. B. Tenenbaum, V. de Silva, J. C. Langford (2000). *A global geometric framework for nonlinear dimensionality
#   reduction.* Science 290, 2319–2323. (Isomap, the Swiss roll)
