"""Boards whose power fails once in the middle of their update."""

from collections.abc import Sequence
from dataclasses import replace

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.firmware.kernel.release.layout import SECTOR_BYTES
from cma_toolkit.sim.rollout.world import Member

USUAL_PERMILLE = 50  # of the boards
_OPERATIONS = 3  # of flash for each sector of an image, about


def interrupted(
    members: Sequence[Member], permille: int, image_bytes: int, seed: int
) -> list[Member]:
    """Return the members, so many of a thousand with an operation of flash that is cut."""
    rng = Prng(seed_from(seed, "power cuts"))
    operations = _OPERATIONS * -(-image_bytes // SECTOR_BYTES)
    found = []
    for member in members:
        is_cut, operation = rng.below(1000) < permille, 1 + rng.below(operations)
        found.append(replace(member, power_cut_in=operation if is_cut else 0))
    return found
