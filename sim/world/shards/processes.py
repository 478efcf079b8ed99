"""Shards in processes of their own on this computer, which pipes connect. CPython only.

One of them is in the process that asks for them: it would only wait for the others.
"""

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from cma_toolkit.sim.world.hang import HangWatch
from cma_toolkit.sim.world.shards import coordinator
from cma_toolkit.sim.world.shards.near import NearShard

Plain = dict[str, Any]
_ENDS_WITHIN_S = 5


def run(spec: Plain, shards: int, on_progress: Callable[..., object] | None = None) -> Plain:
    """Run a described world in so many processes; return what `driver.run` does.

    Raises: as `coordinator.run`; ShardLostError.
    """
    with ExitStack() as stack:
        handles: list[coordinator.Handle] = [
            stack.enter_context(_shard(spec, number, shards)) for number in range(shards - 1)
        ]
        watch = stack.enter_context(HangWatch(spec["app"]))
        stack.callback(gc.set_threshold, *gc.get_threshold())
        # The last: whoever is started after it would wait for it.
        handles.append(NearShard(spec, shards - 1, shards, watch))
        return coordinator.run(handles, spec, on_progress)


class _FarShard:
    """A shard at the other end of a pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def start(self, name: str, *arguments: Any) -> None:
        """Have it do something."""
        try:
            self._pipe.send((name, arguments))
        except OSError as error:
            raise _lost() from error

    def answer(self) -> Any:
        """Wait for what it says."""
        try:
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise _lost() from error


def _lost() -> coordinator.ShardLostError:
    problem = "a shard's process was killed, perhaps for want of memory: use fewer."
    return coordinator.ShardLostError(problem)


@contextmanager
def _shard(spec: Plain, number: int, shards: int) -> Iterator[_FarShard]:
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=_serve, args=(far, spec, number, shards), daemon=True)
    process.start()
    far.close()
    try:
        yield _FarShard(near)
    finally:
        near.close()
        _end(process)


def _end(process: SpawnProcess) -> None:
    process.terminate()
    process.join(_ENDS_WITHIN_S)


def _serve(pipe: Connection, spec: Plain, number: int, shards: int) -> None:
    # Ctrl-C reaches every process of a terminal; the first ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with HangWatch(spec["app"]) as watch:
        shard = NearShard(spec, number, shards, watch)
        while True:
            try:
                name, arguments = pipe.recv()
            except EOFError:
                return
            shard.start(name, *arguments)
            pipe.send(shard.answer())
