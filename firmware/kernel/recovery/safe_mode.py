"""Safe mode: after repeated crashes the agent runs on without its application.

A crash that takes the application's program down costs one boot; the third without a healthy span
in between leaves the application out, so that console, update and health stay within reach. This
is the one owner of the boot count and of the decision; `boots` makes it, at a boot.

Input    what `boots` does to it, on_time(now, out), before_sleep(now, out)
Effects  out.report(EVENT_SAFE_MODE…, EVENT_STORE_…)
Bounds   one record of 30 bytes; one commit per boot that is no wake, one after a healthy span that
         follows an unclean boot, one per orderly stop; none for a wake
"""

from array import array

from ..fields import read_word, write_word
from ..limits import HEALTHY_AWAKE_MS
from ..ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..effects import Effects
    from ..shapes import Table

CAUSES = 8  # CAUSE_… are 1 to 7


class SafeMode:
    """Know the boots so far and whether the application runs."""

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

    def _recover(self, out: "Effects") -> None:
        try:
            from .boots import forget_crashes
        except MemoryError:  # the next step tries again
            return
        forget_crashes(self, out)

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what was decided, and until when the agent is watched."""
        buffer[offset] = (1 if self._is_watching else 0) | (2 if self.is_safe else 0)
        return write_word(buffer, offset + 1, self._healthy_at_ms)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote, after `load`.

        What the boot decided holds for its wakes, whatever flash has come to say of it meanwhile.
        """
        self._is_watching = bool(buffer[offset] & 1)
        self.is_safe = bool(buffer[offset] & 2)
        self._healthy_at_ms = read_word(buffer, offset + 1)
        self._settled_at_ms = -1
        return offset + self.SNAPSHOT_BYTES
