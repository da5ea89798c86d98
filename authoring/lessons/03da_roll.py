# %% [markdown]
# # 03da · A rolled sheet on a plane map
#
# **Promise.** You will give autoencoders a rolled sheet whose true map is known, and find out by four tests why they
# fail where they fail.
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
from sklearn.linear_model import LinearRegression
from sklearn.manifold import Isomap
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from torch import nn

from aecourse import data, diagrams, losses, metrics, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA, Autoencoder
from aecourse.train import fit, seeded

plots.use_style()
claim = Claims("03", data.load().name)

# %%
diagrams.flow({"r": (0, 0, "rolled sheet\n3-dimensional points", plots.SKY),
               "m": (1.6, 0, "map\n2-dimensional code", plots.YELLOW),
               "a": (1.6, 1, "which map?", plots.GREEN),
               "b": (3.2, 0, "sheet again", plots.SKY)},
              {("r", "m"): "encoder", ("m", "b"): "decoder", ("m", "a"): ""});

# %% [markdown]
# ## 1 · The roll, and two measures
#
# The **Swiss roll** is a sheet, rolled up in three dimensions. Its true coordinates are known: the **arc length**
# along the spiral, and the **position** across the sheet.

# %%
def swiss_roll(turns, n=1500):
    """Points (n, 3) of a roll, and on the sheet (n, 2): arc length, position."""
    rng = np.random.default_rng(0)
    t, position = 1.5 * np.pi + 2 * np.pi * turns * rng.random(n), 21 * rng.random(n)
    roll = np.stack([t * np.cos(t), position, t * np.sin(t)], 1)
    arc = 0.5 * (t * np.sqrt(1 + t**2) + np.arcsinh(t))  # of the spiral r = t
    roll = (roll - roll.mean(0)) / (roll - roll.mean(0)).std()
    return torch.from_numpy(roll).float(), np.stack([arc, position], 1)

# %% [markdown]
# We ask two questions about a map.
#
# - **Do parts of the sheet overlap?** If not, neighbours on the map are neighbours on the sheet (for a continuous map and
#   many points), and the mean of ten neighbours tells where on the sheet a left-out point belongs. R² is the share of the
#   variance that this explains. We call the map **free of overlap** if R² is above 0.95 for both coordinates.
# - **Is it straight?** A *linear* regression succeeds only if the sheet is also laid out flat, neither bent nor stretched
#   unevenly. We call the map **straight** if its R² is above 0.95 for both coordinates.

# %%
def readable(plane, sheet, regression=None):
    """R² of arc length and position, read from a map at points not seen in fitting."""
    model = regression or KNeighborsRegressor(10)
    folds = KFold(5, shuffle=True, random_state=0)
    return [cross_val_score(model, plane, c, cv=folds).mean() for c in sheet.T]

# %%
def plain_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


def train_on(roll, seed, net, epochs=80, loss=plain_error):
    fit(net, (roll,), loss, epochs=epochs, batch=150, lr=1e-2, one_cycle=True, seed=seed)
    return net


def small(seed):
    with seeded(seed):
        return Autoencoder([3, 128, 128, 2], nn.Tanh)

# %% [markdown]
# The usual roll has one and a half turns. We train for 80 epochs. To see how much of the sheet a network reconstructs,
# we use the **share kept** of unit 02: 1 minus the squared error divided by the variance. It is 1 for a perfect copy.
#
# **Predict.** Of six autoencoders 3-128-128-2 with different seeds (initialisation and order of the batches), how many
# give a map that is free of overlap?

# %%
prediction_free = None

# %%
roll, sheet = swiss_roll(1.5)
nets = [train_on(roll, seed, small(seed)) for seed in range(6)]
with torch.no_grad():
    planes = {f"autoencoder, seed {seed}": net.encode(roll).numpy()
              for seed, net in enumerate(nets)}
planes["PCA"] = PCA(roll, 3).encode(roll, 2).numpy()  # 3 axes, of which we use 2
isomap = Isomap(n_neighbors=10, eigen_solver="dense")  # the same map in every run
planes["Isomap"] = isomap.fit_transform(roll.numpy())

