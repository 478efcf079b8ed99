"""Roll-outs in emulated fleets: loss, sleep, power cuts, and releases that do harm."""

from dataclasses import replace

import pytest

from cma_toolkit.sim.rollout.world import Conditions, Member, World
from support.rollout_world import Fleet, update
from support.updating import image

FLEET = Fleet(40, cut_permille=200, soak_s=60, has_agents=False)  # in two clusters


def test_a_good_release_reaches_all_whose_power_fails_and_whose_frames_are_lost() -> None:
    told = update(FLEET, 120)
    assert set(told.ended.boards.values()) == {"updated"}
    assert told.rollout.state == "done" and told.ended.asked == 40
    assert {member.stage for member in told.members} == {"updated"}
    assert told.ended.power_cuts > 3
    assert all(0 < used < 2_000 for used in told.ended.used_uah.values())


@pytest.mark.parametrize(
    ("fate", "why"), [("crash", "rejected it"), ("mute", "not heard for 60 min")]
)
def test_a_bad_release_reaches_its_canary_and_leaves_it_as_it_was(fate: str, why: str) -> None:
    told = update(replace(FLEET, boards=10, cut_permille=0, fate=fate), 300)
    assert told.rollout.state == "halted" and told.ended.asked == 1
    assert set(told.ended.boards.values()) == {"as it was"}
    assert any(why in what for what in told.steps)


def test_an_edge_does_not_hear_who_is_far_and_a_board_not_whom_it_is_deaf_to() -> None:
    told = update(replace(FLEET, boards=4, far={3: 1_000}, cut_permille=0), 40)
    assert [member.name for member in told.members if member.stage != "updated"] == ["box-3"]
    assert told.rollout.state == "running"
    conditions = Conditions(image(1), b"", b"", b"", 0, 1, loss_permille=100)
    members = [Member(1, "a"), Member(2, "a", deaf_to=frozenset((1,))), Member(3, "a")]
    members[2] = replace(members[2], edge_permille=400)
    radio = World(members, conditions, lambda number, node: None).radio
    assert [radio.in_reach(index) for index in range(4)] == [
        [2, 3],
        [0, 2, 3],
        [0, 1, 3],
        [0, 1, 2],
    ]
    assert radio.loss_permille(3) == [100, 100, 400] and radio.loss_permille(2)[2] == 400


def test_agents_leave_their_application_for_it_and_come_back() -> None:
    told = update(replace(FLEET, boards=12, has_agents=True), 120)
    assert set(told.ended.boards.values()) == {"updated"} and told.ended.errors == 0
    assert told.rollout.state == "done" and told.ended.power_cuts


def test_schedules_alone_tell_nearly_what_agents_do() -> None:
    fleet = replace(FLEET, boards=8, soak_s=900, cut_permille=0)
    by_schedule, by_agents = (
        update(replace(fleet, has_agents=has_agents), 300).ended for has_agents in (False, True)
    )
    assert abs(by_schedule.took_ms / by_agents.took_ms - 1) < 0.3
    charges = [sum(ended.used_uah.values()) for ended in (by_schedule, by_agents)]
    assert abs(charges[0] / charges[1] - 1) < 0.3


def test_one_seed_is_one_run() -> None:
    few = replace(FLEET, boards=12)
    first, again, other = (update(replace(few, seed=seed), 60) for seed in (5, 5, 6))
    assert first == again
    assert first.ended != other.ended
