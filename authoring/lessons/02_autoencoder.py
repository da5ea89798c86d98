# %% [markdown]
# # 02 · The autoencoder
#
# **Promise.** You will build a network that squeezes a handwritten digit into 32 numbers and reconstructs it from
# them, train it with a loop of your own, and know how good it is and why it does not copy its input.
#
# **After this unit you can** write an encoder, a decoder and their training loop; judge a reconstruction against two
# baselines; say what keeps an autoencoder from copying; say what a larger code brings, and measure it.
#
# **Before it:** lesson 01 (linear layers, gradient descent, training, validation and test images).
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

from aecourse import data, diagrams, metrics, plots
from aecourse.claims import Claims, say, score, table, try_it
from aecourse.models import PCA
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("02", digits.name)

# %%
diagrams.layers([784, 128, 64, 32, 64, 128, 784],
                {0: "image $x$", 3: "code $z$", 6: "reconstruction $\\hat x$"},
                {"encoder": (0, 3), "decoder": (3, 6)});

# %% [markdown]
# This is the network of this unit. Bars are layers, the numbers below are their widths (the bars are not to scale). An
# image enters as 784 grey levels. In the middle only 32 numbers are left.
#
# ## 1 · A network with a narrow middle
#
# The **encoder** maps an image $x$ to a short list of numbers, the **latent code** $z$. The **decoder** sees only $z$
# and has to reconstruct the image; its output is the **reconstruction** $\hat x$. The whole network is trained to
# make $\hat x$ similar to $x$. No labels are needed, since the image is its own target. That is the *auto* in
# autoencoder.
#
# We set some training images aside as *validation* images, on which settings may be chosen. The test images are for
# measuring only. (The built-in digits, which take MNIST's place without a network, are fewer; so they get `more` epochs.)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]  # images (N, 784), labels (N,)
x_val = digits.x_train[valid]
x_test, y_test = digits.x_test, digits.y_test
ten = plots.first_of_each(y_test)  # the position of the first test image of each class
more = 3 if digits.name == "strokes" else 1

# %% [markdown]
# The encoder has three linear layers, 784 → 128 → 64 → 32, and the decoder mirrors them. Between two linear layers
# there is a ReLU; without it, two linear layers are one linear layer. There is none after the code and none after the
# output, so both can take any value.

# %%
class Autoencoder(nn.Module):
    def __init__(self, code=32):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(784, 128), nn.ReLU(),
            nn.Linear(128, 64), nn.ReLU(),
            nn.Linear(64, code))
        self.decoder = nn.Sequential(
            nn.Linear(code, 64), nn.ReLU(),
            nn.Linear(64, 128), nn.ReLU(),
            nn.Linear(128, 784))

    def encode(self, x):
        return self.encoder(x)  # (B, 784) → (B, code)

    def decode(self, z):
        return self.decoder(z)  # (B, code) → (B, 784)

    def forward(self, x):
        return self.decode(self.encode(x))

# %%
# NBVAL_CHECK_OUTPUT
with seeded(0):  # the same initialisation at every run
    untrained = Autoencoder()
z = untrained.encode(x[:5])
print("images", tuple(x[:5].shape), "→ codes", tuple(z.shape))
print("→ reconstructions", tuple(untrained.decode(z).shape))

# %%
try_it("How many weights and biases does the layer `nn.Linear(784, 128)` have? Compute it, "
       "and type the number in place of None.",
       None, sum(p.numel() for p in untrained.encoder[0].parameters()),
       hint="Each of the 128 outputs has a weight for each input, and one bias.")

# %% [markdown]
# ## 2 · Training, first by hand
#
# The loss of one image is the squared distance between the image and its reconstruction:
#
# $$\ell(x) = \lVert x - \hat x \rVert^2 = \sum_{i=1}^{784} (x_i - \hat x_i)^2 .$$
#
# It is **one number per image**; only the last step averages over the batch. One epoch goes through all training images
# once, in random order. For each batch of 256 images, the loop reconstructs, computes the loss, back-propagates, and
# takes one step of Adam.

