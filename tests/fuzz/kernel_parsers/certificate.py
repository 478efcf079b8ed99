"""Certificates of boards: as they came, or claims that the authority signed; then who is found."""

from fuzz.kernel_parsers import port

from kernel.codec.cbor import CborError, decode, encode
from kernel.prng import Prng
from kernel.secure import acquaintances, revocation
from kernel.secure.certificate import CERTIFICATE_BYTES_MAX, Certificate, to_be_signed
from kernel.secure.edhoc import HandshakeError, read_reference
from support.secure_parties import NETWORK, MemoryTable, certified

MODULES = ("kernel.secure.certificate", "kernel.secure.acquaintances")
RAW, CLAIMS, REFERENCE = range(3)
NODE, NOW_S = 11, 1_000_000
_PROTECTED = b"\xa1\x01\x27"
_DRAW = Prng(5)
PORT = port.make(lambda count: bytes([_DRAW.below(256) for _ in range(count)]))
_AUTHORITY = b"\x51" * 32
PUBLIC_AUTHORITY = PORT.signer_of(_AUTHORITY)


def sign(message):
    """Sign for the authority."""
    return PORT.sign(_AUTHORITY, message)


GOOD = certified(sign, PORT.public_of(b"\x52" * 32), node=NODE)


def seeds():
    """Return certificates, claims and references, good ones and nearly so."""
    made = [
        (RAW, GOOD),
        (RAW, GOOD[:-1]),
        (RAW, GOOD[:-1] + b"\x00"),
        (REFERENCE, acquaintances.by_value(GOOD)),
    ]
    made += [(REFERENCE, encode(acquaintances.name_of(GOOD))), (REFERENCE, b"\x05")]
    for changes in ({}, {"node": 12}, {"network": 1}, {"expires_s": 5}, {"roles": 15}):
        other = certified(sign, b"\x11" * 32, **changes)
        made.append((CLAIMS, decode(other)[2]))
    return [bytes((form,)) + data for form, data in made]


def take(data):
    """Return the facts of a certificate, or whom a reference leads to."""
    form, body = (data[0] % 3, data[1:]) if data else (RAW, b"")
    if form == REFERENCE:
        try:
            return _found(read_reference(decode(body)))
        except (CborError, HandshakeError):
            return b""
    if form == CLAIMS:
        body = _signed(body)
    try:
        held = Certificate(body)
    except ValueError:
        assert _found(acquaintances.by_value(body)) == b""
        return b""
    assert len(held.public) == 32 and len(held.thumbprint) == 16
    assert len(body) <= CERTIFICATE_BYTES_MAX
    is_signed = held.is_signed(PUBLIC_AUTHORITY, PORT.verify)
    is_ours = held.node == NODE and held.holds(NETWORK, 1, NOW_S)
    # Who is found is signed, of this node and this network.
    assert (_found(acquaintances.by_value(body)) != b"") == (is_signed and is_ours)
    if form == RAW and is_signed:
        assert body == GOOD, "a forgery"
    numbers = [held.node, held.network, held.roles, held.epoch, held.expires_s]
    return encode([numbers, held.public, held.thumbprint, is_signed], 512)


def _signed(claims):
    return encode([_PROTECTED, {}, claims, sign(to_be_signed(claims))], 1_024)


def _found(reference):
    table = MemoryTable()
    orders = revocation.Revocations(table, PORT, PUBLIC_AUTHORITY, NETWORK)
    orders.epoch = 1
    known = acquaintances.Acquaintances(table, PORT, orders)
    known.node, known.now_s = NODE, NOW_S
    table.put(acquaintances.key_of(NODE), _EPOCH_1)
    for _ in range(2):
        # By what is kept, by what came, and again: an answer changes nothing.
        found = known.find(reference) if reference else None
    assert known.find(acquaintances.by_name(_EPOCH_1))
    return b"" if found is None else found.value + found.public


_EPOCH_1 = certified(sign, PORT.public_of(b"\x53" * 32), node=NODE, epoch=1)
