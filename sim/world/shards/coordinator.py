"""Let the shards of a world go through time together, wherever they are. CPython only.

It knows shards by their handles only: `start(name, *arguments)` has a shard do something, and
`answer()` waits for what it says.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cma_toolkit.sim.world.app_loader import AppError
from cma_toolkit.sim.world.checkers.calm import Calm
from cma_toolkit.sim.world.failure import CRASHED, REFUSED, FailedError
from cma_toolkit.sim.world.fleet import agent_names
from cma_toolkit.sim.world.host import ERRORS_KEPT_MAX
from cma_toolkit.sim.world.phases import converged_ms
from cma_toolkit.sim.world.trace import digest_of
from cma_toolkit.sim.world.watcher import Violation

Plain = dict[str, Any]
_BY_AGENT = ("states", "statuses", "sleep", "used_uah", "air", "supply")
_RANK = ("at_ms", "kind", "agent", "text")  # of failures
_IN_ORDER = ("messages", "events", "actuations", "errors")


class ShardLostError(Exception):
    """A shard's process ended before the world did: the text says what to do."""


class Handle(Protocol):
    """A shard, near or far."""

    def start(self, name: str, *arguments: Any) -> None:
        """Have it do something."""

    def answer(self) -> Any:
        """Wait for what it says."""


def run(
    shards: Sequence[Handle], spec: Plain, on_progress: Callable[..., object] | None = None
) -> Plain:
    """Run a world to its end and return what `driver.run` does, or `phases.run` if it has a calm.

    Shape of `calm` in the description: from_ms, bound_ms, agree.
    Raises: Violation for the first that any checker found; AppError; FailedError for the first
    crash of a shard.
    """
    end_ms = spec["seconds"] * 1000
    calm = Calm(**spec["calm"]) if "calm" in spec else None
    answers = _all(shards, "begin")
    done_ms = told = 0
    while done_ms < end_ms:
        horizon_ms = min(answer["promise_ms"] for answer in answers)
        last_ms = max(done_ms, min(horizon_ms, end_ms - 1))
        if calm is not None:
            if calm.look_at_ms <= done_ms:
                _look(calm, done_ms, shards, spec)
            last_ms = min(last_ms, calm.look_at_ms - 1)
        if on_progress is not None:  # a step of a hundredth at most, so that it is seen
            last_ms = min(last_ms, done_ms + max(1, end_ms // 100))
        answers = _all(shards, "advance", last_ms)
        _exchange(shards, answers)
        done_ms = last_ms + 1
        if on_progress is not None and (done_ms * 100 // end_ms > told or done_ms == end_ms):
            told = done_ms * 100 // end_ms
            happened = sum(answer["happened"] for answer in answers)
            on_progress(done_ms // 1000, spec["seconds"], happened)
    if calm is not None:
        _look(calm, end_ms, shards, spec)
    result = _merge(_all(shards, "end"), spec)
    if calm is not None:
        result["converged_ms"] = converged_ms(calm.converged_at_ms, spec["calm"]["from_ms"])
    return result


def _look(calm: Calm, now_ms: int, shards: Sequence[Handle], spec: Plain) -> None:
    names = agent_names(spec["agents"])
    problem = calm.look(now_ms, names, lambda without: _all(shards, "miss", list(without)))
    if problem:
        raise Violation(problem)


def _all(shards: Sequence[Handle], name: str, *arguments: Any) -> list[Plain]:
    for shard in shards:
        shard.start(name, *arguments)
    return _answers(shards)


def _answers(shards: Sequence[Handle]) -> list[Plain]:
    """Return what they say; raise the first of their failures, if they failed."""
    answers = [shard.answer() for shard in shards]
    failed = [answer["failure"] for answer in answers if "failure" in answer]
    if not failed:
        return answers
    first = min(failed, key=lambda each: [each[key] for key in _RANK])
    if first["kind"] == REFUSED:
        raise AppError(first["text"])
    if first["kind"] == CRASHED:
        raise FailedError(first["text"], first["traceback"])
    raise Violation(first["text"], first["agent"], first["at_ms"])


def _exchange(shards: Sequence[Handle], answers: list[Plain]) -> None:
    """Carry letters until none is left and no frame waits; `answers` become the last ones."""
    before = 0
    has_asked = [bool(answer["letters"]) for answer in answers]
    while True:
        inbox: list[list[tuple[Any, ...]]] = [[] for _ in shards]
        for answer in answers:
            for shard, letters in answer["letters"].items():
                inbox[shard] += letters
            answer["letters"] = {}
        called = [
            number
            for number in range(len(shards))
            if inbox[number] or has_asked[number] or answers[number]["waiting"]
        ]
        if not called:
            return
        waiting = sum(answer["waiting"] for answer in answers)
        if waiting and waiting == before and not any(inbox):
            raise RuntimeError("shards wait for each other: report it")
        before = waiting
        for number in called:
            shards[number].start("settle", inbox[number])
        settled = _answers([shards[number] for number in called])
        for number, answer in zip(called, settled, strict=True):
            answers[number] = answer
        has_asked = [False] * len(shards)


def _merge(parts: Sequence[Plain], spec: Plain) -> Plain:
    """Return what one world would have said."""
    if len({part["world"] for part in parts}) != 1:
        raise RuntimeError("shards differ in when faults began and ended: report it")
    result: Plain = {"names": parts[0]["names"]}
    for key in _BY_AGENT:
        rows = [row for part in parts for row in zip(part["own"], part[key], strict=False)]
        result[key] = [value for _agent, value in sorted(rows, key=lambda row: row[0])]
    for key in _IN_ORDER:
        rows = [row for part in parts for row in part[key]]
        result[key] = sorted(rows, key=lambda row: (row[0], row[1]))
    result["errors"] = result["errors"][:ERRORS_KEPT_MAX]
    for key in ("set_sensors", "unset_sensors", "attended"):
        result[key] = sorted({name for part in parts for name in part[key]})
    for key in ("error_count", "published", "happened"):
        result[key] = sum(part[key] for part in parts)
    # The beginnings and ends of faults happen in each shard.
    result["happened"] -= (len(parts) - 1) * 2 * len(spec.get("faults", ()))
    result["used_nc"] = []
    agents: dict[int, bytes] = {}
    for part in parts:
        agents.update(part["agents"])
    result["digest"] = digest_of(parts[0]["world"], agents, spec["agents"])
    return result
