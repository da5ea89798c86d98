"""Lab 01, exercises 1 to 5, steps and learning without labels: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake

# ---- 1 --------------------------------------------------------------------------------------------------------------

UPDATES = (
    Mistake("floor", {"last": "dropped"},
            "The last batch of an epoch is lost: it may be smaller, and it still makes one step. Round up."),
    Mistake("exact", {"last": "exact"},
            "There are no parts of a step: where labels are left over, they make one smaller batch. Round up."),
    Mistake("rounded", {"last": "rounded"},
            "You round to the nearest number of batches. A rest of any size makes one step: round up."),
    Mistake("always one more", {"last": "always"},
            "You add one batch always. Where the labels fill whole batches, there is no rest."),
    Mistake("at least one", {"last": "at least one"},
            "The rest is counted only where it is the one batch there is. It makes a step in every epoch: round up."),
    Mistake("no epochs", {"epochs_count": False},
            "These are the steps of one epoch; all epochs together are asked for."),
    Mistake("no batches", {"batches": False},
            "You count each image as a step. One step takes a whole batch."),
    Mistake("rounded up once", {"once": True},
            "You round up once for the whole training. A batch never reaches into the next epoch: each epoch has a "
            "smaller last batch of its own, so round up for one epoch, then multiply."),
    Mistake("batch", lambda n_labels, batch, epochs: batch * epochs,
            "This is the batch size times the epochs: the number of labels is not in it."),
)

# ---- 2 --------------------------------------------------------------------------------------------------------------

HALVES = (
    Mistake("left and right", {"cut": "middle column"},
            "These are the left and the right half. The pixels are stored row by row, so the top half is what comes "
            "first."),
    Mistake("every other row", {"cut": "rows"},
            "These are the even and the odd rows: two thin copies of the whole digit. A half is 14 rows that lie "
            "together."),
    Mistake("every other pixel", {"cut": "pixels"},
            "You take every second pixel, the even and the odd columns: two narrow copies of the whole digit. A half "
            "is 392 pixels that lie together."),
    Mistake("halves of the batch", {"cut": "images"},
            "You cut the batch, dimension 0, so one half of the images goes to each side. Each image is to be cut: its "
            "pixels are dimension 1."),
    Mistake("swapped", {"order": "bottom first"}, "The two are swapped: the top half comes first."),
    Mistake("upside down", {"mirror": True}, "The rows of the bottom half are in reverse order."),
    Mistake("whole target", {"target": "whole"},
            "The target is the whole image. Then half of the answer lies in the input, and copying it is no "
            "prediction."),
    Mistake("whole input", {"given": "whole"},
            "The input is the whole image: the answer is in the question, and there is nothing to predict."),
    Mistake("same half", {"target": "input"},
            "Input and target are the same half: copying it solves the task, and nothing is learnt from it."),
    Mistake("blank", {"form": "blank"},
            "You paint the other half black and keep all 784 pixels. Asked for are the 392 pixels of each half."),
    Mistake("not flat", {"form": "image"},
            "Your halves are still pictures, with rows and columns. Asked for are their pixels in a row, (B, 392): "
            "flatten them."),
)

HALVES_ERRORS = {
    "a tuple of 1;": "`split` and `chunk` cut dimension 0, the images, unless they are told another one: the pixels "
                     "are dimension 1.",
    "shape '[28, 28]' is invalid": "There may be more than one image: the first dimension counts them, `(-1, 28, 28)`.",
}

# ---- 3 --------------------------------------------------------------------------------------------------------------

ASSIGN = (
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

# ---- 4 --------------------------------------------------------------------------------------------------------------

EMPTY = ("It is right where every cluster has images, and wrong where one has none. The mean of nothing is 0/0: such a "
         "cluster keeps its old centre, in its old place.")

MOVE = (
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
    Mistake("one image", {"of": "one"}, "You take one image of each cluster. Its mean is asked for."),
)

MOVE_ERRORS = {
    "expanded size": "A centre has one number for each pixel: take the mean over the images, dimension 0.",
    "stack expects": "A centre has one number for each pixel: take the mean over the images, dimension 0.",
}

# ---- 5 --------------------------------------------------------------------------------------------------------------

PURITY = (
    Mistake("equal numbers", {"match": "equal"},
            "You count where the cluster's number equals the label. A cluster's number is no name: cluster 3 need not "
            "hold the threes. Look at the labels inside each cluster."),
    Mistake("mean of the clusters", {"weigh": "clusters"},
            "You average the clusters' purities, so a cluster of two images counts as much as one of two hundred. "
            "Count the images instead."),
    Mistake("classes", {"by": "classes"},
            "You look for the largest cluster of each class. Asked for is the other direction: the most frequent class "
            "of each cluster."),
    Mistake("one to one", {"match": "one to one"},
            "You give each class to one cluster only. Purity lets several clusters have the same class."),
    Mistake("largest class", {"match": "largest class"},
            "This is the share of the most frequent class of all images. Look for it in each cluster by itself."),
    Mistake("largest cell", {"match": "largest cell"},
            "You count one cluster only. Each cluster has its most frequent class: add them up."),
    Mistake("rarest", {"match": "rarest"}, "You count the rarest class of each cluster; asked for is the most "
                       "frequent."),
    Mistake("pure only", {"match": "pure only"},
            "You count the clusters that hold one class alone. In a mixed cluster the most frequent class counts too."),
    Mistake("squares", {"match": "squares"},
            "You give each image its class's share of the cluster. Purity counts the images of the most frequent class "
            "alone."),
    Mistake("percent", {"give": "percent"}, "These are per cent; asked for is a share, from 0 to 1."),
    Mistake("count", {"give": "count"}, "This is a number of images; divide it by how many there are."),
    Mistake("error", {"give": "error"}, "This is the share of the others: 1 minus the purity."),
    Mistake("per cluster", {"give": "per cluster"},
            "You divide by the number of clusters. A share of the images divides by the number of images."),
    Mistake("per class", {"give": "per class"},
            "You divide by the number of classes. A share of the images divides by the number of images."),
    Mistake("each cluster", {"give": "each"},
            "You return the purity of each cluster. Asked for is one number: count the images of all clusters "
            "together."),
)

PURITY_ERRORS = {
    "max(): Expected reduction dim": "A number may be missing among the clusters, and then there is nothing to "
                                     "count: go through those that occur, `clusters.unique()`.",
}
