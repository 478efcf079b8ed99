"""What the partition-table sector tells about a board: ours, someone else's, or half done.

While a board is being flashed for the first time its table sector holds no table, only a mark that
says so: a half-written board does not start. The last write puts the table there. So a run that
was cut short is known as such by the next one, which completes it without asking again.
Pure: bytes in, a verdict out.
"""

from dataclasses import dataclass
from enum import Enum

from cma_toolkit.boards.flash_map import SECTOR_BYTES
from cma_toolkit.host_tools.image.partition_table import TABLE_BYTES

MARK_OFFSET = 0xE00
MARK_BYTES = 64
ERASED_HEAD = b"\xff\xff"
MARK_HEAD = b"cma unfinished: "

FLASHING = "flash"
ADOPTING = "adopt"
RESTORING = "restore"


class Table(Enum):
    """Whose partition table lies on a board."""

    BLANK = "blank"
    OURS = "ours"
    UNFINISHED = "unfinished"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class TableState:
    """The verdict, and what the mark says: `flash`, `restore`, `adopt SHA256` or nothing."""

    table: Table
    mark: str = ""

    @property
    def adopting(self) -> bool:
        """Say whether an adoption was cut short."""
        return self.mark.startswith(ADOPTING)


def finished_sector(table: bytes) -> bytes:
    """Return the sector of a board that is done."""
    return table.ljust(SECTOR_BYTES, b"\xff")


def unfinished_sector(mark: str) -> bytes:
    """Return the sector of a board at work: a mark instead of a table."""
    text = MARK_HEAD + mark.encode()
    if len(text) > MARK_BYTES:
        raise ValueError(f"mark {mark!r} is longer than its place")
    return (b"\xff" * MARK_OFFSET + text).ljust(SECTOR_BYTES, b"\xff")


def judge(sector: bytes, ours: bytes) -> TableState:
    """Tell whose table `sector` holds; `ours` is the table this board is about to get.

    Power may have failed while the sector was written. A mark without its end still says
    unfinished; so does a table in which every byte is either ours or not yet programmed, and one
    whose head is erased: no firmware finds a partition through it.
    """
    if not sector.strip(b"\xff"):
        return TableState(Table.BLANK)
    found, wanted = sector[:TABLE_BYTES], finished_sector(ours)[:TABLE_BYTES]
    if not found.strip(b"\xff"):
        return TableState(Table.UNFINISHED, _mark_of(sector))
    if found == wanted:
        return TableState(Table.OURS)
    torn = all(byte in (own, 0xFF) for byte, own in zip(found, wanted, strict=True))
    if torn or found[:2] == ERASED_HEAD:
        return TableState(Table.UNFINISHED, FLASHING)
    return TableState(Table.FOREIGN)


def _mark_of(sector: bytes) -> str:
    text = sector[MARK_OFFSET : MARK_OFFSET + MARK_BYTES].rstrip(b"\xff")
    if not text.startswith(MARK_HEAD):
        return FLASHING
    return text[len(MARK_HEAD) :].decode("ascii", "replace")
