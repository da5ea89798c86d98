# %% [markdown]
# # 05 · Sparse codes
#
# **Promise.** You will train a code that is wider than the image but uses only 25 units for each digit, take a digit
# apart into the few patterns that it is made of, and count the units that training has made useless.
#
# **After this unit you can** train a sparse autoencoder with an L1 penalty and with top-k; close the loophole of the
# penalty; compare both at equal effort; prevent dead units.
#
# **Before it:** lesson 02. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("05", digits.name)

# %%
axis = plt.subplots(figsize=(6, 3))[1]
diagrams.layers([784, 1000, 784], {0: "image $x$", 1: "code $z$", 2: "image $\\hat x$"},
                {"encoder": (0, 1), "decoder": (1, 2)}, axis=axis);

# %% [markdown]
# The middle layer is wider than the image.
#
# ## 1 · A code wider than the image
#
# In lesson 02 the bottleneck kept the network from copying. Here the code $z$ has 1000 units for 784 pixels; such a
# code is called **overcomplete**. A unit is **active** for an image if it is not zero. What we limit now is the number
# of active units. A code with few of them is **sparse**.
#
# Why would we want that? The decoder of this unit is one linear layer:
#
# $$\hat x = b + \sum_{j=1}^{1000} z_j\, d_j .$$
#
# Each $d_j$ is a picture of 784 pixels, called a **dictionary atom**. All atoms together are the **dictionary**. A
# sparse code says that *this image consists of these few atoms*. Perhaps the atoms then are meaningful parts, such as
# strokes. In photographs, Olshausen and Field (1996) found short edges in this way.

# %%
index, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = digits.x_train[index][:7000]  # enough images for this unit, (7000, 784)
x_test, y_test, mean_image = digits.x_test, digits.y_test, x.mean(0)
ten = plots.first_of_each(y_test)  # the position of the first test image of each class

# %% [markdown]
# An atom says *what* a unit adds, the code says *how much*. To keep the two apart, every atom has length one.
# The encoder begins as the transpose of the atoms: at the start each unit responds to the pattern that it adds.

# %%
class WideAutoencoder(nn.Module):
    def __init__(self, units=1000):
        super().__init__()
        self.encoder = nn.Linear(784, units)
        self.decoder = nn.Linear(units, 784)
        with torch.no_grad():
            self.encoder.weight.copy_(self.atoms().T)  # (units, 784)
            self.encoder.bias.zero_()
            self.decoder.bias.copy_(mean_image)

    def atoms(self):
        return F.normalize(self.decoder.weight, dim=0)  # (784, units), of length one

    def encode(self, x):
        return torch.relu(self.encoder(x))  # (B, 784) → (B, units), never negative

    def decode(self, z):
        return z @ self.atoms().T + self.decoder.bias  # (B, units) → (B, 784)

# %% [markdown]
# First one epoch by hand, without any limit on the code.
#
# **Predict.** How many of the 1000 units will then be active for a test image, on average?

# %%
prediction_active = None

# %%
def measure(model):
    with torch.no_grad():  # both results are means over the test images
        z = model.encode(x_test)
        error = losses.squared_error(model.decode(z), x_test).mean().item()
    return error, (z > 0).sum(1).float().mean().item()

# %%
with seeded(0):
    net = WideAutoencoder()
optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
for batch in x.split(128):  # (128, 784); the images are in random order already
    loss = losses.squared_error(net.decode(net.encode(batch)), batch)  # (128,)
    optimiser.zero_grad()
    loss.mean().backward()
    optimiser.step()
error, active = measure(net)
print(f"squared error {error:.2f}, active units {active:.0f} of 1000")
print(f"mean image alone {(x_test - mean_image).square().sum(1).mean():.2f}")

# %%
score([("active units without a penalty", prediction_active, active)])

