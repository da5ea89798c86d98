# %% [markdown]
# # 04 · Denoising
#
# **Promise.** You will train networks to take damage out of images, compare them with the best classic filters, find
# out when they do harm instead, and see what they learned on the way: in which direction the data lie. That is enough
# to draw new digits out of noise.
#
# **After this lesson you can**
# 1. damage images in three ways, afresh in every batch, and write the loss of a denoising autoencoder;
# 2. compare denoisers fairly: the same damage, each with its best setting, in PSNR and in SSIM;
# 3. say for which damage a trained denoiser works, and where it makes things worse;
# 4. read the score $\nabla \log p$ off a denoiser, and check it against the truth;
# 5. walk from noise to digits, and say what such a walk gets wrong.
#
# **Before it:** lessons 02 and 03; the gradient of a function of two variables.
# **Time:** about 55 minutes to read; all cells together run in less than 120 seconds on two cores. Four questions ask
# for your prediction.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from scipy.ndimage import gaussian_filter, median_filter
from skimage.metrics import structural_similarity
from skimage.restoration import denoise_tv_chambolle
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional as F

# %%
from aecourse import data, losses, metrics, plots, widgets
from aecourse.claims import Claims, say, score, table
from aecourse.models import Autoencoder, he, mlp
from aecourse.realism import Judge
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)
digits

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, x_test, y_test = digits.x_train[valid][:100], digits.x_test[:1000], digits.y_test
more = 3 if digits.name == "strokes" else 1  # a third of the images: three times the epochs
ten = plots.first_of_each(y_test[:1000])

# %% [markdown]
# (In this lesson 100 validation images choose every filter's setting, and the first 1,000 test images measure, the
# first 300 where SSIM is asked for: some filters work on one image at a time and would take minutes for more.)
#
# ## 1 · Three ways to damage an image
#
# An autoencoder whose code is as wide as its input can copy, and learns nothing (lesson 02). A narrow code is one way
# out. Here is another: **damage the input and ask for the undamaged image**. Copying is then no longer the answer,
# whatever the width. Vincent and others (2008) called this a **denoising autoencoder**.
#
# Let $x$ be the clean image and $\tilde x$ the damaged one. Three kinds of damage are in common use:

# %%
def gaussian(x, sigma, generator):
    """Add noise of standard deviation sigma to every pixel; the result is not clipped."""
    return x + sigma * torch.randn(x.shape, generator=generator, device=x.device)


def masking(x, share, generator):
    """Set a share of the pixels, drawn at random, to black."""
    return x * (torch.rand(x.shape, generator=generator, device=x.device) >= share)


def salt_and_pepper(x, share, generator):
    """Set a share of the pixels, drawn at random, to black or white, with equal chance."""
    u = torch.rand(x.shape, generator=generator, device=x.device)
    return torch.where(u < share / 2, 0.0, torch.where(u > 1 - share / 2, 1.0, x))

# %% [markdown]
# Each function draws **new** noise at every call, from a generator that it is given. That is no detail: with noise
# drawn once and for all, a network sees each image in one damaged version only and can learn the noise by heart.

# %%
def damaged(images, seed=1):
    """The same images under the two kinds of damage of this lesson's tables."""
    generator = torch.Generator().manual_seed(seed)
    return {"Gaussian, σ = 0.5": gaussian(images, 0.5, generator),
            "salt and pepper, 25 %": salt_and_pepper(images, 0.25, generator)}


generator = torch.Generator().manual_seed(0)
plots.images({"clean": x_test[ten],
              **{name: noisy[ten] for name, noisy in damaged(x_test).items()},
              "masking, 50 %": masking(x_test[ten], 0.5, generator)});

# %% [markdown]
# The second row has lost its greys: the picture shows values below 0 as black and above 1 as white, and so do we
# whenever an image is *measured*. But a network or a filter may see the noise unclipped. You can still read most of
# these digits. So the information is there, and the question is who gets it out.
#
# ### Two measures
#
# **PSNR** (peak signal-to-noise ratio) is the mean squared error per *pixel* on a logarithmic scale, in decibels,
# with white = 1 as the peak: $-10 \log_{10} \frac{1}{D} \lVert \hat x - x \rVert^2$ for an image of $D$ pixels. Ten
# decibels more mean a tenth of the error; three mean about half. **SSIM** (structural similarity; Wang and others
# 2004) compares small windows: do their means, contrasts and patterns agree? It is 1 for equal images and about 0 for
# unrelated ones.

# %%
def psnr(x_hat, x):
    """Peak signal-to-noise ratio of each image, clipped to [0, 1], in dB, shape (N,)."""
    return -10 * (x_hat.clamp(0, 1) - x).square().mean(1).log10()


def ssim(x_hat, x):
    """Mean structural similarity of images (N, 784)."""
    stacks = (t.clamp(0, 1).numpy().reshape(-1, 28, 28) for t in (x_hat, x))
    return structural_similarity(*stacks, data_range=1, channel_axis=0)


def judged(x_hat):
    clean = x_test[:len(x_hat)]
    return [psnr(x_hat, clean).mean().item(), ssim(x_hat[:300], clean[:300])]

# %%
noisy = damaged(x_test)["Gaussian, σ = 0.5"]
unclipped = -10 * (noisy - x_test).square().mean(1).log10().mean().item()
claim("noise", "PSNR of images with Gaussian noise, σ = 0.5, not clipped", unclipped, "dB",
      near=-20 * np.log10(0.5), within=0.05,
      baseline=f"clipped to [0, 1] {psnr(noisy, x_test).mean():.2f}; −20 log₁₀ 0.5 = 6.02")

