# %% [markdown]
# # 07a · M2: the class as a part of the model
#
# **Promise.** You will derive the loss of a generative model that learns from images with and without a label, check
# each bound where everything can be computed, and write the loss.
#
# **After this unit you can**
# 1. draw the graphical model of M2, and say what is observed and what is hidden;
# 2. derive its two bounds line by line;
# 3. say how classifier and decoder teach each other on images without a label;
# 4. write the loss, with the weight α of the labels.
#
# **Before it:** units 06 (the ELBO) and 07. **Time:** about {minutes} minutes; the cells run in seconds.

# %%
import math

import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import mlp, sample_code
from aecourse.train import seeded

plots.use_style()
digits = data.load()
claim = Claims("07", digits.name)

# %%
axis = diagrams.flow({"y": (0, 1, "class $y$", plots.YELLOW),
                      "z": (0, 0, "code $z$", plots.YELLOW),
                      "x": (1.5, 0.5, "image $x$", plots.SKY),
                      "x2": (3, 0.5, "image $x$", plots.SKY),
                      "y2": (5, 1, "class $y$", plots.YELLOW),
                      "z2": (5, 0, "code $z$", plots.YELLOW)},
                     dict.fromkeys([("y", "x"), ("z", "x"), ("x2", "y2"), ("x2", "z2"),
                                    ("y2", "z2")], ""), size=(10, 2.4))
for column, row, name in ((0.75, 1.5, "the model: $p(y)\\,p(z)\\,p(x|y,z)$"),
                          (4, 1.5, "what is inferred: $q(y|x)\\,q(z|x,y)$"),
                          (3.9, 0.95, "$q(y|x)$"), (3.9, 0.05, "$q(z|x,y)$")):
    axis.text(column, row, name, ha="center", va="center", fontsize=12)

# %% [markdown]
# On the left is a **graphical model**: an arrow from $a$ to $b$ says that the distribution of $b$ depends on $a$. A class
# and a code together generate an image. Blue is observed, yellow is hidden. (For an image with a label the class is
# observed, too.) On the right the arrows are reversed. A **classifier** $q(y|x)$ infers the class, and an encoder
# $q(z|x,y)$ infers the code from the image and the class. So the code's box has arrows from both.
#
# ## 1 · The model, and the bound for an image with a label
#
# M1 learns its codes without the classes. **M2** (Kingma and others 2014) has the class inside the model:
#
# 1. choose a class $y$ of ten, each with probability $p(y) = \tfrac1{10}$;
# 2. sample a code $z$ from $p(z) = \mathcal N(0, I)$, for everything else about the image (slant, stroke width);
# 3. sample the image from $p_\theta(x|y,z)$, the decoder.
#
# For an image *with* a label, $x$ and $y$ are observed and $z$ is hidden. We need $\log p(x, y)$, and proceed as in unit
# 06. The expectation $\mathbb E_q$ is over $z$ from $q(z|x,y)$:
#
# $$\begin{aligned}
# (1)\quad \log p(x, y) &= \log \textstyle\int p(x, y, z)\, dz && \text{the code is hidden} \\
# (2)\quad &= \log \mathbb E_q \big[\, p(x, y, z) / q(z|x,y) \,\big] && \text{multiply and divide by } q \\
# (3)\quad &\ge \mathbb E_q \big[ \log p(x, y, z) - \log q(z|x,y) \big] && \text{Jensen: the logarithm is concave} \\
# (4)\quad &= \mathbb E_q \big[ \log p(x|y,z) + \log p(y) + \log p(z) - \log q(z|x,y) \big] && \text{the model's three factors} \\
# (5)\quad &= \mathbb E_q \log p(x|y,z) + \log p(y) - \mathrm{KL}\big(q(z|x,y) \,\Vert\, p(z)\big) && \log p(y)
# \text{ is constant; definition of KL}
# \end{aligned}$$
#
# The negative of line (5) is the loss of an image with a label (their equation 6):
#
# $$\mathcal L(x, y) = \underbrace{-\mathbb E_q \log p(x|y,z)}_{\text{reconstruction}} \; + \log 10 \; + \;
# \mathrm{KL}\big(q(z|x,y) \,\Vert\, p(z)\big) \;\ge\; -\log p(x, y) .$$
#
# As in unit 06, the gap is $\mathrm{KL}(q(z|x,y) \,\Vert\, p(z|x,y))$. With the exact posterior, it is 0.
#
# ### A model that can be solved
#
# To check this, we take three classes, "images" of three pixels, and a linear-Gaussian decoder with a 2-dimensional code,
# $x = Wz + b_y + \sigma\varepsilon$. Then $p(x|y)$ is a Gaussian with mean $b_y$ and covariance $WW^\top + \sigma^2 I$.
# The exact posterior of $z$ is a Gaussian, too. Its precision (the inverse covariance) is
# $\Lambda = I + W^\top W / \sigma^2$, and its mean $m$ solves $\Lambda m = W^\top (x - b_y) / \sigma^2$. (Unit 06a derives
# both, line by line.)

