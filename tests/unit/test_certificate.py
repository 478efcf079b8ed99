"""Certificates of boards: one form, within bounds, and believed only if the authority signed."""

from binascii import unhexlify
from hashlib import sha256

from kernel.codec.cbor import decode, encode
from kernel.secure import certificate as certificates
from kernel.secure.certificate import Certificate, CertificateError, check, is_signed, read
from support.script import raises
from support.secure_parties import EXPIRES_S, NETWORK, Fleet

PUBLIC, THUMBPRINT = b"\x11" * 32, b"\x22" * 16


def _plain(**changes):
    held = Certificate(11, NETWORK, PUBLIC, THUMBPRINT)
    held.expires_s = EXPIRES_S
    for name, value in changes.items():
        setattr(held, name, value)
    return held


def _seal(held):
    return certificates.to_signed(held, lambda message: b"\x33" * 64)


def test_the_longest_certificate_leaves_a_handshake_its_frames():
    held = _plain(node=(1 << 30) - 2, network=0xFFFF, roles=15, epoch=255, expires_s=0xFFFFFFFF)
    assert len(_seal(held)) == certificates.CERTIFICATE_BYTES_MAX


def test_what_is_written_is_read():
    for changes in ({}, {"roles": 15}, {"epoch": 255}, {"node": (1 << 30) - 2, "expires_s": 0}):
        held = _plain(**changes)
        again = read(_seal(held))
        for name in "node network public thumbprint roles epoch expires_s".split():
            assert getattr(again, name) == getattr(held, name), name


def test_the_bytes_are_those_of_the_standards():
    # RFC 8392 and 8747: COSE_Sign1, exp, cnf with an OKP key; the private claim last.
    protected, unprotected, claims, signature = decode(_seal(_plain(roles=1, epoch=2)))
    assert (protected, unprotected, signature) == (b"\xa1\x01\x27", {}, b"\x33" * 64)
    assert decode(claims) == {
        4: EXPIRES_S,
        8: {1: {1: 1, -1: 4, -2: PUBLIC}},
        -65537: [11, NETWORK, 1, 2, THUMBPRINT],
    }
    # RFC 9679, section 3, of {1: 1, -1: 6, -2: key}.
    key = bytes(range(32))
    whole = sha256(unhexlify("a301012006215820") + key).digest()
    assert certificates.thumbprint_of(key) == whole[:16]


def test_facts_out_of_their_bounds_are_not_signed():
    for changes in (
        {"node": -1},
        {"node": (1 << 30) - 1},
        {"network": 0x10000},
        {"roles": 16},
        {"epoch": 256},
        {"expires_s": 1 << 32},
        {"roles": True},
        {"roles": None},
        {"public": b"\x11" * 31},
        {"public": "x" * 32},
        {"thumbprint": b"\x22" * 17},
    ):
        raises(CertificateError, _seal, _plain(**changes))
    raises(CertificateError, certificates.to_signed, _plain(), lambda message: b"short")


def test_any_other_byte_is_refused_or_no_longer_signed():
    fleet = Fleet()
    data = fleet.board(11).certificate
    assert is_signed(data, fleet.authority, fleet.port.verify)
    broken = 0
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        changed = bytes(changed)
        try:
            read(changed)
        except CertificateError:
            broken += 1
            continue
        # What still reads differs in what is signed, or in the signature.
        signed = decode(data)[2:]
        assert decode(changed)[2:] != signed
        if at % 16 == 0:
            assert not is_signed(changed, fleet.authority, fleet.port.verify), at
    assert broken > 20
    for size in range(len(data)):
        raises(CertificateError, read, data[:size])
    raises(CertificateError, read, data + b"\x00")


def test_what_is_no_certificate_is_refused():
    good = decode(_seal(_plain()))
    claims = decode(good[2])
    for value in (
        None,
        7,
        b"",
        [],
        {},
        good[:3],
        good + [b""],
        [b"", {}, good[2], good[3]],
        [good[0], {4: b"x"}, good[2], good[3]],
        [good[0], {}, 7, good[3]],
        [good[0], {}, good[2], "x" * 64],
        [good[0], {}, encode({4: 1}), good[3]],
        [good[0], {}, encode([]), good[3]],
        [good[0], {}, encode({4: EXPIRES_S, 8: {}, -65537: claims[-65537]}), good[3]],
        [good[0], {}, encode({4: EXPIRES_S, 8: claims[8], -65537: [11, NETWORK, 0, 0]}), good[3]],
        [good[0], {}, encode({2: "a", 4: 1, 8: claims[8], -65537: claims[-65537]}), good[3]],
    ):
        raises(CertificateError, read, encode(value))


def test_a_certificate_holds_in_its_network_and_time_and_from_its_epoch_on():
    held = _plain(epoch=5)
    assert check(held, NETWORK, 5, EXPIRES_S - 1) == 0
    assert check(held, NETWORK, 4, 0) == 0
    assert check(held, NETWORK + 1, 5, 0) == certificates.REFUSED_NETWORK
    assert check(held, NETWORK, 6, 0) == certificates.REFUSED_EPOCH
    assert check(held, NETWORK, 5, EXPIRES_S) == certificates.REFUSED_TIME


def test_another_authority_or_key_does_not_do():
    fleet, other = Fleet(1), Fleet(2)
    data = fleet.board(11).certificate
    assert not is_signed(data, other.authority, fleet.port.verify)
    assert certificates.thumbprint_of(fleet.authority) != certificates.thumbprint_of(
        other.authority
    )
