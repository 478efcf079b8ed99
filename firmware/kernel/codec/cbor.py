"""CBOR: written in its one deterministic form, read in that form or in any.

`decode` takes what `encode` makes and nothing else, so that equal values are equal bytes: it is
for what agents send and store. `decode_any` takes any well-formed CBOR of the profile.

Input    a value and a buffer, or bytes
Effects  none
Bounds   depth CBOR_DEPTH_MAX, bignums CBOR_BIGNUM_BYTES_MAX; a length is checked against the bytes
         left before anything is allocated for it
Source   RFC 8949, section 3 (heads), 4.2.1 (core deterministic encoding); SPEC.md, "CBOR"
"""

from struct import pack_into, unpack_from

from ..limits import CBOR_BIGNUM_BYTES_MAX, CBOR_DEPTH_MAX
from . import floats
from .utf8 import is_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIMPLE = -1  # the number of a Tag that holds a simple value

_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = 0, 1, 2, 3, 4, 5, 6
_INT_END = 1 << 64
_SHORT_BYTES = 64  # the first try of `encode`
_STRINGS, _BIGNUMS = (2, 3), (2, 3)
# Bignums are integers here, and what a reference means depends on other items.
_NO_TAGS = (2, 3, 25, 28, 29, 256)

# Every distinct text costs heap: one for each thing that a caller can do about it.
_NO_ROOM = "does not fit"
_NO_TEXT = "text that is not UTF-8"
_TOO_DEEP = "nested too deeply"
_OUTSIDE = "a tag or an integer outside of the profile"
_ILL_FORMED = "cut short or not well-formed"
_OTHER_FORM = "not deterministic"
# Of bytes and text in one map MicroPython would print a warning at each comparison, and they
# collide: a frame could keep a board busy with it.
_KEYS = "a map's keys are different integers of 64 bits, and either text or bytes"

# To MicroPython a builtin's name costs up to ten times a global's: it searches a list of them all.
_int, _str, _float, _dict, _bytes = int, str, float, dict, bytes
_len, _isinstance, _SEQUENCES = len, isinstance, (list, tuple)


class CborError(ValueError):
    """The bytes are not CBOR of the profile, or the value has no encoding (peer or caller)."""


class Tag:
    """A value under a tag number, as it came, or a simple value that Python lacks.

    Shape: `Tag(1, 1700000000)` is a tagged integer, `Tag(SIMPLE, 23)` is undefined.
    """

    def __init__(self, number: int, value: object) -> None:
        self.number = number
        self.value = value

    def __eq__(self, other: object) -> bool:
        """Tell whether the other is a Tag of equal number and value."""
        return type(other) is Tag and (self.number, self.value) == (other.number, other.value)

    __hash__ = None  # type: ignore[assignment]  # no key of a map


def encode(value: object, size_bytes_max: int = 1024) -> bytes:
    """Return the encoding of a value.

    Raises: CborError if it has none or takes more than `size_bytes_max`.
    """
    # Most values are short, and a heap in pieces has no room for the longest.
    size_bytes = min(_SHORT_BYTES, size_bytes_max)
    while True:
        buffer = bytearray(size_bytes)
        try:
            return bytes(memoryview(buffer)[: write_into(buffer, 0, value)])
        except CborError:
            if size_bytes == size_bytes_max:
                raise
        size_bytes = min(4 * size_bytes, size_bytes_max)


def write_into(buffer: bytearray, offset: int, value: object) -> int:
    """Write the encoding of a value at an offset and return the offset after it.

    Raises: CborError if it has none, is nested too deeply, or does not fit the buffer.
    """
    try:
        return _write(buffer, offset, (value,), None, 0)
    except IndexError:
        raise CborError(_NO_ROOM)
    except UnicodeError:  # CPython; MicroPython encodes it
        raise CborError(_NO_TEXT)
    except TypeError:  # a key that is no pair of `_order`
        raise CborError(_KEYS)


def write_head(buffer: bytearray, offset: int, major: int, argument: int) -> int:
    """Write the head of an item in its shortest form; return the offset after it.

    An integer beyond 64 bits is written whole, as a bignum.

    Raises: CborError if it does not fit or there is no such head.
    """
    major <<= 5
    try:
        if argument < 24:
            buffer[offset] = major | argument
            return offset + 1
        if argument < 0x100:
            buffer[offset + 1] = argument
            buffer[offset] = major | 24
            return offset + 2
        if argument < 0x10000:
            buffer[offset + 2] = argument & 0xFF
            buffer[offset + 1] = argument >> 8
            buffer[offset] = major | 25
            return offset + 3
        if argument < 0x100000000:
            buffer[offset + 4] = 0
            pack_into(">BI", buffer, offset, major | 26, argument)
            return offset + 5
        if argument >= _INT_END:
            return _write_bignum(buffer, offset, major, argument)
        buffer[offset + 8] = 0
        pack_into(">BQ", buffer, offset, major | 27, argument)
        return offset + 9
    except IndexError:
        raise CborError(_NO_ROOM)