# %%
sigma = 0.5
W = torch.tensor([[1.2, 0.1], [0.4, -0.9], [-0.5, 0.3]], dtype=torch.double)  # (3, 2)
b = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0.3, 0.2, -1]], dtype=torch.double)  # (3, 3)
image = torch.tensor([0.8, 0.5, -0.4], dtype=torch.double)  # three pixels
covariance = W @ W.T + sigma**2 * torch.eye(3)  # of p(x|y)
precision = torch.eye(2) + W.T @ W / sigma**2  # of p(z|x,y)

# %%
def exact(y):  # log p(x, y)
    return MultivariateNormal(b[y], covariance).log_prob(image) - math.log(3)

# %%
def bound(y, shift=0.0):
    """L(x, y), the mean over samples of q; with a shift, q's mean is not the exact one."""
    mean = torch.linalg.solve(precision, W.T @ (image - b[y]) / sigma**2) + shift
    with seeded(0):
        q = MultivariateNormal(mean, precision_matrix=precision)
        z = q.sample((5000,))  # (5000, 2)
    log_p = (Normal(z @ W.T + b[y], sigma).log_prob(image).sum(1)  # log p(x|y,z)
             - math.log(3) + Normal(0, 1).log_prob(z).sum(1))
    return (q.log_prob(z) - log_p).mean()

# %%
table(["class", "L(x, y), exact posterior", "−log p(x, y)"],
      [[str(y), bound(y).item(), -exact(y).item()] for y in range(3)])

# %% [markdown]
# The two columns agree: with the exact posterior the bound is an equality. The samples are random, and yet there is no
# noise. With the exact posterior $p(x, y, z) / q(z|x,y) = p(x, y)$ for each $z$, so all samples give the same value.

# %%
shift = 0.0  # added to both entries of q's mean
gap = abs(bound(0, shift) + exact(0)).item()
print(f"between L(x, 0) and −log p(x, 0): {gap:.3f} nats")

# %%
try_it("Change `shift = 0.0` to `shift = 0.5`. How many nats lie between L and −log p "
       "now?", None, gap, changed=shift == 0.5,
       says="It is the KL of the shifted q from the exact posterior, up to sampling noise.")

