"""Answer datagrams on loopback, in MicroPython: as a bare echo, or as an agent.

Usage: `udp_servers.py echo|agent PORT_OF_THE_CLIENT`. Prints its own port; ends when it is killed.
Both wait for the same thing in the same way. The echo is the least that asyncio can do. The agent
takes what is there before it waits again, as a board's loop does, and has no quotas: they are what
would end the measurement.
"""

import asyncio
import socket
import sys
from time import ticks_ms

from kernel.agent import Agent
from kernel.config import Config
from kernel.effects import Effects
from kernel.errors import CAUSE_POWER_ON
from kernel.identity import Identity
from kernel.limits import FRAME_BYTES_MAX, QUOTA_AIR_MS, QUOTA_CPU_MS, QUOTA_IN, QUOTA_OUT
from kernel.ports import Parts, Table
from kernel.prng import Prng
from kernel.ticks import TICKS_PERIOD, ticks_diff
from support.mesh import NETWORK

NODE = 0x1234
FRAMES_PER_TURN = 16  # as in device/loop.py


def address_of(port):
    """Return a port of loopback as sockets take it."""
    return socket.getaddrinfo("127.0.0.1", port)[0][-1]


def opened():
    """Return a socket on a free port."""
    for port in range(20_011, 60_000, 7):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(address_of(port))
        except OSError:  # taken
            udp.close()
            continue
        udp.setblocking(False)
        print(port)
        return udp
    raise OSError("no free port")


async def echo(udp):
    """Send back what comes."""
    while True:
        yield asyncio.core._io_queue.queue_read(udp)
        data, address = udp.recvfrom(FRAME_BYTES_MAX + 1)
        udp.sendto(data, address)


class Sink(Effects):
    """Send frames to the client."""

    def __init__(self, udp, port):
        self._sendto = udp.sendto
        self._target = address_of(port)
        self._view = memoryview

    def send(self, link, buffer, length):
        """Transmit a frame."""
        self._sendto(self._view(buffer)[:length], self._target)


def now_ms():
    """Return the present instant."""
    return ticks_ms() & (TICKS_PERIOD - 1)


def started(sink):
    """Return an agent that is up."""
    agent = Agent(Identity("a", NODE, NETWORK, "x"), Prng(1), Table(), Parts(), Config())
    for kind in (QUOTA_IN, QUOTA_OUT, QUOTA_AIR_MS, QUOTA_CPU_MS):
        agent.governor.quotas.limit(kind, 0, 0)
    agent.start(now_ms(), CAUSE_POWER_ON, None, sink)
    agent.set_up(now_ms(), lambda application: application.on("echo")(_value_of), sink)
    return agent


def _value_of(message):
    return message.value


async def serve(udp, sink):
    """Turn an agent."""
    agent = started(sink)
    receive, on_frame, size_of = udp.recv, agent.on_frame, len
    while True:
        yield asyncio.core._io_queue.queue_read(udp)
        for _ in range(FRAMES_PER_TURN):
            try:
                data = receive(FRAME_BYTES_MAX + 1)
            except OSError:  # EAGAIN: nothing more is there
                break
            on_frame(now_ms(), 0, data, size_of(data), 0, sink)
        if ticks_diff(agent.next_wake_at_ms(), now_ms()) <= 0:
            agent.on_time(now_ms(), sink)


if __name__ == "__main__":
    own = opened()
    if sys.argv[1] == "echo":
        asyncio.run(echo(own))
    else:
        asyncio.run(serve(own, Sink(own, int(sys.argv[2]))))
