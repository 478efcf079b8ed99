"""CBOR, written and read in its one deterministic form.

Integers of 64 bits, byte and text strings, arrays, maps, booleans, null and floats. What another
implementation encodes deterministically is read; any other form of the same value is refused, so
that equal values are equal bytes.

Input    a value and a buffer, or bytes
Effects  none
Bounds   depth CBOR_DEPTH_MAX; an item count is checked against the bytes left before anything is
         allocated for it
Source   RFC 8949, section 3 (heads), 4.2.1 (core deterministic encoding), appendix D (half floats)
"""

import struct

from ..limits import CBOR_DEPTH_MAX
from . import floats
from .utf8 import is_utf8

_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _SIMPLE = 0, 1, 2, 3, 4, 5, 7
_INT_END = 1 << 64


class CborError(ValueError):
    """The bytes are not deterministic CBOR, or the value has none (peer or caller)."""


def encode(value: object, size_bytes_max: int = 1024) -> bytes:
    """Return the encoding of a value.

    Raises: CborError if it has none or takes more than `size_bytes_max`.
    """
    buffer = bytearray(size_bytes_max)
    return bytes(memoryview(buffer)[: write_into(buffer, 0, value)])


def write_into(  # noqa: PLR0911 - one return per type reads best
    buffer: bytearray, offset: int, value: object, depth: int = 0
) -> int:
    """Write the encoding of a value at an offset and return the offset after it.

    Raises: CborError if it has none, is nested too deeply, or does not fit the buffer.
    """
    if value is None or value is True or value is False:
        code = 0xF6 if value is None else 0xF5 if value else 0xF4
        return _write_bytes(buffer, offset, bytes((code,)))
    if isinstance(value, int):
        if value >= 0:
            return write_head(buffer, offset, _UINT, value)
        return write_head(buffer, offset, _NINT, -1 - value)
    if isinstance(value, str):
        data = value.encode()
        if not is_utf8(data):
            raise CborError("text with a lone surrogate")
        return _write_bytes(buffer, write_head(buffer, offset, _TEXT, len(data)), data)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _write_bytes(buffer, write_head(buffer, offset, _BYTES, len(value)), value)
    if isinstance(value, float):
        return _write_bytes(buffer, offset, floats.to_bytes(value))
    if depth >= CBOR_DEPTH_MAX:
        raise CborError("nested too deeply")
    if isinstance(value, (list, tuple)):
        offset = write_head(buffer, offset, _ARRAY, len(value))
        for item in value:
            offset = write_into(buffer, offset, item, depth + 1)
        return offset
    if isinstance(value, dict):
        return _write_map(buffer, offset, value, depth)
    raise CborError("no CBOR for " + type(value).__name__)


