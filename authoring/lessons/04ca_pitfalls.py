# %% [markdown]
# # 04ca · Two pitfalls of denoising
#
# **Promise.** You will find out when the factor in dropout matters, and what a squared error after a sigmoid does at a
# high learning rate.
#
# **After this unit you can**
# 1. say how dropout differs from masking, and on which images the difference shows;
# 2. look at logits and gradients to explain how training ended.
#
# **Before it:** units 04 and 02b (cross-entropy). **Time:** about {minutes} minutes; the cells run in less than a
# minute on two cores.

# %%
import numpy as np
import torch
from torch import nn

from aecourse import corruption, data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.metrics import psnr
from aecourse.models import Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("04", digits.name)

# %%
diagrams.flow({"x": (0, 0.5, "image", plots.SKY),
               "m": (1.6, 1, "masking", plots.YELLOW),
               "d": (1.6, 0, "dropout", plots.YELLOW),
               "a": (3.6, 1, "half the pixels are 0,\nthe others stay"),
               "b": (3.6, 0, "half the pixels are 0,\nthe others are doubled")},
              dict.fromkeys([("x", "m"), ("x", "d"), ("m", "a"), ("d", "b")], ""),
              size=(9.5, 2.3));

# %% [markdown]
# Both corruptions set half of the pixels to 0. Dropout has a factor for the others.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = digits.x_train[train]
x_test, y_test = digits.x_test[:1000], digits.y_test[:1000]
noisy = corruption.gaussian(x_test, 0.5, torch.Generator().manual_seed(6))
some = plots.first_of_each(y_test)


def dense(widths, seed=0):
    with seeded(seed):
        return nn.Sequential(he(Autoencoder(widths, nn.SiLU), x), nn.Sigmoid())

# %% [markdown]
# ## 1 · Dropout, and its rescaling
#
# Masking looks like *dropout* at the input, and `nn.Dropout(0.5)` is often used for it. There is a difference. Dropout
# sets each pixel to 0 with probability $p$, and it divides what it keeps by $1 - p$, so that the sum stays the same on
# average. A white pixel that is kept is then 2 and not 1. At test time dropout does nothing. Does the factor matter?
#
# We train once with masking and once with masking and the factor ("masked and rescaled", as dropout does), three seeds
# each. Both are tested on images masked as in
# their own training, and on clean images.
#
# **Predict.** On which test images does the factor matter: `"masked"` or `"clean"`?

# %%
prediction_rescaling = None

# %%
masks = {"masked": lambda x, noise: corruption.masking(x, 0.5, noise),
         "masked and rescaled": lambda x, noise: 2 * corruption.masking(x, 0.5, noise)}
measured, kept = {name: [] for name in masks}, {}
for seed in range(3):
    for name, corrupt in masks.items():
        net = dense([784, 256, 64], seed)
        fit(net, (x[:5000],), corruption.denoising(corrupt), epochs=3, batch=128, lr=4e-3,
            one_cycle=True, seed=seed)
        masked = corrupt(x_test, torch.Generator().manual_seed(7))
        with torch.no_grad():
            measured[name].append([psnr(net(t), x_test).mean().item()
                                   for t in (masked, x_test)])
        kept[name] = net  # the last seed's network

# %%
by_seed = {name: np.array(v) for name, v in measured.items()}  # (3 seeds, 2 tests)
table(["trained on", "PSNR of masked test images (dB)", "± over 3 seeds",
       "PSNR of clean test images (dB)", "± over 3 seeds"],
      [[name, *np.stack([v.mean(0), v.std(0, ddof=1)], 1).flatten()]
       for name, v in by_seed.items()])
effect = (by_seed["masked and rescaled"] - by_seed["masked"]).mean(0)
score([("the factor matters on", prediction_rescaling,
        "clean" if abs(effect[1]) > abs(effect[0]) else "masked")])

# %% [markdown]
# On masked images both agree: the weights of the first layer can undo any factor. On clean images they differ. To the
# network trained with masking alone, a clean image has about twice as much ink as its masked version. With dropout's factor
# the sum of the inputs stays about the same, so a clean image is closer to what the network was trained on. On masked
# images the factor changes nothing. It may matter if the network is given clean images later, for example as the first
# layers of a classifier.

# %%
claim("rescaling, masked", "PSNR gained by dropout's rescaling on masked images",
      effect[0], "dB", seeds=3, near=0, within=0.4)
