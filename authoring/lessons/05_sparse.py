# %% [markdown]
# # 05 · Sparse codes
#
# **Promise.** You will train codes wider than the image in which few units speak at a time, see what each way to
# sparsity really buys, and find out when such a code contains the true parts of the data.
#
# **After this lesson you can**
# 1. write the three usual ways to a sparse code (L1, KL to a target rate, top-k) and compare them at equal effort;
# 2. find the loophole in a penalty before a network finds it, and close it;
# 3. count dead units, revive them, and better, prevent them;
# 4. judge features by a probe that has random features beside it;
# 5. say when a sparse autoencoder recovers the parts that generated the data, and when it cannot.
#
# **Before it:** lesson 02, and PCA from lesson 03. **Time:** about 60 minutes to read; all cells together run in less
# than 120 seconds on two cores. Five questions ask for your prediction.

# %%
import math
import warnings
from functools import partial
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA, FastICA, MiniBatchDictionaryLearning

# %%
from aecourse import data, losses, metrics, plots
from aecourse.claims import Claims, score, table
from aecourse.models import Autoencoder
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("05", digits.name)
digits

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, y_val = digits.x_train[valid], digits.y_train[valid]
x_test, y_test = digits.x_test, digits.y_test
mean_image = x.mean(0)
some = x[:7000]  # every network of sections 1 to 3 is trained on these

# %% [markdown]
# ## 1 · More units than pixels
#
# Until now the code was a bottleneck: fewer numbers than pixels. This lesson goes the other way. The code $z$ has
# 1000 units for 784 pixels; such a code is called **overcomplete**. What keeps the network from copying is another
# limit: for each image only a *few* units may be active, which means different from zero. The code is **sparse**.
#
# Why would one want that? Read the linear decoder as a sum:
#
# $$\hat x = b + \sum_j z_j\, d_j ,$$
#
# where $d_j$, column $j$ of the decoder's weights, is a picture. A sparse code says: *this image is made of these few
# pictures*. The columns together are called a **dictionary**. Perhaps each of its pictures is then a part with a
# meaning, such as a stroke. Olshausen and Field (1996) learned sparse codes of small patches of photographs, and the
# columns became short edges, much like what cells in the visual cortex respond to. That is the hope. This lesson
# tests it.
#
# First the network, 784-1000-784, without any limit. Two choices in it will be explained below: the columns $d_j$ are
# kept at length one, and the encoder's weights begin as the transpose of the decoder's. (On MNIST's validation images
# a sigmoid at the output, with a larger sum under it, reconstructs somewhat better. We keep the linear decoder all
# the same: only then is the image the sum of its columns.)

# %%
def new(seed=0, transposed=True):
    """784-1000-784; transposed: the encoder begins as the decoder's transpose."""
    with seeded(seed):
        model = Autoencoder([784, 1000])
        columns = F.normalize(torch.randn(784, 1000), dim=0)
    with torch.no_grad():
        model.decoder[0].weight.copy_(columns / 10)  # short: they turn quickly at first
        model.decoder[0].bias.copy_(mean_image)
        model.encoder[0].bias.zero_()
        if transposed:
            model.encoder[0].weight.copy_(columns.T)
    return model


def columns_of(model):
    return F.normalize(model.decoder[0].weight, dim=0)  # length one


def unit_decode(model, z):
    return F.linear(z, columns_of(model), model.decoder[0].bias)


def relu_code(model, x):
    return torch.relu(model.encode(x))

# %% [markdown]
# Every network gets the same effort: the same images, the same number of steps, the same schedule. `train_sparse`
# takes what differs: how the code is made, and a penalty on it.

# %%
def train_sparse(code, penalty=None, decode=unit_decode, model=None, images=some, epochs=3,
                 seed=0):
    """Train 784-1000-784 and return its parts; penalty(z) is one number per image."""
    model = new(seed) if model is None else model

    def loss(model, x, step):
        z = code(model, x)
        terms = {"error": losses.squared_error(decode(model, z), x)}
        if penalty is not None:
            terms["penalty"] = penalty(z)
        return terms

    history = fit(model, (images,), loss, epochs=epochs, batch=128, lr=3e-3,
                  one_cycle=True, seed=seed)
    return SimpleNamespace(model=model, seconds=history.seconds,
                           encode=torch.no_grad()(lambda x: code(model, x)),
                           decode=torch.no_grad()(lambda z: decode(model, z)))


def measure(net, images=x_test):
    """Squared error and number of active units, means over the images."""
    z = net.encode(images)
    error = losses.squared_error(net.decode(z), images).mean().item()
    return error, (z > 0).sum(1).float().mean().item()

# %%
nets = {"plain": train_sparse(relu_code)}
i = plots.first_of_each(y_test)
z = nets["plain"].encode(x_test[i])
plots.images({"image": x_test[i], "rebuilt": nets["plain"].decode(z)})
table(["network", "squared error", "active units"], [["plain", *measure(nets["plain"])]])

# %% [markdown]
# But for a faint noise, the reconstructions can hardly be told from the images, after a few seconds of training. That
# is no achievement: the plain network uses hundreds of units for each image and is on its way to copying, as the wide
# code of lesson 02 was. A code in which everything takes part says little about what an image is made of.
#
# ## 2 · Three ways to few
#
# **L1.** Add $\lambda \sum_j |z_j|$ to the loss. The ReLU makes $z_j \ge 0$, so this is $\lambda$ times the sum of
# the code. The pull towards zero is equally strong for large and for small values, and therefore small ones end at
# zero.

# %%
def l1(weight):
    return lambda z: weight * z.sum(1)

# %% [markdown]
# **KL to a target rate.** The units are sigmoids, between 0 and 1, and each one should be on at a small rate $\rho$,
# such as 0.05, on average *over images*. The average over a batch is $\hat\rho_j$; the penalty is the KL
# (Kullback–Leibler) divergence, which says how far one distribution is from another (lesson 06 defines it), here
# between two coins, one that shows heads at rate $\rho$ and one at rate $\hat\rho_j$, summed over units (Ng's notes
# on the sparse autoencoder):
#
# $$\beta \sum_j \Big[\rho \log\frac{\rho}{\hat\rho_j} + (1-\rho) \log\frac{1-\rho}{1-\hat\rho_j}\Big].$$
#
# It is a number of the batch, not of an image; each image of the batch gets the same one. We take $\beta = 1$.

