"""SHAKE256 with 32 bytes of output, for a runtime that has none: MicroPython.

Source   FIPS 202, sections 3.2 and 6.2
"""

RATE = 136
_MASK = (1 << 64) - 1


def _constants() -> "list[int]":
    register, constants = 1, []
    for _ in range(24):
        word = 0
        for j in range(7):
            if register & 1:
                word |= 1 << ((1 << j) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(word)
    return constants


def _walk() -> "list[tuple[int, int]]":
    # Where the lanes go, and by how much they are turned.
    x, y, steps = 1, 0, []
    for t in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        steps.append((x + 5 * y, (t + 1) * (t + 2) // 2 % 64))
    return steps


CONSTANTS = _constants()
STEPS = _walk()


def _turned(word: int, by: int) -> int:
    return (word << by | word >> 64 - by) & _MASK


def _permute(lanes: "list[int]") -> None:
    for constant in CONSTANTS:
        sums = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        mixes = [sums[(x + 4) % 5] ^ _turned(sums[(x + 1) % 5], 1) for x in range(5)]
        for i in range(25):
            lanes[i] ^= mixes[i % 5]
        moved = lanes[1]
        for place, by in STEPS:
            moved, lanes[place] = lanes[place], _turned(moved, by)
        for y in range(0, 25, 5):
            row = lanes[y : y + 5]
            for x in range(5):
                lanes[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & _MASK)
        lanes[0] ^= constant


class Shake256:
    """What `hashlib` calls a hash: given bytes, it tells a digest once."""

    def __init__(self, data: "bytes | bytearray" = b"") -> None:
        self._left = bytes(data)
        self._lanes = [0] * 25

    def update(self, data: "bytes | memoryview") -> None:
        """Take in more."""
        self._left += bytes(data)
        while len(self._left) >= RATE:
            self._absorb(self._left[:RATE])
            self._left = self._left[RATE:]

    def _absorb(self, block: bytes) -> None:
        for i in range(RATE // 8):
            self._lanes[i] ^= int.from_bytes(block[8 * i : 8 * i + 8], "little")
        _permute(self._lanes)

    def digest(self) -> bytes:
        """Return 32 bytes of output."""
        self.update(b"")
        last = bytearray(self._left)
        last.append(0x1F)
        while len(last) < RATE:
            last.append(0)
        last[RATE - 1] ^= 0x80
        self._absorb(bytes(last))
        return b"".join([lane.to_bytes(8, "little") for lane in self._lanes[:4]])
