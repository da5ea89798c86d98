# %% [markdown]
# # Lab 07 · The assignment: few labels, many images
#
# At the end of this page you have run a university lab's table yourself, judged its conclusions, written the loss of a
# semi-supervised model, tried two models of your own, and one cell has made a report of it all.
#
# After this lab you can
#
# - choose labelled images fairly, pre-train an encoder and turn it into a classifier;
# - say which of a report's conclusions a table tests, and judge these by differences and standard deviations;
# - write M2's loss for images with and without a label;
# - write a report that somebody else can judge.
#
# **Before it:** units 07, 07a and 07c. **Time:** about 90 minutes in two sittings, and about two minutes for the
# machine.
#
# | | what you do | minutes | points |
# |---|---|---|---|
# | **Sitting A** | exercises 1 to 3, the report's table, its conclusions, questions 1 and 2 | 45 | 4 by checks, 4 by a person |
# | **Sitting B** | M2 in exercises 4 to 6, two models of your own, question 3, your report | 45 | 8 by checks, 4 by a person |
#
# The minutes are computed from words, code, exercises and answers. With thorough answers a sitting takes an hour. You
# can stop after sitting A, close everything, and do sitting B on another day. No point depends on how high an accuracy
# is. Folded cells are run, and need no reading.
#
# **How the checks work.** Write your answer in place of `...  # YOUR CODE HERE` and run the cell below it:
# `check.NAME(NAME)` tries it on fresh inputs and says what kind of mistake it sees. `check.NAME.hint()`, typed into
# the cell below the check, gives one hint more at each call, and `check.NAME.solution()` shows one way and why it is
# so. A line `NAME_ok = check.use(NAME)` takes your answer if it is right and the course's own if not, so you can go on
# at any time.
#
# ## Set-up
#
# Both sittings need the next four cells. `run` trains one network for each choice of labels, with the settings of unit
# 07c, and measures the accuracy on the test images after ten epochs and after 90 more.

# %% jupyter={"source_hidden": true} nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import copy
import math

import matplotlib.pyplot as plt
import torch
from IPython.utils.capture import capture_output
from torch import nn

from aecourse import data, losses, models, plots, report, semi, sittings
from aecourse.check import lab07 as check
from aecourse.claims import score, table
from aecourse.train import fit, mean_loss, seeded

plots.use_style()
digits = data.load()
train, held_out = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, y_val = digits.x_train[held_out], digits.y_train[held_out]
x_test, y_test = digits.x_test, digits.y_test
n = len(x) // 1000 * 10  # one per cent of the labels
reported = {"mlp_all": 90.5, "mlp_1p": 68.4, "auto_1": 74.6, "auto_2": 79.6, "auto_3": 18.7}
networks = {"mlp_all": "784-10-10", "mlp_1p": "784-10-10", "auto_1": "784-10, then 10-10",
            "auto_2": "784-64-10, then 10", "auto_3": "784-64-1, then 10"}

# %%
def cross_entropy(model, x, y, step):
    return {"cross-entropy": losses.categorical_nll(model(x), y)}


@torch.no_grad()
def accuracy(model, images=x_test):
    return 100 * (model(images).argmax(1) == y_test).float().mean().item()


def run(build, subsets, stages=(10, 90)):
    """The accuracies (choices, stages) of build(seed), and the first choice's curve."""
    accuracies, curve = torch.zeros(len(subsets), len(stages)), []
    for seed, subset in enumerate(subsets):
        with seeded(10 + seed), capture_output():  # without a line for each training
            model = build(seed)
            for i, epochs in enumerate(stages):
                history = fit(model, (x[subset], y[subset]), cross_entropy, epochs=epochs,
                              batch=32, lr=1e-3, seed=2 * seed + i,
                              held_out=None if seed else (x_val, y_val))
                curve += history.held_out.get("loss", [])
                accuracies[seed, i] = accuracy(model)
    return accuracies, curve

# %% jupyter={"source_hidden": true}
def measured(values):  # of all choices of labels
    std = f" ± {values.std().item():.1f}" if len(values) > 1 else ""
    return f"{values.mean().item():.1f}{std}"


def row(name):
    short = name.split(",")[0]
    of_report = reported.get(short) if name != short or short not in widths else None
    return [name, *map(measured, results[name].T), *[None] * (2 - len(results[name].T)),
            of_report]


head = ["model", "ten epochs (%)", "a hundred epochs (%)", "report (%)"]

