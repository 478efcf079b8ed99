"""How far a shard may go before it looks at what the others did: a wrong promise is seen."""

from collections.abc import Callable

import pytest

from cma_toolkit.sim.world.medium import border
from cma_toolkit.sim.world.medium.border import FAR, HOPS_MAX, Border
from cma_toolkit.sim.world.shards.shard import Shard
from support.relay_line import digest, line

SEED = 1


@pytest.fixture(scope="module")
def whole() -> str:
    return digest(line(SEED))


@pytest.mark.parametrize("shards", (2, 4))
def test_a_line_is_the_same_in_shards(whole: str, shards: int) -> None:
    assert digest(line(SEED), shards) == whole


def test_most_of_a_line_is_some_hops_from_the_border() -> None:
    parts = [Shard(line(SEED), number, 2) for number in range(2)]
    hops = [[part._border.hops[agent] for agent in part._fleet.own] for part in parts]
    assert hops == [[8, 8, *range(7, -1, -1)], [*range(8), 8, 8]]


def slow(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(border, "MS_PER_HOP", border.MS_PER_HOP + 1)


def silent_inside(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Border, "inside_promise_ms", lambda _border, _now_ms, _next_ms: FAR)


def silent_askers(patch: pytest.MonkeyPatch) -> None:
    on_asked = Border.on_asked

    def at_the_edge(self: Border, now_ms: int, source: int) -> None:
        if not self.hops[source]:
            on_asked(self, now_ms, source)

    patch.setattr(Border, "on_asked", at_the_edge)


def no_hop_closer(patch: pytest.MonkeyPatch) -> None:
    def where_it_was_sent(self: Border, due_ms: int, source: int) -> None:
        self._expect(due_ms, self.hops[source] if self.is_own[source] else 0)

    patch.setattr(Border, "on_due", where_it_was_sent)


@pytest.mark.parametrize("plant", (slow, silent_inside, silent_askers, no_hop_closer))
def test_a_wrong_promise_is_seen(
    whole: str, plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert digest(line(SEED), 2) != whole


def test_a_frame_from_beyond_the_border_is_heard_at_it() -> None:
    """Its own shard promises no more either: no run can tell."""
    own, beyond = 0, 1
    made = Border(bytearray([1, 0]), bytearray([0, HOPS_MAX]))
    made.on_due(40, beyond)
    assert made.edge_promise_ms(30) == 40
    made.on_due(35, own)
    assert made.edge_promise_ms(30) == 35