# %% [markdown]
# Mind the clipping when you compare figures: most pixels of a digit are black, and clipping alone removes half of
# their noise. So the same image has two PSNRs, some decibels apart. A table that clips the output of its own method
# and not that of the others flatters itself. We clip every result.
#
# ## 2 · The classics, each at its best
#
# An honest comparison gives the other side its best settings. Five methods that need no network:
#
# - the **median filter** replaces each pixel by the median of its neighbourhood, the **Gaussian filter** by a
#   weighted mean;
# - **total variation** (Rudin, Osher and Fatemi 1992) looks for an image near the noisy one with short outlines;
# - **PCA** keeps the first components of lesson 03 and drops the rest;
# - the **best linear map**: of all matrices $W$ and vectors $b$ the ones for which $W \tilde x + b$ has the smallest
#   squared error. That is a denoising autoencoder without any nonlinearity, trained to the end; a formula finds it.
#
# And a sixth, which learns nothing and remembers all: the **mean of the training images**, each with a weight that
# falls with its distance from the noisy image, $w_i \propto \exp(-\lVert \tilde x - x_i \rVert^2 / 2 s^2)$.

# %%
def flat(function):
    """Let a filter of image stacks work on tensors (N, 784)."""
    def filtered(noisy, setting):
        stack = noisy.numpy().reshape(-1, 28, 28)
        return torch.from_numpy(function(stack, setting)).float().reshape(-1, 784)
    return filtered


filters = {
    "median filter": (flat(lambda a, s: median_filter(a, (1, s, s))), (2, 3, 4, 5)),
    "Gaussian filter": (flat(lambda a, s: gaussian_filter(a, (0, s, s))),
                        (0.3, 0.4, 0.6, 0.8, 1.0, 1.2)),
    "total variation": (flat(lambda a, w: denoise_tv_chambolle(
        a, weight=w, max_num_iter=50, channel_axis=0)), (0.05, 0.1, 0.2, 0.3, 0.4, 0.6))}

# %%
mean_image = x.mean(0)
components = torch.linalg.eigh((x - mean_image).T @ (x - mean_image)).eigenvectors.flip(1)


def pca(noisy, k):
    return (noisy - mean_image) @ components[:, :k] @ components[:, :k].T + mean_image


def remember(noisy, s):
    weights = torch.softmax(-torch.cdist(noisy, x).square() / (2 * s * s), 1)
    return weights @ x


def best_linear(name):
    """The least-squares map from damaged to clean training images, as a function."""
    clean = x[:20_000]
    noisy, goal = damaged(clean, seed=2)[name], clean.mean(0)
    start = noisy.mean(0)
    spread = (noisy - start).T @ (noisy - start)
    W = torch.linalg.solve(spread, (noisy - start).T @ (clean - goal))
    return lambda images, _: (images - start) @ W + goal

# %%
def at_its_best(method, settings, noisy):
    """The setting with the highest PSNR on damaged validation images."""
    clean = x_val[:len(noisy)]
    return max(settings, key=lambda s: psnr(method(noisy, s), clean).mean().item())


filters |= {"PCA": (pca, (10, 20, 30, 40, 60, 80, 120)),
            "mean of training images": (remember, (0.7, 1.0, 1.4, 2.0))}
found, pictures = {}, {}
for name, noisy_val in damaged(x_val, seed=3).items():
    noisy = damaged(x_test)[name]
    found["nothing", name], pictures["nothing", name] = (None, *judged(noisy)), noisy
    linear = {"best linear map": (best_linear(name), (None,))}
    for method, (function, settings) in {**filters, **linear}.items():
        setting = at_its_best(function, settings, noisy_val)
        pictures[method, name] = function(noisy, setting)
        found[method, name] = (setting, *judged(pictures[method, name]))

# %% [markdown]
# **Predict.** The claim above says how many decibels the images have under Gaussian noise, before and after clipping.
# How many will the best of these six methods reach? And a denoising autoencoder with dense layers?

# %%
prediction_classic, prediction_dae = None, None

# %%
def show_found(methods):
    rows = []
    for method in methods:
        row = [method]
        for name in damaged(x_test[:1]):
            setting, decibels, similarity = found[method, name]
            row += [setting, decibels, similarity]
        rows.append(row)
    table(["method", "setting, σ = 0.5", "PSNR (dB)", "SSIM", "setting, 25 %", "PSNR (dB)",
           "SSIM"], rows)


show_found(["nothing", *filters, "best linear map"])

# %%
g, sp = damaged(x_test[:1])  # the names of the two kinds of damage
general = ("median filter", "Gaussian filter", "total variation")
about_digits = ("PCA", "mean of training images", "best linear map")
first = {d: max(general, key=lambda m: found[m, d][1]) for d in (g, sp)}
lead = min(found[m, g][1] for m in about_digits) - found[first[g], g][1]
say(f"Of the three filters, the {first[sp]} leads under salt and pepper, the {first[g]} "
    f"under Gaussian noise. There {'all' if lead > 0 else 'not all'} three methods that "
    "know about digits do better than it.")

# %%
rank = [sorted((*general, *about_digits), key=lambda m: -found[m, sp][i])
        .index("median filter") + 1 for i in (1, 2)]
say(f"Under salt and pepper the median filter is number {rank[0]} of six by PSNR and "
    f"number {rank[1]} by SSIM.")

# %% [markdown]
# Each kind of damage has its filter: the median takes out single wrong pixels and leaves edges sharp; under Gaussian
# noise a mean is the better guess. PCA, the linear map and the memory know about *digits*, the filters about images
# in general. The two measures do not agree on everything. The median filter's output is sharp and its background
# black; that some strokes are broken counts less for SSIM.
#
# ## 3 · The denoising autoencoder
#
# Its loss is that of lesson 02 with one change: **the network sees $\tilde x$, the target is $x$**. `fit` hands every
# loss a generator, so the noise is new in each step.

# %%
def denoising(damage):
    """A loss for fit: squared error between the drawing from damage and the clean image."""
    def loss(model, x, step):
        drawn = torch.sigmoid(model(damage(x, step.generator)))
        return {"squared error": losses.squared_error(drawn, x)}
    return loss