# %%
def kl_to_rate(target):
    def penalty(z):
        rate = z.mean(0).clamp(1e-6, 1 - 1e-6)  # one rate per unit
        kl = (target * (target / rate).log()
              + (1 - target) * ((1 - target) / (1 - rate)).log())
        return kl.sum().expand(len(z))
    return penalty

# %%
def sigmoid_code(model, x):
    return torch.sigmoid(model.encode(x))


def free_decode(model, z):
    return model.decode(z)


def new_for_rate(target, seed=0):
    """First weights with which every unit has about the target rate on the mean image."""
    model = new(seed)
    with torch.no_grad():
        layer = model.encoder[0]
        model.decoder[0].weight.mul_(10)  # used as they are, so of length one
        layer.weight.mul_(3)  # steeper sigmoids: a smaller validation error
        layer.bias.copy_(math.log(target / (1 - target)) - layer.weight @ mean_image)
    return model

# %% [markdown]
# **Top-k.** No penalty. Keep the $k$ largest units of each image and set the others to zero (Makhzani and Frey 2013).
# The gradient passes through the units that were kept.

# %%
def topk_code(k):
    def code(model, x):
        z = relu_code(model, x)
        largest, where = z.topk(k, dim=1)
        return torch.zeros_like(z).scatter(1, where, largest)
    return code

# %% [markdown]
# Each way has one setting for *how* sparse: $\lambda$, $\rho$, $k$. So single networks cannot be compared. A curve
# can: the squared error against the number of active units, for several settings. A curve that lies lower and further
# left is better at every price (a **Pareto** curve).
#
# How many units of a sigmoid code are "active"? None is ever exactly zero. We take the **effective number** $(\sum_j
# z_j)^2 / \sum_j z_j^2$: it is $n$ if $n$ units are equally active and the others zero, and 1000 if all are alike.
#
# **Predict.** Top-k with $k = 25$ reaches a certain error. How many active units does a network with the L1 penalty
# need for the same error?

# %%
prediction_l1 = None

# %%
for k in (10, 25, 100):
    nets[f"top-{k}"] = train_sparse(topk_code(k))
for weight in (0.1, 0.3, 0.6):
    nets[f"L1 {weight}"] = train_sparse(relu_code, l1(weight))
for rate in (0.01, 0.05):
    nets[f"KL {rate}"] = train_sparse(sigmoid_code, kl_to_rate(rate), free_decode,
                                      new_for_rate(rate))

# %%
def effective(net, images=x_test[:4000]):
    z = net.encode(images)
    return (z.sum(1).square() / z.square().sum(1)).mean().item()


errors, units = {}, {}
for name, net in nets.items():
    errors[name], units[name] = measure(net, x_test[:4000])
    if name.startswith("KL"):
        units[name] = effective(net)
look = {"top": ("o-", plots.BLUE), "L1": ("s--", plots.ORANGE), "KL": ("^:", plots.GREEN),
        "plain": ("D-.", plots.VERMILION)}


def look_of(name):
    return next(value for way, value in look.items() if name.startswith(way))

# %%
figure, axis = plt.subplots(figsize=(6.8, 3.8))
for way, (style, colour) in look.items():
    names = sorted((name for name in nets if name.startswith(way)), key=units.get)
    label = {"top": "top-k", "KL": "KL (effective number)"}.get(way, way)
    axis.plot([units[n] for n in names], [errors[n] for n in names], style, color=colour,
              label=label)
rates = [name for name in nets if name.startswith("KL")]
axis.plot([nets[name].encode(x_test[:4000]).sum(1).mean() for name in rates],
          [errors[name] for name in rates], "^", markerfacecolor="none",
          color=plots.GREEN, label="KL (sum of the code)")
axis.set(xscale="log", xlabel="active units per image", ylabel="squared error per image",
         ylim=(0, None))
axis.legend(frameon=False);

# %%
l1_names = sorted((name for name in nets if name.startswith("L1")), key=units.get)
needed = np.exp(np.interp(-errors["top-25"], [-errors[n] for n in l1_names],
                          np.log([units[n] for n in l1_names])))
claim("L1 needs more", "Active units that L1 needs for the error of top-k with 25",
      needed, "units", at_least=40,
      baseline=f"top-25 {errors['top-25']:.1f}; "
      + ", ".join(f"{n}: {units[n]:.0f} units, {errors[n]:.1f}" for n in l1_names))

# %% [markdown]
# Top-k lies lowest where the code is sparse: for the same error L1 needs more units. The KL code looks excellent if
# one reads its sparsity as its target promises (hollow triangles: the sum of the code, which is 1000 times the rate),
# and poor if one counts how many units take part (filled triangles). Both differences have a reason: a penalty does
# not always ask for what we had in mind.
#
# ## 3 · What a penalty really asks for
#
# ### L1: a loophole and a price
#
# Divide every $z_j$ by ten and multiply every column $d_j$ by ten. The image stays the same, and the penalty falls to
# a tenth. Here this is done by hand with a trained network:

# %%
net, rows = nets["L1 0.3"], []
z = net.encode(x_test)
with torch.no_grad():
    columns, bias = columns_of(net.model), net.model.decoder[0].bias
    for factor in (1, 10, 100):
        small, large = z / factor, columns * factor
        error = losses.squared_error(F.linear(small, large, bias), x_test).mean().item()
        rows.append([factor, error, (small > 0).sum(1).float().mean().item(),
                     l1(0.3)(small).mean().item()])
table(["columns times", "squared error", "active units", "L1 penalty"], rows)

# %%
claim("L1 cheat", "L1 penalty left after columns times 100, same images, same active units",
      rows[2][3] / rows[0][3], "of it", at_most=0.011,
      baseline=f"squared error {rows[0][1]:.3f} and {rows[2][1]:.3f}")

