"""Frames wait in order of urgency and in bounds, and what is dropped is counted by kind."""

from kernel.codec import frame
from kernel.errors import DROP_FULL, DROP_NOT_STORED
from kernel.health.facts import dropped
from kernel.health.meters import Meters
from kernel.limits import FRAME_BYTES_MAX
from kernel.mesh.outbox import Outbox
from kernel.prng import Prng
from support.heap import crowded
from support.no_heap import Failing
from support.script import Script

LENGTH = 20

ANNOUNCE, MESSAGE, TELEMETRY = frame.KIND_ANNOUNCE, frame.KIND_MESSAGE, frame.KIND_TELEMETRY
REQUEST, RESPONSE = frame.KIND_REQUEST, frame.KIND_RESPONSE
URGENCY = {ANNOUNCE: 0, REQUEST: 1, RESPONSE: 1, MESSAGE: 2, TELEMETRY: 3, frame.KIND_PONG: 3}
FULL, NOT_STORED = "full", "not stored"
assert DROP_FULL and DROP_NOT_STORED


def add(outbox, kind, label, group=0):
    """Put a frame that is known by its first byte into the outbox; tell whether it was taken."""
    outbox.spare[0] = label
    return outbox.commit(kind, frame.BROADCAST, 3, LENGTH, group)


def labels(outbox):
    """Return the labels of the waiting frames, in the order they would leave."""
    return [outbox._frames[outbox._order[place]][0] for place in range(outbox.count)]


def test_frames_leave_in_order_and_once():
    outbox = Outbox(Meters(), 3)
    for label in (1, 2):
        assert add(outbox, MESSAGE, label)
    out = Script()
    assert outbox.flush([0, 0], out) == 2
    assert [data[0] for data in out.frames] == [1, 2] and out.links == [3, 3]
    assert [len(data) for data in out.frames] == [LENGTH, LENGTH]
    assert outbox.flush([0, 0], out) == outbox.count == 0


def test_a_claim_without_commit_is_nothing():
    outbox = Outbox(Meters(), 3)
    outbox.spare[0] = 9
    assert outbox.count == 0 and add(outbox, MESSAGE, 1) and labels(outbox) == [1]


def test_the_urgent_leave_first():
    outbox = Outbox(Meters(), 6)
    kinds = (TELEMETRY, MESSAGE, RESPONSE, ANNOUNCE, REQUEST, MESSAGE)
    for label in range(6):
        add(outbox, kinds[label], label)
    assert labels(outbox) == [3, 2, 4, 1, 5, 0]


def test_what_is_less_urgent_makes_room_and_is_counted():
    meters = Meters()
    outbox = Outbox(meters, 3)
    for label, kind in ((0, MESSAGE), (1, TELEMETRY), (2, REQUEST)):
        add(outbox, kind, label)
    assert add(outbox, ANNOUNCE, 3) and labels(outbox) == [3, 2, 0]
    assert add(outbox, RESPONSE, 4) and labels(outbox) == [3, 2, 4]
    assert not add(outbox, MESSAGE, 5) and not add(outbox, REQUEST, 6)
    assert labels(outbox) == [3, 2, 4]
    assert dropped(meters) == {FULL: 4}
    assert list(meters.kinds)[MESSAGE] == 2 and list(meters.kinds)[TELEMETRY] == 1
    assert list(meters.kinds)[REQUEST] == 1


def test_a_message_of_several_frames_is_dropped_as_one():
    meters = Meters()
    outbox = Outbox(meters, 4)
    add(outbox, REQUEST, 0)
    for label in (1, 2, 3):
        add(outbox, MESSAGE, label, group=7)
    assert add(outbox, ANNOUNCE, 4)
    assert labels(outbox) == [4, 0] and dropped(meters) == {FULL: 1}


def test_room_is_made_for_all_frames_or_none():
    meters = Meters()
    outbox = Outbox(meters, 4)
    for label, kind in enumerate((ANNOUNCE, MESSAGE, TELEMETRY)):
        add(outbox, kind, label)
    assert not outbox.make_room(REQUEST, 4)
    assert labels(outbox) == [0, 1, 2] and dropped(meters) == {FULL: 1}
    assert outbox.make_room(REQUEST, 3) and labels(outbox) == [0]


def test_what_the_application_said_is_dropped_and_nothing_else():
    meters = Meters()
    outbox = Outbox(meters, 8)
    for label, kind in enumerate((TELEMETRY, MESSAGE, ANNOUNCE, REQUEST, RESPONSE)):
        add(outbox, kind, label)
    for label in (5, 6):
        add(outbox, MESSAGE, label, group=9)
    outbox.drop_application(DROP_NOT_STORED)
    assert labels(outbox) == [2, 0] and dropped(meters) == {NOT_STORED: 4}
    for label in range(10, 16):
        assert add(outbox, MESSAGE, label)
    assert labels(outbox) == [2, 10, 11, 12, 13, 14, 15, 0]


def test_without_heap_fewer_frames_wait():
    meters = Meters()
    outbox = Outbox(meters, 3)
    with crowded(FRAME_BYTES_MAX) as is_full:
        taken = [add(outbox, MESSAGE, label) for label in (1, 2)]
        assert add(outbox, ANNOUNCE, 3)  # it takes the place of a message
        assert outbox.make_room(ANNOUNCE, 2) == (not is_full)
    if is_full:
        assert taken == [True, False] and labels(outbox) == [3]
        assert dropped(meters) == {FULL: 3}
    for label in (4, 5):
        assert add(outbox, MESSAGE, label)
    assert outbox.count == 3


class Model:
    """The outbox as a list that is sorted anew each time."""

    def __init__(self, size):
        self.size = size
        self.rows = []
        self.drops = 0

    def add(self, kind, label, number):
        """Add one frame as its own message."""
        if len(self.rows) == self.size:
            last = max(self.rows)
            self.drops += 1
            if last[0] <= URGENCY[kind]:
                return False
            self.rows.remove(last)
        self.rows.append((URGENCY[kind], number, label))
        return True


def test_it_does_what_a_sorted_list_does():
    rng, meters = Prng(21), Meters()
    outbox, model = Outbox(meters, 5), Model(5)
    kinds = sorted(URGENCY)
    for number in range(3_000):
        kind, label = kinds[rng.below(len(kinds))], rng.below(256)
        assert add(outbox, kind, label) == model.add(kind, label, number)
        assert labels(outbox) == [row[2] for row in sorted(model.rows)]
        if rng.below(20) == 0:
            outbox.flush([0, 0], Script())
            model.rows = []
    assert dropped(meters) == {FULL: model.drops} and model.drops > 100


def test_growth_that_fails_leaves_the_frames_that_are_there():
    meters = Meters()
    outbox = Outbox(meters, 4)
    with Failing("bytearray", 1, 9) as failing:
        assert add(outbox, MESSAGE, 1) and not add(outbox, MESSAGE, 2)
    assert failing.count == 1 and labels(outbox) == [1] and dropped(meters) == {FULL: 1}
    with Failing("bytearray", 2, 9) as failing:  # half of what is needed
        assert not outbox.make_room(MESSAGE, 3) and failing.count == 1
    assert labels(outbox) == [1] and dropped(meters) == {FULL: 2}
    with Failing("bytearray", 1, 9):
        assert add(outbox, ANNOUNCE, 3)  # in the place of which half was made
    assert labels(outbox) == [3, 1]
    for label in (5, 6):
        assert add(outbox, MESSAGE, label)
    assert labels(outbox) == [3, 1, 5, 6] and outbox.flush([0, 0], Script()) == 4
