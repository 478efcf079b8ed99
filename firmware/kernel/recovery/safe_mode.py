"""Safe mode: after repeated crashes the agent runs on without its application.

A crash that takes the application's program down costs one boot; the third without a healthy span
in between leaves the application out, so that console, update and health stay within reach. This
is the one owner of the boot count and of the decision.

What is and is not held against the application:
- a crash, a bite of the watchdog, a panic, a brown-out: one unclean boot;
- power that came back without an orderly stop: a quarter of one. Stock MicroPython tells a
  brown-out from a plug that was pulled by nothing, and people pull plugs;
- deep sleep, an announced reboot, a soft reset, whatever follows an orderly stop: nothing.

Safe mode is left by power that comes back or the reset button (whoever presses it wants another
try), by a changed application, and by command. The application then has one try: one more unclean
boot before a healthy span is over leads back.

Input    load(out), boot(now, cause, application, out), on_time(now, out), before_sleep(now, out),
         stop(out), leave(out)
Effects  out.report(EVENT_SAFE_MODE…, EVENT_STORE_…)
Bounds   one record of 30 bytes; one commit per boot that is no wake, one after a healthy span that
         follows an unclean boot, one per orderly stop; none for a wake
Source   SPEC.md, "Stored records"
"""

from array import array

from ..codec.spans import read_short, write_short
from ..errors import (
    CAUSE_POWER_ON,
    EVENT_SAFE_MODE,
    EVENT_SAFE_MODE_LEFT,
    EVENT_STORE_DAMAGED,
    EVENT_STORE_FAILED,
)
from ..fields import read_word, write_word
from ..limits import HEALTHY_AWAKE_MS, HEALTHY_MS, UNCLEAN_BOOTS_MAX
from ..ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..effects import Effects
    from ..ports import Table

KEY = b"boot"
CAUSES = 8  # CAUSE_… are 1 to 7

ORDERLY, POWER, UNCLEAN, HEALTHY, TRY_AGAIN = range(5)
_UNIT = 4  # of the score: one unclean boot
SCORE_MAX = _UNIT * UNCLEAN_BOOTS_MAX  # with it, safe mode
_STAY = -1

# Two numbers per event: what it adds to the score of a running application, and the score with
# which it leads out of safe mode.
# fmt: off
TRANSITIONS = (
    0, _STAY,  # ORDERLY
    1, SCORE_MAX - _UNIT,  # POWER
    _UNIT, _STAY,  # UNCLEAN
    -SCORE_MAX, _STAY,  # HEALTHY
    0, SCORE_MAX - _UNIT,  # TRY_AGAIN
)
# fmt: on
# The event of a boot by its cause, and whether the agent had been stopped in order.
_AFTER_RUNNING = (POWER, POWER, ORDERLY, UNCLEAN, ORDERLY, ORDERLY, UNCLEAN, UNCLEAN)

_FORMAT = 1
_RECORD_BYTES = 30
_IS_SAFE, _IS_CLEAN = 1, 2
_NUMBER_MAX = (1 << 30) - 1


