"""How a person, a log file or a script sees several boards at work, and the exit code at the end.

A terminal gets one bar per board, a log a line per event, `--output json` one JSON object per
line. Bars and lines go to standard error, results to standard output.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import click

from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.ports.workers import Event, Job, Outcome, run_jobs

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Output = Literal["table", "json"]
STYLES = ("auto", "bar", "plain", "json", "none")
LINE_EVERY_S = 5.0


class View(AbstractContextManager["View"], Protocol):
    """What shows the events of a run while it runs."""

    def on_event(self, event: Event) -> None:
        """Show a step, its progress or a note."""

    def on_end(self, outcome: Outcome) -> None:
        """Show how one board ended."""


def run_with_progress(
    jobs: Sequence[Job],
    title: str,
    output: Output = "table",
    *,
    quiet: bool = False,
    parallel: int | None = None,
    timeout_s: float = 600.0,
) -> list[Outcome]:
    """Run every job in a worker process of its own and show how far each one is.

    Returns the outcomes in the order of the jobs.
    """
    with _view(jobs, title, output, quiet) as view:
        return run_jobs(
            jobs, view.on_event, on_end=view.on_end, parallel=parallel, timeout_s=timeout_s
        )


def exit_code_of(outcomes: Sequence[Outcome]) -> int:
    """Return 0 if all went well, the code that all failures share if none did, else 6."""
    codes = {int(outcome.code) for outcome in outcomes}
    return codes.pop() if len(codes) == 1 else int(ExitCode.SOME_FAILED if codes else ExitCode.OK)


def print_summary(
    outcomes: Sequence[Outcome], columns: Sequence[tuple[str, str]] = (), output: Output = "table"
) -> None:
    """Write one row per board: its label, PASS or FAIL, and the named fields of its result.

    `columns` pairs a heading with a key of `Outcome.value`. Sentences of failures follow.
    """
    if output == "json":
        click.echo(json.dumps(_summary(outcomes)))
        return
    keys = [key for _heading, key in columns]
    rows = [
        [
            outcome.job.label,
            "FAIL" if outcome.code else "PASS",
            f"{outcome.took_s:.0f} s",
            *(str(outcome.value.get(key, "")) for key in keys),
        ]
        for outcome in outcomes
    ]
    if len(outcomes) != 1 or not outcomes[0].code:  # one board that failed has its sentence
        print_table(["board", "result", "took", *(heading for heading, _key in columns)], rows)
    for outcome in outcomes:
        if outcome.code:
            click.echo(_sentence(outcome), err=True)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows in columns that line up: a pipe reads them as well as a person."""
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(headings))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def progress_style(output: Output, quiet: bool) -> str:
    """Choose bar, plain, json or none: flags, then CMA_PROGRESS, then what standard error is."""
    if output == "json":
        return "json"
    if quiet:
        return "none"
    asked = os.environ.get("CMA_PROGRESS", "auto")
    if asked not in STYLES:
        raise click.UsageError(f"CMA_PROGRESS is {asked!r}; set it to one of {', '.join(STYLES)}.")
    if asked != "auto":
        return asked
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return "bar" if terminal and not os.environ.get("CI") else "plain"


def _view(jobs: Sequence[Job], title: str, output: Output, quiet: bool) -> View:
    style = progress_style(output, quiet)
    if style == "bar":
        return BarView(jobs, title)
    if style == "plain":
        return LineView(jobs, title)
    return JsonView() if style == "json" else SilentView()


def _sentence(outcome: Outcome) -> str:
    label = outcome.job.label
    text = outcome.message
    return text if text.startswith(label) else f"{label}: {text}"


def _summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    failed = sum(1 for outcome in outcomes if outcome.code)
    boards = [_end_fields(outcome) for outcome in outcomes]
    return {
        "event": "summary",
        "ok": len(outcomes) - failed,
        "failed": failed,
        "exit_code": exit_code_of(outcomes),
        "boards": boards,
    }


def _end_fields(outcome: Outcome) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "board": outcome.job.label,
        "port": outcome.job.port,
        "code": int(outcome.code),
        "took_s": round(outcome.took_s, 2),
    }
    if outcome.code:
        return {**fields, "message": outcome.message}
    return {**fields, "value": outcome.value}


