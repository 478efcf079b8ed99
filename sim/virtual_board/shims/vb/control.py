"""The wire to the owner of this board: JSON lines both ways, unseen by Python code on the board.

The wire does not block: `readinto` would otherwise wait until its buffer is full.
"""

import json
import select

from vb import config

_wire = open(config.get("control"), "r+b")  # noqa: SIM115 - open as long as the board runs
_poller = select.poll()
_poller.register(_wire, select.POLLIN)
poll = _poller.poll
_drain = select.poll()
_drain.register(_wire, select.POLLOUT)
_EAGAIN = 11
_heard = bytearray()
_chunk = bytearray(1024)
_handlers = {}


def on(key, handler):
    """Call `handler(message)` for messages that have this key."""
    _handlers[key] = handler


def say(kind, **fields):
    """Tell the owner something."""
    fields["kind"] = kind
    line = json.dumps(fields) + "\n"
    while True:
        try:
            _wire.write(line)
            return
        except OSError as error:
            if error.errno != _EAGAIN:
                raise error
            _drain.poll(-1)


def hear(timeout_ms=0):
    """Act on what the owner says; return whether it said anything in time."""
    global _heard
    if not poll(timeout_ms):
        return False
    count = _wire.readinto(_chunk)
    if not count:
        return False
    _heard += memoryview(_chunk)[:count]
    while True:
        end = _heard.find(b"\n")
        if end < 0:
            return True
        message = json.loads(bytes(memoryview(_heard)[:end]))
        _heard = _heard[end + 1 :]
        for key in message:
            config.VALUES[key] = message[key]
            if key in _handlers:
                _handlers[key](message)


def hear_now():
    """Act on what the owner has said already; takes no memory if that is nothing."""
    for _ in _poller.ipoll(0):
        hear()


def end(kind, **fields):
    """Ask for the end of this process and wait for it; Ctrl-C changes nothing any more."""
    say(kind, **fields)
    while True:
        try:
            while True:
                poll(-1)
                hear()
        except KeyboardInterrupt:
            pass


def wait_for_go():
    """Wait until the owner has prepared the console for the prompt."""
    config.VALUES.pop("go", None)
    while "go" not in config.VALUES:
        hear(-1)
