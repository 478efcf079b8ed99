"""`cma authority`: the key that certifies the boards of a fleet."""

import json
import time
from pathlib import Path

import click

from cma_toolkit.host_tools.cli.common import Commands, examples
from cma_toolkit.host_tools.cli.progress import Output
from cma_toolkit.host_tools.errors import ExitCode
from cma_toolkit.host_tools.fleet.database import Database
from cma_toolkit.host_tools.fleet.enrolments import Enrolments
from cma_toolkit.host_tools.fleet.project import load_project, need_folder
from cma_toolkit.host_tools.secure import statements
from cma_toolkit.host_tools.secure.authority import Authority, Facts
from cma_toolkit.host_tools.secure.peer_id import peer_id

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object.",
)


@click.group(
    cls=Commands,
    epilog=examples(
        "cma authority create      # or let the first cma provision make it",
        "cma authority show",
        "cma authority rotate      # a new key, certified by this one",
    ),
)
def command() -> None:
    """Keep the key that certifies the boards of your fleet.

    It is in keys/, which stays with you; nothing ever shows it.
    """


@command.command(epilog=examples("cma authority create"))
@output_option
def create(output: Output) -> int:
    """Make the authority of this fleet."""
    authority = Authority(need_folder(Path.cwd()))
    _show(authority.create(), output)
    if output == "table":
        click.echo(
            f"{authority.path} certifies your boards from now on: back it up where only you can "
            "read it."
        )
    return ExitCode.OK


@command.command(epilog=examples("cma authority show -o json"))
@output_option
def show(output: Output) -> int:
    """Show what anybody may know of it."""
    _show(Authority(need_folder(Path.cwd())).facts(), output)
    return ExitCode.OK


@command.command(epilog=examples("cma authority rotate", "cma provision --all"))
@output_option
def rotate(output: Output) -> int:
    """Put a new key in its place, which the present one certifies.

    Boards get certificates by the new key with the next cma provision; those that are not plugged
    in believe the old ones until the last board has a new one.
    """
    project = load_project(need_folder(Path.cwd()))
    network = project.fleet.network
    authority = Authority(project.folder)
    with Database(project.database) as database:
        last, _ = Enrolments(database).statement(network)
    earlier = authority.facts().successions
    number = statements.next_number(last, earlier, int(time.time()))

    def succession(public: bytes, sign: statements.Sign) -> bytes:
        return statements.name_successor(network, number, public, sign)

    _show(authority.rotate(succession), output)
    if output == "table":
        click.echo("Now run, for each board that you can plug in: cma provision")
    return ExitCode.OK


def _show(facts: Facts, output: Output) -> None:
    names = [peer_id(public) for public in facts.former]
    if output == "json":
        fields = {
            "peer_id": peer_id(facts.public),
            "public": facts.public.hex(),
            "epoch": facts.epoch,
            "former": names,
            "successions": [word.hex() for word in facts.successions],
        }
        click.echo(json.dumps(fields))
        return
    click.echo(f"authority  {peer_id(facts.public)}")
    click.echo(f"epoch      {facts.epoch}")
    for name in names:
        click.echo(f"followed   {name}")
