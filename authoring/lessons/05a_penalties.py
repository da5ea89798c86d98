# %% [markdown]
# # 05a · What a penalty really asks for
#
# **Promise.** You will measure two side effects of sparsity penalties that nobody wanted, one of L1 and one of a
# penalty on the mean activation.
#
# **After this unit you can**
# 1. derive what L1 does to a single value, and undo it;
# 2. write the KL penalty to a target rate, and say what it leaves open;
# 3. count the units that matter without a definition of "active".
#
# **Before it:** unit 05; logarithms. **Time:** about {minutes} minutes; the cells run in less than a minute on two
# cores.

# %%
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.sparse import new_sparse, train_sparse
from aecourse.train import seeded

plots.use_style()
digits = data.load()
claim = Claims("05", digits.name)

# %%
train_index, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_test = digits.x_train[train_index][:7000], digits.x_test[:2000]  # (N, 784)
mean_image = x.mean(0)  # (784,)

# %%
diagrams.flow({"x": (0, 0, "image $x$", plots.SKY), "z": (1.2, 0, "code $z$", plots.YELLOW),
               "p": (1.2, -1, "penalty"), "y": (2.6, 0, "image $\\hat x$", plots.SKY),
               "e": (1.2, 1, "squared error")},
              {("x", "z"): "encoder", ("z", "y"): "decoder", ("z", "p"): "",
               ("y", "e"): "", ("x", "e"): ""});

# %% [markdown]
# The loss is the sum of the two white boxes. The penalty sees the code and nothing else.
#
# ## 1 · What L1 does to a value
#
# L1 decides *which* units are active. It also changes the values of the active ones. One unit alone shows it. Let $a =
# d^\top(x - b)$ be the length of $x - b$ along the atom $d$, with $\lVert d \rVert = 1$. Which value $z \ge 0$ has the
# smallest loss?
#
# $$\begin{aligned}
# \ell(z) &= \lVert x - b - z d \rVert^2 + \lambda z && \text{squared error and penalty} \\
# &= \lVert x - b \rVert^2 - 2 a z + z^2 + \lambda z && \text{multiplied out, with } \lVert d \rVert = 1 \\
# \ell'(z) &= -2a + 2z + \lambda && \text{the derivative} \\
# z &= a - \lambda / 2 && \text{where it is zero, if } a > \lambda/2
# \end{aligned}$$
#
# Since $\ell'' = 2 > 0$, this is the minimum. For a smaller $a$ the loss grows from $z = 0$ on, so its minimum is at 0.
# The best value, $\max(0, a - \lambda/2)$, is the **soft threshold** of $a$.

# %%
weight = 0.6  # λ
a = torch.linspace(0, 1.5, 151)
best_z = (a - weight / 2).clamp(min=0)  # (151,)
axis = plt.subplots(figsize=(5, 3))[1]
axis.plot(a, a, ":", color="grey", label="no penalty")
axis.plot(a, best_z, label=f"L1, λ = {weight}")
axis.set(xlabel="$a$, length along the atom", ylabel="best value $z$")
axis.legend(frameon=False);

# %% [markdown]
# Small values become zero, which is what we want. All others lie below the dotted line by the same amount, which is
# what we do not want. This is called **shrinkage**.

# %%
zero_until = a[max(0, int((best_z < 1e-6).sum()) - 1)].item()
try_it("Set `weight = 1.4` and run the cell of the figure again. Up to which length a is "
       "the best value zero?", None, zero_until, changed=weight == 1.4)

# %% [markdown]
# In a network many atoms act together. We measure the shrinkage there. `new_sparse` makes the network of unit 05, with
# its atoms of length one; with `k` it keeps the `k` largest units. `train_sparse` trains it as unit 05 does, three epochs
# with the squared error as the loss. A function of the code, if given, is added to the loss as the penalty.

# %%
def l1(weight):  # λ
    return lambda z: weight * z.sum(1)  # (B, 1000) → (B,)


