"""What an agent on a computer tells: the records that a board prints on its console.

Source   SPEC.md, "Console records"
"""

import traceback
from collections.abc import Callable
from typing import Any

from cma_toolkit.firmware.kernel.effects import Effects
from cma_toolkit.firmware.kernel.errors import (
    EVENT_NAMES,
    EVENT_NEIGHBOUR_JOINED,
    EVENT_NEIGHBOUR_LEFT,
    name_of,
)

Record = dict[str, Any]
_TRACEBACK_BYTES_MAX = 512  # its end tells most
_OF_NODES = (EVENT_NEIGHBOUR_JOINED, EVENT_NEIGHBOUR_LEFT)


class Recorder(Effects):
    """Turn what is reported into records; a process's own sink derives from this."""

    def __init__(self, name: str, on_record: Callable[[Record], None]) -> None:
        self._name = name
        self._on_record = on_record
        self.traceback = b""  # of the application's last error, for the agent to keep

    def record(self, kind: str, fields: Record) -> None:
        """Hand on one record."""
        self._on_record({"name": self._name, **fields, "kind": kind})

    def note(self, event: str, detail: object = "") -> None:
        """Hand on an event of the driver itself."""
        self.record("event", {"event": event, "value": detail})

    def report(self, event_id: int, value: int) -> None:
        """Hand on an event of the kernel."""
        shown = f"{value:08x}" if event_id in _OF_NODES else value
        self.note(name_of(EVENT_NAMES, event_id), shown)

    def app_event(self, name: str, value: object) -> None:
        """Hand on what the application reported."""
        self.record("event", {"event": "app", "what": name, "value": value})

    def app_error(self, where: str, error: BaseException) -> None:
        """Hand on what the application raised, with its traceback."""
        text = "".join(traceback.format_exception(error))
        fields = {"event": "app error", "where": where, "value": repr(error), "traceback": text}
        self.record("event", fields)
        self.traceback = text.encode()[-_TRACEBACK_BYTES_MAX:]