# %% [markdown]
# A free decoder can make the penalty as small as it likes without giving up a single unit. Gradient descent would go
# this way too, a little at every step, since shorter codes with longer columns always cost less. This is why our
# columns have length one: `unit_decode` closes the loophole. (Another closure is weight decay on the decoder.)
#
# Even then L1 does two things at once. It decides *which* units are active, and it makes those that are active too
# small: **shrinkage**. To tell the two apart, keep the choice of units and compute their best values anew: for each
# image, least squares with the chosen columns only. Top-k gets the same refit, so that we see what comes from
# shrinkage and what from having a quick encoder at all.

# %%
@torch.no_grad()
def refit(net, images):
    """Codes with the same active units and the values of least squares."""
    z = net.encode(images)
    values, where = z.topk(int((z > 0).sum(1).max()), dim=1)
    on = (values > 0).float()
    columns, bias = columns_of(net.model), net.model.decoder[0].bias
    gram = (columns.T @ columns)[where[:, :, None], where[:, None, :]]
    gram = gram * on[:, :, None] * on[:, None, :]  # units that are off: cut out, and 1 …
    gram = gram + torch.diag_embed(1 - on + 1e-4)  # … on the diagonal
    wanted = ((images - bias) @ columns).gather(1, where) * on
    best = torch.linalg.solve(gram, wanted[:, :, None])[:, :, 0]
    return torch.zeros_like(z).scatter(1, where, best)

# %%
rows, shrunk, gained = [], {}, {}
for name in ("L1 0.6", "top-25"):
    images = x_test[:500]
    z, best = nets[name].encode(images), refit(nets[name], images)
    before, after = (losses.squared_error(nets[name].decode(code), images).mean().item()
                     for code in (z, best))
    shrunk[name], gained[name] = (z.sum() / best.sum()).item(), after / before
    rows.append([name, units[name], before, after, shrunk[name]])
table(["network", "active units", "squared error", "after the refit",
       "sum of code ÷ sum after the refit"], rows)

# %%
claim("shrinkage", "Error after the refit relative to before, L1", gained["L1 0.6"],
      "times", at_most=0.7, baseline=f"top-25 {gained['top-25']:.2f}")
claim("too small", "L1 codes relative to their least squares values", shrunk["L1 0.6"],
      "times", at_most=0.85, baseline=f"top-25 {shrunk['top-25']:.2f}")

# %% [markdown]
# Both gain from the refit, because least squares works on each image where an encoder answers at once. L1 gains more,
# and its codes were too small; those of top-k were not. So a part of L1's larger error was never the choice of units.
#
# ### KL: the letter and the spirit
#
# Look at the values that occur in the four codes.

# %%
names = ["plain", "L1 0.3", "top-25", "KL 0.05"]
figure, axes = plt.subplots(1, 4, figsize=(12, 2.8))
for axis, name in zip(axes, names, strict=True):
    z = nets[name].encode(x_test[:2000])
    share = (z > 0).float().mean().item()
    axis.hist(z[z > 0].numpy(), bins=50, range=(0, 1 if name[:2] == "KL" else 5),
              color=look_of(name)[1])
    axis.set(yscale="log", xlabel="value of an active unit",
             title=f"{name}: {100 * share:.0f} % not zero")
axes[0].set_ylabel("how often");

# %%
kl_net = nets["KL 0.05"]
z = kl_net.encode(x_test)
claim("rate met", "Mean activation of the KL code with target 0.05", z.mean(), near=0.05,
      within=0.015)
claim("half on", "Units of it above one half, per image",
      (z > 0.5).sum(1).float().mean(), "of 1000", at_most=5,
      baseline="0.05 · 1000 = 50 if units were on or off")

# %% [markdown]
# Plain and L1 have active values down to zero. Top-k has few small ones: to be among the 25 largest, a unit must be
# clearly on. The titles count how much of each code is not zero. The KL code keeps its promise: the average rate is
# the target. But it keeps it in a way that nobody had in mind. Almost no unit is ever *on*. Nearly all of them are *a
# little* on for every image, and the decoder reads the small differences. An average over images of 0.05 does not ask
# for a few large values; for one unit, nineteen images with nothing and one with everything have the same average as
# twenty images with a twentieth each.
#
# Is that a code of few units after all, with some background? Test it: keep only the $n$ units of each image that
# differ most from their usual value, and set the others to that usual value.

# %%
@torch.no_grad()
def cut(net, n, images):
    """Squared error with only the n units that differ most from their usual value."""
    z, weights = net.encode(images), net.model.decoder[0].weight
    length = weights.norm(dim=0) if net is kl_net else 1  # the others' columns have 1
    where = ((z - z.mean(0)).abs() * length).topk(n, dim=1).indices
    kept = torch.zeros_like(z).scatter(1, where, 1.0)
    rest = ((1 - kept) * z).sum(0) / (1 - kept).sum(0).clamp(min=1)
    drawn = net.decode(kept * z + (1 - kept) * rest)
    return losses.squared_error(drawn, images).mean().item()

# %%
counts = [5, 10, 25, 50, 100, 200, 400, 800]
kept_error = {name: [cut(nets[name], n, x_test[:1000]) for n in counts]
              for name in names}
figure, axis = plt.subplots(figsize=(6.2, 3.4))
for name in names:
    style, colour = look_of(name)
    axis.plot(counts, kept_error[name], style, color=colour, label=name)
axis.set(xscale="log", xlabel="units kept per image", ylabel="squared error per image",
         ylim=(0, None))
axis.legend(frameon=False);

# %%
at_25 = {name: values[counts.index(25)] for name, values in kept_error.items()}
claim("25 kept", "Squared error of the KL code with 25 units kept, relative to top-25",
      at_25["KL 0.05"] / at_25["top-25"], "times", at_least=1.7,
      baseline=", ".join(f"{name} {value:.1f}" for name, value in at_25.items()))

# %% [markdown]
# With 25 units kept, top-k has lost next to nothing. The KL code rebuilds badly then, and recovers only with hundreds
# of units; its curve runs beside that of the plain code. This way of counting needs no definition of "active", and it
# agrees with the effective number.
#
# **A penalty is a wish, and the network grants it to the letter.** Before you trust one, ask which codes that you do
# *not* want would also make it small.
#
# ## 4 · A failure study: dead units
#
# As in lesson 02, a unit is **dead** if it is zero for every training image. No gradient reaches it, so as a rule it
# stays dead, and the dictionary has lost a column. Count them in the networks that we have:

