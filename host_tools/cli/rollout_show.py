"""How `cma rollout` shows a roll-out: a line per wave, and what became of each board."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cma_toolkit.host_tools.cli import rollout_reasons as reasons
from cma_toolkit.host_tools.cli.progress import Output, print_table
from cma_toolkit.host_tools.rollout import decide, stages, windows
from cma_toolkit.host_tools.rollout.records import (
    DONE,
    OPEN_STATES,
    RUNNING,
    Member,
    Prediction,
    Rollout,
    Run,
)

if TYPE_CHECKING:
    from cma_toolkit.host_tools.cli.rollout_plan import Plan

_BAR_CELLS = 20
_NAMES_MAX = 8
_REASONS_MAX = 12


def plan(planned: "Plan", output: Output) -> None:
    """Print what a roll-out would do."""
    rollout = planned.rollout
    if output == "json":
        waves = [[board.name for board in wave] for wave in planned.waves]
        left_out = [board.name for board in planned.left_out]
        terms = asdict(rollout.terms)
        fields = {"name": rollout.name, "release": rollout.sequence, "terms": terms}
        click.echo(json.dumps({**fields, "waves": waves, "left_out": left_out}))
        return
    click.echo(f"{rollout.name} {rollout.sequence}, halts {_limit(rollout)}")
    print_table(
        ("wave", "boards", "which"),
        [
            (_wave_name(number), str(len(wave)), _names([board.name for board in wave]))
            for number, wave in enumerate(planned.waves)
        ],
    )
    if planned.left_out:
        names = _names([board.name for board in planned.left_out])
        click.echo(f"no image for their chip: {names}")


def status(
    rollout: Rollout,
    members: Sequence[Member],
    steps: Sequence[tuple[int, str, str]],
    predicted: Prediction | None,
    *,
    now_s: int,
    output: Output,
) -> None:
    """Print how far a roll-out is, and what a rehearsal of it said."""
    took_s = _took_s(rollout, now_s)
    if output == "json":
        told = asdict(predicted) if predicted else None
        so_far = {"took_s": took_s, "told_uah": stages.told_uah(members)}
        fields = {**_plain(rollout, members, steps), **so_far, "predicted": told}
        click.echo(json.dumps(fields))
        return
    why = f": {rollout.why}" if rollout.why else ""
    click.echo(f"roll-out {rollout.id}: {rollout.name} {rollout.sequence}, {rollout.state}{why}")
    print_table(*wave_rows(rollout, members))
    if predicted:
        print_table(*_beside(predicted, took_s, members))
    for line in _notes(rollout, members, now_s):
        click.echo(line)
    names = {member.mac: member.name for member in members}
    if steps:
        rows = [(_clock(at_s), names.get(mac, ""), what) for at_s, mac, what in steps]
        print_table(("when", "board", "what"), rows)


def prediction(found: Prediction, output: Output) -> None:
    """Print what rehearsals of a roll-out said."""
    if output == "json":
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(f"{_boards(found.boards)}, rehearsed {_times(len(found.runs))}")
    rows = [
        ("hours", *(_hours(value) for value in found.span("took_s"))),
        ("uAh a board", *(str(value) for value in found.span("used_uah"))),
        ("failed", *(str(value) for value in found.span("failed"))),
    ]
    print_table(("", "least", "likely", "most"), rows)
    errors = found.likely("errors")
    if errors:
        click.echo(f"app.py raised {_times(errors)}: see cma sim app.py")
    ends = Counter(_end(run) for run in found.runs)
    if set(ends) != {DONE}:
        told = "; ".join(f"{end}, {_times(count)}" for end, count in sorted(ends.items()))
        click.echo(f"It did not come to its end in each run: {told}")
    lines = reasons.summary(found)
    if lines:
        click.echo("Boards that do not have it in the end:")
        for line in lines[:_REASONS_MAX]:
            click.echo(f"  {line}")
        if len(lines) > _REASONS_MAX:
            click.echo(f"  and {len(lines) - _REASONS_MAX} more: -o json has them all")


def wave_rows(
    rollout: Rollout, members: Sequence[Member]
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return the headings and a row for each wave."""
    rows: list[Sequence[str]] = []
    seen = {member.stage for member in members}
    shown = [stage for stage in stages.STAGES if stage in seen]
    for number in range(rollout.waves):
        own = [member for member in members if member.wave == number]
        counts = Counter(member.stage for member in own)
        good = sum(counts[stage] for stage in stages.GOOD)
        rows.append(
            (
                _wave_name(number),
                str(len(own)),
                _bar(good, len(own)),
                *(str(counts[stage] or "") for stage in shown),
            )
        )
    return ("wave", "boards", "have it", *shown), rows


