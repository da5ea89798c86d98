# %% [markdown]
# # Lab 04 · Noise of other kinds, and a denoiser without clean images
#
# At the end of this lab you have trained a network to remove noise although it was never shown a clean image, and
# followed a denoiser in small steps from noise to data.
#
# After this lab you can
#
# - add Gaussian noise of a wanted PSNR, the noise of single photons, and hidden squares;
# - say how many decibels a denoiser gains, and compare it with a median filter;
# - train a denoiser without clean images, and say when this works;
# - go from much noise to little with a denoiser, in steps that need no new noise.
#
# **Before it:** units 04 and 04b. **Time:** about 55 minutes for you, about a minute for the machine.
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

from aecourse import corruption, data, filters, losses, plots
from aecourse.check import lab04 as check
from aecourse.claims import table
from aecourse.models import Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
x, x_test = digits.x_train[:20_000], digits.x_test[:2000]
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
ten = plots.first_of_each(digits.y_test)
some = digits.x_test[ten]
generator = torch.Generator().manual_seed(0)
digits

# %% [markdown]
# ## 1 · How much noise is that?
# ★☆☆ · 5 minutes
#
# Unit 04 measured the PSNR of noisy images. Now go the other way. A tensor `decibels` (B,) of wanted PSNRs comes in;
# they may be negative. Return the standard deviations (B,) of Gaussian noise that give them. The grey levels go from 0
# to 1, the noise is not clipped, and the mean squared error is meant as it is on average.

# %% nbgrader={"grade": false, "grade_id": "sigma_for", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigma_for(decibels):
    """The standard deviation of the noise for each wanted PSNR, shape (B,)."""
    ### BEGIN SOLUTION
    return 10 ** (-decibels / 20)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "sigma_for-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.sigma_for(sigma_for)

# %%
# Stuck? Type check.sigma_for.hint() on the next line, and run this cell.

# %% [markdown]
# Your standard deviations, tried on the test images. The last column clips the noisy images to $[0, 1]$ before they are
# measured.

# %%
sigma_for_ok = check.use(sigma_for)
wanted = torch.tensor([30.0, 20.0, 10.0, 0.0])


def psnr(image, clean):  # (N, 784) and (N, 784) → (N,), not clipped
    return -10 * (image - clean).square().mean(1).log10()


rows = []
for decibels, sigma in zip(wanted.tolist(), sigma_for_ok(wanted).tolist(), strict=True):
    noisy = corruption.gaussian(x_test, sigma, generator)
    clipped = noisy.clamp(0, 1)
    rows.append([decibels, sigma, psnr(noisy, x_test).mean().item(),
                 psnr(clipped, x_test).mean().item()])
table(["wanted (dB)", "σ", "PSNR (dB)", "PSNR, clipped (dB)"], rows)

# %%
plots.images({"clean": some} | {
    f"{d:.0f} dB, σ = {s:.2g}": corruption.gaussian(some, s, generator)
    for d, s in zip(wanted.tolist(), sigma_for_ok(wanted).tolist(), strict=True)});

# %% [markdown]
# The measured PSNRs are the wanted ones. Clipping adds decibels, the more the stronger the noise is. At 20 dB the noise
# is hardly disturbing, at 10 dB every digit can still be read, and at 0 dB most are lost.
#
# ## 2 · The noise of a dark photograph
# ★☆☆ · 7 minutes
#
# A camera counts photons. Let a white pixel get `photons` of them on average, and a pixel of grey level $x$ get
# $x \cdot$ `photons`. The number that arrives in one exposure is random, with a **Poisson distribution**: its variance
# is its mean. Images `x` (B, D), a number `photons` above 0 (not always a whole one) and a `torch.Generator` come in.
# Return the photographs (B, D): the random number of photons of each pixel, divided by `photons`, so that on average
# the image itself comes back. Take all random numbers from `generator`, do not clip, and leave `x` as it is.
# `torch.poisson(means, generator=generator)` gives a Poisson number for each mean in a tensor.

