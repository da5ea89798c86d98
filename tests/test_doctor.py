"""`aecourse doctor` on computers where something is wrong."""

import errno
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from importlib import import_module, metadata
from pathlib import Path

import pytest

from aecourse import CourseError, __version__
from aecourse.base import datafiles, needs, project
from aecourse.commands import doctor, places
from aecourse.commands.doctor import finding, kernel, packages, system


def findings(check, root=project.ROOT, what=None):
    return [f for f in doctor._isolated(check, root) if what in (None, f.what)]


@pytest.fixture(autouse=True)
def _no_device_from_outside(monkeypatch):
    """The processes that `doctor` starts choose the default device, and know no pretend one."""
    monkeypatch.delenv("AECOURSE_DEVICE", raising=False)


@pytest.fixture
def shadow(tmp_path, monkeypatch):
    """Return a function that puts a broken module before the real one, for every new process."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def put(name, text):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")

    return put


@pytest.fixture
def required(monkeypatch):
    def require(**versions):
        monkeypatch.setattr(packages, "_requirements", lambda _: versions)

    return require


def test_a_package_that_raises_or_kills_python_is_named_and_the_rest_is_checked(shadow, required):
    required(nbformat="5", traitlets="5", platformdirs="4")
    shadow("nbformat", "raise RuntimeError('broken on purpose')")
    shadow("traitlets", "import os\nos._exit(9)")
    problem, death, good = findings(packages.packages)
    assert (problem.mark, problem.what) == ("PROBLEM", "nbformat")
    assert "RuntimeError: broken on purpose" in problem.found
    assert problem.fix == f"python -m pip install --force-reinstall --no-deps nbformat=={metadata.version('nbformat')}"
    assert (death.mark, death.what) == ("PROBLEM", "traitlets")
    assert "died with code 9" in death.found
    assert (good.mark, good.found) == ("ok", f"platformdirs {metadata.version('platformdirs')}")


WITHOUT = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name in {names} else find(name, *rest)
"""


@pytest.mark.slow
@pytest.mark.parametrize("names", [["platformdirs"], ["ipykernel"], ["torch"], ["tornado"], ["numpy", "sklearn"]])
def test_missing_packages_are_one_problem_whoever_needs_them(names, shadow):
    shadow("sitecustomize", WITHOUT.format(names=names))
    done = subprocess.run([sys.executable, "-m", "aecourse", "doctor"], capture_output=True, encoding="utf-8",
                          cwd=project.ROOT)
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("PROBLEM") == 1, done.stdout
    for name in names:
        assert needs.package(name) in done.stdout
    assert "fix: python -m pip install -r requirements.txt" in done.stdout
    assert "1 problem to fix" in done.stdout


def test_what_a_package_needs_itself_is_one_problem_with_its_own_remedy(shadow, required):
    required(nbclient="0", nbformat="5")
    shadow("traitlets", "import no_such_helper")
    (problem,) = findings(packages.packages)
    assert (problem.what, problem.fix) == ("no_such_helper", needs.install())
    assert "not installed; nbclient, nbformat need it" in problem.found


def test_a_broken_package_below_others_is_one_problem_that_names_it(required, monkeypatch):
    cause = ("ImportError: DLL load failed while importing _zmq", "zmq", False)
    monkeypatch.setattr(packages, "_failures", lambda *_: dict.fromkeys(("ipykernel", "nbclient"), cause))
    required(ipykernel="6", nbclient="0")
    (problem,) = findings(packages.packages)
    assert problem.what == "pyzmq"
    assert "ipykernel, nbclient need it" in problem.found
    assert problem.fix.endswith(f"--no-deps pyzmq=={metadata.version('pyzmq')}")


