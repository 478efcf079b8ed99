"""One board of a fleet that updates: loader, slots and updater on emulated flash.

Between sessions it runs its agent, or lives by a schedule alone where no application is given: it
wakes with its cluster, says how it is, listens for offers, and sleeps. What its loader does is
what firmware/loader does on a board.
"""

from typing import TYPE_CHECKING, Any

from cma_toolkit.firmware.kernel.codec.frame import KIND_REPORT
from cma_toolkit.firmware.kernel.effects import LINK_ALL, SLEEP_DEEP
from cma_toolkit.firmware.kernel.errors import (
    CAUSE_DEEP_SLEEP,
    CAUSE_PANIC,
    CAUSE_POWER_ON,
    CAUSE_SOFT_RESET,
    REBOOT_UPDATE,
)
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.release import talk
from cma_toolkit.firmware.kernel.release.budget import BOOT_MS
from cma_toolkit.firmware.kernel.release.installation import RECOVERY, Installation
from cma_toolkit.firmware.kernel.release.signs import IS_GIVEN_UP, IS_HEALTHY, Signs
from cma_toolkit.firmware.kernel.release.slots import (
    COST_ORDERLY,
    COST_POWER,
    COST_UNCLEAN,
    TRIAL,
)
from cma_toolkit.firmware.kernel.release.update import Update
from cma_toolkit.firmware.kernel.release.updater import Updater
from cma_toolkit.firmware.kernel.ticks import ticks_diff
from cma_toolkit.sim.rollout.life import Life
from cma_toolkit.sim.rollout.offers import is_offered
from cma_toolkit.sim.rollout.partition import (
    RomfsFlash,
    budget_of,
    inflate,
    install,
    kind_of,
    open_installation,
)
from cma_toolkit.sim.world.board import BOOT, DARK_MS, FRAME, START_MS, WAKE
from cma_toolkit.sim.world.clock import ticks_at
from cma_toolkit.sim.world.hardware.flash import PowerCut
from cma_toolkit.sim.world.hardware.tearing import TEAR_MODES
from cma_toolkit.sim.world.span import Span

if TYPE_CHECKING:
    from cma_toolkit.firmware.kernel.agent import Agent
    from cma_toolkit.sim.rollout.world import Member, World

NETWORK = 1
_JUDGE_MS = 60_000  # from one look at a trial to the next, of an agent that does not sleep deep
_CRASH_MS = 100  # from the start of an image that crashes to its end
_FIRST_MS = 1_000  # in which agents boot for the first time
_JITTER_MS = 30  # between the wakes of a cluster's boards
# From one session to the next, twice as long with each that brought nothing: kernel/offers.py
_RETRY_MS = 600_000
_DOUBLINGS_MAX = 6
_LINGER_MS = 50  # for the last report of a session to be on the air
_STARTS_MAX = 16  # of a trial, until they cost what a power loss does
_UAH_PER_UA_MS = 3_600_000


