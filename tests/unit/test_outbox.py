"""Frames wait for the end of the step, in order and in bounds."""

from kernel.mesh.outbox import Outbox
from support.script import Script


def test_frames_leave_in_order_and_once():
    outbox, out = Outbox(3), Script()
    for number in (1, 2):
        outbox.claim()[0] = number
        outbox.commit(number, 1)
    outbox.flush(out)
    outbox.flush(out)
    assert out.frames == [b"\x01", b"\x02"] and out.links == [1, 2]


def test_a_claim_without_commit_is_nothing():
    outbox, out = Outbox(3), Script()
    outbox.claim()[0] = 9
    outbox.flush(out)
    assert out.frames == [] and outbox.count == 0


def test_it_is_full_when_every_buffer_is_committed():
    outbox = Outbox(2)
    assert not outbox.is_full()
    for _ in range(2):
        outbox.claim()
        outbox.commit(0, 1)
    assert outbox.is_full()
    outbox.flush(Script())
    assert not outbox.is_full()
