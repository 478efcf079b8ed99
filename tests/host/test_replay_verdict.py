"""Whether a replay ended as the board did is a table: kind of ending, type of error, line."""

import pytest

from cma_toolkit.firmware.kernel.errors import CAUSE_PANIC, CAUSE_WATCHDOG
from cma_toolkit.sim.replay.player import CRASHED, DIVERGED, ENDED, HUNG, RAISED, RESET, Ending
from cma_toolkit.sim.replay.recording import Recording
from cma_toolkit.sim.replay.verdict import judge

APP = "/home/ann/app.py"
LINE = 3
SOURCE = "\n\nraise {}\n"


def said(line: int | None = LINE, what: str = "ValueError: soil") -> str:
    """Return a traceback of a board, from a line of the application or from none."""
    lines = ["Traceback (most recent call last):", '  File "kernel/timers.py", line 9']
    if line:
        lines.append(f'  File "app.py", line {line}, in tell')
    return "\n".join([*lines, what, ""])


def found(how: str, error: str = "ValueError('soil')", path: str = APP) -> Ending:
    """Return an ending whose error comes from line 3 of a file."""
    try:
        exec(compile(SOURCE.format(error), path, "exec"))
    except Exception as raised:  # noqa: BLE001 - any of the table
        return Ending(how, 5, raised)
    raise AssertionError


def uncompiled() -> Ending:
    try:
        compile("\n\nif", APP, "exec")
    except SyntaxError as error:
        return Ending(RAISED, 0, error)
    raise AssertionError


@pytest.mark.parametrize(
    ("text", "cause", "ending", "is_same"),
    [
        (said(), 0, found(RAISED), True),
        (said(), CAUSE_PANIC, found(CRASHED), True),
        (said(), 0, found(CRASHED), False),
        (said(), CAUSE_PANIC, found(RAISED), False),
        (said(), 0, Ending(ENDED, 5), False),
        (said(), 0, found(DIVERGED), False),
        (said(), 0, found(RAISED, "KeyError('soil')"), False),
        (said(LINE + 1), 0, found(RAISED), False),
        (said(what="ImportError: no module"), 0, found(RAISED, "ModuleNotFoundError()"), True),
        # Not in the application at all: of the kernel's own, or of what plays it
        (said(), 0, found(RAISED, path="/usr/lib/player.py"), False),
        (said(None), 0, found(RAISED, path="/usr/lib/timers.py"), True),
        # Compilation has no line that runs.
        (said(what="SyntaxError: invalid syntax"), 0, uncompiled(), True),
        (said(what="ValueError: soil"), 0, uncompiled(), False),
        ("", CAUSE_WATCHDOG, Ending(HUNG, 5), True),
        ("", CAUSE_WATCHDOG, Ending(RESET, 5), False),
        ("", CAUSE_PANIC, Ending(RESET, 5), True),
        ("", CAUSE_PANIC, Ending(HUNG, 5), False),
    ],
)
def test_the_same_is_the_same_kind_type_and_line(
    text: str, cause: int, ending: Ending, is_same: bool
) -> None:
    assert judge(Recording(cause, text), ending, APP).is_same == is_same
