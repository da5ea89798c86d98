# %% [markdown]
# # 07 · A few labels, many images
#
# **Promise.** You will find out what thousands of images without a label are worth when a hundred images have one: in
# a classifier on codes, and in a graph on which labels spread.
#
# **After this unit you can**
# 1. say which images and labels a semi-supervised method may use, and call it transductive or inductive;
# 2. train a classifier on the codes of an autoencoder;
# 3. write label spreading, and use it on codes;
# 4. read a table of methods over several choices of labels.
#
# **Before it:** units 01, 01a and 06 (the variational autoencoder).
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.svm import SVC

from aecourse import data, diagrams, graphs, metrics, plots, semi, vae
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA
from aecourse.train import fit

plots.use_style()
digits = data.load()
claim = Claims("07", digits.name)

# %%
diagrams.flow({"all": (0, 0, "all training images,\nno label", plots.SKY),
               "vae": (1.5, 0, "encoder of a VAE", plots.ORANGE),
               "z": (2.7, 0, "codes", plots.YELLOW),
               "few": (2.7, 1, "100 labels", plots.SKY),
               "svm": (4.1, 1, "M1: classifier on the\nlabelled codes", plots.GREEN),
               "graph": (4.1, 0, "label spreading\nover all codes", plots.GREEN)},
              dict.fromkeys([("all", "vae"), ("vae", "z"), ("z", "svm"), ("z", "graph"),
                             ("few", "svm"), ("few", "graph")], ""), size=(11, 2.6));

# %% [markdown]
# The two green boxes are the methods of this unit. Both get the same labels. The upper one looks at the labelled codes
# alone. The lower one looks at all codes.
#
# ## 1 · The question and its rules
#
# Images are cheap, and labels cost time. Suppose that 100 training images have a label. **What are the thousands of
# others worth?** They cannot tell us the name of a digit. They can tell us which images lie close together, and in
# which directions an image can change and stay a digit. Whether this helps can be measured. The baseline has the same
# labels *without* the other images.
#
# | | images | labels |
# |---|---|---|
# | labelled training images | yes | yes |
# | other training images | yes | **never** |
# | validation images | to choose settings | only to choose settings, and the report says so |
# | test images | to predict them, at the end | to count errors, at the end |
#
# A **transductive** method answers only for the unlabelled images that it had while it learned. An **inductive** one
# answers for any new image. A table has to mark results for which the test images were used in learning. In the tables of
# this lesson no method has seen a test image.
#
# *Validation labels* are a luxury. With only 100 labels, nobody has thousands more to choose settings with (Oliver and
# others 2018). So we choose by cross-validation on the few labels, or take settings from a paper. Where it is otherwise,
# we say so.
#
# We use 100, 600 and 1000 labels, as the papers do. `data.stratified_subset` chooses the same number for each digit, at
# random. Each number of labels has five random choices.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
pool = min(20_000, len(x))  # labels are given to some of the first images
choices = {n: [data.stratified_subset(y[:pool], n, seed=seed) for seed in range(5)]
           for n in (100, 600, 1000)}  # positions of the labelled images

# %% [markdown]
# Why stratified? With a free choice some digits get few labels by chance, and the error measures this chance as well.
# Here are 100 images chosen from all images together:

# %%
seed = 0
free = torch.randperm(pool, generator=torch.Generator().manual_seed(seed))[:100]
labels_of = y[free].bincount(minlength=10)  # (10,): labels of each digit
print("labels of each digit:", labels_of.tolist())

# %%
try_it("Change `seed = 0` to `seed = 1`. How many labels does the rarest digit have "
       "now?", None, int(labels_of.min()), changed=seed == 1,
       says="A stratified choice has ten of each digit.")

# %% [markdown]
# The papers stratify, too. Stratifying uses a little knowledge about the labels of all images.
#
# ## 2 · M1: a classifier on codes
#
# The first method of Kingma and others (2014) is called **M1**. An autoencoder is trained on all images. Then its encoder
# stays as it is, and a classifier is trained on the codes of the labelled images. Here is a VAE as in lesson 06:
# `vae.new` makes it, and `vae.negative_elbo()` is its loss.

