"""`cma virtual`: create, plug in, unplug and torment virtual boards."""

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from cma_toolkit.host_tools.cli.common import Commands, examples
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.fleet.project import find_folder
from cma_toolkit.sim.virtual_board.supervisor.client import Client
from cma_toolkit.sim.virtual_board.supervisor.home import check_system
from cma_toolkit.sim.virtual_board.supervisor.registry import BoardInfo

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def needs_linux(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Say in one sentence, elsewhere, where virtual boards run; help is shown everywhere."""

    @wraps(function)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        check_system()
        return function(*args, **kwargs)

    return wrapped


@click.group(
    cls=Commands,
    epilog=examples(
        "cma virtual create desk --board esp32-c3-devkitm-1 --micropython",
        "cma virtual list",
        "mpremote connect $(cma virtual path desk) exec 'print(1)'",
        "cma virtual stop --all",
    ),
)
def command() -> None:
    """Create, start, stop and torment virtual boards."""


json_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object per line.",
)
name_argument = click.argument("name", metavar="NAME")
names_argument = click.argument("names", metavar="[NAME]...", nargs=-1)
all_option = click.option("--all", "everyone", is_flag=True, help="Every board there is.")


@command.command(
    epilog=examples(
        "cma virtual create desk",
        "cma virtual create c6 --board esp32-c6-devkitc-1 --micropython",
        "cma virtual create farm --count 8      # farm-01 … farm-08",
    )
)
@name_argument
@click.option(
    "--board",
    default="esp32-devkitc",
    show_default=True,
    metavar="ID",
    help="Which board: a file of boards/, yours or ours.",
)
@click.option("--count", type=click.IntRange(1, 256), help="Make so many: NAME-01, NAME-02, …")
@click.option("--mac", metavar="MAC", help="Its MAC; without it the name decides.")
@click.option(
    "--micropython", is_flag=True, help="With stock MicroPython on it, as if it had an owner."
)
@json_option
@needs_linux
def create(
    *, name: str, board: str, count: int | None, mac: str | None, micropython: bool, output: str
) -> None:
    """Make a board with a blank flash and plug it in."""
    if count and mac:
        raise CmaError("A MAC is for one board: leave out --mac or --count.", ExitCode.USAGE)
    names = [f"{name}-{index:02d}" for index in range(1, count + 1)] if count else [name]
    client = Client()
    project = find_folder(Path.cwd())
    content = "stock" if micropython else "blank"
    _show(
        [client.create(one, board, mac=mac, content=content, project=project) for one in names],
        output,
    )


@command.command("list", epilog=examples("cma virtual list", "cma virtual list -o json"))
@json_option
@needs_linux
def list_boards(output: str) -> None:
    """List the boards: name, chip, state, endpoints."""
    boards = Client().list()
    if not boards and output == "table":
        click.echo("No virtual boards: create one with cma virtual create NAME.", err=True)
    _show(boards, output)


@command.command(epilog=examples("cma virtual start desk", "cma virtual start --all"))
@names_argument
@all_option
@json_option
@needs_linux
def start(names: Sequence[str], everyone: bool, output: str) -> None:
    """Plug boards in: they get their endpoints and boot."""
    client = Client()
    _show([client.start(name) for name in _chosen(client, names, everyone)], output)


@command.command(epilog=examples("cma virtual stop desk", "cma virtual stop --all"))
@names_argument
@all_option
@needs_linux
def stop(names: Sequence[str], everyone: bool) -> None:
    """Unplug boards; with --all the supervisor ends, too."""
    client = Client()
    if everyone and not names:
        client.shutdown()
        return
    for name in _chosen(client, names, everyone):
        client.stop(name)


@command.command(epilog=examples("cma virtual remove desk", "cma virtual remove --all --yes"))
@names_argument
@all_option
@click.option("--yes", is_flag=True, help="Remove all without being asked.")
@needs_linux
def remove(names: Sequence[str], everyone: bool, yes: bool) -> None:
    """Unplug boards and delete their flash."""
    client = Client()
    if everyone and not yes:
        raise CmaError(
            "This deletes the flash of every virtual board: add --yes.", ExitCode.NEEDS_YES
        )
    for name in _chosen(client, names, everyone):
        client.remove(name)


@command.command(epilog=examples("cma virtual reset desk"))
@name_argument
@needs_linux
def reset(name: str) -> None:
    """Press the reset button."""
    Client().press_reset(name)


@command.command(
    "download-mode",
    epilog=examples(
        "cma virtual download-mode desk",
        "esptool --port $(cma virtual path desk --pty) --before no-reset flash-id",
    ),
)
@name_argument
@needs_linux
def download_mode(name: str) -> None:
    """Press reset while the boot button is held: the board enters its ROM loader."""
    Client().enter_download(name)


@command.command(
    "cut-power",
    epilog=examples(
        "cma virtual cut-power desk",
        "cma virtual cut-power desk --after-writes 3 --torn-bytes 17",
    ),
)
@name_argument
@click.option(
    "--after-writes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Wait for the N-th flash write from now.",
)
@click.option(
    "--torn-bytes",
    type=click.IntRange(min=0),
    metavar="K",
    help="Let K bytes of that write through.",
)
@needs_linux
def cut_power(name: str, after_writes: int | None, torn_bytes: int | None) -> None:
    """Take the power, now or in the middle of a later flash write."""
    if torn_bytes is not None and after_writes is None:
        raise CmaError("--torn-bytes needs a write to tear: add --after-writes.", ExitCode.USAGE)
    Client().cut_power(name, after_writes, torn_bytes)


@command.command("restore-power", epilog=examples("cma virtual restore-power desk"))
@name_argument
@needs_linux
def restore_power(name: str) -> None:
    """Give the power back."""
    Client().restore_power(name)


@command.command(epilog=examples("cma virtual battery desk 3300"))
@name_argument
@click.argument("millivolts", type=click.IntRange(0, 20_000), metavar="MV")
@needs_linux
def battery(name: str, millivolts: int) -> None:
    """Set the voltage of the battery."""
    Client().set_battery(name, millivolts)


@command.command(
    "range",
    epilog=examples(
        "cma virtual range desk --at 0 0 --reach 50",
        "cma virtual range desk --peer shelf --peer door",
        "cma virtual range desk --loss 50",
    ),
)
@name_argument
@click.option("--at", "position_m", type=float, nargs=2, metavar="X Y", help="Where it stands, m.")
@click.option(
    "--reach",
    "range_m",
    type=Number(min=0),
    metavar="M",
    help="How far its radio reaches, m.",
)
@click.option("--peer", "peers", multiple=True, metavar="NAME", help="Reach these boards only.")
@click.option(
    "--loss",
    "loss_permille",
    type=click.IntRange(0, 1000),
    metavar="PERMILLE",
    help="How many of a thousand frames get lost.",
)
@needs_linux
def set_range(
    name: str,
    position_m: tuple[float, float] | None,
    range_m: float | None,
    peers: Sequence[str],
    loss_permille: int | None,
) -> None:
    """Say whom the radio reaches, by place or by name, and how much gets lost."""
    Client().set_range(name, position_m, peers or None, range_m, loss_permille)


@command.command(epilog=examples("cma virtual console desk      # Ctrl-] leaves"))
@name_argument
@needs_linux
def console(name: str) -> None:
    """Open the serial console in this terminal."""
    from serial.tools.miniterm import Miniterm

    from cma_toolkit.sim.virtual_board.handlers.protocol_virtual import Serial

    # Miniterm looks whether it shall end whenever a read does.
    port = Serial(timeout=0.1)
    port.port = f"virtual://{name}"
    try:
        port.open()
    except OSError as error:
        raise CmaError(f"{error}.", ExitCode.NO_DEVICE) from error
    if not sys.stdin.isatty():
        port.close()
        raise CmaError(
            "The console needs a terminal: use cma monitor in a script.", ExitCode.USAGE
        )
    _interact(Miniterm(port, echo=False, eol="cr", filters=["direct"]))


@command.command(
    epilog=examples(
        "mpremote connect $(cma virtual path desk) repl",
        "ampy -p $(cma virtual path desk --pty) ls",
        "ls $(cma virtual path desk --folder)",
    )
)
@name_argument
@click.option("--pty", "which", flag_value="pty", help="The terminal, for ampy.")
@click.option("--url", "which", flag_value="url", default=True, help="The RFC 2217 URL (default).")
@click.option("--fast", "which", flag_value="fast", help="The virtual:// URL, for cma.")
@click.option("--folder", "which", flag_value="folder", help="The folder with its flash.")
@needs_linux
def path(name: str, which: str) -> None:
    """Print one of a board's endpoints, or its folder."""
    found = [board for board in Client().list() if board.name == name]
    if not found:
        raise CmaError(
            f"There is no virtual board {name!r}: run cma virtual list.", ExitCode.NO_DEVICE
        )
    text = getattr(found[0], which)
    if not text:
        raise CmaError(f"{name} is unplugged: run cma virtual start {name}.", ExitCode.NO_DEVICE)
    click.echo(text)


def _interact(terminal: Any) -> None:
    terminal.exit_character = "\x1d"
    terminal.menu_character = "\x14"
    terminal.set_rx_encoding("utf-8")
    terminal.set_tx_encoding("utf-8")
    click.echo("Ctrl-] leaves.", err=True)
    terminal.start()
    try:
        terminal.join(True)
    finally:
        terminal.join()
        terminal.close()


def _chosen(client: Client, names: Sequence[str], everyone: bool) -> Sequence[str]:
    if everyone and names:
        raise CmaError("--all means every board: leave out the names.", ExitCode.USAGE)
    if everyone:
        return [board.name for board in client.list()]
    if not names:
        raise CmaError("Which board? Name it, or take --all.", ExitCode.USAGE)
    return names


def _show(boards: Sequence[BoardInfo], output: str) -> None:
    if output == "json":
        for board in boards:
            click.echo(json.dumps(board.to_dict()))
        return
    rows = [
        (board.name, board.chip, board.state, board.url or "-", board.pty or "-", board.fast)
        for board in boards
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        click.echo("  ".join(text.ljust(width) for text, width in cells).rstrip())
