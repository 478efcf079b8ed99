"""`cma release serve`: an edge that boards get releases from."""

import binascii
import json
import signal
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from cma_toolkit.host_tools.cli.common import examples
from cma_toolkit.host_tools.cli.numbers import Number
from cma_toolkit.host_tools.cli.progress import Output
from cma_toolkit.host_tools.errors import CmaError, usage

if TYPE_CHECKING:
    from cma_toolkit.host_tools.fleet.database import Database
    from cma_toolkit.host_tools.release.edge import Offered, Report
    from cma_toolkit.host_tools.release.listening import Listening
    from cma_toolkit.host_tools.release.published import Published
    from cma_toolkit.host_tools.release.repository import Repository
    from cma_toolkit.host_tools.release.server import Link
    from cma_toolkit.host_tools.release.wire import Wire
    from cma_toolkit.host_tools.rollout.desk import Desk
    from cma_toolkit.host_tools.rollout.records import Offer

_ERA_S = 1_700_000_000  # generations of an offer to everybody count seconds from here
_TURN_S = 60  # from one look at who has fallen silent to the next


class Shelf:
    """Published releases as boards ask for them, made again when another timestamp is there."""

    def __init__(self, repository: "Repository") -> None:
        self._repository = repository
        self._made: dict[int, tuple[bytes, list[Published]]] = {}
        self._said = ""

    def take(self, sequence: int) -> "list[Published]":
        """Return the images of the release with a number, 0: of the newest.

        What was made before stays while the folder is being written and does not read.
        Raises: CmaError 2 if there is no such release, 4 if it is not what it should be.
        """
        from cma_toolkit.host_tools.release.published import of_sequence
        from cma_toolkit.host_tools.release.repository import TIMESTAMP

        stamp, made = self._made.get(sequence, (b"", []))
        try:
            fresh = self._repository.read(self._repository.folder / TIMESTAMP)
            if fresh != stamp:
                made = of_sequence(self._repository, sequence)
                self._made[sequence] = fresh, made
                self._said = ""
        except CmaError as error:
            if not made:
                raise
            if error.message != self._said:
                self._said = error.message
                click.echo(f"What was served before is served on: {error.message}", err=True)
        return made


