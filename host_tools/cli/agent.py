"""`cma agent`: the agent as a process of this computer."""

import asyncio
import json
import os
import re
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cma_toolkit.host_tools.cli.app_options import check_app, read_sensor, read_settings
from cma_toolkit.host_tools.cli.common import Commands, examples
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.errors import refused, usage

if TYPE_CHECKING:
    from cma_toolkit.host_tools.agent.process import Wanted
    from cma_toolkit.host_tools.agent.sqlite_table import SqliteTable

_NAME_BYTES_MAX = 32


class _Clock:
    """The milliseconds since the command started, for sensors that change with time."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()

    @property
    def now_ms(self) -> int:
        """Return them."""
        return round((time.monotonic() - self._started_s) * 1000)


@click.group(
    cls=Commands, epilog=examples("cma agent run app.py", "cma agent run app.py --name gateway")
)
def command() -> None:
    """Run an agent as a process of this computer, beside boards or other computers."""


@command.command(
    name="run",
    epilog=examples(
        "cma agent run app.py --sensor soil=420",
        "cma agent run app.py --name gateway --cluster north --state gateway.db",
        "cma agent run app.py --port 5001 --peer 192.168.1.20:5002 --output json",
    ),
)
@click.argument("app", type=click.Path(path_type=Path))
@click.option("--name", default="", help="What the agent is called.  [default: this computer]")
@click.option("--cluster", default="", help="Whose frames it hears and sends.  [default: none]")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=47477,
    show_default=True,
    help="UDP port; that of boards is 47477.",
)
@click.option(
    "--peer",
    "peers",
    multiple=True,
    metavar="HOST[:PORT]",
    help="Send to this agent only, not to all networks. May be given several times.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that keeps agent.state; without it the state ends with the process.",
)
@click.option(
    "--sensor",
    "sensors",
    multiple=True,
    metavar="NAME=VALUE",
    help="A sensor's value, or @FILE.csv of seconds,value; others are drivers beside APP.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting, over those of the fleet.toml beside APP. May be given several times.",
)
@click.option("--seconds", type=Number(min=0), help="End after that long.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object per line.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no hints.")
def run(  # noqa: PLR0917 - click passes options by name
    app: Path,
    name: str,
    cluster: str,
    port: int,
    peers: tuple[str, ...],
    state: Path | None,
    sensors: tuple[str, ...],
    settings: tuple[str, ...],
    seconds: float | None,
    output: str,
    quiet: bool,
) -> int:
    """Run APP as one agent, in real time, until Ctrl-C or SIGTERM.

    The kernel is that of a board; UDP is its radio, a SQLite file its flash.
    """
    if os.name != "posix":
        raise refused("An agent runs on Linux and macOS only: on Windows, use WSL2.")
    from cma_toolkit.host_tools.agent.process import AgentProcess, Wanted
    from cma_toolkit.host_tools.agent.udp import parse_peer
    from cma_toolkit.sim.world.sensors import make_sensor

    clock: Any = _Clock()
    given = dict(read_sensor(text) for text in sensors)
    wanted = Wanted(
        folder=app.absolute().parent,
        name=_checked_name(name),
        cluster=cluster,
        port=port,
        peers=[parse_peer(text) for text in peers],
        settings=read_settings(app, cluster, settings, cluster_must_exist=False),
        sensors={key: make_sensor(value, 0, clock) for key, value in given.items()},
    )
    setup = _load(app)
    table = _open_state(state)
    process = AgentProcess(wanted, setup, table, _show_json if output == "json" else _show_line)
    if not quiet:
        _say_what_runs(wanted, state)
    try:
        asyncio.run(process.run(seconds))
    finally:
        table.close()
    return 0


def _checked_name(given: str) -> str:
    if not given:
        given = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:_NAME_BYTES_MAX] or "computer"
    if len(given.encode()) > _NAME_BYTES_MAX:
        raise usage(f"--name {given}: a name has at most {_NAME_BYTES_MAX} bytes; shorten it.")
    return given


def _load(app: Path) -> Any:
    from cma_toolkit.sim.world.app_loader import AppError, load_setup

    check_app(app, "cma agent run")
    try:
        return load_setup(str(app))
    except AppError as error:
        raise usage(str(error)) from error


def _open_state(path: Path | None) -> "SqliteTable":
    from cma_toolkit.host_tools.agent.sqlite_table import SqliteTable

    try:
        return SqliteTable(path or Path(":memory:"))
    except OSError as error:
        raise refused(
            f"--state {path}: cannot be used as a state file ({error.strerror}); "
            "name another file."
        ) from error


def _say_what_runs(wanted: "Wanted", state: Path | None) -> None:
    reach = ", ".join(f"{host}:{port}" for host, port in wanted.peers) or "all networks"
    click.echo(
        f"-- {wanted.name} hears UDP port {wanted.port} and sends to {reach}; Ctrl-C ends",
        err=True,
    )
    if state is None:
        click.echo("-- agent.state ends with this process; keep it with --state FILE", err=True)


def _show_json(record: dict[str, Any]) -> None:
    click.echo(json.dumps(record, default=repr))


def _show_line(record: dict[str, Any]) -> None:
    from cma_toolkit.host_tools.ports.render import render

    trace = record.pop("traceback", "")
    if trace:
        click.echo(trace, err=True, nl=False)
    click.echo(render(record))
