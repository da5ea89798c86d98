# %% [markdown]
# # 06b · Which β did they really train?
#
# **Promise.** You will find out from the shapes alone which loss a VAE program minimises, and see what the
# difference does to codes and samples.
#
# **After this unit you can**
# 1. compute the weight β that two reductions imply;
# 2. read rate and distortion;
# 3. count the active units of a code.
#
# **Before it:** unit 06. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

from aecourse import data, diagrams, losses, plots, vae
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import sample_code
from aecourse.train import fit, mean_loss

plots.use_style()
digits = data.load()
claim = Claims("06", digits.name)

# %%
diagrams.flow({"p": (0, 1, "784 numbers, one for each pixel", plots.SKY),
               "u": (0, 0, "20 numbers, one for each unit", plots.GREEN),
               "r": (3, 1, "reconstruction", plots.SKY), "k": (3, 0, "KL", plots.GREEN),
               "l": (4.7, 0.5, "loss", plots.ORANGE)},
              {("p", "r"): "sum or mean?", ("u", "k"): "sum or mean?",
               ("r", "l"): "", ("k", "l"): ""}, size=(10, 2.6));

# %% [markdown]
# Two choices, each between sum and mean, decide which loss is minimised. (A *unit* is one number of the code.)
#
# ## 1 · From shapes to β
#
# The negative ELBO *sums* the reconstruction cost over the pixels and the KL over the units. Much published code takes
# means, and its authors may not know what this changes. Let $R$ be the reconstruction cost of an image, summed over $D$
# pixels, and $\mathrm{KL}$ the sum over $K$ units. With two means the loss is
#
# $$\begin{aligned}
# \text{loss} &= \frac1D\, R + \frac1K\, \mathrm{KL} && \text{each mean is a sum, divided by its count} \\
# D \cdot \text{loss} &= R + \frac{D}{K}\, \mathrm{KL} && \text{a factor does not move the minimum}
# \end{aligned}$$
#
# The factor of the KL is called **β** (Higgins and others 2017). The ELBO has $\beta = 1$. Here is β for five pairs of
# reductions. The fourth is a sum and a mean over the whole batch of $B$ images.

# %%
D, K, B = 784, 20, 128
pairs = {"sum over pixels, sum over units (ELBO)": 1.0,
         "mean over pixels, mean over units": D / K,
         "mean over pixels, sum over units": float(D),
         "sum over pixels and batch, mean over units and batch": 1 / (K * B),
         "sum over pixels, mean over units": 1 / K}
table(["reconstruction, KL", "β"], list(pairs.items()))

# %% [markdown]
# The fourth β depends on the batch size, because one term is summed over the batch and the other averaged. (Does every
# paper state its batch size?) The same reduction of both over the batch leaves β as it is.
#
# In practice we read β from code. Here are two lines as we find them on the web:

# %%
x_batch = data.binarised(digits.x_train[:B], torch.Generator().manual_seed(0))  # (B, 784)
logits = torch.zeros(B, D)  # what a decoder gives
mu, logvar = torch.full((B, K), 0.5), torch.full((B, K), -1.0)  # what an encoder gives
reconstruction = F.binary_cross_entropy_with_logits(logits, x_batch)  # over (B, 784)
kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum() / len(x_batch)  # over (B, 20)

# %% [markdown]
# **Predict.** Which β do they train with? (By default, PyTorch's losses are a mean over *all* elements.)

# %%
prediction_beta = None

# %%
factors = (kl / losses.gaussian_kl(mu, logvar).mean(),
           reconstruction / losses.bernoulli_nll(logits, x_batch).mean())
read_off = (factors[0] / factors[1]).item()  # (factor of the KL) / (factor of R)
score([("β of the two lines", prediction_beta, read_off)])

# %%
try_it("In the line of `kl`, change `.sum() / len(x_batch)` to `.mean()`. Which β is it "
       "now?", None, read_off,
       changed=kl.item() < 0.5 * losses.gaussian_kl(mu, logvar).mean())