def dense(widths=(784, 512, 128), seed=0):
    with seeded(seed):
        return he(Autoencoder(widths, nn.SiLU), x)


@torch.no_grad()
def denoise(model, noisy):
    return torch.sigmoid(model(noisy))

# %% [markdown]
# Which network? The dense one, with the first weights (`he`) and the SiLU units of lesson 03, has no idea that pixels
# have neighbours. A **convolution** has: it applies the same small set of weights, here of 3 × 3 pixels, at every
# place of the image, so what it learns about a stroke in one corner holds in all others. The network below first
# folds each square of 2 × 2 pixels into one place with four values, convolves, halves the resolution again, lets a
# dense layer look at the whole, and goes back. Two sums (`+`) hand what was there before to what comes after. Such
# *skip connections* would let a plain autoencoder copy; a denoising one may have them, because copying is wrong.

# %%
class Convolutional(nn.Module):
    def __init__(self, c=16, d=32, width=128):
        super().__init__()
        self.fine = nn.Conv2d(4, c, 3, padding=1)  # at 14 × 14 places
        self.coarse = nn.Conv2d(c, d, 3, stride=2, padding=1)  # at 7 × 7 places
        self.whole = nn.Sequential(nn.Flatten(), nn.Linear(49 * d, width), nn.SiLU(),
                                   nn.Linear(width, 49 * d), nn.Unflatten(1, (d, 7, 7)))
        self.up = nn.ConvTranspose2d(d, c, 4, stride=2, padding=1)
        self.last = nn.Conv2d(c, 4, 3, padding=1)

    def forward(self, x):
        fine = F.silu(self.fine(F.pixel_unshuffle(x.view(-1, 1, 28, 28), 2)))
        coarse = F.silu(self.coarse(fine))
        coarse = F.silu(coarse + self.whole(coarse))
        fine = F.silu(fine + self.up(coarse))
        return F.pixel_shuffle(self.last(fine), 2).flatten(1)

# %% [markdown]
# The dense networks are trained for *one* damage each, on at most 40,000 images. The convolutional one gets at most
# 45,000 and *every* damage: half of each batch Gaussian noise with any σ from 0 to 1, the other half salt and pepper
# with any share up to one half. It is told neither kind nor amount. And because every autoencoder may take out some
# noise (it draws only what its code can hold), an ordinary one, trained on clean images for as long as the others,
# runs along as a baseline.

# %%
def any_damage(x, generator):
    half = len(x) // 2
    amount = torch.rand(len(x), 1, generator=generator, device=x.device)
    return torch.cat([gaussian(x[:half], amount[:half], generator),
                      salt_and_pepper(x[half:], amount[half:] / 2, generator)])


damages = {"dense, for σ = 0.5": lambda x, g: gaussian(x, 0.5, g),
           "dense, for 25 %": lambda x, g: salt_and_pepper(x, 0.25, g),
           "dense, clean images only": lambda x, g: x}
nets = {name: dense() for name in damages}
seconds = {}
for name, net in nets.items():
    history = fit(net, (x[:40_000],), denoising(damages[name]), epochs=3 * more, batch=128,
                  lr=4e-3, one_cycle=True)
    seconds[name] = round(history.seconds)

# %%
with seeded(0):
    conv = Convolutional()
history = fit(conv, (x[:45_000],), denoising(any_damage), epochs=2 * more, batch=64,
              lr=4e-3, one_cycle=True)
nets["convolutional, any damage"] = conv

# %%
for name, noisy in damaged(x_test).items():
    for method, net in nets.items():
        pictures[method, name] = denoise(net, noisy)
        found[method, name] = (None, *judged(pictures[method, name]))
show_found(["best linear map", "mean of training images", *nets])

# %%
some = ten[[2, 3, 4, 5, 7, 8, 9]]
rows = {"clean": x_test[some]}
for method in ("nothing", "median filter", "total variation", "best linear map",
               "mean of training images", "dense, for σ = 0.5",
               "convolutional, any damage"):
    rows[method] = pictures[method, "Gaussian, σ = 0.5"][some]
plots.images(rows, zoom=0.8);

# %% [markdown]
# From top to bottom: the filters leave clouds where the noise was, since they know nothing of digits. The linear map
# draws grey ghosts. The mean of training images is clean, and it may be *another* digit: it can only draw what it has
# seen. The networks draw clean strokes that follow the image at hand. Look closely at the last two rows: where the
# noise hid a stroke's end, they invent one. What they draw is likely, not true.

# %%
best_classic = max(found[m, g][1] for m in [*filters, "best linear map"])
conv_g, conv_sp = (found["convolutional, any damage", name][1] for name in (g, sp))
dense_g, dense_sp = found["dense, for σ = 0.5", g][1], found["dense, for 25 %", sp][1]
clean_g = found["dense, clean images only", g][1]
claim("dense", "PSNR of the dense denoiser, Gaussian σ = 0.5", dense_g, "dB",
      at_least=best_classic + 0.3, baseline=f"best of the six {best_classic:.1f}, trained "
      f"on clean images {clean_g:.1f}, nothing done {found['nothing', g][1]:.1f}")
claim("convolutional", "PSNR of the convolutional denoiser, Gaussian σ = 0.5", conv_g, "dB",
      at_least=dense_g + 0.2, baseline=f"dense {dense_g:.1f}; {history.seconds:.0f} s of "
      "training for all damages together")
claim("salt and pepper", "PSNR of the convolutional denoiser, salt and pepper 25 %",
      conv_sp, "dB", at_least=dense_sp + 0.2, baseline=f"dense {dense_sp:.1f}, median "
      f"{found['median filter', sp][1]:.1f}, nothing done {found['nothing', sp][1]:.1f}")
claim("clean autoencoder", "PSNR of the autoencoder trained on clean images, σ = 0.5",
      clean_g, "dB", at_most=dense_g - 1.5)

