"""One number for each image: the other ways to reduce a table (B, D)."""

from torch import Tensor

from aecourse.check.engine.exercise import Mistake

REDUCE = (
    Mistake("mean over the batch", {"reduce": "batch"},
            "The images are averaged too, so one number comes back. Asked for is one for each image; only `fit` "
            "averages."),
    Mistake("sum of everything", {"reduce": "all"},
            "The images are summed too, so one number comes back for the whole batch. Sum within each image alone: "
            "dimension 1."),
    Mistake("mean of everything", {"reduce": "mean of all"},
            "This is one mean over all numbers of the batch. Asked for is a sum for each image."),
    Mistake("sum over the images", {"reduce": "images"},
            "The sum runs over the images, dimension 0. The numbers of one image stand in dimension 1."),
    Mistake("mean over the images", {"reduce": "mean of images"},
            "This is a mean over the images, dimension 0. Asked for is a sum for each image, dimension 1."),
    Mistake("over B", {"reduce": "over B"},
            "The sum is divided by the number of images. An image's number must not depend on the others."),
    Mistake("the batch's mean for each", {"reduce": "expanded"},
            "Every image is given the mean of the batch. Each has a number of its own."),
    Mistake("largest", {"reduce": "max"}, "Only the largest of an image's numbers is taken; they are added up."),
)


def reduced(each: Tensor, reduce: str) -> Tensor:
    """Return a table (B, D) summed over its columns, or reduced in one of the ways that are not asked for."""
    return {"sum": lambda: each.sum(1), "mean": lambda: each.mean(1), "images": lambda: each.sum(0),
            "mean of images": lambda: each.mean(0), "all": lambda: each.sum(), "mean of all": lambda: each.mean(),
            "batch": lambda: each.sum(1).mean(), "none": lambda: each, "over B": lambda: each.sum(1) / len(each),
            "expanded": lambda: each.sum(1).mean().expand(len(each)), "max": lambda: each.max(1).values}[reduce]()
