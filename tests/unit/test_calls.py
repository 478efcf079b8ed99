"""Two nodes that call each other: what is said, what is installed, and when."""

from kernel.secure.acquaintances import ACQUAINTANCES_MAX, name_of
from kernel.secure.answering import (
    ANSWER,
    CALL,
    CALLS_MAX,
    COOKIE,
    DONE,
    HALF_OPEN_MS,
    NO,
    PAID,
    PROOF,
    RESUMPTION,
    THEIRS_MS,
)
from kernel.secure.calls import CROSSING_MS, NEVER
from kernel.secure.quarantine import (
    AGREEMENT_MS,
    AGREEMENTS,
    AGREEMENTS_MAX,
    OF_OTHERS,
    OF_OURS,
    Quarantine,
)
from support.call_faults import Choosing, Proving
from support.calling import HANDSHAKE, RESUMED, Medium, joined, stations, steps


def test_strangers_and_who_is_known_by_name_keep_to_what_the_standard_costs():
    medium, one, other = joined()
    one.calls.holdings.forget(12)
    other.protection.sessions.end(11)
    other.table.delete(b"kept" + b"cert/" + bytes((0, 0, 0, 11)))
    # Who forgot is told the certificate; who did not is not.
    other.call(11)
    medium.run(60_000)
    sizes = [len(data) - 4 for _, _, data in medium.sent]
    assert [data[0] for _, _, data in medium.sent] == HANDSHAKE
    assert sizes[0] == 37 and sizes[1] < 60 and sizes[2] > 150 and sizes[3] == 9
    assert one.secret_for(12) == other.secret_for(11)


def test_after_a_loss_of_power_it_is_resumed_and_no_key_agreed_upon():
    medium, one, other = joined()
    for station in (one, other):
        station.boot()
    agreed = []
    port = one.fleet.port
    agree, port.agree = port.agree, lambda *keys: agreed.append(keys)
    one.call(12)
    medium.run(60_000)
    port.agree = agree
    assert steps(medium) == RESUMED and not agreed
    assert one.secret_for(12) and one.secret_for(12) == other.secret_for(11)


def test_a_handshake_follows_where_nothing_is_kept_any_more():
    for is_ours in (False, True):
        medium, one, other = joined()
        one.boot(is_erased=is_ours)
        other.boot(is_erased=not is_ours)
        one.call(12)
        medium.run(60_000)
        expected = HANDSHAKE if is_ours else [CALL + RESUMPTION, NO] + HANDSHAKE
        assert steps(medium) == expected
        assert one.secret_for(12) == other.secret_for(11)


def test_who_kept_something_else_says_so_and_a_handshake_follows():
    medium, one, other = joined()
    one.boot()
    [key] = [key for key in other.table.values if key.startswith(b"kept")]
    other.table.values[key] = bytes(32)
    one.call(12)
    medium.run(1_000)
    assert steps(medium) == [CALL + RESUMPTION, NO] + HANDSHAKE
    assert one.secret_for(12) == other.secret_for(11) and not other.asides


def test_a_forged_proof_costs_one_more_handshake_and_no_time():
    one, other = stations(2)
    medium = Medium([one, other])
    one.call(12)
    other.hear(11, one.said.pop()[1])
    one.hear(12, other.said.pop()[1])
    proof = one.said[0][1]
    other.hear(11, proof[:-1] + bytes((proof[-1] ^ 1,)))
    assert other.secret_for(11) is None
    medium.run(1_000)
    assert steps(medium) == [PROOF, NO] + HANDSHAKE
    assert one.secret_for(12) and one.secret_for(12) == other.secret_for(11)


def test_what_a_certificate_that_is_void_left_is_not_resumed():
    for is_ours in (False, True):
        medium, one, other = joined()
        for station in (one, other):
            station.boot()
        (one if is_ours else other).peers.orders.epoch = 1
        one.call(12)
        medium.run(120_000)
        assert one.secret_for(12) is other.secret_for(11) is None
        assert (CALL + RESUMPTION in steps(medium)) != is_ours


