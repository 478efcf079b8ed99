"""Power lost at each frame and in each flash operation: no nonce is used twice under a key.

`make figure NAME=nonce_reuse` is the long form.
"""

import pytest

from cma_toolkit.firmware.kernel.secure.port import Crypto
from kernel.ports import Table
from kernel.secure.nonces import BLOCK, Nonces
from kernel.secure.session import Protection
from support.nonce_lives import cut_everywhere

STEPS = 12
SEEDS = (1, 2, 3, 4)
EVERY = 16  # of the places where nothing is written to flash: there are hundreds alike
CASES_MIN = 800


def test_no_nonce_is_used_twice() -> None:
    results = [cut_everywhere(seed, STEPS, Protection, every=EVERY) for seed in SEEDS]
    assert sum(reused for _, reused in results) == 0
    assert sum(cases for cases, _ in results) >= CASES_MIN


class KeptInMemory(Nonces):
    """Reserve in memory only."""

    def _raise(self, lane: int) -> bool:
        self.ceilings[lane] += BLOCK
        return True


class WrittenLater(Nonces):
    """Use a number first, and reserve it with the next one."""

    def take(self, lane: int) -> int:
        if not self.know():
            return -1
        if self._next[lane] > self.ceilings[lane] and not self._raise(lane):
            return -1
        self._next[lane] += 1
        return self._next[lane] - 1


class BelievesItself(Nonces):
    """Take it that who knows no number has used none."""

    def know(self) -> bool:
        known = super().know()
        if self.floor == (1 << 30) - 1:
            self.floor = 0
        return known


@pytest.mark.parametrize("naive", [KeptInMemory, WrittenLater, BelievesItself])
def test_naive_counters_are_found_out(naive: type[Nonces]) -> None:
    class Naive(Protection):
        def __init__(self, crypto: Crypto, table: Table, node: int) -> None:
            super().__init__(crypto, table, node)
            self.nonces = self.group._nonces = naive(table)

    assert any(cut_everywhere(seed, STEPS, Naive, every=EVERY)[1] for seed in SEEDS)
