"""Wires from one board's UART to another's: a frame takes as long as its bytes do.

Both sides must be awake; the radio may be off. A frame behind another waits for it.
"""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.sim.world.medium.airtime import wire_us

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cma_toolkit.sim.world.medium.medium import Medium

LINK = 2  # as the kernel names it
_BAUD = 115_200


class Wires:
    """Pairs of agents, at most one wire on each.

    Units: `baud` bits per second; `loss_permille` of the frames have a bit wrong and are dropped.
    """

    def __init__(
        self, medium: "Medium", plain: "dict[str, Any]", is_own: bytearray, seed: int
    ) -> None:
        self._medium = medium
        self._seed = seed
        self._baud = plain.get("baud", _BAUD)
        self._loss_permille = plain.get("loss_permille", 0)
        self.other: dict[int, int] = {}
        self._is_own = is_own
        for one, other in plain["pairs"]:
            self.other[one], self.other[other] = other, one
        self._free_us: dict[int, int] = {}  # when each sender's wire has nothing more to carry
        self.asked: list[tuple[int, int, int, bytes]] = []  # at, target, end in us, data
        self._chances: dict[int, Prng] = {}  # of who receives

    def send(self, source: int, data: bytes) -> None:
        """Carry a frame to the other end, if there is a wire."""
        target = self.other.get(source)
        if target is None:
            return
        now_ms = self._medium.now_ms()
        start_us = max(now_ms * 1000, self._free_us.get(source, 0))
        end_us = self._free_us[source] = start_us + wire_us(len(data), self._baud)
        self.asked.append((now_ms, target, end_us, data))
        self._medium.post_at(now_ms + 1)

    def turn(self, now_ms: int) -> None:
        """Draw what becomes of each frame of the last millisecond, at its receiver."""
        asked = [entry for entry in self.asked if entry[0] < now_ms]
        self.asked = [entry for entry in self.asked if entry[0] >= now_ms]
        asked.sort()
        for _asked_ms, target, end_us, data in asked:
            if not self._is_own[target]:
                continue
            chance = self._chances.get(target)
            if chance is None:
                chance = self._chances[target] = Prng(seed_from(self._seed, "wire", target))
            if chance.below(1000) >= self._loss_permille:
                left_ms = (end_us + 999) // 1000 - now_ms
                self._medium.hand_over(self.other[target], target, 0, data, LINK, left_ms)