# %% nbgrader={"grade": false, "grade_id": "shot_noise", "locked": false, "schema_version": 3, "solution": true, "task": false}
def shot_noise(x, photons, generator):
    """Photographs (B, D) of the images x, with so many photons for a white pixel."""
    ### BEGIN SOLUTION
    return torch.poisson(x * photons, generator=generator) / photons
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "shot_noise-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.shot_noise(shot_noise)

# %%
# Stuck? Type check.shot_noise.hint() on the next line, and run this cell.

# %% [markdown]
# Photographs with fewer and fewer photons:

# %%
shot_noise_ok = check.use(shot_noise)
plots.images({"clean": some} | {f"photons: {n}": shot_noise_ok(some, n, generator)
                                for n in (100, 10, 3, 1)});

# %% [markdown]
# The background stays black: where no light comes from, there is no noise. The strokes become grainy, and with one
# photon for a white pixel they fall apart. Now measure the variance. Twenty thousand pixels of each grey level, and the
# same with Gaussian noise:

# %%
grey = torch.linspace(0, 1, 11)
pixels = grey.expand(20_000, -1)
figure, axis = plt.subplots(figsize=(6, 3.4))
for n, colour, marker in ((10, plots.BLUE, "o"), (30, plots.VERMILION, "s")):
    variance = (shot_noise_ok(pixels, n, generator) - pixels).var(0)
    axis.plot(grey, variance, marker, color=colour, label=f"{n} photons")
    axis.plot(grey, grey / n, color=colour, linewidth=1)
variance = (corruption.gaussian(pixels, 0.2, generator) - pixels).var(0)
axis.plot(grey, variance, "^", color="black", label="Gaussian, σ = 0.2")
axis.set(xlabel="grey level of the pixel", ylabel="variance of the noise (white = 1)")
axis.legend(frameon=False);

# %% [markdown]
# The points are measured, and each thin line is grey level ÷ photons. The variance of shot noise grows with the grey
# level, that of Gaussian noise does not depend on it.
#
# ## 3 · A hidden square
# ★★☆ · 9 minutes
#
# Noise hits pixels one by one. An object in front of the camera hides a whole piece. Images `x` (B, 784), a whole
# number `side` from 1 to 28 and a generator come in. Return images (B, 784) in which a square of `side` × `side` pixels
# is black, 0, and all others stay as they are. Each image has its square at a random place of its own. The square
# always lies whole inside the 28 × 28 image, and all places at which it does are equally likely. `x` is not changed.

# %% nbgrader={"grade": false, "grade_id": "occlude", "locked": false, "schema_version": 3, "solution": true, "task": false}
def occlude(x, side, generator):
    """Images (B, 784), each with a black square of side x side pixels somewhere."""
    ### BEGIN SOLUTION
    top, left = torch.randint(0, 29 - side, (2, len(x), 1, 1), generator=generator)
    r = torch.arange(28)
    rows = (r[:, None] >= top) & (r[:, None] < top + side)  # (B, 28, 1)
    columns = (r >= left) & (r < left + side)  # (B, 1, 28)
    return x.masked_fill((rows & columns).reshape(len(x), 784), 0)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "occlude-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.occlude(occlude)

# %%
# Stuck? Type check.occlude.hint() on the next line, and run this cell.

# %%
occlude_ok = check.use(occlude)
plots.images({"clean": some} | {f"side {n}": occlude_ok(some, n, generator)
                                for n in (4, 8, 12)});

# %% [markdown]
# On a black background a small square often hides nothing. A larger one takes whole pieces of strokes away, and all
# pixels around a lost one are lost, too.
#
# ## 4 · How many decibels are gained?
# ★★☆ · 7 minutes
#
# What counts is how much better an image has become. The **gain** of a denoiser is the PSNR of the denoised image minus
# that of the noisy one, *both* clipped to $[0, 1]$ first. Clean images `x` with grey levels from 0 to 1, `noisy` ones
# and `denoised` ones come in, all (B, D). Return the gain of each image in dB, (B,). Where only the denoised image has
# no error after clipping, the gain is `inf`; where only the noisy one has none, it is `-inf`. Where both have none,
# nothing is gained: 0.

