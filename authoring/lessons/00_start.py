# %% [markdown]
# # 00 · Start here
#
# **Promise.** In fifteen minutes you know that your computer runs this course, what its data look like, and how lessons,
# labs and checks work.
#
# **After this lesson you can**
# 1. run a cell, read a claim, and answer a question with a prediction;
# 2. say what an image is to a network, and name two baselines that later accuracies stand beside;
# 3. read what a check and a hint say, and know where the solution is;
# 4. find your way on the map of the course.
#
# **Before it:** a little Python. **Time:** 15 minutes to read; all cells together run in less than 20 seconds on two
# cores, and the first run also downloads the images (11 MB). You need not understand the code of this lesson.
#
# ## 1 · Does it run?
#
# Click into the cell below and press **Shift + Enter**. It runs, and the next cell is chosen.

# %%
import platform

import matplotlib.pyplot as plt
import torch

from aecourse import data, devices, plots
from aecourse.claims import Claims, score, table

plots.use_style()
print(f"Python {platform.python_version()}, torch {torch.__version__}")
print(f"device: {devices.describe()}")
digits = data.load()
claim = Claims("00", digits.name)
digits

# %% [markdown]
# You see two versions, the device that trains the networks and the name of a data set: everything is in place. The
# results stored in the course are a CPU's. Another device is chosen by the environment variable `AECOURSE_DEVICE`
# (`cuda`, `mps` or `auto`), set before JupyterLab starts; README shows how a variable is set.
#
# If you see an error instead, run the next cell. It checks this Python and each part of the course, takes up to a
# minute, and names the command that fixes what is wrong. Where the cell above has run to its end, it does nothing.

# %%
import subprocess
import sys

if "claim" not in globals():  # the cell above did not run to its end
    doctor = [sys.executable, "-m", "aecourse", "doctor"]
    found = subprocess.run(doctor, cwd="..", capture_output=True, text=True,
                           errors="replace")
    print(found.stdout, found.stderr)

# %% [markdown]
# If no cell runs at all, ask from a terminal in the course's folder, where `.venv` is the environment that you made:
# `.venv/bin/python -m aecourse doctor`, on Windows `.venv\Scripts\python -m aecourse doctor`. Where the answer says
# `python`, type the same path, so that it is the course's Python.
#
# An error of this course says what is wrong and what to do. Here is one, made on purpose and caught:

# %%
try:
    data.load("mnits")
except data.DataError as error:
    print(error)

# %% [markdown]
# The **stop button** (the square above) ends a training at any time, and with it a whole *Run All Cells*: the network
# keeps what it has learned, and the curve of its loss as `model.history`. The button beside it restarts the kernel,
# the Python that runs the notebook. It then forgets all variables, and you run the cells again from the top.
#
# ## 2 · A first look at the data
#
# **MNIST** holds 70,000 handwritten digits, 28 × 28 pixels each (LeCun and others 1998). The course also brings its
# own digits, called
# **strokes**: they are drawn from pen strokes by the computer and need no network, and the thickness and the slant of
# each are known.

# %%
drawn = data.load("strokes")
rows = {}
for name, images, labels in ((digits.name, digits.x_test, digits.y_test),
                             ("strokes", drawn.x_test, drawn.y_test)):
    for i in range(2):
        which = [(labels == label).nonzero()[i, 0] for label in range(10)]
        rows[f"{name}, {'first' if i == 0 else 'second'}"] = images[torch.stack(which)]
plots.images(rows, columns=[str(label) for label in range(10)]);

# %% [markdown]
# The rows show the first two test images of each class, of the data set in use and of the built-in digits. (If the
# built-in digits are in use, there are two rows in all.) The drawn ones are close to handwriting, but more regular.
# Lessons say which data set a number belongs to. What the text says holds for both; a sentence about one of them
# names it.
#
# To a network an image is a list of 784 numbers, from 0 (black) to 1 (white):

# %%
# NBVAL_CHECK_OUTPUT
print("each image:", digits.x_train.shape[1], "numbers of the type", digits.x_train.dtype)

# %% [markdown]
# Here are the numbers in the middle of the first test image (on MNIST, a 7):

# %%
for row in digits.x_test[0].reshape(28, 28)[8:16, 8:20]:
    print("  ".join(f"{value:.1f}" for value in row))

# %% [markdown]
# Zeros are the background, numbers near one the middle of a stroke, and the numbers between are its soft edge.
#
# ## 3 · How a lesson works
#
# Before a main experiment, a lesson asks you for a **prediction**. Those who commit themselves to an answer learn
# more from the result. Put a number in place of `None`, such as 42, without the sign %. Run on, and compare at the
# end of the lesson. If you leave `None`, everything runs all the same.
#
# **Predict.** What percentage of all pixels is completely black, exactly 0? Answer before you look at the code of the
# cell after next: it holds the bounds of the result.

# %%
prediction_black = None

# %%
black = 100 * (digits.x_train == 0).float().mean().item()
claim("black pixels", "Pixels that are exactly 0", black, "% of all pixels", at_least=70,
      at_most=90)