def _write_bignum(buffer: bytearray, offset: int, major: int, argument: int) -> int:
    if major > 0x20 or argument >> (8 * CBOR_BIGNUM_BYTES_MAX):
        raise CborError(_OUTSIDE)
    size = 9
    while argument >> (8 * size):
        size += 1
    offset = write_head(buffer, offset, _TAG, 2 + (major >> 5))
    offset = write_head(buffer, offset, _BYTES, size)
    return _store(buffer, offset, argument.to_bytes(size, "big"))


def _store(buffer: bytearray, offset: int, data: "bytes | bytearray") -> int:
    end = offset + _len(data)
    # A slice assignment past the end would make the buffer grow.
    if end > _len(buffer):
        raise CborError(_NO_ROOM)
    buffer[offset:end] = data
    return end


def _write(  # noqa: PLR0912, PLR0915, PLR0917
    buffer: bytearray,
    offset: int,
    items: "Any",
    fields: "Any",
    depth: int,
    # As locals: MicroPython searches a long list for a builtin, at each use.
    type: "Any" = type,
    int: "Any" = int,
    str: "Any" = str,
    len: "Any" = len,
) -> int:
    # long: a call per item would take three times as long.
    # Write items one after the other, or a map's fields in the order that `_order` gives.
    if depth > CBOR_DEPTH_MAX:
        raise CborError(_TOO_DEEP)
    limit = len(buffer)
    start = offset
    for entry in items:
        item = entry
        if fields is not None:
            if type(item) is int:
                if item < 24:
                    buffer[offset] = item
                    offset += 1
                else:
                    offset = write_head(buffer, offset, _UINT, item)
                item = fields[item]
            else:
                data, key = item
                if type(data) is int:
                    size = data
                    try:
                        data = key.encode()
                    except AttributeError:  # not text
                        data, size = b"", -1
                    if len(data) != size:  # not ASCII: the keys may be in another order
                        return _write(buffer, start, _order_encoded(fields), fields, depth)
                    if size < 24:
                        buffer[offset] = 0x60 | size
                        offset += 1
                    else:
                        offset = write_head(buffer, offset, _TEXT, size)
                end = offset + len(data)
                if end > limit:
                    raise CborError(_NO_ROOM)
                buffer[offset:end] = data
                offset = end
                item = fields[key]
        kind = type(item)
        if kind is int:
            if item < 0:
                offset = write_head(buffer, offset, _NINT, -1 - item)
            elif item < 24:
                buffer[offset] = item
                offset += 1
            else:
                offset = write_head(buffer, offset, _UINT, item)
        elif kind is str:
            data = item.encode()
            size = len(data)
            if size != len(item) and not is_utf8(data):
                raise CborError(_NO_TEXT)
            if size < 24:
                buffer[offset] = 0x60 | size
                offset += 1
            else:
                offset = write_head(buffer, offset, _TEXT, size)
            end = offset + size
            if end > limit:
                raise CborError(_NO_ROOM)
            buffer[offset:end] = data
            offset = end
        elif item is True or item is False or item is None:
            buffer[offset] = 0xF6 if item is None else 0xF5 if item else 0xF4
            offset += 1
        elif kind is _float:
            offset = _store(buffer, offset, floats.to_bytes(item))
        elif _isinstance(item, _dict):
            offset = write_head(buffer, offset, _MAP, len(item))
            offset = _write(buffer, offset, _order(item), item, depth + 1)
        elif _isinstance(item, _SEQUENCES):
            offset = write_head(buffer, offset, _ARRAY, len(item))
            offset = _write(buffer, offset, item, None, depth + 1)
        elif kind is _bytes:
            offset = write_head(buffer, offset, _BYTES, len(item))
            offset = _store(buffer, offset, item)
        elif kind is Tag:
            offset = _write_tag(buffer, offset, item, depth)
        else:
            offset = _write(buffer, offset, (_plain(item),), None, depth)
    return offset


def _write_tag(buffer: bytearray, offset: int, tag: Tag, depth: int) -> int:
    number, value = tag.number, tag.value
    if number == SIMPLE:
        if not isinstance(value, int) or not (0 <= value < 20 or value == 23 or 31 < value < 256):
            raise CborError(_ILL_FORMED)
        return write_head(buffer, offset, 7, value)
    if number < 0 or number in _NO_TAGS:
        raise CborError(_OUTSIDE)
    return _write(buffer, write_head(buffer, offset, _TAG, number), (value,), None, depth + 1)


