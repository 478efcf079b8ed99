"""The loops over bytes of AES-CCM, in Python.

`firmware/native/loops.py` has the same as machine code of a chip: no check of any length. Who
calls them has checked.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Source = bytes | bytearray | memoryview
    Target = bytearray | memoryview


class Loops:
    """What an AEAD does byte by byte."""

    def lay_message(  # noqa: PLR0917 - machine code knows no keywords
        self,
        blocks: "Target",
        nonce: "Source",
        flags: int,
        aad: "Source",
        aad_bytes: int,
        data: "Source",
        start: int,
        size: int,
    ) -> int:
        """Write the blocks that are authenticated; return where they end.

        Source: RFC 3610, section 2.2.
        """
        blocks[0] = flags
        for i in range(13):
            blocks[1 + i] = nonce[i]
        blocks[14] = size >> 8
        blocks[15] = size & 255
        at = 16
        if aad_bytes:
            blocks[16] = aad_bytes >> 8
            blocks[17] = aad_bytes & 255
            for i in range(aad_bytes):
                blocks[18 + i] = aad[i]
            at = 18 + aad_bytes
            while at & 15:
                blocks[at] = 0
                at += 1
        for i in range(size):
            blocks[at + i] = data[start + i]
        at += size
        while at & 15:
            blocks[at] = 0
            at += 1
        return at

    def lay_counters(self, blocks: "Target", nonce: "Source", size: int) -> int:
        """Write the counters that mask a tag and `size` bytes; return where they end.

        Source: RFC 3610, section 2.3.
        """
        at = i = 0
        while at < size + 16:
            blocks[at] = 1
            for j in range(13):
                blocks[at + 1 + j] = nonce[j]
            blocks[at + 14] = 0
            blocks[at + 15] = i
            i += 1
            at += 16
        return at

    def copy(self, target: "Target", at: int, source: "Source", start: int, size: int) -> None:
        """Copy bytes into a target."""
        for i in range(size):
            target[at + i] = source[start + i]

    def mix(self, target: "Target", at: int, source: "Source", start: int, size: int) -> None:
        """Exclusive-or bytes into a target."""
        for i in range(size):
            target[at + i] ^= source[start + i]

    def differ(self, one: "Source", at: int, other: "Source", start: int, size: int) -> int:
        """Return 0 if two texts agree, in steps that depend on their size only."""
        found = 0
        for i in range(size):
            found |= one[at + i] ^ other[start + i]
        return found

    def wipe(self, target: "Target", at: int, size: int) -> None:
        """Make bytes zeros."""
        for i in range(size):
            target[at + i] = 0