def write_head(buffer: bytearray, offset: int, major: int, argument: int) -> int:
    """Write the head of an item in its shortest form; return the offset after it.

    Raises: CborError if the argument exceeds 64 bits or the head does not fit.
    """
    if argument < 24:
        size = 0
    elif argument < 0x100:
        size = 1
    elif argument < 0x10000:
        size = 2
    elif argument < _INT_END:
        size = 4 if argument < _INT_END >> 32 else 8
    else:
        raise CborError("integer beyond 64 bits")
    if offset + 1 + size > len(buffer):
        raise CborError("does not fit")
    if not size:
        buffer[offset] = major << 5 | argument
        return offset + 1
    buffer[offset] = major << 5 | (23 + (1 if size == 1 else 2 if size == 2 else size // 4 + 2))
    while size:
        buffer[offset + size] = argument & 0xFF
        argument >>= 8
        size -= 1
    return offset + 1 + (1 << ((buffer[offset] & 31) - 24))


def _write_bytes(buffer: bytearray, offset: int, data: "bytes | bytearray | memoryview") -> int:
    end = offset + len(data)
    if end > len(buffer):
        raise CborError("does not fit")
    # Through a memoryview: a slice assignment past the end would grow the bytearray.
    memoryview(buffer)[offset:end] = data
    return end


def _write_map(buffer: bytearray, offset: int, value: "dict[object, object]", depth: int) -> int:
    offset = write_head(buffer, offset, _MAP, len(value))
    keys = []
    for key in value:
        if isinstance(key, bool) or not isinstance(key, (int, str, bytes)):
            raise CborError("a map's key is an integer, text or bytes")
        keys.append((encode(key, len(buffer)), key))
    keys.sort()  # unique first members: the order is total on both runtimes
    for encoded, key in keys:
        offset = _write_bytes(buffer, offset, encoded)
        offset = write_into(buffer, offset, value[key], depth + 1)
    return offset


def decode(data: "bytes | bytearray | memoryview") -> object:
    """Return the one value that the bytes hold.

    Raises: CborError if they are not the deterministic encoding of exactly one value.
    """
    reader = Reader(data)
    value = reader.read()
    if reader.offset != len(data):
        raise CborError("bytes after the value")
    return value


class Reader:
    """Read values one after the other from bytes that stay as they are meanwhile."""

    def __init__(self, data: "bytes | bytearray | memoryview") -> None:
        self._view = memoryview(data)
        self._end = len(data)
        self.offset = 0

    def read(self, depth: int = 0) -> object:  # noqa: PLR0911 - one return per major type
        """Return the next value and stand behind it.

        Raises: CborError; the reader is then of no further use.
        """
        head = self._byte()
        major, short = head >> 5, head & 31
        if major == _SIMPLE:
            return self._simple(short)
        argument = self._argument(short)
        if major == _UINT:
            return argument
        if major == _NINT:
            return -1 - argument
        if argument > self._end - self.offset:
            raise CborError("truncated")
        if major == _BYTES:
            return bytes(self._take(argument))
        if major == _TEXT:
            return self._text(argument)
        if depth >= CBOR_DEPTH_MAX:
            raise CborError("nested too deeply")
        if major == _ARRAY:
            return [self.read(depth + 1) for _ in range(argument)]
        if major == _MAP:
            return self._map(argument, depth)
        raise CborError("tags are not used")

    def _byte(self) -> int:
        if self.offset >= self._end:
            raise CborError("truncated")
        self.offset += 1
        return self._view[self.offset - 1]

    def _take(self, count: int) -> memoryview:
        # A short slice is not an error in Python: the length is checked first.
        if count > self._end - self.offset:
            raise CborError("truncated")
        self.offset += count
        return self._view[self.offset - count : self.offset]

    def _argument(self, short: int) -> int:
        if short < 24:
            return short
        if short > 27:
            raise CborError("indefinite or reserved length")
        size = 1 << (short - 24)
        argument = 0
        for byte in self._take(size):
            argument = argument << 8 | byte
        least = 24 if size == 1 else 1 << (size * 4)
        if argument < least:
            raise CborError("not the shortest form")
        return argument

    def _text(self, size_bytes: int) -> str:
        data = self._take(size_bytes)
        if not is_utf8(data):
            raise CborError("text is not UTF-8")
        return str(data, "utf-8")

    def _map(self, count: int, depth: int) -> "dict[object, object]":
        result: "dict[object, object]" = {}
        previous = b""
        for _ in range(count):
            start = self.offset
            key = self.read(depth + 1)
            if isinstance(key, bool) or not isinstance(key, (int, str, bytes)):
                raise CborError("a map's key is an integer, text or bytes")
            encoded = bytes(self._view[start : self.offset])
            if encoded <= previous:
                raise CborError("keys repeat or are out of order")
            previous = encoded
            result[key] = self.read(depth + 1)
        return result

    def _simple(self, short: int) -> object:
        if short == 20:
            return False
        if short == 21:
            return True
        if short == 22:
            return None
        if short == 25:
            data = self._take(2)
            if floats.is_other_nan(data):
                raise CborError("not the one form of NaN")
            return floats.from_half(data)
        if short == 26:
            data = self._take(4)
            if floats.half_of(data) >= 0:
                raise CborError("not the shortest float")
            return struct.unpack(">f", bytes(data))[0]
        if short == 27:
            data = self._take(8)
            if floats.fits_single(data):
                raise CborError("not the shortest float")
            return struct.unpack(">d", bytes(data))[0]
        raise CborError("simple value without meaning here")
