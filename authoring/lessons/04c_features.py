# %% [markdown]
# # 04c · What the codes are good for, and two pitfalls
#
# **Promise.** You will read the class from the codes of denoisers, under noise and without, and meet two pitfalls of
# denoising: a factor in dropout, and a training that gets stuck.
#
# **After this unit you can**
# 1. measure whether features are robust against noise, with raw pixels as a baseline;
# 2. say when the rescaling of dropout matters;
# 3. recognise a training that collapsed, and explain it by a gradient.
#
# **Before it:** units 04 and 02b (cross-entropy). **Time:** about {minutes} minutes; the cells run in about a minute on
# two cores.

# %%
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from aecourse import corruption, data, diagrams, losses, metrics, plots
from aecourse.claims import Claims, say, score, table, try_it
from aecourse.metrics import psnr
from aecourse.models import Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)

# %%
diagrams.flow({"x": (0, 0, "noisy image", plots.YELLOW),
               "e": (1.3, 0, "encoder", plots.ORANGE), "z": (2.6, 0, "code", plots.SKY),
               "d": (3.9, 0, "decoder", plots.ORANGE),
               "y": (5.2, 0, "clean image?", plots.SKY),
               "c": (2.6, 1, "linear probe:\nwhich class?", plots.GREEN)},
              dict.fromkeys([("x", "e"), ("e", "z"), ("z", "d"), ("d", "y"),
                             ("z", "c")], ""),
              size=(9.5, 2.4));

# %% [markdown]
# So far we looked at the right end of the diagram. Now we ask what the code in the middle knows.
#
# ## 1 · Robust features
#
# Vincent and others (2008) wanted denoisers for their *codes*. To remove noise, a network must know which pixels belong
# together. Then the class should survive the noise in its code. We train networks 784-256-64 with no noise and with
# three amounts, as in unit 04, and read the class with a linear probe. The probe is trained on the codes of 600
# **clean** labelled images. It is tested on clean and on noisy ones. The baseline is the same probe on raw pixels.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, y_val = digits.x_train[valid][:1000], digits.y_train[valid][:1000]
x_test, y_test = digits.x_test[:1000], digits.y_test[:1000]
noisy = corruption.gaussian(x_test, 0.5, torch.Generator().manual_seed(6))
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
some = plots.first_of_each(y_test)

# %%
def dense(widths, seed=0):
    with seeded(seed):
        return nn.Sequential(he(Autoencoder(widths, nn.SiLU), x), nn.Sigmoid())


def with_noise(sigma):
    return corruption.denoising(lambda x, noise: corruption.gaussian(x, sigma, noise))


coder = {}
for sigma in (0.0, 0.25, 0.5, 1.0):
    coder[sigma] = dense([784, 256, 64])
    fit(coder[sigma], (x[:8000],), with_noise(sigma), epochs=5, batch=128, lr=4e-3,
        one_cycle=True)

# %% [markdown]
# The strength of the probe's regularisation is chosen on clean validation images, for each kind of features. Features
# are not standardised here: a pixel that is nearly always black would be divided by nearly 0, and its noise would
# drown the rest.
#
# **Predict.** Which features lose fewer points of accuracy under noise: raw `"pixels"`, or the codes of the `"ordinary"`
# autoencoder that was trained without noise?

# %%
prediction_robust = None

# %%
@torch.no_grad()
def features(s, images):  # s: the σ of the training, None for raw pixels
    return images.numpy() if s is None else coder[s][0].encode(images).numpy()


def probe(s, few):
    """Accuracy (%) on clean and on noisy test images of the best of three probes."""
    z, z_val = features(s, x[few]), features(s, x_val)
    readers = [LogisticRegression(C=c, tol=1e-3).fit(z, y[few]) for c in (0.01, 0.1, 1)]
    best = max(readers, key=lambda reader: reader.score(z_val, y_val))
    return [100 * best.score(features(s, images), y_test) for images in (x_test, noisy)]

# %%
subsets = [data.stratified_subset(y, 600, seed) for seed in range(3)]
readings = {s: np.array([probe(s, few) for few in subsets])  # (3 subsets, clean and noisy)
            for s in (None, 0.0, 0.25, 0.5, 1.0)}
table(["features", "clean test images (%)", "±", "with noise, σ = 0.5 (%)", "±"],
      [["raw pixels" if s is None else f"codes, trained with σ = {s:g}",
        *np.stack([v.mean(0), v.std(0, ddof=1)], 1).flatten()]
       for s, v in readings.items()])

# %% [markdown]
# ± is the standard deviation over three sets of labelled images. Under noise the codes of the ordinary autoencoder lose
# much of the class, and those of the denoisers far less, although the probe itself never saw a noisy image. But mind
# the first row. Raw pixels lose far less than the ordinary codes, because a linear probe averages the noise of 784
# pixels. Much of what training with noise gives back is what the ordinary encoder had lost.

