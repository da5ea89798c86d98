# %% [markdown]
# # 03db · A penalty on the encoder's Jacobian
#
# **Promise.** You will compute how the code of an autoencoder changes when its input moves, add this to the loss, and
# test whether the map of a rolled sheet becomes better.
#
# **After this unit you can**
# 1. compute a column of the encoder's Jacobian, by a small difference and exactly;
# 2. train a contractive autoencoder;
# 3. judge a penalty against the same seeds without it.
#
# **Before it:** unit 03da (the Swiss roll, maps that are free of overlap). **Time:** about {minutes} minutes; the cells
# run in about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

from aecourse import data, diagrams, losses, metrics, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import Autoencoder
from aecourse.train import fit, seeded

# %%
plots.use_style()
claim = Claims("03", data.load().name)  # this unit makes its own data
roll, sheet = data.swiss_roll(1.5)  # points (1500, 3), arc length and position (1500, 2)

# %%
diagrams.flow({"x": (0, 0, "point $x$,\n3 numbers", plots.SKY),
               "z": (1.6, 0, "code $z$,\n2 numbers", plots.YELLOW),
               "j": (1.6, -1, "penalty: how much\n$z$ changes with $x$"),
               "y": (3.2, 0, "reconstruction", plots.SKY),
               "e": (1.6, 1, "squared error")},
              {("x", "z"): "encoder", ("z", "y"): "decoder", ("z", "j"): "",
               ("y", "e"): "", ("x", "e"): ""});

# %% [markdown]
# The loss is the sum of the two white boxes.
#
# ## 1 · The Jacobian
#
# In unit 03da the maps of a roll of 1.5 turns overlapped after 80 epochs: points of two windings got nearly the same
# code. Ten times as many epochs removed this. Does a penalty do it within 80? We train six of these autoencoders again,
# and judge a map as in 03da, by R² of the ten nearest neighbours. Of its two values, for arc length and for position,
# we take the smaller. A map above 0.95 is called free of overlap.

# %%
def plain_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


def trained(seed, loss=plain_error):
    with seeded(seed):
        net = Autoencoder([3, 128, 128, 2], nn.Tanh)
    fit(net, (roll,), loss, epochs=80, batch=150, lr=1e-2, one_cycle=True, seed=seed)
    return net

# %%
def smaller_r2(net):
    with torch.no_grad():
        return min(metrics.r2_from_map(net.encode(roll).numpy(), sheet))


nets = [trained(seed) for seed in range(6)]
without = [smaller_r2(net) for net in nets]
print(f"without a penalty: R² from {min(without):.2f} to {max(without):.2f}")

# %% [markdown]
# The **Jacobian** of the encoder $f$ at a point $x$ is the matrix $J_{ij} = \partial z_i / \partial x_j$: 2 rows, and 3
# columns, one for each coordinate of the point. For a small step $h$ in a direction $v$
#
# $$f(x + h v) \approx f(x) + h\, J v, \qquad\text{so}\qquad J v \approx \frac{f(x + h v) - f(x)}{h} .$$
#
# This is a *finite difference*. If $v$ is the unit vector of coordinate $j$, then $J v$ is column $j$.
# `torch.func.jvp(f, (x,), (v,))`, the Jacobian-vector product, returns $f(x)$ and the exact $J v$.

# %%
STEP = 0.01  # length of the step by hand
direction = torch.tensor([1.0, 0.0, 0.0]).expand_as(roll)  # of the first coordinate
encode = nets[0].encode
with torch.no_grad():
    by_hand = (encode(roll + STEP * direction) - encode(roll)) / STEP  # (1500, 2)
    column = torch.func.jvp(encode, (roll,), (direction,))[1]  # (1500, 2)
difference = ((by_hand - column).norm() / column.norm()).item()
print(f"step {STEP}: the columns differ by {100 * difference:.1f} % of their length")

# %%
try_it("Change `STEP = 0.01` to `STEP = 0.1` and run that cell again. By how many percent "
       "do the two differ?", None, 100 * difference, changed=STEP == 0.1)

