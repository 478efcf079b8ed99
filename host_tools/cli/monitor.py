"""`cma monitor`: what boards print, the agents' reports made readable."""

import time
from typing import TYPE_CHECKING

import click

from cma_toolkit.host_tools.cli.common import BoardOptions, board_options, chosen_ports, examples
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.errors import usage

if TYPE_CHECKING:
    from cma_toolkit.host_tools.cli.show import ConsoleWriter
    from cma_toolkit.host_tools.ports.discover import Port
    from cma_toolkit.host_tools.ports.listen import Listeners

TURN_S = 0.2


@click.command(
    epilog=examples(
        "cma monitor --port u0",
        "cma monitor --all",
        "cma monitor --device greenhouse-07 --raw > console.log",
        "cma monitor --all --output json --seconds 60",
    )
)
@click.option("--raw", is_flag=True, help="Write the bytes of one board as they come.")
@click.option("--seconds", type=Number(min=0), help="End after that long.")
@board_options(several=True)
def command(options: BoardOptions, raw: bool, seconds: float | None) -> int:
    """Show what boards print, until Ctrl-C. Nothing is sent to them."""
    from cma_toolkit.host_tools.cli.show import writers_for
    from cma_toolkit.host_tools.ports.listen import Listeners

    ports = chosen_ports(options, several=True)
    if raw and (len(ports) > 1 or options.output == "json"):
        raise usage("--raw is for one board and without --output json.")
    writers = writers_for(ports, options.output, raw=raw)
    with Listeners(ports, wait_s=options.wait_s) as listeners:
        if not options.quiet and options.output == "table":
            names = ", ".join(port.label for port in ports)
            click.echo(f"-- listening to {names}; Ctrl-C ends", err=True)
        listen(listeners, writers, seconds)
    return 0


def listen(
    listeners: "Listeners", writers: "dict[Port, ConsoleWriter]", seconds: float | None
) -> None:
    """Write what is heard for so many seconds, or until Ctrl-C, which is a good end."""
    until_s = None if seconds is None else time.monotonic() + seconds
    try:
        while until_s is None or time.monotonic() < until_s:
            for heard in listeners.hear(TURN_S):
                if heard.news:
                    writers[heard.port].news(heard.news)
                writers[heard.port].feed(heard.data)
    except KeyboardInterrupt:
        click.echo(err=True)
    for writer in writers.values():
        writer.end()
