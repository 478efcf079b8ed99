"""One emulated board: what outlives its agent, and the agent for as long as it is awake.

Flash outlives everything, RTC memory all but a loss of power, the agent nothing: deep sleep, a
reboot and a power cut delete it, and what wakes is built from the snapshot and the flash.
"""

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.effects import SLEEP_DEEP
from cma_toolkit.firmware.kernel.errors import (
    CAUSE_DEEP_SLEEP,
    CAUSE_PANIC,
    CAUSE_POWER_ON,
    CAUSE_SOFT_RESET,
    CAUSE_WATCHDOG,
    REBOOT_UPDATE,
)
from cma_toolkit.firmware.kernel.prng import seed_from
from cma_toolkit.firmware.kernel.state.table import JournalTable
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.account import Account
from cma_toolkit.sim.world.born import make_agent
from cma_toolkit.sim.world.hardware.flash import NorFlash, PowerCut
from cma_toolkit.sim.world.hardware.oscillator import draw_oscillator
from cma_toolkit.sim.world.hardware.recovered import Recovered, state_on
from cma_toolkit.sim.world.host import Host
from cma_toolkit.sim.world.lost import let_go
from cma_toolkit.sim.world.power import SUPPLY
from cma_toolkit.sim.world.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cma_toolkit.firmware.kernel.ports import Sensor
    from cma_toolkit.sim.world.fleet import Fleet

# What happens to a board, and from AIR on to the world around it.
WAKE, FRAME, UNDELIVERED, CUT, BOOT = 0, 1, 2, 3, 4
AIR, FAULT = 5, 6

DARK_MS = 2_000  # from a power cut to the boot after it
START_MS = 350  # from a wake or reset to the agent: stock MicroPython on a small root filesystem
_TURNS_MAX = 100  # at one instant: a step serves one timer of the application, of 16
_BATTERY_MS = 5_000  # from one look at the battery to the next
LINK_WIRE = 2  # heard with the radio off
_NEVER = -1
_LATE_FRAMES_MAX = 15  # full ones in the radio's buffer of 4 KiB, while a step takes its time
_WAITING_FIELDS = 2  # of such a frame: in which life of the agent it came, and what came


