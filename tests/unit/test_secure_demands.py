"""A neighbour gets what is critical once it has proven what runs on it, and not again for ever."""

from kernel.secure.demands import (
    ANSWER_EVERY_MS,
    ANSWERS_MAX,
    DOUBLINGS_MAX,
    PAUSE_MS,
    PEERS_MAX,
    SILENT,
    TRIES_MAX,
    TRUST_MS,
    WRONG,
    Answers,
    Demands,
)
from kernel.secure.token import ANSWER_MS_MAX, claims_in, token_key
from kernel.ticks import TICKS_PERIOD, ticks_add
from support import crypto
from support.protected import secret

NODE = 22
RIGHT = (b"s" * 32, b"c" * 16, b"m" * 16)
WRONG_ONE = (b"t" * 32, b"c" * 16, b"m" * 16)
START_MS = TICKS_PERIOD - 5_000  # instants wrap while it waits
KEY = token_key(secret(1))


class Out:
    """What left the machine."""

    def __init__(self):
        self.questions = []
        self.refusals = []

    def question(self, node, nonce):
        self.questions.append((node, nonce))

    def refuse(self, node, why):
        self.refusals.append((node, why))


class Asking:
    """One who asks, and neighbours that answer as they are told."""

    def __init__(self):
        self.out = Out()
        self.demands = Demands(crypto.make(), lambda *measured: measured == RIGHT)
        self.now_ms = START_MS

    def demand(self, node=NODE):
        return self.demands.demand(self.now_ms, node, mac_of(node), self.out)

    def step(self):
        self.demands.step(self.now_ms, self.out)

    def wait(self, span_ms):
        self.now_ms = ticks_add(self.now_ms, span_ms)
        self.step()

    def take(self, token, node=NODE, key=KEY):
        return self.demands.on_token(self.now_ms, node, claims_in(token, key), self.out)

    def answer(self, measured=RIGHT, at=-1, node=NODE, key=KEY):
        """Answer a question that was put, the last one unless another is named."""
        token = Answers(mac_of(node), measured).answer(0, key, self.out.questions[at][1])
        return self.take(token, node)


def mac_of(node):
    return bytes((2, 0, 0, 0, 0, node))


def test_a_neighbour_is_trusted_once_it_has_proven_what_runs_and_for_a_while():
    asking = Asking()
    assert not asking.demand()
    assert not asking.demand()  # it is asked already
    assert [node for node, _ in asking.out.questions] == [NODE]
    assert asking.answer()
    assert asking.demand()
    assert asking.demands.next_wake_at_ms() == -1
    asking.wait(TRUST_MS - 1)
    assert asking.demand()
    asking.wait(1)
    assert not asking.demand()
    assert len(asking.out.questions) == 2  # it is asked anew
    assert asking.out.questions[0][1] != asking.out.questions[1][1]
    assert asking.out.refusals == []


def test_a_right_answer_counts_once_from_whom_it_was_asked_and_in_time():
    asking = Asking()
    asking.demand()
    token = Answers(mac_of(NODE), RIGHT).answer(0, KEY, asking.out.questions[0][1])
    other = Answers(mac_of(9), RIGHT).answer(0, KEY, asking.out.questions[0][1])
    assert not asking.take(token, node=23)  # nobody asked that one
    assert not asking.take(other)  # another board's measurements
    assert not asking.take(token, key=token_key(secret(2)))
    assert not asking.take(b"")
    assert asking.take(token)
    assert not asking.take(token)
    asking.demands.forget(NODE)
    assert not asking.demand()
    assert not asking.take(token)  # of another question
    asking.now_ms = ticks_add(asking.now_ms, ANSWER_MS_MAX + 1)
    assert not asking.answer()
    assert asking.out.refusals == []


def test_who_runs_what_is_not_accepted_is_refused_for_a_time_that_doubles():
    asking = Asking()
    pause_ms = PAUSE_MS
    for count in range(1, DOUBLINGS_MAX + 4):
        assert not asking.demand()
        assert len(asking.out.questions) == count
        assert not asking.answer(WRONG_ONE)
        assert asking.out.refusals == [(NODE, WRONG)] * count
        assert not asking.answer()  # a right one comes too late
        asking.demands.forget(NODE)  # a new session opens no door
        asking.wait(pause_ms - 1)
        assert not asking.demand()
        assert len(asking.out.questions) == count
        asking.wait(1)
        pause_ms = min(2 * pause_ms, PAUSE_MS << DOUBLINGS_MAX)
    assert not asking.demand()
    assert asking.answer()  # it was mended
    asking.wait(TRUST_MS)
    asking.demand()
    asking.answer(WRONG_ONE)
    before = len(asking.out.questions)
    asking.wait(PAUSE_MS)  # what was mended and broke again begins anew
    asking.demand()
    assert len(asking.out.questions) == before + 1


