"""`cma sim run --shards N`: one world in several processes, divided by place."""

from pathlib import Path

import click

from cma_toolkit.host_tools.cli.sim_options import World
from cma_toolkit.host_tools.errors import usage

_SHARDS_MAX = 64

shards_option = click.option(
    "--shards",
    type=click.IntRange(1, _SHARDS_MAX),
    default=1,
    metavar="N",
    help="Divide the world by place among N processes: the digest stays the same.",
)


def check_shards(world: World, shards: int, guest: str | None, report: Path | None) -> None:
    """Refuse what needs the whole world in one process.

    Raises: CmaError 2 (whoever typed it).
    """
    if shards == 1:
        return
    if guest or report:
        option = "--in-micropython" if guest else "--report"
        raise usage(f"--shards: {option} looks at the whole world: leave one of them out.")
    if world.plain["calm_seconds"]:
        raise usage(
            "--shards: no process sees when the whole fleet is well again after its faults: "
            "set calm_minutes to 0 in the scenario, or leave out --shards."
        )
    if world.plain["agents"] < shards:
        raise usage(f"--shards {shards}: there are only {world.plain['agents']} agents.")
