"""`cma rollout status --watch`: a bar for each wave, until the roll-out ends or halts."""

import time
from collections.abc import Sequence
from typing import Any

import click

from cma_toolkit.host_tools.cli.progress import Output, progress_style
from cma_toolkit.host_tools.rollout import stages
from cma_toolkit.host_tools.rollout.records import PAUSED, RUNNING, Member, Rollout
from cma_toolkit.host_tools.rollout.store import Store

_LOOK_S = 1.0
_ALL_PERMILLE = 1_000


def watch(store: Store, number: int, output: Output) -> None:
    """Show what happens until nothing more does without a person."""
    style = progress_style(output, False)
    bars = _Bars() if style == "bar" else None
    told = 0
    try:
        while True:
            rollout = store.newest(number)
            assert rollout is not None
            members, steps = store.members(rollout), store.steps(rollout)
            names = {member.mac: member.name for member in members}
            for _, mac, what in steps[told:]:
                line = f"{names[mac]}: {what}" if mac else what
                bars.say(line) if bars else click.echo(line, err=True)
            told = len(steps)
            if bars:
                bars.draw(rollout, members)
            if rollout.state not in (RUNNING, PAUSED):
                return
            wait()
    finally:
        if bars:
            bars.close()


def wait() -> None:
    """Wait until it is worth to look again."""
    time.sleep(_LOOK_S)


class _Bars:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            console=Console(stderr=True),
        )
        self._tasks: list[Any] = []
        self._progress.start()

    def say(self, line: str) -> None:
        """Write a line above the bars."""
        self._progress.console.print(line, markup=False)

    def draw(self, rollout: Rollout, members: Sequence[Member]) -> None:
        """Move the bars: a board that fetches counts by how much it has."""
        for wave in range(rollout.waves):
            own = [member for member in members if member.wave == wave]
            if wave == len(self._tasks):
                name = f"wave {wave + 1}" if wave else "canary"
                self._tasks.append(self._progress.add_task(name, total=len(own), told=""))
            good = sum(1 for member in own if member.stage in stages.GOOD)
            bad = sum(1 for member in own if member.stage in stages.BAD)
            on_the_way = [member for member in own if member.stage in stages.IN_FLIGHT]
            part = sum(member.done_permille for member in on_the_way) // _ALL_PERMILLE
            told = f"{len(on_the_way)} on the way" if on_the_way else ""
            if bad:
                told = f"{told}, {bad} failed" if told else f"{bad} failed"
            self._progress.update(
                self._tasks[wave], completed=min(len(own), good + part), told=told
            )

    def close(self) -> None:
        """Leave the bars as they are."""
        self._progress.stop()