def test_who_does_not_answer_is_asked_a_few_times_and_then_refused():
    asking = Asking()
    asking.demand()
    for count in range(1, TRIES_MAX + 1):
        assert len(asking.out.questions) == count
        assert asking.demands.next_wake_at_ms() == ticks_add(asking.now_ms, ANSWER_MS_MAX + 1)
        asking.wait(ANSWER_MS_MAX)
        assert len(asking.out.questions) == count  # an answer now is in time
        asking.wait(1)
    assert len(asking.out.questions) == TRIES_MAX
    assert asking.out.refusals == [(NODE, SILENT)]
    assert asking.demands.next_wake_at_ms() == -1
    assert not asking.answer(at=0)
    asking.wait(PAUSE_MS)
    assert len(asking.out.questions) == TRIES_MAX  # nobody is asked of whom nothing is wanted
    assert not asking.demand()
    asking.wait(ANSWER_MS_MAX + 1)
    assert len(asking.out.questions) == TRIES_MAX + 2  # as often as the first time
    assert asking.answer()


def test_an_answer_to_the_question_before_is_none_to_this_one():
    asking = Asking()
    asking.demand()
    asking.wait(ANSWER_MS_MAX + 1)
    assert not asking.answer(at=0)
    assert asking.answer(at=1)


def test_no_flood_of_neighbours_takes_room_without_end_nor_from_who_is_known():
    asking = Asking()
    asking.demand()
    asking.answer()
    for node in range(100, 200):
        assert not asking.demand(node)
    assert len(asking.out.questions) == PEERS_MAX
    assert asking.demands.dropped == 100 - (PEERS_MAX - 1)
    assert asking.demand()  # who is trusted stays
    for _ in range(TRIES_MAX):
        asking.wait(ANSWER_MS_MAX + 1)
    assert len(asking.out.refusals) == PEERS_MAX - 1
    before = len(asking.out.questions)
    assert not asking.demand(99)  # who was refused just now holds the room
    assert len(asking.out.questions) == before
    asking.wait(PAUSE_MS)
    assert not asking.demand(99)
    assert asking.out.questions[-1][0] == 99
    assert asking.demand()


def test_a_question_that_is_due_first_is_named_first():
    asking = Asking()
    asking.demand(1)
    first_ms = asking.demands.next_wake_at_ms()
    asking.now_ms = ticks_add(asking.now_ms, 4_000)
    asking.demand(2)
    assert asking.demands.next_wake_at_ms() == first_ms
    asking.answer(at=0, node=1)
    assert asking.demands.next_wake_at_ms() == ticks_add(first_ms, 4_000)


def test_a_board_answers_what_is_a_question_and_a_few_at_once():
    answers = Answers(mac_of(NODE), RIGHT)
    nonce = b"question"
    for wrong in (b"", b"short", b"too long."):
        assert answers.answer(START_MS, KEY, wrong) == b""
    for _ in range(ANSWERS_MAX):
        assert (
            claims_in(answers.answer(START_MS, KEY, nonce), KEY) == (nonce, mac_of(NODE)) + RIGHT
        )
    assert answers.answer(ticks_add(START_MS, ANSWER_EVERY_MS - 1), KEY, nonce) == b""
    assert answers.answer(ticks_add(START_MS, ANSWER_EVERY_MS), KEY, nonce) != b""
    assert answers.answer(ticks_add(START_MS, ANSWER_EVERY_MS), KEY, nonce) == b""


def test_who_was_refused_is_remembered_while_there_is_room():
    asking = Asking()
    asking.demand()
    asking.answer(WRONG_ONE)
    asking.wait(PAUSE_MS)
    asking.demand(77)  # somebody else, with room for both
    asking.demand()
    asking.answer(WRONG_ONE)
    before = len(asking.out.questions)
    asking.wait(2 * PAUSE_MS - 1)
    asking.demand()
    assert [node for node, _ in asking.out.questions[before:]].count(NODE) == 0
