"""`cma doctor`: is this computer ready, and if not, what to type."""

import json
from pathlib import Path

import click

from cma_toolkit.host_tools.cli.common import examples, known_ports


@click.command(epilog=examples("cma doctor", "cma doctor --output json"))
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object per line.",
)
@click.option("--root", type=click.Path(path_type=Path), default="/", hidden=True)
def command(output: str, root: Path) -> int:
    """Check this computer and its serial ports, and say how to mend what is found.

    Each line begins with ok, -- (a hint) or !! (mend this). Exit code 4 if the installation needs
    mending, 3 if a port does, 0 otherwise. Nothing is changed and no port is opened.
    """
    from cma_toolkit.host_tools.cli.checks import exit_code, findings
    from cma_toolkit.host_tools.ports.system import System

    found = list(findings(known_ports(), System(root)))
    for finding in found:
        if output == "json":
            fields = {"level": finding.level, "text": finding.text, "code": int(finding.code)}
            click.echo(json.dumps(fields))
        else:
            click.echo(str(finding))
    return exit_code(found)
