"""`cma sim run --in-micropython`: the same run again, with one agent in a real MicroPython."""

from typing import Any

import click

from cma_toolkit.host_tools.cli.sim_options import World
from cma_toolkit.host_tools.cli.sim_progress import showing
from cma_toolkit.host_tools.errors import usage

guest_option = click.option(
    "--in-micropython",
    "guest",
    metavar="AGENT",
    help="Run it again with this agent in a real MicroPython, and compare the digests.",
)


def guest_number(world: World, name: str) -> int:
    """Return the number of the agent of that name.

    Raises: CmaError 2 (whoever typed it).
    """
    from cma_toolkit.sim.world.fleet import agent_names

    names = agent_names(world.plain["agents"])
    if name not in names:
        raise usage(
            f"--in-micropython {name}: no such agent; they are called {names[0]} to {names[-1]}."
        )
    return names.index(name)


def find_difference(world: World, outcome: Any, name: str, style: str) -> str:
    """Run it again; return what differs, "" if nothing does.

    Raises: CmaError 2 without MicroPython, or if it ends in the middle of the run.
    """
    from cma_toolkit.sim.scenario.guest import difference_in_micropython
    from cma_toolkit.sim.world.micropython import RuntimeMissingError, WorldCrashError

    number = guest_number(world, name)
    with showing(style, "virtual seconds, with MicroPython") as show:
        try:
            return difference_in_micropython(
                world.plain,
                outcome,
                name,
                number,
                lambda done_s, all_s, events: show(done_s, all_s, done_s, events),
            )
        except (RuntimeMissingError, WorldCrashError) as error:
            raise usage(str(error)) from error
