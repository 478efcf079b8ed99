"""What an agent says leaves numbered, in order of urgency, and whole."""

from kernel.codec import cbor, frame, messages
from kernel.codec.cbor import CborError
from kernel.codec.templates import TELEMETRY_BYTES, TELEMETRY_FIGURES, write_telemetry
from kernel.effects import LINK_ALL
from kernel.errors import DROP_NOT_STORED
from kernel.health.facts import dropped
from kernel.limits import FRAME_BYTES_MAX, MESSAGE_BYTES_MAX, OUTBOX_FRAMES_MAX
from kernel.mesh.transmitter import Transmitter
from kernel.prng import Prng
from support.heap import crowded
from support.mesh import PEER, Mesh, encoded
from support.no_heap import Failing
from support.script import raises

ALL = frame.BROADCAST
FIGURES = list(range(TELEMETRY_FIGURES))


def written(figures):
    """Return the payload of a telemetry frame."""
    buffer = bytearray(TELEMETRY_BYTES)
    write_telemetry(buffer, 0, figures)
    return bytes(buffer)


def sequences(frames):
    """Return the sequence of each frame, counted from the first."""
    numbers = [data[12] << 8 | data[13] for data in frames]
    return [(number - numbers[0]) & 0xFFFF for number in numbers]


def say(mesh, value=1, target=ALL):
    """Send a message."""
    return mesh.transmitter.message("t", value, target, LINK_ALL)


def test_all_kinds_are_what_they_say():
    mesh = Mesh(name="pump")
    transmitter = mesh.transmitter
    transmitter.introduce(3)
    assert transmitter.announce() and transmitter.telemetry(FIGURES)
    assert say(mesh, [1], PEER) and transmitter.request(9, "t", 2, PEER, 1)
    assert mesh.sent() == [
        (frame.KIND_ANNOUNCE, ALL, cbor.encode({1: "pump", 2: 3, 3: "test-board"})),
        (frame.KIND_REQUEST, PEER, encoded(9, "t", 2)),
        (frame.KIND_MESSAGE, PEER, encoded("t", [1])),
        (frame.KIND_TELEMETRY, ALL, written(FIGURES)),
    ]


def test_an_answer_goes_to_whoever_asked():
    mesh = Mesh()

    def handle(now_ms, envelope):
        mesh.transmitter.respond(envelope, messages.STATUS_OK, {"x": envelope.value()})
        return 0

    mesh.router.handlers[frame.KIND_REQUEST] = handle
    mesh.hear_payload(frame.KIND_REQUEST, encoded(500, "t", 8))
    assert mesh.sent() == [(frame.KIND_RESPONSE, PEER, encoded(500, 0, {"x": 8}))]


def test_frames_to_all_and_to_one_are_numbered_apart_as_they_leave():
    mesh = Mesh()
    for target in (ALL, PEER, ALL, PEER, ALL):
        say(mesh, target=target)
    mesh.transmitter.telemetry(FIGURES)
    mesh.transmitter.flush(mesh.out)
    frames = mesh.out.take_frames()
    for target in (ALL, PEER):
        mine = [data for data in frames if frame.read_target(data) == target]
        assert sequences(mine) == list(range(len(mine)))


def test_what_is_pushed_out_leaves_no_gap():
    mesh = Mesh()
    mesh.transmitter.introduce(1)
    for _ in range(OUTBOX_FRAMES_MAX):
        assert say(mesh)
    assert not say(mesh)
    assert mesh.transmitter.announce()
    assert mesh.transmitter.flush(mesh.out) == OUTBOX_FRAMES_MAX
    frames = mesh.out.take_frames()
    assert [data[1] for data in frames[:2]] == [frame.KIND_ANNOUNCE, frame.KIND_MESSAGE]
    assert sequences(frames) == list(range(OUTBOX_FRAMES_MAX))
    assert dropped(mesh.meters) == {"full": 2}


def test_frames_wait_while_the_radio_is_off():
    mesh = Mesh()
    mesh.transmitter.is_open = False
    say(mesh)
    assert mesh.transmitter.waiting() == 0 and mesh.transmitter.held() == 1
    assert mesh.sent() == []
    mesh.transmitter.is_open = True
    assert mesh.transmitter.waiting() == 1
    assert mesh.sent() == [(frame.KIND_MESSAGE, ALL, encoded("t", 1))]
    assert mesh.transmitter.held() == 0


def test_every_size_arrives_as_it_left():
    sender, receiver = Mesh(0x777), Mesh()
    # Around one frame, each bound of a fragment, and the most there is: 5 bytes are no value.
    sizes = [room - 5 + more for room in (236, 432, 648, 864) for more in (-1, 0, 1)]
    sizes.append(MESSAGE_BYTES_MAX - 6)
    for size in sizes:
        assert say(sender, bytes(size))
        sender.transmitter.flush(sender.out)
        frames = sender.out.take_frames()
        assert all(len(data) <= FRAME_BYTES_MAX for data in frames)
        for data in frames:
            assert receiver.hear(data) == 0
        assert receiver.got.pop() == (frame.KIND_MESSAGE, 0x777, ["t", bytes(size)])
        assert receiver.got == []


