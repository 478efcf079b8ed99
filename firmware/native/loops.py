"""The loops over bytes of AES-CCM as machine code for one chip.

The module stands for an object of `kernel/secure/loops.py`. Nothing here checks a length:
`kernel/secure/ccm.py` has done so. To compile it, name a chip: `mpy-cross -march=xtensawin`
(ESP32, S2, S3) or `-march=rv32imc` (C3, C6).
"""

import micropython


@micropython.viper
def lay(blocks: ptr8, at: int, source: ptr8, start: int, size: int) -> int:
    """Copy bytes into blocks, zeros up to the end of the last one; return where that is."""
    for i in range(size):
        blocks[at + i] = source[start + i]
    at += size
    while at & 15:
        blocks[at] = 0
        at += 1
    return at


@micropython.viper
def count(blocks: ptr8, nonce: ptr8, size: int) -> int:
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


@micropython.viper
def mix(  # noqa: PLR0917 - machine code knows no keywords
    target: ptr8,
    at: int,
    one: ptr8,
    first: int,
    other: ptr8,
    second: int,
    size: int,
):
    """Write the exclusive-or of two texts; of one with itself, zeros."""
    for i in range(size):
        target[at + i] = one[first + i] ^ other[second + i]
