"""The input bridge: Ctrl-C overtakes, or is data; nothing else ever is anything but data."""

from hypothesis import given
from hypothesis import strategies as st

from cma_toolkit.sim.virtual_board.runtime.bridge_input import CTRL_C, InputBridge


class Board:
    """Note what reaches a board on which code runs, or does not."""

    def __init__(self, running: bool) -> None:
        self.running = running
        self.typed = b""
        self.interrupts = 0
        self.bridge = InputBridge(self.type, self.interrupt)

    def type(self, data: bytes) -> None:
        self.typed += data

    def interrupt(self) -> bool:
        self.interrupts += self.running
        return self.running


@given(st.lists(st.binary(max_size=9)))
def test_at_a_prompt_every_byte_is_data(pieces: list[bytes]) -> None:
    board = Board(running=False)
    for piece in pieces:
        board.bridge.feed(piece)
    assert board.typed == b"".join(pieces)


@given(st.lists(st.binary(max_size=9)))
def test_while_code_runs_ctrl_c_never_is_data(pieces: list[bytes]) -> None:
    board = Board(running=True)
    for piece in pieces:
        board.bridge.feed(piece)
    assert board.typed == b"".join(pieces).replace(CTRL_C, b"")
    assert bool(board.interrupts) == (CTRL_C in b"".join(pieces))


def test_a_burst_is_one_interrupt() -> None:
    board = Board(running=True)
    board.bridge.feed(b"\r\x03\x03\x03\r")
    assert (board.interrupts, board.typed) == (1, b"\r\r")


def test_data_keeps_its_place_around_an_interrupt_that_ends_the_code() -> None:
    board = Board(running=True)

    def end() -> bool:
        was, board.running = board.running, False
        return was

    board.bridge = InputBridge(board.type, end)
    board.bridge.feed(b"a\x03b\x03c")
    assert board.typed == b"ab\x03c"
