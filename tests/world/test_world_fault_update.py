"""An update in the middle of a run: who is meant goes away, comes back with it, and keeps all."""

from itertools import pairwise
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.codec.frame import KIND_OFFER, read_source
from cma_toolkit.firmware.kernel.errors import (
    CAUSE_PANIC,
    CAUSE_POWER_ON,
    CAUSE_SOFT_RESET,
    EVENT_SAFE_MODE_LEFT,
    REBOOT_UPDATE,
)
from cma_toolkit.firmware.kernel.offers import UPDATE_MS_MIN
from cma_toolkit.firmware.kernel.release.talk import NODES_MAX, STAGE_CONFIRMED, STAGE_TRIAL
from cma_toolkit.sim.world import driver, trace
from cma_toolkit.sim.world.checkers import menu as checkers
from cma_toolkit.sim.world.faults.update import EDGE, UpdateMidRun
from cma_toolkit.sim.world.fleet import RELEASE_CLASS, Fleet, node_of
from cma_toolkit.sim.world.shards import near
from support.fault_world import APPS, CURRENTS_UA, END_S, START_S, fault, run

NEW = 2 + START_S
OLD = (1, RELEASE_CLASS, STAGE_CONFIRMED)
SLEEPERS = {"wake_period_ms": 5_000, "deep_sleep_ms": 1_000}
LIGHT_SLEEPERS = {**SLEEPERS, "deep_sleep_ms": 10_000}
QUICK = {"fetch_ms": 8_000, "trial_ms": 5_000}


def update(start_s: int = START_S, end_s: int = END_S, **values: int) -> Any:
    return fault("update-mid-run", start_s, end_s, **{**QUICK, **values})


def watched(*planned: Any, **more: Any) -> Any:
    return run(*planned, watchers=checkers.make(), currents=CURRENTS_UA, **more)


def went(notes: Any) -> dict[int, list[int]]:
    """Return when which agent went away to update."""
    found: dict[int, list[int]] = {}
    for at_ms, index, kind, content in notes.effects:
        if kind == trace.REBOOT and content[0] == REBOOT_UPDATE:
            found.setdefault(index, []).append(at_ms)
    return found


def boots(notes: Any, index: int) -> list[tuple[int, int]]:
    """Return when an agent booted, and why."""
    return [
        (at_ms, content[0])
        for at_ms, who, kind, content in notes.effects
        if who == index and kind == trace.BOOT
    ]


def offers_of_edge(notes: Any) -> list[tuple[int, int, bytes]]:
    """Return the offers that the edge itself made: when, to whom, and the frame."""
    return [
        (at_ms, target, data)
        for at_ms, _source, target, data in notes.arrived_at_ms
        if data[1] == KIND_OFFER and read_source(data) == node_of(EDGE)
    ]


def releases(made: Fleet) -> list[tuple[int, int, int]]:
    return [board.release for board in made.boards]


def test_a_fleet_updates_and_keeps_its_state() -> None:
    made, notes = watched(update())
    away = went(notes)
    assert sorted(away) == [0, 1, 2, 3] and all(len(times) == 1 for times in away.values())
    assert releases(made) == [(NEW, RELEASE_CLASS, STAGE_CONFIRMED)] * 4
    for index, (left_ms,) in away.items():
        causes = [cause for _at_ms, cause in boots(notes, index)]
        assert causes == [CAUSE_POWER_ON, CAUSE_SOFT_RESET, CAUSE_SOFT_RESET]
        back_ms = boots(notes, index)[1][0]
        assert QUICK["fetch_ms"] < back_ms - left_ms < QUICK["fetch_ms"] + 1_000
        silent = [at for at, source, _data in notes.sent_at_ms if source == index]
        assert not [at for at in silent if left_ms < at < back_ms]
    assert min(state["count"] for state in made.states()) >= 90 // 3 - 6
    assert [board.agent.release for board in made.boards] == releases(made)
    offers = offers_of_edge(notes)
    assert len({(target, data) for _at, target, data in offers}) == len(offers) > 4 * 5