def test_the_module_in_which_an_import_failed_is_its_cause():
    import zmq.utils.jsonapi

    from aecourse.commands.doctor.asked import broken

    with pytest.raises(ValueError, match="property name") as error:
        zmq.utils.jsonapi.loads(b"{")
    assert broken(error.value, "asked")[1:] == ("zmq", False)
    with pytest.raises(ImportError) as error:
        import_module("no_such_module.at_all")
    assert broken(error.value, "asked")[1:] == ("no_such_module", True)
    assert broken(ValueError("from nowhere"), "asked") == ("ValueError: from nowhere", "asked", False)


def test_old_packages_are_named_with_the_command(required):
    required(platformdirs="99.1")
    (old,) = findings(packages.packages)
    assert (old.mark, old.fix) == ("PROBLEM", needs.install())
    assert "needs 99.1 or newer" in old.found


def test_the_requirements_are_those_of_the_package():
    assert {"torch", "torchvision", "jupyterlab", "ipykernel"} <= set(packages._requirements(project.ROOT))
    assert all(packages._numbers(version) for version in packages._requirements(project.ROOT).values())


# ---- torch and torchvision ------------------------------------------------------------------------------------------


@pytest.fixture
def build(monkeypatch):
    def installed(version):
        monkeypatch.setattr(packages, "_version", lambda _: version)
        monkeypatch.setattr(needs, "torch_build", lambda: version.partition("+")[2])

    return installed


CPU = "--no-deps torch==2.13.0+cpu --index-url https://download.pytorch.org/whl/cpu"


@pytest.mark.parametrize(("error", "meaning", "fix"), [
    (r"OSError: [WinError 126] The specified module could not be found. Error loading \"C:\\x\\torch\\lib\\c10.dll\"",
     "Microsoft Visual C++ runtime", "https://aka.ms/vs/17/release/vc_redist.x64.exe"),
    ("OSError: [WinError 126] 지정된 모듈을 찾을 수 없습니다. fbgemm.dll", "Visual C++", "vc_redist.x64.exe"),
    ("OSError: [WinError 1114] A dynamic link library (DLL) initialization routine failed", "Visual C++", "vc_redist"),
    ("ImportError: DLL load failed while importing _C", "Visual C++", "vc_redist"),
    ("OMP: Error #15: Initializing libiomp5md.dll, but found libiomp5md.dll already initialized.",
     "two OpenMP runtimes", "python -m venv .venv"),
    ("OMP: Error #15: Initializing libomp.dylib, but found libiomp5.dylib already initialized.",
     "two OpenMP", "last resort"),
    ("OSError: [WinError 1455] The paging file is too small", "paging file", "enlarge"),
    ("OSError: libtorch is not there", "does not import", CPU),
    ("the process died with code -11", "does not import", CPU),
    ("OSError: libcudnn.so.9: cannot open shared object file", "does not import", "install --force-reinstall torch=="),
])
def test_a_torch_that_does_not_import_is_explained(shadow, build, error, meaning, fix):
    build("2.13.0+cpu")
    kind, _, text = error.partition(": ")
    if error.startswith("the process"):
        shadow("torch", "import os; os.kill(os.getpid(), 11)" if os.name != "nt" else "import os; os._exit(-11)")
    elif error.startswith("OMP"):  # OpenMP writes this and aborts
        shadow("torch", f"import os, sys\nprint({error!r}, file=sys.stderr)\nprint('OMP: Hint ...', file=sys.stderr, "
               "flush=True)\nos._exit(3)")
    else:
        shadow("torch", f"raise {kind}({text!r})")
    (problem,) = findings(packages.torch_pair)
    assert (problem.mark, problem.what) == ("PROBLEM", "torch")
    assert error.partition(": ")[2] in problem.found or error in problem.found
    assert meaning in problem.found
    assert fix in problem.fix
    if "pip install" in problem.fix and "torch==" in problem.fix:
        assert "torch==2.13.0+cpu --index-url https://download.pytorch.org/whl/cpu" in problem.fix


