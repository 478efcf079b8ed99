"""Run a described scenario with many seeds, in several processes: some seed finds the bug."""

import hashlib
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from cma_toolkit.sim.scenario.records import Must
from cma_toolkit.sim.scenario.run import Outcome, run

_CHUNKS_PER_JOB = 16  # so that the bar moves, and no process waits long for the last one
_SEEDS_PER_CHUNK_MAX = 16


class SwarmError(Exception):
    """A process of the swarm ended before its seeds did: the text says what to do."""


def swarm(
    plain: dict[str, Any], must: Must, seeds: Sequence[int], jobs: int = 1
) -> Iterator[Outcome]:
    """Yield how each seed ended, in order; whoever stops listening stops the processes.

    Raises: AppError, as `run`; SwarmError.
    """
    one = partial(_run_one, plain, must)
    if jobs == 1:
        yield from map(one, seeds)
        return
    chunk = max(1, min(_SEEDS_PER_CHUNK_MAX, len(seeds) // (jobs * _CHUNKS_PER_JOB)))
    try:
        with _processes(jobs) as pool:
            yield from pool.map(one, seeds, chunksize=chunk)
    except BrokenProcessPool:
        problem = "a process of the swarm was killed, perhaps for want of memory: use --jobs 1."
    else:
        return
    raise SwarmError(problem)


class Tally:
    """What the outcomes of a swarm come to.

    The digest is over all seeds and digests in order: the same however many processes there are.
    """

    def __init__(self) -> None:
        self.runs = 0
        self.failed: list[Outcome] = []
        self.seconds = 0
        self.events = 0
        self.faults: dict[str, int] = {}  # in how many runs each was on
        self.attended = 0  # in how many runs a person cycled the power of somebody
        self._hash = hashlib.sha256()

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self.runs += 1
        self.seconds += outcome.seconds
        self.events += outcome.events
        self.attended += outcome.attended > 0
        if outcome.failure:
            self.failed.append(outcome)
        for name in sorted({fault["kind"] for fault in outcome.faults}):
            self.faults[name] = self.faults.get(name, 0) + 1
        self._hash.update(f"{outcome.seed} {outcome.digest} {outcome.failure}\n".encode())

    def digest(self) -> str:
        """Return the digest of all outcomes so far."""
        return self._hash.hexdigest()


def _run_one(plain: dict[str, Any], must: Must, seed: int) -> Outcome:
    return replace(run(plain, must, seed), result=None)  # too large to send for each of thousands


@contextmanager
def _processes(jobs: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _leave_ctrl_c)
    try:
        yield pool
    except BaseException:  # a broken pool, Ctrl-C, or nobody wants the rest: end them at once
        running = list(pool._processes.values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in running:
            process.terminate()
        raise
    pool.shutdown()


def _leave_ctrl_c() -> None:
    # Ctrl-C reaches every process of a terminal; ours ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
