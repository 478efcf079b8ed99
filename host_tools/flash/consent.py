"""Whose files a board holds, and whether a person agreed to lose them. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from cma_toolkit.boards.flash_map import SUBTYPE_FAT, SUBTYPE_LITTLEFS, Partition
from cma_toolkit.host_tools.errors import needs_yes
from cma_toolkit.host_tools.flash.files_on_board import Holdings, Kind
from cma_toolkit.host_tools.flash.table_state import RESTORING, Table, TableState

FILE_SYSTEM_LABELS = ("vfs", "ffat", "user", "spiffs", "storage", "littlefs")
FILE_SYSTEM_SUBTYPES = (SUBTYPE_FAT, 0x82, SUBTYPE_LITTLEFS)
MANIFEST = ".cma.json"
AGENT_FOLDER = ".agent/"  # what the kernel itself keeps in /user: boot count and the like
STOCK_BOOT_BYTES_MAX = 32 * 1024
NAMED_MAX = 3
UNREADABLE = "unknown data behind a partition table that cannot be read"


def areas_to_survey(
    state: TableState, ours: Sequence[Partition], theirs: Sequence[Partition], erase: bool
) -> list[Partition]:
    """Return the partitions that may hold files which this run would overwrite.

    `theirs` is the table found on the board, the implicit `vfs` included. Behind an erased table
    there may lie what our own map keeps there.
    """
    if state.table is Table.BLANK:
        return [part for part in ours if part.label in ("vfs", "user")]
    if state.table is Table.OURS:
        return [part for part in ours if part.label in (("vfs", "user") if erase else ("vfs",))]
    if state.table is not Table.FOREIGN:
        return []
    return file_systems(theirs)


def file_systems(partitions: Iterable[Partition]) -> list[Partition]:
    """Return the partitions that may hold files: by their label or by their subtype."""
    return [
        part
        for part in partitions
        if not part.is_app
        and (part.label in FILE_SYSTEM_LABELS or part.subtype in FILE_SYSTEM_SUBTYPES)
    ]


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
            found += unreadable(state, held)
        elif held.label == "vfs" and by_our_map(state):
            found += not_ours(vfs_files)
        elif set(held.files) == {"boot.py"} and is_stock_boot(vfs_files.get("boot.py", b"x")):
            continue
        else:
            found += persons(held.files)
    return found


def unreadable(state: TableState, held: Holdings) -> list[str]:
    """Return the words for data that may be a user's although no file can be told in it."""
    # In our own map an unreadable `vfs` is nobody's: nothing of a user's lives there. Where no
    # table ever was, unknown bytes are leftovers of whatever the flash held before.
    if state.table is Table.OURS and held.label == "vfs":
        return []
    if state.table is Table.BLANK and held.kind is Kind.UNKNOWN:
        return []
    return [f"{held.kind.value} in partition {held.label}"]


def by_our_map(state: TableState) -> bool:
    """Say whether the surveyed partitions are those of our own flash map."""
    return state.table in (Table.OURS, Table.BLANK)


def root_decides(state: TableState, held: Holdings) -> bool:
    """Say whether the contents of the root tell whose files it holds, not the names alone."""
    if held.label != "vfs" or held.kind is not Kind.LITTLEFS:
        return False
    if by_our_map(state):
        return True
    return set(held.files) == {"boot.py"} and held.files["boot.py"] <= STOCK_BOOT_BYTES_MAX


def persons(paths: Iterable[str]) -> list[str]:
    """Return the files that a person put there, without those of the kernel."""
    return sorted(path for path in paths if not path.startswith(AGENT_FOLDER))


def manifest_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file that we put on a board's root, to know them again."""
    return {name: sha256(data).hexdigest() for name, data in sorted(files.items())}


def not_ours(files: Mapping[str, bytes]) -> list[str]:
    """Return the files of a root that its manifest does not vouch for."""
    try:
        known = json.loads(files.get(MANIFEST, b"{}"))
    except ValueError:
        known = {}
    known = known if isinstance(known, dict) else {}
    actual = manifest_of({name: data for name, data in files.items() if name != MANIFEST})
    return [name for name, digest in actual.items() if known.get(name) != digest]


def is_stock_boot(content: bytes) -> bool:
    """Tell the boot.py that MicroPython itself writes: nothing but comments."""
    lines = content.decode("utf-8", "replace").splitlines()
    return all(not line.strip() or line.lstrip().startswith("#") for line in lines)


def name_some(names: Sequence[str]) -> str:
    """Name a few of many: `14 files of yours (boot.py, main.py, lib/x.py, …)`."""
    if any(name == UNREADABLE or " in partition " in name for name in names):
        return " and ".join(names)
    shown = ", ".join(names[:NAMED_MAX]) + (", …" if len(names) > NAMED_MAX else "")
    return f"{len(names)} file{'s' if len(names) != 1 else ''} of yours ({shown})"
