"""Is this answer still the stub? Its bytecode says so; a notebook cell's source may be gone."""

import dis
import inspect
from typing import Any

# What a docstring, `...`, `pass`, `return` or `raise NotImplementedError` compiles to, Python 3.11 to 3.14.
_EMPTY = {"RESUME", "NOP", "CACHE", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "POP_TOP", "COPY_FREE_VARS",
          "MAKE_CELL", "EXTENDED_ARG", "NOT_TAKEN"}
_RAISING = _EMPTY | {"LOAD_GLOBAL", "LOAD_COMMON_CONSTANT", "PUSH_NULL", "PRECALL", "CALL", "RAISE_VARARGS"}


def is_stub(answer: Any, methods: tuple[str, ...] = ()) -> bool:
    """Return whether nothing was written yet: a placeholder, an empty function, a class whose methods are all empty."""
    if answer is None or answer is Ellipsis:
        return True
    if isinstance(answer, type):
        return bool(methods) and all(is_stub(getattr(answer, m, None)) or _inherited(answer, m) for m in methods)
    return inspect.isfunction(answer) and _empty(answer)


def empty_methods(cls: type, methods: tuple[str, ...]) -> list[str]:
    """Return which of these methods of the class are still stubs."""
    return [name for name in methods if inspect.isfunction(getattr(cls, name, None)) and _empty(getattr(cls, name))]


def _inherited(cls: type, name: str) -> bool:
    """nn.Module has a `forward` of its own that only raises."""
    return not any(name in vars(c) for c in cls.__mro__ if not c.__module__.startswith("torch"))


def _empty(function: Any) -> bool:
    code = list(dis.get_instructions(function.__code__))
    raises = [i.opname for i in code].count("RAISE_VARARGS") == 1
    if not {i.opname for i in code} <= (_RAISING if raises else _EMPTY):
        return False
    if raises:
        return any("NotImplementedError" in str(i.argval) for i in code if i.opname.startswith(("LOAD_GL", "LOAD_COM")))
    return all(i.argval in (None, Ellipsis) for i in code if i.opname in ("LOAD_CONST", "RETURN_CONST"))
