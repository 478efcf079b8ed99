"""`esp32.Partition`: the flash map, raw access, and which slot boots.

Source   ESP-IDF esp_flash_partitions.h (esp_ota_select_entry_t), app_update/esp_ota_ops.c
"""

import binascii
import struct

from vb import board_flash, config, guard

_OTA_0 = 0x10
_OTA_SUBTYPES = 16
_OTADATA = (1, 0)
_SELECT = "<I20sII"
_SELECT_BYTES = 32
_SECTOR_BYTES = 4096
_NEW, _VALID, _INVALID, _ABORTED, _UNDEFINED = 0, 2, 3, 4, 0xFFFFFFFF
_ENOENT = 2
_EINVAL = 22


class Partition:
    """One partition of the flash."""

    BOOT, RUNNING = 0, 1
    TYPE_APP, TYPE_DATA = 0, 1

    def __init__(self, id, block_size=4096):
        is_role = id in (Partition.BOOT, Partition.RUNNING)
        row = _boot_row() if is_role else board_flash.find(id)
        if row is None:
            raise OSError(_ENOENT)
        self._open(row, block_size)

    def _open(self, row, block_bytes):
        self._row = row
        self._blocks = board_flash.blocks(row[3], row[4], block_bytes)
        self.readblocks = self._blocks.readblocks
        self.writeblocks = self._blocks.writeblocks
        self.ioctl = self._blocks.ioctl

    @classmethod
    def find(cls, type=TYPE_APP, subtype=0xFF, label=None, block_size=4096):
        """Return the partitions that match."""
        found = []
        for row in config.get("partitions"):
            matches = row[1] == type and subtype in (0xFF, row[2])
            if matches and label in (None, row[0]):
                partition = object.__new__(cls)
                partition._open(row, block_size)
                found.append(partition)
        return found

    def info(self):
        """Return (type, subtype, offset, size, label, is encrypted)."""
        label, kind, subtype, offset, size = self._row
        return (kind, subtype, offset, size, label, False)

    def get_next_update(self):
        """Return the slot that an update goes to."""
        slots = _slots()
        if not slots:
            raise OSError(_ENOENT)
        running = self._row[2] - _OTA_0 if self._row in slots else -1
        partition = object.__new__(Partition)
        partition._open(slots[(running + 1) % len(slots)], 4096)
        return partition

    def set_boot(self):
        """Boot this partition from the next reset on."""
        guard.run(_set_boot, self._row)

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        """Say that the running app works."""
        guard.run(_mark_valid)

    def __repr__(self):
        label, kind, subtype, offset, size = self._row
        text = "<Partition type=%d, subtype=%d, address=%d, size=%d, label=%s, encrypted=0>"
        return text % (kind, subtype, offset, size, label)


def _slots():
    rows = [row for row in config.get("partitions") if row[1] == 0]
    slots = [row for row in rows if _OTA_0 <= row[2] < _OTA_0 + _OTA_SUBTYPES]
    return sorted(slots, key=lambda row: row[2])


def _otadata():
    for row in config.get("partitions"):
        if (row[1], row[2]) == _OTADATA:
            return board_flash.region(row[3], row[4])
    return None


def _entries(region):
    """Return [(sequence, state)] of both sectors; sequence 0 where none is valid."""
    found = []
    for sector in (0, 1):
        data = bytearray(_SELECT_BYTES)
        region.read(sector * _SECTOR_BYTES, data)
        sequence, _, state, check = struct.unpack(_SELECT, data)
        good = check == _check(sequence) and sequence != 0xFFFFFFFF
        found.append((sequence if good and state not in (_INVALID, _ABORTED) else 0, state))
    return found


def _check(sequence):
    return binascii.crc32(struct.pack("<I", sequence), 0xFFFFFFFF)


def _boot_row():
    apps = [row for row in config.get("partitions") if row[1] == 0]
    region = _otadata()
    slots = _slots()
    if region and slots:
        sequence = max([entry[0] for entry in _entries(region)])
        if sequence:
            return slots[(sequence - 1) % len(slots)]
    factory = [row for row in apps if row[2] == 0]
    if factory:
        return factory[0]
    return slots[0] if slots else None


def _set_boot(row):
    region = _otadata()
    slots = _slots()
    if row[1] != 0 or region is None:
        raise OSError(-_EINVAL if region else _ENOENT)
    if row not in slots:  # the factory app boots when there is no choice
        region.erase(0, 2 * _SECTOR_BYTES)
        return
    entries = _entries(region)
    newest = max(entries[0][0], entries[1][0])
    sequence = newest + 1
    while (sequence - 1) % len(slots) != slots.index(row):
        sequence += 1
    sector = 0 if entries[0][0] <= entries[1][0] else 1
    _write_entry(region, sector, sequence, _NEW)


def _mark_valid():
    region = _otadata()
    if region is None:
        return
    entries = _entries(region)
    sector = 0 if entries[0][0] >= entries[1][0] else 1
    sequence, state = entries[sector]
    if sequence and state not in (_VALID, _UNDEFINED):
        _write_entry(region, sector, sequence, _VALID)


def _write_entry(region, sector, sequence, state):
    data = struct.pack(_SELECT, sequence, b"\xff" * 20, state, _check(sequence))
    region.erase(sector * _SECTOR_BYTES, _SECTOR_BYTES)
    region.program(sector * _SECTOR_BYTES, data)
