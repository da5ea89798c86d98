# %% [markdown]
# # 01zb · A few labels, many images (optional extra)
#
# **Promise.** You will let a few labels spread along links between similar points, by hand and then on digits, and
# measure what images without labels are worth.
#
# **After this unit you can** write label spreading in five lines; say what a *transductive* method needs; compare a
# semi-supervised method with a supervised baseline on the same labels.
#
# **Before it:** lesson 01 (label spreading). No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.sparse.csgraph import shortest_path
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
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
# **Label spreading** is *semi-supervised*: it uses images with and without labels. We begin with points in a plane, on
# two half-moons. Only two of the points have a label, one at an end of each half-moon (stars).

# %%
rng = np.random.default_rng(0)
t = np.linspace(0, np.pi, 60)
upper = np.stack([np.cos(t), np.sin(t)], 1)  # (60, 2)
lower = np.stack([1 - np.cos(t), 0.5 - np.sin(t)], 1)
points = np.concatenate([upper, lower]) + rng.normal(0, 0.08, (120, 2))
truth = np.repeat((0, 1), 60)  # (120,): the half-moon
given = np.zeros((120, 2))  # one column for each class
given[0, 0] = given[60, 1] = 1  # the two labels

# %%
squared = ((points[:, None] - points) ** 2).sum(2)  # squared distances, (120, 120)


def link(k):
    """Return A, (120, 120): 1 where a point is one of the k nearest of another, else 0."""
    links = np.zeros((120, 120))
    for i in range(120):
        links[i, squared[i].argsort()[1:k + 1]] = 1  # without itself
    return np.maximum(links, links.T)  # a link leads both ways


links = link(5)
nearest = squared[:, [0, 60]].argmin(1)  # class of the nearer label, (120,)

# %%
def draw(axis, classes, title):
    """Draw links and points; −1 has no class (grey), a ring marks a wrong class."""
    for i, j in np.argwhere(np.triu(links)):
        axis.plot(*points[[i, j]].T, color="lightgrey", linewidth=0.6, zorder=0)
    colours = np.array(["darkgrey", plots.BLUE, plots.ORANGE])[classes + 1]
    axis.scatter(*points.T, c=colours, s=14)
    wrong = (classes >= 0) & (classes != truth)
    axis.scatter(*points[wrong].T, s=50, facecolor="none", edgecolor=plots.VERMILION)
    axis.scatter(*points[[0, 60]].T, c=[plots.BLUE, plots.ORANGE], edgecolor="black",
                 marker="*", s=180)
    axis.set(title=title, aspect="equal")
    axis.set_axis_off()


figure, axes = plt.subplots(1, 2, figsize=(9, 2.6))
draw(axes[0], truth, "two half-moons, and the links")
draw(axes[1], nearest, f"nearer label: {(nearest != truth).sum()} of 120 are wrong")

# %% [markdown]
# Lines are links: each point is linked to its five nearest points. On the right each point has the class of the nearer
# of the two labels. This is the supervised baseline, and most of its classes are wrong (rings).
#
# Label spreading gives each point a score for each class. In each step a point gets a weighted sum of the scores of the
# points that it is linked to, times $\alpha = 0.9$. To this $0.1$ times the label that it was given is added (nothing,
# for a point without a label):
#
# $$F \leftarrow \alpha\, W F + (1 - \alpha)\, Y, \qquad W_{ij} = \frac{A_{ij}}{\sqrt{d_i\, d_j}}.$$
#
# $Y$ holds the given labels (`given`) and $F$ the class scores, with one column for each class. $A_{ij} = 1$ if points
# $i$ and $j$ are linked, and $d_i$ is the number of links of point $i$. Without the division a point would add up the
# full scores of five or more others, and the scores would grow without limit. With it the steps converge (Zhou and others
# 2004). A point gets the class of its larger score.
#
# **Predict.** After many steps, how many of the 120 points will have the class of the wrong half-moon?

# %%
prediction_wrong = None

