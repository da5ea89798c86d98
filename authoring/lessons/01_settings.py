# %% [markdown]
# # 01 · Supervised, unsupervised, and what lies between
#
# **Promise.** You will teach the same digits to a computer in four ways, with all labels, with none, with a few, and
# with targets that the images bring themselves, and you will know what one label is worth in each.
#
# **After this lesson you can**
# 1. say for each of the four settings what is given, what is asked, and how success is measured;
# 2. read a curve of accuracy against labels, and ask whether it measures labels or training steps;
# 3. judge a clustering with ARI and NMI, and explain why cluster 3 is not the digit 3;
# 4. spread a few labels to many images in two ways, and say how self-training can lose a whole class;
# 5. build a task out of the images alone, and measure what its features are worth.
#
# **Before it:** lesson 00; what a linear layer and a gradient are. **Time:** about 45 minutes to read; all cells
# together run in less than 100 seconds on two cores. Four questions ask for your prediction.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, LatentDirichletAllocation
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelSpreading
from torch import nn

from aecourse import data, losses, metrics, plots
from aecourse.claims import Claims, say, score, table
from aecourse.models import mlp
from aecourse.progress import Line
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("01", digits.name)
digits

# %% [markdown]
# ## 1 · One data set, four settings
#
# | setting | given | asked | measured by |
# |---|---|---|---|
# | **supervised** | images $x$ and a label $y$ for each | the label of a new image | accuracy on test images |
# | **unsupervised** | images alone | some structure: groups, axes, a density | it depends; here: agreement with labels that were hidden |
# | **semi-supervised** | many images, few labels | the label of a new image | accuracy, beside the same few labels *without* the other images |
# | **self-supervised** | images alone | one part of an image from another part | what the learned features are worth for a later task |
#
# The four differ in what the learner is given. The digits are always the same.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, y_val = digits.x_train[valid], digits.y_train[valid]
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # a third of the images: three times the epochs
print(f"{len(x):,} images to learn from, {len(x_val):,} to choose settings on, "
      f"{len(x_test):,} to measure")

# %% [markdown]
# ## 2 · Supervised: every image has a label
#
# A network with one hidden layer of 128 units gives ten numbers for an image, the **logits**. The softmax turns them
# into probabilities $p(y \mid x)$, and the loss of one image is $-\log p(y \mid x)$ at its true label, in **nats**
# (the unit that goes with the natural logarithm). Lesson 02 writes the training loop by hand and says where this loss
# comes from; here the helper `fit` does it.

# %%
def nats(model, x, y, step):
    return {"nats": losses.categorical_nll(model(x), y)}


with seeded(0):
    classifier = mlp([784, 128, 10])
history = fit(classifier, (x, y), nats, epochs=4 * more, lr=3e-3, one_cycle=True,
              held_out=(x_val, y_val))
with torch.no_grad():
    probability, answer = classifier(x_test).softmax(1).max(1)
supervised = 100 * (answer == y_test).float().mean().item()

# %%
means = torch.stack([x[y == label].mean(0) for label in range(10)])
nearest_mean = 100 * (torch.cdist(x_test, means).argmin(1) == y_test).float().mean().item()
claim("supervised", "Test accuracy of 784-128-10 with a label for every image", supervised,
      "%", at_least=92, baseline=f"nearest mean image {nearest_mean:.1f}")

# %% [markdown]
# Few are wrong. These are the test images on which the network is wrong and most sure of itself:

# %%
wrong = (answer != y_test).nonzero().squeeze(1)
worst = wrong[probability[wrong].argsort(descending=True)[:10]]
plots.images({"surely wrong": x_test[worst]},
             columns=[f"{a}, not {t}" for a, t in zip(answer[worst], y_test[worst])]);

# %% [markdown]
# Above each image stands the network's answer and then the label. For some of them, you may side with the network.
# MNIST's labels were made by people, and the built-in digits are distorted at random: a test accuracy of 100 % is out
# of reach.
#
# ## 3 · What is a label worth?
#
# A label costs somebody's time; images are often free. So how much accuracy does one lose with fewer labels? We take
# the smallest network that makes sense, **one hidden layer of 10 units**, and give it 100 %, 10 %, 1 % and 0.1 % of
# the labels. The images without a label are not used at all. A university lab report did this and found 90.5 %
# accuracy with all labels, and 68.4 % with 1 %.
#
# **Predict.** What will our network reach with 1 % of the labels, in % of the test images, if it is trained for as
# many steps as with all labels?

# %%
prediction_one_percent = None

# %% [markdown]
# A figure from one run could be luck: of the labels drawn, of the first weights. So we train **five networks for each
# amount of labels**, with different labels and weights, and report the mean and the spread. Twenty trainings one
# after the other would take minutes. But such small networks can be trained *side by side*: their weights lie in one
# array with one more dimension in front, and one product computes the layers of all twenty. They share nothing but
# the clock.

