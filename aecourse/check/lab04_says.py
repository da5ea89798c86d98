"""Lab 04, exercises 1 to 3: each known mistake with its sentence, and what to say of a fact that none of them gives."""

from aecourse.check.engine.exercise import Mistake

EQUAL = ("It is right for images that differ, and wrong for two equal ones: their error is 0 and their PSNR is "
         "infinite, `inf`. That is the right answer, so add no small number and replace nothing.")

# Said of all that draw at random, with the same keyword in every family.
CHANCE = (
    Mistake("the same at every call", {"chance": "fixed"},
            "It gives the same result at every call, as if a seed were set inside. Draw from `generator`, and leave "
            "its seed alone: it goes on by itself from call to call."),
    Mistake("global state", {"chance": "global"},
            "The numbers do not come from the generator that is handed in, so a run cannot be repeated: give "
            "`generator=generator` to every function that draws."),
    Mistake("in place", {"in_place": True},
            "It changes the images that it is given, so the clean ones are lost. Make a new tensor: no `x += ...`, no "
            "`x[...] = ...`, no function that ends in `_`; or work on `x.clone()`."),
)

# ---- 1 --------------------------------------------------------------------------------------------------------------

GAUSSIAN = (
    Mistake("rand", {"draw": "uniform"},
            "The noise is drawn evenly from 0 to sigma, as `torch.rand` does, so it only ever brightens. Gaussian "
            "noise is `torch.randn`: it has mean 0 and takes both signs."),
    Mistake("centred rand", {"draw": "centred"},
            "The noise is spread evenly over an interval, as `torch.rand` draws it. Gaussian noise comes from "
            "`torch.randn`."),
    Mistake("size only", {"draw": "size"},
            "The noise only ever brightens: its sign is lost (`.abs()`?). Gaussian noise takes both signs."),
    Mistake("sigma squared", {"scale": "square"},
            "The noise has the standard deviation sigma²: `sigma` is the standard deviation itself, so multiply with "
            "it once."),
    Mistake("root of sigma", {"scale": "root"},
            "The noise has the standard deviation √sigma, as if `sigma` were a variance. It is the standard "
            "deviation."),
    Mistake("sigma left out", {"scale": "none"},
            "The noise has the standard deviation 1, whatever sigma is: multiply it by `sigma`."),
    Mistake("half", {"scale": "half"}, "The noise has half the standard deviation that is asked for."),
    Mistake("twice", {"scale": "double"}, "The noise has twice the standard deviation that is asked for."),
    Mistake("times 255", {"scale": "times 255"},
            "The noise is 255 times too large. The grey levels of this course go from 0 to 1, and sigma is on that "
            "scale, too."),
    Mistake("over 255", {"scale": "over 255"},
            "The noise is 255 times too small. The grey levels of this course go from 0 to 1, and sigma is on that "
            "scale, too."),
    Mistake("one number per image", {"own": "image"},
            "Each image gets one number for all of its pixels: it becomes lighter or darker, and no more. Draw one "
            "number for every pixel, `x.shape`."),
    Mistake("one noise for all", {"own": "batch"},
            "Every image gets the same noise. Draw one number for every pixel of every image, `x.shape`."),
    Mistake("one number", {"own": "one"},
            "One single number is added everywhere. Draw one for every pixel of every image, `x.shape`."),
    Mistake("no clipping", {"clip": "none"},
            "Some pixels leave the range from 0 to 1: cut the noisy image off with `.clamp(0, 1)`, after the noise is "
            "added."),
    Mistake("not cut off below", {"clip": "high"},
            "Some pixels are below 0: cut the noisy image off on both sides, `.clamp(0, 1)`."),
    Mistake("not cut off above", {"clip": "low"},
            "Some pixels are above 1: cut the noisy image off on both sides, `.clamp(0, 1)`."),
    Mistake("noise cut off", {"clip": "noise"},
            "The noise is cut off, not the noisy image: all that darkens is lost, and some pixels rise above 1. Add "
            "first, then `.clamp(0, 1)`."),
    Mistake("stretched", {"clip": "stretch"},
            "The noisy image is stretched to the range from 0 to 1, so every pixel changes with the darkest and the "
            "lightest one. Cut off with `.clamp(0, 1)` instead."),
    Mistake("mirrored", {"clip": "mirror"},
            "What leaves the range is mirrored back into it (`.abs()`?), so hardly a pixel stays black or white. Cut "
            "off with `.clamp(0, 1)` instead."),
    Mistake("multiplied", {"how": "times"},
            "The noise is multiplied with the pixel, so that black pixels stay clean. Add it."),
    Mistake("noise alone", {"how": "alone"},
            "The image itself is gone: what comes back is noise, or noise times the image. Add the noise to `x`."),
    Mistake("mixed", {"how": "mixed"},
            "The image is made weaker by sigma before the noise is added. Add the noise to `x` as it is."),
    Mistake("sigmoid", {"how": "sigmoid"},
            "The noisy image is squeezed, as a sigmoid does: a clean pixel would change, too. Cut off with "
            "`.clamp(0, 1)` instead."),
    *CHANCE,
)
FACTS = {
    "gives": "It returns {got}; a float32 tensor with the shape of `x` is asked for.",
    "input": "It changes the images that it is given: make a new tensor, or work on `x.clone()`.",
    "base": "With the noise averaged out, {got} is left; it should be the image itself.",
    "chance": "What is drawn is {got}: it has to be fresh at every call, and to come from `generator` alone.",
    "own": "What is drawn is {got}; every pixel of every image is meant to have its own.",
    "amount": "It adds no noise at all.",
    "mean": "On average the noise is {got}; it should neither brighten nor darken.",
    "kind": "The noise is {got}; it should be normal, `torch.randn`.",
    "size": "The noise has a standard deviation of {got}; sigma is asked for, whatever sigma is.",
    "depends": "How strong the noise is {got}; it should be the same for dark and bright ones.",
    "ends": "Of the black pixels half should stay black and of the white ones half white: `.clamp(0, 1)` does that, "
            "once the noise is added.",
    "range": "Some pixels lie {got}: cut the noisy image off with `.clamp(0, 1)`.",
    "rest": "The other pixels are {got}; they should stay as they are.",
    "share": "Changed are {got}; it should be the share that is asked for, of all pixels.",
    "values": "The changed pixels are {got}; {expected} is asked for.",
    "balance": "Black and white do not come equally often.",
    "colour": "Whether a pixel becomes black or white is {got}; it should be a coin's throw of its own.",
}
ERRORS = {
    "dtype not implemented": "Random numbers are drawn as floats: `torch.rand` and `torch.randn`.",
    "Expected a 'cpu' device type for generator": "Draw where the generator lies.",
    "unexpected keyword argument 'generator'": "`torch.rand_like` and `torch.randn_like` take no generator here; "
                                               "`torch.randn(x.shape, generator=generator)` does.",
    "leaf variable": "Work on a new tensor.",
}

