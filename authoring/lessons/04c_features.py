# %% [markdown]
# # 04c · What the codes are good for
#
# **Promise.** You will read the class from the codes of denoisers, under noise and without, and compare them with the
# codes of ordinary autoencoders and with raw pixels.
#
# **After this unit you can**
# 1. measure whether features are robust against noise, with raw pixels as a baseline;
# 2. test a possible reason for what you measured.
#
# **Before it:** unit 04. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from aecourse import corruption, data, diagrams, metrics, plots
from aecourse.claims import Claims, say, score, table, try_it
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
# So far we looked at the right end of the diagram. Now we ask what information the code in the middle contains.
#
# ## 1 · Robust features
#
# Vincent and others (2008) wanted denoisers for their *codes*. To remove noise, a network must know which pixels belong
# together. Then the class should survive the noise in its code. We train networks 784-256-64 with no noise and with
# three amounts, as in unit 04, and read the class with a **linear probe**, a logistic regression on the codes. The
# probe is trained on the codes of 600 **clean** labelled images. It is tested on clean and on noisy ones. The baseline
# is the same probe on raw pixels.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, y_val = digits.x_train[valid][:1000], digits.y_train[valid][:1000]
x_test, y_test = digits.x_test[:1000], digits.y_test[:1000]
noisy = corruption.gaussian(x_test, 0.5, torch.Generator().manual_seed(6))
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer

# %%
def dense(widths):
    with seeded(0):
        return nn.Sequential(he(Autoencoder(widths, nn.SiLU), x), nn.Sigmoid())


def with_noise(sigma):
    return corruption.denoising(lambda x, noise: corruption.gaussian(x, sigma, noise))

# %%
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
# **Predict.** Which features lose fewer points of accuracy under noise: raw `"pixels"`, or the codes of the
# `"ordinary"` autoencoder that was trained without noise? And which σ in training gives the best codes under noise with
# σ = 0.5: 0.25, 0.5 or 1?

# %%
prediction_robust = None
prediction_sigma = None

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
names = {s: f"codes, trained with σ = {s:g}" for s in coder}
names |= {None: "raw pixels", 0.0: "ordinary codes (σ = 0)"}
table(["features", "clean test images (%)", "± over 3 label sets",
       "with noise, σ = 0.5 (%)", "± over 3 label sets"],
      [[names[s], *np.stack([v.mean(0), v.std(0, ddof=1)], 1).flatten()]
       for s, v in readings.items()])

# %%
plain, robust, pixels = readings[0.0].mean(0), readings[0.5].mean(0), readings[None].mean(0)
loss_of_plain, loss_of_pixels = plain[0] - plain[1], pixels[0] - pixels[1]
rivals = {s: v[:, 1].mean() for s, v in readings.items() if s}  # accuracy under noise
top = max(rivals, key=rivals.get)
score([("features that lose fewer points", prediction_robust,
        "pixels" if loss_of_pixels < loss_of_plain else "ordinary"),
       ("σ in training of the best codes", prediction_sigma, top)])

# %% [markdown]
# Each network was trained once. Under noise the codes of the ordinary autoencoder lose much of the class, and those of
# the denoisers less, although the probe itself never saw a noisy image. But compare with the first row. Raw pixels lose
# far less than the ordinary codes.

# %%
ordinary_noisy = readings[0.0][:, 1].mean()
gap = rivals[top] - readings[None][:, 1].mean()
width = max(readings[s][:, 1].std(ddof=1) for s in (None, top))
say("Under noise, the codes of the best denoiser are "
    f"{'clearly better' if gap > 2 * width else 'not clearly better'} than raw pixels. "
    f"Of the {rivals[top] - ordinary_noisy:.1f} points that they gain over the ordinary "
    f"codes, raw pixels gain {readings[None][:, 1].mean() - ordinary_noisy:.1f} as well.")

# %%
claim("robust features", "Probe on noisy images, codes of the denoiser above ordinary ones",
      robust[1] - plain[1], "points", seeds=3, at_least=5,
      spread=(readings[0.5] - readings[0.0])[:, 1].std(ddof=1),
      baseline=f"denoiser {robust[1]:.1f}, ordinary {plain[1]:.1f}, pixels {pixels[1]:.1f}")
claim("clean features", "The same on clean images", robust[0] - plain[0], "points", seeds=3,
      at_least=-3, at_most=8, spread=(readings[0.5] - readings[0.0])[:, 0].std(ddof=1),
      baseline=f"denoiser {robust[0]:.1f}, ordinary {plain[0]:.1f}, pixels {pixels[0]:.1f}")