# %%
class SideBySide(nn.Module):
    """S networks 784-10-10: images (S, B, 784), or (B, 784) for all, to (S, B, 10)."""

    def __init__(self, count, seed=0):
        super().__init__()
        with seeded(seed):
            self.w1 = nn.Parameter((2 * torch.rand(count, 784, 10) - 1) / 784**0.5)
            self.w2 = nn.Parameter((2 * torch.rand(count, 10, 10) - 1) / 10**0.5)
        self.b1 = nn.Parameter(torch.zeros(count, 1, 10))
        self.b2 = nn.Parameter(torch.zeros(count, 1, 10))

    def forward(self, x):
        hidden = (x @ self.w1 + self.b1).relu()
        return hidden @ self.w2 + self.b2

    def accuracies(self, x, y):
        with torch.no_grad():
            return 100 * (self(x).argmax(-1) == y).float().mean(1)

# %% [markdown]
# Each network has a **pool**: the indices of the images that it may learn from, and their number. A step takes 32
# random images from each pool. The losses of the networks are added up, and since no weight belongs to two networks,
# each gets its own gradient, as if it were alone.

# %%
def train_nets(nets, pools, sizes, targets, steps, stops=()):
    """Train on random images of each net's pool; return test accuracies (S,) at stops."""
    optimiser = torch.optim.Adam(nets.parameters(), lr=1e-3, fused=True)
    generator, found, line = torch.Generator().manual_seed(0), {}, Line()
    for step in range(1, steps + 1):
        draw = (torch.rand(len(sizes), 32, generator=generator) * sizes[:, None]).long()
        rows = pools.gather(1, draw)  # (S, 32): which images
        images = x.index_select(0, rows.flatten())  # as x[rows], in half the time
        logits, labels = nets(images.view(*rows.shape, 784)), targets.gather(1, rows)
        each = losses.categorical_nll(logits.flatten(0, 1), labels.flatten())
        optimiser.zero_grad()
        (each.sum() / 32).backward()
        optimiser.step()
        line.show(f"step {step:,} of {steps:,}", step / steps)
        if step in stops:
            found[step] = nets.accuracies(x_test, y_test)
    line.close(f"{len(sizes)} networks, {steps:,} steps each")
    return found

# %%
shares, seeds = [1, 0.1, 0.01, 0.001], range(5)
counts = [round(share * len(x)) for share in shares]
ten_epochs = [10 * -(-n // 32) for n in counts]  # gradient steps, rounded up per epoch
table(["share of the labels", "labels", "steps in ten epochs"],
      [[f"{100 * share:g} %", f"{n:,}", f"{steps:,}"]
       for share, n, steps in zip(shares, counts, ten_epochs)])

# %% [markdown]
# Look at the last column before any accuracy. An **epoch** goes once through the labelled images. Ten epochs over few
# images are few steps: with 0.1 % of the labels the network is asked to stop after twenty or fewer. Would you expect
# any network to have learned much by then? We therefore train all of them for the *largest* of these numbers of
# steps, and note the test accuracy on the way, also at each network's own ten epochs.

# %%
longest = max(ten_epochs)
stops = sorted({*ten_epochs, *(2**k for k in range(2, 15) if 2**k < longest)})
sizes = torch.tensor([n for n in counts for _ in seeds])
pools = torch.zeros(len(sizes), len(x), dtype=torch.long)
for row, n in enumerate(sizes.tolist()):
    few = data.stratified_subset(y, n, seed=row) if n < len(x) else torch.arange(n)
    pools[row, :n] = few
found = train_nets(SideBySide(len(sizes)), pools, sizes, y.expand(len(sizes), -1),
                   longest, stops)
found = {step: values.reshape(len(shares), -1).numpy() for step, values in found.items()}

# %%
equal_epochs = np.stack([found[steps][i] for i, steps in enumerate(ten_epochs)])  # (4, 5)
equal_steps = found[longest]
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.8), sharey=True)
curves = np.stack([found[s] for s in stops])  # (stops, shares, seeds)
for i, colour in enumerate((plots.BLUE, plots.GREEN, plots.PURPLE, plots.VERMILION)):
    mean, spread = curves[:, i].mean(1), curves[:, i].std(1, ddof=1)
    left.fill_between(stops, mean - spread, mean + spread, color=colour, alpha=0.2)
    left.plot(stops, mean, color=colour, label=f"{100 * shares[i]:g} % of the labels")
    left.plot(ten_epochs[i], equal_epochs[i].mean(), "o", color=colour, markersize=9)
for values, name, style in ((equal_steps, "equal steps", "s-"),
                            (equal_epochs, "equal epochs (ten)", "o--")):
    right.errorbar(counts, values.mean(1), values.std(1, ddof=1), fmt=style, capsize=4,
                   label=name)
