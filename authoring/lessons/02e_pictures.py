# %% [markdown]
# # 02e · Your own pictures
#
# **Promise.** You will read a folder of colour pictures of any size, train a convolutional autoencoder on them, save
# its encoder to a file, and load it again where nothing but that file is left.
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

import torch
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images
from torch import nn

from aecourse import data, devices, diagrams, plots
from aecourse.claims import Claims, score, table, try_it
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
# This is the way of this unit, from left to right. Digits have one grey channel and 28 × 28 pixels. Your pictures have
# three channels, red, green and blue, and any size.
#
# ## 1 · From a folder to a tensor
#
# So that this unit runs anywhere, the first cell makes a folder: 600 pieces of different sizes, cut out of the two
# photographs that come with scikit-learn. **To use your own pictures, change `folder`** to their folder, for example
# `Path("C:/Users/me/Pictures")`, and leave the loop out.

# %%
folder = Path(tempfile.mkdtemp())
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
# first, (3, 32, 32).

# %%
def read(path, side=32):
    picture = ImageOps.fit(Image.open(path).convert("RGB"), (side, side))
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return pixels.reshape(side, side, 3).permute(2, 0, 1) / 255  # (3, side, side)


images = torch.stack([read(p) for p in sorted(folder.glob("*.png"))])  # (N, 3, 32, 32)
print(tuple(images.shape), f"from {images.min():.2f} to {images.max():.2f}")

# %%
train, test = images[:480], images[480:]  # the pieces were cut at random places
plots.images({"pictures": train[:10]});

# %% [markdown]
# Ten pieces of a Chinese temple and of a flower. Training and test pieces come from the same two photographs and may
# overlap, so a small test error says little about other photographs. With your own pictures, keep whole occasions apart.

# %%
try_it("How many numbers does one picture have now?", None, images[0].numel(),
       says="3 channels of 32 × 32 pixels.", hint="Multiply channels, height and width.")

# %% [markdown]
# ## 2 · A convolutional autoencoder
#
# A linear layer for colour pictures would need a weight for each pixel and each unit. A **convolution** uses the same
# small filter at every place. With a stride of 2 it halves height and width. The decoder uses **transposed
# convolutions**, which double them. In the middle a linear layer makes the code.

# %%
class ConvAutoencoder(nn.Module):
    def __init__(self, code=64):
        super().__init__()
        self.encoder = nn.Sequential(  # (B, 3, 32, 32)
            nn.Conv2d(3, 16, 4, stride=2, padding=1), nn.ReLU(),  # (B, 16, 16, 16)
            nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),  # (B, 32, 8, 8)
            nn.Flatten(), nn.Linear(32 * 8 * 8, code))  # (B, code)
        self.decoder = nn.Sequential(
            nn.Linear(code, 32 * 8 * 8), nn.ReLU(), nn.Unflatten(1, (32, 8, 8)),
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
       "64 × 64 pixels?", None, 64 // 2 // 2, says="Each stride of 2 halves the height.")

# %% [markdown]
# ## 3 · Training
#
# What changes in the loss? It is still one number per picture, the squared error summed over all of its numbers. Before,
# these were dimension 1; now they are dimensions 1, 2 and 3, so `flatten(1)` makes a row of them. The baseline is the
# mean picture, as for the digits.
#
# **Predict.** Which part of the error of the mean picture does the autoencoder reach on the test pieces, from 0 to 1?

# %%
prediction_part = None

# %%
def squared_error(model, x, step):
    return {"squared error": (model(x) - x).flatten(1).square().sum(1)}  # (B,)


with seeded(0):
    model = ConvAutoencoder()
fit(model, (train,), squared_error, epochs=60, batch=32, lr=3e-3, one_cycle=True)

# %%
def error(x_hat):
    return (x_hat - test).flatten(1).square().sum(1).mean().item()


with torch.no_grad():
    x_hat = model(test)
errors = {"mean picture": error(train.mean(0)), "convolutional autoencoder": error(x_hat)}
table(["method", "squared error per test picture"], list(errors.items()))

# %%
plots.images({"original": test[:10], "reconstructed": x_hat[:10]});

# %% [markdown]
# Colours and large shapes come back, fine detail does not: 64 numbers stand for 3,072. Hundreds of pictures are few. With
# thousands of your own, train longer and give the layers more channels.

# %%
part = errors["convolutional autoencoder"] / errors["mean picture"]
claim("pictures", "Error of a convolutional autoencoder on colour pictures, relative to "
      "the mean picture's", part, "times", at_most=0.4,
      baseline=f"mean picture {errors['mean picture']:.0f}")

# %% [markdown]
# ## 4 · Save, load, and choose a device
#
# What is worth keeping is the encoder's weights, its *state dict*: a dictionary of named tensors. The code of the class
# is not in the file, so the other notebook needs it too.

# %%
path = folder / "encoder.pt"
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
try_it("Load the file into `ConvAutoencoder(32).encoder` in a new cell. Which word stands "
       "before the colon in the last line of the error: 'size mismatch' or 'missing key'?",
       None, "size mismatch", says="A file fits only a network of the same form.")

# %% [markdown]
# **On a graphics card** the same code runs with `fit(..., device="auto")`, which takes CUDA or Apple's MPS where there
# is one. `fit` moves the network and the pictures there and the network back. In a loop of your own, both must lie on
# the same device: `model.to("cuda")` and `batch.to("cuda")`. For networks as small as these the CPU is fast enough;
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
