"""The built-in digits: drawn from pen strokes, with their class, thickness and slant known.

A digit is made as a hand makes it: one of several ways of writing it, points that the pen passes, a smooth curve
through them, a pen of some width. Then it is scaled to a box of 20 × 20 pixels and centred by its mass in 28 × 28, as
MNIST is. The amounts of variation were chosen by comparing sheets and statistics with MNIST's training images.
"""

from dataclasses import dataclass

import numpy as np

from aecourse.base.letterforms import FORMS, LEAN, PEN

__all__ = ["Strokes", "draw"]

POINTS = 96  # on a digit's path: about half a pixel apart, so that a row of discs looks like a line
BOX, SIDE = 20, 28  # pixels: the box that a digit fills, and the image
CHUNK = 2_000  # images rendered at once: some 10 MB, while all at once would need a gigabyte


@dataclass(frozen=True)
class Strokes:
    """Images float32 in [0, 1] of shape (N, 784), labels int64 (N,), and two factors that made them, float32 (N,).

    ``thickness`` is the pen's width in pixels of the image. ``slant`` is how far the digit's upright axis leans, in
    pixels to the right for each pixel upwards. Both are what was drawn, not what was measured.
    """

    images: np.ndarray
    labels: np.ndarray
    thickness: np.ndarray
    slant: np.ndarray

    def __repr__(self) -> str:
        return f"strokes: {len(self.images):,} images of 28 × 28 pixels"


def draw(n: int, seed: int = 0) -> Strokes:
    """Return n digits in random order, of every class as many as of any other, or one more.

    On one machine the seed fixes all of it; ``draw(10)`` are not the first ten of ``draw(20)``. An image takes about
    0.1 ms on one core. The global random state is left alone.

    Raises
    ------
    ValueError
        n is smaller than 1.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more; it is {n}")
    rng = np.random.default_rng(seed)
    labels = rng.permutation(rng.permutation(10)[np.arange(n) % 10])
    linear, slant = _lean(labels, rng)
    paths = np.matmul(_warp(_write(labels, rng), rng), linear.transpose(0, 2, 1))
    # Widths have a longer tail to the thick side, hence the logarithm. The pen is chosen in pixels of the final image:
    # scaling the path alone, and not the pen with it, keeps the factor true.
    thickness = np.clip(np.array(PEN)[labels] * rng.lognormal(0, 0.27, n), 1.2, 5.5).astype(np.float32)
    images = np.empty((n, SIDE * SIDE), np.float32)
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        images[part] = _centre(_ink(paths[part], thickness[part], rng))
    return Strokes(images, labels.astype(np.int64), thickness, slant)


def _write(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the pen's paths (N, POINTS, 2): x to the right, y downwards, in units of the digit's height."""
    paths = np.empty((len(labels), POINTS, 2), np.float32)
    for digit in range(10):
        of_digit = np.flatnonzero(labels == digit)
        forms = [(weight, strokes) for d, weight, strokes in FORMS if d == digit]
        weights = np.array([weight for weight, _ in forms])
        form = rng.choice(len(forms), len(of_digit), p=weights / weights.sum())
        for k, (_, strokes) in enumerate(forms):
            chosen = of_digit[form == k]
            controls, spline = _spline(strokes)
            # Some writers are neat, others are not: the size of the jitter differs from image to image. A slip of the
            # hand lasts more than one point, else round digits would get corners: neighbours share their noise.
            size = rng.lognormal(np.log(0.028), 0.4, (len(chosen), 1, 1))
            noise = rng.standard_normal((len(chosen), len(controls) + 2, 2))
            jitter = size * (0.5 * noise[:, :-2] + 0.7 * noise[:, 1:-1] + 0.5 * noise[:, 2:])
            paths[chosen] = np.matmul(spline, (controls + jitter).astype(np.float32))
    return paths


