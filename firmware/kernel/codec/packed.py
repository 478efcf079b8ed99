"""A payload that travels smaller: a mark, then what the payload deflates to.

A payload is a CBOR item, and none begins with the mark, so whoever takes one knows which it has.
It is packed before it is cut or sealed: the mark is encrypted, and authentic, with the rest. Each
payload is packed on its own, as what one shares with another would show in its length.

Input    pack(payload, size, out, places), unpack(payload, inflate)
Effects  none
Bounds   MESSAGE_BYTES_MAX, whatever is unpacked; pack allocates nothing
Source   RFC 8949, section 3: additional information 28 is reserved; SPEC.md, "Packed payloads"
"""

from ..limits import MESSAGE_BYTES_MAX
from .deflate import deflate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    Inflate = Callable[[bytes, int], bytes]

PACKED = 0xFC


def pack(payload: "bytes | bytearray", size: int, out: bytearray, places: "array[int]") -> int:
    """Write the packed form of a payload's first `size` bytes; return its length.

    Shape: `out` has `size` bytes at least, `places` is as in `deflate`.
    Returns: 0 if it would not be smaller; then it travels as it is.
    """
    out[0] = PACKED
    return deflate(payload, size, out, 1, size - 1, places)


def unpack(payload: "bytes | bytearray", inflate: "Inflate") -> "bytes | bytearray":
    """Return what a payload is when it is not packed.

    Shape: `inflate(data, most)` is the port's: the first `most` bytes that raw DEFLATE makes, with
    a window of 2**WINDOW_BITS.
    Raises: ValueError for what inflates to too much, to nothing smaller packed, to another packed
    one, or not at all (peer).
    """
    if not payload or payload[0] != PACKED:
        return payload
    made = inflate(bytes(memoryview(payload)[1:]), MESSAGE_BYTES_MAX + 1)
    if not len(payload) < len(made) <= MESSAGE_BYTES_MAX or made[0] == PACKED:
        raise ValueError
    return made