# %% jupyter={"source_hidden": true}
def draw_curves():
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), width_ratios=[1, 1.9])
    colours = dict(zip(["mlp_all", "mlp_1p", *widths], ["black", "C3", "C0", "C1", "C2"]))
    for name, values in pretraining.items():
        left.plot(range(len(values)), values, "o-", color=colours[name], label=name)
    for name, values in curves.items():
        right.plot(range(1, len(values) + 1), values, label=name,
                   color=colours.get(name.split(",")[0], "C4"),
                   linestyle="--" if name in widths or name == "own_2" else "-")
    right.axhline(math.log(10), color="grey", linestyle=":")
    plots.log_axes(right, [1, 3, 10, 30, 100], [0.3, 0.5, 1, 2, 4])
    left.set(title="pre-training, no labels", xlabel="epochs", ylim=(0, None),
             ylabel="squared error of a validation image")
    left.xaxis.get_major_locator().set_params(integer=True)
    right.set(title="with labels, first choice", xlabel="epochs",
              ylabel="validation cross-entropy (nats)")
    left.legend(frameon=False)
    right.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure

# %% [markdown]
# # Sitting A · The report's table
#
# A university lab trained five classifiers of digits, for ten epochs each: `mlp_all` with all labels, `mlp_1p` with one
# per cent of them, and three that start from an autoencoder and see one per cent of the labels afterwards. Unit 07c
# decoded its logs. Each row is one run:

# %%
table(["model", "network", "the report's accuracy (%)"],
      [[name, networks[name], reported[name]] for name in reported])

# %% [markdown]
# You run all of them, with five choices of labels and five initialisations in place of one, and with the rows that the
# report lacks: each network *without* pre-training.
#
# ## 1 · Choose who gets a label
# ★☆☆ · 5 minutes
#
# `labels` (N,) are whole numbers from 0 to 9, some classes more frequent than others, and `n` is a multiple of ten.
# Return the **indices** of n images, int64 (n,): n/10 of each class, none twice, chosen **at random** with the
# `generator`. Every image of a class has the same chance. The order is free.

