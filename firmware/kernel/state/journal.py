"""Records on raw flash: a ring of sectors in which a commit is whole or not there at all.

The header of each sector says where every live record stands: a reader needs the newest sector and
what it points to. A record that half the ring has passed is copied forward. So wear is even, what
never changes is refreshed, and a second copy of it stands until the ring comes round.

Input    recover() once, then read(key), keys(), usage(), write(changes)
Effects  none; programs and erases its flash
Bounds   KEYS_MAX keys, 11 sixteenths of a sector of live records, 4 B of index per key
Source   SPEC.md, "Journal"
"""

# long: recovery and writing keep one index between them.

from array import array
from binascii import crc32

from .sectors import (
    CARRIED,
    DELETED,
    EIO,
    HEAD_BYTES,
    LENGTH_MASK,
    MORE,
    NOWHERE,
    RESIDUE,
    TURN,
    UNIT_BYTES,
    Sectors,
    record_units,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ports import Flash
    from .sectors import Item

ENOSPC = 28
HASHED_BYTES = 25  # of a key: what surely stands in its record's first unit
START_UNITS = 5  # with so many carried forward, or one record, a start has done enough
TRIES = 3  # a medium on which copy after copy rots has failed


class Journal(Sectors):
    """Keep records in a flash's sectors; nothing works before `recover`."""

    def __init__(self, flash: "Flash") -> None:
        super().__init__(flash)
        self.damaged = 0  # times that a record or header no longer matched its checksum
        self.torn = 0  # commits that were under way when the power went
        # Two numbers a slot: the address of its record; a hash of its key and the record's units,
        # or 0 while nobody has read it.
        self._index = array("H")
        # What a commit changes there: how much of the rest counts, then what `_note` wrote. Made
        # here, before calls as deep as recovery's take what heap is left; eight are enough mostly.
        self._commit = array("H", bytes(2 * (1 + 3 * 8)))
        self._sector = flash.sector_count - 1  # the one opened last
        self._at = 0  # its first free unit; 0 while the index may not say what the flash says

    def recover(self, is_after_sleep: bool = False) -> int:
        """Read the journal, and make sure of its last commit; return the bytes programmed.

        The power may have gone with that commit's last bits half written, which read as written
        now and as erased the next time: it is copied before anyone acts on it. After an orderly
        sleep there is no such doubt. A flash that cannot be read is no empty journal: whoever
        wants something of it tries again, and fails as long as it does.
        """
        from .mending import recover

        recover(self, is_after_sleep)
        return self._programmed

    def read(self, key: bytes) -> "bytes | None":
        """Return the value under a key, None if there is none.

        Raises: OSError when the medium fails.
        """
        self._ensure_index()
        record = self._find(key)
        if not record:
            return None
        start = HEAD_BYTES + len(key)
        return bytes(memoryview(record)[start : start + (record[5] << 8 | record[6])])

    def keys(self) -> "list[bytes]":
        """Return the keys of the live records, in order.

        Raises: OSError when the medium fails.
        """
        self._ensure_index()
        found = []
        for slot in range(len(self._index) // 2):
            record = self._fetch(slot)
            if record:
                found.append(bytes(record[HEAD_BYTES : HEAD_BYTES + (record[4] & LENGTH_MASK)]))
        return sorted(found)

    def usage(self) -> "tuple[int, int, int]":
        """Return how many records are live, the units they take, and those they may take.

        Raises: OSError when the medium fails.
        """
        self._ensure_index()
        count = units = 0
        for slot in range(len(self._index) // 2):
            if self._index[2 * slot] != NOWHERE:
                count += 1
                units += self._index[2 * slot + 1] & 0xFF
        # The rest of a sector is for its header and for records carried forward.
        return count, units, self._units * 11 // 16

    def write(self, changes: "list[tuple[bytes, bytes | None]]") -> int:
        """Write one commit; a value of None deletes. Return the bytes programmed.

        Raises: OSError when no sector takes it; then nothing of it holds.
        """
        self._ensure_index()
        if self._bad >> self._flash.sector_count:
            self._bad = 0
        self._programmed = 0
        items: list[Item] = []
        size = free = 0
        for key, value in changes:
            size += record_units(len(key), len(value or b""))
            record = self._find(key)
            if record:
                items.append((record[3] & ~CARRIED, key, value))
                continue
            while free < len(self._index) // 2 and self._index[2 * free] != NOWHERE:
                free += 1
            items.append((free, key, value))
            free += 1
        self._place(items, size, False)
        return self._programmed

    def wear(self) -> int:
        """Return how often a sector was erased, as if today's good ones had shared all of it."""
        return -(-self._turn // max(self._flash.sector_count - self.bad_sectors, 1))

    def position(self) -> int:
        """Return where the next commit goes: 256 times the newest sector's turn, and its unit."""
        return self._turn << 8 | self._at

    def _ensure_index(self) -> None:
        """Recover if the flash could not be read, or Ctrl-C came in the middle of a write.

        Raises: OSError if the flash still cannot be read.
        """
        if not self._at:
            self.recover()
        if not self._at:
            raise OSError(EIO, "flash cannot be read")

    def _find(self, key: bytes) -> "bytearray | None":
        mark = _hash(key, 0, len(key))
        for slot in range(len(self._index) // 2):
            if self._index[2 * slot + 1] >> 8 == mark:
                record = self._fetch(slot)
                if record and record[HEAD_BYTES : HEAD_BYTES + (record[4] & LENGTH_MASK)] == key:
                    return record
        return None

    def _fetch(self, slot: int) -> "bytearray | None":
        """Return the last good copy of a slot's record, None if there is none."""
        for _ in range(TRIES):
            address = self._index[2 * slot]
            if address == NOWHERE:
                return None
            record = bytearray((self._index[2 * slot + 1] & 0xFF) * UNIT_BYTES)
            if self._load(address, record) and crc32(record) == RESIDUE:
                return record
            self.damaged += 1
            self._rebuild()
        raise OSError(EIO, "flash rots")

    def _rebuild(self) -> None:
        from .mending import rebuild

        rebuild(self)

    # --- the index ---

    def _mark(self, units: int) -> int:
        return _hash(self._unit, HEAD_BYTES, self._unit[4] & LENGTH_MASK) << 8 | units

    def _note(self, address: int, units: int) -> None:
        """Write down what a record of the commit changes in the index."""
        commit = self._commit
        count = commit[0]
        while len(commit) < count + 4:
            commit.append(0)
        commit[count + 1] = self._unit[3] & ~CARRIED
        commit[count + 2] = NOWHERE if self._unit[4] & DELETED else address
        commit[count + 3] = self._mark(units)
        commit[0] = count + 3

    def _apply(self) -> None:
        commit = self._commit
        for index in range(1, commit[0], 3):
            self._set(commit[index], commit[index + 1], commit[index + 2])
        commit[0] = 0

    def _forget_records(self) -> None:
        for slot in range(len(self._index) // 2):
            self._index[2 * slot] = NOWHERE

    def _set(self, slot: int, address: int, mark: int) -> None:
        while len(self._index) < 2 * slot + 2:  # Ctrl-C may come between two
            self._index.append(NOWHERE)
        self._index[2 * slot] = address
        self._index[2 * slot + 1] = mark

    # --- writing ---

    def _place(self, items: "Sequence[Item]", size: int, is_start: bool) -> bool:
        """Append one commit in the first good sector; False if a record to copy has rotted."""
        for _ in range(self._flash.sector_count):
            if self._at + size > self._units:
                self._open(size)
            old = self._passed(size, is_start)
            if old and self._append(old, _units_of(old)) < 0:
                self._rebuild()
            if self._at + size > self._units:
                continue  # the sector failed at that
            done = self._append(items, size)
            if done:
                self._flash.sync()
                return done > 0
        self._bad |= 1 << self._flash.sector_count
        raise OSError(EIO, "flash fails")

    def _append(self, items: "Sequence[Item]", size: int) -> int:
        """Write one commit; return 1, 0 if the sector is bad, -1 if what it copies has rotted."""
        address = self._sector * self._units + self._at
        self._at = 0
        self._commit[0] = 0
        left = len(items)
        try:
            self._check_blank(address, size)
            for item in items:
                left -= 1
                more = MORE if left else 0
                if not isinstance(item, int):
                    self._compose(address, item[0], item[1], item[2], more)
                elif not self._copy(address, item, more):
                    self.damaged += 1
                    self._at = self._units
                    return -1
                units = self._record(address, self._turn)
                if not units:
                    raise OSError(EIO, "flash reads back something else")
                self._note(address, units)
                address += units
        except OSError:
            self._set_bad(self._sector)
            self._at = self._units  # nothing sound may stand behind a record that failed
            return 0
        self._apply()
        self._at = address - self._sector * self._units
        return 1

    def _open(self, size: int) -> None:
        """Make the next sector in the ring the newest, with room for a commit.

        Raises: OSError if all are bad or hold live records.
        """
        count = self._flash.sector_count
        start = self._sector
        for step in range(1, count + 1):
            sector = (start + step) % count
            if self._bad >> sector & 1 or self._holds_live(sector):
                continue
            self._at = 0
            self._turn += 1
            self._sector = sector
            slots = len(self._index) // 2
            while slots and self._index[2 * slots - 2] == NOWHERE:
                slots -= 1
            try:
                at = self._write_header(sector, self._index, slots)
            except OSError:
                self._set_bad(sector)
                at = self._units
            self._at = at
            if self._at + size <= self._units:
                return
        self._bad |= 1 << count
        raise OSError(ENOSPC, "no sector is free")

    def _holds_live(self, sector: int) -> bool:
        for slot in range(len(self._index) // 2):
            address = self._index[2 * slot]
            if address != NOWHERE and address // self._units == sector:
                return True
        return False

    def _passed(self, size: int, is_start: bool) -> "Sequence[int]":
        """Return what is to be copied since half a lap has passed it.

        It becomes a commit by itself: a cut in it changes nothing. A start is to be quick: it
        leaves that to commits until three quarters of a lap have passed without one, and then
        copies a little. What is left waits for the next.
        """
        age = self._flash.sector_count * (3 if is_start else 2) // 4
        limit = START_UNITS if is_start else self._units
        left = self._units - self._at - size
        units = 0
        head = self._views[TURN]
        items = None
        for slot in range(len(self._index) // 2):
            address, more = self._index[2 * slot], self._index[2 * slot + 1] & 0xFF
            if address == NOWHERE or units >= limit or units + more > left:
                continue
            if self._load(address, head) and self._turn - self._unit_turn() >= age:
                items = items or array("I")
                items.append(CARRIED << 24 | address << 8 | more)
                units += more
        return items or ()


def _units_of(items: "Sequence[int]") -> int:
    units = 0
    for item in items:
        units += item & 0xFF
    return units


def _hash(buffer: "bytes | memoryview", at: int, key_bytes: int) -> int:
    # The ends of keys differ most, as in sensor07; what is beyond the first unit is not known.
    if not key_bytes:
        return 0
    count = min(key_bytes, HASHED_BYTES)
    last, middle = buffer[at + count - 1], buffer[at + count // 2]
    return (31 * last + 7 * middle + buffer[at] + count) & 0xFF