def _plain(value: "Any") -> object:
    # The value of a subclass or of a view.
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return "".join((value,))
    if isinstance(value, float):
        return float(value)
    raise CborError("no CBOR for " + type(value).__name__)


def _order(fields: "Any", type: "Any" = type, len: "Any" = len, sorted: "Any" = sorted) -> "Any":
    # Return a map's keys in the order of their encodings: integers themselves, text with its
    # length, which is its size as long as it is ASCII.
    kind = None
    for key in fields:
        kind = type(key)
        break
    try:
        if kind is _str:
            keys = [(len(key), key) for key in fields]
            keys.sort()
            return keys
        if kind is _int:
            keys = sorted(fields)
            if keys[0] >= 0 and keys[-1] < _INT_END:
                return keys
    except TypeError:  # not all are of one kind
        pass
    return _order_encoded(fields)


def _order_encoded(fields: "Any") -> "list[tuple[bytes, object]]":
    keys: "list[tuple[bytes, object]]" = []
    strings: "Any" = None
    for key in fields:
        if isinstance(key, bool) or not isinstance(key, (int, str, bytes)):
            raise CborError(_KEYS)
        if not isinstance(key, int):
            strings = strings or (str if isinstance(key, str) else bytes)
            if not isinstance(key, strings):
                raise CborError(_KEYS)
        size = 9 if isinstance(key, int) else 9 + 4 * len(key)
        keys.append((encode(key, size), key))
    keys.sort()  # unique first members: the order is total on both runtimes
    return keys


def decode(data: "bytes | bytearray | memoryview") -> object:
    """Return the one value that the bytes hold.

    Raises: CborError if they are not what `encode` makes of a value.
    """
    return _whole(data, False)


def decode_any(data: "bytes | bytearray | memoryview") -> object:
    """Return the one value that the bytes hold, in whatever form.

    Raises: CborError if they are not well-formed CBOR of the profile.
    """
    return _whole(data, True)


def decode_next(data: "bytes | bytearray | memoryview", offset: int) -> "tuple[object, int]":
    """Return the value that begins at an offset of a sequence, and the offset after it.

    Raises: CborError if there is none, or it is not what `encode` makes of a value.
    """
    return _read(data, offset, False)


def _whole(data: "bytes | bytearray | memoryview", general: bool) -> object:
    value, offset = _read(data, 0, general)
    if offset != _len(data):
        raise CborError(_ILL_FORMED)
    return value