def test_two_that_call_each_other_have_one_session():
    for seed in range(6):
        one, other = stations(2)
        medium = Medium([one, other], seed, delay_ms=1)
        one.send(12, b"one")
        other.send(11, b"other")
        medium.run(60_000)
        assert steps(medium).count(PROOF) == 1
        assert one.secret_for(12) == other.secret_for(11)
        assert sorted(payload for _, _, payload in medium.heard) == [b"one", b"other"]


def test_who_is_being_called_waits_before_it_calls():
    one, other = stations(2)
    one.call(12)
    other.hear(11, one.said.pop()[1])
    other.said.clear()
    assert other.call(11) and not other.said
    other.now_ms = (other.now_ms + CROSSING_MS) % (1 << 29)
    other.calls.on_time(other.now_ms, other)
    assert [data[0] for _, data in other.said] == [CALL]


def test_of_two_calls_that_both_came_far_the_lower_ids_is_the_one():
    one, other = stations(2)
    one.call(12)
    other.call(11)
    calls = one.said.pop()[1], other.said.pop()[1]
    one.calls.find(12, True).tries = 1  # it said it again, so it hears the other's, too
    one.hear(12, calls[1])
    other.hear(11, calls[0])
    answers = one.said.pop()[1], other.said.pop()[1]
    one.hear(12, answers[1])
    other.hear(11, answers[0])
    proofs = one.said.pop()[1], other.said.pop()[1]
    assert proofs[0][0] == proofs[1][0] == PROOF
    one.hear(12, proofs[1])
    assert one.secret_for(12) is None and not one.said
    other.hear(11, proofs[0])
    one.hear(12, other.said.pop()[1])
    assert one.secret_for(12) and one.secret_for(12) == other.secret_for(11)


class Losing(Medium):
    """One that loses just one of all messages."""

    lost = -1

    def _carry(self, *what):
        self.lost -= 1
        if self.lost != -1:
            super()._carry(*what)


def test_each_message_may_be_lost_and_each_may_come_twice():
    for lost in range(8):
        one, other = stations(2)
        medium = Losing([one, other], double=1_000)
        medium.lost = lost
        one.call(12)
        medium.run(60_000)
        assert one.secret_for(12) and one.secret_for(12) == other.secret_for(11)
        assert len(one.installed) == len(other.installed) == 1


def test_who_rests_makes_room_and_so_does_who_does_not_prove_himself():
    [one] = stations(1)
    medium = Medium([one])
    for node in range(100, 100 + CALLS_MAX - 1):
        assert one.call(node)
    medium.run(60_000, lambda: len(one.fails) == CALLS_MAX - 1)
    assert one.call(200) and one.call(201), "one that rests makes room"
    call = bytes((CALL, 1, 2, 0xFF)) + b"\x03\x00\x58\x20" + bytes([9] * 32) + b"\x05"
    for node in range(300, 300 + CALLS_MAX):
        one.calls.quarantine = Quarantine()  # not what this is about
        one.hear(node, call)
    one.hear(400, call)
    assert not one.calls.find(400, False) and one.calls.refused == 1
    one.now_ms = (one.now_ms + HALF_OPEN_MS) % (1 << 29)
    one.hear(500, call)
    assert one.calls.find(500, False) and not one.calls.find(300, False)


def test_a_crowd_that_resumes_at_once_is_answered_as_far_as_there_is_room():
    nodes = stations(CALLS_MAX + 2)
    one, others, medium = nodes[0], nodes[1:], Medium(nodes)
    for other in others:
        other.call(one.node)
        medium.run(60_000)
        assert one.secret_for(other.node)
    for node in nodes:
        node.boot()
    one.clear()
    for other in others:
        other.clear()
        other.call(one.node)
        for peer, message in other.said:
            assert peer == one.node and message[0] == CALL + RESUMPTION
            one.hear(other.node, message)
    theirs = [call for call in one.calls.calls if not call.is_ours]
    assert len(theirs) == len(one.said) == CALLS_MAX and one.calls.refused == 1


