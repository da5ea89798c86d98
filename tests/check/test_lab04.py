"""Lab 04's checks: right answers pass in every form, whatever they draw, and wrong ones get a true sentence."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import median_filter
from scipy.stats import norm

from aecourse import losses
from aecourse.check import lab04
from aecourse.check.engine.exercise import CORRECT
from aecourse.check.engine.lab import examine
from aecourse.check.lab04.gaussian import _noise_facts

BY_NAME = {exercise.name: exercise for exercise in lab04.EXERCISES}
SLOW = ("gaussian", "salt_and_pepper", "masking", "dae_loss")  # their checks measure
NAMED = {"median3": 0.5}  # of many pairs, one covers the other
SIGMA = 0.4
gaussian_ok = BY_NAME["gaussian"].reference


# ---- right answers --------------------------------------------------------------------------------------------------


def by_inversion(x, sigma, generator):
    u = torch.rand(x.shape, generator=generator).clamp(1e-6, 1 - 1e-6)
    return (x + sigma * torch.special.ndtri(u)).clamp(0, 1)


def image_by_image(x, sigma, generator):
    y = x.clone()
    for i in range(len(x)):
        y[i] = (x[i] + sigma * torch.randn(x.shape[1], generator=generator)).clamp(0, 1)
    return y


def exact_number_of_pixels(x, share, generator):
    y = x.clone()
    places = torch.randperm(x.numel(), generator=generator)[: round(share * x.numel())]
    black, white = places.tensor_split(2)
    y.view(-1)[black], y.view(-1)[white] = 0, 1
    return y


def by_one_draw(x, share, generator):
    r, y = torch.rand(x.shape, generator=generator), x.clone()
    y[r < share / 2], y[r > 1 - share / 2] = 0, 1
    return y


def by_two_bernoullis(x, share, generator):
    hit = torch.bernoulli(torch.full_like(x, share), generator=generator)
    return x * (1 - hit) + hit * torch.bernoulli(torch.full_like(x, 0.5), generator=generator)


def loss_image_by_image(model, x, step):
    noisy = [gaussian_ok(image[None], SIGMA, step.generator) for image in x]
    return {"e": torch.cat([losses.squared_error(model(y), image[None]) for y, image in zip(noisy, x, strict=True)])}


def padded(x):
    return F.pad(x.reshape(-1, 1, 28, 28), (1, 1, 1, 1), mode="replicate")


def by_shifts(x):
    images = padded(x)[:, 0]
    shifted = [images[:, i:i + 28, j:j + 28] for i in range(3) for j in range(3)]
    return torch.stack(shifted).median(0).values.flatten(1)


def by_sorting(x):
    windows = padded(x)[:, 0].unfold(1, 3, 1).unfold(2, 3, 1)
    return windows.reshape(len(x), 784, 9).sort(-1).values[..., 4]


def by_scipy(x):
    return torch.stack([torch.from_numpy(median_filter(i.reshape(28, 28).numpy(), 3, mode="nearest")).flatten()
                        for i in x])


def by_stack(x):
    return torch.from_numpy(median_filter(x.reshape(-1, 28, 28).numpy(), 3, mode="nearest")).reshape(-1, 784)


def loss_in_two_halves(model, x, step):
    z = model.encode(gaussian_ok(x, SIGMA, step.generator))
    return {"squared error": (x - model.decode(z)).pow(2).sum(dim=1)}


def loss_with_own_noise(model, x, step):
    noisy = torch.normal(x, SIGMA, generator=step.generator).clamp(0, 1)
    return {"squared error": x.shape[1] * F.mse_loss(model(noisy), x, reduction="none").mean(-1)}


def loss(change):
    """Return the loss in which the model's input, its output and the target are what ``change`` makes of them."""
    def dae_loss(model, x, step):
        return change(model, x, gaussian_ok(x, SIGMA, step.generator), step)

    return dae_loss


