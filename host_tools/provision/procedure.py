"""How boards are provisioned: read all, decide on all, then write what differs.

The commands run the jobs; here is what the jobs are and what is decided between them.
"""

import secrets as entropy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from cma_toolkit.boards.errors import BoardFileError
from cma_toolkit.boards.load import Board, default_board_id
from cma_toolkit.boards.render import render_pins
from cma_toolkit.host_tools.errors import CmaError, ExitCode, refused
from cma_toolkit.host_tools.flash.flash_job import FlashRequest
from cma_toolkit.host_tools.fleet.database import Database, NameTakenError
from cma_toolkit.host_tools.fleet.project import Project
from cma_toolkit.host_tools.fleet.secret import Secret
from cma_toolkit.host_tools.image.build import Image
from cma_toolkit.host_tools.ports.discover import Port
from cma_toolkit.host_tools.ports.workers import Job, Outcome
from cma_toolkit.host_tools.provision.actual import Actual, from_json
from cma_toolkit.host_tools.provision.binding import Bound, How, Ledger, Seen
from cma_toolkit.host_tools.provision.desired import REVISION_KEY, Desired, desired
from cma_toolkit.host_tools.provision.enrolling import Enroller, change
from cma_toolkit.host_tools.provision.enrolment import Step
from cma_toolkit.host_tools.provision.plan import (
    Change,
    Plan,
    check_board,
    check_flashed,
    is_anothers,
    make_plan,
)

WORKER = "cma_toolkit.host_tools.provision.worker"
IMAGE_WORKER = "cma_toolkit.host_tools.flash.worker"
SALT_BYTES = 16


class Images(Protocol):
    """What has the agent's image for each board."""

    def of(self, chip: str, *, virtual: bool) -> Image:
        """Return the image for a board."""

    def files(self, port: Port) -> dict[str, str]:
        """Return it as files, by architecture."""

    @property
    def loader(self) -> str:
        """The file of the loader."""

    @property
    def root(self) -> str:
        """The file of the document that boards are to believe, empty if there is none."""


@dataclass(frozen=True)
class Decision:
    """What was decided for one board: its row and plan, or why not."""

    port: Port
    actual: Actual | None = None
    bound: Bound | None = None
    desired: Desired | None = None
    plan: Plan | None = None
    error: CmaError | None = None
    step: Step | None = None
    lacks_list: bool = False

    @property
    def changes(self) -> tuple[Change, ...]:
        """Return all that a run would change on this board, in words."""
        assert self.plan
        found = [*self.plan.changes]
        found += [change(self.step)] if self.step else []
        found += [Change("revocations", "older", "newest")] if self.lacks_list else []
        return tuple(found)


