"""Few labels and many images (lesson 07): an SVM, M2 and its loss, a consistency loss, a small convolutional net."""

import math

import torch
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.svm import SVC
from torch import Tensor, nn
from torch.nn import functional as F

from aecourse import losses
from aecourse.models import mlp, sample_code


def svm(z: Tensor, y: Tensor, z_new: Tensor) -> Tensor:
    """Return the classes (M,) of z_new (M, K) by an SVM with a Gaussian kernel, trained on z (N, K), labels y (N,).

    It is scikit-learn's ``SVC(C)``, with its usual width of the kernel, faster; C is 1 or 10, chosen by three-fold
    cross-validation on the labelled images alone.
    """
    width = z.var(correction=0).item() * z.shape[1]

    def kernel(a: Tensor, b: Tensor):
        return torch.exp(-torch.cdist(a, b).square() / width).numpy()

    known, labels = kernel(z, z), y.numpy()
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    accuracy = {c: cross_val_score(SVC(C=c, kernel="precomputed"), known, labels, cv=folds).mean() for c in (1, 10)}
    machine = SVC(C=max(accuracy, key=accuracy.__getitem__), kernel="precomputed").fit(known, labels)
    return torch.from_numpy(machine.predict(kernel(z_new, z)))


class M2(nn.Module):
    """An image from its class y and a code z (Kingma, Mohamed, Rezende and Welling 2014, section 2).

    p(y) is uniform, p(z) is N(0, I); q(y|x), q(z|x,y) and p(x|y,z) have one hidden layer each. The image is binary, or
    with ``gaussian`` a vector of real numbers, whose means and log variances the decoder gives.
    """

    def __init__(self, pixels: int = 784, hidden: int = 256, code: int = 20, classes: int = 10,
                 gaussian: bool = False) -> None:
        super().__init__()
        self.gaussian, self.classes, self.activation = gaussian, classes, nn.SiLU()
        self.classifier = mlp([pixels, hidden, classes], nn.SiLU)
        self.from_x, self.posterior = nn.Linear(pixels, hidden), nn.Linear(hidden, 2 * code)
        self.from_y = nn.Linear(classes, hidden, bias=False)  # the linear layers of (x, y) and of (z, y), in two parts:
        self.from_z, self.output = nn.Linear(code, hidden), nn.Linear(hidden, pixels * (1 + gaussian))
        self.to_draw = nn.Linear(classes, hidden, bias=False)  # the part of x is computed once for all ten classes

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance (..., K) of q(z|x,y) of images x (..., D) and one-hot classes y (..., C)."""
        mu, logvar = self.posterior(self.activation(self.from_x(x) + self.from_y(y))).chunk(2, -1)
        return mu, logvar

    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        """Return the logits of p(x|y,z), shape (..., D), or means and log variances (..., 2 D)."""
        return self.output(self.activation(self.from_z(z) + self.to_draw(y)))

    def bounds(self, x: Tensor, y: Tensor, generator: torch.Generator | None = None, kl: float = 1.0) -> Tensor:
        """Return L(x, y) ≥ −log p(x, y), in nats (their eq. 6), by one sample of z, shape (B, C).

        Each image of x (B, D) is taken with C classes y, one-hot, (C, classes) or (B, C, classes). ``kl`` weighs the
        code's divergence from its prior; with 1 it is the bound.
        """
        mu, logvar = self.encode(x[:, None], y)
        out = self.decode(sample_code(mu, logvar, generator), y)
        if self.gaussian:
            mean, spread = out.chunk(2, -1)
            nll = 0.5 * ((x[:, None] - mean).square() * (-spread).exp() + spread + math.log(2 * math.pi)).sum(-1)
        else:  # the Bernoulli loss in two passes, where the usual one has six
            nll = F.softplus(out).sum(-1) - torch.einsum("bcd,bd->bc", out, x)
        return nll + math.log(self.classes) + kl * losses.gaussian_kl(mu, logvar)


def some_labelled(x_l: Tensor, y_l: Tensor, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return n of the labelled images x_l (N, D) and their labels y_l (N,), drawn at random with replacement.

    They lie on the generator's device, (n, D) and (n,): where `fit` trains.
    """
    device = generator.device
    chosen = torch.randint(len(x_l), (n,), generator=generator, device=device)
    return x_l.to(device)[chosen], y_l.to(device)[chosen]


