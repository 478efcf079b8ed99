"""However a world is divided, it holds or fails with the same words."""

from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.firmware.kernel.agent import Agent
from cma_toolkit.sim.scenario.describe import describe
from cma_toolkit.sim.scenario.load import load
from cma_toolkit.sim.scenario.run import run
from cma_toolkit.sim.world import driver, hang, phases
from cma_toolkit.sim.world.app_loader import AppError
from cma_toolkit.sim.world.board import CUT
from cma_toolkit.sim.world.checkers import menu
from cma_toolkit.sim.world.checkers.base import Checker
from cma_toolkit.sim.world.fleet import Fleet
from cma_toolkit.sim.world.shards import near, processes
from cma_toolkit.sim.world.watcher import Violation

APPS = Path(__file__).parent / "apps"
COUNTS = (2, 4)
WORLD = {
    **{"app": str(APPS / "ledger.py"), "agents": 6, "seconds": 5, "seed": 3},
    **{"sensors": {}, "range_m": 25, "loss_permille": 0, "keep": False},
}
FIELD = """
[who]
app = "{app}"
agents = 6
[radio]
range_m = 25
loss_permille = 50
[when]
minutes = 0.5
calm_minutes = {calm}
{more}
"""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep shards in this process, where a test can plant mistakes."""
    monkeypatch.setattr(processes, "run", near.run)


def verdicts(folder: Path, app: Path, calm: float = 1, more: str = "", seed: int = 3) -> list[Any]:
    """Return how a scenario ends in one fleet, and in so many shards."""
    file = folder / "field.toml"
    file.write_text(FIELD.format(app=app, calm=calm, more=more))
    scenario = load(file)
    plain = describe(scenario, file, {}, None)
    outcomes = [run(plain, scenario.must, seed)]
    for count in COUNTS:
        outcomes.append(run(plain, scenario.must, seed, shards=count))
    return outcomes


def same_failure(*arguments: Any, **options: Any) -> str:
    """Return the failure that all of them end with."""
    said = [outcome.failure for outcome in verdicts(*arguments, **options)]
    assert len(set(said)) == 1, said
    return str(said[0])


def app(folder: Path, text: str) -> Path:
    path = folder / "app.py"
    path.write_text(text)
    return path


def test_a_fleet_is_whole_at_the_same_instant(tmp_path: Path) -> None:
    drawn = "[faults]\ndraw = true\n[must]\nagree = ['highest']"
    outcomes = verdicts(tmp_path, APPS / "ledger.py", more=drawn, calm=4)
    assert {outcome.failure for outcome in outcomes} == {""}
    assert len({outcome.digest for outcome in outcomes}) == 1
    (took_ms,) = {outcome.result["converged_ms"] for outcome in outcomes}
    assert took_ms > 10_000 and not took_ms % 1_000


def test_whoever_is_attended_to_is_so_in_whatever_shard() -> None:
    crashes = [(0, 8_000), (0, 12_000), (0, 19_750), (5, 6_000), (5, 10_000), (5, 14_000)]
    faults = [
        {"kind": "crash", "start_ms": at_ms, "end_ms": at_ms + 200, "agent": agent, "count": 1}
        for agent, at_ms in crashes
    ]
    for planned in (faults, faults[:3]):
        described = {**WORLD, "range_m": 0, "faults": planned}
        whole = phases.run(described, 20, 60, keep=False)
        assert len(whole["attended"]) == len(planned) // 3
        in_shards = phases.for_shards({**described, "checkers": []}, 20, 60, ())
        assert [near.run(in_shards, count) for count in COUNTS] == [whole] * 2


def test_a_pair_that_does_not_hear_is_named_alike(tmp_path: Path) -> None:
    said = same_failure(tmp_path, APPS / "ledger.py", calm=0.1)
    assert said == (
        "convergence: not within 6 s after the faults ended at 30 s: "
        "agent-02 does not hear agent-01"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agent.state['who'] = 3 * (agent.name >= 'agent-03')", "agent-01 and agent-03 do not"),
        ("agent.state['who'] = agent.name", "agent-01 and agent-02 do not agree"),
        ("if agent.name == 'agent-05': agent.state['who'] = 1", "agent-01 and agent-05 do not"),
        ("agent.state['other'] = 1", "no agent has agent.state['who']"),
    ],
)
def test_a_key_that_is_not_agreed_is_named_alike(tmp_path: Path, text: str, says: str) -> None:
    setup = app(tmp_path, f"def setup(agent):\n    {text}\n")
    assert says in same_failure(tmp_path, setup, more="[must]\nagree = ['who']")


class NoCuts(Checker):
    """Hold that no board loses its power."""

    NAME = "no cuts"

    def after_event(self, fleet: Fleet, kind: int, index: int) -> None:
        """Look for one."""
        if kind == CUT:
            self.violated(fleet, index, "is cut")


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(
    ("cuts", "says"),
    [
        ([(3, agent) for agent in (5, 2, 4, 1, 3)], r"^no cuts: agent-02 at 3000 ms: is cut$"),
        ([(4, 1), (3, 4)], r"^no cuts: agent-05 at 3000 ms: is cut$"),
    ],
    ids=["least", "first"],
)
def test_what_is_found_first_counts_and_in_one_millisecond_the_least_agent(
    monkeypatch: pytest.MonkeyPatch, count: int, cuts: list[tuple[int, int]], says: str
) -> None:
    monkeypatch.setitem(menu.KINDS, "no cuts", NoCuts)
    far = {"kind": "grid", "columns": 6, "step_m": 100}  # so that no shard waits for another
    described = {**WORLD, "places": far, "power_cuts": cuts, "checkers": ["no cuts"]}
    for ends in (
        lambda: driver.run(described, watchers=menu.make(["no cuts"])),
        lambda: near.run(described, count),
    ):
        with pytest.raises(Violation, match=says):
            ends()


def test_what_is_found_in_the_last_event_of_a_span_has_its_instant() -> None:
    fleet = driver.make_fleet({**WORLD, "power_cuts": [(3, 4)]}, False, [NoCuts()])
    with pytest.raises(Violation) as found:
        fleet.run_until(3_001)
    assert (found.value.at_ms, found.value.agent) == (3_000, 4)


@pytest.mark.parametrize("seed", [3, 4])
def test_a_crash_of_the_kernel_is_told_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    on_time = Agent.on_time

    def crash(self: Agent, now_ms: int, out: Any) -> None:
        assert self.status()["name"] != "agent-04" or self.status()["sent"] < 5, "planted"
        on_time(self, now_ms, out)

    monkeypatch.setattr(Agent, "on_time", crash)
    outcomes = verdicts(tmp_path, APPS / "ledger.py", seed=seed)
    assert len({outcome.failure for outcome in outcomes}) == 1
    assert outcomes[0].failure.startswith("AssertionError: planted")
    assert all("in crash" in outcome.traceback for outcome in outcomes)


def test_an_application_that_never_returns_is_named_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hang, "LIMIT_S", 0.2)
    text = (
        "def setup(agent):\n    @agent.every(9_000)\n    def stay():\n        while True: pass\n"
    )
    outcomes = verdicts(tmp_path, app(tmp_path, text))
    assert {each.failure for each in outcomes} == {
        "the application never returns from stay, line 2"
    }
    assert all('app.py", line 4' in each.traceback for each in outcomes)


def test_an_application_that_cannot_be_loaded_is_refused_by_shards_too(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="has no function setup"):
        near.run({**WORLD, "app": str(app(tmp_path, "x = 1\n"))}, 2)
