# %% [markdown]
# # 07aba · What the decoder can teach the classifier
#
# **Promise.** You will measure what M2's decoder tells its classifier about images without a label, why this is little
# with 100 labels, and what a shorter code and a heavy KL term change.
#
# **After this unit you can**
# 1. compare the bounds of ten classes with common random numbers, and say why;
# 2. say what an ignored class has in common with posterior collapse;
# 3. tell the effects of two changes apart, by all four combinations.
#
# **Before it:** units 06ba, 07a and 07ab. **Time:** about {minutes} minutes; the cells run in about a minute on two
# cores.

# %%
import math

import torch
from torch.nn import functional as F

from aecourse import data, diagrams, losses, plots, semi
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import begin_at_mean
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("07", digits.name)

# %%
diagrams.flow({"x": (0, 0.5, "image without\na label", plots.SKY),
               "d": (1.7, 1, "decoder: bounds\n$\\mathcal{L}(x, 0), …, \\mathcal{L}(x, 9)$",
                     plots.GREEN),
               "r": (3.6, 1, "$r(y|x) \\propto e^{-\\mathcal{L}(x, y)}$", plots.YELLOW),
               "c": (3.6, 0, "classifier\n$q(y|x)$", plots.GREEN),
               "w": (1.7, 0, "weights of the ten\nclasses: $q(y|x)$", plots.YELLOW)},
              dict.fromkeys([("x", "d"), ("d", "r"), ("r", "c"), ("c", "w"), ("w", "d")],
                            ""), size=(10, 2.6));

# %% [markdown]
# The circle of unit 07a: the decoder's bounds are what the classifier is taught, and the classifier's probabilities
# weigh the classes under which the decoder learns an image.
#
# ## 1 · How much can the decoder teach?
#
# We train three models of unit 07ab again. Two have all labels, up to 30,000: one with a code of 5 dimensions and a KL
# term that begins with a weight of 12, one with a code of 20 and no such weight. The third is M2 with 100 labels and
# $\alpha = 10$, on 5,000 images.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
labelled = x[:30_000], y[:30_000]
known = data.stratified_subset(y[:20_000], 100)
some, x_l, y_l = x[:5000], x[known], y[known]

# %%
def weight(heavy, step):  # of the KL term: falls from `heavy` to 1 in 60 % of the steps
    return max(1, heavy - (heavy - 1) * step.progress / 0.6)

# %%
def all_labels(heavy):
    def loss(model, x, y, step):
        x = data.binarised(x, step.generator)
        one = F.one_hot(y, 10).float()[:, None]  # (B, 1, 10)
        L = model.bounds(x, one, step.generator, weight(heavy, step))  # (B, 1)
        return {"L": L[:, 0]}
    return loss

# %%
def m2_loss(alpha, heavy=1):  # as in unit 07aa
    def loss(model, images, step):
        few, labels = semi.some_labelled(x_l, y_l, 100, step.generator)
        images = data.binarised(images, step.generator)
        few = data.binarised(few, step.generator)
        return semi.m2_terms(model, images, few, labels, alpha, len(x_l) / len(some),
                             step.generator, weight(heavy, step))
    return loss

# %%
def train_m2(loss, images, epochs, code):
    with seeded(0):
        model = semi.M2(code=code)
    begin_at_mean(model.output, x)
    fit(model, images, loss, epochs=epochs, batch=100, lr=2e-3, one_cycle=True)
    return model

# %%
models = {"code of 5": train_m2(all_labels(12), labelled, 3 * more, code=5),
          "code of 20": train_m2(all_labels(1), labelled, 3 * more, code=20),
          "100 labels": train_m2(m2_loss(10), (some,), 4, code=20)}
best = models["100 labels"]

# %% [markdown]
# On images without a label, the bounds of the ten classes are the classifier's only teacher (unit 07a). It is told
# $r(y|x)$, which is proportional to $e^{-\mathcal L(x, y)}$. So how many nats more does a *wrong* class cost than the
# right one? Each $\mathcal L$ is an expectation over codes, and we estimate it with 20 samples. The noise of sampling
# blurs the differences between classes. So all ten classes get **the same noise** $\varepsilon$ in each sample. What
# the noise does to all ten alike then cancels in the differences. (This is called *common random numbers*.)
#
# **Predict.** For the model with all labels and a code of 5, how many nats more does a wrong class cost, on average?
# (The whole loss of this model is about 130 nats on MNIST.)

# %%
prediction_cost = None

# %%
tested, own = x_test[:1000].round(), y_test[:1000, None]  # (1000, 784), (1000, 1)

