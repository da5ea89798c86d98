# %% [markdown]
# # 02e · Your own pictures
#
# **Promise.** You will read a folder of colour pictures of any size, train a convolutional autoencoder on them, save
# its encoder to a file, and load that file into a fresh network.
#
# **After this unit you can**
# 1. turn a folder of pictures into one tensor;
# 2. follow the shapes through a convolutional encoder and decoder;
# 3. save trained weights, load them in another notebook, and choose the device.
#
# **Before it:** unit 02. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images
from torch import nn

from aecourse import data, devices, diagrams, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("02", digits.name)

# %%
diagrams.flow({"f": (0, 0, "folder of\npictures"),
               "x": (1.2, 0, "tensor\n(N, 3, 32, 32)", plots.SKY),
               "e": (2.5, 0, "convolutional\nencoder", plots.ORANGE),
               "z": (3.6, 0, "code\n(N, 64)", plots.YELLOW),
               "d": (4.7, 0, "convolutional\ndecoder", plots.ORANGE),
               "s": (2.5, -1, "file of weights", plots.GREEN)},
              {("f", "x"): "resize", ("x", "e"): "", ("e", "z"): "", ("z", "d"): "",
               ("e", "s"): "save"});

# %% [markdown]
# The diagram shows the path of a picture in this unit, from left to right. Digits have one grey channel and 28 × 28 pixels. Your pictures have
# three channels, red, green and blue, and any size.
#
# ## 1 · From a folder to a tensor
#
# So that this unit runs anywhere, the next two cells make a folder: 600 pieces of different sizes, cut out of the two
# photographs that come with scikit-learn. **To use your own pictures, change `folder`** to their folder, for example
# `Path("C:/Users/me/Pictures")`, and do not run the cell after it.

# %%
own = Path(tempfile.mkdtemp())  # an empty folder that the system takes away later
folder = own

