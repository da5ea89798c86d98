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

from aecourse import devices, diagrams, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA
from aecourse.train import fit, seeded

plots.use_style()

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
# So that this unit runs anywhere, it makes a folder of pictures: 600 crops of different sizes, cut out of the two
# photographs that come with scikit-learn. It is a temporary folder, and nothing is ever written into another one. Run the
# unit with it first. **To use your own pictures, set `folder`** to theirs, for example `Path("C:/Users/me/Pictures")`,
# with at least 200 pictures in it, restart the kernel, and run all cells. (Pictures in subfolders are not read.)

# %%
temporary = tempfile.TemporaryDirectory()  # deleted when Python ends
made = Path(temporary.name)
folder = made  # your own pictures: Path("...")
claim = Claims("02", "photographs" if folder == made else "own pictures")

# %%
generator = torch.Generator().manual_seed(0)
photographs = [Image.fromarray(p) for p in load_sample_images().images]  # 640 × 427 pixels
for i in range(600):
    side, left, top = (int(torch.randint(a, b, (), generator=generator))
                       for a, b in ((40, 120), (0, 520), (0, 307)))
    crop = photographs[i % 2].crop((left, top, left + side, top + side * 3 // 4))
    crop.save(made / f"{i:03}.png")
print("three sizes:", [Image.open(made / f"{i:03}.png").size for i in range(3)])

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
n = len(images) * 4 // 5  # the first four fifths; the crops were cut at random places
train, test = images[:n], images[n:]
plots.images({"pictures": train[:10]});

# %% [markdown]
# Ten of the pictures, without your own ones crops of a Chinese temple and of a flower. Training and test crops come from
# the same two photographs and may overlap, so a small test error says little about other photographs. With your own
# pictures, put all photographs of one event into the same part, training or test.

# %%
try_it("How many numbers does one picture have now?", None, images[0].numel(),
       hint="Multiply channels, height and width.")

# %% [markdown]
# ## 2 · A convolutional autoencoder
#
# A linear layer has a weight for each pixel and each unit. A **convolution** has a small filter, here of 4 × 4 pixels in
# all channels, and moves it over the picture; at each place the filter's weighted sum is one pixel of the output. With a
# stride of 2 it moves by two pixels at a time. One row or column of zeros is added at each border (the padding $p$). So of
# $n$ rows $(n + 2p - 4)/2 + 1$ are left, which is $n/2$.
#
# The decoder uses **transposed convolutions**, which go the other way. Each input pixel multiplies the filter and adds it
# to the output. The next input pixel does so two pixels further on, so height and width double.

# %%
diagrams.strides();

# %% [markdown]
# Left: a filter of 4 × 4 at two places, two pixels apart, and the two output pixels that it gives. Right: two input pixels,
# and where each adds the filter; where the two overlap, their values are summed. In our network a linear layer makes the code in the middle; it has most of the weights.

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

# %% tags=["nbval-check-output"]
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
# mean picture and PCA with 64 dimensions, as for the digits.
#
# **Predict.** What fraction of the mean picture's error is left with the autoencoder, on test pictures? (Unit 02 shows both
# errors for digits.)

# %%
prediction_part = None

# %%
def squared_error(model, x, step):
    return {"squared error": (model(x) - x).flatten(1).square().sum(1)}  # (B,)


def trained(epochs):
    with seeded(0):
        net = ConvAutoencoder()
    fit(net, (train,), squared_error, epochs=epochs, batch=32, lr=3e-3, one_cycle=True)
    return net


model = trained(60)

# %%
def error(x_hat, x):
    return (x_hat - x).flatten(1).square().sum(1).mean().item()


dimensions = min(64, len(train))  # PCA has no more axes than pictures
pca = PCA(train.flatten(1), dimensions)
with torch.no_grad():
    errors = {name: [error(train.mean(0), x), pca.error(x.flatten(1), dimensions),
                     error(model(x), x)]
              for name, x in (("training", train), ("test", test))}
table(["squared error per picture", "mean picture", f"PCA, {dimensions} dimensions",
       "autoencoder, 64 dimensions"],
      [[name, *values] for name, values in errors.items()])

# %%
with torch.no_grad():
    plots.images({"original": test[:10], "reconstructed": model(test[:10])});

# %% [markdown]
# Colours and the large bright and dark areas come back, fine detail does not; 64 values encode 3,072.
#
# On the crops the autoencoder leaves a small part of the mean picture's error, and **it does not beat PCA**. It does not
# reach PCA's error on its own training pictures either, so overfitting is not the main cause. Two others are left: too
# few steps, or a network that cannot do what PCA does. The Try it below tests the first.

# %%
mean_picture, linear, ours = errors["test"]
part = ours / mean_picture
claim("pictures", "Error of a convolutional autoencoder on colour pictures, relative to "
      "the mean picture's", part, "times", at_most=0.4,
      baseline=f"mean picture {mean_picture:.0f}", holds_on=("photographs",))
claim("pictures, PCA", "Error of a convolutional autoencoder on colour pictures, "
      "relative to PCA's", ours / linear, "times", at_least=1.0,
      baseline=f"PCA {linear:.1f}", holds_on=("photographs",))
score([("error relative to the mean picture", prediction_part, part)])

# %%
epochs = 60
longer = model if epochs == 60 else trained(epochs)
with torch.no_grad():
    error_longer = error(longer(train), train)
print(f"{epochs} epochs, training pictures: autoencoder {error_longer:.1f}, "
      f"PCA {errors['training'][1]:.1f}")

# %%
try_it("Change `epochs = 60` to `epochs = 120` and run that cell again (about 20 s). What "
       "is the error on the training pictures now?",
       None, error_longer, changed=epochs == 120)

# %% [markdown]
# More steps lower the error of these crops, but not to PCA's. With your own pictures draw this table first, and then try
# longer training and wider layers.

# %% [markdown]
# ## 4 · Save, load, and choose a device
#
# What is worth keeping is the encoder's weights, its *state dict*: a dictionary of named tensors. The code of the class
# is not in the file, so the other notebook needs it too.

# %%
path = made / "encoder.pt"
torch.save(model.encoder.state_dict(), path)
names = list(torch.load(path, weights_only=True))
print(*names)

# %%
try_it("How many bytes do the encoder's weights take, at four bytes each? Compute it; then "
       "run `path.stat().st_size` in a new cell, which tells the size of the file.", None,
       sum(4 * p.numel() for p in model.encoder.parameters()),
       hint="A convolution from a to b channels has 4 · 4 · a · b weights and b biases.")

# %% [markdown]
# The numbers 0, 2 and 5 in the names are the places of the layers in `nn.Sequential`; ReLU and Flatten have no weights.
#
# In another notebook, build an untrained network of the same architecture and fill it from the file. `weights_only=True`
# reads tensors and nothing else, so that an untrusted file cannot run code. `eval()` switches off what is for training
# only, such as dropout. A file fits only a network of the same shapes:

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
    print(str(error_of_torch).splitlines()[-1].strip())

# %% [markdown]
# **On a GPU** the same code runs with `fit(..., device="auto")`, which takes CUDA or Apple's MPS where there
# is one. `fit` moves the network and the pictures there and the network back. In a loop of your own, both must lie on
# the same device: `model.to("cuda")` moves a network, and `batch = batch.to("cuda")` makes a copy of a tensor there. For networks as small as these the CPU is fast enough;
# with convolutions on large pictures a GPU is many times faster.

# %%
print("devices here:", devices.there())

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - Resize to one size, channels first, values from 0 to 1.
# - With stride 2, convolutions halve height and width, transposed convolutions double them. Write the shape beside each
#   layer.
# - Sum the loss over all numbers of a picture.
# - Save the state dict; load it with `weights_only=True` into a network of the same architecture.
#
# **Next:** [lesson 03](03_manifolds.ipynb).
