# %% [markdown]
# # 03e · A closer look at PCA
#
# **Promise.** You will compute what a wrong direction costs a linear autoencoder, see what it does not learn, and find
# out when a forgotten mean shows.
#
# **After this unit you can**
# 1. bound the angle of a linear code by the eigenvalues;
# 2. say which part of PCA a linear autoencoder learns, and which part not;
# 3. find the latent dimension at which a bug shows.
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
# $\lambda_k - \lambda_{k+1}$, the **gap** between two neighbouring eigenvalues. What does a smaller angle cost? Rotate
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
# At most latent dimensions the exchange costs less than 1 % (dotted line) of PCA's error. A deep dip is a pair of nearly
# equal eigenvalues.

# %%
theta = torch.linspace(0, 90, 9001)  # degrees
allowed = theta[cost[1] * torch.deg2rad(theta).sin() ** 2 <= 1].max().item()
print(f"latent dimension 2: the exchange costs {cost[1]:.2f} % of PCA's error")

# %%
try_it("How large can the angle of axis 2 be with latent dimension 2, if the error is "
       "within 1 % of PCA's? Solve the last line of the derivation for θ, in degrees.",
       None, allowed,
       says="Compare with the angle that the training below has at this moment.",
       hint="The error grows by the cost of the exchange times sin²θ. Set this to 1 %.")

# %% [markdown]
# Now train linear autoencoders with four latent dimensions. As in unit 03, 784 vectors with the covariance of the images stand in
# for the images. The learning rate rises and falls during the training (`OneCycleLR`), so that it ends close to the
# optimum.
#
# **Predict.** Which of the latent dimensions 2, 8, 16 and 30 has the smallest angle to PCA's surface when the error first comes
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
    history = []
    for step in range(steps):
        loss = (net(stand_ins) - stand_ins).square().sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 10 == 9:
            angle = metrics.largest_angle(net[1].weight.detach(), vectors[:, :k])
            history.append((100 * (loss.item() / error[k - 1].item() - 1), angle))
    return net[1].weight.detach(), history

# %%
trained = {k: train_linear(k) for k in (2, 8, 16, 30)}
first = {k: next(row for row in history if row[0] <= 1)
         for k, (_, history) in trained.items()}
table(["latent dimension", "cost of the exchange (%)", "angle within 1 % (°)",
       "error above PCA's at the end (%)", "angle at the end (°)"],
      [[k, f"{cost[k - 1]:.2f}", f"{first[k][1]:.0f}",
        f"{abs(history[-1][0]):.2f}", f"{history[-1][1]:.1f}"]
       for k, (_, history) in trained.items()])

# %% [markdown]
# All four end with the error of PCA, to less than 0.1 %. When they first come within 1 %, most of them are still far
# from its surface. Compare this angle with the cost of the exchange: where it is above 1 %, an error within 1 %
# excludes 90°. (We state without proof that every surface with a largest angle of 90° costs at least the gap.) Unit 03
# found another angle for 8 dimensions: the initialisation and the learning rate differ.

# %%
score([("latent dimension with the smallest angle within 1 %", prediction_angle,
        str(min(first, key=lambda k: first[k][1])))])
excess = max(abs(history[-1][0]) for _, history in trained.values())
claim("linear autoencoder",
      "Error of trained linear autoencoders above PCA's, largest of four", excess, "%",
      at_most=0.1)
claim("angles at 1 %", "Largest angle at the moment within 1 %, mean of four latent "
      "dimensions", sum(row[1] for row in first.values()) / 4, "°", at_least=10,
      baseline=", ".join(f"k = {k}: {row[1]:.0f}" for k, row in first.items()))

# %% [markdown]
# ## 2 · Which axes does it learn?
#
# PCA's axes are orthogonal and ordered. Does the autoencoder find them? Take any invertible matrix $R$ ($k \times
# k$). The decoder $W_2 R$ with the encoder $R^{-1} W_1$ gives $W_2 R R^{-1} W_1 = W_2 W_1$, the same reconstructions.
# So the loss has no preference for PCA's axes. A preference of the training itself could still lead to them.
#
# **Predict.** Of the eight columns of the decoder $W_2$, how many have an absolute cosine above 0.9 with one of PCA's
# axes? (1 is the same axis, 0 a right angle.)

# %%
prediction_axes = None

# %%
def unit_rows(columns):
    return (columns / columns.norm(dim=0)).T.float()  # (784, k) → (k, 784), length 1


patterns = {"PCA": unit_rows(vectors[:, :8]), "autoencoder": unit_rows(trained[8][0])}
plots.images(patterns, limits=(-0.12, 0.12), columns=[f"{i}" for i in range(1, 9)]);

# %% [markdown]
# Grey is 0, white positive, black negative. First row: PCA's axes. Second row: the columns of the autoencoder's
# $W_2$. They are mixtures of the same eight patterns, in no order.
#
# The next cell measures the cosine of each of them to each axis of PCA, and how far they are from being orthogonal.

