# %% [markdown]
# # 07b · Pseudo-labels, consistency, and one table
#
# **Promise.** You will train a small convolutional net with 100 labels and thousands of images without one, find out
# where its gain comes from, and read a table of all methods of this lesson.
#
# **After this unit you can**
# 1. write a consistency loss with pseudo-labels;
# 2. name the baseline that separates unlabelled images from knowledge about images;
# 3. compare two methods over the same choices of labels, with an interval.
#
# **Before it:** unit 07; units 07a to 07ac for the rows M2 and M1 + M2.
# **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from aecourse import data, diagrams, graphs, longruns, losses, metrics, plots, semi, vae
from aecourse.claims import Claims, say, score, table, try_it
from aecourse.models import Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("07", digits.name)

# %%
diagrams.flow({"x": (0, 0.5, "image without\na label", plots.SKY),
               "w": (1.3, 1, "shifted", plots.YELLOW),
               "s": (1.3, 0, "shifted, turned,\nscaled, sheared", plots.YELLOW),
               "n1": (2.7, 1, "net", plots.ORANGE), "n2": (2.7, 0, "net", plots.ORANGE),
               "p": (4.2, 1, "pseudo-label,\nif confident", plots.GREEN),
               "l": (4.2, 0, "cross-entropy", plots.GREEN)},
              dict.fromkeys([("x", "w"), ("x", "s"), ("w", "n1"), ("s", "n2"), ("n1", "p"),
                             ("n2", "l"), ("p", "l")], ""), size=(11, 2.8));

# %% [markdown]
# This is **consistency training**. The answer for a slightly changed image becomes the target for the same image, changed
# more strongly. Both boxes "net" are the same network.
#
# ## 1 · The baseline: a convolutional net with data augmentation
#
# Many methods that make few errors with few labels, up to FixMatch of 2020, have no model of the image. (The ladder network
# of Rasmus and others 2015 has one: it trains a denoising autoencoder along.) FixMatch uses two things that M2 did not
# have. A **convolutional** net knows that neighbouring pixels belong together. **Data augmentation** knows which changes
# keep a digit what it is. So a fair baseline has the same net, the same augmentation and as many steps, and no image
# without a label. We call it the *supervised baseline*.

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
pool = min(20_000, len(x))  # labels are given to some of the first images
choices = {n: [data.stratified_subset(y[:pool], n, seed=seed) for seed in range(5)]
           for n in (100, 600, 1000)}  # positions of the labelled images
x_l, y_l = x[choices[100][0]], y[choices[100][0]]  # (100, 784), (100,)

# %%
generator = torch.Generator().manual_seed(0)
five = x_test[plots.first_of_each(y_test)[:5]].repeat_interleave(2, 0)  # (10, 784)
plots.images({"image": five, "weak": semi.moved(five, generator),
              "strong": semi.moved(five, generator, linear=0.1)}, zoom=0.7);

# %% [markdown]
# Each image stands there twice. The weak augmentation shifts by up to two pixels. The strong one also turns, scales and
# shears. Each view still shows its digit. This is the assumption of the method.
#
# `semi.SmallConv` has three convolutions. Here is the baseline as a plain loop, 250 steps with 64 labelled images each.
#
# **Predict.** What error on test images does it reach with 100 labels, in %?

# %%
prediction_baseline = None

# %%
def errors_of(net):
    with torch.no_grad():
        answers = torch.cat([net(part).argmax(1) for part in x_test.split(2000)])
    return 100 * (answers != y_test).float().mean().item()

# %%
steps = 250
with seeded(0):
    baseline = semi.SmallConv()
