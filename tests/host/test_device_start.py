"""What boot.py and main.py do when fingers are quicker than flash.

The hardware is not there: only the order of things is tried. Boards with real MicroPython are in
`tests/virtual`.
"""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest


class Loop:
    """Be interrupted while it runs."""

    def __init__(self, log: list[str]) -> None:
        self.watchdog = SimpleNamespace(keep_fed=lambda: log.append("fed"))

    def run(self) -> None:
        """Run until the first Ctrl-C."""
        raise KeyboardInterrupt


class Ending:
    """Be cut short so many times while it ends."""

    def __init__(self, log: list[str], causes: list[type[BaseException]]) -> None:
        self.log = log
        self.causes = causes

    def stop(self, loop: Loop) -> None:
        """Commit; another Ctrl-C comes, or memory runs out."""
        if self.causes:
            raise self.causes.pop()
        self.log.append("stopped")


@pytest.mark.parametrize("cause", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("times", [0, 1, 3])
def test_an_orderly_end_stands_more_interrupts(
    monkeypatch: pytest.MonkeyPatch, cause: type[BaseException], times: int
) -> None:
    log: list[str] = []
    gives_back = ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", gives_back)
    modules = {
        "gc": {"collect": lambda: 0, "threshold": print, "mem_free": lambda: 1 << 16},
        "device.knock": {"at_boot": lambda: None},
        "device.loop": {"Loop": lambda folder: Loop(log)},
        "device.ending": {"stop": Ending(log, times * [cause]).stop},
    }
    for name, names in modules.items():
        module = ModuleType(name)
        module.__dict__.update(names)
        monkeypatch.setitem(sys.modules, name, module)
    import device

    for name in ("knock", "ending"):
        monkeypatch.setattr(device, name, sys.modules[f"device.{name}"], raising=False)
    # A module of its own, made from the file: nothing of it stays for other tests.
    spec = importlib.util.find_spec("device.start")
    assert spec and spec.loader
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    start.run()
    assert log == [*((times + 1) * ["fed"]), "stopped"]
    assert ("app" in sys.modules) == (cause is KeyboardInterrupt or not times)
