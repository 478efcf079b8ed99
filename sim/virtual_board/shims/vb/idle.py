"""What happens while a program waits: pins change, timers run out, messages come.

On a board interrupts do this at any time. Here it happens in `time.sleep`, `select`, asyncio and
wherever a module of ours looks. With nothing to watch for, waiting costs nothing.
"""

import select
import sys
import time

from vb import control

_ticks_ms = time.ticks_ms
_diff = time.ticks_diff
_add = time.ticks_add

_wires = {}  # id(stream) → (stream, handler)
_poller = select.poll()
_poller.register(control._wire, select.POLLIN)
_timers = []  # objects with `due_at_ms` and `expire()`
_listeners = 0


def watch(stream, handler):
    """Call `handler()` whenever a stream can be read."""
    _wires[id(stream)] = (stream, handler)
    _poller.register(stream, select.POLLIN)


def unwatch(stream):
    """Watch it no more."""
    if _wires.pop(id(stream), None):
        _poller.unregister(stream)


def listen():
    """Let waiting programs hear the owner, for pins that have a handler."""
    global _listeners
    _listeners += 1


def add_timer(timer):
    """Run a timer; the owner is told, for the prompt's sake."""
    if timer not in _timers:
        _timers.append(timer)
    control.say("timers", active=True)


def remove_timer(timer):
    """Stop it."""
    if timer in _timers:
        _timers.remove(timer)
    control.say("timers", active=bool(_timers))


def is_needed():
    """Tell whether waiting must look around."""
    return bool(_wires or _timers or _listeners)


def call(function, argument):
    """Call a program's handler as an interrupt does: what it raises is printed."""
    try:
        function(argument)
    except Exception as error:  # noqa: BLE001 - as the firmware's scheduler does
        sys.print_exception(error)


def turn(timeout_ms):
    """Wait for something to happen, at most so long (-1: for ever); let it happen."""
    for timer in _timers:
        left_ms = max(0, _diff(timer.due_at_ms, _ticks_ms()))
        if timeout_ms < 0 or left_ms < timeout_ms:
            timeout_ms = left_ms
    for ready in _poller.poll(timeout_ms):
        found = _wires.get(id(ready[0]))
        if found:
            found[1]()
        else:
            control.hear()
    now_ms = _ticks_ms()
    for timer in list(_timers):
        if _diff(timer.due_at_ms, now_ms) <= 0:
            timer.expire()


def sleep_ms(duration_ms):
    """Wait, and let happen what happens."""
    end_at_ms = _add(_ticks_ms(), duration_ms)
    while True:
        left_ms = _diff(end_at_ms, _ticks_ms())
        turn(max(0, left_ms))
        if left_ms <= 0:
            return


def poller():
    """Return the stream of everything that is watched, for `select`."""
    return [control._wire] + [stream for stream, _ in _wires.values()]


def next_timer_ms():
    """Return in how many milliseconds a timer runs out, -1 if none runs."""
    left_ms = -1
    for timer in _timers:
        timer_ms = max(0, _diff(timer.due_at_ms, _ticks_ms()))
        if left_ms < 0 or timer_ms < left_ms:
            left_ms = timer_ms
    return left_ms
