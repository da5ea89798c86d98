# %% [markdown]
# # 00 · Start here
#
# **Promise.** You will know that your computer runs this course, what its data look like, and how lessons, labs and checks
# work.
#
# **After this unit you can** run a cell, predict, try something out, and read a check.
#
# **Before it:** a little Python. **Time:** about {minutes} minutes; the cells run in seconds. The first run downloads the
# images (11 MB).
#
# ## 1 · How a lesson works
#
# Hold the mouse over this notebook's tab: its path should begin with `work/`. There are **your own copies**; `notebooks/` is
# for reading only. Click into the next cell and press **Shift + Enter**. If it
# fails, type `python -m aecourse doctor` in a terminal in the course's folder.

# %%
from aecourse import data, diagrams, metrics, plots
from aecourse.check import lab02 as check
from aecourse.claims import Claims, score, try_it

plots.use_style()
digits = data.load()
claim = Claims("00", digits.name)
digits

# %% [markdown]
# This line names the data set, MNIST or the built-in digits, *strokes*.

# %%
plots.images({digits.name: digits.x_test[plots.first_of_each(digits.y_test)]});

# %% [markdown]
# The picture shows the first test image of each class. To a network, an image is 784 numbers, from 0 (black) to 1 (white).
#
# **Predict.** What percentage of all pixels is exactly 0? Put a number in place of `None`. (Cells run without it, too.)

# %%
prediction_black = None

# %%
black = 100 * (digits.x_train == 0).float().mean().item()
print(f"{black:.1f} % of all pixels are exactly 0")

# %%
score([("pixels that are exactly 0 (%)", prediction_black, black)])
claim("black pixels", "Pixels that are exactly 0", black, "% of all pixels", at_least=70,
      at_most=90)
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
# The table scores your prediction. Each box is a **claim**: a statement, the value measured in this run, and the bounds that
# the course promises. You need not read its code. The second claim says that these digits are not black and white. In the
# third, a test image gets the class whose mean training image is nearest. A **baseline** is a simpler method. "5 seeds"
# means five runs, each from another **seed** (the number that starts the random generator); ± is their standard deviation.
#
# Now change a line:

# %%
least = 0.05
ink = digits.x_train[digits.x_train > 0]  # the pixels with ink
clearly = 100 * ((ink > least) & (ink < 1 - least)).float().mean().item()
print(f"{clearly:.1f} % of the pixels with ink lie between {least} and {1 - least}")

# %%
try_it("Set `least = 0.25` above and run the cell. What percentage of the pixels with ink "
       "is it now? Type it in place of None.", None, clearly, changed=least == 0.25)

# %% [markdown]
# ## 2 · How a lab works
#
# In a **lab** you write code and run a check. An exercise of lab 02 asks how many **parameters** (numbers that training
# changes) a network of six layers has. Type the number of its first layer alone, `784 * 128 + 128`, in place of `...`, run
# the cell, and read what the check says.

# %%
check.n_parameters(...)

# %%
# Type check.n_parameters.hint() on the next line, and run this cell.

# %% [markdown]
# Each call gives one hint more. `check.n_parameters.solution()` shows a solution.
#
# ## 3 · Checkpoint, and the map
#
# A lesson's checkpoint asserts its claims. Predictions are scored in their section.

# %%
claim.checkpoint()

# %%
diagrams.course();

# %% [markdown]
# Each box is a lesson, with a core unit, such as 02, and deeper ones, such as 02a. Blue lessons come first. Yellow ones are
# three branches. In the green ones probability takes over. Some are still being written.
#
# **Next:** [lesson 01](01_settings.ipynb).
#
# ## 4 · Glossary
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
# | reparameterisation trick | 재매개변수화 기법 | noise as a separate input, so that gradients pass through a random sample |
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
