# %% [markdown]
# # 06ba · When the code falls silent
#
# **Promise.** You will give a VAE a stronger decoder, watch its code fall silent although β is 1, and test three cures.
#
# **After this unit you can**
# 1. say why a strong decoder uses its code less;
# 2. recognise posterior collapse by numbers and by pictures;
# 3. test a cure, and say what it costs.
#
# **Before it:** units 06 and 06b (rate, distortion, active units). **Time:** about {minutes} minutes; the cells run in less
# than two minutes on two cores.

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
# The decoder of unit 06 leaves the earlier pixels out. A stronger one sees them. For this, a convolution over the image has
# its weights for the pixel itself and for later ones set to 0, a **masked convolution** (van den Oord and others 2016). Here
# are the weights that remain in a filter of 7 × 7; the pixel itself is in the middle.

# %%
with seeded(0):
    seeing = vae.SeeingVAE([784, 400, 20])
plt.subplots(figsize=(2.6, 2.6))[1].imshow(seeing.first.mask, vmin=0, vmax=1)
plt.grid(visible=False)

# %% [markdown]
# White weights remain: the rows above, and the pixels to the left. A second layer of 5 × 5 sees two pixels further.
# `vae.SeeingVAE` adds the logits of these layers to those of the code.
#
# **Predict.** A decoder that sees earlier pixels: is its rate, the nats in its code, `"larger"` or `"smaller"` than that of a
# decoder that sees the code alone?

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


def trained(deep=1, **cures):  # a decoder that sees, in three epochs
    with seeded(0):
        model = begin_at_mean(vae.SeeingVAE([784, 400, 20], deep=deep), x)
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
