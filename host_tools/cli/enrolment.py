"""`cma enrolment`: which boards have certificates, and which of them count no more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from cma_toolkit.host_tools.cli.authority import output_option
from cma_toolkit.host_tools.cli.common import Commands, examples, yes_option
from cma_toolkit.host_tools.cli.progress import Output
from cma_toolkit.host_tools.errors import ExitCode, needs_yes, usage
from cma_toolkit.host_tools.fleet.database import BoardRecord, Database
from cma_toolkit.host_tools.fleet.enrolments import Enrolment
from cma_toolkit.host_tools.fleet.project import load_project, need_folder
from cma_toolkit.host_tools.provision.enrolling import Enroller
from cma_toolkit.host_tools.secure.certificates import ROLES
from cma_toolkit.host_tools.secure.key_name import short_id
from cma_toolkit.host_tools.secure.peer_id import peer_id

HEAD = ("name", "mac", "key", "roles", "epoch", "until", "state")
SPREAD = "Bring that to the other boards: cma provision --all"


@click.group(
    cls=Commands,
    epilog=examples(
        "cma enrolment list",
        "cma enrolment revoke greenhouse-07     # stolen, or broken",
        "cma enrolment transfer greenhouse-07   # it goes to another fleet",
        "cma provision -d greenhouse-07 --replace   # new keys for it",
    ),
)
def command() -> None:
    """Show and change which boards of your fleet are believed.

    Boards are enrolled by cma provision, which has them make keys and certifies these.
    """


@command.command("list", epilog=examples("cma enrolment list -o json"))
@output_option
def show(output: Output) -> int:
    """List the boards that were enrolled, an object or a line each."""
    with _office() as (enroller, database):
        names = {board.mac: board.name for board in database.boards()}
        records = enroller.records.all()
    if output == "json":
        for one in records:
            click.echo(json.dumps(_fields(one, names.get(one.mac, ""))))
        return ExitCode.OK
    rows = [HEAD, *(_words(one, names.get(one.mac, "")) for one in records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())
    return ExitCode.OK


@command.command(epilog=examples("cma enrolment revoke greenhouse-07 --why stolen --yes"))
@click.argument("board")
@click.option("--why", default="revoked", help="A word for the record.")
@yes_option("Do it: the board is believed by nobody who heard of it.")
def revoke(board: str, why: str, *, yes: bool) -> int:
    """Let the keys of BOARD (a name, or id:MAC) count no more."""
    with _office() as (enroller, database):
        found = _board(database, board)
        _take_away(enroller, found, why, yes=yes)
    click.echo(f"{found.name or found.mac} is revoked. {SPREAD}")
    return ExitCode.OK


@command.command(epilog=examples("cma enrolment transfer greenhouse-07 --yes"))
@click.argument("board")
@yes_option("Do it: the board is no longer of this fleet.")
def transfer(board: str, *, yes: bool) -> int:
    """Let BOARD go to another fleet: its keys count here no more, its name is free."""
    with _office() as (enroller, database):
        found = _board(database, board)
        _take_away(enroller, found, "transferred", yes=yes)
        if found.name:
            database.release(found.name)
    click.echo(
        f"{found.name or found.mac} is no longer of this fleet. {SPREAD}\nIn its new fleet, with "
        "the board plugged in: cma provision --assign --replace --yes"
    )
    return ExitCode.OK


@command.command(epilog=examples("cma enrolment renew", "cma provision --all"))
def renew() -> int:
    """Begin a new epoch, when the list of revocations is full.

    Every board gets a new certificate with the next cma provision. When the last one has it, all
    older certificates are void and the list is empty.
    """
    with _office() as (enroller, _):
        facts = enroller.authority.raise_epoch()
    click.echo(f"Epoch {facts.epoch} begins. Then: cma provision --all")
    return ExitCode.OK


def _take_away(enroller: Enroller, board: BoardRecord, why: str, *, yes: bool) -> None:
    if not yes:
        raise needs_yes(
            f"The keys of {board.name or board.mac} would count no more, for good. Run with --yes."
        )
    enroller.check_room(board.mac)
    if not enroller.records.revoke(board.mac, why):
        raise usage(f"{board.name or board.mac} has no certificate. See: cma enrolment list")
    enroller.newest_list()


@contextmanager
def _office() -> Iterator[tuple[Enroller, Database]]:
    project = load_project(need_folder(Path.cwd()))
    with Database(project.database) as database:
        yield Enroller(project, database), database


def _board(database: Database, who: str) -> BoardRecord:
    found = database.find(who)
    if len(found) != 1:
        raise usage(f'"{who}" is {len(found)} boards of this fleet. See: cma enrolment list')
    return found[0]


def _roles(one: Enrolment) -> list[str]:
    return [role for number, role in enumerate(ROLES) if one.roles >> number & 1]


def _until(one: Enrolment) -> str:
    return datetime.fromtimestamp(one.expires_s, UTC).date().isoformat()


def _words(one: Enrolment, name: str) -> tuple[str, ...]:
    state = f"{one.state}: {one.why}" if one.why else one.state
    roles = " ".join(_roles(one))
    return (name or "-", one.mac, short_id(one.signer), roles, str(one.epoch), _until(one), state)


def _fields(one: Enrolment, name: str) -> dict[str, object]:
    return {
        "name": name,
        "mac": one.mac,
        "node": one.node,
        "network": one.network,
        "peer_id": peer_id(one.signer),
        "roles": _roles(one),
        "epoch": one.epoch,
        "expires_s": one.expires_s,
        "certificate": one.certificate.hex(),
        "state": one.state,
        "why": one.why,
        "changed_at": one.changed_at,
    }