# %% nbgrader={"grade": false, "grade_id": "gain", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gain(x, noisy, denoised):
    """The decibels gained by denoising, for each image, shape (B,)."""
    ### BEGIN SOLUTION
    before = (noisy.clamp(0, 1) - x).square().mean(-1)
    after = (denoised.clamp(0, 1) - x).square().mean(-1)
    neither = (before == 0) & (after == 0)
    return torch.where(neither, 0.0, 10 * torch.log10(before / after))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "gain-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.gain(gain)

# %%
# Stuck? Type check.gain.hint() on the next line, and run this cell.

# %% [markdown]
# Three corruptions of the test images, and three "denoisers" that do not look at the image: one only clips, one
# answers with a black image, one with the mean training image. A network has to beat them.

# %%
gain_ok = check.use(gain)
SIGMA = 0.5
noisy = {"Gaussian, σ = 0.5": corruption.gaussian(x_test, SIGMA, generator),
         "3 photons": shot_noise_ok(x_test, 3, generator),
         "square, side 10": occlude_ok(x_test, 10, generator)}


def median_gain(images, denoised):  # the median over the test images, in dB
    return gain_ok(x_test, images, denoised).median().item()


blind = {"clip": lambda images: images.clamp(0, 1), "black image": torch.zeros_like,
         "mean image": lambda images: x.mean(0).expand_as(images)}
table(["gain in dB (median)", *noisy],
      [[name, *(median_gain(images, way(images)) for images in noisy.values())]
       for name, way in blind.items()])

# %% [markdown]
# Clipping gains nothing: the gain counts it on both sides. Under strong Gaussian noise even the mean image gains
# decibels, since most of a digit's image is black. So a gain, too, needs a baseline. The table shows the median over the
# images, because a single infinite gain would make the mean infinite.
#
# ## 5 · The baseline: a median filter
# ★★☆ · 10 minutes
#
# Unit 04 took the median filter from SciPy. Write it in PyTorch, where it also runs on a GPU. A **median filter** of
# 3 × 3 replaces each pixel by the median of the nine pixels around it, itself included: the fifth of them in order. At
# the border there are no nine; there the nearest pixel of the image is repeated outside of it (`mode="replicate"`).
# Images `x` of shape (N, 784) come in, 28 × 28 pixels row by row, and images of the same shape go out; a noisy image has
# pixels below 0 and above 1, and they stay so. Do it without a loop over images or pixels: `F.pad` puts pixels around images (N, 1, 28, 28), and `F.unfold(images, 3)` lists all
# windows of 3 × 3.

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

# %%
median3_ok = check.use(median3)
filtered = {name: median3_ok(images) for name, images in noisy.items()}
table(["gain in dB (median)", *noisy, "clean images: PSNR (dB)"],
      [["median filter", *(median_gain(noisy[name], filtered[name]) for name in noisy),
        psnr(median3_ok(x_test), x_test).median().item()]])

# %%
ten_noisy = {name: images[ten[ten < 2000]] for name, images in noisy.items()}
rows = {"clean": x_test[ten[ten < 2000]]}
for name, images in ten_noisy.items():
    rows |= {name: images, f"{name}, filtered": median3_ok(images)}
plots.images(rows, zoom=0.8);

# %% [markdown]
# On Gaussian noise the filter gains several decibels, and clouds remain. Of shot noise it removes little, or makes it
# worse: a thin stroke with dark pixels in it looks like specks to it. A square is far larger than its window, so it stays,
# and the filter only wears the strokes away. A clean image loses, too.
#
# ## 6 · Training without clean images
# ★★☆ · 10 minutes
#
# A denoising autoencoder needs clean images as targets. Under a microscope or in the night sky there are none: every
# photograph is noisy. But often there are *two* photographs of the same thing. Lehtinen and others (2018) showed that
# they are enough (**Noise2Noise**). The network gets one noisy copy, and the target is a **second noisy copy with
# independent noise**:
#
# $$\mathcal{L}(x) = \lVert g_\theta(f_\phi(x + n_1)) - (x + n_2) \rVert^2, \qquad n_1, n_2 \sim \mathcal N(0, \sigma^2 I)
# \text{ independent.}$$
#
# Write this loss for `fit`: `loss(model, x, step)` returns a dict with one tensor of one number per image, `{"squared
# error": ...}`, summed over the pixels (`losses.squared_error(x_hat, target)` gives it). Make both copies with
# `corruption.gaussian`, `SIGMA` from above and `step.generator`, new at every call, also while `fit` measures validation
# images. Nothing is clipped, and the model's output is the image itself: no sigmoid.

