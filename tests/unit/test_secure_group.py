"""Frames to all: who has the cluster's key understands them, epoch by epoch, each frame once."""

from kernel.codec.frame import BROADCAST
from kernel.limits import HEADER_BYTES
from kernel.secure.group import FRAMES_MAX
from kernel.secure.nonces import BLOCK, LANE_ALL
from kernel.secure.senders import SENDERS_KEPT, SENDERS_MAX
from kernel.secure.session import (
    PROVES_MEMBER,
    PROVES_MEMBER_ONCE,
    PROVES_SENDER,
    REFUSED_CLONE,
    REFUSED_FORGED,
    REFUSED_FORM,
    REFUSED_NO_KEY,
    REFUSED_NO_NUMBER,
    REFUSED_OURS,
    REFUSED_REPLAY,
)
from support.protected import ALL, Member, cluster, secret


def proof(member, frame):
    """Return what an opened frame proves, or why it is refused."""
    result = member.opened(frame)
    return member.protection.proves if isinstance(result, bytes) else result


def test_all_members_understand_and_nobody_else():
    one, two, three = cluster(1, 2, 3)
    stranger = Member(4)
    assert stranger.protection.install_group(1, secret(99), is_fresh=True)
    frame = one.sealed(ALL, b"gossip")
    assert two.opened(frame) == three.opened(frame) == b"gossip"
    assert stranger.opened(frame) == REFUSED_FORGED
    assert Member(5).opened(frame) == REFUSED_NO_KEY


def test_a_frame_to_all_proves_a_member_and_never_the_sender():
    one, two, three = cluster(1, 2, 3)
    assert proof(two, one.sealed(ALL)) == PROVES_MEMBER
    for member, peer in ((one, two), (two, one)):
        member.protection.install(peer.node, secret(50))
    assert proof(two, one.sealed(two.node)) == PROVES_SENDER
    # A member can say what it likes under another's id: that is what the group's key is.
    three.protection._node = three.node = one.node
    for _ in range(5):
        frame = three.sealed(ALL)
    assert proof(two, frame) == PROVES_MEMBER
    # The group's key makes no frame for one node.
    assert three.sealed(two.node) == REFUSED_NO_KEY


def test_a_frame_counts_once_and_its_own_sender_knows_it():
    one, two = cluster(1, 2)
    frame = one.sealed(ALL)
    assert proof(two, frame) == PROVES_MEMBER
    assert proof(two, frame) == REFUSED_REPLAY
    two.sleep()
    assert proof(two, frame) == REFUSED_REPLAY
    assert proof(one, frame) == REFUSED_OURS


def test_a_clone_of_us_is_found_by_its_numbers():
    one, clone = cluster(1, 1)
    frame = clone.sealed(ALL)
    assert proof(one, frame) == REFUSED_CLONE
    changed = bytearray(frame)
    changed[-5] ^= 1
    assert proof(one, changed) == REFUSED_FORGED


def test_nobody_is_no_sender():
    one, nobody, everybody = cluster(1, 0, ALL)
    for member in (nobody, everybody):
        assert proof(one, member.sealed(ALL)) == REFUSED_FORM


def test_the_next_epoch_leaves_behind_whom_it_is_not_given():
    one, two, left = cluster(1, 2, 3)
    late = two.sealed(ALL)
    for member in (one, two):
        assert member.protection.install_group(2, secret(2))
    frame = one.sealed(ALL)
    assert frame[-2] >> 4 == 2
    assert proof(left, frame) == REFUSED_NO_KEY
    assert proof(two, frame) == PROVES_MEMBER
    # What is on its way is understood for a while, and believed less: `left` may have said it.
    assert proof(one, late) == PROVES_MEMBER_ONCE
    assert proof(one, left.sealed(ALL)) == PROVES_MEMBER_ONCE
    one.protection.group.retire()
    assert proof(one, left.sealed(ALL)) == REFUSED_NO_KEY
    one.start()
    assert proof(one, left.sealed(ALL)) == REFUSED_NO_KEY
    assert proof(one, two.sealed(ALL)) == PROVES_MEMBER_ONCE


