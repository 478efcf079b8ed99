"""What silicon does after reset: the mask ROM, the second-stage bootloader, and what they print.

Input    the flash and the chip
Returns  Bootable (partitions, app, log) or Unbootable (the text of one turn of the boot loop)
Source   ESP-IDF Programming Guide, "Application Startup Flow"; boot logs of real boards

Nothing here runs machine code: an image that the bootloader would start counts as MicroPython.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cma_toolkit.boards.flash_map import Partition
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.host_tools.image.errors import ImageError
from cma_toolkit.sim.virtual_board.boot.image import (
    HEADER_BYTES,
    IMAGE_MAGIC,
    SEGMENT_HEADER_BYTES,
    BadImageError,
    BootImage,
    read_image,
)
from cma_toolkit.sim.virtual_board.boot.slots import (
    Entry,
    boot_order,
    read_entries,
    write_entries,
)
from cma_toolkit.sim.virtual_board.rom.chips import ChipModel
from cma_toolkit.sim.virtual_board.rom.nor_flash import NorFlash

POWER_ON, DEEP_SLEEP = 1, 4
_VERSION_AT, _VERSION_BYTES = HEADER_BYTES + SEGMENT_HEADER_BYTES + 16, 32  # of an app
INVALID_HEADERS_PER_TURN = 4


@dataclass(frozen=True, slots=True)
class Bootable:
    """Flash that starts: its partitions as firmware sees them, the implicit `vfs` included."""

    partitions: tuple[Partition, ...]
    app: Partition
    log: bytes
    otadata_writes: tuple[Entry, ...] = ()
    version: str = ""  # as the app says it itself


@dataclass(frozen=True, slots=True)
class Unbootable:
    """Flash that does not start: `text` is printed at first, `text_again` after each reset."""

    reason: str
    text: bytes
    text_again: bytes


class _BootloaderError(Exception):
    """Carry the lines that the second-stage bootloader prints before it resets the chip."""

    def __init__(self, *lines: str) -> None:
        super().__init__(lines[-1])
        self.lines = lines


def inspect(
    flash: NorFlash, chip: ChipModel, reset_cause: int = POWER_ON, slept: Partition | None = None
) -> Bootable | Unbootable:
    """Tell what a reset would do; nothing is written.

    A wake from deep sleep starts the app that fell asleep, `slept`, and asks no otadata: nothing
    of a trial is over with it.

    Units    reset_cause: MicroPython's, 1 power-on to 4 deep sleep
    """
    header = flash.read(chip.bootloader_offset, 4)
    if header[0] != IMAGE_MAGIC:
        word = int.from_bytes(header, "little")
        lines = [f"invalid header: {word:#010x}"] * INVALID_HEADERS_PER_TURN
        return _unbootable(chip, lines, chip.texts.watchdog_reset, reset_cause)
    try:
        bootloader = read_image(flash, chip.bootloader_offset, partition_table.TABLE_OFFSET)
        _check_bootloader_chip(bootloader, chip)
    except BadImageError as error:
        lines = [str(error), "ets_main.c 371"]
        return _unbootable(chip, lines, chip.texts.watchdog_reset, reset_cause)
    loaded = _load_log(bootloader, chip)
    try:
        partitions = _read_table(flash)
        is_wake = reset_cause == DEEP_SLEEP and slept in partitions
        app, writes = (slept, []) if is_wake and slept else _choose_app(flash, partitions, chip)
    except _BootloaderError as error:
        lines = [*loaded, *error.lines]
        return _unbootable(chip, lines, chip.texts.bootloader_reset, reset_cause)
    effective = partition_table.effective(partitions, flash.size_bytes)
    log = _text(chip, chip.texts.resets[reset_cause], loaded)
    return Bootable(tuple(effective), app, log, tuple(writes), _version(flash, app))


def start(
    flash: NorFlash, chip: ChipModel, reset_cause: int = POWER_ON, slept: Partition | None = None
) -> Bootable | Unbootable:
    """Do what a reset does: inspect, and note in otadata that a new slot is on trial.

    Raises: PowerCut, if the flash's fault says so.
    """
    found = inspect(flash, chip, reset_cause, slept)
    if isinstance(found, Bootable):
        write_entries(flash, found.otadata_writes)
    return found


def download_text(chip: ChipModel, reset_cause: int = POWER_ON) -> bytes:
    """Return what the ROM prints before it waits for a flashing tool."""
    texts = chip.texts
    return (
        f"{texts.head}{texts.resets[reset_cause]},{texts.download_boot}\r\n"
        "waiting for download\r\n"
    ).encode()


def _check_bootloader_chip(image: BootImage, chip: ChipModel) -> None:
    if image.chip_id != chip.image_chip_id:
        raise BadImageError("Invalid image block, can't boot.")


def _read_table(flash: NorFlash) -> list[Partition]:
    data = flash.read(partition_table.TABLE_OFFSET, partition_table.TABLE_BYTES)
    if data[:2] != b"\xaa\x50":
        magic = int.from_bytes(data[:2], "little")
        raise _table_error(f"partition 0 invalid magic number {magic:#x}")
    try:
        partitions = partition_table.from_bytes(data)
    except ImageError as error:
        raise _table_error(str(error)) from error
    for index, partition in enumerate(partitions):
        if partition.end > flash.size_bytes:
            raise _table_error(
                f"partition {index} invalid - offset {partition.offset:#x} size "
                f"{partition.size_bytes:#x} exceeds flash chip size {flash.size_bytes:#x}"
            )
    return partitions


def _table_error(line: str) -> _BootloaderError:
    return _BootloaderError(
        f"E (31) flash_parts: {line}",
        "E (38) boot: Failed to verify partition table",
        "E (44) boot: load partition table error!",
    )


def _choose_app(
    flash: NorFlash, partitions: Sequence[Partition], chip: ChipModel
) -> tuple[Partition, list[Entry]]:
    order, writes = boot_order(partitions, read_entries(flash, partitions))
    lines: list[str] = []
    for app in order:
        try:
            image = read_image(flash, app.offset, app.end)
        except BadImageError as error:
            lines.append(f"E (94) esp_image: {error}")
            continue
        if image.chip_id == chip.image_chip_id:
            return app, writes
        lines.append(
            f"E (94) boot_comm: mismatch chip ID, expected {chip.image_chip_id}, "
            f"found {image.chip_id}"
        )
    raise _BootloaderError(
        *lines, "E (104) boot: No bootable app partitions in the partition table"
    )


def _version(flash: NorFlash, app: Partition) -> str:
    text = flash.read(app.offset + _VERSION_AT, _VERSION_BYTES)
    return text.partition(b"\0")[0].decode("ascii", "replace").removeprefix("v")


def _load_log(image: BootImage, chip: ChipModel) -> list[str]:
    size = chip.texts.length_format
    loads = [
        f"load:{segment.address:#010x},len:{size.format(segment.size_bytes)}"
        for segment in image.segments
    ]
    return [*chip.texts.before_load.splitlines(), *loads, f"entry {image.entry:#010x}"]


def _unbootable(chip: ChipModel, lines: Sequence[str], reset: str, cause: int) -> Unbootable:
    first = _text(chip, chip.texts.resets[cause], lines)
    return Unbootable(lines[-1], first, _text(chip, reset, lines))


def _text(chip: ChipModel, reset: str, lines: Sequence[str]) -> bytes:
    head = f"{chip.texts.head}{reset},{chip.texts.flash_boot}\r\n"
    return (head + "".join(f"{line}\r\n" for line in lines)).encode()