# %% [markdown]
# ## 2 · The bound for an image without a label
#
# Now $y$ and $z$ are both hidden. The approximate posterior is $q(y, z|x) = q(y|x)\, q(z|x,y)$:
#
# $$\begin{aligned}
# (6)\quad \log p(x) &= \log \textstyle\sum_y \int p(x, y, z)\, dz && \text{class and code are hidden} \\
# (7)\quad &= \log \mathbb E_{q(y, z|x)} \big[\, p(x, y, z) / q(y, z|x) \,\big] && \text{multiply and divide by } q \\
# (8)\quad &\ge \mathbb E_{q(y, z|x)} \big[ \log p(x, y, z) - \log q(y, z|x) \big] && \text{Jensen} \\
# (9)\quad &= \textstyle\sum_y q(y|x)\, \mathbb E_{q(z|x,y)} \big[ \log p(x, y, z) - \log q(z|x,y) - \log q(y|x) \big]
#   && \text{the two factors of } q \\
# (10)\quad &= \textstyle\sum_y q(y|x) \big[ -\mathcal L(x, y) - \log q(y|x) \big] && \text{line (3)}
# \end{aligned}$$
#
# The last step: by line (3), $-\mathcal L(x, y)$ is the expectation of $\log p(x, y, z) - \log q(z|x,y)$, and
# $\log q(y|x)$ does not depend on $z$. The negative of line (10) is the loss of an image without a label (their equation 7):
#
# $$\mathcal U(x) = \sum_y q(y|x) \big[ \mathcal L(x, y) + \log q(y|x) \big] \;\ge\; -\log p(x) .$$
#
# (The paper writes $\sum_y q(y|x) \log q(y|x)$ as $-\mathcal H(q(y|x))$, minus the entropy of the classifier.)
#
# ### Who teaches the classifier?
#
# Write $Z = \sum_y e^{-\mathcal L(x, y)}$ and $r(y|x) = e^{-\mathcal L(x, y)} / Z$. The numbers
# $r(y|x)$ are probabilities: positive, with sum 1.
#
# $$\begin{aligned}
# \mathcal U(x) &= \textstyle\sum_y q(y|x) \big[ \log q(y|x) - \log e^{-\mathcal L(x, y)} \big]
#   && \mathcal L = -\log e^{-\mathcal L} \\
# &= \textstyle\sum_y q(y|x) \big[ \log q(y|x) - \log r(y|x) - \log Z \big] && e^{-\mathcal L} = r \cdot Z \\
# &= \textstyle\sum_y q(y|x) \log \frac{q(y|x)}{r(y|x)} \; - \; \log Z && \textstyle\sum_y q(y|x) = 1 \\
# &= \mathrm{KL}\big(q(y|x) \,\Vert\, r(y|x)\big) - \log \textstyle\sum_y e^{-\mathcal L(x, y)} && \text{definitions}
# \end{aligned}$$
#
# The KL is smallest, 0, for $q = r$. And $r$ is Bayes' rule with the bounds $e^{-\mathcal L(x, y)}$ in place of
# $p(x, y)$. So on images without a label **the decoder teaches the classifier**: the class with the smallest
# $\mathcal L$ should get the largest probability. As long as no label says otherwise, a class is a component of a
# mixture for the decoder, and any ten groups of images will do.
#
# And **the classifier teaches the decoder**: the gradient of $\mathcal U$ for the decoder is
# $\sum_y q(y|x)\, \nabla \mathcal L(x, y)$. So the classifier chooses the classes under which the decoder learns this
# image. An undecided classifier shows it each image under all classes alike. Then nothing makes the bounds
# $\mathcal L(x, y)$ of the ten classes differ, and $r$ is nearly uniform. Unit 07ab meets this.
#
# We check with four classifiers on the solvable model. There the bounds are exact, $e^{-\mathcal L(x, y)} = p(x, y)$. So
# $\mathcal U$ minus the KL must be $-\log \sum_y p(x, y) = -\log p(x)$, whatever the classifier.
#
# **Predict.** One classifier gives 0.98 to class 0, the most probable class. Another gives 1/3 to each. Which has the
# smaller $\mathcal U$: `"confident"` or `"undecided"`?

# %%
prediction_opinion = None

# %%
log_joint = torch.stack([exact(y) for y in range(3)])  # (3,)
log_evidence = log_joint.logsumexp(0)  # log p(x)
L = torch.stack([bound(y) for y in range(3)])  # (3,)
bayes = (log_joint - log_evidence).exp()  # (3,): p(y|x)
classifiers = {"Bayes' rule": bayes, "undecided": torch.full((3,), 1 / 3).double(),
               "confident of class 0": torch.tensor([0.98, 0.01, 0.01]).double(),
               "confident of class 2": torch.tensor([0.01, 0.01, 0.98]).double()}

# %%
U, rows, gaps = {}, [], []
for name, q in classifiers.items():
    U[name] = (q * (L + q.log())).sum().item()
    kl = (q * (q / bayes).log()).sum().item()
    rows.append([name, *q.tolist(), U[name], kl, U[name] - kl])
    gaps.append(abs(U[name] - kl + log_evidence.item()))