def _read(  # noqa: PLR0912, PLR0915, PLR0917
    data: "bytes | bytearray | memoryview",
    offset: int,
    general: bool,
    type: "Any" = type,
    str: "Any" = str,
    len: "Any" = len,
) -> "tuple[Any, int]":
    """Return the value that stands at an offset, and the offset after it.

    Raises: CborError as `decode`, or as `decode_any` if `general`.
    """
    # long: a call per item would take three times as long.
    view = memoryview(data)
    size = len(view)
    # What is being filled: its major type, itself, the items it still lacks (an even number before
    # a map's key, negative if only a break ends it). _UINT: the next value is the result.
    kind = _UINT
    container: "Any" = None
    left = 1
    outer: "list[Any]" = []
    # The last key and its head: the next key of a deterministic map is greater.
    key: "Any" = None
    key_head = key_argument = -1
    value: "Any"
    try:
        while True:
            head = view[offset]
            offset += 1
            argument = head & 31
            if head < 24:
                value = head
            elif head < 0xE0:
                if argument > 23:
                    if argument == 24:
                        argument = view[offset]
                        offset += 1
                        least = 24
                    elif argument == 25:
                        argument = view[offset] << 8 | view[offset + 1]
                        offset += 2
                        least = 0x100
                    elif argument < 28:
                        end = offset + (4 if argument == 26 else 8)
                        if end > size:
                            raise CborError(_ILL_FORMED)
                        least = 0x10000 if argument == 26 else 0x100000000
                        argument = unpack_from(">I" if argument == 26 else ">Q", view, offset)[0]
                        offset = end
                    elif general and argument == 31 and 0x40 < head < 0xC0:
                        argument = least = -1
                    else:
                        raise CborError(_ILL_FORMED)
                    if argument < least and not general:
                        raise CborError(_OTHER_FORM)
                if head < 0x40:
                    value = argument if head < 0x20 else -1 - argument
                elif head < 0x80 and argument >= 0:
                    end = offset + argument
                    if end > size:
                        raise CborError(_ILL_FORMED)
                    if head < 0x60:
                        value = bytes(view[offset:end])
                    else:
                        value = str(view[offset:end], "utf-8")
                        # MicroPython lets surrogates and overlong forms pass.
                        if len(value) != argument and not is_utf8(view[offset:end]):
                            raise CborError(_NO_TEXT)
                    offset = end
                else:
                    if kind == _MAP and not left & 1 and head > 0x7F:
                        raise CborError(_KEYS)
                    if kind in _STRINGS:
                        raise CborError(_ILL_FORMED)
                    if len(outer) >= CBOR_DEPTH_MAX:
                        raise CborError(_TOO_DEEP)
                    if argument > size - offset and head < 0xC0:
                        raise CborError(_ILL_FORMED)
                    outer.append((kind, container, left, key, key_head, key_argument))
                    kind = head >> 5
                    left = argument
                    key_head = -1
                    if kind == _TAG:
                        container = argument
                        left = 1
                    elif kind == _MAP:
                        container = {}
                        left += argument
                    else:
                        container = []
                    if left:
                        continue
                    value = container
                    kind, container, left, key, key_head, key_argument = outer.pop()
            elif head == 0xFF:
                if left > 0 or (kind == _MAP and left & 1):
                    raise CborError(_ILL_FORMED)
                value = container
                if kind == _BYTES:
                    value = b"".join(value)
                elif kind == _TEXT:
                    value = "".join(value)
                kind, container, left, key, key_head, key_argument = outer.pop()
            elif kind == _MAP and not left & 1:
                raise CborError(_KEYS)
            elif 19 < argument < 23:
                value = None if argument == 22 else argument == 21
            else:
                end = offset + (1 << (argument - 24) if argument > 23 else 0)
                if end > size:
                    raise CborError(_ILL_FORMED)
                value = _read_special(view, offset, argument, general)
                offset = end
            while True:
                if kind == _MAP:
                    if left & 1:
                        container[key] = value
                    elif general:
                        if type(value) is not _int:
                            if key_head == -1:
                                key_head = type(value)
                            elif key_head is not type(value):
                                raise CborError(_KEYS)
                        if value in container:
                            raise CborError(_KEYS)
                        key = value
                    else:
                        # Heads decide, then sizes or integers, then what is in the strings.
                        if head <= key_head:
                            if (
                                head < key_head
                                or argument < key_argument
                                or (argument == key_argument and value <= key)
                            ):
                                raise CborError(_OTHER_FORM)
                        elif 0x40 <= key_head < 0x60 <= head:
                            raise CborError(_KEYS)
                        key_head = head
                        key_argument = argument
                        key = value
                elif kind == _ARRAY:
                    container.append(value)
                elif kind == _UINT:
                    return value, offset
                elif kind == _TAG:
                    container = _untag(container, value, general)
                else:
                    if head >> 5 != kind:
                        raise CborError(_ILL_FORMED)
                    container.append(value)
                left -= 1
                if left:
                    break
                value = container
                kind, container, left, key, key_head, key_argument = outer.pop()
    except IndexError:
        raise CborError(_ILL_FORMED)
    except UnicodeError:
        raise CborError(_NO_TEXT)


def _read_special(view: memoryview, offset: int, argument: int, general: bool) -> object:
    if argument == 25:
        bits = view[offset] << 8 | view[offset + 1]
        value = floats.from_half(bits)
        if value != value and bits != 0x7E00 and not general:  # noqa: PLR0124 - NaN
            raise CborError(_OTHER_FORM)
        return value
    if argument == 26:
        if not general and floats.half_of(view, offset) >= 0:
            raise CborError(_OTHER_FORM)
        return unpack_from(">f", view, offset)[0]
    if argument == 27:
        if not general and floats.fits_single(view, offset):
            raise CborError(_OTHER_FORM)
        return unpack_from(">d", view, offset)[0]
    if argument > 24 or (argument == 24 and view[offset] < 32):
        raise CborError(_ILL_FORMED)
    return Tag(SIMPLE, argument if argument < 24 else view[offset])


def _untag(number: int, value: object, general: bool) -> object:
    if number in _BIGNUMS:
        if not isinstance(value, bytes) or len(value) > CBOR_BIGNUM_BYTES_MAX:
            raise CborError(_OUTSIDE)
        if not general and (len(value) <= 8 or not value[0]):
            raise CborError(_OTHER_FORM)
        argument = int.from_bytes(value, "big")
        return argument if number == 2 else -1 - argument
    if number in _NO_TAGS:
        raise CborError(_OUTSIDE)
    return Tag(number, value)
