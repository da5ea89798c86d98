# %% [markdown]
# # 03d · Five maps of the same digits
#
# **Promise.** You will compare five maps of the same digits by two measures, and find out what can be done with a map
# besides looking at it.
#
# **After this unit you can**
# 1. judge a map by two measures;
# 2. say what each method of mapping keeps;
# 3. decode any place of an autoencoder's map.
#
# **Before it:** unit 03. **Time:** about {minutes} minutes; the cells run in less than a minute on two cores.

# %%
import matplotlib.pyplot as plt
import torch
from sklearn.decomposition import KernelPCA
from sklearn.manifold import TSNE, Isomap, trustworthiness
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from aecourse import data, diagrams, losses, plots
from aecourse.claims import Claims, score, table, try_it
from aecourse.models import PCA, Autoencoder, he
from aecourse.train import fit, seeded

plots.use_style()
digits = data.load()
claim = Claims("03", digits.name)

# %%
diagrams.flow({"x": (0, 0, "image\n784 pixels", plots.SKY),
               "m": (1.6, 0, "place on the map\n2 coordinates", plots.YELLOW),
               "r": (3.2, 0, "image again?", plots.SKY)},
              {("x", "m"): "a map", ("m", "r"): "a decoder"}, size=(8, 1.6));

# %% [markdown]
# Each method of this unit gives an image a place on a plane. We ask of each map whether similar images lie close
# together, and whether there is a way back.
#
# ## 1 · Five methods, two measures
#
# | method | what it keeps |
# |---|---|
# | PCA | as much variance as a linear map can |
# | kernel PCA | variance in a space of nonlinear features, given only by the similarity $\exp(-\gamma \lVert x - x' \rVert^2)$ of two images |
# | Isomap | distances along a graph of neighbours |
# | t-SNE | which points are neighbours; large distances on the map do not count |
# | autoencoder | what the decoder needs to reconstruct |
#
# All of them map the same 1,500 test images, without labels. PCA and the autoencoder learned on training images. The
# others were fitted on these images.

# %%
x, some, labels = digits.x_train, digits.x_test[:1500], digits.y_test[:1500]

# %%
def squared_error(model, x, step):
    return {"squared error": losses.squared_error(torch.sigmoid(model(x)), x)}


with seeded(0):
    mapper = he(Autoencoder([784, 256, 128, 2]), x)
fit(mapper, (x[:15_000],), squared_error, epochs=5, lr=3e-3, one_cycle=True);

# %%
with torch.no_grad():
    maps = {"PCA": PCA(x).encode(some, 2).numpy(),
            "autoencoder": mapper.encode(some).numpy()}

# %%
flat = some.numpy()
kernel_pca = KernelPCA(2, kernel="rbf", gamma=0.01, eigen_solver="randomized",
                       random_state=0)
maps["kernel PCA"] = kernel_pca.fit_transform(flat)
maps["Isomap"] = Isomap(n_neighbors=10).fit_transform(flat)
maps["t-SNE"] = TSNE(2, init="pca", max_iter=500, random_state=0).fit_transform(flat)

# %% [markdown]
# We use two measures. **kNN**: is a vote of the ten nearest points on the map right about the class (five-fold
# cross-validation)? **Trustworthiness** (Venna and Kaski 2001): are neighbours on the map neighbours among the
# images? It is 1 if all are, and about 0.5 for a map at random.
#
# **Predict.** Which of the five maps has the largest kNN accuracy?

# %%
prediction_map = None

# %%
votes, trust = {}, {}
for name, plane in maps.items():
    vote = cross_val_score(KNeighborsClassifier(10), plane, labels.numpy(), cv=5)
    votes[name] = 100 * vote.mean()
    trust[name] = trustworthiness(flat, plane, n_neighbors=10)
table(["map", "kNN (%)", "trustworthiness"],
      [[name, votes[name], trust[name]] for name in maps])

# %%
axes = plt.subplots(2, 3, figsize=(11, 7))[1].flat
for axis, (name, plane) in zip(axes, maps.items(), strict=False):
    plots.class_map(axis, plane, labels)
    axis.set(title=f"{name}: kNN {votes[name]:.0f} %", xlabel="axis 1", ylabel="axis 2")
for label in range(10):
    axes[5].scatter([], [], color=plots.CLASSES.colors[label], label=str(label))
axes[5].legend(frameon=False, title="digit", loc="center", ncols=2, fontsize=12)
axes[5].set_axis_off()

# %% [markdown]
# On the maps of PCA and kernel PCA most classes overlap. t-SNE makes islands, and by both measures its map is the best
# one here. Isomap was made for
# rolled sheets; unit 03da tries it on one.

