"""Put a mutant's code into the functions of a process that has imported the original.

Every name that a test holds keeps its function; only what the function does is another. So the
tests are imported once, and each mutant costs a fork instead of an interpreter.
"""

import ast
import functools
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any


def graft(path: Path, original: str, mutated: ast.Module) -> bool:
    """Give the functions of every module made from a file the mutant's code.

    Returns: False if that cannot be done, because a function uses other outer variables now.
    """
    before = _functions(compile(original, str(path), "exec"))
    after = _functions(compile(mutated, str(path), "exec"))
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    for module in list(sys.modules.values()):
        if _file(module) != path.resolve():
            continue
        for function in _live(vars(module), module.__name__):
            for old, new in changed:
                code = function.__code__
                if (code.co_qualname, code.co_firstlineno) == (
                    old.co_qualname,
                    old.co_firstlineno,
                ):
                    if code.co_freevars != new.co_freevars:
                        return False
                    function.__code__ = new
    return True


def outermost(code: CodeType) -> str:
    """Name the function of a module or class that some code is part of."""
    return code.co_qualname.partition(".<locals>")[0]


def _functions(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of each function of a module and its classes, in order."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_flags & inspect.CO_OPTIMIZED:
                yield constant
            else:
                yield from _functions(constant)


def _file(module: ModuleType) -> Path | None:
    name = getattr(module, "__file__", None)
    return _resolved(name) if name else None


@functools.cache  # asked of every module there is, for every mutant
def _resolved(name: str) -> Path:
    return Path(name).resolve()


def _live(names: dict[str, Any], module: str) -> Iterator[FunctionType]:
    """Yield the functions that a module or class defines."""
    for value in list(names.values()):
        if isinstance(value, staticmethod | classmethod):
            value = value.__func__  # noqa: PLW2901 - what it wraps is what counts
        parts = [value]
        if isinstance(value, property):
            parts = [value.fget, value.fset]
        for part in parts:
            if isinstance(part, FunctionType) and part.__module__ == module:
                yield part
        if isinstance(value, type) and value.__module__ == module:
            yield from _live(dict(vars(value)), module)
