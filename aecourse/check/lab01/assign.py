"""Lab 01, exercise 3: k-means, the nearest centre of each image."""

from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.drawing import rows
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts
from aecourse.check.engine.words import many

MISTAKES = (
    Mistake("farthest", {"pick": "farthest"}, "You pick the farthest centre: the nearest has the smallest distance."),
    Mistake("dot product", {"measure": "dot"},
            "You take the centre with the largest dot product: that favours long centres, far away as they may be. "
            "Written out, ‖x − c‖² = ‖x‖² − 2 x·c + ‖c‖², and the centre's own length ‖c‖² counts."),
    Mistake("cosine", {"measure": "cosine"},
            "You compare directions (the cosine). k-means compares places: the Euclidean distance."),
    Mistake("no 2", {"measure": "no 2"},
            "You leave out the 2 in ‖x − c‖² = ‖x‖² − 2 x·c + ‖c‖²."),
    Mistake("Manhattan", {"measure": "manhattan"},
            "This is the Manhattan distance, the sum of absolute differences. Square the differences before you add."),
    Mistake("largest pixel", {"measure": "largest pixel"},
            "You compare the largest difference of a single pixel. All pixels count: add their squared differences."),
    Mistake("signed", {"measure": "signed"},
            "The differences are not squared, so those of opposite sign cancel."),
    Mistake("signed size", {"measure": "signed size"},
            "You add the differences first and then take away the sign. Square each difference, then add."),
    Mistake("plus", {"measure": "plus"},
            "You measure ‖x + c‖², the length of the sum: a sign is wrong. In ‖x − c‖² = ‖x‖² − 2 x·c + ‖c‖² the "
            "product is subtracted."),
    Mistake("lengths", {"measure": "lengths"},
            "You compare the lengths ‖x‖ and ‖c‖. Two images of the same length can lie far apart: take the length of "
            "the difference."),
    Mistake("over images", {"axis": "images"},
            "You look for the nearest image of each centre. Asked for is the nearest centre of each image: the minimum "
            "runs over the centres."),
    Mistake("summed centres", {"axis": "summed centres"},
            "The sum runs over the centres, so what you pick is a pixel. Add over the pixels, the last dimension, and "
            "pick among the centres."),
    Mistake("distances", {"give": "distance"},
            "You return the squared distance to the nearest centre; asked for is which centre it is: `argmin`."),
    Mistake("roots", {"give": "root"},
            "You return the distance to the nearest centre; asked for is which centre it is: `argmin`."),
    Mistake("table", {"give": "table"},
            "You return the squared distances to all centres; asked for is the number of the smallest one."),
    Mistake("table of roots", {"give": "table of roots"},
            "You return the distances to all centres; asked for is the number of the smallest one."),
    Mistake("one-hot", {"give": "one-hot"},
            "You return a row of zeros and a one for each image; asked for is the number of the centre."),
    Mistake("from one", {"give": "one more"}, "Your numbers start at 1; an index starts at 0."),
    Mistake("centre itself", {"give": "centre"},
            "You return the centres themselves; asked for are their numbers."),
    Mistake("flat", {"give": "flat"},
            "`argmin` without a dimension gives one number for the whole table. Tell it the dimension of the centres."),
)


def reference(x: Tensor, centres: Tensor) -> Tensor:
    return torch.cdist(x, centres).argmin(1)


def oracle(x: Tensor, centres: Tensor) -> Tensor:
    distances = [np.linalg.norm(x.numpy().astype(np.float64) - c, axis=1) for c in centres.numpy()]
    return torch.from_numpy(np.argsort(np.stack(distances), axis=0)[0])