def has_failures(members: Sequence[Member]) -> bool:
    """Tell whether any board failed."""
    return any(member.stage in stages.BAD for member in members)


def _plain(
    rollout: Rollout, members: Sequence[Member], steps: Sequence[tuple[int, str, str]]
) -> dict[str, Any]:
    waves = []
    for number in range(rollout.waves):
        own = [member for member in members if member.wave == number]
        counts = Counter(member.stage for member in own)
        fields = {stage: counts[stage] for stage in stages.STAGES}
        is_open = rollout.wave >= number
        waves.append({"wave": number, "open": is_open, "boards": len(own), **fields})
    told = asdict(rollout)
    del told["offered_to"]
    told["release"] = told.pop("sequence")
    boards = [asdict(member) for member in members]
    done = [{"at_s": at_s, "mac": mac, "what": what} for at_s, mac, what in steps]
    return {**told, "waves": waves, "boards": boards, "steps": done}


def _notes(rollout: Rollout, members: Sequence[Member], now_s: int) -> list[str]:
    """Return what a person should know of boards that failed or are waited for."""
    notes = [
        f"{member.name} failed: {member.why}" for member in members if member.stage in stages.BAD
    ]
    if rollout.state != RUNNING:
        return notes
    if not windows.is_open(rollout.terms.windows, now_s):
        notes.append(f"outside of {', '.join(rollout.terms.windows)} nobody is offered it")
    asked = [member for member in members if member.stage == stages.QUEUED]
    weak = [member.name for member in asked if decide.is_weak(rollout, member)]
    silent = [member.name for member in asked if not decide.is_weak(rollout, member)]
    if silent:
        notes.append(f"will take it when they wake and hear of it: {_names(silent)}")
    if weak:
        notes.append(f"wait for {rollout.terms.battery_mv} mV: {_names(weak)}")
    if now_s - rollout.listened_at_s > decide.DEAF_S:
        since = _clock(rollout.listened_at_s)
        notes.append(f"nobody listens to boards since {since}: run cma release serve")
    return notes


def _beside(
    predicted: Prediction, took_s: int, members: Sequence[Member]
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return what a rehearsal predicted beside what is so."""
    failed = sum(1 for member in members if member.stage in stages.BAD)
    told_uah = stages.told_uah(members)
    least, likely, most = predicted.span("told_uah")
    rows: list[Sequence[str]] = [
        ("hours", _span(*(_hours(value) for value in predicted.span("took_s"))), _hours(took_s)),
        ("failed", str(predicted.likely("failed")), str(failed)),
        ("uAh told", _span(str(least), str(likely), str(most)), str(told_uah or "")),
    ]
    return (f"for {_boards(predicted.boards)}", "predicted", "so far"), rows


def _span(least: str, likely: str, most: str) -> str:
    return f"{likely} ({least} to {most})"


def _end(run: Run) -> str:
    state = "still open" if run.state == RUNNING else run.state
    return f"{state} ({run.why})" if run.why else state


def _took_s(rollout: Rollout, now_s: int) -> int:
    return (now_s if rollout.state in OPEN_STATES else rollout.changed_at_s) - rollout.started_at_s


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:.1f}"


def _boards(count: int) -> str:
    return f"{count} board" if count == 1 else f"{count} boards"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _limit(rollout: Rollout) -> str:
    limit = rollout.terms.failures_max
    return f"if a canary fails, or more than {limit} boards" if limit else "if a board fails"


def _wave_name(number: int) -> str:
    return str(number + 1) if number else "canary"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_MAX])
    more = len(names) - _NAMES_MAX
    return f"{shown} and {more} more" if more > 0 else shown


def _bar(good: int, boards: int) -> str:
    percent = 100 * good // boards if boards else 100
    filled = _BAR_CELLS * percent // 100
    return "#" * filled + "." * (_BAR_CELLS - filled) + f" {percent:3d} %"


def _clock(at_s: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_s))
