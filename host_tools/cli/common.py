"""What the commands share: the options that choose boards, the output, and how help is written."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.cli.progress import Output
from cma_toolkit.host_tools.ports.discover import Port, list_ports, virtual_port
from cma_toolkit.host_tools.ports.select import FindBoards, KnownBoard, Selector, select

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_SENTENCE_MAX = 200  # characters
HANDLERS = "cma_toolkit.sim.virtual_board.handlers"


@dataclass(frozen=True)
class BoardOptions:
    """The values of the options that most commands share."""

    selector: Selector
    output: Output
    quiet: bool
    verbose: bool
    timeout_s: float
    wait_s: float

    def for_all(self) -> "BoardOptions":
        """Return the same, where to name no board means every board."""
        chosen = self.selector.ports or self.selector.devices
        return self if chosen else replace(self, selector=Selector(all=True))


class Commands(click.Group):
    """A group of commands whose help has a whole sentence about each."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; click's own cuts what does not fit into a line."""
        rows = [
            (name, one.get_short_help_str(_SENTENCE_MAX))
            for name in self.list_commands(ctx)
            if (one := self.get_command(ctx, name)) and not one.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def examples(*lines: str) -> str:
    """Return the epilog that shows how a command is typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def board_options(
    *, several: bool = False, timeout_s: float = 60.0
) -> Callable[[Decorated], Decorated]:
    """Add -p -d [--all] -o -q -v --timeout --wait, given to the command as `options`."""
    shared = [
        click.option("-p", "--port", "ports", multiple=several, metavar="PORT",
                     help="Port: a path, URL, glob, virtual board's name, or a0 u0 c0."),
        click.option("-d", "--device", "devices", multiple=several, metavar="WHO",
                     help="Board of your fleet: its name, id:MAC or label=NAME."),
        click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table",
                     help="For a person, or one JSON object per line."),
        click.option("-q", "--quiet", is_flag=True, help="Show no progress."),
        click.option("-v", "--verbose", is_flag=True, help="Show every step."),
        click.option("--timeout", "timeout_s", type=Number(min=0.1), default=timeout_s,
                     show_default=True, metavar="S", help="Seconds a board may take."),
        click.option("--wait", "wait_s", type=Number(min=0), default=0.0, metavar="S",
                     help="Keep trying for S seconds: for a board that sleeps."),
    ]  # fmt: skip
    if several:
        everyone = click.option("--all", "all_boards", is_flag=True, help="Every board there is.")
        shared.insert(2, everyone)

    def decorate(function: Decorated) -> Decorated:
        def wrapped(**values: Any) -> Any:
            return function(options=_collect(values), **values)

        wrapped.__name__ = function.__name__
        wrapped.__doc__ = function.__doc__
        wrapped.__click_params__ = list(getattr(function, "__click_params__", ()))  # type: ignore[attr-defined]
        result: Callable[..., Any] = wrapped
        for option in reversed(shared):
            result = option(result)
        return cast(Decorated, result)

    return decorate


def yes_option(help_text: str) -> Callable[[Decorated], Decorated]:
    """Add --yes, which stands for the answer a person would give."""
    return click.option("--yes", "yes", is_flag=True, help=help_text)


def chosen_ports(options: BoardOptions, *, several: bool = False) -> list[Port]:
    """Return the ports the command line means, virtual boards included."""
    return select(options.selector, known_ports(), os.environ, fleet_finder(), several=several)


def chosen_port(options: BoardOptions) -> Port:
    """Return the one port the command line means."""
    return chosen_ports(options)[0]


def known_ports() -> list[Port]:
    """Return every port there is, real and virtual."""
    use_virtual_handlers()
    return list_ports(virtual_ports())


def use_virtual_handlers() -> None:
    """Let pyserial open `virtual://NAME`, here and in the workers that inherit our environment."""
    names = [name for name in os.environ.get("CMA_PORT_HANDLERS", "").split(",") if name]
    if HANDLERS not in names:
        os.environ["CMA_PORT_HANDLERS"] = ",".join([*names, HANDLERS])


def virtual_ports() -> Sequence[Port]:
    """Return the ports of the virtual boards that are plugged in now."""
    from cma_toolkit.sim.virtual_board.supervisor.registry import live_boards

    return [
        virtual_port(
            board.name,
            chip=board.chip,
            mac=board.mac,
            url=board.url,
            pty=board.pty,
            fast=board.fast,
            state=board.state,
        )
        for board in live_boards()
    ]


def fleet_finder() -> FindBoards:
    """Return what looks a board of the fleet up, in the project around the current folder."""
    path = fleet_database(Path.cwd())

    def find(who: str) -> list[KnownBoard]:
        if path is None or not path.exists():
            return []
        from cma_toolkit.host_tools.fleet.database import Database

        with Database(path) as database:
            return [KnownBoard(board.mac, board.port) for board in database.find(who)]

    return find


def fleet_database(start: Path) -> Path | None:
    """Return where the database of the project around `start` lies, None outside a project."""
    from cma_toolkit.host_tools.fleet.project import STATE_FOLDER, find_folder

    folder = find_folder(start)
    return folder / STATE_FOLDER / "fleet.db" if folder else None


def _collect(values: dict[str, Any]) -> BoardOptions:
    ports, devices = values.pop("ports"), values.pop("devices")
    return BoardOptions(
        selector=Selector(_words(ports), _words(devices), bool(values.pop("all_boards", False))),
        output=values.pop("output"),
        quiet=values.pop("quiet"),
        verbose=values.pop("verbose"),
        timeout_s=values.pop("timeout_s"),
        wait_s=values.pop("wait_s"),
    )


def _words(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value