nets = {"no penalty": train_sparse(new_sparse(mean_image), x),
        "L1, λ = 0.3": train_sparse(new_sparse(mean_image), x, l1(0.3)),
        "top-25": train_sparse(new_sparse(mean_image, k=25), x)}
strong = train_sparse(new_sparse(mean_image), x, l1(0.6))

# %% [markdown]
# For each image we keep the choice of units, and compute their best values anew. These are the least squares solution
# $\min_z \lVert x - b - D z \rVert^2$, in which $D$ has only the atoms of the active units.

# %%
@torch.no_grad()
def refit(net, image):
    """The code of one image (784,): the same units, with the values of least squares."""
    z = net.encode(image[None])[0]  # (1000,)
    on = z > 0
    target = (image - net.decoder.bias)[:, None]  # (784, 1)
    z[on] = torch.linalg.lstsq(net.atoms()[:, on], target).solution[:, 0]
    return z

# %% [markdown]
# **Predict.** What fraction of the squared error of the L1 network with $\lambda = 0.6$ is left after the refit, from 0
# to 1?

# %%
prediction_refit = None

# %%
rows, images = [], x_test[:300]
for name, net in (("L1, λ = 0.6", strong), ("top-25", nets["top-25"])):
    with torch.no_grad():
        z, best = net.encode(images), torch.stack([refit(net, image) for image in images])
        before = losses.squared_error(net.decode(z), images).mean().item()
        after = losses.squared_error(net.decode(best), images).mean().item()
    units = (z > 0).sum(1).float().mean().item()
    rows.append([name, before, after, after / before, (z.sum() / best.sum()).item(), units])
table(["network, 300 images", "squared error", "after the refit", "fraction left",
       "sum of the code ÷ after the refit", "active units"], rows)

# %% [markdown]
# The two networks use different numbers of units, so compare only the column *fraction left*. Both gain from the refit,
# because least squares works on each image, and an encoder computes the code in one forward pass. L1 gains
# more, and its values were too small. Those of top-k were not. So a part of the larger error of L1 does not come from
# the choice of units. (Some refitted values are negative, which a ReLU cannot give.)

# %%
shrunk, control = rows
score([("fraction of the error of L1 left after the refit", prediction_refit, shrunk[3])])

# %%
claim("shrinkage", "Error after the refit relative to before, L1", shrunk[3],
      "times", at_most=0.7, baseline=f"top-25 {control[3]:.2f}")
claim("too small", "L1 codes relative to their least squares values", shrunk[4],
      "times", at_most=0.85, baseline=f"top-25 {control[4]:.2f}")

# %% [markdown]
# ## 2 · KL to a target rate
#
# A third way to sparsity uses sigmoid units, with values between 0 and 1 (Ng 2011). Each unit should be on at a small
# rate $\rho$, such as 0.05, on average *over the images*. Let $\hat\rho_j$ be the mean of unit $j$ over a batch. We
# treat the two rates as two coins that show heads with probability $\rho$ and $\hat\rho_j$. The **Kullback–Leibler
# (KL) divergence** $\sum_i p_i \log (p_i/q_i)$ says how far the distribution $q$ is from $p$. A coin has two outcomes,
# so the sum has two terms:
#
# $$\sum_j \Big[\rho \log\frac{\rho}{\hat\rho_j} + (1-\rho) \log\frac{1-\rho}{1-\hat\rho_j}\Big] .$$
#
# Each bracket is zero for $\hat\rho_j = \rho$ and positive otherwise, as for every KL divergence (Gibbs' inequality).
# We add the penalty with weight 1. It belongs to the batch, not to an image; `expand` gives each image of the batch the
# same number.

# %%
def kl_to_rate(z, target=0.05):
    rate = z.mean(0).clamp(1e-6, 1 - 1e-6)  # (1000,), not 0 or 1: logarithms follow
    heads = target * (target / rate).log()
    tails = (1 - target) * ((1 - target) / (1 - rate)).log()
    return (heads + tails).sum().expand(len(z))  # (B,)

