"""Swarm draw: which faults are on in a run, when and how strong, all from its seed.

A coin decides for each kind whether the run has it at all: a run with every fault at once hides as
much as one with none.

Source: A. Groce et al., "Swarm Testing", ISSTA 2012.
"""

from cma_toolkit.firmware.kernel.prng import Prng, seed_from
from cma_toolkit.sim.world.faults.menu import KINDS, NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_PRESENT_PERMILLE = 350
_INSTANCES_MAX = 3
_AGENTS_PER_MORE = 20  # with so many more agents, there may be one more of each kind
_LASTS_MS_MIN = 1_000
SPAN_MS_MIN = 2 * _LASTS_MS_MIN  # of a run: room for one that lasts so long, and a place for it


def draw(
    seed: int, agents: int, span_ms: int, kinds: "Sequence[str]" = NAMES
) -> "list[dict[str, Any]]":
    """Return the plain data of the faults of a run, in order of their beginning.

    All have ended when the span is over, if it is SPAN_MS_MIN or more.
    """
    drawn: list[dict[str, Any]] = []
    for name in kinds:
        rng = Prng(seed_from(seed, "draw", name))
        if rng.below(1000) < _PRESENT_PERMILLE:
            for _ in range(1 + rng.below(_INSTANCES_MAX + agents // _AGENTS_PER_MORE)):
                drawn.append(_one(name, rng, agents, span_ms))
    return sorted(drawn, key=lambda plain: (plain["start_ms"], plain["kind"], plain["end_ms"]))


def _one(name: str, rng: Prng, agents: int, span_ms: int) -> "dict[str, Any]":
    span_ms = max(span_ms, SPAN_MS_MIN)
    long_ms = _LASTS_MS_MIN + rng.below(span_ms - _LASTS_MS_MIN)
    start_ms = rng.below(span_ms - long_ms + 1)
    plain: dict[str, Any] = {"kind": name, "start_ms": start_ms, "end_ms": start_ms + long_ms}
    for parameter, _least, _most, low, high, _default in KINDS[name].PARAMETERS:
        if parameter == "agent":
            plain[parameter] = rng.below(agents)
        else:
            plain[parameter] = low + rng.below(high - low + 1)
    return plain
