"""Frames that wait for a session, are sealed, opened, or have their sender called."""

from kernel.secure.acquaintances import key_of
from kernel.secure.answering import (
    CALL,
    CALLS_MAX,
)
from kernel.secure.call import RESTS
from kernel.secure.calls import REST_MS
from kernel.secure.quarantine import COPIED, FORGED, PROVOKED, REPLAYED
from kernel.secure.session import REFUSED_NO_KEY
from kernel.secure.traffic import REFUSED_ASIDE, WAITING_EACH, WAITING_MAX
from support.calling import Medium, Station, joined, stations
from support.script import raises


def fails():
    raise OSError


def test_a_frame_waits_for_its_session_and_goes_then():
    one, other = stations(2)
    medium = Medium([one, other])
    assert one.send(12, b"hello") == one.send(12, b"again") == 0
    medium.run(60_000)
    assert sorted(payload for _, _, payload in medium.heard) == [b"again", b"hello"]
    assert one.secret_for(12) == other.secret_for(11)
    assert one.joins == [12] and other.joins == [11]
    assert one.send(12) > 0 and not one.fails and not one.calls.dropped


def test_a_frame_that_does_not_open_has_its_sender_called():
    for is_erased in (False, True):
        medium, one, other = joined()
        other.boot(is_erased)
        one.send(12, b"lost")
        medium.run(60_000)
        assert medium.refusals == [(12, 11, REFUSED_NO_KEY)] and not medium.heard
        assert one.secret_for(12) == other.secret_for(11)
        one.send(12, b"heard")
        medium.run(1_000)
        assert medium.heard == [(12, 11, b"heard")]


def test_who_is_revoked_has_neither_session_nor_resumption_and_the_others_keep_theirs():
    one, lost, other = stations(3)
    medium = Medium([one, lost, other])
    one.send(lost.node)
    one.send(other.node)
    medium.run(120_000)
    assert one.secret_for(lost.node) and one.secret_for(other.node)
    assert one.peers.orders.on_statement(one.fleet.revoked(1, [b"%d" % lost.node]))
    one.calls.holdings.forget_void()
    assert not one.secret_for(lost.node) and one.secret_for(other.node)
    one.clear()
    lost.boot()
    lost.send(one.node)
    medium.run(120_000)
    assert not one.secret_for(lost.node) and not one.joins, "nobody is let in by name or by value"


def test_who_is_revoked_while_he_calls_or_is_called_gets_no_session():
    for is_ours in (True, False):
        for is_known in (True, False):
            for after_ms in range(0, 60, 10):
                one, lost = stations(2)
                medium = Medium([one, lost])
                if is_known:
                    one.call(lost.node)
                    medium.run(60_000)
                    one.boot()
                    lost.boot()
                caller, called = (one, lost) if is_ours else (lost, one)
                caller.call(called.node)
                medium.run(after_ms)
                number = 1 + one.peers.orders.number
                assert one.peers.orders.on_statement(
                    one.fleet.revoked(number, [b"%d" % lost.node])
                )
                one.calls.holdings.forget_void()
                medium.run(200_000)
                assert not one.secret_for(lost.node), (is_ours, is_known, after_ms)


def test_who_is_revoked_and_was_not_kept_or_not_alone_ends_whatever_flash_does():
    nodes = stations(3)
    one, lost, medium = nodes[0], nodes[1:], Medium(nodes)
    for other in lost:
        one.call(other.node)
        medium.run(60_000)
    one.table.delete(key_of(lost[0].node))
    keys = [b"%d" % other.node for other in lost]
    assert one.peers.orders.on_statement(one.fleet.revoked(1, keys))
    commit, one.table.commit = one.table.commit, fails
    assert raises(OSError, one.calls.holdings.forget_void)
    one.table.commit = commit
    assert [one.secret_for(other.node) for other in lost] == [None, None]


