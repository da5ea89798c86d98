"""Exercise 3, a bug hunt: a share of the pixels becomes black, but dropout also rescales the rest. It is measured."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from aecourse.check.engine.exercise import Exercise, Mistake
from aecourse.check.lab04._chance import CHANCE, ERRORS, FACTS
from aecourse.check.lab04._exchange import KEPT, SHARE, draw, exchange, exchange_facts

MISTAKES = (
    Mistake("rescaled", {"rest": "rescaled"},
            "The pixels that stay are divided by 1 − share, as dropout does, so grey ones become brighter. Dropout "
            "keeps a layer's mean that way; an image has to stay as it is."),
    Mistake("weaker", {"rest": "weaker"},
            "The pixels that stay are multiplied by 1 − share. They should stay as they are."),
    Mistake("mask alone", {"rest": "white"},
            "The image is gone: what comes back is the mask itself, 0 and 1. Where a pixel is not hit, `x` should "
            "stand."),
    Mistake("twice the share", {"masks": "double"}, "Twice the share is masked."),
    Mistake("white", {"colours": "white"}, "The masked pixels become white; 0 is black."),
    Mistake("grey", {"colours": "grey"}, "The masked pixels become grey. Masked is 0, black."),
    Mistake("salt and pepper", {"colours": "both"},
            "Half of the masked pixels become white: that is exercise 2. Masked is 0, black."),
    *SHARE[:-1],
    *CHANCE,
)


def reference(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    return x * (torch.rand(x.shape, generator=generator, device=x.device) >= share)


def oracle(*case: Any) -> dict[str, str]:
    return {**KEPT, "values": "black alone"}


def family(**changes: Any) -> Any:
    """Return x with a share of its pixels set to 0, with the given changes."""
    return partial(exchange, **{"colours": "black"} | changes)


probe = partial(exchange_facts, coins=False)

EXERCISE = Exercise(
    "masking", "3 · Bug hunt: masking by dropout", "function", 1, 5,
    reference=reference, oracle=oracle, draw=draw, sizes=(300, 200), probe=probe,
    arguments=("x", "share", "generator"), family=family, facts=FACTS, errors=ERRORS, mistakes=MISTAKES,
    hints=("Compare the brightest pixel before and after. What has dropout done to the pixels that it keeps?",
           "Two things are wrong with it: the pixels that stay are rescaled, and the generator is not used.",
           "Draw as in exercise 2, and put a 0 where a pixel is hit."),
    why="Dropout divides what it keeps by 1 − share, so that the mean input of the next layer is the same with and "
        "without it. For a picture that is a second damage: white becomes whiter than white, and a net that is "
        "asked for the clean image has to undo it.")
