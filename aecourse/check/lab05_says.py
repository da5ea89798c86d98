"""Lab 05, exercises 1 to 3, penalties and dead units: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake

ZEROS = ("It is right where no number is 0, and wrong where some are. Most numbers of a sparse code are exactly 0, and "
         "each of them adds exactly 0.")
EXTREME = ("It is right while every unit is on now and then, and wrong where a unit's mean is exactly 0 or 1. The "
           "exercise says what to do there: clamp the mean to [1e-6, 1 − 1e-6], at both ends and with these numbers, "
           "before any logarithm.")

# ---- 1 --------------------------------------------------------------------------------------------------------------

L1 = (
    Mistake("mean over the units", {"reduce": "mean"},
            "There is a mean over the units where the sum belongs: with a wider code the same penalty would weigh "
            "less."),
    Mistake("mean over the batch", {"reduce": "batch"},
            "The batch is averaged too, so one number comes back. Asked for is one for each image; only `fit` "
            "averages."),
    Mistake("sum of everything", {"reduce": "all"},
            "The images are summed too, so one number comes back for the whole batch. Sum over the units alone: "
            "dimension 1."),
    Mistake("mean of everything", {"reduce": "mean of all"},
            "This is one mean over all numbers of the batch. Asked for is a sum for each image, over its own code."),
    Mistake("sum over the images", {"reduce": "images"},
            "The sum runs over the images, dimension 0, and gives one number for each unit. The numbers of one code "
            "stand in dimension 1."),
    Mistake("mean over the images", {"reduce": "mean of images"},
            "This is the mean size of each unit over the images. Asked for is a sum for each image."),
    Mistake("no sum", {"reduce": "none"},
            "One number for each unit of each image comes back: the sum over the units is missing."),
    Mistake("over B", {"reduce": "over B"},
            "The sum is divided by the number of images. An image's penalty must not depend on the others."),
    Mistake("over the active", {"reduce": "on only"},
            "The sum is divided by the number of units that are on. That rewards a code that switches weak units on."),
    Mistake("largest", {"reduce": "max"}, "This is the largest number of each code; all of them are added up."),
    Mistake("length", {"reduce": "length"},
            "This is the length of the code, √Σz², the L2 norm. L1 adds absolute values: no square, no root."),
    Mistake("size of the sum", {"of": "plain", "reduce": "size of sum"},
            "The absolute value is taken of the sum, so numbers of opposite sign cancel. Take it first, then add."),
    Mistake("squared", {"of": "square"},
            "The numbers are squared: that is an L2 penalty. It hardly pushes on small numbers, so none becomes "
            "exactly 0."),
    Mistake("no absolute value", {"of": "plain"},
            "The absolute value is missing: a code can have negative numbers, and they would pay for the positive "
            "ones."),
    Mistake("positive part", {"of": "positive"},
            "Only positive numbers are counted. Negative ones carry as much, so they pay as well."),
    Mistake("negative part", {"of": "negative"}, "Only negative numbers are counted. All of them pay."),
    Mistake("count", {"of": "on"},
            "You count the numbers that are not 0. That is what one would like to have small, but a count is flat: no "
            "gradient says in which direction to go. L1 stands in for it."),
    Mistake("count of positive", {"of": "above 0"},
            "You count the positive numbers. A count is flat and has no gradient: add absolute values."),
    Mistake("roots", {"of": "root"}, "There is a square root of each number; L1 adds the absolute values as they are."),
    Mistake("logarithms", {"of": "log"},
            "There is a logarithm of each number. Such penalties exist, but L1 is the plain sum of absolute values."),
    Mistake("half", {"half": True}, "There is a ½ too many; it belongs to squares, if anywhere."),
    Mistake("sign", {"sign": -1},
            "It has the wrong sign: `fit` makes the loss small, so a penalty must grow with the code."),
)

L1_ERRORS = {
    "Dimension out of range": "`z` has two dimensions: the images are dimension 0, the units dimension 1.",
}

# ---- 2 --------------------------------------------------------------------------------------------------------------

DEAD = (
    Mistake("silent images", {"dimension": 1},
            "You look along the units: this is the share of images for which no unit is on. A unit is a column, so "
            "look along the images, dimension 0."),
    Mistake("share of zeros", {"images": "every entry"},
            "This is the share of zeros among all entries, the sparsity. A unit is dead only if it is zero for every "
            "image."),
    Mistake("zero for some", {"images": "some"},
            "You count units that are zero for at least one image. In a sparse code that is nearly every unit; dead "
            "means zero for all images."),
    Mistake("zero for most", {"images": "most"},
            "You count units that are zero for most images. A unit that is on for one single image lives."),
    Mistake("first image", {"images": "first"}, "You look at the first image only."),
    Mistake("last image", {"images": "last"}, "You look at the last image only."),
    Mistake("first half", {"images": "first half"},
            "You look at the first half of the images only; a unit may wake up in the second."),
    Mistake("sum is zero", {"zero": "sum"},
            "A sum, or a mean, over the images is 0 also where positive and negative numbers cancel. Ask every number "
            "whether it is 0."),
    Mistake("sum not positive", {"zero": "sum not positive"},
            "You ask whether a unit's sum is above 0. A unit with negative numbers is not dead."),
    Mistake("no spread", {"zero": "no spread"},
            "You ask whether a unit changes. One that gives the same number for every image is no use, but it is not "
            "dead: its number is not 0, and gradients reach it."),
    Mistake("never positive", {"zero": "not positive"},
            "You count units that are never above 0. In these codes a unit can be negative, and then it is on."),
    Mistake("below 0.1", {"zero": "below 0.1"},
            "Small numbers, below about 0.1, pass for zeros. Dead means exactly 0: a weak unit still has a gradient."),
    Mistake("below 0.01", {"zero": "below 0.01"},
            "Small numbers, below about 0.01, pass for zeros. Dead means exactly 0."),
    Mistake("below 0.001", {"zero": "below 0.001"},
            "There is a tolerance of about 0.001. Dead means exactly 0."),
    Mistake("living", {"which": "living"}, "This is about the units that live; asked for are the dead ones."),
    Mistake("count", {"give": "count"}, "This is a count. A share divides it by the number of units, K."),
    Mistake("mask", {"give": "mask"},
            "This says for each unit whether it is dead. Asked for is one number, their share: the mean of that."),
    Mistake("percent", {"give": "percent"}, "These are percent; a share lies between 0 and 1."),
    Mistake("over the images", {"per": "images"},
            "The count is divided by the number of images, N. A share of the units divides by K."),
    Mistake("over the entries", {"per": "entries"},
            "The count is divided by the number of all entries, N · K. There are K units."),
    Mistake("dead to living", {"per": "living"},
            "This is the number of dead units divided by that of the living ones. A share divides by all units."),
)

# ---- 3 --------------------------------------------------------------------------------------------------------------

KL = (
    Mistake("mean of each image", {"mean": "images"},
            "The mean runs over the units, dimension 1: how active is each image? The target is for units: how active "
            "is each of them over the batch, dimension 0?"),
    Mistake("one mean", {"mean": "all"},
            "You take one mean over everything. Then half of the units may be always on and half of them dead, and "
            "nothing is paid. Each unit has its own mean."),
    Mistake("mean of the divergences", {"mean": "none"},
            "You take the divergence of each single activation and average it over the images. First the mean over "
            "the images, then the divergence: a unit may be fully on for one image, if it rests for the others."),
    Mistake("sum over the images", {"mean": "sum"},
            "The activations are added over the images where their mean belongs: a rate lies between 0 and 1."),
    Mistake("share of images", {"mean": "share on"},
            "You count for how many images the unit is above one half. That has no gradient; take the mean of the "
            "activations themselves."),
    Mistake("largest activation", {"mean": "max"}, "You take each unit's largest activation; its mean is meant."),
    Mistake("median", {"mean": "median"}, "You take each unit's median over the images; its mean is meant."),
    Mistake("last image left out", {"mean": "but the last"}, "The last image is left out of the mean."),
    Mistake("sigmoid", {"mean": "sigmoid"},
            "There is a sigmoid before the mean. The activations that come in lie between 0 and 1 already."),
    Mistake("no clamp", {"clamp": "no"}, EXTREME),
    Mistake("reversed", {"turned": True},
            "The two have changed places: this is KL(mean ‖ rate). Asked for is KL(rate ‖ mean): the rate stands in "
            "front and above in the fractions. It is the one that grows without bound when a unit dies."),
    Mistake("cross-entropy", {"measure": "cross-entropy"},
            "This is the cross-entropy, −Σ p log q. Its gradient is the same, but it is not 0 where the mean is at "
            "the target: the logarithms of rate and 1 − rate are missing."),
    Mistake("square", {"measure": "square"},
            "This is the squared distance between rate and mean. The divergence compares them by logarithms."),
    Mistake("distance", {"measure": "size"},
            "This is the absolute difference between rate and mean. The divergence compares them by logarithms."),
    Mistake("above only", {"measure": "hinge"},
            "Only units above the target pay, and linearly. The divergence pulls from both sides."),
    Mistake("kl_div without a logarithm", {"measure": "not log"},
            "`F.kl_div` takes the logarithm of the mean as its first argument. And it knows one of the two terms only: "
            "a unit is also off, with the probability 1 − rate."),
    Mistake("no second term", {"second": "none"},
            "The second term is missing: a unit is also off, with the probability 1 − rate. (`F.kl_div` knows nothing "
            "of it: it takes whole distributions, here two numbers for each unit.)"),
    Mistake("no first term", {"first": "none"},
            "The first term is missing: rate · log(rate / mean), for the images on which the unit is on."),
    Mistake("no rate", {"first": "no factor"},
            "The first logarithm has no factor: it is weighted with its probability, the rate."),
    Mistake("no 1 - rate", {"second": "no factor"},
            "The second logarithm has no factor: it is weighted with its probability, 1 − rate."),
    Mistake("first by the mean", {"first": "by q"},
            "The first logarithm is weighted with the unit's mean. In KL(rate ‖ mean) the weights come from the rate."),
    Mistake("second by the mean", {"second": "by q"},
            "The second logarithm is weighted with 1 − mean. In KL(rate ‖ mean) the weights come from the rate."),
    Mistake("second by the rate", {"second": "by rate"},
            "The second logarithm is weighted with the rate; off has the probability 1 − rate."),
    Mistake("first sign", {"first": "minus"}, "The first term has the wrong sign, or its fraction is upside down."),
    Mistake("second sign", {"second": "minus"}, "The second term has the wrong sign, or its fraction is upside down."),
    Mistake("rate in the second", {"second": "rate above"},
            "In the second logarithm 1 − rate stands above, not the rate."),
    Mistake("mean in the second", {"second": "q below"},
            "In the second logarithm 1 − mean stands below, not the mean."),
    Mistake("bits", {"log": "2"}, "These are bits: the logarithm has the base 2. The course counts in nats, `log`."),
    Mistake("base 10", {"log": "10"}, "The logarithm has the base 10; the natural one is meant, `log`."),
    Mistake("mean over the units", {"reduce": "mean"},
            "There is a mean over the units where the sum belongs."),
    Mistake("no sum", {"reduce": "none"},
            "One number for each unit comes back. Add them up."),
    Mistake("largest", {"reduce": "max"}, "This is the divergence of the worst unit; all of them are added up."),
    Mistake("over the images", {"reduce": "per image"},
            "The sum is divided by the number of images. They are in it already, through the mean."),
    Mistake("times the images", {"reduce": "times B"},
            "The sum is multiplied by the number of images, or added up over them. It is taken once, after their "
            "mean."),
    Mistake("one for each image", {"reduce": "expanded"},
            "You return the number once for each image. The penalty belongs to the batch: return it once."),
    Mistake("sign", {"sign": -1},
            "It has the wrong sign. A divergence is never negative, and a penalty must grow as units leave the "
            "target."),
)

KL_ERRORS = {
    "argument 'input'": "`torch.log` takes tensors only. `rate` is a Python number: `math.log(rate)`, or divide "
                        "first, `(rate / mean).log()`.",
}
