# %% [markdown]
# # 05c · Dead units revived, and are the features useful?
#
# **Promise.** You will give dead units new weights and see what that is worth. Then you will test a common
# claim about sparse features against the baseline that it usually lacks: random features.
#
# **After this unit you can**
# 1. revive dead units, and judge the result by the error and not by the number of living units;
# 2. compare features by a probe, with random features as the baseline;
# 3. say how much of the accuracy comes from learning, from sparsity and from the width of the layer.
#
# **Before it:** unit 05; the linear probe of unit 01a or 02c; the KL code of 05a appears as one row. **Time:** about
# {minutes} minutes; the cells run in about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from IPython.utils.capture import capture_output
from torch import nn

from aecourse import data, diagrams, losses, metrics, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.sparse import SigmoidAutoencoder, SparseAutoencoder, kl_to_rate
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("05", digits.name)

# %%
train_index, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train_index], digits.y_train[train_index]  # (N, 784), (N,)
x_val, y_val = digits.x_train[valid], digits.y_train[valid]
x_test, y_test = digits.x_test, digits.y_test
mean_image = x.mean(0)  # (784,)

# %%
diagrams.flow({"x": (0, 0, "image $x$,\nbadly\nreconstructed", plots.SKY),
               "n": (1.4, 0, "network", plots.ORANGE),
               "r": (2.8, 0, "what is missing\n$x - \\hat x$", plots.SKY),
               "a": (4.4, 0, "new atom of\na dead unit", plots.YELLOW)},
              {("x", "n"): "", ("n", "r"): "", ("r", "a"): "length 1"});

# %% [markdown]
# ## 1 · Reviving dead units
#
# A dead unit is zero for every training image, so no gradient reaches it. But we can set its weights by hand. The
# diagram shows the idea of **resampling** (Bricken and others 2023). Look for an image that is badly reconstructed, and
# let the dead unit add what is missing there.

# %%
def train(model, images, epochs=3, penalty=None, seed=0):
    def loss(model, x, step):
        z = model.encode(x)
        terms = {"squared error": losses.squared_error(model.decode(z), x)}
        return terms if penalty is None else terms | {"penalty": penalty(z)}  # (B,) each
    fit(model, (images,), loss, epochs=epochs, batch=128, lr=3e-3, one_cycle=True,
        seed=seed)
    return model

# %%
@torch.no_grad()
def dead(model, images):
    return model.encode(images).amax(0) == 0  # (1000,): True for a dead unit

# %% [markdown]
# The images are chosen at random, with a probability proportional to the square of their squared error, so that the
# worst are chosen much more often. One image may be chosen several times; its atom then occurs several times, too. The
# weights of the encoder get the same direction as the new atom. They begin short, so that the new unit does not disturb
# the others at once. (Bricken and others take a fifth of the usual length. Half of the usual length gave a smaller
# error on our validation images.)

# %%
@torch.no_grad()
def resample(model, images, seed, length):
    gone = dead(model, images)
    missing = images - model(images)  # (N, 784)
    weight = missing.square().sum(1).square()  # squared error, squared
    picked = torch.multinomial(weight, int(gone.sum()), replacement=True,
                               generator=torch.Generator().manual_seed(seed))
    new_atoms = F.normalize(missing[picked], dim=1)  # (dead units, 784)
    usual = model.encoder.weight[~gone].norm(dim=1).mean()
    model.decoder.weight[:, gone] = new_atoms.T
    model.encoder.weight[gone] = length * usual * new_atoms
    model.encoder.bias[gone] = 0

# %% [markdown]
# We train top-10 networks on 3500 images, for one epoch and then for three more. We train in four ways, with and
# without resampling between the two, from PyTorch's initialisation and from the prevention of unit 05: an encoder that
# begins as the transpose of the atoms.
#
# **Predict.** From PyTorch's initialisation about nine units in ten die. How many of the 1000 will be dead at the end
# *with* resampling?

# %%
prediction_revived = None

