"""Lab 06, exercises 1, 3 and 4: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake

SURE = ("It is right for small logits, and wrong where the decoder is very sure, at logits such as ±200. There "
        "`sigmoid` gives exactly 0 or 1 and its logarithm is lost. Take a function that works on logits: "
        "`F.logsigmoid`, `F.softplus`, or `F.binary_cross_entropy_with_logits`.")

_REDUCE = (
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

# ---- 1 --------------------------------------------------------------------------------------------------------------

KL = (
    Mistake("mean over the units", {"reduce": "mean"},
            "There is a mean over the units where the sum belongs: the KL would weigh K times less than it does in the "
            "ELBO. Independent units add their nats up."),
    Mistake("no sum", {"reduce": "none"},
            "One number for each unit of each image comes back: the sum over the units is missing."),
    *_REDUCE,
    Mistake("no half", {"factor": 1.0}, "The ½ is missing: everything is twice as large as it should be."),
    Mistake("a quarter", {"factor": 0.25}, "There is a ½ too many: everything is half as large as it should be."),
    Mistake("sign", {"sign": -1}, "It has the wrong sign. A KL divergence is never negative."),
    Mistake("exp(logvar) as sigma", {"var": "double", "log": "double"},
            "`exp(logvar)` is taken for σ. It is the variance σ² already: σ is `exp(logvar / 2)`."),
    Mistake("variance squared", {"var": "double"},
            "`exp(logvar)` is squared. It is the variance already, so leave the square out."),
    Mistake("sigma for the variance", {"var": "sigma"},
            "σ stands where σ² belongs. The variance is `exp(logvar)`, without a division by 2."),
    Mistake("log sigma", {"log": "half"},
            "log σ stands where log σ² belongs. `logvar` is the logarithm of the variance as it is."),
    Mistake("logvar as log sigma in part", {"log": "double"},
            "The logarithm is counted twice, as in log(σ²) = 2 log σ. `logvar` is log σ² already."),
    Mistake("logvar as the variance", {"var": "itself"},
            "`logvar` itself stands where the variance belongs: take `logvar.exp()`."),
    Mistake("logvar squared", {"var": "square"},
            "`logvar` is squared, as if it were σ. The variance is `logvar.exp()`."),
    Mistake("log of logvar", {"log": "log"},
            "There is a logarithm of `logvar`, which is NaN for negative ones. `logvar` is the logarithm already."),
    Mistake("variance is missing", {"var": "none"}, "The variance, `exp(logvar)`, is missing."),
    Mistake("variance with a minus", {"var": "minus"},
            "The variance has the wrong sign: a wide σ must cost, not pay. Only `logvar` and the 1 are taken off."),
    Mistake("logvar is missing", {"log": "none"},
            "`logvar` itself is missing. Without it nothing keeps σ from shrinking to 0."),
    Mistake("logvar with a plus", {"log": "plus"},
            "`logvar` has the wrong sign: it is taken off, so that a small σ becomes expensive."),
    Mistake("no one", {"one": 0},
            "The 1 is missing: for μ = 0 and σ = 1, where q is the prior, each unit must cost 0."),
    Mistake("one, once", {"one": "once"},
            "The 1 is taken off once for the image. It belongs into the sum: every unit has one."),
    Mistake("plus one", {"one": -1},
            "The 1 has the wrong sign: for μ = 0 and σ = 1, where q is the prior, each unit must cost 0."),
    Mistake("mu is missing", {"mean": "none"}, "The mean μ is missing: a code far from 0 must cost more."),
    Mistake("mu not squared", {"mean": "plain"},
            "μ is not squared, so a negative mean would be paid for. It enters as μ²."),
    Mistake("size of mu", {"mean": "size"}, "μ enters with its size |μ|; it is squared."),
    Mistake("mu with a minus", {"mean": "minus"},
            "μ² has the wrong sign: a mean far from 0 must cost, not pay."),
    Mistake("mean minus one", {"mean": "one"},
            "The 1 is taken off μ, not from the sum: the prior's mean is 0, and μ enters as μ²."),
    Mistake("turned round", {"turned": True},
            "The two distributions are exchanged: this is KL(prior ‖ q). Asked for is KL(q ‖ prior), with the "
            "expectation over q, as in the ELBO."),
    Mistake("exchanged", {"swapped": True},
            "`mu` and `logvar` are exchanged: the first argument is the mean."),
    Mistake("bits", {"bits": True}, "These are bits. The course counts in nats: no division by log 2."),
)
KL_ERRORS = {
    "Dimension out of range": "`mu` and `logvar` have two dimensions: images are dimension 0, units dimension 1.",
    "argument 'input'": "`torch.log` and `torch.exp` take tensors only; `mu` and `logvar` are tensors already.",
    "positive values": "A standard deviation is positive: σ is `(logvar / 2).exp()`.",
    "to satisfy the constraint": "A standard deviation is positive: σ is `(logvar / 2).exp()`.",
}

# ---- 3 --------------------------------------------------------------------------------------------------------------

LIKELIHOOD = (
    Mistake("mean over the pixels", {"reduce": "mean"},
            "There is a mean over the pixels where the sum belongs: independent pixels multiply their probabilities, "
            "so the logarithms add up."),
    Mistake("no sum", {"reduce": "none"},
            "One number for each pixel comes back: the sum over the pixels is missing."),
    *_REDUCE[:-1],
    Mistake("sign", {"sign": -1},
            "This is the *negative* log-likelihood, a loss. Asked for is the log-likelihood itself, which is never "
            "above 0. (`binary_cross_entropy` gives the negative one.)"),
    Mistake("sigmoid twice", {"bend": "sigmoid"},
            "The sigmoid is applied twice: once by hand, and once more in a function that expects logits. Give it the "
            "logits as they are."),
    Mistake("exchanged", {"bend": "exchanged"},
            "`logits` and `x` are exchanged: `F.binary_cross_entropy_with_logits(logits, x)` takes the logits first."),
    Mistake("logits as probabilities", {"bend": "plain", "log": "naive"},
            "The logits are used as if they were probabilities, so there are logarithms of negative numbers. A sigmoid "
            "turns logits into probabilities."),
    Mistake("no logarithm", {"log": "none"},
            "The logarithm is missing: probabilities of pixels are added up. Take the logarithm of each first."),
    Mistake("logits in the place of logs", {"log": "odds"},
            "The logit stands where log p belongs. A logit is log p − log(1 − p)."),
    Mistake("naive", {"log": "naive"},
            "It is right for small logits only. At logits such as ±200 `sigmoid` gives exactly 0 or 1, and the "
            "logarithm of 0 is −inf, or NaN times 0. Take a function that works on logits, such as `F.logsigmoid`."),
    Mistake("a small number inside", {"log": "eps"},
            "It is right for small logits only: the small number inside the logarithm (1e-8) hides how wrong a very "
            "sure decoder is. A pixel missed at a logit of 200 costs 200 nats. Take a function that works on logits."),
    Mistake("cut off at -100", {"log": "clamped"},
            "It is right for small logits only: no pixel costs more than 100 nats. `F.binary_cross_entropy` cuts its "
            "logarithms off there, in silence; `F.binary_cross_entropy_with_logits` takes logits and does not."),
    Mistake("probabilities cut off", {"log": "clamp p"},
            "It is right for small logits only: the probabilities are cut off near 0 and 1, and that hides how wrong a "
            "very sure decoder is. Take a function that works on logits."),
    Mistake("white pixels alone", {"terms": "white"},
            "Only the white pixels count, x · log p. The black ones have a probability too, 1 − p."),
    Mistake("black pixels alone", {"terms": "black"},
            "Only the black pixels count, (1 − x) · log(1 − p). The white ones have a probability too, p."),
    Mistake("minus between", {"terms": "minus"},
            "The two terms are taken from each other: x · log p and (1 − x) · log(1 − p) are added."),
    Mistake("no choice", {"terms": "no choice"},
            "log p and log(1 − p) are added for every pixel. The image says which of the two counts."),
    Mistake("inverted", {"target": "inverted"},
            "Black and white are exchanged: p is the probability that the pixel is white, x = 1."),
    Mistake("squared error", {"measure": "square"},
            "This is a squared error. The logarithm of a Bernoulli probability is asked for."),
    Mistake("absolute error", {"measure": "size"},
            "This is an absolute error. The logarithm of a Bernoulli probability is asked for."),
    Mistake("squared error of logits", {"measure": "linear"},
            "This is the squared error between logits and pixels. The logarithm of a Bernoulli probability is asked "
            "for."),
    Mistake("hits", {"measure": "hits"},
            "This counts the pixels that are guessed right. How sure the decoder was is lost."),
    Mistake("half", {"factor": 0.5}, "There is a ½ too many."),
    Mistake("bits", {"factor": 1 / 0.6931471805599453},
            "These are bits. The course counts in nats: the natural logarithm, `torch.log`."),
)
LIKELIHOOD_ERRORS = {
    "between 0 and 1": "`F.binary_cross_entropy` expects probabilities; the variant `..._with_logits` takes logits.",
    "Dimension out of range": "`logits` and `x` have two dimensions: images are dimension 0, pixels dimension 1.",
}

# ---- 4 --------------------------------------------------------------------------------------------------------------

ELBO = (
    Mistake("plus KL", {"kl_sign": -1},
            "The KL is added. In the ELBO it is taken off: a code that says more costs more."),
    Mistake("negative", {"sign": -1},
            "This is the negative ELBO, the loss. Asked for is the bound itself, which lies below log p(x)."),
    Mistake("loss as likelihood", {"fit": "minus"},
            "The reconstruction enters with the wrong sign: the log-likelihood is never above 0."),
    Mistake("no KL", {"kl": "none"}, "The KL is missing: this is the log-likelihood alone."),
    Mistake("no likelihood", {"fit": "none"}, "The log-likelihood is missing: this is the KL alone, with a minus."),
    Mistake("KL averaged", {"kl_reduce": "mean"},
            "The KL is a mean over the units beside a sum over the pixels, so it weighs K times too little."),
    Mistake("likelihood averaged", {"fit_reduce": "mean"},
            "The log-likelihood is a mean over the pixels beside a sum over the units, so the KL weighs hundreds of "
            "times too much on real images. Sum over the pixels."),
    Mistake("KL over the pixels", {"kl_reduce": "over pixels"},
            "The KL is divided by the number of pixels. That belongs to a log-likelihood that is a mean over the "
            "pixels; here it is a sum, and the KL has the weight 1."),
    Mistake("one KL for all", {"kl_reduce": "expanded"},
            "Every image pays the mean KL of the batch. Each pays for its own code."),
    Mistake("one likelihood for all", {"fit_reduce": "expanded"},
            "Every image is given the mean log-likelihood of the batch. Each has its own."),
    Mistake("KL summed over the batch", {"kl_reduce": "all"},
            "The KL is summed over the images as well, so each image pays for the codes of all."),
    Mistake("likelihood over the batch", {"fit_reduce": "all"},
            "The log-likelihood is summed over the images as well. Each image has its own."),
    Mistake("KL of everything averaged", {"kl_reduce": "mean of all"},
            "The KL is one mean over units and images. Each image pays the sum over its own units."),
    Mistake("likelihood averaged over all", {"fit_reduce": "mean of all"},
            "The log-likelihood is one mean over pixels and images, as `reduction=\"mean\"` gives it. Each image has a "
            "sum of its own."),
    Mistake("mean over the batch", {"end": "mean"},
            "The images are averaged too, so one number comes back. Asked for is one for each image; only `fit` "
            "averages."),
    Mistake("sum over the batch", {"end": "sum"},
            "The images are summed too, so one number comes back. Asked for is one for each image."),
    Mistake("over B", {"end": "over B"},
            "It is divided by the number of images. An image's bound must not depend on the others."),
    Mistake("exponential", {"end": "exp"}, "It is exponentiated: asked for are nats, so leave it a logarithm."),
    Mistake("half is missing", {"kl": "no half"}, "The KL is twice as large as it should be: its ½ is missing."),
    Mistake("sigma for the variance", {"kl": "sigma"},
            "In the KL σ stands where σ² belongs; the variance is `exp(logvar)`."),
    Mistake("exp(logvar) as sigma", {"kl": "as sigma"},
            "In the KL `exp(logvar)` is taken for σ; it is the variance already."),
    Mistake("turned round", {"kl": "turned"},
            "The KL is turned round: asked for is the one from q to the prior, KL(q ‖ p)."),
    Mistake("no one", {"kl": "no one"}, "In the KL the −1 is missing."),
    Mistake("no mean", {"kl": "no mean"}, "In the KL μ² is missing."),
    Mistake("mu and logvar exchanged", {"kl": "exchanged"}, "In the KL `mu` and `logvar` are exchanged."),
    Mistake("sigmoid twice", {"fit": "sigmoid twice"},
            "The sigmoid is applied twice: the log-likelihood expects logits, so give it the logits as they are."),
    Mistake("squared error", {"fit": "square"},
            "The reconstruction is a squared error. With binary images the ELBO has their Bernoulli log-likelihood in "
            "it, or it is no bound of log p(x) in nats."),
    Mistake("inverted", {"fit": "inverted"}, "In the log-likelihood black and white are exchanged."),
    Mistake("white pixels alone", {"fit": "white"}, "In the log-likelihood the black pixels are missing."),
    Mistake("naive", {"fit": "naive"},
            "It is right for small logits only: at ±100 the logarithm of a sigmoid is lost. `likelihood_ok` takes "
            "logits."),
)
ELBO_ERRORS = {
    "must match the size": "Both terms are numbers per image, shape (B,): are they summed over pixels and units?",
    "positional argument": "`likelihood_ok` takes `logits` and `x`; `kl_ok` takes `mu` and `logvar`.",
    "is not defined": "`kl_ok` and `likelihood_ok` exist once the cells above have run.",
}
