"""What an authority says of certificates: as it came, or items that it signed."""

from fuzz.kernel_parsers.certificate import PORT, PUBLIC_AUTHORITY, sign

from kernel.codec.cbor import encode
from kernel.secure import revocation
from kernel.secure.certificate import EPOCH_MAX, to_be_signed
from support.secure_parties import NETWORK, MemoryTable

MODULES = ("kernel.secure.revocation",)
RAW, SIGNED = range(2)
_PROTECTED = b"\xa1\x01\x27"
_OTHER_KEY = PORT.signer_of(b"\x54" * 32)


def _signed(payload):
    return encode([_PROTECTED, {}, payload, sign(to_be_signed(payload))], 2_048)


_GOOD = _signed(encode([NETWORK, revocation.NUMBER_MAX, EPOCH_MAX, b"m" * 8]))


def seeds():
    """Return lists and a succession."""
    lists = [[NETWORK, 1, 0, b""], [NETWORK, 9, 3, b"a" * 8 + b"b" * 8], [NETWORK, 2, _OTHER_KEY]]
    lists += [[NETWORK, 3, 0, bytes(128)], [NETWORK + 1, 1, 0, b""], [NETWORK, 0, 0, b""]]
    made = [bytes((SIGNED,)) + encode(items) for items in lists]
    return made + [bytes((RAW,)) + _GOOD, bytes((RAW,)) + _GOOD[:-1]]


def take(data):
    """Return what is believed after a statement."""
    form, body = (data[0] % 2, data[1:]) if data else (RAW, b"")
    statement = _signed(body) if form == SIGNED else body
    table = MemoryTable()
    machine = revocation.Revocations(table, PORT, PUBLIC_AUTHORITY, NETWORK)
    is_taken = machine.on_statement(statement)
    assert is_taken or (machine.number, machine.document, table.held) == (0, b"", {})
    assert form == SIGNED or not is_taken or statement == _GOOD, "a forgery"
    if is_taken:
        assert len(statement) <= revocation.STATEMENT_BYTES_MAX
        again = revocation.Revocations(table, PORT, PUBLIC_AUTHORITY, NETWORK)
        assert (again.number, again.epoch) == (machine.number, machine.epoch) or not again.document
        assert again.authority == machine.authority
        assert not machine.on_statement(statement), "taken twice"
    elif machine.on_statement(_GOOD):
        assert machine.document == _GOOD
    else:
        raise AssertionError("a good one is refused")
    return encode([is_taken, machine.authority, statement if is_taken else b""], 512)