# %% [markdown]
# One convolutional network that knows neither kind nor amount of the damage beats the dense ones that were each
# trained for exactly this. And the bottleneck alone is a poor denoiser: the autoencoder trained on clean images, the
# same network with the same effort, is far behind. It has learned to draw digits, but not to find them in noise.
#
# ### A failure study: a black image, by the loss
#
# A widespread way to write this network ends in a sigmoid and takes the squared error, as we did above, often with a
# high learning rate. Take a small network, a high rate, and three seeds. Beside it: the same network, rate and seeds,
# with the cross-entropy of lesson 02 on the logits.

# %%
def cross_entropy(model, x, step):
    drawn = model(gaussian(x, 0.5, step.generator))
    return {"cross-entropy": losses.bernoulli_nll(drawn, x)}


def small_and_fast(loss, seed):
    with seeded(seed):
        model = Autoencoder([784, 128], nn.ReLU)
    fit(model, (x[:10_000],), loss, epochs=2, batch=128, lr=3e-2, seed=seed)
    return denoise(model, damaged(x_test)[g])


squared = denoising(damages["dense, for σ = 0.5"])
fates = {name: [small_and_fast(loss, seed) for seed in range(3)]
         for name, loss in (("squared error", squared), ("cross-entropy", cross_entropy))}
decibels = {name: [psnr(f, x_test).mean().item() for f in drawn]
            for name, drawn in fates.items()}
black = psnr(torch.zeros_like(x_test), x_test).mean().item()

# %%
claim("collapse", "PSNR after squared error through a sigmoid at a high rate",
      np.mean(decibels["squared error"]), "dB", seeds=3, at_most=black + 0.5,
      spread=np.std(decibels["squared error"], ddof=1),
      baseline=f"a black image {black:.2f}")
claim("mended", "PSNR after cross-entropy, all else equal",
      np.mean(decibels["cross-entropy"]), "dB", seeds=3, at_least=black + 3,
      spread=np.std(decibels["cross-entropy"], ddof=1))
plots.images({name: drawn[0][some] for name, drawn in fates.items()}, zoom=0.7);

# %% [markdown]
# Upper row: the same picture for every image, black but for a few specks, and so in every run. Four of five pixels of
# a digit are black, so the first large steps push all outputs towards 0. There the sigmoid is flat: lesson 02 derived
# its gradient under half the squared error, $(\hat x - x)\,\hat x (1 - \hat x)$ (there $p$ and $t$ stand for $\hat x$
# and $x$), and the factor $\hat x (1 - \hat x)$ is nearly 0 for a confident black, *also where the pixel should be
# white*. The network cannot come back. The cross-entropy's gradient is $\hat x - x$: the worse the error, the larger
# the push. The lower row shows digits. (Why did we dare to use squared error above? It is what PSNR measures, and
# with a moderate rate, first weights that start at the mean image and a falling rate it does not collapse. The loss
# curve would have told: look at it.)
#
# ## 4 · How the best guess changes with the noise
#
# What should a network answer when it cannot know? The squared error is smallest on average for the **posterior
# mean** $\mathbb E[x \mid \tilde x]$: the mean of all clean images that could lie behind $\tilde x$, each with its
# probability. With little noise one image is likely, and the mean is sharp. With much noise many are, and their mean
# is a blur. The grey lower halves of lesson 01 were such means. (The first 200 test images; the filters' settings are
# chosen anew for each σ, on 50 validation images.)

# %%
levels = (0.1, 0.25, 0.5, 1.0)
generator = torch.Generator().manual_seed(4)
test_at = {s: gaussian(x_test[:200], s, generator) for s in levels}
val_at = {s: gaussian(x_val[:50], s, generator) for s in levels}
by_level = {"nothing": [judged(test_at[s]) for s in levels]}
for method, (function, settings) in filters.items():
    chosen = {s: at_its_best(function, settings, val_at[s]) for s in levels}
    by_level[method] = [judged(function(test_at[s], chosen[s])) for s in levels]
by_level["convolutional"] = [judged(denoise(conv, test_at[s])) for s in levels]

# %%
figure, axes = plt.subplots(1, 2, figsize=(10.5, 3.6))
markers = ["x--", "s-", "^-", "v-", "P-", "D-", "o-"]
colours = [plots.SKY, plots.ORANGE, plots.GREEN, plots.PURPLE, plots.YELLOW, "black",
           plots.BLUE]
for (method, values), marker, colour in zip(by_level.items(), markers, colours):
    for axis, column in zip(axes, np.array(values).T, strict=True):
        axis.plot(levels, column, marker, label=method, color=colour, markersize=5)
axes[0].set(xlabel="σ of the noise (white = 1)", ylabel="PSNR (dB)")
axes[1].set(xlabel="σ of the noise (white = 1)", ylabel="SSIM", ylim=(0, 1))
axes[0].legend(frameon=False, fontsize=9);

# %%
four = torch.cat([test_at[s][ten[4:5]] for s in levels])
rows = {"noisy": four, "convolutional": denoise(conv, four),
        "clean": x_test[ten[4:5]].expand(len(levels), -1)}
plots.images(rows, columns=[f"σ = {s:g}" for s in levels], zoom=1.1);

# %% [markdown]
# Upper picture: the network (blue circles) leads in the middle, with one set of weights, while each of the others was
# given its best setting anew at each level. At the left end total variation overtakes it by PSNR: where nearly
# everything is visible, little needs to be guessed. At the right end the *memory* does (black), which falls behind
# wherever details can be seen, because it can draw only what it has seen. Under heavy noise details are lost anyway,
# a mean of the training images is close to the best possible answer, and our network, briefly trained, is not yet.
# Lower picture: from left to right the drawing gets softer, and under the heaviest noise parts of other digits shine
# through. The softness is not a lack of training: it is the answer that the squared error asks for.

# %%
gain = {s: net[0] - nothing[0] for s, net, nothing
        in zip(levels, by_level["convolutional"], by_level["nothing"], strict=True)}
