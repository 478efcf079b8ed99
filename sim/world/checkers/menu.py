"""The checkers by name."""

from collections.abc import Sequence

from cma_toolkit.sim.world.checkers.base import Checker
from cma_toolkit.sim.world.checkers.bounds import Bounds
from cma_toolkit.sim.world.checkers.duplicates import Duplicates
from cma_toolkit.sim.world.checkers.durability import Durability
from cma_toolkit.sim.world.checkers.energy import Energy

KINDS: dict[str, type[Checker]] = {
    kind.NAME: kind for kind in (Durability, Bounds, Energy, Duplicates)
}
NAMES = tuple(KINDS)


def make(names: Sequence[str] = NAMES) -> list[Checker]:
    """Return a checker of each name, to watch one run.

    Raises: ValueError with one sentence for a name that there is not.
    """
    for name in names:
        if name not in KINDS:
            known = ", ".join(NAMES)
            raise ValueError(f"there is no checker '{name}'; the checkers are: {known}")
    return [KINDS[name]() for name in names]