# %% [markdown]
# The error is small, but so many units are active that the network can nearly copy. Such a code says little about what
# an image consists of.
#
# ## 2 · The L1 penalty, and its loophole
#
# The classical way adds the sum of the absolute values of the code to the loss:
#
# $$\ell(x) = \lVert x - \hat x \rVert^2 + \lambda \sum_j |z_j| .$$
#
# The ReLU makes $z_j \ge 0$, so the sum is $\sum_j z_j$. Why does this make values zero and not only small? The slope
# of the penalty is $\lambda$, however small $z_j$ is. A unit whose growth reduces the error at a smaller rate than
# $\lambda$ is pushed all the way to zero. (The slope of a squared penalty, $2\lambda z_j$, vanishes near zero.) The
# function `train` adds the penalty. It also trains longer, with `fit`: three epochs, and a larger learning rate that
# rises and falls. So $\lambda = 0$ differs from the network above.

# %%
def train(model, weight=0.0, seed=0):
    def loss(model, x, step):
        z = model.encode(x)
        return {"squared error": losses.squared_error(model.decode(z), x),
                "penalty": weight * z.sum(1)}
    fit(model, (x,), loss, epochs=3, batch=128, lr=3e-3, one_cycle=True, seed=seed)
    return model

# %%
l1_nets = {}
for weight in (0.0, 0.1, 0.3, 0.6):
    with seeded(0):
        l1_nets[weight] = train(WideAutoencoder(), weight)
l1 = {weight: measure(net) for weight, net in l1_nets.items()}
for weight, (error, units) in l1.items():
    print(f"λ = {weight}: squared error {error:5.2f}, active units {units:.0f}")

# %% [markdown]
# A larger $\lambda$ gives fewer active units and a larger error.
#
# Now the loophole. Divide every $z_j$ by ten, and multiply every atom by ten:

# %%
factor = 10
with torch.no_grad():
    z, atoms = l1_nets[0.3].encode(x_test), l1_nets[0.3].atoms()
    short_z, long_atoms = z / factor, factor * atoms
    x_hat = short_z @ long_atoms.T + l1_nets[0.3].decoder.bias
error_after = losses.squared_error(x_hat, x_test).mean().item()
penalty_left = (short_z.sum() / z.sum()).item()
print(f"squared error {error_after:.2f}, before {l1[0.3][0]:.2f}")

# %%
try_it("Set `factor = 50` and run that cell again. What fraction of the penalty is left, "
       "compared with `factor = 1`?", None, penalty_left, changed=factor == 50,
       hint="Every value of the code is divided by the factor. What about their sum?")

# %% [markdown]
# The image is the same and the same units are active, but the penalty is smaller. With free atoms a network can lower
# its loss in this way. **Our atoms have length one, and this closes the loophole.** Before you trust a penalty, ask
# which unwanted codes would also make it small. [Unit 05a](05a_penalties.ipynb) finds another such case.

# %%
with torch.no_grad():
    left = (z / 100).sum().item() / z.sum().item()
    from_short = (z / 100) @ (100 * atoms).T + l1_nets[0.3].decoder.bias
    longest = losses.squared_error(from_short, x_test)
claim("L1 cheat", "L1 penalty left with atoms 100 times as long, same images, same active "
      "units", left, "of it", at_most=0.011,
      baseline=f"squared error {l1[0.3][0]:.3f} and {longest.mean():.3f}")

# %% [markdown]
# ## 3 · Keep the k largest
#
# **Top-k** needs no penalty (Makhzani and Frey 2013). Of each image's code it keeps the $k$ largest units and sets all
# others to zero. Here with a code of five units and $k = 2$:

# %%
small = torch.tensor([[0.2, 1.5, 0.0, 0.9, 0.4]])  # (1, 5)
largest, where = small.topk(2, dim=1)  # (1, 2) each: the values, and their positions
print(largest, where, torch.zeros_like(small).scatter(1, where, largest), sep="\n")

