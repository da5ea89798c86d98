"""Lab 04's checks: right answers pass in every form, whatever they draw, and wrong ones get a true sentence."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import median_filter
from scipy.stats import poisson

from aecourse import corruption, losses, metrics
from aecourse.check import lab04
from aecourse.check.engine.exercise import CORRECT
from aecourse.check.engine.lab import examine

BY_NAME = {exercise.name: exercise for exercise in lab04.EXERCISES}
SLOW = ("shot_noise", "occlude", "noise2noise_loss")  # their checks measure
NAMED = {"median3": 0.5}  # of many pairs, one covers the other
SIGMA = 0.5
gaussian = corruption.gaussian


# ---- right answers --------------------------------------------------------------------------------------------------


def photons_image_by_image(x, photons, generator):
    return torch.stack([torch.poisson(photons * image, generator) / photons for image in x])


def photons_by_inversion(x, photons, generator):
    u = torch.rand(x.shape, generator=generator, dtype=torch.float64)
    return torch.from_numpy(poisson.ppf(u.numpy(), (x * photons).double().numpy()) / photons).float().clamp(min=0)


def photons_in_place(x, photons, generator):
    y = x.clone().mul_(photons)
    y[:] = torch.poisson(y, generator=generator)
    return y.div_(photons)


def photons_by_numpy(x, photons, generator):
    numbers = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
    return torch.from_numpy(numbers.poisson((x * photons).numpy()) / photons)


def square_by_loop(x, side, generator):
    y = x.clone().view(-1, 28, 28)
    for image in y:
        r, c = (int(torch.randint(0, 28 - side + 1, (1,), generator=generator)) for _ in range(2))
        image[r:r + side, c:c + side] = 0
    return y.view(len(x), 784)


def square_by_one_number(x, side, generator):
    n = 29 - side
    place = torch.randint(n * n, (len(x), 1), generator=generator)
    p = torch.arange(784)
    r, c = p // 28 - place // n, p % 28 - place % n
    return torch.where((r >= 0) & (r < side) & (c >= 0) & (c < side), 0.0, x)


def square_by_rand(x, side, generator):
    at = (torch.rand(len(x), 2, generator=generator) * (29 - side)).long()
    mask = torch.ones(len(x), 28, 28)
    for i, (r, c) in enumerate(at.tolist()):
        mask[i, r:r + side, c:c + side] = 0
    return x * mask.flatten(1)


def square_by_scatter(x, side, generator):
    r = torch.randint(29 - side, (len(x), 1, 1), generator=generator) + torch.arange(side)[:, None]
    c = torch.randint(29 - side, (len(x), 1, 1), generator=generator) + torch.arange(side)
    return x.scatter(1, (28 * r + c).flatten(1), 0.0)


def square_by_numpy(x, side, generator):
    y = x.numpy().reshape(-1, 28, 28).copy()
    at = torch.randint(0, 29 - side, (len(x), 2), generator=generator).numpy()
    for image, (r, c) in zip(y, at, strict=True):
        image[r:r + side, c:c + side] = 0
    return torch.from_numpy(y.reshape(len(x), 784))


def square_by_outer(x, side, generator):
    def band():
        at = torch.randint(29 - side, (len(x), 1), generator=generator)
        return F.pad(torch.ones(len(x), side), (0, 28 - side)).gather(1, (torch.arange(28) - at) % 28)

    return x * (1 - torch.einsum("br,bc->brc", band(), band()).flatten(1))


def gain_by_psnrs(x, noisy, denoised):
    a, b = (-10 * torch.log10(F.mse_loss(i.clip(0, 1), x, reduction="none").mean(1)) for i in (denoised, noisy))
    return (a - b).nan_to_num(nan=0.0, posinf=math.inf, neginf=-math.inf)


def gain_in_place(x, noisy, denoised):
    a, b = ((i.clone().clamp_(0, 1) - x).pow(2).sum(-1) for i in (denoised, noisy))
    g = 10 * (b.log10() - a.log10())
    g[(a == 0) & (b == 0)] = 0
    return g


def gain_by_numpy(x, noisy, denoised):
    a, b = (np.square(np.clip(i.numpy(), 0, 1) - x.numpy()).mean(1) for i in (denoised, noisy))
    with np.errstate(all="ignore"):
        return torch.from_numpy(np.where((a == 0) & (b == 0), 0, 10 * np.log10(b / a)))


def gain_by_metrics(x, noisy, denoised):
    g = metrics.psnr(denoised.clamp(0, 1), x) - metrics.psnr(noisy.clamp(0, 1), x)
    return torch.where(g.isnan(), 0.0, g)


def gain_by_norms(x, noisy, denoised):
    a, b = ((i.clamp(0, 1) - x).norm(dim=1) for i in (denoised, noisy))
    return torch.where((a + b) == 0, torch.zeros_like(a), 20 * (b / a).log10())


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


def noisy_in_two_halves(model, x, step):
    z = model.encode(gaussian(x, SIGMA, step.generator))
    return {"squared error": (gaussian(x, SIGMA, step.generator) - model.decode(z)).pow(2).sum(dim=1)}


def noisy_image_by_image(model, x, step):
    a, b = gaussian(x, SIGMA, step.generator), gaussian(x, SIGMA, step.generator)
    return {"e": torch.cat([losses.squared_error(model(p[None]), q[None]) for p, q in zip(a, b, strict=True)])}


def noisy_by_one_call(model, x, step):
    a, b = gaussian(torch.cat([x, x]), SIGMA, step.generator).chunk(2)
    return {"squared error": losses.squared_error(model(a), b)}


def noisy_by_normal(model, x, step):
    b, a = (torch.normal(x, SIGMA, generator=step.generator) for _ in range(2))
    return {"squared error": x.shape[1] * F.mse_loss(model(a), b, reduction="none").mean(-1)}


def loss(change):
    """Return the loss in which the model's input, its output and the target are what ``change`` makes of them."""
    def noise2noise_loss(model, x, step):
        return {"e": change(model, x, gaussian(x, SIGMA, step.generator), gaussian(x, SIGMA, step.generator))}

    return noise2noise_loss