# ---- 2 and 3 --------------------------------------------------------------------------------------------------------

_SHARE = (
    Mistake("inverted", {"masks": "inverted"},
            "The share is that of the pixels which stay: you exchange all others. Exchange a pixel where a number from "
            "0 to 1 lies **below** the share."),
    Mistake("half the share", {"masks": "half"},
            "Only half of the share is exchanged."),
    Mistake("square of the share", {"masks": "square"},
            "The square of the share is exchanged, as when two masks have to agree. One mask decides."),
    Mistake("drawn again", {"masks": "drawn"},
            "Too few pixels are exchanged, as when their places are drawn one by one (`randint`) and some come up "
            "twice. Draw one number for every pixel, and compare it with the share."),
    Mistake("none", {"masks": "never"}, "No pixel changes."),
    Mistake("whole images", {"own": "image"},
            "Whole images are exchanged, and others not at all: one number was drawn for each image. Draw one for "
            "every pixel, `x.shape`."),
    Mistake("one mask for all", {"own": "batch"},
            "The same pixels are exchanged in every image. Draw one number for every pixel of every image, `x.shape`."),
    Mistake("others black", {"rest": "black"},
            "The pixels that should stay are black: the mask is used as a picture of its own. Choose with "
            "`torch.where(mask, new, x)`."),
)
SALT = (
    Mistake("share of each", {"masks": "double"},
            "Twice the share is exchanged: a share becomes black and as much again white. The share is that of both "
            "together."),
    Mistake("two masks of the share", {"masks": "two"},
            "You draw one mask for black and one for white, each of the whole share, so nearly twice as many pixels "
            "are exchanged. One mask says which pixels, a second draw says which colour."),
    Mistake("two masks of half", {"masks": "two halves"},
            "You draw one mask for black and one for white. Where both strike, one colour wins over the other, so too "
            "few pixels are exchanged and the colours are not equal. One mask says which pixels, a second draw which "
            "colour."),
    Mistake("only black", {"colours": "black"},
            "All exchanged pixels become black (that is exercise 3). Half of them should be white. If one random "
            "number decides both, where and which colour, it is always on the same side there: draw a second one."),
    Mistake("only white", {"colours": "white"},
            "All exchanged pixels become white. Half of them should be black. If one random number decides both, where "
            "and which colour, it is always on the same side there: draw a second one."),
    Mistake("middle grey", {"colours": "grey"},
            "The exchanged pixels become grey. Salt is 1, pepper is 0, and nothing between."),
    Mistake("any grey", {"colours": "any grey"},
            "The exchanged pixels take all sorts of greys. Salt is 1, pepper is 0, and a coin says which: "
            "`torch.rand(...) < 0.5`, as a float."),
    Mistake("rounded", {"colours": "rounded"},
            "The exchanged pixels are rounded: bright ones become white, dark ones black. Which of the two it is "
            "should be a coin's throw, whatever the pixel was."),
    Mistake("one colour per image", {"colours": "per image"},
            "In each image all exchanged pixels have one colour. Throw the coin for every pixel."),
    Mistake("one pattern of colours", {"colours": "per pixel"},
            "Whether a pixel becomes black or white is the same in every image. Throw the coin for every pixel of "
            "every image."),
    Mistake("unequal", {"colours": "few white"},
            "Black and white do not come equally often: the second draw has to fall below ½ half of the time."),
    Mistake("out of range", {"colours": "signs"},
            "Some pixels end up outside of 0 to 1. Salt is 1 and pepper is 0, whatever the pixel was before: exchange "
            "it, and add nothing to it."),
    *_SHARE,
    *CHANCE,
)
MASKING = (
    Mistake("rescaled", {"rest": "rescaled"},
            "The pixels that stay are divided by 1 − share, as dropout does, so white ones rise above 1. Dropout keeps "
            "a layer's mean that way; an image has to stay as it is."),
    Mistake("weaker", {"rest": "weaker"},
            "The pixels that stay are multiplied by 1 − share. They should stay as they are."),
    Mistake("mask alone", {"rest": "white"},
            "The image is gone: what comes back is the mask itself, 0 and 1. Where a pixel is not hit, `x` should "
            "stand."),
    Mistake("twice the share", {"masks": "double"}, "Twice the share is masked."),
    Mistake("white", {"colours": "white"}, "The masked pixels become white; 0 is black."),
    Mistake("grey", {"colours": "grey"}, "The masked pixels become grey. Masked is 0, black."),
    Mistake("salt and pepper", {"colours": "both"},
            "Half of the masked pixels become white: that is exercise 2. Masked is 0, black."),
    *_SHARE[:-1],
    *CHANCE,
)
