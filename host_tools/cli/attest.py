"""`cma attest`: what runs on boards, signed by them and held to what this fleet knows."""

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from cma_toolkit.boards.load import Board
from cma_toolkit.host_tools.cli import micropython
from cma_toolkit.host_tools.cli.agent_image import AgentImages, application_of
from cma_toolkit.host_tools.cli.common import (
    BoardOptions,
    board_options,
    chosen_ports,
    examples,
    fleet_finder,
)
from cma_toolkit.host_tools.cli.progress import (
    exit_code_of,
    print_summary,
    print_table,
    run_with_progress,
)
from cma_toolkit.host_tools.errors import CmaError, refused, verify_failed
from cma_toolkit.host_tools.fleet.database import Database, Result
from cma_toolkit.host_tools.fleet.enrolments import Enrolment, Enrolments
from cma_toolkit.host_tools.fleet.project import Project, load_project, need_folder
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.workers import Job, Outcome
from cma_toolkit.host_tools.secure.attest_worker import MODULE, not_enrolled
from cma_toolkit.host_tools.secure.attestation import (
    FILES,
    IMAGE,
    SETTINGS,
    TOKEN,
    Question,
    Verdict,
    is_right,
    judge,
)
from cma_toolkit.host_tools.secure.measurements import LOADER, MICROPYTHON, from_reply
from cma_toolkit.host_tools.secure.pyca import PycaCrypto
from cma_toolkit.host_tools.secure.references import Registry, Sought

MENDS = {
    TOKEN: "put it aside until you know which board it is",
    IMAGE: "bring the release to it with cma rollout, or flash it with cma flash",
    MICROPYTHON: "flash it again with cma flash",
    LOADER: "flash it again with cma flash",
    FILES: "flash it again with cma flash",
    SETTINGS: "write them again with cma provision",
}


@click.command(
    epilog=examples(
        "cma attest greenhouse-07            one board of your fleet",
        "cma attest --all                    every board that is plugged in",
        "cma attest --all --least 6          releases from 6 on are right, too",
        "cma attest --all -o json | jq 'select(.event == \"attestation\")'",
    )
)
@click.argument("boards", nargs=-1, metavar="[BOARD]...")
@board_options(several=True, timeout_s=120.0)
@click.option(
    "--least",
    type=click.IntRange(min=1),
    metavar="N",
    help="Take release N and later ones for right; default: the newest, or what is built here.",
)
def command(boards: tuple[str, ...], options: BoardOptions, *, least: int | None) -> int:
    """Have boards prove what runs on them: image, MicroPython, loader and settings.

    BOARD is a name of your fleet, id:MAC, label=NAME or a port. Each board is started anew, and
    measures itself by code that it is lent; it signs that with the key it was enrolled with, for
    a nonce drawn just then. Nothing is written to it. What software says of itself is no proof
    against whoever replaced it: docs/attestation.md has what it shows, and what not.
    """
    project = load_project(need_folder(Path.cwd()))
    options = _meant(boards, options)
    ports = chosen_ports(options, several=True)
    place = tempfile.TemporaryDirectory(prefix="cma-attest-")
    with Database(project.database) as database, place as folder:
        verifier = Verifier(project, database, Path(folder), least or 0)
        began_s = time.monotonic()
        outcomes = run_with_progress(
            [verifier.job(port, options) for port in ports],
            "Attesting",
            options.output,
            quiet=options.quiet,
            timeout_s=options.timeout_s + options.wait_s,
        )
        ended = [
            verifier.judged(outcome, port) for outcome, port in zip(outcomes, ports, strict=True)
        ]
        for one in ended:
            one.outcome.took_s = one.outcome.took_s or time.monotonic() - began_s
            _record(database, one)
    _show(ended, options)
    return exit_code_of([one.outcome for one in ended])


@dataclass(frozen=True)
class Judged:
    """How one board ended: its verdicts, or none where it did not come to them."""

    outcome: Outcome
    mac: str = ""
    name: str = ""
    verdicts: tuple[Verdict, ...] = ()


