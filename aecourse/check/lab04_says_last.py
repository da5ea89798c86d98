"""Lab 04, exercises 4, 5 and 7: each known mistake with its sentence."""

import torch

from aecourse.check.engine.exercise import Mistake

# ---- 4 --------------------------------------------------------------------------------------------------------------

PSNR = (
    Mistake("natural logarithm", {"log": torch.log},
            "The logarithm is the natural one, `torch.log`. Decibels take the logarithm to base 10, `torch.log10`."),
    Mistake("logarithm to base 2", {"log": torch.log2},
            "The logarithm has base 2. Decibels take the logarithm to base 10, `torch.log10`."),
    Mistake("20", {"times": 20.0},
            "Everywhere your value is twice the right one: 20 belongs to the root of the mean squared error, 10 to the "
            "mean squared error itself."),
    Mistake("without the 10", {"times": 1.0}, "The factor 10 is missing: these are bels, ten decibels each."),
    Mistake("sign", {"sign": 1},
            "The sign is wrong: the error stands in the denominator, so that a better image has more decibels."),
    Mistake("root", {"root": True},
            "The root is taken of the mean squared error: then the factor is 20. Leave the root out, or take 20."),
    Mistake("absolute", {"power": 1}, "The differences are not squared: this is the mean absolute error."),
    Mistake("not squared", {"power": 0},
            "The differences are neither squared nor made positive, so they cancel, and the logarithm may have to be "
            "taken of a negative number."),
    Mistake("sum over the pixels", {"over": "sum"},
            "The squared error is summed over the pixels. PSNR takes the mean, so that images of any size can be "
            "compared."),
    Mistake("784", {"over": "784"},
            "You divide by 784 whatever the size of the image. Take the mean over its own pixels, `.mean(-1)`."),
    Mistake("half", {"over": "half"}, "There is a ½ in front of the squared error that does not belong there."),
    Mistake("mean first", {"over": "cancel"},
            "The differences are averaged before they are squared, so that they cancel. Square each pixel's "
            "difference, then take the mean."),
    Mistake("clipped", {"clip": True},
            "You cut `x_hat` off at 0 and 1 first. Whoever wants that does it before; here what comes in is measured."),
    Mistake("mean over the batch", {"over": "batch"},
            "The squared error is averaged over all images of the batch. Each image has its own PSNR: the mean runs "
            "over its pixels alone, `.mean(-1)`."),
    Mistake("mean over the images", {"over": "images"},
            "The mean runs over the images, dimension 0. The pixels are the last dimension, −1."),
    Mistake("sum over everything", {"over": "total"},
            "The squared error is summed over all pixels of all images. Each image has its own PSNR, from the mean "
            "over its pixels, `.mean(-1)`."),
    Mistake("no mean", {"over": "none"}, "This is one number for each pixel: the mean over the pixels is missing."),
    Mistake("logarithm first", {"after": "log first"},
            "The logarithm is taken pixel by pixel and then averaged. First the mean of the squared differences, then "
            "the logarithm."),
    Mistake("mean of all", {"after": "mean"},
            "The PSNRs of the images are averaged. One for each image is asked for."),
    Mistake("255", {"peak": "255"},
            "The peak is taken as 255. Grey levels go from 0 to 1 here, so the peak is 1."),
    Mistake("peak of the image", {"peak": "image"},
            "The peak is taken as the brightest pixel of each image. It is the largest value that a pixel *can* have, "
            "1."),
    Mistake("range of the image", {"peak": "range"},
            "The peak is taken as the range of each image, from its darkest to its brightest pixel. It is the largest "
            "value that a pixel *can* have, 1."),
    Mistake("signal to noise", {"over": "norm"},
            "This is the signal-to-noise ratio: the error is divided by the image's own mean square. The *peak* "
            "signal-to-noise ratio takes the peak, 1."),
    Mistake("small number added", {"eps": 1e-8},
            "Two equal images have no error, and their PSNR is infinite. The small number that you add makes it "
            "finite; leave it out."),
)

# ---- 5 --------------------------------------------------------------------------------------------------------------