# %% [markdown]
# In this course every term is one number per image, summed over pixels or units, so no reduction can change β.
#
# **Squared error.** A Gaussian likelihood with standard deviation σ has the cost $R = \frac{1}{2\sigma^2} \lVert x -
# \hat x \rVert^2$ plus a constant (unit 02b). Code that minimises $\lVert x - \hat x \rVert^2 + \mathrm{KL}$ leaves σ
# out:
#
# $$\begin{aligned}
# \lVert x - \hat x \rVert^2 + \mathrm{KL} &= 2 \sigma^2 R + \mathrm{KL} + \dots && \text{the definition of } R \\
# &= 2 \sigma^2 \Big( R + \frac{1}{2 \sigma^2}\, \mathrm{KL} \Big) + \dots && 2 \sigma^2 \text{, factored out}
# \end{aligned}$$
#
# So $\beta = 1 / (2 \sigma^2)$, and only $\beta \sigma^2 = \tfrac12$ is known. To call this $\beta = 1$ is to choose
# $\sigma^2 = \tfrac12$. Use `losses.gaussian_nll` with a σ that you name.
#
# ## 2 · The same network with five weights
#
# We train the same network with each β of the table except 784, and with a weight of 4, as in papers that raise β on
# purpose. Then we measure two quantities in nats on test images. The **distortion** is the reconstruction cost. The
# **rate** is the KL, the information in the code. Together they are the negative ELBO.
#
# A unit is **active** if its mean $\mu_j(x)$ varies over images, with a variance above 0.01 (Burda and others 2016).
# (In lesson 05, an active unit was one that is not zero for one image.)
#
# **Predict.** How many of the 20 units are active with two means, β = 39.2?

# %%
prediction_units = None

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = digits.x_train[train]
b_test = data.binarised(digits.x_test, torch.Generator().manual_seed(3))  # (N, 784)
ten = plots.first_of_each(digits.y_test)


def trained(beta):  # a VAE with 20 units
    model = vae.new([784, 400, K], x)
    fit(model, (x[:15_000],), vae.negative_elbo(beta), epochs=4, batch=128, lr=3e-3,
        one_cycle=True)
    return model


betas = sorted([1 / (K * 128), 1 / K, 1.0, 4.0, D / K])  # B = 128
models = {beta: trained(beta) for beta in betas}

# %%
def nats(model):  # distortion, rate and ELBO
    terms = mean_loss(model, (b_test,), vae.negative_elbo())
    return [terms["reconstruction"], terms["KL"], -terms["loss"]]


found = {beta: nats(model) for beta, model in models.items()}
active = {beta: vae.active_units(model, b_test) for beta, model in models.items()}
table(["β", "distortion (nats)", "rate (nats)", "ELBO (nats)", "active units"],
      [[f"{beta:.3g}", *found[beta], active[beta]] for beta in betas])
score([("active units with β = 39.2", prediction_units, active[D / K])])

# %%
z = torch.randn(10, K, generator=torch.Generator().manual_seed(6))
with torch.no_grad():
    rows = {f"β = {beta:.3g}: from the prior": torch.sigmoid(models[beta].decode(z))
            for beta in (betas[0], 1.0, D / K)}
    rows |= {f"β = {beta:.3g}: reconstructed":
             torch.sigmoid(models[beta].decode(models[beta].encode(b_test[ten])[0]))
             for beta in (betas[0], 1.0, 4.0, D / K)}
plots.images(rows | {"images": b_test[ten]}, zoom=0.85);

# %% [markdown]
# Above are decoded samples from the prior, below ten test images, reconstructed. All rows but the last show means of
# $p(x \mid z)$.
#
# - **β = 39.2:** the code carries no information. Every picture is the mean image.
# - **Tiny β:** nearly an autoencoder. It reconstructs well, and codes from the prior give pale, broken shapes.
# - **β = 1:** codes from the prior give some digits, and shapes that are none. The training was short.
# - **β = 4:** the codes carry less information than with β = 1. Reconstructed images are blurrier.

