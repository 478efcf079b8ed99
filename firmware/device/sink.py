"""Carry out an agent's effects on a board: its links, and what it tells on its serial console.

What ends a step (sleep, reboot) is only noted: the loop does it. A link has `name`, `buffer`,
`rssi_dbm`, `switch(is_on)`, `send(buffer, length)` and `receive()`.

Source: RFC 7464, JSON text sequences: 0x1E, one JSON text, a line feed. Everything else that a
board prints stands between such records.
"""

import json
import sys

from device.start import text_of
from kernel.effects import LINK_ALL
from kernel.errors import EVENT_NAMES, EVENT_NEIGHBOUR_JOINED, EVENT_NEIGHBOUR_LEFT, name_of
from kernel.limits import TRACEBACK_BYTES_MAX


class Sink:
    """The effects of `kernel.effects`, and the links in the order in which frames name them."""

    def __init__(self, board):
        self._board = board
        self._name = board.settings.name
        self.is_on = False
        self.is_wanted = True  # the radio, until the agent says otherwise
        self.links = []
        self.undelivered = 0  # frames that nobody took
        self.reboot_reason = 0
        self.sleep_depth = 0
        self.sleep_until_at_ms = 0
        self.untold = 0  # what the heap had no room to print: the agent goes on without
        self.traceback = b""  # of the application's last error, for the agent to keep

    # --- the console ---

    def note(self, event, value="", key="", detail=""):
        """Print an event of the device itself; `key` is one more field, with `detail`."""
        try:
            fields = {"kind": "event", "name": self._name, "event": event}
            if key:
                fields[key] = detail
            fields["value"] = value
            try:
                text = json.dumps(fields)
            except (TypeError, ValueError):  # an application may report anything
                fields["value"] = repr(value)
                text = json.dumps(fields)
            sys.stdout.write("\x1e" + text + "\n")
        except MemoryError:
            self.untold += 1

    def report(self, event_id, value):
        """Print an event of the kernel."""
        try:
            if event_id in (EVENT_NEIGHBOUR_JOINED, EVENT_NEIGHBOUR_LEFT):
                value = "%08x" % value
            self.note(name_of(EVENT_NAMES, event_id), value)
        except MemoryError:
            self.untold += 1

    def app_event(self, name, value):
        """Print what the application reported."""
        self.note("app", value, "what", name)

    def app_error(self, where, error):
        """Print the traceback for a person and a record for a program; keep it for the agent."""
        try:
            sys.print_exception(error)
            self.note("app error", repr(error), "where", where)
            self.traceback = text_of(where, error, TRACEBACK_BYTES_MAX)
        except Exception:  # noqa: BLE001 - no memory; or the application's error cannot say itself
            self.untold += 1

    # --- the links ---

    def send(self, link, buffer, length):
        """Transmit on one link or on all."""
        self.radio(self.is_wanted)
        failed = False
        for index in range(len(self.links)):
            if link in (LINK_ALL, index):
                try:
                    failed |= not self.links[index].send(buffer, length)
                except (OSError, MemoryError):  # its queue is full, or the heap; or it is off
                    failed = True
        if failed:
            self.undelivered += 1

    def receive(self, index):
        """Return the length of the next frame in that link's buffer, 0 if there is none."""
        if not self.is_on:
            return 0
        try:
            return self.links[index].receive()
        except (OSError, ValueError, MemoryError) as error:  # the first two: its buffer overran
            self.complain(self.links[index], error)
            return 0

    def radio(self, is_on):
        """Power the radio and start every link, or stop them all."""
        self.is_wanted = is_on
        if is_on == self.is_on:
            return
        self.is_on = is_on
        if is_on:
            self._board.switch_radio(True)
        for link in self.links:
            try:
                link.switch(is_on)
            except OSError as error:
                self.complain(link, error)
        if not is_on:
            self._board.switch_radio(False)

    def complain(self, link, error):
        """Say what a link, or its class, could not do."""
        try:
            self.note("link failed", "%s: %s" % (link.name, error))
        except MemoryError:
            self.untold += 1

    # --- what the loop does ---

    def sleep(self, until_at_ms, depth):
        """Note it: the loop sleeps after the step."""
        self.sleep_until_at_ms = until_at_ms
        self.sleep_depth = depth

    def reboot(self, reason):
        """Note it: the loop reboots after the step."""
        self.reboot_reason = reason
