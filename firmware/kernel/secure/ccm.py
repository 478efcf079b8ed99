"""AES-CCM in one CBC call and one ECB call for each message, on buffers that stay where they are.

A CBC object goes on where its last call ended, so a new message would take a new object, and heap.
Instead the block at which the last one ended is mixed into the first block of the next: the two
cancel out, and the chain begins at zero as it must.

Input    seal(nonce, aad, buffer, start, end), open(…)
Effects  none
Bounds   AAD_BYTES_MAX, DATA_BYTES_MAX; 4 blocks of heap for a message, none of them its copy
Source   RFC 3610 with L = 2; NIST SP 800-38C
"""

from .port import AAD_BYTES_MAX, DATA_BYTES_MAX, KEY_BYTES, NONCE_BYTES, TAG_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ECB, _CBC = 1, 2  # of MicroPython's cryptolib
_BLOCK_BYTES = 16


class Scratch:
    """Where blocks are made; one serves all keys."""

    def __init__(self, size_bytes: int = 352) -> None:
        # For a frame of 250 B and 64 B beside it; what is longer makes it grow, once.
        self.view = memoryview(bytearray(size_bytes))

    def reserve(self, size_bytes: int) -> memoryview:
        """Return the memory, of `size_bytes` at least."""
        if len(self.view) < size_bytes:
            self.view = memoryview(bytearray(size_bytes))
        return self.view


class Ccm:
    """One key. `aes` makes ciphers as `cryptolib.aes` does, `loops` are `Loops`."""

    def __init__(
        self, key: bytes, aes: "Any", loops: "Any", scratch: Scratch, tag_bytes: int = TAG_BYTES
    ) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("key")
        self._key, self._aes, self._loops = bytes(key), aes, loops
        self._scratch = scratch
        self._tag_bytes = tag_bytes
        self._blocks = aes(self._key, _ECB)
        self._chain: "Any" = None
        # The block at which the chain ended; after it, the tag that a message must have.
        self._kept = bytearray(2 * _BLOCK_BYTES)

    def seal(
        self,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        end: int,
    ) -> int:
        """Encrypt in place, a tag behind it; returns where that ends."""
        size, tag_bytes = end - start, self._tag_bytes
        scratch = self._checked(nonce, aad, buffer, start, size, end + tag_bytes)
        self._authenticate(scratch, nonce, aad, buffer, start, size)
        self._stream(scratch, nonce, size)
        mix = self._loops.mix
        mix(buffer, start, buffer, start, scratch, _BLOCK_BYTES, size)
        mix(buffer, end, self._kept, 0, scratch, 0, tag_bytes)
        return end + tag_bytes

    def open(
        self,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        end: int,
    ) -> int:
        """Decrypt in place; returns where the plaintext ends, or -1 and leaves zeros."""
        kept, tag_bytes, mix = self._kept, self._tag_bytes, self._loops.mix
        size = end - start - tag_bytes
        scratch = self._checked(nonce, aad, buffer, start, max(0, size), end)
        differs = 1
        try:
            if size >= 0:
                self._stream(scratch, nonce, size)
                mix(kept, _BLOCK_BYTES, buffer, start + size, scratch, 0, tag_bytes)
                mix(buffer, start, buffer, start, scratch, _BLOCK_BYTES, size)
                self._authenticate(scratch, nonce, aad, buffer, start, size)
                found = 0
                for i in range(tag_bytes):
                    found |= kept[i] ^ kept[_BLOCK_BYTES + i]
                differs = found
        finally:
            if differs:  # nobody may read what is not authentic
                mix(buffer, start, buffer, start, buffer, start, end - start)
        return -1 if differs else start + size

    def _checked(  # noqa: PLR0917 - what `seal` and `open` take
        self,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        size: int,
        tag_end: int,
    ) -> memoryview:
        # Loops in machine code write wherever they are told.
        if (
            len(nonce) != NONCE_BYTES
            or len(aad) > AAD_BYTES_MAX
            or not 0 <= size <= DATA_BYTES_MAX
            or not 0 <= start <= tag_end <= len(buffer)
        ):
            raise ValueError("length")
        return self._scratch.reserve(4 * _BLOCK_BYTES + len(aad) + size)

    def _authenticate(  # noqa: PLR0917 - what `seal` and `open` take
        self,
        scratch: memoryview,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        size: int,
    ) -> None:
        # Leave the code of a plaintext in `_kept`.
        loops, kept = self._loops, self._kept
        chain, self._chain = self._chain, None  # unknown, should this not come to its end
        if chain is None:
            chain = self._aes(self._key, _CBC, bytes(_BLOCK_BYTES))
            loops.mix(kept, 0, kept, 0, kept, 0, _BLOCK_BYTES)
        size_of_aad = len(aad)
        at = loops.count(scratch, nonce, 0)
        scratch[0] = (0x40 if size_of_aad else 0) | (self._tag_bytes - 2) << 2 | 1
        scratch[14], scratch[15] = size >> 8, size & 255
        loops.mix(scratch, 0, scratch, 0, kept, 0, _BLOCK_BYTES)
        if size_of_aad:
            scratch[at], scratch[at + 1] = size_of_aad >> 8, size_of_aad & 255
            at = loops.lay(scratch, at + 2, aad, 0, size_of_aad)
        at = loops.lay(scratch, at, buffer, start, size)
        blocks = scratch[:at]
        chain.encrypt(blocks, blocks)
        loops.lay(kept, 0, scratch, at - _BLOCK_BYTES, _BLOCK_BYTES)
        self._chain = chain

    def _stream(
        self, scratch: memoryview, nonce: "bytes | bytearray | memoryview", size: int
    ) -> None:
        # Leave what masks the tag in the first block, what masks the message after it.
        blocks = scratch[: self._loops.count(scratch, nonce, size)]
        self._blocks.encrypt(blocks, blocks)
