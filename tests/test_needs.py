"""What is missing here, and the sentence that says so."""

import re
import sys
import time
import tomllib
from importlib import metadata

import pytest

from aecourse import CourseError, needs, project


@pytest.fixture
def without(monkeypatch):
    """Return a function that hides modules from this process, as if they were not installed."""
    def hide(*names):
        for name in names:
            monkeypatch.setitem(sys.modules, name, None)

    return hide


def test_the_packages_are_those_that_are_installed_with_the_course():
    metadata = tomllib.loads((project.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = {re.match(r"[\w-]+", line)[0] for line in metadata["project"]["dependencies"]}
    assert set(needs.PACKAGES.values()) == named
    lines = (project.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert named <= {line.split("==")[0] for line in lines}


def test_what_is_below_is_needed_by_the_packages_of_the_course():
    seen, waiting = set(), [canonical(name) for name in needs.PACKAGES.values()]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        lines = [line for line in metadata.requires(name) or [] if "extra ==" not in line and ";" not in line]
        waiting += {canonical(re.match(r"[\w.-]+", line)[0]) for line in lines} - seen
    assert {canonical(name) for name in needs.BELOW.values()} <= seen
    assert needs.missing() == []


def canonical(name):
    return re.sub(r"[._-]+", "-", name).lower()


@pytest.mark.parametrize("module", needs.PACKAGES | needs.BELOW)
def test_each_package_has_its_sentence_for_a_notebook(module):
    said = needs.sentence(module)
    assert said.startswith(f"{needs.package(module)} is not installed")
    assert f"%pip install -r {project.ROOT / 'requirements.txt'}" in said


@pytest.mark.parametrize("module", ["aecourse", "mymodule", "", "torch.nn"])
def test_a_module_that_is_not_of_the_course_has_none(module):
    assert needs.sentence(module) is None


@pytest.mark.parametrize(("names", "said"), [
    (["torch"], "torch is not installed"),
    (["sklearn"], "scikit-learn is not installed"),
    (["torchvision", "numpy"], "torchvision and numpy are not installed"),
    (["zmq"], "pyzmq is not installed"),
    (["IPython", "PIL"], "ipython and pillow are not installed"),
    (["numpy", "matplotlib", "platformdirs"], "numpy, matplotlib and platformdirs are not installed"),
])
def test_missing_packages_are_one_sentence(without, names, said):
    without(*names)
    with pytest.raises(CourseError) as error:
        needs.require()
    assert str(error.value).startswith(said)
    assert "pip install -r requirements.txt" in str(error.value)
    assert "\n" not in str(error.value)


def test_torchvision_alone_is_a_line(without, capsys):
    without("torchvision")
    needs.require()
    assert "torchvision is not installed" in capsys.readouterr().out


def test_nothing_is_said_where_nothing_is_missing_and_nothing_is_imported(capsys):
    before, start = set(sys.modules), time.perf_counter()
    needs.require()
    assert time.perf_counter() - start < 0.05
    assert set(sys.modules) == before
    assert capsys.readouterr().out == ""


def test_a_folder_that_a_removal_left_behind_is_no_package(tmp_path, monkeypatch):
    (tmp_path / "nbclient").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "nbclient", raising=False)
    assert "nbclient" in needs.missing()


@pytest.mark.parametrize(("version", "extra"), [("2.13.0+cpu", True), ("2.13.0+cu130", False), ("2.13.0", False)])
def test_a_cpu_build_of_torch_is_not_replaced_by_a_cuda_build(tmp_path, monkeypatch, version, extra):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("raise OSError('broken')", encoding="utf-8")
    (tmp_path / "torch/version.py").write_text(f"__version__ = '{version}'\ncuda = None\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(metadata, "version", lambda _: "2.13.0")  # the package's metadata may leave the build out
    for command in (needs.install(), needs.sentence("numpy")):
        assert (f"--extra-index-url {needs.BUILDS}/cpu" in command) is extra


def test_the_command_names_the_file_from_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(project.ROOT)
    assert "-r requirements.txt" in needs.install()
    monkeypatch.chdir(tmp_path)
    assert str(project.ROOT / "requirements.txt") in needs.install()
    monkeypatch.setattr(project, "ROOT", tmp_path / "my course")
    assert f"-r '{tmp_path / 'my course' / 'requirements.txt'}'" in needs.sentence("torch")
