"""The file systems of a flash, on a board or in a backup, and the files in them.

Pure but for `read`, which a board or a backup provides.
"""

from collections.abc import Callable, Sequence
from hashlib import md5

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.host_tools.errors import refused
from cma_toolkit.host_tools.flash import adopt_plan, consent
from cma_toolkit.host_tools.flash.files_on_board import Read, read_files
from cma_toolkit.host_tools.flash.table_state import Table, TableState
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.host_tools.image.errors import ImageError


def partitions_in(sector: bytes, flash_size_bytes: int) -> list[Partition]:
    """Return what a table sector names and MicroPython's implicit `vfs`; none if unreadable."""
    try:
        return partition_table.effective(
            partition_table.from_bytes(sector[: partition_table.TABLE_BYTES]), flash_size_bytes
        )
    except ImageError:
        return []


def file_systems_in(
    state: TableState, sector: bytes, flash_size_bytes: int, ours: Sequence[Partition]
) -> list[Partition]:
    """Return the partitions whose files an adoption brings back.

    Behind an erased table that is `user` of our own map. Behind a half-written one nothing is
    left to bring back but from a backup.
    """
    if state.table is Table.BLANK:
        return [part for part in ours if part.label == "user"]
    if state.table is Table.UNFINISHED:
        return []
    return consent.file_systems(partitions_in(sector, flash_size_bytes))


def check_unchanged(
    md5_of: Callable[[int, int], str], partitions: Sequence[Partition], backup: bytes
) -> None:
    """Refuse to overwrite file systems that are no longer as the backup holds them.

    Raises: CmaError.
    """
    for part in partitions:
        saved = md5(backup[part.offset : part.end]).hexdigest()
        if md5_of(part.offset, part.size_bytes) != saved:
            raise refused(
                f"The board's files in partition {part.label} changed after the backup was made. "
                "Nothing was written. Run cma adopt again."
            )


def files_in(read: Read, partitions: Sequence[Partition]) -> dict[str, bytes]:
    """Return every file in these file systems, at the paths at which they come back."""
    return adopt_plan.merged(
        [(part.label, read_files(read, part.offset, part.size_bytes)) for part in partitions]
    )