claim("rescaling, clean", "PSNR gained by dropout's rescaling on clean images",
      effect[1], "dB", seeds=3, at_least=1)

# %% [markdown]
# If twice the ink is the cause, the network trained with masking alone should do better on clean images with less ink. Here
# they are made darker by a factor; the outputs are compared with the unchanged images.

# %%
brightness = 1.0
with torch.no_grad():
    darker = psnr(kept["masked"](brightness * x_test), x_test).mean().item()
    rescaled = psnr(kept["masked and rescaled"](x_test), x_test).mean().item()
print(f"brightness {brightness}: {darker:.1f} dB")

# %%
try_it("Change `brightness = 1.0` to `brightness = 0.5`. What is the PSNR of the output "
       "now, in dB?", None, darker, changed=brightness == 0.5,
       says=f"On unchanged clean images, the rescaled network has {rescaled:.1f} dB.")

# %% [markdown]
# ## 2 · Two losses at a high learning rate
#
# A widespread way to write a denoiser ends in a sigmoid and takes the squared error, as we did, often with a high
# learning rate. We take a small network, one layer to the code and one back, with PyTorch's default initialisation, the
# rate 0.03 (unit 04 had at most 0.004), and three seeds. For comparison: the same network, rate and seeds, with the cross-entropy of unit 02b on
# the logits.
#
# **Predict.** The noisy images have about 9 dB, and on MNIST the dense denoiser of unit 04 reaches 19. How many decibels
# does this network reach with the squared error?

# %%
prediction_squared = None

# %%
def squared_error(model, x, step):
    output = torch.sigmoid(model(corruption.gaussian(x, 0.5, step.generator)))
    return {"squared error": losses.squared_error(output, x)}


def cross_entropy(model, x, step):
    logits = model(corruption.gaussian(x, 0.5, step.generator))
    return {"cross-entropy": losses.bernoulli_nll(logits, x)}

# %%
logits = {}  # (loss, seed) → (1000, 784)
for loss in (squared_error, cross_entropy):
    for seed in range(3):
        with seeded(seed):
            model = Autoencoder([784, 128])
        fit(model, (x[:10_000],), loss, epochs=2, batch=128, lr=0.03, seed=seed)
        with torch.no_grad():
            logits[loss.__name__, seed] = model(noisy)
outputs = {key: torch.sigmoid(value) for key, value in logits.items()}

# %%
decibels = {name: [psnr(outputs[name, s], x_test).mean().item() for s in range(3)]
            for name in ("squared_error", "cross_entropy")}
middle = {name: logits[name, 0].median().item() for name in decibels}
zero = {name: 100 * (outputs[name, 0] == 0).float().mean().item() for name in decibels}
white = {name: 100 * (outputs[name, 0][x_test > 0.5] == 0).float().mean().item()
         for name in decibels}
black, average = (psnr(same.expand_as(x_test), x_test).mean().item()
                  for same in (torch.zeros(784), x.mean(0)))

# %%
table(["loss", "PSNR (dB)", "± over 3 seeds", "median logit", "outputs exactly 0 (%)",
       "of white pixels (%)"],
      [[name, f"{np.mean(v):.1f}", f"{np.std(v, ddof=1):.1g}", middle[name], zero[name],
        white[name]] for name, v in decibels.items()]
      + [[name, value, *[None] * 4] for name, value in
         (("a black image", black), ("mean training image", average))])
score([("PSNR with the squared error (dB)", prediction_squared,
        float(np.mean(decibels["squared_error"])))])

# %%
plots.images({"noisy": noisy[some], "squared error": outputs["squared_error", 0][some],
              "cross-entropy": outputs["cross_entropy", 0][some]}, zoom=0.8);