right.plot([0.01 * len(x), len(x)], [68.4, 90.5], "k*", markersize=11, label="lab report")
left.set(xlabel="gradient steps", ylabel="test accuracy (%)", xscale="log", ylim=(0, 100))
right.set(xlabel="labelled images", xscale="log")
left.legend(frameon=False, fontsize=9, loc="lower right")
right.legend(frameon=False, fontsize=9, loc="lower right");

# %% [markdown]
# Left: accuracy along the training; a line is the mean of five networks, the band their standard deviation. The dots
# mark each network's ten epochs: the fewer the labels, the further to the left, in the steep part. Right: the same
# results against the number of labels, read off at the dots (dashed) and at the end (solid).
#
# The dashed curve plunges where labels are few. A large part of that fall is not the price of missing labels; it is
# the price of missing *steps*. With equal steps, a tenth of the labels costs a few points, and even the smallest
# share reaches several times the accuracy of guessing. On MNIST, the report's result at 1 % (the left star) lies
# below both curves; the built-in digits are other images, with which it cannot be compared. Before anybody reads the
# drop from star to star as the price of labels, one has to ask after how many steps it was measured; lesson 07 runs
# that report again.

# %%
reported = {1: "90.5 (lab report)", 0.01: "68.4 (lab report)"}
for i, share in enumerate(shares):
    short = f"{equal_epochs[i].mean():.1f} ± {equal_epochs[i].std(ddof=1):.1f}"
    claim(f"label curve, {100 * share:g} %",
          f"Test accuracy of 784-10-10 with {100 * share:g} % of the labels, equal steps",
          equal_steps[i].mean(), "%", spread=equal_steps[i].std(ddof=1), seeds=5,
          at_least=(85, 78, 65, 35)[i], baseline=f"ten epochs {short}",
          paper=reported.get(share))
claim("steps, not labels", "Accuracy with 0.1 % of the labels that ten epochs leave out",
      (equal_steps[3] - equal_epochs[3]).mean(), "points", seeds=5, at_least=10,
      spread=(equal_steps[3] - equal_epochs[3]).std(ddof=1))

# %% [markdown]
# **Equal steps are no perfect measure either**: with few labels, thousands of steps go over the same images again and
# again. Here the left picture shows that the curves for few labels have long been flat, so more or fewer steps would
# not change the answer. That is what one has to check before writing "with 1 % of the labels".
#
# ## 4 · Unsupervised: no labels at all
#
# **k-means** divides the images into $K$ groups. It repeats two steps: give each image to the nearest of $K$ centres;
# move each centre to the mean of its images. The sum of squared distances to the centres never rises, and there are
# only so many ways to group the images, so it ends. You write both steps in the lab; here scikit-learn does it, on at
# most 20,000 of the images. No label is used.
#
# **Predict.** The clusters are numbered from 0 to 9. For what percentage of the images is the cluster's number equal
# to the digit?

# %%
prediction_same_number = None

# %%
kmeans = KMeans(10, n_init=1, random_state=0).fit(x[:20_000].numpy())
cluster = kmeans.predict(x.numpy())
same_number = 100 * (cluster == y.numpy()).mean()
centres = torch.from_numpy(kmeans.cluster_centers_)
plots.images({"centres": centres}, columns=[f"cluster {k}" for k in range(10)], zoom=1);

# %% [markdown]
# Each centre is the mean of its images. Some look like a digit, some like two digits at once, and some digits appear
# twice. Now count how the clusters agree with the labels, which were hidden until now:

# %%
counted = np.zeros((10, 10), int)
np.add.at(counted, (cluster, y.numpy()), 1)
figure, axis = plt.subplots(figsize=(5.6, 4.6))
picture = axis.imshow(100 * counted / counted.sum(1, keepdims=True), cmap="Blues", vmin=0,
                      vmax=100)
for (k, label), n in np.ndenumerate(counted):
    share = n / counted[k].sum()
    if share >= 0.05:
        axis.text(label, k, f"{100 * share:.0f}", ha="center", va="center", fontsize=9,
                  color="white" if share > 0.5 else "black")
axis.set(xlabel="digit", ylabel="cluster", xticks=range(10), yticks=range(10))
axis.grid(visible=False)
figure.colorbar(picture, label="share of the cluster (%)");