@pytest.mark.parametrize(("version", "command"), [
    ("2.13.0", "--no-deps torch==2.13.0"),
    ("2.7.1+cu126", "--no-deps torch==2.7.1+cu126 --index-url https://download.pytorch.org/whl/cu126"),
    ("2.8.0+xpu", "--no-deps torch==2.8.0+xpu --index-url https://download.pytorch.org/whl/xpu"),
    ("2.6.0+rocm6.2.4", "--no-deps torch==2.6.0+rocm6.2.4 --index-url https://download.pytorch.org/whl/rocm6.2.4"),
])
def test_the_same_build_is_installed_again(build, version, command):
    build(version)
    assert packages.torch_error("ImportError: broken", version)[1].endswith(command)


OWN_BUILDS = ["2.6.0a0+ecf3bae40a.nv25.01", "2.9.0+debian", "2.7.0a0+gitunknown"]


@pytest.mark.parametrize("version", OWN_BUILDS)
def test_a_build_that_no_index_has_is_replaced_by_no_command(build, required, monkeypatch, version):
    build(version)
    required(torch="99")
    (old,) = findings(packages.packages)
    for fix in (packages.torch_error("ImportError: broken", version)[1], packages.matching_torchvision(version),
                packages.of_import("ImportError: broken", "torch", False, ["aecourse"]).fix, old.fix):
        assert "pip install" not in fix
        assert f"{version}, and would put another build in its place. Install it as it came here" in fix


def test_conda_s_cpu_build_is_replaced_by_cpu_builds_only(build, required, monkeypatch):
    build("2.10.0")
    monkeypatch.setattr(needs, "torch_build", lambda: "cpu")
    required(torch="99")
    (old,) = findings(packages.packages)
    for fix in (packages.torch_error("ImportError: broken", "2.10.0")[1], packages.matching_torchvision("2.10.0"),
                packages.of_import("ImportError: broken", "torch", False, []).fix, old.fix):
        assert fix.endswith("index-url https://download.pytorch.org/whl/cpu")


def test_an_old_rocm_build_is_followed_by_one_of_its_kind(build, required):
    build("2.5.1+rocm6.2")
    required(torch="2.6")
    (old,) = findings(packages.packages)
    assert old.fix == "python -m pip install --upgrade torch torchvision --index-url https://download.pytorch.org/whl/rocm6.2"


FAKE_TORCH = """
import numpy
__version__ = '2.7.1+cu126'
class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    get_device_name = staticmethod(lambda _: 'a card')
class backends:
    class mps:
        is_available = staticmethod(lambda: False)
class cpu(cuda):
    pass
class device:
    def __init__(self, name): self.type, self.index = name, None
    def __str__(self): return self.type
get_num_threads = lambda: 2
"""


def test_the_device_in_use_is_said(shadow, monkeypatch):
    shadow("torch", FAKE_TORCH)
    shadow("torchvision", "__version__ = '0.22.1'")
    _, device, _ = findings(packages.torch_pair)
    assert (device.mark, device.found) == ("ok", "cpu, 2 threads; cuda is there too: AECOURSE_DEVICE=cuda")
    monkeypatch.setenv("AECOURSE_DEVICE", "cuda")
    _, device, _ = findings(packages.torch_pair)
    assert (device.mark, device.found) == ("ok", "cuda, a card")
    monkeypatch.setenv("AECOURSE_DEVICE", "mps")
    _, device, _ = findings(packages.torch_pair)
    assert (device.mark, device.what) == ("PROBLEM", "device")
    assert "AECOURSE_DEVICE" in device.found


@pytest.mark.parametrize(("vision", "mark", "words"), [
    ("__version__ = '0.22.1'", "ok", "0.22.1, fits torch"),
    ("raise RuntimeError('operator torchvision::nms does not exist')", "note", "was built for another torch"),
    ("raise OSError('broken in its own way')", "note", "does not import"),
])
def test_torchvision_beside_torch(shadow, vision, mark, words):
    shadow("torch", FAKE_TORCH)
    shadow("torchvision", vision)
    torch, _, pair = findings(packages.torch_pair)
    assert torch.mark == "ok"
    assert pair.mark == mark
    assert words in pair.found
    if mark == "note":
        assert "torchvision==0.22.1 --index-url https://download.pytorch.org/whl/cu126" in pair.fix


