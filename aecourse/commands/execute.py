"""Run a notebook from top to bottom in a kernel of its own, with one line of progress."""

import logging
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aecourse import CourseError
from aecourse.base import console, project


class CellError(CourseError):
    """A cell raised, or its kernel died; the message shows the cell and the error."""


class NoKernel(CourseError):
    """No kernel starts on this computer as it is, for this notebook or another."""


def execute(nb, folder: Path, root: Path, name: str, quick: bool = False) -> int:
    """Run every cell of a notebook in place and return the wall time in whole seconds.

    Parameters
    ----------
    nb
        A notebook of nbformat 4; its outputs are replaced.
    folder
        The kernel's working folder.
    root
        The course's folder: the kernel imports the `aecourse` that lies there.
    name
        What the progress line and an error call the notebook.
    quick
        Whether the lesson takes its small data set (AECOURSE_QUICK=1).

    Raises
    ------
    CellError
        A cell raised an error or the kernel died.
    NoKernel
        No kernel starts.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    client = NotebookClient(nb, timeout=None, kernel_name="python3", record_timing=False, store_widget_state=False,
                            shutdown_kernel="immediate", resources={"metadata": {"path": str(folder)}},
                            config=kernel_config())
    env = project.kernel_environment(root) | ({"AECOURSE_QUICK": "1"} if quick else {})
    start, number = time.monotonic(), 0
    # setup_kernel and a loop of our own, not client.execute(): that one takes over Ctrl-C and hides it from the caller.
    with _progress(name) as progress, _started(client, env):
        try:
            for number, cell in enumerate(nb.cells, start=1):
                progress["text"] = f"cell {number} of {len(nb.cells)}"
                client.execute_cell(cell, number - 1)
                _join_streams(cell)
                _drop_widgets(cell)
        except CellExecutionError as error:
            raise CellError(_describe(name, number, cell, f"{error.ename}: {error.evalue}", error.traceback)) from None
        except KeyboardInterrupt:
            logging.getLogger("asyncio").disabled = True  # else it reports the half-run cell once more at the very end
            raise
        except DeadKernelError:
            raise CellError(_describe(name, number, cell, "the kernel died, perhaps for want of memory", "")) from None
    return round(time.monotonic() - start)


@contextmanager
def _started(client, env: dict[str, str]) -> Iterator[None]:
    """Start the client's kernel, and end it behind the block."""
    running = False
    try:
        with client.setup_kernel(env=env):
            running = True
            yield
    except Exception as error:
        if running:  # of the block
            raise
        raise NoKernel(f"no kernel starts here ({error}). To see why, run: python -m aecourse doctor") from None


def _join_streams(cell) -> None:
    """Make one output of printed pieces that follow each other: where a print is cut depends on the moment.

    (nbclient's own coalesce_streams takes a minute for a line of 200 kB.)
    """
    joined: list[Any] = []
    for output in cell.get("outputs", []):
        if joined and output.output_type == "stream" == joined[-1].output_type and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    if "outputs" in cell:
        cell.outputs = joined


def _drop_widgets(cell) -> None:
    """Leave out sliders: without the kernel that made them, a page shows an error in their place."""
    if "outputs" in cell:
        cell.outputs = [o for o in cell.outputs if console.WIDGET not in o.get("data", {})]


def kernel_config():
    """Return settings that encrypt the kernel's local connection where that is possible, else ipykernel warns of it."""
    import zmq
    from jupyter_client import KernelManager
    from traitlets.config import Config

    config = Config()
    if KernelManager.class_traits().get("transport_encryption") and zmq.has("curve"):
        config.KernelManager.transport_encryption = "auto"
    return config


def _describe(name: str, number: int, cell, error: str, traceback: str) -> str:
    """Return a text that shows the notebook, the cell's source, the error and the helper's line where it arose."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", traceback)
    places = re.findall(r"^File (\S+?\.py):(\d+)", plain, flags=re.MULTILINE)
    place = f"\n(raised at {places[-1][0]}, line {places[-1][1]})" if places else ""
    source = "\n".join(f"    {line}" for line in cell.source.splitlines())
    return f"{name}, cell {number} ({cell.get('id', 'no id')}) failed:\n\n{source}\n\n{error}{place}"


@contextmanager
def _progress(name: str) -> Iterator[dict[str, str]]:
    """Show on a terminal, each second, what runs and for how long; elsewhere nothing, since the caller says the end."""
    state, done, start = {"text": "kernel starts"}, threading.Event(), time.monotonic()

    def show(line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]:<{width}}", end="\r", flush=True)

    def tick() -> None:
        while not done.wait(0.5):
            show(f"{name}: {state['text']}, {time.monotonic() - start:.0f} s")

    thread = threading.Thread(target=tick, daemon=True)
    if sys.stdout.isatty():
        thread.start()
    try:
        yield state
    finally:
        done.set()
        if sys.stdout.isatty():
            thread.join()
            show("")
