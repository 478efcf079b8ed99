"""Convergence: once faults are over, a fleet is whole again within a stated bound.

Whole means: every agent runs its application with its state, or did before its deep sleep; every
pair whose frames mostly arrive hears each other again and again, so that all keep the same
windows; and keys that are to agree do.
Where every path of the radio loses frames, those pairs count whose distance adds little to that,
and the more is lost, the longer a pair has to hear each other.

Left out: pairs that only the edge of their range connects, and at the end of the bound boards
whose battery is empty or was so lately. A fleet with such a board is never said to be whole.
"""

from collections.abc import Container, Sequence

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.codec.frame import read_source
from cma_toolkit.firmware.kernel.errors import CAUSE_DEEP_SLEEP
from cma_toolkit.firmware.kernel.limits import (
    ANNOUNCE_JITTER_MS,
    ANNOUNCE_MS,
    HEADER_BYTES,
    STATE_BYTES_MAX,
)
from cma_toolkit.sim.world.board import Board
from cma_toolkit.sim.world.checkers.calm import Calm, Key, Part
from cma_toolkit.sim.world.fleet import Fleet, node_of
from cma_toolkit.sim.world.watcher import Watcher

_FACTOR_MAX = 8  # of a weak battery: it attends one window of so many
_TIMES = 3  # in windows of their own: once may be by chance
HEARD_WINDOWS = 12  # some frames of which may be lost, and in a crowd many collide
_LOSS_PERMILLE_MAX = 300  # of the distance, beside what is lost on every path
_UNWELL, _UNHEARD = range(2)  # what may be missing, in order


class Recovery(Watcher):
    """Know of a fleet, or of a part of one, what it misses to be whole.

    Units: `from_ms` is the end of the faults: what was heard before says nothing.
    """

    def __init__(self, from_ms: int, agree: Sequence[str]) -> None:
        self._from_ms = from_ms
        self._agree = agree

    def begin(self, fleet: Fleet) -> None:
        """Know of no frame yet."""
        config = fleet.config
        factor = _FACTOR_MAX if max(config.saving_mv, config.critical_mv) else 1
        period_ms = config.wake_period_ms * factor or ANNOUNCE_MS + ANNOUNCE_JITTER_MS
        self._windows_ms = HEARD_WINDOWS * period_ms
        self._empty_at_ms: dict[int, int] = {}  # when a board's battery was last seen empty
        self._apart_ms = period_ms * 3 // 4
        self._heard_at_ms: list[dict[int, list[int]]] = [{} for _ in fleet.boards]

    def arrived(self, fleet: Fleet, source: int, target: int, data: bytes) -> None:
        """Note who heard whom."""
        if len(data) > HEADER_BYTES and read_source(data) == node_of(source):
            now_ms = fleet.clock.now_ms
            times = self._heard_at_ms[target].setdefault(source, [])
            if not times or now_ms - times[-1] >= self._apart_ms:
                times.append(now_ms)
                del times[:-_TIMES]

    def part(self, fleet: Fleet, left_out: Sequence[int]) -> Part:
        """Return what the agents of this part miss, as `Calm` reads it."""
        now_ms = fleet.clock.now_ms
        for index in fleet.own:
            power = fleet.boards[index].power
            if power is not None and power.is_empty:
                self._empty_at_ms[index] = now_ms
        since_ms, without = now_ms - self._windows_ms, set(left_out)
        missing = self._unwell(fleet, without) or self._unheard(fleet, without)
        return {
            "missing": missing,
            "empty": [index for index, at_ms in self._empty_at_ms.items() if at_ms >= since_ms],
            "agree": [] if missing else self._agreement(fleet, without),
        }

    def _unwell(self, fleet: Fleet, without: Container[int]) -> "tuple[Key, str] | None":
        for index in fleet.own:
            board = fleet.boards[index]
            agent = board.agent
            if agent is not None and agent.keeper.is_lost:
                return (_UNWELL, index, 0), f"{board.name} cannot read its state"
            if _is_safe_mode(board):
                return (_UNWELL, index, 0), f"{board.name} runs without its application"
            if index not in without and _is_away(board):
                return (_UNWELL, index, 0), f"{board.name} has not booted"
        return None

    def _unheard(self, fleet: Fleet, without: Container[int]) -> "tuple[Key, str] | None":
        now_ms, names = fleet.clock.now_ms, fleet.names
        kept = 1000 - fleet.radio.reach.loss_permille  # on the shortest path
        loss_max = 1000 - kept * (1000 - _LOSS_PERMILLE_MAX) // 1000
        for source in range(len(names)):
            if source in without:
                continue
            reach, losses = fleet.radio.in_reach(source), fleet.radio.loss_permille(source)
            for place in range(len(reach)):
                target = reach[place]
                if losses[place] > loss_max or target in without:
                    continue
                since_ms = max(self._from_ms, now_ms - self._recent_ms(losses[place]))
                times = self._heard_at_ms[target].get(source, [])
                if len(times) < _TIMES or times[0] < since_ms:
                    text = f"{names[target]} does not hear {names[source]}"
                    return (_UNHEARD, source, target), text
        return None

    def _recent_ms(self, loss_permille: int) -> int:
        """Return within how long a pair must hear each other so often, if so much is lost."""
        usual = 1000 - _LOSS_PERMILLE_MAX
        return self._windows_ms * usual // min(usual, max(1, 1000 - loss_permille))

    def _agreement(self, fleet: Fleet, without: Container[int]) -> "list[object]":
        if not self._agree:
            return []
        rows = zip(fleet.own, fleet.states(), strict=True)
        states = [(index, state) for index, state in rows if index not in without]
        return [_first_two(states, key) for key in self._agree]


def _is_safe_mode(board: Board) -> bool:
    agent = board.agent
    if agent is not None:
        return agent.is_safe_mode
    return bool(board.status().get("safe_mode"))  # as it was before its deep sleep


def _is_away(board: Board) -> bool:
    """Tell whether a board has no agent, though it has power and does not sleep."""
    if board.agent is not None or (board.power is not None and board.power.is_empty):
        return False
    return board.is_dark or board.is_updating or board.cause != CAUSE_DEEP_SLEEP


def _first_two(states: "Sequence[tuple[int, dict[str, object]]]", key: str) -> object:
    """Return the first agent and its value, and the first one whose value is another."""
    first = None
    for index, state in states:
        value = cbor.encode(state[key], STATE_BYTES_MAX) if key in state else None
        if first is None:
            first = index, value
        elif value != first[1]:
            return first, (index, value)
    return None if first is None else (first, None)


class Convergence(Recovery):
    """Wait, from an instant on, for a whole fleet in one process.

    `converged_at_ms` is the instant at which it was whole, -1 before, and -1 for ever if an empty
    battery was all that stood against it.
    """

    def __init__(self, from_ms: int, bound_ms: int, agree: Sequence[str] = ()) -> None:
        super().__init__(from_ms, agree)
        self._calm = Calm(from_ms, bound_ms, agree)
        self.look_at_ms = from_ms

    @property
    def converged_at_ms(self) -> int:
        """When the fleet was whole."""
        return self._calm.converged_at_ms

    def look(self, fleet: Fleet) -> None:
        """Look until all is well; complain when the bound is over."""
        now_ms, calm = fleet.clock.now_ms, self._calm
        problem = calm.look(now_ms, fleet.names, lambda without: [self.part(fleet, without)])
        self.look_at_ms = calm.look_at_ms
        if problem:
            fleet.violated(problem)

    def end(self, fleet: Fleet) -> None:
        """Look for the last time."""
        self.look(fleet)