# %%
model = vae.new([784, 400, 50], x)  # code of 50 numbers
fit(model, (x,), vae.negative_elbo(), epochs=4 * more, batch=128, lr=3e-3, one_cycle=True)
pca = PCA(x, 784)  # all directions; the first 50 are a linear code, for comparison
with torch.no_grad():
    codes = {"PCA": (pca.encode(x, 50), pca.encode(x_test, 50)),
             "VAE": (model.encode(x)[0], model.encode(x_test)[0])}  # (N, 50): the means

# %% [markdown]
# The classifier is a **support vector machine** (SVM) with a Gaussian kernel. It gives each labelled image a weight, and
# compares a new image with all of them by $\exp(-\lVert a - b \rVert^2 / s)$, where $s$ is the number of dimensions times
# the variance of the entries. Its loss is convex, so it needs neither epochs nor an initialisation. The number $C$ sets how
# much an error on a labelled image costs. First with scikit-learn, on raw pixels:

# %%
first = choices[100][0]  # (100,)
machine = SVC(C=10).fit(x[first].numpy(), y[first].numpy())
of_pixels = 100 - 100 * machine.score(x_test.numpy(), y_test.numpy())
print(f"SVM on pixels, 100 labels: {of_pixels:.1f} % errors")

# %% [markdown]
# `semi.svm` is the same machine, faster. It chooses $C$ from 1 and 10 by cross-validation *on the labelled images*, and
# returns its answers for new images. `metrics.errors` counts the errors in %.
#
# PCA can be computed from the labelled images alone, too. This needs no unlabelled image. So it is a second baseline.
#
# **Predict.** What is the error of the SVM on the VAE's codes with 600 labels, in %?

# %%
prediction_m1 = None

# %%
def errors_by_number(answer):  # answer: labelled positions → classes of the test images
    return {n: metrics.errors(torch.stack([answer(known) for known in five]), y_test)
            for n, five in choices.items()}  # number of labels → errors (5,)


def on(z, z_test):
    return errors_by_number(lambda known: semi.svm(z[known], y[known], z_test))


def labelled_pca(known):  # PCA of the labelled images alone
    own = PCA(x[known], 50)
    return semi.svm(own.encode(x[known], 50), y[known], own.encode(x_test, 50))

# %%
found = {"SVM on pixels": on(x, x_test),
         "SVM on PCA of labelled images": errors_by_number(labelled_pca),
         "SVM on PCA": on(*codes["PCA"]), "SVM on VAE": on(*codes["VAE"])}


def show(methods):
    table(["error (%)", *(f"{n} labels" for n in choices)],
          [[method, *(f"{v.mean():.1f} ± {v.std(ddof=1):.1f}"
                      for v in found[method].values())] for method in methods])


show(found)

# %% [markdown]
# The ± is the standard deviation over the five choices of labels. The VAE was trained once. With 600 and 1000 labels its
# codes save a part of the pixels' errors. Which part of this needs the unlabelled images? With 600 labels, errors saved
# against pixels:

# %%
saved = {method: found["SVM on pixels"][600] - of[600] for method, of in found.items()}
table(["600 labels", "points saved"], [[m, v.mean()] for m, v in saved.items()][1:])

# %% [markdown]
# PCA of the labelled images saves a part of the errors, and has seen no unlabelled image. So this part is no gain from
# unlabelled images, and what lies above it is. On MNIST PCA of the labelled images has about three quarters of PCA's gain:
# the unlabelled images add about 0.2 points. It has nearly half of the VAE's gain: the other part, about 0.8 points, needs
# unlabelled images.
#
# With 100 labels many answers stay wrong in every row, and the rows differ about as much as the choices of labels do. Ten
# labelled images of each digit are few for a classifier that looks at nothing else.
#
# (One luxury: the VAE's widths, and that codes are not scaled, were chosen with validation labels. The paper's M1 has
# lower errors. Its classifier, a *transductive SVM*, also uses the codes of images without a label.)

