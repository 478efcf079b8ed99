"""A packed payload is told from any other, comes back as it was, and cannot grow without bound."""

from array import array

from kernel.codec import cbor
from kernel.codec.deflate import PLACES, deflate
from kernel.codec.packed import PACKED, pack, unpack
from kernel.limits import FRAME_BYTES_MAX, MESSAGE_BYTES_MAX
from support.inflate import inflate
from support.protected import pair

LOG = ["soil", [{"at": 1_700_000_000 + 600 * n, "soil": 400 - n} for n in range(20)]]


def packed(payload):
    """Return the packed form of a payload, b"" if there is none."""
    out = bytearray(len(payload))
    size = pack(payload, len(payload), out, array("H", [0] * PLACES))
    return bytes(memoryview(out)[:size])


def forged(data):
    """Return a packed payload of bytes that nobody would pack."""
    out = bytearray(2 * len(data) + 9)
    out[0] = PACKED
    end = deflate(data, len(data), out, 1, len(out), array("H", [0] * PLACES))
    return bytes(memoryview(out)[:end])


def refused(payload, port=inflate):
    """Tell whether a payload is refused."""
    try:
        unpack(payload, port)
        return False
    except ValueError:
        return True


def test_a_payload_comes_back():
    payload = cbor.encode(LOG)
    small = packed(payload)
    assert len(small) < len(payload) // 2 and small[0] == PACKED
    assert unpack(small, inflate) == payload


def test_what_gets_no_smaller_stays_as_it_is():
    for value in (1, "moisture", ["moisture", 412], list(range(40))):
        payload = cbor.encode(value)
        assert packed(payload) == b"" and unpack(payload, inflate) == payload


def test_a_form_of_the_same_size_is_none():
    found = set()
    for size in range(4, 80):
        payload = bytes(range(10, 10 + size)) + bytes(range(10, 15))
        whole = len(forged(payload))
        found.add(whole - len(payload))
        assert len(packed(payload)) == (whole if whole < len(payload) else 0)
    assert 0 in found and min(found) < 0


def test_the_mark_begins_no_item():
    for rest in (b"", b"\x00", b"\xff", bytes(8)):
        try:
            cbor.decode(bytes((PACKED,)) + rest)
            raise AssertionError(rest)
        except cbor.CborError:
            pass


def test_a_bomb_is_refused_within_its_bound():
    asked = []

    def port(data, most):
        asked.append(most)
        return inflate(data, most)

    limit = b"\x59\x03\xfd" + b"a" * (MESSAGE_BYTES_MAX - 3)
    assert unpack(forged(limit), port) == limit
    for size in (MESSAGE_BYTES_MAX + 1, 60_000):
        assert refused(forged(b"a" * size), port)
    assert set(asked) == {MESSAGE_BYTES_MAX + 1}, "the port makes no more than that"


def test_no_packed_form_of_what_is_not_smaller_or_packed_again():
    assert refused(forged(b"\x01")) and refused(forged(b""))
    assert refused(forged(packed(cbor.encode(LOG)) + bytes(200)))


def test_whatever_came_is_a_payload_or_refused():
    small = packed(cbor.encode(LOG))
    for size in range(1, len(small)):
        assert refused(small[:size]), "nothing is taken that was cut off"
    for bit in range(8, 8 * len(small)):
        changed = bytearray(small)
        changed[bit >> 3] ^= 1 << (bit & 7)
        if not refused(changed):
            assert len(unpack(changed, inflate)) <= MESSAGE_BYTES_MAX


def test_packed_then_sealed_then_opened_then_unpacked():
    one, other = pair()
    payload = cbor.encode(LOG)
    assert len(payload) > FRAME_BYTES_MAX, "it would not fit a frame"
    frame = one.sealed(other.node, packed(payload))
    assert len(frame) < FRAME_BYTES_MAX
    assert unpack(other.opened(frame), inflate) == payload
