# %% [markdown]
# # 03b · Depth and initialisation
#
# **Promise.** You will train the deep autoencoder that made autoencoders famous in 2006, and find out by a 2 × 2
# experiment what keeps it from failing.
#
# **After this unit you can**
# 1. derive the variance that the weights of a ReLU network should start with;
# 2. separate two changes that are made at once;
# 3. recognise a code whose units have died.
#
# **Before it:** unit 03; variance. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

from aecourse import data, diagrams, losses, metrics, plots
from aecourse.claims import Claims, say, score, table, try_it
from aecourse.models import PCA, Autoencoder, begin_at_mean, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("03", digits.name)

# %%
WIDTHS = [784, 1000, 500, 250, 30]
diagrams.layers(WIDTHS + WIDTHS[-2::-1],
                {0: "image $x$", 4: "code $z$", 8: "reconstruction $\\hat x$"},
                {"encoder": (0, 4), "decoder": (4, 8)});

# %% [markdown]
# This network has eight layers of weights. In 2006 Hinton and Salakhutdinov trained it on MNIST. They reported a
# squared error of 3.00 per test image, and 13.87 for PCA with the same latent dimension. At that time such deep networks could
# hardly be trained. From a usual initialisation their error stayed above PCA's, so the paper first trained each layer
# by itself. Does the trouble exist today?

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y, x_val = digits.x_train[train], digits.y_train[train], digits.x_train[valid]
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
pca = PCA(x)

# %% [markdown]
# ## 1 · How signals change from layer to layer
#
# A network can only use differences between images that reach its last layer. A unit computes $s = \sum_{i=1}^{n} w_i
# a_i + b$ from $n$ inputs $a_i$, which are outputs of ReLU units in the layer before. A second image gives $s'$ and
# $a_i'$ in the same unit. Let $\delta = s - s'$, and let $\delta_{\text{before}}$ be the same for a unit of the layer
# before. How large is $\delta$ at the start of training, over random weights?
#
# $$\begin{aligned}
# \delta &= \textstyle\sum_i w_i (a_i - a_i')
#   && \text{the bias is the same for both} \\
# \mathbb{E}[\delta^2] &= n \operatorname{Var}(w)\, \mathbb{E}[(a - a')^2]
#   && \text{weights: mean 0, independent} \\
# \mathbb{E}[(a - a')^2] &\le \tfrac12 \mathbb{E}[\delta_{\text{before}}^2]
#   && \text{ReLU, see below} \\
# \mathbb{E}[\delta^2] &\le \tfrac{n}{2} \operatorname{Var}(w)\, \mathbb{E}[\delta_{\text{before}}^2]
#   && \text{from layer to layer}
# \end{aligned}$$
#
# The third line: weights and biases $w, b$ and $-w, -b$ are equally likely, so a unit with $(s, s')$ and one with
# $(-s, -s')$ are, too.
# If $s$ and $s'$ have the same sign, the ReLU keeps $\delta$ in one of the two units and removes it in the other.
# That is half of $\delta^2$ on average. If their signs differ, the two units together keep $s^2 + s'^2 < \delta^2$.
#
# The factor is 1 if $\operatorname{Var}(w) = 2/n$. This is the initialisation of **He and others (2015)**, who derive
# it for the size of $s$ itself. PyTorch's default for `nn.Linear` is a uniform distribution between $-1/\sqrt n$ and
# $1/\sqrt n$. Its variance is $1/(3n)$, since a uniform distribution between $-c$ and $c$ has the variance $c^2/3$.

# %%
with seeded(0), torch.no_grad():  # PyTorch's layer, and inputs that are moved a little
    layer, s = nn.Linear(2000, 2000), torch.randn(500, 2000)
    moved = s + 0.001 * torch.randn(500, 2000)
    after_relu = layer(moved.relu()) - layer(s.relu())
    factor = (after_relu.norm() / (moved - s).norm()).item()

# %%
try_it("With PyTorch's default, by which factor is the root of the mean of δ² multiplied "
       "from one ReLU layer to the next, at most? Compute it from the last line above.",
       None, factor, says="It is the same for every width n.",
       hint="Put the variance of the default into the last line, and take the root.")

# %% [markdown]
# We measure it on untrained networks, with 500 images. For each unit we compute the variance over the images, which is
# half of the mean $\delta^2$. We average it over the units of a layer, and take the root.