# %%
def class_bounds(model, samples=20):  # L(x, y) for all ten classes, (1000, 10)
    noise, total = torch.Generator().manual_seed(0), 0
    with torch.no_grad():
        mu, logvar = model.encode(tested[:, None], torch.eye(10))  # (1000, 10, code)
        for _ in range(samples):
            eps = torch.randn(1000, 1, mu.shape[2], generator=noise)  # one for ten classes
            logits = model.decode(mu + (logvar / 2).exp() * eps, torch.eye(10))
            total += losses.bernoulli_nll(logits, tested[:, None].expand_as(logits))
        return total / samples + math.log(10) + losses.gaussian_kl(mu, logvar)

# %%
def smallest_right(L):  # how often the smallest of L (1000, 10) is the right class, in %
    return 100 * (L.argmin(1) == y_test[:1000]).float().mean().item()

# %%
def lesson_of(L):  # what L (1000, 10) tells the classifier
    right = L.gather(1, own)  # (1000, 1)
    wrong = (L.sum(1, keepdim=True) - right) / 9
    nearest = L.scatter(1, own, torch.inf).min(1, keepdim=True).values
    r = (-L).softmax(1).gather(1, own)
    return ((wrong - right).mean().item(), (nearest - right).median().item(),
            r.mean().item(), smallest_right(L))

# %%
def cost_of_wrong_class(model):  # in nats, over 1,000 test images
    return lesson_of(class_bounds(model))[0]

# %%
def accuracy(model):  # of the classifier q(y|x), 1,000 test images, in %
    with torch.no_grad():
        answers = model.classifier(x_test[:1000]).argmax(1)  # (1000,)
    return 100 * (answers == y_test[:1000]).float().mean().item()

# %%
costs = {name: lesson_of(class_bounds(model)) for name, model in models.items()}
of_classifier = accuracy(best)
table(["M2", "a wrong class costs, mean (nats)", "the cheapest wrong class, median (nats)",
       "r of the right class, mean", "accuracy of the smallest L (%)"],
      [[name, *values] for name, values in costs.items()])
print(f"the classifier of the last one: {of_classifier:.1f} % right")
score([("cost of a wrong class, code of 5 (nats)", prediction_cost,
        costs["code of 5"][0])])

# %% [markdown]
# Read the first column from top to bottom. With a short code and all labels a wrong class costs many nats, with a
# longer code fewer, and with 100 labels fewest. (The last model has fewer labels and also fewer steps, so a part of
# this difference may be due to the steps.) A mean of nine classes can mislead: 4 nats more for *each* of them would
# give the right class $r = 1 / (1 + 9 e^{-4}) = 0.86$. But the nine differ, and $r$ depends mostly on the cheapest one.
# With 100 labels it costs little more than the right class, or less, for many images (second column). So $r$ of the
# right class is far from 1. The smallest $\mathcal L$ is less often at the right class than the classifier's largest
# probability. On MNIST such a teacher is wrong for about every third image.
#
# This is like posterior collapse (unit [06ba](06ba_collapse.ipynb)) with the roles exchanged. There the decoder ignores
# the code. Here it ignores the class. For the decoder, the classes of an image without a label are weighed by $q(y|x)$
# (unit 07a). As long as the classifier is undecided, the decoder cannot rely on $y$, and the code takes over. What
# would the model gain if it moved the class back to $y$? The code would save up to $\log 10$ nats of KL. But an image
# without a label would pay $\log 10$ for the class, since the entropy of a confident classifier is 0. So this sum would
# stay nearly the same, and little pushes the model back.

# %%
claim("teacher", "Nats that a wrong class costs, code of 20: all labels over 100 labels",
      costs["code of 20"][0] / costs["100 labels"][0], "times", at_least=1.5)
claim("pupil and teacher", "Accuracy of the classifier minus that of the smallest L, 1,000 "
      "test images, M2 with 100 labels", of_classifier - costs["100 labels"][3], "points",
      at_least=3)

# %% [markdown]
# In training there is only *one* sample, and each class has a noise of its own. How often is the smallest $\mathcal L$
# then at the right class, for M2 with 100 labels?

# %%
samples = 20
noise = torch.Generator().manual_seed(0)
with torch.no_grad():
    apart = sum(best.bounds(tested, torch.eye(10), noise) for _ in range(samples)) / samples
own_noise, common_noise = map(smallest_right, (apart, class_bounds(best, samples)))
print(f"{samples} samples: own noise for each class {own_noise:.1f} % right, "
      f"common noise {common_noise:.1f} %")

# %%
try_it("Change `samples = 20` to `samples = 1`. How many % are right with a noise of its "
       "own for each class?", None, own_noise, changed=samples == 1,
       says="Each training step has such a sample.")

# %% [markdown]
# ## 2 · A shorter code, and a heavy KL term
#
# The model with the code of 5 also had a heavy KL term at first. Which of the two makes a wrong class cost more? We
# train the other two combinations, for as many epochs.
#
# **Predict.** How many nats does a wrong class cost with a code of 20 and the heavy KL term?

