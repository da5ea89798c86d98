"""Lab 01, exercises 6 and 7, learning from few labels: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake

# ---- 6 --------------------------------------------------------------------------------------------------------------

NOBODY = ("It is right where some image is sure, and wrong where none is: then both tensors are empty, with the shape "
          "(0,) and the type int64.")

PSEUDO_LABELS = (
    Mistake("logits", {"score": "logits"},
            "The threshold is compared with the logits. They are no probabilities: a logit of 5 says nothing before "
            "the softmax."),
    Mistake("sigmoid", {"score": "sigmoid"},
            "You take the sigmoid of each logit. The classes compete, and their probabilities add up to 1: that is the "
            "softmax."),
    Mistake("over images", {"score": "over images"},
            "The softmax runs over the images, dimension 0. Each image's classes compete with each other: dimension "
            "1."),
    Mistake("smallest", {"largest": False},
            "No image is ever sure this way. Compare the largest probability with the threshold: not the smallest, and "
            "not a logarithm, which is never above 0."),
    Mistake("below", {"side": "below"}, "You keep the images below the threshold, those that are not sure."),
    Mistake("all", {"side": "all"}, "You keep every image, sure or not: the threshold does not choose."),
    Mistake("argmin", {"pick": "smallest"}, "You label each image with its least probable class."),
    Mistake("probabilities", {"give": "probabilities"},
            "In place of the labels you return the probabilities: which class it is, is asked for: `argmax`, or the "
            "indices of `max`."),
    Mistake("all labels", {"give": "all"},
            "You return the predicted class of all images. The labels belong to the chosen images alone: index them "
            "too."),
    Mistake("index twice", {"give": "index"}, "In place of the labels you return the images' index again."),
    Mistake("one-hot", {"give": "one-hot"},
            "Your labels are rows of zeros and a one; asked for is the number of the class."),
    Mistake("rows", {"give": "rows"},
            "In place of the labels you return all probabilities of the chosen images: take the number of the "
            "largest."),
    Mistake("mask", {"which": "mask"},
            "In place of the index you return a mask, one value for each image. Asked for are the positions where it "
            "is true: `.nonzero()`, then flatten."),
    Mistake("logits back", {"which": "images"},
            "In place of the index you return the logits of the chosen images. Asked for are their positions."),
    Mistake("counted", {"which": "count"},
            "Your index counts the chosen images. It is to say which rows of `logits` they are."),
    Mistake("max", lambda logits, threshold: tuple(logits.softmax(-1).max(-1)),
            "This is what `.max(1)` gives, probability and class of every image. The threshold has to choose among "
            "them, and the positions of the chosen come first."),
    Mistake("every class", lambda logits, threshold: tuple((logits.softmax(-1) >= threshold).nonzero().T),
            "You compare every class with the threshold. Below one half two classes of one image can reach it, and the "
            "image appears twice: take the largest probability first."),
    Mistake("swapped", {"order": "labels first"}, "The two are swapped: the index comes first, then the labels."),
)

# ---- 7 --------------------------------------------------------------------------------------------------------------

SPREAD = (
    Mistake("row normalisation", {"norm": "rows"},
            "You divide each row of W by its sum, D⁻¹W. That is a random walk. Here the root of the degree divides on "
            "both sides: D^(−1/2) W D^(−1/2)."),
    Mistake("column normalisation", {"norm": "columns"},
            "You divide each column of W by its sum, W D⁻¹. Here the root of the degree divides on both sides: "
            "D^(−1/2) W D^(−1/2)."),
    Mistake("no normalisation", {"norm": "none"},
            "W is used as it is, so images with many neighbours shout loudest, and F grows at each step. Normalise it: "
            "S = D^(−1/2) W D^(−1/2)."),
    Mistake("no root", {"norm": "no root"},
            "You divide by the degrees on both sides, D⁻¹ W D⁻¹: the root is missing. It is D^(−1/2) on each side."),
    Mistake("times", {"norm": "times"}, "You multiply by the roots of the degrees; the exponent is −1/2, so divide."),
    Mistake("one side", {"norm": "one side"},
            "The root of the degree divides on one side only: D^(−1/2) stands on both sides of W."),
    Mistake("other side", {"norm": "other side"},
            "Only the columns of W are divided by the root of their degree: D^(−1/2) stands on both sides of W."),
    Mistake("one inverse", {"norm": "one inverse"},
            "One of the two exponents has the wrong sign: it is D^(−1/2) on both sides of W."),
    Mistake("self-loops", {"norm": "self-loops"},
            "You make each image its own neighbour (ones on the diagonal of W). Here W is used with its zero diagonal; "
            "an image's own label comes back through the second term."),
    Mistake("Laplacian", {"norm": "Laplacian"},
            "You multiply with the Laplacian I − S, which takes differences. Labels flow along S itself."),
    Mistake("largest", {"norm": "largest"},
            "You divide W by its largest number. The degrees normalise it: S = D^(−1/2) W D^(−1/2)."),
    Mistake("swapped", {"swapped": True},
            "alpha and 1 − alpha are swapped: alpha goes with what comes from the neighbours."),
    Mistake("no Y", {"own": "nothing"},
            "The term (1 − alpha)·Y is missing, so the known labels fade with each step."),
    Mistake("whole Y", {"own": "Y"},
            "Y is added whole; its weight is 1 − alpha, so that both weights add up to 1."),
    Mistake("F for Y", {"own": "(1 - alpha) F"},
            "You mix with the F of the step before. It is Y, the known labels, that comes back at each step."),
    Mistake("no alpha", {"flow": "S F"}, "What comes from the neighbours has no weight: alpha is missing before S·F."),
    Mistake("S Y", {"flow": "S Y"},
            "Every step starts from Y again, so labels get no farther than the next neighbours. Multiply S with the "
            "F of the step before."),
    Mistake("zeros", {"start": "zeros"},
            "You start from zeros. F starts as Y: in the limit that does not matter, after a few steps it does."),
    Mistake("even", {"start": "even"},
            "You start with the same share for all classes. F starts as Y."),
    Mistake("one step less", {"extra": -1}, "That is one step less than asked for."),
    Mistake("one step more", {"extra": 1}, "That is one step more than asked for."),
    Mistake("limit", {"extra": 99},
            "This is the limit of endlessly many steps, by an inverse matrix. Asked for are `steps` steps."),
    Mistake("hard", {"hard": True},
            "You set the labelled images back to Y after each step. That is label propagation; label spreading lets "
            "the term (1 − alpha)·Y pull them back, so that a wrong label can be outvoted."),
    Mistake("rows", {"give": "rows"},
            "You divide each row of F by its sum at the end. F itself is asked for."),
    Mistake("softmax", {"give": "softmax"}, "There is a softmax at the end. F itself is asked for."),
    Mistake("classes", {"give": "classes"},
            "You return the class with the largest value. F itself is asked for; the lab takes its `argmax` later."),
    Mistake("without Y at the end", {"give": "S F"}, "At the end F is multiplied with S once more."),
)