claim("gain", "Decibels gained by the convolutional denoiser at σ = 1", gain[1.0], "dB",
      at_least=6, baseline=f"at σ = 0.1 {gain[0.1]:.1f}")
lead = [net[0] - max(v[i][0] for m, v in by_level.items() if m != "convolutional")
        for i, net in enumerate(by_level["convolutional"])]
claim("in the middle", "Its lead over the best other method, smaller of σ = 0.25 and 0.5",
      min(lead[1:3]), "dB", at_least=0.5)
claim("heavy noise", "The memory's lead over it at σ = 1",
      by_level["mean of training images"][3][0] - by_level["convolutional"][3][0], "dB",
      at_least=0, holds_on=("mnist",))

# %% [markdown]
# ### Move it yourself
#
# The slider works when this page runs in JupyterLab (run the cells above first). Beside the noisy image it shows
# total variation, with the setting that was best for σ = 0.5, and the network. Where do *you* stop to read the digit,
# and where does the network?

# %%
def compare(sigma):
    generator = torch.Generator().manual_seed(5)
    noisy = gaussian(x_test[ten], sigma, generator)
    setting = found["total variation", g][0]
    return plots.images({"noisy": noisy, "total variation":
                         filters["total variation"][0](noisy, setting),
                         "convolutional": denoise(conv, noisy)}, zoom=0.8)


widgets.sliders(compare, {"σ": ([i / 10 for i in range(16)], 0.7)})

# %% [markdown]
# The static picture shows σ = 0.7: in most columns the network still draws the digit that was there, and where it is
# wrong it draws *a* digit, with confidence. The filter gives back clouds, which look worse and promise less.
#
# ## 5 · A common claim, checked: "a denoising autoencoder removes noise"
#
# From which images? Five small networks 784-256-64, trained with different amounts of Gaussian noise (one of them
# with none: an ordinary autoencoder), and one with any amount. Each is then tested with all amounts.
#
# **Predict.** A network trained with σ = 0.5 is given images with σ = 0.1, which are nearly clean. Does it improve
# them? Type "yes" or "no".

# %%
prediction_mild = None

# %%
small, amounts = (784, 256, 64), (0.0, 0.1, 0.25, 0.5, 1.0)
coder = {}
for s in (*amounts, "any"):
    coder[s] = dense(small)
    fit(coder[s], (x[:8000],), denoising(
        lambda x, g, s=s: any_damage(x, g) if s == "any" else gaussian(x, s, g)),
        epochs=5, batch=128, lr=4e-3, one_cycle=True)

# %%
generator = torch.Generator().manual_seed(6)
tests = {f"σ = {s:g}": gaussian(x_test, s, generator) for s in amounts}
tests["salt, pepper\n25 %"] = salt_and_pepper(x_test, 0.25, generator)
tests["masked\n50 %"] = masking(x_test, 0.5, generator)
before = np.array([psnr(t, x_test).mean().item() for t in tests.values()])
after = np.array([[psnr(denoise(net, t), x_test).mean().item() for t in tests.values()]
                  for net in coder.values()])

# %%
figure, axis = plt.subplots(figsize=(8.5, 3.8))
shown = axis.imshow(after, cmap="cividis", aspect="auto")
for i, j in np.ndindex(after.shape):
    axis.text(j, i, f"{after[i, j]:.1f}", ha="center", va="center",
              color="black" if after[i, j] > after.mean() else "white")
    if after[i, j] < before[j]:  # worse than before
        axis.add_patch(Rectangle((j - 0.46, i - 0.46), 0.92, 0.92, fill=False, lw=2.5,
                                 edgecolor=plots.VERMILION))
axis.set(xticks=range(len(tests)), yticks=range(len(coder)), ylabel="trained with",
         xlabel="tested with (PSNR before, dB)",
         xticklabels=[f"{name}{' ' if ' %' in name else chr(10)}({b:.1f})"
                      for name, b in zip(tests, before, strict=True)],
         yticklabels=[s if s == "any" else f"σ = {s:g}" for s in coder])
axis.grid(False)
figure.colorbar(shown, label="PSNR after (dB)");

# %% [markdown]
# Each row is a network, each column a damage; the frames mark where the image is **worse after denoising than
# before**. Along the diagonal each network is at home. To the left of it, images have less noise than in its
# training, and it makes many of them worse; clean images always, and nearly clean ones too, because what a code of 64
# numbers cannot draw costs more than so little noise. To the right there is more noise than it has seen, and it falls
# behind the network that is at home there. The last row was trained on every amount of Gaussian noise and of salt and
# pepper: it is near the best under heavy damage and pays for that where the damage is slight.

# %%
own = np.diag(after[:5, :5])
claim("harm", "PSNR gained on images with σ = 0.1 by the network trained with σ = 0.5",
      after[3, 1] - before[1], "dB", at_most=-0.5,
      baseline=f"by the one trained with σ = 0.1 {after[1, 1] - before[1]:.1f}")
claim("at home", "PSNR lost at σ = 1 when trained with σ = 0.1 in place of 1",
      own[4] - after[1, 4], "dB", at_least=1)
claim("any amount", "PSNR behind the network at home, trained on any damage, σ ≥ 0.25",
      np.mean((own - after[5, :5])[2:]), "dB", at_most=1.5,
      baseline=f"σ = 0 and 0.1 {np.mean((own - after[5, :5])[:2]):.1f}")

# %% [markdown]
# So the claim needs its condition: a denoising autoencoder removes the noise that it was trained on, from the kind of
# images that it was trained on. Everything else it turns into what it knows.
#
# ### Dropout, and its rescaling
#
# Masking looks like *dropout* at the input, and `nn.Dropout(0.5)` is often used for it. There is a difference:
# dropout divides what it keeps by $1 - p$, so that the sum stays the same on average, and it does so only in
# training. A masked white pixel is then 2 and not 1, and clean images at test time look darker than in training. Does
# it matter?

