"""What an agent makes of offers: handed on, answered, followed seldom."""

from kernel.codec.cbor import decode
from kernel.codec.frame import KIND_OFFER, KIND_REPORT
from kernel.errors import CAUSE_POWER_ON, REBOOT_UPDATE
from kernel.identity import Identity
from kernel.limits import HEADER_BYTES
from kernel.offers import UPDATE_MS_MIN
from kernel.release import talk
from kernel.ticks import ticks_add, ticks_diff
from support.pair import Node
from support.script import MemoryTable

KIND = 77
EDGE = Identity("edge", 9, 7, "")
WAIT_MS = 250


def offer(sequence: int = 5, kind: int = KIND, nodes=(), generation: int = 1):
    return [generation, sequence, bytes(8), kind, 1, [], list(nodes)]


class Listener:
    """An agent that runs release 4 and hears an edge."""

    def __init__(
        self, table=None, release=(4, KIND, talk.STAGE_CONFIRMED), now_ms: int = 1_000
    ) -> None:
        self.table = table or MemoryTable()
        node = Node("a", 1, self.table)
        self.agent, self.out = node.agent, node.out
        self.agent.release = release
        self.now_ms = now_ms
        self._sequence = 0
        self.agent.start(now_ms, CAUSE_POWER_ON, None, self.out)
        self.agent.on_battery(3_900)
        self.wait(WAIT_MS)
        self.out.take_frames()

    def hear(self, fields, source: int = EDGE.node) -> None:
        self._sequence += 1
        sender = Identity("", source, EDGE.network, "")
        frame = talk.write(sender, KIND_OFFER, fields, self._sequence)
        self.agent.on_frame(self.now_ms, 0, frame, len(frame), -50, self.out)

    def wait(self, span_ms: int) -> None:
        end_ms = ticks_add(self.now_ms, span_ms)
        while not self.out.reboots:
            at_ms = self.agent.next_wake_at_ms()
            if ticks_diff(at_ms, end_ms) > 0:
                break
            if ticks_diff(at_ms, self.now_ms) > 0:
                self.now_ms = at_ms
            self.agent.on_time(self.now_ms, self.out)
        self.now_ms = end_ms

    def said(self, kind: int):
        frames = [frame for frame in self.out.frames if frame[1] == kind]
        return [decode(frame[HEADER_BYTES:]) for frame in frames]


def test_an_offer_is_handed_on_once_unless_others_did() -> None:
    agent = Listener()
    agent.hear(offer(nodes=[123]))
    agent.wait(WAIT_MS)
    agent.hear(offer(nodes=[123]))
    agent.wait(WAIT_MS)
    assert agent.said(KIND_OFFER) == [offer(nodes=[123])]
    crowd = Listener()
    for source in (9, 10):
        crowd.hear(offer(nodes=[123]), source)
    crowd.wait(WAIT_MS)
    assert crowd.said(KIND_OFFER) == []
    near = Listener()
    for _ in range(5):  # an edge says it again and again: who does not hear it has nobody else
        near.hear(offer(nodes=[123]))
    near.wait(WAIT_MS)
    assert near.said(KIND_OFFER) == [offer(nodes=[123])]
    crowd.hear(offer(nodes=[123], generation=2))
    crowd.wait(WAIT_MS)
    assert crowd.said(KIND_OFFER) == [offer(nodes=[123], generation=2)]


def test_who_is_not_meant_says_what_it_runs() -> None:
    node = Listener().agent.identity.node
    for fields in (offer(nodes=[node + 1]), offer(sequence=4), offer(sequence=3)):
        agent = Listener()
        agent.hear(fields)
        agent.wait(WAIT_MS)
        assert agent.said(KIND_REPORT) == [[4, 3, 4, 1000, 3_900, 0, 0]]
        assert not agent.out.reboots
    for release, kind in (((4, KIND, talk.STAGE_CONFIRMED), KIND + 1), ((0, 0, 0), 0)):
        agent = Listener(release=release)
        agent.hear(offer(kind=kind))
        agent.wait(WAIT_MS)
        assert not agent.out.frames and not agent.out.reboots  # of another class, or of none


def test_who_has_one_on_trial_stays_with_it_whatever_is_offered() -> None:
    agent = Listener(release=(4, KIND, talk.STAGE_TRIAL))
    for generation in (1, 2, 2):
        agent.hear(offer(generation=generation))
        agent.wait(WAIT_MS)
    assert not agent.out.reboots and len(agent.said(KIND_OFFER)) == 2
    agent = Listener(release=(4, KIND, talk.STAGE_CONFIRMED))
    agent.hear(offer())
    agent.wait(WAIT_MS)
    assert agent.out.reboots == [REBOOT_UPDATE]


def test_who_is_meant_reboots_into_the_updater_after_it_handed_the_offer_on() -> None:
    node = Listener().agent.identity.node
    for nodes in ([], [1, node]):
        agent = Listener()
        agent.hear(offer(nodes=nodes))
        agent.wait(WAIT_MS)
        assert agent.out.reboots == [REBOOT_UPDATE]
        assert agent.said(KIND_OFFER) == [offer(nodes=nodes)] and not agent.said(KIND_REPORT)