# %%
def experiment(seed, transposed, revive, length=0.5):
    with seeded(seed):
        model = SparseAutoencoder(mean_image, k=10, transposed=transposed)
    with capture_output():  # without the lines that training prints
        train(model, x[:3500], epochs=1, seed=seed)
        if revive:
            resample(model, x[:3500], seed, length)
        train(model, x[:3500], seed=10 + seed)
    with torch.no_grad():
        errors = [losses.squared_error(model(images), images).mean().item()
                  for images in (x[:3500], x_test)]
    return int(dead(model, x[:3500]).sum()), *errors

# %%
ways = {"PyTorch's": (False, False), "PyTorch's, dead units resampled": (False, True),
        "transpose of the atoms": (True, False), "transpose, resampled": (True, True)}
found = {name: np.mean([experiment(seed, *way) for seed in (0, 1)], 0)
         for name, way in ways.items()}
table(["initialisation of the encoder", "dead of 1000, mean of two seeds",
       "squared error, training", "squared error, test"],
      [[name, *values] for name, values in found.items()])

# %%
alone, revived, started, both = found.values()
score([("dead units of 1000 after resampling", prediction_revived, float(revived[0]))])

# %% [markdown]
# Resampling brings most units back, and the error falls. The transpose of the atoms lowers the error too, at no cost,
# but it leaves many more units dead. The number of living units does not tell how much is gained. On the 3500 training
# images resampling lowers the error by more than a quarter, on test images by about half of that. The gap between the
# two grows, so a part of what the revived units learn fits the training images alone. **Judge by the error, on test
# images.** Both remedies together are not better than resampling alone.
#
# There are other remedies. Makhzani and Frey (2013) begin with a large $k$ and lower it. Gao and others (2024) add an
# auxiliary loss, in which the dead units try to reconstruct what is missing.

# %%
claim("revived", "Dead units after resampling once", revived[0], "units", at_most=450,
      seeds=2, baseline=f"without {alone[0]:.0f}; squared error {alone[2]:.1f} before, "
      f"{revived[2]:.1f} after")
claim("revival pays", "Error with resampling relative to without", revived[2] / alone[2],
      "times", at_most=0.995, seeds=2,
      baseline=f"from the transpose of the atoms {started[2] / alone[2]:.2f}, "
      f"both {both[2] / alone[2]:.2f}")

# %% [markdown]
# Resampling gives a dead unit two things, a new atom and new weights of the encoder. Are both needed? Here is one
# network more, with `length` times the usual length of the weights:

# %%
length = 0.5  # of the new encoder weights
again_dead, _, again_error = experiment(0, transposed=False, revive=True, length=length)
print(f"length {length}: {again_dead} dead units, squared error {again_error:.1f}, test")

# %%
try_it("Set `length = 0` and run that cell again: new atoms, but weights of the encoder "
       "that are zero. How many units are dead at the end?", None, again_dead,
       changed=length == 0,
       hint="What is the value of a unit whose weights and bias are zero?")

# %% [markdown]
# ## 2 · A common claim, checked
#
# > "Sparse features classify so well because training has found the parts of which digits are made."
#
# A linear probe reads the class from the code. It is a softmax regression on standardised features, the same for all.
# We compare the trained codes with raw pixels and with the baseline that is often missing, the *untrained* network:
# 1000 random projections followed by a ReLU.
#
# The trained codes are those of units 05 and 05a, trained on 7000 images. One more top-25 network is trained on all
# images, with more than twice as many steps.

# %%
def new(k=None):
    with seeded(0):
        return SparseAutoencoder(mean_image, k=k)

# %%
with seeded(0):
    kl_net = SigmoidAutoencoder(mean_image)
some, longer = x[:7000], "top-25, all images"
nets = {"no penalty": train(new(), some),
        "L1, λ = 0.3": train(new(), some, penalty=lambda z: 0.3 * z.sum(1)),
        "top-25": train(new(k=25), some),
        "KL, ρ = 0.05": train(kl_net, some, penalty=kl_to_rate),
        longer: train(new(k=25), x, epochs=3 if digits.name == "strokes" else 1)}

# %% [markdown]
# First the random features are standardised. Mean and standard deviation come from the training images.

# %%
@torch.no_grad()
def standardised(encode):
    parts = [torch.cat([encode(c) for c in t.split(5000)]) for t in (x, x_val, x_test)]
    mean, scale = parts[0].mean(0), parts[0].std(0).clamp(min=1e-3)  # a dead unit stays 0
    return [(part - mean) / scale for part in parts]

