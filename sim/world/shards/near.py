"""Shards in this process: one after another, for tests and to look into them. CPython only."""

from typing import Any

from cma_toolkit.sim.world.shards.shard import Plain, Shard


class NearShard:
    """A shard that does at once what it is told."""

    def __init__(self, spec: Plain, number: int, shards: int) -> None:
        self.shard = Shard(spec, number, shards)
        self._answer: Any = None

    def start(self, name: str, *arguments: Any) -> None:
        """Do it."""
        self._answer = getattr(self.shard, name)(*arguments)

    def answer(self) -> Any:
        """Return what it said."""
        return self._answer
