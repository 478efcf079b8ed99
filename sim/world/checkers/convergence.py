"""Convergence: once faults are over, a fleet is whole again within a stated bound.

Whole means: every agent runs its application with its state; every pair whose frames mostly arrive
hears each other again and again, so that all keep the same windows; and keys that are to agree do.
"""

from collections.abc import Sequence

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
_WINDOWS = 12  # some frames of which may be lost, and in a crowd many collide
_LOSS_PERMILLE_MAX = 300


class Convergence(Checker):
    """Wait, from an instant on, for the fleet to be whole.

    `converged_at_ms` is the instant at which it was, -1 before.
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
        self._recent_ms = _WINDOWS * period_ms
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
            missing = self.first_missing(fleet)
            if not missing:
                self.converged_at_ms = fleet.clock.now_ms
            elif fleet.clock.now_ms >= self._from_ms + self._bound_ms:
                self._fail(missing)
        super().after_event(fleet, kind, index)

    def end(self, fleet: Fleet) -> None:
        """Complain if the run ended before all was well."""
        if self.converged_at_ms < 0:
            missing = self.first_missing(fleet)
            if missing:
                self._fail(missing)
            self.converged_at_ms = fleet.clock.now_ms
        super().end(fleet)

    def _fail(self, missing: str) -> None:
        calm_s, bound_s = self._from_ms // 1000, self._bound_ms // 1000
        raise Violation(
            f"{self.NAME}: not within {bound_s} s after the faults ended at {calm_s} s: {missing}"
        )

    def first_missing(self, fleet: Fleet) -> str:
        """Return the first thing that is not well yet, "" if all is."""
        for board in fleet.boards:
            agent = board.agent
            if agent is not None and agent.keeper.is_lost:
                return f"{board.name} cannot read its state"
            if agent is not None and agent.is_safe_mode:
                return f"{board.name} runs without its application"
        return self._missing_pair(fleet) or self._missing_agreement(fleet)

    def _missing_pair(self, fleet: Fleet) -> str:
        # Since the calm began, too: what was heard under faults says nothing.
        since_ms = max(self._from_ms, fleet.clock.now_ms - self._recent_ms)
        for source in range(len(fleet.boards)):
            reach, losses = fleet.radio.in_reach(source), fleet.radio.loss_permille(source)
            for place in range(len(reach)):
                target = reach[place]
                if losses[place] > _LOSS_PERMILLE_MAX:
                    continue
                times = self._heard_at_ms[target].get(source, [])
                if len(times) < _TIMES or times[0] < since_ms:
                    return f"{fleet.names[target]} does not hear {fleet.names[source]}"
        return ""

    def _missing_agreement(self, fleet: Fleet) -> str:
        if not self._agree:
            return ""
        states = fleet.states()
        for key in self._agree:
            first = states[0].get(key)
            for index in range(1, len(states)):
                if _bytes(states[index].get(key)) != _bytes(first):
                    names = f"{fleet.names[0]} and {fleet.names[index]}"
                    return f"{names} do not agree on agent.state['{key}']"
        return ""


def _bytes(value: object) -> bytes:
    return cbor.encode(value, STATE_BYTES_MAX)
