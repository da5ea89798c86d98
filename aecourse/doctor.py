"""`aecourse doctor`: what this computer has, what is wrong, and the command that mends it.

Packages are imported in a process of their own, so that a broken one cannot stop the other checks.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from aecourse import CourseError, project

INSTALL = "python -m pip install -r requirements.txt"
MODULES = {"scikit-learn": "sklearn", "scikit-image": "skimage"}  # package: what to import, where the names differ
SPACE = {"the cache": 0.2, "the course's folder": 0.3}  # GB: MNIST and its archives; copies, pages, checkpoints
TIMEOUT = 120  # seconds for one import: torch from a cold, slow disk


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``mark`` is "ok", "note" (the course runs) or "PROBLEM" (it does not)."""

    mark: str
    what: str
    found: str
    mend: str = ""


def doctor(root: Path = project.ROOT) -> int:
    """Print the findings of every check; return 1 if one of them keeps the course from running, else 0."""
    problems = 0
    for check in (_python, _packages, _torch_pair, _data, _disk, _kernel, _jupyterlab):
        for finding in _isolated(check, root):
            print(f"{finding.mark:<8} {finding.what:<14} {finding.found}", flush=True)
            if finding.mend:
                print(f"{'':<23} mend it: {finding.mend}", flush=True)
            problems += finding.mark == "PROBLEM"
    print(f"\n{problems} problem{'s' * (problems > 1)} to mend before the course runs." if problems
          else "\nThe course can run: python -m aecourse lab")
    return int(problems > 0)


def _isolated(check: Callable[[Path], Iterator[Finding]], root: Path) -> Iterator[Finding]:
    name = check.__name__.strip("_").replace("_", " ")
    try:
        yield from check(root)
    except CourseError as error:  # says itself how to mend it
        yield Finding("PROBLEM", name, str(error))
    except Exception as error:  # whatever one check meets, the others still tell what they know
        yield Finding("PROBLEM", name, f"could not be checked ({type(error).__name__}: {error})", INSTALL)


# ---- the checks -----------------------------------------------------------------------------------------------------


def _python(root: Path) -> Iterator[Finding]:
    found = f"{platform.python_version()} at {sys.executable}"  # one that is too old is refused in __main__
    if sys.maxsize < 2**32:
        yield Finding("PROBLEM", "Python", f"{found}: a 32-bit one, and torch needs 64", "install the 64-bit Python")
    elif sys.platform == "darwin" and platform.machine() == "x86_64":
        yield Finding("PROBLEM", "Python", f"{found}: torch has no version for Intel Macs any more",
                      "on an Apple-silicon Mac install the arm64 Python; on an Intel Mac use a cloud notebook")
    else:
        yield Finding("ok", "Python", found)


def _packages(root: Path) -> Iterator[Finding]:
    """Each package of the learner's set: is it there, new enough, and does it import?"""
    required, installed_course = _requirements(root)
    if not installed_course:
        yield Finding("PROBLEM", "aecourse", "not installed; the notebooks could not import it", INSTALL)
    versions = {name: _version(name) for name in required}
    pair = ("torch", "torchvision")  # imported by the next check
    errors = _import_errors([MODULES.get(name, name) for name, there in versions.items() if there and name not in pair])
    good = []
    for name, least in required.items():
        error = errors.get(MODULES.get(name, name))
        if versions[name] is None:
            yield Finding("PROBLEM", name, "not installed", INSTALL)
        elif _numbers(versions[name]) < _numbers(least):
            yield Finding("PROBLEM", name, f"{versions[name]}, and the course needs {least} or newer", INSTALL)
        elif error:
            yield Finding("PROBLEM", name, f"{versions[name]} is installed and does not import: {error}",
                          f"python -m pip install --force-reinstall --no-deps {name}=={versions[name]}")
        elif name not in pair:
            good.append(f"{name} {versions[name]}")
    if good:
        yield Finding("ok", "packages", ", ".join(good))


