"""UDP through an access point: all that joined it hear each other, wherever they are.

A board has no retries here and learns nothing of a loss. What is left out: the time that an agent
takes to join again when it wakes, and that the access point shares the air with ESP-NOW.
"""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cma_toolkit.sim.world.medium.medium import Medium

LINK = 1  # as the kernel names it
_LATENCY_MS, _JITTER_MS = 3, 4


class Udp:
    """The network behind one access point.

    Units: `latency_ms` from sender to receiver, and by chance up to `jitter_ms` more;
    `loss_permille` of the datagrams on each path.
    """

    def __init__(
        self, medium: "Medium", plain: "dict[str, Any]", is_own: bytearray, seed: int
    ) -> None:
        self._medium = medium
        self._seed = seed
        self.members: list[int] = sorted(set(plain.get("agents", range(len(is_own)))))
        self._own = [agent for agent in self.members if is_own[agent]]
        self._is_member = bytearray(len(is_own))
        for agent in self.members:
            self._is_member[agent] = 1
        self._latency_ms = plain.get("latency_ms", _LATENCY_MS)
        self._jitter_ms = plain.get("jitter_ms", _JITTER_MS)
        self._loss_permille = plain.get("loss_permille", 0)
        self.asked: list[tuple[int, int, int, bytes]] = []  # at, source, number, data
        self._chances: dict[int, Prng] = {}  # of who receives

    def send(self, source: int, data: bytes) -> None:
        """Carry a datagram to all others; the frame in it says whom it is for."""
        if self._is_member[source]:
            now_ms = self._medium.now_ms()
            self.asked.append((now_ms, source, len(self.asked), data))
            self._medium.post_at(now_ms + 1)

    def turn(self, now_ms: int) -> None:
        """Draw what becomes of each datagram of the last millisecond, at each receiver."""
        asked = [entry for entry in self.asked if entry[0] < now_ms]
        self.asked = [entry for entry in self.asked if entry[0] >= now_ms]
        asked.sort()
        for asked_ms, source, _number, data in asked:
            for target in self._own:
                if target == source:
                    continue
                chance = self._chances.get(target)
                if chance is None:
                    chance = self._chances[target] = Prng(seed_from(self._seed, "udp", target))
                delay_ms = self._latency_ms + chance.below(self._jitter_ms + 1)
                if chance.below(1000) >= self._loss_permille:
                    left_ms = asked_ms + delay_ms - now_ms
                    self._medium.hand_over(source, target, 0, data, LINK, left_ms)
