"""M2's bounds against exact probabilities, its loss, and the convolutional net's moves and consistency."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence
from torch.nn import functional as F

from aecourse import semi
from aecourse.train import seeded


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=[False, True], ids=["binary", "gaussian"])
def model(request):
    with seeded(0):
        return semi.M2(6, 8, 3, classes=4, gaussian=request.param)


@pytest.fixture
def x(model):
    x = torch.rand(5, 6, generator=generator())
    return x if model.gaussian else x.round()


def test_the_bound_of_every_class_is_that_of_torch_distributions(model, x):
    found = model.bounds(x, torch.eye(4), generator(3))
    mu, logvar = model.encode(x[:, None], torch.eye(4))
    q = Normal(mu, (logvar / 2).exp())
    z = mu + q.stddev * torch.randn(mu.shape, generator=generator(3))
    out = model.decode(z, torch.eye(4))
    if model.gaussian:
        mean, spread = out.chunk(2, -1)
        p = Normal(mean, spread.exp().sqrt())
    else:
        p = Bernoulli(logits=out)
    exact = (-Independent(p, 1).log_prob(x[:, None]) + math.log(4) + kl_divergence(q, Normal(0, 1)).sum(-1))
    assert found.shape == (5, 4)
    torch.testing.assert_close(found, exact)
    heavy = model.bounds(x, torch.eye(4), generator(3), kl=3.0)
    torch.testing.assert_close(heavy - found, 2 * kl_divergence(q, Normal(0, 1)).sum(-1))


def test_a_given_class_has_the_bound_of_its_column(model, x):
    y = torch.tensor([3, 0, 1, 1, 2])
    with torch.no_grad():
        model.posterior.weight[3:].zero_()
        model.posterior.bias[3:].fill_(-60.0)  # no noise: the sample is the mean
        every, own = model.bounds(x, torch.eye(4)), model.bounds(x, torch.eye(4)[y][:, None])
    torch.testing.assert_close(own[:, 0], every.gather(1, y[:, None])[:, 0])


def test_many_samples_of_the_bound_lie_above_the_evidence_found_by_a_grid():
    with seeded(1):
        model = semi.M2(3, 5, 1, classes=2)
    x = torch.tensor([[1.0, 0, 1], [0, 0, 1]])
    grid = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        log_p = -F.binary_cross_entropy_with_logits(
            model.decode(grid[:, None], torch.eye(2)).expand(2, -1, -1, -1), x[:, None, None].expand(-1, 4001, 2, -1),
            reduction="none").sum(-1)  # (2 images, grid, class)
        joint = (log_p + Normal(0, 1).log_prob(grid)).logsumexp(1) + math.log(16 / 4000) - math.log(2)
        bound = torch.stack([model.bounds(x, torch.eye(2), generator(s)) for s in range(3000)]).mean(0)
        U = semi.unlabelled(bound, model.classifier(x))
    assert (bound > -joint - 0.02).all()
    assert (U + joint.logsumexp(1) > -0.02).all()
    assert (bound < -joint + 1).all()


def test_the_bound_without_a_label_is_smallest_for_bayes_rule():
    L = torch.randn(7, 4, generator=generator()) * 3
    best = semi.unlabelled(L, -L)
    torch.testing.assert_close(best, -(-L).logsumexp(1))
    logits = torch.randn(7, 4, generator=generator(1)) * 3
    gap = (logits.softmax(1) * (logits.log_softmax(1) - (-L).log_softmax(1))).sum(1)
    torch.testing.assert_close(semi.unlabelled(L, logits) - best, gap)
    assert torch.isfinite(semi.unlabelled(L, 1000 * logits)).all()


def test_the_terms_are_per_image_and_scale_with_their_weights(model, x):
    x_l, y_l = x[:3], torch.tensor([0, 2, 3])
    one = semi.m2_terms(model, x, x_l, y_l, 1.0, 1.0, generator(2))
    other = semi.m2_terms(model, x, x_l, y_l, 0.1, 0.02, generator(2))
    assert all(term.shape == (5,) for term in one.values())
    torch.testing.assert_close(other["U"], one["U"])
    torch.testing.assert_close(other["L"], 0.02 * one["L"])
    torch.testing.assert_close(other["labels"], 0.1 * one["labels"])
    torch.testing.assert_close(one["labels"][0], F.cross_entropy(model.classifier(x_l), y_l))


def test_labels_reach_the_classifier_by_the_cross_entropy_alone(model, x):
    terms = semi.m2_terms(model, x, x[:3], torch.tensor([0, 2, 3]), 1.0, 1.0, generator(2))
    weight = model.classifier[0].weight
    gradients = {name: torch.autograd.grad(term.sum(), weight, retain_graph=True, allow_unused=True)[0]
                 for name, term in terms.items()}
    assert gradients["L"] is None
    assert gradients["labels"].abs().sum() > 0
    assert gradients["U"].abs().sum() > 0


# ---- convolution and moves ------------------------------------------------------------------------------------------


def test_moves_are_small_keep_the_ink_and_are_drawn_for_each_image():
    image = torch.zeros(1, 28, 28)
    image[0, 10:18, 10:18] = 1
    images = image.view(1, 784).repeat(400, 1)
    shifted = semi.moved(images, generator(), pixels=2)
    torch.testing.assert_close(shifted.sum(1), images.sum(1), rtol=1e-4, atol=1e-3)
    ink = shifted.view(-1, 28, 28) / 64
    places = torch.stack([(ink.sum(d) * torch.arange(28.0)).sum(1) for d in (1, 2)], 1) - 13.5
    assert places.abs().max() <= 2.001
    assert places.std(0) == pytest.approx([4 / 12**0.5] * 2, abs=0.15)
    torch.testing.assert_close(semi.moved(images, generator(), pixels=0), images, rtol=0, atol=1e-4)
    bent = semi.moved(images, generator(), pixels=0, linear=0.1)
    assert bent.sum(1).std() > 3
    assert torch.equal(bent, semi.moved(images, generator(), pixels=0, linear=0.1))


def test_the_small_net_gives_logits():
    net = semi.SmallConv().eval()
    assert net(torch.rand(3, 784)).shape == (3, 10)
    assert sum(p.numel() for p in net.parameters()) < 50_000


def test_only_images_of_which_the_net_is_sure_count_and_no_gradient_runs_through_the_target():
    with seeded(0):
        net = semi.SmallConv()
    x, x_l, y_l = torch.rand(6, 784), torch.rand(4, 784), torch.tensor([1, 2, 3, 4])
    never = semi.consistency_terms(net, x, x_l, y_l, generator(), sure=1.01)
    always = semi.consistency_terms(net, x, x_l, y_l, generator(), sure=0.0)
    assert never["consistency"].sum() == 0
    assert (always["consistency"] > 0).all()
    assert always["labels"].shape == always["consistency"].shape == (6,)
    before = {name: value.clone() for name, value in net.named_buffers()}
    always["consistency"].sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.named_buffers())
