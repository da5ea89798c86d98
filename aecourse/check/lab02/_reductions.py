"""The sum over the pixels in exercises 3 to 5: the wrong ways to take it, and the sentences about some of them."""

from torch import Tensor

from aecourse.check.engine.exercise import Mistake

# Said of every likelihood: the reduction goes wrong in the same ways.
BATCH_TOO = (
    Mistake("mean over the batch", {"reduce": "batch mean"},
            "The batch is averaged too. One number for each image is asked for; only the training loop averages."),
    Mistake("sum over everything", {"reduce": "everything"},
            "The images are summed too: one number comes back for the whole batch. Sum over the pixels alone, "
            "`.sum(-1)`."),
)
NOT_PIXELS = (
    Mistake("no sum", {"reduce": "none"},
            "One number for each pixel comes back: the sum over the pixels is missing."),
    Mistake("sum over the images", {"reduce": "images"},
            "The sum runs over the images, dimension 0. The pixels are the last dimension, −1."),
)


def reduced(per_pixel: Tensor, how: str) -> Tensor:
    """Return the sum over the pixels, or what this word puts in its place."""
    if how == "mean":
        return per_pixel.mean(-1)
    if how == "batch mean":
        return per_pixel.sum(-1).mean()
    return per_pixel.sum() if how == "everything" else per_pixel.mean() if how == "mean of all" else (
        per_pixel if how == "none" else per_pixel.sum(0) if how == "images" else per_pixel.sum(-1))
