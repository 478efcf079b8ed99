"""Two phases: under faults nothing unsafe happens, and once they are over the fleet recovers."""

from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.power.cluster_clock import FOREIGN, ClusterClock
from cma_toolkit.firmware.kernel.recovery.safe_mode import SafeMode
from cma_toolkit.sim.world import phases
from cma_toolkit.sim.world.board import Board
from cma_toolkit.sim.world.checkers.convergence import Convergence
from cma_toolkit.sim.world.faults.draw import draw
from cma_toolkit.sim.world.faults.links import Partition
from cma_toolkit.sim.world.watcher import Violation
from support.fault_world import APPS, CURRENTS_UA, fault
from support.fault_world import run as world

AGENTS = 5
SAFETY_S, CALM_S = 120, 300
SLEEPERS = {"wake_period_ms": 5_000, "deep_sleep_ms": 1_000}


def spec(seed: int, faults: list[dict[str, Any]], app: Path, **settings: int) -> dict[str, Any]:
    return {
        "app": str(app),
        "agents": AGENTS,
        "seed": seed,
        "loss_permille": 0,
        "range_m": 0,
        "sensors": {},
        "settings": settings,
        "currents": CURRENTS_UA,
        "faults": faults,
    }


def run(seed: int, faults: list[dict[str, Any]], **settings: int) -> dict[str, Any]:
    described = spec(seed, faults, APPS / "ledger.py", **settings)
    return phases.run(described, SAFETY_S, CALM_S, agree=["highest"], keep=False)


@pytest.mark.parametrize("seed", range(101, 107))
@pytest.mark.parametrize("settings", [{}, SLEEPERS], ids=["awake", "asleep"])
def test_drawn_faults_do_no_harm_and_are_recovered_from(
    seed: int, settings: dict[str, int]
) -> None:
    result = run(seed, draw(seed, AGENTS, SAFETY_S * 1000), **settings)
    assert 0 <= result["converged_ms"] <= CALM_S * 1000
    assert not result["errors"]


def test_a_partition_that_does_not_heal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forever(Partition):
        def end(self, fleet: Any) -> None:
            fleet.active_faults.append(self)

    from cma_toolkit.sim.world.faults import menu

    monkeypatch.setitem(menu.KINDS, "partition", Forever)
    cut = {"kind": "partition", "start_ms": 9_000, "end_ms": 90_000}
    with pytest.raises(Violation, match=r"^convergence: not within 300 s after .* 120 s: .*hear"):
        run(1, [cut])


def test_sleepers_that_never_find_each_other_again_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ClusterClock, "hear", lambda self, *told: FOREIGN)
    with pytest.raises(Violation, match="does not hear"):
        run(1, [], **SLEEPERS)


def test_keys_that_are_to_agree_and_do_not_are_found(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("def setup(agent):\n    agent.state['who'] = agent.name\n")
    with pytest.raises(Violation, match=r"do not agree on agent\.state\['who'\]"):
        phases.run(spec(1, [], app), 10, 60, agree=["who"])


@pytest.mark.parametrize("settings", [{}, SLEEPERS], ids=["awake", "asleep"])
def test_an_agent_that_stays_without_its_application_is_found(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, int]
) -> None:
    monkeypatch.setattr(SafeMode, "is_safe", property(lambda self: True, lambda self, _: None),
                        raising=False)  # fmt: skip
    with pytest.raises(Violation, match="runs without its application"):
        run(1, [], **settings)


def test_sleepers_in_safe_mode_are_not_whole_though_no_agent_is_there_to_say_so() -> None:
    crashes = [
        fault("crash", 30 + 25 * n, 31 + 25 * n, agent=agent) for n in range(6) for agent in (0, 1)
    ]
    watched = Convergence(200_000, 300_000)
    made, _notes = world(
        *crashes,
        seconds=400,
        agents=2,
        setup=lambda agent: None,
        settings={**SLEEPERS, "wake_period_ms": 20_000},
        watchers=[watched],
    )
    assert [status["safe_mode"] for status in made.statuses()] == [True, True]
    assert any(board.agent is None for board in made.boards) and watched.converged_at_ms == -1


def test_an_agent_alone_that_never_boots_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Board, "boot", lambda self, cause: setattr(self, "cause", cause))
    with pytest.raises(Violation, match="agent-01 has not booted"):
        world(
            fault("crash", 11, 12, agent=0),
            agents=1,
            watchers=[Convergence(30_000, 50_000)],
        )


@pytest.mark.parametrize("seed", [3, 21])
def test_a_crash_too_many_as_the_faults_end_is_seen_by_whoever_comes_by(seed: int) -> None:
    crash = {"kind": "crash", "start_ms": 0, "end_ms": 30_000, "agent": 0, "count": 10}
    result = phases.run(
        {**spec(seed, [crash], APPS / "ledger.py"), "agents": 2}, 30, 60, keep=False
    )
    assert result["attended"] == ["agent-01"] and result["converged_ms"] >= 10_000


def test_a_fault_beyond_the_safety_phase_is_one_sentence() -> None:
    late = {"kind": "loss", "start_ms": 0, "end_ms": SAFETY_S * 1000 + 1}
    with pytest.raises(ValueError, match="fault 'loss' ends after the 120 s in which"):
        run(1, [late])


def test_both_phases_replay() -> None:
    faults = draw(7, AGENTS, SAFETY_S * 1000)
    assert run(7, faults) == run(7, faults)
