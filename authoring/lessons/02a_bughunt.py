# %% [markdown]
# # 02a · Bug hunt: a popular recipe
#
# **Promise.** You will find three faults in popular autoencoder code that runs without an error, and prove the worst of
# them with a lower bound that no training can pass.
#
# **After this unit you can**
# 1. compute the smallest error that an output layer can reach, before any training;
# 2. report a loss that means something;
# 3. count dead units.
#
# **Before it:** unit 02. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from aecourse import data, diagrams, metrics, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import Autoencoder
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("02", digits.name)
WIDTHS = [784, 128, 64, 32]  # Autoencoder(WIDTHS) is the network of unit 02

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_val, x_test = digits.x_train[train], digits.x_train[valid], digits.x_test
ten = plots.first_of_each(digits.y_test)
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer

# %% [markdown]
# ## 1 · The recipe
#
# This recipe is found in many tutorials: scale the images to $[-1, 1]$, end the decoder in a sigmoid, train with
# `nn.MSELoss()`, and print the loss at the end of each epoch.

# %%
diagrams.flow({"x": (0, 0, "image $x$", plots.SKY),
               "t": (1, 0, "target $t$", plots.SKY),
               "net": (2, 0, "autoencoder", plots.ORANGE),
               "s": (3, 0, "sigmoid", plots.ORANGE),
               "p": (4, 0, "output $p$", plots.SKY)},
              {("x", "t"): "2x − 1", ("t", "net"): "", ("net", "s"): "", ("s", "p"): ""});

# %% [markdown]
# The diagram shows the path of an image through the recipe. The target is both the input of the network and what its
# output is compared with. The code runs without an error. **Look for two faults** in it before you read on. (A mean over
# pixels in place of a sum, or a missing validation loss, would be a matter of style here, not a fault.)

# %%
t_train, t_test = 2 * x - 1, 2 * x_test - 1  # what Normalize((0.5,), (0.5,)) does
with seeded(0):
    recipe = nn.Sequential(Autoencoder(WIDTHS), nn.Sigmoid())
optimiser = torch.optim.Adam(recipe.parameters(), lr=1e-3)
batch_losses, n = [], len(x) // 3  # a third of the images is enough to see it
for epoch in range(3):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(epoch))
    for index in order.split(256):
        loss = nn.MSELoss()(recipe(t_train[index]), t_train[index])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        batch_losses.append(loss.item())
    print(f"epoch {epoch + 1}: loss {loss.item():.4f}")

# %%
try_it("What is the smallest error (p − t)² that this network can have on a black pixel? "
       "Type the number in place of None.",
       None, (t_test.min() ** 2).item(),
       hint="What is t for a black pixel, and which values can p have?")

# %% [markdown]
# ## 2 · Fault one: a floor under the loss
#
# A target $t$ lies in $[-1, 1]$, the output $p$ of a sigmoid in $(0, 1)$. For a target above 0 the best output is $t$
# itself. For a target below 0 the best output is 0, and the error $t^2$ remains. So no training, however long, can
# bring the mean squared error per pixel below
#
# $$\text{floor} = \frac{1}{784}\sum_{i=1}^{784} \min(t_i, 0)^2 .$$
#
# **Predict.** Suppose that the output is 0 everywhere, whatever the image. On the target's scale that is mid-grey. How
# many times the floor is the error of this zero output: 1.1, 2 or 10 times?

# %%
prediction_zero = None

# %%
floor = t_test.clamp(max=0).square().mean().item()
zero = t_test.square().mean().item()  # the error of p = 0


def mse(network):
    with torch.no_grad():
        return (network(t_test) - t_test).square().mean().item()


print("mean squared error per pixel:")
print(f"floor {floor:.4f}, recipe {mse(recipe):.4f}, zero output {zero:.4f}")

# %% [markdown]
# Most pixels of a digit are black, $t = -1$, so most of the error can never be removed. And the recipe has not even
# reached the floor: it gives nearly 0 for every digit, and stays there. The reason lies in the gradient. Call $a$ the
# input of the sigmoid (the **logit**) and $p = \text{sigmoid}(a)$. Then
#
# $$\begin{aligned}
# \frac{\partial (p - t)^2}{\partial a} &= 2(p - t)\,\frac{\partial p}{\partial a} && \text{chain rule} \\
# &= 2(p - t)\,p(1-p) && \text{derivative of the sigmoid}
# \end{aligned}$$
#
# Near $p = 0$ this is about $-2p$ for a white pixel ($t = 1$), which pulls the output up, and $+2p$ for a black one
# ($t = -1$), which pulls it down. There are far more black pixels, so they win almost everywhere. And as $p$ falls
# towards 0, every pull falls with it, so the output hardly comes back.
#
# The fix is to train on images in $[0, 1]$. Then a black pixel has $t = 0$ and pulls down with the strength $2p^2$ only,
# which near 0 is far less than the $2p$ of a white one. To come nearer to the floor, we also help the recipe: we train
# the fixed network for longer, copy it, and continue the copy with the recipe from these good weights.

