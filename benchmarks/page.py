"""The page of measurements, README.md beside this file: what the benchmarks write into it."""

import contextlib
import os
import platform
import re
from pathlib import Path

import torch

PAGE = Path(__file__).with_name("README.md")


def machine() -> str:
    """Return this computer and the versions that count, in words."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return (f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
            f"torch {torch.__version__}")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def store(command: str, text: str) -> None:
    """Put a text where the page says that this command measured it, up to the next heading."""
    page = PAGE.read_text(encoding="utf-8")
    mark = f"<!-- measured: {command} -->\n"
    before, after = page.split(mark)
    rest = re.search(r"^## ", after, flags=re.MULTILINE)
    after = "\n" + after[rest.start():] if rest else ""
    PAGE.write_text(f"{before}{mark}\n{text}{after}", encoding="utf-8", newline="\n")
