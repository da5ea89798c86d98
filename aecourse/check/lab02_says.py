"""Lab 02, exercises 1, 3, 4 and 5: each known mistake with its sentence."""

import torch
import torch.nn.functional as F

from aecourse.check import lab02_wrong as wrong
from aecourse.check.engine.exercise import Mistake

UNSTABLE = ("It is right for small logits and breaks for large ones: a sigmoid rounds to exactly 0 or 1 there and its "
            "logarithm is lost, an exponential overflows. Stay with the logits: torch has a function for "
            "log(sigmoid), and one for the whole loss.")

# Said of every likelihood: the reduction goes wrong in the same ways.
_BATCH_TOO = (
    Mistake("mean over the batch", {"reduce": "batch mean"},
            "The batch is averaged too. One number for each image is asked for; only the training loop averages."),
    Mistake("sum over everything", {"reduce": "everything"},
            "The images are summed too: one number comes back for the whole batch. Sum over the pixels alone, "
            "`.sum(-1)`."),
)
_NOT_PIXELS = (
    Mistake("no sum", {"reduce": "none"},
            "One number for each pixel comes back: the sum over the pixels is missing."),
    Mistake("sum over the images", {"reduce": "images"},
            "The sum runs over the images, dimension 0. The pixels are the last dimension, −1."),
)

# ---- 1 --------------------------------------------------------------------------------------------------------------

_WEIGHTS = 784 * 128 + 128 * 64 + 64 * 32
_DOWN, _UP = 128 + 64 + 32, 64 + 128 + 784  # biases: one for each unit that a layer gives
_ALL = 2 * _WEIGHTS + _DOWN + _UP

COUNT = (
    Mistake("no biases", 2 * _WEIGHTS,
            "These are the weights alone: each layer also has one bias for each unit that it gives."),
    Mistake("encoder only", _WEIGHTS + _DOWN, "That is the encoder. The decoder has layers of its own."),
    Mistake("decoder only", _WEIGHTS + _UP, "That is the decoder alone; the encoder is missing."),
    Mistake("encoder weights only", _WEIGHTS,
            "These are the weights of one half, without biases: count the biases, and the other half."),
    Mistake("encoder twice", 2 * (_WEIGHTS + _DOWN),
            "That is the encoder twice. The mirror has the same weights but other biases: its layers give 64, 128 and "
            "784 units."),
    Mistake("decoder twice", 2 * (_WEIGHTS + _UP),
            "That is the decoder twice. The encoder has the same number of weights but other biases: its layers give "
            "128, 64 and 32 units."),
    Mistake("tied", _WEIGHTS + _DOWN + _UP,
            "You count the weights once, as if the decoder reused the encoder's (that is called tied weights, lesson "
            "08). Here each half has its own."),
    Mistake("a bias for every width", _ALL + 784,
            "The input has a bias in your sum: pixels come in as they are, only units that a layer computes have a "
            "bias."),
    Mistake("one bias a layer", 2 * _WEIGHTS + 6,
            "You count one bias for each layer: it is one for each unit that the layer gives."),
    Mistake("units", 784 + 128 + 64 + 32 + 64 + 128 + 784,
            "These are the units. Trained are the connections between them, and the biases."),
    Mistake("units computed", _DOWN + _UP,
            "These are the biases alone, one for each unit that a layer gives. The weights are missing."),
    Mistake("28 pixels", 2 * (28 * 128 + 128 * 64 + 64 * 32) + 128 + 64 + 32 + 64 + 128 + 28,
            "The first layer sees 28 × 28 = 784 pixels, not 28."),
    Mistake("no code layer", 2 * (784 * 128 + 128 * 64) + 128 + 64 + 128 + 784,
            "The layers into and out of the code (64 to 32 and 32 to 64) are missing."),
    Mistake("first layer only", 784 * 128 + 128, "That is the first layer alone; there are six."),
    *(Mistake(f"without {a}-{b}", _ALL - (a + 1) * b, f"One of the six layers is missing: {a} to {b}.")
      for a, b in ((784, 128), (128, 64), (64, 32), (32, 64), (64, 128), (128, 784))),
    Mistake("code from 128", 2 * (784 * 128 + 128 * 32) + 128 + 32 + 128 + 784,
            "You go from 128 straight to 32: there is a layer of 64 between."),
)

# ---- 3 --------------------------------------------------------------------------------------------------------------

