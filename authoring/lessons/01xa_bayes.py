# %% [markdown]
# # 01xa · Naive Bayes, a model that generates (optional extra)
#
# **Promise.** You will build a classifier by counting white pixels. The same counts can generate new digits, and the
# digits show what the model has learned and what it has not.
#
# **After this unit you can** derive naive Bayes from Bayes' rule; compare the confidence of a classifier with its
# accuracy; test an explanation by changing the supposed cause; judge a generative model by its samples.
#
# **Before it:** lesson 01, or the words *training*, *validation* and *test images*. No later unit needs this one.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores. Where it says **Predict** or
# **Try it**, type your answer in place of `None` and run the cell again.

# %%
import numpy as np
from sklearn.naive_bayes import BernoulliNB, GaussianNB

from aecourse import data, diagrams, plots
from aecourse.claims import Claims, score, table, try_it

plots.use_style()
digits = data.load()
claim = Claims("01x", digits.name)

# %%
# positions of so many images, the same in each run; train and valid do not overlap
train, valid, test = data.three_parts(digits, train=4000, valid=1000, test=4000)
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
# For each class $y$ and each pixel $i$, **naive Bayes** learns the probability $\theta_{yi}$ that the pixel is white. So
# $p(x_i \mid y)$ is $\theta_{yi}$ if pixel $i$ of the image is white, and $1 - \theta_{yi}$ if it is black. Naive Bayes
# treats the pixels as if they were independent once the class is known:

# %%
diagrams.flow({"y": (0, 0, "class y", plots.SKY),
               "x1": (2, 1, "pixel 1: white or black?", plots.ORANGE),
               "x2": (2, 0, "pixel 2: white or black?", plots.ORANGE),
               "x784": (2, -1, "… pixel 784", plots.ORANGE)},
              {("y", "x1"): "", ("y", "x2"): "", ("y", "x784"): ""}, size=(7, 2.6));

# %% [markdown]
# The arrows go from the class to each pixel, and none goes from one pixel to another. So the probability of an image in
# class $y$ is a product, $p(x \mid y) = \prod_{i=1}^{784} p(x_i \mid y)$. Bayes' rule turns it into a probability of the
# class:
#
# $$p(y \mid x) = \frac{p(y)\, p(x \mid y)}{p(x)} = \frac{1}{p(x)}\; p(y) \prod_{i=1}^{784} p(x_i \mid y).$$
#
# $p(x)$ is the same for all classes. We compute $p(y)\,p(x \mid y)$ for each class and divide by their sum, so that the
# ten probabilities add up to one. The logarithm turns the product of 784 factors into a sum.
#
# This is the **Bernoulli** version, for pixels that are black or white. Of the $n_y$ images of class $y$, $w_{yi}$ are
# white at pixel $i$. We add one imaginary white and one imaginary black image to each class, so
# $\theta_{yi} = (w_{yi} + 1) / (n_y + 2)$. For the test image number 2:

# %%
imaginary = 1  # white images, and as many black ones, added to each class
n = np.bincount(y)  # images of each class, (10,)
white_images = np.stack([binary[y == c].sum(0) for c in range(10)])  # (10, 784)
theta = (white_images + imaginary) / (n + 2 * imaginary)[:, None]  # (10, 784)
image = x_test[2] > 0.5  # (784,)
with np.errstate(divide="ignore"):  # log 0 is −∞
    log_joint = np.log(n / len(y)) + np.log(np.where(image, theta, 1 - theta)).sum(1)
probability = np.exp(log_joint - log_joint.max())
probability /= probability.sum()  # p(class | image), (10,)
print("log p(y) p(x | y):", log_joint.round())
print(f"most probable: {log_joint.argmax()}, with {100 * probability.max():.0f} %; "
      f"truth: {y_test[2]}")

# %% [markdown]
# If the class is wrong here, this is not a bug: naive Bayes makes mistakes. Section 2 counts how many, and how confident
# it is.
#
# What are the imaginary images for?