# %%
def spread(steps, links):
    degree = links.sum(1)  # how many links a point has, (120,)
    weights = links / np.sqrt(degree[:, None] * degree)
    scores = given.copy()  # (120, 2)
    for _ in range(steps):
        scores = 0.9 * weights @ scores + 0.1 * given
    return scores


after = spread(200, links)
wrong = int((after.argmax(1) != truth).sum())
print(f"{wrong} of 120 points have the class of the wrong half-moon")
score([("points with the wrong class", prediction_wrong, wrong)])

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 2.4))
for axis, steps in zip(axes, (2, 8, 200), strict=True):
    scores = spread(steps, links)
    draw(axis, np.where(scores.sum(1) > 0, scores.argmax(1), -1), f"after {steps} steps")

# %% [markdown]
# Grey points have no scores yet. The scores follow the links, and the links follow the half-moons. So label spreading
# reaches points that lie nearer to the other label.

# %%
few_steps = 2
n_reached = (spread(few_steps, links).sum(1) > 0).sum()
print(f"after {few_steps} steps, {n_reached} of 120 points have scores")

# %%
hops = shortest_path(links, unweighted=True, indices=[0, 60])  # links on the way, (2, 120)
try_it("Change `few_steps = 2` and run that cell again. What is the smallest number of "
       "steps after which all 120 points have scores?", None, int(hops.min(0).max()),
       changed=few_steps != 2, hint="With one step less, some point must still be without.",
       says="In each step a label is passed on by one link. So it is the number of links "
            "on the shortest way to the point that is farthest away.")

# %%
claim("half-moons", "Points with the wrong class after label spreading", wrong, "of 120",
      at_most=5, baseline=f"nearer label {(nearest != truth).sum()}")

# %% [markdown]
# What if links lead from one half-moon to the other?

# %%
k = 5
tried = link(k)
across = int(tried[:60, 60:].sum())
lost = int((spread(200, tried).argmax(1) != truth).sum())
print(f"k = {k}: {across} of {tried.sum() / 2:.0f} links lead across, "
      f"{lost} points are wrong")