# %%
def dead(net, images):
    return net.encode(images).amax(0) <= 0


table(["network", "units (active or effective)", "dead of 1000"],
      [[name, units[name], int(dead(net, some).sum())] for name, net in nets.items()])

# %% [markdown]
# No sigmoid is ever exactly zero, so the KL code cannot die in this sense. L1 kills when it is strong. Top-k kills
# most: to live, a unit must be among the $k$ largest for some image, and the smaller $k$, the fewer are.
#
# How many live also depends on where they begin. Until now the encoder began as the decoder's transpose. Now let it
# begin with PyTorch's usual first weights.
#
# **Predict.** How many of the 1000 units of such a network with $k = 10$ are dead after training?

# %%
prediction_dead = None

# %% [markdown]
# A **revival**: stop after the first epoch, look at the images that are rebuilt worst, and give each dead unit a new
# start: its column becomes what is missing in one of these images (the residual $x - \hat x$, at length one), and its
# encoder weights a quarter of it (*resampling*, after Bricken and others 2023). Then train on.

# %%
@torch.no_grad()
def resample(net, images, seed):
    """Point each dead unit at what is missing in a badly rebuilt image."""
    gone = dead(net, images).nonzero().squeeze(1)
    missing = images - net.decode(net.encode(images))
    generator = torch.Generator().manual_seed(seed)
    chance = missing.square().sum(1).square()  # the worse, the more likely
    picked = torch.multinomial(chance, len(gone), replacement=True, generator=generator)
    new_columns = F.normalize(missing[picked], dim=1)
    net.model.decoder[0].weight[:, gone] = new_columns.T / 10
    net.model.encoder[0].weight[gone] = new_columns / 4
    net.model.encoder[0].bias[gone] = 0

# %%
fewer, found = x[:3500], {}
for seed in range(2):
    for transposed, revived in ((False, False), (False, True), (True, False)):
        net = train_sparse(topk_code(10), model=new(seed, transposed), images=fewer,
                           epochs=1, seed=seed)
        early = int(dead(net, fewer).sum())
        if revived:
            resample(net, fewer, seed)
        net = train_sparse(topk_code(10), model=net.model, images=fewer, epochs=3,
                           seed=10 + seed)
        found.setdefault((transposed, revived), []).append(
            (early, int(dead(net, fewer).sum()), measure(net)[0]))

# %%
label = {(False, False): "PyTorch's", (False, True): "PyTorch's, dead units resampled",
         (True, False): "transpose of the decoder"}
summary = {label[case]: np.mean(values, 0) for case, values in found.items()}
table(["first weights of the encoder", "dead after one epoch", "dead at the end",
       "squared error"],
      [[name, *values] for name, values in summary.items()])
alone, revived, started = summary.values()

# %%
spread = np.std([values[1] for values in found[False, False]], ddof=1)
claim("dead units", "Dead units of 1000, top-10 from PyTorch's first weights", alone[1],
      "units", at_least=700, spread=spread, seeds=2,
      baseline=f"from the decoder's transpose {started[1]:.0f}")
claim("revived", "Dead units after resampling once", revived[1], "units", at_most=450,
      seeds=2, baseline=f"squared error {alone[2]:.1f} before, {revived[2]:.1f} after")
claim("revival pays", "Error with resampling relative to without", revived[2] / alone[2],
      "times", at_most=0.995, seeds=2,
      baseline=f"from the decoder's transpose {started[2] / alone[2]:.2f}")

# %% [markdown]
# From the usual first weights most units die, nearly all of them in the first epoch: a unit whose encoder and whose
# column point in different directions does harm when it speaks, and training silences it. Resampling brings most of
# them back, and the error falls, but only by a few percent: at this effort some hundred living columns do nearly all
# the work. Now look at the last row. If encoder and column agree from the start, fewer die to begin with, and the
# error is as small as after the revival, at no cost. **Prevention comes before revival.** And the number of dead
# units alone is no measure: the last row has far more of them than the second.
#
# There are other remedies: begin with a large $k$ and lower it (Makhzani and Frey), or an auxiliary loss in which the
# dead units try to rebuild what is missing (Gao and others 2024).
#
# ## 5 · What the units show
#
# Are the columns parts of digits? A row of each network, the units drawn at random among those that live:

# %%
generator = torch.Generator().manual_seed(0)
pictures = {}
for name in names:
    often = (nets[name].encode(x_test) > 0).float().mean(0)
    used = (often > 0.01).nonzero().squeeze(1)  # fires for one image in a hundred
    j = used[torch.randperm(len(used), generator=generator)[:12]]
    pictures[name] = columns_of(nets[name].model)[:, j].T
plots.images(pictures, limits=(-0.15, 0.15), zoom=0.8);

# %% [markdown]
# Grey is zero, white adds ink, black takes it away. The plain network's columns are hardly more than noise: in a
# crowd of hundreds no unit needs a shape. Those of KL show a little more. With L1 many have clear shapes, with top-k
# nearly all. But they are not the strokes one hopes for: most resemble whole digits or large pieces of them, with
# shadows that take away what does not fit. (With few active units each has to explain much; Makhzani and Frey found
# that larger $k$ gives more local columns.)
#
# A column is only half of a unit. The other half is *when it speaks*. Here are five units of the network with $k =
# 25$, and for each one the test images that make it fire most strongly:

# %%
net = nets["top-25"]
z = net.encode(x_test)
often = (z > 0).float().mean(0)
middle = ((often > 0.01) & (often < 0.1)).nonzero().squeeze(1)
chosen = middle[torch.randperm(len(middle), generator=generator)[:5]].tolist()
rows = {}
for j in chosen:
    column = columns_of(net.model)[:, j].detach() / 0.3 + 0.5
    strongest = x_test[z[:, j].topk(10).indices]
    rows[f"unit {j}"] = torch.cat([column[None].clamp(0, 1), strongest])
