"""A document and its signatures, as they travel: the SUIT envelope, read where it lies.

Nothing is copied: the signatures, 1.5 KB each, may be in flash.

Input    Envelope(data), its payload, is_signed(keys, threshold)
Effects  none
Bounds   SIGNATURES_MAX; each key is tried once
Source   draft-ietf-suit-manifest-34, sections 8.2 and 8.3; RFC 9052, section 4.4; RFC 8778
"""

from hashlib import sha256

from .lms import verify
from .refusals import REFUSED_MALFORMED, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIGNATURES_MAX = 4
KEY_ID_BYTES = 8
_TAG = b"\xd8\x6b"
_SIGN1 = b"\xd2\x84\x44\xa1\x01\x38\x2d\xa1\x04\x48"  # its algorithm, -46, and a key id follows
_SIG_STRUCTURE = b"\x84\x6aSignature1\x44\xa1\x01\x38\x2d\x40\x58\x24"
_DIGEST = b"\x82\x2f\x58\x20"  # SHA-256, and 32 bytes follow


class Envelope:
    """One document that somebody handed over; nobody vouches for it yet."""

    def __init__(self, data: "bytes | memoryview") -> None:
        """Take it apart.

        Raises: RefusedError for any other form than the one (peer).
        """
        view = memoryview(data)
        try:
            self._read(view)
        except IndexError:
            raise RefusedError(REFUSED_MALFORMED)

    def _read(self, view: memoryview) -> None:
        at = _after(view, 0, _TAG + b"\xa2\x02")
        start, end = _string(view, at)
        at = _after(view, end, b"\x03")
        first, last = _string(view, at)
        if last != len(view):
            raise RefusedError(REFUSED_MALFORMED)
        self.payload = view[first:last]
        self._suit_digest = _DIGEST + sha256(view[at:last]).digest()
        count = view[start] - 0x81
        at = _after(view, start + 1, b"\x58\x24" + self._suit_digest)
        if not 0 <= count <= SIGNATURES_MAX:
            raise RefusedError(REFUSED_MALFORMED)
        self._signatures: "dict[bytes, memoryview]" = {}
        for _ in range(count):
            at, last = _string(view, at)
            at = _after(view, at, _SIGN1)
            key_id = bytes(view[at : at + KEY_ID_BYTES])
            at, signed_end = _string(view, _after(view, at + KEY_ID_BYTES, b"\xf6"))
            if signed_end != last or key_id in self._signatures:
                raise RefusedError(REFUSED_MALFORMED)
            self._signatures[key_id] = view[at:last]
            at = last
        if at != end:
            raise RefusedError(REFUSED_MALFORMED)

    def digest(self) -> bytes:
        """Return the digest that the signatures are over, which names the document."""
        return self._suit_digest[len(_DIGEST) :]

    def is_by_hand(self) -> bool:
        """Tell whether nobody signed it, as what a person puts onto a board by its serial port."""
        return not self._signatures

    def is_signed(self, keys: "list[bytes]", threshold: int, families: "Any" = (sha256,)) -> bool:
        """Tell whether so many of these keys signed it; a key counts once, however listed."""
        signed = _SIG_STRUCTURE + self._suit_digest
        good = []
        for key in keys:
            signature = self._signatures.get(sha256(key).digest()[:KEY_ID_BYTES])
            if signature is None or key in good:
                continue
            if verify(key, signed, signature, families):
                good.append(key)
                if len(good) >= threshold:
                    return True
        return False


def _after(view: memoryview, at: int, expected: bytes) -> int:
    # Return where what must stand here ends.
    if bytes(view[at : at + len(expected)]) != expected:
        raise RefusedError(REFUSED_MALFORMED)
    return at + len(expected)


def _string(view: memoryview, at: int) -> "tuple[int, int]":
    # Return where the bytes of a byte string begin and end.
    size = view[at] - 0x40
    at += 1
    least = 0
    if size == 24:
        size, least = view[at], 24
        at += 1
    elif size == 25:
        size, least = view[at] << 8 | view[at + 1], 256
        at += 2
    elif size > 25:
        size = -1
    if size < least or at + size > len(view):  # a longer head than it takes, or cut off
        raise RefusedError(REFUSED_MALFORMED)
    return at, at + size