# %%
generator = torch.Generator().manual_seed(0)
photographs = [Image.fromarray(p) for p in load_sample_images().images]  # 640 × 427 pixels
for i in range(600):
    side, left, top = (int(torch.randint(a, b, (), generator=generator))
                       for a, b in ((40, 120), (0, 520), (0, 307)))
    piece = photographs[i % 2].crop((left, top, left + side, top + side * 3 // 4))
    piece.save(folder / f"{i:03}.png")
print("three sizes:", [Image.open(folder / f"{i:03}.png").size for i in range(3)])

# %% [markdown]
# All images of a batch need the same size. `ImageOps.fit` cuts the largest square out of the middle of each picture and
# scales it to 32 × 32 pixels. PIL gives rows of pixels with three numbers each, (32, 32, 3); PyTorch wants the channels
# first, (3, 32, 32). `exif_transpose` turns photographs that a camera has stored on their side.

# %%
def read(path, side=32):
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    pixels = np.array(ImageOps.fit(picture, (side, side)))  # (side, side, 3), 0 to 255
    return torch.from_numpy(pixels).permute(2, 0, 1) / 255  # (3, side, side)


paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
images = torch.stack([read(path) for path in paths])  # (N, 3, 32, 32)
print(tuple(images.shape), f"from {images.min():.2f} to {images.max():.2f}")

# %%
n = len(images) * 4 // 5  # the first four fifths; the pieces were cut at random places
train, test = images[:n], images[n:]
plots.images({"pictures": train[:10]});

# %% [markdown]
# Ten pieces of a Chinese temple and of a flower. Training and test pieces come from the same two photographs and may
# overlap, so a small test error says little about other photographs. With your own pictures, put all photographs of one event on one side of the split.

# %%
try_it("How many numbers does one picture have now?", None, images[0].numel(),
       hint="Multiply channels, height and width.")

# %% [markdown]
# ## 2 · A convolutional autoencoder
#
# A linear layer has a weight for each pixel and each unit. A **convolution** has a small filter, here of 4 × 4 pixels in
# all channels, and moves it over the picture; at each place the filter's weighted sum is one pixel of the output. With a
# stride of 2 it moves by two pixels at a time. One black pixel is added at each border (the padding $p$). So of $n$ rows
# $(n + 2p - 4)/2 + 1$ are left, which is $n/2$. The decoder uses **transposed convolutions**, which go the other way:
# each input pixel adds a weighted filter to the output, two pixels further for the next one, so that height and width
# double. In the middle a linear layer makes the code; it has most of the weights.

# %%
class ConvAutoencoder(nn.Module):
    def __init__(self, code=64):
        super().__init__()
        self.encoder = nn.Sequential(  # (B, 3, 32, 32)
            nn.Conv2d(3, 16, 4, stride=2, padding=1), nn.ReLU(),  # (B, 16, 16, 16)
            nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),  # (B, 32, 8, 8)
            nn.Flatten(), nn.Linear(32 * 8 * 8, code))  # (B, code)
        self.decoder = nn.Sequential(
            nn.Linear(code, 32 * 8 * 8), nn.Unflatten(1, (32, 8, 8)),  # (B, 32, 8, 8)
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(16, 3, 4, stride=2, padding=1))  # (B, 3, 32, 32)

    def forward(self, x):
        return self.decoder(self.encoder(x))

# %%
# NBVAL_CHECK_OUTPUT
h = train[:5]
for layer in ConvAutoencoder().encoder:
    h = layer(h)
    print(f"{type(layer).__name__:8}", tuple(h.shape))

# %%
try_it("What would be the height of the second convolution's output for pictures of "
       "64 × 64 pixels?", None,
       ConvAutoencoder().encoder[:3](torch.zeros(1, 3, 64, 64)).shape[2],
       hint="Each stride of 2 halves the height.")

# %% [markdown]
# ## 3 · Training
#
# What changes in the loss? It is still one number per picture, the squared error summed over all of its numbers. Before,
# these were dimension 1; now they are dimensions 1, 2 and 3, so `flatten(1)` makes a row of them. The baselines are the
# mean picture and PCA with 64 numbers, as for the digits.
#
# **Predict.** Which part of the error of the mean picture does the autoencoder reach on the test pieces, from 0 to 1?

# %%
prediction_part = None

# %%
def squared_error(model, x, step):
    return {"squared error": (model(x) - x).flatten(1).square().sum(1)}  # (B,)


with seeded(0):
    model = ConvAutoencoder()
fit(model, (train,), squared_error, epochs=60, batch=32, lr=3e-3, one_cycle=True);

# %%
def error(x_hat, x):
    return (x_hat - x).flatten(1).square().sum(1).mean().item()


pca = PCA(train.flatten(1))
with torch.no_grad():
    errors = {name: [error(train.mean(0), x), pca.error(x.flatten(1), 64),
                     error(model(x), x)]
              for name, x in (("training", train), ("test", test))}
table(["squared error per picture", "mean picture", "PCA, 64 numbers",
       "autoencoder, 64 numbers"],
      [[name, *values] for name, values in errors.items()])

# %%
with torch.no_grad():
    plots.images({"original": test[:10], "reconstructed": model(test[:10])});

# %% [markdown]
# Colours and the large bright and dark areas come back, fine detail does not; 64 numbers stand for 3,072. A faint grid
# lies over even surfaces, since a transposed convolution with stride 2 makes even and odd rows with different weights of
# its filters.
#
# The autoencoder is far better than the mean picture, and **it does not beat PCA**. It does not reach PCA's error on its
# own training pictures either, so it has not been trained to the end: 60 epochs of a few hundred pictures are few steps.
# PCA needs no steps. With your own pictures draw this table first, and then train for longer.

# %%
mean_picture, linear, ours = errors["test"]
part = ours / mean_picture
claim("pictures", "Error of a convolutional autoencoder on colour pictures, relative to "
      "the mean picture's", part, "times", at_most=0.4,
      baseline=f"mean picture {mean_picture:.0f}")
claim("pictures, PCA", "Error of a convolutional autoencoder on colour pictures, "
      "relative to PCA's", ours / linear, "times", at_least=1.0,
      baseline=f"PCA {linear:.1f}")

# %% [markdown]
# ## 4 · Save, load, and choose a device
#
# What is worth keeping is the encoder's weights, its *state dict*: a dictionary of named tensors. The code of the class
# is not in the file, so the other notebook needs it too.

# %%
path = own / "encoder.pt"
torch.save(model.encoder.state_dict(), path)
names = list(torch.load(path, weights_only=True))
print(f"{path.stat().st_size / 1e3:.0f} kB:", *names[:3])

# %% [markdown]
# In another notebook, build an untrained network of the same form and fill it from the file. `weights_only=True` reads
# tensors and nothing else, so that a file from a stranger cannot run code. `eval()` switches off what is for training
# only, such as dropout.

# %%
fresh = ConvAutoencoder().encoder
fresh.load_state_dict(torch.load(path, weights_only=True))
fresh.eval()
with torch.no_grad():
    same = torch.equal(fresh(test), model.encoder(test))
print("the loaded encoder gives the same codes:", same)

# %%
try:
    ConvAutoencoder(32).encoder.load_state_dict(torch.load(path, weights_only=True))
except RuntimeError as error_of_torch:
    words = " ".join(str(error_of_torch).splitlines()[-1].split()[:2])
try_it("Load the file into `ConvAutoencoder(32).encoder` in a new cell. With which two "
       "words does the last line of the error begin?", None, words,
       says="A file fits only a network of the same form.")

# %% [markdown]
# **On a graphics card** the same code runs with `fit(..., device="auto")`, which takes CUDA or Apple's MPS where there
# is one. `fit` moves the network and the pictures there and the network back. In a loop of your own, both must lie on
# the same device: `model.to("cuda")` moves a network, and `batch = batch.to("cuda")` makes a copy of a tensor there. For networks as small as these the CPU is fast enough;
# with convolutions on large pictures a card is many times faster.

# %%
print("devices here:", devices.there())

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %%
score([("error relative to the mean picture", prediction_part, part)])

# %% [markdown]
# ## 6 · What to keep
#
# - Resize to one size, channels first, values from 0 to 1.
# - Convolutions halve, transposed convolutions double; write the shape beside each layer.
# - Sum the loss over all numbers of a picture.
# - Save the state dict; load it with `weights_only=True` into a network of the same form.
#
# **Next:** [lesson 03](03_manifolds.ipynb).
