# %% [markdown]
# # 07ca · A lab report's logs
#
# **Promise.** You will translate the logs of the report's autoencoders into a measure with known baselines, and train
# these autoencoders again.
#
# **After this unit you can**
# 1. translate an unknown measure into one with known baselines;
# 2. test a guess about a unit of measurement;
# 3. judge a sentence about training time.
#
# **Before it:** unit 07c. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import time

import torch

from aecourse import data, diagrams, losses, plots, sidebyside
from aecourse.claims import Claims, say, score, table, try_it
from aecourse.models import PCA
from aecourse.train import fit

plots.use_style()
digits = data.load()
claim = Claims("07", digits.name)
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer

# %%
diagrams.layers([784, 64, 10, 64, 784], {0: "image", 2: "code", 4: "reconstruction"},
                {"encoder": (0, 2), "decoder": (2, 4)}, title="auto_2")
diagrams.layers([784, 64, 1, 64, 784], {0: "image", 2: "code", 4: "reconstruction"},
                {"encoder": (0, 2), "decoder": (2, 4)}, title="auto_3");

# %% [markdown]
# These are two autoencoders of the lab report of unit 07c. Each was trained on all images without labels. Then its
# encoder became a part of a classifier. How good were they *before* the labels came?
#
# ## 1 · Decode the logs
#
# The report's logs show a "cost" of the reconstruction and an "accuracy". The cost ends at about 2,646 for `auto_2` and
# 5,093 for `auto_3`. The two are linked: the accuracy is 1 − (root of the cost) ÷ (mean pixel). So we read the cost as
# the mean squared error of a pixel on grey levels from **0 to 255**. (The logs are not part of this course, and we do
# not know how many epochs they cover.)
#
# The measure of this course is the squared error $e$ of an image: a sum over 784 pixels between 0 and 1. A pixel's
# error is 255 times larger on the report's scale, so its square is $255^2$ times larger. The mean divides the sum by
# 784:
#
# $$\text{cost} = \frac{255^2}{784}\, e, \qquad\text{so}\qquad e = \frac{784}{255^2}\, \text{cost} .$$

# %%
cost = 2646  # in the log of auto_2
decoded = 784 * cost / 255**2
print(f"cost {cost}: squared error {decoded:.1f} per image")

# %%
try_it("The log of `auto_3` ends with the cost 5093. Change `cost = 2646`. What is the "
       "squared error?", None, decoded, changed=cost == 5093)

# %% [markdown]
# Are these good? We compare with reconstructions that need no training of a network: a black image, the mean image, and
# PCA with a code of the same dimension.
#
# **Predict.** What squared error has the *mean image* of all training images, used as the reconstruction of every test
# image?

# %%
prediction_mean = None

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, x_test = digits.x_train[train], digits.x_test
pca = PCA(x, 10)
errors = {"black image": x_test.square().sum(1).mean().item(),
          "mean image": (x_test - x.mean(0)).square().sum(1).mean().item(),
          "PCA, 1 number": pca.error(x_test, 1), "PCA, 10 numbers": pca.error(x_test, 10),
          "report, auto_2": 784 * 2646 / 255**2, "report, auto_3": 784 * 5093 / 255**2}

# %% [markdown]
# The "accuracy" in symbols, with the mean pixel $\bar x$ between 0 and 1, is $1 - \sqrt{\text{cost}}\, /\, (255\, \bar
# x)$.

# %%
def logged(e):  # cost and "accuracy", as such a log would show them
    cost = 255**2 * e / 784
    return cost, 1 - cost**0.5 / (255 * x.mean().item())


table(["reconstruction", "squared error", "cost", "accuracy in such a log"],
      [[name, e, *logged(e)] for name, e in errors.items()])
score([("squared error of the mean image", prediction_mean, errors["mean image"])])

# %% [markdown]
# A number that is called accuracy is usually a share, from 0 to 1. This one is negative in every row, so it is no
# share. The sizes fit our reading of the cost: both costs lie between PCA and a black image. The size alone would be
# weak evidence. If the cost were the sum of $e$ over a batch of 100 images, each error would be a hundredth of its
# cost, and both of the following conclusions would turn around. So find out what a log measures before you compare it.
#
# In our reading, on MNIST, which the report is about, the autoencoder of `auto_2` reconstructs worse than PCA with as
# many numbers, and that of `auto_3` worse than the mean image. (On the built-in digits, the report's rows and the
# others are about different images.)

# %%
claim("auto_2's autoencoder", "Squared error of the report's autoencoder with 10 numbers "
      "over that of PCA with 10", errors["report, auto_2"] / errors["PCA, 10 numbers"],
      "times", at_least=1.1, holds_on=("mnist",))
claim("auto_3's autoencoder", "The same with a code of one number, over that of the mean "
      "image", errors["report, auto_3"] / errors["mean image"], "times", at_least=1.1,
      holds_on=("mnist",))

# %% [markdown]
# ## 2 · Train them again
#
# Can these widths do better? We train each autoencoder with five initialisations at the same time. `sidebyside.Deep` is
# five networks that share no weight (unit 01a). Their output layer begins at the mean image, and they train for **one
# to three epochs** of MNIST (three times as many of the built-in digits). The printed loss is the sum over the five
# networks.

# %%
encoders = {"auto_1": [784, 10], "auto_2": [784, 64, 10], "auto_3": [784, 64, 1]}
epochs = {"auto_1": 2 * more, "auto_2": 3 * more, "auto_3": more}


