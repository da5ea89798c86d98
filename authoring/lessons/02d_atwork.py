# %% [markdown]
# # 02d · At work: compression and anomalies
#
# **Promise.** You will give an autoencoder two jobs and measure it against simple baselines at each: to compress images,
# and to find images of an unknown kind (anomalies).
#
# **After this unit you can**
# 1. count the bytes of a learned code honestly, with its decoder;
# 2. choose a threshold for anomalies on validation images, and report what it does on test images;
# 3. say what a reconstruction error measures.
#
# **Before it:** unit 02. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import copy
import io

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA, Autoencoder, n_parameters
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("02", digits.name)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, y_val = digits.x_train[valid], digits.y_train[valid]
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer

# %%
diagrams.flow({"e": (0, 1, "encoder", plots.ORANGE), "z": (1, 1, "code", plots.YELLOW),
               "d": (2, 1, "decoder", plots.ORANGE),
               "c": (0, 0, "store the code:\ncompression", plots.GREEN),
               "a": (2, 0, "large error:\nan anomaly?", plots.GREEN)},
              {("e", "z"): "", ("z", "d"): "", ("z", "c"): "",
               ("d", "a"): ""},
              size=(8, 2.6));

# %% [markdown]
# The two jobs, and which part of the network does each. We train the network of unit 02 with latent dimensions 3, 8, 10
# and 32, and fit PCA.

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}

# %%
nets = {}
for k in (3, 8, 10, 32):
    with seeded(0):
        nets[k] = Autoencoder([784, 128, 64, k])
    fit(nets[k], (x,), squared_error, epochs=4 * more, lr=1e-2, one_cycle=True)
model, pca = nets[32], PCA(x)

# %% [markdown]
# ## 1 · Compression
#
# A short code is a compressed image. To compare honestly, count every byte. Each value of the code is rounded to 8 bits
# over its range on training images, so a 32-dimensional code takes 32 bytes. But the receiver needs the decoder too:
# 16 bits for each of its weights, shared among the test images. PCA has to send its axes. JPEG and PNG need no model;
# they get all test images tiled into one picture, so that their headers are shared as well.

# %%
print(f"weights of the decoder: {n_parameters(model.decoder):,}")
print(f"test images: {len(x_test):,}")

# %% [markdown]
# **Predict.** How many bytes per image does the autoencoder need with a 32-dimensional code when its decoder is counted?

# %%
prediction_bytes = None

# %%
share_of_decoder = 2 * n_parameters(model.decoder) / len(x_test)
print(f"code 32 bytes + decoder {share_of_decoder:.1f} = {32 + share_of_decoder:.1f} bytes")

# %%
def rounded(z, z_train, levels=256):
    """Return codes rounded to so many levels between their least and largest values."""
    low, high = z_train.amin(0), z_train.amax(0)
    step = (high - low) / (levels - 1)
    return low + step * ((z - low) / step).round().clamp(0, levels - 1)


def point(k, weights, x_hat):
    """Return the bytes per image, code alone and with the model, and the squared error."""
    error = losses.squared_error(x_hat, x_test).mean().item()
    return k, k + 2 * weights / len(x_test), error

# %% [markdown]
# Each point of the comparison is one latent dimension. First the autoencoders, with their decoders rounded to 16 bits:

# %%
rates, some = {"autoencoder": [], "PCA": []}, x[:5000]
with torch.no_grad():
    for k, net in nets.items():
        decoder = copy.deepcopy(net.decoder).half().float()  # what the receiver has
        x_hat = decoder(rounded(net.encode(x_test), net.encode(some)))
        rates["autoencoder"].append(point(k, n_parameters(decoder), x_hat))

# %% [markdown]
# PCA sends k axes and the mean image:

# %%
for k in (3, 8, 10, 32, 64):
    z = rounded(pca.encode(x_test, k), pca.encode(some, k))
    x_hat = z @ pca.axes[:k].half().float() + pca.mean.half().float()
    rates["PCA"].append(point(k, 784 * (k + 1), x_hat))

# %% [markdown]
# JPEG and PNG get all test images tiled into one large picture. It is saved to a file in memory, once for each quality,
# and read back:

# %%
tiles = data.tiled(x_test)  # rows of pixels, as many images in each row as there are rows
n_tiles = tiles.numel() // 784
picture = Image.fromarray((255 * tiles).round().byte().numpy())

