"""What becomes of a roll-out: stages, waves, halts, windows, and who is offered it."""

import os
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cma_toolkit.firmware.kernel.release.refusals import REFUSED_BATTERY
from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.rollout import decide, stages, waves, windows
from cma_toolkit.host_tools.rollout.records import (
    ABORTED,
    DONE,
    HALTED,
    PAUSED,
    RUNNING,
    Member,
    Report,
    Rollout,
    Terms,
)
from support.rollouts import NEW, OLD, START_S, mac_of, records

SOAK_S, SILENCE_S = 600, 3_600
TERMS = Terms(failures_max=1, soak_s=SOAK_S, silence_s=SILENCE_S)
REPORTS = {
    stages.OLD: Report(1, OLD),
    stages.FETCHES: Report(1, OLD, "fetching", NEW),
    stages.TRIES: Report(1, NEW, "trial", NEW),
    stages.HAS: Report(1, NEW, "confirmed", NEW),
    stages.REJECTED: Report(1, OLD, "rejected", NEW, reason=3),
    stages.WEAK: Report(1, OLD, "rejected", NEW, reason=REFUSED_BATTERY),
    stages.NEWER: Report(1, NEW + 1),
}


def rollout(waves_count: int = 3, **others: object) -> Rollout:
    made = Rollout(1, "app", NEW, "digest", TERMS, waves_count)
    made = replace(made, changed_at_s=START_S, listened_at_s=START_S)
    return replace(made, **others)  # type: ignore[arg-type]


def members(*each: tuple[int, str]) -> list[Member]:
    """Return boards by wave and stage."""
    return [
        Member(mac_of(number), f"box-{number}", "b", wave, stage, changed_at_s=START_S)
        for number, (wave, stage) in enumerate(each)
    ]


def after(state: Rollout, boards: list[Member], now_s: int) -> tuple[Rollout, list[Member]]:
    change = decide.on_time(state, boards, now_s)
    fresh = {member.mac: member for member in change.members}
    return change.rollout, [fresh.get(member.mac, member) for member in boards]


def test_every_stage_has_an_answer_to_everything() -> None:
    assert set(stages.NEXT) == {(one, event) for one in stages.STAGES for event in stages.EVENTS}
    assert set(stages.NEXT.values()) <= set(stages.STAGES)
    assert {stages.event_of(report, NEW) for report in REPORTS.values()} == set(REPORTS)
    for event, report in REPORTS.items():
        assert stages.event_of(report, NEW) == event


def test_a_board_is_only_good_by_its_own_word() -> None:
    for (before, event), stage in stages.NEXT.items():
        if stage in stages.GOOD and before not in stages.GOOD:
            assert event in (stages.HAS, stages.NEWER)
        if stage == stages.FAILED and before not in stages.BAD:
            went_back = before in (stages.TRIAL, stages.UPDATED) and event != stages.REJECTED
            assert event == stages.REJECTED or went_back
        assert stages.NEXT[stage, event] in (stage, stages.FAILED) or before == stages.PASSED


@pytest.mark.parametrize("stage", [stages.TRIAL, stages.UPDATED])
def test_a_board_that_is_back_at_what_it_had_has_failed(stage: str) -> None:
    (board,) = members((0, stage))
    change = decide.on_report(rollout(), board, REPORTS[stages.OLD], START_S)
    assert change.members[0].stage == stages.FAILED
    assert change.members[0].why == f"went back to release {OLD}" == change.steps[0][1]


def test_a_report_about_another_release_says_nothing_of_this_one() -> None:
    for stage in ("fetching", "rejected", "nonsense"):
        assert stages.event_of(Report(1, OLD, stage, NEW - 3), NEW) == stages.OLD
    assert stages.event_of(Report(1, OLD, "nonsense", NEW), NEW) == stages.OLD


