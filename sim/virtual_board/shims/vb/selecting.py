"""`select` as an ESP32 has it: radios can be polled, and interrupts happen while it waits."""

import select
import time

from vb import idle
from vb.modules import Module

_poll = select.poll


def _stream(thing):
    """Return what the host can poll for a thing: its socket if it is one of our objects."""
    return getattr(thing, "_vb_stream", thing)


class Poller:
    """`select.poll`."""

    def __init__(self):
        self._real = _poll()
        self._ours = {}  # id(stream) → our object

    def register(self, thing, events=select.POLLIN | select.POLLOUT):
        """Watch a stream."""
        stream = _stream(thing)
        if stream is not thing:
            self._ours[id(stream)] = thing
        self._real.register(stream, events)

    def unregister(self, thing):
        """Watch it no more."""
        stream = _stream(thing)
        self._ours.pop(id(stream), None)
        self._real.unregister(stream)

    def modify(self, thing, events):
        """Watch it for other events."""
        self._real.modify(_stream(thing), events)

    def poll(self, timeout_ms=-1):
        """Return [(stream, events)] of what is ready in time."""
        if not idle.is_needed():
            return self._translate(self._real.poll(timeout_ms))
        end_at_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
        while True:
            found = self._translate(self._real.poll(0))
            left_ms = timeout_ms
            if timeout_ms >= 0:
                left_ms = max(0, time.ticks_diff(end_at_ms, time.ticks_ms()))
            if found or left_ms == 0:
                idle.turn(0)
                return found
            self._wait(left_ms)

    def ipoll(self, timeout_ms=-1, flags=0):
        """Return an iterator over the same."""
        if not self._ours and not idle.is_needed():
            return self._real.ipoll(timeout_ms, flags)
        return iter(self.poll(timeout_ms))

    def _translate(self, found):
        if not self._ours:
            return found
        return [(self._ours.get(id(each[0]), each[0]), each[1]) for each in found]

    def _wait(self, timeout_ms):
        """Wait until something of ours or of the board's interrupts is ready."""
        timer_ms = idle.next_timer_ms()
        if timer_ms >= 0 and (timeout_ms < 0 or timer_ms < timeout_ms):
            timeout_ms = timer_ms
        streams = idle.poller()
        for stream in streams:
            self._real.register(stream, select.POLLIN)
        self._real.poll(timeout_ms)
        for stream in streams:
            self._real.unregister(stream)
        idle.turn(0)


def wait(readers, writers, errors, timeout_s=-1):
    """Do what `select.select` does."""
    poller = Poller()
    wanted = ((readers, select.POLLIN), (writers, select.POLLOUT), (errors, select.POLLERR))
    for streams, events in wanted:
        for stream in streams:
            poller.register(stream, events)
    found = poller.poll(-1 if timeout_s < 0 else int(timeout_s * 1000))
    return tuple(
        [each[0] for each in found if each[0] in streams and each[1] & events]
        for streams, events in wanted
    )


module = Module("select").take(select, ("POLLIN", "POLLOUT", "POLLERR", "POLLHUP"))
module.poll = Poller
module.select = wait
