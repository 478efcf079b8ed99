"""Read a board's whole flash into a backup, look at its files, write a backup back."""

from dataclasses import dataclass, field
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

from cma_toolkit.boards.flash_map import SECTOR_BYTES, TABLE_OFFSET, Partition
from cma_toolkit.boards.load import DEFAULT_BOARD_IDS, Board, load_board
from cma_toolkit.host_tools.errors import needs_yes, no_device, refused
from cma_toolkit.host_tools.flash import adopt_plan, backups, consent, plan
from cma_toolkit.host_tools.flash.device import Chip, Device
from cma_toolkit.host_tools.flash.files_on_board import Kind, Read, read_files, remembering, survey
from cma_toolkit.host_tools.flash.flash_job import (
    BAUD,
    choose_board,
    connected,
    write_regions,
)
from cma_toolkit.host_tools.flash.old_files import file_systems_in, partitions_in
from cma_toolkit.host_tools.flash.table_state import (
    FLASHING,
    RESTORING,
    Table,
    TableState,
    judge,
    unfinished_sector,
)
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.host_tools.ports.workers import Reporter


@dataclass(frozen=True)
class BackupRequest:
    """What `cma adopt` asks before it writes; every field survives JSON."""

    url: str
    folder: str
    board: str = ""
    project: str = ""
    boards_by_mac: dict[str, str] = field(default_factory=dict)
    default_boards: dict[str, str] = field(default_factory=lambda: dict(DEFAULT_BOARD_IDS))
    baud: int = BAUD
    wait_s: float = 0.0


@dataclass(frozen=True)
class RestoreRequest:
    """What `cma restore` asks; `chip` and `mac` are the backup's, empty if it does not tell."""

    url: str
    file: str
    chip: str
    mac: str
    yes: bool = False
    baud: int = BAUD
    wait_s: float = 0.0


def survey_board(request: BackupRequest, reporter: Reporter) -> dict[str, Any]:
    """Tell what an adoption would find, reading no more than the lists of files.

    Raises: CmaError for a board that cannot be adopted.
    """
    with connected(request.url, request.baud, request.wait_s, reporter) as (device, chip):
        seen = _examine(device, chip, request, reporter)
        return _facts(remembering(device.read), seen, Path(request.folder))


def back_up(request: BackupRequest, reporter: Reporter) -> dict[str, Any]:
    """Save the whole flash of a board that can be adopted, and leave it in its loader.

    A board whose adoption was cut short is not saved again: its backup is found by its mark.
    Raises: CmaError.
    """
    folder = Path(request.folder)
    with connected(request.url, request.baud, request.wait_s, reporter) as (device, chip):
        seen = _examine(device, chip, request, reporter)
        facts = _facts(remembering(device.read), seen, folder)
        if facts["ours"] or facts["backup"]:
            return facts
        reporter.step("back up")
        done = 0

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            reporter.progress(done, chip.flash_size_bytes)

        data = device.read(0, chip.flash_size_bytes, on_bytes)
        path = backups.save(folder, chip.mac, data)
        device.stay()  # what the old program wrote from now on would be lost
        return {**facts, "backup": str(path)}


def restore(request: RestoreRequest, reporter: Reporter) -> dict[str, Any]:
    """Write a whole backup back, skipping what is equal.

    Raises: CmaError if the backup is not this board's, or files would be lost.
    """
    data = backups.load(Path(request.file))
    with connected(request.url, request.baud, request.wait_s, reporter) as (device, chip):
        reporter.step("check")
        _check_backup(request, chip, len(data))
        lost = [] if request.yes else _files_to_lose(device, chip, data)
        if lost:
            raise needs_yes(
                f"The board holds {consent.name_some(lost)} which the backup does not hold. "
                "Copy them off with mpremote, or give --yes to overwrite them."
            )
        result = write_regions(device, whole_flash(data), reporter)
        return {"chip": chip.name, "mac": chip.mac, **result, "boot": "restarted"}


def whole_flash(data: bytes) -> list[plan.Region]:
    """Return a backup as regions: its table last, a mark in its place until then."""
    end = TABLE_OFFSET + SECTOR_BYTES
    return [
        plan.Region("mark", TABLE_OFFSET, unfinished_sector(RESTORING)),
        plan.Region("bootloader", 0, data[:TABLE_OFFSET]),
        plan.Region("flash", end, data[end:]),
        plan.Region("partition table", TABLE_OFFSET, data[TABLE_OFFSET:end]),
    ]


@dataclass(frozen=True)
class _Seen:
    """A board that may be adopted."""

    chip: Chip
    board: Board
    state: TableState
    file_systems: tuple[Partition, ...]


