# %% [markdown]
# # 07aa · M2 with a hundred labels: what α does
#
# **Promise.** You will train M2 with 100 labels and thousands of images without one, try four values of the weight α, and
# measure what the unlabelled images add.
#
# **After this unit you can**
# 1. train M2 with the loss of unit 07a;
# 2. say what the weight of the labels decides, and whether the loss shows it;
# 3. compare M2 with a supervised baseline, over several initialisations.
#
# **Before it:** unit 07a. **Time:** about {minutes} minutes; the cells run in about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.cluster import KMeans
from torch.nn import functional as F

from aecourse import data, diagrams, metrics, plots, semi
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import begin_at_mean
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("07", digits.name)

# %%
diagrams.flow({"u": (0, 1, "image without a label", plots.SKY),
               "l": (0, 0, "image with a label", plots.SKY),
               "U": (2, 1, "$\\mathcal{U}(x)$", plots.ORANGE),
               "L": (2, 0, "$\\mathcal{L}(x, y)$", plots.ORANGE),
               "a": (2, -1, "α · cross-entropy", plots.ORANGE),
               "d": (4, 0.5, "encoder, decoder", plots.GREEN),
               "c": (4, -1, "classifier $q(y|x)$", plots.GREEN)},
              dict.fromkeys([("u", "U"), ("l", "L"), ("l", "a"), ("U", "d"), ("U", "c"),
                             ("L", "d"), ("a", "c")], ""), size=(10, 3.4));

# %% [markdown]
# The arrows from left to right show which images enter which term of the loss, and which network the term trains. The
# labels reach the classifier directly by the box at the bottom alone.
#
# ## 1 · Train it by hand
#
# The images are binary, with new random pixels in every step, as in unit 06. We use 5,000 training images without their
# labels, and the first choice of 100 labelled images in unit 07. (Some of the 100 are also among the 5,000.) `semi.M2` and
# `semi.m2_terms` are the model and the loss of unit 07a. The argument `share` is $N_l / N$, the factor of the mean of
# $\mathcal L$. Here are two epochs in a plain loop, with $\alpha = 1$:

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_val, y_val = digits.x_train[valid], digits.y_train[valid]
x_test, y_test = digits.x_test, digits.y_test
known = data.stratified_subset(y[:20_000], 100)  # positions of the labelled images
x_l, y_l = x[known], y[known]  # (100, 784), (100,)
some = x[:5000]

# %%
def accuracy(model, images, labels):  # of the classifier q(y|x), in %
    with torch.no_grad():  # grey images: each is the mean of its binary ones
        return 100 * (model.classifier(images).argmax(1) == labels).float().mean().item()

# %%
with seeded(0):
    by_hand = semi.M2()  # 784-256-10 classifier; a 20-dimensional code
begin_at_mean(by_hand.output, x)  # the decoder begins at the mean image
optimiser = torch.optim.Adam(by_hand.parameters(), lr=1e-3)
noise = torch.Generator().manual_seed(0)
for batch in torch.cat([some, some]).split(100):  # two epochs, 100 steps
    images = data.binarised(batch, noise)
    few = data.binarised(x_l, noise)
    terms = semi.m2_terms(by_hand, images, few, y_l, alpha=1.0, share=100 / 5000,
                          generator=noise)
    loss = sum(term.mean() for term in terms.values())  # U, L and labels
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print({name: round(term.mean().item(), 4) for name, term in terms.items()})
print(f"mean of L, without the factor: {terms['L'].mean().item() / (100 / 5000):.0f} nats")

# %%
share = terms["labels"].mean().item() / loss.item()
try_it("Which percentage of the whole loss is the term `labels` in this last step? Type "
       "the number, for example 2.5.", None, 100 * share,
       says="Nearly all of the loss is about pixels.",
       hint="Divide it by the sum of the three terms.")

# %% [markdown]
# ## 2 · What does α do?
#
# Now the same loss in `fit`, four epochs for each of four values of α. `semi.some_labelled` chooses 100 labelled images at
# random for a batch. The **supervised baseline** is a network like M2's classifier, trained with the cross-entropy of the
# same 100 labels only, for as many steps.

# %%
def m2_loss(alpha):
    def loss(model, images, step):
        few, labels = semi.some_labelled(x_l, y_l, 100, step.generator)
        images = data.binarised(images, step.generator)
        few = data.binarised(few, step.generator)
        return semi.m2_terms(model, images, few, labels, alpha, len(x_l) / len(some),
                             step.generator)
    return loss

