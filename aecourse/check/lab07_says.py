"""Lab 07, exercises 2 and 4, pre-training and the labelled bound: each known mistake with its sentence."""

from aecourse.check.engine.exercise import Mistake

UNSTABLE = ("It is right for moderate logits and wrong for large ones: in float32 the sigmoid of a large logit is "
            "exactly 1, and log(1 − 1) is −inf. `losses.bernoulli_nll(logits, x)` works on the logits themselves.")
ZERO_LOG_ZERO = ("It is right while every class has some probability, and wrong where one is exactly 0 in float32: 0 · "
                 "log 0 gives NaN, and should be 0. `class_logits.log_softmax(1)` gives log q without taking a "
                 "logarithm of 0.")
ALL_LABELLED = ("It is right for mixed batches, and wrong where every image has a label: with random batches that "
                "happens. Let nothing depend on how many there are.")
NONE_LABELLED = ("It is right for mixed batches, and wrong where no image has a label: a mean over none is NaN. With "
                 "few labels many batches have none; let nothing depend on how many there are.")

# ---- 2 --------------------------------------------------------------------------------------------------------------

PRETRAIN = (
    Mistake("no sigmoid", {"output": "none"},
            "The sigmoid is missing: the decoder gives logits, and the image's pixels lie between 0 and 1."),
    Mistake("clamp", {"output": "clamp"},
            "The logits are cut off at 0 and 1 in place of a sigmoid. Where they are cut no gradient flows."),
    Mistake("tanh", {"output": "tanh"}, "There is a tanh, which goes from −1 to 1. Pixels go from 0 to 1: a sigmoid."),
    Mistake("ReLU", {"output": "relu"}, "There is a ReLU on the logits. Pixels go from 0 to 1: a sigmoid."),
    Mistake("softmax", {"output": "softmax"},
            "There is a softmax over the pixels, so that they sum to 1. Each pixel has a sigmoid of its own."),
    Mistake("two sigmoids", {"output": "twice"}, "The sigmoid is taken twice, so no pixel can be darker than ½."),
    Mistake("squashed code", {"through": "sigmoid"},
            "The code goes through a sigmoid before the decoder. The code stays as it is; the sigmoid belongs to the "
            "output."),
    Mistake("ReLU on the code", {"through": "relu"},
            "The code goes through a ReLU before the decoder. It stays as the encoder gives it."),
    Mistake("twice through", {"through": "twice"},
            "The image goes through the autoencoder twice. Once is asked for."),
    Mistake("binary target", {"target": "binary"},
            "The target is the image turned black and white. The image itself is the target."),
    Mistake("target through the sigmoid", {"target": "sigmoid"},
            "The image goes through the sigmoid, too. Its pixels lie between 0 and 1 already."),
    Mistake("target 0", {"target": "nothing"}, "The reconstruction is compared with nothing, so black would be best."),
    Mistake("mean image", {"target": "mean"},
            "The target is the mean image of the batch. Each image is its own target."),
    Mistake("negative", {"target": "negative"}, "The target is the negative, 1 − x. The image itself is the target."),
    Mistake("absolute", {"measure": "size"}, "The differences are not squared: these are absolute ones."),
    Mistake("not squared", {"measure": "plain"},
            "The differences are not squared, so those of opposite sign cancel."),
    Mistake("half", {"measure": "half"}, "There is a ½ that is not asked for."),
    Mistake("cross-entropy", {"measure": "cross"},
            "This is the cross-entropy of the logits. The report trained with the squared error, and so do we here."),
    Mistake("product", {"measure": "product"}, "This multiplies reconstruction and image; their difference is meant."),
    Mistake("mean over the pixels", {"reduce": "mean"},
            "There is a mean over the pixels where the sum belongs: an image's loss is the sum over its pixels."),
    Mistake("mean over the batch", {"reduce": "batch"},
            "The images are averaged too. One number for each image is asked for; only `fit` averages."),
    Mistake("mean over everything", {"reduce": "everything"},
            "`.mean()`, and `F.mse_loss` as it comes, average over pixels and images. Sum over the pixels, and keep "
            "one number for each image."),
    Mistake("sum of everything", {"reduce": "all"}, "Pixels and images are summed together. Sum over the pixels."),
    Mistake("sum over the images", {"reduce": "images"},
            "The sum runs over the images, dimension 0. The pixels are dimension 1, or −1."),
    Mistake("no sum", {"reduce": "none"}, "One number for each pixel comes back: the sum over the pixels is missing."),
    Mistake("root", {"reduce": "root"}, "There is a root over the sum: leave it out."),
    Mistake("over B", {"reduce": "over B"},
            "The sum is divided by the number of images. An image's loss must not depend on the others."),
)
PRETRAIN_ERRORS = {
    "has no attribute": "The model has `encode(x)` and `decode(z)`, and `model(x)` does both.",
    "cannot be multiplied": "The encoder takes images, the decoder takes codes: `model.decode(model.encode(x))`.",
    "must match the size": "Compare two things of the same shape: the reconstruction and the image, (B, 784).",
}

