"""`cma run --virtual N`: the same application on N virtual boards, flashed like real ones."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from cma_toolkit.host_tools.cli.common import BoardOptions, known_ports
from cma_toolkit.host_tools.cli.monitor import listen
from cma_toolkit.host_tools.cli.progress import exit_code_of, print_summary, run_with_progress
from cma_toolkit.host_tools.cli.show import writers_for
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.listen import Listeners
from cma_toolkit.host_tools.ports.workers import Job, Outcome

NAME = "run-{:02d}"


def run_virtual(
    count: int,
    board_id: str,
    files: Mapping[str, Path],
    options: BoardOptions,
    seconds: float | None,
) -> int:
    """Start, flash and load the boards, show their consoles together, and unplug them again."""
    with _plugged_in(count, board_id) as names:
        ports = [port for port in known_ports() if port.name in names]
        for work in (_flash, _load):
            outcomes = work(ports, files, options)
            if exit_code_of(outcomes):
                print_summary(outcomes, output=options.output)
                return exit_code_of(outcomes)
        with Listeners(ports) as listeners:
            if not options.quiet and options.output == "table":
                click.echo(f"-- {count} virtual boards run; Ctrl-C ends", err=True)
            listen(listeners, writers_for(ports, options.output), seconds)
    return 0


@contextmanager
def _plugged_in(count: int, board_id: str) -> Iterator[frozenset[str]]:
    from cma_toolkit.sim.virtual_board.supervisor.client import Client

    client = Client()
    names = [f"{NAME.format(number)}" for number in range(1, count + 1)]
    try:
        before = {board.name: board for board in client.list()}
        for name in names:
            if name in before and before[name].board_id != board_id:
                client.remove(name)
                del before[name]
            if name not in before:
                client.create(name, board_id)
            elif before[name].state == "off":
                client.start(name)
        yield frozenset(names)
    finally:
        for name in names:
            if any(board.name == name and board.state != "off" for board in client.list()):
                client.stop(name)
        if all(board.state == "off" for board in client.list()):
            client.shutdown()


def _flash(
    ports: Sequence[Port], files: Mapping[str, Path], options: BoardOptions
) -> list[Outcome]:
    from cma_toolkit.host_tools.cli.flash import ImageSource, flash_ports
    from cma_toolkit.host_tools.flash.flash_job import FlashOptions

    quiet = replace(options, quiet=options.quiet or options.output == "json", output="table")
    with tempfile.TemporaryDirectory(prefix="cma-run-") as folder:
        # Boards of ours: whatever lies on them, `cma run --virtual` put it there.
        flash_options = FlashOptions(yes=True, wait_s=options.wait_s)
        return flash_ports(ports, flash_options, ImageSource(Path(folder)), quiet)


def _load(
    ports: Sequence[Port], files: Mapping[str, Path], options: BoardOptions
) -> list[Outcome]:
    from cma_toolkit.host_tools.ports.deploy_worker import MODULE

    paths = {target: str(path) for target, path in files.items()}
    request = {"files": paths, "wait_s": options.wait_s}
    jobs = [Job(port.label, port.url, MODULE, {"url": port.url, **request}) for port in ports]
    quiet = options.quiet or options.output == "json"
    return run_with_progress(jobs, "Copying", quiet=quiet, timeout_s=options.timeout_s)
