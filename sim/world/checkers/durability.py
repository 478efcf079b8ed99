"""Durability: what was acknowledged is on flash after any cut, and what was deleted stays away.

A key's value is acknowledged once the kernel has nothing left to write, and a critical one as soon
as anything leaves that the application said after its change. From then on a boot must find that
value or, if the agent died while it was about to store another, that other one; and what a boot
finds is what the agent begins with.
"""

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.codec.frame import VALUE_KINDS
from cma_toolkit.firmware.kernel.errors import CAUSE_DEEP_SLEEP
from cma_toolkit.firmware.kernel.limits import STATE_BYTES_MAX
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.firmware.kernel.state.values import PREFIX, State
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.board import Board
from cma_toolkit.sim.world.checkers.base import Checker
from cma_toolkit.sim.world.fleet import Fleet

Stored = dict[str, bytes]


class Durability(Checker):
    """Hold every boot, and the end of the run, to what was acknowledged before."""

    NAME = "durability"

    def begin(self, fleet: Fleet) -> None:
        """Know of nothing yet."""
        count = len(fleet.boards)
        self._acknowledged: list[Stored] = [{} for _ in range(count)]
        self._states: list[State | None] = [None] * count  # of the agent that lives or died last
        self._programmed_bytes = [0] * count
        self._rotten: set[int] = set()  # bits of their flash were flipped: nothing is promised

    def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
        """Acknowledge the critical keys once a value of the application leaves."""
        agent = fleet.boards[source].agent
        if agent is None or data[1] not in VALUE_KINDS:
            return
        state, acknowledged = agent.keeper.state, self._acknowledged[source]
        for key in state._critical:
            value = _encoded(state, key)
            if value is None:
                acknowledged.pop(key, None)
            else:
                acknowledged[key] = value

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        """Look at flash at a boot, and keep hold of the state of whoever does anything."""
        if kind == trace.BOOT and content[0] != CAUSE_DEEP_SLEEP:
            self._check(fleet, index)
            return
        agent = fleet.boards[index].agent
        if agent is not None:
            self._states[index] = agent.keeper.state

    def started(self, fleet: Fleet, index: int) -> None:
        """Hold what an agent begins with against what its flash had a moment ago."""
        board = fleet.boards[index]
        agent = board.agent
        if agent is None or index in self._rotten or board.cause == CAUSE_DEEP_SLEEP:
            return
        stored = self._acknowledged[index]  # as the look at this boot left it
        if not agent.keeper.is_lost and _all_encoded(agent.keeper.state) != stored:
            self.violated(fleet, index, "begins with another state than it stored")

    def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
        """Acknowledge everything once something was written and nothing more waits."""
        board = fleet.boards[index]
        agent, programmed_bytes = board.agent, board.flash.programmed_bytes
        if agent is not None and programmed_bytes != self._programmed_bytes[index]:
            keeper = agent.keeper
            self._states[index] = keeper.state
            if not (keeper.is_waiting or keeper.is_lost or keeper.state.is_touched):
                self._programmed_bytes[index] = programmed_bytes
                self._acknowledged[index] = _all_encoded(keeper.state)

    def fault(self, fleet: Fleet, name: str, text: str, is_on: bool) -> None:
        """Expect nothing of a flash that rots; the others on a fault's board keep all."""
        for fault in fleet.active_faults if name == "bit-rot" else ():
            if name == fault.NAME:
                self._rotten.add(getattr(fault, "agent", -1))

    def end(self, fleet: Fleet) -> None:
        """Look at every flash once more."""
        for index in fleet.own:
            self._check(fleet, index)

    def _check(self, fleet: Fleet, index: int) -> None:
        if index in self._rotten:
            return
        stored = read_stored(fleet.boards[index])
        if stored is None:
            self.violated(fleet, index, "what it stored cannot be read")
            return
        acknowledged, state = self._acknowledged[index], self._states[index]
        for key in sorted(acknowledged.keys() | stored.keys()):
            if stored.get(key) in (acknowledged.get(key), _encoded(state, key)):
                continue
            what = "is lost" if key not in stored else "has a value that it never had"
            if key not in acknowledged:
                what = "came back"
            self.violated(fleet, index, f"agent.state['{key}'] {what}")
        self._acknowledged[index] = stored


def read_stored(board: Board) -> Stored | None:
    """Return what a boot would find of a board's state; None if its flash cannot be read."""
    table = JournalTable(Journal(board.flash.copy()))
    found: Stored = {}
    try:
        for name in table.keys():  # noqa: SIM118 - a table is no dict
            if name[:1] == PREFIX:
                found[str(name[1:], "utf-8")] = table.get(name) or b""
    except OSError:
        return None
    return found


def _encoded(state: State | None, key: str) -> bytes | None:
    if state is None or key not in state._values:
        return None
    return cbor.encode(state._values[key], STATE_BYTES_MAX)


def _all_encoded(state: State) -> Stored:
    return {key: cbor.encode(value, STATE_BYTES_MAX) for key, value in state._values.items()}
