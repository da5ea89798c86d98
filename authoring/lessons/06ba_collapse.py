# %% [markdown]
# # 06ba · Posterior collapse
#
# **Promise.** You will give a VAE a decoder that sees pixels, measure what becomes of its code, and test three cures.
#
# **After this unit you can**
# 1. say how a stronger decoder changes the use of the code;
# 2. recognise posterior collapse by numbers and by pictures;
# 3. test a cure, and say what it costs and when it cannot help.
#
# **Before it:** units 06 and 06b (rate, distortion, active units). **Time:** about {minutes} minutes; the cells run in
# about a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from aecourse import data, diagrams, plots, vae
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import begin_at_mean
from aecourse.train import fit, mean_loss, seeded

plots.use_style()
digits = data.load()
claim = Claims("06", digits.name)

# %%
diagrams.flow({"z": (0, 1, "code $z$", plots.GREEN),
               "b": (0, 0, "pixels before pixel $i$:\nabove it and left of it", plots.SKY),
               "d": (2.4, 0.5, "decoder", plots.ORANGE),
               "p": (4.2, 0.5, "probability of\npixel $i$", plots.SKY)},
              {("z", "d"): "costs nats", ("b", "d"): "free", ("d", "p"): ""},
              size=(10, 2.6));

# %% [markdown]
# The decoder of this unit has two sources of information. Only one of them costs nats.
#
# ## 1 · A decoder that sees pixels
#
# By the chain rule of probabilities, any distribution of an image can be written pixel by pixel:
#
# $$p(x \mid z) = p(x_1 \mid z)\, p(x_2 \mid x_1, z) \cdots p(x_D \mid x_1, \dots, x_{D-1}, z) .$$
#
# The decoder of unit 06 leaves the earlier pixels out. A stronger one sees them. For this, a convolution over the image
# has its weights for the pixel itself and for later ones set to 0, a **masked convolution** (van den Oord and others
# 2016): of a filter of 7 × 7, the three rows above and three pixels on the left remain. A second layer of 5 × 5 sees
# two pixels further, so both together reach 11 × 11. `vae.SeeingVAE` adds the logits of these layers to those of the
# code.
#
# We shrink the images to 14 × 14 pixels, each the mean of four. Then 11 × 11 pixels show a large part of the digit, and
# training takes seconds.

# %%
def small(images):  # (N, 784) → (N, 196)
    return F.avg_pool2d(images.view(-1, 1, 28, 28), 2).flatten(1)


train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = small(digits.x_train[train][:10_000])
b_test = data.binarised(small(digits.x_test[:4000]), torch.Generator().manual_seed(3))
few = b_test[plots.first_of_each(digits.y_test[:4000])]  # (10, 196)
more = 3 if digits.name == "strokes" else 1  # the built-in digits are fewer
recipe = {"epochs": 4 * more, "batch": 128, "lr": 1e-2, "one_cycle": True}

# %%
def measured(model, loss):  # distortion, rate, ELBO, active units
    terms = mean_loss(model, (b_test,), loss)
    return [terms["reconstruction"], terms["KL"], -terms["loss"],
            vae.active_units(model, b_test)]


# deep: masked layers after the first · everywhere: section 2 · cures: section 3
def trained(deep=1, everywhere=False, **cures):
    with seeded(0):
        model = begin_at_mean(vae.SeeingVAE([196, 200, 10], deep=deep,
                                            everywhere=everywhere), x)
    fit(model, (x,), vae.negative_elbo_seeing(**cures), **recipe)
    return model

# %%
blind = vae.new([196, 200, 10], x)  # its decoder sees the code alone
fit(blind, (x,), vae.negative_elbo(warm_up=0), **recipe)
rows = {"sees the code alone": measured(blind, vae.negative_elbo())}
head = ["decoder", "distortion (nats)", "rate (nats)", "ELBO (nats)", "active units"]
table(head, [[name, *values] for name, values in rows.items()])

# %% [markdown]
# **Predict.** The rate is the number of nats in the code. What is the rate of a decoder that sees 7 × 7 pixels as well?

# %%
prediction_rate = None

# %%
near, far = trained(deep=0), trained()
rows |= {"sees 7 × 7": measured(near, vae.negative_elbo_seeing()),
         "sees 11 × 11": measured(far, vae.negative_elbo_seeing())}
table(head, [[name, *values] for name, values in rows.items()])
score([("rate, 7 × 7 (nats)", prediction_rate, rows["sees 7 × 7"][1])])

# %%
strong, alone = rows["sees 11 × 11"], rows["sees the code alone"]
claim("better model", "ELBO gained by a decoder that sees the pixels before, images of "
      "14 × 14", strong[2] - alone[2], "nats", at_least=0.5)
claim("says less", "Nats in the code of that model relative to the other",
      strong[1] / alone[1], "times", at_most=0.8,
      baseline=f"{strong[1]:.1f} against {alone[1]:.1f}; 7 × 7: "
      f"{rows['sees 7 × 7'][1]:.1f}")

