"""What to write to a board and what to refuse. Pure: facts in, regions or one sentence out.

Order matters: power may fail between any two writes. A board that gets a new flash map first gets
the mark of an unfinished run in its table's place, then everything else, and its table last.
A board that already has our map keeps its `user`, `state` and `nvs` partitions untouched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cma_toolkit.boards.flash_map import (
    SUBTYPE_FAT,
    SUBTYPE_LITTLEFS,
    TABLE_OFFSET,
    TYPE_DATA,
    Partition,
    size_text,
)
from cma_toolkit.host_tools.errors import needs_yes, refused
from cma_toolkit.host_tools.flash.device import Chip
from cma_toolkit.host_tools.flash.files_on_board import BLOCK_BYTES, Holdings, Kind
from cma_toolkit.host_tools.flash.table_state import (
    RESTORING,
    Table,
    TableState,
    finished_sector,
    unfinished_sector,
)

FILE_SYSTEM_LABELS = ("vfs", "ffat", "user", "spiffs", "storage", "littlefs")
FILE_SYSTEM_SUBTYPES = (SUBTYPE_FAT, 0x82, SUBTYPE_LITTLEFS)
MANIFEST = ".cma.json"
SLOT_BYTES_MAX = 256 * 1024
ROOT_BYTES_READ_MAX = 32 * 1024
NAMED_MAX = 3
UNREADABLE = "unknown data behind a partition table that cannot be read"


@dataclass(frozen=True)
class Region:
    """Bytes for one place in flash."""

    label: str
    offset: int
    data: bytes


@dataclass(frozen=True)
class Contents:
    """What every board of one kind gets, each as its partition's image."""

    bootloader: bytes
    table: bytes
    app: bytes
    romfs: bytes
    vfs: bytes
    empty_user: bytes


def board_for(
    chip: Chip,
    asked: str,
    by_mac: Mapping[str, str],
    defaults: Mapping[str, str],
) -> tuple[str, str]:
    """Choose the board's file: as asked, as the fleet knows this MAC, else the chip's dev kit.

    Returns: the board id, and what to say about the choice.
    Raises: CmaError if the chip is none of ours.
    """
    if asked:
        return asked, ""
    if chip.mac in by_mac:
        return by_mac[chip.mac], f"{chip.mac} is {by_mac[chip.mac]} in your inventory"
    if chip.name not in defaults:
        known = ", ".join(sorted(defaults))
        raise refused(f"This chip is {chip.name}; cma knows {known}. Use one of those boards.")
    board = defaults[chip.name]
    return board, f"no board named: taking {board} for {chip.name}; --board names another"


def check_chip(
    chip: Chip, board_id: str, board_chip: str, partitions: Sequence[Partition]
) -> None:
    """Refuse the wrong chip, a locked one, and a flash smaller than the map.

    Raises: CmaError.
    """
    if chip.locked_by:
        raise refused(
            f"This {chip.name} has {chip.locked_by} enabled, so what cma writes would not run. "
            "Use a board without it."
        )
    if chip.name != board_chip:
        raise refused(
            f"Wrong chip: {board_id} has an {board_chip}, but this is an {chip.name}. "
            "Give the right --board, or leave it out to let the chip decide."
        )
    end = max(part.offset + part.size_bytes for part in partitions)
    if not chip.flash_size_bytes:
        raise refused("The flash chip does not tell its size. Check the board's supply and cable.")
    if end > chip.flash_size_bytes:
        raise refused(
            f"The flash is smaller than the map: {board_id} needs {size_text(end)}, this board "
            f"has {size_text(chip.flash_size_bytes)}. Name a board that fits with --board, or put "
            "your own map into boards/."
        )


def check_fit(contents: Contents, bootloader_offset: int, partitions: Sequence[Partition]) -> None:
    """Refuse what is larger than its place.

    Raises: CmaError.
    """
    if bootloader_offset + len(contents.bootloader) > TABLE_OFFSET:
        raise refused("The image's bootloader is larger than its place. Fetch an official image.")
    for label, data in (("factory", contents.app), ("vfs", contents.vfs)):
        room = find_part(partitions, label).size_bytes
        if len(data) > room:
            raise refused(
                f"{len(data)} bytes do not fit into the partition {label} of {room} bytes. "
                "Use a smaller MicroPython image or a board file with a larger partition."
            )
    slot = min(SLOT_BYTES_MAX, find_part(partitions, "romfs").size_bytes)
    if len(contents.romfs) > slot:
        raise refused(
            f"The kernel takes {len(contents.romfs)} bytes, a slot has {slot}. "
            "Use a board file with a larger partition romfs."
        )


def find_part(partitions: Sequence[Partition], label: str) -> Partition:
    """Return the partition of that label.

    Raises: CmaError if a board's map lacks it.
    """
    for part in partitions:
        if part.label == label:
            return part
    raise refused(f"The flash map has no partition {label}. Add it to the board's file.")


def areas_to_survey(
    state: TableState, ours: Sequence[Partition], theirs: Sequence[Partition], erase: bool
) -> list[Partition]:
    """Return the partitions that may hold files which this run would overwrite.

    `theirs` is the table found on the board, the implicit `vfs` included.
    """
    if state.table is Table.OURS:
        return [part for part in ours if part.label in (("vfs", "user") if erase else ("vfs",))]
    if state.table is not Table.FOREIGN:
        return []
    return [part for part in theirs if part.type == TYPE_DATA and _holds_files(part)]


