# %% [markdown]
# # 01a · What a label is worth
#
# **Promise.** You will measure how much accuracy is lost with fewer labels, separate it from what is lost with fewer
# training steps, and see what a network learns from its own answers.
#
# **After this unit you can**
# 1. count gradient steps, and tell equal epochs from equal steps;
# 2. read a curve of accuracy against labels;
# 3. write self-training, and judge its pseudo-labels.
#
# **Before it:** unit 01. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

from aecourse import data, diagrams, plots, sidebyside
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import mlp
from aecourse.train import seeded

plots.use_style()
digits = data.load()
claim = Claims("01", digits.name)

# %%
diagrams.layers([784, 10, 10], {0: "image", 1: "hidden", 2: "logits"}, {"net": (0, 2)});

# %% [markdown]
# This is the network of the unit, with one hidden layer of only 10 units. It gets 100 %, 10 %, 1 % or 0.1 % of the labels.
# The images without a label are not used at all. An unpublished lab report from a university course did this. It found
# 90.5 % test accuracy with all labels, and 68.4 % with 1 %.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, y_val = digits.x_train[valid], digits.y_train[valid]
x_test, y_test = digits.x_test, digits.y_test
shares, seeds = [1, 0.1, 0.01, 0.001], range(5)
counts = [round(share * len(x)) for share in shares]  # labels

# %% [markdown]
# ## 1 · Epochs are not steps
#
# An **epoch** goes once through the labelled images. The last batch of an epoch may be smaller; it is a step, too.

# %%
counted = 0
for _ in range(10):  # epochs
    counted += len(torch.randperm(counts[3]).split(32))  # batches of at most 32

# %%
try_it(f"Ten epochs over {counts[3]} labels, in batches of 32: how many gradient steps are "
       "they? Type the number in place of None.", None, counted)

# %% [markdown]
# Here is one network with 0.1 % of the labels, trained by a plain loop. `pool` holds the positions of the images that it
# may learn from. Each step takes 32 of them at random, so we count steps. "Ten epochs" means as many steps as ten epochs
# over the *pool* would need.

# %%
def train_one(pool, targets, steps, seed=0):
    """Train one network on the images of the pool; return it."""
    with seeded(seed):
        net = mlp([784, 10, 10])
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)  # fused: faster
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        index = pool[torch.randint(len(pool), (32,), generator=generator)]  # (32,)
        loss = F.cross_entropy(net(x[index]), targets[index])  # the mean of the batch
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


def accuracy(net, x, y):
    with torch.no_grad():
        return 100 * (net(x).argmax(1) == y).float().mean().item()

# %% [markdown]
# **Predict.** How many times as accurate is the network after 1,000 steps as after the steps of ten epochs? Type a number;
# 1 means no gain.

# %%
prediction_times = None

# %%
steps = [10 * math.ceil(n / 32) for n in counts]  # gradient steps of ten epochs
few = data.stratified_subset(y, counts[3])  # positions of 0.1 % of the images
short, long = (accuracy(train_one(few, y, n), x_test, y_test) for n in (steps[3], 1000))
print(f"test accuracy after {steps[3]} steps {short:.1f} %, after 1000 steps {long:.1f} %")

# %%
score([("accuracy after 1,000 steps ÷ after ten epochs", prediction_times, long / short)])

# %% [markdown]
# After ten epochs the network has hardly begun to learn. So an accuracy at "ten epochs" mixes two things: missing labels
# and missing steps.
#
# ## 2 · Equal epochs, equal steps
#
# Now we train for each amount of labels, and measure at *each network's own ten epochs* and at an *equal number of steps*,
# that of ten epochs with all labels. One run could be luck, so there are five networks for each amount, with different
# labels and initialisations. The module `sidebyside` trains these twenty at the same time. No weight is shared, so each
# learns as if it were alone. In the next cell only `sidebyside.train` matters. It measures all accuracies at the steps in
# `stops`. The other lines sort the results.
#
# **Predict.** What test accuracy does the network reach with 1 % of the labels, at equal steps, in %?