class ToEverybody:
    """The newest release for all who hear of it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._made: list[Published] = []
        self._generation = 0

    def now(self) -> "tuple[int, Sequence[Offered]]":
        """Return the one offer, a later one for what was published since."""
        from cma_toolkit.host_tools.release.edge import Offered

        made = self._shelf.take(0)
        if made is not self._made:
            self._made = made
            self._generation = max(self._generation + 1, int(time.time()) - _ERA_S)
        return self._generation, [Offered(each) for each in made]

    def on_report(self, report: "Report") -> None:
        """Keep nothing: nobody waits for it."""

    def hear(self, listening: "Listening", *, is_last: bool = False) -> None:
        """Keep nothing: who serves everybody may have no fleet."""


class ByRollout:
    """What the newest roll-out says; it takes what boards report."""

    def __init__(self, shelf: Shelf, desk: "Desk", database: "Database") -> None:
        self._shelf = shelf
        self._desk = desk
        self._database = database
        self._turned_s = 0
        self._heard_s = int(time.time())

    def now(self) -> "tuple[int, Sequence[Offered]]":
        """Return what is offered now."""
        now_s = int(time.time())
        if now_s - self._turned_s >= _TURN_S:
            self._turned_s = now_s
            self._desk.on_time(now_s)
        offers = self._desk.offers(now_s)
        generation = max((offer.generation for offer in offers), default=0)
        return generation, [made for offer in offers for made in self._offered(offer)]

    def on_report(self, report: "Report") -> None:
        """Hand it to the roll-out, which has it on the disk when this returns."""
        from cma_toolkit.host_tools.rollout.heard import report_of

        self._desk.on_report(report_of(report), int(time.time()))

    def hear(self, listening: "Listening", *, is_last: bool = False) -> None:
        """Keep whom the edge hears, and how well, once a minute: a rehearsal goes by it."""
        from cma_toolkit.host_tools.rollout.heard import remember

        now_s = int(time.time())
        if is_last or now_s - self._heard_s >= _TURN_S:
            self._heard_s = now_s
            remember(self._database, listening.take(), now_s)

    def _offered(self, offer: "Offer") -> "list[Offered]":
        from cma_toolkit.host_tools.release.edge import Offered

        return [Offered(each, offer.nodes) for each in self._shelf.take(offer.sequence)]


@click.command(
    epilog=examples(
        "cma release serve                      # what a roll-out offers, to whom it offers it",
        "cma release serve --everybody --cluster north",
        "cma release serve --serial /dev/ttyUSB0@115200 --output json",
    )
)
@click.option("--everybody", is_flag=True, help="Offer the newest release to all who hear of it.")
@click.option(
    "--cluster",
    default="",
    help="Serve boards that have only this cluster's name.  [default: those of the project]",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=47477,
    show_default=True,
    help="UDP port; that of boards is 47477.",
)
@click.option(
    "--peer",
    "peers",
    multiple=True,
    metavar="HOST[:PORT]",
    help="Send to this board only, not to all networks. May be given several times.",
)
@click.option(
    "--serial",
    "wires",
    multiple=True,
    metavar="PORT[@BAUD]",
    help="Serve the board whose UART link is wired to this port, too. May be given several times.",
)
@click.option("--seconds", type=Number(min=0), help="End after that long.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For a person, or one JSON object per line.",
)
def serve(
    *,
    everybody: bool,
    cluster: str,
    port: int,
    peers: tuple[str, ...],
    wires: tuple[str, ...],
    seconds: float | None,
    output: Output,
) -> None:
    """Hand published releases to boards, until Ctrl-C.

    What is offered to which board is what cma rollout decides. Boards ask for what they lack, and
    hand it on to each other; one download serves a cluster.
    """
    from cma_toolkit.firmware.kernel.codec.frame import node_id
    from cma_toolkit.firmware.kernel.identity import Identity
    from cma_toolkit.host_tools.agent.udp import UdpLink, parse_peer
    from cma_toolkit.host_tools.fleet.project import STATE_FOLDER, find_folder
    from cma_toolkit.host_tools.release.repository import FOLDER, Repository
    from cma_toolkit.host_tools.release.server import Server

    folder = find_folder(Path.cwd()) or Path.cwd()
    repository = Repository(folder / FOLDER)
    if not repository.published():
        raise usage(f"Nothing is published in {repository.folder}: see cma release publish.")
    node = node_id(uuid.getnode().to_bytes(6, "big") + f"edge:{port}".encode())
    network = _network(folder, cluster)
    told, state = Told(output), folder / STATE_FOLDER
    with ExitStack() as links, _until_told(), _offers(repository, state, everybody) as offers:
        network_link = UdpLink(node, port, [parse_peer(peer) for peer in peers])
        opened: list[Link] = [links.enter_context(closing(network_link))]
        opened += [links.enter_context(closing(_wire(each))) for each in wires]
        click.echo(f"Serving {repository.folder} on UDP port {port}; Ctrl-C ends it.", err=True)
        Server(opened, Identity("edge", node, network, ""), offers, told.take).run(seconds)


def _wire(text: str) -> "Wire":
    """Open the port that a person named, with its speed."""
    from cma_toolkit.host_tools.ports.serial_port import BAUD, open_serial
    from cma_toolkit.host_tools.release.wire import Wire

    path, _, baud = text.rpartition("@") if "@" in text else (text, "", str(BAUD))
    if not path or not baud.isdecimal() or not int(baud):
        raise usage(f"--serial {text}: write PORT or PORT@BAUD, such as /dev/ttyUSB0@115200.")
    return Wire(open_serial(path, baudrate=int(baud)))


def _network(folder: Path, cluster: str) -> int:
    """Return the network of the boards that are served, as they decide it themselves."""
    from cma_toolkit.host_tools.fleet.fleet_file import FLEET_FILE, load_fleet

    path = folder / FLEET_FILE
    if cluster:
        network = binascii.crc32(cluster.encode()) & 0xFFFF
        if path.is_file() and load_fleet(path).network != network:
            click.echo(
                f"Boards of this project do not hear what is for cluster {cluster} alone: leave "
                "--cluster out to serve them.",
                err=True,
            )
        return network
    return load_fleet(path).network if path.is_file() else 0


class Told:
    """What boards report, on the terminal: a line for each change."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._last: dict[int, Report] = {}

    def take(self, report: "Report") -> None:
        """Show what is new."""
        from cma_toolkit.host_tools.rollout.heard import stage_of

        if self._last.get(report.node) == report:
            return
        self._last[report.node] = report
        stage = stage_of(report)
        if self._output == "json":
            fields = {**vars(report), "stage": stage, "at": int(time.time())}
            click.echo(json.dumps(fields))
            return
        runs = f"runs release {report.sequence}" if report.sequence else "runs no release"
        click.echo(f"{report.node:08x} {runs}{_about(report, stage)}")


def _about(report: "Report", stage: str) -> str:
    from cma_toolkit.host_tools.release.repository import name_of

    if stage == "fetching":
        return f", has {report.done_permille / 10:.0f} % of {report.target}"
    if stage == "rejected":
        return f", refuses {report.target}: {name_of(report.reason)}"
    return ", on trial" if stage == "trial" else ""


@contextmanager
def _offers(
    repository: "Repository", state: Path, everybody: bool
) -> "Iterator[ToEverybody | ByRollout]":
    if everybody:
        yield ToEverybody(Shelf(repository))
        return
    from cma_toolkit.host_tools.fleet.database import Database
    from cma_toolkit.host_tools.rollout.desk import Desk
    from cma_toolkit.host_tools.rollout.store import Store

    with Database(state / "fleet.db") as database:
        desk = Desk(Store(database))
        if not desk.offers(int(time.time())):
            click.echo(
                "No roll-out is open: begin one with cma rollout start, or offer the newest "
                "release to all with --everybody.",
                err=True,
            )
        yield ByRollout(Shelf(repository), desk, database)


@contextmanager
def _until_told() -> Iterator[None]:
    """End in order at Ctrl-C and SIGTERM."""

    def end(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