plots.images(rows, columns=["column"], zoom=0.8);

# %%
def purity(z, labels, of=10):
    """Share of the commonest class among a unit's strongest images, mean over units."""
    fires = (z > 0).sum(0) >= of
    top = labels[z[:, fires].topk(of, dim=0).indices]  # (of, units)
    return F.one_hot(top, 10).float().mean(0).amax(1).mean().item()


untrained = SimpleNamespace(encode=torch.no_grad()(partial(relu_code, new())))
pure = {name: purity(net.encode(x_test[:5000]), y_test[:5000])
        for name, net in {**{name: nets[name] for name in names},
                          "untrained": untrained}.items()}
claim("strongest images", "Share of one class among the ten strongest images of a unit, "
      "untrained network", pure["untrained"], at_least=0.4,
      baseline=", ".join(f"{name} {pure[name]:.2f}" for name in names))

# %%
figure, axis = plt.subplots(figsize=(6.2, 3))
for name in names[:3]:
    rate = (nets[name].encode(x_test[:5000]) > 0).float().mean(0).sort().values.flip(0)
    axis.plot(range(1, 1001), 100 * rate, look_of(name)[0][1:], color=look_of(name)[1],
              label=name)
axis.set(xlabel="units, most frequent first", ylabel="fires for (% of images)",
         yscale="log", ylim=(0.02, 110))
axis.legend(frameon=False);

# %% [markdown]
# The images of a row share something: a stroke at the same place, a slant, often the class. The curves show how often
# the units fire. In the plain network about half of the units fire for most images. With top-k a few fire often, some
# hundreds now and then, and where the line ends the units are dead.
#
# But beware. The images that make a unit fire most strongly look alike for an *untrained* network too, as the claim
# above says: what is most similar to one fixed pattern is similar among itself. By this measure top-k is well ahead
# of the untrained network and L1 a little; KL is about level with it, and plain behind. A row of strongest images is
# a weak proof of a meaning. It needs a random network beside it, and so does the next experiment.
#
# ## 6 · A common claim, checked
#
# > "Sparse features classify so well because training has found the parts of which digits are made."
#
# A linear probe reads the digit from the code: a softmax regression on standardised features, the same for every row.
# Beside the trained codes stand the raw pixels and the honest baseline: the *untrained* network, 1000 random
# projections followed by a ReLU. One more row asks what longer training brings: top-k trained on all images, more
# than twice as many steps.
#
# The strength of the probe's weight decay is chosen on the validation images, for each row by itself. (So the choice
# has seen more labels than 600, the same ones for every row.) All strengths are trained side by side, as one wide
# matrix.

# %%
def softmax_regression(z, labels, decays, steps, batch):
    """Weights (1 + features, strengths · 10) by Adam, all weight decays at once."""
    n, generator = len(decays), torch.Generator().manual_seed(0)
    weights = torch.zeros(z.shape[1], n * 10, requires_grad=True)
    bias = torch.zeros(n * 10, requires_grad=True)
    strength = torch.tensor(decays).repeat_interleave(10)
    optimiser = torch.optim.Adam([weights, bias], lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)
    for _ in range(steps):
        i = torch.randint(len(z), (batch,), generator=generator)
        logits = (z[i] @ weights + bias).reshape(batch * n, 10)
        nats = losses.categorical_nll(logits, labels[i].repeat_interleave(n))
        loss = nats.sum() / batch + (strength * weights.square()).sum() / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return weights.detach(), bias.detach()

# %%
def probe(parts, chosen, decays, steps=100, batch=256):
    """Test accuracy (%) with the chosen training labels; weight decay by validation."""
    z, z_val, z_test = parts
    weights, bias = softmax_regression(z[chosen], y[chosen], decays, steps, batch)

    def right(z, labels):
        guess = (z @ weights + bias).reshape(len(z), len(decays), 10).argmax(2)
        return 100 * (guess == labels[:, None]).float().mean(0)

    return right(z_test, y_test)[right(z_val, y_val).argmax()].item()


def standardised(encode):
    parts = [torch.cat([encode(c) for c in t.split(5000)]) for t in (x, x_val, x_test)]
    mean, scale = parts[0].mean(0), parts[0].std(0).clamp(min=1e-3)
    return [part.sub_(mean).div_(scale) for part in parts]

# %% [markdown]
# **Predict.** With 600 labels, 60 of each digit, what percentage of the test images will a probe on 1000 *random*
# features get right?

# %%
prediction_random = None

# %%
longer = "top-25, all images"
nets[longer] = train_sparse(topk_code(25), images=x,
                            epochs=3 if digits.name == "strokes" else 1)
errors[longer], units[longer] = measure(nets[longer], x_test[:4000])

# %%
encoders = {"raw pixels": lambda x: x,
            "random ReLU features": untrained.encode,
            "random, top-25": torch.no_grad()(partial(topk_code(25), new())),
            **{name: nets[name].encode for name in [*names, longer]}}
probed, with_600 = {}, {}
for name, encode in encoders.items():
    parts = standardised(encode)
    draws = [data.stratified_subset(y, 600, seed=seed) for seed in range(3)]
    few = np.array([probe(parts, draw, (0.01, 0.1, 1.0)) for draw in draws])
    with_600[name] = few
    every = probe(parts, torch.arange(len(y)), (1e-4, 1e-2), 500, 512)
    probed[name] = few.mean(), few.std(ddof=1), every

# %%
table(["features", "600 labels (%)", "± over three draws", "all labels (%)"],
      [[name, *values] for name, values in probed.items()])

# %%
gain = {n: [probed[n][i] - probed["raw pixels"][i] for i in (0, 2)] for n in probed}
random = gain["random ReLU features"]
claim("random features", "Random ReLU features beyond raw pixels, all labels",
      random[1], "points", at_least=2, baseline=f"600 labels {random[0]:.1f}")
ahead = {n: with_600[n] - with_600["random ReLU features"] for n in probed}  # same draws
claim("learned, few labels", "Top-25 beyond random features, 600 labels",
      ahead["top-25"].mean(), "points", at_least=0.4, seeds=3,
      spread=ahead["top-25"].std(ddof=1),
      baseline=f"L1 {ahead['L1 0.3'].mean():.1f}, plain {ahead['plain'].mean():.1f}")