# %%
prediction_one_percent = None

# %%
pools = [data.stratified_subset(y, n, seed=5 * i + seed) if n < len(x) else torch.arange(n)
         for i, n in enumerate(counts) for seed in seeds]  # 20 tensors of positions
stops = sorted({*steps, *(2**k for k in range(2, 15) if 2**k < steps[0])})
nets = sidebyside.SideBySide(len(pools))  # twenty networks 784-10-10
found = sidebyside.train(nets, x, y, pools, steps[0], stops,
                         lambda: nets.accuracies(x_test, y_test))
curves = np.stack([found[s].numpy().reshape(4, 5) for s in stops])  # (stops, shares, seeds)
equal_steps = curves[-1]  # (4, 5)
equal_epochs = np.stack([curves[stops.index(s), i] for i, s in enumerate(steps)])

# %%
axis = plt.subplots(figsize=(7.5, 4))[1]
colours = (plots.BLUE, plots.GREEN, plots.PURPLE, plots.VERMILION)
for i, (share, colour) in enumerate(zip(shares, colours, strict=True)):
    mean, sd = curves[:, i].mean(1), curves[:, i].std(1, ddof=1)
    axis.fill_between(stops, mean - sd, mean + sd, color=colour, alpha=0.2)
    axis.plot(stops, mean, color=colour, label=f"{100 * share:g} % of the labels")
    axis.plot(steps[i], equal_epochs[i].mean(), "o", color=colour, markersize=9)
axis.set(xlabel="gradient steps", ylabel="test accuracy (%)", xscale="log", ylim=(0, 100))
axis.legend(frameon=False, loc="lower right");

# %% [markdown]
# A line is the mean of five networks, the band their standard deviation. A dot marks ten epochs. The fewer the labels, the
# further to the left the dot lies. With 0.1 % it lies in the steep part of its curve. At the right end all networks have
# had the same steps. There the curves for few labels no longer rise. Where a curve sinks, the network has begun to
# memorise its few images (**overfitting**). So equal steps are not perfect, but far fairer than equal epochs. Fairest is
# each network's best step on validation images. (On MNIST the single network of section 1 was lucky in its labels.)

# %%
axis = plt.subplots(figsize=(7.5, 3.6))[1]
for values, name, style in ((equal_steps, "equal steps", "s-"),
                            (equal_epochs, "ten epochs", "o--")):
    axis.errorbar(counts, values.mean(1), values.std(1, ddof=1), fmt=style, capsize=4,
                  label=name)
axis.plot([counts[2], counts[0]], [68.4, 90.5], "k*", markersize=11, label="lab report")
axis.set(xlabel="labelled images", ylabel="test accuracy (%)", xscale="log", ylim=(0, 100))
axis.legend(frameon=False);

# %% [markdown]
# Both curves fall for few labels, the dashed one much more. On MNIST, with 10 % of the labels, the dashed curve lies
# slightly above the solid one, because the network overfits a little by the end. The report's result with 1 % lies below
# both curves on MNIST. Before we read the vertical distance between the two stars as the price of labels, we have to know
# after how many steps it was measured. Lesson 07 repeats the experiment of the report. (The built-in digits cannot be
# compared with it.)

# %%
row = 2  # 0: 100 %, 1: 10 %, 2: 1 %, 3: 0.1 % of the labels
ten_epochs, equal = equal_epochs[row].mean(), equal_steps[row].mean()
print(f"ten epochs {ten_epochs:.2f} %, equal steps {equal:.2f} %")

# %%
try_it("Set `row = 3` above. How many points of accuracy do ten epochs lose against equal "
       "steps, with 0.1 % of the labels?", None, equal - ten_epochs, changed=row == 3)

# %% [markdown]
# If you ran it: compare these points with the whole fall of the dashed curve, from all labels to 0.1 %. A large part of it
# is the price of missing *steps*.

# %%
score([("test accuracy with 1 % of the labels (%)", prediction_one_percent,
        equal_steps[2].mean())])
