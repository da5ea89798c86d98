# %% [markdown]
# # 02 · The autoencoder
#
# **Promise.** You will build a network that squeezes a handwritten digit into 32 numbers and reconstructs it from
# them, train it with a loop of your own, and know how good it is and why it does not copy its input.
#
# **After this unit you can** write an encoder, a decoder and their training loop; judge a reconstruction against two
# baselines; say what keeps an autoencoder from copying; measure what a larger latent dimension gains.
#
# **Before it:** lesson 01 (linear layers, gradient descent, training, validation and test images).
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

from aecourse import data, diagrams, metrics, plots
from aecourse.claims import Claims, score, table, try_it
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
# This is the network of this unit. Bars are layers; the numbers below are their widths. An image enters as 784 grey
# levels. In the middle only 32 numbers are left.
#
# ## 1 · A network with a narrow middle
#
# The **encoder** maps an image $x$ to a short list of numbers, the **latent code** $z$. The **decoder** sees only $z$
# and has to reconstruct the image; its output is the **reconstruction** $\hat x$. The whole network is trained to
# make $\hat x$ similar to $x$. No labels are needed, since the image is its own target. That is the *auto* in
# autoencoder.
#
# We set some training images aside as *validation* images, on which settings may be chosen. The test images are for
# measuring only. (The built-in digits, which replace MNIST without an internet connection, are fewer, so they get `more`
# times as many epochs.)

# %%
train, valid = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x, y = digits.x_train[train], digits.y_train[train]  # images (N, 784), labels (N,)
x_val = digits.x_train[valid]
x_test, y_test = digits.x_test, digits.y_test
ten = plots.first_of_each(y_test)  # the position of the first test image of each class
more = 3 if digits.name == "strokes" else 1

# %% [markdown]
# The encoder has three linear layers, 784 → 128 → 64 → 32, and the decoder mirrors them. Between two linear layers
# there is a ReLU; without it, two linear layers are one linear layer. There is no ReLU after the code and none after
# the output, so both can take any value.

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

# %% tags=["nbval-check-output"]
with seeded(0):  # the same initialisation at every run
    untrained = Autoencoder()
z_five = untrained.encode(x[:5])
print("images", tuple(x[:5].shape), "→ codes", tuple(z_five.shape),
      "→ reconstructions", tuple(untrained.decode(z_five).shape))

