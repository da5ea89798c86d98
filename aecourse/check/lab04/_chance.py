"""What exercises that draw at random share: their mistakes, what is said of their facts and errors, how chance is met.

How the random numbers are drawn is free, so no value can be foreseen. The inputs are so many pixels that every measured
number is certain enough to be called by a name.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.engine.exercise import Mistake

# With the same keyword in every family.
CHANCE = (
    Mistake("the same at every call", {"chance": "fixed"},
            "It gives the same result at every call, as if a seed were set inside. Draw from `generator`, and leave "
            "its seed alone: it goes on by itself from call to call."),
    Mistake("global state", {"chance": "global"},
            "Not all of the numbers come from the generator that is handed in, so a run cannot be repeated: give "
            "`generator=generator` to every function that draws."),
    Mistake("in place", {"in_place": True},
            "It changes the images that it is given, so the clean ones are lost. Make a new tensor: no `x += ...`, no "
            "`x[...] = ...`, no function that ends in `_`; or work on `x.clone()`."),
)
FACTS = {
    "gives": "It returns {got}; a float32 tensor with the shape of `x` is asked for.",
    "input": "It changes the images that it is given: make a new tensor, or work on `x.clone()`.",
    "one": "Of a single image, (1, D), it makes {got}; a float32 tensor with the shape of `x` is asked for.",
    "chance": "What is drawn is {got}: it has to be new at every call, and to come from `generator` alone.",
    "own": "The noise is {got}; every pixel is meant to have its own.",
}
ERRORS = {
    "Expected a 'cpu' device type for generator": "Draw where the generator lies.",
    "unexpected keyword argument 'generator'": "`torch.rand_like` and `torch.randn_like` take no generator here; "
                                               "`torch.randn(x.shape, generator=generator)` does.",
    "leaf variable": "Work on a new tensor.",
}


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """Return a random number from low to high, with three decimals."""
    return round(low + (high - low) * float(torch.rand((), generator=generator)), 3)


def source_of(chance: str, generator: torch.Generator) -> torch.Generator | None:
    """Return where the random numbers come from; None is torch's global state."""
    if chance == "fixed":
        return torch.Generator().manual_seed(0)
    return None if chance == "global" else generator


def repeated(noise: Tensor) -> str:
    """Return over what the random numbers (B, D) are repeated: means of many independent ones would hardly differ."""
    spread = noise.std()
    if spread < 1e-7:
        return "one number for all"
    if noise.mean(1).std() > 0.5 * spread:
        return "one number for each image"
    if noise.abs().amax(1).min() < 1e-7:
        return "nothing for some of the images"
    away = noise - noise.mean()
    if (away[:, 1:] * away[:, :-1]).mean() > 0.1 * spread**2:
        return "alike for neighbouring pixels"
    if noise.mean(0).std() > 0.5 * spread:
        return "the same for every image"
    return "the same for some of the images" if _pairs(noise) else "for every pixel"


def _pairs(noise: Tensor) -> bool:
    """Return whether two images share their random numbers: where they are large, which no single number decides."""
    large = (noise > noise.median()).float()
    large = large if large.mean() > 0.02 else (noise >= noise.median()).float()
    if not 0.02 < large.mean() < 0.98:
        return False
    rows = F.normalize(large - large.mean(), dim=1)  # of independent ones the cosines stay below a third
    return bool((rows @ rows.T).triu(1).max() > 0.6)
