"""How many blocks of SHA-256 a verification takes: counted, while the kernel does it.

The worst case is made, not calculated: where the kernel hashes the message, this hash answers what
leads to the longest chains.
"""

from hashlib import sha256

from cma_toolkit.firmware.kernel.release.lms import verify

MESSAGE_BYTES_MAX = 128  # a manifest
LEVELS = 1
LMS_TYPE = 11  # SHA256_M24_H10
OTS_TYPE = 7  # SHA256_N24_W4
HASH_BYTES = 24
HEIGHT = 10
TOP = 15  # of a digit of four bits
DIGITS = 51
CHECKSUM_MAX = TOP * 2 * HASH_BYTES
IDENTIFIER_BYTES, LEAF_BYTES = 16, 4
MESSAGE_DOMAIN = b"\x81\x81"


def steps_of(checksum: int) -> int:
    """Return the steps of all chains for a message whose digits leave so many."""
    return checksum + sum(TOP - (checksum >> shift & TOP) for shift in (8, 4, 0))


def worst_digest() -> bytes:
    """Return what the message must hash to for the most steps."""
    checksum = max(range(CHECKSUM_MAX + 1), key=steps_of)
    digits = [TOP] * 2 * HASH_BYTES
    for i in range(len(digits)):
        digits[i] -= min(TOP, checksum)
        checksum -= TOP - digits[i]
    return bytes(a << 4 | b for a, b in zip(digits[::2], digits[1::2], strict=True))


class Counting:
    """Make hashes and count their blocks; the message hashes to a digest that is given."""

    def __init__(self, digest: bytes) -> None:
        self.blocks = 0
        self._digest = digest

    def __call__(self, data: bytes) -> "_Hash":
        return _Hash(self, bytes(data), self._digest)


class _Hash:
    def __init__(self, counting: Counting, data: bytes, digest: bytes) -> None:
        self._counting, self._data, self._digest = counting, data, digest

    def update(self, data: bytes) -> None:
        self._data += bytes(data)

    def digest(self) -> bytes:
        # Padding takes a bit and the length, nine bytes at least.
        self._counting.blocks += (len(self._data) + 9 + 63) // 64
        at = IDENTIFIER_BYTES + LEAF_BYTES
        is_message = self._data[at : at + 2] == MESSAGE_DOMAIN
        return self._digest if is_message else sha256(self._data).digest()


def blocks_at_worst() -> int:
    """Return the blocks of the longest verification of the shipped parameter set."""
    types = LMS_TYPE.to_bytes(4, "big") + OTS_TYPE.to_bytes(4, "big")
    key = LEVELS.to_bytes(4, "big") + types + bytes(IDENTIFIER_BYTES + HASH_BYTES)
    signature = (
        (LEVELS - 1).to_bytes(4, "big")
        + bytes(LEAF_BYTES)
        + types[4:]
        + bytes(HASH_BYTES * (1 + DIGITS))
        + types[:4]
        + bytes(HASH_BYTES * HEIGHT)
    )
    counting = Counting(worst_digest())
    assert not verify(key, bytes(MESSAGE_BYTES_MAX), signature, (counting,))
    return counting.blocks
