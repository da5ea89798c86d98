# %% [markdown]
# # 03 · Manifolds and PCA
#
# **Promise.** You will see why a space of 784 dimensions is nearly empty, why digits fill only a small part of it, and
# what a nonlinear code finds that the best linear one, PCA, cannot.
#
# **After this unit you can**
# 1. compute how empty a space of many dimensions is;
# 2. derive PCA and compute it by a singular value decomposition;
# 3. compare a linear autoencoder with PCA, by error and by subspace;
# 4. say at which latent dimensions, and after how much training, a nonlinear autoencoder helps.
#
# **Before it:** unit 02; vectors, matrices and eigenvectors. **Time:** about {minutes} minutes; the cells run in less
# than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from aecourse import data, diagrams, losses, metrics, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA, Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("03", digits.name)

# %%
diagrams.line_and_curve();

# %% [markdown]
# The dots have two coordinates each, but they lie near a curve. A one-dimensional code gives the position of a point
# along a line (left) or along a curve (right). The thin lines are the errors. PCA finds a line. A nonlinear autoencoder
# can find the curve, with smaller errors.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_test, y_test = digits.x_train[train], digits.x_test, digits.y_test
ten = plots.first_of_each(y_test)

# %% [markdown]
# ## 1 · Spaces of many dimensions are empty
#
# Put eight points at random into an interval of length 1, a square, a cube, and so on. What share of the space lies
# within 0.1 of at least one of them?
#
# **Predict.** How many per cent of the three-dimensional cube lie within 0.1 of one of eight points?

# %%
prediction_covered = None

# %%
def covered(d):
    """Share (%) of the unit cube in d dimensions within 0.1 of one of 8 points."""
    generator, shares = torch.Generator().manual_seed(0), []
    for _ in range(20):  # the mean of twenty sets of points
        points = torch.rand(8, d, generator=generator)
        samples = torch.rand(20_000, d, generator=generator)
        distance = torch.cdist(samples, points).amin(1)  # to the nearest point, (20000,)
        shares.append(100 * (distance <= 0.1).float().mean().item())
    return sum(shares) / 20


share = {d: covered(d) for d in (1, 2, 3, 10)}
table(["dimensions", "covered by eight points (%)", "points needed for 8 along each axis"],
      [[d, value, f"{8**d:,}"] for d, value in share.items()])

# %% [markdown]
# With each dimension the same points cover less (0: none of our samples was near). A grid as fine as eight points on
# a line needs $8^d$ points in $d$ dimensions. This is the **curse of dimensionality**: in many dimensions examples
# never fill the space.

# %%
score([("covered by eight points in three dimensions (%)", prediction_covered, share[3])])
claim("covered", "Share of a ten-dimensional cube within 0.1 of one of eight points",
      share[10], "%", at_most=0.01,
      baseline=f"one dimension {share[1]:.0f}, three {share[3]:.1f}")

# %% [markdown]
# ## 2 · The manifold hypothesis
#
# In the first row each pixel is a random grey level. In the second row each pixel comes from another digit, so that the
# brightness at each place is right.

# %%
generator = torch.Generator().manual_seed(1)
even = torch.rand(10, 784, generator=generator)
digit = torch.randint(len(x), (10, 784), generator=generator)  # a digit for each pixel
mixed = x[digit, torch.arange(784)]  # (10, 784): pixel i of that digit
plots.images({"random grey levels": even, "each pixel from a digit": mixed,
              "digits": x_test[ten]});

# %% [markdown]
# No image of the first two rows shows a stroke. Neighbouring pixels of a digit depend on each other.
#
# The **manifold hypothesis** says that natural data lie near a *manifold*: a surface, usually curved, with far fewer
# dimensions than the space around it. A rolled sheet of paper is a manifold of two dimensions in a space of three. A
# step *along* the manifold of digits makes a stroke thicker or longer. A step *away* from it adds noise (unit 03a).

# %%
atoms = 10**80  # in the universe, roughly
pixels = 1
print(f"{pixels} pixels: more images than atoms? {256**pixels > atoms}")

