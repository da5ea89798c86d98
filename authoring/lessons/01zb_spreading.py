# %% [markdown]
# # 01zb · A few labels, many images (optional extra)
#
# **Promise.** You will let a few labels spread along links between similar points, by hand and then on digits, and
# measure what images without labels are worth.
#
# **After this unit you can** write label spreading in five lines; say what a *transductive* method needs; compare a
# semi-supervised method with a supervised baseline on the same labels.
#
# **Before it:** lesson 01 (label spreading); unit 01z is of use. No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.cluster import DBSCAN
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelSpreading

from aecourse import data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)

# %%
diagrams.flow({"a": (0, 0, "labelled: 4", plots.ORANGE),
               **{f"u{n}": (n, 0, "no label") for n in (1, 2, 3)},
               "b": (4, 0, "labelled: 9", plots.SKY)},
              {("a", "u1"): "4", ("u1", "u2"): "4", ("b", "u3"): "9"}, size=(9, 1.1));

# %% [markdown]
# The picture shows two labels on their way along links between similar images. Images without a label pass them on.
#
# ## 1 · Label spreading by hand
#
# **Label spreading** is *semi-supervised*: it uses images with and without labels. We begin with points in a plane. Two
# groups of points are joined by a thin bridge. Only two points have a label, one in each group.

# %%
rng = np.random.default_rng(0)
left, right = rng.normal((0, 0), 0.35, (60, 2)), rng.normal((3, 0), 0.35, (60, 2))
bridge = np.linspace((0, 0), (3, 0), 12) + rng.normal(0, 0.08, (12, 2))
points = np.concatenate([left, right, bridge])  # (132, 2)
truth = (points[:, 0] > 1.5).astype(int)  # (132,): the nearer group
given = np.zeros((132, 2))  # one column for each class
given[0, 0], given[60, 1] = 1, 1  # the two labels
found = DBSCAN(eps=0.5, min_samples=3).fit(points).labels_
print("clusters that DBSCAN finds:", found.max() + 1)

# %% [markdown]
# The method DBSCAN (unit [01z](01z_groups.ipynb)) follows the bridge and makes one cluster of all points. Label
# spreading links each point to its five nearest points:

# %%
distances = ((points[:, None] - points) ** 2).sum(2)  # (132, 132)
links = np.zeros((132, 132))
for i in range(132):
    links[i, distances[i].argsort()[1:6]] = 1  # without itself
links = np.maximum(links, links.T)  # a link leads both ways
degree = links.sum(1)  # how many links a point has, (132,)
weights = links / np.sqrt(degree[:, None] * degree)

# %% [markdown]
# A link weighs less between points that have many links. In each step a point takes the share $\alpha = 0.9$ of its
# answer from its neighbours. The rest, $0.1$, is the label that it was given (nothing, for a point without a label):
#
# $$F \leftarrow \alpha\, W F + (1 - \alpha)\, Y.$$
#
# $Y$ holds the given labels (`given`), $W$ the weights and $F$ the answers, one column for each class. The larger
# column is the answer of a point.
#
# **Predict.** After many steps, how many of the 132 points will have the answer of the group that is further away?

# %%
prediction_bridge = None

# %%
def spread(steps):
    answers = given.copy()  # (132, 2)
    for _ in range(steps):
        answers = 0.9 * weights @ answers + 0.1 * given
    return answers


after = spread(200)
strayed = int((after.argmax(1) != truth).sum())
print(f"{strayed} of 132 points have the answer of the group that is further away")
score([("answers of the group further away", prediction_bridge, strayed)])

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 2.4))
for axis, steps in zip(axes, (2, 5, 200), strict=True):
    reached = spread(steps).sum(1) > 0
    axis.scatter(*points[~reached].T, color="lightgrey", s=12)
    axis.scatter(*points[reached].T, c=spread(steps)[reached].argmax(1), cmap=plots.CLASSES,
                 vmin=0, vmax=9, s=12)
    axis.scatter(*points[[0, 60]].T, color="black", marker="*", s=120)
    axis.set(title=f"after {steps} steps", aspect="equal")
    axis.set_axis_off()

# %% [markdown]
# The stars are the two labels; grey points have no answer yet. The answers spread along the links and meet on the
# bridge. The bridge does not spoil the result as it does with DBSCAN. Most links lie inside a group, and few lead
# across. Label spreading weighs all links, while DBSCAN needs only one chain.

