"""How near pictures come to real digits, each by itself (lesson 03) and all together (unit 06c).

Both measure in the features of a small classifier.
"""

import torch
from torch import Tensor, nn

from aecourse.data import Digits
from aecourse.losses import categorical_nll
from aecourse.train import Step, fit, seeded


class Judge:
    """A small convolutional classifier that knows digits, and 10,000 training digits as its features see them.

    Trained at once, in a few seconds, on 30,000 of the training images with their labels. Pixel distance would not do:
    by it a black image is nearer to the digits than they are to each other (lesson 03).
    """

    def __init__(self, digits: Digits, *, seed: int = 0) -> None:
        x, y = digits.x_train[:30_000], digits.y_train[:30_000]
        with seeded(seed):
            self.model = nn.Sequential(
                nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 16, 5, 2, 2), nn.ReLU(),
                nn.Conv2d(16, 32, 5, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(),
                nn.Linear(64, 10))
        fit(self.model, (x, y), _nats, epochs=-(-60_000 // len(x)), lr=3e-3, one_cycle=True, seed=seed)
        with torch.no_grad():
            self._known = self.model[:-1](x[:10_000])
            self._test = self.model[:-1](digits.x_test[:1000])
        self._real = self._to_nearest(digits.x_test[:1000]).median()

    def distance(self, images: Tensor) -> Tensor:
        """Return each picture's distance to the nearest training digit, shape (N,), in units of real digits' median.

        The images have shape (N, 784). About 1 is as near as unseen real digits are; larger is further away.
        """
        return self._to_nearest(images) / self._real

    @torch.no_grad()
    def frechet(self, images: Tensor) -> float:
        """Return the Fréchet distance of many images (N, 784) from 1,000 test images, a number, 0 if all is equal.

        It compares the mean and the covariance of the features (Heusel and others 2017, eq. 6, there with the features
        of another network): pictures that are no digits are far, and so are digits that are too much alike, such as the
        mean image again and again. N should be some hundreds at least; it falls a little with N.
        """
        features = self.model[:-1](images)
        a, b = features.T.double().cov(), self._test.T.double().cov()
        values, vectors = torch.linalg.eigh(b)
        root = vectors * values.clamp(min=0).sqrt() @ vectors.T
        shared = torch.linalg.eigvalsh(root @ a @ root).clamp(min=0).sqrt().sum()  # the trace of (ab)^(1/2)
        return ((features.mean(0) - self._test.mean(0)).square().sum() + a.trace() + b.trace() - 2 * shared).item()

    @torch.no_grad()
    def classes(self, images: Tensor) -> Tensor:
        """Return the class that the classifier reads, int64 (N,), of images (N, 784)."""
        return self.model(images).argmax(1)

    @torch.no_grad()
    def _to_nearest(self, images: Tensor) -> Tensor:
        return torch.cdist(self.model[:-1](images), self._known).amin(1)


def _nats(model: nn.Module, x: Tensor, y: Tensor, step: Step) -> dict[str, Tensor]:
    return {"nats": categorical_nll(model(x), y)}
