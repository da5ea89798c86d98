# %% [markdown]
# # 06ca · Walks between codes
#
# **Promise.** You will test a common piece of advice, to interpolate on the sphere, with two scores,
# and ask why it works.
#
# **After this unit you can**
# 1. say how long samples of a Gaussian are;
# 2. interpolate along a line and on a sphere;
# 3. choose a score that fits the question.
#
# **Before it:** unit 06; units 03a (lengths in high dimensions), 03c (interpolation) and 06c (the Fréchet distance)
# help.
# **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import math

import matplotlib.pyplot as plt
import torch

from aecourse import data, diagrams, plots, vae
from aecourse.claims import Claims, score, table, try_it
from aecourse.realism import Judge
from aecourse.train import fit

plots.use_style()
digits = data.load()
claim = Claims("06", digits.name)

# %%
diagrams.shell();

# %% [markdown]
# The points stand for codes from the prior in many dimensions: nearly all lie near a sphere. The middle of the straight
# path lies inside it, the middle of the curved path on it.
#
# ## 1 · The shell
#
# Let $z$ be a sample of $\mathcal N(0, I)$ with $K$ numbers. How long is it?
#
# $$\begin{aligned}
# \mathbb E \lVert z \rVert^2 &= \textstyle\sum_j \mathbb E z_j^2 = K && \text{each number has variance } 1 \\
# \operatorname{Var} \lVert z \rVert^2 &= \textstyle\sum_j \operatorname{Var} z_j^2 = 2K
#   && \text{independent; } \operatorname{Var} z_j^2 = \mathbb E z_j^4 - (\mathbb E z_j^2)^2 = 3 - 1
# \end{aligned}$$
#
# (The fourth moment of $\mathcal N(0, 1)$ is 3.) So $\lVert z \rVert^2$ has mean $K$ and standard deviation $\sqrt{2K}$,
# which is small compared with $K$ if $K$ is large. And the length itself?
#
# $$\begin{aligned}
# \lVert z \rVert - \sqrt K &= \frac{\lVert z \rVert^2 - K}{\lVert z \rVert + \sqrt K} && (u - v)(u + v) = u^2 - v^2 \\
# &\approx \frac{\lVert z \rVert^2 - K}{2 \sqrt K} && \lVert z \rVert \approx \sqrt K, \text{ for large } K
# \end{aligned}$$
#
# So the length is near $\sqrt K$, with a standard deviation of about $\sqrt{2K} / (2 \sqrt K) = 0.71$ **for every $K$**.
# The shell keeps its thickness while its radius grows. At $K = 20$ the radius is 4.47, so the shell is not thin yet.
#
# **Predict.** Take two independent samples $a$ and $b$ of the prior with $K = 20$. How long is their middle $(a + b) /
# 2$, on average? ($\sqrt{20}$ is 4.47.)

# %%
prediction_middle = None

# %%
K = 20
generator = torch.Generator().manual_seed(9)
a, b = torch.randn(2, 10_000, K, generator=generator)  # (10000, K) each
lengths = {"ends": a.norm(dim=1), "middles": ((a + b) / 2).norm(dim=1)}  # (10000,) each
axis = plt.subplots(figsize=(6.5, 2.8))[1]
for (name, values), colour in zip(lengths.items(), (plots.BLUE, plots.ORANGE), strict=True):
    axis.hist(values.numpy(), bins=60, color=colour, alpha=0.6, label=name)
axis.axvline(math.sqrt(K), color="black", linestyle=":", label="√K")
axis.set(xlabel="length", ylabel="samples")
axis.legend(frameon=False)
score([("length of the middle, K = 20", prediction_middle,
        lengths["middles"].mean().item())])

# %% [markdown]
# The middles are shorter. Each number of $(a + b)/2$ has variance $(1 + 1)/4 = 1/2$, so $\mathbb E \lVert (a + b)/2
# \rVert^2 = K/2$, and the length is near $\sqrt{K/2}$. (The mean length is a little below the root of the mean square,
# 3.16.) Few samples of the prior are as short.

# %%
dimensions = 20
z = torch.randn(20_000, dimensions, generator=torch.Generator().manual_seed(1))
share = (z.norm(dim=1) < math.sqrt(dimensions / 2)).float().mean().item()
print(f"{dimensions} dimensions: {100 * share:.2f} % of samples are shorter than √(K/2)")

# %%
try_it("Change `dimensions = 20` to `dimensions = 2`. What percentage of the samples is "
       "shorter than √(K/2) now?", None, 100 * share, changed=dimensions == 2,
       says="Compare with the first picture: it cannot be a sample in two dimensions.")