@pytest.mark.parametrize(("torch", "command"), [
    ("2.13.0+cpu", "torchvision==0.28.0 --index-url https://download.pytorch.org/whl/cpu"),
    ("2.7.1+cu126", "torchvision==0.22.1 --index-url https://download.pytorch.org/whl/cu126"),
    ("2.6.0", "torchvision==0.21.0"),
    ("3.0.0", "torch torchvision"),
    ("3.0.0+cpu", "torch torchvision --index-url https://download.pytorch.org/whl/cpu"),
])
def test_the_command_for_a_matching_pair(build, torch, command):
    build(torch)
    assert packages.matching_torchvision(torch).endswith(command)


def test_a_folder_whose_letters_this_locale_lacks_is_no_trouble(tmp_path, monkeypatch):
    root = tmp_path / "자동 인코더"
    shutil.copytree(project.ROOT / "aecourse", root / "aecourse", ignore=shutil.ignore_patterns("static", "*.pyc"))
    for name, value in (("LC_ALL", "C"), ("LANG", "C"), ("PYTHONUTF8", "0"), ("PYTHONCOERCECLOCALE", "0")):
        monkeypatch.setenv(name, value)
    answer = finding.ask(root, "imports", "aecourse.base.console", "no_such_module")
    assert answer.error == ""
    assert [fact[0] for fact in packages.read(answer.text)] == ["aecourse.base.console", "no_such_module"]
    answer = finding.run([sys.executable, "-c", "import aecourse; print(aecourse.__file__)"],
                         project.kernel_environment(root), tmp_path)
    assert answer.text == str(root / "aecourse/__init__.py")


# ---- data, disk, folders --------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("AECOURSE_DATA", raising=False)
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_missing_images_are_a_note_with_the_command(cache):
    (note,) = findings(system.data)
    assert (note.mark, note.fix) == ("note", "python -m aecourse data")
    assert "not here yet" in note.found
    assert "built-in digits take its place" in note.found


@pytest.mark.parametrize(("name", "fix"), [("fashion", "python -m aecourse data --dataset fashion"),
                                           ("mnist", "python -m aecourse data")])
def test_a_data_set_that_was_named_is_not_replaced(cache, monkeypatch, name, fix):
    monkeypatch.setenv("AECOURSE_DATASET", name)
    (note,) = findings(system.data)
    assert (note.mark, note.fix) == ("note", fix)
    assert f"nothing takes its place, since AECOURSE_DATASET names {name}" in note.found


def test_a_damaged_image_file_in_the_cache_is_named(cache):
    raw = cache / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, size in datafiles.FILES.items():
        (raw / name).write_bytes(bytes(size if "labels" in name else 5))
    (note,) = findings(system.data)
    assert note.mark == "note"
    assert "t10k-labels-idx1-ubyte is damaged" in note.found
    assert "t10k-images-idx3-ubyte is truncated" in note.found


def test_a_data_folder_without_the_files_or_with_a_relative_name_is_a_problem(tmp_path, monkeypatch):
    for setting in (str(tmp_path), "data", str(tmp_path / "nowhere")):
        monkeypatch.setenv("AECOURSE_DATA", setting)
        (problem,) = findings(system.data)
        assert problem.mark == "PROBLEM"
        assert "AECOURSE_DATA" in problem.found


