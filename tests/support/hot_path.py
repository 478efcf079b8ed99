"""Take frames through an agent in MicroPython, and print the bytes that each kind allocates.

Prints JSON: how many bytes by name, of one message. Every path is run under `heap_lock` too, where
an allocation raises, unless it was seen to allocate.
"""

import gc
import json
import sys

from micropython import heap_lock, heap_unlock

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
from support.mesh import NETWORK, cut, encoded, made

ROUNDS = 20
NODE = 0x1234
TOPIC = b"soil"


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
        for kind in (frame.KIND_REQUEST, frame.KIND_RESPONSE):
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
        if envelope.kind == frame.KIND_RESPONSE:
            self.handled += self.agent.requests.take(envelope.source, 1) is None
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
    """Return name, path, step, and what to look at to see that the step did its work."""
    value = {"moisture": 312, "battery": [3700, 20]}
    ping = Path([to_us(frame.KIND_PING, bytes(range(32)))])
    request = Path([to_us(frame.KIND_REQUEST, encoded(300, "soil", value))])
    response = Path([to_us(frame.KIND_RESPONSE, encoded(300, 0, value))])
    message = Path([made(frame.KIND_MESSAGE, encoded("soil", value))])
    telemetry = Path([made(frame.KIND_TELEMETRY, cbor.encode({1: 5, 2: 6}))])
    pieces = cut(encoded(300, "soil", bytes(600)), kind=frame.KIND_REQUEST)
    large = Path([made(frame.KIND_FRAGMENT, piece) for piece in pieces])
    foreign = Path([made(frame.KIND_MESSAGE, encoded("soil", 1), network=NETWORK + 1)])
    clock = Path([])
    message.frame_in()
    return (
        ("ping in, pong out", ping, ping.frame_in, "sent"),
        ("request to its handler", request, request.frame_in, "handled"),
        ("request of three fragments to its handler", large, large.frame_in, "handled"),
        ("response to its request", response, response.frame_in, "handled"),
        ("message on a topic of others", message, message.frame_in, "received"),
        ("telemetry of a neighbour", telemetry, telemetry.frame_in, "received"),
        ("frame that came before", message, message.same_again, "dropped"),
        ("frame of another network", foreign, foreign.same_again, "dropped"),
        ("announcement and telemetry out", clock, clock.time_passes, "sent"),
    )


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
    gc.collect()
    gc.disable()
    start = gc.mem_alloc()
    for _ in range(ROUNDS):
        step()
    taken = gc.mem_alloc() - start
    gc.enable()
    if not taken:
        heap_lock()
        step()
        heap_unlock()
    done = seen(path, what) - before
    assert done >= ROUNDS, done
    return (taken + ROUNDS - 1) // ROUNDS


if __name__ == "__main__":
    result = [(name, bytes_of(path, step, what)) for name, path, step, what in paths()]
    json.dump(result, sys.stdout)
