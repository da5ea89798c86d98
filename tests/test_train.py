import copy

import pytest
import torch
from torch import nn

from aecourse import CourseError, losses, models
from aecourse.train import Diverged, fit, mean_loss, seeded


def toy(n=300, width=8):
    return torch.rand(n, width, generator=torch.Generator().manual_seed(0))


def model(seed=0):
    with seeded(seed):
        return models.Autoencoder([8, 6, 3])


def loss(net, x, step):
    return {"squared error": losses.squared_error(net(x), x)}


def test_fit_does_what_a_plain_loop_does():
    """The oracle: the loop written out with Adam, on the same order of images."""
    x, ours, theirs = toy(), model(), model()
    history = fit(ours, (x,), loss, epochs=2, batch=64, lr=1e-2, seed=5)
    optimiser, order, means = torch.optim.Adam(theirs.parameters(), lr=1e-2), torch.Generator().manual_seed(5), []
    for _ in range(2):
        seen = 0.0
        for index in torch.randperm(300, generator=order).split(64):
            value = (theirs(x[index]) - x[index]).square().sum(1)
            optimiser.zero_grad()
            value.mean().backward()
            optimiser.step()
            seen += value.sum().item()
        means.append(seen / 300)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    assert history.train["loss"] == pytest.approx(means, rel=1e-4)
    assert history.epochs == [1, 2]


def test_the_same_seed_gives_the_same_weights_and_the_global_state_is_left_alone():
    torch.manual_seed(123)
    expected = torch.rand(3)
    torch.manual_seed(123)
    a, b, c = model(), model(), model()
    for net, seed in ((a, 1), (b, 1), (c, 2)):
        fit(net, (toy(),), loss, epochs=1, batch=32, seed=seed)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not all(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))


def test_every_image_is_seen_once_an_epoch_in_a_new_order():
    seen = []

    def record(net, x, index, step):
        seen.append(index)
        return loss(net, x, step)

    fit(model(), (toy(), torch.arange(300)), record, epochs=2, batch=64)
    first, second = torch.cat(seen).split(300)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(300))
    assert not torch.equal(first, second)


def test_history_holds_named_terms_and_their_sum_on_both_parts():
    def two(net, x, step):
        return {**loss(net, x, step), "size of the code": net.encode(x).square().sum(1)}

    net = model()
    history = fit(net, (toy(),), two, epochs=3, held_out=(toy(50),))
    for part in (history.train, history.held_out):
        assert set(part) == {"squared error", "size of the code", "loss"}
        sums = [a + b for a, b in zip(part["squared error"], part["size of the code"], strict=True)]
        assert part["loss"] == pytest.approx(sums, rel=1e-5)
    by_hand = (net(toy(50)) - toy(50)).square().sum(1).mean().item()
    assert history.held_out["squared error"][-1] == pytest.approx(by_hand, rel=1e-5)
    assert not net.training


def test_the_step_tells_progress_noise_and_whether_it_trains():
    steps = []

    def record(net, x, step):
        steps.append((step.training, step.progress, torch.rand(1, generator=step.generator).item()))
        return loss(net, x, step)

    fit(model(), (toy(),), record, epochs=2, batch=100, held_out=(toy(50),))
    training = [progress for train, progress, _ in steps if train]
    assert training == pytest.approx([0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6])
    measured = [noise for train, _, noise in steps if not train]
    assert len(measured) == 2
    assert measured[0] == measured[1], "a measurement uses the same noise every time"
    assert len({noise for train, _, noise in steps if train}) == 6, "training noise is fresh"


def test_one_cycle_rises_and_falls(monkeypatch):
    rates, original = [], torch.optim.Adam.step

    def spy(self, *args, **kwargs):
        rates.append(self.param_groups[0]["lr"])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    fit(model(), (toy(),), loss, epochs=10, batch=100, lr=0.01, one_cycle=True)
    assert max(rates) == pytest.approx(0.01, rel=0.05)
    assert 0 < rates.index(max(rates)) < len(rates) - 1
    assert rates[0] < 0.005
    assert rates[-1] < 0.0005


def test_the_stop_button_leaves_a_usable_model_and_the_history_so_far(capsys):
    calls = []

    def stop(net, x, step):
        calls.append(1)
        if len(calls) == 8:  # in the middle of the third of five epochs of three steps
            raise KeyboardInterrupt
        return loss(net, x, step)

    net = model()
    before = copy.deepcopy(net.state_dict())
    history = fit(net, (toy(),), stop, epochs=5, batch=100)
    assert history.stopped
    assert history.epochs == pytest.approx([1, 2, 7 / 3])
    assert len(history.train["loss"]) == 3
    assert torch.isfinite(net(toy())).all()
    assert not torch.equal(net.encoder[0].weight, before["encoder.0.weight"])
    assert "stopped after 2.33 of 5 epochs" in capsys.readouterr().out


def test_a_rate_that_is_too_high_ends_in_a_sentence_and_the_last_good_model():
    net = model()
    fit(net, (toy(),), loss, epochs=1)
    before = mean_loss(net, (toy(),), loss)["loss"]
    with pytest.raises(Diverged, match=r"lr=300\b.*back at its state after epoch 0") as caught:
        fit(net, (toy(),), loss, epochs=3, batch=50, lr=3000.0)
    assert mean_loss(net, (toy(),), loss)["loss"] == before
    assert caught.value.history.epochs == []
    assert isinstance(caught.value, CourseError)


def test_nan_after_a_good_epoch_keeps_that_epoch():
    calls = []

    def poisoned(net, x, step):
        calls.append(1)
        factor = float("nan") if len(calls) > 4 else 1.0
        return {"squared error": factor * losses.squared_error(net(x), x)}

    net = model()
    with pytest.raises(Diverged, match=r"became nan in epoch 2.*after epoch 1") as caught:
        fit(net, (toy(),), poisoned, epochs=3, batch=100)
    assert caught.value.history.epochs == [1]
    assert torch.isfinite(net(toy())).all()


@pytest.mark.parametrize("reduce", [lambda e: e.mean(), lambda e: e.mean(0), lambda e: e])
def test_a_loss_that_is_not_one_number_per_image_is_refused(reduce):
    def wrong(net, x, step):
        return {"error": reduce((net(x) - x).square())}

    with pytest.raises(CourseError, match="one number for each of the 300 images"):
        fit(model(), (toy(),), wrong, epochs=1, batch=300)


def test_dropout_follows_the_seed():
    def net():
        with seeded(0):
            return nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 8))

    a, b = net(), net()
    for each in (a, b):
        fit(each, (toy(),), loss, epochs=1, seed=4)
    assert torch.equal(a[0].weight, b[0].weight)


def test_a_device_that_is_not_there_is_one_sentence():
    with pytest.raises(CourseError, match=r"no device 'tpu' here; choose one of \[.*'cpu'"):
        fit(model(), (toy(),), loss, epochs=1, device="tpu")


def test_mean_loss_does_not_depend_on_the_chunks():
    net = model()
    whole = mean_loss(net, (toy(),), loss)["loss"]
    assert mean_loss(net, (toy(),), loss, chunk=7)["loss"] == pytest.approx(whole, rel=1e-5)