# %%
plain, robust, pixels = readings[0.0].mean(0), readings[0.5].mean(0), readings[None].mean(0)
claim("robust features", "Probe on noisy images, codes of the denoiser above plain codes",
      robust[1] - plain[1], "points", seeds=3, at_least=5,
      spread=(readings[0.5] - readings[0.0])[:, 1].std(ddof=1),
      baseline=f"denoiser {robust[1]:.1f}, plain {plain[1]:.1f}, pixels {pixels[1]:.1f}")
claim("clean features", "The same on clean images", robust[0] - plain[0], "points", seeds=3,
      at_least=-3, at_most=8, spread=(readings[0.5] - readings[0.0])[:, 0].std(ddof=1),
      baseline=f"denoiser {robust[0]:.1f}, plain {plain[0]:.1f}, pixels {pixels[0]:.1f}")
loss_of_plain, loss_of_pixels = plain[0] - plain[1], pixels[0] - pixels[1]
claim("plain codes", "Points that plain codes lose under noise, more than pixels lose",
      loss_of_plain - loss_of_pixels, "points", seeds=3, at_least=3,
      baseline=f"plain codes {loss_of_plain:.1f}, pixels {loss_of_pixels:.1f}")

# %% [markdown]
# ### Larger networks, and clean images only
#
# Does training with noise also help where there is no noise? We train larger networks, 784-512-128, one of them without
# noise. `metrics.probes` reads the class from the codes of clean images, with a tenth of the labels and with a
# hundredth.

# %%
larger = {"denoiser, σ = 0.5": with_noise(0.5), "ordinary": with_noise(0.0)}
rows = []
for name, loss in larger.items():
    net = dense([784, 512, 128])
    fit(net, (x[:40_000],), loss, epochs=2 * more, batch=128, lr=4e-3, one_cycle=True)
    rows.append([name, metrics.reconstruction_error(net, digits.x_test),
                 *metrics.probes(net[0].encode, x, y, digits.x_test, digits.y_test)])
table(["784-512-128", "squared error, clean images", "probe, 10 % of labels (%)",
       "probe, 1 % (%)"], rows)

# %%
denoiser, ordinary = (row[1:] for row in rows)  # squared error, two accuracies
better = denoiser[1] > ordinary[1] and denoiser[2] > ordinary[2]
say("On clean images, both probes read the class "
    f"{'better' if better else 'no better'} from the denoiser's code, and its "
    f"reconstructions are {'worse' if denoiser[0] > ordinary[0] else 'no worse'}.")

# %% [markdown]
# To tell a stroke from noise, a code has to know what belongs together in a stroke. To copy, it need not.
#
# ## 2 · Dropout, and its rescaling
#
# Masking looks like *dropout* at the input, and `nn.Dropout(0.5)` is often used for it. There is a difference. Dropout
# divides what it keeps by $1 - p$, so that the sum stays the same on average. A white pixel that is kept is then 2 and
# not 1. At test time dropout does nothing. Does the factor matter?
#
# We train with masking and with masking and the factor, three seeds each. Both are tested on images masked as in their
# own training, and on **clean** images.
#
# **Predict.** On which test images does the factor matter: `"masked"` or `"clean"`?

# %%
prediction_rescaling = None

# %%
masks = {"masked": lambda x, noise: corruption.masking(x, 0.5, noise),
         "masked and rescaled": lambda x, noise: 2 * corruption.masking(x, 0.5, noise)}
lost = {name: [] for name in masks}
for seed in range(3):
    for name, corrupt in masks.items():
        net = dense([784, 256, 64], seed)
        fit(net, (x[:5000],), corruption.denoising(corrupt), epochs=3, batch=128, lr=4e-3,
            one_cycle=True, seed=seed)
        masked = corrupt(x_test, torch.Generator().manual_seed(7))
        with torch.no_grad():
            lost[name].append([psnr(net(t), x_test).mean().item()
                               for t in (masked, x_test)])

# %%
by_seed = {name: np.array(values) for name, values in lost.items()}  # (3 seeds, 2 tests)
table(["trained on", "PSNR of masked test images (dB)", "± over 3 seeds",
       "PSNR of clean test images (dB)", "± over 3 seeds"],
      [[name, *np.stack([v.mean(0), v.std(0, ddof=1)], 1).flatten()]
       for name, v in by_seed.items()])

# %% [markdown]
# On masked images both agree: the weights of the first layer can undo any factor. On *clean* images they differ. To the
# network trained on masks alone, a clean image has twice as much ink as any that it ever saw, and its output is wrong.
# With dropout's factor the sum of the inputs stays the same, so a clean image is nothing new. The factor changes
# nothing for denoising. It matters if clean images follow later, in a classifier for example.