# %%
table(["q(y|x)", "0", "1", "2", "U(x)", "KL(q, Bayes' rule)", "U − KL"], rows)
score([("smaller U", prediction_opinion,
        "undecided" if U["undecided"] < U["confident of class 0"] else "confident")])

# %% [markdown]
# The last column is $-\log p(x)$ in each row. The classifier is not rewarded for being confident. It is rewarded for
# giving each class its probability.

# %%
claim("M2 bounds", "Largest deviation of U − KL from −log p(x), four classifiers",
      max(gaps), "nats", at_most=1e-6, baseline=f"−log p(x) = {-log_evidence:.4f} nats")

# %%
mine = 0.98  # probability of class 0; the two others share the rest
q = torch.tensor([mine, (1 - mine) / 2, (1 - mine) / 2]).double()
of_mine = (q * (q / bayes).log()).sum().item()
print(f"class 0 with {mine:.3f}: KL from Bayes' rule {of_mine:.4f} nats")

# %%
try_it("Change `mine = 0.98` to `mine = bayes[0].item()`. How many nats of KL remain?",
       None, of_mine, changed=mine != 0.98,
       says="The class has its probability. The rest of the KL is in how the others share.")

# %% [markdown]
# ## 3 · The missing term, and α
#
# Look at $\mathcal L(x, y)$ again. With a label, $q(y|x)$ *does not occur*. No label reaches the classifier directly. So
# the paper adds the cross-entropy of the labelled images (their equations 8 and 9). For $N$ images without a label and
# $N_l$ with one, divided by $N$, the loss is
#
# $$\frac{\mathcal J}{N} = \operatorname*{mean}_{\text{unlabelled}} \mathcal U(x) \; + \; \frac{N_l}{N}
# \operatorname*{mean}_{\text{labelled}} \mathcal L(x, y) \; + \; \alpha \operatorname*{mean}_{\text{labelled}}
# \big[ -\log q(y|x) \big] .$$
#
# **This is the course's α of M2**: the weight of the mean cross-entropy in a loss that is divided by $N$, the number of
# images without a label. (Label spreading has an α of its own.) The same weight in three forms, with the paper's setting,
# 100 labels and $N = 50{,}000$:
#
# | where | what is multiplied | in which loss | weight |
# |---|---|---|---|
# | this course | the mean cross-entropy | $\mathcal J / N$ | $\alpha = 0.1$ |
# | the paper | the mean cross-entropy | $\mathcal J$, a sum over images | $\alpha N = 5000$ |
# | lab 07 | the cross-entropy of *each* labelled image | a sum over images | $\alpha N / N_l = 50$ |

# %%
n_labels = 100
weight = 0.1 * 50_000 / n_labels  # the last row, in the paper's setting
print(f"{n_labels} labels of 50,000 images: each labelled image has the weight {weight:g}")

# %%
try_it("Change `n_labels = 100` to `n_labels = 600`. What is the weight in the last row "
       "of the table now?", None, weight, changed=n_labels == 600,
       says="The weights in the other two rows stay the same.")

# %% [markdown]
# ## 4 · The loss in code
#
# Three networks with one hidden layer each. The class enters as a *one-hot* vector, ten numbers with a 1 at the class.
# Images are binary, so the decoder gives logits of pixels.

# %%
with seeded(0):
    classifier = mlp([784, 256, 10], nn.SiLU)  # q(y|x): logits
    encoder = mlp([784 + 10, 256, 2 * 20], nn.SiLU)  # q(z|x,y): means, log variances
    decoder = mlp([20 + 10, 256, 784], nn.SiLU)  # p(x|y,z): logits
noise = torch.Generator().manual_seed(0)


def labelled_loss(x, y):  # (B, 784), one-hot (B, 10) → (B,)
    mu, logvar = encoder(torch.cat([x, y], 1)).chunk(2, 1)  # (B, 20) each
    z = sample_code(mu, logvar, noise)  # the reparameterised sample
    logits = decoder(torch.cat([z, y], 1))  # (B, 784)
    return (losses.bernoulli_nll(logits, x) + math.log(10)
            + losses.gaussian_kl(mu, logvar))