# %% [markdown]
# The sigmoid network differs in two points from the others. Its atoms have any length. And the bias of its encoder
# makes every unit begin at the target rate on the mean image: the sigmoid gives $\rho$ where its input is
# $\log\frac{\rho}{1 - \rho}$.

# %%
class SigmoidAutoencoder(nn.Module):
    def __init__(self, target=0.05, units=1000):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(784, units), nn.Linear(units, 784)
        with torch.no_grad():
            self.decoder.bias.copy_(mean_image)
            self.encoder.weight.copy_(self.atoms().T)
            start = math.log(target / (1 - target))
            self.encoder.bias.copy_(start - self.encoder.weight @ mean_image)

    def atoms(self):
        return F.normalize(self.decoder.weight, dim=0)  # (784, units), for pictures

    def encode(self, x):
        return torch.sigmoid(self.encoder(x))  # (B, units)

    def decode(self, z):
        return self.decoder(z)  # (B, 784)

# %% [markdown]
# **Predict.** With the target 0.05, about 0.05 · 1000 = 50 units should be on for an image. How many will be above one
# half?

# %%
prediction_on = None

# %%
with seeded(0):
    kl_net = SigmoidAutoencoder()
nets["KL, ρ = 0.05"] = train_sparse(kl_net, x, kl_to_rate)
with torch.no_grad():
    z = kl_net.encode(x_test)
mean_rate, above = z.mean().item(), (z > 0.5).sum(1).float().mean().item()
print(f"mean activation {mean_rate:.4f}, units above one half per image {above:.2f}")

# %%
score([("units of the KL code above one half", prediction_on, above)])

# %%
axes = plt.subplots(2, 2, figsize=(8, 5), layout="constrained")[1]
for axis, (name, net) in zip(axes.flat, nets.items(), strict=True):
    with torch.no_grad():
        z = net.encode(x_test)
    most = 1 if net is kl_net else 5
    axis.hist(z[z > 0], bins=50, range=(0, most))
    axis.set(yscale="log", xlabel="value of a unit that is not zero",
             title=f"{name}: {100 * (z > 0).float().mean():.0f} % not zero")
    axis.set_ylabel("count");

# %% [markdown]
# The titles say how much of each code is not zero. The KL network meets its target on average. But it does so in a way
# that we did not have in mind. Hardly any unit is ever *on*. Nearly all of them are *a little* on for every image, and
# the decoder reads the small differences.
#
# The penalty allows this. For one unit, nineteen images with 0 and one image with 1 have the mean 0.05. Twenty images
# with 0.05 each have the same mean, and so the same penalty.

# %%
claim("rate met", "Mean activation of the KL code with target 0.05", mean_rate, near=0.05,
      within=0.015)
claim("half on", "Units of it above one half, per image", above, "of 1000", at_most=5,
      baseline="0.05 · 1000 = 50 if units were on or off")

# %% [markdown]
# Is the beginning to blame? All units begin at 0.05 on the mean image. One network more may begin elsewhere:

# %%
begin = 0.05  # value of every unit on the mean image, before training
with seeded(0):
    other_net = SigmoidAutoencoder(begin)
train_sparse(other_net, x, kl_to_rate)
with torch.no_grad():
    other_z = other_net.encode(x_test)  # (2000, 1000)
other_above = (other_z > 0.5).sum(1).float().mean().item()
print(f"mean activation {other_z.mean():.4f}, units above one half {other_above:.2f}")

# %%
try_it("Set `begin = 0.5` and run that cell again, with the same target. How many units "
       "are above one half per image after training? Type two decimals.", None, other_above,
       changed=begin == 0.5)