# %%
try_it("Change `imaginary = 1` to `imaginary = 0` and run the cell of naive Bayes by hand "
       "again. How many of the ten classes are now impossible for this image?", None,
       int((np.where(image, white_images, n[:, None] - white_images) == 0).any(1).sum()),
       changed=imaginary == 0, hint="The logarithm of zero is minus infinity.",
       says="One pixel whose value was never seen in a class rules the class out, "
            "whatever the other 783 pixels are.")

# %% [markdown]
# ## 2 · Confidence and accuracy
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
# The default of the Gaussian version is far worse. Many pixels are black in all training images of a class, so their
# variance there is zero. scikit-learn adds a share of the largest variance to all variances. Its default share is tiny,
# and a single grey pixel makes a class almost impossible. Validation accuracy is best with a far larger share.
#
# The probability that a classifier gives to the class that it predicts is its **confidence**. If the probabilities can
# be trusted, a classifier with a mean confidence of 90 % is right in 90 % of the cases.
#
# **Predict.** What is the difference *mean confidence − accuracy* of Bernoulli naive Bayes on the test images, in
# points? It is positive if the confidence is larger, negative if the accuracy is larger.

# %%
prediction_difference = None

# %%
confidence = 100 * bernoulli.predict_proba(x_test).max(1).mean()
print(f"right {bernoulli_accuracy:.1f} %, mean confidence {confidence:.1f} %")
score([("mean confidence − accuracy (points)", prediction_difference,
        confidence - bernoulli_accuracy)])

# %%
claim("Gaussian naive Bayes", "Gain of Gaussian naive Bayes from a chosen smoothing",
      gaussian_accuracy - by_default, "points of test accuracy", at_least=10,
      baseline=f"{gaussian_accuracy:.1f} % with {gaussian.var_smoothing:g}, "
               f"{by_default:.1f} % by default; Bernoulli {bernoulli_accuracy:.1f} %")
claim("overconfident", "Mean confidence of Bernoulli naive Bayes on the test images",
      confidence, "%", at_least=bernoulli_accuracy + 5,
      baseline=f"it is right in {bernoulli_accuracy:.1f} %")

# %% [markdown]
# An explanation: in real images adjacent pixels have nearly the same value, but the model counts each of them as new
# evidence. If that is the cause, confidence and accuracy should be closer to each other with few pixels that are far
# apart. Few pixels alone could do that, too. So the table also has as many pixels that are adjacent.

# %%
def pixels(images, rows, copies=1):  # (N, 784) → (N, fewer): these rows, the same columns
    kept = images.reshape(-1, 28, 28)[:, rows, rows].reshape(len(images), -1)
    return np.repeat(kept, copies, axis=1)  # each pixel so many times


def compare(rows, copies=1):
    """Return the accuracy (%) and the mean confidence − accuracy (points)."""
    model = BernoulliNB(alpha=bernoulli.alpha, binarize=0.5)
    model.fit(pixels(x, rows, copies), y)
    chances = model.predict_proba(pixels(x_test, rows, copies))  # (4000, 10)
    accuracy = 100 * (chances.argmax(1) == y_test).mean()
    return accuracy, 100 * chances.max(1).mean() - accuracy


everything, apart, adjacent = slice(None), slice(2, None, 4), slice(11, 18)
table(["pixels", "accuracy (%)", "confidence − accuracy (points)"],
      [["all 784", *compare(everything)], ["49 far apart", *compare(apart)],
       ["49 adjacent, in the middle", *compare(adjacent)]])

# %% [markdown]
# Far apart, 49 pixels give a far smaller difference than 49 adjacent ones, so not only their number counts. The two sets of
# pixels also differ in what they say about the class, as the accuracies show. The next cell leaves that as it is. It
# takes the 49 pixels that are far apart, and can give each of them to the model several times.

# %%
copies = 1
accuracy, difference = compare(apart, copies)
print(f"{49 * copies} pixels: accuracy {accuracy:.1f} %, "
      f"confidence − accuracy {difference:.1f} points")