reported = {1: "90.5 (lab report)", 0.01: "68.4 (lab report)"}
for i, share in enumerate(shares):
    in_ten = f"{equal_epochs[i].mean():.1f} ± {equal_epochs[i].std(ddof=1):.1f}"
    claim(f"label curve, {100 * share:g} %",
          f"Test accuracy of 784-10-10 with {100 * share:g} % of the labels, equal steps",
          equal_steps[i].mean(), "%", spread=equal_steps[i].std(ddof=1), seeds=5,
          at_least=(85, 78, 65, 35)[i], baseline=f"ten epochs {in_ten}",
          paper=reported.get(share))
claim("steps, not labels", "Gain of equal steps over ten epochs, with 0.1 % of the labels",
      (equal_steps[3] - equal_epochs[3]).mean(), "points", seeds=5, at_least=10,
      spread=(equal_steps[3] - equal_epochs[3]).std(ddof=1))

# %% [markdown]
# ## 3 · Self-training
#
# Can the images without a label help? In **self-training** the network labels them itself:

# %%
diagrams.flow({"few": (0, 0, "few labels", plots.SKY),
               "net": (1.1, 0, "train\na network", plots.ORANGE),
               "all": (2.2, 0, "label all\nother images", plots.ORANGE),
               "keep": (3.3, 0, "keep confident\nanswers", plots.ORANGE),
               "pseudo": (2.2, -1, "pseudo-labels", plots.SKY)},
              {("few", "net"): "", ("net", "all"): "", ("all", "keep"): "",
               ("keep", "pseudo"): "", ("pseudo", "net"): ""});

# %% [markdown]
# The **pseudo-labels** are answers of the network whose probability reaches a threshold. With them and the true labels, a
# new network is trained. That is one round. Here are three rounds, with 1 % of the labels. The first networks, `starts`,
# are the same for all thresholds.

# %%
starts = [train_one(data.stratified_subset(y, counts[2], seed=seed), y, 1000, seed)
          for seed in seeds]


def self_training(threshold, seed, rounds=3):
    """Return the first network and that of each round, and the last pseudo-labels."""
    few = data.stratified_subset(y, counts[2], seed=seed)
    unlabelled = torch.ones(len(x), dtype=torch.bool).index_fill(0, few, False)  # (N,)
    nets = [starts[seed]]
    for _ in range(rounds):
        with torch.no_grad():
            confidence, answer = nets[-1](x).softmax(1).max(1)  # (N,), (N,)
        taken = unlabelled & (confidence >= threshold)
        pool = torch.cat([few, taken.nonzero()[:, 0]])
        targets = torch.where(unlabelled, answer, y)  # never the hidden labels
        nets.append(train_one(pool, targets, 1000, seed))
    return nets, taken, answer

# %% [markdown]
# **Predict.** With a threshold of 0.99, what percentage of the pseudo-labels is wrong in the third round?

# %%
prediction_wrong = None

# %% [markdown]
# **Predict.** From the first network to the last, how does the test accuracy change with a threshold of 0.99? Type `"up"`
# or `"down"`, with the quotes.

# %%
prediction_strict = None

# %%
thresholds, runs = [0.0, 0.5, 0.9, 0.99], {}
for threshold in thresholds:
    runs[threshold] = [self_training(threshold, seed) for seed in seeds]

# %%
gain, gain_val, wrong, shares_of = [], [], [], []  # rows: thresholds
for five in runs.values():
    both = [[accuracy(nets[-1], *part) - accuracy(nets[0], *part) for nets, _, _ in five]
            for part in ((x_val, y_val), (x_test, y_test))]  # (2, 5)
    gain_val.append(np.mean(both[0]))
    gain.append(both[1])
    wrong.append(np.mean([100 * (answer[taken] != y[taken]).float().mean()
                          for _, taken, answer in five]))
    shares_of.append(sum(np.bincount(answer[taken], minlength=10)
                         for _, taken, answer in five))
