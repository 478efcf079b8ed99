"""Shards on many computers: actors of Dask, one for each of its workers. CPython only.

Dask starts the processes, carries what they say, and tells of those that are lost. Nothing here
imports the kernel at its top: a worker may be asked to take it as machine code first.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

Plain = dict[str, Any]

LOCAL = "local"  # as many workers as there are shards, on this computer
_ROOT = Path(__file__).resolve().parents[3]
_ROOMS = ("firmware/kernel", "sim/world")
_REACHED_WITHIN_S = 10


class ClusterError(Exception):
    """The cluster cannot run the world: the text says why and what to do."""


def run(
    spec: Plain,
    shards: int,
    address: str,
    on_progress: Callable[..., object] | None = None,
) -> Plain:
    """Run a described world on a cluster of Dask; return what `driver.run` does.

    `address` is that of its scheduler, or LOCAL for a cluster that lives as long as the run.
    Raises: as `coordinator.run`; ClusterError, ShardLostError.
    """
    with connected(address, shards) as client:
        return run_on(client, spec, shards, on_progress)


def run_on(
    client: Any, spec: Plain, shards: int, on_progress: Callable[..., object] | None = None
) -> Plain:
    """Run a described world on the cluster of a client, as `run` does."""
    from cma_toolkit.sim.world.shards import coordinator

    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    if len(workers) < shards:
        raise ClusterError(
            f"--shards {shards}: the cluster has {len(workers)} workers, each of which takes one: "
            "start more, or ask for fewer shards."
        )
    workers = workers[:shards]
    _check(client, workers, spec["app"])
    with contextlib.ExitStack() as stack:
        handles = []
        for number, worker in enumerate(workers):
            handles.append(_FarShard(client, worker, (spec, number, shards)))
            stack.callback(handles[-1].close)
        return coordinator.run(handles, spec, on_progress)


@contextlib.contextmanager
def connected(address: str, shards: int) -> Iterator[Any]:
    """Be a client of a cluster; LOCAL has as many workers as there are shards.

    Raises: ClusterError.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        problem = f"--dask needs more ({error}): pip install 'cma-toolkit[dask]'."
        raise ClusterError(problem) from error
    with contextlib.ExitStack() as stack:
        where: Any = address
        if address == LOCAL:
            options = {"n_workers": shards, "threads_per_worker": 1, "processes": True}
            cluster = distributed.LocalCluster(host="127.0.0.1", dashboard_address=None, **options)
            where = stack.enter_context(cluster)
        try:
            client = distributed.Client(where, timeout=_REACHED_WITHIN_S, direct_to_workers=True)
        except (OSError, ValueError) as error:
            problem = f"--dask {address}: no scheduler answers ({error}): start one, or name it."
            raise ClusterError(problem) from error
        yield stack.enter_context(client)


def _check(client: Any, workers: list[str], app: str) -> None:
    """Refuse workers that would run another world.

    Raises: ClusterError.
    """
    ours = _here(app)
    for worker, theirs in client.run(Site, app, ours.is_compiled, workers=workers).items():
        if theirs.files != ours.files:
            what = "other files of cma: install the same version there"
        elif theirs.app != ours.app:
            what = f"not {app} as it is here: put its folder at the same path there"
        elif theirs.is_compiled != ours.is_compiled:
            what = "run a world with the other choice of --compiled: start it anew"
        elif theirs.order != ours.order:
            what = "another order of sets: start it with PYTHONHASHSEED=6640"
        else:
            continue
        raise ClusterError(f"--dask: the worker {worker} has {what}.")


class Site:
    """What a process would run a world with, as digests."""

    def __init__(self, app: str, is_compiled: bool) -> None:
        from cma_toolkit.sim.world import compiled

        is_fresh = not any(name.startswith("cma_toolkit.firmware.kernel.") for name in sys.modules)
        if is_compiled and is_fresh:
            compiled.use()
        self.is_compiled = compiled.is_used()
        self.files = _digest_of(path for room in _ROOMS for path in (_ROOT / room).rglob("*.py"))
        self.order = hash("of which the order of a set is made")
        self.app = _digest_of(Path(app).resolve().parent.glob("*.py"))


def _here(app: str) -> Site:
    from cma_toolkit.sim.world.compiled import is_used

    return Site(app, is_used())


def _digest_of(paths: Iterator[Path]) -> str:
    digest = sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class ActorShard:
    """A shard in a worker."""

    def __init__(self, spec: Plain, number: int, shards: int) -> None:
        self._described = spec, number, shards
        self._shard: Any = None
        self._watched = contextlib.ExitStack()

    def do(self, name: str, *arguments: Any) -> Any:
        """Do it, and return what it says; None if this is not the shard that began."""
        from cma_toolkit.sim.world.hang import HangWatch
        from cma_toolkit.sim.world.shards.near import NearShard

        if self._shard is None and name == "begin":
            watch = self._watched.enter_context(HangWatch(self._described[0]["app"]))
            self._shard = NearShard(*self._described, watch)
        if self._shard is None:
            return None
        self._shard.start(name, *arguments)
        return self._shard.answer()

    def close(self) -> None:
        """Let go of it all; the worker may live on for days."""
        self._shard = None
        self._watched.close()


class _FarShard:
    """A shard in a worker, as seen from here."""

    def __init__(self, client: Any, worker: str, described: tuple[Any, ...]) -> None:
        options = {"workers": [worker], "allow_other_workers": False, "pure": False}
        self._actor = client.submit(ActorShard, *described, actor=True, **options).result()
        self._worker = worker
        self._future: Any = None

    def start(self, name: str, *arguments: Any) -> None:
        """Have it do something."""
        with self._lost():
            self._future = self._actor.do(name, *arguments)

    def answer(self) -> Any:
        """Wait for what it says."""
        with self._lost():
            answer = self._future.result()
        if answer is None:
            raise self._error()
        return answer

    def close(self) -> None:
        """Have the worker let go of it, if it is still there."""
        with contextlib.suppress(OSError, RuntimeError):
            self._actor.close().result(timeout=_REACHED_WITHIN_S)

    @contextlib.contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:
            raise self._error() from error

    def _error(self) -> Exception:
        from cma_toolkit.sim.world.shards.coordinator import ShardLostError

        return ShardLostError(
            f"the worker {self._worker} was lost, perhaps for want of memory: "
            "see what its terminal says, or use more of them."
        )
