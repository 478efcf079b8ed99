"""`otadata`: which of the places for apps starts, and how far its trial is.

Input    a region: read(at, buffer), program(at, data), erase(at, size)
Effects  two sectors of one entry each, written in turn
Source   ESP-IDF esp_flash_partitions.h (esp_ota_select_entry_t), app_update/esp_ota_ops.c
"""

import binascii
import struct

_SELECT = "<I20sII"
_SELECT_BYTES = 32
_SECTOR_BYTES = 4096
_BLANK = 0xFFFFFFFF
_NEW, _VALID, _INVALID, _ABORTED, _UNDEFINED = 0, 2, 3, 4, _BLANK


def chosen(region, count):
    """Return which of so many places starts, -1 if none was ever chosen."""
    sequence = max([entry[0] for entry in _entries(region)])
    return (sequence - 1) % count if sequence else -1


def choose(region, place, count):
    """Have one of so many places start from the next reset on, for as long as one boot."""
    entries = _entries(region)
    sequence = max(entries[0][0], entries[1][0]) + 1
    while (sequence - 1) % count != place:
        sequence += 1
    sector = 0 if entries[0][0] <= entries[1][0] else 1
    _write(region, sector, sequence, _NEW)


def choose_factory(region):
    """Have the app that no update ever replaces start."""
    region.erase(0, 2 * _SECTOR_BYTES)


def mark_valid(region):
    """Have what was chosen last start for good; False if nothing was."""
    entries = _entries(region)
    sector = 0 if entries[0][0] >= entries[1][0] else 1
    sequence, state = entries[sector]
    if sequence and state != _VALID:
        _write(region, sector, sequence, _VALID)
    return sequence != 0


def _entries(region):
    """Return [(sequence, state)] of both sectors; sequence 0 where none is valid."""
    found = []
    for sector in (0, 1):
        data = bytearray(_SELECT_BYTES)
        region.read(sector * _SECTOR_BYTES, data)
        sequence, _, state, check = struct.unpack(_SELECT, data)
        is_good = check == _check(sequence) and sequence != _BLANK
        found.append((sequence if is_good and state not in (_INVALID, _ABORTED) else 0, state))
    return found


def _check(sequence):
    return binascii.crc32(struct.pack("<I", sequence), _BLANK)


def _write(region, sector, sequence, state):
    data = struct.pack(_SELECT, sequence, b"\xff" * 20, state, _check(sequence))
    region.erase(sector * _SECTOR_BYTES, _SECTOR_BYTES)
    region.program(sector * _SECTOR_BYTES, data)
