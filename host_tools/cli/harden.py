"""`cma harden`: what eFuses would protect on a board, and what they cost."""

import json

import click

from cma_toolkit.host_tools.cli.common import (
    BoardOptions,
    board_options,
    chosen_port,
    examples,
    yes_option,
)
from cma_toolkit.host_tools.errors import ExitCode, needs_yes, refused
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.facts import chip_of
from cma_toolkit.host_tools.ports.session import BoardSession
from cma_toolkit.host_tools.secure.hardening import Measure, burn, measures, state

STOCK = ("jtag", "download")


@click.command(
    epilog=examples(
        "cma harden -p /dev/ttyUSB0 --dry-run           what could be burnt, and its price",
        "cma harden -p /dev/ttyUSB0 --burn jtag --yes   for good: no eFuse is ever set back",
    )
)
@board_options()
@click.option("--dry-run", is_flag=True, help="Explain only, as without --burn.")
@click.option("--burn", "name", type=click.Choice(STOCK), help="Burn this one.")
@yes_option("Burn it; nothing and nobody can undo that.")
def command(options: BoardOptions, *, dry_run: bool, name: str | None, yes: bool) -> int:
    """Explain what eFuses would protect on a board, and what they cost.

    Flash and NVS encryption take a MicroPython of your own build: they are explained, never burnt.
    """
    port = chosen_port(options)
    chip = port.chip or _ask(port)
    where = () if port.virtual else ("--port", port.url)
    known = measures(chip)
    burnt = state(chip, where) if where else {}
    for measure in known:
        _show(measure, burnt, options)
    if name is None or dry_run:
        return ExitCode.OK
    meant = next(measure for measure in known if measure.name == name)
    if not yes:
        raise needs_yes(
            f"{', '.join(meant.efuses)} would be burnt, for good: {meant.costs}. Run with --yes."
        )
    if not where:
        raise refused(f"{port.label} is a virtual board, which has no eFuses. Name a real one.")
    burn(chip, where, meant)
    click.echo(f"{', '.join(meant.efuses)} burnt and read back.")
    return ExitCode.OK


def _ask(port: Port) -> str:
    with BoardSession(port.url) as session:
        return chip_of(session.run_script("probe")["machine"] or "")


def _show(measure: Measure, burnt: dict[str, str], options: BoardOptions) -> None:
    now = {efuse: burnt.get(efuse, "not read") for efuse in measure.efuses}
    if options.output == "json":
        fields = {
            "measure": measure.name,
            "efuses": dict(measure.efuses),
            "now": now,
            "stops": measure.stops,
            "costs": measure.costs,
            "with_stock_micropython": measure.is_stock,
        }
        click.echo(json.dumps(fields))
        return
    click.echo(f"{measure.name}")
    click.echo(f"  stops  {measure.stops}")
    click.echo(f"  costs  {measure.costs}")
    for efuse, value in measure.efuses.items():
        click.echo(f"  burns  {efuse} = {value} (now: {now[efuse]})")
    if not measure.is_stock:
        click.echo("  never burnt by cma: see docs/hardening.md")
