"""`aecourse doctor` on computers where something is wrong."""

import shutil
import sys
import tempfile
from collections import namedtuple
from importlib import metadata

import pytest

from aecourse import _files, doctor


def findings(check, root, what=None):
    return [f for f in doctor._isolated(check, root) if what in (None, f.what)]


@pytest.fixture
def shadow(tmp_path, monkeypatch):
    """Return a function that puts a broken module before the real one, for every new process."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def put(name, text):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")

    return put


def test_a_package_that_raises_or_kills_python_is_named_and_the_rest_is_checked(shadow, tmp_path, monkeypatch):
    required = {"nbformat": "5", "traitlets": "5", "platformdirs": "4"}
    monkeypatch.setattr(doctor, "_requirements", lambda _: (required, True))
    shadow("nbformat", "raise RuntimeError('broken on purpose')")
    shadow("traitlets", "import os\nos._exit(9)")
    problem, death, good = findings(doctor._packages, tmp_path)
    assert (problem.mark, problem.what) == ("PROBLEM", "nbformat")
    assert "RuntimeError: broken on purpose" in problem.found
    assert problem.mend.startswith("python -m pip install --force-reinstall")
    assert (death.mark, death.what) == ("PROBLEM", "traitlets")
    assert "died with code 9" in death.found
    assert (good.mark, good.found) == ("ok", f"platformdirs {metadata.version('platformdirs')}")


def test_missing_and_old_packages_are_named_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_requirements", lambda _: ({"no-such-package": "1", "platformdirs": "99.1"}, True))
    missing, old = findings(doctor._packages, tmp_path)
    assert (missing.found, missing.mend) == ("not installed", doctor.INSTALL)
    assert "needs 99.1 or newer" in old.found
    assert {missing.mark, old.mark} == {"PROBLEM"}


def test_a_course_that_is_not_installed_is_a_problem(tmp_path, monkeypatch):
    def absent(_):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "requires", absent)
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["platformdirs>=4.0"]\n', encoding="utf-8")
    first, second = findings(doctor._packages, tmp_path)
    assert (first.mark, first.what, first.mend) == ("PROBLEM", "aecourse", doctor.INSTALL)
    assert (second.mark, second.what) == ("ok", "packages")


def test_the_requirements_are_those_of_the_package():
    required, installed = doctor._requirements(doctor.project.ROOT)
    assert installed
    assert {"torch", "torchvision", "jupyterlab", "ipykernel"} <= set(required)
    assert all(doctor._numbers(version) for version in required.values())


# ---- the pair -------------------------------------------------------------------------------------------------------


def test_a_torch_that_does_not_import_is_a_problem(shadow, tmp_path):
    shadow("torch", "raise OSError('libtorch is not there')")
    (problem,) = findings(doctor._torch_pair, tmp_path)
    assert (problem.mark, problem.what) == ("PROBLEM", "torch")
    assert "OSError: libtorch is not there" in problem.found


FAKE_TORCH = """
__version__ = '2.7.1+cu126'
class cuda:
    is_available = staticmethod(lambda: False)
