"""`cma restore`: write a full-flash backup back to a board."""

from dataclasses import asdict
from pathlib import Path

import click

from cma_toolkit.host_tools.cli.adopt import at_port
from cma_toolkit.host_tools.cli.common import (
    BoardOptions,
    board_options,
    chosen_port,
    examples,
    yes_option,
)
from cma_toolkit.host_tools.cli.flash import WORKER
from cma_toolkit.host_tools.cli.progress import exit_code_of, print_summary, run_with_progress
from cma_toolkit.host_tools.flash import backups
from cma_toolkit.host_tools.flash.backup_job import RestoreRequest
from cma_toolkit.host_tools.flash.flash_job import BAUD
from cma_toolkit.host_tools.ports.workers import Job

COLUMNS = (
    ("chip", "chip"),
    ("mac", "mac"),
    ("bytes written", "written_bytes"),
    ("equal", "equal_bytes"),
)


@click.command(
    epilog=examples(
        "cma restore /dev/ttyUSB0 backups/a4cf12000001.bin",
        "cma restore virtual://desk backups/a4cf12000001.bin --yes",
    )
)
@click.argument("port")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--baud", default=BAUD, show_default=True, metavar="N", help="Speed of the cable.")
@yes_option("Overwrite files that the backup does not hold; use another board's backup.")
@board_options(timeout_s=1800.0)
def command(options: BoardOptions, *, port: str, file: Path, baud: int, yes: bool) -> int:
    """Write a full-flash backup back to a board.

    Checks the backup's SHA-256, chip, size and MAC address before anything is written, skips what
    is equal, and verifies by reading back. A run that was cut short is completed by running it
    again.
    """
    data = backups.load(file)
    target = chosen_port(at_port(options, port))
    request = RestoreRequest(
        url=target.url,
        file=str(file.resolve()),
        chip=backups.chip_of(data),
        mac=backups.mac_of(file),
        yes=yes,
        baud=baud,
        wait_s=options.wait_s,
    )
    job = Job(target.label, target.url, WORKER, {"operation": "restore", **asdict(request)})
    outcomes = run_with_progress(
        [job],
        "Restoring",
        options.output,
        quiet=options.quiet,
        timeout_s=options.timeout_s + options.wait_s,
    )
    print_summary(outcomes, COLUMNS, options.output)
    return exit_code_of(outcomes)
