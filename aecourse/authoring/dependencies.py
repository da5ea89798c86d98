"""What a built notebook depends on: its own source, the aecourse files that it imports, the long runs it quotes."""

import ast
import hashlib
from pathlib import Path

from aecourse import CourseError, longruns


def digest(text: str, length: int = 12) -> str:
    """Return a short digest of a text; the line ends of the system do not matter."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()[:length]


def helpers(text: str, root: Path, name: str = "source") -> dict[str, str]:
    """Return file → digest of the aecourse files that a Python text imports, directly or through another one.

    Imports inside functions count too, and the ``__init__`` of every package on the way. The files are named relative
    to the root, with forward slashes.

    Raises
    ------
    CourseError
        The text, or a helper, is not valid Python.
    """
    waiting, found = _imported(text, "", root, name), {}
    while waiting:
        path = waiting.pop()
        key = path.relative_to(root).as_posix()
        if key not in found:
            content = path.read_text(encoding="utf-8")
            found[key] = digest(content)
            package = ".".join(path.relative_to(root).parent.parts)
            waiting |= _imported(content, package, root, key)
    quoted = root / longruns.FILE
    if "aecourse/longruns.py" in found and quoted.is_file():  # a lesson that quotes a run is stale when it changes
        found[longruns.FILE] = digest(quoted.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


def _imported(text: str, package: str, root: Path, name: str) -> set[Path]:
    """Return the aecourse files that one text names in its import statements; `package` resolves relative ones."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise CourseError(f"{name}, line {error.lineno}: {error.msg}.") from None
    files = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                files |= _files_of(alias.name, root)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(parts + ([node.module] if node.module else []))
            for alias in node.names:  # a name may be a module or something inside one: a file tells
                files |= _files_of(f"{base}.{alias.name}", root)
    return files


def _files_of(module: str, root: Path) -> set[Path]:
    """Return the files that importing a dotted name runs: each package's ``__init__`` and the module itself."""
    parts = module.split(".")
    if parts[0] != "aecourse":
        return set()
    candidates = []
    for i in range(1, len(parts) + 1):
        folder = root.joinpath(*parts[:i])
        candidates += [folder / "__init__.py", folder.with_suffix(".py")]
    return {path for path in candidates if path.is_file()}
