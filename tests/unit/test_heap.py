"""The steps that every frame and every announcement take allocate nothing."""

from kernel.codec import frame
from kernel.codec.cobs import Stuffer, Unstuffer
from kernel.effects import Effects
from kernel.limits import HEADER_BYTES, TELEMETRY_MS
from kernel.ticks import ticks_add
from support.pair import START_MS, Node

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython has no such lock: there the steps are merely run

    def heap_lock():
        """Stand in."""

    heap_unlock = heap_lock


class Counter(Effects):
    """Count what is sent, without allocating."""

    def __init__(self):
        self.sent = 0

    def send(self, link, buffer, length):
        """Count a frame."""
        self.sent += 1


def ready():
    """Return an agent that has started, and its sink; as many frames as shall wait did before."""
    node, out = Node("a", 1), Counter()
    node.agent.transmitter.outbox.make_room(frame.KIND_PING, 2)
    node.out = out
    node.start(START_MS)
    return node.agent, out


def test_a_step_with_nothing_to_do():
    agent, out = ready()
    heap_lock()
    agent.on_time(START_MS, out)
    heap_unlock()
    assert out.sent == 0


def test_announcements_and_telemetry():
    agent, out = ready()
    soon, later = ticks_add(START_MS, 2000), ticks_add(START_MS, TELEMETRY_MS)
    heap_lock()
    agent.on_time(soon, out)
    agent.on_time(later, out)
    heap_unlock()
    assert out.sent == 3


def test_frames_that_are_dropped():
    agent, out = ready()
    for network, payload in ((8, b"\x01"), (7, b"")):
        data = bytearray(HEADER_BYTES) + payload
        frame.write_header(data, frame.KIND_PING, network, 99, frame.BROADCAST, 1)
        length = len(data)
        heap_lock()
        agent.on_frame(START_MS, 0, data, length, -50, out)
        heap_unlock()
    assert agent.status()["dropped"] == {"other network": 1, "malformed": 1}


def test_bytes_of_a_wire():
    stuffer, unstuffer = Stuffer(), Unstuffer()
    size = stuffer.stuff(b"a frame", 7)
    length = 0
    heap_lock()
    for index in range(size - 1):
        length += unstuffer.on_byte(stuffer.buffer[index])
    heap_unlock()
    assert length == 0 and unstuffer.on_byte(0) == 7