# %% [markdown]
# Each row is one cluster, each column a digit; numbers are percentages of the row, those under 5 left out. A good row
# has one dark cell. Some rows are like that: those clusters are almost one digit. Other rows are shared, by digits
# that have much ink in common. And a digit that is written in two ways may fill two rows, as the upright and the
# slanted 1 of MNIST do.
#
# ### Why cluster 3 is not the digit 3
#
# The numbers of the clusters are names that k-means gives in the order in which it happened to place its centres.
# Number them in another order and the clustering is the same. A measure for it must not change then. Two such
# measures are common:
#
# - **ARI**, the adjusted Rand index, looks at all pairs of images: do clustering and labels agree on whether the two
#   belong together? It is 1 if they always agree, and 0 on average for a clustering drawn at random.
# - **NMI**, the normalised mutual information, is the information, in nats, that the cluster gives about the digit,
#   divided by the mean of both entropies: 1 if each determines the other, 0 if they are independent.

# %%
generator = np.random.default_rng(0)
renamed = generator.permutation(10)[cluster]
drawn = generator.integers(10, size=len(y))
rows = []
for name, groups in (("k-means", cluster), ("k-means, clusters numbered anew", renamed),
                     ("drawn at random", drawn)):
    rows.append([name, 100 * (groups == y.numpy()).mean(), adjusted_rand_score(y, groups),
                 normalized_mutual_info_score(y, groups)])
table(["clustering", "number = digit (%)", "ARI", "NMI"],
      [[name, number, f"{ari + 0:.3f}", f"{nmi:.3f}"] for name, number, ari, nmi in rows])

# %% [markdown]
# The share of equal numbers says nothing: numbering the clusters anew changes it at once, and for the real clusters
# it may be larger or smaller than for groups drawn at random. ARI and NMI stay the same, and are near 0 for the
# random groups.

# %%
again = [KMeans(10, n_init=1, random_state=seed).fit(x[:10_000].numpy()) for seed in seeds]
ari = [adjusted_rand_score(y_test, km.predict(x_test.numpy())) for km in again]
nmi = [normalized_mutual_info_score(y_test, km.predict(x_test.numpy())) for km in again]
claim("k-means ARI", "ARI of ten k-means clusters with the digits, test images",
      np.mean(ari), spread=np.std(ari, ddof=1), seeds=5, at_least=0.2, at_most=0.6,
      baseline="random groups 0")
claim("k-means NMI", "NMI of ten k-means clusters with the digits, test images",
      np.mean(nmi), spread=np.std(nmi, ddof=1), seeds=5, at_least=0.3, at_most=0.7)
claim("renaming", "Change of the ARI when the clusters are numbered anew",
      abs(rows[0][2] - rows[1][2]), at_most=1e-9)

# %% [markdown]
# k-means found real structure, far from chance and far from the digits. It minimises distances between pixels, and
# nobody told it that a slanted 1 and an upright 1 are "the same". What counts as the same is exactly what labels say.
#
# ### Clusters tell us whom to ask
#
# If somebody names 0.1 % of the images for us, which ones should we show? Random ones, or the image nearest to each
# centre of as many clusters? In the second case every image takes the name of its cluster.

# %%
def one_label_per_cluster(n, seed):
    """Ask for the labels of the images nearest to n centres; return test accuracy (%)."""
    some = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:10_000]
    clusters = KMeans(n, n_init=1, random_state=seed).fit(x[some].numpy())
    asked = some[clusters.transform(x[some].numpy()).argmin(0)]
    names = y[asked].numpy()
    return 100 * (names[clusters.predict(x_test.numpy())] == y_test.numpy()).mean()


def one_neighbour(rows):
    """The nearest labelled image names a test image; return the test accuracy (%)."""
    nearest = KNeighborsClassifier(1).fit(x[rows].numpy(), y[rows].numpy())
    return 100 * nearest.score(x_test.numpy(), y_test.numpy())

# %%
few = counts[3]  # 0.1 % of the images
few_rows = [data.stratified_subset(y, few, seed=seed) for seed in seeds[:3]]
by_chance = [one_neighbour(rows) for rows in few_rows]
by_centre = [one_label_per_cluster(few, seed) for seed in seeds[:3]]
claim("whom to ask", f"Test accuracy with {few} labels, one for the centre of each cluster",
      np.mean(by_centre), "%", spread=np.std(by_centre, ddof=1), seeds=3,
      at_least=np.mean(by_chance) + 3,
      baseline=f"nearest of {few} random labelled images {np.mean(by_chance):.1f} ± "
      f"{np.std(by_chance, ddof=1):.1f}")

# %% [markdown]
# The same number of labels, as simple a classifier, and yet a large difference: the clusters use the *images without
# labels* to find out which images are typical. This is already more than unsupervised learning, and the next section
# is about such mixtures.
#
# ## 5 · Semi-supervised: a few labels, many images
#
# ### Label spreading
#
# Connect each image with its ten nearest neighbours and let the known labels flow along the connections, again and
# again, while the labelled images keep feeding in their own (Zhou and others 2004; you write it in the lab). The idea
# behind it: neighbours tend to be of one class, and chains of neighbours follow the curved shape of a class further
# than a single straight distance can.
#
# The graph of all images would take too long here, so each of three runs takes a **subset of a tenth** of the images
# and has the labels of 1 % of that subset. The honest baselines see the same labels and nothing else.