learned = np.max([gain[name] for name in [*names, longer]], axis=0)
claim("random share", "Random features' part of the best learned code's gain over raw "
      "pixels, all labels", 100 * random[1] / learned[1], "%", at_least=55,
      baseline=f"600 labels {100 * random[0] / learned[0]:.0f} %")
claim("sparse by itself", "Top-25 of the random features beyond all of them, 600 labels",
      gain["random, top-25"][0] - random[0], "points", at_most=-5)

# %% [markdown]
# The claim says two things, and the random features separate them. **With all labels** they have most of the gain
# over raw pixels that the best learned code has. A wide layer of any kind gives a linear classifier more to choose
# from, as long as there are labels to choose with. (Coates, Ng and Lee (2011) found for networks of one layer that
# the number of features can matter as much as the method that learned them.) The briefly trained top-k is not ahead
# of them at all; trained on all images it is, by a little. And KL, the least sparse of the three, does as well as
# any. **With 600 labels** top-k and L1 are ahead of the random features by more than the draws scatter, and ahead of
# the plain network, which was trained alike; longer training widens the lead. So learning does help where labels are
# few, and learning under a limit helps more.
#
# And sparsity by itself? To keep 25 of 1000 *random* features is a disaster. Few active units are useful only if
# training has made them the right ones. Whoever shows the accuracy of a sparse code without the random row beside it
# has shown, in part, the width of the layer.
#
# ## 7 · Are they the true parts?
#
# Digits have no list of true parts. So let us plant one. $K$ random directions $f_1, \dots, f_K$ in $D = 20$
# dimensions are the true features; each sample is a sum of a few of them, about three, with positive strengths. A
# method sees the samples only. Did it find the features? For each true one, take the largest $|\cos|$ to any
# direction that was found, and average: the **mean max cosine**, 1 if all are found.

# %%
def planted(n_features, seed, n=4000, dims=20, on=3):
    """Samples (n, dims) made of `on` features on average, and the features (K, dims)."""
    # not the networks' seeds: first weights from the same would hand them the features
    generator = torch.Generator().manual_seed(1000 + seed)
    features = F.normalize(torch.randn(n_features, dims, generator=generator), dim=1)
    active = torch.rand(n, n_features, generator=generator) < on / n_features
    strength = 0.5 + torch.rand(n, n_features, generator=generator)
    return (active * strength) @ features, features


def mean_max_cosine(features, found):
    cosines = F.normalize(features, dim=-1) @ F.normalize(found, dim=-1).mT
    return cosines.abs().amax(-1).mean(-1)

# %% [markdown]
# The sparse autoencoder is top-k again, with twice as many units as there are features and $k$ one larger than
# needed. Three of them, on three data sets, are trained at once as stacked matrices.

# %%
def sparse_autoencoders(samples, width, k, steps=800):
    """Columns (sets, width, dims) of a top-k autoencoder for each of the sets."""
    generator = torch.Generator().manual_seed(0)
    sets, n, dims = samples.shape
    columns = F.normalize(torch.randn(sets, width, dims, generator=generator), dim=2)
    encoder, bias = columns.mT.clone(), torch.zeros(sets, 1, width)
    weights = [t.requires_grad_() for t in (columns, encoder, bias)]
    optimiser = torch.optim.Adam(weights, lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)
    for _ in range(steps):
        batch = samples[:, torch.randint(n, (256,), generator=generator)]
        z = torch.relu(batch @ encoder + bias)
        z = z * (z >= z.topk(k, dim=2).values[..., -1:])
        loss = losses.squared_error(z @ F.normalize(columns, dim=2), batch).mean(1).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return columns.detach()

# %% [markdown]
# Beside it: **ICA**, which looks for independent non-Gaussian directions and is the textbook's method for this
# question; scikit-learn's **dictionary learning**, which solves an L1 problem for each sample instead of asking an
# encoder; PCA; and, as the floor, as many random directions as the autoencoder has units. (The more directions one
# has, the closer the closest of them: the floor rises.)
#
# **Predict.** With twice as many features as dimensions, what mean max cosine will ICA reach?

# %%
prediction_ica = None

