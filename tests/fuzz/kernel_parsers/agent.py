"""A whole agent that hears frames, raw or with a header that is right; then it answers a ping.

A record's head: how long after the last one; who sends it, and whether its header is made right;
its kind.
"""

from fuzz.records import record, records

from kernel.codec import frame
from kernel.codec.cbor import encode
from kernel.limits import FRAME_BYTES_MAX, HEADER_BYTES, MESSAGE_BYTES_MAX, NEIGHBOURS_MAX
from kernel.ticks import ticks_add
from support.pair import START_MS, Node

MODULES = (
    "kernel.mesh.router", "kernel.mesh.neighbours", "kernel.mesh.windows", "kernel.exchange",
    "kernel.offers",
)  # fmt: skip
_RIGHT, _TO_ALL = 0x80, 0x40
_HEAD_BYTES = 3
_RECORDS_MAX = 12


def _frame(kind, source, target, sequence, payload):
    buffer = bytearray(HEADER_BYTES) + payload[: FRAME_BYTES_MAX - HEADER_BYTES]
    frame.write_header(buffer, kind, 7, source, target, sequence)
    return bytes(buffer)


def seeds():
    """Return a talk with frames of every kind."""
    heard = [
        (1, _TO_ALL, encode({1: "b", 2: 3, 3: "board"})),
        (1, _TO_ALL, encode({1: "c", 2: 3, 3: "board", 4: 60_000, 5: 500, 6: 11})),
        (4, 0, encode(["topic", {"a": [1, 2]}])),
        (6, 0, encode([300, "topic", 1])),
        (7, 0, encode([1, 0, None])),
        (8, 0, encode([1, 0, 2, 4, b"\x82\x65topic\x58\xff" + bytes(207)])),
        (8, 0, encode([1, 1, 2, 4, bytes(48)])),
        (9, _TO_ALL, encode([1, 9, b"12345678", 3, 1, [4], []])),
        (2, 0, b"\x01"),
    ]
    talk = [record(bytes((9, _RIGHT | cast | 1, kind)), body) for kind, cast, body in heard]
    other = [record(bytes((200, _RIGHT | cast | 2, kind)), body) for kind, cast, body in heard]
    raw = record(b"\x00\x00\x00", _frame(4, 99, frame.BROADCAST, 1, heard[2][2]))
    return [b"".join(talk), b"".join(other), raw + raw] + talk


def take(data):
    """Return what the agent did."""
    node = Node("a", 1)
    node.agent.release = (3, 3, 3)
    values = []
    node.start(START_MS)
    node.agent.set_up(START_MS, lambda agent: _listen(agent, values), node.out)
    now_ms = START_MS
    for number, (head, body) in enumerate(records(data, _HEAD_BYTES)):
        if number == _RECORDS_MAX:
            break
        now_ms = ticks_add(now_ms, 20 * head[0])
        heard = body
        if head[1] & _RIGHT:
            target = frame.BROADCAST if head[1] & _TO_ALL else node.identity.node
            heard = _frame(head[2], 1_000 + head[1] % 64, target, number, body)
        node.agent.on_frame(now_ms, 0, heard, len(heard), -50, node.out)
        node.agent.on_time(now_ms, node.out)
    assert node.agent.neighbours.count <= NEIGHBOURS_MAX
    told = [node.out.reports, node.out.errors, node.out.frames, node.out.reboots, values]
    _answers(node, ticks_add(now_ms, 60_000))
    return encode(told, 65_536)


def _listen(agent, values):
    @agent.on("topic")
    def take_it(message):
        values.append([message.source, message.value])
        assert len(encode(message.value, 2 * MESSAGE_BYTES_MAX)) <= MESSAGE_BYTES_MAX


def _answers(node, now_ms):
    node.out.take_frames()
    if node.out.reboots:  # it left for an update
        return
    ping = _frame(frame.KIND_PING, 4_000, node.identity.node, 7, b"\x05")
    node.agent.on_frame(now_ms, 0, ping, len(ping), 0, node.out)
    for _ in range(20):
        node.agent.on_time(now_ms, node.out)
    kinds = [data[1] for data in node.out.take_frames()]
    assert frame.KIND_PONG in kinds, "it answers no more"
