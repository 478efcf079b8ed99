"""The way to a prompt ends, whatever the board prints: a port of bytes stands for the board."""

import pytest

from cma_toolkit.host_tools.errors import CmaError
from cma_toolkit.host_tools.ports import console
from cma_toolkit.host_tools.ports.transport import BufferedPort

CHATTER = b"temperature: 21.5\r\n"


class _Board:
    """A port whose board answers the askings in `answers`, and prints `then` without end.

    `first` comes before its prompt.
    """

    in_waiting = 0

    def __init__(self, answers: tuple[int, ...], then: bytes = b"", first: bytes = b"") -> None:
        self._answers = answers
        self._first = first
        self._then = then
        self._due = b""
        self._asked = 0
        self.answered = 0

    def read(self, size: int) -> bytes:
        said, self._due = self._due, b""
        return said or (self._then if self.answered else b"")

    def write(self, data: bytes) -> int:
        if console.RAW_REPL in bytes(data):
            self._asked += 1
            if self._asked in self._answers:
                self.answered += 1
                self._due = self._first + console.PROMPT
        return len(data)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_TRY_S", "LONGEST_TRY_S", "QUIET_S", "SILENCE_S"):
        monkeypatch.setattr(console, name, 0.02)


def test_a_board_that_prints_on_behind_its_prompt_hangs_nobody() -> None:
    board = _Board(answers=(2,), then=CHATTER)
    with pytest.raises(CmaError, match=r"no MicroPython prompt .*temperature"):
        console.reach_prompt(BufferedPort(board), "/dev/ttyUSB0", 0.2)


def test_a_prompt_that_goes_away_again_is_none() -> None:
    with pytest.raises(CmaError, match="gives no MicroPython prompt"):
        console.reach_prompt(BufferedPort(_Board(answers=(2,))), "/dev/ttyUSB0", 0.2)


def test_a_late_prompt_is_asked_once_more_for_one_clean_answer() -> None:
    board = _Board(answers=(2, 3))
    port = BufferedPort(board)
    assert console.reach_prompt(port, "/dev/ttyUSB0", 0.2).tries == 2
    assert board.answered == 2
    assert port.read(1) == b">"


@pytest.mark.parametrize(
    ("frames", "is_broken_off"),
    [
        (b"", True),  # before its first line
        (b'  File "boot.py", line 5, in <module>\r\n', True),
        (
            b'  File "boot.py", line 5, in <module>\r\n  File "device/start.py", line 9, in f\r\n',
            True,
        ),
        (b'  File "main.py", line 5, in <module>\r\n', False),
    ],
)
def test_a_start_up_that_our_ctrl_c_broke_off_is_noticed(
    frames: bytes, is_broken_off: bool
) -> None:
    said = b"Traceback (most recent call last):\r\n" + frames + b"KeyboardInterrupt: \r\n"
    port = BufferedPort(_Board(answers=(1,), first=said))
    arrival = console.reach_prompt(port, "/dev/ttyUSB0", 0.2)
    assert arrival.was_running and arrival.boot_broken_off == is_broken_off
