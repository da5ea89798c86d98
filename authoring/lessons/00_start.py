# %% [markdown]
# # 00 · Start here
#
# **Promise.** You will know that your computer runs this course, what its data look like, and how lessons, labs and checks
# work.
#
# **After this unit you can** run a cell, predict, try something out, and read a check.
#
# **Before it:** a little Python. **Time:** about {minutes} minutes; the cells run in less than 20 seconds on two cores. The
# first run downloads the images (11 MB).
#
# ## 1 · Does it run?
#
# First, look at the path of this notebook. It should begin with `work/`: there you work on **your own copies**. The
# command `python -m aecourse lab` makes them and never overwrites them. The folder `notebooks/` is for reading only.
#
# Click into the next cell and press **Shift + Enter**.

# %%
import torch

from aecourse import data, devices, diagrams, metrics, plots
from aecourse.check import lab02 as check
from aecourse.claims import Claims, score, try_it

plots.use_style()
digits = data.load()
claim = Claims("00", digits.name)
print(f"torch {torch.__version__} on {devices.describe()}")
digits

# %% [markdown]
# The last line names the data set. If nothing runs, open a terminal in the course's folder and type
# `python -m aecourse doctor`.

# %%
try_it("How many training images are there? Type the number, without a comma, in place of "
       "None, and run this cell again.", None, len(digits.x_train),
       hint="It stands in the last line above.")

# %% [markdown]
# ## 2 · How a lesson works
#
# **MNIST** is a set of 70,000 handwritten digits of 28 × 28 pixels. The course also has built-in digits, *strokes*, which
# need no download.

# %%
ten = {name: d.x_test[plots.first_of_each(d.y_test)]
       for name, d in ((digits.name, digits), ("strokes", data.load("strokes")))}
plots.images(ten);

# %% [markdown]
# The first test image of each class. (With the built-in digits there is one row.) To a network, an image is a list of 784
# numbers, from 0 (black) to 1 (white). What the text says holds for both data sets, unless it names one.
#
# Before an experiment a lesson asks for a prediction. Without one, everything runs all the same.
#
# **Predict.** What percentage of all pixels is exactly 0? Put a number in place of `None`.

# %%
prediction_black = None

# %%
black = 100 * (digits.x_train == 0).float().mean().item()
claim("black pixels", "Pixels that are exactly 0", black, "% of all pixels", at_least=70,
      at_most=90)

# %% [markdown]
# This box is a **claim**: a statement, the number measured in this run, and the bounds that the course promises. You need
# not read the code of a claim. Here are two more:

# %%
ink = digits.x_train[digits.x_train > 0]
grey = 100 * ((ink > 0.05) & (ink < 0.95)).float().mean().item()
claim("grey pixels", "Pixels with ink that are clearly grey, between 0.05 and 0.95", grey,
      "% of pixels with ink", at_least=30)
guessing = 100 * (digits.y_test == digits.y_train.mode().values).float().mean().item()
nearest_mean = metrics.nearest_mean(digits.x_train, digits.y_train, digits.x_test,
                                    digits.y_test)
claim("nearest mean", "Test accuracy of the nearest mean image", nearest_mean, "%",
      at_least=60, baseline=f"always naming the most frequent digit {guessing:.1f}")

# %% [markdown]
# Many texts call these digits black and white. They are not.
#
# The last claim names the digit whose mean image is nearest. For comparison, it shows a **baseline**, a method that is
# simpler still. An accuracy without a baseline tells us little. Where a claim says "5 seeds", the experiment was run with
# five different random numbers. It then shows the mean ± the standard deviation.
#
# ## 3 · How a lab works, and the map
#
# In a **lab** you write code and run a check. An exercise of lab 02 asks how many numbers training changes in a network of
# six layers. You need not know yet what a layer is. Its first layer has 784 × 128 + 128 such numbers. Type this wrong
# answer, `784 * 128 + 128`, in place of `...`, run the cell, and read what the check says.

# %%
check.n_parameters(...)

# %%
# Type check.n_parameters.hint() on the next line, and run this cell.

# %% [markdown]
# A hint goes one step further at each call. `check.n_parameters.solution()` shows a solution.
#
# **The map.** Each box is a lesson. It begins with a core unit, such as 02. Deeper units, such as 02a, go on from there. No
# later core unit needs them; some labs do, and say so.

# %%
diagrams.course();

# %% [markdown]
# Lessons 03, 04 and 05, in yellow, are three branches, best read in this order. From 06 on, in green, probability takes
# over. A lesson that is not in the folder is still being written.
#
# ## 4 · Checkpoint
#
# The last cells of a lesson assert its claims and score your predictions.

# %%
claim.checkpoint()
score([("pixels that are exactly 0 (%)", prediction_black, black)])