# %%
def new(weights, output, seed=0):
    """An untrained network; weights "default" or "He", output bias "default" or "mean"."""
    with seeded(seed):
        model = Autoencoder(WIDTHS)
        for layer in model.modules():
            if weights == "He" and isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # variance 2/n
                nn.init.zeros_(layer.bias)
    return begin_at_mean(model, x) if output == "mean" else model

# %%
def differences(model, images):
    found, a = [], images
    for layer in [*model.encoder, *model.decoder]:
        a = layer(a)
        if isinstance(layer, nn.Linear):
            found.append(a.var(0).mean().sqrt().item())
    return found  # eight numbers, one for each layer of weights

# %%
axis = plt.subplots(figsize=(6, 3.2))[1]
with torch.no_grad():
    for weights, style, square in (("default", "o-", 1 / 6), ("He", "s--", 1)):
        measured = differences(new(weights, "default"), x_val[:500])
        limit = [measured[0]]
        for place in range(2, 9):  # layer 5 gets the code, which has no ReLU
            limit.append(limit[-1] * (2 * square if place == 5 else square) ** 0.5)
        axis.plot(range(1, 9), measured, style, label=weights)
        axis.plot(range(1, 9), limit, ":", color="grey",
                  label="limit" if weights == "He" else None)
axis.set(yscale="log", xlabel="layer", ylabel="standard deviation over images")
axis.legend(frameon=False, title="weights");

# %% [markdown]
# Dotted lines show the limits from the derivation. With the default weights the differences follow their limit
# closely, and nearly nothing about the input reaches the output. Only the step from layer 4 to 5 is smaller: layer 4
# gives the code, which has no ReLU, so the factor 1/2 is missing. With He's weights most of the differences survive.
# They stay a little below the limit, since some images get different signs in the same unit.

# %%
signal = {}
with torch.no_grad():
    for weights in ("default", "He"):
        signal[weights] = differences(new(weights, "default"), x_val[:500])[-1]
claim("signals", "Differences between images that reach the output with default weights, "
      "relative to He's", signal["default"] / signal["He"], "times", at_most=0.1)

# %% [markdown]
# ## 2 · Two changes, four networks
#
# The output goes through a sigmoid, since pixels lie between 0 and 1. That suggests a second change. A network whose
# last layer gives about 0 begins with a grey image, sigmoid(0) = 0.5, and first has to learn that most pixels are
# black. `begin_at_mean(model, x)` sets the bias of the last layer to the logit of the mean image, so that the network
# begins with the mean image. The helper `he` of unit 03 makes **both** changes. Which one does the work? Four
# networks, each change with and without the other, trained for four epochs on 10,000 images:
#
# **Predict.** Which change alone gives the smaller error: `"weights"` or `"bias"`?

# %%
prediction_alone = None

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(torch.sigmoid(model(x)), x)}


def train_four(seed):
    """(weights, output bias) → validation error after each epoch."""
    curves = {}
    for weights in ("default", "He"):
        for output in ("default", "mean"):
            history = fit(new(weights, output, seed), (x[:10_000],), squared_error,
                          epochs=4, lr=1e-3, held_out=(x_val,))
            curves[weights, output] = history.held_out["loss"]
    return curves


curves = train_four(0)

# %%
axis = plt.subplots(figsize=(6.5, 3.6))[1]
for (weights, output), colour in zip(curves, plots.CLASSES.colors, strict=False):
    errors = curves[weights, output]
    axis.plot(range(1, len(errors) + 1), errors, "o-" if weights == "He" else "s--",
              color=colour, label=f"weights {weights}, output bias {output}")
axis.axhline(pca.error(x_val, 30), color="grey", linestyle=":", label="30-dimensional PCA")
mean_image = (x_val - x.mean(0)).square().sum(1).mean().item()
axis.axhline(mean_image, color="grey", linestyle="-", label="mean image")
axis.set(xlabel="epoch over 10,000 images", xticks=range(1, 5), ylim=(0, 100),
         ylabel="squared error per image")
axis.legend(frameon=False, fontsize=9, ncols=2, loc="upper center");

# %%
after = {name: curve[-1] for name, curve in curves.items()}
table(["error after four epochs", "output bias default", "output bias at the mean"],
      [[f"weights {w}", after[w, "default"], after[w, "mean"]] for w in ("default", "He")])

