"""Messages in fragments, of several senders at once; then a good one, which must come through.

A record's head is the instant, the source and a form: raw bytes, or the fields of a fragment.
"""

from fuzz.records import record, records

from kernel.codec import cbor, fragments
from kernel.codec.frame import KIND_MESSAGE, VALUE_KINDS
from kernel.limits import FRAGMENT_BYTES, MESSAGE_BYTES_MAX, REASSEMBLIES_MAX, REASSEMBLY_MS_MAX
from kernel.ticks import ticks_add

MODULES = ("kernel.codec.fragments",)
GOOD = bytearray(range(256)) + bytearray(44)
_HEAD_BYTES = 3
_START_MS = (1 << 29) - 900  # the ticks wrap soon


def _written(number, index, kind, data, size):
    buffer = bytearray(256)
    end = fragments.write_fragment(buffer, 0, number, index, kind, data, size)
    return bytes(buffer[:end])


def seeds():
    """Return whole messages, also two at once, out of order, and one that never ends."""
    pair = [_written(9, index, KIND_MESSAGE, GOOD, len(GOOD)) for index in range(2)]
    raw = [record(b"\x01\x05\x00", each) for each in pair]
    other = [record(b"\x01\x06\x00", each) for each in pair]
    built = [record(b"\x01\x07\x01", bytes((1, index, 3, 4, 0, 10))) for index in range(3)]
    return [
        raw[0] + raw[1],
        raw[1] + other[0] + raw[0] + other[1],
        raw[0] + raw[0],
        raw[0] + record(b"\xff\x05\x00", pair[1]),
        built[2] + built[0] + built[1],
        built[0] + record(b"\x01\x07\x01", bytes((1, 0, 3, 4, 9, 10))) + other[0] + raw[0],
    ]


def take(data):
    """Return what was joined, and what was not."""
    machine, now_ms, told = fragments.Fragments(), _START_MS, []
    for head, body in records(data, _HEAD_BYTES):
        now_ms = ticks_add(now_ms, 16 * head[0])
        payload = _built(body) if head[2] & 1 else body
        result = machine.take(now_ms, 1 + head[1] % 8, payload, 0, len(payload))
        told.append(result)
        if result == fragments.COMPLETE:
            assert machine.kind in VALUE_KINDS
            assert FRAGMENT_BYTES < machine.length <= MESSAGE_BYTES_MAX
            told.append(bytes(machine.buffer[: machine.length]))
            machine.release()
        assert sum([source > 0 for source in machine._sources]) <= REASSEMBLIES_MAX
    told.append(machine.incomplete)
    _take_good(machine, ticks_add(now_ms, REASSEMBLY_MS_MAX))
    return cbor.encode(told, 4 * len(data) + 65_536)


def _built(body):
    # A fragment from its fields, however little they fit; of full size unless it is the last one.
    number, index, count, kind, fill, size = (bytes(body) + bytes(6))[:6]
    if index + 1 != count:
        size = FRAGMENT_BYTES
    buffer = bytearray(256)
    end = 0
    for major, argument in ((4, 5), (0, number), (0, index), (0, count), (0, kind), (2, size)):
        end = cbor.write_head(buffer, end, major, argument)
    return bytes(buffer[:end]) + bytes((fill,)) * size


def _take_good(machine, now_ms):
    machine.expire(now_ms)
    assert machine.next_at_ms(now_ms) == -1
    results = []
    for index in (1, 0):
        data = _written(77, index, KIND_MESSAGE, GOOD, len(GOOD))
        results.append(machine.take(now_ms, 9, data, 0, len(data)))
    assert results == [0, fragments.COMPLETE]
    assert machine.buffer[: machine.length] == GOOD