class Board:
    """The hardware of one board, and what runs on it."""

    def __init__(self, world: "World", index: int, member: "Member", cluster: int) -> None:
        self.index = index
        self.member = member
        self.power = None
        self.sessions = 0
        self.power_cuts = 0
        self.radio = Span()
        self.awake = Span()
        self.updating = Span()
        self.flash = RomfsFlash()
        self._world = world
        self._rng = Prng(seed_from(world.seed, "board", member.node))
        cluster_rng = Prng(seed_from(world.seed, "cluster", cluster))
        self._phase_ms = cluster_rng.below(member.wake_period_ms) + self._rng.below(_JITTER_MS)
        self._identity = Identity(str(member.node), member.node, NETWORK, "world")
        self._at_ms = -1  # of the event that is waited for
        self._next: Any = None  # what then happens
        self._machine: Updater | None = None
        self._installation: Installation | None = None
        self._sent_us = self._sent_before_us = 0  # in sessions; in all, before this one
        self._tries = 0  # sessions that brought nothing, and when the next may begin
        self._retry_at_ms = 0
        self._powered_at_ms = 0  # since when the RTC goes
        self._frame_number = self._rng.below(1 << 16)
        self._cut_is_armed = False
        self._judged_at_ms = 0
        has_agent = world.conditions.setup is not None
        self._life = Life(self, world.clock, world.seed) if has_agent else None
        self._has_mark = self._wants_update = self._is_healthy = self._is_given_up = False
        self._starts = 0
        self._signs = Signs()
        self.sequence = world.conditions.sequence
        self.is_on_trial = False
        install(self.flash, world.conditions)

    # --- what the world calls ---

    def start(self) -> None:
        """Have the power come."""
        spread_ms = _FIRST_MS if self._life else self.member.wake_period_ms
        self._later(self._phase_ms % spread_ms, self._boot_cold, COST_POWER, CAUSE_POWER_ON)

    def is_listening(self) -> bool:
        """Tell whether a frame that arrives now is heard."""
        is_asleep = self._life is not None and self._life.is_asleep
        return self.radio.is_open and not is_asleep

    def on_event(self, kind: int, data: Any) -> None:
        """Take part in what happens now."""
        try:
            if kind == FRAME:
                if self.is_listening():
                    self._hear(data)
            elif kind in (WAKE, BOOT) and self._at_ms == self._world.clock.now_ms == data:
                self._at_ms = -1
                act, arguments = self._next
                act(*arguments)
        except PowerCut as cut:
            self.power_cuts += 1
            self._stop()
            self._forget()
            self._later(cut.dark_ms + START_MS, self._boot_cold, COST_POWER, CAUSE_POWER_ON)

    @property
    def state(self) -> str:
        """What came of it: "updated", "as it was", "on trial" or "bricked"."""
        if self._installation is not None and self._installation.running == RECOVERY:
            return "bricked"
        if self.sequence == self._world.conditions.sequence:
            return "as it was"
        return "on trial" if self.is_on_trial else "updated"

    def update_uah(self) -> int:
        """Return what updating took: sessions with the radio on, what was sent in them, boots."""
        world, currents = self._world, self.member.currents_ua
        listened = self.updating.total_ms(world.clock.now_ms) * currents.get("wifi_rx", 0)
        sent = self._sent_us * currents.get("wifi_tx", 0) // 1000
        booted = 2 * self.updating.count * BOOT_MS * currents.get("active", 0)
        return (listened + sent + booted) // _UAH_PER_UA_MS

    @property
    def errors(self) -> int:
        """How often its application raised."""
        return self._life.errors if self._life else 0

    # --- the loader ---

    def _boot_cold(self, cost: int, cause: int) -> None:
        self.flash.power_on()
        installation = open_installation(self.flash, self._world.conditions.root)
        if self._is_healthy:
            installation.confirm()
        if self._is_given_up:
            installation.give_up()
        self._is_healthy = self._is_given_up = False
        if self._starts >= _STARTS_MAX:
            self._starts, cost = 0, max(cost, COST_POWER)
        slot = installation.boot(cost)
        self._installation = installation
        if slot == RECOVERY:
            self._begin_session()
            return
        chosen = installation.slots[slot]
        if chosen.sequence != self.sequence:
            self._tries = 0
        self.sequence, self.is_on_trial = chosen.sequence, chosen.state == TRIAL
        self._has_mark = True
        wants_update, self._wants_update = self._wants_update, False
        if wants_update:
            self._begin_session()
        else:
            self._run(cause)

    def _wake(self) -> None:
        """Start after deep sleep: nothing but the mark is looked at, unless it asks for more."""
        is_asked = self._wants_update or self._is_healthy or self._is_given_up
        if is_asked or not self._has_mark or self._starts >= _STARTS_MAX:
            self._boot_cold(COST_ORDERLY, CAUSE_DEEP_SLEEP)
        else:
            self._run(CAUSE_DEEP_SLEEP)

    # --- the agent, as far as others see it ---

    def _run(self, cause: int) -> None:
        now_ms, conditions = self._world.clock.now_ms, self._world.conditions
        self.awake.turn(True, now_ms)
        if self.is_on_trial:
            self._starts += 1
        fate = conditions.fate if self.sequence == conditions.bad_sequence else ""
        if fate == "crash":
            self._later(_CRASH_MS, self._crash)
            return
        if self._life is not None and not fate:
            self._run_agent(self._life, cause)
            return
        if fate != "mute":
            self.radio.turn(True, now_ms)
            self._report(talk.STAGE_TRIAL if self.is_on_trial else talk.STAGE_CONFIRMED)
        self._later(conditions.listen_ms, self._fall_asleep)

    def _crash(self) -> None:
        self._stop()
        self._later(START_MS, self._boot_cold, COST_UNCLEAN, CAUSE_PANIC)

    def _fall_asleep(self) -> None:
        self._stop()
        self._judge()
        now_ms, period_ms = self._world.clock.now_ms, self.member.wake_period_ms
        self._later(period_ms - (now_ms - self._phase_ms) % period_ms, self._wake)

    def _hear(self, data: Any) -> None:
        rssi_dbm, content, link, _source = data
        machine = self._machine
        if machine is not None:
            ticks = ticks_at(self._world.clock.now_ms)
            machine.on_frame(ticks, link, content, len(content), rssi_dbm, self)
            self._settle()
            return
        if self._life is not None and self._life.agent is not None:
            agent, life = self._life.agent, self._life
            ticks = ticks_at(self._world.clock.now_ms)
            agent.on_frame(ticks, link, content, len(content), rssi_dbm, life)
            self._follow(life, agent)
            return
        if self.is_on_trial:
            self._signs.on_heard()
        class_id, node = self._world.conditions.class_id, self.member.node
        is_due = self._world.clock.now_ms >= self._retry_at_ms
        if is_due and is_offered(content, class_id, self.sequence, node):
            self._wants_update = True
            self._retry_at_ms = self._world.clock.now_ms + (_RETRY_MS << self._tries)
            self._tries = min(self._tries + 1, _DOUBLINGS_MAX)
            self._stop()
            self._later(START_MS, self._boot_cold, COST_ORDERLY, CAUSE_SOFT_RESET)

    def _report(self, stage: int) -> None:
        fields = [self.sequence, stage, self.sequence, 1_000, self.member.battery_mv, 0, 0]
        frame = talk.write(self._identity, KIND_REPORT, fields, self._frame_number)
        self._frame_number = (self._frame_number + 1) & 0xFFFF
        self.send(LINK_ALL, frame, len(frame))

    def _judge(self) -> None:
        if self.is_on_trial:
            verdict = self._signs.on_wake_end()
            self._is_healthy = verdict == IS_HEALTHY
            self._is_given_up = verdict == IS_GIVEN_UP

    def _judge_agent(self, agent: "Agent") -> None:
        self._judged_at_ms = self._world.clock.now_ms
        if agent.neighbours.count:
            self._signs.on_heard()
        self._judge()

    def _run_agent(self, life: Life, cause: int) -> None:
        stage = talk.STAGE_TRIAL if self.is_on_trial else talk.STAGE_CONFIRMED
        release = self.sequence, talk.tag_of(self._world.conditions.class_id), stage
        agent = life.begin(self._identity, release, cause == CAUSE_DEEP_SLEEP)
        self.radio.turn(True, self._world.clock.now_ms)
        snapshot, life.snapshot = life.snapshot, b""
        ticks = ticks_at(self._world.clock.now_ms)
        agent.start(ticks, cause, snapshot or None, life)
        setup = self._world.conditions.setup
        if self._follow(life, agent) and setup is not None:
            agent.set_up(ticks, setup, life)
            self._follow(life, agent)

    def _step_agent(self, life: Life, agent: "Agent") -> None:
        life.is_asleep = False
        if self._world.clock.now_ms - self._judged_at_ms >= _JUDGE_MS:
            self._judge_agent(agent)
            if self._is_healthy or self._is_given_up:  # its loader hears of it in no other way
                self._stop()
                self._later(START_MS, self._boot_cold, COST_ORDERLY, CAUSE_SOFT_RESET)
                return
        agent.on_time(ticks_at(self._world.clock.now_ms), life)
        self._follow(life, agent)

    def _follow(self, life: Life, agent: "Agent") -> bool:
        """Carry out what the agent's step asked for; tell whether it is still awake."""
        ticks = ticks_at(self._world.clock.now_ms)
        reason, depth, until_at_ms = life.take_wishes()
        if reason:
            self._wants_update = reason == REBOOT_UPDATE
            self._stop()
            self._later(START_MS, self._boot_cold, COST_ORDERLY, CAUSE_SOFT_RESET)
            return False
        if not depth:
            wait_ms = ticks_diff(agent.next_wake_at_ms(), ticks)
            self._later(max(0, wait_ms), self._step_agent, life, agent)
            return True
        if depth == SLEEP_DEEP:
            self._judge_agent(agent)
            life.hibernate(ticks)
            self._stop()
            self._later(max(0, ticks_diff(until_at_ms, ticks)) + START_MS, self._wake)
        else:
            life.is_asleep = True
            self._later(max(1, ticks_diff(until_at_ms, ticks)), self._step_agent, life, agent)
        return False

    # --- the updater ---

    def _begin_session(self) -> None:
        world, installation = self._world, self._installation
        assert installation is not None
        now_ms = world.clock.now_ms
        budget = budget_of(installation, self.member.currents_ua, now_ms - self._powered_at_ms)
        if budget is None:
            self._end_session()
            return
        self.sessions += 1
        self._sent_before_us = world.radio.air_us(self.index)
        for span in (self.awake, self.radio, self.updating):
            span.turn(True, now_ms)
        if self.member.power_cut_in and not self._cut_is_armed:
            self._cut_is_armed = True
            mode = self._rng.below(len(TEAR_MODES))
            self.flash.cut_in(self.member.power_cut_in, mode, self._rng.below(1 << 16), DARK_MS)
        kind = kind_of(world.conditions, self.member.battery_mv)
        rng = Prng(seed_from(world.seed, "updater", self.member.node, self.sessions))
        self._machine = Updater(self._identity, rng, installation, kind, inflate, budget)
        self._machine.start(ticks_at(now_ms), self)
        self._settle()

    def _step(self) -> None:
        machine = self._machine
        assert machine is not None
        machine.on_time(ticks_at(self._world.clock.now_ms), self)
        self._settle()

    def _settle(self) -> None:
        machine = self._machine
        if machine is None:
            return
        if machine.outcome:
            if self._next[0] != self._end_session:
                self._later(_LINGER_MS, self._end_session)
            return
        now_ms = self._world.clock.now_ms
        wait_ms = ticks_diff(machine.next_wake_at_ms(), ticks_at(now_ms))
        self._later(max(1, wait_ms), self._step)

    def _end_session(self) -> None:
        installation = self._installation
        assert installation is not None
        if Update(installation).start():
            self._signs, self._starts = Signs(), 0
        self._stop()
        span_ms = _RETRY_MS if installation.running == RECOVERY else START_MS
        self._later(span_ms, self._boot_cold, COST_ORDERLY, CAUSE_SOFT_RESET)

    # --- effects ---

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Let a frame out."""
        self._world.medium.transmit(self.index, link, bytes(buffer[:length]))

    def done(self, outcome: int) -> None:
        """Take the end of a session: it is looked at when the step is over."""

    # --- time and power ---

    def _later(self, span_ms: int, act: Any, *arguments: Any) -> None:
        clock = self._world.clock
        self._next = act, arguments
        at_ms = clock.now_ms + span_ms
        if self._at_ms != at_ms:
            self._at_ms = at_ms
            clock.schedule(at_ms, WAKE, self.index, at_ms)

    def _stop(self) -> None:
        now_ms = self._world.clock.now_ms
        self._world.medium.silence(self.index)
        if self._machine is not None:
            self._sent_us += self._world.radio.air_us(self.index) - self._sent_before_us
        self._machine = None
        if self._life is not None:
            self._life.end()
        for span in (self.awake, self.radio, self.updating):
            span.turn(False, now_ms)
        self._at_ms = -1

    def _forget(self) -> None:
        """Lose what RTC memory holds."""
        self._has_mark = self._wants_update = self._is_healthy = self._is_given_up = False
        self._starts = 0
        self._powered_at_ms = self._world.clock.now_ms
        self._signs = Signs()
        if self._life is not None:
            self._life.snapshot = b""
