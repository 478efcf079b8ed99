"""What a rehearsal says of boards that do not have the release in the end."""

from dataclasses import replace

import pytest

from cma_toolkit.host_tools.cli.rollout_reasons import is_able, lacking, summary
from cma_toolkit.host_tools.rollout.desk import node_of
from cma_toolkit.host_tools.rollout.reach import NOTHING_COMES, Reach
from cma_toolkit.host_tools.rollout.records import Member, Prediction, Rollout, Run, Terms
from support.rollouts import NEW, mac_of

NEAR, FAR = Reach(100), Reach(NOTHING_COMES, why="no edge ever heard it")
WEAK = Reach(850)
BOX = Member(mac_of(1), "box-1", "b", 1)
ROLLOUT = Rollout(1, "app", NEW, "digest", Terms(battery_mv=3_600), 2, wave=1)


def why(
    member: Member, reach: Reach = NEAR, rollout: Rollout = ROLLOUT, *, raises: bool = False
) -> str:
    """Return the reason for one board, "" if it has the release."""
    raised = {node_of(member.mac)} if raises else set()
    found = dict(lacking(rollout, [member], {member.mac: reach}, raised))
    return found.get("box-1", "")


@pytest.mark.parametrize("stage", ["updated", "passed"])
def test_who_has_it_is_not_named(stage: str) -> None:
    assert not why(replace(BOX, stage=stage))


def test_what_failed_says_what_it_told_and_whether_the_application_raised() -> None:
    failed = replace(BOX, stage="failed", why="went back to release 6")
    assert why(failed) == "went back to release 6"
    assert "app.py raised there" in why(failed, raises=True)
    silent = replace(BOX, stage="silent", why="not heard for 60 min after it was fetching")
    assert why(silent, WEAK).endswith("85 % of its frames get lost on the way to the edge")


def test_what_keeps_a_board_from_it_is_said() -> None:
    assert why(replace(BOX, stage="queued"), FAR).startswith("no edge ever heard it: it cannot")
    low = replace(BOX, stage="queued", battery_mv=3_500)
    assert "3500 mV, less than the 3600" in why(low)
    for stage, words in (
        ("queued", "was not heard of"),
        ("fetching", "not all of it yet"),
        ("trial", "still on trial"),
    ):
        assert words in why(replace(BOX, stage=stage))
        assert is_able(ROLLOUT, replace(BOX, stage=stage), NEAR)
        assert not is_able(ROLLOUT, replace(BOX, stage=stage), FAR)
    assert not is_able(ROLLOUT, low, NEAR) and not is_able(
        ROLLOUT, replace(low, stage="failed"), NEAR
    )


def test_a_wave_that_did_not_open_says_what_it_waited_for() -> None:
    canary = replace(BOX, mac=mac_of(2), name="box-2", wave=0, stage="queued")
    boards, reach = [canary, BOX], {canary.mac: NEAR, BOX.mac: NEAR}
    found = dict(lacking(replace(ROLLOUT, wave=0), boards, reach, set()))
    assert found["box-1"].endswith("0 of the 1 boards before it had the release, 1 must")
    halted = replace(ROLLOUT, wave=0, state="halted", why="1 canary failed")
    assert dict(lacking(halted, boards, reach, set()))["box-1"].endswith("as 1 canary failed")


def test_runs_are_added_up_by_board() -> None:
    one, other = ("box-1", "it was still on trial"), ("box-2", "it was not heard of")
    runs = [Run(1, 1, 0, 0, "running", lacking=lacks) for lacks in ((one,), (one, other), ())]
    assert summary(Prediction("digest", 0, 2, tuple(runs))) == [
        "box-1, in 2 of 3 runs: it was still on trial",
        "box-2, in 1 of 3 runs: it was not heard of",
    ]