# %%
try_it("An image of n pixels with 256 grey levels is one of `256**n` images. Change "
       "`pixels = 1` until there are more images than atoms in the universe. How many "
       "pixels are enough?",
       None, -(-atoms.bit_length() // 8), changed=pixels > 1,
       says="Our images have 784 pixels. No data set covers a noticeable share of them.",
       hint="Is it the smallest number for which the cell prints True?")

# %% [markdown]
# ## 3 · PCA
#
# Of all *linear* surfaces through the mean image $\bar x$, principal component analysis (PCA) looks for the one with
# the smallest error. Let $v_1, \dots, v_k$ be orthogonal directions of length 1, the **axes**. The code of an image
# is its coordinates $z_j = v_j^\top (x - \bar x)$, and its reconstruction is $\hat x = \bar x + \sum_j z_j v_j$.
# Which axes have the smallest mean squared error? Let $C$ be the covariance matrix of the $N$ images (with $1/N$),
# with eigenvectors $e_i$ and eigenvalues $\lambda_1 \ge \lambda_2 \ge \dots$ Its trace $\operatorname{tr} C$ is the
# whole variance.
#
# $$\begin{aligned}
# \lVert x - \hat x \rVert^2 &= \lVert x - \bar x \rVert^2 - \textstyle\sum_j z_j^2
#   && \text{Pythagoras: } x - \hat x \text{ is orthogonal to the axes} \\
# \text{mean error} &= \operatorname{tr} C - \textstyle\sum_j v_j^\top C\, v_j
#   && \text{mean over the images} \\
# &= \textstyle\sum_i \lambda_i - \sum_i \lambda_i w_i, \quad w_i = \sum_j (v_j^\top e_i)^2
#   && \text{write } v_j \text{ in the basis } e_i \\
# &\ge \lambda_{k+1} + \lambda_{k+2} + \dots
#   && 0 \le w_i \le 1 \text{ and } \textstyle\sum_i w_i = k
# \end{aligned}$$
#
# In the last line $w_i$ is the squared length of the projection of $e_i$, which has length 1, onto the surface, and
# $\sum_i w_i = \sum_j \lVert v_j \rVert^2 = k$. So $\sum_i \lambda_i w_i$ is largest when the $k$ largest eigenvalues
# get the weight 1. Optimal axes are the eigenvectors of the largest eigenvalues, and the error is the sum of the
# others.
#
# A **singular value decomposition** (SVD) finds them without computing $C$. It writes the matrix of the centred
# images as $X = U S V^\top$, so $C = X^\top X / N = V (S^2/N) V^\top$: the columns of $V$ are the eigenvectors, and
# $\lambda_i = s_i^2/N$. Here it is for two hundred points in the plane:

# %%
generator = torch.Generator().manual_seed(0)
points = torch.randn(200, 2, generator=generator) @ torch.tensor([[2.0, 1.0], [0.0, 0.5]])
centre = points.mean(0)
U, S, Vt = torch.linalg.svd(points - centre, full_matrices=False)  # (200, 2), (2,), (2, 2)
z = (points - centre) @ Vt[:1].T  # the code: one number for each point, (200, 1)
back = centre + z @ Vt[:1]  # the reconstruction, (200, 2)
print(f"mean squared error: {(points - back).square().sum(1).mean():.4f}")
print(f"second eigenvalue:  {S[1] ** 2 / 200:.4f}")

# %% [markdown]
# Both numbers are equal. For many images $C$ is smaller than $X$, so the next cell and the package take the
# eigenvectors of $C$, with the same result: `PCA(x)` keeps the first 64 axes and the mean, `pca.encode(images, k)`
# gives codes, and `pca.error(images, k)` the mean squared error.
#
# **Predict.** The eigenvalues add up to the whole variance of the images. How many of the 784 axes hold 90 % of it?

# %%
prediction_axes = None

# %%
centred = x - x.mean(0)
covariance = (centred.T @ centred / len(x)).double()  # (784, 784)
eigenvalues, eigenvectors = torch.linalg.eigh(covariance)  # the smallest first
eigenvalues, eigenvectors = eigenvalues.flip(0).clamp(min=0), eigenvectors.flip(1)
held = eigenvalues.cumsum(0) / eigenvalues.sum()  # share of the variance by 1, 2, … axes
pca = PCA(x)
n_axes = int((held < 0.9).sum()) + 1
print(f"{n_axes} axes hold 90 % of the variance, 8 axes {100 * held[7]:.0f} %")

# %%
error_30 = pca.error(x_test, 30)
score([("axes that hold 90 % of the variance", prediction_axes, n_axes)])
claim("PCA with 30 numbers", "Squared error per test image, 30-dimensional PCA", error_30,
      "squared grey levels", near=13.87, within=0.03, paper="13.87", holds_on=("mnist",))

# %% [markdown]
# ## 4 · A linear autoencoder and PCA
#
# Take an autoencoder without any nonlinearity: the encoder multiplies the centred image by a matrix $W_1$ ($k \times
# 784$), the decoder multiplies the code by $W_2$ ($784 \times k$). Its reconstructions also lie on a linear surface
# of $k$ dimensions, where no point is nearer to the image than its projection. So by section 3 its error cannot be
# smaller than PCA's. Does training find the *same* surface?
#
# We need a measure for two surfaces. Here are two planes in space:

# %%
diagrams.two_planes();

# %% [markdown]
# The planes share a line, and their angle is 40° (arrows). In general, take the direction in one surface that is
# farthest from the other surface. Its angle to the other surface is the **largest angle**. It is 0° if the two
# surfaces are equal, and 90° if one has a direction at a right angle to the whole of the other.
# `metrics.largest_angle(A, B)` computes it for the surfaces spanned by the columns of two matrices.
#
# Each training step would need all images. We can do with 784 vectors. With $A = I - W_2 W_1$ the error of a centred
# image is $\lVert A x \rVert^2 = \operatorname{tr}(A\, x x^\top A^\top)$. The mean of $x x^\top$ is $C$, so the mean error
# is $\operatorname{tr}(A C A^\top)$. The images enter only through $C$. The vectors $a_i = \sqrt{784\, \lambda_i}\, e_i$
# have the same matrix, $\frac{1}{784} \sum_i a_i a_i^\top = C$, so they can stand in for the images.

# %%
stand_ins = ((784 * eigenvalues).sqrt()[:, None] * eigenvectors.T).float()  # (784, 784)
k = 8
with seeded(0):
    linear = nn.Sequential(nn.Linear(784, k, bias=False), nn.Linear(k, 784, bias=False))
optimiser = torch.optim.Adam(linear.parameters(), lr=5e-3)
best = eigenvalues[k:].sum().item()  # the error of PCA
history = []  # (step, error above PCA's in %, largest angle in °)
for step in range(1, 1501):
    loss = (linear(stand_ins) - stand_ins).square().sum(1).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step % 50 == 0:
        angle = metrics.largest_angle(linear[1].weight.detach(), eigenvectors[:, :k])
        history.append((step, 100 * (loss.item() / best - 1), angle))

# %% [markdown]
# **Predict.** When the error has come within 1 % of PCA's error, how large is the largest angle between the two
# surfaces, in degrees?

# %%
prediction_angle = None

# %%
steps, above, angles = (torch.tensor(column) for column in zip(*history, strict=True))
axis = plt.subplots(figsize=(6.5, 3.4))[1]
axis.plot(steps, above, "o-", markersize=4, label="error above PCA's (%)")
axis.plot(steps, angles, "s--", markersize=4, label="largest angle (°)")
axis.axhline(1, color="grey", linestyle=":")
axis.set(yscale="log", xlabel="steps", ylim=(1e-2, 200))
axis.legend(frameon=False)
angle_at_1 = angles[above <= 1][0].item()
exchange = 100 * (eigenvalues[k - 1] - eigenvalues[k]) / best
print(f"axis {k + 1} in place of axis {k} costs {exchange:.2f} % of PCA's error")

# %% [markdown]
# The error (circles) falls to 1 % (dotted line) early, and later below the lower edge. When it reaches 1 % the angle
# (squares) is still large; much later the surfaces agree. The reason is in section 3: an exchange of axis $k$ for axis
# $k + 1$ turns the surface by 90° and costs only $\lambda_k - \lambda_{k+1}$. Baldi and Hornik (1989) proved that the loss
# has no local minima besides PCA's surface, only saddle points. Here training reached it, but a small error does not
# prove convergence.

# %%
score([("largest angle when the error is within 1 % (°)", prediction_angle, angle_at_1)])
claim("angle at 1 %", "Largest angle to PCA's subspace when a linear code of 8 is within "
      "1 % of PCA's error", angle_at_1, "°", at_least=10,
      baseline=f"at the end {angles[-1]:.2f}")

# %% [markdown]
# ## 5 · Nonlinear against linear
#
# Now the surface may curve to follow the digits. Two details are new. Pixels lie between 0
# and 1, so the output goes through a sigmoid. And the helper `he` sets a good initialisation; unit 03b shows what it
# changes and why.

# %%
def reconstruct(model, images):
    return torch.sigmoid(model(images))  # (B, 784), between 0 and 1


def squared_error(model, x, step):
    return {"squared error": losses.squared_error(reconstruct(model, x), x)}


def trained(k, epochs=5):
    with seeded(0):
        model = he(Autoencoder([784, 256, 128, k]), x)
    fit(model, (x[:15_000],), squared_error, epochs=epochs, lr=3e-3, one_cycle=True)
    return model


def test_error(model):
    with torch.no_grad():
        return losses.squared_error(reconstruct(model, x_test), x_test).mean().item()

# %%
sizes = [2, 3, 8, 16, 30, 64]
nets = {k: trained(k) for k in sizes}
errors = {k: test_error(nets[k]) for k in sizes}
pca_errors = {k: pca.error(x_test, k) for k in sizes}

# %%
axis = plt.subplots(figsize=(6, 3.4))[1]
axis.plot(sizes, errors.values(), "o-", label="autoencoder 784-256-128-k")
axis.plot(sizes, pca_errors.values(), "s--", label="PCA")
axis.set(xlabel="latent dimension k", ylabel="squared error per image", ylim=(0, None))
plots.log_axes(axis, x=sizes)
axis.legend(frameon=False);

# %% [markdown]
# The autoencoder has the smaller error up to 30 dimensions, and it gains most in the middle of this range. With 64
# dimensions PCA is ahead of this short training (five epochs on at most 15,000 images). Is a nonlinear code of no use
# there, or is the training too short?
#
# **Predict.** Who has the smaller error with 64 dimensions after 20 epochs, `"autoencoder"` or `"PCA"`?

# %%
prediction_64 = None

# %%
EPOCHS = 20
longer = {n: test_error(trained(64, n)) for n in {20, EPOCHS}}  # epochs → test error
print(f"64 dimensions: PCA {pca_errors[64]:.1f}, autoencoder {errors[64]:.1f} after 5 "
      f"epochs, {longer[EPOCHS]:.1f} after {EPOCHS}")

# %%
score([("smaller error with 64 dimensions after 20 epochs", prediction_64,
        "autoencoder" if longer[20] < pca_errors[64] else "PCA")])
relative = {k: errors[k] / pca_errors[k] for k in sizes}
for size in (2, 8, 30):
    claim(f"bent, {size} numbers",
          f"Autoencoder's error relative to PCA's, latent dimension {size}",
          relative[size], "times", at_most=0.95,
          baseline=f"autoencoder {errors[size]:.1f}, PCA {pca_errors[size]:.1f}")
claim("most with 8", "The gain with latent dimension 8, relative to 2 and to 30",
      relative[8] / min(relative[2], relative[30]), "times", at_most=1.0)
claim("64 numbers", "Autoencoder's error relative to PCA's, latent dimension 64, after "
      "five epochs on 15,000 images", relative[64], "times", at_least=1.0,
      baseline=f"autoencoder {errors[64]:.1f}, PCA {pca_errors[64]:.1f}")
claim("64, longer training", "The same after 20 epochs", longer[20] / pca_errors[64],
      "times", at_most=0.95, baseline=f"autoencoder {longer[20]:.1f}")

# %% [markdown]
# So the training was too short. An error after few epochs says little about what a network can do. (With 30 dimensions
# a deep network does far better than this one, see unit 03b.)

# %%
try_it("Change `EPOCHS = 20` to `EPOCHS = 10` and run that cell again. What is the "
       "autoencoder's error with 64 dimensions now?", None, longer[EPOCHS],
       changed=EPOCHS == 10, says="Compare it with the two other training lengths.")

# %% [markdown]
# ### A map of the digits
#
# A two-dimensional code is a **map**: each image is a point. Which map shows the classes better? Ten neighbours vote
# on the class of each point (**kNN**, with five-fold cross-validation). Guessing is right for about 10 %.

# %%
some, labels = x_test[:1500], y_test[:1500]
with torch.no_grad():  # (1500, 2) each
    maps = {"PCA": pca.encode(some, 2), "autoencoder": nets[2].encode(some)}
axes, votes = plt.subplots(1, 2, figsize=(10, 4.4))[1], {}
for axis, (name, plane) in zip(axes, maps.items(), strict=True):
    vote = cross_val_score(KNeighborsClassifier(10), plane, labels, cv=5)  # five accuracies
    votes[name] = 100 * vote.mean()
    plots.class_map(axis, plane, labels)
    axis.set(title=f"{name}: kNN {votes[name]:.0f} %", xlabel="axis 1", ylabel="axis 2")

# %% [markdown]
# On PCA's map most classes overlap. On the autoencoder's map more of them have a region of their own, and the vote is
# right more often.

# %%
claim("map, autoencoder", "kNN accuracy on the autoencoder's map", votes["autoencoder"],
      "%", at_least=votes["PCA"] + 5, baseline=f"PCA {votes['PCA']:.1f}")

# %% [markdown]
# ## 6 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 7 · What to keep
#
# - Spaces of many dimensions are empty. The manifold hypothesis: natural data lie near a surface of few dimensions.
# - PCA is the linear surface with the smallest squared error. Its axes are eigenvectors of the covariance. Its error
#   is the sum of the eigenvalues left out.
# - A linear autoencoder learns the surface of PCA. A small error comes long before the right surface.
# - After five epochs a nonlinear autoencoder gained most with 8 dimensions, and nothing with 64. After 20 epochs
#   its error with 64 dimensions was smaller than PCA's, too.
# - A two-dimensional code is a map.
#
# **Your turn:** [lab 03](../work/lab03.ipynb) (your own copy; on the web, the [sheet](../exercises/lab03/lab03.ipynb)).
# Units 03a, 03d and 03e help with it.
#
# **Deeper:** [03a](03a_dimension.ipynb) counts dimensions; [03b](03b_depth.ipynb) goes deep;
# [03c](03c_interpolation.ipynb) interpolates; [03d](03d_maps.ipynb) compares maps; [03da](03da_roll.ipynb) maps a
# rolled sheet; [03db](03db_contractive.ipynb) adds a penalty on the Jacobian; [03e](03e_linear.ipynb) looks closer at PCA.
# **Next:** [lesson 04](04_denoising.ipynb) corrupts the input and asks for the clean image.
#
# ### Papers
# - C. Eckart, G. Young (1936). *The approximation of one matrix by another of lower rank.* Psychometrika 1, 211–218.
# - P. Baldi, K. Hornik (1989). *Neural networks and principal component analysis: learning from examples without
#   local minima.* Neural Networks 2, 53–58.
# - G. E. Hinton, R. R. Salakhutdinov (2006). *Reducing the dimensionality of data with neural networks.* Science 313,
#   504–507.