def test_each_message_of_ours_is_said_four_times():
    one, other = stations(2, kind=Proving)
    one.derived = other.derived = set()
    medium = Choosing([one, other])
    medium.bits = 0b0011100111  # three calls and three proofs are lost
    one.call(12)
    medium.run(60_000)
    assert steps(medium) == [CALL] * 4 + [ANSWER] + [PROOF] * 4 + [DONE]
    assert one.secret_for(12) and one.secret_for(12) == other.secret_for(11)


def test_that_nothing_is_known_of_a_handshake_is_not_believed_before_it_was_answered():
    one, _ = stations(2)
    one.call(12)
    call = one.said.pop()[1]
    for _ in range(3):
        one.hear(12, bytes((NO,)) + call[1:3] + b"\xff")
    assert not one.said and not one.fails and one.calls.find(12, True, call[1:3])


def test_what_is_due_first_is_when_to_wake_whatever_the_order():
    [one] = stations(1)
    dues = []
    for node, later_ms in ((99, 0), (98, 5_000)):
        one.now_ms = (one.now_ms + later_ms) % (1 << 29)
        one.call(node)
        dues.append(one.calls.find(node, True).at_ms)
    assert one.calls.next_wake_at_ms() == dues[0]
    one.calls.calls.reverse()
    assert one.calls.next_wake_at_ms() == dues[0]


def test_what_is_half_open_ends():
    one, other = stations(2)
    one.call(12)
    other.hear(11, one.said.pop()[1])
    assert other.calls.next_wake_at_ms() >= 0
    other.now_ms = (other.now_ms + THEIRS_MS) % (1 << 29)
    other.calls.on_time(other.now_ms, other)
    assert not other.calls.calls and other.calls.next_wake_at_ms() == NEVER


def test_the_proof_of_an_earlier_call_that_comes_late_installs_nothing():
    one, other = stations(2)
    medium = Medium([one, other])
    one.call(12)
    call = one.said.pop()[1]
    other.hear(11, call)
    one.hear(12, other.said.pop()[1])
    late = one.said.pop()[1]
    assert late[0] == PROOF
    one.boot(is_erased=True)
    one.call(12)
    medium.run(60_000)
    secret = other.secret_for(11)
    assert secret and secret == one.secret_for(12)
    other.hear(11, late)
    assert other.secret_for(11) == secret
    assert [data[0] for _, data in other.said] == [NO], "and who waits for an answer is told"


def test_a_cookie_is_good_for_a_minute_and_no_longer_than_two():
    for age_ms, is_good in ((0, True), (65_536, True), (2 * 65_536, False)):
        [one] = stations(1)
        one.now_ms = 1_000
        one.calls.quarantine.spend(one.now_ms, OF_OTHERS, AGREEMENTS_MAX)
        body = b"\x03\x00\x58\x20" + bytes([9] * 32) + b"\x05"
        one.hear(99, bytes((CALL, 1, 2, 0xFF)) + body)
        cookie = one.said.pop()[1]
        assert cookie[0] == COOKIE and len(cookie) == 12
        one.now_ms += age_ms
        one.calls.quarantine = Quarantine()
        one.calls.quarantine.spend(one.now_ms, OF_OTHERS, AGREEMENTS_MAX - AGREEMENTS)
        one.hear(99, bytes((PAID, 1, 2, 0xFF)) + cookie[4:] + body)
        assert one.said.pop()[1][0] == (ANSWER if is_good else COOKIE)


