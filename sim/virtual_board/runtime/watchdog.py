"""A board's hardware watchdog, counted outside the board so that a hang cannot stop it."""

import asyncio
from collections.abc import Callable


class Watchdog:
    """Bite unless fed in time; not at a prompt where the board's own timer would feed it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        is_fed_by_timer: Callable[[], bool],
        on_bite: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._is_fed_by_timer = is_fed_by_timer
        self._on_bite = on_bite
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, timeout_ms: int) -> None:
        """Start counting anew; 0 stands still, as in light sleep."""
        self.stop()
        if timeout_ms:
            self._timer = self._loop.call_later(timeout_ms / 1000, self._expire, timeout_ms)

    def stop(self) -> None:
        """Count no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _expire(self, timeout_ms: int) -> None:
        self._timer = None
        if self._is_fed_by_timer():
            self.feed(timeout_ms)
        else:
            self._on_bite()