# %%
score([("the map with the largest kNN accuracy", prediction_map,
        max(votes, key=votes.get))])
rest = [f"{name} {votes[name]:.1f}" for name in votes if name != "autoencoder"]
claim("maps, autoencoder", "kNN accuracy on the autoencoder's map, of five maps",
      votes["autoencoder"], "%", at_least=votes["PCA"] + 5, baseline=", ".join(rest))
claim("map, t-SNE", "Trustworthiness of the t-SNE map", trust["t-SNE"], at_least=0.9,
      baseline=f"autoencoder {trust['autoencoder']:.2f}, PCA {trust['PCA']:.2f}")
claim("t-SNE leads", "kNN accuracy of t-SNE, minus the best of the other maps",
      votes["t-SNE"] - max(v for name, v in votes.items() if name != "t-SNE"), "points",
      at_least=0)

# %% [markdown]
# ## 2 · The way back
#
# Kernel PCA, Isomap and t-SNE place the images that they were given. They have no decoder here. The autoencoder's map
# can be decoded at each place, also at one where no image lies:

# %%
plane = torch.from_numpy(maps["autoencoder"])  # (1500, 2)
low, high = plane.amin(0), plane.amax(0)
corners = torch.cartesian_prod(*torch.stack([low, high]).T)  # (4, 2)
emptiest = torch.cdist(corners, plane).amin(1).argmax()  # farthest from its nearest image
corner = [round(value, 1) for value in corners[emptiest].tolist()]

# %%
point = [0.0, 0.0]  # a place on the autoencoder's map
with torch.no_grad():
    image, beyond = torch.sigmoid(mapper.decode(torch.tensor([point, corner])))
plots.images({f"from {point}": image[None], f"from {corner}": beyond[None]}, zoom=1.4);

# %% [markdown]
# The second picture comes from the emptiest corner of the map. Nothing in the training asks for a digit there.

# %%
medians = torch.stack([plane[labels == label].median(0).values for label in range(10)])
outer = int(medians.norm(dim=1).argmax())  # the class farthest from (0, 0)
place = [round(value, 1) for value in medians[outer].tolist()]
try_it(f"One class lies around {place}, farther from [0, 0] than the others. Put this "
       "place into `point` above and run that cell again. Which digit do you see?",
       None, outer, changed=point != [0.0, 0.0],
       says="Compare the picture with the number written there on the map.")

# %% [markdown]
# ## 3 · How much of a t-SNE map is the method's choice?
#
# t-SNE has a setting, the **perplexity**: roughly how many neighbours of each image it takes into account. The map of
# section 1 has scikit-learn's default, 30. Here it is a setting of yours:

# %%
PERPLEXITY = 30
tsne = TSNE(2, init="pca", max_iter=500, random_state=0, perplexity=PERPLEXITY)
islands = tsne.fit_transform(flat)
axis = plt.subplots(figsize=(4.6, 4))[1]
plots.class_map(axis, islands, labels)
axis.set(title=f"t-SNE, perplexity {PERPLEXITY}", xlabel="axis 1", ylabel="axis 2")
print(f"trustworthiness {trustworthiness(flat, islands, n_neighbors=10):.3f}")

# %%
try_it("Change `PERPLEXITY = 30` to `PERPLEXITY = 5` and run that cell again. What is the "
       "trustworthiness now?", None, trustworthiness(flat, islands, n_neighbors=10),
       changed=PERPLEXITY == 5,
       says="Look at the islands, too: their number, sizes and gaps.")

# %% [markdown]
# The same images, another picture. So the sizes of the islands and the gaps between them must not be interpreted.
#
# ## 4 · Checkpoint

# %%
claim.checkpoint()

# %% [markdown]
# ## 5 · What to keep
#
# - Judge a map by measures: kNN for the classes, trustworthiness for the neighbours.
# - t-SNE keeps neighbours and makes good pictures. The islands' sizes and gaps depend on a setting.
# - An autoencoder's map has a decoder: each place gives an image, also an empty place.
#
# **Deeper:** [03da](03da_roll.ipynb) maps a rolled sheet whose true map is known; [03e](03e_linear.ipynb) looks closer at
# PCA. **Next:** [lesson 04](04_denoising.ipynb).
#
# ### Papers
# - J. B. Tenenbaum, V. de Silva, J. C. Langford (2000). *A global geometric framework for nonlinear dimensionality
#   reduction.* Science 290, 2319–2323. (Isomap)
# - J. Venna, S. Kaski (2001). *Neighborhood preservation in nonlinear projection methods: an experimental study.*
#   ICANN, 485–491. (trustworthiness)
# - L. van der Maaten, G. Hinton (2008). *Visualizing data using t-SNE.* Journal of Machine Learning Research 9,
#   2579–2605.
