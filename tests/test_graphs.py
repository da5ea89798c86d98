"""Label spreading on a sparse graph, held against the plain one, and an SVM against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

from aecourse import graphs, metrics, semi


def blobs(n=60, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 3
    centres = torch.tensor([[0.0, 0], [4, 0], [0, 4]])
    return centres[y] + torch.randn(n, 2, generator=generator), y


def test_the_nearest_come_first():
    a, b = torch.tensor([[0.0], [5.0]]), torch.tensor([[4.0], [1.0], [-3.0]])
    assert graphs.nearest(a, b, 2).tolist() == [[1, 2], [0, 1]]


def test_links_and_answers_are_those_of_the_plain_loop():
    (z, y), (z_new, y_new) = blobs(), blobs(30, seed=1)
    w = torch.zeros(60, 60)
    for i in range(60):
        w[i, torch.cdist(z[i : i + 1], z)[0].argsort()[1:6]] = 1
    w = torch.maximum(w, w.T)
    S = w / (w.sum(1)[:, None] * w.sum(1)).sqrt()
    found = graphs.links(z, 5)
    np.testing.assert_allclose(found.toarray(), S.numpy(), atol=1e-6)
    known = [torch.arange(3), torch.arange(3, 9)]
    answers = graphs.spread(found, z, z_new, known, y, classes=3, alpha=0.9, rounds=50)
    for positions, row in zip(known, answers, strict=True):
        given = torch.zeros(60, 3)
        given[positions, y[positions]] = 1
        f = given
        for _ in range(50):
            f = 0.9 * S @ f + 0.1 * given
        plain = (f / f.sum(1, keepdim=True))[graphs.nearest(z_new, z, 5)].mean(1).argmax(1)
        assert torch.equal(row, plain)
    assert (metrics.errors(answers, y_new) < 15).all()


def test_only_the_given_labels_are_read():
    z, y = blobs()
    hidden = y.clone()
    hidden[3:] = 0
    known = [torch.arange(3)]
    assert torch.equal(*(graphs.spread(graphs.links(z), z, z, known, labels, classes=3) for labels in (y, hidden)))


def test_the_svm_is_scikit_learns():
    (z, y), (z_new, y_new) = blobs(), blobs(200, seed=1)
    answers = semi.svm(z, y, z_new)
    known = [SVC(C=c).fit(z.numpy(), y.numpy()).predict(z_new.numpy()) for c in (1, 10)]
    assert any((answers.numpy() == k).mean() > 0.995 for k in known)
    assert (answers == y_new).float().mean() > 0.9


def test_an_interval_holds_the_mean_about_as_often_as_it_says():
    values = np.random.default_rng(0).normal(3, 2, (2000, 5))
    held = [low <= 3 <= high for low, high in map(metrics.interval, values)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
    low, high = metrics.interval([1, 2, 3, 4, 5])
    assert (low + high) / 2 == pytest.approx(3)
    assert high - low == pytest.approx(2 * 2.7764 * 1.5811 / 5**0.5, rel=1e-3)


def test_errors_are_percentages_of_each_row():
    assert metrics.errors(torch.tensor([[1, 2, 3, 4], [1, 2, 0, 0]]), torch.tensor([1, 2, 3, 3])).tolist() == [25, 50]
