"""Exercise 1: choose n images that get a label, the same number of each class.

Which images are chosen is free, so no value can be foreseen: counted are images, classes and repeats, and whether the
choice comes from the generator. Facts are plain values.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.chance import origin
from aecourse.check.engine.exercise import Case, Exercise, Mistake
from aecourse.check.engine.words import a

CLASSES = 10
MISTAKES = (
    Mistake("unstratified", {"stratify": "none"},
            "The classes are not equally many, as where the images are chosen from all of them together. Choose class "
            "by class, n/10 of each."),
    Mistake("first n", {"stratify": "none", "pick": "first"},
            "These are the first n images, whichever way they are ordered. Which ones is not left to chance, and the "
            "classes are not equally many."),
    Mistake("last n", {"stratify": "none", "pick": "last"},
            "These are the last n images, whichever way they are ordered. Which ones is not left to chance, and the "
            "classes are not equally many."),
    Mistake("in proportion", {"stratify": "share"},
            "The classes have the same shares as in all labels. Here each class gets the same number, n/10, however "
            "frequent it is."),
    Mistake("n of each", {"stratify": "n"},
            "Each class gets n images where n/10 are asked for: n counts all classes together."),
    Mistake("class 9 left out", {"stratify": "nine"},
            "The last class is left out: `range(9)` ends at 8. The classes are 0 to 9."),
    Mistake("class 0 left out", {"stratify": "one to nine"},
            "Class 0 is left out: the classes are 0 to 9, not 1 to 9."),
    Mistake("first of each class", {"pick": "first"},
            "The classes are right; but whichever way they are ordered, these are always the first images of each "
            "class. Shuffle all of a class's images with the generator before you take n/10 of them."),
    Mistake("last of each class", {"pick": "last"},
            "The classes are right; but whichever way they are ordered, these are always the last images of each "
            "class. Shuffle all of a class's images with the generator before you take n/10 of them."),
    Mistake("with replacement", {"pick": "again"},
            "Some images are chosen more than once, as when each place is chosen anew (`randint`). Take the beginning "
            "of a permutation, `randperm`."),
    Mistake("every m-th", {"pick": "every m-th"},
            "The classes are right; but whichever way they are ordered, these are always images at equal distances, "
            "every m-th of each class. Shuffle all of a class's images with the generator before you take n/10 of "
            "them."),
    Mistake("first half", {"pick": "first half"},
            "Some images can never be chosen: only the first half of each class is shuffled. Shuffle all of a class's "
            "images, then take n/10."),
    Mistake("but the last", {"pick": "but the last"},
            "The last image of each class can never be chosen: `randperm(k)` gives all numbers from 0 to k − 1, and k "
            "is the class's size."),
    Mistake("block", {"pick": "block"},
            "In each class it takes images that lie next to each other, at each call. Only where they begin is random, "
            "so neighbours are chosen together or not at all. Shuffle each class's images."),
    Mistake("own seed", {"source": "own"},
            "The images are the same at every call, as where a seed is set inside, or nothing is chosen at "
            "random. Then all choices of labels would be one. Use the generator that is handed in, and leave its "
            "seed alone."),
    Mistake("generator ignored", {"source": "global"},
            "The chance does not come from the generator that is handed in, so a run cannot be repeated: "
            "`torch.randperm(k, generator=generator)`."),
    Mistake("places within the class", {"give": "positions"},
            "These are places within each class, counted from its own first image. The class's images have numbers of "
            "their own in `labels`: use the places as an index into them."),
    Mistake("labels", {"give": "labels"},
            "It returns the labels of the chosen images. Asked for is where they are: their indices."),
    Mistake("mask", {"give": "mask"},
            "It returns a mask, one truth value for every image. Asked for are n indices; `.nonzero().flatten()` turns "
            "one into the other."),
    Mistake("table", {"give": "table"},
            "It returns a table with one row for each class. One long tensor of indices is asked for: `torch.cat` "
            "puts pieces behind each other."),
    Mistake("list of pieces", {"give": "parts", "stratify": "equal"},
            "It returns a list. Asked for is one tensor of indices: `torch.cat(...)` of the pieces."),
    Mistake("floats", {"give": "float"},
            "The indices are floats; an index is a whole number, int64."),
    Mistake("NumPy", {"give": "numpy"}, "It returns a NumPy array; a tensor is asked for: `torch.from_numpy(...)`."),
    Mistake("images and labels", {"give": "both"},
            "It returns several things. The indices alone are asked for."),
)
ERRORS = {
    "not iterable": "`nonzero()` and `randperm` give tensors; did you mean to loop over `range(10)`?",
    "generator": "The generator is given by name: `torch.randperm(k, generator=generator)`.",
    "as_tuple": "`(labels == c).nonzero().flatten()` lists the images of class c.",
    "expected a non-empty list": "`torch.cat` was given no pieces.",
    "same size": "Pieces of different lengths: does each class give n // 10?",
}


# ---- the right answer, and fresh inputs -----------------------------------------------------------------------------


def reference(labels: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Return the places of n images, n/10 of each class."""
    chosen = []
    for c in range(10):
        members = (labels == c).nonzero().flatten()
        chosen.append(members[torch.randperm(len(members), generator=generator)[: n // 10]])
    return torch.cat(chosen)


def oracle(labels: Tensor, n: int, seed: int) -> dict[str, Any]:
    """Return the facts of the right answer."""
    return {"gives": "indices", "labels": "untouched", "number": "n", "where": "anywhere", "repeats": "none",
            "classes": "n/10 of each", "chance": "from the generator", "pick": "by chance", "rare": "chosen",
            "reach": "every image"}


def draw(generator: torch.Generator, size: int) -> Case:
    """Return shuffled labels of ten classes, some far more frequent than others, and n."""
    share = {1: (3, 5), 2: (6, 9)}[size]
    each = int(torch.randint(*share, (), generator=generator))
    counts = torch.randint(each + 3, 10 * each, (CLASSES,), generator=generator)
    counts[torch.randint(CLASSES, (), generator=generator)] = 12 * each
    labels = torch.arange(CLASSES).repeat_interleave(counts)
    labels = labels[torch.randperm(len(labels), generator=generator)]
    seed = int(torch.randint(1_000_000, (), generator=generator))
    return Case((labels, each * CLASSES, seed), f"{len(labels)} labels, n = {each * CLASSES}, a generator")


# ---- wrong answers --------------------------------------------------------------------------------------------------


def family(**changes: Any) -> Any:
    """Return a function that chooses n images, with the given changes."""
    return partial(_choose, **changes)


def _choose(labels: Tensor, n: int, generator: torch.Generator, *, stratify: str = "equal", pick: str = "random",
            source: str = "generator", give: str = "indices") -> Any:
    rng = {"generator": generator, "global": None, "own": torch.Generator().manual_seed(0)}[source]

    def some(members: Tensor, k: int) -> Tensor:
        places = {"random": lambda: torch.randperm(len(members), generator=rng)[:k],
                  "first": lambda: torch.arange(k), "last": lambda: torch.arange(len(members) - k, len(members)),
                  "block": lambda: torch.randint(len(members) - k + 1, (1,), generator=rng) + torch.arange(k),
                  "every m-th": lambda: torch.arange(k) * (len(members) // k),
                  "again": lambda: torch.randint(len(members), (k,), generator=rng),
                  "but the last": lambda: torch.randperm(len(members) - 1, generator=rng)[:k],
                  "first half": lambda: torch.randperm(max(k, len(members) // 2), generator=rng)[:k]}[pick]()
        return places if give == "positions" else members[places]

    if stratify == "none":
        parts = [some(torch.arange(len(labels)), n)]
    else:
        exact = n * labels.bincount(minlength=CLASSES) / len(labels)
        shares = exact.floor().long()
        shares[(exact - shares).topk(int(n - shares.sum())).indices] += 1
        each = {"equal": [n // CLASSES] * CLASSES, "n": [n] * CLASSES, "share": shares.tolist(),
                "nine": [n // CLASSES] * 9, "one to nine": [0] + [n // CLASSES] * 9}[stratify]
        parts = [some((labels == c).nonzero().flatten(), k) for c, k in enumerate(each) if k]
    chosen = torch.cat(parts)
    return {"labels": lambda: labels[chosen], "mask": lambda: torch.zeros(len(labels), dtype=torch.bool).index_fill(
        0, chosen, True), "table": lambda: torch.stack(parts), "float": lambda: chosen.float(),
        "numpy": lambda: chosen.numpy(), "both": lambda: (chosen, labels[chosen]),
        "parts": lambda: parts}.get(give, lambda: chosen)()


# ---- what a tutor looks at ------------------------------------------------------------------------------------------

FACTS = {
    "gives": "It returns {got}; a tensor of n indices, int64, is asked for.",
    "labels": "It changes the labels that it is given. Work on a copy.",
    "number": "The number of indices is not n: it is {got}.",
    "where": "The indices lie {got}: they should be numbers of images, from 0 to N − 1, spread over all of them.",
    "repeats": "Some images are chosen more than once.",
    "classes": "The classes of the chosen images are not n/10 of each, but: {got}.",
    "chance": "The choice is {got}; it has to be new at every call, and come from the generator alone.",
    "pick": "It takes {got}; which images it takes must be left to chance.",
    "rare": "For n = 10 and a class that has a single image, {got}.",
    "reach": "Called often, it {got}. Every image of a class must have its chance.",
}
NEIGHBOURS = "always chooses images that lie next to each other in their class"


def probe(choose: Callable, case: Case) -> dict[str, Any]:
    """Choose with several generators; return what came of it."""
    labels, n, seed = case.args
    given = labels.clone()
    chosen = choose(given, n, torch.Generator().manual_seed(seed))
    seen: dict[str, Any] = {"gives": _form(chosen, len(labels), n),
                            "labels": "untouched" if torch.equal(given, labels) else "changed"}
    if seen["gives"] != "indices":
        return seen
    size = len(chosen)
    seen["number"] = "n" if size == n else {n * CLASSES: "10 n", n // CLASSES: "n/10"}.get(
        size, "smaller" if size < n else "larger")
    counts = labels.bincount(minlength=CLASSES)
    inside = size > 0 and int(chosen.min()) >= 0 and int(chosen.max()) < len(labels)
    seen["where"] = ("outside" if not inside else "among 0 to 9" if int(chosen.max()) < CLASSES else
                     "at the beginning" if int(chosen.max()) < max(n, int(counts.max())) else "anywhere")
    if seen["where"] in ("outside", "among 0 to 9"):  # the rest would follow from that
        return seen
    seen["repeats"] = "none" if len(chosen.unique()) == size else "some"
    seen["classes"] = _classes(labels[chosen], n, counts)
    seen["chance"] = origin(lambda g: choose(labels.clone(), n, g).sort().values, seed)
    seen["pick"] = _pick(labels, chosen.sort().values, n)
    if [seen[name] for name in ("classes", "chance", "repeats")] == ["n/10 of each", "from the generator", "none"]:
        seen["rare"] = _rare(choose, seed)
        seen["reach"] = _reach(choose, seed)
    return seen


def _form(value: Any, n_labels: int, n: int) -> str:
    if not isinstance(value, Tensor):
        return "None" if value is None else a(value)
    if value.dtype == torch.bool:
        return "a mask" if value.shape == (n_labels,) else "truth values"
    if value.dim() != 1:
        usual: dict[tuple[int, ...], str] = {(CLASSES, n // CLASSES): "a table with one row for each class",
                                             (n, 1): "a column, shape (n, 1)"}
        return usual.get(tuple(value.shape), f"a tensor of {value.dim()} dimensions")
    return "indices" if value.dtype == torch.int64 else f"numbers of the type {str(value.dtype).removeprefix('torch.')}"


def _classes(labels: Tensor, n: int, all_counts: Tensor) -> str:
    counts = labels.bincount(minlength=CLASSES)
    each = n // CLASSES
    if bool((counts == each).all()):
        return "n/10 of each"
    if bool((counts == n).all()):
        return "n of each"
    if int((counts > 0).sum()) == 1:
        return "all of one class"
    missing = (counts == 0).nonzero().flatten().tolist()
    if missing and bool((counts[counts > 0] == each).all()):
        return f"without class {missing[0]}" if len(missing) == 1 else "some classes are missing"
    if bool((counts <= each).all()):
        return "n/10 of some and fewer of others"
    proportional = len(labels) * all_counts / all_counts.sum()
    return "as frequent as in all labels" if bool(((counts - proportional).abs() <= 1.0).all()) else "unequal"


def _pick(labels: Tensor, chosen: Tensor, n: int) -> str:
    for name, first in (("first", 0), ("last", len(labels) - n)):
        if torch.equal(chosen, torch.arange(first, first + n)):
            return f"the {name} n images"
    members = [(labels == c).nonzero().flatten() for c in range(CLASSES)]
    if torch.equal(chosen, torch.cat([m[: n // CLASSES] for m in members]).sort().values):
        return "the first of each class"
    last = torch.cat([m[-(n // CLASSES):] for m in members]).sort().values
    if torch.equal(chosen, last):
        return "the last of each class"
    steps = [torch.isin(m, chosen).nonzero().flatten().diff() for m in members]
    even = all(len(s) == n // CLASSES - 1 and int(s.max() - s.min()) <= 1 for s in steps)
    return "images at equal distances in each class" if even else "by chance"


def _rare(choose: Callable, seed: int) -> str:
    """Return what becomes of a class with a single image among 541, where one image of each class is asked for."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(CLASSES).repeat_interleave(torch.tensor([60, 60, 60, 1, 60, 60, 60, 60, 60, 60]))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    try:
        chosen = labels[choose(labels.clone(), CLASSES, generator)]
    except Exception as error:  # an answer can raise anything
        return f"it raises {type(error).__name__}: {error}".rstrip(".")
    return "chosen" if sorted(chosen.tolist()) == list(range(CLASSES)) else "not every class is chosen once"


def _reach(choose: Callable, seed: int) -> str:
    """Return whether every image is chosen now and then: four of seven in each class, thirty times."""
    labels = torch.arange(CLASSES).repeat(7)
    generator = torch.Generator().manual_seed(seed)
    reached, blocks = torch.zeros(len(labels), dtype=torch.bool), True
    for _ in range(30):
        chosen = choose(labels.clone(), 4 * CLASSES, generator)
        reached[chosen] = True
        picked = torch.zeros(len(labels), dtype=torch.bool).index_fill(0, chosen, True).view(7, CLASSES)
        blocks &= bool(((picked & ~picked.roll(1, 0)).sum(0) == 1).all())  # one begins in each class, round the end too
    never = ~reached.view(7, CLASSES)
    places = tuple(never.all(1).nonzero().flatten().tolist())
    if not never.any():
        return NEIGHBOURS if blocks else _reach_of_unequal(choose, generator)
    if not torch.equal(never.any(1), never.all(1)):  # of some classes alone
        missed = (~reached).nonzero().flatten().tolist()
        ends = {(len(labels) - 1,): "never chooses the very last of all images",
                (0,): "never chooses the very first of all images"}
        return ends.get(tuple(missed), "never chooses some of the images")
    return {(6,): "never chooses the last image of a class", (0,): "never chooses the first image of a class"}.get(
        places, f"never chooses the last {len(places)} of a class's seven images" if places[-1] == 6
        and places[-1] - places[0] + 1 == len(places) else "never chooses some of the images")


def _reach_of_unequal(choose: Callable, generator: torch.Generator) -> str:
    """Return whether every image is chosen now and then where classes are unequal: ten of each, sixty times."""
    counts = torch.tensor([35, 12, 34, 20, 35, 29, 11, 33, 35, 26])[torch.randperm(CLASSES, generator=generator)]
    labels = torch.arange(CLASSES).repeat_interleave(counts)
    labels = labels[torch.randperm(len(labels), generator=generator)]
    reached = torch.zeros(len(labels), dtype=torch.bool)
    for _ in range(60):  # that one of 35 is left out by chance: (25/35)^60, one in a thousand million
        reached[choose(labels.clone(), 10 * CLASSES, generator)] = True
    if bool(reached.all()):
        return _reach_of_large(choose, generator)
    members = [reached[labels == c] for c in range(CLASSES)]
    ends = all(bool(m[: int(m.sum())].all()) for m in members)  # what is never chosen stands at the end of its class
    return "never chooses the last images of the larger classes" if ends else (
        "never chooses some of the images where classes are unequal")


def _reach_of_large(choose: Callable, generator: torch.Generator) -> str:
    """Return whether in classes of 700 images the first and the last third get their share of the 1,000 chosen."""
    chosen = choose(torch.arange(CLASSES).repeat(700), 100 * CLASSES, generator)
    thirds = (chosen.div(CLASSES, rounding_mode="floor") * 3).div(700, rounding_mode="floor")
    first, _, last = thirds.clamp(0, 2).bincount(minlength=3).tolist()
    if min(first, last) > 220:  # of 333, with a standard deviation of 14
        return "every image"
    return f"chooses hardly any of the {'last' if last < first else 'first'} images of large classes"


EXERCISE = Exercise(
    "choose", "1 · Choose who gets a label", "function", 1, 5,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2), probe=probe, arguments=("labels", "n", "generator"),
    family=family, facts=FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("Go through the classes 0 to 9. `(labels == c).nonzero().flatten()` lists the images of class c.",
           "`torch.randperm(k, generator=generator)` shuffles the numbers 0 to k − 1. Take the first n // 10 of "
           "them, as places in that list.",
           "`torch.cat` puts the ten pieces behind each other."),
    why="With the same number of each class no digit is short of labels by chance, so that two draws differ in "
        "their images alone. The generator makes each choice repeatable, and the next one another.")
