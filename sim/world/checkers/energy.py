"""Energy: no agent sleeps with its radio on, and its own account is that of its hardware.

The account here follows from what a board was told to do and for how long it did so; the agent's
is read from the agent. In each power state they may differ by a tenth and one uAh: in the sum, the
receiver would hide all others. What is sent is that of the air:
frames that the radio sends again, and its acknowledgements, no agent knows of, nor that a dead
radio sent nothing; that much is added to the agent's account first. A board whose clock or pace a
fault has changed is left out until it boots without such a fault: it cannot know better.
"""

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec import cbor
from cma_toolkit.firmware.kernel.config import (
    STATE_ACTIVE,
    STATE_DEEP_SLEEP,
    STATE_LIGHT_SLEEP,
    STATE_NAMES,
    STATE_RX,
    STATE_TX,
)
from cma_toolkit.firmware.kernel.effects import SLEEP_DEEP
from cma_toolkit.firmware.kernel.errors import CAUSE_DEEP_SLEEP, EVENT_STARTED
from cma_toolkit.firmware.kernel.ticks import ticks_diff
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.board import START_MS, WAKE
from cma_toolkit.sim.world.checkers.base import Checker
from cma_toolkit.sim.world.faults.base import Fault
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.medium.airtime import frame_us

_COMPARE_MS = 60_000
_NC_PER_UAH = 3_600_000
_STATES = len(STATE_NAMES)
_LEFT_OUT = ("clock-drift", "clock-jump", "slow-node")


class Energy(Checker):
    """Keep a second account of every agent."""

    NAME = "energy"

    def begin(self, fleet: Fleet) -> None:
        """Know of no agent yet."""
        self._currents_ua = fleet.config.currents_ua
        self._radio = fleet.radio
        self._accounts = [_Account(index) for index in range(len(fleet.boards))]

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
                self._enter(account, now_ms - START_MS, STATE_ACTIVE)
            account.has_radio = True
            self._enter(account, now_ms, STATE_RX)
        elif kind == trace.REPORT and _numbers(content)[0] == EVENT_STARTED:
            self._send(account)
            account.start(now_ms)
            account.is_comparable = not any(
                fault.NAME in _LEFT_OUT and _agent_of(fault) == index
                for fault in fleet.active_faults
            )
        elif kind == trace.SEND and not fleet.medium.is_listening(index):
            # A dead radio: the agent counts what does not leave.
            account.unknown_nc -= self._over_ua(account) * frame_us(len(content)) // 1000

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
                self._compare(fleet, agent, account)

    def fault(self, fleet: Fleet, name: str, text: str, is_on: bool) -> None:
        """Leave a board out whose clock or pace is wrong."""
        for fault in fleet.active_faults if name in _LEFT_OUT else ():
            if name == fault.NAME:
                self._accounts[_agent_of(fault)].is_comparable = False

    def _enter(self, account: "_Account", now_ms: int, state: int) -> None:
        self._send(account)
        span_ms = max(0, now_ms - account.since_ms)
        account.used_nc[account.state] += self._currents_ua[account.state] * span_ms
        account.since_ms = max(account.since_ms, now_ms)
        account.state = state

    def _send(self, account: "_Account") -> None:
        """Charge what the board sent since the last call, beyond what it takes anyhow."""
        air_us = self._radio.air_us(account.index)
        if air_us == account.air_us:
            return
        again_us, over_ua = self._radio.again_us(account.index), self._over_ua(account)
        account.used_nc[STATE_TX] += over_ua * (air_us - account.air_us) // 1000
        account.unknown_nc += over_ua * (again_us - account.again_us) // 1000
        account.air_us, account.again_us = air_us, again_us

    def _over_ua(self, account: "_Account") -> int:
        return max(0, self._currents_ua[STATE_TX] - self._currents_ua[account.state])

    def _compare(self, fleet: Fleet, agent: Agent, account: "_Account") -> None:
        energy = agent.governor.energy
        ticks = fleet.boards[account.index].ticks()
        open_ms = max(0, ticks_diff(ticks, energy._since_ms))
        for state in range(_STATES):
            known_nc = energy.uah[state] * _NC_PER_UAH + energy.rest_nc[state]
            if state == energy._state:
                known_nc += energy._currents_ua[state] * open_ms
            if state == STATE_TX:
                known_nc += account.unknown_nc
            used_nc = account.used_nc[state]
            if abs(known_nc - used_nc) > used_nc // 10 + _NC_PER_UAH:
                known_uah, used_uah = known_nc // _NC_PER_UAH, used_nc // _NC_PER_UAH
                said = (
                    f"counts {known_uah} uAh of {STATE_NAMES[state]}, its hardware used {used_uah}"
                )
                self.violated(fleet, account.index, said)
                return


class _Account:
    """What one board used since its last boot that was no wake."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.state = STATE_ACTIVE
        self.has_radio = False
        self.since_ms = 0
        self.used_nc = [0] * _STATES
        self.unknown_nc = 0  # of what it sent, to the agent
        self.air_us = self.again_us = 0  # that was charged
        self.until_at_ms = 0  # on its own clock, of its light sleep
        self.compared_at_ms = 0
        self.is_comparable = False

    def start(self, now_ms: int) -> None:
        """Begin anew with the agent."""
        self.used_nc, self.unknown_nc = [0] * _STATES, 0
        self.since_ms = self.compared_at_ms = now_ms


def _agent_of(fault: Fault) -> int:
    agent: int = getattr(fault, "agent", 0)
    return agent


def _numbers(content: bytes) -> tuple[int, int]:
    fields = cbor.decode(content)
    assert isinstance(fields, list)
    first, second = fields
    assert isinstance(first, int) and isinstance(second, int)
    return first, second