# %%
z, z_val, z_test = standardised(new().encode)  # (N, 1000) each, of the untrained network
few_labels = data.stratified_subset(y, 600)  # 60 images of each class

# %% [markdown]
# **Predict.** With 600 labels, 60 of each digit, what percentage of the test images will a probe on 1000 *random*
# features get right?

# %%
prediction_random = None

# %%
accuracies = {}  # weight decay → accuracy

# %%
decay = 0.1
with seeded(0):
    probe = nn.Linear(1000, 10)
optimiser = torch.optim.Adam(probe.parameters(), lr=1e-2)
for _ in range(100):
    nats = losses.categorical_nll(probe(z[few_labels]), y[few_labels])  # (600,)
    loss = nats.mean() + decay / 2 * probe.weight.square().sum()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
right = probe(z_test).argmax(1) == y_test  # (N,)
accuracies[decay] = 100 * right.float().mean().item()
print(f"random features, 600 labels: {accuracies[decay]:.1f} % of the test images right")

# %%
try_it("Run that cell with `decay = 0.0` and with `decay = 1.0`, too. By how many points "
       "do the best and the worst of the three differ? One decimal.", None,
       max(accuracies.values()) - min(accuracies.values()), changed=len(accuracies) >= 3)

# %% [markdown]
# The best weight decay can differ from code to code. So for each code we choose among several strengths by the
# accuracy on *validation* images, and report the accuracy on test images. `metrics.tuned_probe(train, valid, test,
# decays)` does this. Each of the three is a pair of codes and labels. It trains the probes of all strengths at once.
#
# **Predict.** With *all* labels, is the code of top-25 above or below the random features? Type `"above"` or `"below"`.

# %%
prediction_all = None

# %%
encoders = {"raw pixels": lambda x: x, "random ReLU features": new().encode,
            "random, top-25": new(k=25).encode,
            **{name: net.encode for name, net in nets.items()}}

# %%
draws = [data.stratified_subset(y, 600, seed=seed) for seed in range(3)]  # which labels
few, every = {}, {}  # features → accuracies (%)
for name, encode in encoders.items():
    code, code_val, code_test = standardised(encode)
    valid_pair, test_pair = (code_val, y_val), (code_test, y_test)
    few[name] = np.array([metrics.tuned_probe((code[i], y[i]), valid_pair, test_pair,
                                              (0.01, 0.1, 1.0)) for i in draws])
    every[name] = metrics.tuned_probe((code, y), valid_pair, test_pair, (1e-4, 1e-2),
                                      steps=500, batch=512)

# %%
axis = plt.subplots(figsize=(6.5, 3.6))[1]
axis.errorbar([v.mean() for v in few.values()], list(few), fmt="o", label="600 labels",
              xerr=[v.std(ddof=1) for v in few.values()])
axis.plot(list(every.values()), list(every), "s", label="all labels")
axis.axvline(few["random ReLU features"].mean(), color=plots.BLUE, linestyle=":")
axis.axvline(every["random ReLU features"], color=plots.ORANGE, linestyle=":")
axis.invert_yaxis()
axis.set(xlabel="accuracy on test images (%)")
axis.legend(frameon=False, loc="lower left");

# %%
side = "above" if every["top-25"] > every["random ReLU features"] else "below"
score([("accuracy of random features with 600 labels (%)", prediction_random,
        float(few["random ReLU features"].mean())),
       ("top-25 against random features, all labels", prediction_all, side)])

# %% [markdown]
# The dotted lines mark the random features. The bars are standard deviations over three choices of the 600 labels.
#
# **With all labels** (squares) random features are far ahead of raw pixels. A wide layer of any kind gives a linear
# classifier more to choose from. (Coates, Ng and Lee (2011) found that the number of features can matter as much as the
# method that learned them.) The sparse codes of 7000 images, L1 and top-25, are *worse* than the random features.
#
# **With 600 labels** (circles) L1 and top-25 are ahead of the random features. But learning alone does not help: the
# learned code without a penalty is *below* them. The table splits the gain of top-25 over raw pixels into three
# steps, in this order; another order gives other parts. The last row is not a part of it.

