"""An agent that sleeps deep forgets nothing that it should keep, and wears no flash for it."""

from kernel.codec import frame
from kernel.errors import (
    CAUSE_DEEP_SLEEP,
    EVENT_RESUMED,
    EVENT_SNAPSHOT_LOST,
    EVENT_STARTED,
)
from kernel.state.snapshot import SNAPSHOT_BYTES_MAX
from kernel.ticks import ticks_add, ticks_diff
from support.pair import START_MS
from support.sleeper import Sleeper

PERIOD_MS = 10_000


def counting(agent):
    """Publish once in each window, and count in state."""

    @agent.every(PERIOD_MS)
    def tick():
        agent.state["n"] = agent.state.get("n", 0) + 1
        agent.publish("n", agent.state["n"])


def kinds(board):
    """Return the kinds of all frames sent."""
    return [data[1] for data in board.frames]


def test_it_sleeps_from_window_to_window():
    board = Sleeper(counting, wake_period_ms=PERIOD_MS)
    board.run(200_000)
    assert 15 <= len(board.wakes) <= 20
    assert board.lights == 0
    gaps = [board.wakes[i + 1] - board.wakes[i] for i in range(len(board.wakes) - 1)]
    gaps = sorted([gap & ((1 << 29) - 1) for gap in gaps])
    assert PERIOD_MS - 500 <= gaps[len(gaps) // 2] <= PERIOD_MS + 500


def test_it_goes_on_where_it_was():
    board = Sleeper(counting, wake_period_ms=PERIOD_MS)
    board.run(205_000)
    assert board.agent.recovery.boots == 1
    assert board.agent.wakes == len(board.wakes)
    assert board.agent.uptime_ms() == ticks_diff(board.now_ms, START_MS)
    assert 16 <= board.agent.keeper.state["n"] <= 20
    assert kinds(board).count(frame.KIND_MESSAGE) == board.agent.keeper.state["n"]
    assert board.agent.status()["sent"] == len(board.frames)
    assert (EVENT_STARTED, 1) in board.reports and (EVENT_RESUMED, 3) in board.reports
    assert board.errors == []


def test_a_wake_without_news_writes_nothing():
    board = Sleeper(None, wake_period_ms=PERIOD_MS)
    board.run(60_000)
    commits = len(board.table.commits)
    wakes = len(board.wakes)
    board.run(200_000)
    assert len(board.wakes) > wakes + 15 and len(board.table.commits) == commits


def test_one_announcement_in_each_window():
    board = Sleeper(None, wake_period_ms=PERIOD_MS)
    board.run(60_000)
    board.frames.clear()
    wakes = len(board.wakes)
    board.run(100_000)
    announcements = kinds(board).count(frame.KIND_ANNOUNCE)
    assert abs(announcements - (len(board.wakes) - wakes)) <= 1


def test_a_lost_snapshot_is_a_boot_that_falls_back_to_flash():
    board = Sleeper(counting, wake_period_ms=PERIOD_MS)
    board.run(100_000)
    n = board.agent.keeper.state["n"]
    board.agent.stop(board.now_ms, board.out)
    board.memory = None
    board.boot(CAUSE_DEEP_SLEEP)
    assert (EVENT_SNAPSHOT_LOST, 0) in board.reports
    assert board.agent.recovery.boots == 2 and board.agent.keeper.state["n"] == n
    assert not board.agent.is_safe_mode


def test_every_flipped_bit_of_a_snapshot_is_noticed():
    board = Sleeper(counting, wake_period_ms=PERIOD_MS)
    board.run(60_000)
    buffer = bytearray(board.agent.snapshot_bytes)
    board.agent.hibernate(board.now_ms, buffer)
    for bit in range(0, 8 * len(buffer), 37):
        damaged = bytearray(buffer)
        damaged[bit // 8] ^= 1 << bit % 8
        board.memory, board.reports = damaged, []
        board.boot(CAUSE_DEEP_SLEEP)
        assert (EVENT_SNAPSHOT_LOST, 0) in board.reports


def test_the_snapshot_fits():
    board = Sleeper(counting, wake_period_ms=PERIOD_MS)
    assert board.agent.snapshot_bytes <= SNAPSHOT_BYTES_MAX


def test_who_waits_for_an_answer_keeps_its_memory():
    told = []

    def setup(agent):
        @agent.every(PERIOD_MS)
        def ask():
            agent.request("x", 1, "b", told.append, 25_000)

    board = Sleeper(setup, wake_period_ms=PERIOD_MS)
    board.run(40_000)
    row = board.agent.neighbours.hear(board.now_ms, 77, 0)
    board.agent.neighbours.introduce(row, "b")
    board.run(60_000)
    assert board.lights > 0
    assert "deadline" in [message.error for message in told]


def test_a_deadline_is_kept_asleep():
    told = []

    def setup(agent):
        @agent.every(60_000)
        def ask():
            agent.request("x", 1, "b", lambda answer: told.append(board.now_ms), 5_000)
            asked.append(board.now_ms)

    asked = []
    board = Sleeper(setup, wake_period_ms=60_000)
    board.run(120_000)
    row = board.agent.neighbours.hear(board.now_ms, 77, 0)
    board.agent.neighbours.introduce(row, "b")
    del asked[:]
    board.run(120_000)
    assert told and abs(ticks_diff(told[0], asked[0]) - 5_000) < 100


def test_a_traceback_is_on_flash_before_a_deep_sleep():
    board = Sleeper(None, wake_period_ms=PERIOD_MS)
    board.run(60_000)
    board.agent.keep_traceback(board.now_ms, b"ouch")
    board.agent.hibernate(board.now_ms, bytearray(board.agent.snapshot_bytes))
    assert board.table.values[b"crash"] == b"ouch"


def test_a_flash_that_fails_is_waited_for_in_deep_sleep():
    board = Sleeper(counting, wake_period_ms=PERIOD_MS)
    board.run(60_000)
    board.table.is_broken = True
    wakes = len(board.wakes)
    board.run(100_000)
    assert len(board.wakes) - wakes >= 8


def test_a_task_that_asks_to_stay_awake_is_heard():
    board = Sleeper(None)
    board.agent.application.stay_awake(1000)
    for _ in range(100):
        board.agent.on_time(board.now_ms, board.out)
        board.now_ms = ticks_add(board.now_ms, 20)
    assert ticks_diff(board.agent.next_wake_at_ms(), board.now_ms) > 0


def test_a_frame_made_outside_a_window_waits_for_it():
    def setup(agent):
        @agent.every(3_000)
        def fast():
            agent.publish("fast", 1)

    board = Sleeper(setup, wake_period_ms=PERIOD_MS)
    board.run(60_000)
    board.frames, board.sent_at_ms = [], []
    begin_ms = board.now_ms
    board.run(100_000)
    span_ms = ticks_diff(board.now_ms, begin_ms)
    assert abs(kinds(board).count(frame.KIND_MESSAGE) - span_ms // 3_000) <= 4
    # All of a window's frames leave together.
    assert abs(len(set(board.sent_at_ms)) - span_ms // PERIOD_MS) <= 3


def test_somebody_may_keep_it_awake():
    board = Sleeper(counting, wake_period_ms=PERIOD_MS)
    board.run(60_000)
    wakes = len(board.wakes)
    board.agent.application.stay_awake(45_000)
    board.run(40_000)
    assert len(board.wakes) == wakes and board.lights == 0
    board.run(40_000)
    assert len(board.wakes) > wakes


def test_without_a_period_it_never_sleeps():
    board = Sleeper(counting)
    board.run(100_000)
    assert board.wakes == [] and board.lights == 0