# %%
def rescaled(x, generator):
    return 2 * masking(x, 0.5, generator)


lost = {"masked": [], "masked and rescaled": []}
for seed in range(3):
    for name, damage in (("masked", lambda x, g: masking(x, 0.5, g)),
                         ("masked and rescaled", rescaled)):
        net = dense(small, seed)
        fit(net, (x[:5000],), denoising(damage), epochs=3, batch=128, lr=4e-3,
            one_cycle=True, seed=seed)
        masked = damage(x_test, torch.Generator().manual_seed(7))
        lost[name].append([psnr(denoise(net, t), x_test).mean().item()
                           for t in (masked, x_test)])
lost = {name: np.array(values) for name, values in lost.items()}
table(["trained on", "PSNR of masked test images (dB)", "± over 3 seeds",
       "PSNR of clean test images (dB)", "± over 3 seeds"],
      [[name, *np.stack([v.mean(0), v.std(0, ddof=1)], 1).flatten()]
       for name, v in lost.items()])

# %%
effect = (lost["masked and rescaled"] - lost["masked"]).mean(0)
claim("rescaling, masked", "PSNR gained by dropout's rescaling on masked images",
      effect[0], "dB", seeds=3, near=0, within=0.4)
claim("rescaling, clean", "PSNR gained by dropout's rescaling on clean images",
      effect[1], "dB", seeds=3, at_least=1)

# %% [markdown]
# On the damage of the training, both ways agree: the first layer's weights can undo any factor. On *clean* images
# they part. To the network trained on masks alone, a clean image has twice as much ink as any it ever saw, and what
# it draws is wrong. Dropout's factor keeps the sum of the inputs the same, so a clean image is nothing new. So the
# factor changes nothing for denoising, but it matters if clean images follow later, in a classifier for example.
#
# ## 6 · Robust features
#
# Vincent and others wanted denoisers for their *codes*: features that survive damage must have caught what belongs
# together. So read the class off the codes of section 5, with a linear probe on the codes of 600 **clean** labelled
# images, and test it on clean and on damaged ones. The baseline is the same probe on raw pixels. For each kind of
# features the probe's strength of regularisation is chosen on clean validation images. (Neither pixels nor codes are
# standardised here: a pixel that is nearly always black would be divided by nearly 0, and its noise would drown the
# rest.)

# %%
@torch.no_grad()
def codes(s, images):
    return images.numpy() if s is None else coder[s].encode(images).numpy()


def probe(s, few, *tests):
    """Accuracy (%) of the best of three logistic regressions, for each set of images."""
    z, chosen = codes(s, x[few]), codes(s, digits.x_train[valid][:1000])
    readers = [LogisticRegression(C=c, tol=1e-3).fit(z, y[few].numpy())
               for c in (1e-2, 1e-1, 1)]
    labels = digits.y_train[valid][:1000].numpy(), y_test[:1000].numpy()
    best = max(readers, key=lambda reader: reader.score(chosen, labels[0]))
    return [100 * best.score(codes(s, images), labels[1]) for images in tests]


draws = [data.stratified_subset(y, 600, seed) for seed in range(3)]
readings = {s: np.array([probe(s, few, x_test, tests["σ = 0.5"]) for few in draws])
            for s in (None, 0.0, 0.25, 0.5, 1.0)}
table(["features", "clean test images (%)", "±", "with noise, σ = 0.5 (%)", "±"],
      [["raw pixels" if s is None else f"codes, trained with σ = {s:g}",
        *np.stack([v.mean(0), v.std(0, ddof=1)], 1).flatten()]
       for s, v in readings.items()])

# %%
plain, robust, pixels = readings[0.0].mean(0), readings[0.5].mean(0), readings[None].mean(0)
claim("robust features", "Probe on noisy images, codes of the denoiser above plain codes",
      robust[1] - plain[1], "points", seeds=3, at_least=5,
      spread=(readings[0.5] - readings[0.0])[:, 1].std(ddof=1),
      baseline=f"denoiser {robust[1]:.1f}, plain {plain[1]:.1f}, pixels {pixels[1]:.1f}")
claim("clean features", "The same on clean images", robust[0] - plain[0], "points", seeds=3,
      at_least=-3, at_most=8, spread=(readings[0.5] - readings[0.0])[:, 0].std(ddof=1),
      baseline=f"denoiser {robust[0]:.1f}, plain {plain[0]:.1f}, pixels {pixels[0]:.1f}")

# %% [markdown]
# Under noise the plain codes lose much of the class, and the denoiser's far less, although the probe itself never saw
# a noisy image. That is the robustness of the title. But mind the first row: raw pixels lose far less than plain
# codes, because a linear map averages the noise of 784 pixels. Much of what training for noise gives back is what the
# plain encoder had thrown away. On clean images the gain is small here; the table in section 10 asks the larger
# networks again.
#
# ## 7 · What a denoiser knows: the score
#
# Why should something that takes noise away know anything about the *distribution* of images? Let $p_\sigma(\tilde
# x)$ be the density of noisy data, $\tilde x = x + \sigma \varepsilon$ with $\varepsilon \sim \mathcal N(0, I)$.
# Differentiate $p_\sigma(\tilde x) = \int p(x)\, \mathcal N(\tilde x; x, \sigma^2 I)\, dx$ with respect to $\tilde
# x$. Each Gaussian gives back itself times $(x - \tilde x) / \sigma^2$:
# $$\nabla p_\sigma(\tilde x) = \int p(x)\, \mathcal N(\tilde x; x, \sigma^2 I)\, \frac{x - \tilde x}{\sigma^2}\, dx .$$
# Divide by $p_\sigma(\tilde x)$. On the left this gives $\nabla \log p_\sigma(\tilde x)$. On the right, $p(x)\,
# \mathcal N(\tilde x; x, \sigma^2 I) / p_\sigma(\tilde x)$ is the posterior $p(x \mid \tilde x)$ by Bayes' rule, and
# the integral is a mean over it:
# $$\nabla \log p_\sigma(\tilde x) = \frac{\mathbb E[x \mid \tilde x] - \tilde x}{\sigma^2}.$$
# The left side is the **score**: the direction in which the density grows fastest. The right side has the posterior
# mean, which is what a denoiser learns (section 4). So **residual = σ² · score** (Miyasawa 1961; Vincent 2011; Alain
# and Bengio 2014). Two conditions: the noise is Gaussian and *not clipped*, and the output is free to go where it
# must: linear, no sigmoid.
#
# On images nobody knows the true score. In the plane we do. Take data on two arcs, a mixture of 24 narrow Gaussians
# with standard deviation 0.1; with noise they become 24 Gaussians with variance $0.1^2 + \sigma^2$, and automatic
# differentiation gives the score exactly.

