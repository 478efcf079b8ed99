"""What was last seen of an agent while it was awake; for CPython only."""

from cma_toolkit.firmware.kernel.agent import Agent


class View:
    """Neighbours, state and energy of one agent, as of the last look at it.

    Shape: `state` has each value as text, so that two can be compared.
    """

    def __init__(self) -> None:
        self.neighbours = 0
        self.state: dict[str, str] = {}
        self.used_uah = 0
        self.errors = 0
        self._before_uah = 0  # what agents counted that lost their count with their power
        self._counted_uah = 0

    def look(self, agent: Agent | None) -> None:
        """Read an agent; of none that is there the last look stays."""
        if agent is None:
            return
        self.neighbours = agent.neighbours.count
        self.state = {key: repr(value) for key, value in agent.keeper.state.as_dict().items()}
        counted_uah = agent.governor.energy.total_uah()
        if counted_uah < self._counted_uah:
            self._before_uah += self._counted_uah
        self._counted_uah = counted_uah
        self.used_uah = self._before_uah + counted_uah

    def lose(self) -> None:
        """Forget what goes with the power."""
        self.neighbours = 0
        self.state = {}