# %%
def supervised(model, images, step):  # of the images only their number is used
    few, labels = semi.some_labelled(x_l, y_l, 100, step.generator)
    wrong = F.cross_entropy(model.classifier(data.binarised(few, step.generator)), labels)
    return {"labels": wrong.expand(len(images))}


def train_m2(loss, epochs=4, seed=0):
    with seeded(seed):
        model = semi.M2()
    begin_at_mean(model.output, x)
    fit(model, (some,), loss, epochs=epochs, batch=100, lr=2e-3, one_cycle=True)
    return model

# %% [markdown]
# **Predict.** Without the cross-entropy, $\alpha = 0$, the 100 labels are in $\mathcal L$ only. What percentage of the
# test images does M2 classify correctly?

# %%
prediction_zero = None

# %%
alphas = (0, 0.1, 1, 10)
baseline = train_m2(supervised)
m2s = {alpha: train_m2(m2_loss(alpha)) for alpha in alphas}

# %%
right = {alpha: accuracy(model, x_test, y_test) for alpha, model in m2s.items()}
right_baseline = accuracy(baseline, x_test, y_test)
right_svm = 100 - metrics.errors(semi.svm(x_l, y_l, x_test)[None], y_test)[0]
on_validation = {alpha: accuracy(model, x_val, y_val) for alpha, model in m2s.items()}
chosen = max(on_validation, key=on_validation.get)
table(["α", "loss without the labels' term (nats)", "test accuracy (%)"],
      [[f"{a:g}", m.history.train["U"][-1] + m.history.train["L"][-1], right[a]]
       for a, m in m2s.items()] + [["supervised baseline", None, right_baseline],
                                   ["SVM on pixels (unit 07)", None, right_svm]])
score([("accuracy with α = 0 (%)", prediction_zero, right[0])])

# %%
axis = plt.subplots(figsize=(6.4, 3.4))[1]
values = list(right.values())
axis.plot(alphas[1:], values[1:], "o-", color=plots.BLUE, label="M2")
axis.plot(0.01, values[0], "o", color=plots.BLUE)  # 0 has no logarithm
axis.axhline(right_baseline, color=plots.ORANGE, linestyle="--",
             label="supervised baseline")
axis.axhline(10, color="grey", linestyle=":", label="chance")
axis.axvline(0.1, color="grey", linewidth=1)
axis.text(0.11, 3, "the paper's α", color="grey")
axis.set(xlabel="α", ylabel="test accuracy, 100 labels (%)", ylim=(0, 100))
plots.log_axes(axis, x=[0.01, *alphas[1:]])
axis.set_xticklabels(alphas)
axis.legend(frameon=False, loc="upper left", fontsize=9);

# %% [markdown]
# The blue points are M2, with more weight on the labels from left to right. (The axis is logarithmic, and the point of
# α = 0 is drawn at its left end.) There M2 **ignores its labels**. It is much nearer to chance than to the baseline, and
# its loss in nats does not show this. The labels are in $\mathcal L$, but they are few among thousands of images. Only the
# detour of unit 07a, by the decoder, ties the ten groups of the classifier to the ten names, and it is too weak.
#
# With the paper's weight M2 is still below the baseline after four epochs. (The authors' code for M1 + M2 runs for three
# thousand.) With α = 10 it is about as good as the baseline, or a few points better, in this one run. An SVM
# on the pixels of the same 100 images is about as good, or better, and label spreading on codes (unit 07) makes far fewer
# errors. The paper's M2 gains fourteen points over its baseline, after a far longer training. Units
# [07ab](07ab_hands.ipynb) and [07aba](07aba_teacher.ipynb) look for the cause in the decoder.
#
# α was chosen on validation labels, of which there are thousands. A user with 100 labels does not have them.

# %%
claim("ignores labels", "Accuracy of M2 without the cross-entropy (α = 0), 100 labels",
      right[0], "%", at_most=35,
      baseline=f"with α = 10: {right[10]:.1f} %; supervised {right_baseline:.1f} %")
claim("α", "Accuracy that α = 10 gains over the paper's 0.1 in a short training",
      right[10] - right[0.1], "points", at_least=10)
claim("M2's gain", "Accuracy that M2 gains over the supervised baseline, α chosen by "
      "validation, one run", right[chosen] - right_baseline, "points", at_least=-2,
      at_most=6,
      paper="13.84 (Kingma and others 2014: neural net 25.81 %, M2 11.97 % error)")

# %% [markdown]
# ### Groups, but which?
#
# Without labels M2 may still form groups. We give each group of the classifier with $\alpha = 0$ the name of its most
# frequent digit, as we did with the clusters of k-means in lesson 01:

# %%
def with_names(groups):  # groups of the test images (N,) → table (10, 10), % right
    counts = torch.stack([y_test[groups == k].bincount(minlength=10) for k in range(10)])
    return counts, 100 * counts.max(1).values.sum().item() / len(y_test)

# %%
in_use = m2s[0]
with torch.no_grad():
    counts, named = with_names(in_use.classifier(x_test).argmax(1))
clusters = KMeans(10, n_init=3, random_state=0).fit(some.numpy())
by_kmeans = with_names(torch.from_numpy(clusters.predict(x_test.numpy())))[1]
print(f"groups in use: {int((counts.sum(1) > 0).sum())}; with the name of the most "
      f"frequent digit {named:.1f} % are right, k-means {by_kmeans:.1f} %")

# %%
try_it("Change `m2s[0]` to `m2s[0.1]`. How many % are right with these names?", None, named,
       changed=in_use is not m2s[0], says="With the cross-entropy the groups have names.")

# %% [markdown]
# Even with these names most images are in a wrong group. k-means on the same 5,000 images does far better. So the groups
# are not the digits.
#
# ## 3 · How much does the initialisation matter?
#
# So far there was one choice of 100 labels and one initialisation. Now we use three, for M2 with α = 10 and for the
# baseline.
#
# **Predict.** Is the worst of the three runs of M2 better than the best of the baseline? Type `"yes"` or `"no"`.

# %%
prediction_above = None

# %%
losses_of = {"M2, α = 10": m2_loss(10), "supervised baseline": supervised}
three = {"M2, α = 10": [right[10]], "supervised baseline": [right_baseline]}
for name, loss in losses_of.items():
    three[name] += [accuracy(train_m2(loss, seed=init), x_test, y_test) for init in (1, 2)]
table(["test accuracy (%)", "init 0", "1", "2", "mean ± standard deviation"],
      [[name, *values, f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"]
       for name, values in three.items()])

# %%
m2_three, of_baseline = map(np.array, three.values())  # (3,) each
gain = m2_three - of_baseline
score([("all runs of M2 above the baseline's", prediction_above,
        "yes" if m2_three.min() > of_baseline.max() else "no")])
claim("M2's gain, three initialisations", "Accuracy that M2 with α = 10 gains over the "
      "supervised baseline, 100 labels", gain.mean(), "points", spread=gain.std(ddof=1),
      seeds=3, at_least=0, at_most=6)

# %%
init = 0
of_init = accuracy(train_m2(m2_loss(10), seed=init), x_test, y_test)
print(f"α = 10, initialisation {init}: {of_init:.1f} % right")

# %%
try_it("Change `init = 0` to `init = 3`. What is the test accuracy, in %?", None, of_init,
       changed=init == 3,
       says=f"Another initialisation changes it by {abs(of_init - right[10]):.1f} points; "
       f"the mean gain over the baseline was {gain.mean():.1f}.")

# %% [markdown]
# On MNIST all three runs of M2 are above all three of the baseline, by about one and a half points on average. The first
# initialisation was a lucky one: a single run showed nearly three.
#
# ### Longer training
#
# Does the gain grow with more epochs? Both are trained again, with the same initialisation:

# %%
epochs = 12
of_longer = {name: accuracy(train_m2(loss, epochs), x_test, y_test)
             for name, loss in losses_of.items()}
print(f"{epochs} epochs:", {name: round(value, 1) for name, value in of_longer.items()})

# %%
try_it("Change `epochs = 12` to `epochs = 2`. What is the test accuracy of M2 now, in %?",
       None, of_longer["M2, α = 10"], changed=epochs == 2,
       says="Compare it with the baseline after as many epochs.")

# %% [markdown]
# On MNIST the gain is gone after twelve epochs, in this run: the loss of M2 falls by more than 20 nats, and its accuracy
# falls, too. (On the built-in digits the gain stays.) The long runs of unit [07b](07b_today.ipynb) have five choices of
# labels for each result.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - With few labels M2 learns them by the cross-entropy. Without it, it ignores them, and its loss does not show it.
# - The weight α decides. Always say on what it is a weight.
# - Compare with a supervised baseline of the same shape, on the same labels, for as many steps, and over several
#   initialisations.
#
# **Next:** [07ab](07ab_hands.ipynb) asks what the decoder does with the class.
#
# ### Papers
# - D. P. Kingma, D. J. Rezende, S. Mohamed, M. Welling (2014). *Semi-supervised learning with deep generative
#   models.* NeurIPS 27, 3581–3589.