def test_a_setting_that_is_none_is_a_problem(cache, monkeypatch):
    monkeypatch.setenv("AECOURSE_QUICK", "perhaps")
    (problem,) = findings(system.speed)
    assert problem.mark == "PROBLEM"
    assert "AECOURSE_QUICK" in problem.found
    monkeypatch.setenv("AECOURSE_QUICK", "1")
    assert [f.mark for f in findings(system.speed)] == ["note"]
    monkeypatch.delenv("AECOURSE_QUICK")
    assert findings(system.speed) == []


def test_a_folder_that_ends_as_the_name_of_the_variable_is_no_folder_of_the_reader(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache (AECOURSE_DATA)"))
    monkeypatch.setattr(datafiles, "where", lambda: "mnist is not here yet; it goes to a folder named (AECOURSE_DATA)")
    monkeypatch.setattr(datafiles, "find", lambda _: pytest.fail("a report downloads nothing"))
    (note,) = findings(system.data)
    assert note.mark == "note"


def test_fashion_beside_a_folder_with_mnist_alone_is_downloaded_later_not_now(cache, tmp_path, monkeypatch):
    (tmp_path / "MNIST/raw").mkdir(parents=True)
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    monkeypatch.setenv("AECOURSE_DATASET", "fashion")
    monkeypatch.setattr(datafiles, "find", lambda _: pytest.fail("a report downloads nothing"))
    (note,) = findings(system.data)
    assert (note.mark, note.fix) == ("note", "python -m aecourse data --dataset fashion")


def test_a_full_disk_is_a_problem(cache, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1e9, 1e9, 1e6))
    course, cache = findings(system.course_disk, tmp_path) + findings(system.cache_disk, tmp_path)
    assert (course.mark, cache.mark) == ("PROBLEM", "PROBLEM")
    assert "free 0.3 GB" in course.fix
    assert "free 0.2 GB" in cache.fix


@pytest.mark.parametrize(("number", "reason", "elsewhere"), [(errno.EACCES, "no permission", True),
                                                             (errno.ENOSPC, "the disk is full", False)])
def test_a_folder_that_cannot_be_written_is_a_problem_with_its_remedy(cache, tmp_path, monkeypatch, number, reason,
                                                                       elsewhere):
    monkeypatch.setattr(places, "trouble", lambda _: OSError(number, os.strerror(number)))
    course, place = findings(system.course_disk, tmp_path) + findings(system.cache_disk, tmp_path)
    assert {course.mark, place.mark} == {"PROBLEM"}
    assert reason in course.found
    assert reason in place.found
    assert ("AECOURSE_CACHE" in place.fix) is elsewhere
    assert ("move the course's folder" in course.fix) is elsewhere
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    assert findings(system.cache_disk, tmp_path)[0].mark == "note"  # the images come from another place


def test_two_causes_are_two_problems(cache, tmp_path, monkeypatch, capsys, required):
    """A cache without permission, a course on a full disk, two old packages of one version, a wrong setting."""
    real = shutil.disk_usage

    def usage(folder):
        return real(folder)._replace(free=1e6) if folder == project.ROOT else real(folder)

    monkeypatch.setattr(places, "trouble", lambda folder: PermissionError(13, "no") if folder == cache else None)
    monkeypatch.setattr(shutil, "disk_usage", usage)
    monkeypatch.setenv("AECOURSE_QUICK", "perhaps")
    monkeypatch.setattr(packages, "_version", lambda _: "1.0")
    required(nbformat="2", traitlets="2")
    monkeypatch.setattr(doctor, "CHECKS", (packages.packages, system.speed, system.data, system.course_disk,
                                           system.cache_disk))
    assert doctor.doctor() == 1
    out = capsys.readouterr().out
    for words in ("disk, cache", "disk, course", "nbformat ", "traitlets ", "speed "):
        assert f"PROBLEM  {words}" in out
    assert "5 problems to fix" in out


