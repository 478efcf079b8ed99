"""How SIGTERM and Ctrl-C end an agent, even one whose handler never returns.

An event loop heeds signals between steps only. These handlers run within a step, too, and a timer
ends the process there if the step takes too long to return.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from cma_toolkit.host_tools.errors import ExitCode

GRACE_S = 5.0  # for the step that the first signal came into
INSIST_S = 0.5  # after the next: a terminal and a wrapper may each have sent one


class Ending:
    """Set an event at the first signal; end the process if nobody heeds it in time.

    For a `with` in the main thread, under a running loop.
    """

    def __init__(self, asked: asyncio.Event, folder: Path) -> None:
        self._asked = asked
        self._folder = f"{folder}{os.sep}"
        self._loop = asyncio.get_running_loop()
        self._is_asked = False
        self._before: dict[int, Any] = {}

    def heed(self) -> None:
        """Say that the step has returned: what is left may take as long as the disk needs."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def __enter__(self) -> "Ending":
        """Take over the signals."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._ask)
        self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._give_up)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give them back."""
        self.heed()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._asked.set)
        span_s = INSIST_S if self._is_asked else GRACE_S
        self._is_asked = True
        left_s = signal.getitimer(signal.ITIMER_REAL)[0] or span_s
        # Never later than before: who keeps Ctrl-C pressed is not put off by it.
        signal.setitimer(signal.ITIMER_REAL, min(left_s, span_s))

    def _give_up(self, number: int, frame: FrameType | None) -> None:
        text = (
            f"cma: interrupted: {self._find(frame)} did not return, so what changed since the "
            "last commit is lost. Let every handler return soon; what waits belongs in a task.\n"
        )
        # No exception, which what hangs may catch, and no stream, which may be what hangs.
        with contextlib.suppress(OSError):
            os.write(2, text.encode())
        os._exit(ExitCode.INTERRUPTED)

    def _find(self, frame: FrameType | None) -> str:
        while frame:
            path = os.path.abspath(frame.f_code.co_filename)
            if path.startswith(self._folder):
                return f"{path.removeprefix(self._folder)}, line {frame.f_lineno},"
            frame = frame.f_back
        return "a step of the agent"
