"""`cma identify`: which of the boards on the table is it? Its LED says so."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cma_toolkit.host_tools.cli.common import (
    BoardOptions,
    board_options,
    chosen_port,
    examples,
    fleet_database,
)
from cma_toolkit.host_tools.cli.meant import check_it_is, to_ask
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.errors import refused, usage
from cma_toolkit.host_tools.ports.facts import Facts, facts_of
from cma_toolkit.host_tools.ports.session import BoardSession


@click.command(
    epilog=examples(
        "cma identify greenhouse-07",
        "cma identify --port u0 --seconds 30",
        "cma identify --port u0 --pin 2",
    )
)
@click.argument("who", required=False, metavar="[NAME]")
@click.option("--seconds", type=Number(min=0.25, max=600), default=5.0, show_default=True)
@click.option(
    "--pin", type=click.IntRange(min=0, max=63), help="GPIO of a LED we know nothing of."
)
@board_options(timeout_s=30.0)
def command(options: BoardOptions, who: str | None, seconds: float, pin: int | None) -> int:
    """Blink the LED of one board; its program starts again afterwards."""
    if who is not None:
        if options.selector.ports or options.selector.devices:
            raise usage("Name the board once: either NAME, or --device, or --port.")
        options = replace(options, selector=replace(options.selector, devices=(who,)))
    port = chosen_port(options)
    with BoardSession(port.url, wait_s=options.wait_s, connect_s=options.timeout_s) as board:
        facts = facts_of(board.run_script("probe", timeout_s=options.timeout_s))
        check_it_is(to_ask(options, port), port.url, facts)
        led = {"pin": pin, "kind": "gpio", "active": 1} if pin is not None else _led_of(facts)
        label = facts.name or port.label
        if not options.quiet and options.output == "table":
            click.echo(f"{label}: the LED on GPIO {led['pin']} blinks for {seconds:g} s")
        timeout_s = seconds + options.timeout_s
        reply = board.run_script("blink", timeout_s=timeout_s, ms=int(seconds * 1000), **led)
    if options.output == "json":
        click.echo(json.dumps({"port": port.url, "name": facts.name, **led, **reply}))
    return 0


def _led_of(facts: Facts) -> dict[str, Any]:
    pins = facts.pins or _pins_from_file(facts)
    if "led" not in pins:
        raise refused(
            f"No LED is known for {facts.board_id or facts.machine}: give its GPIO with --pin."
        )
    kind, active = pins.get("led_kind", "gpio"), pins.get("led_active", 1)
    return {"pin": pins["led"], "kind": kind, "active": active}


def _pins_from_file(facts: Facts) -> dict[str, int | str]:
    from cma_toolkit.boards.errors import BoardFileError
    from cma_toolkit.boards.load import default_board_id, load_board
    from cma_toolkit.boards.render import render_pins

    database = fleet_database(Path.cwd())
    project = database.parent.parent if database else None
    try:
        return render_pins(load_board(facts.board_id or default_board_id(facts.chip), project))
    except BoardFileError:
        return {}  # a board we know nothing of: --pin says where its LED is