def _spline(strokes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return a form's control points (K, 2) and the matrix (POINTS, K) that takes them to points along the path.

    A Catmull–Rom curve is linear in the points that it passes, so one matrix draws all images of a form.
    """
    points: list[list[float]] = []
    curves = []
    n_controls = sum(stroke.count(",") + 1 for stroke in strokes)
    for stroke in strokes:
        order = []
        for entry in stroke.split(","):
            order += [len(points)] * (2 if "!" in entry else 1)  # a point taken twice is a corner
            points.append([float(number) / 100 for number in entry.strip(" !").split()])
        knots = np.eye(n_controls)[order]
        # The curve needs a neighbour on either side: at its ends it goes straight on.
        knots = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
        t = np.linspace(0, 1, 40, endpoint=False)[:, None]
        pieces = [(2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
                  for a, b, c, d in zip(knots, knots[1:], knots[2:], knots[3:], strict=False)]
        curves.append(np.vstack([*pieces, knots[-2:-1]]))
    controls = np.array(points)
    lengths = [np.r_[0, np.hypot(*np.diff(curve @ controls, axis=0).T).cumsum()] for curve in curves]
    # Every stroke gets points by its length, at equal steps, so that no part of the path has gaps.
    ends = np.array([length[-1] for length in lengths])
    counts = np.maximum(2, np.round(POINTS * ends / ends.sum())).astype(int)
    counts[0] += POINTS - counts.sum()
    rows = [curve[np.searchsorted(length, np.linspace(0, length[-1], count)).clip(0, len(curve) - 1)]
            for curve, length, count in zip(curves, lengths, counts, strict=True)]
    return controls, np.vstack(rows).astype(np.float32)


def _warp(paths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bend the page smoothly, differently for every image: quadratic and cubic terms in x and y.

    They make one half of a digit larger than the other and bend straight stems; jitter of single points does not.
    """
    x, y = paths[..., 0] - 0.3, paths[..., 1] - 0.5  # from the digit's middle, which stays where it is
    terms = np.stack([x * x, x * y, y * y, x * y * y, y**3, x * x * y], -1)
    size = np.array([0.35, 0.45, 0.25, 0.45, 0.45, 0.45])  # at the page's edge shifts of some 0.05 of the height
    coefficients = rng.standard_normal((len(paths), len(size), 2)) * size[:, None]
    return paths + np.matmul(terms, coefficients.astype(np.float32))


def _lean(labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a matrix (N, 2, 2) for every image, made of width, slant and a turn of the page, and the slant (N,)."""
    n = len(labels)
    width = rng.lognormal(0.05, 0.2, n)
    shear = rng.normal(np.array(LEAN)[labels], 0.22)
    turn = rng.normal(0, 0.08, n)  # radians: lines on forms are followed roughly
    skew = np.stack([width, -shear, np.zeros(n), np.ones(n)], -1).reshape(n, 2, 2)
    rotate = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], -1).reshape(n, 2, 2)
    linear = rotate @ skew
    # The second column is where a step down the upright axis leads; y points downwards.
    return linear.astype(np.float32), (-linear[:, 0, 1] / linear[:, 1, 1]).astype(np.float32)


def _ink(paths: np.ndarray, thickness: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return images (N, 20, 20) of paths (N, POINTS, 2), scaled so that path and pen together fill the box."""
    n = len(paths)
    soft = rng.uniform(1.0, 1.6, n).astype(np.float32)  # pixels from full ink to none: MNIST was scanned and scaled
    low, high = paths.min(1, keepdims=True), paths.max(1, keepdims=True)
    scale = (BOX + 1 - thickness - soft)[:, None, None] / (high - low).max(2, keepdims=True)
    distance = _distance((paths - (low + high) / 2) * scale + BOX / 2)
    # Pen and paper are rough: the edge moves in and out by a sixth of a pixel, and the ink is a little uneven.
    noise = rng.standard_normal((n, BOX + 1, BOX + 1), np.float32)
    grain = (noise[:, 1:, 1:] + noise[:, :-1, 1:] + noise[:, 1:, :-1] + noise[:, :-1, :-1]) / 2
    edge = (thickness[:, None, None] / 2 - distance + 0.17 * grain) / soft[:, None, None]
    level = 1 - 0.15 * rng.random((n, 1, 1), np.float32) ** 8  # nearly every MNIST digit has fully black pixels
    return np.clip(0.5 + edge, 0, 1) * level * (1 - 0.01 * np.abs(grain))


def _distance(paths: np.ndarray) -> np.ndarray:
    """Return how far the centre of every pixel lies from the nearest point of the path, (N, 20, 20), in pixels.

    One point of all images at a time: far less memory than all distances at once, and faster for it.
    """
    centres = np.arange(BOX, dtype=np.float32) + 0.5
    nearest = np.full((len(paths), BOX, BOX), np.inf, np.float32)
    squared = np.empty_like(nearest)
    for x, y in paths.transpose(1, 2, 0)[..., None]:
        np.add(((centres - y) ** 2)[:, :, None], ((centres - x) ** 2)[:, None, :], out=squared)
        np.minimum(nearest, squared, out=nearest)
    return np.sqrt(nearest, out=nearest)


def _centre(images: np.ndarray) -> np.ndarray:
    """Place images (N, 20, 20) on pages, (N, 784), with the centre of mass on pixel (14, 14).

    As in MNIST: by whole pixels, so that nothing is blurred again, and on pixel 14 of 0 to 27, half a pixel off.
    """
    n, grid = len(images), np.arange(BOX)
    mass = images.sum((1, 2))
    row, column = (np.round(SIDE / 2 - (images.sum(axis) @ grid) / mass).astype(int).clip(0, SIDE - BOX)
                   for axis in (2, 1))
    pages = np.zeros((n, SIDE, SIDE), np.float32)
    pages[np.arange(n)[:, None, None], (row[:, None] + grid)[:, :, None], (column[:, None] + grid)[:, None]] = images
    return pages.reshape(n, -1)