# %% [markdown]
# The decoder that sees pixels is the better model: its ELBO is higher. And the stronger this decoder is, the less it
# uses its code. Nothing went wrong in the training. What the neighbours show is free, and each nat of the code is paid
# for in the loss.

# %%
layers = 1
deeper = measured(trained(deep=layers), vae.negative_elbo_seeing())[1]
print(f"{layers} layers after the first: rate {deeper:.2f} nats")

# %%
try_it("Change `layers = 1` to `layers = 3`. The decoder then reaches farther than the "
       "image. What is the rate now, in nats?", None, deeper, changed=layers == 3)

# %% [markdown]
# ## 2 · Another way into the decoder
#
# We now let the code reach the decoder in another usual way. It adds one bias to each channel of the convolutions, the
# same at every place of the image (the conditional PixelCNN of van den Oord and others 2016). Such a code cannot say
# where a stroke is. That is left to the neighbours.
#
# **Predict.** How many of the ten units are active in this network?

# %%
prediction_active = None

# %%
silent = trained(everywhere=True)
rows["11 × 11, code everywhere"] = measured(silent, vae.negative_elbo_seeing())
table(head, [[name, *values] for name, values in rows.items()])
score([("active units", prediction_active, rows["11 × 11, code everywhere"][3])])

# %%
def rate_of_units(model):  # KL of each unit, mean over images: (10,)
    with torch.no_grad():
        mu, logvar = model.encode(b_test)
    return (0.5 * (mu**2 + logvar.exp() - logvar - 1)).mean(0)


figure, axes = plt.subplots(1, 3, figsize=(10, 2.6), sharey=True)
for axis, (name, model) in zip(axes, {"sees the code alone": blind, "sees 11 × 11": far,
                                      "code everywhere": silent}.items(), strict=True):
    axis.bar(range(1, 11), rate_of_units(model).sort(descending=True).values)
    axis.set(title=name, xlabel="units, sorted", xticks=range(1, 11))
axes[0].set(ylabel="rate (nats)");

# %% [markdown]
# Each bar is a unit. On the left all ten carry information. On the right a single bar can be seen. For the other nine
# units $q(z_j \mid x)$ is the prior, whatever the image, so they carry nothing. This is called **posterior collapse**.
#
# Now the pictures. Each column is a test image. Below it stands the mean of 30 images that a decoder generates from its
# code.

# %%
generated = {"images": few}
for name, model in (("sees 11 × 11", far), ("code everywhere", silent)):
    with torch.no_grad():
        codes = model.encode(few)[0].repeat_interleave(30, 0)  # (300, 10): the means
    samples = model.sample(codes, torch.Generator().manual_seed(1))  # (300, 196)
    generated[name] = samples.view(10, 30, 196).mean(1)
plots.images(generated, zoom=0.75);

# %% [markdown]
# In the second row, the grey follows the shape of the image above it. In the last row it hardly does: all means are
# alike, some darker and some brighter. What does the remaining unit tell? We set it to a value, all other units to 0,
# and generate images.

# %%
one = int(rate_of_units(silent).argmax())
value = 2.0
set_to = torch.zeros(40, 10)
set_to[:, one] = value
from_one = silent.sample(set_to, torch.Generator().manual_seed(2))  # (40, 196)
white = 100 * from_one.mean().item()
print(f"unit {one} at {value}: {white:.1f} % of the pixels are white")
plots.images({"": from_one[:10]}, zoom=0.7);

# %%
try_it("Change `value = 2.0` to `value = -2.0`. What share of the pixels is white now, in "
       "%?", None, white, changed=value == -2)

# %%
with torch.no_grad():
    told = silent.encode(b_test)[0][:, one]
ink = torch.corrcoef(torch.stack([told, b_test.mean(1)]))[0, 1].abs()
unused = rows["11 × 11, code everywhere"]
claim("collapsed", "Largest rate of the other nine units, code everywhere",
      rate_of_units(silent).sort().values[-2], "nats", at_most=0.1,
      baseline=f"the one that remains {rate_of_units(silent).max():.2f}; "
      f"active units {unused[3]}")
claim("ink", "Correlation of the remaining unit with the share of white pixels, absolute",
      ink, at_least=0.8)