# %%
claim("silent code", "Active units of 20 when both terms are means (β = 39.2)",
      active[D / K], "units", at_most=1, baseline=f"β = 1: {active[1.0]}; rate with "
      f"β = 39.2: {found[D / K][1]:.2g} nats")
claim("best at one", "ELBO lost by β = 39.2", found[1.0][2] - found[D / K][2], "nats",
      at_least=10, baseline=f"by β = 4: {found[1.0][2] - found[4.0][2]:.0f}")

# %% [markdown]
# ## 3 · Rate and distortion
#
# Draw each network as a point: the rate to the right, the distortion upwards (Alemi and others 2018). Distortion + rate
# is the negative ELBO, so all points on a line with slope −1 have the same ELBO.
#
# **Predict.** From β = 4 to β = 1, by how many nats does the distortion fall for each further nat of rate? (First think:
# between what two numbers must it lie? What does each loss pay for a nat of rate?)

# %%
prediction_slope = None

# %%
axis = plt.subplots(figsize=(6, 3.8))[1]
for beta, (distortion, rate, _) in found.items():
    axis.plot(rate, distortion, "o", color=plots.BLUE)
    axis.annotate(f"β = {beta:.3g}", (rate, distortion), xytext=(6, 5),
                  textcoords="offset points")
total = -found[1.0][2]
axis.plot([0, total], [total, 0], ":", color="grey", label="same ELBO as β = 1")
axis.margins(x=0.3)
axis.set(xlabel="rate (nats)", ylabel="distortion (nats)", xlim=(-10, None), ylim=(0, None))
axis.legend(frameon=False);

# %%
def saved_by(a, b):  # nats of distortion for each nat of rate, from β = a to β = b
    (distortion_a, rate_a, _), (distortion_b, rate_b, _) = found[a], found[b]
    return (distortion_a - distortion_b) / (rate_b - rate_a or float("nan"))


steps = {pair: saved_by(*pair) for pair in ((D / K, 4.0), (4.0, 1.0), (1.0, 1 / K))}
table(["from", "to", "distortion saved for each nat of rate"],
      [[f"β = {a:.3g}", f"β = {b:.3g}", saved] for (a, b), saved in steps.items()])
score([("distortion saved for each nat of rate, from β = 4 to β = 1", prediction_slope,
        steps[4.0, 1.0])])

# %% [markdown]
# Why must it lie between 1 and 4? Take two weights $a > b$, with the points $(K_a, R_a)$ and $(K_b, R_b)$ of their
# minima (rate, distortion):
#
# $$\begin{aligned}
# R_a + a K_a &\le R_b + a K_b && \text{the left side is the minimum for } a \\
# (R_a - R_b) / (K_b - K_a) &\le a && \text{rearranged, for } K_b > K_a \\
# R_b + b K_b &\le R_a + b K_a && \text{the left side is the minimum for } b \\
# (R_a - R_b) / (K_b - K_a) &\ge b && \text{rearranged}
# \end{aligned}$$
#
# So between two points, the distortion saved for each nat of rate lies between their values of β, as far as the
# networks are trained to the end. If $a$ comes closer and closer to $b$, both bounds meet: at the point of β, the curve
# through the points has the slope $-\beta$. β thus chooses a place on the curve of what is possible. To the left,
# images are reconstructed badly from little information, to the right well from much.

# %%
claim("slope", "Distortion saved for each nat of rate between β = 4 and β = 1",
      steps[4.0, 1.0], "nats", at_least=1, at_most=4,
      baseline=f"between 39.2 and 4: {steps[D / K, 4.0]:.1f}, between 1 and 0.05: "
      f"{steps[1.0, 1 / K]:.2f}")

