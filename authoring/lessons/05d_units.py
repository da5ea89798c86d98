# %% [markdown]
# # 05d · What single units do
#
# **Promise.** You will look at the units of sparse networks one by one: how often each is active, what it adds to an
# image, and which images activate it most. Then you will measure how much such pictures prove.
#
# **After this unit you can**
# 1. read a curve of how often units are active;
# 2. measure how much noise there is in dictionary atoms;
# 3. judge top-activating examples by a number, with an untrained network as the baseline.
#
# **Before it:** unit 05. **Time:** about {minutes} minutes; the cells run in
# less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from aecourse import data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.sparse import new_sparse, train_sparse
from aecourse.train import seeded

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
# Section 1 looks at the unit itself, section 2 at what it adds (on the right), section 3 at what it responds to (on the
# left).
#
# ## 1 · How often is each unit active?
#
# A unit is **active** for an image if its value is above 0. We train three networks of unit 05 again. `new_sparse` makes
# one, with 1000 units; with `k` it keeps the `k` largest of each image. `train_sparse` trains it for three epochs on the
# same 7000 images, with a penalty if there is one.

# %%
def l1(z):  # (B, 1000) → (B,)
    return 0.3 * z.sum(1)


nets = {"no penalty": train_sparse(new_sparse(mean_image), x),
        "L1, λ = 0.3": train_sparse(new_sparse(mean_image), x, l1),
        "top-25": train_sparse(new_sparse(mean_image, k=25), x)}

# %% [markdown]
# Top-25 uses 25 of 1000 units for each image. So a unit is active for 2.5 % of the images on average.
#
# **Predict.** How many of its 1000 units are active for more than 2.5 % of the test images?

# %%
prediction_often = None

# %%
axis = plt.subplots(figsize=(6.2, 3))[1]
rates = {}
for (name, net), style in zip(nets.items(), ("-.", "--", "-"), strict=True):
    with torch.no_grad():
        rates[name] = (net.encode(x_test) > 0).float().mean(0)  # (1000,)
    ordered = rates[name].sort(descending=True).values
    axis.plot(range(1, 1001), 100 * ordered, style, label=name)
axis.axhline(2.5, color="grey", linestyle=":", label="mean of top-25")
axis.set(xlabel="units, most often active first", ylabel="active for (% of images)",
         yscale="log", ylim=(0.02, 110))
axis.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
axis.legend(frameon=False);

# %%
often = rates["top-25"] > 0.025  # (1000,)
work = (rates["top-25"][often].sum() / rates["top-25"].sum()).item()
never = int((rates["top-25"] == 0).sum())
table(["units of top-25", "number", "share of all activity"],
      [["active for more than 2.5 %", int(often.sum()), work],
       ["never active", never, 0.0]])
score([("units of top-25 that are active for more than 2.5 %", prediction_often,
        int(often.sum()))])

# %% [markdown]
# Without a penalty most units are active for a large part of the images. With top-k about a quarter of the units does most
# of the work, and more than a third is never active on the test images. So a mean rate says little about a single unit.

# %%
claim("few work", "Share of all activity by the units of top-25 above its mean rate", work,
      at_least=0.8, baseline=f"these are {int(often.sum())} of 1000 units")
claim("never active", "Units of top-25 that no test image activates", never, "of 1000",
      at_least=334)

# %% [markdown]
# Even these busy units differ.

# %%
busiest = 1000  # so many units, the most often active ones
in_order = rates["top-25"].sort(descending=True).values
share = (in_order[:busiest].sum() / in_order.sum()).item()
print(f"the {busiest} busiest units of top-25: {share:.2f} of all activity")

# %%
try_it("Change `busiest = 1000` to `busiest = 100` and run that cell again. What share of "
       "all activity is that of the 100 busiest units?", None, share,
       changed=busiest == 100)

