# %% [markdown]
# # 01za · Rules and topics without labels (optional extra)
#
# **Promise.** You will find rules such as "ink here, so ink there" in digits, check them on new images, and let a
# method made for texts find ten shapes of which digits are (roughly) mixtures.
#
# **After this unit you can** read support, confidence and lift; test a rule against chance and on new images; say what
# latent Dirichlet allocation finds, and why it is not the other LDA.
#
# **Before it:** lesson 01. No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.metrics import normalized_mutual_info_score

from aecourse import data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train[:4000]].numpy(), digits.y_train[train[:4000]].numpy()
x_val = digits.x_train[valid[:1000]].numpy()


def baskets(images):
    """Average over 4×4 pixels; an item is a coarse pixel with a mean above 0.2; (N, 49)."""
    blocks = images.reshape(-1, 7, 4, 7, 4)  # image, coarse row, row, coarse column, column
    coarse = blocks.mean((2, 4)).reshape(-1, 49)
    return (coarse > 0.2).astype(float)

# %%
items = baskets(x)  # (4000, 49), zeros and ones
figure, axes = plt.subplots(2, 8, figsize=(10, 2.7))
for i in range(8):
    axes[0, i].imshow(x[i].reshape(28, 28))
    axes[1, i].imshow(items[i].reshape(7, 7))
for axis in axes.flat:
    axis.set_axis_off()

# %% [markdown]
# Upper row: digits. Lower row: the same digits on a coarse grid of 7 × 7 pixels, white where there is ink. This coarse
# version is what the rules of this unit are about.
#
# ## 1 · Support, confidence, lift
#
# **Association rules** come from shopping baskets: "customers who buy bread and butter also buy milk". Here a basket is
# an image, and an item is a coarse pixel that has ink. Let $A$ be a set of items and $c$ one more item. Write $P(A)$
# for the share of baskets that contain all items of $A$. A rule $A \to c$ has three numbers:
#
# $$\text{support} = P(A \text{ and } c),\qquad \text{confidence} = \frac{P(A \text{ and } c)}{P(A)},\qquad \text{lift} = \frac{\text{confidence}}{P(c)}.$$
#
# The confidence says how often the conclusion is right where $A$ holds. The lift compares it with the share of baskets
# that contain $c$ anyway; a lift of 1 means that $A$ tells nothing about $c$. Here is one rule. Items are numbered row
# by row from 0 to 48. Items 10, 17 and 24 lie one below the other in the middle column:

# %%
A, c = [10, 17], 24  # three coarse pixels, one below the other
has_A = items[:, A].all(1)  # (4000,): does the basket contain all of A?
has_c = items[:, c] == 1
support = (has_A & has_c).mean()
confidence = support / has_A.mean()
lift = confidence / has_c.mean()
print(f"support {support:.2f}   confidence {confidence:.2f}   lift {lift:.2f}")

# %% [markdown]
# The confidence is high, and the rule tells almost nothing. The conclusion is nearly as frequent in all baskets, so the
# lift is near 1.

