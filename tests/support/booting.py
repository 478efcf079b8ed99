"""Connect mpremote to a board that is still booting a busy `main.py`, again and again."""

import contextlib
import io
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo
from support.tools import mpremote
from support.virtual import VirtualBoards

HANDLERS = "cma_toolkit.sim.virtual_board.handlers"
# Two tasks that print, one that computes, and none that ever sleeps for long.
MAIN = Path(__file__).with_name("busy_main.py")
_BOOT_S_MAX = 0.4


def busy_board(boards: VirtualBoards, name: str) -> BoardInfo:
    """Make a board whose `main.py` is never done."""
    board = boards.make(name=name)
    mpremote(board.pty, "cp", MAIN, ":main.py")
    return board


def connect_again_and_again(
    boards: VirtualBoards, board: BoardInfo, count: int, *, seed: int, program_every: int
) -> Iterator[str]:
    """Reset the board, connect while it boots, and yield "" or what went wrong, `count` times.

    Most connects are mpremote's own transport in this process, on the fast port or the pty; every
    `program_every`-th is mpremote as a program, over the pty or RFC 2217.
    """
    if HANDLERS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(HANDLERS)
    rng = random.Random(seed)
    link = str(boards.home / board.name / "tty")
    for index in range(1, count + 1):
        boards.client.press_reset(board.name)
        # The connect falls anywhere between the ROM's first line and a main.py in full swing.
        time.sleep(rng.uniform(0, _BOOT_S_MAX))
        if index % program_every == 0:
            yield _by_program(rng.choice((board.pty, board.url)))
        else:
            yield _by_transport(rng.choice((board.fast, board.fast, link)))


def _by_transport(url: str) -> str:
    said = io.StringIO()
    try:
        # mpremote prints what it read instead of the prompt.
        with contextlib.redirect_stdout(said):
            transport = SerialTransport(url)
            try:
                transport.enter_raw_repl()
                answer = transport.exec("print('connected')")
                transport.exit_raw_repl()
            finally:
                transport.close()
    except (TransportError, OSError) as error:
        return f"{url}: {error}: {said.getvalue()[-300:]}"
    return "" if answer == b"connected\r\n" else f"{url}: {answer!r}"


def _by_program(url: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mpremote", "connect", url, "exec", "print(1)"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return "" if done.stdout == b"1\r\n" else f"{url}: {done.stdout!r} {done.stderr!r}"