# %% [markdown]
# ## 2 · What a unit adds
#
# The atom of a unit shows what it adds to an image. How much of an atom is noise? A smooth stroke has similar values at
# neighbouring pixels, and noise does not. So the **roughness** of an atom is the sum of the squared differences between
# horizontal neighbours. All atoms have length one, so the square of a pixel is 1/784 on average. For independent noise
# with mean 0 each of the 28 · 27 = 756 differences has the expected square 2/784. The roughness of noise is then about
# 756 · 2/784 = 1.93.
#
# **Predict.** The atoms begin as noise. After training without a penalty, what is their mean roughness?

# %%
prediction_noise = None

# %%
def used_atoms(model, least):
    """The atoms (units, 784) of the units that are active for this share of the images."""
    with torch.no_grad():
        used = (model.encode(x_test) > 0).float().mean(0) >= least  # (1000,)
        return model.atoms()[:, used].T


def roughness(atoms):
    grid = atoms.reshape(-1, 28, 28)
    return (grid[:, :, 1:] - grid[:, :, :-1]).square().sum((1, 2)).mean().item()

# %%
atoms = {name: used_atoms(net, 0.01) for name, net in nets.items()}
rough = {name: roughness(a) for name, a in atoms.items()}
table(["network", "units", "mean roughness of their atoms"],
      [[name, len(a), rough[name]] for name, a in atoms.items()])
score([("roughness without a penalty", prediction_noise, rough["no penalty"])])
plots.images({name: a[:10] for name, a in atoms.items()}, limits=(-0.15, 0.15), zoom=0.8);

# %% [markdown]
# The table and the figure use the units that are active for at least one image in a hundred. The figure shows the first
# ten of each network. Middle grey is zero, white adds ink, and black takes it away. Without a penalty the atoms are still
# rough: noise is left from the initialisation. With L1 some are clear and some are noise. With top-25 most have clear
# shapes, which look like whole digits rather than like single strokes.

# %%
claim("noise left", "Mean roughness of the atoms, no penalty", rough["no penalty"],
      at_least=1.2, baseline="noise 1.93, " + ", ".join(
          f"{name} {value:.2f}" for name, value in list(rough.items())[1:]))

# %%
least = 0.01  # share of the images for which a unit has to be active
rough_top = roughness(used_atoms(nets["top-25"], least))
print(f"top-25, units active for a share of at least {least}: roughness {rough_top:.2f}")

# %%
try_it("Change `least = 0.01` to `least = 0` and run that cell again, so that all units of "
       "top-25 count. What is the mean roughness?", None, rough_top, changed=least == 0)

# %% [markdown]
# A unit that is never active gets no gradient, so its atom stays as it was initialised. The units of top-25 that work are
# smooth, the others are not.
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
def purity(model, first=0, at_least=10):
    """Purity of ten images for each unit with enough active images: {unit: share}."""
    with torch.no_grad():
        z = model.encode(x_test)  # (N, 1000)
    shares = {}
    for j in ((z > 0).sum(0) >= at_least).nonzero()[:, 0].tolist():
        largest = z[:, j].topk(first + 10).indices  # the largest value first
        classes = y_test[largest[first:]]  # (10,)
        shares[j] = classes.bincount().max().item() / 10
    return shares

# %% [markdown]
# Top-k may have a high purity because it *selects* units, and not because it was trained. So an untrained network that
# keeps 25 units is a second baseline. A third one is ten test images at random.

# %%
compared = {"untrained": new_sparse(mean_image),
            "untrained, top-25": new_sparse(mean_image, k=25), **nets}
shares = {name: purity(net) for name, net in compared.items()}
with seeded(0):
    ten = y_test[torch.randint(len(y_test), (1000, 10))]  # (1000, 10)
chance = np.mean([classes.bincount().max().item() / 10 for classes in ten])
pure = {name: np.mean([*of_units.values()]) for name, of_units in shares.items()}
table(["network", "units", "mean purity"],
      [*([name, len(shares[name]), value] for name, value in pure.items()),
       ["ten images at random", None, chance]])

# %%
score([("purity of an untrained network", prediction_purity, float(pure["untrained"]))])