# %%
cosines = (patterns["autoencoder"] @ patterns["PCA"].T).abs()  # (8, 8)
axis = plt.subplots(figsize=(4.6, 3.6))[1]
picture = axis.imshow(cosines, vmin=0, vmax=1, cmap="viridis")
axis.set(xlabel="axis of PCA", ylabel="column of the decoder", xticks=range(8),
         yticks=range(8), xticklabels=range(1, 9), yticklabels=range(1, 9))
axis.grid(False)
axis.figure.colorbar(picture, label="absolute cosine")
among = (patterns["autoencoder"] @ patterns["autoencoder"].T).fill_diagonal_(0).abs().max()
print(f"largest absolute cosine of two columns of the decoder: {among:.2f}")

# %% [markdown]
# If the autoencoder had found the axes, each row would have one bright square and seven dark ones. Most rows have
# several squares of middle brightness. The columns are not exactly orthogonal to each other either.

# %%
score([("columns with a cosine above 0.9", prediction_axes,
        int((cosines.amax(1) > 0.9).sum()))])
claim("basis",
      "Cosine of each of the autoencoder's axes to the nearest axis of PCA, mean of 8",
      cosines.amax(1).mean(), at_most=0.95, baseline="1 if the axes were PCA's own")

# %%
K = 8  # 2, 8, 16 or 30
nearest = (unit_rows(trained[K][0]) @ unit_rows(vectors[:, :K]).T).abs().amax(1)  # (K,)
print(f"latent dimension {K}, cosine to the nearest axis of PCA: mean {nearest.mean():.3f}")

# %%
try_it("Change `K = 8` to `K = 2` and run that cell again. What is the mean now?", None,
       nearest.mean().item(), changed=K == 2, says="It would be 1 if the axes were PCA's.")

# %% [markdown]
# ## 3 · Forgetting to centre
#
# Without subtracting the mean, the surface has to pass through the black image, the origin. The proof of unit 03
# stays the same with $X^\top X / N$ in place of $C$, where $X$ now holds the images themselves. Its eigenvectors are
# the optimal axes.
#
# **Predict.** With which latent dimension does the forgotten mean cost most, in per cent of PCA's error: 1, 2, 8 or 30?

# %%
prediction_centring = None

# %%
_, raw_vectors = axes_of(x.T @ x / len(x))


def error_with(vectors, centre, k):
    basis = vectors[:, :k].float()  # (784, k)
    z = (x_test - centre) @ basis
    return (z @ basis.T + centre - x_test).square().sum(1).mean().item()


centring = {k: (error_with(vectors, mean_image, k), error_with(raw_vectors, 0, k))
            for k in (1, 2, 8, 30)}
table(["latent dimension", "centred", "not centred", "difference (%)"],
      [[k, a, b, 100 * (b / a - 1)] for k, (a, b) in centring.items()])

# %% [markdown]
# With one or two dimensions the difference is clear. With thirty it nearly vanishes. The reason: a surface of $k - 1$
# dimensions through the mean lies in a surface of $k$ dimensions through 0 that also contains the mean. So on the training
# images $k$ axes without centring are at least as good as $k - 1$ axes with it, and one axis more or less matters little
# at thirty. Such a bug is easiest to find at small latent dimensions.

# %%
costs = {k: b / a for k, (a, b) in centring.items()}
score([("latent dimension where the forgotten mean costs most", prediction_centring,
        str(max(costs, key=costs.get)))])
claim("centring", "Error without centring relative to PCA's, two dimensions",
      centring[2][1] / centring[2][0], "times", at_least=1.01,
      baseline=f"with thirty dimensions {centring[30][1] / centring[30][0]:.4f}")
claim("centring, 30", "The same with thirty dimensions", centring[30][1] / centring[30][0],
      "times", at_most=1.01)

# %%
DIMENSION = 30
with_mean = error_with(vectors, mean_image, DIMENSION)
growth = 100 * (error_with(raw_vectors, 0, DIMENSION) / with_mean - 1)
print(f"latent dimension {DIMENSION}: without centring the error grows by {growth:.2f} %")

# %%
try_it("Change `DIMENSION = 30` to `DIMENSION = 4` and run that cell again. By how many "
       "per cent does the error grow?", None, growth, changed=DIMENSION == 4,
       says="Is it smaller with every further dimension?")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - A wrong direction costs the gap between two eigenvalues times $\sin^2\theta$. The gap is small for most
#   latent dimensions.
# - A linear autoencoder learns the surface of PCA, not its axes.
# - A forgotten mean shows at small latent dimensions and is hardly visible at large ones.
#
# **Your turn:** [lab 03](../work/lab03.ipynb) (on the web: the [sheet](../exercises/lab03/lab03.ipynb)).
# **Next:** [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - P. Baldi, K. Hornik (1989). *Neural networks and principal component analysis: learning from examples without
#   local minima.* Neural Networks 2, 53–58.