# %% [markdown]
# ## 4 · Each term alone
#
# With a tiny β, almost only the reconstruction counts; with a large β, almost only the KL. What does this do to the
# codes? We sample a code for each of 1,500 test images, and look at the two units whose means vary most.
#
# **Predict.** The prior has standard deviation 1. What is the encoder's noise $\sigma$ with the smallest β (mean over
# images and units)?

# %%
prediction_noise = None

# %%
samples, spreads = {}, {}
axes = plt.subplots(1, 3, figsize=(11, 3.9), sharex=True, sharey=True)[1]
for axis, beta in zip(axes, (betas[0], 1.0, D / K), strict=True):
    with torch.no_grad():
        means, logvars = models[beta].encode(b_test[:1500])  # (1500, 20) each
    i, j = means.var(0).topk(2).indices.tolist()
    code = sample_code(means, logvars, torch.Generator().manual_seed(7))  # (1500, 20)
    samples[beta] = code
    spreads[beta] = means.std(0).mean().item(), (logvars / 2).exp().mean().item()
    axis.scatter(code[:, i], code[:, j], s=3, color=plots.BLUE, rasterized=True)
    axis.add_patch(plt.Circle((0, 0), 2.5, fill=False, color=plots.ORANGE, linewidth=2))
    axis.set(title=f"β = {beta:.3g}", xlabel=f"unit {i}", ylabel=f"unit {j}",
             aspect="equal")

# %%
table(["β", "standard deviation of the means μ", "noise σ, mean"],
      [[f"{beta:.3g}", *values] for beta, values in spreads.items()])
score([("noise with the smallest β", prediction_noise, spreads[betas[0]][1])])

# %% [markdown]
# The circle holds 96 % of the prior. With the tiny β, the means lie far out and the noise is nearly 0: a code is a point,
# as in an autoencoder. With β = 39.2, all codes are samples from the prior, whatever the image. With β = 1 the two terms
# balance.

# %%
wide = samples[betas[0]].std(0).mean().item()
claim("far codes", "Standard deviation of samples of the codes, smallest β", wide,
      at_least=2, baseline=f"β = 1: {samples[1.0].std(0).mean():.2f}, β = 39.2: "
      f"{samples[D / K].std(0).mean():.2f}")
claim("no noise", "Mean noise σ of the encoder, smallest β", spreads[betas[0]][1],
      at_most=0.1, baseline=f"β = 1: {spreads[1.0][1]:.2f}, β = 39.2: "
      f"{spreads[D / K][1]:.2f}")

# %%
beta = betas[0]
with torch.no_grad():
    means, logvars = models[beta].encode(b_test[:1500])
ratio = (means.std(0).mean() / (logvars / 2).exp().mean()).item()
print(f"β = {beta:.3g}: the means vary {ratio:.3g} times as much as the noise")

# %%
try_it("Change `beta = betas[0]` to `beta = 4.0`. How many times is it now?", None, ratio,
       changed=beta == 4)

# %% [markdown]
# ## 5 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 6 · What to keep
#
# - β = (factor of the KL) / (factor of the reconstruction). Two means give $D/K$.
# - If one term is summed over the batch and the other averaged, β depends on the batch size. The same reduction of both
#   leaves β as it is. Under squared error only $\beta \sigma^2$ is known.
# - With a large β the code carries no information. With a tiny one, the noise is nearly 0 and the means lie far out.
# - The slope of distortion against rate is $-\beta$.
#
# **Next:** [06ba](06ba_collapse.ipynb), codes that are not used although β is 1.
#
# ### Papers
# - I. Higgins and others (2017). *beta-VAE: learning basic visual concepts with a constrained variational framework.*
#   ICLR.
# - A. A. Alemi and others (2018). *Fixing a broken ELBO.* ICML.
# - Y. Burda, R. Grosse, R. Salakhutdinov (2016). *Importance weighted autoencoders.* ICLR. (active units)
