import errno
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from aecourse import CourseError
from aecourse.base import datafiles, messages, project
from aecourse.commands import bundle, cli


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A small MNIST, one file of it packed, and a pip that notes what it is asked for."""
    raw = tmp_path / "mnist"
    raw.mkdir()
    names = [*list(datafiles.FILES)[:3], f"{list(datafiles.FILES)[3]}.gz"]
    for name in names:
        (raw / name).write_bytes(name.encode())
    monkeypatch.setattr(datafiles, "fetch", lambda name: raw)
    monkeypatch.setattr(datafiles, "inspect", lambda name: [datafiles.Report(raw / name, "ok") for name in names])
    asked = SimpleNamespace(returncode=0)

    def run(command):
        asked.command = command
        asked.wanted = Path(command[-1]).read_text(encoding="utf-8").splitlines()
        return asked

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_a_bundle_holds_mnist_and_asks_pip_for_everything_but_the_course(tmp_path, mnist, capsys):
    stick = tmp_path / "stick"
    assert cli.main(["data", "--bundle", str(stick)]) == 0
    assert (stick / "MNIST" / "raw" / "train-images-idx3-ubyte").read_bytes() == b"train-images-idx3-ubyte"
    assert (stick / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").is_file()
    assert mnist.command[mnist.command.index("--dest") + 1] == str(stick)
    assert any(line.startswith("torch==") for line in mnist.wanted)
    assert any(line.startswith("setuptools") for line in mnist.wanted), "pip builds the course itself with it"
    assert not any(line.startswith("-e") for line in mnist.wanted)
    out = capsys.readouterr().out
    assert f'--no-index --find-links "{stick}" -r requirements.txt' in out
    assert messages.setting("AECOURSE_DATA", str(stick))[0] in out


def test_a_pip_that_fails_is_one_sentence(tmp_path, mnist):
    mnist.returncode = 1
    with pytest.raises(CourseError, match="could not download the packages"):
        bundle.bundle(tmp_path / "stick")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, mnist):
    (tmp_path / "stick").write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(CourseError, match=r"stick cannot be written \(a file lies where a folder should be"):
        bundle.bundle(tmp_path / "stick")


def test_a_full_stick_keeps_no_half_file(tmp_path, mnist, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(project.os, "replace", full)
    with pytest.raises(CourseError, match="disk is full"):
        bundle.bundle(tmp_path / "stick")
    assert not list((tmp_path / "stick" / "MNIST" / "raw").iterdir())


def test_a_bundle_goes_home_too(tmp_path, mnist, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    bundle.bundle(Path("~/a stick"))
    assert (tmp_path / "a stick" / "MNIST").is_dir()
