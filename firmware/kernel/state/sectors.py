"""What stands in the sectors of a journal: headers and records, byte for byte.

Input    the methods, from `journal.Journal`
Effects  none; reads, programs and erases its flash
Bounds   a page and a unit of buffer; a record of KEY_BYTES_MAX and VALUE_BYTES_MAX
Source   SPEC.md, "Journal"

An address counts units from the start of the flash. A sector that fails in any way is bad until
the next boot, or until no good one is left: a supply that was weak may be mended by then.
"""

from binascii import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    from ..ports import Flash

    # To write: slot, key, value (None: deleted). To copy: an address and flags, in one integer.
    Item = tuple[int, bytes, bytes | None] | int

UNIT_BYTES = 32  # flash encryption programs whole units, and never one a second time
KEY_BYTES_MAX = 36
VALUE_BYTES_MAX = 1024
KEYS_MAX = 60
NOWHERE = 0xFFFF  # the address of a record that is not there
HEAD_BYTES = 7
CRC_BYTES = 4
PAGE_BYTES = 64
PAGE, HALF, PAGE_BODY, HALF_BODY, TURN = range(5)  # of `_views`
POINTERS = 12  # in one unit of a header
ADDRESS_MASK = 0xFFFF
CARRIED = 0x80  # beside the slot: copied forward, and no commit of anyone's
MORE = 0x80  # beside the key's length: the next record belongs to the same commit
DELETED = 0x40
LENGTH_MASK = 0x3F
RESIDUE = 0x2144DF1C  # the CRC-32 of whatever ends in its own CRC-32
HEADER_SEED = 1  # of a header's checksum, so that none is taken for a record
EIO = 5


def record_units(key_bytes: int, value_bytes: int) -> int:
    """Return how many units a record takes."""
    return (HEAD_BYTES + key_bytes + value_bytes + CRC_BYTES + UNIT_BYTES - 1) // UNIT_BYTES


