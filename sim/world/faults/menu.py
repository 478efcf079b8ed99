"""The 25 faults of the menu by name: which there are, and how one is made from plain data."""

from cma_toolkit.sim.world.faults.air import Corrupt, Delay, Duplicate, Loss, Reorder, Replay
from cma_toolkit.sim.world.faults.clocks import ClockDrift, ClockJump
from cma_toolkit.sim.world.faults.flash import BitRot, FlashFull
from cma_toolkit.sim.world.faults.links import (
    Asymmetric,
    Clog,
    Isolate,
    Partition,
    SwizzleClog,
)
from cma_toolkit.sim.world.faults.memory import MemoryFault, RtcFlip, RtcLost
from cma_toolkit.sim.world.faults.power import (
    Attend,
    BrownOutLoop,
    Crash,
    LowEntropy,
    RadioDead,
    SlowNode,
    TornCrash,
)
from cma_toolkit.sim.world.faults.update import UpdateMidRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cma_toolkit.sim.world.faults.made import Made

_ALL: "tuple[type[Made], ...]" = (
    Loss, Delay, Reorder, Duplicate, Replay, Corrupt, Asymmetric, Clog, Partition, Isolate,
    SwizzleClog, Crash, TornCrash, SlowNode, BrownOutLoop, ClockDrift, ClockJump, LowEntropy,
    RtcLost, RtcFlip, BitRot, FlashFull, MemoryFault, RadioDead, UpdateMidRun,
)  # fmt: skip
KINDS: "dict[str, type[Made]]" = {kind.NAME: kind for kind in _ALL}
NAMES = tuple([kind.NAME for kind in _ALL])
_LIST = ", ".join(NAMES)

_AT_MS_MAX = 1 << 40


def make(plain: "dict[str, Any]", agents: int = 0) -> "Made":
    """Return the fault that plain data describes; how many agents there are, if that is known.

    Shape: kind, start_ms, end_ms, and any of the kind's PARAMETERS.
    Raises: ValueError with one sentence that says what is wrong.
    """
    if plain.get("kind") == Attend.NAME:
        return Attend(plain)  # of phases.py: no fault, and nobody else's
    problem = wrong(plain, agents)
    if problem:
        raise ValueError(problem)
    return KINDS[plain["kind"]](plain)


def wrong(plain: "dict[str, Any]", agents: int = 0) -> str:
    """Return what is wrong with a description, "" if nothing is."""
    name: Any = plain.get("kind")
    problem = _wrong_kind(name) if "kind" in plain else f"write its kind, one of: {_LIST}"
    if problem:
        return problem
    bounds = _bounds(KINDS[name], agents)
    for key in sorted(plain):
        if key not in bounds:
            return f"fault '{name}' has no '{key}'; it has: {', '.join(sorted(bounds))}"
        if key != "kind" and not _is_within(plain[key], bounds[key]):
            least, most = bounds[key]
            return f"{key} of fault '{name}' is a whole number from {least} to {most}"
    if "start_ms" not in plain or "end_ms" not in plain:
        return f"fault '{name}' needs start_ms and end_ms"
    return (
        "" if plain["end_ms"] > plain["start_ms"] else f"fault '{name}' must end after it starts"
    )


def _wrong_kind(name: object) -> str:
    is_known = isinstance(name, str) and name in KINDS
    return "" if is_known else f"there is no fault '{name}'; the faults are: {_LIST}"


def _bounds(kind: "type[Made]", agents: int) -> "dict[str, tuple[int, int]]":
    bounds = {row[0]: (row[1], row[2]) for row in kind.PARAMETERS}
    if agents and "agent" in bounds:
        bounds["agent"] = (0, agents - 1)
    bounds["kind"] = (0, 0)  # that one is a name
    bounds["start_ms"] = bounds["end_ms"] = (0, _AT_MS_MAX)
    return bounds


def _is_within(value: object, bounds: "tuple[int, int]") -> bool:
    return (
        isinstance(value, int) and not isinstance(value, bool) and bounds[0] <= value <= bounds[1]
    )