def test_whom_nobody_answers_rests_and_what_waited_is_counted():
    one, _ = stations(2)
    medium = Medium([one])
    for _ in range(WAITING_EACH + 1):
        one.send(99)
    assert one.calls.dropped == 1
    spent_ms = medium.run(200_000, lambda: one.fails)
    assert spent_ms < 40_000 and one.fails == [99] and one.calls.dropped == WAITING_EACH + 1
    assert not one.call(99) and one.calls.find(99, True).stage == RESTS
    medium.run(REST_MS + 1)
    assert one.call(99) and len(one.calls.calls) == 1


def test_all_that_is_held_is_bounded():
    [one] = stations(1)
    for node in range(100, 100 + 3 * CALLS_MAX):
        one.send(node)
        one.send(node)
    assert len(one.calls.calls) == CALLS_MAX and len(one.calls._waiting) == WAITING_MAX
    assert one.calls.dropped == 6 * CALLS_MAX - WAITING_MAX
    for node in range(200, 200 + 3 * CALLS_MAX):
        one.hear(node, bytes((CALL, 1, 2, 0xFF)) + b"\x03\x00\x58\x20" + bytes([9] * 32) + b"\x05")
    assert len(one.calls.calls) == 2 * CALLS_MAX


def test_frames_for_others_and_forged_ones_of_whom_is_called_call_nobody():
    _, one, other = joined()
    one.send(12)
    frame = one.frames.pop()
    other.boot()
    for_another = frame[:11] + b"\x0d" + frame[12:]
    other.open(for_another)
    assert not other.calls.calls, "it has just booted"
    other.open(frame)
    assert len(other.calls.calls) == 1
    spent = other.calls.quarantine.spent(other.now_ms, PROVOKED)
    other.open(frame)
    assert other.calls.quarantine.spent(other.now_ms, PROVOKED) == spent == 1


def test_who_is_put_aside_is_neither_heard_nor_called():
    _, one, other = joined()
    one.send(12)
    other.calls.quarantine.blame(other.now_ms, 11, COPIED, other)
    assert other.asides and other.open(one.frames.pop()) == REFUSED_ASIDE
    one.boot()
    one.call(12)
    other.hear(11, one.said.pop()[1])
    assert not other.said and other.calls.refused == 1
    other.protection.sessions.end(11)
    assert other.send(11) == REFUSED_NO_KEY and not other.calls.find(11, True)


class Pinned(Station):
    """One whose sessions with 11 to 16 are nobody's to take."""

    def boot(self, is_erased=False):
        """Pin them."""
        super().boot(is_erased)
        self.calls.holdings.pinned = list(range(11, 17))


def test_who_comes_unasked_takes_the_place_of_none_that_is_pinned():
    nodes = stations(12, kind=Pinned)
    medium = Medium(nodes)
    kept, others = nodes[:7], nodes[7:]
    target = kept[0]
    for peer in kept[1:6]:
        peer.call(11)
        medium.run(30_000)
    secrets = [target.secret_for(peer.node) for peer in kept[1:6]]
    assert None not in secrets
    for stranger in others:
        stranger.call(11)
        medium.run(30_000)
        assert target.secret_for(stranger.node)
    assert [target.secret_for(peer.node) for peer in kept[1:6]] == secrets


def test_frames_that_are_forged_or_heard_before_are_told_of_and_cost_a_peer_nothing():
    for what, count in ((FORGED, 15), (REPLAYED, 60)):
        _, one, other = joined()
        one.send(12, b"first")
        frame = one.frames.pop()
        assert other.open(frame) == b"first"
        other.asides.clear()
        for _ in range(count):
            one.send(12, b"again")
            next_one = one.frames.pop()
            forged = next_one[:-3] + bytes((next_one[-3] ^ 1,)) + next_one[-2:]
            other.open(frame if what == REPLAYED else forged)
        assert [(node, tipped) for node, tipped, _ in other.asides] == [(11, what)]
        one.send(12, b"still")
        assert other.open(one.frames.pop()) == b"still"