def test_the_next_wave_waits_for_all_canaries_and_for_the_soak() -> None:
    boards = members((0, "updated"), (0, "trial"), (1, "waiting"), (2, "waiting"))
    boards = [replace(board, heard_at_s=START_S) for board in boards]
    state, boards = after(rollout(), boards, START_S + SOAK_S)
    assert state.wave == 0
    updated = replace(boards[1], stage="updated", changed_at_s=START_S + SOAK_S)
    boards = [boards[0], updated, *boards[2:]]
    for now_s, wave in ((2 * SOAK_S - 1, 0), (2 * SOAK_S, 1)):
        state, boards = after(
            replace(state, listened_at_s=START_S + now_s), boards, START_S + now_s
        )
        assert state.wave == wave
    assert [board.stage for board in boards] == ["updated", "updated", "queued", "waiting"]


def test_of_canaries_none_is_not_waited_for() -> None:
    terms = replace(TERMS, enough_permille=100)
    for stage, wave in (("queued", 0), ("updated", 1)):
        boards = members((0, "updated"), (0, stage), (1, "waiting"))
        state = rollout(terms=terms, listened_at_s=START_S + SOAK_S - 1)
        assert after(state, boards, START_S + SOAK_S)[0].wave == wave


def test_later_waves_wait_for_enough_boards_not_for_all() -> None:
    first = [(0, "updated"), *[(1, "updated")] * 8, (1, "queued")]
    for enough, wave in ((900, 2), (901, 1)):
        terms = replace(TERMS, enough_permille=enough)
        state = rollout(wave=1, terms=terms, listened_at_s=START_S + SOAK_S - 1)
        state, _ = after(state, members(*first, (2, "waiting")), START_S + SOAK_S)
        assert state.wave == wave


@pytest.mark.parametrize(
    ("each", "words"),
    [
        (((0, "failed"), (1, "waiting")), "1 canary failed"),
        (((0, "silent"), (0, "silent"), (1, "waiting")), "2 canaries failed"),
        (((0, "updated"), (1, "failed"), (1, "silent")), "2 boards failed, 1 may"),
        (((0, "updated"), (1, "failed"), (1, "queued")), ""),
    ],
)
def test_it_halts_when_a_canary_failed_or_too_many_did(
    each: tuple[tuple[int, str], ...], words: str
) -> None:
    state, boards = after(rollout(2), members(*each), START_S)
    assert (state.state, state.why) == ((HALTED, words) if words else (RUNNING, ""))
    assert not decide.offered(state, boards, START_S) or not words


def test_what_a_person_accepted_is_no_reason_to_halt_again() -> None:
    boards = members((0, "failed"), (0, "updated"), (1, "failed"), (1, "failed"))
    assert decide.why_halt(rollout(), boards)
    state = decide.accepted(rollout(), boards)
    assert not decide.why_halt(state, boards)
    more = [*boards, *members((1, "failed"))]
    assert decide.why_halt(state, more)


def test_a_board_that_took_it_and_is_not_heard_has_failed() -> None:
    for stage, now_s, found in (
        ("trial", SILENCE_S, "silent"),
        ("fetching", SILENCE_S, "silent"),
        ("trial", SILENCE_S - 1, "trial"),
        ("queued", 9 * SILENCE_S, "queued"),  # it sleeps
    ):
        boards = [
            replace(board, heard_at_s=START_S) for board in members((1, stage), (0, "updated"))
        ]
        listening = rollout(listened_at_s=START_S + now_s - 1, wave=1)
        _, boards = after(listening, boards, START_S + now_s)
        assert boards[0].stage == found
        assert ("not heard for 60 min" in boards[0].why) == (found == "silent")


def test_silence_counts_only_while_somebody_listened() -> None:
    boards = [replace(board, heard_at_s=START_S) for board in members((0, "trial"))]
    back_s = START_S + 9 * SILENCE_S
    state, boards = after(rollout(), boards, back_s)
    assert boards[0].stage == "trial"
    _, boards = after(
        replace(state, listened_at_s=back_s + SILENCE_S - 1), boards, back_s + SILENCE_S
    )
    assert boards[0].stage == "silent"


def test_the_soak_counts_only_while_somebody_listened() -> None:
    boards = members((0, "updated"), (1, "waiting"))
    back_s = START_S + 9 * SOAK_S  # or the clock jumped
    state, _ = after(rollout(), boards, back_s)
    assert state.wave == 0
    for now_s, wave in ((back_s + SOAK_S - 1, 0), (back_s + SOAK_S, 1)):
        state, _ = after(replace(state, listened_at_s=now_s - 1), boards, now_s)
        assert state.wave == wave


