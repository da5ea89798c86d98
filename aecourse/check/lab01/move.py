"""Lab 01, exercise 4: k-means, each centre moves to the mean of its images; a cluster without any keeps its own."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.drawing import rows
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts, roughly

EMPTY = ("It is right where every cluster has images, and not always where one has none: such a cluster keeps its old "
         "centre, in its old place, and all the others move as ever.")

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
    Mistake("empty image", {"empty": "image"},
            "A cluster without images moves to the first image. It keeps its old centre."),
    Mistake("rows stop", {"rows": "up to the largest"},
            "The rows stop at the largest number that occurs in `clusters`. There are `len(centres)` of them, also "
            "where the last clusters have no images."),
    Mistake("behind an empty one", {"behind": "stay"},
            "The clusters behind an empty one are not moved. Only the empty one keeps its old centre: is there a "
            "`break` where the loop should go on?"),
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
    Mistake("one image", {"of": "one"}, "You take the first image of each cluster. The mean of all its images is asked "
            "for."),
    Mistake("last image", {"of": "last"}, "You take the last image of each cluster: each one replaces the one before. "
            "The mean of all of them is asked for."),
    Mistake("sum on centre", {"of": "sum on centre"},
            "The sum starts with the old centre, and not with zero, before you divide. The old centre does not count."),
    Mistake("assigned anew", lambda x, clusters, centres: _move(x, torch.cdist(x, centres).argmin(1), centres),
            "You assign the images anew, to the nearest of the old centres. Where they belong stands in `clusters`."),
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
    pixels, k = {3: (2, 2), 6: (4, 4), 20: (4, 12)}.get(size, (784, 4) if 40 <= size < 100 else (4, 3))
    x, centres = torch.rand(size, pixels, generator=generator), torch.rand(k, pixels, generator=generator)
    empty = {5: [1], 6: [0, 2], 7: [2]}.get(size, [])  # in the middle, the first and another, the last
    there = [c for c in range(k) if c not in empty]
    clusters = torch.tensor((there * size)[:size])  # each has one image at least
    clusters[-1] = there[0]
    clusters = clusters[torch.randperm(size, generator=generator)]
    text = f"{size} images of {pixels} pixels in {k} clusters"
    if size == 3:
        x, centres = x.round(decimals=1), centres.round(decimals=1)
        text = (f"the images {rows(x, '.1f')[1:-1]} in the clusters {clusters.tolist()}, with the old centres "
                f"{rows(centres, '.1f')[1:-1]}")
    elif size == 8:  # a cluster of black images, and a pixel that is black in all images of another
        x[clusters == 0] = 0
        x[clusters == 1, 2] = 0
        text += "; those of cluster 0 are black"
    elif size == 20:
        text += ", some with one image"
    elif len(empty) == 1:
        text += f", of which number {empty[0]} has none"
    elif empty:
        text += f", of which {' and '.join(map(str, empty))} have none"
    return Case((x, clusters, centres), text, EMPTY if empty else "")


def family(**changes: Any) -> Any:
    """Return the centres after one step, with the given changes."""
    return partial(_move, **changes)


def _move(x: Tensor, clusters: Tensor, centres: Tensor, *, divide: str = "own", empty: str = "keep",
          step: float = 1.0, of: str = "own", rows: str = "all", behind: str = "move") -> Tensor:
    moved: list[Tensor] = []
    last = len(centres) if rows == "all" else int(clusters.max()) + 1
    for k, centre in enumerate(centres[:last]):
        members = x[clusters == k]
        n = len(members)
        if not n and behind == "stay":
            moved += list(centres[k:])
            break
        if not n and empty != "nan" and of != "all":
            moved += {"keep": [centre], "zero": [torch.zeros_like(centre)], "mean": [x.mean(0)], "image": [x[0]],
                      "drop": []}[empty]
            continue
        by = {"own": n, "images": len(x), "clusters": len(centres), "nothing": 1, "one more": n + 1,
              "one less": max(n - 1, 1)}[divide]
        new = {"own": members.sum(0), "all": x.mean(0) * by, "pixels": members.mean(-1).sum().expand_as(centre),
               "with centre": (members.sum(0) + centre) * by / max(n + 1, 1),
               "shift": (members - centre).sum(0), "added": members.sum(0) + centre * by,
               "median": members.median(0).values * by if n else centre,
               "others": x[clusters != k].mean(0) * by, "largest": members.amax(0) * by if n else centre,
               "one": members[0] * by if n else centre, "last": members[-1] * by if n else centre,
               "sum on centre": members.sum(0) + centre}[of] / by
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
    if said := roughly([g for (g,) in got], [w for (w,) in want]):
        return said
    close = [(g.double() - w.double()).abs() <= 2e-4 for (g,), (w,) in zip(got, want, strict=True)]
    zero = [w == 0 for (w,) in want]
    if all((c | z).all() for c, z in zip(close, zero, strict=True)):
        old = all(torch.equal(g[~c].double(), case.args[2][~c].double())
                  for case, (g,), c in zip(cases, got, close, strict=True))
        return ("It is wrong only where a mean is 0" + (", and there the old value stays" if old else "") + ". A mean "
                "of 0 is a mean like any other: black images are images too.")
    return _which(cases, [c.all(1) for c in close])


def _which(cases: list[Case], right: list[Tensor]) -> str:
    """Say which centres come out right on the inputs where some do not."""
    if not any(r.any() for r in right):
        return ""
    sizes = [case.args[1].bincount(minlength=len(case.args[2])) for case in cases]
    numbers = [torch.arange(len(r)) for r in right]
    for where, text in (([n == 1 for n in sizes], "of clusters with one image"),
                        ([k == 0 for k in numbers], "with the number 0"),
                        ([k == len(k) - 1 for k in numbers], "with the last number"),
                        ([k > 9 for k in numbers], "with numbers above 9")):
        rest = [~w for w in where]
        for come_right, verb in ((rest, "wrong"), (where, "right")):
            if all(torch.equal(r, t) for r, t in zip(right, come_right, strict=True)):
                what = f"The centre {text} comes" if "the" in text else f"The centres {text} come"
                other = "right" if verb == "wrong" else "wrong"
                return f"{what} out {verb}, all others {other}, on the inputs where it is wrong."
    good, n = sum(int(r.sum()) for r in right), sum(len(r) for r in right)
    return (f"Some centres come out right, and some do not. Right are {good} of {n}, on the inputs where it is wrong. "
            "Work the one below out by hand.")


EXERCISE = Exercise(
    "move", "4 · k-means: where the centres go", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(3, 5, 6, 7, 8, 20, 40, 200), atol=1e-4,
    arguments=("x", "clusters", "centres"),
    gives=(Form("float", "one centre for each cluster, shape (K, D)", row="centre"),),
    family=family, look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("Start with a copy, `centres.clone()`, and replace a row where there is a mean.",
           "`x[clusters == k]` are the images of cluster k, and `.mean(0)` is their mean.",
           "Where `(clusters == k).any()` is false, leave the row as it is."),
    why="Of all points the mean has the smallest sum of squared distances to a cluster's images, so this step, as "
        "the one before, can only lower the total. That is why k-means comes to rest.")
