"""Where `fit` computes, and that every loss of the course works there: tried on a pretend accelerator (pretend.py)."""

import contextlib
import inspect
import json
import os
import re
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from aecourse import CourseError, data, devices, losses, metrics, models, realism, semi, train
from aecourse.base import project

pretend = pytest.importorskip("pretend", exc_type=ImportError, reason="this PyTorch has no device made in Python")

WRONG_PLACE = r"same device|device type for generator|device type tensor"  # a tensor, a generator, NumPy
TRAIN = re.compile(r"(?<![.\w])fit\(|Judge\(")  # a notebook that calls neither computes nothing on a device
LESSONS = {name: path for name, path in {**project.lessons(), **project.solutions()}.items()
           if TRAIN.search(path.read_text(encoding="utf-8"))}


@pytest.fixture(autouse=True)
def _the_cpu_unless_said(monkeypatch):
    monkeypatch.delenv("AECOURSE_DEVICE", raising=False)


@pytest.fixture
def accelerator(monkeypatch):
    """Inside, the pretend device is there and generators know theirs."""
    monkeypatch.setattr(torch, "Generator", pretend.Generator)
    with pretend.Accelerator() as accelerator:
        yield accelerator


def toy(n=300, width=8):
    return torch.rand(n, width, generator=torch.Generator().manual_seed(0))


def model(seed=0):
    with train.seeded(seed):
        return models.Autoencoder([8, 6, 3])


def squared_error(net, x, step):
    return {"squared error": losses.squared_error(net(x), x)}


# ---- the choice ----------------------------------------------------------------------------------------------------


def test_the_cpu_is_the_device_unless_another_is_asked_for(monkeypatch):
    assert devices.chosen() == torch.device("cpu")
    monkeypatch.setenv("AECOURSE_DEVICE", " Pretend ")
    assert devices.chosen() == torch.device("pretend")
    assert devices.chosen("cpu") == torch.device("cpu"), "what the caller says counts more"
    assert devices.chosen(torch.device("pretend", 0)) == torch.device("pretend", 0)
    assert devices.describe() == "pretend"
    monkeypatch.setenv("AECOURSE_DEVICE", "")
    assert devices.describe() == f"cpu, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}"


@pytest.mark.parametrize(("there", "found"), [(("cuda", "mps", "cpu"), "cuda"), (("mps", "cpu"), "mps"),
                                              (("cpu",), "cpu")])
def test_auto_takes_the_first_that_is_there(monkeypatch, there, found):
    monkeypatch.setattr(devices, "_count", lambda kind: int(kind in there))
    assert devices.chosen("auto") == torch.device(found)


@pytest.mark.parametrize("name", ["cuda:7", "tpu", "meta", "gpu", "cpu:1", "pretend:1", "cuda:x", "0"])
def test_a_device_that_is_not_there_is_a_sentence(monkeypatch, name):
    with pytest.raises(CourseError, match=f"no device '{name}' here; device= may be .*cpu or auto"):
        devices.chosen(name)
    monkeypatch.setenv("AECOURSE_DEVICE", name)
    with pytest.raises(CourseError, match=f"no device '{name}' here; AECOURSE_DEVICE may be"):
        devices.chosen()


def test_a_number_is_no_device():
    with pytest.raises(CourseError, match="no device '0' here"):
        devices.chosen(0)


# ---- the pretend device is a fair one ------------------------------------------------------------------------------


REFUSED = {
    "index_select with an index on the CPU": lambda x: x.index_select(0, torch.tensor([1])),
    "gather with an index on the CPU": lambda x: x.gather(1, torch.tensor([[1]])),
    "a product": lambda x: x @ torch.ones(8, 2),
    "a sum of two": lambda x: x + torch.ones(8),
    "a comparison": lambda x: torch.rand(x.shape) < x,
    "torch.where": lambda x: torch.where(x > 0, x, torch.zeros(8)),
    "torch.cat": lambda x: torch.cat([x, torch.ones(1, 8)]),
    "rows of a CPU tensor": lambda x: torch.eye(10)[(9 * x[:, 0]).long()],
    "a loss with labels on the CPU": lambda x: nn.functional.cross_entropy(x, torch.zeros(len(x)).long()),
    "a layer on the CPU": lambda x: nn.Linear(8, 2)(x),
    "noise from a CPU generator": lambda x: torch.randn(3, generator=torch.Generator(), device=x.device),
    "CPU noise from its generator": lambda x: torch.rand(3, generator=torch.Generator(x.device)),
    "CPU indices from its generator": lambda x: torch.randint(9, (3,), generator=torch.Generator(x.device)),
    "noise in place from a CPU generator": lambda x: x.normal_(generator=torch.Generator()),
    "a sample from a CPU generator": lambda x: torch.multinomial(x, 2, generator=torch.Generator()),
    "NumPy": lambda x: x.numpy(),
    "np.asarray": np.asarray,
}


@pytest.mark.parametrize("operation", REFUSED.values(), ids=REFUSED)
def test_the_pretend_device_refuses_what_a_graphics_card_refuses(accelerator, operation):
    with pytest.raises((RuntimeError, TypeError), match=WRONG_PLACE):
        operation(toy().to("pretend"))