# %%
try_it("How many weights and biases does `nn.Linear(784, 128)` have? Type the number.",
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
# That is a mean over training images, while the network still learned. Is it good? A number says little without a
# **baseline**. The simplest method always gives the mean of all training images:

# %%
error_of_mean = (x_test - x.mean(0)).square().sum(1).mean().item()  # x.mean(0) is (784,)
print(f"squared error per image, mean image: {error_of_mean:.1f}")

# %% [markdown]
# ### Longer training with `fit`
#
# `fit`, from lesson 01, is this loop for several epochs. It gets a tuple of tensors, here only the images, `(x,)`, and a
# function of the model, the tensors of one batch, and `step` (few losses need it). The function returns one number per
# image, under a name of your choice. After each epoch `fit` measures the loss on the validation images, and with
# `one_cycle` it raises and then lowers the learning rate.
#
# **Predict.** The mean image has the error printed above. What squared error per image will the autoencoder reach on
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
# The loss falls fast at first and flattens as the learning rate goes to zero. In the first epoch the training loss is
# larger than the validation loss (*held out*), since the weights still improve during the epoch. At the last epoch the
# two are close, so the network has not begun to memorise single images.
#
# ### The second baseline: PCA
#
# Principal component analysis (PCA) also maps an image to 32 numbers and back. It is *linear*, and among all linear
# methods it has the smallest squared error on the images that it is fitted to (lesson 03). `pca.error(x_test, k)` is its
# mean error with a `k`-dimensional code.

# %%
pca = PCA(x)
error_of_model = metrics.reconstruction_error(model, x_test)  # mean over the images
table(["method", "squared error per test image"],
      [["mean image", error_of_mean], ["PCA, 32 dimensions", pca.error(x_test, 32)],
       ["autoencoder, 32 dimensions", error_of_model]])

# %%
with torch.no_grad():
    x_hat = model(x_test[ten])
    x_pca = pca.decode(pca.encode(x_test[ten], 32))
plots.images({"original": x_test[ten], "autoencoder": x_hat, "PCA": x_pca,
              "error, autoencoder": (x_hat - x_test[ten]).abs(),
              "error, PCA": (x_pca - x_test[ten]).abs()});

# %% [markdown]
# The last two rows show the absolute errors. Both methods err most along the edges of the strokes, where the grey levels
# change fast.

# %%
claim("32 numbers", "Squared error per test image with a 32-dimensional code",
      error_of_model, "squared grey levels", at_most=pca.error(x_test, 32),
      baseline=f"PCA {pca.error(x_test, 32):.2f}, mean image {error_of_mean:.1f}")
score([("squared error per test image, 32-dimensional code", prediction_error,
        error_of_model)])

# %% [markdown]
# ## 3 · Why does it not copy?
#
# A network that returns its input has the loss 0 and has learned nothing. What prevents this here is the
# **bottleneck**: by a theorem of topology, no continuous map can pass 784 independent pixels through 32 numbers and back.
# To see it work, we train two small linear autoencoders on patches of 8 × 8 = 64 pixels, cut out of digits. One has an
# 8-dimensional code. Its decoder is an 8 → 64 matrix, so its outputs lie in a space of 8 dimensions. The other has a
# 64-dimensional code, as wide as its input. Then each reconstructs two things that it has never seen: patches of other
# digits, and **noise**: all grey levels of these patches, shuffled over all patches and places, so that no strokes are
# left.

# %%
small = data.patches(x[:5000], 20_000)  # (20000, 64)
unseen = data.patches(x_val, 2000)  # (2000, 64)
places = torch.randperm(unseen.numel(), generator=torch.Generator().manual_seed(1))
noise = unseen.flatten()[places].reshape(unseen.shape)  # the same grey levels, shuffled
plots.images({"patches": unseen[:10], "noise": noise[:10]});

# %% [markdown]
# The patches hold parts of strokes; the noise holds the same grey levels, and no strokes. We measure the **share kept**,
# $1 - \sum\lVert x - \hat x\rVert^2 / \sum\lVert x - \bar x\rVert^2$, where $\bar x$ is the mean of the images. It is 1
# for a perfect copy, and 0 if every output is the mean image.
#
# **Predict.** What share of the noise does the wide network keep, from 0 to 1?

# %%
prediction_noise = None

# %%
def shares_kept(width):  # train a code of this width; shares of patches and of noise
    with seeded(0):
        linear = nn.Sequential(nn.Linear(64, width), nn.Linear(width, 64))
    fit(linear, (small,), squared_error, epochs=20, lr=1e-2, one_cycle=True)
    return [metrics.share_kept(linear, images) for images in (unseen, noise)]


kept = {width: shares_kept(width) for width in (8, 64)}
table(["latent dimension", "share kept of digit patches", "share kept of noise"],
      [[str(width), *shares] for width, shares in kept.items()])

# %% [markdown]
# Both networks keep most of the digit patches. The wide one keeps nearly all of the noise too: it copies. The narrow one
# keeps strokes and loses noise, because its 8 dimensions are those in which digits vary most. **A small reconstruction
# error alone is no evidence of learning.**

# %%
claim("copying", "Share of pure noise that a code as wide as its input keeps",
      kept[64][1], at_least=0.9, baseline=f"8-dimensional code: {kept[8][1]:.2f}")
score([("share of noise that the wide network keeps", prediction_noise, kept[64][1])])

# %%
another = 8  # a latent dimension to try
of_noise = shares_kept(another)[1]
print(f"latent dimension {another}: keeps {of_noise:.2f} of the noise")

# %%
try_it("What share of the noise does a 32-dimensional code keep? Guess; then change "
       "`another = 8` to `another = 32`, run that cell again, and type the share.",
       None, of_noise, changed=another == 32)

# %% [markdown]
# The noise varies equally in all 64 directions, so a linear $k$-dimensional code keeps about $k/64$ of it. Digit patches
# vary mostly in a few directions, and those are enough. Lessons 04 and 05 show two other ways to prevent copying: noise
# at the input, and codes in which few units are active.
#
# ## 4 · What latent dimension does a digit need?
#
# Now the same network with latent dimensions from 1 to 64, each trained for three epochs, and PCA with as many.
#
# **Predict.** Which of the two has the smaller error on test images at latent dimension **64**? Type `"PCA"` or
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
axis.plot(sizes, ae_errors, "o-", sizes, pca_errors, "s--")
axis.legend(["autoencoder", "PCA"], frameon=False)
plots.log_axes(axis, x=sizes)
axis.set(xlabel="latent dimension", ylabel="squared error per image", ylim=(0, None));

# %% tags=["picture-sweep"]
with torch.no_grad():
    rows = {f"dimension {k}": nets[k](x_test[ten]) for k in sizes}
plots.images({"original": x_test[ten]} | rows);

# %% [markdown]
# With small codes the autoencoder is far ahead: a nonlinear decoder can reach a curved set of images, a linear one only
# a plane. With larger codes PCA catches up, and at 64 it wins clearly. This holds for *this* network after **three**
# epochs. After six, in section 2, the autoencoder was ahead at 32.
#
# In the pictures, one or two dimensions give blurred digits, often of the wrong class; with 32 nearly all can be read.

# %%
at = dict(zip(sizes, zip(ae_errors, pca_errors, strict=True), strict=True))
for k in (2, 8):
    claim(f"code of {k}", f"Autoencoder's error relative to PCA's, latent dimension {k}",
          at[k][0] / at[k][1], "times", at_most=0.85,
          baseline=f"PCA {at[k][1]:.1f}, autoencoder {at[k][0]:.1f}")
claim("code of 64", "Autoencoder's error relative to PCA's, latent dimension 64",
      at[64][0] / at[64][1], "times", at_least=1.1,
      baseline=f"PCA {at[64][1]:.1f}, autoencoder {at[64][0]:.1f}")
score([("smaller error at latent dimension 64", prediction_large,
        "PCA" if at[64][1] < at[64][0] else "autoencoder")])

# %% [markdown]
# Were three epochs too few for 64?

# %%
longer = 3  # epochs
with seeded(0):
    larger = Autoencoder(64)
fit(larger, (x,), squared_error, epochs=longer * more, lr=1e-2, one_cycle=True)
error_longer = metrics.reconstruction_error(larger, x_test)
print(f"{longer} epochs: autoencoder {error_longer:.2f}, PCA {pca.error(x_test, 64):.2f}")

# %%
try_it("Change `longer = 3` to `longer = 12` and run that cell again. What error does the "
       "autoencoder reach now?", None, error_longer, changed=longer == 12)

# %% [markdown]
# Longer training lowers the error, but not to PCA's. Unit 03b trains a wider and deeper network.
#
# The error alone prefers the largest code. To choose a latent dimension for a task, measure what the task needs on
# validation images, for example the accuracy of a classifier on the codes.
#
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - An autoencoder is an encoder and a decoder, trained together to reconstruct the input from a code.
# - The loss is one number per image: the squared error summed over the pixels. It says something only next to
#   baselines, here the mean image and PCA.
# - The bottleneck keeps the network from copying. A code as wide as the input copies even noise.
# - Small codes gain most from a nonlinear network. For larger ones PCA, which finds its optimum exactly, is hard to beat.
#
# **Your turn:** [lab 02](../work/lab02.ipynb) (your own copy; on the web, the
# [sheet](../exercises/lab02/lab02.ipynb)). It also needs the units [02a](02a_bughunt.ipynb), a bug hunt in a popular
# recipe, and [02b](02b_likelihood.ipynb), which derives the losses from one idea.
#
# **Deeper:** [02c](02c_codes.ipynb) shows what a code contains; [02d](02d_atwork.ipynb) puts autoencoders to work.
# **Next:** [lesson 03](03_manifolds.ipynb) asks why so few numbers are enough for a digit.
#
# ### Papers
# - D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). *Learning representations by back-propagating errors.*
#   Nature 323, 533–536.
# - G. E. Hinton, R. R. Salakhutdinov (2006). *Reducing the dimensionality of data with neural networks.* Science 313,
#   504–507.