# %%
m1, of_pixels_600 = found["SVM on VAE"][600], found["SVM on pixels"][600]
of_labelled_pca = found["SVM on PCA of labelled images"][600]
score([("error of the SVM on VAE codes, 600 labels (%)", prediction_m1, m1.mean())])
claim("M1", "Error with 600 labels, SVM on the VAE's codes", m1.mean(), "%",
      spread=m1.std(ddof=1), seeds=5, at_most=8.2, holds_on=("mnist",),
      baseline=f"pixels {of_pixels_600.mean():.1f}, "
      f"PCA {found['SVM on PCA'][600].mean():.1f}",
      paper="5.72 (M1 + TSVM, Kingma and others 2014)")
more_than_pca = found["SVM on PCA"][600] - m1  # (5,)
from_unlabelled = of_labelled_pca - m1  # (5,)
claim("M1's gain", "Points of error that the VAE's codes save the SVM, 600 labels",
      saved["SVM on VAE"].mean(), "points", spread=saved["SVM on VAE"].std(ddof=1),
      seeds=5, at_least=0.5)
claim("M1's gain from unlabelled images", "Points of error that the VAE's codes save the "
      "SVM against PCA of the labelled images, 600 labels", from_unlabelled.mean(),
      "points", spread=from_unlabelled.std(ddof=1), seeds=5, at_least=0.3,
      baseline="PCA of all images "
      f"{(of_labelled_pca - found['SVM on PCA'][600]).mean():.2f}")
claim("VAE against PCA", "Points of error that the VAE's codes save the SVM against PCA "
      "codes, 600 labels", more_than_pca.mean(), "points",
      spread=more_than_pca.std(ddof=1), seeds=5, at_least=0.2)

# %% [markdown]
# What does PCA do that helps? It centres the images, turns the axes, and keeps 50 of 784 directions. We can also keep all:

# %%
def of_directions(n):  # error of the SVM on n directions of PCA, first choice of 600, in %
    known = choices[600][0]
    answers = semi.svm(pca.encode(x[known], n), y[known], pca.encode(x_test, n))
    return metrics.errors(answers[None], y_test)[0]


kept = 50
of_kept = of_directions(kept)
print(f"errors: pixels {of_pixels_600[0]:.2f} %, 784 directions "
      f"{of_directions(784):.2f} %, {kept} directions {of_kept:.2f} %")

# %%
try_it("Change `kept = 50` to `kept = 10`. What is the error now, in %?",
       None, of_kept, changed=kept == 10,
       says="Compare it with 50 and with all directions.")

# %% [markdown]
# This SVM sees distances only. Centring and turning leave all distances as they are. Only $s$ becomes smaller: its variance
# runs over all entries of all images, so differences between the pixels' means count before the centring. With all 784
# directions PCA gains little. So most of its gain comes with the directions of small variance that it drops. Perhaps they
# say little about the class, and add noise to each distance.
#
# Some units of the VAE's code hardly vary. Would it help to give all its units the same variance?

# %%
known, (z, z_test) = choices[600][0], codes["VAE"]
scale = 1.0
answers = semi.svm(z[known] / scale, y[known], z_test / scale)
of_scaled = metrics.errors(answers[None], y_test)[0]
print(f"SVM on VAE codes, first choice of 600 labels: {of_scaled:.2f} % errors")

# %%
try_it("Change `scale = 1.0` to `scale = z.std(0)`. What is the error now, in %?", None,
       of_scaled, changed=torch.is_tensor(scale),
       says="Units that hardly say anything about the image now count as much as the "
       "others.")

# %% [markdown]
# ## 3 · Label spreading on codes
#
# M1 used the unlabelled images for the code only. Label spreading (lesson 01) uses them a second time. Each image is
# linked to its ten nearest images, and labels pass along the links:
#
# $$F \leftarrow \alpha\, S F + (1 - \alpha)\, Y .$$
#
# $Y$ holds the given labels, one column for each class, with zeros for images without a label. $F$ holds the answers.
# $S = D^{-1/2} W D^{-1/2}$ is made from the table $W$ of links. Its entry $ij$ is $W_{ij} / \sqrt{d_i d_j}$, where $d_i$ is
# the number of links of image $i$. We take $\alpha = 0.99$ as Zhou and others (2004) did. (Lesson 01 had 0.9.) Neither α
# nor the ten neighbours were tuned.