# %%
with seeded(0):
    net = Autoencoder()
optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
total = 0.0
for index in order.split(256):  # the positions of 256 images
    batch = x[index]  # (256, 784)
    loss = (net(batch) - batch).square().sum(1)  # (256,): one number per image
    optimiser.zero_grad()  # forget the gradient of the last batch
    loss.mean().backward()  # back-propagation of the mean over the batch
    optimiser.step()
    total += loss.sum().item()
print(f"squared error per image, mean over the epoch: {total / len(x):.1f}")

# %% [markdown]
# Is that good? A number says little without a **baseline**. The simplest method always gives the mean of all training
# images:

# %%
mean_image = x.mean(0)  # (784,)
error_of_mean = (x_test - mean_image).square().sum(1).mean().item()
print(f"squared error per image, mean image: {error_of_mean:.1f}")

# %%
say(f"Over its first epoch the network is on average "
    f"{'better' if total / len(x) < error_of_mean else 'worse'} than the mean image.")

# %% [markdown]
# ### Longer training with `fit`
#
# `fit`, from lesson 01, is this loop for several epochs. Its second argument is a tuple of tensors, here only the
# images, `(x,)`. Its third is a function that gets the model, the tensors of one batch, and `step`, which tells how far
# the training has come (few losses need it). It returns one number per image, under a name of your choice. After each
# epoch `fit` measures the loss on the validation images, and with `one_cycle` it raises and then lowers the learning
# rate.
#
# **Predict.** The mean image has the error printed above. Which squared error per image will the autoencoder reach on
# test images after six epochs, with 32 numbers in place of 784?

# %%
prediction_error = None

# %%
def squared_error(model, x, step):
    return {"squared error": (model(x) - x).square().sum(1)}  # (B,)


with seeded(0):
    model = Autoencoder()
history = fit(model, (x,), squared_error, epochs=6 * more, lr=1e-2, one_cycle=True,
              held_out=(x_val,))

# %%
axis = plots.curves(history, unit="squared error per image")
axis.axhline(error_of_mean, color="grey", linestyle=":", label="mean image")
axis.set_ylim(bottom=0)
axis.legend(frameon=False);

# %% [markdown]
# The loss falls fast at first and flattens as the learning rate goes to zero. In the first epoch the training loss is larger
# than the validation loss (*held out*), since it is a mean over the epoch, while the weights still improve. At the
# last epoch the two are close, so the network has not begun to memorise single images.
#
# ### The second baseline: PCA
#
# Principal component analysis (PCA) also maps an image to 32 numbers and back. It is *linear*, and among all linear
# methods it has the smallest squared error on the images that it is fitted to (lesson 03). `pca.error(x_test, k)` is its
# mean error with `k` numbers.

# %%
pca = PCA(x)
error_of_model = metrics.reconstruction_error(model, x_test)  # mean over the images
table(["method", "squared error per test image"],
      [["mean image", error_of_mean], ["PCA, 32 numbers", pca.error(x_test, 32)],
       ["autoencoder, 32 numbers", error_of_model]])

# %%
with torch.no_grad():
    x_hat = model(x_test[ten])
    x_pca = pca.decode(pca.encode(x_test[ten], 32))
plots.images({"original": x_test[ten], "autoencoder": x_hat, "PCA": x_pca,
              "error, autoencoder": (x_hat - x_test[ten]).abs(),
              "error, PCA": (x_pca - x_test[ten]).abs()});

# %% [markdown]
# All rows have the same grey scale, from 0 (black) to 1 (white). The last two rows show the absolute errors. Both
# methods err most along the edges of the strokes, where the grey levels change fast.

