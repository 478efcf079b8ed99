"""Frames between two nodes: what is sealed is opened once, by whom it is for, and nothing else."""

import gc
import sys

from kernel.codec.frame import KIND_LAST, KIND_MESSAGE, KIND_REQUEST, write_header
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES
from kernel.secure.sealed import NUMBER_BITS, SEALED_BYTES, is_sealed, number_of
from kernel.secure.session import (
    FORGERIES_MAX,
    PROVES_SENDER,
    REFUSED_FORGED,
    REFUSED_FORM,
    REFUSED_NO_KEY,
    REFUSED_NO_NUMBER,
    REFUSED_REPLAY,
    Protection,
)
from kernel.secure.sessions import SESSIONS_MAX
from support.protected import Member, pair, secret


def skip_to(member, number):
    """Have a node go on with a number; as after a sleep, what is reserved follows."""
    snapshot = bytearray(Protection.SNAPSHOT_BYTES)
    member.protection.save_into(snapshot, 0)
    for lane in (0, 4):
        for byte in range(4):
            snapshot[lane + byte] = number >> 8 * (3 - byte) & 0xFF
    member.start(snapshot)


def test_what_is_sealed_is_opened_and_the_header_comes_back():
    one, other = pair()
    payload = bytes(range(226))
    frame = one.sealed(other.node, payload)
    assert len(frame) == FRAME_BYTES_MAX and payload not in frame
    buffer = bytearray(frame)
    length = other.protection.open(buffer, len(buffer))
    plain = bytearray(HEADER_BYTES)
    write_header(plain, KIND_MESSAGE, 7, one.node, other.node, 0)
    assert buffer[:length] == plain + payload
    assert other.protection.proves == PROVES_SENDER


def test_both_ways_and_in_any_order_within_the_window():
    one, other = pair()
    frames = [one.sealed(other.node, bytes((n,))) for n in range(1, 17)]
    for n in (16, 1, 15, 2, 8, 3):
        assert other.opened(frames[n - 1]) == bytes((n,))
    assert one.opened(other.sealed(one.node, b"back")) == b"back"


def test_a_payload_that_would_not_fit_is_the_callers_mistake():
    one, other = pair()
    for size in (0, 227):
        try:
            one.sealed(other.node, bytes(size))
            raise AssertionError(size)
        except ValueError:
            pass


def test_only_own_frames_are_sealed_and_once():
    one, other = pair()
    frame = bytearray(FRAME_BYTES_MAX)
    write_header(frame, KIND_MESSAGE, 7, other.node, one.node, 0)
    sealed = bytearray(one.sealed(other.node)) + bytes(SEALED_BYTES)
    for buffer, length in ((frame, 20), (sealed, len(sealed) - SEALED_BYTES)):
        try:
            one.protection.seal(buffer, length)
            raise AssertionError(bytes(buffer))
        except ValueError:
            pass


def test_no_flipped_bit_is_opened_and_none_changes_what_is_known():
    one, other = pair()
    frame = one.sealed(other.node, b"open the valve")
    for bit in range(4, 8 * len(frame)):  # the first four are the hop limit
        changed = bytearray(frame)
        changed[bit >> 3] ^= 1 << (bit & 7)
        result = other.opened(changed)
        assert result in (REFUSED_FORM, REFUSED_NO_KEY, REFUSED_FORGED), (bit, result)
        assert other.protection.proves == 0
    assert other.opened(frame) == b"open the valve"


def test_hops_may_change_the_hop_limit_and_nothing_else():
    one, other = pair()
    for limit in range(1, 16):
        frame = bytearray(one.sealed(other.node, b"far"))
        frame[0] = frame[0] & 0xF0 | limit
        assert other.opened(frame) == b"far"
    frame[0] &= 0xF0
    assert other.opened(frame) == REFUSED_FORM


def test_a_forged_frame_leaves_nothing_of_itself():
    one, other = pair()
    buffer = bytearray(one.sealed(other.node, b"secret"))
    buffer[-3] ^= 1
    assert other.protection.open(buffer, len(buffer)) == REFUSED_FORGED
    assert buffer[HEADER_BYTES:-2] == bytes(14)
    other.sleep()
    assert other.protection.forged == 1


def test_what_is_cut_short_or_too_long_is_no_frame():
    one, other = pair()
    frame = one.sealed(other.node, b"1234")
    for size in list(range(14, len(frame))) + [251]:
        buffer = bytearray(frame) + bytes(251)
        result = other.protection.open(buffer, size)
        assert result in (REFUSED_FORM, REFUSED_FORGED, REFUSED_NO_KEY, REFUSED_REPLAY), size
    assert other.opened(frame) == b"1234"