# %% [markdown]
# **Next:** [lesson 01, supervised, unsupervised, and what lies between](01_settings.ipynb).
#
# ## 5 · Glossary
#
# Do not read this list now. Look a word up when you meet it. The second column is for readers of Korean.
#
# | English | 한국어 | in one line |
# |---|---|---|
# | autoencoder | 오토인코더 | a network that reconstructs its input from a code; *auto* is Greek for *self*: the input is its own target |
# | encoder, decoder | 인코더, 디코더 | input to code; code to reconstruction |
# | latent vector, latent code | 잠재 벡터, 잠재 코드 | the numbers between encoder and decoder |
# | latent space | 잠재 공간 | all possible codes |
# | latent dimension | 잠재 차원 | how many numbers a code has |
# | bottleneck | 병목 | the narrow layer that keeps the network from copying |
# | reconstruction | 복원 | what the decoder makes of the code |
# | manifold | 매니폴드 (다양체) | a curved surface, on or near which the data are assumed to lie |
# | dimensionality reduction | 차원 축소 | describing data with fewer numbers |
# | principal component analysis (PCA) | 주성분 분석 | the linear code with the smallest squared error |
# | supervised learning | 지도 학습 | learning from labels |
# | unsupervised learning | 비지도 학습 | learning without labels |
# | semi-supervised learning | 준지도 학습 | few labels, many images |
# | self-supervised learning | 자기지도 학습 | the data are their own labels |
# | loss function | 손실 함수 | the number that training makes small |
# | cross-entropy | 교차 엔트로피 | a loss for classes: $-\log$ of the probability of the true label |
# | epoch | 에폭 | one pass through all training images |
# | initialisation | 초기화 | the weights before training |
# | back-propagation | 역전파 | how the loss's gradient reaches every weight |
# | overfitting | 과적합 | memorising the training images |
# | linear probe | 선형 프로브 | a linear classifier that reads the class from a code: what is the code worth? |
# | logit | 로짓 | the number from which the sigmoid or softmax makes a probability |
# | denoising | 잡음 제거 | reconstructing the clean image from a corrupted one |
# | sparse | 희소 | mostly zero |
# | likelihood | 가능도 (우도) | the probability of the data, seen as a function of the weights |
# | maximum likelihood | 최대가능도 추정 | weights under which the data are most probable |
# | maximum a posteriori (MAP) | 최대 사후 확률 추정 | the same with a prior on the weights |
# | nat | 내트 | the unit of $-\log p$ with the natural logarithm; 1 nat = 1.44 bits |
# | prior, posterior | 사전 분포, 사후 분포 | belief before and after seeing the data |
# | posterior mean | 사후 평균 | the mean of all answers, each with its posterior probability |
# | score | 스코어 (점수 함수) | (04) the gradient of a log density: the direction in which the density grows fastest |
# | evidence | 증거 (주변 가능도) | the probability of the data under the whole model, $p(x)$ |
# | variational inference | 변분추론 | finding a posterior by optimisation |
# | ELBO | 증거 하한 (ELBO) | evidence lower bound: what a VAE maximises |
# | KL divergence | 쿨백–라이블러 발산 | how far one distribution is from another |
# | reparameterization trick | 재매개변수화 기법 | noise as a separate input, so that gradients pass through a random sample |
# | variational autoencoder (VAE) | 변분 오토인코더 | an autoencoder whose codes are random, trained to generate data |
# | generative model | 생성 모델 | a model that generates new data |
#
# **Letters.** Most letters mean the same in all lessons. The table says where one does not:
#
# | letter | means |
# |---|---|
# | $x$, $\hat x$, $\tilde x$ | an image, its reconstruction, a corrupted image |
# | $y$ | the class of an image |
# | $a$ | a logit |
# | $p_k$ | the probability of class $k$ |
# | $z$ | the latent code |
# | $\phi$, $\theta$ | the weights of the encoder, the weights of the decoder |
# | $N$, $B$ | the number of images in all, and in a batch |
# | $D$ | the number of pixels (03 and 05: of dimensions) |
# | $k$ | how many numbers a code has (01: the number of a class or cluster; 05: units kept for an image; 06: samples of the bound) |
# | $K$ | how many clusters (01), classes (02), planted features (05) or units of the code (06) there are |
# | $\sigma$ | a standard deviation; the text says of what: of pixels (02), of added noise (04), of a code (06) |
# | $\mu$ | a mean, of a code (06) |
# | $\lambda$, $\beta$ | weights of a penalty (03: $\lambda_k$ is an eigenvalue); from 06 on, $\beta$ is the weight of the KL term |
# | $\alpha$ | a setting of a method, named as its authors name it (01, 01x, 07) |
#
# ### Papers
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). *Gradient-based learning applied to document recognition.*
#   Proceedings of the IEEE 86, 2278–2324. (MNIST)
