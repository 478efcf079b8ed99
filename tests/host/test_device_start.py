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


def load_start(
    monkeypatch: pytest.MonkeyPatch, modules: dict[str, dict[str, object]]
) -> ModuleType:
    """Return `device.start` with stand-ins for what it imports."""
    modules = {
        "gc": {"collect": lambda: 0, "threshold": print, "mem_free": lambda: 1 << 16},
        "device.knock": {"at_boot": lambda: None},
        **modules,
    }
    for name, names in modules.items():
        module = ModuleType(name)
        module.__dict__.update(names)
        monkeypatch.setitem(sys.modules, name, module)
    import device

    for name in ("knock", "ending"):
        if f"device.{name}" in modules:
            monkeypatch.setattr(device, name, sys.modules[f"device.{name}"], raising=False)
    # A module of its own, made from the file: nothing of it stays for other tests.
    spec = importlib.util.find_spec("device.start")
    assert spec and spec.loader
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    return start


@pytest.mark.parametrize("cause", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("times", [0, 1, 3])
def test_an_orderly_end_stands_more_interrupts(
    monkeypatch: pytest.MonkeyPatch, cause: type[BaseException], times: int
) -> None:
    log: list[str] = []
    gives_back = ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", gives_back)
    start = load_start(
        monkeypatch,
        {
            "device.loop": {"Loop": lambda folder: Loop(log)},
            "device.ending": {"stop": Ending(log, times * [cause]).stop},
        },
    )
    start.run()
    assert log == [*((times + 1) * ["fed"]), "stopped"]
    assert ("app" in sys.modules) == (cause is KeyboardInterrupt or not times)


class Crasher:
    """Be an agent that crashes, where nothing is left that could record it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_loaded: bool) -> None:
        self.log: list[str] = []
        self.waited_ms = 0
        self.interrupt_at_ms = 1 << 30
        self.watchdog = SimpleNamespace(
            feed=lambda: self.log.append("fed"), keep_fed=lambda: self.log.append("keep fed")
        )
        self.is_loaded = is_loaded
        self.start = load_start(
            monkeypatch,
            {
                "device.loop": {"Loop": self.make},
                "device.ending": {"tell": self.tell},
                "machine": {"reset": lambda: self.log.append("reset")},
            },
        )
        monkeypatch.setattr(sys, "print_exception", self.print_exception, raising=False)
        monkeypatch.setattr(self.start, "time", SimpleNamespace(sleep_ms=self.sleep_ms))

    def make(self, folder: str) -> "Crasher":
        if not self.is_loaded:
            raise ValueError("first")
        return self

    def run(self) -> None:
        raise SystemExit("first")

    def tell(self, error: BaseException, loop: "Crasher | None") -> None:
        raise MemoryError("second")

    def print_exception(self, error: BaseException) -> None:
        self.log.append(str(error))

    def sleep_ms(self, span_ms: int) -> None:
        assert span_ms <= 1_000, "half of the shortest watchdog"
        self.waited_ms += span_ms
        if self.waited_ms >= self.interrupt_at_ms:
            raise KeyboardInterrupt


def test_a_crash_that_nothing_can_record_is_printed_and_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crasher = Crasher(monkeypatch, is_loaded=False)
    crasher.start.run()
    assert crasher.log == ["first", "second", "reset"]
    assert crasher.waited_ms == 10_000


def test_the_watchdog_is_fed_while_it_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    crasher = Crasher(monkeypatch, is_loaded=True)
    crasher.start.run()
    assert crasher.log == ["first", "second", *(20 * ["fed"]), "reset"]


@pytest.mark.parametrize("is_loaded", [False, True])
def test_ctrl_c_ends_the_pause_at_the_prompt(
    monkeypatch: pytest.MonkeyPatch, *, is_loaded: bool
) -> None:
    crasher = Crasher(monkeypatch, is_loaded=is_loaded)
    crasher.interrupt_at_ms = 1_000
    crasher.start.run()
    assert "reset" not in crasher.log and crasher.waited_ms == 1_000
    assert ("keep fed" in crasher.log) == is_loaded
