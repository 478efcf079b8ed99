"""Which app partition the bootloader starts: `factory`, or what `otadata` says.

Input    the flash, its partitions
Bounds   two otadata entries, 16 OTA slots
Source   ESP-IDF Programming Guide, "Over The Air Updates"; `esp_ota_select_entry_t`

MicroPython is built with rollback: a new slot gets one boot, and if nobody confirms it before the
next, the boot after goes back to the slot before it.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cma_toolkit.boards.flash_map import SUBTYPE_FACTORY, SUBTYPE_OTA_0, Partition
from cma_toolkit.sim.virtual_board.rom.nor_flash import SECTOR_BYTES, NorFlash

SUBTYPE_OTADATA = 0x00
TYPE_DATA = 0x01
OTA_SLOTS_MAX = 16
NEW, PENDING, VALID, INVALID, ABORTED = range(5)
_ENTRY = struct.Struct("<I20sII")
_BLANK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the two otadata sectors, if its CRC is right."""

    offset: int
    sequence: int
    label: bytes
    state: int

    def to_bytes(self) -> bytes:
        """Return the entry as it lies in flash."""
        return _ENTRY.pack(self.sequence, self.label, self.state, sequence_crc(self.sequence))


def sequence_crc(sequence: int) -> int:
    """Return the CRC that makes an entry valid."""
    return zlib.crc32(struct.pack("<I", sequence), _BLANK)


def read_entries(flash: NorFlash, partitions: Sequence[Partition]) -> list[Entry]:
    """Return the valid otadata entries, the newest first."""
    entries: list[Entry] = []
    for partition in partitions:
        if (partition.type, partition.subtype) != (TYPE_DATA, SUBTYPE_OTADATA):
            continue
        if partition.size_bytes < 2 * SECTOR_BYTES:
            break
        for offset in (partition.offset, partition.offset + SECTOR_BYTES):
            sequence, label, state, crc = _ENTRY.unpack(flash.read(offset, _ENTRY.size))
            if sequence not in (0, _BLANK) and crc == sequence_crc(sequence):
                entries.append(Entry(offset, sequence, label, state))
        break
    return sorted(entries, key=lambda entry: -entry.sequence)


def boot_order(
    partitions: Sequence[Partition], entries: Sequence[Entry]
) -> tuple[list[Partition], list[Entry]]:
    """Return the apps in the order in which the bootloader tries them, and what it writes first.

    The entries to write: a new one becomes pending, one still pending becomes aborted.
    """
    apps = [partition for partition in partitions if partition.is_app]
    factory = [app for app in apps if app.subtype == SUBTYPE_FACTORY]
    slots = sorted(
        (app for app in apps if 0 <= app.subtype - SUBTYPE_OTA_0 < OTA_SLOTS_MAX),
        key=lambda app: app.subtype,
    )
    writes = [replace(entry, state=ABORTED) for entry in entries if entry.state == PENDING]
    usable = [entry for entry in entries if entry.state not in (PENDING, INVALID, ABORTED)]
    if not usable or not slots:
        return factory + slots, writes
    newest = usable[0]
    if newest.state == NEW:
        writes.append(replace(newest, state=PENDING))
    chosen = (newest.sequence - 1) % len(slots)
    # Should the chosen one not load: the slots below it, the factory app, then those above.
    return slots[chosen::-1] + factory + slots[chosen + 1 :], writes


def write_entries(flash: NorFlash, entries: Sequence[Entry]) -> None:
    """Write what the bootloader writes before it starts the app."""
    for entry in entries:
        flash.erase(entry.offset, SECTOR_BYTES)
        flash.program(entry.offset, entry.to_bytes())
