"""Who is in reach: a bounded table of the agents heard lately.

Input    hear(now, id, link, rssi), accept(row, sequence, broadcast), expire(now)
Effects  none; `joined` tells what the last `hear` did
Bounds   NEIGHBOURS_MAX rows; names are allocated after construction, and more rows when they are
         needed: without heap for them the table is full

A full table keeps its regulars: a stranger takes the row of one that missed an announcement, else
the row that was given away last. So neither a crowd nor made-up ids push out who is there.
"""

from array import array

from ..fields import read_word, write_word
from ..limits import NEIGHBOUR_SILENT_MS_MAX, NEIGHBOURS_MAX
from ..ticks import TICKS_PERIOD, ticks_diff
from .windows import Windows

NOBODY = -1
_RSSI_SCALE = 8  # of the average, so that one more frame moves it
# What deep sleep leaves: 4 bytes, so many rows, and the names in what is left, 25 bytes for each.
KEPT_MAX = 8
_KEPT_BYTES = 18
_HALF, _MASK = TICKS_PERIOD >> 1, TICKS_PERIOD - 1
_GROWTH = 8  # rows that are made at once


class Neighbours(Windows):
    """The table, and the frames lost on the way from each of its rows."""

    SNAPSHOT_BYTES = 352

    def __init__(self, count_max: int = NEIGHBOURS_MAX) -> None:
        super().__init__(0)
        self._count_max = count_max
        self.count = 0
        self.joined = False
        self.silent_ms_max = NEIGHBOUR_SILENT_MS_MAX
        self.ids: "list[int]" = []  # 0: the row is free; a list, for it is searched at each frame
        self.links = bytearray()
        self._names: "list[bytes]" = []
        self._heard_at_ms = array("I")
        self._rssi = array("h")  # average, in 1/_RSSI_SCALE dBm; 0: not known
        self._guest = 0  # the row given away last, which strangers share while the table is full
        self.add_rows(min(_GROWTH, count_max))

    def add_rows(self, count: int) -> None:
        """Make room for so many more neighbours.

        Raises: MemoryError; then the rows there are stay as they were.
        """
        # All are made before one takes its place: growth that fails half-way leaves nothing.
        links = self.links + bytes(count)
        names = self._names + [b""] * count
        heard_at_ms = self._heard_at_ms + array("I", bytes(4 * count))
        rssi = self._rssi + array("h", bytes(2 * count))
        ids = self.ids + [0] * count
        super().add_rows(count)  # the last that may fail
        self.links, self._names, self.ids = links, names, ids
        self._heard_at_ms, self._rssi = heard_at_ms, rssi

    def find(self, source: int) -> int:
        """Return the row of a node, NOBODY if it was not heard lately."""
        # Looked for twice: an exception would allocate.
        return self.ids.index(source) if source in self.ids else NOBODY

    def find_name(self, name: str) -> int:
        """Return the row of the node that announced this name, NOBODY if none did."""
        data = name.encode()
        return self._names.index(data) if data and data in self._names else NOBODY

    def name(self, row: int) -> str:
        """Return the name of a neighbour; its id in hex before it announced itself."""
        name = self._names[row]
        return str(name, "utf-8") if name else "%08x" % self.ids[row]

    def introduce(self, row: int, name: str) -> None:
        """Take the name that a neighbour announced."""
        data = name.encode()
        if self._names[row] != data:
            self._names[row] = data

    def hear(
        self, now_ms: int, source: int, link: int, rssi_dbm: int = 0, row: int = NOBODY
    ) -> int:
        """Note that a node was heard on a link; return its row, which a caller may know already.

        Units: `rssi_dbm` is 0 where the link does not measure it.
        """
        self.joined = False
        if row == NOBODY:
            row = self.find(source)
            if row == NOBODY:
                row = self._admit(now_ms, source)
        self.links[row] = link
        self._heard_at_ms[row] = now_ms
        if rssi_dbm:
            scaled = max(-128, min(rssi_dbm, -1)) * _RSSI_SCALE
            if self._rssi[row]:
                scaled = self._rssi[row] + (scaled - self._rssi[row]) // _RSSI_SCALE
            self._rssi[row] = scaled
        return row

    def rssi_dbm(self, row: int) -> int:
        """Return the average signal strength of a neighbour's frames, 0 if it is not known."""
        return (self._rssi[row] + _RSSI_SCALE // 2) // _RSSI_SCALE

    def _admit(self, now_ms: int, source: int) -> int:
        row = self.find(0)
        if row == NOBODY and len(self.ids) < self._count_max:
            row = self._find_more()
        self.joined = row != NOBODY
        if self.joined:
            self.count += 1
        else:
            row = self._longest_silent(now_ms)
            self.joined = ticks_diff(now_ms, self._heard_at_ms[row]) > self.silent_ms_max // 2
        if self.joined:
            self._guest = row
        else:
            row = self._guest
        self._clear(row, source)
        return row

    def _find_more(self) -> int:
        try:
            self.add_rows(min(_GROWTH, self._count_max - len(self.ids)))
        except MemoryError:
            return NOBODY
        return self.find(0)

    def _clear(self, row: int, source: int) -> None:
        self.ids[row] = source
        self._names[row] = b""
        self._rssi[row] = 0
        self.forget(row)

    def _longest_silent(self, now_ms: int) -> int:
        longest, silent_ms = 0, -1
        for row in range(len(self.ids)):
            span_ms = ticks_diff(now_ms, self._heard_at_ms[row])
            if span_ms > silent_ms:
                longest, silent_ms = row, span_ms
        return longest

    def expire(self, now_ms: int) -> int:
        """Forget one node that was silent for too long; return its id, 0 if there is none."""
        for row in range(len(self.ids)):
            node = self.ids[row]
            if node and ticks_diff(now_ms, self._heard_at_ms[row]) > self.silent_ms_max:
                self.ids[row] = 0
                self._names[row] = b""
                self.count -= 1
                return node
        return 0

    def save_into(self, buffer: bytearray, offset: int) -> int:
        """Write the neighbours heard last, with their names as far as there is room for them."""
        end = offset + self.SNAPSHOT_BYTES
        for place in range(offset, end):
            buffer[place] = 0
        write_word(buffer, offset, self.lost & 0xFFFFFF)
        kept = buffer[offset] = min(self.count, KEPT_MAX)
        at, name_at = offset + 4, offset + 4 + KEPT_MAX * _KEPT_BYTES
        last = NOBODY
        for _ in range(kept):
            last = self._next_silent(last)
            at = self._save_row(last, buffer, at)
            name = self._names[last]
            if name_at + 1 + len(name) > end:
                name = b""
            if name_at < end:
                buffer[name_at] = len(name)
                for index in range(len(name)):
                    buffer[name_at + 1 + index] = name[index]
                name_at += 1 + len(name)
        return end

    def load_from(self, buffer: "bytes | bytearray", offset: int) -> int:
        """Bring the saved neighbours back, each with the frames it is known to have sent."""
        end = offset + self.SNAPSHOT_BYTES
        self.count = min(buffer[offset], KEPT_MAX)
        self.lost = read_word(buffer, offset) & 0xFFFFFF
        at, name_at = offset + 4, offset + 4 + KEPT_MAX * _KEPT_BYTES
        for row in range(self.count):
            at = self._load_row(row, buffer, at)
            if name_at < end:
                name_end = name_at + 1 + buffer[name_at]
                self._names[row] = bytes(memoryview(buffer)[name_at + 1 : name_end])
                name_at = name_end
        return end

    def _next_silent(self, last: int) -> int:
        # From the one heard last on: by silence, then by row, so that each comes once. The spans
        # are those of `ticks_diff`: this is done at each sleep, for each pair of rows.
        heard, best = self._heard_at_ms, NOBODY
        for row in range(len(self.ids)):
            if not self.ids[row]:
                continue
            if last != NOBODY:
                later_ms = (heard[last] - heard[row]) & _MASK
                if later_ms >= _HALF or (not later_ms and last >= row):
                    continue
            if best == NOBODY or 0 < (heard[row] - heard[best]) & _MASK < _HALF:
                best = row
        return best

    def _save_row(self, row: int, buffer: bytearray, at: int) -> int:
        at = write_word(buffer, at, self.ids[row])
        at = write_word(buffer, at, self._heard_at_ms[row])
        at = self.save_window(row, buffer, at)
        buffer[at] = self.links[row]
        buffer[at + 1] = -self.rssi_dbm(row)
        return at + 2

    def _load_row(self, row: int, buffer: "bytes | bytearray", at: int) -> int:
        self._clear(row, read_word(buffer, at))
        self._heard_at_ms[row] = read_word(buffer, at + 4)
        at = self.load_window(row, buffer, at + 8)
        self.links[row] = buffer[at]
        self._rssi[row] = -buffer[at + 1] * _RSSI_SCALE
        return at + 2
