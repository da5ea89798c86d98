# %% [markdown]
# # Lab 04 · Noise, and what a denoiser knows
#
# At the end of this page you have damaged digits in three ways, cleaned them in three ways, and turned a trained
# denoiser into a map that points to where the data lie.
#
# After this lab you can
#
# - damage images with Gaussian noise, salt and pepper, and masking, reproducibly and with no pixel out of range;
# - measure a denoised image in decibels, and say what a fair baseline gets;
# - write the loss of a denoising autoencoder, and train one with it;
# - read the score, the slope of the logarithm of the density, off a trained denoiser, and check it where it is known.
#
# **Before it:** units 04 and 04b. **Time:** about 55 minutes for you, under a minute for the machine.
#
# **How the checks work.** Write your answer in place of `...  # YOUR CODE HERE` and run the cell below it:
# `check.NAME(NAME)` tries it on fresh inputs, says what kind of mistake it sees, and does not show the solution. Stuck?
# Type `check.NAME.hint()` into the cell below the check: it gives one hint more at each call, and
# `check.NAME.solution()` shows one way and why it is so. A line `NAME_ok = check.use(NAME)` takes your answer if it is
# right and the course's own if not, so you can go on at any time.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from aecourse import data, losses, plots
from aecourse.check import lab04 as check
from aecourse.claims import table
from aecourse.models import Autoencoder, mlp
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
x, x_test = digits.x_train[:10_000], digits.x_test[:2000]
some = digits.x_test[plots.first_of_each(digits.y_test)]
generator = torch.Generator().manual_seed(0)
digits

# %% [markdown]
# ## 1 · Gaussian noise
# ★☆☆ · 6 minutes
#
# Images `x` (B, D) with grey levels from 0 to 1 come in, a number `sigma`, and a `torch.Generator`. Noisy images (B,
# D) go out: to every pixel of every image is added a normal random number of its own, with mean 0 and standard
# deviation `sigma`, and the sum is cut off at 0 and 1, as in a picture file. (The lesson leaves it uncut; exercise 7
# comes back to that.) Two things make such a function safe to use. All numbers come from `generator`, so each call
# gives fresh noise and a run can be repeated. And `x` itself stays as it is.

