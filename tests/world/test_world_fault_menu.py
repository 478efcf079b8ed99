"""The menu is whole, refuses what makes no sense in one sentence, and is drawn by swarm."""

from typing import Any

import pytest

from cma_toolkit.sim.world.faults import menu
from cma_toolkit.sim.world.faults.draw import draw

AGENTS, SPAN_MS = 8, 120_000


def test_the_menu_has_its_25_faults() -> None:
    assert [menu.KINDS[name].NUMBER for name in menu.NAMES] == list(range(1, 26))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "gremlins"}, "there is no fault 'gremlins'; the faults are: loss, delay"),
        ({"kind": None}, "there is no fault 'None'"),
        ({"kind": ["loss"]}, r"there is no fault '\['loss'\]'"),
        ({"permille": 1001}, "permille of fault 'loss' is a whole number from 1 to 1000"),
        ({"permille": -1}, "whole number from 1 to 1000"),
        ({"permille": True}, "whole number"),
        ({"permille": "many"}, "whole number"),
        (
            {"per_mille": 10},
            "fault 'loss' has no 'per_mille'; it has: end_ms, kind, permille, start_ms",
        ),
        ({"start_ms": 9, "end_ms": 9}, "must end after it starts"),
        ({"start_ms": -1}, "start_ms of fault 'loss' is a whole number from 0"),
        ({"end_ms": None}, "end_ms of fault 'loss'"),
        ({"kind": "crash", "agent": 8}, "agent of fault 'crash' is a whole number from 0 to 7"),
    ],
)
def test_a_wrong_description_is_one_sentence(changes: dict[str, Any], says: str) -> None:
    plain = {"kind": "loss", "start_ms": 0, "end_ms": 1000, **changes}
    with pytest.raises(ValueError, match=says) as caught:
        menu.make(plain, AGENTS)
    assert "\n" not in str(caught.value)


def test_kind_start_and_end_are_needed() -> None:
    assert "needs start_ms and end_ms" in menu.wrong({"kind": "loss", "start_ms": 0})
    assert menu.wrong({"start_ms": 0}).startswith("write its kind, one of: loss, delay")


def test_a_draw_is_that_of_its_seed_and_of_no_other() -> None:
    draws = [draw(seed, AGENTS, SPAN_MS) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_a_draw_without_a_kind_leaves_the_others_as_they_were() -> None:
    fewer = [name for name in menu.NAMES if name != "loss"]
    whole = [plain for plain in draw(5, AGENTS, SPAN_MS) if plain["kind"] != "loss"]
    assert draw(5, AGENTS, SPAN_MS, fewer) == whole


def test_swarm_draws_are_sound_differ_and_reach_every_kind() -> None:
    seen: dict[str, int] = {}
    for seed in range(300):
        drawn = draw(seed, AGENTS, SPAN_MS)
        kinds = {plain["kind"] for plain in drawn}
        assert len(kinds) < len(menu.NAMES) * 3 // 4
        for plain in drawn:
            assert menu.wrong(plain, AGENTS) == ""
            assert plain["end_ms"] <= SPAN_MS
        for kind in kinds:
            seen[kind] = seen.get(kind, 0) + 1
    assert sorted(seen) == sorted(menu.NAMES)
    assert min(seen.values()) > 60 and max(seen.values()) < 150


def test_what_one_agent_draws_changes_nothing_for_another() -> None:
    class Alone:
        seed = 7

    made = [menu.make({"kind": "loss", "start_ms": 0, "end_ms": 9}) for _ in range(2)]
    for one in made:
        one.begin(Alone())  # type: ignore[arg-type] - only the seed is looked at
    for _ in range(100):
        made[0].chance(1, 500)
    assert [made[0].chance(2, 500) for _ in range(50)] == [
        made[1].chance(2, 500) for _ in range(50)
    ]