# %%
def spread_labels(seed):
    """Test accuracies (%) of label spreading and two baselines on the same labels."""
    generator = torch.Generator().manual_seed(seed)
    subset = torch.randperm(len(x), generator=generator)[: counts[1]]
    labelled = subset[data.stratified_subset(y[subset], counts[3], seed=seed)]
    known = torch.where(torch.isin(subset, labelled), y[subset], -1)  # -1: not known
    model = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.9, max_iter=200)
    model.fit(x[subset].numpy(), known.numpy())
    linear = LogisticRegression(max_iter=300).fit(x[labelled].numpy(), y[labelled].numpy())
    scores = (100 * m.score(x_test.numpy(), y_test.numpy()) for m in (model, linear))
    return *scores, one_neighbour(labelled)


spreading = np.array([spread_labels(seed) for seed in seeds[:3]])

# %%
mean, spread = spreading.mean(0), spreading.std(0, ddof=1)
claim("label spreading",
      f"Test accuracy of label spreading, {counts[3]} labels among {counts[1]:,} images",
      mean[0], "%", spread=spread[0], seeds=3, at_least=max(mean[1:]) + 2,
      holds_on=("mnist",),
      baseline=f"logistic regression {mean[1]:.1f} ± {spread[1]:.1f}, nearest labelled "
      f"image {mean[2]:.1f} ± {spread[2]:.1f}, both on the same labels")

# %%
lead = mean[0] - max(mean[1:])  # over the better baseline
say(f"Label spreading is {abs(lead):.1f} points {'ahead of' if lead > 0 else 'behind'} "
    "the better baseline: the images without labels "
    + ("help." if lead >= 2 else "help little or not at all here, with so few of them."))

# %% [markdown]
# Images without labels show the way from a labelled 4 to another 4 that looks different. It works as far as the idea
# holds, and as far as the graph has near neighbours to offer. Where two classes touch, as 4 and 9 do in pixel space,
# labels flow across.
#
# ### Self-training
#
# Another way needs no graph. Train on the few labels; let the network label the other images; take those of which it
# is sure as if their labels were true (**pseudo-labels**); train anew on both; repeat. How sure is sure enough? We
# give the labels of 1 % of the images and try four thresholds for the probability, each with five networks that have
# different labels, all twenty side by side as in section 3.

# %%
def self_training(count, thresholds, rounds=4, steps=1000):
    """Return one dict of measures a round; each value has shape (thresholds, 5)."""
    shape = (len(thresholds), len(seeds))
    rows = [data.stratified_subset(y, count, seed=seed) for seed in seeds] * len(thresholds)
    labelled = torch.stack([torch.isin(torch.arange(len(x)), few) for few in rows])
    needed = torch.tensor(thresholds).repeat_interleave(len(seeds))[:, None]
    taken, targets, report = labelled, y.expand(len(rows), -1), []
    for _ in range(rounds):
        nets = SideBySide(len(rows))
        pools = taken.int().argsort(1, descending=True)  # the images taken come first
        train_nets(nets, pools, taken.sum(1), targets, steps)
        with torch.no_grad():
            sure, says = nets(x).softmax(-1).max(-1)  # (20, N): probability and answer
        new = (sure >= needed) & ~labelled
        rarest = torch.stack([(new & (says == k)).sum(1) for k in range(10)]).amin(0)
        found = {"validation (%)": nets.accuracies(x_val, y_val),
                 "test (%)": nets.accuracies(x_test, y_test),
                 "taken (%)": 100 * new.float().mean(1),
                 "wrong (%)": 100 * (new & (says != y)).sum(1) / new.sum(1),
                 "rarest class (%)": 100 * rarest / new.sum(1)}
        report.append({name: v.reshape(shape).numpy() for name, v in found.items()})
        taken, targets = new | labelled, torch.where(labelled, y, says)
    return report

# %% [markdown]
# The first round has the true labels only. Here are its measures and those of the last round. "Wrong" is the share of
# wrong ones among the pseudo-labels that were taken, "rarest class" the share of the class that was taken least often
# (a fair share would be about 10 %).

# %%
thresholds = [0.0, 0.5, 0.9, 0.99]
report = self_training(counts[2], thresholds)
first, last = report[0], report[-1]
table(["threshold", *(f"{name}, {when}" for name in first for when in ("first", "last"))],
      [[f"{threshold:g}", *(f"{r[name][i].mean():.1f}" for name in first
                            for r in (first, last))]
       for i, threshold in enumerate(thresholds)])

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 3.3))
names = ["validation (%)", "wrong (%)", "rarest class (%)"]
for axis, name in zip(axes, names):
    for i, marker in enumerate("os^D"):
        values = np.stack([r[name][i] for r in report])  # (rounds, seeds)
        axis.errorbar(range(1, len(report) + 1), values.mean(1), values.std(1, ddof=1),
                      capsize=3, fmt=marker + "-", label=f"sure at {thresholds[i]:g}")
    axis.set(xlabel="round", ylabel=name, xticks=range(1, len(report) + 1))