# %%
fallen = {name: after["default", "default"] - after[name] for name in after}
alone = {"weights": fallen["He", "default"], "bias": fallen["default", "mean"]}
say(f"He's weights alone lower the error by {alone['weights']:.0f}, the output bias alone "
    f"by {alone['bias']:.0f}, and both together by {fallen['He', 'mean']:.0f}. The error "
    "with PyTorch's default is "
    f"{after['default', 'default'] / after['He', 'mean']:.1f} times as large as with both.")

# %% [markdown]
# Each change helps, with and without the other. The weights help more. Without both, the error after the whole first
# epoch is still that of the mean image (grey line); then it falls slowly. So the trouble of 2006 exists today in part:
# this training is slow, not stuck. The bias saves the time to learn the mean image. The weights let the differences
# between images through, and these are what a code is for.

# %%
score([("which change alone helps more", prediction_alone, max(alone, key=alone.get))])
claim("first weights", "Validation error from PyTorch's initialisation, relative to `he`",
      after["default", "default"] / after["He", "mean"], "times", at_least=1.5,
      baseline=f"default {after['default', 'default']:.1f}, he {after['He', 'mean']:.1f}, "
      f"PCA {pca.error(x_val, 30):.1f}")
claim("bias alone", "The same, from default weights with the output bias at the mean image",
      after["default", "mean"] / after["He", "mean"], "times", at_least=1.3,
      baseline=f"{after['default', 'mean']:.1f}")
claim("weights alone", "The same, from He's weights with the default output bias",
      after["He", "default"] / after["He", "mean"], "times", at_least=1.05,
      baseline=f"{after['He', 'default']:.1f}")

# %%
SEED = 0  # of the initialisation
yours = curves if SEED == 0 else train_four(SEED)
for name in curves:
    print(f"weights, output bias {name}: {curves[name][-1]:.1f}, seed {SEED}: "
          f"{yours[name][-1]:.1f}")

# %%
try_it("Is this one lucky initialisation? Change `SEED = 0` to `SEED = 1` and run that "
       "cell again (half a minute). What is the error with both changes now?", None,
       yours["He", "mean"][-1], changed=SEED == 1,
       says="Compare the differences between the seeds with those between the networks. Is "
            "the order of the four networks the same?")

# %% [markdown]
# ## 3 · The network of 2006
#
# For a longer training we use `he`, and one choice that was made on the validation images: the activation *SiLU*, $x
# \cdot \text{sigmoid}(x)$, a ReLU with a smooth corner.

# %%
with seeded(0):
    best = he(Autoencoder(WIDTHS, nn.SiLU), x)
history = fit(best, (x,), squared_error, epochs=4 * more, batch=192, lr=2.5e-3,
              one_cycle=True, held_out=(x_val,))

# %%
def error(images):
    with torch.no_grad():
        return losses.squared_error(torch.sigmoid(best(images)), images).mean().item()


error_deep, error_train = error(x_test), error(x[:10_000])
table(["images", "squared error per image"],
      [["training", error_train], ["test", error_deep],
       ["test, 30-dimensional PCA", pca.error(x_test, 30)]])

# %% [markdown]
# Layers need not be trained one by one any more. The error on test images is larger than on training images, a
# generalisation gap. A longer training, with data augmentation against memorising, gets below the paper's result on
# MNIST. `benchmarks/papers.py` runs it, and `RESULTS.md` reports it.
#
# Can a linear classifier read the class from the code? `metrics.probes` trains such a **linear probe** on the codes,
# once with the labels of one training image in ten, and once with one in a hundred, and returns both test accuracies.
# The training of the autoencoder did not ask for classes, so a smaller error does not promise a better probe.
#
# **Predict.** Whose 30-dimensional code has the better probe with one label in ten: `"deep"` or `"PCA"`?

# %%
prediction_probe = None

# %%
probes = metrics.probes(best.encode, x, y, x_test, y_test)
of_pca = metrics.probes(lambda images: pca.encode(images, 30), x, y, x_test, y_test)
table(["labels for", "deep code: probe's accuracy (%)", "PCA: probe's accuracy (%)"],
      [["one image in ten", probes[0], of_pca[0]],
       ["one image in a hundred", probes[1], of_pca[1]]])

