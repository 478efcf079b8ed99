"""Every checker is silent where the kernel is right and finds a bug that is planted in it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.config import STATE_NAMES
from cma_toolkit.firmware.kernel.mesh.neighbours import Neighbours
from cma_toolkit.firmware.kernel.mesh.outbox import Outbox
from cma_toolkit.firmware.kernel.mesh.requests import Requests
from cma_toolkit.firmware.kernel.mesh.windows import Windows
from cma_toolkit.firmware.kernel.power.energy import Energy
from cma_toolkit.firmware.kernel.power.schedule import Schedule
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.keeper import Keeper
from cma_toolkit.firmware.kernel.state.values import State
from cma_toolkit.sim.world.checkers import energy as checked
from cma_toolkit.sim.world.checkers import menu
from cma_toolkit.sim.world.medium import radio
from cma_toolkit.sim.world.medium.airtime import frame_us
from cma_toolkit.sim.world.watcher import Violation
from support.fault_world import CURRENTS_UA, fault, run


def asks(agent: Any) -> None:
    """Ask a neighbour ten times a second."""
    agent.on("level")(lambda message: message.value)
    agent.every(100)(lambda: agent.request("level", 1, "agent-02", lambda *answer: None))


SENDER_ALONE_UA = dict.fromkeys(CURRENTS_UA, 0) | {"wifi_tx": 400_000}  # 400 nC in each us
SLEEPERS = {"wake_period_ms": 5_000, "deep_sleep_ms": 1_000}
Patch = Callable[[Any, str, Any], None]


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Patch]:
    """Replace a method of the kernel by one that is wrong."""
    yield monkeypatch.setattr


def watched(*faults: Any, **options: Any) -> None:
    """Run a world with every checker."""
    run(*faults, watchers=menu.make(), currents=CURRENTS_UA, **options)


def found(name: str, *faults: Any, **options: Any) -> str:
    """Return what one checker says of a world."""
    with pytest.raises(Violation, match=rf"^{name}: ") as caught:
        run(*faults, watchers=menu.make([name]), currents=CURRENTS_UA, **options)
    return str(caught.value)


def cuts() -> list[Any]:
    return [fault("brown-out-loop", 20, 60, agent=1, period_ms=1_700, dark_ms=100)]


def crashes() -> list[Any]:
    return [fault("torn-crash", 20 + n, 90, agent=1, operations=3, mode=n % 9) for n in range(9)]


@pytest.mark.parametrize("settings", [{}, SLEEPERS], ids=["awake", "asleep"])
def test_all_are_silent_about_a_sound_kernel(settings: dict[str, int]) -> None:
    watched(*cuts(), *crashes(), fault("duplicate", permille=500), settings=settings)


def test_an_unknown_checker_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="no checker 'luck'; the checkers are: durability, "):
        menu.make(["luck"])


def test_durability_finds_a_commit_that_is_only_claimed(plant: Patch) -> None:
    whole = Journal.write
    plant(Journal, "write", lambda self, changes: 32 if self._at > 20 else whole(self, changes))
    plant(State, "has_critical", lambda self: False)
    said = found("durability", *cuts())
    assert "agent-02" in said and "agent.state[" in said


def test_durability_finds_what_was_said_before_it_was_stored(plant: Patch) -> None:
    plant(State, "is_critical_changed", lambda self: False)
    assert "agent.state['count'] " in found("durability", *cuts())


def test_durability_finds_a_deletion_that_is_forgotten(plant: Patch) -> None:
    whole = State.stage
    plant(
        State, "stage", lambda self, table, _deletions, values: whole(self, table, False, values)
    )
    assert "agent.state['odd'] " in found("durability", *cuts())


def test_durability_finds_a_boot_that_loads_nothing_or_something_else(plant: Patch) -> None:
    load = State.load

    def load_less(self: State, table: Any) -> int:
        damaged = load(self, table)
        self._values.update({key: -1 for key in list(self._values)[:1]})
        return damaged

    for wrong in (lambda self, table: 0, load_less):
        plant(State, "load", wrong)
        assert "begins with another state" in found("durability", *cuts())


def test_durability_finds_a_failed_commit_that_counts_as_done(plant: Patch) -> None:
    whole = Keeper.write

    def write(self: Keeper, out: Any) -> int:
        written = whole(self, out)
        if self.has_failed:
            self.is_waiting = self.is_blocked = self.has_failed = False
        return written

    plant(Keeper, "write", write)
    found("durability", fault("flash-full", 20, 60, agent=1), fault("crash", 50, 51, agent=1))


def test_durability_finds_a_journal_that_cannot_be_read_any_more(plant: Patch) -> None:
    whole = Journal.read

    def read(self: Journal, key: bytes) -> bytes | None:
        if self.keys() and self._at > 20:
            raise OSError(5, "damaged")
        return whole(self, key)

    plant(Journal, "read", read)
    assert "what it stored cannot be read" in found("durability", *cuts())


def test_bounds_finds_a_neighbour_that_is_not_counted_out(plant: Patch) -> None:
    whole = Neighbours.expire

    def expire(self: Neighbours, now_ms: int) -> int:
        node = whole(self, now_ms)
        self.count += 1 if node else 0
        return node

    plant(Neighbours, "expire", expire)
    assert "counts 3 neighbours of 2" in found("bounds", fault("radio-dead", 10, 80, agent=2))


def test_bounds_finds_a_neighbour_that_is_there_twice(plant: Patch) -> None:
    plant(Neighbours, "find", lambda self, source: -1 if source else self.ids.index(0))
    assert "has one neighbour twice" in found("bounds")


def test_bounds_finds_an_outbox_that_makes_no_room(plant: Patch) -> None:
    whole = Outbox.__init__
    plant(Outbox, "__init__", lambda self, meters: whole(self, meters, 12))
    assert "frames" in found("bounds", app="harsh")


def test_bounds_finds_a_request_that_is_never_closed(plant: Patch) -> None:
    def setup(agent: Any) -> None:
        agent.on("ask")(lambda message: 1)

        @agent.every(1_000)
        def ask() -> None:
            agent.request("ask", 1, "agent-02", lambda message: None)

    whole = Requests._free

    def free(self: Requests, row: int) -> Any:
        callback = whole(self, row)
        self.count += 1
        return callback

    plant(Requests, "_free", free)
    assert "requests of" in found("bounds", setup=setup)


def test_energy_finds_a_radio_that_stays_on_in_sleep(plant: Patch) -> None:
    def switch(self: Schedule, is_on: bool, out: Any) -> None:
        if is_on != self.is_open:
            self.is_open = is_on
            if is_on:
                out.radio(is_on)

    plant(Schedule, "_switch", switch)
    assert "falls asleep with its radio on" in found("energy", settings=SLEEPERS)


def test_energy_finds_an_account_without_its_receiver(plant: Patch) -> None:
    whole = Energy.enter
    plant(
        Energy,
        "enter",
        lambda self, now_ms, state: whole(self, now_ms, 0 if state == 1 else state),
    )
    assert "its hardware used" in found("energy")


@pytest.mark.parametrize(
    ("state", "deep_sleep_ms"), [("wifi_tx", 0), ("light_sleep", 60_000), ("deep_sleep", 1_000)]
)
def test_energy_finds_a_small_part_of_an_account_that_is_missing(
    plant: Patch, state: str, deep_sleep_ms: int
) -> None:
    whole, missing = Energy._add, STATE_NAMES.index(state)

    def add(self: Energy, to: int, uah: int, used_nc: int) -> int:
        return 0 if to == missing else whole(self, to, uah, used_nc)

    plant(Energy, "_add", add)
    options = {"settings": {**SLEEPERS, "deep_sleep_ms": deep_sleep_ms}, "seconds": 1_800}
    assert f"uAh of {state}, its hardware used" in found("energy", **options)


def test_energy_finds_an_air_that_is_not_that_of_the_account(plant: Patch) -> None:
    plant(radio, "frame_us", lambda length: 10 * frame_us(length))
    with pytest.raises(Violation, match="its hardware used"):
        run(watchers=menu.make(["energy"]), currents=SENDER_ALONE_UA, setup=asks, agents=2)


def test_energy_takes_in_exactly_what_an_agent_does_not_know_that_it_sent() -> None:
    checker = menu.make(["energy"])[0]
    assert isinstance(checker, checked.Energy)
    options = {"agents": 2, "loss_permille": 300, "setup": asks}
    made, _notes = run(watchers=[checker], currents=SENDER_ALONE_UA, **options)
    for board, account in zip(made.boards, checker._accounts, strict=True):
        assert board.agent is not None
        energy = board.agent.governor.energy
        known_nc = sum(energy.uah) * 3_600_000 + sum(energy.rest_nc)
        checker._send(account)
        assert sum(account.used_nc) == made.radio.air_us(board.index) * 400
        assert account.unknown_nc == made.radio.again_us(board.index) * 400
        assert account.unknown_nc > known_nc // 10
        assert sum(account.used_nc) == known_nc + account.unknown_nc


def test_energy_is_silent_about_a_dead_radio_of_which_its_agent_does_not_know() -> None:
    def tells(agent: Any) -> None:
        agent.every(100)(lambda: agent.publish("level", "x" * 100))

    dead = fault("radio-dead", 20, 290, agent=0)
    options = {"agents": 2, "seconds": 300, "setup": tells}
    run(dead, watchers=menu.make(["energy"]), currents=SENDER_ALONE_UA, **options)


def test_duplicates_finds_a_window_that_takes_everything(plant: Patch) -> None:
    plant(Windows, "accept", lambda self, row, sequence, broadcast: True)
    assert "twice" in found("duplicates", fault("duplicate", permille=500))


def test_duplicates_finds_a_sleep_that_forgets_what_was_heard(plant: Patch) -> None:
    plant(Windows, "load_window", lambda self, row, buffer, offset: offset + 8)
    options = {"settings": SLEEPERS, "seconds": 300}
    found("duplicates", fault("reorder", 10, 250, permille=500, span_ms=9_000),
          fault("duplicate", 10, 250, permille=900, span_ms=9_000), **options)  # fmt: skip