MEDIAN = (
    Mistake("nothing", {"cut": "nothing"}, "The images come back as they were."),
    Mistake("mean", {"what": "mean"},
            "This is the mean of the nine pixels, a blur: a single white speck would still be seen in all nine. The "
            "median does not move with it."),
    Mistake("maximum", {"what": "max"}, "This is the largest of the nine pixels; the one in the middle is asked for."),
    Mistake("minimum", {"what": "min"}, "This is the smallest of the nine pixels; the one in the middle is asked for."),
    Mistake("middle of the range", {"what": "middle"},
            "This is halfway between the smallest and the largest of the nine. The median is the fifth of them in "
            "order."),
    Mistake("sum", {"what": "sum"}, "This is the sum of the nine pixels; the one in the middle is asked for."),
    Mistake("next", {"what": "next"},
            "This is the fourth of the nine in order. The fifth has four below and four above it."),
    Mistake("without itself", {"what": "others"},
            "The pixel itself is left out of its window: nine pixels count, eight neighbours and itself."),
    Mistake("cross", {"what": "cross"},
            "Only the four neighbours beside, above and below count in your window. A square of 3 × 3 has the corners, "
            "too."),
    Mistake("medians of medians", {"what": "separable"},
            "You take the median of the rows' medians. That is near the median of the nine, but not the same: put all "
            "nine in one list."),
    Mistake("specks only", {"what": "kept"},
            "Pixels that are neither the largest nor the smallest of their window stay as they are in yours. Every "
            "pixel becomes the median of its nine."),
    Mistake("zeros around", {"pad": "zeros"},
            "Black pixels are put around the image, as `F.unfold(..., padding=1)` does, so a stroke at the border is "
            "eaten away. Repeat the border's pixels, `F.pad(..., mode=\"replicate\")`."),
    Mistake("reflected", {"pad": "reflect"},
            "The image is mirrored at its border, without the border itself. Repeat the border's pixels, "
            "`mode=\"replicate\"`."),
    Mistake("circular", {"pad": "circular"},
            "The image goes on at its other side. Repeat the border's pixels, `mode=\"replicate\"`."),
    Mistake("no border", {"pad": "none"},
            "The image shrinks to 26 × 26: pixels at the border have no full window. Put one more pixel around it "
            "first, with `F.pad(..., (1, 1, 1, 1), mode=\"replicate\")`."),
    Mistake("5 × 5", {"window": (5, 5)}, "The window is 5 × 5; 3 × 3 is asked for."),
    Mistake("rows only", {"window": (1, 3)}, "The window reaches along the row alone, 1 × 3; 3 × 3 is asked for."),
    Mistake("columns only", {"window": (3, 1)},
            "The window reaches along the column alone, 3 × 1; 3 × 3 is asked for."),
    Mistake("nine in a line", {"cut": "lines"},
            "The window is nine neighbours in the flat list of 784 pixels, a line that runs over into the next row. "
            "Make images of it first: `x.reshape(-1, 1, 28, 28)`."),
    Mistake("over the batch", {"cut": "batch"},
            "This is the median over the images of the batch. Each pixel's window lies within its own image."),
    Mistake("whole image", {"cut": "image"},
            "This is the median of the whole image. Each pixel's window is the 3 × 3 around it."),
    Mistake("indices", {"what": "indices"},
            "These are the places of the medians in their windows, `.indices`. Take their `.values`."),
    Mistake("windows", {"cut": "windows"},
            "These are the windows themselves, nine numbers each: the median over them, dimension 1, is missing."),
    Mistake("over the places", {"cut": "places"},
            "The median runs over the 784 places, not over the nine pixels of a window. `F.unfold` gives (N, 9, 784) "
            "for images with a channel, (N, 1, 30, 30), and the nine are dimension 1."),
    Mistake("mixed up", {"cut": "mixed up"},
            "The windows are mixed up: `F.unfold` gives (N, 9, 784), and a `reshape` to (N, 784, 9) does not turn that "
            "around. Use `.transpose(1, 2)`, or take the median over dimension 1."),
    Mistake("transposed", {"form": "transposed"},
            "Rows and columns of the image are exchanged in what comes back."),
    Mistake("as images", {"form": "images"},
            "It returns images of 28 × 28, (N, 28, 28). Flat ones are asked for, (N, 784): `.reshape(len(x), -1)`."),
    Mistake("with a channel", {"form": "channels"},
            "It returns images with a channel, (N, 1, 28, 28). Flat ones are asked for, (N, 784): `.reshape(len(x), "
            "-1)`."),
    Mistake("twice", {"times": 2}, "The filter is applied twice."),
)
MEDIAN_ERRORS = {
    "Expected 2D": "`F.pad` with `mode=\"replicate\"` takes images with a channel: `x.reshape(-1, 1, 28, 28)`.",
    "Padding size should be less": "`F.pad` takes (left, right, top, bottom), one pixel each, and images (N, 1, 28, "
                                   "28).",
    "not supported for 2D input": "`F.pad` with `mode=\"replicate\"` takes images with a channel: "
                                  "`x.reshape(-1, 1, 28, 28)`.",
    "Only 2D, 3D, 4D, 5D padding": "`F.pad` with `mode=\"replicate\"` takes images with a channel: "
                                   "`x.reshape(-1, 1, 28, 28)`.",
    "has no attribute": "`.median(dim)` gives the values and the indices: take `.values`.",
    "invalid for input of size": "There are 784 pixels to an image; without a border around them only 26 × 26 windows "
                                 "are left.",
}

