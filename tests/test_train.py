import copy

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from aecourse import CourseError, losses, models, plots, progress
from aecourse.train import Diverged, Stopped, fit, mean_loss, seeded


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


def test_a_history_as_the_last_line_of_a_cell_is_one_short_line():
    def two(net, x, step):
        return {"fit": losses.squared_error(net(x), x), "penalty": torch.full((len(x),), 2.0, device=x.device)}

    history = fit(model(), (toy(),), two, epochs=3)
    fitted = history.train["fit"][-1]
    assert repr(history) == f"History(3 epochs, last fit {fitted:.4g}, penalty 2, loss {fitted + 2:.4g})"
    assert repr(type(history)()) == "History(0 epochs)"


def test_the_step_tells_progress_noise_and_whether_it_trains():
    steps = []

    def record(net, x, step):
        noise = torch.rand(1, generator=step.generator, device=x.device).item()
        steps.append((step.training, step.progress, noise))
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
    with pytest.raises(Stopped, match=r"stopped after 2.33 of 5 epochs.*history is model.history") as caught:
        fit(net, (toy(),), stop, epochs=5, batch=100)
    assert isinstance(caught.value, KeyboardInterrupt), "cells that wait in the queue must not run"
    history = net.history
    assert history is caught.value.history
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
    with pytest.raises(CourseError, match=r"no device 'tpu' here; device= may be .*cpu or auto"):
        fit(model(), (toy(),), loss, epochs=1, device="tpu")


def test_mean_loss_does_not_depend_on_the_chunks():
    net = model()
    whole = mean_loss(net, (toy(),), loss)["loss"]
    assert mean_loss(net, (toy(),), loss, chunk=7)["loss"] == pytest.approx(whole, rel=1e-5)


# ---- bad input: one sentence each, at once ---------------------------------------------------------------------------


class NoWeights(nn.Module):
    def forward(self, x):
        return x


BAD_DATA = {
    "a tensor": (lambda: toy(), r"{} is one tensor.*\({},\) with a comma"),
    "an array": (lambda: toy().numpy(), r"{} is one NumPy array.*\(torch.from_numpy\({}\),\)"),
    "a generator": (lambda: (t for t in [toy()]), r"{} must be a tuple of tensors.*it is a generator"),
    "nothing in it": (lambda: (), r"{} must be a tuple of tensors.*an empty tuple"),
    "a set of pairs": (lambda: torch.utils.data.TensorDataset(toy()), r"{} must be a tuple.*a TensorDataset"),
    "unequal lengths": (lambda: (toy(300), torch.zeros(299).long()), r"parts of {} have unequal lengths, 300 and 299"),
    "no images": (lambda: (toy(0),), r"{} holds no images"),
    "uint8": (lambda: ((255 * toy()).byte(),), r"in {} has the type uint8.*float\(\) / 255"),
    "uint8 as targets": (lambda: (toy(), (255 * toy()).byte()), r"part 2 of {} has the type uint8"),
    "float64": (lambda: (toy().double(),), r"in {} has the type float64 and the model's weights float32: \.float\(\)"),
    "black and white": (lambda: (toy() > 0.5,), r"in {} has the type bool, and the networks take float32"),
    "whole numbers": (lambda: ((255 * toy()).long(),), r"in {} has the type int64, and the networks take float32"),
    "uint8 labels": (lambda: (toy(), torch.zeros(300).byte()), r"part 2 of {} has the type uint8.*\.long\(\)"),
    "targets of another type": (lambda: (toy(), torch.zeros(300).double()), r"part 2 of {} has the type float64"),
    "float16": (lambda: (toy().half(),), r"has the type float16"),
    "a NumPy array": (lambda: (toy().numpy(),), r"in {} is a NumPy array: torch.from_numpy"),
    "a list": (lambda: (toy().tolist(),), r"in {} is a list, and a tensor is needed"),
    "None": (lambda: (toy(), None), r"part 2 of {} is None"),
    "a number": (lambda: (toy(), torch.tensor(3)), r"part 2 of {} is a single number"),
}


