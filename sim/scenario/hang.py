"""Notice an application that never returns; no virtual time passes in it, so its run has no end.

For CPython only. The thread looks now and then at the stack of the one that runs the world, so
that a run pays nothing for it.
"""

import ctypes
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Self

LIMIT_S = 10.0  # of the processor's time: who waits in a debugger hangs in nothing
_LOOKS = 4  # within the limit


class HangError(BaseException):
    """Leave an application that never returns; what survives its errors does not catch this."""


class HangWatch:
    """Raise HangError in the thread that enters it if one call of the application takes too long.

    `problem` is a sentence then, the same on every run.
    """

    def __init__(self, app: str) -> None:
        self.problem = ""
        self._app = app
        self._watched = threading.get_ident()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Start to watch."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to watch."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        clock = time.pthread_getcpuclockid(self._watched)
        seen, since_s = None, 0.0
        while not self._ended.wait(LIMIT_S / _LOOKS):
            call, now_s = self._call(), time.clock_gettime(clock)
            if call is not seen:
                seen, since_s = call, now_s
            elif call is not None and now_s - since_s >= LIMIT_S:
                name, line = call.f_code.co_name, call.f_code.co_firstlineno
                self.problem = f"the application never returns from {name}, line {line}"
                thread, error = ctypes.c_ulong(self._watched), ctypes.py_object(HangError)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)
                return

    def _call(self) -> FrameType | None:
        """Return the outermost frame of the application that is running, if one is."""
        frame = sys._current_frames().get(self._watched)
        call = None
        while frame is not None:
            if frame.f_code.co_filename == self._app:
                call = frame
            frame = frame.f_back
        return call
