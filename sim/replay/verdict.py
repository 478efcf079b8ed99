"""Did the replay end as the board did? Pure."""

import re
from dataclasses import dataclass

from cma_toolkit.firmware.kernel.errors import CAUSE_WATCHDOG
from cma_toolkit.sim.replay.player import (
    CRASHED,
    DIVERGED,
    ENDED,
    HUNG,
    RAISED,
    RESET,
    Ending,
)
from cma_toolkit.sim.replay.recording import Recording

_NAME = re.compile(r"^(\w+)(?::|$)")
_PLACE = re.compile(r'File "(?:/user/)?app\.py", line (\d+)')


@dataclass(frozen=True)
class Verdict:
    """`text` is one sentence, or two."""

    is_same: bool
    text: str


def judge(recording: Recording, ending: Ending, app: str) -> Verdict:
    """Compare the ending of a replay with that of the board; `app` is the application's path."""
    then, now = _told(recording), _found(ending, app)
    is_same = _is_same(recording, ending, app)
    if recording.lost_bytes and not is_same:
        return Verdict(
            False,
            f"The board {then}. Its ring overflowed: the first {recording.lost_bytes} bytes of "
            f"inputs are gone, and a new agent that was told the last ones does otherwise.",
        )
    if ending.how == DIVERGED:
        return Verdict(False, f"The board {then}, but the replay left its path: {ending.error}.")
    if "MemoryError" in then and ending.how == ENDED:
        return Verdict(
            False,
            f"The board {then}; this computer has memory enough, so nothing happens here. "
            "The traceback says where memory ran out.",
        )
    if not is_same:
        return Verdict(False, f"The board {then}, but here the same inputs end so: it {now}.")
    return Verdict(True, f"The board {then}; here it {now}.")


def _is_same(recording: Recording, ending: Ending, app: str) -> bool:
    text = recording.traceback
    if not text:
        wanted = HUNG if recording.cause_after == CAUSE_WATCHDOG else RESET
        return ending.how == wanted
    if ending.how != (CRASHED if recording.cause_after else RAISED):
        return False
    if _name(text) not in {kind.__name__ for kind in type(ending.error).__mro__}:
        return False  # ImportError on a board is ModuleNotFoundError here
    then, now = _PLACE.findall(text), _line(ending, app)
    if not now and isinstance(ending.error, SyntaxError):
        return True  # compilation fails in no line that runs
    return not then or now == int(then[-1])


def _told(recording: Recording) -> str:
    text = recording.traceback.rstrip()
    last = text.rsplit("\n", 1)[-1] if text else ""
    if not last:
        hung = recording.cause_after == CAUSE_WATCHDOG
        return "hung until its watchdog reset it" if hung else "was reset while its agent ran"
    line = (_PLACE.findall(text) or [""])[-1]
    return ("crashed with " if recording.cause_after else "raised ") + _at(last, line)


def _found(ending: Ending, app: str) -> str:
    if ending.how == ENDED:
        return "goes on without an error"
    line = _line(ending, app)
    if ending.how in {HUNG, RESET}:
        return ("hangs" if ending.how == HUNG else "resets itself") + (
            f" in line {line} of {app}" if line else ""
        )
    said = "".join((type(ending.error).__name__, f": {ending.error}" if str(ending.error) else ""))
    return ("crashes with " if ending.how == CRASHED else "raises ") + _at(said, str(line or ""))


def _at(what: str, line: str) -> str:
    return f"{what} (line {line} of the application)" if line else what


def _name(text: str) -> str:
    found = _NAME.match(text.rstrip().rsplit("\n", 1)[-1])
    return found[1] if found else ""


def _line(ending: Ending, app: str) -> int:
    """Return the innermost line of the application in a traceback, 0 if it is not in there."""
    trace = ending.error.__traceback__ if ending.error else None
    line = 0
    while trace:
        if trace.tb_frame.f_code.co_filename == app:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
