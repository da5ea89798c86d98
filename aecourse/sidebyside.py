"""Many small networks trained at the same time, for accuracies over several seeds; used in lessons 01 and 07."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aecourse.progress import Line
from aecourse.train import seeded


class SideBySide(nn.Module):
    """``count`` networks of one hidden layer with ReLU, whose weights lie in one array; they share no weight.

    Images (B, D), the same for all, or (count, B, D), one batch for each, become logits (count, B, K).
    """

    def __init__(self, count: int, widths: tuple[int, int, int] = (784, 10, 10), seed: int = 0) -> None:
        super().__init__()
        d, h, k = widths
        with seeded(seed):
            self.w1 = nn.Parameter((2 * torch.rand(count, d, h) - 1) / d**0.5)
            self.w2 = nn.Parameter((2 * torch.rand(count, h, k) - 1) / h**0.5)
        self.b1 = nn.Parameter(torch.zeros(count, 1, h))
        self.b2 = nn.Parameter(torch.zeros(count, 1, k))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of every network."""
        return (x @ self.w1 + self.b1).relu() @ self.w2 + self.b2

    @torch.no_grad()
    def accuracies(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the accuracy (%) of each network on images x (N, D) with labels y (N,), shape (count,)."""
        return 100 * (self(x).argmax(-1) == y).float().mean(1)


class Deep(nn.Module):
    """``count`` networks of these widths, whose weights lie in one array for each layer; they share no weight.

    A ReLU follows each layer but the last and the one that is number ``linear``, from 1 up: the code of an autoencoder.
    Images (B, D), the same for all, or (count, B, D), one batch for each, become (count, B, K). The initialisation is
    that of He and others (2015), uniform.
    """

    def __init__(self, widths: Sequence[int], linear: int | None = None, count: int = 5, seed: int = 0) -> None:
        super().__init__()
        self.linear, shapes = linear, list(pairwise(widths))
        with seeded(seed):
            self.w = nn.ParameterList((6 / a) ** 0.5 * (2 * torch.rand(count, a, b) - 1) for a, b in shapes)
        self.b = nn.ParameterList(torch.zeros(count, 1, b) for _, b in shapes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of every network."""
        for i, (w, b) in enumerate(zip(self.w, self.b, strict=True)):
            x = x.relu() if i and i != self.linear else x
            x = (torch.einsum("bi,sio->sbo", x, w) if x.ndim == 2 else x @ w) + b
        return x

    @torch.no_grad()
    def accuracies(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the accuracy (%) of each network on images x (N, D) with labels y (N,), shape (count,)."""
        return 100 * (self(x).argmax(-1) == y).float().mean(1)


def train(nets: SideBySide, x: Tensor, y: Tensor, pools: Sequence[Tensor], steps: int, stops: Sequence[int] = (),
          measure: Callable[[], Tensor] | None = None) -> dict[int, Tensor]:
    """Train every network on random batches of 32 images of its own pool; return step → measure() at the stops.

    The losses of the networks are added up. Since no weight belongs to two networks, each gets its own gradient, as if
    it were alone.

    Parameters
    ----------
    x, y
        Images (N, D) and labels (N,).
    pools
        For each network the positions of the images that it may learn from.
    """
    sizes = torch.tensor([len(pool) for pool in pools])
    padded = nn.utils.rnn.pad_sequence(list(pools), batch_first=True)  # (count, the largest size)
    optimiser = torch.optim.Adam(nets.parameters(), lr=1e-3, fused=True)
    generator, found, line = torch.Generator().manual_seed(0), {}, Line()
    for step in range(1, steps + 1):
        draw = (torch.rand(len(sizes), 32, generator=generator) * sizes[:, None]).long()
        rows = padded.gather(1, draw)  # (count, 32)
        logits = nets(x.index_select(0, rows.flatten()).view(*rows.shape, -1))
        loss = F.cross_entropy(logits.flatten(0, 1), y[rows].flatten(), reduction="sum") / 32
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        line.show(f"step {step:,} of {steps:,}", step / steps)
        if measure is not None and step in stops:
            found[step] = measure()
    line.close(f"{len(sizes)} networks, {steps:,} steps each")
    return found
