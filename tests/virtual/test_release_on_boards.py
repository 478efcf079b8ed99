"""A release on trial, on boards: one that crashes goes, and the one before comes back."""

from pathlib import Path

from support.board_records import AgentBoard
from support.recovery import BOARD, NETWORK, make_flash, settings_of
from support.virtual import VirtualBoards

OLD = b"def setup(agent):\n    agent.report('old')\n"
CRASHING = b"def setup(agent):\n    agent.report('new')\n    raise SystemExit\n"


def nth_report(board: AgentBoard, since: int, count: int) -> int:
    """Return where the records behind so many reports of the application begin."""
    places = [at for at, fields in enumerate(board.records()) if at >= since and "what" in fields]
    return places[count - 1] + 1 if count else since


def test_a_release_that_crashes_on_trial_is_left_for_the_one_before(
    shared_boards: VirtualBoards,
) -> None:
    board = AgentBoard(shared_boards, "tried", "")
    board.client.stop(board.name)
    flash = bytearray(make_flash(OLD, CRASHING, is_confirmed=False))
    at = BOARD.partition("nvs").offset
    own = settings_of(board.name, NETWORK + 1)
    flash[at : at + len(own)] = own
    Path(board.info.image).write_bytes(flash)
    since = board.mark()
    board.client.start(board.name)
    # It had power, then three crashes: no more, and no fewer. Each has the time of one start.
    for count in range(1, 5):
        board.wait(lambda fields: "what" in fields, nth_report(board, since, count - 1))
    told = [fields["what"] for fields in board.records()[since:] if "what" in fields]
    assert told == ["new"] * 3 + ["old"]
    board.client.stop(board.name)
