"""The loops over bytes of AES-CCM as machine code for one chip.

The module stands for an object of `kernel/secure/loops.py`. Nothing here checks a length:
`kernel/secure/ccm.py` has done so. To compile it, name a chip: `mpy-cross -march=xtensawin`
(ESP32, S2, S3) or `-march=rv32imc` (C3, C6). A `while` takes fewer bytes than a `for`.
"""

import micropython


@micropython.viper
def mix(target: ptr8, at: int, source: ptr8, start: int, size: int):
    """Write the exclusive-or of two texts over one of them; of one with itself, zeros."""
    while size:
        size -= 1
        target[at + size] ^= source[start + size]


@micropython.viper
def count(blocks: ptr8, end: int):
    """Write the counters that follow a first block, of 16 bytes, up to an end.

    Source: RFC 3610, section 2.3.
    """
    i = 16
    while i < end:
        blocks[i] = blocks[i - 16] + ((i & 15) + 1 >> 4)
        i += 1