# ---- 4 --------------------------------------------------------------------------------------------------------------

LABELLED = (
    Mistake("no log p(y)", {"prior": "none"},
            "The term −log p(y) is missing. For equally frequent classes it is log C. It changes no gradient, but the "
            "bound is one on log p(x, y), and the label costs nats, too."),
    Mistake("log p(y) added", {"prior": "minus"},
            "log p(y) enters with the wrong sign. p(y) is 1/C, so −log p(y) is positive."),
    Mistake("p(y)", {"prior": "p"}, "1/C itself is added, where its negative logarithm belongs: nats are logarithms."),
    Mistake("minus p(y)", {"prior": "minus p"},
            "1/C itself is subtracted; its logarithm is missing."),
    Mistake("bits", {"prior": "log2"}, "−log p(y) is in bits, base 2. The other terms are nats: the natural one."),
    Mistake("base 10", {"prior": "log10"}, "−log p(y) is a logarithm to base 10. The other terms are nats."),
    Mistake("log 10", {"prior": "ten"},
            "−log p(y) is always log 10 here. The prior gives each class the same chance, 1 / `classes`."),
    Mistake("shared by the batch", {"prior": "shared"},
            "−log p(y) is divided by the number of images; every image pays it."),
    Mistake("C", {"prior": "C"}, "The number of classes is added where its logarithm belongs."),
    Mistake("C times", {"prior": "times"},
            "−log p(y) is counted once for every class. An image has one label: count it once."),
    Mistake("for each pixel", {"prior": "pixels"},
            "−log p(y) is counted once for every pixel, inside the sum over them. It belongs outside."),
    Mistake("KL sign", {"kl": "minus"},
            "The KL has the wrong sign: this is a loss, and a posterior far from the prior costs more."),
    Mistake("no KL", {"kl": "none"}, "The KL is missing."),
    Mistake("no half", {"kl": "no half"}, "The KL is twice too large: its ½ is missing."),
    Mistake("no −1", {"kl": "no one"}, "In the KL the −1 is missing, so it is not 0 where the posterior is the prior."),
    Mistake("sign of logvar", {"kl": "log sign"}, "In the KL logvar has the wrong sign: it is subtracted."),
    Mistake("no mu", {"kl": "no mu"}, "In the KL the term with μ² is missing."),
    Mistake("mean KL", {"kl_sum": "mean"}, "The KL is a mean over the code's numbers; their sum is meant."),
    Mistake("logvar for log σ", {"var": "sigma"},
            "`logvar` is taken for log σ. It is the logarithm of the variance, log σ²: exp(logvar) is σ²."),
    Mistake("logvar for σ²", {"var": "plain"},
            "`logvar` is taken for the variance itself. It is its logarithm: exp(logvar) is σ²."),
    Mistake("variance handed in", {"var": "handed"},
            "The exponential is taken twice: `gaussian_kl` wants `logvar` itself, not `logvar.exp()`."),
    Mistake("log σ handed in", {"var": "half"},
            "`logvar / 2`, which is log σ, stands where the logarithm of the variance belongs: hand in `logvar`."),
    Mistake("σ for σ²", {"var": "root"}, "In the KL the standard deviation stands where the variance belongs."),
    Mistake("mean over the pixels", {"pixels": "mean"},
            "−log p(x|y,z) is a mean over the pixels. Then the other terms weigh hundreds of times too much: sum."),
    Mistake("log p(x|y,z)", {"given": "log p"},
            "log p(x|y,z) has the wrong sign: in a loss it is −log p, which is positive for black and white pixels."),
    Mistake("two sigmoids", {"given": "twice"},
            "The sigmoid is taken twice: `bernoulli_nll`, and `binary_cross_entropy_with_logits`, do it themselves."),
    Mistake("squared error", {"given": "square"},
            "The pixels enter by their squared error. They are black or white, so −log p is the cross-entropy."),
    Mistake("squared error of logits", {"given": "square of logits"},
            "The logits are compared with the image by a squared error: they are no pixels. −log p is the "
            "cross-entropy of the logits."),
    Mistake("white pixels", {"given": "white"},
            "Only the white pixels count: −x log p. The black ones pay −(1 − x) log(1 − p)."),
    Mistake("black pixels", {"given": "black"}, "Only the black pixels count; the white ones pay −x log p."),
    Mistake("unstable", {"given": "unstable"}, UNSTABLE),
    Mistake("no reconstruction", {"given": "none"}, "−log p(x|y,z) is missing: nothing asks for the image."),
    Mistake("the bound itself", {"sign": -1},
            "This is the bound itself, which one makes large. `fit` makes the loss small: asked for is its negative, "
            "L."),
    Mistake("mean over the batch", {"over": "batch"},
            "The images are averaged, too. One number for each image is asked for; only `fit` averages."),
    Mistake("sum over the batch", {"over": "all"}, "The images are summed, too. One number for each is asked for."),
)
