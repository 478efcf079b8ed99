"""Payloads: what is written is read, and a peer cannot smuggle in another shape."""

from kernel.codec import cbor, messages
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from support.script import raises


def test_an_announcement_comes_back():
    payload = messages.announcement("greenhouse-07", 3, "esp32-devkitc")
    assert messages.read_announcement(payload) == ("greenhouse-07", 3)


def test_a_later_version_may_add_keys():
    payload = cbor.encode({1: "a", 2: 1, 3: "x", 99: [1, 2]})
    assert messages.read_announcement(payload) == ("a", 1)
    assert messages.read_announcement(cbor.encode({1: "a" * 32, 2: 0})) == ("a" * 32, 0)


def test_an_announcement_of_another_shape_is_refused():
    for value in ([], {}, {1: "a"}, {2: 1}, {1: "", 2: 1}, {1: "a" * 33, 2: 1}, {1: 5, 2: 1},
                  {1: "a", 2: -1}, {1: "a", 2: True}, {1: "a", 2: "1"}):  # fmt: skip
        raises(cbor.CborError, messages.read_announcement, cbor.encode(value))


def test_a_message_comes_back():
    buffer = bytearray(FRAME_BYTES_MAX)
    length = messages.write_message(buffer, "soil", {"x": [1, None]})
    payload = memoryview(buffer)[HEADER_BYTES:length]
    assert messages.read_message(payload) == ("soil", {"x": [1, None]})


def test_a_message_of_another_shape_is_refused():
    for value in ([], ["a"], ["a", 1, 2], {1: 2}, [1, 2], ["", 2], ["x" * 33, 2], "text"):
        raises(cbor.CborError, messages.read_message, cbor.encode(value))


def test_a_message_must_fit_one_frame():
    buffer = bytearray(FRAME_BYTES_MAX)
    room = FRAME_BYTES_MAX - HEADER_BYTES - 1 - 2 - 2  # array, topic "t", head of a byte string
    assert messages.write_message(buffer, "t", bytes(room)) == FRAME_BYTES_MAX
    raises(cbor.CborError, messages.write_message, buffer, "t", bytes(room + 1))
    raises(cbor.CborError, messages.write_message, buffer, "", 1)
    raises(cbor.CborError, messages.write_message, buffer, "t" * 33, 1)


def test_telemetry_is_a_map_of_whole_numbers():
    buffer = bytearray(FRAME_BYTES_MAX)
    length = messages.write_telemetry(buffer, [100, 2, 3, 4, 5, 3700, 0])
    value = cbor.decode(memoryview(buffer)[HEADER_BYTES:length])
    assert value == {1: 100, 2: 2, 3: 3, 4: 4, 5: 5, 6: 3700, 7: 0}