def draw(generator: torch.Generator, size: int) -> Case:
    """Return images that lie clearly nearest to one centre; some of them are farther by another measure.

    From six images on one belongs to the first centre and one to the last. At size 20 there are as many centres, and
    numbers too large for squares in half precision; two images have one centre only, and 200 are many.
    """
    pixels, k = {1: (2, 3), 2: (3, 1), 20: (5, 20)}.get(size, (784, 10) if 40 <= size < 100 else (5, 4))
    scale = 10_000 if size == 20 else 1
    apart = 2 if pixels == 784 else 0.02  # squared; more than half precision needs
    ends = (0, k - 1) if size > 2 else ()
    while True:  # three attempts on average, or fewer
        pool = 160 if pixels == 784 else 600
        centres, x = torch.rand(k, pixels, generator=generator), torch.rand(pool, pixels, generator=generator)
        if size == 1:
            centres, x = centres.round(decimals=1), x.round(decimals=1)
        two = torch.cdist(x.double(), centres.double()).square().topk(min(k, 2), largest=False).values
        x = x[two[:, -1] - two[:, 0] > apart] if k > 1 else x
        right = family()(x, centres)
        telling = torch.stack([family(measure=m)(x, centres) != right for m in ("manhattan", "dot", "no 2")])
        first = telling.all(0).nonzero().flatten()[:1] if k > 1 else torch.tensor([0])
        others = telling.any(0).nonzero().flatten()[: size // 2]
        at_ends = torch.cat([first[:0], *((right == c).nonzero().flatten()[:1] for c in ends)])
        order = torch.cat([first, at_ends, others, torch.arange(len(x))]).tolist()
        chosen = torch.tensor(list(dict.fromkeys(order))[:size])  # none twice: the nearest to a centre is one image
        enough = len(first) == 1 and len(chosen) == size and len(at_ends) == len(ends)
        if enough and (pixels < 784 or _all_differ(x[chosen], centres)):
            break
    x, centres = scale * x[chosen[torch.randperm(size, generator=generator)]], scale * centres
    if size == 1:
        return Case((x, centres), f"the image {rows(x, '.1f')[1:-1]} and the centres {rows(centres, '.1f')[1:-1]}")
    more = f", with values up to {scale:,}" if scale > 1 else ""
    return Case((x, centres), f"{size} images of {pixels} pixels and {many(k, 'centre')}{more}")


_MEASURES = {  # tables (N, K); the smallest number of a row is picked
    "euclid": lambda x, c: (x[:, None] - c).square().sum(-1),
    "manhattan": lambda x, c: (x[:, None] - c).abs().sum(-1),
    "largest pixel": lambda x, c: (x[:, None] - c).abs().amax(-1),
    "signed": lambda x, c: (x[:, None] - c).sum(-1),
    "signed size": lambda x, c: (x[:, None] - c).sum(-1).abs(),
    "plus": lambda x, c: (x[:, None] + c).square().sum(-1),
    "dot": lambda x, c: -x @ c.T,
    "cosine": lambda x, c: -F.normalize(x) @ F.normalize(c).T,
    "no 2": lambda x, c: c.square().sum(-1) - x @ c.T,
    "lengths": lambda x, c: (x.norm(dim=-1)[:, None] - c.norm(dim=-1)).abs(),
}


def _all_differ(x: Tensor, centres: Tensor) -> bool:
    """Return whether every measure sends these images to other centres than every other measure."""
    return len({tuple(_assign(x, centres, measure=name).tolist()) for name in _MEASURES}) == len(_MEASURES)


def family(**changes: Any) -> Any:
    """Return the nearest centre of each image, with the given changes."""
    return partial(_assign, **changes)


def _assign(x: Tensor, centres: Tensor, *, measure: str = "euclid", pick: str = "nearest", axis: str = "centres",
            give: str = "index") -> Tensor:
    table = _MEASURES[measure](x, centres)
    if axis == "summed centres":  # the sum runs over the centres, so a pixel is picked
        table = (x[:, None] - centres).square().sum(1)
    if pick == "farthest":
        table = -table
    if give == "flat":
        return table.argmin()
    dim = 0 if axis == "images" else 1
    index = table.argmin(dim)
    return {"index": index, "distance": table.amin(dim), "root": table.amin(dim).abs().sqrt(), "table": table,
            "table of roots": table.abs().sqrt(), "one-hot": F.one_hot(index, table.shape[dim]),
            "one more": index + 1, "centre": centres[index.clamp(max=len(centres) - 1)]}[give]


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say whether the numbers can be centres at all, and how many images are right."""
    for case, (g,) in zip(cases, got, strict=True):
        k = len(case.args[1])
        if int(g.min()) < 0 or int(g.max()) >= k:
            outside = int(g[(g < 0) | (g >= k)][0])
            return f"It gives the number {outside}, and with {k} centres the numbers go from 0 to {k - 1}."
    right = sum(int((g == w).sum()) for (g,), (w,) in zip(got, want, strict=True))
    n = sum(len(w) for (w,) in want)
    if any(len(g) > 1 for (g,) in got) and not any(bool(g.any()) for (g,) in got):
        return ("Wherever it is wrong, it sends all images to the same centre, number 0. Are the distances there too "
                "large for their type, or for the number at which a search for the smallest begins?")
    if any(len(g) > 1 for (g,) in got) and all(len(g.unique()) == 1 for (g,) in got):
        return "Wherever it is wrong, it sends all images to the same centre."
    return (f"Not every image goes to its nearest centre. It sends {right} of {n} images to the right one, on the "
            "inputs where it is wrong. Work the one below out by hand: how far is it to each centre?")


EXERCISE = Exercise(
    "assign", "3 · k-means: who belongs where", "function", 2, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 6, 20, 40, 200, 2),
    arguments=("x", "centres"), gives=(Form("int64", "the number of the nearest centre for each image, shape "
               "(N,)"),),
    family=family, look=look, mistakes=MISTAKES,
    hints=("You need a table of distances, (N, K): one row for each image, one column for each centre.",
           "`torch.cdist(x, centres)` gives that table. By hand: `x[:, None] - centres` has the shape (N, K, D); "
           "square it and add over the last dimension.",
           "`argmin` over the columns, dimension 1, gives the number of the nearest centre."),
    why="The square root and ‖x‖² do not change which centre is nearest; the centre's own length does.")
