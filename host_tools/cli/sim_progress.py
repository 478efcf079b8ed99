"""Show how far virtual time has come, how fast it passes, and how many events a second."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click

from cma_toolkit.host_tools.cli.progress import LINE_EVERY_S

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_SOME = 10  # of a unit, from which on it is used


class Show(Protocol):
    """Take what has been done so far."""

    def __call__(self, done: int, all_of_it: int, seconds: int, events: int) -> None:
        """Show done of all in any unit, with the virtual seconds and events that it took."""


@contextmanager
def showing(style: str, what: str) -> Iterator[Show]:
    """Show progress as a bar, as a line now and then, or not at all.

    `style` is that of `progress_style`; `what` names the unit of what is done.
    """
    if style == "bar":
        with _bar(what) as show:
            yield show
    elif style == "plain":
        yield _Lines(what)
    else:
        yield lambda done, all_of_it, seconds, events: None


def rates(seconds: int, events: int, took_s: float) -> str:
    """Return the simulated time, its speed and the events per second of so much real time."""
    return f"{span(seconds)} simulated, {_speeds(seconds, events, took_s)}"


def span(seconds: int) -> str:
    """Return a span of time in the largest unit of which there are some."""
    for unit_s, unit in ((_DAY_S, "days"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= _SOME * unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds} s"


def _speeds(seconds: int, events: int, took_s: float) -> str:
    took_s = max(took_s, 0.001)
    times = seconds / took_s
    speed = f"{times:,.0f}" if times >= _SOME else f"{times:.1f}"
    return f"{speed} times real time, {events / took_s:,.0f} events/s"


@contextmanager
def _bar(what: str) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[speeds]}"),
    )
    started_at_s = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None, speeds="")

        def show(done: int, all_of_it: int, seconds: int, events: int) -> None:
            told = _speeds(seconds, events, time.monotonic() - started_at_s)
            bars.update(task, completed=done, total=all_of_it, speeds=told)

        yield show


class _Lines:
    """Write a line now and then: to a log."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._started_at_s = self._told_at_s = time.monotonic()

    def __call__(self, done: int, all_of_it: int, seconds: int, events: int) -> None:
        now_s = time.monotonic()
        if now_s - self._told_at_s >= LINE_EVERY_S:
            self._told_at_s = now_s
            told = _speeds(seconds, events, now_s - self._started_at_s)
            click.echo(f"{self._what} {done} of {all_of_it}: {told}", err=True)