class Verifier:
    """What holds the boards of one project to what is known."""

    def __init__(self, project: Project, database: Database, folder: Path, least: int) -> None:
        self._project, self._database = project, database
        self._enrolments = Enrolments(database)
        self._crypto = PycaCrypto()
        app = application_of(project.folder)
        self._made = AgentImages(folder, app=app, project=project.folder)
        store = micropython.open_store(project.folder)
        self._registry = Registry(project, store, self._build, _stand_ins, least)

    def job(self, port: Port, options: BoardOptions) -> Job:
        """Return what asks the board at a port."""
        named = options.selector.devices if not options.selector.ports else ()
        find = fleet_finder()
        request = {
            "url": port.url,
            "wait_s": options.wait_s,
            "macs": [known.mac for who in named for known in find(who)],
            "named": " or ".join(named),
            "enrolled": [one.mac for one in self._enrolments.all()],
        }
        return Job(port.label, port.url, MODULE, request)

    def judged(self, outcome: Outcome, port: Port) -> Judged:
        """Return what is to be said of one board's answer."""
        if outcome.code:
            return Judged(outcome)
        mac = str(outcome.value["mac"])
        record = self._database.by_mac(mac)
        name = record.name if record else ""
        self._database.saw(mac, port=port.url, chip=str(outcome.value["chip"]))
        try:
            verdicts = self._judge(outcome, mac, port)
        except CmaError as error:
            return Judged(replace(outcome, code=error.code, message=error.message), mac, name)
        if not is_right(verdicts):
            failure = verify_failed(sentence(name or mac, verdicts))
            outcome = replace(outcome, code=failure.code, message=failure.message)
        return Judged(outcome, mac, name, tuple(verdicts))

    def _judge(self, outcome: Outcome, mac: str, port: Port) -> list[Verdict]:
        enrolment = self._enrolment(mac)
        measured = from_reply(outcome.value["reply"])
        others = {
            one.signer: self._called(one) for one in self._enrolments.all() if one.mac != mac
        }
        asked = Question(
            bytes.fromhex(mac.replace(":", "")),
            bytes.fromhex(outcome.value["nonce"]),
            enrolment.signer,
            int(outcome.value["took_ms"]),
            others,
        )
        sought = self._sought(mac, port.virtual, measured.slot[0][1])
        return judge(measured, asked, self._registry.for_board(sought), self._crypto)

    def _enrolment(self, mac: str) -> Enrolment:
        enrolment = self._enrolments.by_mac(mac)
        if enrolment is None:
            raise refused(not_enrolled(mac))
        if not enrolment.is_live:
            raise refused(
                f"The certificate of {mac} was revoked ({enrolment.why}): enrol the board anew "
                "with cma provision, or put it aside."
            )
        return enrolment

    def _sought(self, mac: str, virtual: bool, image: bytes) -> Sought:
        record = self._database.by_mac(mac)
        rows = [row for row in self._project.rows if row.mac == mac]
        row = rows[0] if rows else self._project.row(record.name if record else "")
        if row is None or record is None:
            raise refused(f"{mac} has no line in the inventory: add one, then cma provision.")
        board = self._project.boards.get(row.board or record.board)
        if board is None:
            raise refused(f"{row.name} is of no kind that is known: run cma provision.")
        return Sought(board, row, virtual, image)

    def _called(self, enrolment: Enrolment) -> str:
        record = self._database.by_mac(enrolment.mac)
        return record.name if record and record.name else enrolment.mac

    def _build(self, chip: str, virtual: bool) -> Image:
        return self._made.of(chip, virtual=virtual)


def sentence(who: str, verdicts: list[Verdict]) -> str:
    """Return what is wrong with a board, and what to do about it."""
    wrong = [verdict for verdict in verdicts if not verdict.is_good]
    told = "; ".join(f"{one.claim} {one.state}: {one.text}" for one in wrong)
    return f"{who}: {told}. What to do: {MENDS[wrong[0].claim]}."


def _stand_ins(board: Board) -> Mapping[str, bytes]:
    """Return the MicroPythons that virtual boards of a kind are flashed with, by what they are."""
    from cma_toolkit.sim.virtual_board.boot.firmware_image import make_micropython

    return {
        f"MicroPython {version} as virtual boards have it": make_micropython(board.chip, version)
        for version in board.micropython.releases
    }


def _meant(words: tuple[str, ...], options: BoardOptions) -> BoardOptions:
    """Return the options with the boards that stand without one: of the fleet, else ports."""
    find = fleet_finder()
    devices = tuple(word for word in words if find(word))
    ports = tuple(word for word in words if word not in devices)
    chosen = options.selector
    selector = replace(chosen, ports=(*chosen.ports, *ports), devices=(*chosen.devices, *devices))
    return replace(options, selector=selector)


def _record(database: Database, one: Judged) -> None:
    if one.mac:
        database.record(
            Result(
                at="",
                mac=one.mac,
                name=one.name,
                command="attest",
                code=int(one.outcome.code),
                message=one.outcome.message,
                seconds=round(one.outcome.took_s, 2),
            )
        )


def _show(ended: list[Judged], options: BoardOptions) -> None:
    if options.output == "json":
        for one in ended:
            if one.verdicts:
                click.echo(json.dumps(_fields(one)))
    else:
        rows = [
            [one.name or one.mac, verdict.claim, verdict.state.value, verdict.text]
            for one in ended
            for verdict in one.verdicts
        ]
        if rows:
            print_table(["board", "claim", "verdict", "what was found"], rows)
    for one in ended:
        one.outcome.value = {"name": one.name or one.mac}
    print_summary([one.outcome for one in ended], (("name", "name"),), options.output)


def _fields(one: Judged) -> dict[str, object]:
    return {
        "event": "attestation",
        "board": one.outcome.job.label,
        "port": one.outcome.job.port,
        "mac": one.mac,
        "name": one.name,
        "right": is_right(one.verdicts),
        "claims": [asdict(verdict) for verdict in one.verdicts],
    }