RIGHT = [
    ("sigma_for", lambda decibels: torch.sqrt(10 ** (-decibels / 10))),
    ("sigma_for", lambda decibels: torch.exp(-decibels * math.log(10) / 20)),
    ("sigma_for", lambda decibels: torch.pow(10, decibels.div(-20))),
    ("sigma_for", lambda decibels: torch.from_numpy(10 ** (-decibels.numpy() / 20))),
    ("sigma_for", lambda decibels: torch.tensor([10 ** (-d / 20) for d in decibels.tolist()])),
    ("sigma_for", lambda decibels: 1 / (10.0 ** decibels.double()) ** 0.05),
    ("shot_noise", photons_image_by_image), ("shot_noise", photons_by_inversion), ("shot_noise", photons_in_place),
    ("shot_noise", photons_by_numpy),
    ("shot_noise", lambda x, photons, generator: torch.poisson(x.double() * photons, generator=generator) / photons),
    ("shot_noise", lambda x, photons, generator: torch.poisson(photons * x, generator).mul(1 / photons)),
    ("occlude", square_by_loop), ("occlude", square_by_one_number), ("occlude", square_by_rand),
    ("occlude", square_by_scatter), ("occlude", square_by_numpy), ("occlude", square_by_outer),
    ("gain", gain_by_psnrs), ("gain", gain_in_place), ("gain", gain_by_numpy), ("gain", gain_by_metrics),
    ("gain", gain_by_norms),
    ("median3", by_shifts), ("median3", by_sorting),
    ("median3", lambda x: F.unfold(padded(x), 3).quantile(0.5, dim=1)),
    ("median3", lambda x: F.unfold(padded(x), (3, 3)).transpose(1, 2).median(-1)[0]),
    ("noise2noise_loss", noisy_in_two_halves), ("noise2noise_loss", noisy_image_by_image),
    ("noise2noise_loss", noisy_by_one_call), ("noise2noise_loss", noisy_by_normal),
    ("noise2noise_loss", loss(lambda model, x, a, b: model(a).sub_(b).pow_(2).sum(1))),
    ("noise2noise_loss", loss(lambda model, x, a, b: torch.linalg.vector_norm(model(b) - a, dim=1) ** 2)),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: torch.lerp(
        denoise(x_noisy, sigma), x_noisy, sigma_next / sigma)),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: (
        (1 - sigma_next / sigma) * denoise(x_noisy, sigma) + x_noisy * sigma_next / sigma)),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: x_noisy - (sigma - sigma_next) * (
        x_noisy - denoise(x_noisy, sigma)) / sigma),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: x_noisy + sigma * (sigma - sigma_next) * (
        denoise(x_noisy, sigma) - x_noisy) / sigma**2),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: denoise(x_noisy.clone(), sigma).add_(
        sigma_next * (x_noisy - denoise(x_noisy, sigma)) / sigma)),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: x_noisy.double() + (1 - sigma_next / sigma) * (
        denoise(x_noisy, sigma) - x_noisy)),
]


