"""No event's place among those of other agents at its instant changes a world."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.sim.world import driver, fleet
from cma_toolkit.sim.world.clock import Clock

CHATTER = str(Path(__file__).parent / "apps" / "chatter.py")
AGENTS = 12


def clock_that_prefers(rank: "Callable[[int], int]") -> type[Clock]:
    """Return a clock that has agents of a low rank go first, each in its own order."""

    class Preferring(Clock):
        def schedule(self, at_ms: int, kind: int, agent: int, data: Any = b"") -> None:
            order = self._order
            self._order = order + (rank(agent) + 1) * (1 << 40)
            super().schedule(at_ms, kind, agent, data)
            self._order = order + 1

    return Preferring


def spec(seed: int, **more: Any) -> dict[str, Any]:
    """Return a world in which much happens at one instant."""
    spans = {"start_ms": 5_000, "end_ms": 25_000}
    kinds = ("loss", "reorder", "duplicate", "replay", "corrupt", "clog", "partition")
    return {
        "app": CHATTER,
        "agents": AGENTS,
        "seconds": 40,
        "seed": seed,
        "sensors": {},
        "range_m": 25,
        "loss_permille": 100,
        "radio": {
            "udp": {"agents": list(range(6)), "jitter_ms": 2, "loss_permille": 50},
            "wires": {"pairs": [[0, 7], [3, 11]], "loss_permille": 50},
        },
        "faults": [{"kind": kind, **spans} for kind in kinds],
        **more,
    }


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("settings", [{}, {"wake_period_ms": 4_000}])
def test_agents_at_one_instant_may_go_in_any_order(
    seed: int, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks: tuple[Callable[[int], int], ...] = (
        lambda agent: agent,
        lambda agent: AGENTS - agent,
        lambda agent: agent * 7 % AGENTS,
    )
    results = []
    for rank in ranks:
        monkeypatch.setattr(fleet, "Clock", clock_that_prefers(rank))
        results.append(driver.run(spec(seed, settings=settings)))
    assert results[0] == results[1] == results[2]
    assert results[0]["published"] > 50
    assert sum(air["collided"] + air["faded"] for air in results[0]["air"]) > 50
