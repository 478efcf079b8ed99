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

# Mode → windows of the cluster from one that is attended to the next, radio, the application's
# timers and handlers, looking for a lost cluster.
CONSEQUENCES = (
    (1, True, True, True),
    (2, True, True, True),
    (8, True, False, False),
    (1, False, False, False),
)

# Mode → the mode below it, and the one above: the whole machine. A voltage asks for one step at a
# time, so that a single wrong reading cannot put an agent to sleep for hours.
TRANSITIONS = (
    (MODE_SAVING, MODE_NORMAL),
    (MODE_CRITICAL, MODE_NORMAL),
    (MODE_DORMANT, MODE_SAVING),
    (MODE_DORMANT, MODE_CRITICAL),
)


class Modes:
    """The mode of one battery, and what follows from it."""

    SNAPSHOT_BYTES = 8

    def __init__(self, saving_mv: int, critical_mv: int, dormant_mv: int) -> None:
        # Index: the mode that is entered below this voltage, or a lower one. 0: never.
        critical_mv = max(critical_mv, dormant_mv)
        self._below_mv = (0, max(saving_mv, critical_mv), critical_mv, dormant_mv)
        self.mode = MODE_NORMAL
        self._wanted_count = 0  # readings in a row that ask for another mode; negative: a lower
        self._is_first = True
        self.period_factor = 1
        self.has_radio = True
        self.has_timers = True
        self.has_search = True

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
            while self._step(mv):
                self.mode = TRANSITIONS[self.mode][0]
        else:
            self._count(mv)
        self._apply()
        return self.mode != before

    def _step(self, mv: int) -> bool:
        below = TRANSITIONS[self.mode][0]
        return below != self.mode and mv < self._below_mv[below]

    def _count(self, mv: int) -> None:
        if self._step(mv):
            self._wanted_count = min(self._wanted_count, 0) - 1
        elif self.mode and mv >= self._below_mv[self.mode] + HYSTERESIS_MV:
            self._wanted_count = max(self._wanted_count, 0) + 1
        else:
            self._wanted_count = 0
        if abs(self._wanted_count) >= READINGS_MIN:
            self.mode = TRANSITIONS[self.mode][0 if self._wanted_count < 0 else 1]
            self._wanted_count = 0

    def _apply(self) -> None:
        row = CONSEQUENCES[self.mode]
        self.period_factor, self.has_radio, self.has_timers, self.has_search = row

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what a sleeping agent must remember; return where it ends."""
        offset = write_word(buffer, offset, self.mode)
        return write_word(buffer, offset, self._wanted_count)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Bring back what `save_into` wrote; return where it ends."""
        self.mode = min(MODE_DORMANT, read_word(buffer, offset))
        self._wanted_count = read_signed(buffer, offset + 4)
        self._is_first = False
        self._apply()
        return offset + 8
