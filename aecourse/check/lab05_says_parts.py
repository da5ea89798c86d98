"""Lab 05, exercises 4 to 6, top-k, planted features and revival: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake

NONE_DEAD = ("It is right where units are dead, and wrong where none is: then the weights stay as they are.")

# ---- 4 --------------------------------------------------------------------------------------------------------------

TOP_K = (
    Mistake("over the images", {"over": "unit"},
            "You look along dimension 0: each unit keeps its k strongest images. Each image keeps its k strongest "
            "units, dimension 1."),
    Mistake("over the batch", {"over": "batch"},
            "k numbers are kept in the whole batch. Each image keeps k of its own."),
    Mistake("batch top-k", {"over": "batch B k"},
            "The batch keeps B · k numbers together, so one image may keep more than another. That exists, under the "
            "name batch top-k; here each image keeps exactly k."),
    Mistake("one threshold", {"over": "lowest bar"},
            "All images share one threshold, so some keep more than k. Each image has a threshold of its own."),
    Mistake("same units for all", {"over": "mean of the batch"},
            "The units are chosen once for the batch, by their mean. Each image chooses its own."),
    Mistake("all positive", {"over": "positive"},
            "All positive numbers are kept, however many. Each image keeps k."),
    Mistake("by size", {"by": "size"},
            "The numbers are chosen by their absolute value. The exercise chooses by value: −3 is smaller than 1."),
    Mistake("smallest", {"by": "smallest"}, "The k smallest are kept; the largest are meant."),
    Mistake("first k", {"by": "position"}, "The first k units are kept, whatever their values."),
    Mistake("one too few", {"more": -1},
            "k − 1 numbers are kept: a `>` leaves out the number that is the threshold itself, and `>=` keeps it."),
    Mistake("one too many", {"more": 1},
            "k + 1 numbers are kept. Counting starts at 0, so the k-th largest stands at the place k − 1."),
    Mistake("mask", {"give": "mask"},
            "These are ones and zeros. The kept numbers stay as they are: multiply the mask with the activations."),
    Mistake("values only", {"give": "values"},
            "These are the k largest values alone, (B, k). The code keeps its width: put them back at their places, "
            "with zeros between."),
    Mistake("places only", {"give": "places"},
            "These are the places of the k largest, the `indices`. Asked for are the activations, with zeros at the "
            "other places."),
    Mistake("in front", {"give": "front"},
            "The k largest are moved to the front, so each value stands at another unit's place. They keep their "
            "places."),
    Mistake("others kept", {"give": "dropped"},
            "It is the other way round: the k largest are set to 0, and the others are kept."),
    Mistake("shares", {"give": "shares"}, "The kept numbers are divided by their sum; they stay as they are."),
    Mistake("softmax", {"give": "softmax"}, "There is a softmax over the kept numbers; they stay as they are."),
    Mistake("above the bar", {"give": "above"},
            "The threshold is subtracted from the kept numbers. They stay as they are."),
    Mistake("raised to the bar", {"give": "clipped"},
            "The other numbers are raised to the threshold (`clamp`); they are set to 0."),
    Mistake("relu", {"bend": "relu"},
            "Negative numbers among the k largest are set to 0. The exercise keeps the k largest as they are; a ReLU "
            "is another step."),
    Mistake("minus infinity", {"fill": float("-inf")},
            "The others are −inf, as before a softmax. They are set to 0."),
)

TOP_K_ERRORS = {
    "selected index k out of range": "Along dimension 0 there are only B numbers; look along the units, dimension 1.",
    "leaf Variable that requires grad": "Do not write into the activations themselves: start with "
                                        "`torch.zeros_like(a)`, or multiply with a mask.",
    "used in an in-place operation": "Do not write into the activations themselves: start with "
                                     "`torch.zeros_like(a)`, or multiply with a mask.",
    "scatter(): Expected self.dtype": "The tensor that `scatter` writes into must have the type of the activations: "
                                      "`torch.zeros_like(a)`.",
}

# ---- 5 --------------------------------------------------------------------------------------------------------------

COSINE = (
    Mistake("for each found one", {"per": "found"},
            "You take the best partner of each found feature. Then it pays to find one feature many times. Asked is "
            "the other way round: how well is each planted one found?"),
    Mistake("nothing of unit length", {"unit_found": "no", "unit_planted": "no"},
            "These are dot products. A cosine divides by both lengths, or else a long feature matches everything."),
    Mistake("found not of unit length", {"unit_found": "no"},
            "The found features are not divided by their lengths: a long one would match everything."),
    Mistake("planted not of unit length", {"unit_planted": "no"},
            "The planted features are not divided by their lengths."),
    Mistake("columns", {"unit_found": "columns", "unit_planted": "columns"},
            "Columns are brought to length 1. A feature is a row: its length is over dimension 1."),
    Mistake("whole matrices", {"unit_found": "whole", "unit_planted": "whole"},
            "The two matrices are divided by one number each (`.norm()` without a dimension). Each row has a length "
            "of its own."),
    Mistake("squared lengths", {"unit_found": "squared", "unit_planted": "squared"},
            "The rows are divided by their squared lengths: a root is missing."),
    Mistake("sums", {"unit_found": "sum", "unit_planted": "sum"},
            "The rows are divided by the sum of their absolute values. A length is the root of a sum of squares."),
    Mistake("centred", {"centre": True},
            "Each row's own mean is subtracted: these are correlations. A cosine takes the rows as they are."),
    Mistake("absolute", {"of": "size"},
            "The absolute value is taken, so that a feature and its opposite count as the same. The codes are not "
            "negative here: a feature has a direction, and its sign counts."),
    Mistake("absolute choice", {"pick": "size"},
            "The partner is chosen by the absolute value of the cosine. The largest cosine is meant, with its sign."),
    Mistake("squared", {"of": "square"}, "The cosines are squared. Then the sign is lost, too."),
    Mistake("positive part", {"of": "positive"},
            "Negative cosines are set to 0. Where every partner points away, the best cosine is negative."),
    Mistake("one minus", {"of": "one minus"},
            "This is the cosine distance, 1 minus the cosine. Asked for is the cosine: 1 is best."),
    Mistake("angles", {"of": "angle"}, "These are angles in degrees. Asked for are the cosines."),
    Mistake("distances", {"of": "distance"},
            "These are distances between the features. Asked for are the cosines."),
    Mistake("mean over all pairs", {"pick": "mean"},
            "This is the mean over all pairs. For each planted feature only its best partner counts: a maximum first."),
    Mistake("smallest", {"pick": "smallest"},
            "You take each planted feature's worst partner; the best one has the largest cosine."),
    Mistake("same place", {"pick": "same row"},
            "You compare the features at the same places. An autoencoder finds them in any order: look among all."),
    Mistake("each used once", {"pick": "pairs"},
            "Each found feature is used once. That is a stricter measure; here each planted feature looks for its best "
            "partner by itself."),
    Mistake("sum", {"average": "sum"}, "This is the sum over the planted features; asked for is the mean."),
    Mistake("over the found", {"average": "over found"},
            "The sum is divided by the number of found features. There is one best cosine for each planted one: "
            "divide by their number."),
    Mistake("over D", {"average": "over D"},
            "The sum is divided by the number of dimensions. There is one best cosine for each planted feature."),
    Mistake("one for each", {"average": "all"},
            "You return one number for each feature. Asked for is their mean."),
    Mistake("best of all", {"average": "best"},
            "This is the single best match of all. Each planted feature has its own; then comes the mean."),
    Mistake("worst", {"average": "least"}, "This is the worst of the best matches; asked for is their mean."),
    Mistake("median", {"average": "median"}, "This is the median of the best matches; asked for is their mean."),
    Mistake("share found", {"average": "share above 0.9"},
            "This is the share of planted features that are found with a cosine above 0.9. Asked for is the mean of "
            "the cosines themselves."),
)

COSINE_ERRORS = {
    "shapes cannot be multiplied": "Features are rows of D numbers. A table of all pairs multiplies (K, D) with "
                                   "(D, M): one of the two is transposed, `.T`.",
    "must match the size of tensor": "`found` and `planted` have different numbers of rows: compare every row with "
                                     "every other, in a table (K, M).",
}

# ---- 6 --------------------------------------------------------------------------------------------------------------

REVIVE = (
    Mistake("living rows", {"rows": "living"},
            "The rows of the living units are replaced, and the dead ones stay. `dead` is True for the dead."),
    Mistake("all rows", {"rows": "all"}, "All rows are replaced, and what the living units have learned is lost."),
    Mistake("first rows", {"rows": "first"},
            "The first rows are replaced, as many as there are dead units. Replace those for which `dead` is True."),
    Mistake("smallest errors", {"images": "best"},
            "You take the images with the smallest errors. They are rebuilt well without any help."),
    Mistake("reversed order", {"images": "reversed"},
            "The right images in reverse order: the first dead unit gets the image with the largest error."),
    Mistake("stored order", {"images": "stored"},
            "The right images, in the order in which they are stored. The first dead unit gets the one with the "
            "largest error."),
    Mistake("one image for all", {"images": "one"},
            "All dead units get the same image. Then they do the same from now on: give each its own."),
    Mistake("first images", {"images": "first"},
            "You take the first images, whatever their errors."),
    Mistake("image of the unit's number", {"images": "own"},
            "`dead` picks the images too. It belongs to the units; the images are chosen by their errors."),
    Mistake("worst left out", {"images": "second"},
            "The image with the largest error is left out: counting starts at 0."),
    Mistake("image as it is", {"length": "image"},
            "The images are put in as they are. Their lengths have nothing to do with the weights': bring each to "
            "length 1, then to the mean length of the living rows."),
    Mistake("length one", {"length": "one"},
            "The new rows have length 1. They should be as long as the living rows are on average, or they shout, or "
            "whisper, beside the others."),
    Mistake("not of unit length", {"length": "not unit"},
            "The images are multiplied with the mean length without being brought to length 1 before."),
    Mistake("mean of all rows", {"length": "all rows"},
            "The mean length is taken over all rows, the dead ones included. The living ones alone are the example."),
    Mistake("lengths of the dead", {"length": "dead"},
            "The mean length is that of the dead rows. The living ones are the example."),
    Mistake("own length", {"length": "own"},
            "Each new row keeps the length of the dead row before it. The living ones are the example: their mean "
            "length."),
    Mistake("median", {"length": "median"}, "This is the median of the living rows' lengths; their mean is meant."),
    Mistake("longest", {"length": "longest"}, "This is the largest of the living rows' lengths; their mean is meant."),
    Mistake("sum of the lengths", {"length": "sum"},
            "This is the sum of the living rows' lengths; their mean is meant."),
    Mistake("a fifth", {"length": "fifth"},
            "The new rows are a fifth as long as the living ones. Some authors do that; the exercise asks for the mean "
            "length itself."),
    Mistake("whole", {"length": "whole"},
            "The new rows are as long as all living weights together (`.norm()` without a dimension). Each row has a "
            "length: dimension 1. Then the mean."),
    Mistake("length of the mean", {"length": "of mean"},
            "This is the length of the mean row: rows in different directions cancel. First the lengths, then their "
            "mean."),
    Mistake("root of the mean square", {"length": "root"},
            "This is the root of the mean squared length; the plain mean of the lengths is meant."),
    Mistake("times the error", {"length": "error"},
            "The images are multiplied with their errors. The errors only choose the images."),
    Mistake("centred", {"centre": True},
            "The mean image is subtracted first. The images that come in are taken as they are."),
    Mistake("added", {"add": "to the row"},
            "The image is added to the dead row. It takes the row's place."),
    Mistake("new rows only", {"give": "new"},
            "You return the new rows alone. Asked for is the whole matrix, (K, D), with the living rows as they were."),
    Mistake("living rows lost", {"give": "others zero"},
            "The living rows are zero: start with a copy of W, `W.clone()`."),
)

REVIVE_ERRORS = {
    "shape mismatch": "There are as many dead units as `dead.sum()` says; take as many images.",
    "out of bounds": "Numbers of units and numbers of images are different things: K units, N images.",
    "mask [": "`dead` has one entry for each unit, not for each image: it can pick rows of W, not of `x`.",
    "indexed tensor": "`dead` has one entry for each unit, not for each image: it can pick rows of W, not of `x`.",
    "leaf Variable that requires grad": "Work on a copy, `W.clone()`.",
}
