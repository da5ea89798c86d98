"""Shared fixtures, and the rule that a run which promises every test skips none in silence."""

import os

import pytest


def _refuse_a_skip(report):
    # .ci/run sets this where the authors' tools are installed: a skipped test then means a missing tool.
    if report.skipped and os.environ.get("AECOURSE_NO_SKIPS") == "1":
        report.outcome = "failed"
        report.longrepr = f"every test is promised here, and this one skips: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return _refuse_a_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return _refuse_a_skip((yield))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """Tests see the course's default settings, whatever the shell has set; the data folder alone is let through."""
    for name in ("AECOURSE_DATASET", "AECOURSE_QUICK", "AECOURSE_CACHE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _on_the_pretend_device(monkeypatch):
    """With AECOURSE_DEVICE=pretend every test trains on the pretend accelerator, as with "cuda" on a graphics card."""
    if os.environ.get("AECOURSE_DEVICE") != "pretend":
        yield
        return
    import pretend
    import torch

    monkeypatch.setattr(torch, "Generator", pretend.Generator)
    with pretend.Accelerator():
        yield


@pytest.fixture
def bars(monkeypatch):
    """Blurred bars in the place of the data set: what asks for images needs no download."""
    import torch

    from aecourse import data

    generator = torch.Generator().manual_seed(0)
    place, width = torch.rand(2, 3000, 1, generator=generator)
    columns = torch.exp(-((torch.arange(28) / 28 - place) ** 2) / (0.005 + 0.02 * width))
    images = (0.2 + 0.7 * columns[:, None, :] * torch.rand(3000, 28, 1, generator=generator).round()).reshape(3000, 784)
    digits = data.Digits("bars", images[:2000], torch.zeros(2000).long(), images[2000:], torch.zeros(1000).long())
    monkeypatch.setattr(data, "load", lambda *_: digits)
    return digits
