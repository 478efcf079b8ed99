"""Two agents joined by a wire that a test can cut or listen to."""

from kernel.agent import Agent
from kernel.codec.frame import node_id
from kernel.config import Config
from kernel.errors import CAUSE_POWER_ON
from kernel.identity import Identity
from kernel.ports import Parts
from kernel.prng import Prng
from kernel.ticks import ticks_add, ticks_diff
from support.script import MemoryTable, Script

STEP_MS = 50
START_MS = (1 << 29) - 3_000  # the ticks wrap early in every test


def mac_of(number):
    """Return the hardware address of one of the agents."""
    return bytes((2, 0, 0, 0, 0, number))


class Node:
    """One agent with its script and its table."""

    def __init__(self, name, number, table=None, parts=None, network=7, **settings):
        self.out = Script()
        self.table = table or MemoryTable()
        self.identity = Identity(name, node_id(mac_of(number)), network, "test-board")
        config = Config()
        config.take_currents(settings.pop("currents", {}))
        config.take(settings)
        self.agent = Agent(self.identity, Prng(number), self.table, parts or Parts(), config)

    def start(self, now_ms, cause=CAUSE_POWER_ON, remembered=None):
        """Boot the agent."""
        self.agent.start(now_ms, cause, remembered, self.out)

    def status(self, field):
        """Return one field of the status."""
        return self.agent.status()[field]


class Pair:
    """Nodes `a` and `b`, each hears all that the other says."""

    def __init__(self, setup_a=None, setup_b=None, **settings):
        self.now_ms = START_MS
        self.nodes = [Node("a", 1, **settings), Node("b", 2, **settings)]
        self.a, self.b = self.nodes
        self.is_cut = False
        self.heard = []  # every frame, in order
        for node, setup in zip(self.nodes, (setup_a, setup_b)):  # noqa: B905 - not in MicroPython
            node.start(self.now_ms)
            if setup is not None:
                node.agent.set_up(self.now_ms, setup, node.out)

    def run(self, milliseconds):
        """Let time pass and frames travel."""
        for _ in range(milliseconds // STEP_MS):
            self.now_ms = ticks_add(self.now_ms, STEP_MS)
            for node in self.nodes:
                self._serve(node)
            self._exchange()

    def _serve(self, node):
        # As a driver does: again while something is due, since a step serves one timer.
        for _ in range(20):
            node.agent.on_time(self.now_ms, node.out)
            if ticks_diff(node.agent.next_wake_at_ms(), self.now_ms) > 0:
                return
        raise AssertionError("an agent that is always due")

    def _exchange(self):
        # Answers travel in the same step; a bound, since each could cause another.
        for _ in range(4):
            for source, target in ((self.a, self.b), (self.b, self.a)):
                for data in source.out.take_frames():
                    self.heard.append(data)
                    if not self.is_cut:
                        target.agent.on_frame(self.now_ms, 0, data, len(data), 0, target.out)

    def send(self, node, data):
        """Let a node hear bytes that no agent sent."""
        node.agent.on_frame(self.now_ms, 0, data, len(data), 0, node.out)
