"""`cma provision`: give boards their name, cluster, Wi-Fi and settings, and prove it."""

import json
import tempfile
import time
from pathlib import Path

import click

from cma_toolkit.host_tools.cli.agent_image import AgentImages
from cma_toolkit.host_tools.cli.common import (
    BoardOptions,
    board_options,
    chosen_ports,
    examples,
    yes_option,
)
from cma_toolkit.host_tools.cli.progress import exit_code_of, print_summary, run_with_progress
from cma_toolkit.host_tools.errors import CmaError, ExitCode, usage
from cma_toolkit.host_tools.fleet.database import Database, Result
from cma_toolkit.host_tools.fleet.enrolments import Enrolments
from cma_toolkit.host_tools.fleet.project import APPLICATION, load_project, need_folder
from cma_toolkit.host_tools.ports.workers import Job, Outcome
from cma_toolkit.host_tools.provision.enrolling import TOO_MANY
from cma_toolkit.host_tools.provision.plan import Plan
from cma_toolkit.host_tools.provision.procedure import WORKER, Decision, Procedure

COLUMNS = (("name", "name"), ("cluster", "cluster"), ("changes", "changes"))


@click.command(
    epilog=examples(
        "cma provision -p /dev/ttyUSB0 --dry-run     what would change",
        "cma provision --all --assign                every board that is plugged in",
        "cma provision -d greenhouse-07              one board of your fleet",
        "cma provision --station                     a production line: plug in, wait for PASS",
        "cma provision --release greenhouse-07       its board is lost: the name is free again",
        "cma provision -d greenhouse-07 --replace    new keys, the old ones are void",
    )
)
@board_options(several=True, timeout_s=120.0)
@click.option(
    "--inventory",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Another inventory than inventory.csv.",
)
@click.option("--dry-run", is_flag=True, help="Show what differs; write nothing.")
@click.option("--assign", is_flag=True, help="Give unknown boards the next free lines.")
@click.option(
    "--station", is_flag=True, help="Flash, test, provision and label board after board."
)
@click.option("--release", metavar="NAME", help="Take name and keys from a board that is lost.")
@click.option("--replace", is_flag=True, help="Give boards new keys; those they had are void.")
@yes_option("Also rename a board, or take it over from another fleet.")
def command(
    options: BoardOptions,
    *,
    inventory: Path | None,
    dry_run: bool,
    assign: bool,
    station: bool,
    release: str | None,
    replace: bool,
    yes: bool,
) -> int:
    """Give boards their name, keys, cluster, Wi-Fi and settings, and your application.

    Reads fleet.toml, inventory.csv and secrets.toml, compares each board with its line, writes
    what differs, reads it back and restarts the board. The board makes its own keys, and your
    fleet's authority certifies them. The image of app.py is written where the board has another
    one; an app.py that cma run left there is set aside. A second run changes nothing.
    """
    project = load_project(need_folder(Path.cwd()), inventory)
    place = tempfile.TemporaryDirectory(prefix="cma-provision-")
    with Database(project.database) as database, place as folder:
        if release:
            return _release(database, release)
        images = AgentImages(
            Path(folder), app=project.folder / APPLICATION, project=project.folder
        )
        images.check()
        procedure = Procedure(project, database, images, replace=replace)
        if station:
            if dry_run:
                raise usage("--station does things: leave out --dry-run.")
            from cma_toolkit.host_tools.cli.station import run_station

            return run_station(procedure, images, options, yes=yes)
        return _provision(procedure, options, dry_run=dry_run, assign=assign, yes=yes)


def _provision(
    procedure: Procedure, options: BoardOptions, *, dry_run: bool, assign: bool, yes: bool
) -> int:
    ports = chosen_ports(options, several=True)
    began_s = time.monotonic()
    read = _run(procedure.read_jobs(ports, options.wait_s), "Reading", options)
    decisions = procedure.decide(ports, read, assign=assign or dry_run, yes=yes or dry_run)
    if dry_run:
        return _show(decisions, procedure, options, assign=assign, yes=yes)
    outcomes = _apply(procedure, decisions, options)
    for outcome in outcomes:
        outcome.took_s = outcome.took_s or time.monotonic() - began_s
    _record(procedure.database, decisions, outcomes)
    print_summary(outcomes, COLUMNS, options.output)
    if procedure.enroller.is_overfull:
        click.echo(f"cma: of the keys that are void some are on no list. {TOO_MANY}", err=True)
    return exit_code_of(outcomes)


