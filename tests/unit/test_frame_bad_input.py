"""Bad frames, one test per class: what is dropped changes nothing and is counted, and why."""

from kernel.codec import cbor, frame
from kernel.errors import (
    DROP_DUPLICATE,
    DROP_ECHO,
    DROP_FOREIGN,
    DROP_FRAGMENT_COLLISION,
    DROP_FRAGMENT_CONFLICT,
    DROP_FRAGMENT_FULL,
    DROP_FRAGMENT_INCOMPLETE,
    DROP_MALFORMED,
    DROP_NAMES,
    DROP_OTHER_TARGET,
    DROP_QUOTA,
    EVENT_FRAGMENT_CONFLICT,
    name_of,
)
from kernel.health.facts import dropped
from kernel.limits import (
    FRAGMENT_BYTES,
    FRAGMENTS_MAX,
    FRAME_BYTES_MAX,
    HEADER_BYTES,
    QUOTA_ALARMS,
    QUOTA_IN,
    REASSEMBLIES_MAX,
    REASSEMBLY_MS_MAX,
)
from support.mesh import NETWORK, PEER, Mesh, cut, encoded, made

GOOD = encoded("t", 1)
LARGE = encoded("t", bytes(2 * FRAGMENT_BYTES))  # three fragments
KIND = frame.KIND_FRAGMENT


def check_dropped(mesh, data, reason, length=-1):
    """Take in a frame that must be dropped, counted once, and change nothing."""
    before, counted = mesh.state(), count_of_drops(mesh, reason)
    assert mesh.hear(data, length=length) == reason, bytes(data[:20])
    assert mesh.state() == before
    assert count_of_drops(mesh, reason) == counted + 1
    assert mesh.out.frames == [] and mesh.out.reports == []


def count_of_drops(mesh, reason):
    """Return how often something was dropped for a reason."""
    return dropped(mesh.meters).get(name_of(DROP_NAMES, reason), 0)


def check_still_hears(mesh):
    """Make sure that a good message still arrives."""
    before = len(mesh.got)
    assert mesh.hear(made(frame.KIND_MESSAGE, GOOD, sequence=4_000, source=0x3000)) == 0
    assert len(mesh.got) == before + 1


def test_25_wrong_version():
    mesh = Mesh()
    for version in range(16):
        data = made(frame.KIND_MESSAGE, GOOD)
        data[0] = version << 4 | 1
        if version != frame.VERSION:
            check_dropped(mesh, data, DROP_MALFORMED)
    check_still_hears(mesh)


def test_26_wrong_network():
    mesh = Mesh()
    for bit in range(16):
        data = made(frame.KIND_MESSAGE, GOOD, network=NETWORK ^ 1 << bit)
        check_dropped(mesh, data, DROP_FOREIGN)
    check_still_hears(mesh)


def test_27_lengths_around_every_bound():
    mesh = Mesh()
    longest = made(frame.KIND_MESSAGE, bytes(1471 - HEADER_BYTES))
    for length in (0, 1, HEADER_BYTES - 1, HEADER_BYTES, FRAME_BYTES_MAX + 1, 1470, 1471):
        check_dropped(mesh, longest, DROP_MALFORMED, length)
    for length in (FRAME_BYTES_MAX - 1, FRAME_BYTES_MAX):
        value = bytes(length - HEADER_BYTES - 5)
        data = made(frame.KIND_MESSAGE, encoded("t", value), sequence=length)
        assert len(data) == length and mesh.hear(data) == 0
    assert len(mesh.got) == 2


def test_28_wrong_destination():
    mesh = Mesh()
    for bit in range(30):
        target = mesh.identity.node ^ 1 << bit
        check_dropped(mesh, made(frame.KIND_MESSAGE, GOOD, target=target), DROP_OTHER_TARGET)
    for high in (0x40, 0x80, 0xC0):  # ids have 30 bits
        data = made(frame.KIND_MESSAGE, GOOD, target=mesh.identity.node)
        data[8] |= high
        check_dropped(mesh, data, DROP_MALFORMED)
    check_dropped(mesh, made(frame.KIND_MESSAGE, GOOD, target=0), DROP_MALFORMED)
    check_still_hears(mesh)