optimiser = torch.optim.Adam(baseline.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
noise = torch.Generator().manual_seed(0)
for _ in range(steps):
    few, labels = semi.some_labelled(x_l, y_l, 64, noise)  # (64, 784), (64,)
    loss = F.cross_entropy(baseline(semi.moved(few, noise, linear=0.1)), labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    schedule.step()  # the learning rate rises and falls
error_baseline = errors_of(baseline.eval())
print(f"supervised baseline: {error_baseline:.2f} % errors")
score([("error of the baseline, 100 labels (%)", prediction_baseline, error_baseline)])

# %% [markdown]
# Without a single unlabelled image this net makes far fewer errors than the SVM with the same labels (unit 07). On MNIST,
# it makes fewer errors than M2 does, ours and the paper's. It was told more than they were, by convolution and augmentation.
#
# ## 2 · Pseudo-labels and consistency
#
# **Pseudo-labels** (Lee 2013): the network labels the other images itself. Lee takes the most probable class of *every*
# image. The weight of these images rises during the training, and there is no threshold. Self-training (unit 01a) and
# *FixMatch* (Sohn and others 2020) keep only confident answers, and so do we. FixMatch adds
# **consistency**: the answer for the weak view is the target for the strong view. For one batch, with the trained baseline:

# %%
batch, views = x[:128], torch.Generator().manual_seed(1)
with torch.no_grad():  # the target is fixed: no gradient runs through it
    guess = baseline(semi.moved(batch, views)).softmax(1)  # (128, 10)
confidence, pseudo = guess.max(1)  # (128,), (128,)
logits = baseline(semi.moved(batch, views, linear=0.1))  # (128, 10): the strong view
agreement = F.cross_entropy(logits, pseudo, reduction="none") * (confidence >= 0.95)
print(f"{(pseudo == y[:128]).sum()} of 128 answers are right, "
      f"loss {agreement.mean():.3f} nats")

# %%
limit = 0.95
taken = confidence >= limit
print(f"limit {limit}: {taken.sum()} of 128 images count, "
      f"{(pseudo != y[:128])[taken].sum()} of them with a wrong pseudo-label")

# %%
try_it("Change `limit = 0.95` to `limit = 0.5`. How many of the images that count have a "
       "wrong pseudo-label now?", None, int((pseudo != y[:128])[taken].sum()),
       changed=limit == 0.5)

# %% [markdown]
# `semi.consistency_terms` is this loss, together with the cross-entropy of the labelled images. Its training begins with an
# untrained network. At first few answers are confident, and the labelled images do most of the teaching.
#
# **Predict.** The baseline's error stands at the end of section 1. What error has consistency training, in %, after as many
# steps?

# %%
prediction_consistency = None

# %%
def consistency(limit):
    def loss(model, images, step):
        few, labels = semi.some_labelled(x_l, y_l, 64, step.generator)
        return semi.consistency_terms(model, images, few, labels, step.generator, limit)
    return loss

# %%
def train_consistently(limit=0.95):
    with seeded(0):
        net = semi.SmallConv()
    images = torch.cat([x, x])[:250 * 128]  # 250 steps
    fit(net, (images,), consistency(limit), epochs=1, batch=128, lr=3e-3, one_cycle=True)
    return errors_of(net)

# %%
conv_error = {"supervised baseline": error_baseline,
              "consistency": train_consistently()}
table(["convolutional net, 100 labels", "test error (%)"], list(conv_error.items()))
score([("error of consistency training (%)", prediction_consistency,
        conv_error["consistency"])])

# %%
saved = 100 * (1 - conv_error["consistency"] / error_baseline)
amount = "a large part" if saved >= 25 else "a small part"
say("Of the errors of the supervised baseline, the images without a label take away "
    f"{amount}: {saved:.0f} %." if saved > 0 else
    "Compared with the supervised baseline, the images without a label add errors: "
    f"{abs(saved):.0f} %.")

# %% [markdown]
# Net, labels, augmentation and number of steps are the same in both rows. So the difference is what the unlabelled images
# add, for this one choice of labels and this one initialisation. Section 3 has five of each. The first row shows what
# convolution and augmentation are worth without any unlabelled image. A comparison without it would give the unlabelled
# images the credit for both.
#
# Consistency has an assumption, too: augmentation keeps the class, and the net is right where it is confident. An early
# error of which it is confident is learned like a label.

# %%
claim("consistency", "Error with 100 labels, consistency training of a small "
      "convolutional net", conv_error["consistency"], "%", at_most=0.95 * error_baseline,
      baseline=f"supervised baseline {error_baseline:.1f} %", holds_on=("mnist",),
      paper="3.33 (M1 + M2, Kingma and others 2014; no convolution, no augmentation)")

# %% [markdown]
# ## 3 · All methods in one table
#
# First three fast methods of unit 07 again, and one more: the SVM on the codes of a plain autoencoder, with the VAE's widths
# and as many epochs. Then the **long runs** (`benchmarks/papers.py`, on MNIST), and the paper. You may skip the three
# cells of code. They train and measure as unit 07 does.

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(model(x).sigmoid(), x)}


with seeded(0):
    plain = he(Autoencoder([784, 400, 50], nn.SiLU), x)
variational = vae.new([784, 400, 50], x)
how = {"epochs": 4 * more, "batch": 128, "lr": 3e-3, "one_cycle": True}
fit(plain, (x,), squared_error, **how)
fit(variational, (x,), vae.negative_elbo(), **how);

# %%
encoders = {"pixels": lambda images: images, "AE": plain.encode,
            "VAE": lambda images: variational.encode(images)[0]}
found = {}  # method → {number of labels: errors (5,)}
for name, encode in encoders.items():
    with torch.no_grad():
        z, z_test = encode(x), encode(x_test)
    found[f"SVM on {name}"] = {n: metrics.errors(torch.stack(
        [semi.svm(z[i], y[i], z_test) for i in chosen]), y_test)
        for n, chosen in choices.items()}
links = graphs.links(z[:pool])  # of the VAE's codes
found["label spreading on VAE"] = {n: metrics.errors(graphs.spread(
    links, z[:pool], z_test, chosen, y), y_test) for n, chosen in choices.items()}

# %%
LONG = {"M2": "m2", "M1 + M2": "m1m2", "conv net, supervised baseline": "shifts",
        "conv net, pseudo-labels": "pseudo", "conv net, consistency": "consistency"}
runs = longruns.load()  # name-labels → record with the errors of five choices
long = {name: {n: np.array(runs[f"{run}-{n}"]["values"]) for n in choices
               if f"{run}-{n}" in runs} for name, run in LONG.items()}
paper = {"M1 + TSVM": (11.82, 5.72, 4.24), "M2": (11.97, 4.94, 3.60),
         "M1 + M2": (3.33, 2.59, 2.40)}  # Kingma and others 2014, Table 1

# %% [markdown]
# **Predict.** On MNIST and with 100 labels, M1 + M2 makes fewer errors than the convolutional net without unlabelled images
# (long runs). Is it so with 1000 labels, too? Type `"yes"` or `"no"`.

# %%
prediction_thousand = None

# %%
def cells(by_number):
    return [f"{v.mean():.2f} ± {v.std(ddof=1):.2f}" for v in by_number.values()]


def marks(name):
    return " ".join(("C A",) * name.startswith("conv") + ("V",) * ("pixels" not in name))

# %%
rows = [[name, marks(name), *cells(errors)] for name, errors in found.items()]
rows += [[f"{name} (long run)", marks(name), *cells(errors)]
         for name, errors in long.items() if digits.name == "mnist" and errors]
rows += [[f"{name} (paper)", "T" * ("TSVM" in name), *(f"{v:.2f}" for v in values)]
         for name, values in paper.items()]
table(["method", "marks", *(f"{n} labels, error (%)" for n in choices)], rows)

# %%
conv, m1m2 = long["conv net, supervised baseline"], long["M1 + M2"]
if 1000 in conv and 1000 in m1m2:
    score([("M1 + M2 makes fewer errors with 1000 labels", prediction_thousand,
            "yes" if m1m2[1000].mean() < conv[1000].mean() else "no")])

# %% [markdown]
# ± is the standard deviation over five choices of labels. The paper's rows are without it. The marks say what a method was
# allowed:
#
# - **C** convolution, **A** data augmentation;
# - **T** transductive: it uses the test images, without their labels. None of ours does;
# - **V** validation labels: some of its settings were chosen with more labels than the table says, a luxury (unit 07). For
#   M2 these are the heavy KL term at the beginning and $\alpha = 10$. What the paper's rows used, we do not know.
#
# On MNIST and with 100 labels, the three rows of the SVM differ by one or two standard deviations. The AE's codes do not
# help it. (Its widths are the VAE's, and were not chosen for it.)
#
# Methods with other marks also differ in what they know. Such a difference is not due to the method alone. On MNIST, M1 +
# M2 makes the fewest errors among our methods without C and A. There, label spreading on VAE codes makes fewer errors with
# 100 labels than the paper's M1 + TSVM and the paper's M2.
#
# The order of two methods can change with the number of labels. With 100 labels, M1 + M2 makes fewer errors than the
# convolutional net without unlabelled images, although that has C and A. With 1000 labels it makes about twice as many.
# So "A makes fewer errors than B" needs a number of labels.

# %%
lines = {name: found[name] for name in ("SVM on pixels", "label spreading on VAE")}
lines |= {f"{name} (long run)": long[name] for name in LONG
          if name not in ("M2", "conv net, pseudo-labels") and digits.name == "mnist"}
axis = plt.subplots(figsize=(9, 4.2))[1]
for (name, values), marker in zip(lines.items(), "os^Dv", strict=False):
    axis.errorbar(list(values), [v.mean() for v in values.values()],
                  [v.std(ddof=1) for v in values.values()], fmt=f"{marker}-", capsize=3,
                  label=name)
axis.plot(list(choices), paper["M1 + M2"], "*:", color="grey", label="M1 + M2 (paper)")
axis.set(xlabel="labels", ylabel="test error (%)")
plots.log_axes(axis, x=list(choices), y=(1, 2, 5, 10, 20))
axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5));