def test_one_cause_that_two_checks_meet_is_one_problem(monkeypatch, capsys):
    monkeypatch.setenv("AECOURSE_CACHE", "relative")
    monkeypatch.delenv("AECOURSE_DATA", raising=False)
    monkeypatch.setattr(doctor, "CHECKS", (system.data, system.course_disk, system.cache_disk))
    assert doctor.doctor() == 1
    out = capsys.readouterr().out
    assert "1 problem to fix" in out
    assert "disk, course" in out, "the check of the course's folder goes on"


def test_what_is_there_is_said_beside_several_packages_that_are_not(monkeypatch, capsys, required):
    monkeypatch.setattr(needs, "missing", lambda: ["scipy", "matplotlib"])
    monkeypatch.setattr(doctor, "CHECKS", (packages.packages,))
    required(nbformat="5", scipy="1", matplotlib="3")
    assert doctor.doctor() == 1
    out = capsys.readouterr().out
    assert "not installed: scipy, matplotlib" in out
    assert "ok       packages       nbformat" in out


@pytest.mark.parametrize(("letters", "long_paths", "there", "mark"), [
    (85, False, False, None), (86, False, False, "PROBLEM"), (86, False, True, "note"), (200, True, False, None)])
def test_a_path_too_long_for_windows(letters, long_paths, there, mark):
    found = list(system.path_length("C" * letters, long_paths, there))
    assert [f.mark for f in found] == [mark] * bool(mark)
    for f in found:
        assert "259" in f.found
        assert r"C:\aecourse" in f.fix
        assert "LongPathsEnabled" in f.fix


def test_no_installed_file_has_a_longer_path_than_doctor_says():
    distribution = metadata.distribution("torch")
    folder = f"torch-{distribution.version}.dist-info"
    release = distribution.version.partition("+")[0]
    for build in ("", "+cpu", "+xpu", "+cu126", "+cu130"):  # those that Windows has
        files = (str(file).replace(folder, f"torch-{release}{build}.dist-info") for file in distribution.files)
        assert max(map(len, files)) <= system.LONGEST, build


def test_an_environment_that_was_moved_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert findings(system.python)[0].mark == "ok"
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    (note,) = findings(system.python)
    assert note.mark == "note"
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "moved/.venv"))
    (problem,) = findings(system.python)
    assert problem.mark == "PROBLEM"
    assert "cannot be moved or renamed" in problem.found
    assert "python -m venv" in problem.fix


def test_a_reader_who_is_in_another_course_is_told(tmp_path, monkeypatch, capsys):
    other = tmp_path / "other"
    for room in ("aecourse", "notebooks/below"):
        (other / room).mkdir(parents=True)
    monkeypatch.chdir(other / "notebooks/below")
    this, note = findings(system.paths)
    assert (this.mark, note.mark) == ("ok", "note")
    assert str(other) in note.found
    monkeypatch.chdir(project.ROOT / "tests")
    assert findings(system.paths) == [this]


def test_the_report_begins_with_the_version_and_the_folder_of_the_course(tmp_path):
    (this,) = findings(system.paths, tmp_path, "aecourse")
    assert (this.mark, this.found) == ("ok", f"{__version__} in {tmp_path}")


def test_a_closed_home_is_a_note(monkeypatch):
    monkeypatch.setattr(places, "prepare", lambda: "No permission to write in /home/x")
    (note,) = findings(system.home)
    assert (note.mark, note.what) == ("note", "home")
    assert "HOME" in note.fix


# ---- the kernel -----------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    """A course of its own in a folder with blanks and Korean letters: its package and an empty room of lessons."""
    root = tmp_path / "강의 폴더 a"
    (root / "notebooks").mkdir(parents=True)
    (root / "aecourse").mkdir()
    (root / "aecourse/__init__.py").write_text("", encoding="utf-8")
    return root


def spec(folder: Path, *argv, **env):
    import json

    (folder / "kernels/python3").mkdir(parents=True)
    (folder / "kernels/python3/kernel.json").write_text(
        json.dumps({"argv": [*argv], "display_name": "x", "language": "python", "env": env}), encoding="utf-8")


