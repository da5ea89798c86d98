# %% [markdown]
# # 03e · A closer look at PCA
#
# **Promise.** You will compute what a wrong direction costs a linear autoencoder, see what it does not learn, and find
# out when a forgotten mean shows.
#
# **After this unit you can**
# 1. predict from the eigenvalues how hard a subspace is to find;
# 2. say which part of PCA a linear autoencoder learns, and which part not;
# 3. find the size of code at which a bug shows.
#
# **Before it:** unit 03. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

from aecourse import data, diagrams, metrics, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
digits = data.load()
claim = Claims("03", digits.name)

# %%
diagrams.two_planes(90);

# %% [markdown]
# The two planes share one line and differ by 90° in the other direction. Suppose that the data vary equally in both
# of these other directions. Then both planes have the same error, and nothing in the loss prefers one of them.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_test = digits.x_train[train], digits.x_test
mean_image = x.mean(0)


def axes_of(matrix):
    """Eigenvalues (784,), the largest first, and eigenvectors (784, 784) as columns."""
    values, vectors = torch.linalg.eigh(matrix.double())
    return values.flip(0).clamp(min=0), vectors.flip(1)


values, vectors = axes_of((x - mean_image).T @ (x - mean_image) / len(x))

# %% [markdown]
# ## 1 · What a wrong direction costs
#
# PCA with $k$ axes has the error $\lambda_{k+1} + \lambda_{k+2} + \dots$ (unit 03). Exchange axis $k$ for axis $k +
# 1$. The surface is now wrong by 90°. The error contains $\lambda_k$ in place of $\lambda_{k+1}$, so it grows by
# $\lambda_k - \lambda_{k+1}$, the **gap** between two neighbouring eigenvalues. What does a smaller angle cost? Turn
# axis $k$ by the angle $\theta$ towards axis $k + 1$, to $v = \cos\theta\, e_k + \sin\theta\, e_{k+1}$.
#
# $$\begin{aligned}
# v^\top C v &= \cos^2\theta\, \lambda_k + \sin^2\theta\, \lambda_{k+1}
#   && C e_i = \lambda_i e_i, \text{ and the } e_i \text{ are orthonormal} \\
# &= \lambda_k - (\lambda_k - \lambda_{k+1}) \sin^2\theta && \cos^2\theta = 1 - \sin^2\theta
# \end{aligned}$$
#
# So the error grows by the gap times $\sin^2\theta$.

# %%
gap = values[:64] - values[1:65]  # of exchanging axis k for k + 1, k = 1, …, 64
error = values.sum() - values.cumsum(0)  # of PCA with k axes
cost = 100 * gap / error[:64]  # in % of PCA's error
axis = plt.subplots(figsize=(6.5, 3.3))[1]
axis.plot(range(1, 65), cost, ".-")
axis.axhline(1, color="grey", linestyle=":")
axis.set(yscale="log", xlabel="latent dimension k", ylabel="cost of the exchange (%)");

# %% [markdown]
# For most sizes the exchange costs less than 1 % (dotted line) of PCA's error. A deep dip is a pair of nearly equal
# eigenvalues.

# %%
try_it("For how many of the 64 sizes does the exchange cost more than 1 %? Compute "
       "`(cost > 1).sum()` in a new cell.", None, int((cost > 1).sum()),
       says="At all other sizes an error within 1 % may hide 90°.")

# %% [markdown]
# Now train linear autoencoders of four sizes. As in unit 03, 784 vectors with the covariance of the images stand in
# for the images. The learning rate rises and falls during the training (`OneCycleLR`), so that it ends close to the
# optimum.
#
# **Predict.** Which of the sizes 2, 8, 16 and 30 has the smallest angle to PCA's surface when the error first comes
# within 1 % of PCA's?

# %%
prediction_angle = None

# %%
stand_ins = ((784 * values).sqrt()[:, None] * vectors.T).float()  # (784, 784)

# %%
def train_linear(k, steps=1000):
    """A trained decoder (784, k), and (error above PCA's in %, largest angle) over time."""
    net = nn.Sequential(nn.Linear(784, k, bias=False), nn.Linear(k, 784, bias=False))
    generator = torch.Generator().manual_seed(0)
    for layer in net:
        nn.init.normal_(layer.weight, std=1 / 28, generator=generator)  # 28² = 784
    optimiser = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-2, total_steps=steps)
    trail = []
    for step in range(steps):
        loss = (net(stand_ins) - stand_ins).square().sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 10 == 9:
            angle = metrics.largest_angle(net[1].weight.detach(), vectors[:, :k])
            trail.append((100 * (loss.item() / error[k - 1].item() - 1), angle))
    return net[1].weight.detach(), trail

# %%
trained = {k: train_linear(k) for k in (2, 8, 16, 30)}
first = {k: next(row for row in trail if row[0] <= 1) for k, (_, trail) in trained.items()}
table(["latent dimension", "cost of the exchange (%)", "angle within 1 % (°)",
       "error above PCA's at the end (%)", "angle at the end (°)"],
      [[k, f"{cost[k - 1]:.2f}", f"{first[k][1]:.0f}", f"{abs(trail[-1][0]):.2f}",
        f"{trail[-1][1]:.1f}"] for k, (_, trail) in trained.items()])

# %% [markdown]
# All four end with the error of PCA, to less than 0.1 %. When they first come within 1 %, most of them are still far
# from its surface. Compare this angle with the cost of the exchange: where it is above 1 %, an error within 1 %
# excludes 90°.

