"""Convergence: once faults are over, a fleet is whole again within a stated bound.

Whole means: every agent runs its application with its state; every pair whose frames mostly arrive
hears each other again and again, so that all keep the same windows; and keys that are to agree do.
Where every path of the radio loses frames, those pairs count whose distance adds little to that,
and the more is lost, the longer a pair has to hear each other.

Left out: pairs that only the edge of their range connects, and at the end of the bound boards
whose battery is empty or was so lately. A fleet with such a board is never said to be whole.
"""

from collections.abc import Container, Sequence

from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.codec.frame import read_source
from cma_toolkit.firmware.kernel.limits import (
    ANNOUNCE_JITTER_MS,
    ANNOUNCE_MS,
    HEADER_BYTES,
    STATE_BYTES_MAX,
)
from cma_toolkit.sim.world.checkers.base import Checker
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.watcher import Violation

_LOOK_MS = 1_000
_FACTOR_MAX = 8  # of a weak battery: it attends one window of so many
_TIMES = 3  # in windows of their own: once may be by chance
HEARD_WINDOWS = 12  # some frames of which may be lost, and in a crowd many collide
_LOSS_PERMILLE_MAX = 300  # of the distance, beside what is lost on every path


class Convergence(Checker):
    """Wait, from an instant on, for the fleet to be whole.

    `converged_at_ms` is the instant at which it was, -1 before, and -1 for ever if an empty
    battery was all that stood against it.
    """

    NAME = "convergence"

    def __init__(self, from_ms: int, bound_ms: int, agree: Sequence[str] = ()) -> None:
        super().__init__()
        self.converged_at_ms = -1
        self._from_ms = self._look_at_ms = from_ms
        self._bound_ms = bound_ms
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
        if len(data) > HEADER_BYTES and read_source(data) == fleet.boards[source].node:
            now_ms = fleet.clock.now_ms
            times = self._heard_at_ms[target].setdefault(source, [])
            if not times or now_ms - times[-1] >= self._apart_ms:
                times.append(now_ms)
                del times[:-_TIMES]

    def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
        """Look every second until all is well; complain when the bound is over."""
        if self.converged_at_ms < 0 and fleet.clock.now_ms >= self._look_at_ms:
            self._look_at_ms = fleet.clock.now_ms + _LOOK_MS
            if self._is_whole(fleet):
                self.converged_at_ms = fleet.clock.now_ms
            elif fleet.clock.now_ms >= self._from_ms + self._bound_ms:
                self._fail_unless_empty(fleet)
        super().after_event(fleet, kind, index)

    def end(self, fleet: Fleet) -> None:
        """Complain if the run ended before all was well."""
        if self.converged_at_ms < 0:
            if self._is_whole(fleet):
                self.converged_at_ms = fleet.clock.now_ms
            else:
                self._fail_unless_empty(fleet)
        super().end(fleet)

    def _is_whole(self, fleet: Fleet) -> bool:
        now_ms = fleet.clock.now_ms
        for board in fleet.boards:
            if board.power is not None and board.power.is_empty:
                self._empty_at_ms[board.index] = now_ms
        return not self.first_missing(fleet)

    def _fail_unless_empty(self, fleet: Fleet) -> None:
        since_ms = fleet.clock.now_ms - self._windows_ms
        left_out = {index for index, at_ms in self._empty_at_ms.items() if at_ms >= since_ms}
        missing = self.first_missing(fleet, left_out)
        if not missing:
            return
        calm_s, bound_s = self._from_ms // 1000, self._bound_ms // 1000
        raise Violation(
            f"{self.NAME}: not within {bound_s} s after the faults ended at {calm_s} s: {missing}"
        )

    def first_missing(self, fleet: Fleet, left_out: Container[int] = ()) -> str:
        """Return the first thing that is not well yet, "" if all is, of the agents that count."""
        for board in fleet.boards:
            agent = board.agent
            if agent is not None and agent.keeper.is_lost:
                return f"{board.name} cannot read its state"
            if agent is not None and agent.is_safe_mode:
                return f"{board.name} runs without its application"
        counted = [index for index in range(len(fleet.boards)) if index not in left_out]
        return self._missing_pair(fleet, counted) or self._missing_agreement(fleet, counted)

    def _missing_pair(self, fleet: Fleet, counted: Sequence[int]) -> str:
        now_ms, among = fleet.clock.now_ms, set(counted)
        kept = 1000 - fleet.radio.reach._loss_permille  # on the shortest path
        loss_max = 1000 - kept * (1000 - _LOSS_PERMILLE_MAX) // 1000
        for source in counted:
            reach, losses = fleet.radio.in_reach(source), fleet.radio.loss_permille(source)
            for place in range(len(reach)):
                target = reach[place]
                if losses[place] > loss_max or target not in among:
                    continue
                # Since the calm began, too: what was heard under faults says nothing.
                since_ms = max(self._from_ms, now_ms - self._recent_ms(losses[place]))
                times = self._heard_at_ms[target].get(source, [])
                if len(times) < _TIMES or times[0] < since_ms:
                    return f"{fleet.names[target]} does not hear {fleet.names[source]}"
        return ""

    def _recent_ms(self, loss_permille: int) -> int:
        """Return within how long a pair must hear each other so often, if so much is lost."""
        usual = 1000 - _LOSS_PERMILLE_MAX
        return self._windows_ms * usual // min(usual, max(1, 1000 - loss_permille))

    def _missing_agreement(self, fleet: Fleet, counted: Sequence[int]) -> str:
        if not self._agree or not counted:
            return ""
        states = fleet.states()
        for key in self._agree:
            if all(key not in states[index] for index in counted):
                return f"no agent has agent.state['{key}']"
            first = states[counted[0]].get(key)
            for index in counted[1:]:
                if _bytes(states[index].get(key)) != _bytes(first):
                    names = f"{fleet.names[counted[0]]} and {fleet.names[index]}"
                    return f"{names} do not agree on agent.state['{key}']"
        return ""


def _bytes(value: object) -> bytes:
    return cbor.encode(value, STATE_BYTES_MAX)