# %% [markdown]
# The box is a **claim**: a statement, the number that this very run measured, and the bound that the course promises.
# Results stand only in such boxes and in tables, never in the text.
#
# ### A common belief, checked
#
# > "The images of the digits are black and white."
#
# If that were so, a pixel would be either 0 or 1. Look only at pixels with ink:

# %%
ink = digits.x_train[digits.x_train > 0]
figure, axis = plt.subplots(figsize=(5.5, 2.6))
axis.hist(ink[:1_000_000].numpy(), bins=50, color=plots.BLUE)
axis.set(xlabel="grey level of a pixel with ink", ylabel="pixels", yscale="log")
grey = 100 * ((ink > 0.05) & (ink < 0.95)).float().mean().item()
claim("grey pixels", "Pixels with ink that are clearly grey, between 0.05 and 0.95", grey,
      "% of pixels with ink", at_least=30)

# %% [markdown]
# The bars cover the whole range of greys, with a peak at white: the belief is false. It matters in lesson 02, where a
# loss is derived for pixels that are black or white.
#
# ### Two baselines
#
# A result means little alone. How well can a very simple rule name the digit? **Guessing** always names the most
# frequent class. The **nearest mean** compares an image with the ten mean images and names the
# nearest.

# %%
frequent = digits.y_train.bincount().argmax()
guessing = 100 * (digits.y_test == frequent).float().mean().item()
x, y = digits.x_train, digits.y_train
means = torch.stack([x[y == label].mean(0) for label in range(10)])
nearest = torch.cdist(digits.x_test, means).argmin(1)
nearest_mean = 100 * (nearest == digits.y_test).float().mean().item()
table(["baseline", "test accuracy (%)"],
      [["guessing", guessing], ["nearest mean", nearest_mean]])

# %%
plots.images({"mean images": means}, columns=[str(label) for label in range(10)]);

# %% [markdown]
# The ten mean images look like digits through frosted glass, and comparing with them is far better than guessing. An
# accuracy without a baseline tells us little.

# %%
claim("nearest mean", "Test accuracy of the nearest mean image", nearest_mean, "%",
      at_least=60, baseline=f"guessing {guessing:.1f}")

# %% [markdown]
# ## 4 · How a lab works
#
# After a lesson comes its **lab**: you write the piece that the lesson was about, and run the check below it. A check
# has three answers: *correct*, *incorrect* with the kind of mistake it sees, and *not attempted*. The next cell gives
# one a wrong number on purpose. Its exercise asks how many numbers training can change in an autoencoder.

# %%
from aecourse.check import lab02 as check

check.n_parameters(784 * 128 + 128 * 64 + 64 * 32)

# %%
check.n_parameters.hint()

# %% [markdown]
# `check.NAME.hint()` goes one step further at each call, and `check.NAME.solution()` shows a solution and why it is
# so. The line `NAME_ok = check.use(NAME)` in a lab takes your answer if it is right and the course's own if it is not,
# so you can always go on. Your copies of lessons and labs lie in the folder `work/`, the lessons without outputs; no
# command of the course ever overwrites them. The lessons as they were run by their authors stay in `notebooks/`, to
# be read.
#
# ## 5 · The map

# %%
steps = {"00": ("start here", 0, 1), "01": ("supervised to\nunsupervised", 1, 1),
         "01x": ("a zoo of\nmethods (extra)", 1, 0),
         "02": ("the\nautoencoder", 2, 1), "03": ("manifolds\nand PCA", 3, 2),
         "04": ("denoising", 3, 1), "05": ("sparse\ncodes", 3, 0),
         "06": ("the VAE\nand its ELBO", 4, 1), "07": ("semi-\nsupervised", 5, 1),
         "08": ("stacked", 6, 2), "09": ("semantic\nhashing", 6, 1),
         "10": ("generative\nfamily", 6, 0)}
arrows = "00-01 01-02 02-03 02-04 02-05 03-06 04-06 05-06 06-07 07-08 07-09 07-10".split()
figure, axis = plt.subplots(figsize=(10.5, 3.2))
for arrow in arrows:
    (_, xa, ya), (_, xb, yb) = (steps[end] for end in arrow.split("-"))
    axis.annotate("", (xb - 0.4, yb), (xa + 0.4, ya), arrowprops={"arrowstyle": "->"})
for number, (title, column, row) in steps.items():
    colour = [plots.SKY] * 3 + [plots.YELLOW] + [plots.ORANGE] * 3
    box = {"boxstyle": "round", "facecolor": colour[column], "alpha": 0.6}
    axis.text(column, row, f"{number}\n{title}", ha="center", va="center", fontsize=9,
              bbox=box)
axis.set(xlim=(-0.5, 6.5), ylim=(-0.6, 2.6))
axis.set_axis_off()