@pytest.mark.parametrize(("name", "answer"), [
    ("gain", lambda x, noisy, denoised: torch.cat(
        [gain_by_norms(*(v[None] for v in rows)) for rows in zip(x, noisy, denoised, strict=True)])),
    ("median3", by_scipy),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: torch.cat([
        BY_NAME["step_down"].reference(denoise, p[None], sigma, sigma_next) for p in x_noisy]))])
def test_loops_over_images_pass_with_advice(name, answer):
    for seed in range(3):
        verdict = examine(BY_NAME[name], answer, seed)
        assert verdict.outcome == CORRECT, verdict.text
        assert "one at a time" in verdict.more


# ---- answers that are in no list ------------------------------------------------------------------------------------


def counts(change):
    """Return a function that gives ``change(x, photons, generator)``."""
    return lambda x, photons, generator: change(x, photons, generator)


def rounded_normal(x, photons, generator):
    n = x * photons
    return (n + n.sqrt() * torch.randn(x.shape, generator=generator)).round().clamp(min=0) / photons


def block(rows, columns, new=0.0):
    """Return a function that sets, in each image, the pixels from one place to another to ``new``."""
    def occlude(x, side, generator):
        y = x.clone().view(-1, 28, 28)
        for image in y:
            (a, b), (c, d) = rows(side, generator), columns(side, generator)
            image[a:b, c:d] = new
        return y.view(len(x), 784)

    return occlude


def any_place(low, high):
    def one(side, generator):
        a = int(torch.randint(low, max(low + 1, high(side)), (), generator=generator))
        return a, a + side
    return one


def towards_the_middle(side, generator):
    a = int(torch.rand(2, generator=generator).mean() * (29 - side))
    return a, a + side


