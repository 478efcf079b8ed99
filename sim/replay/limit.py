"""A watchdog for code that runs on this thread: it is interrupted, wherever it is."""

import _thread
import threading
import time
from types import TracebackType
from typing import Self


class TimeLimit:
    """Interrupt the main thread when what `begin` began takes too long.

    `is_over` tells its KeyboardInterrupt from one of a person.
    """

    def __init__(self, limit_s: float) -> None:
        self.is_over = False
        self._limit_s = limit_s
        self._ended = threading.Event()
        self._since_s = time.monotonic()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def begin(self) -> None:
        """Begin anew with the time."""
        self._since_s = time.monotonic()

    def __enter__(self) -> Self:
        """Start to watch."""
        self.begin()
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
        left_s = self._limit_s
        while not self._ended.wait(max(left_s, 0.0)):
            left_s = self._since_s + self._limit_s - time.monotonic()
            if left_s <= 0:
                self.is_over = True
                _thread.interrupt_main()
                return