# %%
rates["JPEG"] = []  # bytes per image, the same again since no model is sent, error
for quality in (1, 5, 10, 20, 40, 60):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, optimize=True)
    back = torch.from_numpy(np.array(Image.open(file))).float() / 255
    size, error = file.tell() / n_tiles, (back - tiles).square().sum().item() / n_tiles
    rates["JPEG"].append((size, size, error))
file = io.BytesIO()
picture.save(file, "PNG")
png = file.tell() / n_tiles

# %%
figure, axis = plt.subplots(figsize=(9, 3.8))
for (name, points), marker in zip(rates.items(), "os^", strict=True):
    code, full, error = np.array(points).T
    label = name if name == "JPEG" else f"{name}, with its model"
    (line,) = axis.plot(full, error, marker + "-", label=label)
    if name != "JPEG":
        axis.plot(code, error, marker + ":", color=line.get_color(),
                  markerfacecolor="white", label=f"{name}, codes only")
axis.axvline(png, color="grey", linestyle=":", label="PNG (no error)")
plots.log_axes(axis, x=(3, 10, 30, 100, 300))
axis.set(xlabel="bytes per image", ylabel="squared error per image", ylim=(0, None))
axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1));

# %% [markdown]
# Dotted lines count the codes alone, solid lines the model too. **JPEG wins** wherever the two can be compared, and at 30
# bytes it wins even against the dotted line. It knows nothing about digits, but it can spend few bytes on a simple image
# and many on a difficult one, while our code gives every image the same number. (JPEG also stores frequent values in fewer
# bits. The codes could be stored in this way too, which would shift both dotted lines a little to the left.) With its
# model counted, PCA needs fewer bytes than the autoencoder, too. The autoencoder is best only at sizes that JPEG cannot
# reach, and only if its decoder is not counted. So always ask whether a compression rate counts the model.

# %%
_, full_ae, error_ae = rates["autoencoder"][-1]
sizes_jpeg, _, errors_jpeg = np.array(rates["JPEG"]).T
jpeg_there = np.interp(full_ae, sizes_jpeg, errors_jpeg)  # at the autoencoder's size
claim("decoder's share", "Bytes per image of a 32-dimensional code, decoder counted",
      full_ae, "bytes", at_least=40, at_most=80,
      baseline=f"code alone 32, PCA with its axes {rates['PCA'][3][1]:.0f}, PNG {png:.0f}",
      holds_on=("mnist",))
_, full_pca, error_pca = np.array(rates["PCA"]).T
pca_there = np.interp(full_ae, full_pca, error_pca)
claim("PCA is smaller",
      "Error of the autoencoder relative to PCA's at the same size, models counted",
      error_ae / pca_there, "times", at_least=1.0,
      baseline=f"PCA {pca_there:.1f}, autoencoder {error_ae:.1f}")
claim("JPEG wins",
      "Error of the autoencoder relative to JPEG's at the same size, decoder counted",
      error_ae / jpeg_there, "times", at_least=1.0,
      baseline=f"JPEG {jpeg_there:.1f}, autoencoder {error_ae:.1f}")
score([("bytes per image, 32-dimensional code and decoder", prediction_bytes, full_ae)])

# %%
try_it("With how many images does the decoder's share fall to one byte per image?", None,
       2.0 * n_parameters(model.decoder), hint="The decoder has 2 bytes for each weight.")

# %% [markdown]
# Are 8 bits for each value of the code too many, or too few?

# %%
levels = 256  # 8 bits
with torch.no_grad():
    coarse = model.decode(rounded(model.encode(x_test), model.encode(some), levels))
error_coarse = losses.squared_error(coarse, x_test).mean().item()
exact = losses.squared_error(model(x_test).detach(), x_test).mean().item()
print(f"error with {levels} levels {error_coarse:.2f}, without rounding {exact:.2f}")

# %%
try_it("Change `levels = 256` to `levels = 16`, which are 4 bits, so that a code takes 16 "
       "bytes, and run that cell again. What is the error now?",
       None, error_coarse, changed=levels == 16)