# %% [markdown]
# Both axes are logarithmic, and a bar is the standard deviation over five choices. The SVM sees only the labelled images.
# From 100 to 1000 labels, its error falls to about a third. The lines of label spreading and, on MNIST, of M1 + M2 are
# much flatter.
#
# ### A difference and its interval
#
# The long runs of consistency and of pseudo-labels share net, steps, augmentation and threshold. With consistency, the
# target comes from another view, which is also a *weaker* one. With pseudo-labels it comes from the strong view itself. (To
# tell "another" from "weaker", one would need a third run, with the target from a second strong view.)
#
# Is the difference larger than chance? Both used the same five choices of labels. So we take the difference for each
# choice. For the mean $m$ of these $n = 5$ differences, with standard deviation $s$, **Student's interval** goes from
# $m - t\,s / \sqrt n$ to $m + t\,s/\sqrt n$, where $t = 2.78$ for 95 % and $n = 5$. If the differences are normally
# distributed, on average 95 of 100 such intervals contain the mean over *all* choices of labels.

# %%
def difference(n):  # pseudo-labels minus consistency, in points, for each choice
    none = np.full(5, np.nan)  # where the long runs are not there
    return (long["conv net, pseudo-labels"].get(n, none)
            - long["conv net, consistency"].get(n, none))

