"""The kernel: one is started as JupyterLab does, and asked where its `aecourse` comes from."""

import ast
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aecourse.base import needs, project
from aecourse.commands import execute
from aecourse.commands.doctor.finding import TIMEOUT, Finding, run

ASKED = {"aecourse": "__import__('aecourse').__file__", "prefix": "__import__('sys').prefix"}
INSTALL_KERNEL = "python -m ipykernel install"


def kernel(root: Path) -> Iterator[Finding]:
    """A kernel of `aecourse lab` starts, is this Python's, and imports this folder's `aecourse`."""
    import_module("ipykernel")
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        yield Finding("PROBLEM", "kernel", "no kernel named python3", f"{INSTALL_KERNEL} --sys-prefix")
        return
    except Exception as error:  # its file is damaged
        yield Finding("PROBLEM", "kernel", f"python3 cannot be read ({error})", f"{INSTALL_KERNEL} --user")
        return
    fix = f"{INSTALL_KERNEL} {'--sys-prefix' if spec.resource_dir.startswith(sys.prefix) else '--user'}"
    answer = _ask_kernel(root)
    what = f"python3 ({spec.resource_dir})"
    lacking = re.search(r"No module named '(\w+)", answer.error)
    if lacking and find_spec(lacking[1]) is None:  # in this Python too: a package is the problem, not the kernel
        raise ModuleNotFoundError(answer.error, name=lacking[1])
    if answer.error:
        yield Finding("PROBLEM", "kernel", f"{what} does not start: {answer.error}", fix)
    elif not _same(answer.prefix, sys.prefix):
        yield Finding("PROBLEM", "kernel", f"{what} starts {spec.argv[0]}, which belongs to {answer.prefix}, and the "
                      f"course is installed in {sys.prefix}", fix)
    elif not _same(answer.aecourse, _own(root)):
        yield Finding("PROBLEM", "kernel", f"{what} imports aecourse from {answer.aecourse}, and this is {_own(root)}",
                      fix)
    else:
        yield Finding("ok", "kernel", f"{what} imports aecourse from {root}")


def elsewhere(root: Path) -> Iterator[Finding]:
    """A kernel that another program starts takes the installed `aecourse`: this folder's, another one's or none."""
    code = f"import aecourse; print({ASKED['aecourse']})"
    answer = run([sys.executable, "-c", code], dict(os.environ), _folder(root))
    if answer.error or not _same(answer.text, _own(root)):
        takes = "find no aecourse" if answer.error else f"import aecourse from {answer.text}"
        yield Finding("note", "other programs", f"kernels that VS Code or a plain `jupyter lab` starts {takes}; "
                      "those of python -m aecourse lab import this folder's",
                      f"python -m pip install --no-deps -e {needs.quoted(root)}")


def jupyterlab(root: Path) -> Iterator[Finding]:
    """JupyterLab is there, and a port for it."""
    import jupyterlab as lab

    from aecourse.commands.launch import HOST, free_port

    yield Finding("ok", "JupyterLab", f"{lab.__version__}; would open at {HOST}:{free_port(8888)}")


@dataclass(frozen=True)
class _Kernel:
    """What a kernel answered; ``error`` is "" where it did."""

    aecourse: str = ""
    prefix: str = ""
    error: str = ""


def _ask_kernel(root: Path) -> _Kernel:
    """Start a kernel where a notebook's would run, ask it, and end it."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3", config=execute.kernel_config())
    with tempfile.TemporaryFile() as log:
        try:
            manager.start_kernel(cwd=str(_folder(root)), env=project.kernel_environment(root), stdout=log, stderr=log)
        except Exception as error:  # whatever its file asks for
            return _Kernel(error=str(error))
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=TIMEOUT)
            reply = client.execute("", silent=True, user_expressions=ASKED, reply=True, timeout=TIMEOUT)
            return _Kernel(**_values(reply["content"].get("user_expressions", {})))
        except (RuntimeError, TimeoutError, OSError) as error:  # it died, or gave no answer in time
            log.seek(0)
            lines = log.read().decode(errors="replace").strip().splitlines()
            return _Kernel(error=lines[-1] if lines else str(error) or f"no answer in {TIMEOUT} s")
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def _values(expressions: dict[str, Any]) -> dict[str, str]:
    """Return what a kernel answered to `ASKED`: a value, or in its place the error."""
    values = {}
    for name, found in expressions.items():
        if found["status"] == "ok":
            values[name] = ast.literal_eval(found["data"]["text/plain"])
        else:
            values[name] = f"nowhere ({found['ename']}: {found['evalue']})"
    return values


def _folder(root: Path) -> Path:
    return root / "notebooks" if (root / "notebooks").is_dir() else root


def _own(root: Path) -> Path:
    return root / "aecourse" / "__init__.py"


def _same(path: str, other: str | Path) -> bool:
    return os.path.exists(path) and os.path.samefile(path, other)