def test_the_pretend_device_allows_what_a_graphics_card_allows(accelerator):
    x = toy().to("pretend")
    generator = torch.Generator(x.device).manual_seed(0)
    for result in (x * torch.tensor(2.0), x[torch.tensor([1, 2])], x.normal_(generator=generator), x.new_ones(2),
                   torch.randn(x.shape, generator=generator, device=x.device), torch.tensor([1.0], device=x.device)):
        assert result.device.type == "pretend"
    back = x.cpu()
    assert type(back) is torch.Tensor
    assert x.tolist() == back.tolist()
    assert torch.equal(torch.empty(300, 8).copy_(x), back)
    assert x.sum().item() == pytest.approx(back.sum().item())


# ---- fit and mean_loss ---------------------------------------------------------------------------------------------


def net_of_many_parts():
    with train.seeded(0):
        return nn.Sequential(nn.Linear(8, 9, bias=False), nn.BatchNorm1d(9), nn.SiLU(), nn.Dropout(0.3),
                             nn.Linear(9, 8))


def test_fit_gives_the_same_on_the_device_and_the_model_comes_home(accelerator):
    """Dropout included: the device's random state is seeded as well, and left as it was."""
    here, there = net_of_many_parts(), net_of_many_parts()
    settings = {"epochs": 2, "batch": 64, "one_cycle": True, "held_out": (toy(50),)}
    torch.pretend.state = 17
    on_cpu = train.fit(here, (toy(),), squared_error, **settings)
    on_device = train.fit(there, (toy(),), squared_error, **settings, device="pretend")
    assert accelerator.operations > 100
    assert on_device.train["loss"] == pytest.approx(on_cpu.train["loss"], rel=1e-5)
    assert on_device.held_out["loss"] == pytest.approx(on_cpu.held_out["loss"], rel=1e-5)
    for a, b in zip(here.state_dict().values(), there.state_dict().values(), strict=True):
        assert type(b) is torch.Tensor
        torch.testing.assert_close(a, b)
    assert torch.pretend.state == 17


def test_the_cpu_alone_wakes_no_card_up(accelerator, monkeypatch):
    monkeypatch.setattr(torch.pretend, "get_rng_state", lambda *_: pytest.fail("the card was asked"), raising=False)
    train.fit(net_of_many_parts(), (toy(),), squared_error, epochs=1)
    assert accelerator.operations == 0


def test_the_device_is_read_back_at_an_epochs_end_only(accelerator, monkeypatch):
    monkeypatch.setattr(train.Line, "due", lambda self: False)
    reads = []
    for batch in (100, 3):
        before = accelerator.reads
        train.fit(model(), (toy(),), squared_error, epochs=2, batch=batch, device="pretend")
        reads.append(accelerator.reads - before)
    assert reads[0] == reads[1], "a hundred steps are read as seldom as three"


def test_trouble_on_the_device_brings_the_model_home_too(accelerator):
    net = model()
    with pytest.raises(train.Diverged, match="after epoch 0"):
        train.fit(net, (toy(),), squared_error, epochs=3, batch=50, lr=3000.0, device="pretend")
    assert torch.isfinite(net(toy())).all()


