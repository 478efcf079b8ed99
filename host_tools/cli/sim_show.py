"""How the end of a run of `cma sim` is written for a person or a script."""

import json
from collections import Counter
from typing import Any

import click

from cma_toolkit.host_tools.cli.progress import print_table
from cma_toolkit.sim.scenario.records import Must
from cma_toolkit.sim.scenario.run import Outcome

_COLUMNS = ("name", "boots", "neighbours", "sent", "received", "lost", "app_errors")
_SLEEP_COLUMNS = ("sleeps", "asleep", "radio")  # the last two as shares of the time
_SLEEP_KEYS = ("asleep_ms", "radio_ms")
_ERRORS_SHOWN = 3
_JSON_KEYS = (
    "digest",
    "published",
    "error_count",
    "errors",
    "unset_sensors",
    "sleep",
    "used_uah",
    "attended",
)


def print_json(result: dict[str, Any], failure: str) -> None:
    """Write the result as one JSON object; `failure` is "" for a run in which all held."""
    shown = {key: result[key] for key in _JSON_KEYS}
    shown["converged_ms"] = result.get("converged_ms")
    click.echo(json.dumps({**shown, "agents": result["statuses"], "failure": failure}))


def print_result(result: dict[str, Any], seconds: int, *, has_board: bool) -> None:
    """Write a row per agent, and what was published and raised."""
    rows = [[str(status.get(key, "")) for key in _COLUMNS] for status in result["statuses"]]
    columns = [column.replace("_", " ") for column in _COLUMNS]
    if any(slept["sleeps"] for slept in result["sleep"]):
        columns += _SLEEP_COLUMNS
        for row, slept in zip(rows, result["sleep"], strict=True):
            row += [str(slept["sleeps"]), *(_share(slept[key], seconds) for key in _SLEEP_KEYS)]
    if any(result["used_uah"]):
        columns.append("used")
        for row, used_uah in zip(rows, result["used_uah"], strict=True):
            row.append(f"{used_uah} uAh")
    print_table(columns, rows)
    if _SLEEP_COLUMNS[0] in columns and not has_board:
        click.echo(
            "no --board: whoever sleeps sleeps deep and boots again; with --board ID they sleep "
            "lightly where that pays"
        )
    click.echo(f"{result['published']} messages published")
    for name in result["unset_sensors"]:
        click.echo(f"sensor {name}: a wave of 0 to 1000; set it with --sensor {name}=VALUE")
    _print_errors(result["errors"], result["error_count"])


def print_verdict(outcome: Outcome, must: Must, may_draw: bool) -> None:
    """Write which faults were on, and that all held if something was looked at and it did.

    `may_draw`: a seed may have drawn some.
    """
    counts = Counter(fault["kind"] for fault in outcome.faults)
    if counts:
        told = (kind if count == 1 else f"{kind} {count} times" for kind, count in counts.items())
        click.echo(f"faults: {', '.join(told)}")
    elif may_draw:
        click.echo(f"faults: seed {outcome.seed} draws none")
    attended = (outcome.result or {}).get("attended")
    if attended:
        whose = "1 agent was" if len(attended) == 1 else f"{len(attended)} agents were"
        click.echo(f"{whose} in safe mode after the faults, and power-cycled by hand")
    if outcome.failure or must == Must(checkers=()):
        return
    converged_ms = (outcome.result or {}).get("converged_ms")
    whole = ""
    if converged_ms is not None:
        whole = ", as far as empty batteries allow"
        if converged_ms >= 0:
            whole = f", and the fleet was whole again {converged_ms / 1000:.1f} s after the faults"
    click.echo(f"all that must hold held{whole}")


def _share(span_ms: int, seconds: int) -> str:
    return f"{span_ms / (seconds * 10):.1f} %"


def _print_errors(errors: list[list[Any]], count: int) -> None:
    if not count:
        return
    seen: dict[str, list[Any]] = {}
    for error in errors:
        seen.setdefault(error[3], error)
    for at_ms, agent, where, text in list(seen.values())[:_ERRORS_SHOWN]:
        click.echo(f"{agent} at {at_ms / 1000:.3f} s, in {where}:\n{text}", err=True)
    click.echo(f"the application raised {count} times; correct it.", err=True)
