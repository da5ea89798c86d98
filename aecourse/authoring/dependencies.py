"""What a built notebook depends on: its own source, the code of aecourse that it uses, the long runs it quotes.

Of a file only what is used counts: the definitions that a text names, those that they name in turn, in other files too,
and the statements that do something whenever the file is imported. So a comment, a docstring, the layout or a function
that the text does not use makes nothing stale. (A function that only its decorator keeps, in a table, would be missed;
the course has none.)
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from aecourse import CourseError, longruns

# What uses one of these looks names up while it runs, so that the names cannot be read off it: its whole file counts.
DYNAMIC = {"__import__", "import_module", "globals", "eval", "exec"}
RUN, ALL = "", "*"  # in the place of a name in a file: the file is imported, and no more; everything in it is used
DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
Target = tuple[Path, str]  # a file and a name in it, or RUN, or ALL


def digest(text: str, length: int = 12) -> str:
    """Return a short digest of a text; the line ends of the system do not matter."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()[:length]


def helpers(text: str, root: Path, name: str = "source") -> dict[str, str]:
    """Return file → digest of the code that a Python text uses in it, directly or through other code of aecourse.

    The files are named relative to the root, with forward slashes.

    Raises
    ------
    CourseError
        The text, or a file that it imports, is not valid Python.
    """
    files: dict[Path, _File] = {}
    waiting, seen = set(_uses([_parse(text, name)], {}, "", root)), set()
    while waiting:
        path, wanted = target = waiting.pop()
        seen.add(target)
        if path not in files:
            files[path] = _File(path, root)
        waiting |= {(path, RUN), *files[path].take(wanted)} - seen
    found = {path.relative_to(root).as_posix(): file.digest() for path, file in files.items()}
    quoted = root / longruns.FILE
    if "aecourse/longruns.py" in found and quoted.is_file():  # a lesson that quotes a run is stale when it changes
        found[longruns.FILE] = digest(quoted.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


class _File:
    """The statements of a file, the names that each binds, and which of them are in use."""

    def __init__(self, path: Path, root: Path) -> None:
        place = path.relative_to(root)
        self.root, self.package = root, ".".join(place.parent.parts)
        self.statements = _parse(path.read_text(encoding="utf-8"), place.as_posix()).body
        self.names = [set(_bound(statement)) for statement in self.statements]
        self.imported, _ = _bindings(self.statements, self.package, root)
        self.used: set[int] = set()  # statements
        self.used_imports: set[str] = set()  # names that import statements bind

    def take(self, name: str) -> Iterator[Target]:
        """Count what a name needs in this file, and return what it needs in others."""
        if name == RUN:  # imports run, and what does more than bind a name
            yield from _bindings([s for s in self.statements if isinstance(s, IMPORTS)], self.package, self.root)[1]
            wanted = [i for i, s in enumerate(self.statements) if not isinstance(s, IMPORTS) and not _is_text(s)
                      and not (isinstance(s, (*DEFINES, ast.Assign, ast.AnnAssign)) and self.names[i])]
        else:
            wanted = [i for i, names in enumerate(self.names) if name in (ALL, *names)]
            if name in self.imported:  # one file hands on what it has from another
                path, attribute = self.imported[name]
                yield path, attribute or ALL
        for i in wanted:
            yield from self._use(i)

    def _use(self, i: int) -> Iterator[Target]:
        statement = self.statements[i]
        if i in self.used or isinstance(statement, IMPORTS):
            return
        self.used.add(i)
        yield from _uses([statement], self.imported, self.package, self.root)
        nodes = list(ast.walk(statement))
        named = {node.id for node in nodes if isinstance(node, ast.Name)}
        everything = DYNAMIC & (named | {node.attr for node in nodes if isinstance(node, ast.Attribute)})
        for j, names in enumerate(self.names):
            if everything or names & named:
                self.used_imports |= names if everything else names & named
                yield from self._use(j)

    def digest(self) -> str:
        imports = sorted((name, source) for statement in self.statements if isinstance(statement, IMPORTS)
                         for name, source in _sources(statement) if name in self.used_imports)
        return digest(repr([imports, *(_plain(self.statements[i]) for i in sorted(self.used))]))


# ---- what a piece of code uses --------------------------------------------------------------------------------------


def _uses(nodes: Iterable[ast.AST], imported: dict, package: str, root: Path) -> Iterator[Target]:
    """Return what code uses of other files; ``imported`` says what names that are imported around it stand for."""
    nodes = list(nodes)
    inside, targets = _bindings(nodes, package, root)
    imported = imported | inside
    yield from targets
    waiting = nodes
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            path, attribute = imported[node.value.id]
            yield path, attribute or node.attr
            submodule = _file(f"{'.'.join(path.relative_to(root).parent.parts)}.{node.attr}", root)
            if attribute is None and path.name == "__init__.py" and submodule:
                yield submodule, ALL
        elif isinstance(node, ast.Name) and node.id in imported:
            path, attribute = imported[node.id]
            yield path, attribute or ALL  # a module that is handed on: anything in it may be used
        else:
            waiting += ast.iter_child_nodes(node)


def _bindings(nodes: Iterable[ast.AST], package: str, root: Path) -> tuple[dict[str, tuple], list[Target]]:
    """Return what the import statements in code bind, name → (file, name in it or None), and which files they run."""
    names: dict[str, tuple[Path, str | None]] = {}
    targets: list[Target] = []
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                targets += _run(alias.name, root)
                if alias.asname and (path := _file(alias.name, root)):
                    names[alias.asname] = path, None
                elif path := _file(alias.name, root):
                    targets.append((path, ALL))
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(parts + ([node.module] if node.module else []))
            for alias in node.names:  # a name may be a module or something inside one: a file tells
                targets += _run(f"{base}.{alias.name}", root)
                if path := _file(f"{base}.{alias.name}", root):
                    names[alias.asname or alias.name] = path, None
                elif path := _file(base, root):
                    if alias.name == "*":
                        targets.append((path, ALL))
                    names[alias.asname or alias.name] = path, alias.name
    return names, targets


def _run(module: str, root: Path) -> list[Target]:
    """Return the files that importing a dotted name runs: each package's ``__init__`` and the module itself."""
    parts = module.split(".")
    files = (_file(".".join(parts[:i]), root) for i in range(1, len(parts) + 1))
    return [(path, RUN) for path in files if path]


def _file(module: str, root: Path) -> Path | None:
    """Return the file of a module of aecourse, None where there is none of that name."""
    place = root.joinpath(*module.split("."))
    candidates = [place / "__init__.py", place.with_suffix(".py")] if module.split(".")[0] == "aecourse" else []
    return next((path for path in candidates if path.is_file()), None)


# ---- statements -----------------------------------------------------------------------------------------------------


def _parse(text: str, name: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise CourseError(f"{name}, line {error.lineno}: {error.msg}.") from None


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Return the names that a statement of a file binds, in its blocks too."""
    for node in _outside_functions([statement]):
        if isinstance(node, DEFINES):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, IMPORTS):
            yield from (name for name, _ in _sources(node))


def _sources(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Return each name that an import binds, and what it stands for."""
    start = "." * statement.level + f"{statement.module or ''}:" if isinstance(statement, ast.ImportFrom) else ""
    for alias in statement.names:
        yield alias.asname or (alias.name if start else alias.name.split(".")[0]), start + alias.name


def _outside_functions(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Return the nodes and those below them, but not what lies inside a function or a class."""
    for node in nodes:
        yield node
        if not isinstance(node, DEFINES):
            yield from _outside_functions(ast.iter_child_nodes(node))


def _is_text(statement: ast.stmt) -> bool:
    """Return whether a statement is a text alone, such as a docstring."""
    return (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str))


def _plain(node: object) -> object:
    """Return code as nested lists without places and docstrings; what is empty is left out, as it differs by Python."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return [type(node).__name__, *([name, _plain(value)] for name, value in fields)]
    if isinstance(node, list):
        return [_plain(part) for part in node if not (isinstance(part, ast.stmt) and _is_text(part))]
    return repr(node)
