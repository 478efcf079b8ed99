"""What an image loads with the agent, in which pieces, and what it loads when a function asks."""

import json
from pathlib import Path

from cma_toolkit.host_tools.flash.contents import FIRMWARE
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.image.shrink import layout
from cma_toolkit.host_tools.image.shrink.firmware import AGENT, DEVICE, KERNEL, MAIN, START, shrink
from cma_toolkit.host_tools.image.shrink.modules import read_modules
from support.images import run_micropython

SOURCES = {
    "kernel/__init__.py": b"",
    "kernel/agent.py": b"from .room import machine\n"
    b"class Agent:\n    def begin(self):\n        return machine.begin()\n",
    "kernel/room/__init__.py": b"",
    "kernel/room/machine.py": b"WORD = 'begun'\ndef begin():\n"
    b"    from . import starting\n    from .starting import begin as other\n"
    b"    from .kinds import Kind\n"
    b"    return starting.begin() + other(), Kind().kind\n",
    "kernel/room/starting.py": b"from .helping import help_out\nfrom .machine import WORD\n"
    b"def begin():\n    return help_out(WORD)\n",
    "kernel/room/helping.py": b"def help_out(word):\n    return [word]\n",
    "kernel/room/kinds.py": b"class Kind:\n    kind = 'kind'\n",
    "kernel/hosts_only.py": b"def unheard():\n    return 'of'\n",
}
PROGRAM = """
import sys
sys.path[:] = [sys.argv[1]]
from kernel.agent import Agent
import json, kernel
before = set(sys.modules)
said = [Agent().begin() for _ in range(2)]
more = sorted(set(sys.modules) - before)
print(json.dumps([said, more, [name for name in dir(kernel) if name in ("starting", "helping")]]))
"""


def test_what_only_a_function_imports_is_loaded_when_it_runs_and_forgotten(tmp_path: Path) -> None:
    made = shrink({path: bytes(text) for path, text in SOURCES.items()}, {"Agent", "begin"})
    assert set(made) == {
        *("kernel/__init__.py", "kernel/agent.py", "kernel/starting.py", "kernel/kinds.py")
    }
    for path, text in made.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(text)
    said, more, left = json.loads(run_micropython(PROGRAM, str(tmp_path)))
    assert said == [[["begun", "begun"], "kind"]] * 2
    # A class lives as long as its instances: another load would make another.
    assert more == ["kernel.kinds"] and not left


def test_modules_that_two_need_are_apart_and_forgotten_with_them() -> None:
    sources = {
        "k/__init__.py": b"",
        "k/main.py": b"def f():\n    from .one import x\ndef g():\n    from .two import x\n",
        "k/one.py": b"from .both import y\nx = y\n",
        "k/two.py": b"from .both import y\nx = y\n",
        "k/both.py": b"y = 'y'\n",
    }
    modules = read_modules(sources)
    rest = {"k.one", "k.two", "k.both"}
    assert layout.rarely_loaded(rest, modules) == {name: {name} for name in rest}
    main = layout.forget(sources, ["k"], {"k", "k.main"})["k/main.py"].decode()
    assert "load('k.one', 'k.both')" in main and "load('k.two', 'k.both')" in main


def test_what_is_not_ours_is_not_forgotten() -> None:
    sources = {
        "k/__init__.py": b"",
        "k/main.py": b"def f():\n    from other.one import seen\n    return seen\n",
        "other/one.py": b"seen = []\n",
    }
    assert layout.forget(sources, ["k"], {"k", "k.main"}) == sources


def test_all_of_the_kernel_that_stays_is_one_module() -> None:
    made = read_modules(shrink(mpy.read_sources(FIRMWARE)))
    resident = layout.needed_by([KERNEL, DEVICE, START, MAIN], made)
    assert {name for name in resident if name.startswith(f"{KERNEL}.")} == {AGENT}
