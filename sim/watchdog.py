"""A thread that looks at another one now and then, and stops it if need be. CPython only."""

import ctypes
import threading
from types import TracebackType
from typing import Self


class Watchdog:
    """Look on from the beginning of a block to its end; what derives from it decides.

    Units: `first_s` until the first look. Who makes it is watched.
    """

    def __init__(self, first_s: float) -> None:
        self.watched = threading.get_ident()
        self._first_s = first_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def look(self) -> float | None:
        """Return in how many seconds to look again, None after it bit."""
        raise NotImplementedError

    def bite(self, error: type[BaseException]) -> None:
        """Raise an error in the thread that is watched, at its next line.

        No signal: a shell has whatever it starts in the background ignore that of Ctrl-C.
        """
        thread, raised = ctypes.c_ulong(self.watched), ctypes.py_object(error)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, raised)

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
        wait_s: float | None = self._first_s
        while wait_s is not None and not self._ended.wait(max(wait_s, 0.0)):
            wait_s = self.look()