# %%
try_it("Change `A, c = [10, 17], 24` to `A, c = [10, 17], 15` and run that cell again. "
       "What lift do you get?", None,
       items[:, [10, 17, 15]].all(1).mean() / items[:, [10, 17]].all(1).mean()
       / items[:, 15].mean(), changed=c == 15,
       says="Above 1, ink in A makes ink in c more probable; below 1, less.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 2 · All rules at once
#
# With many items there are too many sets to try them all. The method **Apriori** rests on one fact: a set cannot be
# more frequent than any of its subsets. So a pair is extended to a triple only where the pair is frequent, here in at
# least 5 % of the baskets. We look at all rules in which $A$ has one or two items.

# %%
def mine(items, least=0.05):
    """Return the frequent rules as rows: A, c, support, confidence, lift."""
    share = items.mean(0)  # P(c), (49,)
    pairs = items.T @ items / len(items)  # P(a and b), (49, 49)
    sets = [[a] for a in range(49) if share[a] >= least]
    sets += [[a, b] for a in range(49) for b in range(a) if pairs[a, b] >= least]
    rules = []
    for A in sets:
        has_A = items[:, A].prod(1)  # 1 where a basket has all of A, (N,); so that @ counts
        both = has_A @ items / len(items)  # P(A and c) for all c, (49,)
        for c in range(49):
            if both[c] >= least and c not in A:
                confidence = both[c] / has_A.mean()
                rules.append([A, c, both[c], confidence, confidence / share[c]])
    return rules


rules = mine(items)
extended = int(np.triu(items.T @ items / len(items) >= 0.05, 1).sum())
print(f"{len(rules)} rules; {extended} of {49 * 48 // 2} pairs are extended")

# %%
by_confidence = sorted(rules, key=lambda rule: -rule[3])[:20]
by_lift = sorted(rules, key=lambda rule: -rule[4])[:20]
table(["best by", "A", "c", "support", "confidence", "lift"],
      [["confidence", str(A), *rest] for A, *rest in by_confidence[:3]]
      + [["lift", str(A), *rest] for A, *rest in by_lift[:3]])

# %%
figure, axes = plt.subplots(2, 4, figsize=(9.5, 4.6))
for row, best in zip(axes, (by_confidence, by_lift), strict=True):
    for axis, (blue, orange, _, *numbers) in zip(row, best, strict=False):
        axis.imshow(items.mean(0).reshape(7, 7), vmin=0, vmax=1)
        for place, colour in [(a, plots.SKY) for a in blue] + [(orange, plots.ORANGE)]:
            axis.scatter(place % 7, place // 7, s=150, marker="s", color=colour)
        axis.set_title("confidence {:.2f}, lift {:.1f}".format(*numbers), fontsize=9)
        axis.set_axis_off()

# %% [markdown]
# Each picture is one rule on the mean of all baskets (white: often inked). Where there is ink at the blue squares,
# expect ink at the orange one. The rules of largest confidence (upper row) have conclusions that are inked in more than
# half of all images anyway, so their lift stays below 2. The rules of largest lift (lower row) have conclusions that
# are seldom inked; ink at the blue squares makes them several times as frequent.
#
# Do these rules hold on new images, and are they more than chance? For chance we shuffle each item over the baskets.
# Every item keeps its frequency, but items no longer depend on each other. Among rules with a support of at least 5 %,
# 200 images, the largest lift is then near 1.
#
# **Predict.** What is the largest lift among the shuffled items if a support of 0.1 %, four images, is enough?

# %%
prediction_chance = None

# %%
rng = np.random.default_rng(0)
shuffled = np.stack([rng.permutation(column) for column in items.T], axis=1)
chance = max(rule[4] for rule in mine(shuffled))
rare_chance = max(rule[4] for rule in mine(shuffled, least=0.001))
unseen = baskets(x_val)  # (1000, 49)
new_lifts = []
for items_before, item_after, *_ in by_lift:
    before, after = unseen[:, items_before].prod(1), unseen[:, item_after]  # (1000,)
    new_lifts.append((before * after).mean() / (before.mean() * after.mean()))

# %%
found_lift = np.mean([rule[4] for rule in by_lift])
table(["lift", "value"], [["twenty best rules, where they were found", found_lift],
                          ["the same rules on validation images", np.mean(new_lifts)],
                          ["largest among shuffled items", chance],
                          ["the same, support of 0.1 % is enough", rare_chance]])
score([("largest lift by chance, support 0.1 %", prediction_chance, rare_chance)])

# %% [markdown]
# The rules of large lift hold on new images, where their lift is about the same. With at least 5 % support chance makes
# nothing like them. With a support of four images it does: a large lift in few images may be chance.

# %%
claim("lift", "Mean lift, on validation images, of the twenty rules of largest lift",
      np.mean(new_lifts), at_least=2,
      baseline=f"on the images they were found on {found_lift:.2f}; "
               f"largest among shuffled pixels {chance:.2f}")

# %%
enough = 0.05
by_luck = max(mine(shuffled, enough), key=lambda rule: rule[4])
print(f"support of {enough}: largest lift among shuffled items {by_luck[4]:.2f}")

# %%
try_it("Change `enough = 0.05` to `enough = 0.005`, 20 images, and run that cell again. "
       "What is the largest lift among the shuffled items?", None,
       max(lift for *_, lift in mine(shuffled, 0.005)), changed=enough == 0.005,
       says="The fewer images a rule rests on, the larger the lift that chance can make.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 3 · Topics: the other LDA
#
# **Latent Dirichlet allocation** comes from the study of texts. A text is a mixture of **topics**; its **topic
# proportions** say how much of each. A topic is a distribution over words. To write a word, choose a topic at random by
# the topic proportions of the text, then a word at random from the topic. The method sees the words of many texts and
# finds the topics and the proportions. (Linear discriminant analysis, the other LDA, needs labels; see unit
# [01ya](01ya_directions.ipynb). This one uses none.)
#
# The name: *latent* means that topics and proportions are not observed. *Dirichlet* is the prior of the topic
# proportions. With its parameter below 1 (here 0.1) it prefers few topics in each image. *Allocation* means that each
# word is given to a topic.
#
# Here a text is an image and a word is a pixel. The grey level, in eighths, says how often the word occurs (`counts` in
# the code): a pixel of grey level 5/8 is a word that occurs five times.

# %%
diagrams.flow({"theta": (0, 0, "topic proportions\nof the image", plots.SKY),
               "t": (1.3, 0, "choose\na topic", plots.YELLOW),
               "w": (2.6, 0, "choose a pixel\nfrom the topic", plots.ORANGE),
               "x": (1.95, -1, "one eighth\nof grey there", plots.GREEN)},
              {("theta", "t"): "", ("t", "w"): "", ("w", "x"): "",
               ("x", "t"): "next eighth"}, size=(9, 2.8));

# %% [markdown]
# The diagram shows how the model makes an image; training goes the opposite way, from the
# image to the topics and their proportions.
#
# Give each image its main topic. We compare these ten groups with the classes, by the normalised mutual information
# (**NMI**): the information that the group gives about the class, divided by the mean of both entropies. It is 1 if the
# groups are exactly the classes, and near 0 for random groups. For comparison, ten clusters by k-means:

# %%
clusters = KMeans(10, n_init=5, random_state=0).fit_predict(x[:2000])
kmeans_nmi = normalized_mutual_info_score(y[:2000], clusters)
print(f"NMI of k-means with the classes: {kmeans_nmi:.2f}")

# %% [markdown]
# **Predict.** By how much does the NMI of the topics differ from that of k-means? (+ for topics that agree better with
# the classes, − for worse.)

# %%
prediction_difference = None

# %%
counts = np.rint(8 * x[:2000])  # (2000, 784), from 0 to 8
model = LatentDirichletAllocation(10, learning_method="online", batch_size=128, max_iter=4,
                                  max_doc_update_iter=30, random_state=0)
proportions = model.fit_transform(counts)  # of each topic in each image, (2000, 10)
topics = model.components_ / model.components_.max(1, keepdims=True)  # (10, 784)
plots.images({"topics": topics}, columns=[f"{100 * s:.0f} %" for s in proportions.mean(0)]);

# %%
topics_nmi = normalized_mutual_info_score(y[:2000], proportions.argmax(1))
print(f"NMI of the main topics with the classes: {topics_nmi:.2f}")
score([("NMI of topics − NMI of k-means", prediction_difference, topics_nmi - kmeans_nmi)])

# %% [markdown]
# Each topic is shown with its own brightest pixel as white. Above it stands its mean proportion. Topics are blurred
# shapes that many images share, but they are not classes. k-means was made to put an image into one group; topics were
# not. They can only be *added*, as ink can. Here are three images as such sums:

# %%
ink = counts[:3].sum(1, keepdims=True) / 8  # (3, 1)
words = model.components_ / model.components_.sum(1, keepdims=True)  # p(pixel | topic)
rows = {}
for j in range(3):
    parts = ink[j] * proportions[j][:, None] * words  # (10, 784)
    largest = proportions[j].argsort()[::-1][:3]
    rows["/".join(f"{100 * s:.0f}" for s in proportions[j][largest]) + " %"] = np.stack(
        [x[j], *parts[largest], parts.sum(0)])
plots.images(rows, columns=["image", "largest", "2nd", "3rd", "all ten"], zoom=1.1,
             limits=(0, 0.6));

# %% [markdown]
# Each row: an image, its three largest topics, each as strong as its proportion (left, in per cent), and the sum of all
# ten, all on one scale with white at 0.6. The sums are poor: strokes and loops are lost, and a sum can look like
# another digit. Ten topics that can only be added are too few to describe each image.

# %%
claim("topics", "NMI of the main topics with the classes", topics_nmi, at_least=0.2,
      baseline=f"k-means {kmeans_nmi:.2f}")

# %% [markdown]
# Do more topics describe the images better? The squared error of the sums, compared with that of the mean image, tells:

# %%
def explained(n_topics):
    """Return how much of the images' variance the sums of topics explain, in %."""
    lda = LatentDirichletAllocation(n_topics, learning_method="online", batch_size=128,
                                    max_iter=4, max_doc_update_iter=30, random_state=0)
    mixture = lda.fit_transform(counts) @ (lda.components_
                                           / lda.components_.sum(1, keepdims=True))
    sums = counts.sum(1, keepdims=True) * mixture  # (2000, 784), on the scale of counts
    return 100 * (1 - ((sums - counts) ** 2).sum() / ((counts - counts.mean(0)) ** 2).sum())


n_topics = 10
print(f"{n_topics} topics explain {explained(n_topics):.0f} % of the variance")

# %%
try_it("Change `n_topics = 10` to `n_topics = 40` and run that cell again. What percentage "
       "of the variance do they explain?", None, explained(40), changed=n_topics == 40,
       says="With four times as many topics the sums are still blurred.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Confidence says how often a rule is right, lift how much it tells. A rule with a conclusion that holds anyway has a
#   high confidence and a lift near 1.
# - Among thousands of rules of small support some look good by chance. Shuffle to see how good, and test them on new
#   images.
# - Latent Dirichlet allocation describes an image as a mixture of topics. It uses no labels.
# - All methods of the units 01x to 01zb work on given pixels or given distances. The rest of the course learns its
#   features.
#
# **Your turn:** this extra has no lab. Find the rules for the images of one class, and compare two classes.
# **Next:** [lesson 02](02_autoencoder.ipynb) builds a network that finds its own description of a digit.
#
# ### Papers
# - R. Agrawal, T. Imieliński, A. Swami (1993). *Mining association rules between sets of items in large databases.*
#   SIGMOD, 207–216.
# - R. Agrawal, R. Srikant (1994). *Fast algorithms for mining association rules.* VLDB, 487–499. (Apriori.)
# - D. M. Blei, A. Y. Ng, M. I. Jordan (2003). *Latent Dirichlet allocation.* Journal of Machine Learning Research 3,
#   993–1022.
