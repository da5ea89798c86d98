"""Two tests at a time, one thread each: a notebook or a file of tests stays whole on one of two workers."""

import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: two threads in each of two workers get in their way
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many workers run the tests: none where single files are asked for, which begin sooner without."""
    files = all(Path(argument.split("::")[0]).is_file() for argument in config.args)
    return 0 if files else min(2, os.cpu_count() or 1)
