"""Say what runs here, so that a peer can check it: an attestation token, fresh by a nonce.

Who asks draws a nonce and takes one answer to it, from whom it asked, in time. The answer is
signed by the board's identity, or coded with a key of the session that both have. It proves that
the holder of that key says so; stock MicroPython has nothing that keeps software from lying.

Input    claims_of, then coded or signed; claims_in a token that came; Challenge
Effects  none
Bounds   a token fits a frame
Source   RFC 9711 (EAT) with claims 10, 256, 262, 263 and 273; RFC 9052, sections 4.2 and 6.2
"""

from ..codec.cbor import Tag, decode, encode
from ..ticks import ticks_diff
from .kdf import expand, extract, hmac, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .port import Crypto

TOKEN_BYTES_MAX = 226  # what a protected frame holds
ASK_BYTES = 8  # of a nonce, the least that RFC 9711 allows
SLOT_BYTES, SETTINGS_BYTES, RUNTIME_BYTES = 32, 16, 16  # of the digests, cut to that
ANSWER_MS_MAX = 10_000

_MAC0, _SIGN1 = 17, 18
_CONTEXTS = ("MAC0", "Signature1")
_PROTECTED = (b"\xa1\x01\x05", b"\xa1\x01\x27")  # HMAC 256/256, EdDSA
_EUI = b"\x02"  # of a device's id: a hardware address follows
_FORMAT = 65_000  # of the measurements: experimental, as RFC 7252 numbers formats
_FOR_TOKENS = b"cma attest"


def token_key(secret: "bytes | bytearray") -> bytes:
    """Return the key of coded tokens from the secret of a session."""
    return expand(extract(b"", secret), _FOR_TOKENS, 32)


def claims_of(nonce: bytes, mac: bytes, slot: bytes, settings: bytes, runtime: bytes) -> bytes:
    """Return what a board says of itself.

    Shape: `nonce` ASK_BYTES, `mac` 6 bytes; digests of the image that runs, of the configuration
    and of the MicroPython build.
    """
    measured = encode([slot[:SLOT_BYTES], settings[:SETTINGS_BYTES], runtime[:RUNTIME_BYTES]], 72)
    claims = {
        10: nonce,
        256: _EUI + mac,
        262: False,  # no secure boot
        263: 0,  # whoever holds the board can debug it
        273: [[_FORMAT, measured]],
    }
    return encode(claims, TOKEN_BYTES_MAX)


def coded(key: bytes, claims: bytes) -> bytes:
    """Return a token that who has the key can check: a COSE_Mac0."""
    return _token(0, claims, hmac(key, _checked(0, claims)))


def signed(crypto: "Crypto", private: bytes, claims: bytes) -> bytes:
    """Return a token that everybody can check: a COSE_Sign1."""
    return _token(1, claims, crypto.sign(private, _checked(1, claims)))


def _token(form: int, claims: bytes, proof: bytes) -> bytes:
    parts = [_PROTECTED[form], {}, claims, proof]
    return encode(Tag(_MAC0 + form, parts), TOKEN_BYTES_MAX)


def _checked(form: int, claims: bytes) -> bytes:
    return encode([_CONTEXTS[form], _PROTECTED[form], b"", claims], TOKEN_BYTES_MAX)


def claims_in(
    token: "bytes | bytearray | memoryview",
    key: bytes = b"",
    crypto: "Crypto | None" = None,
    public: bytes = b"",
) -> "tuple[bytes, bytes, bytes, bytes, bytes] | None":
    """Return what a token claims, as `claims_of` takes it; None if it is not genuine.

    With a key it must be coded, with a public key signed.
    """
    try:
        tag: Any = decode(token)
        form = 0 if key else 1
        protected, unprotected, claims, proof = tag.value
        if tag.number != _MAC0 + form or protected != _PROTECTED[form] or unprotected != {}:
            return None
        if key:
            if not same(proof, hmac(key, _checked(0, claims))):
                return None
        elif not crypto or not crypto.verify(public, _checked(1, claims), proof):
            return None
        found: Any = decode(claims)
        digests: Any = decode(found[273][0][1])
        slot, settings, runtime = digests
        nonce, mac = found[10], found[256][1:]
        if claims != claims_of(nonce, mac, slot, settings, runtime) or len(nonce) != ASK_BYTES:
            return None
        return nonce, mac, slot, settings, runtime
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


class Challenge:
    """What was asked of a board, until it is answered or too late."""

    def __init__(self, now_ms: int, mac: bytes, nonce: bytes) -> None:
        self._now_ms = now_ms
        self._expected: bytes | None = nonce + mac

    def take(self, now_ms: int, nonce: bytes, mac: bytes) -> bool:
        """Tell whether a genuine token is the answer, in time; there is one."""
        if nonce + mac != self._expected:
            return False
        self._expected = None
        return 0 <= ticks_diff(now_ms, self._now_ms) <= ANSWER_MS_MAX