def test_an_offer_is_handed_on_before_those_who_sleep_do() -> None:
    for _ in range(20):
        agent = Listener()
        agent.hear(offer(nodes=[123]))
        agent.wait(4)
        assert agent.said(KIND_OFFER)


def test_who_is_meant_alone_hands_nothing_on_and_asks_for_help_if_nobody_was_there() -> None:
    table, node, now_ms = MemoryTable(), Listener().agent.identity.node, 1_000
    for in_vain in range(4):
        agent = Listener(table, now_ms=now_ms)
        agent.hear(offer(nodes=[node, 55] if in_vain == 3 else [node]))
        agent.wait(WAIT_MS)
        assert agent.out.reboots == [REBOOT_UPDATE]
        assert agent.said(KIND_OFFER) == ([offer(nodes=[node])] if in_vain else [])
        now_ms = ticks_add(now_ms, (UPDATE_MS_MIN << in_vain) + 1_000)


def helper(
    release=(5, KIND, talk.STAGE_CONFIRMED), nodes=(33,), source: int = 33, **others
) -> Listener:
    agent = Listener(release=release, **others)
    agent.hear(offer(nodes=[33]))
    agent.wait(WAIT_MS)
    assert not agent.out.reboots
    agent.out.take_frames()
    agent.hear(offer(nodes=nodes), source)
    return agent


def test_who_runs_it_goes_to_help_who_asks_unless_others_do() -> None:
    agent = helper()
    agent.wait(WAIT_MS)
    assert agent.out.reboots == [REBOOT_UPDATE]
    assert agent.said(KIND_OFFER) == [offer(nodes=[33])]  # so that others need not
    for release, source in (
        ((5, KIND, talk.STAGE_TRIAL), 33),
        ((4, KIND, talk.STAGE_CONFIRMED), 33),
        ((5, KIND, talk.STAGE_CONFIRMED), 9),
    ):
        agent = helper(release, source=source)
        agent.wait(WAIT_MS)
        assert not agent.out.reboots  # not confirmed, not what runs here, not the one who lacks it
    agent = helper()
    for source in (40, 41):
        agent.hear(offer(nodes=[33]), source)
    agent.wait(WAIT_MS)
    assert not agent.out.reboots


def test_who_helps_does_it_seldom_and_its_own_updates_do_not_wait_for_that() -> None:
    table, now_ms, helped = MemoryTable(), 1_000, 0
    for _ in range(24 * 12):
        agent = helper(table=table, now_ms=now_ms)
        agent.wait(WAIT_MS)
        helped += len(agent.out.reboots)
        now_ms = ticks_add(now_ms, 300_000)
    assert 4 <= helped <= 8
    agent = Listener(table, release=(5, KIND, talk.STAGE_CONFIRMED), now_ms=now_ms)
    agent.hear(offer(sequence=6))
    agent.wait(WAIT_MS)
    assert agent.out.reboots == [REBOOT_UPDATE]


def test_offers_that_bring_nothing_are_followed_more_and_more_seldom() -> None:
    table, now_ms, sessions = MemoryTable(), 1_000, []
    for generation in range(24 * 12):  # each five minutes of a day, always another one
        agent = Listener(table, now_ms=now_ms)
        agent.hear(offer(sequence=5 + generation, generation=generation))
        agent.wait(WAIT_MS)
        if agent.out.reboots:
            sessions.append(generation * 5)
        now_ms = ticks_add(now_ms, 300_000)
    assert sessions[0] == 0 and len(sessions) <= 8
    gaps = [sessions[n + 1] - sessions[n] for n in range(len(sessions) - 1)]
    assert gaps == sorted(gaps) and gaps[0] * 60_000 >= UPDATE_MS_MIN
    # A release that came is another one that runs: it begins anew.
    agent = Listener(table, release=(5, KIND, talk.STAGE_CONFIRMED), now_ms=now_ms)
    agent.hear(offer(sequence=6))
    agent.wait(WAIT_MS)
    assert agent.out.reboots == [REBOOT_UPDATE]


def test_a_clock_that_began_anew_does_not_forbid_updates() -> None:
    table = MemoryTable()
    for now_ms in (400_000_000, 1_000):
        agent = Listener(table, now_ms=now_ms)
        agent.hear(offer())
        agent.wait(WAIT_MS)
        assert agent.out.reboots == [REBOOT_UPDATE]


def test_what_cannot_be_counted_is_not_begun() -> None:
    agent = Listener()

    def fail(key: bytes) -> None:
        raise OSError(5)

    agent.table.get = fail
    agent.hear(offer())
    agent.wait(WAIT_MS)
    assert not agent.out.reboots and agent.said(KIND_REPORT)


def test_malformed_offers_are_dropped() -> None:
    for wrong in (
        [],
        offer()[:6],
        "x",
        {1: 2},
        offer()[:6] + [5],
        offer()[:1] + ["x"] + offer()[2:],
    ):
        agent = Listener()
        agent.hear(wrong)
        agent.wait(WAIT_MS)
        assert not agent.out.reboots and not agent.out.frames
        assert agent.agent.meters.kinds[0] == 1


