"""A roll-out at its desk: from start to end, and over every death of the operator's computer."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.rollout.decide import ASK_S
from cma_toolkit.host_tools.rollout.desk import Desk, node_of
from cma_toolkit.host_tools.rollout.records import (
    ABORTED,
    DONE,
    HALTED,
    NOBODY,
    PAUSED,
    RUNNING,
    Report,
    Terms,
)
from cma_toolkit.host_tools.rollout.store import Store
from support.rollouts import (
    MINUTE_S,
    NEW,
    OLD,
    START_S,
    TERMS,
    agents_of,
    begin,
    live,
    mac_of,
    opened,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with opened(path) as store:
        yield store


def stages_of(store: Store) -> list[str]:
    rollout = store.newest()
    assert rollout
    return [member.stage for member in store.members(rollout)]


def state_of(store: Store) -> str:
    rollout = store.newest()
    assert rollout
    return rollout.state


def test_a_good_release_reaches_every_board_wave_by_wave(store: Store) -> None:
    rollout = begin(store, 10)
    live(Desk(store), agents_of(10), 60)
    assert state_of(store) == DONE and stages_of(store) == ["updated"] * 10
    opened_at = [at_s for at_s, _, what in store.steps(rollout) if "opened" in what]
    assert len(opened_at) == 2 and opened_at[1] - opened_at[0] >= TERMS.soak_s
    told = [what for _, mac, what in store.steps(rollout) if mac == mac_of(3)]
    assert told[-3:] == ["fetching", "trial", "updated"]


def test_who_speaks_for_a_board_that_is_heard_halts_it_and_opens_no_wave(store: Store) -> None:
    rollout = begin(store, 10)
    agents, desk = agents_of(10), Desk(store)
    for agent in agents:
        agent.wakes_at_s = START_S + 3 * MINUTE_S
    desk.on_time(START_S)
    desk.on_report(Report(_canary(store), NEW, "confirmed", NEW), START_S)
    asked = live(desk, agents, 60)
    found = store.newest()
    assert state_of(store) == HALTED and found and found.wave == 0 and asked <= {_canary(store)}
    assert f"went back to release {OLD}" in [what for _, _, what in store.steps(rollout)]


@pytest.mark.parametrize("fate", ["bad", "mute"])
def test_a_bad_release_reaches_the_canary_only(store: Store, fate: str) -> None:
    begin(store, 10)
    agents = agents_of(10, fate)
    asked = live(Desk(store), agents, 120)
    rollout = store.newest()
    assert rollout and rollout.state == HALTED and rollout.why == "1 canary failed"
    (canary, *others) = store.members(rollout)
    assert asked == {node_of(canary.mac)}
    assert ("rejected it" if fate == "bad" else "not heard for 60 min") in canary.why
    assert {member.stage for member in others} == {"waiting"}


def test_the_first_failure_halts_it_at_once_and_for_who_opens_the_database_next(
    path: Path,
) -> None:
    with opened(path) as store:
        begin(store, 10)
        desk = Desk(store)
        desk.on_time(START_S)
        desk.on_report(Report(_canary(store), OLD, "rejected", NEW, reason=3), START_S)
    with opened(path) as store:
        assert state_of(store) == HALTED
        assert Desk(store).offers(START_S)[0].nodes == (NOBODY,)


def test_a_board_that_sleeps_takes_it_when_it_wakes(store: Store) -> None:
    begin(store, 10, replace(TERMS, enough_permille=800))
    agents = agents_of(10)
    sleeper = next(agent for agent in agents if agent.node != _canary(store))
    sleeper.wakes_at_s = START_S + 3 * 24 * 60 * MINUTE_S
    desk = Desk(store)
    live(desk, agents, 120)
    assert sorted(stages_of(store)) == ["queued", *["updated"] * 9]
    assert state_of(store) == RUNNING
    live(desk, agents, 10, sleeper.wakes_at_s)
    assert state_of(store) == DONE


def test_boards_in_flight_that_are_not_heard_are_asked_again(store: Store) -> None:
    begin(store, 3)
    desk = Desk(store)
    desk.on_time(START_S)
    (offer,) = desk.offers(START_S)
    (canary,) = offer.nodes
    desk.on_report(Report(canary, NEW, "trial", NEW), START_S)
    generations = []
    for minute in range(38):
        at_s = START_S + minute * MINUTE_S
        if minute == 35:
            desk.on_report(Report(canary, NEW, "trial", NEW), at_s)
        (offer,) = desk.offers(at_s)
        generations.append(offer.generation)
    asked = [minute for minute in range(1, 38) if generations[minute] > generations[minute - 1]]
    assert asked == [*range(3, 35, ASK_S // MINUTE_S), 35]  # and left alone once it is heard
    desk.pause(START_S + 3_000)
    paused, later = (desk.offers(START_S + at_s)[0].generation for at_s in (3_000, 9_000))
    assert paused == later


def test_generations_grow_with_each_change_of_an_offer_and_only_then(store: Store) -> None:
    begin(store, 4)
    desk, seen = Desk(store), []
    desk.on_time(START_S)
    for turn in (None, None, desk.pause, desk.pause, desk.resume, None):
        if turn is not None and not (turn == desk.pause and state_of(store) == PAUSED):
            turn(START_S)
        seen += [(offer.generation, offer.nodes) for offer in desk.offers(START_S)]
    canary = (_canary(store),)
    nobody = (NOBODY,)
    assert seen == [(1, canary), (1, canary), (2, nobody), (2, nobody), (3, canary), (3, canary)]
    desk.abort(START_S)
    begin(store, 4)
    desk.on_time(START_S)
    assert [offer.generation for offer in desk.offers(START_S)] == [4]


def test_a_pause_is_seen_at_once_by_who_serves(path: Path) -> None:
    with opened(path) as served, opened(path) as person:
        begin(served, 4)
        desk = Desk(served)
        desk.on_time(START_S)
        assert desk.offers(START_S)[0].nodes != (NOBODY,)
        Desk(person).pause(START_S)
        assert desk.offers(START_S)[0].nodes == (NOBODY,)
        desk.on_report(Report(_canary(served), OLD, "fetching", NEW), START_S)
        assert state_of(person) == PAUSED and "fetching" in stages_of(person)
        Desk(person).abort(START_S)
        desk.on_time(START_S)
        desk.on_report(Report(_canary(served), NEW, "trial", NEW), START_S)
        assert state_of(served) == ABORTED and "fetching" in stages_of(served)


def test_who_failed_in_a_pause_counts_and_who_was_accepted_does_not(store: Store) -> None:
    begin(store, 10)
    desk = Desk(store)
    desk.on_time(START_S)
    desk.pause(START_S)
    desk.on_report(Report(_canary(store), OLD, "rejected", NEW, reason=3), START_S)
    desk.resume(START_S)
    desk.on_time(START_S)
    assert state_of(store) == HALTED
    with pytest.raises(CmaError, match="add --yes") as caught:
        desk.resume(START_S)
    assert caught.value.code is ExitCode.NEEDS_YES and state_of(store) == HALTED
    desk.resume(START_S, yes=True)
    live(desk, agents_of(10), 60)
    assert state_of(store) == DONE and sorted(set(stages_of(store))) == ["failed", "updated"]


def test_what_cannot_be_turned_is_refused(store: Store) -> None:
    desk = Desk(store)
    for turn in (desk.pause, desk.resume, desk.abort):
        with pytest.raises(CmaError, match="cma rollout start"):
            turn(START_S)
    assert desk.offers(START_S) == []
    begin(store, 2)
    with pytest.raises(CmaError, match="is running") as caught:
        desk.resume(START_S)
    assert caught.value.code is ExitCode.USAGE
    with pytest.raises(CmaError, match=r"app 7 is running.*cma rollout abort"):
        begin(store, 2)
    desk.abort(START_S)
    with pytest.raises(CmaError, match="cma rollout start"):
        desk.pause(START_S)
    begin(store, 2)


def test_of_boards_in_no_roll_out_nothing_is_kept(store: Store) -> None:
    desk = Desk(store)
    desk.on_report(Report(12345, OLD), START_S)
    begin(store, 2)
    desk.on_report(Report(12345, NEW, "confirmed", NEW), START_S)
    assert stages_of(store) == ["waiting"] * 2


class _DeathError(Exception):
    """The operator's computer lost its power."""


