"""`--compiled`: the same command again, in a process that has the kernel as machine code."""

import os
import sys

import click

from cma_toolkit.host_tools.errors import usage
from cma_toolkit.sim.world import compiled

_MODULE = "cma_toolkit.host_tools.cli.compiled_main"

compiled_option = click.option(
    "--compiled",
    "is_compiled",
    is_flag=True,
    help="Run the kernel as machine code: several times as fast, the same digest. Takes a C "
    "compiler, and a few minutes once for each version of the kernel.",
)


def start_over() -> None:
    """Replace this process by one that has the machine code, unless it has it already.

    Raises: CmaError 2 if the machine code cannot be made.
    """
    if compiled.is_used():
        return
    try:
        compiled.make(lambda: click.echo("making machine code, which takes minutes", err=True))
    except compiled.CompileError as error:
        raise usage(f"--compiled: {error}") from error
    sys.stdout.flush()
    sys.stderr.flush()
    # -P: what lies in the present folder is not to be taken for a module.
    os.execv(sys.executable, [sys.executable, "-P", "-m", _MODULE, *sys.argv[1:]])
