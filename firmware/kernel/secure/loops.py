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

    def lay(self, blocks: "Target", at: int, source: "Source", start: int, size: int) -> int:
        """Copy bytes into blocks, zeros up to the end of the last one; return where that is."""
        for i in range(size):
            blocks[at + i] = source[start + i]
        at += size
        while at & 15:
            blocks[at] = 0
            at += 1
        return at

    def count(self, blocks: "Target", nonce: "Source", size: int) -> int:
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

    def mix(  # noqa: PLR0917 - machine code knows no keywords
        self,
        target: "Target",
        at: int,
        one: "Source",
        first: int,
        other: "Source",
        second: int,
        size: int,
    ) -> None:
        """Write the exclusive-or of two texts; of one with itself, zeros."""
        for i in range(size):
            target[at + i] = one[first + i] ^ other[second + i]
