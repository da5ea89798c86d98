"""The course's folder: why a file cannot be written, and what a kernel is started with."""

import errno
import os
import re
from importlib import metadata
from pathlib import Path

import pytest

from aecourse import __version__
from aecourse.base import project


@pytest.mark.parametrize(("number", "reason", "remedy"), [
    (errno.ENOSPC, "the disk is full", "free some space"),
    (errno.EDQUOT, "the disk is full", "free some space"),
    (errno.EACCES, "no permission", "a folder that you may write"),
    (errno.EPERM, "no permission", "a folder that you may write"),
    (errno.EROFS, "read-only", "a folder that you may write"),
    (errno.ENAMETOOLONG, "too long", "a short path"),
    (errno.ENOTDIR, "a file lies where a folder should be", "rename"),
    (errno.EEXIST, "a file lies where a folder should be", "rename"),
    (errno.EIO, os.strerror(errno.EIO), "a folder that you may write"),
])
def test_why_a_file_cannot_be_written(number, reason, remedy):
    said = project.why(OSError(number, os.strerror(number)), Path("work/lab01.ipynb"))
    assert said.startswith(f"{Path('work/lab01.ipynb')} cannot be written")
    assert reason in said
    assert remedy in said


def test_another_place_is_named_only_where_the_place_is_the_trouble():
    cache = "set AECOURSE_CACHE to a folder that you may write"
    assert cache in project.why(PermissionError(errno.EACCES, "Permission denied"), Path("x"), cache)
    assert cache not in project.why(OSError(errno.ENOSPC, "No space left on device"), Path("x"), cache)


def test_a_kernel_finds_this_folder_first_and_draws_in_the_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    env = project.kernel_environment(tmp_path)
    assert env["PYTHONPATH"] == os.pathsep.join([str(tmp_path), "elsewhere"])
    assert "inline" in env["MPLBACKEND"]
    assert "NBGRADER_EXECUTION" not in env
    monkeypatch.delenv("PYTHONPATH")
    assert project.kernel_environment()["PYTHONPATH"] == str(project.ROOT)


def test_the_version_has_one_place():
    text = (project.ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", text, flags=re.MULTILINE)[1] == __version__ == metadata.version("aecourse")