def _torch_pair(root: Path) -> Iterator[Finding]:
    """Torch imports; torchvision imports with it, plainly or with the course's mend."""
    torch, vision = _version("torch"), _version("torchvision")
    if torch is None:
        return  # said above
    found = _python_says("import torch; print(torch.__version__, torch.cuda.is_available(), torch.get_num_threads())")
    if found.error:
        yield Finding("PROBLEM", "torch", f"{torch} does not import: {found.error}",
                      f"python -m pip install --force-reinstall torch=={torch.split('+')[0]}")
        return
    version, cuda, threads = found.text.split()[-3:]
    yield Finding("ok", "torch", f"{version}, {'a CUDA device' if cuda == 'True' else 'no CUDA device'}, "
                                 f"{threads} threads")
    if vision is None:
        return
    plain = _python_says("import torchvision; print(torchvision.__version__)")
    if not plain.error:
        yield Finding("ok", "torchvision", f"{plain.text}, fits torch")
        return
    mend = _matching_torchvision(version)
    mended = _python_says("from aecourse._torchvision import load; print(load().__version__)", root)
    if mended.error:
        yield Finding("PROBLEM", "torchvision", f"{vision} does not import: {plain.error}", mend)
    else:
        yield Finding("note", "torchvision", f"{vision} was built for another torch: its compiled operators do not "
                      "load. The course needs none of them and works around it; other programs may fail.", mend)


def _matching_torchvision(torch: str) -> str:
    """Return the command that installs the torchvision of the same release and build as this torch."""
    release, _, build = torch.partition("+")
    major, minor, patch = [*_numbers(release), 0, 0][:3]
    command = f"python -m pip install --force-reinstall --no-deps torchvision==0.{minor + 15}.{patch}"  # as released
    if major != 2:
        command = "python -m pip install --force-reinstall torch torchvision"
    return command + (f" --index-url https://download.pytorch.org/whl/{build}" if build else "")


def _data(root: Path) -> Iterator[Finding]:
    from aecourse import _files

    reports, where = _files.inspect(), _files.where()
    bad = [report for report in reports if report.state != "ok"]
    if not bad:
        yield Finding("ok", "data", where)
    elif os.environ.get("AECOURSE_DATA"):
        listed = ", ".join(f"{report.path} is {report.state}" for report in bad)
        yield Finding("PROBLEM", "data", f"{listed}; the course only reads in AECOURSE_DATA",
                      "copy these files again, or unset AECOURSE_DATA and run: python -m aecourse data")
    elif all(report.state == "missing" for report in reports):
        yield Finding("note", "data", f"{where}. A lesson downloads it at first use; without a network it takes the "
                                      "built-in digits.", "python -m aecourse data")
    else:
        listed = ", ".join(f"{report.path.name} is {report.state}" for report in bad)
        yield Finding("note", "data", f"{listed}; the next lesson downloads it again", "python -m aecourse data")


def _disk(root: Path) -> Iterator[Finding]:
    from aecourse import _files

    for what, folder in (("the cache", _files.cache_folder()), ("the course's folder", root)):
        there = next(path for path in (folder, *folder.parents) if path.is_dir())
        free = shutil.disk_usage(there).free / 1e9
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            mend = ("set AECOURSE_CACHE to a folder that you may write" if what == "the cache"
                    else "move the course's folder to a place that you may write")
            unneeded = what == "the cache" and os.environ.get("AECOURSE_DATA")
            yield Finding("note" if unneeded else "PROBLEM", "disk",
                          f"{what} {folder} cannot be written ({error.strerror or error})", mend)
            continue
        few = free < SPACE[what]
        yield Finding("PROBLEM" if few else "ok", "disk", f"{free:.1f} GB free for {what}, {folder}",
                      f"free {SPACE[what]} GB there" if few else "")