def test_epochs_only_go_on():
    (one,) = cluster(1, epoch=5)
    for epoch in (0, 1, 4, 5, 1 << 30):
        assert not one.protection.install_group(epoch, secret(100 + epoch % 7), is_fresh=True)
    assert not one.protection.install_group(6, secret(5))  # the same secret again
    assert one.protection.install_group(21, secret(6))  # the same four bits
    assert one.protection.group.epoch == 21 and one.protection.group.secret() == secret(6)
    for weak in (b"", bytes(16), b"pmk"):
        try:
            one.protection.install_group(22, weak)
            raise AssertionError(weak)
        except ValueError:
            pass


def test_after_a_cold_start_the_epoch_is_known_and_no_number_is_given_again():
    one, two = cluster(1, 2)
    assert proof(two, one.sealed(ALL)) == PROVES_MEMBER
    one.start()
    frame = one.sealed(ALL)
    assert frame[12:14] == b"\x01\x00"
    assert proof(two, frame) == PROVES_MEMBER


def test_what_was_heard_before_a_cold_start_can_be_said_again_but_not_as_fresh():
    one, two = cluster(1, 2)
    old = [one.sealed(ALL) for _ in range(3)]
    for frame in old:
        assert proof(two, frame) == PROVES_MEMBER
    two.start()
    assert [proof(two, frame) for frame in old] == [PROVES_MEMBER_ONCE] * 3
    assert [proof(two, frame) for frame in old] == [REFUSED_REPLAY] * 3
    # The sender says its number where only it can: what comes then is fresh, all before is not.
    two.protection.senders.confirm(one.node, one.protection.nonces.next_of(LANE_ALL))
    assert proof(two, old[2]) == REFUSED_REPLAY
    assert proof(two, one.sealed(ALL)) == PROVES_MEMBER


def test_a_confirmed_number_shuts_out_what_was_said_before_it():
    one, two = cluster(1, 2)
    old = one.sealed(ALL)
    two.start()
    two.protection.senders.confirm(one.node, 1)
    assert proof(two, old) == REFUSED_REPLAY
    assert proof(two, one.sealed(ALL)) == PROVES_MEMBER


def test_a_new_epoch_makes_all_fresh_but_not_what_the_old_one_said():
    one, two = cluster(1, 2)
    old = one.sealed(ALL)
    assert proof(two, old) == PROVES_MEMBER
    two.start()
    for member in (one, two):
        member.protection.install_group(2, secret(2))
    assert proof(two, old) == PROVES_MEMBER_ONCE
    assert proof(two, one.sealed(ALL)) == PROVES_MEMBER


def test_more_senders_than_rows_are_heard_and_the_ones_given_up_are_believed_less():
    hearer, *others = cluster(*range(1, SENDERS_MAX + 3))
    first = [member.sealed(ALL) for member in others]
    assert [proof(hearer, frame) for frame in first] == [PROVES_MEMBER] * len(others)
    assert proof(hearer, first[0]) == PROVES_MEMBER_ONCE  # its row was given away
    assert proof(hearer, others[-1].sealed(ALL)) == PROVES_MEMBER
    assert proof(hearer, first[-1]) == REFUSED_REPLAY


def test_a_sleep_keeps_those_heard_last_and_knows_that_others_may_be_missing():
    hearer, *others = cluster(*range(1, SENDERS_KEPT + 3))
    frames = [member.sealed(ALL) for member in others]
    for frame in frames[1:]:
        assert proof(hearer, frame) == PROVES_MEMBER
    hearer.sleep()
    assert [proof(hearer, frame) for frame in frames[1:]] == [REFUSED_REPLAY] * SENDERS_KEPT
    assert proof(hearer, frames[0]) == PROVES_MEMBER  # all whom it heard are known: this is new
    assert proof(hearer, others[1].sealed(ALL)) == PROVES_MEMBER
    hearer.sleep()
    assert proof(hearer, frames[2]) == PROVES_MEMBER_ONCE  # one of nine is missing