# %%
try_it("Change `copies = 1` to `copies = 16` and run that cell again. The model now gets "
       "784 values, as with all pixels. By how many points does the difference grow?", None,
       round(compare(apart, 16)[1], 1) - round(compare(apart)[1], 1), changed=copies == 16,
       says="Copies hold no new information, but the model counts them as new evidence.",
       hint="Subtract the two differences that the cell printed.")

# %%
claim("copied evidence", "Growth of confidence − accuracy with 16 copies of 49 pixels",
      compare(apart, 16)[1] - compare(apart)[1], "points", at_least=10,
      baseline=f"the accuracy changes by {compare(apart, 16)[0] - compare(apart)[0]:+.1f}")

# %% [markdown]
# ## 3 · What has it learned?
#
# Naive Bayes is a **generative model**. It models $p(x \mid y)$, so it can generate images: choose a class, then make
# each pixel white with its probability $\theta_{yi}$, one toss of a biased coin for each pixel.
#
# **Predict.** We generate 1,000 samples, 100 of each class, and let the same naive Bayes classify them. How many of the
# 1,000 will it get wrong?

# %%
prediction_wrong = None

# %%
rng = np.random.default_rng(0)
learned = np.exp(bernoulli.feature_log_prob_)  # theta of section 1, (10, 784)
classes = np.repeat(np.arange(10), 100)  # (1000,)
samples = (rng.random((1000, 784)) < learned[classes]).astype(float)
wrong = int((bernoulli.predict(samples) != classes).sum())
print(f"samples:     {wrong} of 1,000 wrong, mean confidence "
      f"{100 * bernoulli.predict_proba(samples).max(1).mean():.1f} %")
print(f"test images: {100 - bernoulli_accuracy:.1f} % wrong, "
      f"mean confidence {confidence:.1f} %")
score([("samples that it gets wrong, of 1,000", prediction_wrong, wrong)])

# %%
plots.images({"samples": samples[::100], "training images": examples});

# %% [markdown]
# Upper row: samples. Lower row: real images, binarised. The samples have about the right amount of ink in the right
# region, but no strokes. Once the class is chosen, the model generates each pixel alone, so a white pixel says nothing
# about its neighbour. This can be measured with the 2, for example:

# %%
def neighbour_correlation(images):
    """Correlation of horizontally adjacent pixels, after subtracting their own means."""
    centred = (images - images.mean(0)).reshape(-1, 28, 28)
    left, right = centred[:, :, :-1], centred[:, :, 1:]
    return (left * right).sum() / np.sqrt((left**2).sum() * (right**2).sum())


twos = (x[y == 2] > 0.5).astype(float)
sampled_twos = (rng.random((len(twos), 784)) < learned[2]).astype(float)
print(f"correlation of adjacent pixels: real twos {neighbour_correlation(twos):.2f}, "
      f"samples {neighbour_correlation(sampled_twos):.2f}")

# %% [markdown]
# On images that fit the model, its high confidence is justified. Real digits do not fit it, because adjacent pixels
# depend on each other. The confidence stays nearly as high, and the accuracy falls. Do not trust its probabilities. Its most
# probable class can be right all the same (Domingos and Pazzani 1997).

# %%
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
# - The confidence of a classifier can differ from its accuracy. Naive Bayes counts adjacent pixels as separate
#   evidence, and is overconfident.
# - A generative model can be judged by what it generates.
#
# **Your turn:** this extra has no lab. Fit `BernoulliNB` to the upper halves of the images, and generate upper halves.
# Are confidence and accuracy closer to each other with half the pixels?
# **Deeper:** [01y](01y_linear.ipynb) predicts a number with linear methods. **Next:** [lesson 02](02_autoencoder.ipynb)
# builds a network that finds its own description of a digit.
#
# ### Papers
# - P. Domingos, M. Pazzani (1997). *On the optimality of the simple Bayesian classifier under zero-one loss.* Machine
#   Learning 29, 103–130.