# %%
prediction_heavy = None

# %%
tried = train_m2(all_labels(12), labelled, 3 * more, code=20)
light = train_m2(all_labels(1), labelled, 3 * more, code=5)
of_tried, of_light = cost_of_wrong_class(tried), cost_of_wrong_class(light)
table(["a wrong class costs (nats)", "no heavy KL term", "KL weight from 12"],
      [["code of 20", costs["code of 20"][0], of_tried],
       ["code of 5", of_light, costs["code of 5"][0]]])
score([("code of 20, heavy KL term (nats)", prediction_heavy, of_tried)])

# %%
claim("heavy KL", "Nats that a wrong class costs, code of 20, all labels: with a heavy KL "
      "term at first over without", of_tried / costs["code of 20"][0], "times",
      at_least=1.5)
claim("short code", "Nats that a wrong class costs, all labels, no heavy KL term: code "
      "of 5 over code of 20", of_light / costs["code of 20"][0], "times", at_least=1.5)

# %%
heavy_20 = 12
of_other = of_tried if heavy_20 == 12 else cost_of_wrong_class(
    train_m2(all_labels(heavy_20), labelled, 3 * more, code=20))
print(f"code of 20, KL weight from {heavy_20}: a wrong class costs {of_other:.1f} nats")

# %%
try_it("Change `heavy_20 = 12` to `heavy_20 = 4`. How many nats does a wrong class cost?",
       None, of_other, changed=heavy_20 == 4,
       says="Compare with the upper row of the table.")

# %% [markdown]
# Both make a difference, each without the other, and both together make the largest.
#
# ## 3 · M2 with 100 labels again
#
# Does a heavy KL term at first help M2 with 100 labels, too? We measure the analogies as in unit 07ab: how many of the
# nine other classes are classified as requested by an SVM?

# %%
def as_requested(model):  # the nine other digits from each code, 1,000 images, in %
    with torch.no_grad():
        z = model.encode(tested, torch.eye(10)[own[:, 0]])[0]  # (1000, code)
        ten = model.decode(z[:, None], torch.eye(10)).sigmoid()  # (1000, 10, 784)
    named = semi.svm(x[:2000], y[:2000], ten.flatten(0, 1)).view(1000, 10)
    other = torch.arange(10) != own  # (1000, 10)
    return 100 * ((named == torch.arange(10)) & other).sum().item() / 9000

# %% [markdown]
# **Predict.** By how many points does the classifier's accuracy change? (0 is no change.)

# %%
prediction_classifier = None

# %%
heavier = train_m2(m2_loss(10, heavy=12), (some,), 4, code=20)
followed, followed_heavy = as_requested(best), as_requested(heavier)
of_heavier = accuracy(heavier)
of_bounds = lesson_of(class_bounds(heavier))
table(["M2, 100 labels", "classified as requested (%)", "a wrong class costs (nats)",
       "accuracy of the smallest L (%)", "accuracy of the classifier (%)"],
      [["as before", followed, costs["100 labels"][0],
        costs["100 labels"][3], of_classifier],
       ["KL weight from 12", followed_heavy, of_bounds[0], of_bounds[3], of_heavier]])
score([("change of the classifier's accuracy (points)", prediction_classifier,
        of_heavier - of_classifier)])

# %% [markdown]
# With this, the decoder uses the class: far more images are classified as requested, and a wrong class costs far more.
# It has a price, as the cures of unit 06ba have: on MNIST the printed training losses are higher. Yet the accuracy of
# the classifier changes little in these four epochs. The long run of M2 in unit [07b](07b_today.ipynb) begins with a
# heavy KL term, too. It has thirty epochs on all of MNIST's training images.

# %%
claim("class regained", "Images of the nine other classes that an SVM classifies as "
      "requested, M2 with 100 labels: gain by a heavy KL term at first",
      followed_heavy - followed, "points", at_least=15)
claim("class regained, accuracy", "Accuracy that the classifier of M2 with 100 labels "
      "gains by it", of_heavier - of_classifier, "points", near=0, within=6)

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - The differences between the bounds of the ten classes are what the decoder can teach. Compare classes with the same
#   noise.
# - M2 with few labels can ignore the class: collapse with the roles exchanged, and the loss hardly pushes it back.
# - A short code and a heavy KL term at first both bring the class back into the decoder, at a price in the loss. A
#   better teacher alone hardly changed the classifier here.
#
# **Next:** [07ac](07ac_stacked.ipynb) gives M2 the codes of M1 in place of pixels.
#
# ### Papers
# - D. P. Kingma, D. J. Rezende, S. Mohamed, M. Welling (2014). *Semi-supervised learning with deep generative
#   models.* NeurIPS 27, 3581–3589.
