"""What a check reports, and how it asks another process."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from aecourse.base import project

INDENT = " " * 24  # where the text of a finding begins
TIMEOUT = 120  # seconds for one answer: torch from a cold, slow disk


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``mark`` is "ok", "note" (the course runs) or "PROBLEM" (it does not)."""

    mark: str
    what: str
    found: str
    fix: str = ""


@dataclass(frozen=True)
class Answer:
    """What a process printed, and why it ended early: "" where it did not, else the line that tells most."""

    text: str
    error: str


def ask(root: Path, question: str, *words: str) -> Answer:
    """Call a function of `asked` in a new process of this Python, which imports the `aecourse` in ``root``."""
    code = f"import sys; from aecourse.commands.doctor import asked; asked.{question}(*sys.argv[1:])"
    return run([sys.executable, "-W", "ignore", "-c", code, *words], project.kernel_environment(root))


def run(command: list[str], env: dict[str, str], folder: Path | None = None) -> Answer:
    """Run a Python, which speaks UTF-8 whatever this computer's letters are, and return its answer."""
    env = env | {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:replace"}
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=TIMEOUT,
                              cwd=folder, env=env, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as late:
        return Answer(_decoded(late.stdout), f"no answer in {TIMEOUT} s")
    except OSError as error:
        return Answer("", f"{os.fspath(command[0])} cannot be run ({error.strerror or error})")
    if done.returncode == 0:
        return Answer(done.stdout.strip(), "")
    lines = done.stderr.strip().splitlines() or [f"the process died with code {done.returncode}"]
    return Answer(done.stdout.strip(), next((line for line in lines if line.startswith("OMP: Error")), lines[-1]))


def _decoded(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