claim("plain codes", "Points that ordinary codes lose under noise, more than pixels lose",
      loss_of_plain - loss_of_pixels, "points", seeds=3, at_least=3,
      baseline=f"ordinary codes {loss_of_plain:.1f}, pixels {loss_of_pixels:.1f}")

# %% [markdown]
# Why do raw pixels lose so little? A possible reason is the regularisation, which keeps the probe's weights small, so
# that noise changes its answer little. `C` is the inverse strength of the regularisation. Here is a probe on raw pixels
# with a `C` of our own:

# %%
C = 0.1
free = LogisticRegression(C=C, tol=1e-3, max_iter=2000)
free.fit(features(None, x[subsets[0]]), y[subsets[0]])
of_free = 100 * free.score(features(None, noisy), y_test)
of_clean = 100 * free.score(features(None, x_test), y_test)
print(f"raw pixels, C = {C}: clean {of_clean:.1f} %, with noise {of_free:.1f} %")

# %%
try_it("Change `C = 0.1` to `C = 100.0`, nearly no regularisation. What accuracy (%) has "
       "the probe on noisy images now?", None, of_free, changed=C == 100,
       says="Does the accuracy under noise depend on the regularisation?")

# %% [markdown]
# ## 2 · Larger networks, and clean images only
#
# Does training with noise also help where there is no noise? We train larger networks, 784-512-128, one of them without
# noise. `metrics.probes` reads the class from the codes of clean images, with a tenth of the labels and with a
# hundredth. It standardises the features. On clean images this does no harm to raw pixels: a pixel that is always black
# stays constant. Each network is trained once.
#
# **Predict.** From which features is the class read best with a hundredth of the labels: `"denoiser"`, `"ordinary"` or
# `"pixels"`?

# %%
prediction_few = None

# %%
larger = {"denoiser, σ = 0.5": with_noise(0.5), "ordinary": with_noise(0.0)}
results, encoders = [], {}
for name, loss in larger.items():
    net = dense([784, 512, 128])
    fit(net, (x[:40_000],), loss, epochs=2 * more, batch=128, lr=4e-3, one_cycle=True)
    results.append([name, metrics.reconstruction_error(net, digits.x_test),
                    *metrics.probes(net[0].encode, x, y, digits.x_test, digits.y_test)])
    encoders[name] = net[0].encode

# %%
of_pixels = metrics.probes(lambda images: images, x, y, digits.x_test, digits.y_test)
table(["784-512-128", "squared error, clean images", "probe, 10 % of labels (%)",
       "probe, 1 % (%)"], [*results, ["raw pixels", None, *of_pixels]])
few_labels = {"denoiser": results[0][3], "ordinary": results[1][3], "pixels": of_pixels[1]}
score([("read best", prediction_few, max(few_labels, key=few_labels.get))])

# %%
denoiser, ordinary = (row[1:] for row in results)  # squared error, two accuracies
better = denoiser[1] > ordinary[1] and denoiser[2] > ordinary[2]
say("On clean images, both probes read the class "
    f"{'better' if better else 'no better'} from the denoiser's code, and its "
    f"reconstructions are {'worse' if denoiser[0] > ordinary[0] else 'no worse'}.")

# %% [markdown]
# A possible reason: to tell a stroke from noise, a code has to know what belongs together in a stroke. To copy, it need
# not. The unit does not test this.

# %%
part = 100  # one image in 100 has a label
[accuracy] = metrics.probes(encoders["denoiser, σ = 0.5"], x, y, digits.x_test,
                            digits.y_test, parts=(part,))
print(f"denoiser's codes, {len(y) // part} labels: {accuracy:.1f} %")

# %%
try_it("Change `part = 100` to `part = 400`. What accuracy (%) has the probe on the "
       "denoiser's codes now?", None, accuracy, changed=part == 400,
       says="How many labels is that for each digit?")

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - Under noise, the codes of a denoiser keep more of the class than those of an ordinary autoencoder. Raw pixels keep
#   much, too: always compare with them.
# - A better code for the class need not give better reconstructions.
#
# **Deeper:** [04ca](04ca_pitfalls.ipynb) shows two pitfalls of denoising. **Next:** [lesson 05](05_sparse.ipynb) keeps
# the code wide and makes few of its units active.
#
# ### Papers
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). *Extracting and composing robust features with
#   denoising autoencoders.* ICML, 1096–1103.
