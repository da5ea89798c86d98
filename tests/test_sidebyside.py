"""Networks that are trained side by side learn as if each were alone."""

import pytest
import torch
from torch import nn

from aecourse import sidebyside


def toy(n=200):
    x = torch.rand(n, 6, generator=torch.Generator().manual_seed(0))
    return x, (x[:, 0] > x[:, 1]).long()


def test_each_network_is_the_network_that_its_weights_make():
    nets, (x, _) = sidebyside.SideBySide(3, (6, 5, 2)), toy()
    assert nets(x).shape == nets(x.expand(3, -1, -1)).shape == (3, len(x), 2)
    alone = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    with torch.no_grad():
        for layer, w, b in ((alone[0], nets.w1, nets.b1), (alone[2], nets.w2, nets.b2)):
            layer.weight.copy_(w[1].T)
            layer.bias.copy_(b[1, 0])
    assert torch.allclose(nets(x)[1], alone(x), atol=1e-6)
    assert not torch.allclose(nets(x)[1], nets(x)[2])


def test_accuracies_are_percentages_of_each_network():
    nets, (x, y) = sidebyside.SideBySide(2, (6, 5, 2)), toy()
    assert nets.accuracies(x, y).tolist() == pytest.approx(
        [100 * (nets(x)[i].argmax(1) == y).float().mean().item() for i in range(2)])


def test_a_network_learns_from_its_own_pool_alone():
    x, y = toy()
    ones = (y == 1).nonzero()[:, 0]
    nets = sidebyside.SideBySide(2, (6, 5, 2))
    found = sidebyside.train(nets, x, y, [torch.arange(len(x)), ones[:7]], 300, [1, 300],
                             lambda: nets.accuracies(x, y))
    assert list(found) == [1, 300]
    assert found[300][0] > 80
    assert (nets(x)[1].argmax(1) == 1).all(), "it has seen one class only"


def test_each_deep_network_is_the_network_that_its_weights_make():
    nets, (x, y) = sidebyside.Deep([6, 5, 2, 3], linear=2, count=3), toy()
    assert nets(x).shape == nets(x.expand(3, -1, -1)).shape == (3, len(x), 3)
    alone = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2), nn.Linear(2, 3))
    with torch.no_grad():
        for i, layer in enumerate(part for part in alone if isinstance(part, nn.Linear)):
            layer.weight.copy_(nets.w[i][1].T)
            layer.bias.copy_(nets.b[i][1, 0])
    torch.testing.assert_close(nets(x)[1], alone(x))
    torch.testing.assert_close(nets(x.expand(3, -1, -1))[1], alone(x))
    assert not torch.allclose(nets(x)[1], nets(x)[2])
    assert nets.accuracies(x, y).shape == (3,)