def test_many_offers_at_a_time_are_not_answered_one_by_one() -> None:
    agent = Listener()
    for generation in range(200):
        agent.hear(offer(sequence=3, generation=generation))
        agent.wait(20)
    assert 1 <= len(agent.said(KIND_REPORT)) <= 4
    assert len(agent.said(KIND_OFFER)) <= 4
    agent.out.take_frames()
    agent.wait(10_000)
    agent.out.take_frames()
    agent.hear(offer(sequence=3, generation=1_000))
    agent.wait(WAIT_MS)
    assert len(agent.said(KIND_REPORT)) == 1


def test_the_next_session_may_begin_at_the_end_of_the_pause_and_not_before() -> None:
    agent = Listener()
    agent.hear(offer(kind=KIND + 1))  # of others; from then on it knows of offers
    offers = agent.agent._offers
    for begins_at_ms in (5_000, ticks_add(0, -(UPDATE_MS_MIN >> 1))):  # where ticks pass zero
        agent.table.put(b"update", b"")
        assert offers._begin(begins_at_ms, b"update") == 1
        ends_at_ms = ticks_add(begins_at_ms, UPDATE_MS_MIN)
        for now_ms in (begins_at_ms, ticks_add(ends_at_ms, -1)):
            assert offers._begin(now_ms, b"update") == 0
        assert offers._begin(ends_at_ms, b"update") == 2


def test_an_offer_in_several_frames_is_answered_and_handed_on_once_each() -> None:
    agent = Listener()
    frames = [offer(nodes=range(at, at + 34)) for at in (100, 200, 300)]
    for _ in range(100):
        for fields in frames:
            agent.hear(fields)
            agent.wait(2_000)
    assert agent.said(KIND_OFFER) == frames and len(agent.said(KIND_REPORT)) == 3
    agent = Listener()
    for _ in range(3):
        for at in range(100, 150):
            agent.hear(offer(nodes=[at]))
            agent.wait(5_000)
    assert len(agent.said(KIND_OFFER)) == 32  # what it does not note it leaves to others


def test_who_is_named_in_any_frame_of_an_offer_goes() -> None:
    node = Listener().agent.identity.node
    for count in (2, 5, 40):  # in the while in which four are answered; more than it notes
        agent = Listener()
        frames = [offer(nodes=[100 + at]) for at in range(count - 1)] + [offer(nodes=[100, node])]
        for _ in range(count):
            for fields in frames:
                if not agent.out.reboots:
                    agent.hear(fields)
                    agent.wait(2_000)
        assert agent.out.reboots == [REBOOT_UPDATE]
    agent = Listener()
    for fields in (offer(nodes=[node]), offer(nodes=[100])):  # before it has answered the first
        agent.hear(fields)
    agent.wait(WAIT_MS)
    assert agent.out.reboots == [REBOOT_UPDATE]


def test_who_is_named_goes_whatever_the_class_which_its_updater_knows_better() -> None:
    node = Listener().agent.identity.node
    for nodes, reboots in (([100, node], [REBOOT_UPDATE]), ([100], []), ([], [])):
        agent = Listener()
        agent.hear(offer(kind=KIND + 1, nodes=nodes))
        agent.wait(WAIT_MS)
        assert agent.out.reboots == reboots


def test_an_offer_that_is_taken_back_is_followed_no_more() -> None:
    node = Listener().agent.identity.node
    agent = Listener()
    agent.hear(offer(nodes=[node]))
    agent.hear(offer(nodes=[100], generation=2))
    agent.wait(UPDATE_MS_MIN << 1)
    assert not agent.out.reboots


def test_who_is_named_looks_at_an_older_one_too_as_what_runs_may_be_a_thiefs() -> None:
    node = Listener().agent.identity.node
    for sequence, nodes, reboots in ((3, [node], 1), (3, [], 0), (4, [node], 0), (3, [100], 0)):
        agent = Listener()
        agent.hear(offer(sequence=sequence, nodes=nodes))
        agent.wait(WAIT_MS)
        assert len(agent.out.reboots) == reboots


def test_the_frames_of_the_next_offer_are_new_ones() -> None:
    agent = Listener()
    frames = [offer(nodes=[at], generation=made) for made in (1, 2) for at in (100, 200)]
    for fields in frames:
        agent.hear(fields)
        agent.wait(5_000)
    assert agent.said(KIND_OFFER) == frames


def test_what_others_say_of_one_frame_is_said_of_that_alone() -> None:
    agent = Listener()
    agent.hear(offer(nodes=[100]))
    agent.wait(5_000)
    agent.out.take_frames()
    agent.hear(offer(nodes=[200]))
    for source in (10, 11):
        agent.hear(offer(nodes=[100]), source)
    agent.wait(WAIT_MS)
    assert agent.said(KIND_OFFER) == [offer(nodes=[200])]


def test_of_boards_that_are_none_nothing_is_kept() -> None:
    agent = Listener()
    for at in range(100, 110):
        agent.hear(offer(nodes=["x" * at]))
        agent.wait(5_000)
    assert agent.said(KIND_OFFER) == [offer(nodes=["x" * 100])]