# %% nbgrader={"grade": false, "grade_id": "noise2noise_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def noise2noise_loss(model, x, step):
    """The squared error between model(one noisy copy) and another noisy copy, in a dict."""
    ### BEGIN SOLUTION
    first = corruption.gaussian(x, SIGMA, step.generator)
    second = corruption.gaussian(x, SIGMA, step.generator)
    return {"squared error": losses.squared_error(model(first), second)}
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "noise2noise_loss-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.noise2noise_loss(noise2noise_loss)

# %%
# Stuck? Type check.noise2noise_loss.hint() on the next line, and run this cell.

# %% [markdown]
# Train three networks of unit 04, 784-512-128 with a sigmoid at their end. They have the same initialisation and take
# the same number of steps. One has your loss, one has clean targets as in unit 04, and one is an ordinary autoencoder,
# which sees clean images only.

# %%
noise2noise_loss_ok = check.use(noise2noise_loss)
clean_targets = corruption.denoising(lambda x, noise: corruption.gaussian(x, SIGMA, noise))
ordinary = corruption.denoising(lambda x, noise: x)


def trained(loss, images=x, epochs=4 * more):
    with seeded(0):
        autoencoder = he(Autoencoder([784, 512, 128], nn.SiLU), images)
    model = nn.Sequential(autoencoder, nn.Sigmoid())
    fit(model, (images,), loss, epochs=epochs, batch=128, lr=4e-3, one_cycle=True,
        device="cpu")
    return model


networks = {"ordinary autoencoder": trained(ordinary),
            "clean targets": trained(clean_targets),
            "noisy targets": trained(noise2noise_loss_ok)}

# %%
def answers(images):  # method → its output
    with torch.no_grad():
        return {"median filter": median3_ok(images),
                "Gaussian filter": filters.gaussian(images, 1.0)} | {
                    name: network(images) for name, network in networks.items()}


found = {kind: answers(images) for kind, images in noisy.items()}
name = "Gaussian, σ = 0.5"
table(["gain in dB (median)", *noisy],
      [[way, *(median_gain(noisy[kind], found[kind][way]) for kind in noisy)]
       for way in found[name]])

# %% [markdown]
# The Gaussian filter has the width 1, its best one for this noise in unit 04. Look at the first column, the noise of
# the training. The network with noisy targets was never compared with a clean image. It comes close to the network with
# clean targets, and both are clearly ahead of the filters. The ordinary autoencoder has only its bottleneck, which cannot
# hold all of the noise. It removes some, less than the better filter and far less than the two denoisers. The other two
# columns are corruptions that no network saw in training.

# %%
plots.images({"clean": rows["clean"], "noisy": ten_noisy[name]}
             | answers(ten_noisy[name]), zoom=0.8);

# %% [markdown]
# In the last two rows both networks give dark backgrounds and connected strokes. The
# ordinary autoencoder gives torn strokes and specks, the filters give clouds.
#
# Why does it work? The target's noise cannot be foreseen from the input, and it is 0 on average. So the expected loss is
# that with clean targets plus the variance of the target's noise, $784\, \sigma^2$, which no network can change. Compute
# both losses of both networks on test images:

# %%
@torch.no_grad()
def squared_errors(way):
    first, second = (corruption.gaussian(x_test, SIGMA, generator) for _ in range(2))
    return [losses.squared_error(networks[way](first), target).mean().item()
            for target in (x_test, second)]