def test_29_hop_limit_0_and_255():
    mesh = Mesh()
    for byte in (0x10, 0xFF, 0x00):
        data = made(frame.KIND_MESSAGE, GOOD)
        data[0] = byte
        check_dropped(mesh, data, DROP_MALFORMED)
    data = made(frame.KIND_MESSAGE, GOOD)
    data[0] = 0x1F  # the most hops there are: for us it is as good as any
    assert mesh.hear(data) == 0


def test_30_source_self_zero_broadcast_multicast():
    mesh = Mesh()
    data = made(frame.KIND_MESSAGE, GOOD, source=mesh.identity.node)
    check_dropped(mesh, data, DROP_ECHO)
    for source in (b"\0\0\0\0", b"\x3f\xff\xff\xff", b"\x40\0\0\1", b"\x80\0\0\1", b"\xff" * 4):
        data = made(frame.KIND_MESSAGE, GOOD)
        data[4:8] = source
        check_dropped(mesh, data, DROP_MALFORMED)
    check_still_hears(mesh)


def test_31_fragment_index_beyond_its_count():
    mesh = Mesh()
    data = bytes(FRAGMENT_BYTES)
    for index, count in ((0, 0), (0, 1), (2, 2), (3, 2), (23, 5), (4, FRAGMENTS_MAX + 1)):
        payload = encoded(1, index, count, frame.KIND_MESSAGE, data)
        assert mesh.hear_payload(KIND, payload) == DROP_MALFORMED
    assert mesh.router.next_at_ms(mesh.now_ms) == -1
    check_still_hears(mesh)


def test_32_overlapping_fragments():
    # Only a first fragment that is too long, or a last one, could reach into another's bytes.
    mesh = Mesh()
    sizes = [(0, FRAGMENT_BYTES - 1), (0, FRAGMENT_BYTES + 1), (1, FRAGMENT_BYTES - 1), (2, 0)]
    for index, size in sizes:
        payload = encoded(1, index, 3, frame.KIND_MESSAGE, bytes(size))
        assert mesh.hear_payload(KIND, payload) == DROP_MALFORMED
    beyond = encoded(1, 4, 5, frame.KIND_MESSAGE, bytes(1_024 - 4 * FRAGMENT_BYTES + 1))
    assert mesh.hear_payload(KIND, beyond) == DROP_MALFORMED
    assert mesh.router.next_at_ms(mesh.now_ms) == -1 and mesh.got == []


def test_33_the_last_fragment_never_comes():
    mesh = Mesh()
    for payload in cut(LARGE)[:2]:
        assert mesh.hear_payload(KIND, payload) == 0
    due_at_ms = mesh.router.next_at_ms(mesh.now_ms)
    assert due_at_ms == mesh.now_ms + REASSEMBLY_MS_MAX
    mesh.router.on_time(due_at_ms - 1)
    assert count_of_drops(mesh, DROP_FRAGMENT_INCOMPLETE) == 0
    mesh.router.on_time(due_at_ms)
    assert count_of_drops(mesh, DROP_FRAGMENT_INCOMPLETE) == 1
    assert mesh.router.next_at_ms(due_at_ms) == -1
    mesh.now_ms = due_at_ms
    assert mesh.hear_payload(KIND, cut(LARGE)[2]) == 0 and mesh.got == []  # it comes too late


def test_34_the_same_fragment_with_different_bytes():
    mesh = Mesh()
    first, second, last = cut(LARGE)
    forged = bytearray(first)
    forged[-1] ^= 1
    mesh.hear_payload(KIND, first)
    assert mesh.hear_payload(KIND, first) == DROP_DUPLICATE
    assert mesh.hear_payload(KIND, forged) == DROP_FRAGMENT_CONFLICT
    assert mesh.out.reports == [(EVENT_FRAGMENT_CONFLICT, PEER)]
    # Neither form is believed: what still comes completes nothing.
    mesh.hear_payload(KIND, second)
    mesh.hear_payload(KIND, last)
    assert mesh.got == []