# %% [markdown]
# For an image without a label, the plain code is a loop over the ten classes:

# %%
def unlabelled_loss(x):  # (B, 784) → (B,)
    log_q = classifier(x).log_softmax(1)  # (B, 10)
    total = 0.0
    for k in range(10):
        y = torch.eye(10)[[k] * len(x)]  # (B, 10): class k for each image
        total = total + log_q[:, k].exp() * (labelled_loss(x, y) + log_q[:, k])
    return total

# %% [markdown]
# **Predict.** The networks are untrained. The decoder gives each of the 784 pixels a probability near ½, and the KL is near
# 0. What is $\mathcal L(x, y)$ for one image, in nats?

# %%
prediction_untrained = None

# %%
noise.manual_seed(0)
batch = data.binarised(digits.x_train[:100], noise)  # (100, 784)
labels = digits.y_train[:100]
with torch.no_grad():
    L_untrained = labelled_loss(batch, torch.eye(10)[labels]).mean().item()
    U_untrained = unlabelled_loss(batch).mean().item()
    log_q = classifier(batch).log_softmax(1)  # (100, 10)
    entropy = -(log_q.exp() * log_q).sum(1).mean().item()
print(f"L = {L_untrained:.1f} nats, U = {U_untrained:.1f} nats, "
      f"entropy of the classifier {entropy:.2f} nats")
score([("L of an untrained model (nats)", prediction_untrained, L_untrained)])

# %% [markdown]
# $784 \log 2 + \log 10$ is almost all of $\mathcal L$. $\mathcal U$ is smaller by about the entropy of the classifier,
# which is nearly $\log 10$: it is undecided. (The samples of the code differ in the two, which adds noise.) Now the
# gradient that a label sends to the classifier:

# %%
L_mean = labelled_loss(batch, torch.eye(10)[labels]).mean()
cross_entropy = nn.functional.cross_entropy(classifier(batch), labels)
loss = L_mean
classifier.zero_grad()  # sets its gradients to None
loss.backward()
gradient = classifier[0].weight.grad  # of the first layer: None, or (256, 784)
size = None if gradient is None else gradient.norm().item()
print("norm of the gradient at the classifier's first layer:", size)

# %%
try_it("Change `loss = L_mean` to `loss = L_mean + 0.1 * cross_entropy`. What is the norm "
       "of the gradient now?", None, size, changed=size is not None,
       says="Now the labels teach the classifier.")

# %% [markdown]
# From $\mathcal L$ alone the classifier gets no gradient, not even a gradient of zeros. A label can then reach it by a
# detour only: it trains the decoder, and the decoder teaches the classifier.
#
# `semi.M2` holds the three networks, and `semi.m2_terms` gives the three terms of $\mathcal J / N$. It computes all ten
# classes at once. The first layer of the encoder is linear in $(x, y)$. So the part of $x$ is computed once, and ten
# vectors are added. The result is the same, in far less time. Unit [07aa](07aa_alpha.ipynb) trains it.
#
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - M2 generates an image from a class and a code. With a label only the code is hidden, without one also the class.
# - $\mathcal L$ is the ELBO of unit 06 for $(x, y)$, with $\log 10$ for the class. $\mathcal U$ is its mean over
#   the classifier's probabilities, minus their entropy.
# - $\mathcal U = \mathrm{KL}(q \,\Vert\, r) - \log \sum_y e^{-\mathcal L}$: on images without a label, the decoder
#   teaches the classifier. And the classifier teaches the decoder: $q(y|x)$ weighs the classes under which the decoder
#   learns an image.
# - Labels reach the classifier directly by the cross-entropy alone, which has the weight α.
#
# **Your turn:** [lab 07](../work/lab07.ipynb) asks for this loss on images. **Next:** [07aa](07aa_alpha.ipynb).
#
# ### Papers
# - D. P. Kingma, D. J. Rezende, S. Mohamed, M. Welling (2014). *Semi-supervised learning with deep generative
#   models.* NeurIPS 27, 3581–3589.
