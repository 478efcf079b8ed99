"""`cma sim run --shards`: one world in several processes."""

import multiprocessing
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.sim.world.failure import FailedError
from cma_toolkit.sim.world.shards import processes
from cma_toolkit.sim.world.shards.coordinator import ShardLostError
from support.cma_sim import cma_sim

APP = str(Path(__file__).parent / "apps" / "ledger.py")
SCENARIO = f"""
[who]
app = "{APP}"
agents = 12
[radio]
range_m = 15
[when]
minutes = 1
calm_minutes = 1
[faults]
draw = true
"""


def test_a_scenario_comes_to_the_same_digest_in_three_processes(tmp_path: Path) -> None:
    file = tmp_path / "field.toml"
    file.write_text(SCENARIO)
    whole, divided = (
        cma_sim("run", str(file), "--seed", "3", *options) for options in ((), ("--shards", "3"))
    )
    assert whole.returncode == divided.returncode == 0, divided.stderr
    assert divided.stdout == whole.stdout and "whole again" in whole.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--shards", "13"), "there are only 12 agents"),
        (("--dask", "local"), "say among how many workers, at least 2: --shards N"),
        (("--shards", "2", "--report", "page.html"), "--report looks at the whole world"),
        (("--shards", "2", "--in-micropython", "agent-01"), "--in-micropython looks at the whole"),
    ],
)
def test_what_needs_one_process_is_refused(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "field.toml"
    file.write_text(SCENARIO)
    ended = cma_sim("run", str(file), *options)
    assert ended.returncode == ExitCode.USAGE and said in ended.stderr, ended.stderr


def test_what_a_shard_raises_comes_to_whoever_runs_the_world(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("def setup(agent:\n")
    ended = cma_sim("run", str(app), "--agents", "4", "--minutes", "1", "--shards", "2")
    assert ended.returncode == ExitCode.USAGE and "app.py" in ended.stderr


def described(**more: object) -> dict[str, object]:
    """Return a world of two shards."""
    plain = {"app": APP, "agents": 4, "seconds": 5, "seed": 1, "sensors": {}, "range_m": 15}
    return {**plain, "loss_permille": 0, "keep": False, **more}


def test_a_run_that_fails_ends_with_the_same_line(tmp_path: Path) -> None:
    file = tmp_path / "field.toml"
    file.write_text(SCENARIO.replace("calm_minutes = 1", "calm_minutes = 0.1"))
    whole, divided = (cma_sim("run", str(file), *options) for options in ((), ("--shards", "2")))
    assert whole.returncode == divided.returncode == ExitCode.SOME_FAILED
    # What takes long says how far it is, in lines before the last.
    last, other = (ended.stderr.splitlines()[-1] for ended in (whole, divided))
    assert "convergence: not within 6 s" in last and last == other


def test_a_shard_that_is_killed_is_named_and_none_is_left() -> None:
    def kill(*_progress: int) -> None:
        multiprocessing.active_children()[0].kill()

    with pytest.raises(ShardLostError, match="was killed"):
        processes.run(described(), 2, kill)
    assert not multiprocessing.active_children()


def test_a_world_that_fails_brings_its_traceback_along() -> None:
    with pytest.raises(FailedError, match="no checker 'luck'") as failed:
        processes.run(described(checkers=["luck"]), 2)
    assert "in make" in failed.value.traceback
