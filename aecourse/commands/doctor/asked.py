"""What `doctor` asks a process of its own: does a package import, and what does torch say?

An answer is a line of JSON for each fact; a package that ends the process leaves the lines before it.
"""

import importlib
import json
import sysconfig
import traceback
from importlib.util import find_spec
from pathlib import Path

from aecourse import CourseError


def imports(*names: str) -> None:
    """Print for each module its name, and for the first that does not import what `broken` says of the error.

    That one is the last: what it leaves half imported would give the next ones other errors than they have.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            _print(name, *broken(error, name))
            return
        _print(name)


def torch_facts() -> None:
    """Print the version of torch and the device in use, as a lesson meets them: behind NumPy and scikit-learn."""
    for name in ("numpy", "sklearn"):  # each may bring an OpenMP of its own
        try:
            importlib.import_module(name)
        except ImportError:  # said by `imports`
            continue
    import torch

    _print("torch", torch.__version__)
    try:
        from aecourse import devices

        _print("device", devices.describe(), *(kind for kind in devices.there() if kind != "cpu"))
    except CourseError as error:
        _print("refused", str(error))


def torchvision_facts() -> None:
    """Print the version of torchvision, imported behind torch."""
    import torch  # noqa: F401
    import torchvision

    _print("torchvision", torchvision.__version__)


def broken(error: BaseException, name: str = "") -> tuple[str, str, bool]:
    """Return the text of an error at an import, the module that is its cause, and whether that module is not there.

    The cause is the module that was not found, else the installed one in which the error arose, else ``name``.
    """
    text = " ".join(f"{type(error).__name__}: {error}".split())
    module = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and module and find_spec(module) is None:
        return text, module, True
    folders = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if folder := next(iter(folders & set(file.parents)), None):
            return text, file.relative_to(folder).parts[0].removesuffix(".py"), False
    return text, name or module, False


def _print(*facts: object) -> None:
    print("\n" + json.dumps(facts), flush=True)  # on a line of its own, whatever a package has printed


def read(text: str) -> list[list]:
    """Return the facts that a process printed."""
    return [json.loads(line) for line in text.splitlines() if line.startswith('["')]

