"""How an agent is: figures for its neighbours, facts for its console, the last traceback.

Input    on_heap(free), keep_traceback(now, text), collect(recovery, table)
Effects  none; a traceback is staged in the table, and the next commit carries it
Bounds   one word per figure; one traceback of TRACEBACK_BYTES_MAX, written at most once per
         TRACEBACK_KEEP_MS, and never twice the same
"""

from ..fields import read_word, write_word
from ..limits import TRACEBACK_BYTES_MAX, TRACEBACK_KEEP_MS
from ..ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import Recovery, Table

KEY = b"crash"

# In the order of the keys 1, 2, … of a telemetry frame; all are from 0 to 2**30 - 1. `heap_free`
# is in bytes, `wear` in erases of the most worn sector, `weakest_link` in -dBm; 0: not known.
FIGURE_NAMES = """uptime_s
neighbours
sent
received
lost
battery_mv
app_errors
heap_free
wear
mode
last_reset
unclean_boots
energy_uah
safe_mode
weakest_link"""
FIGURES = 15
_FIGURE_MAX = (1 << 30) - 1
_HAS_KEPT = 1 << 29  # beside an instant, which is below it


class Health:
    """What is worth knowing about an agent besides what its machines count."""

    SNAPSHOT_BYTES = 8

    def __init__(self, table: "Table") -> None:
        self.figures = [0] * FIGURES
        self.table = table
        self.heap_free_min = 0
        self._kept_at_ms = 0
        self._has_kept = False  # a traceback, since the last boot

    def on_heap(self, free_bytes: int) -> None:
        """Take note of how much heap is left."""
        self.figures[7] = free_bytes
        if not self.heap_free_min or free_bytes < self.heap_free_min:
            self.heap_free_min = free_bytes

    def keep_traceback(self, now_ms: int, text: bytes) -> bool:
        """Stage the end of a traceback, which says most; False if flash is spared or fails.

        Without heap for it, it is not kept: it was printed.
        """
        if self._has_kept and 0 <= ticks_diff(now_ms, self._kept_at_ms) < TRACEBACK_KEEP_MS:
            return False
        try:
            text = text[max(0, len(text) - TRACEBACK_BYTES_MAX) :]
            if self.table.get(KEY) == text:
                return False
            self.table.put(KEY, text)
        except (OSError, MemoryError):
            return False
        self._kept_at_ms = now_ms
        self._has_kept = True
        return True

    def collect(self, recovery: "Recovery", table: "Table") -> None:
        """Take over the figures that recovery and storage know."""
        figures = self.figures
        figures[8] = min(_FIGURE_MAX, table.wear())
        figures[10] = recovery.cause
        figures[11] = recovery.unclean
        figures[13] = 1 if recovery.is_safe else 0

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what spares the flash over a deep sleep, and the least heap so far."""
        kept = self._kept_at_ms | (_HAS_KEPT if self._has_kept else 0)
        return write_word(buffer, write_word(buffer, offset, kept), self.heap_free_min)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote."""
        kept = read_word(buffer, offset)
        self._has_kept = kept >= _HAS_KEPT
        self._kept_at_ms = kept % _HAS_KEPT
        self.heap_free_min = read_word(buffer, offset + 4)
        return offset + self.SNAPSHOT_BYTES
