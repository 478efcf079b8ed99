"""Faults of boards: each does what it says, its agent lives on, and nothing of it stays."""

from typing import Any

import pytest

from cma_toolkit.firmware.kernel.errors import (
    CAUSE_POWER_ON,
    CAUSE_WATCHDOG,
    EVENT_SNAPSHOT_LOST,
    EVENT_STORE_FAILED,
)
from cma_toolkit.firmware.kernel.recovery.boots import KEY, SCORE_MAX
from cma_toolkit.firmware.kernel.ticks import ticks_diff
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.board import _LATE_FRAMES_MAX, FRAME
from cma_toolkit.sim.world.faults import menu
from support.fault_world import ALL_S, END_S, START_S, fault, run

AGENT = 1
PERIOD_MS = 5_000
SLEEPERS = {"wake_period_ms": PERIOD_MS, "deep_sleep_ms": 1_000}


def boots(notes: Any, cause: int) -> list[tuple[int, int]]:
    """Return when which agent booted for a cause."""
    return [
        (at_ms, index)
        for at_ms, index, kind, content in notes.effects
        if kind == trace.BOOT and content[0] == cause
    ]


def test_a_crash_costs_one_boot_and_no_state() -> None:
    made, notes = run(fault("crash", agent=AGENT, count=2))
    crashed = boots(notes, CAUSE_WATCHDOG)
    assert [index for _at, index in crashed] == [AGENT, AGENT]
    assert all(START_S * 1000 <= at_ms <= END_S * 1000 + 1_000 for at_ms, _index in crashed)
    counts = [state["count"] for state in made.states()]
    assert min(counts) == counts[AGENT] >= 27


@pytest.mark.parametrize("mode", range(9))
def test_a_torn_crash_happens_within_an_operation_of_flash(mode: int) -> None:
    made, notes = run(
        fault("torn-crash", agent=AGENT, operations=2, mode=mode, dark_ms=3_000), seconds=50
    )
    again = [at_ms for at_ms, index in boots(notes, CAUSE_POWER_ON) if index == AGENT]
    assert len(again) == 2 and again[1] > START_S * 1000 + 3_000
    assert made.states()[AGENT]["count"] >= 13


def test_a_torn_crash_that_never_came_is_disarmed() -> None:
    made, _notes = run(fault("torn-crash", agent=AGENT, operations=100_000))
    assert made.boards[AGENT].flash._cut is None
    assert made.statuses()[AGENT]["boots"] == 1


def test_a_slow_node_does_less() -> None:
    slow, _notes = run(fault("slow-node", agent=AGENT, slow_ms=2_500))
    fast, _notes = run()
    assert slow.states()[AGENT]["count"] < fast.states()[AGENT]["count"]
    assert slow.boards[AGENT].slow_ms == 0


def test_a_brown_out_loop_cuts_the_power_until_it_ends() -> None:
    made, notes = run(fault("brown-out-loop", agent=AGENT, period_ms=3_000, dark_ms=200))
    cuts = [at_ms for at_ms, index, kind, _c in notes.effects if kind == trace.POWER]
    assert cuts == list(range(START_S * 1000, END_S * 1000, 3_000))
    assert made.statuses()[AGENT]["uptime_ms"] >= (ALL_S - END_S) * 1000 - 1_000


def test_a_drifting_clock_drifts_while_the_fault_is_on() -> None:
    made, _notes = run(fault("clock-drift", agent=AGENT, ppm=10_000))
    assert made.boards[AGENT].oscillator.drift_ppb == 0
    ahead_ms = ticks_diff(made.boards[AGENT].ticks(), run()[0].boards[AGENT].ticks())
    assert 399 <= ahead_ms <= 401


def test_a_clock_jumps_once() -> None:
    made, _notes = run(fault("clock-jump", agent=AGENT, by_ms=30_000))
    ahead_ms = ticks_diff(made.boards[AGENT].ticks(), run()[0].boards[AGENT].ticks())
    assert ahead_ms == 30_000