# %% [markdown]
# The next term of $f(x + h v)$ is proportional to $h^2$. Divided by $h$, it leaves an error proportional to $h$, as
# long as $h$ is small. From here on we use the exact columns.
#
# ## 2 · The penalty
#
# A *contractive* autoencoder (Rifai and others 2011) adds the sum of the squares of all entries of $J$ to the loss,
# times a strength. A code that depends only on the place on the sheet does not change when a point leaves the sheet at
# a right angle, and the penalty asks for this. Along the sheet the code has to change, or the decoder could not tell
# the points apart. The penalty is computed at the points only, and asks nothing in the gap between two windings. There
# is a danger: a smooth encoder may be nearly constant across the whole gap, and then two windings get nearly the same
# code. (The network can also shrink the code and stretch it again in the decoder. Rifai and others tie the weights to
# prevent this. Our network does not.)

# %%
def contractive(strength):
    def loss(model, x, step):
        z, entries = model.encode(x), 0.0
        for v in torch.eye(3, device=x.device):  # the three coordinates
            column = torch.func.jvp(model.encode, (x,), (v.expand_as(x),))[1]  # (B, 2)
            entries = entries + column.square().sum(1)  # (B,)
        return {"squared error": losses.squared_error(model.decode(z), x),
                "penalty": strength * entries}
    return loss

# %% [markdown]
# **Predict.** We train with three strengths and two seeds. For how many of these six networks is R² larger than without
# a penalty, with the same seed?

# %%
prediction_better = None

# %%
strengths = (0.001, 0.01, 0.1)
penalised = {strength: [trained(seed, contractive(strength)) for seed in (0, 1)]
             for strength in strengths}
r2 = {strength: [smaller_r2(net) for net in two] for strength, two in penalised.items()}

# %%
table(["strength", "R², seed 0", "R², seed 1"],
      [["no penalty", *without[:2]], *([s, *values] for s, values in r2.items())])
better = sum(a > b for values in r2.values() for a, b in zip(values, without, strict=False))
score([("networks that are better with a penalty", prediction_better, better)])

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 3.4))
for axis, (name, net) in zip(axes, {"no penalty": nets[0],
                                    "strength 0.1": penalised[0.1][0]}.items()):
    with torch.no_grad():
        dots = axis.scatter(*net.encode(roll).T, c=sheet[:, 0], s=7, cmap="viridis")
    axis.set(title=f"{name}, seed 0", xlabel="first number", ylabel="second number")
figure.colorbar(dots, ax=axes, label="arc length");

# %% [markdown]
# No strength gives a map free of overlap, and the strongest of the three lowers R² for both seeds. In both maps colours
# that lie far apart on the sheet come together. Compare the axes: with the penalty the code is several times smaller.
# So the network shrinks it, as the note above feared. This lowers the penalty, and leaves the overlap. What a penalty
# does in a longer training is open.

# %%
claim("Jacobian penalty", "Largest R² with a penalty on the encoder's Jacobian, three "
      "strengths, 80 epochs", max(max(values) for values in r2.values()), seeds=2,
      at_most=0.9, baseline=f"without, largest of six {max(without):.2f}")
claim("strong penalty", "R² with the strongest penalty minus without, larger of two seeds",
      max(a - b for a, b in zip(r2[0.1], without, strict=False)), seeds=2, at_most=0)

# %% [markdown]
# A stronger penalty lowers R² more, for both seeds. Does a still stronger one go on like this?

# %%
STRENGTH = 0.1
r2_yours = (r2[STRENGTH][0] if STRENGTH in r2
            else smaller_r2(trained(0, contractive(STRENGTH))))
print(f"strength {STRENGTH}, seed 0: R² {r2_yours:.3f}")

# %%
try_it("Change `STRENGTH = 0.1` to `STRENGTH = 1` and run that cell again. What is R²?",
       None, r2_yours, changed=STRENGTH == 1)

# %% [markdown]
# Compare your value with seed 0 without a penalty, and then with the range of the six seeds. A difference that is small
# against this range is no evidence in one run. It has to appear in the same direction for many seeds.
#
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - A column of the Jacobian says how the code changes with one coordinate of the input.
# - A contractive autoencoder adds the squares of all entries of the Jacobian to the loss.
# - On the Swiss roll none of three strengths gave a map free of overlap in 80 epochs.
# - Seeds differ. Compare a method with the same seeds without it, and with the range over seeds.
#
# **Deeper:** [03e](03e_linear.ipynb) looks closer at PCA. **Next:** [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio (2011). *Contractive auto-encoders: explicit invariance during
#   feature extraction.* ICML, 833–840.
