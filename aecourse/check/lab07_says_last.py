"""Lab 07, exercises 5 and 6, the unlabelled bound and the whole loss: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake
from aecourse.check.lab07_says import ZERO_LOG_ZERO

# ---- 5 --------------------------------------------------------------------------------------------------------------

UNLABELLED = (
    Mistake("no entropy", {"entropy": "none"},
            "The entropy is missing. Without it the best q(y|x) puts everything on one class: the model is paid for "
            "being sure, whether it is right or not."),
    Mistake("entropy sign", {"entropy": "plus"},
            "The entropy has the wrong sign: U = Σ q L − H. U is a loss, and doubt makes it smaller."),
    Mistake("mean entropy", {"entropy": "mean"}, "The entropy is a mean over the classes; their sum is meant."),
    Mistake("unweighted entropy", {"entropy": "unweighted"},
            "The logarithms of q are added up without their weights: the entropy is −Σ q log q."),
    Mistake("log C", {"entropy": "uniform"},
            "The entropy is always log C here, that of q = 1/C. It depends on the image: −Σ q log q."),
    Mistake("entropy of the batch", {"entropy": "batch"},
            "The entropy is averaged over the batch; each image has its own."),
    Mistake("entropy twice", {"entropy": "product"}, "The entropy is counted twice."),
    Mistake("log of softmax", {"log": "log of softmax"}, ZERO_LOG_ZERO),
    Mistake("logits for log q", {"log": "logits"},
            "In the entropy the logits stand where log q belongs. Logits are log q only up to a constant of each "
            "image, and that constant is missing: `log_softmax(1)`."),
    Mistake("bits", {"log": "bits"}, "The entropy is in bits, base 2. The bounds are in nats: the natural logarithm."),
    Mistake("softmax over the images", {"q": "images"},
            "The softmax runs over the images, dimension 0. Each image has probabilities over the classes of its own: "
            "dimension 1."),
    Mistake("logits for q", {"q": "logits"},
            "The logits are taken for probabilities: they can be negative, and do not sum to 1. A softmax is missing."),
    Mistake("sigmoid", {"q": "sigmoid"},
            "q is a sigmoid of each logit. An image has one class: probabilities that sum to 1, a softmax."),
    Mistake("uniform", {"q": "uniform"},
            "All classes have the same weight, 1/C: this is a mean over the classes. The classifier says how probable "
            "each of them is."),
    Mistake("most probable class", {"q": "best"},
            "Only the most probable class counts. That is a pseudo-label; to marginalise is to weigh all classes by "
            "q(y|x)."),
    Mistake("log q as weights", {"q": "log"},
            "log q stands where q belongs: weights are probabilities."),
    Mistake("exp", {"q": "exp"},
            "The weights are exp(logit), not divided by their sum: they have to sum to 1."),
    Mistake("from the bounds", {"q": "bounds"},
            "The weights are the softmax of the bounds, −L. That would be the best q of all for this image; but q(y|x) "
            "is the classifier's, and it is what has to learn."),
    Mistake("upside down", {"q": "upside"}, "The logits enter the softmax with the wrong sign."),
    Mistake("bounds upside down", {"q": "bounds up"},
            "The weights are the softmax of the bounds, with the wrong sign, too. The classifier's q is meant."),
    Mistake("mean over the classes", {"reduce": "mean"},
            "q · L is averaged over the classes. The weights sum to 1 already: add up."),
    Mistake("smallest bound", {"reduce": "min"},
            "The smallest of the bounds is taken. All of them count, each weighed by q."),
    Mistake("unweighted", {"reduce": "all"}, "The bounds are added up without their weights, q."),
    Mistake("the bound itself", {"sign": -1},
            "This is −U, the bound itself. `fit` makes the loss small: U is asked for."),
    Mistake("mean over the batch", {"over": "batch"},
            "The images are averaged, too. One number for each image is asked for; only `fit` averages."),
    Mistake("sum over the batch", {"over": "all"}, "The images are summed, too. One number for each is asked for."),
)
UNLABELLED_ERRORS = {
    "Dimension out of range": "The classes are dimension 1.",
    "only integer tensors": "Weigh all classes; nothing is chosen here.",
}

# ---- 6 --------------------------------------------------------------------------------------------------------------

LOSS = (
    Mistake("no classifier term", {"term": "none"},
            "The term −α log q(y|x) is missing. L(x, y) knows nothing of q(y|x), so no label would ever reach the "
            "classifier: this is the M2 that ignores its labels."),
    Mistake("sign of the classifier term", {"term": "minus"},
            "The classifier's term has the wrong sign: it would learn to avoid the right class. −log q(y|x) is "
            "positive."),
    Mistake("q in place of −log q", {"term": "p"}, "q(y|x) is added where −log q(y|x) belongs."),
    Mistake("minus q", {"term": "minus p"}, "−q(y|x) is added where −log q(y|x) belongs: the logarithm is missing."),
    Mistake("logit", {"term": "logit"},
            "The logit of the right class stands where its log-probability belongs: take `log_softmax(1)` first."),
    Mistake("mean classifier term", {"term": "mean"},
            "−log q is averaged over the labelled images (as `F.cross_entropy` does by default). Each image has its "
            "own: `reduction=\"none\"`."),
    Mistake("no alpha", {"weigh": "none"}, "α is missing: the classifier's term has the weight 1."),
    Mistake("alpha on L", {"weigh": "L"}, "α multiplies L; it is the weight of −log q(y|x)."),
    Mistake("alpha on both", {"weigh": "both"},
            "α multiplies both terms of the labelled images. It is the weight of −log q(y|x) alone."),
    Mistake("convex", {"weigh": "convex"},
            "L is weighted with 1 − α. α is no share: L has the weight 1, and −log q(y|x) the weight α."),
    Mistake("alpha on U", {"weigh": "U"}, "α multiplies U, too. It is the weight of −log q(y|x) alone."),
    Mistake("alpha shared", {"weigh": "shared"},
            "α is divided by the number of labelled images in the batch. Here it is the weight for each of them."),
    Mistake("alpha over B", {"weigh": "batch"},
            "α is divided by the number of images in the batch. Here it is the weight for each labelled one."),
    Mistake("alpha times n", {"weigh": "times n"},
            "α is multiplied by the number of labelled images. Here it is the weight for each of them."),
    Mistake("pseudo-labels", {"weigh": "pseudo"},
            "The images without a label get a classifier's term, too, for their most probable class. Nobody knows "
            "their label: they have U alone."),
    Mistake("everybody's classifier term", {"weigh": "everybody"},
            "The images without a label get a classifier's term, too. They have U alone."),
    Mistake("-1 as an index", {"who": "everybody"},
            "Images without a label are treated as labelled: as an index, −1 is the last class. Ask `y >= 0` first."),
    Mistake("class 0", {"who": "y > 0"}, "Class 0 is taken for \"no label\": `y > 0` should be `y >= 0`."),
    Mistake("swapped", {"who": "swapped"},
            "The two kinds are swapped: images with a label get U, those without one get L of class −1, the last."),
    Mistake("L plus U", {"labelled": "plus U"},
            "Images with a label pay U as well as L. U is for those without one."),
    Mistake("U for all", {"labelled": "U"},
            "Images with a label pay U, as if nobody knew it. Of theirs L(x, y) is known: the bound of their own "
            "class."),
    Mistake("no L", {"labelled": "none"}, "L(x, y) is missing: images with a label train only the classifier."),
    Mistake("mean L", {"labelled": "mean"},
            "Images with a label pay the mean over all classes. Take the bound of their own class, y."),
    Mistake("L of the guess", {"labelled": "best"},
            "Images with a label pay the bound of the class that the classifier guesses. Their own class is y."),
    Mistake("no entropy", {"unlabelled": "no entropy"},
            "The entropy is missing for images without a label: use `m2_unlabelled_ok`."),
    Mistake("entropy sign", {"unlabelled": "entropy sign"},
            "For images without a label the entropy has the wrong sign: use `m2_unlabelled_ok`."),
    Mistake("L of the best class", {"unlabelled": "best"},
            "Images without a label pay the bound of the most probable class. That is a pseudo-label; U weighs all "
            "classes."),
    Mistake("smallest L", {"unlabelled": "min"},
            "Images without a label pay the smallest bound. U weighs all classes by q(y|x)."),
    Mistake("mean for the others", {"unlabelled": "mean"},
            "Images without a label pay the mean over the classes. U weighs them by q(y|x), and has the entropy."),
    Mistake("best q", {"unlabelled": "free"},
            "Images without a label pay −log Σ exp(−L), as if q(y|x) were perfect; then the classifier learns nothing "
            "from them. U is computed with the classifier's own q."),
    Mistake("labelled alone", {"unlabelled": "zero"},
            "Images without a label pay nothing, so nothing is learned from them. They pay U."),
    Mistake("labelled first", {"order": "labelled first"},
            "The numbers are right and in another order: first those with a label, then the others. `fit` wants one "
            "for each image, in the order of the batch: `torch.where(y >= 0, ..., ...)`."),
    Mistake("labelled returned", {"over": "labelled"},
            "Only the labelled images come back. One number for every image is asked for."),
    Mistake("two sums", {"over": "pair"}, "Two sums come back. One number for each image is asked for."),
    Mistake("mean over the batch", {"over": "batch"},
            "The images are averaged, too. One number for each image is asked for; only `fit` averages."),
    Mistake("sum over the batch", {"over": "all"},
            "The images are summed, too, as the formula has it. Here one number for each is asked for, and `fit` "
            "averages."),
    Mistake("sign", {"sign": -1}, "The whole has the wrong sign: `fit` makes it small, so it is a sum of losses."),
)
LOSS_ERRORS = {
    "out of bounds": "`gather`, `one_hot` and `cross_entropy` take no class −1: let the images without a label look up "
                     "class 0 (`y.clamp(min=0)`), and throw what they find away with `torch.where`.",
    "Class values must be non-negative": "`one_hot` takes no class −1: `y.clamp(min=0)` first, and `torch.where` "
                                         "afterwards.",
    "must be smaller than num_classes": "`one_hot` needs to be told the number of classes: `by_class.shape[1]`.",
    "Dimension out of range": "The classes are dimension 1.",
}
