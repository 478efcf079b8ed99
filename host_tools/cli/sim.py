"""`cma sim`: an application or a scenario as many agents, in one process and in virtual time."""

from pathlib import Path

import click

from cma_toolkit.host_tools.cli.common import Commands, examples
from cma_toolkit.host_tools.cli.sim_run import run
from cma_toolkit.host_tools.cli.sim_swarm import swarm

_HELP = ("-h", "--help")


class RunByDefault(Commands):
    """Take `cma sim app.py` for `cma sim run app.py`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in front of a file or an option that is not one of help."""
        if args and args[0] not in {*_HELP, *self.commands} and _is_of_run(args[0]):
            args = ["run", *args]
        return super().parse_args(ctx, args)


def _is_of_run(word: str) -> bool:
    path = Path(word)
    return word.startswith("-") or bool(path.suffix) or path.is_dir()


@click.group(
    cls=RunByDefault,
    epilog=examples(
        "cma sim app.py --agents 8                    the same as cma sim run app.py --agents 8",
        "cma sim run greenhouse.toml --seed 7",
        "cma sim swarm greenhouse.toml --seeds 1000 --jobs 2",
    ),
)
def command() -> None:
    """Run app.py, or a scenario of it, as many agents in one process, in virtual time."""


command.add_command(run)
command.add_command(swarm)
