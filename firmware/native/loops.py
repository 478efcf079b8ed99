"""The loops over bytes of AES-CCM as machine code for one chip.

The module stands for an object of `kernel/secure/loops.py`. Nothing here checks a length:
`kernel/secure/ccm.py` has done so. To compile it, name a chip: `mpy-cross -march=xtensawin`
(ESP32, S2, S3) or `-march=rv32imc` (C3, C6).
"""

import micropython


@micropython.viper
def lay_message(  # noqa: PLR0917 - machine code knows no keywords
    blocks: ptr8,
    nonce: ptr8,
    flags: int,
    aad: ptr8,
    aad_bytes: int,
    data: ptr8,
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
    blocks[15] = size
    at = 16
    if aad_bytes:
        blocks[16] = aad_bytes >> 8
        blocks[17] = aad_bytes
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


@micropython.viper
def lay_counters(blocks: ptr8, nonce: ptr8, size: int) -> int:
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
def copy(target: ptr8, at: int, source: ptr8, start: int, size: int):
    """Copy bytes into a target."""
    for i in range(size):
        target[at + i] = source[start + i]


@micropython.viper
def mix(target: ptr8, at: int, source: ptr8, start: int, size: int):
    """Exclusive-or bytes into a target."""
    for i in range(size):
        target[at + i] ^= source[start + i]


@micropython.viper
def differ(one: ptr8, at: int, other: ptr8, start: int, size: int) -> int:
    """Return 0 if two texts agree, in steps that depend on their size only."""
    found = 0
    for i in range(size):
        found |= one[at + i] ^ other[start + i]
    return found


@micropython.viper
def wipe(target: ptr8, at: int, size: int):
    """Make bytes zeros."""
    for i in range(size):
        target[at + i] = 0
