"""`cma adopt`: take over a board that already runs something, keeping its files."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from cma_toolkit.boards.flash_map import TABLE_END, TABLE_OFFSET
from cma_toolkit.boards.load import Board
from cma_toolkit.host_tools.cli import micropython
from cma_toolkit.host_tools.cli.common import (
    BoardOptions,
    board_options,
    chosen_port,
    examples,
    yes_option,
)
from cma_toolkit.host_tools.cli.flash import (
    WORKER,
    ImageSource,
    flash_ports,
    remember,
    virtual_boards_by_mac,
)
from cma_toolkit.host_tools.cli.progress import run_with_progress
from cma_toolkit.host_tools.errors import CmaError, ExitCode, needs_yes
from cma_toolkit.host_tools.flash import adopt_plan, backups, plan
from cma_toolkit.host_tools.flash.backup_job import BackupRequest
from cma_toolkit.host_tools.flash.flash_job import BAUD, FlashOptions
from cma_toolkit.host_tools.flash.old_files import file_systems_in, files_in
from cma_toolkit.host_tools.flash.table_state import judge
from cma_toolkit.host_tools.image import partition_table
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.select import Selector
from cma_toolkit.host_tools.ports.workers import Job


@dataclass(frozen=True)
class AdoptOptions:
    """What the command line asks for."""

    options: BoardOptions
    board_id: str
    folder: Path
    baud: int


@click.command(
    epilog=examples(
        "cma adopt /dev/ttyUSB0 --dry-run",
        "cma adopt /dev/ttyUSB0 --yes",
        "cma adopt virtual://desk --yes --backup ~/board-backups",
    )
)
@click.argument("port", required=False, default="")
@click.option("--dry-run", is_flag=True, help="Show the plan; write nothing, here or there.")
@click.option(
    "--backup",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("backups"),
    show_default=True,
    metavar="DIR",
    help="Where the backup goes.",
)
@click.option("--board", "board_id", default="", metavar="ID", help="What kind of board it is.")
@click.option("--micropython", "image", default="", metavar="V|FILE", help="As in cma flash.")
@click.option("--baud", default=BAUD, show_default=True, metavar="N", help="Speed of the cable.")
@yes_option("Back up, then write.")
@board_options(timeout_s=1800.0)
def command(
    options: BoardOptions,
    *,
    port: str,
    dry_run: bool,
    folder: Path,
    board_id: str,
    image: str,
    baud: int,
    yes: bool,
) -> int:
    """Take over a board that already runs something, keeping its files.

    Saves the whole flash, then writes our flash map and firmware, then brings the files back:
    old main.py becomes the application, /user/app.py, and the others keep their paths below
    /user. A run that was cut short is completed from its backup by running it again.
    """
    with tempfile.TemporaryDirectory(prefix="cma-adopt-") as place:
        source = ImageSource(Path(place), image)
        source.check(board_id)
        asked = AdoptOptions(options, board_id, folder.resolve(), baud)
        target = chosen_port(at_port(options, port))
        adoption = Adoption(target, asked, source, Path(place))
        adoption.look()
        if adoption.facts["ours"]:
            click.echo(f"{target.url} runs our firmware already: nothing to adopt.")
            return ExitCode.OK
        if dry_run or not yes:
            adoption.show()
        if dry_run:
            return ExitCode.OK
        if not yes:
            raise needs_yes("Nothing was written. Run it again with --yes to do this.")
        return adoption.carry_out()


def at_port(options: BoardOptions, port: str) -> BoardOptions:
    """Return the options, with the port that stands on the command line without its flag."""
    return replace(options, selector=Selector((port,))) if port else options


class Adoption:
    """One board on its way to us."""

    def __init__(self, port: Port, asked: AdoptOptions, source: ImageSource, place: Path) -> None:
        self._port = port
        self._asked = asked
        self._source = source
        self._place = place
        self.facts: dict[str, Any] = {}

    def look(self) -> None:
        """Find out what the board is and which files it holds.

        Raises: CmaError.
        """
        self.facts = self._ask("survey", "Looking")
        if self.facts["backup"]:
            click.echo(
                f"This board is half adopted: going on from {self.facts['backup']}", err=True
            )

    def show(self) -> None:
        """Print the plan."""
        if self._asked.options.output == "json":
            click.echo(json.dumps({**self.facts, "moves": dict(self._files_plan().moves)}))
            return
        name = f"{str(self.facts['mac']).replace(':', '')}.bin"
        told = self.facts["backup"] or str(self._asked.folder / name)
        sizes: Mapping[str, int] = self.facts["files"]
        flash_size_bytes = int(self.facts["flash_size_bytes"])
        partitions = self._board().partitions
        for line in adopt_plan.lines(
            self._files_plan(), sizes, flash_size_bytes, told, partitions
        ):
            click.echo(f"- {line}")

    def carry_out(self) -> int:
        """Back up, flash, bring the files back, check them.

        What can fail without the board comes before the backup: the board then waits in its
        loader, and its old program writes nothing more.
        """
        self._check_fit()
        self._source.prepare(self._port, str(self.facts["board"]))
        self.facts = self._ask("back up", "Backing up")
        path = Path(self.facts["backup"])
        data = backups.load(path)
        click.echo(f"backup: {path} ({sha256(data).hexdigest()[:16]}…)", err=True)
        files = self._files_in(data)
        moves = adopt_plan.plan_files(
            {name: len(content) for name, content in files.items()},
            files.get(adopt_plan.OLD_BOOT, b""),
        )
        image = self._user_image(adopt_plan.moved(files, moves))
        request = FlashOptions(
            board=self._asked.board_id,
            yes=True,
            baud=self._asked.baud,
            wait_s=self._asked.options.wait_s,
            user_image=str(image),
            backup=str(path),
            backup_sha256=sha256(data).hexdigest(),
        )
        outcomes = flash_ports(
            [self._port], request, self._source, self._asked.options, "Adopting"
        )
        remember(outcomes, self._source)
        if outcomes[0].code:
            raise CmaError(outcomes[0].message, ExitCode(outcomes[0].code))
        self._say_done(moves, path)
        return ExitCode.OK

    def _say_done(self, moves: adopt_plan.AdoptPlan, backup: Path) -> None:
        if self._asked.options.output == "json":
            return
        for note in moves.notes:
            click.echo(f"- {note}")
        click.echo(
            f"adopted: {len(moves.moves)} files are back and compared. "
            f"To undo: cma restore {self._port.url} {backup}"
        )

    def _files_plan(self) -> adopt_plan.AdoptPlan:
        if self.facts["backup"]:
            files = self._files_in(backups.load(Path(self.facts["backup"])))
            self.facts["files"] = {name: len(content) for name, content in files.items()}
            return adopt_plan.plan_files(self.facts["files"], files.get(adopt_plan.OLD_BOOT, b""))
        return adopt_plan.plan_files(self.facts["files"], str(self.facts["old_boot"]).encode())

    def _files_in(self, data: bytes) -> dict[str, bytes]:
        def read(offset: int, size: int) -> bytes:
            return data[offset : offset + size]

        ours = self._board().partitions
        sector = data[TABLE_OFFSET:TABLE_END]
        state = judge(sector, partition_table.to_bytes(ours))
        return files_in(read, file_systems_in(state, sector, len(data), ours))

    def _check_fit(self) -> None:
        moves = self._files_plan().moves
        sizes: Mapping[str, int] = self.facts["files"]
        self._user_image({target: b"\0" * sizes[source] for source, target in moves.items()})

    def _user_image(self, files: dict[str, bytes]) -> Path:
        from cma_toolkit.host_tools.flash.contents import build_user

        size_bytes = plan.find_part(self._board().partitions, "user").size_bytes
        path = self._place / "user.littlefs"
        path.write_bytes(build_user(files, size_bytes))
        return path

    def _board(self) -> Board:
        return micropython.wanted_boards(str(self.facts["board"]), self._source.known.project)[0]

    def _ask(self, operation: str, title: str) -> dict[str, Any]:
        known = self._source.known
        request = BackupRequest(
            url=self._port.url,
            folder=str(self._asked.folder),
            board=self._asked.board_id,
            project=str(known.project or ""),
            boards_by_mac={**known.boards_by_mac, **virtual_boards_by_mac()},
            default_boards=dict(known.default_boards),
            baud=self._asked.baud,
            wait_s=self._asked.options.wait_s,
        )
        job = Job(
            self._port.label, self._port.url, WORKER, {"operation": operation, **asdict(request)}
        )
        options = self._asked.options
        outcome = run_with_progress(
            [job],
            title,
            options.output,
            quiet=options.quiet,
            timeout_s=options.timeout_s + options.wait_s,
        )[0]
        if outcome.code:
            raise CmaError(outcome.message, ExitCode(outcome.code))
        return outcome.value
