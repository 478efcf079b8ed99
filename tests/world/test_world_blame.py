"""Blame splits the kernel's account without a rest, and gives each handler what it caused."""

from collections.abc import Callable
from typing import Any

import pytest

from cma_toolkit.boards.load import load_board
from cma_toolkit.firmware.kernel.limits import Quotas
from cma_toolkit.firmware.kernel.power.energy import Energy
from cma_toolkit.sim.world.blame import KERNEL, SLEEP, WINDOWS, Blame
from cma_toolkit.sim.world.calls import watched
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.meter import NC_PER_UAH

CURRENTS: dict[str, object] = dict(load_board("esp32-c3-devkitm-1").current_ua)
HOURS = 3
AGENTS = 2


def blamed(setup: Callable[[Any], object], period_ms: int = 300_000) -> Blame:
    blame = Blame()
    fleet = Fleet(
        watched(setup, blame),
        AGENTS,
        currents=CURRENTS,
        settings={"wake_period_ms": period_ms},
        watchers=[blame],
        keep=False,
    )
    fleet.run(HOURS * 3600)
    fleet.end()
    assert not fleet.log.error_count
    assert sum(blame.used_by.values()) == sum(map(sum, blame.used_nc))
    return blame


def frame_nc(payload_bytes: int) -> int:
    """Return what sending a frame takes beyond being on."""
    energy = Energy(tuple(map(int, map(str, CURRENTS.values()))), 0, Quotas())
    energy.begin(0, 1)
    energy.sent(14 + payload_bytes)
    return energy.uah[2] * NC_PER_UAH + energy.rest_nc[2]


def test_a_message_is_of_the_handler_that_published_it() -> None:
    def setup(agent: Any) -> None:
        @agent.every(600_000)
        def sample() -> None:
            agent.publish("soil", 1)
            agent.publish("soil2", 2)

        @agent.on("soil")
        def heard(message: Any) -> None:
            agent.publish("seen", "x" * 100)

        @agent.every(1_200_000)
        def long() -> None:
            agent.publish("long", "x" * 600)

    used = blamed(setup).used_by
    sent = {cause: nc for (cause, state), nc in used.items() if state == "wifi_tx"}
    assert set(sent) == {"sample()", "heard()", "long()", KERNEL}
    sample = AGENTS * HOURS * 6 * (frame_nc(7) + frame_nc(8))
    assert sent["sample()"] == pytest.approx(sample, rel=0.1)
    assert sent["heard()"] == pytest.approx(AGENTS * HOURS * 6 * frame_nc(108), rel=0.15)
    assert sent["long()"] > AGENTS * HOURS * 3 * frame_nc(600) * 0.8


def test_a_request_and_its_answer_are_of_their_handlers() -> None:
    def setup(agent: Any) -> None:
        other = "agent-01" if agent.name == "agent-02" else "agent-02"

        @agent.every(600_000)
        def ask() -> None:
            agent.request("how", None, other, told)

        def told(message: Any) -> None:
            if not message.error:
                agent.publish("told", message.value)

        @agent.on("how")
        def answer(message: Any) -> object:
            return "x" * 50

    used = blamed(setup).used_by
    for cause in ("ask()", "answer()", "told()"):
        assert used[cause, "wifi_tx"] > 0


def test_a_wake_between_windows_is_of_the_handlers_that_ran_in_it() -> None:
    def setup(agent: Any) -> None:
        @agent.every(110_000)
        def look() -> None:
            pass

    used = blamed(setup, period_ms=900_000).used_by
    boot_nc = 28_000 * 350
    wakes = AGENTS * HOURS * 3600 / 110
    assert used["look()", "active"] == pytest.approx(wakes * boot_nc, rel=0.25)
    assert used[WINDOWS, "active"] < used["look()", "active"]


def test_light_sleep_that_a_handler_keeps_from_being_deep_is_its_own() -> None:
    def setup(agent: Any) -> None:
        @agent.every(20_000)
        def look() -> None:
            pass

    long, short = blamed(setup).used_by, blamed(setup, period_ms=60_000).used_by
    assert long["look()", "light_sleep"] > long[SLEEP, "light_sleep"] > 0
    assert ("look()", "light_sleep") not in short  # these gaps are too short for deep sleep anyway


def test_staying_awake_is_of_who_asked_for_it() -> None:
    def setup(agent: Any) -> None:
        @agent.every(600_000)
        def measure() -> None:
            agent.stay_awake(4_000)

    used = blamed(setup).used_by
    calls = AGENTS * (HOURS * 6 - 1)
    awake_nc = calls * 4_000 * 28_000  # but for the rest of the window, with the radio on
    assert used["measure()", "active"] == pytest.approx(awake_nc, rel=0.12)