def test_34_a_last_fragment_of_another_length():
    mesh = Mesh()
    mesh.hear_payload(KIND, encoded(1, 2, 3, frame.KIND_MESSAGE, b"ab"))
    for form in (b"a", b"abc"):
        payload = encoded(1, 2, 3, frame.KIND_MESSAGE, form)
        assert mesh.hear_payload(KIND, payload) == DROP_FRAGMENT_CONFLICT
        mesh.hear_payload(KIND, encoded(1, 2, 3, frame.KIND_MESSAGE, b"ab"))


def test_34_alarms_are_few():
    mesh = Mesh()
    mesh.quotas.limit(QUOTA_ALARMS, 4, 8)
    granted = 0
    while mesh.quotas.take(mesh.now_ms, QUOTA_ALARMS, 1):
        granted += 1
    mesh.quotas.limit(QUOTA_ALARMS, 4, 8)
    for number in range(1, 51):
        for last in (b"a", b"b"):
            mesh.hear_payload(KIND, encoded(number, 2, 3, frame.KIND_MESSAGE, last))
    assert count_of_drops(mesh, DROP_FRAGMENT_CONFLICT) == 50
    assert len(mesh.out.reports) == granted > 0


def test_35_a_flood_of_fragments():
    mesh = Mesh()
    payload = cut(LARGE)[0]
    for sender in range(1, 200):
        reason = mesh.hear(made(KIND, payload, source=sender))
        assert reason == (0 if sender <= REASSEMBLIES_MAX else DROP_FRAGMENT_FULL)
    # Those who were first are not pushed out, and the flood ends with the time they have.
    for index in (1, 2):
        mesh.hear(made(KIND, cut(LARGE)[index], source=1, sequence=index + 1))
    assert [source for _, source, _ in mesh.got] == [1]
    mesh.now_ms += REASSEMBLY_MS_MAX
    assert mesh.hear(made(KIND, payload, source=0x999)) == 0


def test_35_a_flood_of_one_sender_holds_one_buffer():
    mesh = Mesh()
    for number in range(1, 100):
        assert mesh.hear_payload(KIND, cut(LARGE, number=number)[0]) == 0
    assert count_of_drops(mesh, DROP_FRAGMENT_INCOMPLETE) == 98
    for index, payload in enumerate(cut(LARGE)):
        assert mesh.hear(made(KIND, payload, source=0x3000, sequence=index)) == 0
    assert [source for _, source, _ in mesh.got] == [0x3000]


def test_35_a_flood_beyond_the_quota_is_refused_before_it_costs_a_row():
    mesh = Mesh()
    while mesh.quotas.take(mesh.now_ms, QUOTA_IN, 1):
        pass
    check_dropped(mesh, made(KIND, cut(LARGE)[0]), DROP_QUOTA)
    assert mesh.neighbours.count == 0


def test_36_two_messages_under_one_number():
    mesh = Mesh()
    fragments = cut(LARGE, number=7)
    mesh.hear_payload(KIND, fragments[0])
    for other in (
        cut(LARGE, kind=frame.KIND_RESPONSE, number=7)[1],
        cut(encoded("t", bytes(700)), number=7)[1],
    ):
        assert mesh.hear_payload(KIND, other) == DROP_FRAGMENT_COLLISION
    # The one that was first goes on.
    mesh.hear_payload(KIND, fragments[1])
    mesh.hear_payload(KIND, fragments[2])
    assert [fields for _, _, fields in mesh.got] == [cbor.decode(LARGE)]


def test_36_one_number_of_two_senders_is_no_collision():
    mesh = Mesh()
    for index, payload in enumerate(cut(LARGE, number=7)):
        for sender in (0x2001, 0x2002):
            assert mesh.hear(made(KIND, payload, source=sender, sequence=index)) == 0
    assert [source for _, source, _ in mesh.got] == [0x2001, 0x2002]
