"""In a kernel: a sentence where a cell ran too early or a package is missing, and which answers are out of date.

An extension of IPython: `aecourse lab` loads it into its kernels, and ``import aecourse`` into those of other programs.
"""

from __future__ import annotations  # a kernel of an old Python must be able to import this

import builtins
import json
import os
import re
import symtable
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAVING = 1.0  # seconds that a save may take: only a later one tells what changed after a run
_IMPORTS = re.compile(r"^\s*(?:from|import)\s+aecourse\b", re.MULTILINE)
_DEFINES = re.compile(r"^(?:(?:async\s+)?def|class)\s+(\w+)|^(\w+)\s*(?::[^=\n]*)?=(?!=)", re.MULTILINE)
_MISSING = object()


@dataclass
class _Run:
    """The last run of the cell that defines a name."""

    cell: str | None  # its id, where the program tells it
    source: str
    at: float  # when it began
    trouble: str = ""  # why the name still has an older value


@dataclass
class _State:
    started: bool  # whether a cell has imported the course
    now: _Run  # the cell that runs
    before: dict[str, int]  # the names that it defines: the identity of their values (a value itself could be large)
    last: dict[str, _Run]  # name: the last run of its cell


_state = _State(False, _Run(None, "", 0.0), {}, {})
_shell: Any = None


def load_ipython_extension(shell: Any) -> None:
    """Watch the cells of this kernel; a second call does nothing."""
    global _shell
    if _shell is shell or sys.version_info < (3, 11):  # `doctor` says what the course needs
        return
    _shell = shell
    shell.events.register("pre_run_cell", _begin)
    shell.events.register("post_run_cell", _end)
    shell.set_custom_exc((NameError, ModuleNotFoundError), _explain)


def outdated(name: str) -> str:
    """Return a sentence where the value of a name is known not to be that of its cell as it stands now, else "".

    An edited cell that did not run is seen once the notebook was saved.
    """
    run = _state.last.get(name)
    if run is None or run.trouble:
        return run.trouble if run else ""
    path = _path()
    try:
        if run.cell is None or path is None or path.stat().st_mtime < run.at + SAVING:
            return ""
    except OSError:
        return ""
    saved = [source for cell, source in _cells() if cell == run.cell]
    if not saved or saved[0].strip() == run.source.strip():
        return ""
    return f"The cell that defines `{name}` was changed after its last run; this judges the version that ran."


# ---- what a cell defines, and whether it did ------------------------------------------------------------------------


def _begin(info: Any) -> None:
    _state.now = _Run(getattr(info, "cell_id", None), info.raw_cell, time.time())
    _state.before = {name: id(_shell.user_ns.get(name, _MISSING)) for name in _defined(info.raw_cell)}


def _end(result: Any) -> None:
    now, failed = _state.now, result.error_before_exec or result.error_in_exec
    why = "was stopped when" if isinstance(failed, KeyboardInterrupt) else "ended in an error when"
    if not failed and _IMPORTS.search(result.info.raw_cell):  # perhaps the very cell that loaded this
        _state.started = True
    for name, run in _state.last.items():
        if run.cell is not None and run.cell == now.cell and name not in _state.before:
            run.trouble = f"The cell that defined `{name}` no longer does; this judges the version before it changed."
    for name, value in _state.before.items():
        old = failed and id(_shell.user_ns.get(name, _MISSING)) == value
        trouble = f"The cell that defines `{name}` {why} it last ran; this judges the version before it." if old else ""
        _state.last[name] = _Run(now.cell, now.source, now.at, trouble)


def _defined(source: str) -> set[str]:
    """Return the names that a cell gives a value to, read from its text where it cannot be parsed."""
    try:
        symbols = symtable.symtable(source, "cell", "exec").get_symbols()
    except (SyntaxError, ValueError):
        return {match[1] or match[2] for match in _DEFINES.finditer(source)}
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


# ---- errors ---------------------------------------------------------------------------------------------------------


def _explain(shell: Any, kind: type, error: NameError | ModuleNotFoundError, traceback: Any,
             tb_offset: int | None = None) -> None:
    """Show an error as the kernel does, in one sentence of the course where there is one."""
    from aecourse.base import needs

    text = (_too_early(error, traceback) if isinstance(error, NameError) else needs.sentence(error.name or ""))
    if text:
        shown: Any = error  # IPython asks an error whether it can show itself
        shown._render_traceback_ = lambda: [f"{kind.__name__}: {text}"]
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


def _too_early(error: NameError, traceback: Any) -> str | None:
    """Return a sentence on a name that one of the first cells defines; a later cell is named in a note to the error."""
    name = getattr(error, "name", None)  # from Python 3.10 on
    while traceback.tb_next:
        traceback = traceback.tb_next
    at_home = traceback.tb_frame.f_globals is _shell.user_ns  # else it is a mistake in a package
    if not name or not at_home or name in _shell.user_ns or hasattr(builtins, name):
        return None
    cells = _cells()
    ids, sources = [cell for cell, _ in cells], [source for _, source in cells]
    n = next((i for i, source in enumerate(sources, 1) if _IMPORTS.search(source)), 0)  # cells that import
    if _state.now.source in sources[:n] or (_state.now.cell or "") in ids[:n] or not n:
        return None  # one of them, or no notebook of the course
    if not _state.started or any(name in _defined(source) for source in sources[:n]):
        return (f"{name} is not known yet: run the notebook's first code cell, which begins with "
                f"`{_opening(sources[0])}`, and then the cells from the top (menu Run > Run All Above Selected Cell).")
    run = _state.last.get(name)
    if run and run.trouble:
        error.add_note(f"The cell that defines {name} did not get to it when it last ran: run it again.")
    elif run is None and (cell := next((source for source in sources if name in _defined(source)), None)):
        error.add_note(f"{name} comes from the cell that begins with `{_opening(cell)}`, which did not run since the "
                       "kernel started: run that one first.")
    return None


def _opening(source: str) -> str:
    return next((line.strip() for line in source.splitlines() if line.strip()), "")


# ---- the notebook as it was saved last ------------------------------------------------------------------------------


def _path() -> Path | None:
    name = os.environ.get("JPY_SESSION_NAME", "")  # Jupyter's server tells its kernels the notebook that started them
    return Path(name) if name.endswith(".ipynb") else None


def _cells() -> list[tuple[str | None, str]]:
    """Return id and source of each code cell of the saved notebook, none where it cannot be read."""
    path = _path()
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path else []
        return [(cell.get("id"), "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
