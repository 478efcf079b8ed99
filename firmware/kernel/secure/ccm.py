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

    from .pure import PureCrypto

_ECB, _CBC = 1, 2  # of MicroPython's cryptolib
_BLOCK_BYTES = 16


class Ccm:
    """One key; `port` makes its ciphers, and has the loops and the memory that all keys share."""

    def __init__(self, key: bytes, port: "PureCrypto", tag_bytes: int = TAG_BYTES) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("key")
        self._key, self._port, self._tag_bytes = bytes(key), port, tag_bytes
        self._blocks = port.aes(self._key, _ECB)
        self._chain: "Any" = None
        self._last = bytearray(_BLOCK_BYTES)  # at which the chain ended: a message's code

    def seal(
        self,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        end: int,
    ) -> int:
        """Encrypt in place, a tag behind it; returns where that ends."""
        tag_bytes, loops = self._tag_bytes, self._port.loops
        scratch = self._checked(nonce, aad, buffer, start, end, end + tag_bytes)
        self._authenticate(scratch, nonce, aad, buffer, start, end - start)
        loops.mix(buffer, end, buffer, end, tag_bytes)
        self._stream(scratch, nonce, buffer, start, end)
        loops.mix(buffer, end, self._last, 0, tag_bytes)
        return end + tag_bytes

    def open(
        self,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        end: int,
    ) -> int:
        """Decrypt in place, zeros for the tag; returns where the plaintext ends.

        Returns: -1 if it is not genuine, and leaves zeros.
        """
        loops, at = self._port.loops, end - self._tag_bytes  # of the tag
        scratch = self._checked(nonce, aad, buffer, start, max(start, at), end)
        differs = 1
        try:
            if at >= start:
                self._stream(scratch, nonce, buffer, start, at)
                self._authenticate(scratch, nonce, aad, buffer, start, at - start)
                loops.mix(buffer, at, self._last, 0, end - at)
                found = 0
                for i in range(at, end):
                    found |= buffer[i]
                differs = found
        finally:
            if differs:  # nobody may read what is not authentic
                loops.mix(buffer, start, buffer, start, end - start)
        return -1 if differs else at

    def _checked(  # noqa: PLR0917 - what `seal` and `open` take
        self,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        end: int,
        tag_end: int,
    ) -> memoryview:
        # Loops in machine code write wherever they are told.
        size, port = end - start, self._port
        if (
            len(nonce) != NONCE_BYTES
            or len(aad) > AAD_BYTES_MAX
            or not 0 <= size <= DATA_BYTES_MAX
            or not 0 <= start <= tag_end <= len(buffer)
        ):
            raise ValueError("length")
        size += 4 * _BLOCK_BYTES + len(aad)
        if len(port.scratch) < size:
            port.scratch = memoryview(bytearray(size))
        return port.scratch

    def _authenticate(  # noqa: PLR0917 - what `seal` and `open` take
        self,
        scratch: memoryview,
        nonce: "bytes | bytearray | memoryview",
        aad: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        size: int,
    ) -> None:
        # Leave the code of a plaintext in `_last`.
        loops, last, size_of_aad = self._port.loops, self._last, len(aad)
        chain, self._chain = self._chain, None  # unknown, should this not come to its end
        if chain is None:
            chain = self._port.aes(self._key, _CBC, bytes(_BLOCK_BYTES))
            loops.mix(last, 0, last, 0, _BLOCK_BYTES)
        at = _BLOCK_BYTES
        if size_of_aad:
            at += size_of_aad + 17 & ~15  # with two bytes for its length
        end = at + (size + 15 & ~15)
        loops.mix(scratch, 0, scratch, 0, end)
        loops.mix(scratch, 1, nonce, 0, NONCE_BYTES)
        scratch[0] = (0x40 if size_of_aad else 0) | (self._tag_bytes - 2) << 2 | 1
        scratch[14], scratch[15] = size >> 8, size & 255
        scratch[16], scratch[17] = size_of_aad >> 8, size_of_aad & 255
        loops.mix(scratch, 18, aad, 0, size_of_aad)
        loops.mix(scratch, at, buffer, start, size)
        loops.mix(scratch, 0, last, 0, _BLOCK_BYTES)
        blocks = scratch[:end]
        chain.encrypt(blocks, blocks)
        loops.mix(last, 0, last, 0, _BLOCK_BYTES)
        loops.mix(last, 0, scratch, end - _BLOCK_BYTES, _BLOCK_BYTES)
        self._chain = chain

    def _stream(
        self,
        scratch: memoryview,
        nonce: "bytes | bytearray | memoryview",
        buffer: "bytearray | memoryview",
        start: int,
        end: int,
    ) -> None:
        # Mask a message, and the tag behind it: that with the first block.
        loops, size = self._port.loops, end - start
        blocks = scratch[: size + 31 & ~15]
        loops.mix(blocks, 0, blocks, 0, _BLOCK_BYTES)
        loops.mix(blocks, 1, nonce, 0, NONCE_BYTES)
        blocks[0] = 1
        loops.count(blocks, len(blocks))
        self._blocks.encrypt(blocks, blocks)
        loops.mix(buffer, start, blocks, _BLOCK_BYTES, size)
        loops.mix(buffer, end, blocks, 0, self._tag_bytes)