# %% [markdown]
# From left to right: the blue lessons lead to the autoencoder. The yellow ones, 03 to 05, ask what a code should look
# like, in three branches that are best read in this order. From 06 on, in orange, probability takes over. Nothing
# needs the extra 01x. A lesson that is not in the folder yet is being written.
#
# **Why "auto"?** From the Greek word for *self*: the network is trained to give back its own input. The target of the
# training is the input itself, so nobody has to write a label.
#
# ## 6 · Glossary
#
# You need not read it now: look a word up when you meet it. The second column is for readers of Korean.
#
# | English | 한국어 | in one line |
# |---|---|---|
# | autoencoder | 오토인코더 | a network that rebuilds its input through a code |
# | encoder, decoder | 인코더, 디코더 | input to code; code to reconstruction |
# | latent vector, latent code | 잠재 벡터, 잠재 코드 | the numbers between encoder and decoder |
# | latent space | 잠재 공간 | all possible codes |
# | bottleneck | 병목 | the narrow layer that keeps the network from copying |
# | reconstruction | 복원 | what the decoder draws from the code |
# | manifold | 매니폴드 (다양체) | the curved surface near which the data lie |
# | dimensionality reduction | 차원 축소 | describing data with fewer numbers |
# | principal component analysis (PCA) | 주성분 분석 | the best flat, linear code for squared error |
# | supervised learning | 지도 학습 | learning from labels |
# | unsupervised learning | 비지도 학습 | learning without labels |
# | semi-supervised learning | 준지도 학습 | few labels, many images |
# | self-supervised learning | 자기지도 학습 | the data are their own labels |
# | loss function | 손실 함수 | the number that training makes small |
# | back-propagation | 역전파 | how the loss's gradient reaches every weight |
# | overfitting | 과적합 | learning the training images by heart |
# | linear probe | 선형 프로브 | a linear classifier that reads the class from a code: what is the code worth? |
# | logit | 로짓 | any real number; the sigmoid or softmax turns it into a probability |
# | denoising | 잡음 제거 | rebuilding the clean image from a damaged one |
# | sparse | 희소 | mostly zero |
# | likelihood | 가능도 (우도) | the probability of the data, seen as a function of the weights |
# | maximum likelihood | 최대가능도 추정 | weights under which the data are most probable |
# | maximum a posteriori (MAP) | 최대 사후 확률 추정 | the same with a prior on the weights |
# | nat | 내트 | the unit of $-\log p$ with the natural logarithm; 1 nat = 1.44 bits |
# | prior, posterior | 사전 분포, 사후 분포 | belief before and after seeing the data |
# | posterior mean | 사후 평균 | the mean of all answers, each with its posterior probability |
# | score | 스코어 (점수 함수) | the gradient of a log density: the direction in which the density grows fastest |
# | evidence | 증거 (주변 가능도) | the probability of the data under the whole model, $p(x)$ |
# | variational inference | 변분추론 | finding a posterior by optimisation |
# | ELBO | 증거 하한 (ELBO) | evidence lower bound: what a VAE maximises |
# | KL divergence | 쿨백–라이블러 발산 | how far one distribution is from another |
# | reparameterization trick | 재매개변수화 기법 | noise from outside, so that gradients pass a random draw |
# | generative model | 생성 모델 | a model that draws new data |
#
# **Letters.** Most letters mean the same in all lessons. The table says where one does not:
#
# | letter | means |
# |---|---|
# | $x$, $\hat x$, $\tilde x$ | an image, its reconstruction, a damaged image |
# | $y$ | the class of an image |
# | $z$ | the latent code |
# | $\phi$, $\theta$ | the weights of the encoder, the weights of the decoder |
# | $N$, $B$ | the number of images in all, and in a batch |
# | $D$ | the number of pixels (03 and 05: of dimensions) |
# | $k$ | how many numbers a code has (05: units kept for an image; 06: samples of the bound) |
# | $K$ | how many clusters (01), classes (02), planted features (05) or units of the code (06) there are |
# | $\sigma$ | a standard deviation; the text says of what: of pixels (02), of added noise (04), of a code (06) |
# | $\mu$ | a mean, of a code (06) |
# | $\lambda$, $\beta$ | weights of a penalty (03: $\lambda_k$ is an eigenvalue); from 06 on, $\beta$ is the weight of the KL term |
# | $\alpha$ | a setting of a method, named as its authors name it (01x, 07) |
#
# ## 7 · Checkpoint
#
# The last cells of every lesson assert its claims and score your predictions.

# %%
claim.checkpoint()

# %%
score([("pixels that are exactly 0 (%)", prediction_black, black)])

# %% [markdown]
# | you met | remember |
# |---|---|
# | data | images are 784 numbers from 0 to 1, grey and not black and white |
# | baseline | guessing and the nearest mean come before any network |
# | lesson | predict, run, read the claim |
# | lab | write, check, hint, solution; your copy is safe in `work/` |
#
# **Next:** [lesson 01, supervised, unsupervised, and what lies between](01_settings.ipynb), and its
# [lab](../work/lab01.ipynb) (in `work/` after the first start).
#
# ### Papers
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). *Gradient-based learning applied to document recognition.*
#   Proceedings of the IEEE 86, 2278–2324. (MNIST)
