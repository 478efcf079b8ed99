"""One agent that has booted, what a stranger says to it, and the order of what it does."""

from kernel.codec import cbor, frame
from kernel.errors import CAUSE_POWER_ON
from kernel.limits import HEADER_BYTES
from kernel.ticks import ticks_add
from support.pair import START_MS, Node
from support.script import Script

PERIOD_MS = 60_000
STRANGER = 0x01020304
CURRENTS = {"active": 80_000, "wifi_rx": 95_000, "light_sleep": 380, "deep_sleep": 8}


def started(number=1, cause=CAUSE_POWER_ON, **settings):
    """Return a node that has booted."""
    node = Node("a", number, **settings)
    node.start(START_MS, cause)
    return node


def made(kind, fields, target=frame.BROADCAST, sequence=1, source=STRANGER):
    """Return a frame of a node that is no agent of ours."""
    data = bytearray(HEADER_BYTES) + cbor.encode(fields)
    frame.write_header(data, kind, 7, source, target, sequence)
    return data


def hear(node, data, now_ms=START_MS, out=None):
    """Let an agent hear a frame."""
    node.agent.on_frame(now_ms, 0, data, len(data), -60, out or node.out)


def used_nc(node):
    """Return what each state has used. Units: nC, the product of uA and ms."""
    energy = node.agent.governor.energy
    return [3_600_000 * energy.uah[state] + energy.rest_nc[state] for state in range(6)]


def later(span_ms):
    """Return an instant after the start."""
    return ticks_add(START_MS, span_ms)


class InOrder(Script):
    """Note what happened, commits of a table too, in one list."""

    def __init__(self, node):
        super().__init__()
        self.node = node
        self.order = []
        commit = node.table.commit

        def noted():
            self.order.append("commit")
            return commit()

        node.table.commit = noted

    def send(self, link, buffer, length):
        """Note a frame by its kind."""
        self.order.append(buffer[1])

    def reboot(self, reason):
        """Note it."""
        self.order.append("reboot")

    def sleep(self, until_at_ms, depth):
        """Note it."""
        self.order.append("sleep")
