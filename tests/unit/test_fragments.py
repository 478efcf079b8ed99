"""What is cut is joined again, in whatever order it comes."""

from kernel.codec import frame
from kernel.codec.fragments import COMPLETE, Fragments, count_of
from kernel.errors import DROP_DUPLICATE, DROP_FRAGMENT_FULL
from kernel.limits import (
    FRAGMENT_BYTES,
    FRAGMENTS_MAX,
    FRAME_BYTES_MAX,
    HEADER_BYTES,
    MESSAGE_BYTES_MAX,
    REASSEMBLY_MS_MAX,
)
from kernel.prng import Prng
from kernel.ticks import TICKS_PERIOD, ticks_add
from support.heap import crowded
from support.mesh import cut, encoded
from support.no_heap import Failing

A, B = 11, 22


def shuffled(items, rng):
    """Return the items in another order."""
    items, result = list(items), []
    while items:
        result.append(items.pop(rng.below(len(items))))
    return result


def noise(size, rng):
    """Return bytes that differ."""
    return bytes(rng.below(256) for _ in range(size))


def joined(fragments, source, payloads, now_ms=0):
    """Take in fragments; return what is complete after the last of them, else None."""
    result = 0
    for payload in payloads:
        assert result != COMPLETE
        result = fragments.take(now_ms, source, payload, 0, len(payload))
    if result != COMPLETE:
        return None
    whole = bytes(fragments.buffer[: fragments.length])
    fragments.release()
    return whole


def test_every_size_in_any_order():
    rng, fragments = Prng(3), Fragments()
    sizes = [FRAGMENT_BYTES * count + more for count in range(1, 5) for more in (1, 2, 160)]
    for size in sizes + [2 * FRAGMENT_BYTES, MESSAGE_BYTES_MAX]:
        message = noise(size, rng)
        pieces = shuffled(cut(message), rng)
        assert len(pieces) == count_of(size)
        assert joined(fragments, A, pieces) == message
        assert fragments.kind == frame.KIND_MESSAGE


def test_a_fragment_fits_a_frame_with_room_for_protection():
    largest = max(len(piece) for piece in cut(bytes(MESSAGE_BYTES_MAX), number=0xFFFF))
    assert HEADER_BYTES + 10 + largest <= FRAME_BYTES_MAX
    assert count_of(MESSAGE_BYTES_MAX) == FRAGMENTS_MAX


def test_two_senders_at_once():
    rng, fragments, done = Prng(5), Fragments(), {}
    messages = {A: noise(700, rng), B: noise(500, rng)}
    pieces = [(source, piece) for source in (A, B) for piece in cut(messages[source])]
    for source, piece in shuffled(pieces, rng):
        if fragments.take(0, source, piece, 0, len(piece)) == COMPLETE:
            done[source] = bytes(fragments.buffer[: fragments.length])
            fragments.release()
    assert done == messages


def test_a_fragment_may_lie_anywhere_in_a_buffer():
    message = noise(300, Prng(7))
    fragments = Fragments()
    for piece in cut(message):
        result = fragments.take(0, A, b"xyz" + piece + b"?", 3, 3 + len(piece))
    assert result == COMPLETE and bytes(fragments.buffer[:300]) == message


def test_every_byte_of_the_head_matters():
    # A changed head is refused, or it is that of another fragment: the message is never wrong.
    message = noise(500, Prng(9))
    pieces = cut(message, number=300)
    for place in range(len(pieces[1]) - FRAGMENT_BYTES):
        for bit in range(8):
            changed = bytearray(pieces[1])
            changed[place] ^= 1 << bit
            assert joined(Fragments(), A, [pieces[0], bytes(changed), pieces[2]]) is None


def test_what_is_cut_short_is_refused():
    piece = cut(bytes(300))[0]
    for length in range(len(piece)):
        assert Fragments().take(0, A, piece, 0, length) > 0
    assert Fragments().take(0, A, piece + b"\0", 0, len(piece) + 1) > 0


def test_only_what_carries_a_value_comes_in_fragments():
    for kind in range(30):
        piece = encoded(1, 0, 2, kind, bytes(FRAGMENT_BYTES))
        taken = Fragments().take(0, A, piece, 0, len(piece)) == 0
        assert taken == (kind in (frame.KIND_MESSAGE, frame.KIND_REQUEST, frame.KIND_RESPONSE))


def test_numbers_are_from_1_to_65535():
    for number in (0, 1, 65_535, 65_536):
        piece = encoded(number, 0, 2, frame.KIND_MESSAGE, bytes(FRAGMENT_BYTES))
        assert (Fragments().take(0, A, piece, 0, len(piece)) == 0) == (0 < number < 65_536)


def test_a_fragment_that_comes_twice_is_a_duplicate_and_nothing_more():
    message = noise(300, Prng(13))
    for order in ((0, 0, 1), (1, 1, 0)):
        fragments, results = Fragments(), []
        for index in order:
            piece = cut(message)[index]
            results.append(fragments.take(0, A, piece, 0, len(piece)))
        assert results == [0, DROP_DUPLICATE, COMPLETE]
        assert bytes(fragments.buffer[:300]) == message


def test_a_new_message_takes_the_place_of_one_that_is_not_complete():
    fragments = Fragments()
    joined(fragments, A, cut(bytes(500), number=1)[:2])
    assert joined(fragments, A, cut(b"\1" * 500, number=2)) == b"\1" * 500
    assert fragments.incomplete == 1


def test_the_time_is_up_across_the_wrap():
    start = TICKS_PERIOD - 5
    fragments = Fragments()
    joined(fragments, A, cut(bytes(500))[:1], start)
    end = ticks_add(start, REASSEMBLY_MS_MAX)
    assert fragments.next_at_ms(start) == end
    fragments.expire(ticks_add(end, -1))
    assert fragments.incomplete == 0
    fragments.expire(end)
    assert fragments.incomplete == 1 and fragments.next_at_ms(end) == -1


def test_the_next_time_is_that_of_the_oldest():
    fragments = Fragments()
    joined(fragments, A, cut(bytes(500))[:1], 100)
    joined(fragments, B, cut(bytes(500))[:1], 50)
    assert fragments.next_at_ms(200) == 50 + REASSEMBLY_MS_MAX
    assert fragments.next_at_ms(9_000) == 9_000


def test_without_heap_a_message_is_refused_and_the_next_one_is_joined():
    fragments, message = Fragments(), noise(300, Prng(17))
    first = cut(message)[0]
    with crowded(MESSAGE_BYTES_MAX) as is_full:
        result = fragments.take(0, A, first, 0, len(first))
    assert result == (DROP_FRAGMENT_FULL if is_full else 0)
    assert joined(fragments, A, cut(message, number=2)) == message
    assert fragments.incomplete == (0 if is_full else 1)


def test_a_buffer_that_cannot_be_made_is_made_for_the_next_message():
    fragments, messages = Fragments(), [noise(300, Prng(seed)) for seed in (1, 2)]
    for source, message in ((A, messages[0]), (B, messages[1])):  # each of the two buffers
        pieces = cut(message)
        with Failing("bytearray") as failing:
            assert fragments.take(0, source, pieces[0], 0, len(pieces[0])) == DROP_FRAGMENT_FULL
        assert failing.count == 1
        assert fragments.take(0, source, pieces[0], 0, len(pieces[0])) == 0
    for source, message in ((A, messages[0]), (B, messages[1])):
        assert joined(fragments, source, cut(message)[1:]) == message
    assert fragments.incomplete == 0 and fragments.next_at_ms(0) == -1
