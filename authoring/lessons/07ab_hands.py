# %% [markdown]
# # 07ab · Every digit in one hand
#
# **Promise.** You will write all ten digits in the hand of one test image, measure whether slant and stroke width stay,
# and find out why M2 hardly uses the class when labels are few.
#
# **After this unit you can**
# 1. generate analogies: keep the code, change the class;
# 2. measure whether class and style are separated;
# 3. say what an ignored class has in common with posterior collapse.
#
# **Before it:** units 07a and 07aa. **Time:** about {minutes} minutes; the cells run in less than a minute on two
# cores.

# %%
import torch
from torch.nn import functional as F

from aecourse import data, diagrams, metrics, plots, semi
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import begin_at_mean
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("07", digits.name)

# %%
diagrams.flow({"x": (0, 0, "test image:\na slanted 4", plots.SKY),
               "e": (1.3, 0, "encoder\n$q(z|x, y=4)$", plots.ORANGE),
               "z": (2.6, 0, "code $z$:\nslant, width", plots.YELLOW),
               "y": (2.6, 1, "class $y = 0, 1, …, 9$", plots.YELLOW),
               "d": (3.9, 0, "decoder\n$p(x|y,z)$", plots.GREEN),
               "o": (5.3, 0, "ten digits\nin one hand", plots.SKY)},
              dict.fromkeys([("x", "e"), ("e", "z"), ("z", "d"), ("y", "d"),
                             ("d", "o")], ""), size=(11, 2.6));

# %% [markdown]
# The code of one image is kept, and the class is changed. The paper calls the results *analogies*. This works if the
# class is in $y$, and the code holds all the rest.
#
# ## 1 · Every image has a label
#
# First the easiest case: *all* images have a label, up to 30,000. Then $\mathcal L$ is the whole loss. The code has
# only 5 dimensions. At the beginning of the training the KL term has a weight of 12, which falls to 1. So information
# in the code is expensive at first, and the model learns to take the class from $y$.

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]
x_test, y_test = digits.x_test, digits.y_test
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer


def weight(heavy, step):  # of the KL term: falls from `heavy` to 1 in 60 % of the steps
    return max(1, heavy - (heavy - 1) * step.progress / 0.6)


def all_labels(heavy):
    def loss(model, x, y, step):
        x = data.binarised(x, step.generator)
        own = F.one_hot(y, 10).float()[:, None]  # (B, 1, 10)
        L = model.bounds(x, own, step.generator, weight(heavy, step))  # (B, 1)
        return {"L": L[:, 0]}
    return loss

# %%
def train_m2(loss, images, epochs, code):
    with seeded(0):
        model = semi.M2(code=code)
    begin_at_mean(model.output, x)
    fit(model, images, loss, epochs=epochs, batch=100, lr=2e-3, one_cycle=True)
    return model


labelled = x[:30_000], y[:30_000]
short = train_m2(all_labels(12), labelled, 6 * more, code=5)

# %%
def analogies(model, index):  # test images (n,) → each as ten digits, (n, 10, 784)
    with torch.no_grad():
        own = torch.eye(10)[y_test[index]]  # (n, 10)
        z = model.encode(x_test[index].round(), own)[0]  # the means (n, code)
        return model.decode(z[:, None], torch.eye(10)).sigmoid()

# %%
slant, width = metrics.slant(x_test[:1000]), metrics.thickness(x_test[:1000])
hands = {"leans left": slant.argsort()[45], "upright": slant.argsort()[500],
         "leans right": slant.argsort()[970], "thin": width.argsort()[30],
         "thick": width.argsort()[970]}  # positions of five test images

# %% [markdown]
# **Predict.** We take 1,000 test images and generate the other nine digits from the code of each. What is the
# correlation of the image's slant with the mean slant of these nine, from −1 to 1?

# %%
prediction_slant = None

# %% tags=["picture-analogies"]
again = analogies(short, torch.stack(list(hands.values())))  # (5, 10, 784)
plots.images({name: torch.cat([x_test[i][None], row])
              for (name, i), row in zip(hands.items(), again, strict=True)},
             columns=["image", *map(str, range(10))], zoom=0.8);

# %% [markdown]
# In the left column are five test images, chosen by their slant and stroke width. To the right of each is *the same
# code* with the ten classes. Nobody told the model what a slant is. Yet a row leans as its image leans, and a thick
# stroke gives thick digits. Most images show the digit of their column, some of them blurred.
#
# An impression can be wrong, so we measure.

# %%
generated = analogies(short, torch.arange(1000))  # (1000, 10, 784)
other = 1 - F.one_hot(y_test[:1000], 10)  # (1000, 10): 0 at the own class


def kept(ten, measure, of_image):  # correlation with the mean of the nine others
    of_ten = measure(ten.flatten(0, 1)).view(1000, 10)
    others = (of_ten * other).sum(1) / 9  # (1000,)
    return torch.corrcoef(torch.stack([of_image, others]))[0, 1].item()


