"""`cma run`: an application on a board, or on virtual ones, without flashing anything."""

import time
from collections.abc import Mapping
from pathlib import Path

import click

from cma_toolkit.host_tools.cli.common import BoardOptions, board_options, chosen_port, examples
from cma_toolkit.host_tools.cli.meant import ask_who_it_is, to_ask
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.cli.show import ConsoleWriter
from cma_toolkit.host_tools.errors import CmaError, usage
from cma_toolkit.host_tools.ports.ampy_files import AmpyFiles
from cma_toolkit.host_tools.ports.deploy import check_syntax, deploy, project_files
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.session import BoardSession

TURN_S = 0.1
OLDEST_SAVE_S = 60.0

Stamps = dict[Path, tuple[int, int]]


@click.command(
    epilog=examples(
        "cma run --port u0",
        "cma run --port u0 --watch          # again at every save",
        "cma run --virtual 3                # three virtual boards",
        "cma run examples/light.py --virtual 2 --board esp32-c3-devkitm-1",
    )
)
@click.argument("app", default="app.py", type=click.Path(path_type=Path))
@click.option("--watch", is_flag=True, help="Copy and restart at every save.")
@click.option(
    "--virtual",
    "count",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Run on N virtual boards instead, flashed like real ones.",
)
@click.option(
    "--board",
    "board_id",
    default="esp32-devkitc",
    show_default=True,
    metavar="ID",
    help="With --virtual: which kind of board.",
)
@click.option("--seconds", type=Number(min=0), help="End after that long.")
@click.option(
    "--via",
    type=click.Choice(["mpremote", "ampy"]),
    default="mpremote",
    show_default=True,
    help="The tool that copies files.",
)
@board_options()
def command(
    *,
    options: BoardOptions,
    app: Path,
    watch: bool,
    count: int | None,
    board_id: str,
    seconds: float | None,
    via: str,
) -> int:
    """Copy APP and its drivers/ to a board, start it and show what it prints, until Ctrl-C.

    Only files that differ are copied, and nothing is flashed. The program runs on afterwards.
    """
    files = project_files(app)
    check_syntax(files)
    if count:
        from cma_toolkit.host_tools.cli.run_virtual import run_virtual

        if watch or options.selector.ports or options.selector.devices:
            raise usage("--virtual makes its own boards: leave out --watch, --port and --device.")
        return run_virtual(count, board_id, files, options, seconds)
    port = chosen_port(options)
    with _Run(port, app, options, via) as run:
        run.start(files, time.time(), "started")
        run.follow(watch, seconds)
    return 0


class _Run:
    """One application on one board: brought there, started, watched."""

    def __init__(self, port: Port, app: Path, options: BoardOptions, via: str) -> None:
        self._port = port
        self._app = app
        self._options = options
        self._via = via
        self._writer = ConsoleWriter(port, options.output)
        self._board = BoardSession(
            port.url, wait_s=options.wait_s, connect_s=min(options.timeout_s, 15.0)
        )
        self._saved_at_s = 0.0
        self._why = ""

    def __enter__(self) -> "_Run":
        named = to_ask(self._options, self._port)
        if self._via == "ampy":
            if named:
                with self._board as board:
                    ask_who_it_is(board, named)
            with AmpyFiles(self._port.url) as files:
                deploy(files, project_files(self._app))
        self._board.__enter__()
        try:
            ask_who_it_is(self._board, named)
            if self._via == "ampy":
                # ampy leaves a variable called `len` behind.
                self._board.soft_reset(run_main=False)
        except BaseException:
            self._board.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._writer.end()
        self._board.__exit__(None, None, None)

    def start(self, files: Mapping[str, Path], saved_at_s: float, why: str) -> None:
        """Copy what differs and restart the program."""
        changed = deploy(self._board, files)
        if self._options.verbose:
            for path in changed:
                self._writer.news(f"wrote {path}")
        self._board.soft_reset()
        self._saved_at_s, self._why = saved_at_s, why

    def follow(self, watch: bool, seconds: float | None) -> None:
        """Show what the board prints; with `watch` start again whenever a file was saved."""
        until_s = None if seconds is None else time.monotonic() + seconds
        stamps = _stamps(self._app)
        try:
            while until_s is None or time.monotonic() < until_s:
                self._turn()
                now = _stamps(self._app) if watch else stamps
                if now and now != stamps:
                    self._restart(stamps, now)
                    stamps = now
        except KeyboardInterrupt:
            click.echo(err=True)

    def _turn(self) -> None:
        data = self._board.console(TURN_S)
        if data and self._why:
            took_s = time.time() - self._saved_at_s
            self._writer.news(f"{self._app.name} {self._why}: running in {took_s:.1f} s")
            self._why = ""
        self._writer.feed(data)

    def _restart(self, before: Stamps, now: Stamps) -> None:
        newest_ns = max(
            (stamp[0] for path, stamp in now.items() if before.get(path) != stamp), default=0
        )
        saved_at_s = newest_ns / 1e9
        if not 0 <= time.time() - saved_at_s < OLDEST_SAVE_S:
            saved_at_s = time.time()  # an old file was put here, or one was removed
        try:
            files = project_files(self._app)
            check_syntax(files)
            self.start(files, saved_at_s, "saved")
        except CmaError as error:
            if self._board.url in error.message:
                raise
            self._writer.news(f"not started: {error.message}")


def _stamps(app: Path) -> Stamps:
    try:
        stats = {path: path.stat() for path in project_files(app).values()}
    except (CmaError, FileNotFoundError):
        return {}  # an editor is putting the new file in the old one's place
    return {path: (stat.st_mtime_ns, stat.st_size) for path, stat in stats.items()}
