"""How often mpremote reaches a board that is still booting a busy `main.py`, of 500 tries.

Each try is mpremote as a program, over the pty or RFC 2217.
"""

import os
from collections.abc import Callable

from cma_toolkit.sim.virtual_board.supervisor.home import HOME_VARIABLE
from support.booting import busy_board, connect_again_and_again
from support.virtual import VirtualBoards, home_of_boards

UNIT = "of_500_connects"
AT_LEAST = 500
COUNT = 500


def measure(say: Callable[[str], None]) -> int:
    """Connect 500 times at random instants of the boot; return how many succeeded."""
    reached = 0
    seed = int(os.environ.get("CMA_SEED", "1"))
    with home_of_boards() as home:
        os.environ[HOME_VARIABLE] = str(home)  # where `virtual://` looks for its board
        boards = VirtualBoards(home)
        board = busy_board(boards, "busy")
        tries = connect_again_and_again(boards, board, COUNT, seed=seed, program_every=1)
        for index, failure in enumerate(tries, 1):
            reached += not failure
            if failure:
                say(f"connect {index}: {failure}")
            if index % 50 == 0:
                say(f"{reached} of {index} connects")
    return reached