def test_who_calls_pays_what_it_is_asked_for_once_at_a_time():
    one, other = stations(2)
    medium = Medium([one, other])
    other.calls.quarantine.spend(other.now_ms, OF_OTHERS, AGREEMENTS_MAX - AGREEMENTS)
    one.call(12)
    medium.run(1_000)
    assert steps(medium) == [CALL, COOKIE, PAID, ANSWER, PROOF, DONE]
    assert one.secret_for(12) and one.secret_for(12) == other.secret_for(11)
    one, other = stations(2)
    one.call(12)
    call = one.said.pop()[1]
    for number in range(5):
        one.hear(12, bytes((COOKIE,)) + call[1:3] + bytes([0xFF] + [number] * 8))
    assert len(one.said) == 1 and one.said[0][1] == (
        bytes((PAID,)) + call[1:4] + bytes(8) + call[4:]
    )


def test_of_who_is_not_kept_nothing_is():
    one, other = stations(2)
    medium = Medium([one, other])
    for node in range(1_000, 1_000 + ACQUAINTANCES_MAX):
        one.table.values[b"cert/" + bytes((0, 0, node >> 8, node & 0xFF))] = b"held"
    before = dict(one.table.values)
    one.call(12)
    medium.run(1_000)
    assert one.secret_for(12) and one.secret_for(12) == other.secret_for(11)
    one.table.values.pop(b"nonces", None)
    assert one.table.values == before


def test_whom_is_forgotten_is_a_stranger():
    medium, one, other = joined()
    one.call(12)
    one.calls.forget(12, one)
    one.said.clear()
    assert not one.calls.calls and one.fails == [12]
    assert one.secret_for(12) is None and not [key for key in one.table.values if b"cert" in key]
    other.boot()
    other.call(11)
    medium.run(60_000)
    assert steps(medium) == [CALL + RESUMPTION, NO] + HANDSHAKE


def test_what_has_no_form_changes_nothing():
    medium, one, other = joined()
    before = one.secret_for(12)
    for step in range(256):
        for size in (0, 1, 3, 4, 5, 12, 40):
            one.hear(12, (bytes((step, 1, 2, 3)) + bytes(40))[:size] if size else b"")
    assert one.secret_for(12) == before
    refused = one.calls.refused
    for node in (0, 11, (1 << 30) - 1):
        one.hear(node, bytes((CALL, 1, 2, 3)) + bytes(40))
    assert one.calls.refused == refused + 3
    one.now_ms = other.now_ms = medium.now_ms
    one.send(12, b"good")
    medium.run(1_000)
    assert medium.heard == [(12, 11, b"good")]


def test_calls_of_our_own_have_a_budget_and_wait_for_it():
    [one] = stations(1)
    one.calls.quarantine.spend(one.now_ms, OF_OURS, AGREEMENTS_MAX)
    assert one.call(12) and not one.said
    waited_ms = 0
    while not one.said:
        one.now_ms = (one.now_ms + AGREEMENT_MS) % (1 << 29)
        assert one.calls.next_wake_at_ms() == one.now_ms
        one.calls.on_time(one.now_ms, one)
        waited_ms += AGREEMENT_MS
    assert waited_ms == AGREEMENTS * AGREEMENT_MS and one.said[0][1][0] == CALL


def test_who_was_misunderstood_speaks_and_asks_by_value():
    _, one, other = joined()
    one.boot()
    [key] = [key for key in one.table.values if key.startswith(b"kept")]
    del one.table.values[key]
    one.call(12)
    call = one.said.pop()[1]
    assert call[0] == CALL and call[3] == name_of(other.board.certificate)[0]
    one.hear(12, bytes((ANSWER,)) + call[1:4] + b"\x58\x30" + bytes(range(48)))
    call = one.said.pop()[1]
    assert call[0] == CALL and call[3] == 0xFF
    other.boot()
    other.hear(11, call)
    one.hear(12, other.said.pop()[1])
    proof = one.said.pop()[1]
    assert proof[0] == PROOF and len(proof) > 150
