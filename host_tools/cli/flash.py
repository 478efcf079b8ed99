"""`cma flash`: put MicroPython and the agent on one board or on all of them."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from cma_toolkit.boards.load import list_boards
from cma_toolkit.host_tools.cli import micropython
from cma_toolkit.host_tools.cli.agent_image import AgentImages, application_of
from cma_toolkit.host_tools.cli.common import (
    BoardOptions,
    board_options,
    chosen_ports,
    examples,
    fleet_finder,
    yes_option,
)
from cma_toolkit.host_tools.cli.progress import exit_code_of, print_summary, run_with_progress
from cma_toolkit.host_tools.errors import CmaError, usage
from cma_toolkit.host_tools.flash.flash_job import ANY_BOARD, BAUD, FlashOptions, FlashRequest
from cma_toolkit.host_tools.flash.store import (
    Store,
    check_version,
    plain_version,
    read_image_file,
    version_key,
)
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.workers import Job, Outcome

WORKER = "cma_toolkit.host_tools.flash.worker"
COLUMNS = (
    ("kind", "board"),
    ("chip", "chip"),
    ("mac", "mac"),
    ("MicroPython", "micropython"),
    ("application", "application"),
    ("bytes written", "written_bytes"),
    ("equal", "equal_bytes"),
    ("now", "boot"),
)
DRY_COLUMNS = (
    ("kind", "board"),
    ("chip", "chip"),
    ("mac", "mac"),
    ("MicroPython", "micropython"),
    ("application", "application"),
    ("would write", "would_write_bytes"),
    ("equal", "equal_bytes"),
)


@click.command(
    epilog=examples(
        "cma flash                                  # the one board that is plugged in",
        "cma flash --all",
        "cma flash -p u0 --board xiao-esp32c3 --micropython 1.28.0",
        "cma flash -p /dev/ttyUSB0 --micropython ~/Downloads/ESP32_GENERIC-20260406-v1.28.0.bin",
        "cma flash --all --dry-run",
        "cma flash --image build/greenhouse.romfs   # of cma build",
        "cma flash --image build/greenhouse-1.release   # signed: boards know its number",
    )
)
@board_options(several=True, timeout_s=900.0)
@click.option("--board", "board_id", default="", metavar="ID", help="What kind of board it is.")
@click.option(
    "--micropython",
    "image",
    default="",
    metavar="V|FILE",
    help="A version, or a .bin file; default: the newest in the store, fetched if absent.",
)
@click.option(
    "--image",
    "built",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="An image of cma build or a signed release; default: built from the project around here, "
    "else the kernel.",
)
@click.option("--erase", is_flag=True, help="Erase the whole flash first, settings and files too.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.option("--baud", default=BAUD, show_default=True, metavar="N", help="Speed of the cable.")
@yes_option("Overwrite files of yours without a backup.")
def command(
    options: BoardOptions,
    *,
    board_id: str,
    image: str,
    built: Path | None,
    erase: bool,
    dry_run: bool,
    baud: int,
    yes: bool,
) -> int:
    """Put MicroPython and the agent on one board or on all of them.

    In a project's folder the application is in the agent's image; elsewhere the kernel is alone.
    Checks chip, flash size and image before anything is written, skips what is equal, verifies by
    reading back, and sees the board start. A run that was cut short is completed by running it
    again. Files below /user of a board that cma has flashed before stay as they are; only an
    app.py there that is older than the image's application is set aside, as app.py.old.
    """
    ports, find = chosen_ports(options, several=True), fleet_finder()
    with tempfile.TemporaryDirectory(prefix="cma-flash-") as folder:
        source = ImageSource(Path(folder), image)
        source.agent = AgentImages(
            Path(folder),
            app=application_of(source.known.project),
            built=built,
            project=source.known.project,
        )
        source.check(board_id)
        flash_options = FlashOptions(
            board=board_id,
            yes=yes,
            erase=erase,
            dry_run=dry_run,
            baud=baud,
            wait_s=options.wait_s,
            only_macs=[known.mac for who in options.selector.devices for known in find(who)],
        )
        outcomes = flash_ports(ports, flash_options, source, options)
    print_summary(outcomes, DRY_COLUMNS if dry_run else COLUMNS, options.output)
    remember(outcomes, source)
    return exit_code_of(outcomes)


def flash_ports(
    ports: Sequence[Port],
    flash_options: FlashOptions,
    source: "ImageSource",
    options: BoardOptions,
    title: str = "Flashing",
) -> list[Outcome]:
    """Flash every port at once; fetch what is missing for some, then flash those.

    Returns the outcomes in the order of the ports.
    """
    requests = [source.request(port, flash_options) for port in ports]
    outcomes = _run(ports, requests, options, title)
    lacking = [
        index for index, outcome in enumerate(outcomes) if "needs_micropython" in outcome.value
    ]
    if not lacking:
        return outcomes
    refusals = source.fetch({str(outcomes[index].value["board"]) for index in lacking})
    for index in list(lacking):
        error = refusals.get(str(outcomes[index].value["board"]))
        if error:
            job, took_s = outcomes[index].job, outcomes[index].took_s
            outcomes[index] = Outcome(job, error.code, error.message, took_s=took_s)
            lacking.remove(index)
    if not lacking:
        return outcomes
    again = [source.request(ports[index], flash_options) for index in lacking]
    late = _run([ports[index] for index in lacking], again, options, title)
    for index, outcome in zip(lacking, late, strict=True):
        outcomes[index] = outcome
    return outcomes


def _run(
    ports: Sequence[Port], requests: Sequence[FlashRequest], options: BoardOptions, title: str
) -> list[Outcome]:
    jobs = [
        Job(port.label, port.url, WORKER, {"operation": "flash", **asdict(request)})
        for port, request in zip(ports, requests, strict=True)
    ]
    return run_with_progress(
        jobs,
        title,
        options.output,
        quiet=options.quiet,
        timeout_s=options.timeout_s + options.wait_s,
    )


@dataclass(frozen=True)
class Known:
    """What the project around here knows about boards."""

    project: Path | None
    boards_by_mac: Mapping[str, str]
    default_boards: Mapping[str, str]
    database: Path | None = None


class ImageSource:
    """Makes what workers need as files: the agent's image and MicroPython's.

    `agent` is the kernel alone until somebody says otherwise.
    """

    def __init__(self, folder: Path, image: str = "") -> None:
        """`image` is a version, a file, or empty for the newest."""
        self._folder = folder
        self.known = what_is_known()
        self._store: Store = micropython.open_store(self.known.project)
        self._file = Path(image) if image.endswith(".bin") or os.sep in image else None
        self._version = "" if self._file else image
        self._images: dict[str, str] | None = None
        self.agent = AgentImages(folder, project=self.known.project)

    def check(self, board_id: str) -> None:
        """Refuse a file, version or board id that cannot be right, before any board is touched.

        Raises: CmaError.
        """
        from cma_toolkit.host_tools.flash.contents import identify

        check_version(self._version)
        self.agent.check()
        if board_id:
            micropython.wanted_boards(board_id, self.known.project)
        if self._file:
            check_version(identify(read_image_file(self._file)).version)

    def request(self, port: Port, options: FlashOptions) -> FlashRequest:
        """Return the options, completed for one port."""
        return FlashRequest(
            **asdict(options),
            url=port.url,
            romfs=self.agent.files(port),
            loader=self.agent.loader,
            root=self.agent.root,
            envelopes=self.agent.envelopes,
            images=self._virtual_image(port) if port.virtual else self._real_images(),
            project=str(self.known.project or ""),
            boards_by_mac={**self.known.boards_by_mac, **virtual_boards_by_mac()},
            default_boards=dict(self.known.default_boards),
        )

    def fetch(self, board_ids: set[str]) -> dict[str, CmaError]:
        """Fetch the releases that these boards lack.

        Returns: why not, for each board whose release could not be fetched.
        """
        refusals = {}
        for board_id in sorted(board_ids):
            try:
                (board,) = micropython.wanted_boards(board_id, self.known.project)
                micropython.fetch_release(self._store, board, self._version, aside=True)
            except CmaError as error:
                refusals[board_id] = error
        self._images = None
        return refusals

    def prepare(self, port: Port, board_id: str) -> None:
        """Fetch what this port's board lacks, before anything is done to it.

        Raises: CmaError without a network.
        """
        if port.virtual or self._file:
            return
        (board,) = micropython.wanted_boards(board_id, self.known.project)
        if board.micropython.image_name() not in self._real_images():
            for error in self.fetch({board_id}).values():
                raise error

    def _virtual_image(self, port: Port) -> dict[str, str]:
        if self._file:
            return {ANY_BOARD: str(self._file.resolve())}
        path = self._folder / f"{port.chip}.bin"
        if not path.exists():
            from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython

            version = {"version": self._known_version()} if self._version else {}
            path.write_bytes(make_micropython(port.chip, **version))
        return {ANY_BOARD: str(path)}

    def _known_version(self) -> str:
        """Return the version asked for: a stand-in for a release that never was would be a lie.

        Raises: CmaError.
        """
        version = plain_version(self._version)
        known = {release for board in list_boards() for release in board.micropython.releases}
        if version not in known:
            raise usage(
                f"Virtual boards know no MicroPython {version}. "
                f"Take {' or '.join(sorted(known, key=version_key))}, or a .bin file."
            )
        return version

    def _real_images(self) -> dict[str, str]:
        if self._file:
            return {ANY_BOARD: str(self._file.resolve())}
        if self._images is None:
            self._images = {}
            for board in micropython.known_boards(self.known.project):
                build = board.micropython.image_name()
                release = self._store.find(build, self._version)
                if release and build not in self._images:
                    self._store.read(release)
                    self._images[build] = str(self._store.path_of(release))
        return self._images


def what_is_known() -> Known:
    """Read the project around here, if there is one."""
    from cma_toolkit.boards.load import DEFAULT_BOARD_IDS

    folder = micropython.project_folder()
    if folder is None:
        return Known(None, {}, DEFAULT_BOARD_IDS)
    from cma_toolkit.host_tools.fleet.fleet_file import FLEET_FILE, load_fleet
    from cma_toolkit.host_tools.fleet.inventory import INVENTORY_FILE, load_inventory
    from cma_toolkit.host_tools.fleet.project import Project

    # Not load_project: a password that is still missing is no reason not to flash.
    boards = {board.id: board for board in micropython.known_boards(folder)}
    fleet = load_fleet(folder / FLEET_FILE)
    rows = load_inventory(folder / INVENTORY_FILE, fleet, boards)
    project = Project(folder, fleet, tuple(rows), {}, boards)
    defaults = dict(DEFAULT_BOARD_IDS)
    if project.fleet.board:
        for board in micropython.wanted_boards(project.fleet.board, folder):
            defaults[board.chip] = board.id
    return Known(folder, project.board_ids, defaults, project.database)


def virtual_boards_by_mac() -> dict[str, str]:
    """Return what kind each virtual board is: it was created as one."""
    from cma_toolkit.sim.virtual_board.supervisor.registry import live_boards

    return {board.mac: board.board_id for board in live_boards()}


def remember(outcomes: Sequence[Outcome], source: ImageSource) -> None:
    """Note in the fleet database what was flashed, if there is a project."""
    if source.known.database is None:
        return
    from cma_toolkit.host_tools.fleet.database import Database, Result

    with Database(source.known.database) as database:
        for outcome in outcomes:
            mac = str(outcome.value.get("mac", ""))
            if outcome.code or not mac or outcome.value.get("dry_run"):
                continue
            kind, chip = str(outcome.value["board"]), str(outcome.value["chip"])
            database.saw(mac, port=outcome.job.port, chip=chip, board=kind)
            written = f"wrote {outcome.value['written_bytes']} bytes"
            database.record(Result("", mac, "", "flash", 0, written, outcome.took_s))