correlations = {"slant": kept(generated, metrics.slant, slant),
                "thickness": kept(generated, metrics.thickness, width)}
print({name: round(value, 2) for name, value in correlations.items()})
score([("correlation of slants", prediction_slant, correlations["slant"])])

# %% [markdown]
# Both properties go from the image to the nine others. This alone is no proof that class and hand are separated. A
# decoder that ignores the class would repeat the image ten times, with the same slant. So we also ask whether a
# generated image shows the class that was asked for. A support vector machine (unit 07), trained on 2,000 real images,
# names it.

# %%
def as_asked(ten):  # (1000, 10, 784) → % of the nine others that are named as asked
    named = semi.svm(x[:2000], y[:2000], ten.flatten(0, 1)).view(1000, 10)
    return 100 * ((named == torch.arange(10)) * other).sum().item() / 9000


obeyed = as_asked(generated)
print(f"named as asked: {obeyed:.1f} % of 9,000 generated images")

# %% [markdown]
# The class decides the digit, and the code decides the hand. Now they are separated.

# %%
for name, value in correlations.items():
    claim(f"{name} kept", f"Correlation of an image's {name} with that of the nine other "
          "digits generated from its code, 1,000 images", value, at_least=0.5)
claim("class obeyed", "Images of the nine other classes that an SVM names as asked, all "
      "labels, code of 5", obeyed, "%", at_least=80)

# %%
k = 7
of_k = metrics.slant(generated[:, k])  # (1000,)
one_class = torch.corrcoef(torch.stack([slant, of_k]))[0, 1].item()
print(f"slant of the image and of the generated {k}: correlation {one_class:.2f}")

# %%
try_it("Change `k = 7` to `k = 1`. What is the correlation now?", None, one_class,
       changed=k == 1)

# %% [markdown]
# ## 2 · When the class is ignored
#
# Two more models. One also has all labels, with a code of *20* dimensions and no heavy KL term. The other is M2 with
# 100 labels and $\alpha = 10$, as in unit 07aa, on 5,000 images.

# %%
known = data.stratified_subset(y[:20_000], 100)
some, x_l, y_l = x[:5000], x[known], y[known]


def m2_loss(alpha, heavy=1):  # as in unit 07aa
    def loss(model, images, step):
        few, labels = semi.some_labelled(x_l, y_l, 100, step.generator)
        images = data.binarised(images, step.generator)
        few = data.binarised(few, step.generator)
        return semi.m2_terms(model, images, few, labels, alpha, len(x_l) / len(some),
                             step.generator, weight(heavy, step))
    return loss


long = train_m2(all_labels(1), labelled, 3 * more, code=20)
best = train_m2(m2_loss(10), (some,), 4, code=20)

# %%
two = torch.stack([hands["leans left"], hands["leans right"]])
models = {"code of 5": short, "code of 20": long, "100 labels": best}
plots.images({f"{name}, {hand}": torch.cat([x_test[i][None], row])
              for name, model in models.items()
              for hand, i, row in zip(("left", "right"), two, analogies(model, two),
                                      strict=True)},
             columns=["image", *map(str, range(10))], zoom=0.6);

# %% [markdown]
# The upper two rows are as before. In the middle rows fewer images become the digit of their column, although all
# labels were known. A 20-dimensional code has room for the class, so the decoder can read it there. In the lower rows,
# with few labels, the images hardly change with the class. The same two measures as in section 1:

# %%
tens = {name: analogies(model, torch.arange(1000)) for name, model in models.items()}
followed = {name: as_asked(ten) for name, ten in tens.items()}
table(["M2", "slant kept (correlation)", "named as asked (%)"],
      [[name, kept(ten, metrics.slant, slant), followed[name]]
       for name, ten in tens.items()])

# %% [markdown]
# The slant alone would have misled us. It is kept in all three, also where the class is ignored.
#
# ### How much can the decoder teach?
#
# On images without a label, the bounds of the ten classes are the classifier's only teacher (unit 07a). If all classes
# cost nearly the same, the teacher says nothing. So how many nats more does a *wrong* class cost than the right one?
#
# **Predict.** For the model with all labels and a code of 5, how many nats more does a wrong class cost, on average?

# %%
prediction_cost = None

# %%
def cost_of_wrong_class(model):  # in nats, over 1,000 test images
    with torch.no_grad():
        images, noise = x_test[:1000].round(), torch.Generator().manual_seed(0)
        # the mean over 20 samples of the code, (1000, 10)
        L = sum(model.bounds(images, torch.eye(10), noise) for _ in range(20)) / 20
    right = L.gather(1, y_test[:1000, None])  # (1000, 1), of L (1000, 10)
    wrong = (L.sum(1, keepdim=True) - right) / 9
    named = 100 * (L.argmin(1) == y_test[:1000]).float().mean().item()
    return (wrong - right).mean().item(), named

# %%
def accuracy(model):  # of the classifier q(y|x), 1,000 test images, in %
    with torch.no_grad():
        answers = model.classifier(x_test[:1000]).argmax(1)  # (1000,)
    return 100 * (answers == y_test[:1000]).float().mean().item()

