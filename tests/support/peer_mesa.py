"""The measured world as a user of Mesa writes it: agents of a few lines, without a kernel.

Mesa steps; a step here is a tenth of a second, the coarsest in which a window can be told.
"""

import sys
import time

import mesa
from mesa.space import ContinuousSpace

AREA_M2, RANGE_M, STEPS_PER_S, WINDOW_STEPS = 100, 17, 10, 5


class Sleeper(mesa.Agent):
    """Sleep, wake with the others, say three things, hear theirs."""

    def __init__(self, model: "Field") -> None:
        super().__init__(model)
        self.near: list[Sleeper] = []
        self.heard: dict[int, int] = {}
        self.received = 0
        self.says = 0

    def step(self) -> None:
        """Say one thing of the window at this step, if it is open."""
        if not self.model.is_open:
            return
        if self.model.phase == 0:
            self.says = 3
        if self.says:
            self.says -= 1
            for other in self.near:
                other.hear(self.unique_id)

    def hear(self, source: int) -> None:
        """Note who was heard."""
        self.heard[source] = self.model.now
        self.received += 1


class Field(mesa.Model):
    """All agents, strewn over a square."""

    def __init__(self, count: int, period_s: int) -> None:
        super().__init__(seed=1)
        side_m = (count * AREA_M2) ** 0.5
        space = ContinuousSpace(side_m, side_m, torus=False)
        self.now = 0
        self.period_steps = period_s * STEPS_PER_S
        self.sleepers = [Sleeper(self) for _ in range(count)]
        for agent in self.sleepers:
            space.place_agent(
                agent, (self.random.uniform(0, side_m - 1), self.random.uniform(0, side_m - 1))
            )
        for agent in self.sleepers:
            agent.near = space.get_neighbors(agent.pos, RANGE_M, include_center=False)

    @property
    def phase(self) -> int:
        """Return how many steps of the period are over."""
        return self.now % self.period_steps

    @property
    def is_open(self) -> bool:
        """Tell whether the window is open."""
        return self.phase < WINDOW_STEPS

    def step(self) -> None:
        """Let a tenth of a second pass."""
        self.agents.shuffle_do("step")
        self.now += 1


def main(count: int, period_s: int, span_s: int) -> None:
    """Print simulated seconds per CPU second, and frames heard."""
    field = Field(count, period_s)
    began_s = time.process_time()
    for _ in range(span_s * STEPS_PER_S):
        field.step()
    cpu_s = time.process_time() - began_s
    print(span_s / cpu_s, sum(agent.received for agent in field.sleepers))


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
