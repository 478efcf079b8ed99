"""What an agent says never runs ahead of what it keeps."""

from kernel.codec import frame
from kernel.errors import (
    CAUSE_PANIC,
    CAUSE_WATCHDOG,
    EVENT_SAFE_MODE,
    EVENT_STORE_FAILED,
    REBOOT_ASKED,
)
from kernel.limits import ANNOUNCE_MS, STATE_DELAY_MS, STATE_RETRY_MS
from support.pair import START_MS, Node, Pair
from support.script import MemoryTable


def messages(pair, node):
    """Return how many messages a node was heard to say."""
    return len([
        data
        for data in pair.heard
        if data[1] == frame.KIND_MESSAGE and frame.read_source(data) == node.identity.node
    ])  # fmt: skip


def dosing(agent):
    """Tell of each dose, which must not be given twice."""
    agent.state.critical("doses")

    @agent.every(1000)
    def dose():
        agent.state["doses"] = agent.state.get("doses", 0) + 1
        agent.publish("dose", agent.state["doses"])


class CommitsBeforeFrames(MemoryTable):
    """Note how many frames had left at each commit."""

    def __init__(self, pair):
        super().__init__()
        self.pair = pair
        self.frames_before = []

    def commit(self):
        """Commit, and look at the air."""
        self.frames_before.append(len(self.pair.a.out.frames))
        return super().commit()


def test_critical_state_is_stored_before_a_frame_leaves():
    pair = Pair()
    table = CommitsBeforeFrames(pair)
    pair.a = pair.nodes[0] = Node("a", 1, table=table)
    pair.a.start(pair.now_ms)
    pair.a.agent.set_up(pair.now_ms, dosing, pair.a.out)
    table.commits.clear()
    table.frames_before.clear()
    pair.run(5000)
    assert len(table.frames_before) == 5 and messages(pair, pair.a) == 5
    assert table.values[b"sdoses"] == b"\x05"
    # At each commit nothing of that step had left: what was there before was taken away.
    assert table.frames_before == [0] * 5


def test_other_state_is_stored_within_its_delay():
    def setup(agent):
        @agent.every(100)
        def tick():
            agent.state["n"] = agent.state.get("n", 0) + 1

    pair = Pair(setup)
    commits = len(pair.a.table.commits)
    pair.run(10 * STATE_DELAY_MS)
    assert 8 <= len(pair.a.table.commits) - commits <= 10


def test_what_cannot_be_stored_is_not_said():
    pair = Pair(dosing)
    pair.run(3000)
    before = messages(pair, pair.a)
    pair.a.table.is_broken = True
    pair.run(ANNOUNCE_MS + 5000)
    assert before == 3 and messages(pair, pair.a) == before
    assert pair.a.status("dropped")["not stored"] >= 14
    assert pair.a.out.reports.count((EVENT_STORE_FAILED, 1)) == 1
    announcements = [data for data in pair.heard if data[1] == frame.KIND_ANNOUNCE]
    assert announcements  # it is still there for whoever looks for it
    pair.a.table.is_broken = False
    pair.run(2000)
    assert messages(pair, pair.a) == before + 2
    assert pair.a.table.values[b"sdoses"] == bytes((pair.a.agent.keeper.state["doses"],))


def test_a_value_gone_wrong_does_not_let_others_leave_unstored():
    def setup(agent):
        agent.state.critical("k")
        agent.state["log"] = []
        agent.state["k"] = 0

        @agent.every(1000)
        def tick():
            agent.state["log"].append(object())
            agent.state["k"] += 1
            agent.publish("k", agent.state["k"])

    pair = Pair(setup)
    pair.run(3000)
    assert pair.a.out.errors.count(("agent.state", "CborError")) == 3
    assert pair.a.table.values[b"sk"] == b"\x03" and messages(pair, pair.a) == 3


def test_a_change_by_a_task_is_stored_within_a_second():
    pair = Pair()
    pair.run(3000)
    pair.a.agent.application.state["n"] = 1
    assert pair.a.agent.next_wake_at_ms() == pair.now_ms
    pair.run(STATE_DELAY_MS + 100)
    assert pair.a.table.values[b"sn"] == b"\x01"


