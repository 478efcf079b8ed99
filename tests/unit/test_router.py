"""A frame finds the handler of its kind, and what is for nobody here goes no further."""

from kernel.codec import cbor, frame, messages
from kernel.codec.cbor import CborError
from kernel.errors import DROP_DUPLICATE, DROP_FRAGMENT_FULL, DROP_LATE_REPLY, DROP_MALFORMED
from kernel.health.facts import dropped
from kernel.limits import NEIGHBOURS_MAX, PING_BYTES_MAX
from support.mesh import PEER, Mesh, cut, encoded, made
from support.no_heap import Failing

MESSAGE, REQUEST, RESPONSE = frame.KIND_MESSAGE, frame.KIND_REQUEST, frame.KIND_RESPONSE


def test_each_kind_finds_its_handler():
    mesh = Mesh()
    for kind, fields in (
        (MESSAGE, ["t", {"x": 1}]),
        (REQUEST, [77, "t", None]),
        (RESPONSE, [77, 0, [1, 2]]),
    ):
        assert mesh.hear_payload(kind, cbor.encode(fields)) == 0
        assert mesh.got[-1] == (kind, PEER, fields)


def test_an_envelope_tells_who_asked_what():
    mesh, seen = Mesh(), []

    def handle(now_ms, envelope):
        assert envelope.fields()[-2:] == ["soil", [1]]
        seen.append((now_ms, envelope.correlation, envelope.is_on(b"soil"), envelope.is_broadcast))
        seen.append([envelope.is_on(topic) for topic in (b"soi", b"soil2", b"sOil", b"")])
        return 0

    mesh.router.handlers[REQUEST] = handle
    payload = encoded(300, "soil", [1])
    mesh.hear_payload(REQUEST, payload, target=mesh.identity.node)
    assert seen == [(mesh.now_ms, 300, True, False), [False] * 4]


def test_what_a_handler_returns_is_what_becomes_of_the_frame():
    mesh = Mesh()
    mesh.router.handlers[RESPONSE] = lambda now_ms, envelope: DROP_LATE_REPLY
    assert mesh.hear_payload(RESPONSE, encoded(1, 0, None)) == DROP_LATE_REPLY


def test_a_value_that_is_no_cbor_is_found_when_it_is_asked_for():
    mesh = Mesh()
    broken = b"\x82\x61t\x1c"
    assert mesh.hear_payload(MESSAGE, broken) == DROP_MALFORMED
    mesh.router.handlers[MESSAGE] = lambda now_ms, envelope: 0
    assert mesh.hear_payload(MESSAGE, broken) == 0


def test_an_error_of_ours_is_not_taken_for_bad_input():
    mesh = Mesh()

    def handle(now_ms, envelope):
        raise KeyError

    mesh.router.handlers[MESSAGE] = handle
    try:
        mesh.hear_payload(MESSAGE, encoded("t", 1))
        raise AssertionError
    except KeyError:
        assert mesh.got == []


def test_a_kind_without_handler_is_received_and_ignored():
    mesh = Mesh()
    assert mesh.router.handlers[frame.KIND_TELEMETRY] is None
    assert mesh.hear_payload(frame.KIND_TELEMETRY, cbor.encode({1: 1})) == 0


def test_a_ping_is_answered_with_its_payload_to_its_sender_alone():
    mesh = Mesh()
    for size in range(1, PING_BYTES_MAX + 1):
        assert mesh.hear_payload(frame.KIND_PING, bytes(range(size))) == 0
        assert mesh.sent() == [(frame.KIND_PONG, PEER, bytes(range(size)))]
    assert mesh.hear_payload(frame.KIND_PING, bytes(PING_BYTES_MAX + 1)) == DROP_MALFORMED
    assert mesh.sent() == []


def test_fragments_arrive_as_one_message():
    mesh = Mesh()
    fields = ["t", bytes(900)]
    for kind, payload in ((MESSAGE, fields), (REQUEST, [1] + fields), (RESPONSE, [1, 0, fields])):
        for piece in cut(cbor.encode(payload), kind=kind, number=kind):
            assert mesh.hear_payload(frame.KIND_FRAGMENT, piece) == 0
        assert mesh.got[-1] == (kind, PEER, payload)
    assert len(mesh.got) == 3


