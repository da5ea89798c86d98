"""Where Jupyter and the downloads write, and what happens where they cannot."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from aecourse import CourseError
from aecourse.base import project
from aecourse.commands import places

VARIABLES = ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "MPLCONFIGDIR",
             "AECOURSE_CACHE")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder of its own, with no place named by a variable."""
    for name in [*VARIABLES, *(name for name in os.environ if name.startswith("XDG_"))]:
        monkeypatch.setenv(name, "")  # noted, so that it is restored
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    return folder


def test_a_home_that_can_be_written_is_left_alone(home):
    assert places.prepare() == ""
    assert not set(VARIABLES) & set(os.environ)
    assert list(home.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="the folders of Windows come from the system, not from a variable")
def test_a_closed_home_gives_a_temporary_folder_in_one_line(home, monkeypatch):
    home.rmdir()
    home.write_text("a file where the home folder should be", encoding="utf-8")
    said = places.prepare()
    assert str(home) in said
    assert "temporary folder" in said
    assert "\n" not in said
    for name in VARIABLES:
        assert Path(os.environ[name]).is_dir()
        assert str(home) not in os.environ[name]
    assert places.prepare() == ""


@pytest.mark.skipif(os.name == "nt", reason="the folders of Windows come from the system, not from a variable")
def test_one_closed_folder_is_replaced_alone_and_a_chosen_cache_is_not(home, monkeypatch):
    (home / ".ipython").write_text("", encoding="utf-8")
    monkeypatch.setenv("AECOURSE_CACHE", str(home / ".ipython"))
    said = places.prepare()
    assert str(home / ".ipython") in said
    assert Path(os.environ["IPYTHONDIR"]).is_dir()
    assert "JUPYTER_DATA_DIR" not in os.environ
    assert os.environ["AECOURSE_CACHE"] == str(home / ".ipython")  # `data` says what is wrong with it


@pytest.mark.skipif(os.name == "nt", reason="a user of Windows has a home folder")
def test_a_user_without_a_home_gets_one_for_the_time_being(home, monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert "temporary folder" in places.prepare()
    assert Path(os.environ["HOME"]).is_dir()
    assert os.environ["HOME"] != str(home)


def test_nowhere_to_write_is_a_sentence(home, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(CourseError, match="TMPDIR"):
        places.prepare()


def test_trouble_tells_what_keeps_a_file_from_being_written(tmp_path):
    assert places.trouble(tmp_path / "not/made/yet") is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("", encoding="utf-8")
    for folder in (tmp_path / "file", tmp_path / "file/below", Path("~/relative")):
        assert places.trouble(folder).errno == errno.ENOTDIR


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc, in which nobody can make a file, is Linux's")
def test_a_command_in_a_closed_home_says_it_once_and_works(tmp_path):
    env = {**os.environ, "HOME": "/proc/nope", "PYTHONPATH": str(project.ROOT), "AECOURSE_DATASET": "strokes"}
    env = {name: value for name, value in env.items() if name not in VARIABLES and not name.startswith("XDG_")}
    code = "from aecourse.commands.cli import main; import sys; sys.exit(main(['run', '99']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.count("temporary folder") == 1
    assert len(done.stdout.splitlines()) == 1
    assert "no lesson or lab is named '99'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
