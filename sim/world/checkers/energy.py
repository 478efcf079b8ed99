"""Energy: no agent sleeps with its radio on, and its own account is that of its hardware.

The account here follows from what a board was told to do and for how long it did so; the agent's
is read from the agent. They may differ by a tenth and a little. A board whose clock or pace a
fault has changed is left out until it boots: it cannot know better.
"""

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.config import (
    STATE_ACTIVE,
    STATE_DEEP_SLEEP,
    STATE_LIGHT_SLEEP,
    STATE_RX,
    STATE_TX,
)
from cma_toolkit.firmware.kernel.effects import SLEEP_DEEP
from cma_toolkit.firmware.kernel.errors import CAUSE_DEEP_SLEEP, EVENT_STARTED
from cma_toolkit.firmware.kernel.ticks import ticks_diff
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.board import WAKE
from cma_toolkit.sim.world.checkers.base import Checker
from cma_toolkit.sim.world.fleet import Fleet

_COMPARE_MS = 60_000
_BOOT_MS = 350  # of which the agent learns by waking
_UC_PER_UAH = 3_600
_SLACK_UC = 20 * _UC_PER_UAH
_PREAMBLE_US, _AROUND_BYTES = 192, 43
_LEFT_OUT = ("clock-drift", "clock-jump", "slow-node")


class Energy(Checker):
    """Keep a second account of every agent."""

    NAME = "energy"

    def begin(self, fleet: Fleet) -> None:
        """Know of no agent yet."""
        self._currents_ua = fleet.config.currents_ua
        self._accounts = [_Account() for _ in fleet.boards]

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        """Follow what the board is told to do."""
        account, now_ms = self._accounts[index], fleet.clock.now_ms
        if kind == trace.RADIO:
            account.has_radio = content[0] == 1
            self._enter(account, now_ms, STATE_RX if account.has_radio else STATE_ACTIVE)
        elif kind == trace.SLEEP:
            if account.has_radio:
                self.violated(fleet, index, "falls asleep with its radio on")
            account.until_at_ms, depth = _numbers(content)
            is_deep = depth == SLEEP_DEEP
            self._enter(account, now_ms, STATE_DEEP_SLEEP if is_deep else STATE_LIGHT_SLEEP)
        elif kind == trace.BOOT:
            if content[0] == CAUSE_DEEP_SLEEP:
                self._enter(account, now_ms - _BOOT_MS, STATE_ACTIVE)
            account.has_radio = True
            self._enter(account, now_ms, STATE_RX)
        elif kind == trace.REPORT and _numbers(content)[0] == EVENT_STARTED:
            account.start(now_ms)
            account.is_comparable = not fleet.boards[index].slow_ms
        elif kind == trace.SEND:
            over_ua = self._currents_ua[STATE_TX] - self._currents_ua[account.state]
            air_us = _PREAMBLE_US + 8 * (_AROUND_BYTES + len(content))
            account.used_nc += max(0, over_ua) * air_us // 1000

    def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
        """Compare the two accounts, once in a while."""
        account, now_ms = self._accounts[index], fleet.clock.now_ms
        board = fleet.boards[index]
        agent = board.agent
        is_wake = kind == WAKE and account.state == STATE_LIGHT_SLEEP
        if is_wake and ticks_diff(board.ticks(), account.until_at_ms) >= 0:
            self._enter(account, now_ms, STATE_ACTIVE)
        if agent is not None and now_ms - account.compared_at_ms >= _COMPARE_MS:
            account.compared_at_ms = now_ms
            if agent.governor.energy.is_known and account.is_comparable:
                self._enter(account, now_ms, account.state)
                self._compare(fleet, index, agent, account.used_nc // 1000)
        super().after_event(fleet, kind, index)

    def fault(self, fleet: Fleet, name: str, text: str, is_on: bool) -> None:
        """Leave a board out whose clock or pace is wrong."""
        for fault in fleet.active_faults if name in _LEFT_OUT else ():
            if name == fault.NAME:
                self._accounts[getattr(fault, "agent", 0)].is_comparable = False

    def _enter(self, account: "_Account", now_ms: int, state: int) -> None:
        span_ms = max(0, now_ms - account.since_ms)
        account.used_nc += self._currents_ua[account.state] * span_ms
        account.since_ms = max(account.since_ms, now_ms)
        account.state = state

    def _compare(self, fleet: Fleet, index: int, agent: Agent, used_uc: int) -> None:
        energy = agent.governor.energy
        open_ms = max(0, ticks_diff(fleet.boards[index].ticks(), energy._since_ms))
        open_uc = energy._currents_ua[energy._state] * open_ms // 1000
        known_uc = sum(energy.uah) * _UC_PER_UAH + sum(energy.rest_nc) // 1000 + open_uc
        if abs(known_uc - used_uc) > used_uc // 10 + _SLACK_UC:
            known_uah, used_uah = known_uc // _UC_PER_UAH, used_uc // _UC_PER_UAH
            self.violated(fleet, index, f"counts {known_uah} uAh, its hardware used {used_uah}")


class _Account:
    """What one board used since its last boot that was no wake."""

    def __init__(self) -> None:
        self.state = STATE_ACTIVE
        self.has_radio = False
        self.since_ms = 0
        self.used_nc = 0
        self.until_at_ms = 0  # on its own clock, of its light sleep
        self.compared_at_ms = 0
        self.is_comparable = False

    def start(self, now_ms: int) -> None:
        """Begin anew with the agent."""
        self.used_nc, self.since_ms, self.compared_at_ms = 0, now_ms, now_ms


def _numbers(content: bytes) -> tuple[int, int]:
    fields = cbor.decode(content)
    assert isinstance(fields, list)
    first, second = fields
    assert isinstance(first, int) and isinstance(second, int)
    return first, second
