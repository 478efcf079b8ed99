"""The measured world as a user of SimPy writes it: agents of a few lines, without a kernel."""

import random
import sys
import time
from typing import Any

import simpy

AREA_M2, RANGE_M, BOOT_S, WINDOW_S, FRAME_S = 100, 17, 0.35, 0.5, 0.002


class Agent:
    """Sleep, wake with the others, say three things, hear theirs."""

    def __init__(self, env: simpy.Environment, place: tuple[float, float], period_s: int) -> None:
        self.env, self.place, self.period_s = env, place, period_s
        self.near: list[Agent] = []
        self.is_on = False
        self.heard: dict[int, float] = {}
        self.received = 0

    def run(self) -> Any:
        """Live."""
        while True:
            yield self.env.timeout(self.period_s - WINDOW_S - BOOT_S)
            yield self.env.timeout(BOOT_S)
            self.is_on = True
            for kind in ("announce", "message", "telemetry"):
                yield self.env.timeout(random.uniform(0, WINDOW_S / 4))
                self.env.process(self.send(kind))
            yield self.env.timeout(WINDOW_S / 4)
            self.is_on = False

    def send(self, kind: str) -> Any:
        """Let a frame reach whoever listens."""
        yield self.env.timeout(FRAME_S)
        for other in self.near:
            if other.is_on:
                other.hear(id(self), kind)

    def hear(self, source: int, kind: str) -> None:
        """Note who was heard."""
        self.heard[source] = self.env.now
        self.received += 1


def main(count: int, period_s: int, span_s: int) -> None:
    """Print simulated seconds per CPU second, and frames heard."""
    random.seed(1)
    env = simpy.Environment()
    side_m = (count * AREA_M2) ** 0.5
    agents = [
        Agent(env, (random.uniform(0, side_m), random.uniform(0, side_m)), period_s)
        for _ in range(count)
    ]
    for agent in agents:
        x, y = agent.place
        agent.near = [
            other
            for other in agents
            if other is not agent
            and (other.place[0] - x) ** 2 + (other.place[1] - y) ** 2 <= RANGE_M**2
        ]
        env.process(agent.run())
    began_s = time.process_time()
    env.run(until=span_s)
    cpu_s = time.process_time() - began_s
    print(span_s / cpu_s, sum(agent.received for agent in agents))


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
