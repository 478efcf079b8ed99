"""Make the certificates that boards read: what a fleet's authority does.

Source   RFC 8392 (CWT), RFC 8747 (cnf), RFC 9052, 4.4 (COSE_Sign1); SPEC.md, "Certificates"
"""

from collections.abc import Callable

from cma_toolkit.firmware.kernel.codec.cbor import decode, encode
from cma_toolkit.firmware.kernel.secure.certificate import (
    BOARD,
    CONFIRMS,
    EPOCH_MAX,
    EXPIRES,
    KEY_HEAD,
    PROTECTED,
    to_be_signed,
)

NODE_MAX = (1 << 30) - 2
NETWORK_MAX = 0xFFFF
ROLES_MAX = 15  # four flags
ROLES = ("edge", "relay", "voter", "actor")  # the lowest first
TIME_MAX = 0xFFFFFFFF  # seconds since 1970
_KEY_BYTES, _THUMBPRINT_BYTES = 32, 16
_COSE_KEY = 1


def certify(
    facts: tuple[int, int, int, int, bytes],
    public: bytes,
    expires_s: int,
    sign: Callable[[bytes], bytes],
) -> bytes:
    """Return a board's certificate.

    Shape: `facts` are its node, network, roles, epoch and the thumbprint of the key it signs with.
    Raises: ValueError for facts out of their bounds, with which the longest would not fit a frame.
    """
    node, network, roles, epoch, thumbprint = facts
    bounds = (
        ("node", node, NODE_MAX),
        ("network", network, NETWORK_MAX),
        ("roles", roles, ROLES_MAX),
        ("epoch", epoch, EPOCH_MAX),
        ("expires_s", expires_s, TIME_MAX),
    )
    for name, value, most in bounds:
        if not 0 <= value <= most:
            raise ValueError(f"{name} {value} is not 0 to {most}")
    if (len(public), len(thumbprint)) != (_KEY_BYTES, _THUMBPRINT_BYTES):
        raise ValueError(f"a key has {_KEY_BYTES} bytes, a thumbprint {_THUMBPRINT_BYTES}")
    key = decode(KEY_HEAD + public)
    claims = encode({EXPIRES: expires_s, CONFIRMS: {_COSE_KEY: key}, BOARD: list(facts)})
    return encode([PROTECTED, {}, claims, sign(to_be_signed(claims))])