# %%
effect = (by_seed["masked and rescaled"] - by_seed["masked"]).mean(0)
claim("rescaling, masked", "PSNR gained by dropout's rescaling on masked images",
      effect[0], "dB", seeds=3, near=0, within=0.4)
claim("rescaling, clean", "PSNR gained by dropout's rescaling on clean images",
      effect[1], "dB", seeds=3, at_least=1)

# %% [markdown]
# ## 3 · Two losses at a high learning rate
#
# A widespread way to write a denoiser ends in a sigmoid and takes the squared error, as we did, often with a high
# learning rate. We take a small network with PyTorch's default initialisation, a high rate, and three seeds. For
# comparison: the same network, rate and seeds, with the cross-entropy of unit 02b on the logits.
#
# **Predict.** The noisy images have the PSNR that the next cell prints. How many decibels does the small network reach
# with the squared error?

# %%
print(f"noisy images {psnr(noisy, x_test).mean():.1f} dB")
prediction_collapse = None

# %%
def squared_error(model, x, step):
    output = torch.sigmoid(model(corruption.gaussian(x, 0.5, step.generator)))
    return {"squared error": losses.squared_error(output, x)}


def cross_entropy(model, x, step):
    logits = model(corruption.gaussian(x, 0.5, step.generator))
    return {"cross-entropy": losses.bernoulli_nll(logits, x)}

# %%
outputs = {}
for loss in (squared_error, cross_entropy):
    for seed in range(3):
        with seeded(seed):
            model = Autoencoder([784, 128], nn.ReLU)
        fit(model, (x[:10_000],), loss, epochs=2, batch=128, lr=3e-2, seed=seed)
        with torch.no_grad():
            outputs[loss.__name__, seed] = torch.sigmoid(model(noisy))

# %%
decibels = {name: [psnr(outputs[name, s], x_test).mean().item() for s in range(3)]
            for name in ("squared_error", "cross_entropy")}
black = psnr(torch.zeros_like(x_test), x_test).mean().item()
table(["loss", "PSNR (dB)", "± over 3 seeds"],
      [[name, np.mean(v), np.std(v, ddof=1)] for name, v in decibels.items()]
      + [["a black image", black, None]])

# %%
plots.images({"noisy": noisy[some], "squared error": outputs["squared_error", 0][some],
              "cross-entropy": outputs["cross_entropy", 0][some]}, zoom=0.8);

# %% [markdown]
# Middle row: the same picture for every image, black but for a few specks. The table shows that all three seeds end at
# the PSNR of a black image. Four of five pixels of a digit are black, so the first large steps push all outputs towards 0. There the gradient under squared error,
# $(\hat x - x)\,\hat x (1 - \hat x)$ (unit 02b), is nearly 0, *also where the pixel should be white*. The network
# cannot come back. The gradient of the cross-entropy is $\hat x - x$. It is large wherever the error is large, and the
# last row shows digits.
#
# Why did we dare to use squared error in unit 04? It is what PSNR measures. With a moderate and falling learning rate
# and outputs that start at the mean image, it does not collapse. The loss curve would have shown it.

# %%
try_it("What is the gradient under squared error for a white pixel, x = 1, whose output is "
       "0.01? Compute (0.01 − 1) · 0.01 · (1 − 0.01).", None,
       (0.01 - 1) * 0.01 * (1 - 0.01),
       says="A hundred times smaller than that of the cross-entropy, which is −0.99.")

# %%
claim("collapse", "PSNR after squared error through a sigmoid at a high rate",
      np.mean(decibels["squared_error"]), "dB", seeds=3, at_most=black + 0.5,
      spread=np.std(decibels["squared_error"], ddof=1),
      baseline=f"a black image {black:.2f}")
claim("mended", "PSNR after cross-entropy, all else equal",
      np.mean(decibels["cross_entropy"]), "dB", seeds=3, at_least=black + 3,
      spread=np.std(decibels["cross_entropy"], ddof=1))

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("features that lose fewer points under noise", prediction_robust,
        "pixels" if loss_of_pixels < loss_of_plain else "ordinary"),
       ("dropout's factor matters on which images", prediction_rescaling,
        "clean" if abs(effect[1]) > abs(effect[0]) else "masked"),
       ("squared error at a high rate (dB)", prediction_collapse,
        float(np.mean(decibels["squared_error"])))])

# %% [markdown]
# ## 5 · What to keep
#
# - The codes of a denoiser keep the class under noise. Compare them with raw pixels, not only with an ordinary
#   autoencoder.
# - Dropout is masking with a factor. The factor matters when clean images follow.
# - Squared error after a sigmoid can collapse to black at a high learning rate. Cross-entropy did not.
#
# **Next:** [lesson 05](05_sparse.ipynb) keeps the code wide and makes few of its units active.
#
# ### Papers
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). *Extracting and composing robust features with
#   denoising autoencoders.* ICML, 1096–1103.