# %%
excess = max(abs(trail[-1][0]) for _, trail in trained.values())
claim("linear autoencoder",
      "Error of trained linear autoencoders above PCA's, largest of four", excess, "%",
      at_most=0.1)
claim("angles at 1 %", "Largest angle at the moment within 1 %, mean of four sizes",
      sum(row[1] for row in first.values()) / 4, "°", at_least=10,
      baseline=", ".join(f"k = {k}: {row[1]:.0f}" for k, row in first.items()))

# %% [markdown]
# ## 2 · The surface, not the axes
#
# PCA's axes are orthogonal and ordered. Does the autoencoder find them? Take any invertible matrix $R$ ($k \times
# k$). The decoder $W_2 R$ with the encoder $R^{-1} W_1$ gives $W_2 R R^{-1} W_1 = W_2 W_1$, the same reconstructions.
# So the loss cannot prefer the axes of PCA.

# %%
def unit_rows(columns):
    return (columns / columns.norm(dim=0)).T.float()  # (784, k) → (k, 784), length 1


axes = {"PCA": unit_rows(vectors[:, :8]), "autoencoder": unit_rows(trained[8][0])}
plots.images(axes, limits=(-0.12, 0.12), columns=[f"{i}" for i in range(1, 9)]);

# %% [markdown]
# Grey is 0, white positive, black negative. First row: PCA's axes. Second row: the columns of the autoencoder's
# $W_2$. They are mixtures of the same eight patterns, in no order.
#
# The next cell measures the cosine of each of them to each axis of PCA: 1 or −1 for the same axis, 0 at a right angle.

# %%
cosines = (axes["autoencoder"] @ axes["PCA"].T).abs()  # (8, 8)
axis = plt.subplots(figsize=(4.6, 3.6))[1]
picture = axis.imshow(cosines, vmin=0, vmax=1, cmap="viridis")
axis.set(xlabel="axis of PCA", ylabel="column of the decoder", xticks=range(8),
         yticks=range(8), xticklabels=range(1, 9), yticklabels=range(1, 9))
axis.grid(False)
axis.figure.colorbar(picture, label="absolute cosine");

# %% [markdown]
# If the autoencoder had found the axes, each row would have one bright square and seven dark ones. Most rows have
# several squares of middle brightness.

# %%
try_it("What is the mean, over the eight columns of the decoder, of the absolute cosine to "
       "the nearest axis of PCA? Compute `cosines.amax(1).mean()`.",
       None, cosines.amax(1).mean().item(),
       says="It would be 1 if the axes were those of PCA.")

# %%
claim("basis",
      "Cosine of each of the autoencoder's axes to the nearest axis of PCA, mean of 8",
      cosines.amax(1).mean(), at_most=0.95, baseline="1 if the axes were PCA's own")

# %% [markdown]
# ## 3 · Forgetting to centre
#
# Without subtracting the mean, the surface has to pass through the black image, the origin. The proof of unit 03
# stays the same with $X^\top X / N$ in place of $C$, where $X$ now holds the images themselves. Its eigenvectors are
# the optimal axes.
#
# **Predict.** By how many per cent does the error grow with 30 numbers, if the mean is forgotten?

# %%
prediction_centring = None

# %%
_, raw_vectors = axes_of(x.T @ x / len(x))


def error_with(axes, centre, k):
    basis = axes[:, :k].float()  # (784, k)
    z = (x_test - centre) @ basis
    return (z @ basis.T + centre - x_test).square().sum(1).mean().item()


centring = {k: (error_with(vectors, mean_image, k), error_with(raw_vectors, 0, k))
            for k in (1, 2, 8, 30)}
table(["numbers", "centred", "not centred", "difference (%)"],
      [[k, a, b, 100 * (b / a - 1)] for k, (a, b) in centring.items()])

# %% [markdown]
# With one or two numbers the difference is clear. With thirty it nearly vanishes. Spend one of $k$ directions on the
# mean: the other $k - 1$ do what centred axes do. So $k$ axes without centring are at least as good as $k - 1$ axes
# with it, and one axis more or less matters little at thirty. A bug that costs next to nothing in the usual setting
# is found only where it costs most. The lab has such a bug.

# %%
claim("centring", "Error without centring relative to PCA's, two numbers",
      centring[2][1] / centring[2][0], "times", at_least=1.01,
      baseline=f"with thirty numbers {centring[30][1] / centring[30][0]:.4f}")
claim("centring, 30", "The same with thirty numbers", centring[30][1] / centring[30][0],
      "times", at_most=1.01)

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("size with the smallest angle within 1 %", prediction_angle,
        min(first, key=lambda k: first[k][1])),
       ("error without centring, 30 numbers (%)", prediction_centring,
        100 * (centring[30][1] / centring[30][0] - 1))])

# %% [markdown]
# ## 5 · What to keep
#
# - A wrong direction costs the gap between two eigenvalues times $\sin^2\theta$. The gap is small for most sizes.
# - A linear autoencoder learns the surface of PCA, not its axes.
# - Forgetting the mean shows with small codes and hides with large ones.
#
# **Your turn:** [lab 03](../work/lab03.ipynb) (on the web: the [sheet](../exercises/lab03/lab03.ipynb)).
# **Next:** [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - P. Baldi, K. Hornik (1989). *Neural networks and principal component analysis: learning from examples without
#   local minima.* Neural Networks 2, 53–58.
