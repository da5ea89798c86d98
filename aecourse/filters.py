"""Classic denoising filters that need no training, and the choice of their setting; used in lesson 04."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, median_filter
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

from aecourse.metrics import psnr


def median(images: Tensor, side: int) -> Tensor:
    """Return images (N, 784) in which each pixel is the median of a square of side × side pixels."""
    return _stacked(images, lambda stack: median_filter(stack, (1, side, side)))


def gaussian(images: Tensor, width: float) -> Tensor:
    """Return images (N, 784) in which each pixel is a mean with Gaussian weights of standard deviation width."""
    return _stacked(images, lambda stack: gaussian_filter(stack, (0, width, width)))


def total_variation(images: Tensor, weight: float) -> Tensor:
    """Return images (N, 784) near the given ones with short outlines (Rudin, Osher and Fatemi 1992)."""
    return _stacked(images, lambda stack: denoise_tv_chambolle(stack, weight=weight, max_num_iter=50, channel_axis=0))


def weighted_mean(images: Tensor, known: Tensor, s: float) -> Tensor:
    """Return for each of the images (N, D) a mean of the known ones (M, D), weighted by exp(−‖image − known‖² / 2s²).

    It is the posterior mean E[x | image] if x is one of the known images, all equally probable, and s is the noise's σ.
    """
    return torch.softmax(-torch.cdist(images, known).square() / (2 * s * s), 1) @ known


# Name → (function, the settings to choose from)
CLASSIC: dict[str, tuple[Callable[[Tensor, Any], Tensor], tuple[float, ...]]] = {
    "median filter": (median, (2, 3, 4, 5)),
    "Gaussian filter": (gaussian, (0.3, 0.4, 0.6, 0.8, 1.0, 1.2)),
    "total variation": (total_variation, (0.05, 0.1, 0.2, 0.3, 0.4, 0.6))}


def best_setting(function: Callable[[Tensor, Any], Tensor], settings: Iterable[Any], noisy: Tensor,
                 clean: Tensor) -> Any:
    """Return the setting with the highest mean PSNR of ``function(noisy, setting)`` on validation images (N, 784)."""
    return max(settings, key=lambda setting: psnr(function(noisy, setting), clean).mean().item())


def _stacked(images: Tensor, function: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    stack = images.numpy().reshape(-1, 28, 28)
    return torch.from_numpy(function(stack)).float().reshape(-1, 784)
