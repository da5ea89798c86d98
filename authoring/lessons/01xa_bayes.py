# %% [markdown]
# # 01xa · Naive Bayes, a model that generates (optional extra)
#
# **Promise.** You will build a classifier by counting white pixels. The same counts can generate new digits, and the
# digits show what the model has learned and what it has not.
#
# **After this unit you can** derive naive Bayes from Bayes' rule; compare the confidence of a classifier with its
# accuracy; test an explanation by changing what it blames; judge a generative model by its samples.
#
# **Before it:** lesson 01, or the words *training*, *validation* and *test images*. No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import numpy as np
import torch
from sklearn.naive_bayes import BernoulliNB, GaussianNB

from aecourse import data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
train, valid = train[:4000], valid[:1000]
mixed = torch.randperm(len(digits.x_test), generator=torch.Generator().manual_seed(0))
test = mixed[:4000]
x, y = digits.x_train[train].numpy(), digits.y_train[train].numpy()  # (4000, 784), (4000,)
x_val, y_val = digits.x_train[valid].numpy(), digits.y_train[valid].numpy()
x_test, y_test = digits.x_test[test].numpy(), digits.y_test[test].numpy()

# %%
binary = x > 0.5  # black or white, (4000, 784)
share_white = np.stack([binary[y == c].mean(0) for c in range(10)])  # (10, 784)
examples = binary[[(y == c).argmax() for c in range(10)]].astype(float)
plots.images({"training images": examples, "share of white": share_white});

# %% [markdown]
# Upper row: a training image of each class, with all pixels made black or white. Lower row: how many of the training
# images of the class are white at each pixel. The brighter, the more. Section 1 needs little more than these ten
# pictures.
#
# ## 1 · Classify by counting
#
# **Naive Bayes** learns how probable it is that pixel $i$ is white in class $y$, $p(x_i \mid y)$. It treats pixels as
# if they were independent given the class, so the probability of an image is a product:

# %%
diagrams.flow({"y": (0, 0, "class y", plots.SKY),
               "x1": (2, 1, "pixel 1: white or black?", plots.ORANGE),
               "x2": (2, 0, "pixel 2: white or black?", plots.ORANGE),
               "x784": (2, -1, "… pixel 784", plots.ORANGE)},
              {("y", "x1"): "", ("y", "x2"): "", ("y", "x784"): ""}, size=(7, 2.6));

# %% [markdown]
# The arrows go from the class to each pixel, and none goes from one pixel to another. Bayes' rule turns the probability
# of the image into a probability of the class:
#
# $$p(y \mid x) \propto p(y)\, p(x \mid y) = p(y) \prod_{i=1}^{784} p(x_i \mid y).$$
#
# This is the **Bernoulli** version, for pixels that are black or white. To each class we add one imaginary white and
# one imaginary black image. For the test image number 2:

# %%
imaginary = 1  # white images, and as many black ones, added to each class
n = np.bincount(y)  # images of each class, (10,)
white_images = np.stack([binary[y == c].sum(0) for c in range(10)])  # (10, 784)
theta = (white_images + imaginary) / (n + 2 * imaginary)[:, None]  # p(white | class)
image = x_test[2] > 0.5  # (784,)
with np.errstate(divide="ignore"):  # log 0 is −∞
    log_joint = np.log(n / len(y)) + np.log(np.where(image, theta, 1 - theta)).sum(1)
print("most probable class", log_joint.argmax(), "  truth", y_test[2])
print("classes of probability zero:", np.isneginf(log_joint).sum())

# %% [markdown]
# The logarithm turns the product into a sum. What are the imaginary images for?

# %%
ruled_out = 0
for c in range(10):
    never, always = ~binary[y == c].any(0), binary[y == c].all(0)  # pixels, (784,)
    ruled_out += int((image & never).any() or (~image & always).any())

