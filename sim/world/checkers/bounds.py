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
        # The neighbours that were looked at, and how many the agent counted.
        self._known: list[tuple[int, list[int]]] = [(0, [])] * len(fleet.boards)

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
            problem = self._neighbours_of(board.agent, index) or _problem_of(board.agent)
            if problem:
                self.violated(fleet, index, problem)

    def _neighbours_of(self, agent: Agent, index: int) -> str:
        near = agent.neighbours
        count, ids = self._known[index]
        if near.count == count and near.ids == ids:
            return ""  # as the last time, when it was well
        known = [node for node in near.ids if node]
        if near.count > NEIGHBOURS_MAX or near.count != len(known):
            return f"counts {near.count} neighbours of {len(known)}"
        if len(set(known)) != len(known):
            return "has one neighbour twice"
        self._known[index] = (near.count, list(near.ids))
        return ""


def _problem_of(agent: Agent) -> str:
    requests = agent.exchange.requests
    if agent.transmitter.outbox.count > OUTBOX_FRAMES_MAX:
        return f"holds {agent.transmitter.outbox.count} frames"
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
    levels, capacities = quotas._levels, quotas._capacity
    for quota in range(QUOTA_KINDS):
        level = levels[quota]
        if level > capacities[quota] and level > 0:
            return f"may use {level} of quota {quota}, beyond its burst"
    return ""