# %%
claim("32 numbers", "Squared error per test image with a 32-dimensional code",
      error_of_model, "squared grey levels", at_most=pca.error(x_test, 32),
      baseline=f"PCA {pca.error(x_test, 32):.2f}, mean image {error_of_mean:.1f}")

# %% [markdown]
# ## 3 · Why does it not copy?
#
# A network that returns its input has the loss 0 and has learned nothing. What prevents this here is the
# **bottleneck**: a smooth network cannot pass 784 independent pixels through 32 numbers. To see it work, we train two small linear autoencoders on patches
# of 8 × 8 = 64 pixels, cut out of digits. One has a code of 8 numbers, the other a code of 64, as wide as its input.
# Then each reconstructs two things that it has never seen: patches of other digits, and **noise**, which here means
# the same pixels in random places.

# %%
small = data.patches(x[:5000], 20_000)  # (20000, 64)
unseen = data.patches(x_val, 2000)  # (2000, 64)
places = torch.randperm(unseen.numel(), generator=torch.Generator().manual_seed(1))
noise = unseen.flatten()[places].reshape(unseen.shape)  # the same grey levels, shuffled

# %% [markdown]
# We measure the **share kept**, $1 - \sum\lVert x - \hat x\rVert^2 / \sum\lVert x - \bar x\rVert^2$, where $\bar x$ is the
# mean of the images. It is 1 for a perfect copy, and 0 if every output is the mean image.
#
# **Predict.** Which share of the noise does the wide network keep, from 0 to 1?

# %%
prediction_noise = None

# %%
kept = {}
for width in (8, 64):
    with seeded(0):
        linear = nn.Sequential(nn.Linear(64, width), nn.Linear(width, 64))
    fit(linear, (small,), squared_error, epochs=20, lr=1e-2, one_cycle=True)
    kept[width] = [metrics.share_kept(linear, images) for images in (unseen, noise)]
table(["code", "share kept of digit patches", "share kept of noise"],
      [[f"{width} numbers", *shares] for width, shares in kept.items()])

# %% [markdown]
# Both networks keep most of the digit patches. The wide one keeps nearly all of the noise too: it copies. The narrow one keeps strokes and loses noise, because it spends its 8 numbers on what is typical of digits. **A small reconstruction error alone is no evidence of learning.**
# Lessons 04 and 05 show two other ways to prevent copying: noise at the input, and codes in which few units are
# active.

# %%
claim("copying", "Share of pure noise that a code as wide as its input keeps",
      kept[64][1], at_least=0.9, baseline=f"code of 8 numbers: {kept[8][1]:.2f}")

# %% [markdown]
# ## 4 · The code of one digit
#
# Here is the code of one digit.

# %%
shown = 3  # the digit whose code is drawn
with torch.no_grad():
    codes = model.encode(x_test)  # (N, 32)
z = codes[ten[shown]]
axis = plt.subplots(figsize=(8, 2.2))[1]
axis.bar(range(32), z, color=plots.BLUE)
axis.set(xlabel="unit of the code", ylabel="value", title=f"the code of a {shown}");

# %% [markdown]
# Most of the 32 numbers take part. Such a code is called **distributed**. Does a single unit stand for one property,
# such as the slant? One code cannot tell; unit 02c changes single units.

# %%
try_it("Change `shown = 3` to `shown = 0` and run that cell again. "
       "Which unit has the largest absolute value in the code of the 0? Type its number.",
       None, codes[ten[0]].abs().argmax().item(), changed=shown == 0,
       says="Another digit, another pattern over the same 32 units.")

# %% [markdown]
# ## 5 · How many numbers does a digit need?
#
# Now the same network with codes of 1 to 64 numbers, each trained for three epochs, and PCA with as many numbers.
#
# **Predict.** Which of the two has the smaller error on test images when the code has **64** numbers? Type `"PCA"` or
# `"autoencoder"`, with the quotes.

# %%
prediction_large = None