class Board:
    """The hardware of one agent in a fleet."""

    def __init__(self, fleet: "Fleet", index: int, node: int, battery: "Sensor") -> None:
        self.index = index
        self.name = fleet.names[index]
        self.node = node
        self.agent: Agent | None = None
        self.host = Host(fleet, self)
        self.rtc = b""  # its memory: the snapshot, while it sleeps deep
        self.flash = NorFlash()
        self.recovered = Recovered()  # what the last start found there
        clock, climate = fleet.clock, fleet.climate
        self.oscillator = draw_oscillator(clock, climate, fleet.seed, index, fleet.drift_ppm)
        self.oscillator.on_change = self._on_clock_changed
        self.is_radio_dead = False  # it sends nothing and hears nothing
        self.slow_ms = 0  # for which each step keeps it busy
        self.power = fleet.make_power(self)  # None: there is always enough of it
        self.is_dark = True  # without power
        self.release = fleet.release  # number, class, and how far its trial is
        self.is_updating = False  # and so without an agent
        self.entropy: int | None = None  # all that its random numbers come from, if given
        self._fleet = fleet
        self._has_guest = index in fleet.guests
        self._battery = battery
        self._last_status: dict[str, object] = {}
        self._account = Account()
        self._boots = 0
        self.cause = CAUSE_POWER_ON
        self._wake_at_ms = _NEVER  # events for another instant are stale
        self._boot_at_ms = _NEVER
        self._battery_at_ms = _NEVER
        self._turn_at_ms = _NEVER
        self._turns = 0  # at one instant
        self._busy_until_ms = 0  # with a step, while it is slow
        self._late = 0  # frames that wait for its end
        self._until_at_ms = 0  # in its ticks: the end of its sleep
        self.is_asleep = False
        self._asleep = Span()
        self._radio = Span()
        self._wakes = 0
        self._unheard = 0

    # --- what the fleet calls ---

    def power_on(self, at_ms: int) -> None:
        """Have the power come at an instant."""
        self._boot_later(at_ms, CAUSE_POWER_ON)

    def on_event(self, kind: int, data: "Any") -> None:
        """Take part in what happens now."""
        try:
            if self.slow_ms or self._late:
                self._take_part_late(kind, data)
            else:
                self._take_part(kind, data)
        except PowerCut as cut:
            self.cut_power(cut.dark_ms)
        except MemoryError as error:
            if error is not self.flash.failed:
                raise  # this computer's own heap
            self.crash(CAUSE_PANIC)
        if self.power is not None:
            self.power.draw()

    def _take_part(self, kind: int, data: "Any") -> None:
        now_ms = self._fleet.clock.now_ms
        agent = self.agent
        if kind == CUT:
            self.cut_power()
        elif kind == BOOT:
            if self._boot_at_ms == now_ms:
                self._boot()
        elif kind == SUPPLY:
            if self.power is not None:
                self.power.look()
        elif agent is None:
            self._unheard += kind == FRAME
        elif kind == FRAME:
            self._hear(agent, data)
        elif kind == UNDELIVERED:
            agent.on_undelivered()
            self._settle(agent)
        elif self._wake_at_ms == now_ms:
            self._wake_at_ms = _NEVER  # it may be due again at once
            self._turns = self._turns + 1 if self._turn_at_ms == now_ms else 0
            self._turn_at_ms = now_ms
            if self._turns >= _TURNS_MAX:
                raise AssertionError("an agent that is always due stops the time")
            self._rise(now_ms)
            self._measure_battery(agent)
            agent.on_time(self.ticks(), self.host)
            self._settle(agent)

    def _take_part_late(self, kind: int, data: "Any") -> None:
        clock = self._fleet.clock
        is_waiting = kind == FRAME and len(data) == _WAITING_FIELDS
        is_free = not self.slow_ms or self.agent is None or clock.now_ms >= self._busy_until_ms
        if is_free or kind in (CUT, BOOT, SUPPLY):
            if is_waiting:
                self._late -= 1
                boots, data = data
                if boots != self._boots:
                    self._unheard += 1  # it was lost with that agent
                    return
            if kind != WAKE or self._wake_at_ms == clock.now_ms:
                self._busy_until_ms = clock.now_ms + self.slow_ms
            self._take_part(kind, data)
            return
        if kind == WAKE:
            if self._wake_at_ms != clock.now_ms:
                return
            self._wake_at_ms = self._busy_until_ms
        elif kind == FRAME and not is_waiting:
            if self._late == _LATE_FRAMES_MAX or not self._hears(data[2]):
                self._unheard += 1
                return
            self._late += 1
            data = (self._boots, data)
        clock.schedule(self._busy_until_ms, kind, self.index, data)

    def _hear(self, agent: Agent, data: "tuple[int, bytes, int, int]") -> None:
        rssi_dbm, content, link, source = data
        if not self._hears(link):
            self._unheard += 1
            return
        fleet = self._fleet
        for watcher in fleet.watchers:
            watcher.arrived(fleet, source, self.index, content)
        agent.on_frame(self.ticks(), link, content, len(content), rssi_dbm, self.host)
        self._settle(agent)

    def _hears(self, link: int) -> bool:
        return self.is_listening() or (link == LINK_WIRE and not self.is_asleep)

    def is_listening(self) -> bool:
        """Tell whether a frame that arrives now is heard."""
        return (
            self.agent is not None
            and self._radio.is_open
            and not self.is_asleep
            and not self.is_radio_dead
        )

    @property
    def has_radio_on(self) -> bool:
        """Whether the agent has its radio switched on."""
        return self._radio.is_open

    def ticks(self) -> int:
        """Return what this board's clock shows; it goes on through deep sleep."""
        return self.oscillator.ticks()

    def lose_power(self) -> None:
        """Lose all but flash, now, until somebody lets the board boot."""
        self.host.trace(trace.POWER, b"")
        self.rtc = b""
        self.cause = CAUSE_POWER_ON
        self._stop()
        self.is_dark = True
        self.is_updating = False

    def cut_power(self, dark_ms: int = DARK_MS) -> None:
        """Lose all but flash, now, and boot once the power is back."""
        self.lose_power()
        self._boot_later(self._fleet.clock.now_ms + dark_ms, CAUSE_POWER_ON)
        if self.power is not None:
            self.power.draw()

    def restore_power(self) -> None:
        """Boot now, if the board waits for its power."""
        if self.is_dark:
            self._boot_later(self._fleet.clock.now_ms, CAUSE_POWER_ON)

    def boot(self, cause: int) -> None:
        """Begin to boot now."""
        self._boot_later(self._fleet.clock.now_ms + START_MS, cause)

    def restart(self) -> None:
        """Have the agent stop in order and boot again, if it is awake."""
        if self.agent is not None and not self.is_asleep:
            self.agent.reboot()
            self._wake_later(self.agent.next_wake_at_ms())

    def crash(self, cause: int = CAUSE_WATCHDOG) -> None:
        """Reset with the power on, now: RTC memory survives and the agent does not.

        A board that is dark or about to boot has nothing to crash.
        """
        is_booting = self._boot_at_ms != _NEVER and self.cause != CAUSE_DEEP_SLEEP
        if self.is_dark or is_booting:
            return
        self._stop()
        self.boot(cause)
        if self.power is not None:
            self.power.draw()

    def _stop(self) -> None:
        self._fleet.medium.silence(self.index)
        self._lose_agent()
        self.is_asleep = False
        self._asleep.turn(False, self._fleet.clock.now_ms)

    def switch_radio(self, is_on: bool) -> None:
        """Carry out the agent's effect; the others wait for the end of the step."""
        self._radio.turn(is_on, self._fleet.clock.now_ms)

    def table(self) -> JournalTable:
        """Open what the board has stored."""
        return JournalTable(self.recovered.open(self.flash, self.cause == CAUSE_DEEP_SLEEP))

    def state(self) -> dict[str, object]:
        """Return what `agent.state` holds; of who sleeps or updates what flash holds; else {}."""
        if self.agent is not None:
            return self.agent.keeper.state.as_dict()
        return state_on(self.flash) if self._will_go_on() else {}

    def status(self) -> dict[str, object]:
        """Return the agent's status, that from before its sleep, or its name only."""
        if self.agent is not None:
            return self.agent.status()
        return self._last_status if self._will_go_on() else {"name": self.name}

    def _will_go_on(self) -> bool:
        return self.is_updating or self.cause == CAUSE_DEEP_SLEEP

    def used_uah(self) -> int:
        """Return what all of its agents used; 0 for those in a process of their own."""
        self._read_account()
        return self._account.total_uah()

    def sleep(self) -> dict[str, int]:
        """Return how the board spent its time, from its first boot on.

        Units: `unheard` are the frames in reach that came while it slept or had its radio off.
        """
        now_ms = self._fleet.clock.now_ms
        return {
            "sleeps": self._asleep.count,
            "wakes": self._wakes,
            "asleep_ms": self._asleep.total_ms(now_ms),
            "radio_ms": self._radio.total_ms(now_ms),
            "unheard": self._unheard,
        }

    # --- power ---

    def _boot_later(self, at_ms: int, cause: int) -> None:
        self.cause = cause
        self._boot_at_ms = at_ms
        self._fleet.clock.schedule(at_ms, BOOT, self.index)

    def _boot(self) -> None:
        fleet, host = self._fleet, self.host
        if self.power is not None:
            if self.power.is_empty:
                return  # a cut of its power is over, and its battery is still empty
            self.power.boot(START_MS)
        self.is_dark = self.is_updating = False
        self._boots += 1
        self.flash.power_on()
        self._boot_at_ms = self._wake_at_ms = _NEVER
        self._rise(fleet.clock.now_ms - START_MS)
        self._radio.turn(True, fleet.clock.now_ms)
        host.trace(trace.BOOT, bytes([self.cause]))
        snapshot, self.rtc = self.rtc, b""
        seed = seed_from(fleet.seed, "agent", self.index, self._boots)
        entropy = seed if self.entropy is None else self.entropy
        agent = self.agent = make_agent(fleet, self, entropy)
        agent.start(self.ticks(), self.cause, snapshot or None, host)
        for watcher in () if self._has_guest else fleet.watchers:
            watcher.started(fleet, self.index)
        self._read_account()
        self._battery_at_ms = _NEVER
        self._measure_battery(agent)
        if self._settle(agent):
            agent.set_up(self.ticks(), fleet.setup, host)
            self._settle(agent)

    def _measure_battery(self, agent: Agent) -> None:
        now_ms = self._fleet.clock.now_ms
        if self._battery_at_ms == _NEVER or now_ms - self._battery_at_ms >= _BATTERY_MS:
            self._battery_at_ms = now_ms
            value = self._battery.read() if self.power is None else self.power.millivolts()
            agent.on_battery(value if isinstance(value, int) else 0)

    def _settle(self, agent: Agent) -> bool:
        """Carry out what the step asked for; tell whether the agent is still awake."""
        host, clock = self.host, self._fleet.clock
        if self.slow_ms:
            agent.on_spent(self.ticks(), self.slow_ms)
        reason, depth, until_at_ms = host.take_wishes()
        if reason:
            self.is_updating = reason == REBOOT_UPDATE
            busy_ms = 0
            if self.is_updating:
                self._last_status = agent.status()
                busy_ms = self._fleet.serve(self.index) + START_MS
            self._lose_agent()
            self._boot_later(clock.now_ms + busy_ms + START_MS, CAUSE_SOFT_RESET)
            return False
        if not depth:
            if not self.is_asleep:
                self._wake_later(agent.next_wake_at_ms())
            return not self.is_asleep
        self._asleep.turn(True, clock.now_ms)
        self._until_at_ms = until_at_ms
        if depth != SLEEP_DEEP:
            self.is_asleep = True
            self._wake_later(until_at_ms)
            return False
        buffer = bytearray(agent.snapshot_bytes)
        length = agent.hibernate(self.ticks(), buffer)
        self.rtc = bytes(memoryview(buffer)[:length])
        self._last_status = agent.status()
        self._lose_agent()
        self._boot_later(self.oscillator.when(until_at_ms) + START_MS, CAUSE_DEEP_SLEEP)
        return False

    def _wake_later(self, ticks: int) -> None:
        at_ms = self.oscillator.when(ticks)
        if self._wake_at_ms != at_ms:
            self._wake_at_ms = at_ms
            self._fleet.clock.schedule(at_ms, WAKE, self.index)

    def _on_clock_changed(self) -> None:
        """Wake when the clock shows the instant that was asked for, in its new way of going."""
        if self.agent is not None:
            until_at_ms = self._until_at_ms if self.is_asleep else self.agent.next_wake_at_ms()
            self._wake_later(until_at_ms)
        elif self._boot_at_ms != _NEVER and self.cause == CAUSE_DEEP_SLEEP:
            self._boot_later(self.oscillator.when(self._until_at_ms) + START_MS, self.cause)

    def _rise(self, at_ms: int) -> None:
        self._wakes += self._asleep.is_open
        self.is_asleep = False
        self._asleep.turn(False, at_ms)

    def _read_account(self) -> None:
        if self.agent is not None and not self._has_guest:
            self._account.read(self.agent)

    def _lose_agent(self) -> None:
        self._read_account()
        agent, self.agent = self.agent, None
        if agent is not None and not self._has_guest:
            let_go(agent)
        self.host.take_wishes()  # nobody is there any more to have them
        self._wake_at_ms = self._boot_at_ms = _NEVER
        self._radio.turn(False, self._fleet.clock.now_ms)
