"""A block made from another image and what is new: one window of VCDIFF.

The window names a span of the source and says what to copy from it, or from what is made already,
and what to add. It is read once, from its first byte to its last, and may lie in flash.

Input    apply(window, read, source_bytes, target)
Effects  none but the target, which is worthless if the window is refused
Bounds   the window, the target, and 4 KiB, of which the addresses that were used last take 2,304
         bytes; source and target are never read or written beyond their ends
Source   RFC 3284, sections 4 to 6, without its file header and secondary compression
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SOURCE = 1
_NEAR, _SAME = 4, 3
_PLACES = _SAME * 256
_ADDRESS_BYTES = 3  # that a place takes: a word more for each would be 768 bytes of heap
_NUMBER_MAX = (1 << 30) - 1


class DeltaError(ValueError):
    """The window is not VCDIFF, or not for this source and target (peer)."""


def apply(
    window: "bytes | bytearray | memoryview",
    read: "Callable[[int, memoryview], object]",
    source_bytes: int,
    target: bytearray,
) -> None:
    """Fill a whole target by a window; `read(address, buffer)` fills a buffer from the source.

    Raises: DeltaError.
    """
    try:
        _Window(window, read, source_bytes, target).run()
    except IndexError:
        raise DeltaError("cut short")


class _Window:
    def __init__(
        self,
        data: "bytes | bytearray | memoryview",
        read: "Callable[[int, memoryview], object]",
        source_bytes: int,
        target: bytearray,
    ) -> None:
        self._data = memoryview(data)
        self._read = read
        self._target = memoryview(target)
        self._done = 0  # bytes of the target
        self._near = [0] * _NEAR
        self._near_at = 0
        self._same = bytearray(_ADDRESS_BYTES * _PLACES)
        at = 1
        self._size = self._from = 0  # of the source's span
        if data[0] == _SOURCE:
            self._size, at = self._number(at)
            self._from, at = self._number(at)
        elif data[0]:
            raise DeltaError("indicator")
        size, at = self._number(at)
        is_whole = at + size == len(data)
        size, at = self._number(at)
        at += 1
        if data[at - 1] or size != len(target) or self._from + self._size > source_bytes:
            raise DeltaError("sizes")
        if self._size + size > 1 << 8 * _ADDRESS_BYTES:
            raise DeltaError("too long a span")
        added, at = self._number(at)
        told, at = self._number(at)
        addresses, at = self._number(at)
        # Where each of the three sections is read, and ends.
        self._add_at = at
        self._told_at = self._add_end = at + added
        self._address_at = self._told_end = at + added + told
        if not is_whole or self._told_end + addresses != len(data):
            raise DeltaError("sections")

    def run(self) -> None:
        """Carry out all instructions."""
        data = self._data
        while self._told_at < self._told_end:
            code = data[self._told_at]
            self._told_at += 1
            if code == 0:
                self._run_of_one(self._told_size(0))
            elif code < 19:
                self._add(self._told_size(code - 1))
            elif code < 163:
                mode, size = divmod(code - 19, 16)
                self._copy(self._told_size(size and size + 3), mode)
            elif code < 235:
                mode, rest = divmod(code - 163, 12)
                self._add(rest // 3 + 1)
                self._copy(rest % 3 + 4, mode)
            elif code < 247:
                self._add((code - 235) % 4 + 1)
                self._copy(4, (code - 235) // 4 + 6)
            else:
                self._copy(4, code - 247)
                self._add(1)
        is_all_used = self._add_at == self._add_end and self._address_at == len(data)
        if not is_all_used or self._told_at != self._told_end or self._done != len(self._target):
            raise DeltaError("left over")

    def _number(self, at: int) -> "tuple[int, int]":
        number = 0
        while True:
            byte = self._data[at]
            at += 1
            number = number << 7 | byte & 0x7F
            if number > _NUMBER_MAX:
                raise DeltaError("number")
            if byte < 0x80:
                return number, at

    def _told_size(self, size: int) -> int:
        if not size:
            size, self._told_at = self._number(self._told_at)
        return size

    def _room(self, size: int) -> int:
        start = self._done
        self._done += size
        if self._done > len(self._target):
            raise DeltaError("beyond the target")
        return start

    def _run_of_one(self, size: int) -> None:
        start, byte = self._room(size), self._data[self._add_at]
        self._add_at += 1
        for at in range(start, self._done):
            self._target[at] = byte

    def _add(self, size: int) -> None:
        start, end = self._room(size), self._add_at + size
        if end > self._add_end:
            raise DeltaError("cut short")
        self._target[start : self._done] = self._data[self._add_at : end]
        self._add_at = end

    def _copy(self, size: int, mode: int) -> None:
        address = self._address(mode, self._size + self._done)
        start, target = self._room(size), self._target
        if address < self._size:
            part = min(size, self._size - address)
            self._read(self._from + address, target[start : start + part])
            start += part
            address += part
        # What is being made may be read while it is: a copy that overlaps itself repeats.
        behind = start + self._size - address
        for at in range(start, self._done):
            target[at] = target[at - behind]

    def _address(self, mode: int, here: int) -> int:
        same = self._same
        if mode < 2 + _NEAR:
            address, self._address_at = self._number(self._address_at)
            if mode == 1:
                address = here - address
            elif mode:
                address += self._near[mode - 2]
        else:
            place = _ADDRESS_BYTES * ((mode - 2 - _NEAR) * 256 + self._data[self._address_at])
            self._address_at += 1
            address = same[place] | same[place + 1] << 8 | same[place + 2] << 16
        if not 0 <= address < here:
            raise DeltaError("beyond what there is")
        self._near[self._near_at] = address
        self._near_at = (self._near_at + 1) % _NEAR
        place = _ADDRESS_BYTES * (address % _PLACES)
        same[place] = address & 0xFF
        same[place + 1] = address >> 8 & 0xFF
        same[place + 2] = address >> 16
        return address
