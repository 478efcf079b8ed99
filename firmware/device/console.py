"""What an agent tells whoever watches its serial console.

Source: RFC 7464, JSON text sequences: 0x1E, one JSON text, a line feed. Everything else that a
board prints stands between such records.
"""

import io
import json
import sys

from kernel.effects import Effects
from kernel.errors import EVENT_NAMES, EVENT_NEIGHBOUR_JOINED, EVENT_NEIGHBOUR_LEFT

_OF_NODES = (EVENT_NEIGHBOUR_JOINED, EVENT_NEIGHBOUR_LEFT)


class Console(Effects):
    """Print reports; a board's own sink derives from this and adds `send`."""

    def __init__(self, name):
        self._name = name

    def record(self, kind, fields):
        """Print one record."""
        fields["kind"] = kind
        fields["name"] = fields.get("name", self._name)
        try:
            text = json.dumps(fields)
        except (TypeError, ValueError):  # an application may report anything
            text = json.dumps({"kind": kind, "name": self._name, "value": repr(fields)})
        sys.stdout.write("\x1e" + text + "\n")

    def note(self, event, detail=""):
        """Print an event of the device itself."""
        self.record("event", {"event": event, "value": detail})

    def report(self, event_id, value):
        """Print an event of the kernel."""
        shown = "%08x" % value if event_id in _OF_NODES else value
        self.record("event", {"event": EVENT_NAMES[event_id], "value": shown})

    def app_event(self, name, value):
        """Print what the application reported."""
        self.record("event", {"event": "app", "what": name, "value": value})

    def app_error(self, where, error):
        """Print the traceback for a person, and a record for a program."""
        text = io.StringIO()
        sys.print_exception(error, text)
        sys.stdout.write(text.getvalue())
        self.record("event", {"event": "app error", "where": where, "value": repr(error)})
