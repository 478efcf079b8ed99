"""Who is in whose reach in a fleet, and where more gets lost than elsewhere, as it was seen last.

Pure. An edge knows whom it does not hear, and what gets lost on the way from those that it hears.
Much of that is that frames of one cluster collide, which an emulated one's do, too; so a board's
link counts as weak if it loses more than most of its cluster. A board tells how many neighbours it
has, not who they are: those of whom that is known are taken first, then others, drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from statistics import median_low

from cma_toolkit.host_tools.fleet.database import BoardRecord
from cma_toolkit.host_tools.fleet.sightings import Sighting

NOTHING_COMES = 1_000  # permille of the frames get lost
_WEAK_PERMILLE = 400  # of what comes through of others; less is chance, and who wakes when
_LOSS_MAX = 950
_TOLD_MAX = 8  # neighbours: who sleeps deeply remembers no more


@dataclass(frozen=True)
class Reach:
    """What is lost on the way to and from an edge, and of which boards of its cluster none comes.

    Units: permille of the frames, NOTHING_COMES: no edge hears it, and `why` says why.
    """

    edge_permille: int
    deaf_to: frozenset[str] = frozenset()
    why: str = ""


def of_cluster(
    boards: Sequence[BoardRecord],
    seen: Mapping[str, Sighting],
    links: set[tuple[str, str]],
    *,
    loss_permille: int,
    silence_s: int,
) -> dict[str, Reach]:
    """Return the reach of the boards of one cluster, by MAC address.

    Units: `loss_permille` of the frames get lost on every way; who was not heard for `silence_s`
    before the last of them is out of reach.
    """
    macs = [board.mac for board in boards]
    own = {mac: seen[mac] for mac in macs if mac in seen}
    in_reach = _pairs(macs, own, links)
    newest_s = max((each.heard_at_s for each in own.values()), default=0)
    told = sorted(each.loss_permille for each in own.values() if each.loss_permille >= 0)
    usual = median_low(told) if told else 0
    found = {}
    for mac in macs:
        why = _why_unheard(own.get(mac), newest_s, silence_s, 2 * len(told) >= len(macs))
        deaf_to = {other for other in macs if frozenset((mac, other)) not in in_reach} - {mac}
        weak = _weakness(own[mac].loss_permille, usual) if mac in own else 0
        loss = 1_000 - (1_000 - loss_permille) * (1_000 - weak) // 1_000
        edge = NOTHING_COMES if why else min(loss, _LOSS_MAX)
        found[mac] = Reach(edge, frozenset(deaf_to), why)
    return found


def _weakness(permille: int, usual: int) -> int:
    """Return what gets lost of what would come through on a usual link."""
    if permille <= usual or usual >= NOTHING_COMES:
        return 0
    more = 1_000 - (1_000 - permille) * 1_000 // (1_000 - usual)
    return more if more > _WEAK_PERMILLE else 0


def _pairs(
    macs: Sequence[str], seen: Mapping[str, Sighting], links: set[tuple[str, str]]
) -> set[frozenset[str]]:
    """Return who are in each other's reach."""
    left = dict.fromkeys(macs, len(macs) - 1)
    for mac, each in seen.items():
        if 0 <= each.neighbours < _TOLD_MAX:
            left[mac] = min(each.neighbours, len(macs) - 1)
    found = {frozenset(pair) for pair in links if set(pair) <= set(macs)}
    for pair in found:
        for mac in pair:
            left[mac] -= 1
    others = [pair for pair in combinations(sorted(macs), 2) if frozenset(pair) not in found]
    others.sort(key=lambda pair: sha256(" ".join(pair).encode()).digest())
    for one, other in others:
        if left[one] > 0 and left[other] > 0:
            found.add(frozenset((one, other)))
            left[one] -= 1
            left[other] -= 1
    return found


def _why_unheard(
    own: Sighting | None, newest_s: int, silence_s: int, was_listened_to: bool
) -> str:
    if own is None:
        # Who listened for a moment only, or not at all, cannot know.
        return "no edge ever heard it, but others of its cluster" if was_listened_to else ""
    if newest_s - own.heard_at_s > silence_s:
        hours = (newest_s - own.heard_at_s) // 3600
        return f"no edge heard it in the last {hours} hours, but others of its cluster"
    return ""
