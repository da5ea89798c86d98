# %% [markdown]
# # 03db · A penalty on the encoder's Jacobian
#
# **Promise.** You will compute how the code of an autoencoder changes when its input moves, add this to the loss, and test
# whether the map of a rolled sheet becomes better.
#
# **After this unit you can**
# 1. compute a column of the encoder's Jacobian, by a small difference and exactly;
# 2. train a contractive autoencoder;
# 3. judge a penalty against the same seeds without it.
#
# **Before it:** unit 03da (the Swiss roll, maps that are free of overlap). **Time:** about {minutes} minutes; the cells
# run in about a minute on two cores.

# %%
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
# In unit 03da the maps of a roll of 1.5 turns overlapped after 80 epochs: two windings got the same place. We train six of
# these autoencoders again. R² is that of ten neighbours, for arc length or position, whichever is smaller. A map free of
# overlap has more than 0.95.

# %%
def plain_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


def trained(seed, loss=plain_error):
    with seeded(seed):
        net = Autoencoder([3, 128, 128, 2], nn.Tanh)
    fit(net, (roll,), loss, epochs=80, batch=150, lr=1e-2, one_cycle=True, seed=seed)
    return net


def smaller_r2(net):
    with torch.no_grad():
        return min(metrics.r2_from_map(net.encode(roll).numpy(), sheet))

# %%
nets = [trained(seed) for seed in range(6)]
without = [smaller_r2(net) for net in nets]
print(f"without a penalty: R² from {min(without):.2f} to {max(without):.2f}")

# %% [markdown]
# The **Jacobian** $J$ of the encoder describes how the code changes when the point moves a little. There is one matrix for
# each point, with 2 rows and 3 columns, one column for each direction of the input. A small step in one direction gives a
# column approximately. `torch.func.jvp(f, (x,), (v,))` returns $f(x)$ and $J v$, so for a direction $v$ of length one it
# gives the column exactly.

# %%
STEP = 0.01  # length of the step by hand
direction = torch.tensor([1.0, 0.0, 0.0]).expand_as(roll)  # the first, for each point
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
# A larger step leaves the region where the encoder is nearly linear. From here on we use the exact columns.
#
# ## 2 · The penalty
#
# A *contractive* autoencoder (Rifai and others 2011) adds the sum of the squares of all entries of $J$ to the loss, times a
# strength. Along the sheet the code has to change, or the decoder could not tell the points apart. At a right angle to the
# sheet there are no points, so the penalty can make the code constant there. Does this help to follow the sheet? There is
# a danger: a code that is constant across the gap gives two windings the same place. (The network can also shrink the
# code and stretch it again in the decoder. Rifai and others tie the weights to prevent this. Our network does not.)

# %%
def contractive(strength):
    def loss(model, x, step):
        z, entries = model.encode(x), 0.0
        for v in torch.eye(3, device=x.device):  # the three directions
            column = torch.func.jvp(model.encode, (x,), (v.expand_as(x),))[1]  # (B, 2)
            entries = entries + column.square().sum(1)  # (B,)
        return {"squared error": losses.squared_error(model.decode(z), x),
                "penalty": strength * entries}
    return loss

# %% [markdown]
# **Predict.** We train with three strengths and two seeds. For how many of these six networks is R² larger than the largest
# of the six without a penalty?

# %%
prediction_better = None

# %%
strengths = (0.001, 0.01, 0.1)
r2 = {strength: [smaller_r2(trained(seed, contractive(strength))) for seed in (0, 1)]
      for strength in strengths}
table(["strength", "R², seed 0", "R², seed 1"],
      [["no penalty", *without[:2]], *([s, *values] for s, values in r2.items())])
better = sum(value > max(without) for values in r2.values() for value in values)
score([("networks with a penalty that are better", prediction_better, better)])

# %% [markdown]
# No strength gives a map free of overlap. With the strongest of the three, R² is lower than without a penalty for both
# seeds. Perhaps this is the danger above; the table does not tell.

# %%
claim("Jacobian penalty", "Largest R² with a penalty on the encoder's Jacobian, three "
      "strengths, 80 epochs", max(max(values) for values in r2.values()), seeds=2,
      at_most=0.9, baseline=f"without, largest of six {max(without):.2f}")
claim("strong penalty", "R² with the strongest penalty minus without, larger of two seeds",
      max(a - b for a, b in zip(r2[0.1], without, strict=False)), seeds=2, at_most=0)

# %% [markdown]
# Was the penalty too weak?

# %%
STRENGTH = 0.1
r2_yours = (r2[STRENGTH][0] if STRENGTH in r2
            else smaller_r2(trained(0, contractive(STRENGTH))))
print(f"strength {STRENGTH}, seed 0: R² {r2_yours:.3f}")

# %%
try_it("Change `STRENGTH = 0.1` to `STRENGTH = 1` and run that cell again. What is R²?",
       None, r2_yours, changed=STRENGTH == 1)

# %% [markdown]
# Compare your value with the range of the six seeds without a penalty. A penalty helps only if it leaves this range at the
# upper end.
#
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - A column of the Jacobian says how the code changes when the input moves in one direction.
# - A contractive autoencoder adds the squares of all entries of the Jacobian to the loss.
# - On the Swiss roll none of three strengths gave a map free of overlap in 80 epochs.
# - Seeds differ. Compare a method with the same seeds without it, and with the range over seeds.
#
# **Deeper:** [03e](03e_linear.ipynb) looks closer at PCA. **Next:** [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio (2011). *Contractive auto-encoders: explicit invariance during
#   feature extraction.* ICML, 833–840.