GAUSSIAN = (
    Mistake("squared error", {"half": 1.0, "power": 0, "log_sigma": 0.0, "constant": 0.0},
            "This is the squared error itself. The likelihood divides it by 2σ², and its normalisation adds log σ and "
            "½ log 2π for each pixel."),
    Mistake("no half", {"half": 1.0},
            "The ½ in front of the squared error is missing: the exponent is −(x − x̂)²/(2σ²)."),
    Mistake("sigma for variance", {"power": 1},
            "The squared error is divided by σ where σ² belongs: the exponent has units of nothing."),
    Mistake("no division", {"power": 0},
            "The squared error is not divided by σ²: with a small σ the same error must cost more."),
    Mistake("sigma to the fourth", {"power": 4},
            "The squared error is divided by σ⁴: `sigma` is the standard deviation, square it once."),
    Mistake("absolute", {"square": False},
            "The error is not squared. With |x − x̂| the bell would be a Laplace distribution."),
    Mistake("no square",
            lambda x_hat, x, sigma: wrong._gaussian(x_hat, x, sigma, half=0.0) + (x - x_hat).sum(-1) / (2 * sigma**2),
            "The difference is not squared, so errors of opposite sign cancel."),
    Mistake("plus", lambda x_hat, x, sigma: wrong._gaussian(x_hat, -x, sigma),
            "x and x̂ are added: it is their difference that counts."),
    Mistake("no log sigma", {"log_sigma": 0.0},
            "The term log σ is missing: a wider bell is also lower, and that costs log σ per pixel."),
    Mistake("sigma taken for the variance", {"power": 1, "log_sigma": 0.5},
            "`sigma` is taken for the variance: it is the standard deviation, so σ² stands under the squared error, "
            "and ½ log σ² = log σ."),
    Mistake("log of variance", {"log_sigma": 2.0}, "log σ² is there where log σ belongs (it is ½ log σ²)."),
    Mistake("half log sigma", {"log_sigma": 0.5},
            "½ log σ is there where log σ belongs: the ½ goes with σ², ½ log σ² = log σ."),
    Mistake("log sigma sign", {"log_sigma": -1.0}, "The term log σ has the wrong sign: −log(1/σ) = + log σ."),
    Mistake("no constant", {"constant": 0.0},
            "The constant ½ log 2π per pixel is missing. Training would not notice, but nats would be wrong."),
    Mistake("constant not halved", {"constant": 1.0},
            "log 2π is there where ½ log 2π belongs: it comes from a square root."),
    Mistake("constant sign", {"constant": -0.5}, "The constant ½ log 2π has the wrong sign."),
    Mistake("constant once", {"pixels": False},
            "log σ and ½ log 2π are added once for the image. Each of the 784 pixels has its own bell, so each adds "
            "them."),
    Mistake("sign", {"sign": -1}, "This is the log-likelihood itself: a loss is its negative."),
    Mistake("mean over pixels", {"reduce": "mean"},
            "There is a mean over the pixels where the sum belongs: independent pixels multiply, so their logarithms "
            "add up."),
    *_BATCH_TOO,
    Mistake("mean over everything", {"reduce": "mean of all"},
            "`.mean()` averages over pixels and images. Sum over the pixels, and keep one number for each image: "
            "`.sum(-1)`."),
    *_NOT_PIXELS,
)

# ---- 4 --------------------------------------------------------------------------------------------------------------

