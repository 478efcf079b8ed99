"""Inputs for CBOR decoders: valid in every form, damaged, random, and bombs; one list per seed."""

import random
from collections.abc import Callable, Iterator

from cma_toolkit.firmware.kernel.limits import FRAME_BYTES_MAX

HOSTILE_BYTES_MAX = 20_000
ARGUMENTS = [0, 1, 10, 22, 23, 24, 25, 254, 255, 256, 257, 65534, 65535, 65536, 2**31 - 1, 2**31,
             2**32 - 1, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]  # fmt: skip
TAGS = [0, 1, 2, 3, 4, 5, 21, 23, 24, 25, 28, 29, 30, 32, 36, 37, 100, 256, 258, 1004, 55799,
        2**32, 2**64 - 1]  # fmt: skip
TEXTS = ["", "a", "ü", "水", "😀", "\x00", "key", "temperature", "a" * 24, "é" * 12]
# No UTF-8: a byte that continues nothing, overlong, a surrogate, beyond Unicode, a start alone.
NO_TEXTS = [b"\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
            b"\xf0\x9f", b"\xff", b"a\xc3", b"\xf8\x88\x80\x80\x80"]  # fmt: skip
FLOATS = ["f90000", "f98000", "f93c00", "f97bff", "f90001", "f90400", "f97c00", "f9fc00", "f97e00",
          "f97e01", "f97c01", "fa00000000", "fa80000000", "fa47c35000", "fa7f7fffff", "fa7f800000",
          "fa7fc00001", "fa33800000", "fa00000001", "fb3ff199999999999a", "fb7e37e43c8800759c",
          "fb8000000000000000", "fb7ff0000000000001", "fb3ff8000000000000", "fb36a0000000000000",
          "fb0000000000000001", "fbfff8000000000000"]  # fmt: skip
BREAK = b"\xff"


def head(major: int, argument: int, width: int = 0) -> bytes:
    """Return a head of at least 0, 1, 2, 4 or 8 bytes behind its first."""
    if argument < 24 and not width:
        return bytes((major << 5 | argument,))
    size = next(size for size in (1, 2, 4, 8) if size >= width and argument < 1 << (8 * size))
    return bytes((major << 5 | 23 + size.bit_length(),)) + argument.to_bytes(size, "big")


