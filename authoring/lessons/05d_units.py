# %% [markdown]
# # 05d · What single units do
#
# **Promise.** You will look at the units of sparse networks one by one: how often each is active, what it adds to an
# image, and which images activate it most. Then you will measure how much such pictures prove.
#
# **After this unit you can**
# 1. read a curve of how often units are active;
# 2. compare dictionary atoms by a measure of their noise;
# 3. judge top-activating examples by a number, with an untrained network as the baseline.
#
# **Before it:** unit 05; the KL network of 05a appears as one row. **Time:** about {minutes} minutes; the cells run in
# less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, try_it
from aecourse.sparse import SigmoidAutoencoder, SparseAutoencoder, kl_to_rate
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("05", digits.name)

# %%
index, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = digits.x_train[index][:7000]  # (7000, 784)
x_test, y_test, mean_image = digits.x_test, digits.y_test, x.mean(0)

# %%
diagrams.flow({"x": (0, 0, "images $x$ that\nactivate the unit", plots.SKY),
               "z": (2, 0, "unit $z_j$", plots.YELLOW),
               "a": (4, 0, "atom $d_j$ that\nthe unit adds", plots.SKY)},
              {("x", "z"): "encoder", ("z", "a"): "decoder"});

# %% [markdown]
# A unit has two sides. Section 1 looks at the unit itself, section 2 at the right side, section 3 at the left one.
#
# ## 1 · How often is each unit active?
#
# We train the networks of units 05 and 05a again. All have 1000 units and see the same 7000 images for three epochs.

# %%
def train(model, penalty=None):
    def loss(model, x, step):
        z = model.encode(x)
        terms = {"squared error": losses.squared_error(model.decode(z), x)}
        if penalty is not None:
            terms["penalty"] = penalty(z)  # (B,)
        return terms
    fit(model, (x,), loss, epochs=3, batch=128, lr=3e-3, one_cycle=True)
    return model


def new(k=None):
    with seeded(0):
        return SparseAutoencoder(mean_image, k=k)

# %%
with seeded(0):
    kl_net = SigmoidAutoencoder(mean_image)
nets = {"no penalty": train(new()), "L1, λ = 0.3": train(new(), lambda z: 0.3 * z.sum(1)),
        "top-25": train(new(k=25)), "KL, ρ = 0.05": train(kl_net, kl_to_rate)}

# %% [markdown]
# Top-25 uses 25 of 1000 units for each image. So a unit is active for 2.5 % of the images on average.
#
# **Predict.** How many of its 1000 units are active for more than 2.5 % of the test images?

# %%
prediction_often = None

# %%
axis = plt.subplots(figsize=(6.2, 3))[1]
rates = {}
for name, style in (("no penalty", "-."), ("L1, λ = 0.3", "--"), ("top-25", "-")):
    with torch.no_grad():
        rates[name] = (nets[name].encode(x_test) > 0).float().mean(0)  # (1000,)
    ordered = rates[name].sort(descending=True).values
    axis.plot(range(1, 1001), 100 * ordered, style, label=name)
axis.axhline(50, color="grey", linestyle=":")
axis.set(xlabel="units, most often active first", ylabel="active for (% of images)",
         yscale="log", ylim=(0.02, 110))
axis.legend(frameon=False);

# %%
score([("units of top-25 that are active for more than 2.5 %", prediction_often,
        int((rates["top-25"] > 0.025).sum()))])

# %% [markdown]
# Without a penalty most units are active for a large part of the images. With top-k a few are active often and some
# hundreds now and then. Where the line ends, the units are dead or nearly so (below 0.02 % of the test images the axis
# is cut). A mean rate says little about the single units.

# %%
level = 0.5  # the dotted line
above = int((rates["L1, λ = 0.3"] > level).sum())
print(f"L1: {above} units are active for more than {100 * level:.0f} % of the images")

# %%
try_it("Set `level = 0.1` and run that cell again. How many units of the L1 network are "
       "active for more than a tenth of the images?", None, above, changed=level == 0.1)

# %% [markdown]
# ## 2 · What a unit adds
#
# The atom of a unit shows what it adds to an image. We show ten atoms of each network, those of the first units that
# are active for more than one image in a hundred. How much of an atom is noise? A smooth stroke has similar values at
# neighbouring pixels, and noise has not. So the **roughness** of an atom is the sum of the squared differences between
# horizontal neighbours. (All atoms are scaled to length one first.)
#
# **Predict.** In which network do the atoms have the largest roughness? Type `"no penalty"`, `"L1"`, `"top-25"` or
# `"KL"`.

# %%
prediction_noise = None

# %%
pictures, roughness = {}, {}
with torch.no_grad():
    for name, net in nets.items():
        used = ((net.encode(x_test) > 0).float().mean(0) > 0.01).nonzero()[:, 0]
        atoms = torch.nn.functional.normalize(net.decoder.weight[:, used], dim=0).T
        pictures[name] = atoms[:10]  # (10, 784)
        grid = atoms.reshape(-1, 28, 28)
        steps = (grid[:, :, 1:] - grid[:, :, :-1]).square().sum((1, 2))  # (units,)
        roughness[name] = steps.mean().item()