# %% [markdown]
# ## 2 · Slerp
#
# White (2016) therefore recommends **slerp**, spherical linear interpolation (Shoemake 1985). It turns the direction
# evenly. With the angle $\Omega$ between $a$ and $b$, the code at the fraction $t$ of the path is
#
# $$\operatorname{slerp}(a, b, t) = \frac{\sin((1 - t)\, \Omega)}{\sin \Omega}\, a + \frac{\sin(t\, \Omega)}{\sin
# \Omega}\, b .$$
#
# Why does it stay on the sphere if $a$ and $b$ are on it? For $\lVert a \rVert = \lVert b \rVert = r$ we have $a \cdot b
# = r^2 \cos \Omega$. Write $\alpha = (1-t)\,\Omega$ and $\beta = t\,\Omega$, so that $\alpha + \beta = \Omega$:
#
# $$\begin{aligned}
# \lVert \operatorname{slerp} \rVert^2 &= r^2\, \frac{\sin^2 \alpha + \sin^2 \beta + 2 \sin \alpha \sin \beta \cos
#   (\alpha + \beta)}{\sin^2 \Omega} && \text{expanded} \\
# &= r^2\, \frac{\sin^2 \alpha + \sin^2 \beta - 2 \sin^2 \alpha \sin^2 \beta + 2 \sin \alpha \cos \alpha \sin
#   \beta \cos \beta}{\sin^2 \Omega} && \text{for } \cos(\alpha + \beta) \\
# &= r^2\, \frac{\sin^2 \alpha \cos^2 \beta + \cos^2 \alpha \sin^2 \beta + 2 \sin \alpha \cos \alpha \sin \beta
#   \cos \beta}{\sin^2 \Omega} && \text{see below} \\
# &= r^2\, \frac{\sin^2(\alpha + \beta)}{\sin^2 \Omega} = r^2 && \text{for } \sin(\alpha + \beta)
# \end{aligned}$$
#
# Lines 2 and 4 use the addition formulas of $\cos$ and $\sin$. In line 3, each square gets one half of $- 2 \sin^2 \alpha
# \sin^2 \beta$. For example, $\sin^2 \alpha - \sin^2
# \alpha \sin^2 \beta = \sin^2 \alpha \cos^2 \beta$. If the lengths of $a$ and $b$ differ, slerp begins with the one and
# ends with the other.

# %%
def slerp(a, b, t):  # (N, K), (N, K), a fraction → (N, K)
    angle = torch.arccos(torch.cosine_similarity(a, b)).unsqueeze(1)  # (N, 1)
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def straight(a, b, t):
    return (1 - t) * a + t * b

# %%
t = 0.5  # the fraction of the path
of_line = straight(a, b, t).norm(dim=1).mean().item()
of_slerp = slerp(a, b, t).norm(dim=1).mean().item()
print(f"fraction {t}: mean length, straight {of_line:.2f}, slerp {of_slerp:.2f}")

# %%
try_it("Change `t = 0.5` to `t = 0.25`. How long are the codes of the straight path now?",
       None, of_line, changed=t == 0.25,
       says="Compare with slerp and with the ends. (a and b are nearly orthogonal, so the "
       "squared lengths of their two parts add.)")

# %% [markdown]
# ## 3 · Does slerp give better digits?
#
# We train a VAE with 20 units and decode the middles of many pairs, once between samples of the prior, once between the
# codes of training images. Two scores judge them. The **Fréchet distance** compares all pictures with 1,000 test images,
# as sets (unit 06c); smaller is better. The **distance to the nearest digit** judges each picture by itself (unit 03c);
# 1 is as near as real digits are. We also measure how varied the pictures are. The *variance* in the table is the sum of
# the variances of all pixels, divided by that of the test images.
#
# At the middle, slerp has the *direction* of the straight middle, $a + b$. Only its length is another: since $\sin \Omega
# = 2 \sin \frac\Omega2 \cos \frac\Omega2$, it is the straight middle divided by $\cos \frac\Omega2$, which is a factor of
# $\sqrt 2$ for orthogonal ends. So we also decode straight middles times 1.41, and times 1.6.
#
# **Predict.** By which score are the middles of *slerp* better, between codes of images? Type `"both"`, `"Fréchet"`,
# `"nearest"` or `"neither"`.

# %%
prediction_slerp = None

