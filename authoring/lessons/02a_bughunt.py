# %% [markdown]
# # 02a · Bug hunt: a popular recipe
#
# **Promise.** You will find three faults in autoencoder code that runs without an error, and prove the worst of them
# with a lower bound that no training can pass.
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
diagrams.flow({"x": (0, 0, "image\n0 to 1", plots.SKY),
               "t": (1, 0, "target $t$\n−1 to 1", plots.SKY),
               "net": (2, 0, "autoencoder", plots.ORANGE),
               "s": (3, 0, "sigmoid", plots.ORANGE),
               "p": (4, 0, "output $p$\n0 to 1", plots.SKY)},
              {("x", "t"): "2x − 1", ("t", "net"): "", ("net", "s"): "", ("s", "p"): ""});

# %% [markdown]
# The diagram shows the path of an image through the recipe, with the range of its values at each station. The code
# runs without an error. **Look for two faults** in it before you read on. (A mean over pixels in place of a sum, or a
# missing validation loss, would be a matter of style here, not a fault.)

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
try_it("Which range of the target can the output of a sigmoid never reach: "
       "the 'positive' or the 'negative' half? Type the word in place of None.",
       None, "negative" if recipe(t_test[:9]).min() > 0 else "positive",
       says="An output of a sigmoid lies between 0 and 1.",
       hint="Compare the ranges at the two ends of the diagram.")

# %% [markdown]
# ## 2 · Fault one: a floor under the loss
#
# A target $t$ lies in $[-1, 1]$, the output $p$ of a sigmoid in $(0, 1)$. For a target above 0 the best output is $t$
# itself. For a target below 0 the best output is 0, and the error $t^2$ remains. So no training, however long, can
# bring the mean squared error per pixel below
#
# $$\text{floor} = \frac{1}{784}\sum_{i=1}^{784} \min(t_i, 0)^2 .$$
#
# Most pixels of a digit are black, $t = -1$, so most of the error can never be removed.
#
# **Predict.** Suppose that the output is 0 everywhere, whatever the image. On the target's scale that is a middle grey,
# and a black pixel costs 1. How many times the floor is the error of this zero output: 1.1, 2 or 10 times?

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
# The recipe has not even reached the floor: it gives nearly 0 for every digit, and stays there. The reason lies in the
# gradient with respect to the logit, $(p - t)\,p(1-p)$. Near $p = 0$ a white pixel ($t = 1$) pulls the output up with
# the strength $p$, and a black pixel ($t = -1$) pulls it down with the same strength $p$. There are far more black
# pixels, so they win almost everywhere, and with $p$ every pull fades.
#
# The fix is to train on images in $[0, 1]$. Then a black pixel has $t = 0$ and pulls down with the strength $p^2$ only,
# which near 0 is far less than the $p$ of a white one. To see the floor itself, we also help the recipe: we train the
# fixed network for longer, copy it, and continue the copy with the recipe from these good weights.

# %%
def squared_error(model, x, step):
    return {"squared error": (model(x) - x).square().sum(1)}


with seeded(0):
    fixed = nn.Sequential(Autoencoder(WIDTHS), nn.Sigmoid())
fit(fixed, (x[:n],), squared_error, epochs=3, held_out=(x_val,))  # as long as the recipe
error_of_fixed = metrics.reconstruction_error(fixed, x_test)
fit(fixed, (x[:n],), squared_error, epochs=4 * more, lr=3e-3)
helped = copy.deepcopy(fixed)
fit(helped, (t_train[:n],), squared_error, epochs=4 * more)
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
# picture is an even grey. The helped recipe shows strokes, but where black should be it has a middle grey, and its
# error stays above the floor. In the fourth row its background looks black only because the scale was changed without
# saying so. A picture that is stretched to its own darkest and brightest pixel hides the fault in the same way. The
# background of the fixed network is black; its strokes are still rough after so few images. Two other fixes are `tanh`
# on $[-1, 1]$ and a linear output.

# %%
error_of_mean = (x_test - x.mean(0)).square().sum(1).mean().item()
of_recipe = 196 * mse(recipe)  # 784 pixels; on the scale of [0, 1] a square is a quarter
claim("floor", "Error of the helped recipe, relative to the floor", mse(helped) / floor,
      "times", at_least=1.0, at_most=1.15)
claim("black", "Error of the recipe, relative to that of an output of 0 everywhere",
      mse(recipe) / zero,
      "times", near=1.0, within=0.03, baseline=f"floor {floor / zero:.2f}")