def test_boards_without_entropy_draw_the_same_numbers() -> None:
    def setup(agent: Any) -> None:
        pass

    planned = [fault("low-entropy", agent=index) for index in (0, 1)]
    made, notes = run(*planned, setup=setup)
    streams = [vars(board.agent._rng) for board in made.boards]
    assert len(boots(notes, CAUSE_POWER_ON)) == 6
    assert streams[2] != streams[3]
    first_at_ms = [
        next(at for at, source, _d in notes.sent_at_ms if source == index and at > 22_000)
        for index in (0, 1)
    ]
    assert first_at_ms[0] == first_at_ms[1]
    assert made.boards[0].entropy is None


@pytest.mark.parametrize("kind", ["rtc-lost", "rtc-flip"])
def test_a_lost_or_wrong_snapshot_is_found_and_the_state_is_there(kind: str) -> None:
    made, notes = run(fault(kind, agent=AGENT, count=20), settings=SLEEPERS)
    found = notes.reports(EVENT_SNAPSHOT_LOST)
    assert found and {index for _at, index in found} == {AGENT}
    assert made.states()[AGENT]["count"] >= 10


def test_rotten_bits_are_found() -> None:
    made, _notes = run(fault("bit-rot", agent=AGENT, count=200))
    assert made.boards[AGENT].agent.table._medium.damaged > 0
    assert made.boards[0].agent.table._medium.damaged == 0


def test_a_full_flash_keeps_the_old_state_and_takes_the_new_one_later() -> None:
    made, notes = run(fault("flash-full", agent=AGENT, sectors_left=0), seconds=180)
    failed = notes.reports(EVENT_STORE_FAILED)
    assert failed and {index for _at, index in failed} == {AGENT}
    assert made.boards[AGENT].flash.bad == {}
    keeper = made.boards[AGENT].agent.keeper
    assert not keeper.has_failed and not keeper.is_blocked
    said = {m[1] for m in made.log.messages if m[2] == "count" and 30_000 < m[0] < 60_000}
    assert "agent-02" not in said and len(said) == 3


@pytest.mark.parametrize("calls", [1, 3, 7, 20])
def test_an_agent_without_heap_for_a_moment_lives_on(calls: int) -> None:
    made, _notes = run(fault("memory-error", agent=AGENT, calls=calls))
    assert made.boards[AGENT].flash._failure is None
    assert made.states()[AGENT]["count"] >= 26


def test_a_dead_radio_says_and_hears_nothing() -> None:
    made, notes = run(fault("radio-dead", agent=AGENT))
    assert not any(AGENT in pair for pair in notes.pairs(START_S + 1, END_S))
    assert any(pair[0] == AGENT for pair in notes.pairs(END_S, ALL_S))
    assert not made.boards[AGENT].is_radio_dead


def test_one_dead_radio_that_is_mended_stays_dead_for_the_other_fault() -> None:
    made, notes = run(
        fault("radio-dead", 20, 30, agent=AGENT), fault("radio-dead", 25, 60, agent=AGENT)
    )
    assert not any(AGENT in pair for pair in notes.pairs(31, 60))
    assert not made.boards[AGENT].is_radio_dead


def test_the_end_of_one_fault_leaves_the_other_of_its_kind_on_its_board() -> None:
    late = 100_000
    planned = [
        *[fault("torn-crash", 20, end_s, agent=AGENT, operations=late) for end_s in (30, 60)],
        *[fault("memory-error", 20, end_s, agent=AGENT, calls=late) for end_s in (30, 60)],
        *[fault("low-entropy", 20, end_s, agent=AGENT) for end_s in (30, 60)],
        *[fault("flash-full", 20, e, agent=AGENT, sectors_left=n) for e, n in ((30, 5), (60, 20))],
    ]
    made, _notes = run(*planned, seconds=40)
    board = made.boards[AGENT]
    assert board.flash._cut and board.flash._failure
    assert board.entropy == 0
    assert sorted(board.flash.bad) == list(range(20, board.flash.sector_count))
    made.run(30)
    assert (board.flash._cut, board.flash._failure, board.entropy) == (None, None, None)
    assert board.flash.bad == {}


