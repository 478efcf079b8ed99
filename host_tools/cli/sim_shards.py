"""`cma sim run --shards N`: one world in several processes or on many machines."""

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

dask_option = click.option(
    "--dask",
    metavar="ADDRESS",
    default="",
    help="With --shards: on the workers of this Dask scheduler (tcp://HOST:8786), or of one that "
    "is started for this run (local).",
)


def check_shards(
    world: World, shards: int, dask: str, guest: str | None, report: Path | None
) -> None:
    """Refuse what needs the whole world in one process.

    Raises: CmaError 2 (whoever typed it).
    """
    if shards == 1:
        if dask:
            raise usage("--dask: say among how many workers, at least 2: --shards N.")
        return
    if guest or report:
        option = "--in-micropython" if guest else "--report"
        raise usage(f"--shards: {option} looks at the whole world: leave one of them out.")
    if world.plain["agents"] < shards:
        raise usage(f"--shards {shards}: there are only {world.plain['agents']} agents.")
