import subprocess
import sys
from pathlib import Path

import pytest

from aecourse import CourseError
from aecourse.base import messages, settings


@pytest.mark.parametrize(("value", "quick"), [
    (None, False), ("", False), ("1", True), (" 1 ", True), ("TRUE", True), ("Yes", True), ("on\t", True),
    ('"1"', True), ("0", False), ("false", False), (" No", False), ("OFF", False), ("“yes”", True), ("''", False)])
def test_quick_takes_the_usual_words(monkeypatch, value, quick):
    if value is not None:
        monkeypatch.setenv("AECOURSE_QUICK", value)
    assert settings.quick() is quick


@pytest.mark.parametrize("value", ["2", "y", "quick", "ja", "1 1", "True;", '"', "-1"])
def test_quick_refuses_the_rest(monkeypatch, value):
    monkeypatch.setenv("AECOURSE_QUICK", value)
    with pytest.raises(CourseError, match=r"AECOURSE_QUICK is .*1, true, yes, on") as told:
        settings.quick()
    assert repr(value) in str(told.value)


@pytest.mark.parametrize("name", ["AECOURSE_DATA", "AECOURSE_CACHE"])
def test_a_folder_is_taken_as_people_write_it(monkeypatch, tmp_path, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    expected = tmp_path / "my data"
    for value in (str(expected), f' "{expected}" ', f"'{expected}'", "~/my data", '"~/my data"', "$HOME/my data",
                  f"{expected}/", f"“{expected}”"):
        monkeypatch.setenv(name, value)
        assert settings.folder(name) == expected, value
    for nothing in ("", "  ", '""'):
        monkeypatch.setenv(name, nothing)
        assert settings.folder(name) is None


@pytest.mark.parametrize("value", ["data", "./data", "../data", "~nobody-of-this-name/data"])
def test_a_relative_folder_is_refused_with_the_absolute_one(monkeypatch, tmp_path, value):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AECOURSE_CACHE", value)
    with pytest.raises(CourseError, match="AECOURSE_CACHE must be the absolute path") as told:
        settings.folder("AECOURSE_CACHE")
    assert repr(value) in str(told.value)
    assert str(Path.cwd()) in str(told.value)


def test_a_file_is_refused_with_its_folder(monkeypatch, tmp_path):
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(b"")
    monkeypatch.setenv("AECOURSE_DATA", str(file))
    with pytest.raises(CourseError, match=r"(?s)AECOURSE_DATA names a file.*\.gz\n.*AECOURSE_DATA"):
        settings.folder("AECOURSE_DATA")


def test_the_settings_are_read_without_anything_heavy():
    code = "import sys, aecourse.base.settings; assert not {'torch', 'numpy', 'platformdirs'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- how a message is laid out --------------------------------------------------------------------------------------


def test_prose_is_broken_between_words_and_paths_and_commands_are_not():
    path = Path("/a folder with blanks and with a very long name that goes on for more than a line/MNIST/raw/a-file")
    message = messages.lines("A sentence of some length, long enough for two lines of the message, names a "
                              f"well-known path {messages.whole(path)} here.", f"    {path}", "The end.")
    first, *_ = lines = message.splitlines()
    assert f"    {path}" in lines
    assert sum(str(path) in line for line in lines) == 2
    assert len(f"aecourse: {first}") <= 79
    assert all(len(line) <= 79 for line in lines if str(path) not in line)
    assert "well-known" in message
    assert lines[-1] == "The end."


def test_a_variable_is_set_as_this_system_does(monkeypatch):
    monkeypatch.setattr(messages.os, "name", "posix")
    assert messages.setting("X", "/a/b") == ("    export X=/a/b",)
    assert messages.setting("X", "/a b") == ("    export X='/a b'",)
    assert messages.setting("X", None) == ("    unset X",)
    assert messages.some_folder().startswith("/")
    monkeypatch.setattr(messages.os, "name", "nt")
    assert messages.setting("X", r"C:\a b") == ('    PowerShell:      $env:X = "C:\\a b"',
                                                 "    command prompt:  set X=C:\\a b")
    assert messages.setting("X", None) == ("    PowerShell:      Remove-Item Env:X", "    command prompt:  set X=")
    assert messages.some_folder().startswith("C:")
