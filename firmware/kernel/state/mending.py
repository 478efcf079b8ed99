"""What a journal does when the power comes back: it finds its records, and mends what was torn.

A boot needs this and hardly anything else does, so a board loads it for that and forgets it.

Input    recover(journal, is_after_sleep), rebuild(journal, limit)
Effects  none; fills the index of the journal, has it copy its last commit
Bounds   a record is read once by either; 4 B per sector of a lap
Source   SPEC.md, "Journal"
"""

from array import array

from .sectors import (
    CARRIED,
    EIO,
    KEYS_MAX,
    MORE,
    NOWHERE,
    POINTERS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .journal import Journal

TRIES = 3  # a read that fails as often is not mended by another


def recover(journal: "Journal", is_after_sleep: bool) -> None:
    """Read a journal, and make sure of its last commit: see `Journal.recover`."""
    journal._programmed = journal._turn = journal._at = journal._unread = journal._bad = 0
    journal._forget_records()
    try:
        first, end, at = _find_records(journal)
        journal._at = at
        journal._unread = 0
        is_settled = not journal._turn or (is_after_sleep and at < journal._units)
        if not is_settled and not _renew(journal, first, end):
            if journal._unread:
                journal._at = 0
            else:
                _renew(journal, *rebuild(journal, first))  # what reads now so, now so, never was
    except OSError:
        journal._at = 0


def _find_records(journal: "Journal") -> "tuple[int, int, int]":
    """Fill the index; return the last commit's place, and where the next may go.

    Raises: OSError if the flash cannot be read.
    """
    first = end = NOWHERE
    at = journal._units
    is_sound = _survey(journal)
    if is_sound and journal._turn:
        units = _read_pointers(journal)
        if units:
            start = journal._sector * journal._units + units
            first, end, at = _scan(journal, start, journal._turn)
        is_sound = units > 0 and _verify_pointers(journal)
    if not is_sound or journal._unread:
        first, end = rebuild(journal)
        at = journal._units
    return first, end, at


def _survey(journal: "Journal") -> bool:
    """Find the newest sector; False if its header has rotted, which its records show."""
    doubtful = sector = 0
    for sector in range(journal._flash.sector_count):
        turn = journal._header(sector * journal._units)
        if turn > journal._turn:
            journal._turn, journal._sector = turn, sector
        elif not turn and min(journal._unit) != 0xFF:
            doubtful |= 1 << sector
    while doubtful:
        if (
            doubtful >> sector & 1
            and _turn_of(journal, sector, KEYS_MAX // POINTERS) > journal._turn
        ):
            journal.damaged += 1
            return False
        doubtful &= ~(1 << sector)
        sector -= 1
    return True


def _turn_of(journal: "Journal", sector: int, units: int) -> int:
    """Return the turn of a record among a sector's first units, 0 if there is none."""
    for address in range(sector * journal._units + 1, sector * journal._units + 1 + units):
        if journal._record(address):
            return journal._unit_turn()
    return 0


def _read_pointers(journal: "Journal") -> int:
    """Fill the index from the newest header; return its units, 0 if one has rotted."""
    units = slot = 0
    while True:
        if journal._header(journal._sector * journal._units + units) != journal._turn:
            journal.damaged += 1
            return 0
        units += 1
        count = journal._unit[3]
        while slot < min(count, units * POINTERS):
            at = 4 + slot % POINTERS * 2
            journal._set(slot, journal._unit[at] << 8 | journal._unit[at + 1], 0)
            slot += 1
        if slot == count:
            return units


def _verify_pointers(journal: "Journal") -> bool:
    """Read what the newest header points to and no later commit replaced; False if rotted."""
    rotted = 0
    for slot in range(len(journal._index) // 2):
        if journal._index[2 * slot] != NOWHERE and not journal._index[2 * slot + 1]:
            units = journal._record(journal._index[2 * slot])
            if not units or journal._unit[3] & ~CARRIED != slot:
                rotted += 1
            journal._index[2 * slot + 1] = journal._mark(units)
    journal.damaged += rotted
    return not rotted


def _scan(
    journal: "Journal", address: int, turn: int, limit: int = NOWHERE
) -> "tuple[int, int, int]":
    """Take over a sector's commits in order, from an address on.

    Nothing sound stands behind what a power cut tore: what fails before a sound record has
    rotted.
    Returns: the last commit's address and its end, and where in the sector the next may go.
    """
    base = address - address % journal._units
    first = end = NOWHERE
    start = tail = address
    journal._commit[0] = 0
    rotted = 0
    is_torn = is_whole = False
    while address < min(base + journal._units, limit):
        units = journal._record(address, turn)
        if not units:
            is_torn = is_torn or min(journal._unit) != 0xFF
            address += 1
            continue
        if address != tail or is_whole:
            rotted += address != tail
            journal._apply()
            start = address
        is_torn = is_whole = False
        journal._note(address, units)
        address = tail = address + units
        if journal._unit[4] & MORE:
            continue
        is_whole = journal._unit[3] & CARRIED > 0  # but what follows shows that it was finished
        if not is_whole:
            journal._apply()
            first, end, start = start, address, address
    if is_whole and turn < journal._turn:
        journal._apply()
    is_torn = is_torn or journal._commit[0] > 0
    journal.damaged += rotted
    journal.torn += is_torn
    return first, end, journal._units if rotted or is_torn else tail - base


def rebuild(journal: "Journal", limit: int = NOWHERE) -> "tuple[int, int]":
    """Fill the index from all sectors, oldest first; return the last commit's place.

    In the sector of the address `limit`, nothing from there on counts.
    A read that fails is tried again. A sector that fails each time while others do not is
    bad, and what stands elsewhere counts.
    Raises: OSError if that is not so: what cannot be read may be what counts.
    """
    counts = journal.damaged, journal.torn
    journal._at = 0
    all_sectors = (1 << journal._flash.sector_count) - 1
    ever, always = 0, all_sectors
    for _ in range(TRIES):
        journal._unread = 0
        first, end = _read_laps(journal, limit)
        journal.damaged, journal.torn = counts
        ever |= journal._unread
        always &= journal._unread
        if not journal._unread:
            break
    if journal._unread and (ever != always or always == all_sectors):
        raise OSError(EIO, "flash cannot be read")
    for sector in range(journal._flash.sector_count):
        if journal._unread >> sector & 1:
            journal._set_bad(sector)
    journal._at = journal._units
    return first, end


def _read_laps(journal: "Journal", limit: int) -> "tuple[int, int]":
    journal._forget_records()
    count = journal._flash.sector_count
    turns = array("i", bytes(4 * count))
    for sector in range(count):
        turns[sector] = journal._header(sector * journal._units)
    for sector in range(count):
        if not turns[sector] and not journal._unread >> sector & 1:
            turns[sector] = _turn_of(journal, sector, journal._units - 1)
    newest = max(turns)
    journal._turn = max(newest, journal._turn)
    first = end = NOWHERE
    # A sector older than a lap failed to be erased: what it holds no longer counts.
    for turn in range(max(newest - count, 0) + 1, newest + 1):
        for sector in range(count):
            if turns[sector] == turn:
                journal._sector = sector
                stop = limit if limit // journal._units == sector else NOWHERE
                first, end, _ = _scan(journal, sector * journal._units + 1, turn, stop)
                break
    return first, end


def _renew(journal: "Journal", first: int, end: int) -> bool:
    """Copy a commit to the tail, if there is one; False if it no longer reads as it did.

    Where the tail is torn a sector is opened, so that nobody reads what is torn again.
    """
    items = array("I")
    address = first
    while address < end:
        units = journal._record(address)
        if not units:
            journal.damaged += 1
            return False
        items.append(address << 8 | units)
        address += units
    try:
        return journal._place(items, max(end - first, 1), True)
    except OSError:
        return True  # no sector takes it, as the next commit will say; it stays where it is