# %%
def squared_error(model, x, step):
    return {"squared error": (model(x) - x).square().sum(1)}


with seeded(0):
    fixed = nn.Sequential(Autoencoder(WIDTHS), nn.Sigmoid())
fit(fixed, (x[:n],), squared_error, epochs=3, held_out=(x_val,))  # as long as the recipe
error_of_fixed = metrics.reconstruction_error(fixed, x_test)
fit(fixed, (x[:n],), squared_error, epochs=4 * more, lr=3e-3)
helped = copy.deepcopy(fixed)
fit(helped, (t_train[:n],), squared_error, epochs=4 * more)  # targets in [−1, 1]
print(f"the floor of an image of 784 pixels: {784 * floor:.0f}")
removed = (zero - mse(helped)) / (zero - floor)
print(f"floor {floor:.4f}   helped recipe {mse(helped):.4f}   zero output {zero:.4f}")
print(f"part of the error between zero output and floor that it removes: {removed:.2f}")

# %%
with torch.no_grad():
    p_stuck, p_helped = recipe(t_test[ten]), helped(t_test[ten])
    x_fixed = fixed(x_test[ten])
plots.images({"original": x_test[ten], "recipe": (p_stuck + 1) / 2,
              "helped recipe": (p_helped + 1) / 2, "helped recipe, p itself": p_helped,
              "fixed": x_fixed});

# %% [markdown]
# In these pictures an output $p$ stands for a target in $[-1, 1]$, so its grey level is $(p + 1)/2$. The recipe's
# picture is an even grey. The helped recipe shows strokes, but mid-grey where black should be. After these few epochs
# its error is still above the floor. In the fourth row its background looks black only because the scale was changed without
# saying so. A picture that is stretched to its own darkest and brightest pixel hides the fault in the same way. The
# background of the fixed network is black; its strokes are still rough after so few images.

# %%
error_of_mean = (x_test - x.mean(0)).square().sum(1).mean().item()
of_recipe = 196 * mse(recipe)  # 784 pixels; on the scale of [0, 1] a square is a quarter
claim("floor", "Error of the helped recipe, relative to the floor", mse(helped) / floor,
      "times", at_least=1.0, at_most=1.15)
claim("removed", "Part of the error between a zero output and the floor that the helped "
      "recipe removes", removed, at_least=0.3)
claim("black", "Error of the recipe, relative to that of an output of 0 everywhere",
      mse(recipe) / zero,
      "times", near=1.0, within=0.03, baseline=f"floor {floor / zero:.2f}")
claim("mended", "Error of the fixed network after as many steps", error_of_fixed,
      "squared grey levels", at_most=0.5 * of_recipe,
      baseline=f"mean image {error_of_mean:.1f}, recipe {of_recipe:.0f}")
score([("error of an output of 0, relative to the floor", prediction_zero, zero / floor)])

# %% [markdown]
# Another fix keeps the targets in $[-1, 1]$ and changes the last layer:

# %%
ending = nn.Sigmoid()
with seeded(0):
    other = nn.Sequential(Autoencoder(WIDTHS), ending)
fit(other, (t_train[:n],), squared_error, epochs=3)
print(f"error {mse(other):.4f}, relative to the sigmoid's floor {mse(other) / floor:.2f}")

# %%
try_it("Change `nn.Sigmoid()` to `nn.Tanh()`, whose output lies between −1 and 1, and run "
       "that cell again. What is the error now, relative to the floor?",
       None, mse(other) / floor, changed=isinstance(ending, nn.Tanh))

# %% [markdown]
# ## 3 · Fault two: the loss of the last batch
#
# The recipe prints the loss of the last batch. Here is the loss of every batch of its second and third epoch, with the
# printed ones marked:

# %%
per_epoch = np.array(batch_losses).reshape(3, -1)  # (epochs, batches)
of_epoch = per_epoch.shape[1]  # batches in an epoch
numbers = np.arange(of_epoch, 3 * of_epoch)
axis = plt.subplots(figsize=(8, 2.8))[1]
axis.plot(numbers, batch_losses[of_epoch:], linewidth=1, label="each batch")
axis.plot(numbers[[of_epoch - 1, -1]], per_epoch[1:, -1], "o", color=plots.VERMILION,
          label="printed")
axis.axvline(2 * of_epoch, color="grey", linestyle=":")
axis.set(xlabel="batch", ylabel="mean squared error per pixel")
axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1));

# %% [markdown]
# The dotted line separates the epochs. We compare the **noise**, the standard deviation of an epoch's last 50 batch
# losses, with the **change** of the epochs' means:

# %%
def noise_and_change(epoch):  # of an epoch, and since the one before it
    noise = per_epoch[epoch - 1, -50:].std(ddof=1)
    return noise, abs(per_epoch[epoch - 1].mean() - per_epoch[epoch - 2].mean())


noise, change = noise_and_change(3)
print("printed:           ", np.round(per_epoch[:, -1], 4))
print("mean of each epoch:", np.round(per_epoch.mean(1), 4))
print(f"epoch 3: noise {noise:.2e}, change {change:.2e}")

# %% [markdown]
# From batch to batch the loss varies far more than its mean changes from epoch to epoch. This network is stuck, and yet
# the printed numbers rise and fall as if something happened. They show which images the last batch happened to hold.
# Report a mean over all images of the epoch, or better, over validation images.

# %%
claim("last batch",
      "Batch-to-batch noise of the printed loss ÷ the last epoch's improvement",
      noise / change, "times", at_least=3)

# %% [markdown]
# A stuck network has no progress. What if it still learns, as the recipe did at its beginning?

# %%
epoch = 3
noise_there, change_there = noise_and_change(epoch)
print(f"epoch {epoch}: noise {noise_there:.2e}, change {change_there:.2e}")

# %%
try_it("Change `epoch = 3` to `epoch = 2` and run that cell again. How many times larger "
       "is the noise than the change now? Divide the two numbers.",
       None, noise_there / change_there, changed=epoch == 2)

# %% [markdown]
# ## 4 · A third fault: a ReLU on the code
#
# Many tutorials also put a ReLU after the code layer. Then no entry of the code can be negative. A unit whose input is
# negative for *every* image gives 0 for all of them. Its weights then receive no gradient. It is **dead**, and stays so
# unless a change of the layers before it wakes it by chance.
#
# **Predict.** Of the 32 units of a code with a ReLU, how many will be dead after a usual training, on average over three
# seeds?

# %%
prediction_dead = None

# %%
def build(relu, seed):
    with seeded(seed):
        model = Autoencoder(WIDTHS)
    if relu:
        model.encoder.append(nn.ReLU())
    return model


def dead_units(model):
    with torch.no_grad():
        return int((model.encode(x).amax(0) == 0).sum())  # 0 for every training image

# %%
def compare(lr):
    """Return a row for each seed: dead units before and after training, and both errors."""
    found = []
    for seed in range(3):
        linear, relu = build(False, seed), build(True, seed)
        at_start, errors = dead_units(relu), []
        for net in (linear, relu):
            fit(net, (x[:n],), squared_error, epochs=4 * more, lr=lr, one_cycle=True,
                seed=seed)
            errors.append(metrics.reconstruction_error(net, x_test))
        found.append([str(seed), at_start, dead_units(relu), *errors])
    return found

# %%
rows = compare(1e-2)
table(["seed", "dead at the start", "dead of 32 after training", "error, linear code",
       "error, code with ReLU"], rows)

# %% [markdown]
# With every seed a part of the code is lost, and the error is larger than that of the linear code. Some units are dead
# from the start, and training kills more. The fix costs nothing: leave the code linear. (Lesson 05 wants units that are
# often silent, and gets them on purpose.)

# %%
counts = [row[2] for row in rows]
ratios = [row[4] / row[3] for row in rows]
claim("dead units",
      "Units of a 32-dimensional ReLU code that are 0 for every image",
      np.mean(counts), "units", spread=np.std(counts, ddof=1), seeds=3, at_least=2)
claim("ReLU costs", "Error with a ReLU on the code, relative to the linear code",
      np.mean(ratios), "times", spread=np.std(ratios, ddof=1), seeds=3, at_least=1.05)
score([("dead units of 32, mean over three seeds", prediction_dead, np.mean(counts))])

# %%
peak = 1e-2  # the largest learning rate of the training
again = rows if peak == 1e-2 else compare(peak)
print(f"learning rate {peak:g}")
for seed, at_start, after, _, error in again:
    print(f"seed {seed}: {at_start} dead at the start, {after} after training, "
          f"error {error:.1f}")

# %%
try_it("Change `peak = 1e-2` to `peak = 1e-3` and run that cell again. How many units are "
       "dead after training, on average over the seeds?",
       None, float(np.mean([row[2] for row in again])), changed=peak == 1e-3)

# %% [markdown]
# At the smaller rate training kills fewer units on average. Most of those that were dead at the start stay dead. So a
# small rate does not replace the fix.
#
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - Compare the range of the output layer with the range of the targets before you train.
# - A lower bound on the loss proves a fault that no training curve can prove.
# - Show all pictures on one fixed scale.
# - Report means over all images of an epoch, not the last batch.
# - A ReLU on the code kills units. Count them.
#
# **Next:** [02b](02b_likelihood.ipynb) derives the losses from one idea. [Lab 02](../work/lab02.ipynb) (on the web: the
# [sheet](../exercises/lab02/lab02.ipynb)) asks you for a floor of your own.