def squared_error(nets, x, step):
    x_hat = nets(x).sigmoid()  # (5, B, 784)
    return {"squared error": losses.squared_error(x_hat, x.expand_as(x_hat)).sum(0)}

# %%
def train_again(name):
    widths = encoders[name]
    nets = sidebyside.Deep([*widths, *widths[-2::-1]], linear=len(widths) - 1)
    with torch.no_grad():
        nets.b[-1].copy_(x.mean(0).clamp(0.001, 0.999).logit())  # begin at the mean image
    fit(nets, (x,), squared_error, epochs=epochs[name], batch=128, lr=3e-3, one_cycle=True)
    return nets

# %% [markdown]
# **Predict.** What squared error has `auto_2` after our training, on test images? (The report's is in the table above,
# and so is that of PCA.)

# %%
prediction_auto_2 = None

# %%
trained = {name: train_again(name) for name in encoders}

# %%
with torch.no_grad():
    for name, nets in trained.items():
        x_hat = nets(x_test).sigmoid()
        errors[f"ours, {name}"] = losses.squared_error(
            x_hat, x_test.expand_as(x_hat)).mean().item()
weights = {name: sum(p[0].numel() for p in nets.parameters())
           for name, nets in trained.items()}
table(["our autoencoder", "squared error", "epochs", "weights"],
      [[name, errors[f"ours, {name}"], epochs[name], weights[name]] for name in encoders])
score([("squared error of auto_2", prediction_auto_2, errors["ours, auto_2"])])

# %%
ten_win = sum(errors[f"ours, auto_{i}"] < errors["PCA, 10 numbers"] for i in (1, 2))
one_wins = errors["ours, auto_3"] < errors["mean image"]
say(f"PCA with ten numbers is beaten by {ten_win} of our two autoencoders with a "
    f"10-dimensional code. The mean image {'is' if one_wins else 'is not'} beaten by our "
    "autoencoder with a 1-dimensional code.")

# %% [markdown]
# So these widths can do better than the report's logs, after few epochs. **What went wrong there we cannot tell**: the
# number of epochs, the learning rate, the output layer, the initialisation or the scale of the pixels. Our output layer
# begins at the mean image, which is already better than the report's `auto_3`.
#
# One of the report's conclusions is that unsupervised learning alone "gives nothing useful". This is *not shown*. In
# our reading, `auto_3` had learned nothing that the mean image does not have, and `auto_2` less than PCA. And the
# quality of a reconstruction does not tell what a code is worth for classes. Unit 07 measures that.

# %%
code = 10
one_more = sidebyside.Deep([784, 64, code, 64, 784], linear=2)
with torch.no_grad():
    one_more.b[-1].copy_(x.mean(0).clamp(0.001, 0.999).logit())
fit(one_more, (x,), squared_error, epochs=more, batch=128, lr=3e-3, one_cycle=True)
with torch.no_grad():
    x_hat = one_more(x_test).sigmoid()
    of_code = losses.squared_error(x_hat, x_test.expand_as(x_hat)).mean().item()
print(f"{code}-dimensional code, epochs {more}: squared error {of_code:.1f}")

# %%
try_it("Change `code = 10` to `code = 2`. What is the squared error?", None, of_code,
       changed=code == 2, says="Compare it with auto_3, which has a 1-dimensional code.")

# %% [markdown]
# ## 3 · What costs time?
#
# Another conclusion of the report reads: "A small change costs far more training time". Its `auto_2` took 306 seconds,
# and its `auto_3` 294. We do not have its other times. Here are ours, for the losses and gradients of twenty batches. A
# time also depends on what else the computer does, so we take the smallest of five.

# %%
def seconds_of(nets):
    start = time.perf_counter()
    for batch in x[:2560].split(128):
        squared_error(nets, batch, 0)["squared error"].mean().backward()
    return time.perf_counter() - start


seconds = {name: min(seconds_of(nets) for _ in range(5)) for name, nets in trained.items()}
table(["five autoencoders", "weights of one", "seconds, twenty batches"],
      [[name, weights[name], seconds[name]] for name in encoders])

# %%
ratio = weights["auto_2"] / weights["auto_3"]
print(f"ratio of the weights: {ratio:.3f}")

# %%
try_it("Change `auto_3` in the line `ratio = ` to `auto_1`. What is the ratio of the "
       "weights?", None, ratio,
       changed=ratio != weights["auto_2"] / weights["auto_3"],
       says="The seconds in the table differ by a factor of "
            f"{seconds['auto_2'] / seconds['auto_1']:.1f}.")

# %% [markdown]
# A code of 10 in place of 1 is a small change: most weights are in the first and the last layer. In the report it costs
# 4 % more time. If both ran for as many epochs, this is no more than two runs of the same program may differ by. So the
# sentence is *not supported* for this change. A hidden layer of 64 between the image and the code is a larger change:
# several times as many weights. The table shows what it costs on your computer, and that time and weights need not grow
# by the same factor.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Decode a log into a measure with known baselines, before you read it, and say what tests your reading.
# - In this reading, on MNIST, the report's `auto_2` was worse than PCA with ten numbers, and its `auto_3` worse than
#   the mean image. The same widths can do better. This does not tell what went wrong.
# - A sentence about time needs the times of networks that differ in one thing.
#
# **Next:** [07d](07d_harm.ipynb).