# %% [markdown]
# One quantity is left in the code: how many pixels are white. The code's biases are the same at every place, so they
# can raise or lower the share of white everywhere. At the beginning of an image the pixels above do not tell this
# share.
#
# **Why does the state last?** Suppose that the decoder ignores its code, so $p(x \mid z) = p(x)$ for every $z$. Then
#
# $$\begin{aligned}
# p(z \mid x) &= p(z)\, p(x \mid z) / p(x) = p(z) && \text{Bayes' rule} \\
# \text{ELBO} &= \log p(x) - \mathrm{KL}\big(q(z \mid x) \,\Vert\, p(z)\big) && \text{line (8) of unit 06}
# \end{aligned}$$
#
# So the best encoder is $q(z \mid x) = p(z)$ for every image, with a rate of 0. And for such an encoder the code is
# noise, independent of the image, so the best decoder ignores it. **Neither of the two can improve alone.** The same
# holds for a single unit that the decoder ignores.
#
# There are two reasons to be in this state. The training may be **stuck**: early on the code is noise, the decoder
# learns to do without it, and the encoder stays at the prior, although both together could do better. Or the code is
# **not worth its price**: a model that uses it has no better ELBO. The test: if another way of training reaches a
# better ELBO, the first was stuck.
#
# ## 3 · Three cures
#
# Three cures are in use:
#
# - **Warm-up** (Bowman and others 2016): the weight of the KL rises from 0 to 1, here in the first half of the
#   training. So the code costs little while the decoder learns.
# - **Free bits** (after Kingma and others 2016, in its simplest form): the KL of an image costs nothing up to a number
#   of nats, here 5. So there is nothing to gain by a smaller rate.
# - **Hiding** (Bowman and others 2016 hide words): in training, half of the pixels that the decoder sees are black. So
#   it cannot rely on them.
#
# **Predict.** Which gives the largest rate in the network of section 2? Type `"warm-up"`, `"free bits"` or `"hiding"`.

# %%
prediction_cure = None

# %%
cures = {"warm-up": {"warm_up": 0.5}, "free bits": {"free": 5.0}, "hiding": {"hide": 0.5}}
cured = {name: measured(trained(everywhere=True, **settings), vae.negative_elbo_seeing())
         for name, settings in cures.items()}
print("code everywhere:")
table(head, [[name, *values] for name, values in ({"no cure": unused} | cured).items()])
score([("largest rate", prediction_cure, max(cured, key=lambda name: cured[name][1]))])

# %% [markdown]
# A cure works if the rate rises. Its price is the ELBO that it loses against no cure. Free bits keep a code in use
# here, and pay for it. With warm-up a few more units pass the threshold, and together they carry little. Its ELBO is
# nearly the same. So in this test the training was not stuck: the code is not worth more. Hiding does not help either,
# since a code that is the same everywhere cannot say what stands at a hidden place. It pays as well.
#
# **Predict.** Now the network of section 1 that sees 11 × 11 pixels. Its code gives each pixel a logit of its own. You
# know its rate. What is the rate with warm-up, in nats?

# %%
prediction_warm = None

# %%
cured_far = {name: measured(trained(**settings), vae.negative_elbo_seeing())
             for name, settings in cures.items()}
print("sees 11 × 11:")
table(head, [[name, *values] for name, values in ({"no cure": strong} | cured_far).items()])
score([("rate with warm-up (nats)", prediction_warm, cured_far["warm-up"][1])])

# %%
claim("free bits", "Nats in the code with 5 nats free, code everywhere",
      cured["free bits"][1], "nats", at_least=2 * unused[1],
      baseline=f"ELBO lost {unused[2] - cured['free bits'][2]:.1f}")
claim("warm-up", "Nats in the code with a warm-up, code everywhere", cured["warm-up"][1],
      "nats", at_most=2 * unused[1],
      baseline=f"ELBO gained {cured['warm-up'][2] - unused[2]:.2f}")
claim("hiding", "Nats in the code when half of the pixels is hidden in training, 11 × 11",
      cured_far["hiding"][1], "nats", at_least=1.15 * strong[1],
      baseline=f"ELBO lost {strong[2] - cured_far['hiding'][2]:.1f}")
claim("warm-up of 11 × 11", "Nats in the code with a warm-up relative to none, 11 × 11",
      cured_far["warm-up"][1] / strong[1], "times", at_least=1.05,
      baseline=f"ELBO gained {cured_far['warm-up'][2] - strong[2]:.2f}")

# %% [markdown]
# Here all three raise the rate. Warm-up and free bits cost nearly no ELBO: the same loss can be reached with more or
# with less in the code, and the way of training decides between them. Hiding raises the rate most. It loses nats,
# perhaps because the decoder has learned from images with holes, and is measured on whole ones.

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - What the decoder can see is free; the information in the code is paid for. A stronger decoder uses its code less.
# - Posterior collapse: $q(z_j \mid x)$ is the prior for every image. Look at the rate of each unit and at the pictures.
# - Warm-up changes the way of training. Where a code is not worth its price, only another loss or another decoder keeps
#   it in use.
#
# **Next:** [06c](06c_prior.ipynb), what the prior buys.
#
# ### Papers
# - S. R. Bowman and others (2016). *Generating sentences from a continuous space.* CoNLL.
# - D. P. Kingma and others (2016). *Improved variational inference with inverse autoregressive flow.* NeurIPS.
# - A. van den Oord and others (2016). *Conditional image generation with PixelCNN decoders.* NeurIPS.
# - X. Chen and others (2017). *Variational lossy autoencoder.* ICLR. (why a strong decoder leaves its code unused)
