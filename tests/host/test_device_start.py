"""What boot.py and main.py do when fingers are quicker than flash.

The hardware is not there: only the order of things is tried. Boards with real MicroPython are in
`tests/virtual`.
"""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest


class Loop:
    """Be interrupted while it runs, and so many times while it ends."""

    def __init__(self, log: list[str], interrupts: int) -> None:
        self.log = log
        self.interrupts = interrupts
        self.watchdog = SimpleNamespace(keep_fed=lambda: log.append("fed"))

    def run(self, folder: str) -> None:
        """Run until the first Ctrl-C."""
        raise KeyboardInterrupt

    def stop(self) -> None:
        """Commit; another Ctrl-C comes."""
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        self.log.append("stopped")

    def close(self) -> None:
        """Switch the radio off."""
        self.log.append("closed")


@pytest.mark.parametrize("interrupts", [0, 1, 3])
def test_an_orderly_end_stands_more_interrupts(
    monkeypatch: pytest.MonkeyPatch, interrupts: int
) -> None:
    log: list[str] = []
    modules = {
        "esp32": {},
        "vfs": {},
        "machine": {"reset_cause": lambda: 1, "DEEPSLEEP_RESET": 4},
        "device.crash": {},
        "device.knock": {"listen": lambda span_ms: None, "COLD_BOOT_MS": 200},
        "device.board": {"Board": object},
        "device.loop": {"Loop": lambda board: Loop(log, interrupts)},
    }
    for name, names in modules.items():
        module = ModuleType(name)
        module.__dict__.update(names)
        monkeypatch.setitem(sys.modules, name, module)
    import device

    for name in ("crash", "knock"):
        monkeypatch.setattr(device, name, sys.modules[f"device.{name}"], raising=False)
    # A module of its own, made from the file: nothing of it stays for other tests.
    spec = importlib.util.find_spec("device.start")
    assert spec and spec.loader
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    start.run()
    assert log[-2:] == ["stopped", "closed"] and "fed" in log