def test_a_bad_release_crashes_and_the_one_before_finds_its_state() -> None:
    made, notes = watched(update(is_bad=1))
    assert releases(made) == [OLD] * 4
    for index in range(4):
        causes = [cause for _at_ms, cause in boots(notes, index)]
        assert causes == [CAUSE_POWER_ON, CAUSE_SOFT_RESET, CAUSE_PANIC]
    assert all(len(times) == 1 for times in went(notes).values())  # nobody tries it again
    assert min(state["count"] for state in made.states()) >= 90 // 3 - 6


def test_who_is_not_meant_stays() -> None:
    made, notes = watched(update(permille=400), agents=8)
    meant = set(went(notes))
    assert 0 < len(meant) < 8
    assert {index for index, each in enumerate(releases(made)) if each != OLD} == meant
    for index in set(range(8)) - meant:
        assert len(boots(notes, index)) == 1


def test_who_does_not_hear_the_edge_hears_of_it_from_its_neighbours() -> None:
    few = update(heard_permille=200)
    _made, notes = watched(few, agents=8)
    heard = {target for at_ms, target, _data in offers_of_edge(notes) if at_ms < END_S * 1000}
    assert 0 < len(heard) < 8 and len(went(notes)) == 8


def test_a_large_fleet_is_named_in_several_offers() -> None:
    made, notes = run(update(permille=900), agents=44, seconds=70, setup=lambda agent: None)
    meant = {index for index, each in enumerate(releases(made)) if each != OLD}
    assert NODES_MAX < len(meant) < 44 and meant == set(went(notes))


def test_sleepers_update_in_their_windows() -> None:
    made, notes = watched(update(), settings=SLEEPERS)
    assert sorted(went(notes)) == [0, 1, 2, 3]
    assert {each[0] for each in releases(made)} == {NEW}
    assert all(status["wakes"] > 0 for status in made.statuses())


def test_power_that_goes_in_the_updater_leaves_the_old_release() -> None:
    dark = fault("brown-out-loop", 45, 75, agent=1, period_ms=60_000, dark_ms=60_000)
    made, notes = watched(update(fetch_ms=30_000), dark)
    assert went(notes)[1][0] < 45_000
    assert [each[0] for each in releases(made)] == [NEW, 1, NEW, NEW]
    assert [at_ms for at_ms, _cause in boots(notes, 1)][1] == 75_000


def test_who_gave_a_release_up_asks_again_seldom_and_is_not_served() -> None:
    for_nobody = update(START_S + 1, 1_400, permille=1)
    made, notes = run(update(is_bad=1, end_s=1_400), for_nobody, seconds=1_400, agents=2)
    assert [len(times) for times in went(notes).values()] == [2, 2]
    assert all(later - first > 600_000 for first, later in went(notes).values())
    assert releases(made) == [OLD] * 2
    for index in range(2):
        assert [cause for _at_ms, cause in boots(notes, index)].count(CAUSE_PANIC) == 1


def test_who_is_away_still_has_a_state_and_a_status() -> None:
    made, _notes = watched(update(fetch_ms=30_000), seconds=40)
    assert all(board.is_updating and board.agent is None for board in made.boards)
    assert min(state["count"] for state in made.states()) >= 20 // 3 - 2
    assert made.statuses()[2]["boots"] == 1


def test_at_its_end_nobody_fetches_or_tries_any_more() -> None:
    made, notes = watched(update(fetch_ms=3_600_000))
    assert len(went(notes)) == 4 and releases(made) == [OLD] * 4
    assert all(cause == CAUSE_SOFT_RESET and END_S * 1000 < at_ms < END_S * 1000 + 1_000
               for at_ms, cause in (boots(notes, index)[1] for index in range(4)))  # fmt: skip
    made, _notes = watched(update(trial_ms=3_600_000), seconds=END_S - 1)
    assert {each[2] for each in releases(made)} == {STAGE_TRIAL}
    made.run(3)
    assert {each[2] for each in releases(made)} == {STAGE_CONFIRMED}


def test_a_release_on_trial_is_judged_before_the_next_and_older_ones_are_passed_over() -> None:
    made, notes = watched(update(20, 60), update(21, 60, is_bad=1), update(19, 60))
    assert {each[0] for each in releases(made)} <= {NEW - 1, NEW}
    taken_ms = QUICK["fetch_ms"] + QUICK["trial_ms"]
    for times in went(notes).values():
        assert len(times) <= 3
        assert all(later - before > taken_ms for before, later in pairwise(times))


