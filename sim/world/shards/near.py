"""A shard in this process, and what it says when it fails. CPython only.

What answers from another process or another computer is one of these, too.
"""

import gc
from collections.abc import Callable
from typing import Any

from cma_toolkit.sim.world import failure
from cma_toolkit.sim.world.app_loader import AppError
from cma_toolkit.sim.world.failure import CRASHED, REFUSED, VIOLATED
from cma_toolkit.sim.world.hang import HangError, HangWatch
from cma_toolkit.sim.world.shards import coordinator
from cma_toolkit.sim.world.shards.shard import Plain, Shard
from cma_toolkit.sim.world.watcher import Violation


def run(spec: Plain, shards: int, on_progress: Callable[..., object] | None = None) -> Plain:
    """Run a described world in so many shards, one after another in this process.

    Raises: as `coordinator.run`.
    """
    before = gc.get_threshold()
    try:
        with HangWatch(spec["app"]) as watch:
            handles = [NearShard(spec, number, shards, watch) for number in range(shards)]
            return coordinator.run(handles, spec, on_progress)
    finally:
        gc.set_threshold(*before)


class NearShard:
    """A shard that does at once what it is told, in the thread that the watch watches.

    Shape of an answer: what the shard's own method returns or, if that failed, a dict with
    `failure` alone: at_ms, kind, agent, text, traceback.
    """

    def __init__(self, spec: Plain, number: int, shards: int, watch: HangWatch) -> None:
        self._described = spec, number, shards
        self._shard: Shard | None = None
        self._watch = watch
        self._answer: Any = None

    def start(self, name: str, *arguments: Any) -> None:
        """Do it."""
        try:
            if self._shard is None:
                self._shard = Shard(*self._described)
            self._answer = getattr(self._shard, name)(*arguments)
        except AppError as error:
            self._answer = self._failed(REFUSED, str(error))
        except Violation as violation:
            at_ms, agent = violation.at_ms, violation.agent
            self._answer = self._failed(VIOLATED, str(violation), at_ms=at_ms, agent=agent)
        except HangError as error:
            said = failure.hang(self._watch.problem, self._described[0]["app"], error)
            self._answer = self._failed(CRASHED, str(said), said.traceback)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever runs the world
            said = failure.crash(error)
            self._answer = self._failed(CRASHED, str(said), said.traceback)

    def answer(self) -> Any:
        """Return what it said."""
        return self._answer

    def _failed(
        self, kind: int, text: str, traceback: str = "", *, at_ms: int = -1, agent: int = -1
    ) -> Plain:
        if at_ms < 0:
            at_ms = 0 if self._shard is None else self._shard.now_ms
        said = {"at_ms": at_ms, "kind": kind, "agent": agent, "text": text}
        return {"failure": {**said, "traceback": traceback}}
