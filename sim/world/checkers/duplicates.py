"""Duplicates: a frame takes effect at most once at each agent, however often it arrives.

The kernel promises it while it knows the sender. It no longer does after a boot, after it forgot a
silent neighbour or gave its row in a full table away, and after the sender seems to have
restarted, as a corrupted number may say; a frame that is replayed then counts as new until frames
are authenticated. Those moments are left out here, and only those.
"""

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.firmware.kernel.codec.frame import read_source
from cma_toolkit.firmware.kernel.errors import CAUSE_DEEP_SLEEP, EVENT_SNAPSHOT_LOST
from cma_toolkit.firmware.kernel.health.meters import RECEIVED
from cma_toolkit.firmware.kernel.limits import (
    HEADER_BYTES,
    NEIGHBOURS_MAX,
    SEQUENCE_JUMP_MAX,
    SEQUENCE_WINDOW,
)
from cma_toolkit.firmware.kernel.mesh.neighbours import KEPT_MAX
from cma_toolkit.sim.world import trace
from cma_toolkit.sim.world.board import FRAME
from cma_toolkit.sim.world.checkers.base import Checker
from cma_toolkit.sim.world.fleet import Fleet

_SENT_MAX = 256  # frames of one agent that are told from corrupted ones
_LOST = trace.encode_value((EVENT_SNAPSHOT_LOST, 0))


class Duplicates(Checker):
    """Remember what each agent took in of each sender lately."""

    NAME = "duplicates"

    def begin(self, fleet: Fleet) -> None:
        """Know of nothing yet."""
        count = len(fleet.boards)
        self._data: list[bytes] = [b""] * count  # the frame that is being handed over
        self._received = [0] * count  # by the agent's own count before it
        self._windows: list[dict[int, dict[bytes, _Window]]] = [{} for _ in range(count)]
        self._sent: list[dict[bytes, None]] = [{} for _ in range(count)]
        self._has_corruption = False

    def fault(self, fleet: Fleet, name: str, text: str, is_on: bool) -> None:
        """Begin to look for corrupted frames once there may be some."""
        self._has_corruption |= name == "corrupt"

    def sent(self, fleet: Fleet, source: int, data: bytes) -> None:
        """Keep what was sent, to tell it from what was corrupted."""
        if self._has_corruption:
            sent = self._sent[source]
            sent[data] = None
            if len(sent) > _SENT_MAX:
                del sent[next(iter(sent))]

    def came(self, fleet: Fleet, source: int, data: bytes) -> None:
        """Keep what was sent elsewhere, too."""
        self.sent(fleet, source, data)

    def effect(self, fleet: Fleet, index: int, kind: int, content: bytes) -> None:
        """Forget what a boot forgets."""
        if kind == trace.BOOT:
            if content[0] != CAUSE_DEEP_SLEEP or len(self._windows[index]) > KEPT_MAX:
                self._windows[index] = {}
        elif kind == trace.REPORT and content == _LOST:
            self._windows[index] = {}

    def arrived(self, fleet: Fleet, source: int, target: int, data: bytes) -> None:
        """Keep the frame until the agent has judged it."""
        agent = fleet.boards[target].agent
        if agent is None or len(data) <= HEADER_BYTES:
            return
        self._data[target] = data
        self._received[target] = agent.meters.counts[RECEIVED]
        if self._has_corruption and data not in self._sent[source]:
            windows = self._windows[target].setdefault(read_source(data), {})
            for window in windows.values():
                window.frames.clear()
            window = windows.setdefault(data[8:12], _Window(_number(data)))
            window.newest.append(_number(data))

    def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
        """Look whether the agent took in what it had taken in before."""
        data = self._data[index]
        if kind == FRAME and data:
            self._data[index] = b""
            agent = fleet.boards[index].agent
            if agent is not None and agent.meters.counts[RECEIVED] > self._received[index]:
                source = read_source(data)
                if agent.router.joined == source:
                    self._windows[index].pop(source, None)
                self._take(fleet, index, source, data)
            if agent is not None and agent.neighbours.count >= NEIGHBOURS_MAX:
                self._forget_the_pushed_out(index, agent)

    def _forget_the_pushed_out(self, index: int, agent: Agent) -> None:
        """Know only whom the agent knows: a full table may give a row away and not say so."""
        windows, ids = self._windows[index], agent.neighbours.ids
        for source in [source for source in windows if source not in ids]:
            del windows[source]

    def _take(self, fleet: Fleet, index: int, source: int, data: bytes) -> None:
        target, number = data[8:12], _number(data)
        # An agent numbers what is for all and what is for one apart.
        windows = self._windows[index].setdefault(source, {})
        window = windows.get(target)
        if window is None or window.is_restart(number):
            window = windows[target] = _Window(number)
        elif data in window.frames:
            size_bytes = len(data) - HEADER_BYTES
            what = f"takes frame {number} of {source:08x} ({size_bytes} B) twice"
            self.violated(fleet, index, what)
        window.add(number, data)


def _number(data: bytes) -> int:
    return data[12] << 8 | data[13]


class _Window:
    """The frames that were taken in of one sender, as far back as the kernel looks.

    `newest` are the numbers of which the kernel holds one for the newest: that of a corrupted
    frame may be any, and it may have been taken in or not.
    """

    def __init__(self, number: int) -> None:
        self.newest = [number]
        self.frames: list[bytes] = []

    def is_restart(self, number: int) -> bool:
        """Tell whether this may be neither a late frame nor a next one: its sender restarted."""
        for newest in self.newest:
            ahead = (number - newest) & 0xFFFF
            if ahead > SEQUENCE_JUMP_MAX and -ahead & 0xFFFF >= SEQUENCE_WINDOW:
                return True
        return False

    def add(self, number: int, data: bytes) -> None:
        """Take in one more; a newer one pushes out what lies behind the window."""
        self.frames.append(data)
        del self.frames[:-SEQUENCE_WINDOW]
        if len(self.newest) == 1:  # as ever, but for corrupted ones
            if (number - self.newest[0]) & 0xFFFF < 1 << 15:
                self.newest[0] = number
            return
        is_newer = [(number - newest) & 0xFFFF < 1 << 15 for newest in self.newest]
        older = {newest for newest, later in zip(self.newest, is_newer, strict=True) if not later}
        self.newest = [*sorted(older), *([number] if any(is_newer) else [])]