get_num_threads = lambda: 2
"""


@pytest.mark.parametrize(("vision", "mark", "words"), [
    ("__version__ = '0.22.1'", "ok", "0.22.1, fits torch"),
    ("raise RuntimeError('operator torchvision::nms does not exist')", "PROBLEM", "torchvision::nms"),
])
def test_torchvision_beside_torch(shadow, tmp_path, vision, mark, words):
    shadow("torch", FAKE_TORCH)
    shadow("torchvision", vision)
    torch, pair = findings(doctor._torch_pair, tmp_path)
    assert torch.mark == "ok"
    assert pair.mark == mark
    assert words in pair.found
    if mark == "PROBLEM":
        assert "torchvision==0.22.1" in pair.mend


def test_a_pair_that_the_course_mends_is_a_note(shadow, tmp_path):
    shadow("torch", FAKE_TORCH + "class library:\n    class Library:\n        def __init__(self, *a): "
           "import builtins; builtins.declared = True\n        def define(self, text): pass\n")
    shadow("torchvision", "import builtins\nif not hasattr(builtins, 'declared'):\n"
           "    raise RuntimeError('operator torchvision::nms does not exist')\n__version__ = '0.22.1'\n")
    _, pair = findings(doctor._torch_pair, doctor.project.ROOT)
    assert pair.mark == "note"
    assert "works around it" in pair.found


@pytest.mark.parametrize(("torch", "command"), [
    ("2.13.0+cpu", "torchvision==0.28.0 --index-url https://download.pytorch.org/whl/cpu"),
    ("2.7.1+cu126", "torchvision==0.22.1 --index-url https://download.pytorch.org/whl/cu126"),
    ("2.6.0", "torchvision==0.21.0"),
    ("3.0.0", "torch torchvision"),
])
def test_the_command_for_a_matching_pair(torch, command):
    assert doctor._matching_torchvision(torch).endswith(command)


# ---- data, disk, kernel ---------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("AECOURSE_DATA", raising=False)
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_missing_images_are_a_note_with_the_command(cache, tmp_path):
    (note,) = findings(doctor._data, tmp_path)
    assert (note.mark, note.mend) == ("note", "python -m aecourse data")
    assert "not here yet" in note.found


def test_a_damaged_image_file_in_the_cache_is_named(cache, tmp_path):
    raw = cache / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, size in _files.FILES.items():
        (raw / name).write_bytes(bytes(size if "labels" in name else 5))
    (note,) = findings(doctor._data, tmp_path)
    assert note.mark == "note"
    assert "t10k-labels-idx1-ubyte is damaged" in note.found
    assert "t10k-images-idx3-ubyte is truncated" in note.found


def test_a_data_folder_without_the_files_or_with_a_relative_name_is_a_problem(tmp_path, monkeypatch):
    for setting in (str(tmp_path), "data", str(tmp_path / "nowhere")):
        monkeypatch.setenv("AECOURSE_DATA", setting)
        (problem,) = findings(doctor._data, tmp_path)
        assert problem.mark == "PROBLEM"
        assert "AECOURSE_DATA" in problem.found


def test_a_full_disk_is_a_problem(cache, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1e9, 1e9, 1e6))
    both = findings(doctor._disk, tmp_path)
    assert [f.mark for f in both] == ["PROBLEM", "PROBLEM"]
    assert "free 0.2 GB" in both[0].mend


def test_a_folder_without_write_permission_is_a_problem_with_another_place(cache, tmp_path, monkeypatch):
    def denied(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", denied)
    first, second = findings(doctor._disk, tmp_path)
    assert "AECOURSE_CACHE" in first.mend
    assert "move the course's folder" in second.mend
    assert {first.mark, second.mark} == {"PROBLEM"}


def test_a_kernel_of_another_python_is_a_problem(tmp_path, monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager

    def spec(program):
        return lambda *_: namedtuple("spec", "argv resource_dir")([program], "somewhere")

    for program, mark in (("python", "ok"), (sys.executable, "ok"), (str(tmp_path / "gone"), "PROBLEM")):
        monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", spec(program))
        (found,) = findings(doctor._kernel, tmp_path)
        assert found.mark == mark
    assert found.mend == "python -m ipykernel install --user"


# ---- the whole ------------------------------------------------------------------------------------------------------


def test_one_broken_check_does_not_stop_the_others_and_the_code_tells(tmp_path, monkeypatch, capsys):
    def explodes(_):
        raise LookupError("a check of ours is broken")
        yield

    calm = {name: (lambda _: iter(())) for name in ("_packages", "_torch_pair", "_data", "_disk", "_jupyterlab")}
    for name, check in calm.items():
        monkeypatch.setattr(doctor, name, check)
    assert doctor.doctor(tmp_path) == 0
    assert "The course can run" in capsys.readouterr().out
    monkeypatch.setattr(doctor, "_packages", explodes)
    assert doctor.doctor(tmp_path) == 1
    out = capsys.readouterr().out
    assert "could not be checked (LookupError: a check of ours is broken)" in out
    assert "ok       kernel" in out
    assert "1 problem to mend" in out


@pytest.mark.slow
def test_this_computer_can_run_the_course(capsys):
    assert doctor.doctor() == 0, capsys.readouterr().out
    assert "torch " in capsys.readouterr().out