class Procedure:
    """One run of `cma provision` over some ports of one project.

    With `replace` each board gets new keys, and those that it had are revoked.
    """

    def __init__(
        self, project: Project, database: Database, images: Images, *, replace: bool = False
    ) -> None:
        self.project = project
        self.database = database
        self.enroller = Enroller(project, database, replace=replace)
        self._images = images
        self._flashed_as: dict[str, str] = {}
        self._salt = entropy.token_bytes(SALT_BYTES)

    def read_jobs(self, ports: Sequence[Port], wait_s: float) -> list[Job]:
        """Return the jobs that read each board."""
        return [
            Job(port.label, port.url, WORKER, self._request(port, "read", wait_s))
            for port in ports
        ]

    def self_test_job(self, port: Port, board_id: str, wait_s: float) -> Job:
        """Return the job that tests a board of a kind.

        Raises: CmaError 4 for a kind that this project has not.
        """
        if board_id not in self.project.boards:
            raise refused(
                f"The board at {port.label} is a {board_id}, which this project does not know: "
                f"put its file into {self.project.folder / 'boards'}."
            )
        pins = render_pins(self.project.boards[board_id])
        request = self._request(port, "self_test", wait_s) | {"pins": pins}
        return Job(port.label, port.url, WORKER, request)

    def decide(
        self,
        ports: Sequence[Port],
        outcomes: Sequence[Outcome],
        *,
        assign: bool,
        yes: bool,
        flashed_as: Mapping[str, str] | None = None,
    ) -> list[Decision]:
        """Bind each board that answered to its row and work out what differs.

        `flashed_as` gives the board id, by MAC, of boards that were flashed just now.
        """
        self._flashed_as = dict(flashed_as or {})
        read: dict[Port, Actual | CmaError] = {}
        for port, outcome in zip(ports, outcomes, strict=True):
            if outcome.code:
                read[port] = CmaError(outcome.message, ExitCode(outcome.code))
                continue
            actual = read[port] = from_json(outcome.value)
            self.database.saw(actual.mac, port=port.url, chip=actual.chip)
        boards = [self._seen(actual) for actual in read.values() if isinstance(actual, Actual)]
        bound = self.ledger().bind(boards, assign=assign)
        return [self._decide(port, found, bound, yes) for port, found in read.items()]

    def ledger(self) -> Ledger:
        """Return who has which name now."""
        claims = {board.mac: board.name for board in self.database.boards() if board.name}
        chips = {board.id: board.chip for board in self.project.boards.values()}
        return Ledger(self.project.rows, claims, chips)

    def claim(self, decision: Decision) -> None:
        """Give the row's name to the board before anything is written.

        Raises: CmaError 4 if another board got the name meanwhile.
        """
        assert decision.actual and decision.bound
        name, mac = decision.bound.row.name, decision.actual.mac
        if decision.bound.how is How.INVENTORY:
            self._take_over(name, mac)
        try:
            self.database.claim(mac, name)
        except NameTakenError as taken:
            raise refused(
                f"{name} is {taken.mac} already. Run this again, or first: "
                f"cma provision --release {name}"
            ) from taken

    def image_job(self, decision: Decision, wait_s: float) -> Job:
        """Return the job that writes the application's image to one board, by its loader."""
        assert decision.desired and decision.actual
        port = decision.port
        request = FlashRequest(
            url=port.url,
            romfs=self._images.files(port),
            loader=self._images.loader,
            root=self._images.root,
            images={},
            board=decision.desired.board_id,
            project=str(self.project.folder),
            wait_s=wait_s,
            only_macs=[decision.actual.mac],
            image_only=True,
        )
        return Job(port.label, port.url, IMAGE_WORKER, {"operation": "flash", **asdict(request)})

    def keys_job(self, decision: Decision, wait_s: float) -> Job:
        """Return the job in which a board makes its keys, where it has none, and proves them."""
        assert decision.actual and decision.step
        port = decision.port
        request = self._request(port, "keys", wait_s) | {
            "keys": decision.step.keys.value,
            **self.enroller.question(decision.actual),
        }
        return Job(port.label, port.url, WORKER, request)

    def certify(self, decision: Decision, outcome: Outcome) -> Outcome:
        """Certify the keys that a board proved; returns how that ended."""
        assert decision.bound and decision.actual
        if not outcome.code:
            try:
                self.enroller.certify(decision.bound.row, decision.actual, outcome.value)
            except CmaError as error:
                outcome.code, outcome.message = error.code, error.message
        return outcome

    def apply_job(self, decision: Decision, wait_s: float) -> Job:
        """Return the job that writes what differs to one board."""
        plan, wanted, actual = decision.plan, decision.desired, decision.actual
        assert plan and wanted and actual
        request = self._request(decision.port, "apply", wait_s) | {
            "mac": actual.mac,
            "set_aside": list(plan.set_aside),
            "values": {
                key: value.hex() for key, value in plan.values.items() if isinstance(value, bytes)
            },
            "secret_values": {
                key: value.reveal().encode().hex()
                for key, value in plan.values.items()
                if isinstance(value, Secret)
            },
            "erase": list(plan.erase),
            "revision": plan.revision,
            "revision_changes": plan.touches_nvs,
            "keep": self.enroller.to_keep(actual),
            "expected": self._expected(wanted, actual, plan),
            "expected_identity": self.enroller.expected(actual),
        }
        return Job(decision.port.label, decision.port.url, WORKER, request)

    def finish(self, decision: Decision) -> None:
        """Record that a board holds what its row says."""
        assert decision.actual and decision.bound and decision.plan and decision.desired
        row = decision.bound.row
        self.database.finish(
            decision.actual.mac,
            board=decision.desired.board_id,
            cluster=row.cluster,
            labels=row.labels,
            revision=decision.plan.revision,
        )
        self.enroller.finish(decision.actual)

    def notes(self, decision: Decision, *, assign: bool, yes: bool) -> list[str]:
        """Return what a real run of this plan would need besides."""
        assert decision.bound and decision.actual
        notes = []
        if decision.bound.how is How.ASSIGNED and not assign:
            notes.append(f"needs --assign: {decision.actual.mac} is in no line of the inventory")
        if is_anothers(decision.actual, decision.bound.row.name, self.project.fleet.name):
            name, fleet = decision.actual.name, decision.actual.fleet
            if not yes:
                notes.append(f'needs --yes: it is "{name}" of fleet "{fleet}" now')
        return notes

    def _request(self, port: Port, do: str, wait_s: float) -> dict[str, Any]:
        return {
            "do": do,
            "url": port.url,
            "wait_s": wait_s,
            "salt": self._salt.hex(),
        }

    def _seen(self, actual: Actual) -> Seen:
        ours = actual.fleet == self.project.fleet.name
        name = actual.name if ours else ""
        return Seen(actual.mac, actual.chip, name, self._flashed_as.get(actual.mac, ""))

    def _decide(
        self, port: Port, found: Actual | CmaError, bound: Mapping[str, Bound], yes: bool
    ) -> Decision:
        if isinstance(found, CmaError):
            return Decision(port, error=found)
        try:
            check_flashed(found, port.label)
            if found.mac not in bound:
                raise self._no_row(found, port)
            mine = bound[found.mac]
            board = self._board(mine, found)
            image = self._images.of(board.chip, virtual=port.virtual)
            wanted = desired(mine.row, self.project.fleet, board, self.project.secrets, image)
            check_board(wanted, found, self.project.fleet.name, port.label, yes=yes)
            record = self.database.by_mac(found.mac)
            used = record.revision if record else 0
            plan = make_plan(wanted, found, self._salt, used)
            step = self.enroller.next_step(mine.row, found)
            lacks_list = self.enroller.lacks_list(found)
            return Decision(port, found, mine, wanted, plan, step=step, lacks_list=lacks_list)
        except CmaError as error:
            return Decision(port, found, bound.get(found.mac), error=error)

    def _board(self, bound: Bound, actual: Actual) -> Board:
        """Return the kind of board: by its row, else as known, else its chip's dev kit."""
        boards = self.project.boards
        if bound.row.board:
            return boards[bound.row.board]
        record = self.database.by_mac(actual.mac)
        flashed = self._flashed_as.get(actual.mac, "")
        for known in (flashed, actual.board_id, record.board if record else ""):
            if known in boards and boards[known].chip == actual.chip:
                return boards[known]
        try:
            return boards[default_board_id(actual.chip)]
        except BoardFileError as error:
            raise refused(str(error)) from error

    def _no_row(self, actual: Actual, port: Port) -> CmaError:
        ledger = self.ledger()
        twin = next((row for row in ledger.rows if row.name == actual.name), None)
        if twin and actual.fleet == self.project.fleet.name:
            return refused(
                f'The board at {port.label} ({actual.mac}) says it is "{twin.name}", and so does '
                f"another board. Release the name (cma provision --release {twin.name}), or give "
                "this board a line of its own in the inventory."
            )
        if not any(not row.mac for row in ledger.rows) or not ledger.free_count():
            return refused(
                f"Every line of the inventory has its board, and {actual.mac} at {port.label} is "
                "none of them. Add a line for it."
            )
        return refused(
            f"{actual.mac} at {port.label} is in no line of the inventory. Write its MAC into "
            "one, or run with --assign to give it the next free line that fits its chip."
        )

    def _take_over(self, name: str, mac: str) -> None:
        # The inventory is the user's word: a board replaced there loses its name here.
        owner = next(iter(self.database.find(name)), None)
        if owner and owner.mac != mac:
            self.database.release(owner.name)

    def _expected(self, wanted: Desired, actual: Actual, plan: Plan) -> dict[str, Any]:
        expected: dict[str, Any] = {"image": wanted.image.sha256, "shadows": []}
        for key, value in wanted.keys.items():
            if isinstance(value, Secret):
                expected[key] = value.fingerprint(self._salt)
            else:
                expected[key] = value.hex()
        return {**expected, "mac": actual.mac, REVISION_KEY: plan.revision}
