"""Bytes on their way to one host program that may read slowly or not at all."""

import os
from collections import deque
from collections.abc import Callable


class Outbox:
    """Write without blocking; keep what the system does not take yet.

    `want_writable(True)` asks for a call of `flush` when the descriptor takes bytes again.
    `taken_bytes` counts what has left, so that a reader which stopped reading can be told.
    """

    def __init__(
        self,
        descriptor: int,
        want_writable: Callable[[bool], None],
        on_level: Callable[[], None],
    ) -> None:
        self._descriptor = descriptor
        self._want_writable = want_writable
        self._on_level = on_level
        self._waiting: deque[bytes] = deque()
        self._first_taken_bytes = 0
        self.size_bytes = 0
        self.taken_bytes = 0
        self.broken = False

    def send(self, data: bytes) -> None:
        """Write `data` after what waits already."""
        if self.broken or not data:
            return
        self._waiting.append(data)
        self.size_bytes += len(data)
        if len(self._waiting) == 1:
            self.flush()
        else:
            self._on_level()

    def flush(self) -> None:
        """Write what the system takes now."""
        while self._waiting and not self.broken:
            first = self._waiting[0]
            try:
                count = os.write(self._descriptor, first[self._first_taken_bytes :])
            except BlockingIOError:
                break
            except OSError:
                # The program has gone; its endpoint hears so from the reading side.
                self.broken = True
                self.clear()
                return
            self._take(count, len(first))
        self._want_writable(bool(self._waiting))
        self._on_level()

    def clear(self) -> int:
        """Forget what waits and return how many bytes it was.

        A piece that has begun to leave stays, so that no escape sequence is cut in two.
        """
        begun = self._waiting[0] if self._first_taken_bytes and not self.broken else b""
        before_bytes = self.size_bytes
        self._waiting.clear()
        self.size_bytes = 0
        if begun:
            self._waiting.append(begun)
            self.size_bytes = len(begun) - self._first_taken_bytes
        else:
            self._first_taken_bytes = 0
        self._want_writable(bool(self._waiting))
        self._on_level()
        return before_bytes - self.size_bytes

    def _take(self, count: int, first_size_bytes: int) -> None:
        self.taken_bytes += count
        self.size_bytes -= count
        self._first_taken_bytes += count
        if self._first_taken_bytes == first_size_bytes:
            self._waiting.popleft()
            self._first_taken_bytes = 0