@pytest.mark.parametrize(("make", "says"), BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data_is_a_sentence_before_anything_is_trained(make, says):
    net = model()
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(CourseError, match=says.format("data", "data")):
        fit(net, make(), loss, epochs=1)
    with pytest.raises(CourseError, match=says.format("held_out", "held_out")):
        fit(net, (toy(),), loss, epochs=1, held_out=make())
    with pytest.raises(CourseError, match=says.format("data", "data")):
        mean_loss(net, make(), loss)
    assert all(torch.equal(a, before[name]) for name, a in net.state_dict().items())


def test_images_and_weights_of_double_precision_go_together():
    net = model().double()
    assert fit(net, (toy().double(),), loss, epochs=1).train["loss"]
    with pytest.raises(CourseError, match=r"float32 and the model's weights float64: \.to\(torch.float64\)"):
        mean_loss(net, (toy(),), loss)


@pytest.mark.parametrize(("make", "says"), [
    (lambda: NoWeights(), "no weights that can be trained.*nn.ModuleList"),
    (lambda: model().requires_grad_(False), "requires_grad=False"),
    (lambda: models.Autoencoder, r"it is the class Autoencoder\. Write parentheses"),
    (lambda: None, "it is None"),
])
def test_a_model_that_cannot_be_trained_is_a_sentence(make, says):
    with pytest.raises(CourseError, match=says):
        fit(make(), (toy(),), loss, epochs=1)


def test_a_model_without_weights_can_be_measured():
    assert mean_loss(NoWeights(), (toy(),), loss)["loss"] == 0


@pytest.mark.parametrize(("settings", "says"), [
    ({"epochs": 0}, "epochs must be a whole number, 1 or more; it is 0"), ({"epochs": 1.5}, "epochs must"),
    ({"epochs": True}, "epochs must"), ({"batch": 0}, "batch must"), ({"batch": 0.5}, "batch must"),
    ({"lr": 0}, "lr, the learning rate"), ({"lr": -1e-3}, "lr"), ({"lr": float("nan")}, "lr"), ({"lr": "1e-3"}, "lr"),
])
def test_a_setting_that_makes_no_sense_is_a_sentence(settings, says):
    with pytest.raises(CourseError, match=says):
        fit(model(), (toy(),), loss, **{"epochs": 1, **settings})


@pytest.mark.parametrize(("returned", "says"), [
    (lambda e: e.sum(1), "returned a tensor, and a dictionary"), (lambda e: None, "returned None"),
    (lambda e: {}, "an empty dict"), (lambda e: (e.sum(1),), "returned a tuple"),
    (lambda e: {"loss": e.sum(1)}, 'named "loss", which is the name of the sum'),
    (lambda e: {"error": 3.0}, "'error' is a float, and a tensor"),
    (lambda e: {"error": e.sum(1, keepdim=True)}, r"shape \(300, 1\)"),
])
def test_a_loss_that_returns_something_else_is_a_sentence(returned, says):
    def wrong(net, x, step):
        return returned((net(x) - x).square())

    with pytest.raises(CourseError, match=says):
        fit(model(), (toy(),), wrong, epochs=1, batch=300)
    with pytest.raises(CourseError, match=says):
        mean_loss(model(), (toy(),), wrong)


def test_a_term_may_have_any_other_name():
    def named(net, x, step):
        return {"n": losses.squared_error(net(x), x)}

    net = model()
    by_hand = losses.squared_error(net(toy()), toy()).mean().item()
    assert mean_loss(net, (toy(),), named) == pytest.approx({"n": by_hand, "loss": by_hand}, rel=1e-5)


@pytest.mark.parametrize(("n", "batch", "advice"), [(257, 256, "take batch=257"), (4, 1, "take batch=2"),
                                                    (1, 256, "take more images"), (301, 100, "take batch=101")])
def test_batch_normalisation_on_a_batch_of_one_image_is_a_sentence(n, batch, advice):
    net = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 8))
    with pytest.raises(CourseError, match=f"a batch holds one image.*{advice}"):
        fit(net, (toy(n),), loss, epochs=1, batch=batch)
    assert net[1].num_batches_tracked == 0
    if "batch=" in advice:
        fit(net, (toy(n),), loss, epochs=1, batch=int(advice.split("=")[1]))