plots.images(pictures, limits=(-0.15, 0.15), zoom=0.8);

# %%
for name, value in roughness.items():
    print(f"{value:.2f}  mean roughness of the atoms, {name}")
roughest = max(roughness, key=roughness.get).split(",")[0]
score([("the roughest atoms", prediction_noise, roughest)])

# %% [markdown]
# Middle grey is zero, white adds ink, and black takes it away. With top-k many atoms have clear shapes, and they look
# more like parts of whole digits than like single strokes. Without a penalty noise is left from the random
# initialisation.
#
# ## 3 · What a unit responds to
#
# To see what a unit responds to, look at its **top-activating examples**, the ten test images with its largest values.
# If they have something in common, it is tempting to give the unit a name. How much would that prove? We need a number
# and a baseline. The number is the **purity**: the share of the most common class among the ten, averaged over the
# units. The baseline is a network that has *not been trained*.
#
# **Predict.** What is the purity of the untrained network, from 0 to 1?

# %%
prediction_purity = None

# %%
def purity(model, first=0):
    with torch.no_grad():
        z = model.encode(x_test)  # (N, 1000)
    shares = []
    for j in ((z > 0).sum(0) >= first + 10).nonzero()[:, 0]:  # units with so many examples
        order = z[:, j].topk(first + 10).indices  # the largest value first
        shares.append(y_test[order[first:]].bincount().max().item() / 10)
    return shares  # one for each such unit

# %% [markdown]
# Top-k may score well because it *selects* units, and not because it was trained. So an untrained network that keeps 25
# units is a second baseline. A third one is ten test images at random.

# %%
compared = {"untrained": new(), "untrained, top-25": new(k=25),
            **{name: nets[name] for name in ("no penalty", "L1, λ = 0.3", "top-25")}}
all_shares = {name: purity(net) for name, net in compared.items()}
with seeded(0):
    ten = y_test[torch.randint(len(y_test), (1000, 10))]  # (1000, 10)
all_shares["ten images at random"] = [c.bincount().max().item() / 10 for c in ten]
pure = {name: np.mean(shares) for name, shares in all_shares.items()}
for name, value in pure.items():
    print(f"{value:.2f}  {name}, mean of {len(all_shares[name])}")

# %%
score([("purity of an untrained network", prediction_purity, float(pure["untrained"]))])

# %% [markdown]
# The last line is the chance level. Even the untrained network is far above it. A unit ranks the images along one
# direction. The images at its end often share bright pixels, and so the class, even if the direction is random. So only
# the part of the purity above the untrained networks is due to training. It is large for top-25 alone. With the
# selection alone, untrained, the purity hardly rises. Here are the first three units of each that are active for 1 to
# 10 % of the images (rare in the untrained network):

# %%
rows = {}
for name in ("top-25", "untrained"):
    with torch.no_grad():
        z, atoms_now = compared[name].encode(x_test), compared[name].atoms()
    rate = (z > 0).float().mean(0)  # (1000,)
    for j in ((rate > 0.01) & (rate < 0.1)).nonzero()[:3, 0].tolist():  # unit numbers
        examples = x_test[z[:, j].topk(10).indices]  # (10, 784)
        rows[f"{name}, unit {j}"] = torch.cat([0.5 + 3 * atoms_now[:, j][None], examples])
plots.images(rows, columns=["atom"], zoom=0.8);  # atoms: middle grey is zero

# %% [markdown]
# The atoms of the untrained network are noise. Its examples look more mixed, but by the number above they share a class
# far more often than chance. **Top-activating examples are weak evidence of a meaning.**

# %%
claim("strongest images", "Share of one class among the ten top-activating examples of a "
      "unit, untrained network", pure["untrained"], at_least=0.4,
      baseline=", ".join(f"{name} {pure[name]:.2f}" for name in list(compared)[1:]))

# %% [markdown]
# The ten best examples are also a choice that flatters the unit. Are the images that activate it less of
# one class, too? (Units with too few such images are left out.)

# %%
first = 0  # how many of the top-activating examples are passed over
later = float(np.mean(purity(nets["top-25"], first)))
print(f"top-25, examples {first + 1} to {first + 10} of each unit: purity {later:.2f}")

# %%
try_it("Set `first = 100` and run that cell again. What is the purity of the images with "
       "ranks 101 to 110? Type it with two decimals.", None, later, changed=first == 100)

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - A mean rate hides how unequal units are: with top-k some are active often and many almost never.
# - An atom shows what a unit adds, and top-activating examples show what it responds to.
# - Top-activating examples score well above chance even for an untrained network. Compare with one.
# - The images that activate a unit less belong to its meaning, too.
#
# **Next:** [lesson 06](06_vae.ipynb) makes the code follow a distribution, so that new images can be generated.
