"""Take frames through an agent, and tell the bytes that each kind allocates.

As a program it prints JSON: pairs of a name and how many bytes one such message costs. What costs
nothing is run under a locked heap too, where an allocation raises. The lock alone would not do: an
exception that is caught allocates, and passes.
"""

import json
import sys

from kernel.agent import Agent
from kernel.codec import cbor, frame
from kernel.config import Config
from kernel.effects import Effects
from kernel.errors import CAUSE_POWER_ON
from kernel.identity import Identity
from kernel.limits import ANNOUNCE_MS, TELEMETRY_MS
from kernel.ports import Parts, Table
from kernel.prng import Prng
from kernel.ticks import ticks_add
from support.heap import bytes_taken, no_allocation
from support.mesh import NETWORK, cut, encoded, made

ROUNDS = 20
NODE = 0x1234
TOPIC = b"soil"
MESSAGE, TELEMETRY = frame.KIND_MESSAGE, frame.KIND_TELEMETRY
REQUEST, RESPONSE = frame.KIND_REQUEST, frame.KIND_RESPONSE


class Counter(Effects):
    """Count what leaves, and read the first and the last byte of it."""

    def __init__(self):
        self.sent = 0
        self.last = 0

    def send(self, link, buffer, length):
        """Look at a frame as a driver does, which hands it to a radio."""
        self.sent += 1
        self.last = buffer[0] + buffer[length - 1]


class Path:
    """An agent, and one frame that it takes in again and again."""

    def __init__(self, frames):
        self.out = Counter()
        identity = Identity("a", NODE, NETWORK, "test-board")
        self.agent = Agent(identity, Prng(1), Table(), Parts(), Config())
        self.agent.start(0, CAUSE_POWER_ON, None, self.out)
        self.agent.set_up(0, self._set_up, self.out)
        self._requests = self.agent.exchange.load_requests()
        for kind in (REQUEST, RESPONSE):
            self.agent.router.handlers[kind] = self._handle
        self.now_ms = 100
        self.handled = 0
        self._frames = frames
        self._lengths = [len(data) for data in frames]
        self._sequence = 0

    def _set_up(self, agent):
        for topic in ("light", "soil/2", "pump"):
            agent.on(topic)(self._never)

    def _never(self, message):
        raise AssertionError

    def _handle(self, now_ms, envelope):
        # The border to the application: from here on its values are decoded, and that allocates.
        if envelope.kind == RESPONSE:
            self.handled += self._requests.take(envelope.source, 1) is None
        else:
            self.handled += envelope.is_on(TOPIC)
        return 0

    def frame_in(self):
        """Take all frames in, under new numbers."""
        for index in range(len(self._frames)):
            self._sequence += 1
            frame.write_sequence(self._frames[index], self._sequence)
            length = self._lengths[index]
            self.agent.on_frame(self.now_ms, 0, self._frames[index], length, -50, self.out)

    def same_again(self):
        """Take in a frame that came before."""
        self.agent.on_frame(self.now_ms, 0, self._frames[0], self._lengths[0], -50, self.out)

    def time_passes(self):
        """Let the next announcement and telemetry fall due."""
        self.now_ms = ticks_add(self.now_ms, max(2 * ANNOUNCE_MS, TELEMETRY_MS))
        for _ in range(4):
            self.agent.on_time(self.now_ms, self.out)


def to_us(kind, payload):
    """Return a frame for the agent alone."""
    return made(kind, payload, target=NODE)


def paths():
    """Yield name, path, step, and what to look at to see that the step did its work."""
    value = {"moisture": 312, "battery": [3700, 20]}
    for name, data, what in (
        ("ping in, pong out", to_us(frame.KIND_PING, bytes(range(32))), "sent"),
        ("request to its handler", to_us(REQUEST, encoded(300, "soil", value)), "handled"),
        ("response to its request", to_us(RESPONSE, encoded(300, 0, value)), "handled"),
        ("message on a topic of others", made(MESSAGE, encoded("soil", value)), "received"),
        ("telemetry of a neighbour", made(TELEMETRY, cbor.encode({1: 65_536})), "received"),
    ):
        path = Path([data])
        yield name, path, path.frame_in, what
    yield "frame that came before", path, path.same_again, "dropped"
    path = Path([made(MESSAGE, encoded("soil", 1), network=NETWORK + 1)])
    yield "frame of another network", path, path.same_again, "dropped"
    pieces = cut(encoded(300, "soil", bytes(600)), kind=REQUEST)
    path = Path([made(frame.KIND_FRAGMENT, piece) for piece in pieces])
    yield "request of three fragments to its handler", path, path.frame_in, "handled"
    path = Path([])
    yield "announcement and telemetry out", path, path.time_passes, "sent"


def seen(path, what):
    """Return a counter that a step moves."""
    counts = path.agent.meters.counts
    if what == "sent":
        return path.out.sent
    if what == "handled":
        return path.handled
    return counts[1] if what == "received" else sum(counts[5:])


def bytes_of(path, step, what):
    """Return how many bytes one step allocates."""
    step()
    before = seen(path, what)
    taken, _ = bytes_taken(repeat, step)
    if not taken:
        with no_allocation():
            step()
    done = seen(path, what) - before
    assert done >= ROUNDS, done
    return (taken + ROUNDS - 1) // ROUNDS


def repeat(step):
    """Take a step so often that one allocation in a while shows, too."""
    for _ in range(ROUNDS):
        step()


if __name__ == "__main__":
    result = [(name, bytes_of(path, step, what)) for name, path, step, what in paths()]
    json.dump(result, sys.stdout)