# %%
n_labels = 1000
ends = metrics.interval(difference(n_labels))
print(f"{n_labels} labels: from {ends[0]:.2f} to {ends[1]:.2f} points")

# %%
try_it("Change `n_labels = 1000` to `n_labels = 100`. How many points is the lower end?",
       None, ends[0], changed=n_labels == 100,
       says="Zero lies outside both intervals: the weaker view helps. The intervals cover "
       "the choice of labels, not another test set or another network.")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Consistency: the confident answer for a weak view is the target for a strong view.
# - The fair baseline has the same net, augmentation, labels and steps. Convolution and augmentation help without any
#   unlabelled image.
# - Mark what a method was allowed, and give the number of labels.
# - ± is a standard deviation. An interval goes from one value to another, and we say over what it is taken: here, over
#   choices of labels.
#
# **Next:** [07c](07c_report.ipynb) referees a lab report, [07d](07d_harm.ipynb) looks for harm.
#
# ### Papers
# - D.-H. Lee (2013). *Pseudo-label: the simple and efficient semi-supervised learning method for deep neural
#   networks.* ICML Workshop on Challenges in Representation Learning.
# - A. Rasmus, H. Valpola, M. Honkala, M. Berglund, T. Raiko (2015). *Semi-supervised learning with ladder networks.*
#   NeurIPS 28.
# - K. Sohn and others (2020). *FixMatch: simplifying semi-supervised learning with consistency and confidence.*
#   NeurIPS 33.
# - D. P. Kingma, D. J. Rezende, S. Mohamed, M. Welling (2014). *Semi-supervised learning with deep generative
#   models.* NeurIPS 27, 3581–3589.