def test_of_two_torn_crashes_each_comes() -> None:
    twice = [fault("torn-crash", agent=AGENT, operations=2, dark_ms=500) for _ in range(2)]
    _made, notes = run(*twice)
    assert len(boots(notes, CAUSE_POWER_ON)) == 4 + 2


@pytest.mark.parametrize("kind", ["torn-crash", "brown-out-loop"])
def test_the_power_is_back_once_its_faults_have_ended(kind: str) -> None:
    made, _notes = run(
        fault(kind, 20, 40, agent=AGENT, dark_ms=3_600_000),
        fault(kind, 20, 50, agent=AGENT, dark_ms=3_600_000),
        seconds=45,
    )
    assert made.boards[AGENT].is_dark
    made.run(10)
    assert made.statuses()[AGENT]["uptime_ms"] >= 4_000


def test_a_slow_node_keeps_no_more_frames_than_its_radio_and_none_for_its_next_life() -> None:
    slow = fault("slow-node", agent=AGENT, slow_ms=10_000)
    made, notes = run(slow, fault("crash", 58, 59, agent=AGENT, count=1), agents=30, seconds=59)
    board, queue = made.boards[AGENT], made.clock._queue
    waiting = [row for row in queue if row[2] == FRAME and row[3] == AGENT and row[0] > 59_100]
    assert 0 < board._late <= _LATE_FRAMES_MAX and len(waiting) <= _LATE_FRAMES_MAX
    before = board._unheard
    made.run(15)
    assert board._late == 0 and board._unheard >= before + len(waiting)
    per_ms: dict[int, int] = {}
    for at_ms, _source, target, _data in notes.arrivals(END_S, 74):
        per_ms[at_ms] = per_ms.get(at_ms, 0) + (target == AGENT)
    assert max(per_ms.values()) <= _LATE_FRAMES_MAX


def test_whoever_is_in_safe_mode_is_attended_to() -> None:
    def crashes() -> list[Any]:
        return [fault("crash", 20 + 5 * n, 21 + 5 * n, agent=AGENT) for n in range(3)]

    made, _notes = run(*crashes())
    assert [status["safe_mode"] for status in made.statuses()] == [False, True, False, False]
    made, _notes = run(*crashes(), fault("attend", 60, 61))
    assert [status["safe_mode"] for status in made.statuses()] == [False] * 4
    assert [status["boots"] for status in made.statuses()] == [1, 5, 1, 1]


def test_whoever_forgot_its_last_boot_is_attended_to_twice() -> None:
    made, _notes = run(seconds=20)
    board = made.boards[AGENT]
    assert board.agent is not None
    board.agent.recovery.is_safe = True
    table = board.agent.recovery._table
    record = bytearray(table.get(KEY) or b"")
    record[1], record[2] = 0, SCORE_MAX - 1  # of the boot before, which was the last but one
    table.put(KEY, bytes(record))
    table.commit()
    _start_ms, _end_ms, attend = fault("attend", 20, 21)
    attend.begin(made)
    made.run(10)
    assert [status["safe_mode"] for status in made.statuses()] == [False, True, False, False]
    attend.begin(made)
    made.run(10)
    assert [status["safe_mode"] for status in made.statuses()] == [False] * 4
    assert made.attended == [AGENT]


def test_after_its_end_no_fault_has_left_anything_on_its_board() -> None:
    once = [name for name in menu.NAMES if name not in ("bit-rot", "flash-full")]
    made, _notes = run(*[fault(name, 20, 40) for name in once])
    for board in made.boards:
        assert (board.slow_ms, board.is_radio_dead, board.entropy) == (0, False, None)
        assert board.oscillator.drift_ppb == 0
        assert (board.flash._cut, board.flash._failure, board.flash.bad) == (None, None, {})
    assert made.active_faults == []