# %%
near = {name: readable(plane, sheet) for name, plane in planes.items()}
linear = {name: min(readable(plane, sheet, LinearRegression()))
          for name, plane in planes.items()}
kept = [metrics.share_kept(net, roll) for net in nets]
table(["map", "R² arc length, neighbours", "R² position, neighbours", "smaller R², linear",
       "share kept"], [[name, *near[name], linear[name], share]
                       for name, share in zip(planes, [*kept, None, None], strict=True)])

# %%
def show(plane, title, place, name="arc length"):
    axis = plt.subplots(figsize=(4.6, 3.4))[1]
    dots = axis.scatter(*plane.T, c=place, s=4, cmap="viridis", rasterized=True)
    axis.set(title=title, xlabel="axis 1", ylabel="axis 2")
    axis.figure.colorbar(dots, ax=axis, label=name)

# %%
axis = plt.figure(figsize=(5, 4)).add_subplot(projection="3d")
axis.scatter(*roll.T, c=sheet[:, 0], s=4, cmap="viridis", rasterized=True)
axis.set(title="the roll", xticks=[], yticks=[], zticks=[])
axis.view_init(elev=15, azim=-70)
axis.set_box_aspect(None, zoom=1.3)
show(planes["Isomap"], "Isomap", sheet[:, 0])
show(planes["autoencoder, seed 0"], "an autoencoder, 80 epochs", sheet[:, 0])

# %% [markdown]
# On Isomap's map the colour changes evenly from one end to the other: the sheet is unrolled. On the autoencoder's map
# parts of the sheet with different colours lie on the same place, so the decoder cannot tell them apart. Still it keeps
# nearly all of the variance. PCA looks at the roll along its axis. The arc length can be read from its map, the position
# across the sheet only in part. **A small reconstruction error does not mean that the code has recovered the coordinates
# of a manifold.**

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
# ## 2 · Is the roll too long?
#
# We roll the sheet less far: 0.75 and 1 turns, in the same training.
#
# **Predict.** Of six autoencoders, how many give a map of the roll of 0.75 turns that is free of overlap?

# %%
prediction_short = None

# %%
def six_maps(turns):
    """Smaller R² of ten neighbours and of a linear regression, for six autoencoders."""
    roll, sheet = swiss_roll(turns)
    planes = [train_on(roll, seed, small(seed)).encode(roll).detach() for seed in range(6)]
    return ([min(readable(plane, sheet)) for plane in planes],
            [min(readable(plane, sheet, LinearRegression())) for plane in planes])

# %%
found = {turns: six_maps(turns) for turns in (0.75, 1.0)}
short = {turns: sum(v > 0.95 for v in ten) for turns, (ten, _) in found.items()}
straight = {turns: sum(v > 0.95 for v in lines) for turns, (_, lines) in found.items()}
table(["turns", "free of overlap, of six", "straight, of six", "smallest R², neighbours"],
      [*([t, short[t], straight[t], min(found[t][0])] for t in found),
       [1.5, unrolled, sum(linear[name] > 0.95 for name in planes if "seed" in name),
        min(min(near[name]) for name in planes if "seed" in name)]])

# %% [markdown]
# So the same network lays out a shorter roll, up to one turn. Not all of these maps are straight.

# %%
score([("maps of six, 0.75 turns, free of overlap", prediction_short, short[0.75])])
claim("short roll", "Autoencoders of six whose map of a roll of 0.75 turns is free of "
      "overlap", short[0.75], "of 6", seeds=6, at_least=5, baseline=f"1.5 turns {unrolled}")
claim("one turn", "The same for a roll of one turn", short[1.0], "of 6", seeds=6,
      at_least=5, baseline=f"straight {straight[1.0]}; smallest R² "
      f"{min(found[1.0][0]):.2f}")

# %% [markdown]
# ## 3 · Does a penalty on the encoder's Jacobian help?
#
# The Jacobian $J$ of the encoder describes how the code changes when the point moves a little. One of its columns, by
# hand and exactly:

# %%
e = torch.tensor([1.0, 0.0, 0.0])  # the first direction of the input
with torch.no_grad():
    by_hand = (nets[0].encode(roll + 0.01 * e) - nets[0].encode(roll)) / 0.01  # (1500, 2)
    column = torch.func.jvp(nets[0].encode, (roll,), (e.expand_as(roll),))[1]  # (1500, 2)