# %%
train, _ = data.validation_split(len(digits.x_train), len(digits.x_train) // 12)
x = digits.x_train[train]
model = vae.new([784, 400, 20], x)
fit(model, (x[:15_000],), vae.negative_elbo(), epochs=4, batch=128, lr=3e-3, one_cycle=True)
judge = Judge(digits)
with torch.no_grad():
    binary = data.binarised(x[:2000], torch.Generator().manual_seed(3))
    codes = model.encode(binary)[0]  # (2000, 20)

# %%
ends = {"prior": (a[:1000], b[:1000]), "images": (codes[:1000], codes[1000:])}
found, real = {}, digits.x_test[:1000].var(0).sum()
for name, (start, end) in ends.items():
    middle = straight(start, end, 0.5)  # (1000, 20)
    for way, z in (("ends", start), ("straight", middle), ("slerp", slerp(start, end, 0.5)),
                   ("straight × 1.41", 1.41 * middle), ("straight × 1.6", 1.6 * middle)):
        with torch.no_grad():
            images = torch.sigmoid(model.decode(z))
        found[name, way] = (z.norm(dim=1).mean().item(), judge.frechet(images),
                            judge.distance(images).median().item(),
                            (images.var(0).sum() / real).item())
same = x.mean(0).expand(1000, -1)  # the mean image, a thousand times
alone = judge.distance(same[:1]).item()
found["mean image", "alone"] = (None, judge.frechet(same), alone, 0.0)
table(["codes", "mean length", "Fréchet distance", "to the nearest digit", "variance"],
      [[f"{name}, {way}", *values] for (name, way), values in found.items()])

# %%
better = [found["images", "slerp"][i] < found["images", "straight"][i] for i in (1, 2)]
word = {(True, True): "both", (True, False): "Fréchet", (False, True): "nearest",
        (False, False): "neither"}[tuple(better)]
score([("slerp is better by", prediction_slerp, word)])

# %%
turned, line = found["images", "slerp"], found["images", "straight"]
of_prior = found["prior", "slerp"][1] / found["prior", "straight"][1]
claim("slerp", "Fréchet distance of slerp's middles over the straight ones, between images",
      turned[1] / line[1], "times", at_most=0.8,
      baseline=f"between samples from the prior {of_prior:.2f}")
claim("taken in", "Distance to the nearest digit of slerp's middles over the straight ones",
      turned[2] / line[2], "times", at_least=0.95,
      baseline=f"the mean image has {alone:.2f}, slerp's middles {turned[2]:.2f}")

# %%
labels = digits.y_train[train][:2000]
two, seven = (codes[labels == digit][:1] for digit in (2, 7))  # (1, 20) each
fractions = [i / 8 for i in range(9)]
with torch.no_grad():
    walks = {name: torch.sigmoid(model.decode(torch.cat(
        [walk(two, seven, fraction) for fraction in fractions])))
        for name, walk in (("straight", straight), ("slerp", slerp))}
plots.images(walks, columns=[f"{i}/8" for i in range(9)], zoom=0.75);

# %% [markdown]
# By the Fréchet distance slerp's middles are nearer to real digits than the straight ones, and they are more varied. On
# MNIST, straight middles times 1.41 are about as near as slerp's. Times 1.6 they are longer than the ends, off the sphere,
# and nearer still. So it is the length that helps, and the sphere is not the reason. Longer codes give pictures that are
# farther from the average. (On MNIST the codes of images are longer than samples of the prior. In 06cb you will see that
# the code is a little wider than the prior.)
#
# The other score does not prefer slerp. It judges each picture by itself, and it is small for averages. The last row of
# the table shows this: the mean image, which is no digit, is nearer by this score than slerp's middles. And on MNIST the
# straight middles between samples of the prior are nearer by it than the samples themselves. We ask whether middles are
# distributed like digits. That is a question about sets. Whether a *single* walk looks better is another question, and
# neither score answers it.

# %%
factor = 1.0
middle_codes = factor * straight(codes[:1000], codes[1000:], 0.5)  # (1000, 20)
with torch.no_grad():
    of_factor = judge.frechet(torch.sigmoid(model.decode(middle_codes)))
print(f"straight middles between images, times {factor}: Fréchet distance {of_factor:.1f}")

# %%
try_it("Change `factor = 1.0` to `factor = 2.0`. What is the Fréchet distance now?", None,
       of_factor, changed=factor == 2.0,
       says="Compare with 1.6 in the table: is longer always better?")

# %% [markdown]
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - In $K$ dimensions, samples of the prior have lengths near $\sqrt K$, with standard deviation 0.71 for every large $K$.
#   The middle of two has a length near $\sqrt{K/2}$.
# - Slerp keeps the length. At the middle this is all that it changes, and a scaled straight middle does the same.
# - A score of single pictures can reward averages.
#
# **Next:** [06cb](06cb_units.ipynb), what a single unit means.
#
# ### Papers
# - K. Shoemake (1985). *Animating rotation with quaternion curves.* SIGGRAPH, 245–254.
# - T. White (2016). *Sampling generative networks.* arXiv 1609.04468.