def test_batch_normalisation_over_an_image_can_do_with_one():
    net = nn.Sequential(nn.Unflatten(1, (1, 8)), nn.BatchNorm1d(1), nn.Flatten())
    assert fit(net, (toy(9),), loss, epochs=1, batch=4).train["loss"]


# ---- bad moments -----------------------------------------------------------------------------------------------------


def measured_with(what, at):
    """A loss that fails, or is stopped, at the given call on held-out data."""
    calls = []

    def wrong(net, x, step):
        if not step.training:
            calls.append(1)
            if len(calls) == at:
                raise what
        return loss(net, x, step)

    return wrong


def test_an_error_on_the_held_out_data_is_shown_as_it_is(capsys):
    net = model()
    with pytest.raises(ZeroDivisionError):
        fit(net, (toy(),), measured_with(ZeroDivisionError(), 2), epochs=3, held_out=(toy(50),))
    assert net.history.epochs == [1]
    assert len(net.history.train["loss"]) == len(net.history.held_out["loss"]) == 1
    assert "ended by an error after 1 of 3 epochs" in capsys.readouterr().out
    with pytest.raises(ZeroDivisionError):
        fit(net, (toy(),), measured_with(ZeroDivisionError(), 1), epochs=3, held_out=(toy(50),))
    assert "ended by an error before the first epoch was complete" in capsys.readouterr().out


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_stop_while_the_held_out_data_are_measured_leaves_lists_of_one_length(at):
    net = model()
    with pytest.raises(Stopped):
        fit(net, (toy(),), measured_with(KeyboardInterrupt(), at), epochs=3, held_out=(toy(50),))
    history = net.history
    assert history.epochs == list(range(1, at + 1)), "the epoch was trained, and is measured after the stop"
    assert len(history.train["loss"]) == len(history.held_out["loss"]) == at
    plots.curves(history, unit="")
    plt.close("all")


def test_a_second_press_goes_through_at_once():
    def stop(net, x, step):
        if not step.training or step.progress > 0.5:
            raise KeyboardInterrupt
        return loss(net, x, step)

    net = model()
    with pytest.raises(KeyboardInterrupt):
        fit(net, (toy(),), stop, epochs=1, batch=100, held_out=(toy(50),))
    assert net.history.epochs == []
    assert not net.training


def test_a_loop_of_trainings_ends_at_one_press():
    def stop(net, x, step):
        raise KeyboardInterrupt

    trained = []

    def cell():
        for seed in range(3):
            trained.append(seed)
            fit(model(seed), (toy(),), stop, epochs=1)

    with pytest.raises(KeyboardInterrupt):
        cell()
    assert trained == [0]


def test_weights_that_became_nan_are_not_a_good_state():
    def root(net, x, step):
        off = (net(x) - x).square().sum(1)
        return {"distance": (off * (step.progress < 0.85)).sqrt()}  # 0 at the last step: its gradient is 0 · ∞

    net = model()
    with pytest.raises(Diverged, match=r"weights became NaN or infinite in epoch 2.*root of 0.*after epoch 1"):
        fit(net, (toy(),), root, epochs=2, batch=60)
    assert net.history.epochs == [1]
    assert torch.isfinite(net(toy())).all()