def _kernel(root: Path) -> Iterator[Finding]:
    """The kernel that notebooks start must run this Python, else `import aecourse` fails in them."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    mend = "python -m ipykernel install"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        yield Finding("PROBLEM", "kernel", "no kernel named python3", f"{mend} --sys-prefix")
        return
    program = spec.argv[0]
    if program.startswith("python") and os.sep not in program:  # Jupyter takes the Python that it runs in itself
        yield Finding("ok", "kernel", f"python3 runs this Python ({spec.resource_dir})")
        return
    try:
        prefix = subprocess.run([program, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True,
                                timeout=TIMEOUT).stdout.strip()
    except OSError:
        prefix = "nothing: the program is not there"
    if prefix == sys.prefix:
        yield Finding("ok", "kernel", f"python3 runs this Python ({spec.resource_dir})")
    else:
        yield Finding("PROBLEM", "kernel", f"python3 ({spec.resource_dir}) starts {program}, which belongs to "
                      f"{prefix}, and the course is installed in {sys.prefix}",
                      f"{mend} {'--sys-prefix' if spec.resource_dir.startswith(sys.prefix) else '--user'}")


def _jupyterlab(root: Path) -> Iterator[Finding]:
    from aecourse.launch import HOST, free_port

    if version := _version("jupyterlab"):  # a missing one is named among the packages
        yield Finding("ok", "JupyterLab", f"{version}; would open at {HOST}:{free_port(8888)}")


# ---- small things ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answer:
    text: str
    error: str  # "" where all went well, else the last line of the traceback


def _python_says(code: str, folder: Path | None = None) -> _Answer:
    """Run code in a new process of this Python, in `folder`, and return what it printed or its error."""
    try:
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True,
                              timeout=TIMEOUT, cwd=folder)
    except subprocess.TimeoutExpired:
        return _Answer("", f"no answer in {TIMEOUT} s")
    if done.returncode == 0:
        return _Answer(done.stdout.strip(), "")
    lines = done.stderr.strip().splitlines()
    return _Answer(done.stdout.strip(), lines[-1] if lines else f"the process died with code {done.returncode}")


def _import_errors(modules: list[str]) -> dict[str, str]:
    """Return module → error for the modules that do not import; one that kills the process is among them."""
    code = ("import importlib, json, sys\n"
            "for name in json.loads(sys.argv[1]):\n"
            "    try: importlib.import_module(name); error = ''\n"
            "    except BaseException as e: error = f'{type(e).__name__}: {e}'\n"
            "    print('\\n' + json.dumps([name, error]), flush=True)\n")
    errors: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        try:
            done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, json.dumps(waiting)],
                                  capture_output=True, text=True, timeout=TIMEOUT)
            output, death = done.stdout, f"the process died with code {done.returncode}"
        except subprocess.TimeoutExpired as late:
            output, death = (late.stdout or b"").decode(errors="replace"), f"no answer in {TIMEOUT} s"
        answers = [json.loads(line) for line in output.splitlines() if line.startswith('["')]
        errors |= {name: error for name, error in answers if error}
        waiting = waiting[len(answers):]
        if waiting:  # the process ended early: at the first one without an answer
            errors[waiting.pop(0)] = death
    return errors


def _requirements(root: Path) -> tuple[dict[str, str], bool]:
    """Return package → lowest version, and whether aecourse itself is installed."""
    try:
        lines, installed = metadata.requires("aecourse") or [], True
    except metadata.PackageNotFoundError:
        text = (root / "pyproject.toml").read_text(encoding="utf-8")
        lines, installed = tomllib.loads(text)["project"]["dependencies"], False
    found = (re.match(r"([\w.-]+)\s*>=\s*([\w.]+)", line) for line in lines if ";" not in line)
    return {match[1]: match[2] for match in found if match}, installed


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> list[int]:
    """Return the leading numbers of a version: "2.13.0+cpu" gives [2, 13, 0]."""
    return [int(n) for n in re.match(r"\d+(\.\d+)*", version)[0].split(".")]