# %%
few_steps = 2
n_reached = (spread(few_steps).sum(1) > 0).sum()
print(f"after {few_steps} steps, {n_reached} points have an answer")

# %%
walks = np.linalg.matrix_power(links + np.eye(132), 4)[[0, 60]].sum(0)  # (132,)
try_it("Change `few_steps = 2` to `few_steps = 4` and run that cell again. How many points "
       "have an answer?", None, int((walks > 0).sum()), changed=few_steps == 4,
       says="A label is passed on by one link in each step.",
       hint="It is the second number that the cell prints.")

# %% [markdown]
# ## 2 · Label spreading on digits
#
# scikit-learn's `LabelSpreading` does nearly the same for images and ten classes. It is **transductive**: the images to
# be answered must be there during the training. We use 4,000 images and give labels to one percent of them, four of
# each class. The accuracy is that on the other 99 %. The supervised baseline is kNN with the same labels. No labels are
# left to choose parameters on, so we fix ten neighbours for the links, and one for kNN.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train[:4000]].numpy(), digits.y_train[train[:4000]].numpy()


def compare(share, seed, neighbours=10):
    """Label one image in `share`: accuracy (%) of label spreading and of one neighbour."""
    known = data.stratified_subset(torch.from_numpy(y), len(x) // share, seed=seed).numpy()
    labels = np.full(len(x), -1)  # −1: not known
    labels[known] = y[known]
    hidden = labels < 0
    model = LabelSpreading(kernel="knn", n_neighbors=neighbours, alpha=0.9, max_iter=100)
    answers = model.fit(x, labels).transduction_  # an answer for each image
    single = KNeighborsClassifier(1).fit(x[known], y[known])
    return (100 * (answers == y)[hidden].mean(), 100 * single.score(x[hidden], y[hidden]))

# %%
at_one = np.array([compare(100, seed) for seed in range(5)])  # (5, 2)
gain = at_one[:, 0] - at_one[:, 1]  # (5,)
print(f"1 % of labels: label spreading {at_one[:, 0].mean():.1f} %, "
      f"one neighbour {at_one[:, 1].mean():.1f} %")

# %% [markdown]
# The images without labels helped, probably because a chain of similar images leads from a labelled 4 to a 4 that looks
# different. Both methods got the same five random choices of labelled images.
#
# **Predict.** Now 5 % of the images have a label. Will the gain over one neighbour be `"larger"` or `"smaller"` than
# with 1 %?

# %%
prediction_gain = None

# %%
at_five = np.array([compare(20, seed) for seed in range(5)])  # (5, 2)
gain_five = at_five[:, 0] - at_five[:, 1]  # (5,)
table(["labels", "label spreading (%)", "one neighbour (%)", "gain (points)"],
      [["1 %", *at_one.mean(0), gain.mean()], ["5 %", *at_five.mean(0), gain_five.mean()]])
score([("gain with 5 % of labels", prediction_gain,
        "larger" if gain_five.mean() > gain.mean() else "smaller")])

# %%
claim("label spreading", "What label spreading gains over one neighbour, at 1 % of labels",
      gain.mean(), "points of accuracy", spread=gain.std(ddof=1), seeds=5, at_least=3,
      baseline=f"spreading {at_one[:, 0].mean():.1f} %, kNN {at_one[:, 1].mean():.1f} %")

# %% [markdown]
# The number of links is a choice, too. With one random choice of 1 % labels:

# %%
neighbours = 10
print(f"{neighbours} neighbours: {compare(100, 0, neighbours)[0]:.1f} % right")

# %%
try_it("Change `neighbours = 10` to `neighbours = 100` and run that cell again. What "
       "percentage is right?", None, compare(100, 0, 100)[0], changed=neighbours == 100,
       says=f"With 10 it is {at_one[0, 0]:.1f} %: too many links lead into other classes.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - Label spreading takes each answer from neighbours and from the given label, again and again.
# - A single bridge between two groups does not spoil it, because it weighs all links.
# - Images without labels help most where labels are few. The comparison needs a supervised baseline on the same labels.
#
# **Your turn:** this extra has no lab. Change $\alpha$ in `compare`, and see whether the order of the two methods
# changes. **Next:** [lesson 02](02_autoencoder.ipynb). [Lesson 07](07_semi.ipynb) asks how far this idea carries with
# an autoencoder in place of pixels.
#
# ### Papers
# - D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf (2004). *Learning with local and global consistency.*
#   NeurIPS 16.
