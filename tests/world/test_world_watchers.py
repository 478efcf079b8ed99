"""Who looks on is told everything in its order, changes nothing, and may end a run."""

from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.app_loader import load_setup
from cma_toolkit.sim.world.faults.base import Fault
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.watcher import Violation, Watcher

CHATTER = str(Path(__file__).parent / "apps" / "chatter.py")


class Notes(Watcher):
    """Write down all that it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def begin(self, fleet: Fleet) -> None:
        self.told.append(("begin", fleet.clock.now_ms))

    def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
        self.told.append(("event", kind, index))

    def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
        self.told.append(("sent", source, data))

    def arrived(self, fleet: Fleet, source: int, target: int, data: bytes) -> None:
        self.told.append(("arrived", source, target, data))

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        self.told.append(("effect", index, kind, content))

    def fault(self, fleet: Fleet, name: str, text: str, is_on: bool) -> None:
        self.told.append(("fault", name, text, is_on, fleet.clock.now_ms))

    def end(self, fleet: Fleet) -> None:
        self.told.append(("end", fleet.clock.now_ms))

    def of(self, what: str) -> list[tuple[Any, ...]]:
        return [entry[1:] for entry in self.told if entry[0] == what]


class Silence(Fault):
    """Lose every frame."""

    NAME, NUMBER = "silence", 99

    def on_air(self, source: int, target: int, data: bytes, paths: Any) -> None:
        paths.clear()


class Echo(Fault):
    """Let every frame arrive again half a second later."""

    NAME, NUMBER = "echo", 98

    def describe(self) -> str:
        return "500 ms"

    def on_air(self, source: int, target: int, data: bytes, paths: Any) -> None:
        paths += [(delay_ms + 500, rssi_dbm, copy) for delay_ms, rssi_dbm, copy in paths]


def run(**options: Any) -> Fleet:
    made = Fleet(load_setup(CHATTER), agents=3, seed=3, **options)
    made.run(30)
    made.end()
    return made


def test_a_watcher_is_told_everything_and_changes_nothing() -> None:
    notes = Notes()
    watched, alone = run(watchers=[notes]), run()
    assert notes.told[0] == ("begin", 0)
    assert notes.told[-1] == ("end", 30_000)
    assert len(notes.of("effect")) == watched.trace.count
    sent = [entry for entry in notes.of("effect") if entry[1] == trace.SEND]
    assert [(index, content) for index, _kind, content in sent] == notes.of("sent")
    received = sum(status["received"] for status in watched.statuses())
    assert 1.5 * len(sent) < received <= len(notes.of("arrived")) <= 2 * len(sent)
    assert watched.digest() == alone.digest()


def test_a_fault_is_on_for_its_span_and_told_when_it_begins_and_ends() -> None:
    notes = Notes()
    made = run(watchers=[notes], faults=[(10_000, 20_000, Silence())])
    assert notes.of("fault") == [("silence", "", True, 10_000), ("silence", "", False, 20_000)]
    assert made.active_faults == []
    begun, ended = (
        next(i for i, entry in enumerate(notes.told) if entry[0] == "fault" and entry[3] is is_on)
        for is_on in (True, False)
    )
    kinds = [entry[0] for entry in notes.told[begun:ended]]
    assert "sent" in kinds and "arrived" not in kinds
    assert "arrived" in [entry[0] for entry in notes.told[ended:]]


def test_a_fault_can_add_frames_and_counts_in_the_digest() -> None:
    notes = Notes()
    made = run(watchers=[notes], faults=[(0, 30_000, Echo())])
    assert 3.5 < len(notes.of("arrived")) / len(notes.of("sent")) <= 4
    assert made.digest() != run().digest()


def test_a_violation_ends_the_run() -> None:
    class Strict(Watcher):
        def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
            if fleet.clock.now_ms >= 5_000:
                raise Violation(f"{fleet.names[index]} lives at {fleet.clock.now_ms} ms")

    with pytest.raises(Violation, match=r"agent-0\d lives at 5\d\d\d ms"):
        run(watchers=[Strict()])