def test_a_frame_counts_once_now_and_after_a_sleep():
    one, other = pair()
    frame = one.sealed(other.node)
    assert other.opened(frame) == b"\x01"
    assert other.opened(frame) == REFUSED_REPLAY
    other.sleep()
    assert other.opened(frame) == REFUSED_REPLAY
    for _ in range(100):
        other.opened(one.sealed(other.node))
    assert other.opened(frame) == REFUSED_REPLAY  # long behind the window


def test_after_a_cold_start_there_is_no_session_and_no_replay():
    one, other = pair()
    frame = one.sealed(other.node)
    other.start()
    assert other.opened(frame) == REFUSED_NO_KEY
    assert other.sealed(one.node) == REFUSED_NO_KEY


def test_a_reflected_frame_and_one_for_another_are_none_for_us():
    one, other = pair()
    third = Member(33)
    third.protection.install(one.node, secret(3))
    frame = one.sealed(other.node)
    assert one.opened(frame) == REFUSED_FORM
    assert third.opened(frame) == REFUSED_FORM
    turned = bytearray(frame)
    turned[4:8], turned[8:12] = frame[8:12], frame[4:8]
    assert one.opened(turned) == REFUSED_FORGED  # from the peer, as it says


def test_numbers_go_on_over_a_sleep_and_behind_what_was_reserved_after_a_start():
    one, other = pair()
    first = one.sealed(other.node)
    one.sleep()
    second = one.sealed(other.node)
    assert second[12:14] == bytes((0, first[13] + 1))
    one.start()
    one.protection.install(other.node, secret(9))
    assert one.sealed(other.node)[12:14] == b"\x01\x00"


def test_a_session_goes_on_to_the_next_secret_and_its_peer_follows():
    one, other = pair()
    skip_to(one, (1 << 20) - 1)
    old = one.sealed(other.node, b"old")
    new = one.sealed(other.node, b"new")
    assert (old[-2] >> 4, new[-2] >> 4) == (0, 1)
    late = other.sealed(one.node, b"before it heard")
    assert other.opened(old) == b"old"
    assert other.opened(new) == b"new"
    assert one.opened(late) == b"before it heard"
    answer = other.sealed(one.node, b"after")
    assert answer[-2] >> 4 == 1
    assert one.opened(answer) == b"after"
    assert one.opened(late) == REFUSED_NO_KEY  # the old secret is gone


def test_a_lost_frame_in_between_loses_nobody():
    one, other = pair()
    one.protection.sessions.turn()
    for _ in range(5):
        assert one.sealed(other.node)[-2] >> 4 == 1  # none arrives
        assert one.opened(other.sealed(one.node, b"here")) == b"here"
    one.sleep()
    assert other.opened(one.sealed(other.node, b"at last")) == b"at last"
    assert one.opened(other.sealed(one.node, b"here")) == b"here"


def test_both_may_go_on_at_once():
    one, other = pair()
    for generation in range(40):
        one.protection.sessions.turn()
        other.protection.sessions.turn()
        from_one, from_other = one.sealed(other.node), other.sealed(one.node)
        assert from_one[-2] >> 4 == (generation + 1) % 16
        assert other.opened(from_one) == b"\x01"
        assert one.opened(from_other) == b"\x01"


def test_two_generations_ahead_is_a_stranger():
    one, other = pair()
    before = bytearray(Protection.SNAPSHOT_BYTES)
    other.protection.save_into(before, 0)
    for generation in (1, 2):
        one.protection.sessions.turn()
        frame = one.sealed(other.node)
        assert frame[-2] >> 4 == generation and other.opened(frame) == b"\x01"
        assert one.opened(other.sealed(one.node)) == b"\x01"
    other.start(before)
    assert other.opened(one.sealed(other.node)) == REFUSED_NO_KEY


def test_after_many_forgeries_the_keys_go_on():
    one, other = pair()
    other.protection.forged = FORGERIES_MAX - 1
    frame = bytearray(one.sealed(other.node))
    frame[20] ^= 1
    assert other.opened(frame) == REFUSED_FORGED
    assert other.protection.forged == 0
    answer = other.sealed(one.node)
    assert answer[-2] >> 4 == 1 and one.opened(answer) == b"\x01"


def test_the_table_of_sessions_gives_up_whom_it_used_longest_ago_and_never_a_pinned_one():
    node = Member(1)
    for peer in range(2, 2 + SESSIONS_MAX):
        assert node.protection.install(peer, secret(peer), is_pinned=peer == 2)
    node.sealed(3)  # used now
    for peer in range(20, 26):
        assert node.protection.install(peer, secret(peer))
    assert sorted(node.protection.sessions.peers()) == [2, 3, 20, 21, 22, 23, 24, 25]
    node.sleep()
    assert node.protection.sessions.peers()[0] == 25
    for peer in (3, 20, 21, 22, 23, 24, 25):
        assert node.protection.install(peer, secret(peer), is_pinned=True)
    assert not node.protection.install(40, secret(40))
    assert node.protection.install(2, secret(41))  # a new secret for one that is there
    node.protection.sessions.end(25)
    assert node.protection.install(40, secret(40))


