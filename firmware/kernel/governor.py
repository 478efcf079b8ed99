"""What an agent may still use: every effect that costs something is paid for here.

Stands between the machines and the driver: what they hand out passes through it.

Input    on_battery(mv), on_spent(span), can_say(kind), may_run(writes), the effects
Effects  out.send, out.radio, out.sleep
Bounds   `limits.Quotas`, the energy of a day, the mode of the battery
"""

from .codec import frame
from .config import STATE_ACTIVE, STATE_DEEP_SLEEP, STATE_LIGHT_SLEEP, STATE_RX
from .effects import SLEEP_DEEP
from .errors import DROP_ENERGY, DROP_QUOTA, EVENT_POWER_MODE
from .health import meters
from .limits import (
    FRAME_BYTES_MAX,
    QUOTA_AIR_MS,
    QUOTA_ALARMS,
    QUOTA_CPU_MS,
    QUOTA_ENERGY_NAH,
    QUOTA_FLASH_BYTES,
    QUOTA_OUT,
    Quotas,
)
from .mesh.neighbours import Neighbours
from .power.energy import Energy
from .power.modes import Modes
from .ticks import ticks_add

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .config import Config
    from .effects import Effects


class Governor:
    """The one that says no."""

    out: "Effects"  # the driver's, of the present step

    def __init__(self, config: "Config", counters: meters.Meters, neighbours: Neighbours) -> None:
        self.now_ms = 0
        self.battery_mv = 0
        self.quotas = Quotas()
        self.modes = Modes(config.saving_mv, config.critical_mv, config.dormant_mv)
        self.energy = Energy(config.currents_ua, config.budget_uah_per_day, self.quotas)
        self._meters = counters
        self._neighbours = neighbours
        self.is_mode_new = False

    def on_battery(self, millivolts: int) -> bool:
        """Take in a voltage, 0 if there is none to measure; tell whether the mode changed."""
        self.battery_mv = millivolts
        if not self.modes.on_battery(millivolts):
            return False
        self.is_mode_new = True
        return True

    def on_spent(self, span_ms: int) -> None:
        """Take note of how long a step took."""
        self.quotas.charge(self.now_ms, QUOTA_CPU_MS, span_ms)
        self.energy.worked(self.now_ms, span_ms)

    def begin(self, radio_is_on: bool) -> None:
        """Begin the account after a boot that is no wake."""
        self.energy.begin(self.now_ms, STATE_RX if radio_is_on else STATE_ACTIVE)

    def wake(self, boot_ms: int) -> None:
        """Charge the sleep as one, and the boot after it as work."""
        self.energy.enter(ticks_add(self.now_ms, -boot_ms), STATE_ACTIVE)
        self.settle(radio_is_on=False)

    def settle(self, radio_is_on: bool) -> None:
        """Charge what the present state took until now."""
        self.energy.enter(self.now_ms, STATE_RX if radio_is_on else STATE_ACTIVE)

    def report(self) -> None:
        """Tell the driver of a new mode."""
        self.is_mode_new = False
        self.out.report(EVENT_POWER_MODE, self.modes.mode)

    def may_run(self, writes: bool) -> bool:
        """Tell whether a handler may run; `writes`: it may change what has to be on flash."""
        if not self.modes.has_timers or not self.quotas.is_open(self.now_ms, QUOTA_CPU_MS):
            return False
        return not writes or self.may_write()

    def may_write(self) -> bool:
        """Tell whether this hour has flash left."""
        return self.quotas.is_open(self.now_ms, QUOTA_FLASH_BYTES)

    def may_listen(self) -> bool:
        """Tell whether others may keep the radio on: not once this hour has no energy left."""
        return self.quotas.level(self.now_ms, QUOTA_ENERGY_NAH) > 0

    def on_written(self, size_bytes: int) -> None:
        """Take note of what was programmed."""
        self.quotas.charge(self.now_ms, QUOTA_FLASH_BYTES, size_bytes)

    def can_say(self, kind: int) -> bool:
        """Tell whether this day has the energy for a frame of the application; count if not."""
        if self.energy.afford(self.now_ms, self.energy.send_nah(FRAME_BYTES_MAX)):
            return True
        self._meters.drop(DROP_ENERGY, kind)
        return False

    def alarm(self, event_id: int, value: int) -> None:
        """Report what a peer can provoke, so many times an hour."""
        if self.quotas.take(self.now_ms, QUOTA_ALARMS, 1):
            self.out.report(event_id, value)

    # --- effects ---

    def send(self, link: int, buffer: bytearray, length: int) -> bool:
        """Let a frame out if this hour has air time and this day has energy left; tell if it had.

        What goes to one neighbour draws on that one's share first: who asks without end for
        answers cannot take the air from others.
        """
        quotas, now_ms, energy = self.quotas, self.now_ms, self.energy
        air_ms = 1 + length // 125  # 1 Mbit/s, preamble and gap included
        kind = buffer[1]
        row = self._neighbours.find(frame.read_target(buffer))
        if not quotas.take(now_ms, QUOTA_OUT, 1, row) or not quotas.take(
            now_ms, QUOTA_AIR_MS, air_ms, row
        ):
            self._meters.drop(DROP_QUOTA, kind)
            return False
        if energy.is_known:
            # A tuple of names to look in would be made anew, and on the heap, at each frame.
            if kind != frame.KIND_MESSAGE and kind != frame.KIND_REQUEST:  # noqa: PLR1714
                # For these two `can_say` took it when the application asked.
                is_control = kind == frame.KIND_ANNOUNCE or kind == frame.KIND_TELEMETRY  # noqa: PLR1714
                if not energy.afford(now_ms, energy.send_nah(length), is_control):
                    self._meters.drop(DROP_ENERGY, kind)
                    return False
            energy.sent(length)
        self._meters.add(meters.SENT)
        self.out.send(link, buffer, length)
        return True

    def radio(self, is_on: bool) -> None:
        """Switch the radio."""
        self.settle(is_on)
        self.out.radio(is_on)

    def sleep(self, until_at_ms: int, depth: int) -> None:
        """Let the agent sleep."""
        state = STATE_DEEP_SLEEP if depth == SLEEP_DEEP else STATE_LIGHT_SLEEP
        self.energy.enter(self.now_ms, state)
        self.out.sleep(until_at_ms, depth)
