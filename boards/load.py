"""The boards we know: read `boards/*.toml`, a project's own files before ours.

Nothing here knows a port or an image; the truth about a board is its file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import BoardFileError, FlashMapError
from .flash_map import (
    SUBTYPES,
    TYPES,
    Partition,
    check_flash_map,
    find,
    in_order,
    type_name,
)
from .records import BoardFile, Current, MicroPython, PartitionRow, Pins, Usb
from .strict import decode, nearest

OUR_FOLDER = Path(__file__).parent
DEFAULT_BOARD_IDS = {
    "esp32": "esp32-devkitc",
    "esp32s3": "esp32-s3-devkitc-1",
    "esp32c3": "esp32-c3-devkitm-1",
    "esp32c6": "esp32-c6-devkitc-1",
}


@dataclass(frozen=True, slots=True)
class Board:
    """One kind of board, checked: its flash map fits its flash and nothing overlaps."""

    id: str
    title: str
    chip: str
    micropython: MicroPython
    flash_size_bytes: int
    psram_size_bytes: int
    partitions: tuple[Partition, ...]
    usb: str
    usb_ids: tuple[str, ...]
    pins: Pins
    currents: Mapping[str, Current]
    path: Path

    @property
    def current_ua(self) -> dict[str, int]:
        """Return the current of each power state that the file gives."""
        return {state: current.current_ua for state, current in self.currents.items()}

    def partition(self, label: str) -> Partition:
        """Return the partition with this label.

        Raises: FlashMapError (the board file's author) if the map has none.
        """
        found = find(self.partitions, label)
        if found is None:
            raise FlashMapError(
                f'{self.path}: the flash map has no "{label}" partition: copy it from '
                f"{OUR_FOLDER / (DEFAULT_BOARD_IDS[self.chip] + '.toml')}."
            )
        return found


def load_board(board_id: str, project: Path | None = None) -> Board:
    """Read one board, the project's own file before ours.

    Raises: BoardFileError (a person) for an unknown id or a wrong file.
    """
    files = _files(project)
    if board_id not in files:
        raise BoardFileError(f'No board is called "{board_id}"{nearest(board_id, files)}')
    return read_board(files[board_id])


def list_boards(project: Path | None = None) -> list[Board]:
    """Read every board, in the order of their ids.

    Raises: BoardFileError (the author of a wrong file).
    """
    return [read_board(path) for _, path in sorted(_files(project).items())]


def default_board_id(chip: str) -> str:
    """Return Espressif's own development kit for a chip.

    Raises: BoardFileError (a board with a chip we do not know).
    """
    if chip not in DEFAULT_BOARD_IDS:
        raise BoardFileError(f'No board is known for the chip "{chip}": give one with --board.')
    return DEFAULT_BOARD_IDS[chip]


def read_board(path: Path) -> Board:
    """Read and check one board file.

    Raises: BoardFileError (the file's author).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BoardFileError(f"{path}: cannot be read: {error}. Mend or remove it.") from error
    return board_from_text(text, path)


def board_from_text(text: str, path: Path) -> Board:
    """Check the text of a board file; the file's name is the board's id.

    Raises: BoardFileError (the file's author).
    """
    file = decode(text, BoardFile, str(path), BoardFileError)
    partitions = tuple(in_order(_partition(row, path) for row in file.partitions))
    try:
        check_flash_map(partitions, file.flash_size_bytes)
    except FlashMapError as error:
        raise FlashMapError(f"{path}: {error}") from error
    return _board(file, partitions, path)


def _board(file: BoardFile, partitions: tuple[Partition, ...], path: Path) -> Board:
    usb: Usb = file.usb
    return Board(
        id=path.stem,
        title=file.title,
        chip=file.chip,
        micropython=file.micropython,
        flash_size_bytes=file.flash_size_bytes,
        psram_size_bytes=file.psram_size_bytes,
        partitions=partitions,
        usb=usb.kind,
        usb_ids=usb.ids,
        pins=file.pins,
        currents={str(state): current for state, current in file.currents.items()},
        path=path,
    )


def _partition(row: PartitionRow, path: Path) -> Partition:
    if row.type not in TYPES:
        raise BoardFileError(
            f'{path}: partition "{row.label}": unknown type "{row.type}"{nearest(row.type, TYPES)}'
        )
    type_number = TYPES[row.type]
    subtypes = SUBTYPES[type_number]
    if row.subtype not in subtypes:
        raise BoardFileError(
            f'{path}: partition "{row.label}": unknown {type_name(type_number)} subtype '
            f'"{row.subtype}"{nearest(row.subtype, subtypes)}'
        )
    return Partition(row.label, type_number, subtypes[row.subtype], row.offset, row.size_bytes)


def _files(project: Path | None) -> dict[str, Path]:
    files = {path.stem: path for path in OUR_FOLDER.glob("*.toml")}
    if project is not None:
        files |= {path.stem: path for path in (project / "boards").glob("*.toml")}
    return files