def test_no_empty_key_none_that_repeats_and_none_that_another_has():
    node = Member(1)
    node.protection.install(2, secret(2))
    known = (b"", bytes(16), b"\xff" * 16, b"\x01\x02\x03\x04" * 4, bytes(15), secret(3) + b"\x00")
    for peer, key in [(2, key) for key in known] + [
        (3, secret(2)),
        (1, secret(5)),
        (0, secret(5)),
    ]:
        try:
            node.protection.install(peer, key)
            raise AssertionError((peer, key))
        except ValueError:
            pass
    assert node.protection.sessions.peers() == [2]
    assert node.protection.sessions.secret_for(2) == secret(2)


def test_without_flash_nothing_is_sealed_and_what_is_reserved_is_used_up():
    one, other = pair()
    one.sealed(other.node)
    one.table.is_broken = True
    results = [one.sealed(other.node) for _ in range(256)]
    assert results[255] == REFUSED_NO_NUMBER and REFUSED_NO_NUMBER not in results[:255]
    one.table.is_broken = False
    assert other.opened(one.sealed(other.node)) == b"\x01"
    assert len(one.table.commits) == 2


def test_the_last_number_is_the_last_until_all_keys_are_given_up():
    one, other = pair()
    skip_to(one, (1 << NUMBER_BITS) - 256)
    results = [one.sealed(other.node) for _ in range(300)]
    assert [frame for frame in results if frame == REFUSED_NO_NUMBER] == results[256:]
    assert results[255][12:14] == b"\xff\xff" and one.protection.nonces.is_spent
    one.protection.group.know()
    one.table.is_broken = True
    for peers in ([other.node], []):  # and once more after a start
        try:
            one.protection.renew()
            raise AssertionError("renewed")
        except OSError:
            assert one.protection.sessions.peers() == peers
        one.start()
    one.table.is_broken = False
    one.protection.renew()
    assert one.protection.sessions.peers() == []
    one.start()
    one.protection.install(other.node, secret(77))
    other.protection.install(one.node, secret(77))
    frame = one.sealed(other.node)
    assert frame[12:14] == b"\x00\x00" and other.opened(frame) == b"\x01"


def test_a_number_stands_in_the_header_and_in_the_last_two_bytes():
    one, other = pair()
    skip_to(one, 0xABCDEF)
    frame = one.sealed(other.node)
    assert frame[12:14] == b"\xcd\xef" and frame[-2:] == b"\x10\xab"
    assert number_of(frame, 0x10AB) == 0xABCDEF
    assert other.opened(frame) == b"\x01"


def test_kinds_keep_their_number_and_others_are_none():
    one, other = pair()
    frame = bytearray(one.sealed(other.node, kind=KIND_REQUEST))
    assert frame[1] == 0x80 | KIND_REQUEST
    assert other.protection.open(frame, len(frame)) > 0 and frame[1] == KIND_REQUEST
    for kind in (0, KIND_LAST + 1):
        assert other.opened(one.sealed(other.node, kind=kind)) == REFUSED_FORM


def heap_of(work):
    """Return the bytes of heap that a call takes; CPython does not tell."""
    if sys.implementation.name != "micropython":
        work()
        return 0
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    work()
    taken = gc.mem_alloc() - before
    gc.enable()
    return taken


def test_a_frame_takes_little_heap_once_its_keys_are_made():
    one, other = pair()
    frame = bytearray(FRAME_BYTES_MAX)
    for number in range(3):
        write_header(frame, KIND_MESSAGE, 7, one.node, other.node, 0)
        sealing = heap_of(lambda: one.protection.seal(frame, FRAME_BYTES_MAX - SEALED_BYTES))
        opening = heap_of(lambda: other.protection.open(frame, FRAME_BYTES_MAX))
        # Of 64-bit words; a board's have half the size.
        assert number == 0 or max(sealing, opening) <= 128, (sealing, opening)


def test_nothing_is_proven_before_a_frame_was_opened():
    one, other = pair()
    assert one.protection.proves == 0
    one.sealed(other.node)
    assert one.protection.proves == 0


def test_a_frame_that_protects_nothing_is_none():
    one, other = pair()
    frame = bytearray(one.sealed(other.node, b"x"))
    for length in (HEADER_BYTES + SEALED_BYTES, HEADER_BYTES + SEALED_BYTES + 1):
        assert is_sealed(frame, length) == (length > HEADER_BYTES + SEALED_BYTES)
    assert not is_sealed(frame + bytes(FRAME_BYTES_MAX), FRAME_BYTES_MAX + 1)
