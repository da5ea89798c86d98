# %% [markdown]
# # 06ba · Posterior collapse
#
# **Promise.** You will give a VAE a stronger decoder, measure what becomes of its code, and test three cures.
#
# **After this unit you can**
# 1. say how a stronger decoder changes the use of the code;
# 2. recognise posterior collapse by numbers and by pictures;
# 3. test a cure, and say what it costs.
#
# **Before it:** units 06 and 06b (rate, distortion, active units). **Time:** about {minutes} minutes; the cells run in
# less than two minutes on two cores.

# %%
import matplotlib.pyplot as plt
import torch

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
# 2016). Here are the weights that remain in a filter of 7 × 7; the pixel itself is in the middle.

# %%
with seeded(0):
    seeing = vae.SeeingVAE([784, 400, 20])
plt.subplots(figsize=(2.6, 2.6))[1].imshow(seeing.first.mask, vmin=0, vmax=1)
plt.grid(visible=False)

# %% [markdown]
# White weights remain: the rows above, and the pixels to the left. A second layer of 5 × 5 sees two pixels further.
# `vae.SeeingVAE` adds the logits of these layers to those of the code.
#
# **Predict.** A decoder that sees earlier pixels: is its rate, the nats in its code, `"larger"` or `"smaller"` than
# that of a decoder that sees the code alone?

# %%
prediction_rate = None

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = digits.x_train[train][:10_000]
b_test = data.binarised(digits.x_test[:4000], torch.Generator().manual_seed(3))


def measured(model, loss):  # distortion, rate, ELBO, active units
    terms = mean_loss(model, (b_test,), loss)
    return [terms["reconstruction"], terms["KL"], -terms["loss"],
            vae.active_units(model, b_test)]


def trained(deep=1, everywhere=False, **cures):  # a decoder that sees, in three epochs
    with seeded(0):
        model = begin_at_mean(vae.SeeingVAE([784, 400, 20], deep=deep,
                                            everywhere=everywhere), x)
    fit(model, (x,), vae.negative_elbo_seeing(**cures), epochs=3, batch=128, lr=3e-3,
        one_cycle=True)
    return model

# %%
blind = vae.new([784, 400, 20], x)
fit(blind, (x,), vae.negative_elbo(warm_up=0), epochs=3, batch=128, lr=3e-3, one_cycle=True)
near, far = trained(deep=0), trained()
rows = {"sees the code alone": measured(blind, vae.negative_elbo()),
        "sees 7 × 7": measured(near, vae.negative_elbo_seeing()),
        "sees 11 × 11": measured(far, vae.negative_elbo_seeing())}
head = ["decoder", "distortion (nats)", "rate (nats)", "ELBO (nats)", "active units"]
table(head, [[name, *values] for name, values in rows.items()])
score([("rate", prediction_rate,
        "smaller" if rows["sees 7 × 7"][1] < rows["sees the code alone"][1] else "larger")])

# %%
strong, alone = rows["sees 7 × 7"], rows["sees the code alone"]
claim("better model", "ELBO gained by a decoder that sees the pixels before",
      strong[2] - alone[2], "nats", at_least=5)
claim("says less", "Nats in the code of that model relative to the other",
      strong[1] / alone[1], "times", at_most=0.8,
      baseline=f"{strong[1]:.1f} against {alone[1]:.1f}; 11 × 11: "
      f"{rows['sees 11 × 11'][1]:.1f}")

# %% [markdown]
# The decoder that sees pixels is the better model by many nats. And the more pixels it sees, the less it uses its code.
# Nothing went wrong in the training: what the neighbours show is free, and each nat of the code is paid for in the
# loss.
#
# ## 2 · The extreme case
#
# We now let the code reach the decoder in another usual way. It adds one bias to each channel of the convolutions, the
# same at every place of the image (the conditional PixelCNN of van den Oord and others 2016). Such a code can describe
# how thick the strokes are, and not where they are. Much of this the neighbours show as well.
#
# **Predict.** What rate, in nats, has this code?

# %%
prediction_everywhere = None

# %%
unused = trained(everywhere=True)
rows["11 × 11, code everywhere"] = measured(unused, vae.negative_elbo_seeing())
table(head, [[name, *values] for name, values in rows.items()])
score([("rate of the code that is the same everywhere (nats)", prediction_everywhere,
        rows["11 × 11, code everywhere"][1])])

# %%
def rate_of_units(model):  # KL of each unit, mean over images, the largest first: (20,)
    with torch.no_grad():
        mu, logvar = model.encode(b_test)
    return (0.5 * (mu**2 + logvar.exp() - logvar - 1)).mean(0).sort(descending=True).values


figure, axes = plt.subplots(1, 3, figsize=(10, 2.6), sharey=True)
for axis, (name, model) in zip(axes, {"code alone": blind, "sees 11 × 11": far,
                                      "code everywhere": unused}.items(), strict=True):
    axis.bar(range(20), rate_of_units(model))
    axis.set(title=name, xlabel="units, sorted")
axes[0].set(ylabel="rate (nats)");

# %% [markdown]
# Each bar is a unit. On the left all carry information. On the right no bar can be seen: $q(z \mid x)$ is the prior for
# every image, and the code is not used. Now the pictures: each column is a test image, and below it are images that two
# decoders give for its code.