def unlabelled(by_class: Tensor, class_logits: Tensor) -> Tensor:
    """Return U(x) ≥ −log p(x), in nats (their eq. 7), shape (B,), from L(x, y) and q(y|x)'s logits, both (B, C)."""
    log_q = class_logits.log_softmax(1)
    return (log_q.exp() * (by_class + log_q)).sum(1)


def m2_terms(model: M2, x: Tensor, x_l: Tensor, y_l: Tensor, alpha: float, share: float,
             generator: torch.Generator | None = None, kl: float = 1.0) -> dict[str, Tensor]:
    """Return the terms of M2's loss (their eq. 9) for each of the images x (B, D) without a label, shape (B,).

    ``share`` is the number of labelled images for each image without a label, and ``alpha`` weighs the cross-entropy
    per image without a label; the paper's 0.1 N is 0.1 here. The labelled images x_l (n, D), y_l (n,) may be a sample.
    ``kl`` above 1 at the beginning of a training keeps the code short until the class is in use.
    """
    every = torch.eye(model.classes, device=x.device)
    by_class = model.bounds(x, every, generator, kl)
    named = model.bounds(x_l, every[y_l][:, None], generator, kl)
    return {"U": unlabelled(by_class, model.classifier(x)), "L": share * named.mean().expand(len(x)),
            "labels": alpha * F.cross_entropy(model.classifier(x_l), y_l).expand(len(x))}


# ---- convolution, and images moved a little -------------------------------------------------------------------------


class SmallConv(nn.Module):
    """A classifier with three convolutions and about 30,000 weights: (B, 784) to logits (B, classes)."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.BatchNorm2d(16), nn.ReLU(),
                                   nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
                                   nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten()]
        self.layers = nn.Sequential(*layers, nn.Linear(32 * 7 * 7, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.view(-1, 1, 28, 28))


def moved(x: Tensor, generator: torch.Generator, pixels: float = 2.0, linear: float = 0.0) -> Tensor:
    """Return the images (B, 784), each shifted by up to so many pixels in both directions, and bent where asked.

    ``linear`` is the standard deviation of what is added to each entry of the 2 × 2 identity: turn, scale, shear.
    """
    maps = torch.eye(2, 3, device=x.device).repeat(len(x), 1, 1)
    maps[:, :, :2] += linear * torch.randn(len(x), 2, 2, generator=generator, device=x.device)
    shifts = 2 * torch.rand(len(x), 2, generator=generator, device=x.device) - 1
    maps[:, :, 2] = shifts * pixels / 14  # the image is 2 wide
    grid = F.affine_grid(maps, [len(x), 1, 28, 28], align_corners=False)
    return F.grid_sample(x.view(-1, 1, 28, 28), grid, align_corners=False).view(-1, 784)


def consistency_terms(model: nn.Module, x: Tensor, x_l: Tensor, y_l: Tensor, generator: torch.Generator,
                      sure: float = 0.95, linear: float = 0.1) -> dict[str, Tensor]:
    """Return the terms of a consistency loss for each of the images x (B, 784) without a label, shape (B,).

    After FixMatch (Sohn and others 2020): the class that the net gives a shifted image with a probability of at least
    ``sure`` is the target for the same image moved more strongly; images of which the net is less sure do not count.
    All images share one pass, so that batch normalisation sees labelled and unlabelled ones together.
    """
    strong_l = moved(x_l, generator, linear=linear)
    with torch.no_grad():
        guess = model(torch.cat([moved(x, generator), strong_l]))[: len(x)]
    logits = model(torch.cat([moved(x, generator, linear=linear), strong_l]))
    return {"consistency": agreement(logits[: len(x)], guess, sure),
            "labels": F.cross_entropy(logits[len(x):], y_l).expand(len(x))}


def agreement(logits: Tensor, guess: Tensor, sure: float) -> Tensor:
    """Return the nats (B,) that logits miss the classes of a guess by, both (B, C); 0 where it is less than sure."""
    confidence, target = guess.detach().softmax(1).max(1)
    return F.cross_entropy(logits, target, reduction="none") * (confidence >= sure)
