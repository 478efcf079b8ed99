"""A watchdog for code that runs on this thread: it is interrupted, wherever it is."""

import time
from typing import Self

from cma_toolkit.sim.watchdog import Watchdog


class TimeLimit(Watchdog):
    """Interrupt who makes it when what `begin` began takes too long.

    `is_over` tells its KeyboardInterrupt from one of a person.
    """

    def __init__(self, limit_s: float) -> None:
        super().__init__(limit_s)
        self.is_over = False
        self._limit_s = limit_s
        self._since_s = time.monotonic()

    def begin(self) -> None:
        """Begin anew with the time."""
        self._since_s = time.monotonic()

    def __enter__(self) -> Self:
        """Start to watch."""
        self.begin()
        return super().__enter__()

    def look(self) -> float | None:
        """Interrupt what is over its time."""
        left_s = self._since_s + self._limit_s - time.monotonic()
        if left_s > 0:
            return left_s
        self.is_over = True
        self.bite(KeyboardInterrupt)
        return None
