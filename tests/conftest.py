"""Shared fixtures, and the rule that a run which promises every test skips none in silence."""

import os

import pytest


def _skip_is_failure(report):
    # .ci/run sets this where the authors' tools are installed: a skipped test then means a missing tool.
    if report.skipped and os.environ.get("AECOURSE_NO_SKIPS") == "1":
        report.outcome = "failed"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    _skip_is_failure(report)


@pytest.hookimpl(tryfirst=True)
def pytest_collectreport(report):
    _skip_is_failure(report)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """Tests see the course's default settings, whatever the shell has set; the data folder alone is let through."""
    for name in ("AECOURSE_DATASET", "AECOURSE_QUICK", "AECOURSE_CACHE"):
        monkeypatch.delenv(name, raising=False)