# %%
class TopK(WideAutoencoder):
    def __init__(self, k):
        super().__init__()
        self.k = k

    def encode(self, x):
        z = super().encode(x)
        largest, where = z.topk(self.k, dim=1)  # (B, k)
        return torch.zeros_like(z).scatter(1, where, largest)  # (B, units)

# %% [markdown]
# Gradients flow through the units that are kept.
#
# Which way is better? One network may have the smaller error and the other the fewer units. So we compare *curves*, at
# equal effort: all networks get the same images, epochs and learning rate.
#
# **Predict.** Top-k with $k = 25$ reaches a certain error. How many active units does a network with the L1 penalty
# need for the same error?

# %%
prediction_l1 = None

# %%
topk_nets = {}
for k in (10, 25, 100):
    with seeded(0):
        topk_nets[k] = train(TopK(k))
topk = {k: measure(net) for k, net in topk_nets.items()}  # k → error, active units

# %%
axis = plt.subplots(figsize=(6, 3.4))[1]
for label, results, style in (("top-k", topk, "o-"), ("L1", l1, "s--")):
    axis.plot([units for _, units in results.values()],
              [error for error, _ in results.values()], style, label=label)
plots.log_axes(axis, x=[10, 25, 50, 100, 200, 400])
axis.set(xlabel="active units per image", ylabel="squared error per image", ylim=(0, None))
axis.legend(frameon=False);

# %% [markdown]
# The lower and the further left a curve lies, the better. Read along the height of top-k with $k = 25$: for this error
# L1 needs more units. How many is interpolated below. L1 also shrinks
# the units that should stay; 05a measures this.

# %%
needed = np.exp(np.interp(-topk[25][0], [-l1[w][0] for w in (0.6, 0.3, 0.1)],
                          np.log([l1[w][1] for w in (0.6, 0.3, 0.1)])))
score([("active units that L1 needs for the error of top-25", prediction_l1,
        float(needed))])

# %%
claim("L1 needs more", "Active units that L1 needs for the error of top-k with 25",
      needed, "units", at_least=40, baseline=f"squared error of top-25 {topk[25][0]:.1f}; "
      + ", ".join(f"L1 {w}: {l1[w][1]:.0f} units, squared error {l1[w][0]:.1f}"
                  for w in (0.6, 0.3, 0.1)))

# %% [markdown]
# Now we take one digit apart. The eight units with the largest values come first:

# %%
shown = 4  # the digit that is taken apart
digit = x_test[ten[shown]]  # (784,)
with torch.no_grad():
    z_digit = topk_nets[25].encode(digit[None])[0]  # (1000,)
    values, positions = z_digit.topk(25)  # (25,) each
    parts = values[:, None] * topk_nets[25].atoms()[:, positions].T  # (25, 784)
    parts = F.pad(parts, (0, 0, 1, 0))  # (26, 784): a zero picture first
    sums = topk_nets[25].decoder.bias + parts.cumsum(0)  # (26, 784)
plots.images({"value × atom": 0.5 + parts[:9],  # middle grey is zero
              "sum so far": torch.cat([sums[:9], sums[-1:], digit[None]])},
             columns=["$b$", *(f"{n + 1}" for n in range(8)), "all 25", "image"]);

# %% [markdown]
# In the upper row middle grey is zero, brighter pixels add ink, and darker ones take it away. The lower row adds them
# up, beginning from the bias $b$. The first sums are vague. Each further atom adds to the digit or corrects it.

# %%
errors = (sums - digit).square().sum(1)  # (26,): of b, and of b with 1, 2, … 25 atoms
half = next((n for n, error in enumerate(errors) if error < errors[0] / 2), 25)
print("squared errors:", *(f"{error:.0f}" for error in errors.tolist()))

# %%
try_it("Set `shown = 9`, and run that cell and the next one again. After how many atoms is "
       "the squared error less than half of that of the bias alone?", None, half,
       changed=shown == 9)