# %% [markdown]
# Middle row: the same picture for every image, black except for a few white specks (outputs of 1). The table shows that
# the seeds end at about the PSNR of a black image, below that of the mean training image. Four of five pixels of a digit
# are black, so perhaps the first large steps push nearly all logits far below 0. Let $x$ be the clean pixel, $a$ the
# logit and $\hat x$ its sigmoid. Then
#
# $$\begin{aligned}
# \frac{d}{da} (\hat x - x)^2 &= 2 (\hat x - x)\, \frac{d\hat x}{da} && \text{chain rule} \\
# &= 2 (\hat x - x)\, \hat x (1 - \hat x) && \text{derivative of the sigmoid}
# \end{aligned}$$
#
# A small gradient alone would not stop Adam. It divides each gradient by the root of the running mean of its squares, so
# a gradient that has been 1,000 times smaller for long gives the same step, unless it is below Adam's constant
# $\varepsilon = 10^{-8}$. But look at the last columns: most outputs are exactly 0 in 32-bit arithmetic (MNIST: 94 %),
# also most of those that should be white ($x > 0.5$). There the gradient is **exactly 0**, and no optimiser can enlarge
# 0. (In the white specks $1 - \hat x$ is exactly 0.) The
# gradient of the cross-entropy is $\hat x - x$. It is large wherever the error is large, and the last row shows digits.
#
# Why did we use the squared error in unit 04? It is what PSNR measures. There, among other things, four settings are different (the
# rate, its schedule, the initialisation, and the depth), and it does not collapse.

# %%
claim("collapse", "PSNR after squared error through a sigmoid at a high rate",
      np.mean(decibels["squared_error"]), "dB", seeds=3, at_most=black + 0.5,
      spread=np.std(decibels["squared_error"], ddof=1),
      baseline=f"a black image {black:.2f}")
claim("mended", "PSNR after cross-entropy, all else equal",
      np.mean(decibels["cross_entropy"]), "dB", seeds=3, at_least=black + 3,
      spread=np.std(decibels["cross_entropy"], ddof=1))

# %%
def gradient_at(logit):  # of the squared error by the logit, for a white pixel, x = 1
    x_hat = torch.sigmoid(torch.tensor(logit))
    return (2 * (x_hat - 1) * x_hat * (1 - x_hat)).item() + 0.0  # + 0.0: −0 becomes 0


at_logit = -5.0
print(f"gradient {gradient_at(at_logit):.3g}; of the cross-entropy "
      f"{torch.sigmoid(torch.tensor(at_logit)).item() - 1:.3g}")

# %%
first_zero = next(k for k in range(-1, -1000, -1) if gradient_at(float(k)) == 0)
try_it("Change `at_logit = -5.0` until you find the first whole number, going down, at "
       "which the gradient of the squared error is exactly 0.", None, first_zero,
       changed=at_logit != -5, hint="Halve the interval in which it must lie.",
       says=f"exp({-first_zero}) is above the largest 32-bit number, so the sigmoid is "
       "1/∞ = 0. The gradient of the cross-entropy is −1 there.")

# %% [markdown]
# Does each of the four differences to unit 04 prevent the collapse alone? `ended` trains with the squared error as
# above, with one setting changed, seed 0. (`he` also begins at the mean image.)

# %%
CHANGES = ({"lr": 0.004}, {"one_cycle": True}, {"use_he": True}, {"widths": [784, 256, 64]})


def ended(widths=(784, 128), use_he=False, lr=0.03, one_cycle=False):  # → PSNR
    with seeded(0):
        once = Autoencoder(widths)
        if use_he:
            he(once, x)
    fit(once, (x[:10_000],), squared_error, epochs=2, batch=128, lr=lr, one_cycle=one_cycle)
    with torch.no_grad():
        return psnr(torch.sigmoid(once(noisy)), x_test).mean().item()

# %%
change = {}
print(f"changed: {change}, PSNR {ended(**change):.1f} dB, a black image {black:.1f} dB")

# %%
alone = [ended(**one) for one in CHANGES]
try_it("Replace `{}` by each of the four `CHANGES` in turn. How many of them end at "
       "least 2 dB above the black image?", None, sum(end > black + 2 for end in alone),
       changed=bool(change),
       says=", ".join(f"{c}: {end:.1f} dB" for c, end in zip(CHANGES, alone, strict=True)))

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - Dropout is masking with a factor. The factor matters when the network is given clean images later.
# - Squared error after a sigmoid can collapse to black, where its gradient is exactly 0. Cross-entropy did not. Other
#   settings of the training can prevent it, too.
#
# **Next:** [lesson 05](05_sparse.ipynb) keeps the code wide and makes few of its units active.
#
# ### Papers
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). *Extracting and composing robust features with
#   denoising autoencoders.* ICML, 1096–1103.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov (2014). *Dropout: a simple way to prevent
#   neural networks from overfitting.* Journal of Machine Learning Research 15, 1929–1958.