claim("mended", "Error of the fixed network after as many steps", error_of_fixed,
      "squared grey levels", at_most=0.5 * of_recipe,
      baseline=f"mean image {error_of_mean:.1f}, recipe {of_recipe:.0f}")

# %% [markdown]
# ## 3 · Fault two: the loss of the last batch
#
# The recipe prints the loss of whichever batch came last. Here is the loss of every batch of its second and third epoch,
# with the printed ones marked:

# %%
per_epoch = np.array(batch_losses).reshape(3, -1)  # (epochs, batches)
of_epoch = per_epoch.shape[1]  # batches in an epoch
numbers = np.arange(of_epoch, 3 * of_epoch)
axis = plt.subplots(figsize=(8, 2.8))[1]
axis.plot(numbers, batch_losses[of_epoch:], linewidth=1, label="each batch")
axis.plot(numbers[[of_epoch - 1, -1]], per_epoch[1:, -1], "o", color=plots.VERMILION,
          label="printed")
axis.set(xlabel="batch", ylabel="mean squared error per pixel")
axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1));

# %%
noise = per_epoch[-1, -50:].std(ddof=1)  # batch to batch
improvement = abs(per_epoch[-1].mean() - per_epoch[-2].mean())  # epoch to epoch
print("printed:           ", np.round(per_epoch[:, -1], 4))
print("mean of each epoch:", np.round(per_epoch.mean(1), 4))
print(f"noise {noise:.2e}   improvement from epoch 2 to 3 {improvement:.2e}")

# %% [markdown]
# From batch to batch the loss varies far more than its mean changes from epoch to epoch. This network is stuck, and yet
# the printed numbers rise and fall as if something happened. They show which images the last batch happened to hold.
# Report a mean over all images of the epoch, or better, over validation images.

# %%
try_it("How many times larger is the noise than the improvement? Divide the two numbers of "
       "the last line.", None, noise / improvement,
       says="A difference of two printed losses is noise.")

# %%
claim("last batch",
      "Batch-to-batch noise of the printed loss ÷ the last epoch's improvement",
      noise / improvement, "times", at_least=3)

# %% [markdown]
# ## 4 · A third fault: a ReLU on the code
#
# Many tutorials also put a ReLU after the code layer. Then no number of the code can be negative. A unit whose input is
# negative for *every* image gives 0 for all of them. Its weights then receive no gradient. It is **dead**, and stays so
# unless a change of the layers before it wakes it by chance.
#
# **Predict.** Of the 32 units of a code with a ReLU, how many will be dead after a usual training?

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
rows = []
for seed in range(3):
    linear, relu = build(False, seed), build(True, seed)
    rows.append([str(seed), dead_units(relu)])
    for net in (linear, relu):
        fit(net, (x[:n],), squared_error, epochs=4 * more, lr=1e-2, one_cycle=True,
            seed=seed)
    rows[-1] += [dead_units(relu), *(metrics.reconstruction_error(net, x_test)
                                     for net in (linear, relu))]

# %%
table(["seed", "dead at the start", "dead of 32 after training", "error, linear code",
       "error, code with ReLU"], rows)

# %% [markdown]
# With every seed a part of the code is lost, and the error is larger than that of the linear code. Some are dead
# from the start, most die during the training. How many depends on the learning rate and the seed, so count them in your own networks. The
# fix costs nothing: leave the code linear. (Lesson 05 wants units that are often silent, and gets them on purpose.)

# %%
try_it("Change `lr=1e-2` to `lr=1e-3` in the cell that trains, and run it and the table "
       "again. How many units are dead after training with seed 0?",
       None, rows[0][2], says="A smaller learning rate kills fewer units.")

# %%
counts = [row[2] for row in rows]
ratios = [row[4] / row[3] for row in rows]
claim("dead units",
      "Units of a 32-dimensional ReLU code that are 0 for every image",
      np.mean(counts), "units", spread=np.std(counts, ddof=1), seeds=3, at_least=2)
claim("ReLU costs", "Error with a ReLU on the code, relative to the linear code",
      np.mean(ratios), "times", spread=np.std(ratios, ddof=1), seeds=3, at_least=1.05)

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("error of an output of 0, relative to the floor", prediction_zero, zero / floor),
       ("dead units of 32", prediction_dead, counts[0])])

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
