"""Lab 03, exercises 5 to 7, the bug, the dimension and the map: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake

# ---- 5 --------------------------------------------------------------------------------------------------------------

BEST_ERROR = (
    Mistake("centred", {"centre": "pixels"},
            "This is PCA's error: you subtract the mean, and the network does not. Look at its code once more: which "
            "image does it draw for a code of zeros?"),
    Mistake("one direction for the mean", {"centre": "pixels", "more": -1},
            "You give one direction to the mean and the others to PCA. That is near, not right: the best directions "
            "through the origin are found all at once, and none of them has to be the mean."),
    Mistake("each image's mean", {"centre": "each image"},
            "You subtract from each image its own brightness. The network subtracts nothing."),
    Mistake("one mean", {"centre": "one number"},
            "You subtract one number from all pixels. The network subtracts nothing."),
    Mistake("not squared", {"power": 1},
            "The singular values are not squared. The squared error is a sum of their squares."),
    Mistake("kept", {"keep": "first"},
            "You add up what the k numbers keep. The error is what they lose: all the others."),
    Mistake("everything", {"keep": "all"},
            "You add up all of the singular values' squares: that is the error of a black image. The first k are "
            "kept."),
    Mistake("next only", {"keep": "next"}, "You take the next direction only. Everything after the k first is lost."),
    Mistake("from the wrong end", {"keep": "smallest"},
            "The smallest are left out and the largest counted. The network keeps the largest k."),
    Mistake("one too many", {"more": 1}, "You keep k + 1 directions; the code has k numbers."),
    Mistake("one too few", {"more": -1}, "You keep k − 1 directions; the code has k numbers."),
    Mistake("not divided", {"divide": "nothing"},
            "This is the sum over all images; the mean is asked for."),
    Mistake("divided by N - 1", {"divide": "N - 1"},
            "You divide by N − 1, as for a variance. The mean over the images divides by N."),
    Mistake("mean over the pixels", {"divide": "N and D"},
            "You average over the pixels too. The squared error of an image is summed over its pixels."),
    Mistake("divided by pixels", {"divide": "D"},
            "You divide by the number of pixels. Sum over the pixels, and average over the images."),
    Mistake("share", {"divide": "total"},
            "This is a share of the whole. Asked for is the error itself: the mean over the images."),
    Mistake("root", {"root": True}, "There is a root: the squared error is asked for."),
)

# ---- 6 --------------------------------------------------------------------------------------------------------------

TWO_NN = (
    Mistake("itself", {"neighbours": (0, 1)},
            "You take the point itself for its nearest neighbour: it lies at distance 0. The first neighbour is the "
            "next one."),
    Mistake("second and third", {"neighbours": (2, 3)},
            "You take the second and the third neighbour. After the point itself, at position 0, come the first and "
            "the second, at 1 and 2."),
    Mistake("first and third", {"neighbours": (1, 3)}, "You take the third neighbour where the second belongs."),
    Mistake("upside down", {"ratio": "inverse"},
            "It is negative: the ratio is upside down (r₂ is the larger one), or there is a minus too many."),
    Mistake("difference", {"ratio": "difference"},
            "You take the difference r₂ − r₁. It grows with the scale of the data; the ratio does not."),
    Mistake("relative difference", {"ratio": "share"},
            "You take (r₂ − r₁)/r₁, which is the ratio less 1. The ratio itself is asked for."),
    Mistake("squared distances", {"distance": "squared"},
            "The distances are squared. That doubles each logarithm and halves the dimension: take the root."),
    Mistake("Manhattan", {"distance": "manhattan"},
            "These are Manhattan distances, sums of absolute differences; Euclidean ones are asked for."),
    Mistake("largest pixel", {"distance": "largest"},
            "You measure the largest difference of a single coordinate; Euclidean distances are asked for."),
    Mistake("no logarithm", {"log": "none"}, "The logarithm is missing: these are the ratios themselves."),
    Mistake("log of 1 + μ", {"log": "1p"}, "You take log(1 + μ); log μ is asked for."),
    Mistake("base 10", {"log": "10"}, "The logarithm has base 10; the natural one is asked for."),
    Mistake("base 2", {"log": "2"}, "The logarithm has base 2; the natural one is asked for."),
    Mistake("log of the mean", {"average": "log of mean"},
            "You take the logarithm of the mean ratio. Take the logarithm of each ratio first, then the mean."),
    Mistake("median", {"average": "median"},
            "You take the median of the logarithms. The most likely d comes from their mean."),
    Mistake("log 2 over median", {"average": "log 2 over median"},
            "An estimate by the median: a good one, but not the most likely d, which comes from the mean."),
    Mistake("mean of 1 over log", {"average": "mean of inverse"},
            "You divide first and average then: a single point whose neighbours are equally far spoils that mean. "
            "Average the logarithms, then divide."),
    Mistake("mean logarithm", {"give": "inverse"},
            "This is the mean of the logarithms, 1/d. The dimension is one over it."),
    Mistake("no N", {"samples": "none"},
            "This is one over the sum of the logarithms. N stands above: one over their mean."),
    Mistake("N - 1", {"samples": "N - 1"},
            "N − 1 gives the estimate without bias. The formula of the exercise, the most likely d, has N."),
)

# ---- 7 --------------------------------------------------------------------------------------------------------------

TRUSTWORTHINESS = (
    Mistake("swapped", {"swapped": True},
            "The roles of the data and the map are swapped. This is the continuity: it asks for neighbours in the data "
            "that the map has lost."),
    Mistake("lost ones", {"who": "lost"},
            "You sum over points that are neighbours in x and not in z. The sum runs over those that the map made "
            "neighbours: near in z and not in x."),
    Mistake("all neighbours", {"who": "all"},
            "You sum over all k neighbours on the map. Those that are neighbours in the data too are no intruders."),
    Mistake("kept ones", {"who": "kept"},
            "You sum over the points that are neighbours in both. The intruders are those that are near in z only."),
    Mistake("itself in the map", {"itself": "in the map"},
            "On the map each point is counted as its own nearest neighbour. Leave it out: the k others are meant."),
    Mistake("itself", {"itself": "in both"},
            "Only k − 1 neighbours of each point are looked at: was the point itself counted as the first?"),
    Mistake("one neighbour more", {"more": 1}, "There are k + 1 neighbours; the point itself does not count."),
    Mistake("ranks of the map", {"ranks": "of z"},
            "The ranks are those on the map. They are counted in the data: how far away is the intruder really?"),
    Mistake("argsort once", {"ranks": "argsort once"},
            "`argsort` gives at each place which point stands there. A rank is the inverse, at which place a point "
            "stands: `argsort` of the `argsort`."),
    Mistake("ranks from 0", {"first": 0},
            "Your ranks start at 0 for the nearest neighbour. It has rank 1, and the point itself would have 0."),
    Mistake("ranks from 2", {"first": 2}, "Each intruder costs one too much: the nearest neighbour has rank 1, and k "
                                          "is subtracted."),
    Mistake("k not subtracted", {"minus": "nothing"},
            "k is not subtracted from the ranks: an intruder at rank k + 1 costs 1."),
    Mistake("counted", {"minus": "one each"},
            "You count the intruders. Each costs its rank minus k: one from far away costs more."),
    Mistake("no 2", {"divide": "no 2"}, "The 2 in front of the sum is missing."),
    Mistake("over N k", {"divide": "N k"},
            "You divide by N k. That is the number of neighbours, not the largest cost that they can have."),
    Mistake("2 over N k", {"divide": "2 over N k"}, "The factor 2N − 3k − 1 is missing in the denominator."),
    Mistake("no N", {"divide": "no N"}, "The N in the denominator is missing: divide by N as well."),
    Mistake("N twice", {"divide": "N twice"},
            "You divide by N twice: a mean over the points where the sum belongs; N is in the factor already."),
    Mistake("no k", {"divide": "no k"}, "The k in the denominator is missing: divide by k as well."),
    Mistake("plus 1", {"divide": "plus 1"}, "In the denominator stands 2N − 3k + 1; it is 2N − 3k − 1."),
    Mistake("2 k", {"divide": "2 k"}, "In the denominator stands 2N − 2k − 1; it is 2N − 3k − 1."),
    Mistake("no 1", {"divide": "no 1"}, "In the denominator stands 2N − 3k; it is 2N − 3k − 1."),
    Mistake("not divided", {"divide": "nothing"}, "The sum is not divided by anything: 2 / (N k (2N − 3k − 1)) belongs "
                                                  "in front of it."),
    Mistake("cost", {"one": False},
            "This is what intruders cost. The trustworthiness is 1 minus that, so that 1 is best."),
    Mistake("squared", {"square": True}, "The ranks minus k are squared; they are added as they are."),
)

TRUST_ERRORS = {
    "selected index k out of range": "There are only N points: `topk` cannot find more.",
}