BERNOULLI = (
    Mistake("sigmoid twice", {"twice": True},
            "The sigmoid is applied twice: this loss takes logits and does it inside, so hand it the logits as they "
            "are."),
    Mistake("logits as probabilities", {"bare": True},
            "The logarithm is taken of the logits themselves: they are no probabilities yet (they can be negative)."),
    Mistake("sign", {"sign": -1}, "This is the log-likelihood itself: a loss is its negative."),
    Mistake("white only", {"black": False},
            "Only x·log p is there. Black pixels count too: (1 − x)·log(1 − p) is missing."),
    Mistake("black only", {"white": False}, "Only (1 − x)·log(1 − p) is there; x·log p is missing."),
    Mistake("swapped", {"swapped": True},
            "The two arguments are swapped: the images are taken for logits and the logits for images."),
    Mistake("log p twice", {"second": "log p"}, "In the second term stands log p where log(1 − p) belongs."),
    Mistake("one minus log p", {"second": "1 − log p"},
            "1 − log p is not log(1 − p): the 1 − goes inside the logarithm."),
    Mistake("squared error", lambda logits, x: (torch.sigmoid(logits) - x).square().sum(-1),
            "This is the squared error of the sigmoid. Asked for is the cross-entropy, with logarithms."),
    Mistake("squared error of the logits", lambda logits, x: (logits - x).square().sum(-1),
            "This is the squared error between logits and pixels. Asked for is the cross-entropy, with logarithms."),
    Mistake("softmax", lambda logits, x: -(x * F.log_softmax(logits, -1)).sum(-1),
            "A softmax lets the pixels compete: one is white at the cost of others. Here each pixel is a coin of its "
            "own, so it is a sigmoid."),
    Mistake("rounded images", lambda logits, x: wrong._bernoulli(logits, (x > 0.5).float()),
            "The images are rounded to black and white first. The formula takes the grey values as they are."),
    Mistake("bits", {"bits": True}, "These are bits: the logarithm has base 2. Nats take the natural logarithm."),
    Mistake("unstable", {"eps": 0.0}, UNSTABLE),
    Mistake("mean over pixels", {"reduce": "mean"},
            "There is a mean over the pixels where the sum belongs: an image's likelihood is the product over its "
            "pixels."),
    *_BATCH_TOO,
    Mistake("mean over everything", {"reduce": "mean of all"},
            "The mean runs over pixels and images, which is what the function does unless it is told "
            "`reduction=\"none\"`. Then sum over the pixels."),
    *_NOT_PIXELS,
)

BERNOULLI_ERRORS = {
    "within the support": "Your images are grey, and a coin shows no half: PyTorch refuses, and as a likelihood it is "
                          "right. The formula itself takes any x from 0 to 1; use `validate_args=False` or write it "
                          "out.",
}

# ---- 5 --------------------------------------------------------------------------------------------------------------

FLOOR = (
    Mistake("positive part", {"low": -1.0, "high": 0.0},
            "You count the pixels above 0. Those the sigmoid can reach; it is the ones below 0 that it cannot."),
    Mistake("all of it", {"fixed": 0.0},
            "You count x² of every pixel: that is the error of a net that always gives 0. Where x is above 0, a "
            "sigmoid does better than that."),
    Mistake("middle", {"fixed": 0.5},
            "You measure the distance to 0.5, the middle of the sigmoid's range. The best output is a different one "
            "for each pixel: the nearest value that the sigmoid reaches."),
    Mistake("white", {"fixed": 1.0},
            "You measure the distance to 1. The best output is the value from 0 to 1 that is nearest to the pixel."),
    Mistake("no square", {"power": 1}, "The distance is not squared."),
    Mistake("no square, signed", lambda x: x.clamp(max=0).sum(-1),
            "The distance is not squared; it is also negative this way."),
    Mistake("root", lambda x: x.clamp(max=0).square().sum(-1).sqrt(),
            "This is the root of the squared error: leave the root out."),
    Mistake("square of the sum", lambda x: x.clamp(max=0).sum(-1).square(),
            "You add first and square then: square each pixel's distance, then add."),
    Mistake("ends only", lambda x: torch.minimum(x**2, (x - 1) ** 2).sum(-1),
            "You let the output be 0 or 1 only. A sigmoid gives every value between them."),
    Mistake("counted", {"power": 0},
            "You count the pixels that cannot be reached. Asked for is their squared distance to what can be."),
    Mistake("mapped", {"part": "mapped"},
            "You let the net answer (x + 1)/2, the image on the scale from 0 to 1. Its error is measured against x "
            "itself, and there a nearer output exists."),
    Mistake("sigmoid of x", {"part": "sigmoid"},
            "You take sigmoid(x) for the output. The net may give any logit, and the sigmoid of some logit is nearer "
            "to x."),
    Mistake("half range", {"low": -0.5, "high": 0.5},
            "You let the output range from −0.5 to 0.5; a sigmoid gives values from 0 to 1."),
    Mistake("half", {"half": 0.5}, "There is a ½ that the squared error does not have."),
    Mistake("mean over pixels", {"reduce": "mean"},
            "There is a mean over the pixels; asked for is the sum, the squared error of the whole image."),
    Mistake("mean over the batch", {"reduce": "batch mean"},
            "The batch is averaged too: one number for each image is asked for."),
    Mistake("sum over everything", {"reduce": "everything"},
            "The images are summed too: sum over the pixels alone, `.sum(-1)`."),
    Mistake("mean over everything", {"reduce": "mean of all"},
            "`.mean()` averages over pixels and images: sum over the pixels, `.sum(-1)`."),
    *_NOT_PIXELS,
)