table(["trained with", "error to clean", "error to noisy", "difference"],
      [[way, clean, far, far - clean] for way in ("clean targets", "noisy targets")
       for clean, far in [squared_errors(way)]]
      + [["784 σ²", None, None, 784 * SIGMA**2]])

# %% [markdown]
# For both networks the difference is close to $784\, \sigma^2$. Still, noise in the targets makes each training step less
# exact. What does this cost, and does it depend on the number of images? All networks of the next picture take 192
# steps.

# %%
sizes, images = (128, 512, 2048, 8192), noisy[name]
losses_of = {"clean targets": clean_targets, "noisy targets": noise2noise_loss_ok}
gains = {way: [] for way in losses_of}
for n in sizes:
    for way, loss in losses_of.items():
        model = trained(loss, x[:n], epochs=24_576 // n)
        with torch.no_grad():
            gains[way].append(median_gain(images, model(images)))

# %%
figure, axis = plt.subplots(figsize=(6, 3.4))
for way, colour, style in (("clean targets", plots.BLUE, "o-"),
                           ("noisy targets", plots.VERMILION, "s--")):
    axis.semilogx(sizes, gains[way], style, color=colour, label=way)
axis.axhline(median_gain(images, found[name]["Gaussian filter"]), color="black",
             linestyle=":", label="Gaussian filter")
axis.set(xlabel="training images", ylabel="gain at σ = 0.5 (dB)", ylim=(0, None))
axis.set_xticks(sizes, sizes)
axis.minorticks_off()
axis.legend(frameon=False);

# %% [markdown]
# With 128 images both ways of training stay below the filter and differ little: so few digits are not enough, whatever
# the targets are. With more digits both pass the filter, and noisy targets cost some tenths of a decibel. Our copies have
# new noise in every epoch. In practice each object has only its two photographs, so their noise can be memorised.
#
# ## 7 · From much noise to less
# ★★★ · 10 minutes
#
# A denoiser can be followed by adding noise and removing it, again and again (unit 04ba). There is a way without new
# noise. Let points $\tilde x$ have noise of standard deviation $\sigma$, and let the denoiser answer $\hat x$. It takes
# $\tilde x - \hat x$ for the noise. Keep only so much of this noise, in the same direction, that its standard deviation is
# $\sigma_\text{next} < \sigma$.
#
# A function `denoise` comes in, which takes points (B, D) and the standard deviation of their noise, `denoise(x_noisy,
# sigma)`, and returns points (B, D); then noisy points `x_noisy` (B, D), and two numbers, `sigma` above 0 and
# `sigma_next` from 0 to `sigma`. Return the points (B, D) with less noise. For `sigma_next = 0` no noise remains.

# %% nbgrader={"grade": false, "grade_id": "step_down", "locked": false, "schema_version": 3, "solution": true, "task": false}
def step_down(denoise, x_noisy, sigma, sigma_next):
    """The points (B, D) after one step from noise sigma to noise sigma_next."""
    ### BEGIN SOLUTION
    x_hat = denoise(x_noisy, sigma)
    return x_hat + sigma_next / sigma * (x_noisy - x_hat)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "step_down-check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.step_down(step_down)

# %%
# Stuck? Type check.step_down.hint() on the next line, and run this cell.

# %% [markdown]
# Try it on points in the plane whose distribution is known: three Gaussians with standard deviation 0.3 and unequal
# weights. Bayes' rule gives the best denoiser, as in unit 04b. It first computes how probable each centre is, given the
# noisy point. Within one Gaussian the answer lies between the point and the centre, and the closer to the centre the
# stronger the noise is.

# %%
step_down_ok, width = check.use(step_down), 0.3
centres = torch.tensor([[-2.0, -1.0], [2.0, -1.0], [0.0, 2.0]])
weights = torch.tensor([0.5, 0.3, 0.2])


def best_denoiser(z, sigma):  # (N, 2) → (N, 2)
    variance = width**2 + sigma**2
    squares = (z[:, None] - centres).square().sum(-1)  # (N, 3)
    probable = torch.softmax(weights.log() - squares / (2 * variance), 1)  # (N, 3)
    answers = (width**2 * z[:, None] + sigma**2 * centres) / variance  # (N, 3, 2)
    return (probable[..., None] * answers).sum(1)

# %% [markdown]
# Begin with noise alone, $\sigma = 8$, and go down to 0 in 1, 5 or 40 steps. The standard deviations fall by the same
# factor in each step, to 0.05; the last step goes to 0.

# %%
def walk(z, steps):
    sigmas = [*(8 * (0.05 / 8) ** (i / max(1, steps - 1)) for i in range(steps)), 0.0]
    path = [z]
    for i in range(steps):
        path.append(step_down_ok(best_denoiser, path[-1], sigmas[i], sigmas[i + 1]))
    return torch.stack(path)  # (steps + 1, N, 2)


start = 8 * torch.randn(1000, 2, generator=generator)
paths = {steps: walk(start, steps) for steps in (1, 5, 40)}
chosen = torch.multinomial(weights, 1000, replacement=True, generator=generator)
points = corruption.gaussian(centres[chosen], width, generator)

# %%
rows = []
ends = {f"steps: {steps}": path[-1] for steps, path in paths.items()}
for label, z in (ends | {"data": points}).items():
    distance, nearest = torch.cdist(z, centres).min(1)
    rows.append([label, distance.square().mean().div(2).sqrt().item(),
                 *(torch.bincount(nearest, minlength=3) / 10).tolist()])
table(["points", "standard deviation around the nearest centre", "left (%)", "right (%)",
       "top (%)"], rows)

# %%
figure, panels = plt.subplots(1, 3, figsize=(11, 3.9))
panels[0].plot(*paths[40][:, :60].permute(2, 0, 1), color="0.6", linewidth=0.8)
panels[0].plot(*start[:60].T, ".", color="black", markersize=4, label="start")
panels[0].plot(*paths[40][-1, :60].T, "o", color=plots.VERMILION, markersize=4, label="end")
panels[0].legend(loc="lower left", fontsize=9)
for panel, steps in zip(panels[1:], (40, 1), strict=True):
    panel.plot(*points[:1000].T, ".", color=plots.SKY, markersize=4, label="data")
    panel.plot(*paths[steps][-1].T, ".", color=plots.VERMILION, markersize=2,
               label="from noise")
    panel.legend(loc="lower left", fontsize=9)
    panel.set(title=f"steps: {steps}", xlim=(-3.5, 3.5), ylim=(-3.5, 3.5))
panels[0].set(title="60 paths of 40 steps", ylabel="x₂")
for panel in panels:
    panel.set(xlabel="x₁", aspect="equal")

# %% [markdown]
# On the left each grey line leads from a start (black) to an end (orange). The start lies far outside, the paths are
# smooth, and they end in the three groups. In the middle the orange points after 40 steps lie on the data (blue), and in
# the table the standard deviation and the shares come close to the data's. On the right is the answer after one step: a
# denoiser that sees only noise gives nearly the mean of all data, so the points lie between the groups. So generating
# needs many steps, since each denoised point is a mean over all data that the noisy point may come from. Diffusion
# models (lesson 10) do this with images.
#
# ## Where you stand

# %%
check.summary()

# %% [markdown]
# **An open question.** Noise2Noise needs two photographs of the same thing. What could you do with only one of each? And
# for which corruption of this lab would noisy targets teach the network something wrong, because the corrupted image is
# not the clean one on average?
#
# **Where to go next.** Lesson 05 leaves the image whole and restricts the code in another way: it has many units, of
# which only a few may be active.
#
# ### Papers
# - J. Lehtinen, J. Munkberg, J. Hasselgren, S. Laine, T. Karras, M. Aittala, T. Aila (2018). *Noise2Noise: learning
#   image restoration without clean data.* ICML, 2965–2974.
# - J. Song, C. Meng, S. Ermon (2021). *Denoising diffusion implicit models.* ICLR.
