"""Calls of two nodes that a stranger meddles with: raw messages, and changed ones of their own.

A record's head: its form, and where what is injected takes the place of what was said. At the end
the two still reach each other, or one was put aside for what came in its name.
"""

from fuzz.records import record, records

from support.calling import CALL_BYTES_MAX, Medium, stations

MODULES = (
    "kernel.secure.calls", "kernel.secure.answering", "kernel.secure.call",
    "kernel.secure.traffic", "kernel.secure.holdings",
)  # fmt: skip
RAW, CHANGED = range(2)
ONE, OTHER = 11, 12
_HEAD_BYTES = 2
_RECORDS_MAX = 6
_DONE_MS = 240_000


def seeds():
    """Return messages of every step, as strangers would make them."""
    made = [
        record(bytes((RAW, target)), bytes((step,)) + bytes(18))
        for step in range(9)
        for target in (0, 1)
    ]
    made += [record(bytes((CHANGED, 0)), bytes((at, 1))) for at in (0, 1, 3, 9)]
    return [b"".join(made[at : at + 3]) for at in range(0, len(made), 3)]


def take(data):
    """Return what the two installed."""
    one, other = pair = stations(2, seed=9)
    medium = Medium([one, other])
    one.call(OTHER)
    for number, (head, body) in enumerate(records(data, _HEAD_BYTES)):
        if number == _RECORDS_MAX:
            break
        station = pair[head[1] & 1]
        message = body
        if head[0] % 2 == CHANGED and medium.sent:
            _source, target, said = medium.sent[head[1] % len(medium.sent)]
            station, message = pair[target == OTHER], _changed(said, body)
        station.hear(OTHER if station is one else ONE, bytes(message[:CALL_BYTES_MAX]))
        medium.run(50)
    secrets = {secret for station in pair for _peer, secret in station.installed}
    for _peer, secret in other.installed:
        # Whoever was called has no secret that nobody agreed on.
        assert len(secret) == 16
    one.call(OTHER)
    medium.run(
        _DONE_MS, lambda: one.secret_for(OTHER) and one.secret_for(OTHER) == other.secret_for(ONE)
    )
    is_joined = one.secret_for(OTHER) is not None and one.secret_for(OTHER) == other.secret_for(
        ONE
    )
    assert is_joined or one.asides or other.asides, "a pair that never meets again"
    return bytes((is_joined, min(255, len(secrets))))


def _changed(said, body):
    made = bytearray(said)
    for at in range(0, len(body) - 1, 2):
        made[body[at] % len(made)] ^= body[at + 1]
    return bytes(made)