axes[0].set_ylabel("validation accuracy (%)")
axes[1].set_ylabel("wrong pseudo-labels (%)")
axes[2].set_ylabel("share of the rarest class (%)")
axes[0].legend(frameon=False, fontsize=9);

# %%
best = int(last["validation (%)"].mean(1).argmax())
gain = last["test (%)"] - first["test (%)"]  # (thresholds, seeds)
claim("self-training", "Gain in test accuracy by self-training at 1 % of the labels, "
      "threshold chosen on validation images", gain[best].mean(), "points",
      spread=gain[best].std(ddof=1), seeds=5, at_least=-3, at_most=4,
      baseline=f"{first['test (%)'].mean():.1f} % before, threshold {thresholds[best]:g}")
claim("too strict", "Change of test accuracy by self-training with a threshold of 0.99",
      gain[-1].mean(), "points", spread=gain[-1].std(ddof=1), seeds=5, at_most=-2,
      baseline=f"of its pseudo-labels {last['wrong (%)'][-1].mean():.1f} % are wrong, "
      f"{last['rarest class (%)'][-1].mean():.2f} % belong to the rarest class")

# %% [markdown]
# **A failure study.** Self-training is often sold as free accuracy. Here the best threshold gains little, and the
# strictest does harm, though nearly all its pseudo-labels are *right*. The right picture shows why: a strict
# threshold takes the easy images. The class about which the network is least sure is hardly ever taken, so the next
# network sees still less of it and is still less sure, until that class is gone. The labels are right, but they are
# no longer a fair sample. A low threshold takes all classes, and many wrong labels with them. The network repeats its
# own errors: no new information came in. Methods that do gain with few labels bring some: neighbours (label
# spreading), changes of an image that keep its class (lesson 07), or a model of the images (lesson 07, too).
#
# ## 6 · Self-supervised: the images ask the questions
#
# Cover the lower half of a digit, and let a network draw it from the upper half. No label is needed: the target comes
# from the image itself. But to draw the lower half of a 3 rather than that of a 7, it helps to notice *which digit
# this is*. So a network that learns to draw may learn, on the way, what we want to know.
#
# The encoder turns the 392 pixels of the upper half into 64 numbers; from these, the decoder draws the lower half.
# Then the decoder is thrown away, the encoder is frozen, and a **linear probe** (logistic regression) reads the class
# from the 64 numbers. How far it gets is what the features are worth. To know what is good, first the pixels
# themselves, of the whole image and of its upper half:

# %%
top, bottom = slice(0, 392), slice(392, 784)  # 14 of the 28 rows each


def probe(encode):
    """Test accuracies (%) of a linear probe with 10 % and with 1 % of the labels."""
    with torch.no_grad():
        z, z_test = encode(x), encode(x_test)
    subsets = [data.stratified_subset(y, n) for n in counts[1:3]]
    return [100 * metrics.linear_probe(z[few], y[few], z_test, y_test) for few in subsets]


probes = {"whole image, pixels": probe(lambda images: images),
          "upper half, pixels": probe(lambda images: images[:, top])}
head = ["linear probe on", "10 % of the labels (%)", "1 % of the labels (%)"]
table(head, [[name, *values] for name, values in probes.items()])

# %% [markdown]
# **Predict.** What will the probe reach with 1 % of the labels on the 64 numbers, which come from the upper half
# alone?

# %%
prediction_half = None

# %%

def train_half(target, seed=0):
    """Train encoder and decoder from the upper half to the target half."""
    with seeded(seed):
        model = nn.Sequential(mlp([392, 256, 64]), nn.ReLU(), mlp([64, 256, 392]))

    def squared_error(model, x, step):
        return {"squared error": losses.squared_error(model(x[:, top]), x[:, target])}

    fit(model, (x,), squared_error, epochs=4 * more, lr=3e-3, one_cycle=True, seed=seed)
    return model


hidden_half = train_half(bottom)

# %%
ten = plots.first_of_each(y_test)
with torch.no_grad():
    guess = hidden_half(x_test[:, top])
    error = losses.squared_error(guess, x_test[:, bottom])
hard = error.argsort(descending=True)[:10]
rows = {}
for name, which in (("first of each class", ten), ("hardest", hard)):
    rows[name] = x_test[which]
    rows[f"{name}: drawn below"] = torch.cat([x_test[which][:, top], guess[which]], 1)
plots.images(rows);

