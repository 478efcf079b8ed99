"""How much the battery allows: normal, saving, critical, dormant.

A battery sags while the radio sends and recovers afterwards, so a mode is left only when the
voltage is above its threshold by HYSTERESIS_MV, and changes after three readings that agree.

Input    on_battery(mv)
Effects  none; the attributes of the present mode are its consequences
Bounds   2 small ints of state; nothing is allocated after construction
"""

from ..fields import read_signed, read_word, write_word

MODE_NORMAL, MODE_SAVING, MODE_CRITICAL, MODE_DORMANT = range(4)
MODE_NAMES = "normal\nsaving\ncritical\ndormant"

HYSTERESIS_MV = 100
READINGS_MIN = 3  # in a row that ask for the same mode

# The whole machine, six numbers for each mode: the mode below it and the one above; of how many
# windows it attends one; whether it has its radio, runs the application, looks for a lost cluster.
# A voltage asks for one step at a time, so that no single wrong reading puts an agent to sleep.
COLUMNS = 6
TABLE = (
    b"\x01\x00\x01\x01\x01\x01"  # normal
    b"\x02\x00\x02\x01\x01\x01"  # saving
    b"\x03\x01\x08\x01\x00\x00"  # critical
    b"\x03\x02\x01\x00\x00\x00"  # dormant
)


class Modes:
    """The mode of one battery, and what follows from it."""

    SNAPSHOT_BYTES = 8

    def __init__(self, saving_mv: int, critical_mv: int, dormant_mv: int) -> None:
        # Index: the mode that is entered below this voltage, or a lower one. 0: never.
        critical_mv = max(critical_mv, dormant_mv)
        self._below_mv = (0, max(saving_mv, critical_mv), critical_mv, dormant_mv)
        self._wanted_count = 0  # readings in a row that ask for another mode; negative: a lower
        self._is_first = True
        self._go(MODE_NORMAL)

    def _go(self, mode: int) -> None:
        self.mode = mode
        row = mode * COLUMNS
        self._lower, self._upper, self.period_factor = TABLE[row], TABLE[row + 1], TABLE[row + 2]
        self.has_radio, self.has_timers = bool(TABLE[row + 3]), bool(TABLE[row + 4])
        self.has_search = bool(TABLE[row + 5])

    def on_battery(self, mv: int) -> bool:
        """Take in a reading; return whether the mode changed.

        The first one after a cold start decides at once: a board that browns out each time it
        switches its radio on gets no second.

        Units: millivolts; 0: there is no reading.
        """
        if mv <= 0:
            return False
        before = self.mode
        if self._is_first:
            self._is_first = False
            while mv < self._below_mv[self._lower] and self._lower != self.mode:
                self._go(self._lower)
        elif mv < self._below_mv[self._lower] and self._lower != self.mode:
            self._wanted_count = min(self._wanted_count, 0) - 1
        elif self.mode and mv >= self._below_mv[self.mode] + HYSTERESIS_MV:
            self._wanted_count = max(self._wanted_count, 0) + 1
        else:
            self._wanted_count = 0
        if abs(self._wanted_count) >= READINGS_MIN:
            self._go(self._lower if self._wanted_count < 0 else self._upper)
            self._wanted_count = 0
        return self.mode != before

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a sleeping agent must remember; return where it ends."""
        offset = write_word(buffer, offset, self.mode)
        return write_word(buffer, offset, self._wanted_count)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Bring back what `save_into` wrote; return where it ends."""
        self._go(min(MODE_DORMANT, read_word(buffer, offset)))
        self._wanted_count = read_signed(buffer, offset + 4)
        self._is_first = False
        return offset + 8
