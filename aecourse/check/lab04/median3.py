"""Exercise 5: a median filter of 3 × 3, the baseline of every denoiser."""

from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import median_filter
from torch import Tensor

from aecourse.check.engine.drawing import between
from aecourse.check.engine.exercise import Case, Exercise, Form, Mistake
from aecourse.check.engine.look import Parts


def _in_place(x: Tensor) -> Tensor:
    """Filter pixel by pixel, row by row, into the same images."""
    y = np.pad(x.numpy().reshape(-1, 28, 28), ((0, 0), (1, 1), (1, 1)), mode="edge")
    for r in range(1, 29):
        for c in range(1, 29):
            y[:, r, c] = np.sort(y[:, r - 1:r + 2, c - 1:c + 2].reshape(len(x), 9), axis=1)[:, 4]
    return torch.from_numpy(y[:, 1:-1, 1:-1].reshape(len(x), 784).copy())


BEYOND = ("It is right for pixels from 0 to 1, and wrong where they lie beyond, as in noisy images: the filter leaves "
          "values as they are, without clipping.")

MISTAKES = (
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
    Mistake("sixth", {"what": "sixth"},
            "This is the sixth of the nine in order. The fifth has four below and four above it; Python counts it as "
            "number 4."),
    Mistake("without itself", {"what": "others"},
            "The pixel itself is left out of its window: nine pixels count, eight neighbours and itself."),
    Mistake("cross", {"what": "cross"},
            "Only the four neighbours beside, above and below count in your window. A square of 3 × 3 has the corners, "
            "too."),
    Mistake("medians of medians", {"what": "separable"},
            "You take the median of the medians of the three rows. That is near the median of the nine, but not the "
            "same: put all nine in one list."),
    Mistake("medians of columns", {"what": "separable by columns"},
            "You take the median of the medians of the three columns. That is near the median of the nine, but not "
            "the same: put all nine in one list."),
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
    Mistake("border before", {"pad": "before"},
            "The border is put on the left and on top alone, so the window of a pixel ends at the pixel itself, and "
            "the result is shifted. One pixel on every side, `(1, 1, 1, 1)`."),
    Mistake("border behind", {"pad": "behind"},
            "The border is put on the right and below alone, so the window of a pixel begins at the pixel itself, and "
            "the result is shifted. One pixel on every side, `(1, 1, 1, 1)`."),
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
    Mistake("flat row", {"cut": "flat row"},
            "The flat row of 784 pixels is padded, so at the left and the right border the window reaches into other "
            "rows. Make images of it first, `x.reshape(-1, 1, 28, 28)`, and pad those."),
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
    Mistake("cut off", {"clip": True}, BEYOND),
    Mistake("twice", {"times": 2}, "The filter is applied twice."),
    Mistake("over the stack", {"cut": "stack"},
            "The window reaches into the images before and after, 3 × 3 × 3 pixels of the whole stack. Each pixel's "
            "window lies within its own image."),
    Mistake("in place", _in_place,
            "The filter writes into the image that it reads, so later windows see filtered pixels. Read from `x`, and "
            "write elsewhere."),
)
ERRORS = {
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


def reference(x: Tensor) -> Tensor:
    images = F.pad(x.reshape(-1, 1, 28, 28), (1, 1, 1, 1), mode="replicate")
    return F.unfold(images, 3).median(1).values


def oracle(x: Tensor) -> Tensor:
    """SciPy's filter, image by image."""
    images = x.numpy().reshape(-1, 28, 28)
    return torch.from_numpy(np.stack([median_filter(i, size=3, mode="nearest") for i in images]).reshape(-1, 784))


def draw(generator: torch.Generator, size: int) -> Case:
    """Return one image with a white block in a corner, on which every pixel can be found by hand; or random ones."""
    if size == 1:
        tall, wide = (between(low, low + 3, generator) for low in (3, 8))
        image = torch.zeros(28, 28)
        image[:tall, 28 - wide:] = 1
        image[20, 9] = 1  # a single speck
        text = (f"one black image, white in its rows 0 to {tall - 1} from column {28 - wide} to the right end, and at "
                "the one pixel (20, 9); pixel (r, c) is number 28 r + c")
        return Case((image.reshape(1, 784),), text)
    x = torch.rand(size, 784, generator=generator)
    if size == 3:  # as noisy images are
        return Case((3 * x - 1,), "3 images of random pixels from −1 to 2", BEYOND)
    return Case((x,), f"{size} images of random pixels")


def family(**changes: Any) -> Any:
    """Return images through a median filter of 3 × 3, with the given changes."""
    return partial(_median3, **changes)


def _median3(x: Tensor, *, pad: str = "replicate", window: tuple[int, int] = (3, 3), what: str = "median",
             cut: str = "right", form: str = "flat", times: int = 1,
             clip: bool = False) -> Any:
    n = len(x)
    if clip:
        return _median3(x).clamp(0, 1)
    if cut == "nothing":
        return x.clone()
    if cut == "lines":  # nine neighbours along the flattened image
        return F.pad(x[:, None], (4, 4), mode="replicate")[:, 0].unfold(1, 9, 1).median(-1).values
    if cut == "flat row":
        row = F.pad(x, (29, 29), mode="replicate")
        return torch.stack([row[:, 29 + i:813 + i] for a in (-28, 0, 28) for i in (a - 1, a, a + 1)]).median(0).values
    if cut == "batch":
        return x.median(0).values.expand(x.shape).clone()
    if cut == "image":
        return x.median(1, keepdim=True).values.expand(x.shape).clone()
    if cut == "stack":
        stack = F.pad(x.reshape(1, 1, n, 28, 28), (1, 1, 1, 1, 1, 1), mode="replicate")
        return stack[0, 0].unfold(0, 3, 1).unfold(1, 3, 1).unfold(2, 3, 1).reshape(n, 784, 27).median(-1).values
    tall, wide = window
    mode = {"zeros": "constant"}.get(pad, pad)
    image = x.reshape(n, 1, 28, 28)
    if pad in ("before", "behind"):
        image = F.pad(image, (2, 0, 2, 0) if pad == "before" else (0, 2, 0, 2), mode="replicate")
    elif pad != "none":
        image = F.pad(image, (wide // 2, wide // 2, tall // 2, tall // 2), mode=mode)
    near = F.unfold(image, window)  # (n, window, places)
    if cut in ("windows", "places"):
        return near if cut == "windows" else near.median(-1).values
    places = near.shape[2]
    near = near.reshape(n, places, -1) if cut == "mixed up" else near.transpose(1, 2)
    if what == "others":
        near = near[..., [0, 1, 2, 3, 5, 6, 7, 8]]
    elif what == "cross":
        near = near[..., [1, 3, 4, 5, 7]]
    elif what == "kept":  # the pixel itself, where it is neither the largest nor the smallest
        centre = near[..., 4]
        return torch.where((centre > near.amin(-1)) & (centre < near.amax(-1)), centre, near.median(-1).values)
    y = {"mean": lambda v: v.mean(-1), "max": lambda v: v.amax(-1), "min": lambda v: v.amin(-1),
         "middle": lambda v: (v.amax(-1) + v.amin(-1)) / 2,
         "separable": lambda v: v.reshape(n, places, 3, 3).median(-1).values.median(-1).values,
         "separable by columns": lambda v: v.reshape(n, places, 3, 3).median(-2).values.median(-1).values,
         "next": lambda v: v.sort(-1).values[..., 3],
         "sixth": lambda v: v.sort(-1).values[..., 5], "indices": lambda v: v.median(-1).indices,
         "sum": lambda v: v.sum(-1),
         }.get(what, lambda v: v.median(-1).values)(near)
    for _ in range(times - 1):
        y = _median3(y, pad=pad)
    side = int(places**0.5)
    return {"flat": lambda: y, "images": lambda: y.reshape(n, 28, 28), "channels": lambda: y.reshape(n, 1, 28, 28),
            "transposed": lambda: y.reshape(n, side, side).transpose(1, 2).reshape(n, -1)}[form]()


def look(cases: list[Case], got: list[Parts], want: list[Parts]) -> str:
    """Say where in the image the difference lies, and whether the values come from the window at all."""
    got = [(g.double(),) for (g,) in got]
    wrong = torch.cat([(g - w).abs() > 1e-5 for (g,), (w,) in zip(got, want, strict=True)])
    at = wrong.any(0).reshape(28, 28)
    if not at[1:-1, 1:-1].any():
        return ("Inside the image it is right; at the border it is not. Outside of the image the nearest pixel of the "
                "border is repeated: `mode=\"replicate\"`.")
    if all(torch.equal(g, case.args[0].double()) for (g,), case in zip(got, cases, strict=True)):
        return f"On {' and on '.join(case.text for case in cases)} every pixel comes back as it was."
    if all(((g[:, None] - _windows(case.args[0])).abs().amin(1) < 1e-6).all()
           for (g,), case in zip(got, cases, strict=True)):
        return ("Each of your values is one of the nine pixels of its own window, but not everywhere the fifth of them "
                "in order, which is the median: four are not larger, and four are not smaller.")
    far = [(a - b).abs().max() for a, b in zip(*map(_means, (got, want)), strict=True)]
    inside = all(((g[:, :, None] - case.args[0][:, None]).abs().amin(-1) < 1e-6).all()
                 for (g,), case in zip(got, cases, strict=True))
    if not inside:
        if all(torch.isin(g.float(), case.args[0]).all() for (g,), case in zip(got, cases, strict=True)):
            return ("Some of your values are pixels of another image of the batch. Each pixel's window lies within its "
                    "own image.")
        return ("Some of your values do not occur in the image at all. A median of nine pixels is one of them, as a "
                "mean, a sum or a comparison is not.")
    if float(max(far)) < 0.02:
        return ("Your values occur in the image, and on average they are of the right size, but they are not those "
                "of the right places. Which nine pixels belong to pixel (3, 5), and where does their median go?")
    return ""


def _windows(x: Tensor) -> Tensor:
    """Return the nine pixels of each window, (N, 9, 784)."""
    return F.unfold(F.pad(x.reshape(-1, 1, 28, 28), (1, 1, 1, 1), mode="replicate"), 3).double()


def _means(parts: list[Parts]) -> list[Tensor]:
    return [p[0].mean(1) for p in parts]


EXERCISE = Exercise(
    "median3", "5 · The baseline: a median filter", "function", 2, 10,
    reference=reference, oracle=oracle, draw=draw, sizes=(1, 2, 4, 3), rtol=0, atol=1e-5,
    arguments=("x",), gives=(Form("float", "one flat image for each, shape (N, 784)"),), family=family,
    look=look, mistakes=MISTAKES, errors=ERRORS,
    hints=("`F.pad(x.reshape(-1, 1, 28, 28), (1, 1, 1, 1), mode=\"replicate\")` puts a copy of the border around "
           "each image.",
           "`F.unfold(images, 3)` lists the nine pixels of every window: (N, 9, 784).",
           "The median over the nine is `.median(1).values`."),
    why="A single wrong pixel among nine cannot become the fifth in order, so specks vanish whatever their size. A "
        "mean would smear them over the window. The price: lines one pixel wide are specks, too, and corners are "
        "cut.")
