"""The computer: Python, paths, the home folder, data and disk."""

import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from aecourse import __version__
from aecourse.base import needs, project, settings
from aecourse.commands import places
from aecourse.commands.doctor.finding import Finding

LONGEST = 173  # letters of the longest path below site-packages, after a "/": a licence file of torch 2.13.0+cu130
MOST = 259  # letters of a path in a Windows without long paths


def home(root: Path) -> Iterator[Finding]:
    """Jupyter and the downloads need a home folder; the checks below go on in the temporary one."""
    import_module("platformdirs")  # where it is missing, that is said once
    if said := places.prepare():
        yield Finding("note", "home", said, "to keep them, set HOME to a folder that you may write")


def python(root: Path) -> Iterator[Finding]:
    """A Python that torch has builds for, and the one of the environment that is active."""
    found = f"{platform.python_version()} at {sys.executable}"  # one that is too old is refused in __main__
    active = os.environ.get("VIRTUAL_ENV")
    if sys.maxsize < 2**32:
        yield Finding("PROBLEM", "Python", f"{found}: a 32-bit one, and torch needs 64", "install the 64-bit Python")
    elif sys.platform == "darwin" and platform.machine() == "x86_64":
        yield Finding("PROBLEM", "Python", f"{found}: torch has no version for Intel Macs any more",
                      "on an Apple-silicon Mac install the arm64 Python; on an Intel Mac use a cloud notebook")
    elif active and not os.path.isdir(active):
        yield Finding("PROBLEM", "Python", f"{found}, since the active environment {active} is not there any more: an "
                      "environment cannot be moved or renamed",
                      f"make it again: deactivate, python -m venv .venv, activate it, {needs.install()}")
    elif active and not os.path.samefile(active, sys.prefix):
        yield Finding("note", "Python", f"{found}, which is not the one of the active environment {active}",
                      "if you meant that one, open a new terminal, activate it and try again")
    else:
        yield Finding("ok", "Python", found)


def paths(root: Path) -> Iterator[Finding]:
    """Which course this is, is it that of this folder, and can Windows write the longest path of torch?"""
    yield Finding("ok", "aecourse", f"{__version__} in {root}")
    if other := project.other_course():
        yield Finding("note", "folder", f"this is the course in {root}, and you are in another one, {other}",
                      "to use that one, run there: python -m aecourse lab")
    if os.name == "nt":
        yield from path_length(sysconfig.get_path("purelib"), _long_paths_enabled(), "torch" not in needs.missing())


def path_length(packages: str, long_paths: bool, torch_is_there: bool) -> Iterator[Finding]:
    """Report a folder of packages below which torch's longest path is one that Windows does not write."""
    length = len(packages) + 1 + LONGEST
    if length <= MOST or long_paths:
        return
    yield Finding("note" if torch_is_there else "PROBLEM", "path length",
                  f"files of torch below {packages} have paths of up to {length} letters, and this Windows takes "
                  f"{MOST}: an installation stops in the middle",
                  r"move the course to a short path, such as C:\aecourse, and make its environment there; or, as an "
                  r"administrator, allow long paths: reg add HKLM\SYSTEM\CurrentControlSet\Control\FileSystem "
                  "/v LongPathsEnabled /t REG_DWORD /d 1 /f")


def _long_paths_enabled() -> bool:
    if sys.platform != "win32":  # nowhere else are they short
        return True
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return winreg.QueryValueEx(key, "LongPathsEnabled")[0] == 1
    except OSError:
        return False


def speed(root: Path) -> Iterator[Finding]:
    """AECOURSE_QUICK is one of the words that it takes, and a hurried run is said."""
    if settings.quick():
        yield Finding("note", "speed", "AECOURSE_QUICK is set: lessons run on fewer images, and their numbers differ")


def data(root: Path) -> Iterator[Finding]:
    """The images are here, or what a lesson will do about it."""
    import_module("platformdirs")  # where it is missing, that is said once
    from aecourse.base import datafiles

    name, where = datafiles.known(None), datafiles.where()
    bad = [report for report in datafiles.inspect() if report.state != "ok"]
    if not bad:
        yield Finding("ok", "data", where)
    elif datafiles.own_folder(name) is not None:
        datafiles.find(name)  # raises, and says what is wrong with a folder that the course only reads
    else:
        listed = "" if all(report.state == "missing" for report in bad) else "; " + ", ".join(
            f"{report.path.name} is {report.state}" for report in bad)
        later = (f"nothing takes its place, since AECOURSE_DATASET names {name}" if settings.data_set() else
                 "the built-in digits take its place")
        yield Finding("note", "data", f"{where}{listed}. A lesson downloads it at first use; without a network "
                      f"{later}.", datafiles.COMMAND[name])


def course_disk(root: Path) -> Iterator[Finding]:
    """The course's folder can be written and has space for copies, pages and checkpoints."""
    yield _space("course", "the course's folder", root, 0.3, "move the course's folder to a place that you may write")


def cache_disk(root: Path) -> Iterator[Finding]:
    """The cache can be written and has space for MNIST and its archives, or the images come from elsewhere."""
    import_module("platformdirs")  # where it is missing, that is said once
    from aecourse.base import datafiles

    other = "set AECOURSE_CACHE to a folder that you may write"
    found = _space("cache", "the cache", datafiles.cache_folder(), 0.2, other)
    unneeded = found.mark == "PROBLEM" and settings.text("AECOURSE_DATA")
    yield replace(found, mark="note") if unneeded else found


def _space(short: str, what: str, folder: Path, least: float, other: str) -> Finding:
    """Return whether a folder can be written and has ``least`` GB of space; ``other`` is the remedy of a closed one."""
    if error := places.trouble(folder):
        said, _, remedy = project.why(error, folder, other).rpartition(": ")
        return Finding("PROBLEM", f"disk, {short}", f"{what} {said}", remedy.rstrip("."))
    free = shutil.disk_usage(places.nearest(folder)).free / 1e9
    few = free < least
    return Finding("PROBLEM" if few else "ok", f"disk, {short}", f"{free:.1f} GB free for {what}, {folder}",
                   f"free {least} GB there" if few else "")