# %%
a = torch.linspace(0, np.pi, 12)
arc = torch.stack([a.cos() - 0.5, a.sin() - 0.25], 1)
centres = 1.3 * torch.cat([arc, -arc])


def sample(n, generator):
    return gaussian(centres[torch.randint(24, (n,), generator=generator)], 0.1, generator)


def true_score(points, sigma):
    points = points.clone().requires_grad_()
    squares = (points[:, None] - centres).square().sum(-1)
    log_p = torch.logsumexp(-squares / (2 * (0.1**2 + sigma**2)), 1)  # up to a constant
    return torch.autograd.grad(log_p.sum(), points)[0]

# %% [markdown]
# **Predict.** What will the cosine between the score of a trained denoiser and the true one be, σ = 0.4? (1 is
# perfect, 0 is unrelated.)

# %%
prediction_cosine = None

# %%
def noise_residual(sigma):
    def loss(model, x, step):
        return {"squared error":
                losses.squared_error(model(gaussian(x, sigma, step.generator)), x)}
    return loss


points, estimate, agreement = sample(20_000, generator), {}, {}
for sigma in (0.2, 0.4):
    with seeded(0):
        planar = mlp([2, 64, 64, 2], nn.SiLU)
    fit(planar, (points,), noise_residual(sigma), epochs=20, batch=200, lr=1e-2,
        one_cycle=True)
    estimate[sigma] = lambda at, net=planar, s=sigma: (net(at).detach() - at) / s**2
    seen = gaussian(sample(4000, generator), sigma, generator)
    truth, ours = true_score(seen, sigma), estimate[sigma](seen)
    agreement[sigma] = (F.cosine_similarity(truth.flatten(), ours.flatten(), 0).item(),
                        F.cosine_similarity(truth, ours).mean().item(),
                        ((ours - truth).square().sum() / truth.square().sum()).item())

# %%
table(["σ", "cosine of the field", "cosine, mean over points", "squared error ÷ score²"],
      [[sigma, *values] for sigma, values in agreement.items()])

# %%
grid = torch.cartesian_prod(*[torch.linspace(-2.2, 2.2, 15)] * 2)
figure, axes = plt.subplots(1, 2, figsize=(10.5, 4.6), sharey=True)
for axis, sigma in zip(axes, estimate, strict=True):
    axis.scatter(*points[:1500].T, s=3, color=plots.SKY, rasterized=True)
    for field, colour, width in ((true_score(grid, sigma), "black", 0.009),
                                 (estimate[sigma](grid), plots.VERMILION, 0.004)):
        axis.quiver(*grid.T, *(sigma**2 * field).T, color=colour, angles="xy",
                    scale_units="xy", scale=3, width=width)
    axis.set(title=f"σ = {sigma:g}", xlabel="x₁", ylabel="x₂", aspect="equal")

# %% [markdown]
# Black: the truth. Red on top of it: the network's residual (both drawn at a third of their length). Every arrow
# leads back to the arcs (dots), from far away with long steps. Red covers black nearly everywhere. They part in the
# corners far outside, where training put no points: there the network guesses. Near the arcs the arrows are too short
# to judge by eye, which is what the table is for.

# %%
claim("score", "Cosine between the denoiser's score and the true one, σ = 0.4",
      agreement[0.4][0], at_least=0.93,
      baseline=f"σ = 0.2 {agreement[0.2][0]:.2f}; mean over points {agreement[0.4][1]:.2f}")
claim("small noise", "Error of the score at σ = 0.2, relative to that at σ = 0.4",
      agreement[0.2][2] / agreement[0.4][2], "times", at_least=2)

# %% [markdown]
# Two things to keep from the table. The *mean over points* is smaller than the cosine of the whole field, because on
# the ridge of the arcs the true score is almost 0 and its direction means little: say which cosine you report. And
# small noise is the harder case: the residual is divided by σ², so half the noise makes the same error of the network
# four times as large.
#
# ## 8 · From noise to digits
#
# If a denoiser points to where the data are, follow it. Begin with pure noise, and repeat: **denoise, then damage
# again**. Bengio and others (2013) showed that such a chain, with the right sampling step, draws from the
# distribution that the denoiser learned: a *generative stochastic network*. How real are its samples? Lesson 03
# built a measure of realism that an empty picture and noise do not win: the distance to the nearest digit in the
# features of a small classifier, where 1 is as near as unseen real digits are. It is now in the package.

# %%
judge = Judge(digits)
generator = torch.Generator().manual_seed(8)
state = torch.rand(200, 784, generator=generator)
walk = [("noise", state)]
for step in range(1, 101):
    state = denoise(conv, gaussian(state, 1.0, generator))  # denoise what was damaged
    if step in (1, 3, 10, 30, 100):
        walk.append((f"{step} step{'s' * (step > 1)}", state))
plots.images({name: images[:10] for name, images in walk}, zoom=0.75);