table(["threshold", "change of the test accuracy (points)", "±", "pseudo-labels",
       "wrong (%)"],
      [[t, np.mean(g), np.std(g, ddof=1), int(n.sum() / 5), w] for t, g, n, w in zip(
          thresholds, gain, shares_of, wrong, strict=True)])

# %%
score([("wrong pseudo-labels with a threshold of 0.99 (%)", prediction_wrong, wrong[-1]),
       ("accuracy with a threshold of 0.99", prediction_strict,
        "down" if np.mean(gain[-1]) < 0 else "up")])
best, gains = int(np.argmax(gain_val)), np.array(gain)  # gains: (thresholds, seeds)
gone = shares_of[-1] / sum(shares_of[-1])  # (10,): the row of 0.99, with sum 1
before = np.mean([accuracy(nets[0], x_test, y_test) for nets, _, _ in runs[0.0]])
claim("self-training", "Gain in test accuracy by self-training at 1 % of the labels, "
      "threshold chosen on validation images", gains[best].mean(), "points",
      spread=gains[best].std(ddof=1), seeds=5, at_least=-3, at_most=4,
      baseline=f"{before:.1f} % before, threshold {thresholds[best]:g}")
claim("too strict", "Change of test accuracy by self-training with a threshold of 0.99",
      gains[-1].mean(), "points", spread=gains[-1].std(ddof=1), seeds=5, at_most=-2,
      baseline=f"of its pseudo-labels {wrong[-1]:.1f} % are wrong, "
      f"{100 * gone.min():.2f} % belong to the rarest class")

# %%
rounds = 3
longer, _, _ = self_training(0.99, 0, rounds)
print(f"{rounds} rounds: test accuracy {accuracy(longer[-1], x_test, y_test):.1f} %")

# %%
try_it("Set `rounds = 6` above, for one choice of labels. What is the test accuracy of the "
       "last network, in %?", None, accuracy(longer[-1], x_test, y_test),
       changed=rounds == 6)

# %%
axis = plots.shares(np.stack(shares_of), rows="threshold", columns="class", least=0)
axis.set_yticks(range(4), labels=thresholds);

# %% [markdown]
# Each row of the picture shows the pseudo-labels of the third round with one threshold, and which percentage of them each
# class has. An equal share would be 10 %. With a threshold of 0 all classes are there, and many labels are wrong. With the
# strictest threshold nearly all labels are *right*, yet some classes have all but disappeared, and the accuracy falls.
#
# A strict threshold takes the images that the network finds easy. A class about which it is not confident is hardly ever
# taken, so the next network sees still less of it. The true labels do not protect this class. Each batch comes from the
# whole pool, and on MNIST nearly all of it is pseudo-labelled, as the table shows. So right labels can still be a biased
# sample.
#
# With a low threshold the network learns its own errors. With a high threshold it sees mainly the classes that it finds
# easy. Other methods with few labels use data augmentation (changes of an image that keep its class) or a model of the
# images (lesson 07). The threshold of the first claim was chosen on validation images, which makes the result optimistic.
# They have many more labels than the method itself.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Ten epochs over few labels are few steps. Compare at equal steps, and check that the curves are flat.
# - A curve of accuracy against labels means something only if the number of steps is known.
# - Report the mean and the standard deviation over several choices of labels.
# - Self-training teaches a network its own errors. With a strict threshold it can lose a class, although its labels are
#   right.
#
# **Your turn:** [lab 01](../work/lab01.ipynb) (your own copy; on the web, the
# [sheet](../exercises/lab01/lab01.ipynb)). **Deeper:** [01b](01b_shuffling.ipynb) asks which images to label.
# **Next:** [lesson 02, the autoencoder](02_autoencoder.ipynb).
#
# ### Papers
# - D. Yarowsky (1995). *Unsupervised word sense disambiguation rivaling supervised methods.* ACL, 189–196.
#   (self-training)
# - D.-H. Lee (2013). *Pseudo-label: the simple and efficient semi-supervised learning method for deep neural
#   networks.* ICML Workshop on Challenges in Representation Learning.
