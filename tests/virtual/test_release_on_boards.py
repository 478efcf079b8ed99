"""A release on trial, on boards: one that crashes goes, and the one before comes back."""

from pathlib import Path

from support.board_records import AgentBoard
from support.recovery import BOARD, make_flash, settings_of
from support.virtual import VirtualBoards

OLD = b"def setup(agent):\n    agent.report('old')\n"
CRASHING = b"def setup(agent):\n    agent.report('new')\n    raise SystemExit\n"


def test_a_release_that_crashes_on_trial_is_left_for_the_one_before(
    shared_boards: VirtualBoards,
) -> None:
    board = AgentBoard(shared_boards, "tried", "")
    board.client.stop(board.name)
    flash = bytearray(make_flash(OLD, CRASHING, is_confirmed=False))
    at = BOARD.partition("nvs").offset
    own = settings_of(board.name)
    flash[at : at + len(own)] = own
    Path(board.info.image).write_bytes(flash)
    since = board.mark()
    board.client.start(board.name)
    board.wait_app("old", since)
    told = [fields.get("what") for fields in board.records()[since:]]
    # It had power, then three crashes: no more, and no fewer.
    assert [what for what in told if what] == ["new"] * 3 + ["old"]
    board.client.stop(board.name)