# %% [markdown]
# ## 4 · Dead units
#
# A unit is **dead** if it is zero for every training image. No gradient reaches it, so it usually stays dead, and its
# atom is lost.

# %%
def dead_units(model):
    with torch.no_grad():
        return int((model.encode(x).amax(0) == 0).sum())  # zero for every image


print("dead units of 1000, k → number:", {k: dead_units(topk_nets[k]) for k in topk_nets})

# %% [markdown]
# To stay alive, a unit must be among the $k$ largest for some image, and a small $k$ leaves fewer places.
#
# Our encoder began as the transpose of the atoms. What if it begins with PyTorch's usual initialisation?
#
# **Predict.** How many of the 1000 units are then dead after training, with $k = 10$?

# %%
prediction_dead = None

# %%
dead, before = {"transpose of the atoms": [], "PyTorch's": []}, {}
for seed in (0, 1):
    for start, counts in dead.items():
        with seeded(seed):
            top10 = TopK(10)
            if start == "PyTorch's":
                top10.encoder.reset_parameters()  # as PyTorch initialises a new layer
        before[start] = dead_units(top10)
        counts.append(dead_units(train(top10, seed=seed)))
table(["initialisation of the encoder", "dead, seed 0", "seed 1", "seed 1 before training"],
      [[start, *counts, before[start]] for start, counts in dead.items()])

# %% [markdown]
# With the usual initialisation more units die. Before training the numbers of dead units are about the same in both, so
# the difference arises in training. A likely reason: at the start a unit's encoder and its atom point in unrelated
# directions, so an active unit adds the wrong pattern, and training silences it. The two starts also differ in the
# length of the weights. Gao and others (2024) found the same in far larger networks. [Unit 05c](05c_useful.ipynb)
# revives dead units.

# %%
score([("dead units of 1000", prediction_dead, float(np.mean(dead["PyTorch's"])))])

# %%
claim("dead units", "Dead units of 1000, top-10 from PyTorch's initialisation",
      np.mean(dead["PyTorch's"]), "units", at_least=700,
      spread=np.std(dead["PyTorch's"], ddof=1), seeds=2,
      baseline="from the transpose of the atoms "
      f"{np.mean(dead['transpose of the atoms']):.0f}")

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - A sparse code may be wider than the image. It describes an image by a few atoms of a large dictionary.
# - L1 pushes every value towards zero. It needs atoms of fixed length, or the network escapes it by long atoms.
# - Top-k sets the number of active units directly, and reaches the same error with fewer of them than L1.
# - Compare curves of error against active units, not single networks.
# - Count dead units. Let the encoder begin as the transpose of the decoder.
#
# **Your turn:** [lab 05](../work/lab05.ipynb) (your own copy; on the web, the
# [sheet](../exercises/lab05/lab05.ipynb)). It also needs [05a](05a_penalties.ipynb), what penalties really ask for, and
# [05b](05b_planted.ipynb), when a sparse autoencoder finds the true parts of the data.
#
# **Deeper:** [05ba](05ba_superposition.ipynb) shows how a network stores more features than it has dimensions.
# [05c](05c_useful.ipynb) revives dead units, and asks whether sparse features are useful. [05d](05d_units.ipynb) looks
# at what single units do, and how little their top-activating examples prove. **Next:** [lesson 06](06_vae.ipynb) makes
# the code follow a distribution, so that new images can be generated.
#
# ### Papers
# - B. A. Olshausen, D. J. Field (1996). *Emergence of simple-cell receptive field properties by learning a sparse
#   code for natural images.* Nature 381, 607–609.
# - A. Makhzani, B. Frey (2013). *k-Sparse autoencoders.* arXiv:1312.5663; ICLR 2014.
# - L. Gao and others (2024). *Scaling and evaluating sparse autoencoders.* arXiv:2406.04093; ICLR 2025.
