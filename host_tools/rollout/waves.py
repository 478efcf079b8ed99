"""Who takes a release when: a few canaries first, then larger and larger shares.

Pure. The order is drawn from the release and each board's address: the same for the same release,
another for the next one, so that it is not always the same boards that go first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from cma_toolkit.host_tools.errors import usage
from cma_toolkit.host_tools.fleet.database import BoardRecord

_SHARE = re.compile(r"(\d{1,9})(%?)")
EVERYBODY = 100
# What the canaries do not show may show in the next wave, which is small, too.
USUAL = (2, 10, 50, EVERYBODY)


@dataclass(frozen=True)
class Share:
    """Some boards: so many, or so many percent of all."""

    count: int
    is_percent: bool

    def of(self, boards: int) -> int:
        """Return how many of so many boards it is, rounded down, and never more than all."""
        return min(boards, boards * self.count // 100 if self.is_percent else self.count)


def parse_share(text: str, option: str) -> Share:
    """Read `3` or `5%`.

    Raises: CmaError 2.
    """
    match = _SHARE.fullmatch(text.strip())
    if match is None or (match[2] and int(match[1]) > EVERYBODY):
        raise usage(f"{option} {text}: write a number of boards such as 3, or a share such as 5%.")
    return Share(int(match[1]), bool(match[2]))


def parse_waves(text: str) -> list[int]:
    """Read `10,50,100`: the percentages of the boards that have been asked after each wave.

    Raises: CmaError 2.
    """
    words = text.split(",")
    percents = [int(word) for word in words if word.strip().isdecimal()]
    rising = all(one < other for one, other in pairwise(percents))
    if len(percents) != len(words) or not rising or not 0 < percents[-1] <= EVERYBODY:
        raise usage(f"--waves {text}: write rising percentages from 1 to 100, such as 10,50,100.")
    return percents


def divide(
    boards: Sequence[BoardRecord],
    release: str,
    canaries: Share | Sequence[str],
    percents: Sequence[int],
) -> list[list[BoardRecord]]:
    """Return the boards of each wave, canaries first; who is in no wave is left out.

    `canaries` are a share, of which at least one, or the MAC addresses of boards. Of a share, as
    many kinds of boards as can be are among them.
    """
    drawn = sorted(boards, key=lambda board: sha256(f"{release} {board.mac}".encode()).digest())
    if isinstance(canaries, Share):
        first = _one_of_each_kind(drawn)[: max(1, canaries.of(len(boards)))]
    else:
        first = [board for board in drawn if board.mac in canaries]
    rest = [board for board in drawn if board not in first]
    waves, asked = [first], len(first)
    for percent in percents:
        until = -(-len(boards) * percent // 100)
        if until > asked:
            waves.append(rest[asked - len(first) : until - len(first)])
            asked = until
    return waves


def _one_of_each_kind(drawn: Sequence[BoardRecord]) -> list[BoardRecord]:
    """Return boards in an order in which the first of each kind come first."""
    kinds: dict[tuple[str, str], int] = {}
    ranks = []
    for board in drawn:
        kind = board.board, board.chip
        ranks.append(kinds.get(kind, 0))
        kinds[kind] = ranks[-1] + 1
    order = sorted(range(len(drawn)), key=lambda index: (ranks[index], index))
    return [drawn[index] for index in order]