def test_messages_in_fragments_are_numbered_one_after_the_other_and_never_0():
    mesh, numbers = Mesh(), []
    mesh.transmitter.load_from(b"\0\0\0\0\xff\xfd", 0)
    for _ in range(4):
        say(mesh, bytes(300))
        pieces = [cbor.decode(payload) for _, _, payload in mesh.sent()]
        assert [piece[1] for piece in pieces] == [0, 1]
        numbers.append(pieces[0][0])
    assert numbers == [0xFFFE, 0xFFFF, 1, 2]


def test_the_longest_topic_is_said():
    mesh = Mesh()
    assert mesh.transmitter.message("x" * 32, 1, ALL, LINK_ALL)


def test_what_has_no_encoding_or_is_too_large_is_the_callers_error():
    mesh = Mesh()
    for wrong in (say_of(bytes(MESSAGE_BYTES_MAX - 5)), say_of(object()), say_of([[object()]])):
        raises(CborError, wrong, mesh)
    for topic in ("", "x" * 33):
        raises(CborError, mesh.transmitter.message, topic, 1, ALL, LINK_ALL)
        raises(CborError, mesh.transmitter.request, 1, topic, 1, PEER, LINK_ALL)
    assert mesh.transmitter.held() == 0 and dropped(mesh.meters) == {}


def say_of(value):
    """Return a function that sends a value."""
    return lambda mesh: say(mesh, value)


def test_a_message_that_does_not_fit_the_outbox_is_dropped_whole():
    mesh = Mesh()
    for _ in range(OUTBOX_FRAMES_MAX - 2):
        say(mesh)
    assert not say(mesh, bytes(600))
    assert mesh.transmitter.held() == OUTBOX_FRAMES_MAX - 2
    assert dropped(mesh.meters) == {"full": 1}


def test_without_heap_a_long_message_is_dropped():
    mesh, value = Mesh(), bytes(300)
    with crowded(MESSAGE_BYTES_MAX) as is_full:
        assert say(mesh, value) == (not is_full)
        assert say(mesh)
    if is_full:
        assert dropped(mesh.meters) == {"full": 1} and mesh.transmitter.held() == 1


def test_an_announcement_tells_when_this_agent_wakes():
    mesh = Mesh()
    mesh.transmitter.introduce(1)
    mesh.transmitter.announce(60_000, 59_999, PEER)
    ((_, _, payload),) = mesh.sent()
    assert messages.read_announcement(payload) == ("a", 1, 60_000, 59_999, PEER)


def test_what_critical_state_holds_back_is_dropped_with_its_reason():
    mesh = Mesh()
    say(mesh, bytes(400))
    mesh.transmitter.telemetry(FIGURES)
    mesh.transmitter.drop_application(DROP_NOT_STORED)
    assert [kind for kind, _, _ in mesh.sent()] == [frame.KIND_TELEMETRY]
    assert dropped(mesh.meters) == {"not stored": 1}


def test_numbers_go_on_after_a_deep_sleep():
    mesh = Mesh()
    say(mesh)
    say(mesh, bytes(500), PEER)
    mesh.transmitter.flush(mesh.out)
    buffer = bytearray(3 + Transmitter.SNAPSHOT_BYTES)
    assert mesh.transmitter.save_into(buffer, 3) == len(buffer)
    woken = Mesh(0x4321)
    assert woken.transmitter.load_from(buffer, 3) == len(buffer)
    for one in (mesh, woken):
        one.out.take_frames()
        say(one, 2)
        say(one, bytes(500), PEER)
        one.transmitter.flush(one.out)
    mine, theirs = mesh.out.frames, woken.out.frames
    assert [data[8:] for data in mine] == [data[8:] for data in theirs]


def test_the_first_numbers_differ_from_start_to_start():
    mesh, buffer = Mesh(), bytearray(Transmitter.SNAPSHOT_BYTES)
    first = []
    for seed in range(6):
        transmitter = Transmitter(mesh.identity, Prng(seed), mesh.meters)
        transmitter.save_into(buffer, 0)
        first += [bytes(buffer[place : place + 2]) for place in (0, 2, 4)]
    assert len(set(first)) == len(first)


def test_a_message_that_cannot_be_cut_is_dropped_and_the_next_one_leaves():
    mesh = Mesh()
    for name in ("bytearray", "__import__"):
        with Failing(name) as failing:
            assert not say(mesh, "x" * 300)
        assert failing.count == 1 and mesh.transmitter.held() == 0
    assert dropped(mesh.meters) == {"full": 2}
    assert list(mesh.meters.kinds)[frame.KIND_MESSAGE] == 2
    # The buffer of the whole is there, but not those of its frames.
    with Failing("bytearray", 2, 9):
        assert not say(mesh, "x" * 300)
    assert dropped(mesh.meters) == {"full": 3} and mesh.transmitter.held() == 0
    assert say(mesh, "x" * 300) and say(mesh)
    assert [kind for kind, _, _ in mesh.sent()] == [frame.KIND_FRAGMENT] * 2 + [frame.KIND_MESSAGE]
