"""Bytes of an attestation token: coded with the key of a session, signed by the board's identity.

The larger of how much each has of its own bar, 160 and 200, in per cent.
"""

from collections.abc import Callable

from kernel.limits import FRAME_BYTES_MAX
from kernel.secure.token import claims_of, coded, signed, token_key
from support import crypto
from support.protected import pair, secret

UNIT = "percent_of_the_bar"
AT_MOST = 100.0
CODED_BYTES, SIGNED_BYTES = 160, 200


def measure(say: Callable[[str], None]) -> float:
    """Make both, and send each in one protected frame."""
    claims = claims_of(b"question", b"\x02" + bytes(5), b"s" * 32, b"c" * 16, b"m" * 16)
    tokens = {
        CODED_BYTES: coded(token_key(secret(1)), claims),
        SIGNED_BYTES: signed(crypto.make(), secret(2) * 2, claims),
    }
    one, other = pair()
    for bar, token in tokens.items():
        frame = one.sealed(other.node, token)
        assert other.opened(frame) == token and len(frame) <= FRAME_BYTES_MAX
        say(f"{len(token)} bytes of {bar}, {len(frame)} in a protected frame")
    return max(100 * len(token) / bar for bar, token in tokens.items())