def test_another_application_leads_out_of_safe_mode() -> None:
    crashes = [fault("crash", 5 + 4 * n, 6 + 4 * n, agent=1) for n in range(3)]
    made, notes = run(*crashes, update())
    assert made.statuses()[1]["safe_mode"] is False
    left = notes.reports(EVENT_SAFE_MODE_LEFT)
    assert [index for _at_ms, index in left] == [1]


def test_its_runs_are_those_of_their_seed() -> None:
    digests = [run(update(permille=600), seed=seed)[0].digest() for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


def described(**more: Any) -> dict[str, Any]:
    values = {"kind": "update-mid-run", "start_ms": 20_000, "end_ms": 60_000, **QUICK}
    return {
        "app": str(APPS / "ledger.py"),
        "agents": 3,
        "seconds": 70,
        "seed": 7,
        "sensors": {},
        "loss_permille": 50,
        "range_m": 0,
        "keep": True,
        "faults": [values, {**values, "start_ms": 45_000, "is_bad": 1}],
        **more,
    }


def test_an_agent_in_a_micropython_of_its_own_updates_alike() -> None:
    here, there = driver.run(described()), driver.run(described(in_micropython=2))
    assert here["digest"] == there["digest"] and here["statuses"] == there["statuses"]
    assert here["statuses"][2]["boots"] == 5  # of two releases, one of them bad


def test_shards_change_nothing() -> None:
    spec = described(agents=12, range_m=15, app=str(APPS / "gossip.py"))
    whole = driver.run(spec)
    assert near.run(spec, 3) == whole
    assert max(status["boots"] for status in whole["statuses"]) == 5


@pytest.mark.parametrize("is_bad", [0, 1])
def test_shards_change_nothing_where_a_trial_is_as_long_as_a_boot(is_bad: int) -> None:
    values = {"kind": "update-mid-run", "start_ms": 20_000, "end_ms": 45_000, "is_bad": is_bad}
    spec = described(agents=24, range_m=15, app=str(APPS / "gossip.py"), seconds=35)
    spec["faults"] = [{**values, "fetch_ms": 3_000, "trial_ms": 350}]
    assert near.run(spec, 3) == driver.run(spec)


def test_who_does_not_listen_uses_no_offers_up() -> None:
    _made, notes = run(update(), fault("radio-dead", 24, 44, agent=1))
    offers = offers_of_edge(notes)
    numbers = [data[12] << 8 | data[13] for _at_ms, target, data in offers if target == 1]
    assert len(numbers) > 4
    # One may be on its way as the radio dies, or as the board goes to update.
    assert (numbers[-1] - numbers[0]) % (1 << 16) < len(numbers) + 2


@pytest.mark.parametrize("settings", [{}, LIGHT_SLEEPERS], ids=["awake", "asleep"])
def test_nobody_follows_an_offer_up_once_the_fault_is_over(settings: dict[str, int]) -> None:
    # Who found nothing and hears the offer again has it in mind for ten minutes.
    longer = {"fetch_ms": 60_000, "trial_ms": 5_000}
    planned = update(20, 40, **longer), update(600, 620, **longer)
    _made, notes = run(*planned, settings=settings, seconds=1_500)
    away = went(notes)
    assert sorted(away) == [0, 1, 2, 3]
    assert all(20_000 < at_ms < 620_000 for times in away.values() for at_ms in times)


def test_who_never_listens_again_is_waited_for_as_long_as_an_offer_is_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks, take_back = [], UpdateMidRun._take_back

    def look(fault: UpdateMidRun, index: int) -> None:
        looks.append((fault.fleet.clock.now_ms, index))
        take_back(fault, index)

    monkeypatch.setattr(UpdateMidRun, "_take_back", look)
    run(update(20, 40), fault("radio-dead", 39, 1_000, agent=1), seconds=1_000)
    last_ms = max(looks)[0]
    assert {index for at_ms, index in looks if at_ms > 41_000} == {1}
    assert 0 <= last_ms - 40_000 - UPDATE_MS_MIN < 100
