"""Payloads: what is written is read, and a peer cannot smuggle in another shape."""

from kernel.codec import cbor, messages
from kernel.codec.frame import BROADCAST
from kernel.codec.messages import NO_PHASE, head_argument, head_bytes
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES, WAKE_PERIOD_MS_MAX
from support.script import raises


def announced(name, boots, board, *window):
    """Return the payload of an announcement."""
    buffer = bytearray(FRAME_BYTES_MAX)
    head = messages.announcement_head(name, boots, board)
    period_ms, phase_ms, leader = window or (0, NO_PHASE, 0)
    length = messages.write_announcement(buffer, head, period_ms, phase_ms, leader)
    return bytes(buffer[HEADER_BYTES:length])


def test_an_announcement_comes_back():
    payload = announced("greenhouse-07", 3, "esp32-devkitc")
    assert messages.read_announcement(payload) == ("greenhouse-07", 3, 0, NO_PHASE, 0)
    assert payload == cbor.encode({1: "greenhouse-07", 2: 3, 3: "esp32-devkitc"})
    window = (WAKE_PERIOD_MS_MAX, WAKE_PERIOD_MS_MAX - 1, BROADCAST - 1)
    payload = announced("a", 1 << 20, "", *window)
    assert messages.read_announcement(payload) == ("a", 1 << 20) + window


def test_the_longest_announcement_fits():
    window = (WAKE_PERIOD_MS_MAX, WAKE_PERIOD_MS_MAX - 1, BROADCAST - 1)
    payload = announced("ä" * 16, (1 << 30) - 1, "b" * 32, *window)
    assert messages.read_announcement(payload) == ("ä" * 16, (1 << 30) - 1) + window


def test_a_later_version_may_add_keys():
    payload = cbor.encode({1: "a", 2: 1, 3: "x", 99: [1, 2]})
    assert messages.read_announcement(payload) == ("a", 1, 0, NO_PHASE, 0)
    assert messages.read_announcement(cbor.encode({1: "a" * 32, 2: 0}))[0] == "a" * 32


def test_an_announcement_of_another_shape_is_refused():
    good = {1: "a", 2: 1, 4: 1000, 5: 999, 6: 7}
    assert messages.read_announcement(cbor.encode(good)) == ("a", 1, 1000, 999, 7)
    for key, wrong in (
        (1, ("", "a" * 33, 5, None, b"a")),
        (2, (-1, True, "1", 1 << 30, 1.5, None)),
        (4, (0, -1, WAKE_PERIOD_MS_MAX + 1, True, "1", None)),
        (5, (-1, 1000, True, "1", None)),
        (6, (-1, 0, BROADCAST, True, "1", None)),
    ):
        for value in wrong:
            changed = dict(good)
            changed[key] = value
            raises(cbor.CborError, messages.read_announcement, cbor.encode(changed))
        changed = dict(good)
        del changed[key]
        raises(cbor.CborError, messages.read_announcement, cbor.encode(changed))
    raises(cbor.CborError, messages.read_announcement, cbor.encode([good]))


def test_heads_are_read_in_their_shortest_form_only():
    for argument in (0, 1, 23, 24, 255, 256, 65535):
        for major in range(8):
            buffer = bytearray(8)
            end = cbor.write_head(buffer, 2, major, argument)
            assert head_argument(buffer, 2, end, major) == argument
            assert head_bytes(argument) == end - 2
            assert head_argument(buffer, 2, end, (major + 1) % 8) == -1
            for early in range(2, end):
                assert head_argument(buffer, 2, early, major) == -1
    for longer in (
        b"\x18\x17",
        b"\x19\0\xff",
        b"\x1a\0\0\0\1",
        b"\x1b" + bytes(8),
        b"\x1c",
        b"\x1f",
    ):
        assert head_argument(longer, 0, len(longer), 0) == -1