def _examine(device: Device, chip: Chip, request: BackupRequest, reporter: Reporter) -> _Seen:
    board = choose_board(request, chip, reporter)
    reporter.step("look")
    sector = device.read(TABLE_OFFSET, SECTOR_BYTES)
    state = judge(sector, partition_table.to_bytes(board.partitions))
    saved = backups.backups_of(Path(request.folder), chip.mac)
    if state.mark == RESTORING or (state.mark == FLASHING and not saved):
        raise refused(
            f"A cma {state.mark} of this board was cut short. Run cma {state.mark} again first."
        )
    parts = file_systems_in(state, sector, chip.flash_size_bytes, board.partitions)
    return _Seen(chip, board, state, tuple(parts))


def _facts(read: Read, seen: _Seen, folder: Path) -> dict[str, Any]:
    parts = seen.file_systems
    holdings = [survey(read, part.label, part.offset, part.size_bytes) for part in parts]
    if seen.state.table is Table.FOREIGN:
        adopt_plan.check_readable(holdings)
    files = adopt_plan.merged([(held.label, held.files) for held in holdings])
    old_boot = b""
    for part, held in zip(parts, holdings, strict=True):
        if adopt_plan.OLD_BOOT in held.files:
            old_boot = read_files(read, part.offset, part.size_bytes)[adopt_plan.OLD_BOOT]
            break  # the first one keeps its path
    return {
        "board": seen.board.id,
        "chip": seen.chip.name,
        "mac": seen.chip.mac,
        "flash_size_bytes": seen.chip.flash_size_bytes,
        "ours": seen.state.table is Table.OURS,
        "files": files,
        "old_boot": old_boot.decode("utf-8", "replace"),
        "backup": _earlier_backup(seen.state, seen.chip, folder),
    }


def _earlier_backup(state: TableState, chip: Chip, folder: Path) -> str:
    """Return the backup from which an adoption that was cut short goes on; empty if none."""
    if state.table not in (Table.UNFINISHED, Table.BLANK):
        return ""
    known = backups.backups_of(folder, chip.mac)
    wanted = state.mark.partition(" ")[2]
    for path in reversed(known):
        if backups.digest_of(path).startswith(wanted):
            return str(path)
    if state.adopting:
        raise no_device(
            f"This board is half adopted, but its backup is not in {folder}. "
            "Run this in the folder where the adoption began, or name it with --backup DIR."
        )
    return ""


def _check_backup(request: RestoreRequest, chip: Chip, size_bytes: int) -> None:
    if chip.locked_by:
        plan.check_chip(chip, "the backup", chip.name, ())
    if request.chip and request.chip != chip.name:
        raise refused(
            f"Wrong chip: the backup is of an {request.chip}, this board is an {chip.name}. "
            "Name the right port or the right file."
        )
    if size_bytes != chip.flash_size_bytes:
        raise refused(
            f"The backup has {size_bytes} bytes, this flash {chip.flash_size_bytes}. "
            "Name a backup of a board with the same flash."
        )
    if request.mac != chip.mac and not request.yes:
        whose = f"of {request.mac}" if request.mac else "of an unknown board"
        raise needs_yes(
            f"The backup is {whose}, this board is {chip.mac}. "
            "Name its own backup, or give --yes to make this board a copy."
        )


def _files_to_lose(device: Device, chip: Chip, backup: bytes) -> list[str]:
    """Return what of a user's on the board the backup does not hold, for a person to read."""
    sector = device.read(TABLE_OFFSET, SECTOR_BYTES)
    board_id = DEFAULT_BOARD_IDS.get(chip.name)
    ours = load_board(board_id).partitions if board_id else ()
    state = judge(sector, partition_table.to_bytes(ours))
    theirs = partitions_in(sector, chip.flash_size_bytes)
    lost = [consent.UNREADABLE] if state.table is Table.FOREIGN and not theirs else []
    read = remembering(device.read)
    kept = _digests_in(backup)
    for part in consent.areas_to_survey(state, ours, theirs, erase=True):
        held = survey(read, part.label, part.offset, part.size_bytes)
        if held.kind is Kind.LITTLEFS:
            files = read_files(read, part.offset, part.size_bytes)
            lost += [name for name in _users(files) if sha256(files[name]).digest() not in kept]
        elif held.kind is not Kind.BLANK and not _is_equal(device, part, backup):
            lost += consent.unreadable(state, held)
    return lost


def _users(files: dict[str, bytes]) -> list[str]:
    if consent.MANIFEST in files:
        return consent.not_ours(files)
    stock = consent.is_stock_boot(files.get("boot.py", b"x"))
    return [name for name in consent.persons(files) if not (stock and name == "boot.py")]


def _digests_in(backup: bytes) -> set[bytes]:
    def read(offset: int, size: int) -> bytes:
        return backup[offset : offset + size]

    parts = partitions_in(read(TABLE_OFFSET, SECTOR_BYTES), len(backup))
    return {
        sha256(content).digest()
        for part in consent.file_systems(parts)
        for content in read_files(read, part.offset, part.size_bytes).values()
    }


def _is_equal(device: Device, part: Partition, backup: bytes) -> bool:
    saved = md5(backup[part.offset : part.end]).hexdigest()
    return device.md5(part.offset, part.size_bytes) == saved
