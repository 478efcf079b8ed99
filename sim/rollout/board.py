"""One board of a fleet that updates: loader, slots and updater on emulated flash.

Between sessions it lives by its schedule: it wakes with its cluster, says how it is, listens for
offers, and sleeps. What its loader does is what firmware/loader does on a board.
"""

import zlib
from typing import TYPE_CHECKING, Any

from cma_toolkit.firmware.kernel.codec.frame import KIND_OFFER, KIND_REPORT
from cma_toolkit.firmware.kernel.effects import LINK_ALL
from cma_toolkit.firmware.kernel.identity import Identity
from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.release import layout, manifest, papers, talk
from cma_toolkit.firmware.kernel.release.installation import RECOVERY, Installation
from cma_toolkit.firmware.kernel.release.region import Region
from cma_toolkit.firmware.kernel.release.signs import IS_GIVEN_UP, IS_HEALTHY, Signs
from cma_toolkit.firmware.kernel.release.slots import (
    COST_ORDERLY,
    COST_POWER,
    COST_UNCLEAN,
    TRIAL,
)
from cma_toolkit.firmware.kernel.release.update import Update
from cma_toolkit.firmware.kernel.release.updater import Updater
from cma_toolkit.firmware.kernel.state.journal import Journal
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.firmware.kernel.ticks import ticks_diff
from cma_toolkit.sim.world.board import BOOT, DARK_MS, FRAME, WAKE
from cma_toolkit.sim.world.clock import ticks_at
from cma_toolkit.sim.world.hardware.flash import NorFlash, PowerCut
from cma_toolkit.sim.world.hardware.tearing import TEAR_MODES
from cma_toolkit.sim.world.span import Span

if TYPE_CHECKING:
    from cma_toolkit.sim.rollout.world import Member, World

SECTORS = layout.PARTITION_BYTES // layout.SECTOR_BYTES
NETWORK = 1
_BOOT_MS = 350
_CRASH_MS = 100  # from the start of an image that crashes to its end
_JITTER_MS = 30  # between the wakes of a cluster's boards
# From one session to the next, twice as long with each that brought nothing: kernel/offers.py
_RETRY_MS = 600_000
_DOUBLINGS_MAX = 6
_LINGER_MS = 50  # for the last report of a session to be on the air
_WINDOW_BITS = 12
_HEADER_BYTES = 14
_STARTS_MAX = 16  # of a trial, until they cost what a power loss does
_UAH_PER_UA_MS = 3_600_000