@pytest.mark.slow
def test_a_kernel_is_started_and_says_where_the_course_comes_from(course):
    (found,) = findings(kernel.kernel, course)
    assert (found.mark, found.what) == ("ok", "kernel")
    assert str(course) in found.found


@pytest.mark.slow
@pytest.mark.parametrize(("argv", "env", "words"), [
    (["{gone}"], {}, "does not start"),
    ([], {}, "does not start"),
    ([sys.executable, "-c", "raise SystemExit('no module named ipykernel')"], {}, "no module named ipykernel"),
    (["python", "-E", "-m", "ipykernel_launcher", "-f", "{connection_file}"], {}, "imports aecourse from"),
    (["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], {"PYTHONPATH": "elsewhere"}, "imports"),
])
def test_a_kernel_that_does_not_serve_the_course_is_a_problem(course, tmp_path, monkeypatch, argv, env, words):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setattr(kernel, "TIMEOUT", 60)
    spec(tmp_path / "jupyter", *(part.replace("{gone}", str(tmp_path / "gone")) for part in argv), **env)
    (problem,) = findings(kernel.kernel, course)
    assert (problem.mark, problem.what) == ("PROBLEM", "kernel")
    assert words in problem.found
    assert problem.fix == "python -m ipykernel install --user"


def test_a_kernel_whose_file_is_damaged_is_a_problem(course, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    spec(tmp_path / "jupyter")
    (tmp_path / "jupyter/kernels/python3/kernel.json").write_text("{", encoding="utf-8")
    (problem,) = findings(kernel.kernel, course)
    assert (problem.mark, problem.fix) == ("PROBLEM", "python -m ipykernel install --user")
    assert "cannot be read" in problem.found


def test_a_kernel_of_another_python_is_a_problem(course, monkeypatch):
    monkeypatch.setattr(kernel, "_ask_kernel", lambda root: kernel._Kernel(str(kernel._own(root)), "/usr"))
    (problem,) = findings(kernel.kernel, course)
    assert problem.mark == "PROBLEM"
    assert "belongs to /usr" in problem.found


def test_another_program_would_take_another_course_or_none(course, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(course))
    assert findings(kernel.elsewhere, course) == []
    other = course.parent / "other"
    shutil.copytree(course, other)
    monkeypatch.setenv("PYTHONPATH", str(other))
    (note,) = findings(kernel.elsewhere, course)
    assert note.mark == "note"
    assert f"import aecourse from {other}" in note.found
    assert note.fix == f"python -m pip install --no-deps -e '{course}'"
    (other / "aecourse/__init__.py").write_text("raise ImportError('gone')", encoding="utf-8")
    (note,) = findings(kernel.elsewhere, course)
    assert "find no aecourse" in note.found


# ---- the whole ------------------------------------------------------------------------------------------------------


def test_one_broken_check_does_not_stop_the_others_and_the_code_tells(tmp_path, monkeypatch, capsys):
    def calm(_):
        yield finding.Finding("ok", "calm", "as it should be")

    def explodes(_):
        raise LookupError("a check of ours is broken")
        yield

    def refuses(_):
        raise CourseError("two lines\n    the second")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (calm,))
    assert doctor.doctor(tmp_path) == 0
    assert "The course can run" in capsys.readouterr().out
    def refuses_too(root):
        yield from refuses(root)

    monkeypatch.setattr(doctor, "CHECKS", (explodes, refuses, refuses_too, calm))
    assert doctor.doctor(tmp_path) == 1
    out = capsys.readouterr().out
    assert "could not be checked (LookupError: a check of ours is broken)" in out
    assert f"two lines\n{finding.INDENT}    the second" in out
    assert "ok       calm" in out
    assert "2 problems to fix" in out


@pytest.mark.slow
def test_this_computer_can_run_the_course(capsys):
    code, out = doctor.doctor(), capsys.readouterr().out
    assert code == 0, out
    assert "torch " in out