# %% [markdown]
# In the second and the fourth row the upper half is real and the lower one is drawn. Where the upper half tells the
# digit, the drawing is good. Where it leaves the question open, the drawing is a grey mixture of what could follow,
# or the lower half of another digit that begins in the same way: under squared error the best single answer is the
# *mean* of all possible ones (set the derivative of the mean squared error to zero; lesson 04 comes back to this).
#
# Is it the task that helps, or would any network do? The honest baselines have the same input, the upper half: its 64
# principal components (PCA, the best linear code; lesson 02 explains it), the same encoder before any training, and
# the same networks trained for as long to draw the half that they *see*, for which copying is enough.

# %%
copying = train_half(top)
with seeded(0):
    untrained = mlp([392, 256, 64])
pca = PCA(64, svd_solver="covariance_eigh").fit(x[:, top].numpy())
readers = {
    "upper half, 64 principal components":
        lambda images: torch.from_numpy(pca.transform(images[:, top].numpy())),
    "upper half, untrained encoder": lambda images: untrained(images[:, top]),
    "upper half, trained to draw what it sees": lambda images: copying[0](images[:, top]),
    "upper half, trained to draw what is hidden":
        lambda images: hidden_half[0](images[:, top]),
}
probes |= {name: probe(encode) for name, encode in readers.items()}
table(head, [[name, *values] for name, values in probes.items()])

# %%
ours = probes["upper half, trained to draw what is hidden"]
same_half = [values[1] for name, values in probes.items() if name.startswith("upper")]
strongest = max(same_half[:-1])  # the last one is ours
claim("hidden half", "Linear probe at 1 % of the labels, features of the upper half "
      "trained to draw the lower", ours[1], "% test accuracy", at_least=strongest + 1,
      baseline=f"best other reading of the same half {strongest:.1f}; pixels of the whole "
      f"image {probes['whole image, pixels'][1]:.1f}")

# %% [markdown]
# Predicting what is hidden gives better features than drawing what is seen, with the same networks, the same images
# and the same effort. The target decides what is learned. This is the idea behind most large models of today:
# language models predict the next word, vision models a hidden patch. It is also the bridge to this course: an
# **autoencoder** is a self-supervised network whose target is the image itself, and lesson 04 makes its task harder
# by damaging the input.
#
# ## 7 · A common claim, checked
#
# > "LDA is an unsupervised method."
#
# The sentence stands in many overviews, and it cannot be judged, because two methods share the three letters:
#
# - **linear discriminant analysis** (Fisher 1936) looks for directions in which the means of the classes lie far
#   apart, compared with the spread within a class;
# - **latent Dirichlet allocation** (Blei, Ng and Jordan 2003) describes each document as a mixture of topics, each a
#   distribution over words.
#
# Whether a method uses labels can be tested without reading its code: **shuffle the labels** and see whether anything
# changes. First with the right ones:

# %%
some = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:5000]
images, right = x[some].numpy(), y[some].numpy()
shuffled = np.random.default_rng(0).permutation(right)


def discriminant(labels):
    """Linear discriminant analysis with these labels, and its test accuracy (%)."""
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1, n_components=2)
    model.fit(images, labels)
    return model, 100 * model.score(x_test.numpy(), y_test.numpy())


fisher, with_labels = discriminant(right)
print(f"test accuracy with the right labels: {with_labels:.1f} %")

# %% [markdown]
# **Predict.** What will the test accuracy be after the training labels were shuffled?

# %%
prediction_shuffled = None

# %%
fisher_shuffled, with_shuffled = discriminant(shuffled)

# %%
words = (images[:800].reshape(-1, 14, 2, 14, 2).sum((2, 4)) * 4).round().reshape(-1, 196)
topics = [LatentDirichletAllocation(10, random_state=0, max_iter=3)
          .fit(words, labels[: len(words)]).components_ for labels in (right, shuffled)]
change = float(np.abs(topics[0] - topics[1]).max())

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.5, 4))
for axis, name, model in zip(axes, ("right labels", "shuffled labels"),
                             (fisher, fisher_shuffled)):
    flat = model.transform(x_test.numpy())
    plots.class_map(axis, flat[:3000], y_test[:3000])
    axis.set(title=f"linear discriminants, {name}", xlabel="direction 1",
             ylabel="direction 2")

# %%
topic_images = torch.from_numpy(topics[0] / topics[0].max(1, keepdims=True)).float()
plots.images({"topics": topic_images});

# %% [markdown]
# Above: test images on the first two directions of the linear discriminant analysis. With the right labels the
# classes form groups; with shuffled ones everything lies on one heap. Below: the ten topics that latent Dirichlet
# allocation finds if each image is a document and each spot of the picture (2 × 2 pixels) a word, written as often as
# there is ink. Some look like a digit, some like a stroke that several digits share; the method was told how many
# topics to find, and nothing of digits.

