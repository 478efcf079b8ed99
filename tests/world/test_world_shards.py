"""A world is the same, to the bit, in however many shards it is."""

from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.sim.world import driver
from cma_toolkit.sim.world.checkers import menu
from cma_toolkit.sim.world.faults.draw import draw
from cma_toolkit.sim.world.shards import near
from cma_toolkit.sim.world.shards.shard import ASKED, CUT, OUTCOME, SETTLED, Shard

GOSSIP = str(Path(__file__).parent / "apps" / "gossip.py")
SECONDS = 20


def spec(seed: int, **more: Any) -> dict[str, Any]:
    """Return a world in which neighbours stand on both sides of every border."""
    agents = more.get("agents", 12)
    return {
        "app": GOSSIP,
        "agents": agents,
        "seconds": SECONDS,
        "seed": seed,
        "sensors": {},
        "range_m": 15,
        "loss_permille": 50,
        "keep": True,
        "checkers": ["durability", "bounds", "energy", "duplicates"],
        "faults": draw(seed, agents, SECONDS * 1000),
        **more,
    }


def same(described: dict[str, Any], counts: tuple[int, ...] = (1, 2, 4)) -> dict[str, Any]:
    """Run a world in each way, hold the results against each other, and return them."""
    whole = driver.run(described, watchers=menu.make(described["checkers"]))
    for count in counts:
        assert near.run(described, count) == whole, f"{count} shards"
    return whole


@pytest.mark.parametrize("seed", range(1, 9))
def test_shards_change_nothing_under_faults(seed: int) -> None:
    assert same(spec(seed))["published"]


@pytest.mark.parametrize("seed", (1, 2))
def test_shards_change_nothing_for_sleepers(seed: int) -> None:
    whole = same(spec(seed, agents=16, settings={"wake_period_ms": 3_000}))
    assert sum(slept["sleeps"] for slept in whole["sleep"])


def test_shards_change_nothing_for_datagrams_wires_and_batteries() -> None:
    radio = {
        "udp": {"agents": [0, 3, 5, 6], "jitter_ms": 2, "loss_permille": 50},
        "wires": {"pairs": [[1, 9], [2, 11]], "loss_permille": 50},
    }
    currents = {"active": 40_000, "wifi_rx": 95_000, "wifi_tx": 300_000}
    supply = {"capacity_mah": 1, "charge_percent": 20, "resistance_mohm": 500}
    whole = same(spec(3, agents=12, radio=radio, currents=currents, supply=supply))
    assert sum(each["brown_outs"] for each in whole["supply"])


def test_shards_change_nothing_where_all_hear_all() -> None:
    whole = same(spec(2, agents=6, range_m=0, faults=[]), (3,))
    assert sum(air["faded"] for air in whole["air"])


@pytest.mark.parametrize("what", [ASKED, CUT, OUTCOME, SETTLED])
def test_a_letter_that_is_lost_is_seen(what: int, monkeypatch: pytest.MonkeyPatch) -> None:
    take = Shard._take

    def lose_some(shard: Shard, letter: tuple[Any, ...]) -> None:
        if letter[0] != what:
            take(shard, letter)
        elif what == SETTLED:  # nobody waits for it any more
            shard._foreign.discard(letter[1:4])

    monkeypatch.setattr(Shard, "_take", lose_some)
    described = spec(5, range_m=25, loss_permille=300, faults=[])
    if what == CUT:  # so many crashes that some come with a frame on the air
        spans = {"start_ms": 1_000, "end_ms": SECONDS * 1000}
        crashes = [{"kind": "crash", "agent": agent, "count": 300, **spans} for agent in range(12)]
        described = spec(8, range_m=25, loss_permille=0, faults=crashes)
    assert near.run(described, 2)["digest"] != driver.run(described)["digest"]


def test_shards_that_wait_for_each_other_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    take = Shard._take

    def lose_some(shard: Shard, letter: tuple[Any, ...]) -> None:
        if letter[0] != SETTLED:
            take(shard, letter)

    monkeypatch.setattr(Shard, "_take", lose_some)
    with pytest.raises(RuntimeError, match="wait for each other"):
        near.run(spec(5, range_m=25), 2)