# ---- 7 --------------------------------------------------------------------------------------------------------------

SCORE = (
    Mistake("sigma", {"power": 1}, "It is divided by σ; σ² belongs there."),
    Mistake("not divided", {"power": 0},
            "The difference is not divided by σ²: it is the step to the denoised point. The score is that step over "
            "σ²."),
    Mistake("times the variance", {"power": -2}, "It is multiplied by σ²; divide by it."),
    Mistake("fourth power", {"power": 4}, "It is divided by σ⁴: `sigma` is the standard deviation, square it once."),
    Mistake("root", {"power": 0.5}, "It is divided by √σ; σ² belongs there: `sigma` is the standard deviation."),
    Mistake("sign", {"sign": -1},
            "Everywhere the sign is wrong: the score points uphill, from the noisy point to the denoised one."),
    Mistake("half", {"factor": 0.5},
            "There is a ½ too many: it divides by 2σ². The slope of the logarithm of a bell takes it away."),
    Mistake("twice", {"factor": 2.0}, "There is a factor 2 that does not belong there."),
    Mistake("denoised alone", {"give": "clean"},
            "The denoised point is taken alone. The score takes the way from the noisy point to it: subtract "
            "`x_noisy`."),
    Mistake("noisy alone", {"give": "noisy"},
            "The noisy point is taken alone, as in the score of noise around the origin, −x̃/σ². The score takes the "
            "way from there to the denoised point."),
    Mistake("brackets", {"give": "brackets"},
            "Only the denoised point is divided by σ². Put brackets around the difference."),
    Mistake("sum", {"give": "plus"}, "The denoised and the noisy point are added: the difference is asked for."),
    Mistake("denoised twice", {"give": "again"},
            "The denoiser is applied to its own result. Apply it once, to `x_noisy`."),
    Mistake("two steps", {"at": "twice"}, "The denoiser is applied twice. Apply it once, to `x_noisy`."),
    Mistake("clipped input", {"cut": "noisy"},
            "The noisy points are cut off at 0 and 1 first. The formula holds for noise that is not cut off."),
    Mistake("clipped output", {"cut": "clean"},
            "The denoised points are cut off at 0 and 1. The formula takes them as they are."),
    Mistake("unit length", {"cut": "unit"},
            "The arrows all have length 1. Where the density is flat the score is short, and that belongs to it."),
    Mistake("length", {"cut": "length"}, "This is the length of the score. Asked for is the arrow, one number for each "
                                         "component."),
    Mistake("summed", {"cut": "sum"},
            "The components are summed. Asked for is the arrow, one number for each component: no sum, no mean."),
    Mistake("mean arrow", {"cut": "mean"}, "Every point gets the mean arrow of the batch. Each point has its own."),
)
SCORE_ERRORS = {
    "positional argument": "`denoise` is called with the points alone: `denoise(x_noisy)`.",
    "not callable": "`denoise` is the function, `x_noisy` the points, `sigma` a number, in this order.",
    "has no attribute": "`denoise` is a function: call it, `denoise(x_noisy)`.",
    "not subscriptable": "`denoise` is a function: call it with round brackets, `denoise(x_noisy)`.",
    "unsupported operand": "`denoise` is a function: call it, `denoise(x_noisy)`, and compute with what it gives.",
}