def _holds_files(part: Partition) -> bool:
    return part.label in FILE_SYSTEM_LABELS or part.subtype in FILE_SYSTEM_SUBTYPES


def check_consent(state: TableState, at_risk: Sequence[str], *, adopting: bool, yes: bool) -> None:
    """Refuse to overwrite what is a user's, unless they said yes.

    Raises: CmaError with exit code 8.
    """
    if yes or adopting:
        return
    if state.adopting:
        raise needs_yes(
            "An adoption of this board was cut short; its files are in your backup. "
            "Run cma adopt again to complete it, or give --yes to forget them."
        )
    if state.mark == RESTORING:
        raise needs_yes(
            "A restore of this board was cut short. "
            "Run cma restore again to complete it, or give --yes to forget it."
        )
    if at_risk:
        raise needs_yes(
            f"The board holds {name_some(at_risk)}. Run cma adopt to keep them, "
            "or give --yes to overwrite them."
        )


def at_risk(
    state: TableState,
    theirs: Sequence[Partition],
    holdings: Sequence[Holdings],
    vfs_files: Mapping[str, bytes],
) -> list[str]:
    """Return what is a user's in the surveyed partitions, for a person to read.

    `vfs_files` are the contents of the partition `vfs`, as far as they decide.
    """
    found = [UNREADABLE] if state.table is Table.FOREIGN and not theirs else []
    for held in holdings:
        if held.kind in (Kind.FAT, Kind.UNKNOWN):
            # In our own map an unreadable `vfs` is nobody's: nothing of a user's lives there.
            if state.table is not Table.OURS or held.label != "vfs":
                found.append(f"{held.kind.value} in partition {held.label}")
        elif held.label == "vfs" and state.table is Table.OURS:
            found += not_ours(vfs_files)
        elif set(held.files) == {"boot.py"} and is_stock_boot(vfs_files.get("boot.py", b"x")):
            continue
        else:
            found += sorted(held.files)
    return found


def manifest_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file that we put on a board's root, to know them again."""
    return {name: sha256(data).hexdigest() for name, data in sorted(files.items())}


def not_ours(files: Mapping[str, bytes]) -> list[str]:
    """Return the files of a root that its manifest does not vouch for."""
    import json

    try:
        known = json.loads(files.get(MANIFEST, b"{}"))
    except ValueError:
        known = {}
    actual = manifest_of({name: data for name, data in files.items() if name != MANIFEST})
    return [name for name, digest in actual.items() if known.get(name) != digest]


def is_stock_boot(content: bytes) -> bool:
    """Tell the boot.py that MicroPython itself writes: nothing but comments."""
    lines = content.decode("utf-8", "replace").splitlines()
    return all(not line.strip() or line.lstrip().startswith("#") for line in lines)


def regions(
    contents: Contents,
    bootloader_offset: int,
    partitions: Sequence[Partition],
    *,
    fresh: bool,
    mark: str,
    user: bytes,
    keep_nvs: bool,
) -> list[Region]:
    """Return what to write, in order. `fresh` gives the board a new map and empty partitions."""
    body = [
        Region("kernel", find_part(partitions, "romfs").offset, contents.romfs),
        Region("root files", find_part(partitions, "vfs").offset, contents.vfs),
    ]
    if fresh:
        body += pieces("user files", find_part(partitions, "user").offset, user)
        body += [
            Region(f"blank {part.label}", part.offset, b"\xff" * part.size_bytes)
            for part in partitions
            if part.label in ("state", "otadata") or (part.label == "nvs" and not keep_nvs)
        ]
    body += [
        Region("MicroPython", find_part(partitions, "factory").offset, contents.app),
        Region("bootloader", bootloader_offset, contents.bootloader),
    ]
    if not fresh:
        return body
    begin = Region("mark", TABLE_OFFSET, unfinished_sector(mark))
    end = Region("partition table", TABLE_OFFSET, finished_sector(contents.table))
    return [begin, *body, end]


def pieces(label: str, offset: int, image: bytes) -> list[Region]:
    """Split a file-system image into its runs of blocks that are not blank.

    littlefs erases a block before it programs it, so what lies in the others does not matter.
    """
    runs: list[Region] = []
    start = -1
    for position in range(0, len(image) + BLOCK_BYTES, BLOCK_BYTES):
        block = image[position : position + BLOCK_BYTES]
        if block.strip(b"\xff"):
            start = position if start < 0 else start
        elif start >= 0:
            runs.append(Region(label, offset + start, image[start:position]))
            start = -1
    return runs


def name_some(names: Sequence[str]) -> str:
    """Name a few of many: `14 files of yours (boot.py, main.py, lib/x.py, …)`."""
    if any(name in UNREADABLE or " in partition " in name for name in names):
        return " and ".join(names)
    shown = ", ".join(names[:NAMED_MAX]) + (", …" if len(names) > NAMED_MAX else "")
    return f"{len(names)} file{'s' if len(names) != 1 else ''} of yours ({shown})"