# %%
costs = {name: cost_of_wrong_class(model) for name, model in models.items()}
of_classifier = accuracy(best)
table(["M2", "a wrong class costs (nats)", "accuracy of the smallest L (%)"],
      [[name, *values] for name, values in costs.items()])
print(f"the classifier of the last one: {of_classifier:.1f} % right")
score([("cost of a wrong class, code of 5 (nats)", prediction_cost,
        costs["code of 5"][0])])

# %% [markdown]
# Read the first column from top to bottom. With a short code and all labels a wrong class costs many nats, with a
# longer code fewer, and with 100 labels fewest. The second column shows what the teacher then knows. With 100 labels
# the smallest $\mathcal L$ is less often at the right class than the classifier's largest probability. Such a teacher
# cannot correct the classifier. Nearly all that this M2 knows about the classes comes from the cross-entropy.
#
# This is like posterior collapse (unit [06ba](06ba_collapse.ipynb)) with the roles exchanged. There the decoder ignores
# the code. Here it ignores the class. As long as the classifier is guessing, the decoder cannot rely on $y$, and the
# code takes over. What would it gain to move the class back to $y$? The code would save up to $\log 10 = 2.3$ nats of
# KL. But an image without a label would pay $\log 10$ for the class, since the entropy of a confident classifier is 0.
# So its loss would stay nearly the same, and little pushes the model back.

# %%
claim("class ignored", "Images of the nine other classes that an SVM names as asked, M2 "
      "with 100 labels", followed["100 labels"], "%", at_most=25)
claim("teacher", "Nats that a wrong class costs, code of 20: all labels over 100 labels",
      costs["code of 20"][0] / costs["100 labels"][0], "times", at_least=1.5)
claim("pupil and teacher", "Accuracy of the classifier minus that of the smallest L, 1,000 "
      "test images, M2 with 100 labels", of_classifier - costs["100 labels"][1], "points",
      at_least=3)

# %% [markdown]
# Is it the heavy KL term at the beginning that makes the difference, or the short code?

# %%
heavy = 12
tried = train_m2(all_labels(heavy), labelled, 3 * more, code=20)
of_tried = cost_of_wrong_class(tried)[0]
print(f"code of 20, KL weight from {heavy}: a wrong class costs {of_tried:.1f} nats")

# %%
claim("heavy KL", "Nats that a wrong class costs, code of 20, all labels: with a heavy KL "
      "term at first over without", of_tried / costs["code of 20"][0], "times",
      at_least=1.5)

# %%
try_it("Change `heavy = 12` to `heavy = 4`. How many nats does a wrong class cost?", None,
       of_tried, changed=heavy == 4,
       says="Compare with the table: there the code of 20 had no heavy KL term.")

# %% [markdown]
# Both make a difference. The heavy KL term alone raises the cost of a wrong class, and with the code of 5 it is higher
# still. (That model also had twice as many epochs.)
#
# Does a heavy KL term help M2 with 100 labels, too?

# %%
cured = train_m2(m2_loss(10, heavy=12), (some,), 4, code=20)
followed_cured = as_asked(analogies(cured, torch.arange(1000)))
of_cured = accuracy(cured)
table(["M2, 100 labels", "named as asked (%)", "a wrong class costs (nats)",
       "accuracy of the smallest L (%)", "accuracy of the classifier (%)"],
      [["as before", followed["100 labels"], *costs["100 labels"], of_classifier],
       ["KL weight from 12", followed_cured, *cost_of_wrong_class(cured), of_cured]])

# %% [markdown]
# The decoder uses the class again: far more images become the digit of their column, and a wrong class costs far more.
# Yet the accuracy of the classifier changes little in these four epochs. (In our trials a code of 5 was no cure with
# 100 labels, and a classifier trained on the labels first was none either.) The long run of M2 in unit
# [07b](07b_today.ipynb) begins with a heavy KL term, too. It has thirty epochs on all of MNIST's training images.

# %%
claim("class regained", "Images of the nine other classes that an SVM names as asked, M2 "
      "with 100 labels: gain by a heavy KL term at first",
      followed_cured - followed["100 labels"], "points", at_least=15)
claim("class regained, accuracy", "Accuracy that the classifier of M2 with 100 labels "
      "gains by it", of_cured - of_classifier, "points", near=0, within=6)

# %% [markdown]
# ## 3 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 4 · What to keep
#
# - Analogies keep the code and change the class. They work if the class is used, and the code holds the rest. Measure
#   both.
# - A long code can hold the class as well. Then the decoder does not need $y$.
# - The cost of a wrong class, in nats, measures how much the decoder can teach the classifier.
#
# **Next:** [07ac](07ac_stacked.ipynb) gives M2 the codes of M1 in place of pixels.
#
# ### Papers
# - D. P. Kingma, D. J. Rezende, S. Mohamed, M. Welling (2014). *Semi-supervised learning with deep generative
#   models.* NeurIPS 27, 3581–3589. (analogies: its Figure 1)
