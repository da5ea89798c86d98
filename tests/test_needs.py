"""What is missing here, and the sentence that says so."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest

from aecourse import CourseError
from aecourse.base import needs, project


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
    before = set(sys.modules)
    needs.require()
    assert set(sys.modules) == before
    assert capsys.readouterr().out == ""
    code = "import sys; from aecourse.base import needs; needs.require(); print(*sys.modules)"  # nothing imported yet
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project.ROOT)
    assert not set(needs.PACKAGES | needs.BELOW) & set(done.stdout.split())


def test_a_folder_that_a_removal_left_behind_is_no_package(tmp_path, monkeypatch):
    (tmp_path / "nbclient").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "nbclient", raising=False)
    assert "nbclient" in needs.missing()


@pytest.fixture
def torch_of(tmp_path, monkeypatch):
    """Return a function that puts a torch of some build first, one that does not import."""
    def put(version, cards, system="linux", known=None):
        (tmp_path / "torch").mkdir()
        (tmp_path / "torch/__init__.py").write_text("raise OSError('broken')", encoding="utf-8")
        text = f"from typing import Optional\n__version__ = '{version}'\ndebug = False\n{cards}\ngit_version = 'a'\n"
        (tmp_path / "torch/version.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "torch", raising=False)
        monkeypatch.setattr(metadata, "version", lambda _: known or version)
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.chdir(project.ROOT)

    return put


NONE = "cuda: Optional[str] = None\nhip: Optional[str] = None\nxpu: Optional[str] = None"
CUDA = "cuda: Optional[str] = '12.8'\nhip: Optional[str] = None\nxpu: Optional[str] = None"
ROCM = "cuda: Optional[str] = None\nhip: Optional[str] = '6.2'"


@pytest.mark.parametrize(("version", "cards", "system", "build"), [
    ("2.13.0+cpu", NONE, "linux", "cpu"),
    ("2.13.0", NONE, "linux", "cpu"),  # conda's
    ("2.6.0", "cuda = None\nhip = None", "linux", "cpu"),
    ("2.13.0", NONE, "darwin", ""),  # PyPI's
    ("2.13.0", NONE, "win32", ""),
    ("2.13.0", CUDA, "linux", ""),
    ("2.13.0", ROCM, "linux", ""),
    ("2.13.0", "", "linux", ""),
    ("2.13.0+cu130", CUDA, "linux", "cu130"),
    ("2.6.0+rocm6.2.4", ROCM, "linux", "rocm6.2.4"),
    ("2.8.0+xpu", "", "linux", "xpu"),
    ("2.6.0a0+ecf3bae40a.nv25.01", CUDA, "linux", "ecf3bae40a.nv25.01"),
])
def test_the_build_of_torch_is_known(torch_of, version, cards, system, build):
    torch_of(version, cards, system)
    assert needs.torch_build() == build


@pytest.mark.parametrize(("version", "cards", "extra"), [
    ("2.13.0+cpu", NONE, True), ("2.13.0", NONE, True), ("2.13.0+cu130", CUDA, False), ("2.13.0", CUDA, False)])
def test_a_cpu_build_of_torch_is_not_replaced_by_a_cuda_build(torch_of, version, cards, extra):
    torch_of(version, cards, known="2.13.0")  # the package's metadata may leave the build out
    for command in (needs.install(), needs.sentence("numpy")):
        assert (f"--extra-index-url {needs.BUILDS}/cpu" in command) is extra
        assert "requirements.txt" in command


@pytest.mark.parametrize(("version", "cards"), [
    ("2.6.0+rocm6.2.4", ROCM), ("2.8.0+xpu", CUDA), ("2.6.0a0+ecf3bae40a.nv25.01", CUDA), ("2.9.0+debian", NONE)])
def test_a_torch_that_the_set_does_not_hold_is_kept(torch_of, without, version, cards):
    torch_of(version, cards)
    assert needs.install() == f"python -m pip install -e . torch=={version}"
    without("scipy", "matplotlib", "torchvision")
    assert needs.install() == f"python -m pip install scipy matplotlib torch=={version}"
    assert needs.sentence("scipy").endswith(f"%pip install scipy matplotlib torch=={version}")


def test_the_command_names_the_file_from_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(project.ROOT)
    assert "-r requirements.txt" in needs.install()
    monkeypatch.chdir(tmp_path)
    assert str(project.ROOT / "requirements.txt") in needs.install()
    monkeypatch.setattr(project, "ROOT", tmp_path / "my course")
    assert f"-r '{tmp_path / 'my course' / 'requirements.txt'}'" in needs.sentence("torch")
