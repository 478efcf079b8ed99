"""`cma new`: a project of one's own, ready to run without a board."""

from pathlib import Path

import click

from cma_toolkit.host_tools.cli.common import examples
from cma_toolkit.host_tools.project.new import create_project


@click.command(epilog=examples("cma new greenhouse", "cma new ~/work/orchard"))
@click.argument("name")
def command(name: str) -> int:
    """Start a project of your own: an application, its fleet, its tests.

    NAME is the folder to make; its last part becomes the name of the fleet.
    """
    folder = Path(name).expanduser()
    create_project(folder)
    click.echo(
        f"{folder}: app.py and its drivers, fleet.toml, inventory.csv, secrets.toml, tests.\n"
        "Next:\n"
        f"  cd {folder}\n"
        "  pytest -q                        its tests, on CPython and on MicroPython\n"
        "  cma sim app.py --agents 8        eight agents, in virtual time\n"
        "  cma run --virtual 3              three virtual boards\n"
        "  cma flash                        your first board, then: cma provision --assign"
    )
    return 0
