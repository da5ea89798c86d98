"""Lab 04: fresh inputs on which no mistake can hide, and the oracles, which find the right values another way."""

import math

import numpy as np
import torch
from scipy.ndimage import median_filter
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from aecourse.check import lab04_says as says
from aecourse.check.engine.exercise import Case


def _seed(generator: torch.Generator) -> int:
    return int(torch.randint(1_000_000, (), generator=generator))


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return round(low + (high - low) * float(torch.rand((), generator=generator)), 3)


def noise(generator: torch.Generator, size: int) -> Case:
    """Return grey images far from black and white, and so little noise that hardly a pixel gets there."""
    x = 0.4 + 0.2 * torch.rand(size, 300, generator=generator)
    sigma = _uniform(0.04, 0.07, generator) if size == 200 else _uniform(0.09, 0.12, generator)
    return Case((x, sigma, _seed(generator)), f"{size} images of grey pixels, sigma = {sigma}, a generator")


def exchange(generator: torch.Generator, size: int) -> Case:
    """Return grey images without a black or a white pixel, and a share; what the known mistakes make of it differs."""
    x = 0.1 + 0.8 * torch.rand(size, 400, generator=generator)
    share = _uniform(0.26, 0.32, generator) if size == 300 else _uniform(0.4, 0.45, generator)
    return Case((x, share, _seed(generator)), f"{size} images of grey pixels, share = {share}, a generator")


def batch(generator: torch.Generator, size: int) -> Case:
    x = 0.35 + 0.3 * torch.rand(size, 784, generator=generator)
    return Case((x, _seed(generator)), f"a model, x ({size}, 784) and a step")


# ---- 4 --------------------------------------------------------------------------------------------------------------


def _tenths(n: int, pixels: int, generator: torch.Generator) -> Tensor:
    return torch.randint(0, 10, (n, pixels), generator=generator) / 10


def psnr(generator: torch.Generator, size: int) -> Case:
    if size == 1:
        while True:
            x_hat, x = _tenths(1, 2, generator), _tenths(1, 2, generator)
            away = (x_hat - x).abs()
            # one pixel is not farther off than the other by chance, and the image is not white
            if 0.05 < float(away.min()) < float(away.max()) - 0.05 and 0.25 < float(x.max()) < 0.85:
                return Case((x_hat, x), f"the image {_list(x[0])}, rebuilt as {_list(x_hat[0])}")
    pixels = {2: 5, 3: 20}.get(size, 784)
    x = 0.9 * torch.rand(size, pixels, generator=generator)
    x_hat = x + torch.randn(x.shape, generator=generator) * torch.linspace(0.05, 0.4, size)[:, None]
    if size == 3:
        x_hat[1] = x[1]
        return Case((x_hat, x), "3 images, the second one rebuilt without any error", says.EQUAL)
    return Case((x_hat, x), f"{size} images of {pixels} pixels")


def _list(row: Tensor) -> str:
    return "[" + ", ".join(f"{v:.1f}" for v in row.tolist()) + "]"


def psnr_oracle(x_hat: Tensor, x: Tensor) -> Tensor:
    """From the length of the difference, in NumPy: D pixels of at most 1 each have the length √D."""
    away = np.linalg.norm(x_hat.double().numpy() - x.double().numpy(), axis=1)
    with np.errstate(divide="ignore"):
        value = 20 * np.log10(math.sqrt(x.shape[1])) - 20 * np.log10(away)
    return torch.from_numpy(value).float()


# ---- 5 --------------------------------------------------------------------------------------------------------------


def median(generator: torch.Generator, size: int) -> Case:
    """Return one image with a white block in a corner, on which every pixel can be found by hand; or random ones."""
    if size == 1:
        tall, wide = (int(torch.randint(low, low + 4, (), generator=generator)) for low in (3, 8))
        image = torch.zeros(28, 28)
        image[:tall, 28 - wide:] = 1
        image[20, 9] = 1  # a single speck
        text = (f"one black image, white in its rows 0 to {tall - 1} from column {28 - wide} to the right end, and at "
                "the one pixel (20, 9); pixel (r, c) is number 28 r + c")
        return Case((image.reshape(1, 784),), text)
    return Case((torch.rand(size, 784, generator=generator),), f"{size} images of random pixels")


def median_oracle(x: Tensor) -> Tensor:
    """SciPy's filter, image by image."""
    images = x.numpy().reshape(-1, 28, 28)
    return torch.from_numpy(np.stack([median_filter(i, size=3, mode="nearest") for i in images]).reshape(-1, 784))


# ---- 7 --------------------------------------------------------------------------------------------------------------


class Denoiser:
    """The best denoiser of points from a mixture of round Gaussians, worked out from Bayes' rule."""

    def __init__(self, centres: Tensor, width: float, sigma: float) -> None:
        self.centres, self.width, self.sigma = centres, width, sigma

    def __call__(self, x: Tensor) -> Tensor:
        var, noise = self.width**2, self.sigma**2
        share = torch.softmax(-(x[:, None] - self.centres).square().sum(-1) / (2 * (var + noise)), dim=1)
        nearer = (x[:, None] * var + self.centres * noise) / (var + noise)
        return (share[..., None] * nearer).sum(1)


def score(generator: torch.Generator, size: int) -> Case:
    d, k = {1: (1, 1), 2: (2, 3)}.get(size, (4, 5))
    sigma = {1: 0.5, 2: 0.3}.get(size, _uniform(1.3, 1.8, generator))
    if size == 1:
        sigma = [0.2, 0.3, 0.4, 0.6, 0.7][int(torch.randint(5, (), generator=generator))]
    centres = 1.5 * torch.randn(k, d, generator=generator)
    if size == 1:
        centres = torch.randint(1, 10, (1, 1), generator=generator) / 10
    x = centres[torch.randint(k, (size,), generator=generator)] + torch.randn(size, d, generator=generator)
    if size == 1:
        step = torch.randint(8, 16, (1, 1), generator=generator) / 10
        x = centres + (step if torch.rand((), generator=generator) < 0.5 else -step)
    denoise = Denoiser(centres, 0.5, sigma)
    text = (f"the point {x.item():.1f}, which `denoise` moves to {denoise(x).item():.4g}, and sigma = {sigma}"
            if size == 1 else f"{size} points in {d} dimensions, sigma = {sigma}")
    return Case((denoise, x, sigma), text)


def score_oracle(denoise: Denoiser, x_noisy: Tensor, sigma: float) -> Tensor:
    """The slope of the logarithm of the noisy points' density, by autograd; no denoiser is called."""
    centres = denoise.centres.double()
    spread = math.hypot(denoise.width, denoise.sigma)
    parts = Independent(Normal(centres, torch.full_like(centres, spread)), 1)
    x = x_noisy.double().requires_grad_()
    MixtureSameFamily(Categorical(torch.ones(len(centres)).double()), parts).log_prob(x).sum().backward()
    return x.grad.float()
