"""One worker process per port: a library that hangs or crashes costs one board, not the run.

A worker is a module run as `python -m MODULE`. It reads one JSON request from standard input and
writes JSON lines: `{"event": "step"|"progress"|"note", …}`, then one of
`{"event": "result", "value": {…}}` and `{"event": "error", "code": N, "message": "…"}`.
What a library prints besides goes to standard error and is shown only when a worker crashes.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TextIO

from cma_toolkit.host_tools.errors import CmaError, ExitCode, disk_error
from cma_toolkit.host_tools.ports.lock import this_command

LINE_BYTES_MAX = 1 << 20
STDERR_TAIL_BYTES = 4096
STOP = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows ends a process at once by either


@dataclass(frozen=True)
class Job:
    """One board's share of a command."""

    label: str
    port: str
    module: str
    request: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Event:
    """What a worker told about its job: a step begun, progress within it, or a note."""

    job: Job
    kind: str
    fields: dict[str, Any]


@dataclass
class Outcome:
    """How a job ended: `code` 0 with a value, or an error with its sentence."""

    job: Job
    code: int = ExitCode.UNEXPECTED
    message: str = ""
    value: dict[str, Any] = field(default_factory=dict)
    took_s: float = 0.0


def run_jobs(
    jobs: Sequence[Job],
    on_event: Callable[[Event], None],
    *,
    on_end: Callable[[Outcome], None] = lambda outcome: None,
    parallel: int | None = None,
    timeout_s: float = 600.0,
) -> list[Outcome]:
    """Run every job in a process of its own, all at once unless `parallel` bounds them.

    `on_end` hears of each outcome as soon as it is known. Returns the outcomes in the order of the
    jobs. A Ctrl-C stops every worker before it is raised.
    """
    return asyncio.run(_run_all(jobs, on_event, on_end, parallel or len(jobs) or 1, timeout_s))


async def _run_all(
    jobs: Sequence[Job],
    on_event: Callable[[Event], None],
    on_end: Callable[[Outcome], None],
    parallel: int,
    timeout_s: float,
) -> list[Outcome]:
    gate = asyncio.Semaphore(parallel)

    async def one(job: Job) -> Outcome:
        async with gate:
            began_at = time.monotonic()
            outcome = await _run_one(job, on_event, timeout_s)
            outcome.took_s = time.monotonic() - began_at
            on_end(outcome)
            return outcome

    return list(await asyncio.gather(*(one(job) for job in jobs)))


async def _run_one(job: Job, on_event: Callable[[Event], None], timeout_s: float) -> Outcome:
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        job.module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "CMA_COMMAND": this_command()},
    )
    outcome = Outcome(job)
    try:
        async with asyncio.timeout(timeout_s):
            tail = await _converse(worker, job, on_event, outcome)
            await worker.wait()
    except TimeoutError:
        outcome.code = ExitCode.TIMEOUT
        outcome.message = (
            f"{job.label}: no end after {timeout_s:.0f} s. "
            "Run the command again, with a longer --timeout if this computer is busy; "
            "else unplug the board and plug it in first."
        )
        return outcome
    finally:
        await _end(worker)
    if not outcome.message and not outcome.value:
        last = tail.decode(errors="replace").strip().splitlines()
        outcome.message = f"{job.label}: the worker stopped: {last[-1] if last else 'no word'}"
    return outcome


async def _converse(
    worker: asyncio.subprocess.Process,
    job: Job,
    on_event: Callable[[Event], None],
    outcome: Outcome,
) -> bytes:
    assert worker.stdin and worker.stdout and worker.stderr
    worker.stdin.write(json.dumps(job.request).encode() + b"\n")
    worker.stdin.close()
    errors = asyncio.create_task(_tail(worker.stderr))
    async for line in worker.stdout:
        message = json.loads(line)
        kind = message.pop("event")
        if kind == "result":
            outcome.code, outcome.value = ExitCode.OK, message["value"] or {"done": True}
        elif kind == "error":
            outcome.code, outcome.message = message["code"], message["message"]
        else:
            on_event(Event(job, kind, message))
    return await errors


async def _tail(stream: asyncio.StreamReader) -> bytes:
    tail = b""
    while chunk := await stream.read(STDERR_TAIL_BYTES):
        tail = (tail + chunk)[-STDERR_TAIL_BYTES:]
    return tail


async def _end(worker: asyncio.subprocess.Process) -> None:
    if worker.returncode is None:
        # Not worker.kill(): it would reap a process that ends just now, behind asyncio's back.
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, STOP)
    await worker.wait()


class Reporter:
    """The worker's side of the conversation."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def step(self, name: str) -> None:
        """Say what begins now: "write", "verify", …"""
        self._say("step", name=name)

    def progress(self, done: int, total: int) -> None:
        """Say how much of the step is done, in the step's own unit."""
        self._say("progress", done=done, total=total)

    def note(self, text: str) -> None:
        """Say something a person may want to read; never a secret."""
        self._say("note", text=text)

    def _say(self, event: str, **fields: object) -> None:
        self._write(json.dumps({"event": event, **fields}) + "\n")


def serve(handle: Callable[[dict[str, Any], Reporter], dict[str, Any]]) -> NoReturn:
    """Be a worker: read the request, run `handle`, write its result or its error, and leave."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library's prints are not our protocol
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides and kills
    request = json.loads(sys.stdin.readline())
    try:
        value = handle(request, Reporter(channel.write))
    except CmaError as error:
        _fail(channel, error)
    except OSError as error:
        full = disk_error(error)
        if full is None:
            raise
        _fail(channel, full)
    channel.write(json.dumps({"event": "result", "value": value}) + "\n")
    channel.close()
    sys.exit(0)


def _fail(channel: TextIO, error: CmaError) -> NoReturn:
    told = {"event": "error", "code": int(error.code), "message": error.message}
    channel.write(json.dumps(told) + "\n")
    sys.exit(int(error.code))
