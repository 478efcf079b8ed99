"""A small world under chosen faults, and notes of what happened in it."""

from pathlib import Path
from typing import Any

from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.faults import menu
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.watcher import Watcher

APPS = Path(__file__).parents[1] / "world" / "apps"
START_S, END_S, ALL_S = 20, 60, 90
# Of an ESP32, rounded.
CURRENTS_UA = {
    "active": 40_000,
    "wifi_rx": 95_000,
    "wifi_tx": 180_000,
    "modem_sleep": 30_000,
    "light_sleep": 800,
    "deep_sleep": 10,
}


class Notes(Watcher):
    """Who sent what when, who was given what when, and all effects."""

    def __init__(self) -> None:
        self.sent_at_ms: list[tuple[int, int, bytes]] = []
        self.arrived_at_ms: list[tuple[int, int, int, bytes]] = []
        self.effects: list[tuple[int, int, int, bytes]] = []

    def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
        self.sent_at_ms.append((fleet.clock.now_ms, source, data))

    def arrived(self, fleet: Fleet, source: int, target: int, data: bytes) -> None:
        self.arrived_at_ms.append((fleet.clock.now_ms, source, target, data))

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        self.effects.append((fleet.clock.now_ms, index, kind, content))

    def arrivals(self, from_s: float, to_s: float) -> list[tuple[int, int, int, bytes]]:
        """Return the frames that were handed over in a span."""
        return [row for row in self.arrived_at_ms if from_s * 1000 <= row[0] < to_s * 1000]

    def pairs(self, from_s: float, to_s: float) -> set[tuple[int, int]]:
        """Return who was heard by whom in a span."""
        return {(source, target) for _at, source, target, _data in self.arrivals(from_s, to_s)}

    def reports(self, event_id: int) -> list[tuple[int, int]]:
        """Return when which agent reported an event of the kernel."""
        head = trace.encode_value((event_id, 0))[:2]
        return [
            (at_ms, index)
            for at_ms, index, kind, content in self.effects
            if kind == trace.REPORT and content[:2] == head
        ]


def fault(kind: str, start_s: float = START_S, end_s: float = END_S, **values: int) -> Any:
    """Return one planned fault."""
    start_ms, end_ms = round(start_s * 1000), round(end_s * 1000)
    plain = {"kind": kind, "start_ms": start_ms, "end_ms": end_ms, **values}
    return start_ms, end_ms, menu.make(plain)


def run(*faults: Any, seconds: int = ALL_S, app: str = "ledger", **options: Any) -> Any:
    """Run a world of four agents; return the fleet and the notes."""
    notes = Notes()
    options = {"agents": 4, "seed": 3, **options}
    watchers = [notes, *options.pop("watchers", [])]
    setup = options.pop("setup", None) or load_setup(str(APPS / f"{app}.py"))
    made = Fleet(setup, faults=faults, watchers=watchers, **options)
    made.run(seconds)
    made.end()
    return made, notes