def test_a_joined_message_of_another_shape_is_dropped_and_its_buffer_free_again():
    mesh = Mesh()
    for number in range(1, 10):
        pieces = cut(cbor.encode(bytes(300)), number=number)
        results = [mesh.hear_payload(frame.KIND_FRAGMENT, piece) for piece in pieces]
        assert results == [0, DROP_MALFORMED]
    assert mesh.router.next_at_ms(mesh.now_ms) == -1


def test_a_handler_that_raises_leaves_the_buffer_free():
    mesh = Mesh()

    def handle(now_ms, envelope):
        raise CborError

    mesh.router.handlers[MESSAGE] = handle
    for piece in cut(encoded("t", bytes(300))):
        result = mesh.hear_payload(frame.KIND_FRAGMENT, piece)
    assert result == DROP_MALFORMED and mesh.router.next_at_ms(mesh.now_ms) == -1


def test_a_frame_counts_once():
    mesh = Mesh()
    data = made(MESSAGE, encoded("t", 1))
    assert [mesh.hear(data), mesh.hear(data)] == [0, DROP_DUPLICATE]
    assert len(mesh.got) == 1


def test_who_joins_is_told_once_and_guests_are_not():
    mesh = Mesh()
    for sender in range(1, NEIGHBOURS_MAX + 10):
        mesh.hear(made(MESSAGE, encoded("t", 1), source=sender))
        assert mesh.router.joined == (sender if sender <= NEIGHBOURS_MAX else 0)
    mesh.hear(made(MESSAGE, encoded("t", 1), source=1, sequence=2))
    assert mesh.router.joined == 0
    assert len(mesh.got) == NEIGHBOURS_MAX + 10  # the messages of a crowd arrive all the same


def test_signal_strength_is_kept_with_the_neighbour():
    mesh = Mesh()
    mesh.hear(made(MESSAGE, encoded("t", 1)), rssi_dbm=-70)
    assert mesh.neighbours.rssi_dbm(mesh.neighbours.find(PEER)) == -70


def test_the_shapes_of_messages_are_checked_at_the_border():
    envelope = messages.Envelope()
    good = {
        MESSAGE: encoded("topic", 1),
        REQUEST: encoded(65535, "topic", 1),
        RESPONSE: encoded(24, 23, 1),
    }
    longest = encoded("t" * 32, 1)
    assert envelope.open(MESSAGE, longest, 0, len(longest)) and envelope.is_on(b"t" * 32)
    for kind, payload in good.items():
        assert envelope.open(kind, payload, 0, len(payload))
        for length in range(len(payload)):
            assert not envelope.open(kind, payload, 0, length)
    for kind, wrong in (
        (MESSAGE, [encoded("", 1), encoded("x" * 33, 1), encoded(1, 2), encoded("t", 1, 2)]),
        (
            MESSAGE,
            [b"\x83\x61t\x01", b"\x98\x02\x61t\x01", b"\x82\x78\x01t\x01", b"\xa1\x61t\x01"],
        ),
        (REQUEST, [encoded("t", 1), encoded(65536, "t", 1), encoded(0, "t", 1)]),
        (REQUEST, [b"\x83\x18\x01\x61t\x01", b"\x83\x19\0\xff\x61t\x01", encoded(1, 2, 3)]),
        (REQUEST, [encoded(-1, "t", 1)]),
        (RESPONSE, [encoded(0, 0, 1), encoded(1, 24, 1), encoded(1, "t", 1), encoded(1, 0)]),
    ):
        for payload in wrong:
            assert not envelope.open(kind, payload, 0, len(payload)), payload


def test_without_heap_for_fragments_they_are_dropped_and_the_next_message_arrives():
    # Loading the code, each array of the table, and the first buffer.
    for name, call in (("__import__", 1), ("bytearray", 1), ("bytearray", 3), ("bytearray", 4)):
        mesh = Mesh()
        first = made(frame.KIND_FRAGMENT, cut(encoded("t", "x" * 300))[0], sequence=0)
        with Failing(name, call) as failing:
            assert mesh.hear(first) == DROP_FRAGMENT_FULL
        assert failing.count == 1 and dropped(mesh.meters) == {"fragments full": 1}
        assert mesh.router.next_at_ms(mesh.now_ms) == -1
        mesh.router.on_time(mesh.now_ms)
        assert mesh.hear_payload(MESSAGE, encoded("t", 1)) == 0
        for piece in cut(encoded("t", "y" * 300), number=2):
            assert mesh.hear_payload(frame.KIND_FRAGMENT, piece) == 0
        assert [fields[1] for _, _, fields in mesh.got] == [1, "y" * 300]