# %% [markdown]
# ## 3 · How many units matter?
#
# No sigmoid is ever exactly zero. So how many units of the KL code are active? One answer needs no definition of
# "active". Keep only the $n$ units of each image that differ most from their usual value, set all others to their usual
# value, and look at the reconstruction. The usual value is the median over the images, nearly always 0 for top-k. Each
# difference is multiplied by the length of the atom, since this is how much it changes the image.
#
# **Predict.** With 25 units kept, how many times as large as that of top-25 is the squared error of the KL code?

# %%
prediction_kept = None

# %%
@torch.no_grad()
def error_with(net, n, images, share=1.0):
    z = net.encode(images)  # (B, 1000)
    usual = share * z.median(0).values  # (1000,)
    length = net.decoder.weight.norm(dim=0) if net is kl_net else 1.0
    where = ((z - usual).abs() * length).topk(n, dim=1).indices  # (B, n)
    kept = torch.zeros_like(z).scatter(1, where, 1.0)  # 1 for the units that are kept
    x_hat = net.decode(kept * z + (1 - kept) * usual)
    return losses.squared_error(x_hat, images).mean().item()

# %%
counts = [5, 10, 25, 50, 100, 200, 400, 800]
kept_error = {name: [error_with(net, n, x_test[:1000]) for n in counts]
              for name, net in nets.items()}
axis = plt.subplots(figsize=(6.2, 3.4))[1]
for name, style in zip(nets, ("D-.", "s--", "o-", "^:"), strict=True):
    axis.plot(counts, kept_error[name], style, label=name)
plots.log_axes(axis, x=counts)
axis.set(xlabel="units kept per image", ylabel="squared error per image", ylim=(0, None))
axis.legend(frameon=False);

# %% [markdown]
# With 25 units kept, top-25 has lost next to nothing. The KL code reconstructs badly then. It recovers only with
# hundreds of units, like the code without a penalty. **A network minimises the penalty that we wrote, not the one that
# we meant.**

# %%
at_25 = {name: values[counts.index(25)] for name, values in kept_error.items()}
score([("error of KL relative to top-25, 25 units kept", prediction_kept,
        at_25["KL, ρ = 0.05"] / at_25["top-25"])])

# %%
claim("25 kept", "Squared error of the KL code with 25 units kept, relative to top-25",
      at_25["KL, ρ = 0.05"] / at_25["top-25"], "times", at_least=1.7,
      baseline=", ".join(f"{name} {value:.1f}" for name, value in at_25.items()))

# %% [markdown]
# What do the units do that are not kept? Each holds its usual value.

# %%
share = 1.0  # of the usual value, for the units that are not kept
kl_error = error_with(kl_net, 25, x_test[:1000], share)
print(f"KL, 25 units kept, the others at {share} of their usual value: {kl_error:.1f}")

# %%
try_it("Set `share = 0.0` and run that cell again, so that the other units are off. What "
       "is the squared error of the KL code?", None, kl_error, changed=share == 0.0)

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - L1 shrinks each value, by $\lambda/2$ for one unit alone. Least squares with the same units undoes it.
# - KL to a target rate asks for a mean over images. Units that are always a little on meet it as well.
# - Keep only the $n$ units that matter most and look at the error: this measures sparsity without a threshold.
# - A network minimises the penalty that we wrote, not the one that we meant.
#
# **Next:** [05b](05b_planted.ipynb) asks when a sparse autoencoder finds the true parts of the data.
# [05d](05d_units.ipynb) looks at single units. [Lab 05](../work/lab05.ipynb) (on the web: the
# [sheet](../exercises/lab05/lab05.ipynb)) comes after 05b and closes the loophole of L1 in another way.
#
# ### Papers
# - R. Tibshirani (1996). *Regression shrinkage and selection via the lasso.* Journal of the Royal Statistical Society B
#   58, 267–288.
# - A. Ng (2011). *Sparse autoencoder.* CS294A lecture notes, Stanford University.
# - A. Makhzani, B. Frey (2013). *k-Sparse autoencoders.* arXiv:1312.5663; ICLR 2014.
