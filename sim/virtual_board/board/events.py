"""What happened to a board, numbered, for those who wait for it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

_KEPT_MAX = 256


@dataclass(frozen=True)
class BoardEvent:
    """One thing that happened; numbers count from 1 for each board."""

    number: int
    kind: str
    fields: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {"number": self.number, "event": self.kind, **self.fields}


class EventLog:
    """Keep the latest events of one board and wake those who wait for one."""

    def __init__(self) -> None:
        self._kept: deque[BoardEvent] = deque(maxlen=_KEPT_MAX)
        self._waiting: list[tuple[str, asyncio.Future[BoardEvent]]] = []
        self.count = 0

    def add(self, kind: str, **fields: object) -> None:
        """Record an event."""
        self.count += 1
        event = BoardEvent(self.count, kind, fields)
        self._kept.append(event)
        still: list[tuple[str, asyncio.Future[BoardEvent]]] = []
        for wanted, future in self._waiting:
            if wanted != kind:
                still.append((wanted, future))
            elif not future.done():
                future.set_result(event)
        self._waiting = still

    async def wait(self, kind: str, since: int, timeout_s: float) -> BoardEvent:
        """Return the first event of a kind later than number `since`.

        Raises: TimeoutError.
        """
        for event in self._kept:
            if event.number > since and event.kind == kind:
                return event
        entry = (kind, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout_s):
                found: BoardEvent = await entry[1]
                return found
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
