"""Replay the inputs of a folder: `measured.py MODULE FOLDER` prints what they reach, and take.

A process of its own: a trace of every line stays out of what else runs.
"""

import gc
import inspect
import json
import sys
import tracemalloc
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

TESTS = Path(__file__).parents[1]


def _lines_of(code: CodeType) -> set[int]:
    found = {
        line for _start, _end, line in code.co_lines() if line and line != code.co_firstlineno
    }
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            found |= _lines_of(inner)
    return found


def functions_of(path: str) -> dict[str, set[int]]:
    """Return the lines of a file that only a call runs."""
    whole = compile(Path(path).read_text(), path, "exec")
    inner = [code for code in whole.co_consts if isinstance(code, CodeType)]
    lines: set[int] = set()
    for code in inner:
        methods = [each for each in code.co_consts if isinstance(each, CodeType)]
        is_class = "__qualname__" in code.co_names
        for each in methods if is_class else [code]:
            lines |= _lines_of(each)
    return lines


class Reached:
    """The lines that were run of some files."""

    def __init__(self, files: list[str]) -> None:
        self.lines: dict[str, set[int]] = {name: set() for name in files}

    def on_event(self, frame: FrameType, event: str, _argument: Any) -> Any:
        """Note a line; hear no more of files that are not ours."""
        seen = self.lines.get(frame.f_code.co_filename)
        if seen is None:
            return None
        if event == "line":
            seen.add(frame.f_lineno)
        return self.on_event


def _heap_of(take: Callable[[bytes], object], data: bytes) -> int:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    take(data)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most - before


def main(name: str, folder: str) -> None:
    """Print JSON."""
    module = import_module(name)
    files = [inspect.getsourcefile(import_module(each)) for each in module.MODULES]
    inputs = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    reached = Reached([file for file in files if file])
    for data in inputs:  # what is made once is made before it is counted
        module.take(data)
    sys.settrace(reached.on_event)
    for data in inputs:
        module.take(data)
    sys.settrace(None)
    taken = [_heap_of(module.take, data) for data in inputs]
    lines, of = 0, 0
    for file, seen in reached.lines.items():
        there = functions_of(file)
        lines, of = lines + len(seen & there), of + len(there)
    print(json.dumps({"lines": lines, "lines_of": of, "heap_bytes": taken}))


if __name__ == "__main__":
    sys.path[:1] = [str(TESTS), str(TESTS.parent / "firmware")]
    main(*sys.argv[1:])