RIGHT = [
    ("gaussian", lambda x, sigma, generator: torch.normal(x, sigma, generator=generator).clamp(0, 1)),
    ("gaussian", lambda x, sigma, generator: np.clip(x - sigma * torch.randn(*x.shape, generator=generator), 0, 1)),
    ("gaussian", lambda x, sigma, generator: torch.empty_like(x).normal_(0, sigma, generator=generator).add(x).clamp(
        min=0).clamp(max=1)),
    ("gaussian", by_inversion), ("gaussian", image_by_image),
    ("salt_and_pepper", exact_number_of_pixels), ("salt_and_pepper", by_one_draw),
    ("salt_and_pepper", by_two_bernoullis),
    ("gaussian", lambda x, sigma, generator: image_by_image(x, sigma, generator).double()),
    ("masking", lambda x, share, generator: x.masked_fill(torch.rand(x.shape, generator=generator) < share, 0)),
    ("masking", lambda x, share, generator: x * torch.bernoulli(torch.full(x.shape, 1 - share), generator=generator)),
    ("masking", lambda x, share, generator: x.where(torch.rand(x.shape, generator=generator) > share, 0)),
    ("psnr", lambda x_hat, x: 20 * torch.log10(1 / (x - x_hat).square().mean(1).sqrt())),
    ("psnr", lambda x_hat, x: -10 / math.log(10) * F.mse_loss(x_hat, x, reduction="none").mean(-1).log()),
    ("psnr", lambda x_hat, x: 10 * torch.log10(x.shape[1] / (x - x_hat).norm(dim=1) ** 2)),
    ("median3", by_shifts), ("median3", by_sorting),
    ("median3", lambda x: F.unfold(padded(x), 3).quantile(0.5, dim=1)),
    ("median3", lambda x: F.unfold(padded(x), (3, 3)).transpose(1, 2).median(-1)[0]),
    ("dae_loss", loss_in_two_halves), ("dae_loss", loss_with_own_noise),
    ("dae_loss", loss_image_by_image),
    ("dae_loss", lambda model, x, step: {"e": model(gaussian_ok(x, SIGMA, step.generator)).sub_(x).pow_(2).sum(1)}),
    ("score", lambda denoise, x_noisy, sigma: torch.empty(x_noisy.shape).copy_(
        (denoise(x_noisy) - x_noisy) / sigma**2)),
    ("score", lambda denoise, x_noisy, sigma: -(x_noisy - denoise(x_noisy)) / (sigma * sigma)),
    ("score", lambda denoise, x_noisy, sigma: sigma**-2 * denoise(x_noisy) - x_noisy / sigma**2),
]


@pytest.mark.parametrize(("name", "answer"), [
    ("psnr", lambda x_hat, x: torch.stack(
        [-10 * torch.log10(F.mse_loss(a, b)) for a, b in zip(x_hat, x, strict=True)])),
    ("median3", by_scipy),
    ("score", lambda denoise, x_noisy, sigma: torch.stack([(denoise(p[None])[0] - p) / sigma**2 for p in x_noisy]))])
def test_loops_over_images_pass_with_advice(name, answer):
    for seed in range(3):
        verdict = examine(BY_NAME[name], answer, seed)
        assert verdict.outcome == CORRECT, verdict.text
        assert "one at a time" in verdict.more


# ---- answers that are in no list ------------------------------------------------------------------------------------


def in_place(x, share, generator):
    x[torch.rand(x.shape, generator=generator) < share] = 0.0
    return x


def with_replacement(x, share, generator):
    y, k = x.clone(), int(share * x.shape[1])
    for row in y:
        places = torch.randint(0, x.shape[1], (k,), generator=generator)
        row[places] = torch.randint(0, 2, (k,), generator=generator).float()
    return y


def one_colour_over_the_other(x, share, generator):
    y = x.clone()
    y[torch.rand(x.shape, generator=generator) < share / 2] = 0
    y[torch.rand(x.shape, generator=generator) < share / 2] = 1
    return y


def where(chance, new):
    """Return a function that exchanges the pixels of a mask for something."""
    return lambda x, share, generator: torch.where(
        torch.rand(x.shape, generator=generator) < chance(share), new(x, generator), x)


def noisy(change):
    """Return a function that adds what ``change(sigma, standard normal numbers)`` gives, cut off at 0 and 1."""
    return lambda x, sigma, generator: (x + change(sigma, torch.randn(x.shape, generator=generator))).clamp(0, 1)


def back_to_clean(x, sigma, generator):
    y = x + sigma * torch.randn(x.shape, generator=generator)
    return torch.where((y < 0) | (y > 1), x, y)