# %%
rows = [[name, judge.distance(images).median().item(), images.mean().item(),
         torch.bincount(judge.classes(images), minlength=10).max().item() / 2]
        for name, images in [*walk, ("real digits", x_test[:200])]]
table(["picture", "distance to real digits", "mean grey", "most frequent class (%)"], rows)

# %%
by_name = {row[0]: row[1:] for row in rows}
claim("chain", "Distance to real digits after 30 steps of the chain",
      by_name["30 steps"][0], "of real digits'", at_most=1.4,
      baseline=f"noise {by_name['noise'][0]:.2f}, one step {by_name['1 step'][0]:.2f}")
claim("drift", "Mean grey after 100 steps relative to real digits",
      by_name["100 steps"][1] / by_name["real digits"][1], "times", at_most=0.95,
      baseline=f"most frequent class {by_name['100 steps'][2]:.0f} % of the samples, "
      f"of real digits {by_name['real digits'][2]:.0f} %")

# %% [markdown]
# One step from noise is a blur: near the posterior mean of everything. After some tens of steps strokes have formed,
# and by this measure the samples are nearly as near to digits as real ones are. Your eye is stricter: many are
# digits, some are only strokes. And read the other columns. With more steps the samples get thinner, and the most
# frequent class has a larger share than among real digits. Each step gives a *mean*, and means leave out what is
# rare: the chain forgets. A measure of realism alone would not have noticed, since it asks of each picture whether it
# looks like a digit, and not whether all digits are there.
#
# **From here to diffusion.** Two changes lead from this chain to the models that generate most of today's synthetic
# pictures (Sohl-Dickstein and others 2015; Ho and others 2020; Song and Ermon 2019). First, the noise is not the same
# in every step: it starts so large that nothing of an image is left, and falls to nothing, with one network for all
# levels, as ours is, which is also told the level. Second, the new noise in each step is not too small and not too
# large, but what the theory of the score asks for, so that the chain draws *samples* and not means. The loss is the
# one that you wrote in section 3. Lesson 10 trains one.
#
# ## 9 · Checkpoint
#
# The next cell fails if any claim of this lesson did not hold in this run.

# %%
claim.checkpoint()

# %%
mild = "yes" if after[3, 1] > before[1] else "no"
score([("best of the six classic methods (dB)", prediction_classic, best_classic),
       ("the dense denoising autoencoder (dB)", prediction_dae, dense_g),
       ("trained with σ = 0.5: does it improve images with σ = 0.1", prediction_mild, mild),
       ("cosine of the score at σ = 0.4", prediction_cosine, agreement[0.4][0])])

# %% [markdown]
# ## 10 · What to keep

# %%
rows, every = [], digits.x_test  # all test images again, and none of them damaged
for name in seconds:
    error = losses.squared_error(denoise(nets[name], every), every).mean().item()
    rows.append([f"784-512-128, {name.removeprefix('dense, ')}", error,
                 *metrics.probes(nets[name].encode, x, y, every, y_test), None,
                 seconds[name]])
table(["row", "squared error", "probe, 10 % of labels (%)", "probe, 1 % (%)", "nats",
       "training (s)"], rows)

# %%
*denoisers, ordinary = rows
better = sum(row[2] > ordinary[2] and row[3] > ordinary[3] for row in denoisers)
worse = sum(row[1] > ordinary[1] for row in denoisers)
say(f"Beside the ordinary autoencoder's, the codes of {better} of {len(denoisers)} "
    "denoisers are better for both probes, and the reconstructions of clean images are "
    f"worse for {worse}.")

# %% [markdown]
# To tell a stroke from noise, a denoiser's code has to know what belongs together in a stroke; to copy, it need not.

# %% [markdown]
# - Damage the input, ask for the clean image: the loss needs no narrow code, and its noise must be fresh.
# - Compare denoisers with the same clipping, each at its best setting, and with something that knows the data.
# - A denoiser draws the posterior mean: likely, not true, and soft where it cannot know. Outside its training it does
#   harm.
# - Its residual is σ² times the score: it has learned in which direction the data lie. From there it is one step to
#   diffusion.
#
# **Your turn:** [lab 04](../work/lab04.ipynb) (your own copy, made by `python -m aecourse lab`; on the
# web, read the [sheet](../exercises/lab04/lab04.ipynb)). You write the damages, the loss, the measure and a filter, and
# read a score off your own denoiser.
#
# **Next:** [lesson 05](05_sparse.ipynb) keeps the code wide and lets only a few of its units speak at a time.
#
# ### Papers
# - K. Miyasawa (1961). *An empirical Bayes estimator of the mean of a normal population.* Bulletin of the
#   International Statistical Institute 38, 181–188.
# - L. I. Rudin, S. Osher, E. Fatemi (1992). *Nonlinear total variation based noise removal algorithms.* Physica D 60,
#   259–268.
# - Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli (2004). *Image quality assessment: from error visibility to
#   structural similarity.* IEEE Transactions on Image Processing 13, 600–612.
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). *Extracting and composing robust features with
#   denoising autoencoders.* ICML, 1096–1103.
# - P. Vincent (2011). *A connection between score matching and denoising autoencoders.* Neural Computation 23,
#   1661–1674.
# - Y. Bengio, L. Yao, G. Alain, P. Vincent (2013). *Generalized denoising auto-encoders as generative models.*
#   NeurIPS.
# - G. Alain, Y. Bengio (2014). *What regularized auto-encoders learn from the data-generating distribution.* Journal
#   of Machine Learning Research 15, 3563–3593.
# - J. Sohl-Dickstein, E. Weiss, N. Maheswaranathan, S. Ganguli (2015). *Deep unsupervised learning using
#   nonequilibrium thermodynamics.* ICML, 2256–2265.
# - Y. Song, S. Ermon (2019). *Generative modeling by estimating gradients of the data distribution.* NeurIPS.
# - J. Ho, A. Jain, P. Abbeel (2020). *Denoising diffusion probabilistic models.* NeurIPS.
