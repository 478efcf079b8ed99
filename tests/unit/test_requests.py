"""An answer finds whoever asked, once and in time."""

from kernel.limits import DEADLINE_MS_MAX, REQUESTS_MAX
from kernel.mesh.requests import Requests
from kernel.ticks import TICKS_PERIOD, ticks_add
from support.script import raises

A, B = 11, 22


def asked(count, deadline_ms=100, now_ms=0):
    """Return a table in which so many requests to A wait, and their correlation ids."""
    requests = Requests(1)
    return requests, [requests.open(now_ms, A, deadline_ms, str(row)) for row in range(count)]


def test_an_answer_is_taken_once():
    requests, (first, second) = asked(2)
    assert first != second and requests.count == 2
    assert requests.take(A, second) == "1"
    assert requests.take(A, second) is None
    assert requests.take(A, first) == "0" and requests.count == 0


def test_only_the_one_who_was_asked_may_answer():
    requests, (first,) = asked(1)
    assert requests.take(B, first) is None
    assert requests.take(A, first ^ 1) is None and requests.take(A, 0) is None
    assert requests.take(A, first) == "0"


def test_the_table_has_a_bound_and_cancelling_makes_room():
    requests, numbers = asked(REQUESTS_MAX)
    assert 0 not in numbers and requests.open(0, A, 100, "x") == 0
    requests.cancel(numbers[3])
    assert requests.open(0, A, 100, "x") not in [0] + numbers
    assert requests.count == REQUESTS_MAX


def test_deadlines_pass_in_their_order_across_the_wrap():
    start = TICKS_PERIOD - 50
    requests = Requests(1)
    for deadline_ms in (300, 100, 200):
        requests.open(start, A, deadline_ms, str(deadline_ms))
    for deadline_ms in (100, 200, 300):
        due_at_ms = ticks_add(start, deadline_ms)
        assert requests.next_at_ms(start) == due_at_ms
        assert requests.take_expired(ticks_add(due_at_ms, -1)) is None
        assert requests.take_expired(due_at_ms) == str(deadline_ms)
    assert requests.next_at_ms(start) == -1 and requests.take_expired(start) is None


def test_an_answer_after_the_deadline_finds_nobody():
    requests, (first,) = asked(1)
    assert requests.take_expired(100) == "0"
    assert requests.take(A, first) is None


def test_a_deadline_has_bounds():
    requests, _ = asked(0)
    for deadline_ms in (0, -1, DEADLINE_MS_MAX + 1):
        raises(ValueError, requests.open, 0, A, deadline_ms, "x")
    assert requests.open(0, A, DEADLINE_MS_MAX, "x") and requests.open(0, A, 1, "x")


def test_numbers_are_never_zero_and_never_twice_among_those_that_wait():
    requests, (kept,) = asked(1)
    for _ in range(70_000):
        number = requests.open(0, A, 100, "x")
        assert 0 < number <= 0xFFFF and number != kept
        requests.cancel(number)
