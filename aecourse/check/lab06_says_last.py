"""Lab 06, exercises 5 and 7: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake

FAR = ("It is right for small numbers, and wrong for log weights such as −1000 or 1000, which real images have: there "
       "`exp` gives 0 or infinity. Each image needs its own largest log weight taken out before `exp`, and put back "
       "after the logarithm; `torch.logsumexp` does that.")

# ---- 5 --------------------------------------------------------------------------------------------------------------

BOUND = (
    Mistake("mean of the logs", {"of": "mean of logs"},
            "This is the mean of the logarithms, so it stays the ELBO however many samples there are. Average the "
            "weights first, then take the logarithm."),
    Mistake("no log k", {"count": "none"},
            "The weights are summed, not averaged: log k is missing. So it would grow with k even if all weights were "
            "equal."),
    Mistake("log B", {"count": "B"},
            "The sum is divided by the number of images. It has k terms, one for each sample, dimension 0."),
    Mistake("log of all", {"count": "all"},
            "The sum is divided by the number of all entries, k · B. It has k terms."),
    Mistake("k - 1", {"count": "k - 1"}, "The sum is divided by k − 1. A mean of k weights divides by k."),
    Mistake("plus log k", {"count": "times"},
            "log k is added. Dividing the sum by k takes log k off the logarithm."),
    Mistake("divided by k outside", {"of": "over k"},
            "The logarithm of the sum is divided by k. The sum is divided, inside the logarithm: that takes off "
            "log k."),
    Mistake("k taken off", {"of": "minus k"},
            "k itself is taken off the logarithm of the sum; it is log k."),
    Mistake("other axis", {"over": 1},
            "It runs over the images, dimension 1. The samples of one image stand below each other, dimension 0."),
    Mistake("naive", {"stable": "naive"},
            "It is right for small numbers only: for log weights such as −1000 or 1000 `exp` gives 0 or infinity. "
            "`torch.logsumexp` does the same without leaving the range of float32."),
    Mistake("a small number inside", {"stable": "eps"},
            "It is right for small numbers only: the small number inside the logarithm takes the place of weights that "
            "became 0. `torch.logsumexp` needs none."),
    Mistake("one peak for all", {"stable": "one peak"},
            "It is right for small numbers only: the largest log weight of the whole batch is taken out, so images "
            "far below it vanish. Each image has its own largest, dimension 0."),
    Mistake("not added back", {"stable": "not added back"},
            "The largest log weight is taken out before `exp`, and never put back. Add it after the logarithm."),
    Mistake("sum of the logs", {"of": "sum of logs"},
            "The logarithms are added, which multiplies the weights. The weights are averaged."),
    Mistake("best", {"of": "best"},
            "This is the largest log weight of each image. The mean weight counts the others too."),
    Mistake("first", {"of": "first"}, "Only the first sample is used."),
    Mistake("median", {"of": "median"}, "This is a median. The mean of the weights is asked for."),
    Mistake("mean weight", {"of": "mean"},
            "The logarithm is missing at the end: this is the mean weight itself. Asked for are nats."),
    Mistake("log of a mean of logs", {"of": "log of log"},
            "This is a logarithm of a mean of logarithms. `log_w` holds logarithms already: `exp` comes first."),
    Mistake("weighted mean of the logs", {"of": "weighted"},
            "This is a mean of the logarithms, weighted by the weights. It appears in the gradient of the bound, but "
            "the bound is the logarithm of the plain mean."),
    Mistake("log_softmax", {"of": "log softmax"},
            "`log_softmax` takes the logarithm of the sum off every entry. That sum's logarithm is what you need."),
    Mistake("sign", {"sign": -1}, "It has the wrong sign: this is the loss, and asked for is the bound itself."),
    Mistake("bits", {"base": "2"}, "These are bits; the course counts in nats, with the natural logarithm."),
    Mistake("base 10", {"base": "10"}, "The logarithm has the base 10; nats are natural logarithms."),
    Mistake("mean over the images", {"end": "mean"},
            "The images are averaged too, so one number comes back. Asked for is one for each image."),
    Mistake("sum over the images", {"end": "sum"},
            "The images are summed too, so one number comes back. Asked for is one for each image."),
    Mistake("one mean of all", {"end": "log"},
            "The weights of all images are averaged before the logarithm. Every image has a bound of its own."),
    Mistake("over B", {"end": "over B"},
            "It is divided by the number of images. An image's bound must not depend on the others."),
    Mistake("half", {"each": 0.5}, "The log weights are halved before they are used: take them as they are."),
)
BOUND_ERRORS = {
    "argument 'input'": "`torch.log` takes tensors only; the logarithm of a Python number is `math.log`.",
    "must be real number": "`math.log` takes one number; for tensors there is `.log()`.",
    "only one element tensors": "`math.log` takes one number; for tensors there is `.log()`.",
    "missing 1 required positional": "`logsumexp` asks for the dimension over which to sum.",
}

# ---- 7 --------------------------------------------------------------------------------------------------------------

BETA = (
    Mistake("turned round", {"how": "turned"},
            "It is the other way round: this is the weight of the reconstruction beside a KL of weight 1."),
    Mistake("product", {"how": "product"},
            "The two weights are multiplied. Scaling the whole loss changes no minimum, so what counts is one weight "
            "divided by the other."),
    Mistake("KL's weight alone", {"how": "kl alone"},
            "This is the weight of the KL alone. Bring the reconstruction to the sum over pixels, and the KL is scaled "
            "with it."),
    Mistake("reconstruction's weight alone", {"how": "fit alone"},
            "Only the reconstruction's reduction counts in it. The KL's own reduction gives it a weight, too."),
    Mistake("the reconstruction's weight", {"how": "fit"},
            "This is the weight of the reconstruction. Asked for is the KL's, once that of the reconstruction is 1."),
    Mistake("difference", {"how": "difference"},
            "The two weights are subtracted. Scaling the whole loss changes no minimum: divide one by the other."),
    Mistake("always D / K", {"how": "always"},
            "It is always pixels / units. That is right where both terms are means; other reductions give others."),
    Mistake("root", {"how": "root"}, "There is a square root too many."),
    Mistake("logarithm", {"how": "log"}, "There is a logarithm: β is a factor, take the ratio as it is."),
    Mistake("share", {"how": "share"},
            "This is the KL's share of both weights. β is the ratio of one to the other."),
    Mistake("sizes exchanged", {"sizes": "swapped"},
            "Pixels and units are exchanged: the reconstruction's table has a column for each pixel, the KL's one for "
            "each unit."),
    Mistake("the lab's sizes", {"sizes": "lab's"},
            "It gives the same whatever the three sizes are: are 784, 20 and 128 written into it? Use the arguments."),
    Mistake("no pixels", {"sizes": "no pixels"},
            "The number of pixels is missing: a mean of the reconstruction divides by it."),
    Mistake("no units", {"sizes": "no units"}, "The number of units is missing: a mean of the KL divides by it."),
    Mistake("pixels for both", {"sizes": "pixels twice"},
            "The number of pixels is used for both terms; the KL's table has a column for each unit."),
    Mistake("units for both", {"sizes": "units twice"},
            "The number of units is used for both terms; the reconstruction's table has a column for each pixel."),
    Mistake("reductions exchanged", {"names": "swapped"},
            "The two words are exchanged: the KL's reduction is applied to the reconstruction, and the other way "
            "round."),
    Mistake("mean without the batch", {"mean": "numbers"},
            "\"mean\" divides by the images as well, not only by the pixels or units: it is a mean over everything."),
    Mistake("mean over the batch alone", {"mean": "batch"},
            "\"mean\" is taken for a mean over the images alone. It averages over pixels or units, too."),
    Mistake("mean multiplies", {"mean": "as sum"},
            "A mean divides by the number of pixels or units; here it multiplies."),
    Mistake("mean divides by the batch twice", {"mean": "both"},
            "\"mean\" is divided by the batch once too often beside \"per image\", which is a mean over the images, "
            "too."),
    Mistake("sum as per image", {"total": "as per image"},
            "\"sum\" is taken for \"per image\". It adds the images up, and \"per image\" averages over them: a batch "
            "of B makes it B times as large."),
    Mistake("sum divided by the batch", {"total": "over B"},
            "A sum over everything is B times as large as a mean over the images; here it is B times smaller."),
    Mistake("sum times the numbers", {"total": "times n"},
            "\"sum\" is multiplied by the number of pixels or units. \"per image\" sums over them as well, so beside "
            "it only the batch counts."),
    Mistake("per image as sum", {"each": "as sum"},
            "\"per image\" is taken for a sum over everything. It sums within an image, and averages over the images."),
    Mistake("per image divided by the batch", {"each": "over B"},
            "\"per image\" is divided by the batch once too often: measure all three against it, and its weight is 1."),
    Mistake("per image as mean", {"each": "as mean"},
            "\"per image\" is taken for a mean over everything. It sums within an image; only over the images is it a "
            "mean."),
    Mistake("whole numbers down", {"whole": "floor"},
            "The ratio is cut down to a whole number: `//` or `int(...)`. Divide with `/`."),
    Mistake("rounded", {"whole": "round"}, "The ratio is rounded to a whole number; keep it as it is."),
)
BETA_ERRORS = {
    "returns None": "Is there a `return` for each of the three words, \"per image\", \"mean\" and \"sum\"?",
    "KeyError": "The three words are \"per image\", \"mean\" and \"sum\".",
    "before assignment": "Is there a value for each of the three words, \"per image\", \"mean\" and \"sum\"?",
    "not associated with a value": "Is there a value for each of the three words, \"per image\", \"mean\" and "
                                   "\"sum\"?",
}