# %% [markdown]
# The last line is the chance level. Among ten random images the most common class already has two or three, so it is not
# one tenth. Even the untrained network is far above it. A likely reason: a unit's value before the ReLU is $w_j \cdot x +
# b_j$. The ten largest values belong to images that have ink where $w_j$ is large. Such images resemble each other, so
# they often share the class, even if $w_j$ is random.
#
# Only the part of the purity above the untrained networks is due to training. It is large for top-25 alone, among the
# three trained networks. The selection without training raises the purity little. L1 adds little, too, and without a
# penalty training even lowers the purity.
#
# What do such units look like? We order the units of a network by their purity and show those a quarter, half and three
# quarters up the order, with the purity after the unit's number.

# %%
rows = {}
for name in ("top-25", "untrained"):
    by_purity = sorted(shares[name], key=shares[name].get)
    for quarter in (1, 2, 3):
        j = by_purity[len(by_purity) * quarter // 4]
        with torch.no_grad():
            atom = compared[name].atoms()[:, j]  # (784,)
            largest = compared[name].encode(x_test)[:, j].topk(10).indices
        rows[f"{name}, unit {j}: {shares[name][j]:.1f}"] = torch.cat(
            [0.5 + 3 * atom[None], x_test[largest]])  # (11, 784)
plots.images(rows, columns=["atom"], zoom=0.8);  # atoms: middle grey is zero

# %% [markdown]
# The atoms of the untrained network are noise, and still several of its ten images are of one class. Without the atom and
# the baseline we might give such a unit a name. **Top-activating examples are weak evidence of a meaning.**

# %%
claim("strongest images", "Share of one class among the ten top-activating examples of a "
      "unit, untrained network", pure["untrained"], at_least=0.4,
      baseline=f"ten images at random {chance:.2f}, "
      + ", ".join(f"{name} {pure[name]:.2f}" for name in list(compared)[1:]))
claim("purity by training", "Purity of top-25 minus that of an untrained top-25",
      pure["top-25"] - pure["untrained, top-25"], at_least=0.1,
      baseline=f"L1 minus untrained {pure['L1, λ = 0.3'] - pure['untrained']:.2f}")
claim("purity without a penalty", "Purity after training without a penalty minus untrained",
      pure["no penalty"] - pure["untrained"], at_most=0)

# %% [markdown]
# The ten top-activating examples show a unit at its best. What about images that activate it more weakly? We use the units
# that at least 110 test images activate, so that all ranks are compared on the same units.

# %%
first = 0  # how many of the top-activating examples are skipped
ranks = {name: purity(compared[name], first, at_least=110)
         for name in ("top-25", "untrained, top-25", "untrained")}
weaker = {name: float(np.mean([*of_units.values()])) for name, of_units in ranks.items()}
table([f"ranks {first + 1} to {first + 10}", "units", "mean purity"],
      [[name, len(ranks[name]), value] for name, value in weaker.items()])

# %%
try_it("Change `first = 0` to `first = 100` and run that cell again. What is the purity of "
       "ranks 101 to 110 in the trained network?", None, weaker["top-25"],
       changed=first == 100)

# %% [markdown]
# The purity falls from the top ten to ranks 101 to 110, in the trained and in the untrained networks. Compare the trained
# network at these ranks with the untrained ones at the same ranks.

# %%
best_ten, later_ten = (np.mean([*purity(nets["top-25"], skipped, at_least=110).values()])
                       for skipped in (0, 100))
claim("ranks 101 to 110", "Purity of top-25 at ranks 101 to 110, minus the top ten of the "
      "same units", later_ten - best_ten, at_most=-0.1, baseline=f"top ten {best_ten:.2f}")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - A mean rate hides how unequal units are. With top-k a few do most of the work, and many are never active.
# - An atom shows what a unit adds, and top-activating examples show what it responds to.
# - Top-activating examples have a purity well above chance even for an untrained network. Compare with one.
# - Ranks 101 to 110 share a class less often than the top ten. The top ten show a unit at its best.
#
# **Next:** [lesson 06](06_vae.ipynb) makes the code follow a distribution, so that new images can be generated.