def first_images_only(x, side, generator):
    y = square_by_scatter(x, side, generator)
    return torch.cat([y[: len(x) // 2 + 1], x[len(x) // 2 + 1:]])


def column_from_elsewhere(x, side, generator):
    y = x.clone().view(-1, 28, 28)
    for image in y:
        a, b = (int(torch.randint(29 - side, (), generator=g)) for g in (generator, None))
        image[a:a + side, b:b + side] = 0
    return y.view(len(x), 784)


def one_too_many(x, side, generator):
    r, c = torch.randint(29 - side, (2, len(x), 1, 1), generator=generator)
    p = torch.arange(28)
    return x.masked_fill(((p[:, None] >= r) & (p[:, None] <= r + side) & (p >= c) & (p <= c + side)).flatten(1), 0)


def filled(level):
    def occlude(x, side, generator):
        hidden = square_by_scatter(torch.ones_like(x), side, generator) == 0
        return torch.where(hidden, torch.stack([level(image) for image in x])[:, None], x)

    return occlude


def disc(x, side, generator):
    r, c = torch.randint(29 - side, (2, len(x), 1, 1), generator=generator) + (side - 1) / 2
    p = torch.arange(28)
    return x.masked_fill(((p[:, None] - r) ** 2 + (p - c) ** 2 <= side**2 / 4).flatten(1), 0)


INSIDE = any_place(0, lambda side: 29 - side)
UNLISTED = [
    ("sigma_for", lambda decibels: torch.ones_like(decibels), "whatever the input"),
    ("sigma_for", lambda decibels: -10 * torch.log10(decibels**2), "turns a σ into a PSNR"),
    ("sigma_for", lambda decibels: 1 - decibels / 100, "none of the usual"),
    ("sigma_for", lambda decibels: 10 ** (-decibels / 15), "20 dB more divide the noise by"),
    ("sigma_for", lambda decibels: 2 * 10 ** (-decibels / 20), "at 0 dB it is 2"),
    ("sigma_for", lambda decibels: decibels, "not positive"),
    ("sigma_for", lambda decibels: 10 ** (decibels / 10), "Two things at once"),
    ("sigma_for", lambda decibels: (10 ** (-decibels / 20)).numpy(), "a NumPy array"),
    ("sigma_for", lambda decibels: 10 ** (-decibels / 20).squeeze(), "no dimension left"),
    ("sigma_for", lambda decibels: 10 ** (-decibels / 20).squeeze(), "leave it out, or name the dimension"),
    ("sigma_for", lambda decibels: 10.0 ** (-decibels.int() / 20), "The digits after the point are cut off"),
    ("sigma_for", lambda decibels: 10.0 ** (-decibels.round() / 20), "The decibels are rounded"),
    ("sigma_for", lambda decibels: 10.0 ** -(decibels // 20), "with `//`"),
    ("sigma_for", lambda decibels: (10 ** (-decibels.mean() / 20)).repeat(len(decibels)), "get one value"),
    ("sigma_for", lambda decibels: (10 ** (-decibels / 20)).clamp(max=1), "does not always get weaker"),
    ("sigma_for", lambda decibels: math.sqrt(10 ** (-decibels / 10)), "raises"),
    ("shot_noise", counts(lambda x, n, g: x), "adds no noise"),
    ("shot_noise", counts(lambda x, n, g: torch.poisson(x * n) / n), "Not all of the numbers come from the generator"),
    ("shot_noise", counts(lambda x, n, g: torch.poisson(x * n, generator=g).long()), "int64"),
    ("shot_noise", counts(lambda x, n, g: torch.poisson(x * n, generator=g) // n), "left"),
    ("shot_noise", counts(lambda x, n, g: torch.poisson(x * int(n), generator=g) / n), "cut to a whole number"),
    ("shot_noise", counts(lambda x, n, g: torch.poisson(0.9 * x * n, generator=g) / n), "the image where photons"),
    ("shot_noise", rounded_normal, "are not Poisson"),
    ("shot_noise", counts(lambda x, n, g: corruption.gaussian(x, 1 / n, g)), "as strong in black pixels"),
    ("shot_noise", counts(lambda x, n, g: (torch.poisson(x * n, generator=g) / n).clamp(max=1)), "brighter than 1"),
    ("shot_noise", counts(lambda x, n, g: torch.poisson(x * n, generator=g.manual_seed(1)) / n), "same result"),
    ("shot_noise", counts(lambda x, n, g: torch.poisson(x * n, generator=g).squeeze() / n), "Of a single image"),
    ("shot_noise", counts(lambda x, n, g: torch.poisson(x * 3 * n, generator=g) / (3 * n)), "0.33 times"),
    ("shot_noise", counts(lambda x, n, g: x + (torch.poisson(x[:1] * n, generator=g) / n - x[:1])), "same for every"),
    ("shot_noise", counts(lambda x, n, g: x + torch.poisson(x * n, generator=g) / n - x.mean()),
     "image is there twice"),
    ("occlude", counts(lambda x, n, g: x), "No pixel changes"),
    ("occlude", block(any_place(0, lambda side: 28 - side), INSIDE), "lower end"),
    ("occlude", block(any_place(1, lambda side: 29 - side), INSIDE), "upper end"),
    ("occlude", block(towards_the_middle, towards_the_middle), "more often than others"),
    ("occlude", block(INSIDE, INSIDE, 1.0), "square is white"),
    ("occlude", block(INSIDE, lambda side, g: (0, 28)), "Whole rows"),
    ("occlude", block(INSIDE, lambda side, g: (5, 5 + 2 * side)), "×"),
    ("occlude", first_images_only, "nothing in some of the images"),
    ("occlude", counts(lambda x, n, g: 0 * x), "28 × 28"),
    ("occlude", counts(lambda x, n, g: square_by_scatter(x, n, torch.Generator())), "same result"),
    ("occlude", counts(lambda x, n, g: square_by_scatter(x, n, torch.default_generator)), "Not all of the numbers"),
    ("occlude", column_from_elsewhere, "Not all of the numbers come from the generator"),
    ("occlude", one_too_many, "one row and one column too many, but for the end of the image"),
    ("occlude", filled(lambda image: image.min()), "the darkest grey level of its image"),
    ("occlude", filled(lambda image: image.mean()), "the mean grey level of its image"),
    ("occlude", filled(lambda image: image.median()), "The changed pixels are one grey for each image"),
    ("occlude", disc, "What changes is of another form"),
    ("occlude", counts(lambda x, n, g: square_by_scatter(x, n, g).view(-1, 28, 28)), "the shape (400, 28, 28)"),
    ("occlude", counts(lambda x, n, g: square_by_scatter(x, n, g) + 0.01 * (x == x)), "28 × 28"),
    ("occlude", counts(lambda x, n, g: x * (torch.rand(x.shape, generator=g) > n * n / 784)), "scattered"),
    ("gain", lambda x, noisy, denoised: gain_by_norms(x, denoised, noisy), "The sign is wrong"),
    ("gain", lambda x, noisy, denoised: metrics.psnr(denoised, x) - metrics.psnr(noisy, x), "0/0, like inf − inf, is"),
    ("gain", lambda x, noisy, denoised: gain_by_psnrs(x, noisy, denoised).clamp(-99, 99), "No other number may stand"),
    ("gain", lambda x, noisy, denoised: gain_by_psnrs(x, noisy, denoised).nan_to_num(), "replaced by a very large"),
    ("gain", lambda x, noisy, denoised: torch.where(
        (noisy.clamp(0, 1) == x).all(1), 0.0, gain_by_psnrs(x, noisy, denoised)), "where the noisy image has no error"),
    ("gain", lambda x, noisy, denoised: 10 * torch.log10(gain_by_psnrs(x, noisy, denoised)), "expected"),
    ("gain", lambda x, noisy, denoised: gain_by_psnrs(x, noisy, denoised).mean(), "averaged"),
    ("gain", lambda x, noisy, denoised: 3 * gain_by_psnrs(x, noisy, denoised), "3 times the right one"),
    ("gain", lambda x, noisy, denoised: gain_by_psnrs(x, noisy, denoised) + 1, "too large"),
    ("gain", lambda x, noisy, denoised: (denoised - x).square().mean(1) - (noisy - x).square().mean(1),
     "none of the usual"),
    ("gain", lambda x, noisy, denoised: gain_by_psnrs(x, noisy.clamp_(0, 1), denoised), "in place"),
    ("gain", lambda x, noisy, denoised: gain_by_psnrs(x, noisy, denoised).numpy(), "a NumPy array"),
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
    ("median3", lambda x: by_stack(x), "of the whole stack"),
    ("median3", lambda x: F.unfold(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3), "takes images with a channel"),
    ("median3", lambda x: F.avg_pool2d(x.view(-1, 1, 28, 28), 3, 1, 1).flatten(1), "Two things at once"),
    ("median3", lambda x: (by_shifts(x) + x) / 2, "do not occur in the image"),
    ("median3", lambda x: by_shifts(x).numpy(), "a NumPy array"),
    ("median3", lambda x: by_shifts(x.mul_(0.5)), "in place"),
    ("noise2noise_loss", loss(lambda model, x, a, b: losses.squared_error(model(a), x)), "The target is the clean"),
    ("noise2noise_loss", loss(lambda model, x, a, b: losses.squared_error(model(a), a)), "the very copy"),
    ("noise2noise_loss", loss(lambda model, x, a, b: losses.squared_error(a, b)), "called never"),
    ("noise2noise_loss", loss(lambda model, x, a, b: losses.squared_error(model(a), (a + b) / 2)),
     "depends on that of the input"),
    ("noise2noise_loss", loss(lambda model, x, a, b: losses.squared_error(model(a), b - a)), "noise alone"),
    ("noise2noise_loss", loss(lambda model, x, a, b: losses.squared_error(model(a), 1 - b)), "the negative"),
    ("noise2noise_loss", loss(lambda model, x, a, b: F.mse_loss(model(a), b)), "average over pixels and images"),
    ("noise2noise_loss", loss(lambda model, x, a, b: losses.squared_error(model(a), b).squeeze()), "a single image"),
    ("noise2noise_loss", loss(lambda model, x, a, b: losses.squared_error(model(a), b) + 1), "another number"),
    ("noise2noise_loss", loss(lambda model, x, a, b: F.smooth_l1_loss(model(a), b, reduction="none").sum(1)),
     "another number"),
    ("noise2noise_loss", loss(lambda model, x, a, b: losses.squared_error(model(a), b) + losses.squared_error(
        model(b), a)), "called twice"),
    ("noise2noise_loss", lambda model, x, step: {"e": losses.squared_error(
        model(gaussian(x, SIGMA, step.generator)), x + SIGMA * torch.randn(x.shape))}, "noise of the target is from"),
    ("noise2noise_loss", lambda model, x, step: {"e": losses.squared_error(
        model(gaussian(x, 0.3, step.generator)), gaussian(x, 0.3, step.generator))}, "of standard deviation 0.3"),
    ("noise2noise_loss", lambda model, x, step: {"e": losses.squared_error(
        model(gaussian(x, SIGMA, step.generator)), gaussian(x, 0.1, step.generator))}, "of standard deviation 0.1"),
    ("noise2noise_loss", lambda model, x, step: {"e": losses.squared_error(
        model(corruption.masking(x, SIGMA, step.generator)), gaussian(x, SIGMA, step.generator))},
     "times the image with noise"),
    ("noise2noise_loss", lambda model, x, step: {"loss": losses.squared_error(
        model(gaussian(x, SIGMA, step.generator)), gaussian(x, SIGMA, step.generator))}, "`fit` keeps"),
    ("noise2noise_loss", lambda model, x, step: {"e": losses.squared_error(
        model(gaussian(x, SIGMA, step)), gaussian(x, SIGMA, step))}, "The generator is `step.generator`."),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: denoise(x_noisy, sigma) + sigma_next * torch.randn(
        x_noisy.shape), "gives two results"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: x_noisy - (sigma - sigma_next) * (
        x_noisy - denoise(x_noisy, sigma)), "the division by sigma is missing"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: x_noisy - (sigma - sigma_next) * (
        x_noisy - denoise(x_noisy, sigma)) / sigma**2, "divide by sigma, not by its square"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: x_noisy - (sigma_next / sigma) ** 0.5 * (
        x_noisy - denoise(x_noisy, sigma)), "at other places"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: denoise(x_noisy, sigma) + sigma_next * F.normalize(
        x_noisy - denoise(x_noisy, sigma), dim=1), "is made sigma_next long"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: denoise(x_noisy, sigma) + sigma_next * (
        noise := x_noisy - denoise(x_noisy, sigma)) / noise.std(), "its own standard deviation, measured"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: denoise(x_noisy), "`denoise(x_noisy, sigma)`"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: denoise - x_noisy, "`denoise` is a function"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: (
        denoise(x_noisy, sigma) + 0.5 * (x_noisy - denoise(x_noisy, sigma))), "at other places"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: x_noisy + (sigma**2 - sigma_next**2) * (
        denoise(x_noisy, sigma) - x_noisy) / sigma**2, "ratio is squared"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: sigma_next / sigma * x_noisy, "none of the usual"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: x_noisy + sigma_next / sigma * (
        denoise(x_noisy, sigma) - x_noisy), "other way round"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: (
        denoise(x_noisy, sigma).mul_(1 - sigma_next / sigma) + sigma_next / sigma * x_noisy), "in place"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: denoise(x_noisy, sigma_next / sigma),
     "none of the usual"),
    ("step_down", lambda denoise, x_noisy, sigma, sigma_next: (
        denoise(x_noisy, sigma) + sigma // max(sigma_next, 1e-3) * (x_noisy - denoise(x_noisy, sigma))),
     "at other places"),
]


PAIRS = [
    ("shot_noise", "not divided", "in place"), ("shot_noise", "normal", "global state"),
    ("occlude", "one place for all", "white"), ("occlude", "one too large", "grey"),
    ("occlude", "last place missing", "global state"),
    ("noise2noise_loss", "clean target", "mean over the pixels"), ("noise2noise_loss", "sigmoid", "global noise"),
    ("noise2noise_loss", "the same copy", "root")]


# ---- what is measured, against numbers that are known ---------------------------------------------------------------


def test_the_variance_of_shot_noise_is_the_grey_level_divided_by_the_photons():
    x = torch.tensor([0.0, 0.2, 1.0]).repeat(200_000, 1)
    y = BY_NAME["shot_noise"].reference(x, 7.5, torch.Generator().manual_seed(0))
    assert torch.allclose(y.mean(0), x[0], atol=0.003)
    assert torch.allclose(y.var(0), x[0] / 7.5, rtol=0.02)


def test_the_oracle_of_a_step_is_that_of_one_gaussian():
    denoise, x, sigma, after = BY_NAME["step_down"].draw(torch.Generator().manual_seed(0), 1).args
    noise = (x - denoise.centres) * sigma**2 / (denoise.width**2 + sigma**2)
    by_hand = x - noise + after / sigma * noise
    assert torch.allclose(BY_NAME["step_down"].oracle(denoise, x, sigma, after), by_hand, atol=1e-5)