def test_a_board_whose_battery_is_too_low_for_the_release_waits() -> None:
    low = Report(1, OLD, "rejected", NEW, battery_mv=3_500, reason=REFUSED_BATTERY)
    one_at_once = rollout(terms=replace(TERMS, in_flight_max=1))
    for stage in ("queued", "fetching"):
        (board,) = members((0, stage))
        change = decide.on_report(rollout(), board, low, START_S)
        (board,) = change.members
        assert board.stage == "queued" and board.battery_mv == 3_500
        assert decide.offered(rollout(), [board], START_S)
        other = replace(board, mac=mac_of(9), heard_at_s=START_S)
        turns = range(START_S, START_S + SILENCE_S, SILENCE_S // 3)
        assert other in [decide.offered(one_at_once, [board, other], at_s)[0] for at_s in turns]


def test_it_is_done_when_every_board_has_answered() -> None:
    answered = [(0, "updated"), (1, "passed"), (1, "failed")]
    for each, state in ((answered, DONE), ([*answered, (1, "queued")], RUNNING)):
        found, _ = after(rollout(2, wave=1), members(*each), START_S + SOAK_S)
        assert found.state == state


@pytest.mark.parametrize("state", [PAUSED, HALTED, ABORTED, DONE])
def test_nobody_is_offered_a_release_that_does_not_run(state: str) -> None:
    boards = members((0, "queued"))
    assert decide.offered(rollout(), boards, START_S)
    assert not decide.offered(rollout(state=state), boards, START_S)


def test_a_weak_battery_waits_and_an_unknown_one_does_not() -> None:
    state = rollout(terms=replace(TERMS, battery_mv=3_600))
    for battery_mv, is_offered in ((0, True), (3_599, False), (3_600, True)):
        boards = [replace(board, battery_mv=battery_mv) for board in members((0, "queued"))]
        assert bool(decide.offered(state, boards, START_S)) == is_offered


def test_a_window_is_in_local_time_and_may_go_past_midnight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(os.environ, "TZ", "XYZ-2")  # two hours east
    time.tzset()
    try:
        noon_s = 1_800_007_200  # 10:00 of Greenwich
        assert time.localtime(noon_s).tm_hour == 12
        for text, is_open in (
            ("12:00-12:01", True),
            ("11:59-12:00", False),
            ("22:00-05:00", False),
            ("22:00-12:01", True),
            ("13:00-11:00", False),
        ):
            assert windows.is_open([text], noon_s) == is_open
            state = rollout(terms=replace(TERMS, windows=(text,)))
            assert bool(decide.offered(state, members((0, "queued")), noon_s)) == is_open
        assert windows.is_open(["22:00-05:00", "12:00-13:00"], noon_s)
        assert windows.is_open([], noon_s)
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.integers(1, 300), st.integers(1, 20), st.sets(st.integers(1, 100), min_size=1))
def test_waves_divide_the_boards(count: int, canaries: int, percents: set[int]) -> None:
    boards = records(count)
    divided = waves.divide(boards, "release", waves.Share(canaries, False), sorted(percents))
    chosen = [board.mac for wave in divided for board in wave]
    assert len(chosen) == len(set(chosen))
    assert len(divided[0]) == min(canaries, count)
    assert len(chosen) == max(len(divided[0]), -(-count * max(percents) // 100))
    assert all(divided)
    again = waves.divide(boards[::-1], "release", waves.Share(canaries, False), sorted(percents))
    assert divided == again


def test_canaries_are_of_many_kinds_and_others_for_each_release() -> None:
    kinds = ("esp32-devkitc", "xiao-esp32c3", "m5stack-atoms3")
    boards = [replace(board, board=kinds[number % 3]) for number, board in enumerate(records(90))]
    firsts = set()
    for release in map(str, range(20)):
        first = waves.divide(boards, release, waves.Share(5, True), [100])[0]
        assert len(first) == 4 and {board.board for board in first} == set(kinds)
        firsts.add(first[0].mac)
    assert len(firsts) > 10
    assert len(waves.divide(boards, "1", waves.Share(1, True), [100])[0]) == 1
    named = waves.divide(boards, "1", [boards[5].mac, "of nobody"], [100])
    assert named[0] == [boards[5]] and len(named[1]) == 89


@pytest.mark.parametrize("text", ["", "5%%", "101%", "-1", "five"])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CmaError, match="such as 5%"):
        waves.parse_share(text, "--canary")


@pytest.mark.parametrize("text", ["", "0", "10,10", "50,10", "10,101", "10,,50", "a"])
def test_percentages_that_do_not_rise_are_refused(text: str) -> None:
    with pytest.raises(CmaError, match="such as 10,50,100"):
        waves.parse_waves(text)


@pytest.mark.parametrize("text", ["", "22-5", "24:00-05:00", "22:00-22:00", "22:60-23:00"])
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="22:00-05:00"):
        windows.parse(text)