# %%
score([("the better probe", prediction_probe, "deep" if probes[0] > of_pca[0] else "PCA")])
claim("784-1000-500-250-30", "Squared error per test image, 30 numbers", error_deep,
      "squared grey levels", at_most=0.5 * pca.error(x_test, 30),
      baseline=f"PCA {pca.error(x_test, 30):.2f}; on training images {error_train:.2f}; "
      f"{history.seconds:.0f} s of training",
      paper="3.00, logistic PCA 8.01 (Hinton and Salakhutdinov 2006)")
claim("deep code, probe", "Linear probe on that code, labels for one image in ten",
      probes[0], "% test accuracy", at_least=70,
      baseline=f"one in a hundred {probes[1]:.1f}; PCA "
      f"{of_pca[0]:.1f} and {of_pca[1]:.1f}")

# %% [markdown]
# ## 4 · A failure study: a two-dimensional code with a ReLU
#
# Unit 02a counted dead units of a code with a ReLU: units that give 0 for every image and receive no gradient. In a
# two-dimensional code, the death of one unit is the loss of half the code. How often does it happen? We train ten small
# networks that differ only in their seed, that is, in their initialisation and the order of their batches.
#
# **Predict.** Of ten networks, how many keep both units alive?

# %%
prediction_alive = None

# %%
def plain_error(model, x, step):
    return {"squared error": losses.squared_error(model(x), x)}


def ten_networks(relu):
    """(Living units, squared error) of ten networks, with a ReLU on the code or without."""
    results = []
    for seed in range(10):
        with seeded(seed):
            net = Autoencoder([784, 64, 2])
        if relu:
            net.encoder.append(nn.ReLU())
        fit(net, (x[:5000],), plain_error, epochs=8, lr=1e-3, seed=seed)
        with torch.no_grad():
            living = int((net.encode(x_val).amax(0) > 0).sum())
        results.append((living, metrics.reconstruction_error(net, x_test)))
    return results


results = ten_networks(relu=True)

# %%
rows = []
for living in (0, 1, 2):
    there = [e for n, e in results if n == living]
    rows.append([living, len(there), sum(there) / len(there) if there else None])
table(["living units", "networks of ten", "mean squared error"], rows)

# %% [markdown]
# A dead unit gets no gradient (unit 02a). A network that lost both gives the same image for every input, at best the
# mean image. The outcome depends on the seed. On MNIST one living unit is nearly as good as two here. Probably so short
# a training hardly uses the second one. A loss curve alone says only that the training went badly. The count of living units says
# why.

# %%
score([("networks of ten with both units alive", prediction_alive, rows[2][1])])
claim("dying maps", "Networks of ten that lost one or both units of a two-dimensional "
      "code with a ReLU", rows[0][1] + rows[1][1], "of 10", seeds=10, at_least=1,
      baseline=f"mean image {(x_test - x.mean(0)).square().sum(1).mean():.1f}")

# %%
RELU = True
ten = results if RELU else ten_networks(RELU)
mean_error = sum(error for _, error in ten) / 10
print(f"ReLU on the code: {RELU}. Mean error of the ten networks: {mean_error:.1f}")

# %%
try_it("Change `RELU = True` to `RELU = False` and run that cell again. What is the mean "
       "error now?", None, mean_error, changed=not RELU,
       says="The fix is the same as in unit 02a: no ReLU on the code.")

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - Weights with variance $2/n$ keep differences between images alive through many ReLU layers. PyTorch's default
#   divides their mean square by 6 at each layer.
# - An output bias at the mean image saves the time to learn the mean. Its gain is smaller, and it adds to
#   that of the weights.
# - Change one thing at a time. Two changes need four runs.
# - With both, a deep autoencoder trains without pre-training, and its error is a fraction of PCA's.
# - Units of a small code with a ReLU often die.
#
# **Deeper:** [03c](03c_interpolation.ipynb) checks what lies between two images. **Next:**
# [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - G. E. Hinton, R. R. Salakhutdinov (2006). *Reducing the dimensionality of data with neural networks.* Science 313,
#   504–507.
# - K. He, X. Zhang, S. Ren, J. Sun (2015). *Delving deep into rectifiers: surpassing human-level performance on
#   ImageNet classification.* ICCV, 1026–1034.