# %% [markdown]
# ## 2 · Anomalies
#
# A network that has never seen a class should reconstruct it badly, so a large error could mark the unknown. We train
# without one class and use the error of an image as its anomaly score. The **AUROC** is the probability that a random
# image of the unknown class has a larger error than a random known one: 1 is perfect, 0.5 is chance.
#
# **Predict.** One network is trained without the 2, another without the 1. What AUROC does the second one reach on the
# 1, from 0 to 1?

# %%
prediction_auroc = None

# %%
def detector(unknown, n=20_000):
    with seeded(0):
        net = Autoencoder([784, 128, 64, 8])
    fit(net, (x[y != unknown][:n],), squared_error, epochs=5, lr=1e-2, one_cycle=True)
    return net


def errors_of(net, images):
    with torch.no_grad():
        return losses.squared_error(net(images), images)  # (N,)


detectors = {unknown: detector(unknown) for unknown in (2, 1)}

# %%
auroc = {}
for unknown, net in detectors.items():
    strange, linear = (y_test == unknown).numpy(), PCA(x[y != unknown][:20_000], 8)
    by_pca = losses.squared_error(linear.decode(linear.encode(x_test, 8)), x_test)
    auroc[unknown] = [roc_auc_score(strange, e) for e in (errors_of(net, x_test), by_pca)]
table(["unknown class", "AUROC, autoencoder", "AUROC, PCA"],
      [[str(k), *both] for k, both in auroc.items()])

# %% [markdown]
# For the 2 it works. For the 1 it fails completely, below chance. Here are the mean errors of the network that never saw
# a 1, class by class, and the ink of each class, the sum of the grey levels:

# %%
of_one = errors_of(detectors[1], x_test)
table(["class", *map(str, range(10))],
      [["mean error", *(of_one[y_test == c].mean().item() for c in range(10))],
       ["mean ink", *(x_test[y_test == c].sum(1).mean().item() for c in range(10))]])

# %%
means = [of_one[y_test == c].mean() for c in range(10)]
try_it("How many of the nine known classes have a smaller mean error than the unknown 1?",
       None, int(sum(mean < means[1] for mean in means)))

# %% [markdown]
# The 1, which it never saw, has one of the smallest errors. It has the least ink, and is easy to reconstruct. The error
# measures how hard an image is to reconstruct, which is not the same as how strange it is. Test a detector on several
# unknown classes.

# %%
claim("unseen 2", "AUROC of the error where the class 2 was never seen", auroc[2][0],
      at_least=0.8, baseline=f"PCA {auroc[2][1]:.2f}")
claim("unseen 1", "AUROC of the error where the class 1 was never seen", auroc[1][0],
      at_most=0.5, baseline=f"PCA {auroc[1][1]:.2f}")
score([("AUROC on the 1", prediction_auroc, auroc[1][0])])

# %% [markdown]
# ### A threshold
#
# AUROC needs no threshold, but a detector at work does: above which error does it raise the alarm? The unknown class
# cannot be used to choose it, since at work nobody has seen it. Take the **validation images of the known classes** and
# decide how many false alarms are acceptable. At 5 % the threshold is the 95th percentile of their errors.

# %%
false_alarms = 0.05
rows = []
for unknown, net in detectors.items():
    threshold = errors_of(net, x_val[y_val != unknown]).quantile(1 - false_alarms)
    alarm, known = errors_of(net, x_test) > threshold, y_test != unknown
    rows.append([str(unknown), threshold.item(), 100 * alarm[known].float().mean().item(),
                 100 * alarm[~known].float().mean().item()])
table(["unknown class", "threshold", "false alarms on test images (%)", "found (%)"], rows)

# %% [markdown]
# The false alarms on test images are close to the 5 % that were chosen on validation images, so the threshold transfers.
# The last column shows how many unknown images are found. Of the 1s hardly any are.

# %%
try_it("Change `false_alarms = 0.05` to `0.20` and run that cell again. How many "
       "per cent of the 2s are found now?", None, rows[0][3], changed=false_alarms == 0.20)

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - Count the decoder. JPEG and PCA are strong baselines.
# - Choose a threshold on validation images of known classes. An error measures how hard an image is to reconstruct, so
#   test a detector on several unknown classes.
#
# **Deeper:** [02da](02da_tasks.ipynb) reads several properties from one code. **Next:** [lesson 03](03_manifolds.ipynb)
# asks why so few numbers are enough.
