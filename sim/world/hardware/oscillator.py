"""What a board counts its time with: a crystal that runs a little fast or slow."""

from cma_toolkit.sim.world.clock import ticks_at


class Oscillator:
    """An agent's ticks; they go on through deep sleep."""

    def __init__(self, offset_ms: int = 0) -> None:
        self._offset_ms = offset_ms

    def ticks(self, now_ms: int) -> int:
        """Return what the board's clock shows at an instant of the world."""
        return ticks_at(now_ms, self._offset_ms)

    def jump(self, by_ms: int) -> None:
        """Have the clock show another time at once."""
        self._offset_ms += by_ms