# %%
def spread_plainly(z, known, labels, rounds):  # z: (N, K)
    # the nearest of all is the image itself, so we leave out the first of eleven
    nearest = torch.cdist(z, z).topk(11, largest=False).indices[:, 1:]  # (N, 10)
    W = torch.zeros(len(z), len(z)).scatter(1, nearest, 1.0)  # (N, N): 1 in these columns
    W = torch.maximum(W, W.T)  # a link leads both ways
    degree = W.sum(1)  # (N,): numbers of links
    S = W / (degree[:, None] * degree).sqrt()
    Y = torch.zeros(len(z), 10)
    Y[known, labels[known]] = 1
    F = Y
    for _ in range(rounds):
        F = 0.99 * S @ F + 0.01 * Y
    return F  # (N, 10)

# %%
rounds = 100
known = data.stratified_subset(y[:2000], 100)  # 100 of 2,000 images have a label
F = spread_plainly(codes["VAE"][0][:2000], known, y, rounds)
unreached = int((F.sum(1) == 0).sum())
print(f"errors {100 * (F.argmax(1) != y[:2000]).float().mean():.1f} %, "
      f"images that no label has reached: {unreached}")

# %%
try_it("Change `rounds = 100` to `rounds = 2`. How many images are still without any "
       "label?", None, unreached, changed=rounds == 2,
       says="In each round a label passes one link.")

# %% [markdown]
# These are errors on the images in the graph, a transductive result. For the comparison, **test images are not in the
# graph**. A test image gets the mean answer of its five nearest images of the graph, after each answer was divided by its
# sum. This is inductive. `graphs.links` makes $S$ for many
# images, most of whose entries are 0 and are not stored. `graphs.spread` answers for all choices of labels at once. The
# graph has up to 20,000 images.
#
# **Predict.** You have seen the errors of the SVM with 100 labels. What is the error of label spreading on the VAE's
# codes, in %, with the same 100 labels?

# %%
prediction_spreading = None

# %%
every = [known for five in choices.values() for known in five]  # 15 choices
for name in ("PCA", "VAE"):
    z, z_test = codes[name]
    answers = graphs.spread(graphs.links(z[:pool]), z[:pool], z_test, every, y)  # (15, N)
    by_number = metrics.errors(answers, y_test).reshape(3, 5)
    found[f"label spreading on {name}"] = dict(zip(choices, by_number, strict=True))
show(found)

# %% [markdown]
# Read the column of 100 labels. The same labels and codes give far fewer errors, because each label travels through its
# whole group of similar images. Read the rows from left to right. The errors of the SVM fall steeply with more labels,
# those of the graph only a little, so the difference becomes smaller. With 100 labels a graph on PCA codes, which take a
# second, also makes far fewer errors than any SVM here. On MNIST, label spreading on VAE codes with 100 labels makes no
# more errors than the SVM on pixels with 1000.

# %%
graph_100, raw = found["label spreading on VAE"][100], found["SVM on pixels"][100]
score([("error of label spreading, 100 labels (%)", prediction_spreading,
        graph_100.mean())])
claim("label propagation", "Error with 100 labels, label spreading on the VAE's codes",
      graph_100.mean(), "%", spread=graph_100.std(ddof=1), seeds=5,
      at_most=0.5 * raw.mean(), baseline=f"SVM on pixels {raw.mean():.1f}, label spreading "
      f"on PCA {found['label spreading on PCA'][100].mean():.1f}",
      paper="11.97 (M2), 3.33 (M1 + M2, both Kingma and others 2014)")
claim("100 for 1000", "Error of label spreading on VAE codes with 100 labels minus that of "
      "the SVM on pixels with 1000", graph_100.mean() - found["SVM on pixels"][1000].mean(),
      "points", seeds=5, at_most=0, holds_on=("mnist",))

# %% [markdown]
# ## 4 · More images, the same labels
#
# Now the direct test. Five new choices of 100 labels, all from the first 2,000 images, stay the same. Only images
# *without* a label are added to the graph.
#
# **Predict.** The graph grows from 2,000 images to the whole pool. By what factor does the error fall? (1 means no gain.)

