"""Lab 01, exercise 4: k-means, each centre moves to the mean of its images; a cluster without any keeps its own."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.drawing import rows
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts

EMPTY = ("It is right where every cluster has images, and wrong where one has none. The mean of nothing is 0/0: such a "
         "cluster keeps its old centre, in its old place.")

MISTAKES = (
    Mistake("divided by N", {"divide": "images"},
            "You divide by the number of all images. A mean divides by the number that was added: the images of that "
            "cluster."),
    Mistake("divided by K", {"divide": "clusters"},
            "You divide by the number of clusters. A mean divides by the number that was added: the images of that "
            "cluster."),
    Mistake("sum", {"divide": "nothing"}, "This is the sum of a cluster's images: divide by how many they are."),
    Mistake("one more", {"divide": "one more"},
            "You divide by one more than the images there are. That saves the empty cluster and spoils all the "
            "others."),
    Mistake("one less", {"divide": "one less"}, "You divide by one less than the images there are."),
    Mistake("empty zero", {"empty": "zero"},
            "A cluster without images moves to zero, a black picture. It keeps its old centre."),
    Mistake("empty nan", {"empty": "nan"},
            "A cluster without images becomes NaN: its mean is 0/0. It keeps its old centre."),
    Mistake("empty mean", {"empty": "mean"},
            "A cluster without images moves to the mean of all images. It keeps its old centre."),
    Mistake("empty dropped", {"empty": "drop"},
            "A cluster without images disappears, so the later ones change their numbers. It keeps its old centre: go "
            "through all of `centres`, not through the clusters that occur."),
    Mistake("half-way", {"step": 0.5}, "The centres go half of the way. They move all the way to the mean."),
    Mistake("not moved", {"step": 0.0}, "The centres stay where they are."),
    Mistake("all images", {"of": "all"},
            "Every centre moves to the mean of all images. Each takes the mean of its own: `x[clusters == k]`."),
    Mistake("pixels too", {"of": "pixels"},
            "The mean runs over the pixels too, so a centre has one grey level. Take it over the images alone, "
            "dimension 0."),
    Mistake("with centre", {"of": "with centre"},
            "The old centre is counted as one more image. It is the mean of the images alone."),
    Mistake("shift", {"of": "shift"},
            "You return how far each centre moves. Asked for is where it arrives."),
    Mistake("added", {"of": "added"}, "You add the mean to the old centre. The mean itself is the new centre."),
    Mistake("median", {"of": "median"}, "This is the median of a cluster's images, pixel by pixel. k-means takes the "
                       "mean."),
    Mistake("largest", {"of": "largest"},
            "You take the largest value of each pixel. The mean is asked for: `.mean(0)`."),
    Mistake("others", {"of": "others"}, "You take the images that are not in the cluster: `!=` for `==`?"),
    Mistake("one image", {"of": "one"}, "You take one image of each cluster. Its mean is asked for."),
)

ERRORS = {
    "expanded size": "A centre has one number for each pixel: take the mean over the images, dimension 0.",
    "stack expects": "A centre has one number for each pixel: take the mean over the images, dimension 0.",
}


def reference(x: Tensor, clusters: Tensor, centres: Tensor) -> Tensor:
    moved = centres.clone()
    for k in clusters.unique().tolist():
        moved[k] = x[clusters == k].mean(0)
    return moved


def oracle(x: Tensor, clusters: Tensor, centres: Tensor) -> Tensor:
    belongs = (clusters[None] == torch.arange(len(centres))[:, None]).double()
    n = belongs.sum(1, keepdim=True)
    return torch.where(n > 0, belongs @ x.double() / n.clamp(min=1), centres.double()).float()


def draw(generator: torch.Generator, size: int) -> Case:
    pixels, k = (2, 2) if size == 3 else (784, 4) if size >= 40 else (4, 3)
    x, centres = torch.rand(size, pixels, generator=generator), torch.rand(k, pixels, generator=generator)
    empty = {5: 1, 7: 2}.get(size)  # in the middle, and the last
    there = [c for c in range(k) if c != empty]
    clusters = torch.tensor((there * size)[:size])  # each has one image at least
    clusters[-1] = there[0]
    clusters = clusters[torch.randperm(size, generator=generator)]
    text = f"{size} images of {pixels} pixels in {k} clusters"
    if size == 3:
        x, centres = x.round(decimals=1), centres.round(decimals=1)
        text = (f"the images {rows(x, '.1f')[1:-1]} in the clusters {clusters.tolist()}, with the old centres "
                f"{rows(centres, '.1f')[1:-1]}")
    elif empty is not None:
        text += f", of which number {empty} has none"
    return Case((x, clusters, centres), text, EMPTY if empty is not None else "")


def family(**changes: Any) -> Any:
    """Return the centres after one step, with the given changes."""
    return partial(_move, **changes)


def _move(x: Tensor, clusters: Tensor, centres: Tensor, *, divide: str = "own", empty: str = "keep",
          step: float = 1.0, of: str = "own") -> Tensor:
    moved = []
    for k, centre in enumerate(centres):
        members = x[clusters == k]
        n = len(members)
        if not n and empty != "nan" and of != "all":
            moved += {"keep": [centre], "zero": [torch.zeros_like(centre)], "mean": [x.mean(0)], "drop": []}[empty]
            continue
        by = {"own": n, "images": len(x), "clusters": len(centres), "nothing": 1, "one more": n + 1,
              "one less": max(n - 1, 1)}[divide]
        new = {"own": members.sum(0), "all": x.mean(0) * by, "pixels": members.mean(-1).sum().expand_as(centre),
               "with centre": (members.sum(0) + centre) * by / max(n + 1, 1),
               "shift": (members - centre).sum(0), "added": members.sum(0) + centre * by,
               "median": members.median(0).values * by if n else centre,
               "others": x[clusters != k].mean(0) * by, "largest": members.amax(0) * by if n else centre,
               "one": members[0] * by if n else centre}[of] / by
        moved.append(centre + step * (new - centre))
    return torch.stack(moved)


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say how far along the way from the old centre to the mean the new centres lie, if they lie on it."""
    ways = []
    for case, (g,), (w,) in zip(cases, got, want, strict=True):
        old = case.args[2].double()
        way, done = (w.double() - old), (g.double() - old)
        share = float((way * done).sum() / way.square().sum())
        if float((done - share * way).abs().max()) > 1e-4:
            break
        ways.append(share)
    if len(ways) == len(cases) and max(ways) - min(ways) < 1e-3:
        return f"The centres go {ways[0]:.3g} times the way to the mean. They move all the way, no farther and no less."
    right = [torch.isclose(g, w, atol=1e-5).all(1) for (g,), (w,) in zip(got, want, strict=True)]
    good, n = sum(int(r.sum()) for r in right), sum(len(r) for r in right)
    if good:
        return (f"Of {n} centres {good} come out right. Look at what is different about the one below: its number, the "
                "size of its cluster, its place in the loop?")
    return ""


EXERCISE = Exercise(
    "move", "4 · k-means: where the centres go", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 5, 7, 40), atol=1e-4,
    arguments=("x", "clusters", "centres"),
    gives=(Form("float32", "one centre for each cluster, shape (K, D)", row="centre"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Start with a copy, `centres.clone()`, and replace a row where there is a mean.",
           "`x[clusters == k]` are the images of cluster k, and `.mean(0)` is their mean.",
           "Where `(clusters == k).any()` is false, leave the row as it is."),
    why="Of all points the mean has the smallest sum of squared distances to a cluster's images, so this step, as "
        "the one before, can only lower the total. That is why k-means comes to rest.")