class SilentView:
    """Show nothing: `--quiet`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing behind."""

    def on_event(self, event: Event) -> None:
        """Drop it."""

    def on_end(self, outcome: Outcome) -> None:
        """Drop it."""


class JsonView(SilentView):
    """Write every event as one JSON object on a line of standard output."""

    def on_event(self, event: Event) -> None:
        """Write the event with its board and port."""
        fields = {"event": event.kind, "board": event.job.label, "port": event.job.port}
        click.echo(json.dumps({**fields, **event.fields}))

    def on_end(self, outcome: Outcome) -> None:
        """Write the end of one board."""
        click.echo(json.dumps({"event": "end", **_end_fields(outcome)}))


class LineView(SilentView):
    """Write a line when a step begins and when a board ends; a long step speaks every 5 s."""

    def __init__(
        self, jobs: Sequence[Job], title: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._title = f"{title}: {len(jobs)} board{'s' if len(jobs) != 1 else ''}"
        self._clock = clock
        self._alone = len(jobs) == 1
        self._steps: dict[Job, str] = {}
        self._spoke_at: dict[Job, float] = {}

    def __enter__(self) -> Self:
        click.echo(self._title, err=True)
        return self

    def on_event(self, event: Event) -> None:
        """Write the event, unless this board spoke of its progress just now."""
        job, now = event.job, self._clock()
        if event.kind == "progress":
            done, total = event.fields["done"], event.fields["total"]
            if now - self._spoke_at.get(job, now) < LINE_EVERY_S:
                self._spoke_at.setdefault(job, now)
                return
            text = f"{self._steps.get(job, 'working')} {_percent(done, total)} %"
        else:
            text = str(event.fields.get("name") or event.fields.get("text", ""))
            if event.kind == "step":
                self._steps[job] = text
        self._spoke_at[job] = now
        click.echo(f"{job.label}: {text}", err=True)

    def on_end(self, outcome: Outcome) -> None:
        """Write PASS and the time it took, or the sentence of the failure.

        A single board's sentence is left to the summary.
        """
        if outcome.code and self._alone:
            return
        if outcome.code:
            click.echo(f"{outcome.job.label}: FAIL: {outcome.message}", err=True)
        else:
            click.echo(f"{outcome.job.label}: PASS, {outcome.took_s:.1f} s", err=True)


class BarView(SilentView):
    """Draw one bar per board on a terminal."""

    def __init__(self, jobs: Sequence[Job], title: str) -> None:
        self._bars = _make_bars()
        self._title = title
        self._tasks: dict[Job, TaskID] = {}
        for job in jobs:
            self._tasks[job] = self._bars.add_task("", total=None, label=job.label, step="waiting")

    def __enter__(self) -> Self:
        click.echo(self._title, err=True)
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing, so that what follows starts on a fresh line."""
        self._bars.stop()

    def on_event(self, event: Event) -> None:
        """Move the board's bar, or name its step."""
        task = self._tasks[event.job]
        if event.kind == "progress":
            self._bars.update(task, completed=event.fields["done"], total=event.fields["total"])
        elif event.kind == "step":
            # `reset` drops all fields that it is not given.
            label, step = event.job.label, str(event.fields["name"])
            self._bars.reset(task, total=None, label=label, step=step)
        else:
            self._bars.console.print(
                f"{event.job.label}: {event.fields.get('text', '')}", markup=False
            )

    def on_end(self, outcome: Outcome) -> None:
        """Fill the bar of a board that passed; name the failure of one that did not."""
        task = self._tasks[outcome.job]
        if outcome.code:
            self._bars.update(task, total=1, completed=0, step="FAIL")
            if len(self._tasks) > 1:  # a single board's sentence is left to the summary
                self._bars.console.print(_sentence(outcome), markup=False)
        else:
            self._bars.update(task, total=1, completed=1, step="PASS")


def _make_bars() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    return Progress(
        TextColumn("{task.fields[label]}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[step]}", markup=False),
        console=Console(stderr=True),
    )


def _percent(done: int, total: int) -> int:
    return 100 * done // total if total else 100