# %%
prediction_growth = None

# %%
sizes = [n for n in (2000, 5000, 10_000) if n < pool] + [pool]
hundred = [data.stratified_subset(y[:2000], 100, seed=seed) for seed in range(5)]
z, z_test = codes["VAE"]
growth = np.stack([metrics.errors(graphs.spread(graphs.links(z[:n]), z[:n], z_test,
                                                hundred, y), y_test) for n in sizes])
same_labels = metrics.errors(torch.stack([semi.svm(x[known], y[known], x_test)
                                          for known in hundred]), y_test)  # (5,)

# %%
axis = plt.subplots(figsize=(6.4, 3.4))[1]
axis.errorbar(sizes, growth.mean(1), growth.std(1, ddof=1), fmt="o-", capsize=4,
              label="label spreading on VAE codes")
axis.axhline(same_labels.mean(), color="grey", linestyle=":",
             label="SVM on pixels, the same labels")
axis.set(xlabel="images in the graph, 100 with a label", ylabel="test error (%)",
         ylim=(0, None))
plots.log_axes(axis, x=sizes)
axis.legend(frameon=False, loc="lower left");

# %% [markdown]
# From left to right the blue line falls, although no label was added. The bars are standard deviations over the choices.
# Labels, codes and method stay the same, so this fall is the gain from the added images. (The code was trained on all
# training images in each case, so its part of the gain is in all points. The right end is not the value in the table of
# section 3, since the five choices of labels are others.) Perhaps digits form groups with few images between them, and
# more images make the groups clearer. Unit [07d](07d_harm.ipynb) shows where this assumption fails and
# the same images do harm.

# %%
ratio = growth[0] / growth[-1]
score([("factor: error with 2,000 images ÷ with all", prediction_growth, ratio.mean())])
claim("more images", "Error at 100 labels, largest graph over that with 2,000 images",
      (1 / ratio).mean(), "times", spread=(1 / ratio).std(ddof=1), seeds=5, at_most=0.8,
      baseline=f"VAE codes: {growth[0].mean():.1f} % and {growth[-1].mean():.1f} %")

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - Semi-supervised means a few labels and many images. The baseline has the same labels and no other image. A baseline
#   may use more than pixels: PCA of the labelled images has a part of M1's gain.
# - M1 trains a classifier on codes that were learned without labels.
# - Label spreading uses unlabelled images directly. It gains most with few labels.
# - A result needs several choices of labels, and says whether the method saw the test images.
#
# **Your turn:** [lab 07](../work/lab07.ipynb) (your own copy; on the web, the
# [sheet](../exercises/lab07/lab07.ipynb)). It also needs the units [07a](07a_m2.ipynb), the class as a part of the
# model, and [07c](07c_report.ipynb), a lab report refereed.
#
# **Deeper:** [07aa](07aa_alpha.ipynb) trains M2, [07ab](07ab_hands.ipynb) generates every digit in the same style,
# [07aba](07aba_teacher.ipynb) asks what the decoder teaches the classifier, and [07ac](07ac_stacked.ipynb) stacks M1 and
# M2; [07b](07b_today.ipynb) compares these methods with two others; [07d](07d_harm.ipynb) adds the wrong images.
# **Next:** lesson 08 builds deep autoencoders layer by layer.
#
# ### Papers
# - X. Zhu, Z. Ghahramani (2002). *Learning from labeled and unlabeled data with label propagation.* Technical report
#   CMU-CALD-02-107, Carnegie Mellon University.
# - D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf (2004). *Learning with local and global consistency.*
#   NeurIPS 16. (label spreading)
# - D. P. Kingma, D. J. Rezende, S. Mohamed, M. Welling (2014). *Semi-supervised learning with deep generative
#   models.* NeurIPS 27, 3581–3589. (M1)
# - A. Oliver, A. Odena, C. Raffel, E. D. Cubuk, I. Goodfellow (2018). *Realistic evaluation of deep semi-supervised
#   learning algorithms.* NeurIPS 31.