# %%
few_images = b_test[plots.first_of_each(digits.y_test)]  # (10, 784)
generated = {"images": few_images}
for name, model in (("sees 11 × 11", far), ("code everywhere", unused)):
    with torch.no_grad():
        codes = model.encode(few_images)[0]  # (10, 20)
    generated[name] = model.sample(codes, torch.Generator().manual_seed(1))
plots.images(generated, zoom=0.75);

# %% [markdown]
# In the second row, some strokes follow the image. In the last row nothing does: the images come from the decoder
# alone.
#
# **Why does this state last?** Suppose that the decoder ignores its code, so $p(x \mid z) = p(x)$ for every $z$. Then
#
# $$\begin{aligned}
# p(z \mid x) &= p(z)\, p(x \mid z) / p(x) = p(z) && \text{Bayes' rule} \\
# \text{ELBO} &= \log p(x) - \mathrm{KL}\big(q(z \mid x) \,\Vert\, p(z)\big) && \text{line (6) of unit 06}
# \end{aligned}$$
#
# So the best encoder is $q(z \mid x) = p(z)$ for every image, with a rate of 0. And for such an encoder, the code is
# noise, so the best decoder ignores it. **Neither of the two can improve alone.** This state is called **posterior
# collapse**. It can be reached early in the training, when the code is still noise.

# %%
collapsed = rows["11 × 11, code everywhere"]
claim("collapsed", "Nats in the code that reaches every place in the same way",
      collapsed[1], "nats", at_most=1,
      baseline=f"active units {collapsed[3]}; ELBO {collapsed[2]:.1f}")

# %% [markdown]
# ## 3 · Three cures
#
# The ELBO never asked for a useful code. If you want one, you have to ask for it. Three cures:
#
# - **Warm-up** (Bowman and others 2016): the weight of the KL rises from 0 to 1, here in the first half of the
#   training. So the code is not yet paid for when the decoder learns.
# - **Free bits** (after Kingma and others 2016, in its simplest form): the KL of an image costs nothing up to a number
#   of nats, here 5. So there is nothing to gain by saying less.
# - **Hiding** (Bowman and others 2016 hide words): in training, half of the pixels that the decoder sees are black. So
#   it cannot rely on them.
#
# **Predict.** Which gives the largest rate? Type `"warm-up"`, `"free bits"` or `"hiding"`.

# %%
prediction_cure = None

# %%
cures = {"warm-up": {"warm_up": 0.5}, "free bits": {"free": 5.0}, "hiding": {"hide": 0.5}}
cured = {name: measured(trained(everywhere=True, **settings), vae.negative_elbo_seeing())
         for name, settings in cures.items()}
table(head, [[name, *values] for name, values in ({"no cure": collapsed} | cured).items()])
score([("largest rate", prediction_cure, max(cured, key=lambda name: cured[name][1]))])

# %%
claim("hiding", "Nats in the code when half of the pixels is hidden in training",
      cured["hiding"][1], "nats", at_least=1.15 * collapsed[1],
      baseline=f"ELBO lost {collapsed[2] - cured['hiding'][2]:.1f}")
claim("free bits", "Nats in the code with 5 nats free", cured["free bits"][1], "nats",
      at_least=2, baseline=f"ELBO lost {collapsed[2] - cured['free bits'][2]:.1f}")
claim("warm-up", "Nats in the code with a warm-up", cured["warm-up"][1], "nats", at_least=0,
      baseline=f"ELBO lost {collapsed[2] - cured['warm-up'][2]:.1f}")

# %% [markdown]
# Compare two columns. A cure works if the rate rises. Its price is the ELBO that it loses against no cure.

# %%
free = 5.0
rate = measured(trained(everywhere=True, free=free), vae.negative_elbo_seeing())[1]
print(f"{free} nats free: rate {rate:.1f} nats")

# %%
try_it("Change `free = 5.0` to `free = 10.0`. What is the rate now?", None, rate,
       changed=free == 10)

# %%
warm = 0.5
rate_warm = measured(trained(warm_up=warm), vae.negative_elbo_seeing())[1]
print(f"sees 11 × 11, warm-up in {warm} of the training: rate {rate_warm:.1f} nats")

# %%
try_it("Change `warm = 0.5` to `warm = 0.0`, no warm-up, in the network of section 1. What "
       "is the rate now?", None, rate_warm, changed=warm == 0)

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - What the decoder can see is free; the information in the code is paid for. A stronger decoder uses its code less.
# - Posterior collapse: $q(z \mid x) = p(z)$ for every image. Look at the rate of each unit and at the active units.
# - A cure asks for a code, and pays with nats of the ELBO.
#
# **Next:** [06c](06c_prior.ipynb), what the prior buys.
#
# ### Papers
# - S. R. Bowman and others (2016). *Generating sentences from a continuous space.* CoNLL.
# - D. P. Kingma and others (2016). *Improved variational inference with inverse autoregressive flow.* NeurIPS.
# - A. van den Oord and others (2016). *Conditional image generation with PixelCNN decoders.* NeurIPS.
# - X. Chen and others (2017). *Variational lossy autoencoder.* ICLR. (why a strong decoder leaves its code unused)