class _Dying:
    """A connection that dies before a statement, or right after its transaction was written."""

    def __init__(self, connection: sqlite3.Connection, statements: int, *, late: bool) -> None:
        self._connection = connection
        self._left = statements
        self._late = late

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> Any:
        return self._run(self._connection.execute, arguments)

    def executemany(self, *arguments: Any) -> Any:
        return self._run(self._connection.executemany, arguments)

    def _run(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        self._left -= 1
        if self._left == 0 and self._late and arguments[0] == "COMMIT":
            function(*arguments)
        if self._left <= 0:
            raise _DeathError
        return function(*arguments)


_NODES = [node_of(mac_of(number)) for number in range(3)]


def _story(desk: Desk) -> list[Any]:
    """Return what happens to a roll-out, step by step; each step may be taken twice."""
    minutes = [START_S + MINUTE_S * minute for minute in range(5)]
    steps: list[Any] = [lambda: desk.on_time(minutes[0]), lambda: desk.offers(minutes[0])]
    for node in _NODES:
        for minute, told in enumerate(
            (
                Report(node, OLD, "fetching", NEW, 500),
                Report(node, NEW, "trial", NEW),
                Report(node, NEW, "confirmed", NEW),
            )
        ):
            steps.append(lambda told=told, minute=minute: desk.on_report(told, minutes[minute]))
        steps.append(lambda: desk.on_time(minutes[4]))
        steps.append(lambda: desk.offers(minutes[4]))
    return steps


def _whole_story(path: Path, dies_after: int, *, late: bool) -> tuple[int, Any]:
    """Live through the story with one death; return the statements it took and how it ended."""
    count = 1 << 30
    with opened(path) as store:
        database = store.database
        database._connection = _Dying(database._connection, dies_after or count, late=late)  # type: ignore[assignment]
        at, offered = 0, set()
        try:
            for at, step in enumerate(_story(Desk(store))):  # noqa: B007 - where it died
                offered |= {node for offer in step() or () for node in offer.nodes}
            at += 1
        except _DeathError:
            pass
        used = count - database._connection._left  # type: ignore[attr-defined]
    with opened(path) as store:
        rollout = store.newest()
        assert rollout
        asked = {node_of(one.mac) for one in store.members(rollout) if one.wave <= rollout.wave}
        assert offered <= asked | {NOBODY}, "somebody was offered it before that was written"
        for step in _story(Desk(store))[at:]:
            step()
        rollout = store.newest()
        assert rollout
        return used, (rollout, store.members(rollout), store.steps(rollout))


@pytest.mark.parametrize("late", [False, True])
def test_a_computer_that_dies_anywhere_goes_on_where_it_was(tmp_path: Path, late: bool) -> None:
    path = tmp_path / "fleet.db"
    with opened(path) as store:
        begin(store, 3, Terms())
    begun = path.read_bytes()
    used, expected = _whole_story(path, 0, late=late)
    assert expected[0].state == DONE and used > 50
    for cut in range(1, used + 1):
        path.write_bytes(begun)
        _, found = _whole_story(path, cut, late=late)
        assert found[0] == replace(expected[0], generation=found[0].generation)
        assert found[1:] == expected[1:], cut


def _canary(store: Store) -> int:
    rollout = store.newest()
    assert rollout
    return node_of(store.members(rollout)[0].mac)


def test_who_was_not_asked_during_a_pause_is_not_silent_after_it(store: Store) -> None:
    begin(store, 4)
    desk, canary = Desk(store), _canary(store)
    desk.on_time(START_S)
    desk.on_report(Report(canary, OLD, "fetching", NEW, done_permille=100), START_S)
    desk.pause(START_S)
    back_s = START_S + 9 * TERMS.silence_s
    for at_s in range(START_S, back_s, MINUTE_S):
        desk.on_time(at_s)
    desk.resume(back_s)
    for at_s in range(back_s, back_s + TERMS.silence_s, MINUTE_S):
        desk.on_time(at_s)
        assert state_of(store) == RUNNING and "silent" not in stages_of(store)
    desk.on_time(back_s + TERMS.silence_s)  # it was asked, and did not answer
    assert state_of(store) == HALTED and "silent" in stages_of(store)