print(f"difference {(by_hand - column).norm() / column.norm():.3f} of the column's length")

# %% [markdown]
# A *contractive* autoencoder (Rifai and others 2011) adds the penalty $\lambda \lVert J \rVert^2$. The code has to
# change *along* the sheet, but not *across* the gap to the next winding, so we hope that the penalty removes that change.
# (The network can also shrink the code and stretch it again in the decoder. Rifai and others tie the weights to prevent
# this. Our network does not.)

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
def r2_with(strength):
    net = train_on(roll, 0, small(0), loss=contractive(strength))
    return min(readable(net.encode(roll).detach(), sheet))


r2_penalty = {strength: r2_with(strength) for strength in (0.001, 0.01, 0.1)}
without = min(near["autoencoder, seed 0"])
table(["strength", "smaller R², ten neighbours"], [["none", without], *r2_penalty.items()])

# %%
best_penalty = max(r2_penalty.values())
claim("Jacobian penalty", "Largest R² with a penalty on the encoder's Jacobian, three "
      "strengths, 80 epochs", best_penalty, at_most=0.9, baseline=f"without {without:.2f}")

# %% [markdown]
# None of the three strengths gives a map free of overlap. Are they too small?

# %%
STRENGTH = 0.1
r2_yours = r2_penalty[STRENGTH] if STRENGTH in r2_penalty else r2_with(STRENGTH)
print(f"strength {STRENGTH}: R² {r2_yours:.3f}")

# %%
try_it("Change `STRENGTH = 0.1` to `STRENGTH = 1` and run that cell again. What is R²?",
       None, r2_yours, changed=STRENGTH == 1, says="Compare with the table.")

# %% [markdown]
# ## 4 · Can the network represent the right map at all?
#
# We train the encoder to give Isomap's map, and then the whole autoencoder on the squared error, as before.
#
# **Predict.** Of three networks with this start, how many have a map free of overlap at the end?

# %%
prediction_started = None

# %%
def to_isomap(encoder, x, target, step):
    return {"squared error": losses.squared_error(encoder(x), target)}


target, started = torch.from_numpy(planes["Isomap"]).float(), []
for seed in range(3):
    net = small(seed)
    fit(net.encoder, (roll, target), to_isomap, epochs=80, batch=150, lr=1e-2,
        one_cycle=True, seed=seed)
    started.append(train_on(roll, seed, net))

# %%
with torch.no_grad():
    started_planes = [net.encode(roll).numpy() for net in started]
r2_started = [min(readable(plane, sheet)) for plane in started_planes]
linear_started = [min(readable(p, sheet, LinearRegression())) for p in started_planes]
error_random = [metrics.reconstruction_error(net, roll) for net in nets[:3]]
error_started = [metrics.reconstruction_error(net, roll) for net in started]
table(["start at Isomap's map", "smaller R², neighbours", "smaller R², linear", "error",
       "error from a random start"], list(zip(("seed 0", "seed 1", "seed 2"), r2_started,
                                              linear_started, error_started, error_random,
                                              strict=True)))

# %%
stay = sum(value > 0.95 for value in r2_started)
score([("networks of three free of overlap at the end", prediction_started, stay)])
claim("good start", "Squared error from Isomap's map as the start, relative to a random "
      "start (means), after 80 epochs", np.mean(error_started) / np.mean(error_random),
      "times", seeds=3, at_most=0.5)
claim("stays unrolled", "Autoencoders of three that stay free of overlap from that start",
      stay, "of 3", seeds=3, at_least=3, baseline=f"smallest R² {min(r2_started):.2f}")

# %% [markdown]
# It can. With a good start these maps stay free of overlap, and their squared error is far smaller. So from a random
# start the training did not find what the network can represent. Is it stuck, or only slow?
#
# ## 5 · Stuck, or slow?
#
# We train the networks of seeds 0 and 1 again from their random start, with ten times as many epochs.
#
# **Predict.** Of these two networks, how many have a map free of overlap after 800 epochs?

# %%
prediction_long = None

