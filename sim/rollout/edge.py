"""An edge in a world of updating boards: always awake, its machine is somebody else's."""

from typing import TYPE_CHECKING, Any

from cma_toolkit.firmware.kernel.ticks import ticks_diff
from cma_toolkit.sim.world.board import FRAME, WAKE
from cma_toolkit.sim.world.clock import ticks_at

if TYPE_CHECKING:
    from cma_toolkit.sim.rollout.world import World


class Edge:
    """One station on mains power."""

    def __init__(self, world: "World", index: int, machine: Any) -> None:
        self.index = index
        self.machine = machine
        self.power = None
        self._world = world
        self._wake_at_ms = -1

    def start(self) -> None:
        """Begin."""
        self.machine.start(ticks_at(self._world.clock.now_ms), self)
        self.settle()

    def is_listening(self) -> bool:
        """Tell whether a frame that arrives now is heard."""
        return True

    def on_event(self, kind: int, data: Any) -> None:
        """Take part in what happens now."""
        now_ms = self._world.clock.now_ms
        if kind == FRAME:
            rssi_dbm, content, link, _source = data
            self.machine.on_frame(ticks_at(now_ms), link, content, len(content), rssi_dbm, self)
        elif kind == WAKE and self._wake_at_ms == now_ms:
            self._wake_at_ms = -1
            self.machine.on_time(ticks_at(now_ms), self)
        self.settle()

    def settle(self) -> None:
        """Come back when the machine has something to do."""
        clock = self._world.clock
        wait_ms = ticks_diff(self.machine.next_wake_at_ms(), ticks_at(clock.now_ms))
        at_ms = clock.now_ms + max(1, wait_ms)
        if self._wake_at_ms != at_ms:
            self._wake_at_ms = at_ms
            clock.schedule(at_ms, WAKE, self.index)

    def send(self, link: int, buffer: bytearray, length: int) -> None:
        """Let a frame out."""
        self._world.medium.transmit(self.index, link, bytes(buffer[:length]))