try_it("Change `imaginary = 1` to `imaginary = 0` and run the cell of naive Bayes by hand "
       "again. How many of the ten classes have the probability zero?", None,
       ruled_out, changed=imaginary == 0,
       says="One pixel that was never white (or never black) in a class rules it out, "
            "whatever the other 783 say.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 2 · Can you trust its probabilities?
#
# `BernoulliNB` does the same for all images, with $\alpha$ imaginary white and $\alpha$ black images, chosen on
# validation images. The **Gaussian** version, `GaussianNB`, works on grey levels and learns a mean and a variance of
# each pixel in each class. (On the test images we only measure the model that the validation images chose.)

# %%
def choose(models):
    """Return the model with the best validation accuracy, and its test accuracy (%)."""
    best = max([m.fit(x, y) for m in models], key=lambda m: m.score(x_val, y_val))
    return best, 100 * best.score(x_test, y_test)


bernoulli, bernoulli_accuracy = choose(
    [BernoulliNB(alpha=alpha, binarize=0.5) for alpha in (1e-4, 1e-3, 1e-2, 0.1, 1.0)])
gaussian, gaussian_accuracy = choose(
    [GaussianNB(var_smoothing=s) for s in (1e-9, 1e-3, 1e-2, 0.1, 1.0)])
by_default = 100 * GaussianNB().fit(x, y).score(x_test, y_test)
table(["naive Bayes", "smoothing", "test accuracy (%)"],
      [["Bernoulli", bernoulli.alpha, bernoulli_accuracy],
       ["Gaussian", gaussian.var_smoothing, gaussian_accuracy],
       ["Gaussian, by default", GaussianNB().var_smoothing, by_default]])

# %% [markdown]
# The default of the Gaussian version fails. Many pixels are black in all training images of a class. Their variance
# is zero, and a single grey pixel there makes a class impossible. scikit-learn adds a share of the largest variance to
# all variances. Its default share is tiny; the validation images ask for far more.
#
# The probability that a classifier gives to the class that it answers is its **confidence**. If the probabilities can
# be trusted, a classifier with a mean confidence of 90 % is right in 90 % of the cases.
#
# **Predict.** By how many points is the mean confidence of Bernoulli naive Bayes larger than its accuracy? (Type 0 if
# you trust it, a negative number if you think that it is too modest.)

# %%
prediction_excess = None

# %%
confidence = 100 * bernoulli.predict_proba(x_test).max(1).mean()
print(f"right {bernoulli_accuracy:.1f} %, mean confidence {confidence:.1f} %")
score([("mean confidence − accuracy (points)", prediction_excess,
        confidence - bernoulli_accuracy)])

# %%
claim("Gaussian naive Bayes", "Gain of Gaussian naive Bayes from a chosen smoothing",
      gaussian_accuracy - by_default, "points of test accuracy", at_least=10,
      baseline=f"{gaussian_accuracy:.1f} % with {gaussian.var_smoothing:g}, "
               f"{by_default:.1f} % by default; Bernoulli {bernoulli_accuracy:.1f} %")
claim("overconfident", "Mean probability that Bernoulli naive Bayes gives its own answer",
      confidence, "%", at_least=bernoulli_accuracy + 5,
      baseline=f"it is right in {bernoulli_accuracy:.1f} %")

# %% [markdown]
# An explanation: in real images adjacent pixels have nearly the same value, but the model counts each of them as new
# evidence. If that is the cause, the confidence should come closer to the accuracy when the model sees fewer pixels,
# further apart. The next cell gives it every `step`-th pixel of every `step`-th row.

# %%
def thinned(images, step):  # (N, 784) → (N, fewer pixels)
    return images.reshape(-1, 28, 28)[:, step // 2::step, step // 2::step].reshape(
        len(images), -1)


def excess(step):
    """Return the accuracy and the mean confidence − accuracy, in points."""
    model = BernoulliNB(alpha=bernoulli.alpha, binarize=0.5).fit(thinned(x, step), y)
    accuracy = 100 * model.score(thinned(x_test, step), y_test)
    mean_confidence = 100 * model.predict_proba(thinned(x_test, step)).max(1).mean()
    return accuracy, mean_confidence - accuracy


step = 1
print(f"{thinned(x, step).shape[1]} pixels: right {excess(step)[0]:.1f} %, "
      f"confidence − accuracy {excess(step)[1]:.1f} points")

# %%
try_it("Change `step = 1` to `step = 4` and run that cell again. By how many points is "
       "the mean confidence then above the accuracy?", None, excess(4)[1],
       changed=step == 4,
       says="The confidence is nearer to the accuracy, as the explanation says.",
       hint="It is the last number that the cell prints.")

# %% [markdown]
# ## 3 · What has it learned?
#
# Naive Bayes is a **generative model**. It says $p(x \mid y)$, so it can generate images: choose a class, then make
# each pixel white with the probability that the model gives to it, one toss of a biased coin for each pixel.
#
# **Predict.** We generate 1,000 samples, 100 of each class, and let the same naive Bayes classify them. How many of the
# 1,000 will it get wrong?

# %%
prediction_wrong = None

# %%
rng = np.random.default_rng(0)
learned = np.exp(bernoulli.feature_log_prob_)  # p(pixel is white | class), (10, 784)
classes = np.repeat(np.arange(10), 100)  # (1000,)
samples = (rng.random((1000, 784)) < learned[classes]).astype(float)
wrong = int((bernoulli.predict(samples) != classes).sum())
print(f"{wrong} of 1,000 samples are wrong, "
      f"and {100 - bernoulli_accuracy:.1f} % of the test images")
score([("samples that it gets wrong, of 1,000", prediction_wrong, wrong)])

# %%
plots.images({"learned p(white)": learned, "samples": samples[::100],
              "training images": examples});

# %% [markdown]
# First row: the probability of white in each class. Second row: samples. Third row: real images, binarised. The samples
# have the right amount of ink in the right region, but no strokes. The model generates each pixel alone, so a white
# pixel tells it nothing about its neighbour. On images that are as it believes, naive Bayes is hardly ever wrong, and
# may be confident. Real digits are not like that. So it is almost always confident, and far less often right. Do not
# trust its probabilities.

# %%
def neighbour_correlation(images):
    """Correlation of horizontally adjacent pixels, after subtracting their own means."""
    centred = (images - images.mean(0)).reshape(-1, 28, 28)
    left, right = centred[:, :, :-1], centred[:, :, 1:]
    return (left * right).sum() / np.sqrt((left**2).sum() * (right**2).sum())


twos = (x[y == 2] > 0.5).astype(float)
sampled_twos = (rng.random((len(twos), 784)) < learned[2]).astype(float)
claim("independence", "Correlation of adjacent pixels within the class 2, in samples",
      neighbour_correlation(sampled_twos), near=0, within=0.05,
      baseline=f"in real images {neighbour_correlation(twos):.2f}")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Naive Bayes counts how often each pixel is white in each class, and multiplies as if pixels were independent.
# - Without imaginary images (smoothing) one pixel can make a class impossible.
# - A probability that a classifier reports need not be one that you can trust. Naive Bayes counts adjacent pixels as
#   separate evidence, and is overconfident.
# - A generative model can be judged by what it generates.
#
# **Your turn:** this extra has no lab. Fit `BernoulliNB` to the upper halves of the images, and generate upper halves.
# **Deeper:** [01y](01y_linear.ipynb) predicts a number with linear methods. **Next:** [lesson 02](02_autoencoder.ipynb)
# builds a network that finds its own description of a digit.
#
# ### Papers
# - P. Domingos, M. Pazzani (1997). *On the optimality of the simple Bayesian classifier under zero-one loss.* Machine
#   Learning 29, 103–130.
