"""Certificates of boards: what is read, what is not, and whom to believe."""

from binascii import unhexlify
from hashlib import sha256

from kernel.codec.cbor import decode, encode
from kernel.secure import certificate as certificates
from kernel.secure.certificate import EPOCH_MAX, Certificate
from support.script import raises
from support.secure_parties import EXPIRES_S, NETWORK, Fleet, certified

PUBLIC, THUMBPRINT = b"\x11" * 32, b"\x22" * 16
SIGNATURE = b"\x33" * 64


def _certified(**changes):
    changes.setdefault("thumbprint", THUMBPRINT)
    return certified(lambda message: SIGNATURE, PUBLIC, **changes)


def test_what_is_written_is_read():
    for node, roles, epoch, expires_s in ((11, 0, 0, 0), ((1 << 30) - 2, 15, 255, 0xFFFFFFFF)):
        held = Certificate(_certified(node=node, roles=roles, epoch=epoch, expires_s=expires_s))
        assert (held.node, held.network, held.roles) == (node, NETWORK, roles)
        assert (held.epoch, held.expires_s) == (epoch, expires_s)
        assert (held.public, held.thumbprint) == (PUBLIC, THUMBPRINT)


def test_the_longest_certificate_leaves_a_handshake_its_frames():
    longest = {"network": 0xFFFF, "roles": 15, "epoch": 255, "expires_s": 0xFFFFFFFF}
    data = _certified(node=(1 << 30) - 2, **longest)
    assert len(data) == certificates.CERTIFICATE_BYTES_MAX
    Certificate(data)
    longest["epoch"] = 256
    raises(ValueError, Certificate, _certified(node=(1 << 30) - 2, **longest))


def test_a_thumbprint_is_that_of_the_standard():
    # RFC 9679, section 3, of the key {1: 1, -1: 6, -2: key}.
    key = bytes(range(32))
    whole = sha256(unhexlify("a301012006215820") + key).digest()
    assert certificates.thumbprint_of(key) == whole[:16]


def test_what_is_no_certificate_is_refused():
    good = decode(_certified())
    claims = decode(good[2])
    keys, board = claims[8], claims[-65537]
    for wrong in (
        {4: 1},
        {4: -1, 8: keys, -65537: board},
        {4: True, 8: keys, -65537: board},
        {4: "1", 8: keys, -65537: board},
        {2: "a", 4: 1, 8: keys, -65537: board},
        {4: 1, 8: {}, -65537: board},
        {4: 1, 8: [], -65537: board},
        {4: 1, 8: {1: {1: 1, -1: 6, -2: PUBLIC}}, -65537: board},  # a key to sign with
        {4: 1, 8: {1: {1: 1, -1: 4, -2: PUBLIC[:31]}}, -65537: board},
        {4: 1, 8: {1: {1: 1, -1: 4, -2: "x" * 32}}, -65537: board},
        {4: 1, 8: {1: {1: 1, -1: 4, -2: PUBLIC, -3: 0}}, -65537: board},
        {4: 1, 8: keys, -65537: board[:4]},
        {4: 1, 8: keys, -65537: board + [0]},
        {4: 1, 8: keys, -65537: [11, NETWORK, 0, 0, THUMBPRINT[:15]]},
        {4: 1, 8: keys, -65537: [11, NETWORK, 0, 0, "x" * 16]},
        {4: 1, 8: keys, -65537: [11, NETWORK, 0, None, THUMBPRINT]},
        {4: 1, 8: keys, -65537: [11, NETWORK, 0, -1, THUMBPRINT]},
        {4: 1, 8: keys, -65537: [11, NETWORK, 0, EPOCH_MAX + 1, THUMBPRINT]},
        {4: 1, 8: keys, -65537: {}},
        [],
        7,
    ):
        data = encode([good[0], {}, encode(wrong), SIGNATURE])
        raises(ValueError, Certificate, data)
    for value in (
        None,
        b"",
        [],
        {},
        good[:3],
        good + [b""],
        [b"", {}, good[2], SIGNATURE],
        [good[0], {4: b"x"}, good[2], SIGNATURE],
        [good[0], {}, 7, SIGNATURE],
    ):
        raises(ValueError, Certificate, encode(value))


def test_what_is_cut_goes_on_or_is_damaged_is_refused_or_no_longer_signed():
    fleet = Fleet()
    data = fleet.board(11).certificate
    assert Certificate(data).is_signed(fleet.authority, fleet.port.verify)
    for size in range(len(data)):
        raises(ValueError, Certificate, data[:size])
    raises(ValueError, Certificate, data + b"\x00")
    read = 0
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        try:
            held = Certificate(bytes(changed))
        except ValueError:
            continue
        # What still reads differs in what is signed, or in the signature.
        assert decode(changed)[2:] != decode(data)[2:]
        read += 1
        if read % 16 == 0:
            assert not held.is_signed(fleet.authority, fleet.port.verify), at
    assert 16 < read < len(data) - 20


def test_a_signature_of_another_length_or_type_is_none():
    fleet = Fleet()
    good = decode(fleet.board(11).certificate)
    for signature in (b"", good[3][:63], good[3] + b"\x00"):
        data = encode([good[0], {}, good[2], signature])
        try:
            held = Certificate(data)
        except ValueError:
            continue  # too long
        assert not held.is_signed(fleet.authority, fleet.port.verify)
    for signature in ("x" * 64, 7, None, [good[3]]):
        raises(ValueError, Certificate, encode([good[0], {}, good[2], signature]))


def test_the_last_epoch_is_one():
    assert Certificate(_certified(epoch=EPOCH_MAX)).epoch == EPOCH_MAX


def test_a_certificate_holds_in_its_network_and_time_and_from_its_epoch_on():
    held = Certificate(_certified(epoch=5))
    assert held.holds(NETWORK, 5, EXPIRES_S - 1)
    assert held.holds(NETWORK, 4, 0)
    assert not held.holds(NETWORK + 1, 5, 0)
    assert not held.holds(NETWORK, 6, 0)
    assert not held.holds(NETWORK, 5, EXPIRES_S)


def test_another_authority_does_not_do():
    fleet, other = Fleet(1), Fleet(2)
    held = Certificate(fleet.board(11).certificate)
    assert not held.is_signed(other.authority, fleet.port.verify)
