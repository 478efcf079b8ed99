"""Tell whether a partition holds NVS pages, or leftovers of something else. Pure.

Source: ESP-IDF Programming Guide, "Non-Volatile Storage Library", structure of a page.
"""

import struct
import zlib

PAGE_BYTES = 4096
_STATES = (0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8)  # active, full, being erased
_HEADER = struct.Struct("<I24xI")


def are_sound(partition: bytes) -> bool:
    """Say whether every page is blank or an NVS page with a right header."""
    return all(
        _is_sound(partition[start : start + PAGE_BYTES])
        for start in range(0, len(partition), PAGE_BYTES)
    )


def _is_sound(page: bytes) -> bool:
    if not page.strip(b"\xff"):
        return True
    state, crc = _HEADER.unpack_from(page)
    return state in _STATES and crc == zlib.crc32(page[4:28], 0xFFFFFFFF)