def test_a_board_that_forgot_its_numbers_listens_until_an_epoch_is_made_for_it():
    one, two = cluster(1, 2)
    one.sealed(ALL)
    one.table.values = {}
    one.start()
    assert one.sealed(ALL) == REFUSED_NO_KEY
    for epoch in (1, 2, 3):  # which it may all have known, and forgotten
        two.protection.install_group(epoch, secret(epoch))
        assert one.protection.install_group(epoch, secret(epoch))
        assert proof(one, two.sealed(ALL)) == PROVES_MEMBER
        assert one.sealed(ALL) == REFUSED_NO_KEY
        one.start()
        assert one.sealed(ALL) == REFUSED_NO_KEY
    for member in (one, two):
        assert member.protection.install_group(4, secret(4), is_fresh=member is one)
    assert proof(two, one.sealed(ALL)) == PROVES_MEMBER
    assert one.protection.install_group(5, secret(5))
    assert len(one.sealed(ALL)) == HEADER_BYTES + 11


def test_a_key_without_its_numbers_is_only_listened_with():
    one, two = cluster(1, 2)
    for damaged in (None, b"", bytes(11)):
        one.sealed(ALL)
        values = dict(one.table.values)
        if damaged is None:
            del one.table.values[b"nonces"]
        else:
            one.table.values[b"nonces"] = damaged
        one.start()
        assert one.sealed(ALL) == REFUSED_NO_KEY
        assert proof(one, two.sealed(ALL)) == PROVES_MEMBER_ONCE
        one.table.values = values
        one.start()


def test_numbers_that_flash_lost_in_a_sleep_go_on():
    (one,) = cluster(1)
    for _ in range(BLOCK + 5):
        frame = one.sealed(ALL)
    del one.table.values[b"nonces"], one.table.values[b"group"]
    one.sleep()
    one.protection.install_group(9, secret(9), is_fresh=True)
    assert one.sealed(ALL)[12:14] == bytes((frame[12], frame[13] + 1))


def test_if_flash_fails_the_epoch_stays_as_it_was():
    one, two = cluster(1, 2)
    one.table.is_broken = True
    try:
        one.protection.install_group(2, secret(2))
        raise AssertionError("installed")
    except OSError:
        pass
    one.table.is_broken = False
    assert one.protection.group.epoch == 1
    assert proof(two, one.sealed(ALL)) == PROVES_MEMBER


def test_an_epoch_is_due_after_many_frames():
    (one,) = cluster(1)
    one.sealed(ALL)
    assert not one.protection.is_epoch_due
    one.protection.nonces._next[LANE_ALL] = one.protection.nonces.ceilings[LANE_ALL] = FRAMES_MAX
    one.sealed(ALL)
    assert one.protection.is_epoch_due
    one.protection.install_group(2, secret(2))
    one.sealed(ALL)
    assert not one.protection.is_epoch_due


def test_giving_up_all_keys_shuts_out_every_epoch_so_far():
    one, two = cluster(1, 2)
    one.sealed(ALL)
    one.protection.renew()
    assert one.sealed(ALL) == REFUSED_NO_KEY
    for _ in range(2):
        assert not one.protection.install_group(1, secret(1), is_fresh=True)
        assert proof(one, two.sealed(ALL)) == REFUSED_NO_KEY
        one.start()
    assert one.protection.install_group(2, secret(2))
    assert one.sealed(ALL)[12:14] == b"\x00\x00"


def test_without_flash_no_key_is_known_and_nothing_sealed():
    one, two = cluster(1, 2)
    frame = two.sealed(ALL)
    one.start()
    one.table.is_broken = True
    assert one.sealed(ALL) == REFUSED_NO_KEY and proof(one, frame) == REFUSED_NO_KEY
    one.table.is_broken = False
    assert proof(one, frame) == PROVES_MEMBER_ONCE
    one.table.is_broken = True
    assert one.sealed(ALL) == REFUSED_NO_NUMBER
    one.table.is_broken = False
    assert len(one.sealed(BROADCAST)) == HEADER_BYTES + 11


def test_keys_that_were_given_up_are_gone_from_flash_too():
    one, two = cluster(1, 2)
    frame = two.sealed(ALL)
    one.protection.renew()
    one.start()
    assert proof(one, frame) == REFUSED_NO_KEY
    assert one.sealed(ALL) == REFUSED_NO_KEY


def test_up_to_the_floor_nothing_is_sent_whatever_lies_on_flash():
    (one,) = cluster(1, epoch=5)
    for floor in (4, 5, 6):
        one.protection.nonces.stage([0, 0], floor)
        one.table.commit()
        one.start()
        assert isinstance(one.sealed(ALL), bytes) == (floor < 5)
