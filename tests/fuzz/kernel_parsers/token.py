"""Attestation tokens: as they came, or claims that are coded or signed with known keys."""

from fuzz.kernel_parsers import port

from kernel.codec.cbor import CborError, encode
from kernel.prng import Prng
from kernel.secure import token as tokens

MODULES = ("kernel.secure.token",)
RAW, CODED, SIGNED, PARTS = range(4)
_DRAW = Prng(6)
PORT = port.make(lambda count: bytes([_DRAW.below(256) for _ in range(count)]))
PRIVATE = b"\x61" * 32
PUBLIC = PORT.signer_of(PRIVATE)
KEY = tokens.token_key(b"secretofsixteens")
MAC, NONCE = b"\x02\x00\x00\x00\x00\x07", b"question"
CLAIMS = tokens.claims_of(NONCE, MAC, b"s" * 32, b"c" * 16, b"m" * 16)


def seeds():
    """Return tokens and claims."""
    made = [(RAW, tokens.coded(KEY, CLAIMS)), (RAW, tokens.signed(PORT, PRIVATE, CLAIMS))]
    made.append((RAW, tokens.coded(KEY, CLAIMS)[:-1] + b"\x00"))
    made += [(form, claims) for form in (CODED, SIGNED) for claims in (CLAIMS, _short(), b"\xa0")]
    made.append((PARTS, encode([b"\xa1\x01\x05", {}, CLAIMS, bytes(32)])))
    return [bytes((form,)) + data for form, data in made]


def _short():
    return tokens.claims_of(NONCE, MAC, b"s", b"", b"m")


def take(data):
    """Return what a token claims."""
    form, body = (data[0] % 4, data[1:]) if data else (RAW, b"")
    token = _made(form, body)
    if token is None:
        return b""
    coded = tokens.claims_in(token, KEY)
    signed = tokens.claims_in(token, crypto=PORT, public=PUBLIC)
    assert tokens.claims_in(token) is None
    assert coded is None or signed is None
    said = coded or signed
    challenge = tokens.Challenge(0, MAC, NONCE)
    if said and form in (RAW, PARTS):
        assert token in (tokens.coded(KEY, CLAIMS), tokens.signed(PORT, PRIVATE, CLAIMS))
    if said:
        assert tokens.claims_of(*said) == (CLAIMS if form in (RAW, PARTS) else body)
        assert challenge.take(1, said[0], said[1]) == (said[0] + said[1] == NONCE + MAC)
    good = tokens.claims_in(tokens.coded(KEY, CLAIMS), KEY)
    assert good and tokens.Challenge(0, MAC, NONCE).take(1, good[0], good[1])
    return b"" if said is None else b"|".join(said)


def _made(form, body):
    try:
        if form == CODED:
            return tokens.coded(KEY, body)
        if form == SIGNED:
            return tokens.signed(PORT, PRIVATE, body)
    except CborError:  # longer than a token
        return None
    if form == PARTS:
        return b"\xd1" + body
    return body