class Sectors:
    """Read and write a flash in units; know which of its sectors are bad."""

    def __init__(self, flash: "Flash") -> None:
        self._flash = flash
        self._units = flash.sector_bytes // UNIT_BYTES
        # Views are made here once: a boot recovers in a heap that has no room for more of them.
        buffer = memoryview(bytearray(PAGE_BYTES + UNIT_BYTES))
        self._unit = unit = buffer[PAGE_BYTES:]  # the last head that was read
        # On its way to flash, or read past: a page and its first half, each also without what
        # will be its checksum.
        page = buffer[:PAGE_BYTES]
        self._views = (
            page, page[:UNIT_BYTES], page[:-CRC_BYTES], page[: UNIT_BYTES - CRC_BYTES], unit[:3]
        )  # fmt: skip
        self._bad = 0  # a bit per sector, and one beyond: none was left, the next commit tries all
        self._unread = 0  # a bit per sector of which something could not be read
        self._turn = 0  # how many sectors were opened: what every header and record begins with
        self._to = self._filled = self._crc = 0  # of the record being written
        self._programmed = 0

    @property
    def bad_sectors(self) -> int:
        """How many sectors have failed."""
        return bin(self._bad & (1 << self._flash.sector_count) - 1).count("1")

    def _set_bad(self, sector: int) -> None:
        self._bad |= 1 << sector

    def _load(self, address: int, view: "bytearray | memoryview") -> bool:
        try:
            self._flash.read(address * UNIT_BYTES, view)
            return True
        except OSError:
            self._unread |= 1 << address // self._units
            view[0] = 0  # neither blank nor sound
            return False

    def _unit_turn(self) -> int:
        unit = self._unit
        return unit[0] << 16 | unit[1] << 8 | unit[2]

    def _header(self, address: int) -> int:
        """Read a unit of a header; return its turn, 0 if it is none."""
        if self._load(address, self._unit) and crc32(self._unit, HEADER_SEED) == RESIDUE:
            return self._unit_turn()
        return 0

    def _record(self, address: int, turn: int = 0) -> int:
        """Read past a record; return its units, 0 if it is none, or none of that turn.

        Its head is then in `_unit`.
        """
        head = self._unit
        if not self._load(address, head) or (turn and self._unit_turn() != turn):
            return 0
        key_bytes, value_bytes = head[4] & LENGTH_MASK, head[5] << 8 | head[6]
        if not 0 < key_bytes <= KEY_BYTES_MAX or value_bytes > VALUE_BYTES_MAX:
            return 0
        units = record_units(key_bytes, value_bytes)
        if units > self._units - address % self._units or head[3] & ~CARRIED >= KEYS_MAX:
            return 0
        crc, at = crc32(head), 1
        while at < units:
            view = self._views[HALF] if at == units - 1 else self._views[PAGE]
            if not self._load(address + at, view):
                return 0
            crc = crc32(view, crc)
            at += PAGE_BYTES // UNIT_BYTES
        return units if crc == RESIDUE else 0

    def _check_blank(self, address: int, units: int) -> None:
        """Read back what an erase has promised.

        Raises: OSError if a unit is not erased.
        """
        for at in range(address, address + units):
            if not self._load(at, self._unit) or min(self._unit) != 0xFF:
                raise OSError(EIO, "flash is not erased")

    def _write_header(self, sector: int, index: "array[int]", slots: int) -> int:
        """Erase a sector and open it; return the units of its header.

        Shape: of each slot `index` has two numbers, the first of which is its address.

        Raises: OSError if it does not read back as written.
        """
        self._flash.erase(sector)
        units = max(1, (slots + POINTERS - 1) // POINTERS)
        for unit in range(units - 1, -1, -1):  # the first one last: with it the header is whole
            address = sector * self._units + unit
            self._check_blank(address, 1)
            self._begin(address, HEADER_SEED)
            self._fill_head(slots)
            for slot in range(unit * POINTERS, min((unit + 1) * POINTERS, slots)):
                self._put(index[2 * slot] >> 8)
                self._put(index[2 * slot] & 0xFF)
            self._seal()
            if self._header(address) != self._turn:
                raise OSError(EIO, "flash reads back something else")
        return units

    def _compose(
        self, address: int, slot: int, key: bytes, value: "bytes | None", more: int
    ) -> None:
        """Program one record; a value of None says that the key is deleted.

        Raises: OSError when the medium fails.
        """
        self._begin(address, 0)
        self._fill_head(slot)
        if value is None:
            value = b""
            more |= DELETED
        self._put(more | len(key))
        self._put(len(value) >> 8)
        self._put(len(value) & 0xFF)
        self._fill(key)
        self._fill(value)
        self._seal()

    def _copy(self, address: int, item: int, more: int) -> bool:
        """Program a copy of a record, given its address and units; False if it has rotted.

        Raises: OSError when the medium fails.
        """
        self._begin(address, 0)
        source, left, crc = item >> 8 & ADDRESS_MASK, item & 0xFF, 0
        page = view = self._views[PAGE]
        while left > 0:
            if self._filled:
                self._crc = crc32(view, self._crc)
                self._program(view)
            view = page if left > 1 else self._views[HALF]
            if not self._load(source, view):
                return False
            crc = crc32(view, crc)
            if source == item >> 8 & ADDRESS_MASK:
                number, carried_more = page[3] & ~CARRIED | item >> 24, page[4] & ~MORE | more
                self._fill_head(number)
                self._put(carried_more)
            self._filled = len(view)
            source += PAGE_BYTES // UNIT_BYTES
            left -= PAGE_BYTES // UNIT_BYTES
        if crc != RESIDUE:  # rot must not get a checksum of its own
            return False
        self._filled -= CRC_BYTES
        self._seal()
        return True

    def _begin(self, address: int, seed: int) -> None:
        self._to, self._filled, self._crc = address * UNIT_BYTES, 0, seed

    def _fill_head(self, number: int) -> None:
        self._put(self._turn >> 16)
        self._put(self._turn >> 8 & 0xFF)
        self._put(self._turn & 0xFF)
        self._put(number)

    def _fill(self, data: "bytes | memoryview") -> None:
        at = 0
        while at < len(data):
            size = min(PAGE_BYTES - self._filled, len(data) - at)
            self._views[PAGE][self._filled : self._filled + size] = data[at : at + size]
            self._filled += size - 1
            at += size
            self._put(self._views[PAGE][self._filled])

    def _put(self, byte: int) -> None:
        """Append a byte; a page that is full goes to flash."""
        self._views[PAGE][self._filled] = byte
        self._filled += 1
        if self._filled == PAGE_BYTES:
            self._crc = crc32(self._views[PAGE], self._crc)
            self._program(self._views[PAGE])

    def _seal(self) -> None:
        """Pad what was filled, end it with its checksum, and program the rest of it."""
        while (self._filled + CRC_BYTES) % UNIT_BYTES:
            self._put(0xFF)
        at = self._filled
        is_half = at < UNIT_BYTES
        crc = crc32(self._views[HALF_BODY if is_half else PAGE_BODY], self._crc)
        for index in range(CRC_BYTES):
            self._views[PAGE][at + index] = crc >> 8 * index & 0xFF
        self._program(self._views[HALF if is_half else PAGE])

    def _program(self, view: memoryview) -> None:
        self._flash.program(self._to, view)
        self._programmed += len(view)
        self._to += len(view)
        self._filled = 0