def in_the_loop(x, sigma, generator):
    y = x.clone()
    for row in y:
        row += sigma * torch.randn(x.shape[1], generator=generator)
        return y.clamp(0, 1)


def a_block(x, share, generator):
    y, k = x.clone(), int(share * x.shape[1])
    for row in y:
        start = int(torch.randint(0, x.shape[1] - k + 1, (), generator=generator))
        row[start:start + k] = 0
    return y


def by_the_model(model, x, step):
    return {"e": losses.squared_error(model(gaussian_ok(x, SIGMA, step.generator) if model.training else x), x)}


COIN = lambda x, generator: torch.rand(x.shape, generator=generator).round()  # noqa: E731
def as_many_in_each_image(colours):
    def exchanged(x, share, generator):
        places = torch.rand(x.shape, generator=generator).argsort(1)
        new = torch.randint(colours, x.shape, generator=generator).float()
        return torch.where(places < int(share * x.shape[1]), new, x)
    return exchanged


UNLISTED = [
    ("gaussian", lambda x, sigma, generator: x, "It adds no noise at all"),
    ("gaussian", lambda x, sigma, generator: (255 * image_by_image(x, sigma, generator)).round() / 255,
     "256 grey levels"),
    ("gaussian", lambda x, sigma, generator: torch.where(x == 0, 0, image_by_image(x, sigma, generator)),
     "add noise to every pixel"),
    ("salt_and_pepper", as_many_in_each_image(2), "exactly as many pixels"),
    ("masking", as_many_in_each_image(1), "exactly as many pixels"),
    ("psnr", lambda x_hat, x: torch.where(torch.isclose(x_hat, x).all(-1), math.inf, -10 * torch.log10(
        (x - x_hat).square().mean(-1))), "a millionth"),
    ("score", lambda denoise, x_noisy, sigma: ((denoise(x_noisy) - x_noisy) / sigma**2).clamp(-10, 10),
     "none of the usual mistakes"),
    ("dae_loss", lambda model, x, step: {"loss": loss_in_two_halves(model, x, step)["squared error"]}, "`fit` keeps"),
    ("dae_loss", lambda model, x, step: loss_in_two_halves(model.eval(), x, step), "the mode of evaluation"),
    ("gaussian", lambda x, sigma, generator: x + sigma, "One single number is added everywhere"),
    ("gaussian", lambda x, sigma, generator: (x + sigma * np.random.randn(*x.shape)).clamp(0, 1),
     "do not come from the"),
    ("gaussian", lambda x, sigma, generator: (x + sigma * torch.randn_like(x)).clamp(0, 1), "do not come from the"),
    ("gaussian", lambda x, sigma, generator: noisy(lambda s, n: s * n)(x, sigma, generator).numpy(),
     "returns an ndarray"),
    ("gaussian", lambda x, sigma, generator: noisy(lambda s, n: s * n)(x, sigma, generator)[:, :10],
     "the shape (200, 10)"),
    ("gaussian", lambda x, sigma, generator: noisy(lambda s, n: s * n)(x, sigma, generator.manual_seed(0)),
     "the same result at every call"),
    ("gaussian", lambda x, sigma, generator: x.add_(sigma * torch.randn(x.shape, generator=generator)).clamp_(0, 1),
     "changes the images that it is given"),
    ("gaussian", noisy(lambda s, n: 0.013 * n), "whatever sigma is"),
    ("gaussian", noisy(lambda s, n: 3 * s * n), "whatever sigma is"),
    ("gaussian", noisy(lambda s, n: s * n.sign()), "of another form"),
    ("gaussian", noisy(lambda s, n: s * n + s), "On average the noise is above 0"),
    ("gaussian", lambda x, sigma, generator: (x + sigma * torch.randn(x.shape, generator=generator)).clamp(-1, 1),
     "Some pixels are below 0"),
    ("gaussian", lambda x, sigma, generator: (x + sigma * torch.randn(x.shape, generator=generator)).abs().clamp(max=1),
     "mirrored"),
    ("gaussian", lambda x, sigma, generator: x * sigma * torch.randn(x.shape, generator=generator), "itself is gone"),
    ("gaussian", lambda x, sigma, generator: torch.poisson(x * 255, generator=generator) / 255, "grows with the pixel"),
    ("gaussian", lambda x, sigma, generator: x + sigma**2 * torch.randn(x.shape), "sigma²"),
    ("gaussian", lambda x, sigma, generator: x + sigma**2 * torch.randn(x.shape), "do not come from the generator"),
    ("gaussian", lambda x, sigma, generator: (x + sigma * torch.randn(len(x), generator=generator)), "raises"),
    ("gaussian", back_to_clean, "should become exactly 0 or 1"), ("gaussian", in_the_loop, "nothing for some"),
    ("gaussian", lambda x, sigma, generator: noisy(lambda s, n: s * n)(x, sigma, generator).clamp(0.01, 0.99),
     "Of the black pixels half should stay black"),
    ("gaussian", noisy(lambda s, n: (s * n).clamp(0, 1)), "cut off before it is added"),
    ("gaussian", lambda x, sigma, generator: gaussian_ok(x, sigma, generator).squeeze(), "Of a single image"),
    ("gaussian", lambda x, sigma, generator: gaussian_ok(1 - x, sigma, generator), "the negative, 1 − x"),
    ("gaussian", lambda x, sigma, generator: (x + sigma * torch.randn(
        len(x) // 2, x.shape[1], generator=generator).repeat(3, 1)[:len(x)]).clamp(0, 1) if len(x) > 1 else gaussian_ok(
            x, sigma, generator), "the same for some of the images"),
    ("gaussian", noisy(lambda s, n: s * (n + 0.3 * n.roll(1, 1))), "alike for neighbouring pixels"),
    ("salt_and_pepper", lambda x, share, generator: x, "No pixel changes"),
    ("salt_and_pepper", in_place, "become black"), ("salt_and_pepper", in_place, "changes the images"),
    ("salt_and_pepper", with_replacement, "come up twice"),
    ("salt_and_pepper", one_colour_over_the_other, "Where both strike"),
    ("salt_and_pepper", where(lambda s: s, lambda x, g: 1 - x), "all sorts of greys"),
    ("salt_and_pepper", where(lambda s: s, lambda x, g: torch.randn(x.shape, generator=g)), "outside of 0 to 1"),
    ("salt_and_pepper", where(lambda s: s, lambda x, g: 255 * COIN(x, g)), "outside of 0 to 1"),
    ("salt_and_pepper", where(lambda s: 0.29, COIN), "of the pixels; it should be the share"),
    ("salt_and_pepper", where(lambda s: s / 5, COIN), "of the pixels; it should be the share"),
    ("salt_and_pepper", where(lambda s: 1 - s, COIN), "The share is that of the pixels which stay"),
    ("salt_and_pepper", lambda x, share, generator: COIN(x, generator), "Changed are all of them"),
    ("salt_and_pepper", lambda x, share, generator: torch.rand(x.shape, generator=generator) < share, "bool"),
    ("salt_and_pepper", lambda x, share, generator: x * (torch.rand(x.shape, generator=generator) < share), "below"),
    ("salt_and_pepper", where(lambda s: s, lambda x, g: torch.rand((), generator=g).round()), "become"),
    ("masking", lambda x, share, generator: F.dropout(x, share), "as dropout does"),
    ("masking", lambda x, share, generator: F.dropout(x, share), "do not come from the generator"),
    ("masking", lambda x, share, generator: F.dropout(x, share) * (1 - share), "do not come from the generator"),
    ("masking", lambda x, share, generator: F.dropout(x, share).clamp(0, 1), "so grey ones become brighter"),
    ("masking", lambda x, share, generator: F.dropout(x, share, training=False), "No pixel changes"),
    ("masking", lambda x, share, generator: x * torch.rand(x.shape, generator=generator), "of many greys"),
    ("masking", lambda x, share, generator: x * (torch.rand(x.shape[1], generator=generator) > share), "same pixels"),
    ("masking", lambda x, share, generator: x * (torch.rand(len(x), 1, generator=generator) > share), "Whole images"),
    ("masking", lambda x, share, generator: x * (torch.randn(x.shape, generator=generator) > share),
     "As many pixels are exchanged as normal numbers"),
    ("masking", lambda x, share, generator: x * torch.rand(x.shape, generator=generator).round(), "Half of all pixels"),
    ("masking", lambda x, share, generator: x * (torch.rand(x.shape, generator=generator) > share**0.7),
     "of the pixels; it"),
    ("masking", lambda x, share, generator: (torch.rand(x.shape, generator=generator) > share).float(), "mask itself"),
    ("masking", lambda x, share, generator: x.where(x > share, 0), "decided by their own grey level"),
    ("masking", lambda x, share, generator: x * (1 - share), "no pixels beside that"),
    ("masking", lambda x, share, generator: torch.where(
        (torch.rand(x.shape, generator=generator) < share) & (x < 1), 0, x), "as often as grey ones"),
    ("salt_and_pepper", lambda x, share, generator: torch.where(
        (r := torch.rand(x.shape, generator=generator)) < share / 2, 0.0, torch.where(r > 1 - share, 1.0, x)),
     "3/2 of the share"),
    ("masking", a_block, "alike for neighbouring pixels"),
    ("psnr", lambda x_hat, x: (-10 * torch.log10((x - x_hat).square().mean(-1))).clamp(min=0),
     "5 images of 784 pixels"),
    ("psnr", lambda x_hat, x: 10 * torch.log10(1 / ((x - x_hat) ** 2).sum()), "all pixels of all images"),
    ("psnr", lambda x_hat, x: -10 * math.log10(F.mse_loss(x_hat, x)), "averaged over all images"),
    ("psnr", lambda x_hat, x: 20 * torch.log10(255 / (x - x_hat).square().mean(-1).sqrt()), "taken as 255"),
    ("psnr", lambda x_hat, x: 10 * torch.log10(255 / (x - x_hat).square().mean(-1)),
     "too large, for each image"),
    ("psnr", lambda x_hat, x: -20 * torch.log((x - x_hat).norm(dim=-1)), "Two things at once"),
    ("psnr", lambda x_hat, x: -20 * torch.log10((x - x_hat).square().mean(-1)), "twice the right one"),
    ("psnr", lambda x_hat, x: (-10 * torch.log10((x - x_hat).square().mean(-1))).clamp(max=99), "PSNR is infinite"),
    ("psnr", lambda x_hat, x: -10 * torch.log10((x - x_hat).square().mean(-1) + 1e-10), "PSNR is infinite"),
    ("psnr", lambda x_hat, x: -10 * torch.log10((x - x_hat).square().median(-1).values), "none of the usual mistakes"),
    ("psnr", lambda x_hat, x: -10 * torch.log10((x - x_hat).mean(-1) ** 2), "so that they cancel"),
    ("psnr", lambda x_hat, x: -10 * torch.log10(((x - x_hat) ** 2).mean()).expand(len(x)), "All images get the same"),
    ("psnr", lambda x_hat, x: -10 * torch.log10((x.half() - x_hat.half()).square().mean(-1)).float(),
     "none of the usual mistakes"),
    ("psnr", lambda x_hat, x: -10 * torch.log10((x - x_hat).square()), "mean over the pixels is missing"),
    ("median3", lambda x: x, "come back as they were"),
    ("median3", lambda x: F.unfold(padded(x), 3).median(1), "`.indices` or `.values`"),
    ("median3", lambda x: F.unfold(padded(x), 3).median(1).indices, "the places of the medians"),
    ("median3", lambda x: F.unfold(padded(x), 3).median(), "one single number"),
    ("median3", lambda x: F.unfold(padded(x), 3).median(2).values, "not over the nine pixels"),
    ("median3", lambda x: F.unfold(padded(x), 3), "the median over them"),
    ("median3", lambda x: F.unfold(x.view(-1, 1, 28, 28), 3, padding=1).median(1).values,
     "Black pixels are put around"),
    ("median3", lambda x: F.unfold(F.pad(x.view(-1, 1, 28, 28), (1, 1, 1, 1), value=1.0), 3).median(1).values,
     "Inside the image it is right"),
    ("median3", lambda x: F.unfold(F.pad(x.view(-1, 1, 28, 28), (2, 0, 2, 0), mode="replicate"), 3).median(1).values,
     "on the left and on top alone"),
    ("median3", lambda x: by_shifts(x.flip(1)), "not those of the right places"),
    ("median3", lambda x: F.unfold(padded(x), 3).view(-1, 3, 3, 784).median(1).values.median(1).values,
     "the medians of the three columns"),
    ("median3", lambda x: torch.where((x == 0) | (x == 1), by_shifts(x), x), "every pixel comes back as it was"),
    ("median3", lambda x: torch.where(x > 0.9, by_shifts(x), F.unfold(padded(x), 3).sort(1).values[:, 5]),
     "one of the nine pixels of its own window"),
    ("gaussian", lambda x, sigma, generator: (x + sigma * torch.randn(x.shape, generator=generator)).clamp(
        x.min(), x.max()), "cut off at the darkest and the brightest pixel of all images"),
    ("salt_and_pepper", where(lambda s: s, lambda x, g: (x < 0.5).float()), "dark ones become white"),
    ("score", lambda denoise, x_noisy, sigma: denoise(x_noisy).sub_(x_noisy) / sigma**2, "changes its input `x_noisy`"),
    ("score", lambda denoise, x_noisy, sigma: (denoise(x_noisy) - x_noisy) / (sigma**2 + 1e-3), "by nothing else"),
    ("median3", lambda x: by_stack(x), "of the whole stack"),
    ("median3", lambda x: F.unfold(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3), "takes images with a channel"),
    ("median3", lambda x: F.avg_pool2d(x.view(-1, 1, 28, 28), 3, 1, 1).flatten(1), "Two things at once"),
    ("median3", lambda x: (by_shifts(x) + x) / 2, "do not occur in the image"),
    ("median3", lambda x: by_shifts(x).numpy(), "a NumPy array"),
    ("median3", lambda x: by_shifts(x.mul_(0.5)), "in place"),
    ("dae_loss", lambda model, x, step: losses.squared_error(gaussian_ok(x, SIGMA, step.generator), x), "called never"),
    ("dae_loss", loss(lambda model, x, y, step: losses.squared_error(model(y), x).mean()), "returns the tensor itself"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": F.mse_loss(model(y), x)}), "average over pixels and images"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.squared_error(model(x), y)}), "comes after the model"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.squared_error(model(x) + y - x, x)}),
     "comes after the model"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.squared_error(
        model(y), gaussian_ok(x, SIGMA, step.generator))}), "drawn a second time"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.gaussian_nll(model(y), x, SIGMA)}), "another number"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.squared_error(model(y), x), "b": 0}),
     "a dict of 2 things"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.squared_error(model.encode(y), x)}), "in part, without"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.squared_error(model(y), x).tolist()}), "a dict of a list"),
    ("dae_loss", loss(lambda model, x, y, step: {losses.squared_error(model(y), x)}), "It returns a set"),
    ("dae_loss", lambda model, x, step: {"e": losses.squared_error(model(gaussian_ok(
        x, SIGMA, torch.Generator())), x)}, "the same at every call"),
    ("dae_loss", lambda model, x, step: {"e": losses.squared_error(model(gaussian_ok(x, 0.2, step.generator)), x)},
     "about 0.2; SIGMA is asked for"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.squared_error(model(y), 1 - x)}), "target is 1 − x"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.squared_error(model(y), x).squeeze()}), "a single image"),
    ("dae_loss", lambda model, x, step: {"e": losses.squared_error(model(torch.normal(
        x, SIGMA, generator=step.generator).clamp(0, 1)), torch.normal(x, SIGMA, generator=step.generator).clamp(
            0, 1))}, "drawn a second time"),
    ("dae_loss", lambda model, x, step: {"e": losses.squared_error(model((
        x + torch.rand(x.shape, generator=step.generator) - 0.5).clamp(0, 1)), x)}, "The noise is not normal"),
    ("dae_loss", lambda model, x, step: {"e": losses.squared_error(model(gaussian_ok(
        1 - x, SIGMA, step.generator)), x)}, "1 − x with noise"),
    ("dae_loss", lambda model, x, step: {"e": losses.squared_error(model(x + SIGMA * torch.randn(x.shape)), x)},
     "leaves the range from 0 to 1"),
    ("dae_loss", lambda model, x, step: {"e": losses.squared_error(model(gaussian_ok(x, SIGMA, step)), x)},
     "The generator is `step.generator`."),
    ("dae_loss", lambda model, x, step: {"e": losses.squared_error(model(gaussian_ok(
        x, SIGMA * step.progress, step.generator)), x)}, "depends on `step.progress`"),
    ("dae_loss", by_the_model, "always damage"),
    ("dae_loss", lambda model, x, step: {"e": losses.squared_error(model(
        x + 0.8 * torch.rand(x.shape, generator=step.generator).sub(0.5)), x)}, "about 0.23"),
    ("dae_loss", loss(lambda model, x, y, step: {"e": losses.squared_error(y + model(y), x)}), "plus the damaged"),
    ("score", lambda denoise, x_noisy, sigma: (denoise(x_noisy) - x_noisy) / 2 * sigma**2, "needs brackets"),
    ("score", lambda denoise, x_noisy, sigma: denoise(x_noisy) - x_noisy / sigma**2, "Only the noisy point"),
    ("score", lambda denoise, x_noisy, sigma: (denoise(x_noisy) - x_noisy) / (sigma**2 + 0.01), "by nothing else"),
    ("score", lambda denoise, x_noisy, sigma: denoise(x_noisy) / sigma**2 - x_noisy, "Put brackets around"),
    ("score", lambda denoise, x_noisy, sigma: x_noisy + sigma**2 * denoise(x_noisy), "solve for it"),
    ("score", lambda denoise, x_noisy, sigma: (x_noisy - denoise(x_noisy)) / sigma, "Two things at once"),
    ("score", lambda denoise, x_noisy, sigma: (denoise(x_noisy) - x_noisy) / sigma**3, "Which power of sigma is that?"),
    ("score", lambda denoise, x_noisy, sigma: (x_noisy - denoise(x_noisy)) / sigma**3, "point the wrong way"),
    ("score", lambda denoise, x_noisy, sigma: denoise(x_noisy), "The denoised point is taken alone"),
    ("score", lambda denoise, x_noisy, sigma: ((denoise(x_noisy) - x_noisy) / sigma**2).mean(), "one single number"),
    ("score", lambda denoise, x_noisy, sigma: (denoise(x_noisy, sigma) - x_noisy) / sigma**2, "with the points alone"),
    ("score", lambda denoise, x_noisy, sigma: (denoise - x_noisy) / sigma**2, "`denoise` is a function: call it"),
    ("score", lambda denoise, x_noisy, sigma: (denoise(x_noisy + torch.randn(x_noisy.shape)) - x_noisy) / sigma**2,
     "gives two results"),
    ("score", lambda denoise, x_noisy, sigma: ((denoise(x_noisy) - x_noisy) / sigma**2).numpy(), "a NumPy array"),
]


