"""Faults of single frames on their way: each path of a frame is treated by itself."""

from cma_toolkit.sim.world.faults.made import Made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cma_toolkit.sim.world.faults.base import Paths

_OLD_FRAMES_MAX = 64  # kept of each sender, to be replayed


class Loss(Made):
    """Lose frames."""

    NAME, NUMBER = "loss", 1
    PARAMETERS = (("permille", 1, 1000, 10, 300, 100),)
    permille: int

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Lose some."""
        if self.chance(target, self.permille):
            del paths[:]


class Delay(Made):
    """Let frames take longer, all of them alike."""

    NAME, NUMBER = "delay", 2
    PARAMETERS = (("delay_ms", 1, 60_000, 5, 400, 50),)
    delay_ms: int

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Hold it back."""
        _hold(paths, min(self.delay_ms, self.left_ms()))


class Reorder(Made):
    """Let some frames be overtaken by later ones."""

    NAME, NUMBER = "reorder", 3
    PARAMETERS = (("permille", 1, 1000, 50, 500, 200), ("span_ms", 1, 60_000, 5, 2_000, 100))
    permille: int
    span_ms: int

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Hold it back, if it is one of those."""
        if self.chance(target, self.permille):
            _hold(paths, min(1 + self.stream(target).below(self.span_ms), self.left_ms()))


class Duplicate(Made):
    """Let some frames arrive twice."""

    NAME, NUMBER = "duplicate", 4
    PARAMETERS = (("permille", 1, 1000, 50, 500, 200), ("span_ms", 1, 60_000, 1, 2_000, 20))
    permille: int
    span_ms: int

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Add a second one that comes later."""
        if paths and self.chance(target, self.permille):
            delay_ms, rssi_dbm, content = paths[0]
            more_ms = min(self.stream(target).below(self.span_ms), self.left_ms())
            paths.append((delay_ms + more_ms, rssi_dbm, content))


class Replay(Made):
    """Let frames from the past arrive once more, also where they were lost the first time."""

    NAME, NUMBER = "replay", 5
    PARAMETERS = (("permille", 1, 1000, 50, 500, 200), ("age", 1, _OLD_FRAMES_MAX, 1, 64, 10))
    permille: int
    age: int

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Add an old frame of the same sender to the same receiver."""
        if not hasattr(self, "_old"):
            self._old: dict[tuple[int, int], list[bytes]] = {}
        old = self._old.setdefault((source, target), [])
        if old and paths and self.chance(target, self.permille):
            delay_ms, rssi_dbm, _ = paths[0]
            back = 1 + self.stream(target).below(min(self.age, len(old)))
            paths.append((delay_ms + 1, rssi_dbm, old[-back]))
        old.append(data)
        if len(old) > _OLD_FRAMES_MAX:
            del old[0]


class Corrupt(Made):
    """Let frames arrive with wrong bits, or cut off: what a radio's checksum lets pass."""

    NAME, NUMBER = "corrupt", 6
    PARAMETERS = (("permille", 1, 1000, 5, 200, 50), ("bits", 1, 64, 1, 16, 3))
    permille: int
    bits: int

    def on_air(self, source: int, target: int, data: bytes, paths: "Paths") -> None:
        """Flip some bits; of each eighth such frame the end is missing, too."""
        rng = self.stream(target)
        for place in range(len(paths)):
            delay_ms, rssi_dbm, content = paths[place]
            if not content or rng.below(1000) >= self.permille:
                continue
            wrong = bytearray(content)
            for _ in range(1 + rng.below(self.bits)):
                bit = rng.below(8 * len(wrong))
                wrong[bit >> 3] ^= 1 << (bit & 7)
            length = 1 + rng.below(len(wrong)) if not rng.below(8) else len(wrong)
            paths[place] = (delay_ms, rssi_dbm, bytes(wrong[:length]))


def _hold(paths: "Paths", more_ms: int) -> None:
    for place in range(len(paths)):
        delay_ms, rssi_dbm, content = paths[place]
        paths[place] = (delay_ms + more_ms, rssi_dbm, content)