# %%
steps = {"width: random features − raw pixels": ("random ReLU features", "raw pixels"),
         "learning: no penalty − random features": ("no penalty", "random ReLU features"),
         "sparsity: top-25 − no penalty": ("top-25", "no penalty"),
         "more training: all images − 7000 images, top-25": (longer, "top-25")}
table(["difference in points", "600 labels", "all labels"],
      [[name, (few[a] - few[b]).mean(), every[a] - every[b]]
       for name, (a, b) in steps.items()])

# %% [markdown]
# Sparsity gains points here, but it is not *necessary*: KL, whose units are all active, does better than top-25 of the
# same 7000 images, by little with 600 labels. (KL differs in other points, too: it has a sigmoid, and atoms of any
# length.) Sparsity without learning: to keep 25 of 1000 *random* features costs many points. Top-25 trained on all
# images is better still (last row), but it had more images and more steps, and we cannot say which of the two helped.
# On MNIST it then passes the random features with all labels, too, by little.
#
# **The quoted claim is not supported.** With all labels, random features do better than the sparse codes of 7000
# images, and they contain nothing learned. With few labels the sparse codes are ahead, but a good accuracy does not
# show that the parts of digits were found.

# %%
random_few, random_every = few["random ReLU features"], every["random ReLU features"]
gain = random_every - every["raw pixels"]
gain_few = (random_few - few["raw pixels"]).mean()
claim("random features", "Random ReLU features beyond raw pixels, all labels", gain,
      "points", at_least=2, baseline=f"600 labels {gain_few:.1f}")
ahead = {name: few[name] - random_few for name in few}  # the same labels
claim("learned, few labels", "Top-25 beyond random features, 600 labels",
      ahead["top-25"].mean(), "points", at_least=0.4, seeds=3,
      spread=ahead["top-25"].std(ddof=1), baseline=f"L1 {ahead['L1, λ = 0.3'].mean():.1f}, "
      f"no penalty {ahead['no penalty'].mean():.1f}")
best = max(every[name] for name in nets)
best_few = max(few[name].mean() for name in nets) - few["raw pixels"].mean()
claim("random share", "Random features' part of the best learned code's gain over raw "
      "pixels, all labels", 100 * gain / (best - every["raw pixels"]), "%", at_least=55,
      baseline=f"600 labels {100 * gain_few / best_few:.0f} %")

# %%
claim("learning alone", "The learned code without a penalty beyond random features, 600 "
      "labels", ahead["no penalty"].mean(), "points", at_most=0, seeds=3,
      spread=ahead["no penalty"].std(ddof=1))
claim("sparse, all labels", "Better of L1 and top-25 beyond random features, all labels",
      max(every["L1, λ = 0.3"], every["top-25"]) - random_every, "points", at_most=0,
      baseline=f"KL {every['KL, ρ = 0.05'] - random_every:.1f}")
claim("sparse by itself", "Top-25 of the random features beyond all of them, 600 labels",
      ahead["random, top-25"].mean(), "points", at_most=-5)

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - Dead units can be resampled: the new atom is what is missing in a badly reconstructed image.
# - Preventing dead units costs nothing, and reviving them can gain more. Judge both by the error.
# - Compare learned features with random features of the same width.
# - With few labels, the learned code passes random features only with a penalty or top-k. With all
#   labels the sparse codes of 7000 images are below random features. Sparsity without learning harms.
#
# **Next:** [lesson 06](06_vae.ipynb) makes the code follow a distribution. [Lab 05](../work/lab05.ipynb) (on the web:
# the [sheet](../exercises/lab05/lab05.ipynb)) revives units in another way.
#
# ### Papers
# - A. Coates, A. Ng, H. Lee (2011). *An analysis of single-layer networks in unsupervised feature learning.* AISTATS,
#   215–223.
# - A. Makhzani, B. Frey (2013). *k-Sparse autoencoders.* arXiv:1312.5663; ICLR 2014.
# - T. Bricken and others (2023). *Towards monosemanticity: decomposing language models with dictionary learning.*
#   Transformer Circuits Thread.
# - L. Gao and others (2024). *Scaling and evaluating sparse autoencoders.* arXiv:2406.04093; ICLR 2025.
