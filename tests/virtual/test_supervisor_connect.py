"""A board that boots a busy `main.py` is reached every time."""

from support.booting import busy_board, connect_again_and_again
from support.virtual import VirtualBoards


def test_mpremote_connects_to_a_board_that_is_still_booting(virtual_boards: VirtualBoards) -> None:
    board = busy_board(virtual_boards, "busy")
    failures = [
        failure
        for failure in connect_again_and_again(virtual_boards, board, 30, seed=7, program_every=10)
        if failure
    ]
    assert not failures, "\n".join(failures)