class RomfsFlash(NorFlash):
    """The partition of a board that holds loader, slots and journal."""

    sector_count = SECTORS


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
        self._tries = 0  # sessions that brought nothing, and when the next may begin
        self._retry_at_ms = 0
        self._frame_number = self._rng.below(1 << 16)
        self._cut_is_armed = False
        self._has_mark = self._wants_update = self._is_healthy = self._is_given_up = False
        self._starts = 0
        self._signs = Signs()
        self.sequence = world.conditions.sequence
        self.is_on_trial = False
        self._install()

    # --- what the world calls ---

    def start(self) -> None:
        """Have the power come."""
        self._later(self._phase_ms, self._boot_cold, COST_POWER)

    def is_listening(self) -> bool:
        """Tell whether a frame that arrives now is heard."""
        return self.radio.is_open

    def on_event(self, kind: int, data: Any) -> None:
        """Take part in what happens now."""
        try:
            if kind == FRAME:
                if self.radio.is_open:
                    self._hear(data)
            elif kind in (WAKE, BOOT) and self._at_ms == self._world.clock.now_ms == data:
                self._at_ms = -1
                act, arguments = self._next
                act(*arguments)
        except PowerCut as cut:
            self.power_cuts += 1
            self._stop()
            self._forget()
            self._later(cut.dark_ms + _BOOT_MS, self._boot_cold, COST_POWER)

    @property
    def state(self) -> str:
        """What came of it: "updated", "as it was", "on trial" or "bricked"."""
        if self._installation is not None and self._installation.running == RECOVERY:
            return "bricked"
        if self.sequence == self._world.conditions.sequence:
            return "as it was"
        return "on trial" if self.is_on_trial else "updated"

    def update_uah(self) -> int:
        """Return what updating took: sessions with the radio on, and what was sent in all."""
        world, currents = self._world, self.member.currents_ua
        listened = self.updating.total_ms(world.clock.now_ms) * currents.get("wifi_rx", 0)
        sent = world.radio.air_us(self.index) * currents.get("wifi_tx", 0) // 1000
        booted = 2 * self.updating.count * _BOOT_MS * currents.get("active", 0)
        return (listened + sent + booted) // _UAH_PER_UA_MS

    # --- the loader ---

    def _boot_cold(self, cost: int) -> None:
        self.flash.power_on()
        installation = self._open()
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
            self._run_agent()

    def _wake(self) -> None:
        """Start after deep sleep: nothing but the mark is looked at, unless it asks for more."""
        is_asked = self._wants_update or self._is_healthy or self._is_given_up
        if is_asked or not self._has_mark or self._starts >= _STARTS_MAX:
            self._boot_cold(COST_ORDERLY)
        else:
            self._run_agent()

    def _open(self) -> Installation:
        region = Region(self.flash, layout.journal_at(SECTORS), layout.JOURNAL_SECTORS)
        journal = Journal(region)
        journal.recover()
        return Installation(self.flash, JournalTable(journal), self._world.conditions.root)

    # --- the agent, as far as others see it ---

    def _run_agent(self) -> None:
        now_ms, conditions = self._world.clock.now_ms, self._world.conditions
        self.awake.turn(True, now_ms)
        if self.is_on_trial:
            self._starts += 1
        fate = conditions.fate if self.sequence == conditions.bad_sequence else ""
        if fate == "crash":
            self._later(_CRASH_MS, self._crash)
            return
        if fate != "mute":
            self.radio.turn(True, now_ms)
            self._report(talk.STAGE_TRIAL if self.is_on_trial else talk.STAGE_CONFIRMED)
        self._later(conditions.listen_ms, self._fall_asleep)

    def _crash(self) -> None:
        self._stop()
        self._later(_BOOT_MS, self._boot_cold, COST_UNCLEAN)

    def _fall_asleep(self) -> None:
        self._stop()
        if self.is_on_trial:
            verdict = self._signs.on_wake_end()
            self._is_healthy = verdict == IS_HEALTHY
            self._is_given_up = verdict == IS_GIVEN_UP
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
        if self.is_on_trial:
            self._signs.on_heard()
        if content[1] != KIND_OFFER or self._world.clock.now_ms < self._retry_at_ms:
            return
        fields = talk.read(content[1], memoryview(content)[_HEADER_BYTES:])
        class_tag = talk.tag_of(self._world.conditions.class_id)
        if fields is None or fields[talk.CLASS] != class_tag:
            return
        nodes = fields[talk.NODES]
        if fields[talk.SEQUENCE] > self.sequence and (not nodes or self.member.node in nodes):
            self._wants_update = True
            self._retry_at_ms = self._world.clock.now_ms + (_RETRY_MS << self._tries)
            self._tries = min(self._tries + 1, _DOUBLINGS_MAX)
            self._stop()
            self._later(_BOOT_MS, self._boot_cold, COST_ORDERLY)

    def _report(self, stage: int) -> None:
        fields = [self.sequence, stage, self.sequence, 1_000, self.member.battery_mv, 0]
        frame = talk.write(self._identity, KIND_REPORT, fields, self._frame_number)
        self._frame_number = (self._frame_number + 1) & 0xFFFF
        self.send(LINK_ALL, frame, len(frame))

    # --- the updater ---

    def _begin_session(self) -> None:
        world, installation = self._world, self._installation
        assert installation is not None
        now_ms = world.clock.now_ms
        self.sessions += 1
        for span in (self.awake, self.radio, self.updating):
            span.turn(True, now_ms)
        if self.member.power_cut_in and not self._cut_is_armed:
            self._cut_is_armed = True
            mode = self._rng.below(len(TEAR_MODES))
            self.flash.cut_in(self.member.power_cut_in, mode, self._rng.below(1 << 16), DARK_MS)
        conditions = world.conditions
        kind = manifest.Board((conditions.class_id,), layout.image_bytes(SECTORS), conditions.mpy)
        kind.battery_mv = self.member.battery_mv
        rng = Prng(seed_from(world.seed, "updater", self.member.node, self.sessions))
        self._machine = Updater(self._identity, rng, installation, kind, _inflate)
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
        if installation.running == RECOVERY:
            self._later(_RETRY_MS, self._boot_cold, COST_ORDERLY)
        else:
            self._later(_BOOT_MS, self._boot_cold, COST_ORDERLY)

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
        self._machine = None
        for span in (self.awake, self.radio, self.updating):
            span.turn(False, now_ms)
        self._at_ms = -1

    def _forget(self) -> None:
        """Lose what RTC memory holds."""
        self._has_mark = self._wants_update = self._is_healthy = self._is_given_up = False
        self._starts = 0
        self._signs = Signs()

    def _install(self) -> None:
        conditions, size = self._world.conditions, layout.SECTOR_BYTES
        image = conditions.image + b"\xff" * (-len(conditions.image) % size)
        at = layout.slot_at(0, SECTORS) * size
        for start in range(0, len(image), size):
            self.flash.program(at + start, image[start : start + size])
        papers.write(self.flash, layout.trailer_at(0, SECTORS), conditions.papers)


def _inflate(data: bytes, size: int) -> bytes:
    try:
        return zlib.decompressobj(-_WINDOW_BITS).decompress(data, size)
    except zlib.error as error:
        raise ValueError(str(error)) from error