class Maker:
    """Make items; most are well-formed, the rest nearly so."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def _head(self, major: int, argument: int) -> bytes:
        if self._rng.random() < 0.002:  # reserved, or without a length
            return bytes((major << 5 | self._rng.randrange(28, 32),))
        width = self._rng.choice((1, 2, 4, 8)) if self._rng.random() < 0.1 else 0
        return head(major, argument, width)

    def _argument(self) -> int:
        if self._rng.random() < 0.3:
            return self._rng.choice(ARGUMENTS)
        return self._rng.getrandbits(self._rng.choice((4, 5, 8, 16, 32, 64)))

    def _string(self, major: int = 0) -> bytes:
        rng = self._rng
        if (major or rng.choice((2, 3))) == 2:
            return self._head(2, size := rng.randrange(30)) + rng.randbytes(size)
        data = "".join(rng.choices(TEXTS, k=rng.randrange(4))).encode()
        if rng.random() < 0.03:
            data += rng.choice(NO_TEXTS)
        return self._head(3, len(data)) + data

    def _chunks(self) -> bytes:
        major = self._rng.choice((2, 3))
        of_one_kind = self._rng.random() < 0.9
        chunks = [self._string(of_one_kind * major) for _ in range(self._rng.randrange(5))]
        if chunks and self._rng.random() < 0.05:
            chunks[0] = self._rng.choice((b"\x81", b"\xc1", b"\xa1\x00", b"\x5f")) + chunks[0]
        return bytes((major << 5 | 31,)) + b"".join(chunks) + BREAK

    def _special(self) -> bytes:
        rng = self._rng
        kind = rng.random()
        if kind < 0.4:
            return bytes.fromhex(rng.choice(FLOATS))
        if kind < 0.6:
            code, size = rng.choice(((0xF9, 2), (0xFA, 4), (0xFB, 8)))
            return bytes((code,)) + rng.randbytes(size)
        if kind < 0.9:
            return bytes((rng.choice((0xF4, 0xF5, 0xF6, 0xF7)),))
        if kind < 0.95:
            return bytes((0xE0 | rng.randrange(24),))
        return bytes((0xF8, rng.randrange(256)))

    def _tagged(self, depth: int) -> bytes:
        number = self._rng.choice(TAGS) if self._rng.random() < 0.8 else self._argument()
        if number in (2, 3) and self._rng.random() < 0.9:
            size = self._rng.choice((0, 1, 7, 8, 9, 10, 16, 63, 64, 65))
            data = self._rng.choice((b"", b"", b"", b"\x00")) + self._rng.randbytes(size)
            return self._head(6, number) + self._head(2, len(data)) + data
        return self._head(6, number) + self.item(depth - 1)

    def _key(self, depth: int, strings: int) -> bytes:
        kind = self._rng.random()
        if kind < 0.5:
            return self._head(self._rng.choice((0, 0, 1)), self._argument())
        if kind < 0.97:
            return self._string(strings)
        return self._chunks() if kind < 0.98 else self.item(depth - 1)

    def _container(self, depth: int) -> bytes:
        rng = self._rng
        major, count = rng.choice((4, 5)), rng.choice((0, 1, 1, 2, 2, 3, 4, 6))
        strings = rng.choice((2, 3, 3)) if rng.random() < 0.95 else 0
        items = [(self._key(depth, strings) if major == 5 else b"") + self.item(depth - 1)
                 for _ in range(count)]  # fmt: skip
        if major == 5 and rng.random() < 0.5:
            items.sort()
        if rng.random() < 0.2:
            return bytes((major << 5 | 31,)) + b"".join(items) + BREAK
        return self._head(major, count) + b"".join(items)

    def item(self, depth: int) -> bytes:
        """Return an item that is nested at most so deep."""
        kind = self._rng.random()
        if kind < 0.25 or depth <= 0:
            return self._head(self._rng.choice((0, 1)), self._argument())
        if kind < 0.4:
            return self._string()
        if kind < 0.43:
            return self._chunks()
        if kind < 0.55:
            return self._special()
        if kind < 0.65:
            return self._tagged(depth)
        return self._container(depth)

    def damaged(self, data: bytes, other: bytes) -> bytes:
        """Return an item with one to three faults."""
        rng, changed = self._rng, bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(changed) + 1)
            kind = rng.randrange(7)
            if kind == 0:
                del changed[at:]
            elif kind == 1:
                changed[at:at] = rng.randbytes(rng.randrange(1, 4))
            elif kind == 2:
                del changed[at : at + rng.randrange(1, 4)]
            elif kind == 3:
                changed[at:] = other[rng.randrange(len(other)) :]
            elif kind == 4:
                changed[at:at] = BREAK
            elif at < len(changed):
                changed[at] = rng.choice((changed[at] ^ 1 << rng.randrange(8), rng.getrandbits(8)))
        return bytes(changed)

    def noise(self) -> bytes:
        """Return random bytes, with the first of the shorter heads more often than others."""
        rng = self._rng
        return bytes(rng.choice((rng.getrandbits(8), rng.getrandbits(8) & 0xE7))
                     for _ in range(rng.randrange(24)))  # fmt: skip

    def bomb(self) -> bytes:
        """Return what would nest, claim or repeat without end."""
        rng = self._rng
        inner = self.item(1)
        repeated = [b"\x81", b"\x9f", b"\xa1\x00", b"\xbf\x00", b"\xc1", b"\xd8\x1c", b"\xc2",
                    b"\xa1\x61a\x82\x01", b"\x5f", b"\x9f\xa1\x00"]  # fmt: skip
        kinds: list[Callable[[], bytes]] = [
            lambda: rng.choice(repeated) * rng.choice((7, 8, 9, 10, 100, 2000, 5000)) + inner,
            lambda: b"\x81" * rng.randrange(7, 10) + rng.choice(repeated) + inner + BREAK,
            lambda: head(rng.randrange(2, 6), rng.choice(ARGUMENTS[8:]), 8) + rng.randbytes(8),
            lambda: b"\x82\x01" + head(rng.randrange(2, 6), self._argument()) + inner,
            lambda: head(6, rng.choice((2, 3))) + head(2, rng.randrange(60, 300)) + bytes(300),
            lambda: rng.choice((b"\x9f", b"\xbf", b"\x5f", b"\x7f")) + b"\x00\x40\x60\xff" * 30,
            lambda: b"\x98\xeb" + b"\x80" * rng.choice((234, 235, 236)),
            lambda: (
                b"\xb8\x70" + b"".join(head(0, rng.randrange(200)) + b"\x01" for _ in range(112))
            ),
            lambda: rng.choice((b"\x5f", b"\x7f")) + rng.choice((b"\x40", b"\x60")) * 200 + BREAK,
        ]
        return rng.choice(kinds)()[:HOSTILE_BYTES_MAX]

    def claims(self, count: int) -> Iterator[bytes]:
        """Make frames that claim more than they hold, or nest without end; none is valid."""
        rng = self._rng
        outside = [b"", b"\x81", b"\xa1\x00", b"\xc1", b"\x9f", b"\xbf\x00", b"\x82\x01",
                   b"\x5f", b"\x7f", b"\xa2\x00\x01", b"\xc2", b"\xa1\x00\x81\xc1",
                   b"\x9f\x00\xbf\x00"]  # fmt: skip
        for _ in range(count):
            data = rng.choice(outside)
            if rng.random() < 0.3:
                data += rng.choice((b"\x81", b"\x9f", b"\xa1\x00", b"\xbf\x00", b"\xc1")) * 110
            else:
                data += head(rng.randrange(2, 6), rng.choice(ARGUMENTS[7:]) | 256, 1)
            yield data + rng.randbytes(rng.randrange(8))

    def inputs(self, count: int) -> Iterator[bytes]:
        """Make so many inputs: half well-formed, four in ten damaged, the rest noise and bombs."""
        last = b"\x80"
        for _ in range(count):
            kind = self._rng.random()
            if kind < 0.5:
                last = self.item(self._rng.choice((0, 2, 3, 4, 9)))[: 2 * FRAME_BYTES_MAX]
                yield last
            elif kind < 0.9:
                other = self.item(3)
                yield self.damaged(other, last)
            else:
                yield self.noise() if kind < 0.95 else self.bomb()