def test_what_cannot_be_read_keeps_the_application_out():
    table = MemoryTable()
    table.values = {b"sn": b"\x05"}
    table.is_broken = True
    node = Node("a", 1, table=table)
    node.start(START_MS)
    table.is_broken = False
    assert not node.agent.set_up(START_MS, lambda agent: agent.state.setdefault("n", 0), node.out)
    node.agent.stop(START_MS, node.out)
    assert table.values[b"sn"] == b"\x05"


def test_a_list_that_a_handler_holds_is_stored_before_its_frames():
    def setup(agent):
        agent.state.critical("log")
        log = agent.state.setdefault("log", [])
        log = agent.state["log"]

        @agent.every(1000)
        def tick():
            log.append(len(log))
            agent.publish("log", len(log))

    pair = Pair(setup)
    pair.run(5000)
    assert messages(pair, pair.a) == 5
    assert pair.a.table.values[b"slog"] == b"\x85\x00\x01\x02\x03\x04"


def test_state_that_can_be_read_again_brings_the_application_back():
    table = MemoryTable()
    table.values = {b"sn": b"\x05"}
    table.is_broken = True
    pair = Pair()
    node = pair.nodes[0] = pair.a = Node("a", 1, table=table)
    node.start(pair.now_ms)
    pair.run(2 * STATE_RETRY_MS)
    assert node.out.reboots == []
    assert node.out.reports.count((EVENT_STORE_FAILED, 1)) == 1
    table.is_broken = False
    pair.run(STATE_RETRY_MS)
    assert node.out.reboots == [REBOOT_ASKED] and table.values[b"sn"] == b"\x05"


def test_a_stop_before_the_start_changes_nothing():
    first = Node("a", 1)
    first.start(START_MS)
    before = dict(first.table.values)
    second = Node("a", 1, table=first.table)
    second.agent.stop(START_MS, second.out)
    assert second.table.values == before


def test_a_stop_stores_everything():
    node = Node("a", 1)
    node.start(START_MS)

    def setup(agent):
        agent.state["last"] = "words"

    node.agent.set_up(START_MS, setup, node.out)
    assert b"slast" not in node.table.values
    node.agent.stop(START_MS, node.out)
    assert node.table.values[b"slast"] == b"\x65words"


def test_a_reboot_that_is_asked_for_is_an_orderly_one():
    pair = Pair(lambda agent: agent.state.setdefault("n", 1))
    pair.a.agent.application.reboot()
    assert pair.a.agent.next_wake_at_ms() == pair.now_ms
    pair.a.agent.on_time(pair.now_ms, pair.a.out)
    assert pair.a.out.reboots == [REBOOT_ASKED]
    assert pair.a.table.values[b"sn"] == b"\x01"


def test_three_crashes_leave_the_application_out():
    table = MemoryTable()
    calls = []
    for cause in (CAUSE_PANIC, CAUSE_WATCHDOG, CAUSE_PANIC):
        node = Node("a", 1, table=table)
        node.start(START_MS, cause)
        node.agent.set_up(START_MS, calls.append, node.out)
    node = Node("a", 1, table=table)
    node.start(START_MS, CAUSE_PANIC)
    ran = len(calls)
    assert node.agent.is_safe_mode and node.status("safe_mode")
    assert not node.agent.set_up(START_MS, calls.append, node.out) and len(calls) == ran
    assert EVENT_SAFE_MODE in [event for event, _ in node.out.reports]
    node.agent.leave_safe_mode(START_MS, node.out)
    assert node.out.reboots == [REBOOT_ASKED]
    node = Node("a", 1, table=table)
    node.start(START_MS, CAUSE_PANIC)
    assert not node.agent.is_safe_mode


def test_a_traceback_is_there_after_a_reboot():
    pair = Pair()
    pair.a.agent.keep_traceback(pair.now_ms, b"Traceback: ouch")
    pair.run(2 * STATE_DELAY_MS)
    node = Node("a", 1, table=pair.a.table)
    node.start(START_MS)
    assert node.agent.report_health()["traceback"] == "Traceback: ouch"