# %%
sizes = [1, 2, 3, 8, 10, 32, 64]
nets = {}
for k in sizes:
    with seeded(0):
        nets[k] = Autoencoder(k)
    fit(nets[k], (x,), squared_error, epochs=3 * more, lr=1e-2, one_cycle=True)

# %%
ae_errors = [metrics.reconstruction_error(nets[k], x_test) for k in sizes]
pca_errors = [pca.error(x_test, k) for k in sizes]
axis = plt.subplots(figsize=(6, 3.4))[1]
axis.plot(sizes, ae_errors, "o-", label="autoencoder")
axis.plot(sizes, pca_errors, "s--", label="PCA")
axis.axhline(error_of_mean, color="grey", linestyle=":", label="mean image")
plots.log_axes(axis, x=sizes)
axis.set(xlabel="numbers in the code", ylabel="squared error per image", ylim=(0, None))
axis.legend(frameon=False);

# %% tags=["picture-sweep"]
with torch.no_grad():
    rows = {f"code of {k}": nets[k](x_test[ten]) for k in sizes}
plots.images({"original": x_test[ten]} | rows);

# %% [markdown]
# With small codes the autoencoder is far ahead, because a nonlinear decoder can follow the digits where a linear one
# cannot. With larger codes PCA catches up, and with 64 numbers it wins clearly. This holds for *this* network
# after three epochs. With six, in section 2, it beat PCA with 32 numbers; unit 03b trains a wider and deeper one for
# longer. PCA finds its optimum exactly. To choose a size for a task, draw this curve on validation images.
#
# In the pictures, one or two numbers give blurred digits, often of the wrong class. With 32 numbers nearly all can be
# read.

# %%
at = dict(zip(sizes, zip(ae_errors, pca_errors, strict=True), strict=True))
for k in (2, 8):
    claim(f"code of {k}", f"Autoencoder's error relative to PCA's, code of {k} numbers",
          at[k][0] / at[k][1], "times", at_most=0.85,
          baseline=f"PCA {at[k][1]:.1f}, autoencoder {at[k][0]:.1f}")
claim("code of 64", "Autoencoder's error relative to PCA's, code of 64 numbers",
      at[64][0] / at[64][1], "times", at_least=1.1,
      baseline=f"PCA {at[64][1]:.1f}, autoencoder {at[64][0]:.1f}")

# %% [markdown]
# ## 6 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("squared error per test image, 32-dimensional code",
        prediction_error, error_of_model),
       ("share of noise that the wide network keeps", prediction_noise, kept[64][1]),
       ("smaller error with 64 numbers", prediction_large,
        "PCA" if at[64][1] < at[64][0] else "autoencoder")])

# %% [markdown]
# ## 7 · What to keep
#
# - An autoencoder is an encoder and a decoder, trained together to reconstruct the input from a code.
# - The loss is one number per image: the squared error summed over the pixels. It says something only next to
#   baselines, here the mean image and PCA.
# - The bottleneck keeps the network from copying. A code as wide as the input copies even noise.
# - Most units of the code take part in every digit.
# - Small codes gain most from a nonlinear network. For larger ones it needs more width and longer training to beat PCA.
#
# **Your turn:** [lab 02](../work/lab02.ipynb) (your own copy; on the web, the
# [sheet](../exercises/lab02/lab02.ipynb)). It also needs the units [02a](02a_bughunt.ipynb), a bug hunt in a popular
# recipe, and [02b](02b_likelihood.ipynb), which derives the losses from one idea.
#
# **Deeper:** [02c](02c_codes.ipynb) asks what the code knows; [02d](02d_atwork.ipynb) puts autoencoders to work.
# **Next:** [lesson 03](03_manifolds.ipynb) asks why so few numbers are enough for a digit.
#
# ### Papers
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). *Learning representations by back-propagating errors.*
#   Nature 323, 533–536.
# - G. E. Hinton, R. R. Salakhutdinov (2006). *Reducing the dimensionality of data with neural networks.* Science 313,
#   504–507.
