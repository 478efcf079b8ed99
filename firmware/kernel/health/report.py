"""How an agent is: figures for its neighbours, facts for its console, the last traceback.

Input    on_heap(free), keep_traceback(now, text), collect(recovery, table)
Effects  none; a traceback is staged in the table, and the next commit carries it
Bounds   one word per figure; one traceback of TRACEBACK_BYTES_MAX, written at most once per
         TRACEBACK_KEEP_MS, and never twice the same
"""

from ..fields import read_word, write_word
from ..limits import TRACEBACK_BYTES_MAX, TRACEBACK_KEEP_MS
from ..ports import Table
from ..ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shapes import Recovery

KEY = b"crash"

# In the order of the keys 1, 2, … of a telemetry frame; all are from 0 to 2**30 - 1. `heap_free`
# is in bytes, `wear` in erases of the most worn sector, `weakest_link` in -dBm; 0: not known.
FIGURE_NAMES = (
    "uptime_s neighbours sent received lost battery_mv app_errors heap_free wear mode last_reset"
    " unclean_boots energy_uah safe_mode weakest_link"
)
FIGURES = 15
# By CAUSE_…
RESET_NAMES = "unknown power_on hard_reset watchdog deep_sleep soft_reset brownout panic"
_FIGURE_MAX = (1 << 30) - 1
_HAS_KEPT = 1 << 29  # beside an instant, which is below it


class Health:
    """What is worth knowing about an agent besides what its machines count."""

    SNAPSHOT_BYTES = 8

    def __init__(self, table: Table) -> None:
        self.figures = [0] * FIGURES
        self._table = table
        self._heap_free_min = 0
        self._kept_at_ms = 0
        self._has_kept = False  # a traceback, since the last boot

    def on_heap(self, free_bytes: int) -> None:
        """Take note of how much heap is left."""
        self.figures[7] = free_bytes
        if not self._heap_free_min or free_bytes < self._heap_free_min:
            self._heap_free_min = free_bytes

    def keep_traceback(self, now_ms: int, text: bytes) -> bool:
        """Stage the end of a traceback, which says most; False if flash is spared or fails."""
        if self._has_kept and 0 <= ticks_diff(now_ms, self._kept_at_ms) < TRACEBACK_KEEP_MS:
            return False
        text = text[max(0, len(text) - TRACEBACK_BYTES_MAX) :]
        try:
            if self._table.get(KEY) == text:
                return False
            self._table.put(KEY, text)
        except OSError:
            return False
        self._kept_at_ms = now_ms
        self._has_kept = True
        return True

    def collect(self, recovery: "Recovery", table: Table) -> None:
        """Take over the figures that recovery and storage know."""
        figures = self.figures
        figures[8] = min(_FIGURE_MAX, table.wear())
        figures[10] = recovery.cause
        figures[11] = recovery.unclean
        figures[13] = 1 if recovery.is_safe else 0

    def fields(self, recovery: "Recovery") -> "dict[str, object]":
        """Return all figures by name, the resets by their cause, and the last traceback."""
        names = FIGURE_NAMES.split(" ")
        result: "dict[str, object]" = {}
        for index in range(FIGURES):
            result[names[index]] = self.figures[index]
        result["heap_free_min"] = self._heap_free_min
        causes, resets = RESET_NAMES.split(" "), {}
        for cause in range(len(causes)):
            if recovery.resets[cause]:
                resets[causes[cause]] = recovery.resets[cause]
        result["resets"] = resets
        result["traceback"] = self.traceback()
        return result

    def traceback(self) -> str:
        """Return the last traceback, that of an earlier boot too; "" if there is none."""
        try:
            text = self._table.get(KEY) or b""
        except OSError:
            return ""
        # Its beginning is cut off, perhaps within a character: what is no ASCII is shown as "?".
        return "".join([chr(byte) if byte < 128 else "?" for byte in text])

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write what spares the flash over a deep sleep, and the least heap so far."""
        kept = self._kept_at_ms | (_HAS_KEPT if self._has_kept else 0)
        return write_word(buffer, write_word(buffer, offset, kept), self._heap_free_min)

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Take back what `save_into` wrote."""
        kept = read_word(buffer, offset)
        self._has_kept = kept >= _HAS_KEPT
        self._kept_at_ms = kept % _HAS_KEPT
        self._heap_free_min = read_word(buffer, offset + 4)
        return offset + self.SNAPSHOT_BYTES
