"""Our protected frames as the COSE_Encrypt0 that they stand for, and back.

Made with cbor2 and from SPEC.md alone: nothing here is the kernel's.
"""

import cbor2

HEADER_BYTES, TAG_BYTES = 14, 8
ALGORITHM, KEY_ID, IV, PARTIAL_IV = 1, 4, 5, 6  # labels of RFC 9052
AES_CCM_16_64_128 = 10
ENCRYPT0 = 16


def base_iv(common_iv: bytes, source: bytes) -> bytes:
    """Return the Base IV of one sender: its id as OSCORE puts it, xored with the Common IV."""
    sender = bytes((len(source),)) + source.rjust(7, b"\x00") + bytes(5)
    return bytes(one ^ other for one, other in zip(common_iv, sender, strict=True))


def external_aad(frame: bytes) -> bytes:
    """Return the header of a frame as it is authenticated: without the hop limit."""
    return bytes((frame[0] & 0xF0,)) + frame[1:HEADER_BYTES]


def to_encrypt0(frame: bytes, iv: bytes = b"") -> bytes:
    """Return the COSE_Encrypt0 of a frame, with the whole IV or with the Partial IV."""
    partial = frame[-2:] + frame[12:14]
    unprotected = {IV: iv} if iv else {KEY_ID: frame[4:8], PARTIAL_IV: partial}
    protected = cbor2.dumps({ALGORITHM: AES_CCM_16_64_128})
    return cbor2.dumps(cbor2.CBORTag(ENCRYPT0, [protected, unprotected, frame[HEADER_BYTES:-2]]))


def nonce_of(frame: bytes, common_iv: bytes) -> bytes:
    """Return the nonce of a frame."""
    partial = (frame[-2:] + frame[12:14]).rjust(13, b"\x00")
    base = base_iv(common_iv, frame[4:8])
    return bytes(one ^ other for one, other in zip(base, partial, strict=True))


def from_encrypt0(message: bytes, header: bytes, high: bytes) -> bytes:
    """Return the frame of a COSE_Encrypt0: its header, the ciphertext, and the last two bytes."""
    return header + cbor2.loads(message).value[2] + high
