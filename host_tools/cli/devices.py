"""`cma devices`: what is plugged in, one line per board."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cma_toolkit.host_tools.cli.common import BoardOptions, board_options, chosen_ports, examples
from cma_toolkit.host_tools.cli.progress import run_with_progress
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.facts import Facts, facts_of
from cma_toolkit.host_tools.ports.workers import Job, Outcome

CONNECT_S = 5.0
# A virtual board tells its state, so one that cannot answer is not asked.
SILENT_STATES = {
    "rom": "in the ROM loader: run cma flash",
    "boot-loop": "nothing bootable in its flash: run cma flash",
    "asleep": "asleep",
    "no-power": "without power",
    "reset": "held in reset",
}


@click.command(
    epilog=examples(
        "cma devices",
        "cma devices --port u0",
        "cma devices --output json | jq .chip",
        "cma devices --wait 60        # until a sleeping board wakes",
    )
)
@board_options(several=True, timeout_s=20.0)
def command(options: BoardOptions) -> int:
    """List the boards that are plugged in, real and virtual.

    A running program is interrupted, asked, and started again; nothing is written.
    """
    ports = chosen_ports(options.for_all(), several=True)
    asked = [port for port in ports if _can_answer(port, options)]
    jobs = [_job(port, options) for port in asked]
    outcomes = run_with_progress(
        jobs, "Asking", quiet=options.quiet or not options.verbose, timeout_s=_time(options)
    )
    answers = dict(zip((port.url for port in asked), outcomes, strict=True))
    rows = [_row(port, answers.get(port.url)) for port in ports]
    _remember(rows)
    _show(rows, options)
    return 0


def _can_answer(port: Port, options: BoardOptions) -> bool:
    wakes = port.state == "asleep" and options.wait_s > 0
    return port.state not in SILENT_STATES or wakes


def _job(port: Port, options: BoardOptions) -> Job:
    from cma_toolkit.host_tools.ports.probe_worker import MODULE

    request = {"url": port.url, "wait_s": options.wait_s, "connect_s": CONNECT_S}
    return Job(port.label, port.url, MODULE, request)


def _time(options: BoardOptions) -> float:
    return options.timeout_s + options.wait_s


def _row(port: Port, outcome: Outcome | None) -> tuple[Port, Facts | None, str]:
    if outcome is None:
        return port, None, SILENT_STATES[port.state]
    if outcome.code:
        return port, None, outcome.message.removeprefix(f"{port.url}: ")
    return port, facts_of(outcome.value), ""


def _show(rows: Sequence[tuple[Port, Facts | None, str]], options: BoardOptions) -> None:
    if options.output == "json":
        for row in rows:
            click.echo(json.dumps(_as_json(*row)))
        return
    lines = [[port.url, *_words(port, facts, trouble)] for port, facts, trouble in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(4)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        click.echo("  ".join([*cells, *line[4:]]).rstrip())


def _words(port: Port, facts: Facts | None, trouble: str) -> list[str]:
    if facts:
        return facts.words()
    return [port.chip or "-", "-", "-", trouble]


def _as_json(port: Port, facts: Facts | None, trouble: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        "port": port.url,
        "virtual": port.virtual,
        "answers": facts is not None,
    }
    if facts is None:
        return {**known, "chip": port.chip, "mac": port.mac, "trouble": trouble}
    return {**known, **facts.as_json()}


def _remember(rows: Sequence[tuple[Port, Facts | None, str]]) -> None:
    from cma_toolkit.host_tools.cli.common import fleet_database

    path = fleet_database(Path.cwd())
    if path is None or not path.exists():
        return
    from cma_toolkit.host_tools.fleet.database import Database

    with Database(path) as database:
        for port, facts, _trouble in rows:
            if facts and facts.mac:
                database.saw(facts.mac, port=port.url, chip=facts.chip)
