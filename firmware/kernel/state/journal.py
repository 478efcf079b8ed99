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
    KEYS_MAX,
    LENGTH_MASK,
    MORE,
    NOWHERE,
    POINTERS,
    RESIDUE,
    UNIT_BYTES,
    Sectors,
    record_units,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
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
        self._addresses = array("H")  # by slot
        self._marks = array("H")  # by slot: hash of the key, units of the record; 0: not yet read
        self._sector = flash.sector_count - 1  # the one opened last
        self._at = 0  # its first free unit; 0 while the index may not say what the flash says

    def recover(self, is_after_sleep: bool = False) -> int:
        """Read the journal, and make sure of its last commit; return the bytes programmed.

        The power may have gone with that commit's last bits half written, which read as written
        now and as erased the next time: it is copied before anyone acts on it. After an orderly
        sleep there is no such doubt. A flash that cannot be read is no empty journal: whoever
        wants something of it tries again, and fails as long as it does.
        """
        self._programmed = self._turn = self._at = self._unread = self._bad = 0
        self._forget_records()
        try:
            first, end, at = self._find_records()
            self._at = at
            self._unread = 0
            is_settled = not self._turn or (is_after_sleep and at < self._units)
            if not is_settled and not self._renew(first, end):
                if self._unread:
                    self._at = 0
                else:
                    self._renew(*self._rebuild(first))  # what reads now so, now so, never was
        except OSError:
            self._at = 0
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
        return bytes(record[start : start + (record[5] << 8 | record[6])])

    def keys(self) -> "list[bytes]":
        """Return the keys of the live records, in order.

        Raises: OSError when the medium fails.
        """
        self._ensure_index()
        found = []
        for slot in range(len(self._addresses)):
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
        for slot in range(len(self._addresses)):
            if self._addresses[slot] != NOWHERE:
                count += 1
                units += self._marks[slot] & 0xFF
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
            while free < len(self._addresses) and self._addresses[free] != NOWHERE:
                free += 1
            items.append((free, key, value))
            free += 1
        self._place(items, size, False)
        return self._programmed

    def wear(self) -> int:
        """Return how often a sector was erased, as if today's good ones had shared all of it."""
        return -(-self._turn // max(self._flash.sector_count - self.bad_sectors, 1))

    def _ensure_index(self) -> None:
        """Recover if the flash could not be read, or Ctrl-C came in the middle of a write.

        Raises: OSError if the flash still cannot be read.
        """
        if not self._at:
            self.recover()
        if not self._at:
            raise OSError(EIO, "flash cannot be read")

    def _find(self, key: bytes) -> "bytearray | None":
        mark = crc32(key[:HASHED_BYTES]) & 0xFF
        for slot in range(len(self._addresses)):
            if self._marks[slot] >> 8 == mark:
                record = self._fetch(slot)
                if record and record[HEAD_BYTES : HEAD_BYTES + (record[4] & LENGTH_MASK)] == key:
                    return record
        return None

    def _fetch(self, slot: int) -> "bytearray | None":
        """Return the last good copy of a slot's record, None if there is none."""
        for _ in range(TRIES):
            address = self._addresses[slot]
            if address == NOWHERE:
                return None
            record = bytearray((self._marks[slot] & 0xFF) * UNIT_BYTES)
            if self._load(address, record) and crc32(record) == RESIDUE:
                return record
            self.damaged += 1
            self._rebuild()
        raise OSError(EIO, "flash rots")

    # --- recovery ---

    def _find_records(self) -> "tuple[int, int, int]":
        """Fill the index; return the last commit's place, and where the next may go.

        Raises: OSError if the flash cannot be read.
        """
        first = end = NOWHERE
        at = self._units
        is_sound = self._survey()
        if is_sound and self._turn:
            units = self._read_pointers()
            if units:
                first, end, at = self._scan(self._sector, units, self._turn)
            is_sound = units > 0 and self._verify_pointers()
        if not is_sound or self._unread:
            first, end = self._rebuild()
            at = self._units
        return first, end, at

    def _survey(self) -> bool:
        """Find the newest sector; False if its header has rotted, which its records show."""
        doubtful = sector = 0
        for sector in range(self._flash.sector_count):
            turn = self._header(sector * self._units)
            if turn > self._turn:
                self._turn, self._sector = turn, sector
            elif not turn and min(self._unit) != 0xFF:
                doubtful |= 1 << sector
        while doubtful:
            if doubtful >> sector & 1 and self._turn_of(sector, KEYS_MAX // POINTERS) > self._turn:
                self.damaged += 1
                return False
            doubtful &= ~(1 << sector)
            sector -= 1
        return True

    def _turn_of(self, sector: int, units: int) -> int:
        """Return the turn of a record among a sector's first units, 0 if there is none."""
        for address in range(sector * self._units + 1, sector * self._units + 1 + units):
            if self._record(address):
                return self._unit_turn()
        return 0

    def _read_pointers(self) -> int:
        """Fill the index from the newest header; return its units, 0 if one has rotted."""
        units = slot = 0
        while True:
            if self._header(self._sector * self._units + units) != self._turn:
                self.damaged += 1
                return 0
            units += 1
            count = self._unit[3]
            while slot < min(count, units * POINTERS):
                at = 4 + slot % POINTERS * 2
                self._set(slot, self._unit[at] << 8 | self._unit[at + 1], 0)
                slot += 1
            if slot == count:
                return units

    def _verify_pointers(self) -> bool:
        """Read what the newest header points to and no later commit replaced; False if rotted."""
        rotted = 0
        for slot in range(len(self._addresses)):
            if self._addresses[slot] != NOWHERE and not self._marks[slot]:
                units = self._record(self._addresses[slot])
                if not units or self._unit[3] & ~CARRIED != slot:
                    rotted += 1
                self._marks[slot] = self._mark(units)
        self.damaged += rotted
        return not rotted

    def _scan(
        self, sector: int, at: int, turn: int, limit: int = NOWHERE
    ) -> "tuple[int, int, int]":
        """Take over a sector's commits in order.

        Nothing sound stands behind what a power cut tore: what fails before a sound record has
        rotted.
        Returns: the last commit's address and its end, and where in the sector the next may go.
        """
        base = sector * self._units
        first = end = NOWHERE
        address = start = tail = base + at
        commit: list[int] = []
        rotted = 0
        is_torn = is_whole = False
        while address < min(base + self._units, limit):
            units = self._record(address, turn)
            if not units:
                is_torn = is_torn or min(self._unit) != 0xFF
                address += 1
                continue
            if address != tail or is_whole:
                rotted += address != tail
                self._apply(commit)
                start = address
            is_torn = is_whole = False
            self._note(commit, address, units)
            address = tail = address + units
            if self._unit[4] & MORE:
                continue
            is_whole = self._unit[3] & CARRIED > 0  # but what follows shows that it was finished
            if not is_whole:
                self._apply(commit)
                first, end, start = start, address, address
        if is_whole and turn < self._turn:
            self._apply(commit)
        is_torn = is_torn or len(commit) > 0
        self.damaged += rotted
        self.torn += is_torn
        return first, end, self._units if rotted or is_torn else tail - base

    def _rebuild(self, limit: int = NOWHERE) -> "tuple[int, int]":
        """Fill the index from all sectors, oldest first; return the last commit's place.

        In the sector of the address `limit`, nothing from there on counts.
        A read that fails is tried again. A sector that fails each time while others do not is
        bad, and what stands elsewhere counts.
        Raises: OSError if that is not so: what cannot be read may be what counts.
        """
        counts = self.damaged, self.torn
        self._at = 0
        all_sectors = (1 << self._flash.sector_count) - 1
        ever, always = 0, all_sectors
        for _ in range(TRIES):
            self._unread = 0
            first, end = self._read_laps(limit)
            self.damaged, self.torn = counts
            ever |= self._unread
            always &= self._unread
            if not self._unread:
                break
        if self._unread and (ever != always or always == all_sectors):
            raise OSError(EIO, "flash cannot be read")
        for sector in range(self._flash.sector_count):
            if self._unread >> sector & 1:
                self._set_bad(sector)
        self._at = self._units
        return first, end

    def _read_laps(self, limit: int) -> "tuple[int, int]":
        self._forget_records()
        count = self._flash.sector_count
        turns = [self._header(sector * self._units) for sector in range(count)]
        for sector in range(count):
            if not turns[sector] and not self._unread >> sector & 1:
                turns[sector] = self._turn_of(sector, self._units - 1)
        newest = max(turns)
        self._turn = max(newest, self._turn)
        first = end = NOWHERE
        # A sector older than a lap failed to be erased: what it holds no longer counts.
        for turn in range(max(newest - count, 0) + 1, newest + 1):
            if turn in turns:
                self._sector = turns.index(turn)
                stop = limit if limit // self._units == self._sector else NOWHERE
                first, end, _ = self._scan(self._sector, 1, turn, stop)
        return first, end

    # --- the index ---

    def _mark(self, units: int) -> int:
        key = self._unit[HEAD_BYTES : HEAD_BYTES + (self._unit[4] & LENGTH_MASK)]
        return (crc32(key) & 0xFF) << 8 | units

    def _note(self, commit: "list[int]", address: int, units: int) -> None:
        commit.append(self._unit[3] & ~CARRIED)
        commit.append(NOWHERE if self._unit[4] & DELETED else address)
        commit.append(self._mark(units))

    def _apply(self, commit: "list[int]") -> None:
        for index in range(0, len(commit), 3):
            self._set(commit[index], commit[index + 1], commit[index + 2])
        commit.clear()

    def _forget_records(self) -> None:
        for slot in range(len(self._addresses)):
            self._addresses[slot] = NOWHERE

    def _set(self, slot: int, address: int, mark: int) -> None:
        while slot >= len(self._addresses):
            self._marks.append(0)  # first: Ctrl-C may come between the two
            self._addresses.append(NOWHERE)
        self._addresses[slot] = address
        self._marks[slot] = mark

    # --- writing ---

    def _renew(self, first: int, end: int) -> bool:
        """Copy a commit to the tail, if there is one; False if it no longer reads as it did.

        Where the tail is torn a sector is opened, so that nobody reads what is torn again.
        """
        items: list[Item] = []
        address = first
        while address < end:
            units = self._record(address)
            if not units:
                self.damaged += 1
                return False
            items.append(address << 8 | units)
            address += units
        try:
            return self._place(items, max(end - first, 1), True)
        except OSError:
            return True  # no sector takes it, as the next commit will say; it stays where it is

    def _place(self, items: "list[Item]", size: int, is_start: bool) -> bool:
        """Append one commit in the first good sector; False if a record to copy has rotted."""
        for _ in range(self._flash.sector_count):
            if self._at + size > self._units:
                self._open(size)
            old, units = self._passed(size, is_start)
            if old and self._append(old, units) < 0:
                self._rebuild()
            if self._at + size > self._units:
                continue  # the sector failed at that
            done = self._append(items, size)
            if done:
                self._flash.sync()
                return done > 0
        self._bad |= 1 << self._flash.sector_count
        raise OSError(EIO, "flash fails")

    def _append(self, items: "list[Item]", size: int) -> int:
        """Write one commit; return 1, 0 if the sector is bad, -1 if what it copies has rotted."""
        address = self._sector * self._units + self._at
        self._at = 0
        commit: list[int] = []
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
                self._note(commit, address, units)
                address += units
        except OSError:
            self._set_bad(self._sector)
            self._at = self._units  # nothing sound may stand behind a record that failed
            return 0
        self._apply(commit)
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
            slots = len(self._addresses)
            while slots and self._addresses[slots - 1] == NOWHERE:
                slots -= 1
            try:
                at = self._write_header(sector, self._addresses, slots)
            except OSError:
                self._set_bad(sector)
                at = self._units
            self._at = at
            if self._at + size <= self._units:
                return
        self._bad |= 1 << count
        raise OSError(ENOSPC, "no sector is free")

    def _holds_live(self, sector: int) -> bool:
        for address in self._addresses:
            if address != NOWHERE and address // self._units == sector:
                return True
        return False

    def _passed(self, size: int, is_start: bool) -> "tuple[list[Item], int]":
        """Return what is to be copied since half a lap has passed it, and the units of that.

        It becomes a commit by itself: a cut in it changes nothing. A start is to be quick: it
        leaves that to commits until three quarters of a lap have passed without one, and then
        copies a little. What is left waits for the next.
        """
        age = self._flash.sector_count * (3 if is_start else 2) // 4
        limit = START_UNITS if is_start else self._units
        left = self._units - self._at - size
        units = 0
        head = self._unit[:3]
        items: list[Item] = []
        for slot in range(len(self._addresses)):
            address, more = self._addresses[slot], self._marks[slot] & 0xFF
            if address == NOWHERE or units >= limit or units + more > left:
                continue
            if self._load(address, head) and self._turn - self._unit_turn() >= age:
                items.append(CARRIED << 24 | address << 8 | more)
                units += more
        return items, units