PAIRS = [
    ("gaussian", "sigma squared", "no clipping"), ("gaussian", "rand", "in place"),
    ("gaussian", "one noise for all", "global state"), ("salt_and_pepper", "share of each", "only black"),
    ("salt_and_pepper", "middle grey", "the same at every call"), ("masking", "rescaled", "global state"),
    ("dae_loss", "noisy target", "mean over the pixels"), ("dae_loss", "sigmoid", "fixed noise"),
    ("dae_loss", "mean over everything", "global noise")]


# ---- what is measured, against numbers that are known ---------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.28, 1.0, 12.0])
def test_the_size_of_clipped_noise_is_found(sigma):
    generator = torch.Generator().manual_seed(0)
    x = 0.4 + 0.2 * torch.rand(200, 300, generator=generator)
    y = gaussian_ok(x, sigma, generator)
    assert _noise_facts(x, y, sigma)["size"] == "σ"
    inside = float(((y > 0) & (y < 1)).float().mean())
    assert inside == pytest.approx(float(np.mean(norm.cdf((1 - x) / sigma) - norm.cdf(-x / sigma))), abs=0.01)


def test_the_oracle_of_the_score_is_that_of_one_gaussian():
    case = BY_NAME["score"].draw(torch.Generator().manual_seed(0), 1)
    denoise, x, sigma = case.args
    by_hand = (denoise.centres - x) / (denoise.width**2 + sigma**2)
    assert torch.allclose(BY_NAME["score"].oracle(*case.args), by_hand, atol=1e-5)
