"""The loops over bytes of AES-CCM, in Python.

`firmware/native/loops.py` has the same as machine code of a chip: no check of any length. Who
calls them has checked.
"""


class Loops:
    """What an AEAD does byte by byte."""

    def mix(
        self,
        target: "bytearray | memoryview",
        at: int,
        source: "bytes | bytearray | memoryview",
        start: int,
        size: int,
    ) -> None:
        """Write the exclusive-or of two texts over one of them; of one with itself, zeros."""
        for i in range(size):
            target[at + i] ^= source[start + i]

    def count(self, blocks: "bytearray | memoryview", end: int) -> None:
        """Write the counters that follow a first block, of 16 bytes, up to an end.

        Bounds: 256 of them.
        Source: RFC 3610, section 2.3.
        """
        for i in range(16, end):
            blocks[i] = blocks[i - 16] + ((i & 15) == 15)
