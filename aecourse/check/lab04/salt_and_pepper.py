"""Exercise 2: a share of the pixels becomes black or white. What comes back is measured."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Exercise, Mistake
from aecourse.check.lab04._chance import CHANCE, ERRORS, FACTS
from aecourse.check.lab04._exchange import KEPT, SHARE, draw, exchange, exchange_facts

MISTAKES = (
    Mistake("share of each", {"masks": "double"},
            "Twice the share is exchanged: a share becomes black and as much again white. The share is that of both "
            "together."),
    Mistake("two masks of the share", {"masks": "two"},
            "You draw one mask for black and one for white, each of the whole share, so nearly twice as many pixels "
            "are exchanged. One mask says which pixels, a second draw says which colour."),
    Mistake("two masks of half", {"masks": "two halves"},
            "You draw one mask for black and one for white. Where both strike, one colour wins over the other, so too "
            "few pixels are exchanged and the colours are not equal. One mask says which pixels, a second draw which "
            "colour."),
    Mistake("only black", {"colours": "black"},
            "All exchanged pixels become black (that is exercise 3). Half of them should be white. If one random "
            "number decides both, where and which colour, it is always on the same side there: draw a second one."),
    Mistake("only white", {"colours": "white"},
            "All exchanged pixels become white. Half of them should be black. If one random number decides both, where "
            "and which colour, it is always on the same side there: draw a second one."),
    Mistake("middle grey", {"colours": "grey"},
            "The exchanged pixels become grey. Salt is 1, pepper is 0, and nothing between."),
    Mistake("any grey", {"colours": "any grey"},
            "The exchanged pixels take all sorts of greys. Salt is 1, pepper is 0, and a coin says which: "
            "`torch.rand(...) < 0.5`, as a float."),
    Mistake("rounded", {"colours": "rounded"},
            "The exchanged pixels are rounded: bright ones become white, dark ones black. Which of the two it is "
            "should be a coin's throw, whatever the pixel was."),
    Mistake("turned around", {"colours": "turned"},
            "The exchanged pixels are turned around: dark ones become white, bright ones black. Which of the two it is "
            "should be a coin's throw, whatever the pixel was."),
    Mistake("one colour per image", {"colours": "per image"},
            "In each image all exchanged pixels have one colour. Throw the coin for every pixel."),
    Mistake("one pattern of colours", {"colours": "per pixel"},
            "Whether a pixel becomes black or white is the same in every image. Throw the coin for every pixel of "
            "every image."),
    Mistake("unequal", {"colours": "few white"},
            "Black and white do not come equally often. Half of the pixels that are hit should become white, the other "
            "half black."),
    Mistake("out of range", {"colours": "signs"},
            "Some pixels end up outside of 0 to 1. Salt is 1 and pepper is 0, whatever the pixel was before: exchange "
            "it, and add nothing to it."),
    *SHARE,
    *CHANCE,
)


def reference(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    where, colour = (torch.rand(x.shape, generator=generator, device=x.device) for _ in range(2))
    return torch.where(where < share, (colour < 0.5).float(), x)


def oracle(*case: Any) -> dict[str, str]:
    return {**KEPT, "values": "black and white", "balance": "equal", "colour": "by chance"}


def family(**changes: Any) -> Any:
    """Return x with a share of its pixels black or white, with the given changes."""
    return partial(exchange, **changes)


probe = partial(exchange_facts, coins=True)

EXERCISE = Exercise(
    "salt_and_pepper", "2 · Salt and pepper", "function", 1, 8,
    reference=reference, oracle=oracle, draw=draw, sizes=(300, 200), probe=probe,
    arguments=("x", "share", "generator"), family=family, facts=FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("`torch.rand(x.shape, generator=generator) < share` is true for a share of the pixels.",
           "A second draw, compared with ½, says whether such a pixel becomes black or white.",
           "`torch.where(hit, colour, x)` takes the colour where a pixel is hit, and `x` elsewhere; "
           "`(... < 0.5).float()` is 0 or 1."),
    why="Where and which colour are two questions, and each needs a draw of its own. One number for both would be "
        "below the share in every pixel that is hit, and would always say the same colour.")
