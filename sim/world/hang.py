"""Notice an application that never returns; no virtual time passes in it, so its run has no end.

CPython only. A thread looks now and then at the stack of the one that runs the world, so that a
run pays nothing for it. Only Linux tells the time that one thread took; elsewhere that of the
whole process stands for it, which has no other busy thread.
"""

import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Self

from cma_toolkit.sim.watchdog import Watchdog

LIMIT_S = 10.0  # of the processor's time: who waits in a debugger hangs in nothing
_LOOKS = 4  # within the limit


class HangError(BaseException):
    """Leave an application that never returns; what survives its errors does not catch this."""


class HangWatch(Watchdog):
    """Raise HangError in the thread that makes it if one call of the application takes too long.

    Only calls from within the block count: a user's test may lie beside the application.
    `problem` is a sentence then, the same on every run.
    """

    def __init__(self, app: str) -> None:
        super().__init__(LIMIT_S / _LOOKS)
        self.problem = ""
        self._app = app
        self._now_s = _clock(self.watched)
        self._seen: FrameType | None = None
        self._since_s = 0.0
        self._outside: set[FrameType] = set()

    def __enter__(self) -> Self:
        """Start to watch; who is under way already is not watched."""
        self._outside.update(_stack(sys._getframe(1)))
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to watch, and keep nothing of who did."""
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._outside.clear()
            self._seen = None

    def look(self) -> float | None:
        """Compare the call that is running with the one at the last look."""
        call, now_s = self._call(), self._now_s()
        if call is not self._seen:
            self._seen, self._since_s = call, now_s
        elif call is not None and now_s - self._since_s >= LIMIT_S:
            name, line = call.f_code.co_name, call.f_code.co_firstlineno
            self.problem = f"the application never returns from {name}, line {line}"
            self.bite(HangError)
            return None
        return LIMIT_S / _LOOKS

    def _call(self) -> FrameType | None:
        """Return the outermost frame of the application that is running, if one is."""
        call = None
        for frame in _stack(sys._current_frames().get(self.watched)):
            if frame in self._outside:
                break
            if is_of_application(frame, self._app):
                call = frame
        return call


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame and those it was called from."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_of_application(frame: FrameType, app: str) -> bool:
    """Tell whether it runs the application's file or a module beside that, and nobody else's."""
    file = frame.f_code.co_filename
    if file == app:
        return True
    if not file.startswith(app.rpartition("/")[0] + "/") or "/site-packages/" in file:
        return False
    name = str(frame.f_globals.get("__name__", ""))
    return name != "__main__" and not name.startswith("cma_toolkit.")


def _clock(thread: int) -> Callable[[], float]:
    """Return what tells how many seconds of the processor's time a thread has had."""
    try:
        clock = time.pthread_getcpuclockid(thread)
    except AttributeError:
        return time.process_time
    return lambda: time.clock_gettime(clock)
