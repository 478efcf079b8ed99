"""Whether an app is whole, as `esp_image_verify` finds out before an app is chosen to start.

Input    a region: read(at, buffer), size_bytes
Source   ESP-IDF Programming Guide, "App Image Format"
"""

import hashlib
import struct

_MAGIC, _SEGMENTS_MAX, _SEED = 0xE9, 16, 0xEF
_HEADER_BYTES, _SEGMENT_BYTES, _DIGEST_BYTES = 24, 8, 32
_HAS_DIGEST_AT = 23
_PART_BYTES = 1024


def is_whole(region):
    """Tell whether an app with a right checksum, and digest if it has one, begins a region."""
    hashed = hashlib.sha256()
    header = _read(region, 0, _HEADER_BYTES, hashed)
    if header is None or header[0] != _MAGIC or not 0 < header[1] <= _SEGMENTS_MAX:
        return False
    at, check = _HEADER_BYTES, _SEED
    for _ in range(header[1]):
        segment = _read(region, at, _SEGMENT_BYTES, hashed)
        if segment is None:
            return False
        at += _SEGMENT_BYTES
        left = struct.unpack("<II", segment)[1]
        if left % 4 or left > region.size_bytes - at:
            return False
        while left:
            part = _read(region, at, min(left, _PART_BYTES), hashed)
            for byte in part:
                check ^= byte
            at += len(part)
            left -= len(part)
    tail = _read(region, at, (at | 15) + 1 - at, hashed)
    if tail is None or tail[-1] != check:
        return False
    if header[_HAS_DIGEST_AT] != 1:
        return True
    stored = bytearray(_DIGEST_BYTES)
    region.read((at | 15) + 1, stored)
    return hashed.digest() == bytes(stored)


def _read(region, at, size, hashed):
    """Return bytes, None where the region ends before them."""
    if at + size > region.size_bytes:
        return None
    data = bytearray(size)
    region.read(at, data)
    hashed.update(data)
    return data
