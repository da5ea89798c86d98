"""What the course needs and this Python lacks, found without importing anything, and the command that installs it."""

import contextlib
import os
import re
import shlex
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from aecourse import CourseError
from aecourse.base import console, project
from aecourse.base.messages import INDENT, lines

PACKAGES = {  # what is imported: what is installed
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "matplotlib": "matplotlib",
    "jupyterlab": "jupyterlab",
    "ipykernel": "ipykernel",
    "ipywidgets": "ipywidgets",
    "nbclient": "nbclient",
    "nbconvert": "nbconvert",
    "nbformat": "nbformat",
    "platformdirs": "platformdirs",
}
BELOW = {  # what those need themselves, without which a kernel dies or a page stays empty
    "IPython": "ipython",
    "zmq": "pyzmq",
    "tornado": "tornado",
    "traitlets": "traitlets",
    "jupyter_core": "jupyter-core",
    "jupyter_client": "jupyter-client",
    "jupyter_server": "jupyter-server",
    "jinja2": "jinja2",
    "PIL": "pillow",
    "joblib": "joblib",
}
BUILDS = "https://download.pytorch.org/whl"  # one folder for each build of torch: cpu, cu130, …
PUBLISHED = r"cpu|cu\d+|rocm[\d.]+|xpu"  # the builds that have a folder there


def sentence(module: str) -> str | None:
    """Return what to tell a learner in a notebook who lacks a module of the course; None for any other module."""
    if module not in PACKAGES | BELOW:
        return None
    return lines(f"{package(module)} is not installed in the Python that runs this notebook. Run this in a cell, and "
                 "then restart the kernel:", f"{INDENT}%pip install {_set(project.ROOT / 'requirements.txt')}")


def missing() -> list[str]:
    """Return the packages of the course that this Python cannot find, in a few milliseconds."""
    return [name for module, name in (PACKAGES | BELOW).items() if not _there(module)]


def package(module: str) -> str:
    """Return the name under which a module is installed; its own where the course does not know it."""
    return (PACKAGES | BELOW).get(module, module)


def require() -> None:
    """Raise CourseError where a package is missing; the course does without torchvision, so that is a printed line."""
    absent = missing()
    if absent == ["torchvision"]:
        console.say(f"torchvision is not installed. The course does without it; if you want it, run: {install()}")
    elif absent:
        raise CourseError(f"{' and '.join([', '.join(absent[:-1])] * (len(absent) > 1) + absent[-1:])} "
                          f"{'is' if len(absent) == 1 else 'are'} not installed in {sys.executable}. Run: {install()}")


def lacking(error: ModuleNotFoundError) -> str:
    """Return one sentence on a module that was to be imported, of the course or of one of its packages."""
    module = (error.name or "").partition(".")[0]
    if module in ("", "aecourse"):  # a mistake of the course itself
        raise error
    return f"{package(module)} is not installed in {sys.executable}. Run: {install()}"


def install() -> str:
    """Return the command for a terminal that installs what is missing."""
    near = Path("requirements.txt")
    file = near if near.absolute() == project.ROOT / near else project.ROOT / near
    return f"python -m pip install {_set(file)}"


def torch_build() -> str:
    """Return which torch is installed, by what its version has behind the "+", such as "cpu" or "rocm6.2.4", else "".

    A torch without a "+" is PyPI's build, except on Linux one that names no graphics card: conda's CPU build, "cpu".
    """
    text = _torch_version()
    spec = find_spec("torch")
    if "+" not in text and spec is not None and spec.origin is not None:  # the package itself knows more
        with contextlib.suppress(OSError):
            text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8", errors="replace")
    if found := re.search(r"\d\+([\w.]+)", text):
        return found[1]
    cards = re.findall(r"^(?:cuda|hip|rocm|xpu)\b[^=\n]*=\s*(\S+)", text, re.MULTILINE)
    return "cpu" if sys.platform.startswith("linux") and cards and set(cards) == {"None"} else ""


def replaceable(build: str) -> bool:
    """Return whether the learner's set holds a torch that does what this build does: a CPU or a CUDA build."""
    return bool(re.fullmatch(r"(cpu|cu\d+)?", build))


def foreign(build: str) -> bool:
    """Return whether a build of torch is one that no package index has: a container's, or one built from source."""
    return bool(build) and not re.fullmatch(PUBLISHED, build)


def quoted(path: Path) -> str:
    """Return a path as a terminal takes it."""
    return f'"{path}"' if os.name == "nt" else shlex.quote(str(path))


def _set(file: Path) -> str:
    """Return pip's arguments for the learner's set, in which no build of torch takes the place of another kind.

    A CPU build stays one where its version changes: on Linux plain pip would take a CUDA build. For what is neither a
    CPU nor a CUDA build pip may have no newer one of its kind, so that the torch that is here is asked for by name.
    """
    build, version = torch_build(), _torch_version()
    if version and not replaceable(build):
        absent = [name for name in missing() if name != "torchvision"]  # no other torchvision fits this torch
        return " ".join([*(absent or ["-e", quoted(file.parent)]), f"torch=={version}"])
    return f"-r {quoted(file)}" + f" --extra-index-url {BUILDS}/cpu" * (build == "cpu")


def _torch_version() -> str:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return ""


def _there(module: str) -> bool:
    spec = find_spec(module)
    return spec is not None and spec.origin is not None  # an empty folder that a removal left behind has no origin
