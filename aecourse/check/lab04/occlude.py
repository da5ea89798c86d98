"""Exercise 3: a black square at a random place of each image. Where it lies is measured."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.chance import form, origin
from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.lab04._chance import CHANCE, ERRORS, FACTS, source_of

MISTAKES = (
    Mistake("one place for all", {"place": "batch"},
            "The square lies at the same place in every image of a call. Draw a row and a column for each image: "
            "`(len(x),)` numbers."),
    Mistake("diagonal", {"place": "diagonal"},
            "Row and column of the square are always the same number, so it lies on the diagonal. Draw two numbers for "
            "each image."),
    Mistake("rows alone", {"place": "left"},
            "The column of the square is always the same. Draw two numbers for each image, a row and a column."),
    Mistake("corner", {"place": "corner"}, "The square always lies in the upper left corner. Draw its place."),
    Mistake("centre", {"place": "centre"}, "The square always lies in the middle. Draw its place."),
    Mistake("last place missing", {"edge": "short"},
            "The square never reaches the last row and the last column. It can begin at 0, 1, …, 28 − side, which are "
            "29 − side places; the upper end of `torch.randint` is not drawn."),
    Mistake("partly outside", {"edge": "over"},
            "The square is not whole in every image: it begins so far to the right or below that a part of it lies "
            "outside. The last place at which it can begin is 28 − side."),
    Mistake("wrapped", {"edge": "wrap"},
            "In some images the square goes on at the opposite side. The last place at which it can begin is "
            "28 − side."),
    Mistake("one too large", {"more": 1}, "The square has one row and one column too many."),
    Mistake("one too large, cut at the end", {"more": "end"},
            "The square has one row and one column too many, but for the end of the image, which cuts it off. The last "
            "row is first + side − 1: compare with `<`, not with `<=`."),
    Mistake("one too small", {"more": -1},
            "The square has one row and one column too few: a slice `a:b` ends before b."),
    Mistake("half the side", {"more": "half"}, "The side of the square is half of what is asked for."),
    Mistake("twice the side", {"more": "double"},
            "The side of the square is twice what is asked for: `side` reaches from one end to the other, not from the "
            "middle."),
    Mistake("band", {"shape": "rows"}, "Whole rows are hidden. Choose rows and columns: a pixel has to lie in both."),
    Mistake("upright band", {"shape": "columns"},
            "Whole columns are hidden. Choose rows and columns: a pixel has to lie in both."),
    Mistake("cross", {"shape": "cross"},
            "A cross is hidden: its pixels lie in the rows of the square *or* in its columns. They have to lie in "
            "both."),
    Mistake("in a line", {"shape": "line"},
            "The hidden pixels are neighbours in the flat list of 784, a line that runs through the rows. Make images "
            "of 28 × 28 first: `x.reshape(-1, 28, 28)`."),
    Mistake("scattered", {"shape": "scattered"},
            "The pixels that change are scattered over the image. They should form a square."),
    Mistake("outside", {"shape": "outside"},
            "Everything but the square is hidden: the mask is inverted."),
    Mistake("white", {"colour": 1.0}, "The square is white; black is 0."),
    Mistake("grey", {"colour": 0.5}, "The square is grey; black is 0."),
    Mistake("darkest", {"colour": "darkest"},
            "The square gets the darkest grey level of its image. Black is asked for, 0."),
    Mistake("mean", {"colour": "mean"}, "The square gets the mean grey level of its image. Black is asked for, 0."),
    Mistake("noise", {"colour": "noise"}, "The square is filled with random grey levels; black is asked for, 0."),
    *CHANCE,
)
_FACTS = FACTS | {
    "amount": "No pixel changes.",
    "shape": "What changes is {got}; a whole square is asked for.",
    "side": "The changed pixels form {got}; side × side pixels are asked for.",
    "colour": "The changed pixels are {got}; black is asked for, 0.",
    "places": "The squares lie {got}; each image has a place of its own, drawn at random.",
    "ends": "The square never lies {got}. Every place at which it is whole should be possible: it can begin at 0, 1, "
            "…, 28 − side.",
    "even": "Some places come more often than others. All places at which the square is whole are equally likely.",
    "linked": "Row and column of the square depend on each other. Draw them independently.",
}
_ERRORS = ERRORS | {
    "from >= to": "`torch.randint(low, high, ...)` never gives `high`: for side = 28 there is one place, 0, so high "
                  "has to be 1 there.",
    "expects 'from' to be less": "`torch.randint(low, high, ...)` never gives `high`: for side = 28 there is one "
                                 "place, 0, so high has to be 1 there.",
}


def reference(x: Tensor, side: int, generator: torch.Generator) -> Tensor:
    top, left = torch.randint(0, 29 - side, (2, len(x), 1, 1), generator=generator)
    r = torch.arange(28)
    rows = (r[:, None] >= top) & (r[:, None] < top + side)
    columns = (r >= left) & (r < left + side)
    return x.masked_fill((rows & columns).reshape(len(x), -1), 0)


def oracle(*case: Any) -> dict[str, str]:
    return {"gives": "as asked", "input": "untouched", "one": "as asked", "amount": "some",
            "chance": "from the generator", "shape": "a square", "side": "side × side", "colour": "black",
            "places": "at places of their own", "ends": "anywhere", "even": "evenly", "linked": "independent"}


def draw(generator: torch.Generator, size: int) -> Case:
    x = 0.1 + 0.8 * torch.rand(size, 784, generator=generator)
    side = {400: between(4, 9, generator), 300: between(24, 26, generator), 20: 28}.get(size, 1)
    return Case((x, side, between(0, 999_999, generator)), f"{size} grey images, side = {side}, a generator")


def family(**changes: Any) -> Any:
    """Return images with a black square in each, with the given changes."""
    return partial(_occlude, **changes)


def _occlude(x: Tensor, side: int, generator: torch.Generator, *, place: str = "own", edge: str = "inside",
             more: Any = 0, shape: str = "square", colour: Any = 0.0, chance: str = "generator",
             in_place: bool = False) -> Tensor:
    source, n = source_of(chance, generator), len(x)
    begins = 29 - side  # so many places, where the end of the image cuts off what is too much
    side = min(28, {"half": max(1, side // 2), "double": 2 * side, 1: side + 1, "end": side + 1, -1: side - 1,
                    0: side}[more])
    last = begins if more == "end" else {"short": 28 - side, "over": 28, "wrap": 28}.get(edge, 29 - side)
    top, left = torch.randint(0, last, (2, n), generator=source)
    top, left = {"batch": (top[:1].expand(n), left[:1].expand(n)), "diagonal": (top, top), "left": (top, 0 * left),
                 "corner": (0 * top, 0 * left), "centre": (0 * top + (28 - side) // 2,) * 2}.get(place, (top, left))
    r = torch.arange(28)
    rows, columns = (((r - at[:, None]) % 28 < side) if edge == "wrap" else
                     ((r >= at[:, None]) & (r < at[:, None] + side)) for at in (top, left))
    rows, columns = rows[:, :, None], columns[:, None, :]
    if shape == "line":
        start = (top * 28 + left).clamp(max=784 - side * side)[:, None]
        hit = (torch.arange(784) >= start) & (torch.arange(784) < start + side * side)
    elif shape == "scattered":
        hit = torch.rand(n, 784, generator=source).argsort(1) < side * side
    else:
        hit = {"rows": rows.expand(n, 28, 28), "columns": columns.expand(n, 28, 28), "cross": rows | columns,
               "outside": ~(rows & columns)}.get(shape, rows & columns).reshape(n, 784)
    new = torch.rand(x.shape, generator=source) if colour == "noise" else {
        "darkest": x.amin(1, keepdim=True), "mean": x.mean(1, keepdim=True)}.get(colour, torch.full_like(x[:, :1], 0))
    new = torch.full_like(x, colour) if isinstance(colour, float) else new
    y = torch.where(hit, new, x)
    return x.copy_(y) if in_place else y


# ---- what is measured -----------------------------------------------------------------------------------------------


def probe(occlude: Callable, case: Case) -> dict[str, Any]:
    """Occlude grey images, none of them black anywhere; return what changed, and where."""
    x, side, seed = case.args
    given = x.clone()
    y = occlude(given, side, torch.Generator().manual_seed(seed))
    facts: dict[str, Any] = {"gives": form(y, x)}
    if not isinstance(y, Tensor) or y.shape != x.shape:
        return facts
    y = y.detach().float().clone()
    facts["input"] = "untouched" if torch.equal(given, x) else "changed"
    facts["one"] = form(occlude(x[:1].clone(), side, torch.Generator().manual_seed(seed)), x[:1])
    hit = ((y - x).abs() > 1e-6).reshape(-1, 28, 28)
    if not hit.any():
        return facts | {"amount": "none"}
    if side < 28:
        facts["chance"] = origin(lambda g: occlude(x[:20].clone(), side, g).detach(), seed)
    hit, facts["colour"] = _filled(hit, x, y)
    return facts | _squares(hit, side)


def _filled(hit: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, str]:
    """Return what changed, with the pixels that had the square's grey level before, and the square's colour."""
    new = y[hit.reshape(y.shape)]
    if not new.any():
        return hit, "black"
    if bool((new == new[0]).all()):
        return hit, "white" if float(new[0]) == 1 else "one grey"
    mine = [image[inside] for image, inside in zip(y, hit.flatten(1), strict=True)]
    if not all(len(values) and bool((values == values[0]).all()) for values in mine):
        return hit, "of many greys"
    level = torch.stack([values[0] for values in mine])[:, None]
    rows, columns = (v.int() for v in (hit.any(2), hit.any(1)))  # each image's box: from the first one on to the last
    box = [v.cummax(1).values & v.flip(1).cummax(1).values.flip(1) for v in (rows, columns)]
    hit = hit | ((box[0][:, :, None] & box[1][:, None, :]).bool() & (y == level).reshape(hit.shape))
    if torch.equal(level, x.amin(1, keepdim=True)):
        return hit, "the darkest grey of each image"
    mean = bool((level - x.mean(1, keepdim=True)).abs().max() < 1e-5)
    return hit, "the mean grey of each image" if mean else "one grey for each image"


def _squares(hit: Tensor, side: int) -> dict[str, str]:
    """Return what the changed pixels of each image form, and where these lie."""
    shape, top, left, tall, wide = _boxes(hit)
    if shape != "a square":
        inverse = side < 28 and not bool(hit.all()) and _boxes(~hit)[0] == "a square"
        return {"shape": "all but a square" if inverse else shape}
    same = bool((tall == tall[0]).all() and (wide == wide[0]).all())
    if not same:
        cut = int(tall.max()) <= side and int(wide.max()) <= side
        at_end = bool(((tall == side) | (top == 0) | (top + tall == 28)).all()
                      and ((wide == side) | (left == 0) | (left + wide == 28)).all())
        larger = all(bool((n == (28 - at).clamp(max=side + 1)).all()) and int(at.max()) <= 28 - side
                     for n, at in ((tall, top), (wide, left)))
        if larger:
            return {"side": "squares with one row and one column too many, but for the end of the image"}
        return {"side": "squares of which some are partly outside of the image" if cut and at_end else
                "rectangles of different sizes"}
    if int(tall[0]) != side or int(wide[0]) != side:
        return {"shape": "a square" if tall[0] == wide[0] else "a rectangle",
                "side": f"{int(tall[0])} × {int(wide[0])} pixels where side is {side}"}
    facts = {"shape": "a square", "side": "side × side"}
    if side == 28:
        return facts
    last = 28 - side
    still = [name for name, at in (("row", top), ("column", left)) if bool((at == at[0]).all())]
    if still:
        return facts | {"places": ("in the same " + still[0] if len(still) == 1 else "all at one place") + " "
                        + ("of every image" if len(still) == 1 else f"({int(top[0])}, {int(left[0])})"
                           if int(top[0]) == int(left[0]) in (0, last // 2) else "in this call")}
    facts["places"] = "at places of their own"
    never = [words for words, at, end in (
        ("at the upper end of the image", top, 0), ("at the lower end of the image", top, last),
        ("at the left end", left, 0), ("at the right end", left, last)) if not bool((at == end).any())]
    facts["ends"] = ", ".join(never) if never else "anywhere"
    if not never:
        facts["even"] = "evenly" if max(_uneven(at, last + 1) for at in (top, left)) < 8 else "unevenly"
    pair = torch.stack([top, left]).double()
    facts["linked"] = "independent" if abs(float(torch.corrcoef(pair)[0, 1])) < 0.4 else "linked"
    return facts


def _boxes(hit: Tensor) -> tuple[str, Tensor, Tensor, Tensor, Tensor]:
    """Return what the changed pixels form, and each image's box: first row and column, height and width."""
    rows, columns = hit.any(2), hit.any(1)
    top, left = rows.int().argmax(1), columns.int().argmax(1)
    tall, wide = (28 - v.flip(1).int().argmax(1) - first for v, first in ((rows, top), (columns, left)))
    count = hit.sum((1, 2))
    if bool((count == 0).any()):
        return "nothing in some of the images", top, left, tall, wide
    if not bool((count == tall * wide).all()):
        if bool((rows.sum(1) * columns.sum(1) == count).all()):
            return "a square in pieces, at opposite sides of the image", top, left, tall, wide
        if bool((rows.sum(1) == 28).all() and (columns.sum(1) == 28).all()) and bool((count > 60).all()) and bool(
                (hit.sum(2).amax(1) == 28).all() and (hit.sum(1).amax(1) == 28).all()):
            return "a cross", top, left, tall, wide
        flat = hit.flatten(1)
        runs = (flat[:, 1:] & ~flat[:, :-1]).sum(1) + flat[:, 0]
        if bool((runs == 1).all()):
            return "one line of neighbours in the list of 784", top, left, tall, wide
        beside = int((hit[:, :, 1:] & hit[:, :, :-1]).sum()) + int((hit[:, 1:] & hit[:, :-1]).sum())
        form_ = "scattered over the image" if beside < 0.4 * int(hit.sum()) else "of another form"
        return form_, top, left, tall, wide
    if bool((wide == 28).all()) and not bool((tall == 28).all()):
        return "a band of whole rows", top, left, tall, wide
    if bool((tall == 28).all()) and not bool((wide == 28).all()):
        return "a band of whole columns", top, left, tall, wide
    return "a square", top, left, tall, wide


