"""Fuzz one parser after the other, and tell a person how far it is and what was found."""

import random
from collections.abc import Iterable, Sequence

from fuzz.catalogue import Parser
from fuzz.hunting import ROOT, Hunt, Verdict, hunt, judge, sow
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

KEPT = ROOT / "build" / "fuzz"


def fuzz(parsers: Sequence[Parser], minutes: float | None) -> int:
    """Hunt in each; returns the exit code."""
    console = Console(stderr=True)
    faults = runs = 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} runs"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        for parser in parsers:
            seconds = round(minutes * 60 / len(parsers)) if minutes else 0
            task = progress.add_task(parser.name, total=None if seconds else parser.runs)
            folder = KEPT / parser.name
            sow(parser, folder)
            bound = f"-max_total_time={max(1, seconds)}" if seconds else f"-runs={parser.runs}"
            seed = random.SystemRandom().randrange(1, 1 << 31)
            found = hunt(
                parser, folder, [bound, f"-seed={seed}"],
                lambda count, task=task: progress.update(task, completed=count),
            )  # fmt: skip
            verdict = judge(parser, folder)
            progress.remove_task(task)
            for line in told(parser, found, verdict):
                console.print(line, markup=False, highlight=False, soft_wrap=True)
            runs += found.runs
            faults += bool(found.text) + len(verdict.faults)
    console.print(f"{runs:,} runs, {faults} findings", highlight=False)
    return 1 if faults else 0


def told(parser: Parser, found: Hunt, verdict: Verdict) -> Iterable[str]:
    """Return the lines that say what came of a hunt."""
    share = 100 * verdict.lines // max(1, verdict.lines_of)
    yield (
        f"{parser.name}: {found.runs:,} runs, {verdict.inputs} inputs reach {verdict.lines} of "
        f"{verdict.lines_of} lines ({share} %), {verdict.heap_permille // 10} % of its heap"
    )
    if found.found is not None:
        yield f"{parser.name} breaks at {found.found.hex()}"
    if found.text:
        yield found.text
    yield from verdict.faults