# %%
patient = {seed: train_on(roll, seed, small(seed), epochs=800) for seed in (0, 1)}
with torch.no_grad():
    long_planes = {seed: net.encode(roll).numpy() for seed, net in patient.items()}
r2_long = {seed: min(readable(plane, sheet)) for seed, plane in long_planes.items()}
linear_long = {seed: min(readable(p, sheet, LinearRegression()))
               for seed, p in long_planes.items()}
error_long = {seed: metrics.reconstruction_error(net, roll)
              for seed, net in patient.items()}

# %%
rows = []
for seed in (0, 1):
    name = f"autoencoder, seed {seed}"
    rows += [[f"seed {seed}, 80 epochs", min(near[name]), linear[name], error_random[seed],
              nets[seed].history.seconds],
             [f"seed {seed}, 800 epochs", r2_long[seed], linear_long[seed],
              error_long[seed], patient[seed].history.seconds]]
table(["training", "smaller R², neighbours", "smaller R², linear", "error", "seconds"],
      rows)

# %%
show(long_planes[0], "800 epochs", sheet[:, 0])
show(long_planes[0], "800 epochs", sheet[:, 1], "position across the sheet")

# %% [markdown]
# The training was slow, not stuck. After ten times as many steps the maps are free of overlap, and the errors are a small
# fraction of those after 80 epochs. But look at the pictures: the sheet is not unrolled. It still winds around the centre
# of the map, and the position across the sheet gives the distance from the centre. Where two windings meet, their parts
# lie side by side. A decoder can use such a map, and the squared error asks for no more. The linear regression finds
# nothing. With Isomap's map as the start (section 4) the error is small, too, and the maps are far straighter. So there
# are several maps with a small error, and the start decides which one is found.

# %%
score([("networks of two free of overlap after 800 epochs", prediction_long,
        sum(value > 0.95 for value in r2_long.values()))])
claim("unrolled, long training", "Autoencoders of two whose map of the Swiss roll is free "
      "of overlap after 800 epochs from a random start",
      sum(value > 0.95 for value in r2_long.values()), "of 2", seeds=2, at_least=2,
      baseline=f"after 80 epochs {sum(free[f'autoencoder, seed {s}'] for s in (0, 1))}")
claim("straight, long training", "Largest R² of a linear regression on these two maps",
      max(linear_long.values()), seeds=2, at_most=0.5,
      baseline=f"Isomap {linear['Isomap']:.2f}, started at Isomap's map, smallest of three "
      f"{min(linear_started):.2f}")
claim("error, long training", "Squared error after 800 epochs, relative to 80 epochs "
      "(means)", np.mean([*error_long.values()]) / np.mean(error_random[:2]), "times",
      seeds=2, at_most=0.1)

# %%
EPOCHS = 80
yours = train_on(roll, 0, small(0), epochs=EPOCHS).encode(roll).detach().numpy()
r2_here = min(readable(yours, sheet))
print(f"{EPOCHS} epochs: R² {r2_here:.3f}")
show(yours, f"{EPOCHS} epochs", sheet[:, 0])

# %%
try_it("Change `EPOCHS = 80` to `EPOCHS = 200` and run that cell again. What is R²?",
       None, r2_here, changed=EPOCHS == 200,
       says="Look at the map: what is left to separate?")

# %% [markdown]
# ## 6 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 7 · What to keep
#
# - A small reconstruction error does not mean that a code has recovered the coordinates of a manifold.
# - After 80 epochs an autoencoder has separated the windings of a short roll, and not those of a long one. Ten times as
#   many epochs separate those, too, but do not unroll the sheet.
# - A map free of overlap need not be an unrolled sheet. Neighbours test the first, a linear regression the second.
# - To separate *cannot* from *does not find*, start the training at the solution. To separate *stuck* from *slow*, train
#   longer.
#
# **Deeper:** [03e](03e_linear.ipynb) looks closer at PCA. **Next:** [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - J. B. Tenenbaum, V. de Silva, J. C. Langford (2000). *A global geometric framework for nonlinear dimensionality
#   reduction.* Science 290, 2319–2323. (Isomap, the Swiss roll)
# - S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio (2011). *Contractive auto-encoders: explicit invariance during
#   feature extraction.* ICML, 833–840.