class SafeMode:
    """Count boots and decide whether the application runs."""

    SNAPSHOT_BYTES = 5

    def __init__(self, table: "Table") -> None:
        self.boots = 0  # that were no wakes from deep sleep
        self.unclean = 0  # of them
        self.resets = array("H", bytes(2 * CAUSES))  # by cause
        self.cause = 0  # of the last boot
        self.is_safe = False
        self.score = 0
        self._application = 0
        self._is_clean = True  # before the first boot there was nothing to crash
        self._is_blind = False
        self._is_watching = False
        self._healthy_at_ms = 0
        self._settled_at_ms = -1  # awake long enough since the last wake; -1: not yet begun
        self._table = table

    def load(self, out: "Effects") -> None:
        """Read what is known of earlier boots; without it the agent boots all the same.

        If the table cannot be read, the record stays as it is until the next boot.
        """
        try:
            record = self._table.get(KEY)
        except OSError:
            self._is_blind, self._is_clean = True, False
            out.report(EVENT_STORE_FAILED, 0)
            return
        if record is None:
            return
        if len(record) != _RECORD_BYTES or record[0] != _FORMAT:
            self._is_clean = False
            out.report(EVENT_STORE_DAMAGED, 0)
            return
        self._read(record)

    def boot(self, now_ms: int, cause: int, application_id: int, out: "Effects") -> None:
        """Count a boot that is no wake, and decide; commits, with all that is staged.

        Shape: `application_id` changes with the application; 0: it is not known.
        """
        event = self._judge(cause)
        self.cause = cause
        self.boots = min(_NUMBER_MAX, self.boots + 1)
        self.resets[cause] = min(0xFFFF, self.resets[cause] + 1)
        if event == UNCLEAN:
            self.unclean = min(0xFFFF, self.unclean + 1)
        self._follow(event, out)
        if application_id and application_id != self._application:
            if self._application:
                self._follow(TRY_AGAIN, out)
            self._application = application_id
        if self._is_blind and event == UNCLEAN:
            self.is_safe = True  # this may have happened often: nobody can tell
        self._is_clean = False
        self._write(out)
        self._is_watching = self.score > 0 and not self.is_safe
        self._healthy_at_ms = self._settled_at_ms = ticks_add(now_ms, HEALTHY_MS)
        if self.is_safe:
            out.report(EVENT_SAFE_MODE, self.score // _UNIT)

    def next_at_ms(self) -> int:
        """Return when `on_time` is to be called next, -1 if nothing is to happen."""
        if not self._is_watching:
            return -1
        return self._healthy_at_ms if self._settled_at_ms < 0 else self._settled_at_ms

    def on_time(self, now_ms: int, out: "Effects") -> None:
        """Forget earlier crashes once a healthy span is over.

        An agent that was asleep for all of it shows nothing: it must have been awake for a while.
        """
        if not self._is_watching or ticks_diff(now_ms, self._healthy_at_ms) < 0:
            return
        if self._settled_at_ms < 0:
            self._settled_at_ms = ticks_add(now_ms, HEALTHY_AWAKE_MS)
        elif ticks_diff(now_ms, self._settled_at_ms) >= 0:
            self._recover(out)

    def before_sleep(self, now_ms: int, out: "Effects") -> None:
        """Forget earlier crashes if a healthy span is over and this wake ends in order."""
        if self._is_watching and ticks_diff(now_ms, self._healthy_at_ms) >= 0:
            self._recover(out)

    def stop(self, out: "Effects") -> None:
        """Note an orderly stop: the next power-on is held against nobody."""
        self._is_clean = True
        self._write(out)

    def leave(self, out: "Effects") -> None:
        """Give the application another try at the next boot: somebody asked for it."""
        self._follow(TRY_AGAIN, out)
        self._write(out)

    def _judge(self, cause: int) -> int:
        if self._is_clean:
            # Power again, or the button: a person. In safe mode it is a wish for another try.
            return TRY_AGAIN if cause == CAUSE_POWER_ON else ORDERLY
        return _AFTER_RUNNING[cause]

    def _follow(self, event: int, out: "Effects") -> None:
        added, left_with = TRANSITIONS[2 * event], TRANSITIONS[2 * event + 1]
        if not self.is_safe:
            self.score = max(0, self.score + added)
            self.is_safe = self.score >= SCORE_MAX
        elif left_with != _STAY:
            self.is_safe, self.score = False, left_with
            out.report(EVENT_SAFE_MODE_LEFT, 0)

    def _recover(self, out: "Effects") -> None:
        self._is_watching = False
        self._follow(HEALTHY, out)
        self._write(out)

    def _write(self, out: "Effects") -> None:
        record = bytearray(_RECORD_BYTES)
        record[0] = _FORMAT
        record[1] = (_IS_SAFE if self.is_safe else 0) | (_IS_CLEAN if self._is_clean else 0)
        record[2] = self.score
        record[3] = self.cause
        write_word(record, 4, self.boots)
        write_word(record, 8, self._application)
        write_short(record, 12, self.unclean)
        for cause in range(CAUSES):
            write_short(record, 14 + 2 * cause, self.resets[cause])
        is_kept = not self._is_blind  # what could not be read may count more boots than we know
        try:
            if is_kept:
                self._table.put(KEY, bytes(record))
            self._table.commit()
        except OSError:
            self._table.rollback()
            is_kept = False
        if not is_kept:
            out.report(EVENT_STORE_FAILED, 0)

    def _read(self, record: bytes) -> None:
        self.is_safe = bool(record[1] & _IS_SAFE)
        self._is_clean = bool(record[1] & _IS_CLEAN)
        self.score = min(SCORE_MAX, record[2])
        self.cause = record[3]
        self.boots = read_word(record, 4)
        self._application = read_word(record, 8)
        self.unclean = read_short(record, 12)
        for cause in range(CAUSES):
            self.resets[cause] = read_short(record, 14 + 2 * cause)

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write until when the agent is watched."""
        buffer[offset] = 1 if self._is_watching else 0
        return write_word(buffer, offset + 1, self._healthy_at_ms)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote, after `load`."""
        self._is_watching = buffer[offset] == 1
        self._healthy_at_ms = read_word(buffer, offset + 1)
        self._settled_at_ms = -1
        return offset + self.SNAPSHOT_BYTES