# %% nbgrader={"grade": false, "grade_id": "gaussian", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian(x, sigma, generator):
    """Images (B, D) with Gaussian noise of standard deviation sigma, cut off at 0 and 1."""
    ### BEGIN SOLUTION
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    return (x + sigma * noise).clamp(0, 1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "gaussian-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.gaussian(gaussian)

# %%
# Stuck? Type check.gaussian.hint() on the next line, and run this cell.

# %% [markdown]
# The check cannot know which random numbers you draw. It measures: the mean and the standard deviation of what you
# add, its form, whether two pixels or two images share it, what a second call gives. Now look at three strengths:

# %%
gaussian_ok = check.use(gaussian)
plots.images({"clean": some} | {f"sigma {s}": gaussian_ok(some, s, generator)
                                for s in (0.2, 0.4, 0.8)});

# %% [markdown]
# In the second row the digits are easy to read, in the third with a little effort, in the last one your eye has to
# guess. Half of the black pixels stay black: there the noise is cut off on one side, so on average it brightens them.
# After cutting off, the noise is no longer Gaussian where the image is black or white.
#
# ## 2 · Salt and pepper
# ★☆☆ · 8 minutes
#
# The other kind of damage leaves most pixels alone and destroys the rest. A `share` of all pixels, drawn at random,
# is exchanged: each of them becomes black, 0, or white, 1, with equal chance. The others stay as they are. Again all
# draws come from `generator`, every pixel of every image is drawn for itself, and `x` (B, D) is not changed.

# %% nbgrader={"grade": false, "grade_id": "salt_and_pepper", "locked": false, "schema_version": 3, "solution": true, "task": false}
def salt_and_pepper(x, share, generator):
    """Images (B, D) of which a share of the pixels is black or white, half of them each."""
    ### BEGIN SOLUTION
    where = torch.rand(x.shape, generator=generator, device=x.device) < share
    white = torch.rand(x.shape, generator=generator, device=x.device) < 0.5
    return torch.where(where, white.float(), x)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "salt_and_pepper-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.salt_and_pepper(salt_and_pepper)

# %%
# Stuck? Type check.salt_and_pepper.hint() on the next line, and run this cell.

# %% [markdown]
# Again at three strengths, from a tenth of the pixels to half of them:

# %%
salt_and_pepper_ok = check.use(salt_and_pepper)
plots.images({"clean": some} | {f"share {s}": salt_and_pepper_ok(some, s, generator)
                                for s in (0.1, 0.3, 0.5)});

# %% [markdown]
# A pixel that was hit tells nothing any more, and one that was not hit is exactly right. With a share of one half
# many digits can still be read: your eye looks at many pixels at once.
#
# ## 3 · Bug hunt: masking by dropout
# ★☆☆ · 5 minutes
#
# The third damage sets a share of the pixels to 0; it is what the first paper on denoising autoencoders used
# (Vincent, Larochelle, Bengio and Manzagol, 2008). PyTorch has something that looks like it, and somebody writes:

# %%
def masked_by_dropout(x, share, generator):
    return F.dropout(x, share)


with seeded(0):  # so that this page looks the same each time it is built
    masked = masked_by_dropout(some, 0.5, torch.Generator().manual_seed(1))
    again = masked_by_dropout(some, 0.5, torch.Generator().manual_seed(1))
black = [(images == 0).float().mean().item() for images in (some, masked)]
table(["", "clean", "masked by dropout"],
      [["share of black pixels", *black],
       ["brightest pixel", some.max().item(), masked.max().item()],
       ["same seed, same image", None, "yes" if torch.equal(masked, again) else "no"]])

# %% [markdown]
# Two things are wrong with it. Write the function as it should be: a `share` of the pixels, drawn from `generator`
# for every pixel of every image, becomes 0, and the others stay as they are.

# %% nbgrader={"grade": false, "grade_id": "masking", "locked": false, "schema_version": 3, "solution": true, "task": false}
def masking(x, share, generator):
    """Images (B, D) of which a share of the pixels is set to 0."""
    ### BEGIN SOLUTION
    hit = torch.rand(x.shape, generator=generator, device=x.device) < share
    return torch.where(hit, 0.0, x)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "masking-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.masking(masking)

# %%
# Stuck? Type check.masking.hint() on the next line, and run this cell.

# %% [markdown]
# Your masking beside dropout's, with half of the pixels hit:

# %%
masking_ok = check.use(masking)
rows = {"clean": some, "masking": masking_ok(some, 0.5, generator), "dropout": masked}
plots.images(rows, limits=(0, 2));

# %% [markdown]
# All three rows share one grey scale, from 0 to 2, so a clean white is grey here. Dropout makes the pixels that it
# keeps twice as bright: it divides by 1 − share, which keeps the *mean* input of a layer. A picture has no use for
# that; a net that is trained so sees whites in training that no real image has.
#
# ## 4 · How good is a denoised image?
# ★★☆ · 7 minutes
#
# Images are often compared by the **peak signal-to-noise ratio**, in decibels (dB). With the mean squared error of
# one image,
# $$\mathrm{MSE} = \frac{1}{D} \sum_{j=1}^{D} (\hat x_j - x_j)^2,$$
# and the largest value that a pixel can have, $\mathrm{peak} = 1$,
# $$\mathrm{PSNR} = 10 \log_{10} \frac{\mathrm{peak}^2}{\mathrm{MSE}}.$$
# Two batches of images come in, `x_hat` and `x`, both (B, D) for any D, and one number per image goes out, (B,). Both
# are measured as they come: whoever wants an output cut off at 0 and 1 does that before. Two equal images have no
# error at all; their PSNR is infinite, and so should yours be.

# %% nbgrader={"grade": false, "grade_id": "psnr", "locked": false, "schema_version": 3, "solution": true, "task": false}
def psnr(x_hat, x):
    """The PSNR of each image in dB, shape (B,), for x_hat and x of shape (B, D)."""
    ### BEGIN SOLUTION
    error = (x_hat - x).square().mean(-1)
    return -10 * torch.log10(error)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "psnr-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.psnr(psnr)

# %%
# Stuck? Type check.psnr.hint() on the next line, and run this cell.

# %% [markdown]
# The test images in the three kinds of damage, and two "denoised" images that nobody should be proud of: a black one,
# and the mean of the training images.

# %%
psnr_ok = check.use(psnr)
SIGMA, SHARE = 0.4, 0.3
damaged = {"Gaussian": gaussian_ok(x_test, SIGMA, generator),
           "salt and pepper": salt_and_pepper_ok(x_test, SHARE, generator),
           "masking": masking_ok(x_test, SHARE, generator)}


def decibels(x_hat):
    return psnr_ok(x_hat, x_test).mean().item()


table(["image", "PSNR (dB)"], [[name, decibels(images)] for name, images in damaged.items()]
      + [["black", decibels(torch.zeros_like(x_test))],
         ["mean image", decibels(x.mean(0).expand_as(x_test))]])

# %% [markdown]
# More is better, and 10 dB more is a tenth of the squared error. By this measure a black picture competes with noisy
# ones that you read without effort, since most of a digit's picture *is* black. So a figure in decibels means nothing
# without a baseline beside it.
#
# ## 5 · The baseline: a median filter
# ★★☆ · 10 minutes
#
# Before a net is trained, see how far one gets without learning. A **median filter** of 3 × 3 replaces each pixel by
# the median of the nine pixels around it, itself included: the fifth of them in order. At the border there are no
# nine; there the nearest pixel of the image is repeated outside of it (`mode="replicate"`). Images `x` of shape (N,
# 784) come in, 28 × 28 pixels row by row, and images of the same shape go out. Do it without a loop over images or
# pixels: `F.pad` puts pixels around images (N, 1, 28, 28), and `F.unfold(images, 3)` lists all windows of 3 × 3.

# %% nbgrader={"grade": false, "grade_id": "median3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def median3(x):
    """Images (N, 784) after a median filter of 3 x 3, borders repeated."""
    ### BEGIN SOLUTION
    images = F.pad(x.reshape(-1, 1, 28, 28), (1, 1, 1, 1), mode="replicate")
    windows = F.unfold(images, 3)  # (N, 9, 784)
    return windows.median(1).values
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "median3-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.median3(median3)

# %%
# Stuck? Type check.median3.hint() on the next line, and run this cell.

# %% [markdown]
# The filter on the three kinds of damage, and on images without any:

# %%
median3_ok = check.use(median3)
to_clean = damaged | {"none": x_test}
table(["damage", "damaged (dB)", "median filter (dB)"],
      [[name, decibels(images), decibels(median3_ok(images))]
       for name, images in to_clean.items()])
ten = {name: images[:10] for name, images in damaged.items()}
rows = {"clean": x_test[:10]}
for name, images in ten.items():
    rows |= {name: images, f"{name}, median": median3_ok(images)}
plots.images(rows, zoom=0.8);

# %% [markdown]
# Salt and pepper vanish nearly everywhere: a few wrong pixels among nine cannot become the fifth in order, whatever
# their value. The specks that are left lie mostly at the border, where repeating counts a wrong pixel two or three
# times. Gaussian noise gets weaker. But masking gets *worse*: a stroke is only a few pixels wide, with holes in it
# black has the majority, and the filter wipes the rest away. A clean image loses, too. The filter knows nothing of
# digits; it knows that neighbours resemble each other.
#
# ## 6 · The loss of the denoising autoencoder
# ★★☆ · 9 minutes
#
# Now a net that has seen digits. The **denoising autoencoder** gets a damaged image and is asked for the clean one,
# $$\mathcal{L}(x) = \lVert g_\theta(f_\phi(\tilde x)) - x \rVert^2, \qquad \tilde x \text{ a damaged } x,$$
# with fresh noise each time. Write this loss in the form that `fit` wants: `loss(model, x, step)` returns a dict with
# one tensor of one number per image, `{"squared error": ...}`, summed over the pixels (`losses.squared_error(x_hat,
# x)` gives it). Damage `x` with `gaussian_ok`, `SIGMA` from above and `step.generator`; always, also while `fit`
# measures held-out images. The model's output is the image itself, as it is: no sigmoid, nothing cut off.

# %% nbgrader={"grade": false, "grade_id": "dae_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dae_loss(model, x, step):
    """The squared error between model(damaged x) and x, one number per image, in a dict."""
    ### BEGIN SOLUTION
    noisy = gaussian_ok(x, SIGMA, step.generator)
    return {"squared error": losses.squared_error(model(noisy), x)}
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "dae_loss-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.dae_loss(dae_loss)

# %%
# Stuck? Type check.dae_loss.hint() on the next line, and run this cell.

# %% [markdown]
# Train two nets of the same form for the same time: one with this loss, one as a plain autoencoder, which sees clean
# images only. Neither has ever seen salt, pepper or masks.

# %%
dae_loss_ok = check.use(dae_loss)


def plain_loss(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


def trained(loss):
    with seeded(0):
        model = Autoencoder([784, 256, 64])
    fit(model, (x,), loss, epochs=8, batch=64, lr=2e-3, one_cycle=True, device="cpu")
    return model


dae, plain = trained(dae_loss_ok), trained(plain_loss)

# %% [markdown]
# Both nets and the filter on all three kinds of damage, and on clean images. The nets' outputs are cut off at 0 and
# 1, as images are.

# %%
@torch.no_grad()
def through(model, images):
    return model(images).clamp(0, 1)


def nothing(images):
    return images


ways = {"left as it is": nothing, "median filter": median3_ok,
        "plain autoencoder": lambda images: through(plain, images),
        "denoising autoencoder": lambda images: through(dae, images)}
rows = [[name, *(decibels(way(images)) for images in to_clean.values())]
        for name, way in ways.items()]
table(["PSNR (dB)", *to_clean], rows)

# %% [markdown]
# On Gaussian noise, the one that it was trained for, the denoising autoencoder beats the filter clearly, and on the
# two that it has never seen as well. What it has learned is less the noise than the digits. The plain autoencoder
# does not do badly, though nobody asked it to clean anything: its narrow code has no room for noise, and on masked
# images the two nets are close. The last column is the price: on a clean image the denoising autoencoder is worse
# than the plain one. It smooths away what might have been noise, and it cannot know that there was none. Who leaves a
# clean image alone gets infinitely many decibels, `inf`.

# %% [markdown]
# A mean hides what single images look like, so look at ten of them.

# %%
for name, images in ten.items():
    cleaned = {way: clean(images) for way, clean in list(ways.items())[1:]}
    plots.images({"clean": x_test[:10], name: images, **cleaned}, zoom=0.7)

# %% [markdown]
# One picture for each damage: clean, damaged, and the three ways of cleaning. The median filter leaves rags: it looks
# at nine pixels at a time. The plain autoencoder answers with a digit in a fog. The denoising autoencoder draws
# closed, smooth strokes, also where the damaged image shows gaps. Where it is unsure the stroke is pale and broad,
# the mean of several digits; and sometimes the pieces that it draws belong to another digit than the one that was
# there.
#
# ## 7 · What the denoiser knows
# ★★★ · 10 minutes
#
# A denoiser moves a noisy point towards where the data are dense. How exact is that? Let $\tilde x = x + \sigma
# \varepsilon$ be data with Gaussian noise that is *not* cut off, and $p_\sigma$ the density of the noisy points. The
# best denoiser under squared error, the mean of all clean points that $\tilde x$ may come from, is exactly
# $$D(\tilde x) = \tilde x + \sigma^2\, \nabla \log p_\sigma(\tilde x)$$
# (Tweedie's formula; Vincent, 2011, showed what it means for the denoising autoencoder). The arrow $\nabla \log
# p_\sigma$ is called the **score**. A function `denoise` comes in, which takes points (B, D) and returns points (B,
# D), noisy points `x_noisy` (B, D), and a number `sigma`. Return the score that this denoiser stands for, (B, D).

# %% nbgrader={"grade": false, "grade_id": "score", "locked": false, "schema_version": 3, "solution": true, "task": false}
def score(denoise, x_noisy, sigma):
    """The score at the noisy points (B, D), read off a denoiser."""
    ### BEGIN SOLUTION
    return (denoise(x_noisy) - x_noisy) / sigma**2
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "score-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.score(score)

# %%
# Stuck? Type check.score.hint() on the next line, and run this cell.

# %% [markdown]
# The formula holds for the best denoiser. Does it hold for a small net that was trained for seconds? Of digits nobody
# knows the density, so take points in the plane whose density is known: three Gaussians of unequal weight. With noise
# of $\sigma = 0.6$ they become three wider Gaussians, and the true score is the slope of their log-density.

# %%
score_ok, noise, width = check.use(score), 0.6, 0.3
centres = torch.tensor([[-2.0, -1.0], [2.0, -1.0], [0.0, 2.0]])


def mixture(spread):
    parts = Independent(Normal(centres, spread * torch.ones(3, 2)), 1)
    return MixtureSameFamily(Categorical(torch.tensor([0.5, 0.3, 0.2])), parts)


smoothed = mixture((width**2 + noise**2) ** 0.5)  # variances add up


def true_score(points):
    points = points.clone().requires_grad_()
    smoothed.log_prob(points).sum().backward()
    return points.grad

# %% [markdown]
# The denoiser sees points only, never this formula: a small net, trained with the same kind of loss, with noise that
# is not cut off and an output that is not bounded.

# %%
def point_loss(model, x, step):
    noisy = x + noise * torch.randn(x.shape, generator=step.generator, device=x.device)
    return {"squared error": losses.squared_error(model(noisy), x)}


with seeded(0):
    points, fresh = mixture(width).sample((4000,)), smoothed.sample((2000,))
    denoiser = mlp([2, 64, 64, 2], nn.Tanh)
fit(denoiser, (points,), point_loss, epochs=40, batch=100, lr=5e-3, one_cycle=True,
    device="cpu");

# %% [markdown]
# How near are the two? The cosine compares their directions, and 1 is the best that it can be; the second number
# compares the arrows with their lengths. Both are means, once over fresh noisy points and once over the whole square.

# %%
axis = torch.linspace(-4, 4, 17)
grid = torch.cartesian_prod(axis, axis)


@torch.no_grad()
def learned_score(z):
    return score_ok(denoiser, z, noise)


rows = []
for name, z in (("noisy points", fresh), ("the whole square", grid)):
    cosine = F.cosine_similarity(learned_score(z), true_score(z)).mean().item()
    rows.append([name, cosine, ((learned_score(z) - true_score(z)).norm(dim=1).mean()
                                / true_score(z).norm(dim=1).mean()).item()])
table(["where", "mean cosine of the two scores", "relative length of their difference"],
      rows)

# %% [markdown]
# The arrows of both, at points of a grid:

# %%
def draw(panel, arrows, colour):
    panel.quiver(*grid.T, *arrows.T, color=colour, angles="xy", width=0.005, scale=90)


figure, panels = plt.subplots(1, 2, figsize=(9, 4.4), sharey=True)
for panel in panels:
    panel.plot(*points[:600].T, ".", color="0.75", markersize=3, rasterized=True)
    panel.set(xlabel="first coordinate", aspect="equal")
draw(panels[0], true_score(grid), plots.BLUE)
draw(panels[1], learned_score(grid), plots.ORANGE)
panels[0].set(title="true score of the noisy points", ylabel="second coordinate")
panels[1].set(title="score read off the denoiser");

# %% [markdown]
# Two fields of arrows, nearly the same: left from the formula, right from the net. Grey are the clean points. All
# arrows point to a cloud, and they are short between the clouds and at their centres, where the density is flat.
# Where there are points the two agree best; far outside, where the net has hardly seen any, it has to guess.
#
# So the field can be followed. Start anywhere and go uphill in small steps:

# %%
z = start = 8 * torch.rand(300, 2, generator=generator) - 4
for _ in range(300):
    z = z + 0.02 * learned_score(z)
named = {"at the start": start, "after 300 steps": z, "clean points of the data": points}
table(["points", "distance to the nearest centre, mean"],
      [[name, torch.cdist(p, centres).amin(1).mean().item()] for name, p in named.items()])
figure, panel = plt.subplots(figsize=(4.8, 4.4))
panel.plot(*torch.stack([start, z]).permute(2, 0, 1), color="0.85", linewidth=0.6, zorder=0)
panel.plot(*start.T, ".", color="0.6", markersize=4, label="start")
panel.plot(*z.T, "o", color=plots.VERMILION, markersize=6, label="after 300 steps")
panel.plot(*centres.T, "k+", markersize=14, label="centres")
panel.set(xlabel="first coordinate", ylabel="second coordinate", aspect="equal")
panel.legend(loc="upper left", fontsize=9);

# %% [markdown]
# Each thin line joins the place where a point starts and the place where it ends. All of them arrive at one of the
# three centres: the denoiser has never been told where they are, nor that there are three. But the points are heaped
# up on the centres, and those of the data are spread around them. Going uphill finds the peaks; to *draw* points like
# the data's, a little fresh noise has to be added at every step. That is the idea behind diffusion models.
#
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** The denoising autoencoder of exercise 6 was trained at one strength of noise. How would you
# clean an image whose noise you do not know: with a net for the strongest noise, with one net for all strengths, or
# with one that is told the strength? Which of them would leave a clean image alone, and how would you measure it?
#
# **Where to go next.** Lesson 05 leaves the image whole and puts the squeeze elsewhere: a code with many units of
# which only a few may be on.