def _apply(
    procedure: Procedure, decisions: list[Decision], options: BoardOptions
) -> list[Outcome]:
    """Write to the boards that differ; returns how each board of `decisions` ended."""
    ended: dict[int, Outcome] = {}
    going: list[int] = []
    for index, decision in enumerate(decisions):
        try:
            if decision.error:
                raise decision.error
            assert decision.plan
            procedure.claim(decision)
            if decision.changes:
                going.append(index)
            else:
                ended[index] = Outcome(_job(decision), code=ExitCode.OK)
        except CmaError as error:
            ended[index] = Outcome(_job(decision), code=error.code, message=error.message)
    images = {
        index: procedure.image_job(decisions[index], options.wait_s)
        for index in going
        if _plan(decisions[index]).image
    }
    written = dict(
        zip(images, _run(list(images.values()), "Writing images", options), strict=True)
    )
    ended |= {index: outcome for index, outcome in written.items() if outcome.code}
    left = [index for index in going if index not in ended]
    ended |= _certify(procedure, {index: decisions[index] for index in left}, options)
    jobs = {
        index: procedure.apply_job(decisions[index], options.wait_s)
        for index in left
        if index not in ended
    }
    ended |= zip(jobs, _run(list(jobs.values()), "Provisioning", options), strict=True)
    for index, outcome in ended.items():
        if not outcome.code:
            procedure.finish(decisions[index])
            outcome.value = _result(decisions[index])
    return [ended[index] for index in range(len(decisions))]


def _certify(
    procedure: Procedure, decisions: dict[int, Decision], options: BoardOptions
) -> dict[int, Outcome]:
    """Have boards make and prove their keys; returns how those ended that failed at it."""
    going = {index: decision for index, decision in decisions.items() if decision.step}
    jobs = [procedure.keys_job(decision, options.wait_s) for decision in going.values()]
    outcomes = _run(jobs, "Making keys on the boards", options)
    certified = {
        index: procedure.certify(decision, outcome)
        for (index, decision), outcome in zip(going.items(), outcomes, strict=True)
    }
    return {index: outcome for index, outcome in certified.items() if outcome.code}


def _run(jobs: list[Job], title: str, options: BoardOptions) -> list[Outcome]:
    if not jobs:
        return []
    return run_with_progress(
        jobs,
        title,
        options.output,
        quiet=options.quiet,
        timeout_s=options.timeout_s + options.wait_s,
    )


def _plan(decision: Decision) -> Plan:
    assert decision.plan
    return decision.plan


def _job(decision: Decision) -> Job:
    return Job(decision.port.label, decision.port.url, WORKER, {})


def _result(decision: Decision) -> dict[str, object]:
    assert decision.actual and decision.bound and decision.plan
    row, count = decision.bound.row, len(decision.changes)
    return {
        "name": row.name,
        "cluster": row.cluster,
        "mac": decision.actual.mac,
        "revision": decision.plan.revision,
        "change_count": count,
        "changes": f"{count} written" if count else "nothing to change",
    }


def _show(
    decisions: list[Decision],
    procedure: Procedure,
    options: BoardOptions,
    *,
    assign: bool,
    yes: bool,
) -> int:
    """Show what a run would change. Returns the exit code of what would fail before any write."""
    outcomes = []
    for decision in decisions:
        if decision.error:
            error = decision.error
            outcomes.append(Outcome(_job(decision), code=error.code, message=error.message))
            click.echo(f"{decision.port.label}: {error.message}", err=True)
            continue
        value = {**_result(decision), "changes": "nothing written"}
        outcomes.append(Outcome(_job(decision), code=ExitCode.OK, value=value))
        notes = procedure.notes(decision, assign=assign, yes=yes)
        if options.output == "json":
            click.echo(json.dumps(_plan_fields(decision, notes)))
        else:
            _print_plan(decision, notes)
    if options.output == "json":
        print_summary(outcomes, output="json")
    return exit_code_of(outcomes)


def _plan_fields(decision: Decision, notes: list[str]) -> dict[str, object]:
    assert decision.plan and decision.bound and decision.actual
    return {
        "event": "plan",
        "board": decision.port.label,
        "port": decision.port.url,
        "mac": decision.actual.mac,
        "name": decision.bound.row.name,
        "bound_by": decision.bound.how.value,
        "notes": notes,
        "changes": [
            {"what": change.what, "before": change.before, "after": change.after}
            for change in decision.changes
        ],
    }


def _print_plan(decision: Decision, notes: list[str]) -> None:
    assert decision.plan and decision.bound
    bound = decision.bound
    click.echo(f"{decision.port.label}: {bound.row.name} (by {bound.how.value})")
    for change in decision.changes:
        click.echo(f"  {change.line()}")
    if not decision.changes:
        click.echo("  nothing to change")
    for note in notes:
        click.echo(f"  {note}")


def _record(database: Database, decisions: list[Decision], outcomes: list[Outcome]) -> None:
    for decision, outcome in zip(decisions, outcomes, strict=True):
        if decision.actual:
            database.record(
                Result(
                    at="",
                    mac=decision.actual.mac,
                    name=decision.bound.row.name if decision.bound else "",
                    command="provision",
                    code=int(outcome.code),
                    message=outcome.message,
                    seconds=round(outcome.took_s, 2),
                )
            )


def _release(database: Database, name: str) -> int:
    board = database.release(name)
    if board is None:
        raise usage(f"No board is bound to {name!r}. Names that are: cma devices.")
    is_void = Enrolments(database).revoke(board.mac, f"{name} is lost")
    more = "; its keys are revoked: bring that to the others with cma provision" if is_void else ""
    click.echo(f"{name} was {board.mac} and is free again{more}.")
    return ExitCode.OK
