"""AES-CCM in one CBC call and one ECB call for each message, on buffers that stay where they are.

A CBC object goes on where its last call ended, so a new message would take a new object, and heap.
Instead the block at which the last one ended is mixed into the first block of the next: the two
cancel out, and the chain begins at zero as it must.

Input    seal(nonce, aad, buffer, start, end), open(…)
Effects  none
Bounds   AAD_BYTES_MAX, DATA_BYTES_MAX; 4 blocks of heap for a message, none of them its copy
Source   RFC 3610 with L = 2; NIST SP 800-38C
"""

from .port import AAD_BYTES_MAX, DATA_BYTES_MAX, KEY_BYTES, NONCE_BYTES, TAG_BYTES, Aead

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


class Ccm(Aead):
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
        loops, kept, tag_bytes = self._loops, self._kept, self._tag_bytes
        size = end - start
        scratch = self._checked(nonce, aad, buffer, start, size, end + tag_bytes)
        self._authenticate(scratch, nonce, aad, buffer, start, size)
        stream = scratch[: loops.lay_counters(scratch, nonce, size)]
        self._blocks.encrypt(stream, stream)
        loops.mix(buffer, start, scratch, _BLOCK_BYTES, size)
        loops.copy(buffer, end, kept, 0, tag_bytes)
        loops.mix(buffer, end, scratch, 0, tag_bytes)
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
        loops, kept, tag_bytes = self._loops, self._kept, self._tag_bytes
        size = end - start - tag_bytes
        scratch = self._checked(nonce, aad, buffer, start, max(0, size), end)
        if size < 0:
            loops.wipe(buffer, start, end - start)
            return -1
        stream = scratch[: loops.lay_counters(scratch, nonce, size)]
        self._blocks.encrypt(stream, stream)
        loops.mix(buffer, start, scratch, _BLOCK_BYTES, size)
        loops.copy(kept, _BLOCK_BYTES, buffer, start + size, tag_bytes)
        loops.mix(kept, _BLOCK_BYTES, scratch, 0, tag_bytes)
        try:
            self._authenticate(scratch, nonce, aad, buffer, start, size)
        except MemoryError:
            loops.wipe(buffer, start, end - start)  # nobody may read what is not authenticated
            raise
        if loops.differ(kept, 0, kept, _BLOCK_BYTES, tag_bytes):
            loops.wipe(buffer, start, end - start)
            return -1
        return start + size

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
            loops.wipe(kept, 0, _BLOCK_BYTES)
        aad_bytes = len(aad)
        flags = (0x40 if aad_bytes else 0) | (self._tag_bytes - 2) << 2 | 1
        end = loops.lay_message(scratch, nonce, flags, aad, aad_bytes, buffer, start, size)
        loops.mix(scratch, 0, kept, 0, _BLOCK_BYTES)
        blocks = scratch[:end]
        chain.encrypt(blocks, blocks)
        loops.copy(kept, 0, scratch, end - _BLOCK_BYTES, _BLOCK_BYTES)
        self._chain = chain