# %%
try_it("Change `k = 5` to `k = 10` and run that cell again. How many points are wrong now?",
       None, int((spread(200, link(10)).argmax(1) != truth).sum()), changed=k == 10,
       says="A few links across are enough here.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 2 · Label spreading on digits
#
# scikit-learn's `LabelSpreading` does nearly the same for images and ten classes. (Each image counts itself among its
# nearest, and a link need not lead both ways.) Label spreading is **transductive**: it classifies only images that were
# there during the training. Lesson 01 needed an additional rule for new images, the vote of their ten neighbours.
#
# Lesson 01 compared it once with supervised baselines. Here we ask when it helps. We use 4,000 images and give labels to
# one percent of them, four of each class. The accuracy is that on the other 99 %. The supervised baseline is the nearest
# labelled image (kNN with one neighbour). No labels are left to choose parameters on, so we fix ten neighbours for the
# links.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train[:4000]].numpy(), digits.y_train[train[:4000]].numpy()


def compare(images, n_labels, seed, neighbours=10):
    """Accuracy (%) of label spreading and of the nearest labelled image."""
    a, b = x[:images], y[:images]  # (images, 784), (images,)
    known = data.stratified_subset(torch.from_numpy(b), n_labels, seed=seed).numpy()
    labels = np.full(images, -1)  # −1: not known
    labels[known] = b[known]
    hidden = labels < 0
    model = LabelSpreading(kernel="knn", n_neighbors=neighbours, alpha=0.9, max_iter=100)
    spreading = model.fit(a, labels).transduction_  # a class for each image
    single = KNeighborsClassifier(1).fit(a[known], b[known]).predict(a)
    return [100 * (classes == b)[hidden].mean() for classes in (spreading, single)]


def choices(images, n_labels, n=5):  # (5, 2): five random choices of the labelled images
    return np.array([compare(images, n_labels, seed) for seed in range(n)])

# %%
at_one = choices(4000, 40)
gain = at_one[:, 0] - at_one[:, 1]  # (5,)
print(f"1 % of labels: label spreading {at_one[:, 0].mean():.1f} %, "
      f"nearest labelled image {at_one[:, 1].mean():.1f} %")

# %% [markdown]
# The images without labels helped. Both methods got the same five random choices of labelled images.
#
# **Predict.** Now 5 % of the images have a label. Will the gain over the nearest labelled image be `"larger"` or
# `"smaller"` than with 1 %?

# %%
prediction_gain = None

# %%
at_five = choices(4000, 200)
gain_five = at_five[:, 0] - at_five[:, 1]  # (5,)
table(["labels", "label spreading (%)", "nearest labelled image (%)", "gain (points)"],
      [[share, *found.mean(0), f"{gains.mean():.1f} ± {gains.std(ddof=1):.1f}"]
       for share, found, gains in (("1 %", at_one, gain), ("5 %", at_five, gain_five))])
print(f"smaller with 5 % in {(gain_five < gain).sum()} of 5 choices; ±: standard deviation")
score([("gain with 5 % of labels", prediction_gain,
        "larger" if gain_five.mean() > gain.mean() else "smaller")])

# %% [markdown]
# How much is due to the images without labels? We keep 40 labels, and take fewer images.

# %%
images = 1000
print(f"label spreading with 40 labels: {choices(images, 40)[:, 0].mean():.1f} % with "
      f"{images} images, with 4000 {at_one[:, 0].mean():.1f} %")

# %%
try_it("Change `images = 1000` to `images = 400` and run that cell again. How many points "
       "less than with 4,000 images does label spreading reach?", None,
       round(at_one[:, 0].mean(), 1) - round(choices(400, 40)[:, 0].mean(), 1),
       changed=images == 400, hint="Subtract the first percentage from the second.",
       says="The number of labels is the same, so they are due to the other images.")

# %% [markdown]
# The number of links is a choice, too. With the first choice of 40 labels among 4,000 images:

# %%
neighbours = 10
near = NearestNeighbors(n_neighbors=neighbours).fit(x).kneighbors(return_distance=False)
same = 100 * (y[near] == y[:, None]).mean()  # near: without the image itself, (4000, 10)
print(f"{neighbours} neighbours: {same:.1f} % of the links join images of one class, "
      f"{compare(4000, 40, 0, neighbours)[0]:.1f} % right")

# %%
try_it("Change `neighbours = 10` to `neighbours = 100` and run that cell again. What "
       "percentage of the images is right?", None, compare(4000, 40, 0, 100)[0],
       changed=neighbours == 100, hint="It is the last number that the cell prints.",
       says="The hundred nearest images share the class less often than the ten nearest.")

# %%
claim("label spreading", "Gain of label spreading over the nearest labelled image (1 %)",
      gain.mean(), "points of accuracy", spread=gain.std(ddof=1), seeds=5, at_least=3,
      baseline=f"spreading {at_one[:, 0].mean():.1f} %, kNN {at_one[:, 1].mean():.1f} %")
claim("fewer labels, larger gain", "Random choices whose gain is smaller at 5 % of labels",
      (gain_five < gain).sum(), "of 5", at_least=4,
      baseline=f"gain {gain.mean():.1f} points at 1 %, {gain_five.mean():.1f} at 5 %")
claim("images without labels", "Gain of label spreading by 4,000 instead of 400 images",
      at_one[:, 0].mean() - choices(400, 40)[:, 0].mean(), "points of accuracy", at_least=2,
      baseline="the same number of labels, 40")

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - In each step, label spreading adds up the class scores of linked points and the given label.
# - It follows the links, so it can reach points that lie nearer to another label. Links between classes spoil it.
# - More images without labels help with the same labels. The gain over the supervised baseline, on the same labels, is
#   larger where labels are few.
#
# **Your turn:** this extra has no lab. Change $\alpha$ in `compare`, and see whether the order of the two methods
# changes. **Next:** [lesson 02](02_autoencoder.ipynb). [Lesson 07](07_semi.ipynb) asks whether this
# also works with codes instead of pixels.
#
# ### Papers
# - D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf (2004). *Learning with local and global consistency.*
#   NeurIPS 16.
