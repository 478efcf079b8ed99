"""`cma sim run --shards --dask`: one world on the workers of a real scheduler of Dask."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.sim.world.shards import machines
from cma_toolkit.sim.world.shards.coordinator import ShardLostError
from support.cma_sim import cma_sim

APP = str(Path(__file__).parent / "apps" / "ledger.py")
RUN = ("run", APP, "--agents", "6", "--minutes", "0.1", "--range", "25", "--shards")
WORLD = {
    **{"app": APP, "agents": 6, "seconds": 60, "seed": 3, "sensors": {}},
    **{"range_m": 25, "loss_permille": 0, "keep": False},
}
pytestmark = pytest.mark.xdist_group("dask")  # one scheduler for all
WAIT = "import sys, distributed; distributed.Client(sys.argv[1]).wait_for_workers(2, timeout=60)"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a scheduler with two workers; the address it listens at."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    parts = (
        ["scheduler", *common, "--host", "127.0.0.1", "--port", "0"],
        ["worker", *common, "--host", "127.0.0.1", "--nworkers", "2", "--nthreads", "1"],
    )
    with (folder / "log").open("w") as log:
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "dask", *part], stderr=log, stdout=log, cwd=folder
            )
            for part in parts
        ]
        try:
            subprocess.run(
                [
                    sys.executable,
                    "-c",
                    WAIT.replace("sys.argv[1]", "scheduler_file=sys.argv[1]"),
                    file,
                ],
                check=True,
                timeout=90,
            )
            yield json.loads(file.read_text())["address"]
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(30)


def test_a_world_comes_to_the_same_end_on_other_machines(address: str) -> None:
    whole, divided = (cma_sim(*RUN, "1"), cma_sim(*RUN, "2", "--dask", address))
    assert whole.returncode == divided.returncode == 0, divided.stderr
    assert divided.stdout == whole.stdout and "digest" in whole.stdout


def test_more_shards_than_workers_are_refused(address: str) -> None:
    ended = cma_sim(*RUN, "3", "--dask", address)
    assert ended.returncode == ExitCode.USAGE
    assert "--shards 3: the cluster has 2 workers" in ended.stderr


def site_of(client: Any) -> machines.Site:
    """Return what its workers run a world with: tests have an order of sets of their own."""
    site: machines.Site = next(iter(client.run(machines.Site, APP, False).values()))
    return site


def test_a_worker_that_is_killed_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with machines.connected(address, 2) as client:
        pids = client.run(os.getpid)
        assert len(pids) == 2

        def kill(*_progress: int) -> None:
            os.kill(pids[min(pids)], signal.SIGKILL)

        monkeypatch.setattr(machines, "_here", lambda _app: site_of(client))
        with pytest.raises(ShardLostError, match=f"the worker {min(pids)} was lost"):
            machines.run_on(client, WORLD, 2, kill)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("files", "install the same version there"),
        ("app", "put its folder at the same path"),
        ("order", "start it with PYTHONHASHSEED=6640"),
        ("is_compiled", "the other choice of --compiled: start it anew"),
    ],
)
def test_workers_with_other_files_are_refused(
    address: str, monkeypatch: pytest.MonkeyPatch, what: str, says: str
) -> None:
    with machines.connected(address, 2) as client:
        client.wait_for_workers(2, timeout=60)
        ours = site_of(client)
        setattr(ours, what, "")
        monkeypatch.setattr(machines, "_here", lambda _app: ours)
        with pytest.raises(machines.ClusterError, match=says):
            machines.run_on(client, WORLD, 2)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_REACHED_WITHIN_S", 0.2)
    with pytest.raises(machines.ClusterError, match=r"tcp://127\.0\.0\.1:9: no scheduler answers"):
        machines.run(WORLD, 2, "tcp://127.0.0.1:9")


def test_who_has_no_dask_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(machines.ClusterError, match=r"pip install 'cma-toolkit\[dask\]'"):
        machines.run(WORLD, 2, "local")