def _uneven(at: Tensor, places: int) -> float:
    """Return how far the counts of the places are from even ones, in standard deviations of χ²."""
    counts, expected = torch.bincount(at, minlength=places).double(), len(at) / places
    freedom = places - 1
    return (float(((counts - expected) ** 2).sum() / expected) - freedom) / (2 * freedom) ** 0.5


EXERCISE = Exercise(
    "occlude", "3 · A hidden square", "function", 2, 9,
    reference=reference, oracle=oracle, draw=draw, sizes=(400, 300, 250, 20), probe=probe,
    arguments=("x", "side", "generator"), family=family, facts=_FACTS, errors=_ERRORS, mistakes=MISTAKES,
    hints=("`torch.randint(0, n, (len(x), 1, 1), generator=generator)` gives each image one of the numbers 0, …, n − "
           "1. At how many rows can the square begin?",
           "Compare the row numbers 0 to 27, `torch.arange(28)`, with each image's first row: which rows lie in the "
           "square? The same for the columns.",
           "With shapes (B, 28, 1) and (B, 1, 28), `rows & columns` is the mask (B, 28, 28) of the square."),
    why="A square of side s can begin at 29 − s rows and as many columns; with fewer the end of the image is never "
        "hidden, with more a part of the square is lost. A hidden square takes whole pieces of strokes: the neighbours "
        "of a lost pixel are lost, too, so no filter can bring it back.")