def test_data_that_do_not_fit_on_the_device_leave_the_model_at_home(accelerator, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("the card is full")

    net = model()
    for part in ("_check_single", "_at"):  # after the model was moved, and before
        monkeypatch.setattr(train, part, full)
        with pytest.raises(torch.OutOfMemoryError):
            train.fit(net, (toy(),), squared_error, epochs=1, device="pretend")
        assert {p.device.type for p in net.parameters()} == {"cpu"}


def test_mean_loss_computes_where_the_model_is(accelerator):
    net = model()
    expected = train.mean_loss(net, (toy(),), squared_error)
    net.to("pretend")
    assert train.mean_loss(net, (toy(),), squared_error) == pytest.approx(expected, rel=1e-5)
    assert train.mean_loss(net, (toy().to("pretend"),), squared_error) == pytest.approx(expected, rel=1e-5)


FAULTS = {  # each was once in a loss of the course
    "noise without a device": lambda x, y, step: torch.rand(x.shape, generator=step.generator) < x,
    "an index without a device": lambda x, y, step: torch.randint(10, (3,), generator=step.generator),
    "labelled images on the CPU": lambda x, y, step: torch.cat([x, toy(3)]),
    "one-hot rows of a CPU table": lambda x, y, step: torch.eye(10)[y],
    "affine maps on the CPU": lambda x, y, step: nn.functional.affine_grid(
        torch.eye(2, 3).repeat(len(x), 1, 1), [len(x), 1, 4, 2], align_corners=False) * x[:, None, None, :2],
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_old_is_found_on_the_device_and_not_on_the_cpu(accelerator, fault):
    def loss(net, x, y, step):
        fault(x, y, step)
        return squared_error(net, x, step)

    batch = (toy(), torch.arange(300) % 10)
    train.fit(model(), batch, loss, epochs=1)
    with pytest.raises(RuntimeError, match=WRONG_PLACE):
        train.fit(model(), batch, loss, epochs=1, device="pretend")
    with pytest.raises(RuntimeError, match=WRONG_PLACE):
        train.mean_loss(model().to("pretend"), batch, loss)


def test_the_old_loop_of_fit_is_found(accelerator):
    """With the index of a batch left on the CPU, as `fit` once had it, nothing was trained on a graphics card."""
    source = inspect.getsource(train.fit)
    old = source.replace("randperm(n, generator=order).to(device)", "randperm(n, generator=order)")
    assert old != source
    names = dict(vars(train))
    exec(old, names)
    names["fit"](model(), (toy(),), squared_error, epochs=1)
    with pytest.raises(RuntimeError, match=WRONG_PLACE):
        names["fit"](model(), (toy(),), squared_error, epochs=1, device="pretend")


def test_the_packages_own_losses_and_samples_lie_where_their_data_do(accelerator):
    x, y = torch.rand(6, 784).to("pretend"), torch.arange(6).to("pretend")
    step = train.Step(0.5, torch.Generator(x.device).manual_seed(0), True)
    x_l, y_l = semi.some_labelled(torch.rand(9, 784), torch.arange(9), 4, step.generator)
    m2, conv, vae = semi.M2().to("pretend"), semi.SmallConv().to("pretend"), models.VAE([784, 9, 3]).to("pretend")
    mu, logvar = vae.encode(data.binarised(x, step.generator))
    results = [losses.bernoulli_nll(vae.decode(models.sample_code(mu, logvar, step.generator)), x),
               losses.gaussian_kl(mu, logvar), losses.gaussian_nll(x, x, 0.5), losses.categorical_nll(conv(x), y),
               losses.importance_bound(mu), semi.moved(x, step.generator, linear=0.1),
               *semi.m2_terms(m2, x, x_l, y_l, 0.1, 0.01, step.generator).values(),
               *semi.consistency_terms(conv, x, x_l, y_l, step.generator).values(), y_l]
    assert {result.device.type for result in results} == {"pretend"}
    for measure in (metrics.slant, metrics.thickness):
        torch.testing.assert_close(measure(x).cpu(), measure(x.cpu()))


def test_the_long_runs_losses_lie_where_their_data_do(accelerator, monkeypatch):
    monkeypatch.syspath_prepend(project.ROOT / "benchmarks")
    import papers
    import papers_semi

    x = torch.rand(6, 784).to("pretend")
    step = train.Step(0.5, torch.Generator(x.device).manual_seed(0), True)
    vae = models.VAE([784, 9, 3]).to("pretend")
    labelled = SimpleNamespace(x_l=torch.rand(9, 784).to("pretend"), y_l=torch.arange(9).to("pretend"))
    results = [papers.bend(x, step.generator), *papers.negative_importance_bound(vae, x, step, 5, 2).values(),
               *papers_semi.some_labelled(labelled, step, 4), *papers_semi.negative_elbo(vae, x, step).values()]
    assert {result.device.type for result in results} == {"pretend"}


# ---- every lesson and every solved lab -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_every_training_of_a_notebook_runs_on_the_device(name, monkeypatch, tmp_path):
    """Two batches of each training, on few images: it looks for tensors in the wrong place, not at results."""
    for variable, value in (("AECOURSE_DATASET", "strokes"), ("AECOURSE_QUICK", "1")):
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(torch, "Generator", pretend.Generator)
    trained, real = [], train.fit

    def brief(net, images, loss, *, batch=256, held_out=None, **settings):
        few = tuple(part[: 2 * batch] for part in images)
        settings |= {"epochs": 1, "lr": 1e-4, "batch": batch,
                     "held_out": held_out and tuple(part[:64] for part in held_out)}
        try:
            with pretend.Accelerator() as accelerator:
                history = real(net, few, loss, **{**settings, "device": "pretend"})
            trained.append(accelerator.operations)
        except RuntimeError as error:  # forward-mode derivatives (torch.func.jvp) need memory of the tensors themselves
            if "not allocated yet" not in str(error):
                raise
            history = real(net, few, loss, **{**settings, "device": "cpu"})
        return history

    for module in (train, realism):
        monkeypatch.setattr(module, "fit", brief)
    monkeypatch.chdir(tmp_path)
    cells = [cell for cell in json.loads(LESSONS[name].read_text(encoding="utf-8"))["cells"]
             if cell["cell_type"] == "code"]
    names, threads = {"__name__": "__main__"}, torch.get_num_threads()
    torch.set_num_threads(1)
    matplotlib.use("agg")
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            for number, cell in enumerate(cells, start=1):
                exec(compile("".join(cell["source"]), f"{name}, code cell {number}", "exec"), names)
                plt.close("all")
    finally:
        torch.set_num_threads(threads)
    trains = re.search(r"(?<![.\w])fit\(", "".join("".join(cell["source"]) for cell in cells))
    assert trained or not trains
    assert all(trained)