# %% nbgrader={"grade": false, "grade_id": "choose", "locked": false, "schema_version": 3, "solution": true, "task": false}
def choose(labels, n, generator):
    """The indices (n,) of n / 10 random images of each class 0 to 9, none twice."""
    ### BEGIN SOLUTION
    chosen = []
    for c in range(10):
        members = (labels == c).nonzero().flatten()
        shuffled = members[torch.randperm(len(members), generator=generator)]
        chosen.append(shuffled[:n // 10])
    return torch.cat(chosen)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "choose-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.choose(choose)

# %%
# Stuck? Type check.choose.hint() on the next line, and run this cell.

# %%
choose_ok = check.use(choose)
generator = torch.Generator().manual_seed(0)
choices = [choose_ok(y, n, generator) for _ in range(5)]

# %% [markdown]
# ## 2 · Pre-training without labels
# ★☆☆ · 4 minutes
#
# `model` is an autoencoder, `model(x)` gives its **logits** (B, 784). The reconstruction is their sigmoid. Return for
# each image the **squared error** between reconstruction and image, summed over the pixels: (B,), with gradients. No
# label occurs in it.

# %% nbgrader={"grade": false, "grade_id": "pretraining_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pretraining_loss(model, x):
    """The squared error of each image's reconstruction, shape (B,)."""
    ### BEGIN SOLUTION
    return losses.squared_error(torch.sigmoid(model(x)), x)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "pretraining_loss-check", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.pretraining_loss(pretraining_loss)

# %%
# Stuck? Type check.pretraining_loss.hint() on the next line, and run this cell.

# %% [markdown]
# The autoencoders are those of unit 07c, five of each: He's initialisation, a start at the mean image, 128 images in a
# step, a learning rate of up to 0.003, few epochs. `models.he_uniform` sets the initialisation.

# %%
pretraining_ok = check.use(pretraining_loss)

# %% jupyter={"source_hidden": true}
widths = {"auto_1": [784, 10], "auto_2": [784, 64, 10], "auto_3": [784, 64, 1]}
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
pre_epochs = {"auto_1": 2 * more, "auto_2": 3 * more, "auto_3": more}


def reconstruction(model, x, step):
    return {"squared error": pretraining_ok(model, x).float()}


def pretrained(name, seed):
    with seeded(seed), capture_output():
        auto = models.he_uniform(models.Autoencoder(widths[name]))
        auto.start = mean_loss(models.begin_at_mean(auto, x), (x_val,), reconstruction)
        fit(auto, (x,), reconstruction, epochs=pre_epochs[name], batch=128, lr=3e-3,
            one_cycle=True, seed=seed, held_out=(x_val,))
    return auto

# %%
autoencoders = {name: [pretrained(name, seed) for seed in range(5)] for name in widths}
pretraining = {name: [autos[0].start["loss"], *autos[0].history.held_out["loss"]]
               for name, autos in autoencoders.items()}
seconds = {name: sum(auto.history.seconds for auto in autos) / 5 / pre_epochs[name]
           for name, autos in autoencoders.items()}

# %%
pca = models.PCA(x, 10)
reconstructions = [["the mean image", None,
                    (x_test - x.mean(0)).square().sum(1).mean().item(), None],
                   *([f"PCA, {k}", None, pca.error(x_test, k), None] for k in (1, 10))]
with torch.no_grad():
    seen = {name: autos[0](x_test).sigmoid() for name, autos in autoencoders.items()}
for name, x_hat in seen.items():
    reconstructions.append([
        name, models.n_parameters(autoencoders[name][0]),
        losses.squared_error(x_hat, x_test).mean().item(), seconds[name]])
table(["reconstruction", "weights", "squared error of an image", "seconds an epoch"],
      reconstructions)

# %%
ten = plots.first_of_each(y_test)
plots.images({"test image": x_test[ten]} | {k: v[ten] for k, v in seen.items()});

# %% [markdown]
# With a code of ten numbers most digits can be read; with one number, only few blurred shapes.
#
# ## 3 · From encoder to classifier
# ★★☆ · 6 minutes
#
# `encoder` is a pre-trained `nn.Sequential` from images to codes of `code` numbers. Return a **network** (an
# `nn.Module`) from images to `classes` logits: the encoder **with the weights that it has**, and one new linear layer,
# with a bias, on its code; nothing between and nothing after. All weights, the encoder's too, can be trained on.

# %% nbgrader={"grade": false, "grade_id": "extend", "locked": false, "schema_version": 3, "solution": true, "task": false}
def extend(encoder, code, classes):
    """The pre-trained encoder and a new linear head: a network that gives (B, classes)."""
    ### BEGIN SOLUTION
    return nn.Sequential(encoder, nn.Linear(code, classes))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "extend-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.extend(extend)

# %%
# Stuck? Type check.extend.hint() on the next line, and run this cell.

# %% [markdown]
# `classifier` extends an encoder, pre-trained or not, with your function. As in unit 07c, the classifier of `auto_1`
# has a hidden layer of 10 in addition. New layers get He's initialisation.

# %%
extend_ok = check.use(extend)


def classifier(name, pre, seed):
    encoder = copy.deepcopy(autoencoders[name][seed].encoder)
    encoder = encoder if pre else models.he_uniform(encoder)
    kept = copy.deepcopy(encoder)
    if name == "auto_1":
        hidden = nn.Sequential(encoder, nn.Linear(10, 10), nn.ReLU())
        return models.he_uniform(extend_ok(hidden, 10, 10), kept)
    return models.he_uniform(extend_ok(encoder, widths[name][-1], 10), kept)


def mlp(seed):
    return models.he_uniform(models.mlp([784, 10, 10]))

# %% [markdown]
# **Predict.** How many points does pre-training gain `auto_2` after ten epochs? Then run on; it takes about half a
# minute. `mlp_all` is run once, for ten epochs: its images are a hundred times as many.

# %%
prediction_gain = None

# %%
results, curves = {}, {}
results["mlp_all"], curves["mlp_all"] = run(mlp, [torch.arange(len(x))], stages=(10,))
results["mlp_1p"], curves["mlp_1p"] = run(mlp, choices)
for name in widths:
    for pre in (False, True):
        key = f"{name}, pre-trained" if pre else name
        results[key], curves[key] = run(
            lambda seed, name=name, pre=pre: classifier(name, pre, seed), choices)


# %%
table(head, [row(name) for name in results])
gain = (results["auto_2, pre-trained"] - results["auto_2"])[:, 0].mean().item()
score([("gain of auto_2 after ten epochs (points)", prediction_gain, gain)])

# %% [markdown]
# ± is the standard deviation over the five choices of labels. Read the rows in pairs, the same network with and
# without pre-training, and read each column by itself. On MNIST the two columns tell two stories: after ten epochs the
# pre-trained `auto_2` is *behind* the same network without pre-training by more than two standard deviations, and
# `auto_1` is behind, too, by less. After a hundred epochs no pair differs by much more than one. `mlp_1p` and both versions of `auto_3` gain far more by the
# ninety further epochs than any network gains by pre-training. The curves show how:

# %%
draw_curves();

# %% [markdown]
# On the left, the errors with codes of ten numbers fall far below that of one number. On the right, dashed lines are networks without pre-training, and the dotted line is log 10, a classifier that
# knows nothing. On MNIST the pre-trained networks begin above their dashed partners and catch up later.
#
# ## The report's conclusions
#
# The report draws six. Here they are in our words, with three phrases of its own in quotation marks, and beside each
# what in this lab tests it.
#
# | | conclusion | what tests it here |
# |---|---|---|
# | 1 | Supervised learning needs labels, and these cost. | `mlp_all` and `mlp_1p`, in both columns, say how much accuracy the labels bring. The price of a label is not measured. |
# | 2 | Unsupervised learning alone "gives nothing useful", but codes hold patterns. | The reconstructions. A classifier on a frozen encoder, if you make it your own model. Other uses are not measured. |
# | 3 | Semi-supervised learning combines both. | As a definition there is nothing to test. Whether it *helps* is in the pairs with and without pre-training. |
# | 4 | "the larger encoder, decoder and code, the higher the accuracy" | `auto_2` and `auto_3`, both without pre-training, differ in the code alone, of ten numbers and of one. `auto_1` and `auto_2` differ in several things. No code here is larger than ten, if you do not make one. |
# | 5 | "a small change costs far more training time" | The weights and the seconds of an epoch, in the table of reconstructions. |
# | 6 | One trained autoencoder should serve many tasks. | Nothing: there is one task. |
#
# A reading that suggests itself, that a code of one number is too small, is ours; the report does not state it.
#
# Judge each by this lab: `"stands"`, `"stands in part"`, `"does not stand"` or `"not tested"`. Your six verdicts, one
# point, become a table of your report. Question 3 asks for the reasons of some.

# %% nbgrader={"grade": true, "grade_id": "verdicts", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
verdicts = {}  # verdicts = {1: "stands", 2: ..., 6: ...}
### BEGIN SOLUTION
verdicts = {1: "stands in part", 2: "stands in part", 3: "stands in part",
            4: "stands in part", 5: "does not stand", 6: "not tested"}
### END SOLUTION

# %% [markdown]
# ## Questions 1 and 2
# One point and two points, marked by a person
#
# Write four to eight sentences of your own between the three quotes. Point to rows of your tables. Markdown works.
#
# **Question 1: supervised and unsupervised learning.** Which trainings of this sitting are supervised, which are
# unsupervised, and what does the difference consist of? In what sense are pre-training and fine-tuning together
# semi-supervised?

# %% nbgrader={"grade": true, "grade_id": "answer_1", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
answer_1 = r"""
### BEGIN SOLUTION
Supervised are the trainings of `mlp_all` and `mlp_1p` and every fine-tuning: their loss
compares the output with a label. Pre-training is unsupervised: its loss compares the
reconstruction with the image itself, so all images take part, with a label or without.

The difference lies in the loss, not in the network: the encoder of `auto_2` is trained
in both ways, one after the other.

Together the two steps are semi-supervised, since the final classifier has used images
with and without labels. But no single loss uses both: fine-tuning sees the labelled
images alone, and the other images matter only by the weights that it starts from.
### END SOLUTION
"""

# %% [markdown]
# **Question 2: what an autoencoder is for.** It copies its input, and nobody needs a copy. What is it trained for
# then, and what does its code have to do with classes? When is pre-training worth its time? Use `auto_3`, and the pairs
# of rows.

# %% nbgrader={"grade": true, "grade_id": "answer_2", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
answer_2 = r"""
### BEGIN SOLUTION
The copy is only the exercise. To reconstruct an image from few numbers, the encoder has
to find what digits have in common, and the code is what we want: a short description,
learned without labels.

The code keeps what saves squared error, and that need not be what separates classes. The
reconstructions of `auto_3` are blurs, so one number has lost most of the class before any
label is used. Fine-tuning changes the encoder, too: after a hundred epochs `auto_3` has
twice its accuracy, but as much without pre-training. So one number is a limit of the
network, not of pre-training alone.

Pre-training is worth its time where it beats the same network without it, given the same
labels. Here that is no row after ten epochs, and after a hundred the gain of `auto_2` is
about one standard deviation. Fewer labels might leave more to gain.
### END SOLUTION
"""

# %% [markdown]
# Run the next cell at the end of sitting A. It writes what sitting B and your report need into a file beside this
# notebook.

# %% jupyter={"source_hidden": true}
answered = [globals().get(f"answer_{i}") for i in (1, 2)]
unsolved = [name for name, mine, used in (
    ("choose", choose, choose_ok), ("pretraining_loss", pretraining_loss, pretraining_ok),
    ("extend", extend, extend_ok)) if mine is not used]
sittings.keep(
    "lab07_sitting_a", choices=choices, results=results, curves=curves, widths=widths,
    pre_epochs=pre_epochs, pretraining=pretraining, answered=answered,
    encoders={name: [auto.encoder.state_dict() for auto in autos]
              for name, autos in autoencoders.items()},
    reconstructions=reconstructions, verdicts=globals().get("verdicts"), unsolved=unsolved)

# %% [markdown]
# # Sitting B · M2, your own models, your report
#
# **Set-up of sitting B.** After a restart run the four cells under **Set-up** at the top, then the next cell, and
# go on; nothing of sitting A is trained again.

# %%
a = sittings.kept("lab07_sitting_a", "Sitting A")
choices, results, curves = a["choices"], a["results"], a["curves"]
widths, pretraining, first = a["widths"], a["pretraining"], choices[0]
encoders = {name: [models.mlp(widths[name]) for _ in range(5)] for name in widths}
for name in widths:
    for encoder, weights in zip(encoders[name], a["encoders"][name], strict=True):
        encoder.load_state_dict(weights)

# %% [markdown]
# ## 4 · M2: an image with a label
# ★★☆ · 7 minutes
#
# In the models of sitting A the labels come last. **M2** (Kingma and others 2014, unit 07a) has them inside: an image x
# is generated from its class y and a code z. For an image with a label, the loss of one sample z from the posterior is
# $$\mathcal{L}(x, y) = -\log p(x|y,z) - \log p(y) + \mathrm{KL}\big(q(z|x,y)\,\|\,p(z)\big).$$
# The images are binary here, so p(x|y,z) is a Bernoulli with the decoder's `logits` (B, 784). The posterior is the
# Gaussian with `mu` and `logvar`, the logarithm of the variance, (B, K). The prior p(z) is N(0, I), and all `classes`
# are equally probable. Return L, in nats, one number for each image, with gradients.

# %% nbgrader={"grade": false, "grade_id": "m2_labelled", "locked": false, "schema_version": 3, "solution": true, "task": false}
def m2_labelled(logits, x, mu, logvar, classes):
    """M2's loss L(x, y) of labelled images, in nats, shape (B,)."""
    ### BEGIN SOLUTION
    image = losses.bernoulli_nll(logits, x)
    return image + math.log(classes) + losses.gaussian_kl(mu, logvar)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "m2_labelled-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.m2_labelled(m2_labelled)

# %%
# Stuck? Type check.m2_labelled.hint() on the next line, and run this cell.

# %% [markdown]
# The networks are `semi.M2` of unit 07a, with a code of two numbers, so that the class has no room in it.
# `for_every_class` computes your L of each image for all ten classes, (B, 10): as if it were a 0, as if it were a 1,
# and so on.

# %%
m2_labelled_ok = check.use(m2_labelled)
every_class = torch.eye(10)
black, black_test = (x > 0.5).float(), (x_test > 0.5).float()


def for_every_class(model, x, generator):
    classes = every_class.to(x.device)
    mu, logvar = model.encode(x[:, None], classes)  # (B, 10, K)
    logits = model.decode(models.sample_code(mu, logvar, generator),
                          classes.expand(len(x), -1, -1))
    flat = [t.flatten(0, 1) for t in (logits, x[:, None].expand_as(logits), mu, logvar)]
    return m2_labelled_ok(*flat, 10).float().reshape(len(x), 10)

# %% [markdown]
# First M2 is trained on the labelled images alone. It has no classifier then, but it can name a digit all the same: the
# class with the smallest L. That is Bayes' rule, with the bound in place of log p(x, y).

# %%
def labelled_only(model, x, y, step):
    bounds = for_every_class(model, x, step.generator)
    return {"L": bounds.gather(1, y[:, None]).squeeze(1)}


with seeded(0):
    generative = semi.M2(hidden=128, code=2)
fit(generative, (black[first], y[first]), labelled_only, epochs=20, batch=32, lr=3e-3,
    one_cycle=True)
with torch.no_grad():
    generator = torch.Generator().manual_seed(0)
    bounds = for_every_class(generative, black_test[:2000], generator)  # (2000, 10)
named = 100 * (bounds.argmin(1) == y_test[:2000]).float().mean().item()
print(f"the class of the smallest L is right for {named:.1f} %; at random, 10 %")

# %% [markdown]
# A model that was only asked to generate digits can tell them apart.
#
# ## 5 · M2: an image without a label
# ★★★ · 8 minutes
#
# Without a label the class is hidden, too. The classifier q(y|x) says how probable each class is, and the bound is
# taken over all of them:
# $$\mathcal{U}(x) = \sum_y q(y|x)\, \mathcal{L}(x, y) - \mathcal{H}\big(q(y|x)\big),$$
# where $\mathcal{H} = -\sum_y q \log q$ is the entropy. `by_class` (B, C) holds L(x, y) for every class,
# `class_logits` (B, C) the classifier's logits. Return U, one number for each image, with gradients. A classifier can be
# so confident that a probability is exactly 0 in float32; 0 · log 0 is 0.

# %% nbgrader={"grade": false, "grade_id": "m2_unlabelled", "locked": false, "schema_version": 3, "solution": true, "task": false}
def m2_unlabelled(by_class, class_logits):
    """M2's loss U(x) of images without a label, in nats, shape (B,)."""
    ### BEGIN SOLUTION
    log_q = class_logits.log_softmax(1)
    return (log_q.exp() * (by_class + log_q)).sum(1)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "m2_unlabelled-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.m2_unlabelled(m2_unlabelled)

# %%
# Stuck? Type check.m2_unlabelled.hint() on the next line, and run this cell.

# %%
m2_unlabelled_ok = check.use(m2_unlabelled)

# %% [markdown]
# ## 6 · M2: the whole loss
# ★★★ · 10 minutes
#
# In a batch some images have a label and most have none: `y` (B,) holds the label, or **−1** where there is none. The
# label is given in L(x, y), so q(y|x) does not occur in it; a term of its own lets the classifier learn from the labels.
# Here, for each image,
# $$J = \begin{cases} \mathcal{L}(x, y) - w \log q(y|x) & \text{with the label } y, \\
# \mathcal{U}(x) & \text{without one.} \end{cases}$$
# `by_class` and `class_logits` are as before, and `alpha` is $w$, the weight on each labelled image. (In the letters of
# unit 07a it is $\alpha N / N_l$.) Return J (B,), with gradients, in the order of the batch. A batch may have no label at
# all, or only labels.

# %% nbgrader={"grade": false, "grade_id": "m2_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def m2_loss(by_class, class_logits, y, alpha):
    """M2's loss of a batch, y = −1 where there is no label, in nats, shape (B,)."""
    ### BEGIN SOLUTION
    own = y.clamp(min=0)[:, None]
    L = by_class.gather(1, own)[:, 0]
    log_q = class_logits.log_softmax(1).gather(1, own)[:, 0]
    return torch.where(y >= 0, L - alpha * log_q, m2_unlabelled_ok(by_class, class_logits))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "m2_loss-check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.m2_loss(m2_loss)

# %%
# Stuck? Type check.m2_loss.hint() on the next line, and run this cell.

# %% [markdown]
# Now M2 with the labels of the first choice, and up to ten thousand images in all. Its classifier is compared with the
# same classifier trained on the same labels alone.

# %%
m2_loss_ok = check.use(m2_loss)
rest = torch.ones(len(x), dtype=torch.bool).index_fill(0, first, False)
others = rest.nonzero().flatten()[:10_000 - n]
mixed = black[torch.cat([first, others])], torch.cat([y[first], -torch.ones_like(others)])


def semi_supervised(model, x, y, step):
    bounds = for_every_class(model, x, step.generator)
    return {"J": m2_loss_ok(bounds, model.classifier(x), y, 200.0).float()}


with seeded(0):
    m2, alone = (semi.M2(hidden=128, code=2) for _ in range(2))
fit(m2, mixed, semi_supervised, epochs=5, batch=100, lr=5e-3, one_cycle=True)
fit(alone.classifier, (black[first], y[first]), cross_entropy, epochs=30, batch=32, lr=3e-3,
    one_cycle=True)
m2_rows = [[name, f"{accuracy(net.classifier, black_test):.1f}"] for name, net in (
    ("trained on the labelled images alone", alone), ("trained in M2, on all", m2))]
table(["classifier 784-128-10, first choice of labels", "accuracy (%)"], m2_rows)

# %% jupyter={"source_hidden": true}
ten = plots.first_of_each(y_test)
with torch.no_grad():
    hand = m2.encode(black_test[ten[[2, 4, 7]]], every_class[[2, 4, 7]])[0]  # (3, 2)
    images = m2.decode(hand[:, None].expand(-1, 10, -1), every_class.expand(3, -1, -1))
rows = {f"the code of this {k}": torch.cat([black_test[ten[k]][None], row_of.sigmoid()])
        for k, row_of in zip((2, 4, 7), images)}
plots.images(rows, columns=["image", *map(str, range(10))]);

# %% [markdown]
# One choice of labels is too little to call a difference in this table a gain; unit 07aa trains M2 longer and several
# times. No other model of this lab can do what the picture shows: each row takes the code of the test image on the left
# and generates all ten classes with it. The digit changes, and a row keeps something of the handwriting, such as slant
# or width.
#
# ## Two models of your own
# One point each, marked by a person
#
# Change **one** thing of a model in the table, and say beforehand what you expect. Two controls that answer a question
# are worth more than two large networks. Some ideas: a frozen encoder (`requires_grad_(False)`); the code rescaled
# to standard deviation 1 (on MNIST that of a code number is about 2, and 0.3 without pre-training); a wider code or encoder, without pre-training.
#
# For each give two things: what it is, in a few words, and a function `build(seed)`, which returns a new network from
# images (B, 784) to logits (B, 10). `run` trains it on the same five choices of labels. `encoders[name][seed]` is a
# pre-trained encoder: copy it with `copy.deepcopy`, so that each choice of labels starts from the same weights.
# `models.he_uniform(net, kept)` initialises all of a network but what `kept` holds.

# %% nbgrader={"grade": true, "grade_id": "own_1", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
own_1 = None  # own_1 = ("what it is", build)
### BEGIN SOLUTION
def rescaled(seed):
    encoder = copy.deepcopy(encoders["auto_2"][seed])
    with torch.no_grad():
        z = encoder(x)
        encoder[-1].weight.div_(z.std(0)[:, None])
        encoder[-1].bias.sub_(z.mean(0)).div_(z.std(0))
    return models.he_uniform(nn.Sequential(encoder, nn.Linear(10, 10)), encoder)


own_1 = ("auto_2, pre-trained, code rescaled to standard deviation 1", rescaled)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "own_2", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
own_2 = None  # own_2 = ("what it is", build)
### BEGIN SOLUTION
def frozen(seed):
    encoder = copy.deepcopy(encoders["auto_2"][seed]).requires_grad_(False)
    return models.he_uniform(nn.Sequential(encoder, nn.Linear(10, 10)), encoder)


own_2 = ("auto_2, pre-trained, its encoder frozen", frozen)
### END SOLUTION

# %% jupyter={"source_hidden": true}
what_it_is = {}
for name, own in {"own_1": own_1, "own_2": own_2}.items():
    results.pop(name, None), curves.pop(name, None)
    try:
        what_it_is[name], build = own
        results[name], curves[name] = run(build, choices)
    except Exception as trouble:  # the report says that it is missing
        why = f"{type(trouble).__name__}: {trouble}".splitlines()[0]
        why = "not written yet" if own is None else why
        print(f"{name}: {why}")
table(head, [row(name) for name in results])

# %% [markdown]
# ## Question 3
# Two points, marked by a person
#
# **What the results show.** Which differences in your table are larger than their standard deviations, and which are
# not? Give your reasons for two of your verdicts on conclusions that the lab can test, and say what changes between ten
# and a hundred epochs. What did your own two models answer? What would you measure next?

# %% nbgrader={"grade": true, "grade_id": "answer_3", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
answer_3 = r"""
### BEGIN SOLUTION
Far larger than the standard deviations are three differences: all labels against one per
cent, a code of ten numbers against one (`auto_2` against `auto_3`), and for `mlp_1p` a
hundred epochs against ten. Not larger is what pre-training gains after a hundred epochs,
in any pair.

Conclusion 4 stands in part: with the same encoder, a code of ten is far better than a code
of one. That `auto_2` is above `auto_1` does not tell which of several differences it is.
Conclusion 5 does not stand: `auto_2` and `auto_3` have nearly as many weights, and need
about as many seconds. On conclusion 3: after ten epochs the pre-trained networks are even
behind, so that the report's gain of `auto_2` over `mlp_1p` comes from the network.

`own_1` asks whether the scale of the code holds `auto_2` back after ten epochs. Rescaled,
it is hardly better, so scale is not the main cause. `own_2` asks what a code holds that
has seen no label: with a frozen encoder ten epochs are far too few, but after a hundred
most digits are right. So unsupervised codes hold patterns of the classes.

Next I would measure with fewer labels, where pre-training has more to gain, and with a
code wider than ten.
### END SOLUTION
"""

# %% [markdown]
# ## Your report
#
# Write your name between the quotes, or leave it out, and run the next cells. The report is one HTML page in the folder
# of this notebook. Open it in a browser, print it to PDF there if you like, and hand it in with the notebook. It says
# what is missing. Run the cells again whenever something has changed; they replace your older report, and no other file.
# After a restart, a verdict or answer of sitting A that you change counts once its own cell has been run.

# %%
my_name = ""

# %% jupyter={"source_hidden": true}
a = sittings.kept("lab07_sitting_a", "Sitting A")
said = [globals().get(f"answer_{i}") or a["answered"][i - 1] for i in (1, 2)]
said.append(globals().get("answer_3"))
asked = ["Which trainings are supervised, which unsupervised, and what is the difference?",
         "What is an autoencoder for, and when is pre-training worth its time?",
         "What do the results show, and what do they not show?"]
answers = [report.Answer(f"question {i}", question, text)
           for i, (question, text) in enumerate(zip(asked, said, strict=True), start=1)]
solved = {"m2_labelled": (m2_labelled, m2_labelled_ok),
          "m2_unlabelled": (m2_unlabelled, m2_unlabelled_ok),
          "m2_loss": (m2_loss, m2_loss_ok)}
unsolved = [*a["unsolved"], *(k for k, (mine, used) in solved.items() if mine is not used)]
judged = globals().get("verdicts") or a["verdicts"]
judged = judged if isinstance(judged, dict) else {}
missing = [f"exercise `{k}` is not solved: the course's own was used" for k in unsolved]
missing += [f"conclusion {i} is not judged" for i in range(1, 7) if i not in judged]
missing += [f"`{name}`, a model of your own, does not run yet"
            for name in ("own_1", "own_2") if name not in results]

# %% jupyter={"source_hidden": true}
conditions = report.Table(["", "pre-training", "fine-tuning", "M2"], [
    ["images for training", f"{len(x):,}", f"mlp_all {len(x):,}, the others {n}",
     f"{len(mixed[0]):,}, {n} with a label"],
    ["epochs", ", ".join(f"{k} {v}" for k, v in a["pre_epochs"].items()),
     "10 and 100; mlp_all 10", 5],
    ["images in a step", 128, 32, 100],
    ["learning rate of Adam", "one cycle, up to 0.003", "0.001", "one cycle, up to 0.005"],
    ["seeds of the initialisation", "0 to 4", "10 to 14", "0"],
    ["seeds of the order of images", "0 to 4", "0 to 9", "0"],
    ["choices of labels", "none", "5, stratified, seed 0; mlp_all has all", "the first"],
], f"Conditions. Data set: {digits.name}; {len(x_val):,} validation images for the curves, "
   f"{len(x_test):,} test images for accuracies and errors.")

# %% jupyter={"source_hidden": true}
short = ["labels are needed, and they cost",
         "unsupervised learning alone gives nothing useful; codes hold patterns",
         "semi-supervised learning combines both", "larger is more accurate",
         "a small change costs far more time", "one autoencoder for many tasks"]
tables = [
    conditions,
    report.Table(["model", "network", *head[1:]], [
        [name, networks.get(name.split(",")[0]) or what_it_is.get(name), *row(name)[1:]]
        for name in results], "Accuracy on the test images, mean ± standard deviation over "
        "five choices of labels. The last column is the university's report, one run."),
    report.Table(["reconstruction", "weights", "squared error of a test image",
                  "seconds an epoch"], a["reconstructions"],
                 "Autoencoders (the first of five), and what needs no training"),
    report.Table(["classifier 784-128-10", "accuracy (%)"], m2_rows,
                 "M2 and its classifier alone, first choice of labels, one run"),
    report.Table(["", "conclusion of the university's report, in short", "my verdict"],
                 [[i, text, judged.get(i)] for i, text in enumerate(short, 1)], "Verdicts")]

# %% jupyter={"source_hidden": true}
report.write_report(
    "lab07_report.html", "Lab 07: few labels, many images", author=my_name,
    data=digits.name, missing=missing, sections=[
        ("Conditions and results", tables),
        ("Learning curves", report.Picture(
            draw_curves(), "Left: squared error of a validation image, before training and "
            "after each epoch. Right: validation cross-entropy in nats, first choice of "
            "labels, logarithmic axes. Dashed: not pre-trained, or own_2. Dotted: log 10, "
            "the cross-entropy of a classifier that knows nothing.")),
        ("Answers", answers)])

# %% [markdown]
# ## Where you stand
#
# After a restart only the checks that have been run again are counted.

# %%
check.summary()

# %% [markdown]
# **An open question.** The university's report has one number for each model, from one run. You have five, in which the
# labels, the initialisation and the order of the images change together. Which of these sources of chance matters most,
# and how would you find out?
#
# **Where to go next.** Pre-training one layer after the other once made deep networks trainable at all. Lesson 08
# asks when it still does.
