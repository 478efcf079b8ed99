"""Roll-outs for tests: boards that do what boards do, at a desk with a fleet database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cma_toolkit.host_tools.fleet.database import BoardRecord, Database
from cma_toolkit.host_tools.rollout import waves
from cma_toolkit.host_tools.rollout.desk import Desk, node_of
from cma_toolkit.host_tools.rollout.records import NOBODY, Report, Rollout, Terms
from cma_toolkit.host_tools.rollout.store import Store

START_S = 1_800_000_000
MINUTE_S = 60
OLD, NEW = 6, 7
TERMS = Terms(failures_max=1, soak_s=10 * MINUTE_S, silence_s=60 * MINUTE_S)


def records(count: int) -> list[BoardRecord]:
    """Return so many provisioned boards."""
    return [
        BoardRecord(mac_of(number), f"box-{number}", "done", "b", "esp32", "c", (), "", "", 1, "")
        for number in range(count)
    ]


def mac_of(number: int) -> str:
    """Return the MAC address of a board."""
    return f"a4:cf:12:00:{number >> 8:02x}:{number & 255:02x}"


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """Open a fleet database, and do not wait for its disk: a test's power does not fail."""
    with Database(path) as database:
        database.read("PRAGMA synchronous = OFF")
        yield Store(database)


def begin(
    store: Store,
    count: int,
    terms: Terms = TERMS,
    percents: Sequence[int] = (50, 100),
    canaries: int = 1,
) -> Rollout:
    """Start a roll-out to so many boards, canaries first."""
    divided = waves.divide(records(count), "digest", waves.Share(canaries, False), percents)
    fresh = Rollout(0, "app", NEW, "digest", terms, len(divided))
    fresh = replace(fresh, started_at_s=START_S, changed_at_s=START_S, listened_at_s=START_S)
    return store.begin(fresh, divided)


@dataclass
class Agent:
    """A board that runs a release, takes one that it is offered, and tells what it does.

    `fate` is what the new release does to it: "good", "bad" (it goes back and says so), "mute" (it
    is never heard again), or "asleep" (it does not wake before `wakes_at_s`).
    """

    node: int
    fate: str = "good"
    wakes_at_s: int = 0
    stage: str = "idle"
    sequence: int = OLD
    battery_mv: int = 0

    def on_offer(self, nodes: Sequence[int]) -> None:
        """Hear which boards may take the new release."""
        if self.node in nodes and self.stage == "idle" and self.sequence == OLD:
            self.stage = "fetching"

    def step(self, now_s: int) -> Report | None:
        """Go one step on, and return what is told of it."""
        if now_s < self.wakes_at_s:
            return None
        said = Report(self.node, self.sequence, self.stage, self._target(), 500, self.battery_mv)
        if self.stage == "fetching":
            self.stage, self.sequence = "trial", NEW
        elif self.stage == "trial" and self.fate == "mute":
            return None
        elif self.stage == "trial":
            self.stage = "confirmed" if self.fate == "good" else "rejected"
            self.sequence = NEW if self.fate == "good" else OLD
        return said

    def _target(self) -> int:
        return 0 if self.stage == "idle" else NEW


def live(desk: Desk, agents: Sequence[Agent], minutes: int, now_s: int = START_S) -> set[int]:
    """Let so many minutes pass for a desk and its boards; return who was ever offered it."""
    asked: set[int] = set()
    for minute in range(minutes):
        at_s = now_s + minute * MINUTE_S
        desk.on_time(at_s)
        for offer in desk.offers(at_s):
            asked |= set(offer.nodes) - {NOBODY}
            for agent in agents:
                if at_s >= agent.wakes_at_s:
                    agent.on_offer(offer.nodes)
        for agent in agents:
            said = agent.step(at_s)
            if said is not None:
                desk.on_report(said, at_s)
    return asked


def agents_of(count: int, fate: str = "good") -> list[Agent]:
    """Return the agents on so many boards."""
    return [Agent(node_of(mac_of(number)), fate) for number in range(count)]
