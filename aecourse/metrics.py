"""What lessons measure: reconstruction error, linear probe, and what can be read off the images themselves."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy import stats
from skimage.metrics import structural_similarity
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from aecourse.data import stratified_subset
from aecourse.losses import categorical_nll


@torch.no_grad()
def reconstruction_error(model: nn.Module, x: Tensor) -> float:
    """Return the mean over images of ‖x − model(x)‖², in squared grey levels; x has shape (N, 784)."""
    model.eval()
    return (model(x) - x).square().sum(1).mean().item()


def share_kept(model: nn.Module, x: Tensor) -> float:
    """Return the share of the images' variation that the reconstruction keeps: 1 is all, below 0 worse than their mean.

    It is 1 − (mean ‖x − model(x)‖²) / (mean ‖x − mean image‖²), so that sets of unequal contrast can be compared.
    """
    return 1 - reconstruction_error(model, x) / (x - x.mean(0)).square().sum(1).mean().item()


def largest_angle(a: Tensor, b: Tensor) -> float:
    """Return the largest principal angle, in degrees, between the spaces that the columns of a and b (D, k) span.

    It is 0 if they are the same space, and 90 if one has a direction at a right angle to all of the other. The singular
    values of PᵀQ, of orthonormal bases P and Q, are the cosines of the angles (Björck and Golub 1973).
    """
    bases = [torch.linalg.qr(columns.double())[0] for columns in (a, b)]
    cosines = torch.linalg.svdvals(bases[0].T @ bases[1]).clamp(max=1)
    return torch.rad2deg(cosines.arccos()).max().item()


def psnr(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio in dB, shape (N,), of images x_hat (N, D), clipped to [0, 1], given x."""
    return -10 * (x_hat.clamp(0, 1) - x).square().mean(1).log10()


def ssim(x_hat: Tensor, x: Tensor) -> float:
    """Return the mean structural similarity of images x_hat and x (N, 784), clipped to [0, 1] (Wang and others)."""
    stacks = (images.clamp(0, 1).numpy().reshape(-1, 28, 28) for images in (x_hat, x))
    return float(structural_similarity(*stacks, data_range=1, channel_axis=0))


def linear_probe(z: Tensor, y: Tensor, z_test: Tensor, y_test: Tensor) -> float:
    """Return the test accuracy (0 to 1) of logistic regression on standardised codes z (N, K) with labels y (N,).

    The usual measure of a representation: if a linear classifier reads the class off the code, the code shows it.
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, tol=1e-3))
    return float(probe.fit(np.asarray(z), np.asarray(y)).score(np.asarray(z_test), np.asarray(y_test)))


def errors(answers: Tensor, truth: Tensor) -> np.ndarray:
    """Return the errors (%), shape (S,), of S rows of answers (S, N) to images of the classes truth (N,)."""
    return 100 * (answers != truth).double().mean(1).numpy()


def interval(values: Sequence[float] | np.ndarray, percent: float = 95) -> tuple[float, float]:
    """Return the ends of Student's confidence interval for the mean of which values (n,) are a sample: m ± t s / √n."""
    m, s, n = np.mean(values), np.std(values, ddof=1), len(values)
    half = stats.t.ppf(0.5 + percent / 200, n - 1) * s / n**0.5
    return float(m - half), float(m + half)


def nearest_mean(x: Tensor, y: Tensor, x_test: Tensor, y_test: Tensor) -> float:
    """Return the test accuracy (%) of naming the class whose mean image is nearest; x (N, D), y (N,) from 0 up."""
    means = torch.stack([x[y == label].mean(0) for label in range(int(y.max()) + 1)])  # (K, D)
    return 100 * (torch.cdist(x_test, means).argmin(1) == y_test).float().mean().item()


