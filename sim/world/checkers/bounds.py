"""Bounds: no queue, table or buffer of the kernel is ever fuller than `limits.py` allows."""

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.limits import (
    FRAME_BYTES_MAX,
    NEIGHBOURS_MAX,
    OUTBOX_FRAMES_MAX,
    QUOTA_KINDS,
    REQUESTS_MAX,
    STATE_BYTES_MAX,
    STATE_KEYS_MAX,
    TIMERS_MAX,
)
from cma_toolkit.firmware.kernel.timers import TIMERS_OWN
from cma_toolkit.sim.world.board import BOOT
from cma_toolkit.sim.world.checkers.base import Checker
from cma_toolkit.sim.world.fleet import Fleet

_RTC_BYTES_MAX = 1_024  # a quarter of its 4 KiB is the snapshot's
_STEPS_OF_A_BOOT = 2  # start and set_up


class Bounds(Checker):
    """Look into the agent that an event was for."""

    NAME = "bounds"

    def begin(self, fleet: Fleet) -> None:
        """Count from nothing."""
        self._sent = [0] * len(fleet.boards)  # in the present event

    def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
        """Count a frame, and look at its length."""
        self._sent[source] += 1
        if len(data) > FRAME_BYTES_MAX:
            self.violated(fleet, source, f"sends a frame of {len(data)} B")

    def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
        """Look at what the step left behind."""
        board = fleet.boards[index]
        steps = _STEPS_OF_A_BOOT if kind == BOOT else 1
        if self._sent[index] > steps * OUTBOX_FRAMES_MAX:
            self.violated(fleet, index, f"sends {self._sent[index]} frames in {steps} steps")
        self._sent[index] = 0
        if len(board.rtc) > _RTC_BYTES_MAX:
            self.violated(fleet, index, f"keeps {len(board.rtc)} B in RTC memory")
        if board.agent is not None:
            problem = _problem_of(board.agent)
            if problem:
                self.violated(fleet, index, problem)
        super().after_event(fleet, kind, index)


def _problem_of(agent: Agent) -> str:  # noqa: PLR0911 - one return per bound
    near, requests = agent.neighbours, agent.exchange.requests
    if agent.transmitter.outbox.count > OUTBOX_FRAMES_MAX:
        return f"holds {agent.transmitter.outbox.count} frames"
    if near.count > NEIGHBOURS_MAX or near.count != len(near.ids) - near.ids.count(0):
        return f"counts {near.count} neighbours of {len(near.ids) - near.ids.count(0)}"
    if len(set(near.ids)) + near.ids.count(0) - (0 in near.ids) != len(near.ids):
        return "has one neighbour twice"
    if requests is not None:
        waiting = sum(1 for number in requests._correlations if number)
        if requests.count != waiting or waiting > REQUESTS_MAX:
            return f"counts {requests.count} requests of {waiting}"
    if agent._timers.count > TIMERS_OWN + TIMERS_MAX:
        return f"has {agent._timers.count} timers"
    state = agent.keeper.state
    if len(state) > STATE_KEYS_MAX or sum(state._sizes.values()) > STATE_BYTES_MAX:
        return f"keeps {len(state)} keys of {sum(state._sizes.values())} B"
    quotas = agent.governor.quotas
    for quota in range(QUOTA_KINDS):
        if quotas._levels[quota] > max(0, quotas._capacity[quota]):
            return f"may use {quotas._levels[quota]} of quota {quota}, beyond its burst"
    return ""