_events = st.one_of(
    st.tuples(st.integers(0, 11), st.sampled_from(sorted(REPORTS))),
    st.tuples(st.just(-1), st.integers(1, 2 * SILENCE_S)),
)


@settings(max_examples=60)
@given(st.lists(_events, max_size=60))
def test_whatever_boards_say_nobody_is_offered_it_too_early(
    events: list[tuple[int, object]],
) -> None:
    """Reports in any order, late, twice or never: waves, limit and offers hold."""
    each = [(min(2, number // 4), "waiting") for number in range(12)]
    state, boards = after(rollout(3), members(*each), START_S)
    now_s, opened_at_s = START_S, [START_S]
    for number, what in events:
        if number < 0:
            now_s += int(str(what))
            before = state.wave
            state, boards = after(state, boards, now_s)
            if state.wave > before:
                assert state.wave == before + 1
                opened_at_s.append(now_s)
        else:
            change = decide.on_report(state, boards[number], REPORTS[str(what)], now_s)
            boards[number : number + 1] = change.members or [boards[number]]
        bad = [board for board in boards if board.stage in stages.BAD]
        offered = decide.offered(state, boards, now_s)
        assert all(board.wave <= state.wave for board in offered)
        assert not {board.mac for board in offered} & {
            board.mac for board in boards if board.stage in stages.OVER
        }
        if number < 0 and (len(bad) > TERMS.failures_max or any(not board.wave for board in bad)):
            assert state.state in (HALTED, DONE)
            assert state.state == HALTED or not offered
        assert state.state != RUNNING or all(
            one + SOAK_S <= other for one, other in pairwise(opened_at_s)
        )


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_boards_than_may_fetch_it_at_once(most: int) -> None:
    state = rollout(1, terms=replace(TERMS, in_flight_max=most))
    boards = members(*[(0, "queued")] * 8)
    for stage in (stages.FETCHING, stages.TRIAL):
        busy = [replace(board, stage=stage) for board in boards[:most]]
        offered = decide.offered(state, [*busy, *boards[most:]], START_S)
        assert offered == (busy if stage == stages.FETCHING else [])
    assert len(decide.offered(state, boards, START_S)) == most
    assert decide.offered(rollout(1), boards, START_S) == boards


def test_who_was_heard_goes_first_and_nobody_keeps_the_place_of_another() -> None:
    state = rollout(1, terms=replace(TERMS, in_flight_max=2), started_at_s=START_S)
    boards = members(*[(0, "queued")] * 7)
    awake = replace(boards[5], heard_at_s=START_S)
    assert decide.offered(state, [*boards[:5], awake, boards[6]], START_S)[0] == awake
    turns = [START_S + turn * SILENCE_S // 3 for turn in range(7)]
    asked = [[board.name for board in decide.offered(state, boards, at_s)] for at_s in turns]
    assert len({name for names in asked for name in names}) == 7
    assert all(len(names) == 2 for names in asked)


def test_what_an_update_took_is_what_a_board_told_last_of_it() -> None:
    (board,) = members((0, "queued"))
    for used_uah, target, then in ((30, NEW, 30), (50, NEW, 50), (0, NEW, 50), (90, OLD, 50)):
        told = Report(1, OLD, "fetching", target, used_uah=used_uah)
        for fresh in decide.on_report(rollout(), board, told, START_S).members:
            board = fresh
        assert board.used_uah == then