# %%
def others(samples, n_features, seed):
    """Directions found by four other methods, each (n, dims)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged to the last digit
        ica = FastICA(min(samples.shape[1], n_features), whiten="unit-variance",
                      random_state=seed).fit(samples)
        dictionary = MiniBatchDictionaryLearning(
            n_features, alpha=0.2, batch_size=32, max_iter=2, fit_algorithm="cd",
            positive_code=True, tol=0, max_no_improvement=None,
            random_state=seed).fit(samples.astype("float64"))
    pca = PCA(min(samples.shape[1], n_features)).fit(samples)
    random = np.random.default_rng(seed).normal(size=(2 * n_features, samples.shape[1]))
    return {"dictionary learning": dictionary.components_, "ICA": ica.mixing_.T,
            "PCA": pca.components_, "random directions": random}

# %%
ratios, recovered = (0.5, 1, 2, 4), {}
for ratio in ratios:
    n_features = int(20 * ratio)
    sets = [planted(n_features, seed) for seed in range(3)]
    samples, features = (torch.stack(part) for part in zip(*sets, strict=True))
    trained = sparse_autoencoders(samples, 2 * n_features, k=4)
    recovered.setdefault("sparse autoencoder", []).append(
        mean_max_cosine(features, trained).numpy())
    scores = {}
    for seed in range(3):
        for name, rows in others(samples[seed].numpy(), n_features, seed).items():
            found = torch.from_numpy(np.asarray(rows, dtype="float32"))
            cosine = mean_max_cosine(features[seed], found)
            scores.setdefault(name, []).append(cosine.item())
    for name, values in scores.items():
        recovered.setdefault(name, []).append(np.array(values))

# %%
crowd, on_average = {}, (2, 4, 8, 12)
for on in on_average:
    sets = [planted(40, seed, on=on) for seed in range(3)]
    samples, features = (torch.stack(part) for part in zip(*sets, strict=True))
    trained = sparse_autoencoders(samples, 80, k=on + 1)
    crowd[on] = mean_max_cosine(features, trained).numpy()

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.6), sharey=True)
for (name, values), style in zip(recovered.items(), ("o-", "s--", "^-", "v:", "x:"),
                                 strict=True):
    left.errorbar(ratios, [v.mean() for v in values], [v.std(ddof=1) for v in values],
                  fmt=style, label=name)
left.set(ylim=(0.1, 1.03), xlabel="features ÷ dimensions", ylabel="mean max cosine")
plots.log_axes(left, x=ratios)
left.legend(frameon=False, fontsize=9, loc="lower center", ncols=2)
right.errorbar(on_average, [v.mean() for v in crowd.values()],
               [v.std(ddof=1) for v in crowd.values()], fmt="o-",
               label="sparse autoencoder")
floor = recovered["random directions"][2].mean()
right.axhline(floor, color="grey", linestyle=":", label="random directions")
right.set(xlabel="features active at a time, of 40 in 20 dimensions")
right.legend(frameon=False, loc="lower left");

# %%
at = {name: values[2].mean() for name, values in recovered.items()}
claim("recovery", "Mean max cosine of the sparse autoencoder, 40 features in 20 dimensions",
      at["sparse autoencoder"], at_least=0.95, seeds=3,
      spread=recovered["sparse autoencoder"][2].std(ddof=1),
      baseline=", ".join(f"{name} {value:.2f}" for name, value in list(at.items())[1:]))
claim("ICA's limit", "Mean max cosine of ICA, 40 features in 20 dimensions", at["ICA"],
      at_most=0.85, seeds=3, spread=recovered["ICA"][2].std(ddof=1),
      baseline=f"20 features in 20 dimensions {recovered['ICA'][1].mean():.3f}")
claim("too crowded", "Mean max cosine of the sparse autoencoder with 12 features at a time",
      crowd[12].mean(), at_most=0.7, seeds=3, spread=crowd[12].std(ddof=1),
      baseline=f"2 at a time {crowd[2].mean():.2f}; random {floor:.2f}")

# %% [markdown]
# Left: with as many features as dimensions, ICA finds every one. Beyond that it cannot: it has at most $D$ directions
# to give. (At one half it stumbles over something else. There each feature is present in three of ten samples, which
# gives its strength the kurtosis of a Gaussian, and ICA lives on what is not Gaussian.) PCA never finds them: its
# directions are orthogonal and ordered by variance, and the features are neither. The two sparse methods find nearly
# all features, up to four times as many as there are dimensions. The quick encoder does about as well as the slow
# search for each sample.
#
# Right: this works because few features are active *at a time*. With the same number of features, but more of them in
# each sample, the recovery falls to that of random directions, although the autoencoder was told about the right $k$.
# The samples are still exactly sums of the features, but no longer sparse enough for this method to tell of which.
#
# Sparsity is an assumption about the *data*. Where it is true, a sparse autoencoder finds the parts. Where it is
# false, it still finds a dictionary, and nothing in the loss says that the dictionary is not the true one. For digits
# nobody knows the truth. That is the honest answer to the hope of section 1.
#
# ## 8 · Superposition
#
# More features than dimensions: would a *network* do that by itself? Elhage and others (2022) asked it of the
# smallest network there is: $\hat x = \mathrm{ReLU}(W^\top W x + b)$ with five features $x_1, \dots, x_5$ between 0
# and 1 and a $W$ of shape $2 \times 5$. Five numbers pass through two. Each feature is zero with some probability,
# and the first one matters a little more than the second, and so on (weights $0.9^i$). Column $i$ of $W$ is the
# direction that feature $i$ gets in the plane.
#
# **Predict.** When every feature is rare, how many of the five get a direction of their own in the plane?

# %%
prediction_stored = None

# %%
def superpose(chances, tries=16, steps=1000, batch=256):
    """W (chances, tries, 2, 5) and losses: how five features share a plane."""
    generator = torch.Generator().manual_seed(0)
    chance = torch.tensor(chances)[:, None, None, None]
    shape = len(chances), tries
    w = (0.3 * torch.randn(*shape, 2, 5, generator=generator)).requires_grad_()
    b = torch.zeros(*shape, 1, 5, requires_grad=True)
    importance = 0.9 ** torch.arange(5)
    optimiser = torch.optim.Adam([w, b], lr=3e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-2, total_steps=steps)
    trail = []
    for _ in range(steps):
        size = len(chances), 1, batch, 5
        x = torch.rand(size, generator=generator)
        x = x * (torch.rand(size, generator=generator) < chance)
        error = (torch.relu(x @ w.mT @ w + b) - x).square() * importance
        loss = error.sum(3).mean(2) / chance[:, :, 0, 0]
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        schedule.step()
        trail.append(loss.detach())
    return w.detach(), torch.stack(trail[-100:]).mean(0)

# %% [markdown]
# For each chance of being present, sixteen networks; the one with the smallest loss is drawn.

# %%
chances = (1.0, 0.3, 0.1, 0.03)
w, loss = superpose(chances)
best = w[torch.arange(len(chances)), loss.argmin(1)]
stored = (best.norm(dim=1) > 0.5).sum(1)
figure, axes = plt.subplots(1, 4, figsize=(11, 3))
for axis, columns, chance, n in zip(axes, best, chances, stored.tolist(), strict=True):
    for i, (horizontal, vertical) in enumerate(columns.T.tolist()):
        axis.plot([0, horizontal], [0, vertical], "o-", markevery=[1])
        if math.hypot(horizontal, vertical) > 0.5:
            axis.annotate(str(i + 1), (1.25 * horizontal, 1.25 * vertical), ha="center",
                          va="center")
    axis.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", xticks=[0], yticks=[0],
             title=f"present {100 * chance:.0f} %: {n} stored")

# %%
claim("dense", "Features stored in two dimensions when all are always present", stored[0],
      "of 5", near=2, within=0.1)
claim("superposition", "Features stored in two dimensions when each is present at 3 %",
      stored[3], "of 5", near=5, within=0.1,
      baseline=f"at 30 % {stored[1]}, at 10 % {stored[2]}")

# %% [markdown]
# Features that are always present cannot share: the two that matter most get a direction each, at right angles, and
# the other three are given up (dots at the origin). As features become rarer, four of them fit as two opposite pairs,
# and then five as a pentagon. Their directions are no longer orthogonal, and two that are present at once disturb
# each other. But this is rare, and small disturbances are cut off by the ReLU. This is **superposition**: a network
# stores more features than it has dimensions, *because* they are sparse. The price: no single hidden unit has a
# meaning of its own, since each takes part in several features.
#
# ## 9 · How people open language models with this
#
# Inside language models single units often respond to unrelated things, as units in superposition would. If so, the
# method of section 7 applies: collect the activations of a layer for many texts, and train an overcomplete sparse
# autoencoder on them. Cunningham and others (2023) and Bricken and others (2023) did so with small models and found
# units that fire for one subject each, far more clearly than the model's own units. Templeton and others (2024) took
# it to a large commercial model, with millions of units, and showed that turning a unit up changes what the model
# writes. Gao and others (2024) trained up to 16 million units with top-k, and found that most of them die unless one
# prevents it: with the encoder that begins as the decoder's transpose, and with the auxiliary loss.
#
# The limits are those that you have measured. *There is no ground truth:* section 7 could score the recovery only
# because the features were planted, and it fails unnoticed when too many are active at once. *Strongest examples
# convince too easily:* Heap and others (2025) report that such autoencoders yield units that are rated about as
# interpretable on transformers with random weights. *The dictionary depends on its size:* with more units, one
# feature splits into several narrower ones (feature splitting, Bricken and others), so there is no one list of parts.
# *The penalty leaves its mark:* shrinkage and dead units are found there as here. None of this makes the tool
# useless. It says which baselines have to stand beside it.
#
# ## 10 · Checkpoint
#
# The next cell fails if any claim of this lesson did not hold in this run.

# %%
claim.checkpoint()

# %%
score([("active units that L1 needs for the error of top-25", prediction_l1, float(needed)),
       ("dead units of 1000, from PyTorch's first weights", prediction_dead,
        float(alone[1])),
       ("accuracy of random features with 600 labels (%)", prediction_random,
        float(probed["random ReLU features"][0])),
       ("mean max cosine of ICA, twice as many features", prediction_ica, float(at["ICA"])),
       ("features of five stored in a plane when rare", prediction_stored, int(stored[3]))])

# %% [markdown]
# ## 11 · What to keep
#
# The rows for the course's scoreboard. Their probe is that of lessons 01 to 04, so that they can be compared: a tenth
# and a hundredth of the labels, and a fixed strength of the weight decay. (Section 6 chose the strength for each row
# on the validation images, and drew the labels anew three times; its accuracies are others.)

# %%
rows = []
for name in ["random ReLU features", *names, longer]:
    accuracies = metrics.probes(encoders[name], x, y, x_test, y_test)
    if name in nets:
        seconds = round(nets[name].seconds)
        rows.append([name, errors[name], *accuracies, None, seconds, units[name]])
    else:
        rows.append([name, None, *accuracies, None, None, None])
table(["row", "squared error", "probe, 10 % of labels (%)", "probe, 1 % (%)", "nats",
       "training (s)", "active units (KL: effective)"], rows)

# %% [markdown]
# - A sparse code says which few of many columns an image is made of. L1, KL to a rate and top-k ask for different
#   things.
# - A penalty is granted to the letter: L1 is escaped by long columns, and makes codes too small; a mean rate is met
#   by units that are always a little on. Top-k has neither loophole, and kills units.
# - Count dead units. Let encoder and columns begin in agreement, and revive what still dies.
# - Features need random features beside them, strongest images those of an untrained network.
# - A sparse autoencoder finds more true parts than there are dimensions if few are active at a time, and does not
#   tell you when that is false.
#
# **Your turn:** [lab 05](../work/lab05.ipynb) (your own copy, made by `python -m aecourse lab`; on the
# web, read the [sheet](../exercises/lab05/lab05.ipynb)). You write the penalties, top-k, and the measures of this
# lesson.
#
# **Next:** [lesson 06](06_vae.ipynb) puts a prior on the code.
#
# ### Papers
# - B. A. Olshausen, D. J. Field (1996). *Emergence of simple-cell receptive field properties by learning a sparse
#   code for natural images.* Nature 381, 607–609.
# - A. Hyvärinen, E. Oja (2000). *Independent component analysis: algorithms and applications.* Neural Networks 13,
#   411–430.
# - J. Mairal, F. Bach, J. Ponce, G. Sapiro (2009). *Online dictionary learning for sparse coding.* ICML, 689–696.
#   (scikit-learn's method)
# - A. Coates, A. Ng, H. Lee (2011). *An analysis of single-layer networks in unsupervised feature learning.* AISTATS,
#   215–223.
# - A. Ng (2011). *Sparse autoencoder.* CS294A lecture notes, Stanford University.
# - A. Makhzani, B. Frey (2013). *k-Sparse autoencoders.* arXiv:1312.5663; ICLR 2014.
# - N. Elhage and others (2022). *Toy models of superposition.* Transformer Circuits Thread.
# - L. Sharkey, D. Braun, B. Millidge (2022). *Taking features out of superposition with sparse autoencoders.* AI
#   Alignment Forum. (mean max cosine)
# - H. Cunningham, A. Ewart, L. Riggs, R. Huben, L. Sharkey (2023). *Sparse autoencoders find highly interpretable
#   features in language models.* arXiv:2309.08600; ICLR 2024.
# - T. Bricken and others (2023). *Towards monosemanticity: decomposing language models with dictionary learning.*
#   Transformer Circuits Thread.
# - A. Templeton and others (2024). *Scaling monosemanticity: extracting interpretable features from Claude 3 Sonnet.*
#   Transformer Circuits Thread.
# - L. Gao and others (2024). *Scaling and evaluating sparse autoencoders.* arXiv:2406.04093; ICLR 2025.
# - T. Heap, T. Lawson, L. Farnik, L. Aitchison (2025). *Sparse autoencoders can interpret randomly initialized
#   transformers.* arXiv:2501.17727.