# %%
claim("Fisher's LDA",
      "Test accuracy of linear discriminant analysis after shuffling its labels",
      with_shuffled, "%", at_most=25, baseline=f"right labels {with_labels:.1f}")
claim("Dirichlet LDA", "Largest change in the topics of latent Dirichlet allocation after "
      "shuffling the labels it was offered", change, at_most=0)

# %% [markdown]
# Linear discriminant analysis breaks down: it is **supervised**. The topics did not change by a single bit:
# scikit-learn accepts labels there and ignores them, so latent Dirichlet allocation is **unsupervised**. The claim is
# true of one LDA and false of the other. An overview that files "LDA" beside PCA among the unsupervised methods, as
# another way to reduce dimensions, means the first and files it wrongly.
#
# ## 8 · Checkpoint
#
# The next cell fails if any claim of this lesson did not hold in this run.

# %%
claim.checkpoint()

# %%
score([("test accuracy of 784-10-10 with 1 % of the labels, equal steps (%)",
        prediction_one_percent, equal_steps[2].mean()),
       ("images whose cluster number is their digit (%)", prediction_same_number,
        same_number),
       ("linear probe at 1 % on features of the upper half (%)", prediction_half, ours[1]),
       ("linear discriminant analysis with shuffled labels (%)", prediction_shuffled,
        with_shuffled)])

# %% [markdown]
# ## 9 · What to keep
#
# The course keeps one scoreboard; each lesson adds its rows. Here nothing was reconstructed yet, no likelihood of an
# image computed and no training timed, so three columns are empty.

# %%
pixels = probes["whole image, pixels"]
table(["row", "squared error", "probe, 10 % of labels (%)", "probe, 1 % (%)", "nats",
       "training (s)"],
      [["pixels", None, *pixels, None, None],
       ["hidden half predicted, 64 numbers", None, *ours, None, None]])
table(["setting", "method", "labels used", "test accuracy (%)"],
      [["supervised", "784-128-10", f"{len(x):,}", supervised],
       ["supervised", "784-10-10", f"{counts[0]:,}", equal_steps[0].mean()],
       ["supervised", "784-10-10", f"{counts[2]:,}", equal_steps[2].mean()],
       ["supervised", "784-10-10", f"{counts[3]:,}", equal_steps[3].mean()],
       ["self-supervised", "upper half, then a probe", f"{counts[2]:,}", ours[1]],
       ["semi-supervised", "784-10-10, self-training", f"{counts[2]:,}",
        last["test (%)"][best].mean()],
       ["semi-supervised", "label spreading", f"{counts[3]:,}", spreading.mean(0)[0]],
       ["semi-supervised", "one label per cluster", f"{counts[3]:,}", np.mean(by_centre)],
       ["unsupervised", "k-means", "0", None]])

# %% [markdown]
# - Supervised, unsupervised, semi-supervised, self-supervised: the words say what is *given*, not which network is
#   used.
# - A curve over the number of labels means something only if the number of steps is known.
# - The number of a cluster is a name without meaning; ARI and NMI compare clusterings without looking at names.
# - Unlabelled images help where they bring information: which images are typical, who is whose neighbour. A network's
#   own answers alone bring none.
# - A target made from the image itself can teach more than copying does.
#
# **Your turn:** [lab 01](../work/lab01.ipynb) (your own copy, made by `python -m aecourse lab`; on the
# web, read the [sheet](../exercises/lab01/lab01.ipynb)). You write the two steps of k-means, a measure of clusters,
# pseudo-labels and label spreading, and each is checked.
#
# **More of this kind:** [lesson 01x](01x_zoo.ipynb), an optional extra, runs the whole zoo of classic methods on the
# same digits. **Next:** [lesson 02, the autoencoder](02_autoencoder.ipynb).
#
# ### Papers
# - R. A. Fisher (1936). *The use of multiple measurements in taxonomic problems.* Annals of Eugenics 7, 179–188.
# - S. P. Lloyd (1982). *Least squares quantization in PCM.* IEEE Transactions on Information Theory 28, 129–137.
#   (k-means)
# - L. Hubert, P. Arabie (1985). *Comparing partitions.* Journal of Classification 2, 193–218. (ARI)
# - D. M. Blei, A. Y. Ng, M. I. Jordan (2003). *Latent Dirichlet allocation.* Journal of Machine Learning Research 3,
#   993–1022.
# - D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf (2004). *Learning with local and global consistency.*
#   NeurIPS 16. (label spreading)
# - D. Yarowsky (1995). *Unsupervised word sense disambiguation rivaling supervised methods.* ACL, 189–196.
#   (self-training)
# - D.-H. Lee (2013). *Pseudo-label: the simple and efficient semi-supervised learning method for deep neural
#   networks.* ICML Workshop on Challenges in Representation Learning.