def test_a_stop_after_the_weights_became_nan_goes_back_to_the_last_good_epoch():
    calls = []

    def spoilt(net, x, step):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        if len(calls) == 5:
            with torch.no_grad():
                net.encoder[0].weight.fill_(float("nan"))
        return {"zero": 0 * losses.squared_error(net(x).nan_to_num(), x)}

    net = model()
    with pytest.raises(Stopped):
        fit(net, (toy(),), spoilt, epochs=3, batch=100)
    assert net.history.epochs == [1]
    assert torch.isfinite(net(toy())).all()


def test_a_loss_whose_weight_rises_from_0_has_not_diverged():
    def warm_up(net, x, step):
        return {"squared error": 30 * step.progress * losses.squared_error(net(x), x)}

    assert len(fit(model(), (toy(),), warm_up, epochs=4, batch=50, lr=1e-4).epochs) == 4
    with pytest.raises(Diverged, match="the loss grew from"):  # the same loss, and a rate that is too high
        fit(model(), (toy(),), warm_up, epochs=4, batch=50, lr=10.0)


def test_nan_in_the_images_is_named():
    spoilt = toy()
    spoilt[17, 3] = float("nan")
    with pytest.raises(Diverged, match="Part 1 of the data holds NaN"):
        fit(model(), (spoilt,), loss, epochs=1)


@pytest.mark.parametrize(("images", "remark"), [(2 * toy() - 1, True), (3 * toy(), True), (toy(), False)])
def test_a_cross_entropy_of_images_outside_0_to_1_is_remarked_on(images, remark, capsys):
    def cross_entropy(net, x, step):
        return {"cross-entropy": losses.bernoulli_nll(net(x), x)}

    fit(model(), (images,), cross_entropy, epochs=60, lr=0.05)
    assert ("a cross-entropy needs images in [0, 1]" in capsys.readouterr().out) is remark


def test_held_out_data_that_are_no_numbers_are_remarked_on(capsys):
    fit(model(), (toy(),), loss, epochs=1, held_out=(toy(50) * float("nan"),))
    assert "look for NaN or infinite values in the held-out data" in capsys.readouterr().out


def test_a_loss_without_the_models_weights_is_a_sentence():
    def cut(net, x, step):
        return {"squared error": losses.squared_error(net(x).detach(), x)}

    with pytest.raises(CourseError, match=r"does not depend on the model's weights.*detach"):
        fit(model(), (toy(),), cut, epochs=1)
    assert mean_loss(model(), (toy(),), cut)["loss"] > 0, "a measurement needs no gradient"


@pytest.mark.parametrize("when", [lambda step: step.progress > 0.5, lambda step: step.progress == 0.5])
def test_a_loss_whose_terms_come_and_go_is_a_sentence(when):
    def changing(net, x, step):
        error = losses.squared_error(net(x), x)
        return {"squared error": error, **({"more": error} if when(step) else {})}

    net = model()
    with pytest.raises(CourseError, match=r"same terms each time \(more\).*value 0"):
        fit(net, (toy(),), changing, epochs=4, batch=150)
    assert len({len(values) for values in (net.history.epochs, *net.history.train.values())}) == 1


def test_a_stop_while_the_untrained_model_is_looked_at_leaves_the_trained_one():
    def stop(net, x, step):
        if not torch.is_grad_enabled():
            raise KeyboardInterrupt
        return {"squared error": (step.progress > 0) * losses.squared_error(net(x), x)}  # 0 at first: it looks grown

    net = model()
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(Stopped):
        fit(net, (toy(),), stop, epochs=1, batch=100)
    assert not torch.equal(net.decoder[0].weight, before["decoder.0.weight"])


def test_no_number_is_read_back_at_each_step(monkeypatch):
    """A number that is read back makes a graphics card wait: only the line, five times a second, and an epoch's end."""
    reads, original = [], torch.Tensor.item
    monkeypatch.setattr(torch.Tensor, "item", lambda self: reads.append(1) or original(self))
    monkeypatch.setattr(progress.Line, "due", lambda self: False)
    fit(model(), (toy(),), loss, epochs=2, batch=3)  # 100 steps an epoch
    assert len(reads) <= 4