@torch.no_grad()
def probes(encode: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, x_test: Tensor, y_test: Tensor,
           parts: Sequence[int] = (10, 100)) -> list[float]:
    """Return the test accuracies (%) of linear probes for which one image in ten has a label, and one in a hundred.

    ``parts`` says one in how many; ``encode`` maps images (N, 784) to codes (N, K). The labelled images are a random
    subset of x, with equally many of each class y (N,). These are the probe's columns in the course's scoreboard.
    """
    z_test, accuracies = encode(x_test), []
    for part in parts:
        few = stratified_subset(y, len(y) // part)
        accuracies.append(100 * linear_probe(encode(x[few]), y[few], z_test, y_test))
    return accuracies


def tuned_probe(train: tuple[Tensor, Tensor], valid: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor],
                decays: Sequence[float], steps: int = 100, batch: int = 256, seed: int = 0) -> float:
    """Return the test accuracy (%) of softmax regression whose weight decay was chosen on validation images.

    Each of the three is (codes (N, K), labels (N,)), with standardised codes. One probe for each of the ``decays`` is
    trained by Adam. They share nothing: their weights stand side by side in one matrix (K, 10 · decays), so that one
    product serves all.
    """
    (z, y), n, generator = train, len(decays), torch.Generator().manual_seed(seed)
    weights = torch.zeros(z.shape[1], n * 10, requires_grad=True)
    bias = torch.zeros(n * 10, requires_grad=True)
    decay = torch.tensor(decays).repeat_interleave(10)  # one for each column
    optimiser = torch.optim.Adam([weights, bias], lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)
    for _ in range(steps):
        i = torch.randint(len(z), (batch,), generator=generator)
        logits = (z[i] @ weights + bias).reshape(batch * n, 10)
        nats = categorical_nll(logits, y[i].repeat_interleave(n))
        loss = nats.sum() / batch + (decay * weights.square()).sum() / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()

    @torch.no_grad()
    def accuracy(z: Tensor, y: Tensor) -> Tensor:
        guess = (z @ weights + bias).reshape(len(z), n, 10).argmax(2)
        return 100 * (guess == y[:, None]).float().mean(0)  # (decays,)

    return accuracy(*test)[accuracy(*valid).argmax()].item()


def r2_from_map(plane: Tensor | np.ndarray, coordinates: np.ndarray, linear: bool = False) -> list[float]:
    """Return R² of each of the coordinates (N, C), read from a map (N, K) at points left out, by five-fold splits.

    A point's coordinate is the mean of those of its ten nearest neighbours on the map; with ``linear`` it comes from a
    linear regression.
    """
    model = LinearRegression() if linear else KNeighborsRegressor(10)
    folds = KFold(5, shuffle=True, random_state=0)
    return [float(cross_val_score(model, np.asarray(plane), c, cv=folds).mean()) for c in coordinates.T]


def thickness(x: Tensor) -> Tensor:
    """Return the stroke's thickness in pixels, shape (N,), for images x (N, 784).

    A stroke of width w and length L has area wL and an outline of about 2L, so w = 2 · area / outline. Ink is the
    area; the outline's length is the total variation, the sum of the gradient's lengths.
    """
    image = torch.nn.functional.pad(x.reshape(-1, 28, 28), (1, 1, 1, 1))
    down = image[:, 1:, :-1] - image[:, :-1, :-1]
    right = image[:, :-1, 1:] - image[:, :-1, :-1]
    outline = (down.square() + right.square()).sqrt().sum((1, 2))
    return 2 * image.sum((1, 2)) / outline.clamp(min=1e-6)


def slant(x: Tensor) -> Tensor:
    """Return the slant, shape (N,), for images x (N, 784): pixels to the right for each pixel upwards.

    It is the slope of the regression of the ink's column on its height, from the image's second moments.
    """
    ink = x.reshape(-1, 28, 28) / x.sum(1).clamp(min=1e-6)[:, None, None]
    places = torch.arange(28.0, device=x.device)
    height, column = -places[:, None], places[None, :]
    mean_height = (ink * height).sum((1, 2))[:, None, None]
    mean_column = (ink * column).sum((1, 2))[:, None, None]
    covariance = (ink * (height - mean_height) * (column - mean_column)).sum((1, 2))
    return covariance / (ink * (height - mean_height).square()).sum((1, 2)).clamp(min=1e-6)
